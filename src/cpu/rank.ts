// Twin of shaders/rank.wgsl.ts: a candidate's place in its bin is the number of the bin's members that come before it.

import { CANDIDATE, COUNTERS, type Params, ROW_WORDS } from '../layout.js';
import { binOf } from './bins.js';
import { candidateWord, comesBefore, type Memory, stateOf } from './memory.js';

/** One image of the `rank` stage. */
export function rank(memory: Memory, image: number, params: Params): void {
	const { counters, starts, cursors } = stateOf(memory, image);
	const numCandidates = counters[COUNTERS.appended];
	const rows = memory.candidates.u32;
	const rowOf = (slot: number) => candidateWord(memory, image, memory.binned[image * params.capacity + slot]);
	for (let slot = 0; slot < numCandidates; slot++) {
		const row = rowOf(slot);
		const bin = binOf(params, rows[row + CANDIDATE.words.key], rows[row + CANDIDATE.words.id], memory.sizes.bins);
		if (starts[bin] >= counters[COUNTERS.sorted]) continue; // the whole bin lies behind the cut
		let place = starts[bin];
		for (let other = starts[bin]; other < starts[bin] + cursors[bin]; other++) {
			if (comesBefore(params, rows, rowOf(other), row)) place++;
		}
		if (place < counters[COUNTERS.sorted]) {
			memory.sorted.u32.set(rows.subarray(row, row + ROW_WORDS), candidateWord(memory, image, place));
		}
	}
}

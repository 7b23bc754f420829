// Twin of shaders/rank.wgsl.ts: a candidate's place in its bin is the number of the bin's members that come before it.

import { CANDIDATE, COUNTERS, type Params, ROW_WORDS } from '../layout.js';
import { binOf } from './bins.js';
import { candidateWord, comesBefore, type Memory, stateOf } from './memory.js';

/** One slot of the `rank` stage. */
export function rank(memory: Memory, slot: number, params: Params): void {
	const { counters, starts, cursors } = stateOf(memory, slot);
	const numCandidates = counters[COUNTERS.appended];
	const rows = memory.candidates.u32;
	const rowOf = (i: number) => candidateWord(memory, slot, memory.binned[slot * params.capacity + i]);
	for (let i = 0; i < numCandidates; i++) {
		const row = rowOf(i);
		const bin = binOf(params, rows[row + CANDIDATE.words.key], rows[row + CANDIDATE.words.id], memory.sizes.bins);
		if (starts[bin] >= counters[COUNTERS.sorted]) continue; // the whole bin lies behind the cut
		let place = starts[bin];
		for (let other = starts[bin]; other < starts[bin] + cursors[bin]; other++) {
			if (comesBefore(params, rows, rowOf(other), row)) place++;
		}
		if (place < counters[COUNTERS.sorted]) {
			memory.sorted.u32.set(rows.subarray(row, row + ROW_WORDS), candidateWord(memory, slot, place));
		}
	}
}

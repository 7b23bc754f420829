// Twin of shaders/scatter.wgsl.ts: each candidate goes to a slot of its bin, unless the bin lies behind the cut; order inside a bin is arbitrary.
// None where `bins` has sorted them already.

import { CANDIDATE, COUNTERS, type Params, ROW_WORDS } from '../layout.js';
import { binOf } from './bins.js';
import { candidateWord, type Memory, stateOf } from './memory.js';

/** One slot of the `scatter` stage. */
export function scatter(memory: Memory, slot: number, params: Params): void {
	const { counters, starts, cursors } = stateOf(memory, slot);
	const numCandidates = counters[COUNTERS.binned] === 0 ? 0 : counters[COUNTERS.appended];
	const { u32 } = memory.candidates;
	for (let i = 0; i < numCandidates; i++) {
		const row = candidateWord(memory, slot, i);
		const bin = binOf(params, u32[row + CANDIDATE.words.key], u32[row + CANDIDATE.words.id], memory.sizes.bins);
		if (starts[bin] >= counters[COUNTERS.sorted]) continue;
		memory.binned.u32.set(u32.subarray(row, row + ROW_WORDS), candidateWord(memory, slot, starts[bin] + cursors[bin]++));
	}
}

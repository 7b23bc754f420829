// Twin of shaders/scatter.wgsl.ts: each candidate's number goes to a slot of its bin; order inside a bin is arbitrary.

import { CANDIDATE, COUNTERS, type Params } from '../layout.js';
import { binOf } from './bins.js';
import { candidateWord, type Memory, stateOf } from './memory.js';

/** One slot of the `scatter` stage. */
export function scatter(memory: Memory, slot: number, params: Params): void {
	const { counters, starts, cursors } = stateOf(memory, slot);
	const numCandidates = counters[COUNTERS.appended];
	for (let i = 0; i < numCandidates; i++) {
		const row = candidateWord(memory, slot, i);
		const { u32 } = memory.candidates;
		const bin = binOf(params, u32[row + CANDIDATE.words.key], u32[row + CANDIDATE.words.id], memory.sizes.bins);
		memory.binned[slot * params.capacity + starts[bin] + cursors[bin]++] = i;
	}
}

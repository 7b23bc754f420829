// Twin of shaders/merge.wgsl.ts: the sorted lists of an image's levels become one sorted list, cut at max_candidates. A
// row's place is its place in its own list plus the rows of every other list that come before it.

import { COUNTERS, type Params, ROW_WORDS } from '../layout.js';
import { candidateWord, comesBefore, type Memory, stateOf } from './memory.js';

/** One image of the `merge` stage. Reads `sorted`, writes `candidates`, whose rows nobody needs any more. */
export function merge(memory: Memory, image: number, params: Params): void {
	const { slots } = memory.capacity;
	const { u32 } = memory.sorted;
	const rows: number[] = [];
	for (let slot = image * slots; slot < (image + 1) * slots; slot++) {
		for (let i = 0; i < stateOf(memory, slot).counters[COUNTERS.sorted]; i++) rows.push(candidateWord(memory, slot, i));
	}
	rows.sort((p, q) => (comesBefore(params, u32, p, q) ? -1 : 1));
	const count = Math.min(rows.length, params.max_candidates);
	const list = candidateWord(memory, image * slots, 0);
	for (let i = 0; i < count; i++) memory.candidates.u32.set(u32.subarray(rows[i], rows[i] + ROW_WORDS), list + i * ROW_WORDS);
	stateOf(memory, image * slots).counters[COUNTERS.listed] = count;
}

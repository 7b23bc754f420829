// The buffers of a run as the twins see them: the same words in the same places as on the GPU, so that a run may be
// read back after any step and carried on here.

import { CANDIDATE, HEADER_WORDS, NUM_COUNTERS, type Params, ROW_WORDS, type Sizes, stateWords } from '../layout.js';
import { type Capacity, planBytes } from '../plan.js';

/** One buffer, as integers and as floats. */
export interface Words {
	readonly u32: Uint32Array;
	readonly f32: Float32Array;
}

/** Both views of a buffer. */
export function words(buffer: ArrayBuffer): Words {
	return { u32: new Uint32Array(buffer), f32: new Float32Array(buffer) };
}

/** All buffers between the stages, all images. */
export interface Memory {
	readonly sizes: Sizes;
	readonly capacity: Capacity;
	readonly state: Uint32Array;
	readonly candidates: Words;
	readonly binned: Words;
	readonly sorted: Words;
	readonly kept: Uint32Array;
	readonly output: Words;
}

/** Zeroed memory for a run. */
export function createMemory(capacity: Capacity, sizes: Sizes): Memory {
	const bytes = planBytes(capacity, sizes, false);
	return {
		sizes,
		capacity,
		state: new Uint32Array(bytes.state / 4),
		candidates: words(new ArrayBuffer(bytes.candidates)),
		binned: words(new ArrayBuffer(bytes.binned)),
		sorted: words(new ArrayBuffer(bytes.sorted)),
		kept: new Uint32Array(bytes.kept / 4),
		output: words(new ArrayBuffer(bytes.output)),
	};
}

/** The sorted lists of images, after `merge` where levels are cut one by one: it writes where the candidates were. */
export function listsOf(memory: Memory): Words {
	return memory.capacity.slots > 1 ? memory.candidates : memory.sorted;
}

/** One slot's state, cut up; an image's own when it has one slot. */
export interface State {
	readonly counters: Uint32Array;
	readonly histogram: Uint32Array;
	readonly starts: Uint32Array;
	readonly cursors: Uint32Array;
}

export function stateOf(memory: Memory, slot: number): State {
	const { bins } = memory.sizes;
	const at = slot * stateWords(memory.sizes);
	const part = (i: number) => memory.state.subarray(at + NUM_COUNTERS + i * bins, at + NUM_COUNTERS + (i + 1) * bins);
	return { counters: memory.state.subarray(at, at + NUM_COUNTERS), histogram: part(0), starts: part(1), cursors: part(2) };
}

/** The first word of candidate row `i` of a slot. */
export function candidateWord(memory: Memory, slot: number, i: number): number {
	return (slot * memory.capacity.candidates + i) * ROW_WORDS;
}

/** The first word of an image's result. */
export function outputWord(memory: Memory, image: number): number {
	return image * (HEADER_WORDS + memory.capacity.rows * memory.capacity.rowWords);
}

/** An id in the order that decides ties: ascending is better. */
export function tieOrder(params: Params, id: number): number {
	return params.tie_mask ? params.last_id - id : id;
}

/** True when candidate row at word p comes before the one at word q: higher key, then better tie order. */
export function comesBefore(params: Params, rows: Uint32Array, p: number, q: number): boolean {
	const { key, id } = CANDIDATE.words;
	if (rows[p + key] !== rows[q + key]) return rows[p + key] > rows[q + key];
	return tieOrder(params, rows[p + id]) < tieOrder(params, rows[q + id]);
}

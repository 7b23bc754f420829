// Candidate rows as the fast path keeps them: the layout that the GPU writes, so that its rows can be taken over as they are.

import { CANDIDATE } from '../layout.js';

/** Words of a row; the box stands in the first four. */
export const ROW = CANDIDATE.byteSize / 4;
/** Where the other fields stand in a row. */
export const AREA = CANDIDATE.words.area;
export const KEY = CANDIDATE.words.key;
export const ID = CANDIDATE.words.id;
export const CLASS = CANDIDATE.words.class_id;

/** A longer copy of an array. */
export function grown(array: Uint32Array, size: number): Uint32Array<ArrayBuffer> {
	const copy = new Uint32Array(size);
	copy.set(array);
	return copy;
}

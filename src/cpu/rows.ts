// Candidate rows as the fast path keeps them: the layout that the GPU writes, so that its rows can be taken over as they are.

import { areaOf, flushCoordinate } from '../boxes/overlap.js';
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

/** Writes a usable box, its coordinates flushed, and its area to the row at word `at`. */
export function writeBox(rows: Float32Array, at: number, x1: number, y1: number, x2: number, y2: number): void {
	const left = flushCoordinate(x1);
	const top = flushCoordinate(y1);
	const right = flushCoordinate(x2);
	const bottom = flushCoordinate(y2);
	rows[at] = left;
	rows[at + 1] = top;
	rows[at + 2] = right;
	rows[at + 3] = bottom;
	rows[at + AREA] = areaOf(left, top, right, bottom);
}

// What the YOLO decoders of the tests share: the cells of a pyramid of 96 pixels, kinds of random numbers by channel, and
// how a score is chosen. Float64, plain loops, nothing of src.

import type { OracleCandidate } from './oracle.js';

export const SIZE = 96;
/** Classes of every case; no map is so wide. */
export const CLASSES = 5;
export const STRIDES = [8, 16, 32];
/** Cells of all three levels: 144 + 36 + 9. */
export const CELLS = 189;

export const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
export const toXyxy = ([x, y, w, h]: Iterable<number>): [number, number, number, number] => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];

/** A cell of a level. */
export interface Cell {
	level: number;
	stride: number;
	/** Cells in a row of the level, and in all of it. */
	width: number;
	count: number;
	x: number;
	y: number;
	/** y * width + x. */
	cell: number;
	/** Number among the cells of all levels. */
	index: number;
}

/** The cells of levels of these strides, level by level, row by row. */
export function cellsOf(strides: readonly number[], size = SIZE): Cell[] {
	const cells: Cell[] = [];
	strides.forEach((stride, level) => {
		const width = size / stride;
		for (let cell = 0; cell < width * width; cell++)
			cells.push({ level, stride, width, count: width * width, x: cell % width, y: Math.floor(cell / width), cell, index: cells.length });
	});
	return cells;
}

/** One random number of a kind. */
export type Kind = (next: () => number) => number;
export const LOGIT: Kind = (next) => next() * 8 - 4;
export const UNIT: Kind = (next) => next();
export const PIXEL: Kind = (next) => next() * SIZE;
export const LENGTH: Kind = (next) => 4 + next() * 40;
export const times = (kind: Kind, n: number): Kind[] => Array.from({ length: n }, () => kind);
/** cx, cy, w, h in pixels, or as fractions of the input. */
export const BOX: Kind[] = [PIXEL, PIXEL, LENGTH, LENGTH];
export const FRACTIONS: Kind[] = BOX.map((kind) => (next) => kind(next) / SIZE);

/** Numbers of a tensor [anchors, channels], by channel. */
export const rows = (kinds: readonly Kind[]) => (next: () => number, _t: number, i: number) => kinds[i % kinds.length](next);
/** Numbers of a tensor [channels, anchors], by channel. */
export const planes =
	(kinds: readonly Kind[], anchors = CELLS) =>
	(next: () => number, _t: number, i: number) =>
		kinds[Math.floor(i / anchors)](next);

/** The channels of one anchor of a tensor [channels, anchors]. */
export const column = (tensor: Float32Array, anchor: number, channels: number): number[] =>
	Array.from({ length: channels }, (_, c) => tensor[(c * tensor.length) / channels + anchor]);
/** The channels of one anchor of a tensor [anchors, channels]. */
export const row = (tensor: Float32Array, anchor: number, channels: number): number[] =>
	Array.from(tensor.subarray(anchor * channels, (anchor + 1) * channels));

/** The best class of an anchor and its score; the first of equals. */
export function best(scores: readonly number[], factor = 1): Pick<OracleCandidate, 'classId' | 'score'> {
	const classId = scores.indexOf(Math.max(...scores));
	return { classId, score: factor * scores[classId] };
}

/** A box by its distances, in strides, from the middle of a cell. */
export const middle = ({ x, y, stride }: Cell, [l, t, r, b]: readonly number[]): [number, number, number, number] => [
	(x + 0.5 - l) * stride,
	(y + 0.5 - t) * stride,
	(x + 0.5 + r) * stride,
	(y + 0.5 + b) * stride,
];

/** The mean of each side's softmax over its bins. */
export const meansOf = (logits: readonly number[], bins: number): number[] =>
	[0, 1, 2, 3].map((side) => {
		const e = logits.slice(side * bins, (side + 1) * bins).map(Math.exp);
		return e.reduce((sum, v, b) => sum + v * b, 0) / e.reduce((a, b) => a + b);
	});

// Points as the anchor-free rules take them: x, y and stride, as `anchorPoints` gives them; a level is a run of rows with one
// stride. And centerness, FCOS's measure of how far in the middle of a box a point stands (Tian et al. 2019, equation 3).

import { refuse } from '../../checks.js';
import { sqrt32 } from '../../functions.js';
import { type BoxesLike, checkRows, type FloatsLike } from '../../inputs.js';
import { checkUprightBoxes } from './fates.js';

const round = Math.fround;

/** Points [N, 4]: x, y, stride in x, stride in y, as `anchorPoints` gives them; or boxes of one stride's size about them, { data, format }. */
export type PointsLike = FloatsLike | Exclude<BoxesLike, FloatsLike>;

/** Rows of one stride. */
export interface PointLevel {
	readonly first: number;
	readonly end: number;
	readonly stride: number;
}

/** [N, 4] x, y, stride, stride; finite, strides positive. */
export function checkPoints(where: string, value: unknown): Float32Array {
	const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
	const rows = isRecord ? pointsOf(checkUprightBoxes(where, 'points', value)) : checkRows(where, 'points', value, 4);
	for (let k = 0; k < rows.length; k++) {
		const name = `points[${k}]`;
		if (!Number.isFinite(rows[k])) refuse(RangeError, where, name, 'must be a finite number', rows[k]);
		if (k % 4 > 1 && !(rows[k] > 0)) refuse(RangeError, where, name, 'must be a positive stride', rows[k], 'rows are x, y, stride, stride');
	}
	return rows;
}

/** Centre and size of xyxy boxes: torchvision's FCOS has its points so. */
function pointsOf(boxes: Float32Array): Float32Array {
	return boxes.map((v, k) => (k % 4 < 2 ? round(v + boxes[k + 2]) * 0.5 : v - boxes[k - 2]));
}

/** Runs of rows with the same stride. */
export function levelsOf(points: Float32Array): PointLevel[] {
	const levels: PointLevel[] = [];
	const count = points.length / 4;
	for (let first = 0, i = 1; i <= count; i++) {
		if (i < count && points[i * 4 + 2] === points[first * 4 + 2]) continue;
		levels.push({ first, end: i, stride: points[first * 4 + 2] });
		first = i;
	}
	return levels;
}

/** From 1 in the middle of a box to 0 on its border and outside: sqrt(min(l, r) / max(l, r) x min(t, b) / max(t, b)). */
export function centerness(left: number, top: number, right: number, bottom: number): number {
	const least = Math.min(left, top, right, bottom);
	if (!(least > 0)) return 0;
	const across = round(Math.min(left, right) / Math.max(left, right));
	const down = round(Math.min(top, bottom) / Math.max(top, bottom));
	return sqrt32(round(across * down));
}

// Gradients by central differences in double precision: what a loss written as a plain loop says of analytic ones.

import { expect } from 'vitest';

/**
 * Expects `gradients` to be the slopes of `loss` by each of `values`, to 1e-3 of themselves, or to 1e-5 of the steepest. Every `every`-th is looked
 * at. A step must not cross a corner of the loss.
 */
export function expectSlopes(loss: (values: Float64Array) => number, values: ArrayLike<number>, gradients: ArrayLike<number>, every = 1, step = 1e-4): void {
	expect(gradients.length).toBe(values.length);
	const at = Float64Array.from(values);
	let steepest = 0;
	for (let k = 0; k < gradients.length; k++) steepest = Math.max(steepest, Math.abs(gradients[k]));
	expect(steepest).toBeGreaterThan(0);
	for (let k = 0; k < at.length; k += every) {
		const middle = at[k];
		at[k] = middle + step;
		const above = loss(at);
		at[k] = middle - step;
		const below = loss(at);
		at[k] = middle;
		const slope = (above - below) / (2 * step);
		if (!(Math.abs(gradients[k] - slope) <= 1e-3 * Math.abs(slope) + 1e-5 * steepest)) expect.fail(`gradient ${k}: ${gradients[k]}, differences say ${slope}`);
	}
}

/** Expects a float32 value to be a double one, to 1e-5 of it. */
export function expectNear(actual: number, expected: number): void {
	expect(Math.abs(actual - expected)).toBeLessThanOrEqual(1e-5 * Math.max(Math.abs(expected), 1e-2));
}

/** log(1 + e^x) */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
export const sigmoidOf = (x: number) => 1 / (1 + Math.exp(-x));
/** Binary cross-entropy of a logit. */
export const bceOf = (x: number, t: number) => softplus(x) - x * t;
/** -ln of the softmax at one place. */
export const costOf = (row: ArrayLike<number>, at: number) => Math.log(Array.from(row).reduce((sum, x) => sum + Math.exp(x), 0)) - row[at];
export const smoothL1Of = (d: number, beta: number) => (Math.abs(d) < beta ? (d * d) / (2 * beta) : Math.abs(d) - beta / 2);
/** Focal loss of a logit, alpha 0.25, gamma 2. */
export const focalOf = (x: number, t: 0 | 1) => {
	const p = sigmoidOf(x);
	return t ? 0.25 * (1 - p) ** 2 * softplus(-x) : 0.75 * p ** 2 * softplus(x);
};

type Box = readonly number[];
const area = (b: Box) => (b[2] - b[0]) * (b[3] - b[1]);
/** Intersection over union. */
export function iouOf(a: Box, b: Box): number {
	const shared = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
	return shared / (area(a) + area(b) - shared);
}
const enclosing = (a: Box, b: Box) => [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
export function giouOf(a: Box, b: Box): number {
	const iou = iouOf(a, b);
	const union = (area(a) + area(b)) / (1 + iou);
	const all = area(enclosing(a, b));
	return iou - (all - union) / all;
}
const aspectOf = (a: Box, b: Box) => (4 / Math.PI ** 2) * (Math.atan((b[2] - b[0]) / (b[3] - b[1])) - Math.atan((a[2] - a[0]) / (a[3] - a[1]))) ** 2;
/** CIoU's weight of its aspect term. */
export const alphaOf = (a: Box, b: Box) => aspectOf(a, b) / (1 - iouOf(a, b) + aspectOf(a, b));
export function ciouOf(a: Box, b: Box, alpha = alphaOf(a, b)): number {
	const [x1, y1, x2, y2] = enclosing(a, b);
	const distance = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2;
	return iouOf(a, b) - distance / ((x2 - x1) ** 2 + (y2 - y1) ** 2) - alpha * aspectOf(a, b);
}

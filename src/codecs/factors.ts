// What the delta codecs share: raw numbers are divided by weights, or multiplied by variances, then means are added;
// size deltas are clamped; a side moves and grows so that a zero delta gives the anchor back bit for bit.

import { refuse } from '../checks.js';
import { exp32 } from '../numbers.js';

const round = Math.fround;

/** log(1000 / 16): the customary limit of a size delta; a box is at most 62.5 times its anchor. */
export const DELTA_CLAMP = /* @__PURE__ */ Math.log(1000 / 16);

/** e^60 times an anchor is far beyond the coordinates that take part, and far below what float32 holds. */
export const FINITE_CLAMP = 60;

/** Limit of a size delta: a number, [low, high], or false for none but 60. */
export type DeltaClamp = number | readonly [number, number] | false;

/** The options that say how targets were normalised. */
export interface FactorOptions {
	weights?: readonly number[];
	variances?: readonly number[];
	means?: readonly number[];
}

const COUNTS = ['no', 'one', 'two', 'three', 'four', 'five'];

/** The variances (1 / weights) of `count` raw numbers, in double precision. Default 1 each. */
export function readVariances(call: string, options: FactorOptions, count: number): number[] {
	if (options.weights !== undefined && options.variances !== undefined) {
		refuse(TypeError, call, 'variances', 'must not be given beside weights', options.variances, 'variances are 1 / weights');
	}
	const name = options.variances === undefined ? 'weights' : 'variances';
	const values = options.variances ?? options.weights ?? new Array<number>(count).fill(1);
	checkList(call, name, values, count);
	values.forEach((v, i) => {
		if (!(v > 0) || v === Infinity) refuse(RangeError, call, `${name}[${i}]`, 'must be a positive number', v);
	});
	return values.map((v) => (name === 'weights' ? 1 / v : v));
}

/** The means of `count` raw numbers. Default 0 each. */
export function readMeans(call: string, means: readonly number[] | undefined, count: number): number[] {
	if (means === undefined) return new Array<number>(count).fill(0);
	checkList(call, 'means', means, count);
	means.forEach((v, i) => {
		if (!Number.isFinite(v)) refuse(RangeError, call, `means[${i}]`, 'must be a finite number', v);
	});
	return [...means];
}

function checkList(call: string, name: string, values: unknown, count: number): void {
	const good = Array.isArray(values) && values.length === count && values.every((v) => typeof v === 'number');
	if (!good) refuse(TypeError, call, name, `must be ${COUNTS[count]} numbers`, values);
}

/** [low or undefined, high] of size deltas, in float32. */
export function readClamp(call: string, clamp: DeltaClamp): [number | undefined, number] {
	if (clamp === false) return [undefined, FINITE_CLAMP];
	if (typeof clamp === 'number') {
		if (Number.isFinite(clamp)) return [undefined, round(clamp)];
	} else if (Array.isArray(clamp) && clamp.length === 2 && clamp.every(Number.isFinite) && clamp[0] < clamp[1]) {
		return [round(clamp[0]), round(clamp[1])];
	}
	refuse(RangeError, call, 'clamp', 'must be a finite number, [low, high] or false', clamp);
}

/** A size delta within its limits. */
export function clampDelta(delta: number, low: number | undefined, high: number): number {
	if (delta > high) return high;
	return low !== undefined && delta < low ? low : delta;
}

/**
 * One axis: both corners move by `shift`, then apart by half of what `size` grows, and by `margin` (0 or 0.5) more.
 * Writes the lower corner to `out[o]` and the upper to `out[o+2]`.
 */
export function growAxis(shift: number, size: number, sizeDelta: number, a1: number, a2: number, margin: number, out: Float32Array, o: number): void {
	const half = round(round(round(round(size * exp32(sizeDelta)) - size) * 0.5) + margin);
	const low = round(round(a1 + shift) - half);
	const high = round(round(a2 + shift) + half);
	out[o] = low;
	out[o + 2] = high < low ? low : high; // a box shrunk to nothing must not turn inside out by a rounding
}

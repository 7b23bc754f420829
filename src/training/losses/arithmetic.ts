// The float32 steps that losses are made of, the same bits in WGSL (twin: the chunk of the same name in
// shaders/training/losses.wgsl.ts). What falls below the smallest normal float32 is 0, as on devices that flush.

import { divide32, log32, softplus32 } from '../../functions.js';
import { exp32, MIN_NORMAL } from '../../numbers.js';

const round = Math.fround;

/** x, or 0 below the smallest normal float32; never -0. */
export function flush(x: number): number {
	return x < MIN_NORMAL && x > -MIN_NORMAL ? 0 : x;
}

/** x y, flushed. */
export function product(x: number, y: number): number {
	return flush(round(x * y));
}

/** x + y, flushed. */
export function sum(x: number, y: number): number {
	return flush(round(x + y));
}

/** x - y, flushed. */
export function difference(x: number, y: number): number {
	return flush(round(x - y));
}

/** x / y, correctly rounded, for a y that is not negative; 0 where y is 0. */
export function ratio(x: number, y: number): number {
	if (y < MIN_NORMAL) return 0;
	return x < 0 ? -divide32(-x, y) : divide32(x, y);
}

/** -1, 0 or 1. */
export function signOf(x: number): number {
	return x > 0 ? 1 : x < 0 ? -1 : 0;
}

/** base^exponent for a base from 0 to 1, exact for the exponents 0, 1 and 2; 0^0 is 1, and 0 to any other power is 0. */
export function power(base: number, exponent: number): number {
	if (exponent === 0) return 1;
	if (exponent === 1) return base;
	if (exponent === 2) return product(base, base);
	return base >= MIN_NORMAL ? exp32(product(exponent, log32(base))) : 0;
}

/** The binary cross-entropy of a logit x with a target t from 0 to 1. */
export function crossEntropyOf(x: number, t: number): number {
	return sum(t < 1 ? product(round(1 - t), softplus32(x)) : 0, t > 0 ? product(t, softplus32(-x)) : 0);
}

/** sigmoid(x) - t, without cancellation where t is 0 or 1: the slope of `crossEntropyOf`. */
export function errorOf(p: number, q: number, t: number): number {
	return difference(product(p, round(1 - t)), product(q, t));
}

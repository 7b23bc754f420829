// Functions beyond numbers.ts, in float32 steps with the same bits in JavaScript and in WGSL (twin:
// shaders/shared/functions.wgsl.ts, and the arc tangent in iou.wgsl.ts): for overlaps and angles, so not in every bundle.

import { bitsToFloat, EXP_LOW, exp32, floatBits, LN2_HIGH, LN2_LOW, MIN_NORMAL, reciprocal32 } from './numbers.js';

const round = Math.fround;

/** a / b for a >= 0 and a normal b > 0, correctly rounded; an a or a quotient below the smallest normal float counts as 0. */
export function divide32(a: number, b: number): number {
	if (!(a >= MIN_NORMAL)) return 0;
	const quotient = a / b; // in double, so that "below" is decided before rounding
	return quotient < MIN_NORMAL ? 0 : round(quotient);
}

// atan(t) = t + t z P(z), z = t^2, on |t| <= tan(pi/8); P is a minimax fit of ours, 2e-8 relative.
const A0 = Math.fround(-0.33332955253410546);
const A1 = Math.fround(0.1997792607682008);
const A2 = Math.fround(-0.1387984995828385);
const A3 = Math.fround(0.08060308879980026);
const TAN_22 = Math.fround(0.4142135623730951);
const TAN_67 = Math.fround(2.414213562373095);

/** The angle of the point (x, y) for x, y >= 0, from 0 to pi/2 in float32 steps; 0 for the origin. atan(y / x) within 2 ulp. */
export function atan32(y: number, x: number): number {
	if (!(y >= MIN_NORMAL)) return 0;
	if (y <= round(x * TAN_22)) return smallAtan(divide32(y, x));
	if (y >= round(x * TAN_67)) return round(round(Math.PI / 2) - smallAtan(x >= MIN_NORMAL ? divide32(x, y) : 0));
	const quarter = round(Math.PI / 4);
	const sum = round(y + x);
	if (y >= x) return round(quarter + smallAtan(divide32(round(y - x), sum)));
	return round(quarter - smallAtan(divide32(round(x - y), sum)));
}

function smallAtan(t: number): number {
	const z = round(t * t);
	let p = round(round(A3 * z) + A2);
	p = round(round(p * z) + A1);
	p = round(round(p * z) + A0);
	return round(t + round(round(t * z) * p));
}

/** The square root of a normal x > 0, correctly rounded; 0 for anything smaller. (Rounding the double root once more changes nothing: 53 >= 2 * 24 + 2.) */
export function sqrt32(x: number): number {
	return x >= MIN_NORMAL ? round(Math.sqrt(x)) : 0;
}

// sin, cos: x = k pi/2 + r, |r| <= pi/4; pi/2 in three parts, the first two so short that k times them is exact; Taylor in r.
const TWO_OVER_PI = Math.fround(2 / Math.PI);
const HALF_PI_1 = 201 / 128;
const HALF_PI_2 = 2029 / 2 ** 22;
const HALF_PI_3 = Math.fround(Math.PI / 2 - HALF_PI_1 - HALF_PI_2 + 6.123233995736766e-17); // the double pi/2 is short by that much
/** Angles of this magnitude or more, in radians, are no angles. */
export const ANGLE_LIMIT = 4096;

/** The sine of x radians in float32 steps, within 1e-7, for normal floats and 0 with |x| < 4096; sin(0) is exactly 0. */
export function sin32(x: number): number {
	return sineOfTurns(x, 0);
}

/** The cosine of x radians in float32 steps, as `sin32`; cos(0) is exactly 1. */
export function cos32(x: number): number {
	return sineOfTurns(x, 1);
}

/** The sine of x and some quarter turns. */
function sineOfTurns(x: number, quarters: number): number {
	const k = Math.floor(round(round(x * TWO_OVER_PI) + 0.5));
	const r = round(round(round(x - round(k * HALF_PI_1)) - round(k * HALF_PI_2)) - round(k * HALF_PI_3));
	const z = round(r * r);
	const quadrant = (k + quarters) & 3;
	const value = quadrant & 1 ? smallCos(z) : smallSin(r, z);
	return quadrant & 2 ? -value : value;
}

const S9 = Math.fround(1 / 362880);
const S7 = Math.fround(-1 / 5040);
const S5 = Math.fround(1 / 120);
const S3 = Math.fround(-1 / 6);
function smallSin(r: number, z: number): number {
	let p = round(round(S9 * z) + S7);
	p = round(round(p * z) + S5);
	p = round(round(p * z) + S3);
	return round(r + round(round(r * z) * p));
}

const K10 = Math.fround(-1 / 3628800);
const K8 = Math.fround(1 / 40320);
const K6 = Math.fround(-1 / 720);
const K4 = Math.fround(1 / 24);
function smallCos(z: number): number {
	let p = round(round(K10 * z) + K8);
	p = round(round(p * z) + K6);
	p = round(round(p * z) + K4);
	p = round(round(p * z) - 0.5);
	return round(round(p * z) + 1);
}

// log: x = 2^k m, m about 1; log m = 2 atanh(s), s = (m - 1) / (m + 1), as a series in s^2.
const SQRT_2 = Math.fround(Math.SQRT2);
const L9 = Math.fround(2 / 9);
const L7 = Math.fround(2 / 7);
const L5 = Math.fround(2 / 5);
const L3 = Math.fround(2 / 3);

/** The natural logarithm of a normal x > 0 in float32 steps, within 4 ulp, near 1 too; log(1) is exactly 0. */
export function log32(x: number): number {
	const bits = floatBits(x);
	let k = (bits >>> 23) - 127;
	let m = bitsToFloat((bits & 0x7fffff) | 0x3f800000);
	if (m > SQRT_2) {
		m *= 0.5;
		k++;
	}
	const f = m - 1; // exact
	const s = round(f * reciprocal32(round(2 + f)));
	const z = round(s * s);
	let p = round(round(L9 * z) + L7);
	p = round(round(p * z) + L5);
	p = round(round(p * z) + L3);
	const log = round(round(s * 2) + round(round(s * z) * p));
	return round(round(k * LN2_HIGH) + round(round(k * LN2_LOW) + log));
}

// log(1 + y) = 2 atanh(s), s = y / (2 + y) <= 1/3, as a series in s^2 up to s^15.
const L15 = Math.fround(2 / 15);
const L13 = Math.fround(2 / 13);
const L11 = Math.fround(2 / 11);
/** Below it y itself is the nearest float32 to log(1 + y). */
const TINY = 2 ** -24;

/** log(1 + y) for y from 0 to 1 in float32 steps, within 3 ulp however small y is; log1p(0) is exactly 0. Below the smallest normal float it is 0. */
export function log1p32(y: number): number {
	if (y < TINY) return y >= MIN_NORMAL ? y : 0;
	const s = round(y * reciprocal32(round(2 + y)));
	const z = round(s * s);
	let p = round(round(L15 * z) + L13);
	p = round(round(p * z) + L11);
	p = round(round(p * z) + L9);
	p = round(round(p * z) + L7);
	p = round(round(p * z) + L5);
	p = round(round(p * z) + L3);
	return round(round(s * 2) + round(round(s * z) * p));
}

/** log(1 + e^x) for finite x in float32 steps, within 1e-6 of its size; 0 from -87 down, x itself from 87 up. What a logit costs: -log sigmoid(x) is softplus(-x). */
export function softplus32(x: number): number {
	const size = x < 0 ? -x : x;
	const tail = size < -EXP_LOW ? log1p32(exp32(-size)) : 0;
	return x > 0 ? round(x + tail) : tail;
}

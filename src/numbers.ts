// Float32 arithmetic that gives the same bits in JavaScript and in WGSL (twin: shaders/shared/numbers.wgsl.ts).
// Every step is rounded to float32; exp, reciprocal and sigmoid use only + - x and integer work, so no driver's
// own exp or division enters a result. Scores are ordered as unsigned integers, which makes the order total.

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);
const round = Math.fround;

/** The smallest normal float32. Anything smaller counts as zero: devices may flush it. */
export const MIN_NORMAL = 1.1754943508222875e-38;
/** Coordinates of this magnitude or more are rejected, so that areas stay finite. */
export const COORDINATE_LIMIT = 2 ** 62;

/** A product as every device sees it: below the smallest normal float32 it is 0. NaN stays. */
export function flushProduct(x: number): number {
	return x < MIN_NORMAL && x > -MIN_NORMAL ? 0 : x;
}

/** The bits of a float32 as an unsigned integer. */
export function floatBits(x: number): number {
	f32[0] = x;
	return u32[0];
}

/** The float32 with these bits. */
export function bitsToFloat(bits: number): number {
	u32[0] = bits;
	return f32[0];
}

/** True for every NaN, of either sign and any payload, from its bits. */
export function isNaNBits(bits: number): boolean {
	return (bits & 0x7fffffff) > 0x7f800000;
}

/**
 * A score's bits as an unsigned integer that grows with the score. -0 and 0 share a key. NaN must be sorted out before.
 * -Infinity is 0x007fffff, 0 is 0x80000000, Infinity is 0xff800000.
 */
export function keyOfBits(bits: number): number {
	if (bits === 0x80000000) return 0x80000000;
	return (bits & 0x80000000 ? ~bits : bits | 0x80000000) >>> 0;
}

/** The key of a float32 score. */
export function keyOf(score: number): number {
	return keyOfBits(floatBits(score));
}

/** The score a key stands for. */
export function scoreOfKey(key: number): number {
	return bitsToFloat(key & 0x80000000 ? key & 0x7fffffff : ~key);
}

/** The smallest float32 above x (x itself need not be a float32). */
export function nextUp(x: number): number {
	const y = round(x);
	if (y > x || y === Infinity) return y;
	return scoreOfKey(keyOf(y) + 1);
}

/** The largest float32 below x (x itself need not be a float32). */
export function nextDown(x: number): number {
	return -nextUp(-x);
}

// exp: x = k ln 2 + r, |r| <= ln 2 / 2; 2^k is put together from bits; e^r by Horner's rule (Taylor, degree 7, 2 ulp).
const LOG2_E = Math.fround(1.4426950408889634);
const LN2_HIGH = Math.fround(0.693359375); // 355/512: k * LN2_HIGH is exact
const LN2_LOW = Math.fround(-2.1219444005469057e-4);
const C7 = Math.fround(1 / 5040);
const C6 = Math.fround(1 / 720);
const C5 = Math.fround(1 / 120);
const C4 = Math.fround(1 / 24);
const C3 = Math.fround(1 / 6);
/** Arguments of exp are clamped to these, so that the result is a normal float32. */
export const EXP_LOW = -87;
export const EXP_HIGH = 88;

/** e^x in float32 steps, the same bits as the shader's. x is clamped to [-87, 88]; exp(0) is exactly 1. */
export function exp32(x: number): number {
	const y = x > EXP_LOW ? (x < EXP_HIGH ? x : EXP_HIGH) : EXP_LOW;
	const k = Math.floor(round(round(y * LOG2_E) + 0.5));
	const r = round(round(y - round(k * LN2_HIGH)) - round(k * LN2_LOW));
	let p = round(round(C7 * r) + C6);
	p = round(round(p * r) + C5);
	p = round(round(p * r) + C4);
	p = round(round(p * r) + C3);
	p = round(round(p * r) + 0.5);
	p = round(round(p * r) + 1);
	p = round(round(p * r) + 1);
	return round(p * bitsToFloat((k + 127) << 23));
}

/**
 * 1/x for a normal x in [2^-126, 2^125], within 1 ulp; reciprocals of powers of two are exact. Newton steps on the mantissa from
 * a guess made of bits: no step meets a denormal, which devices may flush.
 */
export function reciprocal32(x: number): number {
	const bits = floatBits(x);
	const mantissa = bitsToFloat((bits & 0x7fffff) | 0x3f800000);
	let y = bitsToFloat(0x7ef311c7 - floatBits(mantissa));
	for (let i = 0; i < 4; i++) y = round(y + round(y * round(1 - round(mantissa * y))));
	return round(y * bitsToFloat((254 - (bits >>> 23)) << 23));
}

/** 1 / (1 + e^-x) in float32 steps, the same bits as the shader's; sigmoid(0) is exactly 0.5; below -80 it stays at sigmoid(-80). */
export function sigmoid32(x: number): number {
	return reciprocal32(round(1 + exp32(x > -80 ? -x : 80)));
}

/** The nearest integer, halves to the even one, as Python, PyTorch and NumPy round. */
export function roundHalfEven(x: number): number {
	const floor = Math.floor(x);
	return x - floor === 0.5 ? floor + Math.abs(floor % 2) : Math.round(x);
}

/** log(p / (1 - p)): the logit at which a sigmoid crosses p. -Infinity for p <= 0, Infinity for p >= 1. */
export function logit(p: number): number {
	if (p <= 0) return -Infinity;
	if (p >= 1) return Infinity;
	return Math.log(p) - Math.log1p(-p);
}

/** The float32 value of a half (IEEE binary16) given as 16 bits. */
export function halfToFloat(half: number): number {
	const sign = (half & 0x8000) << 16;
	const exponent = (half >> 10) & 31;
	const mantissa = half & 1023;
	if (exponent === 31) return bitsToFloat(sign | 0x7f800000 | (mantissa << 13));
	if (exponent === 0) return (sign ? -1 : 1) * mantissa * 2 ** -24;
	return bitsToFloat(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

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

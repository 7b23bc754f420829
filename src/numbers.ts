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

/** A product, or a factor of one, as every device sees it: below the smallest normal float32 it is 0. NaN stays. */
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

/** A threshold as the decision takes it: a float32, values below the smallest normal float count as 0. */
export function decisionThreshold(threshold: number): number {
	const t = round(threshold);
	return t < MIN_NORMAL && t > -MIN_NORMAL ? 0 : t;
}

// exp: x = k ln 2 + r, |r| <= ln 2 / 2; 2^k is put together from bits; e^r by Horner's rule (Taylor, degree 7, 2 ulp).
const LOG2_E = Math.fround(1.4426950408889634);
/** The natural logarithm of 2 in two parts. */
export const LN2_HIGH = Math.fround(0.693359375); // 355/512: k * LN2_HIGH is exact
export const LN2_LOW = Math.fround(-2.1219444005469057e-4);
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

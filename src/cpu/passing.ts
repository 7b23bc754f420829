// Finds the elements of a head that pass the score filter, or are NaN, by their bits alone: no number is made of the
// thousands that fail. Float32 bits are compared as signed integers, half bits are moved to the top of one.
//
//   ordered(b) = b ^ (b >> 31 & 0x7fffffff) grows with the float and puts -NaN below -Infinity, NaN above Infinity:
//
//     -NaN ... | -Infinity ......... largest failing | smallest passing ... Infinity ... NaN
//      pass    |             fail                    |              pass
//
// Going round from -Infinity the failing ones are one interval, so one comparison after one wrapping subtraction decides.
// Two kinds of float32 need no ordered(), which is most of the work: where the threshold is 0 or below the failing bits
// themselves are one interval, and among probabilities, which are not negative, the bits as they stand decide. Sixteen go
// at a time, since the loop costs as much as comparing; more only make a hit dearer. Places and bounds are said to be
// integers wherever they are made (| 0, >>> 0), or V8 checks each sum, and compares fractions: a fifth of the time.

import { halfToFloat, keyOf } from '../numbers.js';

const MAGNITUDE = 0x7fffffff;
/** The largest signed integer: places up to it are counted as such. */
const FARTHEST = 2 ** 31 - 1;
const INFINITY_BITS = 0x7f800000;
const MINUS_INFINITY = 0xff800000 | 0;
/** ordered(-Infinity) for both widths; subtracting it (less 2^31, so that the result compares as signed) starts the circle. */
const FLOAT_ORIGIN = (0x807fffff - 0x80000000) | 0;
const HALF_ORIGIN = (0x83ffffff - 0x80000000) | 0;

/** A score filter, made ready for one kind of element. */
export interface Filter {
	/** 16 for half bits, which then look like a float's top half. */
	readonly shift: number;
	readonly origin: number;
	/** Passing elements lie at or above this, counted from the origin. */
	readonly limit: number;
	/** For float32 probabilities and positive thresholds: bits that pass lie above this; else -1. */
	readonly above: number;
	/** For float32 and other thresholds: counted from `origin`, bits that pass lie above `limit`; ordered() is left out. */
	readonly bare: boolean;
}

/** The filter for keys of at least `minKey`. `probabilities` says that negative values are rare; only speed depends on it. */
export function makeFilter(minKey: number, isHalf: boolean, probabilities: boolean): Filter {
	if (isHalf) {
		return { shift: 16, origin: HALF_ORIGIN, limit: (firstPassingHalf(minKey) - HALF_ORIGIN) | 0, above: -1, bare: false };
	}
	// ordered(b) is the key with its top bit turned, but for -0, whose ordered is -1 and whose key is that of 0.
	// Beyond both ends stand -Infinity (all pass) and the first NaN (only NaN does).
	const first = minKey === 0x80000000 ? -1 : (Math.min(Math.max(minKey, 0x007fffff), 0xff800001) ^ 0x80000000) | 0;
	const above = probabilities && first > 0 && first <= INFINITY_BITS ? first - 1 : -1;
	const bits = first ^ MAGNITUDE;
	if (first < 0 && bits !== MINUS_INFINITY) {
		// fails: from the next larger magnitude to that of -Infinity
		const origin = (bits + 1 - 0x80000000) | 0;
		return { shift: 0, origin, limit: (MINUS_INFINITY - origin) | 0, above, bare: true };
	}
	return { shift: 0, origin: FLOAT_ORIGIN, limit: (first - FLOAT_ORIGIN) | 0, above, bare: false };
}

/** ordered() of the smallest half that passes, by bisection over all halves in order. */
function firstPassingHalf(minKey: number): number {
	const INFINITE = 0x7c00;
	// Place p counts from -Infinity: p = 0x7c00 is -0, the next is 0. The answer may be one beyond Infinity.
	const halfAt = (place: number) => (place <= INFINITE ? 0x8000 | (INFINITE - place) : place - INFINITE - 1);
	let low = 0;
	let high = 2 * INFINITE + 2;
	while (low < high) {
		const middle = (low + high) >> 1;
		if (keyOf(halfToFloat(halfAt(middle))) >= minKey) high = middle;
		else low = middle + 1;
	}
	const bits = halfAt(low) << 16;
	return bits ^ ((bits >> 31) & MAGNITUDE);
}

/** Writes the places of data[begin..end) that pass or are NaN to `out` and returns how many. */
export function findPassing(data: Int32Array | Uint16Array, begin: number, end: number, filter: Filter, out: Uint32Array): number {
	if (end > FARTHEST) return findFar(data, begin, end, filter, out);
	if (filter.above >= 0) return findAbove(data as Int32Array, begin, end, filter.above, out);
	if (filter.bare) return findBare(data as Int32Array, begin, end, filter.origin, filter.limit, out);
	const { shift } = filter;
	const origin = filter.origin | 0;
	const limit = filter.limit | 0;
	let n = 0;
	let i = begin;
	for (; i + 3 < end; i += 4) {
		const a = data[i] << shift;
		const b = data[i + 1] << shift;
		const c = data[i + 2] << shift;
		const d = data[i + 3] << shift;
		const anyPasses =
			(((a ^ ((a >> 31) & MAGNITUDE)) - origin) | 0) >= limit ||
			(((b ^ ((b >> 31) & MAGNITUDE)) - origin) | 0) >= limit ||
			(((c ^ ((c >> 31) & MAGNITUDE)) - origin) | 0) >= limit ||
			(((d ^ ((d >> 31) & MAGNITUDE)) - origin) | 0) >= limit;
		if (anyPasses) n = collect(data, i, i + 4, filter, out, n);
	}
	return collect(data, i, end, filter, out, n);
}

/** Where places go beyond: tensors may have 2^32 elements. */
function findFar(data: Int32Array | Uint16Array, begin: number, end: number, filter: Filter, out: Uint32Array): number {
	const n = findPassing(data.subarray(begin, end), 0, end - begin, filter, out);
	for (let i = 0; i < n; i++) out[i] += begin;
	return n;
}

function collect(data: Int32Array | Uint16Array, begin: number, end: number, filter: Filter, out: Uint32Array, n: number): number {
	for (let i = begin; i < end; i++) {
		const a = data[i] << filter.shift;
		if ((((a ^ ((a >> 31) & MAGNITUDE)) - filter.origin) | 0) >= filter.limit) out[n++] = i;
	}
	return n;
}

/** The same for thresholds of 0 and below. */
function findBare(data: Int32Array, begin: number, end: number, originBits: number, limitBits: number, out: Uint32Array): number {
	const origin = originBits | 0;
	const limit = limitBits | 0;
	const last = (end - 15) | 0;
	let n = 0;
	let i = begin | 0;
	for (; i < last; i = (i + 16) | 0) {
		const anyPasses =
			((data[i] - origin) | 0) > limit ||
			((data[i + 1] - origin) | 0) > limit ||
			((data[i + 2] - origin) | 0) > limit ||
			((data[i + 3] - origin) | 0) > limit ||
			((data[i + 4] - origin) | 0) > limit ||
			((data[i + 5] - origin) | 0) > limit ||
			((data[i + 6] - origin) | 0) > limit ||
			((data[i + 7] - origin) | 0) > limit ||
			((data[i + 8] - origin) | 0) > limit ||
			((data[i + 9] - origin) | 0) > limit ||
			((data[i + 10] - origin) | 0) > limit ||
			((data[i + 11] - origin) | 0) > limit ||
			((data[i + 12] - origin) | 0) > limit ||
			((data[i + 13] - origin) | 0) > limit ||
			((data[i + 14] - origin) | 0) > limit ||
			((data[i + 15] - origin) | 0) > limit;
		if (anyPasses) n = collectBare(data, i, i + 16, origin, limit, out, n);
	}
	return collectBare(data, i, end, origin, limit, out, n);
}

function collectBare(data: Int32Array, begin: number, end: number, origin: number, limit: number, out: Uint32Array, n: number): number {
	for (let i = begin; i < end; i++) {
		if (((data[i] - origin) | 0) > limit) out[n++] = i;
	}
	return n;
}

/** The same for positive thresholds, of bits as unsigned integers: the negative numbers that this lets through are taken out again. */
function findAbove(data: Int32Array, begin: number, end: number, aboveBits: number, out: Uint32Array): number {
	const above = aboveBits >>> 0;
	const last = (end - 15) | 0;
	let n = 0;
	let i = begin | 0;
	for (; i < last; i = (i + 16) | 0) {
		const anyPasses =
			data[i] >>> 0 > above ||
			data[(i + 1) | 0] >>> 0 > above ||
			data[(i + 2) | 0] >>> 0 > above ||
			data[(i + 3) | 0] >>> 0 > above ||
			data[(i + 4) | 0] >>> 0 > above ||
			data[(i + 5) | 0] >>> 0 > above ||
			data[(i + 6) | 0] >>> 0 > above ||
			data[(i + 7) | 0] >>> 0 > above ||
			data[(i + 8) | 0] >>> 0 > above ||
			data[(i + 9) | 0] >>> 0 > above ||
			data[(i + 10) | 0] >>> 0 > above ||
			data[(i + 11) | 0] >>> 0 > above ||
			data[(i + 12) | 0] >>> 0 > above ||
			data[(i + 13) | 0] >>> 0 > above ||
			data[(i + 14) | 0] >>> 0 > above ||
			data[(i + 15) | 0] >>> 0 > above;
		if (anyPasses) n = collectAbove(data, i, i + 16, above, out, n);
	}
	return collectAbove(data, i, end, above, out, n);
}

function collectAbove(data: Int32Array, begin: number, end: number, above: number, out: Uint32Array, n: number): number {
	for (let i = begin; i < end; i++) {
		if (data[i] > above || (data[i] < 0 && (data[i] & MAGNITUDE) > INFINITY_BITS)) out[n++] = i;
	}
	return n;
}

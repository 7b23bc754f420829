// The bit tests against plain comparisons of floats: a score passes when it is at least the threshold, and every NaN is found.

import { describe, expect, it } from 'vitest';
import { findPassing, makeFilter } from '../../../src/cpu/passing.js';
import { keyOf } from '../../../src/numbers.js';
import { random } from '../../support/random.js';

const bitsOf = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0];
const floatOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0];

/** The value of a half by its definition, apart from the library. */
function halfValue(half: number): number {
	const sign = half & 0x8000 ? -1 : 1;
	const exponent = (half >> 10) & 31;
	const fraction = half & 1023;
	if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
	return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : (fraction / 1024) * 2 ** -14);
}

const THRESHOLDS = [
	0.25,
	0.001,
	0.5,
	1,
	2,
	1e-40,
	2 ** -149,
	0,
	-0,
	-(2 ** -149),
	-1.0986122886681098,
	-6.9,
	-1e30,
	3.4e38,
	65504,
	65520,
	6e-8,
	0.1,
	-65504,
	-1e-8,
	Number.POSITIVE_INFINITY,
	Number.NEGATIVE_INFINITY,
].map(Math.fround);

/** Values around a threshold, the special ones, NaN of both signs with payloads. */
function values(threshold: number): Uint32Array {
	const t = bitsOf(threshold);
	const near = [-2, -1, 0, 1, 2].map((d) => (t + d) >>> 0);
	const special = [0, 0x80000000, 1, 0x80000001, 0x7f800000, 0xff800000, 0x7f7fffff, 0xff7fffff, 0x007fffff, 0x00800000, 0x80800000];
	const nan = [0x7f800001, 0x7fc00000, 0x7fffffff, 0xff800001, 0xffc00000, 0xffffffff, 0x7fabcdef, 0xffabcdef];
	return Uint32Array.from([...near, ...special, ...nan]);
}

function expectFound(data: Int32Array | Uint16Array, valueAt: (i: number) => number, minKey: number, passes: (x: number) => boolean, isHalf: boolean): void {
	for (const probabilities of isHalf ? [false] : [false, true]) {
		const out = new Uint32Array(data.length);
		const filter = makeFilter(minKey, isHalf, probabilities);
		// Runs begin at every place modulo four and end inside a block, so that blocks and their rests both meet each value.
		const expected: number[] = [];
		for (let i = 0; i < data.length; i++) if (Number.isNaN(valueAt(i)) || passes(valueAt(i))) expected.push(i);
		for (const [begin, end] of [
			[0, data.length],
			[1, data.length],
			[2, data.length - 1],
			[3, Math.min(12, data.length)],
			[5, 5],
		]) {
			const n = findPassing(data, begin, end, filter, out);
			expect(Array.from(out.subarray(0, n)), `key ${minKey.toString(16)}, ${begin} to ${end}`).toEqual(expected.filter((i) => i >= begin && i < end));
		}
	}
}

describe('findPassing', () => {
	for (const t of THRESHOLDS) {
		it(`float32 at ${t}`, () => {
			const next = random(4);
			const bits = Uint32Array.from([...values(t), ...Array.from({ length: 2000 }, () => Math.floor(next() * 2 ** 32))]);
			expectFound(
				new Int32Array(bits.buffer),
				(i) => floatOf(bits[i]),
				keyOf(t),
				(x) => x >= t,
				false,
			);
		});

		it(`all halves at ${t}`, () => {
			const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i);
			expectFound(halves, halfValue, keyOf(t), (x) => x >= t, true);
		});
	}

	it('lets all pass for key 0 and finds only NaN above every number', () => {
		const bits = values(0.5);
		const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i);
		for (const [minKey, passes] of [
			[0, true],
			[0xff800001, false],
			[0xffffffff, false],
		] as const) {
			expectFound(
				new Int32Array(bits.buffer),
				(i) => floatOf(bits[i]),
				minKey,
				() => passes,
				false,
			);
			expectFound(halves, halfValue, minKey, () => passes, true);
		}
	});

	it('beyond 2^31 elements', () => {
		const origin = 2 ** 31 - 20;
		const values = Float32Array.from({ length: 100 }, (_, i) => (i % 7 === 0 ? 0.5 : -3));
		const bits = new Int32Array(values.buffer);
		// as much of eight gigabytes as is looked at
		const far = new Proxy(bits, {
			get: (_, name) => (name === 'subarray' ? (begin: number, end: number) => bits.subarray(begin - origin, end - origin) : bits[Number(name) - origin]),
		});
		for (const [t, begin, end] of [
			[0.25, 3, 90],
			[0.25, 30, 90],
			[-1, 30, 90],
		]) {
			const out = new Uint32Array(100);
			const n = findPassing(far, origin + begin, origin + end, makeFilter(keyOf(t), false, true), out);
			const expected = [...values.keys()].filter((i) => i >= begin && i < end && values[i] === 0.5);
			expect(Array.from(out.subarray(0, n))).toEqual(expected.map((i) => origin + i));
		}
	});
});

// sin32, cos32, log32, log1p32, softplus32 and sqrt32 against double precision.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { cos32, log1p32, log32, sin32, softplus32, sqrt32 } from '../../src/functions.js';

const ULP = 2 ** -23;
const normal = fc.integer({ min: 0x00800000, max: 0x7f7fffff }).map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]);

describe('sqrt32', () => {
	test('is the rounded root, over the whole range', () => {
		fc.assert(
			fc.property(normal, (x) => {
				const root = sqrt32(x);
				// in integers: the root is q units of 2^k, x is n units of 4^k, and n lies within (q - 1/2)^2 and (q + 1/2)^2
				const k = Math.floor(Math.log2(root)) - 23;
				const q = BigInt(root / 2 ** k);
				const fourTimes = BigInt(x / 2 ** (2 * k - 2));
				assert.isTrue((2n * q - 1n) ** 2n < fourTimes && fourTimes < (2n * q + 1n) ** 2n, `sqrt(${x}) = ${root}`);
			}),
			{ numRuns: 5000 },
		);
	});
	test('squares', () => {
		for (let k = 1; k <= 4096; k++) assert.equal(sqrt32(k * k), k);
		assert.equal(sqrt32(2), Math.fround(1.4142135623730951));
		assert.equal(sqrt32(0), 0);
		assert.equal(sqrt32(1e-40), 0);
		assert.equal(sqrt32(-1), 0);
	});
});

describe('sin32 and cos32', () => {
	test('are within 1e-7 up to 4096 radians', () => {
		for (let k = -40960; k <= 40960; k++) {
			const x = Math.fround(k * 0.0999 + 1e-5 * (k % 7));
			assert.isBelow(Math.abs(sin32(x) - Math.sin(x)), 1e-7, `sin(${x})`);
			assert.isBelow(Math.abs(cos32(x) - Math.cos(x)), 1e-7, `cos(${x})`);
		}
	});
	test('are within 2 ulp below a quarter turn', () => {
		for (let k = 1; k <= 10_000; k++) {
			const x = Math.fround(k * 0.000157);
			assert.isAtMost(Math.abs(sin32(x) - Math.sin(x)), 2 * ULP * Math.sin(x), `sin(${x})`);
		}
	});
	test('are exact at 0, and near multiples of a quarter turn', () => {
		assert.equal(sin32(0), 0);
		assert.equal(cos32(0), 1);
		for (let k = 1; k < 600; k++) {
			const x = Math.fround((k * Math.PI) / 2);
			const [small, large] = k % 2 ? [cos32(x), sin32(x)] : [sin32(x), cos32(x)];
			assert.equal(Math.abs(large), 1);
			assert.approximately(small, k % 2 ? Math.cos(x) : Math.sin(x), 1e-8);
		}
	});
	test('sin is odd, cos is even', () => {
		fc.assert(
			fc.property(fc.float({ min: -4000, max: 4000, noNaN: true }), (x) => {
				// at halves of a quarter turn the two signs are reduced differently
				assert.approximately(sin32(-x), -sin32(x), 1e-7);
				assert.approximately(cos32(-x), cos32(x), 1e-7);
			}),
		);
	});
	test('tiny angles are their own sine', () => {
		for (const x of [1e-4, 1e-10, 1e-20, 1e-37]) assert.equal(sin32(Math.fround(x)), Math.fround(x));
	});
});

describe('log32', () => {
	test('is within 4 ulp over the whole range', () => {
		fc.assert(
			fc.property(normal, (x) => {
				const expected = Math.log(x);
				assert.isAtMost(Math.abs(log32(x) - expected), 4 * ULP * Math.abs(expected), `log(${x})`);
			}),
			{ numRuns: 5000 },
		);
	});
	test('is within 4 ulp next to 1, where a logarithm is small', () => {
		for (let k = -3000; k <= 3000; k++) {
			const x = Math.fround(1 + k * ULP);
			assert.isAtMost(Math.abs(log32(x) - Math.log(x)), 4 * ULP * Math.abs(Math.log(x)), `log(${x})`);
			const y = Math.fround(1 + k / 6000);
			assert.isAtMost(Math.abs(log32(y) - Math.log(y)), 4 * ULP * Math.abs(Math.log(y)), `log(${y})`);
		}
	});
	test('known values', () => {
		assert.equal(log32(1), 0);
		assert.equal(log32(2), Math.fround(Math.LN2));
		assert.approximately(log32(10), Math.LN10, 3e-7);
		assert.approximately(log32(1e-7), -16.11809565095832, 2e-6);
	});
});

describe('log1p32', () => {
	test('is within 3 ulp from 0 to 1, however small the number', () => {
		const part = fc.integer({ min: 0x00800000, max: 0x3f800000 }).map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]);
		fc.assert(
			fc.property(fc.oneof(part, fc.float({ min: 0, max: 1, noNaN: true })), (y) => {
				const expected = Math.log1p(y);
				assert.isAtMost(Math.abs(log1p32(y) - expected), 3 * ULP * expected + 1.2e-38, `log1p(${y})`);
			}),
			{ numRuns: 20_000 },
		);
	});
	test('known values', () => {
		assert.equal(log1p32(0), 0);
		assert.equal(log1p32(2 ** -24), 2 ** -24);
		assert.approximately(log1p32(1), Math.LN2, 6e-8);
	});
});

describe('softplus32', () => {
	test('is within 1e-6 of its size wherever float32 has room for it', () => {
		for (let k = -8600; k <= 20_000; k++) {
			const x = Math.fround(k / 100);
			const expected = x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
			assert.isAtMost(Math.abs(softplus32(x) - expected), 1e-6 * expected, `softplus(${x})`);
		}
	});
	test('ends', () => {
		assert.equal(softplus32(-1000), 0);
		assert.equal(softplus32(1000), 1000);
		assert.equal(softplus32(-87), 0);
		assert.equal(softplus32(2 ** 62), 2 ** 62);
		assert.approximately(softplus32(0), Math.LN2, 6e-8);
	});
});

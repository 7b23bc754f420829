// The codec bins against the definition: mean of a softmax, in double precision.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { bins } from '../../../src/codecs/bins.js';

function assertBox(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-3): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, tolerance, `number ${i} of [${Array.from(actual)}], expected [${expected}]`);
	});
}

const POINT = Float32Array.of(100, 60, 8, 8);

function mean(logits: readonly number[]): number {
	const weights = logits.map((t) => Math.exp(t - Math.max(...logits)));
	const sum = weights.reduce((a, b) => a + b);
	return weights.reduce((total, w, bin) => total + (w / sum) * bin, 0);
}

describe('decode', () => {
	test('Ultralytics DFL and dist2bbox: (4, reg_max) logits, softmax, times 0 to 15, from the point, times the stride', () => {
		for (const numBins of [2, 8, 16, 17]) {
			const logits = fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 4 * numBins, maxLength: 4 * numBins });
			fc.assert(
				fc.property(logits, (t) => {
					const raw = t.map(Math.fround);
					const [l, u, r, b] = [0, 1, 2, 3].map((side) => mean(raw.slice(side * numBins, (side + 1) * numBins)));
					assertBox(bins({ numBins }).decode(Float32Array.from(raw), POINT), [100 - 8 * l, 60 - 8 * u, 100 + 8 * r, 60 + 8 * b], 1e-5 * 228);
				}),
				{ numRuns: 30 },
			);
		}
	});
	test('equal logits: the middle, 7.5 strides; one large logit: its bin', () => {
		assert.deepEqual(Array.from(bins().decode(new Float32Array(64), POINT)), [40, 0, 160, 120]);
		const raw = new Float32Array(64);
		[3, 16 + 1, 32 + 15, 48].forEach((at) => {
			raw[at] = 200;
		});
		assert.deepEqual(Array.from(bins().decode(raw, POINT)), [100 - 24, 60 - 8, 100 + 120, 60]);
	});
	test('huge logits: no overflow', () => {
		const raw = new Float32Array(64).fill(-3e38);
		[0, 16, 32, 48].forEach((at) => {
			raw[at + 5] = 3e38;
		});
		assert.deepEqual(Array.from(bins().decode(raw, POINT)), [60, 20, 140, 100]);
	});
});

describe('encode', () => {
	test('the weights of the distribution focal loss: y - floor(y) on the upper bin', () => {
		const raw = bins().encode(Float32Array.of(100 - 8 * 2.25, 60, 100 + 8 * 15, 60 + 8 * 0.5), POINT);
		const weights = Array.from(raw, Math.exp);
		assertBox(weights.slice(0, 5), [0, 0, 0.75, 0.25, 0], 1e-6);
		assertBox(weights.slice(16, 18), [1, 0], 1e-6);
		assertBox(weights.slice(32 + 14, 32 + 16), [0, 1], 1e-6);
		assertBox(weights.slice(48, 51), [0.5, 0.5, 0], 1e-6);
	});
	test('decode(encode(box)) is the box within 1e-5', () => {
		const distance = fc.double({ min: 0, max: 120, noNaN: true });
		fc.assert(
			fc.property(distance, distance, distance, distance, (l, t, r, b) => {
				const box = Float32Array.of(100 - l, 60 - t, 100 + r, 60 + b);
				assertBox(bins().decode(bins().encode(box, POINT), POINT), Array.from(box), 1e-5 * 240);
			}),
		);
	});
	test('what no bin reaches is named', () => {
		const rule = /bins.encode: boxes\[0\] must hold its point, with sides at most 15 strides from it/;
		assert.throws(() => bins().encode(Float32Array.of(100 - 121, 50, 110, 70), POINT), RangeError, rule);
		assert.throws(() => bins().encode(Float32Array.of(101, 50, 110, 70), POINT), RangeError, rule);
		assert.throws(() => bins().encode(Float32Array.of(NaN, 50, 110, 70), POINT), RangeError, rule);
	});
	test('options and lengths', () => {
		assert.equal(bins().numRaw, 64);
		assert.throws(() => bins({ numBins: 1 }), RangeError, /numBins must be an integer from 2 to 1024; got 1/);
		assert.throws(() => bins({ bins: 8 } as never), /did you mean numBins|may hold numBins/);
		assert.throws(() => bins().decode(new Float32Array(60), POINT), /raw must have a length that is a multiple of 64; got 60/);
	});
});

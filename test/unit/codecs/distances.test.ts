// The codec distances: FCOS, FSAF, FoveaBox, DenseBox, each against its own source's formula.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { distances } from '../../../src/codecs/distances.js';

function assertBox(actual: Float32Array, expected: number[], tolerance = 1e-3): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, tolerance, `coordinate ${i} of [${actual}], expected [${expected}]`);
	});
}

describe('distances', () => {
	const POINT = Float32Array.of(12, 20, 8, 8);
	test('x1 = x - l stride', () => {
		assert.deepEqual(Array.from(distances().decode(Float32Array.of(1, 2, 3, 0.5), POINT)), [4, 4, 36, 24]);
		assert.deepEqual(Array.from(distances({ unit: 'pixels' }).decode(Float32Array.of(1, 2, 3, 0.5), POINT)), [11, 18, 15, 20.5]);
	});
	test('inverse', () => {
		const gt = Float32Array.of(4, 4, 36, 24);
		assert.deepEqual(Array.from(distances().encode(gt, POINT)), [1, 2, 3, 0.5]);
		assert.deepEqual(Array.from(distances({ unit: 'pixels' }).encode(gt, POINT)), [8, 16, 24, 4]);
	});
	test('a point outside its box round-trips too', () => {
		const gt = Float32Array.of(100, 100, 132, 164);
		assert.deepEqual(distances().decode(distances().encode(gt, POINT), POINT), gt);
	});
	test('signed, as in DenseBox: all four are the point minus the side', () => {
		const codec = distances({ signed: true });
		assert.deepEqual(Array.from(codec.decode(Float32Array.of(1, 2, -3, -0.5), POINT)), [4, 4, 36, 24]);
		assert.deepEqual(Array.from(codec.encode(Float32Array.of(4, 4, 36, 24), POINT)), [1, 2, -3, -0.5]);
		const fsaf = distances({ signed: true, order: 'tblr' });
		assert.deepEqual(Array.from(fsaf.decode(Float32Array.of(2, -0.5, 1, -3), POINT)), [4, 4, 36, 24]);
		assert.deepEqual(Array.from(fsaf.encode(Float32Array.of(4, 4, 36, 24), POINT)), [2, -0.5, 1, -3]);
		assert.throws(() => distances({ signed: true, activation: 'relu' }), TypeError, /signed must be false with an activation/);
	});
	test('refusals', () => {
		assert.throws(() => distances({ unit: 'cells' as never }), /unit must be 'stride' or 'pixels' or 'size'/);
		assert.throws(() => distances({ activation: 'sigmoid' as never }), /activation must be/);
		assert.throws(() => distances({ scale: 0 }), /scale must be a positive number; got 0/);
		assert.throws(() => distances({ order: 'trbl' as never }), /order must be 'ltrb' or 'tblr'/);
		assert.throws(() => distances({ unit: 'size' }).encode(new Float32Array(4), Float32Array.of(5, 5, 5, 9)), /must have a positive width and height/);
		assert.throws(() => distances().encode(new Float32Array(4), Float32Array.of(0, 0, 0, 8)), /anchors\[0\] must have positive strides/);
	});
});

const raws = fc.array(fc.double({ min: -3, max: 4, noNaN: true }), { minLength: 4, maxLength: 4 }).map((t) => t.map(Math.fround));
const anchor = fc
	.tuple(fc.integer({ min: -50, max: 700 }), fc.integer({ min: -50, max: 700 }), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }))
	.map(([x, y, w, h]) => [x, y, x + w, y + h]);

describe('formulas of the references', () => {
	test("torchvision's FCOS: relu, times the anchor's size, from its centre", () => {
		const codec = distances({ unit: 'size', activation: 'relu' });
		fc.assert(
			fc.property(raws, anchor, (t, [x1, y1, x2, y2]) => {
				const [cx, cy, w, h] = [0.5 * (x1 + x2), 0.5 * (y1 + y2), x2 - x1, y2 - y1];
				const [l, u, r, b] = t.map((v) => Math.max(v, 0));
				assertBox(codec.decode(Float32Array.from(t), Float32Array.of(x1, y1, x2, y2)), [cx - l * w, cy - u * h, cx + r * w, cy + b * h], 1e-5 * 2000);
			}),
		);
	});
	test('FSAF (tblr_bbox_coder.py): top, bottom, left, right, times 4, times h, h, w, w', () => {
		const codec = distances({ unit: 'size', order: 'tblr', scale: 4 });
		fc.assert(
			fc.property(raws, anchor, (t, [x1, y1, x2, y2]) => {
				const loc = t.map((v) => v * 4);
				const [top, bottom] = loc.slice(0, 2).map((v) => v * (y2 - y1));
				const [left, right] = loc.slice(2).map((v) => v * (x2 - x1));
				const [cx, cy] = [(x1 + x2) / 2, (y1 + y2) / 2];
				const expected = [cx - left, cy - top, cx + right, cy + bottom];
				const row = Float32Array.of(x1, y1, x2, y2);
				assertBox(codec.decode(Float32Array.from(t), row), expected, 1e-5 * 6000);
				assertBox(codec.encode(Float32Array.from(expected), row), t, 1e-3);
			}),
		);
	});
	test("mmdetection's FCOS: exp(scale x), in pixels", () => {
		const [l, t, r, b] = [1.5, 2, -0.5, 0.25].map((v) => Math.exp(v * 1.25));
		const out = distances({ unit: 'pixels', activation: 'exp', scale: 1.25 }).decode(Float32Array.of(1.5, 2, -0.5, 0.25), Float32Array.of(12, 20, 8, 8));
		assertBox(out, [12 - l, 20 - t, 12 + r, 20 + b], 1e-5);
	});
	test('FoveaBox: exp(t) base edge, which stands in the row; (x + 0.5) stride', () => {
		const [base, stride] = [32, 16];
		const row = Float32Array.of(3.5 * stride, 5.5 * stride, base, base);
		const [l, t, r, b] = [0.5, -1, 0.25, 1].map((v) => base * Math.exp(v));
		const codec = distances({ activation: 'exp' });
		assertBox(codec.decode(Float32Array.of(0.5, -1, 0.25, 1), row), [56 - l, 88 - t, 56 + r, 88 + b], 1e-4);
		assert.deepEqual(Array.from(codec.decode(new Float32Array(4), row)), [24, 56, 88, 120]);
		assert.deepEqual(Array.from(codec.encode(Float32Array.of(24, 56, 88, 120), row)), [0, 0, 0, 0]);
	});
	test('DenseBox: x1 = xi - dx, in pixels of the input', () => {
		assert.deepEqual(Array.from(distances({ unit: 'pixels' }).decode(Float32Array.of(10, 20, 30, 40), Float32Array.of(100, 200, 4, 4))), [90, 180, 130, 240]);
	});
	test('an activation reaches only boxes that hold their point', () => {
		const point = Float32Array.of(12, 20, 8, 8);
		const touching = Float32Array.of(12, 4, 36, 24);
		assert.deepEqual(Array.from(distances({ activation: 'relu' }).encode(touching, point)), [0, 2, 3, 0.5]);
		assert.throws(() => distances({ activation: 'exp' }).encode(touching, point), RangeError, /boxes\[0\] must hold its point \(12, 20\) inside/);
		assert.throws(() => distances({ activation: 'relu' }).encode(Float32Array.of(13, 4, 36, 24), point), /boxes\[0\] must hold its point \(12, 20\)/);
	});
});

// The codec centers against CenterNet's own arithmetic (ctdet_decode) and TensorFlow's (prediction_tensors_to_boxes).

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { centers } from '../../../src/codecs/centers.js';

const raws = fc.array(fc.double({ min: -20, max: 40, noNaN: true }), { minLength: 4, maxLength: 4 }).map((t) => t.map(Math.fround));
const cells = fc.tuple(fc.integer({ min: 0, max: 127 }), fc.integer({ min: 0, max: 127 }));

function assertBox(actual: Float32Array, expected: readonly number[]): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, 1e-3, `coordinate ${i} of [${actual}], expected [${expected}]`);
	});
}

describe('formulas', () => {
	test('CenterNet: (x + reg - w / 2) in cells, times 4', () => {
		fc.assert(
			fc.property(cells, raws, ([x, y], [dx, dy, w, h]) => {
				const expected = [x + dx - w / 2, y + dy - h / 2, x + dx + w / 2, y + dy + h / 2].map((v) => v * 4);
				assertBox(centers().decode(Float32Array.of(dx, dy, w, h), Float32Array.of(4 * x, 4 * y, 4, 4)), expected);
			}),
		);
	});
	test('CenterNet without reg: half a cell instead', () => {
		const codec = centers({ offsets: false });
		assert.equal(codec.numRaw, 2);
		fc.assert(
			fc.property(cells, raws, ([x, y], [w, h]) => {
				const expected = [x + 0.5 - w / 2, y + 0.5 - h / 2, x + 0.5 + w / 2, y + 0.5 + h / 2].map((v) => v * 4);
				assertBox(codec.decode(Float32Array.of(w, h), Float32Array.of(4 * x + 2, 4 * y + 2, 4, 4)), expected);
			}),
		);
	});
	test('TensorFlow: y before x, height before width, none below 0', () => {
		fc.assert(
			fc.property(cells, raws, ([x, y], [dy, dx, height, width]) => {
				const [h, w] = [Math.max(height, 0), Math.max(width, 0)];
				const expected = [x + dx - w / 2, y + dy - h / 2, x + dx + w / 2, y + dy + h / 2].map((v) => v * 4);
				const codec = centers({ order: 'yxhw', activation: 'relu' });
				assertBox(codec.decode(Float32Array.of(dy, dx, height, width), Float32Array.of(4 * x, 4 * y, 4, 4)), expected);
			}),
		);
	});
	test("strides of x and y by themselves; sizes alone in TensorFlow's order", () => {
		assert.deepEqual(Array.from(centers().decode(Float32Array.of(0.5, 0.25, 3, 2), Float32Array.of(16, 8, 2, 8))), [14, 2, 20, 18]);
		assert.deepEqual(Array.from(centers({ offsets: false, order: 'yxhw' }).decode(Float32Array.of(2, 3), Float32Array.of(17, 10, 2, 8))), [14, 2, 20, 18]);
	});
	test('inverse, by hand', () => {
		const row = Float32Array.of(16, 8, 2, 8);
		assert.deepEqual(Array.from(centers().encode(Float32Array.of(14, 2, 20, 18), row)), [0.5, 0.25, 3, 2]);
		assert.deepEqual(Array.from(centers({ order: 'yxhw' }).encode(Float32Array.of(14, 2, 20, 18), row)), [0.25, 0.5, 2, 3]);
		assert.deepEqual(Array.from(centers({ offsets: false }).encode(Float32Array.of(14, 2, 20, 18), Float32Array.of(17, 10, 2, 8))), [3, 2]);
	});
});

test('refusals', () => {
	const box = Float32Array.of(14, 2, 20, 18);
	assert.throws(() => centers({ offsets: false }).encode(box, Float32Array.of(16, 10, 2, 8)), RangeError, /boxes\[0\] must have its centre at its point/);
	assert.throws(() => centers().encode(box, Float32Array.of(16, 8, 0, 8)), RangeError, /anchors\[0\] must have positive strides; got 0/);
	assert.throws(() => centers({ order: 'xyxy' as never }), /order must be 'xywh' or 'yxhw'/);
	assert.throws(() => centers({ activation: 'exp' as never }), /activation must be/);
	assert.throws(() => centers({ offsets: 1 as never }), TypeError, /offsets must be true or false/);
	assert.throws(() => centers({ unit: 'pixels' } as never), /options may hold offsets, order, activation/);
	assert.throws(() => centers().decode(new Float32Array(4)), TypeError, /anchors must be given/);
});

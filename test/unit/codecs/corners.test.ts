// The codec corners against keras-retinanet's and Caffe's formulas.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { corners } from '../../../src/codecs/corners.js';

const ANCHOR = Float32Array.of(10, 20, 50, 100); // 40 x 80

function assertBox(actual: Float32Array, expected: number[], tolerance = 1e-4): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, tolerance, `number ${i} of [${actual}], expected [${expected}]`);
	});
}

describe('formulas', () => {
	const d = [0.5, -1, 2, 0.25];
	test('keras-retinanet: x1 + (d 0.2 + 0) width', () => {
		const expected = [10 + 0.5 * 0.2 * 40, 20 - 1 * 0.2 * 80, 50 + 2 * 0.2 * 40, 100 + 0.25 * 0.2 * 80];
		assertBox(corners({ variances: 0.2 }).decode(Float32Array.from(d), ANCHOR), expected);
		assertBox(corners({ variances: 0.2 }).encode(Float32Array.from(expected), ANCHOR), d, 1e-5);
	});
	test("keras-retinanet's own test (tests/layers/test_misc.py, TestRegressBoxes)", () => {
		const anchors = Float32Array.of(0, 0, 10, 10, 50, 50, 100, 100, 20, 20, 40, 40);
		const regression = Float32Array.of(0, 0, 0, 0, 0.1, 0.1, 0, 0, 0, 0, 0.1, 0.1);
		assertBox(corners({ variances: 0.2 }).decode(regression, anchors), [0, 0, 10, 10, 51, 51, 100, 100, 20, 20, 40.4, 40.4], 1e-5);
	});
	test('Caffe CORNER_SIZE (bbox_util.cpp): variance times delta times the size of the prior', () => {
		const v = [0.1, 0.1, 0.2, 0.2];
		const expected = [10 + 0.1 * 0.5 * 40, 20 - 0.1 * 80, 50 + 0.2 * 2 * 40, 100 + 0.2 * 0.25 * 80];
		assertBox(corners({ variances: v }).decode(Float32Array.from(d), ANCHOR), expected);
	});
	test('Caffe CORNER: without the size, in coordinates from 0 to 1 of a 300 x 200 input', () => {
		const v = [0.1, 0.1, 0.2, 0.2];
		const size = [300, 200, 300, 200];
		const expected = Array.from(ANCHOR, (corner, c) => (corner / size[c] + v[c] * d[c]) * size[c]);
		assertBox(corners({ variances: v, unit: [300, 200] }).decode(Float32Array.from(d), ANCHOR), expected);
	});
	test('TensorRT box_coding 0: box + anchor', () => {
		assert.deepEqual(Array.from(corners({ unit: 'pixels' }).decode(Float32Array.from(d), ANCHOR)), [10.5, 19, 52, 100.25]);
	});
	test('means', () => {
		const expected = [10 + (0.5 * 0.2 + 0.1) * 40, 20 + (-1 * 0.2 - 0.1) * 80, 50 + 2 * 0.2 * 40, 100 + 0.25 * 0.2 * 80];
		assertBox(corners({ variances: 0.2, means: [0.1, -0.1, 0, 0] }).decode(Float32Array.from(d), ANCHOR), expected);
	});
});

describe('exact', () => {
	test('decode(0) is the anchor and encode(anchor) is 0', () => {
		const corner = fc.float({ min: -2000, max: 2000, noNaN: true });
		fc.assert(
			fc.property(corner, corner, fc.float({ min: 1, max: 1000, noNaN: true }), fc.float({ min: 1, max: 1000, noNaN: true }), (x, y, w, h) => {
				const anchor = Float32Array.of(x + 0, y + 0, x + w, y + h);
				for (const codec of [corners({ variances: 0.2 }), corners({ unit: 'pixels' })]) {
					assert.deepEqual(codec.decode(new Float32Array(4), anchor), anchor);
					assert.deepEqual(codec.encode(anchor, anchor).map(Math.abs), new Float32Array(4));
				}
			}),
		);
	});
});

describe('MTCNN', () => {
	test('bbreg: x1 + reg (x2 - x1 + 1), from facenet', () => {
		const codec = corners({ inclusive: true });
		const box = codec.decode(Float32Array.of(0.1, -0.2, 0.3, 0.05), Float32Array.of(10, 20, 33, 59));
		// w = 24, h = 40
		[12.4, 12, 40.2, 61].forEach((v, c) => assert.approximately(box[c], v, 1e-5));
		// a box of one pixel has a size
		assert.deepEqual(Array.from(codec.decode(Float32Array.of(-1, 0, 0, 2), Float32Array.of(5, 5, 5, 5))), [4, 5, 5, 7]);
	});
	test('nothing moves: the box is its anchor whatever the numbers', () => {
		const codec = corners({ unit: 'none' });
		const anchor = Float32Array.of(1.5, -2, 30.25, 40);
		assert.deepEqual(codec.decode(Float32Array.of(0.3, -4, 1e30, -1e-30), anchor), anchor);
		assert.deepEqual(codec.encode(anchor, anchor), new Float32Array(4));
		assert.throws(() => codec.encode(ANCHOR, anchor), RangeError, /boxes\[0\] must be its anchor with unit 'none'/);
	});
	test('refusals', () => {
		assert.throws(() => corners({ inclusive: true, unit: 'pixels' }), TypeError, /inclusive must be false unless unit is 'size'; got true/);
		assert.throws(() => corners({ inclusive: 1 as never }), TypeError, /inclusive must be true or false/);
	});
});

describe('refusals', () => {
	test('an anchor without a size', () => {
		assert.throws(() => corners().encode(ANCHOR, Float32Array.of(5, 5, 5, 9)), RangeError, /corners.encode: anchors\[0\] must have a positive width/);
		assert.deepEqual(Array.from(corners({ unit: 'pixels' }).encode(ANCHOR, Float32Array.of(5, 5, 5, 9))), [5, 15, 45, 91]);
	});
	test('options', () => {
		assert.throws(() => corners({ variances: 0 }), /variances\[0\] must be a positive number; got 0/);
		assert.throws(() => corners({ variances: [1, 1] }), /variances must be four numbers/);
		assert.throws(() => corners({ unit: 'stride' as never }), /unit must be 'size', 'pixels', 'none' or \[x, y\]; got "stride"/);
		assert.throws(() => corners({ unit: [300, 0] }), /unit\[1\] must be a positive number of pixels; got 0/);
		assert.throws(() => corners({ scale: 1 } as never), /options may hold variances, means, unit, inclusive; got "scale"/);
	});
});

// Points and YOLO cells: counts, centres and order of published models.

import { assert, describe, test } from 'vitest';
import { anchorPoints, cellAnchors } from '../../../src/anchors/points.js';
import { convertBoxes } from '../../../src/boxes/formats.js';

describe('anchorPoints', () => {
	test('FCOS and YOLOv8: (x + 0.5) stride; 8400 points at 640', () => {
		const points = anchorPoints({ inputSize: [640, 640], strides: [8, 16, 32] });
		assert.equal(points.length / 4, 8400);
		assert.deepEqual(Array.from(points.subarray(0, 8)), [4, 4, 8, 8, 12, 4, 8, 8]);
		assert.deepEqual(Array.from(points.subarray(80 * 4, 80 * 4 + 2)), [4, 12]);
		assert.deepEqual(Array.from(points.subarray(6400 * 4, 6400 * 4 + 4)), [8, 8, 16, 16]);
		assert.deepEqual(Array.from(points.subarray(8399 * 4)), [624, 624, 32, 32]);
	});
	test('YOLOX and RTMDet: x stride', () => {
		const points = anchorPoints({ inputSize: [16, 24], strides: [8], offset: 0 });
		assert.deepEqual(
			Array.from(points).filter((_, i) => i % 4 < 2),
			[0, 0, 8, 0, 16, 0, 0, 8, 8, 8, 16, 8],
		);
	});
	test('refusals', () => {
		assert.throws(() => anchorPoints({ inputSize: [64, 64], strides: [] }), /strides must be a list with at least one number/);
		assert.throws(() => anchorPoints({ inputSize: [64, 64], strides: [8, -8] }), /strides\[1\] must be a positive number; got -8/);
		assert.throws(() => anchorPoints({ inputSize: [64, Number.NaN], strides: [8] }), /inputSize\[1\]/);
		assert.throws(() => anchorPoints({ inputSize: [64, 64], strides: [8], offset: Number.NaN }), /offset/);
	});
});

describe('cellAnchors', () => {
	test('mmdetection YOLOAnchorGenerator, 10 x 13 at stride 8: -1, -2.5, 9, 10.5', () => {
		const rows = cellAnchors([{ grid: [2, 2], stride: 8, shapes: [10, 13, 16, 30] }]);
		assert.deepEqual(Array.from(convertBoxes(rows, 'cxcywh', 'xyxy').subarray(0, 4)), [-1, -2.5, 9, 10.5]);
	});
	test('order: shape, y, x, as YOLOv5 numbers its concatenated output', () => {
		const rows = cellAnchors([{ grid: [2, 3], stride: 8, shapes: [10, 13, 16, 30] }]);
		assert.equal(rows.length / 4, 12);
		assert.deepEqual(Array.from(rows.subarray(4, 8)), [12, 4, 10, 13]);
		assert.deepEqual(Array.from(rows.subarray(12, 16)), [4, 12, 10, 13]);
		assert.deepEqual(Array.from(rows.subarray(24, 28)), [4, 4, 16, 30]);
	});
});

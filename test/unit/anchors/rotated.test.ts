// Rotated anchors as detectron2's own test expects them (tests/modeling/test_anchor_generator.py, test_rrpn_anchor_generator).

import { assert, describe, test } from 'vitest';
import { type RotatedAnchorOptions, rotatedAnchors } from '../../../src/anchors/rotated.js';

const RRPN: RotatedAnchorOptions = { inputSize: [4, 8], strides: [4], sizes: [[32, 64]], ratios: [0.25, 1, 4], angles: [0, 45] };

function rowsOf(anchors: Float32Array): number[][] {
	return Array.from({ length: anchors.length / 5 }, (_, i) => Array.from(anchors.subarray(i * 5, i * 5 + 5)));
}

describe('rotatedAnchors', () => {
	test('detectron2: two cells, two sizes, three ratios, two angles', () => {
		const cell = (x: number) => [
			[x, 0, 64, 16, 0],
			[x, 0, 64, 16, 45],
			[x, 0, 32, 32, 0],
			[x, 0, 32, 32, 45],
			[x, 0, 16, 64, 0],
			[x, 0, 16, 64, 45],
			[x, 0, 128, 32, 0],
			[x, 0, 128, 32, 45],
			[x, 0, 64, 64, 0],
			[x, 0, 64, 64, 45],
			[x, 0, 32, 128, 0],
			[x, 0, 32, 128, 45],
		];
		assert.deepEqual(rowsOf(rotatedAnchors(RRPN)), [...cell(0), ...cell(4)]);
	});
	test('the class default of offset 0.5: centres 2 and 6', () => {
		const rows = rowsOf(rotatedAnchors({ ...RRPN, offset: 0.5 }));
		assert.deepEqual(
			[rows[0].slice(0, 2), rows[12].slice(0, 2)],
			[
				[2, 2],
				[6, 2],
			],
		);
	});
	test('seven angles by default, from -90 to 90; level by level, y before x', () => {
		const rows = rowsOf(rotatedAnchors({ inputSize: [16, 8], strides: [8, 16], sizes: [32, [64, 128]], ratios: [1] }));
		assert.equal(rows.length, 2 * 7 + 2 * 7);
		assert.deepEqual(
			rows.slice(0, 7).map((r) => r[4]),
			[-90, -60, -30, 0, 30, 60, 90],
		);
		assert.deepEqual(rows[7].slice(0, 3), [0, 8, 32]);
		assert.deepEqual(rows[14].slice(0, 3), [0, 0, 64]);
		assert.deepEqual(rows[21].slice(0, 3), [0, 0, 128]);
	});
	test('800 at stride 64 has 13 x 13 cells, the last at 768', () => {
		const rows = rowsOf(rotatedAnchors({ inputSize: [800, 800], strides: [64], sizes: [256], ratios: [1], angles: [30] }));
		assert.equal(rows.length, 169);
		assert.deepEqual(rows[168], [768, 768, 256, 256, 30]);
	});
	test('an empty feature map gives no anchors', () => {
		const anchors = rotatedAnchors({ ...RRPN, gridSizes: [[0, 7]] });
		assert.instanceOf(anchors, Float32Array);
		assert.equal(anchors.length, 0);
	});
	test('refusals name the element', () => {
		const refused = (change: object, text: RegExp) => assert.throws(() => rotatedAnchors({ ...RRPN, ...change }), text);
		refused({ strides: [0] }, /rotatedAnchors: strides\[0\] must be a positive number; got 0/);
		refused({ strides: [Number.NaN] }, /strides\[0\].*got NaN/);
		refused({ ratios: [1, 0] }, /ratios\[1\].*got 0/);
		refused({ sizes: [[]] }, /sizes\[0\] must be a list with at least one number/);
		refused({ sizes: [32, 64] }, /sizes must have one entry per stride, 1/);
		refused({ angles: [] }, /angles must be a list with at least one number/);
		refused({ angles: [0, Infinity] }, /angles\[1\] must be a finite number of degrees; got Infinity/);
		refused({ offset: Number.NaN }, /offset/);
		refused({ angle: [0] }, /angle.*did you mean angles/);
		assert.throws(() => rotatedAnchors({ ...RRPN, angles: ['45'] as never }), TypeError);
	});
});

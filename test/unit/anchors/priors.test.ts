// SSD300's priors as the cited projects print them.

import { assert, describe, test } from 'vitest';
import { ssdPriors } from '../../../src/anchors/priors.js';

function shape(priors: Float32Array, i: number): [number, number] {
	return [priors[i * 4 + 2] - priors[i * 4], priors[i * 4 + 3] - priors[i * 4 + 1]];
}
function centre(priors: Float32Array, i: number): [number, number] {
	return [(priors[i * 4] + priors[i * 4 + 2]) / 2, (priors[i * 4 + 1] + priors[i * 4 + 3]) / 2];
}
function assertShapes(priors: Float32Array, first: number, expected: number[][]): void {
	expected.forEach(([w, h], i) => {
		const [width, height] = shape(priors, first + i);
		assert.approximately(width, w, 0.006, `width of prior ${first + i}`);
		assert.approximately(height, h, 0.006, `height of prior ${first + i}`);
	});
}

const LEVEL_0 = [
	[21, 21],
	[30.741, 30.741],
	[29.6985, 14.8492],
	[14.8492, 29.6985],
];
const LEVEL_1 = [
	[45, 45],
	[66.746, 66.746],
	[63.64, 31.82],
	[31.82, 63.64],
	[77.94, 25.98],
	[25.98, 77.94],
];

describe('SSD300', () => {
	for (const style of ['torchvision', 'mmdet'] as const) {
		test(`${style}: 8732 priors, level 0 and 1 as printed`, () => {
			const priors = ssdPriors({ inputSize: [300, 300], style });
			assert.equal(priors.length / 4, 8732);
			assertShapes(priors, 0, LEVEL_0);
			assertShapes(priors, 38 * 38 * 4, LEVEL_1);
			assert.deepEqual(centre(priors, 0), [4, 4]);
			assert.deepEqual(centre(priors, 4), [12, 4]); // order y, x, box
			assert.deepEqual(centre(priors, 38 * 4), [4, 12]);
		});
	}

	test('the last column is centred at exactly 300, half of it outside', () => {
		const priors = ssdPriors({ inputSize: [300, 300] });
		assert.equal(centre(priors, 37 * 4)[0], 300);
		assert.equal(priors[37 * 4 * 4 + 2], 310.5);
	});

	test('caffe without a step: the quotient 7.894, last centre 296.05', () => {
		const grids = [38, 19, 10, 5, 3, 1].map((n): [number, number] => [n, n]);
		const scales = [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05];
		const priors = ssdPriors({ inputSize: [300, 300], style: 'caffe', gridSizes: grids, scales, aspectRatios: [[2], [2, 3], [2, 3], [2, 3], [2], [2]] });
		assert.approximately(centre(priors, 37 * 4)[0], 296.05, 0.003);
		assert.approximately(centre(priors, 4)[0] - centre(priors, 0)[0], 7.894, 0.002);
		assertShapes(priors, 0, LEVEL_0);
	});

	test('clip: torchvision limits sizes, caffe limits corners, mmdetection neither', () => {
		const last = 8732 - 2; // 1 x 1 map, elongated 2 : 1, 261 px: 369 wide
		const [torchvision, caffe, mmdet] = (['torchvision', 'caffe', 'mmdet'] as const).map((style) =>
			ssdPriors({ inputSize: [300, 300], style, clip: style !== 'mmdet' }),
		);
		assert.equal(shape(torchvision, last)[0], 300);
		assert.equal(caffe[last * 4], 0);
		assert.equal(caffe[last * 4 + 2], 300);
		assert.approximately(shape(mmdet, last)[0], 261 * Math.SQRT2, 1e-3);
		// corner of the image: torchvision leaves the centre at (4, 4), caffe cuts the box
		assert.equal(torchvision[0], -6.5);
		assert.equal(caffe[0], 0);
	});

	test('other inputs need their levels', () => {
		assert.throws(() => ssdPriors({ inputSize: [512, 512] }), /ssdPriors: gridSizes, scales, aspectRatios must be given/);
		assert.throws(() => ssdPriors({ inputSize: [300, 300], scales: [0.1] }), /scales must have one number per level and one more, 7/);
		assert.throws(
			() => ssdPriors({ inputSize: [300, 300], aspectRatios: [[2], [0], [], [], [], []] }),
			/aspectRatios\[1\]\[0\] must be a positive number; got 0/,
		);
	});

	test('torchvision scales each side of an oblong input by itself', () => {
		const priors = ssdPriors({ inputSize: [100, 200], gridSizes: [[1, 1]], scales: [0.5, 1], aspectRatios: [[]] });
		assert.deepEqual(Array.from(priors.subarray(0, 4)), [50, 25, 150, 75]);
	});
});

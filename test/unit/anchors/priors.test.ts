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

	test("Caffe's sizes 21 / 45, 45 / 99, 99 / 153, 153 / 207, 207 / 261, 261 / 315: whole, and their geometric means", () => {
		// examples/ssd/ssd_pascal.py; a level's first prior, its squares, is at this index with 4, 6, 6, 6, 4, 4 per cell
		const first = [0, 5776, 5776 + 2166, 5776 + 2166 + 600, 5776 + 2166 + 600 + 150, 8732 - 4];
		const sizes = [21, 45, 99, 153, 207, 261, 315];
		const priors = ssdPriors({ inputSize: [300, 300], style: 'caffe' });
		first.forEach((i, level) => {
			assert.deepEqual(shape(priors, i), [sizes[level], sizes[level]]);
			assertShapes(priors, i + 1, [[Math.sqrt(sizes[level] * sizes[level + 1]), Math.sqrt(sizes[level] * sizes[level + 1])]]);
		});
	});

	test('Caffe cuts sizes that are not whole: SSD512 has 35 and sqrt(35 x 76), not 35.84 and 52.46', () => {
		// prior_box_layer.cpp keeps min_size and max_size in ints; ssd_pascal_512 gives 35.84 and 76.8
		const options = { inputSize: [512, 512], gridSizes: [[64, 64]], steps: [8], scales: [0.07, 0.15], aspectRatios: [[2]] } as const;
		assertShapes(ssdPriors({ ...options, style: 'caffe' }), 0, [
			[35, 35],
			[51.575, 51.575],
			[49.497, 24.749],
		]);
		assertShapes(ssdPriors({ ...options, style: 'mmdet' }), 0, [
			[35.84, 35.84],
			[52.464, 52.464],
		]);
	});

	test('torchvision DefaultBoxGenerator, test/test_models_detection_anchor_utils.py: 15 x 15, one cell, ratio 2', () => {
		const priors = ssdPriors({ inputSize: [15, 15], gridSizes: [[1, 1]], scales: [0.15, 0.9], aspectRatios: [[2]] });
		const printed = [6.375, 6.375, 8.625, 8.625, 4.7443, 4.7443, 10.2557, 10.2557, 5.909, 6.7045, 9.091, 8.2955, 6.7045, 5.909, 8.2955, 9.091];
		assert.equal(priors.length, printed.length);
		printed.forEach((v, k) => assert.approximately(priors[k], v, 1e-4, `number ${k}`));
	});

	test('torchvision scales each side of an oblong input by itself', () => {
		const priors = ssdPriors({ inputSize: [100, 200], gridSizes: [[1, 1]], scales: [0.5, 1], aspectRatios: [[]] });
		assert.deepEqual(Array.from(priors.subarray(0, 4)), [50, 25, 150, 75]);
	});
});

describe('SSDLite320 of torchvision', () => {
	// models/detection/ssdlite.py: DefaultBoxGenerator([[2, 3]] x 6, min_ratio 0.2, max_ratio 0.95), maps 20, 10, 5, 3, 2, 1
	const priors = ssdPriors({ inputSize: [320, 320] });
	test('3234 priors: 6 for each of 539 cells', () => assert.equal(priors.length / 4, 3234));
	test('level 0: 0.2 of 320, sqrt(0.2 x 0.35), 2 and 3 to 1; centres 8 and 24', () => {
		assertShapes(priors, 0, [
			[64, 64],
			[84.664, 84.664], // 320 sqrt(0.07)
			[90.51, 45.255],
			[45.255, 90.51],
			[110.851, 36.95],
			[36.95, 110.851],
		]);
		assert.deepEqual(centre(priors, 0), [8, 8]);
		assert.deepEqual(centre(priors, 6), [24, 8]);
	});
	test('the last level: 0.95 and sqrt(0.95 x 1), what is wider than the input cut to it', () => {
		assertShapes(priors, 3234 - 6, [
			[304, 304],
			[311.897, 311.897],
			[320, 214.96],
			[214.96, 320],
			[320, 175.514],
			[175.514, 320],
		]);
		assert.deepEqual(centre(priors, 3234 - 6), [160, 160]);
	});
	test('cells of 320 / 3 where a map does not divide the input', () => {
		const first = 6 * (400 + 100 + 25);
		assert.approximately(centre(priors, first)[0], 53.333, 1e-3);
		assert.approximately(centre(priors, first + 6)[0], 160, 1e-3);
	});
	test('the other styles have no such default', () => {
		assert.throws(() => ssdPriors({ inputSize: [320, 320], style: 'mmdet' }), /must be given for an input other than 300 x 300; got/);
		assert.throws(() => ssdPriors({ inputSize: [320, 300] }), /must be given for an input other than 300 x 300 or 320 x 320; got/);
	});
});

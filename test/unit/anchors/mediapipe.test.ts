// MediaPipe's anchors against rows of its own golden files (mediapipe/calculators/tflite/testdata), which
// ssd_anchors_calculator_test.cc compares to 1e-5: x centre, y centre, width, height as fractions of the input.

import { assert, describe, test } from 'vitest';
import { type MediapipeAnchorOptions, mediapipeAnchors } from '../../../src/anchors/mediapipe.js';

/** Row i as MediaPipe prints it. */
function row(anchors: Float32Array, i: number, [height, width]: readonly [number, number]): number[] {
	const [x1, y1, x2, y2] = anchors.subarray(i * 4, i * 4 + 4);
	return [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height];
}

/** Compares with printed rows, "x y w h" per line, from row `first` on. */
function assertRows(anchors: Float32Array, size: readonly [number, number], first: number, printed: string): void {
	const lines = printed.trim().split('\n');
	assert.isAtMost(first + lines.length, anchors.length / 4);
	lines.forEach((line, i) => {
		const expected = line.trim().split(' ').map(Number);
		row(anchors, first + i, size).forEach((v, k) => {
			assert.approximately(v, expected[k], 1e-5, `row ${first + i}, element ${k}`);
		});
	});
}

const BLAZEFACE: MediapipeAnchorOptions = { inputSize: [128, 128], strides: [8, 16, 16, 16], fixedAnchorSize: true };
const MOBILE_SSD: MediapipeAnchorOptions = {
	inputSize: [300, 300],
	strides: [16, 32, 64, 128, 256, 512],
	minScale: 0.2,
	maxScale: 0.95,
	aspectRatios: [1, 2, 0.5, 3, 0.3333],
	reduceBoxesInLowestLayer: true,
};

describe('MobileSSDConfig, anchor_golden_file_1.txt', () => {
	const size = [300, 300] as const;
	const anchors = mediapipeAnchors(MOBILE_SSD);

	test('1917 anchors: 19 x 19 x 3, then 6 per cell of 10, 5, 3, 2 and 1', () => {
		assert.equal(anchors.length / 4, 19 * 19 * 3 + (100 + 25 + 9 + 4 + 1) * 6);
	});
	test('the lowest layer: 0.1, and 0.2 elongated both ways; x before y', () => {
		const first = `
			0.0263158 0.0263158 0.1 0.1
			0.0263158 0.0263158 0.282843 0.141421
			0.0263158 0.0263158 0.141421 0.282843
			0.0789474 0.0263158 0.1 0.1
			0.0789474 0.0263158 0.282843 0.141421
			0.0789474 0.0263158 0.141421 0.282843`;
		assertRows(anchors, size, 0, first);
		assertRows(anchors, size, 18 * 3, '0.973684 0.0263158 0.1 0.1');
		assertRows(anchors, size, 19 * 3, '0.0263158 0.0789474 0.1 0.1');
	});
	test('the upper layers: ratios in the order given, the interpolated square last', () => {
		const layer4 = `
			0.833333 0.833333 0.65 0.65
			0.833333 0.833333 0.919239 0.459619
			0.833333 0.833333 0.459619 0.919239
			0.833333 0.833333 1.12583 0.375278
			0.833333 0.833333 0.375259 1.12589
			0.833333 0.833333 0.72111 0.72111`;
		assertRows(anchors, size, 1917 - 6 * 6, layer4);
		const layer5 = `
			0.25 0.25 0.8 0.8
			0.25 0.25 1.13137 0.565686
			0.25 0.25 0.565685 1.13137
			0.25 0.25 1.38564 0.46188
			0.25 0.25 0.461857 1.38571
			0.25 0.25 0.87178 0.87178
			0.75 0.25 0.8 0.8`;
		assertRows(anchors, size, 1917 - 6 * 5, layer5);
	});
	test('after the last layer the next scale is 1: sqrt(0.95)', () => {
		const layer6 = `
			0.5 0.5 0.95 0.95
			0.5 0.5 1.3435 0.671751
			0.5 0.5 0.671751 1.3435
			0.5 0.5 1.64545 0.548483
			0.5 0.5 0.548455 1.64553
			0.5 0.5 0.974679 0.974679`;
		assertRows(anchors, size, 1917 - 6, layer6);
	});
});

describe('RetinaNetSSDConfig, anchor_golden_file_2.txt', () => {
	const size = [640, 640] as const;
	const options: MediapipeAnchorOptions = {
		inputSize: size,
		strides: [64, 128],
		aspectRatios: [1, 2, 0.5],
		multiscale: { anchorScale: 3, scalesPerOctave: 3 },
	};
	test('ratios outer, scales inner, centre half a stride', () => {
		const anchors = mediapipeAnchors(options);
		assert.equal(anchors.length / 4, (100 + 25) * 9);
		const level6 = `
			0.05 0.05 0.3 0.3
			0.05 0.05 0.377976 0.377976
			0.05 0.05 0.47622 0.47622
			0.05 0.05 0.424264 0.212132
			0.05 0.05 0.534539 0.26727
			0.05 0.05 0.673477 0.336739
			0.05 0.05 0.212132 0.424264
			0.05 0.05 0.26727 0.534539
			0.05 0.05 0.336739 0.673477
			0.15 0.05 0.3 0.3`;
		assertRows(anchors, size, 0, level6);
		assertRows(anchors, size, 10 * 9, '0.05 0.15 0.3 0.3');
		const level7 = `
			0.9 0.9 0.6 0.6
			0.9 0.9 0.755953 0.755953
			0.9 0.9 0.952441 0.952441
			0.9 0.9 0.848528 0.424264
			0.9 0.9 1.06908 0.534539
			0.9 0.9 1.34695 0.673477
			0.9 0.9 0.424264 0.848528
			0.9 0.9 0.534539 1.06908
			0.9 0.9 0.673477 1.34695`;
		assertRows(anchors, size, 1125 - 9, level7);
	});
	test('a side that the stride does not divide is centred at the corner of the cell', () => {
		const anchors = mediapipeAnchors({ ...options, inputSize: [800, 640], strides: [64], aspectRatios: [1], multiscale: { scalesPerOctave: 1 } });
		assert.equal(anchors.length / 4, 13 * 10);
		const [x1, y1, x2, y2] = anchors;
		assert.deepEqual([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], [32, 0, 256, 256]); // 4 strides wide by default
	});
	test('an input of 1 counts as divided', () => {
		const anchors = mediapipeAnchors({ ...options, inputSize: [1, 3], strides: [2], gridSizes: [[1, 1]], aspectRatios: [1] });
		const [x1, y1, x2, y2] = anchors;
		assert.deepEqual([(x1 + x2) / 2, (y1 + y2) / 2], [0, 1]);
	});
});

describe('layers of equal stride', () => {
	test('FaceDetectionConfig: 8, 16, 32, 32, 32 at 256, fixed size', () => {
		const anchors = mediapipeAnchors({ inputSize: [256, 256], strides: [8, 16, 32, 32, 32], minScale: 0.1171875, maxScale: 0.75, fixedAnchorSize: true });
		assert.equal(anchors.length / 4, 32 * 32 * 2 + 16 * 16 * 2 + 8 * 8 * 6);
		assertRows(anchors, [256, 256], 0, '0.015625 0.015625 1 1\n0.015625 0.015625 1 1\n0.046875 0.015625 1 1');
	});
	test('BlazeFace: 16 x 16 x 2 and 8 x 8 x 6 are 896, each as large as the input', () => {
		const anchors = mediapipeAnchors(BLAZEFACE);
		assert.equal(anchors.length / 4, 896);
		assert.deepEqual(Array.from(anchors.subarray(0, 4)), [4 - 64, 4 - 64, 4 + 64, 4 + 64]);
		for (let i = 512; i < 518; i++) assertRows(anchors, [128, 128], i, '0.0625 0.0625 1 1');
		assertRows(anchors, [128, 128], 518, '0.1875 0.0625 1 1');
		assertRows(anchors, [128, 128], 895, '0.9375 0.9375 1 1');
	});
	test('merged sizes follow each other inside a cell', () => {
		const anchors = mediapipeAnchors({ inputSize: [32, 32], strides: [16, 16], minScale: 0.25, maxScale: 0.5, interpolatedScaleAspectRatio: 0 });
		assert.equal(anchors.length / 4, 2 * 2 * 2);
		assertRows(anchors, [32, 32], 0, '0.25 0.25 0.25 0.25\n0.25 0.25 0.5 0.5\n0.75 0.25 0.25 0.25');
	});
	test('one layer: the mean of both scales', () => {
		const anchors = mediapipeAnchors({ inputSize: [32, 32], strides: [32], minScale: 0.2, maxScale: 0.6 });
		assertRows(anchors, [32, 32], 0, '0.5 0.5 0.4 0.4\n0.5 0.5 0.632456 0.632456'); // sqrt(0.4)
	});
});

describe('TensorFlow create_ssd_anchors', () => {
	// research/object_detection/anchor_generators/multiple_grid_anchor_generator_test.py: 7308 and 11640 rows on these maps
	const maps = [38, 19, 10, 5, 3, 1].map((n): [number, number] => [n, n]);
	const options: MediapipeAnchorOptions = { ...MOBILE_SSD, strides: [8, 16, 30, 60, 100, 300], gridSizes: maps, aspectRatios: [1, 2, 3, 1 / 2, 1 / 3] };
	test('three boxes in the lowest layer, six above; or six everywhere', () => {
		assert.equal(mediapipeAnchors(options).length / 4, 7308);
		assert.equal(mediapipeAnchors({ ...options, reduceBoxesInLowestLayer: false }).length / 4, 11640);
	});
	test('ssd_mobilenet_v1_coco: 19, 10, 5, 3, 2, 1 at 300 are 1917, whether from strides or from maps', () => {
		const gridSizes = [19, 10, 5, 3, 2, 1].map((n): [number, number] => [n, n]);
		assert.deepEqual(mediapipeAnchors({ ...MOBILE_SSD, gridSizes }), mediapipeAnchors(MOBILE_SSD));
	});
	test('scales from 0.2 to 0.95 in steps of 0.15, then 1: the larger square is sqrt of two neighbours', () => {
		const first = 19 * 19 * 3; // layer 1: 0.35 and sqrt(0.35 x 0.5) = 0.418330
		const anchors = mediapipeAnchors(MOBILE_SSD);
		assertRows(anchors, [300, 300], first, '0.05 0.05 0.35 0.35');
		assertRows(anchors, [300, 300], first + 5, '0.05 0.05 0.41833 0.41833');
	});
});

describe('offsets', () => {
	test('each way by itself, in cells', () => {
		const anchors = mediapipeAnchors({ ...BLAZEFACE, anchorOffsetX: 0, anchorOffsetY: 0.25 });
		// cells of 1 / 16: x 0, then 0.0625; y 0.25 / 16
		assertRows(anchors, [128, 128], 0, '0 0.015625 1 1\n0 0.015625 1 1\n0.0625 0.015625 1 1');
	});
});

describe('fixed anchors', () => {
	// ssd_anchors_calculator.proto: x_center, y_center, h, w as fractions; nothing else may be set
	test('are taken as they are, in pixels of the input', () => {
		const anchors = mediapipeAnchors({ inputSize: [100, 200], fixedAnchors: [0.5, 0.5, 0.25, 0.5, 0, 0.25, 1, 1] });
		assert.deepEqual(Array.from(anchors), [75, 25, 125, 75, -100, -25, 100, 75]);
		assertRows(anchors, [100, 200], 0, '0.5 0.5 0.25 0.5\n0 0.25 1 1');
	});
	test('as a typed array, or none', () => {
		assert.equal(mediapipeAnchors({ inputSize: [192, 192], fixedAnchors: new Float32Array(2016 * 4) }).length, 2016 * 4);
		assert.equal(mediapipeAnchors({ inputSize: [192, 192], fixedAnchors: [] }).length, 0);
	});
});

describe('grids', () => {
	test('800 at stride 64: 13 cells spread evenly, 61.538 apart', () => {
		const anchors = mediapipeAnchors({ inputSize: [800, 800], strides: [64], fixedAnchorSize: true, interpolatedScaleAspectRatio: 0 });
		assert.equal(anchors.length / 4, 169);
		assert.approximately((anchors[0] + anchors[2]) / 2, 30.769, 1e-3);
		assert.approximately(anchors[4] - anchors[0], 61.538, 1e-3);
	});
	test('sizes are fractions of each side of an oblong input', () => {
		const anchors = mediapipeAnchors({ inputSize: [100, 200], strides: [200], gridSizes: [[1, 1]], minScale: 0.5, maxScale: 0.5 });
		assert.deepEqual(Array.from(anchors.subarray(0, 4)), [50, 25, 150, 75]);
	});
	test('an empty feature map gives no anchors', () => {
		for (const more of [{ fixedAnchorSize: true }, { multiscale: {} }]) {
			const anchors = mediapipeAnchors({ inputSize: [64, 64], strides: [8], gridSizes: [[0, 7]], ...more });
			assert.instanceOf(anchors, Float32Array);
			assert.equal(anchors.length, 0);
		}
	});
});

describe('refusals name the element', () => {
	const cases: [string, object, RegExp][] = [
		['stride 0', { ...BLAZEFACE, strides: [8, 0] }, /RangeError: mediapipeAnchors: strides\[1\] must be a positive number; got 0/],
		['stride NaN', { ...BLAZEFACE, strides: [Number.NaN] }, /strides\[0\].*got NaN/],
		['no stride at all', { inputSize: [128, 128] }, /TypeError: mediapipeAnchors: strides must be a list/],
		['no strides', { ...BLAZEFACE, strides: [] }, /TypeError: mediapipeAnchors: strides must be a list with at least one number/],
		['ratio 0', { ...MOBILE_SSD, aspectRatios: [1, 0] }, /aspectRatios\[1\].*got 0/],
		[
			'a negative extra ratio',
			{ ...BLAZEFACE, interpolatedScaleAspectRatio: -1 },
			/RangeError.*interpolatedScaleAspectRatio must be a positive number; got -1/,
		],
		['no scale', { ...MOBILE_SSD, minScale: undefined }, /TypeError: mediapipeAnchors: minScale must be given/],
		['scale 0', { ...MOBILE_SSD, maxScale: 0 }, /RangeError: mediapipeAnchors: maxScale.*got 0/],
		['a word for a scale', { ...MOBILE_SSD, maxScale: '1' }, /TypeError: mediapipeAnchors: maxScale/],
		['an infinite offset', { ...BLAZEFACE, anchorOffsetX: Infinity }, /RangeError.*anchorOffsetX must be a finite number; got Infinity/],
		['a word for an offset', { ...BLAZEFACE, anchorOffsetY: 'half' }, /TypeError.*anchorOffsetY/],
		['fixed anchors with strides', { ...BLAZEFACE, fixedAnchors: [] }, /TypeError: mediapipeAnchors: strides must not be given with fixedAnchors/],
		['fixed anchors of three numbers', { inputSize: [8, 8], fixedAnchors: [1, 1, 1] }, /RangeError.*fixedAnchors must have four numbers per anchor; got 3/],
		['fixed anchors that are no numbers', { inputSize: [8, 8], fixedAnchors: [1, 1, 1, '1'] }, /TypeError.*fixedAnchors\[3\] must be a finite number/],
		['a fixed anchor of NaN', { inputSize: [8, 8], fixedAnchors: [1, Number.NaN, 1, 1] }, /RangeError.*fixedAnchors\[1\]/],
		['fixed anchors that are no list', { inputSize: [8, 8], fixedAnchors: { length: 4 } }, /TypeError.*fixedAnchors must be a list/],
		['a switch that is none', { ...BLAZEFACE, fixedAnchorSize: 1 }, /TypeError.*fixedAnchorSize must be true or false; got 1/],
		['an unknown option', { ...BLAZEFACE, fixedAnchorSizes: true }, /fixedAnchorSizes.*did you mean fixedAnchorSize/],
		[
			'neighbours of one stride, two grids',
			{
				...BLAZEFACE,
				strides: [16, 16],
				gridSizes: [
					[8, 8],
					[8, 4],
				],
			},
			/gridSizes\[1\] must be \[8,8\] as of its neighbour of equal stride/,
		],
		['multiscale with scales', { ...MOBILE_SSD, multiscale: {} }, /TypeError: mediapipeAnchors: minScale must not be given with multiscale/],
		['multiscale of a stride no power of two', { inputSize: [96, 96], strides: [32, 48], multiscale: {} }, /strides\[1\] must be a power of two.*got 48/],
		['multiscale of no scales', { inputSize: [64, 64], strides: [32], multiscale: { scalesPerOctave: 0 } }, /multiscale.scalesPerOctave.*got 0/],
		['multiscale of scale 0', { inputSize: [64, 64], strides: [32], multiscale: { anchorScale: 0 } }, /multiscale.anchorScale.*got 0/],
	];
	for (const [name, options, text] of cases) {
		test(name, () => {
			let error: unknown;
			try {
				mediapipeAnchors(options as MediapipeAnchorOptions);
			} catch (e) {
				error = e;
			}
			assert.match(String(error), text);
		});
	}
});

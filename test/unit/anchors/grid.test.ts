// Literal anchors printed by the cited projects, executed unchanged: RetinaNet P3, base size 32, stride 8, three ratios.

import { assert, describe, test } from 'vitest';
import { ANCHOR_STYLES, type AnchorGridOptions, anchorGrid } from '../../../src/anchors/grid.js';
import { retinanet } from '../../../src/heads/retinanet.js';

const OCTAVES = [1, 2 ** (1 / 3), 2 ** (2 / 3)];
const P3 = { inputSize: [16, 24], strides: [8], ratios: [0.5, 1, 2] } as const;

function row(anchors: Float32Array, i: number): number[] {
	return Array.from(anchors.subarray(i * 4, i * 4 + 4));
}

function assertNear(actual: number[], expected: number[], tolerance = 1e-4): void {
	assert.equal(actual.length, expected.length);
	actual.forEach((v, i) => {
		assert.approximately(v, expected[i], tolerance, `element ${i} of [${actual}], expected [${expected}]`);
	});
}

describe('golden base anchors', () => {
	test('torchvision: rounded, ratios outer, centre of the first cell at 0, of the next at 8', () => {
		const anchors = anchorGrid({ ...P3, sizes: [[32, 40, 50]], style: 'torchvision' });
		assert.deepEqual(row(anchors, 0), [-23, -11, 23, 11]);
		assert.deepEqual(row(anchors, 1), [-28, -14, 28, 14]);
		assert.deepEqual(row(anchors, 3), [-16, -16, 16, 16]);
		assert.deepEqual(row(anchors, 9 + 3), [-8, -16, 24, 16]);
	});

	test('detectron2: sizes outer, not rounded', () => {
		const anchors = anchorGrid({ ...P3, sizes: [[32, 40.32, 50.8]], style: 'detectron2' });
		assertNear(row(anchors, 0), [-22.6274, -11.3137, 22.6274, 11.3137]);
		assertNear(row(anchors, 1), [-16, -16, 16, 16]);
		assertNear(row(anchors, 3).slice(0, 2), [-28.5106, -14.2553], 3e-3); // its 40.3175 prints as 40.32
		assertNear(row(anchorGrid({ ...P3, sizes: [[32, 40.31747, 50.7968]], style: 'detectron2' }), 3).slice(0, 2), [-28.5088, -14.2544]);
		assertNear(row(anchors, 9 + 1), [-8, -16, 24, 16]);
	});

	test('detectron2: class default offset 0.5 puts the first centre at 4', () => {
		const anchors = anchorGrid({ ...P3, sizes: [32], ratios: [1], style: 'detectron2', offset: 0.5 });
		assertNear(row(anchors, 0), [-12, -12, 20, 20]);
	});

	test('mmdetection: ratios outer, octave base scale 4', () => {
		const anchors = anchorGrid({ ...P3, sizes: [8 * 4], scales: OCTAVES, style: 'mmdet' });
		assertNear(row(anchors, 0), [-22.6274, -11.3137, 22.6274, 11.3137]);
		assertNear(row(anchors, 1).slice(0, 2), [-28.5088, -14.2544]);
		assertNear(row(anchors, 3), [-16, -16, 16, 16]);
	});

	test('mmdetection: the centre of the first cell at 0, of the next at 8', () => {
		const anchors = anchorGrid({ ...P3, sizes: [8 * 4], scales: OCTAVES, style: 'mmdet' });
		assertNear(row(anchors, 9 + 3), [-8, -16, 24, 16]);
	});

	test('mmdetection legacy: inclusive pixels, rounded, centres 3.5 and 11.5', () => {
		const anchors = anchorGrid({ ...P3, sizes: [8 * 4], scales: OCTAVES, style: 'mmdet-legacy' });
		assert.deepEqual(row(anchors, 0), [-19, -7, 26, 14]);
		assert.deepEqual(row(anchors, 1), [-25, -10, 32, 17]);
		assert.deepEqual(row(anchors, 3), [-12, -12, 19, 19]);
		const next = row(anchors, 9 + 3);
		assert.equal((next[0] + next[2]) / 2, 11.5);
	});

	test('keras-retinanet: centre of the first cell at 4, of the next at 12', () => {
		const anchors = anchorGrid({ ...P3, sizes: [32], scales: OCTAVES, style: 'keras-retinanet' });
		assertNear(row(anchors, 0), [-18.6274, -7.3137, 26.6274, 15.3137]);
		assertNear(row(anchors, 1).slice(0, 2), [-28.5088 + 4, -14.2544 + 4]);
		assertNear(row(anchors, 3), [-12, -12, 20, 20]);
		assertNear(row(anchors, 9 + 3), [-4, -12, 28, 20]);
	});

	test('Detectron: the nine anchors printed in py-faster-rcnn generate_anchors.py, stride 16, scales 8, 16, 32', () => {
		const anchors = anchorGrid({ inputSize: [16, 32], strides: [16], sizes: [[128, 256, 512]], style: 'detectron' });
		const printed = [
			[-84, -40, 99, 55],
			[-176, -88, 191, 103],
			[-360, -184, 375, 199],
			[-56, -56, 71, 71],
			[-120, -120, 135, 135],
			[-248, -248, 263, 263],
			[-36, -80, 51, 95],
			[-80, -168, 95, 183],
			[-168, -344, 183, 359],
		];
		printed.forEach((box, i) => {
			assert.deepEqual(row(anchors, i), box);
		});
		assert.deepEqual(row(anchors, 9), [-84 + 16, -40, 99 + 16, 55]);
	});

	test('NVIDIA retinanet-examples, issue 54: sizes outer, ratios 1, 2, 0.5, inclusive pixels', () => {
		const anchors = anchorGrid({ inputSize: [16, 24], strides: [8], sizes: [8 * 4], scales: OCTAVES, style: 'nvidia' });
		assert.deepEqual(row(anchors, 0), [-12, -12, 19, 19]);
		assert.deepEqual(row(anchors, 1), [-8, -20, 15, 27]);
		assertNear(row(anchors, 3), [-16.15, -16.15, 23.15, 23.15], 0.01); // printed to two places, cut
		assert.equal((anchors[9 * 4] + anchors[9 * 4 + 2]) / 2, 11.5);
	});

	test('EfficientDet: octaves outer, ratio width / height, centre half a stride', () => {
		// google/automl tf2/anchors.py: stride 8, anchor scale 4, 3 octaves, aspects 1, 2, 0.5; widths 32 sqrt(2) = 45.2548 and 22.6274 about 4
		const anchors = anchorGrid({ inputSize: [16, 24], strides: [8], sizes: [8 * 4], scales: OCTAVES, style: 'efficientdet' });
		assertNear(row(anchors, 0), [-12, -12, 20, 20]);
		assertNear(row(anchors, 1), [-18.6274, -7.3137, 26.6274, 15.3137]);
		assertNear(row(anchors, 2), [-7.3137, -18.6274, 15.3137, 26.6274]);
		assertNear(row(anchors, 3), [4 - 20.1587, 4 - 20.1587, 4 + 20.1587, 4 + 20.1587]); // 32 x 1.259921 = 40.3175
		assertNear(row(anchors, 9), [-4, -12, 28, 20]);
		assertNear(row(anchors, 3 * 9), [-12, -4, 20, 28]);
	});
	test('EfficientDet: aspect pairs [1, 1], [1.4, 0.7], [0.7, 1.4]', () => {
		// google/automl efficientdet/anchors.py: width = size x aspect[0], height = size x aspect[1]; 32 x 1.4 = 44.8 and 22.4 about 4
		const ratios = [
			[1, 1],
			[1.4, 0.7],
			[0.7, 1.4],
		] as const;
		const anchors = anchorGrid({ inputSize: [16, 24], strides: [8], sizes: [8 * 4], scales: OCTAVES, ratios, style: 'efficientdet' });
		assertNear(row(anchors, 0), [-12, -12, 20, 20]);
		assertNear(row(anchors, 1), [4 - 22.4, 4 - 11.2, 4 + 22.4, 4 + 11.2]);
		assertNear(row(anchors, 2), [4 - 11.2, 4 - 22.4, 4 + 11.2, 4 + 22.4]);
		assertNear(row(anchors, 4), [4 - 28.2222, 4 - 14.1111, 4 + 28.2222, 4 + 14.1111]); // the next octave: 40.3175 x 0.7 = 28.2222
	});
	test('EfficientDet: pairs grow with the fractional stride; ratios and pairs mix', () => {
		const anchors = anchorGrid({ inputSize: [768, 800], strides: [64], sizes: [256], ratios: [1, [2, 0.5]], style: 'efficientdet' });
		const [x1, y1, x2, y2] = row(anchors, 1);
		assertNear([x2 - x1, y2 - y1], [492.3077, 128], 1e-3); // 4 x 61.538 x 2, 4 x 64 / 2
	});
	test('torchvision FCOS: one square of the stride about the corner of each cell', () => {
		// models/detection/fcos.py: AnchorGenerator(((8,), (16,), (32,), (64,), (128,)), ((1.0,),) * 5)
		const strides = [8, 16, 32, 64, 128];
		const anchors = anchorGrid({ inputSize: [256, 384], strides, sizes: strides, ratios: [1] });
		assert.deepEqual(row(anchors, 0), [-4, -4, 4, 4]);
		assert.deepEqual(row(anchors, 1), [4, -4, 12, 4]);
		assert.deepEqual(row(anchors, 32 * 48), [-8, -8, 8, 8]);
		assert.deepEqual(row(anchors, anchors.length / 4 - 1), [2 * 128 - 64, 128 - 64, 2 * 128 + 64, 128 + 64]);
	});
	test("torchvision's RetinaNet truncates its octaves: 32, 40, 50 to 512, 645, 812; detectron2's does not", () => {
		// models/detection/retinanet.py _default_anchorgen: (x, int(x * 2 ** (1 / 3)), int(x * 2 ** (2 / 3)))
		const strides = [8, 16, 32, 64, 128];
		const whole = [32, 40, 50, 64, 80, 101, 128, 161, 203, 256, 322, 406, 512, 645, 812];
		const sizes = strides.map((_, i) => whole.slice(3 * i, 3 * i + 3));
		assert.deepEqual(retinanet({ numClasses: 1, inputSize: [128, 128] }).anchors, anchorGrid({ inputSize: [128, 128], strides, sizes }));
		const anchors = retinanet({ numClasses: 1, inputSize: [128, 128], style: 'detectron2' }).anchors as Float32Array;
		assertNear(row(anchors, 4), [-20.1587, -20.1587, 20.1587, 20.1587]); // 40.3175 / 2
	});
	test('torchvision AnchorGenerator, test/test_models_detection_anchor_utils.py: 15 x 15, 3 x 3 cells, size 10', () => {
		const anchors = anchorGrid({ inputSize: [15, 15], strides: [5], sizes: [10], ratios: [1] });
		const printed = [
			[-5, -5, 5, 5],
			[0, -5, 10, 5],
			[5, -5, 15, 5],
			[-5, 0, 5, 10],
			[0, 0, 10, 10],
			[5, 0, 15, 10],
			[-5, 5, 5, 15],
			[0, 5, 10, 15],
			[5, 5, 15, 15],
		];
		assert.deepEqual(Array.from(anchors), printed.flat());
	});
	test('EfficientDet-D0: 49104 anchors at 512', () => {
		const strides = [8, 16, 32, 64, 128];
		const anchors = anchorGrid({ inputSize: [512, 512], strides, sizes: strides.map((s) => s * 4), scales: OCTAVES, style: 'efficientdet' });
		assert.equal(anchors.length / 4, 49104);
	});
});

describe('an input of 800, P6 and P7', () => {
	const centres = (style: AnchorGridOptions['style'], stride: number) => {
		const anchors = anchorGrid({ inputSize: [800, 800], strides: [stride], sizes: [32], ratios: [1], style });
		const cells = Math.sqrt(anchors.length / 4);
		return Array.from({ length: cells }, (_, x) => (anchors[x * 4] + anchors[x * 4 + 2]) / 2);
	};
	test('torchvision: 13 cells of floor(800 / 13) = 61, 0 to 732; P7 7 cells of 114, 0 to 684', () => {
		const p6 = centres('torchvision', 64);
		assert.deepEqual([p6.length, p6[0], p6[1], p6[12]], [13, 0, 61, 732]);
		const p7 = centres('torchvision', 128);
		assert.deepEqual([p7.length, p7[1], p7[6]], [7, 114, 684]);
	});
	test('torchvision: the last centre of P3 is 792', () => assert.equal(centres('torchvision', 8)[99], 792));
	test('detectron2 and mmdetection: 0 to 768', () => {
		for (const style of ['detectron2', 'mmdet'] as const) assert.deepEqual([centres(style, 64)[0], centres(style, 64)[12]], [0, 768]);
	});
	test('EfficientDet: 13 cells of 800 / 13 = 61.538, from 30.77; the size follows the stride, each side by itself', () => {
		const p6 = centres('efficientdet', 64);
		assertNear([p6[0], p6[1], p6[12]], [30.7692, 92.3077, 769.2308], 1e-3);
		const [x1, y1, x2, y2] = anchorGrid({ inputSize: [768, 800], strides: [64], sizes: [256], ratios: [1], style: 'efficientdet' });
		assertNear([x2 - x1, y2 - y1], [246.1538, 256]); // 4 x 61.538, 4 x 64
	});
	test('keras-retinanet: 32, 96, ... 800', () => {
		const p6 = centres('keras-retinanet', 64);
		assert.deepEqual([p6.length, p6[0], p6[1], p6[12]], [13, 32, 96, 800]);
	});
	test('symmetric padding would put the first centre of P6 at (800 - 64 x 12) / 2 = 16: a quarter of a cell (keras-retinanet issue 1073)', () => {
		const anchors = anchorGrid({ inputSize: [800, 800], strides: [64], sizes: [32], ratios: [1], style: 'keras-retinanet', offset: 0.25 });
		assert.deepEqual(row(anchors, 0), [0, 0, 32, 32]);
		assert.deepEqual(row(anchors, 168), [768, 768, 800, 800]);
	});
	test('torchvision and detectron2 agree once the input is padded to a multiple of 128, and not before', () => {
		const strides = [8, 16, 32, 64, 128];
		const both = (side: number) =>
			(['torchvision', 'detectron2'] as const).map((style) => anchorGrid({ inputSize: [side, side], strides, sizes: strides, ratios: [1], style }));
		const [torchvision, detectron2] = both(896); // 7 x 128
		assert.deepEqual(torchvision, detectron2);
		const [narrow, wide] = both(800);
		assert.equal(narrow.length, wide.length);
		assert.notDeepEqual(narrow, wide);
	});
});

describe('textbook cases', () => {
	const sides = ([x1, y1, x2, y2]: number[]) => [x2 - x1, y2 - y1];
	const cell = { inputSize: [8, 8], strides: [8], sizes: [32], scales: [0.5] } as const;
	test('32 times 0.5 is 16; 16 x 16 at 1 : 2 is 11.31 x 22.63 where nothing is rounded', () => {
		for (const style of ['detectron2', 'mmdet', 'keras-retinanet'] as const) {
			const anchors = anchorGrid({ ...cell, ratios: [1, 2], style });
			assertNear(sides(row(anchors, 0)), [16, 16]);
			assertNear(sides(row(anchors, 1)), [11.3137, 22.6274]);
		}
	});
	test('and 12 x 22 with torchvision, whose half sides 5.66 and 11.31 become 6 and 11', () => {
		assert.deepEqual(sides(row(anchorGrid({ ...cell, ratios: [2] }), 0)), [12, 22]);
	});
	test('P3 of 256: 32 x 32 cells, the first anchor from -12 about 4', () => {
		const anchors = anchorGrid({ inputSize: [256, 256], strides: [8], sizes: [32], ratios: [1], style: 'keras-retinanet' });
		assert.equal(anchors.length / 4, 32 * 32);
		assert.deepEqual(row(anchors, 0), [-12, -12, 20, 20]);
	});
});

describe('P2 to P6 with halved sizes', () => {
	// strides 4 to 64 and sizes 16 to 256 for small objects, instead of 8 to 128 and 32 to 512
	const halved = { strides: [4, 8, 16, 32, 64], sizes: [16, 32, 64, 128, 256], scales: OCTAVES, style: 'keras-retinanet' } as const;
	const usual = { strides: [8, 16, 32, 64, 128], sizes: [32, 64, 128, 256, 512], scales: OCTAVES, style: 'keras-retinanet' } as const;
	test('at 256: 9 for each of 64^2 + 32^2 + 16^2 + 8^2 + 4^2 cells, the first square from -6 about 2', () => {
		const anchors = anchorGrid({ inputSize: [256, 256], ...halved });
		assert.equal(anchors.length / 4, 9 * 5456);
		assertNear(row(anchors, 3), [-6, -6, 10, 10]);
		assertNear(row(anchors, 0), [2 - 11.3137, 2 - 5.6569, 2 + 11.3137, 2 + 5.6569]);
		assertNear(row(anchors, anchors.length / 4 - 6), [224 - 128, 224 - 128, 224 + 128, 224 + 128]); // the last cell of P6, its 1 : 1
	});
	test('are half the usual ones of an input twice as large', () => {
		const anchors = anchorGrid({ inputSize: [256, 384], ...halved });
		assert.deepEqual(
			anchors,
			anchorGrid({ inputSize: [512, 768], ...usual }).map((v) => v / 2),
		);
	});
});

describe('properties', () => {
	test('count is the sum of height x width x shapes; the order is y, x, anchor', () => {
		const anchors = anchorGrid({
			inputSize: [104, 64],
			strides: [8, 16],
			sizes: [
				[32, 40],
				[64, 80],
			],
		});
		assert.equal(anchors.length / 4, (13 * 8 + 7 * 4) * 6);
		assert.equal(anchors[6 * 4] - anchors[0], 8); // next cell: one step in x
		assert.equal(anchors[8 * 6 * 4 + 1] - anchors[1], 8); // next row: one step in y
	});
	test('the area is (size x scale)^2 for every ratio', () => {
		const anchors = anchorGrid({ inputSize: [8, 8], strides: [8], sizes: [32], scales: OCTAVES, ratios: [0.5, 1, 2, 3], style: 'detectron2' });
		for (let i = 0; i < 12; i++) {
			const [x1, y1, x2, y2] = row(anchors, i);
			const expected = (32 * OCTAVES[Math.floor(i / 4)]) ** 2;
			assert.approximately(((x2 - x1) * (y2 - y1)) / expected, 1, 1e-5);
		}
	});
	test('torchvision rounds halves to even', () => {
		// half sizes 2.5 and 3.5
		const anchors = anchorGrid({ inputSize: [8, 8], strides: [8], sizes: [[5, 7]], ratios: [1] });
		assert.deepEqual(row(anchors, 0), [-2, -2, 2, 2]);
		assert.deepEqual(row(anchors, 1), [-4, -4, 4, 4]);
	});
	test('an empty feature map gives no anchors', () => {
		for (const style of ANCHOR_STYLES) {
			const anchors = anchorGrid({ inputSize: [64, 64], strides: [8], gridSizes: [[0, 7]], sizes: [32], style });
			assert.instanceOf(anchors, Float32Array);
			assert.equal(anchors.length, 0);
		}
	});
});

describe('refusals name the element', () => {
	const good = { inputSize: [64, 64], strides: [8, 16], sizes: [32, 64] } as AnchorGridOptions;
	const cases: [string, Partial<Record<keyof AnchorGridOptions, unknown>>, RegExp][] = [
		['stride 0', { strides: [8, 0] }, /RangeError: anchorGrid: strides\[1\] must be a positive number; got 0/],
		['stride NaN', { strides: [Number.NaN, 8] }, /strides\[0\].*got NaN/],
		['ratio 0', { ratios: [1, 0] }, /ratios\[1\].*got 0/],
		['an EfficientDet ratio of 0', { ratios: [1, 0], style: 'efficientdet' }, /RangeError: anchorGrid: ratios\[1\] must be a positive number; got 0/],
		['a pair with a 0', { ratios: [[1, 0]], style: 'efficientdet' }, /ratios\[0\]\[1\].*got 0/],
		['a pair of three', { ratios: [1, [1, 1, 1]], style: 'efficientdet' }, /RangeError.*ratios\[1\] must be a number or \[width, height\]/],
		['a word among the ratios', { ratios: ['1'], style: 'efficientdet' }, /TypeError.*ratios\[0\]/],
		['no ratios', { ratios: [], style: 'efficientdet' }, /TypeError.*ratios must be a list/],
		['pairs elsewhere', { ratios: [[1.4, 0.7]] }, /TypeError: anchorGrid: ratios\[0\] must be a positive number/],
		['negative scale', { scales: [-1] }, /scales\[0\].*got -1/],
		['no sizes', { sizes: [[], 64] }, /TypeError: anchorGrid: sizes\[0\] must be a list with at least one number/],
		['too few sizes', { sizes: [32] }, /sizes must have one entry per stride, 2/],
		['a style nobody has', { style: 'torchvison' }, /style.*torchvison.*did you mean 'torchvision'/],
		['an unknown option', { ratio: [1] } as never, /ratio/],
		['a size of one number', { inputSize: 640 }, /inputSize must be \[height, width\]/],
		[
			'a fractional grid',
			{
				gridSizes: [
					[1.5, 2],
					[1, 1],
				],
			},
			/gridSizes\[0\]/,
		],
		['an infinite offset', { offset: Infinity }, /offset/],
	];
	for (const [name, change, text] of cases) {
		test(name, () => {
			let error: unknown;
			try {
				anchorGrid({ ...good, ...change } as AnchorGridOptions);
			} catch (e) {
				error = e;
			}
			assert.match(String(error), text);
		});
	}
});

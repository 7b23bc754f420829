// The shapes of the published models, and where in them things stand.

import { assert, describe, test } from 'vitest';
import { YOLOV5_ANCHORS } from '../../../src/anchors/yolo.js';
import { bindTensor } from '../../../src/bind.js';
import { defineHead } from '../../../src/heads/define.js';
import type { Head } from '../../../src/heads/head.js';
import { retinanet } from '../../../src/heads/retinanet.js';
import { ssd } from '../../../src/heads/ssd.js';
import { yolov2 } from '../../../src/heads/yolov2.js';
import { yolov3 } from '../../../src/heads/yolov3.js';
import { yolov5 } from '../../../src/heads/yolov5.js';
import { yolov8 } from '../../../src/heads/yolov8.js';
import type { CpuTensor } from '../../../src/tensors.js';

/** The element number of one channel of one anchor of a level's field, by the strides that binding gives. */
function elementOf(head: Head, dims: readonly number[], levelIndex: number, field: 'box' | 'classes', channel: number, anchor: number): number {
	const level = head.levels[levelIndex];
	const { tensor, channel: first } = level[field];
	const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
	const { strides } = bindTensor({ location: 'cpu', type: 'float32', data, dims } as CpuTensor, head.tensors[tensor], head);
	const cells = level.grid[0] * level.grid[1];
	const [shape, cell] = level.order === 'ayx' ? [Math.floor(anchor / cells), anchor % cells] : [anchor % level.numShapes, Math.floor(anchor / level.numShapes)];
	return shape * strides.shape + cell * strides.cell + (first + channel) * strides.channel;
}

describe('yolov8', () => {
	const head = yolov8({ numClasses: 80 });
	test('8400 anchors at 640, 2100 at 320, 6720 at 512 x 640... by hand', () => {
		assert.equal(head.numAnchors, 8400);
		assert.equal(yolov8({ numClasses: 80, inputSize: [320, 320] }).numAnchors, 2100);
		assert.equal(yolov8({ numClasses: 80, inputSize: [512, 640] }).numAnchors, 64 * 80 + 32 * 40 + 16 * 20);
	});
	test('[84, 8400] and [8400, 84]', () => {
		assert.equal(elementOf(head, [1, 84, 8400], 0, 'classes', 3, 17), (4 + 3) * 8400 + 17);
		assert.equal(elementOf(head, [1, 8400, 84], 0, 'classes', 3, 17), 17 * 84 + 4 + 3);
		assert.equal(elementOf(head, [84, 8400], 0, 'box', 2, 17), 2 * 8400 + 17);
	});
	test('scores are probabilities, one label per anchor, nothing to activate', () => {
		assert.deepEqual(head.score, { activation: 'none' });
		assert.notEqual(head.multiLabel, true);
		assert.equal(head.codec.variants.format, 'cxcywh');
	});
	test('refusals', () => {
		assert.throws(
			() => yolov8({ numClasses: 80, inputSize: [640, 650] }),
			/yolov8: inputSize\[1\] must be a multiple of the strides \(8, 16, 32\); got 650 \(the nearest is 640\)/,
		);
		assert.throws(() => yolov8({ numClasses: 0 }), /yolov8: numClasses must be an integer from 1/);
		assert.throws(() => yolov8({} as never), TypeError, /numClasses/);
		assert.throws(() => yolov8({ numClasses: 80, layout: 'nchw' as never }), /layout must be/);
		assert.throws(() => yolov8({ numClasses: 80, inputsize: [640, 640] } as never), /did you mean inputSize/);
		assert.throws(() => yolov8({ numClasses: 80, strides: [8, 0] }), /strides\[1\]/);
	});
});

describe('anchors of YOLO heads', () => {
	// what splitAnchors of kedge/training gives
	test('may be typed arrays', () => {
		const classes = { numClasses: 80 };
		const anchors = YOLOV5_ANCHORS.map((level) => Float32Array.from(level));
		assert.deepEqual(yolov5({ ...classes, outputs: 'raw', anchors }).anchors, yolov5({ ...classes, outputs: 'raw' }).anchors);
		assert.deepEqual(yolov3({ ...classes, anchors }).anchors, yolov3(classes).anchors);
		assert.deepEqual(yolov2({ ...classes, anchors: [Float32Array.of(1.5, 2, 3, 4)] }).anchors, yolov2({ ...classes, anchors: [[1.5, 2, 3, 4]] }).anchors);
		const last = (length: number) => ({ ...classes, anchors: [anchors[0], anchors[1], new Float32Array(length)] });
		assert.throws(() => yolov5(last(3)), /yolov5: anchors\[2\] must hold width, height/);
		assert.throws(() => yolov5(last(6)), /yolov5: anchors\[2\]\[0\] must be a positive number of pixels; got 0/);
	});
});

describe('yolov5', () => {
	test('concatenated: 25200 anchors, objectness at channel 4, classes from 5', () => {
		const head = yolov5({ numClasses: 80 });
		assert.equal(head.numAnchors, 25200);
		assert.deepEqual(head.levels[0].objectness, { tensor: 0, channel: 4 });
		assert.equal(elementOf(head, [1, 25200, 85], 0, 'classes', 0, 2), 2 * 85 + 5);
		assert.equal(elementOf(head, [1, 85, 25200], 0, 'classes', 0, 2), 5 * 25200 + 2);
	});
	test('raw: three maps, numbered as the concatenated output: shape, y, x', () => {
		const head = yolov5({ numClasses: 80, outputs: 'raw' });
		assert.deepEqual(
			head.levels.map((l) => [l.firstAnchor, l.numAnchors, l.stride]),
			[
				[0, 19200, 8],
				[19200, 4800, 16],
				[24000, 1200, 32],
			],
		);
		// anchor (shape 2, y 5, x 7) of the 40 x 40 map
		const anchor = 2 * 1600 + 5 * 40 + 7;
		const channel = 5 + 3;
		assert.equal(elementOf(head, [1, 3, 40, 40, 85], 1, 'classes', 3, anchor), ((2 * 40 + 5) * 40 + 7) * 85 + channel);
		assert.equal(elementOf(head, [1, 255, 40, 40], 1, 'classes', 3, anchor), (2 * 85 + channel) * 1600 + 5 * 40 + 7);
		assert.equal(elementOf(head, [1, 40, 40, 255], 1, 'classes', 3, anchor), (5 * 40 + 7) * 255 + 2 * 85 + channel);
		// its row: centre of the cell, size 59 x 119 of the published anchors
		const row = (19200 + anchor) * 4;
		assert.deepEqual(Array.from((head.anchors as Float32Array).subarray(row, row + 4)), [7.5 * 16, 5.5 * 16, 59, 119]);
	});
	test('other anchors', () => {
		const anchors = [
			[1, 2, 3, 4],
			[5, 6, 7, 8],
			[9, 10, 11, 12],
		];
		const head = yolov5({ numClasses: 2, inputSize: [64, 96], outputs: 'raw', anchors });
		assert.equal(head.numAnchors, (8 * 12 + 4 * 6 + 2 * 3) * 2);
		assert.deepEqual(Array.from((head.anchors as Float32Array).subarray(96 * 4, 96 * 4 + 4)), [4, 4, 3, 4]);
	});
	test('refusals', () => {
		assert.throws(() => yolov5({ numClasses: 80, anchors: [[10, 13]] }), /anchors must have one list per stride, 3/);
		assert.throws(
			() =>
				yolov5({
					numClasses: 80,
					anchors: [
						[10, 13, 5],
						[1, 2, 3],
						[1, 2, 3],
					],
				}),
			/anchors\[0\]/,
		);
		assert.throws(
			() =>
				yolov5({
					numClasses: 80,
					anchors: [
						[10, 13],
						[1, -2],
						[1, 2],
					],
				}),
			/anchors\[1\]\[1\] must be a positive number of pixels; got -2/,
		);
		assert.throws(() => yolov5({ numClasses: 80, outputs: 'raw', layout: 'anchors-first' }), /layout must be absent/);
	});
});

describe('ssd', () => {
	test('torchvision ssd300_vgg16: 8732 x 4 and 8732 x 91, background first, variances 0.1 0.1 0.2 0.2', () => {
		const head = ssd({ numClasses: 90 });
		assert.equal(head.numAnchors, 8732);
		assert.deepEqual(
			head.tensors.map((t) => t.sizes),
			[
				{ anchor: 8732, channel: 4 },
				{ anchor: 8732, channel: 91 },
			],
		);
		assert.deepEqual(head.score, { activation: 'softmax', background: 'first' });
		assert.deepEqual([head.codec.constants.vx, head.codec.constants.vw], [Math.fround(0.1), Math.fround(0.2)]);
		// the classes field is the whole softmax group, background included
		assert.equal(elementOf(head, [1, 8732, 91], 0, 'classes', 0, 5), 5 * 91);
	});
	test('priors as rows, sigmoid scores that skip the background', () => {
		const head = ssd({ numClasses: 2, inputSize: [64, 64], priors: Float32Array.of(0, 0, 8, 8, 8, 8, 24, 24), activation: 'sigmoid', order: 'yxhw' });
		assert.equal(head.numAnchors, 2);
		assert.equal(elementOf(head, [2, 3], 0, 'classes', 0, 1), 4);
	});
	test('refusals', () => {
		assert.throws(() => ssd({ numClasses: 2, priors: new Float32Array(6) }), /ssd: priors must have a length that is a positive multiple of 4; got 6/);
		assert.throws(
			() => ssd({ numClasses: 2, priors: Float32Array.of(0, 0, 1, 1, 5, 5, 5, 9) }),
			/priors\[1\] must be finite and of positive size; got \[5, 5, 5, 9\]/,
		);
		assert.throws(() => ssd({ numClasses: 2, inputSize: [512, 512] }), /ssdPriors: gridSizes/);
		assert.throws(() => ssd({ numClasses: 2, background: 'none' as never }), /background/);
	});
});

describe('retinanet', () => {
	test('800 x 800: P3 to P7 of 100, 50, 25, 13, 7 cells and 9 anchors', () => {
		const head = retinanet({ numClasses: 91, inputSize: [800, 800] });
		assert.deepEqual(
			head.levels.map((l) => l.grid[0]),
			[100, 50, 25, 13, 7],
		);
		assert.equal(head.numAnchors, 9 * (10000 + 2500 + 625 + 169 + 49));
		assert.equal(head.multiLabel, true);
		assert.deepEqual(Array.from((head.anchors as Float32Array).subarray(0, 4)), [-23, -11, 23, 11]);
	});
	test('maps [9 x 91, y, x], channels last, and [anchors, 91] name the same elements', () => {
		const head = retinanet({ numClasses: 91, inputSize: [256, 384], style: 'detectron2' });
		// level P4: 16 x 24 cells; anchor (y 3, x 4, shape 7)
		const anchor = (3 * 24 + 4) * 9 + 7;
		assert.equal(elementOf(head, [1, 819, 16, 24], 1, 'classes', 5, anchor), (7 * 91 + 5) * 384 + 3 * 24 + 4);
		assert.equal(elementOf(head, [1, 16, 24, 819], 1, 'classes', 5, anchor), (3 * 24 + 4) * 819 + 7 * 91 + 5);
		assert.equal(elementOf(head, [1, 16 * 24 * 9, 91], 1, 'classes', 5, anchor), anchor * 91 + 5);
		assert.equal(elementOf(head, [1, 36, 16, 24], 1, 'box', 2, anchor), (7 * 4 + 2) * 384 + 3 * 24 + 4);
	});
	test('styles differ as their sources do', () => {
		const of = (style: 'torchvision' | 'detectron2' | 'mmdet') => retinanet({ numClasses: 1, inputSize: [128, 128], style });
		assert.deepEqual(
			[1, 2, 3].map((i) => Math.round((of('torchvision').anchors as Float32Array)[i * 4])),
			[-28, -35, -16],
		);
		assert.deepEqual(
			[1, 2, 3].map((i) => Math.round((of('detectron2').anchors as Float32Array)[i * 4])),
			[-16, -11, -29],
		);
		assert.deepEqual(
			[1, 2, 3].map((i) => Math.round((of('mmdet').anchors as Float32Array)[i * 4])),
			[-29, -36, -16],
		);
		assert.equal(of('mmdet').codec.variants.clampLow, true);
		assert.equal(of('detectron2').codec.variants.clampLow, false);
	});
	test('concatenated', () => {
		const head = retinanet({ numClasses: 80, inputSize: [320, 320], outputs: 'concatenated' });
		assert.equal(head.numAnchors, 9 * (1600 + 400 + 100 + 25 + 9));
		assert.deepEqual(
			head.levels.map((level) => level.classes.row),
			[0, 14400, 18000, 18900, 19125],
		);
		assert.equal(elementOf(head, [1, head.numAnchors, 80], 0, 'classes', 5, 11), 11 * 80 + 5);
	});
	test('refusals', () => {
		assert.throws(() => retinanet({ numClasses: 80 } as never), /retinanet: inputSize must be \[height, width\]; got undefined/);
		assert.throws(() => retinanet({ numClasses: 80, inputSize: [64, 64], style: 'yolo' as never }), /style/);
	});
});

test('every family passes the checks of defineHead, which returns the same description', () => {
	const heads = [
		yolov8({ numClasses: 3 }),
		yolov5({ numClasses: 3 }),
		yolov5({ numClasses: 3, outputs: 'raw' }),
		ssd({ numClasses: 3 }),
		retinanet({ numClasses: 3, inputSize: [256, 256] }),
	];
	for (const head of heads) {
		const copy = JSON.parse(JSON.stringify(defineHead(head)));
		const expected = JSON.parse(JSON.stringify(head));
		expected.tensors.forEach((t: { aliases?: string[] }) => {
			t.aliases ??= [];
		});
		assert.deepEqual(copy, expected);
	}
});

// Published facts of the anchor-based and two-stage heads: how many anchors there are, which shapes models put out, where
// in them things stand, and the rules of each framework.

import { assert, describe, test } from 'vitest';
import { bindTensor } from '../../../src/bind.js';
import { defineHead } from '../../../src/heads/define.js';
import { efficientdet } from '../../../src/heads/efficientdet.js';
import { fastRcnn } from '../../../src/heads/fast-rcnn.js';
import { fcos } from '../../../src/heads/fcos.js';
import { fovea } from '../../../src/heads/fovea.js';
import type { Head } from '../../../src/heads/head.js';
import { retinanet } from '../../../src/heads/retinanet.js';
import { rpn } from '../../../src/heads/rpn.js';
import { ssd } from '../../../src/heads/ssd.js';
import { createPostprocessor } from '../../../src/postprocessor.js';
import type { CpuTensor } from '../../../src/tensors.js';
import { HEAD_CASES } from '../../support/heads/all.js';

const square = (n: number) => [n, n] as const;
/** The row of an anchor, to one thousandth. */
const row = (head: Head, anchor: number) => Array.from((head.anchors as Float32Array).subarray(anchor * 4, anchor * 4 + 4), (v) => Math.round(v * 1000) / 1000);
/** Strides that a tensor of these dims gets. */
function strides(head: Head, tensor: number, dims: readonly number[]) {
	const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
	return bindTensor({ location: 'cpu', type: 'float32', data, dims } as CpuTensor, head.tensors[tensor], head).strides;
}

describe('retinanet', () => {
	test('120087 anchors at 800 x 800 in every style', () => {
		for (const style of ['torchvision', 'detectron2', 'mmdet', 'keras-retinanet'] as const) {
			assert.equal(retinanet({ numClasses: 1, inputSize: square(800), style }).numAnchors, 120087);
		}
	});
	test("fizyr's: the first anchor in the middle of its cell, corner deltas of 0.2, probabilities, clipped to the last pixel", () => {
		const head = retinanet({ numClasses: 80, inputSize: [800, 1024], style: 'keras-retinanet' });
		assert.deepEqual(row(head, 0), [-18.627, -7.314, 26.627, 15.314]);
		assert.deepEqual([head.codec.kind, head.codec.constants.v0], ['corners', Math.fround(0.2)]);
		assert.deepEqual(head.score, { activation: 'none' });
		assert.deepEqual(head.clip, [799, 1023]);
		assert.equal(head.maxCandidatesPerLevel, undefined);
		assert.deepEqual(
			head.tensors.map((t) => t.sizes),
			[
				{ anchor: head.numAnchors, channel: 80 },
				{ anchor: head.numAnchors, channel: 4 },
			],
		);
	});
	test("torchvision's last column of P6 at 800 is centred at 732, of P7 at 684; detectron2's at 768", () => {
		const centre = (head: Head, level: number) => {
			const { firstAnchor, grid, numShapes } = head.levels[level];
			const [x1, , x2] = row(head, firstAnchor + (grid[1] - 1) * numShapes + 4);
			return (x1 + x2) / 2;
		};
		const torchvision = retinanet({ numClasses: 1, inputSize: square(800) });
		assert.deepEqual([centre(torchvision, 3), centre(torchvision, 4)], [732, 684]);
		assert.equal(centre(retinanet({ numClasses: 1, inputSize: square(800), style: 'detectron2' }), 3), 768);
	});
	test('1000 candidates per level, clipping before suppression but for detectron2, empty boxes dropped by mmdetection', () => {
		const rules = (style: 'torchvision' | 'detectron2' | 'mmdet') => {
			const { clip, minSize, maxCandidatesPerLevel } = retinanet({ numClasses: 1, inputSize: [320, 640], style });
			return [clip, minSize !== undefined && minSize > 0, maxCandidatesPerLevel];
		};
		assert.deepEqual(rules('torchvision'), [[320, 640], false, 1000]);
		assert.deepEqual(rules('detectron2'), [undefined, false, 1000]);
		assert.deepEqual(rules('mmdet'), [[320, 640], true, 1000]);
	});
	test('refusals', () => {
		const make = (options: object) => () => retinanet({ numClasses: 1, inputSize: square(64), ...options });
		const uneven = { outputs: 'concatenated', sizes: [8, [16, 20], 32, 64, 128] };
		assert.throws(
			make({ ...uneven, maxCandidatesPerLevel: 5 }),
			/maxCandidatesPerLevel must be false where levels of different numbers of shapes share a list/,
		);
		assert.equal(make(uneven)().levels.length, 1);
		assert.throws(make({ maxCandidatesPerLevel: 0 }), /maxCandidatesPerLevel must be an integer from 1/);
		assert.throws(make({ clip: [0, 5] }), /retinanet: clip must be \[height, width\] in positive pixels, or false; got \[0, 5\]/);
		assert.throws(make({ layout: 'nchw' }), /layout must be/);
		assert.throws(make({ inputSize: square(1), style: 'keras-retinanet' }), /must be at least 2 x 2/);
		assert.throws(make({ sizes: [32] }), /sizes must have one entry per stride, 5/);
	});
});

describe('efficientdet', () => {
	test('anchors of D0 to D7', () => {
		const counts = [512, 640, 768, 896, 1024, 1280, 1280, 1536].map((n) => efficientdet({ numClasses: 90, inputSize: square(n) }).numAnchors);
		assert.deepEqual(counts, [49104, 76725, 110484, 150381, 196416, 306900, 306900, 441936]);
	});
	test('[1, 64, 64, 810] and [1, 64, 64, 36], or [1, 49104, 90]', () => {
		const head = efficientdet({ numClasses: 90 });
		assert.deepEqual(strides(head, 0, [1, 64, 64, 810]), { batch: 1, image: 64 * 64 * 810, shape: 90, cell: 810, channel: 1, numElements: 64 * 64 * 810 });
		assert.equal(strides(head, 5, [1, 64, 64, 36]).shape, 4);
		assert.equal(strides(head, 0, [1, 810, 64, 64]).channel, 4096);
		const list = efficientdet({ numClasses: 90, outputs: 'concatenated' });
		const { shape, cell } = strides(list, 0, [1, 49104, 90]);
		assert.deepEqual([shape, cell], [90, 9 * 90]);
	});
	test('the first anchors of D0, and of the pairs 1.4 : 0.7', () => {
		const head = efficientdet({ numClasses: 1 });
		// 32 pixels about (4, 4), then twice as wide as high in the same area
		assert.deepEqual(row(head, 0), [-12, -12, 20, 20]);
		assert.deepEqual(row(head, 1), [-18.627, -7.314, 26.627, 15.314]);
		const ports = efficientdet({
			numClasses: 1,
			ratios: [
				[1, 1],
				[1.4, 0.7],
				[0.7, 1.4],
			],
		});
		assert.deepEqual(row(ports, 1), [-18.4, -7.2, 26.4, 15.2]);
		assert.deepEqual(row(efficientdet({ numClasses: 1, inputSize: square(1536), anchorScale: 5 }), 0), [-16, -16, 24, 24]);
	});
	test('no clamp, no clipping, one class per anchor; y before x', () => {
		const head = efficientdet({ numClasses: 90 });
		assert.deepEqual([head.codec.variants.order, head.codec.constants.high, head.clip, head.multiLabel], ['yxhw', 60, undefined, false]);
	});
	test('refusals', () => {
		assert.throws(() => efficientdet({ numClasses: 90, ratios: 2 as never }), /ratios must be a list/);
		assert.throws(() => efficientdet({ numClasses: 90, anchorScale: 0 }), /anchorScale must be a positive number/);
		assert.throws(() => efficientdet({ numClasses: 90, multiLabel: 1 as never }), /multiLabel/);
	});
});

describe('ssd', () => {
	test("mmdetection's maps of SSD300: 38, 19, 10, 5, 3, 1 cells with 4, 6, 6, 6, 4, 4 boxes", () => {
		const head = ssd({ numClasses: 80, style: 'mmdet', outputs: 'levels' });
		assert.equal(head.numAnchors, 8732);
		assert.deepEqual(
			head.tensors.map((t) => [t.sizes.shape, t.sizes.channel, t.sizes.y]),
			[4, 81].flatMap((channels) => [38, 19, 10, 5, 3, 1].map((n, i) => [[4, 6, 6, 6, 4, 4][i], channels, n])),
		);
		assert.deepEqual(defineHead(head).levels, head.levels);
		assert.deepEqual(head.anchors, ssd({ numClasses: 80, style: 'mmdet' }).anchors);
		assert.throws(() => ssd({ numClasses: 2, style: 'tensorflow', outputs: 'levels' }), /outputs must be 'concatenated' with style 'tensorflow'/);
	});
	test('8732, 3234, 1917 and 2034 anchors', () => {
		assert.equal(ssd({ numClasses: 90 }).numAnchors, 8732);
		assert.equal(ssd({ numClasses: 90, inputSize: square(320) }).numAnchors, 3234);
		assert.equal(ssd({ numClasses: 90, style: 'tensorflow' }).numAnchors, 1917);
		// ssdlite of TensorFlow at 320
		assert.equal(ssd({ numClasses: 90, style: 'tensorflow', inputSize: square(320) }).numAnchors, 2034);
		assert.equal(ssd({ numClasses: 20, style: 'caffe' }).numAnchors, 8732);
		assert.equal(ssd({ numClasses: 80, style: 'mmdet' }).numAnchors, 8732);
	});
	test('the rules of each style', () => {
		const rules = (style: 'torchvision' | 'caffe' | 'mmdet' | 'tensorflow') => {
			const { score, codec, levels, clip, multiLabel } = ssd({ numClasses: 3, style });
			return [
				score.activation,
				score.background,
				levels[0].classes.channel,
				codec.variants.order,
				codec.variants.clampLow,
				codec.constants.high,
				clip,
				multiLabel,
			];
		};
		const limit = Math.fround(Math.log(1000 / 16));
		assert.deepEqual(rules('torchvision'), ['softmax', 'first', 0, 'xywh', false, limit, [300, 300], true]);
		assert.deepEqual(rules('caffe'), ['softmax', 'first', 0, 'xywh', false, 60, undefined, true]);
		assert.deepEqual(rules('mmdet'), ['softmax', 'last', 0, 'xywh', true, limit, [300, 300], true]);
		assert.deepEqual(rules('tensorflow'), ['sigmoid', undefined, 1, 'yxhw', false, 60, undefined, true]);
		assert.deepEqual(ssd({ numClasses: 3, priors: { style: 'caffe' } }).codec.constants.high, 60, 'the style of priors is the style');
	});
	test("Caffe's flat blobs: mbox_loc [1, 34928] and mbox_conf [1, 183372] of VOC", () => {
		const head = ssd({ numClasses: 20, style: 'caffe' });
		const { shape, channel } = strides(head, 0, [1, 34928]);
		assert.deepEqual([shape, channel], [4, 1]);
		assert.equal(strides(head, 1, [1, 183372]).shape, 21);
		const two = strides(head, 1, [2, 183372]);
		assert.deepEqual([two.batch, two.image, two.shape], [2, 183372, 21], 'two images');
		assert.equal(strides(head, 1, [1, 1, 183372]).shape, 21);
		assert.equal(strides(head, 1, [1, 8732, 21]).shape, 21);
		assert.throws(() => strides(ssd({ numClasses: 20 }), 0, [1, 34928]), /must be \[batch/);
	});
	test('the first priors of ssd_mobilenet: 0.1 of the input, then 0.2 twice as wide, and as high', () => {
		const head = ssd({ numClasses: 90, style: 'tensorflow' });
		const middle = 300 / 19 / 2;
		const about = (w: number, h: number) => [middle - w / 2, middle - h / 2, middle + w / 2, middle + h / 2].map((v) => Math.round(v * 1000) / 1000);
		assert.deepEqual(row(head, 0), about(30, 30));
		assert.deepEqual(row(head, 1), about(60 * Math.SQRT2, 60 / Math.SQRT2));
		assert.deepEqual(row(head, 2), about(60 / Math.SQRT2, 60 * Math.SQRT2));
	});
	test('refusals', () => {
		assert.throws(() => ssd({ numClasses: 2, style: 'darknet' as never }), /style must be/);
		assert.throws(() => ssd({ numClasses: 2, clip: [1] as never }), /clip must be/);
	});
});

describe('rpn', () => {
	test('159882 anchors at 800 x 800, 242991 at 800 x 1216, 37500 on one level of 15', () => {
		assert.equal(rpn({ inputSize: square(800) }).numAnchors, 159882);
		assert.equal(rpn({ inputSize: [800, 1216], style: 'mmdet' }).numAnchors, 242991);
		assert.equal(rpn({ inputSize: square(800), strides: [16], sizes: [[32, 64, 128, 256, 512]] }).numAnchors, 37500);
	});
	test('maps [3, y, x] and [12, y, x] of five levels; the class of a proposal is its level', () => {
		const head = rpn({ inputSize: [800, 1088] });
		assert.equal(strides(head, 0, [1, 3, 200, 272]).shape, 200 * 272);
		assert.equal(strides(head, 9, [1, 12, 13, 17]).shape, 4 * 13 * 17);
		assert.deepEqual(head.score, { activation: 'sigmoid', classes: 'level' });
		assert.deepEqual([head.numClasses, head.maxCandidatesPerLevel, head.minSize, head.clip], [5, 1000, 1e-3, [800, 1088]]);
		assert.deepEqual(head.tensors[0].name, 'objectness_p2');
	});
	test('the first anchors: heights half, once, twice the widths; torchvision rounds', () => {
		const [torchvision, detectron2] = (['torchvision', 'detectron2'] as const).map((style) => rpn({ inputSize: square(64), style }));
		assert.deepEqual(row(torchvision, 0), [-23, -11, 23, 11]);
		assert.deepEqual(row(detectron2, 0), [-22.627, -11.314, 22.627, 11.314]);
		assert.deepEqual(row(detectron2, 3), [-18.627, -11.314, 26.627, 11.314]);
	});
	test('a map of 3 x 3 cells and 3 anchors is read channels first', () => {
		const head = rpn({ inputSize: square(12), strides: [4] });
		assert.deepEqual(
			[strides(head, 0, [1, 3, 3, 3]).shape, strides(rpn({ inputSize: square(12), strides: [4], layout: 'anchors-first' }), 0, [1, 3, 3, 3]).shape],
			[9, 1],
		);
	});
	test('a side of exactly minSize stays, a shorter one goes (torchvision remove_small_boxes: ws >= min_size)', async () => {
		// one anchor of 4 x 4 pixels per cell, at the corner of the cell: those of the first row and column are cut in half
		const head = rpn({ inputSize: square(16), strides: [4], sizes: [4], ratios: [1], minSize: 4 });
		const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: 0, maxDetections: 1000 });
		const scores = new Float32Array(16).map((_, i) => 1 - i / 64);
		const deltas = new Float32Array(64);
		deltas[2 * 16 + 5] = -1e-3; // the width of the cell (1, 1)
		const found = await postprocessor.run([scores, deltas]);
		assert.deepEqual(Array.from(found.indices), [6, 7, 9, 10, 11, 13, 14, 15]);
		assert.deepEqual(Array.from(found.boxes.subarray(0, 4)), [6, 2, 10, 6]);
		postprocessor.dispose();
	});
	test('two proposals of different levels on the same place both stay', async () => {
		const head = rpn({ inputSize: square(16), strides: [4, 8], sizes: [8, 8], ratios: [1], maxCandidatesPerLevel: 1 });
		const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: 0, iouThreshold: 0.7, maxDetections: 1000 });
		const scores = [new Float32Array(16).fill(-5), new Float32Array(4).fill(-5)];
		// the cell at (8, 8) of either level
		scores[0][10] = 2;
		scores[1][3] = 1;
		const found = await postprocessor.run([scores[0], scores[1], new Float32Array(64), new Float32Array(16)]);
		assert.deepEqual(Array.from(found.classIds), [0, 1]);
		assert.deepEqual(Array.from(found.boxes), [4, 4, 12, 12, 4, 4, 12, 12]);
		postprocessor.dispose();
	});
	test('refusals', () => {
		assert.throws(() => rpn({ inputSize: square(64), minSize: -1 }), /minSize must be a number of pixels, 0 or more; got -1/);
		assert.throws(() => rpn({ inputSize: square(64), style: 'keras' as never }), /style must be/);
		assert.throws(() => rpn({ inputSize: square(64), numClasses: 3 } as never), /numClasses/);
	});
});

describe('fastRcnn', () => {
	test("torchvision's COCO: [N, 91], [N, 364], [N, 4]; detectron2's: [N, 81], [N, 320]", () => {
		const channels = (head: Head) => head.tensors.map((t) => t.sizes.channel);
		assert.deepEqual(channels(fastRcnn({ numClasses: 90, inputSize: square(800) })), [91, 364, 4]);
		assert.deepEqual(channels(fastRcnn({ numClasses: 80, inputSize: square(800), style: 'detectron2' })), [81, 320, 4]);
		assert.deepEqual(channels(fastRcnn({ numClasses: 80, inputSize: square(800), style: 'mmdet', classAgnostic: true })), [81, 4, 4]);
	});
	test('more proposals than there is room for are refused with the most there may be', () => {
		const head = fastRcnn({ numClasses: 2, inputSize: square(64), maxProposals: 10 });
		assert.equal(strides(head, 0, [1, 9, 3]).numAnchors, 9);
		assert.throws(() => strides(head, 0, [1, 11, 3]), /must be \[batch, anchor 10, channel 3\], with 10 anchors at most, for fastRcnn; got \[1, 11, 3\]/);
	});
	test('background first or last, and its deltas passed over', () => {
		const torchvision = fastRcnn({ numClasses: 90, inputSize: square(800) });
		assert.deepEqual([torchvision.score.background, torchvision.levels[0].box.channel, torchvision.boxStep, torchvision.minSize], ['first', 4, 4, 1e-2]);
		const mmdet = fastRcnn({ numClasses: 80, inputSize: square(800), style: 'mmdet' });
		assert.deepEqual([mmdet.score.background, mmdet.levels[0].box.channel, mmdet.boxStep, mmdet.minSize], ['last', 0, 4, 0]);
	});
	test('a call of no more than two proposals, and of none', async () => {
		const head = fastRcnn({ numClasses: 1, inputSize: square(100), style: 'detectron2', maxProposals: 5 });
		const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: 0.05, iouThreshold: 0.5 });
		const proposals = Float32Array.of(10, 10, 30, 30, 50, 50, 90, 90);
		// a shift by 5 tenths of the width of the first; the second is background
		const found = await postprocessor.run([Float32Array.of(3, 0, -9, 9), Float32Array.of(5, 0, 0, 0, 0, 0, 0, 0), proposals]);
		assert.deepEqual(Array.from(found.boxes), [20, 10, 40, 30]);
		assert.closeTo(found.scores[0], 1 / (1 + Math.exp(-3)), 1e-6);
		const none = (channels: number) => ({ data: new Float32Array(0), dims: [0, channels] });
		assert.equal((await postprocessor.run([none(2), none(4), none(4)])).count, 0);
		postprocessor.dispose();
	});
	test('refusals', () => {
		assert.throws(() => fastRcnn({ numClasses: 2, inputSize: square(64), maxProposals: 0 }), /maxProposals must be an integer from 1/);
		assert.throws(() => fastRcnn({ numClasses: 2, inputSize: square(64), minSize: Number.NaN }), /minSize/);
		assert.throws(() => fastRcnn({ numClasses: 2, inputSize: square(64), weights: [1, 2] }), /weights/);
	});
});

describe('fcos and fovea', () => {
	test('13343 points at 800 x 800, 8525 at 640 x 640', () => {
		assert.equal(fcos({ numClasses: 91, inputSize: square(800) }).numAnchors, 13343);
		assert.equal(fcos({ numClasses: 80, inputSize: square(640), style: 'mmdet' }).numAnchors, 8525);
		assert.equal(fovea({ numClasses: 80, inputSize: square(640) }).numAnchors, 8525);
	});
	test("torchvision's boxes about corners, the points of the others, FoveaBox's base edges", () => {
		const torchvision = fcos({ numClasses: 91, inputSize: square(800) });
		assert.deepEqual(row(torchvision, 1), [4, -4, 12, 4]);
		// P6: 61 pixels from cell to cell, 64 wide
		assert.deepEqual(row(torchvision, 10000 + 2500 + 625 + 1), [29, -32, 93, 32]);
		assert.deepEqual(row(fcos({ numClasses: 80, inputSize: square(800), style: 'detectron2' }), 10000), [8, 8, 16, 16]);
		assert.deepEqual(row(fovea({ numClasses: 80, inputSize: square(800) }), 10000), [8, 8, 32, 32]);
	});
	test('the root of class times centerness, but in mmdetection their product', () => {
		const combine = (style: 'torchvision' | 'detectron2' | 'mmdet') => fcos({ numClasses: 1, inputSize: square(64), style }).score.objectness?.combine;
		assert.deepEqual([combine('torchvision'), combine('detectron2'), combine('mmdet')], ['sqrt', 'sqrt', 'product']);
	});
	test('80 classes at 640 x 640: a map of 80 x 80 x 80 is read channels first', () => {
		const head = fcos({ numClasses: 80, inputSize: square(640), style: 'mmdet' });
		assert.equal(strides(head, 0, [1, 80, 80, 80]).channel, 6400);
		assert.equal(strides(head, 10, [1, 1, 80, 80]).cell, 1);
	});
	test('clipping: the input, or its last pixel', () => {
		assert.deepEqual(fcos({ numClasses: 1, inputSize: [64, 96] }).clip, [64, 96]);
		assert.equal(fcos({ numClasses: 1, inputSize: [64, 96], style: 'detectron2' }).clip, undefined);
		assert.deepEqual(fovea({ numClasses: 1, inputSize: [64, 96] }).clip, [63, 95]);
		assert.equal(fovea({ numClasses: 1, inputSize: [64, 96], clip: false }).clip, undefined);
	});
	test('refusals', () => {
		assert.throws(() => fcos({ numClasses: 1, inputSize: square(64), regression: 'exp' }), /regression must be absent unless style is 'mmdet'/);
		assert.throws(() => fcos({ numClasses: 1, inputSize: square(64), style: 'mmdet', regression: 'log' as never }), /regression must be/);
		assert.throws(() => fovea({ numClasses: 1, inputSize: square(64), baseEdges: [16] }), /baseEdges must have one edge per stride, 5/);
	});
});

test('defineHead returns what these factories make', () => {
	const names = ['retinanet', 'efficientdet', 'ssd', 'rpn', 'fastRcnn', 'fcos', 'fovea'];
	const heads = HEAD_CASES.map(({ head }) => head).filter(({ name }) => names.includes(name));
	assert.sameMembers([...new Set(heads.map(({ name }) => name))], names);
	for (const head of heads) assert.deepEqual(JSON.parse(JSON.stringify(defineHead(head))), JSON.parse(JSON.stringify(head)));
});

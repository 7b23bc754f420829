// Published facts of MediaPipe's detectors, MTCNN, RetinaFace and UltraFace: counts of anchors, names, shapes; and MTCNN's three stages by hand.

import { assert, describe, test } from 'vitest';
import { imagePyramid } from '../../../src/anchors/pyramid.js';
import { bindTensor } from '../../../src/bind.js';
import { squareBoxes } from '../../../src/boxes/square.js';
import { corners } from '../../../src/codecs/corners.js';
import { blazeFace, blazePalm } from '../../../src/heads/blazeface.js';
import { defineHead } from '../../../src/heads/define.js';
import type { Head } from '../../../src/heads/head.js';
import { mtcnnONet, mtcnnPNet, mtcnnRNet } from '../../../src/heads/mtcnn.js';
import { retinaFace, ultraFace } from '../../../src/heads/retinaface.js';
import { createPostprocessor } from '../../../src/postprocessor.js';

const accepts = (head: Head) => assert.equal(defineHead(head).numAnchors, head.numAnchors);
const fits = (head: Head, tensor: number, dims: readonly number[]) => {
	const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
	return bindTensor({ location: 'cpu', type: 'float32', data, dims }, head.tensors[tensor], head).strides;
};

describe('blazeFace and blazePalm', () => {
	const heads: [string, Head, number, number, number][] = [
		['short range', blazeFace(), 128, 896, 16],
		['back', blazeFace({ model: 'back' }), 256, 896, 16],
		['full range', blazeFace({ model: 'full-range' }), 192, 2304, 16],
		['palm', blazePalm(), 192, 2016, 18],
		['palm, first model', blazePalm({ inputSize: [256, 256] }), 256, 2944, 18],
	];
	test.each(heads)('%s', (_name, head, side, anchors, coordinates) => {
		accepts(head);
		assert.deepEqual(head.inputSize, [side, side]);
		assert.equal(head.numAnchors, anchors);
		fits(head, 0, [1, anchors, coordinates]);
		fits(head, 1, [1, anchors, 1]);
		assert.deepEqual(head.score, { activation: 'sigmoid' });
		assert.equal(head.codec.variants.order, 'xywh');
	});
	test('centres of cells, sizes of the input', () => {
		const rows = blazeFace().anchors as Float32Array;
		assert.deepEqual(Array.from(rows.subarray(0, 12)), [4, 4, 128, 128, 4, 4, 128, 128, 12, 4, 128, 128]);
		assert.deepEqual(Array.from(rows.subarray(512 * 4, 512 * 4 + 4)), [8, 8, 128, 128]);
	});
	test('tfjs: [1, 896, 17], the logit first', () => {
		const head = blazeFace({ outputs: 'concatenated' });
		accepts(head);
		fits(head, 0, [1, 896, 17]);
		assert.deepEqual([head.levels[0].classes.channel, head.levels[0].box.channel, head.levels[0].keypoints?.channel], [0, 1, 5]);
	});
	test('refusals', () => {
		assert.throws(() => blazeFace({ model: 'front' as never }), /model must be/);
		assert.throws(() => blazeFace({ outputs: 'raw' as never }), /outputs must be/);
		assert.throws(() => blazePalm({ inputSize: [128, 128] }), /blazePalm: inputSize must be \[192, 192\] or \[256, 256\]; got \[128, 128\]/);
	});
});

describe('retinaFace and ultraFace', () => {
	test('RetinaFace: 16800 priors at 640 x 640; grids are rounded up', () => {
		const head = retinaFace();
		accepts(head);
		assert.equal(head.numAnchors, 16800);
		[4, 2, 10].forEach((c, t) => fits(head, t, [1, 16800, c]));
		// the second square of cell 0: 32 pixels about (4, 4)
		assert.deepEqual(Array.from((head.anchors as Float32Array).subarray(4, 8)), [-12, -12, 20, 20]);
		// 13 x 9, 7 x 5 and 4 x 3 cells
		assert.equal(retinaFace({ inputSize: [100, 70] }).numAnchors, 2 * (117 + 35 + 12));
		assert.throws(() => retinaFace({ inputSize: [640.5, 640] }), /retinaFace: inputSize\[0\]/);
	});
	test('UltraFace: 4420 anchors at 320 x 240, 17640 at 640 x 480', () => {
		for (const [inputSize, anchors] of [
			[[240, 320], 4420],
			[[480, 640], 17640],
		] as const) {
			const head = ultraFace({ inputSize });
			accepts(head);
			assert.equal(head.numAnchors, anchors);
			fits(head, 0, [1, anchors, 2]);
			fits(head, 1, [1, anchors, 4]);
		}
		assert.throws(() => ultraFace({ size: [240, 320] } as never), /ultraFace: options may hold inputSize, layout/);
	});
});

describe('MTCNN', () => {
	test('P-Net: 12 x 12 pixels give one cell, 150 x 150 give 70 x 70', () => {
		for (const style of ['facenet', 'ipazc'] as const) {
			const head = mtcnnPNet({ inputSize: [12, 12], scale: 0.6, style });
			accepts(head);
			assert.equal(head.numAnchors, 1);
			assert.equal(head.maskCoefficients, style === 'facenet' ? 4 : undefined);
		}
		const [{ size, scale }] = imagePyramid([250, 250]);
		const head = mtcnnPNet({ inputSize: size, scale });
		assert.equal(head.numAnchors, 70 * 70);
		fits(head, 0, [1, 4, 70, 70]);
		fits(head, 1, [1, 70, 70, 2]);
	});
	test('P-Net on its side: columns of the map are rows of the image', () => {
		const head = mtcnnPNet({ inputSize: [12, 20], scale: 1, transposed: true });
		accepts(head);
		assert.deepEqual(head.levels[0].grid, [5, 1]);
		assert.deepEqual(Array.from((head.anchors as Float32Array).subarray(4, 8)), [3, 1, 14, 12]);
	});
	test('another grid than the layers would give', () => {
		assert.deepEqual(mtcnnPNet({ inputSize: [40, 40], scale: 1, gridSize: [14, 13] }).levels[0].grid, [14, 13]);
	});
	test('R-Net and O-Net: [N, 2], [N, 4], [N, 10], with or without two axes of 1', () => {
		for (const head of [mtcnnRNet({ frameSize: [480, 640] }), mtcnnRNet({ frameSize: [480, 640], style: 'ipazc' }), mtcnnONet({ frameSize: [480, 640] })]) {
			accepts(head);
			assert.equal(head.numAnchors, 1000);
			assert.equal(fits(head, 0, [7, 4]).numAnchors, 7);
			assert.equal(fits(head, 0, [7, 4, 1, 1]).numAnchors, 7);
		}
		assert.equal(fits(mtcnnONet({ frameSize: [480, 640] }), 1, [7, 10]).numAnchors, 7);
	});
	test('refusals', () => {
		assert.throws(
			() => mtcnnPNet({ inputSize: [40, 10], scale: 1 }),
			RangeError,
			/mtcnnPNet: inputSize\[1\] must be 11 pixels or more, which make one cell; got 10/,
		);
		assert.throws(() => mtcnnPNet({ inputSize: [40, 40], scale: 0 }), /scale must be a positive number; got 0/);
		assert.throws(() => mtcnnPNet({ inputSize: [40, 40], scale: 1, gridSize: [14, 0] }), /gridSize\[1\] must be 1 or more; got 0/);
		assert.throws(() => mtcnnPNet({ inputSize: [40, 40], scale: 1, style: 'matlab' as never }), /style must be/);
		assert.throws(() => mtcnnRNet({ frameSize: [480.5, 640] }), /mtcnnRNet: frameSize\[0\]/);
		assert.throws(() => mtcnnONet({ frameSize: [480, 640], numProposals: 0 }), /numProposals must be/);
		assert.throws(() => mtcnnONet({} as never), TypeError, /frameSize must be \[height, width\]/);
	});

	// two cells, 2 pixels apart, that the regression takes far from each other
	test('facenet suppresses cells and moves them afterwards, ipazc moves them first', async () => {
		const detect = async (style: 'facenet' | 'ipazc') => {
			const head = mtcnnPNet({ inputSize: [12, 14], scale: 1, style });
			const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: 0.6, iouThreshold: 0.5 });
			const found = await postprocessor.run([
				{ data: Float32Array.of(0.5, 2, 0, 0, 0.5, 2, 0, 0), dims: [1, 4, 1, 2] },
				{ data: Float32Array.of(0.1, 0.2, 0.9, 0.8), dims: [1, 2, 1, 2] },
			]);
			postprocessor.dispose();
			return found;
		};
		// cells [1, 12] and [3, 14] share 9 of 13 columns
		const facenet = await detect('facenet');
		assert.deepEqual(Array.from(facenet.boxes), [1, 1, 12, 12]);
		const moved = corners().decode(facenet.maskCoefficients as Float32Array, facenet.boxes);
		assert.deepEqual(Array.from(moved), [6.5, 1, 17.5, 12]); // 0.5 x 11
		assert.deepEqual(squareBoxes(moved), moved);
		const ipazc = await detect('ipazc');
		assert.deepEqual(Array.from(ipazc.boxes), [6, 0, 18, 12, 26, 0, 38, 12]); // 0.5 x 12, 2 x 12
	});
});

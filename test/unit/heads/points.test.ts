// Published facts of CenterNet, DenseBox and the transformers: shapes, names, and the recipe that must not be swapped.

import { assert, describe, test } from 'vitest';
import { bindTensor } from '../../../src/bind.js';
import { centernet } from '../../../src/heads/centernet.js';
import { defineHead } from '../../../src/heads/define.js';
import { densebox } from '../../../src/heads/densebox.js';
import { detr, rtDetr } from '../../../src/heads/detr.js';
import type { Head } from '../../../src/heads/head.js';
import { createPostprocessor } from '../../../src/postprocessor.js';

const accepts = (head: Head) => assert.equal(defineHead(head).numAnchors, head.numAnchors);
const fits = (head: Head, tensor: number, dims: readonly number[]) => {
	const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
	return bindTensor({ location: 'cpu', type: 'float32', data, dims }, head.tensors[tensor], head).strides;
};

describe('centernet', () => {
	test('512 x 512: maps of 128 x 128, heat, size and offset, as mmdetection names them too', () => {
		const head = centernet({ numClasses: 80 });
		accepts(head);
		assert.equal(head.numAnchors, 128 * 128);
		assert.deepEqual(
			head.tensors.map(({ name, sizes: { channel, y, x } }) => [name, channel, y, x]),
			[
				['hm', 80, 128, 128],
				['wh', 2, 128, 128],
				['reg', 2, 128, 128],
			],
		);
		assert.deepEqual(
			head.tensors.map(({ aliases = [] }) => aliases.find((a) => a.endsWith('_pred'))),
			['center_heatmap_pred', 'wh_pred', 'offset_pred'],
		);
		assert.deepEqual([head.suppression, head.multiLabel, head.score.peaks], [false, true, true]);
		assert.equal(fits(head, 0, [1, 80, 128, 128]).channel, 128 * 128);
		assert.equal(fits(head, 0, [1, 128, 128, 80]).channel, 1);
	});
	test('without offsets: two tensors, points half a cell in', () => {
		const head = centernet({ numClasses: 80, offsets: false });
		accepts(head);
		assert.equal(head.tensors.length, 2);
		assert.deepEqual(Array.from((head.anchors as Float32Array).subarray(4, 8)), [6, 2, 4, 4]);
	});
	test('80 classes at 320 x 320 fit both orders: each framework has its own', () => {
		const heat = [1, 80, 80, 80];
		assert.equal(fits(centernet({ numClasses: 80, inputSize: [320, 320] }), 0, heat).channel, 6400);
		const tensorflow = centernet({ numClasses: 80, inputSize: [320, 320], style: 'tensorflow' });
		accepts(tensorflow);
		assert.equal(fits(tensorflow, 0, heat).channel, 1);
		assert.deepEqual(tensorflow.clip, [320, 320]);
	});
	test('refusals', () => {
		assert.throws(() => centernet({ numClasses: 80, inputSize: [510, 512] }), /centernet: inputSize\[0\] must be a multiple of the strides \(4\)/);
		assert.throws(() => centernet({ numClasses: 80, style: 'mmdet' as never }), /style must be/);
		assert.throws(() => centernet({ numClasses: 80, activation: 'softmax' as never }), /activation must be/);
		assert.throws(() => centernet({ numClasses: 80, offset: true } as never), /did you mean offsets/);
	});
});

describe('densebox', () => {
	test('240 x 240: 60 x 60 cells, one score and four distances', () => {
		const head = densebox();
		accepts(head);
		assert.equal(head.numAnchors, 3600);
		assert.equal(fits(head, 0, [1, 1, 60, 60]).cell, 1);
		assert.equal(fits(head, 1, [1, 4, 60, 60]).channel, 3600);
		// cell (y 1, x 2): pixel 8, 4; a distance of 1 is a cell
		assert.deepEqual(Array.from((head.anchors as Float32Array).subarray(62 * 4, 63 * 4)), [8, 4, 4, 4]);
		assert.deepEqual(Array.from((densebox({ unit: 50, offset: 0.5 }).anchors as Float32Array).subarray(62 * 4, 63 * 4)), [10, 6, 50, 50]);
	});
	test('refusals', () => {
		assert.throws(() => densebox({ inputSize: [241, 240] }), /inputSize\[0\] must be a multiple/);
		assert.throws(() => densebox({ unit: 0 }), /unit must be a positive number; got 0/);
		assert.throws(() => densebox({ offset: Number.NaN }), /offset must be a finite number of cells/);
	});
});

describe('detr', () => {
	test('facebook/detr-resnet-50 and hustvl/yolos-tiny: 100 queries, 92 logits, four numbers', () => {
		const head = detr({ numClasses: 91, inputSize: [800, 1066] });
		accepts(head);
		fits(head, 0, [1, 100, 92]);
		fits(head, 1, [1, 100, 4]);
		assert.deepEqual(head.score, { activation: 'softmax', background: 'last' });
		assert.deepEqual([head.tensors[0].name, head.tensors[1].name], ['logits', 'pred_boxes']);
		assert.throws(() => detr({ numClasses: 91 } as never), /detr: inputSize must be \[height, width\]; got undefined/);
		assert.throws(() => detr({ numClasses: 91, inputSize: [800, 800], numQueries: 0 }), /numQueries must be/);
	});
});

describe('rtDetr', () => {
	test('300 queries, 80 logits; Ultralytics [1, 300, 84]; RF-DETR dets and labels; Deformable DETR 91', () => {
		const head = rtDetr({ numClasses: 80 });
		accepts(head);
		fits(head, 0, [1, 300, 80]);
		fits(head, 1, [1, 300, 4]);
		assert.deepEqual([head.multiLabel, head.suppression], [true, false]);
		assert.isTrue(head.tensors[0].aliases?.includes('labels') && head.tensors[1].aliases?.includes('dets'));
		const merged = rtDetr({ numClasses: 80, outputs: 'concatenated' });
		accepts(merged);
		fits(merged, 0, [1, 300, 84]);
		assert.deepEqual([merged.multiLabel, merged.score.activation], [false, 'none']);
		assert.throws(() => rtDetr({ numClasses: 80, outputs: 'raw' as never }), /outputs must be/);
	});

	// two objects that share a query, and one of the last class
	const outputs = {
		logits: { data: Float32Array.of(2, 1.5, -4, -3, -4, 3), dims: [1, 2, 3] },
		pred_boxes: { data: Float32Array.of(0.5, 0.5, 0.25, 0.5, 0.25, 0.75, 0.5, 0.25), dims: [1, 2, 4] },
	};
	async function detect(head: Head) {
		const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: 0.5 });
		const found = await postprocessor.run(outputs);
		postprocessor.dispose();
		return Array.from({ length: found.count }, (_, i) => [found.indices[i], found.classIds[i], found.scores[i].toFixed(3)]);
	}
	test('sigmoid of query and class pairs: three objects', async () => {
		// sigmoid: 3 -> 0.953, 2 -> 0.881, 1.5 -> 0.818
		assert.deepEqual(await detect(rtDetr({ numClasses: 3, inputSize: [64, 64], numQueries: 2 })), [
			[1, 2, '0.953'],
			[0, 0, '0.881'],
			[0, 1, '0.818'],
		]);
	});
	test('the softmax recipe on the same numbers: one object, with another score, and none of the last class', async () => {
		// e^2 / (e^2 + e^1.5 + e^-4) = 7.389 / 11.889; the second query is taken for no object
		assert.deepEqual(await detect(detr({ numClasses: 2, inputSize: [64, 64], numQueries: 2 })), [[0, 0, '0.622']]);
	});
});

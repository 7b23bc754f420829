// The YOLO heads at the sizes of the published models: numbers of anchors, channels, names and orders of tensors; and
// what is refused.

import { assert, describe, expect, test } from 'vitest';
import * as kedge from '../../../src/index.js';
import { normalizeOutputs } from '../../../src/outputs.js';

const {
	defineHead,
	scrfd,
	yolo11,
	yolo12,
	yolo26,
	yoloObb,
	yoloPose,
	yoloSeg,
	yolov2,
	yolov3,
	yolov4,
	yolov5,
	yolov6,
	yolov8,
	yolov8Maps,
	yolov9,
	yolov10,
	yolox,
	yunet,
} = kedge;
const COCO = { numClasses: 80 } as const;

/** Dims of each tensor by its first layout, with a batch of one. */
function dimsOf(head: kedge.Head): number[][] {
	return head.tensors.map(({ layouts, sizes }) => {
		const length = (axis: kedge.Axis) =>
			axis === 'shape-channel' ? (sizes.shape as number) * (sizes.channel as number) : axis === 'one' ? 1 : (sizes[axis] as number);
		return [1, ...layouts[0].map(length)];
	});
}
const tensor = (dims: readonly number[]) => ({ data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims });

const PUBLISHED: readonly (readonly [string, kedge.Head, number, readonly (readonly number[])[]])[] = [
	['YOLOv2 on COCO', yolov2(COCO), 845, [[1, 425, 13, 13]]],
	['tiny YOLOv2 on VOC', yolov2({ numClasses: 20, anchors: kedge.YOLOV2_TINY_VOC_ANCHORS }), 845, [[1, 125, 13, 13]]],
	[
		'YOLOv3',
		yolov3(COCO),
		10647,
		[
			[1, 255, 13, 13],
			[1, 255, 26, 26],
			[1, 255, 52, 52],
		],
	],
	[
		'tiny YOLOv3',
		yolov3({ ...COCO, tiny: true }),
		2535,
		[
			[1, 255, 13, 13],
			[1, 255, 26, 26],
		],
	],
	[
		'YOLOv4 at 608',
		yolov4({ ...COCO, inputSize: [608, 608] }),
		22743,
		[
			[1, 255, 76, 76],
			[1, 255, 38, 38],
			[1, 255, 19, 19],
		],
	],
	[
		'tiny YOLOv4',
		yolov4({ ...COCO, tiny: true }),
		2535,
		[
			[1, 255, 13, 13],
			[1, 255, 26, 26],
		],
	],
	[
		'pytorch-YOLOv4',
		yolov4({ ...COCO, outputs: 'decoded' }),
		10647,
		[
			[1, 10647, 1, 4],
			[1, 10647, 80],
		],
	],
	['YOLOv6', yolov6(COCO), 8400, [[1, 8400, 85]]],
	['YOLOv6-N6', yolov6({ ...COCO, inputSize: [1280, 1280], strides: [8, 16, 32, 64] }), 34000, [[1, 34000, 85]]],
	['YOLOX-s', yolox(COCO), 8400, [[1, 8400, 85]]],
	['YOLOX-tiny', yolox({ ...COCO, inputSize: [416, 416] }), 3549, [[1, 3549, 85]]],
	[
		'YOLOv8, maps',
		yolov8Maps({ ...COCO, outputs: 'raw' }),
		8400,
		[
			[1, 64, 80, 80],
			[1, 80, 80, 80],
			[1, 64, 40, 40],
			[1, 80, 40, 40],
			[1, 64, 20, 20],
			[1, 80, 20, 20],
		],
	],
	[
		'YOLOv8, joined maps',
		yolov8Maps({ ...COCO, outputs: 'raw-joined' }),
		8400,
		[
			[1, 144, 80, 80],
			[1, 144, 40, 40],
			[1, 144, 20, 20],
		],
	],
	['YOLOv10', yolov10(COCO), 300, [[1, 300, 6]]],
	['YOLOv8-pose', yoloPose(), 8400, [[1, 56, 8400]]],
	['YOLOv7-pose', yoloPose({ objectness: true }), 25200, [[1, 25200, 57]]],
	['YOLO26-pose', yoloPose({ outputs: 'end-to-end' }), 300, [[1, 300, 57]]],
	['YOLOv8-seg', yoloSeg(COCO), 8400, [[1, 116, 8400]]],
	['YOLOv5-seg', yoloSeg({ ...COCO, objectness: true }), 25200, [[1, 25200, 117]]],
	['YOLO26-seg', yoloSeg({ ...COCO, outputs: 'end-to-end' }), 300, [[1, 300, 38]]],
	['YOLOv8-OBB on DOTA', yoloObb({ numClasses: 15, inputSize: [1024, 1024] }), 21504, [[1, 20, 21504]]],
	['YOLO26-OBB', yoloObb({ numClasses: 15, outputs: 'end-to-end' }), 300, [[1, 300, 7]]],
	['SCRFD', scrfd(), 16800, [1, 4, 10].flatMap((channels) => [12800, 3200, 800].map((n) => [1, n, channels]))],
	['YuNet', yunet(), 8400, [1, 1, 4, 10].flatMap((channels) => [6400, 1600, 400].map((n) => [1, n, channels]))],
];

describe.each(PUBLISHED)('%s', (_name, head, numAnchors, dims) => {
	test('anchors and dims', () => {
		assert.equal(head.numAnchors, numAnchors);
		assert.deepEqual(dimsOf(head), dims);
	});
	test('is a head by defineHead', () => {
		assert.deepEqual(defineHead(head).levels, head.levels);
	});
	test('takes its outputs by name', () => {
		const record = Object.fromEntries(head.tensors.map(({ name, aliases = [] }, i) => [aliases.at(-1) ?? name, tensor(dims[i])]));
		const bound = normalizeOutputs(record, head);
		assert.deepEqual<unknown>(
			bound.map((t) => t.dims),
			dims,
		);
	});
});

describe('names of real exports', () => {
	test('the three maps of a YOLOv11 cut at its convolutions, in any order', () => {
		const name = (branch: string, level: number) => `/model.23/${branch}.${level}/${branch}.${level}.2/Conv_output_0`;
		const entries = [2, 0, 1].flatMap((level) => [
			[name('cv3', level), tensor([1, 64, 80 >> level, 80 >> level])],
			[name('cv2', level), tensor([1, 64, 80 >> level, 80 >> level])],
		]);
		// as many classes as numbers of a box: only the names tell which is which
		const record = Object.fromEntries(entries);
		const bound = normalizeOutputs(record, yolov8Maps({ numClasses: 64, outputs: 'raw' }));
		[0, 1, 2].forEach((level) => {
			assert.equal((bound[2 * level] as { data: unknown }).data, record[name('cv2', level)].data);
			assert.equal((bound[2 * level + 1] as { data: unknown }).data, record[name('cv3', level)].data);
		});
	});
	test('prototypes beside the rows of a segmentation model are left alone', () => {
		const head = yoloSeg(COCO);
		const [rows, prototypes] = [tensor([1, 116, 8400]), tensor([1, 32, 160, 160])];
		const records: Record<string, kedge.TensorLike>[] = [
			{ output0: rows, output1: prototypes },
			{ one: prototypes, two: rows },
		];
		for (const record of records) assert.deepEqual(normalizeOutputs(record, head)[0].dims, rows.dims);
	});
	test("det_10g.onnx: numbers for names, no batch axis; the others' outputs are told by their shapes", () => {
		const sizes = [12800, 3200, 800].flatMap((n) => [1, 4, 10].map((channels) => [n, channels]));
		const record = Object.fromEntries(['448', '451', '454', '471', '474', '477', '494', '497', '500'].map((name, i) => [name, tensor(sizes[i])]));
		const wanted = [0, 3, 6, 1, 4, 7, 2, 5, 8].map((i) => sizes[i]);
		assert.deepEqual(
			normalizeOutputs(record, scrfd()).map((t) => t.dims),
			wanted,
		);
		const renamed = Object.fromEntries(Object.entries(record).map(([name, value]) => [`x${name}`, value]));
		assert.deepEqual(
			normalizeOutputs(renamed, scrfd()).map((t) => t.dims),
			wanted,
		);
	});
	test("darknet's convolutions, whatever the order of the levels", () => {
		const record = {
			'139_convolutional': tensor([1, 255, 52, 52]),
			'150_convolutional': tensor([1, 255, 26, 26]),
			'161_convolutional': tensor([1, 255, 13, 13]),
		};
		for (const [order, sides] of [
			['fine-to-coarse', [52, 26, 13]],
			['coarse-to-fine', [13, 26, 52]],
		] as const)
			assert.deepEqual(
				normalizeOutputs(record, yolov4({ ...COCO, order })).map((t) => t.dims?.[2]),
				sides.slice(),
			);
	});
});

describe('anchors', () => {
	test("YOLOv2's tables count in cells of 32 pixels", () => {
		const { anchors } = yolov2(COCO);
		// shape 1, cell (2, 3): 1.87446 x 2.06253 cells
		assert.deepEqual(Array.from((anchors as Float32Array).subarray((169 + 3 * 13 + 2) * 4, (169 + 3 * 13 + 2) * 4 + 4)), [
			80,
			112,
			Math.fround(1.87446 * 32),
			Math.fround(2.06253 * 32),
		]);
	});
	test('the table of a level goes with its stride, in either order', () => {
		for (const order of ['coarse-to-fine', 'fine-to-coarse'] as const) {
			const head = yolov3({ ...COCO, order });
			for (const { stride, firstAnchor } of head.levels) {
				const size = Array.from((head.anchors as Float32Array).subarray(firstAnchor * 4 + 2, firstAnchor * 4 + 4));
				assert.deepEqual(size, { 8: [10, 13], 16: [30, 61], 32: [116, 90] }[stride]);
			}
		}
	});
	test('points stand in the corners of cells in YOLOX, YuNet and SCRFD, in their middles in YOLOv8', () => {
		const first = (head: kedge.Head) => Array.from((head.anchors as Float32Array).subarray(0, 8));
		assert.deepEqual(first(yolox(COCO)), [0, 0, 8, 8, 8, 0, 8, 8]);
		assert.deepEqual(first(yunet()), [0, 0, 8, 8, 8, 0, 8, 8]);
		assert.deepEqual(first(scrfd()), [0, 0, 8, 8, 0, 0, 8, 8]);
		assert.deepEqual(first(yolov8Maps({ ...COCO, outputs: 'raw' })), [4, 4, 8, 8, 12, 4, 8, 8]);
	});
});

describe('the same under other names', () => {
	test('YOLOv9, 11 and 12 are read as v8, YOLO26 as v10', () => {
		for (const same of [yolov9, yolo11, yolo12]) assert.equal(same, yolov8);
		assert.equal(yolo26, yolov10);
	});
	test('final rows are neither suppressed nor of a fixed number', () => {
		for (const head of [yolov10(COCO), yoloPose({ outputs: 'end-to-end' }), yoloObb({ numClasses: 15, outputs: 'end-to-end' })])
			assert.deepEqual([head.suppression, head.variableAnchors], [false, true]);
	});
});

describe('refusals', () => {
	test.each<[string, () => unknown, RegExp]>([
		['a misspelt option', () => yolox({ ...COCO, output: 'raw' } as never), /yolox: options may hold .* \(did you mean outputs\?\)/],
		['outputs that a head has not', () => yolov8Maps({ ...COCO, outputs: 'end-to-end' as never }), /yolov8Maps: outputs must be 'raw' or 'raw-joined'/],
		['bins of decoded boxes', () => yolov8({ ...COCO, regMax: 16 } as never), /yolov8: options may hold .*got "regMax"/],
		['fractions of maps', () => yolov8Maps({ ...COCO, normalized: true } as never), /yolov8Maps: options may hold .*got "normalized"/],
		['strides of final rows', () => yoloSeg({ ...COCO, outputs: 'end-to-end', strides: [8] }), /strides must be absent/],
		['rows of what is no list of rows', () => yoloPose({ maxRows: 10 }), /maxRows must be absent/],
		['a formula of decoded points', () => yoloPose({ version: 'yolo26' }), /version must be absent with outputs: 'concatenated'/],
		['objectness of maps', () => yoloSeg({ ...COCO, outputs: 'raw', objectness: true }), /objectness must be absent with outputs: 'raw'/],
		['points of four numbers', () => yoloPose({ keypointDims: 4 as never }), /keypointDims must be 2 \(x, y\) or 3/],
		['columns that overlap', () => yolov10({ ...COCO, columns: { box: 0, score: 3, classId: 5, count: 6 } }), /columns must not overlap/],
		[
			'columns that are not there',
			() => yolov10({ ...COCO, columns: { box: 3, score: 0, classId: 1, count: 6 } }),
			/columns.box must be an integer from 0 to 2/,
		],
		['an unknown layout of rows', () => yolov10({ ...COCO, layout: 'auto' as never }), /layout must be 'anchors-first' or 'channels-first'/],
		[
			'fractions of turned boxes that would shear',
			() => yoloObb({ numClasses: 15, inputSize: [512, 1024], normalized: true }),
			/scale must be the same in x and y/,
		],
		['a table for other strides', () => yolov3({ ...COCO, anchors: kedge.YOLOV3_TINY_ANCHORS }), /yolov3: anchors must have one list per stride, 3/],
		['two tables for one map', () => yolov2({ ...COCO, anchors: kedge.YOLOV3_TINY_ANCHORS }), /yolov2: anchors must have one list per stride, 1/],
		['an order of decoded boxes', () => yolov4({ ...COCO, outputs: 'decoded', order: 'fine-to-coarse' }), /order must be absent with outputs: 'decoded'/],
		['a format of maps', () => yolov3({ ...COCO, format: 'xyxy' }), /format must be absent with outputs: 'raw'/],
		['logits with new_coords', () => yolov4({ ...COCO, newCoords: true, scores: 'logits' }), /scores must be absent with newCoords/],
		['new_coords before v4', () => yolov3({ ...COCO, newCoords: true } as never), /yolov3: options may hold/],
		['fractions of maps of YOLOv5', () => yolov5({ ...COCO, outputs: 'raw', normalized: true }), /yolov5: normalized must be absent/],
		['a size that 32 does not divide', () => yunet({ inputSize: [320, 330] }), /yunet: inputSize\[1\] must be a multiple of the strides/],
		['no anchor in a cell', () => scrfd({ anchorsPerCell: 0 }), /anchorsPerCell must be an integer from 1/],
	])('%s', (_what, make, message) => {
		expect(make).toThrow(message);
	});
	test('boxes and classes alike on a grid as wide are not guessed', () => {
		const head = yolov8Maps({ numClasses: 80, inputSize: [512, 512], outputs: 'raw' });
		const dims = dimsOf(head);
		const outputs = dims.map(tensor);
		return kedge.createPostprocessor({ head, backend: 'cpu' }).then(async (postprocessor) => {
			await expect(postprocessor.run(outputs)).rejects.toThrow(/boxes_8|outputs\[0\].*must have dims that fit one layout only/);
			postprocessor.dispose();
			const told = await kedge.createPostprocessor({
				head: yolov8Maps({ numClasses: 80, inputSize: [512, 512], outputs: 'raw', layout: 'channels-first' }),
				backend: 'cpu',
			});
			assert.equal((await told.run(outputs)).rejected, 0);
			told.dispose();
		});
	});
});

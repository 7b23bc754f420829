// inferHead on the published output shapes and names of every family but YOLO's decoded tensors (infer.test.ts): the head
// where one fits, all calls where several do, and what settles it. Shapes are those of the projects' exports.

import { assert, describe, test } from 'vitest';
import { type InferHints, inferHead } from '../../../src/heads/infer.js';

const call = (shapes: unknown, hints?: InferHints) => {
	const inferred = inferHead(shapes, hints);
	return inferred.head ? inferred.call : inferred.candidates.map((c) => c.call);
};
const heads = (shapes: unknown, hints?: InferHints) => {
	const inferred = inferHead(shapes, hints);
	return inferred.head ? inferred.name : inferred.candidates.map((c) => c.name);
};
/** Square maps of these sides, channels first; kind by kind, each fine to coarse. */
const maps = (sides: readonly number[], ...channels: readonly number[]) => channels.flatMap((c) => sides.map((n) => [1, c, n, n]));
const last = (sides: readonly number[], ...channels: readonly number[]) => channels.flatMap((c) => sides.map((n) => [1, n, n, c]));
const THREE = [80, 40, 20];
/** 320 pixels on strides 8 to 128. */
const FIVE = [40, 20, 10, 5, 3];
const SIZE = 'inputSize: [640, 640]';

/** What one name is expected to be inferred as. */
type Case = [name: string, shapes: unknown, hints: InferHints | undefined, expected: string | string[]];
const check = (cases: readonly Case[]) => {
	for (const [name, shapes, hints, expected] of cases) test(name, () => assert.deepEqual(call(shapes, hints), expected));
};

describe('maps of YOLO', () => {
	const raw = `numClasses: 80, ${SIZE}`;
	const v5 = `yolov5({ ${raw}, outputs: 'raw' })`;
	const v7 = `yolov5({ ${raw}, outputs: 'raw', anchors: YOLOV7_ANCHORS })`;
	const others = [`yolov3({ ${raw} })`, `yolov4({ ${raw} })`, `yolov4({ ${raw}, newCoords: true })`];
	const reshaped = THREE.map((n) => [1, 3, n, n, 85]);
	const small = { numClasses: 80, inputSize: [416, 416] } as const;
	check([
		['three maps of 255 channels are of YOLOv5, v7, v3, v4', maps(THREE, 255), undefined, [v5, v7, ...others]],
		['coarse first', maps([20, 40, 80], 255), { family: 'yolov5' }, v5],
		['channels last', last(THREE, 255), { family: 'yolov7' }, v7],
		['split by the Detect layer', reshaped, { family: 'yolov5' }, v5],
		['v3', maps([13, 26, 52], 255), { family: 'yolov3' }, 'yolov3({ numClasses: 80, inputSize: [416, 416] })'],
		[
			'v3 by the names of yolo_to_onnx.py',
			{ '082_convolutional': [1, 255, 13, 13], '094_convolutional': [1, 255, 26, 26], '106_convolutional': [1, 255, 52, 52] },
			undefined,
			'yolov3({ numClasses: 80, inputSize: [416, 416] })',
		],
		[
			'v4 by them',
			{ '139_convolutional': [1, 255, 52, 52], '150_convolutional': [1, 255, 26, 26], '161_convolutional': [1, 255, 13, 13] },
			{ outputs: 'raw' },
			['yolov4({ numClasses: 80, inputSize: [416, 416] })', 'yolov4({ numClasses: 80, inputSize: [416, 416], newCoords: true })'],
		],
		[
			'v4-csp: the names end in lgx',
			{ '144_convolutional_lgx': [1, 255, 64, 64], '159_convolutional_lgx': [1, 255, 32, 32], '174_convolutional_lgx': [1, 255, 16, 16] },
			undefined,
			'yolov4({ numClasses: 80, inputSize: [512, 512], newCoords: true })',
		],
		[
			'v4 of the ONNX zoo, [52, 52, 3, 85]',
			[52, 26, 13].map((n) => [1, n, n, 3, 85]),
			{ family: 'yolov4' },
			['yolov4({ numClasses: 80, inputSize: [416, 416] })', "yolov4({ numClasses: 80, inputSize: [416, 416], scores: 'probabilities' })"],
		],
		[
			'tiny v3 or v4',
			maps([13, 26], 255),
			small,
			['yolov3({ numClasses: 80, inputSize: [416, 416], tiny: true })', 'yolov4({ numClasses: 80, inputSize: [416, 416], tiny: true })'],
		],
		['pytorch-YOLOv4', { boxes: [1, 10647, 1, 4], confs: [1, 10647, 80] }, undefined, "yolov4({ numClasses: 80, inputSize: [416, 416], outputs: 'decoded' })"],
		['v2 on COCO', [[1, 425, 19, 19]], undefined, 'yolov2({ numClasses: 80, inputSize: [608, 608] })'],
		[
			'v2 on VOC, tiny or not',
			[[1, 125, 13, 13]],
			undefined,
			[
				'yolov2({ numClasses: 20, inputSize: [416, 416], anchors: YOLOV2_VOC_ANCHORS })',
				'yolov2({ numClasses: 20, inputSize: [416, 416], anchors: YOLOV2_TINY_VOC_ANCHORS })',
			],
		],
		["the ONNX zoo's tiny v2", { grid: [1, 125, 13, 13] }, undefined, 'yolov2({ numClasses: 20, inputSize: [416, 416], anchors: YOLOV2_TINY_VOC_ANCHORS })'],
		['v8: two maps per level', THREE.flatMap((n) => maps([n], 64, 80)), undefined, `yolov8Maps({ ${raw}, outputs: 'raw' })`],
		['v8 joined, one class', maps(THREE, 65), undefined, `yolov8Maps({ numClasses: 1, ${SIZE}, outputs: 'raw-joined' })`],
		[
			'v8 joined, 80 classes: also YOLOv5 with 43 and its like',
			maps(THREE, 144),
			{ outputs: 'raw-joined' },
			`yolov8Maps({ numClasses: 80, ${SIZE}, outputs: 'raw-joined' })`,
		],
		[
			'YOLO26 without bins: which branch is not known',
			THREE.flatMap((n) => maps([n], 4, 80)),
			undefined,
			[`yolov8Maps({ ${raw}, outputs: 'raw', regMax: 1 })`, `yolov8Maps({ ${raw}, outputs: 'raw', regMax: 1, suppression: false })`],
		],
		[
			'YOLO26 by its names',
			Object.fromEntries(
				THREE.flatMap((n, i) => [
					[`/model.23/one2one_cv2.${i}/one2one_cv2.${i}.2/Conv_output_0`, [1, 4, n, n]],
					[`/model.23/one2one_cv3.${i}/one2one_cv3.${i}.2/Conv_output_0`, [1, 80, n, n]],
				]),
			),
			undefined,
			`yolov8Maps({ ${raw}, outputs: 'raw', regMax: 1, suppression: false })`,
		],
		['pose', THREE.flatMap((n) => maps([n], 64, 1, 51)), undefined, `yoloPose({ numClasses: 1, ${SIZE}, outputs: 'raw' })`],
		['pose joined', THREE.flatMap((n) => maps([n], 65, 51)), undefined, `yoloPose({ numClasses: 1, ${SIZE}, outputs: 'raw-joined' })`],
		[
			'segmentation, with prototypes',
			[...THREE.flatMap((n) => maps([n], 64, 80, 32)), [1, 32, 160, 160]],
			undefined,
			`yoloSeg({ numClasses: 80, ${SIZE}, outputs: 'raw' })`,
		],
		[
			'v6-lite',
			maps([40, 20, 10, 5], 84),
			{ numClasses: 80 },
			"yolov6({ numClasses: 80, inputSize: [320, 320], outputs: 'levels', strides: [8, 16, 32, 64] })",
		],
	]);
	test('maps of an Ultralytics export, by its metadata', () => {
		const metadata = { task: 'detect', names: Object.fromEntries(Array.from({ length: 80 }, (_, i) => [i, `class ${i}`])) };
		assert.equal(heads(maps(THREE, 144), { metadata }), 'yolov8Maps');
		assert.equal(heads(maps(THREE, 144), { family: 'yolov8Maps' }), 'yolov8Maps');
	});
	test('144 channels: every reading is listed', () =>
		assert.deepEqual(heads(maps(THREE, 144)), ['yolov5', 'yolov5', 'yolov3', 'yolov4', 'yolov4', 'yolov8Maps']));
});

describe('rows and queries', () => {
	const rows = (name: string, more = '') => `${name}({ numClasses: 80, ${SIZE}${more} })`;
	const rtDetr = (n: number) => `rtDetr({ numClasses: ${n}, ${SIZE}, outputs: 'concatenated' })`;
	const coco = { numClasses: 80 };
	check([
		['final rows, or an RT-DETR of two classes', [[1, 300, 6]], undefined, [rows('yolov10'), rtDetr(2)]],
		['final rows of 80 classes', [[1, 300, 6]], coco, rows('yolov10')],
		['100 of them', { output0: [1, 100, 6] }, coco, rows('yolov10', ', maxRows: 100')],
		['with masks', { output0: [1, 300, 38], output1: [1, 32, 160, 160] }, coco, rows('yoloSeg', ", outputs: 'end-to-end'")],
		['with points', [[1, 300, 57]], { task: 'pose' }, `yoloPose({ numClasses: 1, ${SIZE}, outputs: 'end-to-end' })`],
		['with an angle', [[1, 300, 7]], { numClasses: 15 }, `yoloObb({ numClasses: 15, ${SIZE}, outputs: 'end-to-end' })`],
		[
			"YOLOv7's rows, or turned boxes",
			[[37, 7]],
			{ numClasses: 80, task: 'detect' },
			rows('yolov10', ', columns: { box: 1, score: 6, classId: 5, count: 7 }, maxRows: 37'),
		],
		[
			"PaddleDetection's rows without a batch axis",
			[[100, 6]],
			coco,
			[rows('yolov10', ', maxRows: 100'), rows('yolov10', ', columns: { box: 2, score: 1, classId: 0, count: 6 }, maxRows: 100')],
		],
		["Ultralytics' RT-DETR", [[1, 300, 84]], undefined, rtDetr(80)],
		['RT-DETR', { logits: [1, 300, 80], pred_boxes: [1, 300, 4] }, undefined, `rtDetr({ numClasses: 80, ${SIZE} })`],
		['RF-DETR', { dets: [1, 300, 4], labels: [1, 300, 91] }, { inputSize: [560, 560] }, 'rtDetr({ numClasses: 91, inputSize: [560, 560] })'],
		[
			'DINO',
			[
				[1, 900, 91],
				[1, 900, 4],
			],
			{ inputSize: [800, 1200] },
			'rtDetr({ numClasses: 91, inputSize: [800, 1200], numQueries: 900 })',
		],
		['DETR', { logits: [1, 100, 92], pred_boxes: [1, 100, 4] }, { inputSize: [800, 1066] }, 'detr({ numClasses: 91, inputSize: [800, 1066] })'],
	]);
	test('rows do not show the number of classes', () => {
		assert.match(inferHead([[1, 100, 6]]).reason, /do not show how many classes there are, for which COCO's 80 stand. Say more by hints: numClasses$/);
		assert.isUndefined(inferHead([[1, 100, 6]]).head);
	});
	test('DETR takes any size, so it must be said', () => {
		const inferred = inferHead({ logits: [1, 100, 92], pred_boxes: [1, 100, 4] });
		assert.isUndefined(inferred.head);
		assert.match(inferred.reason, /do not show the input size.*Say more by hints: inputSize$/);
	});
	test('another number of queries may be of either', () => {
		assert.match(
			inferHead({ logits: [1, 300, 91], pred_boxes: [1, 300, 4] }).reason,
			/300 queries were taken for those of RT-DETR and its kin, by their number/,
		);
		assert.deepEqual(heads({ logits: [1, 50, 10], pred_boxes: [1, 50, 4] }, { inputSize: [640, 640] }), ['rtDetr', 'detr']);
	});
});

describe('SSD, RetinaNet and their kin', () => {
	const pair = (anchors: number, channels: number) => [
		[1, anchors, 4],
		[1, anchors, channels],
	];
	const ssd = (n: number, side: number, style: string) => `ssd({ numClasses: ${n}, inputSize: [${side}, ${side}], style: '${style}' })`;
	const dense = (name: string, n: number, style: string, outputs = 'levels') =>
		`${name}({ numClasses: ${n}, inputSize: [320, 320], ${style && `style: '${style}', `}outputs: '${outputs}' })`;
	/** 9 anchors per cell at 320 x 320. */
	const all = 9 * (1600 + 400 + 100 + 25 + 9);
	check([
		['SSD300: three frameworks', pair(8732, 21), undefined, ['torchvision', 'caffe', 'mmdet'].map((style) => ssd(20, 300, style))],
		['SSD300 of one', pair(8732, 91), { style: 'torchvision' }, ssd(90, 300, 'torchvision')],
		['SSDLite', pair(3234, 91), undefined, ssd(90, 320, 'torchvision')],
		["TensorFlow's", { 'raw_outputs/box_encodings': [1, 1917, 4], 'raw_outputs/class_predictions': [1, 1917, 91] }, undefined, ssd(90, 300, 'tensorflow')],
		['Caffe, flat', { mbox_loc: [1, 8732 * 4], mbox_conf: [1, 8732 * 21] }, undefined, ssd(20, 300, 'caffe')],
		[
			'ten maps: RetinaNet in three frameworks, EfficientDet',
			maps(FIVE, 720, 36),
			undefined,
			[...['torchvision', 'detectron2', 'mmdet'].map((style) => dense('retinanet', 80, style)), dense('efficientdet', 80, '')],
		],
		['RetinaNet of one', maps(FIVE, 720, 36), { style: 'detectron2' }, dense('retinanet', 80, 'detectron2')],
		[
			'EfficientDet',
			last([64, 32, 16, 8, 4], 810, 36),
			{ family: 'efficientdet' },
			"efficientdet({ numClasses: 90, inputSize: [512, 512], outputs: 'levels' })",
		],
		['RetinaNet in two lists', { bbox_regression: [1, all, 4], cls_logits: [1, all, 91] }, undefined, dense('retinanet', 91, 'torchvision', 'concatenated')],
		[
			'keras-retinanet',
			{ regression: [1, all, 4], classification: [1, all, 80] },
			{ style: 'keras-retinanet' },
			dense('retinanet', 80, 'keras-retinanet', 'concatenated'),
		],
		[
			'EfficientDet D0 in two lists',
			pair(49104, 90),
			{ style: 'tensorflow' },
			"efficientdet({ numClasses: 90, inputSize: [512, 512], outputs: 'concatenated' })",
		],
		['FCOS', maps(FIVE, 80, 4, 1), undefined, ['torchvision', 'detectron2', 'mmdet'].map((style) => dense('fcos', 80, style))],
		[
			'FCOS in three lists, by names',
			{ cls_logits: [1, 2134, 91], bbox_regression: [1, 2134, 4], bbox_ctrness: [1, 2134, 1] },
			undefined,
			dense('fcos', 91, 'torchvision', 'concatenated'),
		],
		['FoveaBox', maps(FIVE, 80, 4), undefined, dense('fovea', 80, '')],
		['RPN', maps([80, 40, 20, 10, 5], 3, 12), { style: 'mmdet' }, "rpn({ inputSize: [320, 320], style: 'mmdet' })"],
		[
			'RPN of one level',
			maps([50], 15, 60),
			{ style: 'detectron2' },
			"rpn({ inputSize: [800, 800], style: 'detectron2', strides: [16], sizes: [[32, 64, 128, 256, 512]] })",
		],
		[
			'Fast R-CNN by its shapes: every class has deltas, background too',
			{ class_logits: [1000, 91], box_regression: [1000, 364] },
			{ inputSize: [800, 800] },
			"fastRcnn({ numClasses: 90, inputSize: [800, 800], style: 'torchvision' })",
		],
		[
			'without background, with proposals',
			[
				[500, 81],
				[500, 320],
				[500, 4],
			],
			{ inputSize: [800, 800] },
			['detectron2', 'mmdet'].map((style) => `fastRcnn({ numClasses: 80, inputSize: [800, 800], style: '${style}' })`),
		],
	]);
	test('which hints are missing', () => {
		assert.match(inferHead(maps(FIVE, 720, 36)).reason, /Say more by hints: family, style$/);
		assert.match(inferHead(maps(FIVE, 80, 4, 1)).reason, /Say more by hints: style$/);
		assert.match(inferHead({ class_logits: [1000, 91], box_regression: [1000, 364] }).reason, /input size.*hints: inputSize$/);
	});
	test('boxes and classes of one shape, in 15 maps too', () => {
		assert.match(inferHead(maps(FIVE, 4, 4, 1), { style: 'mmdet' }).reason, /which is which is not known/);
		assert.equal(heads(maps(FIVE, 4, 4, 1), { style: 'mmdet', numClasses: 4 }), 'fcos');
	});
});

describe('centres, faces and palms', () => {
	const lists = (names: readonly string[], channels: readonly number[], anchorsPerCell: number) =>
		Object.fromEntries(names.flatMap((name, k) => [8, 16, 32].map((s) => [`${name}_${s}`, [anchorsPerCell * (640 / s) ** 2, channels[k]]])));
	check([
		['CenterNet', { hm: [1, 80, 128, 128], wh: [1, 2, 128, 128], reg: [1, 2, 128, 128] }, undefined, 'centernet({ numClasses: 80, inputSize: [512, 512] })'],
		[
			"mmdetection's, whose heat map holds probabilities",
			{ center_heatmap_pred: [1, 20, 96, 128], wh_pred: [1, 2, 96, 128], offset_pred: [1, 2, 96, 128] },
			undefined,
			"centernet({ numClasses: 20, inputSize: [384, 512], activation: 'none' })",
		],
		[
			"TensorFlow's",
			{ object_center: [1, 128, 128, 90], 'box/scale': [1, 128, 128, 2], 'box/offset': [1, 128, 128, 2] },
			undefined,
			"centernet({ numClasses: 90, inputSize: [512, 512], style: 'tensorflow' })",
		],
		['DenseBox', maps([60], 1, 4), undefined, 'densebox({ inputSize: [240, 240] })'],
		['SCRFD', lists(['score', 'bbox', 'kps'], [1, 4, 10], 2), undefined, `scrfd({ ${SIZE} })`],
		['SCRFD without points', lists(['score', 'bbox'], [1, 4], 2), undefined, `scrfd({ ${SIZE}, keypoints: false })`],
		['SCRFD as maps', THREE.flatMap((n) => maps([n], 2, 8, 20)), undefined, `scrfd({ ${SIZE} })`],
		[
			'SCRFD on five strides',
			[80, 40, 20, 10, 5].flatMap((n) => [1, 4, 10].map((c) => [n * n, c])),
			undefined,
			`scrfd({ ${SIZE}, strides: [8, 16, 32, 64, 128], anchorsPerCell: 1 })`,
		],
		['YuNet', lists(['cls', 'obj', 'bbox', 'kps'], [1, 1, 4, 10], 1), undefined, `yunet({ ${SIZE} })`],
		['RetinaFace', { loc: [1, 16800, 4], conf: [1, 16800, 2], landms: [1, 16800, 10] }, undefined, `retinaFace({ ${SIZE} })`],
		['UltraFace', { scores: [1, 4420, 2], boxes: [1, 4420, 4] }, undefined, 'ultraFace({ inputSize: [240, 320] })'],
		['UltraFace 640', { scores: [1, 17640, 2], boxes: [1, 17640, 4] }, undefined, 'ultraFace({ inputSize: [480, 640] })'],
		[
			'BlazeFace, short range or back camera',
			{ regressors: [1, 896, 16], classificators: [1, 896, 1] },
			undefined,
			["blazeFace({ model: 'short-range' })", "blazeFace({ model: 'back' })"],
		],
		['BlazeFace at 128', { regressors: [1, 896, 16], classificators: [1, 896, 1] }, { inputSize: [128, 128] }, "blazeFace({ model: 'short-range' })"],
		['BlazeFace, full range', { regressors: [1, 2304, 16], classificators: [1, 2304, 1] }, undefined, "blazeFace({ model: 'full-range' })"],
		['BlazeFace in one tensor', [[1, 896, 17]], { inputSize: [128, 128] }, "blazeFace({ model: 'short-range', outputs: 'concatenated' })"],
		['palms', { Identity: [1, 2016, 18], Identity_1: [1, 2016, 1] }, undefined, 'blazePalm({ inputSize: [192, 192] })'],
		[
			'MTCNN, first stage: ceil((120 - 2) / 2) - 4 = 55 cells',
			{ 'conv4-2': [1, 4, 55, 55], prob1: [1, 2, 55, 55] },
			undefined,
			["mtcnnPNet({ inputSize: [120, 120], scale: 1, style: 'facenet' })", "mtcnnPNet({ inputSize: [120, 120], scale: 1, style: 'ipazc' })"],
		],
		[
			'MTCNN, second stage',
			{ 'conv5-2': [40, 4], prob1: [40, 2] },
			{ family: 'mtcnnRNet', inputSize: [480, 640] },
			["mtcnnRNet({ frameSize: [480, 640], style: 'facenet' })", "mtcnnRNet({ frameSize: [480, 640], style: 'ipazc' })"],
		],
		['MTCNN, third stage', { 'conv6-2': [40, 4], 'conv6-3': [40, 10], prob1: [40, 2] }, { inputSize: [480, 640] }, ['mtcnnONet({ frameSize: [480, 640] })']],
	]);
	test('what shapes do not show is said', () => {
		assert.match(inferHead(maps([55], 4, 2)).reason, /do not show the scale of the level, for which 1 stands/);
		assert.match(inferHead({ a: [40, 4], b: [40, 10], c: [40, 2] }).reason, /do not show the size of the frame/);
		const yunet = inferHead(Object.values(lists(['cls', 'obj', 'bbox', 'kps'], [1, 1, 4, 10], 1)));
		assert.isUndefined(yunet.head);
		assert.match(yunet.reason, /which is which is not known/);
	});
});

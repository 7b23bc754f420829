// The shapes of published models, one by one; where two readings are possible both must be named.

import { assert, describe, test } from 'vitest';
import { type InferHints, inferHead, suggestHead } from '../../../src/heads/infer.js';

const call = (shapes: unknown, hints?: InferHints) => {
	const inferred = inferHead(shapes, hints);
	return inferred.head ? inferred.call : inferred.candidates.map((c) => c.call);
};

describe('one head fits', () => {
	const cases: [string, unknown, InferHints | undefined, string][] = [
		['YOLOv8 at 640', [[1, 84, 8400]], undefined, 'yolov8({ numClasses: 80, inputSize: [640, 640] })'],
		['dims alone', [1, 84, 8400], undefined, 'yolov8({ numClasses: 80, inputSize: [640, 640] })'],
		['by name', { output0: [1, 6, 2100] }, undefined, 'yolov8({ numClasses: 2, inputSize: [320, 320] })'],
		['a tensor', { dims: [1, 5, 189], data: new Float32Array(945) }, undefined, 'yolov8({ numClasses: 1, inputSize: [96, 96] })'],
		['tfjs', { buffer: {}, tensorRef: { shape: [1, 84, 8400] } }, undefined, 'yolov8({ numClasses: 80, inputSize: [640, 640] })'],
		['a symbolic batch', [['batch', 84, 8400]], undefined, 'yolov8({ numClasses: 80, inputSize: [640, 640] })'],
		['no batch', [[84, 8400]], undefined, 'yolov8({ numClasses: 80, inputSize: [640, 640] })'],
		['an oblong input', [[1, 84, 6720]], { inputSize: [512, 640] }, 'yolov8({ numClasses: 80, inputSize: [512, 640] })'],
		['transposed, classes known', [[1, 8400, 84]], { numClasses: 80 }, 'yolov8({ numClasses: 80, inputSize: [640, 640] })'],
		['YOLOv5 concatenated', [[1, 25200, 85]], undefined, 'yolov5({ numClasses: 80, inputSize: [640, 640] })'],
		['YOLOv5 channels first', [[1, 85, 25200]], undefined, 'yolov5({ numClasses: 80, inputSize: [640, 640] })'],
		[
			'YOLOv5 raw, rank 5',
			[
				[1, 3, 80, 80, 85],
				[1, 3, 40, 40, 85],
				[1, 3, 20, 20, 85],
			],
			undefined,
			"yolov5({ numClasses: 80, inputSize: [640, 640], outputs: 'raw' })",
		],
		[
			'YOLOv5 raw, rank 4, coarse first',
			[
				[1, 255, 20, 24],
				[1, 255, 40, 48],
				[1, 255, 80, 96],
			],
			undefined,
			"yolov5({ numClasses: 80, inputSize: [640, 768], outputs: 'raw' })",
		],
		[
			'YOLOv5 raw, channels last',
			[
				[1, 8, 8, 24],
				[1, 4, 4, 24],
				[1, 2, 2, 24],
			],
			undefined,
			"yolov5({ numClasses: 3, inputSize: [64, 64], outputs: 'raw' })",
		],
		[
			'YOLOv5 with the maps beside it',
			[
				[1, 25200, 85],
				[1, 3, 80, 80, 85],
				[1, 3, 40, 40, 85],
				[1, 3, 20, 20, 85],
			],
			undefined,
			'yolov5({ numClasses: 80, inputSize: [640, 640] })',
		],
	];
	for (const [name, shapes, hints, expected] of cases) test(name, () => assert.equal(call(shapes, hints), expected));

	test('SSD, style known', () => {
		const inferred = inferHead(
			[
				[1, 8732, 4],
				[1, 8732, 91],
			],
			{ style: 'torchvision' },
		);
		assert.equal(inferred.head?.name, 'ssd');
		assert.equal(inferred.head?.numClasses, 90);
		assert.deepEqual(inferred.head?.score, { activation: 'softmax', background: 'first' });
	});
	test('RetinaNet concatenated, torchvision by its output names', () => {
		const anchors = 9 * (1600 + 400 + 100 + 25 + 9);
		const inferred = inferHead({ bbox_regression: [1, anchors, 4], cls_logits: [1, anchors, 91] });
		assert.equal(inferred.head?.name, 'retinanet');
		assert.deepEqual(inferred.head?.inputSize, [320, 320]);
	});
	test('RetinaNet in ten maps', () => {
		const sides = [40, 20, 10, 5, 3];
		const shapes = [...sides.map((n) => [1, 720, n, n]), ...sides.map((n) => [1, 36, n, n])];
		const inferred = inferHead(shapes, { style: 'detectron2' });
		assert.equal(inferred.head?.name, 'retinanet');
		assert.deepEqual([inferred.head?.numClasses, inferred.head?.inputSize], [80, [320, 320]]);
	});
	test('the metadata of an Ultralytics export', () => {
		const metadata = { task: 'detect', imgsz: '[512, 640]', names: "{0: 'cat', 1: 'dog'}" };
		assert.equal(call([[1, 6, 6720]], { metadata }), 'yolov8({ numClasses: 2, inputSize: [512, 640] })');
	});
	test('a reason is given', () =>
		assert.equal(inferHead([[1, 84, 8400]]).reason, '[1, 84, 8400] fits yolov8({ numClasses: 80, inputSize: [640, 640] }) and no other head'));
});

describe('several fit: they are listed', () => {
	test('84 x 84', () => {
		assert.deepEqual(call([[1, 84, 84]]), [
			"yolov8({ numClasses: 80, inputSize: [64, 64], layout: 'channels-first' })",
			"yolov8({ numClasses: 80, inputSize: [64, 64], layout: 'anchors-first' })",
		]);
	});
	test('more channels than anchors is believed only where nothing else fits', () => {
		assert.equal(call([[1, 84, 252]]), 'yolov5({ numClasses: 79, inputSize: [64, 64] })');
		assert.equal(call([[1, 84, 252]], { numClasses: 248 }), 'yolov8({ numClasses: 248, inputSize: [64, 64] })');
		assert.equal(call([[1, 104, 84]]), 'yolov8({ numClasses: 100, inputSize: [64, 64] })');
	});
	test('[8400, 85] may be YOLOX', () => {
		const inferred = inferHead([[1, 8400, 85]]);
		assert.isUndefined(inferred.head);
		assert.match(inferred.reason, /YOLOX or YOLOv6 with 80 classes/);
		assert.equal(call([[1, 8400, 85]], { numClasses: 81 }), 'yolov8({ numClasses: 81, inputSize: [640, 640] })');
	});
	test('RetinaNet without its style: shapes cannot tell', () => {
		const sides = [40, 20, 10, 5, 3];
		const inferred = inferHead([...sides.map((n) => [1, 720, n, n]), ...sides.map((n) => [1, 36, n, n])]);
		assert.isUndefined(inferred.head);
		assert.equal(inferred.candidates?.length, 3);
		assert.match(inferred.reason, /hints: .*style/);
	});
	test('SSD without its style', () =>
		assert.equal(
			inferHead([
				[1, 8732, 4],
				[1, 8732, 21],
			]).candidates?.length,
			3,
		));
	test('three classes and background: which of [8732, 4] are the boxes', () => {
		// the head is the same either way; the names or the order of the array say which is which
		assert.equal(
			inferHead(
				[
					[1, 8732, 4],
					[1, 8732, 4],
				],
				{ style: 'torchvision' },
			).head?.numClasses,
			3,
		);
	});
});

describe('none fits: it says what it looks like', () => {
	const cases: [string, unknown, InferHints | undefined, RegExp][] = [
		['YOLOv10', [[1, 300, 6]], undefined, /end-to-end model \(YOLOv10, YOLO26\)/],
		[
			'segmentation',
			[
				[1, 116, 8400],
				[1, 32, 160, 160],
			],
			undefined,
			/segmentation model/,
		],
		['a pose model by its metadata', [[1, 56, 8400]], { metadata: { task: 'pose' } }, /task pose/],
		['another class count', [[1, 84, 8400]], { numClasses: 3 }, /fits no head that is built/],
		['another input', [[1, 84, 8400]], { inputSize: [320, 320] }, /fits no head/],
		['anything', [[1, 7, 7]], undefined, /defineHead/],
		['a classifier', [[1, 1000]], undefined, /fits no head/],
	];
	for (const [name, shapes, hints, text] of cases) {
		test(name, () => {
			const inferred = inferHead(shapes, hints);
			assert.deepEqual(inferred.candidates, []);
			assert.match(inferred.reason, text);
		});
	}
});

test('refusals', () => {
	assert.throws(() => inferHead(null), TypeError, /inferHead: shapes must be/);
	assert.throws(() => inferHead({}), RangeError, /at least one shape/);
	assert.throws(() => inferHead({ output0: new Float32Array(4) }), TypeError, /shapes.output0 must be dims/);
	assert.throws(() => inferHead([[1, 'channels', 8400]]), TypeError, /shapes.0\[1\] must be a non-negative integer; got "channels" \(run the model once/);
	assert.throws(() => inferHead([[1, 84, 8400]], { classes: 80 } as never), /hints may hold/);
});

test('suggestHead, for the errors of a wrong tensor', () => {
	assert.equal(suggestHead([1, 85, 25200]), 'yolov5({ numClasses: 80, inputSize: [640, 640] })');
	assert.isUndefined(suggestHead([1, 7, 7]));
});

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
		['of an untold number of classes, 320 square', [[1, 8, 2100]], { inputSize: [320, 320] }, 'yolov8({ numClasses: 4, inputSize: [320, 320] })'],
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
	test('a reason is given: it speaks of the heads that were compared, and says what was assumed', () => {
		const fits = "[1, 84, 8400] fits yolov8({ numClasses: 80, inputSize: [640, 640] }), alone of kedge's heads";
		assert.equal(inferHead([[1, 84, 8400]]).reason, `${fits}; the input size was assumed to be square (hints.inputSize says otherwise)`);
		assert.equal(inferHead([[1, 84, 8400]], { inputSize: [640, 640] }).reason, fits);
		// 64 x 100 + 32 x 50 + 16 x 25 = 8400 too
		assert.equal(call([[1, 84, 8400]], { inputSize: [512, 800] }), 'yolov8({ numClasses: 80, inputSize: [512, 800] })');
		const raw = [80, 40, 20].map((n) => [1, 255, n, n]);
		assert.match(inferHead(raw).reason, /anchor shapes were assumed to be YOLOv5's \(YOLOv3 and YOLOv7/);
		assert.notMatch(inferHead(raw).reason, /square/);
	});
	test('any number of classes is YOLOv8, unless a published model of another task has as many channels', () => {
		const others = [20, 37, 56, 116];
		for (let channels = 5; channels <= 300; channels++) {
			const expected = `yolov8({ numClasses: ${channels - 4}, inputSize: [640, 640] })`;
			assert.deepEqual(call([[1, channels, 8400]]), others.includes(channels) ? [expected] : expected);
			assert.equal(call([[1, channels, 8400]], { numClasses: channels - 4 }), expected);
		}
	});
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
	const alike = [1, 8732, 4];
	test('three classes and background: which of [8732, 4] are the boxes is told by names, or taken upon hints', () => {
		const inferred = inferHead([alike, alike], { style: 'torchvision' });
		assert.isUndefined(inferred.head);
		assert.match(inferred.reason, /boxes and scores have the same shape, so which is which is not known/);
		assert.equal(inferHead({ cls_logits: alike, bbox_regression: alike }).head?.numClasses, 3);
		const hinted = inferHead([alike, alike], { style: 'torchvision', numClasses: 3 });
		assert.equal(hinted.head?.numClasses, 3);
		assert.match(hinted.reason, /pass them by name, or in the order boxes, scores/);
	});
	test('the same with four classes on five levels', () => {
		const maps = [40, 20, 10, 5, 3].flatMap((n) => [
			[1, 36, n, n],
			[1, 36, n, n],
		]);
		assert.match(inferHead(maps, { style: 'torchvision' }).reason, /which is which is not known/);
		assert.equal(inferHead(maps, { style: 'torchvision', numClasses: 4 }).head?.numClasses, 4);
	});

	// channels of published models: ultralytics docs (COCO-pose 17 x 3, DOTA 15 classes, 32 masks), yolov5-face, yolov5_obb
	const published: [string, number[], number, RegExp][] = [
		['YOLOv8-pose', [1, 56, 8400], 52, /YOLOv8-pose \(4 \+ 1 class \+ 17 x 3 key points\), which kedge cannot decode yet/],
		['YOLOv8-OBB', [1, 20, 8400], 16, /YOLOv8-OBB \(4 \+ 15 classes \+ 1 angle\), which kedge cannot decode yet/],
		['YOLOv8-OBB at 1024', [1, 20, 21504], 16, /YOLOv8-OBB/],
		['YOLOv8-seg, its maps left out', [1, 116, 8400], 112, /YOLOv8-seg \(4 \+ 80 classes \+ 32 mask coefficients\)/],
		['YOLOv8-seg of one class', [1, 37, 8400], 33, /YOLOv8-seg \(4 \+ 1 class/],
		['YOLOv8-pose transposed', [1, 8400, 56], 52, /YOLOv8-pose/],
		['yolov5-face', [1, 25200, 16], 11, /yolov5-face \(5 \+ 5 x 2 landmarks \+ 1 class\), which kedge cannot decode yet/],
		['YOLOv5-seg', [1, 25200, 117], 112, /YOLOv5-seg/],
		['YOLOv7-pose', [1, 25200, 57], 52, /YOLOv7-pose/],
	];
	for (const [name, dims, numClasses, text] of published) {
		test(`${name}, until the classes are said`, () => {
			const inferred = inferHead([dims]);
			assert.isUndefined(inferred.head);
			assert.equal(inferred.candidates?.length, 1);
			assert.match(inferred.reason, text);
			assert.match(inferred.reason, /Say more by hints: inputSize, numClasses$/);
			assert.equal(inferHead([dims], { numClasses }).head?.numClasses, numClasses);
			assert.equal(inferHead([dims], { names: Array(numClasses).fill('x') }).head?.numClasses, numClasses);
		});
	}
	test('a detector by its metadata has no key points', () => {
		assert.equal(call([[1, 56, 8400]], { metadata: { task: 'detect' } }), 'yolov8({ numClasses: 52, inputSize: [640, 640] })');
	});
	test('three maps of 144 channels: YOLOv8 before its box distributions are read, or YOLOv5 with 43 classes', () => {
		for (const maps of [[80, 40, 20].map((n) => [1, 144, n, n]), [80, 40, 20].map((n) => [1, n, n, 144])]) {
			const inferred = inferHead(maps);
			assert.deepEqual(call(maps), ["yolov5({ numClasses: 43, inputSize: [640, 640], outputs: 'raw' })"]);
			assert.match(inferred.reason, /raw YOLOv8 maps \(64 channels of box distributions and 80 classes\), which kedge cannot decode yet/);
			assert.equal(inferHead(maps, { numClasses: 43 }).head?.name, 'yolov5');
		}
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
		['a pose model by its metadata', [[1, 56, 8400]], { metadata: { task: 'pose' } }, /task "pose"/],
		[
			'key points beside the classes said',
			[[1, 56, 8400]],
			{ numClasses: 1 },
			/51 channels more .* look like 17 key points of a pose model, which kedge cannot/,
		],
		['an angle', [[1, 20, 8400]], { numClasses: 15 }, /one channel more than boxes and 15 classes looks like an angle/],
		['mask coefficients', [[1, 116, 8400]], { numClasses: 80 }, /32 channels more .* mask coefficients of a segmentation model/],
		['raw YOLOv8, classes said', [80, 40, 20].map((n) => [1, 144, n, n]), { numClasses: 80 }, /looks like raw YOLOv8 maps .*80 classes/],
		['raw YOLOv8 of one class', [80, 40, 20].map((n) => [1, 65, n, n]), undefined, /looks like raw YOLOv8 maps .*1 class\)/],
		['more classes than a head can have', [[1, 21, 2 ** 25]], { inputSize: [32, 32] }, /fits no head/],
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
	const hinted = (hints: unknown) => () => inferHead([[1, 84, 8400]], hints as never);
	assert.throws(hinted({ classes: 80 }), TypeError, /hints may hold .*got "classes"/);
	assert.throws(hinted({ numClases: 80 }), TypeError, /did you mean numClasses\?/);
	assert.throws(hinted({ inputSize: 640 }), TypeError, /inferHead: inputSize must be \[height, width\]; got 640/);
	assert.throws(hinted({ inputSize: [640, -1] }), RangeError, /inputSize\[1\] \(width\) must be a positive number; got -1/);
	assert.throws(hinted({ inputSize: [640, 0.5] }), RangeError, /inputSize\[1\] must be a whole number/);
	assert.throws(hinted({ style: 'foo' }), RangeError, /style must be 'torchvision' or 'detectron2' or 'mmdet' or 'caffe'; got "foo"/);
	assert.throws(hinted({ numClasses: '80' }), TypeError, /numClasses must be an integer from 1 to 16777216; got "80"/);
	assert.throws(hinted({ numClasses: 0 }), RangeError, /numClasses/);
	assert.throws(hinted({ names: 'person' }), TypeError, /names must be an array of strings/);
	assert.throws(hinted({ names: ['a'], numClasses: 2 }), RangeError, /names must be as many as numClasses, 2; got 1/);
	assert.throws(hinted({ metadata: 'task: detect' }), TypeError, /metadata must be an object/);
	assert.throws(hinted(null), TypeError, /hints must be an object/);
	assert.equal(call([[1, 84, 8400]], { inputSize: undefined, metadata: { imgsz: '[0]', names: {} } }), call([[1, 84, 8400]]));
});

test('an output may be called dims or shape', () => {
	assert.equal(call({ dims: { dims: [1, 84, 8400] } }), 'yolov8({ numClasses: 80, inputSize: [640, 640] })');
	assert.equal(inferHead({ shape: { dims: [1, 8732, 4] }, logits: { dims: [1, 8732, 21] } }, { style: 'caffe' }).head?.name, 'ssd');
});

test('suggestHead, for the errors of a wrong tensor', () => {
	assert.equal(suggestHead([1, 85, 25200]), 'yolov5({ numClasses: 80, inputSize: [640, 640] })');
	assert.isUndefined(suggestHead([1, 7, 7]));
});

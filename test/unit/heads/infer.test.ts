// One decoded tensor of a YOLO, hints, metadata and refusals; where two readings are possible both must be named. Other
// families are in infer-families.test.ts.

import { assert, describe, test } from 'vitest';
import { type InferHints, type InferredHead, inferHead, suggestHead } from '../../../src/heads/infer.js';

const call = (shapes: unknown, hints?: InferHints) => {
	const inferred = inferHead(shapes, hints);
	return inferred.head ? inferred.call : inferred.candidates.map((c) => c.call);
};
const namesOf = (inferred: InferredHead) => (inferred.head ? inferred.name : inferred.candidates.map((c) => c.name));

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
		assert.match(inferHead([[1, 68, 8400]], { numClasses: 1 }).reason, /fits yoloPose\(.*numKeypoints: 21 }\), alone/);
	});
	test('any number of classes is YOLOv8, unless published weights of another task have as many channels', () => {
		const others: Record<number, string> = { 20: 'yoloObb', 37: 'yoloSeg', 56: 'yoloPose', 116: 'yoloSeg' };
		for (let channels = 5; channels <= 300; channels++) {
			const expected = `yolov8({ numClasses: ${channels - 4}, inputSize: [640, 640] })`;
			const inferred = inferHead([[1, channels, 8400]]);
			if (others[channels]) assert.deepEqual(namesOf(inferred), ['yolov8', others[channels]]);
			else assert.equal(inferred.head && inferred.call, expected);
			assert.equal(call([[1, channels, 8400]], { numClasses: channels - 4 }), expected);
		}
	});
});

describe('several fit: they are listed', () => {
	test('84 x 84', () => {
		assert.deepEqual(call([[1, 84, 84]], { family: 'yolov8' }), [
			"yolov8({ numClasses: 80, inputSize: [64, 64], layout: 'channels-first' })",
			"yolov8({ numClasses: 80, inputSize: [64, 64], layout: 'anchors-first' })",
		]);
		assert.deepEqual(namesOf(inferHead([[1, 84, 84]])), ['yolov8', 'yolov8', 'yolox', 'yolox', 'yolov6']);
	});
	test('more channels than anchors is believed only where nothing else fits', () => {
		assert.equal(call([[1, 84, 252]]), 'yolov5({ numClasses: 79, inputSize: [64, 64] })');
		// with 248 classes: 84 anchors of 4 + 248 channels; or 252 of 5 + 79, which it is not
		assert.equal(call([[1, 84, 252]], { numClasses: 248 }), 'yolov8({ numClasses: 248, inputSize: [64, 64] })');
		assert.equal(call([[1, 104, 84]]), 'yolov8({ numClasses: 100, inputSize: [64, 64] })');
	});
	test('[8400, 85] is YOLOv8 turned, YOLOX in two exports, or YOLOv6', () => {
		const size = 'inputSize: [640, 640]';
		const yolov8 = `yolov8({ numClasses: 81, ${size} })`;
		const decoded = `yolox({ numClasses: 80, ${size}, outputs: 'decoded' })`;
		const inferred = inferHead([[1, 8400, 85]]);
		assert.deepEqual(call([[1, 8400, 85]]), [yolov8, `yolox({ numClasses: 80, ${size} })`, decoded, `yolov6({ numClasses: 80, ${size} })`]);
		assert.match(inferred.reason, /YOLOX and YOLOv6 have 5 \+ 80 classes, anchors first.*hints: numClasses, family, outputs$/);
		assert.equal(call([[1, 8400, 85]], { numClasses: 81 }), yolov8);
		assert.equal(call([[1, 8400, 85]], { family: 'yolox', outputs: 'decoded' }), decoded);
		assert.equal(call([[1, 8400, 85]], { family: 'yolox', outputs: 'raw' }), `yolox({ numClasses: 80, ${size} })`);
		assert.equal(call([[1, 8400, 85]], { family: 'yolov6' }), `yolov6({ numClasses: 80, ${size} })`);
		// an Ultralytics export is none of theirs
		assert.equal(call([[1, 8400, 85]], { metadata: { task: 'detect' } }), yolov8);
	});
	test('with a P6 at 1280, or a P2 at 640', () => {
		const p6 = 'yolov8({ numClasses: 80, inputSize: [1280, 1280], strides: [8, 16, 32, 64] })';
		assert.deepEqual(call([[1, 84, 34000]]), [p6, 'yolov8({ numClasses: 80, inputSize: [640, 640], strides: [4, 8, 16, 32] })']);
		assert.equal(call([[1, 84, 34000]], { inputSize: [1280, 1280] }), p6);
		assert.match(call([[1, 102000, 85]]) as string, /^yolov5\(.*YOLOV5_P6_ANCHORS/);
	});
	test('fractions or pixels: a name of TensorFlow has both', () => {
		const normalized = 'yolov8({ numClasses: 80, inputSize: [640, 640], normalized: true })';
		assert.deepEqual(call({ Identity: [1, 84, 8400] }), ['yolov8({ numClasses: 80, inputSize: [640, 640] })', normalized]);
		assert.match(inferHead({ Identity: [1, 84, 8400] }).reason, /hints: normalized$/);
		assert.equal(call({ Identity: [1, 84, 8400] }, { normalized: true }), normalized);
	});

	// channels of published models: ultralytics docs (COCO-pose 17 x 3, DOTA 15 classes, 32 masks), yolov5-face, yolov5_obb
	const published: [string, number[], number, string, InferHints['task'], RegExp][] = [
		['YOLOv8-pose', [1, 56, 8400], 52, 'yoloPose({ numClasses: 1, inputSize: [640, 640] })', 'pose', /4 \+ 1 class \+ 17 x 3 keypoints/],
		['YOLOv8-OBB', [1, 20, 8400], 16, 'yoloObb({ numClasses: 15, inputSize: [640, 640] })', 'obb', /4 \+ 15 classes \+ 1 angle/],
		['YOLOv8-OBB at 1024', [1, 20, 21504], 16, 'yoloObb({ numClasses: 15, inputSize: [1024, 1024] })', 'obb', /1 angle/],
		['YOLOv8-seg', [1, 116, 8400], 112, 'yoloSeg({ numClasses: 80, inputSize: [640, 640] })', 'segment', /4 \+ 80 classes \+ 32 mask/],
		['YOLOv8-seg of one class', [1, 37, 8400], 33, 'yoloSeg({ numClasses: 1, inputSize: [640, 640] })', 'segment', /4 \+ 1 class \+ 32/],
		['YOLOv5-seg', [1, 25200, 117], 112, 'yoloSeg({ numClasses: 80, inputSize: [640, 640], objectness: true })', 'segment', /5 \+ 80 classes/],
		['YOLOv7-pose', [1, 25200, 57], 52, 'yoloPose({ numClasses: 1, inputSize: [640, 640], objectness: true })', 'pose', /5 \+ 1 class \+ 17 x 3/],
	];
	for (const [name, dims, numClasses, expected, task, text] of published) {
		test(`${name}, or a detector: until the classes or the task are said`, () => {
			const inferred = inferHead([dims]);
			const calls = call([dims]);
			assert.isUndefined(inferred.head);
			assert.equal(calls.length, 2);
			assert.include(calls, expected);
			assert.match(inferred.reason, text);
			assert.match(inferred.reason, /Say more by hints: numClasses, task$/);
			assert.equal(inferHead([dims], { names: Array(numClasses).fill('x') }).head?.numClasses, numClasses);
			assert.match(call([dims], { task: 'detect' }) as string, new RegExp(`numClasses: ${numClasses},`));
			assert.equal(call([dims], { task }), expected);
			assert.equal(call([dims], { numClasses: Number(/numClasses: (\d+)/.exec(expected)?.[1]) }), expected);
		});
	}
	test('yolov5-face and yolov5_obb, which no head reads, keep their shapes from being taken for granted', () => {
		assert.match(inferHead([[1, 25200, 16]]).reason, /it may also be yolov5-face \(5 \+ 5 x 2 landmarks \+ 1 class\), which no head reads.*numClasses$/);
		assert.match(inferHead([[1, 25200, 200]]).reason, /yolov5_obb/);
		assert.equal(inferHead([[1, 25200, 16]], { numClasses: 11 }).head?.name, 'yolov5');
		assert.equal(inferHead([[1, 25200, 16]], { task: 'detect' }).head?.name, 'yolov5');
	});
});

describe('what else is known settles it', () => {
	// the custom metadata of exporter.py, as text in ONNX files
	const metadata = (task: string, names: string, more = {}) => ({ author: 'Ultralytics', task, imgsz: '[640, 640]', names, stride: '32', ...more });
	const person = "{0: 'person'}";
	const cases: [string, unknown, InferHints, string][] = [
		['pose', [[1, 56, 8400]], { metadata: metadata('pose', person, { kpt_shape: '[17, 3]' }) }, 'yoloPose({ numClasses: 1, inputSize: [640, 640] })'],
		[
			'21 points of a hand',
			[[1, 68, 8400]],
			{ metadata: metadata('pose', "{0: 'hand'}", { kpt_shape: [21, 3] }) },
			'yoloPose({ numClasses: 1, inputSize: [640, 640], numKeypoints: 21 })',
		],
		[
			'12 points of two numbers',
			[[1, 29, 8400]],
			{ metadata: metadata('pose', "{0: 'tiger'}", { kpt_shape: '[12, 2]' }) },
			'yoloPose({ numClasses: 1, inputSize: [640, 640], numKeypoints: 12, keypointDims: 2 })',
		],
		['obb of two classes', [[1, 7, 8400]], { metadata: metadata('obb', "{0: 'a', 1: 'b'}") }, 'yoloObb({ numClasses: 2, inputSize: [640, 640] })'],
		['segment', [[1, 38, 8400]], { metadata: metadata('segment', "{0: 'a', 1: 'b'}") }, 'yoloSeg({ numClasses: 2, inputSize: [640, 640] })'],
		['final rows', [[1, 300, 6]], { metadata: metadata('detect', "{0: 'a', 1: 'b', 2: 'c'}") }, 'yolov10({ numClasses: 3, inputSize: [640, 640] })'],
		[
			'an RT-DETR of two classes, by its head',
			[[1, 300, 6]],
			{ metadata: metadata('detect', "{0: 'a', 1: 'b'}", { head: 'RTDETRDecoder' }) },
			"rtDetr({ numClasses: 2, inputSize: [640, 640], outputs: 'concatenated' })",
		],
		[
			'a transformers config',
			{ logits: [1, 100, 4], pred_boxes: [1, 100, 4] },
			{ inputSize: [800, 800], metadata: { model_type: 'yolos', id2label: { 0: 'a', 1: 'b', 2: 'c' } } },
			'detr({ numClasses: 3, inputSize: [800, 800] })',
		],
	];
	for (const [name, shapes, hints, expected] of cases) test(name, () => assert.equal(call(shapes, hints), expected));

	test('prototypes: their number, and a quarter of the input', () => {
		assert.equal(
			call([
				[1, 116, 6300],
				[1, 32, 120, 160],
			]),
			'yoloSeg({ numClasses: 80, inputSize: [480, 640] })',
		);
		assert.equal(call({ output0: [1, 101, 2100], output1: [1, 80, 80, 16] }), 'yoloSeg({ numClasses: 81, inputSize: [320, 320], numMasks: 16 })');
		assert.match(inferHead({ output0: [1, 116, 8400], output1: [1, 32, 160, 160] }).reason, /does not read every output: pass its own by name/);
	});
	test('the number of classes, where channels besides them are left', () => {
		assert.equal(call([[1, 56, 8400]], { numClasses: 1 }), 'yoloPose({ numClasses: 1, inputSize: [640, 640] })');
		assert.equal(call([[1, 12, 8400]], { numClasses: 7 }), 'yoloObb({ numClasses: 7, inputSize: [640, 640] })');
		assert.equal(
			call([[1, 36, 8400]], { names: Array(0).concat(['a', 'b', 'c', 'd', 'e']), task: 'pose' }),
			'yoloPose({ numClasses: 5, inputSize: [640, 640], numKeypoints: 9 })',
		);
	});
	test('a pose of unknown classes is not chosen', () => {
		const inferred = inferHead([[1, 68, 8400]], { task: 'pose' });
		assert.deepEqual(namesOf(inferred), ['yoloPose']);
		assert.match(inferred.reason, /how many of the channels are classes is not known. Say more by hints: numClasses$/);
	});
});

describe('none fits: it says what it looks like', () => {
	const cases: [string, unknown, InferHints | undefined, RegExp][] = [
		['a task without heads', [[1, 1000]], { metadata: { task: 'classify' } }, /task "classify", for which no head is built/],
		['more classes than a head can have', [[1, 21, 2 ** 25]], { inputSize: [32, 32] }, /fits no head/],
		[
			'another class count',
			[[1, 84, 8400]],
			{ numClasses: 3 },
			/fits no head that is built; without what hints and metadata say it fits yolov8\(\{ numClasses: 80/,
		],
		['another input', [[1, 84, 8400]], { inputSize: [320, 320] }, /Check the hints/],
		['anything', [[1, 7, 7]], undefined, /defineHead/],
		['a classifier', [[1, 1000]], undefined, /one row of numbers looks like a classifier/],
		['a task that the channels contradict', [[1, 5, 8400]], { task: 'pose' }, /without what hints .* it fits yolov8/],
		['a family that it is not', [[1, 84, 8400]], { family: 'fcos' }, /without what hints .* it fits yolov8/],
		['a picture', [[1, 3, 640, 640]], undefined, /Pass every output of the model/],
		['rows without a known number', [[1, 250, 6]], undefined, /fits no head/],
		['detections of TensorFlow Lite', { num_detections: [1], detection_boxes: [1, 10, 4] }, undefined, /after suppression, which are final already/],
		['class ids', { boxes: { dims: [9, 4] }, labels: { dims: [9], type: 'int64' }, scores: { dims: [9] } }, undefined, /looks like class ids/],
		['a quantized tensor', [{ dims: [1, 84, 8400], type: 'uint8' }], undefined, /outputs of uint8 must be dequantized/],
		['DetectionOutput', [[1, 1, 100, 7]], undefined, /Caffe's DetectionOutput/],
	];
	for (const [name, shapes, hints, text] of cases) {
		test(name, () => {
			const inferred = inferHead(shapes, hints);
			assert.deepEqual(inferred.candidates, []);
			assert.match(inferred.reason, text);
		});
	}
});

test('shapes that fit nothing never throw, however odd', () => {
	const lengths = [0, 1, 2, 3, 4, 7, 10, 13, 16, 26, 32, 36, 52, 64, 80, 84, 85, 255, 300, 896, 8400, 25200, 10 ** 6, 2 ** 31];
	let state = 7;
	// Numerical Recipes' generator
	const next = (below: number) => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		return Math.floor((state / 2 ** 32) * below);
	};
	for (let i = 0; i < 500; i++) {
		const shapes = Array.from({ length: 1 + next(12) }, () => Array.from({ length: 2 + next(4) }, () => lengths[next(lengths.length)]));
		assert.isString(inferHead(shapes).reason, JSON.stringify(shapes));
		const alike = shapes.map(() => shapes[0]);
		assert.isString(inferHead(alike).reason, JSON.stringify(alike));
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
	assert.throws(hinted({ style: 'foo' }), RangeError, /style must be 'torchvision' or .* or 'tensorflow'; got "foo"/);
	assert.throws(hinted({ task: 'face' }), RangeError, /task must be 'detect' or 'segment' or 'pose' or 'obb'/);
	assert.throws(hinted({ family: 'yolo5' }), RangeError, /did you mean 'yolov5'\?/);
	assert.throws(hinted({ outputs: 1 }), TypeError, /outputs must be a string/);
	assert.throws(hinted({ normalized: 1 }), TypeError, /normalized must be true or false/);
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
	// four fit: it stays short
	assert.match(suggestHead([1, 8400, 85]) as string, /^yolov8\(.*\) or yolox\(.*\) or yolox\(.*\) or 1 more that inferHead names$/);
});

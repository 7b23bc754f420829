// Every fault of an option is answered by name, with the rule and the value; nothing is clamped or ignored.

import { describe, expect, it } from 'vitest';
import { letterbox } from '../../src/boxes/letterbox.js';
import { nearest, readOptions } from '../../src/checks.js';
import type { Head } from '../../src/heads/head.js';
import { retinanet } from '../../src/heads/retinanet.js';
import { rpn } from '../../src/heads/rpn.js';
import { yolov5 } from '../../src/heads/yolov5.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import { yolov10 } from '../../src/heads/yolov10.js';
import { checkBoxIou, checkNms } from '../../src/inputs.js';
import { keyOf, nextUp, scoreOfKey } from '../../src/numbers.js';
import { checkBackendKind, checkBackendOptions, checkRunOptions, minKeyOf } from '../../src/options.js';
import { SEMANTICS_PRESETS } from '../../src/semantics.js';
import { checkPostprocessorOptions } from '../../src/settings.js';

const head = yolov8({ numClasses: 80, inputSize: [640, 640] });
const check = (options: object) => checkPostprocessorOptions('createPostprocessor', { head, ...options });
const call = (options: object = {}, made: object = {}) => checkRunOptions('run', options, check(made)).call;

describe('defaults', () => {
	it('are those of the contract', () => {
		const settings = check({});
		expect(settings.backend).toBe('auto');
		expect(settings.call).toEqual({
			scoreThreshold: 0.25,
			iouThreshold: 0.45,
			maxDetections: 300,
			maxCandidates: 2 ** 32 - 1,
			classAgnostic: false,
			timings: false,
		});
		expect(settings.semantics).toEqual(SEMANTICS_PRESETS.default);
		expect(settings.soft).toBeUndefined();
		expect(settings.pipeline.overlap).toEqual({ kind: 'iou', pixelOffset: 0 });
		expect(settings.coordinates).toBe('pixels');
		expect(settings.pipeline).toMatchObject({ multiLabel: false, suppression: 'blocked', latency: 'normal' });
		expect(settings.pipeline.classFilter).toBeUndefined();
		expect(settings.pipeline.gpuStages).toBeUndefined();
	});

	it('cut the candidates of multi-label heads at 8192', () => {
		expect(check({ multiLabel: true }).call.maxCandidates).toBe(8192);
		expect(check({ multiLabel: true, maxCandidates: Infinity }).call.maxCandidates).toBe(2 ** 32 - 1);
		const settings = checkPostprocessorOptions('createPostprocessor', { head: retinanet({ numClasses: 90, inputSize: [320, 320] }) });
		expect(settings.pipeline.multiLabel).toBe(true);
		expect(settings.call.maxCandidates).toBe(8192);
	});

	it('recover from a lost device, but not for a device of the caller', () => {
		const device = { createBuffer() {}, createComputePipelineAsync() {} };
		expect(check({}).environment.onLost).toBe('recover');
		expect(check({ device }).environment.onLost).toBe('error');
		expect(check({ device, onLost: 'cpu' }).environment.onLost).toBe('cpu');
		expect(checkBackendOptions('createBackend', { device }).onLost).toBe('error');
	});

	it('take undefined for absent', () => {
		expect(check({ iouThreshold: undefined, classes: undefined, semantics: undefined, backend: undefined })).toEqual(check({}));
		expect(checkRunOptions('run', undefined, check({})).call).toEqual(call());
	});
});

/** [options, error, what the text says] of one fault. */
type Fault = [string, object, typeof TypeError | typeof RangeError, RegExp];
const faults: Fault[] = [
	// A1
	['iouThreshold NaN', { iouThreshold: NaN }, RangeError, /^createPostprocessor: iouThreshold must be 0 to 1; got NaN$/],
	['iouThreshold Infinity', { iouThreshold: Infinity }, RangeError, /iouThreshold must be 0 to 1; got Infinity/],
	['iouThreshold -Infinity', { iouThreshold: -Infinity }, RangeError, /iouThreshold must be 0 to 1; got -Infinity/],
	['iouThreshold -0.1', { iouThreshold: -0.1 }, RangeError, /iouThreshold must be 0 to 1; got -0\.1/],
	['iouThreshold 1.1, no percentage', { iouThreshold: 1.1 }, RangeError, /iouThreshold must be 0 to 1; got 1\.1$/],
	['iouThreshold 45.5, none either', { iouThreshold: 45.5 }, RangeError, /iouThreshold must be 0 to 1; got 45\.5$/],
	['iouThreshold 101', { iouThreshold: 101 }, RangeError, /iouThreshold must be 0 to 1; got 101$/],
	['iouThreshold 2', { iouThreshold: 2 }, RangeError, /iouThreshold must be 0 to 1; got 2 \(did you mean 0\.02\?\)/],
	['iouThreshold 45', { iouThreshold: 45 }, RangeError, /iouThreshold must be 0 to 1; got 45 \(did you mean 0\.45\?\)/],
	['iouThreshold text', { iouThreshold: '0.5' }, TypeError, /iouThreshold must be 0 to 1; got "0\.5"/],
	['iouThreshold null', { iouThreshold: null }, TypeError, /iouThreshold must be 0 to 1; got null/],
	// A4
	['scoreThreshold NaN', { scoreThreshold: NaN }, RangeError, /scoreThreshold must be a number; got NaN/],
	['scoreThreshold text', { scoreThreshold: '0.25' }, TypeError, /scoreThreshold must be a number; got "0\.25"/],
	// A5
	...[-1, 1.5, NaN, 2 ** 32, 2 ** 53].map(
		(n): Fault => [`maxDetections ${n}`, { maxDetections: n }, RangeError, /maxDetections must be a non-negative integer below 2\^32/],
	),
	['maxDetections text', { maxDetections: '300' }, TypeError, /maxDetections .*got "300"/],
	// A7, A8
	['a mistyped option', { iouTreshold: 0.5 }, TypeError, /"iouTreshold" \(did you mean iouThreshold\?\)$/],
	['an option of another library', { conf: 0.5 }, TypeError, /options may hold head, backend, device, .*scoreThreshold.*; got "conf"$/],
	['a constructor key', { constructor: 1 }, TypeError, /options may hold .*; got "constructor"$/],
	// A11
	['maxCandidates 0', { maxCandidates: 0 }, RangeError, /maxCandidates must be a positive integer .*got 0/],
	['maxCandidates -5', { maxCandidates: -5 }, RangeError, /maxCandidates .*got -5/],
	['maxCandidates 1.5', { maxCandidates: 1.5 }, RangeError, /maxCandidates .*got 1\.5/],
	// A13
	['a class beyond the last', { classes: [0, 80] }, RangeError, /classes\[1\] must be an integer from 0 to 79; got 80/],
	['a negative class', { classes: [-1] }, RangeError, /classes\[0\] must be an integer from 0 to 79; got -1/],
	['a fractional class', { classes: Float32Array.of(3, 1.5) }, RangeError, /classes\[1\] .*got 1\.5/],
	['a class by name', { classes: ['person'] }, TypeError, /classes\[0\] .*got "person"/],
	['no class at all', { classes: [] }, RangeError, /classes must name a class/],
	['classes as a number', { classes: 3 }, TypeError, /classes must be an array of class ids; got 3/],
	// the rest of the options
	['no head', { head: undefined }, TypeError, /head must be a head; got undefined \(as yolov8/],
	['a head by name', { head: 'yolov8' }, TypeError, /head must be a head; got "yolov8"/],
	['an unknown backend', { backend: 'webgl' }, RangeError, /backend must be 'auto' or 'webgpu' or 'hybrid' or 'cpu'; got "webgl" \(did you mean 'webgpu'\?\)/],
	['a backend as a number', { backend: 1 }, TypeError, /backend must be .*got 1/],
	[
		'a device with a Backend',
		{ backend: {}, device: { createBuffer() {}, createComputePipelineAsync() {} } },
		TypeError,
		/device must be left out when backend is a Backend/,
	],
	['a device that is none', { device: {} }, TypeError, /device must be a GPUDevice; got Object/],
	['a gpu that is none', { gpu: { requestDevice() {} } }, TypeError, /gpu must be a GPU object/],
	['classAgnostic 1', { classAgnostic: 1 }, TypeError, /classAgnostic must be true or false; got 1/],
	['multiLabel text', { multiLabel: 'yes' }, TypeError, /multiLabel must be true or false; got "yes"/],
	['timings 0', { timings: 0 }, TypeError, /timings must be true or false; got 0/],
	[
		'coordinates unknown',
		{ coordinates: 'normalised' },
		RangeError,
		/coordinates must be 'pixels' or 'normalized'; got "normalised" \(did you mean 'normalized'\?\)/,
	],
	['labels as text', { labels: 'person' }, TypeError, /labels must be an array of strings; got "person"/],
	['a label that is no text', { labels: ['a', 7] }, TypeError, /labels\[1\] must be a string; got 7/],
	['91 labels for 80 classes', { labels: Array(91).fill('x') }, RangeError, /labels must have 80 entries at most, one per class; got 91/],
	['suppression unknown', { suppression: 'soft' }, RangeError, /suppression must be 'blocked' or 'bitmask'; got "soft"/],
	['a bitmask of 8400', { suppression: 'bitmask' }, RangeError, /'bitmask' is for 4096 candidates at most; got 8400 \(set maxCandidates to 4096 or less/],
	['latency unknown', { latency: 'high' }, RangeError, /latency must be 'normal' or 'low'; got "high"/],
	['gpuStages 8', { gpuStages: 8 }, RangeError, /gpuStages must be an integer from 0 to 7; got 8/],
	['gpuStages on the CPU', { gpuStages: 2, backend: 'cpu' }, RangeError, /backend must be 'webgpu' when gpuStages is given; got "cpu"/],
	['onLost unknown', { onLost: 'ignore' }, RangeError, /onLost must be 'recover' or 'cpu' or 'error'; got "ignore"/],
	['a preset mistyped', { semantics: 'tensorfow' }, RangeError, /semantics must be 'default' or .*'darknet'; got "tensorfow" \(did you mean 'tensorflow'\?\)/],
	['a preset of nobody', { semantics: 'paint' }, RangeError, /semantics must be .*; got "paint" \(or an object of switches\)/],
	['a preset by its prototype', { semantics: 'constructor' }, RangeError, /semantics must be .*; got "constructor"/],
	['an unknown base', { semantics: { preset: 'onxn' } }, RangeError, /semantics\.preset must be .*; got "onxn" \(did you mean 'onnx'\?\)/],
	['semantics as a number', { semantics: 1 }, TypeError, /semantics must be .*got 1/],
	['semantics as null', { semantics: null }, TypeError, /semantics must be .*got null/],
	['an unknown switch', { semantics: { pixeloffset: 1 } }, TypeError, /semantics may hold preset, suppress, .*; got "pixeloffset" \(did you mean pixelO/],
	['a pixel offset of 2', { semantics: { pixelOffset: 2 } }, RangeError, /semantics\.pixelOffset must be 0 or 1; got 2/],
	['a pixel offset in words', { semantics: { pixelOffset: '1' } }, TypeError, /semantics\.pixelOffset must be 0 or 1; got "1"/],
	['an unknown measure', { semantics: { overlap: 'giou' } }, RangeError, /semantics\.overlap must be 'iou' or 'bounding-union' or 'iom'; got "giou"/],
	['an unknown comparison', { semantics: { suppress: '<' } }, RangeError, /semantics\.suppress must be '>' or '>='; got "<"/],
	['an unknown tie rule', { semantics: { ties: 'first' } }, RangeError, /semantics\.ties must be 'lowest-index' or 'highest-index'/],
];

describe('faults of createPostprocessor', () => {
	it.each(faults)('%s', (_, options, Kind, text) => {
		expect(() => check(options)).toThrow(Kind);
		expect(() => check(options)).toThrow(text);
	});

	it.each([null, 5, 'options', [], new Float32Array(3)])('options %s', (options) => {
		expect(() => checkPostprocessorOptions('createPostprocessor', options)).toThrow(TypeError);
	});

	it('carry the argument, the rule and the value', () => {
		const error = (() => {
			try {
				check({ iouThreshold: 45 });
			} catch (e) {
				return e;
			}
		})();
		expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', argument: 'iouThreshold', limit: 'must be 0 to 1', value: 45 });
	});

	it('too many pairs of anchor and class for 32 bits', () => {
		const wide = { ...head, numAnchors: 2 ** 20, numClasses: 5000 };
		expect(() => checkPostprocessorOptions('createPostprocessor', { head: wide, multiLabel: true })).toThrow(
			/multiLabel needs anchors x classes below 2\^32; got 5242880000/,
		);
	});
});

describe('keys that reach prototypes (A8)', () => {
	it('from JSON are refused and change nothing', () => {
		const evil = JSON.parse('{ "__proto__": { "iouThreshold": 0.9 } }');
		expect(() => check(evil)).toThrow(/options may hold .*; got "__proto__"/);
		expect(() => checkPostprocessorOptions('createPostprocessor', Object.assign(evil, { head }))).toThrow(/got "__proto__"/);
		expect(() => call({}, { semantics: JSON.parse('{ "__proto__": { "suppress": ">=" } }') })).toThrow(/semantics may hold .*got "__proto__"/);
		expect(({} as Record<string, unknown>).iouThreshold).toBeUndefined();
	});

	it('and inherited options are not options', () => {
		const inherited = Object.create({ iouThreshold: 'bad', nonsense: 1 });
		expect(checkPostprocessorOptions('f', Object.assign(inherited, { head })).call.iouThreshold).toBe(0.45);
		expect(Object.getPrototypeOf(readOptions('f', 'options', { a: 1 }, ['a']))).toBeNull();
	});

	it('every option is read once', () => {
		let reads = 0;
		const options = {
			head,
			get iouThreshold() {
				return reads++ ? 'bad' : 0.5;
			},
		};
		expect(checkPostprocessorOptions('f', options).call.iouThreshold).toBe(0.5);
		expect(reads).toBe(1);
	});
});

describe('the nearest option', () => {
	it.each([
		['iouTreshold', 'iouThreshold'],
		['IOUTHRESHOLD', 'iouThreshold'],
		['maxDetection', 'maxDetections'],
		['sclaes', undefined],
		['x'.repeat(1000), undefined],
	])('of %s', (word, near) => {
		expect(nearest(word, ['iouThreshold', 'scoreThreshold', 'maxDetections', 'labels'])).toBe(near);
	});
});

describe('legal values', () => {
	it('A2, A3: iouThreshold 0, -0 and 1', () => {
		expect(call({ iouThreshold: 0 }).iouThreshold).toBe(0);
		expect(Object.is(call({ iouThreshold: -0 }).iouThreshold, 0)).toBe(true);
		expect(call({ iouThreshold: 1 }).iouThreshold).toBe(1);
	});

	it('A5, A6: maxDetections 0, Infinity, the largest', () => {
		expect(call({ maxDetections: 0 }).maxDetections).toBe(0);
		expect(call({ maxDetections: Infinity }).maxDetections).toBe(2 ** 32 - 1);
		expect(call({ maxDetections: 2 ** 32 - 1 }).maxDetections).toBe(2 ** 32 - 1);
	});

	it('classes become a bit set', () => {
		expect(check({ classes: [0, 31, 32, 79] }).pipeline.classFilter).toEqual(Uint32Array.of(0x80000001, 1, 1 << 15));
		expect(check({ classes: Uint8Array.of(5, 5) }).pipeline.classFilter).toEqual(Uint32Array.of(32, 0, 0));
	});

	it('labels are copied, and may be fewer than classes', () => {
		const labels = ['person'];
		const settings = check({ labels });
		labels[0] = 'changed';
		expect(settings.labels).toEqual(['person']);
	});

	it('a call overrides, and leaves the rest as it was made', () => {
		const params = call({ scoreThreshold: 0.5, classAgnostic: true }, { iouThreshold: 0.25, maxDetections: 7, semantics: { ties: 'highest-index' } });
		expect(params).toMatchObject({ iouThreshold: 0.25, maxDetections: 7, classAgnostic: true, tiesHighest: true });
		expect(() => call({ iouThreshold: 45 })).toThrow(/^run: iouThreshold/);
		expect(() => call({ multiLabel: true })).toThrow(/run: options may hold transform, signal, scoreThreshold/);
		expect(() => call({ signal: {} })).toThrow(/signal must be an AbortSignal; got Object/);
		expect(() => call({ maxCandidates: 5000 }, { suppression: 'bitmask', maxCandidates: 4096 })).toThrow(/'bitmask' is for 4096/);
		expect(() => checkRunOptions('encode', { signal: new AbortController().signal }, check({}))).toThrow(/encode: options may hold transform/);
	});

	it('backends by word', () => {
		expect(checkBackendKind('createBackend', undefined)).toBe('auto');
		expect(checkBackendKind('createBackend', 'hybrid')).toBe('hybrid');
		expect(() => checkBackendKind('createBackend', 'gpu')).toThrow(/createBackend: kind must be 'auto' or/);
		expect(() => checkBackendOptions('createBackend', { devise: 1 })).toThrow(/did you mean device\?/);
	});
});

describe('thresholds as keys', () => {
	const passes = (score: number, threshold: number, comparison: '>' | '>=') => keyOf(score) >= minKeyOf(threshold, comparison, 'itself');

	it('compare float32 with float32: 0.3 is not above 0.3', () => {
		expect(passes(Math.fround(0.3), 0.3, '>')).toBe(false);
		expect(passes(Math.fround(0.3), 0.3, '>=')).toBe(true);
		expect(passes(0.3000000417232513, 0.3, '>')).toBe(true); // the float32 above
		expect(passes(0.29999998211860657, 0.3, '>=')).toBe(false); // the float32 below
	});

	it('-Infinity lets all pass and Infinity none (A4)', () => {
		for (const score of [-Infinity, -3, -0, 0, 1e-45, 0.5, 7, Infinity]) {
			expect(passes(score, -Infinity, '>')).toBe(true);
			expect(passes(score, Infinity, '>')).toBe(false);
		}
		expect(passes(Infinity, Infinity, '>=')).toBe(true);
	});

	it('around zero', () => {
		expect(passes(0, 0, '>')).toBe(false);
		expect(passes(-0, 0, '>')).toBe(false);
		expect(passes(2 ** -149, 0, '>')).toBe(true);
		expect(passes(-0, 0, '>=')).toBe(true);
		expect(passes(0, -(2 ** -149), '>')).toBe(true);
	});

	it('of one sigmoid are logits: sigmoid(0) = 0.5, log(3) for 0.75', () => {
		expect(scoreOfKey(minKeyOf(0.5, '>=', 'sigmoid'))).toBe(0);
		expect(scoreOfKey(minKeyOf(0.5, '>', 'sigmoid'))).toBe(2 ** -149);
		expect(scoreOfKey(minKeyOf(0.75, '>', 'sigmoid'))).toBeCloseTo(1.0986122886681098, 6);
		expect(scoreOfKey(minKeyOf(0.75, '>', 'sigmoid'))).toBeGreaterThan(1.0986122886681096);
		expect(minKeyOf(0, '>', 'sigmoid')).toBe(keyOf(-3.4028234663852886e38)); // every finite logit is above 0, -Infinity is not
		expect(minKeyOf(-1, '>', 'sigmoid')).toBe(0);
		expect(minKeyOf(1, '>', 'sigmoid')).toBeGreaterThan(keyOf(Infinity));
		expect(minKeyOf(1, '>=', 'sigmoid')).toBe(keyOf(Infinity));
		expect(minKeyOf(2, '>=', 'sigmoid')).toBeGreaterThan(keyOf(Infinity));
	});

	it('of a call follow the head: logits of yolov8, products of yolov5', () => {
		const exported = call({ scoreThreshold: 0.75 });
		expect(scoreOfKey(exported.minKey)).toBe(nextUp(0.75)); // exported with the sigmoid in the graph
		expect(exported.minObjectnessKey).toBe(0);
		const raw = checkPostprocessorOptions('f', { head: { ...head, score: { activation: 'sigmoid' } } });
		expect(scoreOfKey(checkRunOptions('run', { scoreThreshold: 0.75 }, raw).call.minKey)).toBeCloseTo(Math.log(3), 6);
		const v5 = yolov5({ numClasses: 80, inputSize: [640, 640] });
		const { call: numbers } = checkRunOptions('run', { scoreThreshold: 0.75 }, checkPostprocessorOptions('f', { head: v5 }));
		expect(scoreOfKey(numbers.minKey)).toBe(nextUp(0.75));
		const isLogit = v5.score.objectness?.activation === 'sigmoid';
		expect(scoreOfKey(numbers.minObjectnessKey)).toBeCloseTo(isLogit ? Math.log(3) : 0.75, 6);
	});

	it('count for the bitmask what the cuts of the head leave, and one score where class ids are given', () => {
		const made = (head: Head, options: object) => () => checkPostprocessorOptions('f', { head, suppression: 'bitmask', ...options });
		// 12288, 3072, 768, 192 and 48 anchors at 256 x 256
		const region = (maxCandidatesPerLevel: number) => rpn({ inputSize: [256, 256], maxCandidatesPerLevel });
		expect(made(region(1500), {})).not.toThrow(); // 1500 + 1500 + 1008
		expect(made(region(1600), {})).toThrow(/4096 candidates at most; got 4208/);
		expect(made(region(1600), { maxCandidates: 4096 })).not.toThrow();
		expect(made(yolov10({ numClasses: 80, inputSize: [640, 640] }), { multiLabel: true })).not.toThrow();
	});

	it("'>=' moves the IoU threshold one float32 down", () => {
		expect(call({ iouThreshold: 0.5 }, { semantics: { suppress: '>=' } }).iouThreshold).toBe(0.4999999701976776); // 0.5 - 2^-25
		expect(call({ iouThreshold: 0.45 }).iouThreshold).toBe(Math.fround(0.45));
		// 9/20 in float32 is fround(0.45): suppressed by '>=', not by '>'
		expect(Math.fround(9 / 20) > call({ iouThreshold: 0.45 }, { semantics: { suppress: '>=' } }).iouThreshold).toBe(true);
		expect(call({ iouThreshold: 0 }, { semantics: { suppress: '>=' } }).iouThreshold).toBe(0);
	});

	it('give the histogram a sensible range whatever they are', () => {
		for (const scoreThreshold of [-Infinity, -1, 0, 1e-9, 0.25, 1, 5, 1e30, Infinity]) {
			const rooted = { activation: 'sigmoid', objectness: { activation: 'sigmoid', combine: 'sqrt' } } as const;
			const levels = head.levels.map((level) => ({ ...level, objectness: level.classes }));
			for (const score of [{ activation: 'none' }, { activation: 'sigmoid' }, rooted]) {
				const settings = checkPostprocessorOptions('f', { head: { ...head, levels, score } });
				const { binLow, binHigh } = checkRunOptions('run', { scoreThreshold }, settings).call;
				expect(binLow).toBeLessThanOrEqual(binHigh);
				expect(Number.isFinite(scoreOfKey(binLow)) || scoreThreshold ** (score === rooted ? 2 : 1) > 3.5e38).toBe(true);
			}
		}
	});
});

describe('a transform made by hand', () => {
	const good = letterbox([480, 640], [640, 640]);
	const settings = check({});

	it.each(['run', 'encode'] as const)('is taken by %s when it is whole', (where) => {
		const { toFrame, inputSize, frameSize, gain, pad } = good;
		const transform = { toFrame, inputSize, frameSize, gain, pad };
		expect(checkRunOptions(where, { transform }, settings).transform).toBe(transform);
		expect(checkRunOptions(where, { transform: [transform, good] }, settings).transform).toEqual([transform, good]);
	});

	it.each([
		['no frameSize', { frameSize: undefined }, TypeError, /transform\.frameSize must be \[height, width\], positive; got undefined/],
		['no pad', { pad: undefined }, TypeError, /transform\.pad must be \[x, y\], finite; got undefined/],
		['one gain', { gain: 0.5 }, TypeError, /transform\.gain must be \[x, y\], positive; got 0\.5/],
		['a gain of 0', { gain: [0, 1] }, RangeError, /transform\.gain must be/],
		['a gain as text', { gain: ['1', 1] }, TypeError, /transform\.gain must be/],
		['a pad that is NaN', { pad: [NaN, 0] }, RangeError, /transform\.pad must be/],
		['no inputSize', { inputSize: undefined }, TypeError, /transform\.inputSize must be/],
		['no toFrame', { toFrame: undefined }, TypeError, /transform must be what letterbox\(frameSize, inputSize\) makes/],
	] as const)('is refused with %s', (_, change, Kind, text) => {
		for (const where of ['run', 'encode'] as const) {
			for (const transform of [{ ...good, ...change }, [good, { ...good, ...change }]]) {
				expect(() => checkRunOptions(where, { transform }, settings)).toThrow(Kind);
				expect(() => checkRunOptions(where, { transform }, settings)).toThrow(text);
			}
		}
	});
});

describe('arguments of nms', () => {
	const boxes = Float32Array.of(0, 0, 10, 10, 1, 1, 11, 11);
	const scores = Float32Array.of(0.9, 0.8);
	const at = { iouThreshold: 0.5 };

	it.each([
		['no iouThreshold', [boxes, scores, {}], TypeError, /nms: iouThreshold must be given, 0 to 1; got undefined/],
		['no options', [boxes, scores], TypeError, /iouThreshold must be given/],
		['a mistyped option', [boxes, scores, { ...at, iouTreshold: 1 }], TypeError, /did you mean iouThreshold/],
		['B1 a ragged length', [boxes.subarray(0, 7), scores, at], RangeError, /boxes must have a length that is a multiple of 4; got 7/],
		['B2 another count', [boxes, Float32Array.of(1), at], RangeError, /scores must have one entry per box, 2 for boxes of length 8; got 1/],
		['A10 the wrong order', [new Float32Array(4), new Float32Array(16), at], RangeError, /are boxes and scores swapped\?/],
		[
			'A9 a format missing',
			[{ data: boxes }, scores, at],
			TypeError,
			/boxes\.format must be 'xyxy' or 'yxyx' or 'xywh' or 'cxcywh' or 'cxcywhr'; got undefined/,
		],
		['A9 a format unknown', [{ data: boxes, format: 'xyhw' }, scores, at], RangeError, /boxes\.format must be .*got "xyhw" \(did you mean 'xywh'\?\)/],
		['B3 nested arrays', [[[0, 0, 1, 1]], scores, at], TypeError, /boxes\[0\] must be a number; got .*\(give one flat array\)/],
		['B3 text', ['boxes', scores, at], TypeError, /boxes must be a Float32Array, .*got "boxes"/],
		['B3 BigInts', [new BigInt64Array(8), scores, at], TypeError, /got BigInt64Array of length 8/],
		['B11 quantised', [new Uint8Array(8), scores, at], TypeError, /got Uint8Array of length 8 \(convert it first/],
		['nothing', [undefined, scores, at], TypeError, /boxes must be .*got undefined/],
		['A13 a fractional class', [boxes, scores, { ...at, classIds: [0, 0.5] }], RangeError, /classIds\[1\] must be an integer from 0 to 4294967295; got 0\.5/],
		['A13 a negative class', [boxes, scores, { ...at, classIds: Int32Array.of(-1, 0) }], RangeError, /classIds\[0\] .*got -1/],
		[
			'A13 beyond 2^24 in float32',
			[boxes, scores, { ...at, classIds: Float32Array.of(2 ** 24 + 2, 0) }],
			RangeError,
			/classIds\[0\] must be an integer from 0 to 16777216; got 16777218/,
		],
		['B4 a BigInt that does not fit', [boxes, scores, { ...at, classIds: BigInt64Array.of(0n, 2n ** 40n) }], RangeError, /classIds\[1\] .*got 1099511627776n/],
		['classIds of another length', [boxes, scores, { ...at, classIds: [1] }], RangeError, /classIds must have one entry per box, 2; got 1/],
		['classIds as text', [boxes, scores, { ...at, classIds: 'ab' }], TypeError, /classIds must be an array of integers; got "ab"/],
	] as const)('%s', (_, args, Kind, text) => {
		expect(() => checkNms('nms', args[0], args[1], args[2])).toThrow(Kind);
		expect(() => checkNms('nms', args[0], args[1], args[2])).toThrow(text);
	});

	it('B5: a detached array is named', () => {
		const gone = new Float32Array(8);
		structuredClone(gone.buffer, { transfer: [gone.buffer] });
		expect(() => checkNms('nms', gone, scores, at)).toThrow(/nms: boxes must not be detached/);
		expect(() => checkNms('nms', boxes, new Float32Array(gone.buffer.byteLength), at)).toThrow(/scores must have one entry/);
	});

	it('B6: shared memory is copied', () => {
		const shared = new Float32Array(new SharedArrayBuffer(32));
		shared.set(boxes);
		const { input } = checkNms('nms', shared, scores, at);
		shared[0] = 99;
		expect(input.boxes).toEqual(boxes);
	});

	it('B3, B4: the documented kinds are taken, rounded once', () => {
		const third = 1 / 3;
		const { input } = checkNms('nms', [0, 0, 10, 10, third, 1, 11, 11], Float64Array.of(0.9, third), { ...at, classIds: BigInt64Array.of(3n, 4294967295n) });
		expect(input.boxes[4]).toBe(Math.fround(third));
		expect(input.scores[1]).toBe(Math.fround(third));
		expect(input.classIds).toEqual(Uint32Array.of(3, 4294967295));
		expect(checkNms('nms', Int32Array.from(boxes), scores, at).input.boxes).toEqual(boxes);
		expect(checkNms('nms', boxes, scores, at).input.boxes).toBe(boxes);
	});

	it('formats are converted: centre (5, 5), size 10 x 4 is 0, 3, 10, 7', () => {
		const { input } = checkNms('nms', { data: Float32Array.of(5, 5, 10, 4), format: 'cxcywh' }, [0.5], at);
		expect([...input.boxes]).toEqual([0, 3, 10, 7]);
	});

	it('nothing is filtered or limited unless asked for', () => {
		expect(checkNms('nms', boxes, scores, at).call).toMatchObject({
			minKey: 0,
			maxDetections: 2 ** 32 - 1,
			maxCandidates: 2 ** 32 - 1,
			classAgnostic: true,
			tiesHighest: false,
		});
		expect(checkNms('nms', boxes, scores, { ...at, classIds: [0, 1] }).call.classAgnostic).toBe(false);
	});

	it('boxIou has six kinds', () => {
		expect(checkBoxIou('boxIou', boxes, boxes, undefined).kind).toBe('iou');
		expect(() => checkBoxIou('boxIou', boxes, boxes, { kind: 'gious' })).toThrow(/kind must be 'iou' or .*\(did you mean 'giou'\?\)/);
		expect(() => checkBoxIou('boxIou', boxes, new Float32Array(3), {})).toThrow(/boxesB must have a length/);
	});
});

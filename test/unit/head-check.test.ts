// A head with one field spoiled is refused by the name of that field, before its numbers size a buffer or reach a shader.

import { describe, expect, it } from 'vitest';
import { checkHead } from '../../src/head-check.js';
import type { Head } from '../../src/heads/head.js';
import { retinanet } from '../../src/heads/retinanet.js';
import { ssd } from '../../src/heads/ssd.js';
import { yolov5 } from '../../src/heads/yolov5.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import { checkPostprocessorOptions } from '../../src/settings.js';

const small = { numClasses: 2, inputSize: [64, 64] } as const;
const v8 = yolov8(small);
const raw = yolov5({ ...small, outputs: 'raw' });
const priors = ssd({ ...small, priors: Float32Array.of(0, 0, 8, 8) });

const level = (change: object, of: Head = v8): object => ({ ...of, levels: of.levels.map((l, i) => (i === 0 ? { ...l, ...change } : l)) });
const tensor = (change: object): object => ({ ...v8, tensors: [{ ...v8.tensors[0], ...change }] });

describe('checkHead', () => {
	it.each([
		['yolov8', v8],
		['yolov5', yolov5(small)],
		['yolov5 raw', raw],
		['ssd', priors],
		['retinanet', retinanet(small)],
	] as const)('takes %s as it is', (_, head) => expect(checkHead('f', head)).toBe(head));

	const faults: [string, unknown, typeof TypeError | typeof RangeError, RegExp][] = [
		['nothing', null, TypeError, /^f: head must be a head; got null \(as yolov8/],
		['an empty object', {}, TypeError, /head\.tensors must be a list that is not empty; got undefined/],
		['text as numClasses', { ...v8, numClasses: '2' }, TypeError, /head\.numClasses must be an integer from 1 to 16777216; got "2"/],
		['an expression as numClasses', { ...v8, numClasses: '2u; }' }, TypeError, /head\.numClasses/],
		['numClasses 0', { ...v8, numClasses: 0 }, RangeError, /head\.numClasses .*got 0/],
		['numAnchors 1.5', { ...v8, numAnchors: 1.5 }, RangeError, /head\.numAnchors .*got 1\.5/],
		['one number as inputSize', { ...v8, inputSize: 640 }, TypeError, /head\.inputSize must be \[height, width\]; got 640/],
		['text in inputSize', { ...v8, inputSize: ['640', 640] }, RangeError, /head\.inputSize\[0\] \(height\) must be a positive number/],
		['no name', { ...v8, name: undefined }, TypeError, /head\.name/],
		['no tensors', { ...v8, tensors: [] }, TypeError, /head\.tensors must be a list that is not empty/],
		['a tensor that is none', { ...v8, tensors: [null] }, TypeError, /head\.tensors must be a list of objects/],
		['a tensor without layouts', tensor({ layouts: [] }), TypeError, /head\.tensors\[0\]\.layouts/],
		['a negative length', tensor({ sizes: { anchor: -1, channel: 6 } }), RangeError, /head\.tensors\[0\]\.sizes\.anchor .*got -1/],
		['no sizes', tensor({ sizes: undefined }), TypeError, /head\.tensors\[0\]\.sizes must be an object/],
		['no levels', { ...v8, levels: [] }, TypeError, /head\.levels must be a list that is not empty/],
		['a negative first anchor', level({ firstAnchor: -1 }), RangeError, /head\.levels\[0\]\.firstAnchor/],
		['a grid of one number', level({ grid: [8] }), TypeError, /head\.levels\[0\]\.grid must be \[height, width\]/],
		['a fractional grid', level({ grid: [8, 2.5] }), RangeError, /head\.levels\[0\]\.grid\[1\] .*got 2\.5/],
		['an unknown order', level({ order: 'xya' }), RangeError, /head\.levels\[0\]\.order must be 'yxa' or 'ayx'/],
		['text as stride', level({ stride: '8' }), TypeError, /head\.levels\[0\]\.stride must be a positive number/],
		['stride 0', level({ stride: 0 }), RangeError, /head\.levels\[0\]\.stride .*got 0/],
		['a tensor beyond the last', level({ box: { tensor: 1, channel: 0 } }), RangeError, /head\.levels\[0\]\.box\.tensor must be an integer from 0 to 0; got 1/],
		['a fractional channel', level({ classes: { tensor: 0, channel: 4.5 } }), RangeError, /head\.levels\[0\]\.classes\.channel/],
		['no objectness', level({ objectness: undefined }, raw), TypeError, /head\.levels\[0\]\.objectness must be \{ tensor, channel \}; got undefined/],
		['no score', { ...v8, score: undefined }, TypeError, /head\.score must be an object/],
		['an unknown activation', { ...v8, score: { activation: 'tanh' } }, RangeError, /head\.score\.activation must be 'none' or 'sigmoid' or 'softmax'/],
		['softmax of unknown background', { ...v8, score: { activation: 'softmax' } }, TypeError, /head\.score\.background/],
		['a codec by name', { ...v8, codec: 'boxes' }, TypeError, /head\.codec must be made by a codec function/],
		['a codec that decodes nothing', { ...v8, codec: { ...v8.codec, decodeBox: undefined } }, TypeError, /head\.codec must be made by/],
		['text as a constant', { ...v8, codec: { ...v8.codec, constants: { scale: '1' } } }, TypeError, /head\.codec\.constants\.scale must be a number; got "1"/],
		['anchors gone', { ...priors, anchors: undefined }, TypeError, /head\.anchors must be a Float32Array of 1 rows of 4; got undefined/],
		['anchors short', { ...priors, anchors: new Float32Array(3) }, RangeError, /head\.anchors must be a Float32Array of 1 rows/],
	];
	it.each(faults)('refuses %s', (_, head, Kind, text) => {
		expect(() => checkHead('f', head)).toThrow(Kind);
		expect(() => checkHead('f', head)).toThrow(text);
	});

	it('is what createPostprocessor asks', () => {
		expect(() => checkPostprocessorOptions('createPostprocessor', { head: { ...v8, numClasses: '2' } })).toThrow(/^createPostprocessor: head\.numClasses/);
	});
});

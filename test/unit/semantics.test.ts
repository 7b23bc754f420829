// The presets of `semantics`: what each library's switches are, and what difference they make, against numbers worked out
// by hand and against tfjs itself. onnxruntime is asked in ort-oracle.test.ts.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createBackend, createPostprocessor, nms, SEMANTICS_PRESETS, type Semantics, type SemanticsPreset } from '../../src/index.js';
import { checkSemantics } from '../../src/semantics.js';
import { random } from '../support/random.js';
import { SEMANTICS_CASES } from '../support/semantics-cases.js';
import { HEAD, output } from '../support/subjects.js';

const NAMES = Object.keys(SEMANTICS_PRESETS) as SemanticsPreset[];
const plain = { suppress: '>', score: '>', ties: 'lowest-index', pixelOffset: 0, overlap: 'iou', method: 'greedy' };

describe('the presets', () => {
	// [library, what differs from the default]
	it.each<[SemanticsPreset, Semantics]>([
		['default', {}],
		['torchvision', {}],
		['tensorflow', {}],
		['onnx', {}],
		['tfjs', { suppress: '>=' }],
		['tensorrt', { suppress: '>=', score: '>=' }],
		['mediapipe', { score: '>=' }],
		['ultralytics', {}],
		['mtcnn', { score: '>=', ties: 'highest-index', pixelOffset: 1 }],
		['caffe', {}],
		['darknet', {}],
	])('%s', (name, differs) => {
		expect(SEMANTICS_PRESETS[name]).toEqual({ ...plain, ...differs });
		expect(Object.isFrozen(SEMANTICS_PRESETS[name])).toBe(true);
	});

	it('are eleven', () => {
		expect(NAMES.length).toBe(11);
		expect(Object.isFrozen(SEMANTICS_PRESETS)).toBe(true);
	});
});

describe.each(SEMANTICS_CASES)('$what', ({ boxes, scores, iouThreshold, scoreThreshold, kept, others }) => {
	const keptBy = (semantics?: SemanticsPreset | Semantics) => [...nms(boxes, scores, { iouThreshold, scoreThreshold, semantics })];

	it('by the default and by every preset', () => {
		expect(keptBy()).toEqual(kept);
		const named = new Map(others.filter(([semantics]) => typeof semantics === 'string') as [SemanticsPreset, number[]][]);
		for (const name of NAMES) expect(keptBy(name), name).toEqual(named.get(name) ?? kept);
		for (const name of NAMES) expect(keptBy({ preset: name }), name).toEqual(named.get(name) ?? kept);
	});

	it('by other switches', () => {
		for (const [semantics, wanted] of others) expect(keptBy(semantics), JSON.stringify(semantics)).toEqual(wanted);
	});

	it('makes a difference to some', () => {
		expect(others.some(([, wanted]) => String(wanted) !== String(kept))).toBe(true);
	});

	it('on a backend of the CPU', async () => {
		const backend = await createBackend('cpu');
		for (const [semantics, wanted] of others) {
			expect([...(await backend.nms(boxes, scores, { iouThreshold, scoreThreshold, semantics }))]).toEqual(wanted);
		}
	});
});

describe('a postprocessor', () => {
	// centres and sizes: [0, 0, 9, 9] and [0, 5, 9, 14] as above, two equal scores apart, and one at the threshold
	const scene = output(
		[2, 4.5, 4.5, 9, 9, 0, 0.75],
		[3, 4.5, 9.5, 9, 9, 0, 0.625],
		[4, 25, 25, 4, 4, 0, 0.5],
		[9, 25, 5, 4, 4, 1, 0.5],
		[12, 5, 25, 4, 4, 1, 0.25],
	);
	const keptBy = async (semantics?: SemanticsPreset | Semantics) => {
		const made = await createPostprocessor({ head: HEAD, backend: 'cpu', iouThreshold: 0.3, scoreThreshold: 0.25, semantics });
		return [...(await made.run(scene)).indices];
	};

	it('follows its preset', async () => {
		for (const name of ['default', 'torchvision', 'tensorflow', 'onnx', 'ultralytics', 'caffe', 'darknet', 'tfjs'] as const) {
			expect(await keptBy(name), name).toEqual([2, 3, 4, 9]);
		}
		for (const name of ['tensorrt', 'mediapipe'] as const) expect(await keptBy(name), name).toEqual([2, 3, 4, 9, 12]);
		expect(await keptBy('mtcnn')).toEqual([2, 9, 4, 12]);
		expect(await keptBy({ preset: 'mtcnn', pixelOffset: 0 })).toEqual([2, 3, 9, 4, 12]);
		expect(await keptBy({ preset: 'mtcnn', ties: 'lowest-index', score: '>' })).toEqual([2, 4, 9]);
	});
});

describe('tfjs', () => {
	beforeAll(async () => {
		await tf.setBackend('cpu');
		await tf.ready();
	});

	/** What tf.image.nonMaxSuppression keeps of xyxy boxes. */
	async function ask(boxes: ArrayLike<number>, scores: ArrayLike<number>, iouThreshold: number, scoreThreshold: number): Promise<number[]> {
		const rows = Array.from(scores, (_, i) => [1, 0, 3, 2].map((c) => boxes[4 * i + c]));
		const kept = await tf.image.nonMaxSuppressionAsync(
			tf.tensor2d(rows, [rows.length, 4]),
			tf.tensor1d(Array.from(scores)),
			1000,
			iouThreshold,
			scoreThreshold,
		);
		return [...(await kept.data())];
	}

	it('keeps what its preset keeps of two boxes', async () => {
		for (const { what, boxes, scores, iouThreshold, scoreThreshold = 0 } of SEMANTICS_CASES) {
			const theirs = await ask(boxes, scores, iouThreshold, scoreThreshold);
			expect([...nms(boxes, scores, { iouThreshold, scoreThreshold, semantics: 'tfjs' })], what).toEqual(theirs);
		}
	});

	it('keeps what its preset keeps of many, and not what the default keeps', async () => {
		const next = random(31);
		let differing = 0;
		for (let round = 0; round < 120; round++) {
			const boxes: number[] = [];
			const scores: number[] = [];
			for (let i = 0; i < 60; i++) {
				const [x, y] = [Math.floor(next() * 40), Math.floor(next() * 40)];
				boxes.push(x, y, x + Math.floor(next() * 21), y + Math.floor(next() * 21));
				scores.push(Math.floor(next() * 16) / 16);
			}
			const options = { iouThreshold: [0.1, 0.2, 0.25, 0.3, 0.5, 0.6][round % 6], scoreThreshold: 0.25 };
			const theirs = await ask(boxes, scores, options.iouThreshold, options.scoreThreshold);
			expect([...nms(boxes, scores, { ...options, semantics: 'tfjs' })], `round ${round}`).toEqual(theirs);
			if (String([...nms(boxes, scores, options)]) !== String(theirs)) differing++;
		}
		expect(differing).toBeGreaterThan(3);
	});
});

describe('rotated boxes', () => {
	it('have probiou, fast suppression and the threshold itself in ultralytics, polygons elsewhere', () => {
		expect(checkSemantics('t', 'ultralytics', true)).toEqual({ ...plain, overlap: 'probiou', suppress: '>=', method: 'fast' });
		expect(checkSemantics('t', undefined, true)).toEqual(plain);
		expect(checkSemantics('t', { preset: 'ultralytics', method: 'greedy' }, true)).toMatchObject({ overlap: 'probiou', method: 'greedy' });
		expect(checkSemantics('t', 'mtcnn', true).pixelOffset).toBe(0);
	});
	it('have no other measures, and upright ones not theirs', () => {
		expect(() => checkSemantics('t', { overlap: 'iom' }, true)).toThrow(/semantics\.overlap must be 'iou' or 'probiou'; got "iom"/);
		expect(() => checkSemantics('t', { pixelOffset: 1 }, true)).toThrow(/pixelOffset must be 0 for rotated boxes/);
		expect(() => checkSemantics('t', { overlap: 'probiou' })).toThrow(/'probiou' is for rotated boxes/);
		expect(() => checkSemantics('t', { method: 'fast' })).toThrow(/'fast' is for rotated boxes/);
	});
});

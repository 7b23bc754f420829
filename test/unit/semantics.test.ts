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
const plain = {
	...{ suppress: '>', score: '>', ties: 'lowest-index', pixelOffset: 0, overlap: 'iou', method: 'greedy' },
	...{ softSigma: 'exp(-iou²/σ)', softRemoval: 'none' },
};

describe('the presets', () => {
	// [library, what differs from the default]
	it.each<[SemanticsPreset, Semantics]>([
		['default', {}],
		['torchvision', {}],
		['tensorflow', { softSigma: 'exp(-iou²/2σ)' }],
		['onnx', {}],
		['tfjs', { suppress: '>=', softSigma: 'exp(-iou²/2σ)', softRemoval: 'hard' }],
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

describe('classes are ids, not places', () => {
	// IoU of two boxes in float32 after a move of both
	const movedIou = (a: readonly number[], b: readonly number[], by: number) => {
		const f = Math.fround;
		const [p, q] = [a, b].map((box) => box.map((v) => f(f(v) + f(by))));
		const inner = f(f(Math.min(p[2], q[2]) - Math.max(p[0], q[0])) * f(Math.min(p[3], q[3]) - Math.max(p[1], q[1])));
		const area = (r: number[]) => f(f(r[2] - r[0]) * f(r[3] - r[1]));
		return f(inner / f(f(area(p) + area(q)) - inner));
	};
	// ultralytics moves boxes by 7680 pixels per class: .99341 becomes .99419, 1 and .25, as corners fall on 1/16, 1/4 and 8 pixels
	const a = [3.9655, 3.98, 14.7, 14.75];
	const b = [4.001, 4.0155, 14.7, 14.75];
	it.each([
		[0, 0.99341],
		[79, 0.99419],
		[300, 1],
		[9999, 0.25],
	])('class %i: the IoU of class 0, .99341, where a move by 7680 per class makes it %f', (classId, wrong) => {
		expect(movedIou(a, b, classId * 7680)).toBeCloseTo(wrong, 5);
		const decide = (iouThreshold: number, ids: number[]) => [...nms([...a, ...b], [0.9, 0.8], { iouThreshold, classIds: ids })];
		expect(decide(0.9934, [classId, classId])).toEqual([0]);
		expect(decide(0.99342, [classId, classId])).toEqual([0, 1]);
		expect(decide(0.2, [classId, classId + 1])).toEqual([0, 1]);
	});

	// torchvision and mmcv move by id x (largest coordinate + 1). Of normalised boxes the largest is 1 where one reaches the edge, as the third does
	// here; boxes of 2 % of the picture then have corners on 2^-16, 2^-13 and 2^-12.
	const small = [0.36176, 0.44737, 0.38175, 0.46342];
	const shifted = [0.36189, 0.44834, 0.38239, 0.46369];
	const edge = [0.9, 0.9, 1, 1];
	it.each([
		[0, 0.8913],
		[79, 0.892],
		[600, 0.8819],
		[1203, 0.9046],
	])('class %i: the IoU of class 0, .8913, where a move by the largest coordinate and 1 per class makes it %f', (classId, wrong) => {
		const step = Math.fround(Math.max(...small, ...shifted, ...edge) + 1);
		expect(movedIou(small, shifted, Math.fround(classId * step)).toFixed(4)).toBe(wrong.toFixed(4));
		const decide = (iouThreshold: number, ids: number[]) => [
			...nms([...small, ...shifted, ...edge], [0.9, 0.8, 0.7], { iouThreshold, classIds: [...ids, classId] }),
		];
		expect(decide(0.89125, [classId, classId])).toEqual([0, 2]);
		expect(decide(0.89135, [classId, classId])).toEqual([0, 1, 2]);
		expect(decide(0.2, [classId, classId + 1])).toEqual([0, 1, 2]);
	});

	it('classes far apart in number do not meet, wherever their boxes are', () => {
		// torchvision moves by id x (largest coordinate + 1): a box of class 1 at -300 comes to lie on one of class 0 at -249
		const boxes = [-249, 10, -219, 40, -300, -41, -270, -11, 20, 20, 50, 50];
		expect([...nms(boxes, [0.9, 0.8, 0.7], { iouThreshold: 0.5, classIds: [0, 1, 0] })]).toEqual([0, 1, 2]);
		const moved = boxes.slice(4, 8).map((v) => v + (50 + 1));
		expect(moved).toEqual(boxes.slice(0, 4));
	});
});

describe('chains', () => {
	it('A over B over C: greedy keeps A and C; what B would have suppressed stays', async () => {
		// 30 wide, 10 apart: IoU of neighbours 20 / 40, of A and C 10 / 50
		const boxes = [0, 0, 30, 10, 10, 0, 40, 10, 20, 0, 50, 10];
		expect([...nms(boxes, [0.9, 0.8, 0.7], { iouThreshold: 0.4 })]).toEqual([0, 2]);
		const backend = await createBackend('cpu');
		expect([...(await backend.nms(boxes, [0.9, 0.8, 0.7], { iouThreshold: 0.4 }))]).toEqual([0, 2]);
		backend.dispose();
	});
});

describe('a double threshold', () => {
	it('is what torchvision has on the CPU: at .1, .3, .4, .6 and .8 it suppresses a pair at the threshold, at .5, .7 and .45 it does not; kedge never does', () => {
		const above = [0.1, 0.3, 0.4, 0.6, 0.8, 0.5, 0.7, 0.45].filter((t) => Math.fround(t) > t);
		expect(above).toEqual([0.1, 0.3, 0.4, 0.6, 0.8]);
		for (const t of [...above, 0.5, 0.7, 0.45]) {
			const part = Math.round(20 * t);
			expect([...nms([0, 0, 20, 10, 0, 0, part, 10], [0.9, 0.8], { iouThreshold: t, semantics: 'torchvision' })], `${t}`).toEqual([0, 1]);
		}
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

	it('puts corners in order, where kedge takes a box of negative width for an empty one', async () => {
		const turned = [0, 0, 20, 10, 20, 10, 0, 0];
		expect(await ask(turned, [0.9, 0.8], 0.5, 0)).toEqual([0]);
		expect([...nms(turned, [0.9, 0.8], { iouThreshold: 0.5, semantics: 'tfjs' })]).toEqual([0, 1]);
		expect([...nms([0, 0, 20, 10, 0, 0, 20, 10], [0.9, 0.8], { iouThreshold: 0.5, semantics: 'tfjs' })]).toEqual([0]);
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

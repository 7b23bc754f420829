// nms against the NonMaxSuppression operator of onnxruntime-web (wasm, in Node): the same boxes in the same order, class
// by class, at the sizes where blocks, words and sections of ours begin and end. Its rules, as its kernel has them:
// score above t, IoU above t (equal stays), ties to the lower index, NaN scores and boxes without area take no part.

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { OnnxGraph } from '../../demo/model/onnx.js';
import { nms } from '../../src/operations.js';

const SIZES = [31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 319, 320, 321, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097];

/** Boxes [n, 4] and a class-by-class plane of scores. */
interface Scene {
	readonly boxes: Float32Array;
	readonly planes: Float32Array;
	readonly numClasses: number;
}

let ort: typeof import('onnxruntime-web');
let session: InferenceSession;

beforeAll(async () => {
	ort = await import('onnxruntime-web');
	ort.env.logLevel = 'error';
	ort.env.wasm.numThreads = 1;
	// one model for all: sizes and thresholds are inputs
	const g = new OnnxGraph();
	const inputs = [g.input('boxes', [1, 'n', 4]), g.input('scores', [1, 'classes', 'n']), g.input('iou', [1]), g.input('score', [1])];
	const [boxes, scores, iou, score] = inputs;
	g.output('selected', g.op('NonMaxSuppression', [boxes, scores, g.integers([2 ** 31 - 1]), iou, score]), ['selected', 3], 'int64');
	session = await ort.InferenceSession.create(g.encode('nms'), { executionProviders: ['wasm'] });
});

/** What the operator keeps: a list of boxes per class, best first. */
async function ask({ boxes, planes, numClasses }: Scene, iouThreshold: number, scoreThreshold: number): Promise<number[][]> {
	const n = boxes.length / 4;
	const float = (data: Float32Array, dims: number[]): Tensor => new ort.Tensor('float32', data, dims);
	const { selected } = await session.run({
		boxes: float(boxes, [1, n, 4]),
		scores: float(planes, [1, numClasses, n]),
		iou: float(Float32Array.of(iouThreshold), [1]),
		score: float(Float32Array.of(scoreThreshold), [1]),
	});
	const rows = selected.data as BigInt64Array;
	const kept: number[][] = Array.from({ length: numClasses }, () => []);
	for (let k = 0; k < rows.length; k += 3) kept[Number(rows[k + 1])].push(Number(rows[k + 2]));
	return kept;
}

/** What ours keeps of a plane, or, of several, of all box and class pairs at once. */
function answer({ boxes, planes, numClasses }: Scene, iouThreshold: number, scoreThreshold: number): number[][] {
	const n = boxes.length / 4;
	if (numClasses === 1) return [[...nms(boxes, planes, { iouThreshold, scoreThreshold })]];
	// pairs that pass are few; those that do not are left out, but for every 97th, so that the filter is asked too
	const pairs = Array.from(planes.keys()).filter((k) => planes[k] > scoreThreshold || k % 97 === 0);
	const rows = Float32Array.from({ length: pairs.length * 4 }, (_, k) => boxes[(pairs[k >> 2] % n) * 4 + (k & 3)]);
	const classIds = pairs.map((k) => Math.floor(k / n));
	const scores = Float32Array.from(pairs, (k) => planes[k]);
	const kept: number[][] = Array.from({ length: numClasses }, () => []);
	for (const i of nms(rows, scores, { iouThreshold, scoreThreshold, classIds })) kept[classIds[i]].push(pairs[i] % n);
	return kept;
}

/** Asks both, and returns how many were kept. */
async function expectEqual(scene: Scene, iouThreshold: number, scoreThreshold: number): Promise<number> {
	const [theirs, ours] = [await ask(scene, iouThreshold, scoreThreshold), answer(scene, iouThreshold, scoreThreshold)];
	expect(ours, `iouThreshold ${iouThreshold}, scoreThreshold ${scoreThreshold}`).toEqual(theirs);
	return theirs.reduce((sum, list) => sum + list.length, 0);
}

/** mulberry32. */
function random(seed: number): () => number {
	let a = seed;
	return () => {
		a = (a + 0x6d2b79f5) | 0;
		let t = Math.imul(a ^ (a >>> 15), 1 | a);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** Clusters of boxes, with corners on whole pixels where `whole` (exact ties of IoU), and every 11th without area. */
function clusters(n: number, next: () => number, whole: boolean): Float32Array {
	const boxes = new Float32Array(4 * n);
	const spots = Array.from({ length: Math.ceil(n / 12) }, () => [next() * 600, next() * 600]);
	const place = whole ? Math.round : (x: number) => x;
	for (let i = 0; i < n; i++) {
		const [x, y] = spots[Math.floor(next() * spots.length)];
		const left = place(x + next() * 12);
		const top = place(y + next() * 12);
		const [width, height] = [place(8 + next() * 24), place(8 + next() * 24)];
		boxes.set([left, top, left + (i % 11 === 5 ? 0 : width), top + (i % 11 === 6 ? 0 : height)], 4 * i);
	}
	return boxes;
}

/** Scores of which many are equal and every 13th is NaN; `share` of them are above 0. */
function scoresOf(count: number, next: () => number, share: number): Float32Array {
	return Float32Array.from({ length: count }, (_, i) => {
		if (next() >= share) return 0;
		if (i % 13 === 7) return NaN;
		return i % 3 === 0 ? Math.ceil(next() * 8) / 8 : next();
	});
}

describe('nms keeps what NonMaxSuppression of onnxruntime keeps', () => {
	it.each(SIZES)('%i boxes of one class', async (n) => {
		const next = random(n);
		const kept: number[] = [];
		for (const whole of [false, true]) {
			const scene = { boxes: clusters(n, next, whole), planes: scoresOf(n, next, 0.95), numClasses: 1 };
			for (const [iou, score] of [
				[0.45, 0.25],
				[0.5, 0],
				[0, 0],
				[1 / 3, 0.5],
				[0.7, 0.125],
				[1, 0],
			])
				kept.push(await expectEqual(scene, iou, score));
		}
		// the scenes suppress something and leave something
		expect(Math.min(...kept)).toBeGreaterThan(0);
		expect(new Set(kept).size).toBeGreaterThan(4);
	});

	it.each(SIZES)('%i boxes of 80 classes', async (n) => {
		const next = random(1000 + n);
		const scene = { boxes: clusters(n, next, n % 2 === 0), planes: scoresOf(80 * n, next, 0.05), numClasses: 80 };
		expect(await expectEqual(scene, 0.45, 0.25)).toBeGreaterThan(0);
	});

	it('IoU exactly at the threshold: both stay, one float32 lower and the second goes', async () => {
		// a: 0..30 x 0..10, b: 10..40 x 0..10: 200 of 400; c, d: 100 of 300, e, f: 90 of 200 (in float32: fround(9/20))
		const pairs: [number[], number[], number][] = [
			[[0, 0, 30, 10], [10, 0, 40, 10], 200 / 400],
			[[0, 0, 20, 10], [10, 0, 30, 10], 100 / 300],
			[[0, 0, 20, 10], [0, 0, 10, 9], 90 / 200],
			[[0, 0, 10, 10], [0, 0, 7, 10], 70 / 100],
		];
		for (const [a, b, iou] of pairs) {
			const scene = { boxes: Float32Array.from([...a, ...b]), planes: Float32Array.of(0.5, 0.9), numClasses: 1 };
			const t = Math.fround(iou);
			const below = new Float32Array(new Uint32Array([new Uint32Array(Float32Array.of(t).buffer)[0] - 1]).buffer)[0];
			expect(await expectEqual(scene, t, 0)).toBe(2);
			expect(await expectEqual(scene, below, 0)).toBe(1);
		}
	});

	it('by the presets onnx and tensorflow, and at the seven thresholds where that of tfjs keeps one box fewer', async () => {
		for (const [t, n] of Object.entries({ 0.5: 10, 0.6: 12, 0.7: 14, 0.45: 9, 0.8: 16, 0.3: 6, 0.4: 8 }).map(([key, n]) => [Number(key), n])) {
			const scene = { boxes: Float32Array.of(0, 0, 20, 10, 0, 0, n, 10), planes: Float32Array.of(0.9, 0.8), numClasses: 1 };
			const [theirs] = await ask(scene, t, 0);
			for (const semantics of ['onnx', 'tensorflow'] as const) expect([...nms(scene.boxes, scene.planes, { iouThreshold: t, semantics })]).toEqual(theirs);
			expect(theirs).toEqual([0, 1]);
			expect([...nms(scene.boxes, scene.planes, { iouThreshold: t, semantics: 'tfjs' })]).toEqual([0]);
		}
	});

	it('any two opposite corners make a box there, while kedge takes those not in order for an empty box', async () => {
		// 20 x 10 and itself, by its other three pairs of corners
		const first = [0, 0, 20, 10];
		const others = [
			[20, 10, 0, 0],
			[20, 0, 0, 10],
			[0, 10, 20, 0],
		];
		for (const turned of others) {
			const boxes = Float32Array.from([...first, ...turned]);
			const scene = { boxes, planes: Float32Array.of(0.9, 0.8), numClasses: 1 };
			expect((await ask(scene, 0.5, 0))[0]).toEqual([0]);
			expect([...nms(boxes, scene.planes, { iouThreshold: 0.5, semantics: 'onnx' })]).toEqual([0, 1]);
			const [x1, y1, x2, y2] = turned;
			const ordered = [Math.min(x1, x2), Math.min(y1, y2), Math.max(x1, x2), Math.max(y1, y2)];
			expect([...nms([...first, ...ordered], scene.planes, { iouThreshold: 0.5, semantics: 'onnx' })]).toEqual([0]);
		}
	});

	it('all scores equal, all boxes equal, all scores NaN, no area at all', async () => {
		const n = 300;
		const next = random(5);
		const boxes = clusters(n, next, true);
		const equal = { boxes, planes: new Float32Array(n).fill(0.5), numClasses: 1 };
		expect(await expectEqual(equal, 0.45, 0.25)).toBeGreaterThan(1);
		expect(await expectEqual(equal, 0.45, 0.5)).toBe(0);
		const same = { ...equal, boxes: Float32Array.from({ length: 4 * n }, (_, k) => [1, 2, 8, 9][k & 3]) };
		expect(await expectEqual(same, 0.45, 0.25)).toBe(1);
		expect(await expectEqual(same, 1, 0.25)).toBe(n);
		expect(await expectEqual({ ...equal, planes: new Float32Array(n).fill(NaN) }, 0.45, 0.25)).toBe(0);
		const points = { ...equal, boxes: Float32Array.from({ length: 4 * n }, (_, k) => [1, 2, 1, 2][k & 3]) };
		expect(await expectEqual(points, 0, 0.25)).toBe(n);
	});
});

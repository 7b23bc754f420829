// The CPU pipeline as a whole: its promise, its scratch memory, and candidates that come from elsewhere.

import { describe, expect, it } from 'vitest';
import type { BoxCodec } from '../../../src/codecs/codec.js';
import { createCpuPipeline } from '../../../src/cpu/backend.js';
import { nmsFast, suppressCandidates } from '../../../src/cpu/fast.js';
import { nmsTextbook } from '../../../src/cpu/nms.js';
import { giveBack, takeWorkspace } from '../../../src/cpu/workspace.js';
import type { Head } from '../../../src/heads/head.js';
import { CANDIDATE } from '../../../src/layout.js';
import { keyOf } from '../../../src/numbers.js';
import type { Kept } from '../../../src/pipeline.js';
import type { CallParams } from '../../../src/plan.js';
import type { BoundTensor } from '../../../src/tensors.js';
import { random, randomBoxes, randomScores } from '../../support/random.js';

const NO_LIMIT = 0xffffffff;

function callOf(given: Partial<CallParams> = {}): CallParams {
	return {
		minKey: 0,
		minObjectnessKey: 0,
		iouThreshold: 0.5,
		maxDetections: NO_LIMIT,
		maxCandidates: NO_LIMIT,
		classAgnostic: false,
		tiesHighest: false,
		binLow: 0,
		binHigh: NO_LIMIT,
		...given,
	};
}

/** Boxes stored as they are; `during` runs whenever one is read. */
function plainCodec(during: () => void = () => {}): BoxCodec {
	return {
		kind: 'plain',
		anchors: 'none',
		numRaw: 4,
		constants: {},
		variants: {},
		decodeBox(raw, r, _anchors, _a, _stride, out, o) {
			during();
			out.set(raw.subarray(r, r + 4), o);
		},
		encode: (boxes) => boxes,
		decode: (raw) => raw,
	};
}

/** A head [5, n] of one class. */
function makeHead(n: number, codec = plainCodec(), suppression = true): Head {
	const level = {
		firstAnchor: 0,
		numAnchors: n,
		grid: [1, n],
		numShapes: 1,
		order: 'yxa',
		stride: 1,
		box: { tensor: 0, channel: 0 },
		classes: { tensor: 0, channel: 4 },
	} as const;
	return { name: 'plain', inputSize: [1, 1], numClasses: 1, numAnchors: n, tensors: [], levels: [level], score: { activation: 'none' }, codec, suppression };
}

function makeTensors(images: { boxes: Float32Array; scores: Float32Array }[]): [BoundTensor] {
	const n = images[0].scores.length;
	const data = new Float32Array(images.length * 5 * n);
	images.forEach(({ boxes, scores }, b) => {
		for (let i = 0; i < n; i++) for (let c = 0; c < 5; c++) data[b * 5 * n + c * n + i] = c < 4 ? boxes[4 * i + c] : scores[i];
	});
	return [
		{
			tensor: { location: 'cpu', type: 'float32', data, dims: undefined },
			strides: { batch: images.length, image: 5 * n, shape: 0, cell: 1, channel: n, numElements: data.length },
		},
	];
}

function image(n: number, seed: number) {
	const next = random(seed);
	return { boxes: randomBoxes(n, 'clustered', next), scores: randomScores(n, 'distinct', next) };
}

const indicesOf = (result: Kept) => Array.from(result.indices);
const expectedOf = ({ boxes, scores }: ReturnType<typeof image>, call = callOf()) => Array.from(nmsTextbook(boxes, scores, undefined, call).indices);

describe('createCpuPipeline', () => {
	it('answers each image of a batch as it would alone, an image without candidates included', async () => {
		const images = [image(200, 1), image(200, 2), { boxes: image(200, 3).boxes, scores: new Float32Array(200) }, image(200, 4)];
		const call = callOf({ minKey: keyOf(0.3), maxDetections: 20 });
		const results = await createCpuPipeline({ head: makeHead(200), multiLabel: false, suppression: 'blocked' }).run(makeTensors(images), 4, call);
		expect(results.map(indicesOf)).toEqual(images.map((one) => expectedOf(one, call)));
		expect(results[2]).toMatchObject({ count: 0, numCandidates: 0 });
		expect(results[1].count).toBe(20);
	});

	it('has used up the tensors when it returns its promise', async () => {
		const one = image(100, 5);
		const tensors = makeTensors([one]);
		const promise = createCpuPipeline({ head: makeHead(100), multiLabel: false, suppression: 'blocked' }).run(tensors, 1, callOf());
		if (tensors[0].tensor.location === 'cpu') tensors[0].tensor.data.fill(0);
		expect(indicesOf((await promise)[0])).toEqual(expectedOf(one));
	});

	it('gives arrays that later calls do not touch', async () => {
		const pipeline = createCpuPipeline({ head: makeHead(300), multiLabel: false, suppression: 'blocked' });
		const [first] = await pipeline.run(makeTensors([image(300, 6)]), 1, callOf());
		const copy = structuredClone(first);
		await pipeline.run(makeTensors([image(300, 7)]), 1, callOf({ iouThreshold: 0.1 }));
		expect(first).toEqual(copy);
	});

	it('answers right after a larger, a smaller and a failed call', async () => {
		const options = { multiLabel: false, suppression: 'blocked' } as const;
		const failing = plainCodec(() => {
			throw new Error('codec failed');
		});
		for (const n of [5000, 3, 400, 1, 5000]) {
			const one = image(n, n);
			await expect(createCpuPipeline({ head: makeHead(n, failing), ...options }).run(makeTensors([one]), 1, callOf())).rejects.toThrow('codec failed');
			const [result] = await createCpuPipeline({ head: makeHead(n), ...options }).run(makeTensors([one]), 1, callOf());
			expect(indicesOf(result)).toEqual(expectedOf(one));
		}
	});

	it('may be called by a codec of its own call', async () => {
		const [outer, inner] = [image(150, 8), image(90, 9)];
		const wanted = expectedOf(inner);
		const innerPipeline = createCpuPipeline({ head: makeHead(90), multiLabel: false, suppression: 'blocked' });
		const results: Promise<Kept[]>[] = [];
		const codec = plainCodec(() => {
			expect(Array.from(nmsFast(inner.boxes, inner.scores, undefined, callOf()).indices)).toEqual(wanted);
			results.push(innerPipeline.run(makeTensors([inner]), 1, callOf()));
		});
		const [result] = await createCpuPipeline({ head: makeHead(150, codec), multiLabel: false, suppression: 'blocked' }).run(makeTensors([outer]), 1, callOf());
		expect(indicesOf(result)).toEqual(expectedOf(outer));
		expect(results.length).toBe(150);
		for (const [one] of await Promise.all(results)) expect(indicesOf(one)).toEqual(wanted);
	});

	it('only filters, sorts and limits for heads whose rows are final', async () => {
		const one = image(2000, 10);
		const call = callOf({ maxDetections: 50 });
		const [result] = await createCpuPipeline({ head: makeHead(2000, plainCodec(), false), multiLabel: false, suppression: 'blocked' }).run(
			makeTensors([one]),
			1,
			call,
		);
		const order = Array.from(one.scores.keys()).sort((i, j) => one.scores[j] - one.scores[i]);
		expect(indicesOf(result)).toEqual(order.slice(0, 50));
	});

	it('tells milliseconds per stage when asked', async () => {
		const pipeline = createCpuPipeline({ head: makeHead(5000), multiLabel: false, suppression: 'blocked' });
		const tensors = makeTensors([image(5000, 11)]);
		expect((await pipeline.run(tensors, 1, callOf()))[0].timings).toBeUndefined();
		const begun = performance.now();
		const [{ timings }] = await pipeline.run(tensors, 1, callOf({ timings: true }));
		const all = performance.now() - begun;
		expect(Object.keys(timings ?? {})).toEqual(['decode', 'sort', 'suppress']);
		const sum = Object.values(timings ?? {}).reduce((s, ms) => s + ms, 0);
		expect(sum).toBeGreaterThan(0);
		expect(sum).toBeLessThanOrEqual(all);
	});

	it('rejects when aborted before, or disposed; disposing twice is fine', async () => {
		const pipeline = createCpuPipeline({ head: makeHead(10), multiLabel: false, suppression: 'blocked' });
		const tensors = makeTensors([image(10, 12)]);
		await expect(pipeline.run(tensors, 1, callOf({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ name: 'AbortError' });
		expect((await pipeline.run(tensors, 1, callOf({ signal: new AbortController().signal })))[0].count).toBeGreaterThan(0);
		pipeline.dispose();
		pipeline.dispose();
		await expect(pipeline.run(tensors, 1, callOf())).rejects.toMatchObject({ name: 'KedgeError', code: 'DISPOSED' });
	});
});

describe('suppressCandidates', () => {
	const { words: at, byteSize } = CANDIDATE;
	const ROW = byteSize / 4;

	/** Rows as the decode shader appends them: in any order. */
	function rowsOf(boxes: Float32Array, scores: Float32Array, order: number[], numClasses: number): Uint32Array {
		const floats = new Float32Array(order.length * ROW);
		const words = new Uint32Array(floats.buffer);
		order.forEach((i, row) => {
			const box = boxes.subarray(4 * i, 4 * i + 4);
			floats.set(box, row * ROW + at.box);
			floats[row * ROW + at.area] = Math.fround(Math.fround(box[2] - box[0]) * Math.fround(box[3] - box[1]));
			words[row * ROW + at.key] = keyOf(scores[i]);
			words[row * ROW + at.id] = i;
			words[row * ROW + at.class_id] = i % numClasses;
		});
		return words;
	}

	it('takes rows in any order and settles ties by id', () => {
		const next = random(13);
		for (const n of [0, 1, 50, 900, 4000]) {
			for (const tiesHighest of [false, true]) {
				const boxes = randomBoxes(n, 'clustered', next);
				const scores = randomScores(n, 'few', next);
				const order = Array.from({ length: n }, (_, i) => i).sort(() => next() - 0.5);
				const call = callOf({ tiesHighest, maxDetections: n > 100 ? 60 : NO_LIMIT, maxCandidates: 3000 });
				const classIds = Uint32Array.from({ length: n }, (_, i) => i % 4);
				const candidates = { words: rowsOf(boxes, scores, order, 4), count: n, numCandidates: n + 7, rejected: 2 };
				const expected = nmsTextbook(boxes, scores, classIds, call).indices;

				const result = suppressCandidates(candidates, call, { numClasses: 4, multiLabel: false });
				expect(result.indices, `${n} rows`).toEqual(expected);
				expect(result.classIds).toEqual(expected.map((i) => i % 4));
				expect(result.keys).toEqual(expected.map((i) => keyOf(scores[i])));
				expect(Array.from(result.boxes)).toEqual(Array.from(expected).flatMap((i) => Array.from(boxes.subarray(4 * i, 4 * i + 4))));
				expect(result).toMatchObject({ count: expected.length, numCandidates: n + 7, rejected: 2, truncated: Math.max(0, n + 7 - 3000) });

				const multi = suppressCandidates(candidates, call, { numClasses: 4, multiLabel: true });
				expect(multi.indices).toEqual(expected.map((i) => Math.floor(i / 4)));
			}
		}
	});

	it('reads only as many rows as it is told', () => {
		const boxes = randomBoxes(20, 'disjoint', random(14));
		const scores = Float32Array.from({ length: 20 }, (_, i) => 1 - i / 20);
		const words = rowsOf(
			boxes,
			scores,
			Array.from({ length: 20 }, (_, i) => i),
			1,
		);
		const result = suppressCandidates({ words, count: 5, numCandidates: 5, rejected: 0 }, callOf({ timings: true }), { numClasses: 1, multiLabel: false });
		expect(indicesOf(result)).toEqual([0, 1, 2, 3, 4]);
		expect(Object.keys(result.timings ?? {})).toEqual(['sort', 'suppress']);
	});
});

describe('workspaces', () => {
	it('are handed out once at a time, reused, and dropped when very large', () => {
		const [a, b] = [takeWorkspace(), takeWorkspace()];
		expect(a).not.toBe(b);
		giveBack(a);
		giveBack(b);
		expect([a, b]).toContain(takeWorkspace());
		const large = takeWorkspace();
		large.reserve(2 ** 21 + 1);
		giveBack(large);
		for (let i = 0; i < 4; i++) expect(takeWorkspace()).not.toBe(large);
	});

	it('do not grow from call to call', () => {
		const one = image(3000, 15);
		const sizeAfter = () => {
			nmsFast(one.boxes, one.scores, undefined, callOf());
			const w = takeWorkspace();
			giveBack(w);
			return w.byteLength;
		};
		const first = sizeAfter();
		for (let i = 0; i < 50; i++) expect(sizeAfter()).toBe(first);
	});
});

// The CPU pipeline against the plain definition of decoding, written here as loops over (anchor, channel) numbers that
// know nothing of layouts: random and adversarial tensors in every layout, activation and type.

import { describe, expect, it } from 'vitest';
import type { BoxCodec } from '../../../src/codecs/codec.js';
import { createCpuPipeline } from '../../../src/cpu/backend.js';
import { nmsTextbook } from '../../../src/cpu/nms.js';
import type { Head, Level, ScoreSpec } from '../../../src/heads/head.js';
import { exp32, keyOf, nextDown, nextUp, reciprocal32, sigmoid32 } from '../../../src/numbers.js';
import type { Kept } from '../../../src/pipeline.js';
import type { CallParams } from '../../../src/plan.js';
import type { BoundTensor } from '../../../src/tensors.js';
import { random } from '../../support/random.js';

const round = Math.fround;
/** A product below the smallest normal float32, 2^-126, is 0, and so is a factor. */
const flushed = (x: number) => (Math.abs(x) < 2 ** -126 ? 0 : x);
const NO_LIMIT = 0xffffffff;
const floatOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0];
const bitsOf = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0];

/** Where channel, cell and shape stand in memory, slowest first. */
type Order = readonly ('channel' | 'cell' | 'shape')[];
const ORDERS: readonly Order[] = [
	['shape', 'channel', 'cell'],
	['cell', 'shape', 'channel'],
	['channel', 'shape', 'cell'],
	['channel', 'cell', 'shape'],
];

interface Case {
	numClasses: number;
	levels: { grid: [number, number]; numShapes: number; stride: number }[];
	numbering: 'yxa' | 'ayx';
	order: Order;
	score: ScoreSpec;
	half: boolean;
	batch: number;
	multiLabel: boolean;
	classFilter?: Uint32Array;
	suppression: boolean;
	withAnchors: boolean;
	/** Levels are listed last anchors first. */
	reversed?: boolean;
}

/** The codec of these tests: raw numbers times stride, moved by the anchor. */
const codec: BoxCodec = {
	kind: 'test',
	anchors: 'xyxy',
	numRaw: 4,
	constants: {},
	variants: {},
	decodeBox(raw, r, anchors, a, stride, out, o) {
		for (let c = 0; c < 4; c++) out[o + c] = round(round(raw[r + c] * stride) + anchors[a + c]);
	},
	encode: (boxes) => boxes,
	decode: (raw) => raw,
};

/** The raw numbers of a case: bits[image][anchor][channel]; channels are box, objectness if any, class channels. */
type Raw = Uint32Array[][];

const numChannels = (c: Case) => 4 + (c.score.objectness ? 1 : 0) + classChannels(c);
const classChannels = (c: Case) => c.numClasses + (c.score.activation === 'softmax' && c.score.background !== 'none' ? 1 : 0);

function makeHead(c: Case): { head: Head; anchors: Float32Array } {
	let firstAnchor = 0;
	const levels: Level[] = c.levels.map(({ grid, numShapes, stride }, tensor) => {
		const numAnchors = grid[0] * grid[1] * numShapes;
		const classes = { tensor, channel: c.score.objectness ? 5 : 4 };
		const level = { firstAnchor, numAnchors, grid, numShapes, order: c.numbering, stride, box: { tensor, channel: 0 }, classes };
		firstAnchor += numAnchors;
		return c.score.objectness ? { ...level, objectness: { tensor, channel: 4 } } : level;
	});
	const anchors = new Float32Array(firstAnchor * 4);
	if (c.withAnchors) for (let i = 0; i < anchors.length; i++) anchors[i] = (i * 37) % 101;
	const head: Head = {
		name: 'test',
		inputSize: [64, 64],
		numClasses: c.numClasses,
		numAnchors: firstAnchor,
		tensors: c.levels.map((_, i) => ({ name: `t${i}`, layouts: [['channel', 'cell']], sizes: {} })),
		levels: c.reversed ? levels.reverse() : levels,
		score: c.score,
		codec,
		...(c.withAnchors ? { anchors } : {}),
		suppression: c.suppression,
	};
	return { head, anchors };
}

/** Lays the raw numbers out as tensors, with a gap between images. */
function makeTensors(c: Case, head: Head, raw: Raw): BoundTensor[] {
	const levels = [...head.levels].sort((p, q) => p.box.tensor - q.box.tensor);
	return levels.map((level) => {
		const lengths = { channel: numChannels(c), cell: level.grid[0] * level.grid[1], shape: level.numShapes };
		const strides = { channel: 0, cell: 0, shape: 0 };
		let size = 1;
		for (const axis of [...c.order].reverse()) {
			strides[axis] = size;
			size *= lengths[axis];
		}
		const image = size + 3;
		const data = c.half ? new Uint16Array(c.batch * image) : new Uint32Array(c.batch * image);
		for (let b = 0; b < c.batch; b++) {
			for (let a = 0; a < level.numAnchors; a++) {
				const [shape, cell] = c.numbering === 'ayx' ? [Math.floor(a / lengths.cell), a % lengths.cell] : [a % lengths.shape, Math.floor(a / lengths.shape)];
				for (let k = 0; k < lengths.channel; k++) {
					const bits = raw[b][level.firstAnchor + a][k];
					data[b * image + shape * strides.shape + cell * strides.cell + k * strides.channel] = c.half ? halfOf(bits) : bits;
				}
			}
		}
		const values = c.half ? (data as Uint16Array) : new Float32Array(data.buffer);
		return {
			tensor: { location: 'cpu', type: c.half ? 'float16' : 'float32', data: values, dims: undefined },
			strides: { batch: c.batch, image, ...strides, numElements: data.length },
		};
	});
}

/** The half of a float32 that is one exactly (or NaN, whose payload's top bits stay). */
function halfOf(bits: number): number {
	const sign = (bits >>> 16) & 0x8000;
	const magnitude = bits & 0x7fffffff;
	if (magnitude > 0x7f800000) return sign | 0x7c01 | ((magnitude >>> 13) & 1023);
	const x = floatOf(magnitude);
	if (x === Number.POSITIVE_INFINITY) return sign | 0x7c00;
	if (x < 2 ** -14) return sign | (x * 2 ** 24);
	const exponent = (magnitude >>> 23) - 112;
	return sign | (exponent << 10) | ((magnitude >>> 13) & 1023);
}

/** Rounds bits to ones a half can hold: drops 13 bits, keeps to the range, denormals included. */
function asHalfBits(bits: number): number {
	const x = floatOf(bits);
	if (Number.isNaN(x) || Math.abs(x) === Number.POSITIVE_INFINITY) return bits;
	if (Math.abs(x) >= 65504) return bitsOf(Math.sign(x) * 65504);
	if (Math.abs(x) < 2 ** -14) return bitsOf((x < 0 || bits === 0x80000000 ? -1 : 1) * Math.floor(Math.abs(x) * 2 ** 24) * 2 ** -24);
	return (bits & 0xffffe000) >>> 0;
}

// The plain definition.

interface Candidates {
	boxes: number[];
	scores: number[];
	classIds: number[];
	anchors: number[];
	rejected: number;
}

function decodePlainly(c: Case, head: Head, anchors: Float32Array, raw: Uint32Array[], least: number, leastObjectness: number): Candidates {
	const found: Candidates = { boxes: [], scores: [], classIds: [], anchors: [], rejected: 0 };
	for (const level of [...head.levels].sort((p, q) => p.firstAnchor - q.firstAnchor)) {
		for (let a = level.firstAnchor; a < level.firstAnchor + level.numAnchors; a++) {
			const numbers = Array.from(raw[a], floatOf);
			const box = [0, 1, 2, 3].map((k) => round(round(numbers[k] * level.stride) + anchors[4 * a + k]));
			const scores = scoresOf(c, numbers, leastObjectness);
			if (scores === 'rejected') found.rejected++;
			if (scores === 'rejected' || scores === 'skipped') continue;
			const add = (classId: number) => {
				found.boxes.push(...box);
				found.scores.push(scores[classId] as number);
				found.classIds.push(classId);
				found.anchors.push(a);
			};
			const ids = [...scores.keys()].filter((id) => scores[id] !== undefined);
			const numNaN = ids.filter((id) => Number.isNaN(scores[id])).length;
			if (c.multiLabel) {
				found.rejected += numNaN;
				for (const id of ids) if ((scores[id] as number) >= least) add(id);
			} else if (numNaN > 0) found.rejected++;
			else if (ids.length > 0) {
				const best = ids.reduce((p, q) => ((scores[q] as number) > (scores[p] as number) ? q : p));
				if ((scores[best] as number) >= least) add(best);
			}
		}
	}
	return found;
}

/** The score of each class, undefined where a class takes no part. */
function scoresOf(c: Case, numbers: number[], leastObjectness: number): (number | undefined)[] | 'rejected' | 'skipped' {
	const { activation, background, objectness } = c.score;
	const takesPart = (id: number) => !c.classFilter || ((c.classFilter[id >> 5] >> (id & 31)) & 1) === 1;
	const channels = numbers.slice(objectness ? 5 : 4);
	const ids = Array.from({ length: c.numClasses }, (_, id) => id);
	if (activation === 'softmax') {
		if (channels.some(Number.isNaN)) return 'rejected';
		const largest = Math.max(...channels);
		const exps = channels.map((x) => exp32(round(x - largest)));
		const sum = exps.reduce((s, e) => round(s + e), 0);
		return ids.map((id) => (takesPart(id) ? flushed(round(exps[id + (background === 'first' ? 1 : 0)] * reciprocal32(sum))) : undefined));
	}
	if (!objectness) return ids.map((id) => (takesPart(id) ? channels[id] : undefined));
	if (Number.isNaN(numbers[4])) return 'rejected';
	if (!(numbers[4] >= leastObjectness)) return 'skipped';
	const factor = objectness.activation === 'sigmoid' ? sigmoid32(numbers[4]) : flushed(numbers[4]);
	// Sorting a NaN out before sigmoid32, which clamps.
	const probability = (x: number) => (activation === 'sigmoid' && !Number.isNaN(x) ? sigmoid32(x) : flushed(x));
	return ids.map((id) => (takesPart(id) ? flushed(round(factor * probability(channels[id]))) : undefined));
}

function expectedOf(
	c: Case,
	head: Head,
	anchors: Float32Array,
	raw: Uint32Array[],
	least: number,
	leastObjectness: number,
	call: CallParams,
): Omit<Kept, 'bytesRead'> {
	const found = decodePlainly(c, head, anchors, raw, least, leastObjectness);
	const boxes = Float32Array.from(found.boxes);
	const scores = Float32Array.from(found.scores);
	// Without suppression every candidate is kept: the same as an IoU threshold of 1.
	const rules = { ...call, minKey: 0, iouThreshold: c.suppression ? call.iouThreshold : 1 };
	const { indices, numCandidates, truncated, rejected } = nmsTextbook(boxes, scores, found.classIds, rules);
	const flushed = (x: number) => (Math.abs(x) < 2 ** -126 ? 0 : x);
	return {
		count: indices.length,
		boxes: Float32Array.from(Array.from(indices).flatMap((i) => Array.from(boxes.subarray(4 * i, 4 * i + 4), flushed))),
		keys: indices.map((i) => keyOf(scores[i])),
		classIds: indices.map((i) => found.classIds[i]),
		indices: indices.map((i) => found.anchors[i]),
		numCandidates,
		truncated,
		rejected: rejected + found.rejected,
	};
}

// Cases.

const SPECIAL = [0x7fc00000, 0xffc00001, 0xff800001, 0x7f800001, 0x7f800000, 0xff800000, 0x80000000, 0, 1, 0x80000001];

function randomRaw(c: Case, numAnchors: number, least: number, hits: number, nasty: number, next: () => number): Raw {
	const isLogit = c.score.activation !== 'none';
	const finite = Math.abs(least) === Number.POSITIVE_INFINITY || Number.isNaN(least) ? 0.5 : least;
	const near = [finite, nextUp(finite), nextDown(finite), finite, -finite];
	const scoreBits = () => {
		if (next() < nasty) return SPECIAL[Math.floor(next() * SPECIAL.length)];
		if (next() < nasty) return bitsOf(near[Math.floor(next() * near.length)]);
		if (next() < hits) return bitsOf(isLogit ? next() * 8 - 2 : next());
		return bitsOf(isLogit ? -8 - next() * 6 : next() * 0.01);
	};
	const boxBits = (k: number) => (next() < nasty / 4 ? SPECIAL[Math.floor(next() * SPECIAL.length)] : bitsOf((k < 2 ? 0 : 6) + Math.floor(next() * 8) / 4));
	return Array.from({ length: c.batch }, () =>
		Array.from({ length: numAnchors }, () =>
			Uint32Array.from({ length: numChannels(c) }, (_, k) => (k < 4 ? boxBits(k) : scoreBits())).map((bits) => (c.half ? asHalfBits(bits) : bits)),
		),
	);
}

const SCORES: readonly ScoreSpec[] = [
	{ activation: 'none' },
	{ activation: 'sigmoid' },
	{ activation: 'none', objectness: { activation: 'none' } },
	{ activation: 'sigmoid', objectness: { activation: 'sigmoid' } },
	{ activation: 'sigmoid', objectness: { activation: 'none' } },
	{ activation: 'softmax', background: 'first' },
	{ activation: 'softmax', background: 'last' },
	{ activation: 'softmax', background: 'none' },
];

/** Smallest passing scores: logits where the score is one sigmoid, else probabilities. */
const LEAST_PROBABILITY = [0.25, 0.001, 0.5, 0, 1, 0.9, -1, 1.5, 1e-12, 0.99999, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const LEAST_LOGIT = [-1.0986123, -6.906755, 0, 2.2, 1e-30, -1e-30, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

async function check(c: Case, least: number, leastObjectness: number, raw: Raw, given: Partial<CallParams>, label: string): Promise<number> {
	const { head, anchors } = makeHead(c);
	const call: CallParams = {
		minKey: keyOf(least),
		minObjectnessKey: keyOf(leastObjectness),
		iouThreshold: 0.5,
		maxDetections: NO_LIMIT,
		maxCandidates: NO_LIMIT,
		classAgnostic: false,
		tiesHighest: false,
		binLow: 0,
		binHigh: 0xffffffff,
		...given,
	};
	const tensors = makeTensors(c, head, raw);
	const before = tensors.map(({ tensor }) => (tensor.location === 'cpu' ? new Uint8Array(tensor.data.slice().buffer) : undefined));
	const pipeline = createCpuPipeline({ head, multiLabel: c.multiLabel, classFilter: c.classFilter, suppression: 'blocked' });
	const results = await pipeline.run(tensors, c.batch, call);
	expect(results.length).toBe(c.batch);
	results.forEach((result, image) => {
		const expected = expectedOf(c, head, anchors, raw[image], least, leastObjectness, call);
		expect(result, `${label}, image ${image}`).toEqual({ ...expected, bytesRead: 0 });
	});
	tensors.forEach(({ tensor }, i) => {
		if (tensor.location === 'cpu') expect(Buffer.compare(new Uint8Array(tensor.data.buffer), before[i] as Uint8Array)).toBe(0);
	});
	return results.reduce((n, result) => n + result.count, 0);
}

function randomCase(i: number, next: () => number): Case {
	const numClasses = [1, 2, 3, 5, 20, 40][Math.floor(next() * 6)];
	const numLevels = 1 + Math.floor(next() * 3);
	return {
		numClasses,
		levels: Array.from({ length: numLevels }, (_, k) => ({
			grid: [1 + Math.floor(next() * 5), 1 + Math.floor(next() * 5)],
			numShapes: 1 + Math.floor(next() * 3),
			stride: 2 ** k,
		})),
		numbering: next() < 0.5 ? 'yxa' : 'ayx',
		order: ORDERS[Math.floor(next() * ORDERS.length)],
		score: SCORES[i % SCORES.length],
		half: next() < 0.35,
		batch: next() < 0.2 ? 2 : 1,
		multiLabel: next() < 0.5,
		classFilter: next() < 0.25 ? Uint32Array.of(next() * 2 ** 32, next() * 2 ** 32) : undefined,
		suppression: next() < 0.85,
		withAnchors: next() < 0.7,
		reversed: next() < 0.1,
	};
}

describe('the CPU pipeline equals the plain definition', () => {
	it('in 2,400 random cases of every layout, activation and type', async () => {
		const next = random(11);
		let numKept = 0;
		for (let i = 0; i < 2400; i++) {
			const c = randomCase(i, next);
			const isLogit = c.score.activation === 'sigmoid' && !c.score.objectness;
			const list = isLogit ? LEAST_LOGIT : LEAST_PROBABILITY;
			const least = round(list[Math.floor(next() * list.length)]);
			const leastObjectness = c.score.objectness?.activation === 'sigmoid' ? round(LEAST_LOGIT[Math.floor(next() * LEAST_LOGIT.length)]) : least;
			const numAnchors = c.levels.reduce((n, { grid, numShapes }) => n + grid[0] * grid[1] * numShapes, 0);
			const raw = randomRaw(c, numAnchors, least, next() * 0.5, [0, 0.01, 0.3][Math.floor(next() * 3)], next);
			const given = {
				iouThreshold: round([0.1, 0.45, 0.7][Math.floor(next() * 3)]),
				maxDetections: next() < 0.3 ? Math.floor(next() * 10) : NO_LIMIT,
				maxCandidates: next() < 0.3 ? 1 + Math.floor(next() * 20) : NO_LIMIT,
				classAgnostic: next() < 0.2,
				tiesHighest: next() < 0.3,
			};
			numKept += await check(
				c,
				least,
				leastObjectness,
				raw,
				given,
				`case ${i}: ${JSON.stringify(c)}, least ${least}, ${leastObjectness}, ${JSON.stringify(given)}`,
			);
		}
		expect(numKept).toBeGreaterThan(20_000);
	});

	const large = { numClasses: 3, batch: 1, half: false, multiLabel: false, suppression: true, withAnchors: true } as const;

	it('across the tiles of large maps', async () => {
		const next = random(12);
		for (const order of ORDERS) {
			for (const numbering of ['yxa', 'ayx'] as const) {
				for (const multiLabel of [false, true]) {
					const c: Case = { ...large, levels: [{ grid: [70, 71], numShapes: 2, stride: 1 }], numbering, order, score: { activation: 'none' }, multiLabel };
					const raw = randomRaw(c, 70 * 71 * 2, 0.25, 0.02, 0.001, next);
					await check(c, 0.25, 0, raw, {}, `${order} ${numbering} ${multiLabel}`);
				}
			}
		}
	});

	it('when more candidates pass than are kept in memory', async () => {
		const next = random(13);
		for (const tiesHighest of [false, true]) {
			const c: Case = {
				...large,
				numClasses: 24,
				levels: [{ grid: [1, 6000], numShapes: 1, stride: 1 }],
				numbering: 'yxa',
				order: ORDERS[0],
				score: { activation: 'none' },
				multiLabel: true,
			};
			const raw = randomRaw(c, 6000, 0.25, 1, 0.001, next);
			// Few values, so that the cut falls among equal scores.
			for (const row of raw[0]) for (let k = 4; k < row.length; k++) row[k] = bitsOf(Math.floor(floatOf(row[k]) * 64) / 64);
			await check(c, 0, 0, raw, { maxCandidates: 900, tiesHighest, classAgnostic: true }, `ties ${tiesHighest}`);
		}
	});

	it('for scores so small that sigmoid32 is clamped', async () => {
		const score: ScoreSpec = { activation: 'sigmoid', objectness: { activation: 'none' } };
		const c: Case = { ...large, levels: [{ grid: [4, 8], numShapes: 1, stride: 1 }], numbering: 'yxa', order: ORDERS[0], score, multiLabel: true };
		const next = random(15);
		const raw = randomRaw(c, 32, 0.5, 1, 0, next);
		for (const row of raw[0]) {
			row[4] = bitsOf(1);
			for (let k = 5; k < row.length; k++) row[k] = bitsOf(-78 - next() * 12);
		}
		for (const least of [1e-34, 1e-35, 1.8e-35, 1e-36, 2e-38]) {
			const numKept = await check(c, round(least), round(least), raw, { iouThreshold: 1 }, `least ${least}`);
			expect(numKept).toBeGreaterThan(0);
		}
	});

	it('with tensors that begin anywhere in their memory', async () => {
		const c: Case = { ...large, levels: [{ grid: [1, 50], numShapes: 1, stride: 1 }], numbering: 'yxa', order: ORDERS[0], score: { activation: 'none' } };
		const raw = randomRaw(c, 50, 0.25, 0.5, 0, random(14));
		const { head, anchors } = makeHead(c);
		const [bound] = makeTensors(c, head, raw);
		if (bound.tensor.location !== 'cpu') throw new Error('not a CPU tensor');
		const call: CallParams = {
			minKey: keyOf(0.25),
			minObjectnessKey: 0,
			iouThreshold: 0.5,
			maxDetections: 300,
			maxCandidates: NO_LIMIT,
			classAgnostic: false,
			tiesHighest: false,
			binLow: 0,
			binHigh: 1,
		};
		const expected = expectedOf(c, head, anchors, raw[0], 0.25, 0, call);
		expect(expected.count).toBeGreaterThan(10);
		for (const offset of [1, 2, 3]) {
			const data = new Float32Array(bound.tensor.data.length + offset).subarray(offset);
			data.set(bound.tensor.data);
			const [result] = await createCpuPipeline({ head, multiLabel: false, suppression: 'blocked' }).run(
				[{ ...bound, tensor: { ...bound.tensor, data } }],
				1,
				call,
			);
			expect(result, `${offset * 4} bytes in`).toEqual({ ...expected, bytesRead: 0 });
		}
	});
});

// The fast CPU pipeline against the twins of the shaders, bit for bit, in 10,000 seeded cases of every variant:
//
//   tiles [C, A], rows [A, 4 + C], flat [A, C] beside the boxes   x probabilities, logits
//   objectness times class, softmax over all channels
//   each as float32 and float16, by arg-max and multi-label: 32 variants
//
// In each: one to three levels, shapes and their order, class filters, peaks, cuts per level and in all, ties by lower and higher id,
// with and without suppression; thresholds of every sign that scores hit exactly, equal scores, NaN, infinities, -0, denormals.

import { assert, describe, test } from 'vitest';
import type { BoxCodec } from '../../../src/codecs/codec.js';
import { createCpuPipeline } from '../../../src/cpu/backend.js';
import { createMemory } from '../../../src/cpu/memory.js';
import { runTwins } from '../../../src/cpu/twins.js';
import type { Head, Level, ScoreSpec } from '../../../src/heads/head.js';
import type { Sizes } from '../../../src/layout.js';
import { halfToFloat, keyOf, nextDown, nextUp } from '../../../src/numbers.js';
import type { Kept } from '../../../src/pipeline.js';
import { type CallParams, planCapacity, planParams, planSteps } from '../../../src/plan.js';
import type { BoundTensor } from '../../../src/tensors.js';
import { floatToHalf } from '../../support/half.js';
import { random } from '../../support/random.js';

const CASES = 10_000;
const NO_LIMIT = 0xffffffff;
const SIZES: Sizes = { workgroup: 4, decoders: 4, bins: 16, head: 64, block: 64, lanes: 2, heavy: 2, counted: 8, small: 4, strides: 64 };
const PROBABILITIES = [0.25, 0.25, 0.5, 0.5, 0.001, 0.001, 0.125, 1, 1e-40, 0, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(Math.fround);
const LOGITS = [-1.0986123, -1.0986123, -6.9067, 0.5, 1, -1e-30, 0, 1e-30, 2.2, -2.94, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(Math.fround);
const SPECIAL = [NaN, Infinity, -Infinity, -0, 0, 1e-40, -1e-40, 1e30, -1e30, 6e-8];

/** Of both signs, quiet and signalling. */
const NAN = [0x7fc00000, 0xffc00000, 0xff800001, 0x7f800001];
const HALF_NAN = [0x7e00, 0xfe00, 0xfc01, 0x7c01];

type Form = 'tiles' | 'rows' | 'flat' | 'objectness' | 'softmax';
interface Variant {
	readonly form: Form;
	readonly logits: boolean;
	readonly half: boolean;
	readonly multiLabel: boolean;
}

const VARIANTS: readonly Variant[] = (
	[
		['tiles', false],
		['tiles', true],
		['rows', false],
		['rows', true],
		['flat', false],
		['flat', true],
		['objectness', true],
		['softmax', true],
	] as const
).flatMap(([form, logits]) => [false, true].flatMap((half) => [false, true].map((multiLabel) => ({ form, logits, half, multiLabel }))));

/** Raw numbers times the stride. */
const codec: BoxCodec = {
	kind: 'test',
	anchors: 'none',
	numRaw: 4,
	constants: {},
	variants: {},
	decodeBox(raw, r, _anchors, _a, stride, out, o) {
		for (let c = 0; c < 4; c++) out[o + c] = Math.fround(raw[r + c] * stride);
	},
	encode: (boxes) => boxes,
	decode: (raw) => raw,
};

function scoreSpec({ form, logits }: Variant, next: () => number): ScoreSpec {
	const peaks = next() < 0.15 ? { peaks: true as const } : {};
	if (form === 'softmax') return { activation: 'softmax', background: (['first', 'last', 'none'] as const)[Math.floor(next() * 3)] };
	if (form !== 'objectness') return { activation: logits ? 'sigmoid' : 'none', ...peaks };
	const activation = next() < 0.5 ? 'sigmoid' : 'none';
	return { activation: next() < 0.5 ? 'sigmoid' : 'none', objectness: { activation } };
}

function bitsOf(data: Float32Array | Uint16Array): Uint32Array | Uint16Array {
	return data instanceof Uint16Array ? data : new Uint32Array(data.buffer);
}

/** A head of small levels, and where its tensors keep what. */
function drawHead(variant: Variant, next: () => number): { head: Head; tensors: BoundTensor[]; fill: (value: (isBox: boolean) => number) => void } {
	const whole = (most: number) => 1 + Math.floor(next() * most);
	const { form, half } = variant;
	const score = scoreSpec(variant, next);
	// runs of more than sixteen now and then
	const numClasses = next() < 0.04 ? 16 + whole(20) : whole(3);
	const channels = numClasses + (score.activation === 'softmax' && score.background !== 'none' ? 1 : 0);
	const order = next() < 0.5 ? 'yxa' : 'ayx';
	const channelsLast = form === 'rows' || form === 'flat' || (form !== 'tiles' && next() < 0.5);
	const apart = form === 'flat';
	const firstClass = apart ? 0 : score.objectness ? 5 : 4;
	const levels: Level[] = [];
	const tensors: BoundTensor[] = [];
	let firstAnchor = 0;
	/** A tensor of a level: [cells, shapes, channels] or [shapes, channels, cells]; flat ones in the order of anchors. */
	const addTensor = (numCells: number, numShapes: number, numChannels: number) => {
		const length = numCells * numShapes * numChannels;
		const last = order === 'yxa' ? { shape: numChannels, cell: numShapes * numChannels } : { shape: numCells * numChannels, cell: numChannels };
		const strides = channelsLast ? { ...last, channel: 1 } : { shape: numChannels * numCells, channel: numCells, cell: 1 };
		const data = half ? new Uint16Array(length) : new Float32Array(length);
		const tensor = half ? ({ type: 'float16', data: data as Uint16Array } as const) : ({ type: 'float32', data: data as Float32Array } as const);
		tensors.push({ tensor: { location: 'cpu', dims: undefined, ...tensor }, strides: { batch: 1, image: length, ...strides, numElements: length } });
		return tensors.length - 1;
	};
	for (let i = next() < 0.1 ? 3 : whole(2); i > 0; i--) {
		const grid = [whole(2), whole(next() < 0.05 ? 20 : 4)] as const;
		const numShapes = whole(2);
		const numCells = grid[0] * grid[1];
		const tensor = addTensor(numCells, numShapes, apart ? 4 : firstClass + channels);
		const classes = { tensor: apart ? addTensor(numCells, numShapes, channels) : tensor, channel: firstClass };
		const box = { tensor, channel: 0 };
		const level: Level = { firstAnchor, numAnchors: numCells * numShapes, grid, numShapes, order, stride: 2 ** i, box, classes };
		levels.push(score.objectness ? { ...level, objectness: { tensor, channel: 4 } } : level);
		firstAnchor += level.numAnchors;
	}
	const head: Head = {
		...{ name: 'test', inputSize: [64, 64], numClasses, numAnchors: firstAnchor, levels, score, codec, suppression: next() < 0.7 },
		tensors: tensors.map((_, i) => ({ name: `t${i}`, layouts: [['channel', 'cell']], sizes: {} })),
		...(next() < 0.3 && { maxCandidatesPerLevel: whole(6) }),
		...(next() < 0.2 && { minSize: 3 }),
		...(next() < 0.2 && { clip: [20, 24] as const }),
	};
	const fill = (value: (isBox: boolean) => number) => {
		tensors.forEach(({ tensor, strides }, index) => {
			if (tensor.location !== 'cpu') return;
			const numRaw = apart && index % 2 === 1 ? 0 : 4;
			const numChannels = apart ? (index % 2 === 1 ? channels : 4) : firstClass + channels;
			for (let e = 0; e < tensor.data.length; e++) {
				const x = value(Math.floor(e / strides.channel) % numChannels < numRaw);
				tensor.data[e] = half ? floatToHalf(x) : x;
				if (Number.isNaN(x)) bitsOf(tensor.data)[e] = half ? HALF_NAN[e % 4] : NAN[e % 4];
			}
		});
	};
	return { head, tensors, fill };
}

/** A result as text: arrays by their bits. */
function facts({ count, boxes, keys, classIds, indices, numCandidates, truncated, rejected }: Kept): string {
	const bits = new Uint32Array(boxes.buffer, boxes.byteOffset, boxes.length);
	return `${count} of ${numCandidates}, ${truncated}, ${rejected}: ${indices.join()}; ${classIds.join()}; ${keys.join()}; ${bits.join()}`;
}

describe('the CPU pipeline equals the twins in 10,000 cases', () => {
	const named = VARIANTS.map((variant) => {
		const { form, logits, half, multiLabel } = variant;
		return [`${form}, ${logits ? 'logits' : 'probabilities'}, ${half ? 'float16' : 'float32'}, ${multiLabel ? 'multi-label' : 'arg-max'}`, variant] as const;
	});
	test.each(named)('%s', async (_, variant) => {
		const { form, logits, half, multiLabel } = variant;
		const next = random(VARIANTS.indexOf(variant) + 1);
		const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)];
		let numKept = 0;
		let numRejected = 0;
		for (let i = 0; i < CASES; i++) {
			const { head, tensors, fill } = drawHead(variant, next);
			const isProduct = form === 'objectness' || form === 'softmax';
			const given = pick(logits && !isProduct ? LOGITS : PROBABILITIES);
			// a threshold that a half can hit
			const least = half && next() < 0.5 ? halfToFloat(floatToHalf(given)) : given;
			const leastObjectness = head.score.objectness?.activation === 'sigmoid' ? pick(LOGITS) : least;
			const near = [least, nextUp(least), nextDown(least), leastObjectness, -least].map((x) => (Number.isFinite(x) ? x : 0.5));
			const spoiled = pick([0, 0, 0.02, 0.3]);
			const hits = next() * 0.5;
			const score = () => {
				if (next() < spoiled) return next() < 0.5 ? pick(SPECIAL) : pick(near);
				if (next() < hits) return logits ? Math.floor(next() * 12) / 4 - 1 : Math.floor(next() * 9) / 8;
				return logits ? -8 - next() * 4 : next() * 0.01;
			};
			// corners of whole numbers, so that overlaps and exact ties are common
			fill((isBox) => (isBox && next() >= spoiled / 4 ? Math.floor(next() * 9) : score()));
			const call: CallParams = {
				minKey: next() < 0.05 ? 0xff800001 : keyOf(least),
				minObjectnessKey: keyOf(leastObjectness),
				iouThreshold: Math.fround(pick([0, 0.1, 0.45, 0.7])),
				maxDetections: next() < 0.3 ? Math.floor(next() * 8) : NO_LIMIT,
				maxCandidates: next() < 0.3 ? 1 + Math.floor(next() * 12) : NO_LIMIT,
				classAgnostic: next() < 0.2,
				tiesHighest: next() < 0.4,
				binLow: keyOf(logits && !isProduct ? -6 : 2 ** -20),
				binHigh: keyOf(logits && !isProduct ? 12 : 1),
			};
			const classFilter = next() < 0.25 ? Uint32Array.of(next() * 2 ** 32, next() * 2 ** 32) : undefined;
			const [fast] = await createCpuPipeline({ head, multiLabel, classFilter, suppression: 'blocked' }).run(tensors, 1, call);
			const capacity = planCapacity(head, multiLabel, 1, call);
			const params = planParams(head, multiLabel, capacity, call, SIZES);
			const steps = planSteps(head, multiLabel, capacity, call, SIZES, 'blocked');
			const [twin] = runTwins({ head, params, tensors, classFilter }, createMemory(capacity, SIZES), steps);
			if (facts(fast) !== facts(twin)) {
				const { levels, score: spec, numClasses, maxCandidatesPerLevel } = head;
				assert.equal(facts(fast), facts(twin), `case ${i}: ${JSON.stringify({ least, call, levels, spec, numClasses, maxCandidatesPerLevel, classFilter })}`);
			}
			numKept += fast.count;
			numRejected += fast.rejected;
		}
		assert.isAbove(numKept, CASES / 2);
		assert.isAbove(numRejected, CASES / 20);
	});
});

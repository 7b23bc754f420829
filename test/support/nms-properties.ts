// What is true of every answer of greedy suppression, whatever computes it. That no kept pair overlaps and that every
// suppressed box has an earlier kept one that overlaps it, together with the order, leave one answer only.
// "Overlaps" is decided here in exact rational arithmetic on integer boxes, apart from the code under test.

import { assert } from 'chai';
import fc from 'fast-check';
import { type OverlapRule, PLAIN_OVERLAP } from '../../src/boxes/overlap.js';

/** Integer boxes on a small field, where overlaps and exact ties are common, a float32 threshold, and what is held against it. */
export interface Scene {
	boxes: number[][];
	scores: number[];
	classIds: number[];
	t: number;
	rule: OverlapRule;
}

/** What a property asks for beside the scene: strict thresholds and no limits unless given. */
export interface KeptRules {
	scoreThreshold?: number;
	/** Scores at the threshold pass too. */
	inclusive?: boolean;
	maxDetections?: number;
	classAgnostic?: boolean;
}

/** Every rule but plain IoU, by name. */
export const OVERLAP_RULES: readonly [name: string, rule: OverlapRule][] = [
	['iou, inclusive', { kind: 'iou', pixelOffset: 1 }],
	['bounding-union', { kind: 'bounding-union', pixelOffset: 0 }],
	['bounding-union, inclusive', { kind: 'bounding-union', pixelOffset: 1 }],
	['iom', { kind: 'iom', pixelOffset: 0 }],
	['iom, inclusive', { kind: 'iom', pixelOffset: 1 }],
];

/** Suppression under test: kept indices, best first. */
export type KeptOf = (scene: Scene, rules?: KeptRules) => Promise<number[]>;

export interface NmsProperty {
	/** Continues "kept indices ...". */
	readonly name: string;
	readonly holds: (kept: KeptOf, scene: Scene) => Promise<void>;
	/** Whether scores must all differ. */
	readonly distinct?: boolean;
}

const THRESHOLDS = [0, 0.1, 0.3, 0.45, 0.5, 0.6, 0.65, 0.7, 0.9, 1].map(Math.fround);

const box = fc
	.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 }), fc.integer({ min: -1, max: 12 }), fc.integer({ min: -1, max: 12 }))
	.map(([x, y, w, h]) => [x, y, x + w, y + h]);
const row = fc.tuple(box, fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 2 }));
type Row = [number[], number, number];

/** Scores in sixteenths: ties are common. */
function toScene(rows: readonly Row[], t: number, rule = PLAIN_OVERLAP): Scene {
	return { boxes: rows.map((r) => r[0]), scores: rows.map((r) => r[1] / 16), classIds: rows.map((r) => r[2]), t, rule };
}

/** Scenes of up to `maxLength` boxes. Without a size fast-check makes ten at most, and no exact ties. */
export function sceneOf(maxLength: number, rule = PLAIN_OVERLAP): fc.Arbitrary<Scene> {
	return fc.tuple(fc.array(row, { maxLength, size: 'max' }), fc.constantFrom(...THRESHOLDS)).map(([rows, t]) => toScene(rows, t, rule));
}

/** Scenes with scores that are all different, in the same order as before ties. */
export function distinctSceneOf(maxLength: number, rule = PLAIN_OVERLAP): fc.Arbitrary<Scene> {
	return sceneOf(maxLength, rule).map((s) => ({ ...s, scores: s.scores.map((score, i) => score - i / 4096) }));
}

/** One to six scenes of equal length and threshold: the images of a batch. */
export function batchOf(maxLength: number): fc.Arbitrary<Scene[]> {
	return fc.tuple(fc.integer({ min: 1, max: maxLength }), fc.integer({ min: 1, max: 6 }), fc.constantFrom(...THRESHOLDS)).chain(([n, images, t]) => {
		const image = fc.array(row, { minLength: n, maxLength: n }).map((rows) => toScene(rows, t));
		return fc.array(image, { minLength: images, maxLength: images });
	});
}

/**
 * Whether fround(intersection / denominator) > t, for boxes of small integers: the quotient is above the middle between t and
 * the next float32. It is never that middle, whose denominator is a power of two beyond any denominator here.
 */
export function overlapsExactly(a: readonly number[], b: readonly number[], t: number, { kind, pixelOffset }: OverlapRule): boolean {
	const area = ([x1, y1, x2, y2]: readonly number[]) => Math.max(0, x2 - x1 + pixelOffset) * Math.max(0, y2 - y1 + pixelOffset);
	const [least, most] = [a.map((x, c) => Math.min(x, b[c])), a.map((x, c) => Math.max(x, b[c]))];
	const shared = area([most[0], most[1], least[2], least[3]]);
	if (area(a) === 0 || area(b) === 0 || shared === 0) return false;
	const over = { iou: area(a) + area(b) - shared, iom: Math.min(area(a), area(b)), 'bounding-union': area([least[0], least[1], most[2], most[3]]) };
	const [bits] = new Uint32Array(Float32Array.of(t).buffer);
	const exponent = bits >>> 23;
	const mantissa = (bits & 0x7fffff) + (exponent ? 0x800000 : 0);
	// the middle is (2 mantissa + 1) / 2^scale
	const scale = BigInt(151 - Math.max(1, exponent));
	return BigInt(shared) << scale > BigInt(over[kind]) * BigInt(2 * mantissa + 1);
}

/** The boxes of a scene with these indices, in this order. */
function select(s: Scene, indices: readonly number[]): Scene {
	return { ...s, boxes: indices.map((i) => s.boxes[i]), scores: indices.map((i) => s.scores[i]), classIds: indices.map((i) => s.classIds[i]) };
}

/** The scene with one more box. */
function plus(s: Scene, added: number[], score: number, classId = 0): Scene {
	return { ...s, boxes: [...s.boxes, added], scores: [...s.scores, score], classIds: [...s.classIds, classId] };
}

const move = (s: Scene, change: (b: number[]) => number[]): Scene => ({ ...s, boxes: s.boxes.map(change) });

/** Whether i comes before j: by score, then by index. */
const before = (s: Scene, i: number, j: number) => s.scores[i] > s.scores[j] || (s.scores[i] === s.scores[j] && i < j);

/** Fails unless `kept` is the answer to a scene: of every class, no pair that overlaps and nothing left out without a reason. */
export function assertAnswer(s: Scene, kept: readonly number[]): void {
	const suppresses = (i: number, j: number) => s.classIds[i] === s.classIds[j] && overlapsExactly(s.boxes[i], s.boxes[j], s.t, s.rule);
	for (let k = 1; k < kept.length; k++) assert.isTrue(before(s, kept[k - 1], kept[k]), `${kept[k - 1]} before ${kept[k]}`);
	for (const i of kept) for (const j of kept) if (i !== j) assert.isFalse(suppresses(i, j), `${i} and ${j} are both kept`);
	const keptSet = new Set(kept);
	s.boxes.forEach((_, j) => {
		if (!keptSet.has(j))
			assert.isTrue(
				kept.some((i) => before(s, i, j) && suppresses(i, j)),
				`${j} is suppressed by none`,
			);
	});
}

/** An order of n things, mixed up the same way every time. */
function mixed(n: number): number[] {
	const order = Array.from({ length: n }, (_, i) => i);
	let state = n;
	for (let i = n - 1; i > 0; i--) {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		const j = (state >>> 8) % (i + 1);
		[order[i], order[j]] = [order[j], order[i]];
	}
	return order;
}

export const NMS_PROPERTIES: readonly NmsProperty[] = [
	{
		name: 'are unique, in range and ordered by score, then index; the first is the best',
		async holds(kept, s) {
			const indices = await kept(s);
			assert.equal(new Set(indices).size, indices.length);
			for (const i of indices) assert.isTrue(Number.isInteger(i) && i >= 0 && i < s.boxes.length, `index ${i}`);
			for (let k = 1; k < indices.length; k++) assert.isTrue(before(s, indices[k - 1], indices[k]));
			if (s.boxes.length > 0) assert.equal(indices[0], s.scores.indexOf(Math.max(...s.scores)));
		},
	},
	{
		name: 'have no pair that overlaps by more than t, and every other box has an earlier one that does',
		async holds(kept, s) {
			assertAnswer(s, await kept(s));
			const oneClass = { ...s, classIds: s.classIds.map(() => 0) };
			assertAnswer(oneClass, await kept(s, { classAgnostic: true }));
		},
	},
	{
		name: 'are kept again when they are all there is',
		async holds(kept, s) {
			const indices = await kept(s);
			assert.deepEqual(
				await kept(select(s, indices)),
				indices.map((_, k) => k),
			);
		},
	},
	{
		name: 'follow a permutation of boxes with different scores',
		distinct: true,
		async holds(kept, s) {
			const all = await kept(s);
			const reversed = s.boxes.map((_, i) => s.boxes.length - 1 - i);
			for (const order of [reversed, mixed(s.boxes.length)]) {
				const permuted = await kept(select(s, order));
				assert.deepEqual(
					permuted.map((k) => order[k]),
					all,
				);
			}
		},
	},
	{
		name: 'with a limit are the first of those without',
		async holds(kept, s) {
			const all = await kept(s);
			for (const limit of [0, 1, 2, 5, 40]) assert.deepEqual(await kept(s, { maxDetections: limit }), all.slice(0, limit));
		},
	},
	{
		name: 'with a higher score threshold are those of the lower one, filtered',
		async holds(kept, s) {
			const all = await kept(s);
			for (const scoreThreshold of [0.25, 0.5, 1]) {
				assert.deepEqual(
					await kept(s, { scoreThreshold }),
					all.filter((i) => s.scores[i] > scoreThreshold),
				);
				assert.deepEqual(
					await kept(s, { scoreThreshold, inclusive: true }),
					all.filter((i) => s.scores[i] >= scoreThreshold),
				);
			}
		},
	},
	{
		name: 'stay when lower-scored boxes are added, and when unusable ones are',
		async holds(kept, s) {
			const all = await kept(s);
			const lower = { ...s, boxes: [...s.boxes, ...s.boxes], scores: [...s.scores, ...s.scores.map((x) => x - 2)], classIds: [...s.classIds, ...s.classIds] };
			assert.deepEqual((await kept(lower)).slice(0, all.length), all);
			assert.deepEqual(await kept(plus(s, [-20, -20, Number.NaN, 32], 2)), all);
			assert.deepEqual(await kept(plus(plus(s, [-20, -20, 32, 32], Number.NaN), [-20, Number.NEGATIVE_INFINITY, 32, 32], 2)), all);
		},
	},
	{
		name: 'of empty boxes add exactly themselves',
		async holds(kept, s) {
			const n = s.boxes.length;
			const empty = plus(plus(s, [s.rule.pixelOffset, 0, 0, 9], 2), [5, 5, 4, 9], -1);
			assert.deepEqual(await kept(empty), [n, ...(await kept(s)), n + 1]);
		},
	},
	{
		name: 'do not change when integer boxes are moved, mirrored, turned or scaled by powers of two',
		async holds(kept, s) {
			const all = await kept(s);
			assert.deepEqual(await kept(move(s, ([a, b, c, d]) => [a + 1000, b - 777, c + 1000, d - 777])), all, 'moved');
			assert.deepEqual(await kept(move(s, ([a, b, c, d]) => [-c, b, -a, d])), all, 'mirrored left to right');
			assert.deepEqual(await kept(move(s, ([a, b, c, d]) => [a, -d, c, -b])), all, 'mirrored top to bottom');
			assert.deepEqual(await kept(move(s, ([a, b, c, d]) => [b, a, d, c])), all, 'axes swapped');
			// a pixel does not grow with the boxes
			const factors = s.rule.pixelOffset === 0 ? [2 ** -20, 2 ** -3, 2, 2 ** 40] : [];
			for (const k of factors) assert.deepEqual(await kept(move(s, (r) => r.map((x) => x * k))), all, `times ${k}`);
		},
	},
	{
		name: 'of all classes are those of each class put together',
		async holds(kept, s) {
			const together: number[] = [];
			for (const id of [0, 1, 2]) {
				const members = s.classIds.flatMap((c, i) => (c === id ? [i] : []));
				const ofClass = await kept(select(s, members), { classAgnostic: true });
				together.push(...ofClass.map((k) => members[k]));
			}
			assert.deepEqual(
				await kept(s),
				together.sort((i, j) => s.scores[j] - s.scores[i] || i - j),
			);
		},
	},
	{
		name: 'are all boxes for t = 1, and have disjoint interiors for t = 0',
		async holds(kept, s) {
			assert.lengthOf(await kept({ ...s, t: 1 }), s.boxes.length);
			const disjoint = await kept({ ...s, t: 0 }, { classAgnostic: true });
			const more = s.rule.pixelOffset;
			const isEmpty = (r: number[]) => r[2] - r[0] + more <= 0 || r[3] - r[1] + more <= 0;
			for (const i of disjoint) {
				for (const j of disjoint) {
					const [a, b] = [s.boxes[i], s.boxes[j]];
					// an empty box has no interior
					if (i === j || isEmpty(a) || isEmpty(b)) continue;
					assert.isTrue(a[2] + more <= b[0] || b[2] + more <= a[0] || a[3] + more <= b[1] || b[3] + more <= a[1], `${i} and ${j}`);
				}
			}
		},
	},
];

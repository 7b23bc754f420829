// What is true of every answer of greedy suppression, whatever computes it. That no kept pair overlaps and that every
// suppressed box has an earlier kept one that overlaps it, together with the order, leave one answer only.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook, type SuppressionRules } from '../../../src/cpu/nms.js';
import { keyOf, nextUp } from '../../../src/numbers.js';

const NO_LIMIT = 0xffffffff;
const THRESHOLDS = [0, 0.1, 0.3, 0.45, 0.5, 0.6, 0.65, 0.7, 0.9, 1].map(Math.fround);

/** Integer boxes on a small field: overlaps and exact ties are common, and float64 holds every IoU's numerator and denominator. */
interface Scene {
	boxes: number[][];
	scores: number[];
	classIds: number[];
	t: number;
}

const box = fc
	.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -20, max: 20 }), fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 12 }))
	.map(([x, y, w, h]) => [x, y, x + w, y + h]);
/** Scores in sixteenths: ties are common. */
const scene: fc.Arbitrary<Scene> = fc
	.tuple(fc.array(fc.tuple(box, fc.integer({ min: 0, max: 16 }), fc.integer({ min: 0, max: 2 })), { maxLength: 90 }), fc.constantFrom(...THRESHOLDS))
	.map(([rows, t]) => ({ boxes: rows.map((r) => r[0]), scores: rows.map((r) => r[1] / 16), classIds: rows.map((r) => r[2]), t }));

/** The scene with scores that are all different, in the same order as before ties. */
const distinct = scene.map((s) => ({ ...s, scores: s.scores.map((score, i) => score - i / 4096) }));

function iou(a: number[], b: number[]): number {
	const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
	const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
	if (w <= 0 || h <= 0) return 0;
	const area = (r: number[]) => (r[2] - r[0]) * (r[3] - r[1]);
	return Math.fround((w * h) / (area(a) + area(b) - w * h));
}

for (const [name, nms] of Object.entries({ nmsTextbook, nmsFast })) {
	const kept = (s: Scene, given: Partial<SuppressionRules> = {}): number[] => {
		const rules = { minKey: 0, iouThreshold: s.t, maxDetections: NO_LIMIT, maxCandidates: NO_LIMIT, tiesHighest: false, classAgnostic: false, ...given };
		return Array.from(nms(Float32Array.from(s.boxes.flat()), Float32Array.from(s.scores), s.classIds, rules).indices);
	};
	const check = (arbitrary: fc.Arbitrary<Scene>, property: (s: Scene) => void) => fc.assert(fc.property(arbitrary, property), { seed: 20260705, numRuns: 300 });
	const select = (s: Scene, indices: number[]): Scene => ({
		t: s.t,
		boxes: indices.map((i) => s.boxes[i]),
		scores: indices.map((i) => s.scores[i]),
		classIds: indices.map((i) => s.classIds[i]),
	});
	const move = (s: Scene, change: (b: number[]) => number[]): Scene => ({ ...s, boxes: s.boxes.map(change) });

	describe(`${name}: kept indices`, () => {
		it('are unique, in range and ordered by score, then index; the first is the best', () =>
			check(scene, (s) => {
				const indices = kept(s);
				expect(new Set(indices).size).toBe(indices.length);
				for (const i of indices) expect(i >= 0 && i < s.boxes.length).toBe(true);
				for (let k = 1; k < indices.length; k++) {
					const [p, q] = [indices[k - 1], indices[k]];
					expect(s.scores[p] > s.scores[q] || (s.scores[p] === s.scores[q] && p < q)).toBe(true);
				}
				if (s.boxes.length > 0) expect(indices[0]).toBe(s.scores.indexOf(Math.max(...s.scores)));
			}));

		it('have no pair that overlaps by more than t, and every other box has an earlier one that does', () =>
			check(scene, (s) => {
				const indices = kept(s);
				const suppresses = (i: number, j: number) => s.classIds[i] === s.classIds[j] && iou(s.boxes[i], s.boxes[j]) > s.t;
				const before = (i: number, j: number) => s.scores[i] > s.scores[j] || (s.scores[i] === s.scores[j] && i < j);
				for (const i of indices) for (const j of indices) if (i !== j) expect(suppresses(i, j)).toBe(false);
				const keptSet = new Set(indices);
				s.boxes.forEach((_, j) => {
					if (!keptSet.has(j)) expect(indices.some((i) => before(i, j) && suppresses(i, j))).toBe(true);
				});
			}));

		it('are kept again when they are all there is', () =>
			check(scene, (s) => {
				const indices = kept(s);
				expect(kept(select(s, indices))).toEqual(indices.map((_, k) => k));
			}));

		it('follow a permutation of boxes with different scores', () =>
			fc.assert(
				fc.property(distinct, fc.infiniteStream(fc.nat()), (s, stream) => {
					const order = s.boxes.map((_, i) => i);
					for (let i = order.length - 1; i > 0; i--) {
						const j = (stream.next().value as number) % (i + 1);
						[order[i], order[j]] = [order[j], order[i]];
					}
					expect(kept(select(s, order)).map((k) => order[k])).toEqual(kept(s));
				}),
				{ seed: 1, numRuns: 300 },
			));

		it('with a limit are the first of those without', () =>
			check(scene, (s) => {
				const all = kept(s);
				for (const limit of [0, 1, 2, 5, 40]) expect(kept(s, { maxDetections: limit })).toEqual(all.slice(0, limit));
			}));

		it('with a higher score threshold are those of the lower one, filtered', () =>
			check(scene, (s) => {
				for (const t of [0.25, 0.5, 1]) {
					expect(kept(s, { minKey: keyOf(nextUp(t)) })).toEqual(kept(s).filter((i) => s.scores[i] > t));
					expect(kept(s, { minKey: keyOf(t) })).toEqual(kept(s).filter((i) => s.scores[i] >= t));
				}
			}));

		it('stay when lower-scored boxes are added, and when an unusable box is', () =>
			check(scene, (s) => {
				const all = kept(s);
				const lower = { ...s, boxes: [...s.boxes, ...s.boxes], scores: [...s.scores, ...s.scores.map((x) => x - 2)], classIds: [...s.classIds, ...s.classIds] };
				expect(kept(lower).slice(0, all.length)).toEqual(all);
				const unusable = { ...s, boxes: [...s.boxes, [0, 0, Number.NaN, 9]], scores: [...s.scores, 2], classIds: [...s.classIds, 0] };
				expect(kept(unusable)).toEqual(all);
			}));

		it('of empty boxes add exactly themselves', () =>
			check(scene, (s) => {
				const n = s.boxes.length;
				const empty = { ...s, boxes: [...s.boxes, [0, 0, 0, 9], [5, 5, 4, 9]], scores: [...s.scores, 2, -1], classIds: [...s.classIds, 0, 0] };
				expect(kept(empty)).toEqual([n, ...kept(s), n + 1]);
			}));

		it('do not change when integer boxes are moved, mirrored, turned or scaled by powers of two', () =>
			check(scene, (s) => {
				const all = kept(s);
				expect(kept(move(s, ([a, b, c, d]) => [a + 1000, b - 777, c + 1000, d - 777]))).toEqual(all);
				expect(kept(move(s, ([a, b, c, d]) => [-c, b, -a, d]))).toEqual(all);
				expect(kept(move(s, ([a, b, c, d]) => [b, a, d, c]))).toEqual(all);
				for (const k of [2 ** -20, 2 ** -3, 2, 2 ** 40]) expect(kept(move(s, (r) => r.map((x) => x * k)))).toEqual(all);
			}));

		it('of all classes are those of each class put together', () =>
			check(scene, (s) => {
				const perClass = [0, 1, 2].flatMap((id) => {
					const members = s.classIds.flatMap((c, i) => (c === id ? [i] : []));
					return kept(select(s, members), { classAgnostic: true }).map((k) => members[k]);
				});
				expect(kept(s)).toEqual(perClass.sort((i, j) => s.scores[j] - s.scores[i] || i - j));
			}));

		it('are all boxes for t = 1, and have disjoint interiors for t = 0', () =>
			check(scene, (s) => {
				expect(kept({ ...s, t: 1 }).length).toBe(s.boxes.length);
				const disjoint = kept({ ...s, t: 0 }, { classAgnostic: true });
				for (const i of disjoint) for (const j of disjoint) if (i !== j) expect(iou(s.boxes[i], s.boxes[j])).toBe(0);
			}));
	});
}

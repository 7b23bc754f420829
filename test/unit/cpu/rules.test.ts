// Measures of overlap other than plain IoU, and inclusive pixels: the decision against exact integers, and the fast path
// against the textbook where its grids must find boxes that plain IoU would not compare.

import { describe, expect, it } from 'vitest';
import { areaOf, inclusiveAreaOf, isPlain, type OverlapRule, overlapsByRule, overlapsMore, PLAIN_OVERLAP } from '../../../src/boxes/overlap.js';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook } from '../../../src/cpu/nms.js';
import { decisionThreshold } from '../../../src/numbers.js';
import { callOf } from '../../support/calls.js';
import { OVERLAP_RULES, overlapsExactly } from '../../support/nms-properties.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../../support/random.js';

const THRESHOLDS = [0, 0.1, 1 / 9, 0.3, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

function decide(rule: OverlapRule, a: readonly number[], b: readonly number[], t: number): boolean {
	const boxes = Float32Array.from([...a, ...b]);
	const area = ([x1, y1, x2, y2]: readonly number[]) => areaOf(x1, y1, x2, y2);
	return overlapsByRule(rule, boxes, 0, area(a), boxes, 1, area(b), decisionThreshold(t));
}

describe('overlapsByRule', () => {
	it.each(OVERLAP_RULES)('decides as exact fractions do: %s', (_, rule) => {
		const next = random(17);
		const whole = (most: number) => Math.floor(next() * most);
		let ties = 0;
		let above = 0;
		for (let i = 0; i < 40_000; i++) {
			const t = THRESHOLDS[i % THRESHOLDS.length];
			const [x, y, w, h] = [whole(30) - 9, whole(30) - 9, whole(40) - 1, whole(40) - 1];
			const a = [x, y, x + w, y + h];
			// inside, moved by a part of the width, or anywhere
			const part = Math.round((w + rule.pixelOffset) * t);
			const b = [
				[x, y, x + part - rule.pixelOffset, y + h],
				[x + w + rule.pixelOffset - part, y, x + 2 * w + rule.pixelOffset - part, y + h],
				[x + whole(9) - 4, y + whole(9) - 4, x + w + whole(9) - 4, y + h + whole(9) - 4],
			][i % 3];
			const got = decide(rule, a, b, t);
			if (got !== overlapsExactly(a, b, Math.fround(t), rule)) expect(got, `${a} and ${b} at ${t}`).toBe(!got);
			above += Number(got);
			// a float32 lower, and the pair overlaps
			const below = t > 0 ? Math.fround(t) - 2 ** -24 * 2 ** Math.floor(Math.log2(t)) : 0;
			if (!got && decide(rule, a, b, below)) ties++;
		}
		expect(above).toBeGreaterThan(5000);
		expect(ties).toBeGreaterThan(500);
	});

	it('is overlapsMore for plain IoU, whatever the boxes', () => {
		const next = random(19);
		for (const set of ['integer', 'clustered', 'degenerate', 'uniform'] as const) {
			const boxes = randomBoxes(400, set, next);
			for (let i = 0; i + 1 < 400; i++) {
				const area = (k: number) => areaOf(boxes[4 * k], boxes[4 * k + 1], boxes[4 * k + 2], boxes[4 * k + 3]);
				const given = [boxes, i, area(i), boxes, i + 1, area(i + 1)] as const;
				for (const t of THRESHOLDS) expect(overlapsByRule(PLAIN_OVERLAP, ...given, t)).toBe(overlapsMore(...given, t));
			}
		}
		expect(isPlain(PLAIN_OVERLAP)).toBe(true);
		for (const [, rule] of OVERLAP_RULES) expect(isPlain(rule)).toBe(false);
	});

	it('counts inclusive pixels: a point is one pixel, ends that meet share one, a box turned by one is empty', () => {
		expect(inclusiveAreaOf(5, 5, 5, 5)).toBe(1);
		expect(inclusiveAreaOf(0, 0, 9, 19)).toBe(200);
		expect(inclusiveAreaOf(5, 5, 4, 9)).toBe(0);
		expect(inclusiveAreaOf(5, 5, 1, 1)).toBe(0);
		const inclusive: OverlapRule = { kind: 'iou', pixelOffset: 1 };
		// 1 column of 10 in 100 + 100 - 10: 1 / 19
		const touching = [
			[0, 0, 9, 9],
			[9, 0, 18, 9],
		] as const;
		expect(decide(inclusive, ...touching, 0.052)).toBe(true);
		expect(decide(inclusive, ...touching, 0.053)).toBe(false);
		expect(decide(PLAIN_OVERLAP, ...touching, 0)).toBe(false);
		expect(decide(inclusive, [0, 0, 9, 9], [10, 0, 19, 9], 0)).toBe(false);
		expect(decide(inclusive, [0, 0, 9, 9], [9.5, 0, 19, 9], 0)).toBe(true);
	});
});

describe.each(OVERLAP_RULES)('nmsFast equals nmsTextbook by %s', (_, rule) => {
	const BOX_SETS: BoxSet[] = ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain', 'disjoint'];
	const SCORE_SETS: ScoreSet[] = ['distinct', 'few', 'equal', 'nasty'];

	/** Compares both, and returns how many were suppressed. */
	function expectEqual(boxes: Float32Array, scores: Float32Array, classIds: Uint32Array | undefined, iou: number, label: string): number {
		const call = callOf({ iou, tiesHighest: label.length % 2 === 0 });
		const textbook = nmsTextbook(boxes, scores, classIds, call, rule);
		const fast = nmsFast(boxes, scores, classIds, call, rule);
		if (fast.indices.join() !== textbook.indices.join()) expect([...fast.indices], label).toEqual([...textbook.indices]);
		return textbook.numCandidates - textbook.indices.length;
	}

	it('in 700 random cases', () => {
		const next = random(23);
		let suppressed = 0;
		for (let i = 0; i < 700; i++) {
			const n = i % 70 === 0 ? 1500 : Math.floor(next() * 200);
			const set = BOX_SETS[i % BOX_SETS.length];
			const scores = randomScores(n, SCORE_SETS[Math.floor(next() * SCORE_SETS.length)], next);
			const classIds = next() < 0.5 ? undefined : Uint32Array.from({ length: n }, () => Math.floor(next() * 3));
			const t = THRESHOLDS[Math.floor(next() * THRESHOLDS.length)];
			suppressed += expectEqual(randomBoxes(n, set, next), scores, classIds, t, `case ${i}: ${n} ${set} at ${t}`);
		}
		expect(suppressed).toBeGreaterThan(5000);
	});

	it('for boxes of all sizes, points and turned ones among them, and ends that meet far from 0', () => {
		const next = random(27);
		let suppressed = 0;
		for (let round = 0; round < 90; round++) {
			const n = 200;
			const boxes = new Float32Array(n * 4);
			const far = [0, 1e3, 2 ** 24, 2 ** 40, -(2 ** 60)][round % 5];
			for (let i = 0; i < n; i++) {
				const size = i % 3 === 0 ? next() * 3 - 1 : 10 ** (next() * 6 - 2);
				const [x, y] = [far + next() * 120, far + next() * 120];
				boxes.set([x, y, x + size, y + size * 4 ** (next() * 2 - 1)], i * 4);
				// beginning where another ends, or a little beyond
				const other = Math.floor(next() * i);
				if (i > 0 && i % 4 === 0) boxes[4 * i] = boxes[4 * other + 2] + [0, 0.5, 0.9999, 1][Math.floor(next() * 4)];
			}
			const t = [0, 0.01, 0.3, 0.7, 0.99][Math.floor(round / 5) % 5];
			suppressed += expectEqual(boxes, randomScores(n, 'distinct', next), undefined, t, `round ${round}`);
		}
		expect(suppressed).toBeGreaterThan(1000);
	});
});

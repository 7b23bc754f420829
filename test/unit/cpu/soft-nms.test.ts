// Soft-NMS: the textbook against plain float64 loops written from the paper's formulas, the fast path against the textbook bit for bit.

import { assert, describe, expect, it, test } from 'vitest';
import { decayedKey, type SoftRule } from '../../../src/boxes/decay.js';
import { overlapOf, overlapsByRule, PLAIN_OVERLAP } from '../../../src/boxes/overlap.js';
import { scoreKeyOf } from '../../../src/cpu/score-keys.js';
import { softNmsFast } from '../../../src/cpu/soft-fast.js';
import { Heap } from '../../../src/cpu/soft-heap.js';
import { type SoftRules, softNmsTextbook } from '../../../src/cpu/soft-nms.js';
import { decisionThreshold, keyOf, nextUp, scoreOfKey } from '../../../src/numbers.js';
import { OVERLAP_RULES } from '../../support/nms-properties.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../../support/random.js';

const NO_LIMIT = 0xffffffff;
const GAUSSIAN: SoftRule = { method: 'gaussian', removal: false };
const REMOVAL: SoftRule = { method: 'gaussian', removal: true };
const LINEAR: SoftRule = { method: 'linear', removal: false };

function rules(given: Partial<SoftRules> & { score?: number; sigma?: number } = {}): SoftRules {
	const { score = 0, sigma = 0.5, ...rest } = given;
	const limits = { maxDetections: NO_LIMIT, maxCandidates: NO_LIMIT, tiesHighest: false, classAgnostic: false };
	return { minKey: keyOf(nextUp(score)), iouThreshold: 0.3, softScale: Math.fround(-1 / Math.fround(sigma)), ...limits, ...rest };
}

/** The paper's algorithm (Bodla et al. 2017, figure 2) in double: the best goes to D, the scores of all others are rescored, those below the threshold go. */
function plainSoftNms(boxes: Float32Array, scores: Float32Array, weight: (iou: number) => number, scoreThreshold: number): [index: number, score: number][] {
	const area = (i: number) => (boxes[4 * i + 2] - boxes[4 * i]) * (boxes[4 * i + 3] - boxes[4 * i + 1]);
	const iou = (i: number, j: number) => {
		const side = (c: number) => Math.min(boxes[4 * i + c + 2], boxes[4 * j + c + 2]) - Math.max(boxes[4 * i + c], boxes[4 * j + c]);
		const shared = Math.max(0, side(0)) * Math.max(0, side(1));
		return shared / (area(i) + area(j) - shared);
	};
	let left = Array.from(scores, (score, index) => ({ score, index })).filter(({ score }) => score > scoreThreshold);
	const found: [number, number][] = [];
	while (left.length > 0) {
		const best = left.reduce((a, b) => (b.score > a.score ? b : a));
		found.push([best.index, best.score]);
		left = left.filter((one) => one !== best).map(({ score, index }) => ({ score: score * weight(iou(index, best.index)), index }));
		left = left.filter(({ score }) => score > scoreThreshold);
	}
	return found;
}

describe('softNmsTextbook follows the formulas of the paper', () => {
	const t = 0.3;
	const ways: readonly [name: string, rule: SoftRule, sigma: number, weight: (iou: number) => number][] = [
		['gaussian, sigma .5', GAUSSIAN, 0.5, (iou) => Math.exp(-(iou * iou) / 0.5)],
		['gaussian, sigma .1', GAUSSIAN, 0.1, (iou) => Math.exp(-(iou * iou) / 0.1)],
		['gaussian with removal', REMOVAL, 0.5, (iou) => (iou > t ? 0 : Math.exp(-(iou * iou) / 0.5))],
		['linear', LINEAR, 0.5, (iou) => (iou > t ? 1 - iou : 1)],
	];
	test.each(ways)('%s', (_, rule, sigma, weight) => {
		let compared = 0;
		for (let seed = 0; seed < 40; seed++) {
			const next = random(seed);
			const boxes = randomBoxes(60, seed % 2 ? 'clustered' : 'uniform', next);
			const scores = randomScores(60, 'distinct', next);
			const wanted = plainSoftNms(boxes, scores, weight, 0.05);
			const got = softNmsTextbook(boxes, scores, undefined, rules({ iouThreshold: t, score: 0.05, sigma }), rule);
			// scores nearer to each other or to the threshold than their roundings may change places
			const values = [...wanted.map(([, score]) => score), 0.05];
			if (values.some((score, i) => i > 0 && values[i - 1] - score < 1e-5)) continue;
			compared++;
			assert.deepEqual(
				[...got.indices],
				wanted.map(([index]) => index),
			);
			wanted.forEach(([, score], i) => assert.approximately(got.scores[i], score, 1e-6));
		}
		assert.isAbove(compared, 25);
	});
});

const BOX_SETS: BoxSet[] = ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain', 'disjoint'];
const SCORE_SETS: ScoreSet[] = ['distinct', 'few', 'equal', 'nasty'];

describe('softNmsFast equals softNmsTextbook', () => {
	it('in 3,000 seeded cases, to the bit', () => {
		const next = random(17);
		const pick = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)];
		let numKept = 0;
		let numDecayed = 0;
		for (let i = 0; i < 3000; i++) {
			const n = i % 100 === 0 ? 1100 + Math.floor(next() * 300) : Math.floor(next() * 70);
			const boxes = randomBoxes(n, pick(BOX_SETS), next);
			const scores = randomScores(n, pick(SCORE_SETS), next);
			const classIds = next() < 0.5 ? undefined : Uint32Array.from({ length: n }, () => Math.floor(next() * 3));
			const given = rules({
				iouThreshold: decisionThreshold(pick([0, 0.1, 0.3, 0.5, 0.7, 1])),
				score: pick([0, 0.001, 0.3]),
				sigma: pick([1e-30, 0.05, 0.25, 0.5, 2, 1e30]),
				maxDetections: next() < 0.5 ? NO_LIMIT : Math.floor(next() * 30),
				maxCandidates: next() < 0.7 ? NO_LIMIT : 1 + Math.floor(next() * n),
				tiesHighest: next() < 0.3,
				classAgnostic: next() < 0.2,
			});
			const rule = pick([GAUSSIAN, REMOVAL, LINEAR]);
			const overlap = pick([PLAIN_OVERLAP, PLAIN_OVERLAP, ...OVERLAP_RULES.map(([, other]) => other)]);
			const fast = softNmsFast(boxes, scores, classIds, given, rule, overlap);
			const textbook = softNmsTextbook(boxes, scores, classIds, given, rule, overlap);
			const facts = ({ indices, scores: left, ...counts }: typeof fast) => `${indices} ${new Uint32Array(left.buffer)} ${JSON.stringify(counts)}`;
			if (facts(fast) !== facts(textbook)) expect(fast, `case ${i}`).toEqual(textbook);
			numKept += textbook.indices.length;
			numDecayed += textbook.indices.filter((index, k) => textbook.scores[k] !== scores[index]).length;
			for (let k = 1; k < textbook.scores.length; k++) assert.isAtMost(textbook.scores[k], textbook.scores[k - 1]);
		}
		assert.isAbove(numKept, 20_000);
		assert.isAbove(numDecayed, 8_000);
	});

	it('in 20,000 boxes with a limit', () => {
		const next = random(5);
		const boxes = randomBoxes(20_000, 'clustered', next);
		const scores = randomScores(20_000, 'distinct', next);
		const given = rules({ maxDetections: 100, score: 0.001 });
		assert.deepEqual(softNmsFast(boxes, scores, undefined, given, GAUSSIAN), softNmsTextbook(boxes, scores, undefined, given, GAUSSIAN));
	});
});

describe('the overlap itself', () => {
	it('is above a threshold exactly when the decision says so', () => {
		const next = random(8);
		const boxes = randomBoxes(400, 'integer', next);
		const area = (i: number) => (boxes[4 * i + 2] - boxes[4 * i]) * (boxes[4 * i + 3] - boxes[4 * i + 1]);
		let above = 0;
		for (const [, rule] of [['', PLAIN_OVERLAP] as const, ...OVERLAP_RULES]) {
			for (let i = 0; i < 400; i += 2) {
				const pair = [boxes, i, area(i), boxes, i + 1, area(i + 1)] as const;
				const value = overlapOf(rule, ...pair);
				for (const t of [0, 0.1, 1 / 3, 0.5, value, 1]) {
					const decided = overlapsByRule(rule, ...pair, decisionThreshold(t));
					assert.equal(value > Math.fround(t), decided);
					if (decided) above++;
				}
			}
		}
		assert.isAbove(above, 200);
	});
});

describe('decayedKey', () => {
	const left = (score: number, overlap: number, rule: SoftRule, t = 0.5, sigma = 0.5) =>
		scoreOfKey(decayedKey(keyOf(Math.fround(score)), Math.fround(overlap), rule, Math.fround(t), Math.fround(-1 / Math.fround(sigma))));
	it('is exp(-iou²/sigma) and 1 - iou', () => {
		for (const iou of [0.01, 0.3, 0.51, 0.9, 1]) {
			assert.approximately(left(0.8, iou, GAUSSIAN), 0.8 * Math.exp(-(iou * iou) / 0.5), 1e-7);
			assert.approximately(left(0.8, iou, LINEAR), iou > 0.5 ? 0.8 * (1 - iou) : 0.8, 1e-7);
		}
	});
	it('leaves what nothing overlaps, and what overlaps no more than the threshold, as it is: denormal and infinite scores, too', () => {
		for (const score of [0, 1e-40, 0.3, Number.POSITIVE_INFINITY]) {
			const key = keyOf(Math.fround(score));
			for (const rule of [GAUSSIAN, REMOVAL, LINEAR]) assert.equal(decayedKey(key, 0, rule, 0, -2), key);
			assert.equal(decayedKey(key, 0.5, LINEAR, 0.5, 0), key);
		}
	});
	it('never makes a number that is none: infinity times 0 is 0', () => {
		assert.equal(left(Number.POSITIVE_INFINITY, 1, LINEAR), 0);
		assert.equal(left(Number.POSITIVE_INFINITY, 0.5, GAUSSIAN), Number.POSITIVE_INFINITY);
		assert.isAbove(left(1, 1, GAUSSIAN, 0.5, 1e-30), 0, 'the weight of a Gaussian is never 0');
		assert.equal(left(1e-38, 0.9, GAUSSIAN), 0, 'below the smallest normal float');
	});
	it('is 0, the key of nothing, where tfjs removes', () => {
		assert.equal(decayedKey(keyOf(0.9), 0.6, REMOVAL, 0.5, -2), 0);
		assert.isAbove(decayedKey(keyOf(0.9), 0.5, REMOVAL, 0.5, -2), 0);
	});
});

describe('scores by their logits', () => {
	it('are in order but for fewer units than the slack that the fast ways allow for', () => {
		const next = random(2);
		let worst = 0;
		for (let i = 0; i < 200_000; i++) {
			const logit = Math.fround((next() - 0.5) * 60);
			const lower = scoreKeyOf(keyOf(logit), 'sigmoid');
			worst = Math.max(worst, lower - scoreKeyOf(keyOf(nextUp(logit)), 'sigmoid'), lower - scoreKeyOf(keyOf(logit + 2 ** -20 * Math.abs(logit)), 'sigmoid'));
		}
		assert.isBelow(worst, 32);
	});
	it('are sigmoids, roots, or the numbers themselves', () => {
		assert.approximately(scoreOfKey(scoreKeyOf(keyOf(1.5), 'sigmoid')), 1 / (1 + Math.exp(-1.5)), 1e-7);
		assert.equal(scoreOfKey(scoreKeyOf(keyOf(0.25), 'sqrt')), 0.5);
		assert.equal(scoreKeyOf(keyOf(0.25), 'itself'), keyOf(0.25));
	});
});

describe('the heap', () => {
	it('gives entries back by key, then by tie order, however they came', () => {
		const next = random(4);
		for (const n of [1, 2, 3, 10, 700]) {
			const heap = new Heap();
			const entries = Array.from({ length: n }, (_, slot) => ({ key: Math.floor(next() * 20), tie: Math.floor(next() * 2 ** 32), slot }));
			for (const { key, tie, slot } of entries) heap.push(key, tie, slot, slot + 1);
			entries.sort((a, b) => b.key - a.key || a.tie - b.tie);
			const got = entries.map(() => {
				const { topKey, topTie, topSlot, topSeen } = heap;
				heap.pop();
				return [topKey, topTie, topSlot, topSeen];
			});
			expect(got).toEqual(entries.map(({ key, tie, slot }) => [key, tie, slot, slot + 1]));
			expect(heap.count).toBe(0);
		}
	});
});

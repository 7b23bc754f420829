// Fast suppression against the textbook, bit for bit, in 10,000 seeded cases of every variant:
//
//   hard      6 measures of overlap (iou, bounding-union, iom, each plain and with inclusive pixels) x suppress '>' and '>='
//   close     pairs whose IoU is the threshold, or off by 2^-26 to 2^-10 of it, of sides from 2^-60 to 2^60
//   rotated   iou, probiou x greedy and fast NMS
//   soft      gaussian, gaussian with removal, linear
//
// In each: ties by lower and higher index, classes, agnostic and none, limits, cuts, score thresholds that scores hit exactly, equal
// boxes and scores, points, NaN, infinities, -0. Most cases are small, some long enough for grids and sections of the ranking.

import { assert, describe, test } from 'vitest';
import type { SoftRule } from '../../../src/boxes/decay.js';
import { type OverlapRule, PLAIN_OVERLAP, type RotatedIouKind } from '../../../src/boxes/overlap.js';
import { upright } from '../../../src/boxes/rotated-formats.js';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook, type SuppressionResult } from '../../../src/cpu/nms.js';
import { rotatedKeeps } from '../../../src/cpu/rotated.js';
import { softNmsFast } from '../../../src/cpu/soft-fast.js';
import { type SoftRules, softNmsTextbook } from '../../../src/cpu/soft-nms.js';
import { decisionThreshold, keyOf, nextDown, nextUp } from '../../../src/numbers.js';
import { OVERLAP_RULES } from '../../support/nms-properties.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../../support/random.js';
import { type RotatedSet, randomRotated } from '../../support/random-rotated.js';

const CASES = 10_000;
const NO_LIMIT = 0xffffffff;
const THRESHOLDS = [0, 0.1, 0.3, 1 / 3, 0.45, 0.5, 0.6, 0.7, 0.9, 1];
const BOX_SETS: readonly BoxSet[] = ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain', 'disjoint'];
const SCORE_SETS: readonly ScoreSet[] = ['distinct', 'few', 'equal', 'nasty'];
const ROTATED_SETS: readonly RotatedSet[] = ['clustered', 'whole', 'sizes', 'spoiled'];

/** One case: how many boxes, and the rules by which they go. */
function draw(i: number, next: () => number, long: number, reached: boolean) {
	const n = i % 500 === 0 ? Math.floor(next() * long) : Math.floor(next() * (i % 4 === 0 ? 70 : 20));
	const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)];
	const t = decisionThreshold(pick(THRESHOLDS));
	const numClasses = pick([0, 0, 1, 3, 2000]);
	const rules: SoftRules = {
		// scores are often eighths, so some are at the threshold: it passes for 'at least', not for 'above'
		minKey: pick([0, keyOf(nextUp(0)), keyOf(0.25), keyOf(nextUp(0.25))]),
		iouThreshold: reached ? nextDown(t) : t,
		maxDetections: next() < 0.6 ? NO_LIMIT : Math.floor(next() * 0.4 * n),
		maxCandidates: next() < 0.7 ? NO_LIMIT : 1 + Math.floor(next() * n),
		tiesHighest: next() < 0.5,
		classAgnostic: next() < 0.15,
	};
	const classIds = numClasses === 0 ? undefined : Uint32Array.from({ length: n }, () => Math.floor(next() * numClasses));
	return { n, pick, rules, classIds, scores: randomScores(n, pick(SCORE_SETS), next) };
}

const facts = ({ indices, numCandidates, truncated, rejected }: SuppressionResult) => `${indices.join()} of ${numCandidates}, ${truncated}, ${rejected}`;

/** Compares, and counts what was suppressed, so that cases neither suppress nothing nor everything. */
class Tally {
	kept = 0;
	suppressed = 0;

	compare(fast: SuppressionResult, textbook: SuppressionResult, label: () => string): void {
		if (facts(fast) !== facts(textbook)) assert.equal(facts(fast), facts(textbook), label());
		this.kept += textbook.indices.length;
		this.suppressed += textbook.numCandidates - textbook.truncated - textbook.indices.length;
	}

	check(): void {
		assert.isAbove(this.kept, CASES);
		assert.isAbove(this.suppressed, CASES);
	}
}

describe('nmsFast equals nmsTextbook in 10,000 cases', () => {
	const measures: readonly [string, OverlapRule][] = [['iou', PLAIN_OVERLAP], ...OVERLAP_RULES];
	const variants = measures.flatMap(([name, rule]) => [false, true].map((reached) => [`${name}, ${reached ? '>=' : '>'}`, rule, reached] as const));
	test.each(variants)('%s', (name, rule, reached) => {
		const next = random(name.length * 31 + Number(reached));
		const tally = new Tally();
		for (let i = 0; i < CASES; i++) {
			const { n, pick, rules, classIds, scores } = draw(i, next, 600, reached);
			const set = pick(BOX_SETS);
			const boxes = randomBoxes(n, set, next);
			const given = [boxes, scores, classIds, rules, rule] as const;
			tally.compare(nmsFast(...given), nmsTextbook(...given), () => `case ${i}: ${n} ${set}, ${JSON.stringify(rules)}`);
		}
		tally.check();
	});
});

const ALL_OF_ONE_CLASS = { minKey: 0, maxDetections: NO_LIMIT, maxCandidates: NO_LIMIT, tiesHighest: false, classAgnostic: true };

describe('nmsFast equals nmsTextbook of pairs', () => {
	/** The second of two boxes is as wide, moved by so much that their IoU is q; up to rounding, which is what this is about. */
	function pairOf(q: number, next: () => number): Float32Array {
		// some areas are as small as areas can be: what they share is less, and counts as nothing
		const tiny = next() < 0.25;
		const width = 2 ** (tiny ? -60 * next() : 120 * next() - 60);
		const height = tiny ? (2 ** -126 * (1 + 3 * next())) / width : 2 ** (120 * next() - 60);
		// far from the origin the sides have fewer bits
		const x = (next() - 0.5) * width * 2 ** Math.floor(8 * next());
		const y = tiny ? 0 : (next() - 0.5) * height * 2 ** Math.floor(8 * next());
		const [dx, dy] = tiny || next() < 0.5 ? [(width * (1 - q)) / (1 + q), 0] : [0, (height * (1 - q)) / (1 + q)];
		return Float32Array.of(x, y, x + width, y + height, x + dx, y + dy, x + dx + width, y + dy + height);
	}

	test.each([false, true])('in 20,000 cases close to the threshold, reached %s', (reached) => {
		const next = random(Number(reached));
		const scores = Float32Array.of(1, 0.5);
		let suppressed = 0;
		for (let i = 0; i < 2 * CASES; i++) {
			const t = decisionThreshold(THRESHOLDS[1 + (i % (THRESHOLDS.length - 2))]);
			const boxes = pairOf(t * (1 + (i % 5 === 0 ? 0 : (next() < 0.5 ? -1 : 1) * 2 ** -(10 + 16 * next()))), next);
			const rules = { ...ALL_OF_ONE_CLASS, iouThreshold: reached ? nextDown(t) : t };
			const textbook = nmsTextbook(boxes, scores, undefined, rules);
			const fast = nmsFast(boxes, scores, undefined, rules);
			if (facts(fast) !== facts(textbook)) assert.equal(facts(fast), facts(textbook), `case ${i}: ${boxes.join()}, ${rules.iouThreshold}`);
			suppressed += textbook.numCandidates - textbook.indices.length;
		}
		assert.isAbove(suppressed, CASES / 2);
		assert.isBelow(suppressed, (3 * CASES) / 2);
	});

	test('that cross, each so long that the width of the other is lost in double', () => {
		const [thin, long] = [2 ** -50, 2 ** 60];
		const boxes = Float32Array.of(-380, 0, long, thin, 0, -380, thin, long);
		const rules = { ...ALL_OF_ONE_CLASS, iouThreshold: 2 ** -14 };
		const given = [boxes, Float32Array.of(1, 0.5), undefined, rules] as const;
		assert.equal(facts(nmsTextbook(...given)), '0,1 of 2, 0, 0');
		assert.equal(facts(nmsFast(...given)), '0,1 of 2, 0, 0');
	});
});

describe('nmsFast equals nmsTextbook of rotated boxes in 10,000 cases', () => {
	const variants = (['iou', 'probiou'] as RotatedIouKind[]).flatMap((kind) => [false, true].map((fast) => [kind, fast ? 'fast' : 'greedy', fast] as const));
	test.each(variants)('%s, %s', (kind, _, fast) => {
		const next = random(kind.length * 7 + Number(fast));
		const rule: OverlapRule = { ...PLAIN_OVERLAP, rotated: kind, fast };
		const tally = new Tally();
		for (let i = 0; i < CASES; i++) {
			const { n, pick, rules, classIds, scores } = draw(i, next, 90, next() < 0.5);
			const set = pick(ROTATED_SETS);
			const boxes = upright(randomRotated(n, set, next));
			const given = [boxes, scores, classIds, rules, rule] as const;
			tally.compare(nmsFast(...given, rotatedKeeps), nmsTextbook(...given), () => `case ${i}: ${n} ${set}, ${JSON.stringify(rules)}`);
		}
		tally.check();
	});
});

describe('softNmsFast equals softNmsTextbook in 10,000 cases', () => {
	const variants: readonly [string, SoftRule][] = [
		['gaussian', { method: 'gaussian', removal: false }],
		['gaussian with removal', { method: 'gaussian', removal: true }],
		['linear', { method: 'linear', removal: false }],
	];
	test.each(variants)('%s', (name, soft) => {
		const next = random(name.length);
		let decayed = 0;
		for (let i = 0; i < CASES; i++) {
			const { n, pick, rules, classIds, scores } = draw(i, next, 200, next() < 0.5);
			const set = pick(BOX_SETS);
			const boxes = randomBoxes(n, set, next);
			const overlap = pick([PLAIN_OVERLAP, PLAIN_OVERLAP, ...OVERLAP_RULES.map(([, rule]) => rule)]);
			const sigma = pick([1e-30, 0.05, 0.5, 2, 1e30]);
			const given: SoftRules = { ...rules, minKey: keyOf(nextUp(pick([0, 0.001, 0.25]))), softScale: Math.fround(-1 / Math.fround(sigma)) };
			const fast = softNmsFast(boxes, scores, classIds, given, soft, overlap);
			const textbook = softNmsTextbook(boxes, scores, classIds, given, soft, overlap);
			const all = (result: typeof fast) => `${facts(result)}: ${new Uint32Array(result.scores.buffer).join()}`;
			if (all(fast) !== all(textbook)) assert.equal(all(fast), all(textbook), `case ${i}: ${n} ${set}, ${JSON.stringify(given)}`);
			decayed += textbook.indices.filter((index, k) => textbook.scores[k] !== scores[index]).length;
		}
		assert.isAbove(decayed, CASES / 4);
	});
});

// The fast path against the textbook: 10,000 seeded cases and the shapes that its grids, sections and lists are made for.

import { describe, expect, it } from 'vitest';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook, type SuppressionRules } from '../../../src/cpu/nms.js';
import { keyOf, nextDown } from '../../../src/numbers.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../../support/random.js';

const NO_LIMIT = 0xffffffff;
const THRESHOLDS = [0, 0.1, 0.3, 0.45, 0.5, 0.6, 0.65, 0.7, 0.9, 1];
const BOX_SETS: BoxSet[] = ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain', 'disjoint'];
const SCORE_SETS: ScoreSet[] = ['distinct', 'few', 'equal', 'nasty'];

function rules(given: Partial<SuppressionRules>): SuppressionRules {
	return { minKey: 0, iouThreshold: 0.5, maxDetections: NO_LIMIT, maxCandidates: NO_LIMIT, tiesHighest: false, classAgnostic: false, ...given };
}

/** Compares everything, and returns how many were kept. */
function expectEqual(boxes: Float32Array, scores: Float32Array, classIds: Uint32Array | undefined, given: SuppressionRules, label: string): number {
	const fast = nmsFast(boxes, scores, classIds, given);
	const textbook = nmsTextbook(boxes, scores, classIds, given);
	const same = fast.indices.length === textbook.indices.length && fast.indices.every((index, i) => index === textbook.indices[i]);
	// toEqual on every case would take most of the time; it is left to print the difference.
	if (!same) expect(fast.indices, label).toEqual(textbook.indices);
	if (fast.numCandidates !== textbook.numCandidates || fast.truncated !== textbook.truncated || fast.rejected !== textbook.rejected) {
		expect({ ...fast, indices: 0 }, label).toEqual({ ...textbook, indices: 0 });
	}
	return textbook.indices.length;
}

function randomRules(next: () => number, n: number): SuppressionRules {
	const t = Math.fround(THRESHOLDS[Math.floor(next() * THRESHOLDS.length)]);
	return rules({
		minKey: next() < 0.5 ? 0 : keyOf(Math.floor(next() * 8) / 8),
		iouThreshold: next() < 0.2 ? nextDown(t) : t,
		maxDetections: next() < 0.5 ? NO_LIMIT : Math.floor(next() * 0.2 * n),
		maxCandidates: next() < 0.7 ? NO_LIMIT : 1 + Math.floor(next() * n),
		tiesHighest: next() < 0.25,
		classAgnostic: next() < 0.15,
	});
}

function randomClasses(n: number, numClasses: number, next: () => number): Uint32Array | undefined {
	return numClasses === 1 ? undefined : Uint32Array.from({ length: n }, () => Math.floor(next() * numClasses));
}

describe('nmsFast equals nmsTextbook', () => {
	it('in 10,000 seeded cases', () => {
		const next = random(20260705);
		let numKept = 0;
		let numCut = 0;
		for (let i = 0; i < 10_000; i++) {
			// Some cases are long enough for sections of the ranking and rows of many keeps.
			const n = i % 40 === 0 ? 1100 + Math.floor(next() * 1500) : Math.floor(next() * (i % 10 === 0 ? 400 : 80));
			const boxSet = BOX_SETS[i % BOX_SETS.length];
			const scoreSet = SCORE_SETS[Math.floor(next() * SCORE_SETS.length)];
			const boxes = randomBoxes(n, boxSet, next);
			const scores = randomScores(n, scoreSet, next);
			const given = randomRules(next, n);
			const kept = expectEqual(
				boxes,
				scores,
				randomClasses(n, next() < 0.5 ? 1 : 80, next),
				given,
				`case ${i}: ${n} ${boxSet} ${scoreSet}, ${JSON.stringify(given)}`,
			);
			numKept += kept;
			if (kept < n) numCut++;
		}
		// The cases must neither be trivial nor suppress nothing.
		expect(numKept).toBeGreaterThan(100_000);
		expect(numCut).toBeGreaterThan(5_000);
	});

	it('for boxes of all sizes from 1e-20 to 1e18 at once, negative coordinates included', () => {
		const next = random(7);
		for (let round = 0; round < 60; round++) {
			const n = 400;
			const boxes = new Float32Array(n * 4);
			for (let i = 0; i < n; i++) {
				const size = 10 ** (next() * 38 - 20);
				const aspect = next() < 0.3 ? 10 ** (next() * 6 - 3) : 1;
				const [x, y] = [(next() - 0.5) * 4 * size, (next() - 0.5) * 4 * size];
				boxes.set([x, y, x + size * aspect, y + size / aspect], i * 4);
			}
			// Some follow others closely, so that sizes meet their like.
			for (let i = n / 2; i < n; i++) {
				const from = Math.floor((next() * n) / 2) * 4;
				const width = boxes[from + 2] - boxes[from];
				const shift = (next() - 0.5) * width;
				boxes.set([boxes[from] + shift, boxes[from + 1], boxes[from + 2] + shift * next(), boxes[from + 3]], i * 4);
			}
			for (const t of THRESHOLDS)
				expectEqual(boxes, randomScores(n, 'distinct', next), undefined, rules({ iouThreshold: Math.fround(t) }), `round ${round}, t ${t}`);
		}
	});

	it('for one giant box among many small ones, and stacks of long thin boxes', () => {
		const next = random(8);
		const n = 500;
		const boxes = new Float32Array(n * 4);
		for (let i = 0; i < n; i++) {
			const [x, y] = [next() * 1000, next() * 1000];
			if (i % 3 === 0) boxes.set([0, y, 1000, y + 1], i * 4);
			else if (i % 3 === 1) boxes.set([x, 0, x + 0.5, 1000], i * 4);
			else boxes.set([x, y, x + 2, y + 2], i * 4);
		}
		boxes.set([-1e6, -1e6, 1e6, 1e6], 0);
		for (const first of [1, 0]) {
			for (const t of THRESHOLDS) {
				const scores = randomScores(n, 'distinct', next);
				scores[0] = first;
				expectEqual(boxes, scores, undefined, rules({ iouThreshold: Math.fround(t) }), `giant ${first ? 'first' : 'last'}, t ${t}`);
			}
		}
	});

	// The farthest places from which a suppressor still reaches: if a bound of the grid were a little too tight, or cell
	// numbers rounded the wrong way, a candidate here would not be found.
	it('for pairs at the threshold in the extreme positions', () => {
		const next = random(9);
		let suppressed = 0;
		for (const t of [0.02, 0.1, 0.3, 0.45, 0.5, 0.50003, 0.5001, 0.55, 0.6, 0.7, 0.75, 0.9, 0.99, 0.9999]) {
			for (let round = 0; round < 12; round++) {
				const { boxes, scores } = extremePairs(t, 120, next);
				const kept = expectEqual(boxes, scores, undefined, rules({ iouThreshold: Math.fround(t) }), `t ${t}, round ${round}`);
				suppressed += scores.length - kept;
			}
		}
		expect(suppressed).toBeGreaterThan(2000);
	});

	it('for a centre that rounds to either side of a cell border', () => {
		// In doubles the two ways to the centre, x1 + w / 2 and x2 - w / 2, give 16 and 16 - 2^-48 for the last box; the
		// cells of the box before it are 16 wide.
		const boxes = new Float32Array(32 * 4);
		for (let i = 0; i < 30; i++) boxes.set([i * 100, 500, i * 100 + 20, 520], i * 4);
		boxes.set([0, 0, 31, 31], 30 * 4);
		boxes.set([-0.6 * 2 ** -47, 0, 32, 31], 31 * 4);
		const scores = Float32Array.from({ length: 32 }, (_, i) => 1 - i / 64);
		expect(expectEqual(boxes, scores, undefined, rules({ iouThreshold: Math.fround(0.6) }), 'border')).toBe(31);
	});

	it('when classes share a list: 65,536 of them, and ids that differ by 1024', () => {
		const next = random(10);
		const n = 3000;
		const boxes = randomBoxes(n, 'clustered', next);
		const scores = randomScores(n, 'distinct', next);
		const sparse = Uint32Array.from({ length: n }, () => Math.floor(next() * 65_536));
		const colliding = Uint32Array.from({ length: n }, () => 1024 * Math.floor(next() * 4) + 5);
		const largest = Uint32Array.from({ length: n }, () => 0xffffffff - Math.floor(next() * 2));
		for (const ids of [sparse, colliding, largest]) expectEqual(boxes, scores, ids, rules({ iouThreshold: 0.45 }), 'classes');
	});
});

/**
 * Kept boxes far from each other, and for each a candidate whose IoU is within a few ulp of t: moved aside, or scaled to
 * t of the width in a corner, or grown to 1/t of it. Thirty boxes more make sure that the grids are in use.
 */
function extremePairs(t: number, n: number, next: () => number): { boxes: Float32Array; scores: Float32Array } {
	const boxes = new Float32Array((30 + 2 * n) * 4);
	const scores = new Float32Array(30 + 2 * n);
	for (let i = 0; i < 30; i++) {
		boxes.set([i * 10, -5000, i * 10 + 5, -4990], i * 4);
		scores[i] = 1;
	}
	for (let i = 0; i < n; i++) {
		const x = i * 200 + (next() < 0.5 ? 0 : Math.floor(next() * 64));
		const [w, h] = next() < 0.5 ? [2 ** Math.floor(next() * 7), 2 ** Math.floor(next() * 7)] : [1 + next() * 90, 1 + next() * 90];
		const y = Math.floor(next() * 1000);
		const [dx, wide] = partner(w, next() < 0.5 ? t : Math.sqrt(t), next);
		const [dy, high] = partner(h, dx === 0 && wide === w ? t : 1, next);
		const off = 1 + (Math.floor(next() * 9) - 5) * 2 ** -24;
		const place = 30 + i;
		const kept = [x, y, x + w, y + h];
		const candidate = [x + dx * off, y + dy, x + (dx + wide) * off, y + dy + high];
		// Half of them turned, so that both axes meet the extremes.
		const turned = ([a, b, c, d]: number[]) => (i % 2 ? [b, a, d, c] : [a, b, c, d]);
		boxes.set(turned(kept), place * 4);
		boxes.set(turned(candidate), (place + n) * 4);
		scores[place] = 0.9 - i * 1e-4;
		scores[place + n] = 0.4 - i * 1e-4;
	}
	return { boxes, scores };
}

/** Offset and length of an interval whose overlap with [0, length] is the given share of their union. */
function partner(length: number, share: number, next: () => number): [number, number] {
	const kind = Math.floor(next() * 5);
	if (share === 1) return [0, length];
	if (kind === 0) return [(length * (1 - share)) / (1 + share), length];
	if (kind === 1) return [(-length * (1 - share)) / (1 + share), length];
	if (kind === 2) return [next() < 0.5 ? 0 : length * (1 - share), length * share];
	return [kind === 3 ? 0 : length - length / share, length / share];
}

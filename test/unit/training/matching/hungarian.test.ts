// The assignment against every permutation, and DETR's costs against float64 from facebookresearch/detr and Deformable-DETR,
// models/matcher.py.

import { assert, describe, test } from 'vitest';
import { hungarian, matchHungarian } from '../../../../src/training/matching/hungarian.js';
import { random } from '../../../support/random.js';

/** The least sum over all ways to give each of the fewer side one of the other. */
function leastSum(costs: ArrayLike<number>, rows: number, columns: number): number {
	const cost = (r: number, c: number) => (rows <= columns ? costs[r * columns + c] : costs[c * columns + r]);
	const [few, many] = [Math.min(rows, columns), Math.max(rows, columns)];
	const taken = new Array(many).fill(false);
	const visit = (r: number): number => {
		if (r === few) return 0;
		let least = Infinity;
		for (let c = 0; c < many; c++) {
			if (taken[c]) continue;
			taken[c] = true;
			least = Math.min(least, cost(r, c) + visit(r + 1));
			taken[c] = false;
		}
		return least;
	};
	return visit(0);
}

function sumOf(costs: ArrayLike<number>, columns: number, columnOf: Int32Array): number {
	return columnOf.reduce((sum, c, r) => (c < 0 ? sum : sum + costs[r * columns + c]), 0);
}

describe('hungarian', () => {
	test("scipy's example: rows 0, 1, 2 to columns 1, 0, 2, cost 5", () => {
		// the documentation of scipy.optimize.linear_sum_assignment
		assert.deepEqual(Array.from(hungarian([4, 1, 3, 2, 0, 5, 3, 2, 2], [3, 3])), [1, 0, 2]);
	});
	test('greedy is not enough', () => {
		assert.deepEqual(Array.from(hungarian([1, 2, 1, 100], [2, 2])), [1, 0]);
	});
	test('more rows than columns leave rows without, more columns than rows columns', () => {
		assert.deepEqual(Array.from(hungarian([5, 1, 3], [3, 1])), [-1, 0, -1]);
		assert.deepEqual(Array.from(hungarian([5, 1, 3], [1, 3])), [1]);
		assert.deepEqual(Array.from(hungarian([], [0, 3])), []);
		assert.deepEqual(Array.from(hungarian([], [3, 0])), [-1, -1, -1]);
	});
	test('ties are always settled alike', () => {
		assert.deepEqual(Array.from(hungarian(new Float64Array(9), [3, 3])), [0, 1, 2]);
		assert.deepEqual(Array.from(hungarian(new Float64Array(6), [2, 3])), [0, 1]);
	});
	test.each([
		[1, 4, 4],
		[2, 5, 7],
		[3, 7, 5],
		[4, 7, 7],
		[5, 1, 8],
		[6, 8, 2],
		[7, 6, 6],
	])('is as cheap as the cheapest of all: seed %i, %i x %i', (seed, rows, columns) => {
		const next = random(seed);
		for (let round = 0; round < 12; round++) {
			// dyadic costs add up exactly; few values make many ties; negative ones too
			const few = round % 3 === 0;
			const costs = Float64Array.from({ length: rows * columns }, () => (few ? Math.floor(next() * 3) : Math.floor(next() * 4096) / 64 - 20));
			const columnOf = hungarian(costs, [rows, columns]);
			const given = Array.from(columnOf).filter((c) => c >= 0);
			assert.equal(given.length, Math.min(rows, columns));
			assert.equal(new Set(given).size, given.length);
			assert.equal(sumOf(costs, columns, columnOf), leastSum(costs, rows, columns));
			assert.deepEqual(hungarian(costs, [rows, columns]), columnOf);
		}
	});
	test('100 of 900: no swap of two and no free column is cheaper', () => {
		const next = random(5);
		const costs = Float64Array.from({ length: 100 * 900 }, () => Math.floor(next() * 2 ** 20) / 2 ** 10);
		const columnOf = hungarian(costs, [100, 900]);
		const at = (r: number, c: number) => costs[r * 900 + c];
		const free = Array.from({ length: 900 }, (_, c) => c).filter((c) => !columnOf.includes(c));
		for (let r = 0; r < 100; r++) {
			for (const c of free) assert.isAtMost(at(r, columnOf[r]), at(r, c));
			for (let q = 0; q < r; q++) assert.isAtMost(at(r, columnOf[r]) + at(q, columnOf[q]), at(r, columnOf[q]) + at(q, columnOf[r]));
		}
	});
	test('refusals', () => {
		assert.throws(() => hungarian([1, NaN], [1, 2]), /hungarian: costs\[1\] must be finite; got NaN/);
		assert.throws(() => hungarian([1, 2], [1, 3]), /costs must have 1 x 3 entries; got 2/);
		assert.throws(() => hungarian('12' as never, [1, 2]), /costs must be a Float64Array/);
		assert.throws(() => hungarian([1], [1] as never), /shape must be \[rows, columns\]/);
	});
});

describe('matchHungarian', () => {
	const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
	test('each ground truth has the query that suits it, though one query suits both', () => {
		const boxes = { data: [0.25, 0.25, 0.25, 0.25, 0.75, 0.75, 0.25, 0.25], format: 'cxcywh' } as const;
		const predictedBoxes = { data: [0.5, 0.5, 0.5, 0.5, 0.75, 0.75, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5], format: 'cxcywh' } as const;
		const { matches, labels, groundTruths } = matchHungarian(boxes, { classIds: [0, 0], predictedBoxes, predictedScores: [0.5, 0.5, 0.5] });
		assert.deepEqual(Array.from(matches), [-1, 1, 0]);
		assert.deepEqual(Array.from(labels), [0, 1, 1]);
		// the same box: -0.5 - 2; twice as high: 5 x 0.25 - 0.5 - 2 x 0.5
		assert.deepEqual(
			groundTruths.map(({ best, bestAnchor }) => [best, bestAnchor]),
			[
				[-0.25, 2],
				[-2.5, 1],
			],
		);
	});
	test('more ground truths than queries: the dearest is taken from; unusable ones take no part', () => {
		const boxes = [...about(50, 50, 20, 20), ...about(52, 50, 20, 20), 5, 5, 5, 6, NaN, 0, 1, 1];
		const { groundTruths, numPositives } = matchHungarian(boxes, {
			classIds: [0, 0, 0, 0],
			predictedBoxes: about(50, 50, 20, 20),
			predictedScores: [1],
			inputSize: [100, 100],
		});
		assert.equal(numPositives, 1);
		assert.deepEqual(
			groundTruths.map(({ lost }) => lost),
			[undefined, 'taken', 'empty', 'not-finite'],
		);
		assert.equal(groundTruths[1].bestAnchor, 0);
	});
	test('nothing to match', () => {
		const none = { classIds: [], predictedBoxes: [0, 0, 1, 1], predictedScores: [0.5] };
		assert.deepEqual(Array.from(matchHungarian([], none).labels), [0]);
		const noQueries = matchHungarian([0, 0, 1, 1], { classIds: [0], predictedBoxes: [], predictedScores: [] });
		assert.deepEqual([noQueries.labels.length, noQueries.groundTruths[0].lost, noQueries.groundTruths[0].bestAnchor], [0, 'taken', -1]);
	});
	test('refusals', () => {
		const good = { classIds: [0], predictedBoxes: [0, 0, 1, 1], predictedScores: [0.5] };
		const box = [0, 0, 1, 1];
		assert.throws(() => matchHungarian(box, { ...good, classIds: [1] }), /classIds\[0\] must be below the 1 classes/);
		assert.throws(() => matchHungarian(box, { ...good, predictedScores: [1.5] }), /predictedScores\[0\] must be 0 to 1; got 1.5 \(apply the sigmoid/);
		assert.throws(() => matchHungarian(box, { ...good, predictedScores: [] }), /equally many classes for each of 1 anchors/);
		assert.throws(() => matchHungarian(box, { ...good, predictedBoxes: [0, NaN, 1, 1] }), /predictedBoxes\[1\] must be finite/);
		assert.throws(() => matchHungarian(box, { ...good, boxWeight: -5 }), /boxWeight must be 0 to 1e6/);
		assert.throws(() => matchHungarian(box, { ...good, inputSize: [0, 1] }), /inputSize\[0\]/);
		assert.throws(() => matchHungarian(box, { classIds: [0] } as never), /predictedBoxes must be given/);
	});

	test.each(['detr', 'deformable-detr'] as const)('costs of %s in float64, and the cheapest of all ways', (style) => {
		const next = random(11);
		const [numQueries, numTruths, numClasses] = [7, 5, 4];
		const box = () => about(20 + next() * 60, 20 + next() * 60, 5 + next() * 40, 5 + next() * 40);
		const predictedBoxes = Float32Array.from(Array.from({ length: numQueries }, box).flat());
		const boxes = Float32Array.from(Array.from({ length: numTruths }, box).flat());
		const predictedScores = Float32Array.from({ length: numQueries * numClasses }, next);
		const classIds = Array.from({ length: numTruths }, () => Math.floor(next() * numClasses));
		const costs = Array.from({ length: numTruths * numQueries }, (_, k) => {
			const [g, q] = [Math.floor(k / numQueries), k % numQueries];
			const [a, b] = [boxes.subarray(g * 4, g * 4 + 4), predictedBoxes.subarray(q * 4, q * 4 + 4)];
			// in fractions of an image of 50 x 100 pixels, [height, width]
			const [A, B] = [a, b].map(([x1, y1, x2, y2]) => [(x1 + x2) / 200, (y1 + y2) / 100, (x2 - x1) / 100, (y2 - y1) / 50]);
			const l1 = A.reduce((sum, v, i) => sum + Math.abs(v - B[i]), 0);
			const intersection = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
			const union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - intersection;
			const enclosing = (Math.max(a[2], b[2]) - Math.min(a[0], b[0])) * (Math.max(a[3], b[3]) - Math.min(a[1], b[1]));
			const giou = intersection / union - (enclosing - union) / enclosing;
			const p = predictedScores[q * numClasses + classIds[g]];
			const focal = 0.25 * (1 - p) ** 2 * -Math.log(p + 1e-8) - 0.75 * p ** 2 * -Math.log(1 - p + 1e-8);
			return 5 * l1 - 2 * giou + (style === 'detr' ? -p : 2 * focal);
		});
		const { matches, groundTruths } = matchHungarian(boxes, { style, classIds, predictedBoxes, predictedScores, inputSize: [50, 100] });
		let sum = 0;
		groundTruths.forEach(({ best, bestAnchor, numAnchors }, g) => {
			assert.equal(numAnchors, 1);
			assert.equal(matches[bestAnchor], g);
			assert.closeTo(best, costs[g * numQueries + bestAnchor], 2e-6 * Math.abs(best) + 2e-6);
			sum += costs[g * numQueries + bestAnchor];
		});
		assert.closeTo(sum, leastSum(costs, numTruths, numQueries), 1e-9);
	});
});

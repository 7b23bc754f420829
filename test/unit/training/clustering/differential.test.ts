// Differential evolution of the mean best IoU, and its score against the textbook.

import { describe, expect, it } from 'vitest';
import { type DifferentialProgress, differentialAnchors } from '../../../../src/training/clustering/differential.js';
import { IouScorer } from '../../../../src/training/clustering/iou-scorer.js';
import { kmeansAnchors } from '../../../../src/training/clustering/kmeans.js';
import { anchorFitness, MEASURE_ONE, meanBestIou } from '../../../../src/training/clustering/metric.js';
import { checkFilter, groupSizes } from '../../../../src/training/clustering/sizes.js';
import { random } from '../../../support/random.js';
import { randomSizes, sizesAround } from '../../../support/random-sizes.js';

const CENTERS = [20, 25, 60, 140, 300, 200];

describe('differentialAnchors', () => {
	it.each([1, 2, 3])('finds known centres without a start, seed %i', async (seed) => {
		const { anchors, converged, meanIou } = await differentialAnchors(sizesAround(CENTERS, 40, seed), { count: 3, seed, populationSize: 5, tolerance: 0.01 });
		anchors.forEach((side, i) => expect(Math.abs(side / CENTERS[i] - 1)).toBeLessThan(0.05));
		expect([converged, meanIou > 0.92]).toEqual([true, true]);
	});

	it('finds no less than k-means, and reports the IoU of what it found', async () => {
		const sizes = randomSizes(200, 3);
		const found = await differentialAnchors(sizes, { count: 3, populationSize: 6, generations: 150 });
		expect(found.meanIou).toBe(anchorFitness(sizes, found.anchors).meanIou);
		expect(found.meanIou).toBeGreaterThanOrEqual((await kmeansAnchors(sizes, { count: 3, restarts: 10 })).meanIou);
		expect(await differentialAnchors([...sizes], { count: 3, populationSize: 6, generations: 150 })).toEqual(found);
	});

	it('never falls, tells of its progress, and stays below the input size', async () => {
		const seen: DifferentialProgress[] = [];
		const options = { count: 2, populationSize: 3, generations: 20, inputSize: 100, tolerance: 0 };
		const { history, anchors, converged } = await differentialAnchors(randomSizes(100, 4), { ...options, onProgress: (p) => seen.push(p) });
		expect([history.length, converged, seen.length]).toEqual([20, false, 20]);
		for (let i = 1; i < 20; i++) expect(history[i]).toBeGreaterThanOrEqual(history[i - 1]);
		expect(seen.map(({ meanIou }) => Math.fround(meanIou))).toEqual([...history]);
		expect(Math.max(...anchors)).toBeLessThanOrEqual(100);
	});

	it('takes no boxes', async () => {
		expect(await differentialAnchors([], { count: 3 })).toMatchObject({ anchors: new Float32Array(0), meanIou: 0, converged: true });
	});

	it('ends with the reason of its signal', async () => {
		const controller = new AbortController();
		const work = differentialAnchors(randomSizes(100, 1), { count: 2, signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
		await expect(work).rejects.toThrow('enough');
	});

	it.each([
		[{ count: 0 }, /count must be an integer from 1 to 512/],
		[{ count: 1, mutation: [1, 0.5] }, /mutation must be \[least, most\] with 0 < least <= most < 2/],
		[{ count: 1, mutation: 1 }, /mutation must be \[least, most\]/],
		[{ count: 1, recombination: 70 }, /did you mean 0.7\?/],
		[{ count: 1, tolerance: -1 }, /tolerance must be 0 to 1/],
		[{ count: 1, inputSize: 0 }, /inputSize must be a positive size/],
		[{ count: 1, populationSize: 0 }, /populationSize/],
		[{ count: 1, backend: 1 }, /options may hold count/],
	])('refuses %o', async (options, message) => {
		await expect(differentialAnchors([5, 5], options as never)).rejects.toThrow(message);
	});
});

describe('IouScorer', () => {
	it.each([
		['as data sets have them', randomSizes(3000, 1)],
		['whole pixels', randomSizes(3000, 2, 4)],
		['few', randomSizes(3, 3)],
		['far apart', Float32Array.from({ length: 800 }, (_, i) => 2 ** (((i * 7) % 59) - 29))],
	])('is the textbook, bit for bit: sizes %s', (_, sizes) => {
		const rows = groupSizes('test', sizes, checkFilter('test', {}));
		const next = random(6);
		for (const count of [1, 9]) {
			const scorer = new IouScorer(rows, count);
			for (let i = 0; i < 25; i++) {
				const anchors = Float32Array.from({ length: 2 * count }, () => 2 ** (i % 5 ? 9 * next() : 58 * next() - 29));
				const exact = Math.round(meanBestIou(rows, anchors) * rows.total * MEASURE_ONE);
				expect(scorer.score(anchors)).toBe(exact);
				expect(scorer.score(anchors, exact)).toBe(-1);
				expect(scorer.score(anchors, exact - 1)).toBe(exact);
			}
		}
	});
});

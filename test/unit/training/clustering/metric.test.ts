// The ratio metric and the shape IoU against arithmetic by hand and plain loops in double precision; yolov5's thresholds.

import { describe, expect, it } from 'vitest';
import { anchorFitness, shapeIou } from '../../../../src/training/clustering/metric.js';
import { randomSizes } from '../../../support/random-sizes.js';

/** yolov5's metric as its formula says, in doubles. */
function plainFitness(sizes: ArrayLike<number>, anchors: ArrayLike<number>, threshold = 1 / 4) {
	let [fitness, recall, above, iou, ratio] = [0, 0, 0, 0, 0];
	const n = sizes.length / 2;
	for (let i = 0; i < n; i++) {
		const [w, h] = [sizes[2 * i], sizes[2 * i + 1]];
		let [best, bestIou] = [0, 0];
		for (let k = 0; k < anchors.length; k += 2) {
			const x = Math.min(w / anchors[k], anchors[k] / w, h / anchors[k + 1], anchors[k + 1] / h);
			if (x > threshold) above += 1 / n;
			best = Math.max(best, x);
			const inter = Math.min(w, anchors[k]) * Math.min(h, anchors[k + 1]);
			bestIou = Math.max(bestIou, inter / (w * h + anchors[k] * anchors[k + 1] - inter));
		}
		fitness += best > threshold ? best / n : 0;
		recall += best > threshold ? 1 / n : 0;
		iou += bestIou / n;
		ratio += best / n;
	}
	return { fitness, bestPossibleRecall: recall, anchorsAboveThreshold: above, meanIou: iou, meanBestRatio: ratio };
}

describe('anchorFitness', () => {
	it('is what a hand computes', () => {
		// (10, 10): 1 and 1/4; (20, 40): 1/4 and 1/2; (100, 30): 1/10 and 2/5
		const found = anchorFitness([10, 10, 20, 40, 100, 30], [10, 10, 40, 40]);
		expect(found.fitness).toBeCloseTo((1 + 0.5 + 0.4) / 3, 6);
		expect(found.bestPossibleRecall).toBe(1);
		expect(found.anchorsAboveThreshold).toBe(1); // exactly 1/4 is not above
		expect(found.meanIou).toBeCloseTo((1 + 800 / 1600 + 1200 / (3000 + 1600 - 1200)) / 3, 6);
		expect(found.meanBestRatio).toBeCloseTo((1 + 0.5 + 0.4) / 3, 6);
	});

	it('takes a side ratio of exactly 4 for too much, and just below it not', () => {
		// yolov5: bpr counts best > 1 / thr, strict
		for (const [w, h] of [
			[40, 10],
			[10, 40],
			[2.5, 10],
			[10, 2.5],
		])
			expect(anchorFitness([w, h], [10, 10]).bestPossibleRecall).toBe(0);
		for (const [w, h] of [
			[39.9999, 10],
			[10, 2.50001],
		])
			expect(anchorFitness([w, h], [10, 10]).bestPossibleRecall).toBe(1);
		expect(anchorFitness([40, 10], [10, 10])).toMatchObject({ fitness: 0, meanBestRatio: 0.25 });
		expect(anchorFitness([40, 10], [10, 10], { ratioThreshold: 4.1 }).fitness).toBe(0.25);
		// every third float would be above if the ratio were rounded up
		for (let side = 1; side < 700; side += 0.37) {
			const small = Math.fround(side);
			expect(anchorFitness([4 * small, small], [small, small]).bestPossibleRecall).toBe(0);
		}
	});

	it('is exactly 1 for anchors that are the boxes', () => {
		const sizes = randomSizes(300, 4);
		const found = anchorFitness(sizes, sizes);
		expect([found.fitness, found.bestPossibleRecall, found.meanIou, found.meanBestRatio]).toEqual([1, 1, 1, 1]);
	});

	it('agrees with plain loops', () => {
		const sizes = randomSizes(2000, 2, 1);
		const anchors = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326];
		for (const ratioThreshold of [2, 4]) {
			const found = anchorFitness(sizes, anchors, { ratioThreshold });
			const plain = plainFitness(sizes, anchors, 1 / ratioThreshold);
			for (const key of Object.keys(plain) as (keyof typeof plain)[]) expect(found[key]).toBeCloseTo(plain[key], 6);
		}
	});

	it('does not depend on the order of the boxes, to the last bit', () => {
		const sizes = randomSizes(500, 3);
		const pairs = Array.from({ length: 500 }, (_, i) => [sizes[2 * i], sizes[2 * i + 1]]);
		const anchors = [20, 20, 90, 60];
		expect(anchorFitness(pairs.reverse().flat(), anchors)).toEqual(anchorFitness(sizes, anchors));
	});

	it('is 0 of nothing, and refuses what is no size', () => {
		expect(anchorFitness([], [10, 10])).toEqual({ fitness: 0, bestPossibleRecall: 0, anchorsAboveThreshold: 0, meanIou: 0, meanBestRatio: 0 });
		expect(() => anchorFitness([5, NaN], [10, 10])).toThrow(/anchorFitness: sizes\[1\] \(box 0, height\)/);
		expect(() => anchorFitness([5, 5], [])).toThrow(/anchors must hold at least one width and height/);
		expect(() => anchorFitness([5, 5], [10, 0])).toThrow(/anchors\[1\] must be a positive size/);
		expect(() => anchorFitness([5, 5], [10, 10], { ratioThreshold: 0.25 })).toThrow(/ratioThreshold must be 1 to 1000; got 0.25 \(did you mean 4\?\)/);
		expect(() => anchorFitness([5, 5], [10, 10], { ratioTreshold: 4 } as never)).toThrow(/did you mean ratioThreshold\?/);
	});
});

describe('shapeIou', () => {
	it('aligns corners', () => {
		expect(shapeIou(10, 20, 20, 10)).toBe(Math.fround(100 / 300));
		expect(shapeIou(3, 7, 3, 7)).toBe(1);
		expect(shapeIou(2 ** -30, 2 ** -30, 2 ** 30, 2 ** 30)).toBeGreaterThanOrEqual(0);
	});
});

// autoAnchors as yolov5 decides, and anchors over levels.

import { describe, expect, it } from 'vitest';
import { autoAnchors } from '../../../../src/training/clustering/auto.js';
import { orderAnchors, splitAnchors } from '../../../../src/training/clustering/levels.js';
import { anchorFitness } from '../../../../src/training/clustering/metric.js';
import { randomSizes, sizesAround } from '../../../support/random-sizes.js';

const YOLOV5 = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326];
const QUICK = { restarts: 2, generations: 60 } as const;

describe('autoAnchors', () => {
	it('keeps anchors that can match more than 98 % of the boxes', async () => {
		const sizes = randomSizes(800, 1);
		const found = await autoAnchors(sizes, { anchors: YOLOV5, ...QUICK });
		expect([found.changed, [...found.anchors], found.made]).toEqual([false, YOLOV5, undefined]);
		expect(found.before).toEqual(anchorFitness(sizes, YOLOV5));
		expect(found.after).toEqual(found.before);
		expect(found.reason).toMatch(/^9\d\.\d\d % of the boxes can be matched, more than 98\.00 %$/);
	});

	it('makes better ones where they cannot, and says by how much', async () => {
		const sizes = sizesAround([12, 300, 20, 500, 8, 150], 100, 2);
		const seen = new Set<string>();
		const found = await autoAnchors(sizes, { anchors: YOLOV5, strides: [8, 16, 32], ...QUICK, onProgress: ({ stage }) => seen.add(stage) });
		expect(found.changed).toBe(true);
		expect([...seen]).toEqual(['cluster', 'evolve']);
		expect(found.before?.bestPossibleRecall).toBeLessThan(0.98);
		expect(found.after.bestPossibleRecall).toBe(1);
		expect(found.after).toEqual(anchorFitness(sizes, found.anchors));
		expect(found.made?.anchors).toBe(found.anchors);
		expect(found.reason).toMatch(/^new anchors can match 100\.00 % instead of /);
		expect(found.perLevel.map(({ stride }) => stride)).toEqual([8, 16, 32]);
		expect(found.perLevel.reduce((sum, { boxes }) => sum + boxes, 0)).toBe(300);
		expect(await autoAnchors(sizes, { anchors: YOLOV5, strides: [8, 16, 32], ...QUICK })).toEqual(found);
	});

	it('is asked at exactly the threshold, and replaces only what is strictly better', async () => {
		// one of two boxes can be matched: 0.5
		const sizes = [10, 10, 1000, 10];
		const at = await autoAnchors(sizes, { anchors: [10, 10], recallThreshold: 0.5, ...QUICK });
		expect(at.made).toBeDefined();
		expect((await autoAnchors(sizes, { anchors: [10, 10], recallThreshold: 0.49, ...QUICK })).made).toBeUndefined();
		// one anchor cannot serve both
		expect([at.changed, [...at.anchors], at.after.bestPossibleRecall]).toEqual([false, [10, 10], 0.5]);
		expect(at.reason).toBe('new anchors could match 50.00 % instead of 50.00 % of the boxes, which is no more');
	});

	it('makes anchors where there are none', async () => {
		const found = await autoAnchors(randomSizes(300, 3), QUICK);
		expect([found.changed, found.before, found.anchors.length, found.perLevel.length]).toEqual([true, undefined, 18, 3]);
	});

	it('scales boxes with the longer side of their image', async () => {
		const sizes = sizesAround([20, 40, 60, 60, 120, 200], 30, 5);
		const images = Float32Array.from({ length: 180 }, (_, i) => (i % 2 ? 960 : 1280));
		const doubled = sizes.map((side) => side * 2);
		const found = await autoAnchors(doubled, { imageSizes: images, count: 3, ...QUICK });
		expect(found).toEqual(await autoAnchors(sizes, { count: 3, ...QUICK }));
		expect((await autoAnchors(doubled, { imageSizes: [1280, 960], count: 3, ...QUICK })).anchors).toEqual(found.anchors);
	});

	it('warns of boxes below 3 pixels, leaves those below 2 out of the clusters, and tells of boxes longer than the input', async () => {
		const sizes = [...sizesAround([20, 40, 60, 60], 20, 5), 1, 1, 1, 2.5, 2.9, 50, 700, 20];
		const found = await autoAnchors(sizes, { count: 2, ...QUICK });
		expect(found.warnings).toEqual([
			'1 boxes were left out: they are smaller than minSize, 2',
			'3 of 44 boxes are below 3 pixels in width or height',
			'1 of 44 boxes are longer than the input, 640 pixels: give imageSizes, or another inputSize',
		]);
		expect((await autoAnchors(sizes, { count: 2, minSizeRule: 'both', ...QUICK })).dropped).toEqual({ invalid: 0, small: 2 });
		// the report counts all, the small ones too
		expect(found.after).toEqual(anchorFitness(sizes, found.anchors));
	});

	it('makes as many anchors as it is asked for, of fewer sizes', async () => {
		const found = await autoAnchors([20, 30, 20, 30, 200, 100], { count: 9, generations: 300 });
		expect(found.anchors.length).toBe(18);
		expect(found.warnings).toEqual(['there are 2 distinct sizes for 9 anchors: evolution starts at random ones']);
		expect(found.after.bestPossibleRecall).toBe(1);
	});

	it('takes no boxes', async () => {
		expect(await autoAnchors([], { anchors: [10, 10] })).toMatchObject({
			changed: false,
			anchors: Float32Array.of(10, 10),
			reason: 'there are no boxes to make anchors of',
		});
		expect(await autoAnchors([])).toMatchObject({ changed: false, anchors: new Float32Array(0), perLevel: [] });
	});

	it.each([
		[{ count: 0 }, /count must be an integer from 1/],
		[{ anchors: [1, 2, 3] }, /anchors must be widths and heights in turn/],
		[{ anchors: [1, 2], count: 2 }, /count must be the number of anchors in use, 1; got 2/],
		[{ count: 9, levels: 2 }, /levels must divide the number of anchors, 9; got 2/],
		[{ count: 9, levels: 3, strides: [8, 16] }, /strides must have one entry for each of the 3 levels; got 2/],
		[{ strides: [8, 0, 32] }, /strides\[1\] must be positive/],
		[{ strides: [32, 16, 8] }, /strides\[1\] must not be below the one before it; got 16 \(give the finest level first\)/],
		[{ recallThreshold: 98 }, /did you mean 0.98\?/],
		[{ inputSize: 0 }, /inputSize must be a positive number of pixels/],
		[{ imageSizes: [640] }, /^autoAnchors: imageSizes must be widths and heights/],
		[{ imageSizes: [640, 0] }, /^autoAnchors: imageSizes\[1\] must be a positive size/],
		[{ anchor: [1, 1] }, /did you mean anchors\?/],
	])('refuses %o', async (options, message) => {
		await expect(autoAnchors([5, 5, 20, 20], options as never)).rejects.toThrow(message);
	});

	it('ends with the reason of its signal', async () => {
		await expect(autoAnchors(randomSizes(50, 1), { signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
	});
});

describe('splitAnchors', () => {
	it('gives the smallest to the first level', () => {
		const levels = splitAnchors([373, 326, 10, 13, 30, 61, 16, 30, 33, 23, 62, 45], 3);
		expect(levels.map((level) => [...level])).toEqual([
			[10, 13, 16, 30],
			[33, 23, 30, 61],
			[62, 45, 373, 326],
		]);
		expect(() => splitAnchors(YOLOV5, 4)).toThrow(/splitAnchors: levels must divide the number of anchors, 9; got 4/);
		expect(() => splitAnchors([], 1)).toThrow(/at least one/);
	});
});

describe('orderAnchors', () => {
	const fine = [10, 13, 16, 30];
	const coarse = [116, 90, 373, 326];
	it('turns levels round that run against their strides', () => {
		// check_anchor_order of yolov5: mean area of the last level less that of the first, against the strides
		for (const [levels, strides, reversed] of [
			[[fine, coarse], [8, 32], false],
			[[coarse, fine], [8, 32], true],
			[[coarse, fine], [32, 8], false],
			[[fine, coarse], [32, 8], true],
			[[fine, fine], [8, 32], false],
		] as const) {
			const found = orderAnchors(levels, strides);
			expect(found.reversed).toBe(reversed);
			expect(found.levels.map((level) => [...level])).toEqual(reversed ? [...levels].reverse() : levels);
		}
		expect(() => orderAnchors([fine], [8, 16])).toThrow(/strides must have one entry for each of the 1 levels; got 2/);
		expect(() => orderAnchors([], [])).toThrow(/levels must be a list of anchors per level/);
	});
});

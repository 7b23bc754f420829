// The anchors page without its page: the sample is the same everywhere and of sensible sizes, published tables are scaled to
// the input, and what is said of a step is counted right.

import { describe, expect, it } from 'vitest';
import { momentsOf, numMoved, spreadOf } from '../../../demo/anchors/moments.js';
import { PUBLISHED_TITLES, publishedAnchors } from '../../../demo/anchors/published.js';
import { sampleDataSet } from '../../../demo/anchors/sample.js';

describe('the sample', () => {
	const { sizes, images } = sampleDataSet();

	it('has objects that fit their pictures', () => {
		expect(sizes.length).toBe(16_000);
		expect(images.length).toBe(sizes.length);
		sizes.forEach((side, i) => {
			expect(side).toBeGreaterThanOrEqual(3);
			expect(side).toBeLessThanOrEqual(images[i]);
		});
	});

	it('is the same for a seed, and another for another', () => {
		expect(sampleDataSet(50, 3).sizes).toEqual(sampleDataSet(50, 3).sizes);
		expect(sampleDataSet(50, 3).sizes).not.toEqual(sampleDataSet(50, 4).sizes);
	});

	it('has many small objects and few large ones', () => {
		const sides = Array.from({ length: sizes.length / 2 }, (_, i) => Math.sqrt(sizes[2 * i] * sizes[2 * i + 1])).sort((a, b) => a - b);
		expect(sides[Math.floor(sides.length / 2)]).toBeLessThan(100);
		expect(sides.at(-1)).toBeGreaterThan(300);
	});
});

describe('published tables', () => {
	it('are as published at their own input', () => {
		// darknet, cfg/yolov3.cfg
		const yolov3 = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326];
		expect(publishedAnchors('YOLOv5 and YOLOv3, COCO at 640', 640)).toEqual(yolov3);
		expect(publishedAnchors('YOLOv5 and YOLOv3, COCO at 640', 320)).toEqual(yolov3.map((side) => side / 2));
	});

	it('of YOLOv2 are pixels, not cells', () => {
		// darknet, cfg/yolov2.cfg: 0.57273, 0.677385 cells of 32 pixels
		const [width, height] = publishedAnchors('YOLOv2, COCO at 416', 416) as number[];
		expect(width).toBeCloseTo(18.32736, 4);
		expect(height).toBeCloseTo(21.67632, 4);
	});

	it('have sides above 0 for every title, and none for what is no title', () => {
		for (const title of PUBLISHED_TITLES) expect(Math.min(...(publishedAnchors(title, 640) as number[]))).toBeGreaterThan(0);
		for (const title of ['', 'constructor']) expect(publishedAnchors(title, 640)).toBeUndefined();
	});
});

describe('moments', () => {
	it('count who went to another anchor', () => {
		const moment = (...assignments: number[]) => ({ anchors: [], assignments, meanIou: 0 });
		expect(numMoved(moment(0, 1, 2, 2), moment(0, 2, 2, 1))).toBe(2);
		expect(numMoved(moment(0, 1), moment(0, 1))).toBe(0);
	});

	it('are the steps, or the end alone where no steps were kept', () => {
		const end = { anchors: [], assignments: [], meanIou: 0.5 };
		expect(momentsOf({ ...end, trace: undefined } as never).length).toBe(1);
		expect(momentsOf({ ...end, trace: [end, end, end] } as never).length).toBe(3);
	});

	it('know how widths and heights spread', () => {
		const [width, height] = spreadOf([1, 10, 3, 10, 5, 10]);
		expect(width).toBeCloseTo(Math.sqrt(8 / 3), 12);
		expect(height).toBeGreaterThan(0);
		expect(height).toBeLessThan(1e-5);
	});
});

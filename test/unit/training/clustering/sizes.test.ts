// Sizes before they are clustered: what counts as one, which are left out, how they are scaled, how equal ones become one row.

import { describe, expect, it } from 'vitest';
import { checkFilter, groupSizes, NONE, scaleSizes, sortByArea } from '../../../../src/training/clustering/sizes.js';
import { randomSizes } from '../../../support/random-sizes.js';

const group = (sizes: ArrayLike<number>, filter = {}) => groupSizes('test', Float32Array.from(sizes), checkFilter('test', filter));

describe('groupSizes', () => {
	it('makes one row of equal sizes, sorted by width, then height, and knows the row of each box', () => {
		const rows = group([30, 5, 10, 20, 30, 4, 10, 20, 10, 3]);
		expect([...rows.widths]).toEqual([10, 10, 30, 30]);
		expect([...rows.heights]).toEqual([3, 20, 4, 5]);
		expect([...rows.counts]).toEqual([1, 2, 1, 1]);
		expect([...rows.rowOf]).toEqual([3, 1, 2, 1, 0]);
		expect(rows.total).toBe(5);
	});

	it('keeps every box of a large set', () => {
		const sizes = randomSizes(5000, 1, 8);
		const { widths, heights, counts, rowOf } = group(sizes);
		expect(counts.length).toBeLessThan(3000);
		const seen = new Float64Array(counts.length);
		rowOf.forEach((row, i) => {
			expect([widths[row], heights[row]]).toEqual([sizes[2 * i], sizes[2 * i + 1]]);
			seen[row]++;
		});
		expect([...seen]).toEqual([...counts]);
		for (let r = 1; r < counts.length; r++) expect(widths[r] - widths[r - 1] || heights[r] - heights[r - 1]).toBeGreaterThan(0);
	});

	it('leaves out boxes below minSize: by either side as yolov5 has it, or by both as tutorials say', () => {
		const sizes = [1, 1, 1, 2, 2, 1, 2, 2, 1.5, 50];
		expect([...group(sizes, { minSize: 2 }).rowOf].map((row) => row === NONE)).toEqual([true, false, false, false, false]);
		expect([...group(sizes, { minSize: 2, minSizeRule: 'both' }).rowOf].map((row) => row === NONE)).toEqual([true, true, true, false, true]);
		expect(group(sizes, { minSize: 2, minSizeRule: 'both' }).dropped).toEqual({ invalid: 0, small: 4 });
		expect(group(sizes).dropped).toEqual({ invalid: 0, small: 0 });
	});

	it('refuses sides that are no sizes, by index, or leaves them out and counts them', () => {
		for (const bad of [NaN, 0, -0, -3, Infinity, -Infinity, 1e-12, 2e9]) {
			expect(() => group([5, 5, 7, bad])).toThrow(
				/sizes\[3\] \(box 1, height\) must be a positive size, 2\^-30 to 2\^30; got .* \(leave it out with invalid: 'drop'\)/,
			);
			const rows = group([5, 5, 7, bad, bad, 4], { invalid: 'drop', minSize: 5 });
			expect([...rows.rowOf]).toEqual([0, NONE, NONE]);
			expect(rows.dropped).toEqual({ invalid: 2, small: 0 });
		}
		expect(() => group([NaN, 1])).toThrow(RangeError);
	});

	it('takes none', () => {
		expect(group([])).toMatchObject({ total: 0, rowOf: new Uint32Array(0), widths: new Float32Array(0) });
	});

	it('refuses filters that are none', () => {
		expect(() => checkFilter('test', { minSize: -1 })).toThrow(/test: minSize must be 0 to 2\^30; got -1/);
		expect(() => checkFilter('test', { minSizeRule: 'any' })).toThrow(/minSizeRule must be 'either' or 'both'/);
		expect(() => checkFilter('test', { invalid: true })).toThrow(TypeError);
	});
});

describe('scaleSizes', () => {
	it('scales with the longer side to the input size', () => {
		// a photo of 1280 x 720 becomes 640 x 360, a portrait of 300 x 600 becomes 320 x 640
		expect([...scaleSizes([100, 50, 30, 60], [1280, 720, 300, 600], 640)]).toEqual([50, 25, 32, 64]);
		expect([...scaleSizes([100, 50, 30, 60], [500, 250], 1000)]).toEqual([200, 100, 60, 120]);
		expect(scaleSizes([], [], 640)).toEqual(new Float32Array(0));
	});

	it('refuses images without a size, and as many as there are not boxes', () => {
		expect(() => scaleSizes([1, 1], [640, 0], 640)).toThrow(/scaleSizes: imageSizes\[1\] must be a positive size/);
		expect(() => scaleSizes([1, 1], [640, 480, 640, 480], 640)).toThrow(/imageSizes must be one width and height, or one for each of the 1 boxes; got 2/);
		expect(() => scaleSizes([1, 1, 1], [640, 480], 640)).toThrow(/sizes must be widths and heights in turn/);
		expect(() => scaleSizes([1, 1], [640, 480], 0)).toThrow(/inputSize/);
	});
});

describe('sortByArea', () => {
	it('sorts by area, then width, and tells the order', () => {
		const { anchors, order } = sortByArea(Float32Array.of(30, 10, 5, 5, 10, 30, 20, 15));
		expect([...anchors]).toEqual([5, 5, 10, 30, 20, 15, 30, 10]);
		expect(order).toEqual([1, 2, 3, 0]);
	});
});

// Targets of points and of centre maps: distances and centerness by hand, places between bins, the way back by the codecs, bad input.

import { describe, expect, it } from 'vitest';
import { anchorPoints } from '../../../../src/anchors/points.js';
import { centers } from '../../../../src/codecs/centers.js';
import { distances as distanceCodec } from '../../../../src/codecs/distances.js';
import { distributionFocalLoss } from '../../../../src/training/losses/cross-entropy.js';
import { matchCenterNet } from '../../../../src/training/matching/centernet.js';
import { matchFcos } from '../../../../src/training/matching/fcos.js';
import { centernetTargets } from '../../../../src/training/targets/centernet.js';
import { binTargets, fcosTargets } from '../../../../src/training/targets/points.js';
import { random } from '../../../support/random.js';

const near = (actual: ArrayLike<number>, expected: readonly number[], digits = 6) => {
	expect(actual.length).toBe(expected.length);
	expected.forEach((x, k) => expect(actual[k]).toBeCloseTo(x, digits));
};
const one = { labels: Int32Array.of(1, 0, -1), matches: Int32Array.of(0, -1, -1) };
const points = [20, 28, 8, 8, 28, 28, 8, 8, 36, 28, 8, 8];

describe('fcosTargets', () => {
	// l = 20 - 12, t = 28 - 4, r = 36 - 20, b = 36 - 28: 8, 24, 16, 8; centerness sqrt(8/16 x 8/24) = sqrt(1/6)
	const box = [12, 4, 36, 36];
	it('are distances in strides or pixels, and the centerness of the paper', () => {
		const result = fcosTargets(one, points, box, { classIds: [3] });
		near(result.distances, [1, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
		near(result.centerness, [Math.sqrt(1 / 6), 0, 0]);
		expect(Array.from(result.classes)).toEqual([3, -1, -1]);
		expect(result.numPositives).toBe(1);
		near(fcosTargets(one, points, box, { classIds: [3], unit: 'pixels' }).distances.subarray(0, 4), [8, 24, 16, 8]);
	});
	it('have a centerness of 1 in the middle and 0 on the border', () => {
		expect(fcosTargets(one, points, [0, 8, 40, 48], { classIds: [0] }).centerness[0]).toBe(1);
		expect(fcosTargets(one, points, [20, 8, 40, 48], { classIds: [0] }).centerness[0]).toBe(0);
	});
	it('decode to the ground truths that the matcher gave to each point', () => {
		const rows = anchorPoints({ inputSize: [256, 320], strides: [8, 16, 32] });
		const next = random(6);
		const boxes = Array.from({ length: 25 }, () => [next() * 200, next() * 150, next() * 100, next() * 90]).flatMap(([x, y, w, h]) => [
			x,
			y,
			x + 9 + w,
			y + 9 + h,
		]);
		const matches = matchFcos(rows, boxes);
		const { distances, numPositives } = fcosTargets(matches, rows, boxes, { classIds: new Array(25).fill(0) });
		const decoded = distanceCodec().decode(distances, rows);
		expect(numPositives).toBeGreaterThan(50);
		matches.labels.forEach((label, a) => {
			if (label < 1) return;
			const g = matches.matches[a];
			for (let c = 0; c < 4; c++) expect(Math.abs(decoded[a * 4 + c] - boxes[g * 4 + c])).toBeLessThan(3e-4);
		});
	});
});

describe('binTargets', () => {
	it('are places between bins', () => {
		const { places, weights, clamped } = binTargets(one, points, [12, 4, 36, 36]);
		near(places, [1, 3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
		expect(Array.from(weights)).toEqual([1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
		expect(clamped).toHaveLength(0);
	});
	it('stay below the last bin, and say so (Ultralytics: clamp to reg_max - 1 - 0.01)', () => {
		const wide = [-500, 30, 36, 36];
		const result = binTargets(one, points, wide);
		near(result.places.subarray(0, 4), [14.99, 0, 2, 1], 5);
		expect(Array.from(result.clamped)).toEqual([0]);
		near(binTargets(one, points, wide, { numBins: 17, margin: 0.1 }).places.subarray(0, 4), [15.9, 0, 2, 1], 5); // mmdetection's GFL
		near(binTargets(one, points, wide, { numBins: 4, margin: 0 }).places.subarray(0, 4), [3, 0, 2, 1]);
	});
	it('are what the distribution focal loss takes', () => {
		const { places, weights } = binTargets(one, points, [12, 4, 37, 36]);
		// all bins as likely: ln 16 each, four sides
		expect(distributionFocalLoss(new Float32Array(12 * 16), places, { weights, reduction: 'sum' }).loss).toBeCloseTo(4 * Math.log(16), 5);
	});
});

describe('centernetTargets', () => {
	const level = { grid: [8, 10], stride: 4 } as const;
	it('put offsets and sizes where the centres are', () => {
		// 12 x 8 about (18, 13): 3 x 2 cells about (4.5, 3.25)
		const matches = matchCenterNet(level, [12, 9, 24, 17], { numClasses: 2, classIds: [1] });
		const { heatMap, offsets, sizes, weights, numPositives } = centernetTargets(matches, level);
		const cell = 3 * 10 + 4;
		expect([heatMap.length, heatMap[80 + cell], heatMap[cell]]).toEqual([160, 1, 0]);
		near([offsets[cell], offsets[80 + cell], sizes[cell], sizes[80 + cell], weights[cell]], [0.5, 0.25, 3, 2, 1]);
		expect([offsets, sizes, weights].map((map) => map.filter((x) => x !== 0).length)).toEqual([2, 2, 1]);
		expect(numPositives).toBe(1);
	});
	it('decode to the boxes', () => {
		const boxes = [2, 3, 11, 9, 20, 8, 33, 27];
		const { offsets, sizes, weights } = centernetTargets(matchCenterNet(level, boxes, { numClasses: 1, classIds: [0, 0] }), level);
		const rows = anchorPoints({ inputSize: [32, 40], strides: [4], offset: 0 });
		const found: number[] = [];
		weights.forEach((w, c) => {
			if (w === 0) return;
			const raw = Float32Array.of(offsets[c], offsets[80 + c], sizes[c], sizes[80 + c]);
			found.push(...centers().decode(raw, rows.slice(c * 4, c * 4 + 4)));
		});
		near(found, boxes, 4);
	});
	it('say whose cell another took', () => {
		const matches = matchCenterNet(level, [10, 10, 20, 20, 11, 11, 19, 19], { numClasses: 1, classIds: [0, 0] });
		const { overwritten, numPositives, sizes } = centernetTargets(matches, level);
		expect(Array.from(overwritten)).toEqual([0]);
		expect(numPositives).toBe(1);
		expect(sizes[3 * 10 + 3]).toBe(2);
	});
	it('refuse what does not fit', () => {
		const matches = matchCenterNet(level, [10, 10, 20, 20], { numClasses: 1, classIds: [0] });
		expect(() => centernetTargets(matches, { grid: [8, 9], stride: 4 })).toThrow(/heatMap must have whole maps of 8 x 9 cells; got 80/);
		expect(() => centernetTargets({} as never, level)).toThrow(/matches must be the answer of matchCenterNet/);
		expect(() => centernetTargets(undefined as never, level)).toThrow(/matches must be the answer of matchCenterNet/);
	});
});

describe('bad input', () => {
	const box = [12, 4, 36, 36];
	it('of nothing is nothing', () => {
		const empty = { labels: new Int32Array(0), matches: new Int32Array(0) };
		expect(fcosTargets(empty, [], [], { classIds: [] }).distances).toHaveLength(0);
		expect(binTargets(empty, [], []).places).toHaveLength(0);
	});
	it.each([
		[() => fcosTargets(one, points.slice(4), box, { classIds: [0] }), RangeError, /matches\.labels must have one entry per anchor, 2; got 3/],
		[() => fcosTargets(one, points, box, {} as never), TypeError, /classIds must be an array/],
		[() => fcosTargets(one, points, box, { classIds: [4], numClasses: 4 }), RangeError, /classIds\[0\] must be below the number of classes, 4; got 4/],
		[() => fcosTargets(one, points, box, { classIds: [4], unit: 'cells' as never }), RangeError, /unit must be 'stride' or 'pixels'/],
		[() => fcosTargets(one, points, [12, 4, NaN, 36], { classIds: [0] }), RangeError, /groundTruths\[0\] must be finite.*got \[12, 4, NaN, 36\]/],
		[() => fcosTargets(one, [1, 2, 3], box, { classIds: [0] }), RangeError, /points must have a length that is a multiple of 4; got 3/],
		[() => binTargets(one, points, box, { numBins: 1 }), RangeError, /numBins must be an integer from 2/],
		[() => binTargets(one, points, box, { margin: -1 }), RangeError, /margin must be 0 to 1 bins; got -1/],
	])('%s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

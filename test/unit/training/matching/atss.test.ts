// ATSS: an example on paper, and random pyramids against loops in doubles that follow mmdet's ATSSAssigner.

import { describe, expect, it } from 'vitest';
import { anchorGrid } from '../../../../src/index.js';
import { type AtssOptions, matchAtss } from '../../../../src/training.js';
import { listOf, matrixOf } from '../../../support/matching.js';
import { random } from '../../../support/random.js';

/** The steps of the source, over the whole matrix, in doubles. */
function plain(anchors: Float32Array, groundTruths: Float32Array, levels: readonly number[], topk: number): number[] {
	const matrix = matrixOf(anchors, groundTruths);
	const numAnchors = anchors.length / 4;
	const center = (boxes: Float32Array, i: number) => [(boxes[4 * i] + boxes[4 * i + 2]) / 2, (boxes[4 * i + 1] + boxes[4 * i + 3]) / 2];
	const overlaps = matrix.map((row) => row.map(() => -Infinity));
	matrix.forEach((row, g) => {
		const [x, y] = center(groundTruths, g);
		const candidates: number[] = [];
		let first = 0;
		for (const count of levels) {
			const distance = (a: number) => Math.hypot(center(anchors, a)[0] - x, center(anchors, a)[1] - y);
			const level = Array.from({ length: count }, (_, i) => first + i).sort((a, b) => distance(a) - distance(b) || a - b);
			candidates.push(...level.slice(0, topk));
			first += count;
		}
		const ious = candidates.map((a) => row[a]);
		const mean = ious.reduce((s, v) => s + v, 0) / ious.length;
		const deviation = Math.sqrt(ious.reduce((s, v) => s + (v - mean) ** 2, 0) / (ious.length - 1));
		for (const a of candidates) {
			const [cx, cy] = center(anchors, a);
			const inside = Math.min(cx - groundTruths[4 * g], cy - groundTruths[4 * g + 1], groundTruths[4 * g + 2] - cx, groundTruths[4 * g + 3] - cy) > 0.01;
			if (row[a] >= mean + deviation && inside) overlaps[g][a] = row[a];
		}
	});
	return Array.from({ length: numAnchors }, (_, a) => {
		const column = overlaps.map((row) => row[a]);
		const most = Math.max(...column);
		return most === -Infinity ? -1 : column.indexOf(most);
	});
}

describe('matchAtss', () => {
	it('takes candidates from mean + standard deviation of a sample on', () => {
		// one level, four anchors 10 wide around (5, 5): IoUs 1, 1/2, 1/4 and 1/8 by their heights
		const anchors = [0, 0, 10, 10, 0, 2.5, 10, 7.5, 0, 3.75, 10, 6.25, 0, 4.375, 10, 5.625];
		const found = matchAtss(anchors, [0, 0, 10, 10], { levels: [4] });
		expect(listOf(found)).toEqual([0, -1, -1, -1]);
		expect([...found.maxIou]).toEqual([1, 0.5, 0.25, 0.125]);
	});
	it('divides by n - 1: two candidates of 0.5 and 0.9 leave the better one out', () => {
		// mean 0.7, deviation 0.2828 over n - 1 (0.2 over n: 0.9 would be enough)
		const anchors = [0, 0, 10, 5, 0, 0, 10, 9];
		const found = matchAtss(anchors, [0, 0, 10, 10], { levels: [2] });
		expect(listOf(found)).toEqual([-1, -1]);
		expect(found.groundTruths).toEqual([{ numAnchors: 0, bestAnchor: 1, best: Math.fround(0.9), lost: 'below-minimum' }]);
		expect(listOf(matchAtss(anchors, [0, 0, 10, 10], { levels: [2], topk: 1 }))).toEqual([-1, 0]);
	});

	it('does on random pyramids what its source does', () => {
		const next = random(9);
		const strides = [8, 16, 32];
		const grids = strides.map((stride) => anchorGrid({ inputSize: [128, 160], strides: [stride], sizes: [[4 * stride]], ratios: [0.5, 1, 2] }));
		const anchors = Float32Array.from(grids.flatMap((grid) => [...grid]));
		const levels = grids.map((grid) => grid.length / 4);
		for (let n = 0; n < 20; n++) {
			// coordinates in 64ths, so that float32 and doubles have the same distances
			const objects = Array.from({ length: 12 }, () => {
				const [x, y, w, h] = [next() * 130, next() * 100, 4 + next() * 60, 4 + next() * 60].map((v) => Math.round(v * 64) / 64);
				return [x, y, x + w, y + h];
			});
			const groundTruths = Float32Array.from(objects.flat());
			expect(listOf(matchAtss(anchors, groundTruths, { levels }))).toEqual(plain(anchors, groundTruths, levels, 9));
		}
	});

	it('gives an anchor of two ground truths to the one that it overlaps more, of equal ones to the first', () => {
		const anchors = [0, 0, 10, 10];
		const matches = (...groundTruths: number[]) => [...matchAtss(anchors, groundTruths, { levels: [1] }).matches];
		expect(matches(0, 0, 10, 8, 0, 0, 10, 9)).toEqual([1]);
		expect(matches(0, 0, 10, 9, 0, 0, 10, 8)).toEqual([0]);
		expect(matches(0, 0, 10, 8, 0, 0, 8, 10)).toEqual([0]);
		const fates = matchAtss(anchors, [0, 0, 10, 8, 0, 0, 10, 9], { levels: [1] }).groundTruths;
		expect(fates.map(({ lost }) => lost)).toEqual(['taken', undefined]);
	});
	it('asks for the centre to be inside by more than the margin', () => {
		const found = (margin?: number) => matchAtss([0, 0, 10, 10], [4, 4, 10, 10], { levels: [1], margin });
		expect(listOf(found())).toEqual([0]);
		expect(listOf(found(0.999))).toEqual([0]);
		expect(listOf(found(1))).toEqual([-1]);
		expect(found(1).groundTruths[0]).toMatchObject({ numAnchors: 0, bestAnchor: 0, lost: 'out-of-range' });
	});
	it('leaves anchors of regions to be ignored out, so that others are candidates', () => {
		const anchors = [0, 0, 10, 10, 0, 0, 10, 9, 40, 40, 50, 50];
		const found = matchAtss(anchors, [0, 0, 10, 10], { levels: [3], topk: 1, ignoreBoxes: [0, 9, 10, 10], ignoreThreshold: 0.05 });
		expect(listOf(found)).toEqual([-2, 0, -1]);
	});
	it('takes no anchors, no ground truths, and levels without anchors', () => {
		expect(listOf(matchAtss([0, 0, 1, 1], [], { levels: [0, 1] }))).toEqual([-1]);
		expect(matchAtss([], [0, 0, 1, 1], { levels: [] }).groundTruths[0]).toMatchObject({ numAnchors: 0, lost: 'below-minimum' });
		expect(matchAtss([0, 0, 1, 1], [NaN, 0, 1, 1, 3, 3, 3, 3], { levels: [1] }).groundTruths.map(({ lost }) => lost)).toEqual(['not-finite', 'empty']);
	});
	it('refuses levels that do not fit', () => {
		const call = (options: object) => () => matchAtss([0, 0, 1, 1], [], options as AtssOptions);
		expect(call({})).toThrow('matchAtss: levels must be an array of numbers of anchors, one per level');
		expect(call({ levels: [2] })).toThrow('matchAtss: levels must add up to the number of anchors, 1; got 2');
		expect(call({ levels: [1.5] })).toThrow('matchAtss: levels[0] must be an integer');
		expect(call({ levels: [1], topk: 0 })).toThrow('matchAtss: topk must be an integer from 1');
		expect(call({ levels: [1], k: 9 })).toThrow('options may hold levels, topk, margin');
	});
});

// The rules that give every ground truth an anchor of its own: the textbook's example, SSD's published case, and random
// scenes against loops over the whole matrix.

import { describe, expect, it } from 'vitest';
import { matchMatrix, matchSsd, matchTextbook, type SsdOptions, type TextbookOptions } from '../../../../src/training.js';
import { caffe, d2l, listOf, matrixOf, scene, ssdMatcher } from '../../../support/matching.js';

const SETS = ['clustered', 'uniform', 'integer', 'identical', 'chain'] as const;
const SIZES = [
	[1, 1],
	[7, 12],
	[60, 1],
	[200, 33],
	[300, 90],
] as const;

describe('matchTextbook', () => {
	it('labels the five anchors of Dive into Deep Learning, 14.4.3, as the book prints', () => {
		const groundTruths = [0.1, 0.08, 0.52, 0.92, 0.55, 0.2, 0.9, 0.88];
		const classes = [0, 1];
		const anchors = [0, 0.1, 0.2, 0.3, 0.15, 0.2, 0.4, 0.4, 0.63, 0.05, 0.88, 0.98, 0.66, 0.45, 0.8, 0.8, 0.57, 0.3, 0.92, 0.9];
		const { labels, matches, numPositives, numIgnored } = matchTextbook(anchors, groundTruths);
		expect(Array.from(labels, (label, a) => (label === 1 ? classes[matches[a]] + 1 : 0))).toEqual([0, 1, 2, 0, 2]);
		expect([numPositives, numIgnored]).toEqual([3, 0]);
	});

	// 9 anchors, 4 ground truths: x23, x71, x54 and x92 are the largest in turn; then A1, A3, A4, A6, A8 by the threshold
	it("takes the pairs of the book's drawing in their order, and then the rest", () => {
		const rows = Array.from({ length: 4 }, () => Array(9).fill(0.1));
		const set = (anchor: number, groundTruth: number, value: number) => (rows[groundTruth - 1][anchor - 1] = value);
		set(2, 3, 0.95);
		set(2, 1, 0.94); // of the row that is left out
		set(7, 1, 0.9);
		set(5, 4, 0.8);
		set(9, 2, 0.3);
		set(4, 2, 0.25);
		set(3, 4, 0.7);
		set(8, 3, 0.5);
		const found = matchMatrix(rows.flat(), { numAnchors: 9, rule: 'textbook' });
		expect(listOf(found)).toEqual([-1, 2, 3, -1, 3, -1, 0, 2, 1]);
		expect(found.groundTruths.map(({ numAnchors }) => numAnchors)).toEqual([1, 1, 2, 2]);
	});

	for (const set of SETS) {
		it(`does with ${set} boxes what the book's code does`, () => {
			for (const [numAnchors, numGroundTruths] of SIZES) {
				for (const options of [{ assignZeroOverlap: true }, { assignZeroOverlap: true, positive: 0.3 }] as TextbookOptions[]) {
					const { anchors, groundTruths } = scene(set, numAnchors, numGroundTruths, numAnchors);
					const wanted = d2l(matrixOf(anchors, groundTruths), numAnchors, options.positive ?? 0.5);
					expect(listOf(matchTextbook(anchors, groundTruths, options))).toEqual(wanted);
				}
			}
		});
	}

	it('leaves ground truths that overlap no free anchor without one, and says so', () => {
		const anchors = [0, 0, 10, 10, 50, 50, 60, 60];
		const groundTruths = [0, 0, 10, 9, 0, 0, 10, 8, 80, 80, 90, 90];
		const { matches, groundTruths: fates } = matchTextbook(anchors, groundTruths);
		expect([...matches]).toEqual([0, -1]);
		expect(fates.map(({ lost }) => lost)).toEqual([undefined, 'taken', 'below-minimum']);
		expect([...matchTextbook(anchors, groundTruths, { assignZeroOverlap: true }).matches]).toEqual([0, 1]);
	});

	it('never gives a ground truth an anchor that takes no part', () => {
		const anchors = [NaN, 0, 1, 1, -5, 0, 5, 5, 2, 2, 4, 4];
		const found = matchTextbook(anchors, [20, 20, 30, 30], { assignZeroOverlap: true, outside: { imageSize: [40, 40] } });
		expect(listOf(found)).toEqual([-2, -2, 0]);
	});
});

describe('matchSsd', () => {
	it('torchvision: a later ground truth overwrites, as SSDMatcher prints; Caffe gives it another', () => {
		const rows = [0.9, 0.2, 0.1, 0.8, 0.3, 0.1];
		expect(listOf(matchMatrix(rows, { numAnchors: 3, rule: 'ssd', style: 'torchvision' }))).toEqual([1, -1, -1]);
		expect(matchMatrix(rows, { numAnchors: 3, rule: 'ssd', style: 'torchvision' }).groundTruths[0]).toMatchObject({ numAnchors: 0, lost: 'taken' });
		expect(listOf(matchMatrix(rows, { numAnchors: 3, rule: 'ssd' }))).toEqual([0, 1, -1]);
	});

	for (const set of SETS) {
		it(`does with ${set} boxes what Caffe and torchvision do`, () => {
			for (const [numAnchors, numGroundTruths] of SIZES) {
				for (const positive of [0.5, 0.7]) {
					const { anchors, groundTruths } = scene(set, numAnchors, numGroundTruths, 1 + numAnchors);
					const matrix = matrixOf(anchors, groundTruths);
					expect(listOf(matchSsd(anchors, groundTruths, { positive }))).toEqual(caffe(matrix, numAnchors, positive));
					expect(listOf(matchSsd(anchors, groundTruths, { positive, style: 'torchvision' }))).toEqual(ssdMatcher(matrix, numAnchors, positive));
					expect(listOf(matchMatrix(matrix.flat(), { numAnchors, rule: 'ssd', positive }))).toEqual(caffe(matrix, numAnchors, positive));
				}
			}
		});
	}

	it('of 200 ground truths on one place, each gets an anchor of its own while there are any', () => {
		const anchors = Float32Array.from({ length: 4 * 150 }, (_, i) => (i % 4 < 2 ? 0 : 100 + (i >> 2)));
		const groundTruths = Float32Array.from({ length: 4 * 200 }, (_, i) => (i % 4 < 2 ? 0 : 100));
		const { matches, groundTruths: fates } = matchSsd(anchors, groundTruths);
		// of equal pairs the first ground truth, and each has the next anchor: the smaller ones overlap more
		expect([...matches]).toEqual(Array.from({ length: 150 }, (_, a) => a));
		expect(fates.filter(({ lost }) => lost === 'taken')).toHaveLength(50);
	});

	it('takes no pair that overlaps by 1e-6 or less', () => {
		const found = (value: number) => listOf(matchMatrix([value], { numAnchors: 1, rule: 'ssd' }));
		expect([found(1e-6), found(1.1e-6), found(0)]).toEqual([[-1], [0], [-1]]);
	});

	it('ignores anchors between neg_overlap and the threshold, and matches pairs alone where it is told to', () => {
		const rows = [0.9, 0.6, 0.45, 0.3, 0.1];
		expect(listOf(matchMatrix(rows, { numAnchors: 5, rule: 'ssd', negative: 0.3 }))).toEqual([0, 0, -2, -2, -1]);
		expect(listOf(matchMatrix(rows, { numAnchors: 5, rule: 'ssd', perAnchor: false }))).toEqual([0, -2, -1, -1, -1]);
	});

	it('ignores anchors that cross the image as Caffe does: those that touch its edge are inside', () => {
		const anchors = [0, 0, 1, 1, -0.1, 0, 0.9, 1, 0.5, 0.5, 1.01, 1];
		const found = matchSsd(anchors, [0, 0, 1, 1], { outside: { imageSize: [1, 1] } });
		expect(listOf(found)).toEqual([0, -2, -2]);
	});

	it('refuses thresholds in the wrong order, and words it does not know', () => {
		const call = (options: object) => () => matchSsd([], [], options as SsdOptions);
		expect(call({ positive: 0.4, negative: 0.5 })).toThrow('matchSsd: negative must not exceed positive, 0.4; got 0.5');
		expect(call({ style: 'mmdet' })).toThrow("matchSsd: style must be 'caffe' or 'torchvision'");
		expect(call({ minPositive: 0.1 })).toThrow('matchSsd: options may hold style, positive');
		expect(() => matchTextbook([], [], { positive: 50 })).toThrow('matchTextbook: positive must be 0 to 1; got 50');
	});
});

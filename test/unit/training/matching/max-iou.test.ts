// The rule of the highest IoU in the styles of the frameworks: the published numbers, and random scenes against loops that
// follow each framework's own steps.

import { describe, expect, it } from 'vitest';
import { type MaxIouOptions, matchMatrix, matchMaxIou } from '../../../../src/training.js';
import { argMaxMatcher, largest, listOf, matrixOf, mmdet, scene, torchvision } from '../../../support/matching.js';

const matched = (rows: readonly (readonly number[])[], options: object) => listOf(matchMatrix(rows.flat(), { numAnchors: rows[0].length, ...options }));

// printed by the packages themselves
describe('published cases', () => {
	it('one anchor that is best for both: torchvision keeps its own, mmdet gives it to the last', () => {
		const rows = [
			[0.9, 0.2],
			[0.8, 0.1],
		]; // prettier-ignore
		expect(matched(rows, { style: 'torchvision' })).toEqual([0, -1]);
		expect(matched(rows, { style: 'detectron2' })).toEqual([0, -1]);
		expect(matched(rows, { style: 'mmdet' })).toEqual([1, -1]);
		expect(matched(rows, { style: 'efficientdet' })).toEqual([0, -1]);
	});
	// Matcher(.7, .3), run; detectron2's set_low_quality_matches_ compares with the row's maximum as well, without a least one
	it('a ground truth without overlap makes every anchor a positive in torchvision and detectron2, and in no other style', () => {
		const rows = [
			[0.8, 0.1, 0, 0],
			[0, 0, 0, 0],
		]; // prettier-ignore
		for (const style of ['torchvision', 'detectron2']) expect(matched(rows, { style, positive: 0.7, negative: 0.3 })).toEqual([0, 0, 0, 0]);
		for (const style of ['paper', 'mmdet', 'fizyr', 'efficientdet']) expect(matched(rows, { style, positive: 0.7, negative: 0.3 })).toEqual([0, -1, -1, -1]);
		expect(matched(rows, { style: 'torchvision', forceZeroOverlap: false })).toEqual([0, -1, -1, -1]);
		// automl's argmax_matcher takes the first of equal ones, 0 or not
		expect(
			matched(
				[
					[0, 0, 0],
					[0, 0.9, 0],
				],
				{ style: 'efficientdet' },
			),
		).toEqual([0, 1, -1]);
	});
	it('IoUs of 0.5, 0.4 and 0.3999', () => {
		const rows = [[0.5, 0.4, 0.3999]];
		expect(matched(rows, { style: 'torchvision', positive: 0.5, negative: 0.4 })).toEqual([0, -2, -1]);
		expect(matched(rows, { style: 'mmdet', positive: 0.5, negative: 0.4, minPositive: 0 })).toEqual([0, -2, -1]);
		expect(matched(rows, { style: 'fizyr' })).toEqual([0, -1, -1]);
		expect(matched(rows, { style: 'efficientdet' })).toEqual([0, -1, -1]);
		expect(matched(rows, { positive: 0.5, negative: 0.4, force: 'none' })).toEqual([-2, -2, -1]);
	});
	it('ties: all of them, or the first', () => {
		const rows = [[0.2, 0.6, 0.6, 0.1]];
		expect(matched(rows, { style: 'mmdet' })).toEqual([-1, 0, 0, -1]);
		expect(matched(rows, { style: 'mmdet', force: 'first' })).toEqual([-1, 0, -2, -1]);
		expect(matched(rows, { style: 'fizyr', positive: 0.7, negative: 0.3 })).toEqual([-1, -2, -2, -1]);
	});
	it('a negative may have a least overlap, as the boxes of a second stage', () => {
		expect(matched([[0.6, 0.5, 0.2, 0.1, 0.05]], { style: 'mmdet', positive: 0.5, negative: [0.1, 0.5], force: 'none' })).toEqual([0, 0, -1, -1, -2]);
	});
});

const STYLES: Record<string, [MaxIouOptions, (matrix: number[][], numAnchors: number) => number[]]> = {
	torchvision: [{ style: 'torchvision' }, (m, n) => torchvision(m, n, 0.7, 0.3)],
	'torchvision, RetinaNet': [{ style: 'torchvision', positive: 0.5, negative: 0.4 }, (m, n) => torchvision(m, n, 0.5, 0.4)],
	detectron2: [{ style: 'detectron2' }, (m, n) => torchvision(m, n, 0.7, 0.3)],
	mmdet: [{ style: 'mmdet' }, (m, n) => mmdet(m, n, 0.7, 0.3, 0.3, true).map((g) => g - 1)],
	'mmdet, only the best': [{ style: 'mmdet', force: 'first' }, (m, n) => mmdet(m, n, 0.7, 0.3, 0.3, false).map((g) => g - 1)],
	'mmdet, RetinaNet': [
		{ style: 'mmdet', positive: 0.5, negative: 0.4, minPositive: 0, forceZeroOverlap: true },
		(m, n) => mmdet(m, n, 0.5, 0.4, 0, true).map((g) => g - 1),
	],
	efficientdet: [{ style: 'efficientdet' }, (m, n) => argMaxMatcher(m, n, 0.5)],
	fizyr: [
		{ style: 'fizyr' },
		(m, n) =>
			Array.from({ length: n }, (_, a) => {
				const { value, index } = largest(m.map((row) => row[a]));
				return value >= Math.fround(0.5) ? index : value > Math.fround(0.4) ? -2 : -1;
			}),
	],
};

describe.each(Object.entries(STYLES))('style %s', (_, [options, plain]) => {
	for (const set of ['clustered', 'uniform', 'integer', 'identical', 'chain'] as const) {
		it(`is what its framework does with ${set} boxes`, () => {
			for (const [numAnchors, numGroundTruths] of [
				[7, 3],
				[60, 1],
				[300, 33],
				[500, 60],
			]) {
				const { anchors, groundTruths } = scene(set, numAnchors, numGroundTruths, 2 * numAnchors + numGroundTruths);
				const matrix = matrixOf(anchors, groundTruths);
				const found = matchMaxIou(anchors, groundTruths, options);
				const wanted = plain(matrix, numAnchors);
				expect(listOf(found)).toEqual(wanted);
				expect(listOf(matchMatrix(matrix.flat(), { numAnchors, ...options }))).toEqual(wanted);
				expect(found.numPositives).toBe(wanted.filter((g) => g >= 0).length);
				expect(found.numIgnored).toBe(wanted.filter((g) => g === -2).length);
				expect([...found.maxIou]).toEqual(Array.from({ length: numAnchors }, (_, a) => largest(matrix.map((row) => row[a])).value));
				found.groundTruths.forEach(({ numAnchors: count, best, bestAnchor, lost }, g) => {
					const { value, index } = largest(matrix[g]);
					expect([count, best, bestAnchor]).toEqual([wanted.filter((other) => other === g).length, value, value > 0 ? index : -1]);
					expect(lost === undefined).toBe(count > 0);
				});
			}
		});
	}
});

// [0, 0, 10, 10] and [0, 0, 10, 20 k]: IoUs 0.5, 0.25 of the first with the others, in one direction
const COLUMN = [0, 0, 10, 10, 0, 0, 10, 20, 0, 0, 10, 40];

describe('thresholds', () => {
	it('are exact at equality, for 7/10 as for 1/2', () => {
		// IoU 7 / 10, in float32 as in the threshold; then 1 / 2
		const anchors = [0, 0, 10, 7, 0, 20, 10, 25];
		const groundTruths = [0, 0, 10, 10, 0, 20, 10, 30];
		const labels = (options: MaxIouOptions) => [...matchMaxIou(anchors, groundTruths, { force: 'none', ...options }).labels];
		expect(labels({ positiveRule: '>' })).toEqual([-1, -1]);
		expect(labels({ positiveRule: '>=' })).toEqual([1, -1]);
		expect(labels({ negative: 0.5 })).toEqual([-1, -1]);
		expect(labels({ negative: 0.5, negativeRule: '<=' })).toEqual([-1, 0]);
		expect(labels({ negative: 0.7, negativeRule: '<=' })).toEqual([0, 0]);
		expect(labels({ positive: 0.7, negative: 0.7, negativeRule: '<=', positiveRule: '>=' })).toEqual([1, 0]);
	});
	it('the least overlap that forces is exact, too', () => {
		const fate = (minPositive: number) => matchMaxIou([0, 0, 10, 5], [0, 0, 10, 10], { minPositive }).groundTruths[0];
		expect(fate(0.5)).toEqual({ numAnchors: 1, bestAnchor: 0, best: 0.5 });
		expect(fate(0.5000001)).toEqual({ numAnchors: 0, bestAnchor: 0, best: 0.5, lost: 'below-minimum' });
	});
});

describe('ground truths', () => {
	it('say what became of them', () => {
		const groundTruths = [0, 0, 10, 10, 0, 0, 10, 11, 5, 5, 5, 9, NaN, 0, 1, 1, 500, 500, 510, 510, 0, 0, 9, Infinity];
		const { groundTruths: fates, matches } = matchMaxIou(COLUMN, groundTruths, { style: 'torchvision', forceZeroOverlap: false });
		expect([...matches]).toEqual([0, -1, -1]);
		expect(fates).toEqual([
			{ numAnchors: 1, bestAnchor: 0, best: 1 },
			{ numAnchors: 0, bestAnchor: 0, best: Math.fround(100 / 110), lost: 'taken' },
			{ numAnchors: 0, bestAnchor: -1, best: 0, lost: 'empty' },
			{ numAnchors: 0, bestAnchor: -1, best: 0, lost: 'not-finite' },
			{ numAnchors: 0, bestAnchor: -1, best: 0, lost: 'below-minimum' },
			{ numAnchors: 0, bestAnchor: -1, best: 0, lost: 'not-finite' },
		]);
	});
	it('keep their places when others cannot take part', () => {
		const { matches } = matchMaxIou(COLUMN, [1, 1, 1, 1, NaN, 0, 1, 1, 0, 0, 10, 20]);
		expect([...matches]).toEqual([-1, 2, -1]);
	});
	it('may be none: every anchor is a negative, unless it is ignored', () => {
		expect(matchMaxIou(COLUMN, [])).toMatchObject({ numPositives: 0, numIgnored: 0, groundTruths: [] });
		expect([...matchMaxIou(COLUMN, [], { negative: [0.1, 0.3] }).labels]).toEqual([0, 0, 0]);
		expect([...matchMaxIou([...COLUMN, NaN, 0, 1, 1], []).labels]).toEqual([0, 0, 0, -1]);
	});
	it('may outnumber the anchors, of which there may be none', () => {
		const { labels, matches, maxIou, groundTruths } = matchMaxIou([], [0, 0, 1, 1]);
		expect([labels, matches, maxIou]).toEqual([new Int32Array(0), new Int32Array(0), new Float32Array(0)]);
		expect(groundTruths).toEqual([{ numAnchors: 0, bestAnchor: -1, best: 0, lost: 'below-minimum' }]);
	});
});

describe('anchors', () => {
	it('that are not finite are ignored, those that are empty are negatives', () => {
		const { labels, numIgnored } = matchMaxIou([NaN, 0, 10, 10, 0, 0, 10, 2 ** 62, 5, 5, 5, 8, 0, 0, 10, 10], [0, 0, 10, 10]);
		expect([...labels]).toEqual([-1, -1, 0, 1]);
		expect(numIgnored).toBe(2);
	});
	it('and ground truths may be in any format, and are not written to', () => {
		const anchors = new Float32Array([5, 5, 10, 10, -0, 5, 1e-40, 10]);
		const before = anchors.slice();
		const { labels } = matchMaxIou({ data: anchors, format: 'cxcywh' }, { data: [0, 0, 10, 10], format: 'xywh' });
		expect([...labels]).toEqual([1, 0]);
		expect(anchors).toEqual(before);
	});
});

describe('what is refused', () => {
	const call =
		(options: unknown, anchors: unknown = COLUMN, groundTruths: unknown = COLUMN) =>
		() =>
			matchMaxIou(anchors as number[], groundTruths as number[], options as MaxIouOptions);
	it.each([
		[{ positive: 0.3, negative: 0.5 }, RangeError, 'matchMaxIou: negative must not exceed positive, 0.3; got 0.5 (are the two swapped?)'],
		[{ positive: 70 }, RangeError, 'matchMaxIou: positive must be 0 to 1; got 70 (did you mean 0.7?)'],
		[{ negative: [0.5, 0.1], positive: 0.7 }, RangeError, 'negative must have the smaller number first'],
		[{ negative: [0.5] }, RangeError, 'negative must be a number or [least, most]'],
		[{ minPositive: NaN }, RangeError, 'minPositive must be 0 to 1; got NaN'],
		[{ style: 'mmdetection' }, RangeError, "style must be 'paper' or 'mmdet' or 'torchvision' or 'detectron2' or 'fizyr' or 'efficientdet'"],
		[{ positiveThreshold: 0.5 }, TypeError, 'options may hold style, positive'],
		[{ force: true }, TypeError, "force must be 'ties' or 'first' or 'none'; got true"],
		[{ forceZeroOverlap: 1 }, TypeError, 'forceZeroOverlap must be true or false'],
		[7, TypeError, 'options must be an object'],
	])('%j', (options, Kind, text) => {
		expect(call(options)).toThrow(Kind as ErrorConstructor);
		expect(call(options)).toThrow(text as string);
	});
	it('boxes that are none', () => {
		expect(call({}, [1, 2, 3])).toThrow('matchMaxIou: anchors must have a length that is a multiple of 4; got 3');
		expect(call({}, COLUMN, 'boxes')).toThrow('matchMaxIou: groundTruths must be a Float32Array');
		expect(call({}, COLUMN, { data: [0, 0, 1, 1, 0], format: 'cxcywhr' })).toThrow('matchMaxIou: groundTruths must be upright boxes');
	});
});

describe('matchMatrix', () => {
	it('takes similarities of any sign and size', () => {
		expect(listOf(matchMatrix([-3, 20, 7, 1], { numAnchors: 2, positive: 15, negative: -1, minPositive: 5, style: 'mmdet' }))).toEqual([1, 0]);
	});
	it('refuses what it cannot read', () => {
		const call = (matrix: number[], options: object) => () => matchMatrix(matrix, options as { numAnchors: number });
		expect(call([1, 2, 3], { numAnchors: 2 })).toThrow('matchMatrix: similarity must have 2 entries per ground truth; got 3 (is it [ground truths, anchors]?)');
		expect(call([1, NaN], { numAnchors: 2 })).toThrow('matchMatrix: similarity[1] must not be NaN');
		expect(call([1], {})).toThrow('matchMatrix: numAnchors must be an integer from 0');
		expect(call([1], { numAnchors: 1, rule: 'atss' })).toThrow("rule must be 'max-iou' or 'textbook' or 'ssd'");
		expect(call([1], { numAnchors: 1, rule: 'ssd', minPositive: 0.1 })).toThrow('options may hold numAnchors, rule, style');
		expect(call([1], { numAnchors: 0 })).toThrow(RangeError);
		expect(matchMatrix([], { numAnchors: 0 }).labels).toHaveLength(0);
	});
});

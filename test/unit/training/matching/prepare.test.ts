// Anchors that are ignored whatever they overlap: outside of the image, in crowds and other regions.

import { describe, expect, it } from 'vitest';
import { type MaxIouOptions, matchMaxIou } from '../../../../src/training.js';
import { listOf } from '../../../support/matching.js';

const IMAGE = { imageSize: [100, 200] } as const; // 200 wide

describe('outside', () => {
	// inside; at the right edge; beyond the left edge; centre at the right edge; centre below the lower edge
	const anchors = [10, 10, 20, 20, 190, 10, 200, 20, -1, 10, 9, 20, 195, 10, 205, 20, 10, 96, 20, 106];
	const labels = (options: MaxIouOptions) => listOf(matchMaxIou(anchors, [10, 10, 20, 20], options));

	it('by the border: x1 >= 0 and x2 < width, as Faster R-CNN, mmdet and detectron2', () => {
		expect(labels({ outside: IMAGE })).toEqual([0, -2, -2, -2, -2]);
		expect(labels({ outside: { ...IMAGE, border: 1 } })).toEqual([0, -1, -1, -2, -2]);
		expect(labels({ outside: { ...IMAGE, border: 5 } })).toEqual([0, -1, -1, -2, -2]);
		expect(labels({ outside: { ...IMAGE, border: 5, rule: 'border-inclusive' } })).toEqual([0, -1, -1, -1, -2]);
		expect(labels({ outside: { ...IMAGE, rule: 'border-inclusive' } })).toEqual([0, -1, -2, -2, -2]);
	});
	it('by the centre at the right or lower edge or beyond, as keras-retinanet', () => {
		expect(labels({ style: 'fizyr', outside: IMAGE })).toEqual([0, -1, -1, -2, -2]);
		expect(labels({ style: 'fizyr' })).toEqual([0, -1, -1, -1, -1]);
	});

	it('before: another anchor is the best one; after: the ground truth is lost', () => {
		const anchors = [-1, 0, 10, 10, 0, 0, 10, 20];
		const found = (options: MaxIouOptions) => matchMaxIou(anchors, [0, 0, 10, 10], options);
		const before = found({ style: 'mmdet', outside: IMAGE });
		expect(listOf(before)).toEqual([-2, 0]);
		expect(before.groundTruths).toEqual([{ numAnchors: 1, bestAnchor: 1, best: 0.5 }]);
		const after = found({ style: 'detectron2', outside: IMAGE });
		expect(listOf(after)).toEqual([-2, -2]);
		expect(after.groundTruths).toEqual([{ numAnchors: 0, bestAnchor: 0, best: Math.fround(10 / 11), lost: 'ignored' }]);
		expect(listOf(found({ style: 'detectron2', outside: { ...IMAGE, when: 'before' } }))).toEqual([-2, 0]);
	});
});

describe('regions to be ignored', () => {
	// wholly in the region; half in it; a quarter of the region, itself half in it
	const anchors = [0, 0, 10, 10, 15, 0, 25, 10, 10, 10, 20, 30];
	const region = [0, 0, 20, 20];
	const objects = [10, 10, 20, 30];

	it('leave out anchors that lie in one by more than the threshold, exactly', () => {
		const labels = (ignoreThreshold?: number) => listOf(matchMaxIou(anchors, objects, { ignoreBoxes: region, ignoreThreshold }));
		expect(labels()).toEqual([-2, -1, 0]); // 1, 1/2, 1/2 of the anchor
		expect(labels(0.4999)).toEqual([-2, -2, -2]);
		expect(labels(1)).toEqual([-1, -1, 0]);
	});
	it('or of the region that lies in the anchor', () => {
		const labels = (ignoreThreshold: number) => listOf(matchMaxIou(anchors, [], { ignoreBoxes: region, ignoreOver: 'region', ignoreThreshold }));
		expect(labels(0.2)).toEqual([-2, -1, -2]); // 1/4, 1/8, 1/4
		expect(labels(0.25)).toEqual([-1, -1, -1]);
	});
	it('may be crowds among the ground truths, which match nothing', () => {
		const found = matchMaxIou(anchors, [...region, ...objects], { crowd: [1, 0] });
		expect(listOf(found)).toEqual([-2, -1, 1]);
		expect(found.groundTruths[0]).toEqual({ numAnchors: 0, bestAnchor: -1, best: 0, lost: 'crowd' });
		expect(listOf(matchMaxIou(anchors, [...region, ...objects], { crowd: [true, true] }))).toEqual([-2, -1, -2]);
	});
	it('may be none, empty or not finite: those ignore nothing', () => {
		const ignoreBoxes = [NaN, 0, 20, 20, 5, 5, 5, 30, 0, 0, Infinity, 20];
		expect(listOf(matchMaxIou(anchors, objects, { ignoreBoxes }))).toEqual([-1, -1, 0]);
	});
});

describe('what is refused', () => {
	it.each([
		[{ outside: { border: 0 } }, 'outside.imageSize must be [height, width]'],
		[{ outside: { imageSize: [0, 10] } }, 'outside.imageSize[0] (height) must be a positive number'],
		[{ outside: { imageSize: [10, 10], border: -1 } }, 'outside.border must not be negative; got -1'],
		[{ outside: { imageSize: [10, 10], rule: 'centre' } }, "did you mean 'center'?"],
		[{ outside: { imageSize: [10, 10], where: 0 } }, 'outside may hold imageSize, rule, border, when'],
		[{ crowd: [1, 0] }, 'crowd must have one entry per ground truth, 1; got 2'],
		[{ crowd: [2] }, 'crowd[0] must be 0, 1 or a boolean; got 2'],
		[{ crowd: 'none' }, 'crowd must be an array'],
		[{ ignoreBoxes: [1] }, 'ignoreBoxes must have a length that is a multiple of 4'],
		[{ ignoreThreshold: 2 }, 'ignoreThreshold must be 0 to 1; got 2'],
		[{ ignoreOver: 'gt' }, "ignoreOver must be 'anchor' or 'region'"],
	])('%j', (options, text) => {
		expect(() => matchMaxIou([0, 0, 1, 1], [0, 0, 1, 1], options as unknown as MaxIouOptions)).toThrow(text);
	});
});

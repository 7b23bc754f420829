// FCOS: ranges, sampling and ambiguous points with literal numbers of the three frameworks' boundaries (torchvision
// models/detection/fcos.py, detectron2 modeling/meta_arch/fcos.py, mmdetection dense_heads/fcos_head.py), and against loops
// in float64 written from their lines.

import { assert, describe, test } from 'vitest';
import { anchorGrid } from '../../../../src/anchors/grid.js';
import { anchorPoints } from '../../../../src/anchors/points.js';
import { type FcosMatchOptions, matchFcos } from '../../../../src/training/matching/fcos.js';
import { random } from '../../../support/random.js';

type Style = NonNullable<FcosMatchOptions['style']>;
const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
/** One point per level in the same place. */
const THREE = [0, 0, 8, 8, 0, 0, 16, 16, 0, 0, 32, 32];

describe('matchFcos, ranges', () => {
	/** Labels of the three levels for a box whose farthest side is `farthest` pixels away. */
	const labelsAt = (style: Style, farthest: number) => Array.from(matchFcos(THREE, [-farthest, -1, 1, 1], { style, centreRadius: false }).labels);
	test('torchvision and detectron2: strictly between; exactly 8 strides is on no level', () => {
		for (const style of ['torchvision', 'detectron2'] as const) {
			assert.deepEqual(labelsAt(style, 63.875), [1, 0, 0]);
			assert.deepEqual(labelsAt(style, 64), [0, 0, 0]);
			assert.deepEqual(labelsAt(style, 64.125), [0, 1, 0]);
			assert.deepEqual(labelsAt(style, 128), [0, 0, 0]);
			assert.deepEqual(labelsAt(style, 5000), [0, 0, 1]);
		}
	});
	test('mmdet: inclusive at both ends; exactly 8 strides is on two levels', () => {
		assert.deepEqual(labelsAt('mmdet', 63.875), [1, 0, 0]);
		assert.deepEqual(labelsAt('mmdet', 64), [1, 1, 0]);
		assert.deepEqual(labelsAt('mmdet', 128), [0, 1, 1]);
		assert.deepEqual(labelsAt('mmdet', 5000), [0, 0, 1]);
	});
	test("of one's own", () => {
		const ranges = [
			[0, 10],
			[10, 20],
			[0, 100],
		] as const;
		assert.deepEqual(Array.from(matchFcos(THREE, [-15, -1, 1, 1], { ranges, centreRadius: false }).labels), [0, 1, 1]);
		assert.deepEqual(Array.from(matchFcos(THREE, [-10, -1, 1, 1], { ranges, centreRadius: false }).labels), [0, 0, 1]);
	});
});

describe('matchFcos, places', () => {
	const POINT = [100, 100, 8, 8];
	const isMatched = (box: number[], options?: FcosMatchOptions) => matchFcos(POINT, box, options).numPositives === 1;
	test('strictly inside of the box', () => {
		assert.isTrue(isMatched([99.5, 90, 110, 110]));
		assert.isFalse(isMatched([100, 90, 110, 110]));
		assert.isFalse(isMatched([90, 90, 110, 100]));
	});
	test('less than 1.5 strides from the middle, by the larger of x and y', () => {
		assert.isTrue(isMatched(about(111.875, 100, 50, 50)));
		assert.isFalse(isMatched(about(112, 100, 50, 50)));
		assert.isTrue(isMatched(about(111.875, 88.125, 50, 50)));
		assert.isFalse(isMatched(about(100, 88, 50, 50)));
		assert.isTrue(isMatched(about(112, 100, 50, 50), { centreRadius: 2 }));
		assert.isTrue(isMatched(about(120, 100, 50, 50), { centreRadius: false }));
	});
	test('mmdet samples only when asked to', () => {
		assert.isTrue(isMatched(about(112, 100, 50, 50), { style: 'mmdet' }));
		assert.isFalse(isMatched(about(112, 100, 50, 50), { style: 'mmdet', centreRadius: 1.5 }));
	});
});

describe('matchFcos, several boxes about a point', () => {
	const POINT = [0, 0, 8, 8];
	const winner = (boxes: number[], style: Style) => matchFcos(POINT, boxes, { style }).matches[0];
	test('the smallest takes it, the first of equals', () => {
		for (const style of ['torchvision', 'detectron2', 'mmdet'] as const) {
			assert.equal(winner([...about(0, 0, 40, 40), ...about(0, 0, 20, 20), ...about(0, 0, 30, 30)], style), 1);
			assert.equal(winner([...about(0, 0, 20, 40), ...about(0, 0, 40, 20)], style), 0);
		}
	});
	test('in float32 1e8 less 100 and 1e8 less 98 are both 99999904: torchvision takes the first, mmdet the smaller', () => {
		assert.equal(Math.fround(1e8 - 100), 99999904);
		assert.equal(Math.fround(1e8 - 98), 99999904);
		const boxes = [...about(0, 0, 10, 10), ...about(0, 0, 9.8, 10)];
		assert.deepEqual([winner(boxes, 'torchvision'), winner(boxes, 'detectron2'), winner(boxes, 'mmdet')], [0, 0, 1]);
	});
	test('fates: taken, out of range, too large', () => {
		const { groundTruths } = matchFcos(POINT, [...about(0, 0, 40, 40), ...about(0, 0, 20, 20), ...about(50, 0, 20, 20), ...about(0, 0, 2e4, 2e4)]);
		assert.deepEqual(
			groundTruths.map(({ numAnchors, bestAnchor, best, lost }) => [numAnchors, bestAnchor, best, lost]),
			[
				[0, 0, 1, 'taken'],
				[1, 0, 1, undefined],
				[0, -1, 0, 'out-of-range'],
				[0, -1, 0, 'out-of-range'],
			],
		);
	});
	test('best is the highest centerness: (1/3 x 1)^0.5', () => {
		const { groundTruths } = matchFcos([0, 0, 8, 8, 2, 0, 8, 8], [-2, -6, 6, 6], { centreRadius: false });
		assert.deepEqual([groundTruths[0].bestAnchor, groundTruths[0].best], [1, 1]);
		const one = matchFcos([0, 0, 8, 8], [-2, -6, 6, 6]);
		assert.closeTo(one.groundTruths[0].best, Math.sqrt(1 / 3), 1e-7);
	});
});

describe('matchFcos, arguments', () => {
	test('boxes that cannot take part, empty inputs', () => {
		const { groundTruths } = matchFcos(THREE, [1, 1, 1, 5, NaN, 0, 1, 1]);
		assert.deepEqual(
			groundTruths.map(({ lost }) => lost),
			['empty', 'not-finite'],
		);
		assert.equal(matchFcos([], [0, 0, 5, 5]).labels.length, 0);
		assert.equal(matchFcos(THREE, []).numPositives, 0);
	});
	test("boxes of one stride's size as points: anchorGrid of torchvision", () => {
		const data = anchorGrid({ inputSize: [64, 64], strides: [8, 16], sizes: [8, 16], ratios: [1] });
		const points = anchorPoints({ inputSize: [64, 64], strides: [8, 16], offset: 0 });
		const boxes = [...about(20, 20, 30, 30), ...about(30, 40, 50, 12)];
		assert.deepEqual(matchFcos({ data, format: 'xyxy' }, boxes), matchFcos(points, boxes));
		assert.isAbove(matchFcos(points, boxes).numPositives, 4);
	});
	test('refusals', () => {
		assert.throws(() => matchFcos([0, 0, 8], []), /points must have a length that is a multiple of 4/);
		assert.throws(() => matchFcos([0, NaN, 8, 8], []), /points\[1\] must be a finite number; got NaN/);
		assert.throws(() => matchFcos([0, 0, 0, 8], []), /points\[2\] must be a positive stride/);
		assert.throws(() => matchFcos(THREE, [], { ranges: [[0, 1]] }), /ranges must have one \[low, high\] per level, 3/);
		assert.throws(
			() =>
				matchFcos(THREE, [], {
					ranges: [
						[0, 1],
						[2, 1],
						[0, 1],
					],
				}),
			/ranges\[1\] must be \[low, high\]/,
		);
		assert.throws(() => matchFcos([0, 0, 16, 16, 0, 0, 8, 8], []), /points must go from fine to coarse/);
		assert.throws(() => matchFcos(THREE, [], { centreRadius: 0 }), /centreRadius must be a positive number/);
		assert.throws(() => matchFcos(THREE, [], { style: 'mmdetection' as 'mmdet' }), /style must be 'torchvision'/);
		assert.throws(() => matchFcos(THREE, [], { radius: 1 } as never), /options may hold style, ranges, centreRadius/);
	});
});

/** compute_loss of torchvision, or _get_target_single of mmdetection: matches. */
function reference(points: Float32Array, boxes: Float32Array, style: Style, radius: number | false): number[] {
	const first = points[2];
	const last = points[points.length - 1];
	return Array.from({ length: points.length / 4 }, (_, i) => {
		const [x, y, s] = points.subarray(i * 4, i * 4 + 4);
		let match = -1;
		let most = style === 'mmdet' ? -1e8 : 1e-5;
		for (let g = 0; g < boxes.length / 4; g++) {
			const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
			const distances = [x - x1, y - y1, x2 - x, y2 - y];
			if (!(Math.min(...distances) > 0)) continue;
			if (radius !== false && !(Math.max(Math.abs(x - (x1 + x2) / 2), Math.abs(y - (y1 + y2) / 2)) < radius * s)) continue;
			const far = Math.max(...distances);
			const [low, high] = [s === first ? -1 : 4 * s, s === last ? Infinity : 8 * s];
			if (style === 'mmdet' ? far < low || far > high : far <= low || far >= high) continue;
			const area = (x2 - x1) * (y2 - y1);
			const value = style === 'mmdet' ? -area : Math.fround(1e8 - area);
			if (value > most) [match, most] = [g, value];
		}
		return match;
	});
}

test.each([1, 2, 3, 4])('matchFcos is what the frameworks do, in float64: seed %i', (seed) => {
	const next = random(seed);
	const points = anchorPoints({ inputSize: [256, 384], strides: [8, 16, 32, 64, 128] });
	// whole pixels: distances of exactly 4 and 8 strides are common
	const whole = (low: number, high: number) => Math.floor(low + next() * (high - low));
	const boxes = Float32Array.from(Array.from({ length: 40 }, () => about(whole(0, 384), whole(0, 256), 2 * whole(2, 150), 2 * whole(2, 100))).flat());
	for (const style of ['torchvision', 'detectron2', 'mmdet'] as const) {
		for (const centreRadius of [1.5, false] as const) {
			const expected = reference(points, boxes, style, centreRadius);
			const { matches, labels, numPositives, groundTruths } = matchFcos(points, boxes, { style, centreRadius });
			assert.deepEqual(Array.from(matches), expected);
			assert.deepEqual(
				Array.from(labels),
				expected.map((g) => (g < 0 ? 0 : 1)),
			);
			assert.isAbove(numPositives, 100);
			groundTruths.forEach(({ numAnchors, lost }, g) => {
				assert.equal(numAnchors, expected.filter((k) => k === g).length);
				assert.equal(lost === undefined, numAnchors > 0);
			});
		}
	}
});

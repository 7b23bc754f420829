// YOLOv5: ratios of sides, the centre's cell and its neighbours; boundaries from ultralytics/yolov5, utils/loss.py,
// build_targets, worked out by hand, and the whole of it against a loop in float64 written from the same lines.

import { assert, describe, test } from 'vitest';
import type { CellLevel } from '../../../../src/anchors/points.js';
import { YOLOV5_ANCHORS } from '../../../../src/anchors/yolo.js';
import { yolov5 } from '../../../../src/heads/yolov5.js';
import { cellLevels } from '../../../../src/training/matching/cells.js';
import { matchYolov5 } from '../../../../src/training/matching/yolov5.js';
import { random } from '../../../support/random.js';

const LEVELS = cellLevels({ inputSize: [640, 640], strides: [8, 16, 32], anchors: YOLOV5_ANCHORS });
/** 6 x 6 cells of 8 pixels, one square shape of 16. */
const ONE: CellLevel[] = [{ grid: [6, 6], stride: 8, shapes: [16, 16] }];
const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
/** Cells [x, y] that answer for a 16 x 16 box whose centre is at x, y in cells. */
const cellsAt = (x: number, y: number) => Array.from(matchYolov5(ONE, about(x * 8, y * 8, 16, 16)).pairs.anchors, (a) => [a % 6, Math.floor(a / 6)]);

describe('matchYolov5, ratios', () => {
	const isMatched = (w: number, h: number) => matchYolov5(ONE, about(20, 20, w, h)).numPositives > 0;
	test('below 4 and above 1/4 on both sides, strictly', () => {
		assert.isTrue(isMatched(63.875, 16));
		assert.isFalse(isMatched(64, 16));
		assert.isTrue(isMatched(16, 4.125));
		assert.isFalse(isMatched(16, 4));
		assert.isFalse(isMatched(4, 64));
		assert.equal(matchYolov5(ONE, about(20, 20, 46, 16), { maxRatio: 2.91 }).numPositives, 1);
		assert.equal(matchYolov5(ONE, about(20, 20, 47, 16), { maxRatio: 2.91 }).numPositives, 0);
	});
	test('several levels at once, none at all', () => {
		// 40 x 40: ratios 4, 2.5, 1.74 on stride 8; 1.53, 1.125... on 16; 2.9, 4.95, 9.3 on 32
		const { pairs, groundTruths } = matchYolov5(LEVELS, about(324, 324, 40, 40), { neighbourBias: 0 });
		const perLevel = (a: number) => (a < 19200 ? 8 : a < 24000 ? 16 : 32);
		assert.deepEqual(Array.from(pairs.anchors, perLevel), [8, 8, 16, 16, 16, 32]);
		assert.equal(groundTruths[0].numAnchors, 6);
		// the least ratio: 62 x 45 is 1.55 and 1.125; 33 x 23 is 1.21 and 1.74; 30 x 61 is 1.33 and 1.525
		assert.equal(groundTruths[0].bestAnchor, 19200 + (0 * 40 + 20) * 40 + 20);
		assert.equal(groundTruths[0].best, Math.fround(1 / Math.fround(40 / 61)));
		const thin = matchYolov5(LEVELS, about(324, 324, 2, 600));
		assert.deepEqual([thin.numPositives, thin.groundTruths[0].lost], [0, 'out-of-range']);
		assert.isAtLeast(thin.groundTruths[0].bestAnchor, 0);
	});
});

describe('matchYolov5, cells', () => {
	test('the centre and its two nearest neighbours, in the order middle, left, up, right, down', () => {
		assert.deepEqual(cellsAt(2.25, 3.75), [
			[2, 3],
			[1, 3],
			[2, 4],
		]);
		assert.deepEqual(cellsAt(2.75, 3.25), [
			[2, 3],
			[2, 2],
			[3, 3],
		]);
	});
	test('exactly in the middle of a cell there is no neighbour', () => {
		assert.deepEqual(cellsAt(2.5, 3.5), [[2, 3]]);
		assert.deepEqual(cellsAt(2.5, 3.25), [
			[2, 3],
			[2, 2],
		]);
	});
	test('on a border of cells the cell before is asked, for x, y and both', () => {
		assert.deepEqual(cellsAt(2, 3.5), [
			[2, 3],
			[1, 3],
			[2, 3],
		]);
	});
	test('at the edge of the map there is none outside', () => {
		assert.deepEqual(cellsAt(0.25, 0.25), [[0, 0]]);
		assert.deepEqual(cellsAt(5.75, 5.75), [[5, 5]]);
		// x > 1 is strict: at exactly 1 the first cell is not asked from the left; 6 - x > 1 likewise
		assert.deepEqual(cellsAt(1, 2.5), [
			[1, 2],
			[1, 2],
		]);
		assert.deepEqual(cellsAt(5, 2.5), [
			[5, 2],
			[4, 2],
		]);
		// the right edge counts as the last cell
		assert.deepEqual(cellsAt(6, 2.5), [
			[5, 2],
			[5, 2],
		]);
	});
	test('centres outside are reported', () => {
		for (const [x, y] of [
			[-0.125, 3],
			[6.125, 3],
			[3, -1],
			[3, 7],
		]) {
			const { groundTruths, numPositives } = matchYolov5(ONE, about(x * 8, y * 8, 16, 16));
			assert.deepEqual([numPositives, groundTruths[0].lost], [0, 'out-of-range']);
		}
	});
	test('offsets are from the corner of the asked cell, within -0.5 and 1.5', () => {
		const { offsets } = matchYolov5(ONE, about(2.25 * 8, 3.75 * 8, 16, 16));
		assert.deepEqual(Array.from(offsets), [0.25, 0.75, 1.25, 0.75, 0.25, -0.25]);
	});
});

describe('matchYolov5, results', () => {
	test('one anchor, two ground truths: both pairs, and the last in matches', () => {
		const boxes = [...about(20, 20, 16, 16), ...about(20, 20, 17, 17)];
		const { pairs, matches, groundTruths, numPositives } = matchYolov5(ONE, boxes);
		assert.deepEqual(Array.from(pairs.anchors), [14, 14]);
		assert.deepEqual(Array.from(pairs.groundTruths), [0, 1]);
		assert.deepEqual([matches[14], numPositives], [1, 1]);
		assert.deepEqual(
			groundTruths.map(({ numAnchors, lost }) => [numAnchors, lost]),
			[
				[1, undefined],
				[1, undefined],
			],
		);
	});
	test('rows are those of the head', () => {
		const { pairs } = matchYolov5(LEVELS, about(100, 200, 33, 23));
		const rows = yolov5({ numClasses: 80, outputs: 'raw' }).anchors as Float32Array;
		for (const a of pairs.anchors) {
			const [x, y, w, h] = rows.subarray(a * 4, a * 4 + 4);
			assert.isBelow(Math.max(33 / w, w / 33, 23 / h, h / 23), 4);
			const stride = a < 19200 ? 8 : a < 24000 ? 16 : 32;
			assert.isAtMost(Math.max(Math.abs(x - 100), Math.abs(y - 200)), stride);
		}
	});
	test('yxa numbers the same anchors with shapes inside', () => {
		const boxes = about(324, 321, 40, 40);
		const shapesFirst = matchYolov5(LEVELS, boxes).pairs.anchors;
		const shapesInside = matchYolov5(LEVELS, boxes, { order: 'yxa' }).pairs.anchors;
		const turned = Array.from(shapesFirst, (a) => {
			const [first, cells] = a < 19200 ? [0, 6400] : a < 24000 ? [19200, 1600] : [24000, 400];
			return first + ((a - first) % cells) * 3 + Math.floor((a - first) / cells);
		});
		assert.deepEqual(Array.from(shapesInside), turned);
	});
	test('boxes that cannot take part; empty inputs; refusals', () => {
		const { groundTruths } = matchYolov5(ONE, [1, 1, 1, 5, 0, 0, Infinity, 5]);
		assert.deepEqual(
			groundTruths.map(({ lost }) => lost),
			['empty', 'not-finite'],
		);
		const none = matchYolov5(ONE, []);
		assert.deepEqual([none.pairs.anchors.length, none.offsets.length, none.labels.length], [0, 0, 36]);
		assert.throws(() => matchYolov5(ONE, [], { maxRatio: 0.25 }), /maxRatio must be above 1; got 0.25 \(a factor/);
		assert.throws(() => matchYolov5(ONE, [], { neighbourBias: 0.6 }), /neighbourBias must be 0 to 0.5/);
		assert.throws(() => matchYolov5(ONE, [], { order: 'axy' as 'ayx' }), /did you mean 'ayx'/);
		assert.throws(() => matchYolov5(ONE, [], { anchor_t: 4 } as never), /options may hold maxRatio, neighbourBias, order/);
	});
});

/** build_targets in float64: [row, ground truth, offset x, offset y] of every pair, in its order. */
function buildTargets(levels: readonly CellLevel[], boxes: Float32Array): number[][] {
	const out: number[][] = [];
	let first = 0;
	for (const { grid, stride, shapes } of levels) {
		const numShapes = shapes.length / 2;
		const matched: { a: number; g: number; x: number; y: number }[] = [];
		for (let a = 0; a < numShapes; a++) {
			for (let g = 0; g < boxes.length / 4; g++) {
				const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
				const r = [(x2 - x1) / shapes[2 * a], (y2 - y1) / shapes[2 * a + 1]];
				if (Math.max(...r, ...r.map((q) => 1 / q)) < 4) matched.push({ a, g, x: (x1 + x2) / 2 / stride, y: (y1 + y2) / 2 / stride });
			}
		}
		const tests = [
			() => true,
			(x: number, _: number) => x % 1 < 0.5 && x > 1,
			(_: number, y: number) => y % 1 < 0.5 && y > 1,
			(x: number, _: number) => (grid[1] - x) % 1 < 0.5 && grid[1] - x > 1,
			(_: number, y: number) => (grid[0] - y) % 1 < 0.5 && grid[0] - y > 1,
		];
		const off = [
			[0, 0],
			[0.5, 0],
			[0, 0.5],
			[-0.5, 0],
			[0, -0.5],
		];
		tests.forEach((asks, k) => {
			for (const { a, g, x, y } of matched) {
				if (!asks(x, y)) continue;
				const i = Math.min(Math.max(Math.trunc(x - off[k][0]), 0), grid[1] - 1);
				const j = Math.min(Math.max(Math.trunc(y - off[k][1]), 0), grid[0] - 1);
				out.push([first + (a * grid[0] + j) * grid[1] + i, g, x - i, y - j]);
			}
		});
		first += grid[0] * grid[1] * numShapes;
	}
	return out;
}

test.each([1, 2, 3, 4, 5, 6])('matchYolov5 is build_targets, in float64: seed %i', (seed) => {
	const next = random(seed);
	// eighths of a pixel, so that cells and offsets are exact; many centres on borders and in the middle of cells
	const eighth = (low: number, high: number) => Math.round((low + next() * (high - low)) * 8) / 8;
	const place = () => (next() < 0.3 ? Math.floor(next() * 161) * 4 : eighth(0, 640));
	const boxes = Float32Array.from(Array.from({ length: 40 }, () => about(place(), place(), eighth(1, 200) * 2, eighth(1, 200) * 2)).flat());
	const expected = buildTargets(LEVELS, boxes);
	const { pairs, offsets, labels, matches, groundTruths } = matchYolov5(LEVELS, boxes);
	assert.isAbove(expected.length, 200);
	assert.deepEqual(
		Array.from(pairs.anchors, (a, k) => [a, pairs.groundTruths[k], offsets[2 * k], offsets[2 * k + 1]]),
		expected,
	);
	const last = new Map(expected.map(([row, g]) => [row, g]));
	for (let a = 0; a < labels.length; a++) assert.deepEqual([labels[a], matches[a]], last.has(a) ? [1, last.get(a)] : [0, -1]);
	groundTruths.forEach(({ numAnchors, lost }, g) => {
		assert.equal(numAnchors, expected.filter(([, k]) => k === g).length);
		assert.equal(lost, numAnchors ? undefined : 'out-of-range');
	});
});

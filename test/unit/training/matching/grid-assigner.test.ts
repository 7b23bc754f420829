// mmdetection's GridAssigner: its comparisons by hand (negatives <=, positives >, forced ones >), and all of it against a
// loop in float64 written from task_modules/assigners/grid_assigner.py.

import { assert, describe, test } from 'vitest';
import type { CellLevel } from '../../../../src/anchors/points.js';
import { YOLOV3_ANCHORS } from '../../../../src/anchors/yolo.js';
import { cellLevels } from '../../../../src/training/matching/cells.js';
import { type GridAssignerOptions, matchGridAssigner } from '../../../../src/training/matching/grid-assigner.js';
import { random } from '../../../support/random.js';

const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
/** A row of 4 cells of 10 pixels, one shape of 20 x 10. */
const ROW: CellLevel[] = [{ grid: [1, 4], stride: 10, shapes: [20, 10] }];

describe('matchGridAssigner', () => {
	const labels = (boxes: number[], options?: GridAssignerOptions) => Array.from(matchGridAssigner(ROW, boxes, options).labels);
	test('negatives at or below, ignored above, positives only in the cell of the centre', () => {
		// anchors are 20 wide about 5, 15, 25, 35; the box is that of cell 1: 1 with it, 10 / 30 with its neighbours
		const box = about(15, 5, 20, 10);
		assert.deepEqual(labels(box), [0, 1, 0, 0]);
		assert.deepEqual(labels(box, { negative: 0.3, positive: 0.3 }), [-1, 1, -1, 0]);
		// 8 of 32 is exactly a quarter with the second neighbour's side: 20 x 10 moved by 12
		assert.deepEqual(labels(about(17, 5, 20, 10), { negative: 0.25 }), [0, 1, -1, 0]);
	});
	test('a tie at exactly the thresholds: 0.5 is negative, and positive only by force', () => {
		// 10 x 10 in the middle of a 20 x 10 anchor is a half
		const box = about(15, 5, 10, 10);
		assert.deepEqual(labels(box), [0, 1, 0, 0]);
		assert.deepEqual(labels(box, { minPositive: 0.5 }), [0, 0, 0, 0]);
		assert.equal(matchGridAssigner(ROW, box, { minPositive: 0.5 }).groundTruths[0].lost, 'below-minimum');
		assert.deepEqual(labels(box, { minPositive: 0.5, positive: 0.49 }), [0, 1, 0, 0]);
	});
	test('of two with one best anchor the last gets it', () => {
		const { matches, groundTruths } = matchGridAssigner(ROW, [...about(15, 5, 20, 10), ...about(15, 5, 18, 10)]);
		assert.equal(matches[1], 1);
		assert.deepEqual([groundTruths[0].lost, groundTruths[0].best], ['taken', 1]);
	});
	test('all ties, or the first alone', () => {
		const twins: CellLevel[] = [{ grid: [1, 2], stride: 10, shapes: [8, 8, 8, 8] }];
		const box = about(5, 5, 8, 8);
		assert.deepEqual(Array.from(matchGridAssigner(twins, box, { positive: 1 }).labels), [1, 0, 1, 0]);
		assert.deepEqual(Array.from(matchGridAssigner(twins, box, { positive: 1, allTies: false }).labels), [1, 0, -1, 0]);
		assert.deepEqual(Array.from(matchGridAssigner(twins, box, { positive: 1, allTies: false, order: 'yxa' }).labels), [1, -1, 0, 0]);
	});
	test('fates and refusals', () => {
		const { groundTruths } = matchGridAssigner(ROW, [...about(100, 5, 20, 10), 3, 3, 3, 4, NaN, 0, 1, 1]);
		assert.deepEqual(
			groundTruths.map(({ lost }) => lost),
			['out-of-range', 'empty', 'not-finite'],
		);
		assert.deepEqual(labels([]), [0, 0, 0, 0]);
		assert.throws(() => matchGridAssigner(ROW, [], { positive: 50 }), /positive must be 0 to 1; got 50 \(did you mean 0.5\?\)/);
		assert.throws(() => matchGridAssigner(ROW, [], { allTies: 1 as never }), /allTies must be true or false/);
	});

	test.each([1, 2, 3, 4])('is what mmdetection does, in float64: seed %i', (seed) => {
		const next = random(seed);
		const levels = cellLevels({ inputSize: [256, 320], strides: [8, 16, 32], anchors: YOLOV3_ANCHORS });
		const boxes = Array.from({ length: 15 }, () =>
			about(Math.floor(next() * 320), Math.floor(next() * 256), 8 + Math.floor(next() * 120), 8 + Math.floor(next() * 120)),
		);
		const anchors = levels.flatMap(({ grid, stride, shapes }) =>
			Array.from({ length: shapes.length / 2 }, (_, s) => s).flatMap((s) =>
				Array.from({ length: grid[0] * grid[1] }, (_, cell) => ({
					box: about(((cell % grid[1]) + 0.5) * stride, (Math.floor(cell / grid[1]) + 0.5) * stride, shapes[2 * s], shapes[2 * s + 1]),
					responsible: boxes.some(
						(b) => Math.floor((b[0] + b[2]) / 2 / stride) === cell % grid[1] && Math.floor((b[1] + b[3]) / 2 / stride) === Math.floor(cell / grid[1]),
					),
				})),
			),
		);
		const iou = (a: number[], b: number[]) => {
			const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
			const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
			return w <= 0 || h <= 0 ? 0 : (w * h) / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
		};
		const options = { positive: 0.45, negative: 0.3, minPositive: 0.1 };
		const assigned = anchors.map(({ box, responsible }) => {
			const overlaps = boxes.map((b) => iou(b, box));
			const most = Math.max(...overlaps);
			if (responsible && most > options.positive) return overlaps.indexOf(most) + 1;
			return most <= options.negative ? 0 : -1;
		});
		boxes.forEach((b, g) => {
			const overlaps = anchors.map(({ box, responsible }) => (responsible ? iou(b, box) : -1));
			const most = Math.max(...overlaps);
			for (const a of overlaps.keys()) if (most > options.minPositive && overlaps[a] === most) assigned[a] = g + 1;
		});
		const { labels: found, matches, numPositives, numIgnored } = matchGridAssigner(levels, boxes.flat(), options);
		assert.deepEqual(
			Array.from(found, (label, a) => (label === 1 ? matches[a] + 1 : label)),
			assigned,
		);
		assert.isAbove(numPositives, 12);
		assert.isAbove(numIgnored, 50);
	});
});

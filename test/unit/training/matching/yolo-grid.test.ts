// YOLOv2 and v3: cells, shapes and ignored predictions, with numbers worked out by hand from darknet's region_layer.c and
// yolo_layer.c, against a loop in float64 written from them, and against the rows of kedge's heads.

import { assert, describe, test } from 'vitest';
import { type CellLevel, cellAnchors } from '../../../../src/anchors/points.js';
import { YOLOV2_ANCHORS, YOLOV3_ANCHORS, YOLOV4_TINY_ANCHORS, YOLOV5_ANCHORS } from '../../../../src/anchors/yolo.js';
import { yolov2 } from '../../../../src/heads/yolov2.js';
import { yolov3 } from '../../../../src/heads/yolov3.js';
import { yolov5 } from '../../../../src/heads/yolov5.js';
import { splitAnchors } from '../../../../src/training/clustering/levels.js';
import { cellLevels } from '../../../../src/training/matching/cells.js';
import { matchYoloGrid, matchYoloGridOn } from '../../../../src/training/matching/yolo-grid.js';
import { random } from '../../../support/random.js';

const V2 = cellLevels({ inputSize: [416, 416], strides: [32], anchors: YOLOV2_ANCHORS, unit: 'cells' });
const V3 = cellLevels({ inputSize: [416, 416], strides: [8, 16, 32], anchors: YOLOV3_ANCHORS, order: 'coarse-to-fine' });
/** One level of 4 x 4 cells of 10 pixels with a tall and a wide shape. */
const TWO: CellLevel[] = [{ grid: [4, 4], stride: 10, shapes: [10, 20, 20, 10] }];
const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];

describe('cellLevels', () => {
	test('have the rows of the heads', () => {
		assert.deepEqual(cellAnchors(V2), yolov2({ numClasses: 80 }).anchors);
		assert.deepEqual(cellAnchors(V3), yolov3({ numClasses: 80 }).anchors);
		const v5 = cellLevels({ inputSize: [640, 640], strides: [8, 16, 32], anchors: YOLOV5_ANCHORS });
		assert.deepEqual(cellAnchors(v5), yolov5({ numClasses: 80, outputs: 'raw' }).anchors);
	});
	test('of anchors as they come from clustering', () => {
		const given = { inputSize: [64, 64], strides: [8, 16] } as const;
		const found = splitAnchors([30, 60, 10, 13, 16, 30, 33, 23], 2);
		const levels = cellLevels({ ...given, anchors: found });
		assert.deepEqual(
			levels,
			cellLevels({
				...given,
				anchors: [
					[10, 13, 16, 30],
					[33, 23, 30, 60],
				],
			}),
		);
		const typed = levels.map((level, i) => ({ ...level, shapes: found[i] as unknown as number[] }));
		assert.deepEqual(matchYoloGrid(typed, [0, 0, 10, 13]), matchYoloGrid(levels, [0, 0, 10, 13]));
	});
	test('refusals', () => {
		const options = { inputSize: [64, 64] as const, strides: [8], anchors: [[10, 13]] };
		assert.throws(() => cellLevels({ ...options, anchors: [] }), /cellLevels: anchors must have one list per stride, 1/);
		assert.throws(() => cellLevels({ ...options, anchors: [[10, 13, 5]] }), /anchors\[0\] must hold width, height/);
		assert.throws(() => cellLevels({ ...options, anchors: [[10, 0]] }), /anchors\[0\]\[1\] must be a positive number; got 0/);
		assert.throws(() => cellLevels({ ...options, unit: 'cell' as 'cells' }), /did you mean 'cells'/);
		assert.throws(() => cellLevels({ ...options, stride: 8 } as never), /did you mean strides/);
	});
});

describe('matchYoloGrid', () => {
	test('a person and a racket with one centre both have an anchor', () => {
		// 100 x 170 is most like 3.33843 x 5.47434 cells (107 x 175), 250 x 110 like 7.88282 x 3.52778 (252 x 113); the cell is (6, 6) of 13
		const boxes = [...about(208, 208, 100, 170), ...about(208, 208, 250, 110)];
		const { labels, matches, groundTruths, numPositives } = matchYoloGrid(V2, boxes, { style: 'yolov2' });
		assert.equal(numPositives, 2);
		assert.deepEqual([labels[(2 * 13 + 6) * 13 + 6], matches[(2 * 13 + 6) * 13 + 6]], [1, 0]);
		assert.deepEqual([labels[(3 * 13 + 6) * 13 + 6], matches[(3 * 13 + 6) * 13 + 6]], [1, 1]);
		assert.deepEqual(
			groundTruths.map(({ numAnchors, bestAnchor, lost }) => [numAnchors, bestAnchor, lost]),
			[
				[1, (2 * 13 + 6) * 13 + 6, undefined],
				[1, (3 * 13 + 6) * 13 + 6, undefined],
			],
		);
		const channelsLast = matchYoloGrid(V2, boxes, { style: 'yolov2', order: 'yxa' });
		assert.deepEqual([channelsLast.matches[(6 * 13 + 6) * 5 + 2], channelsLast.matches[(6 * 13 + 6) * 5 + 3]], [0, 1]);
	});

	test('v3 takes the best of nine shapes, and its row is that of the head', () => {
		// 60 x 60: 62 x 45 has 2700 / 3690, ahead of 30 x 61 (1800 / 3630) and 59 x 119 (3540 / 7081)
		const { matches, groundTruths, maxIou } = matchYoloGrid(V3, about(100, 100, 60, 60));
		const row = 13 * 13 * 3 + (1 * 26 + 6) * 26 + 6;
		assert.equal(matches[row], 0);
		assert.deepEqual(groundTruths, [{ numAnchors: 1, bestAnchor: row, best: Math.fround(2700 / 3690) }]);
		assert.equal(maxIou[row], Math.fround(2700 / 3690));
		assert.deepEqual(Array.from(yolov3({ numClasses: 80 }).anchors?.subarray(row * 4, row * 4 + 4) ?? []), [104, 104, 62, 45]);
	});

	test('v2 on three levels matches on each', () => {
		assert.equal(matchYoloGrid(V3, about(100, 100, 60, 60), { style: 'yolov2' }).numPositives, 3);
	});

	test('two of one shape in one cell: the last takes it, or the first, and the other is reported', () => {
		const boxes = [...about(15, 15, 9, 18), ...about(16, 16, 10, 20)];
		const row = (0 * 4 + 1) * 4 + 1;
		const last = matchYoloGrid(TWO, boxes);
		assert.equal(last.matches[row], 1);
		assert.deepEqual(last.groundTruths[0], { numAnchors: 0, bestAnchor: row, best: Math.fround(162 / 200), lost: 'taken' });
		const first = matchYoloGrid(TWO, boxes, { winner: 'first' });
		assert.equal(first.matches[row], 0);
		assert.equal(first.groundTruths[1].lost, 'taken');
	});

	test('shapes are compared with corners aligned: 8 x 20 is 160 / 200 of the tall one, 80 / 280 of the wide', () => {
		const only = matchYoloGrid(TWO, about(15, 15, 8, 20), { iouThreshold: 0.3 });
		assert.equal(only.groundTruths[0].best, Math.fround(0.8));
		assert.equal(only.numPositives, 1);
		const both = matchYoloGrid(TWO, about(15, 15, 8, 20), { iouThreshold: 0.28 });
		assert.deepEqual([both.labels[5], both.labels[21], both.groundTruths[0].numAnchors], [1, 1, 2]);
		// strict: exactly the threshold is not above it. 10 x 10 has 100 / 200 of both shapes, and the first of equals is best
		assert.equal(matchYoloGrid(TWO, about(15, 15, 10, 10), { iouThreshold: 0.5 }).numPositives, 1);
		assert.equal(matchYoloGrid(TWO, about(15, 15, 10, 10), { iouThreshold: 0.49 }).numPositives, 2);
		assert.equal(matchYoloGrid(TWO, about(15, 15, 10, 10)).groundTruths[0].bestAnchor, 5);
	});

	test('a shape on two levels answers on both: 81 x 82 of tiny YOLOv4', () => {
		const levels = cellLevels({ inputSize: [416, 416], strides: [16, 32], anchors: YOLOV4_TINY_ANCHORS });
		const { labels, groundTruths, numPositives } = matchYoloGrid(levels, about(200, 100, 81, 82));
		assert.equal(numPositives, 2);
		assert.equal(labels[(2 * 26 + 6) * 26 + 12], 1);
		assert.equal(labels[26 * 26 * 3 + (0 * 13 + 3) * 13 + 6], 1);
		assert.deepEqual([groundTruths[0].numAnchors, groundTruths[0].bestAnchor, groundTruths[0].best], [2, (2 * 26 + 6) * 26 + 12, 1]);
	});

	test('cells begin on their left and upper border; a centre on the right or lower edge of the map has none', () => {
		assert.equal(matchYoloGrid(TWO, about(20, 30, 8, 20)).matches[3 * 4 + 2], 0);
		for (const [x, y] of [
			[40, 15],
			[15, 40],
			[-1, 15],
			[15, 400],
		]) {
			const { numPositives, groundTruths } = matchYoloGrid(TWO, about(x, y, 8, 20));
			assert.equal(numPositives, 0);
			assert.equal(groundTruths[0].lost, 'out-of-range');
		}
	});

	test('boxes that cannot take part are reported', () => {
		const { groundTruths, numPositives } = matchYoloGrid(TWO, [5, 5, 5, 9, 9, 9, 5, 5, NaN, 0, 1, 1, 0, 0, 2 ** 62, 1, ...about(15, 15, 8, 20)]);
		assert.deepEqual(
			groundTruths.map(({ lost }) => lost),
			['empty', 'empty', 'not-finite', 'not-finite', undefined],
		);
		assert.equal(numPositives, 1);
		assert.deepEqual(groundTruths[0], { numAnchors: 0, bestAnchor: -1, best: 0, lost: 'empty' });
	});

	test('empty inputs', () => {
		const none = matchYoloGrid(TWO, []);
		assert.deepEqual([none.labels.length, none.numPositives, none.groundTruths.length], [32, 0, 0]);
		const noCells = matchYoloGrid([{ grid: [0, 4], stride: 10, shapes: [1, 1] }], about(5, 5, 2, 2));
		assert.deepEqual([noCells.labels.length, noCells.groundTruths[0].lost], [0, 'out-of-range']);
	});
});

describe('matchYoloGrid, ignored predictions', () => {
	const far = [500, 500, 510, 510];
	/** Predicted boxes of TWO: nothing anywhere but at some rows. */
	const predicted = (at: Record<number, number[]>) => Float32Array.from(Array.from({ length: 32 }, (_, row) => at[row] ?? far).flat());
	const boxes = [0, 0, 10, 10];

	test('above 0.6 for v2, 0.7 for v3, strictly', () => {
		// 6 x 10 of 10 x 10 is 0.6; 7 x 10 is 0.7
		const predictedBoxes = predicted({ 7: [0, 0, 6, 10], 8: [0, 0, 6.25, 10], 9: [0, 0, 7, 10], 10: [0, 0, 7.25, 10] });
		const labelsOf = (options: object) => Array.from(matchYoloGrid(TWO, boxes, { predictedBoxes, ...options }).labels.subarray(7, 11));
		assert.deepEqual(labelsOf({ style: 'yolov2' }), [0, -1, -1, -1]);
		assert.deepEqual(labelsOf({}), [0, 0, 0, -1]);
		assert.deepEqual(labelsOf({ ignoreThreshold: 0.5 }), [-1, -1, -1, -1]);
		const { maxIou, numIgnored } = matchYoloGrid(TWO, boxes, { predictedBoxes });
		assert.deepEqual([maxIou[7], maxIou[9], maxIou[11], numIgnored], [Math.fround(0.6), Math.fround(0.7), 0, 1]);
	});

	test('an anchor that answers is positive however well it predicts', () => {
		const { labels, numIgnored } = matchYoloGrid(TWO, boxes, { predictedBoxes: predicted({ 0: boxes, 1: boxes }) });
		assert.deepEqual([labels[0], labels[1], numIgnored], [1, -1, 1]);
	});

	test('AlexeyAB ignores only where some class is above 0.25; or the same class, which darknet does not ask', () => {
		const predictedBoxes = predicted({ 1: boxes, 2: boxes, 3: boxes });
		const predictedScores = new Float32Array(64);
		predictedScores.set([0.25, 0.25, 0.9, 0.1, 0.1, 0.9], 2);
		const labelsOf = (options: object) => Array.from(matchYoloGrid(TWO, boxes, { predictedBoxes, predictedScores, ...options }).labels.subarray(1, 4));
		assert.deepEqual(labelsOf({}), [0, -1, -1]);
		assert.deepEqual(labelsOf({ classThreshold: 0.2 }), [-1, -1, -1]);
		assert.deepEqual(labelsOf({ classMatch: 'same', classIds: [1] }), [0, 0, -1]);
		assert.deepEqual(labelsOf({ classMatch: 'same', classIds: [0] }), [0, -1, 0]);
	});

	test('matchYoloGridOn without a GPU is the same, and copies what it is given', async () => {
		const predictedBoxes = predicted({ 1: boxes, 2: [NaN, 0, 1, 1] });
		const predictedScores = new Float32Array(64).fill(0.5);
		const truths = Float32Array.from(boxes);
		const expected = matchYoloGrid(TWO, boxes, { predictedBoxes, predictedScores });
		assert.equal(expected.labels[1], -1);
		const pending = matchYoloGridOn(undefined, TWO, truths, { predictedBoxes, predictedScores });
		predictedBoxes.fill(0);
		predictedScores.fill(0);
		truths.fill(0);
		assert.deepEqual(await pending, expected);
		assert.deepEqual(await matchYoloGridOn(undefined, TWO, boxes), matchYoloGrid(TWO, boxes));
	});

	test('refusals', () => {
		const predictedBoxes = predicted({});
		assert.throws(() => matchYoloGrid(TWO, boxes, { ignoreThreshold: 0.5 }), /ignoreThreshold must be absent without predictedBoxes/);
		assert.throws(() => matchYoloGrid(TWO, boxes, { predictedBoxes: predictedBoxes.subarray(4) }), /one box per anchor, 32; got 31/);
		assert.throws(() => matchYoloGrid(TWO, boxes, { predictedBoxes, ignoreThreshold: 60 }), /ignoreThreshold must be 0 to 1; got 60 \(did you mean 0.6\?\)/);
		assert.throws(() => matchYoloGrid(TWO, boxes, { predictedBoxes, predictedScores: [1, 2, 3] }), /equally many classes for each of 32 anchors/);
		assert.throws(() => matchYoloGrid(TWO, boxes, { predictedBoxes, classThreshold: 0.3 }), /classThreshold must be absent without predictedScores/);
		const predictedScores = new Float32Array(64);
		assert.throws(() => matchYoloGrid(TWO, boxes, { predictedBoxes, predictedScores, classMatch: 'same' }), /classIds must be given/);
		assert.throws(() => matchYoloGrid(TWO, boxes, { predictedBoxes, predictedScores, classMatch: 'same', classIds: [2] }), /below the 2 classes/);
		assert.throws(() => matchYoloGrid(TWO, boxes, { winer: 'first' } as never), /did you mean winner/);
		assert.throws(() => matchYoloGrid([], boxes), /levels must be a list of \{ grid, stride, shapes \}/);
		assert.throws(() => matchYoloGrid([{ ...TWO[0], stride: 0 }], boxes), /levels\[0\].stride must be a positive number/);
		assert.throws(() => matchYoloGrid([{ ...TWO[0], grid: [4] as never }], boxes), /levels\[0\].grid/);
		assert.throws(() => matchYoloGrid([undefined as never], boxes), /levels\[0\] must be/);
		assert.throws(() => matchYoloGrid(TWO, [1, 2, 3]), /groundTruths must have a length that is a multiple of 4/);
		assert.throws(() => matchYoloGrid(TWO, { data: new Float32Array(5), format: 'cxcywhr' }), /groundTruths must be upright boxes/);
	});
});

/** yolo_layer.c, forward_yolo_layer, in float64 and pixels: labels and matches. */
function darknet(levels: readonly CellLevel[], boxes: Float32Array, predictedBoxes: Float32Array, ignoreThreshold: number, iouThreshold: number) {
	const iou = (a: readonly number[], b: readonly number[]) => {
		const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
		const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
		if (w <= 0 || h <= 0) return 0;
		return (w * h) / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
	};
	const rowsOf = (flat: Float32Array) => Array.from({ length: flat.length / 4 }, (_, i) => Array.from(flat.subarray(i * 4, i * 4 + 4)));
	const truths = rowsOf(boxes);
	const labels: number[] = rowsOf(predictedBoxes).map((p) => (Math.max(0, ...truths.map((t) => iou(p, t))) > ignoreThreshold ? -1 : 0));
	const matches = labels.map(() => -1);
	truths.forEach(([x1, y1, x2, y2], t) => {
		const shapes = levels.flatMap(({ shapes }, level) =>
			Array.from({ length: shapes.length / 2 }, (_, n) => ({ level, n, iou: iou([0, 0, shapes[2 * n], shapes[2 * n + 1]], [0, 0, x2 - x1, y2 - y1]) })),
		);
		const best = shapes.reduce((a, b) => (b.iou > a.iou ? b : a));
		for (const shape of shapes) {
			if (shape !== best && !(shape.iou > iouThreshold)) continue;
			const { grid, stride } = levels[shape.level];
			const before = levels.slice(0, shape.level).reduce((sum, l) => sum + (l.grid[0] * l.grid[1] * l.shapes.length) / 2, 0);
			const row = before + (shape.n * grid[0] + Math.floor((y1 + y2) / 2 / stride)) * grid[1] + Math.floor((x1 + x2) / 2 / stride);
			labels[row] = 1;
			matches[row] = t;
		}
	});
	return { labels, matches };
}

test.each([1, 2, 3, 4, 5, 6])('matchYoloGrid is what darknet does, in float64: seed %i', (seed) => {
	const next = random(seed);
	const boxes = Float32Array.from({ length: 120 }, () => 0);
	// eighths of a pixel: centres and cells are exact
	const eighth = (low: number, high: number) => Math.round((low + next() * (high - low)) * 8) / 8;
	for (let g = 0; g < 30; g++) boxes.set(about(eighth(1, 415), eighth(1, 415), eighth(4, 300) * 2, eighth(4, 200) * 2), g * 4);
	const anchors = cellAnchors(V3);
	const predictedBoxes = anchors.map((_, k) => {
		const near = boxes[(Math.floor(k / 4) % 30) * 4 + (k % 4)];
		return near + (next() - 0.5) * 40;
	});
	for (const iouThreshold of [1, 0.213]) {
		const expected = darknet(V3, boxes, predictedBoxes, 0.7, iouThreshold);
		const actual = matchYoloGrid(V3, boxes, { predictedBoxes, iouThreshold });
		assert.deepEqual(Array.from(actual.labels), expected.labels);
		assert.deepEqual(Array.from(actual.matches), expected.matches);
		assert.isAbove(actual.numIgnored, 100);
		assert.isAbove(actual.numPositives, 20);
		for (const { numAnchors, lost } of actual.groundTruths) assert.equal(lost, numAnchors > 0 ? undefined : 'taken');
	}
});

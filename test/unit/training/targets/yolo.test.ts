// YOLO's target tensors: the textbook's car, darknet's numbers worked out by hand, decoding as the way back, YOLOv5's pairs, bad input.

import { describe, expect, it } from 'vitest';
import { type CellLevel, cellAnchors } from '../../../../src/anchors/points.js';
import { YOLOV3_ANCHORS, YOLOV5_ANCHORS } from '../../../../src/anchors/yolo.js';
import { cell } from '../../../../src/codecs/cell.js';
import { cellLevels } from '../../../../src/training/matching/cells.js';
import { matchYoloGrid } from '../../../../src/training/matching/yolo-grid.js';
import { matchYolov5 } from '../../../../src/training/matching/yolov5.js';
import { yoloTargets } from '../../../../src/training/targets/yolo.js';
import { yolov5Targets } from '../../../../src/training/targets/yolov5.js';
import { random } from '../../../support/random.js';

const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
const near = (actual: ArrayLike<number>, expected: readonly number[], digits = 6) => {
	expect(actual.length).toBe(expected.length);
	expected.forEach((x, k) => expect(actual[k]).toBeCloseTo(x, digits));
};

describe('the textbook example: 3 x 3 cells, 2 anchors, 3 classes', () => {
	// Ng, "Convolutional Neural Networks", week 3, "YOLO Algorithm": classes pedestrian, car, motorcycle; a tall and a wide anchor; y is
	// 3 x 3 x 2 x 8, each anchor pc, bx, by, bh, bw, c1, c2, c3. A car stands in the lower middle cell and is more like the wide anchor.
	const levels: CellLevel[] = [{ grid: [3, 3], stride: 100, shapes: [50, 150, 160, 60] }];
	const car = about(140, 260, 150, 60);
	const options = { numClasses: 3, classIds: [1], order: 'yxa', coding: 'textbook' } as const;
	const { levels: found, targets } = yoloTargets(matchYoloGrid(levels, car, { order: 'yxa' }), levels, car, options);

	it('has 3 x 3 x 2 x 8 numbers', () => {
		expect(found[0].dims).toEqual([3, 3, 2, 8]);
		expect(targets).toHaveLength(144);
	});

	it('is numbered as the matcher was told, and not otherwise', () => {
		const matches = matchYoloGrid(levels, car, { order: 'yxa' });
		const { order: _, ...untold } = options;
		expect(yoloTargets(matches, levels, car, untold).targets).toEqual(targets);
		const otherwise = () => yoloTargets(matches, levels, car, { ...options, order: 'ayx' });
		expect(otherwise).toThrow('yoloTargets: order must be that of the matcher, \'yxa\'; got "ayx" (it may be left out)');
		const pairs = matchYolov5(levels, car, { order: 'yxa' });
		const places = (given: object) => yolov5Targets(pairs, levels, car, { numClasses: 3, classIds: [1], ...given }).levels[0].places;
		expect(places({})).toEqual(places({ order: 'yxa' }));
		expect(() => places({ order: 'ayx' })).toThrow("yolov5Targets: order must be that of the matcher, 'yxa'");
	});

	it('says nothing of the tall anchor and all of the wide one in the lower middle cell', () => {
		const cellNumber = 2 * 3 + 1;
		near(targets.subarray(cellNumber * 16, cellNumber * 16 + 16), [0, 0, 0, 0, 0, 0, 0, 0, /**/ 1, 0.4, 0.6, 0.6, 1.5, 0, 1, 0]);
	});

	it('says that there is nothing in the other cells', () => {
		expect(targets.filter((x) => x !== 0)).toHaveLength(6);
	});

	it('holds a pedestrian in the same cell too, at the tall anchor', () => {
		const both = [...car, ...about(150, 250, 40, 130)];
		const matches = matchYoloGrid(levels, both, { order: 'yxa' });
		const two = yoloTargets(matches, levels, both, { ...options, classIds: [1, 0] }).targets;
		near(two.subarray(7 * 16, 8 * 16), [1, 0.5, 0.5, 1.3, 0.4, 1, 0, 0, /**/ 1, 0.4, 0.6, 0.6, 1.5, 0, 1, 0]);
	});
});

describe("darknet's numbers", () => {
	// yolo_layer.c: tx = x lw - i, tw = ln(w net_w / bias), scale 2 - w h; 100 x 50 about (200, 120) of 416 x 416, at stride 32 in column 6
	// (200 / 32 = 6.25), row 3 (120 / 32 = 3.75)
	const levels: CellLevel[] = [{ grid: [13, 13], stride: 32, shapes: [116, 90, 373, 326] }];
	const box = about(200, 120, 100, 50);
	const result = yoloTargets(matchYoloGrid(levels, box), levels, box, { numClasses: 4, classIds: [2] });

	it('are x, y, ln w, ln h, 1 and the class', () => {
		const anchor = 3 * 13 + 6;
		near(result.targets.subarray(anchor * 9, anchor * 9 + 9), [0.25, 0.75, Math.log(100 / 116), Math.log(50 / 90), 1, 0, 0, 1, 0]);
		expect(result.targets.filter((x) => x !== 0)).toHaveLength(6);
		expect(result.boxWeights[anchor]).toBeCloseTo(2 - (100 * 50) / 416 ** 2, 6);
		expect(result.boxWeights.filter((w) => w > 0)).toHaveLength(1);
		expect(result.numPositives).toBe(1);
		expect(result.levels[0].dims).toEqual([2, 13, 13, 9]);
		near(result.levels[0].shapes, [3.625, 2.8125, 11.65625, 10.1875]);
	});

	it('leave ignored anchors out', () => {
		const matches = matchYoloGrid(levels, box);
		const labels = matches.labels.map((label, a) => (a === 100 ? -1 : label));
		const { objectnessWeights } = yoloTargets({ ...matches, labels }, levels, box, { numClasses: 4, classIds: [2] });
		expect(objectnessWeights[100]).toBe(0);
		expect(objectnessWeights.filter((w) => w === 1)).toHaveLength(2 * 169 - 1);
	});

	it('weigh boxes by the input, not by the padded grid', () => {
		const wide = yoloTargets(matchYoloGrid(levels, box), levels, box, { numClasses: 4, classIds: [2], inputSize: [400, 410] });
		expect(Math.max(...wide.boxWeights)).toBeCloseTo(2 - (100 * 50) / (400 * 410), 6);
	});
});

describe('decoding', () => {
	it.each(['ayx', 'yxa'] as const)('gives the ground truths back on three levels, order %s', (order) => {
		const levels = cellLevels({ inputSize: [320, 416], strides: [8, 16, 32], anchors: YOLOV3_ANCHORS });
		const next = random(12);
		const G = 60;
		const boxes = Array.from({ length: G }, () => about(next() * 415, next() * 319, 8 + next() * 200, 8 + next() * 200)).flat();
		const classIds = Array.from({ length: G }, () => Math.floor(next() * 5));
		const matches = matchYoloGrid(levels, boxes, { order });
		const { targets, levels: found } = yoloTargets(matches, levels, boxes, { numClasses: 5, classIds, order });
		expect(targets).toHaveLength((40 * 52 + 20 * 26 + 10 * 13) * 3 * 10);
		let seen = 0;
		let first = 0;
		for (const { grid, stride, dims, targets: own } of found) {
			const level = levels.find((l) => l.stride === stride) as CellLevel;
			const rows = cellAnchors([level]); // numbered shape, y, x
			const [h, w] = grid;
			for (let s = 0; s < 3; s++) {
				for (let c = 0; c < h * w; c++) {
					const k = order === 'ayx' ? s * h * w + c : c * 3 + s;
					const t = own.subarray(k * 10, k * 10 + 10);
					expect(t[4]).toBe(matches.labels[first + k] > 0 ? 1 : 0);
					if (t[4] === 0) continue;
					const logit = (p: number) => Math.log(p / (1 - p));
					const anchor = rows.slice((s * h * w + c) * 4, (s * h * w + c) * 4 + 4);
					const decoded = cell({ version: 'v3' }).decode(Float32Array.of(logit(t[0]), logit(t[1]), t[2], t[3]), anchor, stride);
					const g = matches.matches[first + k];
					boxes.slice(g * 4, g * 4 + 4).forEach((v, i) => expect(Math.abs(decoded[i] - v)).toBeLessThan(2e-3));
					expect(Array.from(t.subarray(5)).indexOf(1)).toBe(classIds[g]);
					seen++;
				}
			}
			expect(dims).toEqual(order === 'ayx' ? [3, h, w, 10] : [h, w, 3, 10]);
			first += 3 * h * w;
		}
		expect(seen).toBeGreaterThan(50);
	});
});

describe('yolov5Targets', () => {
	it('has the pairs of build_targets', () => {
		// 40 x 24 about (84, 44): at stride 8 (10.5, 5.5), in the middle of its cell, so alone; at stride 16 (5.25, 2.75): left and lower neighbours
		const levels: CellLevel[] = [
			{ grid: [20, 20], stride: 8, shapes: [10, 13, 16, 30, 33, 23] },
			{ grid: [10, 10], stride: 16, shapes: [30, 61, 62, 45, 59, 119] },
		];
		const box = about(84, 44, 40, 24);
		const { levels: found } = yolov5Targets(matchYolov5(levels, box), levels, box, { numClasses: 3, classIds: [2] });
		// stride 8: 40 / 10 is 4, not below it; 40 / 16, 30 / 24; 40 / 33, 24 / 23
		expect(Array.from(found[0].places)).toEqual([1, 5, 10, 2, 5, 10]);
		near(found[0].boxes, [0.5, 0.5, 5, 3, 0.5, 0.5, 5, 3]);
		near(found[0].shapes, [2, 3.75, 4.125, 2.875]);
		expect(Array.from(found[0].classes)).toEqual([2, 2]);
		// stride 16: 61 / 24 = 2.5; 62 / 40; 119 / 24 = 4.96 is too much
		expect(Array.from(found[1].places)).toEqual([0, 2, 5, 1, 2, 5, /* left */ 0, 2, 4, 1, 2, 4, /* below */ 0, 3, 5, 1, 3, 5]);
		near(
			found[1].boxes,
			[0.25, 0.75, 2.5, 1.5, 0.25, 0.75, 2.5, 1.5, 1.25, 0.75, 2.5, 1.5, 1.25, 0.75, 2.5, 1.5, 0.25, -0.25, 2.5, 1.5, 0.25, -0.25, 2.5, 1.5],
		);
		expect(Array.from(found[1].groundTruths)).toEqual([0, 0, 0, 0, 0, 0]);
	});

	it('says of every pair what decodes to the ground truth, in both orders', () => {
		const levels = cellLevels({ inputSize: [640, 640], strides: [8, 16, 32], anchors: YOLOV5_ANCHORS });
		const next = random(3);
		const boxes = Array.from({ length: 50 }, () => about(next() * 640, next() * 640, 8 + next() * 300, 8 + next() * 300)).flat();
		const classIds = Array.from({ length: 50 }, () => Math.floor(next() * 7));
		for (const order of ['ayx', 'yxa'] as const) {
			const { levels: found } = yolov5Targets(matchYolov5(levels, boxes, { order }), levels, boxes, { numClasses: 7, classIds, order });
			let pairs = 0;
			for (const { places, boxes: own, shapes, classes, groundTruths, stride } of found) {
				groundTruths.forEach((g, p) => {
					const [, y, x] = places.subarray(p * 3, p * 3 + 3);
					const [bx, by, bw, bh] = own.subarray(p * 4, p * 4 + 4);
					about((x + bx) * stride, (y + by) * stride, bw * stride, bh * stride).forEach((v, i) => expect(v).toBeCloseTo(boxes[g * 4 + i], 2));
					expect(bx >= -0.5 && bx < 1.5 && by >= -0.5 && by < 1.5).toBe(true);
					for (const ratio of [bw / shapes[p * 2], bh / shapes[p * 2 + 1]]) expect(ratio < 4 && ratio > 0.25).toBe(true);
					expect(classes[p]).toBe(classIds[g]);
					pairs++;
				});
			}
			expect(pairs).toBe(matchYolov5(levels, boxes).pairs.anchors.length);
		}
	});
});

describe('bad input', () => {
	const levels: CellLevel[] = [{ grid: [4, 4], stride: 8, shapes: [10, 10] }];
	const box = about(12, 12, 9, 9);
	const matches = matchYoloGrid(levels, box);
	const pairs = matchYolov5(levels, box);
	it('of nothing is nothing', () => {
		const none = yoloTargets(matchYoloGrid(levels, []), levels, [], { numClasses: 2, classIds: [] });
		expect(none.numPositives).toBe(0);
		expect(none.targets.every((x) => x === 0)).toBe(true);
		expect(yolov5Targets(matchYolov5(levels, []), levels, [], { numClasses: 2, classIds: [] }).levels[0].places).toHaveLength(0);
		const empty: CellLevel[] = [{ grid: [0, 4], stride: 8, shapes: [10, 10] }];
		expect(yoloTargets(matchYoloGrid(empty, []), empty, [], { numClasses: 2, classIds: [] }).targets).toHaveLength(0);
	});
	it.each([
		[() => yoloTargets(matches, levels, box, {} as never), TypeError, /numClasses must be an integer/],
		[() => yoloTargets(matches, levels, box, { numClasses: 2 } as never), TypeError, /classIds must be an array/],
		[() => yoloTargets(matches, levels, box, { numClasses: 2, classIds: [2] }), RangeError, /classIds\[0\] must be below the number of classes, 2; got 2/],
		[
			() => yoloTargets(matches, [...levels, ...levels], box, { numClasses: 2, classIds: [1] }),
			RangeError,
			/matches\.labels must have one entry per anchor, 32; got 16/,
		],
		[
			() => yoloTargets(matches, levels, [4, 4, 4, 9], { numClasses: 2, classIds: [1] }),
			RangeError,
			/groundTruths\[0\] must have a positive size.*got \[4, 4, 4, 9\]/,
		],
		[() => yoloTargets(matches, levels, box, { numClasses: 2, classIds: [1], order: 'xya' as never }), RangeError, /order/],
		[() => yoloTargets(matches, levels, box, { numClasses: 2, classIds: [1], coding: 'voc' as never }), RangeError, /coding/],
		[() => yoloTargets(matches, levels, box, { numClasses: 2, classIds: [1], inputSize: [0, 8] }), RangeError, /inputSize/],
		[() => yolov5Targets(matches, levels, box, { numClasses: 2, classIds: [1] }), TypeError, /matches must have pairs, as the answer of matchYolov5/],
		[() => yolov5Targets(pairs, levels, [], { numClasses: 2, classIds: [] }), RangeError, /pairs\.groundTruths\[0\] must be one of 0 groundTruths; got 0/],
		[
			() => yolov5Targets(pairs, [{ ...levels[0], grid: [1, 1] }], box, { numClasses: 2, classIds: [1] }),
			RangeError,
			/pairs\.anchors\[0\] must be one of 1 anchors; got 5/,
		],
	])('%s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

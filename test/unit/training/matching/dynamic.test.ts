// The rules that look at predictions: TAL, SimOTA and YOLOv7's OTA. Boundaries by hand from ultralytics utils/tal.py,
// mmdetection task_aligned_assigner.py and sim_ota_assigner.py, YOLOX yolo_head.py and yolov7 utils/loss.py; and all of each
// against loops in float64 written from them.

import { assert, describe, test } from 'vitest';
import { anchorPoints } from '../../../../src/anchors/points.js';
import { cellLevels } from '../../../../src/training/matching/cells.js';
import { matchSimOta, type SimOtaOptions } from '../../../../src/training/matching/simota.js';
import { matchTal, type TalOptions } from '../../../../src/training/matching/tal.js';
import { matchYolov5 } from '../../../../src/training/matching/yolov5.js';
import { matchYolov7 } from '../../../../src/training/matching/yolov7.js';
import { random } from '../../../support/random.js';

const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
type Box = readonly number[];
const rowsOf = (flat: Float32Array): Box[] => Array.from({ length: flat.length / 4 }, (_, i) => Array.from(flat.subarray(i * 4, i * 4 + 4)));

function iou(a: Box, b: Box): number {
	const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
	const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
	if (w <= 0 || h <= 0) return 0;
	return (w * h) / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - w * h);
}

function ciou(a: Box, b: Box): number {
	const overlap = iou(a, b);
	const [cw, ch] = [Math.max(a[2], b[2]) - Math.min(a[0], b[0]), Math.max(a[3], b[3]) - Math.min(a[1], b[1])];
	const [dx, dy] = [(a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2];
	const v = (4 / Math.PI ** 2) * (Math.atan((a[2] - a[0]) / (a[3] - a[1])) - Math.atan((b[2] - b[0]) / (b[3] - b[1]))) ** 2;
	return overlap - (dx * dx + dy * dy) / (cw * cw + ch * ch) - (v / (1 - overlap + v)) * v;
}

/** A scene of crowded boxes, predictions that lie somewhere near them, and scores. */
function scene(seed: number) {
	const next = random(seed);
	const points = anchorPoints({ inputSize: [96, 128], strides: [8, 16, 32] });
	const boxes = Float32Array.from(Array.from({ length: 8 }, () => about(10 + next() * 108, 10 + next() * 76, 12 + next() * 60, 12 + next() * 50)).flat());
	const classIds = Array.from({ length: 8 }, () => Math.floor(next() * 3));
	const predictedBoxes = Float32Array.from(
		rowsOf(points).flatMap(([x, y]) => {
			const near = rowsOf(boxes).filter((b) => x > b[0] - 8 && x < b[2] + 8 && y > b[1] - 8 && y < b[3] + 8);
			const [x1, y1, x2, y2] = near.length > 0 ? near[Math.floor(next() * near.length)] : about(x, y, 20, 20);
			const jitter = () => (next() - 0.5) * 24;
			return [x1 + jitter(), y1 + jitter(), x2 + jitter() + 13, y2 + jitter() + 13];
		}),
	);
	const predictedScores = Float32Array.from({ length: (points.length / 4) * 3 }, () => 0.02 + next() * 0.95);
	const predictedObjectness = Float32Array.from({ length: points.length / 4 }, () => 0.02 + next() * 0.95);
	return { points, boxes, classIds, predictedBoxes, predictedScores, predictedObjectness };
}

describe('matchTal', () => {
	const one = { classIds: [0], predictedBoxes: about(10, 10, 20, 20), predictedScores: [0.25] };
	const BOX = about(10, 10, 20, 20);
	test('alignment is score^alpha x overlap^beta', () => {
		const best = (options: object) => matchTal([10, 10, 8, 8], BOX, { ...one, ...options } as TalOptions).groundTruths[0].best;
		assert.equal(best({}), 0.5);
		assert.equal(best({ style: 'tood' }), 0.25);
		// 20 x 10 of 20 x 20: IoU 0.5, to the sixth 1/64
		assert.equal(best({ predictedBoxes: [0, 0, 20, 10], overlap: 'iou' }), 0.5 / 64);
		assert.equal(best({ predictedBoxes: [0, 0, 20, 10], style: 'tood', beta: 1 }), 0.125);
		assert.closeTo(best({ predictedBoxes: [0, 0, 20, 10], overlap: 'iou', alpha: 0.3, beta: 1.5 }), 0.25 ** 0.3 * 0.5 ** 1.5, 1e-6);
		assert.closeTo(best({ predictedBoxes: [0, 0, 20, 10] }), 0.5 * ciou([0, 0, 20, 10], BOX) ** 6, 1e-7);
	});
	test('without a part of the overlap the score alone counts', () => {
		assert.equal(matchTal([10, 10, 8, 8], BOX, { ...one, predictedBoxes: [90, 90, 99, 99], beta: 0 }).groundTruths[0].best, 0.5);
		assert.equal(matchTal([10, 10, 8, 8], BOX, { ...one, predictedBoxes: [90, 90, 99, 99] }).groundTruths[0].lost, 'below-minimum');
	});
	test('points strictly inside: by more than 1e-9, or by more than 0.01 for TOOD', () => {
		const isMatched = (x: number, style: TalOptions['style']) => matchTal([x, 10, 8, 8], BOX, { ...one, style }).numPositives === 1;
		assert.isFalse(isMatched(0, 'yolov8'));
		assert.isFalse(isMatched(20, 'yolov8'));
		assert.isTrue(isMatched(0.005, 'yolov8'));
		assert.isFalse(isMatched(0.005, 'tood'));
		assert.isTrue(isMatched(0.02, 'tood'));
		assert.equal(matchTal([20, 10, 8, 8], BOX, one).groundTruths[0].lost, 'out-of-range');
	});
	test('10 points for YOLOv8, 13 for TOOD, the first of equals', () => {
		const points = Array.from({ length: 20 }, () => [10, 10, 8, 8]).flat();
		const many = { classIds: [0], predictedBoxes: points.flatMap((_, k) => (k % 4 ? [] : BOX)), predictedScores: new Float32Array(20).fill(0.5) };
		const positives = (style: TalOptions['style']) => Array.from(matchTal(points, BOX, { ...many, style }).labels).lastIndexOf(1) + 1;
		assert.deepEqual([positives('yolov8'), positives('tood')], [10, 13]);
		assert.equal(matchTal(points, BOX, { ...many, topk: 3 }).numPositives, 3);
	});
	test('TOOD counts points outside among its 13', () => {
		// one point outside is better aligned than the one inside, and with topk 1 nothing remains
		const options = { classIds: [0], predictedBoxes: [...BOX, ...BOX], predictedScores: [0.9, 0.5], topk: 1 };
		const points = [50, 50, 8, 8, 10, 10, 8, 8];
		assert.equal(matchTal(points, BOX, { ...options, style: 'tood' }).groundTruths[0].lost, 'below-minimum');
		assert.equal(matchTal(points, BOX, { ...options, style: 'yolov8' }).matches[1], 0);
	});
	test('a point chosen by two goes to the one that it overlaps most, and the other is reported', () => {
		const boxes = [...about(10, 10, 20, 20), ...about(10, 10, 24, 24)];
		const options = { classIds: [0, 0], predictedBoxes: about(10, 10, 23, 23), predictedScores: [0.5] };
		for (const style of ['yolov8', 'tood'] as const) {
			const { matches, groundTruths } = matchTal([10, 10, 8, 8], boxes, { ...options, style });
			assert.equal(matches[0], 1);
			assert.equal(groundTruths[0].lost, 'taken');
		}
	});
	test('target scores: the best has the highest overlap of its ground truth', () => {
		const points = [10, 10, 8, 8, 11, 10, 8, 8];
		const options = { classIds: [0], predictedBoxes: [0, 0, 20, 16, 0, 0, 20, 10], predictedScores: [0.25, 1], style: 'tood' as const, beta: 1 };
		// alignments 0.25 x 0.8 and 1 x 0.5; highest overlap 0.8
		const { targetScores } = matchTal(points, BOX, options);
		assert.closeTo(targetScores[0], (0.2 / 0.5) * 0.8, 1e-6);
		assert.closeTo(targetScores[1], 0.8, 1e-6);
	});
	test('nothing aligned, nothing there, refusals', () => {
		assert.equal(matchTal([10, 10, 8, 8], BOX, { ...one, predictedScores: [0] }).groundTruths[0].lost, 'below-minimum');
		assert.equal(matchTal([10, 10, 8, 8], BOX, { ...one, predictedBoxes: [NaN, 0, 1, 1] }).groundTruths[0].lost, 'below-minimum');
		assert.deepEqual(Array.from(matchTal([10, 10, 8, 8], [], { ...one, classIds: [] }).targetScores), [0]);
		assert.deepEqual(
			matchTal([10, 10, 8, 8], [1, 1, 1, 2, 0, 0, Infinity, 1], { ...one, classIds: [0, 0] }).groundTruths.map(({ lost }) => lost),
			['empty', 'not-finite'],
		);
		assert.throws(() => matchTal([10, 10, 8, 8], BOX, { ...one, predictedBoxes: [] }), /predictedBoxes must have one box per anchor, 1; got 0/);
		assert.throws(() => matchTal([10, 10, 8, 8], BOX, { ...one, predictedScores: [NaN] }), /predictedScores\[0\] must be 0 to 1; got NaN/);
		assert.throws(() => matchTal([10, 10, 8, 8], BOX, { ...one, classIds: [3] }), /classIds\[0\] must be below the 1 classes/);
		assert.throws(() => matchTal([10, 10, 8, 8], BOX, { ...one, topk: 0 }), /topk must be an integer from 1/);
		assert.throws(() => matchTal([10, 10, 8, 8], BOX, { ...one, beta: -1 }), /beta must be 0 to 64/);
		assert.throws(() => matchTal([10, 10, 8, 8], BOX, undefined as never), /predictedBoxes must be given/);
		assert.throws(() => matchTal([10, 10, 8, 8], BOX, { ...one, topK: 1 } as never), /did you mean topk/);
	});

	/** Both assigners over whole matrices: matches and target scores. */
	function reference(s: ReturnType<typeof scene>, tood: boolean) {
		const [points, boxes, predicted] = [rowsOf(s.points), rowsOf(s.boxes), rowsOf(s.predictedBoxes)];
		const inside = boxes.map((b) => points.map(([x, y]) => Math.min(x - b[0], y - b[1], b[2] - x, b[3] - y) > (tood ? 0.01 : 1e-9)));
		const overlaps = boxes.map((b, g) => predicted.map((p, a) => (tood ? iou(p, b) : inside[g][a] ? Math.max(0, ciou(p, b)) : 0)));
		const align = overlaps.map((row, g) => row.map((o, a) => s.predictedScores[a * 3 + s.classIds[g]] ** (tood ? 1 : 0.5) * o ** 6));
		const mask = align.map((row, g) => {
			const order = Array.from(row.keys())
				.sort((p, q) => row[q] - row[p])
				.slice(0, tood ? 13 : 10);
			return row.map((v, a) => order.includes(a) && inside[g][a] && v > 0);
		});
		const matches = points.map((_, a) => {
			const askers = Array.from(boxes.keys()).filter((g) => mask[g][a]);
			if (askers.length < 2) return askers[0] ?? -1;
			const rivals = tood ? askers : Array.from(boxes.keys());
			return rivals.reduce((most, g) => (overlaps[g][a] > overlaps[most][a] ? g : most));
		});
		const targetScores = matches.map((g, a) => {
			if (g < 0) return 0;
			const own = Array.from(points.keys()).filter((k) => matches[k] === g);
			return (align[g][a] / (Math.max(...own.map((k) => align[g][k])) + (tood ? 1e-7 : 1e-9))) * Math.max(...own.map((k) => overlaps[g][k]));
		});
		return { matches, targetScores };
	}
	test.each([1, 2, 3, 4, 5])('is what ultralytics and mmdetection do, in float64: seed %i', (seed) => {
		const s = scene(seed);
		for (const style of ['yolov8', 'tood'] as const) {
			const expected = reference(s, style === 'tood');
			const { points, boxes, classIds, predictedBoxes, predictedScores } = s;
			const actual = matchTal(points, boxes, { classIds, predictedBoxes, predictedScores, style });
			assert.deepEqual(Array.from(actual.matches), expected.matches);
			actual.targetScores.forEach((v, a) => {
				assert.closeTo(v, expected.targetScores[a], 2e-5);
			});
			assert.isAbove(actual.numPositives, 30);
		}
	});
});

const bce = (p: number, y: number) => -(y * Math.max(-100, Math.log(p)) + (1 - y) * Math.max(-100, Math.log(1 - p)));
/** Dynamic k over costs and overlaps [G][C]: the ground truth of each candidate. */
function dynamicK(costs: number[][], overlaps: number[][], topk: number): number[] {
	const numCandidates = costs[0]?.length ?? 0;
	const chosen = costs.map((row, g) => {
		const best = overlaps[g]
			.slice()
			.sort((a, b) => b - a)
			.slice(0, topk);
		const k = Math.max(1, Math.floor(best.reduce((sum, v) => sum + v, 0)));
		return new Set(
			Array.from(row.keys())
				.sort((a, b) => row[a] - row[b] || a - b)
				.slice(0, k),
		);
	});
	return Array.from({ length: numCandidates }, (_, c) => {
		const askers = Array.from(costs.keys()).filter((g) => chosen[g].has(c));
		if (askers.length < 2) return askers[0] ?? -1;
		return Array.from(costs.keys()).reduce((least, g) => (costs[g][c] < costs[least][c] ? g : least));
	});
}

describe('matchSimOta', () => {
	const BOX = about(50, 50, 40, 40);
	const at = (x: number, y: number, options?: Partial<SimOtaOptions>) =>
		matchSimOta([x, y, 8, 8], BOX, { classIds: [0], predictedBoxes: BOX, predictedScores: [0.5], ...options });
	test('candidates are less than 1.5 strides from a middle', () => {
		assert.equal(at(61.875, 50).numPositives, 1);
		assert.equal(at(62, 50).numPositives, 0);
		assert.equal(at(62, 50).groundTruths[0].lost, 'out-of-range');
		assert.equal(at(50, 38).numPositives, 0);
		assert.equal(at(62, 50, { centreRadius: 2 }).numPositives, 1);
	});
	test('mmdet: within 2.5 strides or in the box', () => {
		assert.equal(at(69, 50, { style: 'mmdet' }).numPositives, 1);
		assert.equal(at(69.875, 69.875, { style: 'mmdet' }).numPositives, 1);
		assert.equal(at(70, 70, { style: 'mmdet' }).numPositives, 0);
	});
	test('cost: cross entropy of sqrt(class x objectness) and 3 times -log IoU; 1e6 or 1e5 more from elsewhere', () => {
		// sqrt(0.5 x 0.5) = 0.5: -log 0.5; IoU 1: -log(1 + 1e-8) = 0
		const best = (options: Partial<SimOtaOptions>) => at(50, 50, options).groundTruths[0].best;
		assert.closeTo(best({ predictedObjectness: [0.5] }), Math.log(2), 1e-6);
		assert.closeTo(best({ predictedScores: [0.25] }), -Math.log(0.25), 1e-6);
		assert.closeTo(best({ predictedScores: [0.25, 0.5] }), -Math.log(0.25) - Math.log(0.5), 1e-6);
		assert.closeTo(best({ predictedScores: [0] }), 100, 1e-4);
		assert.closeTo(best({ predictedBoxes: about(50, 50, 40, 20), predictedScores: [1] }), 3 * Math.log(2), 1e-6);
		assert.closeTo(best({ predictedBoxes: [0, 0, 1, 1], predictedScores: [1] }), -3 * Math.log(1e-8), 1e-4);
		assert.closeTo(best({ predictedBoxes: [0, 0, 1, 1], predictedScores: [1], style: 'mmdet' }), -3 * Math.log(1e-7), 1e-4);
		// a second box whose middle is elsewhere
		const two = (style: 'yolox' | 'mmdet') =>
			matchSimOta([50, 50, 8, 8], [...BOX, ...about(90, 50, 40, 40)], { classIds: [0, 0], predictedBoxes: BOX, predictedScores: [1], style }).groundTruths[1];
		assert.closeTo(two('yolox').best, 1e6 + 55, 1);
		assert.closeTo(two('mmdet').best, 1e5 + 48, 1);
		assert.equal(two('yolox').lost, 'taken');
	});
	test('k is the whole part of the sum of the ten best IoUs, at least 1', () => {
		const positives = (overlaps: number[], topk?: number) => {
			const points = overlaps.flatMap(() => [50, 50, 8, 8]);
			const predictedBoxes = overlaps.flatMap((v) => [30, 30, 70, 30 + 40 * v]);
			return matchSimOta(points, BOX, { classIds: [0], predictedBoxes, predictedScores: overlaps.map(() => 0.5), topk }).numPositives;
		};
		assert.equal(positives([0.25, 0.25]), 1);
		assert.equal(positives([0.5, 0.5, 0.5, 0.5]), 2);
		assert.equal(positives([0.5, 0.5, 0.5, 0.375]), 1);
		assert.equal(positives(new Array(16).fill(0.5)), 5);
		assert.equal(positives(new Array(16).fill(0.5), 16), 8);
	});
	test('target scores are the IoUs of what was matched', () => {
		const { targetScores, maxIou } = at(50, 50, { predictedBoxes: about(50, 50, 40, 20) });
		assert.deepEqual([targetScores[0], maxIou[0]], [0.5, 0.5]);
	});
	test('boxes that cannot take part; refusals', () => {
		const options = { predictedBoxes: BOX, predictedScores: [0.5] };
		const { groundTruths, numPositives } = matchSimOta([50, 50, 8, 8], [0, 0, 0, 1, NaN, 1, 2, 2, ...BOX], { ...options, classIds: [0, 0, 0] });
		assert.deepEqual(
			groundTruths.map(({ lost }) => lost),
			['empty', 'not-finite', undefined],
		);
		assert.equal(numPositives, 1);
		assert.throws(() => at(50, 50, { predictedObjectness: [0.5, 0.5] }), /predictedObjectness must have one entry per anchor, 1; got 2/);
		assert.throws(() => at(50, 50, { predictedObjectness: [-1] }), /predictedObjectness\[0\] must be 0 to 1/);
		assert.throws(() => at(50, 50, { centreRadius: 0 }), /centreRadius must be a positive number/);
	});

	test.each([1, 2, 3, 4, 5])('is what YOLOX and mmdetection do, in float64: seed %i', (seed) => {
		const s = scene(seed);
		const [points, boxes, predicted] = [rowsOf(s.points), rowsOf(s.boxes), rowsOf(s.predictedBoxes)];
		for (const style of ['yolox', 'mmdet'] as const) {
			const radius = style === 'yolox' ? 1.5 : 2.5;
			const inBox = (a: number, b: Box) => Math.min(points[a][0] - b[0], points[a][1] - b[1], b[2] - points[a][0], b[3] - points[a][1]) > 0;
			const inCentre = (a: number, b: Box) =>
				Math.max(Math.abs(points[a][0] - (b[0] + b[2]) / 2), Math.abs(points[a][1] - (b[1] + b[3]) / 2)) < radius * points[a][2];
			const candidates = Array.from(points.keys()).filter((a) => boxes.some((b) => inCentre(a, b) || (style === 'mmdet' && inBox(a, b))));
			const overlaps = boxes.map((b) => candidates.map((a) => iou(predicted[a], b)));
			const costs = boxes.map((b, g) =>
				candidates.map((a, c) => {
					const chance = (k: number) => Math.sqrt(s.predictedScores[a * 3 + k] * s.predictedObjectness[a]);
					const byClass = [0, 1, 2].reduce((sum, k) => sum + bce(chance(k), k === s.classIds[g] ? 1 : 0), 0);
					const here = inCentre(a, b) && (style === 'yolox' || inBox(a, b));
					return byClass - 3 * Math.log(overlaps[g][c] + (style === 'yolox' ? 1e-8 : 1e-7)) + (here ? 0 : style === 'yolox' ? 1e6 : 1e5);
				}),
			);
			const expected = new Array(points.length).fill(-1);
			dynamicK(costs, overlaps, 10).forEach((g, c) => {
				expected[candidates[c]] = g;
			});
			const { points: rows, boxes: truths, ...options } = s;
			const actual = matchSimOta(rows, truths, { ...options, style });
			assert.deepEqual(Array.from(actual.matches), expected);
			assert.isAbove(actual.numPositives, 15);
			actual.groundTruths.forEach(({ best }, g) => {
				const least = Math.min(...costs[g]);
				assert.closeTo(best, least, 1e-5 * least);
			});
		}
	});
});

describe('matchYolov7', () => {
	const LEVELS = cellLevels({
		inputSize: [96, 128],
		strides: [8, 16],
		anchors: [
			[12, 16, 19, 36],
			[40, 28, 36, 75],
		],
	});
	/** Predictions at the anchors of LEVELS. */
	function predictions(seed: number) {
		const next = random(seed);
		const boxes = Float32Array.from(Array.from({ length: 7 }, () => about(10 + next() * 108, 10 + next() * 76, 10 + next() * 60, 10 + next() * 50)).flat());
		const numAnchors = matchYolov5(LEVELS, []).labels.length;
		const predictedBoxes = Float32Array.from({ length: numAnchors * 4 }, (_, k) => {
			const g = Math.floor(k / 4) % 7;
			return boxes[g * 4 + (k % 4)] + (next() - 0.5) * 20 + (k % 4 > 1 ? 11 : 0);
		});
		return {
			boxes,
			classIds: Array.from({ length: 7 }, () => Math.floor(next() * 2)),
			predictedBoxes,
			predictedScores: Float32Array.from({ length: numAnchors * 2 }, () => 0.02 + next() * 0.95),
			predictedObjectness: Float32Array.from({ length: numAnchors }, () => 0.02 + next() * 0.95),
		};
	}
	test.each([1, 2, 3, 4])('is what ComputeLossOTA does, in float64: seed %i', (seed) => {
		const { boxes, ...options } = predictions(seed);
		const candidates = Array.from(matchYolov5(LEVELS, boxes).pairs.anchors);
		const predicted = rowsOf(options.predictedBoxes);
		for (const topk of [10, 20]) {
			const overlaps = rowsOf(boxes).map((b) => candidates.map((a) => iou(predicted[a], b)));
			const costs = overlaps.map((row, g) =>
				row.map((overlap, c) => {
					const a = candidates[c];
					const chance = (k: number) => Math.sqrt(options.predictedScores[a * 2 + k] * options.predictedObjectness[a]);
					return [0, 1].reduce((sum, k) => sum + bce(chance(k), k === options.classIds[g] ? 1 : 0), 0) - 3 * Math.log(overlap + 1e-8);
				}),
			);
			const expected = dynamicK(costs, overlaps, topk).flatMap((g, c) => (g < 0 ? [] : [[candidates[c], g]]));
			const { pairs, matches, groundTruths } = matchYolov7(LEVELS, boxes, { ...options, topk });
			assert.deepEqual(
				Array.from(pairs.anchors, (a, k) => [a, pairs.groundTruths[k]]),
				expected,
			);
			assert.isAbove(expected.length, 10);
			for (const [a, g] of new Map(expected as [number, number][])) assert.equal(matches[a], g);
			groundTruths.forEach(({ numAnchors }, g) => {
				assert.equal(numAnchors, expected.filter(([, k]) => k === g).length);
			});
		}
	});
	test('no candidates; refusals', () => {
		const { boxes: _, ...options } = predictions(1);
		const thin = matchYolov7(LEVELS, about(60, 40, 1, 90), { ...options, classIds: [0] });
		assert.deepEqual([thin.numPositives, thin.groundTruths[0].lost], [0, 'out-of-range']);
		assert.throws(() => matchYolov7(LEVELS, [1, 2], options), /matchYolov7: groundTruths must have a length/);
		assert.throws(() => matchYolov7(LEVELS, about(60, 40, 20, 20), { ...options, maxRatio: 1, classIds: [0] }), /matchYolov7: maxRatio must be above 1/);
		assert.throws(() => matchYolov7(LEVELS, about(60, 40, 20, 20), { ...options, classIds: [2] }), /classIds\[0\] must be below the 2 classes/);
	});
});

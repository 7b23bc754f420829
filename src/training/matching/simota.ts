// SimOTA (Ge et al. 2021): of the points near the middle of ground truths, those answer whose predictions cost least, as many
// as the predictions overlap it. Megvii's YOLOX (models/yolo_head.py, get_assignments) and mmdetection
// (sim_ota_assigner.py) differ in what near means.

import { checkPositiveNumber } from '../../anchors/levels.js';
import { checkInteger, checkWord, readOptions } from '../../checks.js';
import type { BoxesLike, FloatsLike } from '../../inputs.js';
import { ClassCosts, costOf, matchDynamicK, type Offers } from './dynamic-k.js';
import { type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { iouOfPair } from './pair-iou.js';
import { checkPoints, type PointsLike } from './points.js';
import { type PredictionOptions, type Predictions, readObjectness, readPredictions } from './predictions.js';

const round = Math.fround;

/** Options of `matchSimOta`. */
export interface SimOtaOptions extends PredictionOptions {
	/**
	 * 'yolox' (default): candidates are points less than 1.5 strides from a middle; one that is not near this ground truth's costs 1e6 more.
	 * 'mmdet': points in a box or less than 2.5 strides from a middle; one that is not both, for this ground truth, costs 1e5 more.
	 */
	style?: 'yolox' | 'mmdet';
	/** Objectness [A], 0 to 1: the cost is of sqrt(score x objectness). Without it that of the scores as they are. */
	predictedObjectness?: FloatsLike;
	/** Strides. Default 1.5; 2.5 for 'mmdet'. */
	centreRadius?: number;
	/** How many overlaps are added up. Default 10. */
	topk?: number;
}

/** What `matchSimOta` and `matchYolov7` answer. */
export interface OtaMatches extends Matches {
	/** [A] IoU of a positive's prediction with its ground truth: what the score of its class should be; 0 for all others. */
	readonly targetScores: Float32Array;
}

const KNOWN = ['classIds', 'predictedBoxes', 'predictedScores', 'predictedObjectness', 'style', 'centreRadius', 'topk'] as const;

/**
 * Matches points [A, 4] (`anchorPoints` in the middle of cells, offset 0.5, of YOLOX too) by cost: binary cross entropy over the classes
 * + 3 x (-log(IoU + 1e-8)) (1e-7 for 'mmdet'), with k = whole part of the sum of the 10 best IoUs, at least 1. A point may answer for a box that it is not near
 * when no other is left, as in both sources. Of equal costs the first point and the first box. `best` is the least cost, `maxIou` the highest IoU of a
 * candidate's prediction. When there are no candidates at all a box is 'out-of-range'. Throws a TypeError or RangeError that names the argument.
 */
export function matchSimOta(points: PointsLike, groundTruths: BoxesLike, options: SimOtaOptions): OtaMatches {
	const rows = checkPoints('matchSimOta', points);
	const truths = readGroundTruths('matchSimOta', groundTruths);
	const given = readOptions('matchSimOta', 'options', options, KNOWN) as Partial<SimOtaOptions>;
	const mmdet = checkWord('matchSimOta', 'style', given.style ?? 'yolox', ['yolox', 'mmdet']) === 'mmdet';
	const centreRadius = round(checkPositiveNumber('matchSimOta', 'centreRadius', given.centreRadius ?? (mmdet ? 2.5 : 1.5)));
	const topk = checkInteger('matchSimOta', 'topk', given.topk ?? 10, 1, 2 ** 24);
	const predictions = readPredictions('matchSimOta', given, truths.count, rows.length / 4);
	const objectness = readObjectness('matchSimOta', given.predictedObjectness, predictions.count);

	const taking = takingPart(truths);
	const candidates = candidatesOf(rows, truths, taking, centreRadius, mmdet ? IN_BOX : IN_CENTRE);
	const penaltyOf = (a: number, g: number) => {
		const where = nearness(rows, a, truths.boxes, g, centreRadius);
		if (mmdet) return where === IN_BOX + IN_CENTRE ? 0 : 1e5;
		return where >= IN_CENTRE ? 0 : 1e6;
	};
	const costs = new ClassCosts(predictions, objectness, candidates);
	const offers = offersOf(predictions, truths, taking, candidates, costs, mmdet ? 1e-7 : 1e-8, penaltyOf);
	return answer(new Tally(predictions.count, truths), candidates, offers, taking, matchDynamicK(offers, taking, topk));
}

/** Parts of `nearness`: 1 in the box, 2 in the centre, 3 in both. */
const IN_BOX = 1;
const IN_CENTRE = 2;

/** The points that are near enough to some ground truth. */
function candidatesOf(points: Float32Array, { boxes }: GroundTruths, taking: readonly number[], centreRadius: number, least: number): number[] {
	const found: number[] = [];
	for (let a = 0; a < points.length / 4; a++) {
		for (const g of taking) {
			if (nearness(points, a, boxes, g, centreRadius) < least) continue;
			found.push(a);
			break;
		}
	}
	return found;
}

/** IN_BOX and IN_CENTRE, added: where a point is, seen from a ground truth; both strictly inside. */
function nearness(points: Float32Array, a: number, boxes: Float32Array, g: number, centreRadius: number): number {
	const x = points[a * 4];
	const y = points[a * 4 + 1];
	const x1 = boxes[g * 4];
	const y1 = boxes[g * 4 + 1];
	const x2 = boxes[g * 4 + 2];
	const y2 = boxes[g * 4 + 3];
	const inBox = Math.min(round(x - x1), round(y - y1), round(x2 - x), round(y2 - y)) > 0;
	const reachX = round(centreRadius * points[a * 4 + 2]);
	const reachY = round(centreRadius * points[a * 4 + 3]);
	const inCentre = Math.abs(round(x - round(x1 + x2) * 0.5)) < reachX && Math.abs(round(y - round(y1 + y2) * 0.5)) < reachY;
	return (inBox ? IN_BOX : 0) + (inCentre ? IN_CENTRE : 0);
}

/** The ground truths that can take part. */
export function takingPart({ unusable }: GroundTruths): number[] {
	return Array.from(unusable.keys()).filter((g) => unusable[g] === undefined);
}

/** Overlaps and costs of all pairs of ground truths and candidates (their anchors). */
export function offersOf(
	{ boxes, areas, classIds }: Predictions,
	truths: GroundTruths,
	taking: readonly number[],
	candidates: ArrayLike<number>,
	costs: ClassCosts,
	epsilon: number,
	penaltyOf: (anchor: number, groundTruth: number) => number,
): Offers {
	const numCandidates = candidates.length;
	const offers = { numCandidates, overlaps: new Float32Array(truths.count * numCandidates), costs: new Float32Array(truths.count * numCandidates) };
	for (const g of taking) {
		for (let c = 0; c < numCandidates; c++) {
			const a = candidates[c];
			const overlap = iouOfPair(boxes, a, areas[a], truths.boxes, g, truths.areas[g]);
			offers.overlaps[g * numCandidates + c] = overlap;
			offers.costs[g * numCandidates + c] = costOf(costs.of(c, classIds[g]), overlap, epsilon, penaltyOf(a, g));
		}
	}
	return offers;
}

/** Matches from the ground truth of each candidate; an anchor that is several candidates keeps the last, and `pairs` say so. */
export function answer(
	tally: Tally,
	candidates: ArrayLike<number>,
	{ numCandidates, overlaps, costs }: Offers,
	taking: readonly number[],
	matches: Int32Array,
	pairs?: { anchors: Uint32Array; groundTruths: Uint32Array },
): OtaMatches {
	const targetScores = new Float32Array(tally.labels.length);
	for (const g of taking) {
		if (numCandidates === 0) tally.lose(g, 'out-of-range');
		let least = Infinity;
		for (let c = 0; c < numCandidates; c++) {
			const overlap = overlaps[g * numCandidates + c];
			if (overlap > tally.maxIou[candidates[c]]) tally.maxIou[candidates[c]] = overlap;
			if (!(costs[g * numCandidates + c] < least)) continue;
			least = costs[g * numCandidates + c];
			tally.best(g, candidates[c], least);
		}
	}
	for (let c = 0; c < numCandidates; c++) {
		if (matches[c] < 0) continue;
		tally.give(candidates[c], matches[c]);
		targetScores[candidates[c]] = overlaps[matches[c] * numCandidates + c];
	}
	return { ...tally.finish(pairs), targetScores };
}

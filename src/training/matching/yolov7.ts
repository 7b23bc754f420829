// YOLOv7's OTA: the anchors that YOLOv5's rule finds are candidates for every ground truth, and those of least cost answer, as
// many as their predictions overlap it. WongKinYiu/yolov7, utils/loss.py, ComputeLossOTA.

import type { CellLevel } from '../../anchors/points.js';
import { checkInteger, readOptions } from '../../checks.js';
import type { BoxesLike, FloatsLike } from '../../inputs.js';
import { ClassCosts, matchDynamicK } from './dynamic-k.js';
import { readGroundTruths, Tally } from './fates.js';
import { type PredictionOptions, readObjectness, readPredictions } from './predictions.js';
import { answer, type OtaMatches, offersOf, takingPart } from './simota.js';
import { matchRatios, type Yolov5MatchOptions } from './yolov5.js';

/** Options of `matchYolov7`. */
export interface Yolov7MatchOptions extends PredictionOptions, Yolov5MatchOptions {
	/** Objectness [A], 0 to 1: the cost is of sqrt(score x objectness). Without it that of the scores as they are. */
	predictedObjectness?: FloatsLike;
	/** How many overlaps are added up. Default 10; 20 for the auxiliary heads of W6 and larger. */
	topk?: number;
}

/** What `matchYolov7` answers: `matches` and `targetScores` hold of an anchor's pairs the last. */
export interface Yolov7Matches extends OtaMatches {
	/** Every anchor and ground truth that answer for each other, in the order of `matchYolov5`. */
	readonly pairs: { readonly anchors: Uint32Array; readonly groundTruths: Uint32Array };
}

const KNOWN = ['classIds', 'predictedBoxes', 'predictedScores', 'predictedObjectness', 'topk', 'maxRatio', 'neighbourBias', 'order'] as const;

/**
 * Matches by cost among the pairs of `matchYolov5`, whose options it takes: binary cross entropy over the classes + 3 x (-log(IoU + 1e-8)). As in
 * the source a pair may end with another ground truth than the one that made it a candidate. `best` is the least cost; when nothing is a candidate
 * a ground truth is 'out-of-range'. Throws a TypeError or RangeError that names the argument.
 */
export function matchYolov7(levels: readonly CellLevel[], groundTruths: BoxesLike, options: Yolov7MatchOptions): Yolov7Matches {
	const given = readOptions('matchYolov7', 'options', options, KNOWN) as Partial<Yolov7MatchOptions>;
	const { maxRatio, neighbourBias } = given;
	const { pairs, labels, order } = matchRatios('matchYolov7', levels, groundTruths, { maxRatio, neighbourBias, order: given.order });
	const truths = readGroundTruths('matchYolov7', groundTruths);
	const topk = checkInteger('matchYolov7', 'topk', given.topk ?? 10, 1, 2 ** 24);
	const predictions = readPredictions('matchYolov7', given, truths.count, labels.length);
	const objectness = readObjectness('matchYolov7', given.predictedObjectness, labels.length);

	const taking = takingPart(truths);
	const costs = new ClassCosts(predictions, objectness, pairs.anchors);
	const offers = offersOf(predictions, truths, taking, pairs.anchors, costs, 1e-8, () => 0);
	const matches = matchDynamicK(offers, taking, topk);
	const kept = pairs.anchors.map((_, c) => c).filter((c) => matches[c] >= 0);
	const found = { anchors: kept.map((c) => pairs.anchors[c]), groundTruths: kept.map((c) => matches[c]) };
	return { ...answer(new Tally(labels.length, truths), pairs.anchors, offers, taking, matches, found), order, pairs: found };
}

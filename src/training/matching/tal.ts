// Task-aligned assignment: TOOD (Feng et al. 2021) and YOLOv8 and after. Alignment is score^alpha x overlap^beta of the
// prediction with the ground truth, of its class; the best few points inside of a box answer for it. As in ultralytics,
// utils/tal.py, and in mmdetection, task_aligned_assigner.py.

import { boxIou } from '../../boxes/iou.js';
import { checkInteger, checkNumber, checkWord, readOptions, refuse } from '../../checks.js';
import { log32, sqrt32 } from '../../functions.js';
import type { BoxesLike } from '../../inputs.js';
import { exp32, MIN_NORMAL } from '../../numbers.js';
import { type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { iouOfPair } from './pair-iou.js';
import { checkPoints, type PointsLike } from './points.js';
import { type PredictionOptions, type Predictions, readPredictions } from './predictions.js';

const round = Math.fround;

/** Options of `matchTal`. */
export interface TalOptions extends PredictionOptions {
	/**
	 * 'yolov8' (default): topk 10, alpha 0.5, beta 6, CIoU not below 0; only points inside count as candidates; a point that several boxes
	 * choose goes to the one that it overlaps most of all in which it lies. 'tood': topk 13, alpha 1, beta 6, IoU; the best of all points, of
	 * which those inside by more than 0.01 pixel remain; and of the boxes that chose a point the one that it overlaps most.
	 */
	style?: 'yolov8' | 'tood';
	/** Points per ground truth. */
	topk?: number;
	/** Exponent of the score. */
	alpha?: number;
	/** Exponent of the overlap. */
	beta?: number;
	/** How overlap is measured. */
	overlap?: 'iou' | 'ciou';
}

/** What `matchTal` answers. */
export interface TalMatches extends Matches {
	/** [A] what the score of the matched class should be: alignment over the highest of its ground truth, times the highest overlap of it; 0 for negatives. */
	readonly targetScores: Float32Array;
}

const KNOWN = ['classIds', 'predictedBoxes', 'predictedScores', 'style', 'topk', 'alpha', 'beta', 'overlap'] as const;

/**
 * Matches points [A, 4] (`anchorPoints`) by alignment. Of equally aligned points the first is taken, and none of alignment 0 (ultralytics leaves
 * both to the order of topk). `best` is the highest alignment, `maxIou` the overlap of a point's prediction that was measured. A ground truth
 * without a point inside is 'out-of-range', one whose points are not aligned at all 'below-minimum'. CIoU is that of `boxIou`, without
 * ultralytics' 1e-7. Throws a TypeError or RangeError that names the argument.
 */
export function matchTal(points: PointsLike, groundTruths: BoxesLike, options: TalOptions): TalMatches {
	const rows = checkPoints('matchTal', points);
	const truths = readGroundTruths('matchTal', groundTruths);
	const given = readOptions('matchTal', 'options', options, KNOWN);
	const rule = readRule(given);
	const predictions = readPredictions('matchTal', given, truths.count, rows.length / 4);
	const tally = new Tally(predictions.count, truths);
	const all = Uint32Array.from({ length: predictions.count }, (_, a) => a);
	const scene: Scene = { points: rows, all, truths, predictions, rule };

	const chosen: Choice[] = [];
	for (let g = 0; g < truths.count; g++) {
		if (truths.unusable[g] === undefined) chosen.push(...choose(tally, scene, g));
	}
	const settled = settle(scene, chosen);
	for (const { anchor, groundTruth } of settled) tally.give(anchor, groundTruth);
	return { ...tally.finish(), targetScores: normalise(settled, truths.count, predictions.count, rule.normaliser) };
}

interface Rule {
	readonly tood: boolean;
	readonly topk: number;
	readonly alpha: number;
	readonly beta: number;
	readonly ciou: boolean;
	/** A point is inside when it is farther than this from all sides. */
	readonly margin: number;
	/** Added to the highest alignment. */
	readonly normaliser: number;
}

interface Scene {
	readonly points: Float32Array;
	/** [A] 0, 1, 2, ... */
	readonly all: Uint32Array;
	readonly truths: GroundTruths;
	readonly predictions: Predictions;
	readonly rule: Rule;
}

interface Choice {
	readonly anchor: number;
	readonly groundTruth: number;
	readonly alignment: number;
	readonly overlap: number;
}

function readRule(given: Partial<Record<(typeof KNOWN)[number], unknown>>): Rule {
	const tood = checkWord('matchTal', 'style', given.style ?? 'yolov8', ['yolov8', 'tood']) === 'tood';
	const exponent = (name: 'alpha' | 'beta', usual: number) => {
		const value = checkNumber('matchTal', name, given[name] ?? usual);
		if (!(value >= 0 && value <= 64)) refuse(RangeError, 'matchTal', name, 'must be 0 to 64', value);
		return value;
	};
	return {
		tood,
		topk: checkInteger('matchTal', 'topk', given.topk ?? (tood ? 13 : 10), 1, 2 ** 24),
		alpha: exponent('alpha', tood ? 1 : 0.5),
		beta: exponent('beta', 6),
		ciou: checkWord('matchTal', 'overlap', given.overlap ?? (tood ? 'iou' : 'ciou'), ['iou', 'ciou']) === 'ciou',
		margin: round(tood ? 0.01 : 1e-9),
		normaliser: round(tood ? 1e-7 : 1e-9),
	};
}

/** Whether a point lies inside of a ground truth. */
function isInside(scene: Scene, anchor: number, g: number): boolean {
	const { points, rule } = scene;
	const { boxes } = scene.truths;
	const x = points[anchor * 4];
	const y = points[anchor * 4 + 1];
	if (!(x > boxes[g * 4] && x < boxes[g * 4 + 2])) return false;
	const across = Math.min(round(x - boxes[g * 4]), round(boxes[g * 4 + 2] - x));
	const down = Math.min(round(y - boxes[g * 4 + 1]), round(boxes[g * 4 + 3] - y));
	return Math.min(across, down) > rule.margin;
}

/** The overlap of predictions with one ground truth, not below 0. */
function overlapsOf({ predictions, truths, rule }: Scene, anchors: ArrayLike<number>, g: number): Float32Array {
	const { boxes, areas } = predictions;
	if (!rule.ciou) {
		const ious = new Float32Array(anchors.length);
		for (let i = 0; i < anchors.length; i++) {
			ious[i] = iouOfPair(boxes, anchors[i], areas[anchors[i]], truths.boxes, g, truths.areas[g]);
		}
		return ious;
	}
	const rows = new Float32Array(anchors.length * 4);
	for (let i = 0; i < anchors.length; i++) rows.set(boxes.subarray(anchors[i] * 4, anchors[i] * 4 + 4), i * 4);
	// NaN of unusable boxes counts as none
	return boxIou(rows, truths.boxes.subarray(g * 4, g * 4 + 4), { kind: 'ciou' }).map((v) => (v > 0 ? v : 0));
}

function alignmentOf({ predictions: { scores, numClasses, classIds }, rule }: Scene, anchor: number, g: number, overlap: number): number {
	return round(power32(scores[anchor * numClasses + classIds[g]], rule.alpha) * power32(overlap, rule.beta));
}

/** x^p in float32 steps for x >= 0: a root, products, or e^(p log x). */
function power32(x: number, p: number): number {
	if (p === 0.5) return sqrt32(x);
	if (Number.isInteger(p)) {
		let product = 1;
		for (let i = 0; i < p; i++) product = round(product * x);
		return product;
	}
	return x >= MIN_NORMAL ? exp32(round(round(p) * log32(x))) : 0;
}

/** The best points of one ground truth. */
function choose(tally: Tally, scene: Scene, g: number): Choice[] {
	const { all, rule } = scene;
	const inside = all.filter((a) => isInside(scene, a, g));
	if (inside.length === 0) tally.lose(g, 'out-of-range');
	const candidates = rule.tood ? all : inside;
	const overlaps = overlapsOf(scene, candidates, g);
	const found: Choice[] = [];
	for (let i = 0; i < candidates.length; i++) {
		const anchor = candidates[i];
		const overlap = overlaps[i];
		if (overlap > tally.maxIou[anchor]) tally.maxIou[anchor] = overlap;
		const alignment = overlap > 0 || rule.beta === 0 ? alignmentOf(scene, anchor, g, overlap) : 0;
		if (alignment > 0) keepBest(found, rule.topk, { anchor, groundTruth: g, alignment, overlap });
	}
	const best = found.filter(({ anchor }) => !rule.tood || isInside(scene, anchor, g));
	if (best.length > 0) tally.best(g, best[0].anchor, best[0].alignment);
	else tally.lose(g, 'below-minimum');
	return best;
}

/** Keeps the `topk` most aligned, in order; of equally aligned the earlier. */
function keepBest(found: Choice[], topk: number, choice: Choice): void {
	if (found.length === topk && !(choice.alignment > found[topk - 1].alignment)) return;
	let place = found.length;
	while (place > 0 && choice.alignment > found[place - 1].alignment) place--;
	found.splice(place, 0, choice);
	if (found.length > topk) found.pop();
}

/** One ground truth for each point. */
function settle(scene: Scene, chosen: readonly Choice[]): Choice[] {
	const byAnchor = new Map<number, Choice[]>();
	for (const choice of chosen) {
		const others = byAnchor.get(choice.anchor);
		if (others) others.push(choice);
		else byAnchor.set(choice.anchor, [choice]);
	}
	return Array.from(byAnchor.values(), (choices) => {
		if (choices.length === 1) return choices[0];
		const rivals = scene.rule.tood ? choices : allAbout(scene, choices[0].anchor);
		return rivals.reduce((most, choice) => (choice.overlap > most.overlap ? choice : most));
	});
}

/** Every ground truth that a point lies in, whether it chose the point or not. */
function allAbout(scene: Scene, anchor: number): Choice[] {
	const { truths } = scene;
	const about: Choice[] = [];
	for (let g = 0; g < truths.count; g++) {
		if (truths.unusable[g] !== undefined || !isInside(scene, anchor, g)) continue;
		const [overlap] = overlapsOf(scene, [anchor], g);
		about.push({ anchor, groundTruth: g, overlap, alignment: alignmentOf(scene, anchor, g, overlap) });
	}
	return about;
}

/** Alignments on the scale of overlaps, [A]. */
function normalise(settled: readonly Choice[], numGroundTruths: number, numAnchors: number, normaliser: number): Float32Array {
	const mostAligned = new Float32Array(numGroundTruths);
	const mostOverlap = new Float32Array(numGroundTruths);
	for (const { groundTruth: g, alignment, overlap } of settled) {
		mostAligned[g] = Math.max(mostAligned[g], alignment);
		mostOverlap[g] = Math.max(mostOverlap[g], overlap);
	}
	const out = new Float32Array(numAnchors);
	for (const { anchor, groundTruth: g, alignment } of settled) {
		out[anchor] = round(round(alignment * mostOverlap[g]) / round(mostAligned[g] + normaliser));
	}
	return out;
}

// YOLO's third label: a prediction that overlaps a ground truth well, though another anchor answers for it, is neither right
// nor wrong. Which anchors those are, from what the network predicts now and the overlaps of it.

import { flushCoordinate, isUsableBox } from '../../boxes/overlap.js';
import { checkUnit, checkWord, refuse } from '../../checks.js';
import { type BoxesLike, checkClassIds, checkFloats, type FloatsLike } from '../../inputs.js';
import { checkUprightBoxes, type GroundTruths, type Tally } from './fates.js';
import type { Overlaps } from './overlaps.js';

const round = Math.fround;

/** Options of `matchYoloGrid` about predictions. */
export interface YoloIgnoreOptions {
	/** What the network predicts now: boxes [A, 4] in input pixels, decoded, in the order of the anchors. Without them none is ignored. */
	predictedBoxes?: BoxesLike;
	/** An anchor that is not positive is ignored when its predicted box's IoU with any ground truth exceeds this. Default 0.7; 0.6 for 'yolov2'. */
	ignoreThreshold?: number;
	/** Class probabilities [A, C] of the predictions: then only those are ignored that are sure of something, see `classMatch`. */
	predictedScores?: FloatsLike;
	/** 'any' (default): some class probability exceeds `classThreshold`, as in AlexeyAB's darknet (compare_yolo_class). 'same': that of the ground truth's class does. */
	classMatch?: 'any' | 'same';
	/** Default 0.25. */
	classThreshold?: number;
	/** Class ids [G], for `classMatch: 'same'`. */
	classIds?: ArrayLike<number>;
}

/** The names of `YoloIgnoreOptions`. */
export const YOLO_IGNORE_KEYS = ['predictedBoxes', 'ignoreThreshold', 'predictedScores', 'classMatch', 'classThreshold', 'classIds'] as const;

/** The rule, and copies of all it needs. */
export interface IgnoreRule {
	/** [A, 4] flushed; empty where a box is unusable. */
	readonly boxes: Float32Array;
	readonly threshold: number;
	/** Whether the prediction of an anchor is sure enough to be excused for overlapping a ground truth. */
	readonly isSure: (anchor: number, groundTruth: number) => boolean;
	/** Whether that depends on the ground truth. */
	readonly byClass: boolean;
}

/** Reads the options; undefined without predictions. */
export function readIgnoreRule(
	where: string,
	given: YoloIgnoreOptions,
	usualThreshold: number,
	numAnchors: number,
	numGroundTruths: number,
): IgnoreRule | undefined {
	refuseWithout(where, given, 'predictedBoxes', ['ignoreThreshold', 'predictedScores']);
	refuseWithout(where, given, 'predictedScores', ['classMatch', 'classThreshold']);
	const classMatch = checkWord(where, 'classMatch', given.classMatch ?? 'any', ['any', 'same']);
	const classIds = given.classIds === undefined ? undefined : checkClassIds(where, given.classIds, numGroundTruths);
	const classThreshold = round(checkUnit(where, 'classThreshold', given.classThreshold ?? 0.25));
	const threshold = round(checkUnit(where, 'ignoreThreshold', given.ignoreThreshold ?? usualThreshold));
	if (given.predictedBoxes === undefined) return undefined;

	const rows = checkUprightBoxes(where, 'predictedBoxes', given.predictedBoxes);
	if (rows.length !== numAnchors * 4) refuse(RangeError, where, 'predictedBoxes', `must have one box per anchor, ${numAnchors}`, rows.length / 4);
	const rule = { boxes: usableBoxes(rows), threshold };
	if (given.predictedScores === undefined) return { ...rule, isSure: () => true, byClass: false };
	const scores = checkFloats(where, 'predictedScores', given.predictedScores).slice();
	const numClasses = numAnchors > 0 ? scores.length / numAnchors : 0;
	if (!Number.isInteger(numClasses) || numAnchors > 0 !== scores.length > 0) {
		refuse(RangeError, where, 'predictedScores', `must have equally many classes for each of ${numAnchors} anchors`, scores.length);
	}
	if (classMatch === 'any') {
		const isAnySure = (a: number) => scores.subarray(a * numClasses, (a + 1) * numClasses).some((score) => score > classThreshold);
		return { ...rule, isSure: isAnySure, byClass: false };
	}
	if (!classIds) refuse(TypeError, where, 'classIds', "must be given with classMatch: 'same'", given.classIds);
	const stranger = numAnchors > 0 ? classIds.findIndex((id) => id >= numClasses) : -1;
	if (stranger >= 0) refuse(RangeError, where, `classIds[${stranger}]`, `must be below the ${numClasses} classes of predictedScores`, classIds[stranger]);
	return { ...rule, isSure: (a, g) => scores[a * numClasses + classIds[g]] > classThreshold, byClass: true };
}

function refuseWithout(where: string, given: YoloIgnoreOptions, needed: keyof YoloIgnoreOptions, names: readonly (keyof YoloIgnoreOptions)[]): void {
	if (given[needed] !== undefined) return;
	for (const name of names) if (given[name] !== undefined) refuse(TypeError, where, name, `must be absent without ${needed}`, given[name]);
}

/** Boxes as overlaps take them: flushed, and empty where they are unusable. */
export function usableBoxes(rows: Float32Array): Float32Array {
	const boxes = rows.map(flushCoordinate);
	for (let p = 0; p < boxes.length; p += 4) {
		if (!isUsableBox(boxes[p], boxes[p + 1], boxes[p + 2], boxes[p + 3])) boxes.fill(0, p, p + 4);
	}
	return boxes;
}

/** The ground truths that take part, [g, 4], and where they stand among all. */
export function usableGroundTruths({ boxes, unusable }: GroundTruths): { readonly boxes: Float32Array; readonly indices: readonly number[] } {
	const indices = Array.from(unusable.keys()).filter((g) => unusable[g] === undefined);
	const rows = new Float32Array(indices.length * 4);
	indices.forEach((g, i) => {
		rows.set(boxes.subarray(g * 4, g * 4 + 4), i * 4);
	});
	return { boxes: rows, indices };
}

/** Marks the predictions that overlap some ground truth (`indices`: where they stand among all) by more than the threshold. */
export function ignoreOverlapping(tally: Tally, { maxIou, at }: Overlaps, indices: readonly number[], { threshold, isSure, byClass }: IgnoreRule): void {
	tally.maxIou.set(maxIou);
	for (let a = 0; a < maxIou.length; a++) {
		if (!(maxIou[a] > threshold)) continue;
		const isExcused = byClass ? indices.some((g, i) => isSure(a, g) && at(a, i) > threshold) : isSure(a, -1);
		if (isExcused) tally.labels[a] = -1;
	}
}

// What a network predicts now, as the rules take it that look at it: boxes, class probabilities and perhaps an objectness,
// one row per anchor; checked once.

import { refuse } from '../../checks.js';
import { type BoxesLike, checkClassIds, checkFloats, type FloatsLike } from '../../inputs.js';
import { checkUprightBoxes } from './fates.js';
import { measured } from './pair-iou.js';

/** Predictions as options of a rule. */
export interface PredictionOptions {
	/** Class ids [G] of the ground truths. */
	classIds: ArrayLike<number>;
	/** What the network predicts now: boxes [A, 4] in input pixels, decoded, one per point. */
	predictedBoxes: BoxesLike;
	/** Class probabilities [A, C]. */
	predictedScores: FloatsLike;
}

/** Predictions, checked. */
export interface Predictions {
	readonly count: number;
	/** [A, 4] xyxy, denormals flushed to 0. */
	readonly boxes: Float32Array;
	/** [A] 0 where a box overlaps nothing. */
	readonly areas: Float32Array;
	/** [A, C] */
	readonly scores: Float32Array;
	readonly numClasses: number;
	/** [G] */
	readonly classIds: Uint32Array;
}

type Given = Partial<Record<'classIds' | 'predictedBoxes' | 'predictedScores', unknown>>;

/** Reads the predictions of `count` anchors, or of as many as there are boxes. */
export function readPredictions(where: string, given: Given, numGroundTruths: number, count?: number): Predictions {
	if (given.predictedBoxes === undefined) refuse(TypeError, where, 'predictedBoxes', 'must be given', undefined);
	const rows = checkUprightBoxes(where, 'predictedBoxes', given.predictedBoxes);
	const numBoxes = rows.length / 4;
	if (count !== undefined && numBoxes !== count) refuse(RangeError, where, 'predictedBoxes', `must have one box per anchor, ${count}`, numBoxes);
	if (given.predictedScores === undefined) refuse(TypeError, where, 'predictedScores', 'must be given', undefined);
	const scores = checkProbabilities(where, 'predictedScores', given.predictedScores);
	const numClasses = numBoxes > 0 ? scores.length / numBoxes : 0;
	if (!Number.isInteger(numClasses) || numBoxes > 0 !== scores.length > 0) {
		refuse(RangeError, where, 'predictedScores', `must have equally many classes for each of ${numBoxes} anchors`, scores.length);
	}
	const classIds = checkClassIds(where, given.classIds, numGroundTruths);
	const stranger = numBoxes > 0 ? classIds.findIndex((id) => id >= numClasses) : -1;
	if (stranger >= 0) refuse(RangeError, where, `classIds[${stranger}]`, `must be below the ${numClasses} classes of predictedScores`, classIds[stranger]);
	return { count: numBoxes, ...measured(rows), scores, numClasses, classIds };
}

/** Numbers from 0 to 1. */
function checkProbabilities(where: string, argument: string, value: unknown): Float32Array {
	const values = checkFloats(where, argument, value);
	for (let k = 0; k < values.length; k++) {
		if (!(values[k] >= 0 && values[k] <= 1)) refuse(RangeError, where, `${argument}[${k}]`, 'must be 0 to 1', values[k], 'apply the sigmoid or softmax first');
	}
	return values;
}

/** Objectness [A], or undefined. */
export function readObjectness(where: string, value: unknown, count: number): Float32Array | undefined {
	if (value === undefined) return undefined;
	const objectness = checkProbabilities(where, 'predictedObjectness', value);
	if (objectness.length !== count) refuse(RangeError, where, 'predictedObjectness', `must have one entry per anchor, ${count}`, objectness.length);
	return objectness;
}

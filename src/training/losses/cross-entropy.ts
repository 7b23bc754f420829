// Losses over a row of logits: cross-entropy over classes, and the distribution focal loss (Li et al. 2020, "Generalized
// Focal Loss"), a cross-entropy over the two bins beside a distance.

import { checkInteger, readOptions, refuse, refuseUnless } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import type { TrainingBackend } from '../backend.js';
import {
	checkNumbers,
	checkRange,
	checkReduction,
	checkWeights,
	LOSS_KEYS,
	type Loss,
	type LossOptions,
	type LossTask,
	ONE,
	runLoss,
	runLossOn,
} from './loss.js';
import { bins, classes, IGNORED } from './rows.js';
import { treeSum } from './sum.js';

/** Options of `crossEntropy`. */
export interface CrossEntropyOptions extends LossOptions {
	/** Rows whose target is this have no loss, and do not count for the mean. Default -100. */
	ignoreIndex?: number;
	/** Spreads so much of each target over all classes. Default 0. */
	labelSmoothing?: number;
	/** [C] Default 1 each. */
	classWeights?: FloatsLike;
	/** What 'mean' divides by. Default the sum of the targets' class weights over the rows that are not ignored, as PyTorch. */
	normalizer?: number;
}

/** Class ids, signed so that some may say "ignored". */
export type ClassTargets = ArrayLike<number> | ArrayLike<bigint>;

/**
 * Cross-entropy of the softmax of logits [N, C] with class ids [N]; C is the number of logits over N. With class weights w and smoothing s a
 * row has (1 - s) w_t (-log p_t) + s / C times the sum of w_c (-log p_c), as PyTorch's CrossEntropyLoss. Gradients [N, C].
 */
export function crossEntropy(logits: FloatsLike, targets: ClassTargets, options?: CrossEntropyOptions): Loss {
	return runLoss(prepareClasses('crossEntropy', logits, targets, options));
}

/** `crossEntropy` on a backend: the same bits. */
export async function crossEntropyOn(backend: TrainingBackend, logits: FloatsLike, targets: ClassTargets, options?: CrossEntropyOptions): Promise<Loss> {
	return runLossOn('crossEntropyOn', backend, prepareClasses('crossEntropyOn', logits, targets, options));
}

/**
 * Distribution focal loss of logits [N, B], one per bin, with distances [N] in strides, 0 to B - 1: the cross-entropies of the bins to the
 * left and right of the distance, each with its share of it. N counts sides of boxes (left, top, right, bottom). Ultralytics clamps
 * distances to B - 1.01 before; here one beyond the last bin is refused. Gradients [N, B].
 */
export function distributionFocalLoss(logits: FloatsLike, distances: FloatsLike, options?: LossOptions): Loss {
	return runLoss(prepareBins('distributionFocalLoss', logits, distances, options));
}

/** `distributionFocalLoss` on a backend: the same bits. */
export async function distributionFocalLossOn(backend: TrainingBackend, logits: FloatsLike, distances: FloatsLike, options?: LossOptions): Promise<Loss> {
	return runLossOn('distributionFocalLossOn', backend, prepareBins('distributionFocalLossOn', logits, distances, options));
}

function prepareClasses(where: string, logits: unknown, targets: unknown, options: unknown): LossTask {
	const read = readOptions(where, 'options', options, [...LOSS_KEYS, 'ignoreIndex', 'labelSmoothing', 'classWeights']);
	const predictions = checkNumbers(where, 'logits', logits);
	const count = countTargets(where, targets);
	const width = checkWidth(where, predictions, 'targets', count, 1);
	const ids = checkTargets(where, targets, width, checkInteger(where, 'ignoreIndex', read.ignoreIndex ?? -100, -(2 ** 31), 2 ** 31 - 1));
	const factors = read.classWeights === undefined || count === 0 ? ONE : checkWeights(where, 'classWeights', read.classWeights, width).slice();
	const smoothing = checkRange(where, 'labelSmoothing', read.labelSmoothing ?? 0, 0, 1);
	const total = factors === ONE ? width : treeSum(factors);
	const constants = [Math.fround(1 - smoothing), Math.fround(smoothing / width || 0), total];
	const rowFactors = ids.map((id) => (id === IGNORED ? 0 : factors[id % factors.length]));
	const reduction = checkReduction(where, read, count, treeSum(rowFactors));
	return { kind: 'classes', formula: classes, count, width, predictions, targets: ids, factors, constants, ...reduction };
}

function prepareBins(where: string, logits: unknown, distances: unknown, options: unknown): LossTask {
	const reductionOptions = readOptions(where, 'options', options, LOSS_KEYS);
	const predictions = checkNumbers(where, 'logits', logits);
	const all = checkNumbers(where, 'distances', distances, 0);
	const width = checkWidth(where, predictions, 'distances', all.length, 2);
	const targets = checkNumbers(where, 'distances', all, 0, Math.max(0, width - 1), `there are ${width} bins`);
	const reduction = checkReduction(where, reductionOptions, targets.length);
	return { kind: 'bins', formula: bins, count: targets.length, width, predictions, targets, factors: ONE, constants: [], ...reduction };
}

function countTargets(where: string, targets: unknown): number {
	const isList = Array.isArray(targets) || (ArrayBuffer.isView(targets) && !(targets instanceof DataView));
	if (!isList) refuse(TypeError, where, 'targets', 'must be an array of class ids', targets);
	return (targets as ArrayLike<unknown>).length;
}

/** Logits per row. */
function checkWidth(where: string, logits: Float32Array, name: string, count: number, least: number): number {
	const width = count ? logits.length / count : 0;
	const fits = count ? Number.isInteger(width) && width >= least : logits.length === 0;
	const remedy = 'are the two arrays swapped?';
	if (!fits)
		refuse(
			RangeError,
			where,
			'logits',
			`must have ${least > 1 ? `at least ${least}` : 'as many'} entries for each of ${count} ${name}`,
			logits.length,
			logits.length < count ? remedy : '',
		);
	return width;
}

/** Class ids as float32 numbers, `IGNORED` for those to be ignored. */
function checkTargets(where: string, targets: unknown, numClasses: number, ignoreIndex: number): Float32Array {
	return Float32Array.from(targets as ArrayLike<unknown>, (given, i) => {
		const id = typeof given === 'bigint' ? Number(given) : given;
		if (id === ignoreIndex) return IGNORED;
		const isClass = Number.isInteger(id) && (id as number) >= 0 && (id as number) < numClasses;
		if (!isClass)
			refuseUnless(typeof id === 'number', where, `targets[${i}]`, `must be a class from 0 to ${numClasses - 1}, or ignoreIndex ${ignoreIndex}`, given);
		return id as number;
	});
}

// What every loss shares: its options, its answer, and the run of a formula over flat arrays with the reduction of what
// comes out. A loss is a task (predictions, targets, numbers) and a formula; the shaders have the same formulas.

import { checkWord, refuse, refuseUnless } from '../../checks.js';
import { checkFloats, type FloatsLike } from '../../inputs.js';
import { COORDINATE_LIMIT, MIN_NORMAL } from '../../numbers.js';
import { checkBackend, onBackend, type TrainingBackend } from '../backend.js';
import { product } from './arithmetic.js';
import { treeSum } from './sum.js';

/** Options of every loss. */
export interface LossOptions {
	/** 'mean' (default): the sum over `normalizer`; 'sum'; 'none': nothing is reduced, each gradient is of its own loss. */
	reduction?: 'none' | 'mean' | 'sum';
	/** [N] What each loss, and its gradient, is multiplied by. Default 1; 0 leaves an element out. */
	weights?: FloatsLike;
	/** What 'mean' divides by, such as the number of positives. Default N, whatever the weights. */
	normalizer?: number;
}

/** A loss and its gradients. */
export interface Loss {
	/** The reduced loss: 0 for the mean of nothing, NaN with reduction 'none'. */
	readonly loss: number;
	/** [N] Each loss times its weight, not divided. */
	readonly losses: Float32Array;
	/** As the predictions: the slope of the reduced loss by each of them (of its own loss with reduction 'none'). */
	readonly gradients: Float32Array;
}

/** Writes the gradients of loss i, unweighted, at `i * width`, and answers the loss. */
export type LossFormula = (task: LossTask, i: number, gradients: Float32Array) => number;

/** A checked loss, ready to be computed on either side. */
export interface LossTask extends Reduction {
	/** Which formula: names the shader. */
	readonly kind: LossKind;
	readonly formula: LossFormula;
	readonly count: number;
	/** Predictions per loss. */
	readonly width: number;
	/** [count, width] */
	readonly predictions: Float32Array;
	/** [count], of boxes [count, 4] */
	readonly targets: Float32Array;
	/** Numbers per class, or just one, as `i % factors.length` finds them. */
	readonly factors: Float32Array;
	/** Up to 16 float32 numbers of the formula. */
	readonly constants: readonly number[];
}

/** The formulas that have a shader. */
export type LossKind = 'bce' | 'smooth-l1' | 'l2' | 'focal' | 'focal-probabilities' | 'varifocal' | 'quality' | 'gaussian' | 'classes' | 'bins' | BoxKind;
type BoxKind = 'box-iou-linear' | 'box-iou-log' | 'box-iou-square' | 'box-giou' | 'box-diou' | 'box-ciou';

/** How losses become one. */
export interface Reduction {
	readonly reduction: 'none' | 'mean' | 'sum';
	/** [count] or [1] */
	readonly weights: Float32Array;
	/** What the sum is divided by; 0 makes loss and gradients 0. */
	readonly normalizer: number;
}

/** The names of `LossOptions`. */
export const LOSS_KEYS = ['reduction', 'weights', 'normalizer'] as const;
/** No factors: the one of everybody. */
export const ONE = Float32Array.of(1);

/** The options of `LOSS_KEYS` for so many losses; `meanOver` is what the mean divides by when nothing else is said. */
export function checkReduction(where: string, read: Partial<Record<string, unknown>>, count: number, meanOver = count): Reduction {
	const reduction = checkWord(where, 'reduction', read.reduction ?? 'mean', ['none', 'mean', 'sum'] as const);
	const { weights, normalizer } = read;
	const isMean = reduction === 'mean';
	if (normalizer !== undefined && !isMean)
		refuse(RangeError, where, 'normalizer', "is what reduction 'mean' divides by", normalizer, `leave it out with '${reduction}'`);
	const divisor = normalizer === undefined ? meanOver : checkRange(where, 'normalizer', normalizer, MIN_NORMAL, COORDINATE_LIMIT, 'for no positives, give 1');
	return { reduction, weights: weights === undefined ? ONE : checkWeights(where, 'weights', weights, count), normalizer: isMean ? divisor : 1 };
}

/** Weights, none negative. */
export function checkWeights(where: string, argument: string, value: unknown, count: number): Float32Array {
	const weights = checkNumbers(where, argument, value, 0, COORDINATE_LIMIT);
	if (weights.length !== count) refuse(RangeError, where, argument, `must have ${count} entries`, weights.length);
	return weights;
}

/** Numbers that are finite and below 2^62, or from `low` to `high`; the first that is not is named. */
export function checkNumbers(where: string, argument: string, value: unknown, low = -COORDINATE_LIMIT, high = COORDINATE_LIMIT, remedy = ''): Float32Array {
	const numbers = checkFloats(where, argument, value);
	for (let i = 0; i < numbers.length; i++) {
		const x = numbers[i];
		if (!(x >= low && x <= high)) refuse(RangeError, where, `${argument}[${i}]`, `must be ${rangeText(low, high)}`, x, remedy);
	}
	return numbers;
}

/** An option from `low` to `high`, as float32. */
export function checkRange(where: string, argument: string, value: unknown, low: number, high: number, remedy = ''): number {
	if (typeof value === 'number' && value >= low && value <= high) return Math.fround(value) + 0;
	refuseUnless(typeof value === 'number', where, argument, `must be ${rangeText(low, high)}`, value, remedy);
}

function rangeText(low: number, high: number): string {
	if (high !== COORDINATE_LIMIT) return `from ${low} to ${high}`;
	if (low < 0) return 'finite, and at most 2^62 in magnitude';
	return low === 0 ? 'a number from 0 to 2^62' : 'a positive number up to 2^62';
}

/** Two arrays of one length. */
export function checkSameLength(where: string, argument: string, values: Float32Array, other: string, others: Float32Array): void {
	if (values.length !== others.length) refuse(RangeError, where, argument, `must be as long as ${other}, ${others.length}`, values.length);
}

/** What each gradient is multiplied by. */
export function scaleOf({ normalizer }: Reduction): number {
	return normalizer === 0 ? 0 : Math.fround(1 / normalizer);
}

/** The reduced loss from the sum of all. */
export function reduced({ reduction, normalizer }: Reduction, total: number): number {
	if (reduction === 'none') return NaN;
	return normalizer === 0 ? 0 : Math.fround(total / normalizer);
}

/** Computes a task here. */
export function runLoss(task: LossTask): Loss {
	const { count, width, weights, formula } = task;
	const losses = new Float32Array(count);
	const gradients = new Float32Array(count * width);
	const scale = scaleOf(task);
	for (let i = 0; i < count; i++) {
		const weight = weights[i % weights.length];
		losses[i] = product(formula(task, i, gradients), weight);
		const factor = product(weight, scale);
		for (let k = i * width; k < (i + 1) * width; k++) gradients[k] = product(gradients[k], factor);
	}
	return { loss: reduced(task, task.reduction === 'none' ? 0 : treeSum(losses)), losses, gradients };
}

/** Numbers from which the way to a real GPU is worth it. */
const WORTH_A_GPU = 2 ** 18;

/** Computes a task on a backend; `prepare` checks the arguments, whose arrays are copied before anything is awaited. */
export async function runLossOn(where: string, backend: TrainingBackend, task: LossTask): Promise<Loss> {
	checkBackend(where, backend);
	if (task.count === 0) return runLoss(task);
	const { predictions, targets, weights, factors } = task;
	const own: LossTask = { ...task, predictions: predictions.slice(), targets: targets.slice(), weights: weights.slice(), factors: factors.slice() };
	const onGpu = async (job: Parameters<Parameters<typeof onBackend>[3]>[0]) => (await import('./losses-gpu.js')).lossOnGpu(where, job, own);
	return onBackend(where, backend, predictions.length >= WORTH_A_GPU, onGpu, () => runLoss(own));
}

// Binary cross-entropy of logits: of each number, whether it should be 1. Never computed from a probability, so that it
// stays finite and exact far from 0.

import { readOptions, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import { COORDINATE_LIMIT } from '../../numbers.js';
import type { TrainingBackend } from '../backend.js';
import { bce } from './elements.js';
import {
	checkNumbers,
	checkRange,
	checkReduction,
	checkSameLength,
	LOSS_KEYS,
	type Loss,
	type LossOptions,
	type LossTask,
	ONE,
	runLoss,
	runLossOn,
} from './loss.js';

/** Options of `bceWithLogits`. */
export interface BceOptions extends LossOptions {
	/** Moves targets towards 1/2: t (1 - s) + s / 2. Default 0; YOLOv5 has up to 0.1. */
	labelSmoothing?: number;
	/** How often a positive counts, for all or [C] per class where the logits are [N, C]. Default 1. */
	positiveWeight?: number | FloatsLike;
}

const KEYS = [...LOSS_KEYS, 'labelSmoothing', 'positiveWeight'] as const;
/** What is said of a label of -1. */
const IGNORE_REMEDY = 'leave elements out with a weight of 0';

/**
 * Binary cross-entropy: t w softplus(-x) + (1 - t) softplus(x) for a logit x, its target t and the weight w of positives, as PyTorch's
 * BCEWithLogitsLoss has it; slope (1 - t) sigmoid(x) - t w sigmoid(-x). `logits` and `targets` (0 to 1) have one shape. Throws a RangeError
 * for targets outside and logits that are not finite.
 */
export function bceWithLogits(logits: FloatsLike, targets: FloatsLike, options?: BceOptions): Loss {
	return runLoss(prepare('bceWithLogits', logits, targets, options));
}

/** `bceWithLogits` on a backend: the same bits. */
export async function bceWithLogitsOn(backend: TrainingBackend, logits: FloatsLike, targets: FloatsLike, options?: BceOptions): Promise<Loss> {
	return runLossOn('bceWithLogitsOn', backend, prepare('bceWithLogitsOn', logits, targets, options));
}

function prepare(where: string, logits: unknown, targets: unknown, options: unknown): LossTask {
	const { predictions, ...rest } = checkClassified(where, 'logits', logits, targets);
	const read = readOptions(where, 'options', options, KEYS);
	const smoothing = checkRange(where, 'labelSmoothing', read.labelSmoothing ?? 0, 0, 1);
	const factors = checkPositiveWeight(where, read.positiveWeight, predictions.length);
	const constants = [Math.fround(1 - smoothing), Math.fround(smoothing / 2)];
	return { kind: 'bce', formula: bce, predictions, ...rest, factors, constants, ...checkReduction(where, read, predictions.length) };
}

/** Predictions and their targets from 0 to 1. */
export function checkClassified(
	where: string,
	name: string,
	predictions: unknown,
	targets: unknown,
): Pick<LossTask, 'predictions' | 'targets' | 'count' | 'width'> {
	const read = checkNumbers(where, name, predictions);
	const wanted = checkNumbers(where, 'targets', targets, 0, 1, IGNORE_REMEDY);
	checkSameLength(where, 'targets', wanted, name, read);
	return { predictions: read, targets: wanted, count: read.length, width: 1 };
}

function checkPositiveWeight(where: string, value: unknown, count: number): Float32Array {
	if (value === undefined) return ONE;
	if (typeof value === 'number') return Float32Array.of(checkRange(where, 'positiveWeight', value, 0, COORDINATE_LIMIT));
	const weights = checkNumbers(where, 'positiveWeight', value, 0);
	const fits = weights.length > 0 && count % weights.length === 0;
	if (!fits) refuse(RangeError, where, 'positiveWeight', `must have one entry per class, a divisor of ${count}`, weights.length);
	return weights.slice();
}

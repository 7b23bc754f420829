// Losses of numbers that should be other numbers, one by one: smooth L1 (Girshick 2015, "Fast R-CNN"), L1, L2.

import { readOptions } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import { COORDINATE_LIMIT } from '../../numbers.js';
import type { TrainingBackend } from '../backend.js';
import { flush } from './arithmetic.js';
import { l2, smoothL1 as smoothL1Formula } from './elements.js';
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

/** Options of `smoothL1`. */
export interface SmoothL1Options extends LossOptions {
	/**
	 * Below it the loss is a parabola. Default 1 (SSD); 1/9 torchvision's RPN and keras-retinanet (its sigma of 3), 0.1 detectron2's RetinaNet;
	 * 0 is L1, detectron2's RPN.
	 */
	beta?: number;
}

/**
 * Smooth L1: d^2 / 2 beta where |d| < beta, else |d| - beta / 2, of d = prediction - target; slope d / beta, else the sign of d (0 for 0).
 * As torchvision, detectron2 and mmdetection have it. Predictions and targets have one shape.
 */
export function smoothL1(predictions: FloatsLike, targets: FloatsLike, options?: SmoothL1Options): Loss {
	return runLoss(prepareSmooth('smoothL1', predictions, targets, options));
}

/** `smoothL1` on a backend: the same bits. */
export async function smoothL1On(backend: TrainingBackend, predictions: FloatsLike, targets: FloatsLike, options?: SmoothL1Options): Promise<Loss> {
	return runLossOn('smoothL1On', backend, prepareSmooth('smoothL1On', predictions, targets, options));
}

/** |prediction - target|: `smoothL1` with a beta of 0. */
export function l1Loss(predictions: FloatsLike, targets: FloatsLike, options?: LossOptions): Loss {
	return runLoss(prepare('l1Loss', predictions, targets, options, 'smooth-l1'));
}

/** `l1Loss` on a backend: the same bits. */
export async function l1LossOn(backend: TrainingBackend, predictions: FloatsLike, targets: FloatsLike, options?: LossOptions): Promise<Loss> {
	return runLossOn('l1LossOn', backend, prepare('l1LossOn', predictions, targets, options, 'smooth-l1'));
}

/** (prediction - target)^2, without a half, as PyTorch's MSELoss; slope 2 (prediction - target). */
export function l2Loss(predictions: FloatsLike, targets: FloatsLike, options?: LossOptions): Loss {
	return runLoss(prepare('l2Loss', predictions, targets, options, 'l2'));
}

/** `l2Loss` on a backend: the same bits. */
export async function l2LossOn(backend: TrainingBackend, predictions: FloatsLike, targets: FloatsLike, options?: LossOptions): Promise<Loss> {
	return runLossOn('l2LossOn', backend, prepare('l2LossOn', predictions, targets, options, 'l2'));
}

function prepareSmooth(where: string, predictions: unknown, targets: unknown, options: unknown): LossTask {
	const { beta = 1, ...rest } = readOptions(where, 'options', options, [...LOSS_KEYS, 'beta']);
	return prepare(where, predictions, targets, { ...rest }, 'smooth-l1', flush(checkRange(where, 'beta', beta, 0, COORDINATE_LIMIT)));
}

function prepare(where: string, predictions: unknown, targets: unknown, options: unknown, kind: 'smooth-l1' | 'l2', beta = 0): LossTask {
	const read = checkNumbers(where, 'predictions', predictions);
	const wanted = checkNumbers(where, 'targets', targets);
	checkSameLength(where, 'targets', wanted, 'predictions', read);
	const reduction = checkReduction(where, readOptions(where, 'options', options, LOSS_KEYS), read.length);
	const formula = kind === 'l2' ? l2 : smoothL1Formula;
	return { kind, formula, predictions: read, targets: wanted, count: read.length, width: 1, factors: ONE, constants: [beta], ...reduction };
}

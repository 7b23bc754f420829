// Losses that look away from what is easy: focal (Lin et al. 2017), varifocal (Zhang et al. 2021), quality focal (Li et
// al. 2020), and the focal loss of heat maps (Law and Deng 2018, CornerNet; Zhou et al. 2019, CenterNet).

import { checkBoolean, checkWord, readOptions, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import type { TrainingBackend } from '../backend.js';
import { checkClassified } from './bce.js';
import { focal, focalProbabilities, gaussian, quality, varifocal } from './elements.js';
import { checkNumbers, checkRange, checkReduction, LOSS_KEYS, type Loss, type LossOptions, type LossTask, ONE, runLoss, runLossOn } from './loss.js';

/** Options of `focalLoss`. */
export interface FocalOptions extends LossOptions {
	/** Weight of positives, negatives have 1 - alpha. Default 0.25; -1 weights none, as in torchvision. */
	alpha?: number;
	/** Default 2. */
	gamma?: number;
	/** 'torchvision' (default; fvcore, detectron2, mmdetection): predictions are logits. 'fizyr' (keras-retinanet): they are probabilities. */
	style?: 'torchvision' | 'fizyr';
	/** Of 'fizyr': targets above it are positives. Default 0.5. */
	cutoff?: number;
}

/**
 * Focal loss: alpha_t (1 - p_t)^gamma times the binary cross-entropy, p_t = p t + (1 - p)(1 - t) and alpha_t likewise, for logits of p and
 * targets from 0 to 1. 'fizyr' takes p itself, moved to [1e-7, 1 - 1e-7] for the logarithm (no slope passes outside, as Keras has it), and
 * alpha, 1 - p for targets above the cutoff, 1 - alpha, p for others.
 */
export function focalLoss(predictions: FloatsLike, targets: FloatsLike, options?: FocalOptions): Loss {
	return runLoss(prepareFocal('focalLoss', predictions, targets, options));
}

/** `focalLoss` on a backend: the same bits. */
export async function focalLossOn(backend: TrainingBackend, predictions: FloatsLike, targets: FloatsLike, options?: FocalOptions): Promise<Loss> {
	return runLossOn('focalLossOn', backend, prepareFocal('focalLossOn', predictions, targets, options));
}

/** Options of `varifocalLoss`. */
export interface VarifocalOptions extends LossOptions {
	/** Weight of negatives. Default 0.75. */
	alpha?: number;
	/** Default 2. */
	gamma?: number;
	/** Whether a positive weighs as much as its target. Default true. */
	iouWeighted?: boolean;
}

/**
 * Varifocal loss: for a target t > 0 (the IoU that the score should be) t times the binary cross-entropy, for 0 alpha p^gamma times
 * softplus(x). As VFNet in mmdetection, and Ultralytics; the slope passes through p^gamma.
 */
export function varifocalLoss(logits: FloatsLike, targets: FloatsLike, options?: VarifocalOptions): Loss {
	return runLoss(prepareVarifocal('varifocalLoss', logits, targets, options));
}

/** `varifocalLoss` on a backend: the same bits. */
export async function varifocalLossOn(backend: TrainingBackend, logits: FloatsLike, targets: FloatsLike, options?: VarifocalOptions): Promise<Loss> {
	return runLossOn('varifocalLossOn', backend, prepareVarifocal('varifocalLossOn', logits, targets, options));
}

/** Options of `qualityFocalLoss`. */
export interface QualityFocalOptions extends LossOptions {
	/** Default 2. */
	beta?: number;
}

/** Quality focal loss: |t - p|^beta times the binary cross-entropy, t the IoU that the score should be, 0 for negatives. As GFL in mmdetection. */
export function qualityFocalLoss(logits: FloatsLike, targets: FloatsLike, options?: QualityFocalOptions): Loss {
	return runLoss(prepareQuality('qualityFocalLoss', logits, targets, options));
}

/** `qualityFocalLoss` on a backend: the same bits. */
export async function qualityFocalLossOn(backend: TrainingBackend, logits: FloatsLike, targets: FloatsLike, options?: QualityFocalOptions): Promise<Loss> {
	return runLossOn('qualityFocalLossOn', backend, prepareQuality('qualityFocalLossOn', logits, targets, options));
}

/** Options of `gaussianFocalLoss`. */
export interface GaussianFocalOptions extends LossOptions {
	/** Power of what is missing from the prediction. Default 2. */
	alpha?: number;
	/** Power of a negative's distance from a peak. Default 4. */
	gamma?: number;
}

/**
 * Focal loss of heat maps: (1 - p)^alpha softplus(-x) where the target is exactly 1, a peak; elsewhere (1 - t)^gamma p^alpha softplus(x).
 * CornerNet's and CenterNet's, which divide by the number of peaks: give it as `normalizer`, 1 where there are none.
 */
export function gaussianFocalLoss(logits: FloatsLike, targets: FloatsLike, options?: GaussianFocalOptions): Loss {
	return runLoss(prepareGaussian('gaussianFocalLoss', logits, targets, options));
}

/** `gaussianFocalLoss` on a backend: the same bits. */
export async function gaussianFocalLossOn(backend: TrainingBackend, logits: FloatsLike, targets: FloatsLike, options?: GaussianFocalOptions): Promise<Loss> {
	return runLossOn('gaussianFocalLossOn', backend, prepareGaussian('gaussianFocalLossOn', logits, targets, options));
}

/** Powers beyond it leave nothing of any probability. */
const MOST_POWER = 1000;

/** The numbers of the focal loss, for others that have it inside. */
export function checkFocal(where: string, read: { alpha?: unknown; gamma?: unknown }): { alpha: number; gamma: number } {
	const alpha = read.alpha === -1 ? -1 : checkRange(where, 'alpha', read.alpha ?? 0.25, 0, 1);
	return { alpha, gamma: checkRange(where, 'gamma', read.gamma ?? 2, 0, MOST_POWER) };
}

function prepareFocal(where: string, predictions: unknown, targets: unknown, options: unknown): LossTask {
	const read = readOptions(where, 'options', options, [...LOSS_KEYS, 'alpha', 'gamma', 'style', 'cutoff']);
	const { alpha, gamma } = checkFocal(where, read);
	const isFizyr = checkWord(where, 'style', read.style ?? 'torchvision', ['torchvision', 'fizyr'] as const) === 'fizyr';
	if (read.cutoff !== undefined && !isFizyr) refuse(RangeError, where, 'cutoff', "is an option of style 'fizyr'", read.cutoff);
	const cutoff = checkRange(where, 'cutoff', read.cutoff ?? 0.5, 0, 1);
	const weights = alpha === -1 ? [1, 1] : [alpha, Math.fround(1 - alpha)];
	const classified = checkClassified(where, 'predictions', predictions, targets);
	const rest = { factors: ONE, constants: [...weights, gamma, Math.fround(gamma - 1), cutoff], ...checkReduction(where, read, classified.count) };
	if (!isFizyr) return { kind: 'focal', formula: focal, ...classified, ...rest };
	checkNumbers(where, 'predictions', classified.predictions, 0, 1, "style 'fizyr' takes probabilities");
	return { kind: 'focal-probabilities', formula: focalProbabilities, ...classified, ...rest };
}

function prepareVarifocal(where: string, logits: unknown, targets: unknown, options: unknown): LossTask {
	const read = readOptions(where, 'options', options, [...LOSS_KEYS, 'alpha', 'gamma', 'iouWeighted']);
	const alpha = checkRange(where, 'alpha', read.alpha ?? 0.75, 0, MOST_POWER);
	const gamma = checkRange(where, 'gamma', read.gamma ?? 2, 0, MOST_POWER);
	const iouWeighted = checkBoolean(where, 'iouWeighted', read.iouWeighted ?? true);
	const classified = checkClassified(where, 'logits', logits, targets);
	const constants = [alpha, gamma, iouWeighted ? 1 : 0];
	return { kind: 'varifocal', formula: varifocal, ...classified, factors: ONE, constants, ...checkReduction(where, read, classified.count) };
}

function prepareQuality(where: string, logits: unknown, targets: unknown, options: unknown): LossTask {
	const read = readOptions(where, 'options', options, [...LOSS_KEYS, 'beta']);
	const beta = checkRange(where, 'beta', read.beta ?? 2, 0, MOST_POWER);
	const classified = checkClassified(where, 'logits', logits, targets);
	const constants = [beta, Math.fround(beta - 1)];
	return { kind: 'quality', formula: quality, ...classified, factors: ONE, constants, ...checkReduction(where, read, classified.count) };
}

function prepareGaussian(where: string, logits: unknown, targets: unknown, options: unknown): LossTask {
	const read = readOptions(where, 'options', options, [...LOSS_KEYS, 'alpha', 'gamma']);
	const constants = [checkRange(where, 'alpha', read.alpha ?? 2, 0, MOST_POWER), checkRange(where, 'gamma', read.gamma ?? 4, 0, MOST_POWER)];
	const classified = checkClassified(where, 'logits', logits, targets);
	return { kind: 'gaussian', formula: gaussian, ...classified, factors: ONE, constants, ...checkReduction(where, read, classified.count) };
}

// The loss of a region proposal network (Ren et al. 2015, equation 1): L = sum of L_cls / N_cls + lambda times the sum of p* L_reg / N_reg, over
// the sampled anchors; L_cls the binary cross-entropy of objectness, L_reg smooth L1. The frameworks part on what the N are.

import { checkWord, readOptions, refuse } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { COORDINATE_LIMIT } from '../../../numbers.js';
import { bceWithLogits } from '../bce.js';
import { checkRange } from '../loss.js';
import { smoothL1 } from '../regression.js';
import { type CombinedLoss, type EncodedTargetsLike, readEncoded, readPredictions, repeated, withSum } from './common.js';

/** What the network says, anchors numbered as the head `rpn` has them; of B pictures one after another. */
export interface RpnPredictions {
	/** [B A] logits. */
	objectness: FloatsLike;
	/** [B A, 4] */
	deltas: FloatsLike;
}

/** Options of `rpnLoss`. */
export interface RpnLossOptions {
	/**
	 * What is divided by:
	 * - 'torchvision' (default; models/detection/rpn.py): both sums by the number of sampled anchors.
	 * - 'paper': N_cls = `numClassification` and N_reg = `numLocations`, of each picture; lambda 10. With 256 and about 2400 both terms weigh
	 *   about the same.
	 * - 'detectron2' (modeling/proposal_generator/rpn.py): both sums by `numClassification` of each picture, sampled or not.
	 */
	normalization?: 'torchvision' | 'paper' | 'detectron2';
	/** 'paper' and 'detectron2': anchors that are asked to be sampled of a picture. Default 256. */
	numClassification?: number;
	/** 'paper': anchor locations of a picture, that is cells of the feature maps. */
	numLocations?: number;
	/** Weight of the boxes' term. Default 10 for 'paper', else 1. */
	lambda?: number;
	/** Of smooth L1. Default 1/9; 0 (plain L1) for 'detectron2'. */
	beta?: number;
}

const KNOWN = ['normalization', 'numClassification', 'numLocations', 'lambda', 'beta'] as const;

/**
 * The loss of the RPN. `targets` come from `encodeTargets` with the sampled labels, `{ ...matches, labels: sample.labels }`; a list of them for
 * a batch. Anchors that were not sampled have no part. Throws a TypeError or RangeError that names the argument.
 */
export function rpnLoss(
	predictions: RpnPredictions,
	targets: EncodedTargetsLike | readonly EncodedTargetsLike[],
	options?: RpnLossOptions,
): CombinedLoss<'classification' | 'box', { objectness: Float32Array; deltas: Float32Array }> {
	const where = 'rpnLoss';
	const batch = readEncoded(where, targets, false);
	const count = batch.labels.length;
	const read = readOptions(where, 'predictions', predictions, ['objectness', 'deltas']);
	const objectness = readPredictions(where, 'predictions.objectness', read.objectness, count, 'one per anchor');
	const deltas = readPredictions(where, 'predictions.deltas', read.deltas, count * 4, 'four per anchor');
	const numSampled = batch.labels.filter((label) => label >= 0).length;
	const { classification: numClassification, box: numBox, beta } = readRule(where, options, numSampled, batch.numImages);

	const wanted = Float32Array.from(batch.labels, (label) => (label > 0 ? 1 : 0));
	const weights = Float32Array.from(batch.labels, (label) => (label < 0 ? 0 : 1));
	const classification = bceWithLogits(objectness, wanted, { weights, normalizer: numClassification });
	const box = smoothL1(deltas, batch.offsets, { weights: repeated(batch.boxWeights, 4), normalizer: numBox, beta });
	return {
		...withSum({ classification: classification.loss, box: box.loss }),
		gradients: { objectness: classification.gradients, deltas: box.gradients },
		numPositives: batch.numPositives,
	};
}

/** What the two sums are divided by, lambda included. */
function readRule(where: string, options: unknown, numSampled: number, numImages: number): { classification: number; box: number; beta: number } {
	const given = readOptions(where, 'options', options, KNOWN) as RpnLossOptions;
	const kind = checkWord(where, 'normalization', given.normalization ?? 'torchvision', ['torchvision', 'paper', 'detectron2']);
	const lambda = checkRange(where, 'lambda', given.lambda ?? (kind === 'paper' ? 10 : 1), 1e-9, 1e9);
	const beta = checkRange(where, 'beta', given.beta ?? (kind === 'detectron2' ? 0 : 1 / 9), 0, COORDINATE_LIMIT);
	if (kind === 'torchvision' && given.numClassification !== undefined) {
		refuse(TypeError, where, 'numClassification', "must be absent with normalization 'torchvision', which counts", given.numClassification);
	}
	if (kind !== 'paper' && given.numLocations !== undefined) {
		refuse(TypeError, where, 'numLocations', "must be absent unless normalization is 'paper'", given.numLocations);
	}
	if (kind === 'torchvision') return { classification: Math.max(1, numSampled), box: Math.max(1, numSampled) / lambda, beta };
	const perImage = checkRange(where, 'numClassification', given.numClassification ?? 256, 1, COORDINATE_LIMIT);
	const locations = kind === 'paper' ? checkRange(where, 'numLocations', given.numLocations, 1, COORDINATE_LIMIT) : perImage;
	return { classification: perImage * numImages, box: (locations * numImages) / lambda, beta };
}

// The loss of RetinaNet (Lin et al. 2017): the focal loss of every class of every anchor that is not ignored, and the L1 or smooth L1 of the
// positives' boxes, over the number of positives, which every framework counts in its own way.

import { checkWord, readOptions, refuse } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { COORDINATE_LIMIT } from '../../../numbers.js';
import { readNumClasses } from '../../targets/read.js';
import { checkFocal, focalLoss } from '../focal.js';
import { checkNumbers, checkRange } from '../loss.js';
import { smoothL1 } from '../regression.js';
import { type CombinedLoss, type EncodedBatch, type EncodedTargetsLike, readEncoded, readPredictions, repeated, withSum } from './common.js';

/** What the network says, anchors numbered as the head `retinanet` has them; of B pictures one after another. */
export interface RetinanetPredictions {
	/** [B A, 4] */
	boxes: FloatsLike;
	/** [B A, numClasses] logits; probabilities with 'keras-retinanet'. */
	classes: FloatsLike;
}

/** Options of `retinanetLoss`. */
export interface RetinanetLossOptions {
	numClasses: number;
	/**
	 * Whose losses and normalisers:
	 * - 'torchvision' (default; models/detection/retinanet.py): L1; each picture by its own positives or 1, then the mean over pictures.
	 * - 'detectron2' (modeling/meta_arch/retinanet.py): smooth L1 with beta 0.1; by a running mean, see `runningNormalizer`.
	 * - 'mmdet' (anchor_head.py): L1; by the sum over pictures of the positives of each, or 1.
	 * - 'keras-retinanet' (fizyr, losses.py): focal loss of probabilities, smooth L1 with beta 1/9; by the positives of the batch, or 1.
	 */
	style?: 'torchvision' | 'detectron2' | 'mmdet' | 'keras-retinanet';
	/** Of the focal loss. Default 0.25. */
	alpha?: number;
	/** Of the focal loss. Default 2. */
	gamma?: number;
	/** Of smooth L1, 0 for L1. Default as the style. */
	beta?: number;
	/** 'detectron2': what it was after the last step, that step's `normalizers[0]`; it becomes 0.9 of it and 0.1 of this batch's positives, or 1. Default 100, as in the first step. */
	runningNormalizer?: number;
}

const KNOWN = ['numClasses', 'style', 'alpha', 'gamma', 'beta', 'runningNormalizer'] as const;
const BETAS = { torchvision: 0, detectron2: 0.1, mmdet: 0, 'keras-retinanet': 1 / 9 } as const;

/**
 * The loss of RetinaNet. `targets` come from `encodeTargets` with `classIds` and without background, a list of them for a batch. Throws a
 * TypeError or RangeError that names the argument.
 */
export function retinanetLoss(
	predictions: RetinanetPredictions,
	targets: EncodedTargetsLike | readonly EncodedTargetsLike[],
	options: RetinanetLossOptions,
): CombinedLoss<'classification' | 'box', { boxes: Float32Array; classes: Float32Array }> & {
	/** What the losses of each picture were divided by; for 'detectron2' all the same, the next step's `runningNormalizer`. */
	readonly normalizers: readonly number[];
} {
	const where = 'retinanetLoss';
	const batch = readEncoded(where, targets, true);
	const given = readOptions(where, 'options', options, KNOWN) as Partial<RetinanetLossOptions>;
	const numClasses = readNumClasses(where, given.numClasses);
	const style = checkWord(where, 'style', given.style ?? 'torchvision', ['torchvision', 'detectron2', 'mmdet', 'keras-retinanet']);
	const beta = checkRange(where, 'beta', given.beta ?? BETAS[style], 0, COORDINATE_LIMIT);
	const read = readOptions(where, 'predictions', predictions, ['boxes', 'classes']);
	const count = batch.labels.length;
	const boxes = readPredictions(where, 'predictions.boxes', read.boxes, count * 4, 'four per anchor');
	const classes = readPredictions(where, 'predictions.classes', read.classes, count * numClasses, `${numClasses} per anchor`);
	const isOfProbabilities = style === 'keras-retinanet';
	if (isOfProbabilities) checkNumbers(where, 'predictions.classes', classes, 0, 1, "style 'keras-retinanet' takes probabilities");
	const divisors = divisorsOf(where, style, batch, given.runningNormalizer);

	const { wanted, weights } = classTargets(where, batch, numClasses, divisors);
	const focal = { ...checkFocal(where, given), weights, reduction: 'sum' } as const;
	const classification = focalLoss(classes, wanted, { ...focal, style: isOfProbabilities ? 'fizyr' : 'torchvision' });
	const boxWeights = batch.boxWeights.slice();
	batch.images.forEach(({ first, end }, b) => {
		for (let a = first; a < end; a++) boxWeights[a] /= divisors[b];
	});
	const box = smoothL1(boxes, batch.offsets, { weights: repeated(boxWeights, 4), reduction: 'sum', beta });
	return {
		...withSum({ classification: classification.loss, box: box.loss }),
		gradients: { boxes: box.gradients, classes: classification.gradients },
		numPositives: batch.numPositives,
		normalizers: divisors,
	};
}

/** What the losses of each picture are divided by. */
function divisorsOf(where: string, style: NonNullable<RetinanetLossOptions['style']>, { images, numPositives }: EncodedBatch, running: unknown): number[] {
	if (style !== 'detectron2' && running !== undefined) {
		refuse(TypeError, where, 'runningNormalizer', "must be absent unless style is 'detectron2'", running);
	}
	const own = images.map((image) => Math.max(1, image.numPositives));
	if (style === 'torchvision') return own.map((n) => n * images.length);
	const divisor = {
		detectron2: () => runningMean(where, running, 100, numPositives),
		mmdet: () => own.reduce((sum, n) => sum + n, 0),
		'keras-retinanet': () => Math.max(1, numPositives),
	}[style]();
	return own.map(() => divisor);
}

/** detectron2's running normaliser after a batch. */
export function runningMean(where: string, before: unknown, initial: number, numPositives: number): number {
	return 0.9 * checkRange(where, 'runningNormalizer', before ?? initial, 1e-9, COORDINATE_LIMIT) + 0.1 * Math.max(1, numPositives);
}

/** A 1 at the class of each positive; weights over the divisors, 0 for ignored anchors. */
function classTargets(where: string, { labels, classes, images }: EncodedBatch, numClasses: number, divisors: readonly number[]) {
	const wanted = new Float32Array(labels.length * numClasses);
	const weights = new Float32Array(labels.length * numClasses);
	images.forEach(({ first, end }, b) => {
		for (let a = first; a < end; a++) {
			if (labels[a] >= 0) weights.fill(1 / divisors[b], a * numClasses, (a + 1) * numClasses);
			if (labels[a] < 1) continue;
			if (!(classes[a] >= 0 && classes[a] < numClasses)) {
				refuse(RangeError, where, `targets' classes[${a}]`, `must be below ${numClasses} where the label is positive`, classes[a]);
			}
			wanted[a * numClasses + classes[a]] = 1;
		}
	});
	return { wanted, weights };
}

// The loss of SSD (Liu et al. 2016, equation 1): the cross-entropy of positives and of the hardest negatives, three for each, and alpha times the
// smooth L1 of the positives' boxes, over the number of positives (torchvision, models/detection/ssd.py; Caffe, multibox_loss_layer.cpp).

import { checkWord, readOptions, refuse } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { COORDINATE_LIMIT } from '../../../numbers.js';
import { type HardNegativeOptions, mineNegatives } from '../../sampling/mining.js';
import { crossEntropy } from '../cross-entropy.js';
import { checkRange } from '../loss.js';
import { smoothL1 } from '../regression.js';
import { type CombinedLoss, type EncodedTargetsLike, readEncoded, readPredictions, repeated, withSum } from './common.js';

/** What the network says, anchors numbered as the head `ssd` has them; of B pictures one after another. */
export interface SsdPredictions {
	/** [B A, 4] */
	boxes: FloatsLike;
	/** [B A, numClasses + 1] logits, background among them. */
	classes: FloatsLike;
}

/** Options of `ssdLoss`. */
export interface SsdLossOptions extends Pick<HardNegativeOptions, 'ratio' | 'style' | 'negativeOverlap' | 'minimum'> {
	/** Where the background class stands, as `encodeTargets` was told. Default 'first'. */
	background?: 'first' | 'last';
	/** 'caffe' only: the highest IoU of each anchor with any ground truth, [A] of each picture. */
	maxIou?: FloatsLike | readonly FloatsLike[];
	/** Weight of the boxes' term. Default 1. */
	alpha?: number;
	/** Of smooth L1. Default 1. */
	beta?: number;
}

const KNOWN = ['ratio', 'style', 'negativeOverlap', 'minimum', 'background', 'maxIou', 'alpha', 'beta'] as const;

/**
 * The loss of SSD. `targets` come from `encodeTargets` with `classIds` and `background`, a list of them for a batch; negatives are mined in each
 * picture by `mineHardNegatives`, whose options hold here, and both terms divided by the positives of the whole batch, or 1. Throws a TypeError
 * or RangeError that names the argument.
 */
export function ssdLoss(
	predictions: SsdPredictions,
	targets: EncodedTargetsLike | readonly EncodedTargetsLike[],
	options?: SsdLossOptions,
): CombinedLoss<'classification' | 'box', { boxes: Float32Array; classes: Float32Array }> & { readonly numNegatives: number } {
	const where = 'ssdLoss';
	const batch = readEncoded(where, targets, true);
	const count = batch.labels.length;
	const read = readOptions(where, 'predictions', predictions, ['boxes', 'classes']);
	const boxes = readPredictions(where, 'predictions.boxes', read.boxes, count * 4, 'four per anchor');
	const given = readOptions(where, 'options', options, KNOWN) as SsdLossOptions;
	const last = checkWord(where, 'background', given.background ?? 'first', ['first', 'last']) === 'last';
	const { logits, width } = readLogits(where, read.classes, count);
	const classes = checkClasses(where, batch.labels, batch.classes, width, last);
	const alpha = checkRange(where, 'alpha', given.alpha ?? 1, 0, 1e9);
	const beta = checkRange(where, 'beta', given.beta ?? 1, 0, COORDINATE_LIMIT);

	const each = width ? crossEntropy(logits, classes, { reduction: 'none', ignoreIndex: -1 }).losses : new Float32Array(0);
	const overlaps = readOverlaps(where, given.maxIou, batch.numImages);
	const weights = new Float32Array(count);
	let numNegatives = 0;
	batch.images.forEach(({ first, end }, b) => {
		const { ratio, style, negativeOverlap, minimum } = given;
		const maxIou = overlaps[b];
		const sample = mineNegatives(where, batch.labels.slice(first, end), each.subarray(first, end), { ratio, style, negativeOverlap, minimum, maxIou });
		for (const a of sample.indices) weights[first + a] = 1;
		numNegatives += sample.numNegatives;
	});
	const normalizer = Math.max(1, batch.numPositives);
	const classification = width ? crossEntropy(logits, classes, { weights, normalizer, ignoreIndex: -1 }) : { loss: 0, gradients: new Float32Array(0) };
	const boxWeights = repeated(
		batch.boxWeights.map((w) => w * alpha),
		4,
	);
	const box = smoothL1(boxes, batch.offsets, { weights: boxWeights, normalizer, beta });
	return {
		...withSum({ classification: classification.loss, box: box.loss }),
		gradients: { boxes: box.gradients, classes: classification.gradients },
		numPositives: batch.numPositives,
		numNegatives,
	};
}

/** The overlaps of each picture. */
function readOverlaps(where: string, value: SsdLossOptions['maxIou'], numImages: number): readonly (FloatsLike | undefined)[] {
	const isList = Array.isArray(value) && typeof value[0] !== 'number';
	const list = isList ? (value as readonly FloatsLike[]) : [value as FloatsLike | undefined];
	if (value !== undefined && list.length !== numImages) refuse(RangeError, where, 'maxIou', `must have one list per picture, ${numImages}`, list.length);
	return list;
}

/** Logits of any number of classes above one; 0 where there are no anchors. */
function readLogits(where: string, value: unknown, count: number): { logits: Float32Array; width: number } {
	const length = (value as ArrayLike<unknown> | undefined)?.length ?? 0;
	const width = count > 0 ? length / count : 0;
	const good = count === 0 ? length === 0 : Number.isInteger(width) && width >= 2;
	if (value !== undefined && !good) refuse(RangeError, where, 'predictions.classes', `must have at least two entries for each of ${count} anchors`, length);
	return { logits: readPredictions(where, 'predictions.classes', value, count * width, 'one per anchor and class'), width };
}

/** Class targets that agree with the labels. */
function checkClasses(where: string, labels: Int32Array, classes: Int32Array, width: number, last: boolean): Int32Array {
	const background = last ? width - 1 : 0;
	const stranger = classes.findIndex((c, a) => {
		if (labels[a] < 0) return c !== -1;
		return labels[a] > 0 ? !(c >= 0 && c < width && c !== background) : c !== background;
	});
	if (stranger >= 0) {
		const rule = `must be ${background} for negatives, another class below ${width} for positives, -1 where ignored`;
		refuse(RangeError, where, `targets' classes[${stranger}]`, rule, classes[stranger], `give encodeTargets background: '${last ? 'last' : 'first'}'`);
	}
	return classes;
}

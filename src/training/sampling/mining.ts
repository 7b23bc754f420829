// The samplers that ask the network itself: negatives or all anchors with the highest losses. SSD's hard negative mining (Liu et al.
// 2016; Caffe, bbox_util.cpp, MineHardExamples; torchvision, models/detection/ssd.py), OHEM (Shrivastava et al. 2016), DenseBox's (Huang et al. 2015).

import { checkInteger, checkNumber, checkUnit, checkWord, readOptions, refuse } from '../../checks.js';
import { checkFloats, type FloatsLike } from '../../inputs.js';
import { seededRandom } from '../random.js';
import { draw, hardest, type LabelsLike, readLabels, readLosses, type Sample, sampleOf } from './sample.js';

/** Options of `mineHardNegatives`. */
export interface HardNegativeOptions {
	/** Negatives for each positive. Default 3. */
	ratio?: number;
	/**
	 * 'torchvision' (default): every negative may be chosen; a part of a negative counts as one. 'caffe': only those whose `maxIou` is below
	 * `negativeOverlap`; a part counts as none.
	 */
	style?: 'torchvision' | 'caffe';
	/** 'caffe' only, [A]: the highest IoU of each anchor with any ground truth, as the matcher gives it. */
	maxIou?: FloatsLike;
	/** 'caffe' only: neg_overlap. Default 0.5. */
	negativeOverlap?: number;
	/** Negatives to take at least, as far as there are so many. Default 0: none where there are no positives, as both frameworks do. */
	minimum?: number;
}

/**
 * Keeps all positives and the negatives with the highest losses (the cross-entropy against background), `ratio` for each positive; of
 * equally hard ones those with lower indices. Losses [A] of anchors that are not negative are not looked at. Throws a TypeError or
 * RangeError that names the argument.
 */
export function mineHardNegatives(labels: LabelsLike, losses: FloatsLike, options?: HardNegativeOptions): Sample {
	return mineNegatives('mineHardNegatives', labels, losses, options);
}

/** `mineHardNegatives` in the name of another function. */
export function mineNegatives(where: string, labels: LabelsLike, losses: FloatsLike, options: HardNegativeOptions | undefined): Sample {
	const sorted = readLabels(where, labels);
	const column = readLosses(where, losses, sorted.labels.length);
	const given = readOptions(where, 'options', options, ['ratio', 'style', 'maxIou', 'negativeOverlap', 'minimum']) as HardNegativeOptions;
	const caffe = checkWord(where, 'style', given.style ?? 'torchvision', ['torchvision', 'caffe']) === 'caffe';
	const wanted = checkRatio(where, given.ratio ?? 3) * sorted.positives.length;
	const minimum = checkInteger(where, 'minimum', given.minimum ?? 0, 0, 2 ** 31);
	const candidates = caffe ? withLowOverlap(where, sorted.negatives, sorted.labels.length, given) : sorted.negatives;
	for (const name of ['maxIou', 'negativeOverlap'] as const) {
		if (!caffe && given[name] !== undefined) refuse(TypeError, where, name, "must be absent unless style is 'caffe'", given[name]);
	}
	const count = Math.max(minimum, caffe ? Math.floor(wanted) : Math.ceil(wanted));
	return sampleOf(sorted.labels, sorted.positives, hardest(candidates, column, count));
}

function withLowOverlap(where: string, negatives: Uint32Array, count: number, given: HardNegativeOptions): Uint32Array {
	if (given.maxIou === undefined) refuse(TypeError, where, 'maxIou', "must be given with style 'caffe'", undefined, 'the matcher has it');
	const maxIou = checkFloats(where, 'maxIou', given.maxIou);
	if (maxIou.length !== count) refuse(RangeError, where, 'maxIou', `must have one entry per label, ${count}`, maxIou.length);
	const limit = Math.fround(checkUnit(where, 'negativeOverlap', given.negativeOverlap ?? 0.5));
	return negatives.filter((a) => maxIou[a] < limit);
}

function checkRatio(where: string, value: unknown): number {
	const ratio = checkNumber(where, 'ratio', value);
	if (!(ratio >= 0) || ratio === Infinity) refuse(RangeError, where, 'ratio', 'must be a finite number, 0 or more', ratio);
	return ratio;
}

/** Options of `mineHardExamples`. */
export interface HardExampleOptions {
	/** How many anchors take part. Default 64: Caffe's sample_size. OHEM has 64 for each picture, mmdetection's OHEMSampler 512. */
	count?: number;
	/** The part of `count` that positives may fill, as mmdetection's OHEMSampler has it (0.25). Default: no part, the hardest of all. */
	positiveFraction?: number;
}

/**
 * Keeps the anchors with the highest losses, positive or negative; of equally hard ones those with lower indices. Positives that are not among
 * them are ignored (Caffe's HARD_EXAMPLE, OHEM). With `positiveFraction` positives and negatives are ranked apart, and negatives take the
 * places that positives leave. Throws a TypeError or RangeError that names the argument.
 */
export function mineHardExamples(labels: LabelsLike, losses: FloatsLike, options?: HardExampleOptions): Sample {
	const where = 'mineHardExamples';
	const sorted = readLabels(where, labels);
	const column = readLosses(where, losses, sorted.labels.length);
	const given = readOptions(where, 'options', options, ['count', 'positiveFraction']) as HardExampleOptions;
	const count = checkInteger(where, 'count', given.count ?? 64, 1, 2 ** 31);
	if (given.positiveFraction !== undefined) {
		const part = checkUnit(where, 'positiveFraction', given.positiveFraction);
		const positives = hardest(sorted.positives, column, Math.floor(count * part));
		return sampleOf(sorted.labels, positives, hardest(sorted.negatives, column, count - positives.length));
	}
	const all = Uint32Array.from(sorted.labels.keys()).filter((a) => sorted.labels[a] >= 0);
	const chosen = hardest(all, column, count);
	const positives = chosen.filter((a) => sorted.labels[a] > 0);
	return sampleOf(
		sorted.labels,
		positives,
		chosen.filter((a) => sorted.labels[a] === 0),
	);
}

/** Options of `sampleDenseBox`. */
export interface DenseBoxSampleOptions {
	/** The part of the negatives that counts as hard, 0 to 1; rounded up. Default 0.01. */
	hardFraction?: number;
	/** Negatives for each positive; a part counts as none. Default 1. */
	ratio?: number;
	/** An integer from 0 to 2^53 - 1, as in `sampleBalanced`. Default 0. */
	seed?: number;
}

/**
 * Keeps all positives and as many negatives: half of them drawn from the hard ones, those with the highest losses, the others from the
 * rest. Where one group is too small the other fills up. Throws a TypeError or RangeError that names the argument.
 */
export function sampleDenseBox(labels: LabelsLike, losses: FloatsLike, options?: DenseBoxSampleOptions): Sample {
	const where = 'sampleDenseBox';
	const { labels: read, positives, negatives } = readLabels(where, labels);
	const column = readLosses(where, losses, read.length);
	const given = readOptions(where, 'options', options, ['hardFraction', 'ratio', 'seed']) as DenseBoxSampleOptions;
	const part = checkUnit(where, 'hardFraction', given.hardFraction ?? 0.01);
	const wanted = Math.min(negatives.length, Math.floor(checkRatio(where, given.ratio ?? 1) * positives.length));
	const random = seededRandom(checkInteger(where, 'seed', given.seed ?? 0, 0, Number.MAX_SAFE_INTEGER));

	// 1 % of 700 is 7, though 700 * 0.01 is a little more
	const hard = hardest(negatives, column, Math.ceil(negatives.length * part - 1e-9));
	const isHard = new Set(hard);
	const easy = negatives.filter((a) => !isHard.has(a));
	const numHard = Math.min(hard.length, Math.max(Math.floor(wanted / 2), wanted - easy.length));
	const fromHard = draw(hard, numHard, random);
	const fromEasy = draw(easy, wanted - numHard, random);
	const chosen = new Uint32Array(wanted);
	chosen.set(fromHard);
	chosen.set(fromEasy, numHard);
	return sampleOf(read, positives, chosen.sort());
}

// The samplers of two-stage detectors: so many anchors at random, at most a part of them positive (Ren et al. 2015; torchvision,
// models/detection/_utils.py, BalancedPositiveNegativeSampler; detectron2, modeling/sampling.py; mmdetection, RandomSampler).

import { checkInteger, checkNumber, checkUnit, checkWord, readOptions, refuse } from '../../checks.js';
import { seededRandom } from '../random.js';
import { draw, type LabelsLike, readLabels, type Sample, sampleOf } from './sample.js';

/** Options of `sampleBalanced`. */
export interface BalancedOptions {
	/** 'rpn' (default): 256 anchors, half of them positive at most. 'roi': 512 proposals, a quarter of them. */
	preset?: 'rpn' | 'roi';
	/** How many anchors take part. Default as the preset. */
	count?: number;
	/** The part of `count` that positives may fill, 0 to 1; rounded down. Default as the preset. */
	positiveFraction?: number;
	/** At most so many negatives for each positive (of none: as for one): mmdetection's neg_pos_ub. Default Infinity. */
	maxNegativesPerPositive?: number;
	/** An integer from 0 to 2^53 - 1. The same seed draws the same anchors everywhere; give each picture of each step its own. Default 0. */
	seed?: number;
}

const PRESETS = { rpn: { count: 256, positiveFraction: 0.5 }, roi: { count: 512, positiveFraction: 0.25 } } as const;
const KNOWN = ['preset', 'count', 'positiveFraction', 'maxNegativesPerPositive', 'seed'] as const;

/**
 * Draws positives and negatives at random. Where positives are fewer than their part, negatives take the places, so that there are `count`
 * unless the picture has not so many. Which anchors torch.randperm would draw is another matter: it differs from device to device. Throws a
 * TypeError or RangeError that names the argument.
 */
export function sampleBalanced(labels: LabelsLike, options?: BalancedOptions): Sample {
	const where = 'sampleBalanced';
	const sorted = readLabels(where, labels);
	const given = readOptions(where, 'options', options, KNOWN) as BalancedOptions;
	const preset = PRESETS[checkWord(where, 'preset', given.preset ?? 'rpn', ['rpn', 'roi'])];
	const count = checkInteger(where, 'count', given.count ?? preset.count, 1, 2 ** 31);
	const fraction = checkUnit(where, 'positiveFraction', given.positiveFraction ?? preset.positiveFraction);
	const most = checkNumber(where, 'maxNegativesPerPositive', given.maxNegativesPerPositive ?? Infinity);
	if (!(most >= 0)) refuse(RangeError, where, 'maxNegativesPerPositive', 'must be 0 or more', most);
	const random = seededRandom(checkInteger(where, 'seed', given.seed ?? 0, 0, Number.MAX_SAFE_INTEGER));

	const positives = draw(sorted.positives, Math.floor(count * fraction), random);
	const limit = most === Infinity ? Infinity : Math.floor(most * Math.max(1, positives.length));
	const negatives = draw(sorted.negatives, Math.min(count - positives.length, limit), random);
	return sampleOf(sorted.labels, positives, negatives);
}

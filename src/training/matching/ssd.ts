// The rules of SSD (Liu et al. 2016): Caffe's bipartite matching and then every default box by itself; and torchvision's, where
// every default box comes first and each ground truth then overwrites its best one.

import { checkBoolean, checkNumber, checkUnit, checkWord, readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import type { TrainingBackend } from '../backend.js';
import { answerOf, type Found } from './answer.js';
import type { Matches } from './matches.js';
import { applyMaxIou, type MaxIouRule, whyLostBy } from './max-iou-rule.js';
import { type Overlaps, overlapsOf } from './overlaps.js';
import { overlapsOn } from './overlaps-on.js';
import { IGNORE_KEYS, type IgnoreOptions, type Prepared, prepare } from './prepare.js';
import { pairsThenRest } from './textbook.js';

/** The switches of the rule. */
export interface SsdRuleOptions {
	/**
	 * 'caffe': of all pairs the one with the highest IoU is taken first, and no two ground truths share an anchor. 'torchvision': every ground
	 * truth takes its best anchor, and a later one overwrites an earlier one, which may lose its only anchor; one that overlaps no anchor takes
	 * anchor 0, as SSDMatcher has it. Default 'caffe'.
	 */
	readonly style?: 'caffe' | 'torchvision';
	/** An anchor that overlaps its best ground truth by at least this answers for it. Default 0.5. */
	readonly positive?: number;
	/** Anchors that overlap by this or more, but answer for nothing, are ignored (Caffe's neg_overlap). Default: as `positive`. */
	readonly negative?: number;
	/** Whether anchors that no ground truth took may answer for one (Caffe's PER_PREDICTION; false: BIPARTITE). Default true. */
	readonly perAnchor?: boolean;
}

/** Options of `matchSsd`. */
export interface SsdOptions extends SsdRuleOptions, IgnoreOptions {}

/** The names of `SsdRuleOptions`. */
export const SSD_KEYS = ['style', 'positive', 'negative', 'perAnchor'] as const;

/** The checked rule. */
export interface SsdRule {
	readonly style: 'caffe' | 'torchvision';
	readonly positive: number;
	readonly negative: number;
}

/** Pairs that overlap by no more than this are none to Caffe. */
const LEAST_OVERLAP = Math.fround(1e-6);

/** Reads the rule. Overlaps of boxes have thresholds from 0 to 1, other similarities any. */
export function checkSsdRule(where: string, read: Partial<Record<string, unknown>>, isIou = true): SsdRule {
	const check = isIou ? checkUnit : checkNumber;
	const style = checkWord(where, 'style', read.style ?? 'caffe', ['caffe', 'torchvision']);
	const positive = check(where, 'positive', read.positive ?? 0.5);
	const negative = check(where, 'negative', read.negative ?? positive);
	if (negative > positive) refuse(RangeError, where, 'negative', `must not exceed positive, ${positive}`, negative, 'are the two swapped?');
	const perAnchor = checkBoolean(where, 'perAnchor', read.perAnchor ?? true);
	return { style, positive: perAnchor ? Math.fround(positive) : Infinity, negative: Math.fround(negative) };
}

/**
 * Matches A default boxes (anchors) and G ground truths as SSD does: every ground truth has its best anchor, and every other anchor that
 * overlaps a ground truth by at least `positive` answers for the one that it overlaps most; the rest are negatives, to be mined. Boxes may be
 * normalised or pixels. IoUs are exact in float32; of equal ones the lowest anchor counts, then the lowest ground truth. Throws a RangeError
 * when `negative` exceeds `positive`. Source: Caffe's MatchBBox (SSD) and torchvision's SSDMatcher.
 */
export function matchSsd(anchors: BoxesLike, groundTruths: BoxesLike, options?: SsdOptions): Matches {
	const { prepared, rule } = checkSsd('matchSsd', anchors, groundTruths, options);
	return completeSsd(overlapsOf(prepared.anchors, prepared.groundTruths), prepared, rule);
}

/** As `matchSsd`, with the overlaps on the GPU of a backend made by `createBackend`; the same bits. Arrays are copied at once. */
export async function matchSsdOn(backend: TrainingBackend, anchors: BoxesLike, groundTruths: BoxesLike, options?: SsdOptions): Promise<Matches> {
	const { prepared, rule } = checkSsd('matchSsdOn', anchors, groundTruths, options);
	return completeSsd(await overlapsOn('matchSsdOn', backend, prepared.anchors, prepared.groundTruths), prepared, rule);
}

function checkSsd(where: string, anchors: unknown, groundTruths: unknown, options: unknown): { prepared: Prepared; rule: SsdRule } {
	const read = readOptions(where, 'options', options, [...SSD_KEYS, ...IGNORE_KEYS]);
	const rule = checkSsdRule(where, read);
	return { prepared: prepare(where, anchors, groundTruths, read, { rule: 'border-inclusive', when: 'before' }), rule };
}

/** The answer of the rule, from overlaps or similarities. */
export function completeSsd(overlaps: Overlaps, prepared: Pick<Prepared, 'indices' | 'lost' | 'ignored'>, rule: SsdRule): Matches {
	const { style, positive, negative } = rule;
	if (style === 'torchvision') {
		const overwriting = overwritingRule(rule);
		return answerOf(applyMaxIou(overlaps, overwriting), overlaps, prepared, (best) => whyLostBy(overwriting, best));
	}
	const found = pairsThenRest(overlaps, prepared.ignored, positive, LEAST_OVERLAP);
	return answerOf(ignoreAbove(found, overlaps, negative), overlaps, prepared, (best) => (best > LEAST_OVERLAP ? undefined : 'below-minimum'));
}

/** Anchors without a ground truth that overlap by `negative` or more are ignored. */
function ignoreAbove(found: Found, { maxIou }: Overlaps, negative: number): Found {
	for (let a = 0; a < maxIou.length; a++) if (found.labels[a] === 0 && maxIou[a] >= negative) found.labels[a] = -1;
	return found;
}

/** SSDMatcher in the words of the maximum rule. */
function overwritingRule({ positive, negative }: SsdRule): MaxIouRule {
	return { positive, negative: [-Infinity, negative], positiveRule: '>=', negativeRule: '<', force: 'first', forcedOwner: 'last', minimum: -Infinity };
}

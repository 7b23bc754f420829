// The rule as textbooks teach it (Zhang et al., Dive into Deep Learning, 14.4.3): first every object has the anchor that fits
// it best, the best fitting pair first; then every anchor that is left has the object it overlaps most, if it does by enough.

import { checkBoolean, checkNumber, checkUnit, readOptions } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import type { TrainingBackend } from '../backend.js';
import { answerOf, type Found } from './answer.js';
import { greedyPairs } from './greedy.js';
import type { Matches } from './matches.js';
import { type Overlaps, overlapsOf } from './overlaps.js';
import { overlapsOn } from './overlaps-on.js';
import { IGNORE_KEYS, type IgnoreOptions, type Prepared, prepare } from './prepare.js';

/** The switches of the rule. */
export interface TextbookRuleOptions {
	/** An anchor that overlaps its best ground truth by at least this answers for it. Default 0.5. */
	readonly positive?: number;
	/** Whether a ground truth that overlaps no free anchor takes the first free one, as the book's code does. Default false: it is lost. */
	readonly assignZeroOverlap?: boolean;
}

/** Options of `matchTextbook`. */
export interface TextbookOptions extends TextbookRuleOptions, IgnoreOptions {}

/** The names of `TextbookRuleOptions`. */
export const TEXTBOOK_KEYS = ['positive', 'assignZeroOverlap'] as const;

/** The checked rule. */
export interface TextbookRule {
	readonly positive: number;
	/** A ground truth takes an anchor that it overlaps by more than this. */
	readonly above: number;
}

/** Reads the rule. Overlaps of boxes have thresholds from 0 to 1, other similarities any. */
export function checkTextbookRule(where: string, read: Partial<Record<string, unknown>>, isIou = true): TextbookRule {
	const positive = Math.fround((isIou ? checkUnit : checkNumber)(where, 'positive', read.positive ?? 0.5));
	return { positive, above: checkBoolean(where, 'assignZeroOverlap', read.assignZeroOverlap ?? false) ? -Infinity : 0 };
}

/**
 * Matches A anchors and G ground truths as textbooks do: of all pairs the one with the highest IoU is taken, its anchor and ground truth are
 * left out, and again, until every ground truth has an anchor; then every other anchor with an IoU of at least `positive` answers for the
 * ground truth that it overlaps most. No anchor is ignored but for the options that say so. IoUs are exact in float32; of equal ones the lowest
 * anchor counts, then the lowest ground truth. Source: Zhang et al., Dive into Deep Learning, 14.4.
 */
export function matchTextbook(anchors: BoxesLike, groundTruths: BoxesLike, options?: TextbookOptions): Matches {
	const { prepared, rule } = checkTextbook('matchTextbook', anchors, groundTruths, options);
	return completeTextbook(overlapsOf(prepared.anchors, prepared.groundTruths), prepared, rule);
}

/** As `matchTextbook`, with the overlaps on the GPU of a backend made by `createBackend`; the same bits. Arrays are copied at once. */
export async function matchTextbookOn(backend: TrainingBackend, anchors: BoxesLike, groundTruths: BoxesLike, options?: TextbookOptions): Promise<Matches> {
	const { prepared, rule } = checkTextbook('matchTextbookOn', anchors, groundTruths, options);
	return completeTextbook(await overlapsOn('matchTextbookOn', backend, prepared.anchors, prepared.groundTruths), prepared, rule);
}

function checkTextbook(where: string, anchors: unknown, groundTruths: unknown, options: unknown): { prepared: Prepared; rule: TextbookRule } {
	const read = readOptions(where, 'options', options, [...TEXTBOOK_KEYS, ...IGNORE_KEYS]);
	const rule = checkTextbookRule(where, read);
	return { prepared: prepare(where, anchors, groundTruths, read, { rule: 'border', when: 'before' }), rule };
}

/** The answer of the rule, from overlaps or similarities. */
export function completeTextbook(overlaps: Overlaps, prepared: Pick<Prepared, 'indices' | 'lost' | 'ignored'>, { positive, above }: TextbookRule): Matches {
	const isEnough = (best: number) => best > above || best >= positive;
	return answerOf(pairsThenRest(overlaps, prepared.ignored, positive, above), overlaps, prepared, (best) => (isEnough(best) ? undefined : 'below-minimum'));
}

/** The pairs of `greedyPairs`, and then every other anchor with an overlap of at least `positive`. */
export function pairsThenRest(overlaps: Overlaps, ignored: Uint8Array, positive: number, above: number): Found {
	const { maxIou, argmax } = overlaps;
	const labels = new Int32Array(maxIou.length);
	const matches = new Int32Array(maxIou.length).fill(-1);
	for (let a = 0; a < labels.length; a++) {
		if (argmax[a] < 0 || !(maxIou[a] >= positive)) continue;
		labels[a] = 1;
		matches[a] = argmax[a];
	}
	greedyPairs(overlaps, ignored, above).forEach((a, g) => {
		if (a < 0) return;
		labels[a] = 1;
		matches[a] = g;
	});
	return { labels, matches };
}

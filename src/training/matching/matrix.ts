// The rules over a matrix that was given, for similarities of one's own and to try a rule on paper.

import { checkInteger, checkWord, readOptions, refuse } from '../../checks.js';
import { checkFloats } from '../../inputs.js';
import { answerOf } from './answer.js';
import type { Matches } from './matches.js';
import { applyMaxIou, checkMaxIouRule, type MaxIouRuleOptions, RULE_KEYS, tiesOf, whyLostBy } from './max-iou-rule.js';
import { overlapsOfMatrix } from './similarity.js';
import { checkSsdRule, completeSsd, SSD_KEYS, type SsdRuleOptions } from './ssd.js';
import { checkTextbookRule, completeTextbook, TEXTBOOK_KEYS, type TextbookRuleOptions } from './textbook.js';

/** Options of `matchMatrix`: a rule and its switches. */
export type MatrixOptions = { readonly numAnchors: number } & (
	| ({ readonly rule?: 'max-iou' } & MaxIouRuleOptions)
	| ({ readonly rule: 'textbook' } & TextbookRuleOptions)
	| ({ readonly rule: 'ssd' } & SsdRuleOptions)
);

const RULES = { 'max-iou': RULE_KEYS, textbook: TEXTBOOK_KEYS, ssd: SSD_KEYS } as const;

/**
 * Matches by a matrix [G, A] of similarities, row by row (a row per ground truth, as torchvision, detectron2 and mmdet have it): the rule of
 * `matchMaxIou` (default), `matchTextbook` or `matchSsd`, with its options. Larger is better; thresholds may be any numbers. `maxIou` of the
 * answer is the highest similarity. Throws a RangeError for NaN, and for a length that is not a multiple of `numAnchors`.
 */
export function matchMatrix(similarity: Float32Array | Float64Array | Int32Array | readonly number[], options: MatrixOptions): Matches {
	const where = 'matchMatrix';
	const matrix = checkFloats(where, 'similarity', similarity);
	const named = checkWord(where, 'rule', (options as { rule?: unknown } | undefined)?.rule ?? 'max-iou', ['max-iou', 'textbook', 'ssd']);
	const read: Partial<Record<string, unknown>> = readOptions(where, 'options', options, ['numAnchors', 'rule', ...RULES[named]]);
	const numAnchors = checkInteger(where, 'numAnchors', read.numAnchors, 0, 2 ** 31 - 1);
	if (numAnchors ? matrix.length % numAnchors : matrix.length)
		refuse(RangeError, where, 'similarity', `must have ${numAnchors} entries per ground truth`, matrix.length, 'is it [ground truths, anchors]?');
	const wrong = matrix.findIndex(Number.isNaN);
	if (wrong >= 0) refuse(RangeError, where, `similarity[${wrong}]`, 'must not be NaN', matrix[wrong]);

	const numGroundTruths = numAnchors ? matrix.length / numAnchors : 0;
	const all = {
		indices: Int32Array.from({ length: numGroundTruths }, (_, g) => g),
		lost: Array(numGroundTruths).fill(undefined),
		ignored: new Uint8Array(numAnchors),
	};
	if (named === 'textbook') return completeTextbook(overlapsOfMatrix(matrix, numAnchors), all, checkTextbookRule(where, read, false));
	if (named === 'ssd') return completeSsd(overlapsOfMatrix(matrix, numAnchors), all, checkSsdRule(where, read, false));
	const { rule } = checkMaxIouRule(where, read, false);
	const overlaps = overlapsOfMatrix(matrix, numAnchors, tiesOf(rule));
	return answerOf(applyMaxIou(overlaps, rule), overlaps, all, (best) => whyLostBy(rule, best));
}

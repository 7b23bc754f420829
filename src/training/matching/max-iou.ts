// Matching by the highest IoU: RPN, RetinaNet, EfficientDet, and the boxes of a second stage. The rule is in max-iou-rule.ts.

import { readOptions } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import type { TrainingBackend } from '../backend.js';
import { answerOf } from './answer.js';
import type { Matches } from './matches.js';
import { applyMaxIou, checkMaxIouRule, type MaxIouRule, type MaxIouRuleOptions, RULE_KEYS, tiesOf, whyLostBy } from './max-iou-rule.js';
import { type Overlaps, overlapsOf } from './overlaps.js';
import { overlapsOn } from './overlaps-on.js';
import { IGNORE_KEYS, type IgnoreOptions, type Prepared, prepare } from './prepare.js';

/** Options of `matchMaxIou`. */
export interface MaxIouOptions extends MaxIouRuleOptions, IgnoreOptions {}

const KEYS = [...RULE_KEYS, ...IGNORE_KEYS] as const;

/**
 * Matches A anchors and G ground truths by the rule of Faster R-CNN in four steps, or as a framework has it (`style`): every anchor is
 * ignored; below `negative` it is a negative; above `positive` a positive, for the ground truth that it overlaps most; then every ground truth
 * that an anchor overlaps by at least `minPositive` has its best anchors as positives, too. The defaults are those of RPN; RetinaNet has
 * positive 0.5 and negative 0.4. IoUs are compared exactly, in float32, with thresholds rounded to float32; of equal ones the lowest index
 * counts. An anchor that is not finite is ignored; ground truths that are not finite, or empty, match nothing and say so. Throws a RangeError
 * when `negative` exceeds `positive`. Source: Ren et al. 2015, 3.1.2, and the matchers of the frameworks.
 */
export function matchMaxIou(anchors: BoxesLike, groundTruths: BoxesLike, options?: MaxIouOptions): Matches {
	const { prepared, rule } = checkMaxIou('matchMaxIou', anchors, groundTruths, options);
	return complete(overlapsOf(prepared.anchors, prepared.groundTruths, tiesOf(rule)), prepared, rule);
}

/** As `matchMaxIou`, with the overlaps on the GPU of a backend made by `createBackend`; the same bits. Arrays are copied at once. */
export async function matchMaxIouOn(backend: TrainingBackend, anchors: BoxesLike, groundTruths: BoxesLike, options?: MaxIouOptions): Promise<Matches> {
	const { prepared, rule } = checkMaxIou('matchMaxIouOn', anchors, groundTruths, options);
	return complete(await overlapsOn('matchMaxIouOn', backend, prepared.anchors, prepared.groundTruths, tiesOf(rule)), prepared, rule);
}

function checkMaxIou(where: string, anchors: unknown, groundTruths: unknown, options: unknown): { prepared: Prepared; rule: MaxIouRule } {
	const read = readOptions(where, 'options', options, KEYS);
	const { rule, outside } = checkMaxIouRule(where, read);
	return { prepared: prepare(where, anchors, groundTruths, read, outside), rule };
}

function complete(overlaps: Overlaps, prepared: Prepared, rule: MaxIouRule): Matches {
	return answerOf(applyMaxIou(overlaps, rule), overlaps, prepared, (best) => whyLostBy(rule, best));
}

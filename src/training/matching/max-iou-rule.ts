// The rule of Faster R-CNN (Ren et al. 2015, 3.1.2) with every switch in which the frameworks differ: an anchor is told by
// its highest IoU; then every ground truth forces its best anchors. Styles are sets of switches, read in the frameworks' sources.

import { checkBoolean, checkNumber, checkUnit, checkWord, refuse } from '../../checks.js';
import { MIN_NORMAL } from '../../numbers.js';
import type { Found } from './answer.js';
import type { Overlaps, TiesWanted } from './overlaps.js';
import type { OutsideDefaults } from './prepare.js';

const round = Math.fround;

/** Whose rule it is: the paper's in four steps, or that of a framework's code. */
export type MaxIouStyle = 'paper' | 'mmdet' | 'torchvision' | 'detectron2' | 'fizyr' | 'efficientdet';

/** The switches of the rule. What is not given is as the style has it. */
export interface MaxIouRuleOptions {
	/** Default 'paper'. */
	readonly style?: MaxIouStyle;
	/** An anchor whose highest IoU is above this is a positive. Default 0.7 (RPN); 'fizyr' and 'efficientdet' 0.5. */
	readonly positive?: number;
	/** An anchor whose highest IoU is below this is a negative, and ignored in between; or [least, this]: below the least ignored, too. Default 0.3; 'fizyr' 0.4, 'efficientdet' 0.5. */
	readonly negative?: number | readonly [number, number];
	/** Whether an IoU of exactly `positive` is above it: '>=' yes. Default '>' in 'paper', '>=' in all others. */
	readonly positiveRule?: '>' | '>=';
	/** Whether an IoU of exactly `negative` is below it: '<=' yes. Default '<=' in 'fizyr', '<' in all others. */
	readonly negativeRule?: '<' | '<=';
	/** Which anchors a ground truth makes positives whatever `positive` says: all that have its highest IoU, the first of them, or none. Default 'ties'; 'efficientdet' 'first', 'fizyr' 'none'. */
	readonly force?: 'ties' | 'first' | 'none';
	/**
	 * For which ground truth a forced anchor answers: the one it overlaps most ('argmax': torchvision, detectron2), or the last ('paper', mmdet)
	 * or first (EfficientDet) of those that force it.
	 */
	readonly forcedOwner?: 'argmax' | 'last' | 'first';
	/** A ground truth whose highest IoU is below this forces no anchor, and is lost when none answers for it. Default 0.3 in 'paper' and 'mmdet', 0 in all others. */
	readonly minPositive?: number;
	/**
	 * Whether a ground truth that overlaps no anchor forces those that have its highest IoU, 0: under 'ties' that is every anchor that it
	 * does not overlap, so all of them become positives. Default true in 'torchvision', 'detectron2' and 'efficientdet', whose matchers do it.
	 */
	readonly forceZeroOverlap?: boolean;
}

/** The names of `MaxIouRuleOptions`. */
export const RULE_KEYS = [
	...(['style', 'positive', 'negative', 'positiveRule', 'negativeRule'] as const),
	...(['force', 'forcedOwner', 'minPositive', 'forceZeroOverlap'] as const),
];

/** The checked rule: numbers are float32. */
export interface MaxIouRule {
	readonly positive: number;
	readonly negative: readonly [number, number];
	readonly positiveRule: '>' | '>=';
	readonly negativeRule: '<' | '<=';
	readonly force: 'ties' | 'first' | 'none';
	readonly forcedOwner: 'argmax' | 'last' | 'first';
	/** The least highest overlap that forces. */
	readonly minimum: number;
}

interface Style extends Omit<MaxIouRule, 'negative' | 'minimum'> {
	readonly negative: number;
	readonly minPositive: number;
	readonly forceZeroOverlap: boolean;
	readonly outside: OutsideDefaults;
}

const PAPER: Style = {
	positive: 0.7,
	negative: 0.3,
	positiveRule: '>',
	negativeRule: '<',
	force: 'ties',
	forcedOwner: 'last',
	minPositive: 0.3,
	forceZeroOverlap: false,
	outside: { rule: 'border', when: 'before' },
};
const DETECTRON2: Style = {
	...PAPER,
	positiveRule: '>=',
	forcedOwner: 'argmax',
	minPositive: 0,
	forceZeroOverlap: true,
	outside: { rule: 'border', when: 'after' },
};
const STYLES: Readonly<Record<MaxIouStyle, Style>> = {
	paper: PAPER,
	mmdet: { ...PAPER, positiveRule: '>=' },
	torchvision: DETECTRON2,
	detectron2: DETECTRON2,
	fizyr: { ...DETECTRON2, positive: 0.5, negative: 0.4, negativeRule: '<=', force: 'none', outside: { rule: 'center', when: 'after' } },
	efficientdet: { ...DETECTRON2, positive: 0.5, negative: 0.5, force: 'first', forcedOwner: 'first' },
};
const STYLE_NAMES = Object.keys(STYLES) as MaxIouStyle[];

/** Reads the switches. Overlaps of boxes have thresholds from 0 to 1, other similarities any. */
export function checkMaxIouRule(where: string, read: Partial<Record<string, unknown>>, isIou = true): { rule: MaxIouRule; outside: OutsideDefaults } {
	const style = STYLES[checkWord(where, 'style', read.style ?? 'paper', STYLE_NAMES)];
	const check = isIou ? checkUnit : checkNumber;
	const positive = check(where, 'positive', read.positive ?? style.positive);
	const negative = checkNegative(where, read.negative ?? style.negative, check);
	if (negative[1] > positive) refuse(RangeError, where, 'negative', `must not exceed positive, ${positive}`, negative[1], 'are the two swapped?');
	const minPositive = check(where, 'minPositive', read.minPositive ?? style.minPositive);
	const zeroToo = checkBoolean(where, 'forceZeroOverlap', read.forceZeroOverlap ?? style.forceZeroOverlap);
	const rule: MaxIouRule = {
		positive: round(positive),
		negative: [round(negative[0]), round(negative[1])],
		positiveRule: checkWord(where, 'positiveRule', read.positiveRule ?? style.positiveRule, ['>', '>=']),
		negativeRule: checkWord(where, 'negativeRule', read.negativeRule ?? style.negativeRule, ['<', '<=']),
		force: checkWord(where, 'force', read.force ?? style.force, ['ties', 'first', 'none']),
		forcedOwner: checkWord(where, 'forcedOwner', read.forcedOwner ?? style.forcedOwner, ['argmax', 'last', 'first']),
		// no overlap is between 0 and the smallest normal float
		minimum: zeroToo ? round(minPositive) : Math.max(MIN_NORMAL, round(minPositive)),
	};
	return { rule, outside: style.outside };
}

function checkNegative(where: string, value: unknown, check: typeof checkUnit): readonly [number, number] {
	if (!Array.isArray(value)) return [-Infinity, check(where, 'negative', value)];
	if (value.length !== 2) refuse(RangeError, where, 'negative', 'must be a number or [least, most]', value);
	const [least, most] = value.map((v, i) => check(where, `negative[${i}]`, v));
	if (least > most) refuse(RangeError, where, 'negative', 'must have the smaller number first', value, 'are the two swapped?');
	return [least, most];
}

/** The ties that the rule needs. */
export function tiesOf({ force, forcedOwner, minimum }: MaxIouRule): TiesWanted | undefined {
	return force === 'ties' ? { keep: forcedOwner === 'first' ? 'first' : 'last', minimum } : undefined;
}

/** Whether an overlap makes a positive without being forced. */
function isPositive({ positive, positiveRule }: MaxIouRule, overlap: number): boolean {
	return positiveRule === '>=' ? overlap >= positive : overlap > positive;
}

/** Why a ground truth with this highest overlap cannot have an anchor; undefined when it can. */
export function whyLostBy(rule: MaxIouRule, best: number): 'below-minimum' | undefined {
	return isPositive(rule, best) || (rule.force !== 'none' && best >= rule.minimum) ? undefined : 'below-minimum';
}

/** The rule. `overlaps` have the ties of `tiesOf`. Without ground truths every anchor is a negative. */
export function applyMaxIou({ maxIou, argmax, best, bestAnchor, tied }: Overlaps, rule: MaxIouRule): Found {
	const { negative, negativeRule, force, forcedOwner, minimum } = rule;
	const labels = new Int32Array(maxIou.length);
	const matches = new Int32Array(maxIou.length).fill(-1);
	if (best.length === 0) return { labels, matches };
	for (let a = 0; a < labels.length; a++) {
		const most = maxIou[a];
		if (isPositive(rule, most)) {
			labels[a] = 1;
			matches[a] = argmax[a];
		} else {
			labels[a] = most >= negative[0] && (negativeRule === '<' ? most < negative[1] : most <= negative[1]) ? 0 : -1;
		}
	}
	const isForced = (a: number, g: number) => {
		labels[a] = 1;
		matches[a] = forcedOwner === 'argmax' ? argmax[a] : g;
	};
	if (force === 'ties' && tied) for (let a = 0; a < labels.length; a++) if (tied[a] >= 0) isForced(a, tied[a]);
	if (force === 'first' && labels.length) {
		for (let i = 0; i < best.length; i++) {
			// what is written last stays
			const g = forcedOwner === 'first' ? best.length - 1 - i : i;
			if (best[g] >= minimum) isForced(bestAnchor[g], g);
		}
	}
	return { labels, matches };
}

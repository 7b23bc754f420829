// Why an anchor has its label under a rule, in plain sentences: the numbers it is judged by, and the step that decided.
// Overlaps are computed by kedge, so they are those that the rule has seen.

import { explainCenterNet, explainDenseBox } from './explain-maps.js';
import { explainAtss, explainFcos, explainFovea } from './explain-places.js';
import { explainYolo, explainYolov5 } from './explain-yolo.js';
import { type Explanation, iouMeasures, largest, overlapsOf, type Question, type Step, two } from './explanation.js';
import type { MaxIouFacts } from './rules.js';

/** Explains one anchor's label. */
export function explain(question: Question): Explanation {
	if (question.names.length === 0) {
		return { measure: '', measures: [], marks: [], steps: [{ text: 'There is no object in the picture, so every anchor is a negative.', decided: true }] };
	}
	switch (question.rule.family) {
		case 'max-iou':
			return explainMaxIou(question, question.rule.facts as MaxIouFacts);
		case 'pairs':
			return explainPairs(question);
		case 'atss':
			return explainAtss(question);
		case 'yolo':
			return explainYolo(question);
		case 'yolov5':
			return explainYolov5(question);
		case 'fcos':
			return explainFcos(question);
		case 'fovea':
			return explainFovea(question);
		case 'densebox':
			return explainDenseBox(question);
		case 'centernet':
			return explainCenterNet(question);
	}
}

/** The sentence that every rule of overlaps begins with. */
function highest(ious: Float32Array, names: readonly string[]): string {
	const best = largest(ious);
	return ious[best] > 0 ? `Its highest IoU is ${two(ious[best])}, with ${names[best]}.` : 'It overlaps no object.';
}

/** The objects whose best anchor this is, or one of the best, and that may rescue it. */
function rescuers({ matches, anchor, thresholds }: Question, ious: Float32Array, facts: MaxIouFacts): number[] {
	if (facts.force === 'none') return [];
	const least = facts.asksMinimum ? Math.fround(thresholds.minPositive) : 0;
	return matches.groundTruths.flatMap(({ best, bestAnchor, lost }, truth) => {
		if (lost === 'empty' || lost === 'not-finite' || best < least) return [];
		if (best === 0) return facts.forcesZero && ious[truth] === 0 && (facts.force === 'ties' || anchor === 0) ? [truth] : [];
		return (facts.force === 'ties' ? ious[truth] === best : bestAnchor === anchor) ? [truth] : [];
	});
}

const OWNERS = {
	argmax: 'it keeps the object that it overlaps most',
	last: 'it goes to the object that rescued it, the last of several',
	first: 'it goes to the object that rescued it, the first of several',
};

function explainMaxIou(question: Question, facts: MaxIouFacts): Explanation {
	const { names, thresholds, matches, anchor } = question;
	const ious = overlapsOf(question);
	const most = ious[largest(ious)];
	const positive = thresholds.positive;
	const negative = facts.oneLine ? positive : thresholds.negative;
	const isPositive = facts.strict ? most > Math.fround(positive) : most >= Math.fround(positive);
	const isNegative = !isPositive && (facts.negativeInclusive ? most <= Math.fround(negative) : most < Math.fround(negative));
	const saviours = rescuers(question, ious, facts);
	const owner = matches.matches[anchor];
	const rescued = saviours.length > 0 && (!isPositive || owner !== largest(ious) || facts.owner !== 'argmax');
	const steps: Step[] = [{ text: highest(ious, names), decided: false }];
	const below = facts.negativeInclusive ? 'At most' : 'Below';
	steps.push({ text: `${below} ${two(negative)}? ${isNegative ? 'Yes: a negative.' : 'No.'}`, decided: isNegative && !rescued });
	if (!isNegative) {
		const line = facts.strict ? `Above ${two(positive)}` : `At least ${two(positive)}`;
		steps.push({ text: `${line}? ${isPositive ? 'Yes: a positive.' : 'No, it is in between: ignored.'}`, decided: !rescued });
	}
	steps.push({ text: rescue(question, ious, facts, saviours), decided: rescued });
	return { measure: 'IoU', measures: iouMeasures(ious), marks: facts.oneLine ? [positive] : [negative, positive], steps };
}

function rescue({ names, matches, anchor }: Question, ious: Float32Array, facts: MaxIouFacts, saviours: readonly number[]): string {
	if (facts.force === 'none') return 'This rule rescues nobody: being an object’s best anchor does not count.';
	if (saviours.length === 0)
		return facts.asksMinimum ? 'No object has it for its best anchor, or with too little IoU.' : 'No object has it for its best anchor.';
	const list = saviours.map((truth) => `${names[truth]} (${two(ious[truth])})`).join(' and ');
	if (saviours.every((truth) => ious[truth] === 0))
		return `${list} overlaps no anchor at all: its best IoU is 0, which this one has too. So it is a positive, a trap of this rule.`;
	return `It is the best anchor of ${list}: a positive whatever the lines say, and ${OWNERS[facts.owner]}, ${names[matches.matches[anchor]]}.`;
}

function explainPairs(question: Question): Explanation {
	const { names, thresholds, matches, anchor } = question;
	const ious = overlapsOf(question);
	const best = largest(ious);
	const owner = matches.matches[anchor];
	const passes = ious[best] >= Math.fround(thresholds.positive);
	const paired = owner >= 0 && (!passes || owner !== best || matches.groundTruths[owner].bestAnchor === anchor);
	const steps: Step[] = [{ text: highest(ious, names), decided: false }];
	steps.push({
		text: paired
			? `In the first round ${names[owner]} took it (${two(ious[owner])}): the best pair of those still free.`
			: 'In the first round no object took it: each had a better one.',
		decided: paired,
	});
	if (!paired)
		steps.push({ text: `At least ${two(thresholds.positive)}? ${passes ? `Yes: a positive for ${names[best]}.` : 'No: a negative.'}`, decided: true });
	return { measure: 'IoU', measures: iouMeasures(ious), marks: [thresholds.positive], steps };
}

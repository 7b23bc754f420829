// Explanations of the rules that begin with where an anchor or a point is: ATSS and FCOS.

import { boxIou } from 'kedge';
import { type AnchorSet, placeOf } from './anchor-sets.js';
import { centreOf, concerned } from './explain-yolo.js';
import { type Explanation, iouMeasures, largest, type Measure, overlapsOf, type Question, type Step, two } from './explanation.js';

const round = Math.fround;

/** The middle of a box in the float32 steps of the rule, so that equal distances are equal here too. */
function exactCentre(boxes: ArrayLike<number>, row: number): readonly [number, number] {
	return [round(boxes[4 * row] + boxes[4 * row + 2]) * 0.5, round(boxes[4 * row + 1] + boxes[4 * row + 3]) * 0.5];
}

/** The `count` anchors of a level that are nearest to a place, nearest first; of equals the first. */
function nearest(set: AnchorSet, level: number, [x, y]: readonly [number, number], count: number): number[] {
	const { start, rows, columns, perCell } = set.levels[level];
	const found: { anchor: number; away: number }[] = [];
	for (let anchor = start; anchor < start + rows * columns * perCell; anchor++) {
		const [a, b] = exactCentre(set.boxes, anchor);
		const [dx, dy] = [round(a - x), round(b - y)];
		const away = round(round(dx * dx) + round(dy * dy));
		if (found.length === count && !(away < found[count - 1].away)) continue;
		let at = found.length;
		while (at > 0 && found[at - 1].away > away) at--;
		found.splice(at, 0, { anchor, away });
		if (found.length > count) found.pop();
	}
	return found.map(({ anchor }) => anchor);
}

const ORDINALS = ['', 'second ', 'third '];

/** The line that an object draws for itself. */
function lineOf({ set, boxes, thresholds }: Question, truth: number) {
	const place = exactCentre(boxes, truth);
	const byLevel = set.levels.map((_, level) => nearest(set, level, place, thresholds.topK));
	const candidates = byLevel.flat();
	const rows = Float32Array.from(candidates.flatMap((anchor) => [...set.boxes.subarray(4 * anchor, 4 * anchor + 4)]));
	const ious = boxIou(rows, boxes.slice(4 * truth, 4 * truth + 4));
	const mean = ious.reduce((sum, v) => sum + v, 0) / Math.max(1, ious.length);
	const spread = ious.length > 1 ? Math.sqrt(ious.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (ious.length - 1)) : 0;
	return { byLevel, mean, spread, line: round(round(mean) + round(spread)) };
}

/** ATSS. */
export function explainAtss(question: Question): Explanation {
	const { set, boxes, names, thresholds, matches, anchor } = question;
	const ious = overlapsOf(question);
	const owner = matches.matches[anchor];
	const truth = owner >= 0 ? owner : ious[largest(ious)] > 0 ? largest(ious) : concerned(question);
	const { byLevel, mean, spread, line } = lineOf(question, truth);
	const { level } = placeOf(set, anchor);
	const rank = byLevel[level].indexOf(anchor);
	const name = set.levels[level].name;
	const steps: Step[] = [];
	if (rank < 0) {
		steps.push({ text: `It is not among the ${thresholds.topK} anchors of ${name} nearest to the middle of ${names[truth]}: a negative.`, decided: true });
		return { measure: 'IoU', measures: iouMeasures(ious), marks: [line], steps };
	}
	const ordinal = ORDINALS[rank] ?? `${rank + 1}th `;
	steps.push({ text: `It is the ${ordinal}nearest anchor of ${name} to the middle of ${names[truth]}: a candidate.`, decided: false });
	steps.push({
		text: `All candidates overlap ${names[truth]} by ${two(mean)} on average, with a spread of ${two(spread)}: the line is ${two(line)}.`,
		decided: false,
	});
	const passes = ious[truth] >= line;
	steps.push({ text: `Its IoU is ${two(ious[truth])}: ${passes ? 'it passes.' : 'not enough, a negative.'}`, decided: !passes });
	if (!passes) return { measure: 'IoU', measures: iouMeasures(ious), marks: [line], steps };
	const [x, y] = centreOf(set.boxes, anchor);
	const box = boxes.subarray(4 * truth, 4 * truth + 4);
	const inside = Math.min(x - box[0], y - box[1], box[2] - x, box[3] - y) > 0.01;
	steps.push({
		text: inside ? `Its centre is inside of ${names[truth]}: a positive.` : `But its centre is outside of ${names[truth]}: a negative.`,
		decided: true,
	});
	return { measure: 'IoU', measures: iouMeasures(ious), marks: [line], steps };
}

const CENTERNESS = 'centerness: 1 in the middle, 0 at the border';

/** How far a point is from the four sides of every object. */
function sidesOf({ set, boxes, names, anchor }: Question): number[][] {
	const [x, y] = centreOf(set.boxes, anchor);
	return names.map((_, g) => [x - boxes[4 * g], y - boxes[4 * g + 1], boxes[4 * g + 2] - x, boxes[4 * g + 3] - y]);
}

function centernesses(sides: readonly number[][]): Measure[] {
	return sides.map(([l, t, r, b], truth) => {
		const value = Math.min(l, t, r, b) > 0 ? Math.sqrt((Math.min(l, r) / Math.max(l, r)) * (Math.min(t, b) / Math.max(t, b))) : 0;
		return { truth, value, text: two(value) };
	});
}

/** The object that a point is about: its own, or the one it is most in the middle of, or the nearest. */
function spokenOf(question: Question, measures: readonly Measure[]): number {
	const owner = question.matches.matches[question.anchor];
	const best = largest(measures.map(({ value }) => value));
	return owner >= 0 ? owner : measures[best].value > 0 ? best : concerned(question);
}

function insideStep(sides: readonly number[], name: string): Step {
	const [l, t, r, b] = sides.map((v) => Math.round(v));
	const inside = Math.min(...sides) > 0;
	const text = inside
		? `It stands inside of ${name}: ${l} px from its left side, ${t} from the top, ${r} from the right, ${b} from the bottom.`
		: `It stands outside of ${name}: a negative.`;
	return { text, decided: !inside };
}

function ownerStep({ names, matches, anchor }: Question, sides: readonly number[][], truth: number): Step {
	const others = names.filter((_, g) => g !== truth && Math.min(...sides[g]) > 0);
	const owner = names[matches.matches[anchor]] ?? names[truth];
	const text = others.length
		? `It is in ${others.join(' and ')} too; of those that want it, the smallest has it: ${owner}.`
		: `So it answers for ${names[truth]}.`;
	return { text, decided: true };
}

/** FCOS. */
export function explainFcos(question: Question): Explanation {
	const { set, boxes, names, rule, thresholds, anchor } = question;
	const [x, y] = centreOf(set.boxes, anchor);
	const { level } = placeOf(set, anchor);
	const { stride, name } = set.levels[level];
	const sides = sidesOf(question);
	const measures = centernesses(sides);
	const truth = spokenOf(question, measures);
	const steps: Step[] = [insideStep(sides[truth], names[truth])];
	const answer: Explanation = { measure: CENTERNESS, measures, marks: [], steps };
	if (steps[0].decided) return answer;
	const inclusive = rule.id === 'fcos-mmdet';
	if (!inclusive) {
		const [a, c] = centreOf(boxes, truth);
		const away = Math.max(Math.abs(x - a), Math.abs(y - c));
		const near = away < thresholds.radius * stride;
		const limit = thresholds.radius.toFixed(1);
		steps.push({
			text: `From its middle it is ${(away / stride).toFixed(1)} strides away: ${near ? `less than ${limit}, near enough.` : `not less than ${limit}, a negative.`}`,
			decided: !near,
		});
		if (!near) return answer;
	}
	const low = level === 0 ? 0 : 4 * stride;
	const high = level === set.levels.length - 1 ? Number.POSITIVE_INFINITY : 8 * stride;
	const farthest = Math.max(...sides[truth]);
	const inRange = inclusive ? farthest >= low && farthest <= high : (level === 0 || farthest > low) && farthest < high;
	const range = high === Number.POSITIVE_INFINITY ? `beyond ${low}` : `from ${low} to ${high}`;
	steps.push({
		text: `${name} is meant for sides ${range} px away; the farthest is ${Math.round(farthest)}: ${inRange ? 'the right level.' : 'another level’s, a negative.'}`,
		decided: !inRange,
	});
	if (inRange) steps.push(ownerStep(question, sides, truth));
	return answer;
}

/** FoveaBox. */
export function explainFovea(question: Question): Explanation {
	const { set, boxes, names, matches, anchor } = question;
	const { stride, name } = set.levels[placeOf(set, anchor).level];
	const sides = sidesOf(question);
	const measures = centernesses(sides);
	const truth = spokenOf(question, measures);
	const [w, h] = [boxes[4 * truth + 2] - boxes[4 * truth], boxes[4 * truth + 3] - boxes[4 * truth + 1]];
	const size = Math.sqrt(w * h);
	const inRange = size >= stride && size <= 4 * stride;
	const positive = matches.labels[anchor] === 1;
	const steps: Step[] = [
		{
			text: `${name} is meant for objects of ${stride} to ${4 * stride} px (the root of the area); ${names[truth]} has ${Math.round(size)}: ${inRange ? 'the right level.' : 'another level’s, a negative.'}`,
			decided: !inRange && !positive,
		},
	];
	if (inRange || positive) {
		steps.push({
			text: `Its cell is ${positive ? 'in' : 'not in'} the middle part of ${names[truth]}, 0.4 of each side${positive ? '.' : ': a negative.'}`,
			decided: !positive,
		});
		if (positive) steps.push(ownerStep(question, sides, truth));
	}
	return { measure: CENTERNESS, measures, marks: [], steps };
}

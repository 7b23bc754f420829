// Explanations of the rules of YOLO: which cell the centre is in, and how alike the shapes are.

import { type AnchorSet, placeOf, rowOf } from './anchor-sets.js';
import { type Explanation, type Measure, type Question, type Step, two } from './explanation.js';

type Size = readonly [width: number, height: number];

export function sizeOf(boxes: ArrayLike<number>, row: number): Size {
	return [boxes[4 * row + 2] - boxes[4 * row], boxes[4 * row + 3] - boxes[4 * row + 1]];
}

export function centreOf(boxes: ArrayLike<number>, row: number): Size {
	return [(boxes[4 * row] + boxes[4 * row + 2]) / 2, (boxes[4 * row + 1] + boxes[4 * row + 3]) / 2];
}

/** The object that an anchor's label is about: its own, or the one whose centre is nearest. */
export function concerned({ boxes, set, matches, anchor, names }: Question): number {
	if (matches.matches[anchor] >= 0) return matches.matches[anchor];
	const [x, y] = centreOf(set.boxes, anchor);
	let nearest = 0;
	let least = Number.POSITIVE_INFINITY;
	for (let g = 0; g < names.length; g++) {
		const [a, b] = centreOf(boxes, g);
		const away = Math.hypot(a - x, b - y);
		if (away < least) [least, nearest] = [away, g];
	}
	return nearest;
}

/** IoU of two sizes laid corner on corner. */
export function shapeIou([w, h]: Size, [a, b]: Size): number {
	const both = Math.min(w, a) * Math.min(h, b);
	return both / (w * h + a * b - both);
}

/** The shape of a level, or of all, that is most like a size. */
function mostAlike(set: AnchorSet, levels: readonly number[], size: Size): { level: number; shape: number; iou: number } {
	let best = { level: 0, shape: 0, iou: -1 };
	for (const level of levels) {
		for (let shape = 0; shape < set.levels[level].perCell; shape++) {
			const iou = shapeIou(size, sizeOf(set.boxes, rowOf(set, { level, row: 0, column: 0, shape })));
			if (iou > best.iou) best = { level, shape, iou };
		}
	}
	return best;
}

const rounded = ([w, h]: Size) => `${Math.round(w)} × ${Math.round(h)}`;

/** darknet's rule. */
export function explainYolo(question: Question): Explanation {
	const { set, boxes, names, rule, thresholds, matches, anchor } = question;
	const place = placeOf(set, anchor);
	const own = sizeOf(set.boxes, anchor);
	const truth = concerned(question);
	const [x, y] = centreOf(boxes, truth);
	const all = rule.id === 'yolo-all';
	const best = mostAlike(set, all ? set.levels.map((_, i) => i) : [place.level], sizeOf(boxes, truth));
	const level = set.levels[best.level];
	const cell = { row: Math.floor(y / level.stride), column: Math.floor(x / level.stride) };
	const isShape = best.level === place.level && best.shape === place.shape;
	const isCell = best.level === place.level && cell.row === place.row && cell.column === place.column;
	const label = matches.labels[anchor];
	const bestSize = rounded(sizeOf(set.boxes, rowOf(set, { ...best, row: 0, column: 0 })));
	const steps: Step[] = [
		{
			text: `Of ${all ? 'all' : `the ${level.perCell}`} shapes${all ? '' : ` of ${level.name}`}, ${bestSize}${all ? ` on ${level.name}` : ''} is most like ${names[truth]} (${two(best.iou)}). ${isShape ? 'That is this one’s shape.' : 'This one has another shape.'}`,
			decided: label === 0 && !isShape,
		},
		{
			text: `The centre of ${names[truth]} is in row ${cell.row}, column ${cell.column} of ${level.name}: ${isCell ? 'this cell.' : 'another cell.'}`,
			decided: label === 0 && isShape && !isCell,
		},
	];
	if (label === 1) steps.push({ text: `So it answers for ${names[truth]}.`, decided: true });
	else if (label === -1) {
		steps.push({
			text: `It would be a negative, but if the network predicted this very box, it would overlap an object by ${two(matches.maxIou[anchor])}, more than ${two(thresholds.ignore)}: not punished.`,
			decided: true,
		});
	} else if (isShape && isCell) steps.push({ text: 'But another object with the same cell and shape was written over it.', decided: true });
	const measures = names.map((_, g): Measure => {
		const value = shapeIou(own, sizeOf(boxes, g));
		return { truth: g, value, text: two(value) };
	});
	return { measure: 'IoU of shapes, corner on corner', measures, marks: [], steps };
}

const SIDES = [
	['left', 'right'],
	['above', 'below'],
] as const;

/** YOLOv5's rule. */
export function explainYolov5(question: Question): Explanation {
	const { set, boxes, names, thresholds, matches, anchor } = question;
	const place = placeOf(set, anchor);
	const level = set.levels[place.level];
	const own = sizeOf(set.boxes, anchor);
	const ratioTo = (g: number) => {
		const size = sizeOf(boxes, g);
		return Math.max(...[0, 1].map((k) => Math.max(size[k] / own[k], own[k] / size[k])));
	};
	const truth = concerned(question);
	const ratio = ratioTo(truth);
	const fits = ratio < thresholds.ratio;
	const at = centreOf(boxes, truth).map((v) => v / level.stride);
	const count = [level.columns, level.rows];
	const cell = at.map((v, k) => Math.min(count[k] - 1, Math.floor(v)));
	const neighbours = at.map((v, k) => {
		if (v % 1 < 0.5 && v > 1) return -1;
		return (count[k] - v) % 1 < 0.5 && count[k] - v > 1 ? 1 : 0;
	});
	const away = [place.column - cell[0], place.row - cell[1]];
	const isCentre = away[0] === 0 && away[1] === 0;
	const isNeighbour = [0, 1].some((k) => neighbours[k] !== 0 && away[k] === neighbours[k] && away[1 - k] === 0);
	const asked = neighbours.flatMap((side, k) => (side === 0 ? [] : [SIDES[k][side < 0 ? 0 : 1]]));
	const label = matches.labels[anchor];
	const steps: Step[] = [
		{
			text: `Its sides and those of ${names[truth]} differ by a factor of ${two(ratio)} at most: ${fits ? 'less' : 'not less'} than ${thresholds.ratio.toFixed(1)}, so the shape ${fits ? 'fits' : 'does not fit'}.`,
			decided: label === 0 && !fits,
		},
		{
			text: `The centre is in row ${cell[1]}, column ${cell[0]} of ${level.name}${asked.length ? `, nearer to the cell ${asked.join(' and the one ')}` : ''}. This is ${isCentre ? 'the centre’s cell' : isNeighbour ? 'one of those neighbours' : 'neither of those cells'}.`,
			decided: label === 0 && fits && !isCentre && !isNeighbour,
		},
	];
	if (label === 1) steps.push({ text: `So it answers for ${names[truth]}.`, decided: true });
	const measures = names.map((_, g): Measure => ({ truth: g, value: 1 / ratioTo(g), text: `${two(ratioTo(g))}×` }));
	return { measure: 'largest ratio of sides', measures, marks: [1 / thresholds.ratio], steps };
}

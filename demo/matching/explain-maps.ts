// Explanations of the rules that paint one map of cells: DenseBox's circles and CenterNet's middles.

import { centreOf, concerned } from './explain-yolo.js';
import { type Explanation, type Measure, type Question, two } from './explanation.js';

/** How far the point of an anchor is from the middle of every object, and how high each object is, in cells. */
function distancesOf({ set, boxes, names, anchor }: Question): { away: number; height: number }[] {
	const [x, y] = centreOf(set.boxes, anchor);
	const { stride } = set.levels[0];
	return names.map((_, g) => {
		const [x1, y1, x2, y2] = boxes.subarray(4 * g, 4 * g + 4);
		return { away: Math.hypot(x - (x1 + x2) / 2, y - (y1 + y2) / 2) / stride, height: (y2 - y1) / stride };
	});
}

/** DenseBox: the radius is 0.3 of the height, and about all circles lies a zone of two cells. */
export function explainDenseBox(question: Question): Explanation {
	const { names, matches, anchor } = question;
	const truth = concerned(question);
	const all = distancesOf(question);
	// the rim of the circle is the middle of the bar
	const measures = all.map(({ away, height }, g): Measure => ({ truth: g, value: Math.max(0, 1 - away / (0.6 * height)), text: `${two(away)} cells` }));
	const { away, height } = all[truth];
	const label = matches.labels[anchor];
	const steps = [
		{ text: `It is ${two(away)} cells from the middle of ${names[truth]}, whose circle reaches ${two(0.3 * height)}: 0.3 of its height.`, decided: false },
		{ text: label === 1 ? `So it answers for ${names[truth]}.` : 'So it is in no circle.', decided: label === 1 },
	];
	if (label !== 1)
		steps.push({ text: label === -1 ? 'A positive is at most two cells away: ignored.' : 'No positive is within two cells: a negative.', decided: true });
	return { measure: 'nearness to the middle; the line is the rim of the circle', measures, marks: [0.5], steps };
}

/** CenterNet: one cell per object; those around it are negatives that are punished less. */
export function explainCenterNet(question: Question): Explanation {
	const { names, matches, anchor } = question;
	const all = distancesOf(question);
	const truth = concerned(question);
	const heat = 'heatMap' in matches ? (matches.heatMap as Float32Array)[anchor] : 0;
	const measures = all.map(({ away }, g): Measure => ({ truth: g, value: Math.max(0, 1 - away / 20), text: `${two(away)} cells` }));
	const isCentre = matches.labels[anchor] === 1;
	const steps = [
		{ text: isCentre ? `The middle of ${names[truth]} lies in this cell: a positive.` : 'No object has its middle in this cell: a negative.', decided: true },
	];
	if (!isCentre) {
		const weight = (1 - heat) ** 4;
		const mild = `The heat painted here is ${two(heat)}, so a wrong "yes" costs only (1 − ${two(heat)})⁴ = ${two(weight)} of it.`;
		steps.push({ text: heat > 0 ? mild : 'No heat is painted here, so a wrong "yes" costs it whole.', decided: false });
	}
	return { measure: 'nearness to the middle', measures, marks: [], steps };
}

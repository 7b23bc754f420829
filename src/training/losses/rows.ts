// The formulas over a row of logits that a softmax joins: the class of each row, and the place between two bins. Float32
// steps from the first logit to the last, on both sides. Twins: shaders/training/rows.wgsl.ts.

import { log32 } from '../../functions.js';
import { exp32, reciprocal32 } from '../../numbers.js';
import { difference, flush, product, sum } from './arithmetic.js';
import type { LossFormula, LossTask } from './loss.js';

const round = Math.fround;

/** The target of a row that has no loss. */
export const IGNORED = -1;

/** Writes the softmax of row i, and answers what -log of a probability is: `base` - logit, base = log of the sum of exponentials. */
function softmax({ predictions, width }: LossTask, i: number, out: Float32Array): { largest: number; logSum: number } {
	const from = i * width;
	let largest = flush(predictions[from]);
	for (let c = 1; c < width; c++) largest = Math.max(largest, flush(predictions[from + c]));
	let total = 0;
	for (let c = 0; c < width; c++) {
		const e = exp32(round(flush(predictions[from + c]) - largest));
		out[from + c] = e;
		total = round(total + e);
	}
	const inverse = reciprocal32(total);
	for (let c = 0; c < width; c++) out[from + c] = product(out[from + c], inverse);
	return { largest, logSum: log32(total) };
}

/** The target is a class, or `IGNORED`; factors are the classes' weights. k: 1 - smoothing, smoothing / C, sum of the classes' weights. */
export const classes: LossFormula = (task, i, gradients) => {
	const { predictions, targets, factors, width, constants: k } = task;
	const from = i * width;
	if (targets[i] === IGNORED) {
		gradients.fill(0, from, from + width);
		return 0;
	}
	const { largest, logSum } = softmax(task, i, gradients);
	const costOf = (c: number) => sum(difference(largest, flush(predictions[from + c])), logSum);
	const own = product(k[0], factors[targets[i] % factors.length]);
	let loss = product(own, costOf(targets[i]));
	if (k[1] > 0) {
		let all = 0;
		for (let c = 0; c < width; c++) all = sum(all, product(factors[c % factors.length], costOf(c)));
		loss = sum(loss, product(k[1], all));
	}
	const total = sum(own, product(k[1], k[2]));
	for (let c = 0; c < width; c++) {
		const smoothed = difference(product(gradients[from + c], total), product(k[1], factors[c % factors.length]));
		gradients[from + c] = c === targets[i] ? difference(smoothed, own) : smoothed;
	}
	return loss;
};

/** The target is a place from 0 to the last bin; the two bins beside it have their shares of it. */
export const bins: LossFormula = (task, i, gradients) => {
	const { predictions, targets, width } = task;
	const from = i * width;
	const place = flush(targets[i]);
	const left = Math.floor(place);
	const right = Math.min(left + 1, width - 1);
	const rightShare = flush(round(place - left));
	const leftShare = round(1 - rightShare);
	const { largest, logSum } = softmax(task, i, gradients);
	const costOf = (c: number) => sum(difference(largest, flush(predictions[from + c])), logSum);
	const total = sum(leftShare, rightShare);
	for (let c = 0; c < width; c++) {
		const share = sum(c === left ? leftShare : 0, c === right ? rightShare : 0);
		gradients[from + c] = difference(product(gradients[from + c], total), share);
	}
	return sum(product(leftShare, costOf(left)), product(rightShare, costOf(right)));
};

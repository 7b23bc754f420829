// The formulas of one prediction and one target each, with their slopes, in float32 steps. Twins, by the same names:
// shaders/training/elements.wgsl.ts. x is a logit and t a target from 0 to 1 unless it says otherwise.

import { log32, softplus32 } from '../../functions.js';
import { sigmoid32 } from '../../numbers.js';
import { crossEntropyOf, difference, errorOf, flush, power, product, ratio, signOf, sum } from './arithmetic.js';
import type { LossFormula } from './loss.js';

const round = Math.fround;

/** Answers the loss and writes its slope by x at gradients[i]. */
type ElementFormula = (x: number, t: number, k: readonly number[], gradients: Float32Array, i: number, factor: number) => number;

function elementwise(formula: ElementFormula): LossFormula {
	return ({ predictions, targets, constants, factors }, i, gradients) =>
		formula(flush(predictions[i]), flush(targets[i]), constants, gradients, i, factors[i % factors.length]);
}

/** Targets smoothed to t k0 + k1; what is positive counts `factor` times. */
export const bce = elementwise((x, t, k, gradients, i, factor) => {
	const smoothed = sum(product(t, k[0]), k[1]);
	const positive = product(smoothed, factor);
	const negative = round(1 - smoothed);
	gradients[i] = difference(product(negative, sigmoid32(x)), product(positive, sigmoid32(-x)));
	return sum(negative > 0 ? product(negative, softplus32(x)) : 0, positive > 0 ? product(positive, softplus32(-x)) : 0);
});

/** Of any two numbers; k0 is beta. */
export const smoothL1 = elementwise((x, t, k, gradients, i) => {
	const d = difference(x, t);
	const size = d < 0 ? -d : d;
	if (size < k[0]) {
		gradients[i] = ratio(d, k[0]);
		return ratio(product(product(0.5, d), d), k[0]);
	}
	gradients[i] = signOf(d);
	return difference(size, product(0.5, k[0]));
});

/** Of any two numbers. */
export const l2 = elementwise((x, t, _, gradients, i) => {
	const d = difference(x, t);
	gradients[i] = product(2, d);
	return product(d, d);
});

/** k: alpha, 1 - alpha, gamma, gamma - 1. */
export const focal = elementwise((x, t, k, gradients, i) => {
	const p = sigmoid32(x);
	const q = sigmoid32(-x);
	const rest = round(1 - t);
	const missing = sum(product(p, rest), product(q, t)); // 1 - p of the target
	const entropy = crossEntropyOf(x, t);
	const balance = sum(product(k[0], t), product(k[1], rest));
	const modulation = power(missing, k[2]);
	const slope = product(product(k[2], power(missing, k[3])), product(product(p, q), difference(rest, t)));
	gradients[i] = product(balance, sum(product(modulation, errorOf(p, q, t)), product(slope, entropy)));
	return product(balance, product(modulation, entropy));
});

/** x is a probability. k: alpha, 1 - alpha, gamma, gamma - 1, cutoff. */
export const focalProbabilities = elementwise((x, t, k, gradients, i) => {
	const isPositive = t > k[4];
	const clipped = x < LEAST ? LEAST : x > MOST ? MOST : x;
	const rest = round(1 - clipped);
	const negative = round(1 - t);
	const entropy = difference(0, sum(product(t, log32(clipped)), product(negative, log32(rest))));
	const slope = clipped === x ? difference(ratio(negative, rest), ratio(t, clipped)) : 0;
	const missing = isPositive ? round(1 - x) : x;
	const balance = isPositive ? k[0] : k[1];
	const modulation = power(missing, k[2]);
	const change = product(product(k[2], power(missing, k[3])), isPositive ? -1 : 1);
	gradients[i] = product(balance, sum(product(modulation, slope), product(change, entropy)));
	return product(balance, product(modulation, entropy));
});
/** Keras keeps probabilities this far from 0 and 1 before it takes their logarithm. */
const LEAST = round(1e-7);
const MOST = round(1 - 1e-7);

/** k: alpha, gamma, 1 where positives are weighted by their target. */
export const varifocal = elementwise((x, t, k, gradients, i) => {
	const p = sigmoid32(x);
	const q = sigmoid32(-x);
	if (t > 0) {
		const weight = k[2] > 0 ? t : 1;
		gradients[i] = product(weight, errorOf(p, q, t));
		return product(weight, crossEntropyOf(x, t));
	}
	const modulation = product(k[0], power(p, k[1]));
	const entropy = softplus32(x);
	gradients[i] = product(modulation, sum(p, product(product(k[1], q), entropy)));
	return product(modulation, entropy);
});

/** k: beta, beta - 1. */
export const quality = elementwise((x, t, k, gradients, i) => {
	const p = sigmoid32(x);
	const q = sigmoid32(-x);
	const error = errorOf(p, q, t);
	const size = error < 0 ? -error : error;
	const entropy = crossEntropyOf(x, t);
	const modulation = power(size, k[0]);
	const slope = product(product(k[0], power(size, k[1])), product(signOf(error), product(p, q)));
	gradients[i] = sum(product(modulation, error), product(slope, entropy));
	return product(modulation, entropy);
});

/** k: alpha, gamma. A target of 1 is a peak. */
export const gaussian = elementwise((x, t, k, gradients, i) => {
	const p = sigmoid32(x);
	const q = sigmoid32(-x);
	if (t === 1) {
		const modulation = power(q, k[0]);
		const entropy = softplus32(-x);
		gradients[i] = difference(0, product(modulation, sum(q, product(product(k[0], p), entropy))));
		return product(modulation, entropy);
	}
	const modulation = product(power(round(1 - t), k[1]), power(p, k[0]));
	const entropy = softplus32(x);
	gradients[i] = product(modulation, sum(p, product(product(k[0], q), entropy)));
	return product(modulation, entropy);
});

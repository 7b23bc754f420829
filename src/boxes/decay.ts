// Soft-NMS (Bodla et al. 2017, arXiv:1704.04503): a candidate that a kept box overlaps is not removed; its score is multiplied by a
// weight that falls with the overlap o.
//
//   linear     1 - o where o > t, else 1
//   gaussian   exp(scale o^2), scale = -1 / sigma or -1 / (2 sigma); with removal nothing is left where o > t
//
// Scores are held by their keys, which are exact on every device. Twin: shaders/shared/decay.wgsl.ts.

import { exp32, flushProduct, keyOf, scoreOfKey } from '../numbers.js';

const round = Math.fround;

/** How scores decay: what selects the shader's text. */
export interface SoftRule {
	readonly method: 'gaussian' | 'linear';
	/** Gaussian: an overlap above the threshold removes a candidate outright, as tfjs has it. */
	readonly removal: boolean;
}

/**
 * Sigmoids of logits in order are in order but for a few units in the last place. While candidates are taken by their logits, one whose score
 * is within so many of the best may therefore still have better ones behind it.
 */
export const KEY_SLACK = 64;

/** The key of a score of 0. */
const ZERO_KEY = 0x80000000;

/** The key of a score after a kept box overlapped its box by `overlap`; 0 when it is removed. t from `decisionThreshold`, scale a float32. */
export function decayedKey(key: number, overlap: number, { method, removal }: SoftRule, t: number, scale: number): number {
	if (overlap === 0) return key;
	const isAbove = overlap > t;
	if (removal && isAbove) return 0;
	const weight = method === 'gaussian' ? exp32(product(product(scale, overlap), overlap)) : isAbove ? round(1 - overlap) : 1;
	if (weight === 1) return key;
	return weight === 0 ? ZERO_KEY : keyOf(product(scoreOfKey(key), weight));
}

/** A product in float32, 0 below the smallest normal float. */
function product(x: number, y: number): number {
	return flushProduct(round(x * y));
}

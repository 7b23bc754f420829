// What a sampler answers: which anchors of a picture take part in a loss. A sampler reads labels (1: positive, 0: negative, -1: ignored),
// leaves the chosen ones as they are and turns all others to -1.

import { refuse, refuseUnless } from '../../checks.js';
import { checkFloats } from '../../inputs.js';
import type { SeededRandom } from '../random.js';

/** The anchors that take part in a loss. */
export interface Sample {
	/** [A] the labels given, -1 where an anchor was not chosen. */
	readonly labels: Int32Array;
	/** [K] the chosen anchors: the positives ascending, then the negatives ascending. */
	readonly indices: Uint32Array;
	readonly numPositives: number;
	readonly numNegatives: number;
}

/** Labels as a matcher gives them: Int32Array, or any list of integers; above 0 positive (a class id serves), 0 negative, -1 ignored. */
export type LabelsLike = Int32Array | readonly number[];

/** Labels sorted out. */
export interface Sorted {
	readonly labels: Int32Array;
	/** Ascending. */
	readonly positives: Uint32Array;
	/** Ascending. */
	readonly negatives: Uint32Array;
}

/** Labels of an argument, checked, and which anchors are positive and negative. */
export function readLabels(where: string, value: unknown): Sorted {
	const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
	if (!isList) refuse(TypeError, where, 'labels', 'must be an Int32Array or an array of integers', value, 'those of a matcher');
	const given = value as unknown as ArrayLike<unknown>;
	const labels = new Int32Array(given.length);
	let numPositives = 0;
	let numNegatives = 0;
	for (let a = 0; a < labels.length; a++) {
		const label = given[a] as number;
		if (!Number.isInteger(label) || label < -1 || label > 0x7fffffff) {
			refuseUnless(typeof label === 'number', where, `labels[${a}]`, 'must be -1 (ignored), 0 (negative) or a positive integer', label);
		}
		labels[a] = label;
		if (label > 0) numPositives++;
		else if (label === 0) numNegatives++;
	}
	const positives = new Uint32Array(numPositives);
	const negatives = new Uint32Array(numNegatives);
	for (let a = 0, p = 0, n = 0; a < labels.length; a++) {
		if (labels[a] > 0) positives[p++] = a;
		else if (labels[a] === 0) negatives[n++] = a;
	}
	return { labels, positives, negatives };
}

/** Losses [A], one for each label; none may be NaN, which has no place in an order. */
export function readLosses(where: string, value: unknown, count: number): Float32Array {
	const losses = checkFloats(where, 'losses', value);
	if (losses.length !== count) refuse(RangeError, where, 'losses', `must have one entry per label, ${count}`, losses.length);
	const stranger = losses.findIndex(Number.isNaN);
	if (stranger >= 0) refuse(RangeError, where, `losses[${stranger}]`, 'must be a number', NaN);
	return losses;
}

/** The answer from the chosen anchors. */
export function sampleOf(labels: Int32Array, positives: Uint32Array, negatives: Uint32Array): Sample {
	const sampled = new Int32Array(labels.length).fill(-1);
	const indices = new Uint32Array(positives.length + negatives.length);
	indices.set(positives);
	indices.set(negatives, positives.length);
	for (const a of indices) sampled[a] = labels[a];
	return { labels: sampled, indices, numPositives: positives.length, numNegatives: negatives.length };
}

/** `count` of the candidates, each set of them as likely as any other, in ascending order; all of them when there are no more. */
export function draw(candidates: Uint32Array, count: number, random: SeededRandom): Uint32Array {
	if (count >= candidates.length) return candidates;
	const pool = candidates.slice();
	// the first `count` steps of a shuffle
	for (let i = 0; i < count; i++) {
		const j = i + random.integer(pool.length - i);
		[pool[i], pool[j]] = [pool[j], pool[i]];
	}
	return pool.subarray(0, count).sort();
}

/** The `count` candidates with the highest losses, of equal ones the lower indices, in ascending order of index. */
export function hardest(candidates: Uint32Array, losses: Float32Array, count: number): Uint32Array {
	if (count >= candidates.length) return candidates;
	if (count === 0) return new Uint32Array(0);
	const sorted = Float32Array.from(candidates, (a) => losses[a] + 0).sort(); // -0 is 0
	const last = sorted[sorted.length - count];
	let above = 0;
	for (const a of candidates) if (losses[a] > last) above++;
	let equal = count - above;
	return candidates.filter((a) => losses[a] > last || (losses[a] === last && equal-- > 0));
}

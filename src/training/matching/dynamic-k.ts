// The heart of SimOTA (Ge et al. 2021, YOLOX) and of YOLOv7's OTA: a ground truth gets as many candidates as its ten best
// overlaps add up to, those of least cost; a candidate that several chose goes to the one to which it costs least.

import { log32 } from '../../functions.js';
import { MIN_NORMAL } from '../../numbers.js';
import type { Predictions } from './predictions.js';

const round = Math.fround;

/** -log p, not above 100, as torch clamps it in its binary cross entropy. */
function minusLog(p: number): number {
	return p >= MIN_NORMAL ? Math.min(100, -log32(p)) : 100;
}

/** The cost of calling a prediction a class: binary cross entropy over all classes, against 1 for this one and 0 for the others. */
export class ClassCosts {
	readonly #chances: Float32Array;
	readonly #numClasses: number;
	/** [candidates] the cost when it is none of them. */
	readonly #nothing: Float64Array;

	/** Of the predictions of these anchors; with an objectness of sqrt(score x objectness). */
	constructor({ scores, numClasses }: Predictions, objectness: Float32Array | undefined, anchors: ArrayLike<number>) {
		this.#numClasses = numClasses;
		this.#chances = new Float32Array(anchors.length * numClasses);
		this.#nothing = new Float64Array(anchors.length);
		for (let i = 0; i < anchors.length; i++) {
			const a = anchors[i];
			for (let c = 0; c < numClasses; c++) {
				const score = scores[a * numClasses + c];
				const chance = objectness ? round(Math.sqrt(round(score * objectness[a]))) : score;
				this.#chances[i * numClasses + c] = chance;
				this.#nothing[i] += minusLog(round(1 - chance));
			}
		}
	}

	of(candidate: number, classId: number): number {
		const chance = this.#chances[candidate * this.#numClasses + classId];
		return round(this.#nothing[candidate] - minusLog(round(1 - chance)) + minusLog(chance));
	}
}

/** Overlaps and costs of G ground truths with C candidates, [G, C]. */
export interface Offers {
	readonly numCandidates: number;
	readonly overlaps: Float32Array;
	readonly costs: Float32Array;
}

/** The weight of the overlap's logarithm against the class in the cost: all three sources have 3. */
export function costOf(classCost: number, overlap: number, epsilon: number, penalty: number): number {
	return round(round(classCost + round(3 * minusLogOverlap(overlap, epsilon))) + penalty);
}

function minusLogOverlap(overlap: number, epsilon: number): number {
	return -log32(round(overlap + round(epsilon)));
}

/** How many candidates a ground truth gets: the whole part of the sum of its best overlaps, at least 1, at most all. */
function countOf(overlaps: Float32Array, topk: number): number {
	const best = overlaps.slice().sort().reverse().subarray(0, topk);
	const sum = best.reduce((total, v) => round(total + v), 0);
	return Math.min(overlaps.length, Math.max(1, Math.trunc(sum)));
}

/**
 * The ground truth of each candidate [C], -1 for none. `taking`: those that take part. Of equal costs the first candidate is taken, and the first
 * ground truth.
 */
export function matchDynamicK({ numCandidates, overlaps, costs }: Offers, taking: readonly number[], topk: number): Int32Array {
	const matches = new Int32Array(numCandidates).fill(-1);
	if (numCandidates === 0) return matches;
	const askers = new Uint32Array(numCandidates);
	for (const g of taking) {
		const own = costs.subarray(g * numCandidates, (g + 1) * numCandidates);
		const count = countOf(overlaps.subarray(g * numCandidates, (g + 1) * numCandidates), topk);
		for (const c of cheapest(own, count)) {
			askers[c]++;
			matches[c] = g;
		}
	}
	for (let c = 0; c < numCandidates; c++) {
		if (askers[c] <= 1) continue;
		// among all ground truths, not only those that chose it
		matches[c] = taking.reduce((least, g) => (costs[g * numCandidates + c] < costs[least * numCandidates + c] ? g : least));
	}
	return matches;
}

/** The indices of the lowest costs; of equals the first. */
function cheapest(costs: Float32Array, count: number): number[] {
	const kept: number[] = [];
	for (let c = 0; c < costs.length; c++) {
		if (kept.length === count && !(costs[c] < costs[kept[count - 1]])) continue;
		let place = kept.length;
		while (place > 0 && costs[c] < costs[kept[place - 1]]) place--;
		kept.splice(place, 0, c);
		if (kept.length > count) kept.pop();
	}
	return kept;
}

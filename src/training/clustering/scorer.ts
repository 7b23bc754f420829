// The fitness of anchors over leaves of sizes: exact, and early to say that anchors cannot be better than what is known. A leaf tells which
// anchors can be the best there (mostly one), which of the four quotients is the smallest for all rows (mostly one), and what it is worth at most.
// `fitnessOf` of metric.ts is the textbook for it. Products of two float32 are exact in doubles and rounding is monotone, so that the
// smallest and the largest product are found first and one of them is rounded: the bits are those of rounding them all.

import { type Leaves, makeLeaves } from './leaves.js';
import { MEASURE_ONE, reciprocals } from './metric.js';
import type { SizeRows } from './sizes.js';

const round = Math.fround;

/** What is known of a leaf for the anchors at hand. */
const DEAD = 0; // no anchor is above the threshold for any row
// 1 to 4: one anchor serves all rows, and the smallest quotient is always the first, second, third or fourth
const ONE_ANCHOR = 5;
const MANY_ANCHORS = 6;
/** Sums of bounds are doubles; this much is added so that they stay bounds. */
const MARGIN = MEASURE_ONE * (1 + 1e-6);

/** What the bounds say least about comes first. */
function turnOf(kind: number): 0 | 1 | 2 {
	return kind === MANY_ANCHORS ? 0 : kind === ONE_ANCHOR ? 1 : 2;
}

/** Scores anchor sets of one length against the same sizes, again and again. */
export class FitnessScorer {
	readonly #leaves: Leaves;
	readonly #threshold: number;
	readonly #numAnchors: number;
	/** Of each leaf: its kind, its worth or a bound of it, and the anchors that can be the best there. */
	readonly #kinds: Uint8Array;
	readonly #worth: Float64Array;
	readonly #numBest: Uint16Array;
	readonly #best: Uint16Array;
	/** Anchors that can be the best in a block, and bounds of each. */
	readonly #inBlock: Uint16Array;
	readonly #upper: Float32Array;
	readonly #all: Uint16Array;
	/** Leaves in the order in which they are summed. */
	readonly #queue: Uint32Array;
	#anchors: Float32Array = new Float32Array(0);
	#inverses: Float32Array = new Float32Array(0);
	/** The highest bound that `#select` found. */
	readonly #top = new Float64Array(1);

	constructor(rows: SizeRows, numAnchors: number, threshold: number) {
		this.#leaves = makeLeaves(rows);
		const { numLeaves } = this.#leaves;
		this.#threshold = threshold;
		this.#numAnchors = numAnchors;
		this.#kinds = new Uint8Array(numLeaves);
		this.#worth = new Float64Array(numLeaves);
		this.#queue = new Uint32Array(numLeaves);
		this.#numBest = new Uint16Array(numLeaves);
		this.#best = new Uint16Array(numLeaves * numAnchors);
		this.#inBlock = new Uint16Array(numAnchors);
		this.#upper = new Float32Array(numAnchors);
		this.#all = Uint16Array.from({ length: numAnchors }, (_, k) => k);
	}

	/** The fitness of anchors [K, 2] in steps of 2^-23, summed over all boxes; -1 as soon as it is certain that it is not above `known`. */
	score(anchors: Float32Array, known = -1): number {
		this.#anchors = anchors;
		this.#inverses = reciprocals(anchors);
		let bound = this.#boundAll();
		if (bound <= known) return -1;
		const kinds = this.#kinds;
		const worth = this.#worth;
		const queue = this.#queue;
		const length = this.#sortQueue();
		for (let i = 0; i < length; i++) {
			const leaf = queue[i];
			bound += this.#sum(leaf, kinds[leaf]) - worth[leaf];
			if (bound <= known) return -1;
		}
		return bound > known ? bound : -1;
	}

	/** Leaves that are worth anything: with many anchors first, then those with one, then those with one quotient. Their number. */
	#sortQueue(): number {
		const kinds = this.#kinds;
		const queue = this.#queue;
		const ends = [0, 0, 0];
		for (let leaf = 0; leaf < kinds.length; leaf++) if (kinds[leaf] !== DEAD) ends[turnOf(kinds[leaf])]++;
		const places = [0, ends[0], ends[0] + ends[1]];
		for (let leaf = 0; leaf < kinds.length; leaf++) if (kinds[leaf] !== DEAD) queue[places[turnOf(kinds[leaf])]++] = leaf;
		return ends[0] + ends[1] + ends[2];
	}

	/** Bounds the worth of every leaf; their sum. */
	#boundAll(): number {
		const { numLeaves, blockSize, blockBounds, bounds } = this.#leaves;
		const kinds = this.#kinds;
		const worth = this.#worth;
		const numBest = this.#numBest;
		const threshold = this.#threshold;
		const numAnchors = this.#numAnchors;
		const top = this.#top;
		let sum = 0;
		for (let begin = 0, block = 0; begin < numLeaves; begin += blockSize, block++) {
			const numInBlock = this.#select(blockBounds, block, this.#all, numAnchors, this.#inBlock, 0);
			const isDead = top[0] <= threshold;
			for (let leaf = begin; leaf < begin + blockSize && leaf < numLeaves; leaf++) {
				kinds[leaf] = DEAD;
				worth[leaf] = 0;
				if (isDead) continue;
				numBest[leaf] = this.#select(bounds, leaf, this.#inBlock, numInBlock, this.#best, leaf * numAnchors);
				if (top[0] > threshold) sum += this.#bound(leaf, top[0]);
			}
		}
		return sum;
	}

	/** Copies those anchors of a list that can be the best for a row within bounds; their number. The highest bound is left in `#top`. */
	#select(bounds: Float32Array, i: number, list: Uint16Array, length: number, out: Uint16Array, at: number): number {
		const anchors = this.#anchors;
		const inverses = this.#inverses;
		const upper = this.#upper;
		const b = 8 * i;
		let reached = 0; // by the best anchor, for every row
		let top = 0;
		let topAnchor = list[0];
		for (let c = 0; c < length; c++) {
			const k = 2 * list[c];
			let most = bounds[b + 1] * inverses[k];
			let other = anchors[k] * bounds[b + 4];
			if (other < most) most = other;
			other = bounds[b + 3] * inverses[k + 1];
			if (other < most) most = other;
			other = anchors[k + 1] * bounds[b + 6];
			if (other < most) most = other;
			upper[c] = most;
			if (most > top) {
				top = most;
				topAnchor = list[c];
			}
			if (most <= reached) continue;
			let least = bounds[b] * inverses[k];
			other = anchors[k] * bounds[b + 5];
			if (other < least) least = other;
			other = bounds[b + 2] * inverses[k + 1];
			if (other < least) least = other;
			other = anchors[k + 1] * bounds[b + 7];
			if (other < least) least = other;
			if (least > reached) reached = least;
		}
		this.#top[0] = top;
		let numOut = 0;
		for (let c = 0; c < length; c++) if (upper[c] > reached) out[at + numOut++] = list[c];
		if (numOut === 0) out[at + numOut++] = topAnchor; // all rows have the same ratio
		return numOut;
	}

	/** Tells the kind of a leaf, and what it is worth at most. */
	#bound(leaf: number, top: number): number {
		const { leafCounts, bounds, sums } = this.#leaves;
		const count = leafCounts[leaf];
		// a ratio above 1 is 1 by rounding
		let most = count * Math.floor(round(Math.min(1, top)) * MEASURE_ONE + 0.5);
		this.#kinds[leaf] = MANY_ANCHORS;
		if (this.#numBest[leaf] === 1) {
			const k = 2 * this.#best[leaf * this.#numAnchors];
			const f0 = this.#inverses[k];
			const f1 = this.#anchors[k];
			const f2 = this.#inverses[k + 1];
			const f3 = this.#anchors[k + 1];
			const b = 8 * leaf;
			const low0 = bounds[b] * f0;
			const high0 = bounds[b + 1] * f0;
			const low1 = bounds[b + 5] * f1;
			const high1 = bounds[b + 4] * f1;
			const low2 = bounds[b + 2] * f2;
			const high2 = bounds[b + 3] * f2;
			const low3 = bounds[b + 7] * f3;
			const high3 = bounds[b + 6] * f3;
			let kind = ONE_ANCHOR;
			if (high0 <= low1 && high0 <= low2 && high0 <= low3) kind = 1;
			else if (high1 <= low0 && high1 <= low2 && high1 <= low3) kind = 2;
			else if (high2 <= low0 && high2 <= low1 && high2 <= low3) kind = 3;
			else if (high3 <= low0 && high3 <= low1 && high3 <= low2) kind = 4;
			this.#kinds[leaf] = kind;
			// a sum of smallest quotients is no more than the smallest sum of quotients
			const s = 4 * leaf;
			const linear = Math.min(sums[s] * f0, sums[s + 1] * f1, sums[s + 2] * f2, sums[s + 3] * f3) * MARGIN + 0.5 * count;
			// whole, so that the sum of all stays exact
			if (linear < most) most = Math.ceil(linear);
		}
		this.#worth[leaf] = most;
		return most;
	}

	/** The worth of a leaf. */
	#sum(leaf: number, kind: number): number {
		if (kind === MANY_ANCHORS) return this.#sumMany(leaf);
		const k = 2 * this.#best[leaf * this.#numAnchors];
		if (kind === ONE_ANCHOR) return this.#sumOne(leaf, k);
		const { widths, heights, inWidths, inHeights } = this.#leaves;
		if (kind === 1) return this.#sumQuotient(leaf, widths, this.#inverses[k]);
		if (kind === 2) return this.#sumQuotient(leaf, inWidths, this.#anchors[k]);
		if (kind === 3) return this.#sumQuotient(leaf, heights, this.#inverses[k + 1]);
		return this.#sumQuotient(leaf, inHeights, this.#anchors[k + 1]);
	}

	#sumQuotient(leaf: number, values: Float32Array, factor: number): number {
		const { leafSize, counts } = this.#leaves;
		const threshold = this.#threshold;
		const end = Math.min(values.length, (leaf + 1) * leafSize);
		let sum = 0;
		for (let i = leaf * leafSize; i < end; i++) {
			const ratio = round(values[i] * factor);
			if (ratio > threshold) sum += ((ratio * MEASURE_ONE + 0.5) | 0) * counts[i];
		}
		return sum;
	}

	#sumOne(leaf: number, k: number): number {
		const { leafSize, counts, widths, heights, inWidths, inHeights } = this.#leaves;
		const threshold = this.#threshold;
		const f0 = this.#inverses[k];
		const f1 = this.#anchors[k];
		const f2 = this.#inverses[k + 1];
		const f3 = this.#anchors[k + 1];
		const end = Math.min(widths.length, (leaf + 1) * leafSize);
		let sum = 0;
		for (let i = leaf * leafSize; i < end; i++) {
			const a = widths[i] * f0;
			const b = inWidths[i] * f1;
			const c = heights[i] * f2;
			const d = inHeights[i] * f3;
			let ratio = a < b ? a : b;
			ratio = c < ratio ? c : ratio;
			ratio = round(d < ratio ? d : ratio);
			if (ratio > threshold) sum += ((ratio * MEASURE_ONE + 0.5) | 0) * counts[i];
		}
		return sum;
	}

	#sumMany(leaf: number): number {
		const { leafSize, counts, widths, heights, inWidths, inHeights } = this.#leaves;
		const threshold = this.#threshold;
		const anchors = this.#anchors;
		const inverses = this.#inverses;
		const list = this.#best;
		const from = leaf * this.#numAnchors;
		const to = from + this.#numBest[leaf];
		const end = Math.min(widths.length, (leaf + 1) * leafSize);
		let sum = 0;
		for (let i = leaf * leafSize; i < end; i++) {
			const width = widths[i];
			const height = heights[i];
			const inWidth = inWidths[i];
			const inHeight = inHeights[i];
			let best = 0;
			for (let c = from; c < to; c++) {
				const k = 2 * list[c];
				let ratio = width * inverses[k];
				const b = anchors[k] * inWidth;
				const d = height * inverses[k + 1];
				const e = anchors[k + 1] * inHeight;
				ratio = b < ratio ? b : ratio;
				ratio = d < ratio ? d : ratio;
				ratio = e < ratio ? e : ratio;
				best = ratio > best ? ratio : best;
			}
			best = round(best);
			if (best > threshold) sum += ((best * MEASURE_ONE + 0.5) | 0) * counts[i];
		}
		return sum;
	}
}

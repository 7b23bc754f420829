// The mean best IoU of anchors over leaves of sizes: exact, and early to say that anchors cannot be better than what is known.
// `meanBestIou` of metric.ts is the textbook for it.

import { leastIou, mostIou } from './iou-bounds.js';
import { type Leaves, makeLeaves } from './leaves.js';
import { shapeIou, toSteps } from './metric.js';
import type { SizeRows } from './sizes.js';

/** Scores anchor sets of one length against the same sizes, again and again. */
export class IouScorer {
	readonly #leaves: Leaves;
	readonly #numAnchors: number;
	readonly #all: Uint16Array;
	readonly #inBlock: Uint16Array;
	/** [leaves, anchors] those that can be the best in a leaf, and how many. */
	readonly #inLeaf: Uint16Array;
	readonly #numInLeaf: Uint16Array;
	readonly #worth: Float64Array;
	readonly #most: Float64Array;

	constructor(rows: SizeRows, numAnchors: number) {
		this.#leaves = makeLeaves(rows);
		const { numLeaves } = this.#leaves;
		this.#numAnchors = numAnchors;
		this.#all = Uint16Array.from({ length: numAnchors }, (_, k) => k);
		this.#inBlock = new Uint16Array(numAnchors);
		this.#inLeaf = new Uint16Array(numAnchors * numLeaves);
		this.#numInLeaf = new Uint16Array(numLeaves);
		this.#worth = new Float64Array(numLeaves);
		this.#most = new Float64Array(numAnchors + 1);
	}

	/** The sum over all boxes of the best IoU in steps of 2^-23; -1 as soon as it is certain that it is not above `known`. */
	score(anchors: Float32Array, known = -1): number {
		const { numLeaves, blockSize, bounds, blockBounds, leafCounts } = this.#leaves;
		let bound = 0;
		for (let begin = 0, block = 0; begin < numLeaves; begin += blockSize, block++) {
			const numInBlock = this.#select(anchors, blockBounds, block, this.#all, this.#numAnchors, this.#inBlock, 0);
			for (let leaf = begin; leaf < begin + blockSize && leaf < numLeaves; leaf++) {
				this.#numInLeaf[leaf] = this.#select(anchors, bounds, leaf, this.#inBlock, numInBlock, this.#inLeaf, leaf * this.#numAnchors);
				this.#worth[leaf] = leafCounts[leaf] * toSteps(Math.min(1, this.#most[this.#numAnchors]));
				bound += this.#worth[leaf];
			}
		}
		for (let leaf = 0; leaf < numLeaves && bound > known; leaf++) bound += this.#sum(anchors, leaf) - this.#worth[leaf];
		return bound > known ? bound : -1;
	}

	/** Copies those anchors of a list that can be the best for a size within bounds; their number. The highest bound is left at the end of `#most`. */
	#select(anchors: Float32Array, bounds: Float32Array, i: number, list: Uint16Array, length: number, out: Uint16Array, at: number): number {
		const most = this.#most;
		let reached = 0;
		let top = 0;
		for (let n = 0; n < length; n++) {
			const k = 2 * list[n];
			most[n] = mostIou(bounds, i, anchors[k], anchors[k + 1]);
			if (most[n] > top) top = most[n];
			if (most[n] > reached) reached = Math.max(reached, leastIou(bounds, i, anchors[k], anchors[k + 1]));
		}
		let numOut = 0;
		for (let n = 0; n < length; n++) if (most[n] >= reached) out[at + numOut++] = list[n];
		most[this.#numAnchors] = top;
		return numOut;
	}

	#sum(anchors: Float32Array, leaf: number): number {
		const { leafSize, widths, heights, counts } = this.#leaves;
		const first = leaf * this.#numAnchors;
		const end = Math.min(counts.length, (leaf + 1) * leafSize);
		let sum = 0;
		for (let place = leaf * leafSize; place < end; place++) {
			let best = 0;
			for (let n = first; n < first + this.#numInLeaf[leaf]; n++) {
				const k = 2 * this.#inLeaf[n];
				const iou = shapeIou(widths[place], heights[place], anchors[k], anchors[k + 1]);
				if (iou > best) best = iou;
			}
			sum += toSteps(best) * counts[place];
		}
		return sum;
	}
}

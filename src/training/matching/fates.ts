// Ground truths as the rules take them, and the tally of what became of each: how every matcher that is not plain IoU of
// anchors begins and ends. A box that cannot take part is told, and never looked at again.

import { areaOf, flushCoordinate, isUsableBox } from '../../boxes/overlap.js';
import { refuse } from '../../checks.js';
import { type BoxesLike, checkBoxes } from '../../inputs.js';
import type { GroundTruthFate, LostReason, Matches } from './matches.js';

/** Ground truths of one call. */
export interface GroundTruths {
	readonly count: number;
	/** [G, 4] xyxy, denormals flushed to 0. */
	readonly boxes: Float32Array;
	/** [G] 0 for those that cannot take part. */
	readonly areas: Float32Array;
	/** [G] why it cannot take part, or undefined. */
	readonly unusable: readonly (LostReason | undefined)[];
}

/** Boxes [N, 4] of an argument, xyxy; rotated ones are refused. */
export function checkUprightBoxes(where: string, argument: string, value: unknown): Float32Array {
	const { rows, rotated } = checkBoxes(where, argument, value);
	if (rotated) refuse(TypeError, where, argument, 'must be upright boxes', value, 'this rule does not know angles');
	return rows;
}

/** The ground truths of an argument. */
export function readGroundTruths(where: string, value: BoxesLike): GroundTruths {
	const boxes = checkUprightBoxes(where, 'groundTruths', value).map(flushCoordinate);
	const count = boxes.length / 4;
	const areas = new Float32Array(count);
	const unusable = Array.from({ length: count }, (_, g): LostReason | undefined => {
		const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
		if (!isUsableBox(x1, y1, x2, y2)) return 'not-finite';
		areas[g] = areaOf(x1, y1, x2, y2);
		return areas[g] > 0 ? undefined : 'empty';
	});
	return { count, boxes, areas, unusable };
}

/** Labels, matches and fates while a rule is at work. */
export class Tally {
	readonly labels: Int32Array;
	readonly matches: Int32Array;
	readonly maxIou: Float32Array;
	readonly #lost: (LostReason | undefined)[];
	readonly #bestAnchor: Int32Array;
	readonly #best: Float64Array;

	constructor(numAnchors: number, { count, unusable }: GroundTruths) {
		this.labels = new Int32Array(numAnchors);
		this.matches = new Int32Array(numAnchors).fill(-1);
		this.maxIou = new Float32Array(numAnchors);
		this.#lost = unusable.slice();
		this.#bestAnchor = new Int32Array(count).fill(-1);
		this.#best = new Float64Array(count);
	}

	/** The anchor becomes a positive of the ground truth, whoever had it before. */
	give(anchor: number, groundTruth: number): void {
		this.labels[anchor] = 1;
		this.matches[anchor] = groundTruth;
	}

	best(groundTruth: number, anchor: number, value: number): void {
		this.#bestAnchor[groundTruth] = anchor;
		this.#best[groundTruth] = value;
	}

	/** Why the ground truth goes without, if it does. The first reason stays. */
	lose(groundTruth: number, reason: LostReason): void {
		this.#lost[groundTruth] ??= reason;
	}

	/**
	 * The answer. A ground truth without an anchor, and without a reason so far, lost all of its own to others. `pairs`: then they say
	 * how many anchors each has.
	 */
	finish(pairs?: Matches['pairs']): Matches {
		const counts = new Int32Array(this.#best.length);
		let numPositives = 0;
		let numIgnored = 0;
		for (let a = 0; a < this.labels.length; a++) {
			if (this.labels[a] > 0) {
				numPositives++;
				if (!pairs) counts[this.matches[a]]++;
			} else if (this.labels[a] < 0) numIgnored++;
		}
		if (pairs) for (const g of pairs.groundTruths) counts[g]++;
		const groundTruths = Array.from(counts, (numAnchors, g): GroundTruthFate => {
			const fate = { numAnchors, bestAnchor: this.#bestAnchor[g], best: this.#best[g] };
			return numAnchors > 0 ? fate : { ...fate, lost: this.#lost[g] ?? 'taken' };
		});
		const { labels, matches, maxIou } = this;
		return { labels, matches, maxIou, numPositives, numIgnored, groundTruths, ...(pairs && { pairs }) };
	}
}

// From what a rule found to `Matches`: indices among all ground truths, ignored anchors, and the fate of every ground truth.

import type { GroundTruthFate, LostReason, Matches } from './matches.js';
import type { Overlaps } from './overlaps.js';
import type { Prepared } from './prepare.js';

/** What a rule found over the ground truths that take part. */
export interface Found {
	/** [A] as in `Matches`. */
	readonly labels: Int32Array;
	/** [A] indices among those that take part; -1 where the label is not 1. */
	readonly matches: Int32Array;
}

/** Why ground truth g of those that take part, with this highest overlap, could not have got an anchor; undefined when it could. */
export type WhyLost = (best: number, g: number) => LostReason | undefined;

/** Completes the answer. */
export function answerOf({ labels, matches }: Found, overlaps: Overlaps, prepared: Pick<Prepared, 'indices' | 'lost' | 'ignored'>, whyLost: WhyLost): Matches {
	const { indices, lost, ignored } = prepared;
	const counts = new Int32Array(lost.length);
	let numPositives = 0;
	let numIgnored = 0;
	for (let a = 0; a < labels.length; a++) {
		if (ignored[a]) labels[a] = -1;
		if (labels[a] === 1) {
			matches[a] = indices[matches[a]];
			counts[matches[a]]++;
			numPositives++;
			continue;
		}
		matches[a] = -1;
		if (labels[a] === -1) numIgnored++;
	}
	const groundTruths = lost.map((reason, g): GroundTruthFate => ({ numAnchors: counts[g], bestAnchor: -1, best: 0, ...(reason && { lost: reason }) }));
	indices.forEach((g, i) => {
		const best = overlaps.best[i];
		const bestAnchor = best === 0 || labels.length === 0 ? -1 : overlaps.bestAnchor[i];
		const fate = { numAnchors: counts[g], bestAnchor, best: bestAnchor < 0 ? 0 : best };
		groundTruths[g] = counts[g] ? fate : { ...fate, lost: reasonOf(fate, whyLost(best, i), ignored) };
	});
	return { labels, matches, maxIou: overlaps.maxIou, numPositives, numIgnored, groundTruths };
}

function reasonOf({ bestAnchor }: GroundTruthFate, why: LostReason | undefined, ignored: Uint8Array): LostReason {
	if (bestAnchor < 0 || why) return why ?? 'below-minimum';
	return ignored[bestAnchor] ? 'ignored' : 'taken';
}

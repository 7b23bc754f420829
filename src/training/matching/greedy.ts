// One anchor for every ground truth: the pair that overlaps most is taken, its anchor and its ground truth are left out, and so
// on. Of equal pairs the one with the lowest anchor goes first, then the one with the lowest ground truth. Used by SSD (Caffe's
// bipartite matching) and by the textbook rule.
//
// A ground truth's best free anchor only changes when it is taken. Then a list of its next best ones is made, and used up
// before another is made: the overlaps of all pairs are never stored.

import type { Overlaps } from './overlaps.js';
import { ABSENT } from './prepare.js';

/** Next best anchors that are kept per ground truth. */
const LIST = 64;

/** [G] the anchor of every ground truth; -1 where no free one overlaps it by more than `above`. */
export function greedyPairs(overlaps: Overlaps, ignored: Uint8Array, above: number): Int32Array {
	const { best, bestAnchor } = overlaps;
	const numGroundTruths = best.length;
	const pairs = new Int32Array(numGroundTruths).fill(-1);
	const isTaken = ignored.map((state) => (state === ABSENT ? 1 : 0));
	// the best overlap with a free anchor, or one that was free: it never grows
	const open = new Set(best.keys());
	const value = Float32Array.from(best);
	const anchor = Int32Array.from(bestAnchor);
	const lists = new Map<number, number[]>();
	while (open.size) {
		let g = -1;
		for (const other of open) {
			const isFirst = g < 0 || value[other] > value[g] || (value[other] === value[g] && anchor[other] < anchor[g]);
			if (isFirst) g = other;
		}
		if (anchor[g] < 0 || !(value[g] > above)) break;
		if (!isTaken[anchor[g]]) {
			pairs[g] = anchor[g];
			isTaken[anchor[g]] = 1;
			open.delete(g);
			continue;
		}
		let list = (lists.get(g) ?? []).filter((a) => !isTaken[a]);
		if (list.length === 0) list = nextBest(overlaps, g, isTaken, above);
		lists.set(g, list);
		anchor[g] = list.length ? list[0] : -1;
		value[g] = list.length ? overlaps.at(list[0], g) : -Infinity;
	}
	return pairs;
}

/** The free anchors that overlap a ground truth most, and by more than `above`: best first, of equal ones the lowest index. */
function nextBest({ maxIou, at }: Overlaps, g: number, isTaken: Uint8Array, above: number): number[] {
	const list: number[] = [];
	const values: number[] = [];
	let least = above;
	for (let a = 0; a < maxIou.length; a++) {
		// a later anchor with the same overlap comes behind
		if (!(maxIou[a] > least) || isTaken[a]) continue;
		const overlap = at(a, g);
		if (!(overlap > least)) continue;
		let place = list.length;
		while (place > 0 && values[place - 1] < overlap) place--;
		list.splice(place, 0, a);
		values.splice(place, 0, overlap);
		if (list.length > LIST) {
			list.pop();
			values.pop();
		}
		if (list.length === LIST) least = values[LIST - 1];
	}
	return list;
}

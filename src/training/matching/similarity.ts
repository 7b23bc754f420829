// The same as overlaps.ts, of a matrix that was given: G ground truths x A anchors, whatever the numbers measure.

import { type Overlaps, type TiesWanted, tiedAnchors } from './overlaps.js';

/** Of a matrix [G, A], row by row, without NaN. */
export function overlapsOfMatrix(matrix: Float32Array, numAnchors: number, ties?: TiesWanted): Overlaps {
	const numGroundTruths = numAnchors ? matrix.length / numAnchors : 0;
	const at = (a: number, g: number) => matrix[g * numAnchors + a];
	const maxIou = new Float32Array(numAnchors).fill(numGroundTruths ? -Infinity : 0);
	const argmax = new Int32Array(numAnchors).fill(numGroundTruths ? 0 : -1);
	const best = new Float32Array(numGroundTruths).fill(-Infinity);
	const bestAnchor = new Int32Array(numGroundTruths);
	const lastBest = new Int32Array(numGroundTruths);
	for (let g = 0; g < numGroundTruths; g++) {
		for (let a = 0; a < numAnchors; a++) {
			const value = at(a, g);
			if (value > maxIou[a]) {
				maxIou[a] = value;
				argmax[a] = g;
			}
			if (value < best[g]) continue;
			if (value > best[g]) bestAnchor[g] = a;
			best[g] = value;
			lastBest[g] = a;
		}
	}
	const found = { maxIou, argmax, best, bestAnchor, at };
	return ties ? { ...found, tied: tiedAnchors(found, lastBest, ties) } : found;
}

// Greedy non-maximum suppression as the textbook has it: the specification that every faster way, here and on the GPU,
// is tested against. Quadratic, plain, and exact: total order, exact overlap decision, nothing else.

import { isUsableAngle } from '../boxes/limits.js';
import { areaOf, flushCoordinate, isUsableBox, PLAIN_OVERLAP } from '../boxes/overlap.js';
import { overlapsBy } from '../boxes/rotated.js';
import { decisionThreshold, floatBits, isNaNBits, keyOfBits } from '../numbers.js';

/** What decides an answer; the numbers of CallParams that suppression needs. */
export interface SuppressionRules {
	minKey: number;
	iouThreshold: number;
	maxDetections: number;
	maxCandidates: number;
	tiesHighest: boolean;
	classAgnostic: boolean;
}

/** Kept indices, best first, and the counts that go with them. */
export interface SuppressionResult {
	indices: Uint32Array;
	numCandidates: number;
	truncated: number;
	rejected: number;
}

/**
 * Textbook greedy NMS of boxes [N, 4] xyxy with scores [N] and, unless classes do not matter, class ids [N]. Rotated boxes are [N, 5], xyxy
 * before the turn and the angle; by the rule of fast NMS every better candidate suppresses.
 */
export function nmsTextbook(
	boxes: Float32Array,
	scores: Float32Array,
	classIds: ArrayLike<number> | undefined,
	rules: SuppressionRules,
	overlap = PLAIN_OVERLAP,
): SuppressionResult {
	const { candidates, flushed, areasOrAngles, numCandidates, rejected } = candidatesOf(boxes, scores, rules, overlap);
	const t = decisionThreshold(rules.iouThreshold);
	const sameClass = (i: number, j: number) => rules.classAgnostic || !classIds || classIds[i] === classIds[j];
	// boxes are counted by four words
	const place = (i: number) => (i * (overlap.rotated ? 5 : 4)) / 4;
	const suppresses = (k: number, i: number) =>
		sameClass(k, i) && overlapsBy(overlap, flushed, place(k), areasOrAngles[k], flushed, place(i), areasOrAngles[i], t);
	const kept: number[] = [];
	candidates.forEach((i, rank) => {
		if (kept.length === rules.maxDetections) return;
		const better = overlap.fast ? candidates.slice(0, rank) : kept;
		if (!better.some((k) => suppresses(k, i))) kept.push(i);
	});
	return { indices: Uint32Array.from(kept), numCandidates, truncated: numCandidates - candidates.length, rejected };
}

/** What takes part in a textbook suppression: indices, best first and cut; and what is known of all boxes. */
export interface TextbookCandidates {
	candidates: number[];
	/** Boxes as every device sees them, their areas (angles of rotated ones) and the keys of their scores. */
	flushed: Float32Array;
	areasOrAngles: Float32Array;
	keys: Uint32Array;
	numCandidates: number;
	rejected: number;
}

/** Filters, rejects, sorts and cuts. */
export function candidatesOf(boxes: Float32Array, scores: Float32Array, rules: SuppressionRules, overlap = PLAIN_OVERLAP): TextbookCandidates {
	const flushed = boxes.map(flushCoordinate);
	const width = overlap.rotated ? 5 : 4;
	const corners = (i: number) => Array.from(flushed.subarray(width * i, width * i + 4)) as [number, number, number, number];
	const areasOrAngles = scores.map((_, i) => (overlap.rotated ? flushed[width * i + 4] : areaOf(...corners(i))));
	const keys = Uint32Array.from(scores, (score) => keyOfBits(floatBits(score)));
	const passed: number[] = [];
	let rejected = 0;
	for (let i = 0; i < scores.length; i++) {
		if (isNaNBits(floatBits(scores[i]))) rejected++;
		else if (keys[i] < rules.minKey) continue;
		else if (!isUsableBox(...corners(i)) || (overlap.rotated && !isUsableAngle(areasOrAngles[i]))) rejected++;
		else passed.push(i);
	}
	passed.sort((i, j) => keys[j] - keys[i] || (rules.tiesHighest ? j - i : i - j));
	return { candidates: passed.slice(0, rules.maxCandidates), flushed, areasOrAngles, keys, numCandidates: passed.length, rejected };
}

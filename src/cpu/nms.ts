// Greedy non-maximum suppression as the textbook has it: the specification that every faster way, here and on the GPU,
// is tested against. Quadratic, plain, and exact: total order, exact overlap decision, nothing else.

import { areaOf, decisionThreshold, flushCoordinate, isUsableBox, overlapsByRule, PLAIN_OVERLAP } from '../boxes/overlap.js';
import { floatBits, isNaNBits, keyOfBits } from '../numbers.js';

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

/** Textbook greedy NMS of boxes [N, 4] xyxy with scores [N] and, unless classes do not matter, class ids [N]. */
export function nmsTextbook(
	boxes: Float32Array,
	scores: Float32Array,
	classIds: ArrayLike<number> | undefined,
	rules: SuppressionRules,
	overlap = PLAIN_OVERLAP,
): SuppressionResult {
	const flushed = boxes.map(flushCoordinate);
	const areas = scores.map((_, i) => areaOf(flushed[4 * i], flushed[4 * i + 1], flushed[4 * i + 2], flushed[4 * i + 3]));
	const keys = Uint32Array.from(scores, (score) => keyOfBits(floatBits(score)));
	const t = decisionThreshold(rules.iouThreshold);
	const sameClass = (i: number, j: number) => rules.classAgnostic || !classIds || classIds[i] === classIds[j];

	let candidates: number[] = [];
	let rejected = 0;
	for (let i = 0; i < scores.length; i++) {
		if (isNaNBits(floatBits(scores[i]))) rejected++;
		else if (keys[i] < rules.minKey) continue;
		else if (!isUsableBox(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3])) rejected++;
		else candidates.push(i);
	}
	const numCandidates = candidates.length;
	candidates.sort((i, j) => keys[j] - keys[i] || (rules.tiesHighest ? j - i : i - j));
	candidates = candidates.slice(0, rules.maxCandidates);

	const kept: number[] = [];
	for (const i of candidates) {
		if (kept.length === rules.maxDetections) break;
		if (!kept.some((k) => sameClass(k, i) && overlapsByRule(overlap, flushed, k, areas[k], flushed, i, areas[i], t))) kept.push(i);
	}
	return { indices: Uint32Array.from(kept), numCandidates, truncated: numCandidates - candidates.length, rejected };
}

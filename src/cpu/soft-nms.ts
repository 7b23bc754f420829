// Soft-NMS as the textbook has it, the specification that the fast way and the GPU are tested against: keep the best score, let the
// scores of all others decay by their overlap with it, drop those that no longer pass, begin anew.

import { decayedKey, type SoftRule } from '../boxes/decay.js';
import { overlapOf, PLAIN_OVERLAP } from '../boxes/overlap.js';
import { decisionThreshold, scoreOfKey } from '../numbers.js';
import { candidatesOf, type SuppressionResult, type SuppressionRules } from './nms.js';

/** The numbers of CallParams that soft-NMS needs. */
export interface SoftRules extends SuppressionRules {
	/** Smallest key of a decayed score that passes; `minKey` is for scores as they come. Not below that of 0. */
	minScoreKey?: number;
	/** Of the Gaussian, a float32; below 0. */
	softScale?: number;
}

/** Kept indices, best decayed score first, their scores, and the counts that go with them. */
export interface SoftResult extends SuppressionResult {
	scores: Float32Array;
}

/** Textbook soft-NMS of upright boxes [N, 4] xyxy with scores [N] and, unless classes do not matter, class ids [N]. */
export function softNmsTextbook(
	boxes: Float32Array,
	scores: Float32Array,
	classIds: ArrayLike<number> | undefined,
	rules: SoftRules,
	soft: SoftRule,
	overlap = PLAIN_OVERLAP,
): SoftResult {
	const { candidates, flushed, areasOrAngles: areas, keys, numCandidates, rejected } = candidatesOf(boxes, scores, rules, overlap);
	const t = decisionThreshold(rules.iouThreshold);
	const { minScoreKey = rules.minKey, softScale = 0 } = rules;
	const sameClass = (i: number, j: number) => rules.classAgnostic || !classIds || classIds[i] === classIds[j];
	const isBetter = (i: number, j: number) => keys[i] > keys[j] || (keys[i] === keys[j] && (rules.tiesHighest ? i > j : i < j));
	const kept: number[] = [];
	let left = candidates;
	while (left.length > 0 && kept.length < rules.maxDetections) {
		const best = left.reduce((i, j) => (isBetter(j, i) ? j : i));
		kept.push(best);
		left = left.filter((i) => {
			if (i === best) return false;
			if (!sameClass(i, best)) return true;
			const key = decayedKey(keys[i], overlapOf(overlap, flushed, best, areas[best], flushed, i, areas[i]), soft, t, softScale);
			const stays = key === keys[i] || key >= minScoreKey;
			keys[i] = key;
			return stays;
		});
	}
	const truncated = numCandidates - candidates.length;
	return { indices: Uint32Array.from(kept), scores: Float32Array.from(kept, (i) => scoreOfKey(keys[i])), numCandidates, truncated, rejected };
}

// Soft-NMS on the CPU, at once: the public softNms. On a backend it is soft-calls.ts.

import { softNmsFast } from './cpu/soft-fast.js';
import { type BoxesLike, checkSoftNms, type FloatsLike, type SoftNmsOptions } from './inputs.js';
import type { SoftKept } from './pipeline.js';

/**
 * Soft non-maximum suppression (Bodla et al. 2017, arXiv:1704.04503) on the CPU, at once: indices [K] of the detections, best decayed score
 * first, and those scores [K], float32. A detection multiplies the scores of the others that it overlaps (of its class, with `classIds`) by a weight; those
 * that come down to `scoreThreshold` are dropped. Equal scores: the lower index first. NaN scores and boxes with a coordinate that is not finite, or
 * 2^62 and more, never take part. Throws a TypeError or RangeError that names the argument.
 */
export function softNms(boxes: BoxesLike, scores: FloatsLike, options?: SoftNmsOptions): SoftKept {
	const { input, call, overlap, soft } = checkSoftNms('softNms', boxes, scores, options);
	const { indices, scores: decayed } = softNmsFast(input.boxes, input.scores, input.classIds, call, soft, overlap);
	return { indices, scores: decayed };
}

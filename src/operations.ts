// Single operations on the CPU, at once: the public nms and boxIou.

import { boxIou as pairwiseIou } from './boxes/iou.js';
import type { OverlapRule } from './boxes/overlap.js';
import { rotatedBoxIou } from './boxes/rotated.js';
import { upright } from './boxes/rotated-formats.js';
import { nmsFast } from './cpu/fast.js';
import { type BoxesLike, type BoxIouOptions, checkBoxIou, checkNms, type FloatsLike, type NmsOptions } from './inputs.js';
import type { NmsInput, PairKind } from './pipeline.js';
import type { CallParams } from './plan.js';

/** nms of checked input. */
export function nmsOnCpu({ boxes, scores, classIds }: NmsInput, call: CallParams, overlap: OverlapRule): Uint32Array {
	return nmsFast(overlap.rotated ? upright(boxes) : boxes, scores, classIds, call, overlap).indices;
}

/** boxIou of checked input. */
export function boxIouOnCpu(boxesA: Float32Array, boxesB: Float32Array, kind: PairKind): Float32Array {
	if (kind === 'rotated-iou' || kind === 'probiou') return rotatedBoxIou(boxesA, boxesB, kind === 'probiou' ? kind : 'iou');
	return pairwiseIou(boxesA, boxesB, { kind });
}

/**
 * Greedy non-maximum suppression on the CPU, at once: indices of the kept boxes [K], best score first, ties by lower index.
 * A kept box removes later ones (of its class, with `classIds`) whose IoU with it is above `iouThreshold`, all in float32.
 * Rotated boxes (format 'cxcywhr') are measured by `overlap`, and suppressed by `method`.
 * NaN scores and boxes with a coordinate that is not finite, or 2^62 and more, never take part.
 */
export function nms(boxes: BoxesLike, scores: FloatsLike, options: NmsOptions): Uint32Array {
	const { input, call, overlap } = checkNms('nms', boxes, scores, options);
	return nmsOnCpu(input, call, overlap);
}

/**
 * The overlap of each box of A with each of B on the CPU, at once: [A, B], row by row. Default kind 'iou'. Rotated boxes (format 'cxcywhr',
 * in both) have the kinds 'iou', of the polygons, and 'probiou'. Pairs with a box that cannot take part are NaN.
 */
export function boxIou(boxesA: BoxesLike, boxesB: BoxesLike, options?: BoxIouOptions): Float32Array {
	const { a, b, kind } = checkBoxIou('boxIou', boxesA, boxesB, options);
	return boxIouOnCpu(a, b, kind);
}

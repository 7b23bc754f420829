// Single operations on the CPU, at once: the public nms and boxIou of upright boxes. Those of rotated boxes are beside
// them in rotated-operations.ts, so that a page that has none does not carry their geometry.

import { boxIou as pairwiseIou } from './boxes/iou.js';
import { refuse } from './checks.js';
import { nmsFast } from './cpu/fast.js';
import { type BoxesLike, type BoxIouOptions, checkBoxIou, checkNms, type FloatsLike, type NmsOptions } from './inputs.js';

/**
 * Greedy non-maximum suppression on the CPU, at once: indices of the kept boxes [K], best score first, ties by lower index.
 * A kept box removes later ones (of its class, with `classIds`) whose IoU with it is above `iouThreshold`, all in float32.
 * NaN scores and boxes with a coordinate that is not finite, or 2^62 and more, never take part. Rotated boxes: `rotatedNms`.
 */
export function nms(boxes: BoxesLike, scores: FloatsLike, options: NmsOptions): Uint32Array {
	const { input, call, overlap } = checkNms('nms', boxes, scores, options);
	if (overlap.rotated) refuseRotated('nms', 'boxes', 'rotatedNms');
	return nmsFast(input.boxes, input.scores, input.classIds, call, overlap).indices;
}

/**
 * The overlap of each box of A with each of B on the CPU, at once: [A, B], row by row. Default kind 'iou'. Pairs with a box that cannot take
 * part are NaN. Rotated boxes: `rotatedIou`.
 */
export function boxIou(boxesA: BoxesLike, boxesB: BoxesLike, options?: BoxIouOptions): Float32Array {
	const { a, b, kind } = checkBoxIou('boxIou', boxesA, boxesB, options);
	if (kind === 'rotated-iou' || kind === 'probiou') refuseRotated('boxIou', 'boxesA', 'rotatedIou');
	return pairwiseIou(a, b, { kind });
}

function refuseRotated(call: string, argument: string, instead: string): never {
	refuse(
		TypeError,
		call,
		argument,
		"must be upright boxes ('xyxy', 'yxyx', 'xywh' or 'cxcywh')",
		'cxcywhr',
		`${instead} takes rotated ones, and so does backend.${call}`,
	);
}

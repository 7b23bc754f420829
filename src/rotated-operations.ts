// Single operations on rotated boxes on the CPU, at once: the public rotatedNms and rotatedIou.

import { rotatedBoxIou } from './boxes/rotated.js';
import { upright } from './boxes/rotated-formats.js';
import { nmsFast } from './cpu/fast.js';
import { rotatedKeeps } from './cpu/rotated.js';
import { type BoxIouOptions, checkBoxIou, checkNms, type FloatsLike, type NmsOptions } from './inputs.js';

/** Rotated boxes as callers may give them: flat [N, 5], centre, size, and the angle in radians, clockwise on the screen; `convertRotated` makes them of other angles. */
export type RotatedBoxesLike = FloatsLike | { readonly data: FloatsLike; readonly format: 'cxcywhr' };

/** Rotated boxes with their format, as the checks take them. */
function named(boxes: RotatedBoxesLike): { readonly data: FloatsLike; readonly format: 'cxcywhr' } {
	const isRecord = typeof boxes === 'object' && boxes !== null && !Array.isArray(boxes) && !ArrayBuffer.isView(boxes);
	return isRecord ? (boxes as { data: FloatsLike; format: 'cxcywhr' }) : { data: boxes as FloatsLike, format: 'cxcywhr' };
}

/**
 * Non-maximum suppression of rotated boxes on the CPU, at once: indices of the kept boxes [K], best score first, ties by lower index. As `nms`,
 * but the overlap is that of the polygons, or with semantics `{ overlap: 'probiou' }` of Gaussians; semantics 'ultralytics' answers as that does.
 */
export function rotatedNms(boxes: RotatedBoxesLike, scores: FloatsLike, options: NmsOptions): Uint32Array {
	const { input, call, overlap } = checkNms('rotatedNms', named(boxes), scores, options);
	return nmsFast(upright(input.boxes), input.scores, input.classIds, call, overlap, rotatedKeeps).indices;
}

/**
 * The overlap of each rotated box of A with each of B on the CPU, at once: [A, B], row by row. Kinds 'iou' (default), of the polygons, and
 * 'probiou'. Pairs with a box that cannot take part are NaN.
 */
export function rotatedIou(boxesA: RotatedBoxesLike, boxesB: RotatedBoxesLike, options?: BoxIouOptions): Float32Array {
	const { a, b, kind } = checkBoxIou('rotatedIou', named(boxesA), named(boxesB), options);
	return rotatedBoxIou(a, b, kind === 'probiou' ? 'probiou' : 'iou');
}

// What numbers a box may have, and what a head does to a decoded box before suppression: clip it to the input, and mark
// it when it is too small to be kept. The mark stands in the place of the area. Twin: shaders/decode.wgsl.ts.

import { ANGLE_LIMIT } from '../functions.js';

/** The area of a box that is too small to be kept: no box has it. */
export const TOO_SMALL = -1;

/** Clips the xyxy box at `out[o..o+3]` to [0, width] and [0, height]. */
export function clipBox(out: Float32Array, o: number, [height, width]: readonly [number, number]): void {
	for (let c = 0; c < 4; c++) out[o + c] = Math.min(Math.max(out[o + c], 0), c % 2 === 0 ? width : height);
}

/** Whether a side of the box is below `minSize`. */
export function isTooSmall(x1: number, y1: number, x2: number, y2: number, minSize: number): boolean {
	return Math.fround(x2 - x1) < minSize || Math.fround(y2 - y1) < minSize;
}

/** True when an angle can take part: finite, below 4096 radians in magnitude. */
export function isUsableAngle(angle: number): boolean {
	return Math.abs(angle) < ANGLE_LIMIT;
}

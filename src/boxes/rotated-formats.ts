// Rotated boxes as callers have them, and the conventions that libraries part in. Boxes are flat Float32Arrays [N, 5]: centre x,
// centre y, width, height in pixels, angle; without a word the angle is in radians, clockwise on the screen (y down).

import { checkAttached, checkWord, refuse } from '../checks.js';
import { cos32, sin32 } from '../functions.js';
import { isUsableAngle } from './limits.js';
import { flushCoordinate } from './overlap.js';

const round = Math.fround;
const QUARTER = Math.PI / 2;

/**
 * Unit and direction of an angle, as seen on the screen. 'radians-clockwise': kedge, ultralytics, mmrotate. 'degrees-counterclockwise':
 * detectron2, torchvision, `rotatedAnchors`. 'degrees-clockwise': OpenCV. 'radians-counterclockwise': mmcv with clockwise=False.
 */
export type AngleConvention = 'radians-clockwise' | 'radians-counterclockwise' | 'degrees-clockwise' | 'degrees-counterclockwise';
const CONVENTIONS: readonly AngleConvention[] = ['radians-clockwise', 'radians-counterclockwise', 'degrees-clockwise', 'degrees-counterclockwise'];

/**
 * Which of the equal descriptions of a box is taken. 'ultralytics': angle in [0, pi/2), any side longer. 'long-edge-180': width >= height,
 * [0, pi) (ultralytics until 8.3). 'le90', 'le135': width >= height, [-pi/2, pi/2) and [-pi/4, 3pi/4) (mmrotate). 'oc': (0, pi/2], any
 * side longer (OpenCV's minAreaRect since 4.5.1, mmrotate 0.x). 'oc-old': [-pi/2, 0) (OpenCV before, mmrotate 1.x).
 */
export type RotatedRange = 'ultralytics' | 'long-edge-180' | 'le90' | 'le135' | 'oc' | 'oc-old';
/** Where a range begins, in quarter turns; how many it has; whether its end belongs to it instead of its beginning. */
const RANGES: Readonly<Record<RotatedRange, { start: number; quarters: 1 | 2; end?: true }>> = {
	ultralytics: { start: 0, quarters: 1 },
	'long-edge-180': { start: 0, quarters: 2 },
	le90: { start: -1, quarters: 2 },
	le135: { start: -0.5, quarters: 2 },
	oc: { start: 0, quarters: 1, end: true },
	'oc-old': { start: -1, quarters: 1 },
};

/** Rotated boxes [N, 5] with their angles in another convention, as a new array. Throws a TypeError for anything but a Float32Array, a RangeError for a length that is not a multiple of 5 or an unknown convention. */
export function convertRotated(boxes: Float32Array, from: AngleConvention, to: AngleConvention): Float32Array {
	const out = checkRotated('convertRotated', 'boxes', boxes).slice();
	const source = checkWord('convertRotated', 'from', from, CONVENTIONS);
	const target = checkWord('convertRotated', 'to', to, CONVENTIONS);
	const [unit, direction] = source.split('-');
	const turned = target.endsWith(`-${direction}`) ? 1 : -1;
	const scale = target.startsWith(unit) ? 1 : unit === 'degrees' ? Math.PI / 180 : 180 / Math.PI;
	for (let k = 4; k < out.length; k += 5) out[k] = out[k] * scale * turned;
	return out;
}

/**
 * The same boxes [N, 5] (radians, clockwise) with every angle in a range, sides exchanged where that takes it; a new array. Angles that
 * float32 cannot tell from a range's end count as the end. Ranges with width >= height turn squares by a quarter, as mmrotate does.
 */
export function regularizeRotated(boxes: Float32Array, range: RotatedRange): Float32Array {
	const out = checkRotated('regularizeRotated', 'boxes', boxes).slice();
	const { start, quarters, end } = RANGES[checkWord('regularizeRotated', 'range', range, Object.keys(RANGES) as RotatedRange[])];
	const first = round(start * QUARTER);
	const last = round((start + quarters) * QUARTER);
	for (let k = 0; k < out.length; k += 5) {
		const isStanding = quarters === 2 && !(out[k + 2] > out[k + 3]);
		const turned = isStanding ? 1 : 0;
		const turns = (out[k + 4] / QUARTER + turned - start) / quarters;
		// a float32 that is the nearest to an end of the range is that end
		const nearest = Math.round(turns);
		const isEnd = out[k + 4] === round((start + nearest * quarters - turned) * QUARTER);
		let whole = end ? Math.ceil(turns) - 1 : Math.floor(turns);
		if (isEnd) whole = end ? nearest - 1 : nearest;
		let angle = isEnd ? (end ? last : first) : round((start + (turns - whole) * quarters) * QUARTER);
		if (end ? angle <= first : angle >= last) {
			whole += end ? -1 : 1;
			angle = end ? last : first;
		}
		// half turns change nothing, quarter turns exchange the sides
		const exchange = quarters === 1 ? whole % 2 !== 0 : isStanding;
		if (exchange) [out[k + 2], out[k + 3]] = [out[k + 3], out[k + 2]];
		out[k + 4] = angle;
	}
	return out;
}

/** The corners of rotated boxes [N, 5] (radians, clockwise) as [N, 8]: x, y of what was, before the turn, the lower right, upper right, upper left and lower left one; the order of ultralytics' xywhr2xyxyxyxy. NaN where the angle is not below 4096 radians. */
export function rotatedCorners(boxes: Float32Array): Float32Array {
	checkRotated('rotatedCorners', 'boxes', boxes);
	const out = new Float32Array((boxes.length / 5) * 8);
	for (let i = 0; i * 5 < boxes.length; i++) {
		const [cx, cy, w, h, angle] = boxes.subarray(i * 5, i * 5 + 5);
		const cos = isUsableAngle(angle) ? cos32(angle) : NaN;
		const sin = isUsableAngle(angle) ? sin32(angle) : NaN;
		const [ux, uy, vx, vy] = [(w / 2) * cos, (w / 2) * sin, (-h / 2) * sin, (h / 2) * cos];
		out.set([cx + ux + vx, cy + uy + vy, cx + ux - vx, cy + uy - vy, cx - ux - vx, cy - uy - vy, cx - ux + vx, cy - uy + vy], i * 8);
	}
	return out;
}

/** The upright rectangles around rotated boxes [N, 5] (radians, clockwise), xyxy [N, 4]. NaN where the angle is not below 4096 radians. */
export function rotatedBounds(boxes: Float32Array): Float32Array {
	checkRotated('rotatedBounds', 'boxes', boxes);
	const out = new Float32Array((boxes.length / 5) * 4);
	for (let i = 0; i * 5 < boxes.length; i++) {
		const [cx, cy, w, h, angle] = boxes.subarray(i * 5, i * 5 + 5);
		const cos = isUsableAngle(angle) ? Math.abs(cos32(angle)) : NaN;
		const sin = isUsableAngle(angle) ? Math.abs(sin32(angle)) : NaN;
		const x = (w * cos + h * sin) / 2;
		const y = (w * sin + h * cos) / 2;
		out.set([cx - x, cy - y, cx + x, cy + y], i * 4);
	}
	return out;
}

/** Rotated boxes [N, 5] as kedge has them inside: the rectangle before the turn, xyxy in float32 steps, and the angle, [N, 5]. Denormals and -0 are 0. */
export function upright(boxes: Float32Array): Float32Array {
	const out = boxes.slice();
	for (let k = 0; k < out.length; k += 5) {
		const halfWidth = round(boxes[k + 2] * 0.5);
		const halfHeight = round(boxes[k + 3] * 0.5);
		out[k] = boxes[k] - halfWidth;
		out[k + 1] = boxes[k + 1] - halfHeight;
		out[k + 2] = boxes[k] + halfWidth;
		out[k + 3] = boxes[k + 1] + halfHeight;
	}
	return out.map(flushCoordinate);
}

/** Throws unless `boxes` is a Float32Array [N, 5] that is still attached. */
function checkRotated(call: string, name: string, boxes: unknown): Float32Array {
	if (Object.prototype.toString.call(boxes) !== '[object Float32Array]') refuse(TypeError, call, name, 'must be a Float32Array, flat [N, 5]', boxes);
	const rows = boxes as Float32Array;
	checkAttached(call, name, rows);
	if (rows.length % 5 !== 0) refuse(RangeError, call, name, 'must have a length that is a multiple of 5', rows.length);
	return rows;
}

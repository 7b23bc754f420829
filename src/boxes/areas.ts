// Areas of boxes, and boxes kept inside a frame: the small things one does with lists of them.

import { checkSize } from '../checks.js';
import { type Boxes, checkBoxes, toXyxy } from './formats.js';
import { areaOf } from './overlap.js';

/** The area of each box [N], in float32; 0 for empty, inverted and unusable ones. */
export function boxArea(boxes: Boxes): Float32Array {
	const rows = toXyxy('boxArea', 'boxes', boxes);
	const out = new Float32Array(rows.length / 4);
	for (let i = 0; i < out.length; i++) {
		const area = areaOf(rows[i * 4], rows[i * 4 + 1], rows[i * 4 + 2], rows[i * 4 + 3]);
		out[i] = area < Infinity ? area : 0;
	}
	return out;
}

/** xyxy boxes moved into a frame of [height, width] pixels: 0 <= x <= width, 0 <= y <= height. A new array; NaN stays NaN. */
export function clipBoxes(boxes: Float32Array, size: readonly [number, number]): Float32Array {
	checkBoxes('clipBoxes', 'boxes', boxes);
	const [height, width] = checkSize('clipBoxes', 'size', size);
	const out = boxes.slice();
	for (let k = 0; k < out.length; k++) {
		const limit = k & 1 ? height : width;
		if (out[k] < 0) out[k] = 0;
		else if (out[k] > limit) out[k] = limit;
	}
	return out;
}

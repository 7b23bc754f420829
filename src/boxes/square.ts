// Squares about boxes, as MTCNN cuts them out between its networks (rerec in facenet's detect_face.py,
// resize_to_square in ipazc's mtcnn): the longer side stays, the shorter grows about the middle.

import { checkBoxes } from './formats.js';

const round = Math.fround;

/**
 * Boxes [N, 4] xyxy widened to squares about their centres, as a new array, in float32: x1 + w / 2 - side / 2 and so on. facenet cuts the
 * result to whole pixels (`Math.trunc`), ipazc does not. Throws a TypeError for anything but a Float32Array, a RangeError for a length
 * that is not a multiple of 4.
 */
export function squareBoxes(boxes: Float32Array): Float32Array {
	checkBoxes('squareBoxes', 'boxes', boxes);
	const out = new Float32Array(boxes.length);
	for (let k = 0; k < boxes.length; k += 4) {
		const width = round(boxes[k + 2] - boxes[k]);
		const height = round(boxes[k + 3] - boxes[k + 1]);
		const side = Math.max(width, height);
		out[k] = round(round(boxes[k] + round(width * 0.5)) - round(side * 0.5));
		out[k + 1] = round(round(boxes[k + 1] + round(height * 0.5)) - round(side * 0.5));
		out[k + 2] = out[k] + side;
		out[k + 3] = out[k + 1] + side;
	}
	return out;
}

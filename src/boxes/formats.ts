// Box formats. Boxes are flat Float32Arrays, [N, 4]; without a word they are
// xyxy. Every step is rounded to float32, as on the GPU.

import { checkAttached, refuse } from '../checks.js';

const round = Math.fround;

/** xyxy, yxyx: two corners. xywh: first corner and size. cxcywh: centre and size. */
export type BoxFormat = 'xyxy' | 'yxyx' | 'xywh' | 'cxcywh';
/** All box formats. */
export const BOX_FORMATS: readonly BoxFormat[] = ['xyxy', 'yxyx', 'xywh', 'cxcywh'];

/** Boxes as an argument: xyxy, or any format by name. */
export type Boxes = Float32Array | { readonly data: Float32Array; readonly format: BoxFormat };

/** Boxes [N, 4] in another format, as a new array. Throws a TypeError for anything but a Float32Array, a RangeError for a length that is not a multiple of 4 or an unknown format. */
export function convertBoxes(boxes: Float32Array, from: BoxFormat, to: BoxFormat): Float32Array {
	checkBoxes('convertBoxes', 'boxes', boxes);
	checkFormat('convertBoxes', 'from', from);
	checkFormat('convertBoxes', 'to', to);
	const out = boxes.slice();
	if (from === to) return out;
	for (let k = 0; k < out.length; k += 4) {
		readXyxy(out, k, from);
		writeFormat(out, k, to);
	}
	return out;
}

/** Boxes of any format as xyxy. A plain Float32Array is returned as it is, not copied. */
export function toXyxy(call: string, name: string, boxes: Boxes): Float32Array {
	if (ArrayBuffer.isView(boxes) || boxes === null || typeof boxes !== 'object' || Array.isArray(boxes)) {
		checkBoxes(call, name, boxes);
		return boxes as Float32Array;
	}
	checkFormat(call, `${name}.format`, boxes.format);
	checkBoxes(call, `${name}.data`, boxes.data);
	return boxes.format === 'xyxy' ? boxes.data : convertBoxes(boxes.data, boxes.format, 'xyxy');
}

/** Throws unless `boxes` is a Float32Array [N, 4] that is still attached. */
export function checkBoxes(call: string, name: string, boxes: unknown): asserts boxes is Float32Array {
	if (Object.prototype.toString.call(boxes) !== '[object Float32Array]') {
		refuse(TypeError, call, name, 'must be a Float32Array, flat [N, 4]', boxes);
	}
	const rows = boxes as Float32Array;
	checkAttached(call, name, rows);
	if (rows.length % 4 !== 0) refuse(RangeError, call, name, 'must have a length that is a multiple of 4', rows.length);
}

function checkFormat(call: string, name: string, format: unknown): void {
	if (!BOX_FORMATS.includes(format as BoxFormat)) refuse(RangeError, call, name, `must be one of ${BOX_FORMATS.join(', ')}`, format);
}

function readXyxy(b: Float32Array, k: number, from: BoxFormat): void {
	const [p, q, r, s] = [b[k], b[k + 1], b[k + 2], b[k + 3]];
	if (from === 'yxyx') setRow(b, k, q, p, s, r);
	else if (from === 'xywh') setRow(b, k, p, q, p + r, q + s);
	else if (from === 'cxcywh') setRow(b, k, p - round(r * 0.5), q - round(s * 0.5), p + round(r * 0.5), q + round(s * 0.5));
}

function writeFormat(b: Float32Array, k: number, to: BoxFormat): void {
	const [x1, y1, x2, y2] = [b[k], b[k + 1], b[k + 2], b[k + 3]];
	if (to === 'yxyx') setRow(b, k, y1, x1, y2, x2);
	else if (to === 'xywh') setRow(b, k, x1, y1, x2 - x1, y2 - y1);
	else if (to === 'cxcywh') setRow(b, k, round(x1 + x2) * 0.5, round(y1 + y2) * 0.5, x2 - x1, y2 - y1);
}

function setRow(b: Float32Array, k: number, p: number, q: number, r: number, s: number): void {
	b[k] = p;
	b[k + 1] = q;
	b[k + 2] = r;
	b[k + 3] = s;
}

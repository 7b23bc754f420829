// The overlap of one pair, with the bits of `boxIou`: what the rules that look at predicted boxes measure, anchor by
// anchor, without a matrix.

import { areaOf, flushCoordinate, isUsableBox } from '../../boxes/overlap.js';
import { divide32 } from '../../functions.js';
import { MIN_NORMAL } from '../../numbers.js';

const round = Math.fround;

/** The area of each box [N]; 0 for those that overlap nothing, unusable ones among them. */
export function areasOf(boxes: Float32Array): Float32Array {
	const areas = new Float32Array(boxes.length / 4);
	for (let i = 0, p = 0; i < areas.length; i++, p += 4) {
		const usable = isUsableBox(boxes[p], boxes[p + 1], boxes[p + 2], boxes[p + 3]);
		areas[i] = usable ? areaOf(boxes[p], boxes[p + 1], boxes[p + 2], boxes[p + 3]) : 0;
	}
	return areas;
}

/** Boxes with denormals flushed to 0, and their areas: the two arguments that `iouOfPair` takes. */
export function measured(boxes: Float32Array): { readonly boxes: Float32Array; readonly areas: Float32Array } {
	const flushed = boxes.map(flushCoordinate);
	return { boxes: flushed, areas: areasOf(flushed) };
}

/** IoU of boxes i and j of two flushed xyxy arrays whose areas are those of `areasOf`; 0 where one of them is empty or unusable. */
export function iouOfPair(a: Float32Array, i: number, areaA: number, b: Float32Array, j: number, areaB: number): number {
	if (areaA === 0 || areaB === 0) return 0;
	const p = i * 4;
	const q = j * 4;
	const width = round(Math.min(a[p + 2], b[q + 2]) - Math.max(a[p], b[q]));
	if (!(width >= MIN_NORMAL)) return 0;
	const height = round(Math.min(a[p + 3], b[q + 3]) - Math.max(a[p + 1], b[q + 1]));
	if (!(height >= MIN_NORMAL)) return 0;
	const intersection = round(width * height);
	if (!(intersection >= MIN_NORMAL)) return 0;
	return divide32(intersection, round(round(areaA + areaB) - intersection));
}

/** IoU of two sizes whose corners are laid upon each other: of shapes, wherever they are. */
export function shapeIou(widthA: number, heightA: number, widthB: number, heightB: number): number {
	const intersection = round(Math.min(widthA, widthB) * Math.min(heightA, heightB));
	const union = round(round(round(widthA * heightA) + round(widthB * heightB)) - intersection);
	return union < Infinity ? divide32(intersection, union) : 0;
}

// Widths and heights of labelled boxes, checked, filtered, and grouped: equal sizes become one row with a count, sorted by width, then
// height. All clustering works on the rows, so that a hundred thousand labels cost what their distinct sizes cost.

import { checkNumber, checkWord, refuse, refuseUnless } from '../../checks.js';
import { checkFloats, type FloatsLike } from '../../inputs.js';

/** Sides from 2^-30 to 2^30 keep every product of the wing a normal float32; normalised sizes and pixels are both within. */
export const SIDE_LIMIT = 2 ** 30;
/** What stands for no row, and no cluster. */
export const NONE = 0xffffffff;

/** Whether boxes below `minSize` are those with one side below it, or with both. */
export type MinSizeRule = 'either' | 'both';

/** Which boxes take part. */
export interface SizeFilter {
	/** Boxes smaller than this, in the unit of the sizes, are left out and counted. Default 0: none is. */
	minSize?: number;
	/** 'either': a box stays when either side reaches `minSize` (yolov5's code); 'both': when both do (what tutorials say of it). Default 'either'. */
	minSizeRule?: MinSizeRule;
	/** Sides that are not finite, not positive, or beyond 2^-30 to 2^30: 'refuse' throws and names the first, 'drop' leaves them out and counts them. Default 'refuse'. */
	invalid?: 'refuse' | 'drop';
}

/** Boxes that were left out. */
export interface DroppedSizes {
	/** With a side that is no size: NaN, infinite, zero, negative. */
	readonly invalid: number;
	/** Below `minSize`. */
	readonly small: number;
}

/** R distinct sizes of N boxes. */
export interface SizeRows {
	/** [R] ascending; `heights` ascending where widths are equal. */
	readonly widths: Float32Array;
	readonly heights: Float32Array;
	/** [R] boxes of that size. */
	readonly counts: Float64Array;
	/** [N] the row of a box, `NONE` where it was left out. */
	readonly rowOf: Uint32Array;
	/** Boxes in all rows. */
	readonly total: number;
	readonly dropped: DroppedSizes;
}

export const FILTER_KEYS = ['minSize', 'minSizeRule', 'invalid'] as const;

/** The options of a filter, with their defaults. */
export function checkFilter(where: string, read: Partial<Record<keyof SizeFilter, unknown>>, minSize = 0): Required<SizeFilter> {
	const { minSizeRule = 'either', invalid = 'refuse' } = read;
	return {
		minSize: checkSide(where, 'minSize', read.minSize ?? minSize),
		minSizeRule: checkWord(where, 'minSizeRule', minSizeRule, ['either', 'both']),
		invalid: checkWord(where, 'invalid', invalid, ['refuse', 'drop']),
	};
}

/** A length that is 0 or more. */
export function checkSide(where: string, argument: string, value: unknown): number {
	const side = checkNumber(where, argument, value);
	if (!(side >= 0 && side <= SIDE_LIMIT)) refuse(RangeError, where, argument, 'must be 0 to 2^30', value);
	return side;
}

/** Flat widths and heights as Float32Array [N, 2]; what they hold is not looked at. */
export function checkSizeList(where: string, argument: string, value: unknown): Float32Array {
	const sizes = checkFloats(where, argument, value);
	if (sizes.length % 2) refuse(RangeError, where, argument, 'must be widths and heights in turn, an even number of them', sizes.length);
	return sizes;
}

const isSide = (x: number) => x >= 1 / SIDE_LIMIT && x <= SIDE_LIMIT;
const SIDE_RULE = 'must be a positive size, 2^-30 to 2^30';

/** Anchors as a Float32Array of their own, [K, 2], each a positive size; at least one. */
export function checkAnchors(where: string, argument: string, value: unknown): Float32Array {
	const anchors = checkSizeList(where, argument, value).slice();
	if (anchors.length === 0) refuse(RangeError, where, argument, 'must hold at least one width and height', 0);
	anchors.forEach((side, i) => {
		if (!isSide(side)) refuse(RangeError, where, `${argument}[${i}]`, SIDE_RULE, side);
	});
	return anchors;
}

/** Throws for the first side that is no size. */
function refuseInvalid(where: string, sizes: Float32Array): void {
	const at = sizes.findIndex((side) => !isSide(side));
	if (at >= 0)
		refuseUnless(true, where, `sizes[${at}]`, `(box ${at >> 1}, ${at & 1 ? 'height' : 'width'}) ${SIDE_RULE}`, sizes[at], "leave it out with invalid: 'drop'");
}

/** The rows of sizes [N, 2]. */
export function groupSizes(where: string, sizes: Float32Array, { minSize, minSizeRule, invalid }: Required<SizeFilter>): SizeRows {
	if (invalid === 'refuse') refuseInvalid(where, sizes);
	const numBoxes = sizes.length / 2;
	const least = Math.fround(minSize);
	const taken = new Uint32Array(numBoxes);
	let total = 0;
	let numInvalid = 0;
	for (let i = 0; i < numBoxes; i++) {
		const width = sizes[2 * i];
		const height = sizes[2 * i + 1];
		const measured = minSizeRule === 'either' ? Math.max(width, height) : Math.min(width, height);
		if (!isSide(width) || !isSide(height)) numInvalid++;
		else if (measured >= least) taken[total++] = i;
	}
	const order = sortBySize(sizes, taken.subarray(0, total));
	const rowOf = new Uint32Array(numBoxes).fill(NONE);
	const first = new Uint32Array(total);
	const counts = new Float64Array(total);
	let numRows = 0;
	for (let place = 0; place < total; place++) {
		const i = order[place];
		const last = first[numRows - 1];
		if (numRows === 0 || sizes[2 * i] !== sizes[2 * last] || sizes[2 * i + 1] !== sizes[2 * last + 1]) first[numRows++] = i;
		counts[numRows - 1]++;
		rowOf[i] = numRows - 1;
	}
	return {
		widths: Float32Array.from({ length: numRows }, (_, r) => sizes[2 * first[r]]),
		heights: Float32Array.from({ length: numRows }, (_, r) => sizes[2 * first[r] + 1]),
		counts: counts.slice(0, numRows),
		rowOf,
		total,
		dropped: { invalid: numInvalid, small: numBoxes - total - numInvalid },
	};
}

/** Boxes by width, then height. */
function sortBySize(sizes: Float32Array, boxes: Uint32Array): Uint32Array {
	const sorted = sortByValue(boxes, sizes, 2, 0);
	for (let begin = 0; begin < sorted.length; ) {
		const width = sizes[2 * sorted[begin]];
		let end = begin + 1;
		while (end < sorted.length && sizes[2 * sorted[end]] === width) end++;
		if (end > begin + 1) sorted.set(sortByValue(sorted.subarray(begin, end), sizes, 2, 1), begin);
		begin = end;
	}
	return sorted;
}

/** Places in a double beside the 31 bits of a positive float. */
const MOST_PACKED = 2 ** 22;

/** Items by values[item * step + offset], which are positive, then as they came. */
export function sortByValue(items: Uint32Array, values: Float32Array, step = 1, offset = 0): Uint32Array {
	if (items.length > MOST_PACKED) return items.slice().sort((a, b) => values[a * step + offset] - values[b * step + offset]);
	// positive floats are in the order of their bits, and doubles sort several times as fast as what is compared by a function
	const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
	const keys = new Float64Array(items.length);
	for (let i = 0; i < items.length; i++) keys[i] = bits[items[i] * step + offset] * MOST_PACKED + i;
	keys.sort();
	const sorted = new Uint32Array(items.length);
	for (let i = 0; i < items.length; i++) sorted[i] = items[keys[i] % MOST_PACKED];
	return sorted;
}

/** Sizes [N, 2] of boxes, times the side that the network has and over the longer side of their image: as a letterbox shrinks them. */
export function scaleSizes(sizes: FloatsLike, imageSizes: FloatsLike, inputSize: number): Float32Array {
	return scaleChecked('scaleSizes', sizes, imageSizes, inputSize);
}

/** `scaleSizes`, for whoever was called. */
export function scaleChecked(where: string, sizes: unknown, imageSizes: unknown, inputSize: unknown): Float32Array {
	const boxes = checkSizeList(where, 'sizes', sizes);
	const images = checkSizeList(where, 'imageSizes', imageSizes);
	if (images.length !== 2 && images.length !== boxes.length) {
		refuse(RangeError, where, 'imageSizes', `must be one width and height, or one for each of the ${boxes.length / 2} boxes`, images.length / 2);
	}
	const side = checkNumber(where, 'inputSize', inputSize);
	if (!isSide(side)) refuse(RangeError, where, 'inputSize', SIDE_RULE, inputSize);
	images.forEach((length, i) => {
		if (!isSide(length)) refuse(RangeError, where, `imageSizes[${i}]`, SIDE_RULE, length);
	});
	return boxes.map((length, i) => {
		const image = images.length === 2 ? 0 : i & ~1;
		return (length * side) / Math.max(images[image], images[image + 1]);
	});
}

/** Anchors by area, then width, then as they came: flat [K, 2], and which was where. */
export function sortByArea(anchors: Float32Array): { anchors: Float32Array; order: number[] } {
	const area = (k: number) => anchors[2 * k] * anchors[2 * k + 1];
	const order = Array.from({ length: anchors.length / 2 }, (_, k) => k).sort((a, b) => area(a) - area(b) || anchors[2 * a] - anchors[2 * b] || a - b);
	return { anchors: Float32Array.from(order.flatMap((k) => [anchors[2 * k], anchors[2 * k + 1]])), order };
}

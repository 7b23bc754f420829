// The exact decision "do these two boxes overlap by more than t": the rule every suppression in kedge follows, on
// every device. Boxes are sorted into regular, empty and rejected by their bits before any arithmetic.
// Twin of shaders/shared/overlap.wgsl.ts.

import { COORDINATE_LIMIT, MIN_NORMAL } from '../numbers.js';

const round = Math.fround;

/** Measures of overlap of rotated boxes: of the polygons, or of the Gaussian distributions that stand for them. */
export type RotatedIouKind = 'iou' | 'probiou';

/** The measure of overlap that is held against the threshold, where it is not plain IoU. Selects the shader's text, too. */
export interface OverlapRule {
	/**
	 * The intersection over: the union ('iou'); the area of the rectangle around both boxes ('bounding-union', MediaPipe's JACCARD);
	 * the smaller area ('iom', mode Min of MTCNN).
	 */
	readonly kind: 'iou' | 'bounding-union' | 'iom';
	/** 1: pixels count inclusively, so that every width and height, of the intersection too, is one more. A box of one point has area 1. */
	readonly pixelOffset: 0 | 1;
	/** The boxes are rotated, and measured so; where others have their areas they have their angles. The other fields are plain then. */
	readonly rotated?: RotatedIouKind;
	/** Fast NMS: every better candidate suppresses, whether it was kept or not. For rotated boxes. */
	readonly fast?: boolean;
}

/** Plain IoU. */
export const PLAIN_OVERLAP: OverlapRule = { kind: 'iou', pixelOffset: 0 };

/** Whether `overlapsMore` decides by this rule. */
export function isPlain(rule: OverlapRule): boolean {
	return rule.kind === 'iou' && rule.pixelOffset === 0 && !rule.rotated;
}

/** True when a box can take part: four finite coordinates below 2^62 in magnitude. NaN fails every comparison. */
export function isUsableBox(x1: number, y1: number, x2: number, y2: number): boolean {
	return Math.abs(x1) < COORDINATE_LIMIT && Math.abs(y1) < COORDINATE_LIMIT && Math.abs(x2) < COORDINATE_LIMIT && Math.abs(y2) < COORDINATE_LIMIT;
}

/** A coordinate as every device sees it: denormals and -0 become 0. */
export function flushCoordinate(x: number): number {
	return x < MIN_NORMAL && x > -MIN_NORMAL ? 0 : x;
}

/** The area of a box in float32; 0 marks an empty box (a side or the area not a normal positive float), which overlaps nothing. */
export function areaOf(x1: number, y1: number, x2: number, y2: number): number {
	const width = round(x2 - x1);
	const height = round(y2 - y1);
	if (!(width >= MIN_NORMAL && height >= MIN_NORMAL)) return 0;
	const area = round(width * height);
	return area >= MIN_NORMAL ? area : 0;
}

/**
 * Whether fround(intersection / union) > threshold for boxes i and j of two flat xyxy arrays (i, j count boxes).
 * Areas come from `areaOf`; t from `decisionThreshold`.
 */
export function overlapsMore(a: Float32Array, i: number, areaA: number, b: Float32Array, j: number, areaB: number, t: number): boolean {
	if (areaA === 0 || areaB === 0) return false;
	const p = i * 4;
	const q = j * 4;
	const width = round(Math.min(a[p + 2], b[q + 2]) - Math.max(a[p], b[q]));
	if (!(width >= MIN_NORMAL)) return false;
	const height = round(Math.min(a[p + 3], b[q + 3]) - Math.max(a[p + 1], b[q + 1]));
	if (!(height >= MIN_NORMAL)) return false;
	const intersection = round(width * height);
	if (!(intersection >= MIN_NORMAL)) return false;
	if (t <= 0) return true;
	const union = round(round(areaA + areaB) - intersection);
	return round(intersection / union) > t;
}

/** A side from low to high as the rule counts it, in float32. */
function sideOf(low: number, high: number, pixelOffset: number): number {
	const side = round(high - low);
	return pixelOffset === 0 ? side : round(side + 1);
}

/** The area of a box with inclusive pixels, in float32; 0 as in `areaOf`. A box whose ends are the same has a side of 1. */
export function inclusiveAreaOf(x1: number, y1: number, x2: number, y2: number): number {
	const width = sideOf(x1, x2, 1);
	const height = sideOf(y1, y2, 1);
	return width > 0 && height > 0 ? round(width * height) : 0;
}

/** As `overlapsMore`, by any rule: whether fround(intersection / denominator) > threshold. Areas are plain ones, from `areaOf`. */
export function overlapsByRule(rule: OverlapRule, a: Float32Array, i: number, areaA: number, b: Float32Array, j: number, areaB: number, t: number): boolean {
	const quotient = quotientOf(rule, a, i, areaA, b, j, areaB);
	return quotient >= 0 && (t <= 0 || round(quotient) > t);
}

/** The overlap itself of boxes i and j by a rule of upright boxes, in float32; 0 where they share nothing, or less than the smallest normal float. */
export function overlapOf(rule: OverlapRule, a: Float32Array, i: number, areaA: number, b: Float32Array, j: number, areaB: number): number {
	const quotient = quotientOf(rule, a, i, areaA, b, j, areaB);
	return quotient < MIN_NORMAL ? 0 : round(quotient);
}

/** Intersection over denominator by a rule, not yet rounded; -1 where boxes share nothing. Both are float32, so that rounding the double quotient once is exact. */
function quotientOf({ kind, pixelOffset }: OverlapRule, a: Float32Array, i: number, areaA: number, b: Float32Array, j: number, areaB: number): number {
	const p = i * 4;
	const q = j * 4;
	const width = sideOf(Math.max(a[p], b[q]), Math.min(a[p + 2], b[q + 2]), pixelOffset);
	const height = sideOf(Math.max(a[p + 1], b[q + 1]), Math.min(a[p + 3], b[q + 3]), pixelOffset);
	if (!(width >= MIN_NORMAL && height >= MIN_NORMAL)) return -1;
	const sizeA = pixelOffset === 0 ? areaA : inclusiveAreaOf(a[p], a[p + 1], a[p + 2], a[p + 3]);
	const sizeB = pixelOffset === 0 ? areaB : inclusiveAreaOf(b[q], b[q + 1], b[q + 2], b[q + 3]);
	const intersection = round(width * height);
	if (!(intersection >= MIN_NORMAL && sizeA > 0 && sizeB > 0)) return -1;
	if (kind === 'iom') return intersection / Math.min(sizeA, sizeB);
	if (kind === 'iou') return intersection / round(round(sizeA + sizeB) - intersection);
	const spanX = sideOf(Math.min(a[p], b[q]), Math.max(a[p + 2], b[q + 2]), pixelOffset);
	const spanY = sideOf(Math.min(a[p + 1], b[q + 1]), Math.max(a[p + 3], b[q + 3]), pixelOffset);
	return intersection / round(spanX * spanY);
}

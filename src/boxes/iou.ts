// How much two boxes overlap, for every pair of two lists, in six kinds. Float32 steps with a correctly rounded
// division, which the shader repeats bit for bit (shaders/shared/iou.wgsl.ts).
//   iou = I / U    iof = I / area a    iom = I / min(area a, area b)      I intersection, U union, C enclosing box,
//   giou = iou - (C - U) / C    diou = iou - d^2 / c^2                    d between centres, c diagonal of C
//   ciou = diou - alpha v,  v = 4/pi^2 (atan(w/h of a) - atan(w/h of b))^2,  alpha = v / (1 - iou + v)
// GIoU: Rezatofighi et al. 2019; DIoU, CIoU: Zheng et al. 2020.

import { refuse } from '../checks.js';
import { atan32, divide32 } from '../functions.js';
import { MIN_NORMAL } from '../numbers.js';
import { areaOf, flushCoordinate, isUsableBox } from './overlap.js';

const round = Math.fround;

/** Intersection over union; generalised, distance and complete IoU; intersection over the first box; over the smaller box. */
export type IouKind = 'iou' | 'giou' | 'diou' | 'ciou' | 'iof' | 'iom';
export const IOU_KINDS: readonly IouKind[] = ['iou', 'giou', 'diou', 'ciou', 'iof', 'iom'];

/** 2^30 pairs are 4 GiB. */
export const MAX_PAIRS = 2 ** 30;
const FOUR_OVER_PI_SQUARED = round(4 / Math.PI ** 2);

/**
 * The overlap of every pair, [A, B] row-major, of boxes [A, 4] and [B, 4] in xyxy. An empty box (no positive width, height
 * and area) has intersection 0 with everything, itself included; the distance terms of giou, diou and ciou still count, and
 * are 0 for identical points. A box with a coordinate that is not finite, or of 2^62 or more, gives NaN. giou <= iou always.
 * Throws a RangeError for more than 2^30 pairs.
 */
export function boxIou(boxesA: Float32Array, boxesB: Float32Array, { kind = 'iou' }: { kind?: IouKind } = {}): Float32Array {
	const numA = boxesA.length / 4;
	const numB = boxesB.length / 4;
	if (numA * numB > MAX_PAIRS) refuse(RangeError, 'boxIou', 'boxesA and boxesB', 'must make at most 2^30 pairs', numA * numB, 'compare them in parts');
	// denormals and -0 become 0, as on devices that flush
	const a = boxesA.map(flushCoordinate);
	const b = boxesB.map(flushCoordinate);
	const areasA = areasOf(a);
	const areasB = areasOf(b);
	const out = new Float32Array(numA * numB);
	const row = kind === 'iou' || kind === 'iof' || kind === 'iom' ? shares : distances;
	for (let i = 0; i < numA; i++) row(kind, a, i * 4, areasA[i], b, areasB, out, i * numB);
	return out;
}

/** The area of each box; NaN for one that cannot be used. */
function areasOf(boxes: Float32Array): Float32Array {
	const area = (x1: number, y1: number, x2: number, y2: number) => (isUsableBox(x1, y1, x2, y2) ? areaOf(x1, y1, x2, y2) : NaN);
	return Float32Array.from({ length: boxes.length / 4 }, (_, i) => area(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]));
}

/** A row of 'iou', 'iof' or 'iom': the box at a[p..p+3] with all b. Most pairs share nothing, and most are told so by one axis. */
function shares(kind: IouKind, a: Float32Array, p: number, areaA: number, b: Float32Array, areasB: Float32Array, out: Float32Array, at: number): void {
	const [x1, y1, x2, y2] = [a[p], a[p + 1], a[p + 2], a[p + 3]];
	for (let j = 0, q = 0; j < areasB.length; j++, q += 4) {
		const areaB = areasB[j];
		if (areaA !== areaA || areaB !== areaB) {
			out[at + j] = NaN;
			continue;
		}
		const left = b[q] > x1 ? b[q] : x1;
		const right = b[q + 2] < x2 ? b[q + 2] : x2;
		const top = b[q + 1] > y1 ? b[q + 1] : y1;
		const bottom = b[q + 3] < y2 ? b[q + 3] : y2;
		if (!(right > left && bottom > top && areaA > 0 && areaB > 0)) continue;
		const intersection = areaOf(left, top, right, bottom);
		if (kind === 'iou') out[at + j] = ratio(intersection, round(round(areaA + areaB) - intersection));
		else out[at + j] = ratio(intersection, kind === 'iof' || areaA < areaB ? areaA : areaB);
	}
}

/** A row of the kinds that also measure distances. */
function distances(kind: IouKind, a: Float32Array, p: number, areaA: number, b: Float32Array, areasB: Float32Array, out: Float32Array, at: number): void {
	for (let j = 0; j < areasB.length; j++) out[at + j] = pairIou(kind, a, p, areaA, b, 4 * j, areasB[j]);
}

/** 'giou', 'diou' or 'ciou' of one pair: boxes at a[p..p+3] and b[q..q+3], flushed. */
function pairIou(kind: IouKind, a: Float32Array, p: number, areaA: number, b: Float32Array, q: number, areaB: number): number {
	if (areaA !== areaA || areaB !== areaB) return NaN;
	const intersection =
		areaA > 0 && areaB > 0 ? areaOf(Math.max(a[p], b[q]), Math.max(a[p + 1], b[q + 1]), Math.min(a[p + 2], b[q + 2]), Math.min(a[p + 3], b[q + 3])) : 0;
	const union = round(round(areaA + areaB) - intersection);
	const iou = ratio(intersection, union);
	const width = spanOf(a, p, b, q);
	const height = spanOf(a, p + 1, b, q + 1);
	if (kind === 'giou') {
		const enclosing = product(width, height);
		return flushCoordinate(round(iou - ratio(Math.max(0, round(enclosing - union)), enclosing)));
	}
	const dx = round(round(round(a[p] + a[p + 2]) - round(b[q] + b[q + 2])) * 0.5);
	const dy = round(round(round(a[p + 1] + a[p + 3]) - round(b[q + 1] + b[q + 3])) * 0.5);
	const distance = round(product(dx, dx) + product(dy, dy));
	const diagonal = round(product(width, width) + product(height, height));
	const diou = round(iou - ratio(distance, diagonal));
	return flushCoordinate(kind === 'diou' ? diou : round(diou - aspectPenalty(iou, a, p, b, q)));
}

// alpha v of CIoU
function aspectPenalty(iou: number, a: Float32Array, p: number, b: Float32Array, q: number): number {
	const angleA = atan32(side(a, p), side(a, p + 1));
	const angleB = atan32(side(b, q), side(b, q + 1));
	const difference = round(angleA - angleB);
	const v = product(FOUR_OVER_PI_SQUARED, product(difference, difference));
	const alpha = ratio(v, round(round(1 - iou) + v));
	return product(alpha, v);
}

/** Width (k at x1) or height (k at y1), 0 when inverted. */
function side(box: Float32Array, k: number): number {
	return Math.max(0, round(box[k + 2] - box[k]));
}

/** The side of the box that encloses all corners of both. */
function spanOf(a: Float32Array, p: number, b: Float32Array, q: number): number {
	return round(Math.max(a[p], a[p + 2], b[q], b[q + 2]) - Math.min(a[p], a[p + 2], b[q], b[q + 2]));
}

/** x / y, 0 where there is nothing to compare. */
function ratio(x: number, y: number): number {
	return x >= MIN_NORMAL && y >= MIN_NORMAL ? divide32(x, y) : 0;
}

/** A product that is 0 below the smallest normal float, as on devices that flush. */
function product(x: number, y: number): number {
	return flushCoordinate(round(x * y));
}

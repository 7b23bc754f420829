// How much two rotated boxes overlap. A rotated box is an xyxy rectangle and an angle in radians by which it is turned about
// its centre, clockwise on the screen (y down): x' = cx + dx cos - dy sin, y' = cy + dx sin + dy cos. Both measures look at the
// pair from the first box, where that one is upright. Float32 steps, the same bits as shaders/shared/rotated.wgsl.ts.
//
// Polygon: of the second box, seen from the first, at every x only y clamped to the first one's height counts. So the shared area is
// a sum over the four edges of integrals of a clamped line: no list of vertices, no order of points, nothing that can tip over.
// Gaussian (Llerena et al. 2021, "Gaussian Bounding Boxes and Probabilistic Intersection-over-Union"; constants of ultralytics):
// boxes as normal distributions of their covariance, 1 - Hellinger distance. With sides w, h: variances p = w^2/12, q = h^2/12.

import { refuse } from '../checks.js';
import { cos32, divide32, log32, sin32, sqrt32 } from '../functions.js';
import { bitsToFloat, exp32, floatBits, flushProduct, MIN_NORMAL } from '../numbers.js';
import { MAX_PAIRS } from './iou.js';
import { isUsableAngle } from './limits.js';
import { areaOf, isUsableBox, type OverlapRule, overlapsByRule, type RotatedIouKind } from './overlap.js';

const round = Math.fround;
const product = (x: number, y: number) => flushProduct(round(x * y));
const sum = (x: number, y: number) => flushProduct(round(x + y));
const difference = (x: number, y: number) => flushProduct(round(x - y));
const ratio = (x: number, y: number) => (y >= MIN_NORMAL ? divide32(x, y) : 0);

export const ROTATED_IOU_KINDS: readonly RotatedIouKind[] = ['iou', 'probiou'];

/** Sines and cosines below this count as 0: they move a corner by less than its last bit. */
export const UPRIGHT = 2 ** -32;
const EPSILON = Math.fround(1e-7);
const TWELFTH = Math.fround(1 / 12);
const THIRTY_SIXTH = Math.fround(1 / 36);

/** The pair under examination: sides; from the first to the second centre along the axes of each; the second's turn as seen from the first. */
const pair = { widthA: 0, heightA: 0, widthB: 0, heightB: 0, areaA: 0, areaB: 0, xInA: 0, yInA: 0, xInB: 0, yInB: 0, cos: 1, sin: 0 };

/** Whether the first box comes first when a pair is put in order, so that overlap(a, b) and overlap(b, a) have the same bits. */
function isInOrder(a: Float32Array, p: number, angleA: number, b: Float32Array, q: number, angleB: number): boolean {
	for (let k = 0; k < 4; k++) if (a[p + k] !== b[q + k]) return a[p + k] < b[q + k];
	return angleA <= angleB;
}

/** Looks at boxes i and j from box i. False when they surely share nothing: a box is empty, or, without `far`, they are apart. */
function lookAt(a: Float32Array, i: number, angleA: number, b: Float32Array, j: number, angleB: number, far: boolean): boolean {
	const p = i * 4;
	const q = j * 4;
	pair.areaA = areaOf(a[p], a[p + 1], a[p + 2], a[p + 3]);
	pair.areaB = areaOf(b[q], b[q + 1], b[q + 2], b[q + 3]);
	if (pair.areaA === 0 || pair.areaB === 0) return false;
	pair.widthA = round(a[p + 2] - a[p]);
	pair.heightA = round(a[p + 3] - a[p + 1]);
	pair.widthB = round(b[q + 2] - b[q]);
	pair.heightB = round(b[q + 3] - b[q + 1]);
	// differences of corners first: near ones are exact, however far from the origin
	const x = product(sum(difference(b[q], a[p]), difference(b[q + 2], a[p + 2])), 0.5);
	const y = product(sum(difference(b[q + 1], a[p + 1]), difference(b[q + 3], a[p + 3])), 0.5);
	if (!far) {
		const reach = product(sum(sum(pair.widthA, pair.heightA), sum(pair.widthB, pair.heightB)), 0.5);
		if (Math.abs(x) >= reach || Math.abs(y) >= reach) return false;
	}
	const cosA = cos32(angleA);
	const sinA = sin32(angleA);
	const turn = round(angleB - angleA);
	const cos = cos32(turn);
	const sin = sin32(turn);
	pair.cos = Math.abs(cos) < UPRIGHT ? 0 : cos;
	pair.sin = Math.abs(sin) < UPRIGHT ? 0 : sin;
	pair.xInA = sum(product(x, cosA), product(y, sinA));
	pair.yInA = difference(product(y, cosA), product(x, sinA));
	pair.xInB = sum(product(pair.xInA, pair.cos), product(pair.yInA, pair.sin));
	pair.yInB = difference(product(pair.yInA, pair.cos), product(pair.xInA, pair.sin));
	return true;
}

/**
 * The area that two rotated boxes share, in float32: box i of a flat xyxy array turned by angleA, box j of another turned by angleB.
 * 0 when one is empty (see `areaOf`) or they touch; never more than either area. Coordinates flushed and usable, angles usable.
 */
export function polygonIntersection(a: Float32Array, i: number, angleA: number, b: Float32Array, j: number, angleB: number): number {
	if (!isInOrder(a, i * 4, angleA, b, j * 4, angleB)) return polygonIntersection(b, j, angleB, a, i, angleA);
	if (!lookAt(a, i, angleA, b, j, angleB, false)) return 0;
	const { cos, sin, xInA, yInA } = pair;
	const halfA = product(pair.widthA, 0.5);
	const highA = product(pair.heightA, 0.5);
	const halfB = product(pair.widthB, 0.5);
	const highB = product(pair.heightB, 0.5);
	const absCos = Math.abs(cos);
	const absSin = Math.abs(sin);
	// a line between them along a side of one of them: they share nothing
	if (Math.abs(xInA) >= sum(halfA, sum(product(halfB, absCos), product(highB, absSin)))) return 0;
	if (Math.abs(yInA) >= sum(highA, sum(product(halfB, absSin), product(highB, absCos)))) return 0;
	if (Math.abs(pair.xInB) >= sum(halfB, sum(product(halfA, absCos), product(highA, absSin)))) return 0;
	if (Math.abs(pair.yInB) >= sum(highB, sum(product(halfA, absSin), product(highA, absCos)))) return 0;

	// half diagonals: corners are the centre + (u + v), + (u - v), - (u + v), - (u - v)
	const ux = product(halfB, cos);
	const uy = product(halfB, sin);
	const vx = -product(highB, sin);
	const vy = product(highB, cos);
	const plusX = sum(ux, vx);
	const plusY = sum(uy, vy);
	const minusX = difference(ux, vx);
	const minusY = difference(uy, vy);
	const x1 = difference(xInA, plusX);
	const y1 = difference(yInA, plusY);
	const x2 = sum(xInA, minusX);
	const y2 = sum(yInA, minusY);
	const x3 = sum(xInA, plusX);
	const y3 = sum(yInA, plusY);
	const x4 = difference(xInA, minusX);
	const y4 = difference(yInA, minusY);
	const tan = ratio(absSin, absCos);
	const cot = ratio(absCos, absSin);
	const sides1 = sum(edge(x1, y1, x2, y2, tan, cot, halfA, highA), edge(x3, y3, x4, y4, tan, cot, halfA, highA));
	const sides2 = sum(edge(x2, y2, x3, y3, cot, tan, halfA, highA), edge(x4, y4, x1, y1, cot, tan, halfA, highA));
	const area = sum(sides1, sides2);
	return area > 0 ? Math.min(area, pair.areaA, pair.areaB) : 0;
}

/**
 * What an edge adds: the integral of (y + high), y clamped to -high..high, over its part with -half <= x <= half; negative from left to
 * right. `slope` is its |dy / dx|, `inverse` its |dx / dy|.
 */
function edge(x1: number, y1: number, x2: number, y2: number, slope: number, inverse: number, half: number, high: number): number {
	if (x1 < x2) return -strip(x1, y1, x2, y2, slope, inverse, half, high);
	return strip(x2, y2, x1, y1, slope, inverse, half, high);
}

function strip(x1: number, y1: number, x2: number, y2: number, slope: number, inverse: number, half: number, high: number): number {
	const left = Math.max(x1, -half);
	const right = Math.min(x2, half);
	const width = difference(right, left);
	if (!(width > 0)) return 0;
	// the edge's ends where it enters and leaves; never beyond its own
	const stepLeft = product(difference(left, x1), slope);
	const stepRight = product(difference(x2, right), slope);
	const yLeft = y1 < y2 ? Math.min(sum(y1, stepLeft), y2) : Math.max(difference(y1, stepLeft), y2);
	const yRight = y1 < y2 ? Math.max(difference(y2, stepRight), y1) : Math.min(sum(y2, stepRight), y1);
	const low = Math.min(yLeft, yRight);
	const top = Math.max(yLeft, yRight);
	const height = sum(high, high);
	if (top <= -high) return 0;
	if (low >= high) return product(width, height);
	const before = low < -high ? Math.min(width, product(difference(-high, low), inverse)) : 0;
	const beyond = top > high ? Math.min(width, product(difference(top, high), inverse)) : 0;
	const between = Math.max(0, difference(difference(width, before), beyond));
	const mean = product(sum(sum(Math.max(low, -high), high), sum(Math.min(top, high), high)), 0.5);
	return sum(product(beyond, height), product(between, mean));
}

/** Intersection over union of two rotated boxes, as float32 from 0 to 1. Arguments as for `polygonIntersection`. */
export function rotatedIou(a: Float32Array, i: number, angleA: number, b: Float32Array, j: number, angleB: number): number {
	const shared = polygonIntersection(a, i, angleA, b, j, angleB);
	return shared === 0 ? 0 : ratio(shared, difference(sum(pair.areaA, pair.areaB), shared));
}

/**
 * The probabilistic IoU of two rotated boxes, as float32 from 0 to 1, in pixels: identical boxes have .9995, touching squares .1186.
 * Its distance B is d' (Σa + Σb)^-1 d / 4 + ln(|Σa + Σb| / 4 sqrt(|Σa| |Σb|)) / 2, clamped to 1e-7..100; all determinants are
 * sums of positive terms here. Arguments as for `polygonIntersection`; 0 when a box is empty.
 */
export function probiou(a: Float32Array, i: number, angleA: number, b: Float32Array, j: number, angleB: number): number {
	if (!isInOrder(a, i * 4, angleA, b, j * 4, angleB)) return probiou(b, j, angleB, a, i, angleA);
	if (!lookAt(a, i, angleA, b, j, angleB, true)) return 0;
	// boxes beyond 2 pixels are made smaller by a power of two, which changes no bit but keeps fourth powers in range
	const largest = Math.max(pair.widthA, pair.heightA, pair.widthB, pair.heightB);
	const scale = largest < 2 ? 1 : bitsToFloat((254 - (floatBits(largest) >>> 23)) << 23);
	const squared = product(scale, scale);
	const epsilon = product(EPSILON, product(squared, squared));
	const widthA = product(pair.widthA, scale);
	const heightA = product(pair.heightA, scale);
	const widthB = product(pair.widthB, scale);
	const heightB = product(pair.heightB, scale);
	const pA = product(product(widthA, widthA), TWELFTH);
	const qA = product(product(heightA, heightA), TWELFTH);
	const pB = product(product(widthB, widthB), TWELFTH);
	const qB = product(product(heightB, heightB), TWELFTH);
	const cos2 = product(pair.cos, pair.cos);
	const sin2 = product(pair.sin, pair.sin);
	const turnedP = sum(product(pB, cos2), product(qB, sin2));
	const turnedQ = sum(product(pB, sin2), product(qB, cos2));
	const both = sum(sum(product(pA, qA), product(pB, qB)), sum(product(pA, turnedQ), product(qA, turnedP)));
	const single = sum(product(product(product(widthA, heightA), product(widthB, heightB)), THIRTY_SIXTH), epsilon);
	const distance = sum(
		quadratic(pA, qA, product(pair.xInA, scale), product(pair.yInA, scale)),
		quadratic(pB, qB, product(pair.xInB, scale), product(pair.yInB, scale)),
	);
	const denominator = sum(both, epsilon);
	if (denominator === 0 || single === 0 || distance >= product(512, denominator)) return 0; // B above 100
	const logarithm = log32(sum(ratio(both, single), EPSILON));
	const b2 = sum(product(0.25, ratio(distance, denominator)), product(0.5, logarithm));
	const kept = exp32(-Math.min(100, Math.max(EPSILON, b2)));
	return difference(1, sqrt32(sum(difference(1, kept), EPSILON)));
}

/** p y^2 + q x^2 */
function quadratic(p: number, q: number, x: number, y: number): number {
	return sum(product(p, product(y, y)), product(q, product(x, x)));
}

/** The overlap of two rotated boxes by one of the two measures. */
export function rotatedOverlap(kind: RotatedIouKind, a: Float32Array, i: number, angleA: number, b: Float32Array, j: number, angleB: number): number {
	return kind === 'iou' ? rotatedIou(a, i, angleA, b, j, angleB) : probiou(a, i, angleA, b, j, angleB);
}

/** Whether two rotated boxes overlap by more than t, a threshold from `decisionThreshold`: the float32 value is strictly greater. */
export function rotatedOverlapsMore(
	kind: RotatedIouKind,
	a: Float32Array,
	i: number,
	angleA: number,
	b: Float32Array,
	j: number,
	angleB: number,
	t: number,
): boolean {
	return rotatedOverlap(kind, a, i, angleA, b, j, angleB) > t;
}

/** Whether two boxes overlap by more than t, by any rule; x and y are their areas, or their angles where the rule is one of rotated boxes. */
export function overlapsBy(rule: OverlapRule, a: Float32Array, i: number, x: number, b: Float32Array, j: number, y: number, t: number): boolean {
	return rule.rotated ? rotatedOverlapsMore(rule.rotated, a, i, x, b, j, y, t) : overlapsByRule(rule, a, i, x, b, j, y, t);
}

/**
 * The overlap of every pair, [A, B] row-major, of rotated boxes [A, 5] and [B, 5]: xyxy before the turn and the angle, flushed. NaN where
 * a box has a coordinate or an angle that cannot take part. Throws a RangeError for more than 2^30 pairs.
 */
export function rotatedBoxIou(a: Float32Array, b: Float32Array, kind: RotatedIouKind): Float32Array {
	const numA = a.length / 5;
	const numB = b.length / 5;
	if (numA * numB > MAX_PAIRS) refuse(RangeError, 'boxIou', 'boxesA and boxesB', 'must make at most 2^30 pairs', numA * numB, 'compare them in parts');
	const isUsable = (boxes: Float32Array, k: number) => isUsableBox(boxes[k], boxes[k + 1], boxes[k + 2], boxes[k + 3]) && isUsableAngle(boxes[k + 4]);
	const out = new Float32Array(numA * numB);
	for (let i = 0; i < numA; i++) {
		const p = 5 * i;
		for (let j = 0; j < numB; j++) {
			const q = 5 * j;
			// boxes are counted by four words
			out[i * numB + j] = isUsable(a, p) && isUsable(b, q) ? rotatedOverlap(kind, a, p / 4, a[p + 4], b, q / 4, b[q + 4]) : NaN;
		}
	}
	return out;
}

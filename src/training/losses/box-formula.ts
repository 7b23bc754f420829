// IoU, GIoU, DIoU and CIoU as losses, with their slopes by the corners of the predicted box (x1, y1, x2, y2), in float32
// steps. Where an edge of both boxes is the same, half of it is each one's, as PyTorch has the slope of a maximum.
//   iou = I / U     dI/dx1 = -ih where x1 is the intersection's edge, dU = dA - dI     I intersection, U union, A area
//   giou = iou - (C - U) / C     diou = iou - d^2 / c^2     ciou = diou - alpha v, alpha taken as constant
// GIoU: Rezatofighi et al. 2019; DIoU, CIoU: Zheng et al. 2020; -ln(iou): Yu et al. 2016, UnitBox.
// Twin: shaders/training/box.wgsl.ts.

import { atan32, log32 } from '../../functions.js';
import { difference, flush, product, ratio, sum } from './arithmetic.js';
import type { BoxLossKind, BoxNumbers, IouForm } from './box-styles.js';
import type { LossFormula } from './loss.js';

const FOUR_OVER_PI_SQUARED = Math.fround(4 / Math.PI ** 2);

/** A pair along one axis. Lengths are 0 where they would be negative. */
interface Axis {
	/** Of the predicted box and of the target. */
	readonly length: number;
	readonly targetLength: number;
	readonly intersection: number;
	/** Of the box around all corners. */
	readonly enclosing: number;
	/** From the target's centre to the prediction's. */
	readonly offset: number;
	/** How much of the intersection's low and high edge is the prediction's: 0, 1/2 or 1. */
	readonly low: number;
	readonly high: number;
	/** What the enclosing length gains when the prediction's low and high corner grow. */
	readonly outerLow: number;
	readonly outerHigh: number;
	/** 0 for a predicted box that is inverted: its length is 0 whatever its corners do. */
	readonly grows: 0 | 1;
}

function axisOf(low: number, high: number, targetLow: number, targetHigh: number): Axis {
	const start = Math.min(targetLow, targetHigh);
	const end = Math.max(targetLow, targetHigh);
	const isInverted = high < low;
	return {
		length: sideOf(low, high),
		targetLength: sideOf(targetLow, targetHigh),
		intersection: sideOf(Math.max(low, targetLow), Math.min(high, targetHigh)),
		enclosing: sideOf(Math.min(low, high, start), Math.max(low, high, end)),
		offset: product(0.5, difference(sum(low, high), sum(targetLow, targetHigh))),
		low: shareOf(low, targetLow),
		high: shareOf(targetHigh, high),
		outerLow: isInverted ? shareOf(low, end) : -shareOf(start, low),
		outerHigh: isInverted ? -shareOf(start, high) : shareOf(high, end),
		grows: isInverted ? 0 : 1,
	};
}

/** How much of the larger one is the first. */
function shareOf(first: number, second: number): number {
	return first > second ? 1 : first < second ? 0 : 0.5;
}

function sideOf(low: number, high: number): number {
	const side = difference(high, low);
	return side > 0 ? side : 0;
}

/** A number and its slopes by x1, y1, x2, y2. */
interface Sloped {
	readonly value: number;
	readonly slopes: readonly number[];
}

/** Slopes by the four corners from a function of (the corner's axis, the other axis, what the corner adds to its side, to the intersection's, to the enclosing one). */
function corners(x: Axis, y: Axis, slope: (own: Axis, other: Axis, grows: number, inner: number, outer: number) => number): number[] {
	const low = (own: Axis, other: Axis) => slope(own, other, -own.grows, -own.low, own.outerLow);
	const high = (own: Axis, other: Axis) => slope(own, other, own.grows, own.high, own.outerHigh);
	return [low(x, y), low(y, x), high(x, y), high(y, x)];
}

interface Overlap {
	readonly iou: Sloped;
	readonly union: Sloped;
}

function overlapOf(x: Axis, y: Axis, n: BoxNumbers): Overlap {
	const height = sum(y.length, n.areaHeightAdd);
	const intersection = product(x.intersection, y.intersection);
	const areas = sum(product(x.length, height), product(x.targetLength, sum(y.targetLength, n.areaHeightAdd)));
	const union = difference(areas, intersection);
	const intersectionSlopes = corners(x, y, (_, other, __, inner) => (intersection > 0 ? product(inner, other.intersection) : 0));
	const areaSlopes = corners(x, y, (own, _, grows) => product(grows, own === x ? height : x.length));
	const unionSlopes = areaSlopes.map((slope, k) => difference(slope, intersectionSlopes[k]));
	const divisor = Math.max(sum(union, n.unionAdd), n.unionLeast);
	const follows = sum(union, n.unionAdd) >= n.unionLeast ? 1 : 0;
	const value = ratio(intersection, divisor);
	const slopes = intersectionSlopes.map((slope, k) => ratio(difference(slope, product(product(value, follows), unionSlopes[k])), divisor));
	return { iou: { value, slopes }, union: { value: union, slopes: unionSlopes } };
}

/** What GIoU subtracts: the part of the enclosing box that neither box covers. */
function emptiness(x: Axis, y: Axis, union: Sloped, n: BoxNumbers): Sloped {
	const area = product(x.enclosing, y.enclosing);
	const slopes = corners(x, y, (_, other, __, ___, outer) => product(outer, other.enclosing));
	const divisor = Math.max(sum(area, n.enclosingAdd), n.enclosingLeast);
	const follows = sum(area, n.enclosingAdd) >= n.enclosingLeast ? 1 : 0;
	// rounding can make the enclosing box smaller than the union; but what heights are given in areas makes the union larger
	const excess = product(n.areaHeightAdd, sum(x.length, x.targetLength));
	const gap = Math.max(difference(0, excess), difference(Math.max(area, n.areaLeast), Math.max(union.value, n.areaLeast)));
	const value = ratio(gap, divisor);
	const gapSlope = (k: number) => difference(area >= n.areaLeast ? slopes[k] : 0, union.value >= n.areaLeast ? union.slopes[k] : 0);
	return { value, slopes: slopes.map((slope, k) => ratio(difference(gapSlope(k), product(product(value, follows), slope)), divisor)) };
}

/** What DIoU subtracts: the squared distance of the centres over the squared diagonal of the enclosing box. */
function distance(x: Axis, y: Axis, n: BoxNumbers): Sloped {
	const squared = sum(product(x.offset, x.offset), product(y.offset, y.offset));
	const diagonal = sum(sum(product(x.enclosing, x.enclosing), product(y.enclosing, y.enclosing)), n.diagonalAdd);
	const divisor = Math.max(diagonal, n.diagonalLeast);
	const value = ratio(squared, divisor);
	const diagonalSlope = product(2, diagonal >= n.diagonalLeast ? value : 0);
	const slopes = corners(x, y, (own, _, __, ___, outer) => ratio(difference(own.offset, product(diagonalSlope, product(outer, own.enclosing))), divisor));
	return { value, slopes };
}

/** What CIoU subtracts besides: alpha v of the difference between the angles of the diagonals. */
function aspect(x: Axis, y: Axis, iou: number, n: BoxNumbers): Sloped {
	const height = sum(y.length, n.heightAdd);
	const turn = difference(atan32(x.targetLength, sum(y.targetLength, n.heightAdd)), atan32(x.length, height));
	const v = product(FOUR_OVER_PI_SQUARED, product(turn, turn));
	const alpha = iou > n.gate ? ratio(v, sum(sum(difference(1, iou), v), n.alphaAdd)) : 0;
	const squares = sum(product(x.length, x.length), product(height, height));
	const change = product(product(alpha, FOUR_OVER_PI_SQUARED), product(2, turn));
	const slopes = corners(x, y, (own, _, grows) => {
		const towards = own === x ? -height : x.length;
		return product(change, ratio(product(grows, towards), squares));
	});
	return { value: product(alpha, v), slopes };
}

/** The penalty that a kind subtracts from the IoU. */
function penaltyOf(kind: BoxLossKind, x: Axis, y: Axis, { iou, union }: Overlap, n: BoxNumbers): Sloped {
	if (kind === 'giou') return emptiness(x, y, union, n);
	const far = distance(x, y, n);
	if (kind === 'diou') return far;
	const turned = aspect(x, y, iou.value, n);
	return { value: sum(far.value, turned.value), slopes: far.slopes.map((slope, k) => sum(slope, turned.slopes[k])) };
}

/** 1 - iou, -ln(iou) or 1 - iou^2, and what the IoU's slopes are multiplied by. */
function formed(form: IouForm, iou: number, n: BoxNumbers): { loss: number; slope: number } {
	const least = Math.max(iou, n.iouLeast);
	const follows = iou >= n.iouLeast ? -1 : 0;
	if (form === 'log') return { loss: difference(0, log32(least)), slope: ratio(follows, least) };
	if (form === 'square') return { loss: difference(1, product(least, least)), slope: product(product(2, follows), least) };
	return { loss: difference(1, least), slope: follows };
}

/** The formula of one kind, form (of 'iou') and style; targets are boxes, too. */
export function boxFormula(kind: BoxLossKind, form: IouForm, numbers: BoxNumbers): LossFormula {
	return ({ predictions: p, targets: t }, i, gradients) => {
		const k = i * 4;
		const x = axisOf(flush(p[k]), flush(p[k + 2]), flush(t[k]), flush(t[k + 2]));
		const y = axisOf(flush(p[k + 1]), flush(p[k + 3]), flush(t[k + 1]), flush(t[k + 3]));
		const overlap = overlapOf(x, y, numbers);
		if (kind === 'iou') {
			const { loss, slope } = formed(form, overlap.iou.value, numbers);
			overlap.iou.slopes.forEach((s, c) => (gradients[k + c] = product(slope, s)));
			return loss;
		}
		const penalty = penaltyOf(kind, x, y, overlap, numbers);
		overlap.iou.slopes.forEach((s, c) => (gradients[k + c] = difference(penalty.slopes[c], s)));
		return difference(1, difference(overlap.iou.value, penalty.value));
	};
}

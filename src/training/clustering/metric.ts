// How well anchors fit boxes by their sizes alone: yolov5's ratio metric (the worse of the two side ratios, min(r, 1/r), of the best
// anchor) and the IoU of shapes with one corner in common. Float32 steps and sums of integers, so that neither the order of the boxes
// nor the device changes a bit. ultralytics/yolov5, utils/autoanchor.py; Redmon and Farhadi 2017 (YOLO9000), section 2.

import { checkNumber, readOptions, refuse } from '../../checks.js';
import { divide32 } from '../../functions.js';
import type { FloatsLike } from '../../inputs.js';
import { checkAnchors, checkFilter, checkSizeList, groupSizes, type SizeRows } from './sizes.js';

const round = Math.fround;

/** A measure from 0 to 1 is summed in steps of 2^-23. */
export const MEASURE_ONE = 2 ** 23;

/** The nearest step; exact, and the same in float32 for measures above 2^-22. */
export function toSteps(measure: number): number {
	return Math.floor(measure * MEASURE_ONE + 0.5);
}

/** Side ratios beyond this are no anchors anybody trains with. */
const MOST_RATIO = 1000;

/** A ratio threshold as the option has it, 4, and as the metric is compared with it, 1/4. */
export function checkRatio(where: string, value: unknown = 4): number {
	const ratio = checkNumber(where, 'ratioThreshold', value);
	const remedy = ratio > 0 && ratio < 1 ? `did you mean ${1 / ratio}?` : '';
	if (!(ratio >= 1 && ratio <= MOST_RATIO)) refuse(RangeError, where, 'ratioThreshold', `must be 1 to ${MOST_RATIO}`, value, remedy);
	return round(1 / ratio);
}

/** 1 / sides, rounded once: what the ratio metric multiplies by. */
export function reciprocals(sides: Float32Array): Float32Array {
	return sides.map((side) => 1 / side);
}

/**
 * The worse of the ratios of widths and of heights, each at most 1: a product with the other's reciprocal, twice, and the smallest of the
 * four. Within 1 ulp of the division; equal sizes give 1 or the float before it, which `toSteps` makes 1.
 */
export function shapeRatio(width: number, height: number, inWidth: number, inHeight: number, anchors: Float32Array, inverses: Float32Array, k: number): number {
	let ratio = round(width * inverses[k]);
	const a = round(anchors[k] * inWidth);
	const b = round(height * inverses[k + 1]);
	const c = round(anchors[k + 1] * inHeight);
	if (a < ratio) ratio = a;
	if (b < ratio) ratio = b;
	return c < ratio ? c : ratio;
}

/** The IoU of two boxes with a corner in common, correctly rounded steps as `boxIou` has them. */
export function shapeIou(width: number, height: number, otherWidth: number, otherHeight: number): number {
	const intersection = round(Math.min(width, otherWidth) * Math.min(height, otherHeight));
	const union = round(round(round(width * height) + round(otherWidth * otherHeight)) - intersection);
	return divide32(intersection, union);
}

/** The mean over all boxes of the best shape IoU with any anchor. */
export function meanBestIou({ widths, heights, counts, total }: SizeRows, anchors: Float32Array): number {
	let sum = 0;
	for (let r = 0; r < counts.length; r++) {
		let best = 0;
		for (let k = 0; k < anchors.length; k += 2) best = Math.max(best, shapeIou(widths[r], heights[r], anchors[k], anchors[k + 1]));
		sum += toSteps(best) * counts[r];
	}
	return total ? sum / total / MEASURE_ONE : 0;
}

/** How well anchors fit boxes. */
export interface AnchorFitness {
	/** The mean over the boxes of the best ratio, where it is above the threshold, and 0 where it is not: what evolution raises. */
	readonly fitness: number;
	/** The share of boxes whose best ratio is above the threshold: those that training could ever match. */
	readonly bestPossibleRecall: number;
	/** Anchors per box whose ratio is above the threshold. */
	readonly anchorsAboveThreshold: number;
	/** The mean of the best IoU of the shapes. */
	readonly meanIou: number;
	/** The mean of the best ratio, above the threshold or not. */
	readonly meanBestRatio: number;
}

/** Options of `anchorFitness`. */
export interface AnchorFitnessOptions {
	/** An anchor serves a box when no side of one is this many times the other's: yolov5's anchor_t. Strict: exactly 4 is too much. Default 4. */
	ratioThreshold?: number;
}

/**
 * How well anchors [K, 2] fit boxes of sizes [N, 2], all widths and heights in the same unit. With no boxes all is 0. Throws for a size
 * that is not positive, naming it, and for no anchors. The metric of yolov5's `check_anchors`, in sums that are exact to 2^-23 per box.
 */
export function anchorFitness(sizes: FloatsLike, anchors: FloatsLike, options?: AnchorFitnessOptions): AnchorFitness {
	const where = 'anchorFitness';
	const { ratioThreshold } = readOptions(where, 'options', options, ['ratioThreshold']);
	const threshold = checkRatio(where, ratioThreshold);
	const checked = checkAnchors(where, 'anchors', anchors);
	return fitnessOf(groupSizes(where, checkSizeList(where, 'sizes', sizes), checkFilter(where, {})), checked, threshold);
}

/** The fitness of anchors, summed over all boxes in steps of 2^-23: an integer. */
export function fitnessSum(rows: SizeRows, anchors: Float32Array, threshold: number): number {
	return sumsOf(rows, anchors, threshold).fitness;
}

/** The same of rows, with the threshold as the metric is compared with it (1/4). */
export function fitnessOf(rows: SizeRows, anchors: Float32Array, threshold: number): AnchorFitness {
	const { fitness, recalled, above, ratios } = sumsOf(rows, anchors, threshold);
	const { total } = rows;
	const mean = (sum: number) => (total ? sum / total : 0);
	return {
		fitness: mean(fitness) / MEASURE_ONE,
		bestPossibleRecall: mean(recalled),
		anchorsAboveThreshold: mean(above),
		meanIou: meanBestIou(rows, anchors),
		meanBestRatio: mean(ratios) / MEASURE_ONE,
	};
}

/** Sums over all boxes, every step of them exact. */
function sumsOf(rows: SizeRows, anchors: Float32Array, threshold: number) {
	const { widths, heights, counts } = rows;
	const inverses = reciprocals(anchors);
	let [fitness, recalled, above, ratios] = [0, 0, 0, 0];
	for (let r = 0; r < counts.length; r++) {
		const inWidth = round(1 / widths[r]);
		const inHeight = round(1 / heights[r]);
		let best = 0;
		for (let k = 0; k < anchors.length; k += 2) {
			const ratio = shapeRatio(widths[r], heights[r], inWidth, inHeight, anchors, inverses, k);
			if (ratio > threshold) above += counts[r];
			if (ratio > best) best = ratio;
		}
		ratios += toSteps(best) * counts[r];
		if (best > threshold) {
			recalled += counts[r];
			fitness += toSteps(best) * counts[r];
		}
	}
	return { fitness, recalled, above, ratios };
}

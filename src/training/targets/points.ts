// What networks of points should have said: FCOS' distances, centerness and classes (Tian et al. 2019), and the distances as places
// between bins for the distribution focal loss (Li et al. 2020, GFL; Ultralytics). Points [N, 4] and a matcher's answer in, a row for each point out.

import { checkInteger, checkWord, readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { checkUprightBoxes } from '../matching/fates.js';
import { centerness, checkPoints, type PointsLike } from '../matching/points.js';
import { type MatchesLike, readClasses, readMatches, readNumClasses } from './read.js';

const round = Math.fround;

/** Options of `fcosTargets`. */
export interface FcosTargetsOptions {
	/** Class ids [G] of the ground truths. */
	classIds: ArrayLike<number>;
	/** Held against the class ids when given. */
	numClasses?: number;
	/** What distances count in. 'stride' (default): strides, as the heads of torchvision and detectron2, and of mmdetection with norm_on_bbox. 'pixels': mmdetection's others. */
	unit?: 'stride' | 'pixels';
}

/** Targets of N points. */
export interface FcosTargets {
	/** [N] as given: 1: positive, 0: negative, -1: ignored. */
	readonly labels: Int32Array;
	/** [N, 4] from the point to the left, top, right and bottom side; 0 where a point is not positive. Negative where a side is beyond the point. */
	readonly distances: Float32Array;
	/** [N] sqrt(min(l, r) / max(l, r) x min(t, b) / max(t, b)), 0 on the border, outside, and where a point is not positive. */
	readonly centerness: Float32Array;
	/** [N] the class, -1 where a point is not positive. */
	readonly classes: Int32Array;
	readonly numPositives: number;
}

/**
 * Targets of FCOS from the answer of `matchFcos` (or of another matcher over the points) for boxes [G, 4] in input pixels. Throws a TypeError
 * or RangeError that names the argument.
 */
export function fcosTargets(matches: MatchesLike, points: PointsLike, groundTruths: BoxesLike, options: FcosTargetsOptions): FcosTargets {
	const where = 'fcosTargets';
	const { rows, boxes, read } = readPoints(where, matches, points, groundTruths);
	const given = readOptions(where, 'options', options, ['classIds', 'numClasses', 'unit']) as Partial<FcosTargetsOptions>;
	const numClasses = given.numClasses === undefined ? undefined : readNumClasses(where, given.numClasses);
	const classIds = readClasses(where, given.classIds, boxes.length / 4, numClasses);
	const inPixels = checkWord(where, 'unit', given.unit ?? 'stride', ['stride', 'pixels']) === 'pixels';

	const count = rows.length / 4;
	const distances = new Float32Array(count * 4);
	const centred = new Float32Array(count);
	const classes = new Int32Array(count).fill(-1);
	let numPositives = 0;
	for (let a = 0; a < count; a++) {
		if (read.labels[a] < 1) continue;
		const [left, top, right, bottom] = measure(rows, a, boxes, read.matches[a]);
		const [sx, sy] = inPixels ? [1, 1] : [rows[a * 4 + 2], rows[a * 4 + 3]];
		distances.set([left / sx, top / sy, right / sx, bottom / sy], a * 4);
		centred[a] = centerness(left, top, right, bottom);
		classes[a] = classIds[read.matches[a]];
		numPositives++;
	}
	return { labels: read.labels, distances, centerness: centred, classes, numPositives };
}

/** Options of `binTargets`. */
export interface BinTargetsOptions {
	/** Bins per side, as in the codec `bins`. Default 16. */
	numBins?: number;
	/** How far below the last bin, in bins, a place stays. Default 0.01, as Ultralytics has it; 0.1 in mmdetection's GFL; 0 for none. */
	margin?: number;
}

/** Targets of N points. */
export interface BinTargets {
	/** [N] as given: 1: positive, 0: negative, -1: ignored. */
	readonly labels: Int32Array;
	/** [N, 4] distances to the left, top, right and bottom side in strides, from 0 to numBins - 1 - margin: what `distributionFocalLoss` takes. 0 where a point is not positive. */
	readonly places: Float32Array;
	/** [N, 4] 1 for positives: the `weights` of the loss. */
	readonly weights: Float32Array;
	/** Positives with a side that no bin reaches, whose place was moved into range. */
	readonly clamped: Uint32Array;
	readonly numPositives: number;
}

/**
 * Targets of distances as distributions, from a matcher's answer for boxes [G, 4] in input pixels. Throws a TypeError or RangeError that
 * names the argument.
 */
export function binTargets(matches: MatchesLike, points: PointsLike, groundTruths: BoxesLike, options?: BinTargetsOptions): BinTargets {
	const where = 'binTargets';
	const { rows, boxes, read } = readPoints(where, matches, points, groundTruths);
	const given = readOptions(where, 'options', options, ['numBins', 'margin']) as BinTargetsOptions;
	const numBins = checkInteger(where, 'numBins', given.numBins ?? 16, 2, 1024);
	const { margin = 0.01 } = given;
	if (typeof margin !== 'number' || !(margin >= 0 && margin <= 1)) refuse(RangeError, where, 'margin', 'must be 0 to 1 bins', margin);
	const last = round(numBins - 1 - margin);

	const count = rows.length / 4;
	const places = new Float32Array(count * 4);
	const weights = new Float32Array(count * 4);
	const clamped: number[] = [];
	let numPositives = 0;
	for (let a = 0; a < count; a++) {
		if (read.labels[a] < 1) continue;
		const strides = measure(rows, a, boxes, read.matches[a]).map((d, side) => round(d / rows[a * 4 + 2 + (side & 1)]));
		if (strides.some((d) => !(d >= 0 && d <= last))) clamped.push(a);
		places.set(
			strides.map((d) => Math.min(Math.max(d, 0), last)),
			a * 4,
		);
		weights.fill(1, a * 4, a * 4 + 4);
		numPositives++;
	}
	return { labels: read.labels, places, weights, clamped: Uint32Array.from(clamped), numPositives };
}

function readPoints(where: string, matches: unknown, points: unknown, groundTruths: unknown): { rows: Float32Array; boxes: Float32Array; read: MatchesLike } {
	const rows = checkPoints(where, points);
	const boxes = checkUprightBoxes(where, 'groundTruths', groundTruths);
	const read = readMatches(where, matches, boxes.length / 4, rows.length / 4);
	for (let a = 0; a < read.labels.length; a++) {
		if (read.labels[a] < 1) continue;
		const box = boxes.subarray(read.matches[a] * 4, read.matches[a] * 4 + 4);
		if (!box.every(Number.isFinite))
			refuse(RangeError, where, `groundTruths[${read.matches[a]}]`, 'must be finite where a point answers for it', Array.from(box));
	}
	return { rows, boxes, read };
}

/** From a point to the sides of a box, in pixels. */
function measure(rows: Float32Array, a: number, boxes: Float32Array, g: number): number[] {
	const [x, y] = [rows[a * 4], rows[a * 4 + 1]];
	const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
	return [round(x - x1), round(y - y1), round(x2 - x), round(y2 - y)];
}

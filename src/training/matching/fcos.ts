// FCOS (Tian et al. 2019): a point answers for the box that it stands in, on the level that is meant for boxes so far from
// it, and of several boxes for the smallest. The frameworks part on what the ranges include and on how they compare areas.
// Points [N, 4] and boxes [G, 4] in; labels, matches and fates out.

import { checkPositiveNumber } from '../../anchors/levels.js';
import { checkWord, readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { centerness, checkPoints, levelsOf, type PointLevel, type PointsLike } from './points.js';

const round = Math.fround;

/** Options of `matchFcos`. */
export interface FcosMatchOptions {
	/**
	 * Whose rules:
	 * - 'torchvision' (default; models/detection/fcos.py) and 'detectron2' (modeling/meta_arch/fcos.py): the farthest side strictly between 4 and
	 *   8 strides; the point less than 1.5 strides from the middle; areas are compared as float32(1e8 - area), so that of areas closer than
	 *   about 8 pixels the first box wins, and boxes of 1e8 pixels and more are never matched.
	 * - 'mmdet' (dense_heads/fcos_head.py): between 4 and 8 strides inclusive, so that 64 is on two levels; no centre sampling unless
	 *   `centreRadius` is given; plain areas, also below 1e8.
	 */
	style?: 'torchvision' | 'detectron2' | 'mmdet';
	/** [low, high] of the distance from point to farthest side in pixels, per level. Default 4 and 8 strides of the level, open below on the first and above on the last. */
	ranges?: readonly (readonly [number, number])[];
	/** How far from the middle of a box its points may be, in strides; false: anywhere inside. Default 1.5; false for 'mmdet'. */
	centreRadius?: number | false;
}

/** No area, and no range above. */
const INFINITE_AREA = 1e8;

/**
 * Matches points that stand strictly inside of boxes. Levels are runs of points with one stride, fine to coarse. torchvision's points are
 * `anchorGrid` boxes: give `{ data, format: 'xyxy' }`. Of equal areas the first box wins. `best` is the highest centerness of a box's points;
 * no IoU is measured: `maxIou` is 0. A box without a point in range, or too large, is 'out-of-range', one whose points are all in smaller
 * boxes 'taken'. Throws a TypeError or RangeError that names the argument.
 */
export function matchFcos(points: PointsLike, groundTruths: BoxesLike, options?: FcosMatchOptions): Matches {
	const rows = checkPoints('matchFcos', points);
	const truths = readGroundTruths('matchFcos', groundTruths);
	const given = readOptions('matchFcos', 'options', options, ['style', 'ranges', 'centreRadius']) as FcosMatchOptions;
	const style = checkWord('matchFcos', 'style', given.style ?? 'torchvision', ['torchvision', 'detectron2', 'mmdet']);
	const { centreRadius = style === 'mmdet' ? false : 1.5 } = given;
	if (centreRadius !== false) checkPositiveNumber('matchFcos', 'centreRadius', centreRadius);
	const inclusive = style === 'mmdet';
	const levels = levelsOf(rows);
	const ranges = readRanges(levels, given.ranges, inclusive);

	const tally = new Tally(rows.length / 4, truths);
	const rule: Rule = { inclusive, centreRadius, value: inclusive ? plainValue : float32Value };
	const none = inclusive ? -INFINITE_AREA : round(1e-5);
	const values = new Float32Array(rows.length / 4).fill(none);
	const centred = new Float32Array(truths.count).fill(-1);
	levels.forEach((level, i) => {
		for (let g = 0; g < truths.count; g++) {
			if (truths.unusable[g] === undefined && rule.value(truths.areas[g]) > none) matchLevel(tally, values, centred, rows, level, truths, g, ranges[i], rule);
		}
	});
	for (let g = 0; g < truths.count; g++) if (centred[g] < 0) tally.lose(g, 'out-of-range');
	return tally.finish();
}

interface Rule {
	readonly inclusive: boolean;
	readonly centreRadius: number | false;
	/** What the box with the highest of wins a point. */
	readonly value: (area: number) => number;
}

function plainValue(area: number): number {
	return -area;
}

function float32Value(area: number): number {
	return round(INFINITE_AREA - area);
}

type Range = readonly [number, number];

function readRanges(levels: readonly PointLevel[], given: unknown, inclusive: boolean): readonly Range[] {
	if (given === undefined) {
		const strides = levels.map(({ stride }) => stride);
		const unordered = strides.findIndex((stride, i) => i > 0 && stride < strides[i - 1]);
		if (unordered >= 0) refuse(RangeError, 'matchFcos', 'points', 'must go from fine to coarse', strides, 'or give ranges');
		return strides.map((stride, i) => [i === 0 ? -1 : round(stride * 4), i === strides.length - 1 ? Infinity : round(stride * 8)]);
	}
	if (!Array.isArray(given) || given.length !== levels.length) {
		refuse(RangeError, 'matchFcos', 'ranges', `must have one [low, high] per level, ${levels.length}`, given);
	}
	return given.map((range: unknown, i): Range => {
		const isPair = Array.isArray(range) && range.length === 2 && range.every((v) => typeof v === 'number');
		if (!isPair || !(range[0] < range[1] || (inclusive && range[0] === range[1]))) {
			refuse(RangeError, 'matchFcos', `ranges[${i}]`, 'must be [low, high], low below high', range);
		}
		return [round(range[0]), round(range[1])];
	});
}

/** One box on one level: `values` keeps for each point the best box so far, the first of equals. */
function matchLevel(
	tally: Tally,
	values: Float32Array,
	centred: Float32Array,
	points: Float32Array,
	level: PointLevel,
	{ boxes, areas }: GroundTruths,
	g: number,
	[low, high]: Range,
	{ inclusive, centreRadius, value }: Rule,
): void {
	const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
	const worth = value(areas[g]);
	const sampled = centreRadius === false ? undefined : samplingOf(x1, y1, x2, y2, round(level.stride * round(centreRadius)));
	for (let i = level.first; i < level.end; i++) {
		const x = points[i * 4];
		const y = points[i * 4 + 1];
		if (!(x > x1 && x < x2 && y > y1 && y < y2)) continue;
		const left = round(x - x1);
		const top = round(y - y1);
		const right = round(x2 - x);
		const bottom = round(y2 - y);
		if (sampled && !sampled(x, y)) continue;
		const farthest = Math.max(left, top, right, bottom);
		if (inclusive ? !(farthest >= low && farthest <= high) : !(farthest > low && farthest < high)) continue;
		const middle = centerness(left, top, right, bottom);
		if (middle > centred[g]) {
			centred[g] = middle;
			tally.best(g, i, middle);
		}
		if (!(worth > values[i])) continue;
		values[i] = worth;
		tally.give(i, g);
	}
}

/** Whether a point is less than a radius from the middle of a box, in x and in y. */
function samplingOf(x1: number, y1: number, x2: number, y2: number, radius: number): (x: number, y: number) => boolean {
	const centreX = round(x1 + x2) * 0.5;
	const centreY = round(y1 + y2) * 0.5;
	return (x, y) => Math.max(Math.abs(round(x - centreX)), Math.abs(round(y - centreY))) < radius;
}

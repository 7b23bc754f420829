// CenterNet (Zhou et al. 2019, "Objects as Points"): the cell of an object's middle is the one positive, and about it the
// target falls off as a Gaussian, so wide that a box about any cell under it still overlaps the object. As in
// xingyizhou/CenterNet, src/lib/utils/image.py and datasets/sample/ctdet.py; overlapping Gaussians keep their maximum.

import { checkInteger, checkNumber, checkWord, readOptions, refuse } from '../../checks.js';
import { type BoxesLike, checkClassIds } from '../../inputs.js';
import { exp32 } from '../../numbers.js';
import { checkGridLevel, type GridLevel } from './cells.js';
import { readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';

const round = Math.fround;

/** Options of `matchCenterNet`. */
export interface CenterNetMatchOptions {
	/** Classes of the heat map. */
	numClasses: number;
	/** Class ids [G]. */
	classIds: ArrayLike<number>;
	/** A box moved by the radius still has this IoU with the object; above 0, below 1. Default 0.7. */
	minOverlap?: number;
	/**
	 * How the radius is computed. 'centernet' (default): as CenterNet's published models were trained, with the roots of CornerNet's first
	 * release, (b + sqrt) / 2: wider than meant. 'cornernet': as CornerNet corrected it and mmdetection has it, (b - sqrt) / 2a. A box of 10 x 10
	 * cells has 2.73 and 0.82.
	 */
	radius?: 'centernet' | 'cornernet';
}

/** What `matchCenterNet` answers. Sizes in cells. */
export interface CenterNetMatches extends Matches {
	/** Every ground truth that has a centre, and its cell; one cell may be the centre of several. */
	readonly pairs: { readonly anchors: Uint32Array; readonly groundTruths: Uint32Array };
	/** [classes, height, width] 1 at centres, falling to exp(-9) at the corner of a Gaussian's square, 0 elsewhere. */
	readonly heatMap: Float32Array;
	/** [P, 2] of each pair: the middle from its cell's corner, x and y, 0 to 1 (`reg`). */
	readonly offsets: Float32Array;
	/** [P, 2] of each pair: width and height (`wh`). */
	readonly sizes: Float32Array;
	/** [P] whole cells. */
	readonly radii: Uint32Array;
}

/** 2^28 floats are a gigabyte. */
const MOST_VALUES = 2 ** 28;

/**
 * Centres and heat map of one map { grid, stride } (rows: y, x), usually of stride 4. Boxes are clipped to the middles of the outermost cells
 * first, as CenterNet does; one of which nothing is left is 'out-of-range'. `best` is 1; no IoU is measured: `maxIou` is 0. Throws a TypeError
 * or RangeError that names the argument.
 */
export function matchCenterNet(level: GridLevel, groundTruths: BoxesLike, options: CenterNetMatchOptions): CenterNetMatches {
	const { grid, stride } = checkGridLevel('matchCenterNet', level);
	const truths = readGroundTruths('matchCenterNet', groundTruths);
	const rule = readRule(options, truths.count, grid);
	const [height, width] = grid;

	const tally = new Tally(height * width, truths);
	const heatMap = new Float32Array(rule.numClasses * height * width);
	const found: { cell: number; groundTruth: number; radius: number; numbers: number[] }[] = [];
	for (let g = 0; g < truths.count; g++) {
		if (truths.unusable[g] !== undefined) continue;
		const [x1, y1, x2, y2] = Array.from(truths.boxes.subarray(g * 4, g * 4 + 4), (v, k) => {
			return Math.min(Math.max(round(v / stride), 0), (k % 2 === 0 ? width : height) - 1);
		});
		const size = [round(x2 - x1), round(y2 - y1)];
		if (!(size[0] > 0 && size[1] > 0)) {
			tally.lose(g, 'out-of-range');
			continue;
		}
		const radius = Math.max(0, Math.trunc(gaussianRadius(Math.ceil(size[1]), Math.ceil(size[0]), rule.minOverlap, rule.corrected)));
		const centre = [round(x1 + x2) * 0.5, round(y1 + y2) * 0.5];
		const [x, y] = [Math.trunc(centre[0]), Math.trunc(centre[1])];
		const cell = y * width + x;
		drawGaussian(heatMap.subarray(rule.classIds[g] * height * width, (rule.classIds[g] + 1) * height * width), height, width, x, y, radius);
		tally.give(cell, g);
		tally.best(g, cell, 1);
		found.push({ cell, groundTruth: g, radius, numbers: [centre[0] - x, centre[1] - y, ...size] });
	}
	const pairs = { anchors: Uint32Array.from(found, ({ cell }) => cell), groundTruths: Uint32Array.from(found, ({ groundTruth }) => groundTruth) };
	return {
		...tally.finish(pairs),
		pairs,
		heatMap,
		offsets: Float32Array.from(found.flatMap(({ numbers }) => numbers.slice(0, 2))),
		sizes: Float32Array.from(found.flatMap(({ numbers }) => numbers.slice(2))),
		radii: Uint32Array.from(found, ({ radius }) => radius),
	};
}

interface Rule {
	readonly numClasses: number;
	readonly classIds: Uint32Array;
	readonly minOverlap: number;
	readonly corrected: boolean;
}

function readRule(options: unknown, count: number, [height, width]: readonly [number, number]): Rule {
	const where = 'matchCenterNet';
	const given = readOptions(where, 'options', options, ['numClasses', 'classIds', 'minOverlap', 'radius']);
	const numClasses = checkInteger(where, 'numClasses', given.numClasses, 1, 2 ** 24);
	const values = numClasses * height * width;
	if (values > MOST_VALUES) refuse(RangeError, where, 'numClasses', `must make a heat map of at most 2^28 values`, values);
	const classIds = checkClassIds(where, given.classIds, count);
	const stranger = classIds.findIndex((id) => id >= numClasses);
	if (stranger >= 0) refuse(RangeError, where, `classIds[${stranger}]`, `must be below numClasses, ${numClasses}`, classIds[stranger]);
	const minOverlap = checkNumber(where, 'minOverlap', given.minOverlap ?? 0.7);
	if (!(minOverlap > 0 && minOverlap < 1)) refuse(RangeError, where, 'minOverlap', 'must be above 0 and below 1', minOverlap);
	const corrected = checkWord(where, 'radius', given.radius ?? 'centernet', ['centernet', 'cornernet']) === 'cornernet';
	return { numClasses, classIds, minOverlap, corrected };
}

/**
 * How far a box of height x width may be off and still overlap by `minOverlap`: the least of three cases, both corners moved the
 * same way, inwards, and outwards, each the root of a x^2 + b x + c.
 */
function gaussianRadius(height: number, width: number, minOverlap: number, corrected: boolean): number {
	const sum = height + width;
	const area = height * width;
	const cases = [
		[1, sum, (area * (1 - minOverlap)) / (1 + minOverlap)],
		[4, 2 * sum, area * (1 - minOverlap)],
		[4 * minOverlap, -2 * minOverlap * sum, area * (minOverlap - 1)],
	];
	const radii = cases.map(([a, b, c], i) => {
		const root = Math.sqrt(b * b - 4 * a * c);
		return corrected && i < 2 ? (b - root) / (2 * a) : (b + root) / (corrected ? 2 * a : 2);
	});
	return Math.min(...radii);
}

/** Raises a map [height, width] to a Gaussian about a cell; sigma is a sixth of the square's side, 2 radius + 1. */
function drawGaussian(map: Float32Array, height: number, width: number, x: number, y: number, radius: number): void {
	const sigma = (2 * radius + 1) / 6;
	const falls = Float32Array.from({ length: radius + 1 }, (_, d) => -(d * d) / (2 * sigma * sigma));
	for (let dy = -Math.min(radius, y); dy <= radius && y + dy < height; dy++) {
		for (let dx = -Math.min(radius, x); dx <= radius && x + dx < width; dx++) {
			const cell = (y + dy) * width + x + dx;
			const value = exp32(round(falls[Math.abs(dx)] + falls[Math.abs(dy)]));
			if (value > map[cell]) map[cell] = value;
		}
	}
}

// FoveaBox (Kong et al. 2020), as mmdetection has it (dense_heads/fovea_head.py): on every level that is meant for boxes of
// its size, the cells in the middle of a box answer for it, 0.4 of its width and height. The ranges of levels overlap; where
// boxes do, the smaller one is painted over the larger.

import { checkNumber, readOptions, refuse } from '../../checks.js';
import { sqrt32 } from '../../functions.js';
import type { BoxesLike } from '../../inputs.js';
import { checkGridLevels, type GridLevel, type PlacedGrid } from './cells.js';
import { type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { centerness } from './points.js';

const round = Math.fround;

/** Options of `matchFovea`. */
export interface FoveaMatchOptions {
	/** The part of a box's width and height that answers. Default 0.4. */
	sigma?: number;
	/** [low, high] of the root of a box's area in pixels, inclusive, per level. Default 1 and 4 strides: 8 to 32, 16 to 64, 32 to 128, 64 to 256, 128 to 512. */
	ranges?: readonly (readonly [number, number])[];
}

/**
 * Matches the cells of levels { grid, stride } (rows: level, y, x) whose middles lie in the shrunk box, border included. As in mmdetection a
 * shrunk box beyond the grid counts as the outermost cells; a box that does not touch the grid at all is 'out-of-range', as is one of no
 * level's size or between all cells' middles. Of equal areas the later box wins. `best` is the highest centerness of a box's cells; no IoU is
 * measured: `maxIou` is 0. Throws a TypeError or RangeError that names the argument.
 */
export function matchFovea(levels: readonly GridLevel[], groundTruths: BoxesLike, options?: FoveaMatchOptions): Matches {
	const placed = checkGridLevels('matchFovea', levels);
	const truths = readGroundTruths('matchFovea', groundTruths);
	const given = readOptions('matchFovea', 'options', options, ['sigma', 'ranges']);
	const sigma = checkNumber('matchFovea', 'sigma', given.sigma ?? 0.4);
	if (!(sigma > 0 && sigma <= 1)) refuse(RangeError, 'matchFovea', 'sigma', 'must be above 0, at most 1', sigma);
	const ranges = readRanges(placed.levels, given.ranges);

	const tally = new Tally(placed.numAnchors, truths);
	const scales = truths.areas.map(sqrt32);
	const largestFirst = Array.from(scales.keys())
		.filter((g) => truths.unusable[g] === undefined)
		.sort((a, b) => scales[b] - scales[a] || a - b);
	const centred = new Float32Array(truths.count).fill(-1);
	placed.levels.forEach((level, i) => {
		const [low, high] = ranges[i];
		for (const g of largestFirst) {
			if (scales[g] >= low && scales[g] <= high) paint(tally, centred, level, truths, g, round(sigma));
		}
	});
	for (let g = 0; g < truths.count; g++) if (centred[g] < 0) tally.lose(g, 'out-of-range');
	return tally.finish();
}

function readRanges(levels: readonly PlacedGrid[], given: unknown): readonly (readonly [number, number])[] {
	if (given === undefined) return levels.map(({ stride }) => [stride, stride * 4]);
	if (!Array.isArray(given) || given.length !== levels.length) {
		refuse(RangeError, 'matchFovea', 'ranges', `must have one [low, high] per level, ${levels.length}`, given);
	}
	return given.map((range: unknown, i) => {
		const isPair = Array.isArray(range) && range.length === 2 && range.every((v) => typeof v === 'number') && range[0] <= range[1];
		if (!isPair) refuse(RangeError, 'matchFovea', `ranges[${i}]`, 'must be [low, high], low not above high', range);
		return [round(range[0]), round(range[1])] as const;
	});
}

/** The cells of one box on one level become its own. */
function paint(tally: Tally, centred: Float32Array, { grid, stride, firstAnchor }: PlacedGrid, { boxes }: GroundTruths, g: number, sigma: number): void {
	const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
	const isApart = x2 <= 0 || y2 <= 0 || x1 >= grid[1] * stride || y1 >= grid[0] * stride;
	if (isApart || !(grid[0] > 0 && grid[1] > 0)) return;
	const [left, right] = middleOf(round(x1 / stride), round(x2 / stride), sigma, grid[1]);
	const [top, bottom] = middleOf(round(y1 / stride), round(y2 / stride), sigma, grid[0]);
	for (let y = top; y <= bottom; y++) {
		for (let x = left; x <= right; x++) {
			const cell = firstAnchor + y * grid[1] + x;
			tally.give(cell, g);
			const px = round((x + 0.5) * stride);
			const py = round((y + 0.5) * stride);
			const middle = centerness(round(px - x1), round(py - y1), round(x2 - px), round(y2 - py));
			if (middle <= centred[g]) continue;
			centred[g] = middle;
			tally.best(g, cell, middle);
		}
	}
}

/** First and last cell whose middle lies in the shrunk side from `low` to `high`, in cells: ceil and floor of its ends less a half. */
function middleOf(low: number, high: number, sigma: number, count: number): [number, number] {
	const half = round(0.5 * round(high - low));
	const first = Math.ceil(round(round(low + round(round(1 - sigma) * half)) - 0.5));
	const last = Math.floor(round(round(low + round(round(1 + sigma) * half)) - 0.5));
	return [Math.min(Math.max(first, 0), count - 1), Math.min(Math.max(last, 0), count - 1)];
}

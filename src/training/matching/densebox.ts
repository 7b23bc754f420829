// DenseBox (Huang et al. 2015, section 3.1): the cells within a circle about the middle of a box answer for it, its radius 0.3
// of the box's height; cells within 2 of a positive one are a grey zone and ignored. Everything in cells of the output map.

import { checkPositiveNumber } from '../../anchors/levels.js';
import { checkNumber, readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { checkGridLevel, type GridLevel, type PlacedGrid } from './cells.js';
import { type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { centerness } from './points.js';

const round = Math.fround;

/** Options of `matchDenseBox`. */
export interface DenseBoxMatchOptions {
	/** Radius of the circle in heights of the box. Default 0.3. */
	radius?: number;
	/** Cells this near to a positive one, and not positive, are ignored. Default 2. */
	greyZone?: number;
	/** Heights in pixels that are looked for, inclusive; others are negative. The paper's patches have one face of 50 pixels, and count those of 0.8 to 1.25 times that: [40, 62.5]. Default: all. */
	heights?: readonly [number, number];
	/** Where in its cell a point stands, in cells, as the option of `densebox`. Default 0. */
	offset?: number;
}

/**
 * Matches the cells of one map { grid, stride } (rows: y, x). Circle and grey zone include their rims. A cell in several circles belongs to the
 * box whose middle is nearest, of equally near ones to the first. A box of another height, or with no cell in its circle, is 'out-of-range'.
 * `best` is the highest centerness of a box's cells; no IoU is measured: `maxIou` is 0. Throws a TypeError or RangeError that names
 * the argument.
 */
export function matchDenseBox(level: GridLevel, groundTruths: BoxesLike, options?: DenseBoxMatchOptions): Matches {
	const placed = checkGridLevel('matchDenseBox', level);
	const truths = readGroundTruths('matchDenseBox', groundTruths);
	const given = readOptions('matchDenseBox', 'options', options, ['radius', 'greyZone', 'heights', 'offset']) as DenseBoxMatchOptions;
	const radius = round(checkPositiveNumber('matchDenseBox', 'radius', given.radius ?? 0.3));
	const greyZone = checkNumber('matchDenseBox', 'greyZone', given.greyZone ?? 2);
	if (!(greyZone >= 0 && greyZone < 2 ** 15)) refuse(RangeError, 'matchDenseBox', 'greyZone', 'must be 0 to 32767 cells', greyZone);
	const offset = given.offset ?? 0;
	if (!Number.isFinite(offset)) refuse(RangeError, 'matchDenseBox', 'offset', 'must be a finite number of cells', offset);
	const [low, high] = readHeights(given.heights);

	const tally = new Tally(placed.grid[0] * placed.grid[1], truths);
	const distances = new Float32Array(tally.labels.length).fill(Infinity);
	const centred = new Float32Array(truths.count).fill(-1);
	for (let g = 0; g < truths.count; g++) {
		const height = round(truths.boxes[g * 4 + 3] - truths.boxes[g * 4 + 1]);
		if (truths.unusable[g] === undefined && height >= low && height <= high) {
			const circle = circleOf(placed, truths, g, round(radius * round(height / placed.stride)), round(offset));
			fill(tally, distances, centred, placed, truths, g, circle);
		}
		if (centred[g] < 0) tally.lose(g, 'out-of-range');
	}
	if (greyZone > 0) greyOut(tally.labels, placed.grid, greyZone);
	return tally.finish();
}

function readHeights(heights: unknown): readonly [number, number] {
	if (heights === undefined) return [0, Infinity];
	const isPair = Array.isArray(heights) && heights.length === 2 && heights.every((v) => typeof v === 'number');
	if (!isPair || !(heights[0] >= 0 && heights[0] <= heights[1])) refuse(RangeError, 'matchDenseBox', 'heights', 'must be [low, high] in pixels', heights);
	return [round(heights[0]), round(heights[1])];
}

/** In cells. */
interface Circle {
	readonly x: number;
	readonly y: number;
	readonly radius: number;
	readonly offset: number;
}

function circleOf({ stride }: PlacedGrid, { boxes }: GroundTruths, g: number, radius: number, offset: number): Circle {
	const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
	return { x: round(round(round(x1 + x2) * 0.5) / stride), y: round(round(round(y1 + y2) * 0.5) / stride), radius, offset };
}

/** The cells of a circle that are nearer to its middle than to any before become the box's own. */
function fill(
	tally: Tally,
	distances: Float32Array,
	centred: Float32Array,
	{ grid, stride }: PlacedGrid,
	{ boxes }: GroundTruths,
	g: number,
	{ x, y, radius, offset }: Circle,
): void {
	const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
	const most = round(radius * radius);
	// a cell more on each side: whether it is within is for the distance to say
	const [left, right] = [Math.max(0, Math.floor(x - offset - radius) - 1), Math.min(grid[1] - 1, Math.ceil(x - offset + radius) + 1)];
	const [top, bottom] = [Math.max(0, Math.floor(y - offset - radius) - 1), Math.min(grid[0] - 1, Math.ceil(y - offset + radius) + 1)];
	for (let row = top; row <= bottom; row++) {
		for (let column = left; column <= right; column++) {
			const dx = round(round(column + offset) - x);
			const dy = round(round(row + offset) - y);
			const distance = round(round(dx * dx) + round(dy * dy));
			if (!(distance <= most)) continue;
			const cell = row * grid[1] + column;
			const px = round(round(column + offset) * stride);
			const py = round(round(row + offset) * stride);
			const middle = centerness(round(px - x1), round(py - y1), round(x2 - px), round(y2 - py));
			if (middle > centred[g]) {
				centred[g] = middle;
				tally.best(g, cell, middle);
			}
			if (!(distance < distances[cell])) continue;
			distances[cell] = distance;
			tally.give(cell, g);
		}
	}
}

/** Negatives within `reach` cells of a positive become ignored. */
function greyOut(labels: Int32Array, [height, width]: readonly [number, number], reach: number): void {
	const steps: [number, number][] = [];
	const whole = Math.min(Math.floor(reach), Math.max(height, width));
	for (let dy = -whole; dy <= whole; dy++) for (let dx = -whole; dx <= whole; dx++) if (dx * dx + dy * dy <= reach * reach) steps.push([dx, dy]);
	for (let cell = 0; cell < labels.length; cell++) {
		if (labels[cell] !== 1) continue;
		const x = cell % width;
		const y = (cell - x) / width;
		for (const [dx, dy] of steps) {
			if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
			if (labels[cell + dy * width + dx] === 0) labels[cell + dy * width + dx] = -1;
		}
	}
}

// What every anchor generator needs: the strides and grids of the pyramid levels, checked; and the cells of a level
// from the boxes of its first cell.

import { checkSize, refuse, refuseUnless } from '../checks.js';

/** Height and width of a feature map in cells. */
export type GridSize = readonly [number, number];

/** Throws unless `values` is a list of positive finite numbers with at least one element. */
export function checkPositive(call: string, name: string, values: unknown): readonly number[] {
	if (!Array.isArray(values) || values.length === 0) refuse(TypeError, call, name, 'must be a list with at least one number', values);
	values.forEach((v, i) => {
		checkPositiveNumber(call, `${name}[${i}]`, v);
	});
	return values;
}

/** Throws unless `value` is a positive finite number. */
export function checkPositiveNumber(call: string, name: string, value: unknown): number {
	if (typeof value === 'number' && value > 0 && value < Infinity) return value;
	refuseUnless(typeof value === 'number', call, name, 'must be a positive number', value);
}

/** Grids of the levels: as given, else ceil(input / stride). */
export function levelGrids(call: string, inputSize: readonly [number, number], strides: readonly number[], given?: readonly GridSize[]): GridSize[] {
	const [height, width] = checkSize(call, 'inputSize', inputSize);
	checkPositive(call, 'strides', strides);
	if (given === undefined) return strides.map((s) => [Math.ceil(height / s), Math.ceil(width / s)]);
	if (!Array.isArray(given) || given.length !== strides.length)
		refuse(RangeError, call, 'gridSizes', `must have one [height, width] per stride, ${strides.length}`, given);
	given.forEach((grid, i) => {
		checkGrid(call, `gridSizes[${i}]`, grid);
	});
	return given.slice();
}

/** A grid in whole cells; either side may be 0. */
export function checkGrid(call: string, name: string, grid: unknown): GridSize {
	if (Array.isArray(grid) && grid.length === 2 && grid.every((n) => Number.isInteger(n) && n >= 0)) return grid as unknown as GridSize;
	refuse(RangeError, call, name, 'must be [height, width] in cells', grid);
}

/** Anchor sizes of each level, as lists. */
export function levelSizes(call: string, sizes: readonly (number | readonly number[])[], strides: readonly number[]): (readonly number[])[] {
	if (!Array.isArray(sizes) || sizes.length !== strides.length) refuse(RangeError, call, 'sizes', `must have one entry per stride, ${strides.length}`, sizes);
	return sizes.map((size, i) => checkPositive(call, `sizes[${i}]`, typeof size === 'number' ? [size] : size));
}

/** The boxes of a level's first cell, and what lies between neighbouring cells. */
export interface TiledLevel {
	readonly grid: GridSize;
	/** xyxy of cell (0, 0), in the order inside a cell. */
	readonly boxes: readonly (readonly [number, number, number, number])[];
	readonly stepX: number;
	readonly stepY: number;
}

/** xyxy of a box in the middle of a cell. */
export function boxAbout(centreX: number, centreY: number, width: number, height: number): [number, number, number, number] {
	return [centreX - width / 2, centreY - height / 2, centreX + width / 2, centreY + height / 2];
}

/**
 * Anchors [N, 4], xyxy; order: level, y, x, box. The boxes are rounded to float32 first and moved then, so that every
 * cell has the same ones: the arithmetic of torch, and of a kernel that keeps one cell and the steps.
 */
export function tileCells(levels: readonly TiledLevel[]): Float32Array {
	const rows = new Float32Array(levels.reduce((sum, { grid, boxes }) => sum + grid[0] * grid[1] * boxes.length * 4, 0));
	let k = 0;
	for (const { grid, boxes, stepX, stepY } of levels) {
		const cell = Float32Array.from(boxes.flat());
		for (let y = 0; y < grid[0]; y++) {
			for (let x = 0; x < grid[1]; x++) {
				for (let i = 0; i < cell.length; i++) rows[k++] = cell[i] + (i & 1 ? y * stepY : x * stepX);
			}
		}
	}
	return rows;
}

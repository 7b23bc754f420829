// What every anchor generator needs first: the strides and grids of the pyramid levels, checked.

import { checkSize } from '../boxes/formats.js';
import { refuse, refuseUnless } from '../checks.js';

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

// Where readings begin: input sizes that have so many cells, and outputs read as feature maps. A wrong guess does no harm,
// since every head is held against all outputs.

import { countCells } from '../common.js';
import type { Facts } from './facts.js';
import type { Dims, Output } from './outputs.js';

/** Height and width in pixels. */
export type Size = readonly [number, number];

/** Pixels along a side of the largest input that is guessed; anchors of larger ones would fill the memory. Hints may say more. */
export const LARGEST = 4096;

/** Stands for an input size that shapes do not show, in candidates that are not chosen. */
export const STAND_IN: Size = [640, 640];

/** What is said of it. */
export const SIZE_UNKNOWN = 'the shapes do not show the input size, for which [640, 640] stands';

/** What is said of sizes found by their number of cells. */
export const SQUARE = 'the input size was assumed to be square (hints.inputSize says otherwise)';

/** The inputs that have so many cells on these strides: the one given, or squares of whole steps up to the largest. */
export function inputsOf(facts: Facts, cells: number, strides: readonly number[], step = Math.max(...strides)): Size[] {
	const isFit = (size: Size) => countCells(size, strides) === cells;
	if (facts.inputSize) return isFit(facts.inputSize) ? [facts.inputSize] : [];
	const found: Size[] = [];
	for (let side = step; side <= LARGEST; side += step) if (isFit([side, side])) found.push([side, side]);
	return found;
}

/** Outputs read as maps in one axis order. */
export interface Maps {
	/** The finest grid. */
	readonly grid: Size;
	/** Channels that occur, each once. */
	readonly channels: readonly number[];
}

/** Outputs of four axes as [batch, channels, y, x] and as [batch, y, x, channels]. */
export function readMaps(outputs: readonly Output[]): Maps[] {
	if (outputs.some(({ dims }) => dims.length !== 4)) return [];
	return [
		[1, 2, 3],
		[3, 1, 2],
	].flatMap(([c, y, x]) => {
		const grids = outputs.map(({ dims }): Size => [dims[y], dims[x]]).sort((a, b) => b[0] * b[1] - a[0] * a[1]);
		// each level has half the rows and columns of the one before, or this is not the axis order
		const isPyramid = grids.every((grid, i) => i === 0 || grid.every((n, k) => n === grids[i - 1][k] || Math.abs(grids[i - 1][k] / 2 - n) < 1));
		return isPyramid ? [{ grid: grids[0], channels: distinct(outputs.map(({ dims }) => dims[c])) }] : [];
	});
}

/** The input whose finest grid this is, unless hints say another. */
export function inputOf(facts: Facts, [y, x]: Size, stride: number): Size {
	return facts.inputSize ?? [y * stride, x * stride];
}

/** Class counts that may be: positive whole numbers, and the one given if any is. */
export function classCounts(facts: Facts, counts: readonly number[]): number[] {
	return distinct(counts).filter((n) => Number.isInteger(n) && n >= 1 && n <= 2 ** 24 && (facts.numClasses ?? n) === n);
}

/** Each number once. */
export function distinct(numbers: readonly number[]): number[] {
	return [...new Set(numbers)];
}

/** The last two axes of a flat list, with or without a batch; undefined for other ranks. */
export function flatDims(dims: Dims): readonly [number, number] | undefined {
	if (dims.length !== 2 && dims.length !== 3) return undefined;
	return [dims[dims.length - 2], dims[dims.length - 1]];
}

/** The option `normalized`: TensorFlow Lite exports have fractions, those for TensorFlow.js pixels, and both name outputs alike. */
export function unitsOf({ outputs, normalized }: Facts): readonly { readonly normalized?: true }[] {
	if (normalized !== undefined) return normalized ? [{ normalized }] : [{}];
	const isTensorflow = outputs.some(({ name = '' }) => /^(Identity|(Stateful)?PartitionedCall)/.test(name));
	return isTensorflow ? [{}, { normalized: true }] : [{}];
}

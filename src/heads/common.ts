// Checks that every head's factory makes, and the two tensor shapes that most heads have: a flat list of anchors, and
// a feature map.

import { checkInteger, checkSize, checkWord, refuse } from '../checks.js';
import type { Axis, Level } from './head.js';

/** Axis order of a flat output: [4 + classes, anchors], [anchors, 4 + classes], or told from the dims. */
export type HeadLayout = 'auto' | 'channels-first' | 'anchors-first';

const CHANNELS_FIRST: readonly Axis[] = ['channel', 'anchor'];
const ANCHORS_FIRST: readonly Axis[] = ['anchor', 'channel'];

/** The accepted axis orders of a flat output; the usual one first. */
export function flatLayouts(call: string, layout: HeadLayout, usual: 'channels-first' | 'anchors-first'): readonly (readonly Axis[])[] {
	checkWord(call, 'layout', layout, ['auto', 'channels-first', 'anchors-first']);
	if (layout === 'channels-first') return [CHANNELS_FIRST];
	if (layout === 'anchors-first') return [ANCHORS_FIRST];
	return usual === 'channels-first' ? [CHANNELS_FIRST, ANCHORS_FIRST] : [ANCHORS_FIRST, CHANNELS_FIRST];
}

/** The accepted axis orders of a feature map, its cells split into y and x or not. */
export function mapLayouts(call: string, layout: HeadLayout): readonly (readonly Axis[])[] {
	checkWord(call, 'layout', layout, ['auto', 'channels-first', 'anchors-first']);
	const first: readonly (readonly Axis[])[] = [
		['channel', 'y', 'x'],
		['channel', 'cell'],
	];
	const last: readonly (readonly Axis[])[] = [
		['y', 'x', 'channel'],
		['cell', 'channel'],
	];
	if (layout === 'auto') return [...first, ...last];
	return layout === 'channels-first' ? first : last;
}

/** A level but for where its numbers stand. */
export type LevelPlace = Omit<Level, 'box' | 'classes'>;

/** The one level of a flat list of anchors. */
export function flatLevel(numAnchors: number): LevelPlace {
	return { firstAnchor: 0, numAnchors, grid: [1, numAnchors], numShapes: 1, order: 'yxa', stride: 1 };
}

/** The levels of feature maps, in the order of their strides; `shapes`: anchors per cell, of all levels or of each. */
export function gridLevels(
	inputSize: readonly [number, number],
	strides: readonly number[],
	shapes: number | readonly number[] = 1,
	order: Level['order'] = 'yxa',
): LevelPlace[] {
	let firstAnchor = 0;
	return strides.map((stride, i) => {
		const grid = [Math.ceil(inputSize[0] / stride), Math.ceil(inputSize[1] / stride)] as const;
		const numShapes = typeof shapes === 'number' ? shapes : shapes[i];
		const level: LevelPlace = { firstAnchor, numAnchors: grid[0] * grid[1] * numShapes, grid, numShapes, order, stride };
		firstAnchor += level.numAnchors;
		return level;
	});
}

/** numClasses: 1 to 2^24, the integers that a float32 holds. */
export function checkClasses(call: string, numClasses: unknown): number {
	return checkInteger(call, 'numClasses', numClasses, 1, 2 ** 24);
}

/** inputSize: [height, width], whole pixels. */
export function checkInput(call: string, inputSize: unknown): readonly [number, number] {
	const size = checkSize(call, 'inputSize', inputSize);
	size.forEach((n, i) => {
		if (!Number.isInteger(n)) refuse(RangeError, call, `inputSize[${i}]`, 'must be a whole number of pixels', n);
	});
	return [size[0], size[1]];
}

/** Throws unless every stride divides the input: YOLO networks take no other sizes. */
export function checkStrides(call: string, inputSize: readonly [number, number], strides: unknown): readonly number[] {
	if (!Array.isArray(strides) || strides.length === 0) refuse(TypeError, call, 'strides', 'must be a list with at least one number', strides);
	strides.forEach((s, i) => {
		checkInteger(call, `strides[${i}]`, s, 1, 2 ** 16);
	});
	const largest = Math.max(...strides);
	inputSize.forEach((n, i) => {
		if (strides.some((s) => n % s !== 0))
			refuse(
				RangeError,
				call,
				`inputSize[${i}]`,
				`must be a multiple of the strides (${strides.join(', ')})`,
				n,
				`the nearest is ${Math.max(1, Math.round(n / largest)) * largest}`,
			);
	});
	return strides.slice();
}

/** Cells of all levels. */
export function countCells(inputSize: readonly [number, number], strides: readonly number[]): number {
	return strides.reduce((sum, s) => sum + Math.ceil(inputSize[0] / s) * Math.ceil(inputSize[1] / s), 0);
}

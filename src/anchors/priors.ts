// SSD's default boxes (Caffe PriorBox, torchvision DefaultBoxGenerator, mmdetection SSDAnchorGenerator): a small and a
// larger square, then pairs of elongated boxes, centred in every cell. ratio = width / height. Order: level, y, x, box.

import { checkSize, checkWord, readOptions, refuse } from '../checks.js';
import { boxAbout, checkPositive, type GridSize, levelGrids, type TiledLevel, tileCells } from './levels.js';

/**
 * Whose rules. All centre in the cell and list the square, the larger square, then each ratio and its inverse:
 * - 'torchvision': DefaultBoxGenerator, models/detection/anchor_utils.py. Widths and heights as fractions of each side; limits them to the input.
 * - 'caffe': prior_box_layer.cpp of weiliu89/caffe. Squares cut to whole pixels; `clip: true` cuts the four corners.
 * - 'mmdet': SSDAnchorGenerator, mmdet/models/task_modules/prior_generators/anchor_generator.py. Neither.
 */
export type PriorStyle = 'torchvision' | 'caffe' | 'mmdet';
const STYLES: readonly PriorStyle[] = ['torchvision', 'caffe', 'mmdet'];

/**
 * Options of `ssdPriors`. Levels, steps, ratios and scales default to SSD300's when the input is 300 x 300, and for
 * 'torchvision' to those of ssdlite320_mobilenet_v3_large when it is 320 x 320. TensorFlow's ssd_mobilenet: `mediapipeAnchors`.
 */
export interface SsdPriorOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Grids in cells, one per level. */
	gridSizes?: readonly GridSize[];
	/** Pixels per cell of each level. Without it the quotient input / grid, which may be fractional. */
	steps?: readonly number[];
	/** Sizes as fractions of the input: one per level and one more, whose square root with the last makes the larger square. */
	scales?: readonly number[];
	/** Elongations of each level, above 1; each gives two boxes. */
	aspectRatios?: readonly (readonly number[])[];
	/** Default 'torchvision'. 'caffe' cuts sizes to whole pixels. */
	style?: PriorStyle;
	/** Default true for 'torchvision', which limits only widths and heights to the input; false else. 'caffe' clips corners. */
	clip?: boolean;
}

interface Levels {
	readonly grids: readonly number[];
	readonly steps?: readonly number[];
	readonly scales: readonly number[];
	readonly aspectRatios: readonly (readonly number[])[];
}

/** torchvision models/detection/ssd.py; Caffe's minimal and maximal sizes 21 / 45, 45 / 99, ... 261 / 315 are the same. */
const SSD300: Levels = {
	grids: [38, 19, 10, 5, 3, 1],
	steps: [8, 16, 32, 64, 100, 300],
	scales: [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
	aspectRatios: [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
};

/** torchvision models/detection/ssdlite.py: min_ratio 0.2, max_ratio 0.95, six levels alike, and 1 after the last. */
const SSDLITE320: Levels = {
	grids: [20, 10, 5, 3, 2, 1],
	scales: [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1],
	aspectRatios: Array.from({ length: 6 }, () => [2, 3]),
};

/**
 * Priors [N, 4], xyxy in input pixels; 8732 of them for SSD300, 3234 for torchvision's SSDLite320. The first cell's are
 * rounded to float32 and then moved, in float32. Throws a TypeError or RangeError that names the element at fault.
 */
export function ssdPriors(options: SsdPriorOptions): Float32Array {
	const known = ['inputSize', 'gridSizes', 'steps', 'scales', 'aspectRatios', 'style', 'clip'] as const;
	const given = readOptions('ssdPriors', 'options', options, known) as SsdPriorOptions;
	const style = checkWord('ssdPriors', 'style', given.style ?? 'torchvision', STYLES);
	const clip = given.clip ?? style === 'torchvision';
	const [height, width] = checkSize('ssdPriors', 'inputSize', given.inputSize);
	const { grids, steps, scales, aspectRatios } = readLevels(given, style, height, width);
	const limitsSizes = clip && style === 'torchvision';

	const levels = grids.map((grid, level): TiledLevel => {
		const stepX = steps ? steps[level] : width / grid[1];
		const stepY = steps ? steps[level] : height / grid[0];
		const shapes = priorShapes(scales[level], scales[level + 1], aspectRatios[level], style, height, width);
		const limited = limitsSizes ? shapes.map(([w, h]) => [Math.min(w, width), Math.min(h, height)]) : shapes;
		return { grid, stepX, stepY, boxes: limited.map(([w, h]) => boxAbout(stepX / 2, stepY / 2, w, h)) };
	});
	const priors = tileCells(levels);
	return clip && !limitsSizes ? priors.map((v, k) => Math.min(Math.max(v, 0), k & 1 ? height : width)) : priors;
}

/** A level of priors: its grid, its boxes per cell, and pixels per cell in y. */
export interface PriorLevel {
	readonly grid: GridSize;
	readonly numShapes: number;
	readonly step: number;
}

/** The levels in which `ssdPriors` numbers the priors of the same options. */
export function ssdPriorLevels(given: SsdPriorOptions): PriorLevel[] {
	const [height, width] = checkSize('ssdPriors', 'inputSize', given.inputSize);
	const { grids, steps, aspectRatios } = readLevels(given, given.style ?? 'torchvision', height, width);
	return grids.map((grid, i) => ({ grid, numShapes: 2 + 2 * aspectRatios[i].length, step: steps ? steps[i] : height / grid[0] }));
}

/** Widths and heights of one cell's priors, in pixels. */
function priorShapes(scale: number, next: number, ratios: readonly number[], style: PriorStyle, height: number, width: number): [number, number][] {
	// Caffe reads a float32 and keeps it in an int; 0.69 x 300 must be 207 there, not 206
	const whole = style === 'caffe' ? (x: number) => Math.trunc(Math.fround(x)) : (x: number) => x;
	// Caffe and mmdetection have one size in pixels; torchvision scales width and height each by its side
	const side = style === 'torchvision' ? [width, height] : [Math.min(width, height), Math.min(width, height)];
	const size = (k: 0 | 1) => whole(scale * side[k]);
	const larger = (k: 0 | 1) => Math.sqrt(whole(scale * side[k]) * whole(next * side[k]));
	const shapes: [number, number][] = [
		[size(0), size(1)],
		[larger(0), larger(1)],
	];
	for (const ratio of ratios) {
		const root = Math.sqrt(ratio);
		shapes.push([size(0) * root, size(1) / root], [size(0) / root, size(1) * root]);
	}
	return shapes;
}

/** The published levels of an input, if there are any. */
function publishedLevels(style: PriorStyle, height: number, width: number): Levels | undefined {
	if (height !== width) return undefined;
	return height === 300 ? SSD300 : height === 320 && style === 'torchvision' ? SSDLITE320 : undefined;
}

function readLevels(given: SsdPriorOptions, style: PriorStyle, height: number, width: number) {
	const published = publishedLevels(style, height, width);
	const { gridSizes = published?.grids.map((n): GridSize => [n, n]), scales: listed = published?.scales, aspectRatios = published?.aspectRatios } = given;
	if (!gridSizes || !listed || !aspectRatios) {
		const inputs = `300 x 300${style === 'torchvision' ? ' or 320 x 320' : ''}`;
		refuse(TypeError, 'ssdPriors', 'gridSizes, scales, aspectRatios', `must be given for an input other than ${inputs}`, given.inputSize);
	}
	const steps = given.steps ?? (given.gridSizes ? undefined : published?.steps);
	const grids = levelGrids('ssdPriors', given.inputSize, steps ?? gridSizes.map(() => 1), gridSizes);
	const scales = checkPositive('ssdPriors', 'scales', listed);
	if (scales.length !== grids.length + 1) refuse(RangeError, 'ssdPriors', 'scales', `must have one number per level and one more, ${grids.length + 1}`, scales);
	if (!Array.isArray(aspectRatios) || aspectRatios.length !== grids.length)
		refuse(RangeError, 'ssdPriors', 'aspectRatios', `must have one list per level, ${grids.length}`, aspectRatios);
	aspectRatios.forEach((list, i) => {
		if (!Array.isArray(list) || list.length > 0) checkPositive('ssdPriors', `aspectRatios[${i}]`, list);
	});
	return { grids, steps, scales, aspectRatios };
}

// MediaPipe's anchors (SsdAnchorsCalculator, calculators/tflite/ssd_anchors_calculator.cc): BlazeFace, BlazePalm, pose
// detection, and its SSD and RetinaNet models. Sizes are interpolated between a smallest and a largest fraction of the
// input; layers of equal stride share their cells, so a cell carries the anchors of all of them. ratio = width / height.
// Order: stride, y, x, anchor.

import { checkBoolean, checkInteger, checkSize, readOptions, refuse, refuseUnless } from '../checks.js';
import { boxAbout, checkPositive, checkPositiveNumber, type GridSize, levelGrids, type TiledLevel, tileCells } from './levels.js';

/** RetinaNet's way of making sizes: each is a multiple of its level's stride. */
export interface MediapipeMultiscale {
	/** Size over stride of the first anchor. Default 4. */
	anchorScale?: number;
	/** Sizes per octave: factors 2^(k / n). Default 2. */
	scalesPerOctave?: number;
}

/** Options of `mediapipeAnchors`, named as in ssd_anchors_calculator.proto. Its num_layers is the number of strides. */
export interface MediapipeAnchorOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Pixels per cell, one per layer; neighbours that are equal are merged. Needed unless the anchors are fixed. */
	strides?: readonly number[];
	/** Grids in cells, one per layer; default ceil(input / stride). */
	gridSizes?: readonly GridSize[];
	/** Size of the first layer's anchors as a fraction of the input. Needed unless the size is fixed or multiscale. */
	minScale?: number;
	/** Size of the last layer's anchors as a fraction of the input. Needed with `minScale`. */
	maxScale?: number;
	/** Widths over heights. Default [1]. */
	aspectRatios?: readonly number[];
	/** Ratio of one more anchor per layer, of size sqrt(this scale x next scale), where 1 follows the last. Default 1; 0 for none. */
	interpolatedScaleAspectRatio?: number;
	/** First layer: only a square of 0.1 and ratios 2 and 0.5 of its scale. Default false. */
	reduceBoxesInLowestLayer?: boolean;
	/** Every anchor as large as the input; only centres differ (BlazeFace, BlazePalm). Default false. */
	fixedAnchorSize?: boolean;
	/** Where in its cell an anchor is centred, in widths of a cell. Default 0.5. */
	anchorOffsetX?: number;
	/** The same downwards. Default 0.5. */
	anchorOffsetY?: number;
	/** Sizes as RetinaNet's; strides must then be powers of two. Takes only `aspectRatios` (outer) besides; scales are inner. */
	multiscale?: MediapipeMultiscale;
	/** A model's own list instead: x centre, y centre, width, height as fractions of the input, one anchor after the other. Takes only `inputSize` besides. */
	fixedAnchors?: readonly number[] | Float32Array | Float64Array;
}

const CALL = 'mediapipeAnchors';
const INTERPOLATED = [
	'minScale',
	'maxScale',
	'interpolatedScaleAspectRatio',
	'reduceBoxesInLowestLayer',
	'fixedAnchorSize',
	'anchorOffsetX',
	'anchorOffsetY',
] as const;
const GENERATED = ['strides', 'gridSizes', 'aspectRatios', 'multiscale', ...INTERPOLATED] as const;

/**
 * Anchors [N, 4], xyxy in input pixels, not clipped; 896 of them for BlazeFace (input 128, strides 8, 16, 16, 16, fixed size).
 * TensorFlow's ssd_mobilenet (create_ssd_anchors) is input 300, strides 16, 32, 64, 128, 256, 512, scales 0.2 to 0.95, ratios
 * 1, 2, 0.5, 3, 0.3333 and a reduced lowest layer: 1917 anchors.
 * MediaPipe itself keeps (x centre, y centre, width, height) as fractions of the input: `convertBoxes(anchors, 'xyxy', 'cxcywh')`, divided.
 * Throws a TypeError or RangeError that names the element at fault.
 */
export function mediapipeAnchors(options: MediapipeAnchorOptions): Float32Array {
	const given = readOptions(CALL, 'options', options, ['inputSize', 'fixedAnchors', ...GENERATED]) as MediapipeAnchorOptions;
	if (given.fixedAnchors !== undefined) return fixedAnchors(given);
	const strides = given.strides ?? [];
	const grids = levelGrids(CALL, given.inputSize, strides, given.gridSizes);
	const ratios = checkPositive(CALL, 'aspectRatios', given.aspectRatios ?? [1]);
	return tileCells(given.multiscale === undefined ? interpolatedLayers(given, strides, grids, ratios) : multiscaleLayers(given, strides, grids, ratios));
}

/** The list in pixels. */
function fixedAnchors(given: MediapipeAnchorOptions): Float32Array {
	for (const name of GENERATED) if (given[name] !== undefined) refuse(TypeError, CALL, name, 'must not be given with fixedAnchors', given[name]);
	const [height, width] = checkSize(CALL, 'inputSize', given.inputSize);
	const list = given.fixedAnchors as unknown;
	if (!Array.isArray(list) && !(list instanceof Float32Array) && !(list instanceof Float64Array)) {
		refuse(TypeError, CALL, 'fixedAnchors', 'must be a list of numbers', list);
	}
	if (list.length % 4 !== 0) refuse(RangeError, CALL, 'fixedAnchors', 'must have four numbers per anchor', list.length);
	const anchors = new Float32Array(list.length);
	for (let k = 0; k < list.length; k += 4) {
		const [cx, cy, w, h] = [0, 1, 2, 3].map((i) => {
			const number = list[k + i];
			if (!Number.isFinite(number)) refuseUnless(typeof number === 'number', CALL, `fixedAnchors[${k + i}]`, 'must be a finite number', number);
			return number * (i & 1 ? height : width);
		});
		anchors.set(boxAbout(cx, cy, w, h), k);
	}
	return anchors;
}

/** SSD's way: scales interpolated over the layers, centres spread over the whole input whatever the stride. */
function interpolatedLayers(given: MediapipeAnchorOptions, strides: readonly number[], grids: readonly GridSize[], ratios: readonly number[]): TiledLevel[] {
	const { interpolatedScaleAspectRatio: extra = 1 } = given;
	const [height, width] = given.inputSize;
	const offsetX = readOffset('anchorOffsetX', given.anchorOffsetX);
	const offsetY = readOffset('anchorOffsetY', given.anchorOffsetY);
	const fixed = checkBoolean(CALL, 'fixedAnchorSize', given.fixedAnchorSize ?? false);
	const reduced = checkBoolean(CALL, 'reduceBoxesInLowestLayer', given.reduceBoxesInLowestLayer ?? false);
	if (extra !== 0) checkPositiveNumber(CALL, 'interpolatedScaleAspectRatio', extra);
	// a fixed size makes scales irrelevant, but not how many anchors there are
	const [least, most] = fixed && given.minScale === undefined && given.maxScale === undefined ? [1, 1] : readScales(given);
	const last = strides.length - 1;
	const scaleOf = (k: number) => (last === 0 ? (least + most) / 2 : least + ((most - least) * k) / last);

	const shapesOf = (k: number): (readonly [number, number])[] => {
		const scale = scaleOf(k);
		const next = k === last ? 1 : scaleOf(k + 1);
		const pairs = ratios.map((ratio) => [scale, ratio]);
		if (extra !== 0) pairs.push([Math.sqrt(scale * next), extra]);
		const lowest = [0.1, scale, scale].map((s, i) => [s, [1, 2, 0.5][i]]);
		return (k === 0 && reduced ? lowest : pairs).map(([s, ratio]) =>
			fixed ? [width, height] : [s * Math.sqrt(ratio) * width, (s / Math.sqrt(ratio)) * height],
		);
	};

	const layers: TiledLevel[] = [];
	for (let k = 0; k < strides.length; ) {
		const grid = grids[k];
		const shapes = shapesOf(k);
		for (const first = k++; k < strides.length && strides[k] === strides[first]; k++) {
			if (grids[k][0] !== grid[0] || grids[k][1] !== grid[1]) {
				refuse(RangeError, CALL, `gridSizes[${k}]`, `must be [${grid}] as of its neighbour of equal stride`, grids[k]);
			}
			shapes.push(...shapesOf(k));
		}
		const [stepX, stepY] = [width / grid[1], height / grid[0]];
		layers.push({ grid, boxes: shapes.map(([w, h]) => boxAbout(offsetX * stepX, offsetY * stepY, w, h)), stepX, stepY });
	}
	return layers;
}

function readOffset(name: string, offset: unknown): number {
	if (offset === undefined) return 0.5;
	if (Number.isFinite(offset)) return offset as number;
	refuseUnless(typeof offset === 'number', CALL, name, 'must be a finite number', offset);
}

function readScales({ minScale, maxScale }: MediapipeAnchorOptions): readonly [number, number] {
	for (const [name, scale] of Object.entries({ minScale, maxScale })) {
		if (scale === undefined) refuse(TypeError, CALL, name, 'must be given', scale, 'a fraction of the input; not needed with fixedAnchorSize');
	}
	return [checkPositiveNumber(CALL, 'minScale', minScale), checkPositiveNumber(CALL, 'maxScale', maxScale)];
}

/** RetinaNet's way: sizes in strides, centres in the middle of a cell where the stride divides the input, else at its corner. */
function multiscaleLayers(given: MediapipeAnchorOptions, strides: readonly number[], grids: readonly GridSize[], ratios: readonly number[]): TiledLevel[] {
	for (const name of INTERPOLATED) if (given[name] !== undefined) refuse(TypeError, CALL, name, 'must not be given with multiscale', given[name]);
	const read = readOptions(CALL, 'multiscale', given.multiscale, ['anchorScale', 'scalesPerOctave']) as MediapipeMultiscale;
	const anchorScale = checkPositiveNumber(CALL, 'multiscale.anchorScale', read.anchorScale ?? 4);
	const scalesPerOctave = checkInteger(CALL, 'multiscale.scalesPerOctave', read.scalesPerOctave ?? 2, 1, 64);
	return strides.map((stride, i): TiledLevel => {
		if (!Number.isInteger(Math.log2(stride))) refuse(RangeError, CALL, `strides[${i}]`, 'must be a power of two with multiscale', stride);
		const centreOf = (side: number) => (side % stride === 0 || side === 1 ? stride / 2 : 0);
		const centre = [centreOf(given.inputSize[1]), centreOf(given.inputSize[0])];
		const boxes = ratios.flatMap((ratio) =>
			Array.from({ length: scalesPerOctave }, (_, k) => {
				const size = stride * anchorScale * 2 ** (k / scalesPerOctave);
				return boxAbout(centre[0], centre[1], size * Math.sqrt(ratio), size / Math.sqrt(ratio));
			}),
		);
		return { grid: grids[i], boxes, stepX: stride, stepY: stride };
	});
}

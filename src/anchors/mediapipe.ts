// MediaPipe's anchors (SsdAnchorsCalculator): BlazeFace, BlazePalm, pose detection, and its SSD and RetinaNet models.
// Sizes are interpolated between a smallest and a largest fraction of the input; layers of equal stride share their
// cells, so a cell carries the anchors of all of them. ratio = width / height. Order: stride, y, x, anchor.

import { checkBoolean, checkInteger, readOptions, refuse } from '../checks.js';
import { checkPositive, checkPositiveNumber, type GridSize, levelGrids } from './levels.js';

/** RetinaNet's way of making sizes: each is a multiple of its level's stride. */
export interface MediapipeMultiscale {
	/** Size over stride of the first anchor. Default 4. */
	anchorScale?: number;
	/** Sizes per octave: factors 2^(k / n). Default 2. */
	scalesPerOctave?: number;
}

/** Options of `mediapipeAnchors`, named as in the calculator's own options. */
export interface MediapipeAnchorOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Pixels per cell, one per layer. Neighbours that are equal are merged. */
	strides: readonly number[];
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
	/** Where in its cell an anchor is centred, in cells. Default 0.5. */
	offset?: number;
	/** Sizes as RetinaNet's; strides must then be powers of two. Takes only `aspectRatios` (outer) besides; scales are inner. */
	multiscale?: MediapipeMultiscale;
}

const CALL = 'mediapipeAnchors';
const INTERPOLATED = ['minScale', 'maxScale', 'interpolatedScaleAspectRatio', 'reduceBoxesInLowestLayer', 'fixedAnchorSize', 'offset'] as const;

/** One cell's anchors: widths and heights, and what multiplies the cell's number plus offset. All in pixels. */
interface Layer {
	readonly grid: GridSize;
	readonly shapes: readonly (readonly [number, number])[];
	readonly step: readonly [number, number];
	readonly offset: readonly [number, number];
}

/**
 * Anchors [N, 4], xyxy in input pixels, not clipped; 896 of them for BlazeFace (input 128, strides 8, 16, 16, 16, fixed size).
 * MediaPipe itself keeps (x centre, y centre, width, height) as fractions of the input: `convertBoxes(anchors, 'xyxy', 'cxcywh')`, divided.
 * Throws a TypeError or RangeError that names the element at fault.
 */
export function mediapipeAnchors(options: MediapipeAnchorOptions): Float32Array {
	const known = ['inputSize', 'strides', 'gridSizes', 'aspectRatios', 'multiscale', ...INTERPOLATED] as const;
	const given = readOptions(CALL, 'options', options, known) as MediapipeAnchorOptions;
	const grids = levelGrids(CALL, given.inputSize, given.strides, given.gridSizes);
	const ratios = checkPositive(CALL, 'aspectRatios', given.aspectRatios ?? [1]);
	const layers = given.multiscale === undefined ? interpolatedLayers(given, grids, ratios) : multiscaleLayers(given, grids, ratios);

	const rows: number[] = [];
	for (const { grid, shapes, step, offset } of layers) {
		for (let y = 0; y < grid[0]; y++) {
			const cy = (y + offset[0]) * step[0];
			for (let x = 0; x < grid[1]; x++) {
				const cx = (x + offset[1]) * step[1];
				for (const [w, h] of shapes) rows.push(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2);
			}
		}
	}
	return Float32Array.from(rows);
}

/** SSD's way: scales interpolated over the layers, centres spread over the whole input whatever the stride. */
function interpolatedLayers(given: MediapipeAnchorOptions, grids: readonly GridSize[], ratios: readonly number[]): Layer[] {
	const { inputSize, strides, offset = 0.5, interpolatedScaleAspectRatio: extra = 1 } = given;
	const [height, width] = inputSize;
	const fixed = checkBoolean(CALL, 'fixedAnchorSize', given.fixedAnchorSize ?? false);
	const reduced = checkBoolean(CALL, 'reduceBoxesInLowestLayer', given.reduceBoxesInLowestLayer ?? false);
	if (!Number.isFinite(offset)) refuse(RangeError, CALL, 'offset', 'must be a finite number', offset);
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

	const layers: Layer[] = [];
	for (let k = 0; k < strides.length; ) {
		const grid = grids[k];
		const shapes = shapesOf(k);
		for (const first = k++; k < strides.length && strides[k] === strides[first]; k++) {
			if (grids[k][0] !== grid[0] || grids[k][1] !== grid[1]) {
				refuse(RangeError, CALL, `gridSizes[${k}]`, `must be [${grid}] as of its neighbour of equal stride`, grids[k]);
			}
			shapes.push(...shapesOf(k));
		}
		layers.push({ grid, shapes, step: [height / grid[0], width / grid[1]], offset: [offset, offset] });
	}
	return layers;
}

function readScales({ minScale, maxScale }: MediapipeAnchorOptions): readonly [number, number] {
	for (const [name, scale] of Object.entries({ minScale, maxScale })) {
		if (scale === undefined) refuse(TypeError, CALL, name, 'must be given', scale, 'a fraction of the input; not needed with fixedAnchorSize');
	}
	return [checkPositiveNumber(CALL, 'minScale', minScale), checkPositiveNumber(CALL, 'maxScale', maxScale)];
}

/** RetinaNet's way: sizes in strides, centres in the middle of a cell where the stride divides the input, else at its corner. */
function multiscaleLayers(given: MediapipeAnchorOptions, grids: readonly GridSize[], ratios: readonly number[]): Layer[] {
	for (const name of INTERPOLATED) if (given[name] !== undefined) refuse(TypeError, CALL, name, 'must not be given with multiscale', given[name]);
	const read = readOptions(CALL, 'multiscale', given.multiscale, ['anchorScale', 'scalesPerOctave']) as MediapipeMultiscale;
	const anchorScale = checkPositiveNumber(CALL, 'multiscale.anchorScale', read.anchorScale ?? 4);
	const scalesPerOctave = checkInteger(CALL, 'multiscale.scalesPerOctave', read.scalesPerOctave ?? 2, 1, 64);
	return given.strides.map((stride, i) => {
		if (!Number.isInteger(Math.log2(stride))) refuse(RangeError, CALL, `strides[${i}]`, 'must be a power of two with multiscale', stride);
		const offsetOf = (side: number) => (side % stride === 0 || side === 1 ? 0.5 : 0);
		const shapes = ratios.flatMap((ratio) =>
			Array.from({ length: scalesPerOctave }, (_, k) => {
				const size = stride * anchorScale * 2 ** (k / scalesPerOctave);
				return [size * Math.sqrt(ratio), size / Math.sqrt(ratio)] as const;
			}),
		);
		return { grid: grids[i], shapes, step: [stride, stride], offset: [offsetOf(given.inputSize[0]), offsetOf(given.inputSize[1])] };
	});
}

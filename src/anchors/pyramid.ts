// The image pyramid of MTCNN and DenseBox: the network has one size of face, so the image is shrunk step by step until
// every size has been seen. Each cell of MTCNN's first network then stands for a square of 12 pixels of its level.
// After facenet's detect_face.py (detect_face, generateBoundingBox) and kpzhang93's MATLAB code.

import { checkSize, checkWord, readOptions, refuse } from '../checks.js';
import { checkGrid, checkPositiveNumber, type GridSize } from './levels.js';

/** One level of `imagePyramid`. */
export interface PyramidLevel {
	/** Pixels of the level per pixel of the frame. Above 1 where `minSize` is below `cell`. */
	readonly scale: number;
	/** [height, width] in pixels: those of the frame times scale, rounded up. */
	readonly size: readonly [number, number];
}

/** Options of `imagePyramid`. */
export interface ImagePyramidOptions {
	/** Side in frame pixels of the smallest object to be found. Default 20. */
	minSize?: number;
	/** Each level's scale over that of the one before, below 1. Default 0.709, about the square root of a half. */
	factor?: number;
	/** Side in pixels of the object that the network looks for. Default 12, MTCNN's. */
	cell?: number;
}

/** No image needs more; a factor of 0.9999999 would. */
const MOST_LEVELS = 1000;

/**
 * Levels of a frame ([height, width] in pixels), largest first: scale cell / minSize x factor^k, while the shorter side
 * is at least `cell`. None when the frame is smaller than `minSize`. Throws a TypeError or RangeError that names the argument.
 * A frame of 250 x 250 has eight levels, from 150 x 150 to 14 x 14.
 */
export function imagePyramid(frameSize: readonly [number, number], options?: ImagePyramidOptions): PyramidLevel[] {
	const call = 'imagePyramid';
	const [height, width] = checkSize(call, 'frameSize', frameSize);
	const { minSize = 20, factor = 0.709, cell = 12 } = readOptions(call, 'options', options, ['minSize', 'factor', 'cell']) as ImagePyramidOptions;
	checkPositiveNumber(call, 'minSize', minSize);
	checkPositiveNumber(call, 'cell', cell);
	if (checkPositiveNumber(call, 'factor', factor) >= 1) refuse(RangeError, call, 'factor', 'must be below 1', factor);

	const first = cell / minSize;
	const levels: PyramidLevel[] = [];
	// the side is multiplied level by level, the scale raised to a power: they differ in the last bit, and the source does so
	for (let side = Math.min(height, width) * first; side >= cell; side *= factor) {
		if (levels.length === MOST_LEVELS) refuse(RangeError, call, 'factor', `must not give more than ${MOST_LEVELS} levels`, factor, 'a usual one is 0.709');
		const scale = first * factor ** levels.length;
		levels.push({ scale, size: [Math.ceil(height * scale), Math.ceil(width * scale)] });
	}
	return levels;
}

/** Whose rules: facenet and MTCNN's MATLAB code (corners counted from 1, cut to whole pixels), or ipazc's mtcnn. */
export type MtcnnStyle = 'facenet' | 'ipazc';

/** Options of `mtcnnCells`. */
export interface MtcnnCellOptions {
	/** Default 'facenet'. */
	style?: MtcnnStyle;
	/** Grid in cells that the network gave for this level; default ceil((side - 2) / 2) - 4 each way. */
	gridSize?: GridSize;
}

/** Pixels between cells, and along a cell, in MTCNN's first network. */
const STRIDE = 2;
const CELL = 12;

/**
 * The squares [N, 4] that the cells of MTCNN's first network (P-Net) look at, xyxy in pixels of the frame, before its
 * regression. `level` is one of `imagePyramid`. Order: y, x. Cell x reaches from trunc((2x + 1) / scale) to
 * trunc((2x + 12) / scale) with 'facenet', from 2x / scale to (2x + 12) / scale with 'ipazc'.
 * Throws a TypeError or RangeError that names the argument.
 */
export function mtcnnCells(level: PyramidLevel, options?: MtcnnCellOptions): Float32Array {
	const call = 'mtcnnCells';
	const read = readOptions(call, 'level', level, ['scale', 'size']);
	const scale = checkPositiveNumber(call, 'level.scale', read.scale);
	const [height, width] = checkSize(call, 'level.size', read.size);
	const { style = 'facenet', gridSize } = readOptions(call, 'options', options, ['style', 'gridSize']) as MtcnnCellOptions;
	const legacy = checkWord(call, 'style', style, ['facenet', 'ipazc']) === 'facenet';
	const [numRows, numColumns] = gridSize === undefined ? [cellsAlong(height), cellsAlong(width)] : checkGrid(call, 'gridSize', gridSize);

	const start = (i: number) => (legacy ? Math.trunc((STRIDE * i + 1) / scale) : (STRIDE * i) / scale);
	const end = (i: number) => (legacy ? Math.trunc((STRIDE * i + CELL) / scale) : (STRIDE * i + CELL) / scale);
	const out = new Float32Array(numRows * numColumns * 4);
	let k = 0;
	for (let y = 0; y < numRows; y++) {
		for (let x = 0; x < numColumns; x++, k += 4) out.set([start(x), start(y), end(x), end(y)], k);
	}
	return out;
}

/** Cells along a side of so many pixels. Three convolutions of 3 x 3 without padding take 2 pixels each; a pooling of 2 x 2 after the first rounds up. */
export function cellsAlong(side: number): number {
	return Math.max(0, Math.ceil((side - 2) / STRIDE) - 4);
}

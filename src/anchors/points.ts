// Anchor points: one per cell (FCOS, YOLOX, YOLOv8), and the same with anchor sizes attached (YOLOv3 to v7).
// Rows are numbered level by level, inside a level (y, x), with shapes innermost or outermost as asked.

import { readOptions, refuse } from '../checks.js';
import { type GridSize, levelGrids } from './levels.js';

/** Options of `anchorPoints`. */
export interface AnchorPointOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Pixels per cell of each level. */
	strides: readonly number[];
	/** Grids in cells; default ceil(input / stride). */
	gridSizes?: readonly GridSize[];
	/**
	 * Where in its cell a point stands. Default 0.5: FCOS of mmdetection (MlvlPointGenerator) and detectron2, YOLOv6 (generate_anchors),
	 * YOLOv8 and after (ultralytics make_anchors, utils/tal.py). 0: YOLOX (models/yolo_head.py), RTMDet (mmdetection configs/rtmdet).
	 * torchvision's FCOS has boxes about such corners instead: `anchorGrid` with sizes equal to the strides and ratios [1].
	 */
	offset?: number;
}

/** Points [N, 4]: x, y in input pixels, stride in x, stride in y. Order: level, y, x. Throws on strides or offsets that are not finite positive numbers. */
export function anchorPoints(options: AnchorPointOptions): Float32Array {
	const {
		inputSize,
		strides,
		gridSizes,
		offset = 0.5,
	} = readOptions('anchorPoints', 'options', options, ['inputSize', 'strides', 'gridSizes', 'offset']) as AnchorPointOptions & object;
	if (!Number.isFinite(offset)) refuse(RangeError, 'anchorPoints', 'offset', 'must be a finite number', offset);
	const grids = levelGrids('anchorPoints', inputSize, strides, gridSizes);
	const rows: number[] = [];
	grids.forEach(([height, width], level) => {
		const stride = strides[level];
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) rows.push((x + offset) * stride, (y + offset) * stride, stride, stride);
		}
	});
	return Float32Array.from(rows);
}

/** One level of `cellAnchors`. */
export interface CellLevel {
	readonly grid: GridSize;
	readonly stride: number;
	/** Anchor sizes in pixels: width, height, width, height, ... */
	readonly shapes: readonly number[];
}

/**
 * YOLO anchors [N, 4] as the `cell` codec takes them: centre of the cell, size of the anchor, in pixels. Order: level, shape, y, x:
 * that of the concatenated outputs of YOLOv5 and YOLOv7 (models/yolo.py, Detect). mmdetection's YOLOAnchorGenerator has the same boxes.
 */
export function cellAnchors(levels: readonly CellLevel[]): Float32Array {
	const rows: number[] = [];
	for (const { grid, stride, shapes } of levels) {
		for (let s = 0; s < shapes.length; s += 2) {
			for (let y = 0; y < grid[0]; y++) {
				for (let x = 0; x < grid[1]; x++) rows.push((x + 0.5) * stride, (y + 0.5) * stride, shapes[s], shapes[s + 1]);
			}
		}
	}
	return Float32Array.from(rows);
}

// YOLOv2: one map of 13 x 13 cells with five anchors each, whose tables count in cells. Centres and objectness are
// sigmoids, sizes exponentials, and the classes a softmax without background (darknet, region_layer.c).

import { cellAnchors } from '../anchors/points.js';
import { YOLOV2_ANCHORS } from '../anchors/yolo.js';
import { readOptions } from '../checks.js';
import { cell } from '../codecs/cell.js';
import { checkClasses, checkInput, checkStrides } from './common.js';
import type { Head } from './head.js';
import { checkTable, shapedMaps } from './shaped-maps.js';

/** Options of `yolov2`. */
export interface Yolov2Options {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [416, 416]. */
	inputSize?: readonly [number, number];
	/** One list of widths and heights, in CELLS. Default `YOLOV2_ANCHORS` (COCO); `YOLOV2_VOC_ANCHORS` and `YOLOV2_TINY_VOC_ANCHORS` are Pascal VOC's. */
	anchors?: readonly (readonly number[] | Float32Array)[];
	/** Pixels per cell. Default 32. */
	stride?: number;
}

/**
 * The head of YOLOv2 and tiny YOLOv2: 845 anchors at 416 x 416, one map [5 (5 + classes), 13, 13] of raw numbers, or with channels last; the
 * ONNX model zoo's tiny YOLOv2 (`grid`, [1, 125, 13, 13]) has `YOLOV2_TINY_VOC_ANCHORS`. The score is objectness times class. Throws on a
 * table that is not one list of pairs.
 */
export function yolov2(options: Yolov2Options): Head {
	const given = readOptions('yolov2', 'options', options, ['numClasses', 'inputSize', 'anchors', 'stride']) as Partial<Yolov2Options>;
	const numClasses = checkClasses('yolov2', given.numClasses);
	const inputSize = checkInput('yolov2', given.inputSize ?? [416, 416]);
	const strides = checkStrides('yolov2', inputSize, [given.stride ?? 32]);
	const [table] = checkTable('yolov2', given.anchors ?? YOLOV2_ANCHORS, 1, 'cells');
	const aliases = () => ['grid', 'output', 'output0', 'Identity'];
	const maps = shapedMaps({ inputSize, numClasses, strides, numShapes: table.length / 2, aliases });
	const [{ grid, stride }] = maps.levels;
	return {
		name: 'yolov2',
		inputSize,
		numClasses,
		...maps,
		score: { activation: 'softmax', background: 'none', objectness: { activation: 'sigmoid' } },
		codec: cell({ version: 'v2' }),
		anchors: cellAnchors([{ grid, stride, shapes: table.map((size) => size * stride) }]),
	};
}

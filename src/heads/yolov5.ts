// YOLOv5 and v7: anchors on three levels, objectness times class. Exported either as one decoded tensor
// [anchors, 5 + classes] (cx, cy, w, h in pixels, probabilities), or as the raw feature maps, still logits
// (yolov5, models/yolo.py, Detect).

import { cellAnchors } from '../anchors/points.js';
import { YOLOV5_ANCHORS } from '../anchors/yolo.js';
import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { cell } from '../codecs/cell.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLayouts, flatLevel, type HeadLayout } from './common.js';
import type { Head, TensorSpec } from './head.js';
import { checkTable, shapedMaps } from './shaped-maps.js';

/** Options of `yolov5`. */
export interface Yolov5Options {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/** 'concatenated' (default): one decoded tensor. 'raw': one map of logits per level, fine to coarse. */
	outputs?: 'concatenated' | 'raw';
	/** Anchor sizes per level as in the model's yaml: width, height, ... in pixels. Default `YOLOV5_ANCHORS`; YOLOv7 has `YOLOV7_ANCHORS`. */
	anchors?: readonly (readonly number[] | Float32Array)[];
	/** Default [8, 16, 32]. */
	strides?: readonly number[];
	/** Concatenated output only: coordinates are fractions of the input, as in TensorFlow Lite exports. Default false. */
	normalized?: boolean;
	/** Concatenated output only. Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
}

type Size = readonly [number, number];

/** The head of YOLOv5 and v7: 25200 anchors at 640 x 640. Throws on anchor tables that do not fit the strides. */
export function yolov5(options: Yolov5Options): Head {
	const known = ['numClasses', 'inputSize', 'outputs', 'anchors', 'strides', 'normalized', 'layout'] as const;
	const given = readOptions('yolov5', 'options', options, known) as Partial<Yolov5Options>;
	const numClasses = checkClasses('yolov5', given.numClasses);
	const inputSize = checkInput('yolov5', given.inputSize ?? [640, 640]);
	const strides = checkStrides('yolov5', inputSize, given.strides ?? [8, 16, 32]);
	const outputs = checkWord('yolov5', 'outputs', given.outputs ?? 'concatenated', ['concatenated', 'raw']);
	const anchors = checkTable('yolov5', given.anchors ?? YOLOV5_ANCHORS, strides.length);
	const normalized = checkBoolean('yolov5', 'normalized', given.normalized ?? false);
	if (outputs === 'concatenated') {
		const layouts = flatLayouts('yolov5', given.layout ?? 'auto', 'anchors-first');
		return concatenated(numClasses, inputSize, countCells(inputSize, strides) * (anchors[0].length / 2), layouts, normalized);
	}
	if (given.layout !== undefined) refuse(TypeError, 'yolov5', 'layout', "must be absent with outputs: 'raw', whose maps tell by their rank", given.layout);
	if (given.normalized !== undefined) refuse(TypeError, 'yolov5', 'normalized', "must be absent with outputs: 'raw'", normalized);
	return raw(numClasses, inputSize, strides, anchors);
}

function concatenated(numClasses: number, inputSize: Size, numAnchors: number, layouts: TensorSpec['layouts'], normalized: boolean): Head {
	return {
		name: 'yolov5',
		inputSize,
		numClasses,
		numAnchors,
		tensors: [{ name: 'output0', aliases: ['output', 'outputs', 'Identity'], layouts, sizes: { anchor: numAnchors, channel: 5 + numClasses } }],
		levels: [
			{
				...flatLevel(numAnchors),
				box: { tensor: 0, channel: 0 },
				objectness: { tensor: 0, channel: 4 },
				classes: { tensor: 0, channel: 5 },
			},
		],
		score: { activation: 'none', objectness: { activation: 'none' } },
		codec: boxes({ format: 'cxcywh', scale: normalized ? [inputSize[1], inputSize[0]] : [1, 1] }),
	};
}

function raw(numClasses: number, inputSize: Size, strides: readonly number[], anchors: readonly (readonly number[])[]): Head {
	// the head is module 24 in YOLOv5, 77 in YOLOv7-tiny, 105 in v7, 121 in v7-X
	const aliases = (i: number) => [`output${i}`, ...[24, 77, 105, 121].map((model) => `/model.${model}/m.${i}/Conv_output_0`)];
	const maps = shapedMaps({ inputSize, numClasses, strides, numShapes: anchors[0].length / 2, reshaped: true, aliases });
	return {
		name: 'yolov5',
		inputSize,
		numClasses,
		...maps,
		score: { activation: 'sigmoid', objectness: { activation: 'sigmoid' } },
		codec: cell({ version: 'v5' }),
		anchors: cellAnchors(maps.levels.map((level, i) => ({ grid: level.grid, stride: level.stride, shapes: anchors[i] }))),
	};
}

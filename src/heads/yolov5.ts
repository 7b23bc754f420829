// YOLOv5 and v7: anchors on three levels, objectness times class. Exported either as one decoded tensor
// [anchors, 5 + classes] (cx, cy, w, h in pixels, probabilities), or as the raw feature maps, still logits
// (yolov5, models/yolo.py, Detect).

import { cellAnchors } from '../anchors/points.js';
import { YOLOV5_ANCHORS } from '../anchors/yolo.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { cell } from '../codecs/cell.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLayouts, flatLevel, type HeadLayout } from './common.js';
import type { Head } from './head.js';
import { checkTable, shapedMaps } from './shaped-maps.js';

/** Options of `yolov5`. */
export interface Yolov5Options {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/** 'concatenated' (default): one decoded tensor. 'raw': one map of logits per level, fine to coarse. */
	outputs?: 'concatenated' | 'raw';
	/** Anchor sizes per level as in the model's yaml: width, height, ... in pixels. Default `YOLOV5_ANCHORS`; YOLOv7 has `YOLOV7_ANCHORS`. */
	anchors?: readonly (readonly number[])[];
	/** Default [8, 16, 32]. */
	strides?: readonly number[];
	/** Concatenated output only. Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
}

/** The head of YOLOv5 and v7: 25200 anchors at 640 x 640. Throws on anchor tables that do not fit the strides. */
export function yolov5(options: Yolov5Options): Head {
	const known = ['numClasses', 'inputSize', 'outputs', 'anchors', 'strides', 'layout'] as const;
	const given = readOptions('yolov5', 'options', options, known) as Partial<Yolov5Options>;
	const numClasses = checkClasses('yolov5', given.numClasses);
	const inputSize = checkInput('yolov5', given.inputSize ?? [640, 640]);
	const strides = checkStrides('yolov5', inputSize, given.strides ?? [8, 16, 32]);
	const outputs = checkWord('yolov5', 'outputs', given.outputs ?? 'concatenated', ['concatenated', 'raw']);
	const anchors = checkTable('yolov5', given.anchors ?? YOLOV5_ANCHORS, strides.length);
	if (outputs === 'concatenated') return concatenated(numClasses, inputSize, strides, anchors[0].length / 2, given.layout ?? 'auto');
	if (given.layout !== undefined) refuse(TypeError, 'yolov5', 'layout', "must be absent with outputs: 'raw', whose maps tell by their rank", given.layout);
	return raw(numClasses, inputSize, strides, anchors);
}

function concatenated(numClasses: number, inputSize: readonly [number, number], strides: readonly number[], shapes: number, layout: HeadLayout): Head {
	const numAnchors = countCells(inputSize, strides) * shapes;
	const layouts = flatLayouts('yolov5', layout, 'anchors-first');
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
		codec: boxes({ format: 'cxcywh' }),
	};
}

function raw(numClasses: number, inputSize: readonly [number, number], strides: readonly number[], anchors: readonly (readonly number[])[]): Head {
	const aliases = (i: number) => [`output${i}`, `/model.24/m.${i}/Conv_output_0`];
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

// YOLOv5 and v7: anchors on three levels, objectness times class. Exported either as one decoded tensor
// [anchors, 5 + classes] (cx, cy, w, h in pixels, probabilities), or as the raw feature maps, still logits
// (yolov5, models/yolo.py, Detect).

import { cellAnchors } from '../anchors/points.js';
import { YOLOV5_ANCHORS } from '../anchors/yolo.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { cell } from '../codecs/cell.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLayouts, type HeadLayout } from './common.js';
import type { Head, Level, TensorSpec } from './head.js';

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
	const anchors = checkAnchors(given.anchors ?? YOLOV5_ANCHORS, strides);
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
				firstAnchor: 0,
				numAnchors,
				grid: [1, numAnchors],
				numShapes: 1,
				order: 'yxa',
				stride: 1,
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
	const tensors: TensorSpec[] = [];
	const levels: Level[] = [];
	let firstAnchor = 0;
	strides.forEach((stride, i) => {
		const grid = [inputSize[0] / stride, inputSize[1] / stride] as const;
		const numShapes = anchors[i].length / 2;
		const numAnchors = grid[0] * grid[1] * numShapes;
		tensors.push({
			name: `stride${stride}`,
			aliases: [`output${i}`, `/model.24/m.${i}/Conv_output_0`],
			// as the Detect layer reshapes it, as its convolution leaves it, and the same with channels last
			layouts: [
				['shape', 'y', 'x', 'channel'],
				['shape-channel', 'y', 'x'],
				['y', 'x', 'shape-channel'],
			],
			sizes: { shape: numShapes, y: grid[0], x: grid[1], channel: 5 + numClasses },
		});
		levels.push({
			firstAnchor,
			numAnchors,
			grid,
			numShapes,
			order: 'ayx',
			stride,
			box: { tensor: i, channel: 0 },
			objectness: { tensor: i, channel: 4 },
			classes: { tensor: i, channel: 5 },
		});
		firstAnchor += numAnchors;
	});
	return {
		name: 'yolov5',
		inputSize,
		numClasses,
		numAnchors: firstAnchor,
		tensors,
		levels,
		score: { activation: 'sigmoid', objectness: { activation: 'sigmoid' } },
		codec: cell({ version: 'v5' }),
		anchors: cellAnchors(levels.map((level, i) => ({ grid: level.grid, stride: level.stride, shapes: anchors[i] }))),
	};
}

function checkAnchors(anchors: unknown, strides: readonly number[]): readonly (readonly number[])[] {
	if (!Array.isArray(anchors) || anchors.length !== strides.length)
		refuse(RangeError, 'yolov5', 'anchors', `must have one list per stride, ${strides.length}`, anchors);
	anchors.forEach((list, i) => {
		const good = Array.isArray(list) && list.length >= 2 && list.length % 2 === 0 && list.length === anchors[0].length;
		if (!good) refuse(RangeError, 'yolov5', `anchors[${i}]`, 'must hold width, height, ... of equally many anchors per level', list);
		list.forEach((v, k) => {
			if (typeof v !== 'number' || !(v > 0) || v === Infinity) refuse(RangeError, 'yolov5', `anchors[${i}][${k}]`, 'must be a positive number of pixels', v);
		});
	});
	return anchors;
}

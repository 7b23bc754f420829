// YOLOv8, 9, 11 and 12 (detection): one tensor [4 + classes, anchors] or its transpose; boxes are cx, cy, w, h in input
// pixels, class scores are probabilities, there is no objectness (ultralytics, nn/modules/head.py, Detect).

import { readOptions } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLayouts, type HeadLayout } from './common.js';
import type { Head } from './head.js';

/** Options of `yolov8`. */
export interface Yolov8Options {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/** Default 'auto': told from the tensor's dims; without dims channels first, as Ultralytics exports it. */
	layout?: HeadLayout;
	/** Default [8, 16, 32]. */
	strides?: readonly number[];
}

/** The head of YOLOv8, 9, 11 and 12: 8400 anchors at 640 x 640. Throws on sizes that are not multiples of the strides. */
export function yolov8(options: Yolov8Options): Head {
	const given = readOptions('yolov8', 'options', options, ['numClasses', 'inputSize', 'layout', 'strides']) as Partial<Yolov8Options>;
	const numClasses = checkClasses('yolov8', given.numClasses);
	const inputSize = checkInput('yolov8', given.inputSize ?? [640, 640]);
	const strides = checkStrides('yolov8', inputSize, given.strides ?? [8, 16, 32]);
	const numAnchors = countCells(inputSize, strides);
	return {
		name: 'yolov8',
		inputSize,
		numClasses,
		numAnchors,
		tensors: [
			{
				name: 'output0',
				aliases: ['output', 'outputs', 'Identity'],
				layouts: flatLayouts('yolov8', given.layout ?? 'auto', 'channels-first'),
				sizes: { channel: 4 + numClasses, anchor: numAnchors },
			},
		],
		levels: [
			{
				firstAnchor: 0,
				numAnchors,
				grid: [1, numAnchors],
				numShapes: 1,
				order: 'yxa',
				stride: 1,
				box: { tensor: 0, channel: 0 },
				classes: { tensor: 0, channel: 4 },
			},
		],
		score: { activation: 'none' },
		codec: boxes({ format: 'cxcywh' }),
	};
}

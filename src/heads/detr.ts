// Detection transformers: a fixed number of queries, each a box (cx, cy, w, h as fractions of the input) and logits; no
// anchors, no suppression. Two ways to a score: DETR and YOLOS, a softmax whose last class is "no object" (facebook's
// detr, models/detr.py, PostProcess); Deformable DETR and after it RT-DETR and others, a sigmoid per class and the best
// of all query and class pairs (rtdetr_postprocessor.py). The one's recipe gives nonsense on the other's logits.

import { checkInteger, checkWord, readOptions } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { checkClasses, checkInput, flatLayouts, flatLevel, type HeadLayout } from './common.js';
import type { Head, TensorSpec } from './head.js';

/** Options of `detr`. */
export interface DetrOptions {
	/** Object classes, "no object" not counted: 91 for the COCO models, which have 92 logits. */
	numClasses: number;
	/** Network input in pixels, [height, width]: boxes come out in these. */
	inputSize: readonly [number, number];
	/** Default 100. */
	numQueries?: number;
	/** Default 'auto': told from the dims; without dims queries first. */
	layout?: HeadLayout;
}

/** Options of `rtDetr`. */
export interface RtDetrOptions {
	/** Logits per query: 80 for RT-DETR and D-FINE on COCO, 91 for Deformable DETR and RF-DETR. */
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/** Default 300. */
	numQueries?: number;
	/**
	 * 'separate' (default): logits and boxes. 'concatenated': one tensor of boxes and probabilities, as Ultralytics exports RT-DETR; of a
	 * query only its best class counts then, as in its own predictor.
	 */
	outputs?: 'separate' | 'concatenated';
	/** Default 'auto': told from the dims; without dims queries first. */
	layout?: HeadLayout;
}

/**
 * The head of DETR and YOLOS: 'logits' [100, classes + 1] and 'pred_boxes' [100, 4], in this order (transformers, and onnx-community's
 * exports). Each query has the class that is likeliest, "no object" left out.
 */
export function detr(options: DetrOptions): Head {
	const given = readOptions('detr', 'options', options, ['numClasses', 'inputSize', 'numQueries', 'layout']) as Partial<DetrOptions>;
	const numClasses = checkClasses('detr', given.numClasses);
	const inputSize = checkInput('detr', given.inputSize);
	const numQueries = checkInteger('detr', 'numQueries', given.numQueries ?? 100, 1, 2 ** 24);
	return {
		...separate('detr', numClasses + 1, numQueries, given.layout ?? 'auto'),
		inputSize,
		numClasses,
		score: { activation: 'softmax', background: 'last' },
		codec: boxes({ scale: [inputSize[1], inputSize[0]] }),
	};
}

/**
 * The head of RT-DETR, RT-DETRv2, D-FINE, Deformable DETR, DINO (900 queries) and RF-DETR: 'logits' [300, classes] and 'pred_boxes' [300, 4],
 * in this order; or 'output0' [300, 4 + classes]. Candidates are query and class pairs; the models' own code keeps the best 300
 * (Deformable DETR 100: `maxDetections`).
 */
export function rtDetr(options: RtDetrOptions): Head {
	const known = ['numClasses', 'inputSize', 'numQueries', 'outputs', 'layout'] as const;
	const given = readOptions('rtDetr', 'options', options, known) as Partial<RtDetrOptions>;
	const numClasses = checkClasses('rtDetr', given.numClasses);
	const inputSize = checkInput('rtDetr', given.inputSize ?? [640, 640]);
	const numQueries = checkInteger('rtDetr', 'numQueries', given.numQueries ?? 300, 1, 2 ** 24);
	const outputs = checkWord('rtDetr', 'outputs', given.outputs ?? 'separate', ['separate', 'concatenated']);
	const make = outputs === 'separate' ? separate : concatenated;
	return {
		...make('rtDetr', numClasses, numQueries, given.layout ?? 'auto'),
		inputSize,
		numClasses,
		score: { activation: outputs === 'separate' ? 'sigmoid' : 'none' },
		codec: boxes({ scale: [inputSize[1], inputSize[0]] }),
		multiLabel: outputs === 'separate',
	};
}

type Shape = Pick<Head, 'name' | 'numAnchors' | 'tensors' | 'levels' | 'suppression'>;

function separate(call: string, channels: number, numQueries: number, layout: HeadLayout): Shape {
	const layouts = flatLayouts(call, layout, 'anchors-first');
	const tensor = (name: string, aliases: readonly string[], channel: number): TensorSpec => ({
		name,
		aliases,
		layouts,
		sizes: { anchor: numQueries, channel },
	});
	return {
		name: call,
		numAnchors: numQueries,
		tensors: [tensor('logits', ['pred_logits', 'labels'], channels), tensor('pred_boxes', ['boxes', 'dets'], 4)],
		levels: [{ ...flatLevel(numQueries), classes: { tensor: 0, channel: 0 }, box: { tensor: 1, channel: 0 } }],
		suppression: false,
	};
}

function concatenated(call: string, numClasses: number, numQueries: number, layout: HeadLayout): Shape {
	const layouts = flatLayouts(call, layout, 'anchors-first');
	return {
		name: call,
		numAnchors: numQueries,
		tensors: [{ name: 'output0', aliases: ['output', 'outputs', 'Identity'], layouts, sizes: { anchor: numQueries, channel: 4 + numClasses } }],
		levels: [{ ...flatLevel(numQueries), box: { tensor: 0, channel: 0 }, classes: { tensor: 0, channel: 4 } }],
		suppression: false,
	};
}

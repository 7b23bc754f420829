// What the heads of Ultralytics share (nn/modules/head.py: Detect, Segment, Pose, OBB): boxes and class scores, then one
// group of numbers more, as one decoded tensor, as the maps before decoding, or as the final rows of a model without NMS.

import { checkBoolean, checkInteger, checkWord, refuse } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLayouts, flatLevel, type HeadLayout } from './common.js';
import type { Field, Head } from './head.js';

/**
 * How the outputs come. 'concatenated': one tensor [4 + classes + more, anchors], boxes cx, cy, w, h in pixels, class probabilities.
 * 'raw': per level a map of distances, one of class logits and, for other tasks than detection, one of their numbers. 'raw-joined': the first
 * two of these in one map. 'end-to-end': rows [anchors, 6 + more] of a model without NMS.
 */
export type UltralyticsOutputs = 'concatenated' | 'raw' | 'raw-joined' | 'end-to-end';

/** Options that these heads share. */
export interface UltralyticsOptions {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/**
	 * Default 'auto': told from the tensor's dims; without dims channels first (anchors first with objectness). 'anchors-first' means
	 * channels last for maps. Rows of 'end-to-end' are anchors first unless said otherwise, since their number varies.
	 */
	layout?: HeadLayout;
	/** Default [8, 16, 32]. */
	strides?: readonly number[];
	/** Maps only: bins per side. Default 16; 1 when the maps hold the distances themselves (YOLO26). */
	regMax?: number;
	/** Maps only: 'probabilities' when class maps end in a sigmoid, as exports for Rockchip and Hailo do. Default 'logits'. */
	scores?: 'logits' | 'probabilities';
	/** Decoded outputs only: coordinates are fractions of the input, as in TensorFlow Lite exports. Default false. */
	normalized?: boolean;
	/** End-to-end only: the most rows a call may bring. Default 300. */
	maxRows?: number;
}

/** Names of the options above. */
export const ULTRALYTICS_OPTIONS = ['numClasses', 'inputSize', 'outputs', 'layout', 'strides', 'regMax', 'scores', 'normalized', 'maxRows'] as const;

/** The numbers that a task adds to boxes and classes. */
export interface Extra {
	readonly field: 'keypoints' | 'maskCoefficients' | 'angle';
	readonly channels: number;
}

/** The options, checked. */
export interface UltralyticsSpec {
	readonly call: string;
	readonly numClasses: number;
	readonly inputSize: readonly [number, number];
	readonly outputs: UltralyticsOutputs;
	readonly layout: HeadLayout | undefined;
	readonly strides: readonly number[];
	readonly regMax: number;
	readonly scores: 'logits' | 'probabilities';
	readonly normalized: boolean;
	readonly maxRows: number;
}

type Given = Partial<UltralyticsOptions & { outputs: UltralyticsOutputs }>;

/** Checks the shared options; refuses those that the outputs leave without meaning. `outputs`: those of this head, the first is the default. */
export function readUltralytics(call: string, given: Given, outputs: readonly UltralyticsOutputs[], regMax = 16): UltralyticsSpec {
	const kind = checkWord(call, 'outputs', given.outputs ?? outputs[0], outputs);
	const inputSize = checkInput(call, given.inputSize ?? [640, 640]);
	const isRaw = kind === 'raw' || kind === 'raw-joined';
	const only = (name: 'regMax' | 'scores' | 'normalized' | 'maxRows' | 'strides', fits: boolean) => {
		if (given[name] !== undefined && !fits) refuse(TypeError, call, name, `must be absent with outputs: '${kind}'`, given[name]);
	};
	only('regMax', isRaw);
	only('scores', isRaw);
	only('normalized', !isRaw);
	only('maxRows', kind === 'end-to-end');
	only('strides', kind !== 'end-to-end');
	return {
		call,
		numClasses: checkClasses(call, given.numClasses),
		inputSize,
		outputs: kind,
		layout: given.layout,
		strides: kind === 'end-to-end' ? [] : checkStrides(call, inputSize, given.strides ?? [8, 16, 32]),
		regMax: checkInteger(call, 'regMax', given.regMax ?? regMax, 1, 64),
		scores: checkWord(call, 'scores', given.scores ?? 'logits', ['logits', 'probabilities']),
		normalized: checkBoolean(call, 'normalized', given.normalized ?? false),
		maxRows: checkInteger(call, 'maxRows', given.maxRows ?? 300, 1, 2 ** 24),
	};
}

/** Pixels per unit of x and y of decoded outputs. */
export function unitOf({ normalized, inputSize }: UltralyticsSpec): readonly [number, number] {
	return normalized ? [inputSize[1], inputSize[0]] : [1, 1];
}

/** The head of one decoded tensor. */
export function decodedHead(spec: UltralyticsSpec, extra?: Extra, objectness = false): Head {
	const { call, inputSize, numClasses } = spec;
	const numAnchors = countCells(inputSize, spec.strides) * (objectness ? 3 : 1);
	const first = objectness ? 5 : 4;
	const layouts = flatLayouts(call, spec.layout ?? 'auto', objectness ? 'anchors-first' : 'channels-first');
	return {
		name: call,
		inputSize,
		numClasses,
		numAnchors,
		tensors: [{ ...OUTPUT, layouts, sizes: { channel: first + numClasses + (extra?.channels ?? 0), anchor: numAnchors } }],
		levels: [
			{
				...flatLevel(numAnchors),
				box: at(0, 0),
				...(objectness && { objectness: at(0, 4) }),
				classes: at(0, first),
				...(extra && { [extra.field]: at(0, first + numClasses) }),
			},
		],
		score: { activation: 'none', ...(objectness && { objectness: { activation: 'none' } }) },
		codec: boxes({ format: extra?.field === 'angle' ? 'cxcywhr' : 'cxcywh', scale: unitOf(spec) }),
	};
}

/** The decoded tensor, by the names of ONNX and TensorFlow exports. */
export const OUTPUT = { name: 'output0', aliases: ['output', 'outputs', 'Identity'] } as const;
export function at(tensor: number, channel: number): Field {
	return { tensor, channel };
}

// MediaPipe's face and palm detectors (mediapipe/modules/face_detection, palm_detection): per anchor a logit, a box and
// keypoints, x before y (reverse_output_order: true in each of the graphs), measured from the anchor's centre in pixels.
// Anchors are as large as the input; only their centres differ. A score_clipping_thresh of 100 changes no probability.

import { mediapipeAnchors } from '../anchors/mediapipe.js';
import { convertBoxes } from '../boxes/formats.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import { mediapipe } from '../codecs/mediapipe.js';
import { flatLayouts, flatLevel, type HeadLayout } from './common.js';
import type { Head } from './head.js';

/** Options of `blazeFace`. */
export interface BlazeFaceOptions {
	/**
	 * 'short-range' (default): 128 x 128, 896 anchors (also the first front camera model). 'back': 256 x 256, 896 anchors (the back camera
	 * model). 'full-range': 192 x 192, 2304 anchors, also the sparse one.
	 */
	model?: 'short-range' | 'back' | 'full-range';
	/** 'separate' (default): regressors and classificators. 'concatenated': one tensor, the logit first (tfjs-models' blazeface). */
	outputs?: 'separate' | 'concatenated';
	/** Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
}

/** Options of `blazePalm`. */
export interface BlazePalmOptions {
	/** [192, 192] (default; lite and full, 2016 anchors), or [256, 256] (the first model, 2944 anchors). */
	inputSize?: readonly [number, number];
	/** Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
}

const FACES = {
	'short-range': { side: 128, strides: [8, 16, 16, 16] },
	back: { side: 256, strides: [16, 32, 32, 32] },
	'full-range': { side: 192, strides: [4], interpolatedScaleAspectRatio: 0 },
} as const;
const PALMS = [
	{ side: 192, strides: [8, 16, 16, 16] },
	{ side: 256, strides: [8, 16, 32, 32, 32] },
] as const;

/**
 * The head of BlazeFace: 'regressors' [896, 16] and 'classificators' [896, 1], in this order, or one tensor [896, 17]. Six keypoints: right
 * eye, left eye, nose, mouth, right ear, left ear (of the face). MediaPipe's graphs average overlapping boxes (their suppression is
 * WEIGHTED, above an IoU of 0.3) and begin at scores of 0.5 (full range 0.6).
 */
export function blazeFace(options: BlazeFaceOptions = {}): Head {
	const given = readOptions('blazeFace', 'options', options, ['model', 'outputs', 'layout']) as BlazeFaceOptions;
	const model = checkWord('blazeFace', 'model', given.model ?? 'short-range', ['short-range', 'back', 'full-range']);
	const outputs = checkWord('blazeFace', 'outputs', given.outputs ?? 'separate', ['separate', 'concatenated']);
	return blaze('blazeFace', FACES[model], 6, outputs === 'concatenated', given.layout ?? 'auto');
}

/**
 * The head of MediaPipe's palm detection (BlazePalm): 'regressors' [2016, 18] and 'classificators' [2016, 1], in this order. Seven keypoints:
 * wrist, the knuckles of index, middle, ring and little finger, two of the thumb. Throws on an input of another size.
 */
export function blazePalm(options: BlazePalmOptions = {}): Head {
	const { inputSize = [192, 192], layout = 'auto' } = readOptions('blazePalm', 'options', options, ['inputSize', 'layout']) as BlazePalmOptions;
	const model = PALMS.find(({ side }) => Array.isArray(inputSize) && inputSize.length === 2 && inputSize.every((n) => n === side));
	if (!model) refuse(RangeError, 'blazePalm', 'inputSize', 'must be [192, 192] or [256, 256]', inputSize);
	return blaze('blazePalm', model, 7, false, layout);
}

interface Model {
	readonly side: number;
	readonly strides: readonly number[];
	readonly interpolatedScaleAspectRatio?: number;
}

function blaze(call: string, { side, ...anchoring }: Model, count: number, merged: boolean, layout: HeadLayout): Head {
	const inputSize = [side, side] as const;
	const anchors = convertBoxes(mediapipeAnchors({ inputSize, fixedAnchorSize: true, ...anchoring }), 'xyxy', 'cxcywh');
	const numAnchors = anchors.length / 4;
	const layouts = flatLayouts(call, layout, 'anchors-first');
	const channel = 4 + 2 * count;
	const sizes = (channels: number) => ({ anchor: numAnchors, channel: channels });
	const first = merged ? 1 : 0;
	return {
		name: call,
		inputSize,
		numClasses: 1,
		numAnchors,
		tensors: merged
			? [{ name: 'output', aliases: ['Identity', 'output0'], layouts, sizes: sizes(1 + channel) }]
			: [
					{ name: 'regressors', aliases: ['reshaped_regressor_face_4', 'box_coords', 'Identity'], layouts, sizes: sizes(channel) },
					{ name: 'classificators', aliases: ['reshaped_classifier_face_4', 'box_scores', 'Identity_1'], layouts, sizes: sizes(1) },
				],
		levels: [
			{
				...flatLevel(numAnchors),
				box: { tensor: 0, channel: first },
				classes: { tensor: merged ? 0 : 1, channel: 0 },
				keypoints: { tensor: 0, channel: first + 4 },
			},
		],
		score: { activation: 'sigmoid' },
		codec: mediapipe({ scale: side, order: 'xywh' }),
		anchors,
		keypoints: { count, dims: 2, relative: true, scale: 1 / side },
	};
}

// SSD: box deltas against priors, and one class of several, background among them (Liu et al. 2016), as torchvision (SSD300
// and SSDLite), Caffe, mmdetection and TensorFlow's object detection API have it. Boxes [anchors, 4], scores [anchors, classes + 1].

import { mediapipeAnchors } from '../anchors/mediapipe.js';
import { type PriorStyle, type SsdPriorOptions, ssdPriorLevels, ssdPriors } from '../anchors/priors.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import { DELTA_CLAMP, type DeltasOptions, deltas } from '../codecs/deltas.js';
import { checkClasses, checkInput, flatLayouts, flatLevel, type HeadLayout, type LevelPlace } from './common.js';
import { checkAnchorRows } from './define.js';
import type { Axis, Head, ScoreSpec, TensorSpec } from './head.js';
import { denseTensors, NOT_EMPTY, readClip } from './maps.js';

/**
 * Whose priors and rules; every class above the threshold is a candidate in all:
 * - 'torchvision': models/detection/ssd.py and ssdlite.py. Softmax, background first; size deltas clamped above; clips.
 * - 'caffe': weiliu89/caffe, detection_output_layer.cpp. Softmax, background first; no clamp; does not clip. Blobs may be
 *   flat: mbox_loc [1, anchors * 4], mbox_conf [1, anchors * (classes + 1)]; mbox_conf_flatten holds probabilities (activation 'none').
 * - 'mmdet': mmdet/models/dense_heads/ssd_head.py. Softmax, background last; size deltas clamped on both sides; clips, drops empty boxes.
 * - 'tensorflow': object_detection/models of tensorflow/models (ssd_mobilenet v1, v2). Sigmoid, a background channel first
 *   that is not read; deltas y, x, height, width without clamp; does not clip. raw_outputs/class_predictions of the
 *   TF Lite graph are probabilities (activation 'none'). Its feature-pyramid models: priors from `mediapipeAnchors` with `multiscale`.
 */
export type SsdStyle = 'torchvision' | 'caffe' | 'mmdet' | 'tensorflow';

/** Options of `ssd`. */
export interface SsdOptions {
	/** Object classes, background not counted: 90 for torchvision's COCO models with 91 logits. */
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [300, 300]; [320, 320] is torchvision's SSDLite. */
	inputSize?: readonly [number, number];
	/** Default 'torchvision', or the style of `priors` if it has one. */
	style?: SsdStyle;
	/** Priors [anchors, 4], xyxy in input pixels, or options of `ssdPriors` (inputSize is filled in). Default those of the style: 8732 of SSD300, 3234 of SSDLite320, 1917 of ssd_mobilenet at 300. */
	priors?: Float32Array | Omit<SsdPriorOptions, 'inputSize'>;
	/**
	 * 'concatenated' (default): boxes and scores as lists over all levels. 'levels': a map per level of each, boxes first, fine to coarse
	 * ([4 shapes, y, x] and [(classes + 1) shapes, y, x]), as mmdetection's and torchvision's convolutions leave them; for priors by options.
	 */
	outputs?: 'concatenated' | 'levels';
	/** Default [0.1, 0.1, 0.2, 0.2]: TensorFlow's scales 10, 10, 5, 5. */
	variances?: readonly number[];
	/** Limit of size deltas, as in `deltas`. Default as the style. */
	clamp?: DeltasOptions['clamp'];
	/** Order of the deltas. Default 'xywh'; 'yxhw' for 'tensorflow'. */
	order?: DeltasOptions['order'];
	/** Where the background channel stands. Default 'first'; 'last' for 'mmdet'. */
	background?: 'first' | 'last';
	/** Default 'softmax'; 'sigmoid' for 'tensorflow'. 'none': probabilities. But for 'softmax', background is a channel that is not read. */
	activation?: 'softmax' | 'sigmoid' | 'none';
	/** Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
	/** Default true: every class above the threshold is a candidate, as SSD's own post-processing does. TensorFlow Lite's fast mode has false. */
	multiLabel?: boolean;
	/** Boxes are clipped to [height, width] pixels before suppression. Default as the style, false for none. */
	clip?: readonly [number, number] | false;
}

const KNOWN = [
	...(['numClasses', 'inputSize', 'style', 'priors', 'variances', 'clamp', 'order', 'background'] as const),
	...(['outputs', 'activation', 'layout', 'multiLabel', 'clip'] as const),
];
const STYLES: readonly SsdStyle[] = ['torchvision', 'caffe', 'mmdet', 'tensorflow'];
const CLAMPS: Record<SsdStyle, NonNullable<DeltasOptions['clamp']>> = {
	torchvision: DELTA_CLAMP,
	caffe: false,
	mmdet: [-DELTA_CLAMP, DELTA_CLAMP],
	tensorflow: false,
};

/**
 * The head of SSD. Thresholds of its sources: score 0.01 and IoU 0.45 (torchvision SSD300, Caffe), 0.001 and 0.55 (SSDLite),
 * 0.02 and 0.45 (mmdetection), 1e-8 and 0.6 (TensorFlow). Throws on priors that are not boxes and on options that are none.
 */
export function ssd(options: SsdOptions): Head {
	const given = readOptions('ssd', 'options', options, KNOWN) as Partial<SsdOptions>;
	const numClasses = checkClasses('ssd', given.numClasses);
	const inputSize = checkInput('ssd', given.inputSize ?? [300, 300]);
	const priors = given.priors ?? {};
	const style = checkWord('ssd', 'style', given.style ?? (ArrayBuffer.isView(priors) ? undefined : priors.style) ?? 'torchvision', STYLES);
	const isTensorflow = style === 'tensorflow';
	const background = checkWord('ssd', 'background', given.background ?? (style === 'mmdet' ? 'last' : 'first'), ['first', 'last']);
	const activation = checkWord('ssd', 'activation', given.activation ?? (isTensorflow ? 'sigmoid' : 'softmax'), ['softmax', 'sigmoid', 'none']);
	const anchors = priorsOf(style, priors, given.priors === undefined, inputSize);
	const numAnchors = anchors.length / 4;
	const score: ScoreSpec = activation === 'softmax' ? { activation, background } : { activation };
	const outputs = checkWord('ssd', 'outputs', given.outputs ?? 'concatenated', ['concatenated', 'levels']);
	const { layout = 'auto' } = given;
	const firstClass = activation !== 'softmax' && background === 'first' ? 1 : 0;
	return {
		name: 'ssd',
		inputSize,
		numClasses,
		...(outputs === 'levels'
			? mapsOf({ style, inputSize, numClasses, firstClass, priors, layout })
			: listsOf({ style, numAnchors, numClasses, firstClass, layout })),
		score,
		codec: deltas({
			variances: given.variances ?? [0.1, 0.1, 0.2, 0.2],
			clamp: given.clamp ?? CLAMPS[style],
			order: given.order ?? (isTensorflow ? 'yxhw' : 'xywh'),
		}),
		anchors,
		multiLabel: given.multiLabel ?? true,
		...readClip('ssd', given.clip, style === 'torchvision' || style === 'mmdet' ? inputSize : false),
		...(style === 'mmdet' && { minSize: NOT_EMPTY }),
	};
}

function priorsOf(
	style: SsdStyle,
	priors: Float32Array | Omit<SsdPriorOptions, 'inputSize'>,
	isDefault: boolean,
	inputSize: readonly [number, number],
): Float32Array {
	if (ArrayBuffer.isView(priors)) return checkAnchorRows('ssd', 'priors', priors, 'xyxy');
	if (style !== 'tensorflow') return ssdPriors({ style: style as PriorStyle, ...priors, inputSize });
	if (!isDefault) return ssdPriors({ ...priors, inputSize });
	return mediapipeAnchors({
		...{ inputSize, strides: [16, 32, 64, 128, 256, 512], minScale: 0.2, maxScale: 0.95 },
		...{ aspectRatios: [1, 2, 0.5, 3, 0.3333], reduceBoxesInLowestLayer: true },
	});
}

interface Lists {
	readonly style: SsdStyle;
	readonly numAnchors: number;
	readonly numClasses: number;
	readonly firstClass: number;
	readonly layout: HeadLayout;
}

function listsOf({ style, numAnchors, numClasses, firstClass, layout }: Lists): Pick<Head, 'numAnchors' | 'tensors' | 'levels'> {
	const level = { ...placeOf(style, numAnchors), box: { tensor: 0, channel: 0 }, classes: { tensor: 1, channel: firstClass } };
	return { numAnchors, tensors: tensorsOf(style, numAnchors, numClasses, layout), levels: [level] };
}

interface MapsOptions extends Omit<Lists, 'numAnchors'> {
	readonly inputSize: readonly [number, number];
	readonly priors: Float32Array | Omit<SsdPriorOptions, 'inputSize'>;
}

function mapsOf({ style, inputSize, numClasses, firstClass, priors, layout }: MapsOptions): Pick<Head, 'numAnchors' | 'tensors' | 'levels'> {
	if (style === 'tensorflow' || ArrayBuffer.isView(priors))
		refuse(TypeError, 'ssd', 'outputs', "must be 'concatenated' with style 'tensorflow' and with priors as an array, whose levels are not known", 'levels');
	let firstAnchor = 0;
	const places = ssdPriorLevels({ style: style as PriorStyle, ...priors, inputSize }).map(({ grid, numShapes, step }): LevelPlace => {
		const numAnchors = grid[0] * grid[1] * numShapes;
		firstAnchor += numAnchors;
		return { firstAnchor: firstAnchor - numAnchors, numAnchors, grid: [grid[0], grid[1]], numShapes, order: 'yxa', stride: step };
	});
	const kinds = [
		{ field: 'box', name: 'boxes', aliases: ['bbox_pred', 'bbox_regression', 'loc'], channels: 4 },
		{ field: 'classes', name: 'scores', aliases: ['cls_score', 'cls_logits', 'conf'], channels: numClasses + 1, first: firstClass },
	] as const;
	return denseTensors('ssd', kinds, { outputs: 'levels', inputSize, strides: [], shapes: [], places, layout });
}

function tensorsOf(style: SsdStyle, anchor: number, numClasses: number, layout: HeadLayout): TensorSpec[] {
	const lists = flatLayouts('ssd', layout, 'anchors-first');
	// Caffe flattens: [batch, anchors * channels]
	const flattened: readonly (readonly Axis[])[] = [['shape-channel'], ['one', 'shape-channel']];
	const isFlat = style === 'caffe' && layout === 'auto';
	const layouts = isFlat ? [...lists, ...flattened] : lists;
	const sizes = isFlat ? { anchor, shape: anchor } : { anchor };
	return [
		{ name: 'boxes', aliases: BOX_NAMES, layouts, sizes: { ...sizes, channel: 4 } },
		{ name: 'scores', aliases: SCORE_NAMES, layouts, sizes: { ...sizes, channel: numClasses + 1 } },
	];
}

const BOX_NAMES = ['bbox_regression', 'box_deltas', 'loc', 'locations', 'raw_boxes', 'mbox_loc', 'raw_outputs/box_encodings', 'concat'];
const SCORE_NAMES = [
	...['cls_logits', 'conf', 'confidences', 'logits', 'raw_scores', 'mbox_conf', 'mbox_conf_flatten', 'mbox_conf_softmax'],
	...['raw_outputs/class_predictions', 'concat_1'],
];

// Caffe's flat blobs are one cell of very many shapes
function placeOf(style: SsdStyle, numAnchors: number): LevelPlace {
	const list = flatLevel(numAnchors);
	return style === 'caffe' ? { ...list, grid: [1, 1], numShapes: numAnchors } : list;
}

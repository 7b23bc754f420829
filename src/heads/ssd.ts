// SSD: box deltas against priors, and a softmax over the classes and background (Caffe SSD, torchvision ssd300_vgg16).
// Two tensors: boxes [anchors, 4] and class logits [anchors, classes + 1].

import { type SsdPriorOptions, ssdPriors } from '../anchors/priors.js';
import { checkWord, readOptions } from '../checks.js';
import { type DeltasOptions, deltas } from '../codecs/deltas.js';
import { checkClasses, checkInput, flatLayouts, type HeadLayout } from './common.js';
import { checkAnchorRows } from './define.js';
import type { Head, ScoreSpec } from './head.js';

/** Options of `ssd`. */
export interface SsdOptions {
	/** Object classes, background not counted: 90 for torchvision's COCO models with 91 logits. */
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [300, 300]. */
	inputSize?: readonly [number, number];
	/** Priors [anchors, 4], xyxy in input pixels, or options of `ssdPriors` (inputSize is filled in). Default those of SSD300. */
	priors?: Float32Array | Omit<SsdPriorOptions, 'inputSize'>;
	/** Default [0.1, 0.1, 0.2, 0.2]. */
	variances?: readonly number[];
	/** Limit of size deltas, as in `deltas`. Default log(1000/16); Caffe has none (false). */
	clamp?: DeltasOptions['clamp'];
	/** Order of the deltas. Default 'xywh'; TensorFlow's models have 'yxhw'. */
	order?: DeltasOptions['order'];
	/** Where the background logit stands. Default 'first'; mmdetection has it last. */
	background?: 'first' | 'last';
	/** Default 'softmax'. 'sigmoid' in TensorFlow's models; background is then a channel like the others and is not read. */
	activation?: 'softmax' | 'sigmoid';
	/** Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
	/** Default true: every class above the threshold is a candidate, as SSD's own post-processing does. */
	multiLabel?: boolean;
}

/** The head of SSD. Throws on priors that are not boxes. */
export function ssd(options: SsdOptions): Head {
	const known = ['numClasses', 'inputSize', 'priors', 'variances', 'clamp', 'order', 'background', 'activation', 'layout', 'multiLabel'] as const;
	const given = readOptions('ssd', 'options', options, known) as Partial<SsdOptions>;
	const numClasses = checkClasses('ssd', given.numClasses);
	const inputSize = checkInput('ssd', given.inputSize ?? [300, 300]);
	const background = checkWord('ssd', 'background', given.background ?? 'first', ['first', 'last']);
	const activation = checkWord('ssd', 'activation', given.activation ?? 'softmax', ['softmax', 'sigmoid']);
	const priors = given.priors ?? {};
	const anchors = ArrayBuffer.isView(priors) ? checkAnchorRows('ssd', 'priors', priors, 'xyxy') : ssdPriors({ ...priors, inputSize });
	const numAnchors = anchors.length / 4;
	const layouts = flatLayouts('ssd', given.layout ?? 'auto', 'anchors-first');
	const score: ScoreSpec = activation === 'softmax' ? { activation, background } : { activation };
	const firstClass = activation === 'sigmoid' && background === 'first' ? 1 : 0;
	return {
		name: 'ssd',
		inputSize,
		numClasses,
		numAnchors,
		tensors: [
			{ name: 'boxes', aliases: ['bbox_regression', 'box_deltas', 'loc', 'locations', 'raw_boxes'], layouts, sizes: { anchor: numAnchors, channel: 4 } },
			{
				name: 'scores',
				aliases: ['cls_logits', 'conf', 'confidences', 'logits', 'raw_scores'],
				layouts,
				sizes: { anchor: numAnchors, channel: numClasses + 1 },
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
				classes: { tensor: 1, channel: firstClass },
			},
		],
		score,
		codec: deltas({ variances: given.variances ?? [0.1, 0.1, 0.2, 0.2], clamp: given.clamp, order: given.order }),
		anchors,
		multiLabel: given.multiLabel ?? true,
	};
}

// The box head of Fast R-CNN (Girshick 2015), the second stage of Faster and Mask R-CNN, as torchvision, detectron2 and
// mmdetection have it: class logits with a background, and for each class its own deltas against the proposal, which
// comes with the call.

import { checkBoolean, checkInteger, checkNumber, checkWord, readOptions, refuse } from '../checks.js';
import { DELTA_CLAMP, type DeltasOptions, deltas } from '../codecs/deltas.js';
import { checkClasses, checkInput, flatLevel } from './common.js';
import type { Axis, Head, TensorSpec } from './head.js';
import { NOT_EMPTY, readClip } from './maps.js';

/**
 * Whose order and rules; all clip and take every class above the threshold (0.05, IoU 0.5, 100 detections):
 * - 'torchvision': models/detection/roi_heads.py. Background first, and it has deltas too; sides below 0.01 pixels dropped.
 * - 'detectron2': modeling/roi_heads/fast_rcnn.py. Background last, without deltas; empty boxes dropped.
 * - 'mmdet': mmdet/models/roi_heads/bbox_heads/bbox_head.py. As detectron2, but size deltas are clamped on both sides and
 *   empty boxes stay.
 */
export type FastRcnnStyle = 'torchvision' | 'detectron2' | 'mmdet';

/** Options of `fastRcnn`. */
export interface FastRcnnOptions {
	/** Object classes, background not counted: 90 for torchvision's COCO models with 91 logits. */
	numClasses: number;
	/** Network input in pixels, [height, width]; proposals are in it. */
	inputSize: readonly [number, number];
	/** Default 'torchvision'. */
	style?: FastRcnnStyle;
	/** The most proposals a call brings; it may bring fewer. Default 1000. */
	maxProposals?: number;
	/** True when all classes share one box: deltas [proposals, 4]. Default false. */
	classAgnostic?: boolean;
	/** What targets were multiplied by. Default [10, 10, 5, 5]; later stages of Cascade R-CNN have [20, 20, 10, 10] and [30, 30, 15, 15]. */
	weights?: DeltasOptions['weights'];
	/** Boxes are clipped to [height, width] pixels: the image within a padded input. Default the input, false for none. */
	clip?: readonly [number, number] | false;
	/** Boxes with a side below this many pixels are dropped. Default as the style. */
	minSize?: number;
}

const KNOWN = ['numClasses', 'inputSize', 'style', 'maxProposals', 'classAgnostic', 'weights', 'clip', 'minSize'] as const;
const MIN_SIZES: Record<FastRcnnStyle, number> = { torchvision: 1e-2, detectron2: NOT_EMPTY, mmdet: 0 };

/**
 * The head of Fast R-CNN. Three tensors of as many rows as the call has proposals: logits [proposals, numClasses + 1], deltas
 * [proposals, 4 * numClasses] ([proposals, 4 * (numClasses + 1)] with 'torchvision', [proposals, 4] when class-agnostic), and
 * the proposals [proposals, 4], xyxy in input pixels. Throws a TypeError or RangeError that names the option.
 */
export function fastRcnn(options: FastRcnnOptions): Head {
	const given = readOptions('fastRcnn', 'options', options, KNOWN) as Partial<FastRcnnOptions>;
	const numClasses = checkClasses('fastRcnn', given.numClasses);
	const inputSize = checkInput('fastRcnn', given.inputSize);
	const style = checkWord('fastRcnn', 'style', given.style ?? 'torchvision', ['torchvision', 'detectron2', 'mmdet']);
	const numAnchors = checkInteger('fastRcnn', 'maxProposals', given.maxProposals ?? 1000, 1, 2 ** 24);
	const classAgnostic = checkBoolean('fastRcnn', 'classAgnostic', given.classAgnostic ?? false);
	const minSize = checkNumber('fastRcnn', 'minSize', given.minSize ?? MIN_SIZES[style]);
	if (!(minSize >= 0 && minSize < Infinity)) refuse(RangeError, 'fastRcnn', 'minSize', 'must be a number of pixels, 0 or more', minSize);
	const isTorchvision = style === 'torchvision';
	const boxes = classAgnostic ? 1 : isTorchvision ? numClasses + 1 : numClasses;
	const tensor = (name: string, aliases: string[], channel: number): TensorSpec => ({ name, aliases, layouts: ROWS, sizes: { anchor: numAnchors, channel } });
	return {
		name: 'fastRcnn',
		inputSize,
		numClasses,
		numAnchors,
		tensors: [
			tensor('logits', ['class_logits', 'cls_score', 'scores'], numClasses + 1),
			tensor('deltas', ['box_regression', 'bbox_pred', 'proposal_deltas'], 4 * boxes),
			tensor('proposals', ['proposal_boxes', 'rois'], 4),
		],
		levels: [
			{
				...flatLevel(numAnchors),
				// torchvision's first box is the background's
				box: { tensor: 1, channel: isTorchvision && !classAgnostic ? 4 : 0 },
				classes: { tensor: 0, channel: 0 },
				anchors: { tensor: 2, channel: 0 },
			},
		],
		score: { activation: 'softmax', background: isTorchvision ? 'first' : 'last' },
		codec: deltas({ weights: given.weights ?? [10, 10, 5, 5], clamp: style === 'mmdet' ? [-DELTA_CLAMP, DELTA_CLAMP] : DELTA_CLAMP }),
		multiLabel: true,
		...(classAgnostic ? {} : { boxStep: 4 }),
		...readClip('fastRcnn', given.clip, inputSize),
		minSize,
		variableAnchors: true,
	};
}

const ROWS: readonly (readonly Axis[])[] = [['anchor', 'channel']];

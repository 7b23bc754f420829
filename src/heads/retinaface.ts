// Two face detectors with a list of anchors and probabilities [no face, face]: RetinaFace (biubug6/Pytorch_Retinaface,
// prior_box.py and utils/box_utils.py, decode and decode_landm), deltas and five points against square priors; and
// UltraFace (Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB), whose boxes are decoded in the network.

import { anchorGrid } from '../anchors/grid.js';
import { readOptions } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { deltas } from '../codecs/deltas.js';
import { checkInput, flatLayouts, flatLevel, gridLevels, type HeadLayout } from './common.js';
import type { Head, TensorSpec } from './head.js';

/** Options of `retinaFace`. */
export interface RetinaFaceOptions {
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/** Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
}

/** Options of `ultraFace`. */
export interface UltraFaceOptions {
	/** Network input in pixels, [height, width]. Default [240, 320]; the other published size is [480, 640]. */
	inputSize?: readonly [number, number];
	/** Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
}

/** The probabilities are of no face and of a face. */
const FACE = 1;
const VARIANCE = 0.1;

/**
 * The head of RetinaFace (mobile0.25 and resnet50): 'loc' [16800, 4], 'conf' [16800, 2] and 'landms' [16800, 10] at 640 x 640, in this order, with
 * `conf` softmaxed. Five points: left eye, right eye, nose, left and right corner of the mouth, as the image shows them. Its own code
 * begins at scores of 0.02 and suppresses above 0.4. Any input size; grids are rounded up.
 */
export function retinaFace(options: RetinaFaceOptions = {}): Head {
	const given = readOptions('retinaFace', 'options', options, ['inputSize', 'layout']) as RetinaFaceOptions;
	const inputSize = checkInput('retinaFace', given.inputSize ?? [640, 640]);
	const sizes = [
		[16, 32],
		[64, 128],
		[256, 512],
	];
	// its centres and steps: half a stride in, and whole strides apart
	const anchors = anchorGrid({ inputSize, strides: [8, 16, 32], sizes, ratios: [1], style: 'keras-retinanet' });
	const numAnchors = anchors.length / 4;
	const tensor = tensorOf('retinaFace', numAnchors, given.layout ?? 'auto');
	return {
		name: 'retinaface',
		inputSize,
		numClasses: 1,
		numAnchors,
		tensors: [tensor('loc', ['output', 'bbox'], 4), tensor('conf', ['outputt', 'confidence'], 2), tensor('landms', ['outputtt', 'landmarks'], 10)],
		levels: [{ ...flatLevel(numAnchors), box: { tensor: 0, channel: 0 }, classes: { tensor: 1, channel: FACE }, keypoints: { tensor: 2, channel: 0 } }],
		score: { activation: 'none' },
		codec: deltas({ variances: [VARIANCE, VARIANCE, 0.2, 0.2], clamp: false }),
		anchors,
		// from the prior's centre, which is half a size from its corner
		keypoints: { count: 5, dims: 2, relative: true, scale: VARIANCE, shift: 0.5 },
	};
}

/**
 * The head of UltraFace (RFB and slim): 'scores' [4420, 2] and 'boxes' [4420, 4] at 240 x 320, in this order; boxes are corners as fractions of the
 * input, scores softmaxed. Its own code begins at scores of 0.7.
 */
export function ultraFace(options: UltraFaceOptions = {}): Head {
	const given = readOptions('ultraFace', 'options', options, ['inputSize', 'layout']) as UltraFaceOptions;
	const inputSize = checkInput('ultraFace', given.inputSize ?? [240, 320]);
	const numAnchors = gridLevels(inputSize, [8, 16, 32, 64], [3, 2, 2, 3]).reduce((sum, level) => sum + level.numAnchors, 0);
	const tensor = tensorOf('ultraFace', numAnchors, given.layout ?? 'auto');
	return {
		name: 'ultraface',
		inputSize,
		numClasses: 1,
		numAnchors,
		tensors: [tensor('scores', ['confidences'], 2), tensor('boxes', [], 4)],
		levels: [{ ...flatLevel(numAnchors), classes: { tensor: 0, channel: FACE }, box: { tensor: 1, channel: 0 } }],
		score: { activation: 'none' },
		codec: boxes({ format: 'xyxy', scale: [inputSize[1], inputSize[0]] }),
	};
}

function tensorOf(call: string, anchor: number, layout: HeadLayout): (name: string, aliases: readonly string[], channel: number) => TensorSpec {
	const layouts = flatLayouts(call, layout, 'anchors-first');
	return (name, aliases, channel) => ({ name, aliases, layouts, sizes: { anchor, channel } });
}

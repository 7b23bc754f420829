// EfficientDet (Tan et al. 2020; google/automl, efficientdet/tf2): nine anchors per cell on levels P3 to P7, deltas in the
// order y, x, height, width without a clamp, independent sigmoid classes. Per level a class map and a box map, channels
// last, or all levels concatenated.

import { type AnchorRatio, anchorGrid } from '../anchors/grid.js';
import { checkPositive, checkPositiveNumber } from '../anchors/levels.js';
import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { deltas } from '../codecs/deltas.js';
import { checkClasses, checkInput, type HeadLayout } from './common.js';
import type { Head } from './head.js';
import { type DenseTensor, denseTensors, readClip } from './maps.js';

/** Options of `efficientdet`. */
export interface EfficientdetOptions {
	/** Logits per anchor: 90 for the COCO models, whose class 0 is a person. */
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [512, 512], D0's; D1 to D7: 640, 768, 896, 1024, 1280, 1280, 1536. */
	inputSize?: readonly [number, number];
	/** 'levels' (default): a class map and a box map per level, fine to coarse, first all class maps. 'concatenated': two tensors over all levels. */
	outputs?: 'levels' | 'concatenated';
	/** Default 'auto': told from the dims, channels last where both fit. 'anchors-first' means channels last in maps. */
	layout?: HeadLayout;
	/** Anchor size over stride. Default 4; 5 in D7, 3 in the first Lite models. */
	anchorScale?: number;
	/** Widths over heights, or pairs. Default [1, 2, 0.5], today's automl; older ones, and the PyTorch ports, have [[1, 1], [1.4, 0.7], [0.7, 1.4]]. */
	ratios?: readonly AnchorRatio[];
	/** Factors of the sizes. Default 1, 2^(1/3), 2^(2/3). */
	scales?: readonly number[];
	/** Default [8, 16, 32, 64, 128]; D7x has 256 too. Grids are ceil(input / stride); cells are input / grid apart. */
	strides?: readonly number[];
	/** Default 'sigmoid'; 'none' for ports that export probabilities (zylo117's). */
	activation?: 'sigmoid' | 'none';
	/** Default false: the best class of each anchor, automl's max_nms_inputs: 0. True takes anchor and class pairs. */
	multiLabel?: boolean;
	/** Boxes are clipped to [height, width] pixels before suppression. Default false: automl clips afterwards, as a transform does. */
	clip?: readonly [number, number] | false;
}

const KNOWN = [
	...(['numClasses', 'inputSize', 'outputs', 'layout', 'anchorScale', 'ratios', 'scales', 'strides'] as const),
	...(['activation', 'multiLabel', 'clip'] as const),
];

/**
 * The head of EfficientDet: classes [y, x, 9 * numClasses] and boxes [y, x, 36] for each level, or [anchors, numClasses] and
 * [anchors, 4]: 49104 anchors at 512 x 512. automl suppresses by a Gaussian of sigma 0.5 (the option `softNms`); its 'hard' method has IoU 0.5.
 * Throws a TypeError or RangeError that names the option.
 */
export function efficientdet(options: EfficientdetOptions): Head {
	const given = readOptions('efficientdet', 'options', options, KNOWN) as Partial<EfficientdetOptions>;
	const numClasses = checkClasses('efficientdet', given.numClasses);
	const inputSize = checkInput('efficientdet', given.inputSize ?? [512, 512]);
	const outputs = checkWord('efficientdet', 'outputs', given.outputs ?? 'levels', ['levels', 'concatenated']);
	const activation = checkWord('efficientdet', 'activation', given.activation ?? 'sigmoid', ['sigmoid', 'none']);
	const strides = checkPositive('efficientdet', 'strides', given.strides ?? [8, 16, 32, 64, 128]);
	const anchorScale = checkPositiveNumber('efficientdet', 'anchorScale', given.anchorScale ?? 4);
	const scales = checkPositive('efficientdet', 'scales', given.scales ?? [1, 2 ** (1 / 3), 2 ** (2 / 3)]);
	const ratios = given.ratios ?? [1, 2, 0.5];
	if (!Array.isArray(ratios)) refuse(TypeError, 'efficientdet', 'ratios', 'must be a list of ratios or pairs', ratios);
	const anchors = anchorGrid({ inputSize, strides, sizes: strides.map((stride) => stride * anchorScale), ratios, scales, style: 'efficientdet' });
	const kinds: DenseTensor[] = [
		{ field: 'classes', name: 'classes', aliases: ['classification', 'class_outputs', 'cls_outputs', 'scores', 'logits'], channels: numClasses },
		{ field: 'box', name: 'boxes', aliases: ['regression', 'box_outputs'], channels: 4 },
	];
	const shapes = scales.length * ratios.length;
	return {
		name: 'efficientdet',
		inputSize,
		numClasses,
		...denseTensors('efficientdet', kinds, { outputs, inputSize, strides, shapes, layout: given.layout ?? 'auto', usual: 'anchors-first' }),
		score: { activation },
		codec: deltas({ order: 'yxhw', clamp: false }),
		anchors,
		multiLabel: checkBoolean('efficientdet', 'multiLabel', given.multiLabel ?? false),
		...readClip('efficientdet', given.clip, false),
	};
}

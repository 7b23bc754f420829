// FCOS (Tian et al. 2019): one point per cell on levels P3 to P7, distances to the four sides, independent sigmoid classes
// and a centerness, as torchvision, detectron2 and mmdetection have it. Per level three maps, or all levels concatenated.

import { anchorGrid } from '../anchors/grid.js';
import { checkPositive } from '../anchors/levels.js';
import { anchorPoints } from '../anchors/points.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import type { BoxCodec } from '../codecs/codec.js';
import { distances } from '../codecs/distances.js';
import { checkClasses, checkInput, type HeadLayout } from './common.js';
import type { Head } from './head.js';
import { type DenseTensor, denseTensors, NOT_EMPTY, readClip, readCut } from './maps.js';

/**
 * Whose points, distances and scores; every class above the threshold is a candidate, 1000 per level at most:
 * - 'torchvision': models/detection/fcos.py. Points at the corners of cells that are floor(input / grid) apart; relu times
 *   the stride; the root of class times centerness; clips. Score 0.2, IoU 0.6.
 * - 'detectron2': modeling/meta_arch/fcos.py. Points in the middle of cells; relu times the stride; the root; clips only
 *   after suppression, as a transform does. Score 0.2, IoU 0.6.
 * - 'mmdet': mmdet/models/dense_heads/fcos_head.py. Points in the middle of cells; class times centerness without the root;
 *   clips, drops empty boxes. Score 0.05, IoU 0.5: mmdetection tests the class score alone, and cuts by it; here the product is tested.
 */
export type FcosStyle = 'torchvision' | 'detectron2' | 'mmdet';

/** Options of `fcos`. */
export interface FcosOptions {
	/** Logits per point. torchvision's COCO model has 91. */
	numClasses: number;
	/** Network input in pixels, [height, width], after padding. */
	inputSize: readonly [number, number];
	/** Default 'torchvision'. */
	style?: FcosStyle;
	/** 'levels' (default): class, box and centerness maps, fine to coarse, first all class maps. 'concatenated': three tensors over all levels. */
	outputs?: 'levels' | 'concatenated';
	/** Default 'auto': told from the dims, channels first where both fit. 'anchors-first' means channels last in maps. */
	layout?: HeadLayout;
	/** Default [8, 16, 32, 64, 128]. Grids are ceil(input / stride). */
	strides?: readonly number[];
	/** 'mmdet' only, what the box tensor holds. Default 'pixels', as its forward pass gives it. Cut off before: 'relu' (norm_on_bbox, relu times the stride) or 'exp' (pixels). */
	regression?: 'pixels' | 'relu' | 'exp';
	/** Boxes are clipped to [height, width] pixels before suppression: the image within a padded input. Default as the style, false for none. */
	clip?: readonly [number, number] | false;
	/** Default 1000, false for none. */
	maxCandidatesPerLevel?: number | false;
}

const KNOWN = ['numClasses', 'inputSize', 'style', 'outputs', 'layout', 'strides', 'regression', 'clip', 'maxCandidatesPerLevel'] as const;

/**
 * The head of FCOS: classes [numClasses, y, x], boxes [4, y, x] (left, top, right, bottom) and centerness [1, y, x] for each
 * level, or [points, numClasses], [points, 4] and [points, 1]. Throws a TypeError or RangeError that names the option.
 */
export function fcos(options: FcosOptions): Head {
	const given = readOptions('fcos', 'options', options, KNOWN) as Partial<FcosOptions>;
	const numClasses = checkClasses('fcos', given.numClasses);
	const inputSize = checkInput('fcos', given.inputSize);
	const style = checkWord('fcos', 'style', given.style ?? 'torchvision', ['torchvision', 'detectron2', 'mmdet']);
	const outputs = checkWord('fcos', 'outputs', given.outputs ?? 'levels', ['levels', 'concatenated']);
	const strides = checkPositive('fcos', 'strides', given.strides ?? [8, 16, 32, 64, 128]);
	const isMmdet = style === 'mmdet';
	const kinds: DenseTensor[] = [
		{ field: 'classes', name: 'classes', aliases: ['cls_logits', 'cls_score', 'scores', 'logits'], channels: numClasses },
		{ field: 'box', name: 'boxes', aliases: ['bbox_regression', 'bbox_pred'], channels: 4 },
		{ field: 'objectness', name: 'centerness', aliases: ['bbox_ctrness', 'ctrness'], channels: 1 },
	];
	const dense = denseTensors('fcos', kinds, { outputs, inputSize, strides, shapes: 1, layout: given.layout ?? 'auto' });
	return {
		name: 'fcos',
		inputSize,
		numClasses,
		...dense,
		score: { activation: 'sigmoid', objectness: { activation: 'sigmoid', combine: isMmdet ? 'product' : 'sqrt' } },
		codec: codecOf(style, given.regression),
		anchors:
			style === 'torchvision' ? anchorGrid({ inputSize, strides, sizes: strides, ratios: [1], style: 'torchvision' }) : anchorPoints({ inputSize, strides }),
		multiLabel: true,
		...readClip('fcos', given.clip, style === 'detectron2' ? false : inputSize),
		...(isMmdet && { minSize: NOT_EMPTY }),
		...readCut('fcos', given.maxCandidatesPerLevel, 1000, dense, strides.length),
	};
}

function codecOf(style: FcosStyle, regression: FcosOptions['regression']): BoxCodec {
	if (style !== 'mmdet') {
		if (regression !== undefined) refuse(TypeError, 'fcos', 'regression', "must be absent unless style is 'mmdet'", regression);
		return distances({ activation: 'relu', unit: style === 'torchvision' ? 'size' : 'stride' });
	}
	switch (checkWord('fcos', 'regression', regression ?? 'pixels', ['pixels', 'relu', 'exp'])) {
		case 'pixels':
			return distances({ unit: 'pixels' });
		case 'relu':
			return distances({ activation: 'relu' });
		default:
			return distances({ activation: 'exp', unit: 'pixels' });
	}
}

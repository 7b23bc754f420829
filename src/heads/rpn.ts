// Region proposal networks (Ren et al. 2015; with feature pyramids, Lin et al. 2017), as torchvision, detectron2 and
// mmdetection have them: an objectness logit and a box delta for each anchor, the best of every level, suppressed level by level.

import { type AnchorGridOptions, anchorGrid } from '../anchors/grid.js';
import { checkPositive } from '../anchors/levels.js';
import { checkNumber, checkWord, readOptions, refuse } from '../checks.js';
import { DELTA_CLAMP, deltas } from '../codecs/deltas.js';
import { checkInput, type HeadLayout } from './common.js';
import type { Head } from './head.js';
import { type DenseTensor, denseTensors, NOT_EMPTY, readClip, readCut } from './maps.js';

/**
 * Whose anchors and rules; all clip to the image after the cut, and then drop small boxes:
 * - 'torchvision': models/detection/rpn.py. Rounded anchors, floor(input / grid) apart; sides below 0.001 pixels dropped.
 * - 'detectron2': modeling/proposal_generator/rpn.py. Sizes outer; empty boxes dropped.
 * - 'mmdet': mmdet/models/dense_heads/rpn_head.py. Size deltas clamped on both sides; empty boxes dropped.
 */
export type RpnStyle = 'torchvision' | 'detectron2' | 'mmdet';

/** Options of `rpn`. */
export interface RpnOptions {
	/** Network input in pixels, [height, width], after padding. */
	inputSize: readonly [number, number];
	/** Default 'torchvision'. */
	style?: RpnStyle;
	/** Default 'auto': told from the dims, channels first where both fit. 'anchors-first' means channels last. */
	layout?: HeadLayout;
	/** Default [4, 8, 16, 32, 64]: P2 to P6. Grids are ceil(input / stride). */
	strides?: readonly number[];
	/** Anchor sizes of each level in pixels. Default 8 strides: 32, 64, 128, 256, 512. A network of one level has strides [16] and sizes [[32, 64, 128, 256, 512]]. */
	sizes?: AnchorGridOptions['sizes'];
	/** Heights over widths. Default [0.5, 1, 2]. */
	ratios?: readonly number[];
	/** Standard deviations of the deltas. Default [1, 1, 1, 1]. */
	variances?: readonly number[];
	/** Boxes are clipped to [height, width] pixels: the image within a padded input. Default the input, false for none. */
	clip?: readonly [number, number] | false;
	/** Boxes with a side below this many pixels are dropped. Default as the style. */
	minSize?: number;
	/** The best so many of each level, by logit. Default 1000, as at inference (2000 in training), false for all. */
	maxCandidatesPerLevel?: number | false;
}

const KNOWN = ['inputSize', 'style', 'layout', 'strides', 'sizes', 'ratios', 'variances', 'clip', 'minSize', 'maxCandidatesPerLevel'] as const;

/**
 * The head of a region proposal network: objectness logits [3, y, x] and deltas [12, y, x] of each level, fine to coarse,
 * first all logits. The class id of a proposal is the number of its level, so levels never suppress each other. As all
 * three frameworks run it: `createPostprocessor({ head: rpn(...), scoreThreshold: 0, iouThreshold: 0.7, maxDetections: 1000 })`.
 * Throws a TypeError or RangeError that names the option.
 */
export function rpn(options: RpnOptions): Head {
	const given = readOptions('rpn', 'options', options, KNOWN) as Partial<RpnOptions>;
	const inputSize = checkInput('rpn', given.inputSize);
	const style = checkWord('rpn', 'style', given.style ?? 'torchvision', ['torchvision', 'detectron2', 'mmdet']);
	const strides = checkPositive('rpn', 'strides', given.strides ?? [4, 8, 16, 32, 64]);
	const ratios = checkPositive('rpn', 'ratios', given.ratios ?? [0.5, 1, 2]);
	const sizes = given.sizes ?? strides.map((stride) => 8 * stride);
	const anchors = anchorGrid({ inputSize, strides, sizes, ratios, style });
	const shapes = sizes.map((size) => (typeof size === 'number' ? 1 : size.length) * ratios.length);
	const minSize = checkNumber('rpn', 'minSize', given.minSize ?? (style === 'torchvision' ? 1e-3 : NOT_EMPTY));
	if (!(minSize >= 0 && minSize < Infinity)) refuse(RangeError, 'rpn', 'minSize', 'must be a number of pixels, 0 or more', minSize);
	const kinds: DenseTensor[] = [
		{ field: 'classes', name: 'objectness', aliases: ['pred_objectness_logits', 'rpn_cls', 'cls_logits'], channels: 1 },
		{ field: 'box', name: 'deltas', aliases: ['pred_anchor_deltas', 'pred_bbox_deltas', 'rpn_reg', 'bbox_pred'], channels: 4 },
	];
	const dense = denseTensors('rpn', kinds, { outputs: 'levels', inputSize, strides, shapes, layout: given.layout ?? 'auto' });
	return {
		name: 'rpn',
		inputSize,
		numClasses: strides.length,
		...dense,
		score: { activation: 'sigmoid', classes: 'level' },
		codec: deltas({ variances: given.variances ?? [1, 1, 1, 1], clamp: style === 'mmdet' ? [-DELTA_CLAMP, DELTA_CLAMP] : DELTA_CLAMP }),
		anchors,
		...readClip('rpn', given.clip, inputSize),
		minSize,
		...readCut('rpn', given.maxCandidatesPerLevel, 1000, dense, strides.length),
	};
}

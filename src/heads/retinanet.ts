// RetinaNet: nine anchors per cell on levels P3 to P7, independent sigmoid classes (Lin et al. 2017), as torchvision,
// detectron2, mmdetection and fizyr's keras-retinanet have it. Per level a class map and a box map, or all levels concatenated.

import { type AnchorGridOptions, anchorGrid } from '../anchors/grid.js';
import { checkPositive } from '../anchors/levels.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import type { BoxCodec } from '../codecs/codec.js';
import { corners } from '../codecs/corners.js';
import { DELTA_CLAMP, deltas } from '../codecs/deltas.js';
import { checkClasses, checkInput, type HeadLayout } from './common.js';
import type { Head } from './head.js';
import { type DenseTensor, denseTensors, NOT_EMPTY, readClip, readCut } from './maps.js';

/**
 * Whose anchors, deltas and rules. All number anchors level, y, x, shape, and take every class above the threshold (0.05, IoU 0.5):
 * - 'torchvision': models/detection/retinanet.py. Rounded anchors, floor(input / grid) apart; clips; 1000 candidates per level.
 * - 'detectron2': modeling/meta_arch/retinanet.py. Sizes outer; 1000 per level; clips only after suppression, as a transform does.
 * - 'mmdet': mmdet/models/dense_heads/retina_head.py. Size deltas clamped on both sides; clips, drops empty boxes; 1000 per level.
 * - 'keras-retinanet': fizyr's models/retinanet.py. Corner deltas times 0.2, anchors in the middle of cells, scores that are
 *   probabilities already; clips to [height - 1, width - 1]; no cut per level.
 */
export type RetinanetStyle = 'torchvision' | 'detectron2' | 'mmdet' | 'keras-retinanet';

/** Options of `retinanet`. */
export interface RetinanetOptions {
	/** Logits per anchor. torchvision's COCO model has 91. */
	numClasses: number;
	/** Network input in pixels, [height, width], after padding. */
	inputSize: readonly [number, number];
	/** Default 'torchvision'. */
	style?: RetinanetStyle;
	/** 'levels' (default): a class map and a box map per level, fine to coarse, first all class maps. 'concatenated': two tensors over all levels (default for 'keras-retinanet'). */
	outputs?: 'levels' | 'concatenated';
	/** Default 'auto': told from the dims, channels first where both fit. 'anchors-first' means channels last in maps. */
	layout?: HeadLayout;
	/** Default [8, 16, 32, 64, 128]. Grids are ceil(input / stride). */
	strides?: readonly number[];
	/** Anchor sizes of each level in pixels; default 4 strides times 1, 2^(1/3), 2^(2/3) (whole pixels for 'torchvision'). */
	sizes?: AnchorGridOptions['sizes'];
	/** Heights over widths. Default [0.5, 1, 2]. */
	ratios?: readonly number[];
	/** What raw box numbers are multiplied by. Default [1, 1, 1, 1]; 0.2 each for 'keras-retinanet'. */
	variances?: readonly number[];
	/** Default 'sigmoid'; 'none' for 'keras-retinanet', whose model applies it. */
	activation?: 'sigmoid' | 'none';
	/** Boxes are clipped to [height, width] pixels before suppression: the image within a padded input. Default as the style, false for none. */
	clip?: readonly [number, number] | false;
	/** Default as the style, false for none; none where levels with different numbers of shapes share one list. */
	maxCandidatesPerLevel?: number | false;
}

const KNOWN = [
	...(['numClasses', 'inputSize', 'style', 'outputs', 'layout', 'strides', 'sizes', 'ratios'] as const),
	...(['variances', 'activation', 'clip', 'maxCandidatesPerLevel'] as const),
];
const STYLES: readonly RetinanetStyle[] = ['torchvision', 'detectron2', 'mmdet', 'keras-retinanet'];

/**
 * The head of RetinaNet: classes [9 * numClasses, y, x] and boxes [36, y, x] for each level, or [anchors, numClasses] and
 * [anchors, 4]. Candidates are anchor and class pairs. Throws a TypeError or RangeError that names the option.
 */
export function retinanet(options: RetinanetOptions): Head {
	const given = readOptions('retinanet', 'options', options, KNOWN) as Partial<RetinanetOptions>;
	const numClasses = checkClasses('retinanet', given.numClasses);
	const inputSize = checkInput('retinanet', given.inputSize);
	const style = checkWord('retinanet', 'style', given.style ?? 'torchvision', STYLES);
	const isKeras = style === 'keras-retinanet';
	const outputs = checkWord('retinanet', 'outputs', given.outputs ?? (isKeras ? 'concatenated' : 'levels'), ['levels', 'concatenated']);
	const activation = checkWord('retinanet', 'activation', given.activation ?? (isKeras ? 'none' : 'sigmoid'), ['sigmoid', 'none']);
	const strides = checkPositive('retinanet', 'strides', given.strides ?? [8, 16, 32, 64, 128]);
	const ratios = checkPositive('retinanet', 'ratios', given.ratios ?? [0.5, 1, 2]);
	const sizes = given.sizes ?? strides.map((s) => [0, 1, 2].map((octave) => octaveSize(s * 4, octave, style)));
	const anchors = anchorGrid({ inputSize, strides, sizes, ratios, style });
	const shapes = sizes.map((size) => (typeof size === 'number' ? 1 : size.length) * ratios.length);
	const kinds: DenseTensor[] = [
		{ field: 'classes', name: 'classes', aliases: ['cls_logits', 'classification', 'scores', 'logits'], channels: numClasses },
		{ field: 'box', name: 'boxes', aliases: ['bbox_regression', 'regression', 'box_deltas'], channels: 4 },
	];
	const dense = denseTensors('retinanet', kinds, { outputs, inputSize, strides, shapes, layout: given.layout ?? 'auto' });
	return {
		name: 'retinanet',
		inputSize,
		numClasses,
		...dense,
		score: { activation },
		codec: codecOf(style, given.variances),
		anchors,
		multiLabel: true,
		...readClip('retinanet', given.clip, style === 'detectron2' ? false : isKeras ? lastPixel(inputSize) : inputSize),
		...(style === 'mmdet' && { minSize: NOT_EMPTY }),
		...readCut('retinanet', given.maxCandidatesPerLevel, isKeras ? false : 1000, dense, strides.length),
	};
}

// torchvision truncates: 32, 40, 50 where the others have 32, 40.32, 50.80
function octaveSize(size: number, octave: number, style: RetinanetStyle): number {
	const exact = size * 2 ** (octave / 3);
	return style === 'torchvision' ? Math.trunc(exact) : exact;
}

function codecOf(style: RetinanetStyle, variances: readonly number[] | undefined): BoxCodec {
	if (style === 'keras-retinanet') return corners({ variances: variances ?? 0.2 });
	return deltas({ variances: variances ?? [1, 1, 1, 1], clamp: style === 'mmdet' ? [-DELTA_CLAMP, DELTA_CLAMP] : DELTA_CLAMP });
}

// [0, 0] would be no area to clip to
function lastPixel([height, width]: readonly [number, number]): readonly [number, number] {
	if (height < 2 || width < 2) refuse(RangeError, 'retinanet', 'inputSize', "must be at least 2 x 2 with style 'keras-retinanet'", [height, width]);
	return [height - 1, width - 1];
}

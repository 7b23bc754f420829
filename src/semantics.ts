// The switches in which implementations of NMS differ, and the libraries as sets of switches: data, so that a port can name
// where it comes from. What a preset says was read in the sources named beside it; where a library leaves a switch open (its
// sort is unstable, say), the preset has the default's choice.

import type { OverlapRule } from './boxes/overlap.js';
import { checkWord, readOptions, refuseUnless } from './checks.js';

/** The switches in which implementations of NMS differ. Thresholds and overlaps are rounded to float32 before they are compared. */
export interface Semantics {
	/** The library whose switches stand where none is given here. Default 'default'. */
	preset?: SemanticsPreset;
	/** A box is suppressed by an overlap above ('>', default) or at and above ('>=') iouThreshold. Pairs that share no area never suppress. */
	suppress?: '>' | '>=';
	/** A candidate passes with a score above ('>', default) or at and above ('>=') scoreThreshold. */
	score?: '>' | '>=';
	/** Which comes first among equal scores. Default 'lowest-index'. */
	ties?: 'lowest-index' | 'highest-index';
	/** 1: legacy inclusive pixels, every width and height (of intersections, too) is one more; boxes must be in pixels then. Default 0. */
	pixelOffset?: 0 | 1;
	/**
	 * What `iouThreshold` is held against: the intersection over the union ('iou', default), over the area of the rectangle around both
	 * boxes ('bounding-union'), or over the smaller area ('iom'). Rotated boxes have the IoU of their polygons ('iou', default) and 'probiou',
	 * the similarity of the Gaussians that fill them.
	 */
	overlap?: 'iou' | 'bounding-union' | 'iom' | 'probiou';
	/** For rotated boxes: 'greedy' (default), or 'fast': a box is suppressed by every better one, kept or not. */
	method?: 'greedy' | 'fast';
	/** Gaussian soft-NMS: what an overlap leaves of a score. 'exp(-iou²/σ)' (default) is the paper's; TensorFlow's 'exp(-iou²/2σ)' wants half its sigma. */
	softSigma?: 'exp(-iou²/σ)' | 'exp(-iou²/2σ)';
	/** Gaussian soft-NMS: 'hard' also removes what overlaps by more than `iouThreshold`, as tfjs does. Default 'none'. */
	softRemoval?: 'none' | 'hard';
}

/** Every switch. */
export type FullSemantics = Readonly<Required<Omit<Semantics, 'preset'>>>;

/** The names of the libraries. */
export type SemanticsPreset =
	| 'default'
	| 'torchvision'
	| 'tensorflow'
	| 'onnx'
	| 'tfjs'
	| 'tensorrt'
	| 'mediapipe'
	| 'ultralytics'
	| 'mtcnn'
	| 'caffe'
	| 'darknet';

const DEFAULT: FullSemantics = {
	suppress: '>',
	score: '>',
	ties: 'lowest-index',
	pixelOffset: 0,
	overlap: 'iou',
	method: 'greedy',
	softSigma: 'exp(-iou²/σ)',
	softRemoval: 'none',
};

const like = (switches: Partial<FullSemantics>): FullSemantics => Object.freeze({ ...DEFAULT, ...switches });

/**
 * The switches of each library. Several are those of the default: the default is what most of them do.
 *
 * - `torchvision`: csrc/ops/cuda/nms_kernel.cu, which compares with a float threshold; the score rule is that of its detection heads.
 *   Its CPU kernel compares the float IoU with a double threshold and therefore also suppresses at an IoU of exactly .1, .3, .4, .6, .8.
 * - `tensorflow`: core/kernels/image/non_max_suppression_op.cc, NonMaxSuppressionV3 to V5. Its soft-NMS halves the exponent of the paper (sigma .25 is
 *   the paper's .5, which is why EfficientDet gives it sigma / 2) and does not look at the IoU threshold.
 * - `onnx`: onnxruntime core/providers/cpu/object_detection/non_max_suppression.cc.
 * - `tfjs`: tfjs-core backends/non_max_suppression_impl.ts suppresses at the threshold, too (`>=`), and does so in soft-NMS as well, whose weight
 *   is that of TensorFlow. It computes in double, kedge in float32.
 * - `tensorrt`: plugin/efficientNMSPlugin/efficientNMSInference.cu, `>=` for both thresholds. Its order of equal scores is not fixed.
 * - `mediapipe`: calculators/util/non_max_suppression_calculator.cc passes scores at the threshold. All published graphs and tasks ask it for
 *   INTERSECTION_OVER_UNION. For a graph that names no overlap_type (JACCARD, the area of the rectangle around both boxes) give
 *   `{ preset: 'mediapipe', overlap: 'bounding-union' }`.
 * - `ultralytics`: utils/nms.py and ops.py, upright boxes (torchvision's nms, or its own, which agree). Rotated boxes: nms_rotated, which
 *   measures probiou, suppresses at the threshold, too, and by every better box (overlap 'probiou', suppress '>=', method 'fast').
 * - `mtcnn`: facenet's align/detect_face.py after the original MATLAB code: inclusive pixels, and the last of an ascending sort, so the highest
 *   index, comes first. The score rule is that of the first network; for the second give `{ preset: 'mtcnn', score: '>' }`, for the third
 *   `{ preset: 'mtcnn', score: '>', overlap: 'iom' }` (mode Min).
 * - `caffe`: ApplyNMSFast of util/bbox_util.cpp as SSD's DetectionOutput calls it, on normalised boxes without an offset. For R-CNN in Caffe
 *   (py-faster-rcnn, lib/nms) give `{ preset: 'caffe', pixelOffset: 1 }`.
 * - `darknet`: do_nms_sort of src/box.c, YOLOv2 and v3. The `greedynms` of YOLOv4's configurations measures a power of DIoU, which kedge does not offer.
 */
export const SEMANTICS_PRESETS: Readonly<Record<SemanticsPreset, FullSemantics>> = Object.freeze({
	default: like({}),
	torchvision: like({}),
	tensorflow: like({ softSigma: 'exp(-iou²/2σ)' }),
	onnx: like({}),
	tfjs: like({ suppress: '>=', softSigma: 'exp(-iou²/2σ)', softRemoval: 'hard' }),
	tensorrt: like({ suppress: '>=', score: '>=' }),
	mediapipe: like({ score: '>=' }),
	ultralytics: like({}),
	mtcnn: like({ score: '>=', ties: 'highest-index', pixelOffset: 1 }),
	caffe: like({}),
	darknet: like({}),
});

/** What a library does otherwise with rotated boxes. */
const ROTATED: Partial<Record<SemanticsPreset, Partial<FullSemantics>>> = {
	ultralytics: { overlap: 'probiou', suppress: '>=', method: 'fast' },
	mtcnn: { pixelOffset: 0 },
};

const NAMES = Object.keys(SEMANTICS_PRESETS) as SemanticsPreset[];
const KEYS = ['preset', 'suppress', 'score', 'ties', 'pixelOffset', 'overlap', 'method', 'softSigma', 'softRemoval'] as const;
const COMPARISONS = ['>', '>='] as const;

/** `semantics`: the name of a preset, or overrides of one, for upright or for rotated boxes. Throws a RangeError for an unknown name, with the nearest known one, and for what such boxes do not have. */
export function checkSemantics(where: string, value: unknown, rotated = false): FullSemantics {
	const presetOf = (name: SemanticsPreset): FullSemantics => ({ ...SEMANTICS_PRESETS[name], ...(rotated && ROTATED[name]) });
	if (value === undefined) return presetOf('default');
	if (typeof value !== 'object' || value === null) return presetOf(checkWord(where, 'semantics', value, NAMES, 'or an object of switches'));
	const read = readOptions(where, 'semantics', value, KEYS);
	const base = presetOf(read.preset === undefined ? 'default' : checkWord(where, 'semantics.preset', read.preset, NAMES));
	const pick = <K extends keyof FullSemantics>(key: K, words: readonly (FullSemantics[K] & string)[], remedy = ''): FullSemantics[K] =>
		read[key] === undefined ? base[key] : checkWord(where, `semantics.${key}`, read[key], words, remedy);
	const { pixelOffset = base.pixelOffset } = read;
	const offsets = rotated ? [0] : [0, 1];
	if (!offsets.includes(pixelOffset as number))
		refuseUnless(
			typeof pixelOffset === 'number',
			where,
			'semantics.pixelOffset',
			`must be ${offsets.join(' or ')}${rotated ? ' for rotated boxes' : ''}`,
			pixelOffset,
		);
	return {
		suppress: pick('suppress', COMPARISONS),
		score: pick('score', COMPARISONS),
		ties: pick('ties', ['lowest-index', 'highest-index']),
		pixelOffset: pixelOffset === 1 ? 1 : 0,
		overlap: pick(
			'overlap',
			rotated ? ['iou', 'probiou'] : ['iou', 'bounding-union', 'iom'],
			rotated ? 'the boxes are rotated' : "'probiou' is for rotated boxes",
		),
		method: pick('method', rotated ? ['greedy', 'fast'] : ['greedy'], "'fast' is for rotated boxes"),
		softSigma: pick('softSigma', ['exp(-iou²/σ)', 'exp(-iou²/2σ)']),
		softRemoval: pick('softRemoval', ['none', 'hard']),
	};
}

/** The part of the switches that suppression measures by. */
export function overlapRuleOf({ overlap, pixelOffset, method }: FullSemantics, rotated = false): OverlapRule {
	if (rotated) return { kind: 'iou', pixelOffset: 0, rotated: overlap === 'probiou' ? 'probiou' : 'iou', fast: method === 'fast' };
	return { kind: overlap === 'probiou' ? 'iou' : overlap, pixelOffset };
}

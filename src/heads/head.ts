// A head, as data: which tensors a model puts out, where in them an anchor's box, classes and objectness stand, how
// numbers become boxes and scores. One description drives the shader variant, its CPU twin and the fast CPU path.
// A new model family is a small file that fills in this record.

import type { BoxCodec } from '../codecs/codec.js';

/** What one axis of a tensor counts. `cell` is y * width + x; `y` and `x` are the same split in two. */
export type Axis = 'anchor' | 'cell' | 'y' | 'x' | 'shape' | 'channel' | 'shape-channel' | 'one';

/** One output tensor and the axis orders it may come in (the batch axis comes first and is not listed). */
export interface TensorSpec {
	/** The name shown in errors and matched against a record of outputs. */
	readonly name: string;
	/** Other names under which exporters emit it. */
	readonly aliases?: readonly string[];
	/** Accepted axis orders, the first is the usual one. Rank is 1 + axes (batch) or the axes alone when batch is 1. */
	readonly layouts: readonly (readonly Axis[])[];
	/** The length of each axis this tensor uses: anchor, y, x, cell, shape, channel. `shape-channel` is shape * channel. */
	readonly sizes: Readonly<Partial<Record<Axis, number>>>;
}

/** Where a group of channels stands: tensor number, first channel; in a list that several levels share, the level's first row. */
export interface Field {
	readonly tensor: number;
	readonly channel: number;
	/** Anchors of the list before this level's. Default 0. */
	readonly row?: number;
}

/** A run of anchors read alike: one concatenated tensor, or one feature map. */
export interface Level {
	readonly firstAnchor: number;
	readonly numAnchors: number;
	/** Grid height and width; [1, numAnchors] when the tensor is a flat list. */
	readonly grid: readonly [number, number];
	/** Anchors per cell. */
	readonly numShapes: number;
	/** How anchors are numbered inside the level: 'yxa' = cell * numShapes + shape, 'ayx' = shape * cells + cell. */
	readonly order: 'yxa' | 'ayx';
	/** Input pixels per cell. */
	readonly stride: number;
	readonly box: Field;
	/** The first class channel; for softmax the first of the whole group, background included. */
	readonly classes: Field;
	readonly objectness?: Field;
	/** Where each anchor's class id stands as a number, when `score.classes` is 'given'. */
	readonly classIds?: Field;
	/** The last two of a codec's four raw numbers, where a model puts them in another tensor than the first two (CenterNet). */
	readonly size?: Field;
	/** The last raw number of a codec with an angle, where it does not follow the others; beside objectness or class ids in the tensor of `box`. */
	readonly angle?: Field;
	/** Anchors that come with the call (a first stage's proposals): four channels, xyxy in input pixels. */
	readonly anchors?: Field;
	/** The first channel of the keypoints, when the head has some. */
	readonly keypoints?: Field;
	/** The first mask coefficient, when the head has some. */
	readonly maskCoefficients?: Field;
}

/** How class channels become a score. */
export interface ScoreSpec {
	/** 'none': already probabilities. 'sigmoid': independent logits. 'softmax': logits over classes and background. */
	readonly activation: 'none' | 'sigmoid' | 'softmax';
	/** Softmax heads: where the background class stands. Class ids never count it. */
	readonly background?: 'first' | 'last' | 'none';
	/**
	 * A second factor of the score: objectness (YOLO), centerness (FCOS). `activation` says whether its channel is a
	 * probability or a logit. 'product' (default): both it and the product must pass the threshold. 'sqrt': the score is
	 * the square root of the product.
	 */
	readonly objectness?: { readonly activation: 'none' | 'sigmoid'; readonly combine?: 'product' | 'sqrt' };
	/**
	 * 'channels' (default): a channel per class. 'given': one score, and the class id as a number in another channel
	 * (end-to-end exports). 'level': one score, and the class id is the number of the level (RPN: levels never suppress each other).
	 */
	readonly classes?: 'channels' | 'given' | 'level';
	/** Only cells that no neighbour of the same class exceeds are candidates: the 3 x 3 max-pooling of CenterNet. */
	readonly peaks?: boolean;
}

/**
 * Keypoints of an anchor: `count` points of `dims` channels each, x, y and perhaps a score. x = origin + (raw * scale +
 * shift) * unit, where origin and unit are the anchor's point and stride, its centre and size, or its corner and size, by
 * the codec's anchor format; without `relative` x = raw * unitX.
 */
export interface KeypointSpec {
	readonly count: number;
	readonly dims: 2 | 3;
	/** 'points' (default): x, y, x, y, ... 'axes': every x, then every y. */
	readonly order?: 'points' | 'axes';
	readonly relative: boolean;
	/** Relative to xyxy anchors of inclusive pixels (MTCNN): origin one less, size one more. Default false. */
	readonly inclusive?: boolean;
	/** Default 1. */
	readonly scale?: number;
	/** Default 0. */
	readonly shift?: number;
	/** Pixels per unit of x and y where points are not relative. Default [1, 1]. */
	readonly unit?: readonly [number, number];
	/** How the third channel becomes a score. Default 'none'. */
	readonly activation?: 'none' | 'sigmoid';
}

/** The description of a model's outputs. Made by `yolov8`, `yolov5`, `ssd`, `retinanet`, or `defineHead`. */
export interface Head {
	readonly name: string;
	/** Network input in pixels: [height, width]. */
	readonly inputSize: readonly [number, number];
	/** Object classes, background not counted. */
	readonly numClasses: number;
	/** Anchors (or points) of all levels. */
	readonly numAnchors: number;
	readonly tensors: readonly TensorSpec[];
	readonly levels: readonly Level[];
	readonly score: ScoreSpec;
	readonly codec: BoxCodec;
	/** [numAnchors, 4] rows in `codec.anchors` format; undefined for codecs that need none, and where anchors come with the call. */
	readonly anchors?: Float32Array;
	/** Candidates are anchor x class pairs unless the caller says otherwise. */
	readonly multiLabel?: boolean;
	/** False for end-to-end heads whose rows are final: kedge then filters and sorts only. Default true. */
	readonly suppression?: boolean;
	/** Channels from one class's box to the next one's, when each class has its own box (Fast R-CNN: 4). Default 0. */
	readonly boxStep?: number;
	/** Decoded boxes are clipped to [0, height] and [0, width] before suppression. */
	readonly clip?: readonly [number, number];
	/** Boxes with a side below this many pixels are not kept; they count in `maxCandidatesPerLevel` and `maxCandidates`. */
	readonly minSize?: number;
	/** The best so many candidates of each level go on to suppression. */
	readonly maxCandidatesPerLevel?: number;
	/** True when a call may bring fewer anchors than `numAnchors` (proposals, end-to-end rows). */
	readonly variableAnchors?: boolean;
	readonly keypoints?: KeypointSpec;
	/** Mask coefficients per anchor. */
	readonly maskCoefficients?: number;
}

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

/** Where a group of channels stands: tensor number, first channel. */
export interface Field {
	readonly tensor: number;
	readonly channel: number;
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
}

/** How class channels become a score. */
export interface ScoreSpec {
	/** 'none': already probabilities. 'sigmoid': independent logits. 'softmax': logits over classes and background. */
	readonly activation: 'none' | 'sigmoid' | 'softmax';
	/** Softmax heads: where the background class stands. Class ids never count it. */
	readonly background?: 'first' | 'last' | 'none';
	/**
	 * Objectness times class (YOLOv5). An anchor passes when its objectness and the product both pass the threshold;
	 * `activation` says whether the objectness channel is a probability or a logit.
	 */
	readonly objectness?: { readonly activation: 'none' | 'sigmoid' };
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
	/** [numAnchors, 4] rows in `codec.anchors` format; undefined for codecs that need none. */
	readonly anchors?: Float32Array;
	/** Candidates are anchor x class pairs unless the caller says otherwise. */
	readonly multiLabel?: boolean;
	/** False for end-to-end heads whose rows are final: kedge then filters and sorts only. Default true. */
	readonly suppression?: boolean;
}

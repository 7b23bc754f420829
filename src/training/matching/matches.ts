// What a matcher answers: for each anchor whether it is a positive, a negative or ignored and for which ground truth, and
// for each ground truth what became of it.

import type { CellOrder } from './cells.js';

/** Why no anchor answers for a ground truth. */
export type LostReason =
	/** A side that is zero or negative. */
	| 'empty'
	/** A coordinate that is not finite, or 2^62 and more. */
	| 'not-finite'
	/** No anchor reaches what is asked of its best one. */
	| 'below-minimum'
	/** Every anchor that it would have had answers for another ground truth. */
	| 'taken'
	/** No level, cell or point is meant for a box of this size or place. */
	| 'out-of-range'
	/** It is a crowd: a region to be ignored, not an object. */
	| 'crowd'
	/** Its best anchor is ignored, for it lies outside of the image. */
	| 'ignored';

/** What became of one ground truth. */
export interface GroundTruthFate {
	/** Anchors that answer for it. */
	readonly numAnchors: number;
	/** The anchor with the highest overlap (or score, or least cost, by the rule), and that number; -1 and 0 where none overlaps. */
	readonly bestAnchor: number;
	readonly best: number;
	/** Undefined when an anchor answers for it. */
	readonly lost?: LostReason;
}

/** The answer of a matcher over A anchors (or points, or cells) and G ground truths. */
export interface Matches {
	/** [A] 1: positive, 0: negative, -1: ignored. */
	readonly labels: Int32Array;
	/** [A] the ground truth that a positive anchor answers for; -1 for all others. */
	readonly matches: Int32Array;
	/** [A] the highest IoU of the anchor with any ground truth, 0 where there is none. */
	readonly maxIou: Float32Array;
	readonly numPositives: number;
	readonly numIgnored: number;
	/** [G] */
	readonly groundTruths: readonly GroundTruthFate[];
	/** How anchors are numbered inside a level, of the rules that are told; `yoloTargets` and `yolov5Targets` go by it. */
	readonly order?: CellOrder;
	/** Where a rule lets one anchor answer for several ground truths (YOLOv5): every pair, in the order the rule finds them. `matches` has the last. */
	readonly pairs?: { readonly anchors: Uint32Array; readonly groundTruths: Uint32Array };
}

// What an explanation is made of, and the helpers that all explanations share.

import { boxIou } from 'kedge';
import type { Matches } from 'kedge/training';
import type { AnchorSet } from './anchor-sets.js';
import type { Rule, Thresholds } from './rules.js';

/** The number that speaks for one object. */
export interface Measure {
	readonly truth: number;
	/** 0 to 1, the length of its bar. */
	readonly value: number;
	readonly text: string;
}

/** One sentence of the way to a label. */
export interface Step {
	readonly text: string;
	readonly decided: boolean;
}

/** How an anchor came by its label. */
export interface Explanation {
	/** What the measures are. */
	readonly measure: string;
	readonly measures: readonly Measure[];
	/** Thresholds drawn across the measures, 0 to 1. */
	readonly marks: readonly number[];
	readonly steps: readonly Step[];
}

/** What is to be explained. */
export interface Question {
	readonly set: AnchorSet;
	/** [G, 4] xyxy. */
	readonly boxes: Float32Array;
	/** [G] what the objects are called. */
	readonly names: readonly string[];
	readonly rule: Rule;
	readonly thresholds: Thresholds;
	readonly matches: Matches;
	readonly anchor: number;
}

/** A number as the page shows it. */
export const two = (v: number) => v.toFixed(2);

/** The first of the largest. */
export function largest(values: ArrayLike<number>): number {
	let best = 0;
	for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
	return best;
}

/** IoUs of the anchor with every object. */
export function overlapsOf({ set, boxes, anchor }: Question): Float32Array {
	return boxIou(set.boxes.slice(4 * anchor, 4 * anchor + 4), boxes);
}

/** Bars of IoUs. */
export function iouMeasures(ious: Float32Array): Measure[] {
	return Array.from(ious, (value, truth) => ({ truth, value, text: two(value) }));
}

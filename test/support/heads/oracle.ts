// How every head is judged: random raw tensors, a plain float64 decoder written from the papers' and projects' formulas
// (never from src), and a plain greedy suppression; detections must agree but for what lies within a margin of a
// threshold. A family lists its cases in a file beside this one.

import type { Head } from '../../../src/heads/head.js';
import type { PostprocessorOptions } from '../../../src/options.js';
import type { TensorLike } from '../../../src/tensors.js';
import { random } from '../random.js';

/** A candidate by the independent decoder, in float64. */
export interface OracleCandidate {
	/** Number among the head's anchors. */
	anchor: number;
	classId: number;
	score: number;
	/** xyxy, input pixels; before it is turned when there is an angle. */
	box: readonly [number, number, number, number];
	/** Radians, clockwise on the screen. */
	angle?: number;
	/** x, y(, score) of every point, input pixels. */
	keypoints?: readonly number[];
	maskCoefficients?: readonly number[];
	/** Of the level or class that suppresses it; default classId. */
	group?: number;
}

/** One head under test. */
export interface HeadCase {
	name: string;
	head: Head;
	/** Dims (with the batch axis) of each tensor, in the head's order. */
	dims: readonly (readonly number[])[];
	/** One number of tensor `t`. Default: uniform in [-4, 4]. */
	number?: (next: () => number, t: number, i: number) => number;
	/** Every candidate of one image, whatever its score (those of NaN left out); tensors flat, in the order of `dims`. */
	decode: (tensors: readonly Float32Array[]) => OracleCandidate[];
	/** Thresholds and the like. scoreThreshold should let a few dozen to a few hundred pass. */
	options?: Omit<PostprocessorOptions, 'head' | 'backend' | 'device' | 'gpu'>;
	/** Suppression is checked by the decoder's own IoU unless false (rotated boxes, other measures). Default true. */
	suppression?: boolean;
}

/** Random tensors of a case: flat arrays and what `run` takes. */
export function tensorsOf({ dims, number = (next) => next() * 8 - 4 }: HeadCase, seed: number): { arrays: Float32Array[]; outputs: TensorLike[] } {
	const next = random(seed);
	const arrays = dims.map((d, t) => Float32Array.from({ length: d.reduce((a, b) => a * b, 1) }, (_, i) => number(next, t, i)));
	return { arrays, outputs: arrays.map((data, t) => ({ data, dims: dims[t] })) };
}

/** Intersection over union in float64; 0 where a box is empty. */
export function iouOf(a: readonly number[], b: readonly number[]): number {
	const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
	const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
	if (!(w > 0 && h > 0)) return 0;
	const areaOf = (box: readonly number[]) => (box[2] - box[0]) * (box[3] - box[1]);
	return (w * h) / (areaOf(a) + areaOf(b) - w * h);
}

/** Candidates above the threshold, best first; `close` tells that a score or an order was within the margin. */
export function passing(all: readonly OracleCandidate[], scoreThreshold: number, margin = 1e-4): { list: OracleCandidate[]; close: boolean } {
	const close = all.some(({ score }) => Math.abs(score - scoreThreshold) < margin);
	const list = all.filter(({ score }) => score > scoreThreshold).sort((a, b) => b.score - a.score || a.anchor - b.anchor || a.classId - b.classId);
	return { list, close };
}

/** Greedy suppression in float64; `close` when an overlap was within the margin, or the order of two that overlap was. */
export function greedy(
	list: readonly OracleCandidate[],
	iouThreshold: number,
	classAgnostic = false,
	margin = 1e-4,
): { kept: OracleCandidate[]; close: boolean } {
	const kept: OracleCandidate[] = [];
	let close = false;
	for (const candidate of list) {
		const groupOf = (c: OracleCandidate) => c.group ?? c.classId;
		const same = kept.filter((k) => classAgnostic || groupOf(k) === groupOf(candidate));
		const overlaps = same.map((k) => iouOf(k.box, candidate.box));
		overlaps.forEach((iou, i) => {
			if (Math.abs(iou - iouThreshold) < margin) close = true;
			if (iou > iouThreshold && Math.abs(same[i].score - candidate.score) < 1e-6) close = true;
		});
		if (!overlaps.some((iou) => iou > iouThreshold)) kept.push(candidate);
	}
	return { kept, close };
}

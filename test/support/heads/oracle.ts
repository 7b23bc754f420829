// How every head is judged: random raw tensors, a plain float64 decoder written from the papers' and projects' formulas
// (never from src), and a plain greedy suppression; detections must agree but for what lies within a margin of a
// threshold. A family lists its cases in a file beside this one.

import type { Head } from '../../../src/heads/head.js';
import type { PostprocessorOptions } from '../../../src/options.js';
import type { TensorLike } from '../../../src/tensors.js';
import { random } from '../random.js';
import { polygonIou, probiouOf, type Rotated } from '../rotated-overlap.js';

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
	/** Suppression is checked by the decoder's own IoU, of polygons where there are angles, unless false (other measures). Default true. */
	suppression?: boolean;
	/** How it suppresses: as the textbook (default), or as ultralytics rotated boxes: by probiou at and above the threshold, and by every better box. */
	suppressedAs?: 'textbook' | 'ultralytics-rotated';
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

const rotatedOf = ({ box: [x1, y1, x2, y2], angle = 0 }: OracleCandidate): Rotated => [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, angle];

/** The overlap of two candidates in float64. */
function overlapOf(a: OracleCandidate, b: OracleCandidate, rule: HeadCase['suppressedAs']): number {
	if (rule === 'ultralytics-rotated') return probiouOf(rotatedOf(a), rotatedOf(b));
	return a.angle === undefined ? iouOf(a.box, b.box) : polygonIou(rotatedOf(a), rotatedOf(b));
}

/** Suppression in float64; `close` when an overlap was within the margin, or the order of two that overlap was. */
export function suppressed(
	list: readonly OracleCandidate[],
	iouThreshold: number,
	{ classAgnostic = false, rule = 'textbook' as HeadCase['suppressedAs'], margin = 1e-4 } = {},
): { kept: OracleCandidate[]; close: boolean } {
	const kept: OracleCandidate[] = [];
	let close = false;
	list.forEach((candidate, rank) => {
		const groupOf = (c: OracleCandidate) => c.group ?? c.classId;
		const better = rule === 'ultralytics-rotated' ? list.slice(0, rank) : kept;
		const same = better.filter((k) => classAgnostic || groupOf(k) === groupOf(candidate));
		const overlaps = same.map((k) => overlapOf(k, candidate, rule));
		overlaps.forEach((overlap, i) => {
			if (Math.abs(overlap - iouThreshold) < margin) close = true;
			if (overlap > iouThreshold && Math.abs(same[i].score - candidate.score) < 1e-6) close = true;
		});
		if (!overlaps.some((overlap) => overlap > iouThreshold)) kept.push(candidate);
	});
	return { kept, close };
}

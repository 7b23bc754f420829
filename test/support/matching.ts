// The matchers of the frameworks as plain loops over a whole matrix [G][A] of overlaps: what the fast paths are held against.
// Each follows the named source in its own order of steps; nothing here is shared with the library but boxIou, which has its own tests.

import { boxIou } from '../../src/index.js';
import type { Matches } from '../../src/training.js';
import { type BoxSet, random, randomBoxes } from './random.js';

export type Matrix = readonly (readonly number[])[];

/** Overlaps of every ground truth with every anchor; 0 where one of them is not finite. */
export function matrixOf(anchors: Float32Array, groundTruths: Float32Array): number[][] {
	const flat = boxIou(groundTruths, anchors);
	const numAnchors = anchors.length / 4;
	return Array.from({ length: groundTruths.length / 4 }, (_, g) => Array.from(flat.subarray(g * numAnchors, (g + 1) * numAnchors), (x) => x || 0));
}

/** The highest value of a list, and where it is first. */
export function largest(values: readonly number[]): { value: number; index: number } {
	const value = Math.max(...values);
	return { value, index: values.indexOf(value) };
}

const columns = (matrix: Matrix, numAnchors: number) => Array.from({ length: numAnchors }, (_, a) => largest(matrix.map((row) => row[a])));
const rows = (matrix: Matrix) =>
	matrix.map((row) => row.reduce((best, value, index) => (value > best.value ? { value, index } : best), { value: -Infinity, index: -1 }));
const round = Math.fround;

/** Matcher of torchvision: an index, -1 below, -2 between. Without `zeroToo` a ground truth that overlaps nothing restores nothing. */
export function torchvision(matrix: Matrix, numAnchors: number, high: number, low: number): number[] {
	const best = columns(matrix, numAnchors);
	const highest = rows(matrix);
	const found = best.map(({ value, index }) => (value < round(low) ? -1 : value < round(high) ? -2 : index));
	for (let g = 0; g < matrix.length; g++) {
		for (let a = 0; a < numAnchors; a++) if (matrix[g][a] === highest[g].value) found[a] = best[a].index;
	}
	return found;
}

/** SSDMatcher of torchvision. */
export function ssdMatcher(matrix: Matrix, numAnchors: number, threshold: number): number[] {
	const found = columns(matrix, numAnchors).map(({ value, index }) => (value < round(threshold) ? -1 : index));
	for (const [g, { index }] of rows(matrix).entries()) found[index] = g;
	return found;
}

/** MaxIoUAssigner of mmdet: index + 1, 0 negative, -1 ignored. */
export function mmdet(matrix: Matrix, numAnchors: number, positive: number, negative: number, minimum: number, all: boolean): number[] {
	const assigned = Array<number>(numAnchors).fill(-1);
	columns(matrix, numAnchors).forEach(({ value, index }, a) => {
		if (value >= 0 && value < round(negative)) assigned[a] = 0;
		if (value >= round(positive)) assigned[a] = index + 1;
	});
	rows(matrix).forEach(({ value, index }, g) => {
		if (value < round(minimum)) return;
		if (!all) assigned[index] = g + 1;
		else for (let a = 0; a < numAnchors; a++) if (matrix[g][a] === value) assigned[a] = g + 1;
	});
	return assigned;
}

/** ArgMaxMatcher with force_match_for_each_row of the TensorFlow detection API (EfficientDet): an index or -1. */
export function argMaxMatcher(matrix: Matrix, numAnchors: number, threshold: number): number[] {
	const found = columns(matrix, numAnchors).map(({ value, index }) => (value < round(threshold) ? -1 : index));
	const forces = rows(matrix);
	return found.map((index, a) => {
		const first = forces.findIndex((row) => row.index === a);
		return first < 0 ? index : first;
	});
}

/** MatchBBox of Caffe's SSD: an index or -1. */
export function caffe(matrix: Matrix, numAnchors: number, threshold: number): number[] {
	const found = Array<number>(numAnchors).fill(-1);
	const pool = new Set(matrix.keys());
	while (pool.size) {
		let best = { value: -1, a: -1, g: -1 };
		for (let a = 0; a < numAnchors; a++) {
			if (found[a] !== -1) continue;
			for (const g of pool) if (matrix[g][a] > 1e-6 && matrix[g][a] > best.value) best = { value: matrix[g][a], a, g };
		}
		if (best.a < 0) break;
		found[best.a] = best.g;
		pool.delete(best.g);
	}
	columns(matrix, numAnchors).forEach(({ value, index }, a) => {
		if (found[a] === -1 && value > 1e-6 && value >= round(threshold)) found[a] = index;
	});
	return found;
}

/** assign_anchor_to_bbox of Dive into Deep Learning: an index or -1; a ground truth without overlap takes the first free anchor. */
export function d2l(matrix: Matrix, numAnchors: number, threshold: number): number[] {
	const found = columns(matrix, numAnchors).map(({ value, index }) => (value >= round(threshold) ? index : -1));
	const left = matrix.map((row) => [...row]);
	for (let n = 0; n < Math.min(matrix.length, numAnchors); n++) {
		let best = { value: -Infinity, a: -1, g: -1 };
		for (let a = 0; a < numAnchors; a++) {
			for (let g = 0; g < left.length; g++) if (left[g][a] > best.value) best = { value: left[g][a], a, g };
		}
		found[best.a] = best.g;
		left[best.g].fill(-1);
		for (const row of left) row[best.a] = -1;
	}
	return found;
}

/** The answer in one list: an index, -1 negative, -2 ignored. */
export function listOf({ labels, matches }: Pick<Matches, 'labels' | 'matches'>): number[] {
	return Array.from(labels, (label, a) => (label === 1 ? matches[a] : label === 0 ? -1 : -2));
}

/** Anchors of every kind, and ground truths of which some are anchors, moved or not. */
export function scene(set: BoxSet, numAnchors: number, numGroundTruths: number, seed: number): { anchors: Float32Array; groundTruths: Float32Array } {
	const next = random(seed);
	const anchors = randomBoxes(numAnchors, set, next);
	const groundTruths = randomBoxes(numGroundTruths, set, next);
	for (let g = 0; g < numGroundTruths && numAnchors; g += 3) {
		const from = Math.floor(next() * numAnchors);
		const shift = g % 2 ? 0 : 1;
		for (let c = 0; c < 4; c++) groundTruths[4 * g + c] = anchors[4 * from + c] + shift;
	}
	return { anchors, groundTruths };
}

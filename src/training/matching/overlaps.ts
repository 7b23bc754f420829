// How much A anchors overlap G ground truths, as far as matching needs it: the best ground truth of every anchor, the best
// anchor of every ground truth, and the ties. The matrix of all pairs is never stored. The IoU of a pair has the bits of
// boxes/iou.ts. Twin: shaders/training/overlaps.wgsl.ts.
//
// Few pairs touch. Ground truths are bits of a mask, and for every bin of an axis there is the mask of those that begin
// before the bin's end (or end after its start): four masks, and-ed, leave the ground truths that an anchor can touch.

import { areaOf } from '../../boxes/overlap.js';
import { MIN_NORMAL } from '../../numbers.js';
import { areasOf, iouOfPair } from './pair-iou.js';

const round = Math.fround;

/** What matching needs of the overlaps. Where several are equal the lowest index counts. */
export interface Overlaps {
	/** [A] the highest overlap of the anchor with any ground truth, 0 where there are none. */
	readonly maxIou: Float32Array;
	/** [A] the first ground truth with that overlap; -1 where there are none. */
	readonly argmax: Int32Array;
	/** [G] the highest overlap of the ground truth with any anchor, 0 where there are none. */
	readonly best: Float32Array;
	/** [G] the first anchor with that overlap, which may be 0; -1 where there are no anchors. */
	readonly bestAnchor: Int32Array;
	/** [A] a ground truth whose `best` this anchor has, the first or last of several; -1 where there is none. When it was asked for. */
	readonly tied?: Int32Array;
	/** The overlap of anchor a with ground truth g. */
	readonly at: (a: number, g: number) => number;
}

/** Which ties are wanted: of ground truths whose `best` is at least `minimum`; of several the first or last. */
export interface TiesWanted {
	readonly keep: 'first' | 'last';
	readonly minimum: number;
}

/** The IoU of any pair, as the rules ask for it now and then. */
export function pairsOf(anchors: Float32Array, groundTruths: Float32Array): Overlaps['at'] {
	const areas = areasOf(groundTruths);
	return (a, g) => iouOfPair(anchors, a, areaOf(anchors[4 * a], anchors[4 * a + 1], anchors[4 * a + 2], anchors[4 * a + 3]), groundTruths, g, areas[g]);
}

/** Bins of an axis at most, and words of the masks of one side of an axis: together they stay in the nearest cache. */
const MOST_BINS = 256;
const MASK_WORDS = 2 ** 16;
/** A quotient below (1 - this) times a bound is below the bound after rounding, too. */
const MARGIN = 1 - 2 ** -20;

/** The masks of one axis. */
interface Axis {
	readonly low: number;
	readonly scale: number;
	readonly lastBin: number;
	/** [bins, words] ground truths that begin in this bin or before, and that end in it or after. */
	readonly begun: Int32Array;
	readonly unfinished: Int32Array;
}

/** The masks of x (side 0) or y (side 1). A bin's number never falls as the coordinate grows, so no pair that touches is lost. */
function axisOf(boxes: Float32Array, side: 0 | 1): Axis {
	const count = boxes.length / 4;
	const words = Math.ceil(count / 32);
	const lastBin = Math.max(1, Math.min(MOST_BINS, Math.floor(MASK_WORDS / words))) - 1;
	let low = Infinity;
	let high = -Infinity;
	for (let q = side; q < boxes.length; q += 4) {
		low = Math.min(low, boxes[q]);
		high = Math.max(high, boxes[q + 2]);
	}
	const scale = (lastBin + 1) / (high - low);
	const begun = new Int32Array((lastBin + 1) * words);
	const unfinished = begun.slice();
	for (let g = 0; g < count; g++) {
		begun[binOf(boxes[4 * g + side], low, scale, lastBin) * words + (g >> 5)] |= 1 << (g & 31);
		unfinished[binOf(boxes[4 * g + side + 2], low, scale, lastBin) * words + (g >> 5)] |= 1 << (g & 31);
	}
	for (let i = words; i < begun.length; i++) begun[i] |= begun[i - words];
	for (let i = begun.length - words - 1; i >= 0; i--) unfinished[i] |= unfinished[i + words];
	return { low, scale, lastBin, begun, unfinished };
}

function binOf(x: number, low: number, scale: number, lastBin: number): number {
	const bin = (x - low) * scale;
	return bin > 0 ? (bin < lastBin ? bin | 0 : lastBin) : 0;
}

/** On the CPU. Anchors [A, 4] and ground truths [G, 4]: xyxy, usable and flushed; an anchor may be empty, a ground truth may not. */
export function overlapsOf(anchors: Float32Array, groundTruths: Float32Array, ties?: TiesWanted): Overlaps {
	const numAnchors = anchors.length / 4;
	const numGroundTruths = groundTruths.length / 4;
	const at = pairsOf(anchors, groundTruths);
	const maxIou = new Float32Array(numAnchors);
	const argmax = new Int32Array(numAnchors).fill(numGroundTruths ? 0 : -1);
	const best = new Float32Array(numGroundTruths);
	const bestAnchor = new Int32Array(numGroundTruths).fill(numAnchors ? 0 : -1);
	const lastBest = new Int32Array(numGroundTruths).fill(numAnchors - 1);
	if (numAnchors && numGroundTruths) fill(anchors, groundTruths, { maxIou, argmax, best, bestAnchor, lastBest });
	const found = { maxIou, argmax, best, bestAnchor, at };
	return ties ? { ...found, tied: tiedAnchors(found, lastBest, ties) } : found;
}

/** The arrays of `Overlaps`, and [G] the last anchor with the best overlap. */
interface Extremes extends Pick<Overlaps, 'maxIou' | 'argmax' | 'best' | 'bestAnchor'> {
	readonly lastBest: Int32Array;
}

function fill(anchors: Float32Array, boxes: Float32Array, { maxIou, argmax, best, bestAnchor, lastBest }: Extremes): void {
	const { low: lowX, scale: scaleX, lastBin: lastX, begun: begunX, unfinished: unfinishedX } = axisOf(boxes, 0);
	const { low: lowY, scale: scaleY, lastBin: lastY, begun: begunY, unfinished: unfinishedY } = axisOf(boxes, 1);
	const words = Math.ceil(best.length / 32);
	const areas = areasOf(boxes);
	for (let a = 0; a < maxIou.length; a++) {
		const x1 = anchors[4 * a];
		const y1 = anchors[4 * a + 1];
		const x2 = anchors[4 * a + 2];
		const y2 = anchors[4 * a + 3];
		const area = areaOf(x1, y1, x2, y2);
		if (area === 0) continue;
		const left = binOf(x1, lowX, scaleX, lastX) * words;
		const right = binOf(x2, lowX, scaleX, lastX) * words;
		const top = binOf(y1, lowY, scaleY, lastY) * words;
		const bottom = binOf(y2, lowY, scaleY, lastY) * words;
		let most = 0;
		let whose = 0;
		for (let word = 0; word < words; word++) {
			let touched = begunX[right + word] & unfinishedX[left + word] & begunY[bottom + word] & unfinishedY[top + word];
			while (touched !== 0) {
				const g = (word << 5) + 31 - Math.clz32(touched & -touched);
				touched &= touched - 1;
				const gx1 = boxes[4 * g];
				const gy1 = boxes[4 * g + 1];
				const gx2 = boxes[4 * g + 2];
				const gy2 = boxes[4 * g + 3];
				const width = round((x2 < gx2 ? x2 : gx2) - (x1 > gx1 ? x1 : gx1));
				const height = round((y2 < gy2 ? y2 : gy2) - (y1 > gy1 ? y1 : gy1));
				if (!(width >= MIN_NORMAL && height >= MIN_NORMAL)) continue;
				const intersection = round(width * height);
				if (!(intersection >= MIN_NORMAL)) continue;
				const union = round(round(area + areas[g]) - intersection);
				// no division where neither the anchor nor the ground truth can gain by it
				const bound = most < best[g] ? most : best[g];
				if (intersection < union * bound * MARGIN) continue;
				const quotient = intersection / union;
				const iou = quotient < MIN_NORMAL ? 0 : round(quotient);
				if (iou > most) {
					most = iou;
					whose = g;
				}
				if (iou < best[g] || iou === 0) continue;
				if (iou > best[g]) {
					best[g] = iou;
					bestAnchor[g] = a;
				}
				lastBest[g] = a;
			}
		}
		maxIou[a] = most;
		argmax[a] = whose;
	}
}

/** [A] the ground truth whose best overlap an anchor has, as `ties` say; -1 where there is none. */
export function tiedAnchors(
	{ maxIou, best, bestAnchor, at }: Pick<Overlaps, 'maxIou' | 'best' | 'bestAnchor' | 'at'>,
	lastBest: Int32Array,
	{ keep, minimum }: TiesWanted,
): Int32Array {
	const tied = new Int32Array(maxIou.length).fill(-1);
	if (maxIou.length === 0) return tied;
	for (let i = 0; i < best.length; i++) {
		// what is written last stays
		const g = keep === 'last' ? i : best.length - 1 - i;
		if (!(best[g] >= minimum)) continue;
		tied[bestAnchor[g]] = g;
		for (let a = bestAnchor[g] + 1; a <= lastBest[g]; a++) {
			if (maxIou[a] >= best[g] && at(a, g) === best[g]) tied[a] = g;
		}
	}
	return tied;
}

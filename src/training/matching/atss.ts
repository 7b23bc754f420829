// Adaptive training sample selection (Zhang et al. 2020) as mmdet has it: of every level the anchors whose centres are nearest
// to a ground truth's are candidates; those that overlap it by at least mean + standard deviation of the candidates' IoUs, and
// have their centre in it, answer for it.

import { checkInteger, checkNumber, readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { answerOf, type Found } from './answer.js';
import type { LostReason, Matches } from './matches.js';
import { type Overlaps, overlapsOf } from './overlaps.js';
import { ABSENT, IGNORE_KEYS, type IgnoreOptions, prepare } from './prepare.js';

const round = Math.fround;

/** Options of `matchAtss`. */
export interface AtssOptions extends IgnoreOptions {
	/** Anchors of every level, in the order of the anchors; their sum is A. */
	readonly levels: readonly number[];
	/** Candidates of a level for a ground truth; fewer where the level has fewer. Default 9. */
	readonly topk?: number;
	/** An anchor's centre must be farther than this inside every side of its ground truth, in the unit of the boxes. Default 0.01. */
	readonly margin?: number;
}

/**
 * Matches A anchors and G ground truths by ATSS: all others are negatives. Distances of centres and IoUs are float32, and of equal ones the
 * lowest anchor counts; mean and standard deviation (of a sample, over n - 1, as PyTorch's; 0 for a single candidate) are those of the
 * candidates of all levels, rounded to float32. An anchor of several ground truths answers for the one it overlaps most, of equal ones the first.
 * Throws a RangeError unless `levels` add up to A. Source: Zhang et al. 2020 and mmdet's ATSSAssigner.
 */
export function matchAtss(anchors: BoxesLike, groundTruths: BoxesLike, options: AtssOptions): Matches {
	const where = 'matchAtss';
	const read = readOptions(where, 'options', options, ['levels', 'topk', 'margin', ...IGNORE_KEYS]);
	const topk = checkInteger(where, 'topk', read.topk ?? 9, 1, 2 ** 20);
	const margin = round(checkNumber(where, 'margin', read.margin ?? 0.01));
	const prepared = prepare(where, anchors, groundTruths, read, { rule: 'border', when: 'before' });
	const levels = checkLevels(where, read.levels, prepared.ignored.length);
	const overlaps = overlapsOf(prepared.anchors, prepared.groundTruths);
	const centers = centersOf(prepared.anchors);
	const found: Found = { labels: new Int32Array(prepared.ignored.length), matches: new Int32Array(prepared.ignored.length).fill(-1) };
	const reasons: (LostReason | undefined)[] = [];
	for (let g = 0; g < overlaps.best.length; g++) {
		const box = prepared.groundTruths.subarray(4 * g, 4 * g + 4);
		const candidates = nearestOfLevels(centers, prepared.ignored, box, levels, topk);
		reasons[g] = choose(found, overlaps, g, candidates, (a) => isInside(centers, a, box, margin));
	}
	return answerOf(found, overlaps, prepared, (_, g) => reasons[g]);
}

function checkLevels(where: string, value: unknown, numAnchors: number): readonly number[] {
	if (!Array.isArray(value)) refuse(TypeError, where, 'levels', 'must be an array of numbers of anchors, one per level', value);
	const levels = value.map((count, i) => checkInteger(where, `levels[${i}]`, count, 0, 2 ** 31 - 1));
	const sum = levels.reduce((a, b) => a + b, 0);
	if (sum !== numAnchors) refuse(RangeError, where, 'levels', `must add up to the number of anchors, ${numAnchors}`, sum);
	return levels;
}

/** [A, 2] */
function centersOf(boxes: Float32Array): Float32Array {
	const centers = new Float32Array(boxes.length / 2);
	for (let p = 0, c = 0; p < boxes.length; p += 4, c += 2) {
		centers[c] = round(boxes[p] + boxes[p + 2]) * 0.5;
		centers[c + 1] = round(boxes[p + 1] + boxes[p + 3]) * 0.5;
	}
	return centers;
}

/** The `topk` anchors of every level whose centres are nearest to the box's, level by level. */
function nearestOfLevels(centers: Float32Array, ignored: Uint8Array, box: Float32Array, levels: readonly number[], topk: number): number[] {
	const [x, y] = centersOf(box);
	const candidates: number[] = [];
	let first = 0;
	for (const count of levels) {
		const near: number[] = [];
		const distances: number[] = [];
		let farthest = Infinity;
		for (let a = first; a < first + count; a++) {
			const dx = round(centers[2 * a] - x);
			const dy = round(centers[2 * a + 1] - y);
			const distance = round(round(dx * dx) + round(dy * dy));
			if (!(distance < farthest) || ignored[a] === ABSENT) continue;
			let place = near.length;
			while (place > 0 && distances[place - 1] > distance) place--;
			near.splice(place, 0, a);
			distances.splice(place, 0, distance);
			if (near.length > topk) {
				near.pop();
				distances.pop();
			}
			if (near.length === topk) farthest = distances[topk - 1];
		}
		candidates.push(...near);
		first += count;
	}
	return candidates;
}

/** Gives a ground truth the candidates that pass, unless another has them that they overlap as much. The reason when none passes. */
function choose({ labels, matches }: Found, { at }: Overlaps, g: number, candidates: readonly number[], isIn: (a: number) => boolean): LostReason | undefined {
	const overlaps = candidates.map((a) => at(a, g));
	const mean = overlaps.reduce((sum, iou) => sum + iou, 0) / overlaps.length;
	const squares = overlaps.reduce((sum, iou) => sum + (iou - mean) ** 2, 0);
	const deviation = overlaps.length > 1 ? Math.sqrt(squares / (overlaps.length - 1)) : 0;
	const threshold = round(round(mean) + round(deviation));
	let why: LostReason | undefined = 'below-minimum';
	candidates.forEach((a, i) => {
		if (!(overlaps[i] >= threshold)) return;
		if (!isIn(a)) {
			why &&= 'out-of-range';
			return;
		}
		why = undefined;
		if (labels[a] === 1 && at(a, matches[a]) >= overlaps[i]) return;
		labels[a] = 1;
		matches[a] = g;
	});
	return why;
}

/** Whether an anchor's centre is farther than `margin` inside every side of the box. */
function isInside(centers: Float32Array, a: number, box: Float32Array, margin: number): boolean {
	const x = centers[2 * a];
	const y = centers[2 * a + 1];
	return Math.min(round(x - box[0]), round(y - box[1]), round(box[2] - x), round(box[3] - y)) > margin;
}

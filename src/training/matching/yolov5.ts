// YOLOv5 (and v7 without OTA): every anchor answers whose sides are within a factor of four of the ground truth's, on any
// level, in the cell of the centre and in the two nearest neighbours. One ground truth has many anchors, one anchor may have
// several ground truths. ultralytics/yolov5, utils/loss.py, build_targets:

import type { CellLevel } from '../../anchors/points.js';
import { checkNumber, checkWord, readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { CELL_ORDERS, type CellOrder, checkCellLevels, type PlacedCells, rowOf } from './cells.js';
import { readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';

const round = Math.fround;

/** Options of `matchYolov5`. */
export interface Yolov5MatchOptions {
	/** An anchor answers when both sides are less than this factor apart: `anchor_t` of the hyperparameters. Default 4. */
	maxRatio?: number;
	/** How near the border of its cell, in cells, a centre calls the neighbour: `g` of build_targets. Default 0.5; 0 for the centre's cell alone. */
	neighbourBias?: number;
	/** How anchors are numbered inside a level. Default 'ayx', as kedge's heads do. */
	order?: CellOrder;
}

/** What `matchYolov5` answers. */
export interface Yolov5Matches extends Matches {
	/** [P] every anchor and ground truth that answer for each other, in the order of the reference: level; centre, left, upper, right, lower cell; shape; ground truth. */
	readonly pairs: { readonly anchors: Uint32Array; readonly groundTruths: Uint32Array };
	/** [P, 2] the centre in cells from the corner of each pair's cell, x and y: from -0.5 to 1.5, what the network is to say (`tbox`). */
	readonly offsets: Float32Array;
}

/**
 * Matches by the ratio of sides. `levels` have their shapes in pixels (`cellLevels`); `groundTruths` [G, 4] are in input pixels. `labels` and
 * `matches` hold of an anchor's pairs the last; the fates count pairs. `best` is the larger ratio of the sides, of the anchor where it is least.
 * No IoU is measured: `maxIou` is 0. A ground truth is 'out-of-range' when no shape is near enough or its centre lies outside the input
 * (on its edge counts as the last cell). Throws a TypeError or RangeError that names the argument.
 */
export function matchYolov5(levels: readonly CellLevel[], groundTruths: BoxesLike, options?: Yolov5MatchOptions): Yolov5Matches {
	return matchRatios('matchYolov5', levels, groundTruths, options);
}

/** `matchYolov5` in the name of another rule. */
export function matchRatios(where: string, levels: readonly CellLevel[], groundTruths: BoxesLike, options: Yolov5MatchOptions | undefined): Yolov5Matches {
	const placed = checkCellLevels(where, levels);
	const truths = readGroundTruths(where, groundTruths);
	const given = readOptions(where, 'options', options, ['maxRatio', 'neighbourBias', 'order']);
	const maxRatio = checkNumber(where, 'maxRatio', given.maxRatio ?? 4);
	if (!(maxRatio > 1)) refuse(RangeError, where, 'maxRatio', 'must be above 1', maxRatio, 'a factor: 4 is from a quarter to four times');
	const bias = checkNumber(where, 'neighbourBias', given.neighbourBias ?? 0.5);
	if (!(bias >= 0 && bias <= 0.5)) refuse(RangeError, where, 'neighbourBias', 'must be 0 to 0.5', bias);
	const order = checkWord(where, 'order', given.order ?? 'ayx', CELL_ORDERS);

	const tally = new Tally(placed.numAnchors, truths);
	const centres = centresOf(truths.boxes);
	const pairs: Pairs = { anchors: [], groundTruths: [], offsets: [] };
	const nearest = new Float64Array(truths.count).fill(Infinity);
	for (const level of placed.levels) {
		const candidates = candidatesOf(level, centres, truths.unusable, round(bias));
		noteNearest(tally, nearest, level, order, candidates);
		addPairs(tally, pairs, level, order, candidates, round(maxRatio));
	}
	for (let g = 0; g < truths.count; g++) tally.lose(g, 'out-of-range');
	const found = { anchors: Uint32Array.from(pairs.anchors), groundTruths: Uint32Array.from(pairs.groundTruths) };
	return { ...tally.finish(found), order, pairs: found, offsets: Float32Array.from(pairs.offsets) };
}

interface Pairs {
	readonly anchors: number[];
	readonly groundTruths: number[];
	readonly offsets: number[];
}

/** [G, 4] centre and size, float32. */
function centresOf(boxes: Float32Array): Float32Array {
	const out = new Float32Array(boxes.length);
	for (let p = 0; p < boxes.length; p += 4) {
		out[p] = round(boxes[p] + boxes[p + 2]) * 0.5;
		out[p + 1] = round(boxes[p + 1] + boxes[p + 3]) * 0.5;
		out[p + 2] = boxes[p + 2] - boxes[p];
		out[p + 3] = boxes[p + 3] - boxes[p + 1];
	}
	return out;
}

/** A ground truth on a level: where it is in cells, and which of the five cells it asks. */
interface Candidate {
	readonly groundTruth: number;
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
	readonly asks: readonly boolean[];
}

//     +-----+-----+      The centre is left of the middle of its cell and above it: the cell on the left
//     |     |  U  |      and the one above are asked too. Exactly in the middle it asks no neighbour.
//     +-----+-----+
//     |  L  |*    |
//     +-----+-----+
/** How far the point that says which cell is meant lies from the centre: in the middle, left, up, right, down. */
const STEPS = [
	[0, 0],
	[-0.5, 0],
	[0, -0.5],
	[0.5, 0],
	[0, 0.5],
];

function candidatesOf({ grid, stride }: PlacedCells, centres: Float32Array, unusable: readonly unknown[], bias: number): Candidate[] {
	const candidates: Candidate[] = [];
	for (let g = 0; g < unusable.length; g++) {
		if (unusable[g] !== undefined) continue;
		const x = round(centres[g * 4] / stride);
		const y = round(centres[g * 4 + 1] / stride);
		if (!(x >= 0 && y >= 0 && x <= grid[1] && y <= grid[0] && grid[0] > 0 && grid[1] > 0)) continue;
		const asks = [true, isNear(x, bias), isNear(y, bias), isNear(round(grid[1] - x), bias), isNear(round(grid[0] - y), bias)];
		candidates.push({ groundTruth: g, x, y, width: centres[g * 4 + 2], height: centres[g * 4 + 3], asks });
	}
	return candidates;
}

/** Whether a centre this many cells from the first border is in the near part of its cell, and has a cell before it. */
function isNear(distance: number, bias: number): boolean {
	return distance % 1 < bias && distance > 1;
}

/** The larger of the four quotients of sides. */
function ratioOf(level: PlacedCells, shape: number, { width, height }: Candidate): number {
	const across = round(width / level.shapes[shape * 2]);
	const down = round(height / level.shapes[shape * 2 + 1]);
	return Math.max(across, round(1 / across), down, round(1 / down));
}

/** The anchor nearest in shape in the centre's cell, whether near enough or not. */
function noteNearest(tally: Tally, nearest: Float64Array, level: PlacedCells, order: CellOrder, candidates: readonly Candidate[]): void {
	for (const candidate of candidates) {
		const g = candidate.groundTruth;
		for (let shape = 0; shape < level.numShapes; shape++) {
			const ratio = ratioOf(level, shape, candidate);
			if (!(ratio < nearest[g])) continue;
			nearest[g] = ratio;
			const { x, y } = cellOf(level, candidate, 0);
			tally.best(g, rowOf(level, order, shape, y, x), ratio);
		}
	}
}

/** The cell that is meant by a step from the centre, inside the grid. */
function cellOf({ grid }: PlacedCells, { x, y }: Candidate, step: number): { x: number; y: number } {
	return {
		x: Math.min(Math.max(Math.trunc(round(x + STEPS[step][0])), 0), grid[1] - 1),
		y: Math.min(Math.max(Math.trunc(round(y + STEPS[step][1])), 0), grid[0] - 1),
	};
}

function addPairs(tally: Tally, pairs: Pairs, level: PlacedCells, order: CellOrder, candidates: readonly Candidate[], maxRatio: number): void {
	const near = Array.from({ length: level.numShapes }, (_, shape) => candidates.filter((c) => ratioOf(level, shape, c) < maxRatio));
	for (let step = 0; step < STEPS.length; step++) {
		for (let shape = 0; shape < level.numShapes; shape++) {
			for (const candidate of near[shape]) {
				if (!candidate.asks[step]) continue;
				const cell = cellOf(level, candidate, step);
				const anchor = rowOf(level, order, shape, cell.y, cell.x);
				pairs.anchors.push(anchor);
				pairs.groundTruths.push(candidate.groundTruth);
				pairs.offsets.push(candidate.x - cell.x, candidate.y - cell.y);
				tally.give(anchor, candidate.groundTruth);
			}
		}
	}
}

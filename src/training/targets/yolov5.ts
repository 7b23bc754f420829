// The targets of YOLOv5: not a dense tensor but lists of pairs, for each level the anchors that answer and what for, as
// build_targets of ultralytics/yolov5 (utils/loss.py) gives them. An anchor may stand in several pairs; of these the last wins.

import type { CellLevel } from '../../anchors/points.js';
import { readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { type CellOrder, checkCellLevels } from '../matching/cells.js';
import { checkUprightBoxes } from '../matching/fates.js';
import type { Matches } from '../matching/matches.js';
import { readClasses, readNumClasses, readOrder } from './read.js';
import { placeOf } from './yolo.js';

/** Options of `yolov5Targets`. */
export interface Yolov5TargetsOptions {
	numClasses: number;
	/** Class ids [G] of the ground truths. */
	classIds: ArrayLike<number>;
	/** How anchors are numbered inside a level. Default as the matcher was told; another is refused. */
	order?: CellOrder;
}

/** The pairs of one level, P of them. */
export interface Yolov5TargetLevel {
	/** [height, width] in cells. */
	readonly grid: readonly [number, number];
	readonly stride: number;
	/** Anchors per cell. */
	readonly numShapes: number;
	/** [P, 3] shape, row and column of the anchor (`indices`, but for the image). */
	readonly places: Uint32Array;
	/** [P, 4] the middle from the cell's corner, x and y from -0.5 to 1.5, and width and height, all in cells (`tbox`). */
	readonly boxes: Float32Array;
	/** [P, 2] width and height of the anchor, in cells (`anch`). */
	readonly shapes: Float32Array;
	/** [P] (`tcls`) */
	readonly classes: Uint32Array;
	/** [P] */
	readonly groundTruths: Uint32Array;
}

/** What YOLOv5's outputs should be. */
export interface Yolov5Targets {
	readonly numClasses: number;
	readonly levels: readonly Yolov5TargetLevel[];
}

/**
 * Lists of pairs from the answer of `matchYolov5` for boxes [G, 4] in input pixels. Throws a TypeError or RangeError that names the argument.
 */
export function yolov5Targets(
	matches: Pick<Matches, 'pairs' | 'order'>,
	levels: readonly CellLevel[],
	groundTruths: BoxesLike,
	options: Yolov5TargetsOptions,
): Yolov5Targets {
	const where = 'yolov5Targets';
	const placed = checkCellLevels(where, levels);
	const boxes = checkUprightBoxes(where, 'groundTruths', groundTruths);
	const given = readOptions(where, 'options', options, ['numClasses', 'classIds', 'order']) as Partial<Yolov5TargetsOptions>;
	const pairs = readPairs(where, matches, placed.numAnchors, boxes.length / 4);
	const numClasses = readNumClasses(where, given.numClasses);
	const classIds = readClasses(where, given.classIds, boxes.length / 4, numClasses);
	const order = readOrder(where, given.order, matches);
	const found = placed.levels.map((level): Yolov5TargetLevel => {
		const { grid, stride, numShapes, firstAnchor } = level;
		const end = firstAnchor + grid[0] * grid[1] * numShapes;
		const own = Uint32Array.from(pairs.anchors.keys()).filter((p) => pairs.anchors[p] >= firstAnchor && pairs.anchors[p] < end);
		const places = Array.from(own, (p) => placeOf(level, order, pairs.anchors[p]));
		const truths = Uint32Array.from(own, (p) => pairs.groundTruths[p]);
		return {
			...{ grid, stride, numShapes, groundTruths: truths },
			places: Uint32Array.from(places.flatMap(({ shape, y, x }) => [shape, y, x])),
			boxes: Float32Array.from(places.flatMap(({ y, x }, i) => boxInCells(boxes, truths[i], stride, y, x))),
			shapes: Float32Array.from(places.flatMap(({ shape }) => [level.shapes[shape * 2] / stride, level.shapes[shape * 2 + 1] / stride])),
			classes: truths.map((g) => classIds[g]),
		};
	});
	return { numClasses, levels: found };
}

function boxInCells(boxes: Float32Array, g: number, stride: number, y: number, x: number): number[] {
	const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
	return [(x1 + x2) / 2 / stride - x, (y1 + y2) / 2 / stride - y, (x2 - x1) / stride, (y2 - y1) / stride];
}

function readPairs(where: string, value: unknown, numAnchors: number, numTruths: number): NonNullable<Matches['pairs']> {
	const pairs = (value as Partial<Matches> | undefined | null)?.pairs;
	const isList = (list: unknown) => Object.prototype.toString.call(list) === '[object Uint32Array]';
	if (!pairs || !isList(pairs.anchors) || !isList(pairs.groundTruths))
		refuse(TypeError, where, 'matches', 'must have pairs, as the answer of matchYolov5', value);
	const { anchors, groundTruths } = pairs;
	if (anchors.length !== groundTruths.length) {
		refuse(RangeError, where, 'matches.pairs.groundTruths', `must be as long as matches.pairs.anchors, ${anchors.length}`, groundTruths.length);
	}
	for (const [name, list, count] of [
		['anchors', anchors, numAnchors],
		['groundTruths', groundTruths, numTruths],
	] as const) {
		const stranger = list.findIndex((k) => k >= count);
		if (stranger >= 0) refuse(RangeError, where, `matches.pairs.${name}[${stranger}]`, `must be one of ${count} ${name}`, list[stranger]);
	}
	return pairs;
}

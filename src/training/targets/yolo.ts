// The tensors that YOLO's outputs are held against: for each anchor of each cell four numbers of the box, whether there is an
// object, and a 1 at its class. In the numbers of darknet (v2 to v4), or as textbooks write them: [pc, bx, by, bh, bw, c1, c2, ...].

import type { CellLevel } from '../../anchors/points.js';
import { checkSize, checkWord, readOptions, refuse } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { type CellOrder, checkCellLevels, type PlacedCells } from '../matching/cells.js';
import { checkUprightBoxes } from '../matching/fates.js';
import { type MatchesLike, readClasses, readMatches, readNumClasses, readOrder } from './read.js';

/** Options of `yoloTargets`. */
export interface YoloTargetsOptions {
	numClasses: number;
	/** Class ids [G] of the ground truths. */
	classIds: ArrayLike<number>;
	/**
	 * How anchors are numbered inside a level. 'ayx': tensors [n, h, w, 5 + classes]; 'yxa': [h, w, n, 5 + classes]. Default as the matcher was
	 * told, another being refused; 'ayx' after a matcher that was not.
	 */
	order?: CellOrder;
	/**
	 * What the numbers of an anchor are. 'darknet' (default): x, y, w, h, objectness, classes; x and y the middle in its cell, 0 to 1, which the
	 * sigmoids of the outputs should be; w and h the logs of the sides over the anchor's. 'textbook': objectness, x, y, h, w, classes; x and y
	 * the same, h and w the sides in cells.
	 */
	coding?: 'darknet' | 'textbook';
	/** Network input in pixels, [height, width], for the weights of boxes. Default grid times stride of the first level. */
	inputSize?: readonly [number, number];
}

/** One level of `YoloTargets`; its arrays are parts of the whole ones. */
export interface YoloTargetLevel {
	/** [height, width] in cells. */
	readonly grid: readonly [number, number];
	readonly stride: number;
	/** [n, 2] width and height of the anchors, in cells. */
	readonly shapes: Float32Array;
	/** The shape of `targets`: [n, h, w, 5 + classes] or [h, w, n, 5 + classes]. */
	readonly dims: readonly [number, number, number, number];
	readonly targets: Float32Array;
}

/** What YOLO's outputs should be, over all A anchors of all levels. */
export interface YoloTargets {
	readonly numClasses: number;
	readonly order: CellOrder;
	readonly coding: 'darknet' | 'textbook';
	readonly levels: readonly YoloTargetLevel[];
	/** [A, 5 + classes], level after level. Where there is no object all are 0. */
	readonly targets: Float32Array;
	/** [A] as given: 1: positive, 0: negative, -1: ignored. */
	readonly labels: Int32Array;
	/** [A] 2 - w h of the ground truth, w and h as parts of the input: darknet's weight of coordinates, which favours small boxes. 0 where there is none. */
	readonly boxWeights: Float32Array;
	/** [A] 1 where the objectness counts, 0 where it is ignored. */
	readonly objectnessWeights: Float32Array;
	readonly numPositives: number;
}

const KNOWN = ['numClasses', 'classIds', 'order', 'coding', 'inputSize'] as const;

/**
 * Dense targets from the answer of `matchYoloGrid` (or of any matcher over the anchors of `levels`) for boxes [G, 4] in input pixels. A ground
 * truth's middle need not lie in the cell of its anchor: x and y say where it is from that cell's corner. Throws a TypeError or RangeError that
 * names the argument.
 */
export function yoloTargets(matches: MatchesLike, levels: readonly CellLevel[], groundTruths: BoxesLike, options: YoloTargetsOptions): YoloTargets {
	const where = 'yoloTargets';
	const placed = checkCellLevels(where, levels);
	const boxes = checkUprightBoxes(where, 'groundTruths', groundTruths);
	const given = readOptions(where, 'options', options, KNOWN) as Partial<YoloTargetsOptions>;
	const read = readMatches(where, matches, boxes.length / 4, placed.numAnchors);
	const numClasses = readNumClasses(where, given.numClasses);
	const classIds = readClasses(where, given.classIds, boxes.length / 4, numClasses);
	const order = readOrder(where, given.order, matches);
	const coding = checkWord(where, 'coding', given.coding ?? 'darknet', ['darknet', 'textbook']);
	const [first] = placed.levels;
	const [height, width] = checkSize(where, 'inputSize', given.inputSize ?? [first.grid[0] * first.stride || 1, first.grid[1] * first.stride || 1]);

	const step = 5 + numClasses;
	const targets = new Float32Array(placed.numAnchors * step);
	const boxWeights = new Float32Array(placed.numAnchors);
	let numPositives = 0;
	for (const level of placed.levels) {
		const end = level.firstAnchor + level.grid[0] * level.grid[1] * level.numShapes;
		for (let a = level.firstAnchor; a < end; a++) {
			if (read.labels[a] < 1) continue;
			const g = read.matches[a];
			const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
			if (!(x2 > x1 && y2 > y1 && x2 - x1 < Infinity && y2 - y1 < Infinity))
				refuse(RangeError, where, `groundTruths[${g}]`, 'must have a positive size where an anchor answers for it', [x1, y1, x2, y2]);
			boxWeights[a] = 2 - ((x2 - x1) / width) * ((y2 - y1) / height);
			targets.set(numbersOf(level, order, a, [x1, y1, x2, y2], coding), a * step);
			targets[a * step + 5 + classIds[g]] = 1;
			numPositives++;
		}
	}
	return {
		...{ numClasses, order, coding, targets, boxWeights, numPositives },
		labels: read.labels,
		objectnessWeights: Float32Array.from(read.labels, (label) => (label < 0 ? 0 : 1)),
		levels: placed.levels.map((level) => levelOf(level, order, targets, step)),
	};
}

/** Where an anchor of a level stands. */
export function placeOf({ grid, numShapes, firstAnchor }: PlacedCells, order: CellOrder, anchor: number): { shape: number; y: number; x: number } {
	const [height, width] = grid;
	const k = anchor - firstAnchor;
	const shape = order === 'ayx' ? Math.floor(k / (height * width)) : k % numShapes;
	const cell = order === 'ayx' ? k % (height * width) : Math.floor(k / numShapes);
	return { shape, y: Math.floor(cell / width), x: cell % width };
}

/** The numbers before the classes. */
function numbersOf(level: PlacedCells, order: CellOrder, anchor: number, box: readonly number[], coding: 'darknet' | 'textbook'): number[] {
	const { shape, y, x } = placeOf(level, order, anchor);
	const { stride, shapes } = level;
	const [x1, y1, x2, y2] = box;
	const [bx, by] = [(x1 + x2) / 2 / stride - x, (y1 + y2) / 2 / stride - y];
	const [w, h] = [x2 - x1, y2 - y1];
	if (coding === 'textbook') return [1, bx, by, h / stride, w / stride];
	return [bx, by, Math.log(w / shapes[shape * 2]), Math.log(h / shapes[shape * 2 + 1]), 1];
}

function levelOf({ grid, stride, shapes, numShapes, firstAnchor }: PlacedCells, order: CellOrder, targets: Float32Array, step: number): YoloTargetLevel {
	const [height, width] = grid;
	return {
		grid: [height, width],
		stride,
		shapes: shapes.map((side) => side / stride),
		dims: order === 'ayx' ? [numShapes, height, width, step] : [height, width, numShapes, step],
		targets: targets.subarray(firstAnchor * step, (firstAnchor + height * width * numShapes) * step),
	};
}

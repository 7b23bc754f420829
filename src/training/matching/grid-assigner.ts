// mmdetection's rule for YOLOv3 (task_modules/assigners/grid_assigner.py): that of the highest IoU, but only anchors of cells
// in which some ground truth's centre lies can be positive; all others are negative, or ignored where they overlap too much.

import { type CellLevel, cellAnchors } from '../../anchors/points.js';
import { convertBoxes } from '../../boxes/formats.js';
import { checkBoolean, checkUnit, checkWord, readOptions } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import { CELL_ORDERS, type CellOrder, checkCellLevels, type PlacedCells, rowOf } from './cells.js';
import { type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { type Overlaps, overlapsOf } from './overlaps.js';
import { usableBoxes, usableGroundTruths } from './yolo-ignore.js';

const round = Math.fround;

/** Options of `matchGridAssigner`. */
export interface GridAssignerOptions {
	/** An anchor of a responsible cell is positive above this IoU. Default 0.5, as in mmdetection's YOLOv3. */
	positive?: number;
	/** An anchor is negative when its highest IoU is this or less; ignored above, unless positive. Default 0.5. */
	negative?: number;
	/** A ground truth makes its best responsible anchor positive when their IoU is above this. Default 0. */
	minPositive?: number;
	/** All anchors that tie for its best, or the first alone (`gt_max_assign_all`). Default true. */
	allTies?: boolean;
	/** How anchors are numbered inside a level. Default 'ayx', as kedge's heads do; mmdetection has 'yxa'. */
	order?: CellOrder;
}

/**
 * Matches the anchors of `levels` (shapes in pixels, `cellLevels`; those of `cellAnchors`) with ground truths [G, 4] in input pixels. As in the
 * source a responsible anchor may answer for a ground truth whose centre is in another cell, and of ground truths with the same best anchor the last gets it.
 * A ground truth whose centre is outside of the grid is 'out-of-range' unless an anchor answers for it; one whose best anchor overlaps it by
 * `minPositive` or less 'below-minimum'. Throws a TypeError or RangeError that names the argument.
 */
export function matchGridAssigner(levels: readonly CellLevel[], groundTruths: BoxesLike, options?: GridAssignerOptions): Matches {
	const where = 'matchGridAssigner';
	const placed = checkCellLevels(where, levels);
	const truths = readGroundTruths(where, groundTruths);
	const given = readOptions(where, 'options', options, ['positive', 'negative', 'minPositive', 'allTies', 'order']);
	const [positive, negative, minPositive] = (['positive', 'negative', 'minPositive'] as const).map((name, i) => {
		return round(checkUnit(where, name, given[name] ?? [0.5, 0.5, 0][i]));
	});
	const allTies = checkBoolean(where, 'allTies', given.allTies ?? true);
	const order = checkWord(where, 'order', given.order ?? 'ayx', CELL_ORDERS);

	const usable = usableGroundTruths(truths);
	const overlaps = overlapsOf(anchorsOf(levels, placed.levels, order), usable.boxes);
	const tally = new Tally(placed.numAnchors, truths);
	tally.maxIou.set(overlaps.maxIou);
	overlaps.maxIou.forEach((iou, a) => {
		if (iou > negative) tally.labels[a] = -1;
	});
	const responsible = responsibleAnchors(tally, placed.levels, truths, usable.indices, order);
	for (const a of responsible) if (overlaps.maxIou[a] > positive) tally.give(a, usable.indices[overlaps.argmax[a]]);
	usable.indices.forEach((g, i) => {
		force(tally, overlaps, responsible, g, i, minPositive, allTies);
	});
	return { ...tally.finish(), order };
}

/** [A, 4] xyxy, in the order of the rows. */
function anchorsOf(levels: readonly CellLevel[], placed: readonly PlacedCells[], order: CellOrder): Float32Array {
	const rows = usableBoxes(convertBoxes(cellAnchors(levels), 'cxcywh', 'xyxy'));
	if (order === 'ayx') return rows;
	const turned = new Float32Array(rows.length);
	for (const level of placed) {
		for (let shape = 0; shape < level.numShapes; shape++) {
			for (let y = 0; y < level.grid[0]; y++) {
				for (let x = 0; x < level.grid[1]; x++) {
					const from = rowOf(level, 'ayx', shape, y, x) * 4;
					turned.set(rows.subarray(from, from + 4), rowOf(level, order, shape, y, x) * 4);
				}
			}
		}
	}
	return turned;
}

/** The anchors of all cells in which a centre lies, ascending. */
function responsibleAnchors(tally: Tally, levels: readonly PlacedCells[], { boxes }: GroundTruths, indices: readonly number[], order: CellOrder): number[] {
	const found = new Set<number>();
	for (const g of indices) {
		for (const level of levels) {
			const x = Math.floor(round(round(round(boxes[g * 4] + boxes[g * 4 + 2]) * 0.5) / level.stride));
			const y = Math.floor(round(round(round(boxes[g * 4 + 1] + boxes[g * 4 + 3]) * 0.5) / level.stride));
			if (!(x >= 0 && y >= 0 && x < level.grid[1] && y < level.grid[0])) tally.lose(g, 'out-of-range');
			else for (let shape = 0; shape < level.numShapes; shape++) found.add(rowOf(level, order, shape, y, x));
		}
	}
	return Array.from(found).sort((a, b) => a - b);
}

/** Ground truth g, the i-th that takes part, gets its best responsible anchors, whoever had them. */
function force(tally: Tally, { at }: Overlaps, responsible: readonly number[], g: number, i: number, minPositive: number, allTies: boolean): void {
	let best = -1;
	let most = 0;
	for (const a of responsible) {
		const iou = at(a, i);
		if (iou > most) [best, most] = [a, iou];
	}
	if (best >= 0) tally.best(g, best, most);
	if (!(most > minPositive)) {
		tally.lose(g, 'below-minimum');
		return;
	}
	for (const a of allTies ? responsible : [best]) if (at(a, i) === most) tally.give(a, g);
}

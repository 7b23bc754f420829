// YOLOv2 and v3: the cell in which a ground truth's centre lies answers for it, through the anchor whose shape is most like
// its own; a prediction that overlaps a ground truth well without being asked to is not punished. darknet, region_layer.c
// and yolo_layer.c; two objects in one cell are both kept where they are of different shapes (a person and a racket).

import type { CellLevel } from '../../anchors/points.js';
import { checkUnit, checkWord, readOptions } from '../../checks.js';
import type { BoxesLike } from '../../inputs.js';
import type { TrainingBackend } from '../backend.js';
import { CELL_ORDERS, type CellOrder, checkCellLevels, type PlacedCells, rowOf } from './cells.js';
import { type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { type Overlaps, overlapsOf } from './overlaps.js';
import { overlapsOn } from './overlaps-on.js';
import { shapeIou } from './pair-iou.js';
import { type IgnoreRule, ignoreOverlapping, readIgnoreRule, usableGroundTruths, YOLO_IGNORE_KEYS, type YoloIgnoreOptions } from './yolo-ignore.js';

const round = Math.fround;

/** Options of `matchYoloGrid`. */
export interface YoloGridOptions extends YoloIgnoreOptions {
	/**
	 * 'yolov3' (default): the most alike of all shapes of all levels, so that a ground truth lives on one level; `ignoreThreshold` 0.7, that of
	 * darknet's yolov3.cfg (0.5 in yolov3-voc.cfg and in the paper). 'yolov2': the most alike on each level, of which v2 has one; 0.6.
	 */
	style?: 'yolov3' | 'yolov2';
	/** How anchors are numbered inside a level. Default 'ayx', as kedge's heads do. */
	order?: CellOrder;
	/** Other anchors of the cell become positive too when their shape's IoU exceeds this: `iou_thresh` of darknet's cfg, 0.213 in yolov4.cfg. Default 1: none. */
	iouThreshold?: number;
	/** Who gets an anchor that two ground truths ask for. Default 'last', as darknet writes one over the other. */
	winner?: 'last' | 'first';
}

const KNOWN = ['style', 'order', 'iouThreshold', 'winner', ...YOLO_IGNORE_KEYS] as const;

/**
 * Matches by cell and shape. `levels` have their shapes in pixels (`cellLevels`); `groundTruths` [G, 4] are in input pixels. Of equally
 * like shapes the finer level's and the first wins; a shape that stands on two levels (tiny YOLOv4) is positive on both, as darknet's masks
 * have it. A centre outside the grid is 'out-of-range'; on its right or lower edge too, where darknet reads past its map. `best` is the IoU of
 * shapes; `maxIou` that of the predicted box with any ground truth, or without predictions that of shapes where an anchor is positive.
 * Throws a TypeError or RangeError that names the argument.
 */
export function matchYoloGrid(levels: readonly CellLevel[], groundTruths: BoxesLike, options?: YoloGridOptions): Matches {
	const task = readTask('matchYoloGrid', levels, groundTruths, options);
	return complete(task, task.ignore && overlapsOf(task.ignore.boxes, task.usable.boxes));
}

/**
 * As `matchYoloGrid`, with the overlaps of the predicted boxes on the GPU of a backend made by `createBackend`; the same bits. Arrays are
 * copied at once.
 */
export async function matchYoloGridOn(
	backend: TrainingBackend,
	levels: readonly CellLevel[],
	groundTruths: BoxesLike,
	options?: YoloGridOptions,
): Promise<Matches> {
	const task = readTask('matchYoloGridOn', levels, groundTruths, options);
	const predicted = task.ignore?.boxes ?? new Float32Array(0);
	const overlaps = await overlapsOn('matchYoloGridOn', backend, predicted, task.usable.boxes);
	return complete(task, task.ignore && overlaps);
}

/** Checked arguments. */
interface Task {
	/** Fine to coarse: darknet knows its shapes from small to large, so that of equals the finer level's is first. */
	readonly levels: readonly PlacedCells[];
	readonly numAnchors: number;
	readonly truths: GroundTruths;
	readonly usable: ReturnType<typeof usableGroundTruths>;
	readonly rule: Rule;
	readonly ignore?: IgnoreRule;
}

interface Rule {
	readonly eachLevel: boolean;
	readonly order: CellOrder;
	readonly iouThreshold: number;
	readonly lastWins: boolean;
}

function readTask(where: string, levels: unknown, groundTruths: BoxesLike, options: unknown): Task {
	const { levels: placed, numAnchors } = checkCellLevels(where, levels);
	const truths = readGroundTruths(where, groundTruths);
	const given = readOptions(where, 'options', options, KNOWN) as YoloGridOptions;
	const eachLevel = checkWord(where, 'style', given.style ?? 'yolov3', ['yolov3', 'yolov2']) === 'yolov2';
	const rule: Rule = {
		eachLevel,
		order: checkWord(where, 'order', given.order ?? 'ayx', CELL_ORDERS),
		iouThreshold: round(checkUnit(where, 'iouThreshold', given.iouThreshold ?? 1)),
		lastWins: checkWord(where, 'winner', given.winner ?? 'last', ['last', 'first']) === 'last',
	};
	const ignore = readIgnoreRule(where, given, eachLevel ? 0.6 : 0.7, numAnchors, truths.count);
	const fineToCoarse = placed.slice().sort((a, b) => a.stride - b.stride);
	return { levels: fineToCoarse, numAnchors, truths, usable: usableGroundTruths(truths), rule, ...(ignore && { ignore }) };
}

/** `overlaps`: of the predicted boxes with the ground truths that take part, where there are predictions. */
function complete({ levels, numAnchors, truths, usable, rule, ignore }: Task, overlaps: Overlaps | undefined): Matches {
	const tally = new Tally(numAnchors, truths);
	if (ignore && overlaps) ignoreOverlapping(tally, overlaps, usable.indices, ignore);
	for (const g of usable.indices) matchOne(tally, levels, truths.boxes, g, rule, overlaps === undefined);
	return { ...tally.finish(), order: rule.order };
}

interface Place {
	readonly level: PlacedCells;
	readonly shape: number;
	readonly iou: number;
}

/** `tellsShape`: `maxIou` is that of the shapes. */
function matchOne(tally: Tally, levels: readonly PlacedCells[], boxes: Float32Array, g: number, rule: Rule, tellsShape: boolean): void {
	const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
	const width = round(x2 - x1);
	const height = round(y2 - y1);
	const best = levels.map((level) => mostAlike(level, width, height));
	const overall = best.reduce((most, place) => (place.iou > most.iou ? place : most));
	const asked: Place[] = rule.eachLevel ? best.slice() : best.flatMap((_, i) => twinOf(levels[i], overall));
	if (rule.iouThreshold < 1) asked.push(...levels.flatMap((level) => alike(level, width, height, rule.iouThreshold)));

	const centreX = round(round(x1 + x2) * 0.5);
	const centreY = round(round(y1 + y2) * 0.5);
	for (const { level, shape, iou } of asked) {
		const x = Math.floor(round(centreX / level.stride));
		const y = Math.floor(round(centreY / level.stride));
		if (!(x >= 0 && y >= 0 && x < level.grid[1] && y < level.grid[0])) {
			tally.lose(g, 'out-of-range');
			continue;
		}
		const anchor = rowOf(level, rule.order, shape, y, x);
		if (level === overall.level && shape === overall.shape) tally.best(g, anchor, iou);
		if (tally.labels[anchor] === 1 && !rule.lastWins) continue;
		tally.give(anchor, g);
		if (tellsShape) tally.maxIou[anchor] = iou;
	}
}

/** The shape of a level that is most like a size; the first of equals. */
function mostAlike(level: PlacedCells, width: number, height: number): Place {
	let shape = 0;
	let most = -1;
	for (let s = 0; s < level.numShapes; s++) {
		const iou = shapeIou(width, height, level.shapes[s * 2], level.shapes[s * 2 + 1]);
		if (iou > most) [shape, most] = [s, iou];
	}
	return { level, shape, iou: most };
}

/** The best shape itself, on its own level and on any other that has it too. */
function twinOf(level: PlacedCells, best: Place): Place[] {
	if (level === best.level) return [best];
	const [width, height] = best.level.shapes.subarray(best.shape * 2, best.shape * 2 + 2);
	for (let s = 0; s < level.numShapes; s++) {
		if (level.shapes[s * 2] === width && level.shapes[s * 2 + 1] === height) return [{ level, shape: s, iou: best.iou }];
	}
	return [];
}

/** All shapes of a level that are more like a size than the threshold asks. */
function alike(level: PlacedCells, width: number, height: number, threshold: number): Place[] {
	return Array.from({ length: level.numShapes }, (_, shape) => ({
		level,
		shape,
		iou: shapeIou(width, height, level.shapes[shape * 2], level.shapes[shape * 2 + 1]),
	})).filter(({ iou }) => iou > threshold);
}

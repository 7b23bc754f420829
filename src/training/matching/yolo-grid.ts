// YOLOv2 and v3: the cell in which a ground truth's centre lies answers for it, through the anchor whose shape is most like
// its own; a prediction that overlaps a ground truth well without being asked to is not punished. darknet, region_layer.c
// and yolo_layer.c; two objects in one cell are both kept where they are of different shapes (a person and a racket).

import type { CellLevel } from '../../anchors/points.js';
import { checkUnit, checkWord, readOptions, refuse } from '../../checks.js';
import { type BoxesLike, checkClassIds, checkFloats, type FloatsLike } from '../../inputs.js';
import { CELL_ORDERS, type CellOrder, checkCellLevels, type PlacedCells, rowOf } from './cells.js';
import { checkUprightBoxes, type GroundTruths, readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { iouOfPair, measured, shapeIou } from './pair-iou.js';

const round = Math.fround;

/** Options of `matchYoloGrid`. */
export interface YoloGridOptions {
	/**
	 * 'yolov3' (default): the most alike of all shapes of all levels, so that a ground truth lives on one level; `ignoreThreshold` 0.7, that of
	 * darknet's yolov3.cfg (0.5 in yolov3-voc.cfg and in the paper). 'yolov2': the most alike on each level, of which v2 has one; 0.6.
	 */
	style?: 'yolov3' | 'yolov2';
	/** How anchors are numbered inside a level. Default 'ayx', as kedge's heads do. */
	order?: CellOrder;
	/** What the network predicts now: boxes [A, 4] in input pixels, decoded, in the order of the anchors. Without them none is ignored. */
	predictedBoxes?: BoxesLike;
	/** An anchor that is not positive is ignored when its predicted box's IoU with any ground truth exceeds this. */
	ignoreThreshold?: number;
	/** Class probabilities [A, C] of the predictions: then only those are ignored that are sure of something, see `classMatch`. */
	predictedScores?: FloatsLike;
	/** 'any' (default): some class probability exceeds `classThreshold`, as in AlexeyAB's darknet (compare_yolo_class). 'same': that of the ground truth's class does. */
	classMatch?: 'any' | 'same';
	/** Default 0.25. */
	classThreshold?: number;
	/** Class ids [G], for `classMatch: 'same'`. */
	classIds?: ArrayLike<number>;
	/** Other anchors of the cell become positive too when their shape's IoU exceeds this: `iou_thresh` of darknet's cfg, 0.213 in yolov4.cfg. Default 1: none. */
	iouThreshold?: number;
	/** Who gets an anchor that two ground truths ask for. Default 'last', as darknet writes one over the other. */
	winner?: 'last' | 'first';
}

const KNOWN = [
	...(['style', 'order', 'predictedBoxes', 'ignoreThreshold', 'predictedScores', 'classMatch', 'classThreshold', 'classIds'] as const),
	...(['iouThreshold', 'winner'] as const),
] as const;

/**
 * Matches by cell and shape. `levels` have their shapes in pixels (`cellLevels`); `boxes` [G, 4] are ground truths in input pixels. Of equally
 * like shapes the finer level's and the first wins; a shape that stands on two levels (tiny YOLOv4) is positive on both, as darknet's masks
 * have it. A centre outside the grid is 'out-of-range'; on its right or lower edge too, where darknet reads past its map. `best` is the IoU of
 * shapes; `maxIou` that of the predicted box with any ground truth, or without predictions that of shapes where an anchor is positive.
 * Throws a TypeError or RangeError that names the argument.
 */
export function matchYoloGrid(levels: readonly CellLevel[], boxes: BoxesLike, options?: YoloGridOptions): Matches {
	const placed = checkCellLevels('matchYoloGrid', levels);
	const groundTruths = readGroundTruths('matchYoloGrid', boxes);
	const rule = readRule('matchYoloGrid', options, placed.numAnchors, groundTruths.count);
	const tally = new Tally(placed.numAnchors, groundTruths);
	if (rule.predictions) ignoreOverlapping(tally, groundTruths, rule, rule.predictions);
	// darknet knows its shapes from small to large, so that of equals the finer level's is first
	const searched = placed.levels.slice().sort((a, b) => a.stride - b.stride);
	for (let g = 0; g < groundTruths.count; g++) {
		if (groundTruths.unusable[g] === undefined) matchOne(tally, searched, groundTruths.boxes, g, rule);
	}
	return tally.finish();
}

interface Predictions {
	readonly boxes: Float32Array;
	readonly areas: Float32Array;
	readonly scores?: Float32Array;
	readonly numClasses: number;
}

interface Rule {
	readonly eachLevel: boolean;
	readonly order: CellOrder;
	readonly ignoreThreshold: number;
	readonly classThreshold: number;
	/** [G] when the class of the ground truth is asked for. */
	readonly classIds?: Uint32Array;
	readonly iouThreshold: number;
	readonly lastWins: boolean;
	readonly predictions?: Predictions;
}

function readRule(where: string, options: unknown, numAnchors: number, numGroundTruths: number): Rule {
	const given = readOptions(where, 'options', options, KNOWN) as YoloGridOptions;
	const style = checkWord(where, 'style', given.style ?? 'yolov3', ['yolov3', 'yolov2']);
	const classMatch = checkWord(where, 'classMatch', given.classMatch ?? 'any', ['any', 'same']);
	const predictions = readPredictions(where, given, numAnchors);
	if (!predictions) {
		for (const name of ['ignoreThreshold', 'predictedScores'] as const) {
			if (given[name] !== undefined) refuse(TypeError, where, name, 'must be absent without predictedBoxes', given[name]);
		}
	}
	if (!predictions?.scores) {
		for (const name of ['classMatch', 'classThreshold'] as const) {
			if (given[name] !== undefined) refuse(TypeError, where, name, 'must be absent without predictedScores', given[name]);
		}
	}
	const classIds = given.classIds === undefined ? undefined : checkClassIds(where, given.classIds, numGroundTruths);
	if (classMatch === 'same') {
		if (!classIds) refuse(TypeError, where, 'classIds', "must be given with classMatch: 'same'", given.classIds);
		const stranger = classIds.findIndex((id) => id >= (predictions?.numClasses ?? 0));
		if (stranger >= 0)
			refuse(RangeError, where, `classIds[${stranger}]`, `must be below the ${predictions?.numClasses} classes of predictedScores`, classIds[stranger]);
	}
	return {
		eachLevel: style === 'yolov2',
		order: checkWord(where, 'order', given.order ?? 'ayx', CELL_ORDERS),
		ignoreThreshold: round(checkUnit(where, 'ignoreThreshold', given.ignoreThreshold ?? (style === 'yolov2' ? 0.6 : 0.7))),
		classThreshold: round(checkUnit(where, 'classThreshold', given.classThreshold ?? 0.25)),
		iouThreshold: round(checkUnit(where, 'iouThreshold', given.iouThreshold ?? 1)),
		lastWins: checkWord(where, 'winner', given.winner ?? 'last', ['last', 'first']) === 'last',
		predictions,
		...(classMatch === 'same' && { classIds }),
	};
}

function readPredictions(where: string, given: YoloGridOptions, numAnchors: number): Predictions | undefined {
	if (given.predictedBoxes === undefined) return undefined;
	const boxes = checkUprightBoxes(where, 'predictedBoxes', given.predictedBoxes);
	if (boxes.length !== numAnchors * 4) refuse(RangeError, where, 'predictedBoxes', `must have one box per anchor, ${numAnchors}`, boxes.length / 4);
	const scores = given.predictedScores === undefined ? undefined : checkFloats(where, 'predictedScores', given.predictedScores);
	const numClasses = scores && numAnchors > 0 ? scores.length / numAnchors : 0;
	if (scores && !(Number.isInteger(numClasses) && (numClasses > 0 || numAnchors === 0))) {
		refuse(RangeError, where, 'predictedScores', `must have equally many classes for each of ${numAnchors} anchors`, scores.length);
	}
	return { ...measured(boxes), scores, numClasses };
}

/** Marks the predictions that overlap some ground truth by more than the threshold. */
function ignoreOverlapping(tally: Tally, groundTruths: GroundTruths, rule: Rule, { boxes, areas, scores, numClasses }: Predictions): void {
	const { ignoreThreshold, classThreshold, classIds } = rule;
	for (let a = 0; a < areas.length; a++) {
		if (areas[a] === 0) continue;
		let sure = !scores || classIds !== undefined;
		if (scores && !classIds) for (let c = 0; c < numClasses && !sure; c++) sure = scores[a * numClasses + c] > classThreshold;
		let most = 0;
		let ignored = false;
		for (let g = 0; g < groundTruths.count; g++) {
			const iou = iouOfPair(boxes, a, areas[a], groundTruths.boxes, g, groundTruths.areas[g]);
			if (iou > most) most = iou;
			if (sure && iou > ignoreThreshold) ignored ||= !(scores && classIds) || scores[a * numClasses + classIds[g]] > classThreshold;
		}
		tally.maxIou[a] = most;
		if (ignored) tally.labels[a] = -1;
	}
}

interface Place {
	readonly level: PlacedCells;
	readonly shape: number;
	readonly iou: number;
}

function matchOne(tally: Tally, levels: readonly PlacedCells[], boxes: Float32Array, g: number, rule: Rule): void {
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
		if (!rule.predictions) tally.maxIou[anchor] = iou;
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

// The cheapest one-to-one assignment, and DETR's matching by it (Carion et al. 2020): each ground truth gets one query, so that
// classes, corners and overlaps together cost least. Shortest augmenting paths (Jonker and Volgenant 1987; rectangular as
// in Crouse 2016). Costs [rows, columns] in; the column of each row out.

import { boxIou } from '../../boxes/iou.js';
import { checkInteger, checkNumber, checkSize, checkWord, readOptions, refuse } from '../../checks.js';
import { log32 } from '../../functions.js';
import type { BoxesLike } from '../../inputs.js';
import { readGroundTruths, Tally } from './fates.js';
import type { Matches } from './matches.js';
import { type PredictionOptions, type Predictions, readPredictions } from './predictions.js';

const round = Math.fround;

/** Options of `matchHungarian`. */
export interface HungarianOptions extends PredictionOptions {
	/** 'detr' (default; facebookresearch/detr, models/matcher.py): the cost of a class is minus its probability. 'deformable-detr': the difference of its focal losses as object and as background, alpha 0.25, gamma 2. */
	style?: 'detr' | 'deformable-detr';
	/** [height, width] of the image in the units of the boxes: corners are compared in fractions of it. Default [1, 1], for boxes that are normalised. */
	inputSize?: readonly [number, number];
	/** Default 1; 2 for 'deformable-detr'. */
	classWeight?: number;
	/** Of the sum of the differences of centre and size. Default 5. */
	boxWeight?: number;
	/** Of minus the generalised IoU. Default 2. */
	giouWeight?: number;
}

const KNOWN = ['classIds', 'predictedBoxes', 'predictedScores', 'style', 'inputSize', 'classWeight', 'boxWeight', 'giouWeight'] as const;
/** 2^26 costs are half a gigabyte. */
const MOST_COSTS = 2 ** 26;

/**
 * Matches queries to ground truths one to one. `predictedBoxes` [Q, 4] and `groundTruths` [G, 4] are in the same units (DETR's own: `{ data, format:
 * 'cxcywh' }`, normalised); `predictedScores` [Q, C] are softmax or sigmoid probabilities, a no-object column does no harm. With more ground truths
 * than queries some are 'taken'. `best` is the cost that a ground truth was matched at, or would least have cost; `maxIou` is 0. Throws a
 * TypeError or RangeError that names the argument.
 */
export function matchHungarian(groundTruths: BoxesLike, options: HungarianOptions): Matches {
	const truths = readGroundTruths('matchHungarian', groundTruths);
	const given = readOptions('matchHungarian', 'options', options, KNOWN);
	const weights = readWeights(given);
	const predictions = readPredictions('matchHungarian', given, truths.count);
	const unusable = predictions.boxes.findIndex((v) => !(Math.abs(v) < 2 ** 62));
	if (unusable >= 0) refuse(RangeError, 'matchHungarian', `predictedBoxes[${unusable}]`, 'must be finite and below 2^62', predictions.boxes[unusable]);
	const taking = Array.from(truths.unusable.keys()).filter((g) => truths.unusable[g] === undefined);
	const numCosts = taking.length * predictions.count;
	if (numCosts > MOST_COSTS) refuse(RangeError, 'matchHungarian', 'groundTruths', `must make at most ${MOST_COSTS} pairs with predictedBoxes`, numCosts);

	const costs = new Float64Array(numCosts);
	taking.forEach((g, row) => {
		costs.set(costsOf(predictions, truths.boxes.subarray(g * 4, g * 4 + 4), predictions.classIds[g], weights), row * predictions.count);
	});
	const queries = assign(costs, taking.length, predictions.count);
	const tally = new Tally(predictions.count, truths);
	taking.forEach((g, row) => {
		const own = costs.subarray(row * predictions.count, (row + 1) * predictions.count);
		const query = queries[row] >= 0 ? queries[row] : own.indexOf(own.reduce((least, cost) => Math.min(least, cost), Infinity));
		if (query >= 0) tally.best(g, query, own[query]);
		if (queries[row] >= 0) tally.give(queries[row], g);
	});
	return tally.finish();
}

interface Weights {
	readonly focal: boolean;
	readonly size: readonly [number, number];
	readonly classes: number;
	readonly box: number;
	readonly giou: number;
}

function readWeights(given: Partial<Record<(typeof KNOWN)[number], unknown>>): Weights {
	const focal = checkWord('matchHungarian', 'style', given.style ?? 'detr', ['detr', 'deformable-detr']) !== 'detr';
	const weight = (name: 'classWeight' | 'boxWeight' | 'giouWeight', usual: number) => {
		const value = checkNumber('matchHungarian', name, given[name] ?? usual);
		if (!(value >= 0 && value <= 1e6)) refuse(RangeError, 'matchHungarian', name, 'must be 0 to 1e6', value);
		return value;
	};
	const size = checkSize('matchHungarian', 'inputSize', given.inputSize ?? [1, 1]);
	return { focal, size, classes: weight('classWeight', focal ? 2 : 1), box: weight('boxWeight', 5), giou: weight('giouWeight', 2) };
}

/** The cost of each query [Q] for one ground truth, float32. */
function costsOf({ boxes, scores, numClasses, count }: Predictions, box: Float32Array, classId: number, weights: Weights): Float64Array {
	const gious = boxIou(boxes, box, { kind: 'giou' });
	const own = centred(box, 0, weights.size);
	return Float64Array.from({ length: count }, (_, q) => {
		const other = centred(boxes, q * 4, weights.size);
		const distance = own.reduce((sum, v, k) => sum + Math.abs(v - other[k]), 0);
		const score = scores[q * numClasses + classId];
		const byClass = weights.focal ? focalCost(score) : -score;
		return round(weights.box * distance + weights.classes * byClass - weights.giou * gious[q]);
	});
}

/** Centre and size in fractions of the image. */
function centred(boxes: Float32Array, p: number, [height, width]: readonly [number, number]): number[] {
	const [x1, y1, x2, y2] = boxes.subarray(p, p + 4);
	return [(x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height];
}

/** Focal loss of an object less that of background. */
function focalCost(p: number): number {
	const asObject = 0.25 * (1 - p) ** 2 * -log32(round(p + round(1e-8)));
	const asBackground = 0.75 * p ** 2 * -log32(round(round(1 - p) + round(1e-8)));
	return asObject - asBackground;
}

/**
 * The cheapest assignment of a matrix of costs [rows, columns], row by row: for each row its column, -1 where it has none because rows outnumber
 * columns. The sum of the costs is the least there is; among assignments that cost the same the answer is always the same one. Costs are
 * finite; 1e9 forbids a pair. As scipy's linear_sum_assignment. Throws a TypeError or RangeError that names the argument.
 */
export function hungarian(costs: Float32Array | Float64Array | readonly number[], shape: readonly [number, number]): Int32Array {
	if (!Array.isArray(shape) || shape.length !== 2) refuse(TypeError, 'hungarian', 'shape', 'must be [rows, columns]', shape);
	const [rows, columns] = shape.map((n, i) => checkInteger('hungarian', `shape[${i}]`, n, 0, MOST_COSTS));
	const isList = Array.isArray(costs) || (ArrayBuffer.isView(costs) && !(costs instanceof DataView));
	if (!isList) refuse(TypeError, 'hungarian', 'costs', 'must be a Float64Array, a Float32Array or an array of numbers', costs);
	if (costs.length !== rows * columns) refuse(RangeError, 'hungarian', 'costs', `must have ${rows} x ${columns} entries`, costs.length);
	const copy = Float64Array.from(costs as ArrayLike<number>);
	const wrong = copy.findIndex((v) => !Number.isFinite(v));
	if (wrong >= 0) refuse(RangeError, 'hungarian', `costs[${wrong}]`, 'must be finite', copy[wrong]);
	return assign(copy, rows, columns);
}

/** As `hungarian`, of either proportion. */
function assign(costs: Float64Array, rows: number, columns: number): Int32Array {
	if (rows <= columns) return assignWide(costs, rows, columns);
	const turned = new Float64Array(costs.length);
	for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) turned[c * rows + r] = costs[r * columns + c];
	const out = new Int32Array(rows).fill(-1);
	assignWide(turned, columns, rows).forEach((row, column) => {
		out[row] = column;
	});
	return out;
}

/**
 * Every row gets a column, rows <= columns. Row by row, the shortest path from it to a free column over reduced costs (cost - u - v, never
 * negative, 0 on assigned pairs), by Dijkstra's rule; along the path rows and columns change partners.
 */
function assignWide(costs: Float64Array, rows: number, columns: number): Int32Array {
	const columnOf = new Int32Array(rows).fill(-1);
	const rowOf = new Int32Array(columns).fill(-1);
	const u = new Float64Array(rows);
	const v = new Float64Array(columns);
	const shortest = new Float64Array(columns);
	const cameFrom = new Int32Array(columns);
	const done = new Uint8Array(columns);
	for (let start = 0; start < rows; start++) {
		shortest.fill(Infinity);
		done.fill(0);
		const visited: number[] = [];
		let row = start;
		let length = 0;
		let sink = -1;
		while (sink < 0) {
			let nearest = -1;
			for (let c = 0; c < columns; c++) {
				if (done[c]) continue;
				const through = length + costs[row * columns + c] - u[row] - v[c];
				if (through < shortest[c]) {
					shortest[c] = through;
					cameFrom[c] = row;
				}
				// of equally near columns a free one, else the first
				if (nearest < 0 || shortest[c] < shortest[nearest] || (shortest[c] === shortest[nearest] && rowOf[c] < 0 && rowOf[nearest] >= 0)) nearest = c;
			}
			length = shortest[nearest];
			done[nearest] = 1;
			visited.push(nearest);
			if (rowOf[nearest] < 0) sink = nearest;
			else row = rowOf[nearest];
		}
		u[start] += length;
		for (const c of visited) {
			if (c !== sink) u[rowOf[c]] += length - shortest[c];
			v[c] -= length - shortest[c];
		}
		for (let c = sink; ; ) {
			const r = cameFrom[c];
			rowOf[c] = r;
			const before = columnOf[r];
			columnOf[r] = c;
			if (r === start) break;
			c = before;
		}
	}
	return columnOf;
}

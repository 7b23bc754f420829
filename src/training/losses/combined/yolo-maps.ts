// YOLO's output maps as rows, one for each anchor, and back: image, level, shape, y, x; a row is x, y, w, h, objectness, classes.

import { checkWord, refuse } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { sigmoid32 } from '../../../numbers.js';
import type { YoloTargets } from '../../targets/yolo.js';
import { product } from '../arithmetic.js';
import type { Loss } from '../loss.js';
import { checkList, readBatch, readPredictions } from './common.js';

/**
 * How a level's map [B, ...] is laid out. 'shapes-first' (default): [n, h, w, 5 + classes], as YOLOv5 reshapes it. 'channels-first':
 * [n (5 + classes), h, w], as a convolution leaves it. 'channels-last': [h, w, n (5 + classes)].
 */
export type YoloMapLayout = 'shapes-first' | 'channels-first' | 'channels-last';

/** A level of maps. */
export interface MapLevel {
	readonly grid: readonly [number, number];
	readonly numShapes: number;
}

/** Maps of a batch. */
export interface Maps {
	readonly levels: readonly MapLevel[];
	/** 5 + classes */
	readonly step: number;
	readonly numImages: number;
	readonly layout: YoloMapLayout;
	/** Anchors of one picture. */
	readonly numAnchors: number;
}

/** The maps of so many pictures; checks the layout. */
export function mapsOf(where: string, levels: readonly MapLevel[], numClasses: number, numImages: number, layout: unknown): Maps {
	const numAnchors = levels.reduce((sum, level) => sum + countOf(level), 0);
	const words = ['shapes-first', 'channels-first', 'channels-last'] as const;
	return { levels, step: 5 + numClasses, numImages, numAnchors, layout: checkWord(where, 'layout', layout ?? 'shapes-first', words) };
}

function countOf({ grid, numShapes }: MapLevel): number {
	return grid[0] * grid[1] * numShapes;
}

/** Calls back with the place in a map and the place in the rows of every number of a level of a picture. */
function eachNumber({ levels, step, layout, numAnchors }: Maps, l: number, b: number, visit: (inMap: number, inRows: number) => void): void {
	const { numShapes } = levels[l];
	const cells = levels[l].grid[0] * levels[l].grid[1];
	const first = b * cells * numShapes * step;
	let row = b * numAnchors;
	for (let k = 0; k < l; k++) row += countOf(levels[k]);
	for (let s = 0; s < numShapes; s++) {
		for (let cell = 0; cell < cells; cell++, row++) {
			for (let c = 0; c < step; c++) {
				const inMap =
					layout === 'shapes-first'
						? (s * cells + cell) * step + c
						: layout === 'channels-first'
							? (s * step + c) * cells + cell
							: (cell * numShapes + s) * step + c;
				visit(first + inMap, row * step + c);
			}
		}
	}
}

/** Rows [B A, 5 + classes] of maps, one for each level; `nameOf` says what a map is called in errors. */
export function readMaps(where: string, value: unknown, maps: Maps, nameOf = (l: number) => `predictions[${l}]`): Float32Array {
	const { levels, step, numImages, numAnchors } = maps;
	if (!Array.isArray(value) || value.length !== levels.length) {
		refuse(TypeError, where, 'predictions', `must be a list of maps, one for each of ${levels.length} levels`, value);
	}
	const rows = new Float32Array(numImages * numAnchors * step);
	levels.forEach((level, l) => {
		const shape = `${numImages} times ${level.numShapes} x ${level.grid[0]} x ${level.grid[1]} x ${step}`;
		const map = readPredictions(where, nameOf(l), value[l] as FloatsLike, numImages * countOf(level) * step, shape);
		for (let b = 0; b < numImages; b++) {
			eachNumber(maps, l, b, (inMap, inRows) => {
				rows[inRows] = map[inMap];
			});
		}
	});
	return rows;
}

/** Maps of rows, the inverse of `readMaps`. */
export function writeMaps(rows: Float32Array, maps: Maps): Float32Array[] {
	return maps.levels.map((level, l) => {
		const map = new Float32Array(maps.numImages * countOf(level) * maps.step);
		for (let b = 0; b < maps.numImages; b++) {
			eachNumber(maps, l, b, (inMap, inRows) => {
				map[inMap] = rows[inRows];
			});
		}
		return map;
	});
}

/** Dense targets of a batch in the order of the rows. */
export interface DenseBatch {
	readonly first: YoloTargets;
	readonly numImages: number;
	readonly labels: Int32Array;
	/** [B A, 5 + classes] */
	readonly targets: Float32Array;
	readonly boxWeights: Float32Array;
	readonly objectnessWeights: Float32Array;
	/** [B A, 2] width and height of the anchors, in cells. */
	readonly shapes: Float32Array;
	/** Rows. */
	readonly positives: Uint32Array;
}

/** Reads what `yoloTargets` made for each picture. */
export function readDense(where: string, value: YoloTargets | readonly YoloTargets[]): DenseBatch {
	const batch = readBatch(where, value);
	for (const { name, targets } of batch) checkDense(where, name, targets, batch[0].targets);
	const [{ targets: first }] = batch;
	const step = 5 + first.numClasses;
	const numAnchors = first.labels.length;
	const total = batch.length * numAnchors;
	const order = anchorOrder(first);
	const out = {
		...{ first, numImages: batch.length, labels: new Int32Array(total), targets: new Float32Array(total * step) },
		...{ boxWeights: new Float32Array(total), objectnessWeights: new Float32Array(total), shapes: new Float32Array(total * 2) },
	};
	batch.forEach(({ targets: own }, b) => {
		order.anchors.forEach((a, i) => {
			const row = b * numAnchors + i;
			out.labels[row] = own.labels[a];
			out.boxWeights[row] = own.boxWeights[a];
			out.objectnessWeights[row] = own.objectnessWeights[a];
			out.targets.set(own.targets.subarray(a * step, (a + 1) * step), row * step);
			out.shapes.set(order.shapes.subarray(i * 2, i * 2 + 2), row * 2);
		});
	});
	return { ...out, positives: Uint32Array.from(out.labels.keys()).filter((row) => out.labels[row] > 0) };
}

function checkDense(where: string, name: string, value: YoloTargets | undefined, first: YoloTargets): void {
	const { levels, labels, targets, boxWeights, objectnessWeights, numClasses, coding, order } = (value ?? {}) as Partial<YoloTargets>;
	if (!Array.isArray(levels) || !labels) refuse(TypeError, where, name, 'must be the answer of yoloTargets', value);
	if (coding !== 'darknet') refuse(RangeError, where, `${name}.coding`, "must be 'darknet'", coding, 'the textbook has no logarithms');
	const same = numClasses === first.numClasses && order === first.order && String(levels.map((l) => l.dims)) === String(first.levels.map((l) => l.dims));
	if (!same) refuse(RangeError, where, name, 'must have the levels, order and classes of the first picture', value);
	const count = levels.reduce((sum, { dims }) => sum + dims[0] * dims[1] * dims[2], 0);
	checkList(where, `${name}.labels`, labels, 'Int32Array', count);
	checkList(where, `${name}.targets`, targets, 'Float32Array', count * (5 + first.numClasses));
	checkList(where, `${name}.boxWeights`, boxWeights, 'Float32Array', count);
	checkList(where, `${name}.objectnessWeights`, objectnessWeights, 'Float32Array', count);
}

/** For each row of a picture (level, shape, y, x) the anchor as the targets number it, and its size in cells. */
function anchorOrder({ levels, order }: YoloTargets): { anchors: number[]; shapes: Float32Array } {
	const anchors: number[] = [];
	const sizes: number[] = [];
	let first = 0;
	for (const { grid, shapes } of levels) {
		const cells = grid[0] * grid[1];
		const numShapes = shapes.length / 2;
		for (let s = 0; s < numShapes; s++) {
			for (let cell = 0; cell < cells; cell++) {
				anchors.push(first + (order === 'ayx' ? s * cells + cell : cell * numShapes + s));
				sizes.push(shapes[s * 2], shapes[s * 2 + 1]);
			}
		}
		first += cells * numShapes;
	}
	return { anchors, shapes: Float32Array.from(sizes) };
}

/** The levels of dense targets. */
export function levelsOf({ levels }: YoloTargets): MapLevel[] {
	return levels.map(({ grid, shapes }) => ({ grid, numShapes: shapes.length / 2 }));
}

/** A loss of sigmoids, with its gradients by the logits. */
export function throughSigmoid(logits: Float32Array, loss: (probabilities: Float32Array) => Loss): Loss {
	const result = loss(logits.map(sigmoid32));
	return { ...result, gradients: result.gradients.map((g, i) => product(g, product(sigmoid32(logits[i]), sigmoid32(-logits[i])))) };
}

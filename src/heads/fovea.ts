// FoveaBox (Kong et al. 2020), as mmdetection has it (mmdet/models/dense_heads/fovea_head.py): one point per cell on levels
// P3 to P7, the logs of the distances to the four sides in base edges of the level, independent sigmoid classes.

import { checkPositive } from '../anchors/levels.js';
import { anchorPoints } from '../anchors/points.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import { distances } from '../codecs/distances.js';
import { checkClasses, checkInput, type HeadLayout } from './common.js';
import type { Head } from './head.js';
import { type DenseTensor, denseTensors, readClip, readCut } from './maps.js';

/** Options of `fovea`. */
export interface FoveaOptions {
	numClasses: number;
	/** Network input in pixels, [height, width], after padding. */
	inputSize: readonly [number, number];
	/** 'levels' (default): a class map and a box map per level, fine to coarse, first all class maps. 'concatenated': two tensors over all levels. */
	outputs?: 'levels' | 'concatenated';
	/** Default 'auto': told from the dims, channels first where both fit. 'anchors-first' means channels last in maps. */
	layout?: HeadLayout;
	/** Default [8, 16, 32, 64, 128]. Grids are ceil(input / stride). */
	strides?: readonly number[];
	/** Pixels that a box number of 0 stands for, of each level. Default 2 strides: 16, 32, 64, 128, 256. */
	baseEdges?: readonly number[];
	/** Boxes are clipped to [height, width] pixels before suppression. Default [height - 1, width - 1] of the input, false for none. */
	clip?: readonly [number, number] | false;
	/** Default 1000, false for none. */
	maxCandidatesPerLevel?: number | false;
}

const KNOWN = ['numClasses', 'inputSize', 'outputs', 'layout', 'strides', 'baseEdges', 'clip', 'maxCandidatesPerLevel'] as const;

/**
 * The head of FoveaBox: classes [numClasses, y, x] and boxes [4, y, x] (left, top, right, bottom) for each level, or [points,
 * numClasses] and [points, 4]. Every class above the threshold is a candidate (mmdetection: score 0.05, IoU 0.5). Throws a
 * TypeError or RangeError that names the option.
 */
export function fovea(options: FoveaOptions): Head {
	const given = readOptions('fovea', 'options', options, KNOWN) as Partial<FoveaOptions>;
	const numClasses = checkClasses('fovea', given.numClasses);
	const inputSize = checkInput('fovea', given.inputSize);
	const outputs = checkWord('fovea', 'outputs', given.outputs ?? 'levels', ['levels', 'concatenated']);
	const strides = checkPositive('fovea', 'strides', given.strides ?? [8, 16, 32, 64, 128]);
	const edges = checkPositive('fovea', 'baseEdges', given.baseEdges ?? strides.map((stride) => 2 * stride));
	if (edges.length !== strides.length) refuse(RangeError, 'fovea', 'baseEdges', `must have one edge per stride, ${strides.length}`, edges);
	const kinds: DenseTensor[] = [
		{ field: 'classes', name: 'classes', aliases: ['cls_score', 'scores', 'logits'], channels: numClasses },
		{ field: 'box', name: 'boxes', aliases: ['bbox_pred'], channels: 4 },
	];
	const dense = denseTensors('fovea', kinds, { outputs, inputSize, strides, shapes: 1, layout: given.layout ?? 'auto' });
	const [height, width] = inputSize;
	return {
		name: 'fovea',
		inputSize,
		numClasses,
		...dense,
		score: { activation: 'sigmoid' },
		codec: distances({ activation: 'exp' }),
		anchors: edgedPoints(inputSize, strides, edges),
		multiLabel: true,
		...readClip('fovea', given.clip, [height - 1, width - 1]),
		...readCut('fovea', given.maxCandidatesPerLevel, 1000, dense, strides.length),
	};
}

/** The middles of the cells, with the level's base edge for a unit. */
function edgedPoints(inputSize: readonly [number, number], strides: readonly number[], edges: readonly number[]): Float32Array {
	return Float32Array.from(
		strides.flatMap((stride, i) => Array.from(anchorPoints({ inputSize, strides: [stride] }), (value, k) => (k % 4 < 2 ? value : edges[i]))),
	);
}

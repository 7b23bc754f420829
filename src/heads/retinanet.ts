// RetinaNet: nine anchors per cell on levels P3 to P7, deltas and independent sigmoid classes (Lin et al. 2017, as in
// torchvision, detectron2 and mmdetection). Per level a class map and a box map, or all levels concatenated.

import { type AnchorGridOptions, anchorGrid } from '../anchors/grid.js';
import { checkPositive, levelGrids } from '../anchors/levels.js';
import { checkWord, readOptions } from '../checks.js';
import { DELTA_CLAMP, deltas } from '../codecs/deltas.js';
import { checkClasses, checkInput, flatLayouts } from './common.js';
import type { Axis, Head, Level, TensorSpec } from './head.js';

/** Whose anchors and deltas; they differ in rounding, in the order inside a cell, and in the clamp. */
export type RetinanetStyle = 'torchvision' | 'detectron2' | 'mmdet';

/** Options of `retinanet`. */
export interface RetinanetOptions {
	/** Logits per anchor. torchvision's COCO model has 91. */
	numClasses: number;
	/** Network input in pixels, [height, width], after padding. */
	inputSize: readonly [number, number];
	/** Default 'torchvision'. */
	style?: RetinanetStyle;
	/** 'levels' (default): a class map and a box map per level, fine to coarse, first all class maps. 'concatenated': two tensors over all levels. */
	outputs?: 'levels' | 'concatenated';
	/** Default [8, 16, 32, 64, 128]. */
	strides?: readonly number[];
	/** Anchor sizes of each level in pixels; default 4 strides times 1, 2^(1/3), 2^(2/3) (whole pixels for 'torchvision'). */
	sizes?: AnchorGridOptions['sizes'];
	/** Heights over widths. Default [0.5, 1, 2]. */
	ratios?: readonly number[];
	/** Standard deviations of the deltas. Default [1, 1, 1, 1]. */
	variances?: readonly number[];
}

/** The head of RetinaNet. Candidates are anchor and class pairs. */
export function retinanet(options: RetinanetOptions): Head {
	const known = ['numClasses', 'inputSize', 'style', 'outputs', 'strides', 'sizes', 'ratios', 'variances'] as const;
	const given = readOptions('retinanet', 'options', options, known) as Partial<RetinanetOptions>;
	const numClasses = checkClasses('retinanet', given.numClasses);
	const inputSize = checkInput('retinanet', given.inputSize);
	const style = checkWord('retinanet', 'style', given.style ?? 'torchvision', ['torchvision', 'detectron2', 'mmdet']);
	const outputs = checkWord('retinanet', 'outputs', given.outputs ?? 'levels', ['levels', 'concatenated']);
	const strides = checkPositive('retinanet', 'strides', given.strides ?? [8, 16, 32, 64, 128]);
	const ratios = checkPositive('retinanet', 'ratios', given.ratios ?? [0.5, 1, 2]);
	const sizes = given.sizes ?? strides.map((s) => [0, 1, 2].map((octave) => octaveSize(s * 4, octave, style)));
	const anchors = anchorGrid({ inputSize, strides, sizes, ratios, style });
	const numAnchors = anchors.length / 4;
	const shapes = sizes.map((size) => (typeof size === 'number' ? 1 : size.length) * ratios.length);
	const { tensors, levels } = outputs === 'levels' ? mapsPerLevel(numClasses, inputSize, strides, shapes) : concatenated(numClasses, numAnchors);
	return {
		name: 'retinanet',
		inputSize,
		numClasses,
		numAnchors,
		tensors,
		levels,
		score: { activation: 'sigmoid' },
		codec: deltas({ variances: given.variances ?? [1, 1, 1, 1], clamp: style === 'mmdet' ? [-DELTA_CLAMP, DELTA_CLAMP] : DELTA_CLAMP }),
		anchors,
		multiLabel: true,
	};
}

// torchvision truncates: 32, 40, 50 where the others have 32, 40.32, 50.80
function octaveSize(size: number, octave: number, style: RetinanetStyle): number {
	const exact = size * 2 ** (octave / 3);
	return style === 'torchvision' ? Math.trunc(exact) : exact;
}

function mapsPerLevel(numClasses: number, inputSize: readonly [number, number], strides: readonly number[], shapes: readonly number[]) {
	const grids = levelGrids('retinanet', inputSize, strides);
	const layouts: readonly (readonly Axis[])[] = [
		['shape-channel', 'y', 'x'],
		['y', 'x', 'shape-channel'],
		['anchor', 'channel'],
	];
	const spec = (name: string, alias: string, i: number, channel: number): TensorSpec => {
		const [y, x] = grids[i];
		return { name: `${name}_p${3 + i}`, aliases: [`${alias}_${i}`], layouts, sizes: { shape: shapes[i], channel, y, x, anchor: y * x * shapes[i] } };
	};
	const tensors = [...strides.map((_, i) => spec('classes', 'cls_logits', i, numClasses)), ...strides.map((_, i) => spec('boxes', 'bbox_regression', i, 4))];
	let firstAnchor = 0;
	const levels = strides.map((stride, i): Level => {
		const numAnchors = grids[i][0] * grids[i][1] * shapes[i];
		const level: Level = {
			firstAnchor,
			numAnchors,
			grid: [grids[i][0], grids[i][1]],
			numShapes: shapes[i],
			order: 'yxa',
			stride,
			box: { tensor: strides.length + i, channel: 0 },
			classes: { tensor: i, channel: 0 },
		};
		firstAnchor += numAnchors;
		return level;
	});
	return { tensors, levels };
}

function concatenated(numClasses: number, numAnchors: number): { tensors: TensorSpec[]; levels: Level[] } {
	const layouts = flatLayouts('retinanet', 'auto', 'anchors-first');
	return {
		tensors: [
			{ name: 'classes', aliases: ['cls_logits', 'scores', 'logits'], layouts, sizes: { anchor: numAnchors, channel: numClasses } },
			{ name: 'boxes', aliases: ['bbox_regression', 'box_deltas'], layouts, sizes: { anchor: numAnchors, channel: 4 } },
		],
		levels: [
			{
				firstAnchor: 0,
				numAnchors,
				grid: [1, numAnchors],
				numShapes: 1,
				order: 'yxa',
				stride: 1,
				box: { tensor: 1, channel: 0 },
				classes: { tensor: 0, channel: 0 },
			},
		],
	};
}

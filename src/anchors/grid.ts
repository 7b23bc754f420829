// Anchors of region proposal networks, RetinaNet and EfficientDet: every cell of every level carries the same base boxes.
// The references disagree in rounding, in the order inside a cell, in where the cell's centre is and how far cells are
// apart; `style` says whose rules hold. ratio = height / width in all but EfficientDet. Order: level, y, x, anchor.

import { checkWord, readOptions, refuse } from '../checks.js';
import { roundHalfEven } from '../numbers.js';
import { boxAbout, checkPositive, checkPositiveNumber, type GridSize, levelGrids, levelSizes, type TiledLevel, tileCells } from './levels.js';

/**
 * Whose rules. What each rounds, its order inside a cell, the centre of cell 0, and the step from cell to cell:
 * - 'torchvision': AnchorGenerator, models/detection/anchor_utils.py. Corners half to even; ratios outer; 0; floor(input / grid).
 * - 'detectron2': DefaultAnchorGenerator, modeling/anchor_generator.py. Nothing; sizes outer; 0 (its class default is 0.5 strides); stride.
 * - 'mmdet': AnchorGenerator, mmdet/models/task_modules/prior_generators/anchor_generator.py. Nothing; ratios outer; 0; stride.
 * - 'mmdet-legacy': LegacyAnchorGenerator of the same file. Corners, inclusive pixels; ratios outer; (stride - 1) / 2; stride.
 * - 'detectron': generate_anchors.py of py-faster-rcnn, Detectron and maskrcnn-benchmark. Sides at the size of one cell,
 *   inclusive pixels; ratios outer; (stride - 1) / 2; stride.
 * - 'nvidia': odtk/box.py of NVIDIA's retinanet-examples. As 'detectron', but sizes outer and ratios 1, 2, 0.5.
 * - 'keras-retinanet': utils/anchors.py of fizyr's. Nothing; ratios outer; stride / 2; stride.
 * - 'efficientdet': tf2/anchors.py of google/automl. Nothing; sizes outer; stride / 2; input / grid, a fraction; ratio = width / height.
 */
export type AnchorStyle = 'torchvision' | 'detectron2' | 'mmdet' | 'mmdet-legacy' | 'detectron' | 'nvidia' | 'keras-retinanet' | 'efficientdet';

/** One number, or width and height as factors of the size. */
export type AnchorRatio = number | readonly [number, number];

/** Options of `anchorGrid`. */
export interface AnchorGridOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Pixels per cell of each level. 'torchvision' uses floor(input / grid) instead, 'efficientdet' the fraction input / grid. */
	strides: readonly number[];
	/** Grids in cells; default ceil(input / stride). */
	gridSizes?: readonly GridSize[];
	/** Anchor sizes (square root of the area) in pixels, one or several per level. EfficientDet: 4 strides; it grows with the fractional stride. */
	sizes: readonly (number | readonly number[])[];
	/**
	 * Heights over widths; widths over heights for 'efficientdet', which also takes pairs: [1.4, 0.7] is 1.4 sizes wide and
	 * 0.7 high, in any area. Default [0.5, 1, 2]; [1, 2, 0.5] for 'efficientdet' and 'nvidia'.
	 */
	ratios?: readonly AnchorRatio[];
	/** Factors on every size. Default [1]. RetinaNet and EfficientDet: 1, 2^(1/3), 2^(2/3). */
	scales?: readonly number[];
	/** Default 'torchvision'. */
	style?: AnchorStyle;
	/** Where in the cell its anchors are centred, in cells. Default 0 for 'torchvision', 'detectron2' and 'mmdet', else 0.5. */
	offset?: number;
}

interface Style {
	/** Half to even: the corners; or the sides at the size of one cell, before they grow to the anchor's. */
	readonly rounded: 'no' | 'corners' | 'cell';
	/** Sizes outermost inside a cell; otherwise ratios. */
	readonly sizesOuter: boolean;
	readonly offset: number;
	/** Corners on pixel centres: a box of w pixels spans w - 1. */
	readonly inclusive: boolean;
	/** From cell to cell: the stride as given, or input / grid, by whole pixels or not. */
	readonly step: 'stride' | 'whole' | 'fraction';
	/** Default, as the source lists them. */
	readonly ratios: readonly number[];
}

const STYLES: Record<AnchorStyle, Style> = {
	torchvision: { rounded: 'corners', sizesOuter: false, offset: 0, inclusive: false, step: 'whole', ratios: [0.5, 1, 2] },
	detectron2: { rounded: 'no', sizesOuter: true, offset: 0, inclusive: false, step: 'stride', ratios: [0.5, 1, 2] },
	mmdet: { rounded: 'no', sizesOuter: false, offset: 0, inclusive: false, step: 'stride', ratios: [0.5, 1, 2] },
	'mmdet-legacy': { rounded: 'corners', sizesOuter: false, offset: 0.5, inclusive: true, step: 'stride', ratios: [0.5, 1, 2] },
	detectron: { rounded: 'cell', sizesOuter: false, offset: 0.5, inclusive: true, step: 'stride', ratios: [0.5, 1, 2] },
	nvidia: { rounded: 'cell', sizesOuter: true, offset: 0.5, inclusive: true, step: 'stride', ratios: [1, 2, 0.5] },
	'keras-retinanet': { rounded: 'no', sizesOuter: false, offset: 0.5, inclusive: false, step: 'stride', ratios: [0.5, 1, 2] },
	efficientdet: { rounded: 'no', sizesOuter: true, offset: 0.5, inclusive: false, step: 'fraction', ratios: [1, 2, 0.5] },
};
export const ANCHOR_STYLES = /* @__PURE__ */ Object.keys(STYLES) as readonly AnchorStyle[];

/**
 * Anchors [N, 4], xyxy in input pixels, not clipped; the first cell's rounded to float32 and then moved, in float32. Also
 * torchvision's FCOS: sizes equal to the strides, ratios [1]. Throws a TypeError or RangeError that names the element at fault.
 * With sizes [[32, 40, 50]], strides [8] and style 'torchvision' the first base anchor is [-23, -11, 23, 11].
 */
export function anchorGrid(options: AnchorGridOptions): Float32Array {
	const known = ['inputSize', 'strides', 'gridSizes', 'sizes', 'ratios', 'scales', 'style', 'offset'] as const;
	const given = readOptions('anchorGrid', 'options', options, known) as AnchorGridOptions;
	const { inputSize, strides, scales = [1], style = 'torchvision', offset } = given;
	const rules = STYLES[checkWord('anchorGrid', 'style', style, ANCHOR_STYLES)];
	if (offset !== undefined && !Number.isFinite(offset)) refuse(RangeError, 'anchorGrid', 'offset', 'must be a finite number', offset);
	const grids = levelGrids('anchorGrid', inputSize, strides, given.gridSizes);
	const ratios = readRatios(given.ratios ?? rules.ratios, style);
	checkPositive('anchorGrid', 'scales', scales);
	const sizes = levelSizes('anchorGrid', given.sizes, strides);

	const levels = grids.map((grid, i): TiledLevel => {
		const stepX = stepOf(rules, strides[i], inputSize[1], grid[1]);
		const stepY = stepOf(rules, strides[i], inputSize[0], grid[0]);
		// EfficientDet's sizes are multiples of the fractional stride, side by side
		const [growX, growY] = rules.step === 'fraction' ? [stepX / strides[i], stepY / strides[i]] : [1, 1];
		const shapes = baseShapes(sizes[i], scales, ratios, rules, strides[i]);
		const boxes = shapes.map(([w, h]) => baseAnchor(w * growX, h * growY, rules, offset ?? rules.offset, stepX, stepY));
		return { grid, boxes, stepX, stepY };
	});
	return tileCells(levels);
}

/** The ratios, checked; EfficientDet's as pairs. */
function readRatios(ratios: unknown, style: AnchorStyle): readonly AnchorRatio[] {
	if (style !== 'efficientdet') return checkPositive('anchorGrid', 'ratios', ratios);
	if (!Array.isArray(ratios) || ratios.length === 0) refuse(TypeError, 'anchorGrid', 'ratios', 'must be a list with at least one ratio', ratios);
	return ratios.map((ratio, i) => {
		if (typeof ratio === 'number') return [Math.sqrt(checkPositiveNumber('anchorGrid', `ratios[${i}]`, ratio)), 1 / Math.sqrt(ratio)] as const;
		const pair = checkPositive('anchorGrid', `ratios[${i}]`, ratio);
		if (pair.length !== 2) refuse(RangeError, 'anchorGrid', `ratios[${i}]`, 'must be a number or [width, height]', ratio);
		return [pair[0], pair[1]] as const;
	});
}

function stepOf(rules: Style, stride: number, input: number, cells: number): number {
	if (rules.step === 'stride') return stride;
	return rules.step === 'whole' ? Math.floor(input / cells) : input / cells;
}

/** Widths and heights of one cell's anchors, in the order of the style. */
function baseShapes(sizes: readonly number[], scales: readonly number[], ratios: readonly AnchorRatio[], rules: Style, stride: number): number[][] {
	const scaled = sizes.flatMap((size) => scales.map((scale) => size * scale));
	const shapeOf = (size: number, ratio: AnchorRatio) => {
		if (typeof ratio !== 'number') return [size * ratio[0], size * ratio[1]];
		if (rules.rounded !== 'cell') return [size / Math.sqrt(ratio), size * Math.sqrt(ratio)];
		const width = roundHalfEven(stride / Math.sqrt(ratio));
		return [(width * size) / stride, (roundHalfEven(width * ratio) * size) / stride];
	};
	return rules.sizesOuter
		? scaled.flatMap((size) => ratios.map((ratio) => shapeOf(size, ratio)))
		: ratios.flatMap((ratio) => scaled.map((size) => shapeOf(size, ratio)));
}

/** One anchor of the cell at the origin. */
function baseAnchor(width: number, height: number, rules: Style, offset: number, stepX: number, stepY: number): [number, number, number, number] {
	const less = rules.inclusive ? 1 : 0;
	const box = boxAbout(offset * (stepX - less), offset * (stepY - less), width - less, height - less);
	if (rules.rounded === 'corners') box.forEach((v, i) => (box[i] = roundHalfEven(v)));
	return box;
}

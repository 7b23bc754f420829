// Anchors of region proposal networks, RetinaNet and EfficientDet: every cell of every level carries the same base boxes.
// The references disagree in rounding, in the order inside a cell, in where the cell's centre is and how far cells are
// apart; `style` says whose rules hold. ratio = height / width in all but EfficientDet. Order: level, y, x, anchor.

import { checkWord, readOptions, refuse } from '../checks.js';
import { roundHalfEven } from '../numbers.js';
import { checkPositive, type GridSize, levelGrids, levelSizes } from './levels.js';

/**
 * Whose rules: torchvision AnchorGenerator, detectron2 DefaultAnchorGenerator, mmdetection AnchorGenerator and
 * LegacyAnchorGenerator, fizyr keras-retinanet, google/automl EfficientDet; 'detectron' is the generate_anchors of
 * py-faster-rcnn, Detectron and maskrcnn-benchmark, and 'nvidia' the same in NVIDIA's retinanet-examples.
 */
export type AnchorStyle = 'torchvision' | 'detectron2' | 'mmdet' | 'mmdet-legacy' | 'detectron' | 'nvidia' | 'keras-retinanet' | 'efficientdet';

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
	/** Heights over widths; widths over heights for 'efficientdet'. Default [0.5, 1, 2]; [1, 2, 0.5] for 'efficientdet' and 'nvidia'. */
	ratios?: readonly number[];
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
 * Anchors [N, 4], xyxy in input pixels, not clipped. Throws a TypeError or RangeError that names the element at fault.
 * With sizes [[32, 40, 50]], strides [8] and style 'torchvision' the first base anchor is [-23, -11, 23, 11].
 */
export function anchorGrid(options: AnchorGridOptions): Float32Array {
	const known = ['inputSize', 'strides', 'gridSizes', 'sizes', 'ratios', 'scales', 'style', 'offset'] as const;
	const given = readOptions('anchorGrid', 'options', options, known) as AnchorGridOptions;
	const { inputSize, strides, scales = [1], style = 'torchvision', offset } = given;
	const rules = STYLES[checkWord('anchorGrid', 'style', style, ANCHOR_STYLES)];
	if (offset !== undefined && !Number.isFinite(offset)) refuse(RangeError, 'anchorGrid', 'offset', 'must be a finite number', offset);
	const grids = levelGrids('anchorGrid', inputSize, strides, given.gridSizes);
	const listed = checkPositive('anchorGrid', 'ratios', given.ratios ?? rules.ratios);
	const ratios = style === 'efficientdet' ? listed.map((ratio) => 1 / ratio) : listed;
	checkPositive('anchorGrid', 'scales', scales);
	const sizes = levelSizes('anchorGrid', given.sizes, strides);

	const rows: number[] = [];
	grids.forEach(([height, width], i) => {
		const strideY = stepOf(rules, strides[i], inputSize[0], height);
		const strideX = stepOf(rules, strides[i], inputSize[1], width);
		const shapes = baseShapes(sizes[i], scales, ratios, rules, strides[i]);
		// EfficientDet's sizes are multiples of the fractional stride, side by side
		const [growX, growY] = rules.step === 'fraction' ? [strideX / strides[i], strideY / strides[i]] : [1, 1];
		const base = shapes.map(([w, h]) => baseAnchor(w * growX, h * growY, rules, offset ?? rules.offset, strideX, strideY));
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) {
				for (const [x1, y1, x2, y2] of base) rows.push(x1 + x * strideX, y1 + y * strideY, x2 + x * strideX, y2 + y * strideY);
			}
		}
	});
	return Float32Array.from(rows);
}

function stepOf(rules: Style, stride: number, input: number, cells: number): number {
	if (rules.step === 'stride') return stride;
	return rules.step === 'whole' ? Math.floor(input / cells) : input / cells;
}

/** Widths and heights of one cell's anchors, in the order of the style. */
function baseShapes(sizes: readonly number[], scales: readonly number[], ratios: readonly number[], rules: Style, stride: number): number[][] {
	const scaled = sizes.flatMap((size) => scales.map((scale) => size * scale));
	const shapeOf = (size: number, ratio: number) => {
		if (rules.rounded !== 'cell') return [size / Math.sqrt(ratio), size * Math.sqrt(ratio)];
		const width = roundHalfEven(stride / Math.sqrt(ratio));
		return [(width * size) / stride, (roundHalfEven(width * ratio) * size) / stride];
	};
	return rules.sizesOuter
		? scaled.flatMap((size) => ratios.map((ratio) => shapeOf(size, ratio)))
		: ratios.flatMap((ratio) => scaled.map((size) => shapeOf(size, ratio)));
}

/** One anchor of the cell at the origin. */
function baseAnchor(width: number, height: number, rules: Style, offset: number, strideX: number, strideY: number): number[] {
	const less = rules.inclusive ? 1 : 0;
	const centreX = offset * (strideX - less);
	const centreY = offset * (strideY - less);
	const halfWidth = (width - less) / 2;
	const halfHeight = (height - less) / 2;
	const box = [centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight];
	return rules.rounded === 'corners' ? box.map(roundHalfEven) : box;
}

// Anchors of region proposal networks and RetinaNet: every cell of every level carries the same base boxes.
// The references disagree in rounding, in the order inside a cell and in where the cell's centre is; `style` says whose
// rules hold. ratio = height / width in all of them. Order: level, y, x, anchor.

import { checkWord, readOptions, refuse } from '../checks.js';
import { roundHalfEven } from '../numbers.js';
import { checkPositive, type GridSize, levelGrids } from './levels.js';

/** Whose rules: torchvision AnchorGenerator, detectron2 DefaultAnchorGenerator, mmdetection AnchorGenerator and LegacyAnchorGenerator, fizyr keras-retinanet. */
export type AnchorStyle = 'torchvision' | 'detectron2' | 'mmdet' | 'mmdet-legacy' | 'keras-retinanet';
export const ANCHOR_STYLES: readonly AnchorStyle[] = ['torchvision', 'detectron2', 'mmdet', 'mmdet-legacy', 'keras-retinanet'];

/** Options of `anchorGrid`. */
export interface AnchorGridOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Pixels per cell of each level. 'torchvision' uses floor(input / grid) instead. */
	strides: readonly number[];
	/** Grids in cells; default ceil(input / stride). */
	gridSizes?: readonly GridSize[];
	/** Anchor sizes (square root of the area) in pixels, one or several per level. */
	sizes: readonly (number | readonly number[])[];
	/** Heights over widths. Default [0.5, 1, 2]. */
	ratios?: readonly number[];
	/** Factors on every size. Default [1]. RetinaNet: 1, 2^(1/3), 2^(2/3). */
	scales?: readonly number[];
	/** Default 'torchvision'. */
	style?: AnchorStyle;
	/** Where in the cell its anchors are centred, in cells. Default 0; 0.5 for 'keras-retinanet' and 'mmdet-legacy'. */
	offset?: number;
}

interface Style {
	/** Base anchors rounded half to even. */
	readonly rounded: boolean;
	/** Sizes outermost inside a cell; otherwise ratios. */
	readonly sizesOuter: boolean;
	readonly offset: number;
	/** Corners on pixel centres: a box of w pixels spans w - 1. */
	readonly inclusive: boolean;
}

const STYLES: Record<AnchorStyle, Style> = {
	torchvision: { rounded: true, sizesOuter: false, offset: 0, inclusive: false },
	detectron2: { rounded: false, sizesOuter: true, offset: 0, inclusive: false },
	mmdet: { rounded: false, sizesOuter: false, offset: 0, inclusive: false },
	'mmdet-legacy': { rounded: true, sizesOuter: false, offset: 0.5, inclusive: true },
	'keras-retinanet': { rounded: false, sizesOuter: false, offset: 0.5, inclusive: false },
};

/**
 * Anchors [N, 4], xyxy in input pixels, not clipped. Throws a TypeError or RangeError that names the element at fault.
 * With sizes [[32, 40, 50]], strides [8] and style 'torchvision' the first base anchor is [-23, -11, 23, 11].
 */
export function anchorGrid(options: AnchorGridOptions): Float32Array {
	const known = ['inputSize', 'strides', 'gridSizes', 'sizes', 'ratios', 'scales', 'style', 'offset'] as const;
	const {
		inputSize,
		strides,
		gridSizes,
		sizes,
		ratios = [0.5, 1, 2],
		scales = [1],
		style = 'torchvision',
		offset,
	} = readOptions('anchorGrid', 'options', options, known) as AnchorGridOptions;
	const rules = STYLES[checkWord('anchorGrid', 'style', style, ANCHOR_STYLES)];
	if (offset !== undefined && !Number.isFinite(offset)) refuse(RangeError, 'anchorGrid', 'offset', 'must be a finite number', offset);
	const grids = levelGrids('anchorGrid', inputSize, strides, gridSizes);
	checkPositive('anchorGrid', 'ratios', ratios);
	checkPositive('anchorGrid', 'scales', scales);
	if (!Array.isArray(sizes) || sizes.length !== strides.length)
		refuse(RangeError, 'anchorGrid', 'sizes', `must have one entry per stride, ${strides.length}`, sizes);
	const perLevel = sizes.map((size, i) => {
		const list = checkPositive('anchorGrid', `sizes[${i}]`, typeof size === 'number' ? [size] : size);
		return list.flatMap((s) => scales.map((scale) => s * scale));
	});

	const rows: number[] = [];
	grids.forEach(([height, width], i) => {
		// torchvision derives the stride from the grid, by whole pixels
		const strideY = style === 'torchvision' ? Math.floor(inputSize[0] / height) : strides[i];
		const strideX = style === 'torchvision' ? Math.floor(inputSize[1] / width) : strides[i];
		const base = baseAnchors(perLevel[i], ratios, rules, offset ?? rules.offset, strideX, strideY);
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) {
				for (const [x1, y1, x2, y2] of base) rows.push(x1 + x * strideX, y1 + y * strideY, x2 + x * strideX, y2 + y * strideY);
			}
		}
	});
	return Float32Array.from(rows);
}

/** The anchors of the cell at the origin, in the order of the style. */
function baseAnchors(sizes: readonly number[], ratios: readonly number[], rules: Style, offset: number, strideX: number, strideY: number): number[][] {
	const pairs = rules.sizesOuter
		? sizes.flatMap((size) => ratios.map((ratio) => [size, ratio]))
		: ratios.flatMap((ratio) => sizes.map((size) => [size, ratio]));
	const less = rules.inclusive ? 1 : 0;
	const centreX = offset * (strideX - less);
	const centreY = offset * (strideY - less);
	return pairs.map(([size, ratio]) => {
		const halfWidth = (size / Math.sqrt(ratio) - less) / 2;
		const halfHeight = (size * Math.sqrt(ratio) - less) / 2;
		const box = [centreX - halfWidth, centreY - halfHeight, centreX + halfWidth, centreY + halfHeight];
		return rules.rounded ? box.map(roundHalfEven) : box;
	});
}

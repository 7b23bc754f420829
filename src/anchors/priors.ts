// SSD's default boxes (Caffe PriorBox, torchvision DefaultBoxGenerator, mmdetection SSDAnchorGenerator): a small and a
// larger square, then pairs of elongated boxes, centred in every cell. ratio = width / height. Order: level, y, x, box.

import { checkSize } from '../boxes/formats.js';
import { checkWord, readOptions, refuse } from '../checks.js';
import { checkPositive, type GridSize, levelGrids } from './levels.js';

/** Whose rules: torchvision, Caffe's prior_box_layer, mmdetection. */
export type PriorStyle = 'torchvision' | 'caffe' | 'mmdet';
const STYLES: readonly PriorStyle[] = ['torchvision', 'caffe', 'mmdet'];

/** Options of `ssdPriors`. Levels, steps, ratios and scales default to SSD300's when the input is 300 x 300. */
export interface SsdPriorOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Grids in cells, one per level. */
	gridSizes?: readonly GridSize[];
	/** Pixels per cell of each level. Without it the quotient input / grid, which may be fractional. */
	steps?: readonly number[];
	/** Sizes as fractions of the input: one per level and one more, whose square root with the last makes the larger square. */
	scales?: readonly number[];
	/** Elongations of each level, above 1; each gives two boxes. */
	aspectRatios?: readonly (readonly number[])[];
	/** Default 'torchvision'. 'caffe' rounds sizes to whole pixels. */
	style?: PriorStyle;
	/** Default true for 'torchvision', which limits only widths and heights to the input; false else. 'caffe' clips corners. */
	clip?: boolean;
}

const SSD300 = {
	grids: [38, 19, 10, 5, 3, 1],
	steps: [8, 16, 32, 64, 100, 300],
	scales: [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05],
	aspectRatios: [[2], [2, 3], [2, 3], [2, 3], [2], [2]],
};

/** Priors [N, 4], xyxy in input pixels; 8732 of them for SSD300. Throws a TypeError or RangeError that names the element at fault. */
export function ssdPriors(options: SsdPriorOptions): Float32Array {
	const known = ['inputSize', 'gridSizes', 'steps', 'scales', 'aspectRatios', 'style', 'clip'] as const;
	const given = readOptions('ssdPriors', 'options', options, known) as SsdPriorOptions;
	const style = checkWord('ssdPriors', 'style', given.style ?? 'torchvision', STYLES);
	const clip = given.clip ?? style === 'torchvision';
	const [height, width] = checkSize('ssdPriors', 'inputSize', given.inputSize);
	const { grids, steps, scales, aspectRatios } = readLevels(given, height, width);

	const rows: number[] = [];
	grids.forEach(([rowsOfGrid, columns], level) => {
		const stepX = steps ? steps[level] : width / columns;
		const stepY = steps ? steps[level] : height / rowsOfGrid;
		const shapes = priorShapes(scales[level], scales[level + 1], aspectRatios[level], style, height, width);
		for (let y = 0; y < rowsOfGrid; y++) {
			for (let x = 0; x < columns; x++) {
				for (const shape of shapes) pushPrior(rows, (x + 0.5) * stepX, (y + 0.5) * stepY, shape, style, clip, height, width);
			}
		}
	});
	return Float32Array.from(rows);
}

/** Widths and heights of one cell's priors, in pixels. */
function priorShapes(scale: number, next: number, ratios: readonly number[], style: PriorStyle, height: number, width: number): [number, number][] {
	const whole = style === 'caffe' ? Math.round : (x: number) => x;
	// Caffe and mmdetection have one size in pixels; torchvision scales width and height each by its side
	const side = style === 'torchvision' ? [width, height] : [Math.min(width, height), Math.min(width, height)];
	const size = (k: 0 | 1) => whole(scale * side[k]);
	const larger = (k: 0 | 1) => Math.sqrt(whole(scale * side[k]) * whole(next * side[k]));
	const shapes: [number, number][] = [
		[size(0), size(1)],
		[larger(0), larger(1)],
	];
	for (const ratio of ratios) {
		const root = Math.sqrt(ratio);
		shapes.push([size(0) * root, size(1) / root], [size(0) / root, size(1) * root]);
	}
	return shapes;
}

function pushPrior(rows: number[], cx: number, cy: number, shape: [number, number], style: PriorStyle, clip: boolean, height: number, width: number): void {
	const cut = clip && style === 'torchvision';
	const w = cut ? Math.min(shape[0], width) : shape[0];
	const h = cut ? Math.min(shape[1], height) : shape[1];
	const box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
	rows.push(...(clip && !cut ? box.map((v, k) => Math.min(Math.max(v, 0), k & 1 ? height : width)) : box));
}

function readLevels(given: SsdPriorOptions, height: number, width: number) {
	const is300 = height === 300 && width === 300;
	if (!is300 && (!given.gridSizes || !given.scales || !given.aspectRatios)) {
		refuse(TypeError, 'ssdPriors', 'gridSizes, scales, aspectRatios', 'must be given for an input other than 300 x 300', given.inputSize);
	}
	const square = SSD300.grids.map((n): GridSize => [n, n]);
	const steps = given.steps ?? (given.gridSizes ? undefined : SSD300.steps);
	const gridSizes = given.gridSizes ?? square;
	const grids = levelGrids('ssdPriors', given.inputSize, steps ?? gridSizes.map(() => 1), gridSizes);
	const scales = checkPositive('ssdPriors', 'scales', given.scales ?? SSD300.scales);
	if (scales.length !== grids.length + 1) refuse(RangeError, 'ssdPriors', 'scales', `must have one number per level and one more, ${grids.length + 1}`, scales);
	const aspectRatios = given.aspectRatios ?? SSD300.aspectRatios;
	if (!Array.isArray(aspectRatios) || aspectRatios.length !== grids.length)
		refuse(RangeError, 'ssdPriors', 'aspectRatios', `must have one list per level, ${grids.length}`, aspectRatios);
	aspectRatios.forEach((list, i) => {
		if (!Array.isArray(list) || list.length > 0) checkPositive('ssdPriors', `aspectRatios[${i}]`, list);
	});
	return { grids, steps, scales, aspectRatios };
}

// Anchors with an angle, for rotated region proposal networks (Ma et al. 2018, "Arbitrary-Oriented Scene Text Detection
// via Rotation Proposals"), as detectron2's RotatedAnchorGenerator (modeling/anchor_generator.py) makes them. ratio = height / width.
// Order: level, y, x, size, ratio, angle.

import { readOptions, refuse, refuseUnless } from '../checks.js';
import { checkPositive, type GridSize, levelGrids, levelSizes } from './levels.js';

/** Options of `rotatedAnchors`. */
export interface RotatedAnchorOptions {
	/** Network input in pixels, [height, width]. */
	inputSize: readonly [number, number];
	/** Pixels per cell of each level. */
	strides: readonly number[];
	/** Grids in cells; default ceil(input / stride). */
	gridSizes?: readonly GridSize[];
	/** Anchor sizes (square root of the area) in pixels, one or several per level. */
	sizes: readonly (number | readonly number[])[];
	/** Heights over widths, before the turn. Default [0.5, 1, 2]. */
	ratios?: readonly number[];
	/** Angles in degrees, counterclockwise on the screen. Default [-90, -60, -30, 0, 30, 60, 90]. */
	angles?: readonly number[];
	/** Where in the cell its anchors are centred, in cells. Default 0, that of detectron2's configuration; its class has 0.5. */
	offset?: number;
}

/**
 * Rotated anchors [N, 5]: centre x, centre y, width, height in input pixels, angle in degrees counterclockwise; not clipped.
 * Throws a TypeError or RangeError that names the element at fault.
 */
export function rotatedAnchors(options: RotatedAnchorOptions): Float32Array {
	const call = 'rotatedAnchors';
	const known = ['inputSize', 'strides', 'gridSizes', 'sizes', 'ratios', 'angles', 'offset'] as const;
	const given = readOptions(call, 'options', options, known) as RotatedAnchorOptions;
	const { inputSize, strides, offset = 0 } = given;
	if (!Number.isFinite(offset)) refuse(RangeError, call, 'offset', 'must be a finite number', offset);
	const grids = levelGrids(call, inputSize, strides, given.gridSizes);
	const sizes = levelSizes(call, given.sizes, strides);
	const ratios = checkPositive(call, 'ratios', given.ratios ?? [0.5, 1, 2]);
	const angles = checkAngles(call, given.angles ?? [-90, -60, -30, 0, 30, 60, 90]);

	const rows: number[] = [];
	grids.forEach(([height, width], i) => {
		const stride = strides[i];
		const shapes = sizes[i].flatMap((size) => ratios.map((ratio) => [size / Math.sqrt(ratio), size * Math.sqrt(ratio)]));
		for (let y = 0; y < height; y++) {
			for (let x = 0; x < width; x++) {
				for (const [w, h] of shapes) {
					for (const angle of angles) rows.push((x + offset) * stride, (y + offset) * stride, w, h, angle);
				}
			}
		}
	});
	return Float32Array.from(rows);
}

function checkAngles(call: string, angles: unknown): readonly number[] {
	if (!Array.isArray(angles) || angles.length === 0) refuse(TypeError, call, 'angles', 'must be a list with at least one number', angles);
	angles.forEach((angle, i) => {
		if (!Number.isFinite(angle)) refuseUnless(typeof angle === 'number', call, `angles[${i}]`, 'must be a finite number of degrees', angle);
	});
	return angles;
}

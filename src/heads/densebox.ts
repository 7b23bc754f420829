// DenseBox (Huang et al. 2015): every cell of a map at a quarter of the input says how likely it is in the middle of an
// object, and how far the sides are: x_t = x_i - d. Scores are regressed, so they are numbers near 0 and 1, not logits.

import { checkPositiveNumber } from '../anchors/levels.js';
import { anchorPoints } from '../anchors/points.js';
import { readOptions, refuse } from '../checks.js';
import { distances } from '../codecs/distances.js';
import { checkInput, checkStrides, gridLevels, type HeadLayout, mapLayouts } from './common.js';
import type { Head, TensorSpec } from './head.js';

/** Options of `densebox`. */
export interface DenseboxOptions {
	/** Network input in pixels, [height, width]: of one level of the image pyramid. Default [240, 240]. */
	inputSize?: readonly [number, number];
	/** Input pixels per cell. Default 4. */
	stride?: number;
	/** Input pixels per unit of the distances. Default the stride; 50 where they are in heights of the face that the network looks for. */
	unit?: number;
	/** Where in its cell a point stands, in cells. Default 0: pixel x_i of the map is pixel 4 x_i of the input. */
	offset?: number;
	/** Default 'auto': told from the dims. */
	layout?: HeadLayout;
}

/**
 * The head of DenseBox: 'score' [1, 60, 60] and 'loc' [4, 60, 60] at 240 x 240, in this order; loc holds x_i - x_t, y_i - y_t, x_i - x_b,
 * y_i - y_b. One class. `score` may be the refined one. Throws on an input that is no multiple of the stride.
 */
export function densebox(options: DenseboxOptions = {}): Head {
	const given = readOptions('densebox', 'options', options, ['inputSize', 'stride', 'unit', 'offset', 'layout']) as DenseboxOptions;
	const inputSize = checkInput('densebox', given.inputSize ?? [240, 240]);
	const [stride] = checkStrides('densebox', inputSize, [given.stride ?? 4]);
	const unit = checkPositiveNumber('densebox', 'unit', given.unit ?? stride);
	const { offset = 0 } = given;
	if (!Number.isFinite(offset)) refuse(RangeError, 'densebox', 'offset', 'must be a finite number of cells', offset);
	const layouts = mapLayouts('densebox', given.layout ?? 'auto');
	const [place] = gridLevels(inputSize, [stride]);
	const tensor = (name: string, aliases: readonly string[], channel: number): TensorSpec => ({
		name,
		aliases,
		layouts,
		sizes: { channel, y: place.grid[0], x: place.grid[1], cell: place.numAnchors },
	});
	return {
		name: 'densebox',
		inputSize,
		numClasses: 1,
		numAnchors: place.numAnchors,
		tensors: [tensor('score', ['scores', 'rf_score'], 1), tensor('loc', ['locs', 'bbox_loc'], 4)],
		levels: [{ ...place, classes: { tensor: 0, channel: 0 }, box: { tensor: 1, channel: 0 } }],
		score: { activation: 'none' },
		codec: distances({ signed: true }),
		// a row's unit is what a distance of 1 is
		anchors: anchorPoints({ inputSize, strides: [stride], offset }).map((v, i) => (i % 4 < 2 ? v : unit)),
	};
}

// CenterNet's targets as maps of the output's shape: the matcher's heat map, and where a centre stands its offset and the box's size,
// elsewhere 0 with no weight (mmdetection, centernet_head.py; CenterNet itself gathers the same numbers by index, ctdet.py).

import { refuse } from '../../checks.js';
import { checkGridLevel, type GridLevel } from '../matching/cells.js';
import type { CenterNetMatches } from '../matching/centernet.js';

/** Targets of a map of height x width cells; sizes and offsets in cells. */
export interface CenterNetTargets {
	/** [classes, height, width], the matcher's own: 1 at centres. */
	readonly heatMap: Float32Array;
	/** [2, height, width] x and y of the middle from its cell's corner, 0 to 1: the output 'reg'. */
	readonly offsets: Float32Array;
	/** [2, height, width] widths and heights: the output 'wh'. */
	readonly sizes: Float32Array;
	/** [height, width] 1 where offsets and sizes count. */
	readonly weights: Float32Array;
	/** Cells that are the centre of an object. */
	readonly numPositives: number;
	/** Ground truths whose cell is the centre of a later one as well, which has the cell's offset and size. */
	readonly overwritten: Uint32Array;
}

/** Dense targets from the answer of `matchCenterNet` for the same map { grid, stride }. Throws a TypeError or RangeError that names the argument. */
export function centernetTargets(matches: CenterNetMatches, level: GridLevel): CenterNetTargets {
	const where = 'centernetTargets';
	const { grid } = checkGridLevel(where, level);
	const cells = grid[0] * grid[1];
	const { pairs, heatMap, offsets, sizes } = (matches ?? {}) as Partial<CenterNetMatches>;
	if (!pairs || !heatMap || !offsets || !sizes) refuse(TypeError, where, 'matches', 'must be the answer of matchCenterNet', matches);
	const fits = cells > 0 ? heatMap.length % cells === 0 : heatMap.length === 0;
	if (!fits) refuse(RangeError, where, 'matches.heatMap', `must have whole maps of ${grid[0]} x ${grid[1]} cells`, heatMap.length);
	const owner = new Int32Array(cells).fill(-1);
	const overwritten: number[] = [];
	const maps = { offsets: new Float32Array(2 * cells), sizes: new Float32Array(2 * cells), weights: new Float32Array(cells) };
	pairs.anchors.forEach((cell, p) => {
		if (cell >= cells) refuse(RangeError, where, `matches.pairs.anchors[${p}]`, `must be one of ${cells} cells`, cell);
		if (owner[cell] >= 0) overwritten.push(owner[cell]);
		owner[cell] = pairs.groundTruths[p];
		for (const axis of [0, 1]) {
			maps.offsets[axis * cells + cell] = offsets[p * 2 + axis];
			maps.sizes[axis * cells + cell] = sizes[p * 2 + axis];
		}
		maps.weights[cell] = 1;
	});
	return { heatMap, ...maps, numPositives: pairs.anchors.length - overwritten.length, overwritten: Uint32Array.from(overwritten) };
}

// The maps of YOLOv2 to v7: per level, for each anchor of a cell, four numbers of the box, an objectness and the classes,
// in this order; and the checks of the anchor tables that go with them.

import { refuse } from '../checks.js';
import { gridLevels } from './common.js';
import type { Axis, Level, TensorSpec } from './head.js';

/** What `shapedMaps` needs to know. */
export interface ShapedMaps {
	readonly inputSize: readonly [number, number];
	readonly numClasses: number;
	/** In the order of the tensors. */
	readonly strides: readonly number[];
	/** Anchors per cell. */
	readonly numShapes: number;
	/** True: [shapes, y, x, channels] is the usual order, and that of tensors without dims (YOLOv5). Default: [shapes * channels, y, x]. */
	readonly reshaped?: boolean;
	/** Other names of the map of a level. */
	readonly aliases: (level: number, stride: number) => readonly string[];
}

// As a convolution leaves them, with channels last, and as YOLOv5's or TensorFlow's heads reshape them. No head takes
// both of the last, which look alike on small grids.
const CHANNELS_FIRST: readonly Axis[] = ['shape-channel', 'y', 'x'];
const CHANNELS_LAST: readonly Axis[] = ['y', 'x', 'shape-channel'];
const SHAPES_FIRST: readonly Axis[] = ['shape', 'y', 'x', 'channel'];
const SHAPES_INSIDE: readonly Axis[] = ['y', 'x', 'shape', 'channel'];

/** Tensors and levels; anchors are numbered level, shape, y, x, as `cellAnchors` numbers them. */
export function shapedMaps({ inputSize, numClasses, strides, numShapes, reshaped = false, aliases }: ShapedMaps): {
	tensors: TensorSpec[];
	levels: Level[];
	numAnchors: number;
} {
	const layouts = reshaped ? [SHAPES_FIRST, CHANNELS_FIRST, CHANNELS_LAST] : [CHANNELS_FIRST, CHANNELS_LAST, SHAPES_INSIDE];
	const places = gridLevels(inputSize, strides, numShapes, 'ayx');
	const tensors = places.map(
		({ grid, stride }, i): TensorSpec => ({
			name: `stride${stride}`,
			aliases: aliases(i, stride),
			layouts,
			sizes: { shape: numShapes, y: grid[0], x: grid[1], channel: 5 + numClasses },
		}),
	);
	const at = (tensor: number, channel: number) => ({ tensor, channel });
	const levels = places.map((place, i): Level => ({ ...place, box: at(i, 0), objectness: at(i, 4), classes: at(i, 5) }));
	return { tensors, levels, numAnchors: places.reduce((sum, place) => sum + place.numAnchors, 0) };
}

/** Throws unless there is a list of width, height, ... per stride, all of one length and positive. `unit`: what they are counted in. */
export function checkTable(call: string, anchors: unknown, numLevels: number, unit = 'pixels'): readonly (readonly number[])[] {
	if (!Array.isArray(anchors) || anchors.length !== numLevels) refuse(RangeError, call, 'anchors', `must have one list per stride, ${numLevels}`, anchors);
	return anchors.map((given: unknown, i) => {
		const list = ArrayBuffer.isView(given) ? Array.from(given as Float32Array) : given;
		const good = Array.isArray(list) && list.length >= 2 && list.length % 2 === 0 && list.length === anchors[0].length;
		if (!good) refuse(RangeError, call, `anchors[${i}]`, 'must hold width, height, ... of equally many anchors per level', given);
		list.forEach((v, k) => {
			if (typeof v !== 'number' || !(v > 0) || v === Infinity) refuse(RangeError, call, `anchors[${i}][${k}]`, `must be a positive number of ${unit}`, v);
		});
		return list;
	});
}

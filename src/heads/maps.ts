// What dense heads share: a class tensor, a box tensor and perhaps a centerness tensor, either one map per level
// ([shapes * channels, y, x] or channels last) or one list over all levels ([anchors, channels]); and the rules that
// frameworks apply before suppression: clipping, dropping empty boxes, a cut per level.

import { checkInteger, refuse } from '../checks.js';
import { flatLayouts, flatLevel, gridLevels, type HeadLayout, type LevelPlace } from './common.js';
import type { Axis, Field, Level, TensorSpec } from './head.js';

/** 'levels': a map per level. 'concatenated': one list over all levels. */
export type DenseOutputs = 'levels' | 'concatenated';

/** One kind of tensor of a dense head. */
export interface DenseTensor {
	readonly field: 'box' | 'classes' | 'objectness';
	readonly name: string;
	/** Other names; maps have the number of their level behind it. */
	readonly aliases: readonly string[];
	/** Channels per anchor. */
	readonly channels: number;
	/** The first channel that is read. Default 0. */
	readonly first?: number;
}

/** Tensors and levels of a dense head. */
export interface Dense {
	readonly tensors: TensorSpec[];
	readonly levels: Level[];
	readonly numAnchors: number;
}

/** What `denseTensors` needs to know. */
export interface DenseOptions {
	readonly outputs: DenseOutputs;
	readonly inputSize: readonly [number, number];
	readonly strides: readonly number[];
	/** Anchors per cell, of all levels or of each. */
	readonly shapes: number | readonly number[];
	/** The levels themselves, where their grids do not follow from input and strides. */
	readonly places?: readonly LevelPlace[];
	readonly layout: HeadLayout;
	/** Which order exporters of this head emit; where dims fit both, it is this one. */
	readonly usual?: 'channels-first' | 'anchors-first';
}

/** Tensors in the order of `kinds`, each kind fine to coarse, and the levels that read them. Anchors are numbered level, y, x, shape. */
export function denseTensors(call: string, kinds: readonly DenseTensor[], options: DenseOptions): Dense {
	const { outputs, inputSize, strides, shapes, layout, usual = 'channels-first' } = options;
	const places = options.places ?? gridLevels(inputSize, strides, shapes);
	const numAnchors = places.reduce((sum, place) => sum + place.numAnchors, 0);
	const fieldsOf = (step: number, i: number, row?: number) =>
		Object.fromEntries(kinds.map(({ field, first = 0 }, k) => [field, { tensor: k * step + i, channel: first, ...(row !== undefined && { row }) }])) as Fields;
	if (outputs === 'concatenated') {
		const layouts = flatLayouts(call, layout, 'anchors-first');
		const tensors = kinds.map(({ name, aliases, channels }): TensorSpec => ({ name, aliases, layouts, sizes: { anchor: numAnchors, channel: channels } }));
		// levels of one list are told apart, for cuts and for anchors that kernels compute, where they number alike
		if (places.some(({ numShapes }) => numShapes !== places[0].numShapes))
			return { tensors, levels: [{ ...flatLevel(numAnchors), ...fieldsOf(1, 0) }], numAnchors };
		return { tensors, levels: places.map((place) => ({ ...place, ...fieldsOf(1, 0, place.firstAnchor) })), numAnchors };
	}
	const tensors = kinds.flatMap(({ name, aliases, channels }) =>
		places.map(({ grid, numShapes, numAnchors: anchor, stride }, i): TensorSpec => {
			const sizes = { shape: numShapes, channel: channels, y: grid[0], x: grid[1], anchor };
			const layouts = shapedLayouts(call, layout, usual, sizes);
			return { name: `${name}_${levelName(stride)}`, aliases: aliases.map((alias) => `${alias}_${i}`), layouts, sizes };
		}),
	);
	return { tensors, levels: places.map((place, i) => ({ ...place, ...fieldsOf(places.length, i) })), numAnchors };
}

type Fields = { readonly box: Field; readonly classes: Field };

/** p3 for stride 8, as pyramids are numbered. */
function levelName(stride: number): string {
	const level = Math.log2(stride);
	return Number.isInteger(level) ? `p${level}` : `stride${stride}`;
}

/** Axis orders of a map whose cells carry several anchors. Where the dims fit first and last, only the usual one stays. */
function shapedLayouts(
	call: string,
	layout: HeadLayout,
	usual: 'channels-first' | 'anchors-first',
	sizes: { readonly shape: number; readonly channel: number; readonly y: number; readonly x: number },
): readonly (readonly Axis[])[] {
	const first: readonly Axis[] = ['shape-channel', 'y', 'x'];
	const last: readonly Axis[] = ['y', 'x', 'shape-channel'];
	const list: readonly Axis[] = ['anchor', 'channel'];
	flatLayouts(call, layout, usual); // checks the word
	if (layout === 'channels-first') return [first];
	if (layout === 'anchors-first') return [last, list];
	const [likely, other] = usual === 'channels-first' ? [first, last] : [last, first];
	const cube = sizes.y === sizes.x && sizes.x === sizes.shape * sizes.channel;
	return cube ? [likely, list] : [likely, other, list];
}

/** A side that no box has but an empty one: with it as `minSize` boxes of no area are not kept. */
export const NOT_EMPTY = 2 ** -64;

/** The option `clip`: [height, width] in pixels, or false; `usual` when it is not given. */
export function readClip(
	call: string,
	clip: readonly [number, number] | false | undefined,
	usual: readonly [number, number] | false,
): { clip?: readonly [number, number] } {
	const size = clip ?? usual;
	if (size === false) return {};
	const good = Array.isArray(size) && size.length === 2 && size.every((n) => typeof n === 'number' && n > 0 && n < Infinity);
	if (!good) refuse(RangeError, call, 'clip', 'must be [height, width] in positive pixels, or false', clip);
	return { clip: [size[0], size[1]] };
}

/** The option `maxCandidatesPerLevel`: a count, or false; `usual` when it is not given. */
export function readCut(
	call: string,
	cut: number | false | undefined,
	usual: number | false,
	{ levels }: Dense,
	numLevels: number,
): { maxCandidatesPerLevel?: number } {
	const most = cut ?? usual;
	if (most === false) return {};
	if (levels.length < numLevels) {
		const rule = 'must be false where levels of different numbers of shapes share a list';
		if (cut !== undefined) refuse(TypeError, call, 'maxCandidatesPerLevel', rule, cut);
		return {};
	}
	return { maxCandidatesPerLevel: checkInteger(call, 'maxCandidatesPerLevel', most, 1, 2 ** 31) };
}

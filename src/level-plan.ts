// From a level of a head and the tensors of a call to where every number stands: the uniform that the shaders and their twins
// take, how many threads share an anchor, and the places that the fast CPU path computes with.

import { canShare, extraField, numScores } from './head-facts.js';
import type { Field, Head, Level } from './heads/head.js';
import type { LevelValues, Sizes } from './layout.js';
import type { BoundTensor, TensorStrides } from './tensors.js';

const NOWHERE = { base: 0, image: 0, shape: 0, cell: 0, channel: 0 };

/** The uniform of one level: where its groups of channels stand. `base` adds elements per tensor. */
export function planLevel(head: Head, index: number, tensors: readonly BoundTensor[], phase = 0, base: (tensor: number) => number = () => 0): LevelValues {
	const level = head.levels[index];
	const field = (at: Field | undefined) => {
		if (!at) return NOWHERE;
		const s: TensorStrides = tensors[at.tensor].strides;
		return { base: base(at.tensor) + fieldStart(level, at, s), image: s.image, shape: s.shape, cell: s.cell, channel: s.channel };
	};
	const box = field(level.box);
	const classes = field(level.classes);
	const extra = field(extraField(level));
	const anchors = field(level.anchors);
	const keypoints = field(level.keypoints);
	const masks = field(level.maskCoefficients);
	return {
		first_anchor: level.firstAnchor,
		num_anchors: numLevelAnchors(level, tensors),
		num_cells: level.grid[0] * level.grid[1],
		num_shapes: level.numShapes,
		shape_major: level.order === 'ayx' ? 1 : 0,
		stride: level.stride,
		box_base: box.base,
		box_image: box.image,
		box_shape: box.shape,
		box_cell: box.cell,
		box_channel: box.channel,
		class_base: classes.base,
		class_image: classes.image,
		class_shape: classes.shape,
		class_cell: classes.cell,
		class_channel: classes.channel,
		extra_base: extra.base,
		extra_image: extra.image,
		extra_shape: extra.shape,
		extra_cell: extra.cell,
		extra_channel: extra.channel,
		anchor_base: anchors.base,
		anchor_image: anchors.image,
		anchor_cell: anchors.cell,
		anchor_channel: anchors.channel,
		keypoint_base: keypoints.base,
		keypoint_image: keypoints.image,
		keypoint_shape: keypoints.shape,
		keypoint_cell: keypoints.cell,
		keypoint_channel: keypoints.channel,
		mask_base: masks.base,
		mask_image: masks.image,
		mask_shape: masks.shape,
		mask_cell: masks.cell,
		mask_channel: masks.channel,
		first_shape: 0,
		step_x: 0,
		step_y: 0,
		angle_step: angleStep(level, head.codec.numRaw, box.channel),
		box_class: (head.boxStep ?? 0) * box.channel,
		grid_width: level.grid[1],
		level: index,
		slot: head.maxCandidatesPerLevel === undefined ? 0 : index,
		phase,
		lanes: 1,
	};
}

/** Threads that keep a large GPU busy. */
const MANY_THREADS = 131_072;

/** Threads that share the classes of an anchor of a level, a power of two. */
export function planLanes(head: Head, index: number, tensors: readonly BoundTensor[], sizes: Sizes): number {
	if (!canShare(head)) return 1;
	const level = head.levels[index];
	const numAnchors = numLevelAnchors(level, tensors);
	// where an anchor's classes lie side by side, several threads that read them together waste less of what memory sends
	const sideBySide = tensors[level.classes.tensor].strides.channel === 1;
	const most = sideBySide && numAnchors <= MANY_THREADS * 4 ? sizes.lanes : Math.min(sizes.lanes, MANY_THREADS / numAnchors);
	let lanes = 1;
	while (lanes * 2 <= most && lanes * 8 <= numScores(head)) lanes *= 2;
	return lanes;
}

/** Elements from the first of an image to a field's first. */
export function fieldStart({ order, numShapes }: Level, { channel, row = 0 }: Field, strides: TensorStrides): number {
	// shapes run fastest in a list, so the next anchor is the next shape
	return channel * strides.channel + row * (order === 'yxa' && numShapes > 1 ? strides.shape : strides.cell);
}

/** Anchors of a level that this call brings: fewer than the head has room for, where their number varies. */
export function numLevelAnchors(level: Level, tensors: readonly BoundTensor[]): number {
	return tensors[level.box.tensor].strides.numAnchors ?? level.numAnchors;
}

/** Elements from the first raw number of a box to the last one, an angle; modulo 2^32, as the shader adds. */
export function angleStep(level: Level, numRaw: number, channelStep: number): number {
	return ((level.angle ? level.angle.channel - level.box.channel : numRaw - 1) * channelStep) >>> 0;
}

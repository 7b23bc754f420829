// Twin of shaders/gather.wgsl.ts: what stands behind a kept row, keypoints and mask coefficients of its anchor, read from
// the head's tensors once suppression has chosen. The fast path reads them in the same way.

import { extrasOf } from '../head-facts.js';
import type { Head, KeypointSpec } from '../heads/head.js';
import { HEADER, HEADER_WORDS, type LevelValues, type Params, ROW, ROW_WORDS } from '../layout.js';
import { planLevel } from '../level-plan.js';
import { sigmoid32 } from '../numbers.js';
import type { Kept } from '../pipeline.js';
import type { BoundTensor, CpuTensor } from '../tensors.js';
import { givenAnchor, numberAt } from './elements.js';
import { type Memory, outputWord } from './memory.js';

const round = Math.fround;
const HERE = new Float32Array([0, 0, 1, 1]);

/** One level of one image, for reading. */
export interface ExtraSource {
	readonly head: Head;
	readonly tensors: readonly BoundTensor[];
	readonly image: number;
	readonly level: LevelValues;
	readonly index: number;
}

/** Writes keypoints (input pixels), then mask coefficients of an anchor of this level to `out[o..]`. */
export function readExtras(source: ExtraSource, anchor: number, out: Float32Array, o: number): void {
	const { head, level, image } = source;
	const a = anchor - level.first_anchor;
	const shape = level.shape_major ? Math.floor(a / level.num_cells) : a % level.num_shapes;
	const cell = level.shape_major ? a % level.num_cells : Math.floor(a / level.num_shapes);
	const { keypoints, masks } = extrasOf(head);
	if (head.keypoints) {
		const at = level.keypoint_base + image * level.keypoint_image + shape * level.keypoint_shape + cell * level.keypoint_cell;
		const place = placeOf(source, anchor, cell);
		for (let c = 0; c < keypoints; c++) {
			const raw = read(source, 'keypoints', at + channelOf(head.keypoints, c) * level.keypoint_channel);
			out[o + c] = keypointNumber(head.keypoints, raw, c, place);
		}
	}
	const at = level.mask_base + image * level.mask_image + shape * level.mask_shape + cell * level.mask_cell;
	for (let c = 0; c < masks; c++) out[o + keypoints + c] = read(source, 'maskCoefficients', at + c * level.mask_channel);
}

function read({ head, tensors, index }: ExtraSource, field: 'keypoints' | 'maskCoefficients', at: number): number {
	return numberAt(tensors[head.levels[index][field]?.tensor as number].tensor as CpuTensor, at);
}

/** Where the points of an anchor are measured from, and in what units: x, y, unit x, unit y. */
function placeOf({ head, tensors, image, level, index }: ExtraSource, anchor: number, cell: number): Float32Array {
	if (!head.keypoints?.relative) return HERE;
	const given = head.levels[index].anchors;
	const rows = given ? givenAnchor(tensors[given.tensor].tensor as CpuTensor, level, image, cell) : (head.anchors as Float32Array);
	const row = given ? rows : rows.subarray(anchor * 4, anchor * 4 + 4);
	if (head.codec.anchors !== 'xyxy') return row;
	const one = head.keypoints.inclusive ? 1 : 0;
	return Float32Array.of(row[0] - one, row[1] - one, round(row[2] - row[0]) + one, round(row[3] - row[1]) + one);
}

/** The channel that holds number c of the points. */
function channelOf({ order, dims, count }: KeypointSpec, c: number): number {
	return order === 'axes' ? (c % dims) * count + Math.floor(c / dims) : c;
}

/** The number c of the points: x or y in input pixels, or a score. */
function keypointNumber(spec: KeypointSpec, raw: number, c: number, place: Float32Array): number {
	const { dims, relative, scale = 1, shift = 0, unit = [1, 1], activation = 'none' } = spec;
	const axis = c % dims;
	if (axis === 2) return activation === 'sigmoid' ? sigmoid32(raw) : raw;
	if (!relative) return round(raw * round(unit[axis]));
	return round(place[axis] + round(round(round(raw * round(scale)) + round(shift)) * place[2 + axis]));
}

/** One level of one image of the `gather` stage: rows whose anchors are of this level. */
export function gather(source: ExtraSource, memory: Memory, params: Params): void {
	const { head, level, image } = source;
	const { angle, keypoints } = extrasOf(head);
	const header = outputWord(memory, image);
	const { u32, f32 } = memory.output;
	for (let i = 0; i < u32[header + HEADER.words.count]; i++) {
		const row = header + HEADER_WORDS + i * memory.capacity.rowWords;
		const anchor = u32[row + ROW.words.index];
		if (anchor < level.first_anchor || anchor >= level.first_anchor + level.num_anchors) continue;
		const at = row + ROW_WORDS + angle;
		readExtras(source, anchor, f32, at);
		if (!params.transform) continue;
		for (let c = 0; c < keypoints; c++) {
			const axis = c % (head.keypoints as KeypointSpec).dims;
			if (axis === 0) f32[at + c] = round(f32[at + c] - params.pad_x) / params.gain_x;
			else if (axis === 1) f32[at + c] = round(f32[at + c] - params.pad_y) / params.gain_y;
		}
	}
}

/** Fills in the extras of kept candidates: [count, total] with the angles already there. Does nothing for heads without. */
export function gatherKept(head: Head, tensors: readonly BoundTensor[], image: number, kept: Kept): void {
	const { extras } = kept;
	if (!extras || !(head.keypoints || head.maskCoefficients)) return;
	const { angle, total } = extrasOf(head);
	const sources = head.levels.map((_, index) => ({ head, tensors, image, index, level: planLevel(head, index, tensors) }));
	for (let i = 0; i < kept.count; i++) {
		const anchor = kept.indices[i];
		const source = sources.find(({ level }) => anchor >= level.first_anchor && anchor < level.first_anchor + level.num_anchors);
		readExtras(source as ExtraSource, anchor, extras, i * total + angle);
	}
}

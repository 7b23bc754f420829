// Where masks lie: which prototypes each output pixel is interpolated between, and which pixels and prototypes a box
// leaves. Bilinear with pixel centres at halves (align_corners = False), as PyTorch; crop as ultralytics' crop_mask:
// a pixel with index r stays when x1 <= r < x2.

import type { Letterbox } from '../boxes/letterbox.js';
import { REGION, type Taps, WEIGHT_STEPS } from './job.js';

const round = Math.fround;

/** One side of all sizes, in pixels. */
export interface Side {
	/** Prototypes, network input, masks. */
	readonly prototypes: number;
	readonly input: number;
	readonly output: number;
	/** Frame and its place in the input (input = frame * gain + pad), where boxes are of the frame. */
	readonly frame?: { readonly size: number; readonly gain: number; readonly pad: number };
	/** Whether the masks show the frame, not the network input. */
	readonly showsFrame: boolean;
}

/** The side along x (0) or y (1). */
export function sideOf(
	axis: 0 | 1,
	prototypes: readonly number[],
	input: readonly number[],
	output: readonly number[],
	transform: Letterbox | undefined,
	showsFrame: boolean,
): Side {
	const at = 1 - axis; // sizes are [height, width], gain and pad [x, y]
	const frame = transform && { size: transform.frameSize[at], gain: transform.gain[axis], pad: transform.pad[axis] };
	return { prototypes: prototypes[at], input: input[at], output: output[at], frame, showsFrame };
}

/** Prototypes for every output pixel of a side. In a frame those of the letterbox's padding are never looked at. */
export function tapsOf({ prototypes, input, output, frame, showsFrame }: Side): Taps {
	const perInput = prototypes / input;
	let scale = prototypes / output;
	let [shift, low, high] = [0, 0, prototypes - 1];
	if (frame && showsFrame) {
		scale = (frame.size / output) * frame.gain * perInput;
		shift = frame.pad * perInput;
		// a thousandth of a prototype is rounding of the gain, not picture
		const [first, end] = [Math.floor(shift + 1e-3), Math.ceil((frame.pad + frame.size * frame.gain) * perInput - 1e-3)];
		low = Math.min(Math.max(first, 0), prototypes - 1);
		high = Math.min(Math.max(end - 1, low), prototypes - 1);
	}
	const index = new Uint32Array(output);
	const weight = new Float32Array(output);
	for (let i = 0; i < output; i++) {
		const position = Math.min(Math.max((i + 0.5) * scale + shift - 0.5, low), high);
		const steps = Math.round(position * WEIGHT_STEPS);
		index[i] = Math.floor(steps / WEIGHT_STEPS);
		weight[i] = steps / WEIGHT_STEPS - index[i];
	}
	return { index, weight };
}

/** What is left of a side: output pixels [first, end) and prototypes [from, to). All 0 when nothing is. */
export interface Span {
	readonly first: number;
	readonly end: number;
	readonly from: number;
	readonly to: number;
}
const EMPTY: Span = { first: 0, end: 0, from: 0, to: 0 };

/** A box's span along one side. `low` and `high` are its coordinates as the caller gave them; NaN leaves nothing. */
export function spanOf(side: Side, taps: Taps, low: number, high: number, crop: 'prototypes' | 'output'): Span {
	const { index, weight } = taps;
	const last = (i: number) => index[i] + (weight[i] > 0 ? 1 : 0);
	const { size, toCrop } = cropSpace(side, crop);
	const start = Math.min(Math.max(Math.ceil(toCrop(low)), 0), size);
	const stop = Math.min(Math.max(Math.ceil(toCrop(high)), 0), size);
	if (!(start < stop)) return EMPTY;
	if (crop === 'output') return { first: start, end: stop, from: index[start], to: last(stop - 1) + 1 };
	const first = firstWhere(index.length, (i) => last(i) >= start);
	const end = firstWhere(index.length, (i) => index[i] >= stop);
	if (first >= end) return EMPTY;
	// only prototypes that some pixel needs
	return { first, end, from: Math.max(start, index[first]), to: Math.min(stop, last(end - 1) + 1) };
}

/** The pixels in which the crop is done, and the way of a coordinate there, in float32 steps. */
function cropSpace({ prototypes, input, output, frame, showsFrame }: Side, crop: 'prototypes' | 'output') {
	const size = crop === 'prototypes' ? prototypes : output;
	const inFrame = frame && showsFrame && crop === 'output';
	const factor = round(size / (inFrame ? frame.size : input));
	const toInput = (v: number) => (frame && !inFrame ? round(round(v * frame.gain) + frame.pad) : v);
	return { size, toCrop: (v: number) => round(toInput(v) * factor) };
}

/** The first index from which a condition holds, which stays true once it is; `length` when it never does. */
function firstWhere(length: number, holds: (i: number) => boolean): number {
	let [low, high] = [0, length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (holds(middle)) high = middle;
		else low = middle + 1;
	}
	return low;
}

/** The regions of all boxes [N, 4] xyxy: [N, REGION], all 0 for an empty one. */
export function regionsOf(boxes: Float32Array, sides: readonly [Side, Side], taps: readonly [Taps, Taps], crop: 'prototypes' | 'output'): Uint32Array {
	const count = boxes.length / 4;
	const regions = new Uint32Array(count * REGION);
	for (let i = 0; i < count; i++) {
		const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4);
		const x = spanOf(sides[0], taps[0], x1, x2, crop);
		const y = spanOf(sides[1], taps[1], y1, y2, crop);
		if (x.end === 0 || y.end === 0) continue;
		regions.set([x.first, y.first, x.end, y.end, x.from, y.from, x.to - x.from, y.to - y.from], i * REGION);
	}
	return regions;
}

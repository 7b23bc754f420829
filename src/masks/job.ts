// The words of mask assembly: what a caller gives and gets, and the job that his arguments become: plain numbers, from
// which the CPU (cpu.ts) and the GPU (src/gpu/masks.ts) make the same masks.

import type { Letterbox } from '../boxes/letterbox.js';
import type { Tensor } from '../tensors.js';

/** 'bytes': a mask per detection. 'logits': the numbers before the threshold. 'labels': one map of all. 'texture': the labels in a GPUTexture. */
export type MaskOutput = 'bytes' | 'logits' | 'labels' | 'texture';

/** Detections with mask coefficients; what a postprocessor of a segmentation head gives fits. Best first, where labels are asked for. */
export interface MaskDetections {
	/** [count, 4] xyxy in pixels: of the frame with `transform`, else of the network input. */
	readonly boxes: Float32Array;
	/** [count, M], one coefficient per prototype. */
	readonly maskCoefficients?: Float32Array | undefined;
	/** Default boxes.length / 4. */
	readonly count?: number;
}

/** Options of `assembleMasks`. */
export interface MaskOptions<O extends MaskOutput = MaskOutput> {
	/** [height, width] of the network input. Required without a transform. */
	inputSize?: readonly [number, number];
	/** What `letterbox` made: boxes are in pixels of the frame then. */
	transform?: Letterbox;
	/**
	 * [height, width] of the masks: 'frame' (needs a transform), 'input' (the network input, padding included), 'prototypes' (as small as
	 * they come), or numbers: the frame in that size with a transform, else the network input. Default 'frame' with a transform, else 'input'.
	 */
	size?: 'frame' | 'input' | 'prototypes' | readonly [number, number];
	/** A pixel is in the mask when the sigmoid of its logit is above this, 0 to 1. Default 0.5, which is logit 0. */
	threshold?: number;
	/**
	 * Where masks are cut to their boxes. 'prototypes' (default): before they are resized, as ultralytics process_mask does; edges are
	 * interpolated towards 0. 'output': after it, as process_mask_native does.
	 */
	crop?: 'prototypes' | 'output';
	/** Axes of the prototypes: [M, height, width] ('channels-first', default) or [height, width, M] ('channels-last'). */
	layout?: 'channels-first' | 'channels-last';
	/** Default 'bytes'. */
	output?: O;
	/** With output 'texture': write into this r16uint texture of the backend's device (usage COPY_DST, as large as the masks) instead of a new one. */
	texture?: GPUTexture;
}

/** A mask per detection. Mask i is data.subarray(i * height * width, (i + 1) * height * width). */
export interface Masks {
	readonly count: number;
	readonly height: number;
	readonly width: number;
	/** [count, height, width]: 1 inside, 0 outside. */
	readonly data: Uint8Array;
}

/** Logits of the masks. */
export interface MaskLogits extends Omit<Masks, 'data'> {
	/** [count, height, width]: its sigmoid is the probability; -Infinity where the crop leaves nothing, NaN where prototypes are NaN. */
	readonly data: Float32Array;
}

/** All masks in one map, for overlays. */
export interface MaskLabels extends Omit<Masks, 'data'> {
	/** [height, width]: 1 + the index of the first detection whose mask covers the pixel, 0 for none. */
	readonly data: Uint16Array;
}

/** The labels in a texture. */
export interface MaskTexture extends Omit<Masks, 'data'> {
	/**
	 * r16uint, to be read in a shader with textureLoad from a texture_2d<u32>: 1 + the index of the first detection whose mask covers the
	 * texel, 0 for none. Usage TEXTURE_BINDING and COPY_SRC. It is the caller's: call its destroy().
	 */
	readonly texture: GPUTexture;
}

/** What `assembleMasks` gives, by output. */
export interface MaskResults {
	bytes: Masks;
	logits: MaskLogits;
	labels: MaskLabels;
	texture: MaskTexture;
}

/** Along one side of the output: each pixel's value is between the prototypes `index` and, with this weight, the next one. */
export interface Taps {
	readonly index: Uint32Array;
	/** [0, 1) in steps of 2^-20; with 0 the next prototype is not looked at. */
	readonly weight: Float32Array;
}

/** Numbers per detection in `regions`: output pixels x1, y1, x2, y2 (half-open) outside of which the mask is empty, and the prototypes that they need: x, y, width, height. */
export const REGION = 8;

/** Checked and worked out. */
export interface MaskJob {
	readonly output: MaskOutput;
	readonly texture?: GPUTexture;
	readonly count: number;
	/** Of the masks. */
	readonly height: number;
	readonly width: number;
	readonly numPrototypes: number;
	/** [height, width] */
	readonly prototypeSize: readonly [number, number];
	/** Elements from one prototype, row, column to the next. */
	readonly strides: { readonly channel: number; readonly row: number; readonly column: number };
	/** [count, numPrototypes], tiny ones already 0. */
	readonly coefficients: Float32Array;
	/** Key (see numbers.ts) of the smallest logit inside a mask. */
	readonly minKey: number;
	readonly columns: Taps;
	readonly rows: Taps;
	/** [count, REGION] */
	readonly regions: Uint32Array;
	readonly prototypes: Tensor;
}

/**
 * Coefficients and prototypes smaller than 2^-30 count as 0. Products are then multiples of 2^-83, sums too, and two weights of
 * 2^-20 steps bring that to 2^-123: no denormal can arise, which some devices flush and others keep.
 */
export const TINY = 2 ** -30;
/** Weights are multiples of this fraction. */
export const WEIGHT_STEPS = 2 ** 20;

/** A number as masks see it. NaN stays. */
export function dropTiny(x: number): number {
	return x < TINY && x > -TINY ? 0 : x;
}

// How a frame of any shape was put into a network's input, and the way back for boxes. One gain for both sides, the rest
// padded; 'ultralytics' rounds as ultralytics does (data/augment.py LetterBox, utils/ops.py scale_boxes), where a decoder with
// the unrounded padding is off by up to half a pixel.

import { checkBoolean, checkSize, checkWord, readOptions } from '../checks.js';
import { roundHalfEven } from '../numbers.js';
import { clipBoxes } from './areas.js';
import { checkBoxes } from './formats.js';

const round = Math.fround;

/** 'ultralytics': centred, padding in whole pixels. 'center': centred exactly. 'top-left': padding right and below. 'stretch': no padding, each side its own gain. */
export type LetterboxMode = 'ultralytics' | 'center' | 'top-left' | 'stretch';
const MODES: readonly LetterboxMode[] = ['ultralytics', 'center', 'top-left', 'stretch'];

/** Options of `letterbox`. */
export interface LetterboxOptions {
	/** Default 'ultralytics'. */
	mode?: LetterboxMode;
	/** Frames smaller than the input are enlarged. Default true. */
	scaleUp?: boolean;
}

/** The map between a frame and the network input: input = frame * gain + pad. Sizes are [height, width]; gain and pad are [x, y]. */
export interface Letterbox {
	readonly frameSize: readonly [number, number];
	readonly inputSize: readonly [number, number];
	readonly gain: readonly [number, number];
	/** Pixels left and above the frame in the input. */
	readonly pad: readonly [number, number];
	/** Width and height that the frame has inside the input, in whole pixels: what to draw it with. [height, width]. */
	readonly drawnSize: readonly [number, number];
	/** Boxes [N, 4] xyxy of the frame, as boxes of the network input; a new array. */
	toInput(boxes: Float32Array): Float32Array;
	/** Boxes [N, 4] xyxy of the network input, as boxes of the frame, clipped to it; a new array. */
	toFrame(boxes: Float32Array): Float32Array;
}

/** The letterbox of a frame [height, width] in a network input [height, width]. letterbox([1080, 1920], [640, 640]) has gain 1/3 and pad [0, 140]. */
export function letterbox(frameSize: readonly [number, number], inputSize: readonly [number, number], options: LetterboxOptions = {}): Letterbox {
	const given = readOptions('letterbox', 'options', options, ['mode', 'scaleUp']);
	const mode = checkWord('letterbox', 'mode', given.mode ?? 'ultralytics', MODES);
	const scaleUp = checkBoolean('letterbox', 'scaleUp', given.scaleUp ?? true);
	const [height, width] = checkSize('letterbox', 'frameSize', frameSize);
	const [inputHeight, inputWidth] = checkSize('letterbox', 'inputSize', inputSize);

	const most = scaleUp ? Infinity : 1;
	const common = Math.min(inputHeight / height, inputWidth / width, most);
	const [gainX, gainY] = mode === 'stretch' ? [Math.min(inputWidth / width, most), Math.min(inputHeight / height, most)] : [common, common];
	const pad = (input: number, frame: number, gain: number): number => {
		if (mode === 'center') return (input - frame * gain) / 2;
		if (mode !== 'ultralytics') return 0;
		// the 0.1 sends halves down: of an odd padding the smaller part is left and above
		return Math.max(0, roundHalfEven((input - roundHalfEven(frame * gain)) / 2 - 0.1));
	};
	// as float32, so that host and shader map alike
	const gain = [round(gainX), round(gainY)] as const;
	const padding = [round(pad(inputWidth, width, gainX)), round(pad(inputHeight, height, gainY))] as const;
	return {
		frameSize: [height, width],
		inputSize: [inputHeight, inputWidth],
		gain,
		pad: padding,
		drawnSize: [Math.max(1, roundHalfEven(height * gainY)), Math.max(1, roundHalfEven(width * gainX))],
		toInput(boxes) {
			checkBoxes('toInput', 'boxes', boxes);
			return boxes.map((v, k) => round(v * gain[k & 1]) + padding[k & 1]);
		},
		toFrame(boxes) {
			checkBoxes('toFrame', 'boxes', boxes);
			const out = boxes.map((v, k) => round(v - padding[k & 1]) / gain[k & 1]);
			return clipBoxes(out, [height, width]);
		},
	};
}

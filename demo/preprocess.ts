// A frame becomes the network's input: scaled into the square with its proportions kept, grey around it, RGB planes
// from 0 to 1.

import type { Letterbox } from 'kedge';

/** Fills `target` [3, height, width] from the frame; both are reused from frame to frame. */
export class Preprocessor {
	readonly #context: CanvasRenderingContext2D;
	readonly #size: readonly [number, number];
	readonly input: Float32Array;

	/** @param inputSize Network input, [height, width]. */
	constructor(inputSize: readonly [number, number]) {
		const [height, width] = inputSize;
		const canvas = document.createElement('canvas');
		canvas.width = width;
		canvas.height = height;
		const context = canvas.getContext('2d', { willReadFrequently: true, alpha: false });
		if (!context) throw new Error('preprocess: the browser gave no canvas');
		this.#context = context;
		this.#size = inputSize;
		this.input = new Float32Array(3 * height * width);
	}

	/** Draws the frame where the letterbox puts it and unpacks the pixels. */
	run(frame: HTMLCanvasElement, { pad, drawnSize }: Letterbox): Float32Array {
		const context = this.#context;
		const [height, width] = this.#size;
		context.fillStyle = 'rgb(114 114 114)';
		context.fillRect(0, 0, width, height);
		context.drawImage(frame, pad[0], pad[1], drawnSize[1], drawnSize[0]);
		const { data } = context.getImageData(0, 0, width, height);
		const plane = width * height;
		for (let i = 0; i < plane; i++) {
			this.input[i] = data[4 * i] / 255;
			this.input[plane + i] = data[4 * i + 1] / 255;
			this.input[2 * plane + i] = data[4 * i + 2] / 255;
		}
		return this.input;
	}
}

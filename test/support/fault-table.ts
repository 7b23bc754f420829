// Tables of calls to nms on the GPU with the answers they must give, and one image of boxes through a postprocessor.

import { assert } from 'chai';
import { createBackend, createPostprocessor, type NmsOptions } from '../../src/index.js';
import { gpuTest } from './gpu-suite.js';
import { plainHead } from './plain-head.js';

type Scores = number[] | Float32Array;
type Options = Partial<NmsOptions>;
type Nms = (boxes: number[][] | Float32Array, scores: Scores, options?: Options) => Promise<number[]>;
/** Boxes, scores, options, kept indices. */
export type Case = readonly [number[][], Scores, Options, number[]];

/** The float32 of these bits, kept as they are. */
export const ofBits = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer);

/** Copies words: a NaN that passes through a number may lose its sign and payload. */
export function join(parts: readonly Float32Array[]): Float32Array {
	const words = new Uint32Array(parts.reduce((sum, p) => sum + p.length, 0));
	let at = 0;
	for (const part of parts) {
		words.set(new Uint32Array(part.buffer, part.byteOffset, part.length), at);
		at += part.length;
	}
	return new Float32Array(words.buffer);
}

export function faultTest(name: string, body: (nms: Nms, device: GPUDevice) => Promise<void>): void {
	gpuTest(`faults: ${name}`, async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		try {
			const nms: Nms = async (boxes, scores, options) => [
				...(await backend.nms(boxes instanceof Float32Array ? boxes : boxes.flat(), scores, { iouThreshold: 0.5, ...options })),
			];
			await body(nms, device);
		} finally {
			backend.dispose();
		}
	});
}

/** A row of the list that is a table of calls. */
export function faultTable(name: string, cases: readonly Case[]): void {
	faultTest(name, async (nms) => {
		for (const [i, [boxes, scores, options, kept]] of cases.entries()) assert.deepEqual(await nms(boxes, scores, options), kept, `case ${i}`);
	});
}

/** The detections of one image of boxes and scores of one class, float32 or half bits. */
export async function detectPlain(device: GPUDevice, boxes: Float32Array | Uint16Array, scores: Float32Array | Uint16Array, iouThreshold = 0.5) {
	const head = plainHead(scores.length, 1);
	const postprocessor = await createPostprocessor({ head, backend: 'webgpu', device, scoreThreshold: 0, iouThreshold });
	try {
		const type = (data: Float32Array | Uint16Array) => (data instanceof Float32Array ? 'float32' : 'float16');
		return await postprocessor.run({
			boxes: { data: boxes, dims: [1, scores.length, 4], type: type(boxes) },
			scores: { data: scores, dims: [1, scores.length, 1], type: type(scores) },
		});
	} finally {
		postprocessor.dispose();
	}
}

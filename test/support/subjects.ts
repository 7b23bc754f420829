// Small jobs with hand-worked answers, for tests of what happens around a call: a postprocessor of 21 anchors, the same
// with its tensor on the GPU, one with more rows than the first readback takes, and encode().

import type { Detections } from '../../src/detections.js';
import { KedgeError } from '../../src/errors.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import type { OnLost } from '../../src/options.js';
import type { EncodedLayout } from '../../src/pipeline.js';
import { createPostprocessor, type Postprocessor } from '../../src/postprocessor.js';

/** Where to run. */
export interface Place {
	readonly device?: GPUDevice;
	readonly gpu?: GPU;
	readonly onLost?: OnLost;
	/** The job's input on the device, where it wants one. */
	readonly input?: GPUBuffer;
	/** Makes calls of the test itself, which no fault shall hit. */
	quietly?<T>(body: () => T): T;
}

/** Something that can be called again and again with the same answer. */
export interface Subject {
	call(): Promise<string>;
	dispose(): void;
}

/** A job, and the answer as text. */
export interface Job {
	/** What it wants to have on the device. */
	readonly input?: Float32Array;
	readonly expected: string;
	open(place: Place): Promise<Subject>;
}

// 32 x 32 pixels, strides 8, 16, 32: 16 + 4 + 1 = 21 anchors; channels cx, cy, w, h, two classes.
export const HEAD = yolov8({ numClasses: 2, inputSize: [32, 32] });
const A = 21;

/** [anchor, cx, cy, w, h, class, score] to an output [1, 6, 21]. */
export function output(...rows: number[][]): Float32Array {
	const data = new Float32Array(6 * A);
	for (const [anchor, cx, cy, w, h, classId, score] of rows) {
		for (const [channel, value] of [cx, cy, w, h].entries()) data[channel * A + anchor] = value;
		data[(4 + classId) * A + anchor] = score;
	}
	return data;
}

// IoU of the first two: 10 x 10 against the same moved by 2: 80 / 120. The third is apart, the fourth of another class.
export const SCENE = output([3, 10, 10, 10, 10, 0, 0.75], [7, 12, 10, 10, 10, 0, 0.875], [20, 25, 25, 4, 4, 1, 0.5], [11, 12, 10, 10, 10, 1, 0.625]);
export const SCENE_ANSWER = '7:0.875:[7 5 17 15] 11:0.625:[7 5 17 15] 20:0.5:[23 23 27 27]';

// 512 x 512 pixels: 4096 + 1024 + 256 = 5376 anchors, each a square of 2 pixels on a grid of 4: all kept, in order of anchor.
const MANY_HEAD = yolov8({ numClasses: 1, inputSize: [512, 512] });
const MANY = 5376;
function manyBoxes(): Float32Array {
	const data = new Float32Array(5 * MANY);
	for (let i = 0; i < MANY; i++) [(i % 64) * 4 + 2, Math.floor(i / 64) * 4 + 2, 2, 2, 0.5].forEach((value, channel) => (data[channel * MANY + i] = value));
	return data;
}
const MANY_ANSWER = Array.from(
	{ length: MANY },
	(_, i) => `${i}:0.5:[${(i % 64) * 4 + 1} ${Math.floor(i / 64) * 4 + 1} ${(i % 64) * 4 + 3} ${Math.floor(i / 64) * 4 + 3}]`,
).join(' ');

/** Detections as text. */
export function describe({ count, indices, scores, boxes }: Detections): string {
	return Array.from({ length: count }, (_, i) => `${indices[i]}:${scores[i]}:[${boxes.subarray(4 * i, 4 * i + 4).join(' ')}]`).join(' ');
}

/** An array in a buffer of the caller. */
export function bufferOf(
	device: GPUDevice,
	data: Float32Array,
	usage: number = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
): GPUBuffer {
	const buffer = device.createBuffer({ label: 'input', size: data.byteLength, usage });
	device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
	return buffer;
}

/** A postprocessor. 'bitmask' gives the same answer as 'blocked', and its shaders compile several times faster. */
export function postprocessor(options: { backend: 'webgpu' | 'hybrid'; onGpu?: boolean; many?: boolean; gpuStages?: number }): Job {
	const { backend, onGpu, many, gpuStages } = options;
	const data = many ? manyBoxes() : SCENE;
	return {
		input: onGpu ? data : undefined,
		expected: many ? MANY_ANSWER : SCENE_ANSWER,
		async open({ input = data, quietly, ...place }) {
			const fixed = many ? { scoreThreshold: 0, maxDetections: Number.POSITIVE_INFINITY } : ({ suppression: 'bitmask' } as const);
			const made = await createPostprocessor({ head: many ? MANY_HEAD : HEAD, backend, ...fixed, gpuStages, ...place });
			return { call: async () => describe(await made.run(input)), dispose: () => made.dispose() };
		},
	};
}

/** encode() by a caller who submits the commands himself, inside an error scope of his own, and reads the rows. */
export function encoding(): Job {
	return {
		input: SCENE,
		expected: SCENE_ANSWER,
		async open({ input, quietly = (body) => body(), ...place }) {
			const made = await createPostprocessor({ head: HEAD, backend: 'webgpu', suppression: 'bitmask', maxDetections: 20, ...place });
			return { call: () => encodeAndRead(made, input as GPUBuffer, quietly), dispose: () => made.dispose() };
		},
	};
}

async function encodeAndRead(made: Postprocessor, input: GPUBuffer, quietly: <T>(body: () => T) => T): Promise<string> {
	const device = made.backend.device as GPUDevice;
	const staging = quietly(() => device.createBuffer({ size: 1024, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST }));
	const encoder = quietly(() => device.createCommandEncoder());
	let layout!: EncodedLayout;
	const submit = () => {
		const encoded = made.encode(encoder, input);
		layout = encoded.layout;
		encoder.copyBufferToBuffer(encoded.buffer, 0, staging, 0, layout.imageStride);
		quietly(() => device.queue.submit([encoder.finish()]));
	};
	try {
		const refused = await inScope(device, submit, quietly);
		if (refused) throw new KedgeError('GPU_VALIDATION', `told to the caller's scope: ${refused.message}`);
		await quietly(() => staging.mapAsync(GPUMapMode.READ));
		const bytes = quietly(() => staging.getMappedRange(0, layout.imageStride));
		return describeRows(bytes, layout);
	} finally {
		staging.destroy();
	}
}

/** What a caller's own error scope catches while the body runs. */
async function inScope(device: GPUDevice, body: () => void, quietly: <T>(body: () => T) => T): Promise<GPUError | null> {
	device.pushErrorScope('validation');
	let refused: Promise<GPUError | null>;
	try {
		body();
	} finally {
		refused = quietly(() => device.popErrorScope());
	}
	return refused;
}

/** The result of encode() as text, read by its layout. */
export function describeRows(bytes: ArrayBuffer, layout: EncodedLayout): string {
	const view = new DataView(bytes);
	const count = view.getUint32(layout.header.count, true);
	return Array.from({ length: count }, (_, i) => {
		const at = layout.rowOffset + i * layout.rowStride;
		const float = (offset: number) => view.getFloat32(at + offset, true);
		const box = [0, 4, 8, 12].map((k) => float(layout.row.box + k)).join(' ');
		return `${view.getUint32(at + layout.row.index, true)}:${float(layout.row.score)}:[${box}]`;
	}).join(' ');
}

/** Awaits a promise that must settle; what it rejects with is handed back. */
export async function settle<T>(promise: Promise<T>, what: string, milliseconds = 20_000): Promise<{ value?: T; error?: unknown }> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`${what}: did not settle in ${milliseconds} ms`)), milliseconds);
	});
	const done = promise.then(
		(value) => ({ value }),
		(error) => ({ error: error ?? new Error(`${what}: rejected with nothing`) }),
	);
	return Promise.race([done, late]).finally(() => clearTimeout(timer));
}

/** Waits for what happens soon; fails with `why` when it does not. */
export async function untilTrue(condition: () => boolean, why: () => string, milliseconds = 2000): Promise<void> {
	const end = performance.now() + milliseconds;
	while (!condition()) {
		if (performance.now() > end) throw new Error(why());
		await new Promise((resolve) => setTimeout(resolve, 2));
	}
}

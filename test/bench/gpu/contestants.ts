// Ways to get the detections of a head that lies on the GPU: kedge's GPU path, kedge's hybrid one, the textbook pipeline, and
// the common way, which reads the whole head back and goes on on the CPU.

import { boxes, createPostprocessor, type Detections, defineHead, type Head, type Postprocessor, yolov8 } from 'kedge';
import { type Answer, detectionsAnswer } from '../answer.js';
import { loopAnswer, loopTransposed } from '../peers/loop.js';
import { type BoxWorkload, YOLO } from '../workloads.js';
import { filledBuffer } from './device.js';
import { createTextbook, type TextbookOptions, textbookAnswer } from './textbook.js';

/** What a frame gave. */
export interface FrameResult {
	readonly answer: Answer;
	/** Milliseconds of GPU time per stage, where they were asked for and can be had. */
	readonly stages?: Readonly<Record<string, number>>;
}

export interface FrameContestant {
	readonly name: string;
	/** One frame. `timed` asks for the GPU time of each stage; false: for nothing but the result. */
	run(timed: boolean): Promise<unknown>;
	read(result: never): FrameResult;
	dispose(): void;
}

/** A head on the GPU, for every contestant. */
export interface Scene {
	readonly head: Head;
	/** As the head has them. */
	readonly tensors: readonly { readonly buffer: GPUBuffer; readonly dims: readonly number[] }[];
	readonly scoreThreshold: number;
	readonly iouThreshold: number;
	readonly maxDetections: number;
	readonly input: TextbookOptions['input'];
}

/** A YOLOv8 head [1, 84, 8400] with this content. */
export function yolov8Scene(device: GPUDevice, frame: Float32Array, scoreThreshold: number): Scene {
	const buffer = filledBuffer(device, 'head', frame);
	return {
		head: yolov8({ numClasses: YOLO.numClasses }),
		tensors: [{ buffer, dims: YOLO.dims }],
		...{ scoreThreshold, iouThreshold: 0.45, maxDetections: 300 },
		input: { head: buffer, numClasses: YOLO.numClasses },
	};
}

/** Boxes [n, 4] and scores [n], as a first stage or a decoder of one's own leaves them; with `numClasses` above 1 also class ids [n]. */
export function boxScene(device: GPUDevice, work: BoxWorkload, maxDetections: number, { scoreThreshold = 0.001, numClasses = 1 } = {}): Scene {
	const n = work.scores.length;
	const tensors = [
		{ buffer: filledBuffer(device, 'boxes', work.boxes), dims: [1, n, 4] },
		{ buffer: filledBuffer(device, 'scores', work.scores), dims: [1, n, 1] },
	];
	const withClasses = numClasses > 1;
	// a head's class ids are numbers, as models put them out
	if (withClasses) tensors.push({ buffer: filledBuffer(device, 'classes', Float32Array.from(work.classIds)), dims: [1, n, 1] });
	const list = (name: string) => ({ name, layouts: [['anchor', 'channel']], sizes: { anchor: n, channel: 1 } }) as const;
	const field = (tensor: number) => ({ tensor, channel: 0 });
	const head = defineHead({
		name: 'boxes',
		inputSize: [1080, 1920],
		numClasses,
		numAnchors: n,
		tensors: [{ name: 'boxes', layouts: [['anchor', 'channel']], sizes: { anchor: n, channel: 4 } }, list('scores'), ...(withClasses ? [list('classes')] : [])],
		levels: [
			{
				firstAnchor: 0,
				numAnchors: n,
				grid: [1, n],
				numShapes: 1,
				order: 'yxa',
				stride: 1,
				box: field(0),
				classes: field(1),
				...(withClasses && { classIds: field(2) }),
			},
		],
		score: { activation: 'none', ...(withClasses && { classes: 'given' as const }) },
		codec: boxes({ format: 'xyxy' }),
	});
	const [boxBuffer, scores] = tensors.map(({ buffer }) => buffer);
	return {
		...{ head, tensors, scoreThreshold, iouThreshold: 0.5, maxDetections },
		input: { boxes: boxBuffer, scores, classIds: filledBuffer(device, 'classIds', withClasses ? work.classIds : new Uint32Array(n)) },
	};
}

/** Makes a contestant ready on the device. */
export type Maker = (device: GPUDevice, scene: Scene) => Promise<FrameContestant>;

const outputsOf = ({ tensors }: Scene) => tensors.map(({ buffer, dims }) => ({ gpuBuffer: buffer, dims, type: 'float32' as const }));

function postprocessorOf(scene: Scene, backend: 'webgpu' | 'hybrid' | 'cpu', device?: GPUDevice): Promise<Postprocessor> {
	const { head, scoreThreshold, iouThreshold, maxDetections } = scene;
	return createPostprocessor({ head, backend, ...(device && { device }), scoreThreshold, iouThreshold, maxDetections });
}

/** kedge with all stages on the GPU. */
export const kedgeGpu: Maker = async (device, scene) => {
	const postprocessor = await postprocessorOf(scene, 'webgpu', device);
	const outputs = outputsOf(scene);
	return {
		name: 'kedge, webgpu',
		run: (timings) => postprocessor.run(outputs, { timings }),
		read: (detections: Detections) => {
			const { total: _, ...stages } = detections.timings ?? {};
			return { answer: detectionsAnswer(detections), stages: Object.keys(stages).length ? stages : undefined };
		},
		dispose: () => postprocessor.dispose(),
	};
};

/** kedge, decoding on the GPU and suppressing on the CPU. Its timings are not of the GPU alone, so it gives none. */
export const kedgeHybrid: Maker = async (device, scene) => {
	const postprocessor = await postprocessorOf(scene, 'hybrid', device);
	const outputs = outputsOf(scene);
	return {
		name: 'kedge, hybrid',
		run: () => postprocessor.run(outputs),
		read: (detections: Detections) => ({ answer: detectionsAnswer(detections) }),
		dispose: () => postprocessor.dispose(),
	};
};

/** Bitmask and rank sort. */
export const textbookGpu: Maker = async (device, scene) => {
	const { scoreThreshold, iouThreshold, maxDetections, input, head } = scene;
	const textbook = await createTextbook({ device, input, numAnchors: head.numAnchors, scoreThreshold, iouThreshold, maxDetections });
	return {
		name: 'bitmask and rank sort',
		run: (timed) => textbook.run(timed),
		read: (result: Awaited<ReturnType<typeof textbook.run>>) => ({ answer: textbookAnswer(result), stages: result.timings }),
		dispose: () => textbook.dispose(),
	};
};

/** Copies the tensors of a scene into one mappable buffer, waits, and hands each as numbers to `finish`. */
function readback(device: GPUDevice, { tensors }: Scene) {
	const starts: number[] = [];
	let size = 0;
	for (const { buffer } of tensors) {
		starts.push(size);
		size += buffer.size;
	}
	const staging = device.createBuffer({ label: 'readback.staging', size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
	const run = async <T>(finish: (outputs: { data: Float32Array; dims: readonly number[] }[]) => T | Promise<T>): Promise<T> => {
		const encoder = device.createCommandEncoder();
		tensors.forEach(({ buffer }, i) => encoder.copyBufferToBuffer(buffer, 0, staging, starts[i], buffer.size));
		device.queue.submit([encoder.finish()]);
		await staging.mapAsync(GPUMapMode.READ);
		const mapped = staging.getMappedRange();
		const result = await finish(
			tensors.map(({ dims }, i) => ({
				dims,
				data: new Float32Array(
					mapped,
					starts[i],
					dims.reduce((a, b) => a * b),
				),
			})),
		);
		staging.unmap();
		return result;
	};
	return { run, staging };
}

/** Reading the whole head back, and kedge's path on the CPU. */
export const readbackCpu: Maker = async (device, scene) => {
	const postprocessor = await postprocessorOf(scene, 'cpu');
	const { run, staging } = readback(device, scene);
	return {
		name: 'readback and kedge, CPU',
		run: () => run((outputs) => postprocessor.run<Detections>(outputs)),
		read: (detections: Detections) => ({ answer: detectionsAnswer(detections) }),
		dispose: () => {
			postprocessor.dispose();
			staging.destroy();
		},
	};
};

/** The common way with YOLOv8: reading the whole head back, and the plain loops of careful demos. */
export const readbackLoop: Maker = async (device, scene) => {
	const { scoreThreshold, iouThreshold, maxDetections } = scene;
	const { run, staging } = readback(device, scene);
	return {
		name: 'readback and loop demo',
		run: () => run(([{ data }]) => loopTransposed(data, scoreThreshold, iouThreshold, maxDetections)),
		read: (found: ReturnType<typeof loopTransposed>) => ({ answer: loopAnswer(found) }),
		dispose: () => staging.destroy(),
	};
};

/** A frame that does nothing but what every frame on the GPU must: a submit, and a map of 16 bytes. What is below is the platform's. */
export function emptyFrame(device: GPUDevice): () => Promise<void> {
	const { MAP_READ, COPY_DST, COPY_SRC } = GPUBufferUsage;
	const [source, staging] = [COPY_SRC, MAP_READ | COPY_DST].map((usage) => device.createBuffer({ label: 'empty', size: 16, usage }));
	return async () => {
		const encoder = device.createCommandEncoder();
		encoder.copyBufferToBuffer(source, 0, staging, 0, 16);
		device.queue.submit([encoder.finish()]);
		await staging.mapAsync(GPUMapMode.READ);
		staging.getMappedRange();
		staging.unmap();
	};
}

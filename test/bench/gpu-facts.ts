// Facts of the GPU path, counted by listening in on the browser's own WebGPU: what a frame submits, maps, reads back and
// creates, and how long it holds the main thread, beside the common way of reading the raw tensor back and going on on
// the CPU. No speed of a GPU is told from this: the adapter may be a software one. Then its threads also push the main
// thread off the core (most of its time passes in submit()), so main-thread times are facts without a gate.

import { checkWebGPU, createPostprocessor, type Detections, type Postprocessor, yolov8 } from 'kedge';
import { detectionsAnswer, differenceOf } from './answer.js';
import { quantile } from './measure.js';
import { lineOf, type Result, type Row, type Run, resultOf } from './result.js';
import { YOLO, yolov8Frame } from './workloads.js';

/** What happened during a frame. */
interface Counts {
	submits: number;
	passes: number;
	maps: number;
	bytesMapped: number;
	objects: number;
	/** Milliseconds that are not spent waiting for the GPU. */
	mainThread: number;
}

export interface GpuFacts extends Result {
	readonly kind: 'gpu';
	readonly adapter: string;
	readonly software: boolean;
	readonly frames: number;
	/** Detections per frame. */
	readonly detections: number;
	/** Largest counts of a frame after warm-up; of the main-thread time the first quartile, for other work only adds to it. */
	readonly kedge: Counts;
	readonly readback: Counts;
}

const NAME = 'gpu facts';
const WHAT = 'per frame of a yolov8 0.25 head that lies on the GPU';
/** What 300 detections may take. */
const MAX_BYTES = 10 * 1024;
const WARM_UP = 30;

/** Replaces a method by one that tells of each call; returns the way back. */
function listen(owner: object, name: string, heard: (args: unknown[], result: unknown) => unknown): () => void {
	const methods = owner as Record<string, (...args: unknown[]) => unknown>;
	const original = methods[name];
	methods[name] = function (this: unknown, ...args) {
		const result = original.apply(this, args);
		return heard(args, result) ?? result;
	};
	return () => {
		methods[name] = original;
	};
}

/** Sums the time during which something is waited for and nothing else is to be done. */
class Waits {
	#pending = 0;
	#since = 0;
	total = 0;
	/** From then on waiting counts: before, the frame is still being submitted. */
	from = Number.POSITIVE_INFINITY;

	/** Counts until the promise settles; gives what the frame is to wait for instead. */
	watch<T>(promise: Promise<T>): Promise<T> {
		if (this.#pending++ === 0) this.#since = performance.now();
		return promise.finally(() => {
			if (--this.#pending === 0) this.total += Math.max(0, performance.now() - Math.max(this.#since, this.from));
		});
	}
}

/** Counts while `frame` runs. */
async function count(frame: () => Promise<unknown>): Promise<Counts> {
	const counts: Counts = { submits: 0, passes: 0, maps: 0, bytesMapped: 0, objects: 0, mainThread: 0 };
	const waits = new Waits();
	const creators = Object.getOwnPropertyNames(GPUDevice.prototype).filter((name) => name.startsWith('create') && name !== 'createCommandEncoder');
	const restore = [
		listen(GPUQueue.prototype, 'submit', () => void counts.submits++),
		listen(GPUCommandEncoder.prototype, 'beginComputePass', () => void counts.passes++),
		listen(GPUBuffer.prototype, 'getMappedRange', (_, range) => {
			counts.bytesMapped += (range as ArrayBuffer).byteLength;
		}),
		listen(GPUBuffer.prototype, 'mapAsync', (_, mapped) => {
			counts.maps++;
			return waits.watch(mapped as Promise<void>);
		}),
		listen(GPUDevice.prototype, 'popErrorScope', (_, popped) => waits.watch(popped as Promise<unknown>)),
		...creators.map((name) => listen(GPUDevice.prototype, name, () => void counts.objects++)),
	];
	try {
		const begun = performance.now();
		const done = frame();
		waits.from = performance.now();
		await done;
		counts.mainThread = performance.now() - begun - waits.total;
	} finally {
		for (const back of restore) back();
	}
	return counts;
}

/** Frames come apart, as they do from a camera: what one left to be done does not fall on the next. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

/** The worst frame in counts, a good one in time. */
function worst(all: readonly Counts[]): Counts {
	const most = (key: keyof Counts) => Math.max(...all.map((one) => one[key]));
	return {
		submits: most('submits'),
		passes: most('passes'),
		maps: most('maps'),
		bytesMapped: most('bytesMapped'),
		objects: most('objects'),
		mainThread: quantile(
			all.map((one) => one.mainThread),
			0.25,
		),
	};
}

/** The common way: copy the whole tensor into a mappable buffer, wait, and post-process on the CPU. */
function readbackWay(device: GPUDevice, tensor: GPUBuffer, cpu: Postprocessor): () => Promise<Detections> {
	const staging = device.createBuffer({ size: tensor.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
	return async () => {
		const encoder = device.createCommandEncoder();
		encoder.copyBufferToBuffer(tensor, 0, staging, 0, tensor.size);
		device.queue.submit([encoder.finish()]);
		await staging.mapAsync(GPUMapMode.READ);
		const detections = await cpu.run({ data: new Float32Array(staging.getMappedRange()), dims: YOLO.dims });
		staging.unmap();
		return detections;
	};
}

/** Counts frames of a YOLOv8 head that lies on the GPU. */
async function gpuFacts({ quick, progress }: Run): Promise<GpuFacts> {
	const { software, adapter } = await checkWebGPU();
	const head = yolov8({ numClasses: YOLO.numClasses });
	progress('compiling shaders');
	const gpu = await createPostprocessor({ head, backend: 'webgpu' });
	const cpu = await createPostprocessor({ head, backend: 'cpu' });
	const device = gpu.backend.device as GPUDevice;
	const frame = yolov8Frame(1);
	const tensor = device.createBuffer({ size: frame.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
	device.queue.writeBuffer(tensor, 0, frame);
	const onGpu = () => gpu.run({ gpuBuffer: tensor, dims: YOLO.dims, type: 'float32' });
	const readback = readbackWay(device, tensor, cpu);

	const differences: string[] = [];
	const [found, expected] = [await onGpu(), await readback()];
	const difference = differenceOf(detectionsAnswer(found), detectionsAnswer(expected));
	if (difference) differences.push(`GPU and CPU differ: ${difference}`);
	progress('warming up');
	for (let i = 0; i < WARM_UP; i++) {
		await onGpu();
		await readback();
	}
	const frames = quick ? 20 : 100;
	const counts: { kedge: Counts[]; readback: Counts[] } = { kedge: [], readback: [] };
	progress(`counting ${frames} frames`);
	for (let i = 0; i < frames; i++) {
		counts.kedge.push(await count(onGpu));
		await pause();
		counts.readback.push(await count(readback));
		await pause();
	}
	for (const one of [gpu, cpu]) one.dispose();
	const [ours, theirs] = [worst(counts.kedge), worst(counts.readback)];
	const lines = [
		...(['submits', 'passes', 'maps'] as const).map((label) => lineOf({ label, value: ours[label], unit: '', gate: 1, sense: 'at most' })),
		lineOf({ label: 'bytes read back', value: ours.bytesMapped, unit: 'bytes', gate: MAX_BYTES, sense: 'at most' }),
		lineOf({ label: 'GPU objects created', value: ours.objects, unit: '', gate: 0, sense: 'at most' }),
		lineOf({ label: 'main thread', value: ours.mainThread, unit: 'ms' }),
	];
	return resultOf(
		{ kind: 'gpu' as const, name: NAME, what: WHAT, adapter, software, frames, detections: found.count, kedge: ours, readback: theirs, lines },
		differences,
	);
}

export const gpuFactsRow: Row = { name: NAME, what: WHAT, gpu: true, places: ['chromium'], run: gpuFacts };

// One device for onnxruntime-web and kedge: runs a network on WebGPU and leaves its output there, then on wasm, and
// watches what becomes of the output's buffer.

import { createPostprocessor, type Detections, type Outputs, type Postprocessor, yolov8 } from 'kedge';
import { deviceOf, fromOrt, runOrt } from 'kedge/onnxruntime';
import * as ort from 'onnxruntime-web/webgpu';

ort.env.wasm.numThreads = 1;

/** A result in plain values. */
export interface Plain {
	boxes: number[];
	scores: number[];
	classIds: number[];
	indices: number[];
	numCandidates: number;
}

/** What one frame led to. */
export interface ChainReport {
	/** kedge on the GPU, on the tensor where it stands; and on the CPU, on the same tensor downloaded. */
	inPlace: Plain;
	downloaded: Plain;
	/** kedge on the CPU, on the output of the same network in wasm. */
	wasm: Plain;
	location: string;
	/** Bind groups that hold the output's buffer, and copies made from it, while kedge ran. */
	boundInPlace: number;
	copies: number;
	kind: string;
	sharesDevice: boolean;
	/** Location of the tensor after `runOrt`. */
	disposed: string;
	again: Plain;
}

const plain = (d: Detections): Plain => ({
	boxes: [...d.boxes],
	scores: [...d.scores],
	classIds: [...d.classIds],
	indices: [...d.indices],
	numCandidates: d.numCandidates,
});

/** Counts uses of a buffer while work is done. */
async function watchBuffer<T>(buffer: GPUBuffer, work: () => Promise<T>): Promise<{ result: T; bound: number; copies: number }> {
	let bound = 0;
	let copies = 0;
	const { createBindGroup } = GPUDevice.prototype;
	const { copyBufferToBuffer } = GPUCommandEncoder.prototype;
	GPUDevice.prototype.createBindGroup = function (descriptor) {
		for (const { resource } of descriptor.entries) if (resource === buffer || (resource as GPUBufferBinding).buffer === buffer) bound++;
		return createBindGroup.call(this, descriptor);
	};
	GPUCommandEncoder.prototype.copyBufferToBuffer = function (...args: unknown[]) {
		if (args[0] === buffer) copies++;
		return (copyBufferToBuffer as (...all: unknown[]) => undefined).apply(this, args);
	};
	try {
		return { result: await work(), bound, copies };
	} finally {
		GPUDevice.prototype.createBindGroup = createBindGroup;
		GPUCommandEncoder.prototype.copyBufferToBuffer = copyBufferToBuffer;
	}
}

/** Runs each picture [1, 3, size, size] through the network on WebGPU and on wasm, and both outputs through kedge. */
async function runChain(model: number[], size: number, pictures: number[][]): Promise<ChainReport[]> {
	const bytes = Uint8Array.from(model);
	const onGpu = await ort.InferenceSession.create(bytes, { executionProviders: ['webgpu'], preferredOutputLocation: 'gpu-buffer' });
	const device = await deviceOf(ort);
	const onCpu = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
	const head = yolov8({ numClasses: 4, inputSize: [size, size] });
	const gpu = await createPostprocessor({ head, backend: 'webgpu', device });
	const cpu = await createPostprocessor({ head, backend: 'cpu' });
	const reports: ChainReport[] = [];
	for (const picture of pictures) reports.push(await runOne({ onGpu, onCpu, gpu, cpu, device, size }, Float32Array.from(picture)));
	gpu.dispose();
	cpu.dispose();
	// The shared device is the runtime's: kedge leaves it alone.
	const alive = await Promise.race([device.lost.then(() => false), device.queue.onSubmittedWorkDone().then(() => true)]);
	if (!alive) throw new Error('the shared device did not survive dispose()');
	return reports;
}

interface Chain {
	onGpu: ort.InferenceSession;
	onCpu: ort.InferenceSession;
	gpu: Postprocessor;
	cpu: Postprocessor;
	device: GPUDevice;
	size: number;
}

async function runOne({ onGpu, onCpu, gpu, cpu, device, size }: Chain, picture: Float32Array): Promise<ChainReport> {
	const input = () => ({ images: new ort.Tensor('float32', picture, [1, 3, size, size]) });
	const outputs = await onGpu.run(input());
	const { location } = outputs.output0;
	const buffer = outputs.output0.gpuBuffer as unknown as GPUBuffer;
	const { result: inPlace, bound, copies } = await watchBuffer(buffer, () => gpu.run(fromOrt(outputs)));
	const data = (await outputs.output0.getData()) as Float32Array;
	const downloaded = await cpu.run({ data, dims: outputs.output0.dims } as Outputs);
	const wasm = await cpu.run(fromOrt(await onCpu.run(input())));
	const second = await onGpu.run(input());
	const again = await runOrt(gpu, second);
	return {
		inPlace: plain(inPlace),
		downloaded: plain(downloaded),
		wasm: plain(wasm),
		location,
		boundInPlace: bound,
		copies,
		kind: gpu.backend.kind,
		sharesDevice: gpu.backend.device === device,
		disposed: second.output0.location,
		again: plain(again),
	};
}

Object.assign(globalThis, { runChain });

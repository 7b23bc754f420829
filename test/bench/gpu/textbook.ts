// The textbook pipeline on the GPU, kedge's opponent: rank sort over all pairs, a bit for every pair of boxes (N²/8 bytes),
// one sweep. Written the way a careful author would: pipelines, buffers and bind groups are made once, one submit, one pass and
// one map a frame, and only the detections are read back.

import type { Answer } from '../answer.js';
import { GROUP, HEADER_WORDS, KERNELS, type KernelName, REMOVED_WORDS, ROW_WORDS, TILE } from './textbook-shaders.js';

/** What is fixed for a pipeline. */
export interface TextbookOptions {
	readonly device: GPUDevice;
	/** What a frame is: a YOLOv8 head [4 + numClasses, numAnchors] on the GPU; or boxes [numAnchors, 4], scores and class ids. */
	readonly input:
		| { readonly head: GPUBuffer; readonly numClasses: number }
		| { readonly boxes: GPUBuffer; readonly scores: GPUBuffer; readonly classIds: GPUBuffer };
	readonly numAnchors: number;
	readonly scoreThreshold: number;
	readonly iouThreshold: number;
	readonly maxDetections: number;
	readonly classAgnostic?: boolean;
}

/** Detections as they are read back. */
export interface TextbookResult {
	readonly count: number;
	readonly numCandidates: number;
	/** Header and rows: box, score, anchor, class id, 0. */
	readonly words: Uint32Array;
	/** Milliseconds per stage, where they were asked for. */
	readonly timings?: Readonly<Record<string, number>>;
}

const STAGES: readonly { readonly kernel: KernelName; readonly stage: string; readonly dispatch: 'anchors' | 'one' | number }[] = [
	{ kernel: 'decodeBoxes', stage: 'decode', dispatch: 'anchors' },
	{ kernel: 'sizes', stage: 'decode', dispatch: 'one' },
	{ kernel: 'rank', stage: 'rank', dispatch: 0 },
	{ kernel: 'mask', stage: 'mask', dispatch: 16 },
	{ kernel: 'sweep', stage: 'sweep', dispatch: 'one' },
];
const TIMED = ['decode', 'rank', 'mask', 'sweep'];
const MAX_GROUPS = 65535;

/** Bytes of the bits of all pairs of n boxes. */
export function maskBytes(n: number): number {
	return n * Math.ceil(n / TILE) * 8;
}

/** Why n boxes cannot be done on this device, in words; undefined where they can. */
export function textbookRefusal(n: number, { maxStorageBufferBindingSize, maxBufferSize }: GPUSupportedLimits): string | undefined {
	const limit = Math.min(maxStorageBufferBindingSize, maxBufferSize);
	if (maskBytes(n) > limit) return `the bits of ${n}² pairs take ${maskBytes(n)} bytes; a buffer of this device has ${limit}`;
	const most = REMOVED_WORDS * 32;
	if (n > most) return `the sweep holds ${most} boxes in workgroup memory; got ${n}`;
	return undefined;
}

/** Compiled kernels of each device: their text does not depend on sizes. */
const compiled = new WeakMap<GPUDevice, Map<KernelName, Promise<{ layout: GPUBindGroupLayout; pipeline: GPUComputePipeline }>>>();

function kernelOn(device: GPUDevice, name: KernelName) {
	const known = compiled.get(device) ?? new Map();
	compiled.set(device, known);
	const making = known.get(name) ?? compile(device, name);
	known.set(name, making);
	return making;
}

async function compile(device: GPUDevice, name: KernelName) {
	const { code, bindings } = KERNELS[name];
	const label = `textbook.${name}`;
	const layout = device.createBindGroupLayout({
		label,
		entries: ['uniform', ...bindings].map((buffer, binding) => ({
			binding,
			visibility: GPUShaderStage.COMPUTE,
			buffer: { type: binding === 0 ? 'uniform' : buffer.endsWith('!') ? 'storage' : 'read-only-storage' } as const,
		})),
	});
	const pipeline = await device.createComputePipelineAsync({
		label,
		layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
		compute: { module: device.createShaderModule({ label, code }), entryPoint: 'main' },
	});
	return { layout, pipeline };
}

interface Ready {
	readonly stage: string;
	readonly dispatch: 'anchors' | 'one' | number;
	readonly pipeline: GPUComputePipeline;
	readonly group: GPUBindGroup;
}

/** Made by `createTextbook`. */
export class Textbook {
	readonly #options: TextbookOptions;
	readonly #buffers: Readonly<Record<string, GPUBuffer>>;
	readonly #kernels: readonly Ready[];
	readonly #querySet: GPUQuerySet | undefined;
	readonly #resultBytes: number;

	constructor(options: TextbookOptions, buffers: Readonly<Record<string, GPUBuffer>>, kernels: readonly Ready[], querySet: GPUQuerySet | undefined) {
		this.#options = options;
		this.#buffers = buffers;
		this.#kernels = kernels;
		this.#querySet = querySet;
		this.#resultBytes = resultBytes(options.maxDetections);
	}

	/** One frame. With `timed` each stage is a pass of its own, as the device measures passes. */
	async run(timed = false): Promise<TextbookResult> {
		const { device } = this.#options;
		const { state, output, staging, stamps } = this.#buffers;
		const querySet = timed ? this.#querySet : undefined;
		const encoder = device.createCommandEncoder();
		encoder.clearBuffer(state);
		if (querySet) this.#recordTimed(encoder, querySet);
		else this.#record(encoder, this.#kernels, {});
		encoder.copyBufferToBuffer(output, 0, staging, 0, this.#resultBytes);
		if (querySet) encoder.copyBufferToBuffer(stamps, 0, staging, this.#resultBytes, stamps.size);
		device.queue.submit([encoder.finish()]);
		const bytes = this.#resultBytes + (querySet ? stamps.size : 0);
		await staging.mapAsync(GPUMapMode.READ, 0, bytes);
		const mapped = staging.getMappedRange(0, bytes);
		const [count, numCandidates] = new Uint32Array(mapped, 0, 2);
		const words = new Uint32Array(mapped.slice(0, 4 * (HEADER_WORDS + count * ROW_WORDS)));
		const timings = querySet && stageTimes(new BigUint64Array(mapped.slice(this.#resultBytes)));
		staging.unmap();
		return { count, numCandidates, words, timings };
	}

	#record(encoder: GPUCommandEncoder, kernels: readonly Ready[], descriptor: GPUComputePassDescriptor): void {
		const pass = encoder.beginComputePass(descriptor);
		for (const { dispatch, pipeline, group } of kernels) {
			pass.setPipeline(pipeline);
			pass.setBindGroup(0, group);
			if (typeof dispatch === 'number') pass.dispatchWorkgroupsIndirect(this.#buffers.dispatches, dispatch);
			else pass.dispatchWorkgroups(dispatch === 'one' ? 1 : Math.min(MAX_GROUPS, Math.ceil(this.#options.numAnchors / GROUP)));
		}
		pass.end();
	}

	#recordTimed(encoder: GPUCommandEncoder, querySet: GPUQuerySet): void {
		TIMED.forEach((stage, i) => {
			const timestampWrites = { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 };
			const kernels = this.#kernels.filter((kernel) => kernel.stage === stage);
			this.#record(encoder, kernels, { timestampWrites });
		});
		encoder.resolveQuerySet(querySet, 0, 2 * TIMED.length, this.#buffers.stamps, 0);
	}

	/** Frees its buffers; those of the input are the caller's. */
	dispose(): void {
		for (const buffer of Object.values(this.#buffers)) buffer.destroy();
		this.#querySet?.destroy();
	}
}

function resultBytes(maxDetections: number): number {
	return 4 * (HEADER_WORDS + maxDetections * ROW_WORDS);
}

/** Milliseconds of each timed stage; stamps are nanoseconds. */
function stageTimes(stamps: BigUint64Array): Record<string, number> {
	return Object.fromEntries(TIMED.map((stage, i) => [stage, Number(stamps[2 * i + 1] - stamps[2 * i]) / 1e6]));
}

/** Compiles what is missing and makes every buffer. Throws a RangeError where the device cannot hold the bits of all pairs. */
export async function createTextbook(options: TextbookOptions): Promise<Textbook> {
	const { device, input, numAnchors: n } = options;
	const refusal = textbookRefusal(n, device.limits);
	if (refusal) throw new RangeError(`createTextbook: ${refusal}`);
	const { STORAGE, COPY_DST, COPY_SRC, UNIFORM, INDIRECT, MAP_READ, QUERY_RESOLVE } = GPUBufferUsage;
	const make = (label: string, size: number, usage: number) => device.createBuffer({ label: `textbook.${label}`, size, usage });
	const querySet = device.features.has('timestamp-query') ? device.createQuerySet({ type: 'timestamp', count: 2 * TIMED.length }) : undefined;
	const own = {
		uniform: make('uniform', 32, UNIFORM | COPY_DST),
		state: make('state', 16, STORAGE | COPY_DST),
		boxes: make('boxes', 16 * n, STORAGE),
		facts: make('facts', 16 * n, STORAGE),
		sortedBoxes: make('sortedBoxes', 16 * n, STORAGE),
		sortedFacts: make('sortedFacts', 16 * n, STORAGE),
		mask: make('mask', maskBytes(n), STORAGE),
		kept: make('kept', 4 * Math.min(n, options.maxDetections), STORAGE),
		dispatches: make('dispatches', 32, STORAGE | INDIRECT),
		output: make('output', resultBytes(options.maxDetections), STORAGE | COPY_SRC),
		stamps: make('stamps', 16 * TIMED.length, QUERY_RESOLVE | COPY_SRC),
		staging: make('staging', resultBytes(options.maxDetections) + 16 * TIMED.length, MAP_READ | COPY_DST),
	};
	const numClasses = 'head' in input ? input.numClasses : 1;
	const params = new Uint32Array([n, numClasses, 0, 0, options.maxDetections, options.classAgnostic ? 1 : 0, n, 0]);
	new Float32Array(params.buffer).set([options.scoreThreshold, options.iouThreshold], 2);
	device.queue.writeBuffer(own.uniform, 0, params);
	const given: Record<string, GPUBuffer> =
		'head' in input ? { head: input.head } : { givenBoxes: input.boxes, givenScores: input.scores, givenClasses: input.classIds };
	const all: Record<string, GPUBuffer> = { ...own, ...given };
	const kernels = STAGES.map(async ({ kernel, stage, dispatch }): Promise<Ready> => {
		const name = kernel === 'decodeBoxes' && 'head' in input ? 'decodeYolov8' : kernel;
		const { layout, pipeline } = await kernelOn(device, name);
		const buffers = ['uniform', ...KERNELS[name].bindings].map((binding) => all[binding.replace('!', '')]);
		const group = device.createBindGroup({ layout, entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })) });
		return { stage, dispatch, pipeline, group };
	});
	return new Textbook(options, own, await Promise.all(kernels), querySet);
}

/** What it found, to be compared. */
export function textbookAnswer({ count, words }: TextbookResult): Answer {
	const floats = new Float32Array(words.buffer);
	const rows = Array.from({ length: count }, (_, k) => HEADER_WORDS + k * ROW_WORDS);
	return {
		boxes: rows.map((at) => floats.subarray(at, at + 4)),
		scores: rows.map((at) => floats[at + 4]),
		indices: rows.map((at) => words[at + 5]),
		classIds: rows.map((at) => words[at + 6]),
	};
}

// A GPU that is none: pipelines that compute on the CPU but settle when the test says so, devices that are lost on
// demand. For everything between the caller and gpu/: order, abort, dispose, loss, choice.

import { type BackendKind, ManagedBackend } from '../../src/backend.js';
import { boxIouOnCpu } from '../../src/calls.js';
import { createCpuPipeline } from '../../src/cpu/backend.js';
import { nmsTextbook } from '../../src/cpu/nms.js';
import { softNmsTextbook } from '../../src/cpu/soft-nms.js';
import { KedgeError } from '../../src/errors.js';
import { GpuLink } from '../../src/gpu-link.js';
import { assembleOnCpu } from '../../src/masks/cpu.js';
import { checkBackendOptions } from '../../src/options.js';
import type { Encoded, GpuBackend, GpuModule, GpuPipeline, Kept, PipelineOptions, WebGPUReport } from '../../src/pipeline.js';
import type { CallParams, FrameTransform } from '../../src/plan.js';
import type { BoundTensor, CpuTensor } from '../../src/tensors.js';

/** A call that has been submitted and waits for the test. */
export interface Held {
	finish(): void;
	fail(error: unknown): void;
}

const lostError = () => new KedgeError('DEVICE_LOST', 'the GPU device was lost');

/** What the host sees of a device. */
export class FakeDevice {
	readonly lost: Promise<{ reason: string; message: string }>;
	isLost = false;
	destroyed = false;
	readonly pending = new Set<Held>();
	#lose!: (info: { reason: string; message: string }) => void;

	constructor() {
		this.lost = new Promise((resolve) => {
			this.#lose = resolve;
		});
	}

	lose(): void {
		this.isLost = true;
		this.#lose({ reason: 'unknown', message: 'the test lost it' });
		for (const held of [...this.pending]) held.fail(lostError());
	}

	destroy(): void {
		this.destroyed = true;
	}
	createBuffer(): void {}
	createComputePipelineAsync(): void {}
}

/** A GPUBuffer by its looks, with what is in it. */
export function fakeBuffer(contents: Float32Array, size = contents.byteLength): GPUBuffer {
	return { mapAsync() {}, usage: 0x80, size, mapState: 'unmapped', contents } as unknown as GPUBuffer;
}

/** The tensor with its contents in CPU memory. */
function fetched(bound: BoundTensor): BoundTensor {
	const { tensor } = bound;
	if (tensor.location === 'cpu') return bound;
	const { contents } = tensor.buffer as unknown as { contents: Float32Array };
	return { ...bound, tensor: { location: 'cpu', type: 'float32', data: contents, dims: tensor.dims } };
}

export class FakeGpu implements GpuModule {
	report: WebGPUReport = { available: true, software: false, adapter: 'fake' };
	/** True: calls wait in `held`. */
	holding = false;
	readonly held: Held[] = [];
	readonly devices: FakeDevice[] = [];
	readonly calls: CallParams[] = [];
	readonly frames: (FrameTransform | undefined)[] = [];
	/** What the next openings and compilations fail with. */
	openErrors: Error[] = [];
	compileErrors: Error[] = [];
	openings = 0;
	reads = 0;
	compiled = 0;
	disposedPipelines = 0;
	singles = 0;

	async createGpuBackend({ device }: { device?: GPUDevice }): Promise<GpuBackend> {
		this.openings++;
		await Promise.resolve();
		const error = this.openErrors.shift();
		if (error) throw error;
		const own = (device as unknown as FakeDevice | undefined) ?? new FakeDevice();
		if (own.isLost) throw lostError();
		this.devices.push(own);
		return {
			device: own as unknown as GPUDevice,
			createPipeline: (options) => this.#pipeline(own, options),
			nms: async ({ boxes, scores, classIds }, call, overlap) => {
				this.singles++;
				return nmsTextbook(boxes, scores, classIds, call, overlap).indices;
			},
			softNms: async ({ boxes, scores, classIds }, call, overlap, soft) => {
				this.singles++;
				const result = softNmsTextbook(boxes, scores, classIds, call, soft, overlap);
				return { indices: result.indices, scores: result.scores };
			},
			boxIou: async (a, b, kind) => {
				this.singles++;
				return boxIouOnCpu(a, b, kind);
			},
			assembleMasks: async (job) => {
				this.singles++;
				if (own.isLost) throw lostError();
				const { tensor } = fetched({ tensor: job.prototypes } as BoundTensor);
				return assembleOnCpu(job, tensor as CpuTensor);
			},
			openJob: () => {
				throw new Error('the stand-in has no kernels');
			},
			dispose: () => {
				if (!device) own.destroy();
			},
		};
	}

	async #pipeline(device: FakeDevice, options: PipelineOptions): Promise<GpuPipeline> {
		await Promise.resolve();
		const error = this.compileErrors.shift();
		if (error) throw error;
		this.compiled++;
		const cpu = createCpuPipeline(options);
		return {
			run: (tensors, batch, call) => {
				this.calls.push(call);
				if (device.isLost) return Promise.reject(lostError());
				return this.#hold(device, cpu.run(tensors.map(fetched), batch, { ...call, signal: undefined }));
			},
			encode: (_encoder, _tensors, _batch, call, frame) => {
				this.calls.push(call);
				this.frames.push(frame);
				return { buffer: 'result', layout: 'layout' } as unknown as Encoded;
			},
			dispose: () => {
				this.disposedPipelines++;
			},
		};
	}

	#hold(device: FakeDevice, result: Promise<Kept[]>): Promise<Kept[]> {
		if (!this.holding) return result;
		return new Promise((resolve, reject) => {
			const held: Held = {
				finish: () => {
					device.pending.delete(held);
					resolve(result);
				},
				fail: (error) => {
					device.pending.delete(held);
					reject(error);
				},
			};
			this.held.push(held);
			device.pending.add(held);
		});
	}

	async checkWebGPU(): Promise<WebGPUReport> {
		return this.report;
	}

	async isSoftware(): Promise<boolean> {
		return this.report.software;
	}

	async readTensor(_device: GPUDevice, bound: BoundTensor): Promise<BoundTensor> {
		this.reads++;
		return fetched(bound);
	}

	/** A started backend on this GPU. */
	backend(kind: 'auto' | BackendKind, options: object = {}): Promise<ManagedBackend> {
		const settings = checkBackendOptions('createBackend', options);
		return new ManagedBackend(kind, settings, new GpuLink(settings, kind === 'auto', this)).start();
	}
}

// One head on a backend: each call goes where the backend chooses, with its tensors brought to where they are needed.
// Pipelines are made when they are first wanted, and made anew after a loss.

import type { BackendKind, Choice, ManagedBackend } from './backend.js';
import { refuse } from './checks.js';
import { softenerOf } from './cpu/parts.js';
import { KedgeError } from './errors.js';
import { GpuSlot } from './gpu-link.js';
import type { GpuPipeline, Kept, Pipeline, PipelineOptions } from './pipeline.js';
import type { CallParams } from './plan.js';
import type { BoundTensor } from './tensors.js';

/** What one call works on. */
export interface Call {
	readonly tensors: readonly BoundTensor[];
	readonly batch: number;
	readonly params: CallParams;
}

export class Dispatch {
	/** Where the last call went and why; before the first one, where it would. */
	choice: Choice;
	readonly #backend: ManagedBackend;
	readonly #options: PipelineOptions;
	readonly #gpu: GpuSlot;
	/** Whether every number of a head is computed with; of others only those that pass are. */
	readonly #computes: boolean;
	#cpu: Pipeline | undefined;
	/** What reading tensors back for the CPU needs, kept from call to call. */
	#staging: { device: GPUDevice; kept: GPUBuffer[] } | undefined;

	constructor(backend: ManagedBackend, options: PipelineOptions) {
		const { numAnchors, numClasses } = options.head;
		this.#backend = backend;
		this.#options = options;
		this.#gpu = new GpuSlot(backend.link, options);
		this.#computes = options.head.score.activation === 'softmax';
		this.choice = backend.choose({ location: backend.device ? 'gpu' : 'cpu', bytes: numAnchors * (numClasses + 4) * 4, computes: this.#computes });
	}

	/** Fetches or compiles now what will be wanted; 'auto' waits with the GPU for the first call that wants it. */
	async start(): Promise<void> {
		const { kind } = this.choice;
		if (kind === 'cpu') await this.#cpuPipeline();
		else if (this.#backend.requested !== 'auto') await this.#gpu.make(kind);
	}

	/** Until its first await this runs inside the caller's call: a GPU that is ready gets the work at once, arrays in CPU memory are used up or copied. */
	async run(call: Call): Promise<{ kept: Kept[]; kind: BackendKind }> {
		const { link } = this.#backend;
		const onGpu = isOnGpu(call);
		if (onGpu && !link.device && !link.isLost) {
			const remedy = `give the device that made them as the option device, or outputs in CPU memory (onnxruntime-web: preferredOutputLocation: 'cpu')`;
			refuse(TypeError, 'run', 'outputs', 'must be in CPU memory as long as kedge knows no GPU device', 'tensors on the GPU', remedy);
		}
		const wasLost = link.isLost;
		const choice = this.#backend.choose({ location: onGpu ? 'gpu' : 'cpu', bytes: bytesIn(call.tensors), computes: this.#computes });
		this.choice = choice;
		if (choice.kind === 'cpu') return { kept: await this.#runOnCpu(call), kind: 'cpu' };

		const ready = this.#gpu.ready;
		const safe = ready ? call : { ...call, tensors: call.tensors.map(copyOnCpu) };
		const gpu = ready ?? (await this.#gpu.make(choice.kind));
		if (onGpu && wasLost) throw lostOutputs('make new ones on postprocessor.backend.device, or in CPU memory');
		if (gpu) return { kept: await link.use(gpu.backend, gpu.pipeline.run(safe.tensors, safe.batch, safe.params)), kind: choice.kind };
		this.choice = { kind: 'cpu', reason: link.gaveUp ?? 'the GPU cannot be used' };
		return { kept: await this.#runOnCpu(safe), kind: 'cpu' };
	}

	async #runOnCpu({ tensors, batch, params }: Call): Promise<Kept[]> {
		const safe = this.#cpu ? tensors : tensors.map(copyOnCpu);
		const cpu = this.#cpu ?? (await this.#cpuPipeline());
		return cpu.run(isOnGpu({ tensors }) ? await this.#readBack(tensors, params.signal) : safe, batch, params);
	}

	/** The CPU path, fetched when it is first wanted. */
	async #cpuPipeline(): Promise<Pipeline> {
		const { createCpuPipeline } = await import('./cpu/backend.js');
		const soften = await softenerOf(this.#options);
		this.#cpu ??= createCpuPipeline(this.#options, soften);
		return this.#cpu;
	}

	async #readBack(tensors: readonly BoundTensor[], signal?: AbortSignal): Promise<readonly BoundTensor[]> {
		const { link } = this.#backend;
		if (link.isLost) throw lostOutputs('give new ones in CPU memory');
		const device = link.device as GPUDevice;
		if (this.#staging?.device !== device) {
			this.#freeStaging();
			this.#staging = { device, kept: [] };
		}
		const { kept } = this.#staging;
		const read = await Promise.all(tensors.map((tensor) => link.module.readTensor(device, tensor, kept)));
		// disposed of meanwhile, or on another device: nobody has the list
		if (this.#staging?.kept !== kept) for (const buffer of kept.splice(0)) buffer.destroy();
		signal?.throwIfAborted();
		return read;
	}

	/** The pipeline that can encode into the caller's commands. Throws where there is none. */
	encoder(): GpuPipeline {
		const { ready } = this.#gpu;
		if (ready?.kind === 'webgpu') return ready.pipeline;
		const lost = this.#backend.link.isLost;
		const remedy = lost ? 'the device was lost: await one run() to go on' : `create the postprocessor with backend: 'webgpu'`;
		throw new KedgeError(
			lost ? 'DEVICE_LOST' : 'NO_WEBGPU',
			`encode: needs the backend 'webgpu'; got '${this.choice.kind}' (${this.choice.reason}); ${remedy}`,
		);
	}

	#freeStaging(): void {
		for (const buffer of this.#staging?.kept.splice(0) ?? []) buffer.destroy();
		this.#staging = undefined;
	}

	dispose(): void {
		this.#cpu?.dispose();
		this.#gpu.dispose();
		this.#freeStaging();
	}
}

function isOnGpu({ tensors }: Pick<Call, 'tensors'>): boolean {
	return tensors[0].tensor.location === 'gpu';
}

function bytesIn(tensors: readonly BoundTensor[]): number {
	return tensors.reduce((sum, { tensor, strides }) => sum + strides.numElements * (tensor.type === 'float16' ? 2 : 4), 0);
}

/** The caller may change his arrays as soon as his call returns; what is needed later is copied. */
export function copyOnCpu(bound: BoundTensor): BoundTensor {
	return bound.tensor.location === 'cpu' ? { ...bound, tensor: { ...bound.tensor, data: bound.tensor.data.slice() } } : bound;
}

function lostOutputs(remedy: string): KedgeError {
	return new KedgeError('DEVICE_LOST', `run: outputs were on the GPU device that was lost; ${remedy}`);
}

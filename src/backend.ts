// What a backend is: it runs a head's pipeline, nms, softNms and boxIou, and says which it is and why.
// The folders cpu/ and gpu/ implement it; each is fetched when it is chosen.

import { KedgeError } from './errors.js';
import { GpuLink, realGpu } from './gpu-link.js';
import type { BoxesLike, BoxIouOptions, FloatsLike, NmsOptions, SoftNmsOptions } from './inputs.js';
import type { MaskDetections, MaskOptions, MaskOutput, MaskResults } from './masks/job.js';
import { type BackendOptions, type BackendSettings, checkBackendKind, checkBackendOptions, checkTransformKinds } from './options.js';
import type { SoftKept, WebGPUReport } from './pipeline.js';
import { normalizeTensor, type TensorLike } from './tensors.js';

export type BackendKind = 'webgpu' | 'hybrid' | 'cpu';

/** Where a call runs, and why: a sentence. */
export interface Choice {
	readonly kind: BackendKind;
	readonly reason: string;
}

/** A place to compute. Shared by any number of postprocessors, or used for single operations. */
export interface Backend extends Choice {
	/** The device in use; undefined while there is none. */
	readonly device: GPUDevice | undefined;
	/** As the function `nms`: the same indices, computed on this backend. */
	nms(boxes: BoxesLike, scores: FloatsLike, options: NmsOptions): Promise<Uint32Array>;
	/** As the function `softNms`: the same indices and scores, computed on this backend. */
	softNms(boxes: BoxesLike, scores: FloatsLike, options?: SoftNmsOptions): Promise<SoftKept>;
	/** As the function `boxIou`: the same numbers, computed on this backend. */
	boxIou(boxesA: BoxesLike, boxesB: BoxesLike, options?: BoxIouOptions): Promise<Float32Array>;
	/**
	 * As the function `assembleMasks`: the same numbers, computed on this backend; prototypes may be on the GPU, and with output
	 * 'texture' the masks stay there. Rejects with NO_WEBGPU when a texture is asked for where there is no GPU.
	 */
	assembleMasks<O extends MaskOutput = 'bytes'>(detections: MaskDetections, prototypes: TensorLike, options: MaskOptions<O>): Promise<MaskResults[O]>;
	/** Frees what it holds; a device that was given is left alone. Later calls reject with DISPOSED. */
	dispose(): void;
	[Symbol.dispose](): void;
}

/**
 * Tensors in CPU memory below this many bytes are faster done there than sent to the GPU (by 'auto'), and of any size where they are
 * only looked through: sending 45 MB takes 12 ms, 6 of them of this thread, all the work on them 7 to 9 (measured in Chromium).
 */
const SMALL_BYTES = 4_000_000;

/** The only implementation of `Backend`: chooses, and hands over to cpu/ or, by the link, to gpu/. */
export class ManagedBackend implements Backend {
	readonly requested: 'auto' | BackendKind;
	readonly link: GpuLink;
	readonly #settings: BackendSettings;
	/** What 'auto' found: a sentence against the GPU, or whether the adapter computes on the CPU. */
	#noGpu: string | undefined;
	#software = false;
	#disposed = false;

	constructor(requested: 'auto' | BackendKind, settings: BackendSettings, link = new GpuLink(settings, requested === 'auto')) {
		this.requested = requested;
		this.link = link;
		this.#settings = settings;
	}

	/** Opens what was asked for, or looks what there is. Throws NO_WEBGPU where 'webgpu' or 'hybrid' cannot be had. */
	async start(): Promise<this> {
		if (this.requested === 'webgpu' || this.requested === 'hybrid') {
			await this.link.open(this.requested);
		} else if (this.requested === 'auto' && this.#settings.device) {
			this.#software = await this.link.module.isSoftware(this.#settings.device);
		} else if (this.requested === 'auto') {
			const report = await this.link.module.checkWebGPU(this.#settings.gpu);
			this.#software = report.software;
			if (!report.available) this.#noGpu = `WebGPU cannot be used here (${report.reason})`;
		}
		return this;
	}

	/**
	 * Where a call with this input runs. A software adapter computes on the same cores with more work: reading a head back and
	 * going on here is 1.3 to 6 times faster there than decoding on it (measured on SwiftShader), so it gets only what must stay. `computes`:
	 * each number takes more than a comparison.
	 */
	choose(input: { location: 'cpu' | 'gpu'; bytes: number; staysOnGpu?: boolean; computes?: boolean }): Choice {
		const { gaveUp } = this.link;
		if (this.requested === 'cpu') return { kind: 'cpu', reason: `'cpu' was asked for` };
		if (gaveUp) return { kind: 'cpu', reason: gaveUp };
		if (this.requested !== 'auto') return { kind: this.requested, reason: `'${this.requested}' was asked for` };
		if (this.#noGpu) return { kind: 'cpu', reason: this.#noGpu };
		const onGpu = input.location === 'gpu';
		if (this.#software) return { kind: input.staysOnGpu ? 'hybrid' : 'cpu', reason: 'the adapter is a software one' };
		if (onGpu) return { kind: 'webgpu', reason: 'the tensor is on the GPU' };
		const megabytes = `${(input.bytes / 1e6).toFixed(1)} MB`;
		if (input.bytes < SMALL_BYTES) return { kind: 'cpu', reason: `the tensor is in CPU memory and small (${megabytes})` };
		if (!input.computes) return { kind: 'cpu', reason: `the tensor is in CPU memory, and sending it (${megabytes}) takes longer than its work` };
		return { kind: 'webgpu', reason: `the tensor is large (${megabytes})` };
	}

	get #choice(): Choice {
		const choice = this.choose({ location: 'gpu', bytes: 0 });
		if (this.requested !== 'auto' || choice.kind === 'cpu') return choice;
		return { kind: 'webgpu', reason: 'there is a GPU; small single operations run on the CPU' };
	}

	get kind(): BackendKind {
		return this.#choice.kind;
	}

	get reason(): string {
		return this.#choice.reason;
	}

	get device(): GPUDevice | undefined {
		return this.link.device;
	}

	// The caller may change his arrays as soon as his call returns; what they hold is checked by the code that is fetched then.
	async nms(boxes: BoxesLike, scores: FloatsLike, options: NmsOptions): Promise<Uint32Array> {
		this.checkDisposed('nms');
		const own = [copied(boxes), copied(scores), copied(options)] as const;
		return (await import('./calls.js')).nmsOn(this, ...own);
	}

	async softNms(boxes: BoxesLike, scores: FloatsLike, options?: SoftNmsOptions): Promise<SoftKept> {
		this.checkDisposed('softNms');
		const own = [copied(boxes), copied(scores), copied(options)] as const;
		return (await import('./calls.js')).softNmsOn(this, ...own);
	}

	async boxIou(boxesA: BoxesLike, boxesB: BoxesLike, options?: BoxIouOptions): Promise<Float32Array> {
		this.checkDisposed('boxIou');
		const own = [copied(boxesA), copied(boxesB), copied(options)] as const;
		return (await import('./calls.js')).boxIouOn(this, ...own);
	}

	async assembleMasks<O extends MaskOutput = 'bytes'>(detections: MaskDetections, prototypes: TensorLike, options: MaskOptions<O>): Promise<MaskResults[O]> {
		this.checkDisposed('assembleMasks');
		checkTransformKinds('assembleMasks', options?.transform);
		const tensor = normalizeTensor('assembleMasks', 'prototypes', prototypes);
		// here too; what else they hold is checked by the code that is fetched now
		const copy = tensor.location === 'cpu' ? { ...tensor, data: copied(tensor.data) } : tensor;
		const own = { boxes: copied(detections?.boxes), maskCoefficients: copied(detections?.maskCoefficients), count: detections?.count };
		const settled = { ...options };
		return (await import('./masks/dispatch.js')).assembleMasksOn(this, own, copy, settled) as Promise<MaskResults[O]>;
	}

	/** Throws DISPOSED in the name of a call that comes after `dispose`. */
	checkDisposed(call: string): void {
		if (this.#disposed) throw new KedgeError('DISPOSED', `${call}: the backend was used after dispose()`);
	}

	dispose(): void {
		this.#disposed = true;
		this.link.dispose();
	}

	[Symbol.dispose](): void {
		this.dispose();
	}
}

/** A copy of an array, or of a record of arrays. An empty one may be detached, which its check tells. */
function copied<T>(value: T): T {
	if (typeof value !== 'object' || value === null) return value;
	if (Array.isArray(value) || ArrayBuffer.isView(value)) {
		const list = value as unknown as { slice?(): T; length?: number };
		return list.slice && list.length ? list.slice() : value;
	}
	// a record of arrays; one level is all there is
	return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, Array.isArray(inner) || ArrayBuffer.isView(inner) ? copied(inner) : inner])) as T;
}

/**
 * Makes a backend: 'webgpu' (all on the GPU), 'hybrid' (decode on the GPU, suppression on the CPU), 'cpu', or 'auto':
 * the GPU where there is a real one and the work is large. `kind` and `reason` tell which it is.
 * Throws KedgeError NO_WEBGPU when 'webgpu' or 'hybrid' is asked for and there is none; 'auto' takes the CPU then.
 */
export async function createBackend(kind: 'auto' | BackendKind = 'auto', options?: BackendOptions): Promise<Backend> {
	const backend = new ManagedBackend(checkBackendKind('createBackend', kind), checkBackendOptions('createBackend', options));
	await backend.start();
	if (backend.kind === 'webgpu') await backend.link.open('webgpu');
	return backend;
}

/** Whether WebGPU can be used here, and if not why. Opens nothing that stays open; works where there is no `navigator`. */
export async function checkWebGPU(gpu?: GPU): Promise<WebGPUReport> {
	return realGpu.checkWebGPU(gpu);
}

// The one link to the GPU: fetches the GPU code when it is first wanted, notices that the device was lost, and opens
// a new one or gives up, as configured. Life of a device: new, ready, lost or disposed; there is no way back.

import { cpuParts } from './cpu/parts.js';
import { KedgeError } from './errors.js';
import type { BackendSettings } from './options.js';
import type { GpuBackend, GpuModule, GpuPipeline, PipelineOptions } from './pipeline.js';

/** Devices opened in a row after losses, none of which finished a call. */
const MAX_REOPENINGS = 2;

/** The GPU code, fetched piece by piece: asking what there is downloads no shader. */
export const realGpu: GpuModule = {
	createGpuBackend: async (options) => (await import('./gpu/backend.js')).createGpuBackend(options),
	readTensor: async (device, bound, kept) => (await import('./gpu/backend.js')).readTensor(device, bound, kept),
	checkWebGPU: async (gpu) => (await import('./gpu/device.js')).checkWebGPU(gpu),
	isSoftware: async (device) => (await import('./gpu/device.js')).adoptDevice(device).software,
};

export class GpuLink {
	/** Why the GPU is no longer used; undefined while it is. */
	gaveUp: string | undefined;
	readonly module: GpuModule;
	readonly #settings: BackendSettings;
	readonly #optional: boolean;
	#current: GpuBackend | undefined;
	#opening: Promise<GpuBackend | undefined> | undefined;
	#lost: KedgeError | undefined;
	#reopenings = 0;
	#disposed = false;

	/**
	 * @param optional give up, instead of failing, when there is no GPU or it refuses a shader ('auto')
	 * @param module the GPU code; tests hand in a stand-in
	 */
	constructor(settings: BackendSettings, optional = false, module = realGpu) {
		this.#settings = settings;
		this.#optional = optional;
		this.module = module;
	}

	/** The open device's backend, if there is one and it is alive. */
	get live(): GpuBackend | undefined {
		return this.#lost ? undefined : this.#current;
	}

	/** The caller's device, or the one last opened. */
	get device(): GPUDevice | undefined {
		return this.#current?.device ?? this.#settings.device;
	}

	/** Whether the device was lost and no other has taken its place. */
	get isLost(): boolean {
		return this.#lost !== undefined;
	}

	/**
	 * The backend of a living device, opened or reopened as needed; undefined when the link gave up the GPU.
	 * Throws NO_WEBGPU when the first opening fails, DEVICE_LOST after a loss with onLost 'error'.
	 */
	async open(kind: 'webgpu' | 'hybrid'): Promise<GpuBackend | undefined> {
		if (this.#disposed) throw new KedgeError('DISPOSED', 'backend: used after dispose()');
		if (this.live) return this.live;
		if (this.gaveUp) return undefined;
		this.#opening ??= (this.#lost ? this.#reopen(kind, this.#lost) : this.#tolerate(this.#connect(kind, this.#settings.device))).finally(() => {
			this.#opening = undefined;
		});
		return this.#opening;
	}

	/** Makes ready what calls need; with `optional`, a GPU that cannot is given up. A lost device is no such case. */
	async #tolerate<T>(work: Promise<T>): Promise<T | undefined> {
		try {
			return await work;
		} catch (error) {
			const tolerable = error instanceof KedgeError && (error.code === 'NO_WEBGPU' || error.code === 'SHADER' || error.code === 'OUT_OF_MEMORY');
			if (!this.#optional || !tolerable) throw error;
			this.giveUp(error.message);
			return undefined;
		}
	}

	/** A pipeline on a device; undefined when the GPU was given up over it. */
	compile(backend: GpuBackend, options: PipelineOptions): Promise<GpuPipeline | undefined> {
		return this.#tolerate(this.use(backend, backend.createPipeline(options), false));
	}

	async #connect(kind: 'webgpu' | 'hybrid', device: GPUDevice | undefined): Promise<GpuBackend> {
		const opened = await this.module.createGpuBackend({ device, gpu: this.#settings.gpu, kind, cpu: cpuParts });
		if (this.#disposed) {
			opened.dispose();
			throw new KedgeError('DISPOSED', 'backend: disposed while its device was opened');
		}
		this.#current = opened;
		this.#lost = undefined;
		opened.device.lost.then((info) => this.#note(opened, info.message || info.reason || 'unknown'));
		return opened;
	}

	async #reopen(kind: 'webgpu' | 'hybrid', lost: KedgeError): Promise<GpuBackend | undefined> {
		const { onLost } = this.#settings;
		if (onLost === 'error') {
			throw new KedgeError('DEVICE_LOST', `${lost.message}; make a new device and a new postprocessor, or set onLost to 'recover' or 'cpu'`, { cause: lost });
		}
		this.#current?.dispose();
		this.#current = undefined;
		while (onLost === 'recover' && this.#reopenings < MAX_REOPENINGS) {
			this.#reopenings++;
			try {
				return await this.#connect(kind, undefined);
			} catch (error) {
				if (error instanceof KedgeError && error.code === 'DISPOSED') throw error;
			}
		}
		this.giveUp(onLost === 'cpu' ? 'the GPU device was lost' : `the GPU device was lost and ${MAX_REOPENINGS} attempts to go on with a new one failed`);
		return undefined;
	}

	/** From now on everything runs on the CPU. */
	giveUp(reason: string): void {
		this.gaveUp ??= reason;
	}

	/** Awaits work on a device. A loss is noted; the result of a whole call shows that the device is sound. */
	async use<T>(backend: GpuBackend, work: Promise<T>, wholeCall = true): Promise<T> {
		try {
			const result = await work;
			if (wholeCall && backend === this.live) this.#reopenings = 0;
			return result;
		} catch (error) {
			if (error instanceof KedgeError && error.code === 'DEVICE_LOST') this.#note(backend, error.message);
			throw error;
		}
	}

	#note(backend: GpuBackend, message: string): void {
		if (backend !== this.#current || this.#lost || this.#disposed) return;
		this.#lost = new KedgeError('DEVICE_LOST', `the GPU device was lost (${message})`);
	}

	dispose(): void {
		this.#disposed = true;
		this.#current?.dispose();
		this.#current = undefined;
	}
}

/** A pipeline and the device it lives on. */
export interface ReadyPipeline {
	readonly backend: GpuBackend;
	readonly pipeline: GpuPipeline;
	readonly kind: 'webgpu' | 'hybrid';
}

/** The pipeline of one head on whichever device is alive: compiled anew after a loss. */
export class GpuSlot {
	readonly #link: GpuLink;
	readonly #options: PipelineOptions;
	#owner: GpuBackend | undefined;
	#kind: 'webgpu' | 'hybrid' = 'webgpu';
	#making: Promise<GpuPipeline | undefined> | undefined;
	#pipeline: GpuPipeline | undefined;

	constructor(link: GpuLink, options: PipelineOptions) {
		this.#link = link;
		this.#options = options;
	}

	/** The pipeline, when it can be used at once. */
	get ready(): ReadyPipeline | undefined {
		const backend = this.#link.live;
		return backend && backend === this.#owner && this.#pipeline ? { backend, pipeline: this.#pipeline, kind: this.#kind } : undefined;
	}

	/** The pipeline, compiled as needed; undefined when the link gave up the GPU. */
	async make(kind: 'webgpu' | 'hybrid'): Promise<ReadyPipeline | undefined> {
		const backend = await this.#link.open(kind);
		if (!backend) return undefined;
		if (this.#owner !== backend || !this.#making) {
			this.#pipeline?.dispose();
			this.#pipeline = undefined;
			this.#owner = backend;
			this.#kind = kind;
			this.#making = this.#link.compile(backend, this.#options);
		}
		const making = this.#making;
		try {
			const pipeline = await making;
			if (making === this.#making) this.#pipeline = pipeline;
			return pipeline && { backend, pipeline, kind };
		} catch (error) {
			if (making === this.#making) this.#making = undefined;
			throw error;
		}
	}

	dispose(): void {
		if (this.#pipeline) this.#pipeline.dispose();
		else this.#making?.then((pipeline) => pipeline?.dispose()).catch(() => undefined);
		this.#pipeline = undefined;
		this.#making = undefined;
	}
}

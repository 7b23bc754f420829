// The life of a GPUDevice: opening one, noticing that it is gone, and turning what the platform says into KedgeErrors.
// A device the caller gave is never destroyed, never relabelled, and gets no handlers.

import { KedgeError } from '../errors.js';
import type { WebGPUReport } from '../pipeline.js';

type NoWebGPUReason = NonNullable<WebGPUReport['reason']>;

/** What the default limits of WebGPU guarantee, and kedge needs. */
const NEEDED: Readonly<Partial<Record<keyof GPUSupportedLimits, number>>> = {
	maxStorageBuffersPerShaderStage: 8,
	maxComputeWorkgroupStorageSize: 16384,
	maxComputeInvocationsPerWorkgroup: 256,
	maxComputeWorkgroupSizeX: 256,
	maxDynamicUniformBuffersPerPipelineLayout: 1,
};

interface AdapterFacts {
	software: boolean;
	adapter: string;
}

/** True for adapters that run on the CPU. Firefox leaves all names empty, so the flag is asked first. */
export function adapterFacts(adapter: GPUAdapter): AdapterFacts {
	const info = adapter.info as (GPUAdapterInfo & { isFallbackAdapter?: boolean }) | undefined;
	const legacy = adapter as GPUAdapter & { isFallbackAdapter?: boolean };
	const name = [info?.vendor, info?.architecture, info?.device, info?.description].filter(Boolean).join(' ');
	const software = info?.isFallbackAdapter ?? legacy.isFallbackAdapter ?? false;
	return { software: software || /swiftshader|llvmpipe|lavapipe|basic render|warp/i.test(name), adapter: name };
}

/** The GPU object of this environment, if it has one. */
export function findGpu(gpu?: GPU): GPU | undefined {
	if (gpu) return gpu;
	return typeof navigator === 'undefined' ? undefined : (navigator as Navigator & { gpu?: GPU }).gpu;
}

/** Says whether WebGPU can be used here, and if not, why. Never throws. */
export async function checkWebGPU(gpu?: GPU): Promise<WebGPUReport> {
	const found = findGpu(gpu);
	const none = (reason: NoWebGPUReason, facts: AdapterFacts = { software: false, adapter: '' }): WebGPUReport => ({ available: false, reason, ...facts });
	if (!found) return none(globalThis.isSecureContext === false ? 'insecure-context' : 'no-webgpu');
	const adapter = await orNull(() => found.requestAdapter());
	if (!adapter) return none('no-adapter');
	const facts = adapterFacts(adapter);
	if (missingLimit(adapter.limits)) return none('limits', facts);
	const device = await orNull(() => adapter.requestDevice());
	if (!device) return none('no-device', facts);
	device.destroy();
	return { available: true, ...facts };
}

/** Null where the platform throws or rejects. */
async function orNull<T>(ask: () => Promise<T | null>): Promise<T | null> {
	try {
		return await ask();
	} catch {
		return null;
	}
}

/** The first needed limit that is not met, in words. */
function missingLimit(limits: GPUSupportedLimits): string | undefined {
	for (const [name, needed] of Object.entries(NEEDED)) {
		const got = limits[name as keyof GPUSupportedLimits] as number | undefined;
		if (got !== undefined && got < (needed as number)) return `${name} is ${got}, kedge needs ${needed}`;
	}
	return undefined;
}

/** What a sentence says of each reason. */
const REASON_TEXT: Readonly<Record<NoWebGPUReason, string>> = {
	'insecure-context': 'WebGPU needs a secure context (https or localhost)',
	'no-webgpu': 'this environment has no WebGPU',
	'no-adapter': 'WebGPU found no adapter',
	'no-device': 'the adapter gave no device',
	limits: "the adapter is below WebGPU's default limits",
};

/** What the platform threw, as an error of ours; our own pass as they are. */
export function platformError(what: string, error: unknown): unknown {
	if (error instanceof KedgeError || error instanceof RangeError || error instanceof TypeError) return error;
	return new KedgeError('GPU_VALIDATION', `${what}: WebGPU failed: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`, {
		cause: error,
	});
}

/** How long a failed call waits for the news that the device is gone, in milliseconds: platforms reject first and tell why later. */
const LOSS_DELAY = 50;

/** A device with what kedge must remember about it. One per GPUDevice, shared by everything made on it. */
export class Device {
	readonly gpu: GPUDevice;
	/** True when kedge opened it and so may destroy it. */
	readonly owned: boolean;
	readonly software: boolean;
	readonly adapter: string;
	/** Set once, when the device is gone. */
	lost: GPUDeviceLostInfo | undefined;
	/** Bytes of all buffers that were asked for: what ran out of memory asked for the difference. */
	bytesAsked = 0;
	/** Compiled pipelines by their WGSL and layout. */
	readonly pipelines = new Map<string, Promise<unknown>>();

	/** Who waits for work on this device. A reaction to `gpu.lost` would stay for the life of the device; these go with their call. */
	readonly #waiting = new Set<(error: KedgeError) => void>();
	#disposed = false;

	constructor(gpu: GPUDevice, owned: boolean, facts: AdapterFacts) {
		this.gpu = gpu;
		this.owned = owned;
		this.software = facts.software;
		this.adapter = facts.adapter;
		gpu.lost.then((info) => {
			this.lost = info;
			this.pipelines.clear();
			this.#stopAll();
		});
	}

	/** The error every call gets once the device is gone. */
	lostError(cause?: unknown): KedgeError {
		if (this.#disposed) return new KedgeError('DISPOSED', 'the backend was disposed of before the call had its result', { cause });
		const why = this.lost?.message || this.lost?.reason || 'no reason given';
		return new KedgeError('DEVICE_LOST', `the GPU device was lost (${why}); the call has no result, call again`, { cause });
	}

	get #gone(): boolean {
		return this.#disposed || this.lost !== undefined;
	}

	assertAlive(): void {
		if (this.#gone) throw this.lostError();
	}

	/** Throws when the device is gone already: it tells so in its next turn. */
	async settled(): Promise<void> {
		await new Promise((resolve) => setTimeout(resolve, 0));
		this.assertAlive();
	}

	#stopAll(): void {
		for (const stop of this.#waiting) stop(this.lostError());
		this.#waiting.clear();
	}

	/**
	 * Waits for work, or rejects as soon as the device is lost or the signal aborts. What the platform rejects with just
	 * before it reports the loss counts as the loss.
	 */
	async race<T>(work: Promise<T>, signal?: AbortSignal, what = 'run'): Promise<T> {
		work.catch(() => undefined);
		this.assertAlive();
		let stop!: (reason: unknown) => void;
		const stopped = new Promise<never>((_, reject) => {
			stop = reject;
		});
		const abort = () => stop(signal?.reason);
		this.#waiting.add(stop);
		signal?.addEventListener('abort', abort, { once: true });
		if (signal?.aborted) abort();
		try {
			const value = await Promise.race([stopped, work]);
			this.assertAlive();
			return value;
		} catch (error) {
			if (error instanceof KedgeError || (signal?.aborted && error === signal.reason)) throw error;
			await Promise.race([stopped, new Promise((resolve) => setTimeout(resolve, LOSS_DELAY))]).catch(() => undefined);
			if (this.#gone) throw this.lostError(error);
			throw platformError(what, error);
		} finally {
			this.#waiting.delete(stop);
			signal?.removeEventListener('abort', abort);
		}
	}

	/**
	 * Runs work between balanced error scopes; rejects with what WebGPU found wrong. `body` must not await. `makes`: whether it may make
	 * or fill anything; what only records and submits needs no scope for memory, and each costs the calling thread its round trip.
	 */
	async scoped<T>(what: string, body: () => T, makes = true): Promise<T> {
		this.assertAlive();
		const { gpu } = this;
		const before = this.bytesAsked;
		if (makes) gpu.pushErrorScope('out-of-memory');
		gpu.pushErrorScope('validation');
		let value: T | undefined;
		let thrown: unknown;
		let failed = false;
		try {
			value = body();
		} catch (error) {
			thrown = error;
			failed = true;
		}
		const bytes = this.bytesAsked - before;
		const pop = async () => gpu.popErrorScope();
		const [invalid, exhausted] = await this.race(Promise.all([pop(), makes ? pop() : null]), undefined, what);
		if (exhausted) throw new KedgeError('OUT_OF_MEMORY', `${what}: the GPU is out of memory; got no ${bytes} bytes (${exhausted.message})`);
		if (failed) throw platformError(what, thrown);
		if (invalid) throw new KedgeError('GPU_VALIDATION', `${what}: WebGPU refused the work: ${invalid.message}`);
		return value as T;
	}

	/** Destroys the device if it is ours; calls that wait reject with DISPOSED. What was compiled on a caller's device stays for the next pipeline there. */
	dispose(): void {
		if (!this.owned) return;
		this.pipelines.clear();
		if (!this.lost) this.#disposed = true;
		this.#stopAll();
		this.gpu.destroy();
	}
}

const known = new WeakMap<GPUDevice, Device>();

/** The record of a device that the caller owns. */
export function adoptDevice(gpu: GPUDevice): Device {
	let device = known.get(gpu);
	if (!device) {
		// Deno 2.9 ends the whole process when a device is asked for the info of an adapter that was garbage-collected, so it is not
		// asked there. To be deleted when `(await (await navigator.gpu.requestAdapter()).requestDevice()).adapterInfo` survives a gc().
		const info = 'Deno' in globalThis ? undefined : (gpu as GPUDevice & { adapterInfo?: GPUAdapterInfo }).adapterInfo;
		device = new Device(gpu, false, info ? adapterFacts({ info } as GPUAdapter) : { software: false, adapter: '' });
		known.set(gpu, device);
	}
	return device;
}

/** Opens a device of our own on a fresh adapter; asks for timestamps where they exist. Rejects with NO_WEBGPU and the reason. */
export async function openDevice(gpu?: GPU): Promise<Device> {
	const found = findGpu(gpu);
	const refuse = (reason: NoWebGPUReason, detail = '') =>
		new KedgeError('NO_WEBGPU', `${REASON_TEXT[reason]}${detail && `: ${detail}`}; use backend 'auto' or 'cpu'`);
	if (!found) throw refuse(globalThis.isSecureContext === false ? 'insecure-context' : 'no-webgpu');
	// An adapter gives one device only, so each attempt takes a fresh one.
	for (const wantTimestamps of [true, false]) {
		const adapter = await orNull(() => found.requestAdapter());
		if (!adapter) throw refuse('no-adapter');
		const missing = missingLimit(adapter.limits);
		if (missing) throw refuse('limits', missing);
		const requiredFeatures: GPUFeatureName[] = wantTimestamps && adapter.features.has('timestamp-query') ? ['timestamp-query'] : [];
		try {
			const device = new Device(await adapter.requestDevice({ label: 'kedge', requiredFeatures }), true, adapterFacts(adapter));
			await device.settled();
			return device;
		} catch (error) {
			if (!wantTimestamps) throw refuse('no-device', String(error));
		}
	}
	throw refuse('no-device');
}

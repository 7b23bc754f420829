// The main job: outputs of a model in, detections out. Each call is checked, bound to the head, sent where the backend
// chooses, and finished on the host. Calls may overlap; their results come in the order of the calls.

import { type BackendKind, type CallParams, type Choice, type Encoded, type Kept, ManagedBackend, type Pipeline } from './backend.js';
import { refuse } from './checks.js';
import { createCpuPipeline } from './cpu/backend.js';
import { type Detections, type FrameMap, finishDetections } from './detections.js';
import { KedgeError } from './errors.js';
import { GpuSlot } from './gpu-link.js';
import type { Head } from './heads/head.js';
import { inferHead } from './heads/infer.js';
import { type CallOptions, checkPostprocessorOptions, checkRunOptions, type PostprocessorOptions, type Settings } from './options.js';
import { type FrameTransform, keysAreLogits } from './plan.js';
import { type BoundTensor, bindTensor, normalizeOutputs, type Outputs } from './tensors.js';

/** The map from network input to frame that `letterbox` makes. */
export interface Transform extends FrameMap, FrameTransform {
	readonly inputSize: readonly [number, number];
}

/** Options of `encode`. */
export interface EncodeOptions extends Omit<CallOptions, 'timings'> {
	/** Maps boxes to the original frame and clips them to it. */
	transform?: Transform;
}

/** Options of `run`. */
export interface RunOptions extends CallOptions {
	/** Maps boxes to the original frame and clips them to it. For a batch one for all, or one per image. */
	transform?: Transform | readonly Transform[];
	/** Ends the call early: it rejects with the signal's reason, an AbortError unless you gave another. */
	signal?: AbortSignal;
}

/** A head made ready. Made by `createPostprocessor`. */
export interface Postprocessor {
	readonly head: Head;
	/** Where the last call ran and why; before the first one, where it would. */
	readonly backend: Choice & { readonly device: GPUDevice | undefined };
	/**
	 * Detections of one model run; for a batch above 1 an array of them: `run<Detections[]>(...)`. Outputs are never
	 * modified. Arrays in CPU memory may be changed as soon as this returns, GPU buffers once the promise has settled.
	 * Rejects with a TypeError or RangeError that names the argument, or a KedgeError: DEVICE_LOST, DISPOSED, OUT_OF_MEMORY, ...
	 */
	run<R extends Detections | Detections[] = Detections>(outputs: Outputs, options?: RunOptions): Promise<R>;
	/**
	 * Appends the work to the caller's command encoder; the result stays on the GPU. Needs the backend 'webgpu'.
	 * Without a transform rows are pixels of the network input.
	 */
	encode(encoder: GPUCommandEncoder, outputs: Outputs, options?: EncodeOptions): Encoded;
	/** Frees what it holds. Running calls finish; later ones reject with DISPOSED. May be called twice. */
	dispose(): void;
	[Symbol.dispose](): void;
}

/**
 * Makes a head ready on a backend. Compiles shaders when the backend is a GPU one.
 * Throws a TypeError or RangeError that names the option; KedgeError NO_WEBGPU where a GPU was asked for and there is none.
 */
export async function createPostprocessor(options: PostprocessorOptions): Promise<Postprocessor> {
	const settings = checkPostprocessorOptions('createPostprocessor', options);
	const given = settings.backend;
	if (typeof given === 'object' && !(given instanceof ManagedBackend)) {
		refuse(TypeError, 'createPostprocessor', 'backend', `must be 'auto', 'webgpu', 'hybrid', 'cpu' or what createBackend of this copy of kedge made`, given);
	}
	if (given instanceof ManagedBackend) return new HeadPostprocessor(settings, given, false).start();
	const backend = await new ManagedBackend(given as 'auto' | BackendKind, settings.environment).start();
	return new HeadPostprocessor(settings, backend, true).start();
}

/** What one call works on. */
interface Call {
	readonly tensors: readonly BoundTensor[];
	readonly batch: number;
	readonly location: 'cpu' | 'gpu';
	readonly params: CallParams;
}

class HeadPostprocessor implements Postprocessor {
	readonly head: Head;
	readonly #settings: Settings;
	readonly #backend: ManagedBackend;
	readonly #ownsBackend: boolean;
	readonly #gpu: GpuSlot;
	#cpu: Pipeline | undefined;
	#choice: Choice;
	/** Settles when all calls so far have. */
	#tail: Promise<unknown> = Promise.resolve();
	#running = 0;
	#disposed = false;

	constructor(settings: Settings, backend: ManagedBackend, ownsBackend: boolean) {
		this.head = settings.head;
		this.#settings = settings;
		this.#backend = backend;
		this.#ownsBackend = ownsBackend;
		this.#gpu = new GpuSlot(backend.link, settings.pipeline);
		this.#choice = backend.choose({ location: backend.device ? 'gpu' : 'cpu', bytes: bytesOf(settings.head) });
	}

	/** Compiles now what was asked for by name; 'auto' waits for the first call that wants it. */
	async start(): Promise<this> {
		const { kind } = this.#choice;
		try {
			if (this.#backend.requested !== 'auto' && kind !== 'cpu') await this.#gpu.make(kind);
		} catch (error) {
			this.#disposed = true;
			this.#free();
			throw error;
		}
		return this;
	}

	get backend(): Choice & { readonly device: GPUDevice | undefined } {
		return { ...this.#choice, device: this.#backend.device };
	}

	/** Starts the call at once and settles it after the calls before it, unless it is aborted. */
	run<R extends Detections | Detections[] = Detections>(outputs: Outputs, options?: RunOptions): Promise<R> {
		const signal = options?.signal;
		const work = abortable(this.#start(outputs, options), signal);
		const inOrder = this.#tail.then(() => work);
		this.#tail = Promise.allSettled([this.#tail, work]).then(() => undefined);
		return abortable(inOrder, signal) as Promise<R>;
	}

	// Everything before the first await happens inside the caller's call: checks, copies, and the submit when the GPU is ready.
	async #start(outputs: Outputs, options?: RunOptions): Promise<Detections | Detections[]> {
		this.#checkDisposed('run');
		const { call: params, transform, signal } = checkRunOptions('run', options, this.#settings);
		signal?.throwIfAborted();
		const call = this.#bind('run', outputs, params);
		const transforms = checkTransforms('run', transform, call.batch, this.head);
		this.#running++;
		try {
			const { kept, kind } = await this.#compute(call);
			const { coordinates, labels } = this.#settings;
			const view = { backend: kind, isLogit: keysAreLogits(this.head), inputSize: this.head.inputSize, coordinates, labels };
			const all = kept.map((k, image) => finishDetections(k, { ...view, transform: transforms?.[image] }));
			return call.batch === 1 ? all[0] : all;
		} finally {
			this.#running--;
			if (this.#disposed) this.#free();
		}
	}

	#bind(where: 'run' | 'encode', outputs: Outputs, params: CallParams): Call {
		const { head } = this;
		const plain = normalizeOutputs(outputs, head, where);
		const tensors = plain.map((tensor, i) => bindTensor(tensor, head.tensors[i], head, { where, suggest: fittingHeads }));
		const { batch } = tensors[0].strides;
		tensors.forEach(({ strides }, i) => {
			const rule = `must have the batch of ${head.tensors[0].name}, ${batch}`;
			if (strides.batch !== batch) refuse(RangeError, where, head.tensors[i].name, rule, strides.batch);
		});
		const location = plain[0].location;
		return { tensors: location === 'cpu' ? tensors.map(unshare) : tensors, batch, location, params };
	}

	async #compute(call: Call): Promise<{ kept: Kept[]; kind: BackendKind }> {
		const { link } = this.#backend;
		if (call.location === 'gpu' && !link.device && !link.isLost) {
			const remedy = `give the device that made them as the option device, or outputs in CPU memory (onnxruntime-web: preferredOutputLocation: 'cpu')`;
			refuse(TypeError, 'run', 'outputs', 'must be in CPU memory as long as kedge knows no GPU device', 'tensors on the GPU', remedy);
		}
		const wasLost = link.isLost;
		const choice = this.#backend.choose({ location: call.location, bytes: bytesIn(call.tensors) });
		this.#choice = choice;
		if (choice.kind === 'cpu') return { kept: await this.#onCpu(call), kind: 'cpu' };
		const ready = this.#gpu.ready;
		const safe = ready ? call : { ...call, tensors: call.tensors.map(copyOnCpu) };
		const gpu = ready ?? (await this.#gpu.make(choice.kind));
		if (call.location === 'gpu' && wasLost) throw lostOutputs('make new ones on postprocessor.backend.device, or in CPU memory');
		if (gpu) {
			const kept = await link.use(gpu.backend, gpu.pipeline.run(safe.tensors, safe.batch, safe.params));
			return { kept, kind: choice.kind };
		}
		this.#choice = { kind: 'cpu', reason: link.gaveUp ?? 'the GPU cannot be used' };
		return { kept: await this.#onCpu(safe), kind: 'cpu' };
	}

	async #onCpu(call: Call): Promise<Kept[]> {
		let { tensors } = call;
		if (call.location === 'gpu') {
			const { link } = this.#backend;
			if (link.isLost) throw lostOutputs('give new ones in CPU memory');
			const device = link.device as GPUDevice;
			tensors = await Promise.all(tensors.map((tensor) => link.module.readTensor(device, tensor)));
			call.params.signal?.throwIfAborted();
		}
		const cpu = (this.#cpu ??= createCpuPipeline(this.#settings.pipeline));
		return cpu.run(tensors, call.batch, call.params);
	}

	encode(encoder: GPUCommandEncoder, outputs: Outputs, options?: EncodeOptions): Encoded {
		this.#checkDisposed('encode');
		const { call: params, transform } = checkRunOptions('encode', options, this.#settings);
		const isEncoder = typeof encoder === 'object' && encoder !== null && typeof encoder.beginComputePass === 'function';
		if (!isEncoder) refuse(TypeError, 'encode', 'encoder', 'must be a GPUCommandEncoder', encoder);
		const ready = this.#backend.requested === 'hybrid' ? undefined : this.#gpu.ready;
		if (!ready) {
			const lost = this.#backend.link.isLost;
			const remedy = lost ? 'the device was lost: await one run() to go on' : `create the postprocessor with backend: 'webgpu'`;
			throw new KedgeError(lost ? 'DEVICE_LOST' : 'NO_WEBGPU', `encode: needs the backend 'webgpu'; got '${this.#choice.kind}' (${this.#choice.reason}); ${remedy}`);
		}
		const call = this.#bind('encode', outputs, params);
		const frames = checkTransforms('encode', transform, 1, this.head);
		return ready.pipeline.encode(encoder, call.tensors, call.batch, params, frames?.[0]);
	}

	#checkDisposed(where: string): void {
		if (this.#disposed) throw new KedgeError('DISPOSED', `${where}: the postprocessor was used after dispose()`);
	}

	dispose(): void {
		if (this.#disposed) return;
		this.#disposed = true;
		this.#free();
	}

	[Symbol.dispose](): void {
		this.dispose();
	}

	/** Once nobody needs it any more. */
	#free(): void {
		if (this.#running > 0) return;
		this.#cpu?.dispose();
		this.#gpu.dispose();
		if (this.#ownsBackend) this.#backend.dispose();
	}
}

function lostOutputs(remedy: string): KedgeError {
	return new KedgeError('DEVICE_LOST', `run: outputs were on the GPU device that was lost; ${remedy}`);
}

/** Rejects as soon as the signal aborts; the work itself goes on unseen. */
function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
	if (!signal || typeof signal.addEventListener !== 'function') return work;
	return new Promise((resolve, reject) => {
		const abort = () => reject(signal.reason);
		if (signal.aborted) abort();
		signal.addEventListener('abort', abort, { once: true });
		work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
	});
}

/** One transform per image, held against the head. */
function checkTransforms(where: string, value: unknown, batch: number, head: Head): Transform[] | undefined {
	if (value === undefined) return undefined;
	const list: unknown[] = Array.isArray(value) ? value : Array.from({ length: batch }, () => value);
	if (list.length !== batch) refuse(RangeError, where, 'transform', `must be one transform, or one per image (${batch})`, value);
	for (const item of list) {
		const transform = item as Transform;
		const fits = typeof item === 'object' && item !== null && typeof transform.toFrame === 'function' && Array.isArray(transform.inputSize);
		if (!fits) refuse(TypeError, where, 'transform', 'must be what letterbox(frameSize, inputSize) makes', item);
		const same = transform.inputSize[0] === head.inputSize[0] && transform.inputSize[1] === head.inputSize[1];
		if (!same) refuse(RangeError, where, 'transform', `must be for the head's input size [${head.inputSize.join(', ')}]`, transform.inputSize);
	}
	return list as Transform[];
}

/** The heads that a tensor of these dims would fit, as source text; undefined when there is none. */
function fittingHeads(dims: readonly number[]): string | undefined {
	const inferred = inferHead([dims]);
	return inferred.head ? inferred.call : inferred.candidates.map(({ call }) => call).join(' or ') || undefined;
}

/** Float32 bytes of one image's outputs. */
function bytesOf(head: Head): number {
	return head.numAnchors * (head.numClasses + 4) * 4;
}

function bytesIn(tensors: readonly BoundTensor[]): number {
	return tensors.reduce((sum, { tensor, strides }) => sum + strides.numElements * (tensor.type === 'float16' ? 2 : 4), 0);
}

/** The caller may change his arrays as soon as his call returns; what is needed later is copied. */
function copyOnCpu(bound: BoundTensor): BoundTensor {
	return bound.tensor.location === 'cpu' ? { ...bound, tensor: { ...bound.tensor, data: bound.tensor.data.slice() } } : bound;
}

/** Another thread may write to shared memory at any time: it is copied before it is looked at. */
function unshare(bound: BoundTensor): BoundTensor {
	const { tensor } = bound;
	const shared = tensor.location === 'cpu' && Object.prototype.toString.call(tensor.data.buffer) === '[object SharedArrayBuffer]';
	return shared ? copyOnCpu(bound) : bound;
}

// The main job: outputs of a model in, detections out. Each call is checked, bound to the head, dispatched, and finished
// on the host. Calls may overlap; their results come in the order of the calls.

import { type BackendKind, type Choice, ManagedBackend } from './backend.js';
import type { SuggestHead } from './bind.js';
import { Bindings } from './bindings.js';
import { refuse } from './checks.js';
import { type Detections, type FrameMap, finishDetections } from './detections.js';
import { type Call, copyOnCpu, Dispatch } from './dispatch.js';
import { KedgeError } from './errors.js';
import { extrasOf, scoreMap } from './head-facts.js';
import type { Head } from './heads/head.js';
import { type CallOptions, checkRunOptions, type PostprocessorOptions, type Settings } from './options.js';
import type { Encoded } from './pipeline.js';
import type { CallParams, FrameTransform } from './plan.js';
import type { BoundTensor, Outputs } from './tensors.js';

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
	const { checkPostprocessorOptions } = await import('./settings.js');
	const settings = checkPostprocessorOptions('createPostprocessor', options);
	const given = settings.backend;
	if (typeof given === 'object' && !(given instanceof ManagedBackend)) {
		refuse(TypeError, 'createPostprocessor', 'backend', `must be 'auto', 'webgpu', 'hybrid', 'cpu' or what createBackend of this copy of kedge made`, given);
	}
	if (given instanceof ManagedBackend && settings.pipeline.gpuStages !== undefined && (given.requested === 'cpu' || given.requested === 'hybrid')) {
		refuse(RangeError, 'createPostprocessor', 'backend', `must be 'webgpu' when gpuStages is given`, given.requested);
	}
	if (given instanceof ManagedBackend) return new HeadPostprocessor(settings, given, false).start();
	const backend = await new ManagedBackend(given as 'auto' | BackendKind, settings.environment).start();
	return new HeadPostprocessor(settings, backend, true).start();
}

class HeadPostprocessor implements Postprocessor {
	readonly head: Head;
	readonly #settings: Settings;
	readonly #backend: ManagedBackend;
	readonly #ownsBackend: boolean;
	readonly #dispatch: Dispatch;
	readonly #bindings: Bindings;
	/** Settles when all calls so far have. */
	#tail: Promise<unknown> = Promise.resolve();
	#running = 0;
	#disposed = false;

	constructor(settings: Settings, backend: ManagedBackend, ownsBackend: boolean) {
		this.head = settings.head;
		this.#settings = settings;
		this.#backend = backend;
		this.#ownsBackend = ownsBackend;
		this.#dispatch = new Dispatch(backend, settings.pipeline);
		this.#bindings = new Bindings(settings.head);
	}

	async start(): Promise<this> {
		try {
			await this.#dispatch.start();
		} catch (error) {
			this.dispose();
			throw error;
		}
		return this;
	}

	get backend(): Choice & { readonly device: GPUDevice | undefined } {
		return { ...this.#dispatch.choice, device: this.#backend.device };
	}

	/** Starts the call at once and settles it after the calls before it, unless it is aborted. */
	run<R extends Detections | Detections[] = Detections>(outputs: Outputs, options?: RunOptions): Promise<R> {
		const signal = watch(options?.signal);
		const work = signal.race(this.#start(outputs, options));
		const inOrder = signal.race(this.#tail.then(() => work)).finally(signal.release);
		this.#tail = Promise.allSettled([this.#tail, work]).then(() => undefined);
		return inOrder as Promise<R>;
	}

	// Everything before the first await happens inside the caller's call: checks, copies, and the submit when the GPU is ready.
	async #start(outputs: Outputs, options?: RunOptions): Promise<Detections | Detections[]> {
		this.#checkDisposed('run');
		const { call: params, transform, signal } = checkRunOptions('run', options, this.#settings);
		signal?.throwIfAborted();
		let call: Call;
		try {
			call = this.#bind('run', outputs, params);
		} catch (error) {
			return this.#explain(outputs, params, error);
		}
		const transforms = checkTransforms('run', transform, call.batch, this.head);
		this.#running++;
		try {
			const { kept, kind } = await this.#dispatch.run(call);
			const { coordinates, labels, soft } = this.#settings;
			const { head } = this;
			const { inputSize, keypoints } = head;
			const view = { backend: kind, scoreMap: soft ? ('itself' as const) : scoreMap(head), keypoints, extras: extrasOf(head), inputSize, coordinates, labels };
			const all = kept.map((k, image) => finishDetections(k, { ...view, transform: transforms?.[image] }));
			return call.batch === 1 ? all[0] : all;
		} finally {
			this.#running--;
			if (this.#disposed) this.#free();
		}
	}

	/** Fails again, now naming the head that would fit. The other heads are fetched for that alone. */
	async #explain(outputs: Outputs, params: CallParams, error: unknown): Promise<never> {
		const infer = await import('./heads/infer.js').catch(() => undefined);
		if (infer) this.#bind('run', outputs, params, infer.suggestHead);
		throw error;
	}

	#bind(where: 'run' | 'encode', outputs: Outputs, params: CallParams, suggest?: SuggestHead): Call {
		const tensors = unshare(this.#bindings.bind(where, outputs, suggest));
		return { tensors, batch: tensors[0].strides.batch, params };
	}

	encode(encoder: GPUCommandEncoder, outputs: Outputs, options?: EncodeOptions): Encoded {
		this.#checkDisposed('encode');
		const { call: params, transform } = checkRunOptions('encode', options, this.#settings);
		const isEncoder = typeof encoder === 'object' && encoder !== null && typeof encoder.beginComputePass === 'function';
		if (!isEncoder) refuse(TypeError, 'encode', 'encoder', 'must be a GPUCommandEncoder', encoder);
		const pipeline = this.#dispatch.encoder();
		const call = this.#bind('encode', outputs, params);
		if (Array.isArray(transform))
			refuse(
				TypeError,
				'encode',
				'transform',
				'must be one transform, which all images of the batch share',
				transform,
				'use run() for frames of different sizes',
			);
		const frames = checkTransforms('encode', transform, 1, this.head);
		return pipeline.encode(encoder, call.tensors, call.batch, params, inCoordinates(frames?.[0], this.#settings.coordinates, this.head.inputSize));
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
		this.#dispatch.dispose();
		this.#bindings.clear();
		if (this.#ownsBackend) this.#backend.dispose();
	}
}

/** The map that leaves rows in the coordinates asked for: normalized ones are fractions of the frame, or of the network input. */
function inCoordinates(
	frame: FrameTransform | undefined,
	coordinates: 'pixels' | 'normalized',
	[height, width]: readonly [number, number],
): FrameTransform | undefined {
	if (coordinates === 'pixels') return frame;
	if (!frame) return { gain: [width, height], pad: [0, 0], frameSize: [1, 1], clip: false };
	const { gain, pad, frameSize } = frame;
	return { gain: [gain[0] * frameSize[1], gain[1] * frameSize[0]], pad, frameSize: [1, 1] };
}

/** `race` rejects as soon as the signal aborts; the work itself goes on unseen. One listener, however many races. */
function watch(signal: AbortSignal | undefined): { race<T>(work: Promise<T>): Promise<T>; release(): void } {
	if (!signal || typeof signal.addEventListener !== 'function') return { race: (work) => work, release: () => undefined };
	let stop!: () => void;
	const aborted = new Promise<never>((_, reject) => {
		stop = () => reject(signal.reason);
	});
	aborted.catch(() => undefined);
	if (signal.aborted) stop();
	signal.addEventListener('abort', stop, { once: true });
	return { race: (work) => Promise.race([aborted, work]), release: () => signal.removeEventListener('abort', stop) };
}

/** One transform per image, held against the head. */
function checkTransforms(where: string, value: unknown, batch: number, head: Head): Transform[] | undefined {
	if (value === undefined) return undefined;
	const list: unknown[] = Array.isArray(value) ? value : Array.from({ length: batch }, () => value);
	if (list.length !== batch) refuse(RangeError, where, 'transform', `must be one transform, or one per image (${batch})`, value);
	for (const item of list) {
		const transform = item as Transform;
		const same = transform.inputSize[0] === head.inputSize[0] && transform.inputSize[1] === head.inputSize[1];
		if (!same) refuse(RangeError, where, 'transform', `must be for the head's input size [${head.inputSize.join(', ')}]`, transform.inputSize);
		const { gain } = item as Transform;
		const rule = 'must have one gain for x and y, because a stretched box cannot be turned back';
		if (head.codec.rotated && gain[0] !== gain[1]) refuse(RangeError, where, 'transform', rule, gain, 'use letterbox without stretch');
	}
	return list as Transform[];
}

/** Another thread may write to shared memory at any time: it is copied before it is looked at. */
function unshare(tensors: readonly BoundTensor[]): readonly BoundTensor[] {
	const isShared = ({ tensor }: BoundTensor) =>
		tensor.location === 'cpu' && Object.prototype.toString.call(tensor.data.buffer) === '[object SharedArrayBuffer]';
	return tensors.some(isShared) ? tensors.map((bound) => (isShared(bound) ? copyOnCpu(bound) : bound)) : tensors;
}

// TensorFlow.js and kedge on one device. tfjs gives a copy of a tensor's buffer (dataToGPU()); small tensors, and all of
// its other backends' tensors, are in CPU memory. Both become what `run` takes, in one place: never some here, some there.
//
// Lifetimes. The copy belongs to tfjs (its `tensorRef`) and is released by `dispose()` of what `fromTfjs` gives, once
// kedge's call has settled. The caller's own tensors are read, never disposed of.

import { refuse } from './checks.js';
import type { Detections } from './detections.js';
import type { Postprocessor, RunOptions } from './postprocessor.js';
import type { Outputs, TensorLike } from './tensors.js';

/** What kedge needs of a tf.Tensor. */
export interface TfjsTensor {
	readonly shape: readonly number[];
	readonly dtype: string;
	data(): Promise<unknown>;
	dataToGPU(): { readonly tensorRef: { dispose(): void }; readonly buffer?: unknown };
}

/** One output, several in the head's order, or a record by name. */
export type TfjsOutputs = TfjsTensor | readonly TfjsTensor[] | Readonly<Record<string, TfjsTensor>>;

/** What kedge needs of the module @tensorflow/tfjs or @tensorflow/tfjs-core. */
export interface Tfjs {
	getBackend(): string;
	backend(): unknown;
}

/** Tensors for `run` and `encode`, and how to release them. */
export interface TfjsInputs {
	readonly outputs: Outputs;
	/** Call it when the call that reads the outputs has settled (with `encode`: has been submitted). May be called twice. */
	dispose(): void;
}

const BUFFER_USAGE = 0x80 | 0x08 | 0x04; // STORAGE, COPY_DST, COPY_SRC: Node has no GPUBufferUsage

/** The GPUDevice of the tfjs WebGPU backend, for `createPostprocessor({ device })`. Throws when another backend is active. */
export function deviceOf(tf: Tfjs): GPUDevice {
	const device = deviceIfAny(tf);
	if (!device) refuse(TypeError, 'deviceOf', 'tf.getBackend()', `must be 'webgpu'`, tf.getBackend(), `await tf.setBackend('webgpu') first`);
	return device;
}

function deviceIfAny(tf: Tfjs): GPUDevice | undefined {
	if (tf.getBackend() !== 'webgpu') return undefined;
	const { device } = tf.backend() as { device?: GPUDevice };
	return typeof device?.createBuffer === 'function' ? device : undefined;
}

/** Outputs of a tfjs model as outputs for `run` and `encode`: on the GPU when any of them is there, else in CPU memory. */
export async function fromTfjs(tf: Tfjs, tensors: TfjsOutputs): Promise<TfjsInputs> {
	const list = tensorsOf(tensors);
	const release: (() => void)[] = [];
	const dispose = () => {
		for (const free of release.splice(0)) free();
	};
	try {
		const device = deviceIfAny(tf);
		const onGpu = list.map(([, tensor]) => (device ? copyOnGpu(tensor, release) : undefined));
		const anyOnGpu = onGpu.some((buffer) => buffer !== undefined);
		const outputs = await Promise.all(
			list.map(async ([, tensor], i): Promise<TensorLike> => {
				const common = { dims: tensor.shape, type: tensor.dtype };
				if (onGpu[i]) return { ...common, gpuBuffer: onGpu[i], location: 'gpu-buffer' };
				const data = await tensor.data();
				if (!anyOnGpu) return { ...common, data };
				return { ...common, gpuBuffer: upload(device as GPUDevice, data as Float32Array, release), location: 'gpu-buffer' };
			}),
		);
		return { outputs: shapedLike(tensors, list, outputs), dispose };
	} catch (error) {
		dispose();
		throw error;
	}
}

/** `fromTfjs`, `postprocessor.run`, and the release of the copies, whether it went well or not. */
export async function runTfjs<R extends Detections | Detections[] = Detections>(
	postprocessor: Pick<Postprocessor, 'run'>,
	tf: Tfjs,
	tensors: TfjsOutputs,
	options?: RunOptions,
): Promise<R> {
	const inputs = await fromTfjs(tf, tensors);
	try {
		return await postprocessor.run<R>(inputs.outputs, options);
	} finally {
		inputs.dispose();
	}
}

/** tfjs throws for a tensor whose values are still in CPU memory; those are read there. */
function copyOnGpu(tensor: TfjsTensor, release: (() => void)[]): unknown {
	let copy: ReturnType<TfjsTensor['dataToGPU']>;
	try {
		copy = tensor.dataToGPU();
	} catch {
		return undefined;
	}
	release.push(() => copy.tensorRef.dispose());
	return copy.buffer;
}

function upload(device: GPUDevice, data: Float32Array, release: (() => void)[]): GPUBuffer {
	const buffer = device.createBuffer({ label: 'kedge.tfjs', size: Math.max(4, data.byteLength), usage: BUFFER_USAGE });
	release.push(() => buffer.destroy());
	device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
	return buffer;
}

function tensorsOf(tensors: TfjsOutputs): [string, TfjsTensor][] {
	const isTensor = (value: unknown): value is TfjsTensor =>
		typeof value === 'object' && value !== null && Array.isArray((value as TfjsTensor).shape) && typeof (value as TfjsTensor).dataToGPU === 'function';
	if (isTensor(tensors)) return [['tensors', tensors]];
	if (typeof tensors !== 'object' || tensors === null) refuse(TypeError, 'fromTfjs', 'tensors', 'must be tf.Tensors', tensors);
	const list = Object.entries(tensors as Readonly<Record<string, TfjsTensor>>);
	for (const [name, tensor] of list) if (!isTensor(tensor)) refuse(TypeError, 'fromTfjs', name, 'must be a tf.Tensor', tensor);
	return list;
}

/** One tensor, an array or a record, as the caller gave it. */
function shapedLike(tensors: TfjsOutputs, list: [string, TfjsTensor][], outputs: TensorLike[]): Outputs {
	if (Array.isArray(tensors)) return outputs;
	if (list[0]?.[1] === tensors) return outputs[0];
	return Object.fromEntries(list.map(([name], i) => [name, outputs[i]]));
}

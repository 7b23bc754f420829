// onnxruntime-web and kedge on one device: its output tensors are bound where they stand, without a copy. An ort.Tensor
// already is a tensor for kedge; what is here is the device, and the order of run and dispose.
//
// Lifetimes. After `await session.run()` all of onnxruntime's commands are submitted, so kedge's may follow at once. A live
// output is never reused; after dispose() its buffer goes back to onnxruntime's pool and the next run overwrites it, so
// dispose after kedge's call, and do not forget to. A rejected session.run() leaves the session unusable.

import { refuse } from './checks.js';
import type { Detections } from './detections.js';
import type { Postprocessor, RunOptions } from './postprocessor.js';
import type { Outputs, TensorLike } from './tensors.js';

/** What kedge needs of an ort.Tensor. The getters of the data throw for the other location, so `location` is read first. */
export interface OrtTensor {
	readonly dims: readonly number[];
	readonly type: string;
	readonly location: string;
	dispose(): void;
}

/** What `session.run()` resolves to: output tensors by name; or one of them, or some in the head's order. */
export type OrtOutputs = OrtTensor | readonly OrtTensor[] | Readonly<Record<string, OrtTensor>>;

/** What kedge needs of the module onnxruntime-web. */
export interface Ort {
	readonly env: { readonly webgpu?: { readonly device?: unknown } };
}

/**
 * The GPUDevice of onnxruntime-web, for `createPostprocessor({ device })`. Call it after the first WebGPU session was
 * created, and create all sessions alike: one that names no device may bring in another one.
 * Throws where there is none: no session yet, no WebGPU session, or a session that was given a device (use that one then).
 */
export async function deviceOf(ort: Ort): Promise<GPUDevice> {
	const device: unknown = await ort?.env?.webgpu?.device;
	if (typeof (device as GPUDevice | undefined)?.createBuffer === 'function') return device as GPUDevice;
	const remedy = `create a session with executionProviders: ['webgpu'] first; if you gave that session a device, pass the same one to kedge`;
	return refuse(TypeError, 'deviceOf', 'ort.env.webgpu.device', 'must be a GPUDevice', device, remedy);
}

/** Outputs of a session as outputs for `run` and `encode`: the same tensors, bound in place. Throws for disposed ones. */
export function fromOrt(outputs: OrtOutputs): Outputs {
	for (const [name, tensor] of tensorsOf(outputs)) {
		const isTensor = typeof tensor === 'object' && tensor !== null && Array.isArray(tensor.dims) && typeof tensor.location === 'string';
		if (!isTensor) refuse(TypeError, 'fromOrt', name, 'must be an ort.Tensor', tensor, 'await session.run() first');
		if (tensor.location === 'none') refuse(TypeError, 'fromOrt', name, 'must be alive', 'a disposed tensor', 'dispose of it after the call, as runOrt does');
	}
	return outputs as TensorLike | Readonly<Record<string, TensorLike>>;
}

/**
 * `postprocessor.run` on the outputs of a session, and then dispose() of every output, whether it went well or not.
 * The GPU reads them before onnxruntime can write to them again.
 */
export async function runOrt<R extends Detections | Detections[] = Detections>(
	postprocessor: Pick<Postprocessor, 'run'>,
	outputs: OrtOutputs,
	options?: RunOptions,
): Promise<R> {
	const tensors = fromOrt(outputs);
	try {
		return await postprocessor.run<R>(tensors, options);
	} finally {
		for (const [, tensor] of tensorsOf(outputs)) tensor.dispose();
	}
}

function tensorsOf(outputs: OrtOutputs): [string, OrtTensor][] {
	if (typeof outputs !== 'object' || outputs === null) refuse(TypeError, 'fromOrt', 'outputs', 'must be what session.run() resolved to', outputs);
	if (typeof (outputs as OrtTensor).location === 'string') return [['outputs', outputs as OrtTensor]];
	return Object.entries(outputs as Readonly<Record<string, OrtTensor>>);
}

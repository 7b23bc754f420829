// A stage on the GPU: WGSL, its bindings with an explicit layout (layout 'auto' drops what a variant does not use), and
// the pipeline, compiled once per device and text.

import { KedgeError } from '../errors.js';
import type { Device } from './device.js';

/** How a stage uses a binding. 'step' is a uniform with a dynamic offset. */
export type BindingKind = 'uniform' | 'step' | 'read' | 'read_write';

/** A stage before it is compiled. */
export interface StageSpec {
	/** The stage's word, for labels. */
	readonly name: string;
	readonly code: string;
	/** [binding number, kind, buffer name] */
	readonly bindings: readonly (readonly [number, BindingKind, string])[];
}

/** A compiled stage. */
export interface Stage {
	readonly spec: StageSpec;
	readonly layout: GPUBindGroupLayout;
	readonly pipeline: GPUComputePipeline;
	/** True when setBindGroup takes a dynamic offset. */
	readonly hasStep: boolean;
}

// Numbers of the WebGPU specification: the flag objects are not globals in every environment.
const COMPUTE = 4;
export const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128, QUERY_RESOLVE: 512 } as const;
export const MAP_MODE_READ = 1;

const TYPES: Record<BindingKind, GPUBufferBindingLayout> = {
	uniform: { type: 'uniform' },
	step: { type: 'uniform', hasDynamicOffset: true },
	read: { type: 'read-only-storage' },
	read_write: { type: 'storage' },
};

/** Compiles a stage, or returns the one already compiled on this device. */
export function compileStage(device: Device, spec: StageSpec): Promise<Stage> {
	const key = `${spec.name}\n${spec.code}`;
	let stage = device.pipelines.get(key) as Promise<Stage> | undefined;
	if (!stage) {
		stage = compile(device, spec);
		device.pipelines.set(key, stage);
		stage.catch(() => device.pipelines.delete(key));
	}
	return stage;
}

async function compile(device: Device, spec: StageSpec): Promise<Stage> {
	const label = `kedge.${spec.name}`;
	const { module, layout, compiled } = await device
		.scoped(label, () => {
			const module = device.gpu.createShaderModule({ label, code: spec.code });
			const entries = spec.bindings.map(([binding, kind]) => ({ binding, visibility: COMPUTE, buffer: TYPES[kind] }));
			const layout = device.gpu.createBindGroupLayout({ label, entries });
			const compiled = device.gpu.createComputePipelineAsync({
				label,
				layout: device.gpu.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
				compute: { module, entryPoint: 'main' },
			});
			compiled.catch(() => undefined);
			return { module, layout, compiled };
		})
		.catch((error) => {
			if (error instanceof KedgeError && error.code === 'GPU_VALIDATION')
				throw new KedgeError('SHADER', `${label}: the shader was refused: ${error.message}`, { cause: error });
			throw error;
		});
	try {
		const pipeline = await device.race(compiled);
		return { spec, layout, pipeline, hasStep: spec.bindings.some(([, kind]) => kind === 'step') };
	} catch (error) {
		if (error instanceof KedgeError) throw error;
		const info = await module.getCompilationInfo().catch(() => undefined);
		const messages = info?.messages.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`).join('; ') || String(error);
		throw new KedgeError('SHADER', `${label}: the shader was refused: ${messages}`, { cause: error });
	}
}

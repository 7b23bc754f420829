// Where the training wing computes: on the CPU, or by a job on the GPU of a backend that `createBackend` made.

import { type Backend, ManagedBackend } from '../backend.js';
import { refuse } from '../checks.js';
import type { GpuJob } from '../pipeline.js';

/** A backend made by `createBackend` of kedge; undefined: the CPU. */
export type TrainingBackend = Backend | undefined;

/** Throws a TypeError for what `createBackend` did not make, and DISPOSED for what was disposed of. */
export function checkBackend(where: string, value: unknown): ManagedBackend | undefined {
	if (value === undefined) return undefined;
	// two copies of kedge have two classes: then the one that made it is not the one that is used
	if (!(value instanceof ManagedBackend)) refuse(TypeError, where, 'backend', 'must be made by createBackend', value, 'of the same copy of kedge');
	value.checkDisposed(where);
	return value;
}

/**
 * Does work on the GPU of the backend, or on the CPU. 'webgpu' always takes the GPU, 'auto' where there is a real one and the work is
 * worth the way there (`worthIt`), all others the CPU. `onGpu` gets a job that is disposed of afterwards.
 */
export async function onBackend<T>(
	where: string,
	backend: TrainingBackend,
	worthIt: boolean,
	onGpu: (job: GpuJob) => Promise<T>,
	onCpu: () => T | Promise<T>,
): Promise<T> {
	const managed = checkBackend(where, backend);
	const wanted = managed?.kind === 'webgpu' && (managed.requested !== 'auto' || worthIt);
	const gpu = wanted ? (managed.link.live ?? (await managed.link.open('webgpu'))) : undefined;
	if (!managed || !gpu) return onCpu();
	const job = gpu.openJob(where);
	try {
		return await managed.link.use(gpu, onGpu(job));
	} finally {
		job.dispose();
	}
}

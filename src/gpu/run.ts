// What a run on the GPU carries from the call to the result.

import type { Head } from '../heads/head.js';
import type { Params, Sizes } from '../layout.js';
import type { CpuParts, PipelineOptions } from '../pipeline.js';
import type { CallParams, Capacity, Step } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import type { BoundRange, Slot } from './slot.js';
import type { Stage } from './stage.js';
import type { KernelName } from './stages.js';

/** What a pipeline may be told beyond the public options. */
export interface GpuPipelineOptions extends PipelineOptions {
	readonly hybrid?: boolean;
	readonly sizes?: Sizes;
	/** Class ids come in the objectness tensor's place: nms(). */
	readonly givenClasses?: boolean;
	/** Rounds capacities up to powers of two, for heads whose number of anchors changes. */
	readonly growing?: boolean;
	readonly cpu?: CpuParts;
}

/** What a run is given. */
export interface Run {
	readonly capacity: Capacity;
	readonly stages: ReadonlyMap<KernelName, Stage>;
	readonly tensors: readonly BoundTensor[];
	readonly batch: number;
	readonly call: CallParams;
	readonly head: Head;
	/** performance.now() when it was asked for. */
	readonly started: number;
}

/** A run whose uniforms and inputs are on their way. */
export interface Prepared extends Run {
	readonly slot: Slot;
	readonly steps: readonly Step[];
	/** The steps that the GPU does, and a bind group for each. */
	readonly onGpu: readonly Step[];
	readonly groups: readonly GPUBindGroup[];
	readonly params: Params;
	readonly ranges: readonly BoundRange[];
}

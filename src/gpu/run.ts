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

/** A dispatch, ready to be recorded. */
export interface Command {
	readonly step: Step;
	readonly stage: Stage;
	readonly group: GPUBindGroup;
	readonly workgroups: readonly [number, number, number];
	/** Where its numbers stand in the uniform, in bytes. */
	readonly offset: number;
}

/** All that a run takes but its serial number and the contents of arrays: what follows from the tensors' places and the numbers of the call. */
export interface RunPlan {
	readonly head: Head;
	readonly stages: ReadonlyMap<KernelName, Stage>;
	readonly call: CallParams;
	readonly params: Params;
	readonly steps: readonly Step[];
	/** The steps that the GPU does: the first ones, all but in hybrid runs and with the stage switch. */
	readonly commands: readonly Command[];
	readonly ranges: readonly BoundRange[];
	/** The uniform: params, then the numbers of each step. */
	readonly words: Uint32Array<ArrayBuffer>;
}

/** A run that can be written and recorded. */
export interface Prepared extends Run {
	readonly slot: Slot;
	readonly plan: RunPlan;
	/** Number of the call, as its result must carry it. */
	readonly serial: number;
}

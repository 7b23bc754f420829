// The uniform of a run: params, then the numbers of each step, STEP_BYTES apart.

import type { Head } from '../heads/head.js';
import { LEVEL, MERGE, PARAMS, type Params, RANGE, type Sizes, writeStruct } from '../layout.js';
import { planLanes, planLevel } from '../level-plan.js';
import type { Step } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import type { GpuAnchors } from './anchors.js';
import { STEP_BYTES } from './slot.js';

/** Words of the uniform of so many steps. */
export function numUniformWords(numSteps: number): number {
	return ((numSteps + 1) * STEP_BYTES) / 4;
}

/** What the numbers follow from. */
export interface UniformSource {
	readonly head: Head;
	readonly tensors: readonly BoundTensor[];
	readonly params: Params;
	readonly steps: readonly Step[];
	readonly sizes: Sizes;
	/** Of levels whose anchors the shader computes. */
	readonly lattices?: GpuAnchors['levels'];
	/** Elements in front of a tensor's first one, in what is bound. */
	readonly skipped?: (tensor: number) => number;
}

/** The words of the uniform. */
export function uniformWords({ head, tensors, params, steps, sizes, lattices, skipped }: UniformSource): Uint32Array<ArrayBuffer> {
	const u32 = new Uint32Array(numUniformWords(steps.length));
	const f32 = new Float32Array(u32.buffer);
	writeStruct(PARAMS, params, u32, f32);
	steps.forEach((step, i) => {
		const at = ((i + 1) * STEP_BYTES) / 4;
		if ('level' in step) {
			const level = planLevel(head, step.level, tensors, 'phase' in step ? step.phase : 0, skipped);
			const lanes = planLanes(head, step.level, tensors, sizes);
			writeStruct(LEVEL, { ...level, lanes, ...lattices?.[step.level] }, u32, f32, at);
		} else if (step.stage === 'bins') u32[at + LEVEL.words.phase] = step.phase;
		else if (step.stage === 'rank') writeStruct(MERGE, step.merge, u32, f32, at);
		else if (step.stage === 'suppress' && 'range' in step) writeStruct(RANGE, step.range, u32, f32, at);
	});
	return u32;
}

// From a run to commands: what has to be made for it, uniforms and arrays written, steps recorded in one pass.

import { LEVEL, MERGE, PARAMS, RANGE, type Sizes, writeStruct } from '../layout.js';
import { numLevelAnchors, planLanes, planLevel } from '../level-plan.js';
import { type FrameTransform, planParams, planSteps, type Step } from '../plan.js';
import { STAGES } from '../stages.js';
import type { BoundTensor } from '../tensors.js';
import type { GpuAnchors } from './anchors.js';
import type { Device } from './device.js';
import type { GpuPipelineOptions, Prepared, Run } from './run.js';
import { type BoundRange, MAX_TIMESTAMPS, type Slot, STEP_BYTES } from './slot.js';
import type { Stage } from './stage.js';
import { type DecodeGrid, kernelOf, levelInputs, workgroupsOf } from './stages.js';
import { upload } from './transfer.js';

export class Recorder {
	readonly #device: Device;
	readonly #options: GpuPipelineOptions;
	readonly #sizes: Sizes;
	/** What never changes: anchors, and the class filter where there is one. */
	readonly #constants: Readonly<Record<string, BoundRange>>;
	readonly #anchors: GpuAnchors;

	constructor(device: Device, options: GpuPipelineOptions, sizes: Sizes, constants: Readonly<Record<string, BoundRange>>, anchors: GpuAnchors) {
		this.#anchors = anchors;
		this.#device = device;
		this.#options = options;
		this.#sizes = sizes;
		this.#constants = constants;
	}

	/** Whatever the run needs that may have to be made: buffers large enough, bind groups. */
	prepare(slot: Slot, run: Run, serial: number, frame?: FrameTransform): Prepared {
		const { head, tensors, batch, call } = run;
		const capacity = { ...slot.capacity, batch };
		const { multiLabel, soft, suppression } = this.#options;
		const params = planParams(head, multiLabel, capacity, call, this.#sizes, frame, serial);
		// steps for what this call can bring, not for what the slot once grew to
		const steps = planSteps(head, multiLabel, run.capacity, call, this.#sizes, soft ? 'soft' : suppression);
		const ranges = tensors.map((bound, i) => this.#range(slot, bound, i));
		slot.growUniform(steps.length);
		const onGpu = this.#gpuSteps(steps);
		const groups = onGpu.map((step) => this.#group(slot, run, ranges, step));
		return { ...run, slot, capacity, params, steps, ranges, onGpu, groups };
	}

	#group(slot: Slot, { stages, head }: Run, ranges: readonly BoundRange[], step: Step): GPUBindGroup {
		const inputs = 'level' in step ? { ...this.#constants, ...levelInputs(head.levels[step.level], ranges) } : {};
		return slot.group(stages.get(kernelOf(step)) as Stage, inputs);
	}

	/** Appends steps of a run whose uniforms were written, beyond those it recorded itself. */
	recordSteps(encoder: GPUCommandEncoder, run: Prepared, steps: readonly Step[]): void {
		const pass = encoder.beginComputePass({ label: 'kedge.gather' });
		for (const step of steps) this.#dispatch(pass, run, step, this.#group(run.slot, run, run.ranges, step));
		pass.end();
	}

	/** Uniforms, and tensors in CPU memory, on their way to the slot. */
	write({ slot, head, tensors, params, steps, ranges }: Prepared): void {
		const { queue } = this.#device.gpu;
		tensors.forEach(({ tensor }, i) => tensor.location === 'cpu' && upload(queue, ranges[i].buffer, tensor.data));
		const u32 = slot.uniform;
		const f32 = new Float32Array(u32.buffer);
		writeStruct(PARAMS, params, u32, f32);
		steps.forEach((step, i) => {
			const at = ((i + 1) * STEP_BYTES) / 4;
			if ('level' in step) {
				const level = planLevel(head, step.level, tensors, 'phase' in step ? step.phase : 0, (t) => ranges[t].skip);
				const lanes = planLanes(head, step.level, tensors, this.#sizes);
				writeStruct(LEVEL, { ...level, lanes, ...this.#anchors.levels[step.level] }, u32, f32, at);
			} else if (step.stage === 'bins') u32[at + LEVEL.words.phase] = step.phase;
			else if (step.stage === 'rank') writeStruct(MERGE, step.merge, u32, f32, at);
			else if (step.stage === 'suppress' && 'range' in step) writeStruct(RANGE, step.range, u32, f32, at);
		});
		queue.writeBuffer(slot.get('uniform'), 0, u32 as Uint32Array<ArrayBuffer>, 0, ((steps.length + 1) * STEP_BYTES) / 4);
	}

	/** What the shader binds for a tensor; room for an array. */
	#range(slot: Slot, bound: BoundTensor, i: number): BoundRange {
		const { tensor, strides } = bound;
		const elementBytes = tensor.type === 'float16' ? 2 : 4;
		const bytes = strides.numElements * elementBytes;
		// no binding may be empty, as a caller's buffer without a row would be
		if (tensor.location === 'cpu' || bytes === 0) {
			return { buffer: slot.input(i, bytes), offset: 0, size: Math.max(16, Math.ceil(bytes / 4) * 4), skip: 0 };
		}
		const offset = Math.floor(tensor.offset / 256) * 256;
		const size = Math.ceil((tensor.offset - offset + bytes) / 4) * 4;
		const limit = this.#device.gpu.limits.maxStorageBufferBindingSize;
		if (size > limit)
			throw new RangeError(
				`run: outputs[${i}] needs a binding of ${size} bytes; the device's limit is ${limit}; ask for a device with a larger maxStorageBufferBindingSize`,
			);
		return { buffer: tensor.buffer, offset, size, skip: (tensor.offset - offset) / elementBytes };
	}

	/** Appends the steps, in one pass, or with timings in one pass a stage. Returns the stages that were timed. */
	record(encoder: GPUCommandEncoder, run: Prepared, timed = false): string[] {
		const { slot } = run;
		encoder.clearBuffer(slot.get('state'));
		const timedStages: string[] = [];
		let pass: GPUComputePassEncoder | undefined;
		let current = '';
		run.onGpu.forEach((step, i) => {
			if (!pass || (timed && step.stage !== current)) {
				pass?.end();
				current = step.stage;
				const at = timedStages.length * 2;
				const querySet = timed && at + 1 < MAX_TIMESTAMPS ? slot.querySet : undefined;
				if (querySet) timedStages.push(step.stage);
				pass = encoder.beginComputePass({
					label: `kedge.${timed ? step.stage : 'run'}`,
					...(querySet && { timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } }),
				});
			}
			this.#dispatch(pass, run, step, run.groups[i]);
		});
		pass?.end();
		if (timedStages.length > 0) {
			encoder.resolveQuerySet(slot.querySet as GPUQuerySet, 0, timedStages.length * 2, slot.get('timestamps'), 0);
		}
		return timedStages;
	}

	#dispatch(pass: GPUComputePassEncoder, run: Prepared, step: Step, group: GPUBindGroup): void {
		const { capacity } = run;
		const stage = run.stages.get(kernelOf(step)) as Stage;
		const [x, y, z] = workgroupsOf(step, this.#grid(run, step), capacity, this.#options.multiLabel, this.#sizes);
		pass.setPipeline(stage.pipeline);
		if (stage.hasStep) pass.setBindGroup(0, group, [(run.steps.indexOf(step) + 1) * STEP_BYTES]);
		else pass.setBindGroup(0, group);
		pass.dispatchWorkgroups(x, y, z);
	}

	#grid({ head, tensors }: Prepared, step: Step): DecodeGrid {
		if (step.stage !== 'decode') return { numAnchors: 0, lanes: 1 };
		return { numAnchors: numLevelAnchors(head.levels[step.level], tensors), lanes: planLanes(head, step.level, tensors, this.#sizes) };
	}

	/** The steps that the GPU does: all, decode and the cut for hybrid, or those of the first n stages. */
	#gpuSteps(steps: readonly Step[]): readonly Step[] {
		const { hybrid, gpuStages, multiLabel } = this.#options;
		if (hybrid) return steps.filter((step) => step.stage === 'decode' || (multiLabel && step.stage === 'bins'));
		if (gpuStages === undefined) return steps;
		const first = steps.findIndex((step) => STAGES.indexOf(step.stage) >= gpuStages);
		return first < 0 ? steps : steps.slice(0, first);
	}
}

// From a run to commands: what has to be made for it, uniforms and arrays written, steps recorded in one pass.

import { PARAMS, type Sizes } from '../layout.js';
import { numLevelAnchors, planLanes } from '../level-plan.js';
import { type FrameTransform, isSameCall, isSameFrame, planParams, planSteps, type Step } from '../plan.js';
import { STAGES } from '../stages.js';
import type { BoundTensor } from '../tensors.js';
import type { GpuAnchors } from './anchors.js';
import type { Device } from './device.js';
import type { Command, GpuPipelineOptions, Prepared, Run, RunPlan } from './run.js';
import { type BoundRange, MAX_TIMESTAMPS, type Slot, STEP_BYTES } from './slot.js';
import type { Stage } from './stage.js';
import { type DecodeGrid, kernelOf, levelInputs, workgroupsOf } from './stages.js';
import { upload } from './transfer.js';
import { numUniformWords, uniformWords } from './uniform.js';

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

	/** The plan of a run that was made for such a run in this slot; undefined where there is none. With it nothing has to be made. */
	planned(slot: Slot, { tensors, head, stages, call }: Run, frame?: FrameTransform): RunPlan | undefined {
		const plan = slot.plans.get(tensors);
		return plan && plan.head === head && plan.stages === stages && isSameCall(plan.call, call) && isSameFrame(plan.params, frame) ? plan : undefined;
	}

	/** Whatever the run needs that may have to be made: buffers large enough, bind groups, the words of its uniform. */
	prepare(slot: Slot, run: Run, serial: number, frame?: FrameTransform): Prepared {
		let plan = this.planned(slot, run, frame);
		if (!plan) {
			plan = this.#plan(slot, run, frame);
			slot.plans.set(run.tensors, plan);
		}
		return { ...run, slot, plan, serial };
	}

	#plan(slot: Slot, run: Run, frame?: FrameTransform): RunPlan {
		const { head, stages, tensors, batch, call } = run;
		const { multiLabel, soft, suppression } = this.#options;
		const params = planParams(head, multiLabel, { ...slot.capacity, batch }, call, this.#sizes, frame);
		// steps for what this call can bring, not for what the slot once grew to
		const steps = planSteps(head, multiLabel, run.capacity, call, this.#sizes, soft ? 'soft' : suppression);
		const ranges = tensors.map((bound, i) => this.#range(slot, bound, i));
		slot.growUniform(numUniformWords(steps.length));
		const commands = this.#gpuSteps(steps).map((step) => this.#command(slot, run, ranges, step, steps.indexOf(step)));
		const source = { head, tensors, params, steps, sizes: this.#sizes, lattices: this.#anchors.levels, skipped: (t: number) => ranges[t].skip };
		// a signal is its call's alone, and is not held on to
		return { head, stages, call: { ...call, signal: undefined }, params, steps, commands, ranges, words: uniformWords(source) };
	}

	#command(slot: Slot, run: Run, ranges: readonly BoundRange[], step: Step, index: number): Command {
		const { head, batch } = run;
		const stage = run.stages.get(kernelOf(step)) as Stage;
		const inputs = 'level' in step ? { ...this.#constants, ...levelInputs(head.levels[step.level], ranges) } : {};
		const workgroups = workgroupsOf(step, this.#grid(run, step), { ...slot.capacity, batch }, this.#options.multiLabel, this.#sizes);
		return { step, stage, group: slot.group(stage, inputs), workgroups, offset: (index + 1) * STEP_BYTES };
	}

	/** Appends steps of a run whose uniforms were written, beyond those it recorded itself. */
	recordSteps(encoder: GPUCommandEncoder, run: Prepared, steps: readonly Step[]): void {
		const { slot, plan } = run;
		const pass = encoder.beginComputePass({ label: 'kedge.gather' });
		for (const step of steps) dispatch(pass, this.#command(slot, run, plan.ranges, step, plan.steps.indexOf(step)));
		pass.end();
	}

	/**
	 * Uniforms, and tensors in CPU memory, on their way to the slot. Of uniforms that are there already only the serial number changes;
	 * `whole` writes all, where nobody would hear that an earlier write failed.
	 */
	write({ slot, tensors, plan, serial }: Prepared, whole = false): void {
		const { queue } = this.#device.gpu;
		tensors.forEach(({ tensor }, i) => tensor.location === 'cpu' && upload(queue, plan.ranges[i].buffer, tensor.data));
		const at = PARAMS.words.serial;
		plan.words[at] = serial;
		const [from, size] = slot.written === plan && !whole ? [at, 1] : [0, plan.words.length];
		queue.writeBuffer(slot.get('uniform'), from * 4, plan.words, from, size);
		slot.written = plan;
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
	record(encoder: GPUCommandEncoder, { slot, plan }: Prepared, timed = false): string[] {
		encoder.clearBuffer(slot.get('state'));
		const timedStages: string[] = [];
		let pass: GPUComputePassEncoder | undefined;
		let current = '';
		for (const command of plan.commands) {
			const { stage } = command.step;
			if (!pass || (timed && stage !== current)) {
				pass?.end();
				current = stage;
				const at = timedStages.length * 2;
				const querySet = timed && at + 1 < MAX_TIMESTAMPS ? slot.querySet : undefined;
				if (querySet) timedStages.push(stage);
				pass = encoder.beginComputePass({
					label: `kedge.${timed ? stage : 'run'}`,
					...(querySet && { timestampWrites: { querySet, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 } }),
				});
			}
			dispatch(pass, command);
		}
		pass?.end();
		if (timedStages.length > 0) {
			encoder.resolveQuerySet(slot.querySet as GPUQuerySet, 0, timedStages.length * 2, slot.get('timestamps'), 0);
		}
		return timedStages;
	}

	#grid({ head, tensors }: Run, step: Step): DecodeGrid {
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

function dispatch(pass: GPUComputePassEncoder, { stage, group, offset, workgroups: [x, y, z] }: Command): void {
	pass.setPipeline(stage.pipeline);
	if (stage.hasStep) pass.setBindGroup(0, group, [offset]);
	else pass.setBindGroup(0, group);
	pass.dispatchWorkgroups(x, y, z);
}

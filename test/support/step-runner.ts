// Runs a single step of the pipeline on the GPU, from given memory to memory: so that every stage is tested alone
// against its twin, whatever the stages before it do.

import type { AnchorSource } from '../../shaders/shared/anchors.wgsl.js';
import type { SoftRule } from '../../src/boxes/decay.js';
import type { OverlapRule } from '../../src/boxes/overlap.js';
import { createMemory, type Memory } from '../../src/cpu/memory.js';
import { runTwin } from '../../src/cpu/twins.js';
import { adoptDevice, type Device } from '../../src/gpu/device.js';
import { type BoundRange, createBuffer, Slot, STEP_BYTES } from '../../src/gpu/slot.js';
import { compileStage, USAGE } from '../../src/gpu/stage.js';
import { headSpecs, kernelOf, kernelSpecs, levelInputs, workgroupsOf } from '../../src/gpu/stages.js';
import { readBuffer, upload } from '../../src/gpu/transfer.js';
import { uniformWords } from '../../src/gpu/uniform.js';
import type { Head } from '../../src/heads/head.js';
import type { Sizes } from '../../src/layout.js';
import { planLanes } from '../../src/level-plan.js';
import type { TwinRun } from '../../src/pipeline.js';
import type { CallParams } from '../../src/plan.js';
import { type Capacity, planCapacity, planParams, planSteps, type Step } from '../../src/plan.js';
import type { BoundTensor, CpuTensor } from '../../src/tensors.js';

/** A run laid out: what the twins need, and the steps. */
export interface Layout {
	readonly run: TwinRun;
	readonly steps: readonly Step[];
	readonly capacity: Capacity;
	readonly sizes: Sizes;
	readonly multiLabel: boolean;
}

/** Lays out a run of a head over CPU tensors. */
export function layOut(
	head: Head,
	tensors: readonly BoundTensor[],
	call: CallParams,
	sizes: Sizes,
	options: {
		batch?: number;
		multiLabel?: boolean;
		classFilter?: Uint32Array;
		givenClasses?: boolean;
		bitmask?: boolean;
		soft?: SoftRule;
		overlap?: OverlapRule;
		candidates?: number;
	} = {},
): Layout {
	const multiLabel = options.multiLabel ?? head.multiLabel ?? false;
	const planned = planCapacity(head, multiLabel, options.batch ?? 1, call);
	const capacity = { ...planned, candidates: options.candidates ?? planned.candidates };
	const params = { ...planParams(head, multiLabel, capacity, call, sizes), serial: 7 };
	const steps = planSteps(head, multiLabel, capacity, call, sizes, options.soft ? 'soft' : options.bitmask ? 'bitmask' : 'blocked');
	const { classFilter, givenClasses, soft, overlap } = options;
	return { run: { head, params, tensors, classFilter, givenClasses, soft, overlap }, steps, capacity, sizes, multiLabel };
}

/** Fresh memory for a layout. */
export function memoryOf(layout: Layout): Memory {
	return createMemory(layout.capacity, layout.sizes);
}

/** Does one step on the twin, in place. */
export function stepOnTwin(layout: Layout, memory: Memory, step: Step): void {
	runTwin(layout.run, memory, step);
}

const NAMES = ['state', 'candidates', 'binned', 'sorted', 'kept', 'output'] as const;

function wordsOf(memory: Memory, name: (typeof NAMES)[number]): Uint32Array {
	const part = memory[name];
	return part instanceof Uint32Array ? part : part.u32;
}

/** Runs steps on the GPU from `memory`, which is left alone, to new memory. */
export async function stepsOnGpu(gpuDevice: GPUDevice, layout: Layout, memory: Memory, steps: readonly Step[]): Promise<Memory> {
	const device = adoptDevice(gpuDevice);
	const { queue } = gpuDevice;
	const slot = new Slot(device, layout.capacity, { sizes: layout.sizes, bitmask: true });
	const made: GPUBuffer[] = [];
	try {
		for (const name of NAMES) queue.writeBuffer(slot.get(name), 0, wordsOf(memory, name) as Uint32Array<ArrayBuffer>);
		const constant = (what: string, data: Float32Array | Uint32Array | Uint16Array): BoundRange => {
			const buffer = createBuffer(device, what, data.byteLength, USAGE.STORAGE | USAGE.COPY_DST);
			made.push(buffer);
			upload(queue, buffer, data as Float32Array);
			return { buffer, offset: 0, size: Math.max(16, Math.ceil(data.byteLength / 4) * 4), skip: 0 };
		};
		const { run } = layout;
		const ranges = run.tensors.map(({ tensor }, i) => constant(`tensor${i}`, (tensor as CpuTensor).data));
		const anchors = constant('anchors', run.head.anchors ?? new Float32Array(4));
		const filter = run.classFilter && constant('filter', run.classFilter);
		const words = uniformWords({ head: run.head, tensors: run.tensors, params: run.params, steps, sizes: layout.sizes });
		slot.growUniform(words.length);
		queue.writeBuffer(slot.get('uniform'), 0, words);
		const stages = await Promise.all(steps.map((step) => compileFor(device, layout, step)));
		const encoder = gpuDevice.createCommandEncoder();
		const pass = encoder.beginComputePass();
		for (const [i, step] of steps.entries()) {
			const stage = stages[i];
			const level = 'level' in step ? run.head.levels[step.level] : undefined;
			const inputs: Record<string, BoundRange> = level ? { anchors, ...(filter && { class_filter: filter }), ...levelInputs(level, ranges) } : {};
			pass.setPipeline(stage.pipeline);
			const group = slot.group(stage, inputs);
			if (stage.hasStep) pass.setBindGroup(0, group, [(i + 1) * STEP_BYTES]);
			else pass.setBindGroup(0, group);
			const grid = { numAnchors: level?.numAnchors ?? 0, lanes: level ? planLanes(run.head, (step as { level: number }).level, run.tensors, layout.sizes) : 1 };
			pass.dispatchWorkgroups(...workgroupsOf(step, grid, layout.capacity, layout.multiLabel, layout.sizes));
		}
		pass.end();
		gpuDevice.queue.submit([encoder.finish()]);
		const result = memoryOf(layout);
		for (const name of NAMES) {
			const words = wordsOf(result, name);
			words.set(new Uint32Array(await readBuffer(device, slot.get(name))).subarray(0, words.length));
		}
		return result;
	} finally {
		slot.destroy();
		for (const buffer of made) buffer.destroy();
	}
}

function compileFor(device: Device, layout: Layout, step: Step) {
	const kernel = kernelOf(step);
	const { head, tensors, classFilter, givenClasses, soft, overlap } = layout.run;
	const half = tensors.map(({ tensor }) => tensor.type === 'float16');
	const own = headSpecs(
		{ head, multiLabel: layout.multiLabel, classFilter: classFilter !== undefined, givenClasses, anchors: sourceOf(head), sizes: layout.sizes },
		half,
	);
	return compileStage(device, own[kernel] ?? kernelSpecs(layout.sizes, overlap, soft)[kernel as 'bins']);
}

/** Every row uploaded: lattices are tested with whole pipelines. */
function sourceOf(head: Head): AnchorSource {
	if (head.levels[0].anchors) return 'call';
	return head.anchors ? 'rows' : 'none';
}

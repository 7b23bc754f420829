// The whole pipeline on the twins, or the rest of it: a run that the GPU began is carried on here from any step.

import { extraField, numRawApart } from '../head-facts.js';
import type { Field } from '../heads/head.js';
import { readKept } from '../kept.js';
import { planLevel } from '../level-plan.js';
import type { Contents, Kept, TwinRun } from '../pipeline.js';
import type { Step } from '../plan.js';
import type { CpuTensor } from '../tensors.js';
import { bins } from './bins.js';
import { decode } from './decode.js';
import { gather } from './gather.js';
import { type Memory, outputWord, stateOf, words } from './memory.js';
import { merge } from './merge.js';
import { rank } from './rank.js';
import { scatter } from './scatter.js';
import { soften } from './soften.js';
import { suppress } from './suppress.js';

/** Does one step for every image. */
export function runTwin(run: TwinRun, memory: Memory, step: Step): void {
	const { batch, slots } = memory.capacity;
	for (let image = 0; image < batch; image++) {
		if (step.stage === 'decode') decodeLevel(run, memory, image, step.level, step.phase);
		else if (step.stage === 'merge') merge(memory, image, run.params);
		else if (step.stage === 'gather') gatherLevel(run, memory, image, step.level);
		else if (step.stage === 'suppress') {
			// The textbook needs no ranges: the first suppression step does all of it.
			if ('range' in step && step.range.begin > 0) continue;
			if (run.soft) soften(memory, image, run.params, run.soft, run.overlap);
			else if (step.kernel === 'overlaps' || step.kernel === 'suppress') suppress(memory, image, run.params, run.overlap);
		} else {
			for (let slot = image * slots; slot < (image + 1) * slots; slot++) {
				if (step.stage === 'bins') bins(memory, slot, run.params, step.phase);
				else if (step.stage === 'scatter') scatter(memory, slot, run.params);
				else if (step.merge.group === 0) rank(memory, slot, run.params);
			}
		}
	}
}

/** Does the steps in order and reads the results, one per image. */
export function runTwins(run: TwinRun, memory: Memory, steps: readonly Step[]): Kept[] {
	for (const step of steps) runTwin(run, memory, step);
	return Array.from({ length: memory.capacity.batch }, (_, image) => {
		const header = outputWord(memory, image);
		return readKept(memory.output.u32, memory.output.f32, header, run.head);
	});
}

function decodeLevel(run: TwinRun, memory: Memory, image: number, index: number, phase: number): void {
	const { head, tensors, params } = run;
	const fields = head.levels[index];
	const tensorAt = (at: Field | undefined) => at && (tensors[at.tensor].tensor as CpuTensor);
	const level = planLevel(head, index, tensors, phase);
	decode({
		head,
		tensors: {
			box: tensorAt(fields.box) as CpuTensor,
			classes: tensorAt(fields.classes) as CpuTensor,
			extra: tensorAt(extraField(fields)),
			anchors: tensorAt(fields.anchors),
		},
		memory,
		state: stateOf(memory, image * params.slots + level.slot),
		image,
		params,
		level,
		classFilter: run.classFilter,
		givenClasses: run.givenClasses ?? false,
		numApart: numRawApart(fields),
	});
}

function gatherLevel({ head, tensors, params }: TwinRun, memory: Memory, image: number, index: number): void {
	gather({ head, tensors, image, index, level: planLevel(head, index, tensors) }, memory, params);
}

/** Carries on a run whose buffers were read from the GPU. */
export function resumeOnTwins(run: TwinRun, { sizes, capacity, contents }: Contents, steps: readonly Step[]): Kept[] {
	const memory: Memory = {
		sizes,
		capacity,
		state: new Uint32Array(contents.state),
		candidates: words(contents.candidates),
		binned: words(contents.binned),
		sorted: words(contents.sorted),
		kept: new Uint32Array(contents.kept),
		output: words(contents.output),
	};
	return runTwins(run, memory, steps);
}

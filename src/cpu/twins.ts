// The whole pipeline on the twins, or the rest of it: a run that the GPU began is carried on here from any step.

import { readKept } from '../kept.js';
import { HEADER_WORDS } from '../layout.js';
import type { Contents, Kept, TwinRun } from '../pipeline.js';
import { planLevel, type Step } from '../plan.js';
import type { CpuTensor } from '../tensors.js';
import { bins } from './bins.js';
import { decode } from './decode.js';
import { type Memory, outputWord, stateOf, words } from './memory.js';
import { rank } from './rank.js';
import { scatter } from './scatter.js';
import { suppress } from './suppress.js';

/** Does one step for every image. */
export function runTwin(run: TwinRun, memory: Memory, step: Step): void {
	for (let image = 0; image < memory.capacity.batch; image++) {
		if (step.stage === 'decode') decodeLevel(run, memory, image, step.level, step.phase);
		else if (step.stage === 'bins') bins(memory, image, run.params, step.phase);
		else if (step.stage === 'scatter') scatter(memory, image, run.params);
		else if (step.stage === 'rank') rank(memory, image, run.params);
		// The textbook needs no ranges: the first suppression step does all of it.
		else if (step.kernel === 'overlaps' || (step.kernel === 'suppress' && step.range.begin === 0)) suppress(memory, image, run.params, run.overlap);
	}
}

/** Does the steps in order and reads the results, one per image. */
export function runTwins(run: TwinRun, memory: Memory, steps: readonly Step[]): Kept[] {
	for (const step of steps) runTwin(run, memory, step);
	return Array.from({ length: memory.capacity.batch }, (_, image) => {
		const header = outputWord(memory, image);
		return readKept(memory.output.u32, memory.output.f32, header, header + HEADER_WORDS);
	});
}

function decodeLevel(run: TwinRun, memory: Memory, image: number, index: number, phase: number): void {
	const level = run.head.levels[index];
	const tensorAt = (at: { tensor: number }) => run.tensors[at.tensor].tensor as CpuTensor;
	decode({
		head: run.head,
		tensors: { box: tensorAt(level.box), classes: tensorAt(level.classes), extra: level.objectness && tensorAt(level.objectness) },
		memory,
		state: stateOf(memory, image),
		image,
		params: run.params,
		level: planLevel(level, run.tensors, phase),
		classFilter: run.classFilter,
		givenClasses: run.givenClasses ?? false,
	});
}

/** Carries on a run whose buffers were read from the GPU. */
export function resumeOnTwins(run: TwinRun, { sizes, capacity, contents }: Contents, steps: readonly Step[]): Kept[] {
	const memory: Memory = {
		sizes,
		capacity,
		state: new Uint32Array(contents.state),
		candidates: words(contents.candidates),
		binned: new Uint32Array(contents.binned),
		sorted: words(contents.sorted),
		kept: new Uint32Array(contents.kept),
		output: words(contents.output),
	};
	return runTwins(run, memory, steps);
}

// The registry: each stage's shader, its bindings by buffer name, and how many workgroups it gets.

import { binsShader } from '../../shaders/bins.wgsl.js';
import { type DecodeVariant, decodeShader } from '../../shaders/decode.wgsl.js';
import { overlapsShader } from '../../shaders/overlaps.wgsl.js';
import { prefilterShader } from '../../shaders/prefilter.wgsl.js';
import { rankShader } from '../../shaders/rank.wgsl.js';
import { scatterShader } from '../../shaders/scatter.wgsl.js';
import { suppressShader } from '../../shaders/suppress.wgsl.js';
import { sweepShader } from '../../shaders/sweep.wgsl.js';
import type { OverlapRule } from '../boxes/overlap.js';
import { PHASE, type Sizes } from '../layout.js';
import type { Step } from '../plan.js';
import { BITMASK_LIMIT } from '../stages.js';
import type { StageSpec } from './stage.js';

export type KernelName = 'decode' | 'bins' | 'scatter' | 'rank' | 'prefilter' | 'suppress' | 'overlaps' | 'sweep';

/** Workgroups of the grid-stride stages: enough to fill a large GPU, few enough to be cheap when empty. */
const STRIDE_GROUPS = 64;
/** Workgroups that share the kept list in `prefilter`. */
const PREFILTER_SHARES = 8;
const MAX_GROUPS = 65535;

/** The decode stage of a head. */
export function decodeSpec(variant: DecodeVariant): StageSpec {
	const extra = variant.head.score.objectness !== undefined || variant.givenClasses;
	return {
		name: 'decode',
		code: decodeShader(variant),
		bindings: [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'box'],
			[3, 'read', 'classes'],
			...(extra ? ([[4, 'read', 'extra']] as const) : []),
			[5, 'read', 'anchors'],
			...(variant.classFilter ? ([[6, 'read', 'class_filter']] as const) : []),
			[7, 'read_write', 'state'],
			[8, 'read_write', 'candidates'],
		],
	};
}

/** Every other kernel. The rule is part of the text of those that compare boxes. */
export function kernelSpecs(sizes: Sizes, overlap?: OverlapRule): Record<Exclude<KernelName, 'decode'>, StageSpec> {
	const spec = (name: string, code: string, bindings: StageSpec['bindings']): StageSpec => ({ name, code, bindings });
	return {
		bins: spec('bins', binsShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read_write', 'state'],
		]),
		scatter: spec('scatter', scatterShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'read', 'candidates'],
			[2, 'read_write', 'state'],
			[3, 'read_write', 'binned'],
		]),
		rank: spec('rank', rankShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'read', 'state'],
			[2, 'read', 'candidates'],
			[3, 'read', 'binned'],
			[4, 'read_write', 'sorted'],
		]),
		prefilter: spec('prefilter', prefilterShader(sizes, overlap), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'sorted'],
			[3, 'read', 'state'],
			[4, 'read', 'kept'],
			[5, 'read_write', 'dead'],
		]),
		suppress: spec('suppress', suppressShader(sizes, overlap), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'sorted'],
			[3, 'read_write', 'state'],
			[4, 'read_write', 'kept'],
			[5, 'read_write', 'dead'],
			[6, 'read_write', 'output'],
		]),
		overlaps: spec('overlaps', overlapsShader(sizes, BITMASK_LIMIT, overlap), [
			[0, 'uniform', 'params'],
			[1, 'read', 'state'],
			[2, 'read', 'sorted'],
			[3, 'read_write', 'overlaps'],
		]),
		sweep: spec('sweep', sweepShader(sizes, BITMASK_LIMIT), [
			[0, 'uniform', 'params'],
			[1, 'read', 'sorted'],
			[2, 'read', 'overlaps'],
			[3, 'read_write', 'state'],
			[4, 'read_write', 'output'],
		]),
	};
}

/** The kernel that a step runs. */
export function kernelOf(step: Step): KernelName {
	return step.stage === 'suppress' ? step.kernel : step.stage;
}

/** Workgroups in x and y; z is the image. `numAnchors` is the level's, `candidates` the capacity. */
export function workgroupsOf(step: Step, numAnchors: number, candidates: number, multiLabel: boolean, sizes: Sizes): [number, number] {
	const strided = Math.max(1, Math.min(STRIDE_GROUPS, Math.ceil(candidates / sizes.workgroup)));
	switch (kernelOf(step)) {
		case 'decode': {
			const groups = Math.max(1, Math.ceil(numAnchors / sizes.workgroup));
			if (multiLabel && step.stage === 'decode' && step.phase === PHASE.refine) return [Math.min(groups, STRIDE_GROUPS), 1];
			if (groups > MAX_GROUPS) throw new RangeError(`run: a level of the head may have ${MAX_GROUPS * sizes.workgroup} anchors at most; got ${numAnchors}`);
			return [groups, 1];
		}
		case 'scatter':
		case 'rank':
		case 'overlaps':
			return [strided, 1];
		case 'prefilter':
			return [Math.ceil(sizes.block / sizes.workgroup), PREFILTER_SHARES];
		default:
			return [1, 1];
	}
}

// The registry: each stage's shader, its bindings by buffer name, and how many workgroups it gets.

import { binsShader } from '../../shaders/bins.wgsl.js';
import { bindsExtra, type DecodeVariant, decodeShader } from '../../shaders/decode.wgsl.js';
import { type GatherVariant, gatherShader } from '../../shaders/gather.wgsl.js';
import { mergeShader } from '../../shaders/merge.wgsl.js';
import { overlapsShader } from '../../shaders/overlaps.wgsl.js';
import { prefilterShader } from '../../shaders/prefilter.wgsl.js';
import { rankShader } from '../../shaders/rank.wgsl.js';
import { scatterShader } from '../../shaders/scatter.wgsl.js';
import type { AnchorSource } from '../../shaders/shared/anchors.wgsl.js';
import { softenShader } from '../../shaders/soften.wgsl.js';
import { suppressShader } from '../../shaders/suppress.wgsl.js';
import { sweepShader } from '../../shaders/sweep.wgsl.js';
import type { SoftRule } from '../boxes/decay.js';
import type { OverlapRule } from '../boxes/overlap.js';
import { extraField, extrasOf } from '../head-facts.js';
import type { Field, Head, Level } from '../heads/head.js';
import { PHASE, type Sizes } from '../layout.js';
import type { Capacity, Step } from '../plan.js';
import { BITMASK_LIMIT } from '../stages.js';
import type { BoundRange } from './slot.js';
import type { StageSpec } from './stage.js';

export type KernelName = 'decode' | 'bins' | 'scatter' | 'rank' | 'rerank' | 'merge' | 'prefilter' | 'suppress' | 'soften' | 'overlaps' | 'sweep' | 'gather';

/** Workgroups that share the kept list in `prefilter`. */
const PREFILTER_SHARES = 8;
const MAX_GROUPS = 65535;

function decodeSizes(sizes: Sizes): Sizes {
	return { ...sizes, workgroup: sizes.decoders };
}

/** The decode stage of a head. */
export function decodeSpec(variant: DecodeVariant): StageSpec {
	return {
		name: 'decode',
		code: decodeShader({ ...variant, sizes: decodeSizes(variant.sizes) }),
		bindings: [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'box'],
			[3, 'read', 'classes'],
			...(bindsExtra(variant) ? ([[4, 'read', 'extra']] as const) : []),
			[5, 'read', 'anchors'],
			...(variant.classFilter ? ([[6, 'read', 'class_filter']] as const) : []),
			[7, 'read_write', 'state'],
			[8, 'read_write', 'candidates'],
		],
	};
}

/** The gather stage of a head with keypoints or mask coefficients. */
export function gatherSpec(variant: GatherVariant): StageSpec {
	const { keypoints, masks } = extrasOf(variant.head);
	return {
		name: 'gather',
		code: gatherShader(variant),
		bindings: [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read_write', 'output'],
			...(keypoints > 0 ? ([[3, 'read', 'keypoints']] as const) : []),
			...(masks > 0 ? ([[4, 'read', 'masks']] as const) : []),
			...(variant.head.keypoints?.relative ? ([[5, 'read', 'anchors']] as const) : []),
		],
	};
}

/** What the kernels of a head depend on. */
export interface HeadKernelOptions {
	readonly head: Head;
	readonly multiLabel: boolean;
	readonly classFilter: boolean;
	readonly givenClasses?: boolean;
	readonly anchors: AnchorSource;
	readonly sizes: Sizes;
}

/** The kernels that a head shapes, for tensors of these types. */
export function headSpecs(options: HeadKernelOptions, half: readonly boolean[]): Partial<Record<KernelName, StageSpec>> {
	const { head, givenClasses = false, anchors, sizes } = options;
	const level = head.levels[0];
	const isHalf = (at: Field | undefined) => at !== undefined && half[at.tensor];
	const given = isHalf(level.anchors);
	const extra = isHalf(extraField(level));
	const decode = decodeSpec({ ...options, givenClasses, half: { box: isHalf(level.box), classes: isHalf(level.classes), extra, anchors: given } });
	if (!head.keypoints && !head.maskCoefficients) return { decode };
	const gather = gatherSpec({ head, anchors, half: { keypoints: isHalf(level.keypoints), masks: isHalf(level.maskCoefficients), anchors: given }, sizes });
	return { decode, gather };
}

/** The tensors that a level's kernels bind, by binding name. */
export function levelInputs(level: Level, ranges: readonly BoundRange[]): Record<string, BoundRange> {
	const extra = extraField(level);
	return {
		box: ranges[level.box.tensor],
		classes: ranges[level.classes.tensor],
		...(extra && { extra: ranges[extra.tensor] }),
		...(level.anchors && { anchors: ranges[level.anchors.tensor] }),
		...(level.keypoints && { keypoints: ranges[level.keypoints.tensor] }),
		...(level.maskCoefficients && { masks: ranges[level.maskCoefficients.tensor] }),
	};
}

/** Every other kernel. The rules are part of the text of those that compare boxes. */
export function kernelSpecs(sizes: Sizes, overlap?: OverlapRule, soft?: SoftRule): Record<Exclude<KernelName, 'decode' | 'gather'>, StageSpec> {
	const spec = (name: string, code: string, bindings: StageSpec['bindings']): StageSpec => ({ name, code, bindings });
	return {
		bins: spec('bins', binsShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read_write', 'state'],
			[3, 'read', 'candidates'],
			[4, 'read_write', 'sorted'],
		]),
		scatter: spec('scatter', scatterShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'read', 'candidates'],
			[2, 'read_write', 'state'],
			[3, 'read_write', 'binned'],
		]),
		rank: spec('rank', rankShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'state'],
			[3, 'read', 'binned'],
			[4, 'read_write', 'sorted'],
		]),
		rerank: spec('rerank', rankShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'state'],
			[3, 'read', 'sorted'],
			[4, 'read_write', 'binned'],
		]),
		merge: spec('merge', mergeShader(sizes), [
			[0, 'uniform', 'params'],
			[1, 'read_write', 'state'],
			[2, 'read', 'sorted'],
			[3, 'read_write', 'candidates'],
		]),
		prefilter: spec('prefilter', prefilterShader(sizes, overlap), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'list'],
			[3, 'read', 'state'],
			[4, 'read', 'kept'],
			[5, 'read_write', 'dead'],
		]),
		suppress: spec('suppress', suppressShader(sizes, overlap), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'list'],
			[3, 'read_write', 'state'],
			[4, 'read_write', 'kept'],
			[5, 'read_write', 'dead'],
			[6, 'read_write', 'output'],
		]),
		soften: spec('soften', softenShader(sizes, soft, overlap), [
			[0, 'uniform', 'params'],
			[1, 'step', 'step'],
			[2, 'read', 'list'],
			[3, 'read_write', 'state'],
			[4, 'read_write', 'kept'],
			[5, 'read_write', 'binned'],
			[6, 'read_write', 'output'],
		]),
		overlaps: spec('overlaps', overlapsShader(sizes, BITMASK_LIMIT, overlap), [
			[0, 'uniform', 'params'],
			[1, 'read', 'state'],
			[2, 'read', 'list'],
			[3, 'read_write', 'overlaps'],
		]),
		sweep: spec('sweep', sweepShader(sizes, BITMASK_LIMIT, overlap?.fast), [
			[0, 'uniform', 'params'],
			[1, 'read', 'list'],
			[2, 'read', 'overlaps'],
			[3, 'read_write', 'state'],
			[4, 'read_write', 'output'],
		]),
	};
}

/** The kernel that a step runs. */
export function kernelOf(step: Step): KernelName {
	return 'kernel' in step ? step.kernel : step.stage;
}

/** What the workgroups of a decode step depend on: the level's. */
export interface DecodeGrid {
	readonly numAnchors: number;
	readonly lanes: number;
}

/** Workgroups of a step in x, y and z: z is the image, or the slot where slots are worked on one by one. */
export function workgroupsOf(step: Step, { numAnchors, lanes }: DecodeGrid, capacity: Capacity, multiLabel: boolean, sizes: Sizes): [number, number, number] {
	const { batch, slots, candidates, rows } = capacity;
	const strided = Math.max(1, Math.min(sizes.strides, Math.ceil(candidates / sizes.workgroup)));
	switch (kernelOf(step)) {
		case 'decode': {
			const groups = Math.max(1, Math.ceil((numAnchors * lanes) / sizes.decoders));
			if (multiLabel && step.stage === 'decode' && step.phase === PHASE.refine) return [Math.min(groups, sizes.strides), 1, batch];
			if (groups > MAX_GROUPS) throw new RangeError(`run: a level of the head may have ${MAX_GROUPS * sizes.decoders} anchors at most; got ${numAnchors}`);
			return [groups, 1, batch];
		}
		case 'bins':
			return [1, 1, batch * slots];
		case 'scatter':
		case 'rank':
		case 'rerank':
			return [strided, 1, batch * slots];
		case 'merge':
			return [strided, slots, batch];
		case 'overlaps':
			return [strided, 1, batch];
		case 'prefilter':
			return [Math.ceil(sizes.block / sizes.workgroup), PREFILTER_SHARES, batch];
		case 'gather':
			return [Math.max(1, Math.ceil(rows / sizes.workgroup)), 1, batch];
		default:
			return [1, 1, batch];
	}
}

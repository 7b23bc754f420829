// From a head and the numbers of a call to what every stage takes: the uniform of the call, the run of steps, the size of
// each buffer. Levels and their tensors are in level-plan.ts. The GPU backend and the twins follow the same plan, so a run
// may change sides after any step.

import { extrasOf, keysAreLogits, numScores, numSlots, scoreMap } from './head-facts.js';
import type { Head } from './heads/head.js';
import { CANDIDATE, HEADER_WORDS, type MergeValues, type Params, PHASE, type RangeValues, ROW_WORDS, type Sizes, stateWords } from './layout.js';
import { scoreOfKey } from './numbers.js';
import { BITMASK_LIMIT } from './stages.js';

/** Numbers of one call after checking, as every stage takes them. */
export interface CallParams {
	/** Smallest score key that passes (see numbers.ts). */
	minKey: number;
	/** Smallest objectness key that is looked at: of the logit when the head's objectness is one. */
	minObjectnessKey: number;
	/** Soft suppression: smallest key of a decayed score that passes, and the factor of the Gaussian's exponent, a float32 below 0. */
	minScoreKey?: number;
	softScale?: number;
	/** Suppress above this float32; already one float lower when the rule is '>='. */
	iouThreshold: number;
	/** 2^32 - 1 for no limit. */
	maxDetections: number;
	/** 2^32 - 1 for no cut. */
	maxCandidates: number;
	classAgnostic: boolean;
	/** Higher id first among equal scores. */
	tiesHighest: boolean;
	/** Lowest and highest key worth a histogram bin of their own; only speed depends on them. */
	binLow: number;
	binHigh: number;
	timings?: boolean;
	signal?: AbortSignal;
}

/** What a run is planned by: a new number of the call is missed here by the compiler. */
const PLANNED: Readonly<Record<Exclude<keyof CallParams, 'timings' | 'signal'>, true>> = {
	minKey: true,
	minObjectnessKey: true,
	minScoreKey: true,
	softScale: true,
	iouThreshold: true,
	maxDetections: true,
	maxCandidates: true,
	classAgnostic: true,
	tiesHighest: true,
	binLow: true,
	binHigh: true,
};
const CALL_NUMBERS = Object.keys(PLANNED) as (keyof CallParams)[];

/** Whether two calls are planned alike: all but `timings` and `signal` are the same. */
export function isSameCall(a: CallParams, b: CallParams): boolean {
	return CALL_NUMBERS.every((name) => a[name] === b[name]);
}

/** How candidates are suppressed: the kernels of the suppress stage. */
export type Suppression = 'blocked' | 'bitmask' | 'soft';

/** One dispatch: a stage on one level, in one phase, or on one range. `prefilter` belongs to the suppress stage. */
export type Step =
	| { readonly stage: 'decode'; readonly level: number; readonly phase: number }
	| { readonly stage: 'bins'; readonly phase: number }
	| { readonly stage: 'scatter' }
	| { readonly stage: 'rank'; readonly kernel: 'rank' | 'rerank'; readonly merge: MergeValues }
	| { readonly stage: 'merge' }
	| { readonly stage: 'suppress'; readonly kernel: 'prefilter' | 'suppress' | 'soften'; readonly range: RangeValues }
	| { readonly stage: 'suppress'; readonly kernel: 'overlaps' | 'sweep' }
	| { readonly stage: 'gather'; readonly level: number };

/** What fixes the size of every buffer of one pipeline. */
export interface Capacity {
	readonly batch: number;
	/** Lists of candidates per image. */
	readonly slots: number;
	/** Rows of `candidates`, `binned` and `sorted` per slot. */
	readonly candidates: number;
	/** Rows of `output` per image. */
	readonly rows: number;
	/** Words of such a row: with keypoints and mask coefficients, rounded up to 16 bytes. */
	readonly rowWords: number;
}

/** Dispatches of soft suppression in a run, at most. */
const MOST_SOFT_STEPS = 256;

/** Narrowing rounds that surely find the cut: each divides 2^32 keys, then 2^32 ids, by the number of bins. */
function refineRounds(sizes: Sizes): number {
	return 2 * Math.ceil(32 / Math.log2(sizes.bins));
}

/** The cut of one slot: of a level where each is cut by itself, else of the image. */
function slotCandidates(head: Head, call: CallParams): number {
	return Math.min(call.maxCandidates, head.maxCandidatesPerLevel ?? call.maxCandidates);
}

/** What may become a candidate in each slot of an image: anchors, or for multi-label anchors times classes. */
function slotPairs(head: Head, multiLabel: boolean): number[] {
	const anchors = numSlots(head) === 1 ? [head.numAnchors] : head.levels.map((level) => level.numAnchors);
	return anchors.map((count) => (multiLabel ? count * numScores(head) : count));
}

/** Rows needed so that nothing can overflow: all anchors, or for multi-label the cut and a margin to settle it in. */
export function planCapacity(head: Head, multiLabel: boolean, batch: number, call: CallParams): Capacity {
	const slots = numSlots(head);
	const all = Math.max(...slotPairs(head, multiLabel));
	const most = slotCandidates(head, call);
	const candidates = Math.max(1, multiLabel ? Math.min(all, Math.max(2 * most, most + 1024)) : all);
	const rows = Math.max(1, Math.min(call.maxDetections, call.maxCandidates, candidates * slots));
	return { batch, slots, candidates, rows, rowWords: rowWords(head) };
}

/** Words of a result row of this head. */
export function rowWords(head: Head): number {
	return Math.ceil((ROW_WORDS + extrasOf(head).total) / 4) * 4;
}

/** Bytes of each buffer. */
export function planBytes(capacity: Capacity, sizes: Sizes, bitmask: boolean) {
	const { batch, slots, candidates, rows } = capacity;
	const lists = batch * slots;
	return {
		state: lists * stateWords(sizes) * 4,
		candidates: lists * candidates * CANDIDATE.byteSize,
		binned: lists * candidates * CANDIDATE.byteSize,
		sorted: lists * candidates * CANDIDATE.byteSize,
		kept: batch * rows * 4,
		dead: Math.max(4, batch * Math.ceil(sizes.block / 32) * 4),
		output: batch * (HEADER_WORDS + rows * capacity.rowWords) * 4,
		overlaps: bitmask ? batch * BITMASK_LIMIT * (BITMASK_LIMIT / 32) * 4 : 0,
	};
}

/** The steps of a run, in order. */
export function planSteps(head: Head, multiLabel: boolean, capacity: Capacity, call: CallParams, sizes: Sizes, suppression: Suppression): Step[] {
	const steps: Step[] = [];
	const decode = (phase: number) => head.levels.forEach((_, level) => steps.push({ stage: 'decode', level, phase }));
	if (multiLabel) {
		decode(PHASE.count);
		steps.push({ stage: 'bins', phase: PHASE.count });
		const mayOverflow = Math.max(...slotPairs(head, multiLabel)) > capacity.candidates;
		for (let round = 0; mayOverflow && round < refineRounds(sizes); round++) {
			decode(PHASE.refine);
			steps.push({ stage: 'bins', phase: PHASE.refine });
		}
		decode(PHASE.select);
	} else {
		decode(PHASE.select);
		steps.push({ stage: 'bins', phase: PHASE.count });
	}
	steps.push({ stage: 'scatter' }, ...rankSteps(capacity.candidates, sizes));
	if (capacity.slots > 1) steps.push({ stage: 'merge' });
	const cuts = slotPairs(head, multiLabel).map((count) => Math.min(count, slotCandidates(head, call)));
	const listed = capacity.slots === 1 ? capacity.candidates : cuts.reduce((sum, count) => sum + count, 0);
	steps.push(...(suppression === 'soft' ? softSteps(listed, call, sizes) : suppressSteps(listed, call, sizes, suppression === 'bitmask')));
	if (head.keypoints || head.maskCoefficients) steps.push(...head.levels.map((_, level) => ({ stage: 'gather', level }) as const));
	return steps;
}

/**
 * From bins to a sorted list. Each step reads what the one before wrote, from `binned` to `sorted` or back, so their number is odd; all but the
 * last are for heavy bins and end at once where there is none. Runs grow until the last step has few enough to look into.
 */
function rankSteps(capacity: number, sizes: Sizes): Step[] {
	if (capacity <= sizes.counted) return [{ stage: 'rank', kernel: 'rank', merge: { run: 0, group: 0 } }];
	const runs = [sizes.workgroup, sizes.workgroup * 16];
	while (runs[runs.length - 1] * 64 < capacity) runs.push(runs[runs.length - 1] * 8, runs[runs.length - 1] * 64);
	return [...runs, 0].map((group, i) => ({ stage: 'rank', kernel: i % 2 === 0 ? 'rank' : 'rerank', merge: { run: i > 0 ? runs[i - 1] : 0, group } }));
}

/** `listed`: rows of an image's sorted list at most. */
function suppressSteps(listed: number, call: CallParams, sizes: Sizes, bitmask: boolean): Step[] {
	if (bitmask)
		return [
			{ stage: 'suppress', kernel: 'overlaps' },
			{ stage: 'suppress', kernel: 'sweep' },
		];
	const steps: Step[] = [];
	const most = Math.min(listed, call.maxCandidates);
	// Where many may be kept, each chunk is tested against many: shorter ranges, so that no loop gets long.
	const alone = call.maxDetections <= sizes.head / 8 ? sizes.head * 2 : sizes.head / 2;
	steps.push({ stage: 'suppress', kernel: 'suppress', range: { begin: 0, end: Math.min(most, alone), prefiltered: 0 } });
	for (let begin = alone; begin < most; begin += sizes.block) {
		const range = { begin, end: Math.min(most, begin + sizes.block), prefiltered: 1 };
		steps.push({ stage: 'suppress', kernel: 'prefilter', range }, { stage: 'suppress', kernel: 'suppress', range });
	}
	return steps;
}

/** Detections that one dispatch of soft suppression finds, so that none takes long; more where there would be too many dispatches. */
function softSteps(listed: number, call: CallParams, sizes: Sizes): Step[] {
	const most = Math.min(listed, call.maxCandidates, call.maxDetections);
	const rounds = Math.max(2, sizes.head / 64, Math.ceil(most / MOST_SOFT_STEPS));
	const steps: Step[] = [];
	for (let begin = 0; begin === 0 || begin < most; begin += rounds) {
		steps.push({ stage: 'suppress', kernel: 'soften', range: { begin, end: Math.min(most, begin + rounds), prefiltered: 0 } });
	}
	return steps;
}

/** The bins of the score histogram: equal steps of the key, or for logits equal steps of their value. */
function planBins(head: Head, call: CallParams, sizes: Sizes, numIds: number): Pick<Params, 'bin_mode' | 'bin_low' | 'bin_width'> {
	if (!keysAreLogits(head)) {
		// All scores equal (nms knows): bins by tie order, or one bin would hold all.
		if (call.binHigh === call.binLow) return { bin_mode: 2, bin_low: 0, bin_width: Math.ceil(numIds / sizes.bins) };
		const width = Math.max(1, Math.ceil((call.binHigh - call.binLow + 1) / sizes.bins));
		return { bin_mode: 0, bin_low: call.binLow, bin_width: width };
	}
	const low = Math.max(-1024, Math.min(1024, scoreOfKey(call.binLow)));
	const high = Math.max(low + 1, Math.min(1024, scoreOfKey(call.binHigh)));
	let steps = 1;
	while (steps < 4096 && (high - low) * steps * 2 < sizes.bins - 1) steps *= 2;
	return { bin_mode: 1, bin_low: Math.floor(low * steps) >>> 0, bin_width: steps };
}

/** The map from network input to frame, as the shader applies it. */
export interface FrameTransform {
	readonly gain: readonly [number, number];
	readonly pad: readonly [number, number];
	readonly frameSize: readonly [number, number];
	/** False: boxes may reach beyond the frame. */
	readonly clip?: boolean;
}

/** The numbers of a frame in the uniform of a call. */
function planFrame(frame?: FrameTransform) {
	return {
		transform: frame ? (frame.clip === false ? 2 : 1) : 0,
		gain_x: frame?.gain[0] ?? 1,
		gain_y: frame?.gain[1] ?? 1,
		pad_x: frame?.pad[0] ?? 0,
		pad_y: frame?.pad[1] ?? 0,
		frame_width: frame?.frameSize[1] ?? 0,
		frame_height: frame?.frameSize[0] ?? 0,
	} satisfies Partial<Params>;
}
const FRAME_NUMBERS = Object.keys(planFrame()) as (keyof ReturnType<typeof planFrame>)[];

/** Whether a frame has the numbers that were planned. The object says nothing: its owner may change it. */
export function isSameFrame(params: Params, frame?: FrameTransform): boolean {
	const now = planFrame(frame);
	return FRAME_NUMBERS.every((name) => params[name] === now[name]);
}

/** The order gives the numbers of `score_map`. */
export const SCORE_MAPS = ['itself', 'sigmoid', 'sqrt'] as const;

/** The uniform of a call, but for its serial number. */
export function planParams(head: Head, multiLabel: boolean, capacity: Capacity, call: CallParams, sizes: Sizes, frame?: FrameTransform): Params {
	const numIds = Math.max(1, multiLabel ? head.numAnchors * numScores(head) : head.numAnchors);
	return {
		min_key: call.minKey,
		min_objectness_key: call.minObjectnessKey,
		iou_threshold: call.iouThreshold,
		max_detections: Math.min(call.maxDetections, capacity.rows),
		max_candidates: call.maxCandidates,
		slot_candidates: slotCandidates(head, call),
		slots: capacity.slots,
		capacity: capacity.candidates,
		num_classes: numScores(head),
		class_agnostic: call.classAgnostic ? 1 : 0,
		tie_mask: call.tiesHighest ? 0xffffffff : 0,
		zero: 0,
		...planBins(head, call, sizes, numIds),
		...planFrame(frame),
		score_map: SCORE_MAPS.indexOf(scoreMap(head)),
		rotated: head.codec.rotated ? 1 : 0,
		multi_label: multiLabel ? 1 : 0,
		last_id: numIds - 1,
		suppression: head.suppression === false ? 0 : 1,
		rows: capacity.rows,
		row_words: capacity.rowWords,
		serial: 0,
		clip: head.clip ? 1 : 0,
		clip_width: head.clip?.[1] ?? 0,
		clip_height: head.clip?.[0] ?? 0,
		min_size: head.minSize ?? 0,
		soft_scale: call.softScale ?? 0,
		min_score_key: call.minScoreKey ?? call.minKey,
	};
}

// The validator of the options of backends and calls: defaults, checks, error texts (those of createPostprocessor are in
// settings.ts). What comes out is complete and safe to use; thresholds leave as the integer key and the float32 that every stage takes (see CallParams).

import type { Backend, BackendKind } from './backend.js';
import type { SoftRule } from './boxes/decay.js';
import { checkBoolean, checkCount, checkMethods, checkNumber, checkUnit, checkWord, readOptions, refuse, refuseUnless } from './checks.js';
import { keysAreLogits, mostListed, type ScoreMap, scoreMap } from './head-facts.js';
import type { Head } from './heads/head.js';
import { decisionThreshold, keyOf, logit, nextDown, nextUp } from './numbers.js';
import type { PipelineOptions } from './pipeline.js';
import type { CallParams } from './plan.js';
import type { FullSemantics, Semantics, SemanticsPreset } from './semantics.js';
import { BITMASK_LIMIT } from './stages.js';

/** What may change from call to call; nothing is rebuilt. */
export interface CallOptions {
	/** Candidates have a score above this. Any number but NaN; -Infinity lets all pass. Default 0.25. */
	scoreThreshold?: number;
	/** A detection removes those that overlap it by more than this, 0 to 1. Default 0.45. */
	iouThreshold?: number;
	/** Detections per image at most; Infinity for no limit. Default 300. */
	maxDetections?: number;
	/** The best-scored candidates that suppression looks at; the rest is counted in `truncated`. Default: all, and 8192 for multi-label heads. */
	maxCandidates?: number;
	/** Boxes of different classes suppress each other. Default false. */
	classAgnostic?: boolean;
	/** Ask for milliseconds per stage in `Detections.timings`. Default false. */
	timings?: boolean;
}

/** What happens after the GPU device was lost: reopen (twice at most, then the CPU), go on on the CPU, or refuse every later call. */
export type OnLost = 'recover' | 'cpu' | 'error';

/** Options of `createBackend`. */
export interface BackendOptions {
	/** The device of the runtime that makes the tensors. Never destroyed by kedge. Omitted: kedge opens its own when it needs one. */
	device?: GPUDevice;
	/** The WebGPU entry where there is no `navigator.gpu` (Node with the package webgpu). */
	gpu?: GPU;
	/** Default 'recover', or 'error' for a device that was given. The call that was pending rejects with DEVICE_LOST in any case. */
	onLost?: OnLost;
}

/** How scores decay in soft-NMS (Bodla et al. 2017). */
export interface SoftNms {
	/**
	 * 'gaussian' (default): a score is multiplied by exp(-iou² / sigma) for every detection that its box overlaps; which sigma that is says
	 * `softSigma` of the semantics. 'linear': by 1 - iou, for those whose overlap is above `iouThreshold` (at it, too, with suppress '>=').
	 */
	method?: 'gaussian' | 'linear';
	/** Of the Gaussian. Default 0.5, the paper's. */
	sigma?: number;
}

/** Options of `createPostprocessor`. */
export interface PostprocessorOptions extends CallOptions, BackendOptions {
	/** How to read the model's outputs: `yolov8({ ... })` and its like. */
	head: Head;
	/** Where to run, or a backend made by `createBackend`. Default 'auto'. */
	backend?: 'auto' | BackendKind | Backend;
	/** Candidates are anchor x class pairs instead of each anchor's best class. Default: as the head says. */
	multiLabel?: boolean;
	/** Class ids that take part. Default: all. */
	classes?: ArrayLike<number>;
	/** A library's way of NMS by its name, or single switches. Default 'default'. */
	semantics?: SemanticsPreset | Semantics;
	/**
	 * Soft-NMS in the place of the hard one: detections lower the scores of what they overlap instead of removing it, and have the lowered scores. `{}`
	 * is the paper's Gaussian. For upright boxes and scoreThreshold 0 or more.
	 */
	softNms?: SoftNms;
	/** Boxes in pixels (default), or as fractions of the frame (of the network input without a transform). */
	coordinates?: 'pixels' | 'normalized';
	/** Names by class id. Untrusted text: kedge hands it back and never interprets it. */
	labels?: readonly string[];
	/** 'bitmask' compares all pairs, for 4096 candidates at most; the answer is the same. Default 'blocked'. */
	suppression?: 'blocked' | 'bitmask';
	/** 'low' wakes the browser while a result is pending, for less delay and more CPU time. Default 'normal'. */
	latency?: 'normal' | 'low';
	/** Run only the first n stages (0 to 7) on the GPU and the rest on their twins, to find the stage that errs. */
	gpuStages?: number;
}

/** The default numbers of a call. */
export const DEFAULTS = { scoreThreshold: 0.25, iouThreshold: 0.45, maxDetections: 300, maxCandidatesMultiLabel: 8192 } as const;

export const CALL_KEYS = ['scoreThreshold', 'iouThreshold', 'maxDetections', 'maxCandidates', 'classAgnostic', 'timings'] as const;
export const BACKEND_KEYS = ['device', 'gpu', 'onLost'] as const;
export const BACKENDS = ['auto', 'webgpu', 'hybrid', 'cpu'] as const;

/** Numbers of a call, checked and complete. */
export interface CallSettings {
	readonly scoreThreshold: number;
	readonly iouThreshold: number;
	readonly maxDetections: number;
	readonly maxCandidates: number;
	readonly classAgnostic: boolean;
	readonly timings: boolean;
}

/** Checked options of a backend. */
export interface BackendSettings {
	readonly device?: GPUDevice;
	readonly gpu?: GPU;
	readonly onLost: OnLost;
}

/** Checked options of soft-NMS: the rule, and `CallParams.softScale`. */
export interface SoftSettings {
	readonly rule: SoftRule;
	readonly scale: number;
}

/** Checked options of a postprocessor. */
export interface Settings {
	readonly head: Head;
	readonly backend: 'auto' | BackendKind | object;
	readonly environment: BackendSettings;
	readonly pipeline: PipelineOptions;
	readonly call: CallSettings;
	readonly semantics: FullSemantics;
	/** Where suppression is soft. */
	readonly soft?: SoftSettings;
	readonly coordinates: 'pixels' | 'normalized';
	readonly labels?: readonly string[];
}

export type Read = Partial<Record<string, unknown>>;

/** The numbers of a call: what was given, else what stood before. */
export function checkCall(where: string, read: Read, before: CallSettings): CallSettings {
	const pick = <T>(key: keyof CallSettings, check: (value: unknown) => T, otherwise: T): T => (read[key] === undefined ? otherwise : check(read[key]));
	return {
		scoreThreshold: pick('scoreThreshold', (v) => checkNumber(where, 'scoreThreshold', v), before.scoreThreshold),
		iouThreshold: pick('iouThreshold', (v) => checkUnit(where, 'iouThreshold', v), before.iouThreshold),
		maxDetections: pick('maxDetections', (v) => checkCount(where, 'maxDetections', v, 0), before.maxDetections),
		maxCandidates: pick('maxCandidates', (v) => checkCount(where, 'maxCandidates', v, 1), before.maxCandidates),
		classAgnostic: pick('classAgnostic', (v) => checkBoolean(where, 'classAgnostic', v), before.classAgnostic),
		timings: pick('timings', (v) => checkBoolean(where, 'timings', v), before.timings),
	};
}

/** Options of `createBackend`, and the same ones of `createPostprocessor`. */
export function checkBackendOptions(where: string, value: unknown): BackendSettings {
	return checkEnvironment(where, readOptions(where, 'options', value, BACKEND_KEYS));
}

/** The first argument of `createBackend`. */
export function checkBackendKind(where: string, value: unknown): 'auto' | BackendKind {
	return value === undefined ? 'auto' : checkWord(where, 'kind', value, BACKENDS);
}

/** What both are given of the GPU. */
export function checkEnvironment(where: string, read: Read): BackendSettings {
	const device = read.device as GPUDevice | undefined;
	const gpu = read.gpu as GPU | undefined;
	if (device !== undefined) checkMethods(where, 'device', device, 'a GPUDevice', ['createBuffer', 'createComputePipelineAsync']);
	if (gpu !== undefined) checkMethods(where, 'gpu', gpu, 'a GPU object (as navigator.gpu)', ['requestAdapter']);
	const onLost = read.onLost === undefined ? (device ? 'error' : 'recover') : checkWord(where, 'onLost', read.onLost, ['recover', 'cpu', 'error']);
	return { device, gpu, onLost };
}

/** Throws for more candidates than the full bitmask holds. */
export function checkBitmask(where: string, pipeline: PipelineOptions, call: CallSettings): void {
	if (pipeline.suppression !== 'bitmask') return;
	const { head, multiLabel } = pipeline;
	const most = mostListed(head, multiLabel, call.maxCandidates);
	if (most <= BITMASK_LIMIT) return;
	const remedy = `set maxCandidates to ${BITMASK_LIMIT} or less, or use 'blocked'`;
	refuse(RangeError, where, 'suppression', `'bitmask' is for ${BITMASK_LIMIT} candidates at most`, most, remedy);
}

/** Multiplying a score makes it fall only from 0 on. */
export function checkSoftThreshold(where: string, scoreThreshold: number): void {
	if (scoreThreshold >= 0) return;
	refuse(RangeError, where, 'scoreThreshold', 'must be 0 or more with soft-NMS, which multiplies scores', scoreThreshold, 'make probabilities of logits first');
}

const RUN_KEYS = ['transform', 'signal', ...CALL_KEYS] as const;
const ENCODE_KEYS = ['transform', 'scoreThreshold', 'iouThreshold', 'maxDetections', 'maxCandidates', 'classAgnostic'] as const;

/** Options of `run` and `encode`; the transforms are still to be held against the batch and the head. */
export function checkRunOptions(where: 'run' | 'encode', value: unknown, settings: Settings): { call: CallParams; transform: unknown; signal?: AbortSignal } {
	const read: Read = readOptions(where, 'options', value, where === 'run' ? RUN_KEYS : ENCODE_KEYS);
	const numbers = checkCall(where, read, settings.call);
	checkBitmask(where, settings.pipeline, numbers);
	if (settings.soft) checkSoftThreshold(where, numbers.scoreThreshold);
	const signal = read.signal as AbortSignal | undefined;
	if (signal !== undefined) checkMethods(where, 'signal', signal, 'an AbortSignal', ['addEventListener', 'throwIfAborted']);
	const call = toCallParams(numbers, settings.semantics, settings.head);
	checkTransformKinds(where, read.transform);
	return { call: { ...call, signal, softScale: settings.soft?.scale }, transform: read.transform, signal };
}

/** Every field of a transform that either backend reads: one made by hand may lack some, and half a transform would move boxes on one of them only. */
export function checkTransformKinds(where: string, value: unknown): void {
	if (value === undefined) return;
	for (const item of Array.isArray(value) ? value : [value]) {
		const transform = item as Partial<Record<string, unknown>> | null;
		const isOne = typeof transform === 'object' && transform !== null && typeof transform.toFrame === 'function';
		if (!isOne) refuse(TypeError, where, 'transform', MADE_BY_LETTERBOX, item);
		for (const [key, rule, least] of TRANSFORM_PAIRS) {
			const pair = transform[key];
			const argument = `transform.${key}`;
			if (!Array.isArray(pair) || pair.length !== 2) refuse(TypeError, where, argument, rule, pair, 'letterbox(frameSize, inputSize) makes all of them');
			for (const n of pair) if (!(Number.isFinite(n) && n > least)) refuseUnless(typeof n === 'number', where, argument, rule, pair);
		}
	}
}

const MADE_BY_LETTERBOX = 'must be what letterbox(frameSize, inputSize) makes';
/** Name, rule, and the number that both entries lie above. */
const TRANSFORM_PAIRS = [
	['inputSize', 'must be [height, width], positive', 0],
	['frameSize', 'must be [height, width], positive', 0],
	['gain', 'must be [x, y], positive', 0],
	['pad', 'must be [x, y], finite', -Infinity],
] as const;

/** Above every number's key; only NaN lies there. */
const KEY_ABOVE_ALL = 0xff800001;

/** The smallest key that passes: for `> t` that of the next float32 above t, for `>= t` that of t. -Infinity lets all pass. `map`: how keys become scores. */
export function minKeyOf(threshold: number, comparison: '>' | '>=', map: ScoreMap): number {
	const t = Math.fround(threshold);
	if (t === -Infinity) return 0;
	if (map === 'sqrt') return minKeyOfRoot(t, comparison);
	const isLogit = map === 'sigmoid';
	const limit = isLogit ? logit(t) : t;
	if (isLogit && t < 0) return 0;
	if (isLogit && t > 1) return KEY_ABOVE_ALL;
	if (comparison === '>') return limit === Infinity ? KEY_ABOVE_ALL : keyOf(nextUp(limit));
	const rounded = Math.fround(limit);
	return keyOf(rounded >= limit ? rounded : nextUp(limit));
}

/** The smallest product whose square root passes. */
function minKeyOfRoot(t: number, comparison: '>' | '>='): number {
	const passes = (x: number) => (comparison === '>' ? Math.fround(Math.sqrt(x)) > t : Math.fround(Math.sqrt(x)) >= t);
	if (passes(0)) return 0;
	if (!passes(Infinity)) return KEY_ABOVE_ALL;
	let x = Math.fround(t * t);
	while (passes(x)) x = nextDown(x);
	while (!passes(x)) x = nextUp(x);
	return keyOf(x);
}

/** Checked numbers to what every stage takes. Without a head the scores are final, as in `nms`. */
export function toCallParams(numbers: CallSettings, semantics: FullSemantics, head?: Head): CallParams {
	const isLogit = head !== undefined && keysAreLogits(head);
	const objectness = head?.score.objectness;
	const isGate = objectness !== undefined && objectness.combine !== 'sqrt';
	const t = Math.fround(numbers.iouThreshold);
	const least = objectness?.combine === 'sqrt' ? Math.max(0, numbers.scoreThreshold) ** 2 : numbers.scoreThreshold;
	const low = isLogit ? Math.max(-64, Math.min(64, logit(numbers.scoreThreshold))) : Math.max(least, 2 ** -20);
	const high = isLogit ? Math.max(low + 1, 12) : Math.max(1, 2 * low);
	return {
		minKey: minKeyOf(numbers.scoreThreshold, semantics.score, head ? scoreMap(head) : 'itself'),
		minObjectnessKey: isGate ? minKeyOf(numbers.scoreThreshold, semantics.score, objectness.activation === 'sigmoid' ? 'sigmoid' : 'itself') : 0,
		iouThreshold: decisionThreshold(semantics.suppress === '>=' ? nextDown(t) : t),
		maxDetections: numbers.maxDetections,
		maxCandidates: numbers.maxCandidates,
		classAgnostic: numbers.classAgnostic,
		minScoreKey: minKeyOf(numbers.scoreThreshold, semantics.score, 'itself'),
		tiesHighest: semantics.ties === 'highest-index',
		binLow: keyOf(low),
		binHigh: keyOf(high),
		timings: numbers.timings,
	};
}

// What a backend is: it runs a head's pipeline, nms and boxIou, and says which it is and why.
// The folders cpu/ and gpu/ implement it; cpu comes with this file, gpu is fetched when it is chosen.

import type { Head } from './heads/head.js';
import type { BoundTensor } from './tensors.js';

export type BackendKind = 'webgpu' | 'hybrid' | 'cpu';

/** Numbers of one call after checking, as every stage takes them. */
export interface CallParams {
	/** Smallest score key that passes (see numbers.ts). */
	minKey: number;
	/** Smallest objectness key that is looked at: of the logit when the head's objectness is one. */
	minObjectnessKey: number;
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

/** What is fixed when a postprocessor is made. */
export interface PipelineOptions {
	head: Head;
	multiLabel: boolean;
	/** Allowed class ids as a bit set, ceil(numClasses / 32) words; undefined: all. */
	classFilter?: Uint32Array;
	suppression: 'blocked' | 'bitmask';
	/** Run only the first n stages on the GPU and the rest on the twins; undefined: all on the GPU. */
	gpuStages?: number;
	latency?: 'normal' | 'low';
}

/** The kept candidates of one image, best first, boxes in network-input pixels. */
export interface Kept {
	count: number;
	boxes: Float32Array;
	/** Orderable score bits: of the logit when the head's score is one sigmoid, else of the score. */
	keys: Uint32Array;
	classIds: Uint32Array;
	/** Anchor indices. */
	indices: Uint32Array;
	numCandidates: number;
	truncated: number;
	rejected: number;
	/** Milliseconds per stage, when asked for and known. */
	timings?: Record<string, number>;
	/** Bytes copied from the GPU for this call, all images. */
	bytesRead: number;
}

/** A head made ready on a backend. */
export interface Pipeline {
	/** One result per image of the batch. CPU tensors are copied or used up before the first await. */
	run(tensors: readonly BoundTensor[], batch: number, call: CallParams): Promise<Kept[]>;
	dispose(): void;
}

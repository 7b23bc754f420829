// What a pipeline is given and gives back, whichever side runs it; what gpu/ exports and what it borrows from cpu/.
// Only types: the words in which backends, postprocessor and stages speak to each other.

import type { SoftRule } from './boxes/decay.js';
import type { OverlapRule } from './boxes/overlap.js';
import type { Head } from './heads/head.js';
import type { Params, Sizes } from './layout.js';
import type { MaskJob, MaskOutput, MaskResults } from './masks/job.js';
import type { CallParams, Capacity, FrameTransform, Step } from './plan.js';
import type { BoundTensor } from './tensors.js';

/** What is fixed when a postprocessor is made. */
export interface PipelineOptions {
	head: Head;
	multiLabel: boolean;
	/** Allowed class ids as a bit set, ceil(numClasses / 32) words; undefined: all. */
	classFilter?: Uint32Array;
	suppression: 'blocked' | 'bitmask';
	/** What suppression measures; default plain IoU. Another rule is another shader. */
	overlap?: OverlapRule;
	/** Soft suppression in the place of the hard one; its scale comes with the call. Another rule is another shader. */
	soft?: SoftRule;
	/** Run only the first n stages on the GPU and the rest on the twins; undefined: all on the GPU. */
	gpuStages?: number;
	latency?: 'normal' | 'low';
}

/** The kept candidates of one image, best first, boxes in network-input pixels. */
export interface Kept {
	count: number;
	boxes: Float32Array;
	/** [count, total] angle, keypoints and mask coefficients in this order, where the head has any. */
	extras?: Float32Array;
	/** Orderable score bits: of the number that `scoreMap` of the head makes a score of; with soft suppression of the decayed score itself. */
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

/** Where in the buffer of `encode` the results stand. All numbers are bytes. */
export interface EncodedLayout {
	readonly numImages: number;
	/** From one image's header to the next one's. */
	readonly imageStride: number;
	/** From an image's header to its first row. */
	readonly rowOffset: number;
	readonly rowStride: number;
	/** Rows an image has room for; how many are in use is the header's `count`. */
	readonly maxRows: number;
	/** Fields of the header (u32 each) and of a row, by name. */
	readonly header: Readonly<Record<string, number>>;
	readonly row: Readonly<Record<string, number>>;
	/** The same as WGSL: `struct Header` and `struct Row`. */
	readonly wgsl: string;
}

/** A result that stays on the GPU; valid once the caller has submitted the encoder, until the next `encode` or `run`. */
export interface Encoded {
	readonly buffer: GPUBuffer;
	readonly layout: EncodedLayout;
}

/** A head made ready on the GPU. */
export interface GpuPipeline extends Pipeline {
	/** Appends the work to the caller's encoder. With `frame` rows are mapped to the frame and clipped to it. */
	encode(encoder: GPUCommandEncoder, tensors: readonly BoundTensor[], batch: number, call: CallParams, frame?: FrameTransform): Encoded;
}

/** Boxes of one `nms`, checked: xyxy [N, 4] (rotated ones cxcywhr [N, 5], unusable angles NaN), scores [N], class ids [N] when classes are kept apart. */
export interface NmsInput {
	readonly boxes: Float32Array;
	readonly scores: Float32Array;
	readonly classIds?: Uint32Array;
}

/** What soft suppression keeps: indices, best decayed score first, and those scores. */
export interface SoftKept {
	readonly indices: Uint32Array;
	readonly scores: Float32Array;
}

/**
 * The measures of overlap: intersection over union, generalised, distance, complete; over the first area; over the smaller area. Rotated boxes
 * have 'iou', of their polygons, and 'probiou', of the Gaussian distributions that stand for them.
 */
export type IouKind = 'iou' | 'giou' | 'diou' | 'ciou' | 'iof' | 'iom' | 'probiou';
/** The same by what is computed. The boxes of 'rotated-iou' and 'probiou' are [N, 5]: xyxy before the turn and the angle, flushed; all others xyxy [N, 4]. */
export type PairKind = IouKind | 'rotated-iou';

/** A kernel of a job: WGSL whose bindings are all in group 0, as [number, kind, name of a buffer]. */
export interface Kernel {
	readonly name: string;
	readonly code: string;
	readonly bindings: readonly (readonly [number, 'uniform' | 'read' | 'read_write', string])[];
}

/** A kernel that was compiled. */
export interface JobKernel {
	readonly spec: Kernel | { readonly name: string };
}

/** A buffer of a job. */
export interface JobBuffer {
	readonly name: string;
	readonly byteLength: number;
}

/** One kernel over some buffers. Workgroups beyond 65,535 are left out: kernels go through their work in strides. */
export interface Dispatch {
	readonly kernel: JobKernel;
	/** By the names of the kernel's bindings. */
	readonly buffers: Readonly<Record<string, JobBuffer>>;
	readonly workgroups: number;
}

/** Kernels and buffers of one piece of work beside the pipeline. */
export interface GpuJob {
	/** The largest buffer that a kernel can bind, in bytes. */
	readonly maxBindingBytes: number;
	/** A buffer with a content, or of so many bytes, zero at first. A buffer bound as uniform serves for nothing else. */
	buffer(name: string, content: ArrayBufferView | number): JobBuffer;
	/** Replaces the beginning of a buffer before the next run; copied at once. The last write before a run counts. */
	write(buffer: JobBuffer, content: ArrayBufferView): void;
	/** Compiled once per device and text. */
	compile(kernel: Kernel): Promise<JobKernel>;
	/** Runs dispatches in their order, each seeing what those before it wrote, and reads buffers back: one submit, one map. */
	run(dispatches: readonly Dispatch[], read?: readonly JobBuffer[], signal?: AbortSignal): Promise<ArrayBuffer[]>;
	/** Frees the buffers. */
	dispose(): void;
}

/** One device and what was built on it. Lost once, it is lost for good: every pending and later promise rejects with DEVICE_LOST. */
export interface GpuBackend {
	readonly device: GPUDevice;
	/** What computes, for people: "google swiftshader". */
	readonly adapterName?: string;
	createPipeline(options: PipelineOptions): Promise<GpuPipeline>;
	/** Kept indices, best first. Arrays are copied or used up before the first await. */
	nms(input: NmsInput, call: CallParams, overlap: OverlapRule): Promise<Uint32Array>;
	/** Kept indices, best decayed score first, and those scores. */
	softNms(input: NmsInput, call: CallParams, overlap: OverlapRule, soft: SoftRule): Promise<SoftKept>;
	boxIou(boxesA: Float32Array, boxesB: Float32Array, kind: PairKind): Promise<Float32Array>;
	/** What the job's output says. */
	assembleMasks(job: MaskJob): Promise<MaskResults[MaskOutput]>;
	/** Work beside the pipeline; `name` is for labels and errors. */
	openJob(name: string): GpuJob;
	/** Frees everything; destroys the device only when it opened it itself. */
	dispose(): void;
}

/** What `checkWebGPU` finds. */
export interface WebGPUReport {
	readonly available: boolean;
	/** Undefined when available. */
	readonly reason?: 'insecure-context' | 'no-webgpu' | 'no-adapter' | 'no-device' | 'limits';
	/** The adapter computes on the CPU: right, but no faster. */
	readonly software: boolean;
	/** What the adapter calls itself; '' when there is none or the browser hides it. */
	readonly adapter: string;
}

/** A run that changes sides: what the twins need besides the contents of the buffers. */
export interface TwinRun {
	readonly head: Head;
	readonly params: Params;
	readonly tensors: readonly BoundTensor[];
	readonly classFilter?: Uint32Array;
	readonly overlap?: OverlapRule;
	readonly soft?: SoftRule;
	/** The objectness tensor's place holds class ids (nms). */
	readonly givenClasses?: boolean;
}

/** Buffers by name, as bytes. */
export interface Contents {
	readonly sizes: Sizes;
	readonly capacity: Capacity;
	readonly contents: Readonly<Record<string, ArrayBuffer>>;
}

/** Candidate rows made on the GPU, and what was counted while making them. */
export interface CandidateRows {
	/** [count, 8] words, layout CANDIDATE, in any order of ids. */
	readonly words: Uint32Array;
	readonly count: number;
	/** Candidates that passed; more than `count` when the rest was cut before. */
	readonly numCandidates: number;
	readonly rejected: number;
}

/** What cpu/ does for gpu/, which does not import it: suppression for 'hybrid', the rest of a run for the stage switch. */
export interface CpuParts {
	/** Sorts and suppresses candidate rows read from the GPU; `bytesRead` and keypoints are left to the caller. */
	suppressCandidates(candidates: CandidateRows, options: PipelineOptions, call: CallParams): Promise<Kept>;
	/** Does the remaining steps on the twins. One result per image. */
	runTwins(run: TwinRun, memory: Contents, steps: readonly Step[]): Promise<Kept[]>;
}

/** What gpu/backend.ts exports; loaded when a GPU is first wanted. */
export interface GpuModule {
	/** Throws KedgeError NO_WEBGPU when there is none; a caller's lost device is DEVICE_LOST. */
	createGpuBackend(options: { device?: GPUDevice; gpu?: GPU; kind: 'webgpu' | 'hybrid'; cpu: CpuParts }): Promise<GpuBackend>;
	checkWebGPU(gpu?: GPU): Promise<WebGPUReport>;
	/** Whether a device that was given computes on the CPU, as far as it says. */
	isSoftware(device: GPUDevice): Promise<boolean>;
	/**
	 * A raw tensor to CPU memory: `strides.numElements` elements, for runs on the CPU. Mappable buffers that it needs stay in the list
	 * `kept` for the next read; who has the list destroys them.
	 */
	readTensor(device: GPUDevice, bound: BoundTensor, kept?: GPUBuffer[]): Promise<BoundTensor>;
}

// From whatever a runtime hands over (typed array, GPUBuffer, ort.Tensor, tfjs dataToGPU()) to one plain record, and
// from a head's axis names to element strides. Shapes are checked here, before any GPU work.

/** A tensor as callers may give it. */
export type TensorLike =
	| Float32Array
	| Uint16Array
	| GPUBuffer
	| {
			/** Elements in CPU memory. */
			readonly data?: unknown;
			readonly buffer?: unknown;
			readonly gpuBuffer?: unknown;
			readonly dims?: readonly number[];
			readonly shape?: readonly number[];
			readonly type?: string;
			readonly dtype?: string;
			/** Bytes to skip in a GPUBuffer; a multiple of 4. */
			readonly offset?: number;
			readonly location?: string;
	  };

/** The outputs of one model run: a tensor, several in the head's order, or a record by output name. */
export type Outputs = TensorLike | readonly TensorLike[] | Readonly<Record<string, TensorLike>>;

/** A tensor after checking. */
export type Tensor = CpuTensor | GpuTensor;
export interface CpuTensor {
	readonly location: 'cpu';
	readonly type: 'float32' | 'float16';
	/** float32 values, or half bits for float16. */
	readonly data: Float32Array | Uint16Array;
	readonly dims: readonly number[] | undefined;
}
export interface GpuTensor {
	readonly location: 'gpu';
	readonly type: 'float32' | 'float16';
	readonly buffer: GPUBuffer;
	/** Bytes into the buffer. */
	readonly offset: number;
	readonly dims: readonly number[] | undefined;
}

/** Element strides of one tensor of a head. */
export interface TensorStrides {
	readonly batch: number;
	readonly image: number;
	readonly shape: number;
	readonly cell: number;
	readonly channel: number;
	readonly numElements: number;
}

/** A tensor that fits its place in a head. */
export interface BoundTensor {
	readonly tensor: Tensor;
	readonly strides: TensorStrides;
}

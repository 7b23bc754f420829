// From whatever a runtime hands over (typed array, GPUBuffer, ort.Tensor, tfjs dataToGPU()) to one plain record; and what
// a tensor is once it has its place in a head.

import { type ArgumentFault, checkAttached, refuse } from './checks.js';

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
	/** Anchors in it, where the head leaves their number to the call. */
	readonly numAnchors?: number;
}

/** A tensor that fits its place in a head. */
export interface BoundTensor {
	readonly tensor: Tensor;
	readonly strides: TensorStrides;
}

/** Words of GPUBufferUsage and states, which Node lacks as globals. */
const USAGE_STORAGE = 0x80;
/** What a tensor may be, as errors say it. */
export const ACCEPTED =
	"a Float32Array, a Float16Array, { data: Uint16Array, type: 'float16' }, a GPUBuffer, or { data | buffer | gpuBuffer, dims, type } such as an ort.Tensor or the result of tfjs dataToGPU()";

/** One tensor in any accepted form as a plain record. `name` is what errors call it. */
export function normalizeTensor(where: string, name: string, value: unknown): Tensor {
	if (isGPUBuffer(value)) return gpuTensor(where, name, value, 0, 'float32', undefined);
	if (ArrayBuffer.isView(value)) return cpuTensor(where, name, value, undefined, undefined);
	if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(TypeError, where, name, `must be ${ACCEPTED}`, value);
	const record = value as Record<string, unknown>;
	const dims = readDims(where, name, dimsOf(record));
	const type = record.type ?? record.dtype ?? (record.tensorRef as { dtype?: unknown } | undefined)?.dtype;
	if (type !== undefined && type !== 'float32' && type !== 'float16') refuse(TypeError, where, `${name}.type`, "must be 'float32' or 'float16'", type);
	const payload = payloadOf(where, name, record);
	if (isGPUBuffer(payload)) {
		const offset = record.offset === undefined ? 0 : record.offset;
		if (!Number.isInteger(offset) || (offset as number) < 0 || (offset as number) % 4 !== 0)
			refuse(RangeError, where, `${name}.offset`, 'must be a multiple of 4 bytes', offset);
		return gpuTensor(where, name, payload, offset as number, type ?? 'float32', dims);
	}
	if (record.offset !== undefined && record.offset !== 0)
		refuse(TypeError, where, `${name}.offset`, 'must be absent for CPU memory', record.offset, 'pass a subarray');
	if (typeof payload === 'function')
		refuse(
			TypeError,
			where,
			name,
			`must be ${ACCEPTED}`,
			payload,
			'for a tfjs tensor pass tensor.dataToGPU(), or { data: tensor.dataSync(), dims: tensor.shape }',
		);
	if (!ArrayBuffer.isView(payload)) refuse(TypeError, where, name, `must be ${ACCEPTED}`, payload);
	return cpuTensor(where, name, payload, type, dims);
}

// Where the elements are. The getters of an ort.Tensor throw for the location it is not at, so that is asked first.
function payloadOf(where: string, name: string, record: Record<string, unknown>): unknown {
	const { location } = record;
	if (location === 'gpu-buffer') return record.gpuBuffer;
	if (location === 'cpu' || location === 'cpu-pinned') return record.data;
	if (typeof location === 'string' && location !== 'none') {
		refuse(TypeError, where, `${name}.location`, "must be 'cpu' or 'gpu-buffer'", location, "create the session with preferredOutputLocation: 'gpu-buffer'");
	}
	if (location === 'none') refuseText(TypeError, where, name, 'must hold data', 'a disposed tensor', 'dispose of it after the call');
	return record.gpuBuffer ?? record.buffer ?? record.data;
}

function cpuTensor(where: string, name: string, view: ArrayBufferView, type: unknown, dims: readonly number[] | undefined): CpuTensor {
	const kind = tagOf(view);
	let data: Float32Array | Uint16Array;
	if (kind === 'Float32Array' && type !== 'float16') data = view as Float32Array;
	else if (kind === 'Float16Array' && type !== 'float32') data = new Uint16Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength / 2);
	else if (kind === 'Uint16Array' && type === 'float16') data = view as Uint16Array;
	else {
		const remedy =
			kind === 'Uint16Array'
				? "for half bits say { data, dims, type: 'float16' }"
				: /int/i.test(kind)
					? 'dequantise it to float32 first'
					: 'Float32Array.from(array)';
		refuseText(TypeError, where, name, `must be ${ACCEPTED}`, `${kind}${type ? ` of type ${type}` : ''}`, remedy);
	}
	checkAttached(where, name, view);
	if (dims && product(dims) !== data.length)
		refuseText(RangeError, where, name, `must have ${product(dims)} elements by its dims [${dims.join(', ')}]`, String(data.length));
	return { location: 'cpu', type: kind === 'Float32Array' ? 'float32' : 'float16', data, dims };
}

function gpuTensor(
	where: string,
	name: string,
	buffer: GPUBuffer,
	offset: number,
	type: 'float32' | 'float16',
	dims: readonly number[] | undefined,
): GpuTensor {
	if (!(buffer.usage & USAGE_STORAGE)) {
		refuseText(
			TypeError,
			where,
			name,
			'must be a GPUBuffer with usage GPUBufferUsage.STORAGE',
			`usage 0x${buffer.usage.toString(16)}`,
			'add the flag where the buffer is created',
		);
	}
	if (buffer.mapState !== undefined && buffer.mapState !== 'unmapped')
		refuseText(TypeError, where, name, 'must be an unmapped GPUBuffer', `mapState ${buffer.mapState}`, 'call unmap()');
	return { location: 'gpu', type, buffer, offset, dims };
}

/** The dims of whatever looks like a tensor; undefined for bare arrays and buffers. */
export function dimsOf(value: unknown): readonly number[] | undefined {
	if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || isGPUBuffer(value)) return undefined;
	const record = value as { dims?: unknown; shape?: unknown; tensorRef?: { shape?: unknown } };
	return (record.dims ?? record.shape ?? record.tensorRef?.shape) as readonly number[] | undefined;
}

function readDims(where: string, name: string, dims: unknown): readonly number[] | undefined {
	if (dims === undefined) return undefined;
	if (!Array.isArray(dims)) refuse(TypeError, where, `${name}.dims`, 'must be an array of integers', dims);
	dims.forEach((n, i) => {
		if (!Number.isInteger(n) || n < 0) refuse(RangeError, where, `${name}.dims[${i}]`, 'must be a non-negative integer', n);
	});
	return dims.slice();
}

/** True for a GPUBuffer of any realm or implementation. */
export function isGPUBuffer(value: unknown): value is GPUBuffer {
	if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false;
	const buffer = value as Partial<GPUBuffer>;
	return typeof buffer.mapAsync === 'function' && typeof buffer.usage === 'number' && typeof buffer.size === 'number';
}

// 'Float16Array' where the engine has none comes from a polyfill, whose tag and constructor name are both tried.
function tagOf(view: ArrayBufferView): string {
	const tag = Object.prototype.toString.call(view).slice(8, -1);
	return view.constructor?.name === 'Float16Array' ? 'Float16Array' : tag;
}

/** How many elements dims make. */
export function product(numbers: readonly number[]): number {
	return numbers.reduce((a, b) => a * b, 1);
}

// As `refuse`, for values that are told better in words than shown.
export function refuseText(Kind: typeof TypeError | typeof RangeError, where: string, argument: string, rule: string, got: string, remedy = ''): never {
	const error = new Kind(`${where}: ${argument} ${rule}; got ${got}${remedy && ` (${remedy})`}`);
	throw Object.assign(error, { code: 'INVALID_ARGUMENT', argument, limit: rule, value: got } satisfies ArgumentFault);
}

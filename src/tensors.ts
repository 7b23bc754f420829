// From whatever a runtime hands over (typed array, GPUBuffer, ort.Tensor, tfjs dataToGPU()) to one plain record, and
// from a head's axis names to element strides. Shapes are checked here, before any GPU work.

import { type ArgumentFault, checkAttached, refuse } from './checks.js';
import type { Axis, Head, TensorSpec } from './heads/head.js';

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
const ACCEPTED =
	"a Float32Array, a Float16Array, { data: Uint16Array, type: 'float16' }, a GPUBuffer, or { data | buffer | gpuBuffer, dims, type } such as an ort.Tensor or the result of tfjs dataToGPU()";

/** Names in an error which head would fit a tensor of these dims, or undefined. Given by whoever knows all heads. */
export type SuggestHead = (dims: readonly number[]) => string | undefined;

/**
 * Outputs of a run as checked tensors, in the order of `head.tensors`. A record is matched by name and alias, or, where no
 * name fits, by shape if that leaves one choice only. Throws a TypeError or RangeError that names the output.
 */
export function normalizeOutputs(outputs: Outputs, head: Head, where = 'run'): Tensor[] {
	const named = nameOutputs(where, outputs, head);
	const tensors = named.map(({ name, value }) => normalizeTensor(where, name, value));
	const cpu = tensors.findIndex((t) => t.location === 'cpu');
	const gpu = tensors.findIndex((t) => t.location === 'gpu');
	if (cpu >= 0 && gpu >= 0) {
		const places = tensors.map((t, i) => `${named[i].name} ${t.location === 'cpu' ? 'in CPU memory' : 'on the GPU'}`).join(', ');
		refuseText(TypeError, where, 'outputs', 'must all be in CPU memory or all on the GPU', places, 'set preferredOutputLocation for every output alike');
	}
	return tensors;
}

interface Named {
	readonly name: string;
	readonly value: unknown;
}

// From one tensor, an array or a record to one value per tensor of the head, each with the name errors call it by.
function nameOutputs(where: string, outputs: unknown, head: Head): Named[] {
	const wanted = head.tensors;
	const rule = `must be ${wanted.length} tensor${wanted.length === 1 ? '' : 's'} (${wanted.map((t) => t.name).join(', ')}) for ${head.name}`;
	if (isTensor(outputs)) {
		if (wanted.length === 1) return [{ name: 'outputs', value: outputs }];
		refuseText(TypeError, where, 'outputs', rule, 'one tensor');
	}
	if (Array.isArray(outputs)) {
		if (outputs.length > 0 && outputs.every((v) => typeof v === 'number'))
			refuse(TypeError, where, 'outputs', `must be ${ACCEPTED}`, outputs, 'Float32Array.from(array)');
		if (outputs.length !== wanted.length) refuseText(RangeError, where, 'outputs', rule, `an array of ${outputs.length}`);
		return outputs.map((value, i) => ({ name: `outputs[${i}]`, value }));
	}
	if (typeof outputs !== 'object' || outputs === null) refuse(TypeError, where, 'outputs', `must be ${ACCEPTED}`, outputs);
	return matchRecord(where, outputs as Record<string, unknown>, head);
}

function matchRecord(where: string, record: Record<string, unknown>, head: Head): Named[] {
	const keys = Object.keys(record);
	const name = (key: string) => ({ name: `outputs.${key}`, value: record[key] });
	const chosen: (string | undefined)[] = head.tensors.map((t) => [t.name, ...(t.aliases ?? [])].find((n) => keys.includes(n)));
	if (new Set(chosen).size === chosen.length && chosen.every((key) => key !== undefined)) return chosen.map((key) => name(key as string));
	if (head.tensors.length === 1 && keys.length === 1) return [name(keys[0])];

	// no names we know: shapes may tell, if each leaves one choice only
	const byShape = head.tensors.map((spec) => keys.filter((key) => fittingLayouts(spec, head, dimsOf(record[key])).length > 0));
	const unique = byShape.map((fits) => fits[0]);
	if (byShape.every((fits) => fits.length === 1) && new Set(unique).size === unique.length) return unique.map(name);
	const wanted = head.tensors.map((t) => `${t.name} ${describeLayouts(t)}`).join(', ');
	const got = keys.map((key) => `${key}${describeDims(dimsOf(record[key]))}`).join(', ') || 'no outputs';
	refuseText(TypeError, where, 'outputs', `must hold ${wanted} for ${head.name}`, got, 'rename the outputs, or pass an array in this order');
}

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

/** Options of `bindTensor`. */
export interface BindOptions {
	/** Images stated by the caller; otherwise read from dims or, for typed arrays, from the length. */
	batch?: number;
	/** What errors call the tensor. Default: its name in the head. */
	name?: string;
	where?: string;
	suggest?: SuggestHead;
}

/**
 * Fits a tensor into its place in a head: from dims and the axis orders the head accepts to element strides. Dims have the batch
 * axis first, or lack it (one image). Without dims the head's first layout is assumed. Throws a RangeError for dims that do
 * not fit, fit in two ways, or need more elements than there are.
 */
export function bindTensor(tensor: Tensor, spec: TensorSpec, head: Head, options: BindOptions = {}): BoundTensor {
	const { where = 'run', name = spec.name } = options;
	const { axes, batch, numAnchors } = chooseLayout(where, name, tensor, spec, head, options);
	const sized = withAnchors(spec, numAnchors);
	const image = product(axes.map((axis) => axisLength(sized, axis)));
	const numElements = image * batch;
	if (numElements >= 2 ** 32)
		refuseText(RangeError, where, name, 'must have fewer than 2^32 elements, so that 32-bit addresses cannot wrap', String(numElements), 'split the batch');
	checkRoom(where, name, tensor, image, batch);
	const strides = axisStrides(sized, head, axes, head.tensors.indexOf(spec));
	return { tensor, strides: { batch, image, ...strides, numElements, ...(numAnchors !== undefined && { numAnchors }) } };
}

/** An axis order, and what the dims leave open: images, and anchors where their number varies. */
interface Fit {
	readonly axes: readonly Axis[];
	readonly batch: number;
	readonly numAnchors?: number;
}

/** The spec with as many anchors as a call brings. */
function withAnchors(spec: TensorSpec, numAnchors: number | undefined): TensorSpec {
	return numAnchors === undefined ? spec : { ...spec, sizes: { ...spec.sizes, anchor: numAnchors } };
}

function chooseLayout(where: string, name: string, tensor: Tensor, spec: TensorSpec, head: Head, options: BindOptions): Fit {
	const { batch: stated, suggest } = options;
	if (stated !== undefined && !(Number.isInteger(stated) && stated >= 1)) refuse(RangeError, where, 'batch', 'must be a positive integer', stated);
	const { dims } = tensor;
	if (!dims) {
		const image = product(spec.layouts[0].map((axis) => axisLength(spec, axis)));
		if (head.variableAnchors && spec.sizes.anchor !== undefined) return fitByLength(where, name, tensor, spec, image, stated ?? 1);
		if (tensor.location === 'gpu') return { axes: spec.layouts[0], batch: stated ?? 1 };
		const batch = tensor.data.length / image;
		if (!Number.isInteger(batch) || batch < 1)
			refuse(RangeError, where, name, `must have a multiple of ${image} elements, ${describeLayouts(spec)}`, tensor.data.length);
		if (stated !== undefined && batch !== stated)
			refuseText(RangeError, where, name, `must have ${image * stated} elements for a batch of ${stated}`, String(tensor.data.length));
		return { axes: spec.layouts[0], batch };
	}
	const fits = fittingLayouts(spec, head, dims);
	if (fits.length === 0) {
		const near = suggest?.(dims);
		refuseText(RangeError, where, name, `must be ${describeLayouts(spec)} for ${head.name}`, `[${dims.join(', ')}]`, near ? `this fits ${near}` : '');
	}
	if (fits.length > 1) {
		const ways = fits.map((fit) => `[${fit.axes.join(', ')}]`).join(' and as ');
		refuseText(
			RangeError,
			where,
			name,
			'must have dims that fit one layout only',
			`[${dims.join(', ')}], which fits as ${ways}`,
			'say which with the layout option of the head',
		);
	}
	if (stated !== undefined && fits[0].batch !== stated) refuseText(RangeError, where, name, `must have a batch of ${stated}`, `[${dims.join(', ')}]`);
	return fits[0];
}

// Without dims the number of anchors follows from the length; on the GPU, whose buffers may be longer, there must be dims.
function fitByLength(where: string, name: string, tensor: Tensor, spec: TensorSpec, image: number, batch: number): Fit {
	const most = spec.sizes.anchor as number;
	const perAnchor = (image / most) * batch;
	if (tensor.location === 'gpu') refuseText(TypeError, where, `${name}.dims`, 'must be given, since the number of anchors varies', 'undefined');
	const numAnchors = tensor.data.length / perAnchor;
	if (!Number.isInteger(numAnchors) || numAnchors > most)
		refuse(RangeError, where, name, `must have a multiple of ${perAnchor} elements, ${describeLayouts(spec)} with ${most} anchors at most`, tensor.data.length);
	return { axes: spec.layouts[0], batch, numAnchors };
}

// Layouts that these dims fit, with or without a batch axis in front; layouts that put every number in the same place count once.
function fittingLayouts(spec: TensorSpec, head: Head, dims: readonly number[] | undefined): Fit[] {
	const fits: (Fit & { key: string })[] = [];
	if (!Array.isArray(dims)) return fits;
	const varies = head.variableAnchors === true;
	for (const axes of spec.layouts) {
		const inner = dims.length === axes.length + 1 ? dims.slice(1) : dims;
		const batch = dims.length === axes.length + 1 ? dims[0] : 1;
		if (inner.length !== axes.length || batch < 1) continue;
		const isFit = (n: number, axis: Axis) => (varies && axis === 'anchor' ? n <= axisLength(spec, axis) : n === axisLength(spec, axis));
		if (!inner.every((n, i) => isFit(n, axes[i]))) continue;
		const at = axes.indexOf('anchor');
		const numAnchors = varies && at >= 0 ? inner[at] : undefined;
		const key = JSON.stringify([batch, axisStrides(withAnchors(spec, numAnchors), head, axes, head.tensors.indexOf(spec))]);
		if (!fits.some((fit) => fit.key === key)) fits.push({ axes, batch, numAnchors, key });
	}
	return fits;
}

/** True when a tensor of these dims can take this place of the head. */
export function fitsSpec(spec: TensorSpec, head: Head, dims: readonly number[]): boolean {
	return fittingLayouts(spec, head, dims).length > 0;
}

/** The length that an axis of this tensor must have. */
function axisLength(spec: TensorSpec, axis: Axis): number {
	const { sizes } = spec;
	if (axis === 'one') return 1;
	if (axis === 'shape-channel') return (sizes.shape ?? 1) * (sizes.channel ?? 1);
	if (axis === 'cell') return sizes.cell ?? (sizes.y ?? 1) * (sizes.x ?? 1);
	return sizes[axis] ?? 1;
}

/** The fields of a level that read a tensor. */
const FIELDS = ['box', 'classes', 'objectness', 'classIds', 'size', 'angle', 'anchors', 'keypoints', 'maskCoefficients'] as const;

// Elements from one shape, cell or channel to the next. The last axis is the dense one.
function axisStrides(spec: TensorSpec, head: Head, axes: readonly Axis[], index: number): { shape: number; cell: number; channel: number } {
	const strides = { shape: 0, cell: 0, channel: 0 };
	const level = head.levels.find((l) => FIELDS.some((name) => l[name]?.tensor === index));
	let step = 1;
	for (let i = axes.length - 1; i >= 0; i--) {
		const axis = axes[i];
		if (axis === 'channel') strides.channel = step;
		else if (axis === 'shape') strides.shape = step;
		else if (axis === 'cell' || axis === 'x') strides.cell = step;
		else if (axis === 'shape-channel') {
			strides.channel = step;
			strides.shape = step * (spec.sizes.channel ?? 1);
		} else if (axis === 'anchor') {
			// a flat list of anchors: cells and shapes are steps in it, in the order the level numbers them
			const shapes = level?.numShapes ?? 1;
			const cells = level ? level.grid[0] * level.grid[1] : 1;
			const shapesInner = level?.order !== 'ayx';
			strides.cell = shapesInner ? step * shapes : step;
			strides.shape = shapesInner ? step : step * cells;
		}
		step *= axisLength(spec, axis);
	}
	return strides;
}

function checkRoom(where: string, name: string, tensor: Tensor, image: number, batch: number): void {
	const elements = image * batch;
	if (tensor.location === 'cpu') {
		if (tensor.data.length !== elements) refuseText(RangeError, where, name, `must have ${elements} elements`, String(tensor.data.length));
		return;
	}
	const bytes = tensor.offset + Math.ceil((elements * (tensor.type === 'float16' ? 2 : 4)) / 4) * 4;
	if (tensor.buffer.size < bytes) {
		const at = tensor.offset ? `, ${tensor.offset} of them skipped,` : '';
		refuseText(
			RangeError,
			where,
			name,
			`must be a GPUBuffer of at least ${bytes} bytes${at} for ${batch} x ${image} elements of ${tensor.type}`,
			`${tensor.buffer.size} bytes`,
		);
	}
}

/** Axis orders with their lengths, as errors show them: [batch, channel 84, anchor 8400] or ... */
export function describeLayouts(spec: TensorSpec): string {
	return spec.layouts.map((axes) => `[batch, ${axes.map((axis) => (axis === 'one' ? '1' : `${axis} ${axisLength(spec, axis)}`)).join(', ')}]`).join(' or ');
}

function describeDims(dims: readonly number[] | undefined): string {
	return Array.isArray(dims) ? ` [${dims.join(', ')}]` : '';
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

function isTensor(value: unknown): boolean {
	if (ArrayBuffer.isView(value) || isGPUBuffer(value)) return true;
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
	const record = value as Record<string, unknown>;
	// told by values, not by names: a model may call its outputs location, data or dims. A location that is text says
	// that the getters may throw, so it comes first
	if (typeof record.location === 'string') return true;
	const { gpuBuffer, buffer, data } = record;
	if ([gpuBuffer, buffer, data].some((payload) => ArrayBuffer.isView(payload) || isGPUBuffer(payload) || typeof payload === 'function')) return true;
	// a payload of a wrong kind beside dims of its own: to be refused as what it is meant to be
	return [gpuBuffer, buffer, data].some((payload) => payload !== undefined) && isList(dimsOf(record));
}

function isList(dims: unknown): boolean {
	return Array.isArray(dims) && dims.every((n) => typeof n !== 'object');
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

function product(numbers: readonly number[]): number {
	return numbers.reduce((a, b) => a * b, 1);
}

// As `refuse`, for values that are told better in words than shown.
function refuseText(Kind: typeof TypeError | typeof RangeError, where: string, argument: string, rule: string, got: string, remedy = ''): never {
	const error = new Kind(`${where}: ${argument} ${rule}; got ${got}${remedy && ` (${remedy})`}`);
	throw Object.assign(error, { code: 'INVALID_ARGUMENT', argument, limit: rule, value: got } satisfies ArgumentFault);
}

// From a head's axis names to element strides: a tensor's dims are held against the axis orders that its place in the
// head accepts. Shapes are checked here, before any GPU work.

import { refuse } from './checks.js';
import type { Axis, Head, TensorSpec } from './heads/head.js';
import { type BoundTensor, product, refuseText, type Tensor } from './tensors.js';

/** Names in an error which head would fit a tensor of these dims, or undefined. Given by whoever knows all heads. */
export type SuggestHead = (dims: readonly number[]) => string | undefined;

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
		refuseText(
			RangeError,
			where,
			name,
			`must be ${describeLayouts(spec)}${mostAnchors(spec, head)} for ${head.name}`,
			`[${dims.join(', ')}]`,
			near ? `this fits ${near}` : '',
		);
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
export function fittingLayouts(spec: TensorSpec, head: Head, dims: readonly number[] | undefined): Fit[] {
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

/** Where a call may bring fewer anchors the number shown is the most. */
function mostAnchors(spec: TensorSpec, head: Head): string {
	return head.variableAnchors && spec.sizes.anchor !== undefined ? `, with ${spec.sizes.anchor} anchors at most,` : '';
}

/** Axis orders with their lengths, as errors show them: [batch, channel 84, anchor 8400] or ... */
export function describeLayouts(spec: TensorSpec): string {
	return spec.layouts.map((axes) => `[batch, ${axes.map((axis) => (axis === 'one' ? '1' : `${axis} ${axisLength(spec, axis)}`)).join(', ')}]`).join(' or ');
}

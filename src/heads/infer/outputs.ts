// The outputs of a model as inferHead is given them: dims alone, tensors with dims, in an array or by name.

import { refuse } from '../../checks.js';
import { dimsOf } from '../../tensors.js';

/** The lengths of a tensor's axes. */
export type Dims = readonly number[];

/** One output. */
export interface Output {
	readonly name?: string;
	readonly dims: Dims;
	/** Element type, where a tensor tells it. */
	readonly type?: string;
}

/** Reads shapes; throws a TypeError or RangeError for what is none. */
export function readOutputs(shapes: unknown): Output[] {
	if (typeof shapes !== 'object' || shapes === null)
		refuse(TypeError, 'inferHead', 'shapes', 'must be dims, tensors with dims, or a list or record of them', shapes);
	if (isDims(shapes)) return [{ dims: readDims('shapes', shapes) }];
	// an output may be called dims or shape
	const own = dimsOf(shapes);
	if (isDims(own)) return [{ dims: readDims('shapes', own), type: typeOf(shapes) }];
	const entries = Object.entries(shapes);
	if (entries.length === 0) refuse(RangeError, 'inferHead', 'shapes', 'must hold at least one shape', shapes);
	return entries.map(([key, value]) => ({
		...(!Array.isArray(shapes) && { name: key }),
		dims: readDims(`shapes.${key}`, isDims(value) ? value : dimsOf(value)),
		type: typeOf(value),
	}));
}

/** Dims as texts show them. */
export function showDims(outputs: readonly Output[]): string {
	const shown = outputs.slice(0, 8).map(({ dims }) => `[${dims.join(', ')}]`);
	return `${shown.join(', ')}${outputs.length > 8 ? ` and ${outputs.length - 8} more` : ''}`;
}

function typeOf(value: unknown): string | undefined {
	const { type, dtype } = (value ?? {}) as Record<string, unknown>;
	return [type, dtype].find((t) => typeof t === 'string') as string | undefined;
}

function isDims(value: unknown): value is unknown[] {
	return Array.isArray(value) && value.length > 0 && value.every((n) => typeof n !== 'object');
}

// An exporter's symbolic batch ('batch', -1, null) counts as 1; any other axis must be known.
function readDims(name: string, dims: unknown): Dims {
	if (!Array.isArray(dims) || dims.length === 0) refuse(TypeError, 'inferHead', name, 'must be dims, or a tensor that has them', dims);
	return dims.map((n, i) => {
		if (Number.isInteger(n) && n >= 0) return n;
		if (i === 0 && dims.length > 2) return 1;
		refuse(TypeError, 'inferHead', `${name}[${i}]`, 'must be a non-negative integer', n, 'run the model once and pass its outputs');
	});
}

// Which output is which tensor of the head: by the order of an array, by the names of a record, or, where no name is
// known, by shape if that leaves one choice only.

import { describeLayouts, fittingLayouts } from './bind.js';
import { refuse } from './checks.js';
import type { Head } from './heads/head.js';
import { ACCEPTED, dimsOf, isGPUBuffer, normalizeTensor, type Outputs, refuseText, type Tensor } from './tensors.js';

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
	const rule = () => `must be ${wanted.length} tensor${wanted.length === 1 ? '' : 's'} (${wanted.map((t) => t.name).join(', ')}) for ${head.name}`;
	if (isTensor(outputs)) {
		if (wanted.length === 1) return [{ name: 'outputs', value: outputs }];
		refuseText(TypeError, where, 'outputs', rule(), 'one tensor');
	}
	if (Array.isArray(outputs)) {
		if (outputs.length > 0 && outputs.every((v) => typeof v === 'number'))
			refuse(TypeError, where, 'outputs', `must be ${ACCEPTED}`, outputs, 'Float32Array.from(array)');
		if (outputs.length !== wanted.length) refuseText(RangeError, where, 'outputs', rule(), `an array of ${outputs.length}`);
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

function describeDims(dims: readonly number[] | undefined): string {
	return Array.isArray(dims) ? ` [${dims.join(', ')}]` : '';
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

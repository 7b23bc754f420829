// Moving bytes between host and GPU: uploads, whole-buffer reads for the stage switch, and small facts about tensors.

import type { BoundTensor, CpuTensor } from '../tensors.js';
import { type Device, platformError } from './device.js';
import { createBuffer } from './slot.js';
import { MAP_MODE_READ, USAGE } from './stage.js';

/** Which tensors are float16. */
export function halves(tensors: readonly BoundTensor[]): boolean[] {
	return tensors.map(({ tensor }) => tensor.type === 'float16');
}

/** One word for the types of all tensors: shaders differ by it. */
export function typeKey(half: readonly boolean[]): string {
	return half.map((h) => (h ? 'h' : 'f')).join('');
}

/** The same tensors with arrays of our own; the same list where all are on the GPU, for what was made for it is known by it. */
export function copyOnCpu(tensors: readonly BoundTensor[]): readonly BoundTensor[] {
	const copy = (bound: BoundTensor) => (bound.tensor.location === 'cpu' ? { ...bound, tensor: { ...bound.tensor, data: bound.tensor.data.slice() } } : bound);
	return tensors.some(({ tensor }) => tensor.location === 'cpu') ? tensors.map(copy) : tensors;
}

/** Writes an array to a buffer; writeBuffer wants multiples of four bytes, so an odd half is padded. */
export function upload(queue: GPUQueue, buffer: GPUBuffer, data: CpuTensor['data']): void {
	const whole = data.byteLength - (data.byteLength % 4);
	if (whole > 0) queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, whole);
	if (whole === data.byteLength) return;
	const last = new Uint16Array(2);
	last[0] = data[data.length - 1];
	queue.writeBuffer(buffer, whole, last);
}

/** Unmaps a buffer once its map is settled, whatever came of it. */
export async function unmap(buffer: GPUBuffer | undefined, mapped: Promise<void> | undefined): Promise<void> {
	if (!buffer || !mapped) return;
	await mapped.then(
		() => buffer.unmap(),
		() => undefined,
	);
}

/** A part of a buffer, in bytes. */
export interface Part {
	readonly source: GPUBuffer;
	readonly offset: number;
	readonly bytes: number;
}

/** Where a mappable buffer comes from and goes to; `sound` is false after an error, when it may be broken. */
export interface Staging {
	take(bytes: number): GPUBuffer;
	giveBack(buffer: GPUBuffer, sound: boolean): void;
}

function madeForOnce(device: Device): Staging {
	return {
		take: (bytes) => createBuffer(device, 'read', bytes, USAGE.MAP_READ | USAGE.COPY_DST),
		giveBack: (buffer) => buffer.destroy(),
	};
}

/** Buffers kept at most between reads, and how much larger than needed one may be. */
const MOST_KEPT = 2;
const MOST_WASTE = 4;

/** Takes from a list and gives back to it: making a buffer and filling its pages costs more than copying through it. The list is its owner's to destroy. */
function keptIn(list: GPUBuffer[], device: Device): Staging {
	const once = madeForOnce(device);
	return {
		take: (bytes) => {
			const fits = list.findIndex(({ size }) => size >= bytes && size <= MOST_WASTE * bytes);
			return fits < 0 ? once.take(bytes) : list.splice(fits, 1)[0];
		},
		giveBack: (buffer, sound) => {
			if (sound) list.unshift(buffer);
			else buffer.destroy();
			for (const surplus of list.splice(MOST_KEPT)) surplus.destroy();
		},
	};
}

/** Parts of buffers copied to the host, laid end to end; by way of a buffer from `staging`. */
export async function readParts(device: Device, parts: readonly Part[], staging = madeForOnce(device)): Promise<ArrayBuffer> {
	const total = parts.reduce((sum, part) => sum + part.bytes, 0);
	let buffer: GPUBuffer | undefined;
	let mapped: Promise<void> | undefined;
	let sound = false;
	try {
		// made inside the scope: a buffer that cannot be had is this call's error
		const taken = await device.scoped('read', () => {
			buffer = staging.take(total);
			const encoder = device.gpu.createCommandEncoder({ label: 'kedge.read' });
			let to = 0;
			for (const { source, offset, bytes } of parts) {
				encoder.copyBufferToBuffer(source, offset, buffer, to, bytes);
				to += bytes;
			}
			device.gpu.queue.submit([encoder.finish()]);
			mapped = buffer.mapAsync(MAP_MODE_READ, 0, Math.ceil(total / 4) * 4);
			mapped.catch(() => undefined);
			return buffer;
		});
		await device.race(mapped as Promise<void>, undefined, 'read');
		const copy = taken.getMappedRange(0, total).slice(0);
		taken.unmap();
		sound = true;
		return copy;
	} catch (error) {
		throw platformError('read', error);
	} finally {
		if (buffer) staging.giveBack(buffer, sound);
	}
}

/** The contents of a buffer (or of a part), copied. */
export function readBuffer(device: Device, source: GPUBuffer, offset = 0, bytes = source.size - offset): Promise<ArrayBuffer> {
	return readParts(device, [{ source, offset, bytes }]);
}

/** A tensor in CPU memory, read from the GPU if it is there; by way of a buffer that stays in the list `kept`, if there is one. */
export async function readTensorOn(device: Device, bound: BoundTensor, kept?: GPUBuffer[]): Promise<BoundTensor> {
	const { tensor, strides } = bound;
	if (tensor.location === 'cpu') return bound;
	const half = tensor.type === 'float16';
	const first = Math.floor(tensor.offset / 4) * 4;
	const bytes = Math.ceil((tensor.offset - first + strides.numElements * (half ? 2 : 4)) / 4) * 4;
	const words = await readParts(device, [{ source: tensor.buffer, offset: first, bytes }], kept && keptIn(kept, device));
	const data = half ? new Uint16Array(words, tensor.offset - first, strides.numElements) : new Float32Array(words, 0, strides.numElements);
	return { strides, tensor: { location: 'cpu', type: tensor.type, data, dims: tensor.dims } };
}

/** Milliseconds per stage from pairs of timestamps (nanoseconds, two words each) at word `at`, and the total by the clock. */
export function timesOf(
	stages: readonly string[],
	u32: Uint32Array,
	at: number,
	started: number,
	wanted: boolean | undefined,
): Record<string, number> | undefined {
	if (!wanted) return undefined;
	const times: Record<string, number> = {};
	stages.forEach((stage, i) => {
		const stamp = (n: number) => u32[at + n * 2] + u32[at + n * 2 + 1] * 2 ** 32;
		times[stage] = (times[stage] ?? 0) + Math.max(0, stamp(i * 2 + 1) - stamp(i * 2)) / 1e6;
	});
	times.total = performance.now() - started;
	return times;
}

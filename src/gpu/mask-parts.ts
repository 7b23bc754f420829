// What a mask job takes on a GPU: bytes of its output, limits of the device, parts that fit the bindings, and the words
// that the shaders read (shaders/masks.wgsl.ts). Plain numbers; nothing here touches a device.

import { refuse } from '../checks.js';
import { type MaskJob, REGION } from '../masks/job.js';

/** Bytes of masks that one part makes at most. */
const MAX_PART_BYTES = 2 ** 26;
/** Workgroups along a dimension. */
export const MAX_GROUPS = 65535;
/** Words of a region: pixels (4), prototypes (4), where its logits begin (1, padded to 4). */
const REGION_WORDS = 12;
/** Bindings and the rows of a copy to a texture begin at multiples of this many bytes. */
export const ALIGNMENT = 256;

/** The limits that a job may meet. */
export type MaskLimits = Pick<GPUSupportedLimits, 'maxBufferSize' | 'maxStorageBufferBindingSize' | 'maxTextureDimension2D'>;

/** Detections [first, end) of a job. */
export interface Part {
	readonly first: number;
	readonly end: number;
	/** Logits of all their regions, and of the largest one. */
	readonly numLogits: number;
	readonly largest: number;
}

/** One map of all masks, not a mask each. */
export function isMap({ output }: MaskJob): boolean {
	return output === 'labels' || output === 'texture';
}

/** From a row of the map to the next one: 16-bit labels, padded as a copy to a texture wants it. */
export function mapRowBytes({ width }: MaskJob): number {
	return Math.ceil((width * 2) / ALIGNMENT) * ALIGNMENT;
}

/** Bytes of one mask, or of the whole map. */
export function unitBytes(job: MaskJob): number {
	const { height, width, output } = job;
	return height * (isMap(job) ? mapRowBytes(job) : width * (output === 'logits' ? 4 : 1));
}

/** Bytes of all prototypes. */
export function prototypeBytes({ numPrototypes, prototypeSize: [height, width], prototypes }: MaskJob): number {
	return numPrototypes * height * width * (prototypes.type === 'float16' ? 2 : 4);
}

function maxBinding({ maxBufferSize, maxStorageBufferBindingSize }: MaskLimits): number {
	return Math.min(maxBufferSize, maxStorageBufferBindingSize);
}

/** Throws a RangeError that names the argument, the limit and the value, when a job cannot be done in parts that fit. */
export function checkLimits(job: MaskJob, limits: MaskLimits): void {
	const check = (argument: string, what: string, value: number, limit: number, name: string) => {
		const rule = `must make ${what} of at most ${limit}, the device's ${name}`;
		if (value > limit) refuse(RangeError, 'assembleMasks', argument, rule, value, `ask for a device with a larger ${name}`);
	};
	const { height, width, output, prototypeSize, prototypes } = job;
	const binding = maxBinding(limits);
	const name = binding === limits.maxBufferSize ? 'maxBufferSize' : 'maxStorageBufferBindingSize';
	if (output === 'texture') check('size', 'a texture with sides', Math.max(height, width), limits.maxTextureDimension2D, 'maxTextureDimension2D');
	check('size', isMap(job) ? 'a map with bytes' : 'masks with bytes', unitBytes(job), binding, name);
	check('prototypes', 'logits with bytes', prototypeSize[0] * prototypeSize[1] * 4, binding, name);
	const skipped = prototypes.location === 'gpu' ? prototypes.offset % ALIGNMENT : 0;
	check('prototypes', 'a binding with bytes', skipped + prototypeBytes(job), binding, name);
}

/** As many detections at a time as fit the bindings, in order. */
export function partsOf(job: MaskJob, limits: MaskLimits): Part[] {
	const { count, regions } = job;
	const binding = maxBinding(limits);
	const fitting = isMap(job) ? MAX_GROUPS : Math.floor(Math.min(MAX_PART_BYTES, binding) / unitBytes(job));
	const most = Math.min(MAX_GROUPS, Math.max(1, fitting));
	const parts: Part[] = [];
	for (let first = 0, end = 0; first < count; first = end) {
		let [numLogits, largest] = [0, 0];
		for (; end < count && end - first < most; end++) {
			const area = regions[end * REGION + 6] * regions[end * REGION + 7];
			if ((numLogits + area) * 4 > binding) break;
			numLogits += area;
			largest = Math.max(largest, area);
		}
		parts.push({ first, end, numLogits, largest });
	}
	return parts;
}

/** The regions of a part, as the shader's struct. */
export function regionWords({ regions }: MaskJob, part: Part): Uint32Array<ArrayBuffer> {
	const words = new Uint32Array((part.end - part.first) * REGION_WORDS);
	let numLogits = 0;
	for (let i = part.first, at = 0; i < part.end; i++, at += REGION_WORDS) {
		words.set(regions.subarray(i * REGION, (i + 1) * REGION), at);
		words[at + REGION] = numLogits;
		numLogits += words[at + 6] * words[at + 7];
	}
	return words;
}

/** Index and weight of every output column, then of every row. */
export function tapWords({ columns, rows, width, height }: MaskJob): Uint32Array<ArrayBuffer> {
	const words = new Uint32Array((width + height) * 2);
	const floats = new Float32Array(words.buffer);
	[columns, rows].forEach(({ index, weight }, side) => {
		for (let i = 0, at = side * width * 2; i < index.length; i++, at += 2) {
			words[at] = index[i];
			floats[at + 1] = weight[i];
		}
	});
	return words;
}

// Masks on the CPU, only inside the boxes: coefficients x prototypes -> logits [height, width] of a region, resized row by
// row, then to bytes, logits or labels. Twin of shaders/masks.wgsl.ts: every sum and product in the same order.

import { halfToFloat, scoreOfKey } from '../numbers.js';
import type { CpuTensor } from '../tensors.js';
import { dropTiny, type MaskJob, type MaskLabels, type MaskLogits, type Masks, REGION, type Taps } from './job.js';

const round = Math.fround;

/** The masks of a job whose prototypes are in CPU memory. Not for output 'texture'. */
export function assembleOnCpu(job: MaskJob, prototypes: CpuTensor): Masks | MaskLogits | MaskLabels {
	const { count, height, width, output, regions } = job;
	const numbers = { count, height, width };
	const area = height * width;
	const sink = output === 'logits' ? logitSink(count * area) : output === 'labels' ? labelSink(area, job.minKey) : byteSink(count * area, job.minKey);
	const planes = count > 0 ? readPlanes(job, prototypes) : new Float32Array(0);
	const resizer = new Resizer(job);
	for (let i = 0; i < count; i++) {
		const region = regions.subarray(i * REGION, (i + 1) * REGION);
		const [x1, y1, x2, y2] = region;
		if (x1 >= x2) continue;
		resizer.start(region, regionLogits(job, planes, i, region));
		for (let y = y1; y < y2; y++) sink.write(i, (output === 'labels' ? 0 : i * area) + y * width + x1, resizer.row(y), x2 - x1);
	}
	return { ...numbers, data: sink.data } as Masks | MaskLogits | MaskLabels;
}

/** Prototypes as float32 [M, height, width], tiny ones 0. */
function readPlanes({ numPrototypes, prototypeSize: [height, width], strides }: MaskJob, { type, data }: CpuTensor): Float32Array {
	const planes = new Float32Array(numPrototypes * height * width);
	const isHalf = type === 'float16';
	let k = 0;
	for (let m = 0; m < numPrototypes; m++) {
		for (let y = 0; y < height; y++) {
			let at = m * strides.channel + y * strides.row;
			for (let x = 0; x < width; x++, at += strides.column) planes[k++] = dropTiny(isHalf ? halfToFloat(data[at]) : data[at]);
		}
	}
	return planes;
}

/** Coefficients of a detection times the prototypes of its region: [height, width] of the region. */
function regionLogits(
	{ numPrototypes, coefficients, prototypeSize: [height, width] }: MaskJob,
	planes: Float32Array,
	i: number,
	region: Uint32Array,
): Float32Array {
	const [left, top, numColumns, numRows] = region.subarray(4);
	const logits = new Float32Array(numColumns * numRows);
	for (let m = 0; m < numPrototypes; m++) {
		const coefficient = coefficients[i * numPrototypes + m];
		let k = 0;
		for (let y = 0; y < numRows; y++) {
			let at = (m * height + top + y) * width + left;
			// storing rounds the sum to float32
			for (let x = 0; x < numColumns; x++, k++, at++) logits[k] += round(coefficient * planes[at]);
		}
	}
	return logits;
}

/** (1 - weight) a + weight b; with weight 0 b is not looked at, be it NaN. */
function between(a: number, b: number, weight: number): number {
	return weight === 0 ? a : round(round((1 - weight) * a) + round(weight * b));
}

/** Bilinear resizing of one region, an output row at a time: along x first, each row of prototypes once, then along y. */
class Resizer {
	readonly #columns: Taps;
	readonly #rows: Taps;
	readonly #out: Float32Array;
	#upper: Float32Array;
	#lower: Float32Array;
	/** The rows of prototypes that `upper` and `lower` hold; -1 for none. */
	#upperRow = -1;
	#lowerRow = -1;
	#region: Uint32Array = new Uint32Array(REGION);
	#logits: Float32Array = new Float32Array(0);

	constructor({ columns, rows, width }: MaskJob) {
		this.#columns = columns;
		this.#rows = rows;
		this.#out = new Float32Array(width);
		this.#upper = new Float32Array(width);
		this.#lower = new Float32Array(width);
	}

	start(region: Uint32Array, logits: Float32Array): void {
		this.#region = region;
		this.#logits = logits;
		this.#upperRow = -1;
		this.#lowerRow = -1;
	}

	/** The logits of output row y, from the region's first pixel on; valid until the next call. */
	row(y: number): Float32Array {
		const index = this.#rows.index[y];
		const weight = this.#rows.weight[y];
		if (index === this.#lowerRow) {
			[this.#upper, this.#lower] = [this.#lower, this.#upper];
			[this.#upperRow, this.#lowerRow] = [index, -1];
		}
		if (index !== this.#upperRow) this.#stretch(index, this.#upper);
		this.#upperRow = index;
		if (weight === 0) return this.#upper;
		if (index + 1 !== this.#lowerRow) this.#stretch(index + 1, this.#lower);
		this.#lowerRow = index + 1;
		const length = this.#region[2] - this.#region[0];
		for (let k = 0; k < length; k++) this.#out[k] = between(this.#upper[k], this.#lower[k], weight);
		return this.#out;
	}

	/** A row of prototypes at the output's width; 0 outside of the region. */
	#stretch(row: number, to: Float32Array): void {
		const [x1, , x2, , left, top, numColumns, numRows] = this.#region;
		const { index, weight } = this.#columns;
		const isInside = row >= top && row < top + numRows;
		const at = (row - top) * numColumns;
		const tap = (x: number) => (x >= left && x < left + numColumns ? this.#logits[at + x - left] : 0);
		for (let x = x1; x < x2; x++) {
			to[x - x1] = isInside ? between(tap(index[x]), weight[x] === 0 ? 0 : tap(index[x] + 1), weight[x]) : 0;
		}
	}
}

/** Takes rows of logits: `length` of them, to stand from `at` on. */
interface Sink {
	readonly data: Uint8Array | Uint16Array | Float32Array;
	write(i: number, at: number, logits: Float32Array, length: number): void;
}

function byteSink(length: number, minKey: number): Sink {
	const data = new Uint8Array(length);
	const least = scoreOfKey(minKey); // NaN when nothing passes, and comparisons with NaN are false
	return {
		data,
		write(_, at, logits, length) {
			for (let k = 0; k < length; k++) data[at + k] = logits[k] >= least ? 1 : 0;
		},
	};
}

function labelSink(length: number, minKey: number): Sink {
	const data = new Uint16Array(length);
	const least = scoreOfKey(minKey);
	return {
		data,
		write(i, at, logits, length) {
			for (let k = 0; k < length; k++) if (logits[k] >= least && data[at + k] === 0) data[at + k] = i + 1;
		},
	};
}

function logitSink(length: number): Sink {
	const data = new Float32Array(length).fill(-Infinity);
	return {
		data,
		write(_, at, logits, length) {
			data.set(logits.subarray(0, length), at);
		},
	};
}

// From the hits of an anchor to candidate rows: which classes count, the box, the row. What every way of scanning shares.

import { isUsableBox } from '../boxes/overlap.js';
import type { Head, Level } from '../heads/head.js';
import { bitsToFloat, floatBits, halfToFloat } from '../numbers.js';
import type { CallParams } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import { AREA, CLASS, ID, KEY, ROW, writeBox } from './rows.js';
import type { Workspace } from './workspace.js';

/** The key that marks a NaN among hits; no number has it. */
export const NAN_KEY = 0;
/** Rows kept when there is a cut: beyond this many the worst are dropped as they come. */
const PRUNE_FROM = 2 ** 16;
const NO_ANCHORS = new Float32Array(4);

let halfTable: Int32Array | undefined;

/** Float32 bits of every half, made when the first half tensor is read. */
function halfBits(): Int32Array {
	halfTable ??= Int32Array.from({ length: 65536 }, (_, half) => ((half & 0x7fff) > 0x7c00 ? 0x7fc00000 : floatBits(halfToFloat(half))));
	return halfTable;
}

/** A group of channels of one level and image: raw elements and where they stand. */
export interface View {
	readonly data: Int32Array | Uint16Array;
	/** Element bits to float32 bits; undefined when they are. */
	readonly table: Int32Array | undefined;
	readonly start: number;
	readonly shape: number;
	readonly cell: number;
	readonly channel: number;
}

/** The float32 bits of an element. */
export function bitsAt(view: View, place: number): number {
	return view.table ? view.table[view.data[place]] : view.data[place];
}

/** What a scan of one level works with. */
export interface LevelScan {
	readonly w: Workspace;
	readonly head: Head;
	readonly multiLabel: boolean;
	readonly classFilter: Uint32Array | undefined;
	readonly call: CallParams;
	readonly level: Level;
	readonly box: View;
	readonly classes: View;
	readonly objectness: View | undefined;
}

/** A view of a group of channels, from the first one, of one image. */
export function makeView({ tensor, strides }: BoundTensor, channel: number, image: number): View {
	if (tensor.location !== 'cpu') throw new TypeError('run: outputs must be in CPU memory for the CPU backend; got a GPUBuffer');
	const { data } = tensor;
	const isHalf = tensor.type === 'float16';
	return {
		data: isHalf ? (data as Uint16Array) : new Int32Array(data.buffer, data.byteOffset, data.length),
		table: isHalf ? halfBits() : undefined,
		start: image * strides.image + channel * strides.channel,
		shape: strides.shape,
		cell: strides.cell,
		channel: strides.channel,
	};
}

/** Whether a class takes part. */
export function isAllowed(scan: LevelScan, classId: number): boolean {
	return scan.classFilter === undefined || ((scan.classFilter[classId >>> 5] >>> (classId & 31)) & 1) === 1;
}

/** The shape and the cell of an anchor of a level. */
export function shapeOf(level: Level, a: number): number {
	return level.order === 'ayx' ? Math.floor(a / (level.grid[0] * level.grid[1])) : a % level.numShapes;
}
export function cellOf(level: Level, a: number): number {
	return level.order === 'ayx' ? a % (level.grid[0] * level.grid[1]) : Math.floor(a / level.numShapes);
}

/**
 * Makes candidates of an anchor's hits: classes ascending, keys that pass or NAN_KEY, from `begin` to `end`. Arg-max
 * takes the highest key, the lowest class among equals, and nothing from an anchor with a NaN; multi-label takes each.
 */
export function emit(scan: LevelScan, a: number, shape: number, cell: number, classes: Uint32Array, keys: Uint32Array, begin: number, end: number): void {
	const { w, multiLabel, head } = scan;
	let numNaN = 0;
	let best = begin;
	for (let i = begin; i < end; i++) {
		if (keys[i] === NAN_KEY) numNaN++;
		else if (keys[i] > keys[best]) best = i;
	}
	if (!multiLabel && numNaN > 0) {
		w.rejected++;
		return;
	}
	w.rejected += numNaN;
	const numNew = multiLabel ? end - begin - numNaN : Math.min(1, end - begin);
	if (numNew === 0) return;
	const anchor = scan.level.firstAnchor + a;
	const at = decodeRow(scan, a, shape, cell, numNew);
	if (at < 0) {
		w.rejected += numNew;
		return;
	}
	if (!multiLabel) {
		append(scan, at, keys[best], anchor, classes[best]);
		return;
	}
	for (let i = begin; i < end; i++) {
		if (keys[i] !== NAN_KEY) append(scan, at, keys[i], anchor * head.numClasses + classes[i], classes[i]);
	}
}

/** Decodes an anchor's box into the next free row, with room for `numNew` rows; -1 when the box cannot be used. */
function decodeRow(scan: LevelScan, a: number, shape: number, cell: number, numNew: number): number {
	const { w, head, box, level } = scan;
	const { raw } = w;
	if (w.count >= PRUNE_FROM && w.count >= 4 * scan.call.maxCandidates) w.prune(scan.call.maxCandidates, scan.call.tiesHighest);
	w.reserve(w.count + numNew);
	const { rows } = w;
	const at = w.count * ROW;
	const place = box.start + shape * box.shape + cell * box.cell;
	const { codec } = head;
	for (let c = 0; c < codec.numRaw; c++) raw[c] = bitsToFloat(bitsAt(box, place + c * box.channel));
	const anchors = head.anchors ?? NO_ANCHORS;
	codec.decodeBox(raw, 0, anchors, head.anchors ? (level.firstAnchor + a) * 4 : 0, level.stride, rows, at);
	if (!isUsableBox(rows[at], rows[at + 1], rows[at + 2], rows[at + 3])) return -1;
	writeBox(rows, at, rows[at], rows[at + 1], rows[at + 2], rows[at + 3]);
	return at;
}

/** Adds a row with the box that stands at word `from`. */
function append({ w }: LevelScan, from: number, key: number, id: number, classId: number): void {
	const { rows, words } = w;
	const at = w.count++ * ROW;
	if (at !== from) for (let i = 0; i <= AREA; i++) rows[at + i] = rows[from + i];
	words[at + KEY] = key;
	words[at + ID] = id;
	words[at + CLASS] = classId;
	if (id < w.lastId) w.idsAscend = false;
	w.lastId = id;
	w.numCandidates++;
}

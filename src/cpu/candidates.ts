// From the hits of an anchor to candidate rows: which classes count, the box, the row. What every way of scanning shares.

import { clipBox, isTooSmall, isUsableAngle, TOO_SMALL } from '../boxes/limits.js';
import { flushCoordinate, isUsableBox } from '../boxes/overlap.js';
import { anchorWidth } from '../codecs/codec.js';
import { numRawApart, numScores, scoresAreClasses } from '../head-facts.js';
import type { Head, Level } from '../heads/head.js';
import { bitsToFloat, floatBits, halfToFloat, isNaNBits, keyOfBits } from '../numbers.js';
import type { CallParams } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import { AREA, CLASS, ID, KEY, ROW, writeBox } from './rows.js';
import type { Workspace } from './workspace.js';

/** The key that marks a NaN among hits; no number has it. */
export const NAN_KEY = 0;
/** Rows kept when there is a cut: beyond this many the worst are dropped as they come. */
const PRUNE_FROM = 2 ** 16;
const NO_ANCHORS = new Float32Array(5);

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
	/** Objectness, or class ids. */
	readonly extra: View | undefined;
	/** Anchors that come with the call. */
	readonly anchors: View | undefined;
	/** Elements from the first raw number of a box to its angle. */
	readonly angleStep: number;
	/** Anchors of the level in this call. */
	readonly numAnchors: number;
	/** The level's number, and the row at which its candidates begin. */
	readonly index: number;
	readonly firstRow: number;
}

/** A view of a group of channels of one image; `first` is the element of the group's first number. */
export function makeView({ tensor, strides }: BoundTensor, first: number, image: number): View {
	if (tensor.location !== 'cpu') throw new TypeError('run: outputs must be in CPU memory for the CPU backend; got a GPUBuffer');
	const { data } = tensor;
	const isHalf = tensor.type === 'float16';
	return {
		data: isHalf ? (data as Uint16Array) : new Int32Array(data.buffer, data.byteOffset, data.length),
		table: isHalf ? halfBits() : undefined,
		start: image * strides.image + first,
		shape: strides.shape,
		cell: strides.cell,
		channel: strides.channel,
	};
}

/** Whether a class takes part. */
export function isAllowed(scan: LevelScan, classId: number): boolean {
	return scan.classFilter === undefined || ((scan.classFilter[classId >>> 5] >>> (classId & 31)) & 1) === 1;
}

/** True when no neighbour of a cell has a higher value in the channel of the element at `place`; NaN exceeds nothing. */
export function isPeak(view: View, place: number, cell: number, [height, width]: readonly [number, number]): boolean {
	const key = keyOfBits(bitsAt(view, place) >>> 0);
	const x = cell % width;
	const y = Math.floor(cell / width);
	for (let dy = y > 0 ? -1 : 0; dy <= 1 && y + dy < height; dy++) {
		for (let dx = x > 0 ? -1 : 0; dx <= 1 && x + dx < width; dx++) {
			const bits = bitsAt(view, place + (dy * width + dx) * view.cell);
			if (!isNaNBits(bits) && keyOfBits(bits >>> 0) > key) return false;
		}
	}
	return true;
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
	const numIds = numScores(head);
	if (!multiLabel) {
		emitOne(scan, a, shape, cell, keys[best], anchor, classes[best]);
		return;
	}
	if (head.boxStep || !scoresAreClasses(head)) {
		for (let i = begin; i < end; i++) if (keys[i] !== NAN_KEY) emitOne(scan, a, shape, cell, keys[i], anchor * numIds + classes[i], classes[i]);
		return;
	}
	const at = decodeRow(scan, a, shape, cell, 0, numNew);
	if (at < 0) {
		w.rejected += numNew;
		return;
	}
	for (let i = begin; i < end; i++) {
		if (keys[i] !== NAN_KEY) append(scan, at, keys[i], anchor * numIds + classes[i], classes[i]);
	}
}

/** One candidate with a box of its own. */
function emitOne(scan: LevelScan, a: number, shape: number, cell: number, key: number, id: number, index: number): void {
	const at = decodeRow(scan, a, shape, cell, index, 1);
	const classId = classIdOf(scan, shape, cell, index);
	if (at < 0 || classId < 0) scan.w.rejected++;
	else if (scoresAreClasses(scan.head) || isAllowed(scan, classId)) append(scan, at, key, id, classId);
}

/** The class of an anchor's score by its number; -1 when the given id is no class. */
function classIdOf({ head, extra, index }: LevelScan, shape: number, cell: number, score: number): number {
	const { classes } = head.score;
	if (classes === 'level') return index;
	if (classes !== 'given') return score;
	const view = extra as View;
	const id = bitsToFloat(bitsAt(view, view.start + shape * view.shape + cell * view.cell));
	return id > -1 && id < head.numClasses ? Math.trunc(id) : -1;
}

/** Decodes an anchor's box (of class `index`, where each has its own) into the next free row, with room for `numNew` rows; -1 when it cannot be used. */
function decodeRow(scan: LevelScan, a: number, shape: number, cell: number, index: number, numNew: number): number {
	const { w, head, box, level, firstRow } = scan;
	const { raw } = w;
	const most = Math.min(scan.call.maxCandidates, head.maxCandidatesPerLevel ?? scan.call.maxCandidates);
	const numRows = w.count - firstRow;
	if (numRows >= PRUNE_FROM && numRows >= 4 * most) w.prune(firstRow, most, scan.call.tiesHighest);
	w.reserve(w.count + numNew);
	const { rows } = w;
	const at = w.count * ROW;
	const place = box.start + shape * box.shape + cell * box.cell + (head.boxStep ?? 0) * index * box.channel;
	const { codec } = head;
	const last = codec.numRaw - 1;
	for (let c = 0; c < last; c++) raw[c] = bitsToFloat(bitsAt(box, place + c * box.channel));
	raw[last] = bitsToFloat(bitsAt(box, place + (codec.rotated ? scan.angleStep : last * box.channel)));
	const numApart = numRawApart(level);
	if (numApart > 0) readApart(scan.extra as View, shape, cell, raw, codec.numRaw - numApart, codec.numRaw);
	const given = scan.anchors && readAnchor(scan.anchors, cell, w.anchor);
	const anchors = given ?? head.anchors ?? NO_ANCHORS;
	codec.decodeBox(raw, 0, anchors, given || !head.anchors ? 0 : (level.firstAnchor + a) * anchorWidth(codec.anchors), level.stride, rows, at);
	if (!isUsableBox(rows[at], rows[at + 1], rows[at + 2], rows[at + 3])) return -1;
	if (codec.rotated) return finishRotated(rows, at);
	if (head.clip) {
		for (let c = 0; c < 4; c++) rows[at + c] = flushCoordinate(rows[at + c]);
		clipBox(rows, at, head.clip);
	}
	writeBox(rows, at, rows[at], rows[at + 1], rows[at + 2], rows[at + 3]);
	const { minSize = 0 } = head;
	if (minSize > 0 && isTooSmall(rows[at], rows[at + 1], rows[at + 2], rows[at + 3], minSize)) rows[at + AREA] = TOO_SMALL;
	return at;
}

/** The last raw numbers, from another tensor than the first. */
function readApart(view: View, shape: number, cell: number, raw: Float32Array, begin: number, end: number): void {
	const place = view.start + shape * view.shape + cell * view.cell;
	for (let c = begin; c < end; c++) raw[c] = bitsToFloat(bitsAt(view, place + (c - begin) * view.channel));
}

/** The anchor of a cell that came with the call. */
function readAnchor(view: View, cell: number, out: Float32Array): Float32Array {
	const place = view.start + cell * view.cell;
	for (let c = 0; c < 4; c++) out[c] = bitsToFloat(bitsAt(view, place + c * view.channel));
	return out;
}

/** A box with an angle, which stands in the place of the area. */
function finishRotated(rows: Float32Array, at: number): number {
	if (!isUsableAngle(rows[at + AREA])) return -1;
	for (let c = 0; c <= AREA; c++) rows[at + c] = flushCoordinate(rows[at + c]);
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

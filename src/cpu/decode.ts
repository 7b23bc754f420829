// Twin of shaders/decode.wgsl.ts: raw head to candidates. Per anchor: the classes that pass (the best one, or for
// multi-label each), the box once it is needed, then append. Multi-label runs in phases: count, refine, select.

import { areaOf, flushCoordinate, isUsableBox } from '../boxes/overlap.js';
import type { Head } from '../heads/head.js';
import { CANDIDATE, COUNTERS, type LevelValues, type Params, PHASE } from '../layout.js';
import { bitsToFloat, exp32, floatBits, flushProduct, halfToFloat, isNaNBits, keyOf, keyOfBits, reciprocal32, sigmoid32 } from '../numbers.js';
import type { CpuTensor } from '../tensors.js';
import { binOf } from './bins.js';
import { candidateWord, type Memory, type State, tieOrder } from './memory.js';

const round = Math.fround;

/** The bits of element i as a float32. */
function bitsAt(tensor: CpuTensor, i: number): number {
	if (tensor.type === 'float16') return floatBits16(tensor.data[i]);
	return new Uint32Array(tensor.data.buffer, tensor.data.byteOffset + i * 4, 1)[0];
}

/** A half's value as float32 bits; a NaN stays a NaN. */
function floatBits16(half: number): number {
	return (half & 0x7fff) > 0x7c00 ? 0x7fc00000 : floatBits(halfToFloat(half));
}

/** What one pass over one level of one image works with. */
export interface DecodePass {
	readonly head: Head;
	readonly tensors: { box: CpuTensor; classes: CpuTensor; extra?: CpuTensor };
	readonly memory: Memory;
	readonly state: State;
	readonly image: number;
	readonly params: Params;
	readonly level: LevelValues;
	readonly classFilter: Uint32Array | undefined;
	/** Class ids stand in `extra` and there is one class channel: the boxes of nms(). */
	readonly givenClasses: boolean;
}

/** One level of one image of the `decode` stage. */
export function decode(pass: DecodePass): void {
	for (let a = 0; a < pass.level.num_anchors; a++) decodeAnchor(pass, a);
}

function decodeAnchor(pass: DecodePass, a: number): void {
	const { level, params, state, head } = pass;
	const shape = level.shape_major ? Math.floor(a / level.num_cells) : a % level.num_shapes;
	const cell = level.shape_major ? a % level.num_cells : Math.floor(a / level.num_shapes);
	const classAt = level.class_base + pass.image * level.class_image + shape * level.class_shape + cell * level.class_cell;
	const extraAt = level.extra_base + pass.image * level.extra_image + shape * level.extra_shape + cell * level.extra_cell;
	const reject = () => {
		if (level.phase !== PHASE.refine && !(params.multi_label && level.phase === PHASE.select)) state.counters[COUNTERS.rejected]++;
	};

	let factor = 1;
	if (head.score.objectness) {
		const bits = bitsAt(pass.tensors.extra as CpuTensor, extraAt);
		if (isNaNBits(bits)) return reject();
		if (keyOfBits(bits) < params.min_objectness_key) return;
		factor = head.score.objectness.activation === 'sigmoid' ? sigmoid32(bitsToFloat(bits)) : bitsToFloat(bits);
	}
	const keys = classKeys(pass, classAt, factor);
	if (!keys) return reject();

	let box: Float32Array | undefined | null;
	const emit = (classIndex: number, key: number) => {
		if (box === undefined) box = decodeBox(pass, a, shape, cell);
		if (box === null) return reject();
		const classId = pass.givenClasses ? bitsAt(pass.tensors.extra as CpuTensor, extraAt) : classIndex;
		const anchor = level.first_anchor + a;
		append(pass, box, key, params.multi_label ? anchor * params.num_classes + classIndex : anchor, classId);
	};
	if (params.multi_label) {
		keys.forEach((key, c) => {
			if (key === NAN_KEY) reject();
			else if (key >= params.min_key && key !== SKIPPED_KEY) emit(c, key);
		});
		return;
	}
	let best = -1;
	for (let c = 0; c < keys.length; c++) {
		if (keys[c] === NAN_KEY) return reject();
		if (keys[c] !== SKIPPED_KEY && (best < 0 || keys[c] > keys[best])) best = c;
	}
	if (best >= 0 && keys[best] >= params.min_key) emit(best, keys[best]);
}

// No number has these keys: they lie beyond Infinity and below -Infinity.
const NAN_KEY = 0xffffffff;
const SKIPPED_KEY = 0;

/** The key of every class of an anchor; undefined when a softmax has no value. */
function classKeys(pass: DecodePass, at: number, factor: number): Uint32Array | undefined {
	const { head, level, params, classFilter } = pass;
	const { activation, background, objectness } = head.score;
	const first = activation === 'softmax' && background === 'first' ? 1 : 0;
	const read = (channel: number) => bitsAt(pass.tensors.classes, at + channel * level.class_channel);
	const keys = new Uint32Array(params.num_classes);
	let largest = Number.NEGATIVE_INFINITY;
	let scale = 0;
	if (activation === 'softmax') {
		const channels = params.num_classes + (background === 'none' ? 0 : 1);
		const values: number[] = [];
		for (let c = 0; c < channels; c++) {
			const bits = read(c);
			if (isNaNBits(bits)) return undefined;
			values.push(bitsToFloat(bits));
			largest = Math.max(largest, values[c]);
		}
		let sum = 0;
		for (const value of values) sum = round(sum + exp32(round(value - largest)));
		scale = reciprocal32(sum);
	}
	for (let c = 0; c < keys.length; c++) {
		if (classFilter && !((classFilter[c >> 5] >>> (c & 31)) & 1)) continue;
		const bits = read(first + c);
		if (isNaNBits(bits)) keys[c] = NAN_KEY;
		else if (activation === 'softmax') keys[c] = keyOf(flushProduct(round(exp32(round(bitsToFloat(bits) - largest)) * scale)));
		else if (objectness) keys[c] = productKey(factor, activation === 'sigmoid' ? sigmoid32(bitsToFloat(bits)) : bitsToFloat(bits));
		else keys[c] = keyOfBits(bits);
	}
	return keys;
}

/** Objectness times class; 0 times Infinity is not a number. */
function productKey(objectness: number, score: number): number {
	const bits = floatBits(flushProduct(round(objectness * score)));
	return isNaNBits(bits) ? NAN_KEY : keyOfBits(bits);
}

/** The box of an anchor, or null when it cannot be used. */
function decodeBox(pass: DecodePass, a: number, shape: number, cell: number): Float32Array | null {
	const { head, level, image } = pass;
	const at = level.box_base + image * level.box_image + shape * level.box_shape + cell * level.box_cell;
	const raw = Float32Array.from({ length: head.codec.numRaw }, (_, c) => bitsToFloat(bitsAt(pass.tensors.box, at + c * level.box_channel)));
	const box = new Float32Array(4);
	head.codec.decodeBox(raw, 0, head.anchors ?? box, head.anchors ? (level.first_anchor + a) * 4 : 0, level.stride, box, 0);
	if (!isUsableBox(box[0], box[1], box[2], box[3])) return null;
	for (let c = 0; c < 4; c++) box[c] = flushCoordinate(box[c]);
	return box;
}

function append(pass: DecodePass, box: Float32Array, key: number, id: number, classId: number): void {
	const { params, memory, state, level, image } = pass;
	const { counters, histogram, cursors } = state;
	if (params.multi_label && level.phase === PHASE.refine) {
		const low = counters[COUNTERS.refine_low];
		const byKeys = counters[COUNTERS.refining] === 1;
		const order = byKeys ? key : tieOrder(params, id);
		if (counters[COUNTERS.refining] === 0 || (!byKeys && key !== counters[COUNTERS.cut_key]) || order < low) return;
		const bin = Math.floor((order - low) / counters[COUNTERS.refine_width]);
		if (bin < memory.sizes.bins) cursors[bin]++;
		return;
	}
	if (params.multi_label && level.phase === PHASE.count) {
		histogram[binOf(params, key, id, memory.sizes.bins)]++;
		counters[COUNTERS.passed]++;
		return;
	}
	if (params.multi_label) {
		const cutKey = counters[COUNTERS.cut_key];
		if (key < cutKey || (key === cutKey && tieOrder(params, id) > counters[COUNTERS.cut_tie])) return;
	} else {
		histogram[binOf(params, key, id, memory.sizes.bins)]++;
		counters[COUNTERS.passed]++;
	}
	const row = candidateWord(memory, image, counters[COUNTERS.appended]++);
	const { u32, f32 } = memory.candidates;
	f32.set(box, row + CANDIDATE.words.box);
	f32[row + CANDIDATE.words.area] = areaOf(box[0], box[1], box[2], box[3]);
	u32[row + CANDIDATE.words.key] = key;
	u32[row + CANDIDATE.words.id] = id;
	u32[row + CANDIDATE.words.class_id] = classId;
}

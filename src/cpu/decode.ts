// Twin of shaders/decode.wgsl.ts: raw head to candidates. Per anchor: the classes that pass (the best one, or for
// multi-label each), the box once it is needed, then append. Multi-label runs in phases: count, refine, select.

import { clipBox, isTooSmall, isUsableAngle, TOO_SMALL } from '../boxes/limits.js';
import { areaOf, flushCoordinate, isUsableBox } from '../boxes/overlap.js';
import { anchorWidth } from '../codecs/codec.js';
import { numScores } from '../head-facts.js';
import type { Head } from '../heads/head.js';
import { CANDIDATE, COUNTERS, type LevelValues, type Params, PHASE } from '../layout.js';
import { bitsToFloat, exp32, floatBits, flushProduct, isNaNBits, keyOf, keyOfBits, reciprocal32, sigmoid32 } from '../numbers.js';
import type { CpuTensor } from '../tensors.js';
import { binOf } from './bins.js';
import { elementBits, givenAnchor, numberAt } from './elements.js';
import { candidateWord, type Memory, type State, tieOrder } from './memory.js';

const round = Math.fround;

/** What one pass over one level of one image works with. */
export interface DecodePass {
	readonly head: Head;
	readonly tensors: { box: CpuTensor; classes: CpuTensor; extra?: CpuTensor; anchors?: CpuTensor };
	readonly memory: Memory;
	/** Of the slot that the level's candidates go to. */
	readonly state: State;
	readonly image: number;
	readonly params: Params;
	readonly level: LevelValues;
	readonly classFilter: Uint32Array | undefined;
	/** Class ids stand in `extra` as integers, and there is one class channel: the boxes of nms(). */
	readonly givenClasses: boolean;
	/** So many of the last raw numbers of a box stand in `extra`. */
	readonly numApart: number;
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
	const { objectness } = head.score;
	if (objectness) {
		const bits = elementBits(pass.tensors.extra as CpuTensor, extraAt);
		if (isNaNBits(bits)) return reject();
		if (keyOfBits(bits) < params.min_objectness_key) return;
		factor = objectness.activation === 'sigmoid' ? sigmoid32(bitsToFloat(bits)) : bitsToFloat(bits);
	}
	const keys = classKeys(pass, classAt, factor, cell);
	if (!keys) return reject();

	let box: Float32Array | undefined | null;
	const emit = (index: number, key: number) => {
		if (box === undefined || head.boxStep) box = decodeBox(pass, a, shape, cell, index);
		const classId = classIdOf(pass, index, extraAt);
		if (box === null || classId < 0) return reject();
		if (!isAllowed(pass.classFilter, classId)) return;
		const anchor = level.first_anchor + a;
		append(pass, box, key, params.multi_label ? anchor * params.num_classes + index : anchor, classId);
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

/** The class of a score, by its number among the anchor's scores; -1 when the given id is no class. */
function classIdOf(pass: DecodePass, index: number, extraAt: number): number {
	const { score, numClasses } = pass.head;
	if (score.classes === 'level') return pass.level.level;
	if (score.classes !== 'given' && !pass.givenClasses) return index;
	const bits = elementBits(pass.tensors.extra as CpuTensor, extraAt);
	if (pass.givenClasses) return bits;
	const id = bitsToFloat(bits);
	return id > -1 && id < numClasses ? Math.trunc(id) : -1;
}

function isAllowed(classFilter: Uint32Array | undefined, classId: number): boolean {
	return classFilter === undefined || ((classFilter[classId >> 5] >>> (classId & 31)) & 1) === 1;
}

// No number has these keys: they lie beyond Infinity and below -Infinity.
const NAN_KEY = 0xffffffff;
const SKIPPED_KEY = 0;

/** The key of every score of an anchor; undefined when a softmax has no value. */
function classKeys(pass: DecodePass, at: number, factor: number, cell: number): Uint32Array | undefined {
	const { head, level, classFilter } = pass;
	const { activation, background, objectness, peaks } = head.score;
	const first = activation === 'softmax' && background === 'first' ? 1 : 0;
	const read = (channel: number) => elementBits(pass.tensors.classes, at + channel * level.class_channel);
	const keys = new Uint32Array(numScores(head));
	const filtered = numScores(head) === head.numClasses && (head.score.classes ?? 'channels') === 'channels' && !pass.givenClasses;
	const softmax = activation === 'softmax' ? softmaxOf(head, read) : { largest: 0, scale: 1 };
	if (!softmax) return undefined;
	for (let c = 0; c < keys.length; c++) {
		if (filtered && !isAllowed(classFilter, c)) continue;
		const bits = read(first + c);
		if (isNaNBits(bits)) {
			keys[c] = NAN_KEY;
			continue;
		}
		if (peaks && !isPeak(pass, at + c * level.class_channel, cell, bits)) continue;
		let value = bitsToFloat(bits);
		if (activation === 'softmax') value = flushProduct(round(exp32(round(value - softmax.largest)) * softmax.scale));
		else if (activation === 'sigmoid' && objectness) value = sigmoid32(value);
		if (objectness) keys[c] = productKey(factor, value);
		else keys[c] = activation === 'softmax' ? keyOf(value) : keyOfBits(bits);
	}
	return keys;
}

/** The largest logit of an anchor and the reciprocal of the sum of all exponentials; undefined when one is NaN. */
function softmaxOf(head: Head, read: (channel: number) => number): { largest: number; scale: number } | undefined {
	const channels = numScores(head) + (head.score.background === 'none' ? 0 : 1);
	const values: number[] = [];
	let largest = Number.NEGATIVE_INFINITY;
	for (let c = 0; c < channels; c++) {
		const bits = read(c);
		if (isNaNBits(bits)) return undefined;
		values.push(bitsToFloat(bits));
		largest = Math.max(largest, values[c]);
	}
	let sum = 0;
	for (const value of values) sum = round(sum + exp32(round(value - largest)));
	return { largest, scale: reciprocal32(sum) };
}

/** True when no neighbour of the cell has a higher value in this channel; NaN exceeds nothing. */
function isPeak({ level, tensors }: DecodePass, at: number, cell: number, bits: number): boolean {
	const width = level.grid_width;
	const x = cell % width;
	const y = Math.floor(cell / width);
	const height = level.num_cells / width;
	for (let dy = -1; dy <= 1; dy++) {
		for (let dx = -1; dx <= 1; dx++) {
			if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
			const other = elementBits(tensors.classes, at + (dy * width + dx) * level.class_cell);
			if (!isNaNBits(other) && keyOfBits(other) > keyOfBits(bits)) return false;
		}
	}
	return true;
}

/** Objectness times class; 0 times Infinity is not a number. */
function productKey(objectness: number, score: number): number {
	const bits = floatBits(flushProduct(round(flushProduct(objectness) * flushProduct(score))));
	return isNaNBits(bits) ? NAN_KEY : keyOfBits(bits);
}

/** The box of an anchor, and its angle where it has one, or null when it cannot be used. `index`: of a class with a box of its own. */
function decodeBox(pass: DecodePass, a: number, shape: number, cell: number, index: number): Float32Array | null {
	const { head, level, image } = pass;
	const { codec } = head;
	const at = level.box_base + image * level.box_image + shape * level.box_shape + cell * level.box_cell + index * level.box_class;
	const firstApart = codec.numRaw - pass.numApart;
	const apartAt = level.extra_base + image * level.extra_image + shape * level.extra_shape + cell * level.extra_cell;
	const raw = Float32Array.from({ length: codec.numRaw }, (_, c) => {
		const isAngle = codec.rotated && c === codec.numRaw - 1;
		if (c >= firstApart) return numberAt(pass.tensors.extra as CpuTensor, apartAt + (c - firstApart) * level.extra_channel);
		return bitsToFloat(elementBits(pass.tensors.box, (at + (isAngle ? level.angle_step : c * level.box_channel)) >>> 0));
	});
	const box = new Float32Array(5);
	const anchors = pass.tensors.anchors ? givenAnchor(pass.tensors.anchors, level, image, cell) : head.anchors;
	const row = pass.tensors.anchors ? 0 : (level.first_anchor + a) * anchorWidth(codec.anchors);
	codec.decodeBox(raw, 0, anchors ?? box, anchors ? row : 0, level.stride, box, 0);
	if (!isUsableBox(box[0], box[1], box[2], box[3]) || (codec.rotated && !isUsableAngle(box[4]))) return null;
	for (let c = 0; c < 5; c++) box[c] = flushCoordinate(box[c]);
	if (head.clip) clipBox(box, 0, head.clip);
	return box;
}

function append(pass: DecodePass, box: Float32Array, key: number, id: number, classId: number): void {
	const { params, memory, state, level } = pass;
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
	const row = candidateWord(memory, slotOf(pass), counters[COUNTERS.appended]++);
	const { u32, f32 } = memory.candidates;
	f32.set(box.subarray(0, 4), row + CANDIDATE.words.box);
	f32[row + CANDIDATE.words.area] = areaWord(pass.head, box);
	u32[row + CANDIDATE.words.key] = key;
	u32[row + CANDIDATE.words.id] = id;
	u32[row + CANDIDATE.words.class_id] = classId;
}

/** What stands in the place of the area: the angle where there is one, a mark where the box is too small. */
function areaWord({ codec, minSize = 0 }: Head, box: Float32Array): number {
	if (codec.rotated) return box[4];
	if (minSize > 0 && isTooSmall(box[0], box[1], box[2], box[3], minSize)) return TOO_SMALL;
	return areaOf(box[0], box[1], box[2], box[3]);
}

/** The list that a level's candidates go to. */
function slotOf({ image, params, level }: DecodePass): number {
	return image * params.slots + level.slot;
}

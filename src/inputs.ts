// The arrays that single operations take, checked once before any work: boxes, scores, class ids. What comes out are
// plain Float32Arrays of equal length, xyxy; the caller's arrays are never written to.

import type { SoftRule } from './boxes/decay.js';
import { BOX_FORMATS, type BoxFormat, convertBoxes } from './boxes/formats.js';
import { isUsableAngle } from './boxes/limits.js';
import type { OverlapRule } from './boxes/overlap.js';
import { upright } from './boxes/rotated-formats.js';
import { checkAttached, checkNumber, checkWord, NO_LIMIT, readOptions, refuse, refuseUnless } from './checks.js';
import { type CallOptions, checkCall, checkSoftThreshold, type SoftNms, toCallParams } from './options.js';
import type { IouKind, NmsInput, PairKind } from './pipeline.js';
import type { CallParams } from './plan.js';
import { checkSemantics, overlapRuleOf, type Semantics, type SemanticsPreset } from './semantics.js';
import { checkSoft } from './soft-check.js';

/** Numbers as callers may give them: Float32Array, Float64Array, Float16Array, Int32Array, number[]; rounded to float32 once. */
export type FloatsLike = Float32Array | Float64Array | Int32Array | readonly number[];

/**
 * Boxes as callers may give them: flat xyxy [N, 4], or in a named format. 'cxcywhr' are rotated ones [N, 5]: centre, size, and the angle in
 * radians, clockwise on the screen; `convertRotated` makes them of other angles.
 */
export type BoxesLike = FloatsLike | { readonly data: FloatsLike; readonly format: BoxFormat | 'cxcywhr' };

/** Options of `nms`. */
export interface NmsOptions extends Pick<CallOptions, 'scoreThreshold' | 'maxDetections' | 'maxCandidates'> {
	/** A kept box removes those that overlap it by more than this, 0 to 1. */
	iouThreshold: number;
	/** Class ids [N]: boxes of different classes never suppress each other. */
	classIds?: ArrayLike<number> | ArrayLike<bigint>;
	/** A library's way of NMS by its name, or single switches. Default 'default'. */
	semantics?: SemanticsPreset | Semantics;
}

/** Options of `softNms`. */
export interface SoftNmsOptions extends SoftNms, Pick<CallOptions, 'scoreThreshold' | 'maxDetections' | 'maxCandidates'> {
	/** Decayed scores stay above this, 0 or more. Default 0. */
	scoreThreshold?: number;
	/** Where 'linear' begins to decay, and what `softRemoval: 'hard'` removes above, 0 to 1: needed there. Otherwise a Gaussian does not ask for it. */
	iouThreshold?: number;
	/** Class ids [N]: boxes of different classes do not touch each other's scores. */
	classIds?: ArrayLike<number> | ArrayLike<bigint>;
	/** A library's way by its name, or single switches. Default 'default'. */
	semantics?: SemanticsPreset | Semantics;
}

/** Options of `boxIou`. */
export interface BoxIouOptions {
	/** Default 'iou'. Rotated boxes have 'iou' and 'probiou', all others every kind but 'probiou'. */
	kind?: IouKind;
}

const NMS_KEYS = ['iouThreshold', 'scoreThreshold', 'maxDetections', 'maxCandidates', 'classIds', 'semantics'] as const;
const SOFT_NMS_KEYS = [...NMS_KEYS, 'method', 'sigma'] as const;
const IOU_KINDS = ['iou', 'giou', 'diou', 'ciou', 'iof', 'iom'] as const;
const ROTATED_IOU_KINDS = ['iou', 'probiou'] as const;
const ROTATED = 'cxcywhr';

/** The arguments of `nms`. */
export function checkNms(where: string, boxes: unknown, scores: unknown, options: unknown): { input: NmsInput; call: CallParams; overlap: OverlapRule } {
	const { rows, rotated, column } = checkScored(where, boxes, scores);
	const read = readOptions(where, 'options', options, NMS_KEYS);
	if (read.iouThreshold === undefined) refuse(TypeError, where, 'iouThreshold', 'must be given, 0 to 1', undefined);
	const numbers = checkCall(where, read, NO_LIMITS);
	const classIds = read.classIds === undefined ? undefined : checkClassIds(where, read.classIds, column.length);
	const semantics = checkSemantics(where, read.semantics, rotated);
	const call = toCallParams({ ...numbers, classAgnostic: classIds === undefined }, semantics);
	return { input: { boxes: rotated ? withUsableAngles(rows) : rows, scores: column, classIds }, call, overlap: overlapRuleOf(semantics, rotated) };
}

/** What a single operation has where an option is left out. */
const NO_LIMITS = { scoreThreshold: -Infinity, iouThreshold: 0, maxDetections: NO_LIMIT, maxCandidates: NO_LIMIT, classAgnostic: false, timings: false };

/** Boxes with a score each. */
function checkScored(where: string, boxes: unknown, scores: unknown): { rows: Float32Array; rotated: boolean; column: Float32Array } {
	const { rows, rotated } = checkBoxes(where, 'boxes', boxes);
	const column = checkFloats(where, 'scores', scores);
	const count = rows.length / (rotated ? 5 : 4);
	if (column.length !== count) {
		const remedy = column.length === 16 * count ? 'are boxes and scores swapped?' : '';
		refuse(RangeError, where, 'scores', `must have one entry per box, ${count} for boxes of length ${rows.length}`, column.length, remedy);
	}
	return { rows, rotated, column };
}

/** The arguments of `softNms`. */
export function checkSoftNms(
	where: string,
	boxes: unknown,
	scores: unknown,
	options: unknown,
): { input: NmsInput; call: CallParams; overlap: OverlapRule; soft: SoftRule } {
	const { rows, rotated, column } = checkScored(where, boxes, scores);
	if (rotated) refuse(TypeError, where, 'boxes', 'must be upright boxes', ROTATED, 'rotatedNms suppresses rotated ones');
	const read = readOptions(where, 'options', options, SOFT_NMS_KEYS);
	const semantics = checkSemantics(where, read.semantics);
	const { rule, scale } = checkSoft(where, '', read, semantics);
	const needed = rule.method === 'linear' ? "method 'linear'" : rule.removal ? "softRemoval 'hard'" : undefined;
	if (needed && read.iouThreshold === undefined) refuse(TypeError, where, 'iouThreshold', `must be given, 0 to 1, for ${needed}`, undefined);
	const numbers = checkCall(where, read, { ...NO_LIMITS, scoreThreshold: 0 });
	checkSoftThreshold(where, numbers.scoreThreshold);
	const classIds = read.classIds === undefined ? undefined : checkClassIds(where, read.classIds, column.length);
	const call = { ...toCallParams({ ...numbers, classAgnostic: classIds === undefined }, semantics), softScale: scale };
	return { input: { boxes: rows, scores: column, classIds }, call, overlap: overlapRuleOf(semantics), soft: rule };
}

/** Angles that cannot take part as NaN, which every backend rejects. */
function withUsableAngles(rows: Float32Array): Float32Array {
	return rows.map((x, k) => (k % 5 < 4 || isUsableAngle(x) ? x : NaN));
}

/** The arguments of `boxIou`. */
export function checkBoxIou(where: string, boxesA: unknown, boxesB: unknown, options: unknown): PairsInput {
	const a = checkBoxes(where, 'boxesA', boxesA);
	const b = checkBoxes(where, 'boxesB', boxesB);
	const { kind = 'iou' } = readOptions(where, 'options', options, ['kind']);
	if (a.rotated !== b.rotated) {
		const [given, other] = a.rotated ? ['boxesA', 'boxesB'] : ['boxesB', 'boxesA'];
		refuse(TypeError, where, other, `must be rotated boxes (format '${ROTATED}'), as ${given} are`, a.rotated ? boxesB : boxesA, 'angle 0 turns nothing');
	}
	if (!a.rotated) {
		const named = checkWord(where, 'kind', kind, IOU_KINDS, kind === 'probiou' ? `rotated boxes have it: give format '${ROTATED}'` : '');
		return { a: a.rows, b: b.rows, kind: named, pairs: (a.rows.length / 4) * (b.rows.length / 4) };
	}
	const isOfPlain = kind !== 'iou' && (IOU_KINDS as readonly unknown[]).includes(kind);
	if (isOfPlain) refuse(RangeError, where, 'kind', "must be 'iou' or 'probiou' for rotated boxes", kind);
	const named = checkWord(where, 'kind', kind, ROTATED_IOU_KINDS);
	return { a: upright(a.rows), b: upright(b.rows), kind: named === 'iou' ? 'rotated-iou' : named, pairs: (a.rows.length / 5) * (b.rows.length / 5) };
}

/** Checked arguments of `boxIou`: boxes as `PairKind` says, and how many pairs they make. */
export interface PairsInput {
	readonly a: Float32Array;
	readonly b: Float32Array;
	readonly kind: PairKind;
	readonly pairs: number;
}

/** Boxes as flat xyxy, [N, 4]; rotated ones as flat cxcywhr, [N, 5]. */
export function checkBoxes(where: string, argument: string, value: unknown): { rows: Float32Array; rotated: boolean } {
	const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
	if (!isRecord) return { rows: checkRows(where, argument, value, 4), rotated: false };
	const { data, format } = readOptions(where, argument, value, ['data', 'format']);
	const named = checkWord(where, `${argument}.format`, format, [...BOX_FORMATS, ROTATED]);
	const rows = checkRows(where, `${argument}.data`, data, named === ROTATED ? 5 : 4);
	return { rows: named === 'xyxy' || named === ROTATED ? rows : convertBoxes(rows, named, 'xyxy'), rotated: named === ROTATED };
}

/** Flat rows of `width` numbers each, as Float32Array. */
export function checkRows(where: string, argument: string, value: unknown, width: number): Float32Array {
	const rows = checkFloats(where, argument, value);
	if (rows.length % width) refuse(RangeError, where, argument, `must have a length that is a multiple of ${width}`, rows.length);
	return rows;
}

/** Numbers as Float32Array, rounded once. Quantised integers and half bits are refused: their scale is not known. */
export function checkFloats(where: string, argument: string, value: unknown): Float32Array {
	if (ArrayBuffer.isView(value)) checkAttached(where, argument, value);
	// By its tag, not instanceof: an array may come from another frame.
	const tag = Object.prototype.toString.call(value).slice(8, -1);
	if (tag === 'Float32Array') return isShared(value as Float32Array) ? (value as Float32Array).slice() : (value as Float32Array);
	if (tag === 'Float64Array' || tag === 'Float16Array' || tag === 'Int32Array') return Float32Array.from(value as Float64Array);
	const rule = 'must be a Float32Array, Float64Array, Float16Array, Int32Array or an array of numbers';
	const remedy = /^(Ui|I)nt(8|16)/.test(tag) ? 'convert it first: quantised values need their scale and zero point, halfs their meaning' : '';
	if (!Array.isArray(value)) refuse(TypeError, where, argument, rule, value, remedy);
	return Float32Array.from(value as unknown[], (x, i) => {
		if (typeof x !== 'number') refuse(TypeError, where, `${argument}[${i}]`, 'must be a number', x, Array.isArray(x) ? 'give one flat array' : '');
		return x;
	});
}

/** A worker may write to shared memory meanwhile: it is copied before it is looked at. */
function isShared(view: ArrayBufferView): boolean {
	return Object.prototype.toString.call(view.buffer) === '[object SharedArrayBuffer]';
}

/** Class ids as Uint32Array, from any list of integers, 64-bit ones included. */
export function checkClassIds(where: string, value: unknown, count: number): Uint32Array {
	if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && !(value instanceof DataView))) {
		refuse(TypeError, where, 'classIds', 'must be an array of integers', value);
	}
	if (ArrayBuffer.isView(value)) checkAttached(where, 'classIds', value);
	const ids = value as unknown as ArrayLike<unknown>;
	if (ids.length !== count) refuse(RangeError, where, 'classIds', `must have one entry per box, ${count}`, ids.length);
	// A Float32Array cannot tell neighbouring integers apart above 2^24.
	const most = Object.prototype.toString.call(value) === '[object Float32Array]' ? 2 ** 24 : NO_LIMIT;
	const out = new Uint32Array(count);
	for (let i = 0; i < count; i++) {
		const given = ids[i];
		// what most are, and no text made that names the entry
		if (typeof given === 'number' && given >>> 0 === given && given <= most) {
			out[i] = given;
			continue;
		}
		const id = typeof given === 'bigint' ? Number(given) : checkNumber(where, `classIds[${i}]`, given);
		if (!Number.isInteger(id) || id < 0 || id > most) refuseUnless(true, where, `classIds[${i}]`, `must be an integer from 0 to ${most}`, given);
		out[i] = id;
	}
	return out;
}

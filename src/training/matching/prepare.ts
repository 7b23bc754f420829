// What every rule over overlaps is given, checked once: anchors and ground truths that can take part, and which anchors are
// ignored whatever they overlap: those outside of the image, in regions to be ignored, or without a box.

import { areaOf, flushCoordinate, isUsableBox } from '../../boxes/overlap.js';
import { checkAttached, checkNumber, checkSize, checkUnit, checkWord, readOptions, refuse } from '../../checks.js';
import { divide32 } from '../../functions.js';
import type { BoxesLike } from '../../inputs.js';
import { checkUprightBoxes } from './fates.js';
import type { LostReason } from './matches.js';

const round = Math.fround;

/** Which anchors are outside of the image. */
export interface OutsideOptions {
	/** [height, width] of the image without its padding, in the unit of the boxes. */
	readonly imageSize: readonly [number, number];
	/**
	 * 'border': all but x1, y1 >= -border and x2 < width + border, y2 < height + border (Faster R-CNN, mmdet's allowed_border, detectron2's
	 * boundary threshold). 'border-inclusive': the same with <= (Caffe's ignore_cross_boundary_bbox). 'center': the centre is at the right or
	 * lower edge, or beyond (keras-retinanet). Default 'border', 'center' in the style 'fizyr', 'border-inclusive' in matchSsd.
	 */
	readonly rule?: 'border' | 'border-inclusive' | 'center';
	/** How far an anchor may reach beyond the image by the border rules. Default 0. */
	readonly border?: number;
	/**
	 * 'before': they do not take part, so that a ground truth's best anchor is another (Faster R-CNN, mmdet, Caffe). 'after': they take part
	 * and are ignored then, which may leave a ground truth without (detectron2, keras-retinanet). Default as in the style.
	 */
	readonly when?: 'before' | 'after';
}

/** Anchors that are to be ignored, whatever they overlap. All rules over overlaps take these options. */
export interface IgnoreOptions {
	/** Anchors outside of the image are ignored. Default: they count as all others. */
	readonly outside?: OutsideOptions;
	/** [G] ground truths that are crowds (COCO's iscrowd): they match nothing, and are regions to be ignored. */
	readonly crowd?: ArrayLike<number> | ArrayLike<boolean>;
	/** More regions to be ignored, [R, 4]. */
	readonly ignoreBoxes?: BoxesLike;
	/** Anchors that lie by more than this share of their area in one region take no part. Default 0.5. */
	readonly ignoreThreshold?: number;
	/** The share is of the area of the anchor, or of the region (ignore_wrt_candidates=False of mmdet). Default 'anchor'. */
	readonly ignoreOver?: 'anchor' | 'region';
}

/** The names of `IgnoreOptions`. */
export const IGNORE_KEYS = ['outside', 'crowd', 'ignoreBoxes', 'ignoreThreshold', 'ignoreOver'] as const;

/** An ignored anchor that takes no part: it is empty. */
export const ABSENT = 1;
/** An anchor that takes part and is ignored then. */
const AFTERWARDS = 2;

/** What a style has for `outside`. */
export interface OutsideDefaults {
	readonly rule: 'border' | 'border-inclusive' | 'center';
	readonly when: 'before' | 'after';
}

/** Anchors and ground truths as the rules take them. */
export interface Prepared {
	/** [A, 4] flushed copies; anchors that take no part are empty. */
	readonly anchors: Float32Array;
	/** [g, 4] flushed copies of the ground truths that take part, in their order. */
	readonly groundTruths: Float32Array;
	/** [g] where they stand among all. */
	readonly indices: Int32Array;
	/** [G] why the others do not. */
	readonly lost: readonly (LostReason | undefined)[];
	/** [A] ABSENT or AFTERWARDS where the anchor is to be ignored, 0 elsewhere. */
	readonly ignored: Uint8Array;
}

/** Checks and copies boxes and the options of `IgnoreOptions`. */
export function prepare(
	where: string,
	anchors: unknown,
	groundTruths: unknown,
	options: Partial<Record<string, unknown>>,
	defaults: OutsideDefaults,
): Prepared {
	const rows = checkUprightBoxes(where, 'anchors', anchors);
	const objects = checkUprightBoxes(where, 'groundTruths', groundTruths).map(flushCoordinate);
	const outside = options.outside === undefined ? undefined : checkOutside(where, options.outside, defaults);
	const crowd = options.crowd === undefined ? undefined : checkCrowd(where, options.crowd, objects.length / 4);
	const given = options.ignoreBoxes === undefined ? new Float32Array(0) : checkUprightBoxes(where, 'ignoreBoxes', options.ignoreBoxes).map(flushCoordinate);
	const threshold = round(checkUnit(where, 'ignoreThreshold', options.ignoreThreshold ?? 0.5));
	const over = checkWord(where, 'ignoreOver', options.ignoreOver ?? 'anchor', ['anchor', 'region']);

	const lost = Array.from({ length: objects.length / 4 }, (_, g) => (crowd?.[g] ? 'crowd' : faultOf(objects, 4 * g)));
	const indices = Int32Array.from([...lost.keys()].filter((g) => lost[g] === undefined));
	const regions = rowsOf(
		objects,
		[...lost.keys()].filter((g) => lost[g] === 'crowd'),
	);
	const copies = new Float32Array(rows.length);
	const ignored = new Uint8Array(rows.length / 4);
	flushBoxes(rows, copies, ignored);
	const isBeyond = outside && beyond(copies, outside);
	if (isBeyond && outside.when === 'before') leaveOut(copies, ignored, isBeyond);
	for (const all of [regions, given]) if (all.length) leaveOut(copies, ignored, (a) => isInside(copies, 4 * a, all, threshold, over));
	// those that are ignored afterwards keep their boxes
	if (isBeyond && outside.when === 'after') for (let a = 0; a < ignored.length; a++) if (!ignored[a] && isBeyond(a)) ignored[a] = AFTERWARDS;
	return { anchors: copies, groundTruths: rowsOf(objects, indices), indices, lost, ignored };
}

function checkOutside(where: string, value: unknown, defaults: OutsideDefaults): Required<OutsideOptions> {
	const read = readOptions(where, 'outside', value, ['imageSize', 'rule', 'border', 'when']);
	const imageSize = checkSize(where, 'outside.imageSize', read.imageSize);
	const rule = checkWord(where, 'outside.rule', read.rule ?? defaults.rule, ['border', 'border-inclusive', 'center']);
	const border = checkNumber(where, 'outside.border', read.border ?? 0);
	if (border < 0) refuse(RangeError, where, 'outside.border', 'must not be negative', border, 'leave outside away to keep every anchor');
	const when = checkWord(where, 'outside.when', read.when ?? defaults.when, ['before', 'after']);
	return { imageSize, rule, border, when };
}

function checkCrowd(where: string, value: unknown, count: number): Uint8Array {
	if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && !(value instanceof DataView)))
		refuse(TypeError, where, 'crowd', 'must be an array of 0 and 1, or of booleans', value);
	if (ArrayBuffer.isView(value)) checkAttached(where, 'crowd', value);
	const flags = value as unknown as ArrayLike<unknown>;
	if (flags.length !== count) refuse(RangeError, where, 'crowd', `must have one entry per ground truth, ${count}`, flags.length);
	return Uint8Array.from({ length: count }, (_, g) => {
		if (flags[g] !== 0 && flags[g] !== 1 && typeof flags[g] !== 'boolean') refuse(TypeError, where, `crowd[${g}]`, 'must be 0, 1 or a boolean', flags[g]);
		return Number(flags[g]);
	});
}

/** Why a box cannot be matched; undefined when it can. */
export function faultOf(boxes: Float32Array, q: number): 'empty' | 'not-finite' | undefined {
	if (!isUsableBox(boxes[q], boxes[q + 1], boxes[q + 2], boxes[q + 3])) return 'not-finite';
	return areaOf(boxes[q], boxes[q + 1], boxes[q + 2], boxes[q + 3]) === 0 ? 'empty' : undefined;
}

function rowsOf(boxes: Float32Array, indices: ArrayLike<number>): Float32Array {
	const rows = new Float32Array(indices.length * 4);
	for (let i = 0; i < indices.length; i++) rows.set(boxes.subarray(4 * indices[i], 4 * indices[i] + 4), 4 * i);
	return rows;
}

/** Copies boxes as every device sees them. One with a coordinate that is not finite becomes empty and is ignored: nothing can be learnt from it. */
function flushBoxes(boxes: Float32Array, copies: Float32Array, ignored: Uint8Array): void {
	for (let a = 0, p = 0; a < ignored.length; a++, p += 4) {
		const x1 = boxes[p];
		const y1 = boxes[p + 1];
		const x2 = boxes[p + 2];
		const y2 = boxes[p + 3];
		if (!isUsableBox(x1, y1, x2, y2)) {
			ignored[a] = ABSENT;
			continue;
		}
		copies[p] = flushCoordinate(x1);
		copies[p + 1] = flushCoordinate(y1);
		copies[p + 2] = flushCoordinate(x2);
		copies[p + 3] = flushCoordinate(y2);
	}
}

/** Whether an anchor is outside of the image. */
function beyond(anchors: Float32Array, { imageSize: [height, width], rule, border }: Required<OutsideOptions>): (a: number) => boolean {
	const right = round(width + border);
	const low = round(height + border);
	const least = round(-border);
	if (rule === 'center') {
		return (a) => round(round(anchors[4 * a] + anchors[4 * a + 2]) * 0.5) >= right || round(round(anchors[4 * a + 1] + anchors[4 * a + 3]) * 0.5) >= low;
	}
	const isIn = rule === 'border' ? (x: number, end: number) => x < end : (x: number, end: number) => x <= end;
	return (a) => !(anchors[4 * a] >= least && anchors[4 * a + 1] >= least && isIn(anchors[4 * a + 2], right) && isIn(anchors[4 * a + 3], low));
}

/** Empties and marks anchors of which `isOut` is true, so that they overlap nothing. */
function leaveOut(anchors: Float32Array, ignored: Uint8Array, isOut: (a: number) => boolean): void {
	for (let a = 0; a < ignored.length; a++) {
		if (ignored[a] || !isOut(a)) continue;
		ignored[a] = ABSENT;
		anchors.fill(0, 4 * a, 4 * a + 4);
	}
}

/** Whether more than the share of the anchor at anchors[p..p+3] (or of the region) lies in one region. */
function isInside(anchors: Float32Array, p: number, regions: Float32Array, share: number, over: 'anchor' | 'region'): boolean {
	const [x1, y1, x2, y2] = [anchors[p], anchors[p + 1], anchors[p + 2], anchors[p + 3]];
	for (let q = 0; q < regions.length; q += 4) {
		const [rx1, ry1, rx2, ry2] = [regions[q], regions[q + 1], regions[q + 2], regions[q + 3]];
		if (!(x1 < rx2 && rx1 < x2 && y1 < ry2 && ry1 < y2) || !isUsableBox(rx1, ry1, rx2, ry2)) continue;
		const intersection = areaOf(Math.max(x1, rx1), Math.max(y1, ry1), Math.min(x2, rx2), Math.min(y2, ry2));
		const whole = over === 'anchor' ? areaOf(x1, y1, x2, y2) : areaOf(rx1, ry1, rx2, ry2);
		if (intersection > 0 && whole > 0 && divide32(intersection, whole) > share) return true;
	}
	return false;
}

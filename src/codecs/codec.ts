// What every box codec is: an inverse pair over flat arrays, and one scalar step that the CPU path shares with the
// shader chunk of the same `kind` (shaders/shared/codecs.wgsl.ts). Float32 steps, so both give the same bits.
// One rule for all: a raw number that is not finite gives a box of NaN, which every backend rejects and counts.

import { refuse } from '../checks.js';

/**
 * What an anchor row holds: corners, centre and size, centre, size and angle (five numbers, the others have four), or a point with its
 * stride (x, y, stride x, stride y).
 */
export type AnchorFormat = 'none' | 'xyxy' | 'cxcywh' | 'cxcywhr' | 'point';

/** Numbers per anchor row. */
export function anchorWidth(format: AnchorFormat): number {
	return format === 'cxcywhr' ? 5 : 4;
}

/** A box codec. Boxes are xyxy in pixels, flat, [N, 4]. */
export interface BoxCodec {
	/** Names the shader chunk. */
	readonly kind: string;
	/** The format of the anchor rows that `encode` and `decode` take. */
	readonly anchors: AnchorFormat;
	/** Raw numbers per anchor: 4, or 5 with an angle, or 4 * bins. */
	readonly numRaw: number;
	/** The box has an angle: the last raw number tells of it, `decodeBox` writes radians to `out[o+4]`. */
	readonly rotated?: boolean;
	/** Numbers printed into the shader chunk, by name; each is an exact float32. */
	readonly constants: Readonly<Record<string, number>>;
	/** Structural switches of the shader chunk. */
	readonly variants: Readonly<Record<string, boolean | string>>;
	/**
	 * Decodes one box: raw numbers at `raw[r..r+numRaw-1]` in the order the head stores them, the anchor row at
	 * `anchors[a..a+3]` (a+4 with an angle), the level's stride; writes xyxy to `out[o..o+3]`. Every step rounded to float32, in the shader's order.
	 */
	decodeBox(raw: Float32Array, r: number, anchors: Float32Array, a: number, stride: number, out: Float32Array, o: number): void;
	/**
	 * Boxes [N, 4] xyxy ([N, 5] with an angle) to raw numbers [N, numRaw], against anchors [N, 4 or 5] in this codec's anchor format. `stride` (input
	 * pixels per cell: one for all, or [N]) is needed by the cell codec only.
	 */
	encode(boxes: Float32Array, anchors?: Float32Array, stride?: number | Float32Array): Float32Array;
	/** Raw numbers [N, numRaw] to boxes [N, 4] xyxy ([N, 5] with an angle); the inverse of `encode`. */
	decode(raw: Float32Array, anchors?: Float32Array, stride?: number | Float32Array): Float32Array;
}

/** Anchors for codecs that have none. */
export const NO_ANCHORS = new Float32Array(0);

/** True when all four raw numbers are finite. */
export function areFinite(r0: number, r1: number, r2: number, r3: number): boolean {
	// x - x is 0 for finite x, NaN otherwise
	return r0 - r0 + (r1 - r1) + (r2 - r2) + (r3 - r3) === 0;
}

/** Writes the box of an unusable row. */
export function writeNaN(out: Float32Array, o: number): void {
	out[o] = out[o + 1] = out[o + 2] = out[o + 3] = NaN;
}

/** Writes a box by its centre and size. */
export function writeCentred(x: number, y: number, width: number, height: number, out: Float32Array, o: number): void {
	const halfWidth = Math.fround(width * 0.5);
	const halfHeight = Math.fround(height * 0.5);
	out[o] = x - halfWidth;
	out[o + 1] = y - halfHeight;
	out[o + 2] = x + halfWidth;
	out[o + 3] = y + halfHeight;
}

/** Checks the arguments of an `encode` or `decode`, whose rows have `width` numbers, and returns N. */
export function checkRows(call: string, first: string, rows: unknown, anchors: unknown, format: AnchorFormat, width = 4): number {
	const n = countRows(call, first, rows, width);
	if (format === 'none') return n;
	if (anchors === undefined) refuse(TypeError, call, 'anchors', `must be given (rows of ${format}, flat [N, ${anchorWidth(format)}])`, anchors);
	const m = countRows(call, 'anchors', anchors, anchorWidth(format));
	if (m !== n) refuse(RangeError, call, 'anchors', `must have as many rows as ${first}, ${n}`, m);
	return n;
}

function countRows(call: string, name: string, rows: unknown, width: number): number {
	if (Object.prototype.toString.call(rows) !== '[object Float32Array]') refuse(TypeError, call, name, `must be a Float32Array, flat [N, ${width}]`, rows);
	const length = (rows as Float32Array).length;
	if (length % width !== 0) refuse(RangeError, call, name, `must have a length that is a multiple of ${width}`, length);
	return length / width;
}

/** `decode` in terms of `decodeBox`, the same for every codec. */
export function decodeAll(codec: BoxCodec, raw: Float32Array, anchors: Float32Array | undefined, strideOf: (i: number) => number): Float32Array {
	const n = checkRows(`${codec.kind}.decode`, 'raw', raw, anchors, codec.anchors, codec.numRaw);
	const width = codec.rotated ? 5 : 4;
	const out = new Float32Array(n * width);
	const rows = codec.anchors === 'none' ? NO_ANCHORS : (anchors as Float32Array);
	const step = anchorWidth(codec.anchors);
	for (let i = 0; i < n; i++) codec.decodeBox(raw, i * codec.numRaw, rows, i * step, strideOf(i), out, i * width);
	return out;
}

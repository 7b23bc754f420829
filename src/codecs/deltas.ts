// The box deltas of R-CNN, SSD and RetinaNet: centre shift in units of the anchor's size, log of the size ratio.
// tx = (gx - ax) / aw, tw = log(gw / aw), times weights (torchvision, detectron2) or divided by variances (SSD).
// Decoding starts from the corners, so a zero delta gives the anchor back bit for bit.

import { readOptions, refuse } from '../checks.js';
import { exp32 } from '../numbers.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';

const round = Math.fround;

/** log(1000 / 16): the customary limit of a size delta; a box is at most 62.5 times its anchor. */
export const DELTA_CLAMP = Math.log(1000 / 16);

// e^60 times an anchor is far beyond the coordinates that take part, and far below what float32 holds.
const FINITE_CLAMP = 60;

/** Options of `deltas`. */
export interface DeltasOptions {
	/** The four numbers (x, y, width, height) that targets are multiplied by. Default [1, 1, 1, 1]; SSD and R-CNN second stage [10, 10, 5, 5]. */
	weights?: readonly number[];
	/** The same as divisors: 1 / weights. SSD's [0.1, 0.1, 0.2, 0.2], mmdetection's standard deviations. Not together with `weights`. */
	variances?: readonly number[];
	/** Limit of size deltas. A number c: d <= c (torchvision, detectron2). [low, high]: both sides (mmdetection). false: none but 60, which only keeps numbers finite (such a box is rejected anyway). Default log(1000/16). */
	clamp?: number | readonly [number, number] | false;
	/** Order of the raw numbers. Default 'xywh'; 'yxhw' in TensorFlow's models. */
	order?: 'xywh' | 'yxhw';
}

/**
 * The delta codec. Anchors are rows of xyxy pixels. `decode(0, anchor)` is the anchor and `encode(anchor, anchor)` is 0, exactly.
 * A decoded box is never inverted. `encode` throws a RangeError that names the first box or anchor without a positive size.
 */
export function deltas(given: DeltasOptions = {}): BoxCodec {
	const options = readOptions('deltas', 'options', given, ['weights', 'variances', 'clamp', 'order']) as DeltasOptions;
	const { order = 'xywh' } = options;
	if (order !== 'xywh' && order !== 'yxhw') refuse(RangeError, 'deltas', 'order', "must be 'xywh' or 'yxhw'", order);
	const variances = readVariances(options);
	const [vx, vy, vw, vh] = variances.map(round);
	const [low, high] = readClamp(options.clamp === undefined ? DELTA_CLAMP : options.clamp);
	const weighted = !(vx === 1 && vy === 1 && vw === 1 && vh === 1);
	const swapped = order === 'yxhw';
	const clampLow = low !== undefined;
	const lowest = low ?? 0;

	const codec: BoxCodec = {
		kind: 'deltas',
		anchors: 'xyxy',
		numRaw: 4,
		constants: { vx, vy, vw, vh, low: lowest, high },
		variants: { order, weighted, clampLow },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const r0 = raw[r];
			const r1 = raw[r + 1];
			const r2 = raw[r + 2];
			const r3 = raw[r + 3];
			if (!areFinite(r0, r1, r2, r3)) return writeNaN(out, o);
			let dx = swapped ? r1 : r0;
			let dy = swapped ? r0 : r1;
			let dw = swapped ? r3 : r2;
			let dh = swapped ? r2 : r3;
			if (weighted) {
				dx = round(dx * vx);
				dy = round(dy * vy);
				dw = round(dw * vw);
				dh = round(dh * vh);
			}
			if (dw > high) dw = high;
			if (dh > high) dh = high;
			if (clampLow) {
				if (dw < lowest) dw = lowest;
				if (dh < lowest) dh = lowest;
			}
			decodeAxis(dx, dw, anchors[a], anchors[a + 2], out, o);
			decodeAxis(dy, dh, anchors[a + 1], anchors[a + 3], out, o + 1);
		},
		encode(boxes, anchors) {
			const n = checkRows('deltas.encode', 'boxes', boxes, anchors, 'xyxy');
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			for (let k = 0; k < n * 4; k += 4) {
				const aw = sizeOf('anchors', rows, k, 0);
				const ah = sizeOf('anchors', rows, k, 1);
				const gw = sizeOf('boxes', boxes, k, 0);
				const gh = sizeOf('boxes', boxes, k, 1);
				const x = (boxes[k] + boxes[k + 2] - (rows[k] + rows[k + 2])) / 2 / aw / variances[0];
				const y = (boxes[k + 1] + boxes[k + 3] - (rows[k + 1] + rows[k + 3])) / 2 / ah / variances[1];
				const w = Math.log(gw / aw) / variances[2];
				const h = Math.log(gh / ah) / variances[3];
				out.set(swapped ? [y, x, h, w] : [x, y, w, h], k);
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

// One axis: both corners move by the shift, then apart by half of what the size grows.
function decodeAxis(shiftDelta: number, sizeDelta: number, a1: number, a2: number, out: Float32Array, o: number): void {
	const size = round(a2 - a1);
	const shift = round(shiftDelta * size);
	const half = round(round(round(size * exp32(sizeDelta)) - size) * 0.5);
	const low = round(round(a1 + shift) - half);
	const high = round(round(a2 + shift) + half);
	out[o] = low;
	out[o + 2] = high < low ? low : high; // a box shrunk to nothing must not turn inside out by a rounding
}

function sizeOf(name: string, rows: Float32Array, k: number, axis: 0 | 1): number {
	const size = rows[k + axis + 2] - rows[k + axis];
	if (!(size > 0) || size === Infinity) {
		const row = Array.from(rows.subarray(k, k + 4));
		refuse(RangeError, 'deltas.encode', `${name}[${k / 4}]`, `must have a positive ${axis ? 'height' : 'width'}, whose log is taken`, row);
	}
	return size;
}

function readVariances(options: DeltasOptions): number[] {
	if (options.weights !== undefined && options.variances !== undefined) {
		refuse(TypeError, 'deltas', 'variances', 'must not be given beside weights', options.variances, 'variances are 1 / weights');
	}
	const name = options.variances === undefined ? 'weights' : 'variances';
	const values = options.variances ?? options.weights ?? [1, 1, 1, 1];
	if (!Array.isArray(values) || values.length !== 4) refuse(TypeError, 'deltas', name, 'must be four numbers', values);
	values.forEach((v, i) => {
		if (typeof v !== 'number' || !(v > 0) || v === Infinity) refuse(RangeError, 'deltas', `${name}[${i}]`, 'must be a positive number', v);
	});
	return values.map((v) => (name === 'weights' ? 1 / v : v));
}

function readClamp(clamp: number | readonly [number, number] | false): [number | undefined, number] {
	if (clamp === false) return [undefined, FINITE_CLAMP];
	if (typeof clamp === 'number') {
		if (Number.isFinite(clamp)) return [undefined, round(clamp)];
	} else if (Array.isArray(clamp) && clamp.length === 2 && clamp.every(Number.isFinite) && clamp[0] < clamp[1]) {
		return [round(clamp[0]), round(clamp[1])];
	}
	refuse(RangeError, 'deltas', 'clamp', 'must be a finite number, [low, high] or false', clamp);
}

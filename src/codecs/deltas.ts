// The box deltas of R-CNN, SSD and RetinaNet: centre shift in units of the anchor's size, log of the size ratio.
// tx = (gx - ax) / aw, tw = log(gw / aw), times weights (torchvision, detectron2) or divided by variances (SSD, after
// means were taken off: mmdetection). Decoding starts from the corners, so a zero delta gives the anchor back bit for bit.

import { checkWord, readOptions, refuse } from '../checks.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';
import { clampDelta, DELTA_CLAMP, type DeltaClamp, growAxis, readClamp, readMeans, readVariances } from './factors.js';

export { DELTA_CLAMP };

const round = Math.fround;

/** Options of `deltas`. */
export interface DeltasOptions {
	/** The four numbers (x, y, width, height) that targets are multiplied by. Default [1, 1, 1, 1]; SSD and R-CNN second stage [10, 10, 5, 5]. */
	weights?: readonly number[];
	/** The same as divisors: 1 / weights. SSD's [0.1, 0.1, 0.2, 0.2], mmdetection's standard deviations. Not together with `weights`. */
	variances?: readonly number[];
	/** What was taken off the targets before: mmdetection's target_means. Default [0, 0, 0, 0]. */
	means?: readonly number[];
	/** Limit of size deltas. A number c: d <= c (torchvision, detectron2). [low, high]: both sides (mmdetection). false: none but 60, which only keeps numbers finite (such a box is rejected anyway). Default log(1000/16). */
	clamp?: DeltaClamp;
	/** The farthest a centre may move, in pixels: mmdetection's ctr_clamp, 32 in YOLOF. Default false: any distance. */
	centerClamp?: number | false;
	/** Order of the raw numbers. Default 'xywh'; 'yxhw' in TensorFlow's models. */
	order?: 'xywh' | 'yxhw';
	/**
	 * Boxes whose last pixel belongs to them: sizes are x2 - x1 + 1. 'detectron': Detectron, maskrcnn-benchmark, whose decoding takes
	 * 1 off x2 and y2 again. 'mmdet': mmdetection's LegacyDeltaXYWHBBoxCoder, which does not, so its boxes are half a pixel wider on
	 * every side (`encode` is the inverse of that decoding, not mmdetection's encoding). Default false.
	 */
	legacy?: false | 'detectron' | 'mmdet';
}

const OPTIONS = ['weights', 'variances', 'means', 'clamp', 'centerClamp', 'order', 'legacy'] as const;

/**
 * The delta codec. Anchors are rows of xyxy pixels. `decode(0, anchor)` is the anchor and `encode(anchor, anchor)` is 0, exactly.
 * A decoded box is never inverted. `encode` throws a RangeError that names the first box or anchor without a positive size.
 */
export function deltas(given: DeltasOptions = {}): BoxCodec {
	const options = readOptions('deltas', 'options', given, OPTIONS) as DeltasOptions;
	const order = checkWord('deltas', 'order', options.order ?? 'xywh', ['xywh', 'yxhw']);
	const legacy = options.legacy ? checkWord('deltas', 'legacy', options.legacy, ['detectron', 'mmdet']) : false;
	const variances = readVariances('deltas', options, 4);
	const means = readMeans('deltas', options.means, 4);
	const [vx, vy, vw, vh] = variances.map(round);
	const [mx, my, mw, mh] = means.map(round);
	const [low, high] = readClamp('deltas', options.clamp === undefined ? DELTA_CLAMP : options.clamp);
	const farthest = readCenterClamp(options.centerClamp ?? false);
	const weighted = !variances.every((v) => v === 1);
	const shifted = !means.every((m) => m === 0);
	const swapped = order === 'yxhw';
	const pixel = legacy ? 1 : 0;
	const margin = legacy === 'mmdet' ? 0.5 : 0;

	// both axes of one box
	const axis = (d: number, s: number, a1: number, a2: number, out: Float32Array, o: number) => {
		const size = round(round(a2 - a1) + pixel);
		let shift = round(d * size);
		if (shift > farthest) shift = farthest;
		if (shift < -farthest) shift = -farthest;
		growAxis(shift, size, clampDelta(s, low, high), a1, a2, margin, out, o);
	};
	const codec: BoxCodec = {
		kind: 'deltas',
		anchors: 'xyxy',
		numRaw: 4,
		constants: { vx, vy, vw, vh, mx, my, mw, mh, low: low ?? 0, high, farthest: farthest === Infinity ? 0 : farthest, pixel, margin },
		variants: { order, weighted, shifted, clampLow: low !== undefined, clampCenter: farthest !== Infinity, legacy: legacy !== false },
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
			if (shifted) {
				dx = round(dx + mx);
				dy = round(dy + my);
				dw = round(dw + mw);
				dh = round(dh + mh);
			}
			axis(dx, dw, anchors[a], anchors[a + 2], out, o);
			axis(dy, dh, anchors[a + 1], anchors[a + 3], out, o + 1);
		},
		encode(boxes, anchors) {
			const n = checkRows('deltas.encode', 'boxes', boxes, anchors, 'xyxy');
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			const grown = legacy === 'detectron' ? 1 : 0;
			for (let k = 0; k < n * 4; k += 4) {
				const aw = sizeOf('anchors', rows, k, 0, pixel);
				const ah = sizeOf('anchors', rows, k, 1, pixel);
				const gw = sizeOf('boxes', boxes, k, 0, grown);
				const gh = sizeOf('boxes', boxes, k, 1, grown);
				const x = ((boxes[k] + boxes[k + 2] - (rows[k] + rows[k + 2])) / 2 / aw - means[0]) / variances[0];
				const y = ((boxes[k + 1] + boxes[k + 3] - (rows[k + 1] + rows[k + 3])) / 2 / ah - means[1]) / variances[1];
				const w = (Math.log(gw / aw) - means[2]) / variances[2];
				const h = (Math.log(gh / ah) - means[3]) / variances[3];
				out.set(swapped ? [y, x, h, w] : [x, y, w, h], k);
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

function sizeOf(name: string, rows: Float32Array, k: number, axis: 0 | 1, pixel: number): number {
	const size = rows[k + axis + 2] - rows[k + axis] + pixel;
	if (!(size > 0) || size === Infinity) {
		const row = Array.from(rows.subarray(k, k + 4));
		refuse(RangeError, 'deltas.encode', `${name}[${k / 4}]`, `must have a positive ${axis ? 'height' : 'width'}, whose log is taken`, row);
	}
	return size;
}

function readCenterClamp(value: unknown): number {
	if (value === false) return Infinity;
	if (typeof value !== 'number' || !(value > 0) || value === Infinity)
		refuse(RangeError, 'deltas', 'centerClamp', 'must be a positive number of pixels or false', value);
	return round(value);
}

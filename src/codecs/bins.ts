// Distances as distributions over bins (Li et al. 2020, "Generalized Focal Loss"): each side of the box has one logit per
// bin 0, 1, 2, ...; its distance is the mean of the softmax, in strides (GFL, NanoDet, YOLOv6, PP-YOLOE, YOLOv8 to 12
// before their last layer). Raw numbers: side by side (left, top, right, bottom), bin by bin.

import { checkInteger, readOptions, refuse } from '../checks.js';
import { exp32, reciprocal32 } from '../numbers.js';
import { type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';

const round = Math.fround;

/** Options of `bins`. */
export interface BinsOptions {
	/** Bins per side. Default 16, Ultralytics' reg_max; where reg_max names the last bin (GFL, NanoDet, YOLOv6, PP-YOLOE) it is reg_max + 1. */
	numBins?: number;
}

/**
 * The codec of distributed distances. Anchors are rows (x, y, stride x, stride y) in pixels, as `anchorPoints` gives them. A decoded box is
 * never inverted. Many logits decode to one box: `encode` gives those with the weight of each distance on the two nearest bins, as the
 * distribution focal loss wants them, and -80 for the others; it throws a RangeError that names a box with a side farther than the last bin, or beyond its point.
 */
export function bins(options: BinsOptions = {}): BoxCodec {
	const given = readOptions('bins', 'options', options, ['numBins']) as BinsOptions;
	const numBins = checkInteger('bins', 'numBins', given.numBins ?? 16, 2, MOST_BINS);
	const codec: BoxCodec = {
		kind: 'bins',
		anchors: 'point',
		numRaw: 4 * numBins,
		constants: { numBins },
		variants: {},
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const left = meanBin(raw, r, numBins);
			const top = meanBin(raw, r + numBins, numBins);
			const right = meanBin(raw, r + 2 * numBins, numBins);
			const bottom = meanBin(raw, r + 3 * numBins, numBins);
			if (Number.isNaN(left + top + right + bottom)) return writeNaN(out, o);
			out[o] = anchors[a] - round(left * anchors[a + 2]);
			out[o + 1] = anchors[a + 1] - round(top * anchors[a + 3]);
			out[o + 2] = anchors[a] + round(right * anchors[a + 2]);
			out[o + 3] = anchors[a + 1] + round(bottom * anchors[a + 3]);
		},
		encode(boxes, anchors) {
			const n = checkRows('bins.encode', 'boxes', boxes, anchors, 'point');
			const out = new Float32Array(n * codec.numRaw);
			for (let i = 0; i < n; i++) {
				const [x, y, sx, sy] = (anchors as Float32Array).subarray(i * 4, i * 4 + 4);
				const box = Array.from(boxes.subarray(i * 4, i * 4 + 4));
				const ltrb = [(x - box[0]) / sx, (y - box[1]) / sy, (box[2] - x) / sx, (box[3] - y) / sy];
				checkReach('bins.encode', i, ltrb, numBins, box);
				ltrb.forEach((distance, side) => {
					spread(distance, numBins, out, i * codec.numRaw + side * numBins);
				});
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

/** More bins than any model has; the shader reads each twice. */
export const MOST_BINS = 1024;

/** The mean of the softmax over bins 0 to numBins - 1, in float32 steps; NaN when a logit is not finite. */
export function meanBin(raw: Float32Array, r: number, numBins: number): number {
	let largest = raw[r];
	for (let b = 0; b < numBins; b++) {
		const t = raw[r + b];
		if (t - t !== 0) return NaN;
		if (t > largest) largest = t;
	}
	let sum = 0;
	let weighted = 0;
	for (let b = 0; b < numBins; b++) {
		const e = exp32(round(raw[r + b] - largest));
		sum = round(sum + e);
		weighted = round(weighted + round(e * b));
	}
	return round(weighted * reciprocal32(sum));
}

/** A weight of e^-80 in a float32 sum that holds 1 is nothing. */
const NOTHING = -80;

/** Writes the logits of a distance: the logs of its weights on the two bins beside it. */
export function spread(distance: number, numBins: number, out: Float32Array, o: number): void {
	const low = Math.min(Math.floor(distance), numBins - 2);
	out.fill(NOTHING, o, o + numBins);
	out[o + low] = Math.max(Math.log1p(low - distance), NOTHING);
	out[o + low + 1] = Math.max(Math.log(distance - low), NOTHING);
}

/** Refuses a box with a side that no bin reaches. */
export function checkReach(call: string, i: number, ltrb: readonly number[], numBins: number, box: readonly number[]): void {
	if (ltrb.every((d) => d >= 0 && d <= numBins - 1)) return;
	refuse(RangeError, call, `boxes[${i}]`, `must hold its point, with sides at most ${numBins - 1} strides from it`, box);
}

// Deltas of the four corners: each moves by itself, x1 = ax1 + d variance width (keras-retinanet's bbox_transform_inv,
// Caffe's CORNER_SIZE), or without the anchor's size (Caffe's CORNER, TensorRT's box_coding 0). Not the code of R-CNN.

import { checkBoolean, readOptions, refuse } from '../checks.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';
import { readMeans, readVariances } from './factors.js';

const round = Math.fround;

/** Options of `corners`. */
export interface CornersOptions {
	/** What raw numbers are multiplied by: one number, or four (x1, y1, x2, y2). Default 1; keras-retinanet 0.2, Caffe [0.1, 0.1, 0.2, 0.2]. */
	variances?: number | readonly number[];
	/** What is added then. Default [0, 0, 0, 0]. */
	means?: readonly number[];
	/**
	 * What a delta of 1 is: the anchor's width or height (default), one pixel, or [x, y] pixels: the network's input width and height for
	 * Caffe's CORNER, whose coordinates are normalised. 'none': a delta moves nothing, the box is its anchor (the first networks of MTCNN
	 * as facenet has them, whose regression comes after suppression).
	 */
	unit?: 'size' | 'pixels' | 'none' | readonly [number, number];
	/** True: an anchor's width is x2 - x1 + 1, both border pixels counted (MTCNN's bbreg). Default false. Only with `unit: 'size'`. */
	inclusive?: boolean;
}

/**
 * The corner codec. Anchors are rows of xyxy pixels. `decode(0, anchor)` is the anchor and `encode(anchor, anchor)` is 0, exactly.
 * Corners may cross: such a box is inverted, and counts as empty. `encode` throws a RangeError that names an anchor without a size.
 */
export function corners(given: CornersOptions = {}): BoxCodec {
	const options = readOptions('corners', 'options', given, ['variances', 'means', 'unit', 'inclusive']) as CornersOptions;
	const { unit = 'size', variances: listed = 1 } = options;
	const variances = readVariances('corners', { variances: typeof listed === 'number' ? [listed, listed, listed, listed] : listed }, 4);
	const means = readMeans('corners', options.means, 4);
	const [ux, uy] = readUnit(unit);
	const sized = unit === 'size';
	const inclusive = checkBoolean('corners', 'inclusive', options.inclusive ?? false);
	if (inclusive && !sized) refuse(TypeError, 'corners', 'inclusive', "must be false unless unit is 'size'", inclusive);
	const one = inclusive ? 1 : 0;
	const v = variances.map(round);
	const m = means.map(round);
	const codec: BoxCodec = {
		kind: 'corners',
		anchors: 'xyxy',
		numRaw: 4,
		constants: { v0: v[0], v1: v[1], v2: v[2], v3: v[3], m0: m[0], m1: m[1], m2: m[2], m3: m[3], ux, uy },
		variants: { sized, inclusive },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			if (!areFinite(raw[r], raw[r + 1], raw[r + 2], raw[r + 3])) return writeNaN(out, o);
			const unitX = sized ? round(round(anchors[a + 2] - anchors[a]) + one) : ux;
			const unitY = sized ? round(round(anchors[a + 3] - anchors[a + 1]) + one) : uy;
			for (let c = 0; c < 4; c++) {
				const d = round(round(raw[r + c] * v[c]) + m[c]);
				out[o + c] = anchors[a + c] + round(d * (c & 1 ? unitY : unitX));
			}
		},
		encode(boxes, anchors) {
			const n = checkRows('corners.encode', 'boxes', boxes, anchors, 'xyxy');
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			for (let k = 0; k < n * 4; k += 4) {
				const units = [sized ? rows[k + 2] - rows[k] + one : ux, sized ? rows[k + 3] - rows[k + 1] + one : uy];
				if (unit === 'none') {
					checkUnmoved(boxes, rows, k);
					continue;
				}
				if (!(units[0] > 0 && units[1] > 0)) {
					const row = Array.from(rows.subarray(k, k + 4));
					refuse(RangeError, 'corners.encode', `anchors[${k / 4}]`, 'must have a positive width and height, which are divided by', row);
				}
				for (let c = 0; c < 4; c++) out[k + c] = ((boxes[k + c] - rows[k + c]) / units[c & 1] - means[c]) / variances[c];
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

/** Without a unit every raw number stands for the anchor itself. */
function checkUnmoved(boxes: Float32Array, rows: Float32Array, k: number): void {
	const same = [0, 1, 2, 3].every((c) => boxes[k + c] === rows[k + c]);
	if (!same) refuse(RangeError, 'corners.encode', `boxes[${k / 4}]`, "must be its anchor with unit 'none'", Array.from(boxes.subarray(k, k + 4)));
}

function readUnit(unit: unknown): [number, number] {
	if (unit === 'none') return [0, 0];
	if (unit === 'size' || unit === 'pixels') return [1, 1];
	if (!Array.isArray(unit) || unit.length !== 2) refuse(TypeError, 'corners', 'unit', "must be 'size', 'pixels', 'none' or [x, y]", unit);
	unit.forEach((u, i) => {
		if (typeof u !== 'number' || !(u > 0) || u === Infinity) refuse(RangeError, 'corners', `unit[${i}]`, 'must be a positive number of pixels', u);
	});
	return [round(unit[0]), round(unit[1])];
}

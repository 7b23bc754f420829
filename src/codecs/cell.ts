// YOLO boxes relative to a grid cell. Version 5 (also 7): with s = sigmoid(t), centre = (2 s - 0.5 + cell) * stride,
// size = (2 s)^2 * anchor (yolov5, models/yolo.py). An anchor row is the cell's centre and the anchor's size in
// pixels, so the centre is cx + (2 s - 1) * stride.

import { readOptions, refuse } from '../checks.js';
import { logit, sigmoid32 } from '../numbers.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';

const round = Math.fround;

/** Options of `cell`. */
export interface CellOptions {
	/** Which YOLO's formula. Default 'v5', which v7 shares. */
	version?: 'v5';
	/** False when the model has applied the sigmoid already. Default true: the numbers are logits. */
	sigmoid?: boolean;
}

/**
 * The codec of YOLOv5 and v7 feature maps. Anchors are rows of cxcywh pixels: cell centre, anchor size; `stride` is the level's.
 * `encode` throws a RangeError that names a box outside what the formula can reach: centre within one stride of the
 * cell's centre, size below 4 times the anchor's.
 */
export function cell(options: CellOptions = {}): BoxCodec {
	const { version = 'v5', sigmoid = true } = readOptions('cell', 'options', options, ['version', 'sigmoid']) as CellOptions;
	if (version !== 'v5') refuse(RangeError, 'cell', 'version', "must be 'v5'", version);
	if (typeof sigmoid !== 'boolean') refuse(TypeError, 'cell', 'sigmoid', 'must be a boolean', sigmoid);
	const codec: BoxCodec = {
		kind: 'cell',
		anchors: 'cxcywh',
		numRaw: 4,
		constants: {},
		variants: { version, sigmoid },
		decodeBox(raw, r, anchors, a, stride, out, o) {
			const r0 = raw[r];
			const r1 = raw[r + 1];
			const r2 = raw[r + 2];
			const r3 = raw[r + 3];
			if (!areFinite(r0, r1, r2, r3)) return writeNaN(out, o);
			// twice the sigmoid is exact in float32
			const x2 = 2 * (sigmoid ? sigmoid32(r0) : r0);
			const y2 = 2 * (sigmoid ? sigmoid32(r1) : r1);
			const w2 = 2 * (sigmoid ? sigmoid32(r2) : r2);
			const h2 = 2 * (sigmoid ? sigmoid32(r3) : r3);
			const x = round(anchors[a] + round(round(x2 - 1) * stride));
			const y = round(anchors[a + 1] + round(round(y2 - 1) * stride));
			const halfWidth = round(round(round(w2 * w2) * anchors[a + 2]) * 0.5);
			const halfHeight = round(round(round(h2 * h2) * anchors[a + 3]) * 0.5);
			out[o] = x - halfWidth;
			out[o + 1] = y - halfHeight;
			out[o + 2] = x + halfWidth;
			out[o + 3] = y + halfHeight;
		},
		encode(boxes, anchors, stride) {
			const n = checkRows('cell.encode', 'boxes', boxes, anchors, 'cxcywh');
			const strideOf = readStride('cell.encode', stride, n);
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			for (let i = 0; i < n; i++) {
				const k = i * 4;
				const s = strideOf(i);
				const values = [
					((boxes[k] + boxes[k + 2]) / 2 - rows[k]) / s / 2 + 0.5,
					((boxes[k + 1] + boxes[k + 3]) / 2 - rows[k + 1]) / s / 2 + 0.5,
					Math.sqrt((boxes[k + 2] - boxes[k]) / rows[k + 2]) / 2,
					Math.sqrt((boxes[k + 3] - boxes[k + 1]) / rows[k + 3]) / 2,
				];
				if (!values.every((p) => p > 0 && p < 1)) {
					const rule = `must have its centre within ${s} px of its cell's centre and a size in (0, 4) times its anchor's`;
					refuse(RangeError, 'cell.encode', `boxes[${i}]`, rule, Array.from(boxes.subarray(k, k + 4)));
				}
				out.set(sigmoid ? values.map(logit) : values, k);
			}
			return out;
		},
		decode(raw, anchors, stride) {
			const n = checkRows('cell.decode', 'raw', raw, anchors, 'cxcywh');
			return decodeAll(codec, raw, anchors, readStride('cell.decode', stride, n));
		},
	};
	return codec;
}

function readStride(call: string, stride: number | Float32Array | undefined, n: number): (i: number) => number {
	if (typeof stride === 'number' && stride > 0 && stride !== Infinity) return () => stride;
	if (ArrayBuffer.isView(stride) && stride.length === n) return (i) => stride[i];
	refuse(RangeError, call, 'stride', `must be a positive number, or a Float32Array of ${n}`, stride);
}

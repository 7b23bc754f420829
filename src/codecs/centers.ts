// Centre and size in cells, without any exponential: centre = cell + offset, size as it stands, both times the stride
// (CenterNet, lib/models/decode.py, ctdet_decode). Without offsets the centre is the point itself, half a cell in.

import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeCentred, writeNaN } from './codec.js';

const round = Math.fround;

/** Options of `centers`. */
export interface CentersOptions {
	/** True (default): raw numbers are offsets, then sizes. False: sizes alone, two numbers; the row is the box's centre. */
	offsets?: boolean;
	/** 'xywh' (default): x, y, width, height. 'yxhw': TensorFlow's CenterNet. */
	order?: 'xywh' | 'yxhw';
	/** 'none' (default), or 'relu': negative sizes count as 0 (TensorFlow); otherwise such a box is inverted, and empty. */
	activation?: 'none' | 'relu';
}

/**
 * The codec of centres. Anchors are rows (x, y, stride x, stride y) in pixels, as `anchorPoints` gives them: with `offset: 0` where the
 * model puts out offsets, with 0.5 where it does not. `encode` throws a RangeError that names a row without positive strides, and
 * without offsets a box whose centre is not its point.
 */
export function centers(options: CentersOptions = {}): BoxCodec {
	const given = readOptions('centers', 'options', options, ['offsets', 'order', 'activation']) as CentersOptions;
	const offsets = checkBoolean('centers', 'offsets', given.offsets ?? true);
	const swapped = checkWord('centers', 'order', given.order ?? 'xywh', ['xywh', 'yxhw']) === 'yxhw';
	const relu = checkWord('centers', 'activation', given.activation ?? 'none', ['none', 'relu']) === 'relu';
	const first = offsets ? 2 : 0;
	const size = (t: number, stride: number) => round((relu && t < 0 ? 0 : t) * stride);
	const codec: BoxCodec = {
		kind: 'centers',
		anchors: 'point',
		numRaw: first + 2,
		constants: {},
		variants: { offsets, swapped, relu },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const [a0, a1] = [raw[r + first], raw[r + first + 1]];
			const [b0, b1] = offsets ? [raw[r], raw[r + 1]] : [0, 0];
			if (!areFinite(a0, a1, b0, b1)) return writeNaN(out, o);
			const [sx, sy] = [anchors[a + 2], anchors[a + 3]];
			const x = round(anchors[a] + round((swapped ? b1 : b0) * sx));
			const y = round(anchors[a + 1] + round((swapped ? b0 : b1) * sy));
			writeCentred(x, y, size(swapped ? a1 : a0, sx), size(swapped ? a0 : a1, sy), out, o);
		},
		encode(boxes, anchors) {
			const n = checkRows('centers.encode', 'boxes', boxes, anchors, 'point');
			const out = new Float32Array(n * codec.numRaw);
			for (let i = 0; i < n; i++) {
				const [x, w] = encodeAxis(boxes, anchors as Float32Array, 4 * i, 0, offsets);
				const [y, h] = encodeAxis(boxes, anchors as Float32Array, 4 * i, 1, offsets);
				const numbers = swapped ? [y, x, h, w] : [x, y, w, h];
				out.set(offsets ? numbers : numbers.slice(2), i * codec.numRaw);
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

/** [offset, size] of one axis in strides. */
function encodeAxis(boxes: Float32Array, rows: Float32Array, k: number, axis: 0 | 1, offsets: boolean): [number, number] {
	const stride = rows[k + 2 + axis];
	if (!(stride > 0)) refuse(RangeError, 'centers.encode', `anchors[${k / 4}]`, 'must have positive strides', stride);
	const [low, high] = [boxes[k + axis], boxes[k + 2 + axis]];
	const away = (low + high) / 2 - rows[k + axis];
	// what rounding to float32 may have moved the middle by
	if (!offsets && !(Math.abs(away) <= 1e-6 * Math.max(Math.abs(low), Math.abs(high), stride)))
		refuse(RangeError, 'centers.encode', `boxes[${k / 4}]`, 'must have its centre at its point, because there are no offsets', [low, high]);
	return [away / stride, (high - low) / stride];
}

// MediaPipe's box code (TensorsToDetectionsCalculator): centre = raw / scale * anchor's size + anchor's centre, size = raw /
// scale * anchor's size (BlazeFace, BlazePalm) or exp(raw / scale) * anchor's size (its SSD models).

import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { exp32 } from '../numbers.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeCentred, writeNaN } from './codec.js';
import { FINITE_CLAMP } from './factors.js';

const round = Math.fround;

/** Options of `mediapipe`. */
export interface MediapipeOptions {
	/** x_scale, y_scale, w_scale and h_scale of the calculator, or one number for all: 128 for BlazeFace's short range, [10, 10, 5, 5] for SSD. */
	scale: number | readonly number[];
	/** apply_exponential_on_box_size. Default false. */
	exponential?: boolean;
	/**
	 * box_format: how the raw numbers are ordered. 'yxhw' (default), 'xywh' (reverse_output_order), or 'xyxy', which are distances from the
	 * anchor's centre to the left, top, right and bottom.
	 */
	order?: 'yxhw' | 'xywh' | 'xyxy';
}

/**
 * MediaPipe's codec. Anchors are rows of cxcywh in pixels: `mediapipeAnchors` gives them in fractions of the input, to be multiplied by its
 * width and height. A negative size gives a box of NaN, which kedge rejects as MediaPipe drops it; logs above 60 count as 60. `encode`
 * throws a RangeError that names a box without a positive size (linear: without a size that is 0 or more), or such an anchor.
 */
export function mediapipe(options: MediapipeOptions): BoxCodec {
	const given = readOptions('mediapipe', 'options', options, ['scale', 'exponential', 'order']) as Partial<MediapipeOptions>;
	const scales = readScales(given.scale);
	const exponential = checkBoolean('mediapipe', 'exponential', given.exponential ?? false);
	const order = checkWord('mediapipe', 'order', given.order ?? 'yxhw', ['yxhw', 'xywh', 'xyxy']);
	const [ix, iy, iw, ih] = scales.map((s) => round(1 / s));
	const size = (t: number, anchor: number) => round((exponential ? exp32(t < FINITE_CLAMP ? t : FINITE_CLAMP) : t) * anchor);
	const codec: BoxCodec = {
		kind: 'mediapipe',
		anchors: 'cxcywh',
		numRaw: 4,
		constants: { ix, iy, iw, ih, largest: FINITE_CLAMP },
		variants: { exponential, order },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			let [x, y, w, h] = [raw[r], raw[r + 1], raw[r + 2], raw[r + 3]];
			if (!areFinite(x, y, w, h)) return writeNaN(out, o);
			if (order === 'yxhw') [x, y, w, h] = [y, x, h, w];
			else if (order === 'xyxy') [x, y, w, h] = [round(round(w - x) * 0.5), round(round(h - y) * 0.5), round(w + x), round(h + y)];
			const width = size(round(w * iw), anchors[a + 2]);
			const height = size(round(h * ih), anchors[a + 3]);
			if (width < 0 || height < 0) return writeNaN(out, o);
			const centreX = round(anchors[a] + round(round(x * ix) * anchors[a + 2]));
			const centreY = round(anchors[a + 1] + round(round(y * iy) * anchors[a + 3]));
			writeCentred(centreX, centreY, width, height, out, o);
		},
		encode(boxes, anchors) {
			const n = checkRows('mediapipe.encode', 'boxes', boxes, anchors, 'cxcywh');
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			for (let k = 0; k < n * 4; k += 4) {
				const [x, w] = encodeAxis(boxes, rows, k, 0, exponential, scales);
				const [y, h] = encodeAxis(boxes, rows, k, 1, exponential, scales);
				if (order === 'yxhw') out.set([y, x, h, w], k);
				else if (order === 'xywh') out.set([x, y, w, h], k);
				else out.set([w / 2 - x, h / 2 - y, w / 2 + x, h / 2 + y], k);
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

/** [centre, size] of one axis as the model puts them out. */
function encodeAxis(boxes: Float32Array, rows: Float32Array, k: number, axis: 0 | 1, exponential: boolean, scales: readonly number[]): [number, number] {
	const anchor = rows[k + 2 + axis];
	const size = boxes[k + 2 + axis] - boxes[k + axis];
	const what = axis ? 'height' : 'width';
	if (!(anchor > 0)) refuse(RangeError, 'mediapipe.encode', `anchors[${k / 4}]`, `must have a positive ${what}`, anchor);
	if (!(size >= 0) || (exponential && size === 0)) {
		const rule = exponential ? `must have a positive ${what}, whose log is taken` : `must have a ${what} that is not negative`;
		refuse(RangeError, 'mediapipe.encode', `boxes[${k / 4}]`, rule, Array.from(boxes.subarray(k, k + 4)));
	}
	const centre = (boxes[k + axis] + boxes[k + 2 + axis]) / 2 - rows[k + axis];
	return [(centre / anchor) * scales[axis], (exponential ? Math.log(size / anchor) : size / anchor) * scales[2 + axis]];
}

function readScales(scale: unknown): readonly number[] {
	const scales: unknown = typeof scale === 'number' ? [scale, scale, scale, scale] : scale;
	if (!Array.isArray(scales) || scales.length !== 4) refuse(TypeError, 'mediapipe', 'scale', 'must be one number, or four (x, y, width, height)', scale);
	scales.forEach((s, i) => {
		if (typeof s !== 'number' || !(s > 0) || s === Infinity) refuse(RangeError, 'mediapipe', `scale[${i}]`, 'must be a positive number', s);
	});
	return scales;
}

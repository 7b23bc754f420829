// Distances from a point to the four sides of its box: x1 = px - l unit, and so on. The unit is a stride (RTMDet, TOOD,
// YOLOv6, YOLOv8 before its last layer), a pixel, the size of an anchor box (torchvision's FCOS; FSAF) or a
// base edge (FoveaBox: exp(t) base edge). Negative distances are taken as they are; such a box may be empty.

import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { exp32 } from '../numbers.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';
import { FINITE_CLAMP } from './factors.js';

const round = Math.fround;

/** Options of `distances`. */
export interface DistancesOptions {
	/**
	 * What a distance of 1 is: what the point's row says (default), which is one stride of its level unless the row was made otherwise;
	 * one pixel; or the width and height of an anchor box, whose centre is the point.
	 */
	unit?: 'stride' | 'pixels' | 'size';
	/** What is done to a raw number, after `scale`. Default 'none'; mmdetection's FCOS and FoveaBox have 'exp', FCOS with normalised targets 'relu'. */
	activation?: 'none' | 'relu' | 'exp';
	/** What raw numbers are multiplied by first. Default 1; FSAF's normalizer is 4. */
	scale?: number;
	/** Order of the raw numbers: left, top, right, bottom (default), or FSAF's top, bottom, left, right. */
	order?: 'ltrb' | 'tblr';
	/**
	 * True: all four are the point minus the side, so right and bottom are negative inside the box (DenseBox: d = x_i - x_b).
	 * Default false: the lengths. Not with an activation.
	 */
	signed?: boolean;
}

/**
 * The distance codec. Anchors are rows (x, y, unit x, unit y) in pixels, as `anchorPoints` gives them with strides for units; FoveaBox puts
 * a level's base edge there. With `unit: 'size'` they are rows of xyxy. With 'exp' a decoded box is never inverted, and logs above 60
 * count as 60, which only keeps numbers finite. `encode` throws a RangeError that names a row without positive units, and with an
 * activation a box that does not hold its point.
 */
export function distances(options: DistancesOptions = {}): BoxCodec {
	const given = readOptions('distances', 'options', options, ['unit', 'activation', 'scale', 'order', 'signed']) as DistancesOptions;
	const unit = checkWord('distances', 'unit', given.unit ?? 'stride', ['stride', 'pixels', 'size']);
	const activation = checkWord('distances', 'activation', given.activation ?? 'none', ['none', 'relu', 'exp']);
	const order = checkWord('distances', 'order', given.order ?? 'ltrb', ['ltrb', 'tblr']);
	const { scale = 1 } = given;
	if (typeof scale !== 'number' || !(scale > 0) || scale === Infinity) refuse(RangeError, 'distances', 'scale', 'must be a positive number', scale);
	const signed = checkBoolean('distances', 'signed', given.signed ?? false);
	if (signed && activation !== 'none') refuse(TypeError, 'distances', 'signed', 'must be false with an activation, which leaves no sign', signed);
	const side = signed ? -1 : 1;
	const factor = round(scale);
	const swapped = order === 'tblr';

	const reach = (t: number, size: number) => {
		let d = factor === 1 ? t : round(t * factor);
		if (activation === 'relu') d = d > 0 ? d : 0;
		else if (activation === 'exp') d = exp32(d < FINITE_CLAMP ? d : FINITE_CLAMP);
		return unit === 'pixels' ? d : round(d * size);
	};
	const codec: BoxCodec = {
		kind: 'distances',
		anchors: unit === 'size' ? 'xyxy' : 'point',
		numRaw: 4,
		constants: { factor, largest: FINITE_CLAMP },
		variants: { unit, order, activation, scaled: factor !== 1, signed },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const r0 = raw[r];
			const r1 = raw[r + 1];
			const r2 = raw[r + 2];
			const r3 = raw[r + 3];
			if (!areFinite(r0, r1, r2, r3)) return writeNaN(out, o);
			let [x, y, sx, sy] = [anchors[a], anchors[a + 1], anchors[a + 2], anchors[a + 3]];
			if (unit === 'size') [x, y, sx, sy] = [round(round(x + sx) * 0.5), round(round(y + sy) * 0.5), round(sx - x), round(sy - y)];
			out[o] = x - reach(swapped ? r2 : r0, sx);
			out[o + 1] = y - reach(swapped ? r0 : r1, sy);
			out[o + 2] = x + side * reach(swapped ? r3 : r2, sx);
			out[o + 3] = y + side * reach(swapped ? r1 : r3, sy);
		},
		encode(boxes, anchors) {
			const n = checkRows('distances.encode', 'boxes', boxes, anchors, codec.anchors);
			const out = new Float32Array(n * 4);
			for (let k = 0; k < n * 4; k += 4) {
				const [x, y, sx, sy] = pointOf(unit, anchors as Float32Array, k);
				const ltrb = [(x - boxes[k]) / sx, (y - boxes[k + 1]) / sy, (boxes[k + 2] - x) / sx, (boxes[k + 3] - y) / sy];
				const holds = activation === 'none' || ltrb.every((d) => (activation === 'exp' ? d > 0 : d >= 0));
				if (!holds) {
					const rule = `must hold its point (${x}, ${y})${activation === 'exp' ? ' inside' : ''}`;
					refuse(RangeError, 'distances.encode', `boxes[${k / 4}]`, rule, Array.from(boxes.subarray(k, k + 4)));
				}
				const [l, t, r, b] = ltrb.map((d, c) => ((activation === 'exp' ? Math.log(d) : d) * (c < 2 ? 1 : side)) / scale);
				out.set(swapped ? [t, b, l, r] : [l, t, r, b], k);
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

/** The point and the units of a row, in double precision. */
function pointOf(unit: string, rows: Float32Array, k: number): number[] {
	const [x, y, z, w] = rows.subarray(k, k + 4);
	const [sx, sy] = unit === 'pixels' ? [1, 1] : unit === 'size' ? [z - x, w - y] : [z, w];
	if (!(sx > 0 && sy > 0)) {
		const what = unit === 'size' ? 'a positive width and height' : 'positive strides';
		refuse(RangeError, 'distances.encode', `anchors[${k / 4}]`, `must have ${what}`, [sx, sy]);
	}
	return unit === 'size' ? [(x + z) / 2, (y + w) / 2, sx, sy] : [x, y, sx, sy];
}

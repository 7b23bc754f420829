// Distances from a point to the four sides of its box, left, top, right, bottom (FCOS, TOOD, YOLOv8 before its last
// layer): x1 = px - l * stride, and so on. Negative distances are taken as they are; such a box may be empty.

import { readOptions, refuse } from '../checks.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';

const round = Math.fround;

/** Options of `distances`. */
export interface DistancesOptions {
	/** What a distance of 1 is: one stride of the point's level (default), or one pixel. */
	unit?: 'stride' | 'pixels';
	/** Order of the raw numbers. */
	order?: 'ltrb';
}

/** The distance codec. Anchors are rows (x, y, stride x, stride y) in pixels, as `anchorPoints` gives them. */
export function distances(options: DistancesOptions = {}): BoxCodec {
	const { unit = 'stride', order = 'ltrb' } = readOptions('distances', 'options', options, ['unit', 'order']) as DistancesOptions;
	if (unit !== 'stride' && unit !== 'pixels') refuse(RangeError, 'distances', 'unit', "must be 'stride' or 'pixels'", unit);
	if (order !== 'ltrb') refuse(RangeError, 'distances', 'order', "must be 'ltrb'", order);
	const scaled = unit === 'stride';
	const codec: BoxCodec = {
		kind: 'distances',
		anchors: 'point',
		numRaw: 4,
		constants: {},
		variants: { unit, order },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const r0 = raw[r];
			const r1 = raw[r + 1];
			const r2 = raw[r + 2];
			const r3 = raw[r + 3];
			if (!areFinite(r0, r1, r2, r3)) return writeNaN(out, o);
			const x = anchors[a];
			const y = anchors[a + 1];
			out[o] = x - (scaled ? round(r0 * anchors[a + 2]) : r0);
			out[o + 1] = y - (scaled ? round(r1 * anchors[a + 3]) : r1);
			out[o + 2] = x + (scaled ? round(r2 * anchors[a + 2]) : r2);
			out[o + 3] = y + (scaled ? round(r3 * anchors[a + 3]) : r3);
		},
		encode(boxes, anchors) {
			const n = checkRows('distances.encode', 'boxes', boxes, anchors, 'point');
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			for (let k = 0; k < n * 4; k += 4) {
				const sx = scaled ? rows[k + 2] : 1;
				const sy = scaled ? rows[k + 3] : 1;
				if (!(sx > 0 && sy > 0)) refuse(RangeError, 'distances.encode', `anchors[${k / 4}]`, 'must have positive strides', [sx, sy]);
				out[k] = (rows[k] - boxes[k]) / sx;
				out[k + 1] = (rows[k + 1] - boxes[k + 1]) / sy;
				out[k + 2] = (boxes[k + 2] - rows[k]) / sx;
				out[k + 3] = (boxes[k + 3] - rows[k + 1]) / sy;
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

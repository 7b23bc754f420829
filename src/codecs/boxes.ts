// Heads that put out finished boxes (YOLOv8, YOLOv5 concatenated): only the format, and perhaps a scale, is to be
// undone. xyxy, yxyx, xywh (corner and size) and cxcywh (centre and size) as in boxes/formats.

import { BOX_FORMATS, type BoxFormat } from '../boxes/formats.js';
import { readOptions, refuse } from '../checks.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';

const round = Math.fround;

/** Options of `boxes`. */
export interface BoxesOptions {
	/** What the four numbers are. Default 'cxcywh'. */
	format?: BoxFormat;
	/** Pixels per unit in x and y: [width, height] of the network input for normalised boxes. Default [1, 1]. */
	scale?: readonly [number, number];
}

/** A codec for heads whose numbers are boxes already. Needs no anchors. Throws on an unknown format or a scale that is not positive. */
export function boxes(options: BoxesOptions = {}): BoxCodec {
	const { format = 'cxcywh', scale = [1, 1] } = readOptions('boxes', 'options', options, ['format', 'scale']) as BoxesOptions;
	if (!BOX_FORMATS.includes(format)) refuse(RangeError, 'boxes', 'format', `must be one of ${BOX_FORMATS.join(', ')}`, format);
	if (!Array.isArray(scale) || scale.length !== 2) refuse(TypeError, 'boxes', 'scale', 'must be [x, y]', scale);
	scale.forEach((s, i) => {
		if (typeof s !== 'number' || !(s > 0) || s === Infinity) refuse(RangeError, 'boxes', `scale[${i}]`, 'must be a positive number', s);
	});
	const sx = round(scale[0]);
	const sy = round(scale[1]);
	const scaled = sx !== 1 || sy !== 1;
	const codec: BoxCodec = {
		kind: 'boxes',
		anchors: 'none',
		numRaw: 4,
		constants: { sx, sy },
		variants: { format, scaled },
		decodeBox(raw, r, _anchors, _a, _stride, out, o) {
			const r0 = raw[r];
			const r1 = raw[r + 1];
			const r2 = raw[r + 2];
			const r3 = raw[r + 3];
			if (!areFinite(r0, r1, r2, r3)) return writeNaN(out, o);
			let x = format === 'yxyx' ? r1 : r0;
			let y = format === 'yxyx' ? r0 : r1;
			let z = format === 'yxyx' ? r3 : r2;
			let w = format === 'yxyx' ? r2 : r3;
			if (scaled) {
				x = round(x * sx);
				y = round(y * sy);
				z = round(z * sx);
				w = round(w * sy);
			}
			if (format === 'cxcywh') {
				const halfWidth = round(z * 0.5);
				const halfHeight = round(w * 0.5);
				out[o] = x - halfWidth;
				out[o + 1] = y - halfHeight;
				out[o + 2] = x + halfWidth;
				out[o + 3] = y + halfHeight;
				return;
			}
			out[o] = x;
			out[o + 1] = y;
			out[o + 2] = format === 'xywh' ? x + z : z;
			out[o + 3] = format === 'xywh' ? y + w : w;
		},
		encode(rows) {
			const n = checkRows('boxes.encode', 'boxes', rows, undefined, 'none');
			const out = new Float32Array(n * 4);
			for (let k = 0; k < n * 4; k += 4) {
				const x1 = rows[k] / sx;
				const y1 = rows[k + 1] / sy;
				const x2 = rows[k + 2] / sx;
				const y2 = rows[k + 3] / sy;
				if (format === 'xyxy') out.set([x1, y1, x2, y2], k);
				else if (format === 'yxyx') out.set([y1, x1, y2, x2], k);
				else if (format === 'xywh') out.set([x1, y1, x2 - x1, y2 - y1], k);
				else out.set([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], k);
			}
			return out;
		},
		decode: (raw) => decodeAll(codec, raw, undefined, () => 1),
	};
	return codec;
}

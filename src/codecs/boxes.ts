// Heads that put out finished boxes (YOLOv8, YOLOv5 concatenated, DETR): only the format, and perhaps a scale, is to be
// undone. xyxy, yxyx, xywh (corner and size) and cxcywh (centre and size) as in boxes/formats; cxcywhr has an angle too.

import { BOX_FORMATS, type BoxFormat } from '../boxes/formats.js';
import { readOptions, refuse } from '../checks.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeCentred, writeNaN } from './codec.js';

const round = Math.fround;

/** Options of `boxes`. */
export interface BoxesOptions {
	/** What the numbers are. Default 'cxcywh'. 'cxcywhr': centre, size and an angle in radians, clockwise on the screen (YOLO-OBB as Ultralytics exports it). */
	format?: BoxFormat | 'cxcywhr';
	/** Pixels per unit in x and y: [width, height] of the network input for normalised boxes (DETR). Default [1, 1]. */
	scale?: readonly [number, number];
}

/**
 * A codec for heads whose numbers are boxes already. Needs no anchors. With 'cxcywhr' boxes are [N, 5], the rectangle before it is turned
 * and the angle, which must be finite. Throws on an unknown format, a scale that is not positive, or one that would shear turned boxes.
 */
export function boxes(options: BoxesOptions = {}): BoxCodec {
	const { format = 'cxcywh', scale = [1, 1] } = readOptions('boxes', 'options', options, ['format', 'scale']) as BoxesOptions;
	const formats: readonly string[] = [...BOX_FORMATS, 'cxcywhr'];
	if (!formats.includes(format)) refuse(RangeError, 'boxes', 'format', `must be one of ${formats.join(', ')}`, format);
	if (!Array.isArray(scale) || scale.length !== 2) refuse(TypeError, 'boxes', 'scale', 'must be [x, y]', scale);
	scale.forEach((s, i) => {
		if (typeof s !== 'number' || !(s > 0) || s === Infinity) refuse(RangeError, 'boxes', `scale[${i}]`, 'must be a positive number', s);
	});
	const sx = round(scale[0]);
	const sy = round(scale[1]);
	const scaled = sx !== 1 || sy !== 1;
	const rotated = format === 'cxcywhr';
	if (rotated && sx !== sy) refuse(RangeError, 'boxes', 'scale', "must be the same in x and y with format 'cxcywhr', or angles would change", scale);
	const width = rotated ? 5 : 4;
	const centred = rotated || format === 'cxcywh';
	const codec: BoxCodec = {
		kind: 'boxes',
		anchors: 'none',
		numRaw: width,
		rotated,
		constants: { sx, sy },
		variants: { format: rotated ? 'cxcywh' : format, scaled },
		decodeBox(raw, r, _anchors, _a, _stride, out, o) {
			const r0 = raw[r];
			const r1 = raw[r + 1];
			const r2 = raw[r + 2];
			const r3 = raw[r + 3];
			if (rotated) out[o + 4] = raw[r + 4];
			if (!areFinite(r0, r1, r2, r3) || (rotated && !Number.isFinite(raw[r + 4]))) return writeNaN(out, o);
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
			if (centred) return writeCentred(x, y, z, w, out, o);
			out[o] = x;
			out[o + 1] = y;
			out[o + 2] = format === 'xywh' ? x + z : z;
			out[o + 3] = format === 'xywh' ? y + w : w;
		},
		encode(rows) {
			const n = checkRows('boxes.encode', 'boxes', rows, undefined, 'none', width);
			const out = new Float32Array(n * width);
			for (let k = 0; k < n * width; k += width) {
				const x1 = rows[k] / sx;
				const y1 = rows[k + 1] / sy;
				const x2 = rows[k + 2] / sx;
				const y2 = rows[k + 3] / sy;
				if (format === 'xyxy') out.set([x1, y1, x2, y2], k);
				else if (format === 'yxyx') out.set([y1, x1, y2, x2], k);
				else if (format === 'xywh') out.set([x1, y1, x2 - x1, y2 - y1], k);
				else out.set([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1], k);
				if (rotated) out[k + 4] = rows[k + 4];
			}
			return out;
		},
		decode: (raw) => decodeAll(codec, raw, undefined, () => 1),
	};
	return codec;
}

// YOLO boxes relative to a grid cell. With s = sigmoid(t) and the cell's corner c in cells,
//   v2, v3: centre = (c + s) stride, size = e^t anchor                        (darknet, region_layer.c and yolo_layer.c)
//   v4:     centre = (c + k s - (k - 1) / 2) stride, size = e^t anchor        (scale_x_y = k)
//   v5, v7: centre = (c + 2 s - 1/2) stride, size = (2 s)^2 anchor            (yolov5, models/yolo.py)
//   X:      centre = (c + t) stride, size = e^t stride                        (YOLOX, yolo_head.py)
// An anchor row holds the middle of its cell, so that the centre is middle + (s - 1/2) k stride in the first three.

import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { exp32, logit, sigmoid32 } from '../numbers.js';
import { areFinite, type BoxCodec, checkRows, decodeAll, writeCentred, writeNaN } from './codec.js';
import { FINITE_CLAMP } from './factors.js';

const round = Math.fround;

/** Options of `cell`. */
export interface CellOptions {
	/** Which YOLO's formula. Default 'v5', which v7 shares; 'v3' is mmdetection's YOLOBBoxCoder too. */
	version?: 'v2' | 'v3' | 'v4' | 'v5' | 'x';
	/**
	 * How far sigmoids of centres are stretched, darknet's scale_x_y: one number, or by stride; a stride that is not listed has 1.
	 * Default 1 for v2 and v3, { 8: 1.2, 16: 1.1, 32: 1.05 } for v4 (1.05 in its tiny version), 2 for v5. Absent with 'x'.
	 */
	scaleXY?: number | Readonly<Record<number, number>>;
	/**
	 * False when the model has applied the sigmoids already, as darknet does. Default true: the numbers are logits. Absent with 'x'. Darknet's
	 * new_coords are `version: 'v5', sigmoid: false`.
	 */
	sigmoid?: boolean;
}

/** scale_x_y of the three layers of yolov4.cfg. */
const V4_SCALES = { 8: 1.2, 16: 1.1, 32: 1.05 };

/**
 * The codec of YOLOv2 to v5, v7 and YOLOX feature maps. Anchors are rows of cxcywh pixels: cell centre, anchor size (YOLOv2's tables are in
 * cells: multiply them by the stride); `stride` is the level's. YOLOX has rows of points, (x, y, stride, stride), with the cells' corners
 * for points. Zero logits give the anchor back. Logs of sizes above 60 count as 60, which only keeps numbers finite; darknet has no limit.
 * `encode` throws a RangeError that names a box outside what the formula can reach: v5 needs a size below 4 times the anchor's.
 */
export function cell(options: CellOptions = {}): BoxCodec {
	const given = readOptions('cell', 'options', options, ['version', 'scaleXY', 'sigmoid']) as CellOptions;
	const version = checkWord('cell', 'version', given.version ?? 'v5', ['v2', 'v3', 'v4', 'v5', 'x']);
	if (version === 'x') return cellX(given);
	const sigmoid = checkBoolean('cell', 'sigmoid', given.sigmoid ?? true);
	const squared = version === 'v5';
	const scales = readScales(given.scaleXY ?? (squared ? 2 : version === 'v4' ? V4_SCALES : 1));
	const size = (t: number, anchor: number) => {
		if (!squared) return round(exp32(t < FINITE_CLAMP ? t : FINITE_CLAMP) * anchor);
		const s2 = 2 * (sigmoid ? sigmoid32(t) : t); // exact in float32
		return round(round(s2 * s2) * anchor);
	};
	const codec: BoxCodec = {
		kind: 'cell',
		anchors: 'cxcywh',
		numRaw: 4,
		constants: { ...scales.constants, largest: FINITE_CLAMP },
		variants: { x: false, squared, sigmoid },
		decodeBox(raw, r, anchors, a, stride, out, o) {
			if (!areFinite(raw[r], raw[r + 1], raw[r + 2], raw[r + 3])) return writeNaN(out, o);
			const k = scaleOf(scales, stride);
			const sx = sigmoid ? sigmoid32(raw[r]) : raw[r];
			const sy = sigmoid ? sigmoid32(raw[r + 1]) : raw[r + 1];
			const x = round(anchors[a] + round(round(round(sx - 0.5) * k) * stride));
			const y = round(anchors[a + 1] + round(round(round(sy - 0.5) * k) * stride));
			writeCentred(x, y, size(raw[r + 2], anchors[a + 2]), size(raw[r + 3], anchors[a + 3]), out, o);
		},
		encode(boxes, anchors, stride) {
			const n = checkRows('cell.encode', 'boxes', boxes, anchors, 'cxcywh');
			const strideOf = readStride('cell.encode', stride, n);
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			for (let i = 0; i < n; i++) {
				const k = i * 4;
				const reach = scaleOf(scales, strideOf(i)) * strideOf(i);
				const ratios = [(boxes[k + 2] - boxes[k]) / rows[k + 2], (boxes[k + 3] - boxes[k + 1]) / rows[k + 3]];
				const units = [
					((boxes[k] + boxes[k + 2]) / 2 - rows[k]) / reach + 0.5,
					((boxes[k + 1] + boxes[k + 3]) / 2 - rows[k + 1]) / reach + 0.5,
					...(squared ? ratios.map((q) => Math.sqrt(q) / 2) : []),
				];
				if (!units.every((p) => p > 0 && p < 1) || !ratios.every((q) => q > 0 && q < Infinity)) {
					const rule = `must have its centre within ${reach / 2} px of its cell's centre and a size in (0, ${squared ? 4 : Infinity}) times its anchor's`;
					refuse(RangeError, 'cell.encode', `boxes[${i}]`, rule, Array.from(boxes.subarray(k, k + 4)));
				}
				out.set(sigmoid ? units.map(logit) : units, k);
				if (!squared) out.set(ratios.map(Math.log), k + 2);
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

/** YOLOX: no sigmoid, and the stride is the anchor. */
function cellX(given: CellOptions): BoxCodec {
	for (const name of ['scaleXY', 'sigmoid'] as const) {
		if (given[name] !== undefined) refuse(TypeError, 'cell', name, "must be absent with version 'x', which has no sigmoid", given[name]);
	}
	const codec: BoxCodec = {
		kind: 'cell',
		anchors: 'point',
		numRaw: 4,
		constants: { largest: FINITE_CLAMP },
		variants: { x: true },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const [tx, ty, tw, th] = [raw[r], raw[r + 1], raw[r + 2], raw[r + 3]];
			if (!areFinite(tx, ty, tw, th)) return writeNaN(out, o);
			const [sx, sy] = [anchors[a + 2], anchors[a + 3]];
			const w = round(exp32(tw < FINITE_CLAMP ? tw : FINITE_CLAMP) * sx);
			const h = round(exp32(th < FINITE_CLAMP ? th : FINITE_CLAMP) * sy);
			writeCentred(round(anchors[a] + round(tx * sx)), round(anchors[a + 1] + round(ty * sy)), w, h, out, o);
		},
		encode(boxes, anchors) {
			const n = checkRows('cell.encode', 'boxes', boxes, anchors, 'point');
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 4);
			for (let k = 0; k < n * 4; k += 4) {
				for (const c of [0, 1]) {
					const stride = rows[k + 2 + c];
					if (!(stride > 0)) refuse(RangeError, 'cell.encode', `anchors[${k / 4}]`, 'must have positive strides', stride);
					const size = boxes[k + 2 + c] - boxes[k + c];
					if (!(size > 0 && size < Infinity)) {
						refuse(RangeError, 'cell.encode', `boxes[${k / 4}]`, 'must have a positive size, whose log is taken', Array.from(boxes.subarray(k, k + 4)));
					}
					out[k + c] = ((boxes[k + c] + boxes[k + 2 + c]) / 2 - rows[k + c]) / stride;
					out[k + 2 + c] = Math.log(size / stride);
				}
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

interface Scales {
	/** For the shader: `scale` for strides that are not listed, `scale<stride>` for the others. */
	readonly constants: Readonly<Record<string, number>>;
	readonly byStride: ReadonlyMap<number, number>;
}

function readScales(scaleXY: unknown): Scales {
	const check = (name: string, scale: unknown): number => {
		if (typeof scale !== 'number' || !(scale > 0) || scale === Infinity) refuse(RangeError, 'cell', name, 'must be a positive number', scale);
		return round(scale);
	};
	if (typeof scaleXY !== 'object' || scaleXY === null) return { constants: { scale: check('scaleXY', scaleXY) }, byStride: new Map() };
	const byStride = new Map<number, number>();
	for (const [stride, scale] of Object.entries(scaleXY)) {
		if (!(Number(stride) > 0)) refuse(RangeError, 'cell', 'scaleXY', 'must be a number, or numbers by stride as { 8: 1.2, 16: 1.1 }', stride);
		byStride.set(Number(stride), check(`scaleXY[${stride}]`, scale));
	}
	return { constants: { scale: 1, ...Object.fromEntries([...byStride].map(([stride, scale]) => [`scale${stride}`, scale])) }, byStride };
}

function scaleOf(scales: Scales, stride: number): number {
	return scales.byStride.get(stride) ?? scales.constants.scale;
}

function readStride(call: string, stride: number | Float32Array | undefined, n: number): (i: number) => number {
	if (typeof stride === 'number' && stride > 0 && stride !== Infinity) return () => stride;
	if (ArrayBuffer.isView(stride) && stride.length === n) return (i) => stride[i];
	refuse(RangeError, call, 'stride', `must be a positive number, or a Float32Array of ${n}`, stride);
}

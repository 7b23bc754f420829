// Distances to the sides of a box that is turned (YOLOv8-OBB and its successors; ultralytics, utils/tal.py, dist2rbox):
// the size is l + r, t + b; the centre is the point plus ((r - l) / 2, (b - t) / 2) turned by the angle.

import { checkInteger, checkWord, readOptions, refuse } from '../checks.js';
import { ANGLE_LIMIT, cos32, sin32 } from '../functions.js';
import { flushProduct, logit, sigmoid32 } from '../numbers.js';
import { checkReach, MOST_BINS, meanBin, spread } from './bins.js';
import { type BoxCodec, checkRows, decodeAll, writeCentred, writeNaN } from './codec.js';

const round = Math.fround;
const PI = /* @__PURE__ */ Math.fround(Math.PI);

/** Options of `rotatedDistances`. */
export interface RotatedDistancesOptions {
	/** 'sigmoid-quarter' (default): the angle is (sigmoid(t) - 1/4) pi, from -45 to 135 degrees (YOLOv8 and 11). 'raw': it is t, in radians (YOLO26). */
	angle?: 'sigmoid-quarter' | 'raw';
	/** Bins per side as in `bins`; 1 (default) when the four numbers are the distances themselves. */
	numBins?: number;
}

/**
 * The codec of turned boxes by distances. Raw numbers: those of the four sides, then the angle's. Anchors are rows (x, y, stride x,
 * stride y) in pixels. Boxes are [N, 5]: the rectangle before it is turned about its centre, xyxy, and the angle in radians, clockwise on
 * the screen. Angles of 4096 and more give a box of NaN. `encode` turns angles by multiples of pi into the range of the sigmoid, which leaves the
 * box what it is, and throws a RangeError that names a box it cannot reach.
 */
export function rotatedDistances(options: RotatedDistancesOptions = {}): BoxCodec {
	const given = readOptions('rotatedDistances', 'options', options, ['angle', 'numBins']) as RotatedDistancesOptions;
	const form = checkWord('rotatedDistances', 'angle', given.angle ?? 'sigmoid-quarter', ['sigmoid-quarter', 'raw']);
	const numBins = checkInteger('rotatedDistances', 'numBins', given.numBins ?? 1, 1, MOST_BINS);
	const last = 4 * numBins;
	const side = (raw: Float32Array, r: number, s: number) => (numBins > 1 ? meanBin(raw, r + s * numBins, numBins) : raw[r + s]);
	const codec: BoxCodec = {
		kind: 'rotatedDistances',
		anchors: 'point',
		numRaw: last + 1,
		rotated: true,
		constants: { numBins },
		variants: { form },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const [sx, sy] = [anchors[a + 2], anchors[a + 3]];
			const left = round(side(raw, r, 0) * sx);
			const top = round(side(raw, r, 1) * sy);
			const right = round(side(raw, r, 2) * sx);
			const bottom = round(side(raw, r, 3) * sy);
			const t = raw[r + last];
			const angle = flushProduct(form === 'raw' ? t : round(round(sigmoid32(t) - 0.25) * PI));
			out[o + 4] = angle;
			const usable = left - left + (top - top) + (right - right) + (bottom - bottom) + (t - t) === 0;
			if (!usable || !(Math.abs(angle) < ANGLE_LIMIT)) return writeNaN(out, o);
			const alongX = round(round(right - left) * 0.5);
			const alongY = round(round(bottom - top) * 0.5);
			const cos = cos32(angle);
			const sin = sin32(angle);
			const x = round(anchors[a] + round(round(alongX * cos) - round(alongY * sin)));
			const y = round(anchors[a + 1] + round(round(alongX * sin) + round(alongY * cos)));
			writeCentred(x, y, round(left + right), round(top + bottom), out, o);
		},
		encode(boxes, anchors) {
			const n = checkRows('rotatedDistances.encode', 'boxes', boxes, anchors, 'point', 5);
			const out = new Float32Array(n * codec.numRaw);
			for (let i = 0; i < n; i++) {
				const box = Array.from(boxes.subarray(i * 5, i * 5 + 5));
				const turns = box[4] / Math.PI + 0.25; // in half turns: what the sigmoid reaches is 0 to 1
				const within = turns - Math.floor(turns);
				const angle = form === 'raw' ? box[4] : (within - 0.25) * Math.PI;
				const ltrb = measure(box, angle, (anchors as Float32Array).subarray(i * 4, i * 4 + 4));
				const o = i * codec.numRaw;
				if (numBins > 1) {
					checkReach('rotatedDistances.encode', i, ltrb, numBins, box);
					ltrb.forEach((distance, s) => {
						spread(distance, numBins, out, o + s * numBins);
					});
				} else out.set(ltrb, o);
				out[o + last] = form === 'raw' ? angle : logitOf(within, i, box);
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

/** How far from the point, in units, the sides of a box turned by `angle` are, along its own axes. */
function measure(box: readonly number[], angle: number, point: Float32Array): number[] {
	const [x1, y1, x2, y2] = box;
	const [px, py, sx, sy] = point;
	const [dx, dy] = [(x1 + x2) / 2 - px, (y1 + y2) / 2 - py];
	const alongX = dx * Math.cos(angle) + dy * Math.sin(angle);
	const alongY = dy * Math.cos(angle) - dx * Math.sin(angle);
	const [halfWidth, halfHeight] = [(x2 - x1) / 2, (y2 - y1) / 2];
	return [(halfWidth - alongX) / sx, (halfHeight - alongY) / sy, (halfWidth + alongX) / sx, (halfHeight + alongY) / sy];
}

function logitOf(within: number, i: number, box: readonly number[]): number {
	const t = logit(within);
	if (!Number.isFinite(t)) refuse(RangeError, 'rotatedDistances.encode', `boxes[${i}]`, 'must not have an angle of -45 degrees, which no sigmoid reaches', box);
	return t;
}

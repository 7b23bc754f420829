// Deltas of boxes that are turned: dx, dy, dw, dh as in `deltas`, and the change of the angle in radians (RRPN; detectron2,
// box_regression.py, Box2BoxTransformRotated; mmrotate, delta_xywha_rbbox_coder.py). The rectangle before it is turned is
// decoded from its corners, so a zero delta gives the anchor back bit for bit.

import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { ANGLE_LIMIT, cos32, sin32 } from '../functions.js';
import { flushProduct } from '../numbers.js';
import { anchorWidth, type BoxCodec, checkRows, decodeAll, writeNaN } from './codec.js';
import { clampDelta, DELTA_CLAMP, type DeltaClamp, growAxis, readClamp, readMeans, readVariances } from './factors.js';

const round = Math.fround;

/** Options of `rotatedDeltas`. */
export interface RotatedDeltasOptions {
	/** The five numbers (x, y, width, height, angle) that targets are multiplied by. Default 1 each; detectron2's second stage [10, 10, 5, 5, 1]. */
	weights?: readonly number[];
	/** The same as divisors: mmrotate's target_stds, the fifth times norm_factor * pi where it has one. Not together with `weights`. */
	variances?: readonly number[];
	/** What was taken off the targets before. Default 0 each. */
	means?: readonly number[];
	/** Limit of size deltas, as in `deltas`. Default log(1000/16); mmrotate has [-log(1000/16), log(1000/16)]. */
	clamp?: DeltaClamp;
	/** What anchors are: horizontal boxes (default 'xyxy'), or turned ones, rows of centre x, centre y, width, height, angle. */
	anchors?: 'xyxy' | 'cxcywhr';
	/** Unit and sense of an anchor's angle and of the change: 'radians-cw' (default; mmrotate) or 'degrees-ccw' (detectron2, `rotatedAnchors`; the change is in radians, counterclockwise). */
	angle?: 'radians-cw' | 'degrees-ccw';
	/** Range of decoded angles: 'full' (default) [-pi, pi), 'le90' [-pi/2, pi/2), 'le135' [-pi/4, 3pi/4), 'none' as they come ('oc'). */
	range?: 'full' | 'le90' | 'le135' | 'none';
	/** mmrotate's proj_xy: centres move along the anchor's own axes. Default false: along those of the image. */
	projected?: boolean;
}

const RANGES = { full: [-Math.PI, 2 * Math.PI], le90: [-Math.PI / 2, Math.PI], le135: [-Math.PI / 4, Math.PI], none: [0, 0] } as const;
const OPTIONS = ['weights', 'variances', 'means', 'clamp', 'anchors', 'angle', 'range', 'projected'] as const;

/**
 * The codec of turned deltas. Raw numbers: dx, dy, dw, dh, da. Boxes are [N, 5]: the rectangle before it is turned about its centre, xyxy, and
 * the angle in radians, clockwise on the screen, whatever the anchors have. A decoded box is never inverted; an angle of 4096 and more before
 * it is brought into range gives a box of NaN. mmrotate's edge_swap renames the sides of a box and leaves it what it is. `encode` throws
 * a RangeError that names the first box or anchor without a positive size.
 */
export function rotatedDeltas(given: RotatedDeltasOptions = {}): BoxCodec {
	const options = readOptions('rotatedDeltas', 'options', given, OPTIONS) as RotatedDeltasOptions;
	const anchorFormat = checkWord('rotatedDeltas', 'anchors', options.anchors ?? 'xyxy', ['xyxy', 'cxcywhr']);
	const sense = checkWord('rotatedDeltas', 'angle', options.angle ?? 'radians-cw', ['radians-cw', 'degrees-ccw']);
	const range = checkWord('rotatedDeltas', 'range', options.range ?? 'full', ['full', 'le90', 'le135', 'none']);
	const turned = anchorFormat === 'cxcywhr';
	const projected = checkBoolean('rotatedDeltas', 'projected', options.projected ?? false) && turned;
	const variances = readVariances('rotatedDeltas', options, 5);
	const means = readMeans('rotatedDeltas', options.means, 5);
	const v = variances.map(round);
	const m = means.map(round);
	const [low, high] = readClamp('rotatedDeltas', options.clamp === undefined ? DELTA_CLAMP : options.clamp);
	const sign = sense === 'degrees-ccw' ? -1 : 1;
	const unit = sense === 'degrees-ccw' ? round(-Math.PI / 180) : 1; // of an anchor's angle
	const [exactStart, exactPeriod] = RANGES[range];
	const [start, period] = [round(exactStart), round(exactPeriod)];
	const perTurn = period && round(1 / period);
	const width = anchorWidth(anchorFormat);

	const constants: Record<string, number> = { low: low ?? 0, high, sign, unit, start, period, perTurn };
	v.forEach((x, i) => {
		constants[`v${i}`] = x;
		constants[`m${i}`] = m[i];
	});
	const rect = new Float32Array(4);
	/** The anchor before it is turned into `rect`; its angle. */
	const openAnchor = (anchors: Float32Array, a: number): number => {
		if (!turned) {
			for (let c = 0; c < 4; c++) rect[c] = anchors[a + c];
			return 0;
		}
		for (const c of [0, 1]) {
			const half = round(anchors[a + 2 + c] * 0.5);
			rect[c] = anchors[a + c] - half;
			rect[c + 2] = anchors[a + c] + half;
		}
		return flushProduct(round(anchors[a + 4] * unit));
	};
	const codec: BoxCodec = {
		kind: 'rotatedDeltas',
		anchors: anchorFormat,
		numRaw: 5,
		rotated: true,
		constants,
		variants: { turned, projected, clampLow: low !== undefined, wrapped: range !== 'none' },
		decodeBox(raw, r, anchors, a, _stride, out, o) {
			const base = openAnchor(anchors, a);
			const [dx, dy, dw, dh, da] = v.map((factor, i) => round(round(raw[r + i] * factor) + m[i]));
			let angle = round(base + sign * da);
			const usable = raw.subarray(r, r + 5).every(Number.isFinite) && Math.abs(angle) < ANGLE_LIMIT && Math.abs(base) < ANGLE_LIMIT;
			if (!usable) {
				out[o + 4] = NaN;
				return writeNaN(out, o);
			}
			if (period) angle = round(angle - round(Math.floor(round(round(angle - start) * perTurn)) * period));
			out[o + 4] = flushProduct(angle);
			const w = round(rect[2] - rect[0]);
			const h = round(rect[3] - rect[1]);
			let shiftX = round(dx * w);
			let shiftY = round(dy * h);
			if (projected) {
				const [cos, sin] = [cos32(base), sin32(base)];
				[shiftX, shiftY] = [round(round(shiftX * cos) - round(shiftY * sin)), round(round(shiftX * sin) + round(shiftY * cos))];
			}
			growAxis(shiftX, w, clampDelta(dw, low, high), rect[0], rect[2], 0, out, o);
			growAxis(shiftY, h, clampDelta(dh, low, high), rect[1], rect[3], 0, out, o + 1);
		},
		encode(boxes, anchors) {
			const n = checkRows('rotatedDeltas.encode', 'boxes', boxes, anchors, anchorFormat, 5);
			const rows = anchors as Float32Array;
			const out = new Float32Array(n * 5);
			for (let i = 0; i < n; i++) {
				const box = boxes.subarray(i * 5, i * 5 + 5);
				const base = openAnchor(rows, i * width);
				const [aw, ah] = sizesOf('anchors', rect, i);
				const [gw, gh] = sizesOf('boxes', box, i);
				let dx = (box[0] + box[2] - (rect[0] + rect[2])) / 2;
				let dy = (box[1] + box[3] - (rect[1] + rect[3])) / 2;
				if (projected) {
					const [cos, sin] = [Math.cos(base), Math.sin(base)];
					[dx, dy] = [dx * cos + dy * sin, dy * cos - dx * sin];
				}
				const change = sign * (box[4] - base);
				const da = range === 'none' ? change : change - Math.floor((change - exactStart) / exactPeriod) * exactPeriod;
				[dx / aw, dy / ah, Math.log(gw / aw), Math.log(gh / ah), da].forEach((t, c) => {
					out[i * 5 + c] = (t - means[c]) / variances[c];
				});
			}
			return out;
		},
		decode: (raw, anchors) => decodeAll(codec, raw, anchors, () => 1),
	};
	return codec;
}

function sizesOf(name: string, row: Float32Array, i: number): [number, number] {
	const sizes = [row[2] - row[0], row[3] - row[1]] as [number, number];
	sizes.forEach((size, axis) => {
		if (size > 0 && size < Infinity) return;
		refuse(RangeError, 'rotatedDeltas.encode', `${name}[${i}]`, `must have a positive ${axis ? 'height' : 'width'}, whose log is taken`, Array.from(row));
	});
	return sizes;
}

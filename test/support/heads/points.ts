// CenterNet, DenseBox and the transformers, each by the arithmetic of its own source, in plain loops.

import { centernet } from '../../../src/heads/centernet.js';
import { densebox } from '../../../src/heads/densebox.js';
import { detr, rtDetr } from '../../../src/heads/detr.js';
import type { HeadCase, OracleCandidate } from './oracle.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
/** Cells along a side of a 64-pixel input. */
const SIDE = 16;
const CELLS = SIDE * SIDE;

type Read = (channel: number, y: number, x: number) => number;
const first =
	(map: Float32Array): Read =>
	(c, y, x) =>
		map[c * CELLS + y * SIDE + x];
const last =
	(map: Float32Array, channels: number): Read =>
	(c, y, x) =>
		map[(y * SIDE + x) * channels + c];

/** _nms, _topk and ctdet_decode of CenterNet, without the cut to the best 100. */
function ctdet(numClasses: number, heat: Read, box: (y: number, x: number) => OracleCandidate['box'], score: (v: number) => number): OracleCandidate[] {
	const found: OracleCandidate[] = [];
	for (let c = 0; c < numClasses; c++) {
		for (let y = 0; y < SIDE; y++) {
			for (let x = 0; x < SIDE; x++) {
				let pooled = Number.NEGATIVE_INFINITY;
				for (let v = y - 1; v <= y + 1; v++)
					for (let u = x - 1; u <= x + 1; u++) if (v >= 0 && v < SIDE && u >= 0 && u < SIDE) pooled = Math.max(pooled, heat(c, v, u));
				if (pooled === heat(c, y, x)) found.push({ anchor: y * SIDE + x, classId: c, score: score(pooled), box: box(y, x) });
			}
		}
	}
	return found;
}

const inCells = (x: number, y: number, w: number, h: number): OracleCandidate['box'] => [(x - w / 2) * 4, (y - h / 2) * 4, (x + w / 2) * 4, (y + h / 2) * 4];

const CENTERNET: HeadCase[] = [
	{
		name: 'CenterNet',
		head: centernet({ numClasses: 3, inputSize: [64, 64] }),
		dims: [
			[1, 3, SIDE, SIDE],
			[1, 2, SIDE, SIDE],
			[1, 2, SIDE, SIDE],
		],
		// few values, so that neighbours are often equal: both are peaks then. A size may be negative
		number: (next, t) => [Math.floor(next() * 14) - 7, next() * 9 - 0.5, next()][t],
		options: { scoreThreshold: 0.4 },
		decode: ([hm, wh, reg]) => {
			const [size, offset] = [first(wh), first(reg)];
			return ctdet(3, first(hm), (y, x) => inCells(x + offset(0, y, x), y + offset(1, y, x), size(0, y, x), size(1, y, x)), sigmoid);
		},
	},
	{
		name: 'CenterNet without offsets, probabilities, channels last',
		head: centernet({ numClasses: 2, inputSize: [64, 64], offsets: false, activation: 'none' }),
		dims: [
			[1, SIDE, SIDE, 2],
			[1, SIDE, SIDE, 2],
		],
		number: (next, t) => (t === 0 ? next() : next() * 8),
		options: { scoreThreshold: 0.5 },
		decode: ([hm, wh]) => {
			const size = last(wh, 2);
			return ctdet(
				2,
				last(hm, 2),
				(y, x) => inCells(x + 0.5, y + 0.5, size(0, y, x), size(1, y, x)),
				(v) => v,
			);
		},
	},
	{
		name: 'CenterNet of TensorFlow',
		head: centernet({ numClasses: 3, inputSize: [64, 64], style: 'tensorflow' }),
		dims: [
			[1, SIDE, SIDE, 3],
			[1, SIDE, SIDE, 2],
			[1, SIDE, SIDE, 2],
		],
		number: (next, t) => [next() * 8 - 4, next() * 9 - 1, next()][t],
		options: { scoreThreshold: 0.4 },
		// prediction_tensors_to_boxes
		decode: ([center, scale, offset]) => {
			const [size, off] = [last(scale, 2), last(offset, 2)];
			const limit = (v: number) => Math.min(Math.max(v, 0), 64);
			const box = (y: number, x: number) => {
				const [height, width] = [Math.max(size(0, y, x), 0), Math.max(size(1, y, x), 0)];
				return inCells(x + off(1, y, x), y + off(0, y, x), width, height).map(limit) as unknown as OracleCandidate['box'];
			};
			return ctdet(3, last(center, 3), box, sigmoid);
		},
	},
];

function denseCase(name: string, unit: number | undefined, offset: number): HeadCase {
	return {
		name,
		head: densebox({ inputSize: [64, 64], unit, offset }),
		dims: [
			[1, 1, SIDE, SIDE],
			[1, 4, SIDE, SIDE],
		],
		// left and top are positive inside the box, right and bottom negative
		number: (next, t, i) => (t === 0 ? next() : ((next() * 24 + 2) / (unit ?? 4)) * (i < 2 * CELLS ? 1 : -1)),
		options: { scoreThreshold: 0.5 },
		decode: ([score, loc]) =>
			Array.from(score, (value, anchor) => {
				const x = ((anchor % SIDE) + offset) * 4;
				const y = (Math.floor(anchor / SIDE) + offset) * 4;
				const d = [0, 1, 2, 3].map((c) => loc[c * CELLS + anchor] * (unit ?? 4));
				return { anchor, classId: 0, score: value, box: [x - d[0], y - d[1], x - d[2], y - d[3]] as const };
			}),
	};
}

/** center_to_corners_format, then times width, height, width, height. */
function corners(b: ArrayLike<number>, o: number, width: number, height: number): OracleCandidate['box'] {
	const [cx, cy, w, h] = [b[o], b[o + 1], b[o + 2], b[o + 3]];
	return [(cx - 0.5 * w) * width, (cy - 0.5 * h) * height, (cx + 0.5 * w) * width, (cy + 0.5 * h) * height];
}

const QUERIES = 60;
const TRANSFORMERS: HeadCase[] = [
	{
		name: 'DETR',
		head: detr({ numClasses: 3, inputSize: [48, 80], numQueries: QUERIES }),
		dims: [
			[1, QUERIES, 4],
			[1, QUERIES, 4],
		],
		number: (next, t) => (t === 0 ? next() * 6 - 3 : next()),
		options: { scoreThreshold: 0.3 },
		// PostProcess: softmax, [..., :-1].max(-1)
		decode: ([logits, b]) =>
			Array.from({ length: QUERIES }, (_, anchor) => {
				const e = Array.from(logits.subarray(anchor * 4, anchor * 4 + 4), Math.exp);
				const classId = e.indexOf(Math.max(e[0], e[1], e[2]));
				return { anchor, classId, score: e[classId] / (e[0] + e[1] + e[2] + e[3]), box: corners(b, anchor * 4, 80, 48) };
			}),
	},
	{
		name: 'RT-DETR',
		head: rtDetr({ numClasses: 5, inputSize: [48, 80], numQueries: QUERIES }),
		dims: [
			[1, QUERIES, 5],
			[1, QUERIES, 4],
		],
		number: (next, t) => (t === 0 ? next() * 6 - 4 : next()),
		options: { scoreThreshold: 0.4 },
		// sigmoid, flatten, topk; query = index / classes
		decode: ([logits, b]) =>
			Array.from(logits, (logit, i) => {
				const anchor = Math.floor(i / 5);
				return { anchor, classId: i % 5, score: sigmoid(logit), box: corners(b, anchor * 4, 80, 48) };
			}),
	},
	{
		name: 'RT-DETR of Ultralytics',
		head: rtDetr({ numClasses: 5, inputSize: [64, 64], numQueries: QUERIES, outputs: 'concatenated' }),
		dims: [[1, QUERIES, 9]],
		number: (next) => next(),
		options: { scoreThreshold: 0.7 },
		// RTDETRPredictor.postprocess: the best class of each query
		decode: ([rows]) =>
			Array.from({ length: QUERIES }, (_, anchor) => {
				const scores = Array.from(rows.subarray(anchor * 9 + 4, anchor * 9 + 9));
				const score = Math.max(...scores);
				return { anchor, classId: scores.indexOf(score), score, box: corners(rows, anchor * 9, 64, 64) };
			}),
	},
];

export const POINT_CASES: readonly HeadCase[] = [
	...CENTERNET,
	denseCase('DenseBox', undefined, 0),
	denseCase('DenseBox, distances in faces', 50, 0.5),
	...TRANSFORMERS,
];

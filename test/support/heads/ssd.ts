// SSD of four projects, each with priors from its own words.

import { ssd } from '../../../src/heads/ssd.js';
import { type Box, clipped, corners, MOST_DELTA, sigmoid, undelta } from './dense.js';
import type { HeadCase, OracleCandidate } from './oracle.js';

const GRIDS = [6, 3] as const;
const SCALES = [0.2, 0.45, 0.8];
const EXTRA = [[2], [2, 3]];
const priors = {
	gridSizes: GRIDS.map((n) => [n, n] as const),
	scales: SCALES,
	aspectRatios: EXTRA,
};

/** Small, larger, and the elongated ones, of a square input; `round` is what is done to sizes in pixels. */
function priorBoxes(side: number, round: (x: number) => number, most = Number.POSITIVE_INFINITY): Box[] {
	return GRIDS.flatMap((n, k) => {
		const [size, next] = [round(SCALES[k] * side), round(SCALES[k + 1] * side)];
		const shapes = [[size, size]];
		shapes.push([Math.sqrt(size * next), Math.sqrt(size * next)]);
		for (const r of EXTRA[k]) shapes.push([size * Math.sqrt(r), size / Math.sqrt(r)], [size / Math.sqrt(r), size * Math.sqrt(r)]);
		const cells = Array.from({ length: n * n }, (_, cell) => [(cell % n) + 0.5, Math.floor(cell / n) + 0.5]);
		return cells.flatMap(([x, y]) => shapes.map(([w, h]) => corners((x * side) / n, (y * side) / n, Math.min(w, most), Math.min(h, most))));
	});
}

/** Classes of a softmax, the one at `background` left out. */
function softmaxed(logits: Float32Array, background: number): number[] {
	const e = Array.from(logits, Math.exp);
	const sum = e.reduce((a, b) => a + b);
	return e.map((v) => v / sum).filter((_, i) => i !== background);
}

function decodeWith(
	anchors: readonly Box[],
	numClasses: number,
	scores: (row: Float32Array) => number[],
	box: (anchor: Box, d: number[]) => Box,
): HeadCase['decode'] {
	return ([boxes, logits]) =>
		anchors.flatMap((prior, anchor): OracleCandidate[] => {
			const d = Array.from(boxes.subarray(anchor * 4, anchor * 4 + 4));
			const row = logits.subarray(anchor * (numClasses + 1), (anchor + 1) * (numClasses + 1));
			const decoded = box(prior, d);
			return scores(row).map((score, classId) => ({ anchor, classId, score, box: decoded }));
		});
}

// 36 x 4 + 9 x 6
const COUNT = 198;
const logits = (next: () => number, t: number) => (t === 0 ? next() * 4 - 2 : next() * 8 - 4);
const unweighted = ([x, y, w, h]: number[]) => [x * 0.1, y * 0.1, w * 0.2, h * 0.2];

const torchvision: HeadCase = {
	name: "torchvision's SSD",
	head: ssd({ numClasses: 3, inputSize: [64, 64], priors }),
	dims: [
		[1, COUNT, 4],
		[1, COUNT, 4],
	],
	number: logits,
	options: { scoreThreshold: 0.5 },
	decode: decodeWith(
		priorBoxes(64, (x) => x, 64),
		3,
		(row) => softmaxed(row, 0),
		(prior, d) => clipped(undelta(prior, unweighted(d)), [64, 64]),
	),
};

const caffe: HeadCase = {
	name: "Caffe's SSD: flat blobs, whole pixels, no limit of sizes",
	head: ssd({ numClasses: 3, inputSize: [64, 64], style: 'caffe', priors }),
	dims: [
		[1, COUNT * 4],
		[1, COUNT * 4],
	],
	// e^(0.2 x 22) is beyond the limit of the others
	number: (next, t, i) => (t === 0 ? (i % 4 > 1 ? next() * 30 - 8 : next() * 4 - 2) : next() * 8 - 4),
	options: { scoreThreshold: 0.5 },
	decode: decodeWith(
		priorBoxes(64, Math.trunc),
		3,
		(row) => softmaxed(row, 0),
		(prior, d) => undelta(prior, unweighted(d), undefined, Number.POSITIVE_INFINITY),
	),
};

const probabilities: HeadCase = {
	...torchvision,
	name: "Caffe's SSD after its softmax: background is not read",
	head: ssd({ numClasses: 3, inputSize: [64, 64], style: 'caffe', activation: 'none', priors }),
	number: (next, t) => (t === 0 ? next() * 4 - 2 : next()),
	options: { scoreThreshold: 0.8 },
	decode: decodeWith(
		priorBoxes(64, Math.trunc),
		3,
		(row) => Array.from(row.subarray(1)),
		(prior, d) => undelta(prior, unweighted(d), undefined, Number.POSITIVE_INFINITY),
	),
};

const mmdet: HeadCase = {
	name: "mmdetection's SSD: background last, sizes limited on both sides",
	head: ssd({ numClasses: 3, inputSize: [64, 64], style: 'mmdet', priors }),
	dims: torchvision.dims,
	number: (next, t, i) => (t === 0 ? (i % 4 > 1 ? next() * 34 - 30 : next() * 20 - 10) : next() * 8 - 4),
	options: { scoreThreshold: 0.5 },
	decode: (tensors) =>
		decodeWith(
			priorBoxes(64, (x) => x),
			3,
			(row) => softmaxed(row, 3),
			(prior, d) => clipped(undelta(prior, unweighted(d), -MOST_DELTA), [64, 64]),
		)(tensors).filter(({ box }) => box[2] > box[0] && box[3] > box[1]),
};

/** A map of boxes and one of scores per level, shapes before channels; anchors are numbered level, y, x, shape as in the lists. */
const mmdetMaps: HeadCase = {
	...mmdet,
	name: "mmdetection's SSD, maps",
	head: ssd({ numClasses: 3, inputSize: [64, 64], style: 'mmdet', priors, outputs: 'levels' }),
	dims: [4, 4].flatMap((channels) => GRIDS.map((n, k) => [1, channels * (2 + 2 * EXTRA[k].length), n, n])),
	number: (next, t, i) => (t > 1 ? next() * 8 - 4 : Math.floor(i / GRIDS[t] ** 2) % 4 > 1 ? next() * 34 - 30 : next() * 20 - 10),
	decode: (tensors) => {
		const list = (first: number) =>
			Float32Array.from(
				GRIDS.flatMap((n, k) => {
					const shapes = 2 + 2 * EXTRA[k].length;
					return Array.from({ length: n * n * shapes * 4 }, (_, i) => {
						const [cell, shape, c] = [Math.floor(i / (shapes * 4)), Math.floor(i / 4) % shapes, i % 4];
						return tensors[first + k][(shape * 4 + c) * n * n + cell];
					});
				}),
			);
		return mmdet.decode([list(0), list(2)]);
	},
};

/** create_ssd_anchors for six layers: 0.1 and 0.2, then 0.35, 0.5, 0.65, 0.8, 0.95 and the roots with the next one. */
function mobilenetBoxes(side: number): Box[] {
	const scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1];
	return [16, 32, 64, 128, 256, 512].flatMap((stride, k) => {
		const n = Math.ceil(side / stride);
		const s = scales[k];
		const shapes =
			k === 0
				? [
						[0.1, 1],
						[s, 2],
						[s, 0.5],
					]
				: [...[1, 2, 0.5, 3, 0.3333].map((r) => [s, r]), [Math.sqrt(s * scales[k + 1]), 1]];
		const boxes: Box[] = [];
		for (let y = 0; y < n; y++)
			for (let x = 0; x < n; x++)
				for (const [size, r] of shapes) {
					boxes.push(corners(((x + 0.5) / n) * side, ((y + 0.5) / n) * side, size * Math.sqrt(r) * side, (size / Math.sqrt(r)) * side));
				}
		return boxes;
	});
}

const MOBILE = mobilenetBoxes(64);
const tensorflow: HeadCase = {
	name: "TensorFlow's ssd_mobilenet: y before x, sigmoids, a background that is not read",
	head: ssd({ numClasses: 3, inputSize: [64, 64], style: 'tensorflow' }),
	dims: [
		[1, MOBILE.length, 4],
		[1, MOBILE.length, 4],
	],
	// e^(0.2 x 22) is beyond the limit of the others
	number: (next, t, i) => (t === 0 && i % 5 === 0 ? 22 : logits(next, t)),
	options: { scoreThreshold: 0.7 },
	decode: decodeWith(
		MOBILE,
		3,
		(row) => Array.from(row.subarray(1), sigmoid),
		(prior, [ty, tx, th, tw]) => undelta(prior, unweighted([tx, ty, tw, th]), undefined, Number.POSITIVE_INFINITY),
	),
};

export const SSD_CASES: readonly HeadCase[] = [torchvision, caffe, probabilities, mmdet, mmdetMaps, tensorflow];

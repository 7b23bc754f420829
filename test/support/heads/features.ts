// Heads of no model, one per thing a description can say, so that each is tested by itself.

import { boxes } from '../../../src/codecs/boxes.js';
import { deltas } from '../../../src/codecs/deltas.js';
import { distances } from '../../../src/codecs/distances.js';
import { defineHead } from '../../../src/heads/define.js';
import type { Head, Level } from '../../../src/heads/head.js';
import type { HeadCase, OracleCandidate } from './oracle.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const flat = (numAnchors: number): Omit<Level, 'box' | 'classes'> => ({
	firstAnchor: 0,
	numAnchors,
	grid: [1, numAnchors],
	numShapes: 1,
	order: 'yxa',
	stride: 1,
});
const list = (name: string, anchors: number, channels: number) =>
	({ name, layouts: [['anchor', 'channel']], sizes: { anchor: anchors, channel: channels } }) as const;
const at = (tensor: number, channel = 0) => ({ tensor, channel });
/** Numbers for cxcywh boxes in a 64-pixel input in tensor 0, others uniform in [-4, 4]. */
const boxNumbers = (channels: number) => (next: () => number, t: number, i: number) =>
	t === 0 ? (i % channels < 2 ? next() * 64 : 2 + next() * 30) : next() * 8 - 4;
const toXyxy = ([x, y, w, h]: Iterable<number>): [number, number, number, number] => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];

function plain(name: string, extra: Partial<Head>, tensors: Head['tensors'], level: Partial<Level>, n = 60, numClasses = 3): Head {
	return defineHead({
		name,
		inputSize: [64, 64],
		numClasses,
		numAnchors: n,
		tensors,
		levels: [{ ...flat(n), box: at(0), classes: at(1), ...level }],
		score: { activation: 'none' },
		codec: boxes({ format: 'cxcywh' }),
		...extra,
	});
}

const centerness: HeadCase = {
	name: 'the square root of class times centerness',
	head: plain(
		'centerness',
		{ score: { activation: 'sigmoid', objectness: { activation: 'sigmoid', combine: 'sqrt' } }, multiLabel: true },
		[list('boxes', 60, 4), list('classes', 60, 3), list('centerness', 60, 1)],
		{ objectness: at(2) },
	),
	dims: [
		[1, 60, 4],
		[1, 60, 3],
		[1, 60, 1],
	],
	number: boxNumbers(4),
	options: { scoreThreshold: 0.6 },
	decode: ([b, c, o]) =>
		Array.from({ length: 180 }, (_, i) => {
			const anchor = Math.floor(i / 3);
			return { anchor, classId: i % 3, score: Math.sqrt(sigmoid(c[i]) * sigmoid(o[anchor])), box: toXyxy(b.subarray(anchor * 4, anchor * 4 + 4)) };
		}),
};

const softmaxObjectness: HeadCase = {
	...centerness,
	name: 'softmax times objectness',
	head: plain(
		'softmax-objectness',
		{ score: { activation: 'softmax', background: 'none', objectness: { activation: 'sigmoid' } } },
		[list('boxes', 60, 4), list('classes', 60, 3), list('objectness', 60, 1)],
		{ objectness: at(2) },
	),
	options: { scoreThreshold: 0.3 },
	decode: ([b, c, o]) =>
		Array.from({ length: 60 }, (_, anchor) => {
			const e = Array.from(c.subarray(anchor * 3, anchor * 3 + 3), Math.exp);
			const classId = e.indexOf(Math.max(...e));
			const score = (sigmoid(o[anchor]) * e[classId]) / (e[0] + e[1] + e[2]);
			return { anchor, classId, score, box: toXyxy(b.subarray(anchor * 4, anchor * 4 + 4)) };
		}),
};

const givenIds: HeadCase = {
	name: 'class ids as numbers',
	head: plain('given', { score: { activation: 'none', classes: 'given' }, variableAnchors: true, numClasses: 80 }, [list('rows', 60, 6)], {
		box: at(0),
		classes: at(0, 4),
		classIds: at(0, 5),
	}),
	dims: [[1, 60, 6]],
	number: (next, _t, i) => [next() * 64, next() * 64, 2 + next() * 30, 2 + next() * 30, next(), Math.floor(next() * 4) * 20][i % 6],
	decode: ([rows]) =>
		Array.from({ length: 60 }, (_, anchor) => {
			const row = rows.subarray(anchor * 6, anchor * 6 + 6);
			return { anchor, classId: row[5], score: row[4], box: toXyxy(row) };
		}),
};

const SIDE = 12;
const peaks: HeadCase = {
	name: 'peaks of a heat map',
	head: defineHead({
		name: 'peaks',
		inputSize: [48, 48],
		numClasses: 2,
		numAnchors: SIDE * SIDE,
		tensors: [
			{ name: 'heat', layouts: [['channel', 'y', 'x']], sizes: { channel: 2, y: SIDE, x: SIDE } },
			{ name: 'boxes', layouts: [['channel', 'y', 'x']], sizes: { channel: 4, y: SIDE, x: SIDE } },
		],
		levels: [{ firstAnchor: 0, numAnchors: SIDE * SIDE, grid: [SIDE, SIDE], numShapes: 1, order: 'yxa', stride: 4, box: at(1), classes: at(0) }],
		score: { activation: 'sigmoid', peaks: true },
		codec: boxes({ format: 'cxcywh' }),
		multiLabel: true,
		suppression: false,
	}),
	dims: [
		[1, 2, SIDE, SIDE],
		[1, 4, SIDE, SIDE],
	],
	// few different values, so that neighbours are often equal: both are peaks then
	number: (next, t, i) => (t === 0 ? Math.floor(next() * 12) - 6 : i < 2 * SIDE * SIDE ? next() * 48 : 2 + next() * 20),
	options: { scoreThreshold: 0.4 },
	decode: ([heat, b]) => {
		const found: OracleCandidate[] = [];
		const n = SIDE * SIDE;
		for (let c = 0; c < 2; c++) {
			for (let anchor = 0; anchor < n; anchor++) {
				const [y, x] = [Math.floor(anchor / SIDE), anchor % SIDE];
				let most = Number.NEGATIVE_INFINITY;
				for (let v = Math.max(0, y - 1); v <= Math.min(SIDE - 1, y + 1); v++)
					for (let u = Math.max(0, x - 1); u <= Math.min(SIDE - 1, x + 1); u++) most = Math.max(most, heat[c * n + v * SIDE + u]);
				const box = toXyxy([0, 1, 2, 3].map((k) => b[k * n + anchor]));
				if (heat[c * n + anchor] === most) found.push({ anchor, classId: c, score: sigmoid(most), box });
			}
		}
		return found;
	},
};

const proposals: HeadCase = {
	name: 'proposals with the call, a box per class',
	head: defineHead({
		name: 'second stage',
		inputSize: [64, 64],
		numClasses: 3,
		numAnchors: 50,
		tensors: [list('deltas', 50, 16), list('logits', 50, 4), list('proposals', 50, 4)],
		levels: [{ ...flat(50), box: at(0, 4), classes: at(1), anchors: at(2) }],
		score: { activation: 'softmax', background: 'first' },
		codec: deltas({ weights: [10, 10, 5, 5] }),
		multiLabel: true,
		boxStep: 4,
		clip: [64, 64],
		minSize: 8,
		variableAnchors: true,
	}),
	dims: [
		[1, 50, 16],
		[1, 50, 4],
		[1, 50, 4],
	],
	number: (next, t, i) => (t < 2 ? next() * 8 - 4 : i % 4 < 2 ? next() * 50 : 56 + next() * 8),
	options: { scoreThreshold: 0.2 },
	decode: ([d, logits, p]) => {
		const found: OracleCandidate[] = [];
		for (let anchor = 0; anchor < 50; anchor++) {
			const e = Array.from(logits.subarray(anchor * 4, anchor * 4 + 4), Math.exp);
			const [x1, y1, x2, y2] = p.subarray(anchor * 4, anchor * 4 + 4);
			for (let c = 0; c < 3; c++) {
				const [tx, ty, tw, th] = d.subarray(anchor * 16 + (c + 1) * 4, anchor * 16 + (c + 2) * 4);
				const most = Math.log(1000 / 16);
				const w = (x2 - x1) * Math.exp(Math.min(tw / 5, most));
				const h = (y2 - y1) * Math.exp(Math.min(th / 5, most));
				const raw = toXyxy([(x1 + x2) / 2 + (tx / 10) * (x2 - x1), (y1 + y2) / 2 + (ty / 10) * (y2 - y1), w, h]);
				const box = raw.map((v) => Math.min(Math.max(v, 0), 64)) as unknown as OracleCandidate['box'];
				if (box[2] - box[0] < 8 || box[3] - box[1] < 8) continue;
				found.push({ anchor, classId: c, score: e[c + 1] / e.reduce((a, b) => a + b), box });
			}
		}
		return found;
	},
};

const GRIDS = [8, 4];
const perLevel: HeadCase = {
	name: 'a cut and a class per level',
	head: defineHead({
		name: 'levels',
		inputSize: [64, 64],
		numClasses: 2,
		numAnchors: 80,
		tensors: GRIDS.flatMap((n, i) => [
			{ name: `scores${i}`, layouts: [['channel', 'y', 'x']] as const, sizes: { channel: 1, y: n, x: n } },
			{ name: `boxes${i}`, layouts: [['channel', 'y', 'x']] as const, sizes: { channel: 4, y: n, x: n } },
		]),
		levels: GRIDS.map((n, i) => ({
			firstAnchor: i * 64,
			numAnchors: n * n,
			grid: [n, n] as const,
			numShapes: 1,
			order: 'yxa' as const,
			stride: 64 / n,
			box: at(2 * i + 1),
			classes: at(2 * i),
		})),
		score: { activation: 'sigmoid', classes: 'level' },
		codec: boxes({ format: 'cxcywh' }),
		maxCandidatesPerLevel: 10,
	}),
	dims: GRIDS.flatMap((n) => [
		[1, 1, n, n],
		[1, 4, n, n],
	]),
	number: (next, t, i) => (t % 2 === 0 ? next() * 8 - 4 : i < (t === 1 ? 128 : 32) ? next() * 64 : 10 + next() * 30),
	decode: (tensors) =>
		GRIDS.flatMap((n, level) => {
			const [scores, b] = tensors.slice(2 * level, 2 * level + 2);
			const all = Array.from(scores, (logit, i) => ({
				anchor: level * 64 + i,
				classId: level,
				score: sigmoid(logit),
				box: toXyxy([0, 1, 2, 3].map((k) => b[k * n * n + i])),
			}));
			return all.sort((p, q) => q.score - p.score).slice(0, 10);
		}),
};

/** Points relative to anchors, and coefficients, in tensors of their own. */
const extras: HeadCase = {
	name: 'keypoints and mask coefficients',
	head: defineHead({
		name: 'extras',
		inputSize: [64, 64],
		numClasses: 1,
		numAnchors: 64,
		tensors: [4, 1, 6, 5].map((channel, t) => ({ name: `t${t}`, layouts: [['channel', 'y', 'x']] as const, sizes: { channel, y: 8, x: 8 } })),
		levels: [
			{
				...{ firstAnchor: 0, numAnchors: 64, grid: [8, 8] as const, numShapes: 1, order: 'yxa' as const, stride: 8 },
				...{ box: at(0), classes: at(1), keypoints: at(2), maskCoefficients: at(3) },
			},
		],
		score: { activation: 'sigmoid' },
		codec: distances(),
		anchors: Float32Array.from({ length: 256 }, (_, i) => [((Math.floor(i / 4) % 8) + 0.5) * 8, (Math.floor(i / 32) + 0.5) * 8, 8, 8][i % 4]),
		keypoints: { count: 2, dims: 3, relative: true, scale: 2, shift: -0.5, activation: 'sigmoid' },
		maskCoefficients: 5,
	}),
	dims: [4, 1, 6, 5].map((c) => [1, c, 8, 8]),
	decode: ([b, s, k, m]) =>
		Array.from(s, (logit, anchor) => {
			const [x, y] = [((anchor % 8) + 0.5) * 8, (Math.floor(anchor / 8) + 0.5) * 8];
			const n = (t: Float32Array, c: number) => t[c * 64 + anchor];
			const point = (p: number) => [x + (2 * n(k, 3 * p) - 0.5) * 8, y + (2 * n(k, 3 * p + 1) - 0.5) * 8, sigmoid(n(k, 3 * p + 2))];
			return {
				anchor,
				classId: 0,
				score: sigmoid(logit),
				box: [x - 8 * n(b, 0), y - 8 * n(b, 1), x + 8 * n(b, 2), y + 8 * n(b, 3)] as const,
				keypoints: [...point(0), ...point(1)],
				maskCoefficients: [0, 1, 2, 3, 4].map((c) => n(m, c)),
			};
		}),
};

/** Centres and sizes in two tensors; points with every x before every y. */
const apart: HeadCase = {
	name: 'sizes in another tensor, points by axis',
	head: defineHead({
		name: 'apart',
		inputSize: [64, 64],
		numClasses: 2,
		numAnchors: 60,
		tensors: [list('centres', 60, 2), list('scores', 60, 2), list('sizes', 60, 3), list('points', 60, 6)],
		levels: [{ ...flat(60), box: at(0), classes: at(1), size: at(2, 1), keypoints: at(3) }],
		score: { activation: 'sigmoid' },
		codec: boxes({ format: 'cxcywh' }),
		keypoints: { count: 3, dims: 2, order: 'axes', relative: false, unit: [64, 32] },
	}),
	dims: [
		[1, 60, 2],
		[1, 60, 2],
		[1, 60, 3],
		[1, 60, 6],
	],
	number: (next, t) => (t === 0 ? next() * 64 : t === 2 ? 2 + next() * 30 : next() * 8 - 4),
	decode: ([centres, scores, sizes, points]) =>
		Array.from({ length: 60 }, (_, anchor) => {
			const classId = scores[2 * anchor + 1] > scores[2 * anchor] ? 1 : 0;
			const box = toXyxy([centres[2 * anchor], centres[2 * anchor + 1], sizes[3 * anchor + 1], sizes[3 * anchor + 2]]);
			const keypoints = [0, 1, 2].flatMap((k) => [points[6 * anchor + k] * 64, points[6 * anchor + 3 + k] * 32]);
			return { anchor, classId, score: sigmoid(scores[2 * anchor + classId]), box, keypoints };
		}),
};

export const FEATURE_CASES: readonly HeadCase[] = [centerness, softmaxObjectness, givenIds, peaks, proposals, perLevel, extras, apart];

// MediaPipe's detectors, MTCNN's three networks, RetinaFace and UltraFace, by the arithmetic of their own sources, in plain loops.

import { blazeFace, blazePalm } from '../../../src/heads/blazeface.js';
import { mtcnnONet, mtcnnPNet, mtcnnRNet } from '../../../src/heads/mtcnn.js';
import { retinaFace, ultraFace } from '../../../src/heads/retinaface.js';
import type { HeadCase, OracleCandidate } from './oracle.js';

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** Centres as generate_anchors makes them: every pair of stride and count is a map with so many equal anchors per cell. */
function centres(side: number, maps: readonly (readonly [stride: number, count: number])[]): [number, number][] {
	const found: [number, number][] = [];
	for (const [stride, count] of maps) {
		const n = side / stride;
		for (let y = 0; y < n; y++) {
			for (let x = 0; x < n; x++) for (let k = 0; k < count; k++) found.push([(x + 0.5) / n, (y + 0.5) / n]);
		}
	}
	return found;
}

/** TensorsToDetectionsCalculator with anchors of size 1, all scales the input's side: fractions of the input, times its side. */
function blazeCase(name: string, item: Pick<HeadCase, 'head'>, side: number, count: number, points: readonly [number, number][], merged = false): HeadCase {
	const channels = 4 + 2 * count;
	const width = merged ? channels + 1 : channels;
	const n = points.length;
	return {
		...item,
		name,
		dims: merged
			? [[1, n, width]]
			: [
					[1, n, channels],
					[1, n, 1],
				],
		number: (next, t, i) => {
			const c = merged ? (i % width) - 1 : i % width;
			if (t === 1 || c === -1) return next() * 10 - 8;
			// now and then a negative size, which is no box
			return c === 2 || c === 3 ? next() * 40 - 2 : next() * 60 - 30;
		},
		options: { scoreThreshold: 0.5, iouThreshold: 0.3 },
		decode: (tensors) => {
			const found: OracleCandidate[] = [];
			for (let anchor = 0; anchor < n; anchor++) {
				const at = anchor * width + (merged ? 1 : 0);
				const raw = (c: number) => tensors[0][at + c] / side;
				if (raw(2) < 0 || raw(3) < 0) continue;
				const [cx, cy] = [raw(0) + points[anchor][0], raw(1) + points[anchor][1]];
				const box = [cx - raw(2) / 2, cy - raw(3) / 2, cx + raw(2) / 2, cy + raw(3) / 2].map((v) => v * side);
				const keypoints = Array.from({ length: 2 * count }, (_, k) => (raw(4 + k) + points[anchor][k % 2]) * side);
				const logit = merged ? tensors[0][at - 1] : tensors[1][anchor];
				found.push({ anchor, classId: 0, score: sigmoid(logit), box: box as unknown as OracleCandidate['box'], keypoints });
			}
			return found;
		},
	};
}

const SHORT = centres(128, [
	[8, 2],
	[16, 6],
]);
const BLAZE: HeadCase[] = [
	blazeCase('BlazeFace, short range', { head: blazeFace() }, 128, 6, SHORT),
	blazeCase('BlazeFace of tfjs', { head: blazeFace({ outputs: 'concatenated' }) }, 128, 6, SHORT, true),
	blazeCase(
		'BlazeFace, back',
		{ head: blazeFace({ model: 'back' }) },
		256,
		6,
		centres(256, [
			[16, 2],
			[32, 6],
		]),
	),
	blazeCase('BlazeFace, full range', { head: blazeFace({ model: 'full-range' }) }, 192, 6, centres(192, [[4, 1]])),
	blazeCase(
		'BlazePalm',
		{ head: blazePalm() },
		192,
		7,
		centres(192, [
			[8, 2],
			[16, 6],
		]),
	),
];

// 40 x 52 pixels: 15 x 21 cells
const [ROWS, COLUMNS] = [15, 21];
const SCALE = 0.6 * 0.709;

/** generateBoundingBox of facenet, or generate_bounding_box and upscale_bboxes of ipazc. */
function pnetCase(name: string, style: 'facenet' | 'ipazc', transposed: boolean): HeadCase {
	const n = ROWS * COLUMNS;
	const grid = transposed ? [COLUMNS, ROWS] : [ROWS, COLUMNS];
	return {
		name,
		head: mtcnnPNet({ inputSize: [40, 52], scale: SCALE, style, transposed }),
		dims: [
			[1, 4, ...grid],
			[1, 2, ...grid],
		],
		number: (next, t) => (t === 0 ? next() * 0.6 - 0.3 : next()),
		options: { scoreThreshold: 0.6, iouThreshold: 0.52 },
		decode: ([reg, prob]) => {
			const found: OracleCandidate[] = [];
			for (let y = 0; y < ROWS; y++) {
				for (let x = 0; x < COLUMNS; x++) {
					const anchor = transposed ? x * ROWS + y : y * COLUMNS + x;
					const d = [0, 1, 2, 3].map((c) => reg[c * n + anchor]);
					const score = prob[n + anchor];
					if (style === 'facenet') {
						const box = [2 * x + 1, 2 * y + 1, 2 * x + 12, 2 * y + 12].map((v) => Math.trunc(v / SCALE));
						found.push({ anchor, classId: 0, score, box: box as unknown as OracleCandidate['box'], maskCoefficients: d });
					} else {
						const box = [2 * x + d[0] * 12, 2 * y + d[1] * 12, 2 * x + 12 + d[2] * 12, 2 * y + 12 + d[3] * 12].map((v) => v / SCALE);
						found.push({ anchor, classId: 0, score, box: box as unknown as OracleCandidate['box'] });
					}
				}
			}
			return found;
		},
	};
}

/** Fewer squares than the head has room for. */
const SQUARES = 40;
const squareNumber = (next: () => number, i: number) => (i % 4 < 2 ? Math.floor(next() * 30) : 40 + Math.floor(next() * 25));

/** bbreg of facenet, adjust_bboxes of ipazc: both count both border pixels. */
function regressed(p: ArrayLike<number>, d: ArrayLike<number>): OracleCandidate['box'] {
	const [w, h] = [p[2] - p[0] + 1, p[3] - p[1] + 1];
	return [p[0] + d[0] * w, p[1] + d[1] * h, p[2] + d[2] * w, p[3] + d[3] * h];
}

function rnetCase(name: string, style: 'facenet' | 'ipazc'): HeadCase {
	return {
		name,
		head: mtcnnRNet({ frameSize: [80, 80], numProposals: 64, style }),
		dims: [
			[SQUARES, 4],
			[SQUARES, 2],
			[SQUARES, 4],
		],
		number: (next, t, i) => [next() * 0.6 - 0.3, next(), squareNumber(next, i)][t],
		options: { scoreThreshold: 0.5, iouThreshold: 0.7 },
		decode: ([reg, prob, proposals]) =>
			Array.from({ length: SQUARES }, (_, anchor) => {
				const d = Array.from(reg.subarray(anchor * 4, anchor * 4 + 4));
				const p = proposals.subarray(anchor * 4, anchor * 4 + 4);
				const plain = { anchor, classId: 0, score: prob[anchor * 2 + 1] };
				if (style === 'ipazc') return { ...plain, box: regressed(p, d) };
				return { ...plain, box: [p[0], p[1], p[2], p[3]] as const, maskCoefficients: d };
			}),
	};
}

const onet: HeadCase = {
	name: 'MTCNN O-Net',
	head: mtcnnONet({ frameSize: [80, 80], numProposals: 64 }),
	dims: [
		[SQUARES, 4],
		[SQUARES, 10],
		[SQUARES, 2],
		[SQUARES, 4],
	],
	number: (next, t, i) => [next() * 0.6 - 0.3, next(), next(), squareNumber(next, i)][t],
	options: { scoreThreshold: 0.5, iouThreshold: 0.6 },
	decode: ([reg, landmarks, prob, proposals]) =>
		Array.from({ length: SQUARES }, (_, anchor) => {
			const p = proposals.subarray(anchor * 4, anchor * 4 + 4);
			const [w, h] = [p[2] - p[0] + 1, p[3] - p[1] + 1];
			const points = [0, 1, 2, 3, 4].flatMap((k) => [w * landmarks[anchor * 10 + k] + p[0] - 1, h * landmarks[anchor * 10 + 5 + k] + p[1] - 1]);
			return { anchor, classId: 0, score: prob[anchor * 2 + 1], box: regressed(p, reg.subarray(anchor * 4, anchor * 4 + 4)), keypoints: points };
		}),
};

// 40 x 64 pixels: grids of 5 x 8, 3 x 4 and 2 x 2 cells with two squares each
const PRIORS = [
	[8, 16, 32],
	[16, 64, 128],
	[32, 256, 512],
].flatMap(([step, ...sides]) => {
	const cells = Array.from({ length: Math.ceil(40 / step) * Math.ceil(64 / step) }, (_, i) => [i % Math.ceil(64 / step), Math.floor(i / Math.ceil(64 / step))]);
	return cells.flatMap(([x, y]) => sides.map((side) => [((x + 0.5) * step) / 64, ((y + 0.5) * step) / 40, side / 64, side / 40]));
});

/** decode and decode_landm of box_utils.py, in fractions of the input, then times its size. */
const retina: HeadCase = {
	name: 'RetinaFace',
	head: retinaFace({ inputSize: [40, 64] }),
	dims: [4, 2, 10].map((c) => [1, PRIORS.length, c]),
	number: (next, t) => (t === 1 ? next() : next() * 6 - 3),
	options: { scoreThreshold: 0.5, iouThreshold: 0.4 },
	decode: ([loc, conf, landms]) =>
		PRIORS.map((prior, anchor) => {
			const t = (c: number) => loc[anchor * 4 + c];
			const [cx, cy] = [prior[0] + t(0) * 0.1 * prior[2], prior[1] + t(1) * 0.1 * prior[3]];
			const [w, h] = [prior[2] * Math.exp(t(2) * 0.2), prior[3] * Math.exp(t(3) * 0.2)];
			const box = [(cx - w / 2) * 64, (cy - h / 2) * 40, (cx + w / 2) * 64, (cy + h / 2) * 40] as const;
			const points = Array.from({ length: 10 }, (_, k) => (prior[k % 2] + landms[anchor * 10 + k] * 0.1 * prior[2 + (k % 2)]) * [64, 40][k % 2]);
			return { anchor, classId: 0, score: conf[anchor * 2 + 1], box, keypoints: points };
		}),
};

// 3 x 4 x 3, 2 x 2 x 2, 1 x 1 x 2 and 1 x 1 x 3 anchors
const NUM_ULTRA = 36 + 8 + 2 + 3;
const ultra: HeadCase = {
	name: 'UltraFace',
	head: ultraFace({ inputSize: [24, 32] }),
	dims: [
		[1, NUM_ULTRA, 2],
		[1, NUM_ULTRA, 4],
	],
	number: (next, t, i) => (t === 0 ? next() : i % 4 < 2 ? next() * 0.6 : 0.4 + next() * 0.6),
	options: { scoreThreshold: 0.5 },
	decode: ([scores, b]) =>
		Array.from({ length: NUM_ULTRA }, (_, anchor) => {
			const [x1, y1, x2, y2] = b.subarray(anchor * 4, anchor * 4 + 4);
			return { anchor, classId: 0, score: scores[anchor * 2 + 1], box: [x1 * 32, y1 * 24, x2 * 32, y2 * 24] as const };
		}),
};

export const CASCADE_CASES: readonly HeadCase[] = [
	...BLAZE,
	pnetCase('MTCNN P-Net of facenet', 'facenet', false),
	pnetCase('MTCNN P-Net of facenet, on its side', 'facenet', true),
	pnetCase('MTCNN P-Net of ipazc', 'ipazc', false),
	rnetCase('MTCNN R-Net of facenet', 'facenet'),
	rnetCase('MTCNN R-Net of ipazc', 'ipazc'),
	onet,
	retina,
	ultra,
];

// MediaPipe's detectors and MTCNN's three networks, by the arithmetic of their own sources, in plain loops.

import { blazeFace, blazePalm } from '../../../src/heads/blazeface.js';
import { mtcnnONet, mtcnnPNet, mtcnnRNet } from '../../../src/heads/mtcnn.js';
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

export const CASCADE_CASES: readonly HeadCase[] = [
	...BLAZE,
	pnetCase('MTCNN P-Net of facenet', 'facenet', false),
	pnetCase('MTCNN P-Net of facenet, on its side', 'facenet', true),
	pnetCase('MTCNN P-Net of ipazc', 'ipazc', false),
	rnetCase('MTCNN R-Net of facenet', 'facenet'),
	rnetCase('MTCNN R-Net of ipazc', 'ipazc'),
	onet,
];

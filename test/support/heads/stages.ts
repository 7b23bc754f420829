// Two-stage detectors: region proposals, cut and suppressed level by level, and the box head that judges them.

import { fastRcnn } from '../../../src/heads/fast-rcnn.js';
import { type RpnOptions, rpn } from '../../../src/heads/rpn.js';
import { type Box, bestOfLevels, clipped, corners, type DenseShape, dimsOf, MOST_DELTA, type Place, places, roundEven, sigmoid, undelta } from './dense.js';
import type { HeadCase, OracleCandidate } from './oracle.js';

const ODD = [100, 72] as const;
const RATIOS = [0.5, 1, 2];
const MAPS: DenseShape = { input: ODD, strides: [4, 8, 16, 32, 64], shapes: 3, channels: [1, 4], order: 'first' };
const CUT = 25;

function proposals(style: RpnOptions['style'], anchorOf: (p: Place) => Box, low: number | undefined, minSize: number): HeadCase {
	return {
		name: `region proposals of ${style}, cells that do not divide the input`,
		head: rpn({ inputSize: ODD, style, maxCandidatesPerLevel: CUT }),
		dims: dimsOf(MAPS),
		// far enough that many boxes leave the image
		number: (next, t, i) => (t < 5 ? next() * 8 - 4 : low !== undefined && i % 2 ? next() * 6 - 6 : next() * 3 - 1.5),
		options: { scoreThreshold: 0.3, iouThreshold: 0.7 },
		decode: (tensors) => {
			const all = places(MAPS, tensors).map((p): OracleCandidate => {
				const d = [0, 1, 2, 3].map((c) => p.read(1, c));
				return { anchor: p.anchor, classId: p.level, score: sigmoid(p.read(0, 0)), box: clipped(undelta(anchorOf(p), d, low), ODD), group: p.level };
			});
			return bestOfLevels(all, (c) => c.classId, CUT, minSize);
		},
	};
}

/** One size of 8 strides per level. */
function plainAnchor(p: Place): Box {
	const r = RATIOS[p.shape];
	return corners(p.x * p.stride, p.y * p.stride, (8 * p.stride) / Math.sqrt(r), 8 * p.stride * Math.sqrt(r));
}

function torchvisionAnchor(p: Place): Box {
	const r = RATIOS[p.shape];
	const [x, y] = [p.x * Math.floor(ODD[1] / p.grid[1]), p.y * Math.floor(ODD[0] / p.grid[0])];
	const [halfW, halfH] = [roundEven((4 * p.stride) / Math.sqrt(r)), roundEven(4 * p.stride * Math.sqrt(r))];
	return [x - halfW, y - halfH, x + halfW, y + halfH];
}

const N = 60;
const SIZE = [80, 64] as const;

interface Stage {
	readonly name: string;
	readonly head: HeadCase['head'];
	/** Boxes per proposal, the first one that belongs to a class, and where the background's logit stands. */
	readonly boxes: number;
	readonly first: number;
	readonly background: number;
	readonly low?: number;
	readonly minSize: number;
}

function secondStage({ name, head, boxes, first, background, low, minSize }: Stage): HeadCase {
	return {
		name,
		head,
		dims: [
			[1, N, 4],
			[1, N, 4 * boxes],
			[1, N, 4],
		],
		// deltas that reach beyond the limit e^(5 x 4.14) on either side; proposals x1, y1, x2, y2
		number: (next, t, i) => {
			if (t === 0) return next() * 8 - 4;
			if (t === 1) return i % 4 < 2 ? next() * 12 - 6 : next() * 30 - 26;
			return i % 4 < 2 ? next() * 40 : 44 + next() * 20;
		},
		options: { scoreThreshold: 0.25, iouThreshold: 0.5 },
		decode: ([logits, deltas, rois]) => {
			const found: OracleCandidate[] = [];
			for (let anchor = 0; anchor < N; anchor++) {
				const e = Array.from(logits.subarray(anchor * 4, anchor * 4 + 4), Math.exp);
				const sum = e.reduce((a, b) => a + b);
				const scores = e.map((v) => v / sum).filter((_, i) => i !== background);
				scores.forEach((score, classId) => {
					const at = (anchor * boxes + (boxes === 1 ? 0 : first + classId)) * 4;
					const [dx, dy, dw, dh] = deltas.subarray(at, at + 4);
					const roi = Array.from(rois.subarray(anchor * 4, anchor * 4 + 4)) as Box;
					const box = clipped(undelta(roi, [dx / 10, dy / 10, dw / 5, dh / 5], low), SIZE);
					if (box[2] - box[0] >= minSize && box[3] - box[1] >= minSize) found.push({ anchor, classId, score, box });
				});
			}
			return found;
		},
	};
}

const options = { numClasses: 3, inputSize: SIZE, maxProposals: 100 } as const;

export const STAGE_CASES: readonly HeadCase[] = [
	proposals('torchvision', torchvisionAnchor, undefined, 1e-3),
	proposals('detectron2', plainAnchor, undefined, Number.MIN_VALUE),
	proposals('mmdet', plainAnchor, -MOST_DELTA, Number.MIN_VALUE),
	secondStage({ name: "torchvision's box head", head: fastRcnn(options), boxes: 4, first: 1, background: 0, minSize: 0.01 }),
	secondStage({
		...{ name: "detectron2's box head", head: fastRcnn({ ...options, style: 'detectron2' }) },
		...{ boxes: 3, first: 0, background: 3, minSize: Number.MIN_VALUE },
	}),
	secondStage({
		...{ name: "mmdetection's box head", head: fastRcnn({ ...options, style: 'mmdet' }) },
		...{ boxes: 3, first: 0, background: 3, low: -MOST_DELTA, minSize: 0 },
	}),
	secondStage({
		...{ name: 'a box head that gives every class the same box', head: fastRcnn({ ...options, style: 'mmdet', classAgnostic: true }) },
		...{ boxes: 1, first: 0, background: 3, low: -MOST_DELTA, minSize: 0 },
	}),
];

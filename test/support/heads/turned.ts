// Heads whose anchors are turned: detectron2's rotated RPN (box_regression.py, Box2BoxTransformRotated), decoded in float64.

import { rotatedAnchors } from '../../../src/anchors/rotated.js';
import { rotatedDeltas } from '../../../src/codecs/rotated-deltas.js';
import { defineHead } from '../../../src/heads/define.js';
import type { HeadCase } from './oracle.js';

const STRIDE = 16;
const SIDE = 4;
const SIZES = [24, 40];
const RATIOS = [0.5, 1];
const ANGLES = [-90, 0, 60];
const SHAPES = SIZES.length * RATIOS.length * ANGLES.length;
const COUNT = SIDE * SIDE * SHAPES;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

const list = (name: string, channel: number) => ({ name, layouts: [['anchor', 'channel']] as const, sizes: { anchor: COUNT, channel } });

export const TURNED_CASES: readonly HeadCase[] = [
	{
		name: "detectron2's rotated anchors and deltas",
		head: defineHead({
			name: 'rotated-rpn',
			inputSize: [SIDE * STRIDE, SIDE * STRIDE],
			numClasses: 1,
			numAnchors: COUNT,
			tensors: [list('scores', 1), list('deltas', 5)],
			levels: [
				{
					...{ firstAnchor: 0, numAnchors: COUNT, grid: [SIDE, SIDE], numShapes: SHAPES, order: 'yxa', stride: STRIDE },
					...{ classes: { tensor: 0, channel: 0 }, box: { tensor: 1, channel: 0 } },
				},
			],
			score: { activation: 'sigmoid' },
			codec: rotatedDeltas({ anchors: 'cxcywhr', angle: 'degrees-ccw' }),
			anchors: rotatedAnchors({ inputSize: [SIDE * STRIDE, SIDE * STRIDE], strides: [STRIDE], sizes: [SIZES], ratios: RATIOS, angles: ANGLES }),
		}),
		dims: [
			[1, COUNT, 1],
			[1, COUNT, 5],
		],
		number: (next) => next() * 4 - 2,
		options: { scoreThreshold: 0.7 },
		decode: ([scores, deltas]) =>
			Array.from(scores, (logit, anchor) => {
				const cell = Math.floor(anchor / SHAPES);
				const shape = anchor % SHAPES;
				// sizes outermost, then ratios, then angles; the first cell stands at the corner (offset 0)
				const size = SIZES[Math.floor(shape / (RATIOS.length * ANGLES.length))];
				const ratio = RATIOS[Math.floor(shape / ANGLES.length) % RATIOS.length];
				const degrees = ANGLES[shape % ANGLES.length];
				const [w, h] = [size / Math.sqrt(ratio), size * Math.sqrt(ratio)];
				const [x, y] = [(cell % SIDE) * STRIDE, Math.floor(cell / SIDE) * STRIDE];
				const [dx, dy, dw, dh, da] = deltas.subarray(5 * anchor, 5 * anchor + 5);
				const [cx, cy] = [x + dx * w, y + dy * h];
				const [bw, bh] = [w * Math.exp(dw), h * Math.exp(dh)];
				// degrees counterclockwise, brought to [-180, 180), are radians clockwise with the other sign
				const turn = degrees + (da * 180) / Math.PI;
				const clockwise = (-turn * Math.PI) / 180;
				const angle = clockwise - 2 * Math.PI * Math.floor((clockwise + Math.PI) / (2 * Math.PI));
				return { anchor, classId: 0, score: sigmoid(logit), box: [cx - bw / 2, cy - bh / 2, cx + bw / 2, cy + bh / 2] as const, angle };
			}),
	},
];

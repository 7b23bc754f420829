// The rows of the training wing.

import { anchorGrid } from 'kedge';
import { type Matches, matchMaxIou } from 'kedge/training';
import { random } from '../support/random.js';
import type { Answer } from './answer.js';
import { type PlainMatches, plainMatch } from './peers/matching.js';
import type { Contestant, Row } from './rows.js';

const FRAMES = 4;
const SIDE = 736;
const RPN = { positive: 0.7, negative: 0.3, minPositive: 0.3 };

/** The anchors of torchvision's RetinaNet for a square image: 9 shapes in each of 11,289 cells of 5 levels, in whole pixels. */
function retinanetAnchors(): Float32Array {
	const strides = [8, 16, 32, 64, 128];
	const sizes = strides.map((stride) => [4 * stride, 5 * stride, 6.25 * stride]);
	return anchorGrid({ inputSize: [SIDE, SIDE], strides, sizes, style: 'torchvision' });
}

/** Objects of 16 to 400 pixels, anywhere in the image, in whole pixels: then doubles and float32 have the same ties. */
function objects(count: number, seed: number): Float32Array {
	const next = random(seed);
	const boxes = new Float32Array(4 * count);
	for (let i = 0; i < count; i++) {
		const [w, h] = [16 * 25 ** next(), 16 * 25 ** next()];
		const [x, y] = [next() * (SIDE - w), next() * (SIDE - h)];
		boxes.set([x, y, x + w, y + h].map(Math.round), 4 * i);
	}
	return boxes;
}

const rowsOf = (boxes: Float32Array) => Array.from({ length: boxes.length / 4 }, (_, i) => [...boxes.subarray(4 * i, 4 * i + 4)]);

/** The anchors that are not negatives, and the ground truth of each; -1 where it is ignored. */
function answer({ labels, matches }: Matches | PlainMatches): Answer {
	const indices = [...labels.keys()].filter((a) => labels[a] !== 0);
	return { indices, classIds: indices.map((a) => matches[a]) };
}

export const TRAINING_ROWS: readonly Row[] = [
	{
		name: 'matching 100k x 100',
		what: '101,601 anchors of RetinaNet x 100 boxes, the rule of RPN; found: anchors that are not negatives',
		frames: FRAMES,
		make: async (): Promise<Contestant[]> => {
			const anchors = retinanetAnchors();
			const frames = Array.from({ length: FRAMES }, (_, i) => objects(100, 1 + i));
			const [plainAnchors, plainFrames] = [rowsOf(anchors), frames.map(rowsOf)];
			const { positive, negative, minPositive } = RPN;
			return [
				{ name: 'kedge, CPU', run: (i) => matchMaxIou(anchors, frames[i], { style: 'mmdet', ...RPN }), answer },
				{ name: 'tutorial code', run: (i) => plainMatch(plainAnchors, plainFrames[i], positive, negative, minPositive), answer, gate: 10 },
			];
		},
	},
];

// The rows of the training wing.

import { anchorGrid } from 'kedge';
import { type EvolvedAnchors, evolveAnchors, type Matches, matchMaxIou } from 'kedge/training';
import { Mutations } from '../../src/training/clustering/mutations.js';
import { random } from '../support/random.js';
import { randomSizes } from '../support/random-sizes.js';
import type { Answer } from './answer.js';
import { type Pair, plainEvolution } from './peers/evolution.js';
import { type PlainMatches, plainMatch } from './peers/matching.js';
import type { Contestant, Race } from './race.js';

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

const YOLOV5 = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326];
/** Of yolov5's 1000: the peer needs a hundredth of a second for each. */
const GENERATIONS = 200;

const pairsOf = (sides: ArrayLike<number>) => Array.from({ length: sides.length / 2 }, (_, i): Pair => [sides[2 * i], sides[2 * i + 1]]);

/** The generations whose mutants were accepted, then the anchors two by two. */
function evolutionAnswer(accepted: readonly number[], anchors: readonly Pair[]): Answer {
	const sorted = [...anchors].sort(([a, b], [c, d]) => a * b - c * d).flat();
	const rows = Array.from({ length: Math.ceil(sorted.length / 4) }, (_, i) => [0, 1, 2, 3].map((c) => sorted[4 * i + c] ?? 0));
	return { indices: [...accepted, ...rows.keys()], boxes: [...accepted.map(() => [0, 0, 0, 0]), ...rows] };
}

async function evolutionContestants(): Promise<Contestant[]> {
	const frames = Array.from({ length: FRAMES }, (_, i) => randomSizes(100_000, 1 + i));
	const plain = frames.map(pairsOf);
	// both mutate by the same factors
	const mutations = new Mutations(0, YOLOV5.length, { probability: 0.9, sigma: 0.1, clip: [0.3, 3] });
	const factors = Array.from({ length: GENERATIONS }, (_, generation) => mutations.of(generation));
	const start = pairsOf(YOLOV5);
	return [
		{
			name: 'kedge, CPU',
			run: (i) => evolveAnchors(frames[i], YOLOV5, { generations: GENERATIONS, seed: 0 }),
			answer: ({ accepted, anchors }: EvolvedAnchors) =>
				evolutionAnswer(
					accepted.map(({ generation }) => generation),
					pairsOf(anchors),
				),
		},
		{
			name: 'tutorial code',
			run: (i) => plainEvolution(plain[i], start, factors),
			answer: ({ accepted, anchors }: ReturnType<typeof plainEvolution>) => evolutionAnswer(accepted, anchors),
			gate: 5,
		},
	];
}

export const TRAINING_RACES: readonly Race[] = [
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
	{
		name: 'anchors 100k x 1000',
		what: `100,000 box sizes, 9 anchors, ${GENERATIONS} of 1000 generations of evolution; found: accepted mutants and anchors`,
		frames: FRAMES,
		make: evolutionContestants,
	},
];

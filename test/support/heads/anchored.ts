// RetinaNet and EfficientDet: anchors of a pyramid from the words of each project, its deltas, and its rules.

import { efficientdet } from '../../../src/heads/efficientdet.js';
import { retinanet } from '../../../src/heads/retinanet.js';
import { type Box, bestOfLevels, clipped, corners, type DenseShape, dimsOf, MOST_DELTA, type Place, places, roundEven, sigmoid, undelta } from './dense.js';
import type { HeadCase, OracleCandidate } from './oracle.js';

const RATIOS = [0.5, 1, 2];
const STRIDES = [8, 16, 32, 64, 128];
const pyramid = (input: readonly [number, number], numClasses: number, order: DenseShape['order']): DenseShape => ({
	...{ input, strides: STRIDES, shapes: 9, channels: [numClasses, 4], order },
});

/** Logits in [-5, 3]; box numbers in [-0.6, 0.6]. `maps`: class maps before the box maps. */
const numbers =
	(maps = 5) =>
	(next: () => number, t: number) =>
		t < maps ? next() * 8 - 5 : next() * 1.2 - 0.6;

/** The same, and now and then a number beyond the customary limit of size deltas, log(1000 / 16). */
const farNumbers = (next: () => number, t: number, i: number) => (t >= 5 && i % 37 === 0 ? 4.5 : numbers()(next, t));

/** Every class of every anchor. */
function pairs(p: Place, numClasses: number, score: (logit: number) => number, box: Box): OracleCandidate[] {
	return Array.from({ length: numClasses }, (_, classId) => ({ anchor: p.anchor, classId, score: score(p.read(0, classId)), box }));
}

const four = (p: Place) => [0, 1, 2, 3].map((c) => p.read(1, c));

/** Sizes 4 strides times 2^(k/3), height / width = ratio, centred at (x, y) + offset, in strides. */
function octaveAnchor(p: Place, ratio: number, octave: number, offset: number): Box {
	const size = 4 * p.stride * 2 ** (octave / 3);
	return corners((p.x + offset) * p.stride, (p.y + offset) * p.stride, size / Math.sqrt(ratio), size * Math.sqrt(ratio));
}

function torchvisionAnchor(p: Place, input: readonly [number, number]): Box {
	const size = Math.trunc(4 * p.stride * 2 ** ((p.shape % 3) / 3));
	const ratio = RATIOS[Math.floor(p.shape / 3)];
	const [halfW, halfH] = [size / Math.sqrt(ratio) / 2, (size * Math.sqrt(ratio)) / 2];
	const x = p.x * Math.floor(input[1] / p.grid[1]);
	const y = p.y * Math.floor(input[0] / p.grid[0]);
	return [x + roundEven(-halfW), y + roundEven(-halfH), x + roundEven(halfW), y + roundEven(halfH)];
}

const ODD = [100, 72] as const;
/** The level of an anchor number. */
const levelsOf = (shape: DenseShape) => {
	const levels = places(shape, []).map((p) => p.level);
	return (c: OracleCandidate) => levels[c.anchor];
};

function retinanets(): HeadCase[] {
	const maps = pyramid(ODD, 3, 'first');
	const last = pyramid(ODD, 2, 'last');
	const list = pyramid(ODD, 2, 'list');
	return [
		{
			name: "torchvision's RetinaNet, cells that do not divide the input",
			head: retinanet({ numClasses: 3, inputSize: ODD, maxCandidatesPerLevel: 40 }),
			dims: dimsOf(maps),
			number: numbers(),
			options: { scoreThreshold: 0.75 },
			decode: (tensors) => {
				const all = places(maps, tensors).flatMap((p) => pairs(p, 3, sigmoid, clipped(undelta(torchvisionAnchor(p, ODD), four(p)), ODD)));
				return bestOfLevels(all, levelsOf(maps), 40);
			},
		},
		{
			name: "detectron2's RetinaNet, channels last, cells that do not divide the input",
			head: retinanet({ numClasses: 2, inputSize: ODD, style: 'detectron2', maxCandidatesPerLevel: 50 }),
			dims: dimsOf(last),
			number: farNumbers,
			options: { scoreThreshold: 0.8 },
			decode: (tensors) => {
				const anchorOf = (p: Place) => octaveAnchor(p, RATIOS[p.shape % 3], Math.floor(p.shape / 3), 0);
				const all = places(last, tensors).flatMap((p) => pairs(p, 2, sigmoid, undelta(anchorOf(p), four(p))));
				return bestOfLevels(all, levelsOf(last), 50);
			},
		},
		{
			name: "mmdetection's RetinaNet, size deltas clamped below, the image within its padding",
			head: retinanet({ numClasses: 3, inputSize: ODD, style: 'mmdet', clip: [90, 60], maxCandidatesPerLevel: 60 }),
			dims: dimsOf(maps),
			number: (next, t, i) => (t < 5 ? next() * 8 - 5 : i % 2 ? next() * 7 - 6.5 : next() * 1.2 - 0.6),
			options: { scoreThreshold: 0.75 },
			decode: (tensors) => {
				const all = places(maps, tensors).flatMap((p) => {
					const anchor = octaveAnchor(p, RATIOS[Math.floor(p.shape / 3)], p.shape % 3, 0);
					return pairs(p, 3, sigmoid, clipped(undelta(anchor, four(p), -MOST_DELTA), [90, 60]));
				});
				return bestOfLevels(all, levelsOf(maps), 60, Number.MIN_VALUE);
			},
		},
		{
			name: "fizyr's RetinaNet: corner deltas, probabilities, cells that do not divide the input",
			head: retinanet({ numClasses: 2, inputSize: ODD, style: 'keras-retinanet' }),
			dims: dimsOf(list),
			number: (next, t) => (t === 0 ? next() : next() * 6 - 3),
			options: { scoreThreshold: 0.9 },
			decode: (tensors) =>
				places(list, tensors).flatMap((p) => {
					const a = octaveAnchor(p, RATIOS[Math.floor(p.shape / 3)], p.shape % 3, 0.5);
					const box = a.map((v, i) => v + 0.2 * p.read(1, i) * (a[(i % 2) + 2] - a[i % 2])) as Box;
					return pairs(p, 2, (score) => score, clipped(box, [99, 71]));
				}),
		},
	];
}

function efficientdetBox(p: Place, input: readonly [number, number], [wide, high]: readonly [number, number]): Box {
	const [stepY, stepX] = [input[0] / p.grid[0], input[1] / p.grid[1]];
	const scale = 4 * 2 ** (Math.floor(p.shape / 3) / 3);
	const anchor = corners((p.x + 0.5) * stepX, (p.y + 0.5) * stepY, scale * stepX * wide, scale * stepY * high);
	const [dy, dx, dh, dw] = four(p);
	return undelta(anchor, [dx, dy, dw, dh], undefined, Number.POSITIVE_INFINITY);
}

function efficientdets(): HeadCase[] {
	const maps = pyramid(ODD, 3, 'last');
	const list = pyramid([64, 64], 2, 'list');
	const aspects = [1, 2, 0.5].map((r) => [Math.sqrt(r), 1 / Math.sqrt(r)] as const);
	const listed = [
		[1, 1],
		[1.4, 0.7],
		[0.7, 1.4],
	] as const;
	return [
		{
			name: 'EfficientDet, cells that do not divide the input',
			head: efficientdet({ numClasses: 3, inputSize: ODD }),
			dims: dimsOf(maps),
			number: farNumbers,
			options: { scoreThreshold: 0.92 },
			// the best class alone
			decode: (tensors) =>
				places(maps, tensors).map((p) => pairs(p, 3, sigmoid, efficientdetBox(p, ODD, aspects[p.shape % 3])).reduce((a, b) => (b.score > a.score ? b : a))),
		},
		{
			name: 'EfficientDet of the PyTorch ports: one list, pairs of ratios, probabilities, every class',
			head: efficientdet({
				...{ numClasses: 2, inputSize: [64, 64], outputs: 'concatenated', ratios: listed, activation: 'none', multiLabel: true },
				clip: [63, 63],
			}),
			dims: dimsOf(list),
			number: (next, t) => (t === 0 ? next() : next() * 1.2 - 0.6),
			options: { scoreThreshold: 0.95 },
			decode: (tensors) =>
				places(list, tensors).flatMap((p) => pairs(p, 2, (score) => score, clipped(efficientdetBox(p, [64, 64], listed[p.shape % 3]), [63, 63]))),
		},
	];
}

export const ANCHORED_CASES: readonly HeadCase[] = [...retinanets(), ...efficientdets()];

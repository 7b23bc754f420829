// FCOS of three projects, and FoveaBox: points, four distances, and a centerness.

import { type FcosOptions, fcos } from '../../../src/heads/fcos.js';
import { fovea } from '../../../src/heads/fovea.js';
import { type Box, bestOfLevels, clipped, type DenseShape, dimsOf, type Order, type Place, places, sigmoid } from './dense.js';
import type { HeadCase, OracleCandidate } from './oracle.js';

const ODD = [100, 72] as const;
const CUT = 30;
const strides = [8, 16, 32, 64, 128];

interface Fcos {
	readonly name: string;
	readonly options: Partial<FcosOptions>;
	readonly order: Order;
	readonly point: (p: Place) => readonly [number, number];
	/** Pixels of a raw number. */
	readonly reach: (raw: number, p: Place) => number;
	readonly score: (cls: number, centerness: number) => number;
	readonly clip: boolean;
	readonly minSize?: number;
	readonly scoreThreshold: number;
	/** Spread of the box numbers: [low, high]. */
	readonly range: readonly [number, number];
}

function fcosCase({ name, options, order, point, reach, score, clip, minSize, scoreThreshold, range }: Fcos): HeadCase {
	const shape: DenseShape = { input: ODD, strides, shapes: 1, channels: [3, 4, 1], order };
	const isList = order === 'list';
	const level = places(shape, []).map((p) => p.level);
	const maps = isList ? 1 : 5;
	return {
		name,
		head: fcos({ numClasses: 3, inputSize: ODD, ...options, maxCandidatesPerLevel: CUT, ...(isList && { outputs: 'concatenated' }) }),
		dims: dimsOf(shape),
		number: (next, t) => (Math.floor(t / maps) === 1 ? range[0] + next() * (range[1] - range[0]) : next() * 8 - 3),
		options: { scoreThreshold },
		decode: (tensors) => {
			const all = places(shape, tensors).flatMap((p) => {
				const [x, y] = point(p);
				const [l, t, r, b] = [0, 1, 2, 3].map((c) => reach(p.read(1, c), p));
				const box: Box = [x - l, y - t, x + r, y + b];
				return [0, 1, 2].map(
					(classId): OracleCandidate => ({
						...{ anchor: p.anchor, classId, score: score(sigmoid(p.read(0, classId)), sigmoid(p.read(2, 0))), box: clip ? clipped(box, ODD) : box },
					}),
				);
			});
			return bestOfLevels(all, (c) => level[c.anchor], CUT, minSize);
		},
	};
}

const middle = (p: Place) => [(p.x + 0.5) * p.stride, (p.y + 0.5) * p.stride] as const;
const corner = (p: Place) => [p.x * Math.floor(ODD[1] / p.grid[1]), p.y * Math.floor(ODD[0] / p.grid[0])] as const;
const root = (cls: number, centerness: number) => Math.sqrt(cls * centerness);
const product = (cls: number, centerness: number) => cls * centerness;
const relu = (raw: number, p: Place) => Math.max(raw, 0) * p.stride;
const mmdet = { order: 'first', point: middle, score: product, clip: true, minSize: Number.MIN_VALUE, scoreThreshold: 0.7 } as const;

const FOVEA: DenseShape = { input: ODD, strides, shapes: 1, channels: [2, 4], order: 'first' };
const foveaBox: HeadCase = {
	name: 'FoveaBox, cells that do not divide the input',
	head: fovea({ numClasses: 2, inputSize: ODD, maxCandidatesPerLevel: CUT }),
	dims: dimsOf(FOVEA),
	number: (next, t) => (t < 5 ? next() * 8 - 4 : next() * 3 - 2),
	options: { scoreThreshold: 0.6 },
	decode: (tensors) => {
		const all = places(FOVEA, tensors).flatMap((p) => {
			const [x, y] = middle(p);
			const base = [16, 32, 64, 128, 256][p.level];
			const [l, t, r, b] = [0, 1, 2, 3].map((c) => base * Math.exp(p.read(1, c)));
			const box = clipped([x - l, y - t, x + r, y + b], [99, 71]);
			return [0, 1].map((classId): OracleCandidate => ({ anchor: p.anchor, classId, score: sigmoid(p.read(0, classId)), box }));
		});
		const level = places(FOVEA, []).map((p) => p.level);
		return bestOfLevels(all, (c) => level[c.anchor], CUT);
	},
};

export const CENTRED_CASES: readonly HeadCase[] = [
	fcosCase({
		...{ name: "torchvision's FCOS, cells that do not divide the input", options: {}, order: 'first', point: corner },
		...{ reach: relu, score: root, clip: true, scoreThreshold: 0.8, range: [-1, 4] },
	}),
	fcosCase({
		...{ name: "torchvision's FCOS, all levels in one list", options: {}, order: 'list', point: corner },
		...{ reach: relu, score: root, clip: true, scoreThreshold: 0.8, range: [-1, 4] },
	}),
	fcosCase({
		...{ name: "detectron2's FCOS, channels last, cells that do not divide the input", options: { style: 'detectron2' }, order: 'last', point: middle },
		...{ reach: relu, score: root, clip: false, scoreThreshold: 0.8, range: [-1, 4] },
	}),
	fcosCase({ ...mmdet, name: "mmdetection's FCOS: pixels", options: { style: 'mmdet' }, reach: (raw) => raw, range: [-2, 30] }),
	fcosCase({ ...mmdet, name: "mmdetection's FCOS: relu", options: { style: 'mmdet', regression: 'relu' }, reach: relu, range: [-1, 4] }),
	fcosCase({ ...mmdet, name: "mmdetection's FCOS: exp", options: { style: 'mmdet', regression: 'exp' }, reach: Math.exp, range: [-1, 4] }),
	foveaBox,
];

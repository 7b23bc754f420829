// Losses, gradients and reductions on the GPU have the bits of the CPU's, for every formula, at sizes around the block of
// the sum and past the second level of it.

import { assert } from 'chai';
import { createBackend } from '../../src/index.js';
import type { BoxLossKind, BoxLossStyle, Loss, TrainingBackend } from '../../src/training.js';
import * as training from '../../src/training.js';
import { gpuTest } from '../support/gpu-suite.js';
import { random, randomBoxes } from '../support/random.js';

const SIZES = [0, 1, 255, 256, 257, 70_000];

async function onGpu(device: GPUDevice, body: (backend: TrainingBackend) => Promise<void>): Promise<void> {
	const backend = await createBackend('webgpu', { device });
	try {
		await body(backend);
	} finally {
		backend.dispose();
	}
}

function assertSame(got: Loss, wanted: Loss, what: string): void {
	for (const key of ['losses', 'gradients'] as const) {
		const [a, b] = [got[key], wanted[key]].map((x) => new Uint32Array(x.buffer, x.byteOffset, x.length));
		assert.equal(a.length, b.length, what);
		const wrong = a.findIndex((bits, i) => bits !== b[i]);
		assert.equal(wrong, -1, `${what}: ${key}[${wrong}] is ${got[key][wrong]}, expected ${wanted[key][wrong]}`);
	}
	assert.isTrue(Object.is(got.loss, wanted.loss), `${what}: ${got.loss}, expected ${wanted.loss}`);
}

/** Logits of every size, the extreme ones and denormals among them. */
function logitsOf(n: number, next: () => number): Float32Array {
	const special = [0, -0, 1000, -1000, 87, -87, 88.5, 1e-40, -1e-40, 1e-6, 1e18, -1e18, 16, -16];
	return new Float32Array(n).map((_, i) => (i % 9 === 0 ? special[Math.floor(next() * special.length)] : (next() - 0.5) * 2 ** (next() * 8)));
}

/** Targets from 0 to 1, the ends often. */
function targetsOf(n: number, next: () => number): Float32Array {
	return new Float32Array(n).map(() => [0, 1, next(), next(), 1e-40][Math.floor(next() * 5)]);
}

const weightsOf = (n: number, next: () => number) => new Float32Array(n).map(() => (next() < 0.2 ? 0 : next() * 3));

/** [name, the loss on the CPU, the same on a backend] */
type Pair = [string, (n: number, next: () => number) => [Loss, (backend: TrainingBackend) => Promise<Loss>]];

function elements(
	name: string,
	loss: (x: Float32Array, t: Float32Array, options?: never) => Loss,
	lossOn: (backend: TrainingBackend, x: Float32Array, t: Float32Array, options?: never) => Promise<Loss>,
	options: object,
	targets = targetsOf,
	predictions = logitsOf,
): Pair {
	return [
		`${name} ${JSON.stringify(options)}`,
		(n, next) => {
			const x = predictions(n, next);
			const t = targets(n, next);
			const all = { weights: weightsOf(n, next), ...options } as never;
			return [loss(x, t, all), (backend) => lossOn(backend, x, t, all)];
		},
	];
}

const ELEMENTS: Pair[] = [
	elements('bceWithLogits', training.bceWithLogits, training.bceWithLogitsOn, {}),
	elements('bceWithLogits', training.bceWithLogits, training.bceWithLogitsOn, { labelSmoothing: 0.1, positiveWeight: 2.5, reduction: 'sum' }),
	elements('smoothL1', training.smoothL1, training.smoothL1On, { beta: 1 / 9, normalizer: 17 }, logitsOf),
	elements('l1Loss', training.l1Loss, training.l1LossOn, { reduction: 'none' }, logitsOf),
	elements('l2Loss', training.l2Loss, training.l2LossOn, {}, logitsOf),
	elements('focalLoss', training.focalLoss, training.focalLossOn, {}),
	elements('focalLoss', training.focalLoss, training.focalLossOn, { gamma: 0.5, alpha: -1 }),
	elements('focalLoss', training.focalLoss, training.focalLossOn, { style: 'fizyr', gamma: 1.7, cutoff: 0.3 }, targetsOf, targetsOf),
	elements('varifocalLoss', training.varifocalLoss, training.varifocalLossOn, { gamma: 1.5 }),
	elements('varifocalLoss', training.varifocalLoss, training.varifocalLossOn, { iouWeighted: false }),
	elements('qualityFocalLoss', training.qualityFocalLoss, training.qualityFocalLossOn, {}),
	elements('qualityFocalLoss', training.qualityFocalLoss, training.qualityFocalLossOn, { beta: 0.7 }),
	elements('gaussianFocalLoss', training.gaussianFocalLoss, training.gaussianFocalLossOn, {}),
];

function rows(width: number, options: object): Pair {
	return [
		`crossEntropy over ${width} ${JSON.stringify(options)}`,
		(n, next) => {
			const logits = logitsOf(n * width, next);
			const classes = new Int32Array(n).map(() => (next() < 0.1 ? -100 : Math.floor(next() * width)));
			const all = { weights: weightsOf(n, next), ...options };
			return [training.crossEntropy(logits, classes, all), (backend) => training.crossEntropyOn(backend, logits, classes, all)];
		},
	];
}

const ROWS: Pair[] = [
	rows(1, {}),
	rows(3, { labelSmoothing: 0.1, classWeights: [0.5, 1, 4] }),
	rows(7, { normalizer: 3 }),
	[
		'distributionFocalLoss over 16',
		(n, next) => {
			const logits = logitsOf(n * 16, next);
			const distances = new Float32Array(n).map(() => [0, 15, 7, 1e-40, next() * 15][Math.floor(next() * 5)]);
			return [training.distributionFocalLoss(logits, distances), (backend) => training.distributionFocalLossOn(backend, logits, distances)];
		},
	],
];

function boxPair(kind: BoxLossKind, style: BoxLossStyle): Pair {
	return [
		`boxLoss ${kind} ${style}`,
		(n, next) => {
			// small ones, too, where epsilons show
			const scale = [1, 1e-5, 1e-10][n % 3];
			const boxes = randomBoxes(n, 'clustered', next).map((x) => x * scale);
			const targets = boxes.map((x, i) => (i % 5 === 0 ? x : x + (next() - 0.5) * 60 * scale));
			// empty, inverted, equal and tiny ones; integer edges in common
			for (let k = 0; k < n * 4; k++) {
				if (next() < 0.1) targets[k] = Math.round(targets[k]);
				if (next() < 0.1) boxes[k] = targets[k];
				if (next() < 0.02) boxes[k] = [0, 1e-40, -1e-4, 1e18, 2 ** 61][Math.floor(next() * 5)];
			}
			return [training.boxLoss(boxes, targets, { kind, style }), (backend) => training.boxLossOn(backend, boxes, targets, { kind, style })];
		},
	];
}

const STYLES: readonly BoxLossStyle[] = ['torchvision', 'ultralytics', 'mmdet', 'darknet', 'yolox', 'detectron2'];
const BOXES: Pair[] = (['iou', 'giou', 'diou', 'ciou'] as const).flatMap((kind) => STYLES.map((style) => boxPair(kind, style)));

for (const [group, pairs, sizes] of [
	['element', ELEMENTS, SIZES],
	['row', ROWS, SIZES],
	['box', BOXES, [1, 257, 3000]],
] as const) {
	gpuTest(
		`losses: every ${group} formula has the bits of its twin, and the sum its order`,
		({ device }) =>
			onGpu(device, async (backend) => {
				for (const [name, make] of pairs) {
					for (const n of sizes) {
						const [wanted, compute] = make(n, random(n + 1));
						assertSame(await compute(backend), wanted, `${name}, ${n}`);
					}
				}
			}),
		240_000,
	);
}

gpuTest('losses: class weights of positives repeat along the rows', ({ device }) =>
	onGpu(device, async (backend) => {
		const next = random(5);
		const [x, t] = [logitsOf(3000, next), targetsOf(3000, next)];
		const options = { positiveWeight: [1, 2, 0.25], reduction: 'sum' } as const;
		assertSame(await training.bceWithLogitsOn(backend, x, t, options), training.bceWithLogits(x, t, options), 'bceWithLogits');
	}),
);

gpuTest('losses: what the caller does to the arrays after the call changes nothing', ({ device }) =>
	onGpu(device, async (backend) => {
		const next = random(6);
		const [x, t, weights] = [logitsOf(500, next), targetsOf(500, next), weightsOf(500, next)];
		const wanted = training.focalLoss(x, t, { weights });
		const pending = training.focalLossOn(backend, x, t, { weights });
		for (const array of [x, t, weights]) array.fill(0.5);
		assertSame(await pending, wanted, 'focalLoss');
	}),
);

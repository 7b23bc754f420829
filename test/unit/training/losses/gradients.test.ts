// Losses and gradients against double precision: values by the papers' formulas, gradients by central differences to 1e-3.

import { describe, expect, it } from 'vitest';
import {
	bceWithLogits,
	boxLoss,
	crossEntropy,
	distributionFocalLoss,
	focalLoss,
	gaussianFocalLoss,
	type Loss,
	l2Loss,
	qualityFocalLoss,
	smoothL1,
	varifocalLoss,
} from '../../../../src/training.js';
import {
	PLAIN_BOX_STYLES,
	plainBce,
	plainCrossEntropy,
	plainDistribution,
	plainFizyrFocal,
	plainFocal,
	plainGaussian,
	plainQuality,
	plainSmoothL1,
	plainVarifocal,
	slopesOf,
} from '../../../support/plain-losses.js';
import { random, randomBoxes } from '../../../support/random.js';

const N = 400;
const next = random(41);
/** Logits to +-12, and targets: 0, 1 and between. */
const logits = Float32Array.from({ length: N }, () => (next() - 0.5) * 24);
const targets = Float32Array.from({ length: N }, () => [0, 1, next()][Math.floor(next() * 3)]);
const probabilities = logits.map((x) => 1 / (1 + Math.exp(-x / 2)));
const weights = Float32Array.from({ length: N }, () => next() * 2);

/** Losses to 1e-5, gradients to 1e-3, of their size; what is below 1e-6, of gradients per `unit`, may be float32 noise. */
function expectAgrees({ losses, gradients }: Loss, i: number, width: number, loss: number, slopes: readonly number[], unit = 1): void {
	expect(Math.abs(losses[i] - loss), `loss ${i}: ${losses[i]} for ${loss}`).toBeLessThanOrEqual(1e-6 + 1e-5 * Math.abs(loss));
	slopes.forEach((slope, k) => {
		const got = gradients[i * width + k];
		expect(Math.abs(got - slope), `gradient ${i}, ${k}: ${got} for ${slope}`).toBeLessThanOrEqual(1e-6 / unit + 1e-3 * Math.abs(slope));
	});
}

type Element = [
	name: string,
	of: (x: Float32Array, t: Float32Array, options: never) => Loss,
	plain: (x: number, t: number) => number,
	options: object,
	from?: Float32Array,
];
const ELEMENTS: Element[] = [
	['bceWithLogits', bceWithLogits, (x, t) => plainBce(x, t), {}],
	['bceWithLogits', bceWithLogits, (x, t) => plainBce(x, t, { smoothing: 0.1, positiveWeight: 3 }), { labelSmoothing: 0.1, positiveWeight: 3 }],
	['smoothL1', smoothL1, (x, t) => plainSmoothL1(x, t, 1 / 9), { beta: 1 / 9 }],
	['smoothL1', smoothL1, (x, t) => plainSmoothL1(x, t, 3), { beta: 3 }],
	['l2Loss', l2Loss, (x, t) => (x - t) ** 2, {}],
	['focalLoss', focalLoss, (x, t) => plainFocal(x, t), {}],
	['focalLoss', focalLoss, (x, t) => plainFocal(x, t, { alpha: 0.6, gamma: 1 }), { alpha: 0.6, gamma: 1 }],
	['focalLoss', focalLoss, (x, t) => plainFocal(x, t, { alpha: -1, gamma: 0 }), { alpha: -1, gamma: 0 }],
	['focalLoss', focalLoss, (x, t) => plainFocal(x, t, { gamma: 2.7 }), { gamma: 2.7 }],
	['focalLoss', focalLoss, (x, t) => plainFocal(x, t, { gamma: 0.5 }), { gamma: 0.5 }],
	['focalLoss', focalLoss, (p, t) => plainFizyrFocal(p, t), { style: 'fizyr' }, probabilities],
	[
		'focalLoss',
		focalLoss,
		(p, t) => plainFizyrFocal(p, t, { alpha: 0.4, gamma: 1.3, cutoff: 0.2 }),
		{ style: 'fizyr', alpha: 0.4, gamma: 1.3, cutoff: 0.2 },
		probabilities,
	],
	['varifocalLoss', varifocalLoss, (x, t) => plainVarifocal(x, t), {}],
	[
		'varifocalLoss',
		varifocalLoss,
		(x, t) => plainVarifocal(x, t, { alpha: 0.5, gamma: 1.5, iouWeighted: false }),
		{ alpha: 0.5, gamma: 1.5, iouWeighted: false },
	],
	['qualityFocalLoss', qualityFocalLoss, (x, t) => plainQuality(x, t), {}],
	['qualityFocalLoss', qualityFocalLoss, (x, t) => plainQuality(x, t, { beta: 1.5 }), { beta: 1.5 }],
	['gaussianFocalLoss', gaussianFocalLoss, (x, t) => plainGaussian(x, t), {}],
	['gaussianFocalLoss', gaussianFocalLoss, (x, t) => plainGaussian(x, t, { alpha: 1.2, gamma: 3 }), { alpha: 1.2, gamma: 3 }],
];

describe.each(ELEMENTS)('%s', (_, of, plain, options, from = logits) => {
	it(`${JSON.stringify(options)}: each loss and slope`, () => {
		const got = of(from, targets, { ...options, reduction: 'sum' } as never);
		for (let i = 0; i < N; i++)
			expectAgrees(
				got,
				i,
				1,
				plain(from[i], targets[i]),
				slopesOf(([x]) => plain(x, targets[i]), [from[i]], 1e-6),
			);
	});
	it(`${JSON.stringify(options)}: the mean, weighted`, () => {
		const got = of(from, targets, { ...options, weights } as never);
		let mean = 0;
		for (let i = 0; i < N; i++) mean += (weights[i] * plain(from[i], targets[i])) / N;
		expect(Math.abs(got.loss - mean)).toBeLessThanOrEqual(1e-5 * mean);
		for (let i = 0; i < N; i += 7) {
			const slope = slopesOf(([x]) => plain(x, targets[i]), [from[i]], 1e-6)[0] * weights[i];
			expect(Math.abs(got.gradients[i] * N - slope)).toBeLessThanOrEqual(1e-6 + 1e-3 * Math.abs(slope));
		}
	});
});

describe('rows', () => {
	const width = 5;
	const rowOf = (i: number) => Array.from({ length: width }, (_, c) => logits[(i * width + c) % N]);
	const rows = Float32Array.from({ length: 100 * width }, (_, k) => logits[k % N]);
	const classes = Array.from({ length: 100 }, (_, i) => (i * 7) % width);
	const classWeights = [0.5, 1, 2, 0.25, 3].map(Math.fround);

	it.each([{}, { labelSmoothing: 0.2 }, { classWeights, labelSmoothing: 0.1 }])('crossEntropy %o', (options) => {
		const got = crossEntropy(rows, classes, { ...options, reduction: 'sum' });
		const plain = (row: number[], t: number) => {
			const { labelSmoothing: smoothing, classWeights: weights } = options as { labelSmoothing?: number; classWeights?: number[] };
			return plainCrossEntropy(row, t, { smoothing, weights });
		};
		for (let i = 0; i < 100; i++)
			expectAgrees(
				got,
				i,
				width,
				plain(rowOf(i), classes[i]),
				slopesOf((row) => plain(row, classes[i]), rowOf(i), 1e-6),
			);
	});
	it('distributionFocalLoss', () => {
		const places = Float32Array.from({ length: 100 }, (_, i) => (i % 6 === 0 ? 4 : i % 5 === 0 ? 2 : next() * 4));
		const got = distributionFocalLoss(rows, places, { reduction: 'sum' });
		for (let i = 0; i < 100; i++)
			expectAgrees(
				got,
				i,
				width,
				plainDistribution(rowOf(i), places[i]),
				slopesOf((row) => plainDistribution(row, places[i]), rowOf(i), 1e-6),
			);
	});
});

// at 1 epsilons are nothing, at 1e-5 areas are about as large as 1e-7, at 1e-10 as YOLOX's
const SCALES = [1, 1e-5, 1e-10];
const STYLES = Object.keys(PLAIN_BOX_STYLES) as (keyof typeof PLAIN_BOX_STYLES)[];

describe.each(STYLES.flatMap((style) => SCALES.map((scale) => ({ style, scale }))))('boxLoss of $style at $scale', ({ style, scale }) => {
	const large = randomBoxes(N, 'clustered', next);
	const boxes = large.map((x) => x * scale);
	// most overlap, some are far, some inside, some share edges
	const wanted = large.map((x, k) => (k % 7 === 0 ? x : x + (next() - 0.5) * [4, 40, 160][Math.floor(k / 4) % 3]) * scale);
	for (let i = 0; i < N; i++) {
		for (const k of [0, 1]) if (wanted[i * 4 + k + 2] <= wanted[i * 4 + k]) wanted[i * 4 + k + 2] = wanted[i * 4 + k] + 5 * scale;
	}
	const pair = (i: number) => [boxes, wanted].map((all) => [...all.subarray(i * 4, i * 4 + 4)]);
	const step = 1e-5 * scale;

	it.each(['linear', 'log', 'square'] as const)('iou, %s', (form) => {
		const formed = (iou: number) => (form === 'linear' ? 1 - iou : form === 'square' ? 1 - iou * iou : -Math.log(Math.max(iou, 1e-6)));
		const got = boxLoss(boxes, wanted, { style, form, reduction: 'sum' });
		for (let i = 0; i < N; i++) {
			const [a, b] = pair(i);
			const plain = (box: number[]) => formed(PLAIN_BOX_STYLES[style].iou(box, b).value);
			expectAgrees(got, i, 4, plain(a), slopesOf(plain, a, step), scale);
		}
	});
	it.each(['giou', 'diou', 'ciou'] as const)('%s', (kind) => {
		const got = boxLoss(boxes, wanted, { kind, style, reduction: 'sum' });
		for (let i = 0; i < N; i++) {
			const [a, b] = pair(i);
			const { value, alpha } = PLAIN_BOX_STYLES[style][kind](a, b);
			expectAgrees(
				got,
				i,
				4,
				1 - value,
				slopesOf((box) => 1 - PLAIN_BOX_STYLES[style][kind](box, b, alpha).value, a, step),
				scale,
			);
		}
	});
});

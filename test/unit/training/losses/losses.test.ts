// Losses of single numbers and of rows: published values, extreme logits, reductions, and what is refused.

import { describe, expect, it } from 'vitest';
import { treeSum } from '../../../../src/training/losses/sum.js';
import {
	bceWithLogits,
	bceWithLogitsOn,
	crossEntropy,
	distributionFocalLoss,
	focalLoss,
	gaussianFocalLoss,
	type Loss,
	l1Loss,
	l2Loss,
	qualityFocalLoss,
	smoothL1,
	varifocalLoss,
} from '../../../../src/training.js';
import { random } from '../../../support/random.js';

const finite = ({ losses, gradients }: Loss) => [...losses, ...gradients].every(Number.isFinite);

describe('published values', () => {
	it("keras-retinanet's test of smooth L1: three anchors of four, sigma 3", () => {
		// tests/test_losses.py: ((1 - 0.5 / 9) * 2 + 0.5 * 9 * 0.05 ** 2) / 3
		const targets = [0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0.05, 0, 0, 0, 1, 0];
		const weights = targets.map((_, k) => (k < 12 ? 1 : 0));
		const { loss } = smoothL1(new Float32Array(16), targets, { beta: 1 / 9, weights, normalizer: 3 });
		expect(loss).toBeCloseTo(((1 - 0.5 / 9) * 2 + 0.5 * 9 * 0.05 ** 2) / 3, 6);
	});
	it("mmdetection's test of cross-entropy: 200, and 40 with a class weight of 0.2, divided by the number of rows", () => {
		// tests/test_models/test_loss.py
		expect(crossEntropy([100, -100], [1]).loss).toBe(200);
		expect(crossEntropy([100, -100], [1], { classWeights: [0.8, 0.2], normalizer: 1 }).loss).toBeCloseTo(40, 5);
		// PyTorch's own mean divides by the weights, too
		expect(crossEntropy([100, -100], [1], { classWeights: [0.8, 0.2] }).loss).toBeCloseTo(200, 4);
	});
	it('focal loss at p = 1/2: alpha / 4 and (1 - alpha) / 4 of log 2', () => {
		const { losses } = focalLoss([0, 0], [1, 0]);
		expect(losses[0]).toBeCloseTo((0.25 / 4) * Math.LN2, 7);
		expect(losses[1]).toBeCloseTo((0.75 / 4) * Math.LN2, 7);
		expect(focalLoss([0.5, 0.5], [1, 0], { style: 'fizyr' }).losses).toEqual(losses);
	});
	it("keras-retinanet's probabilities: kept from 0 for the logarithm, without a slope there; a target at the cutoff is a negative", () => {
		const { losses, gradients } = focalLoss([0, 0.25], [1, 0.5], { style: 'fizyr', reduction: 'sum' });
		expect(losses[0]).toBeCloseTo(0.25 * -Math.log(1e-7), 5);
		expect(gradients[0]).toBeCloseTo(0.25 * -2 * -Math.log(1e-7), 5);
		expect(losses[1]).toBeCloseTo(0.75 * 0.25 ** 2 * -0.5 * (Math.log(0.25) + Math.log(0.75)), 6);
	});
	it('focal loss with gamma 0 and no alpha is the binary cross-entropy', () => {
		const x = [-3, -0.5, 0, 2, 9];
		const t = [1, 0, 0.5, 1, 0];
		expect(focalLoss(x, t, { alpha: -1, gamma: 0 }).losses).toEqual(bceWithLogits(x, t).losses);
	});
	it('quality focal loss is 0 where the score is the quality, and focal without alpha at 0 and 1', () => {
		expect(qualityFocalLoss([0], [0.5]).losses[0]).toBe(0);
		const { losses } = qualityFocalLoss([0, 0], [0, 1]);
		expect([...losses]).toEqual([...focalLoss([0, 0], [0, 1], { alpha: -1 }).losses]);
	});
	it('varifocal at p = 1/2: t times log 2 for positives, 0.75 / 4 of it for negatives', () => {
		const { losses } = varifocalLoss([0, 0], [0.8, 0]);
		expect(losses[0]).toBeCloseTo(0.8 * Math.LN2, 6);
		expect(losses[1]).toBeCloseTo((0.75 / 4) * Math.LN2, 7);
	});
	it('heat maps: a peak has log 2 / 4, its neighbour at 0.9 a ten-thousandth of that', () => {
		const { losses } = gaussianFocalLoss([0, 0], [1, 0.9]);
		expect(losses[0]).toBeCloseTo(Math.LN2 / 4, 7);
		expect(losses[1] / losses[0]).toBeCloseTo(1e-4, 9);
	});
	it('DFL of uniform logits is log B, wherever the distance; the slope pulls at both bins by their shares', () => {
		const { losses, gradients } = distributionFocalLoss(new Float32Array(32), [5.25, 15], { reduction: 'sum' });
		expect(losses[0]).toBeCloseTo(Math.log(16), 6);
		expect(losses[1]).toBeCloseTo(Math.log(16), 6);
		expect(gradients[5]).toBeCloseTo(1 / 16 - 0.75, 6);
		expect(gradients[6]).toBeCloseTo(1 / 16 - 0.25, 6);
		expect(gradients[31]).toBeCloseTo(1 / 16 - 1, 6);
	});
	it('label smoothing moves targets towards a half', () => {
		// YOLOv5's smooth_BCE(0.1): 0.95 and 0.05
		const smoothed = bceWithLogits([0.7, 0.7], [1, 0], { labelSmoothing: 0.1 }).losses;
		const plain = bceWithLogits([0.7, 0.7], [0.95, 0.05]).losses;
		expect(smoothed[0]).toBeCloseTo(plain[0], 6);
		expect(smoothed[1]).toBeCloseTo(plain[1], 6);
	});
	it('a weight of positives is per class', () => {
		const { losses } = bceWithLogits([0, 0, 0, 0], [1, 1, 1, 0], { positiveWeight: [2, 8] });
		[2, 8, 2, 1].forEach((w, i) => expect(losses[i]).toBeCloseTo(w * Math.LN2, 5));
	});
});

describe('logits of 1000 in magnitude (C18)', () => {
	const logits = [1000, -1000, 1000, -1000, 1e18, -1e18];
	const targets = [0, 1, 1, 0, 1, 0];
	it('binary losses are finite and right', () => {
		const { losses, gradients } = bceWithLogits(logits, targets, { reduction: 'sum' });
		expect([...losses]).toEqual([1000, 1000, 0, 0, 0, 0]);
		[1, -1, 0, 0, 0, 0].forEach((g, i) => expect(gradients[i]).toBeCloseTo(g, 12));
	});
	it.each([
		['focalLoss', focalLoss(logits, targets)],
		['focalLoss, gamma 0.1', focalLoss(logits, targets, { gamma: 0.1 })],
		['varifocalLoss', varifocalLoss(logits, targets)],
		['qualityFocalLoss', qualityFocalLoss(logits, targets)],
		['qualityFocalLoss, beta 0.1', qualityFocalLoss(logits, [0.5, 0.5, 1, 0, 0.1, 1], { beta: 0.1 })],
		['gaussianFocalLoss', gaussianFocalLoss(logits, targets)],
		['crossEntropy', crossEntropy(logits, [1, 0, 1])],
		['crossEntropy, smoothed', crossEntropy(logits, [1, 0, 1], { labelSmoothing: 0.3 })],
		['distributionFocalLoss', distributionFocalLoss(logits, [0.5, 1, 0])],
		['fizyr at 0 and 1', focalLoss([0, 1, 0, 1], [1, 0, 0, 1], { style: 'fizyr' })],
	])('%s', (_, loss) => {
		expect(finite(loss)).toBe(true);
		expect(loss.loss).toBeGreaterThan(0);
	});
	it('softmax', () => {
		const { losses, gradients } = crossEntropy([1000, -1000, 1000, -1000], [1, 0], { reduction: 'sum' });
		expect([...losses]).toEqual([2000, 0]);
		[1, -1, 0, 0].forEach((g, i) => expect(gradients[i]).toBeCloseTo(g, 12));
	});
});

describe('reductions', () => {
	const x = [1, 2, 3, 4];
	const t = [0, 0, 0, 0];
	it('mean, sum and none', () => {
		expect(l1Loss(x, t).loss).toBe(2.5);
		expect([...l1Loss(x, t).gradients]).toEqual([0.25, 0.25, 0.25, 0.25]);
		expect(l1Loss(x, t, { reduction: 'sum' }).loss).toBe(10);
		const none = l1Loss(x, t, { reduction: 'none' });
		expect(none.loss).toBeNaN();
		expect([...none.losses]).toEqual(x);
		expect([...none.gradients]).toEqual([1, 1, 1, 1]);
	});
	it('weights reach losses and gradients, not what the mean divides by; a normalizer does', () => {
		const weights = [1, 0, 2, 0];
		const mean = l1Loss(x, t, { weights });
		expect(mean.loss).toBe(7 / 4);
		expect([...mean.losses]).toEqual([1, 0, 6, 0]);
		expect([...mean.gradients]).toEqual([0.25, 0, 0.5, 0]);
		const normalized = l1Loss(x, t, { weights, normalizer: 2 });
		expect(normalized.loss).toBe(3.5);
		expect([...normalized.gradients]).toEqual([0.5, 0, 1, 0]);
	});
	it('the mean of nothing is 0 (A18)', () => {
		const empty = { loss: 0, losses: new Float32Array(0), gradients: new Float32Array(0) };
		for (const loss of [bceWithLogits, smoothL1, l1Loss, l2Loss, focalLoss, varifocalLoss, qualityFocalLoss, gaussianFocalLoss, distributionFocalLoss])
			expect(loss([], [])).toEqual(empty);
		expect(crossEntropy([], [])).toEqual(empty);
		expect(bceWithLogits([], [], { reduction: 'sum' })).toEqual(empty);
	});
	it('so is it on a backend, and no GPU is asked for', async () => {
		expect((await bceWithLogitsOn(undefined, [], [])).loss).toBe(0);
		await expect(bceWithLogitsOn({} as never, [], [])).rejects.toThrow('bceWithLogitsOn: backend must be made by createBackend');
	});
	it('of rows that are all ignored, too, whatever their logits', () => {
		const ignored = crossEntropy([1000, -3, 2, 5], [-100, -100]);
		expect(ignored.loss).toBe(0);
		expect([...ignored.losses, ...ignored.gradients]).toEqual(Array(6).fill(0));
		expect(crossEntropy([0, 0, 9, 9], [0, 255], { ignoreIndex: 255 }).loss).toBeCloseTo(Math.LN2, 6);
	});
	it('arguments stay as they were', () => {
		const logits = Float32Array.of(1, -2, 3);
		const targets = Float32Array.of(0, 1, 1);
		const weights = Float32Array.of(1, 2, 3);
		focalLoss(logits, targets, { weights });
		expect([[...logits], [...targets], [...weights]]).toEqual([
			[1, -2, 3],
			[0, 1, 1],
			[1, 2, 3],
		]);
	});
});

describe('treeSum', () => {
	/** The order as it is documented, written as a recursion. */
	function halved(terms: readonly number[]): number {
		if (terms.length === 1) return terms[0];
		const half = terms.length / 2;
		return halved(terms.slice(0, half).map((x, i) => Math.fround(x + terms[half + i])));
	}
	function tree(terms: readonly number[]): number {
		const sums: number[] = [];
		for (let k = 0; k < terms.length; k += 256) sums.push(halved(Array.from({ length: 256 }, (_, i) => terms[k + i] ?? 0)));
		return sums.length === 1 ? sums[0] : tree(sums);
	}
	it.each([1, 2, 255, 256, 257, 5000, 70_000])('adds %i terms in its order', (n) => {
		const next = random(n);
		const terms = new Float32Array(n).map(() => next() * 2 ** (next() * 20));
		expect(treeSum(terms)).toBe(tree([...terms]));
	});
	it('is 0 for none, and loses little where a running sum loses the rest', () => {
		expect(treeSum(new Float32Array(0))).toBe(0);
		const ones = new Float32Array(2 ** 25).fill(1);
		expect(treeSum(ones)).toBe(2 ** 25);
		const next = random(9);
		const million = new Float32Array(1e6).map(() => next());
		const exact = million.reduce((total, x) => total + x, 0);
		expect(Math.abs(treeSum(million) / exact - 1)).toBeLessThan(4 * 2 ** -23);
	});
});

describe('bad arguments are named', () => {
	it.each([
		[() => bceWithLogits([1, 2], [1]), 'bceWithLogits: targets must be as long as logits, 2; got 1'],
		[() => bceWithLogits([NaN], [1]), 'bceWithLogits: logits[0] must be finite, and at most 2^62 in magnitude; got NaN'],
		[() => smoothL1([1], [Infinity]), 'smoothL1: targets[0] must be finite, and at most 2^62 in magnitude; got Infinity'],
		[() => focalLoss([1, 1], [1, -1]), 'focalLoss: targets[1] must be from 0 to 1; got -1 (leave elements out with a weight of 0)'],
		[() => bceWithLogits('1' as never, [1]), 'bceWithLogits: logits must be a Float32Array'],
		[() => bceWithLogits([1], [1], { reduction: 'avg' as never }), "bceWithLogits: reduction must be 'none' or 'mean' or 'sum'; got \"avg\""],
		[() => bceWithLogits([1], [1], { positiveWeights: 2 } as never), 'did you mean positiveWeight?'],
		[() => bceWithLogits([1, 1, 1], [1, 1, 1], { positiveWeight: [1, 2] }), 'positiveWeight must have one entry per class, a divisor of 3; got 2'],
		[() => bceWithLogits([1], [1], { labelSmoothing: 10 }), 'labelSmoothing must be from 0 to 1; got 10'],
		[() => l2Loss([1], [1], { weights: [1, 1] }), 'l2Loss: weights must have 1 entries; got 2'],
		[() => l2Loss([1], [1], { weights: [-1] }), 'l2Loss: weights[0] must be a number from 0 to 2^62; got -1'],
		[() => l2Loss([1], [1], { normalizer: 0 }), 'l2Loss: normalizer must be a positive number up to 2^62; got 0 (for no positives, give 1)'],
		[() => l2Loss([1], [1], { normalizer: 2, reduction: 'sum' }), "l2Loss: normalizer is what reduction 'mean' divides by; got 2"],
		[() => smoothL1([1], [1], { beta: -1 }), 'smoothL1: beta must be a number from 0 to 2^62; got -1'],
		[() => focalLoss([1], [1], { alpha: 25 }), 'focalLoss: alpha must be from 0 to 1; got 25'],
		[() => focalLoss([1], [1], { cutoff: 0.5 }), "focalLoss: cutoff is an option of style 'fizyr'; got 0.5"],
		[() => focalLoss([1.5], [1], { style: 'fizyr' }), "predictions[0] must be from 0 to 1; got 1.5 (style 'fizyr' takes probabilities)"],
		[() => crossEntropy([1, 2, 3], [0, 1]), 'crossEntropy: logits must have as many entries for each of 2 targets; got 3'],
		[() => crossEntropy([1], [0, 1]), 'are the two arrays swapped?'],
		[() => crossEntropy([1, 2], [2]), 'crossEntropy: targets[0] must be a class from 0 to 1, or ignoreIndex -100; got 2'],
		[() => crossEntropy([1, 2], [0.5]), 'crossEntropy: targets[0] must be a class from 0 to 1, or ignoreIndex -100; got 0.5'],
		[() => crossEntropy([1, 2], 0 as never), 'crossEntropy: targets must be an array of class ids; got 0'],
		[() => crossEntropy([1, 2], [0], { classWeights: [1] }), 'crossEntropy: classWeights must have 2 entries; got 1'],
		[() => distributionFocalLoss([1, 2], [1.5]), 'distributionFocalLoss: distances[0] must be from 0 to 1; got 1.5 (there are 2 bins)'],
		[() => distributionFocalLoss([1], [0]), 'distributionFocalLoss: logits must have at least 2 entries for each of 1 distances; got 1'],
	])('%#', (work, text) => {
		expect(work).toThrow(text);
	});
});

describe('a GPU that binds too little', () => {
	it('is told before anything is computed', async () => {
		const { lossOnGpu } = await import('../../../../src/training/losses/losses-gpu.js');
		const task = { kind: 'l2', predictions: new Float32Array(5) } as never;
		await expect(lossOnGpu('l2LossOn', { maxBindingBytes: 16 } as never, task)).rejects.toThrow(
			'l2LossOn: predictions must be at most 4, what the GPU binds at once; got 5 (give them in parts)',
		);
	});
});

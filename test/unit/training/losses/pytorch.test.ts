// The losses that PyTorch and torchvision have, against numbers that they printed: torch 2.14.1 and torchvision 0.29.1 on the
// CPU in float64, losses with reduction 'none' and the gradients of their sum.

import { describe, expect, it } from 'vitest';
import { type BoxLossKind, bceWithLogits, boxLoss, crossEntropy, focalLoss, type Loss, l1Loss, l2Loss, smoothL1 } from '../../../../src/training.js';

/** Float32 steps: 1e-5 of each number, and 2e-7 of what cancels. */
function expectNear(got: Float32Array, wanted: readonly number[], what: string): void {
	expect(got.length).toBe(wanted.length);
	wanted.forEach((x, i) => expect(Math.abs(got[i] - x), `${what}[${i}]: ${got[i]} for ${x}`).toBeLessThanOrEqual(2e-7 + 1e-5 * Math.abs(x)));
}

function expectLoss({ losses, gradients }: Loss, wanted: { losses: number[]; gradients: number[] }): void {
	expectNear(losses, wanted.losses, 'losses');
	expectNear(gradients, wanted.gradients, 'gradients');
}

const logits = [0, 1, -2, 5, -0.3, 1000, -1000, 1000];
const targets = [1, 0, 0.3, 1, 0, 0, 1, 1];

describe('binary losses', () => {
	it('binary_cross_entropy_with_logits', () => {
		expectLoss(bceWithLogits(logits, targets, { reduction: 'sum' }), {
			losses: [0.693147181, 1.31326169, 0.726928011, 0.00671534849, 0.554355244, 1000, 1000, 0],
			gradients: [-0.5, 0.731058579, -0.180797078, -0.00669285092, 0.425557483, 1, -1, 0],
		});
	});
	it('its pos_weight of 3', () => {
		expectLoss(bceWithLogits(logits, targets, { reduction: 'none', positiveWeight: 3 }), {
			losses: [2.07944154, 1.31326169, 2.00308482, 0.0201460455, 0.554355244, 1000, 3000, 0],
			gradients: [-1.5, 0.731058579, -0.709275325, -0.0200785528, 0.425557483, 1, -3, 0],
		});
	});
	it('sigmoid_focal_loss', () => {
		expectLoss(focalLoss(logits, targets, { reduction: 'sum' }), {
			losses: [0.0433216988, 0.526401228, 0.0527235922, 7.52022556e-8, 0.0752949566, 750, 250, 0],
			gradients: [-0.0745716988, 0.576176042, -0.000375812084, -2.24348192e-7, 0.144306329, 0.75, -0.25, 0],
		});
	});
	it('sigmoid_focal_loss without alpha, gamma 1.5', () => {
		expectLoss(focalLoss(logits, targets, { reduction: 'sum', alpha: -1, gamma: 1.5 }), {
			losses: [0.245064536, 0.820879748, 0.149026382, 3.67692933e-6, 0.153895354, 1000, 1000, 0],
			gradients: [-0.360575097, 0.788115226, -0.0100629235, -9.14309127e-6, 0.250745674, 1, -1, 0],
		});
	});
});

describe('regression', () => {
	const predicted = [0, 0.05, 0.5, 1, 3, -2];
	const wanted = [0, 0, 1, 0, 0, 0];
	it('smooth_l1_loss, beta 1/9, 1 and 0', () => {
		expectLoss(smoothL1(predicted, wanted, { reduction: 'sum', beta: 1 / 9 }), {
			losses: [0, 0.01125, 0.444444444, 0.944444444, 2.94444444, 1.94444444],
			gradients: [0, 0.45, -1, 1, 1, -1],
		});
		expectLoss(smoothL1(predicted, wanted, { reduction: 'sum' }), { losses: [0, 0.00125, 0.125, 0.5, 2.5, 1.5], gradients: [0, 0.05, -0.5, 1, 1, -1] });
		const l1 = { losses: [0, 0.05, 0.5, 1, 3, 2], gradients: [0, 1, -1, 1, 1, -1] };
		expectLoss(smoothL1(predicted, wanted, { reduction: 'sum', beta: 0 }), l1);
		expectLoss(l1Loss(predicted, wanted, { reduction: 'sum' }), l1);
	});
	it('mse_loss', () => {
		expectLoss(l2Loss(predicted, wanted, { reduction: 'sum' }), { losses: [0, 0.0025, 0.25, 1, 9, 4], gradients: [0, 0.1, -1, 2, 6, -4] });
	});
});

describe('cross_entropy', () => {
	// the last row is ignored
	const rows = [1, 2, 3, 0.5, -1, 0, 1000, -1000, 0, 2, 2, 2];
	const classes = [2, 0, 1, -100];
	const classWeights = [1, 2, 0.5];
	const cases = [
		{
			options: {},
			mean: 667.0039121899271,
			losses: [0.407605964, 0.604130605, 2000, 0],
			gradients: [0.0900305732, 0.244728471, -0.334759044, -0.453450613, 0.121951652, 0.33149896, 1, -1, 0, 0, 0, 0],
			firstOfMean: 0.0300101911,
		},
		{
			options: { labelSmoothing: 0.1 },
			mean: 633.7261344121493,
			losses: [0.507605964, 0.670797272, 1900, 0],
			gradients: [0.0566972398, 0.211395138, -0.268092378, -0.386783946, 0.088618319, 0.298165627, 0.966666667, -0.933333333, -0.0333333333, 0, 0, 0],
			firstOfMean: 0.0188990799,
		},
		{
			options: { classWeights },
			mean: 1143.0879810250167,
			losses: [0.203802982, 0.604130605, 4000, 0],
			gradients: [0.0450152866, 0.122364236, -0.167379522, -0.453450613, 0.121951652, 0.33149896, 2, -2, 0, 0, 0, 0],
			firstOfMean: 0.0128615105,
		},
		{
			options: { classWeights, labelSmoothing: 0.1 },
			mean: 1071.7390979510315,
			losses: [0.364310047, 0.722532782, 3750, 0],
			gradients: [0.0176839915, 0.0720128003, -0.0896967917, -0.37767479, 0.0573175132, 0.320357276, 1.88333333, -1.86666667, -0.0166666667, 0, 0, 0],
			firstOfMean: 0.00505256899,
		},
	];
	it.each(cases)('with $options', ({ options, mean, firstOfMean, ...wanted }) => {
		expectLoss(crossEntropy(rows, classes, { ...options, reduction: 'sum' }), wanted);
		const reduced = crossEntropy(rows, classes, options);
		expect(reduced.loss).toBeCloseTo(mean, 3);
		expect(reduced.gradients[0]).toBeCloseTo(firstOfMean, 7);
	});
});

describe('box losses of torchvision', () => {
	const boxes = [0, 0, 10, 10, 0, 0, 4, 10, 2, 3, 12, 9, 0, 0, 2, 2, 1, 1, 5, 9];
	const wanted = [0, 0, 10, 10, 0, 0, 10, 4, 0, 0, 10, 10, 5, 5, 8, 9, 2, 2, 4, 8];
	const cases: { kind: BoxLossKind; epsilon?: number; losses: number[]; gradients: number[] }[] = [
		{
			kind: 'giou',
			losses: [0, 1.11, 0.638095238, 1.77777778, 0.625],
			gradients: [
				...[0, 0, 0, 0, 0.048, 0.0114375, -0.0990624999, 0.039625, 0.0535714285, 0.0804421768, 0.0507369614, -0.0804421768],
				...[0, 0.00308641963, -0.0277777777, -0.0277777777, -0.0937499994, -0.0468749997, 0.0937499994, 0.0468749997],
			],
		},
		{
			kind: 'diou',
			losses: [0, 0.84, 0.591920375, 1.45689655, 0.625],
			gradients: [
				...[0, 0, 0, 0, -0.0104999999, 0.0429375, -0.0540625, 0.021625, 0.0617681498, 0.0678738708, 0.0291403177, -0.0596771495],
				...[0.0124851367, 0.0153388822, -0.0379310345, -0.0413793103, -0.0937499994, -0.0468749997, 0.0937499994, 0.0468749997],
			],
		},
		{
			kind: 'ciou',
			losses: [0, 0.909534919, 0.592913419, 1.4569626, 0.625105173],
			gradients: [
				...[0, 0, 0, 0, 0.00430491775, 0.0370155329, -0.0688674177, 0.027546967, 0.06141048, 0.0684699873, 0.0294979876, -0.0602732659],
				...[0.0122523914, 0.0155716276, -0.0376982891, -0.0416120557, -0.0938982365, -0.0468008812, 0.0938982365, 0.0468008812],
			],
		},
		{
			// an epsilon reaches alpha and nothing else
			kind: 'ciou',
			epsilon: 0.1,
			losses: [0, 0.903302887, 0.592770689, 1.45695664, 0.625090828],
			gradients: [
				...[0, 0, 0, 0, 0.00297803442, 0.0375462862, -0.0675405343, 0.0270162137, 0.0614618876, 0.0683843078, 0.02944658, -0.0601875865],
				...[0.0122733942, 0.0155506247, -0.037719292, -0.0415910528, -0.0938780176, -0.0468109906, 0.0938780176, 0.0468109906],
			],
		},
	];
	it.each(cases)('$kind, epsilon $epsilon', ({ kind, epsilon, ...rest }) => {
		expectLoss(boxLoss(boxes, wanted, { kind, epsilon, reduction: 'sum' }), rest);
	});
});

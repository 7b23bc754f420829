// Samplers: the counts that torchvision, Caffe, mmdetection and the papers ask for, every set as likely, ties by index, and bad input.

import { describe, expect, it } from 'vitest';
import { sampleBalanced } from '../../../../src/training/sampling/balanced.js';
import { mineHardExamples, mineHardNegatives, sampleDenseBox } from '../../../../src/training/sampling/mining.js';
import { random } from '../../../support/random.js';

/** p positives, n negatives and i ignored, shuffled. */
function labelsOf(p: number, n: number, i: number, seed = 1): Int32Array {
	const next = random(seed);
	const all = [...new Array(p).fill(1), ...new Array(n).fill(0), ...new Array(i).fill(-1)];
	for (let k = all.length - 1; k > 0; k--) {
		const j = Math.floor(next() * (k + 1));
		[all[k], all[j]] = [all[j], all[k]];
	}
	return Int32Array.from(all);
}

const counts = (labels: Int32Array) => [1, 0, -1].map((label) => labels.filter((l) => l === label).length);

describe('sampleBalanced', () => {
	// Ren et al. 2015: 256 anchors, up to 1:1; padded with negatives where there are fewer than 128 positives
	it.each([
		[{ positives: 1000, negatives: 5000 }, 'rpn', [128, 128]],
		[{ positives: 10, negatives: 5000 }, 'rpn', [10, 246]],
		[{ positives: 0, negatives: 5000 }, 'rpn', [0, 256]],
		[{ positives: 1000, negatives: 30 }, 'rpn', [128, 30]],
		[{ positives: 1000, negatives: 0 }, 'rpn', [128, 0]],
		[{ positives: 20, negatives: 60 }, 'rpn', [20, 60]],
		[{ positives: 1000, negatives: 5000 }, 'roi', [128, 384]],
		[{ positives: 40, negatives: 5000 }, 'roi', [40, 472]],
	] as const)('%j, %s: %j', ({ positives, negatives }, preset, expected) => {
		const labels = labelsOf(positives, negatives, 100);
		const sample = sampleBalanced(labels, { preset, seed: 3 });
		expect([sample.numPositives, sample.numNegatives]).toEqual(expected);
		expect(counts(sample.labels).slice(0, 2)).toEqual(expected);
		expect(sample.indices).toHaveLength(expected[0] + expected[1]);
	});

	it('leaves the chosen as they are and ignores the others', () => {
		const labels = labelsOf(50, 200, 20);
		const before = labels.slice();
		const { labels: sampled, indices, numPositives } = sampleBalanced(labels, { count: 40, seed: 9 });
		const chosen = new Set(indices);
		expect(chosen.size).toBe(40);
		sampled.forEach((label, a) => expect(label).toBe(chosen.has(a) ? labels[a] : -1));
		const [positives, negatives] = [indices.slice(0, numPositives), indices.slice(numPositives)];
		for (const part of [positives, negatives]) expect(Array.from(part)).toEqual(Array.from(part).sort((a, b) => a - b));
		expect(positives.every((a) => labels[a] === 1) && negatives.every((a) => labels[a] === 0)).toBe(true);
		expect(labels).toEqual(before);
	});

	it('repeats itself for a seed and for no other', () => {
		const labels = labelsOf(500, 5000, 0);
		const draw = (seed: number) => sampleBalanced(labels, { seed }).indices.join();
		expect(draw(7)).toBe(draw(7));
		expect(new Set([0, 1, 2, 3, 2 ** 40].map(draw)).size).toBe(5);
		expect(sampleBalanced(labels).indices.join()).toBe(draw(0));
	});

	it('draws every pair as often as any other', () => {
		const labels = [0, 0, 0, 0, 0];
		const tally = new Map<string, number>();
		for (let seed = 0; seed < 20_000; seed++) {
			const pair = sampleBalanced(labels, { count: 2, seed }).indices.join();
			tally.set(pair, (tally.get(pair) ?? 0) + 1);
		}
		// ten pairs, 2000 times each; the deviation of such a count is 42
		expect(tally.size).toBe(10);
		for (const count of tally.values()) expect(Math.abs(count - 2000)).toBeLessThan(200);
	});

	it('has no more negatives for a positive than asked (mmdetection neg_pos_ub)', () => {
		const of = (positives: number, most: number) => {
			const { numPositives, numNegatives } = sampleBalanced(labelsOf(positives, 5000, 0), { maxNegativesPerPositive: most });
			return [numPositives, numNegatives];
		};
		expect(of(10, 3)).toEqual([10, 30]);
		expect(of(0, 3)).toEqual([0, 3]); // of none: as for one
		expect(of(100, 3)).toEqual([100, 156]);
		expect(of(10, 0)).toEqual([10, 0]);
	});

	it('takes any positive integer for a positive, as torchvision takes class ids', () => {
		const sample = sampleBalanced([7, 0, -1, 3], { count: 4 });
		expect(Array.from(sample.labels)).toEqual([7, 0, -1, 3]);
		expect(Array.from(sample.indices)).toEqual([0, 3, 1]);
	});

	it('of nothing is nothing', () => {
		expect(sampleBalanced([])).toEqual({ labels: new Int32Array(0), indices: new Uint32Array(0), numPositives: 0, numNegatives: 0 });
		expect(sampleBalanced([-1, -1]).indices).toHaveLength(0);
	});

	it.each([
		[() => sampleBalanced('x' as never), TypeError, /labels must be an Int32Array.*got "x"/],
		[() => sampleBalanced([0, -2]), RangeError, /labels\[1\] must be -1.*got -2/],
		[() => sampleBalanced([0.5]), RangeError, /labels\[0\]/],
		[() => sampleBalanced([true as never]), TypeError, /labels\[0\]/],
		[() => sampleBalanced([1], { positiveFraction: 25 }), RangeError, /positiveFraction must be 0 to 1; got 25 \(did you mean 0.25/],
		[() => sampleBalanced([1], { count: 0 }), RangeError, /count must be an integer from 1/],
		[() => sampleBalanced([1], { seed: -1 }), RangeError, /seed/],
		[() => sampleBalanced([1], { preset: 'rnp' as never }), RangeError, /did you mean 'rpn'/],
		[() => sampleBalanced([1], { maxNegativesPerPositive: NaN }), RangeError, /maxNegativesPerPositive/],
		[() => sampleBalanced([1], { maxNegativesPerPositive: -1 }), RangeError, /maxNegativesPerPositive must be 0 or more; got -1/],
		[() => sampleBalanced([1], { positveFraction: 0.5 } as never), TypeError, /did you mean positiveFraction/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

describe('mineHardNegatives', () => {
	//             0    1    2    3    4    5    6    7    8    9
	const labels = [0, 1, 0, 0, -1, 0, 0, 0, 0, 0];
	const losses = [0.1, 9, 0.5, 0.7, 8, 0.2, 0.5, 0.9, 0, 0.3];

	it('keeps three negatives for a positive, the hardest', () => {
		const sample = mineHardNegatives(labels, losses);
		expect(Array.from(sample.indices)).toEqual([1, 2, 3, 7]); // 0.9, 0.7, and of two with 0.5 the first
		expect(Array.from(sample.labels)).toEqual([-1, 1, 0, 0, -1, -1, -1, 0, -1, -1]);
		expect([sample.numPositives, sample.numNegatives]).toEqual([1, 3]);
	});

	it('takes of equal losses the lower indices', () => {
		expect(Array.from(mineHardNegatives([0, 0, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1], { ratio: 2 }).indices)).toEqual([2, 0, 1]);
		expect(Array.from(mineHardNegatives([0, 0, 1], [-0, 0, 1], { ratio: 1 }).indices)).toEqual([2, 0]);
		expect(Array.from(mineHardNegatives([0, 0, 1], [0, -0, 1], { ratio: 1 }).indices)).toEqual([2, 0]);
	});

	it('takes none where there is no positive, as both frameworks do, or the minimum', () => {
		expect(mineHardNegatives([0, 0, 0], [1, 2, 3]).numNegatives).toBe(0);
		expect(Array.from(mineHardNegatives([0, 0, 0], [1, 2, 3], { minimum: 2 }).indices)).toEqual([1, 2]);
		expect(mineHardNegatives([0, 0, 0], [1, 2, 3], { minimum: 5 }).numNegatives).toBe(3);
	});

	it('counts a part of a negative as torchvision (rank below the ratio) or as Caffe (cast to int) does', () => {
		const maxIou = new Float32Array(10);
		expect(mineHardNegatives(labels, losses, { ratio: 2.5 }).numNegatives).toBe(3);
		expect(mineHardNegatives(labels, losses, { ratio: 2.5, style: 'caffe', maxIou }).numNegatives).toBe(2);
	});

	it("in Caffe's way leaves out those that overlap by neg_overlap or more", () => {
		const maxIou = [0, 1, 0.5, 0.49, 0, 0.2, 0.4, 0.6, 0, 0];
		expect(Array.from(mineHardNegatives(labels, losses, { style: 'caffe', maxIou }).indices)).toEqual([1, 3, 6, 9]);
		expect(Array.from(mineHardNegatives(labels, losses, { style: 'caffe', maxIou, negativeOverlap: 0.3 }).indices)).toEqual([1, 0, 5, 9]);
	});

	it('is what a sort of all negatives gives, at the size of SSD300', () => {
		const next = random(4);
		const many = labelsOf(37, 8732 - 37 - 100, 100, 8);
		const hard = Float32Array.from(many, () => Math.round(next() * 400) / 100); // many ties
		const order = Array.from(many.keys())
			.filter((a) => many[a] === 0)
			.sort((a, b) => hard[b] - hard[a] || a - b);
		const expected = order.slice(0, 3 * 37).sort((a, b) => a - b);
		expect(Array.from(mineHardNegatives(many, hard).indices.slice(37))).toEqual(expected);
	});

	it('does not look at losses of others, and orders infinite ones', () => {
		expect(Array.from(mineHardNegatives([0, 0, 0, 1], [5, Infinity, -Infinity, 0], { ratio: 2 }).indices)).toEqual([3, 0, 1]);
	});

	it.each([
		[() => mineHardNegatives([0, 1], [1]), RangeError, /losses must have one entry per label, 2; got 1/],
		[() => mineHardNegatives([0, 1], [1, NaN]), RangeError, /losses\[1\] must be a number; got NaN/],
		[() => mineHardNegatives([0, 1], [1, 2], { ratio: -1 }), RangeError, /ratio must be a finite number/],
		[() => mineHardNegatives([0, 1], [1, 2], { style: 'caffe' }), TypeError, /maxIou must be given with style 'caffe'/],
		[() => mineHardNegatives([0, 1], [1, 2], { style: 'caffe', maxIou: [0] }), RangeError, /maxIou must have one entry per label, 2; got 1/],
		[() => mineHardNegatives([0, 1], [1, 2], { maxIou: [0, 0] }), TypeError, /maxIou must be absent/],
		[() => mineHardNegatives([0, 1], [1, 2], { minimum: 1.5 }), RangeError, /minimum/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

describe('mineHardExamples', () => {
	const labels = [1, 0, 0, 1, -1, 0, 1];
	const losses = [0.1, 0.9, 0.2, 0.8, 99, 0.3, 0.05];

	it('keeps the hardest of all, positives too; the others are ignored (Caffe, HARD_EXAMPLE)', () => {
		const sample = mineHardExamples(labels, losses, { count: 3 });
		expect(Array.from(sample.labels)).toEqual([-1, 0, -1, 1, -1, 0, -1]);
		expect([sample.numPositives, sample.numNegatives]).toEqual([1, 2]);
		expect(mineHardExamples(labels, losses).indices).toHaveLength(6);
	});

	it('ranks positives and negatives apart with a fraction (mmdetection, OHEMSampler)', () => {
		const sample = mineHardExamples(labels, losses, { count: 4, positiveFraction: 0.5 });
		expect(Array.from(sample.indices)).toEqual([0, 3, 1, 5]);
		expect(Array.from(mineHardExamples([1, 0, 0, 0], [1, 2, 3, 4], { count: 3, positiveFraction: 0.9 }).indices)).toEqual([0, 2, 3]);
	});

	it('refuses a count of 0', () => expect(() => mineHardExamples(labels, losses, { count: 0 })).toThrow(/count/));
});

describe('sampleDenseBox', () => {
	// Huang et al. 2015: positives to negatives 1:1; half of the negatives from the 1 % with the highest losses, half at random from the rest
	it('takes half of the negatives from the hardest hundredth', () => {
		const next = random(2);
		const labels = labelsOf(40, 6000, 300);
		const losses = Float32Array.from(labels, () => next());
		const sample = sampleDenseBox(labels, losses, { seed: 5 });
		expect([sample.numPositives, sample.numNegatives]).toEqual([40, 40]);
		const order = Array.from(labels.keys())
			.filter((a) => labels[a] === 0)
			.sort((a, b) => losses[b] - losses[a] || a - b);
		const hard = new Set(order.slice(0, 60));
		expect(sample.indices.slice(40).filter((a) => hard.has(a))).toHaveLength(20);
		expect(new Set(sample.indices).size).toBe(80);
		expect(sampleDenseBox(labels, losses, { seed: 6 }).indices).not.toEqual(sample.indices);
	});

	it('fills up from the other group where one is too small', () => {
		const labels = labelsOf(100, 700, 0);
		const losses = Float32Array.from(labels, (_, a) => a);
		const of = (hardFraction: number) => {
			const { indices } = sampleDenseBox(labels, losses, { hardFraction });
			const negatives = Array.from(labels.keys()).filter((a) => labels[a] === 0);
			const hard = new Set(negatives.slice(negatives.length - Math.round(700 * hardFraction)));
			const chosen = indices.slice(100);
			return [chosen.filter((a) => hard.has(a)).length, chosen.length];
		};
		expect(of(0.01)).toEqual([7, 100]); // 7 hard ones
		expect(of(0.5)).toEqual([50, 100]);
		expect(of(1)).toEqual([100, 100]); // none is easy
		expect(of(0)).toEqual([0, 100]);
		expect(sampleDenseBox(labels, losses, { ratio: 20 }).numNegatives).toBe(700);
	});

	it('refuses what is no fraction', () => expect(() => sampleDenseBox([1], [0], { hardFraction: 1.5 })).toThrow(/hardFraction must be 0 to 1/));
});

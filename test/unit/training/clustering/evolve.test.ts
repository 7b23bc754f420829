// Genetic evolution as yolov5 publishes it: a textbook of it in plain loops, its rules one by one, and the fast score against the textbook.

import { describe, expect, it } from 'vitest';
import { type EvolutionProgress, evolveAnchors } from '../../../../src/training/clustering/evolve.js';
import { anchorFitness, fitnessOf, MEASURE_ONE } from '../../../../src/training/clustering/metric.js';
import { Mutations, mutate } from '../../../../src/training/clustering/mutations.js';
import { FitnessScorer } from '../../../../src/training/clustering/scorer.js';
import { checkFilter, groupSizes } from '../../../../src/training/clustering/sizes.js';
import { random } from '../../../support/random.js';
import { randomSizes } from '../../../support/random-sizes.js';

const ANCHORS = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326];
const RULE = { probability: 0.9, sigma: 0.1, clip: [0.3, 3] } as const;
const rowsOf = (sizes: Float32Array) => groupSizes('test', sizes, checkFilter('test', {}));

describe('evolveAnchors', () => {
	it('is the published loop: a mutant replaces its parent when its fitness is strictly higher', async () => {
		const sizes = randomSizes(400, 1, 1);
		const mutations = new Mutations(7, 18, RULE);
		let best = Float32Array.from(ANCHORS);
		let fitness = anchorFitness(sizes, best).fitness;
		const history: number[] = [];
		const accepted: number[] = [];
		for (let generation = 0; generation < 200; generation++) {
			const mutant = best.map((side, i) => Math.max(2, Math.fround(side * mutations.of(generation)[i])));
			const score = anchorFitness(sizes, mutant).fitness;
			if (score > fitness) {
				[best, fitness] = [mutant, score];
				accepted.push(generation);
			}
			history.push(Math.fround(fitness));
		}
		const found = await evolveAnchors(sizes, ANCHORS, { generations: 200, seed: 7 });
		expect(accepted.length).toBeGreaterThan(5);
		expect(found.accepted.map(({ generation }) => generation)).toEqual(accepted);
		expect([...found.history]).toEqual(history);
		expect(found.fitness).toBe(fitness);
		expect([...(found.accepted.at(-1)?.anchors ?? [])]).toEqual([...best]);
		expect([...found.anchors].sort((a, b) => a - b)).toEqual([...best].sort((a, b) => a - b));
		expect(found.evaluations).toBe(201);
	});

	it.each([1, 2, 3])('never falls, and raises the fitness that it reports, seed %i', async (seed) => {
		const sizes = randomSizes(300, seed);
		const start = anchorFitness(sizes, ANCHORS).fitness;
		const found = await evolveAnchors(sizes, ANCHORS, { generations: 300, seed });
		for (let i = 1; i < 300; i++) expect(found.history[i]).toBeGreaterThanOrEqual(found.history[i - 1]);
		expect(found.history[0]).toBeGreaterThanOrEqual(Math.fround(start));
		expect(found.fitness).toBeGreaterThan(start + 0.01);
		expect(anchorFitness(sizes, found.anchors).fitness).toBe(found.fitness);
		const areas = Array.from({ length: 9 }, (_, k) => found.anchors[2 * k] * found.anchors[2 * k + 1]);
		expect(areas).toEqual([...areas].sort((a, b) => a - b));
	});

	it('repeats itself for a seed, and for no other', async () => {
		const sizes = randomSizes(200, 4);
		const run = (seed: number) => evolveAnchors(sizes, ANCHORS, { generations: 60, seed });
		expect(await run(1)).toEqual(await run(1));
		expect((await run(2)).anchors).not.toEqual((await run(1)).anchors);
	});

	it('does not change anchors that cannot be better', async () => {
		const found = await evolveAnchors([10, 10, 200, 100], [10, 10, 200, 100], { generations: 50 });
		expect([[...found.anchors], found.fitness, found.accepted]).toEqual([[10, 10, 200, 100], 1, []]);
	});

	it('leaves no side below minSize', async () => {
		const sizes = Float32Array.from({ length: 100 }, () => 1);
		expect(Math.min(...(await evolveAnchors(sizes, [3, 3], { generations: 100 })).anchors)).toBe(2);
		expect(Math.min(...(await evolveAnchors(sizes, [3, 3], { generations: 100, minSize: 0 })).anchors)).toBeLessThan(1.2);
	});

	it('takes no boxes: nothing is better than nothing', async () => {
		const found = await evolveAnchors([], [10, 10], { generations: 5 });
		expect([[...found.anchors], found.fitness, [...found.history]]).toEqual([[10, 10], 0, [0, 0, 0, 0, 0]]);
	});

	it('tells of its progress, and ends with the reason of its signal', async () => {
		const sizes = randomSizes(3000, 1);
		const seen: EvolutionProgress[] = [];
		const found = await evolveAnchors(sizes, ANCHORS, { generations: 400, onProgress: (p) => seen.push(p) });
		expect(seen.at(-1)).toMatchObject({ generation: 400, generations: 400, fitness: found.fitness });
		for (let i = 1; i < seen.length; i++) expect(seen[i].generation).toBeGreaterThanOrEqual(seen[i - 1].generation);
		const controller = new AbortController();
		const work = evolveAnchors(sizes, ANCHORS, { generations: 100_000, signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) });
		await expect(work).rejects.toThrow('enough');
		expect(await evolveAnchors(sizes, ANCHORS, { generations: 400 })).toEqual(found);
	});

	it.each([
		[{ generations: 0 }, /generations must be an integer from 1/],
		[{ mutationProbability: 0 }, /mutationProbability must be above 0, or nothing ever changes/],
		[{ mutationProbability: 90 }, /did you mean 0.9\?/],
		[{ sigma: 0 }, /sigma must be 2\^-20 to 10/],
		[{ clip: 3 }, /clip must be \[least, most\]/],
		[{ clip: [3, 0.3] }, /clip must be \[least, most\] with 0.01 <= least <= 1 <= most <= 100/],
		[{ clip: [1, 1] }, /not both 1/],
		[{ ratioThreshold: 0 }, /ratioThreshold must be 1 to 1000/],
		[{ minSize: -1 }, /minSize/],
		[{ seed: 0.5 }, /seed/],
		[{ generation: 5 }, /did you mean generations\?/],
		[{ backend: {} }, /backend must be made by createBackend/],
	])('refuses %o', async (options, message) => {
		await expect(evolveAnchors([5, 5], [10, 10], options as never)).rejects.toThrow(message);
	});

	it('refuses sizes and anchors that are none', async () => {
		await expect(evolveAnchors([5, 0], [10, 10])).rejects.toThrow(/evolveAnchors: sizes\[1\] \(box 0, height\)/);
		await expect(evolveAnchors([5, 5], [])).rejects.toThrow(/anchors must hold at least one/);
	});
});

describe('mutations', () => {
	it('have the distribution that is published: (rand < 0.9) * random() * randn * 0.1 + 1', () => {
		const mutations = new Mutations(3, 18, RULE);
		const all: number[] = [];
		for (let generation = 0; generation < 4000; generation++) all.push(...mutations.of(generation));
		const changed = all.filter((v) => v !== 1);
		expect(changed.length / all.length).toBeCloseTo(0.9, 2);
		const mean = all.reduce((sum, v) => sum + v, 0) / all.length;
		expect(mean).toBeCloseTo(1, 2);
		// the variance of a uniform times a normal number is 1/3: 0.9 * 0.01 / 3
		const variance = all.reduce((sum, v) => sum + (v - mean) ** 2, 0) / all.length;
		expect(variance).toBeCloseTo(0.003, 3);
		expect(variance).toBeGreaterThan(0.0027);
	});

	it('share one size per mutant', () => {
		// with one sigma for all, the deviation of a mutant's factors would not vary as much
		const mutations = new Mutations(5, 200, RULE);
		const spreads = Array.from({ length: 300 }, (_, g) => Math.sqrt(mutations.of(g).reduce((sum, v) => sum + (v - 1) ** 2, 0) / 200));
		expect(Math.min(...spreads)).toBeLessThan(0.01);
		expect(Math.max(...spreads)).toBeGreaterThan(0.085);
	});

	it('are clipped, and never all 1', () => {
		const wild = new Mutations(1, 2, { probability: 0.5, sigma: 5, clip: [0.3, 3] });
		const rare = new Mutations(1, 2, { probability: 0.01, sigma: 0.1, clip: [0.3, 3] });
		const factors = Array.from({ length: 500 }, (_, g) => [...wild.of(g)]).flat();
		expect([Math.min(...factors), Math.max(...factors)]).toEqual([Math.fround(0.3), 3]);
		for (let g = 0; g < 200; g++) expect(rare.of(g).some((v) => v !== 1)).toBe(true);
	});

	it('are the same one by one and many at once', () => {
		const [single, many] = [new Mutations(9, 6, RULE), new Mutations(9, 6, RULE)];
		const window = [...many.window(0, 20), ...many.window(20, 30)];
		expect(Array.from({ length: 50 }, (_, g) => [...single.of(g)]).flat()).toEqual(window);
		expect([...many.window(25, 2)]).toEqual(window.slice(25 * 6, 27 * 6));
	});
});

describe('FitnessScorer', () => {
	it.each([
		['as data sets have them', randomSizes(4000, 1)],
		['whole pixels, many equal', randomSizes(4000, 2, 4)],
		['few', randomSizes(5, 3)],
		['equal', new Float32Array(200).fill(30)],
		['far apart', Float32Array.from({ length: 400 }, (_, i) => 2 ** ((i % 41) - 20))],
	])('is the textbook, bit for bit: sizes %s', (_, sizes) => {
		const rows = rowsOf(sizes);
		const next = random(5);
		for (const ratio of [2, 4]) {
			const threshold = Math.fround(1 / ratio);
			const scorer = new FitnessScorer(rows, 9, threshold);
			let known = -1;
			for (let i = 0; i < 60; i++) {
				const anchors = mutate(
					Float32Array.from(ANCHORS),
					Float32Array.from({ length: 18 }, () => 1 + (i % 4 ? 0.3 : 3) * (next() - 0.3)),
					0,
				);
				const exact = fitnessOf(rows, anchors, threshold).fitness * rows.total * MEASURE_ONE;
				expect(scorer.score(anchors)).toBeCloseTo(exact, 3);
				// with something to beat: the number when it does, -1 when it does not
				expect(scorer.score(anchors, known)).toBe(exact > known ? Math.round(exact) : -1);
				expect(scorer.score(anchors, Math.round(exact))).toBe(-1);
				expect(scorer.score(anchors, Math.round(exact) - 1)).toBe(exact > 0 ? Math.round(exact) : 0);
				known = Math.max(known, Math.round(exact));
			}
		}
	});
});

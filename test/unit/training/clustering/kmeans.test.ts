// k-means of sizes: scipy's published examples, plain loops in double precision, each program's rule, and what becomes of degenerate sets.

import { describe, expect, it } from 'vitest';
import { kmeansAnchors } from '../../../../src/training/clustering/kmeans.js';
import type { ClusterProgress, KmeansOptions } from '../../../../src/training/clustering/kmeans-options.js';
import { makePoints } from '../../../../src/training/clustering/points.js';
import { checkFilter, groupSizes } from '../../../../src/training/clustering/sizes.js';
import { randomSizes, sizesAround } from '../../../support/random-sizes.js';

const CENTERS = [12, 16, 30, 60, 62, 30, 120, 110, 300, 200];

/** k-means as textbooks write it, in doubles; ties to the lower centre. */
function plainKmeans(sizes: ArrayLike<number>, init: readonly number[], distance: 'iou' | 'euclidean', update: 'mean' | 'median') {
	const n = sizes.length / 2;
	const centers = [...init];
	let assigned: number[] = [];
	for (let pass = 0; pass < 500; pass++) {
		const nearest = Array.from({ length: n }, (_, i) => {
			const [w, h] = [sizes[2 * i], sizes[2 * i + 1]];
			const costs = Array.from({ length: centers.length / 2 }, (_, k) => {
				const [cw, ch] = [centers[2 * k], centers[2 * k + 1]];
				if (distance === 'euclidean') return (w - cw) ** 2 + (h - ch) ** 2;
				const inter = Math.min(w, cw) * Math.min(h, ch);
				return 1 - inter / (w * h + cw * ch - inter);
			});
			return costs.indexOf(Math.min(...costs));
		});
		if (nearest.join() === assigned.join()) break;
		assigned = nearest;
		for (let k = 0; k < centers.length / 2; k++) {
			for (const axis of [0, 1]) {
				const own = Array.from({ length: n }, (_, i) => i).filter((i) => assigned[i] === k);
				const values = own.map((i) => sizes[2 * i + axis]).sort((a, b) => a - b);
				const middle = (values[(values.length - 1) >> 1] + values[values.length >> 1]) / 2;
				if (own.length) centers[2 * k + axis] = update === 'mean' ? values.reduce((a, b) => a + b, 0) / own.length : middle;
			}
		}
	}
	return { centers, assigned };
}

describe('kmeansAnchors', () => {
	it('finds the means of the example in the documentation of scipy.cluster.vq._kmeans', async () => {
		const features = [1.9, 2.3, 1.5, 2.5, 0.8, 0.6, 0.4, 1.8, 1.0, 1.0];
		const { anchors, counts, converged } = await kmeansAnchors(features, { count: 2, distance: 'euclidean', init: [1.9, 2.3, 0.8, 0.6] });
		const expected = [0.73333333, 1.13333333, 1.7, 2.4];
		anchors.forEach((side, i) => expect(side).toBeCloseTo(expected[i], 6));
		expect([[...counts], converged]).toEqual([[3, 2], true]);
	});

	it('finds the whitened means of the example of scipy.cluster.vq.kmeans', async () => {
		const features = [1.9, 2.3, 1.5, 2.5, 0.8, 0.6, 0.4, 1.8, 0.1, 0.1, 0.2, 1.8, 2.0, 0.5, 0.3, 1.5, 1.0, 1.0];
		const { anchors } = await kmeansAnchors(features, { count: 2, distance: 'whitened', init: [1.9, 2.3, 0.8, 0.6] });
		const deviation = [0, 1].map((axis) => {
			const values = features.filter((_, i) => i % 2 === axis);
			const mean = values.reduce((a, b) => a + b) / 9;
			// the numbers there are from when whitening took the deviation of a sample, over n - 1
			return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 8);
		});
		const expected = [0.93218041, 1.24398691, 2.3110306, 2.86287398];
		anchors.forEach((side, i) => expect(side / deviation[i % 2]).toBeCloseTo(expected[i], 5));
	});

	it('whitens as the example of scipy.cluster.vq.whiten', () => {
		const rows = groupSizes('test', Float32Array.of(1.9, 2.3, 1.5, 2.5, 0.8, 0.6), checkFilter('test', {}));
		const { x, y } = makePoints(rows, 'whitened');
		// sorted by width
		[1.75976538, 3.29956009, 4.17944278].forEach((value, i) => expect(x[i]).toBeCloseTo(value, 5));
		[0.7038557, 2.93273208, 2.69811351].forEach((value, i) => expect(y[i]).toBeCloseTo(value, 5));
		// a column without deviation stays as it is, as scipy warns
		expect([...makePoints(groupSizes('test', Float32Array.of(3, 1, 3, 2), checkFilter('test', {})), 'whitened').x]).toEqual([3, 3]);
	});

	it.each([
		['iou', 'mean'],
		['iou', 'median'],
		['euclidean', 'mean'],
		['euclidean', 'median'],
	] as const)('agrees with plain loops: %s, %s', async (distance, update) => {
		const sizes = randomSizes(300, 11, 1);
		const init = [10, 10, 30, 60, 60, 30, 200, 200];
		const plain = plainKmeans(sizes, init, distance, update);
		const found = await kmeansAnchors(sizes, { count: 4, distance, update, init });
		expect(found.converged).toBe(true);
		const order = [0, 1, 2, 3].sort((a, b) => plain.centers[2 * a] * plain.centers[2 * a + 1] - plain.centers[2 * b] * plain.centers[2 * b + 1]);
		expect(Array.from(found.assignments, (k) => order[k])).toEqual(plain.assigned);
		found.anchors.forEach((side, i) => expect(side).toBeCloseTo(plain.centers[2 * order[i >> 1] + (i & 1)], 3));
		expect([...found.counts]).toEqual(order.map((k) => plain.assigned.filter((a) => a === k).length));
	});

	it.each([1, 2, 3, 4, 5])('finds known centres, seed %i', async (seed) => {
		const sizes = sizesAround(CENTERS, 60, seed);
		for (const distance of ['iou', 'whitened'] as const) {
			const { anchors, counts, converged } = await kmeansAnchors(sizes, { count: 5, distance, seed, restarts: 10 });
			anchors.forEach((side, i) => expect(Math.abs(side / CENTERS[i] - 1)).toBeLessThan(0.02));
			expect([[...counts], converged]).toEqual([Array(5).fill(60), true]);
		}
	});

	it('gives the same for a seed, sorted by area, each box with its nearest anchor', async () => {
		const sizes = randomSizes(400, 5);
		const options = { count: 6, seed: 9 } as const;
		const found = await kmeansAnchors(sizes, options);
		expect(await kmeansAnchors([...sizes], options)).toEqual(found);
		expect((await kmeansAnchors(sizes, { ...options, seed: 10 })).iterations).not.toBe(found.iterations);
		const areas = Array.from({ length: 6 }, (_, k) => found.anchors[2 * k] * found.anchors[2 * k + 1]);
		expect(areas).toEqual([...areas].sort((a, b) => a - b));
		const plain = plainKmeans(sizes, [...found.anchors], 'iou', 'mean');
		expect([...found.assignments]).toEqual(plain.assigned);
		expect(found.counts.reduce((a, b) => a + b)).toBe(400);
	});

	it('keeps the start with the least mean distance', async () => {
		const sizes = randomSizes(300, 8);
		const one = await kmeansAnchors(sizes, { count: 7, init: 'random', seed: 3 });
		const many = await kmeansAnchors(sizes, { count: 7, init: 'random', seed: 3, restarts: 12 });
		expect(many.meanIou).toBeGreaterThan(one.meanIou);
	});

	it('shows its steps, in the order of the answer', async () => {
		const sizes = sizesAround(CENTERS, 20, 1);
		const init = [200, 300, 10, 10, 50, 50, 100, 100, 30, 90];
		const seen: ClusterProgress[] = [];
		const found = await kmeansAnchors(sizes, { count: 5, init, trace: true, onProgress: (p) => seen.push(p) });
		const steps = found.trace ?? [];
		expect(steps.length).toBe(found.iterations + 1);
		expect(seen.map(({ iteration }) => iteration)).toEqual(steps.map((_, i) => i + 1));
		expect([seen[0].moved, seen.at(-1)?.moved]).toEqual([100, 0]);
		expect([...steps[0].anchors].sort()).toEqual([...init].sort());
		expect(steps.at(-1)).toEqual({ anchors: found.anchors, assignments: found.assignments, meanIou: found.meanIou });
		for (let i = 1; i < steps.length; i++) expect(steps[i].meanIou).toBeGreaterThan(steps[i - 1].meanIou - 0.02);
		expect((await kmeansAnchors(sizes, { count: 5 })).trace).toBeUndefined();
	});
});

describe('rules of programs', () => {
	const one = [10, 10, 20, 30, 90, 20, 40, 41];

	it('keras-yolo3 takes medians, of one cluster too, where its own loop stops before the first update', async () => {
		expect([...(await kmeansAnchors(one, { count: 1, style: 'keras-yolo3' })).anchors]).toEqual([30, 25]);
	});
	it('darknet and mmyolo take means', async () => {
		for (const style of ['darknet', 'mmyolo'] as const) expect([...(await kmeansAnchors(one, { count: 1, style })).anchors]).toEqual([40, 25.25]);
	});
	it('yolov5 whitens, starts 30 times and drops boxes of which no side reaches 2', async () => {
		let most = 0;
		const found = await kmeansAnchors([...sizesAround(CENTERS, 6, 2), 1, 1.9, 1, 2], {
			count: 5,
			style: 'yolov5',
			onProgress: (p) => (most = Math.max(most, p.restart)),
		});
		expect(most).toBe(29);
		expect(found.dropped).toEqual({ invalid: 0, small: 1 });
		expect([...found.assignments.subarray(30)]).toEqual([0xffffffff, 0]);
		expect(found.warnings[0]).toBe('1 boxes were left out: they are smaller than minSize, 2');
	});
	it('lets an option stand before its style', async () => {
		expect([...(await kmeansAnchors(one, { count: 1, style: 'keras-yolo3', update: 'mean' })).anchors]).toEqual([40, 25.25]);
	});
});

describe('clusters without boxes', () => {
	// the last centre is nobody's nearest
	const sizes = [10, 10, 11, 11, 100, 100, 104, 104, 50, 20];
	const init = [10, 10, 100, 100, 600, 9];
	const run = (empty: KmeansOptions['empty']) => kmeansAnchors(sizes, { count: 3, init, empty });

	it('move to the box farthest from its centre', async () => {
		const found = await run('reseed');
		expect(found.emptied).toEqual([{ iteration: 1, cluster: 1, action: 'reseeded' }]);
		expect([...found.anchors]).toEqual([10.5, 10.5, 50, 20, 102, 102]);
		expect(found.warnings).toEqual([]);
	});
	it('stay where they are', async () => {
		const found = await run('keep');
		expect(found.emptied).toEqual([{ iteration: 1, cluster: 1, action: 'kept' }]);
		expect([found.anchors[2], found.anchors[3], found.counts[1]]).toEqual([600, 9, 0]);
		expect(found.warnings).toEqual(['1 anchors have no box']);
	});
	it('go', async () => {
		const found = await run('drop');
		expect(found.emptied).toEqual([{ iteration: 1, cluster: 2, action: 'dropped' }]);
		expect(found.anchors.length).toBe(4);
		expect(found.warnings).toEqual(['1 clusters lost their last box and were dropped']);
		const { trace } = await kmeansAnchors(sizes, { count: 3, init, empty: 'drop', trace: true });
		expect([...(trace ?? [])[0].anchors]).toEqual(init);
	});
	it('are never NaN', async () => {
		for (const empty of ['reseed', 'keep', 'drop'] as const) {
			for (const update of ['mean', 'median'] as const) {
				const { anchors } = await kmeansAnchors(randomSizes(40, 3), { count: 12, init: Array.from({ length: 24 }, (_, i) => 1 + i * i), empty, update });
				expect(anchors.every((side) => side > 0 && side < Infinity)).toBe(true);
			}
		}
	});
});

describe('degenerate sets', () => {
	it('more clusters than distinct sizes give fewer, with a warning', async () => {
		for (const init of ['kmeans++', 'random'] as const) {
			const found = await kmeansAnchors([10, 20, 10, 20, 30, 5, 10, 20], { count: 9, init });
			expect([...found.anchors]).toEqual([30, 5, 10, 20]);
			expect([...found.counts]).toEqual([1, 3]);
			expect(found.meanIou).toBe(1);
			expect(found.warnings).toEqual(['count is 9, but there are only 2 distinct sizes: 2 clusters']);
		}
		const given = await kmeansAnchors([10, 20, 30, 5], { count: 3, init: [10, 20, 30, 5, 7, 7] });
		expect([given.anchors.length, given.emptied[0].action]).toEqual([4, 'dropped']);
	});
	it('boxes that are all equal are one cluster', async () => {
		for (const distance of ['iou', 'euclidean', 'whitened'] as const) {
			const found = await kmeansAnchors(Array(20).fill([33, 44]).flat(), { count: 2, distance });
			expect([[...found.anchors], [...found.counts], found.converged]).toEqual([[33, 44], [20], true]);
		}
	});
	it('nothing gives nothing', async () => {
		const found = await kmeansAnchors([], { count: 3 });
		expect(found).toMatchObject({ anchors: new Float32Array(0), assignments: new Uint32Array(0), converged: true, meanIou: 0 });
		expect(found.warnings).toEqual(['count is 3, but there are no sizes: no clusters']);
	});
	it('huge, tiny and normalised sizes are clustered as well', async () => {
		for (const scale of [2 ** -20, 1 / 640, 2 ** 20]) {
			const sizes = sizesAround(CENTERS, 20, 4).map((side) => side * scale);
			const { anchors } = await kmeansAnchors(sizes, { count: 5, restarts: 5 });
			anchors.forEach((side, i) => expect(Math.abs(side / scale / CENTERS[i] - 1)).toBeLessThan(0.02));
		}
	});
});

describe('refusals', () => {
	const sizes = randomSizes(20, 1);
	it.each([
		[{ count: 0 }, /count must be an integer from 1 to 512; got 0/],
		[{}, /count must be an integer/],
		[{ count: 2.5 }, /count/],
		[{ count: 3, maxIterations: 0 }, /maxIterations must be an integer from 1/],
		[{ count: 3, init: [1, 2, 3, 4] }, /init must have a width and a height for each of the 3 clusters; got "2 pairs"/],
		[{ count: 2, init: [1, 2, 3, NaN] }, /init\[3\] must be a positive size/],
		[{ count: 2, init: [1, 2, 3] }, /init must be widths and heights in turn/],
		[{ count: 2, init: 'kmeans' }, /init must be 'kmeans\+\+' or 'random'; got "kmeans" \(did you mean 'kmeans\+\+'\?\)/],
		[{ count: 2, init: [1, 1, 2, 2], restarts: 3 }, /restarts must be 1 with a given init/],
		[{ count: 2, distance: 'cosine' }, /distance must be 'iou'/],
		[{ count: 2, style: 'yolov9' }, /style must be 'darknet'/],
		[{ count: 2, empty: 'zero' }, /empty must be/],
		[{ count: 2, seed: -1 }, /seed/],
		[{ count: 2, sead: 1 }, /did you mean seed\?/],
		[{ count: 2, onProgress: 1 }, /onProgress must be a function/],
		[{ count: 2, signal: {} }, /signal must be an AbortSignal/],
		[{ count: 2, backend: 'webgpu' }, /backend must be made by createBackend/],
	])('%o', async (options, message) => {
		await expect(kmeansAnchors(sizes, options as never)).rejects.toThrow(message);
	});
	it('of sizes', async () => {
		await expect(kmeansAnchors([1, 2, 3], { count: 1 })).rejects.toThrow(/sizes must be widths and heights in turn, an even number of them; got 3/);
		await expect(kmeansAnchors([1, 2, -3, 1], { count: 1 })).rejects.toThrow(/sizes\[2\] \(box 1, width\)/);
		expect((await kmeansAnchors([1, 2, -3, 1], { count: 1, invalid: 'drop' })).dropped).toEqual({ invalid: 1, small: 0 });
	});
});

describe('long work', () => {
	it('ends with the reason of its signal, and leaves later calls alone', async () => {
		const sizes = randomSizes(3000, 1);
		const controller = new AbortController();
		const options = { count: 9, init: 'random', restarts: 1000, signal: controller.signal } as const;
		const work = kmeansAnchors(sizes, { ...options, onProgress: ({ iteration }) => iteration === 2 && controller.abort(new Error('enough')) });
		await expect(work).rejects.toThrow('enough');
		await expect(kmeansAnchors(sizes, options)).rejects.toThrow('enough');
		expect((await kmeansAnchors(sizes, { count: 2 })).converged).toBe(true);
	});
	it('copies what it was given', async () => {
		const sizes = sizesAround(CENTERS, 60, 3);
		const expected = await kmeansAnchors(sizes.slice(), { count: 5 });
		const work = kmeansAnchors(sizes, { count: 5 });
		sizes.fill(1);
		expect(await work).toEqual(expected);
	});
	it('says that it was stopped by maxIterations, with anchors and assignments that belong together', async () => {
		const sizes = randomSizes(300, 5);
		const found = await kmeansAnchors(sizes, { count: 6, maxIterations: 2 });
		expect([found.iterations, found.converged, found.warnings]).toEqual([2, false, ['boxes still moved after maxIterations, 2']]);
		const again = await kmeansAnchors(sizes, { count: 6, init: found.anchors, maxIterations: 1, trace: true });
		expect((again.trace ?? [])[0].anchors.length).toBe(12);
		expect(found.counts.reduce((a, b) => a + b)).toBe(300);
	});
});

describe('sides of very different lengths', () => {
	it('keep their digits when whitened, where nearly all widths are equal', async () => {
		// one width of 9000 is an ulp longer: widths are counted in deviations of 1e-7, heights in deviations of 37
		const heights = [10, 11, 12, 50, 51, 52, 100, 101, 102];
		const sizes = Float32Array.from({ length: 18_000 }, (_, i) => (i % 2 ? heights[(i >> 1) % 9] : i === 14 ? 100.00001 : 100));
		const { anchors, counts } = await kmeansAnchors(sizes, { count: 2, distance: 'whitened', init: [100, 10, 100, 100] });
		expect([...counts]).toEqual([6000, 3000]);
		// the means of 10, 11, 12, 50, 51, 52 and of 100, 101, 102
		expect(anchors[1]).toBeCloseTo(31, 4);
		expect(anchors[3]).toBeCloseTo(101, 4);
	});
	it('never make an anchor without a side', async () => {
		const { anchors } = await kmeansAnchors([1e6, 1e6, 0.01, 0.01, 0.012, 0.012, 0.013, 0.012], { count: 2 });
		expect(anchors.every((side) => side > 0)).toBe(true);
	});
});

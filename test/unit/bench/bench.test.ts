// The bench itself: workloads are what their names say, the peers find the same, a wrong answer is seen, and the clock
// gives each its turn. onnxruntime-web takes part in `npm run bench` alone.

import { createPostprocessor, nms, retinanet, yolov8 } from 'kedge';
import { evolveAnchors } from 'kedge/training';
import { describe, expect, it, vi } from 'vitest';
import { Mutations } from '../../../src/training/clustering/mutations.js';
import { type Answer, detectionsAnswer, differenceOf } from '../../bench/answer.js';
import { measure, quantile, ratioOf } from '../../bench/measure.js';
import { type Pair, plainEvolution } from '../../bench/peers/evolution.js';
import { loopAnswer, loopInPlace, loopTransposed } from '../../bench/peers/loop.js';
import { naiveNms } from '../../bench/peers/naive.js';
import { retinanetLoop, retinanetLoopAnswer } from '../../bench/peers/retinanet-loop.js';
import { tutorial, tutorialAnswer } from '../../bench/peers/tutorial.js';
import { RETINANET, retinanetFrame } from '../../bench/retinanet-workload.js';
import { clusteredBoxes, uniformBoxes, YOLO, yolov8Frame } from '../../bench/workloads.js';
import { randomSizes } from '../../support/random-sizes.js';

describe('workloads', () => {
	it.each([1, 2, 3, 4])('frame %i has 64 anchors above 0.25, one class each, and thousands above 0.001', (seed) => {
		const frame = yolov8Frame(seed);
		const perAnchor = (threshold: number) => {
			const counts = new Uint32Array(YOLO.numAnchors);
			for (let i = 4 * YOLO.numAnchors; i < frame.length; i++) if (frame[i] > threshold) counts[i % YOLO.numAnchors]++;
			return counts.filter((n) => n > 0);
		};
		expect([...perAnchor(0.25)]).toEqual(Array(64).fill(1));
		const active = perAnchor(0.001);
		expect(active.length).toBeGreaterThan(4300);
		expect(active.length).toBeLessThan(4700);
		const pairs = active.reduce((a, b) => a + b, 0);
		expect(pairs).toBeGreaterThan(8000);
		expect(pairs).toBeLessThan(9000);
	});

	it('clusters, or does not', () => {
		const clustered = clusteredBoxes(5000, 1, 1);
		expect(clustered.boxes.length).toBe(20_000);
		expect(naiveNms(clustered.boxes, clustered.scores, 0.5).length).toBeLessThan(500);
		const uniform = uniformBoxes(2000, 3);
		expect(naiveNms(uniform.boxes, uniform.scores, 0.5).length).toBeGreaterThan(1700);
	});
});

describe('peers', () => {
	it('find the detections that kedge finds', async () => {
		const head = yolov8({ numClasses: YOLO.numClasses });
		const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: 0.25, iouThreshold: 0.45, maxDetections: 300 });
		const frame = yolov8Frame(5);
		const expected = detectionsAnswer(await postprocessor.run({ data: frame, dims: YOLO.dims }));
		expect(expected.indices.length).toBe(30);
		expect(differenceOf(tutorialAnswer(tutorial(frame, 0.25, 0.45, 300)), expected)).toBe('');
		expect(differenceOf(loopAnswer(loopTransposed(frame, 0.25, 0.45, 300)), expected)).toBe('');
		expect(differenceOf(loopAnswer(loopInPlace(frame, 0.25, 0.45, 300)), expected)).toBe('');
	});

	it('accept the mutants that kedge accepts', async () => {
		const sizes = randomSizes(500, 2);
		const pairs = (sides: ArrayLike<number>) => Array.from({ length: sides.length / 2 }, (_, i): Pair => [sides[2 * i], sides[2 * i + 1]]);
		const mutations = new Mutations(0, 4, { probability: 0.9, sigma: 0.1, clip: [0.3, 3] });
		const plain = plainEvolution(
			pairs(sizes),
			pairs([20, 30, 80, 60]),
			Array.from({ length: 100 }, (_, generation) => mutations.of(generation)),
		);
		const found = await evolveAnchors(sizes, [20, 30, 80, 60], { generations: 100 });
		expect(plain.accepted.length).toBeGreaterThan(5);
		expect(found.accepted.map(({ generation }) => generation)).toEqual(plain.accepted);
		found.anchors.forEach((side, i) => expect(side).toBeCloseTo(plain.anchors.flat()[i], 3));
	});

	it('find the objects that kedge finds among 120,087 anchors', async () => {
		const { size, numClasses, numAnchors, levels } = RETINANET;
		const head = retinanet({ numClasses, inputSize: [size, size], outputs: 'concatenated' });
		const anchors = head.anchors as Float32Array;
		expect(anchors.length).toBe(4 * numAnchors);
		expect(levels.reduce((a, b) => a + b)).toBe(numAnchors);
		const { logits, deltas } = retinanetFrame(anchors, 2);
		// sigmoid(-2.944) = 0.05; what passes is far fewer than what a level may give, and no two are alike
		const above = logits.filter((logit) => logit > -2.944);
		expect(above.length).toBeGreaterThan(1000);
		expect(above.length).toBeLessThan(5000);
		expect(new Set(above).size).toBe(above.length);
		const postprocessor = await createPostprocessor({ head, backend: 'cpu', scoreThreshold: 0.05, iouThreshold: 0.5, maxDetections: 100 });
		const found = await postprocessor.run({
			classes: { data: logits, dims: [1, numAnchors, numClasses] },
			boxes: { data: deltas, dims: [1, numAnchors, 4] },
		});
		expect(found.count).toBe(100);
		const expected = retinanetLoopAnswer(retinanetLoop({ logits, deltas }, anchors, 0.05, 0.5, 100));
		expect(differenceOf(detectionsAnswer(found), expected, 1e-6)).toBe('');
	});

	it('keep the boxes that kedge keeps', () => {
		const { boxes, scores } = clusteredBoxes(800, 1, 9);
		expect(naiveNms(boxes, scores, 0.5)).toEqual([...nms(boxes, scores, { iouThreshold: 0.5 })]);
	});
});

describe('differenceOf', () => {
	const answer: Answer = {
		indices: [7, 3],
		classIds: [1, 2],
		scores: [0.5, 0.25],
		boxes: [
			[0, 0, 1, 1],
			[2, 2, 3, 3],
		],
	};

	it('sees every kind of difference', () => {
		expect(differenceOf(answer, answer)).toBe('');
		expect(
			differenceOf(
				{
					...answer,
					boxes: [
						[0, 0, 1, 1.0005],
						[2, 2, 3, 3],
					],
				},
				answer,
			),
		).toBe('');
		expect(differenceOf({ ...answer, indices: [7] }, answer)).toMatch('1 detections instead of 2');
		expect(differenceOf({ ...answer, indices: [3, 7] }, answer)).toMatch('number 3 instead of 7');
		expect(differenceOf({ ...answer, classIds: [1, 1] }, answer)).toMatch('class 1 instead of 2');
		expect(differenceOf({ ...answer, scores: [0.5, 0.26] }, answer)).toMatch('scores 0.26 instead of 0.25');
		expect(
			differenceOf(
				{
					...answer,
					boxes: [
						[0, 0, 1, 1],
						[2, 2, 3, 3.01],
					],
				},
				answer,
			),
		).toMatch('box [2,2,3,3.01]');
		expect(differenceOf({ indices: [7, 3] }, answer)).not.toBe('');
		expect(
			differenceOf(
				{
					...answer,
					boxes: [
						[0, 0, 1, 1],
						[2, 2, 3, Number.NaN],
					],
				},
				answer,
			),
		).toMatch('NaN');
	});
});

describe('measure', () => {
	it('gives each function its turn in every round, and batches short ones', async () => {
		// a clock that only the functions move: nothing depends on how busy the machine is
		let clock = 0;
		let calls = 0;
		vi.spyOn(performance, 'now').mockImplementation(() => clock);
		const short = {
			name: 'short',
			run: () => {
				calls++;
				clock += 1 / 128;
			},
		};
		const long = {
			name: 'long',
			run: async () => {
				clock += 3;
			},
		};
		const effort = { rounds: 5, budget: 60_000, minRounds: 3, warmUp: 5, warmCalls: 2 };
		try {
			const [first, second] = await measure([short, long], effort, () => undefined);
			// a sample lasts as long as a call of the longest: 3 ms are 384 calls of 1/128 ms
			expect(first).toEqual({ name: 'short', rounds: 5, batch: 384, median: 1 / 128, low: 1 / 128, high: 1 / 128, samples: Array(5).fill(1 / 128) });
			expect(second).toEqual({ name: 'long', rounds: 5, batch: 1, median: 3, low: 3, high: 3, samples: Array(5).fill(3) });
			expect(calls).toBeGreaterThanOrEqual(5 * 384);
		} finally {
			vi.restoreAllMocks();
		}
	});

	it('takes longer samples for a coarse clock, and no longer than it must', async () => {
		let time = 0;
		vi.spyOn(performance, 'now').mockImplementation(() => Math.floor(time));
		const lasting = (milliseconds: number) => ({
			name: String(milliseconds),
			run: () => {
				time += milliseconds;
			},
		});
		const effort = { rounds: 5, budget: 60_000, minRounds: 5, warmUp: 5, warmCalls: 2, leastSample: 50 };
		try {
			const timings = await measure([lasting(0.3), lasting(7.3)], effort, () => undefined);
			for (const { name, median, batch } of timings) {
				expect(batch * Number(name)).toBeGreaterThan(50);
				expect(batch * Number(name)).toBeLessThan(150);
				// one tick of the clock in 50
				expect(Math.abs(median / Number(name) - 1)).toBeLessThan(0.02);
			}
			expect(time).toBeLessThan(5000);
		} finally {
			vi.restoreAllMocks();
		}
	});

	it('ends when the budget is spent, but not before the least number of rounds', async () => {
		const sleep = { name: 'sleep', run: () => new Promise((resolve) => setTimeout(resolve, 5)) };
		const [timing] = await measure([sleep], { rounds: 1000, budget: 0, minRounds: 3, warmUp: 1, warmCalls: 1 }, () => undefined);
		expect(timing.rounds).toBe(3);
	});

	it('takes ratios round by round', () => {
		// in the third round both were held up
		const [first, second] = [
			[1, 1, 10, 9, 1],
			[3, 2, 20, 2, 4],
		];
		expect(ratioOf({ samples: second }, { samples: first })).toEqual({ median: 2, low: 2, high: 3 });
	});

	it('takes quantiles between neighbours', () => {
		expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
		expect(quantile([10, 30, 20], 0.5)).toBe(20);
		expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
	});
});

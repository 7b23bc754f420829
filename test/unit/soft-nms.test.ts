// Soft-NMS through the public door: the numbers that TensorFlow and tfjs give, tfjs itself in random cases, what a postprocessor makes
// of it, and what is refused.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { softNmsTextbook } from '../../src/cpu/soft-nms.js';
import { createBackend, createPostprocessor, efficientdet, type SoftNmsOptions, softNms, yolo26, yoloObb, yolov8 } from '../../src/index.js';
import { checkSoftNms } from '../../src/inputs.js';
import { random } from '../support/random.js';
import { HEAD, output } from '../support/subjects.js';

const near = (got: ArrayLike<number>, wanted: readonly number[]) => {
	expect(got.length).toBe(wanted.length);
	wanted.forEach((x, i) => {
		expect(got[i]).toBeCloseTo(x, 4);
	});
};

// One box and two parts of it: IoU .9 and .5 with the first, 5/9 with each other.
const boxes = [0, 0, 10, 10, 0, 0, 10, 9, 0, 0, 10, 5];
const scores = [0.9, 0.8, 0.7];
/** What TensorFlow 2.21 gives for sigma .25: .7 e^(-2 .5²), and .8 e^(-2 (.9² + (5/9)²)). */
const TENSORFLOW = { indices: [0, 2, 1], scores: [0.9, 0.4246, 0.0854] };

describe('the three boxes of TensorFlow and tfjs', () => {
	const ways: readonly [name: string, options: SoftNmsOptions, wanted: { indices: number[]; scores: number[] }][] = [
		['tensorflow, sigma .25', { sigma: 0.25, semantics: 'tensorflow' }, TENSORFLOW],
		['tensorflow does not look at the threshold', { sigma: 0.25, iouThreshold: 0.5, semantics: 'tensorflow' }, TENSORFLOW],
		['the paper and mmcv, sigma .5', { sigma: 0.5 }, TENSORFLOW],
		['the defaults', {}, TENSORFLOW],
		['a switch for the preset', { sigma: 0.25, semantics: { softSigma: 'exp(-iou²/2σ)' } }, TENSORFLOW],
		// the second is removed: .9 is at .5 and above; the third, at .5 exactly, too
		['tfjs, which removes at the threshold', { sigma: 0.25, iouThreshold: 0.5, semantics: 'tfjs' }, { indices: [0], scores: [0.9] }],
		[
			'removal above the threshold alone',
			{ sigma: 0.25, iouThreshold: 0.5, semantics: { preset: 'tfjs', suppress: '>' } },
			{ indices: [0, 2], scores: [0.9, 0.4246] },
		],
		// .7 stays above .5: nothing of it at the threshold; .8 (1 - .9) (1 - 5/9) = .0356
		['linear above the threshold, as automl', { method: 'linear', iouThreshold: 0.5 }, { indices: [0, 2, 1], scores: [0.9, 0.7, 0.0356] }],
		// .7 (1 - .5), .8 (1 - .9) (1 - 5/9)
		[
			'linear at the threshold, as the paper and mmcv',
			{ method: 'linear', iouThreshold: 0.5, semantics: { suppress: '>=' } },
			{ indices: [0, 2, 1], scores: [0.9, 0.35, 0.0356] },
		],
		['a score threshold drops what has decayed to it', { scoreThreshold: 0.0855 }, { indices: [0, 2], scores: [0.9, 0.4246] }],
		['a limit', { maxDetections: 2 }, { indices: [0, 2], scores: [0.9, 0.4246] }],
		['none', { maxDetections: 0 }, { indices: [], scores: [] }],
		['the best candidates alone', { maxCandidates: 2 }, { indices: [0, 1], scores: [0.9, 0.8 * Math.exp(-2 * 0.81)] }],
		// of two classes: .8 is alone
		['classes apart', { classIds: [0, 1, 0] }, { indices: [0, 1, 2], scores: [0.9, 0.8, 0.4246] }],
	];
	it.each(ways)('%s', (_, options, wanted) => {
		const got = softNms(boxes, scores, options);
		expect([...got.indices]).toEqual(wanted.indices);
		near(got.scores, wanted.scores);
		expect(got.indices).toBeInstanceOf(Uint32Array);
		expect(got.scores).toBeInstanceOf(Float32Array);
		const { input, call, soft, overlap } = checkSoftNms('t', boxes, scores, options);
		const textbook = softNmsTextbook(input.boxes, input.scores, input.classIds, call, soft, overlap);
		expect([[...textbook.indices], [...textbook.scores]]).toEqual([[...got.indices], [...got.scores]]);
	});

	it('on a backend of the CPU, and its arrays may change at once', async () => {
		const backend = await createBackend('cpu');
		const [own, column] = [Float32Array.from(boxes), Float32Array.from(scores)];
		const pending = backend.softNms(own, column, { sigma: 0.25, semantics: 'tensorflow' });
		own.fill(0);
		column.fill(0);
		const got = await pending;
		expect([...got.indices]).toEqual(TENSORFLOW.indices);
		near(got.scores, TENSORFLOW.scores);
		backend.dispose();
		await expect(backend.softNms(boxes, scores)).rejects.toThrow('softNms: the backend was used after dispose()');
	});
});

describe('single facts', () => {
	it('a score of the threshold stays with score ">=", as mmcv keeps min_score', () => {
		// weight 1 - 1/2: .5 comes down to .25
		const pair = [0, 0, 10, 10, 0, 0, 10, 5];
		const at = (semantics?: SoftNmsOptions['semantics']) => [
			...softNms(pair, [0.75, 0.5], { method: 'linear', iouThreshold: 0.1, scoreThreshold: 0.25, semantics }).indices,
		];
		expect(at()).toEqual([0]);
		expect(at({ score: '>=' })).toEqual([0, 1]);
	});

	it('equal scores, as they come and when they have become so: the lower index, or the higher', () => {
		// three boxes apart, and the last is lowered from .5 to .25 by the first: 1 - iou = 1/2
		const apart = [0, 0, 10, 10, 30, 0, 40, 10, 50, 0, 60, 10, 0, 0, 10, 5];
		const of = (ties: 'lowest-index' | 'highest-index') => softNms(apart, [0.5, 0.25, 0.5, 0.5], { method: 'linear', iouThreshold: 0.1, semantics: { ties } });
		expect([...of('lowest-index').indices]).toEqual([0, 2, 1, 3]);
		expect([...of('lowest-index').scores]).toEqual([0.5, 0.5, 0.25, 0.25]);
		// the part comes first now, and lowers the whole box
		expect([...of('highest-index').indices]).toEqual([3, 2, 1, 0]);
	});

	it('nothing in, nothing out; NaN scores, unusable and empty boxes', () => {
		expect(softNms([], [])).toEqual({ indices: new Uint32Array(0), scores: new Float32Array(0) });
		const rows = [...boxes, 0, 0, Number.NaN, 10, 5, 5, 5, 5];
		const got = softNms(rows, [0.9, Number.NaN, 0.7, 0.99, 0.6]);
		expect([...got.indices]).toEqual([0, 4, 2]);
		near(got.scores, [0.9, 0.6, 0.4246]);
	});

	it('scores of 0 and below are no candidates', () => {
		expect([...softNms([0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5], [0, -3, 0.1]).indices]).toEqual([2]);
	});

	it('what is given is never written to', () => {
		const [own, column] = [Float32Array.from(boxes), Float32Array.from(scores)];
		softNms(own, column);
		expect([[...own], [...column]]).toEqual([boxes, [...Float32Array.from(scores)]]);
	});
});

describe('what is refused', () => {
	it.each<[string, SoftNmsOptions, typeof TypeError | typeof RangeError, RegExp]>([
		// TensorFlow reads a sigma of 0 as hard suppression
		['sigma 0', { sigma: 0 }, RangeError, /softNms: sigma must be above 0, 1e-30 to 1e\+30; got 0 \(TensorFlow takes 0 for hard suppression/],
		['sigma -1', { sigma: -1 }, RangeError, /sigma must be above 0/],
		['sigma NaN', { sigma: Number.NaN }, RangeError, /sigma must be above 0, 1e-30 to 1e\+30; got NaN/],
		['sigma "0.5"', { sigma: '0.5' as never }, TypeError, /sigma must be above 0/],
		['sigma Infinity', { sigma: Number.POSITIVE_INFINITY }, RangeError, /sigma must be above 0/],
		['sigma null', { sigma: null as never }, TypeError, /sigma must be above 0/],
		['sigma of linear', { method: 'linear', sigma: 0.5, iouThreshold: 0.3 }, TypeError, /sigma must be left out with method 'linear'/],
		['method', { method: 'gausian' as never }, RangeError, /method must be 'gaussian' or 'linear'; got "gausian" \(did you mean 'gaussian'\?\)/],
		['linear without a threshold', { method: 'linear' }, TypeError, /iouThreshold must be given, 0 to 1, for method 'linear'/],
		['tfjs without a threshold', { semantics: 'tfjs' }, TypeError, /iouThreshold must be given, 0 to 1, for softRemoval 'hard'/],
		['iouThreshold 45', { iouThreshold: 45 }, RangeError, /iouThreshold must be 0 to 1; got 45 \(did you mean 0.45\?\)/],
		['a threshold below 0', { scoreThreshold: -0.1 }, RangeError, /scoreThreshold must be 0 or more with soft-NMS/],
		['a threshold of minus infinity', { scoreThreshold: Number.NEGATIVE_INFINITY }, RangeError, /scoreThreshold must be 0 or more/],
		['a threshold of NaN', { scoreThreshold: Number.NaN }, RangeError, /scoreThreshold must be a number/],
		['an unknown option', { sigmas: 1 } as never, TypeError, /got "sigmas" \(did you mean sigma\?\)/],
		['a switch', { semantics: { softSigma: 'exp(-iou/σ)' as never } }, RangeError, /semantics.softSigma must be 'exp\(-iou²\/σ\)' or 'exp\(-iou²\/2σ\)'/],
		['another switch', { semantics: { softRemoval: 'soft' as never } }, RangeError, /semantics.softRemoval must be 'none' or 'hard'/],
	])('%s', (_, options, Kind, text) => {
		expect(() => softNms(boxes, scores, options)).toThrow(Kind);
		expect(() => softNms(boxes, scores, options)).toThrow(text);
	});

	it('rotated boxes, and scores that are not as many', () => {
		expect(() => softNms({ data: [0, 0, 1, 1, 0], format: 'cxcywhr' }, [1])).toThrow(/softNms: boxes must be upright boxes/);
		expect(() => softNms(boxes, [1])).toThrow(/softNms: scores must have one entry per box, 3/);
		expect(() => softNms(scores as never, boxes)).toThrow(/softNms: boxes must have a length that is a multiple of 4/);
	});
});

describe('tfjs', () => {
	beforeAll(async () => {
		await tf.setBackend('cpu');
		await tf.ready();
	});

	async function ask(rows: ArrayLike<number>, column: ArrayLike<number>, iouThreshold: number, scoreThreshold: number, sigma: number, most: number) {
		const corners = Array.from(column, (_, i) => [1, 0, 3, 2].map((c) => rows[4 * i + c]));
		const { selectedIndices, selectedScores } = await tf.image.nonMaxSuppressionWithScoreAsync(
			tf.tensor2d(corners, [corners.length, 4]),
			tf.tensor1d(Array.from(column)),
			most,
			iouThreshold,
			scoreThreshold,
			sigma,
		);
		return { indices: [...(await selectedIndices.data())], scores: [...(await selectedScores.data())] };
	}

	it('gives the three boxes what its preset gives them', async () => {
		const theirs = await ask(boxes, scores, 0.5, 0, 0.25, 10);
		expect(theirs.indices).toEqual([0]);
		expect([...softNms(boxes, scores, { sigma: 0.25, iouThreshold: 0.5, semantics: 'tfjs' }).indices]).toEqual(theirs.indices);
		// at 1 it removes nothing that is not the same box: what TensorFlow gives
		const open = await ask(boxes, scores, 1, 0, 0.25, 10);
		expect(open.indices).toEqual(TENSORFLOW.indices);
		near(open.scores, TENSORFLOW.scores);
	});

	it.each([0.3, 0.5, 0.8, 1])('keeps what its preset keeps of many, with their scores, at %d', async (iouThreshold) => {
		let compared = 0;
		let decayed = 0;
		for (let round = 0; round < 80; round++) {
			const next = random(1000 * iouThreshold + round);
			const rows: number[] = [];
			const column: number[] = [];
			for (let i = 0; i < 50; i++) {
				const [x, y] = [next() * 60, next() * 60];
				rows.push(...[x, y, x + 5 + next() * 25, y + 5 + next() * 25].map(Math.fround));
				column.push(Math.fround(next()));
			}
			const [sigma, scoreThreshold] = [[0.1, 0.25, 0.5, 1][round % 4], [0, 0.05, 0.2][round % 3]];
			const most = round % 5 ? 1000 : 12;
			const theirs = await ask(rows, column, iouThreshold, scoreThreshold, sigma, most);
			// it computes in double: what lies nearer than a float32 rounding may change places
			const levels = [...theirs.scores, scoreThreshold];
			if (levels.some((score, i) => i > 0 && levels[i - 1] - score < 1e-6)) continue;
			compared++;
			const ours = softNms(rows, column, { sigma, iouThreshold, scoreThreshold, maxDetections: most, semantics: 'tfjs' });
			expect([...ours.indices], `round ${round}`).toEqual(theirs.indices);
			theirs.scores.forEach((score, i) => {
				expect(ours.scores[i]).toBeCloseTo(score, 5);
				if (Math.abs(score - column[theirs.indices[i]]) > 1e-3) decayed++;
			});
			// with nothing to remove, TensorFlow does the same
			if (iouThreshold === 1)
				expect([...softNms(rows, column, { sigma, scoreThreshold, maxDetections: most, semantics: 'tensorflow' }).indices]).toEqual(theirs.indices);
		}
		expect(compared).toBeGreaterThan(50);
		expect(decayed).toBeGreaterThan(200);
	});

	it('takes the lower index first among equal scores, in soft suppression, too', async () => {
		const apart = [0, 0, 10, 10, 30, 0, 40, 10, 50, 0, 60, 10, 2, 0, 12, 10];
		for (const column of [
			[0.5, 0.5, 0.5, 0.5],
			[0.5, 0.75, 0.75, 0.5],
		]) {
			const theirs = await ask(apart, column, 0.9, 0, 0.5, 10);
			expect([...softNms(apart, column, { sigma: 0.5, iouThreshold: 0.9, semantics: 'tfjs' }).indices]).toEqual(theirs.indices);
		}
	});
});

describe('a postprocessor', () => {
	// centres and sizes: 10 x 10, the same moved by 2 (IoU 80/120), one apart, and the second again in another class
	const scene = output([3, 10, 10, 10, 10, 0, 0.75], [7, 12, 10, 10, 10, 0, 0.875], [20, 25, 25, 4, 4, 1, 0.5], [11, 12, 10, 10, 10, 1, 0.625]);
	const lowered = 0.75 * Math.exp(-((80 / 120) ** 2) / 0.5);

	it('has the lowered scores, best first, where hard suppression removes', async () => {
		const hard = await createPostprocessor({ head: HEAD, backend: 'cpu' });
		expect([...(await hard.run(scene)).indices]).toEqual([7, 11, 20]);
		const soft = await createPostprocessor({ head: HEAD, backend: 'cpu', softNms: {} });
		const found = await soft.run(scene);
		expect([...found.indices]).toEqual([7, 11, 20, 3]);
		near(found.scores, [0.875, 0.625, 0.5, lowered]);
		expect([...found].map(({ score }) => score)).toEqual([...found.scores]);
		expect([found.numCandidates, found.truncated, found.rejected]).toEqual([4, 0, 0]);
		// thresholds change from call to call
		expect([...(await soft.run(scene, { scoreThreshold: lowered + 0.001 })).indices]).toEqual([7, 11, 20]);
		expect((await soft.run(scene, { maxDetections: 1 })).count).toBe(1);
		expect((await soft.run(scene, { maxCandidates: 3 })).truncated).toBe(1);
		// the best of the other class is the same box, which leaves e^-2, and .75 beside it leaves e^(-8/9) of that
		const together = await soft.run(scene, { classAgnostic: true, scoreThreshold: 0.03 });
		expect([...together.indices]).toEqual([7, 20, 3, 11]);
		near(together.scores, [0.875, 0.5, lowered, 0.625 * Math.exp(-2 - 2 * (2 / 3) ** 2)]);
	});

	it('by linear decay, and by the way of TensorFlow', async () => {
		const linear = await createPostprocessor({ head: HEAD, backend: 'cpu', softNms: { method: 'linear' }, scoreThreshold: 0.2 });
		near((await linear.run(scene)).scores, [0.875, 0.625, 0.5, 0.75 / 3]);
		near((await linear.run(scene, { iouThreshold: 0.7 })).scores, [0.875, 0.75, 0.625, 0.5]);
		const halved = await createPostprocessor({ head: HEAD, backend: 'cpu', softNms: { sigma: 0.25 }, semantics: 'tensorflow' });
		near((await halved.run(scene)).scores, [0.875, 0.625, 0.5, lowered]);
		const removing = await createPostprocessor({ head: HEAD, backend: 'cpu', softNms: { sigma: 0.25 }, semantics: 'tfjs', iouThreshold: 0.5 });
		expect([...(await removing.run(scene)).indices]).toEqual([7, 11, 20]);
	});

	it('of EfficientDet, whose candidates are ranked by logits: scores are sigmoids that decay', async () => {
		const head = efficientdet({ numClasses: 1, inputSize: [128, 128], outputs: 'concatenated' });
		const logits = new Float32Array(head.numAnchors).fill(-20);
		logits[0] = 2; // the first anchors of the first cell: 32 x 32, and its larger ones
		logits[1] = 1;
		logits[2] = 20;
		const outputs = [logits, new Float32Array(4 * head.numAnchors)];
		const made = await createPostprocessor({ head, backend: 'cpu', softNms: { method: 'gaussian', sigma: 0.5 }, scoreThreshold: 0.001, maxDetections: 100 });
		const found = await made.run(outputs);
		const area = (k: number) => (found.boxes[4 * k + 2] - found.boxes[4 * k]) * (found.boxes[4 * k + 3] - found.boxes[4 * k + 1]);
		const iou = (i: number, j: number) => {
			const side = (c: number) => Math.min(found.boxes[4 * i + c + 2], found.boxes[4 * j + c + 2]) - Math.max(found.boxes[4 * i + c], found.boxes[4 * j + c]);
			return (side(0) * side(1)) / (area(i) + area(j) - side(0) * side(1));
		};
		const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
		expect(found.count).toBe(3);
		expect(found.indices[0]).toBe(2);
		near(found.scores, [
			1,
			sigmoid(logits[found.indices[1]]) * Math.exp(-2 * iou(0, 1) ** 2),
			sigmoid(logits[found.indices[2]]) * Math.exp(-2 * (iou(0, 2) ** 2 + iou(1, 2) ** 2)),
		]);
		expect(iou(0, 1)).toBeGreaterThan(0.1);
	});

	it('of logits that round to the same sigmoid takes the lower index first, or the higher, however many there are', async () => {
		const head = efficientdet({ numClasses: 1, inputSize: [128, 128], outputs: 'concatenated' });
		// sigmoids of 18 and more are 1 in float32; the best logit is the last
		const logits = Float32Array.from({ length: head.numAnchors }, (_, i) => (i < 900 ? 18 + i / 100 : -20));
		const outputs = [logits, new Float32Array(4 * head.numAnchors)];
		for (const [ties, first] of [
			['lowest-index', 0],
			['highest-index', 899],
		] as const) {
			const made = await createPostprocessor({ head, backend: 'cpu', softNms: {}, semantics: { ties }, maxDetections: 1 });
			const found = await made.run(outputs);
			expect([found.indices[0], found.scores[0]]).toEqual([first, 1]);
		}
	});

	it('refuses what leaves no room for it', async () => {
		const make = (options: object) => createPostprocessor({ head: HEAD, backend: 'cpu', softNms: {}, ...options });
		await expect(make({ suppression: 'bitmask' })).rejects.toThrow(/softNms must be left out with suppression 'bitmask'/);
		await expect(make({ head: yoloObb({ numClasses: 2 }) })).rejects.toThrow(/softNms must be left out for heads of rotated boxes/);
		await expect(make({ head: yolo26({ numClasses: 2 }) })).rejects.toThrow(/softNms must be left out for .*, whose detections are final/);
		await expect(make({ scoreThreshold: -1 })).rejects.toThrow(/createPostprocessor: scoreThreshold must be 0 or more with soft-NMS/);
		await expect(make({ softNms: { sigma: 0 } })).rejects.toThrow(/softNms.sigma must be above 0/);
		await expect(make({ softNms: { metod: 'linear' } })).rejects.toThrow(/softNms may hold method, sigma; got "metod" \(did you mean method\?\)/);
		await expect(make({ softNms: true })).rejects.toThrow(/softNms must be an object/);
		const made = await make({});
		await expect(made.run(scene, { scoreThreshold: -1 })).rejects.toThrow(/run: scoreThreshold must be 0 or more with soft-NMS/);
		await expect(make({ head: yolov8({ numClasses: 2, inputSize: [32, 32] }), softNms: undefined })).resolves.toBeDefined();
	});
});

// boxIou and nms of rotated boxes through the public door: what they answer, and what they refuse.

import { assert, describe, test } from 'vitest';
import { upright } from '../../src/boxes/rotated-formats.js';
import { nmsTextbook } from '../../src/cpu/nms.js';
import { type BoxesLike, boxIou, convertRotated, createBackend, nms, rotatedIou, rotatedNms } from '../../src/index.js';
import { checkNms } from '../../src/inputs.js';
import { random, randomScores } from '../support/random.js';
import { randomRotated } from '../support/random-rotated.js';

const { PI } = Math;
const rotated = (...rows: number[][]) => ({ data: Float32Array.from(rows.flat()), format: 'cxcywhr' }) as const;
const square = [100, 100, 10, 10, 0];
const near = (got: ArrayLike<number>, wanted: readonly number[], within = 5e-5) => {
	assert.equal(got.length, wanted.length);
	wanted.forEach((x, i) => {
		if (Number.isNaN(x)) assert.isNaN(got[i]);
		else assert.approximately(got[i], x, within, `${Array.from(got)}`);
	});
};

describe('boxIou of rotated boxes', () => {
	const others = rotated(square, [105, 100, 10, 10, 0], [110, 100, 10, 10, 0], [120, 100, 10, 10, 0], [100, 100, 10, 10, PI / 4]);
	test('polygons', () => near(rotatedIou(rotated(square), others), [1, 1 / 3, 0, 0, Math.SQRT1_2]));
	test('Gaussians', () => near(rotatedIou(rotated(square), others, { kind: 'probiou' }), [0.9995, 0.4408, 0.1186, 0.0012, 0.9995]));
	test('[A, B], row by row', () => {
		const values = rotatedIou(rotated(square, [0, 0, 4, 2, 1]), rotated([0, 0, 4, 2, 1], square, [0, 0, 4, 2, 1 + PI]));
		near(values, [0, 1, 0, 1, 0, 1]);
		assert.equal(rotatedIou(rotated(), others).length, 0);
	});
	test('of detectron2: degrees counterclockwise', () => {
		// a bar whose right end points up on the screen, and a square there
		const bar = convertRotated(Float32Array.of(0, 0, 20, 2, 45), 'degrees-counterclockwise', 'radians-clockwise');
		assert.isAbove(rotatedIou({ data: bar, format: 'cxcywhr' }, rotated([5, -5, 2, 2, 0]))[0], 0.05);
		assert.equal(rotatedIou({ data: bar, format: 'cxcywhr' }, rotated([5, 5, 2, 2, 0]))[0], 0);
	});
	test('numbers in plain arrays', () => near(rotatedIou({ data: [...square, ...square], format: 'cxcywhr' }, rotated(square)), [1, 1]));
	test('boxes that cannot take part: NaN; empty ones: 0', () => {
		const bad = rotated([NaN, 0, 1, 1, 0], [0, 0, 1, Infinity, 0], [0, 0, 1, 1, NaN], [0, 0, 1, 1, 4096], [100, 100, 0, 5, 0]);
		near(rotatedIou(rotated(square), bad), [NaN, NaN, NaN, NaN, 0]);
		near(rotatedIou(rotated(square), bad, { kind: 'probiou' }), [NaN, NaN, NaN, NaN, 0]);
	});
	test('the same through a backend', async () => {
		const backend = await createBackend('cpu');
		assert.deepEqual(await backend.boxIou(rotated(square), others), rotatedIou(rotated(square), others));
		assert.deepEqual(await backend.boxIou(others, rotated(square), { kind: 'probiou' }), rotatedIou(others, rotated(square), { kind: 'probiou' }));
		backend.dispose();
	});
	test('refuses what rotated boxes have not, and mixtures', async () => {
		const a = rotated(square);
		const plain: BoxesLike = [0, 0, 1, 1];
		assert.throws(() => rotatedIou(a, a, { kind: 'giou' }), RangeError, "rotatedIou: kind must be 'iou' or 'probiou' for rotated boxes; got \"giou\"");
		assert.throws(() => rotatedIou(a, a, { kind: 'iof' }), RangeError, "must be 'iou' or 'probiou'");
		assert.throws(() => boxIou(plain, plain, { kind: 'probiou' as never }), RangeError, "rotated boxes have it: give format 'cxcywhr'");
		assert.throws(() => boxIou(a, a), TypeError, 'rotatedIou takes rotated ones, and so does backend.boxIou');
		assert.throws(() => rotatedIou({ data: new Float32Array(8), format: 'cxcywhr' }, a), RangeError, 'boxesA.data must have a length that is a multiple of 5');
		const backend = await createBackend('cpu');
		for (const [boxesA, boxesB, text] of [
			[a, plain, "boxIou: boxesB must be rotated boxes (format 'cxcywhr'), as boxesA are"],
			[plain, a, "boxIou: boxesA must be rotated boxes (format 'cxcywhr'), as boxesB are"],
		] as const) {
			const error = await backend.boxIou(boxesA, boxesB).catch((e) => e);
			assert.instanceOf(error, TypeError);
			assert.include(error.message, text);
		}
		backend.dispose();
	});
});

describe('nms of rotated boxes', () => {
	// B lies across A and C, which are apart: polygon IoU of neighbours 1/3
	const chain = rotated([0, 0, 10, 10, 0], [5, 0, 10, 10, 0], [10, 0, 10, 10, 0]);
	const scores = [0.9, 0.8, 0.7];
	test('greedy: what a kept box removes removes nothing', () => {
		assert.deepEqual([...rotatedNms(chain, scores, { iouThreshold: 0.3 })], [0, 2]);
		assert.deepEqual([...rotatedNms(chain, scores, { iouThreshold: 0.34 })], [0, 1, 2]);
	});
	test('fast: it does', () => {
		assert.deepEqual([...rotatedNms(chain, scores, { iouThreshold: 0.3, semantics: { method: 'fast' } })], [0]);
		assert.deepEqual([...rotatedNms(chain, [0.7, 0.9, 0.8], { iouThreshold: 0.3, semantics: { method: 'fast' } })], [1]);
	});
	test('a cross is kept by polygons, and removed where rotation is not looked at', () => {
		// two bars of 10 x 2 across each other: 4 / 36 of the polygons, 100 / 100 of their bounds
		const cross = rotated([0, 0, 10, 2, PI / 4], [0, 0, 10, 2, -PI / 4]);
		assert.deepEqual([...rotatedNms(cross, [0.9, 0.8], { iouThreshold: 0.2 })], [0, 1]);
		assert.deepEqual([...rotatedNms(cross, [0.9, 0.8], { iouThreshold: 0.1 })], [0]);
	});
	test('squares at 45 degrees: the same to probiou (.9995), another to polygons (.7071)', () => {
		const star = rotated(square, [100, 100, 10, 10, PI / 4]);
		assert.deepEqual([...rotatedNms(star, [0.9, 0.8], { iouThreshold: 0.8 })], [0, 1]);
		assert.deepEqual([...rotatedNms(star, [0.9, 0.8], { iouThreshold: 0.8, semantics: { overlap: 'probiou' } })], [0]);
	});
	test('touching squares: nothing to polygons, .1186 to probiou', () => {
		const pair = rotated(square, [110, 100, 10, 10, 0]);
		assert.deepEqual([...rotatedNms(pair, [0.9, 0.8], { iouThreshold: 0, semantics: { overlap: 'iou' } })], [0, 1]);
		assert.deepEqual([...rotatedNms(pair, [0.9, 0.8], { iouThreshold: 0.118, semantics: { overlap: 'probiou' } })], [0]);
		assert.deepEqual([...rotatedNms(pair, [0.9, 0.8], { iouThreshold: 0.119, semantics: { overlap: 'probiou' } })], [0, 1]);
	});
	test('suppress >= takes the threshold itself', () => {
		const pair = rotated([0, 0, 10, 10, 0], [5, 0, 10, 10, 0]);
		assert.deepEqual([...rotatedNms(pair, [0.9, 0.8], { iouThreshold: 1 / 3 })], [0, 1]);
		assert.deepEqual([...rotatedNms(pair, [0.9, 0.8], { iouThreshold: 1 / 3, semantics: { suppress: '>=' } })], [0]);
	});
	test('classes, limits, and boxes that cannot take part', () => {
		assert.deepEqual([...rotatedNms(chain, scores, { iouThreshold: 0.3, classIds: [0, 1, 0] })], [0, 1, 2]);
		assert.deepEqual([...rotatedNms(chain, scores, { iouThreshold: 0.5, maxDetections: 2 })], [0, 1]);
		assert.deepEqual([...rotatedNms(chain, scores, { iouThreshold: 0.5, scoreThreshold: 0.75 })], [0, 1]);
		const spoiled = rotated([0, 0, 10, 10, NaN], [0, 0, 10, 10, 5000], [0, NaN, 10, 10, 0], [0, 0, 0, 10, 1], [0, 0, 10, 10, 1]);
		assert.deepEqual([...rotatedNms(spoiled, [0.9, 0.8, 0.7, 0.6, 0.5], { iouThreshold: 0.3 })], [3, 4]);
		assert.deepEqual([...rotatedNms(rotated(), [], { iouThreshold: 0.3 })], []);
	});

	for (const overlap of ['iou', 'probiou'] as const) {
		for (const method of ['greedy', 'fast'] as const) {
			test(`${method} by ${overlap}: what boxIou says, and the textbook`, () => {
				const next = random(overlap.length + method.length);
				for (const [n, set, t] of [
					[60, 'clustered', 0.3],
					[60, 'clustered', 0],
					[80, 'whole', 0.5],
					[400, 'clustered', 0.45],
					[300, 'spoiled', 0.2],
					[300, 'sizes', 0.1],
				] as const) {
					// biome-ignore format: a table
					const boxes = { data: randomRotated(n, set, next), format: 'cxcywhr' } as const;
					const scores = randomScores(n, 'few', next);
					const classIds = Array.from(scores, () => Math.floor(next() * 2));
					const options = { iouThreshold: t, semantics: { overlap, method }, classIds };
					const kept = [...rotatedNms(boxes, scores, options)];
					const { input, call, overlap: rule } = checkNms('nms', boxes, scores, options);
					assert.deepEqual(kept, [...nmsTextbook(upright(input.boxes), input.scores, input.classIds, call, rule).indices]);
					// the definition, over the values of boxIou
					const values = rotatedIou(boxes, boxes, { kind: overlap });
					const isBetter = (i: number, j: number) => scores[i] > scores[j] || (scores[i] === scores[j] && i < j);
					const takesPart = (i: number) => !Number.isNaN(values[i * n + i]);
					const all = [...scores.keys()].filter(takesPart);
					const suppressors = method === 'fast' ? all : kept;
					for (const i of all) {
						const gone = suppressors.some((k) => isBetter(k, i) && classIds[k] === classIds[i] && values[k * n + i] > Math.fround(t));
						assert.equal(gone, !kept.includes(i), `${set}: box ${i}`);
					}
				}
			});
		}
	}

	test('the same through a backend', async () => {
		const backend = await createBackend('cpu');
		assert.deepEqual([...(await backend.nms(chain, scores, { iouThreshold: 0.3 }))], [0, 2]);
		assert.deepEqual([...(await backend.nms(chain, scores, { iouThreshold: 0.3, semantics: { method: 'fast' } }))], [0]);
		backend.dispose();
	});
	test('is as `ultralytics` says when asked to be', () => {
		const asked = { overlap: 'probiou', suppress: '>=', method: 'fast' } as const;
		const boxes = { data: randomRotated(200, 'clustered', random(9)), format: 'cxcywhr' } as const;
		const many = randomScores(200, 'few', random(10));
		const wanted = [...rotatedNms(boxes, many, { iouThreshold: 0.3, semantics: asked })];
		assert.deepEqual([...rotatedNms(boxes, many, { iouThreshold: 0.3, semantics: 'ultralytics' })], wanted);
		assert.notDeepEqual([...rotatedNms(boxes, many, { iouThreshold: 0.3 })], wanted);
	});
	test('refuses what does not go together', () => {
		const plain: BoxesLike = [0, 0, 1, 1];
		const refuses = (semantics: object, text: string) =>
			assert.throws(() => rotatedNms(chain, scores, { iouThreshold: 0.5, semantics: semantics as never }), RangeError, text);
		refuses({ overlap: 'giou' }, "semantics.overlap must be 'iou' or 'probiou'");
		refuses({ method: 'matrix' }, "semantics.method must be 'greedy' or 'fast'");
		refuses({ pixelOffset: 1 }, 'semantics.pixelOffset must be 0 for rotated boxes');
		assert.throws(() => nms(plain, [1], { iouThreshold: 0.5, semantics: { overlap: 'probiou' } }), RangeError, "'probiou' is for rotated boxes");
		assert.throws(() => nms(plain, [1], { iouThreshold: 0.5, semantics: { method: 'fast' } }), RangeError, "'fast' is for rotated boxes");
		assert.throws(() => nms(chain, scores, { iouThreshold: 0.5 }), TypeError, 'rotatedNms takes rotated ones, and so does backend.nms');
		assert.throws(() => rotatedNms(chain, [1], { iouThreshold: 0.5 }), RangeError, 'scores must have one entry per box, 3');
	});
});

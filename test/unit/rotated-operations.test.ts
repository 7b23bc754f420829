// boxIou and nms of rotated boxes through the public door: what they answer, and what they refuse.

import { assert, describe, test } from 'vitest';
import { type BoxesLike, boxIou, convertRotated, createBackend } from '../../src/index.js';

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
	test('polygons', () => near(boxIou(rotated(square), others), [1, 1 / 3, 0, 0, Math.SQRT1_2]));
	test('Gaussians', () => near(boxIou(rotated(square), others, { kind: 'probiou' }), [0.9995, 0.4408, 0.1186, 0.0012, 0.9995]));
	test('[A, B], row by row', () => {
		const values = boxIou(rotated(square, [0, 0, 4, 2, 1]), rotated([0, 0, 4, 2, 1], square, [0, 0, 4, 2, 1 + PI]));
		near(values, [0, 1, 0, 1, 0, 1]);
		assert.equal(boxIou(rotated(), others).length, 0);
	});
	test('of detectron2: degrees counterclockwise', () => {
		// a bar whose right end points up on the screen, and a square there
		const bar = convertRotated(Float32Array.of(0, 0, 20, 2, 45), 'degrees-counterclockwise', 'radians-clockwise');
		assert.isAbove(boxIou({ data: bar, format: 'cxcywhr' }, rotated([5, -5, 2, 2, 0]))[0], 0.05);
		assert.equal(boxIou({ data: bar, format: 'cxcywhr' }, rotated([5, 5, 2, 2, 0]))[0], 0);
	});
	test('numbers in plain arrays', () => near(boxIou({ data: [...square, ...square], format: 'cxcywhr' }, rotated(square)), [1, 1]));
	test('boxes that cannot take part: NaN; empty ones: 0', () => {
		const bad = rotated([NaN, 0, 1, 1, 0], [0, 0, 1, Infinity, 0], [0, 0, 1, 1, NaN], [0, 0, 1, 1, 4096], [100, 100, 0, 5, 0]);
		near(boxIou(rotated(square), bad), [NaN, NaN, NaN, NaN, 0]);
		near(boxIou(rotated(square), bad, { kind: 'probiou' }), [NaN, NaN, NaN, NaN, 0]);
	});
	test('the same through a backend', async () => {
		const backend = await createBackend('cpu');
		assert.deepEqual(await backend.boxIou(rotated(square), others), boxIou(rotated(square), others));
		assert.deepEqual(await backend.boxIou(others, rotated(square), { kind: 'probiou' }), boxIou(others, rotated(square), { kind: 'probiou' }));
		backend.dispose();
	});
	test('refuses what rotated boxes have not, and mixtures', () => {
		const a = rotated(square);
		const plain: BoxesLike = [0, 0, 1, 1];
		assert.throws(() => boxIou(a, a, { kind: 'giou' }), RangeError, "boxIou: kind must be 'iou' or 'probiou' for rotated boxes; got \"giou\"");
		assert.throws(() => boxIou(a, a, { kind: 'iof' }), RangeError, "must be 'iou' or 'probiou'");
		assert.throws(() => boxIou(plain, plain, { kind: 'probiou' }), RangeError, "rotated boxes have it: give format 'cxcywhr'");
		assert.throws(() => boxIou(a, plain), TypeError, "boxIou: boxesB must be rotated boxes (format 'cxcywhr'), as boxesA are");
		assert.throws(() => boxIou(plain, a), TypeError, "boxIou: boxesA must be rotated boxes (format 'cxcywhr'), as boxesB are");
		assert.throws(() => boxIou({ data: new Float32Array(8), format: 'cxcywhr' }, a), RangeError, 'boxesA.data must have a length that is a multiple of 5');
	});
});

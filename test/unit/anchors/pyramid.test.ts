// The pyramid and the cells by the arithmetic of facenet's detect_face.py, worked out by hand.

import { assert, describe, test } from 'vitest';
import { imagePyramid, mtcnnCells, type PyramidLevel } from '../../../src/anchors/pyramid.js';

describe('imagePyramid', () => {
	test('250 x 250, the size of LFW: sides 150 x 0.709^k, rounded up, down to 12', () => {
		// 150, 106.35, 75.40, 53.46, 37.90, 26.87, 19.05, 13.51; the next would be 9.58
		const levels = imagePyramid([250, 250]);
		assert.deepEqual(
			levels.map(({ size }) => [...size]),
			[150, 107, 76, 54, 38, 27, 20, 14].map((side) => [side, side]),
		);
		assert.equal(levels[0].scale, 12 / 20);
		assert.approximately(levels[7].scale, 0.6 * 0.709 ** 7, 1e-12);
	});
	test('the shorter side decides; each side is rounded up by itself', () => {
		// 480 x 12 / 50 = 115.2, then halves down to 14.4; 7.2 is below 12
		const levels = imagePyramid([480, 641], { minSize: 50, factor: 0.5 });
		assert.deepEqual(
			levels.map(({ size }) => size),
			[
				[116, 154], // 115.2, 153.84
				[58, 77], // 57.6, 76.92
				[29, 39], // 28.8, 38.46
				[15, 20], // 14.4, 19.23
			],
		);
	});
	test('a side of exactly one cell is still a level', () => {
		assert.deepEqual(imagePyramid([20, 20]), [{ scale: 0.6, size: [12, 12] }]);
		assert.equal(imagePyramid([40, 40], { factor: 0.5 }).length, 2);
	});
	test('a frame smaller than the smallest object has no level', () => assert.deepEqual(imagePyramid([19, 400]), []));
	test('DenseBox: another cell', () => {
		// a face of 50 pixels in the network; faces from 100 pixels: scale 0.5
		const levels = imagePyramid([400, 400], { cell: 50, minSize: 100, factor: 0.5 });
		assert.deepEqual(levels, [
			{ scale: 0.5, size: [200, 200] },
			{ scale: 0.25, size: [100, 100] },
			{ scale: 0.125, size: [50, 50] },
		]);
	});
	test('objects smaller than the cell enlarge the frame', () =>
		assert.deepEqual(imagePyramid([10, 10], { minSize: 6, factor: 0.5 })[0], { scale: 2, size: [20, 20] }));
	test('refusals', () => {
		const refused = (options: object, text: RegExp) => assert.throws(() => imagePyramid([480, 640], options), text);
		assert.throws(() => imagePyramid([480, 0]), /imagePyramid: frameSize\[1\] \(width\) must be a positive number; got 0/);
		assert.throws(() => imagePyramid(640 as never), TypeError);
		refused({ factor: 1 }, /factor must be below 1; got 1/);
		refused({ factor: 0 }, /factor must be a positive number; got 0/);
		refused({ factor: 1 - 2 ** -53 }, /factor must not give more than 1000 levels/);
		refused({ minSize: Number.NaN }, /minSize must be a positive number; got NaN/);
		refused({ minSize: -20 }, /minSize/);
		refused({ cell: '12' }, /cell must be a positive number/);
		refused({ minsize: 20 }, /minsize.*did you mean minSize/);
	});
});

describe('mtcnnCells', () => {
	const level: PyramidLevel = { scale: 0.6, size: [14, 17] };

	test('12 pixels are one cell; 2 more are one more', () => {
		const count = (side: number) => mtcnnCells({ scale: 1, size: [side, 12] }).length / 4;
		assert.deepEqual([10, 12, 13, 14, 15, 16, 150].map(count), [0, 1, 2, 2, 3, 3, 70]);
	});
	test('facenet: counted from 1 and cut; order y, x', () => {
		const cells = mtcnnCells(level);
		// (2x + 1) / 0.6 = 1.67, 5, 8.33, 11.67; (2x + 12) / 0.6 = 20, 23.33, 26.67, 30
		assert.equal(cells.length / 4, 2 * 4);
		assert.deepEqual(Array.from(cells.subarray(0, 16)), [1, 1, 20, 20, 5, 1, 23, 20, 8, 1, 26, 20, 11, 1, 30, 20]);
		assert.deepEqual(Array.from(cells.subarray(16, 20)), [1, 5, 20, 23]);
	});
	test('ipazc: counted from 0, not cut', () => {
		const cells = mtcnnCells({ scale: 0.5, size: [12, 14] }, { style: 'ipazc' });
		assert.deepEqual(Array.from(cells), [0, 0, 24, 24, 4, 0, 28, 24]);
	});
	test('a grid that the network gave', () => {
		assert.equal(mtcnnCells(level, { gridSize: [3, 5] }).length, 3 * 5 * 4);
		const none = mtcnnCells(level, { gridSize: [0, 7] });
		assert.instanceOf(none, Float32Array);
		assert.equal(none.length, 0);
	});
	test('every cell of every level of a pyramid begins inside the frame', () => {
		for (const l of imagePyramid([480, 640])) {
			const cells = mtcnnCells(l);
			assert.isAbove(cells.length, 0);
			for (let k = 0; k < cells.length; k += 4) assert.isTrue(cells[k] < 640 && cells[k + 1] < 480 && cells[k + 2] > cells[k]);
		}
	});
	test('refusals', () => {
		assert.throws(() => mtcnnCells({ ...level, scale: 0 }), /mtcnnCells: level.scale must be a positive number; got 0/);
		assert.throws(() => mtcnnCells({ ...level, size: [Number.NaN, 12] }), /level.size\[0\]/);
		assert.throws(() => mtcnnCells(undefined as never), /level.scale must be a positive number; got undefined/);
		assert.throws(() => mtcnnCells(level, { style: 'face-net' as never }), /style.*did you mean 'facenet'/);
		assert.throws(() => mtcnnCells(level, { gridSize: [1.5, 2] }), /gridSize must be \[height, width\] in cells/);
	});
});

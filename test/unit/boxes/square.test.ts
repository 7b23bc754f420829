// Squares about boxes, by facenet's rerec and ipazc's resize_to_square in double precision, and by hand.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { squareBoxes } from '../../../src/boxes/square.js';

describe('squareBoxes', () => {
	test('by hand: the longer side stays, the middle too', () => {
		assert.deepEqual(Array.from(squareBoxes(Float32Array.of(10, 20, 30, 60, 10, 20, 50, 30))), [0, 20, 40, 60, 10, 5, 50, 45]);
		assert.deepEqual(Array.from(squareBoxes(Float32Array.of(1, 2, 4, 5))), [1, 2, 4, 5]);
	});
	test('rerec', () => {
		const number = fc.float({ min: -200, max: 2000, noNaN: true });
		const side = fc.float({ min: 0, max: 900, noNaN: true });
		fc.assert(
			fc.property(number, number, side, side, (x, y, width, height) => {
				const box = Float32Array.of(x, y, x + width, y + height);
				const [w, h] = [box[2] - box[0], box[3] - box[1]];
				const l = Math.max(w, h);
				const [x1, y1] = [box[0] + w * 0.5 - l * 0.5, box[1] + h * 0.5 - l * 0.5];
				squareBoxes(box).forEach((v, c) => assert.approximately(v, [x1, y1, x1 + l, y1 + l][c], 1e-3));
			}),
		);
	});
	test('makes a new array and takes none', () => {
		const box = Float32Array.of(0, 0, 2, 4);
		assert.deepEqual(Array.from(squareBoxes(box)), [-1, 0, 3, 4]);
		assert.deepEqual(Array.from(box), [0, 0, 2, 4]);
		assert.equal(squareBoxes(new Float32Array(0)).length, 0);
	});
	test('refusals', () => {
		assert.throws(() => squareBoxes([0, 0, 2, 4] as never), TypeError, /squareBoxes: boxes must be a Float32Array, flat \[N, 4\]/);
		assert.throws(() => squareBoxes(new Float32Array(5)), RangeError, /must have a length that is a multiple of 4; got 5/);
	});
});

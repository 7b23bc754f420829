// Box formats there and back, areas and clipping, by hand.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { boxArea, clipBoxes } from '../../../src/boxes/areas.js';
import { BOX_FORMATS, convertBoxes } from '../../../src/boxes/formats.js';

const ROWS = {
	xyxy: [10, 20, 50, 100, -4, -3, -1, 6],
	yxyx: [20, 10, 100, 50, -3, -4, 6, -1],
	xywh: [10, 20, 40, 80, -4, -3, 3, 9],
	cxcywh: [30, 60, 40, 80, -2.5, 1.5, 3, 9],
} as const;

describe('convertBoxes', () => {
	for (const from of BOX_FORMATS) {
		for (const to of BOX_FORMATS) {
			test(`${from} to ${to}`, () => {
				const input = Float32Array.from(ROWS[from]);
				const output = convertBoxes(input, from, to);
				assert.deepEqual(Array.from(output), [...ROWS[to]]);
				assert.notStrictEqual(output, input);
				assert.deepEqual(Array.from(input), [...ROWS[from]], 'input unchanged');
			});
		}
	}
	test('integer boxes come back exactly', () => {
		const side = fc.integer({ min: -(2 ** 20), max: 2 ** 20 });
		fc.assert(
			fc.property(fc.tuple(side, side, side, side), fc.constantFrom(...BOX_FORMATS), (box, format) => {
				const rows = Float32Array.from(box, (v) => v + 0);
				assert.deepEqual(convertBoxes(convertBoxes(rows, 'xyxy', format), format, 'xyxy'), rows);
			}),
		);
	});
	test('views with an odd offset, and no boxes', () => {
		const view = new Float32Array(Float32Array.of(0, ...ROWS.xywh).buffer, 4);
		assert.deepEqual(Array.from(convertBoxes(view, 'xywh', 'xyxy')), [...ROWS.xyxy]);
		assert.equal(convertBoxes(new Float32Array(0), 'xywh', 'xyxy').length, 0);
	});
	test('refusals', () => {
		const convert = convertBoxes as (...args: unknown[]) => unknown;
		assert.throws(() => convert(new Float32Array(5), 'xyxy', 'xywh'), RangeError, /convertBoxes: boxes must have a length that is a multiple of 4; got 5/);
		assert.throws(() => convert(new Float32Array(4), 'xyhw', 'xywh'), RangeError, /from must be one of xyxy, yxyx, xywh, cxcywh; got "xyhw"/);
		assert.throws(() => convert(new Float32Array(4), 'xyxy'), /to must be one of/);
		for (const bad of [[0, 0, 1, 1], [[0, 0, 1, 1]], new Float64Array(4), new Int32Array(4), null, 'boxes'])
			assert.throws(() => convert(bad, 'xyxy', 'xywh'), TypeError, /boxes must be a Float32Array/);
		const gone = new Float32Array(4);
		structuredClone(gone, { transfer: [gone.buffer] });
		assert.throws(() => convert(gone, 'xyxy', 'xywh'), TypeError, /boxes must not be detached/);
	});
});

describe('boxArea', () => {
	test('positive areas; empty, inverted and unusable boxes have 0', () => {
		const boxes = [
			[0, 0, 3, 4],
			[1, 1, 1, 5],
			[5, 5, 1, 1],
			[5, 0, 1, 4],
			[0, 0, NaN, 4],
			[0, 0, 1e-20, 1e-20],
			[0, 0, Infinity, 4],
		];
		assert.deepEqual(Array.from(boxArea(Float32Array.from(boxes.flat()))), [12, 0, 0, 0, 0, 0, 0]);
	});
	test('a named format', () => assert.deepEqual(Array.from(boxArea({ data: Float32Array.of(7, 7, 3, 4), format: 'xywh' })), [12]));
	test('in float32 steps', () => {
		// float32 spacing at 2^24 is 2: 16777217 is 16777216
		assert.deepEqual(Array.from(boxArea(Float32Array.of(16777216, 0, 16777217, 1))), [0]);
	});
});

describe('clipBoxes', () => {
	test('to width and height, not width - 1', () => {
		const rows = Float32Array.of(-5, -6, 700, 500, 10, 20, 640, 480);
		assert.deepEqual(Array.from(clipBoxes(rows, [480, 640])), [0, 0, 640, 480, 10, 20, 640, 480]);
		assert.equal(rows[0], -5, 'input unchanged');
	});
	test('NaN stays NaN', () => assert.isTrue(Number.isNaN(clipBoxes(Float32Array.of(NaN, 0, 1, 1), [4, 4])[0])));
	test('refusals', () => {
		assert.throws(() => clipBoxes(new Float32Array(4), [480] as never), /size must be \[height, width\]/);
		assert.throws(() => clipBoxes(new Float32Array(4), [480, -1]), /size\[1\] \(width\) must be a positive number; got -1/);
	});
});

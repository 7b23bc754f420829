// The codec mediapipe against the calculator's arithmetic in double precision.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { mediapipe } from '../../../src/codecs/mediapipe.js';

function assertBox(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-3): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, tolerance, `number ${i} of [${Array.from(actual)}], expected [${expected}]`);
	});
}

const ANCHOR = Float32Array.of(60, 40, 128, 64); // centre and size
const raws = fc.array(fc.double({ min: -40, max: 40, noNaN: true }), { minLength: 4, maxLength: 4 }).map((t) => t.map(Math.fround));

/** tensors_to_detections_calculator.cc, DecodeBoxes: [xmin, ymin, xmax, ymax]. */
function decodeBoxes(raw: number[], order: string, [sx, sy, sw, sh]: number[], exponential: boolean): number[] {
	let [y, x, h, w] = raw;
	if (order === 'xywh') [x, y, w, h] = raw;
	if (order === 'xyxy') [x, y, w, h] = [(-raw[0] + raw[2]) / 2, (-raw[1] + raw[3]) / 2, raw[2] + raw[0], raw[3] + raw[1]];
	const [cx, cy] = [(x / sx) * 128 + 60, (y / sy) * 64 + 40];
	const height = exponential ? Math.exp(h / sh) * 64 : (h / sh) * 64;
	const width = exponential ? Math.exp(w / sw) * 128 : (w / sw) * 128;
	return [cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2];
}

describe('formulas', () => {
	for (const order of ['yxhw', 'xywh', 'xyxy'] as const) {
		for (const exponential of [false, true]) {
			test(`${order}, ${exponential ? 'exp' : 'linear'}; negative sizes are dropped`, () => {
				const scale = [10, 10, 5, 5];
				const codec = mediapipe({ scale, exponential, order });
				fc.assert(
					fc.property(raws, (raw) => {
						const expected = decodeBoxes(raw, order, scale, exponential);
						const out = codec.decode(Float32Array.from(raw), ANCHOR);
						const size = Math.min(expected[2] - expected[0], expected[3] - expected[1]);
						if (size < -1e-3) assert.isTrue(out.every(Number.isNaN), `[${out}]`);
						else if (size > 1e-3) assertBox(out, expected, 1e-5 * Math.max(...expected.map(Math.abs)));
					}),
				);
			});
		}
	}
	test('BlazeFace: 128 px, one scale, an anchor of the whole input', () => {
		const anchor = Float32Array.of(0.0625 * 128, 0.1875 * 128, 128, 128);
		const out = mediapipe({ scale: 128 }).decode(Float32Array.of(4, -2, 30, 20), anchor); // y, x, h, w
		assert.deepEqual(Array.from(out), [8 - 2 - 10, 24 + 4 - 15, 8 - 2 + 10, 24 + 4 + 15]);
	});
	test('width goes with the width of the anchor, in the linear branch too (tfjs-models takes the height)', () => {
		const out = mediapipe({ scale: 1 }).decode(Float32Array.of(0, 0, 1, 1), ANCHOR);
		assert.deepEqual(Array.from(out), [-4, 8, 124, 72]);
	});
	test('zeros: the anchor, or its centre', () => {
		assert.deepEqual(Array.from(mediapipe({ scale: 10, exponential: true }).decode(new Float32Array(4), ANCHOR)), [-4, 8, 124, 72]);
		assert.deepEqual(Array.from(mediapipe({ scale: 10, exponential: true }).encode(Float32Array.of(-4, 8, 124, 72), ANCHOR)), [0, 0, 0, 0]);
		assert.deepEqual(Array.from(mediapipe({ scale: 10 }).decode(new Float32Array(4), ANCHOR)), [60, 40, 60, 40]);
	});
});

describe('refusals', () => {
	test('boxes and anchors without a size', () => {
		const line = Float32Array.of(5, 5, 5, 9);
		assert.throws(() => mediapipe({ scale: 1, exponential: true }).encode(line, ANCHOR), RangeError, /boxes\[0\] must have a positive width/);
		assert.throws(() => mediapipe({ scale: 1 }).encode(Float32Array.of(5, 9, 6, 5), ANCHOR), RangeError, /boxes\[0\] must have a height that is not negative/);
		assert.deepEqual(mediapipe({ scale: 1 }).decode(mediapipe({ scale: 1 }).encode(line, ANCHOR), ANCHOR), line);
		assert.throws(() => mediapipe({ scale: 1 }).encode(line, Float32Array.of(5, 5, 0, 9)), /anchors\[0\] must have a positive width; got 0/);
	});
	test('options', () => {
		assert.throws(() => mediapipe({} as never), TypeError, /scale must be one number, or four/);
		assert.throws(() => mediapipe({ scale: [1, 1, 0, 1] }), RangeError, /scale\[2\] must be a positive number; got 0/);
		assert.throws(() => mediapipe({ scale: 1, order: 'yxyx' as never }), /order must be/);
		assert.throws(() => mediapipe({ scale: 1, exponential: 'yes' as never }), TypeError, /exponential must be true or false/);
	});
});

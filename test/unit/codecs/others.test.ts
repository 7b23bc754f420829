// The codecs cell, distances and boxes.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { boxes } from '../../../src/codecs/boxes.js';
import { cell } from '../../../src/codecs/cell.js';
import type { BoxCodec } from '../../../src/codecs/codec.js';
import { distances } from '../../../src/codecs/distances.js';

const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));

function assertBox(actual: Float32Array, expected: number[], tolerance = 1e-3): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, tolerance, `coordinate ${i} of [${actual}], expected [${expected}]`);
	});
}

describe('cell v5', () => {
	test('xy = (2 sigmoid - 0.5 + grid) stride, wh = (2 sigmoid)^2 anchor', () => {
		fc.assert(
			fc.property(
				fc.array(fc.double({ min: -8, max: 8, noNaN: true }), { minLength: 4, maxLength: 4 }),
				fc.nat(79),
				fc.nat(79),
				fc.constantFrom(8, 16, 32),
				(t, gx, gy, stride) => {
					const [tx, ty, tw, th] = t.map(Math.fround);
					const x = (2 * sigmoid(tx) - 0.5 + gx) * stride;
					const y = (2 * sigmoid(ty) - 0.5 + gy) * stride;
					const w = (2 * sigmoid(tw)) ** 2 * 116;
					const h = (2 * sigmoid(th)) ** 2 * 90;
					const row = Float32Array.of((gx + 0.5) * stride, (gy + 0.5) * stride, 116, 90);
					const out = cell().decode(Float32Array.from(t), row, stride);
					assertBox(out, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1e-5 * Math.max(x, y, w, h, 1) * 2);
				},
			),
		);
	});
	test('zero logits: the anchor itself, centred in its cell', () => {
		assert.deepEqual(Array.from(cell().decode(new Float32Array(4), Float32Array.of(4, 4, 10, 13), 8)), [-1, -2.5, 9, 10.5]);
	});
	test('activated already: sigmoid false', () => {
		const row = Float32Array.of(20, 20, 10, 10);
		assert.deepEqual(Array.from(cell({ sigmoid: false }).decode(Float32Array.of(0.5, 0.75, 0.5, 1), row, 8)), [15, 4, 25, 44]);
	});
	test('decode(encode(box)) is the box within 1e-5; one stride per row', () => {
		const unit = fc.double({ min: 0.02, max: 0.98, noNaN: true });
		fc.assert(
			fc.property(fc.array(fc.tuple(unit, unit, unit, unit, fc.constantFrom(8, 16, 32)), { minLength: 1, maxLength: 5 }), (rows) => {
				const strides = Float32Array.from(rows, (r) => r[4]);
				const anchors = Float32Array.from(rows.flatMap(([, , , , s]) => [s * 3.5, s * 7.5, s * 4, s * 2]));
				const gt = Float32Array.from(
					rows.flatMap(([p, q, r, t, s]) => {
						const [x, y, w, h] = [s * 3.5 + (2 * p - 1) * s, s * 7.5 + (2 * q - 1) * s, (2 * r) ** 2 * s * 4, (2 * t) ** 2 * s * 2];
						return [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
					}),
				);
				const codec = cell();
				assertBox(codec.decode(codec.encode(gt, anchors, strides), anchors, strides), Array.from(gt), 1e-5 * 32 * 16);
			}),
		);
	});
	test('what it cannot reach is named', () => {
		const anchor = Float32Array.of(20, 20, 10, 10);
		assert.throws(() => cell().encode(Float32Array.of(0, 0, 10, 10), anchor, 8), RangeError, /cell.encode: boxes\[0\] must have its centre within 8 px/);
		assert.throws(() => cell().encode(Float32Array.of(0, 0, 40, 40), anchor, 8), RangeError, /size in \(0, 4\) times/);
		assert.throws(
			() => cell().decode(new Float32Array(4), anchor),
			RangeError,
			/cell.decode: stride must be a positive number, or a Float32Array of 1; got undefined/,
		);
		assert.throws(() => cell().decode(new Float32Array(4), anchor, 0), /stride/);
		assert.throws(() => cell({ version: 'v3' as never }), /version must be 'v5'/);
	});
});

describe('distances', () => {
	const POINT = Float32Array.of(12, 20, 8, 8);
	test('x1 = x - l stride', () => {
		assert.deepEqual(Array.from(distances().decode(Float32Array.of(1, 2, 3, 0.5), POINT)), [4, 4, 36, 24]);
		assert.deepEqual(Array.from(distances({ unit: 'pixels' }).decode(Float32Array.of(1, 2, 3, 0.5), POINT)), [11, 18, 15, 20.5]);
	});
	test('inverse', () => {
		const gt = Float32Array.of(4, 4, 36, 24);
		assert.deepEqual(Array.from(distances().encode(gt, POINT)), [1, 2, 3, 0.5]);
		assert.deepEqual(Array.from(distances({ unit: 'pixels' }).encode(gt, POINT)), [8, 16, 24, 4]);
	});
	test('a point outside its box round-trips too', () => {
		const gt = Float32Array.of(100, 100, 132, 164);
		assert.deepEqual(distances().decode(distances().encode(gt, POINT), POINT), gt);
	});
	test('refusals', () => {
		assert.throws(() => distances({ unit: 'cells' as never }), /unit must be 'stride' or 'pixels'/);
		assert.throws(() => distances().encode(new Float32Array(4), Float32Array.of(0, 0, 0, 8)), /anchors\[0\] must have positive strides/);
	});
});

describe('boxes', () => {
	test('the four formats', () => {
		const expected = [10, 20, 50, 100];
		const raw = { xyxy: [10, 20, 50, 100], yxyx: [20, 10, 100, 50], xywh: [10, 20, 40, 80], cxcywh: [30, 60, 40, 80] } as const;
		for (const [format, numbers] of Object.entries(raw)) {
			const codec = boxes({ format: format as keyof typeof raw });
			assert.deepEqual(Array.from(codec.decode(Float32Array.from(numbers))), expected, format);
			assert.deepEqual(Array.from(codec.encode(Float32Array.from(expected))), Array.from(numbers), format);
		}
	});
	test('normalised: scale is width, height', () => {
		const codec = boxes({ format: 'cxcywh', scale: [200, 100] });
		assert.deepEqual(Array.from(codec.decode(Float32Array.of(0.5, 0.5, 0.25, 0.5))), [75, 25, 125, 75]);
		assert.deepEqual(Array.from(codec.encode(Float32Array.of(75, 25, 125, 75))), [0.5, 0.5, 0.25, 0.5]);
	});
	test('normalised yxyx: scale still is width, height', () => {
		assert.deepEqual(Array.from(boxes({ format: 'yxyx', scale: [200, 100] }).decode(Float32Array.of(0.5, 0.25, 1, 0.75))), [50, 50, 150, 100]);
	});
	test('refusals', () => {
		assert.throws(() => boxes({ format: 'ltrb' as never }), /format must be one of xyxy, yxyx, xywh, cxcywh; got "ltrb"/);
		assert.throws(() => boxes({ scale: [640, 0] }), /scale\[1\] must be a positive number; got 0/);
		assert.throws(() => boxes({ scale: 640 as never }), /scale must be \[x, y\]/);
		assert.throws(() => boxes().decode(new Float32Array(3)), /raw must have a length that is a multiple of 4; got 3/);
	});
});

describe('every codec', () => {
	const codecs: [string, BoxCodec][] = [
		['boxes', boxes()],
		['cell', cell()],
		['distances', distances()],
	];
	for (const [name, codec] of codecs) {
		test(`${name}: NaN and Infinity anywhere give a box of NaN`, () => {
			for (let i = 0; i < 4; i++) {
				for (const bad of [NaN, Infinity, -Infinity]) {
					const raw = Float32Array.of(1, 1, 1, 1);
					raw[i] = bad;
					assert.isTrue(codec.decode(raw, Float32Array.of(4, 4, 8, 8), 8).every(Number.isNaN), `${bad} at ${i}`);
				}
			}
		});
		test(`${name}: constants are exact float32, or the shader would differ`, () => {
			for (const [key, value] of Object.entries(codec.constants)) assert.equal(value, Math.fround(value), key);
		});
	}
});

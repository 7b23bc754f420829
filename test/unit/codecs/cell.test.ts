// The codec cell: YOLOv2 to v5, v7 and YOLOX, each against its own source's formula in double precision.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { cell } from '../../../src/codecs/cell.js';

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
		assert.throws(() => cell({ version: 'v9' as never }), /version must be 'v2' or .*'x'; got "v9"/);
	});
});

describe('the other versions', () => {
	const logits = fc.array(fc.double({ min: -6, max: 4, noNaN: true }), { minLength: 4, maxLength: 4 }).map((t) => t.map(Math.fround));
	const check = (codec: ReturnType<typeof cell>, formula: (t: number[], c: number[], stride: number, anchor: number[]) => number[]) =>
		fc.assert(
			fc.property(logits, fc.nat(79), fc.nat(79), fc.constantFrom(8, 16, 32), (t, i, j, stride) => {
				const anchor = [116, 90];
				const [x, y, w, h] = formula(t, [i, j], stride, anchor);
				const row = Float32Array.of((i + 0.5) * stride, (j + 0.5) * stride, ...anchor);
				const out = codec.decode(Float32Array.from(t), row, stride);
				assertBox(out, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1e-5 * Math.max(x, y, w, h));
			}),
		);
	test('v2: x = (i + sigmoid) / grid of the map, w = exp bias / grid, bias in cells (region_layer.c)', () => {
		check(cell({ version: 'v2' }), (t, [i, j], stride, anchor) => {
			const [gridW, gridH] = [13, 19];
			const biases = anchor.map((pixels) => pixels / stride);
			const relative = [(i + sigmoid(t[0])) / gridW, (j + sigmoid(t[1])) / gridH, (Math.exp(t[2]) * biases[0]) / gridW, (Math.exp(t[3]) * biases[1]) / gridH];
			return relative.map((v, c) => v * stride * (c & 1 ? gridH : gridW));
		});
	});
	test('v3: w = exp bias / net, bias in pixels (yolo_layer.c); mmdetection: centre + (sigmoid - 0.5) stride, half extents', () => {
		check(cell({ version: 'v3' }), (t, [i, j], stride, anchor) => [
			(i + sigmoid(t[0])) * stride,
			(j + sigmoid(t[1])) * stride,
			Math.exp(t[2]) * anchor[0],
			Math.exp(t[3]) * anchor[1],
		]);
		check(cell({ version: 'v3' }), (t, [i, j], stride, anchor) => [
			(i + 0.5) * stride + (sigmoid(t[0]) - 0.5) * stride,
			(j + 0.5) * stride + (sigmoid(t[1]) - 0.5) * stride,
			2 * (0.5 * anchor[0] * Math.exp(t[2])),
			2 * (0.5 * anchor[1] * Math.exp(t[3])),
		]);
	});
	test('v4: sigmoid k - 0.5 (k - 1), with the k of yolov4.cfg by stride', () => {
		check(cell({ version: 'v4' }), (t, [i, j], stride, anchor) => {
			const k = stride === 8 ? 1.2 : stride === 16 ? 1.1 : 1.05;
			return [
				(sigmoid(t[0]) * k - 0.5 * (k - 1) + i) * stride,
				(sigmoid(t[1]) * k - 0.5 * (k - 1) + j) * stride,
				Math.exp(t[2]) * anchor[0],
				Math.exp(t[3]) * anchor[1],
			];
		});
	});
	test('one k for all levels; a stride that is not listed has 1', () => {
		const row = Float32Array.of(20, 20, 10, 10);
		const raw = Float32Array.of(1, 0, 0, 0);
		const centre = (scaleXY: number | Record<number, number>) => {
			const out = cell({ version: 'v4', scaleXY, sigmoid: false }).decode(raw, row, 8);
			return (out[0] + out[2]) / 2;
		};
		assert.equal(centre(1.5), 20 + 0.5 * 1.5 * 8);
		assert.equal(centre({ 8: 1.25 }), 20 + 0.5 * 1.25 * 8);
		assert.equal(centre({ 16: 1.25 }), 24);
	});
	test('how far: centres v2 and v3 (0, 1) of a cell, v4 by its k, v5 (-0.5, 1.5); sizes of v5 up to 4 anchors, of the others without end', () => {
		// the cell from 16 to 24, as multiples of its 8 pixels
		const reach = (codec: ReturnType<typeof cell>, logit: number, stride = 8) => {
			const row = Float32Array.of(2.5 * stride, 2.5 * stride, 10, 10);
			const out = codec.decode(Float32Array.of(logit, logit, 0, 0), row, stride);
			return [(out[0] + out[2]) / 2 / stride - 2, (out[1] + out[3]) / 2 / stride - 2];
		};
		const between = (codec: ReturnType<typeof cell>, low: number, high: number, stride?: number) => {
			for (const k of [0, 1]) {
				assert.approximately(reach(codec, -30, stride)[k], low, 1e-5);
				assert.approximately(reach(codec, 30, stride)[k], high, 1e-5);
			}
		};
		between(cell({ version: 'v2' }), 0, 1);
		between(cell({ version: 'v3' }), 0, 1);
		between(cell({ version: 'v4' }), -0.1, 1.1, 8); // k = 1.2
		between(cell({ version: 'v4' }), -0.05, 1.05, 16); // 1.1
		between(cell({ version: 'v4' }), -0.025, 1.025, 32); // 1.05
		between(cell(), -0.5, 1.5);
		const widest = (codec: ReturnType<typeof cell>, logit: number) => {
			const out = codec.decode(Float32Array.of(0, 0, logit, logit), Float32Array.of(20, 20, 10, 10), 8);
			return (out[2] - out[0]) / 10;
		};
		assert.approximately(widest(cell(), 30), 4, 1e-5);
		assert.approximately(widest(cell(), 1e4), 4, 1e-5);
		assert.approximately(widest(cell(), -30), 0, 1e-5);
		for (const version of ['v2', 'v3', 'v4'] as const) assert.approximately(widest(cell({ version }), 6) / Math.exp(6), 1, 1e-5);
	});
	test("darknet's new_coords: x already logistic, w = x^2 4 bias; scale_x_y 2", () => {
		const s = [0.3, 0.8, 0.6, 0.25];
		const [x, y] = [(s[0] * 2 - 0.5 + 3) * 8, (s[1] * 2 - 0.5 + 5) * 8];
		const [w, h] = [s[2] ** 2 * 4 * 12, s[3] ** 2 * 4 * 16];
		const out = cell({ version: 'v5', sigmoid: false }).decode(Float32Array.from(s), Float32Array.of(28, 44, 12, 16), 8);
		assertBox(out, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1e-4);
	});
	test('X: xy = (t + grid) stride, wh = exp(t) stride', () => {
		fc.assert(
			fc.property(logits, fc.nat(79), fc.nat(79), fc.constantFrom(8, 16, 32), (t, i, j, stride) => {
				const [x, y] = [(t[0] + i) * stride, (t[1] + j) * stride];
				const [w, h] = [Math.exp(t[2]) * stride, Math.exp(t[3]) * stride];
				const out = cell({ version: 'x' }).decode(Float32Array.from(t), Float32Array.of(i * stride, j * stride, stride, stride));
				assertBox(out, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1e-5 * Math.max(Math.abs(x), Math.abs(y), w, h));
			}),
		);
	});
	test('what they cannot reach is named', () => {
		const row = Float32Array.of(20, 20, 10, 10);
		assert.throws(
			() => cell({ version: 'v3' }).encode(Float32Array.of(19, 19, 29, 29), row, 8),
			RangeError,
			/boxes\[0\] must have its centre within 4 px of its cell's centre/,
		);
		assert.throws(() => cell({ version: 'v3' }).encode(Float32Array.of(20, 16, 20, 24), row, 8), RangeError, /size in \(0, Infinity\) times/);
		assert.throws(() => cell({ version: 'x' }).encode(Float32Array.of(20, 16, 20, 24), row), /boxes\[0\] must have a positive size/);
		assert.throws(() => cell({ version: 'x' }).encode(Float32Array.of(20, 16, 22, 24), Float32Array.of(0, 0, 0, 8)), /anchors\[0\] must have positive strides/);
	});
	test('options', () => {
		assert.throws(() => cell({ version: 'x', sigmoid: true }), TypeError, /sigmoid must be absent with version 'x'/);
		assert.throws(() => cell({ version: 'v4', scaleXY: 0 }), RangeError, /scaleXY must be a positive number; got 0/);
		assert.throws(() => cell({ version: 'v4', scaleXY: { 8: -1 } }), /scaleXY\[8\] must be a positive number; got -1/);
		assert.throws(() => cell({ version: 'v4', scaleXY: { p3: 1.2 } as never }), /scaleXY must be a number, or numbers by stride/);
		assert.throws(() => cell({ sigmoid: 1 as never }), TypeError, /sigmoid must be true or false; got 1/);
	});
});

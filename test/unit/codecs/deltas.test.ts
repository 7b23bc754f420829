// The delta codec: the formulas of the paper, the clamps of the references, and what is exact.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { DELTA_CLAMP, deltas } from '../../../src/codecs/deltas.js';

const ANCHOR = Float32Array.of(10, 20, 50, 100); // 40 x 80, centre (30, 60)

function assertBox(actual: Float32Array, expected: number[], tolerance = 1e-4): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, tolerance, `coordinate ${i} of [${actual}]`);
	});
}

/** float32 box with corners in a range, at least 1/16 px on each side. */
const box = fc
	.tuple(
		fc.double({ min: -2000, max: 2000, noNaN: true }),
		fc.double({ min: -2000, max: 2000, noNaN: true }),
		fc.double({ min: 0.0625, max: 1500, noNaN: true }),
		fc.double({ min: 0.0625, max: 1500, noNaN: true }),
	)
	.map(([x, y, w, h]) => Float32Array.of(x, y, x + w, y + h).map((v) => v + 0)); // no -0: decoding gives 0

describe('formulas', () => {
	test('paper: x = dx aw + ax, w = exp(dw) aw', () => {
		const raw = Float32Array.of(0.5, -0.25, Math.log(2), Math.log(0.5));
		// centre (30 + 20, 60 - 20), size 80 x 40
		assertBox(deltas().decode(raw, ANCHOR), [10, 20, 90, 60]);
	});
	test('encode is the inverse', () => {
		const raw = deltas().encode(Float32Array.of(10, 20, 90, 60), ANCHOR);
		assertBox(raw, [0.5, -0.25, Math.log(2), Math.log(0.5)], 1e-6);
	});
	test('variances 0.1, 0.1, 0.2, 0.2 are weights 10, 10, 5, 5', () => {
		const raw = Float32Array.of(5, -2.5, 5 * Math.log(2), 5 * Math.log(0.5));
		assertBox(deltas({ variances: [0.1, 0.1, 0.2, 0.2] }).decode(raw, ANCHOR), [10, 20, 90, 60]);
		assertBox(deltas({ weights: [10, 10, 5, 5] }).decode(raw, ANCHOR), [10, 20, 90, 60]);
		assertBox(deltas({ weights: [10, 10, 5, 5] }).encode(Float32Array.of(10, 20, 90, 60), ANCHOR), Array.from(raw), 1e-5);
	});
	test("order 'yxhw' (EfficientDet, TensorFlow)", () => {
		const codec = deltas({ order: 'yxhw' });
		const raw = Float32Array.of(-0.25, 0.5, Math.log(0.5), Math.log(2));
		assertBox(codec.decode(raw, ANCHOR), [10, 20, 90, 60]);
		assertBox(codec.encode(Float32Array.of(10, 20, 90, 60), ANCHOR), Array.from(raw), 1e-6);
	});
});

describe('the numbers that the references print', () => {
	const rois = [Float32Array.of(0, 0, 1, 1), Float32Array.of(5, 5, 5, 5)];
	const both: [number, number] = [-DELTA_CLAMP, DELTA_CLAMP];
	test('mmdetection delta2bbox (docstring; what it clips at 0 is left out)', () => {
		const codec = deltas({ clamp: both });
		assertBox(codec.decode(Float32Array.of(1, 1, 1, 1), rois[0]), [0.1409, 0.1409, 2.8591, 2.8591]);
		assertBox(codec.decode(Float32Array.of(0, 0, 2, -1), rois[0]).subarray(1), [0.3161, 4.1945, 0.6839]);
		assertBox(codec.decode(Float32Array.of(0.7, -1.9, -0.5, 0.3), rois[1]), [5, 5, 5, 5]);
	});
	test('mmdetection legacy_delta2bbox (docstring)', () => {
		const codec = deltas({ clamp: both, legacy: 'mmdet' });
		assertBox(codec.decode(new Float32Array(4), rois[0]), [-0.5, -0.5, 1.5, 1.5]);
		assertBox(codec.decode(Float32Array.of(1, 1, 1, 1), rois[0]).subarray(2), [5.2183, 5.2183]);
		assertBox(codec.decode(Float32Array.of(0, 0, 2, -1), rois[0]).subarray(1), [0.1321, 7.8891, 0.8679]);
		assertBox(codec.decode(Float32Array.of(0.7, -1.9, -0.5, 0.3), rois[1]), [5.3967, 2.4251, 6.0033, 3.7749]);
	});
	test('Detectron bbox_transform_inv: the last pixel belongs to a box, and 1 is taken off at the end', () => {
		const [dx, dy, dw, dh] = [0.5, -0.25, 0.3, -0.4];
		const [w, h] = [50 - 10 + 1, 100 - 20 + 1];
		const [cx, cy] = [10 + 0.5 * w + dx * w, 20 + 0.5 * h + dy * h];
		const [pw, ph] = [Math.exp(dw) * w, Math.exp(dh) * h];
		const expected = [cx - 0.5 * pw, cy - 0.5 * ph, cx + 0.5 * pw - 1, cy + 0.5 * ph - 1];
		assertBox(deltas({ legacy: 'detectron' }).decode(Float32Array.of(dx, dy, dw, dh), ANCHOR), expected);
		assertBox(deltas({ legacy: 'detectron' }).encode(Float32Array.from(expected), ANCHOR), [dx, dy, dw, dh], 1e-5);
	});
	test('legacy: a box of one pixel has a size', () => {
		const codec = deltas({ legacy: 'detectron' });
		assert.deepEqual(Array.from(codec.encode(Float32Array.of(5, 5, 5, 5), Float32Array.of(5, 5, 5, 5))), [0, 0, 0, 0]);
		assert.deepEqual(Array.from(codec.decode(new Float32Array(4), Float32Array.of(5, 5, 5, 5))), [5, 5, 5, 5]);
	});
	test('mmdetection means and standard deviations: t std + mean', () => {
		const [means, variances] = [
			[0.1, -0.2, 0.3, -0.4],
			[0.1, 0.1, 0.2, 0.2],
		];
		const codec = deltas({ means, variances });
		const t = [1, 2, -1, 0.5];
		const [dx, dy, dw, dh] = t.map((v, i) => v * variances[i] + means[i]);
		const [cx, cy, w, h] = [30 + dx * 40, 60 + dy * 80, 40 * Math.exp(dw), 80 * Math.exp(dh)];
		const expected = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
		assertBox(codec.decode(Float32Array.from(t), ANCHOR), expected);
		assertBox(codec.encode(Float32Array.from(expected), ANCHOR), t, 1e-5);
	});
	test('YOLOF: a centre moves 32 px at most', () => {
		const codec = deltas({ centerClamp: 32 });
		assert.deepEqual(Array.from(codec.decode(Float32Array.of(2, -2, 0, 0), ANCHOR)), [42, -12, 82, 68]);
		assert.deepEqual(Array.from(codec.decode(Float32Array.of(0.5, -0.25, 0, 0), ANCHOR)), [30, 0, 70, 80]);
	});
});

describe('clamps', () => {
	const sizeOf = (codec: ReturnType<typeof deltas>, d: number) => {
		const out = codec.decode(Float32Array.of(0, 0, d, d), Float32Array.of(0, 0, 16, 16));
		return out[2] - out[0];
	};
	test('the limit is 4.135166556742356', () => assert.equal(DELTA_CLAMP, 4.135166556742356));
	test('one-sided by default: 16 px grow to 1000, and shrink without limit', () => {
		assert.approximately(sizeOf(deltas(), 1000), 1000, 1e-3);
		assert.approximately(sizeOf(deltas(), 4.2), 1000, 1e-3);
		assert.isBelow(sizeOf(deltas(), -1000), 1e-6);
		assert.approximately(sizeOf(deltas(), -5), 16 * Math.exp(-5), 1e-5);
	});
	test('mmdetection: both sides', () => {
		const codec = deltas({ clamp: [-DELTA_CLAMP, DELTA_CLAMP] });
		assert.approximately(sizeOf(codec, 1000), 1000, 1e-3);
		assert.approximately(sizeOf(codec, -1000), (16 * 16) / 1000, 1e-5);
	});
	test('the limit is on the change itself, after weights and means: torchvision with 10, 10, 5, 5, mmdetection with its standard deviations', () => {
		const own = (codec: ReturnType<typeof deltas>, raw: number) => {
			const out = codec.decode(Float32Array.of(0, 0, raw, raw), Float32Array.of(0, 0, 16, 16));
			return out[3] - out[1];
		};
		// 20 / 5 = 4 is below 4.135, 25 / 5 = 5 above
		assert.approximately(own(deltas({ weights: [10, 10, 5, 5] }), 20), 16 * Math.exp(4), 1e-2);
		assert.approximately(own(deltas({ weights: [10, 10, 5, 5] }), 25), 1000, 1e-2);
		const mmdet = deltas({ variances: [0.1, 0.1, 0.2, 0.2], means: [0, 0, 0.5, 0.5], clamp: [-DELTA_CLAMP, DELTA_CLAMP] });
		assert.approximately(own(mmdet, 17.5), 16 * Math.exp(4), 1e-2);
		assert.approximately(own(mmdet, 25), 1000, 1e-2);
		assert.approximately(own(mmdet, -22.5), 16 * Math.exp(-4), 1e-5);
		assert.approximately(own(mmdet, -30), 0.256, 1e-5);
	});
	test('YOLOF, as mmdetection with add_ctr_clamp: the size is limited above alone', () => {
		assert.approximately(sizeOf(deltas({ centerClamp: 32 }), 6), 1000, 1e-3);
		assert.approximately(sizeOf(deltas({ centerClamp: 32 }), -6), 16 * Math.exp(-6), 1e-5);
	});
	test('TensorRT EfficientNMS, box_coding 1: centre and size, no variance, no limit; y before x as well', () => {
		// efficientNMSInference.cuh, BoxCenterSize: x w + x, y h + y, w exp(w), h exp(h), of the anchor 30, 60, 40, 80
		const [dx, dy, dw, dh] = [0.5, -0.25, 5, -5];
		const [cx, cy, w, h] = [dx * 40 + 30, dy * 80 + 60, Math.exp(dw) * 40, Math.exp(dh) * 80];
		const expected = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
		assertBox(deltas({ clamp: false }).decode(Float32Array.of(dx, dy, dw, dh), ANCHOR), expected, 0.03); // of 5937
		assertBox(deltas({ clamp: false, order: 'yxhw' }).decode(Float32Array.of(dy, dx, dh, dw), ANCHOR), expected, 0.03);
	});
	test('none (Caffe): only what float32 holds', () => {
		assert.approximately(sizeOf(deltas({ clamp: false }), 6) / (16 * Math.exp(6)), 1, 1e-6);
		assert.isBelow(sizeOf(deltas({ clamp: false }), 1000), Infinity);
	});
});

describe('exact', () => {
	test('decode(0) is the anchor and encode(anchor) is 0', () => {
		fc.assert(
			fc.property(box, (anchor) => {
				const codecs = [
					deltas(),
					deltas({ variances: [0.1, 0.1, 0.2, 0.2] }),
					deltas({ order: 'yxhw', clamp: false }),
					deltas({ legacy: 'detectron', centerClamp: 32 }),
				];
				for (const codec of codecs) {
					assert.deepEqual(codec.decode(new Float32Array(4), anchor), anchor);
					assert.deepEqual(codec.encode(anchor, anchor).map(Math.abs), new Float32Array(4));
				}
			}),
		);
	});
	test('decode(encode(box)) is the box within 1e-5 of its coordinates or size', () => {
		fc.assert(
			fc.property(box, box, (gt, anchor) => {
				const scale = Math.max(...gt.map(Math.abs), ...anchor.map(Math.abs), gt[2] - gt[0], gt[3] - gt[1]);
				for (const legacy of [false, 'detectron', 'mmdet'] as const) {
					const codec = deltas({ clamp: false, legacy });
					assertBox(codec.decode(codec.encode(gt, anchor), anchor), Array.from(gt), 1e-5 * scale);
				}
			}),
		);
	});
	test('whatever the deltas, a decoded box is finite and not inverted', () => {
		const delta = fc.oneof(fc.double({ min: -1e4, max: 1e4, noNaN: true }), fc.constantFrom(0, -0, 1e-40, 1000, -1000, 1e18, -1e18));
		fc.assert(
			fc.property(fc.tuple(delta, delta, delta, delta), box, (raw, anchor) => {
				for (const codec of [deltas(), deltas({ legacy: 'detectron' })]) {
					const out = codec.decode(Float32Array.from(raw), anchor);
					assert.isTrue(out.every(Number.isFinite), `[${out}]`);
					assert.isTrue(out[2] >= out[0] && out[3] >= out[1], `[${out}]`);
				}
			}),
		);
	});
	test('a raw number that is not finite, anywhere, gives NaN everywhere', () => {
		for (const bad of [NaN, Infinity, -Infinity]) {
			for (let i = 0; i < 4; i++) {
				const raw = new Float32Array(4);
				raw[i] = bad;
				assert.isTrue(deltas().decode(raw, ANCHOR).every(Number.isNaN), `${bad} at ${i}`);
			}
		}
	});
	test('inputs are not modified, rows are independent', () => {
		const raw = Float32Array.of(0, 0, 0, 0, 0.5, -0.25, Math.log(2), Math.log(0.5));
		const anchors = Float32Array.of(...ANCHOR, ...ANCHOR);
		const out = deltas().decode(raw, anchors);
		assert.deepEqual(out.subarray(0, 4), ANCHOR);
		assertBox(out.subarray(4), [10, 20, 90, 60]);
		assert.deepEqual(Array.from(anchors.subarray(0, 4)), [10, 20, 50, 100]);
	});
});

describe('refusals', () => {
	test('a ground truth without size is named: its log would be -Infinity', () => {
		const anchors = Float32Array.of(...ANCHOR, ...ANCHOR);
		assert.throws(
			() => deltas().encode(Float32Array.of(0, 0, 1, 1, 5, 5, 5, 9), anchors),
			RangeError,
			/deltas.encode: boxes\[1\] must have a positive width.*\[5, 5, 5, 9\]/,
		);
		assert.throws(() => deltas().encode(Float32Array.of(0, 3, 1, 1), ANCHOR), /boxes\[0\] must have a positive height/);
		assert.throws(() => deltas().encode(ANCHOR, Float32Array.of(0, 0, 0, 1)), /anchors\[0\] must have a positive width/);
		assert.throws(() => deltas().encode(Float32Array.of(0, 0, NaN, 1), ANCHOR), /boxes\[0\]/);
	});
	test('lengths and kinds', () => {
		assert.throws(() => deltas().decode(new Float32Array(5), ANCHOR), RangeError, /deltas.decode: raw must have a length that is a multiple of 4; got 5/);
		assert.throws(() => deltas().decode(new Float32Array(8), ANCHOR), RangeError, /anchors must have as many rows as raw, 2; got 1/);
		assert.throws(() => deltas().decode(new Float32Array(4)), TypeError, /anchors must be given/);
		assert.throws(() => deltas().decode([0, 0, 0, 0] as never, ANCHOR), TypeError, /raw must be a Float32Array/);
		assert.throws(() => deltas().encode(new Float64Array(4) as never, ANCHOR), TypeError, /boxes must be a Float32Array/);
	});
	test('options', () => {
		assert.throws(() => deltas({ weights: [1, 1, 1, 1], variances: [1, 1, 1, 1] }), /variances must not be given beside weights/);
		assert.throws(() => deltas({ variances: [0.1, 0, 0.2, 0.2] }), /variances\[1\] must be a positive number; got 0/);
		assert.throws(() => deltas({ weights: [1, 1] }), /weights must be four numbers/);
		assert.throws(() => deltas({ clamp: NaN }), /clamp must be/);
		assert.throws(() => deltas({ clamp: [2, 1] }), /clamp must be/);
		assert.throws(() => deltas({ order: 'xyxy' as never }), /order must be/);
		assert.throws(() => deltas({ means: [0, 0, 0, NaN] }), /means\[3\] must be a finite number; got NaN/);
		assert.throws(() => deltas({ centerClamp: 0 }), /centerClamp must be a positive number of pixels or false; got 0/);
		assert.throws(() => deltas({ legacy: true as never }), /legacy must be 'detectron' or 'mmdet'; got true/);
		assert.throws(() => deltas({ variance: [1, 1, 1, 1] } as never), /did you mean variances/);
	});
	test('no rows', () => assert.deepEqual(deltas().decode(new Float32Array(0), new Float32Array(0)), new Float32Array(0)));
});

// The codecs of turned boxes against detectron2, mmrotate and ultralytics, in double precision: rotatedDeltas,
// rotatedDistances and boxes with an angle.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { boxes } from '../../../src/codecs/boxes.js';
import { rotatedDeltas } from '../../../src/codecs/rotated-deltas.js';
import { rotatedDistances } from '../../../src/codecs/rotated-distances.js';

const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));

function assertBox(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-3): void {
	expected.forEach((v, i) => {
		assert.approximately(actual[i], v, tolerance, `number ${i} of [${Array.from(actual)}], expected [${expected}]`);
	});
}

/** Centre, size and angle as the rectangle before it is turned, and the angle. */
const rect = ([x, y, w, h, angle]: readonly number[]) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2, angle];
const raws = fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 5, maxLength: 5 }).map((t) => t.map(Math.fround));
const places = fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 600 }), fc.integer({ min: 8, max: 300 }), fc.integer({ min: 8, max: 300 }));

/** The box and the angle, which may go round. */
function assertTurned(actual: Float32Array, expected: readonly number[], period: number, tolerance: number): void {
	assertBox(actual.subarray(0, 4), expected.slice(0, 4), tolerance);
	const turns = (actual[4] - expected[4]) / period;
	assert.approximately(turns, Math.round(turns), 1e-5, `angle ${actual[4]}, expected ${expected[4]}`);
}

describe('rotatedDeltas', () => {
	test('detectron2 Box2BoxTransformRotated: degrees counterclockwise, the change in radians, [-180, 180)', () => {
		const weights = [10, 10, 5, 5, 1];
		const codec = rotatedDeltas({ anchors: 'cxcywhr', angle: 'degrees-ccw', weights });
		fc.assert(
			fc.property(raws, places, fc.integer({ min: -180, max: 179 }), (t, [x, y, w, h], degrees) => {
				const [dx, dy, dw, dh, da] = t.map((v, i) => v / weights[i]);
				const turned = (da * 180) / Math.PI + degrees;
				const ccw = ((((turned + 180) % 360) + 360) % 360) - 180;
				const expected = rect([dx * w + x, dy * h + y, Math.exp(dw) * w, Math.exp(dh) * h, (-ccw * Math.PI) / 180]);
				const out = codec.decode(Float32Array.from(t), Float32Array.of(x, y, w, h, degrees));
				assertTurned(out, expected, 2 * Math.PI, 1e-5 * 2000);
				assert.isAtMost(Math.abs(out[4]), Math.fround(Math.PI));
			}),
		);
	});
	test('mmrotate DeltaXYWHAOBBoxCoder, le90, proj_xy', () => {
		const stds = [0.1, 0.1, 0.2, 0.2, 0.1];
		const codec = rotatedDeltas({ anchors: 'cxcywhr', range: 'le90', projected: true, variances: stds });
		fc.assert(
			fc.property(raws, places, fc.double({ min: -1.5, max: 1.5, noNaN: true }), (t, [px, py, pw, ph], angle) => {
				const pa = Math.fround(angle);
				const [dx, dy, dw, dh, da] = t.map((v, i) => v * stds[i]);
				const gx = dx * pw * Math.cos(pa) - dy * ph * Math.sin(pa) + px;
				const gy = dx * pw * Math.sin(pa) + dy * ph * Math.cos(pa) + py;
				const ga = ((((pa + da + Math.PI / 2) % Math.PI) + Math.PI) % Math.PI) - Math.PI / 2;
				const out = codec.decode(Float32Array.from(t), Float32Array.of(px, py, pw, ph, pa));
				assertTurned(out, rect([gx, gy, pw * Math.exp(dw), ph * Math.exp(dh), ga]), Math.PI, 1e-5 * 2000);
				assert.isAtMost(Math.abs(out[4]), Math.fround(Math.PI / 2) + 1e-6);
			}),
		);
	});
	test('horizontal anchors: the change is the angle', () => {
		const codec = rotatedDeltas();
		const out = codec.decode(Float32Array.of(0.5, -0.25, Math.log(2), Math.log(0.5), 0.75), Float32Array.of(10, 20, 50, 100));
		assertBox(out, [10, 20, 90, 60, 0.75], 1e-4); // as in `deltas`
		const ccw = rotatedDeltas({ angle: 'degrees-ccw' }).decode(Float32Array.of(0, 0, 0, 0, 0.75), Float32Array.of(10, 20, 50, 100));
		assert.deepEqual(Array.from(ccw), [10, 20, 50, 100, -0.75]);
	});
	test('ranges: 100 degrees', () => {
		const angleOf = (range: 'full' | 'le90' | 'le135' | 'none', degrees: number) =>
			(rotatedDeltas({ range }).decode(Float32Array.of(0, 0, 0, 0, (degrees * Math.PI) / 180), Float32Array.of(0, 0, 8, 8))[4] * 180) / Math.PI;
		assert.approximately(angleOf('full', 100), 100, 1e-4);
		assert.approximately(angleOf('full', 190), -170, 1e-4);
		assert.approximately(angleOf('le90', 100), -80, 1e-4);
		assert.approximately(angleOf('le135', 100), 100, 1e-4);
		assert.approximately(angleOf('le135', 140), -40, 1e-4);
		assert.approximately(angleOf('none', 1000), 1000, 1e-3);
	});
	test('decode(0) is the anchor and encode(anchor) is 0, exactly', () => {
		fc.assert(
			fc.property(places, fc.integer({ min: -90, max: 90 }), ([x, y, w, h], degrees) => {
				const anchor = Float32Array.of(x, y, w, h, degrees);
				const codec = rotatedDeltas({ anchors: 'cxcywhr', angle: 'degrees-ccw', weights: [10, 10, 5, 5, 1] });
				const box = codec.decode(new Float32Array(5), anchor);
				assert.deepEqual(Array.from(box.subarray(0, 4)), rect([x, y, w, h]).slice(0, 4));
				assert.approximately(box[4], (-degrees * Math.PI) / 180, 1e-6);
				assert.deepEqual(codec.encode(box, anchor).map(Math.abs), new Float32Array(5));
			}),
		);
	});
	test('an angle beyond 4096 radians is none', () => {
		assert.isTrue(
			rotatedDeltas()
				.decode(Float32Array.of(0, 0, 0, 0, 5000), Float32Array.of(0, 0, 8, 8))
				.every(Number.isNaN),
		);
	});
	test('refusals', () => {
		const codec = rotatedDeltas({ anchors: 'cxcywhr' });
		assert.throws(() => codec.encode(Float32Array.of(0, 0, 0, 8, 0), Float32Array.of(0, 0, 8, 8, 0)), RangeError, /boxes\[0\] must have a positive width/);
		assert.throws(() => codec.encode(Float32Array.of(0, 0, 8, 8, 0), Float32Array.of(0, 0, 8, 0, 0)), RangeError, /anchors\[0\] must have a positive height/);
		assert.throws(() => codec.decode(new Float32Array(5), new Float32Array(4)), /anchors must have a length that is a multiple of 5; got 4/);
		assert.throws(() => codec.decode(new Float32Array(5)), /anchors must be given \(rows of cxcywhr, flat \[N, 5\]\)/);
		assert.throws(() => rotatedDeltas({ weights: [10, 10, 5, 5] }), /weights must be five numbers/);
		assert.throws(() => rotatedDeltas({ angle: 'degrees' as never }), /angle must be 'radians-cw' or 'degrees-ccw'/);
		assert.throws(() => rotatedDeltas({ range: 'oc' as never }), /range must be/);
	});
});

describe('rotatedDistances', () => {
	const dist2rbox = ([l, t, r, b]: readonly number[], angle: number, [px, py]: readonly number[], stride: number) => {
		const [xf, yf] = [(r - l) / 2, (b - t) / 2];
		const [x, y] = [xf * Math.cos(angle) - yf * Math.sin(angle), xf * Math.sin(angle) + yf * Math.cos(angle)];
		return rect([...[x + px, y + py, l + r, t + b].map((v) => v * stride), angle]);
	};
	const mean = (logits: readonly number[]) => {
		const weights = logits.map((t) => Math.exp(t));
		return weights.reduce((total, w, bin) => total + w * bin, 0) / weights.reduce((p, q) => p + q);
	};
	const at = Float32Array.of(12.5 * 16, 7.5 * 16, 16, 16);
	test('ultralytics dist2rbox: v8 and 11, the angle is (sigmoid - 0.25) pi', () => {
		fc.assert(
			fc.property(raws, (t) => {
				const expected = dist2rbox(t.slice(0, 4), (sigmoid(t[4]) - 0.25) * Math.PI, [12.5, 7.5], 16);
				assertBox(rotatedDistances().decode(Float32Array.from(t), at), expected, 1e-5 * 300);
			}),
		);
	});
	test('YOLO26: the angle is raw', () => {
		fc.assert(
			fc.property(raws, (t) => {
				assertBox(rotatedDistances({ angle: 'raw' }).decode(Float32Array.from(t), at), dist2rbox(t.slice(0, 4), t[4], [12.5, 7.5], 16), 1e-5 * 300);
			}),
		);
	});
	test('with bins', () => {
		const raw = Array.from({ length: 65 }, (_, i) => Math.fround(Math.sin(i * i)));
		const sides = [0, 1, 2, 3].map((s) => mean(raw.slice(16 * s, 16 * s + 16)));
		const expected = dist2rbox(sides, (sigmoid(raw[64]) - 0.25) * Math.PI, [12.5, 7.5], 16);
		assertBox(rotatedDistances({ numBins: 16 }).decode(Float32Array.from(raw), at), expected, 1e-5 * 300);
	});
	test('a quarter turn clockwise on the screen: a box that reaches right of its point lies below it', () => {
		const out = rotatedDistances({ angle: 'raw' }).decode(Float32Array.of(0, 1, 4, 1, Math.PI / 2), Float32Array.of(100, 100, 10, 10));
		assertBox(out, [100 - 20, 120 - 10, 100 + 20, 120 + 10, Math.PI / 2], 1e-4);
	});
	test('decode(encode(box)) is the box', () => {
		const angle = fc.double({ min: -0.7, max: 2.3, noNaN: true });
		fc.assert(
			fc.property(places, angle, ([x, y, w, h], turn) => {
				const box = Float32Array.from(rect([x, y, w, h, turn]));
				const tolerance = 1e-5 * Math.max(...box.map(Math.abs), 300);
				for (const codec of [rotatedDistances(), rotatedDistances({ angle: 'raw' })])
					assertBox(codec.decode(codec.encode(box, at), at), Array.from(box), tolerance);
			}),
		);
	});
	test('with bins too, for a box that holds its point', () => {
		const codec = rotatedDistances({ numBins: 16 });
		const box = Float32Array.from(rect([203, 118, 80, 40, 0.5]));
		assertBox(codec.decode(codec.encode(box, at), at), Array.from(box), 1e-5 * 300);
		assert.throws(
			() => codec.encode(Float32Array.from(rect([900, 118, 80, 40, 0.5])), at),
			RangeError,
			/boxes\[0\] must hold its point, with sides at most 15 strides/,
		);
	});
	test('an angle out of the range of the sigmoid is turned by pi, which changes no box', () => {
		const codec = rotatedDistances();
		const out = codec.decode(codec.encode(Float32Array.from(rect([210, 130, 80, 40, -2])), at), at);
		assertBox(out, rect([210, 130, 80, 40, Math.PI - 2]), 1e-3);
	});
	test('an angle that is not finite, or none, gives a box of NaN', () => {
		for (const bad of [NaN, Infinity, 5000])
			assert.isTrue(
				rotatedDistances({ angle: 'raw' })
					.decode(Float32Array.of(1, 1, 1, 1, bad), at)
					.subarray(0, 4)
					.every(Number.isNaN),
			);
	});
	test('options', () => {
		assert.equal(rotatedDistances({ numBins: 16 }).numRaw, 65);
		assert.throws(() => rotatedDistances({ angle: 'sigmoid' as never }), /angle must be 'sigmoid-quarter' or 'raw'/);
		assert.throws(() => rotatedDistances({ numBins: 0 }), /numBins must be an integer from 1 to 1024; got 0/);
	});
});

describe('boxes with an angle', () => {
	test('cx, cy, w, h, angle as Ultralytics exports it', () => {
		const codec = boxes({ format: 'cxcywhr', scale: [2, 2] });
		assert.equal(codec.numRaw, 5);
		assert.deepEqual(Array.from(codec.decode(Float32Array.of(15, 30, 20, 40, 0.5))), [10, 20, 50, 100, 0.5]);
		assert.deepEqual(Array.from(codec.encode(Float32Array.of(10, 20, 50, 100, 0.5))), [15, 30, 20, 40, 0.5]);
	});
	test('a scale that would shear is refused', () => {
		assert.throws(() => boxes({ format: 'cxcywhr', scale: [640, 480] }), RangeError, /scale must be the same in x and y/);
	});
});

// Overlap of rotated boxes against exact polygon clipping and the published formula in double precision; properties; known numbers.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { boxIou } from '../../../src/boxes/iou.js';
import type { RotatedIouKind } from '../../../src/boxes/overlap.js';
import { polygonIntersection, ROTATED_IOU_KINDS, rotatedOverlap, rotatedOverlapsMore } from '../../../src/boxes/rotated.js';
import { decisionThreshold, flushProduct } from '../../../src/numbers.js';
import { polygonIou, probiouOf, type Rotated } from '../../support/rotated-overlap.js';

const corners = ([cx, cy, w, h]: Rotated) => Float32Array.of(cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2).map(flushProduct);
const measure = (kind: RotatedIouKind, a: Rotated, b: Rotated) => rotatedOverlap(kind, corners(a), 0, Math.fround(a[4]), corners(b), 0, Math.fround(b[4]));
const iou = (a: Rotated, b: Rotated) => measure('iou', a, b);
const prob = (a: Rotated, b: Rotated) => measure('probiou', a, b);

/** The box that float32 makes of it. */
const rounded = (box: Rotated): Rotated => {
	const [x1, y1, x2, y2] = corners(box);
	return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, Math.fround(box[4])];
};
const referenceIou = (a: Rotated, b: Rotated) => polygonIou(rounded(a), rounded(b));
const referenceProbiou = probiouOf;

const real = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const rotated = fc.tuple(real(-20, 20), real(-20, 20), real(1, 30), real(1, 30), real(-7, 7));
const whole = (min: number, max: number) => fc.integer({ min, max });
const wholeRotated = fc.tuple(
	whole(-20, 20),
	whole(-20, 20),
	whole(1, 16).map((s) => 2 * s),
	whole(1, 16).map((s) => 2 * s),
	real(-4, 4),
);

describe('by hand', () => {
	const square: Rotated = [100, 100, 10, 10, 0];
	const moved = (by: number, angle = 0): Rotated => [100 + by, 100, 10, 10, angle];
	test('probiou of 10 x 10 squares, as the function of ultralytics gives it', () => {
		assert.approximately(prob(square, square), 0.9995, 5e-5);
		assert.approximately(prob(square, moved(5)), 0.4408, 5e-5);
		assert.approximately(prob(square, moved(10)), 0.1186, 5e-5);
		assert.approximately(prob(square, moved(20)), 0.0012, 5e-5);
		assert.approximately(prob(square, moved(0, Math.PI / 4)), 0.9995, 5e-5);
	});
	test('polygon IoU of the same', () => {
		assert.equal(iou(square, square), 1);
		assert.equal(iou(square, moved(5)), Math.fround(1 / 3));
		assert.equal(iou(square, moved(10)), 0);
		assert.equal(iou(square, moved(20)), 0);
		// an octagon of 8 (sqrt 2 - 1) r^2 in the union of 8 r^2 less that
		const octagon = 8 * (Math.SQRT2 - 1);
		assert.approximately(iou(square, moved(0, Math.PI / 4)), octagon / (8 - octagon), 1e-6);
		assert.approximately(octagon / (8 - octagon), 0.7071, 1e-4);
	});
	test('a corner pushed into a side: a triangle', () => {
		// a square of diagonal 2 sqrt 2 about (100, 100), turned by 45 degrees, against a wall that starts 1 before its tip
		const tip: Rotated = [100, 100, 2, 2, Math.PI / 4];
		const wall: Rotated = [100 + Math.SQRT2 - 1 + 10, 100, 20, 20, 0];
		assert.approximately(iou(tip, wall), 1 / (4 + 400 - 1), 1e-6);
	});
	test('clockwise: the upper left part of a long box turned by 45 degrees', () => {
		// on the screen, y down, a clockwise turn sends the right end down
		const long: Rotated = [0, 0, 20, 2, Math.PI / 4];
		assert.isAbove(iou(long, [5, 5, 2, 2, 0]), 0.05);
		assert.equal(iou(long, [5, -5, 2, 2, 0]), 0);
	});
	test('a cross', () => assert.approximately(iou([3, 4, 10, 2, 0.3], [3, 4, 2, 10, 0.3]), 4 / 36, 1e-6));
	test('inside', () => assert.approximately(iou([0, 0, 20, 20, 0.7], [1, -1, 4, 2, 2.1]), 8 / 400, 1e-6));
	test('the area itself', () => {
		assert.approximately(polygonIntersection(corners(square), 0, 0, corners(square), 0, Math.fround(Math.PI / 4)), 200 * (Math.SQRT2 - 1), 2e-5);
	});
});

describe('against double precision', () => {
	test('polygons: another algorithm', () => {
		fc.assert(
			fc.property(rotated, rotated, (a, b) => assert.approximately(iou(a, b), referenceIou(a, b), 3e-6)),
			{ numRuns: 3000 },
		);
	});
	test('polygons that share corners, sides and angles', () => {
		const few = fc.tuple(
			whole(-2, 2),
			whole(-2, 2),
			fc.constantFrom(2, 4),
			fc.constantFrom(2, 4),
			whole(-4, 4).map((k) => (k * Math.PI) / 4),
		);
		fc.assert(
			fc.property(few, few, (a, b) => assert.approximately(iou(a, b), referenceIou(a, b), 3e-6)),
			{ numRuns: 3000 },
		);
	});
	test('polygons with sides of 1 and 1000', () => {
		const thin = fc.tuple(real(-5, 5), real(-5, 5), real(500, 1000), real(1, 2), real(-0.01, 0.01));
		fc.assert(
			fc.property(thin, thin, (a, b) => assert.approximately(iou(a, b), referenceIou(a, b), 3e-4)),
			{ numRuns: 1000 },
		);
	});
	test('almost parallel sides', () => {
		fc.assert(
			fc.property(rotated, real(-40, -1), (a, exponent) => {
				const b: Rotated = [a[0], a[1], a[2], a[3], a[4] + 2 ** exponent];
				assert.approximately(iou(a, b), referenceIou(a, b), 3e-6);
			}),
			{ numRuns: 1000 },
		);
	});
	test('probiou: the formula', () => {
		fc.assert(
			// their distances squared: near 1 the root makes much of the last bit
			fc.property(rotated, rotated, (a, b) => assert.approximately((1 - prob(a, b)) ** 2, (1 - referenceProbiou(a, b)) ** 2, 1e-6)),
			{ numRuns: 3000 },
		);
	});
});

describe('properties', () => {
	const kinds = fc.constantFrom(...ROTATED_IOU_KINDS);
	test('symmetric to the bit, within 0 and 1', () => {
		fc.assert(
			fc.property(rotated, rotated, kinds, (a, b, kind) => {
				const value = measure(kind, a, b);
				assert.equal(value, measure(kind, b, a));
				assert.isTrue(value >= 0 && value <= 1 && !Object.is(value, -0), String(value));
			}),
			{ numRuns: 1000 },
		);
	});
	test('a box with itself: 1; .9995', () => {
		fc.assert(
			fc.property(rotated, (a) => {
				assert.equal(iou(a, a), 1);
				assert.approximately(prob(a, a), 0.9995, 5e-4);
			}),
		);
	});
	test('moved by whole numbers, both: the same bits', () => {
		fc.assert(
			fc.property(wholeRotated, wholeRotated, whole(-500, 500), whole(-500, 500), kinds, (a, b, x, y, kind) => {
				const move = ([cx, cy, w, h, angle]: Rotated): Rotated => [cx + x, cy + y, w, h, angle];
				// the order of a pair is by coordinates, which moving keeps
				assert.equal(measure(kind, move(a), move(b)), measure(kind, a, b));
			}),
		);
	});
	test('scaled by a power of two, both: the same bits of the polygon IoU', () => {
		fc.assert(
			fc.property(rotated, rotated, whole(-20, 40), (a, b, k) => {
				const scale = ([cx, cy, w, h, angle]: Rotated): Rotated => [cx * 2 ** k, cy * 2 ** k, w * 2 ** k, h * 2 ** k, angle];
				assert.equal(iou(scale(a), scale(b)), iou(a, b));
			}),
		);
	});
	test('turned by a quarter, both', () => {
		fc.assert(
			fc.property(wholeRotated, wholeRotated, kinds, (a, b, kind) => {
				const turn = ([cx, cy, w, h, angle]: Rotated): Rotated => [-cy, cx, w, h, angle + Math.PI / 2];
				assert.approximately(measure(kind, turn(a), turn(b)), measure(kind, a, b), kind === 'iou' ? 1e-5 : 1e-4);
			}),
			{ numRuns: 500 },
		);
	});
	test('the same box by another name: turned by half, or by a quarter with sides exchanged', () => {
		fc.assert(
			fc.property(rotated, rotated, kinds, ([cx, cy, w, h, angle], b, kind) => {
				const within = kind === 'iou' ? 1e-5 : 1e-4;
				const value = measure(kind, [cx, cy, w, h, angle], b);
				assert.approximately(measure(kind, [cx, cy, w, h, angle + Math.PI], b), value, within);
				assert.approximately(measure(kind, [cx, cy, h, w, angle - Math.PI / 2], b), value, within);
			}),
			{ numRuns: 500 },
		);
	});
	test('angle 0: the plain IoU', () => {
		fc.assert(
			fc.property(rotated, rotated, (a, b) => {
				const plain = boxIou(corners(a), corners(b))[0];
				assert.approximately(iou([a[0], a[1], a[2], a[3], 0], [b[0], b[1], b[2], b[3], 0]), plain, 1e-6);
			}),
			{ numRuns: 500 },
		);
	});
	test('angle 0, touching sides and corners: exactly 0', () => {
		fc.assert(
			fc.property(wholeRotated, whole(-9, 9), ([cx, cy, w, h], y) => {
				assert.equal(iou([cx, cy, w, h, 0], [cx + w, cy + y, w, h, 0]), 0);
				assert.equal(iou([cx, cy, w, h, 0], [cx + y, cy - h, w, h, 0]), 0);
			}),
		);
	});
	test('boxes apart: 0 of polygon IoU', () => {
		fc.assert(
			fc.property(rotated, rotated, real(0, 7), (a, b, direction) => {
				const reach = (Math.hypot(a[2], a[3]) + Math.hypot(b[2], b[3])) / 2 + 1e-3;
				assert.equal(iou(a, [a[0] + reach * Math.cos(direction), a[1] + reach * Math.sin(direction), b[2], b[3], b[4]]), 0);
			}),
		);
	});
});

describe('boxes that are none, and extremes', () => {
	test('empty ones overlap nothing, themselves included', () => {
		for (const empty of [
			[5, 5, 0, 4, 1],
			[5, 5, 4, 0, 1],
			[5, 5, -4, 4, 1],
			[5, 5, 0, 0, 0],
			[0, 0, 1e-20, 1e-20, 1],
		] as Rotated[]) {
			for (const kind of ROTATED_IOU_KINDS) {
				assert.equal(measure(kind, empty, empty), 0);
				assert.equal(measure(kind, empty, [5, 5, 10, 10, 0]), 0);
				assert.equal(measure(kind, [5, 5, 10, 10, 0], empty), 0);
			}
		}
	});
	test('up to the largest coordinates and down to small ones: finite, in range', () => {
		const size = real(-62, 60).map((e) => 2 ** e);
		const angle = fc.oneof(
			real(-4095, 4095),
			whole(-8, 8).map((k) => (k * Math.PI) / 4),
		);
		const any = fc.tuple(fc.constantFrom(0, 1, 2 ** 60), fc.constantFrom(0, 3, -(2 ** 60)), size, size, angle);
		fc.assert(
			fc.property(any, any, fc.constantFrom(...ROTATED_IOU_KINDS), (a, b, kind) => {
				const value = measure(kind, a, b);
				assert.isTrue(value >= 0 && value <= 1, `${value}`);
			}),
			{ numRuns: 3000 },
		);
	});
	test('probiou of huge boxes is that of their small likenesses', () => {
		const large = 2 ** 58;
		assert.approximately(prob([0, 0, 10 * large, 10 * large, 1], [5 * large, 0, 10 * large, 10 * large, 1]), 0.4408, 5e-5);
	});
});

describe('the decision', () => {
	test('is strictly greater on the float32 value', () => {
		fc.assert(
			fc.property(rotated, rotated, fc.constantFrom(...ROTATED_IOU_KINDS), (a, b, kind) => {
				const value = measure(kind, a, b);
				const more = (t: number) => rotatedOverlapsMore(kind, corners(a), 0, Math.fround(a[4]), corners(b), 0, Math.fround(b[4]), decisionThreshold(t));
				assert.isFalse(more(value));
				if (value > 1e-6) assert.isTrue(more(value * (1 - 2 ** -23)));
			}),
		);
	});
	test('a third is not more than a third', () => {
		const [a, b] = [corners([0, 0, 10, 10, 0]), corners([5, 0, 10, 10, 0])];
		assert.isFalse(rotatedOverlapsMore('iou', a, 0, 0, b, 0, 0, decisionThreshold(1 / 3)));
		assert.isTrue(rotatedOverlapsMore('iou', a, 0, 0, b, 0, 0, decisionThreshold(0.3333)));
	});
});

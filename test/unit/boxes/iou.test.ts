// Pairwise overlap: textbook numbers, an exact rational oracle on integer boxes, properties of every kind.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { boxIou, IOU_KINDS, type IouKind } from '../../../src/boxes/iou.js';
import { atan32, divide32 } from '../../../src/functions.js';

type Box = [number, number, number, number];
const iou = (a: Box, b: Box, kind: IouKind = 'iou') => boxIou(Float32Array.from(a), Float32Array.from(b), { kind })[0];

const coordinate = fc.integer({ min: -64, max: 64 });
const integerBox = fc
	.tuple(coordinate, coordinate, fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }))
	.map(([x, y, w, h]): Box => [x, y, x + w, y + h]);
const anyBox = fc.tuple(coordinate, coordinate, coordinate, coordinate).map(([a, b, c, d]): Box => [a, b, c, d]); // empty and inverted ones too
const realBox = fc
	.tuple(...[0, 1, 2, 3].map(() => fc.double({ min: -1000, max: 1000, noNaN: true })))
	.map(([a, b, c, d]): Box => [Math.min(a, c), Math.min(b, d), Math.max(a, c), Math.max(b, d)]);

/** The definitions in double precision, for boxes of positive size. */
function reference(kind: IouKind, a: Box, b: Box): number {
	const area = ([x1, y1, x2, y2]: Box) => (x2 - x1) * (y2 - y1);
	const inner = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
	const union = area(a) + area(b) - inner;
	const value = inner / union;
	if (kind === 'iof') return inner / area(a);
	if (kind === 'iom') return inner / Math.min(area(a), area(b));
	if (kind === 'iou') return value;
	const hull: Box = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
	if (kind === 'giou') return value - (area(hull) - union) / area(hull);
	const d2 = ((a[0] + a[2] - b[0] - b[2]) / 2) ** 2 + ((a[1] + a[3] - b[1] - b[3]) / 2) ** 2;
	const diou = value - d2 / ((hull[2] - hull[0]) ** 2 + (hull[3] - hull[1]) ** 2);
	if (kind === 'diou') return diou;
	const angle = ([x1, y1, x2, y2]: Box) => Math.atan((x2 - x1) / (y2 - y1));
	const v = (4 / Math.PI ** 2) * (angle(a) - angle(b)) ** 2;
	return v === 0 ? diou : diou - (v / (1 - value + v)) * v;
}

describe('by hand', () => {
	const a: Box = [0, 0, 10, 10];
	const b: Box = [5, 5, 15, 15];
	// I 25, U 175, C 225; d^2 50, c^2 450
	test('iou 25/175', () => assert.equal(iou(a, b), Math.fround(25 / 175)));
	test('iof 25/100', () => assert.equal(iou(a, b, 'iof'), 0.25));
	test('giou 25/175 - 50/225', () => assert.approximately(iou(a, b, 'giou'), 25 / 175 - 50 / 225, 1e-7));
	test('diou 25/175 - 50/450', () => assert.approximately(iou(a, b, 'diou'), 25 / 175 - 50 / 450, 1e-7));
	test('ciou of equal shapes is diou', () => assert.equal(iou(a, b, 'ciou'), iou(a, b, 'diou')));
	test('iof and iom of a box inside another', () => {
		assert.equal(iou([0, 0, 10, 10], [2, 2, 4, 4], 'iof'), Math.fround(0.04));
		assert.equal(iou([2, 2, 4, 4], [0, 0, 10, 10], 'iof'), 1);
		assert.equal(iou([0, 0, 10, 10], [2, 2, 4, 4], 'iom'), 1);
	});
	test('ciou of 10 x 5 against 5 x 10 about one centre', () => {
		// I 25, U 75, same centre; atan 2 - atan 0.5 = 0.6435; v = 4/pi^2 0.6435^2 = 0.16783
		const v = 0.167832;
		assert.approximately(iou([0, 0, 10, 5], [2.5, -2.5, 7.5, 7.5], 'ciou'), 1 / 3 - v ** 2 / (2 / 3 + v), 1e-5);
	});
	test('giou of disjoint boxes far apart tends to -1', () => assert.approximately(iou([0, 0, 1, 1], [999, 999, 1000, 1000], 'giou'), -1 + 2e-6, 1e-7));
	test('touching along an edge or in a corner: 0', () => {
		assert.equal(iou([0, 0, 1, 1], [1, 0, 2, 1]), 0);
		assert.equal(iou([0, 0, 1, 1], [1, 1, 2, 2]), 0);
	});
});

describe('against definitions in double precision', () => {
	for (const kind of IOU_KINDS) {
		test(kind, () => {
			fc.assert(
				fc.property(integerBox, integerBox, (a, b) => {
					assert.approximately(iou(a, b, kind), reference(kind, a, b), kind === 'ciou' ? 1e-5 : 1e-6);
				}),
				{ numRuns: 500 },
			);
		});
	}
	test('iou of integer boxes is the correctly rounded fraction', () => {
		fc.assert(
			fc.property(integerBox, integerBox, (a, b) => {
				assert.equal(iou(a, b), Math.fround(reference('iou', a, b)));
			}),
			{ numRuns: 500 },
		);
	});
});

describe('properties', () => {
	test('symmetric, but for iof', () => {
		fc.assert(
			fc.property(anyBox, anyBox, fc.constantFrom<IouKind>('iou', 'giou', 'diou', 'ciou', 'iom'), (a, b, kind) => {
				assert.equal(iou(a, b, kind), iou(b, a, kind));
			}),
		);
	});
	test('iou, iof and iom lie in [0, 1], the others in [-2, 1], whatever the boxes', () => {
		fc.assert(
			fc.property(fc.oneof(anyBox, realBox), fc.oneof(anyBox, realBox), fc.constantFrom(...IOU_KINDS), (a, b, kind) => {
				const value = iou(a, b, kind);
				const low = kind === 'iou' || kind === 'iof' || kind === 'iom' ? 0 : -2;
				assert.isTrue(value >= low && value <= 1 && !Object.is(value, -0), `${kind} ${value}`);
			}),
			{ numRuns: 500 },
		);
	});
	test('giou and diou are at most iou', () => {
		fc.assert(
			fc.property(realBox, realBox, (a, b) => {
				assert.isAtMost(iou(a, b, 'giou'), iou(a, b));
				assert.isAtMost(iou(a, b, 'diou'), iou(a, b));
				assert.isAtMost(iou(a, b, 'ciou'), iou(a, b, 'diou'));
			}),
			{ numRuns: 500 },
		);
	});
	test('nested nearly equal boxes: iou never above 1, giou never above iou', () => {
		fc.assert(
			fc.property(realBox, fc.integer({ min: 0, max: 3 }), (a, side) => {
				const b = Array.from(Float32Array.from(a)) as Box;
				b[side] = Math.fround(b[side] * (1 + 2 ** -23));
				assert.isAtMost(iou(a, b), 1);
				assert.isAtMost(iou(a, b, 'giou'), iou(a, b));
			}),
			{ numRuns: 500 },
		);
	});
	test('identical boxes: 1 of every kind', () => {
		fc.assert(
			fc.property(integerBox, fc.constantFrom(...IOU_KINDS), (a, kind) => {
				assert.equal(iou(a, a, kind), 1);
			}),
		);
	});
});

describe('boxes that are none', () => {
	const empty: Box[] = [
		[5, 5, 5, 5],
		[5, 5, 5, 9],
		[5, 5, 9, 5],
		[9, 9, 5, 5],
		[9, 5, 5, 9],
		[0, 0, 1e-20, 1e-20],
	];
	test('empty and inverted boxes overlap nothing, themselves included', () => {
		for (const box of empty) {
			for (const kind of ['iou', 'iof', 'iom'] as const) {
				assert.equal(iou(box, box, kind), 0, `${box}`);
				assert.equal(iou([0, 0, 10, 10], box, kind), 0);
			}
		}
	});
	test('identical points: 0 of every kind', () => {
		for (const kind of IOU_KINDS) assert.equal(iou([5, 5, 5, 5], [5, 5, 5, 5], kind), 0);
	});
	test('two different points: giou 0 - 1, diou 0 - 1', () => {
		assert.equal(iou([0, 0, 0, 0], [3, 4, 3, 4], 'giou'), -1);
		assert.equal(iou([0, 0, 0, 0], [3, 4, 3, 4], 'diou'), -1);
	});
	test('ciou with zero height or width is finite', () => {
		for (const box of empty) {
			assert.isTrue(Number.isFinite(iou(box, [0, 0, 10, 20], 'ciou')));
			assert.isTrue(Number.isFinite(iou([0, 0, 10, 20], box, 'ciou')));
		}
	});
	test('coordinates that are not finite, or 2^62 and more, give NaN of every kind', () => {
		for (const bad of [NaN, Infinity, -Infinity, 2 ** 62, -(2 ** 62), 3e38]) {
			for (let place = 0; place < 4; place++) {
				const box: Box = [0, 0, 10, 10];
				box[place] = bad;
				for (const kind of IOU_KINDS) {
					assert.isNaN(iou(box, [0, 0, 10, 10], kind));
					assert.isNaN(iou([0, 0, 10, 10], box, kind));
				}
			}
		}
	});
	test('just below 2^62 all kinds are finite', () => {
		const far = 2 ** 62 - 2 ** 38;
		for (const kind of IOU_KINDS) {
			assert.equal(iou([-far, -far, far, far], [-far, -far, far, far], kind), 1);
			assert.isTrue(Number.isFinite(iou([-far, -far, 0, 0], [0, 0, far, far], kind)));
		}
	});
});

test('the matrix is [A, B], row by row', () => {
	const a = Float32Array.of(0, 0, 10, 10, 0, 0, 5, 10);
	const b = Float32Array.of(0, 0, 10, 10, 0, 0, 5, 5, 20, 20, 30, 30);
	assert.deepEqual(Array.from(boxIou(a, b)), [1, 0.25, 0, 0.5, 0.5, 0]);
	assert.equal(boxIou(new Float32Array(0), b).length, 0);
	assert.equal(boxIou(a, new Float32Array(0)).length, 0);
});

describe('the arithmetic underneath', () => {
	const positive = fc.double({ min: 1e-30, max: 1e30, noNaN: true }).map(Math.fround);
	test('divide32 is the rounded quotient; tiny ones are 0', () => {
		fc.assert(
			fc.property(positive, positive, (a, b) => {
				const quotient = a / b;
				assert.equal(divide32(a, b), quotient < 2 ** -126 ? 0 : Math.fround(quotient));
			}),
			{ numRuns: 1000 },
		);
		assert.equal(divide32(0, 3), 0);
		assert.equal(divide32(1e-40, 1e-38), 0); // a denormal counts as 0
	});
	test('atan32 is within 2 ulp of atan2, over the whole quadrant', () => {
		fc.assert(
			fc.property(positive, positive, (y, x) => {
				const expected = Math.atan2(y, x);
				if (expected > 1e-30) assert.isBelow(Math.abs(atan32(y, x) - expected) / expected, 2.5 * 2 ** -23, `atan2(${y}, ${x})`);
			}),
			{ numRuns: 1000 },
		);
		for (let k = 0; k <= 1000; k++) {
			const expected = Math.atan2(k, 1000 - k);
			assert.isAtMost(Math.abs(atan32(k, 1000 - k) - expected), 2.5 * 2 ** -23 * expected, `${k} : ${1000 - k}`);
		}
	});
	test('atan32 at the corners', () => {
		assert.equal(atan32(0, 0), 0);
		assert.equal(atan32(0, 7), 0);
		assert.equal(atan32(7, 0), Math.fround(Math.PI / 2));
		assert.equal(atan32(7, 7), Math.fround(Math.PI / 4));
	});
});

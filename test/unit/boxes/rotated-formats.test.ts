// Angle conventions and ranges of rotated boxes, by numbers worked out by hand, and their corners.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { rotatedIou } from '../../../src/boxes/rotated.js';
import { convertRotated, type RotatedRange, regularizeRotated, rotatedBounds, rotatedCorners, upright } from '../../../src/boxes/rotated-formats.js';

const { PI } = Math;
const box = (w: number, h: number, angle: number) => Float32Array.of(100, 50, w, h, angle);
const near = (got: ArrayLike<number>, wanted: readonly number[], within = 1e-5) => {
	assert.equal(got.length, wanted.length);
	wanted.forEach((x, i) => assert.approximately(got[i], x, within, `${[...Array.from(got)]}`));
};

describe('convertRotated', () => {
	test('detectron2: 30 degrees counterclockwise are -pi/6 clockwise', () => {
		near(convertRotated(box(4, 2, 30), 'degrees-counterclockwise', 'radians-clockwise'), [100, 50, 4, 2, -PI / 6]);
	});
	test('OpenCV: 30 degrees clockwise are pi/6', () => near(convertRotated(box(4, 2, 30), 'degrees-clockwise', 'radians-clockwise'), [100, 50, 4, 2, PI / 6]));
	test('mmcv with clockwise=False', () => near(convertRotated(box(4, 2, 1), 'radians-counterclockwise', 'radians-clockwise'), [100, 50, 4, 2, -1]));
	test('and back, all pairs; the argument stays', () => {
		const all = ['radians-clockwise', 'radians-counterclockwise', 'degrees-clockwise', 'degrees-counterclockwise'] as const;
		for (const from of all) {
			for (const to of all) {
				const given = box(4, 2, 1.25);
				near(convertRotated(convertRotated(given, from, to), to, from), [100, 50, 4, 2, 1.25], 1e-6);
				assert.equal(given[4], 1.25);
			}
		}
	});
	test('two boxes: only angles change', () => {
		near(
			convertRotated(Float32Array.of(1, 2, 3, 4, PI, 5, 6, 7, 8, -PI / 2), 'radians-clockwise', 'degrees-counterclockwise'),
			[1, 2, 3, 4, -180, 5, 6, 7, 8, 90],
			2e-5,
		);
	});
	test('refuses what it does not know', () => {
		assert.throws(
			() => convertRotated(new Float32Array(4), 'degrees-clockwise', 'radians-clockwise'),
			RangeError,
			'convertRotated: boxes must have a length that is a multiple of 5',
		);
		assert.throws(() => convertRotated([1] as never, 'degrees-clockwise', 'radians-clockwise'), TypeError);
		assert.throws(() => convertRotated(new Float32Array(5), 'degrees' as never, 'radians-clockwise'), RangeError, 'from must be');
	});
});

describe('regularizeRotated', () => {
	/** [width, height, angle] before and after. */
	const table: Readonly<Record<RotatedRange, readonly (readonly [number, number, number, number, number, number])[]>> = {
		ultralytics: [
			[4, 2, 0.3, 4, 2, 0.3],
			[2, 4, 0.3, 2, 4, 0.3],
			[4, 2, -0.3, 2, 4, PI / 2 - 0.3],
			[4, 2, PI / 2, 2, 4, 0],
			[4, 2, PI, 4, 2, 0],
			[4, 2, 2, 2, 4, 2 - PI / 2],
			[4, 2, -3, 4, 2, PI - 3],
		],
		'long-edge-180': [
			[4, 2, 0.3, 4, 2, 0.3],
			[2, 4, 0.3, 4, 2, 0.3 + PI / 2],
			[4, 2, -0.3, 4, 2, PI - 0.3],
			[2, 4, PI / 2, 4, 2, 0],
			[3, 3, 0, 3, 3, PI / 2],
		],
		le90: [
			[4, 2, 0.3, 4, 2, 0.3],
			[4, 2, PI / 2, 4, 2, -PI / 2],
			[4, 2, -PI / 2, 4, 2, -PI / 2],
			[4, 2, 2, 4, 2, 2 - PI],
			[2, 4, 0.3, 4, 2, 0.3 - PI / 2],
			[2, 4, -0.3, 4, 2, PI / 2 - 0.3],
		],
		le135: [
			[4, 2, 0.3, 4, 2, 0.3],
			[4, 2, 2, 4, 2, 2],
			[4, 2, -1, 4, 2, PI - 1],
			[4, 2, (3 * PI) / 4, 4, 2, -PI / 4],
			[2, 4, 0, 4, 2, PI / 2],
		],
		oc: [
			[4, 2, 0.3, 4, 2, 0.3],
			[4, 2, 0, 2, 4, PI / 2],
			[4, 2, PI / 2, 4, 2, PI / 2],
			[4, 2, -0.3, 2, 4, PI / 2 - 0.3],
			[4, 2, PI, 2, 4, PI / 2],
		],
		'oc-old': [
			[4, 2, -0.3, 4, 2, -0.3],
			[4, 2, 0, 2, 4, -PI / 2],
			[4, 2, 0.3, 2, 4, 0.3 - PI / 2],
			[4, 2, -PI / 2, 4, 2, -PI / 2],
		],
	};
	for (const [range, rows] of Object.entries(table)) {
		test(range, () => {
			for (const [w, h, angle, ...wanted] of rows) near(regularizeRotated(box(w, h, angle), range as RotatedRange), [100, 50, ...wanted], 1e-6);
		});
	}
	const limits: Readonly<Record<RotatedRange, readonly [number, number]>> = {
		ultralytics: [0, PI / 2],
		'long-edge-180': [0, PI],
		le90: [-PI / 2, PI / 2],
		le135: [-PI / 4, (3 * PI) / 4],
		oc: [0, PI / 2],
		'oc-old': [-PI / 2, 0],
	};
	test('keeps the box, ends in the range, changes nothing the second time', () => {
		const side = fc.integer({ min: 1, max: 40 });
		const angle = fc.oneof(
			fc.double({ min: -20, max: 20, noNaN: true }),
			fc.integer({ min: -20, max: 20 }).map((k) => (k * PI) / 4),
		);
		fc.assert(
			fc.property(side, side, angle, fc.constantFrom(...(Object.keys(limits) as RotatedRange[])), (w, h, a, range) => {
				const before = box(w, h, a);
				const after = regularizeRotated(before, range);
				const [p, q] = [upright(before), upright(after)];
				assert.approximately(rotatedIou(p, 0, p[4], q, 0, q[4]), 1, 1e-4);
				const [low, high] = limits[range].map(Math.fround);
				assert.isTrue(range === 'oc' ? after[4] > low && after[4] <= high : after[4] >= low && after[4] < high, `${range}: ${after[4]}`);
				if (range !== 'ultralytics' && !range.startsWith('oc')) assert.isAtLeast(after[2], after[3]);
				if (w !== h) assert.deepEqual(regularizeRotated(after, range), after);
			}),
			{ numRuns: 2000 },
		);
	});
});

describe('corners and bounds', () => {
	test('angle 0: lower right, upper right, upper left, lower left', () => {
		assert.deepEqual([...rotatedCorners(box(4, 2, 0))], [102, 51, 102, 49, 98, 49, 98, 51]);
		assert.deepEqual([...rotatedBounds(box(4, 2, 0))], [98, 49, 102, 51]);
	});
	test('a quarter clockwise: the right end goes down', () => {
		near(rotatedCorners(box(4, 2, PI / 2)), [99, 52, 101, 52, 101, 48, 99, 48]);
		near(rotatedBounds(box(4, 2, PI / 2)), [99, 48, 101, 52]);
	});
	test('45 degrees: a square stands on its tip', () => {
		const r = Math.SQRT2;
		near(rotatedCorners(box(2, 2, PI / 4)), [100, 50 + r, 100 + r, 50, 100, 50 - r, 100 - r, 50]);
		near(rotatedBounds(box(2, 2, PI / 4)), [100 - r, 50 - r, 100 + r, 50 + r]);
	});
	test('3-4-5: sin 0.6, cos 0.8', () => {
		// (5, 2.5) -> (0.8 * 5 - 0.6 * 2.5, 0.6 * 5 + 0.8 * 2.5)
		near(rotatedCorners(box(10, 5, Math.asin(0.6))), [102.5, 55, 105.5, 51, 97.5, 45, 94.5, 49]);
		near(rotatedBounds(box(10, 5, Math.asin(0.6))), [94.5, 45, 105.5, 55]);
	});
	test('bounds are the bounds of the corners', () => {
		const number = fc.double({ min: -100, max: 100, noNaN: true });
		const size = fc.double({ min: 0, max: 100, noNaN: true });
		fc.assert(
			fc.property(number, number, size, size, number, (...row) => {
				const boxes = Float32Array.from(row);
				const corners = rotatedCorners(boxes);
				const x = [0, 2, 4, 6].map((k) => corners[k]);
				const y = [1, 3, 5, 7].map((k) => corners[k]);
				near(rotatedBounds(boxes), [Math.min(...x), Math.min(...y), Math.max(...x), Math.max(...y)], 5e-5);
			}),
		);
	});
	test('angles that are none give NaN', () => {
		for (const angle of [NaN, Infinity, -Infinity, 4096, 1e9]) {
			assert.isTrue(rotatedCorners(box(4, 2, angle)).every(Number.isNaN));
			assert.isTrue(rotatedBounds(box(4, 2, angle)).every(Number.isNaN));
		}
	});
	test('several boxes, and none', () => {
		assert.equal(rotatedCorners(new Float32Array(0)).length, 0);
		near(rotatedBounds(Float32Array.of(0, 0, 2, 2, 0, 10, 10, 4, 2, 0)), [-1, -1, 1, 1, 8, 9, 12, 11]);
	});
});

// Which levels a kernel can compute: those of published models, and rows built here from the rule; and what must be
// refused, a single bit off. The rule is written out again below, in float64 rounded by hand.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { type AnchorGridOptions, anchorGrid } from '../../../src/anchors/grid.js';
import { findLattice, type Lattice, type LatticeLevel } from '../../../src/anchors/lattice.js';
import { anchorPoints, cellAnchors } from '../../../src/anchors/points.js';
import { ssdPriors } from '../../../src/anchors/priors.js';
import { YOLOV5_ANCHORS } from '../../../src/anchors/yolo.js';

type Format = 'xyxy' | 'cxcywh' | 'point';
const OCTAVES = [1, 2 ** (1 / 3), 2 ** (2 / 3)];

/** The levels of a pyramid with as many shapes everywhere. */
function levelsOf(grids: readonly (readonly [number, number])[], numShapes: number, order: LatticeLevel['order'] = 'yxa'): LatticeLevel[] {
	let firstAnchor = 0;
	return grids.map((grid) => {
		const level = { firstAnchor, numAnchors: grid[0] * grid[1] * numShapes, grid, numShapes, order };
		firstAnchor += level.numAnchors;
		return level;
	});
}

/** A level's rows by the rule, "yxa" or "ayx". */
function rowsOf({ shapes, stepX, stepY }: Lattice, level: LatticeLevel, format: Format): Float32Array {
	const [height, width] = level.grid;
	const rows = new Float32Array(level.numAnchors * 4);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			for (let s = 0; s < level.numShapes; s++) {
				const i = level.order === 'yxa' ? (y * width + x) * level.numShapes + s : (s * height + y) * width + x;
				const dx = Math.fround(x * stepX);
				const dy = Math.fround(y * stepY);
				const move = [dx, dy, format === 'xyxy' ? dx : 0, format === 'xyxy' ? dy : 0];
				for (let k = 0; k < 4; k++) rows[i * 4 + k] = Math.fround(shapes[s * 4 + k] + move[k]);
			}
		}
	}
	return rows;
}

const bits = (rows: Float32Array) => new Uint32Array(rows.buffer, rows.byteOffset, rows.length);

/** Finds the lattice, and that it gives the level's rows. */
function assertLattice(rows: Float32Array, level: LatticeLevel, format: Format, steps: readonly [number, number]): Lattice {
	const lattice = findLattice(rows, level, format);
	assert.isDefined(lattice);
	assert.deepEqual([lattice?.stepX, lattice?.stepY], [steps[0], steps[1]]);
	const own = rows.subarray(level.firstAnchor * 4, (level.firstAnchor + level.numAnchors) * 4);
	assert.deepEqual(bits(rowsOf(lattice as Lattice, level, format)), bits(own));
	return lattice as Lattice;
}

const PYRAMID = [8, 16, 32, 64, 128];
const cells = (input: readonly [number, number]) => PYRAMID.map((s) => [Math.ceil(input[0] / s), Math.ceil(input[1] / s)] as const);
const retinanet = (inputSize: readonly [number, number], style: AnchorGridOptions['style']) =>
	anchorGrid({ inputSize, strides: PYRAMID, sizes: PYRAMID.map((s) => OCTAVES.map((o) => 4 * s * o)), style });

describe('levels that are lattices', () => {
	test('torchvision at 800: steps 8, 16, 32, then 61 and 114, its strides', () => {
		const rows = retinanet([800, 800], 'torchvision');
		const levels = levelsOf(cells([800, 800]), 9);
		const found = [8, 16, 32, 61, 114].map((step, i) => assertLattice(rows, levels[i], 'xyxy', [step, step]));
		assert.deepEqual(Array.from(found[0].shapes.subarray(0, 4)), [-23, -11, 23, 11]);
		assert.equal(found[4].shapes.length, 9 * 4);
	});
	test('torchvision at 608 x 1333: one step for each axis', () => {
		// 1333 / 8 is 166.6: 167 cells of floor(1333 / 167) = 7; 608 / 8 = 76 cells of 8
		const rows = retinanet([608, 1333], 'torchvision');
		assertLattice(rows, levelsOf(cells([608, 1333]), 9)[0], 'xyxy', [7, 8]);
	});
	for (const style of ['detectron2', 'mmdet', 'mmdet-legacy', 'detectron', 'nvidia', 'keras-retinanet'] as const) {
		test(`${style} at 800: the strides`, () => {
			const rows = retinanet([800, 800], style);
			levelsOf(cells([800, 800]), 9).forEach((level, i) => assertLattice(rows, level, 'xyxy', [PYRAMID[i], PYRAMID[i]]));
		});
	}
	test('EfficientDet at 512, where the fraction is whole', () => {
		const rows = retinanet([512, 512], 'efficientdet');
		levelsOf(cells([512, 512]), 9).forEach((level, i) => assertLattice(rows, level, 'xyxy', [PYRAMID[i], PYRAMID[i]]));
	});
	test('points of YOLOv8 and YOLOX: 8, 16, 32', () => {
		for (const offset of [0.5, 0]) {
			const rows = anchorPoints({ inputSize: [640, 480], strides: [8, 16, 32], offset });
			const levels = levelsOf(cells([640, 480]).slice(0, 3), 1);
			levels.forEach((level, i) => {
				const { shapes } = assertLattice(rows, level, 'point', [8 << i, 8 << i]);
				assert.deepEqual(Array.from(shapes), [offset * (8 << i), offset * (8 << i), 8 << i, 8 << i]);
			});
		}
	});
	test('YOLOv5 cells, shapes outermost', () => {
		const grids = cells([640, 640]).slice(0, 3);
		const rows = cellAnchors(YOLOV5_ANCHORS.map((shapes, i) => ({ grid: grids[i], stride: 8 << i, shapes })));
		levelsOf(grids, 3, 'ayx').forEach((level, i) => {
			const { shapes } = assertLattice(rows, level, 'cxcywh', [8 << i, 8 << i]);
			assert.deepEqual(Array.from(shapes.subarray(2, 4)), Array.from(YOLOV5_ANCHORS[i].slice(0, 2)));
			assert.deepEqual(Array.from(shapes.subarray(10, 12)), Array.from(YOLOV5_ANCHORS[i].slice(4, 6)));
		});
	});
	test('SSD300 with torchvision, whose limit on sizes moves no box', () => {
		const rows = ssdPriors({ inputSize: [300, 300] });
		assertLattice(rows, levelsOf([[38, 38]], 4)[0], 'xyxy', [8, 8]);
		assertLattice(rows, { firstAnchor: 8732 - 4, numAnchors: 4, grid: [1, 1], numShapes: 4, order: 'yxa' }, 'xyxy', [0, 0]);
	});
	test('a row or a column of cells', () => {
		const rows = anchorPoints({ inputSize: [8, 80], strides: [8] });
		assertLattice(rows, levelsOf([[1, 10]], 1)[0], 'point', [8, 0]);
		assertLattice(
			rows.map((_, k) => rows[k ^ 1]),
			levelsOf([[10, 1]], 1)[0],
			'point',
			[0, 8],
		);
	});
	test('a fractional step of few bits, and one that goes back', () => {
		const level: LatticeLevel = { firstAnchor: 0, numAnchors: 7 * 5 * 2, grid: [7, 5], numShapes: 2, order: 'yxa' };
		const made = { shapes: Float32Array.of(0.1, 0.2, 0.3, 0.4, -7, 1e-3, 7, 1e3), stepX: 16.65625, stepY: -0.0625 };
		assertLattice(rowsOf(made, level, 'xyxy'), level, 'xyxy', [16.65625, -0.0625]);
	});
	test('a level of 200,704 anchors', () => {
		const level: LatticeLevel = { firstAnchor: 0, numAnchors: 448 * 448, grid: [448, 448], numShapes: 1, order: 'yxa' };
		assertLattice(anchorPoints({ inputSize: [3584, 3584], strides: [8] }), level, 'point', [8, 8]);
	});
	test('rows made by the rule are always found', () => {
		// steps in sixteenths up to 2^11 sixteenths times 40 cells need 17 bits
		const numbers = fc.array(
			fc.float({ min: -1000, max: 1000, noNaN: true }).map((v) => (Math.abs(v) < 1e-30 ? 1 : v)),
			{ minLength: 12, maxLength: 12 },
		);
		const cases = fc.record({
			numbers,
			width: fc.integer({ min: 2, max: 40 }),
			height: fc.integer({ min: 2, max: 40 }),
			stepX: fc.integer({ min: -2048, max: 2048 }),
			stepY: fc.integer({ min: -2048, max: 2048 }),
			order: fc.constantFrom('yxa' as const, 'ayx' as const),
			format: fc.constantFrom<Format>('xyxy', 'cxcywh', 'point'),
		});
		fc.assert(
			fc.property(cases, ({ numbers, width, height, stepX, stepY, order, format }) => {
				const level: LatticeLevel = { firstAnchor: 0, numAnchors: width * height * 3, grid: [height, width], numShapes: 3, order };
				const made = { shapes: Float32Array.from(numbers), stepX: stepX / 16, stepY: stepY / 16 };
				const rows = rowsOf(made, level, format);
				const found = findLattice(rows, level, format);
				assert.isDefined(found);
				assert.deepEqual(bits(rowsOf(found as Lattice, level, format)), bits(rows));
			}),
			{ numRuns: 200 },
		);
	});
});

describe('levels that are none', () => {
	const points = anchorPoints({ inputSize: [64, 80], strides: [8] });
	const level = levelsOf([[8, 10]], 1)[0];
	const refused = (rows: Float32Array, at: LatticeLevel = level, format: Format = 'point') => assert.isUndefined(findLattice(rows, at, format));

	test('EfficientDet at 800: P6 and P7 have steps of 800 / 13 and 800 / 7', () => {
		const rows = retinanet([800, 800], 'efficientdet');
		const levels = levelsOf(cells([800, 800]), 9);
		for (const i of [0, 1, 2]) assertLattice(rows, levels[i], 'xyxy', [PYRAMID[i], PYRAMID[i]]);
		for (const i of [3, 4]) refused(rows, levels[i], 'xyxy');
	});
	test("Caffe's clipped priors; unclipped they are one", () => {
		const options = { inputSize: [300, 300], style: 'caffe' } as const;
		const first = levelsOf([[38, 38]], 4)[0];
		refused(ssdPriors({ ...options, clip: true }), first, 'xyxy');
		assertLattice(ssdPriors(options), first, 'xyxy', [8, 8]);
	});
	test("Caffe's quotient of 300 / 38", () => {
		const rows = ssdPriors({ inputSize: [300, 300], gridSizes: [[38, 38]], scales: [0.07, 0.15], aspectRatios: [[2]], style: 'caffe' });
		refused(rows, levelsOf([[38, 38]], 4)[0], 'xyxy');
	});
	test('a single bit off, in any row and any number', () => {
		for (let k = 0; k < points.length; k++) {
			const rows = points.slice();
			bits(rows)[k] ^= 1;
			refused(rows);
		}
	});
	test('the last column moved by the border', () => {
		const rows = points.slice();
		for (let y = 0; y < 8; y++) rows[(y * 10 + 9) * 4] -= 1;
		refused(rows);
	});
	test('-0 where the sum gives 0', () => {
		const zero = points.map((v, k) => (k & 1 ? v : v - 4));
		assertLattice(zero, level, 'point', [8, 8]);
		zero[0] = -0;
		refused(zero);
		const width = Float32Array.of(1, 1, -0, 1);
		refused(width, levelsOf([[1, 1]], 1)[0], 'cxcywh');
	});
	test('values that are not finite, or that a GPU may flush', () => {
		for (const value of [Number.NaN, Infinity, -Infinity, 2 ** -127]) {
			for (const k of [0, 1, 2, 3]) refused(Float32Array.of(1, 1, 1, 1).fill(value, k, k + 1), levelsOf([[1, 1]], 1)[0], 'xyxy');
			for (const k of [0, 36, points.length - 4]) {
				const rows = points.slice();
				rows[k] = value;
				refused(rows);
			}
		}
	});
	test('a step whose products need rounding, though every row is the rounded sum', () => {
		// 0.1 has 24 bits as a float32; three times that has more
		const step = Math.fround(0.1);
		refused(rowsOf({ shapes: Float32Array.of(1, 1, 8, 8), stepX: step, stepY: 8 }, level, 'point'));
		assert.notEqual(Math.fround(3 * step), 3 * step);
	});
	test('the same rows in the other order or format', () => {
		const rows = anchorGrid({ inputSize: [64, 80], strides: [8], sizes: [32] });
		assertLattice(rows, levelsOf([[8, 10]], 3)[0], 'xyxy', [8, 8]);
		refused(rows, levelsOf([[8, 10]], 3, 'ayx')[0], 'xyxy');
		refused(rows, levelsOf([[8, 10]], 3)[0], 'cxcywh');
	});
	test('a flat list, a level without anchors, and one whose grid does not add up', () => {
		const rows = retinanet([64, 64], 'torchvision');
		refused(rows, levelsOf([[1, rows.length / 4]], 1)[0], 'xyxy');
		refused(rows, levelsOf([[0, 8]], 9)[0], 'xyxy');
		refused(rows, { ...levelsOf([[8, 8]], 9)[0], numShapes: 8 }, 'xyxy');
		refused(points, { ...level, firstAnchor: 1 });
	});
});

// FoveaBox, DenseBox and CenterNet: what is painted into maps of cells, with numbers worked out by hand from mmdetection's
// fovea_head.py, the DenseBox paper and CenterNet's image.py and ctdet.py, and against loops in float64.

import { assert, describe, test } from 'vitest';
import type { GridLevel } from '../../../../src/training/matching/cells.js';
import { matchCenterNet } from '../../../../src/training/matching/centernet.js';
import { matchDenseBox } from '../../../../src/training/matching/densebox.js';
import { matchFovea } from '../../../../src/training/matching/fovea.js';
import { random } from '../../../support/random.js';

const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
/** A map as rows of text: ground truths 0 to 9, '.' for negatives, '-' for ignored. */
function drawn({ labels, matches }: { labels: Int32Array; matches: Int32Array }, width: number): string[] {
	const text = Array.from(labels, (label, i) => (label === 1 ? String(matches[i]) : label < 0 ? '-' : '.')).join('');
	return text.match(new RegExp(`.{${width}}`, 'g')) ?? [];
}

describe('matchFovea', () => {
	const LEVELS: GridLevel[] = [8, 16, 32, 64, 128].map((stride) => ({ grid: [256 / stride, 256 / stride] as const, stride }));
	test('ranges of 1 to 4 strides, inclusive and overlapping', () => {
		const levels: GridLevel[] = [8, 16, 32].map((stride) => ({ grid: [1, 1], stride }));
		const on = (side: number) => Array.from(matchFovea(levels, about(8, 8, side, side)).labels);
		assert.deepEqual(on(7.875), [0, 0, 0]);
		assert.deepEqual(on(16), [1, 1, 0]);
		assert.deepEqual(on(31.875), [1, 1, 0]);
		// the fovea from 1.6 to 14.4 ends before the middle of a cell of 32, and counts as its outermost cell
		assert.deepEqual(on(32), [1, 1, 1]);
		assert.deepEqual(on(32.125), [0, 1, 1]);
		assert.deepEqual(on(129), [0, 0, 0]);
	});
	test('the fovea is 0.4 of each side: cells whose middles are in it, rims included', () => {
		// 30 x 20 cells of stride 8 about the middle (4, 4) of 8 x 8 cells: x 28 to 36 pixels is 3.5 to 4.5 cells, so cells 3 and 4
		const level: GridLevel[] = [{ grid: [8, 8], stride: 8 }];
		const at = (box: number[]) => drawn(matchFovea(level, box, { ranges: [[0, 1000]] }), 8);
		assert.deepEqual(at(about(32, 32, 20, 60)), ['........', '........', '...00...', '...00...', '...00...', '...00...', '........', '........']);
		// one step narrower and the middles at 28 and 36 are outside: first cell 4, last cell 3
		assert.deepEqual(at(about(32, 32, 19.5, 60)).join(''), '.'.repeat(64));
	});
	test('the smaller is painted over the larger, whichever comes first', () => {
		const level: GridLevel[] = [{ grid: [5, 5], stride: 8 }];
		const boxes = [...about(20, 20, 20, 20), ...about(20, 20, 60, 60)];
		const expected = ['.....', '.111.', '.101.', '.111.', '.....'];
		assert.deepEqual(drawn(matchFovea(level, boxes, { ranges: [[0, 100]] }), 5), expected);
		const turned = drawn(matchFovea(level, [...boxes.slice(4), ...boxes.slice(0, 4)], { ranges: [[0, 100]] }), 5);
		assert.deepEqual(turned, ['.....', '.000.', '.010.', '.000.', '.....']);
	});
	test('fates', () => {
		const level: GridLevel[] = [{ grid: [5, 5], stride: 8 }];
		const boxes = [...about(20, 20, 20, 20), ...about(20, 20, 18, 18), ...about(500, 20, 20, 20), ...about(20, 20, 4, 4), 3, 3, 3, 9, 0, 0, NaN, 1];
		assert.deepEqual(
			matchFovea(level, boxes).groundTruths.map(({ numAnchors, bestAnchor, lost }) => [numAnchors, bestAnchor, lost]),
			[
				[0, 12, 'taken'],
				[1, 12, undefined],
				[0, -1, 'out-of-range'],
				[0, -1, 'out-of-range'],
				[0, -1, 'empty'],
				[0, -1, 'not-finite'],
			],
		);
	});
	test('refusals', () => {
		const level: GridLevel[] = [{ grid: [5, 5], stride: 8 }];
		assert.throws(() => matchFovea(level, [], { sigma: 0 }), /sigma must be above 0, at most 1/);
		assert.throws(() => matchFovea(level, [], { ranges: [[5, 4]] }), /ranges\[0\] must be \[low, high\]/);
		assert.throws(() => matchFovea(level, [], { ranges: [] }), /one \[low, high\] per level, 1/);
		assert.throws(() => matchFovea([{ grid: [5, 5], stride: 8, shapes: [] } as never], []), /levels\[0\] may hold grid, stride/);
	});

	/** _get_target_single of fovea_head.py. */
	function fovea(levels: readonly GridLevel[], boxes: Float32Array): number[] {
		return levels.flatMap(({ grid: [height, width], stride }) => {
			const map: number[] = new Array(height * width).fill(-1);
			const all = Array.from({ length: boxes.length / 4 }, (_, g) => ({ g, b: Array.from(boxes.subarray(g * 4, g * 4 + 4)) }));
			const root = (b: number[]) => Math.sqrt((b[2] - b[0]) * (b[3] - b[1]));
			const hit = all.filter(({ b }) => root(b) >= stride && root(b) <= 4 * stride).sort((p, q) => root(q.b) - root(p.b));
			const clamp = (v: number, most: number) => Math.min(Math.max(v, 0), most);
			for (const { g, b } of hit) {
				const [x1, y1, x2, y2] = b.map((v) => v / stride);
				const [halfW, halfH] = [(x2 - x1) / 2, (y2 - y1) / 2];
				for (let y = clamp(Math.ceil(y1 + 0.6 * halfH - 0.5), height - 1); y <= clamp(Math.floor(y1 + 1.4 * halfH - 0.5), height - 1); y++) {
					for (let x = clamp(Math.ceil(x1 + 0.6 * halfW - 0.5), width - 1); x <= clamp(Math.floor(x1 + 1.4 * halfW - 0.5), width - 1); x++) {
						map[y * width + x] = g;
					}
				}
			}
			return map;
		});
	}
	test.each([1, 2, 3, 4])('is what mmdetection does, in float64: seed %i', (seed) => {
		const next = random(seed);
		const boxes = Float32Array.from(
			Array.from({ length: 60 }, () => [next() * 200, next() * 200]).flatMap(([x, y]) => [x, y, x + 6 + next() * 120, y + 6 + next() * 120]),
		);
		const expected = fovea(LEVELS, boxes);
		const { matches, numPositives } = matchFovea(LEVELS, boxes);
		assert.deepEqual(Array.from(matches), expected);
		assert.isAbove(numPositives, 50);
	});
});

describe('matchDenseBox', () => {
	const MAP: GridLevel = { grid: [15, 15], stride: 4 };
	test('a circle of 0.3 heights, rim included, and a grey zone of 2 cells about it', () => {
		// 40 pixels high is 10 cells: radius 3 about cell (7, 7)
		assert.deepEqual(drawn(matchDenseBox(MAP, about(28, 28, 20, 40)), 15), [
			'...............',
			'...............',
			'.......-.......',
			'.....-----.....',
			'....---0---....',
			'...--00000--...',
			'...--00000--...',
			'..--0000000--..',
			'...--00000--...',
			'...--00000--...',
			'....---0---....',
			'.....-----.....',
			'.......-.......',
			'...............',
			'...............',
		]);
	});
	test('the width does not count; a little lower and the rim is outside', () => {
		const { numPositives } = matchDenseBox(MAP, about(28, 28, 60, 40));
		assert.equal(numPositives, 29);
		assert.equal(matchDenseBox(MAP, about(28, 28, 60, 39.5)).numPositives, 25);
	});
	test('without a grey zone; with points in the middle of cells', () => {
		const plain = matchDenseBox(MAP, about(28, 28, 20, 40), { greyZone: 0 });
		assert.deepEqual([plain.numIgnored, plain.numPositives], [0, 29]);
		// the point nearest to 30, 30 is (7.5, 7.5) cells: the same picture
		assert.deepEqual(matchDenseBox(MAP, about(30, 30, 20, 40), { offset: 0.5 }).labels, matchDenseBox(MAP, about(28, 28, 20, 40)).labels);
	});
	test('between two middles the nearer has the cell, the first where both are as near; grey is never over a positive', () => {
		const { matches, labels } = matchDenseBox({ grid: [1, 9], stride: 4 }, [...about(8, 0, 20, 40), ...about(24, 0, 20, 40)]);
		assert.deepEqual(Array.from(matches), [0, 0, 0, 0, 0, 1, 1, 1, 1]);
		assert.isTrue(labels.every((label) => label === 1));
	});
	test('heights that are not looked for are negatives: 0.8 to 1.25 of 50 pixels', () => {
		const heights = [40, 62.5] as const;
		for (const [height, found] of [
			[39.875, false],
			[40, true],
			[62.5, true],
			[62.625, false],
		] as const) {
			const { groundTruths, numIgnored } = matchDenseBox(MAP, about(28, 28, 30, height), { heights });
			assert.equal(groundTruths[0].lost, found ? undefined : 'out-of-range');
			assert.equal(numIgnored > 0, found);
		}
	});
	test('refusals', () => {
		assert.throws(() => matchDenseBox(MAP, [], { radius: 0 }), /radius must be a positive number/);
		assert.throws(() => matchDenseBox(MAP, [], { greyZone: -1 }), /greyZone must be 0 to 32767 cells/);
		assert.throws(() => matchDenseBox(MAP, [], { heights: [5, 4] }), /heights must be \[low, high\]/);
		assert.throws(() => matchDenseBox({ grid: [1.5, 2], stride: 4 }, []), /level.grid must be/);
		assert.throws(() => matchDenseBox(undefined as never, []), /level must be \{ grid, stride \}/);
	});
	test.each([1, 2, 3])('against a loop over all pairs of cells: seed %i', (seed) => {
		const next = random(seed);
		const level: GridLevel = { grid: [40, 50], stride: 4 };
		const boxes = Float32Array.from(Array.from({ length: 12 }, () => about(next() * 200, next() * 160, 10 + next() * 40, 10 + next() * 60)).flat());
		const expected: number[] = [];
		for (let y = 0; y < 40; y++) {
			for (let x = 0; x < 50; x++) {
				let nearest = Infinity;
				let match = -1;
				for (let g = 0; g < 12; g++) {
					const [x1, y1, x2, y2] = boxes.subarray(g * 4, g * 4 + 4);
					const distance = Math.hypot(x - (x1 + x2) / 8, y - (y1 + y2) / 8);
					if (distance <= (0.3 * (y2 - y1)) / 4 && distance < nearest) [nearest, match] = [distance, g];
				}
				expected.push(match);
			}
		}
		const { matches, labels } = matchDenseBox(level, boxes);
		assert.deepEqual(Array.from(matches), expected);
		for (let i = 0; i < labels.length; i++) {
			const grey = expected.some((g, j) => g >= 0 && Math.hypot((i % 50) - (j % 50), Math.floor(i / 50) - Math.floor(j / 50)) <= 2);
			assert.equal(labels[i], expected[i] >= 0 ? 1 : grey ? -1 : 0);
		}
	});
});

describe('matchCenterNet', () => {
	const MAP: GridLevel = { grid: [32, 32], stride: 4 };
	test('radius of 10 x 10 cells at 0.7: 2.73 as published (CornerNet issue 37), 0.82 corrected', () => {
		const box = about(64, 64, 40, 40);
		assert.deepEqual(Array.from(matchCenterNet(MAP, box, { numClasses: 1, classIds: [0] }).radii), [2]);
		assert.deepEqual(Array.from(matchCenterNet(MAP, box, { numClasses: 1, classIds: [0], radius: 'cornernet' }).radii), [0]);
		// 20 cells: (-56 + sqrt(56^2 + 4 x 2.8 x 120)) / 2 = 5.466; corrected the least is (80 - sqrt(80^2 - 16 x 120)) / 8 = 1.63
		const large = about(64, 64, 80, 80);
		assert.deepEqual(Array.from(matchCenterNet(MAP, large, { numClasses: 1, classIds: [0] }).radii), [5]);
		assert.deepEqual(Array.from(matchCenterNet(MAP, large, { numClasses: 1, classIds: [0], radius: 'cornernet' }).radii), [1]);
	});
	test('centre, offset and size in cells; 1 at the centre, exp(-d^2 / 2 sigma^2) about it', () => {
		const { heatMap, pairs, offsets, sizes, labels, matches } = matchCenterNet(MAP, [45, 42, 86, 82], { numClasses: 3, classIds: [2] });
		// middle (65.5, 62) pixels is (16.375, 15.5) cells
		const cell = 15 * 32 + 16;
		assert.deepEqual(Array.from(pairs.anchors), [cell]);
		assert.deepEqual(Array.from(offsets), [0.375, 0.5]);
		assert.deepEqual(Array.from(sizes), [10.25, 10]);
		assert.deepEqual([labels[cell], matches[cell]], [1, 0]);
		const map = heatMap.subarray(2 * 1024);
		assert.equal(map[cell], 1);
		// radius 2: sigma 5 / 6
		assert.closeTo(map[cell + 1], Math.exp(-0.72), 1e-7);
		assert.closeTo(map[cell - 33], Math.exp(-1.44), 1e-7);
		assert.closeTo(map[cell + 2 * 32 + 2], Math.exp(-5.76), 1e-7);
		assert.equal(map[cell + 3], 0);
		assert.isTrue(heatMap.subarray(0, 2 * 1024).every((v) => v === 0));
	});
	test('where two of a class meet the higher value stays; other classes have their own map', () => {
		const boxes = [...about(64, 64, 40, 40), ...about(72, 64, 40, 40)];
		const { heatMap, numPositives } = matchCenterNet(MAP, boxes, { numClasses: 2, classIds: [1, 1] });
		const map = heatMap.subarray(1024);
		assert.equal(map[16 * 32 + 16], 1);
		assert.equal(map[16 * 32 + 18], 1);
		assert.closeTo(map[16 * 32 + 17], Math.exp(-0.72), 1e-7);
		assert.closeTo(map[16 * 32 + 15], Math.exp(-0.72), 1e-7);
		assert.equal(numPositives, 2);
		const apart = matchCenterNet(MAP, boxes, { numClasses: 2, classIds: [0, 1] }).heatMap;
		assert.closeTo(apart[16 * 32 + 18], Math.exp(-2.88), 1e-7);
	});
	test('two with one centre are two pairs, and the last in matches', () => {
		const { pairs, matches, groundTruths } = matchCenterNet(MAP, [...about(64, 64, 40, 40), ...about(64, 64, 20, 60)], { numClasses: 2, classIds: [0, 1] });
		assert.deepEqual(Array.from(pairs.groundTruths), [0, 1]);
		assert.equal(matches[16 * 32 + 16], 1);
		assert.deepEqual(
			groundTruths.map(({ numAnchors }) => numAnchors),
			[1, 1],
		);
	});
	test('boxes are clipped to 0 to 31 cells, as ctdet.py does; nothing left is out of range', () => {
		const { sizes, pairs, groundTruths } = matchCenterNet(MAP, [...about(124, 64, 40, 40), ...about(300, 64, 40, 40), 1, 1, 1, 2], {
			numClasses: 1,
			classIds: [0, 0, 0],
		});
		// 26 to 36 cells becomes 26 to 31
		assert.deepEqual(Array.from(sizes), [5, 10]);
		assert.deepEqual(Array.from(pairs.anchors), [16 * 32 + 28]);
		assert.deepEqual(
			groundTruths.map(({ lost }) => lost),
			[undefined, 'out-of-range', 'empty'],
		);
	});
	test('refusals', () => {
		const box = about(64, 64, 40, 40);
		assert.throws(() => matchCenterNet(MAP, box, { numClasses: 1, classIds: [1] }), /classIds\[0\] must be below numClasses, 1; got 1/);
		assert.throws(() => matchCenterNet(MAP, box, { numClasses: 1, classIds: [] }), /classIds must have one entry per box, 1/);
		assert.throws(() => matchCenterNet(MAP, box, { numClasses: 0, classIds: [0] }), /numClasses must be an integer/);
		assert.throws(() => matchCenterNet(MAP, box, { numClasses: 2 ** 20, classIds: [0] }), /heat map of at most 2\^28 values/);
		assert.throws(() => matchCenterNet(MAP, box, { numClasses: 1, classIds: [0], minOverlap: 1 }), /minOverlap must be above 0 and below 1/);
	});
	test.each([1, 2, 3])('heat map against a loop over all cells in float64: seed %i', (seed) => {
		const next = random(seed);
		const boxes = Float32Array.from(
			Array.from({ length: 15 }, () => [next() * 100, next() * 100]).flatMap(([x, y]) => [x, y, x + 2 + next() * 90, y + 2 + next() * 90]),
		);
		const classIds = Array.from({ length: 15 }, () => Math.floor(next() * 2));
		const { heatMap, radii } = matchCenterNet(MAP, boxes, { numClasses: 2, classIds });
		const expected = new Float64Array(2 * 1024);
		for (let g = 0; g < 15; g++) {
			const [x1, y1, x2, y2] = Array.from(boxes.subarray(g * 4, g * 4 + 4), (v) => Math.min(v / 4, 31));
			const [h, w] = [Math.ceil(y2 - y1), Math.ceil(x2 - x1)];
			// 0.7: c3 = -0.3 w h, b3 = -1.4 (h + w), a3 = 2.8; the others are larger
			const b = 1.4 * (h + w);
			const r1 = (h + w + Math.sqrt((h + w) ** 2 - (4 * w * h * 0.3) / 1.7)) / 2;
			const r2 = (2 * (h + w) + Math.sqrt(4 * (h + w) ** 2 - 16 * 0.3 * w * h)) / 2;
			const r3 = (-b + Math.sqrt(b * b + 4 * 2.8 * 0.3 * w * h)) / 2;
			const radius = Math.floor(Math.min(r1, r2, r3));
			assert.equal(radii[g], radius);
			const [cx, cy] = [Math.floor((x1 + x2) / 2), Math.floor((y1 + y2) / 2)];
			for (let y = 0; y < 32; y++) {
				for (let x = 0; x < 32; x++) {
					if (Math.max(Math.abs(x - cx), Math.abs(y - cy)) > radius) continue;
					const sigma = (2 * radius + 1) / 6;
					const k = classIds[g] * 1024 + y * 32 + x;
					expected[k] = Math.max(expected[k], Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma * sigma)));
				}
			}
		}
		for (let k = 0; k < heatMap.length; k++) assert.closeTo(heatMap[k], expected[k], 3e-7 * expected[k]);
	});
});

// The anchor tables that mmdetection, detectron2, torchvision and keras-retinanet publish in their own tests, and whole
// sets of anchors by the published rule in double precision, to 1e-5.

import { assert, describe, test } from 'vitest';
import { type AnchorGridOptions, anchorGrid } from '../../../src/anchors/grid.js';
import { cellAnchors } from '../../../src/anchors/points.js';
import { ssdPriors } from '../../../src/anchors/priors.js';
import { YOLOV3_ANCHORS } from '../../../src/anchors/yolo.js';
import { convertBoxes } from '../../../src/boxes/formats.js';

type Box = readonly [number, number, number, number];
const STRIDES = [8, 16, 32, 64, 128];
const OCTAVES = [1, 2 ** (1 / 3), 2 ** (2 / 3)];
const RATIOS = [0.5, 1, 2];

/** Compares rows from `first` on with "x1 y1 x2 y2" per line, printed to four places. */
function assertPrinted(anchors: Float32Array, first: number, printed: string): void {
	const lines = printed.trim().split('\n');
	lines.forEach((line, i) => {
		const expected = line.trim().split(/\s+/).map(Number);
		assert.equal(expected.length, 4);
		assertRow(anchors, first + i, expected as unknown as Box, 6e-5);
	});
}

function assertRow(anchors: Float32Array, i: number, expected: Box, tolerance: number): void {
	for (let k = 0; k < 4; k++) {
		const got = anchors[i * 4 + k];
		// an assertion for each of 150,000 numbers would take most of the time
		if (!(Math.abs(got - expected[k]) <= tolerance)) assert.fail(`row ${i}, element ${k}: ${got}, expected ${expected[k]}`);
	}
}

describe('mmdetection, tests/test_utils/test_anchor.py', () => {
	test('test_retina_anchor: P3, and the others twice as large each, as printed to 574.7006', () => {
		const cells = STRIDES.map((): [number, number] => [1, 1]);
		const anchors = anchorGrid({
			inputSize: [640, 640],
			strides: STRIDES,
			gridSizes: cells,
			sizes: STRIDES.map((s) => 4 * s),
			scales: OCTAVES,
			style: 'mmdet',
		});
		assert.equal(anchors.length / 4, 45);
		const p3 = `
			-22.6274 -11.3137 22.6274 11.3137
			-28.5088 -14.2544 28.5088 14.2544
			-35.9188 -17.9594 35.9188 17.9594
			-16.0000 -16.0000 16.0000 16.0000
			-20.1587 -20.1587 20.1587 20.1587
			-25.3984 -25.3984 25.3984 25.3984
			-11.3137 -22.6274 11.3137 22.6274
			-14.2544 -28.5088 14.2544 28.5088
			-17.9594 -35.9188 17.9594 35.9188`;
		assertPrinted(anchors, 0, p3);
		const p5 = `
			-90.5097 -45.2548 90.5097 45.2548
			-114.0350 -57.0175 114.0350 57.0175
			-143.6751 -71.8376 143.6751 71.8376
			-64.0000 -64.0000 64.0000 64.0000
			-80.6349 -80.6349 80.6349 80.6349
			-101.5937 -101.5937 101.5937 101.5937`;
		assertPrinted(anchors, 18, p5);
		const p7 = `
			-362.0387 -181.0193 362.0387 181.0193
			-456.1401 -228.0701 456.1401 228.0701
			-574.7006 -287.3503 574.7006 287.3503
			-256.0000 -256.0000 256.0000 256.0000
			-322.5398 -322.5398 322.5398 322.5398
			-406.3747 -406.3747 406.3747 406.3747
			-181.0193 -362.0387 181.0193 362.0387
			-228.0701 -456.1401 228.0701 456.1401
			-287.3503 -574.7006 287.3503 574.7006`;
		assertPrinted(anchors, 36, p7);
	});
	test('test_strides: 10 pixels apart', () => {
		const anchors = anchorGrid({ inputSize: [20, 20], strides: [10], sizes: [10], ratios: [1], style: 'mmdet' });
		assert.deepEqual(Array.from(anchors), [-5, -5, 5, 5, 5, -5, 15, 5, -5, 5, 5, 15, 5, 5, 15, 15]);
	});
	test('test_ssd_anchor_generator: the base anchors of SSD300, six levels', () => {
		const priors = ssdPriors({ inputSize: [300, 300], style: 'mmdet' });
		const levels = [
			`-6.5000 -6.5000 14.5000 14.5000
			-11.3704 -11.3704 19.3704 19.3704
			-10.8492 -3.4246 18.8492 11.4246
			-3.4246 -10.8492 11.4246 18.8492`,
			`-14.5000 -14.5000 30.5000 30.5000
			-25.3729 -25.3729 41.3729 41.3729
			-23.8198 -7.9099 39.8198 23.9099
			-7.9099 -23.8198 23.9099 39.8198
			-30.9711 -4.9904 46.9711 20.9904
			-4.9904 -30.9711 20.9904 46.9711`,
			`-33.5000 -33.5000 65.5000 65.5000
			-45.5366 -45.5366 77.5366 77.5366
			-54.0036 -19.0018 86.0036 51.0018
			-19.0018 -54.0036 51.0018 86.0036
			-69.7365 -12.5788 101.7365 44.5788
			-12.5788 -69.7365 44.5788 101.7365`,
			`-44.5000 -44.5000 108.5000 108.5000
			-56.9817 -56.9817 120.9817 120.9817
			-76.1873 -22.0937 140.1873 86.0937
			-22.0937 -76.1873 86.0937 140.1873
			-100.5019 -12.1673 164.5019 76.1673
			-12.1673 -100.5019 76.1673 164.5019`,
			`-53.5000 -53.5000 153.5000 153.5000
			-66.2185 -66.2185 166.2185 166.2185
			-96.3711 -23.1855 196.3711 123.1855
			-23.1855 -96.3711 123.1855 196.3711`,
			`19.5000 19.5000 280.5000 280.5000
			6.6342 6.6342 293.3658 293.3658
			-34.5549 57.7226 334.5549 242.2774
			57.7226 -34.5549 242.2774 334.5549`,
		];
		const counts = [5776, 2166, 600, 150, 36, 4]; // the valid pixels of the same test
		let first = 0;
		levels.forEach((printed, level) => {
			assertPrinted(priors, first, printed);
			first += counts[level];
		});
		assert.equal(first, priors.length / 4);
	});
	test('test_yolo_anchor_generator: nine base anchors, cells of 32, 16 and 8', () => {
		const rows = YOLOV3_ANCHORS.map((shapes, i) => convertBoxes(cellAnchors([{ grid: [1, 1], stride: 8 << i, shapes }]), 'cxcywh', 'xyxy'));
		assert.deepEqual(Array.from(rows[2]), [-42, -29, 74, 61, -62, -83, 94, 115, -170.5, -147, 202.5, 179]);
		assert.deepEqual(Array.from(rows[1]), [-7, -22.5, 23, 38.5, -23, -14.5, 39, 30.5, -21.5, -51.5, 37.5, 67.5]);
		assert.deepEqual(Array.from(rows[0]), [-1, -2.5, 9, 10.5, -4, -11, 12, 19, -12.5, -7.5, 20.5, 15.5]);
	});
});

describe('detectron2, tests/modeling/test_anchor_generator.py', () => {
	const options = { inputSize: [4, 8], strides: [4], sizes: [[32, 64]], ratios: [0.25, 1, 4], style: 'detectron2' } as const;
	test('test_default_anchor_generator: offset 0', () => {
		const cell = [-32, -8, 32, 8, -16, -16, 16, 16, -8, -32, 8, 32, -64, -16, 64, 16, -32, -32, 32, 32, -16, -64, 16, 64];
		const next = [-28, -8, 36, 8, -12, -16, 20, 16, -4, -32, 12, 32, -60, -16, 68, 16, -28, -32, 36, 32, -12, -64, 20, 64];
		assert.deepEqual(Array.from(anchorGrid(options)), [...cell, ...next]);
	});
	test('test_default_anchor_generator_centered: offset 0.5', () => {
		const cell = [-30, -6, 34, 10, -14, -14, 18, 18, -6, -30, 10, 34, -62, -14, 66, 18, -30, -30, 34, 34, -14, -62, 18, 66];
		const next = [-26, -6, 38, 10, -10, -14, 22, 18, -2, -30, 14, 34, -58, -14, 70, 18, -26, -30, 38, 34, -10, -62, 22, 66];
		assert.deepEqual(Array.from(anchorGrid({ ...options, offset: 0.5 })), [...cell, ...next]);
	});
});

describe('keras-retinanet, tests', () => {
	test('layers/test_misc.py TestAnchors: 32 pixels, 2 x 2 cells of 8', () => {
		const anchors = anchorGrid({ inputSize: [16, 16], strides: [8], sizes: [32], ratios: [1], style: 'keras-retinanet' });
		assert.deepEqual(Array.from(anchors), [-12, -12, 20, 20, -4, -12, 28, 20, -12, -4, 20, 28, -4, -4, 28, 28]);
	});
	test('utils/test_anchors.py: sixteen of 12 pixels, ratios 1 and 2, scales 1 and 2; 1008 at 64 x 64', () => {
		const style = 'keras-retinanet';
		const anchors = anchorGrid({ inputSize: [16, 16], strides: [8], sizes: [12], ratios: [1, 2], scales: [1, 2], style });
		assert.equal(anchors.length / 4, 16);
		for (let i = 0; i < 16; i++) {
			const [x, y] = [((i >> 2) & 1) === 1 ? 12 : 4, i >> 3 ? 12 : 4]; // stride x 3/2, stride / 2
			const [w, h] = [(12 * (1 + (i & 1))) / Math.sqrt(i & 2 ? 2 : 1), 12 * (1 + (i & 1)) * Math.sqrt(i & 2 ? 2 : 1)];
			assertRow(anchors, i, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1e-5);
		}
		const three = anchorGrid({ inputSize: [64, 64], strides: [8, 16, 32], sizes: [32, 64, 128], ratios: [0.5, 1, 2, 3], scales: [1, 1.2, 1.6], style });
		assert.equal(three.length / 4, 1008);
	});
});

describe('whole sets by the rule', () => {
	/** [style, the anchor's place in a cell by ratio and octave, the centre of cell (x, y)] */
	const rules: [AnchorGridOptions['style'], (ratio: number, octave: number) => number, offset: number][] = [
		['detectron2', (ratio, octave) => octave * 3 + ratio, 0],
		['mmdet', (ratio, octave) => ratio * 3 + octave, 0],
		['keras-retinanet', (ratio, octave) => ratio * 3 + octave, 0.5],
	];
	for (const [style, place, offset] of rules) {
		test(`RetinaNet of ${style} at 256 x 384: all anchors within 1e-5 of their size`, () => {
			const sizes = STRIDES.map((s) => OCTAVES.map((octave) => 4 * s * octave));
			const anchors = anchorGrid({ inputSize: [256, 384], strides: STRIDES, sizes, style });
			let first = 0;
			for (const stride of STRIDES) {
				const [rows, columns] = [256 / stride, 384 / stride];
				for (let i = 0; i < rows * columns; i++) {
					const [x, y] = [((i % columns) + offset) * stride, (Math.floor(i / columns) + offset) * stride];
					RATIOS.forEach((ratio, r) => {
						OCTAVES.forEach((octave, o) => {
							const [w, h] = [(4 * stride * octave) / Math.sqrt(ratio), 4 * stride * octave * Math.sqrt(ratio)];
							assertRow(anchors, first + i * 9 + place(r, o), [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 1e-5 * Math.min(w, h));
						});
					});
				}
				first += rows * columns * 9;
			}
			assert.equal(first, anchors.length / 4);
		});
	}

	test('SSD300: 8732 priors in fractions of the input, within 1e-5, in every style', () => {
		// sizes in pixels: torchvision .07 .15 .33 .51 .69 .87 1.05 of 300; maps, steps, further ratios of ssd300_vgg16
		const sizes = [21, 45, 99, 153, 207, 261, 315];
		const maps = [38, 19, 10, 5, 3, 1];
		const steps = [8, 16, 32, 64, 100, 300];
		for (const style of ['torchvision', 'caffe', 'mmdet'] as const) {
			const priors = ssdPriors({ inputSize: [300, 300], style, clip: false });
			let i = 0;
			maps.forEach((n, level) => {
				const [s, next] = [sizes[level], sizes[level + 1]];
				const more = (level === 0 || level > 3 ? [2] : [2, 3]).flatMap((r) => [
					[s * Math.sqrt(r), s / Math.sqrt(r)],
					[s / Math.sqrt(r), s * Math.sqrt(r)],
				]);
				const shapes = [[s, s], [Math.sqrt(s * next), Math.sqrt(s * next)], ...more];
				for (let cell = 0; cell < n * n; cell++) {
					const [x, y] = [((cell % n) + 0.5) * steps[level], (Math.floor(cell / n) + 0.5) * steps[level]];
					for (const [w, h] of shapes) assertRow(priors, i++, [x - w / 2, y - h / 2, x + w / 2, y + h / 2], 300 * 1e-5 * 0.1);
				}
			});
			assert.equal(i, priors.length / 4);
		}
	});
});

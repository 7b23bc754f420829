// Losses of boxes: published values, what parts the styles, and pairs with nothing to divide by.

import { describe, expect, it } from 'vitest';
import { type BoxLossKind, type BoxLossStyle, boxLoss } from '../../../../src/training.js';
import { torchvisionWith } from '../../../support/plain-losses.js';
import { random, randomBoxes } from '../../../support/random.js';

const STYLES: readonly BoxLossStyle[] = ['torchvision', 'ultralytics', 'mmdet', 'darknet', 'yolox', 'detectron2'];
const KINDS: readonly BoxLossKind[] = ['iou', 'giou', 'diou', 'ciou'];
const only = (a: number[], b: number[], options: object) => boxLoss(a, b, { reduction: 'sum', ...options }).loss;

// test_ops.py of torchvision, and the tests of fvcore's giou_loss
const [quarter, whole, above, corner] = [
	[0, 0, 1, 1],
	[-1, -1, 1, 1],
	[0, 1, 1, 2],
	[1, 1, 2, 2],
];

describe('published values', () => {
	it.each([
		['giou', whole, whole, 0],
		['giou', whole, quarter, 0.75],
		['giou', quarter, above, 1],
		['giou', quarter, corner, 1.5],
		['diou', whole, whole, 0],
		['diou', whole, quarter, 0.8125],
		['diou', whole, above, 1.1923],
		['diou', whole, corner, 1.25],
		['ciou', whole, whole, 0],
		['ciou', whole, quarter, 0.8125],
		['ciou', whole, above, 1.1923],
		['ciou', whole, corner, 1.25],
	] as const)('%s of %j and %j is %d in every style', (kind, a, b, loss) => {
		for (const style of STYLES) expect(only(a, b, { kind, style })).toBeCloseTo(loss, 4);
	});
	it('the mean of two rows', () => {
		const pairs = [
			[...quarter, ...quarter],
			[...above, ...corner],
		] as const;
		expect(boxLoss(pairs[0], pairs[1], { kind: 'diou' }).loss).toBeCloseTo(1.225, 5);
		expect(boxLoss(pairs[0], pairs[1], { kind: 'ciou', reduction: 'sum' }).loss).toBeCloseTo(2.45, 5);
	});
	it('the forms of an IoU of 1/4', () => {
		expect(only(whole, quarter, { form: 'linear' })).toBeCloseTo(0.75, 6);
		expect(only(whole, quarter, { form: 'square' })).toBeCloseTo(0.9375, 6);
		expect(only(whole, quarter, { form: 'log' })).toBeCloseTo(Math.log(4), 6);
	});
	it('YOLOX means 1 - iou^2, mmdetection -ln(iou), the others 1 - iou', () => {
		expect(STYLES.map((style) => only(whole, quarter, { style }).toFixed(4))).toEqual(['0.7500', '0.7500', '1.3863', '0.7500', '0.9375', '0.7500']);
	});
	it('other formats are converted', () => {
		const { loss, gradients } = boxLoss({ data: [0, 0, 2, 2], format: 'cxcywh' }, { data: [0, 0, 1, 1], format: 'xywh' }, { kind: 'giou' });
		expect(loss).toBeCloseTo(0.75, 6);
		expect([...gradients]).toEqual([...boxLoss(whole, quarter, { kind: 'giou' }).gradients]);
	});
});

describe('CIoU by style', () => {
	const wide = [0, 0, 10, 4];
	const tall = [0, 0, 4, 10];
	// I = 16, U = 64; centres (5, 2) and (2, 5) are 18 apart, squared; the diagonal is 200; by hand
	const iou = 16 / 64;
	const v = (4 / Math.PI ** 2) * (Math.atan(2.5) - Math.atan(0.4)) ** 2;
	it('below IoU 1/2 mmdetection has no aspect term: a finite step from torchvision', () => {
		expect(only(tall, wide, { kind: 'ciou', style: 'mmdet' })).toBeCloseTo(1 - iou + 18 / 200, 5);
		const alpha = v / (1 - iou + v);
		expect(only(tall, wide, { kind: 'ciou' })).toBeCloseTo(1 - iou + 18 / 200 + alpha * v, 5);
		expect(alpha * v).toBeGreaterThan(0.06);
	});
	it('above it they agree', () => {
		const [a, b] = [
			[0, 0, 10, 9],
			[0, 0, 9, 10],
		];
		const losses = STYLES.map((style) => only(a, b, { kind: 'ciou', style }));
		for (const loss of losses) expect(loss).toBeCloseTo(losses[0], 5);
	});
	it('far apart, the aspect makes it more than 2, but not in mmdetection', () => {
		const [a, b] = [
			[0, 0, 100, 1e-3],
			[1000, 1000, 1000.001, 1100],
		];
		expect(only(a, b, { kind: 'ciou' })).toBeGreaterThan(2.3);
		expect(only(a, b, { kind: 'ciou', style: 'mmdet' })).toBeLessThan(2);
	});
	it("an epsilon reaches torchvision's alpha and not the rest; detectron2 gives it to all", () => {
		const { value } = torchvisionWith(0.1).ciou(tall, wide);
		expect(only(tall, wide, { kind: 'ciou', epsilon: 0.1 })).toBeCloseTo(1 - value, 6);
		const all = 1 - 16 / 64.1 + 18 / 200.1 + (v * v) / (1 - 16 / 64.1 + v + 0.1);
		expect(only(tall, wide, { kind: 'ciou', style: 'detectron2', epsilon: 0.1 })).toBeCloseTo(all, 6);
	});
	it("darknet's epsilon is in alpha alone", () => {
		expect(only(tall, wide, { kind: 'ciou', style: 'darknet', epsilon: 0.1 })).toBeCloseTo(1 - iou + 18 / 200 + (v * v) / (1 - iou + v + 0.1), 6);
	});
	it('equal boxes have loss 0 and alpha 0, where mmdetection divides 0 by 0', () => {
		for (const style of STYLES) {
			const { loss, gradients } = boxLoss([10, 20, 300, 400], [10, 20, 300, 400], { kind: 'ciou', style });
			expect(loss).toBe(0);
			expect([...gradients].every(Number.isFinite)).toBe(true);
		}
	});
});

describe('nothing to divide by (C22, C23)', () => {
	const point = [5, 5, 5, 5];
	it('two equal points: every term is 0, so the loss is 1', () => {
		for (const style of STYLES) {
			for (const kind of ['giou', 'diou', 'ciou'] as const) {
				const { loss, gradients } = boxLoss(point, point, { kind, style });
				expect(loss, `${kind} ${style}`).toBe(1);
				// ultralytics adds its epsilon to heights, so that widths change an area of 1e-7 against 1e-7
				expect([...gradients].every((g) => Math.abs(g) <= (style === 'ultralytics' ? 2 : 0))).toBe(true);
			}
			expect(only(point, point, { style, form: 'linear' })).toBeCloseTo(1, 5);
			expect(only(point, point, { style, form: 'log' })).toBeCloseTo(-Math.log(1e-6), 4);
		}
	});
	it('two points apart have GIoU and DIoU -1', () => {
		for (const style of STYLES) {
			expect(only([0, 0, 0, 0], [3, 4, 3, 4], { kind: 'giou', style })).toBeCloseTo(2, 6);
			expect(only([0, 0, 0, 0], [3, 4, 3, 4], { kind: 'diou', style })).toBeCloseTo(2, 6);
		}
	});
	it('a prediction without height has a finite CIoU', () => {
		for (const style of STYLES) {
			const { loss, gradients } = boxLoss([0, 5, 10, 5], [0, 0, 10, 10], { kind: 'ciou', style });
			expect(loss).toBeGreaterThanOrEqual(1);
			expect([...gradients].every(Number.isFinite)).toBe(true);
		}
	});
	it('a box turned inside out has no area, but its corners lie in the enclosing box', () => {
		// 0 to 10 and 0 to 9 around, of which the target covers 81
		const { loss, gradients } = boxLoss([10, 1, 4, 8], [0, 0, 9, 9], { kind: 'giou', style: 'darknet' });
		expect(loss).toBeCloseTo(1 + 9 / 90, 6);
		// (90 - 81) / 90 grows with x1, the outermost corner, by 81 * 9 / 90^2
		[0.09, 0, 0, 0].forEach((slope, k) => expect(gradients[k]).toBeCloseTo(slope, 6));
		const far = boxLoss([2 ** 61, 1, 4, 8], [0, 0, 9, 9], { kind: 'diou' });
		expect(far.loss).toBeLessThan(2);
	});
	it('so do its low corners, where they are outermost', () => {
		const { loss, gradients } = boxLoss([4, 1, -1, 8], [0, 0, 9, 9], { kind: 'giou', style: 'darknet' });
		expect(loss).toBeCloseTo(1 + 9 / 90, 6);
		[0, 0, -0.09, 0].forEach((slope, k) => expect(gradients[k]).toBeCloseTo(slope, 6));
	});
	it('boxes of every bad sort have finite losses and gradients', () => {
		const next = random(7);
		const clean = (boxes: Float32Array) => boxes.map((x) => (Math.abs(x) < 2 ** 62 ? x : 0));
		const boxes = clean(randomBoxes(3000, 'degenerate', next));
		const targets = clean(randomBoxes(3000, 'degenerate', next)).map((x, k) => (k % 8 < 4 ? x : x * 1e-10));
		for (let k = 0; k < boxes.length; k++) if (k % 16 < 4) boxes[k] *= 1e-10;
		for (const style of STYLES) {
			for (const kind of KINDS) {
				const { losses, gradients } = boxLoss(boxes, targets, { kind, style, reduction: 'sum' });
				expect([...losses, ...gradients].every(Number.isFinite), `${kind} ${style}`).toBe(true);
			}
		}
	});
});

describe('rounding (C24, C25)', () => {
	it('IoU stays at most 1, and GIoU at most IoU, for nested and nearly equal boxes', () => {
		const next = random(8);
		const boxes = randomBoxes(20_000, 'clustered', next);
		const targets = boxes.map((x) => (next() < 0.5 ? x : Math.fround(x * (1 + (next() - 0.5) * 1e-6))));
		for (const style of ['torchvision', 'darknet', 'yolox'] as const) {
			const iou = boxLoss(boxes, targets, { style, form: 'linear' }).losses;
			const giou = boxLoss(boxes, targets, { style, kind: 'giou' }).losses;
			expect(iou.every((x, i) => x >= 0 && giou[i] >= x)).toBe(true);
		}
	});
});

describe('bad arguments are named', () => {
	it.each([
		[() => boxLoss([0, 0, 1, 1], []), 'boxLoss: targets must be as long as boxes, 4; got 0'],
		[() => boxLoss([0, 0, 1], [0, 0, 1]), 'boxLoss: boxes must have a length that is a multiple of 4; got 3'],
		[() => boxLoss([0, NaN, 1, 1], [0, 0, 1, 1]), 'boxLoss: boxes[1] must be finite, and at most 2^62 in magnitude; got NaN'],
		[() => boxLoss(whole, whole, { kind: 'siou' as never }), "kind must be 'iou' or 'giou' or 'diou' or 'ciou'; got \"siou\""],
		[() => boxLoss(whole, whole, { style: 'keras' as never }), 'boxLoss: style must be'],
		[() => boxLoss(whole, whole, { kind: 'giou', form: 'log' }), 'boxLoss: form is an option of kind \'iou\'; got "log"'],
		[
			() => boxLoss(whole, whole, { kind: 'giou', style: 'darknet', epsilon: 1e-7 }),
			"boxLoss: epsilon must be left out: darknet has none for 'giou'; got 1e-7",
		],
		[() => boxLoss(whole, whole, { epsilon: 0 }), 'boxLoss: epsilon must be from 1.1754943508222875e-38 to 1; got 0'],
		[() => boxLoss({ data: [0, 0, 1, 1, 0], format: 'cxcywhr' }, whole), 'boxLoss: boxes must be upright boxes'],
	])('%#', (work, text) => {
		expect(work).toThrow(text);
	});
	it('no boxes have no loss', () => {
		expect(boxLoss([], []).loss).toBe(0);
	});
});

// The losses of YOLOv2, v3 and v5 against loops in double precision written from darknet's and ultralytics' lines: values to 1e-5, gradients by
// central differences to 1e-3, in every layout of the maps; and what they are for a perfect network.

import { describe, expect, it } from 'vitest';
import type { CellLevel } from '../../../../../src/anchors/points.js';
import { yolov2Loss } from '../../../../../src/training/losses/combined/yolov2.js';
import { yolov3Loss } from '../../../../../src/training/losses/combined/yolov3.js';
import { yolov5Loss } from '../../../../../src/training/losses/combined/yolov5.js';
import { matchYoloGrid } from '../../../../../src/training/matching/yolo-grid.js';
import { matchYolov5 } from '../../../../../src/training/matching/yolov5.js';
import { yoloTargets } from '../../../../../src/training/targets/yolo.js';
import { yolov5Targets } from '../../../../../src/training/targets/yolov5.js';
import { alphaOf, bceOf, ciouOf, costOf, expectNear, expectSlopes, giouOf, iouOf, sigmoidOf } from '../../../../support/differences.js';
import { random } from '../../../../support/random.js';

const C = 3;
const S = 5 + C;
const about = (x: number, y: number, w: number, h: number) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
const normal = (count: number, seed: number, spread = 2) => {
	const next = random(seed);
	return Float32Array.from({ length: count }, () => (next() - 0.5) * 2 * spread);
};
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);

type Layout = 'shapes-first' | 'channels-first' | 'channels-last';
/** Where channel c of an anchor stands in a level's map of one picture. */
function placeIn(layout: Layout, [h, w]: readonly [number, number], n: number, shape: number, y: number, x: number, c: number): number {
	if (layout === 'shapes-first') return ((shape * h + y) * w + x) * S + c;
	return layout === 'channels-first' ? ((shape * S + c) * h + y) * w + x : ((y * w + x) * n + shape) * S + c;
}

/** Boxes of two pictures and their classes. */
const LEVELS: CellLevel[] = [
	{ grid: [4, 5], stride: 16, shapes: [12, 16, 30, 20] },
	{ grid: [2, 3], stride: 32, shapes: [40, 50, 70, 30] },
];
const PICTURES = [11, 12].map((seed) => {
	const next = random(seed);
	const boxes = Array.from({ length: 5 }, () => about(4 + next() * 70, 4 + next() * 55, 10 + next() * 50, 10 + next() * 40)).flat();
	return { boxes, classIds: Array.from({ length: 5 }, () => Math.floor(next() * C)) };
});

/** The cell and shape of every positive, and who is ignored, with a share of the negatives made ignored. */
function dense(levels: CellLevel[], order: 'ayx' | 'yxa', style: 'yolov2' | 'yolov3') {
	return PICTURES.map(({ boxes, classIds }, b) => {
		const matches = matchYoloGrid(levels, boxes, { order, style });
		const next = random(90 + b);
		const labels = matches.labels.map((label) => (label === 0 && next() < 0.15 ? -1 : label));
		return { targets: yoloTargets({ ...matches, labels }, levels, boxes, { numClasses: C, classIds, order }), matches, labels, boxes, classIds };
	});
}

/** Every anchor of every picture: level, place, label, and the ground truth of positives in darknet's numbers. */
function anchorsOf(levels: CellLevel[], order: 'ayx' | 'yxa', list: ReturnType<typeof dense>) {
	return list.flatMap(({ matches, labels, boxes, classIds }, b) => {
		let first = 0;
		return levels.flatMap(({ grid, stride, shapes }, l) => {
			const [h, w] = grid;
			const n = shapes.length / 2;
			const start = first;
			first += n * h * w;
			return Array.from({ length: n * h * w }, (_, k) => {
				const shape = order === 'ayx' ? Math.floor(k / (h * w)) : k % n;
				const cell = order === 'ayx' ? k % (h * w) : Math.floor(k / n);
				const [y, x] = [Math.floor(cell / w), cell % w];
				const g = matches.matches[start + k];
				const [x1, y1, x2, y2] = boxes.slice(g * 4, g * 4 + 4);
				const [aw, ah] = [shapes[shape * 2] / stride, shapes[shape * 2 + 1] / stride];
				const box = { x: (x1 + x2) / 2 / stride - x, y: (y1 + y2) / 2 / stride - y, w: (x2 - x1) / stride, h: (y2 - y1) / stride };
				const weight = 2 - ((x2 - x1) / (levels[0].grid[1] * levels[0].stride)) * ((y2 - y1) / (levels[0].grid[0] * levels[0].stride));
				return { b, l, shape, y, x, label: labels[start + k], box, aw, ah, weight, classId: classIds[g] };
			});
		});
	});
}

describe('yolov2Loss', () => {
	// one level, as v2 has it
	const levels: CellLevel[] = [{ grid: [4, 5], stride: 16, shapes: [12, 16, 30, 20, 50, 45] }];
	const perPicture = 4 * 5 * 3 * S;

	it.each([
		['shapes-first', 'ayx', {}],
		['channels-first', 'ayx', { imagesSeen: 0 }],
		['channels-last', 'yxa', { imagesSeen: 12799, rescore: false, favourSmallBoxes: false }],
		['shapes-first', 'yxa', { imagesSeen: 12800, objectScale: 2, noObjectScale: 0.5, classScale: 3, coordinateScale: 4 }],
		['shapes-first', 'ayx', { imagesSeen: 5, priorScale: 0.1 }],
	] as const)('%s, targets %s, %j', (layout, order, options) => {
		const list = dense(levels, order, 'yolov2');
		const anchors = anchorsOf(levels, order, list);
		const map = normal(2 * perPicture, 5, 1.2);
		const o = {
			objectScale: 5,
			noObjectScale: 1,
			classScale: 1,
			coordinateScale: 1,
			favourSmallBoxes: true,
			rescore: true,
			imagesSeen: Infinity,
			priorScale: 0.01,
			...options,
		};
		const at = (z: ArrayLike<number>, a: (typeof anchors)[0], c: number) => z[a.b * perPicture + placeIn(layout, [4, 5], 3, a.shape, a.y, a.x, c)];
		// held constant
		const ious = anchors.map((a) => {
			if (a.label < 1) return 0;
			const predicted = about(sigmoidOf(at(map, a, 0)), sigmoidOf(at(map, a, 1)), Math.exp(at(map, a, 2)) * a.aw, Math.exp(at(map, a, 3)) * a.ah);
			return iouOf(predicted, about(a.box.x, a.box.y, a.box.w, a.box.h));
		});
		const parts = (z: ArrayLike<number>) => {
			const t = { noObject: 0, prior: 0, coordinates: 0, object: 0, class: 0 };
			anchors.forEach((a, i) => {
				const [sx, sy, so] = [sigmoidOf(at(z, a, 0)), sigmoidOf(at(z, a, 1)), sigmoidOf(at(z, a, 4))];
				const squares = (x: number, y: number, w: number, h: number) => ((x - sx) ** 2 + (y - sy) ** 2 + (w - at(z, a, 2)) ** 2 + (h - at(z, a, 3)) ** 2) / 2;
				if (a.label === 0) t.noObject += (o.noObjectScale * so ** 2) / 2;
				if (a.label < 1 && o.imagesSeen < 12800) t.prior += o.priorScale * squares(0.5, 0.5, 0, 0);
				if (a.label < 1) return;
				const { box, aw, ah } = a;
				t.coordinates += o.coordinateScale * (o.favourSmallBoxes ? a.weight : 1) * squares(box.x, box.y, Math.log(box.w / aw), Math.log(box.h / ah));
				t.object += (o.objectScale * ((o.rescore ? ious[i] : 1) - so) ** 2) / 2;
				t.class +=
					o.classScale *
					costOf(
						[0, 1, 2].map((c) => at(z, a, 5 + c)),
						a.classId,
					);
			});
			for (const key of Object.keys(t) as (keyof typeof t)[]) t[key] /= 2; // pictures
			return t;
		};
		const result = yolov2Loss(
			map,
			list.map(({ targets }) => targets),
			{ layout, ...options },
		);
		const expected = parts(map);
		for (const key of Object.keys(expected) as (keyof typeof expected)[]) expectNear(result.parts[key], expected[key]);
		expectNear(result.loss, sum(Object.values(expected)));
		expectSlopes((z) => sum(Object.values(parts(z))), map, result.gradients);
		expect(result.numPositives).toBe(anchors.filter((a) => a.label > 0).length);
		expect(result.parts.prior > 0).toBe(o.imagesSeen < 12800);
	});

	it("has darknet's deltas for gradients", () => {
		// one anchor, one cell: scale (s - x*) s (1 - s), scale (t - t*), 5 (s - 1) s (1 - s), p - 1 (region_layer.c with logistic_gradient)
		const one: CellLevel[] = [{ grid: [1, 1], stride: 32, shapes: [16, 16] }];
		const box = about(8, 24, 32, 16);
		const targets = yoloTargets(matchYoloGrid(one, box, { style: 'yolov2' }), one, box, { numClasses: 2, classIds: [1] });
		const s = sigmoidOf;
		const map = [0.5, -0.3, 0.2, 0.1, 0.7, 0, 0];
		const { gradients } = yolov2Loss(map, targets, { rescore: false });
		const weight = 2 - (32 * 16) / 32 ** 2;
		const expected = [
			weight * (s(0.5) - 0.25) * s(0.5) * s(-0.5),
			weight * (s(-0.3) - 0.75) * s(-0.3) * s(0.3),
			weight * (0.2 - Math.log(2)),
			weight * (0.1 - 0),
			5 * (s(0.7) - 1) * s(0.7) * s(-0.7),
			0.5,
			-0.5,
		];
		expected.forEach((g, k) => expect(gradients[k]).toBeCloseTo(g, 5));
	});

	it('stays finite at logits of 1000', () => {
		const list = dense(levels, 'ayx', 'yolov2').map(({ targets }) => targets);
		const { loss, gradients } = yolov2Loss(
			normal(2 * perPicture, 3).map((x) => Math.sign(x) * 1000),
			list,
			{ imagesSeen: 0 },
		);
		expect(Number.isFinite(loss) && gradients.every(Number.isFinite)).toBe(true);
	});
});

describe('yolov2Loss, bad input', () => {
	const one: CellLevel[] = [{ grid: [1, 1], stride: 32, shapes: [16, 16] }];
	const targets = yoloTargets(matchYoloGrid(one, []), one, [], { numClasses: 2, classIds: [] });
	it.each([
		[() => yolov2Loss(new Float32Array(8), targets), RangeError, /predictions must have 7 entries, 1 times 1 x 1 x 1 x 7; got 8/],
		[() => yolov2Loss(new Float32Array(7).fill(Infinity), targets), RangeError, /predictions\[0\] must be finite/],
		[() => yolov2Loss(new Float32Array(7), targets, { imagesSeen: -1 }), RangeError, /imagesSeen must be .*got -1/],
		[() => yolov2Loss(new Float32Array(7), targets, { objectScale: -1 }), RangeError, /objectScale/],
		[() => yolov2Loss(new Float32Array(7), targets, { rescore: 1 as never }), TypeError, /rescore/],
		[() => yolov2Loss(new Float32Array(7), targets, { objScale: 1 } as never), TypeError, /objScale/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

describe('yolov3Loss', () => {
	const sizes = LEVELS.map(({ grid, shapes }) => (grid[0] * grid[1] * shapes.length * S) / 2);

	it.each([
		['shapes-first', 'ayx', {}],
		['channels-first', 'yxa', { middle: 'squared', middleScale: 2, sizeScale: 4 }],
		['channels-last', 'ayx', { objectnessScale: 3, classScale: 0.5, boxWeighting: 'none', labelSmoothing: 0.1 }],
	] as const)('%s, targets %s, %j', (layout, order, options) => {
		const list = dense(LEVELS, order, 'yolov3');
		const anchors = anchorsOf(LEVELS, order, list);
		const maps = sizes.map((size, l) => normal(2 * size, 20 + l, 1.5));
		const o = { middle: 'bce', middleScale: 1, sizeScale: 1, objectnessScale: 1, classScale: 1, boxWeighting: 'area', labelSmoothing: 0, ...options };
		const flat = Float32Array.from(maps.flatMap((map) => Array.from(map)));
		const starts = [0, 2 * sizes[0]];
		const at = (z: ArrayLike<number>, a: (typeof anchors)[0], c: number) =>
			z[starts[a.l] + a.b * sizes[a.l] + placeIn(layout, LEVELS[a.l].grid as [number, number], 2, a.shape, a.y, a.x, c)];
		const parts = (z: ArrayLike<number>) => {
			const t = { middle: 0, size: 0, objectness: 0, class: 0 };
			for (const a of anchors) {
				if (a.label >= 0) t.objectness += (o.objectnessScale * bceOf(at(z, a, 4), a.label)) / 2;
				if (a.label < 1) continue;
				const weight = (o.boxWeighting === 'area' ? a.weight : 1) / 2;
				const one = (logit: number, wanted: number) => (o.middle === 'bce' ? bceOf(logit, wanted) : (sigmoidOf(logit) - wanted) ** 2 / 2);
				t.middle += weight * o.middleScale * (one(at(z, a, 0), a.box.x) + one(at(z, a, 1), a.box.y));
				t.size += (weight * o.sizeScale * ((Math.log(a.box.w / a.aw) - at(z, a, 2)) ** 2 + (Math.log(a.box.h / a.ah) - at(z, a, 3)) ** 2)) / 2;
				for (let c = 0; c < C; c++) {
					const wanted = (c === a.classId ? 1 : 0) * (1 - o.labelSmoothing) + o.labelSmoothing / 2;
					t.class += (o.classScale * bceOf(at(z, a, 5 + c), wanted)) / 2;
				}
			}
			return t;
		};
		const result = yolov3Loss(
			maps,
			list.map(({ targets }) => targets),
			{ layout, ...options },
		);
		const expected = parts(flat);
		for (const key of Object.keys(expected) as (keyof typeof expected)[]) expectNear(result.parts[key], expected[key]);
		expectNear(result.loss, sum(Object.values(expected)));
		expectSlopes(
			(z) => sum(Object.values(parts(z))),
			flat,
			result.gradients.flatMap((map) => Array.from(map)),
		);
		expect(anchors.some((a) => a.label < 0)).toBe(true);
	});

	it("has darknet's deltas for gradients", () => {
		// yolo_layer.c: scale (x* - s), scale (w* - w), 1 - s, 1 - s and 0 - s, all turned round
		const one: CellLevel[] = [{ grid: [1, 1], stride: 32, shapes: [16, 16] }];
		const box = about(8, 24, 32, 16);
		const targets = yoloTargets(matchYoloGrid(one, box), one, box, { numClasses: 2, classIds: [1] });
		const s = sigmoidOf;
		const [map] = yolov3Loss([[0.5, -0.3, 0.2, 0.1, 0.7, 0.4, -0.6]], targets).gradients;
		const weight = 2 - 0.5;
		const expected = [weight * (s(0.5) - 0.25), weight * (s(-0.3) - 0.75), weight * (0.2 - Math.log(2)), weight * 0.1, s(0.7) - 1, s(0.4), s(-0.6) - 1];
		expected.forEach((g, k) => expect(map[k]).toBeCloseTo(g, 5));
	});

	const [{ targets }] = dense(LEVELS, 'ayx', 'yolov3');
	const maps = sizes.map((size, l) => normal(size, 20 + l));
	it.each([
		[() => yolov3Loss(maps.slice(1), targets), TypeError, /predictions must be a list of maps, one for each of 2 levels; got array of length 1/],
		[() => yolov3Loss(maps[0] as never, targets), TypeError, /predictions must be a list of maps/],
		[() => yolov3Loss([maps[0], maps[0]], targets), RangeError, /predictions\[1\] must have 96 entries, 1 times 2 x 2 x 3 x 8; got 320/],
		[() => yolov3Loss(maps, [targets, targets]), RangeError, /predictions\[0\] must have 640 entries, 2 times 2 x 4 x 5 x 8; got 320/],
		[() => yolov3Loss(maps, {} as never), TypeError, /targets must be the answer of yoloTargets/],
		[() => yolov3Loss(maps, [targets, { ...targets, numClasses: 2 }]), RangeError, /targets\[1\] must have the levels, order and classes of the first/],
		[() => yolov3Loss(maps, { ...targets, coding: 'textbook' }), RangeError, /targets\.coding must be 'darknet'/],
		[() => yolov3Loss(maps, { ...targets, labels: new Int32Array(3) }), RangeError, /targets\.labels must have 52 entries; got 3/],
		[() => yolov3Loss(maps, targets, { layout: 'nchw' as never }), RangeError, /layout/],
		[() => yolov3Loss(maps, targets, { labelSmoothing: 3 }), RangeError, /^yolov3Loss: labelSmoothing must be from 0 to 1; got 3/],
		[() => yolov3Loss(maps, targets, { boxWeighting: 'wh' as never }), RangeError, /boxWeighting/],
		[() => yolov2Loss(maps[0], targets), RangeError, /targets must have one level, as YOLOv2 has; got 2/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

describe('yolov5Loss', () => {
	const sizes = LEVELS.map(({ grid, shapes }) => (grid[0] * grid[1] * shapes.length * S) / 2);
	const pairsOf = (numClasses = C) =>
		PICTURES.map(({ boxes, classIds }) =>
			yolov5Targets(matchYolov5(LEVELS, boxes), LEVELS, boxes, { numClasses, classIds: numClasses === 1 ? classIds.map(() => 0) : classIds }),
		);
	type Boxes = 'ciou' | 'giou' | 'iou';

	it.each([
		['shapes-first', {}],
		['channels-first', { boxKind: 'giou', boxGain: 0.1, classGain: 0.3, objectnessGain: 2, balance: [2, 0.7], labelSmoothing: 0.1 }],
		['channels-last', { boxKind: 'iou', overlapRatio: 0.5, classPositiveWeight: 2, objectnessPositiveWeight: 0.5 }],
	] as const)('%s %j', (layout, options) => {
		const targets = pairsOf();
		const maps = sizes.map((size, l) => normal(2 * size, 40 + l, 1));
		const flat = Float32Array.from(maps.flatMap((map) => Array.from(map)));
		const starts = [0, 2 * sizes[0]];
		const o = {
			...{ boxGain: 0.05, classGain: 0.5, objectnessGain: 1, balance: [4, 1] as readonly number[], overlapRatio: 1, labelSmoothing: 0 },
			...{ classPositiveWeight: 1, objectnessPositiveWeight: 1, boxKind: 'ciou' as Boxes, ...options },
		};
		const weighted = (x: number, t: number, positive: number) => positive * t * bceOf(x, 1) + (1 - t) * bceOf(x, 0);
		/** Overlaps, or with a place to hold CIoU's alpha constant at. */
		const overlap = (a: number[], b: number[], held: number) => (o.boxKind === 'ciou' ? ciouOf(a, b, held) : o.boxKind === 'giou' ? giouOf(a, b) : iouOf(a, b));
		const pairs = targets.flatMap(({ levels }, b) =>
			levels.flatMap(({ places, boxes, shapes, classes }, l) =>
				Array.from(classes, (classId, p) => {
					const [shape, y, x] = places.subarray(p * 3, p * 3 + 3);
					const [bx, by, bw, bh] = boxes.subarray(p * 4, p * 4 + 4);
					return { b, l, shape, y, x, classId, truth: about(bx, by, bw, bh), aw: shapes[p * 2], ah: shapes[p * 2 + 1] };
				}),
			),
		);
		const at = (z: ArrayLike<number>, a: { b: number; l: number; shape: number; y: number; x: number }, c: number) =>
			z[starts[a.l] + a.b * sizes[a.l] + placeIn(layout, LEVELS[a.l].grid as [number, number], 2, a.shape, a.y, a.x, c)];
		const predicted = (z: ArrayLike<number>, a: (typeof pairs)[0]) => {
			const s = [0, 1, 2, 3].map((c) => 2 * sigmoidOf(at(z, a, c)));
			return about(s[0] - 0.5, s[1] - 0.5, s[2] ** 2 * a.aw, s[3] ** 2 * a.ah);
		};
		const alphas = pairs.map((a) => alphaOf(predicted(flat, a), a.truth));
		const wanted = new Map<string, number>();
		pairs.forEach((a, p) => {
			const iou = Math.max(0, overlap(predicted(flat, a), a.truth, alphas[p]));
			wanted.set([a.b, a.l, a.shape, a.y, a.x].join(), 1 - o.overlapRatio + o.overlapRatio * iou); // the last wins
		});
		const parts = (z: ArrayLike<number>) => {
			const t = { box: 0, objectness: 0, class: 0 };
			LEVELS.forEach(({ grid, shapes }, l) => {
				const own = pairs.map((a, p) => ({ ...a, alpha: alphas[p] })).filter((a) => a.l === l);
				t.box += (2 * o.boxGain * sum(own.map((a) => 1 - overlap(predicted(z, a), a.truth, a.alpha)))) / own.length;
				for (const a of own) {
					for (let c = 0; c < C; c++) {
						const should = (c === a.classId ? 1 : 0) * (1 - o.labelSmoothing) + o.labelSmoothing / 2;
						t.class += (2 * o.classGain * weighted(at(z, a, 5 + c), should, o.classPositiveWeight)) / (own.length * C);
					}
				}
				const [h, w] = grid;
				const n = shapes.length / 2;
				for (let k = 0; k < 2 * n * h * w; k++) {
					const a = { b: Math.floor(k / (n * h * w)), l, shape: Math.floor(k / (h * w)) % n, y: Math.floor(k / w) % h, x: k % w };
					const should = wanted.get([a.b, l, a.shape, a.y, a.x].join()) ?? 0;
					t.objectness += (2 * o.objectnessGain * o.balance[l] * weighted(at(z, a, 4), should, o.objectnessPositiveWeight)) / (2 * n * h * w);
				}
			});
			return t;
		};
		const result = yolov5Loss(maps, targets, { layout, ...options });
		const expected = parts(flat);
		for (const key of Object.keys(expected) as (keyof typeof expected)[]) expectNear(result.parts[key], expected[key]);
		expectNear(result.loss, sum(Object.values(expected)));
		expectSlopes(
			(z) => sum(Object.values(parts(z))),
			flat,
			result.gradients.flatMap((map) => Array.from(map)),
		);
		expect(result.numPositives).toBe(pairs.length);
		// some anchor has several pairs, so that "last wins" is seen
		expect(wanted.size).toBeLessThan(pairs.length);
	});

	it('has no class loss with one class', () => {
		const targets = pairsOf(1);
		const maps = LEVELS.map(({ grid, shapes }) => new Float32Array(grid[0] * grid[1] * shapes.length * 6));
		const result = yolov5Loss(maps, targets);
		expect(result.parts.class).toBe(0);
		expect(result.parts.objectness).toBeGreaterThan(0);
	});

	it('of a perfect network has nearly no box loss, and an objectness that should be 1', () => {
		const [{ boxes, classIds }] = PICTURES;
		const one = boxes.slice(0, 4);
		const targets = yolov5Targets(matchYolov5(LEVELS, one), LEVELS, one, { numClasses: C, classIds: classIds.slice(0, 1) });
		const maps = sizes.map((size) => new Float32Array(size).fill(-20));
		const logit = (p: number) => Math.log(p / (1 - p));
		targets.levels.forEach(({ places, boxes: own, shapes, classes, grid }, l) => {
			classes.forEach((c, p) => {
				const [shape, y, x] = places.subarray(p * 3, p * 3 + 3);
				const start = placeIn('shapes-first', grid, 2, shape, y, x, 0);
				const [bx, by, bw, bh] = own.subarray(p * 4, p * 4 + 4);
				const numbers = [(bx + 0.5) / 2, (by + 0.5) / 2, Math.sqrt(bw / shapes[p * 2]) / 2, Math.sqrt(bh / shapes[p * 2 + 1]) / 2].map(logit);
				maps[l].set([...numbers, 20], start);
				maps[l][start + 5 + c] = 20;
			});
		});
		expect(targets.levels.some(({ classes }) => classes.length > 0)).toBe(true);
		const { parts } = yolov5Loss(maps, targets);
		expect(parts.box).toBeLessThan(1e-5);
		expect(parts.class).toBeLessThan(1e-6);
		expect(parts.objectness).toBeLessThan(1e-4);
	});

	it('stays finite at logits of 1000, and has only objectness where there is nothing', () => {
		const maps = sizes.map((size, l) => normal(2 * size, 40 + l, 1).map((x) => Math.sign(x) * 1000));
		const { loss, gradients } = yolov5Loss(maps, pairsOf());
		expect(Number.isFinite(loss) && gradients.every((map) => map.every(Number.isFinite))).toBe(true);
		const empty = yolov5Targets(matchYolov5(LEVELS, []), LEVELS, [], { numClasses: C, classIds: [] });
		const nothing = yolov5Loss(
			sizes.map((size) => new Float32Array(size)),
			empty,
		);
		expect([nothing.parts.box, nothing.parts.class, nothing.numPositives]).toEqual([0, 0, 0]);
		expectNear(nothing.loss, 5 * Math.LN2); // balance 4 and 1
	});

	const [targets] = pairsOf();
	const maps = sizes.map((size, l) => normal(size, 20 + l));
	it.each([
		[() => yolov5Loss([maps[0]], targets), TypeError, /predictions must be a list of maps, one for each of 2 levels/],
		[() => yolov5Loss([maps[0], new Float32Array(5)], targets), RangeError, /predictions\[1\] must have 96 entries.*got 5/],
		[() => yolov5Loss(maps, targets, { balance: [1, 2, 3] }), RangeError, /balance must have one weight for each of 2 levels/],
		[() => yolov5Loss(maps, targets, { balance: [1, NaN] }), RangeError, /balance\[1\]/],
		[() => yolov5Loss(maps, targets, { boxKind: 'siou' as never }), RangeError, /^yolov5Loss: boxKind must be .*'ciou'/],
		[() => yolov5Loss(maps, targets, { labelSmoothing: 3 }), RangeError, /^yolov5Loss: labelSmoothing must be from 0 to 1; got 3/],
		[() => yolov5Loss(maps, targets, { classPositiveWeight: -1 }), RangeError, /^yolov5Loss: classPositiveWeight must be a number from 0/],
		[() => yolov5Loss(maps, targets, { objectnessPositiveWeight: [1, 2] as never }), TypeError, /^yolov5Loss: objectnessPositiveWeight must be a number/],
		[() => yolov5Loss(maps, targets, { overlapRatio: 2 }), RangeError, /overlapRatio/],
		[() => yolov5Loss(maps, undefined as never), TypeError, /targets must be the answer of yolov5Targets/],
		[() => yolov5Loss(maps, [targets, pairsOf(1)[0]]), RangeError, /targets\[1\] must have the levels and classes of the first picture/],
		[
			() => yolov5Loss(maps, { ...targets, levels: [{ ...targets.levels[0], places: Uint32Array.of(9, 0, 0) }, targets.levels[1]] }),
			RangeError,
			/targets\.levels\[0\]\.boxes must have 4 entries/,
		],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

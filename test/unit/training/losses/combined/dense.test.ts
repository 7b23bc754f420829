// The losses of RPN, SSD, RetinaNet and FCOS against loops in double precision: values to 1e-5, gradients by central differences to 1e-3.

import { describe, expect, it } from 'vitest';
import { fcosLoss } from '../../../../../src/training/losses/combined/fcos.js';
import { retinanetLoss } from '../../../../../src/training/losses/combined/retinanet.js';
import { rpnLoss } from '../../../../../src/training/losses/combined/rpn.js';
import { ssdLoss } from '../../../../../src/training/losses/combined/ssd.js';
import { bceOf, costOf, expectNear, expectSlopes, focalOf, giouOf, iouOf, sigmoidOf, smoothL1Of } from '../../../../support/differences.js';
import { random } from '../../../../support/random.js';

const A = 60;

/** Targets of one picture: about a fifth of each label but negatives. */
function picture(seed: number, numClasses: number, background: 'none' | 'first' | 'last' = 'none') {
	const next = random(seed);
	const labels = Int32Array.from({ length: A }, () => (next() < 0.2 ? 1 : next() < 0.2 ? -1 : 0));
	const first = background === 'first' ? 1 : 0;
	const none = background === 'first' ? 0 : background === 'last' ? numClasses : -1;
	return {
		labels,
		offsets: Float32Array.from({ length: A * 4 }, (_, k) => (labels[k >> 2] > 0 ? next() * 4 - 2 : 0)),
		boxWeights: labels.map((l) => (l > 0 ? 1 : 0)) as unknown as Float32Array,
		classes: labels.map((l) => (l > 0 ? Math.floor(next() * numClasses) + first : l === 0 ? none : -1)),
	};
}
const pictures = (numClasses: number, background?: 'none' | 'first' | 'last') =>
	[4, 5].map((seed) => ({ ...picture(seed, numClasses, background), boxWeights: Float32Array.from(picture(seed, numClasses, background).boxWeights) }));
const normal = (count: number, seed: number, spread = 3) => {
	const next = random(seed);
	return Float32Array.from({ length: count }, () => (next() - 0.5) * 2 * spread);
};
const both = <T>(list: { [k: string]: T }[], key: string) => list.flatMap((p) => Array.from(p[key] as unknown as ArrayLike<number>));
const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
const countIf = (list: ArrayLike<number>, test: (x: number) => boolean) => Array.from(list).filter(test).length;

describe('rpnLoss', () => {
	const targets = pictures(1);
	const [labels, offsets] = [both(targets as never, 'labels'), both(targets as never, 'offsets')];
	const objectness = normal(2 * A, 1);
	const deltas = normal(8 * A, 2);
	const sampled = countIf(labels, (l) => l >= 0);
	const sums = (o: ArrayLike<number>, d: ArrayLike<number>, beta: number) => [
		sum(labels.map((l, a) => (l < 0 ? 0 : bceOf(o[a], l)))),
		sum(offsets.map((t, k) => (labels[k >> 2] > 0 ? (beta ? smoothL1Of(d[k] - t, beta) : Math.abs(d[k] - t)) : 0))),
	];

	it.each([
		// torchvision: both by the number sampled, beta 1/9; detectron2: both by 256 times the pictures, L1; the paper: 256, locations, lambda 10
		['torchvision', {}, 1 / 9, sampled, sampled],
		['torchvision, lambda', { lambda: 3, beta: 1 }, 1, sampled, sampled / 3],
		['detectron2', { normalization: 'detectron2' }, 0, 512, 512],
		['paper', { normalization: 'paper', numLocations: 2400 }, 1 / 9, 512, 480],
		['paper, its own numbers', { normalization: 'paper', numLocations: 100, numClassification: 60, lambda: 2 }, 1 / 9, 120, 100],
	] as const)('%s', (_, options, beta, byClassification, byBox) => {
		const result = rpnLoss({ objectness, deltas }, targets, options);
		const [classification, box] = sums(objectness, deltas, beta);
		expectNear(result.parts.classification, classification / byClassification);
		expectNear(result.parts.box, box / byBox);
		expectNear(result.loss, classification / byClassification + box / byBox);
		expectSlopes((o) => sums(o, deltas, beta)[0] / byClassification, objectness, result.gradients.objectness);
		expectSlopes((d) => sums(objectness, d, beta)[1] / byBox, deltas, result.gradients.deltas);
		expect(result.numPositives).toBe(countIf(labels, (l) => l > 0));
	});

	it('is in both normalisations the same where lambda says so', () => {
		// torchvision divides both by the number sampled, so that lambda disappears: N_cls = n, lambda / N_reg = 1 / n
		const [one] = targets;
		const n = countIf(one.labels, (l) => l >= 0);
		const given = { objectness: objectness.slice(0, A), deltas: deltas.slice(0, 4 * A) };
		const theirs = rpnLoss(given, one);
		const papers = rpnLoss(given, one, { normalization: 'paper', numClassification: n, numLocations: 10 * n });
		expectNear(papers.loss, theirs.loss);
		papers.gradients.deltas.forEach((g, k) => expect(g).toBeCloseTo(theirs.gradients.deltas[k], 6));
		papers.gradients.objectness.forEach((g, k) => expect(g).toBeCloseTo(theirs.gradients.objectness[k], 6));
	});

	it('is ln 2 for a network that says nothing, and has no gradient where nothing was sampled', () => {
		const zero = { ...targets[0], offsets: new Float32Array(4 * A) };
		expectNear(rpnLoss({ objectness: new Float32Array(A), deltas: new Float32Array(4 * A) }, zero).loss, Math.LN2);
		const none = { ...zero, labels: zero.labels.map(() => -1) };
		const result = rpnLoss({ objectness: objectness.slice(0, A), deltas: deltas.slice(0, 4 * A) }, none);
		expect(result.loss).toBe(0);
		expect([...result.gradients.objectness, ...result.gradients.deltas].every((g) => g === 0)).toBe(true);
	});

	it('of nothing is nothing', () => {
		const empty = { labels: new Int32Array(0), offsets: new Float32Array(0), boxWeights: new Float32Array(0) };
		const result = rpnLoss({ objectness: [], deltas: [] }, empty);
		expect([result.loss, result.numPositives, result.gradients.deltas.length]).toEqual([0, 0, 0]);
	});

	const [one] = targets;
	const good = { objectness: objectness.slice(0, A), deltas: deltas.slice(0, 4 * A) };
	it.each([
		[() => rpnLoss({ ...good, objectness }, one), RangeError, /predictions\.objectness must have 60 entries, one per anchor; got 120/],
		[() => rpnLoss({ ...good, deltas: new Float32Array(3) }, one), RangeError, /predictions\.deltas must have 240 entries, four per anchor; got 3/],
		[
			() => rpnLoss({ ...good, objectness: good.objectness.map((x, a) => (a === 7 ? NaN : x)) }, one),
			RangeError,
			/predictions\.objectness\[7\] must be finite.*got NaN/,
		],
		[() => rpnLoss({ objectness: good.objectness } as never, one), TypeError, /predictions\.deltas/],
		[() => rpnLoss({ ...good, logits: [] } as never, one), TypeError, /predictions may hold objectness, deltas; got "logits"/],
		[() => rpnLoss(good, undefined as never), TypeError, /targets\.labels must be an Int32Array/],
		[() => rpnLoss(good, []), RangeError, /targets must hold the targets of a picture/],
		[() => rpnLoss(good, [{ ...one, offsets: new Float32Array(5) }]), RangeError, /targets\[0\]\.offsets must have 240 entries; got 5/],
		[() => rpnLoss(good, one, { normalization: 'paper' }), TypeError, /numLocations/],
		[() => rpnLoss(good, one, { numLocations: 3 }), TypeError, /numLocations must be absent unless normalization is 'paper'/],
		[() => rpnLoss(good, one, { numClassification: 3 }), TypeError, /numClassification must be absent/],
		[() => rpnLoss(good, one, { normalization: 'papre' as never }), RangeError, /did you mean 'paper'/],
		[() => rpnLoss(good, one, { lambda: -1 }), RangeError, /lambda/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

describe('ssdLoss', () => {
	const C = 4; // and the background
	const maxIou = [0, 1].map((b) => normal(A, 30 + b, 0.5).map((x) => x + 0.5));

	it.each([
		['torchvision', 'first', {}],
		['background last, alpha', 'last', { alpha: 2, beta: 0.5, ratio: 1.5 }],
		['caffe', 'first', { style: 'caffe', maxIou, negativeOverlap: 0.6, ratio: 2.5 }],
	] as const)('%s', (_, background, options) => {
		const targets = pictures(C, background);
		const [labels, offsets, classes] = ['labels', 'offsets', 'classes'].map((key) => both(targets as never, key));
		const boxes = normal(8 * A, 6);
		const logits = normal(2 * A * (C + 1), 7);
		const { ratio = 3, alpha = 1, beta = 1 } = options as { ratio?: number; alpha?: number; beta?: number };
		const isCaffe = 'style' in options;
		const row = (z: ArrayLike<number>, a: number) => Array.from({ length: C + 1 }, (_, c) => z[a * (C + 1) + c]);
		// which anchors take part: all positives, and of each picture the negatives with the highest losses
		const chosen = labels.map((l) => l > 0);
		for (const b of [0, 1]) {
			const own = Array.from({ length: A }, (_, a) => b * A + a);
			const numPositives = own.filter((a) => labels[a] > 0).length;
			const negatives = own.filter((a) => labels[a] === 0 && (!isCaffe || maxIou[b][a - b * A] < 0.6));
			negatives.sort((x, y) => costOf(row(logits, y), classes[y]) - costOf(row(logits, x), classes[x]) || x - y);
			const wanted = isCaffe ? Math.floor(numPositives * ratio) : Math.ceil(numPositives * ratio);
			for (const a of negatives.slice(0, wanted)) chosen[a] = true;
		}
		const n = labels.filter((l) => l > 0).length;
		const classification = (z: ArrayLike<number>) => sum(chosen.map((yes, a) => (yes ? costOf(row(z, a), classes[a]) : 0))) / n;
		const box = (d: ArrayLike<number>) => (alpha * sum(offsets.map((t, k) => (labels[k >> 2] > 0 ? smoothL1Of(d[k] - t, beta) : 0)))) / n;

		const result = ssdLoss({ boxes, classes: logits }, targets, { background, ...options } as never);
		expectNear(result.parts.classification, classification(logits));
		expectNear(result.parts.box, box(boxes));
		expectNear(result.loss, classification(logits) + box(boxes));
		expectSlopes(classification, logits, result.gradients.classes);
		expectSlopes(box, boxes, result.gradients.boxes);
		expect([result.numPositives, result.numNegatives]).toEqual([n, chosen.filter(Boolean).length - n]);
	});

	it('has no loss without positives', () => {
		const [one] = pictures(C, 'first');
		const none = { ...one, labels: one.labels.map(() => 0), classes: one.classes.map(() => 0), boxWeights: new Float32Array(A) };
		const result = ssdLoss({ boxes: normal(4 * A, 1), classes: normal(5 * A, 2) }, none);
		expect([result.loss, result.numNegatives]).toEqual([0, 0]);
		expect(ssdLoss({ boxes: normal(4 * A, 1), classes: normal(5 * A, 2) }, none, { minimum: 4 }).numNegatives).toBe(4);
	});

	const [one] = pictures(C, 'first');
	const good = { boxes: normal(4 * A, 1), classes: normal(5 * A, 2) };
	it.each([
		[() => ssdLoss({ ...good, classes: normal(61, 1) }, one), RangeError, /predictions\.classes must have at least two entries for each of 60 anchors; got 61/],
		[() => ssdLoss(good, { ...one, classes: undefined }), TypeError, /targets\.classes must be an Int32Array.*give encodeTargets classIds/],
		[() => ssdLoss(good, one, { background: 'last' }), RangeError, /targets' classes\[\d+\] must be 4 for negatives.*give encodeTargets background: 'last'/],
		[() => ssdLoss(good, one, { ratio: -1 }), RangeError, /^ssdLoss: ratio must be a finite number, 0 or more; got -1/],
		[() => ssdLoss(good, one, { style: 'caffe' }), TypeError, /^ssdLoss: maxIou must be given with style 'caffe'/],
		[() => ssdLoss(good, one, { style: 'caffe', maxIou: [maxIou[0], maxIou[1]] }), RangeError, /maxIou must have one list per picture, 1; got 2/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

describe('retinanetLoss', () => {
	const C = 3;
	const targets = pictures(C);
	const [labels, offsets, classes] = ['labels', 'offsets', 'classes'].map((key) => both(targets as never, key));
	const own = targets.map((t) => countIf(t.labels, (l) => l > 0));
	const n = own[0] + own[1];
	const boxes = normal(8 * A, 6);
	const logits = normal(2 * A * C, 7);
	const fizyr = (p: number, t: number) => (t ? -0.25 * (1 - p) ** 2 * Math.log(p) : -0.75 * p ** 2 * Math.log(1 - p));

	it.each([
		// torchvision: each picture by its positives, then the mean; mmdet: by the sum; detectron2: 0.9 of 100 and a tenth of the positives
		['torchvision', {}, 0, [own[0] * 2, own[1] * 2]],
		['mmdet', {}, 0, [n, n]],
		['detectron2', {}, 0.1, [90 + n / 10, 90 + n / 10]],
		['detectron2', { runningNormalizer: 20, beta: 1 }, 1, [18 + n / 10, 18 + n / 10]],
		['keras-retinanet', {}, 1 / 9, [n, n]],
	] as const)('%s %j', (style, options, beta, divisors) => {
		const isKeras = style === 'keras-retinanet';
		const given = isKeras ? logits.map(sigmoidOf) : logits;
		const one = isKeras ? fizyr : (focalOf as (x: number, t: number) => number);
		const classification = (z: ArrayLike<number>) =>
			sum(
				labels.map((l, a) =>
					l < 0 ? 0 : sum(Array.from({ length: C }, (_, c) => one(z[a * C + c], l > 0 && classes[a] === c ? 1 : 0))) / divisors[a < A ? 0 : 1],
				),
			);
		const box = (d: ArrayLike<number>) =>
			sum(offsets.map((t, k) => (labels[k >> 2] > 0 ? (beta ? smoothL1Of(d[k] - t, beta) : Math.abs(d[k] - t)) / divisors[k >> 2 < A ? 0 : 1] : 0)));
		const result = retinanetLoss({ boxes, classes: given }, targets, { numClasses: C, style, ...options });
		expectNear(result.parts.classification, classification(given));
		expectNear(result.parts.box, box(boxes));
		expectSlopes(classification, given, result.gradients.classes, 1, 1e-5);
		expectSlopes(box, boxes, result.gradients.boxes);
		divisors.forEach((d, b) => expect(result.normalizers[b]).toBeCloseTo(d, 4));
	});

	it('divides by 1 where there are no positives', () => {
		const none = { ...targets[0], labels: new Int32Array(A), boxWeights: new Float32Array(A), classes: new Int32Array(A).fill(-1) };
		const result = retinanetLoss({ boxes: boxes.slice(0, 4 * A), classes: new Float32Array(A * C) }, none, { numClasses: C });
		// every logit 0: 0.75 / 4 ln 2 each
		expectNear(result.loss, A * C * 0.1875 * Math.LN2);
		expect(result.normalizers).toEqual([1]);
	});

	it.each([
		[() => retinanetLoss({ boxes, classes: logits }, targets[0], { numClasses: C }), RangeError, /predictions\.boxes must have 240 entries/],
		[() => retinanetLoss({ boxes, classes: logits }, targets, {} as never), TypeError, /numClasses/],
		[() => retinanetLoss({ boxes, classes: normal(4 * A, 1) }, targets, { numClasses: 2 }), RangeError, /targets' classes\[\d+\] must be below 2/],
		[() => retinanetLoss({ boxes, classes: logits }, targets, { numClasses: C, runningNormalizer: 5 }), TypeError, /runningNormalizer must be absent/],
		[
			() => retinanetLoss({ boxes, classes: logits }, targets, { numClasses: C, style: 'keras-retinanet' }),
			RangeError,
			/^retinanetLoss: predictions\.classes\[\d+\] must be from 0 to 1.*probabilities/,
		],
		[() => retinanetLoss({ boxes, classes: logits }, targets, { numClasses: 1.5 }), RangeError, /numClasses must be an integer from 1/],
		[() => retinanetLoss({ boxes, classes: logits }, targets, { numClasses: C, alpha: 5 }), RangeError, /^retinanetLoss: alpha must be from 0 to 1; got 5/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

describe('fcosLoss', () => {
	const C = 3;
	const next = random(50);
	const targets = pictures(C).map((t) => {
		const distances = Float32Array.from({ length: A * 4 }, (_, k) => (t.labels[k >> 2] > 0 ? 0.3 + next() * 3 : 0));
		const centerness = Float32Array.from({ length: A }, (_, a) => {
			if (t.labels[a] < 1) return 0;
			const [l, top, r, b] = distances.subarray(a * 4, a * 4 + 4);
			return Math.sqrt((Math.min(l, r) / Math.max(l, r)) * (Math.min(top, b) / Math.max(top, b)));
		});
		return { labels: t.labels, classes: t.classes, distances, centerness };
	});
	const [labels, distances, classes, middles] = ['labels', 'distances', 'classes', 'centerness'].map((key) => both(targets as never, key));
	const n = countIf(labels, (l) => l > 0);
	const given = { classes: normal(2 * A * C, 8), boxes: normal(8 * A, 9, 1.5).map((x) => x + 1), centerness: normal(2 * A, 10) };
	const about = (d: readonly number[]) => [-d[0], -d[1], d[2], d[3]];
	const activations = { relu: (x: number) => Math.max(x, 0), exp: Math.exp, none: (x: number) => x };

	it.each([
		['torchvision', {}, 'relu', n, (a: number[], b: number[]) => 1 - giouOf(a, b)],
		['detectron2', { activation: 'exp' }, 'exp', 270 + n / 10, (a: number[], b: number[]) => 1 - giouOf(a, b)],
		['mmdet', { activation: 'exp' }, 'exp', n, (a: number[], b: number[]) => -Math.log(iouOf(a, b))],
		['torchvision', { activation: 'exp', boxKind: 'iou', form: 'linear' }, 'exp', n, (a: number[], b: number[]) => 1 - iouOf(a, b)],
		['torchvision', { activation: 'exp', boxKind: 'iou', form: 'square' }, 'exp', n, (a: number[], b: number[]) => 1 - iouOf(a, b) ** 2],
	] as const)('%s %j', (style, options, activation, divisor, lossOf) => {
		const classification = (z: ArrayLike<number>) =>
			sum(labels.map((l, a) => (l < 0 ? 0 : sum(Array.from({ length: C }, (_, c) => focalOf(z[a * C + c], l > 0 && classes[a] === c ? 1 : 0)))))) / divisor;
		const weights = style === 'mmdet' ? middles : labels.map((l) => (l > 0 ? 1 : 0));
		const boxDivisor = style === 'mmdet' ? sum(middles) : divisor;
		const box = (d: ArrayLike<number>) =>
			sum(
				labels.map((l, a) => {
					if (l < 1) return 0;
					const predicted = [0, 1, 2, 3].map((side) => activations[activation](d[a * 4 + side]));
					return weights[a] * lossOf(about(predicted), about(distances.slice(a * 4, a * 4 + 4)));
				}),
			) / boxDivisor;
		const centre = (z: ArrayLike<number>) => sum(labels.map((l, a) => (l > 0 ? bceOf(z[a], middles[a]) : 0))) / divisor;
		const result = fcosLoss(given, targets, { numClasses: C, style, ...options });
		expectNear(result.parts.classification, classification(given.classes));
		expectNear(result.parts.box, box(given.boxes));
		expectNear(result.parts.centerness, centre(given.centerness));
		expectNear(result.loss, classification(given.classes) + box(given.boxes) + centre(given.centerness));
		expectSlopes(classification, given.classes, result.gradients.classes);
		expectSlopes(box, given.boxes, result.gradients.boxes);
		expectSlopes(centre, given.centerness, result.gradients.centerness);
		expect(result.normalizer).toBeCloseTo(divisor, 4);
	});

	it('has no box and no centerness without positives', () => {
		const none = { ...targets[0], labels: new Int32Array(A) };
		const part = { classes: new Float32Array(A * C), boxes: given.boxes.slice(0, 4 * A), centerness: given.centerness.slice(0, A) };
		const result = fcosLoss(part, none, { numClasses: C });
		expect([result.parts.box, result.parts.centerness, result.numPositives]).toEqual([0, 0, 0]);
		expectNear(result.loss, A * C * 0.1875 * Math.LN2);
	});

	it('stays finite far out', () => {
		const far = { ...given, boxes: given.boxes.map((_, k) => (k % 2 ? 1000 : -1000)), classes: given.classes.map((_, k) => (k % 2 ? 1000 : -1000)) };
		for (const activation of ['exp', 'relu', 'none'] as const) {
			for (const style of ['torchvision', 'mmdet'] as const) {
				const { loss, gradients } = fcosLoss(far, targets, { numClasses: C, activation, style });
				expect(Number.isFinite(loss)).toBe(true);
				expect([...gradients.boxes, ...gradients.classes].every(Number.isFinite)).toBe(true);
			}
		}
	});

	it.each([
		[() => fcosLoss(given, targets[0], { numClasses: C }), RangeError, /predictions\.classes must have 180 entries, 3 per point; got 360/],
		[() => fcosLoss(given, targets, { numClasses: 2 }), RangeError, /targets\[0\]\.classes\[\d+\] must be below 2/],
		[() => fcosLoss(given, targets, { numClasses: C, form: 'log' }), TypeError, /form must be absent unless boxKind is 'iou'/],
		[() => fcosLoss(given, targets, { numClasses: C, activation: 'tanh' as never }), RangeError, /activation/],
		[() => fcosLoss(given, targets, { numClasses: 2.5 }), RangeError, /numClasses must be an integer from 1/],
		[() => fcosLoss(given, targets, { numClasses: C, gamma: -1 }), RangeError, /^fcosLoss: gamma must be from 0 to 1000; got -1/],
		[() => fcosLoss(given, targets, { numClasses: C, boxKind: 'siou' as never }), RangeError, /^fcosLoss: boxKind must be 'iou' or/],
		[() => fcosLoss(given, targets, { numClasses: C, boxKind: 'iou', form: 'ln' as never }), RangeError, /^fcosLoss: form must be 'linear' or 'log'/],
		[() => fcosLoss(given, {} as never, { numClasses: C }), TypeError, /targets\.labels must be an Int32Array/],
	])('refuses %s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

// Encoded targets: decoding gives the ground truth back for every codec; the formulas' own numbers; weights, classes, and bad input.

import { describe, expect, it } from 'vitest';
import { bins } from '../../../../src/codecs/bins.js';
import { boxes } from '../../../../src/codecs/boxes.js';
import { cell } from '../../../../src/codecs/cell.js';
import { centers } from '../../../../src/codecs/centers.js';
import type { BoxCodec } from '../../../../src/codecs/codec.js';
import { corners } from '../../../../src/codecs/corners.js';
import { deltas } from '../../../../src/codecs/deltas.js';
import { distances } from '../../../../src/codecs/distances.js';
import { mediapipe } from '../../../../src/codecs/mediapipe.js';
import { rotatedDeltas } from '../../../../src/codecs/rotated-deltas.js';
import { rotatedDistances } from '../../../../src/codecs/rotated-distances.js';
import { encodeTargets } from '../../../../src/training/targets/encode.js';
import { random } from '../../../support/random.js';

const A = 400;
const G = 23;

/** Labels and matches by chance. */
function someMatches(seed: number) {
	const next = random(seed);
	const labels = Int32Array.from({ length: A }, () => Math.floor(next() * 3) - 1);
	return { labels, matches: labels.map((label) => (label > 0 ? Math.floor(next() * G) : -1)) };
}

/** Ground truths about (200, 200), at least 20 pixels a side, all holding (200, 200). */
function someTruths(seed: number): Float32Array {
	const next = random(seed);
	return Float32Array.from({ length: G * 4 }, (_, k) => 200 + (k % 4 < 2 ? -1 : 1) * (10 + next() * 60));
}

const next = random(77);
const anchorRows: Record<string, () => number[]> = {
	xyxy: () => [150 + next() * 50, 150 + next() * 50, 210 + next() * 50, 210 + next() * 50],
	cxcywh: () => [195 + next() * 10, 195 + next() * 10, 70 + next() * 10, 70 + next() * 10],
	point: () => [198 + next() * 4, 198 + next() * 4, 8, 8],
	cxcywhr: () => [195 + next() * 10, 195 + next() * 10, 70 + next() * 10, 40, next()],
	none: () => [],
};

const CODECS: [string, BoxCodec][] = [
	['deltas', deltas()],
	['deltas, weights 10 10 5 5', deltas({ weights: [10, 10, 5, 5] })],
	['deltas, legacy', deltas({ legacy: 'detectron' })],
	['corners', corners({ variances: 0.2 })],
	['distances in strides', distances()],
	['distances in pixels, exp', distances({ unit: 'pixels', activation: 'exp' })],
	['distances by size', distances({ unit: 'size' })],
	['bins', bins({ numBins: 16 })],
	['centers', centers()],
	['mediapipe', mediapipe({ scale: 128 })],
	['mediapipe, exp', mediapipe({ scale: [10, 10, 5, 5], exponential: true })],
	['cell v5', cell()],
	['cell v3', cell({ version: 'v3' })],
	['cell v4', cell({ version: 'v4', scaleXY: 1.1 })],
	['YOLOX', cell({ version: 'x' })],
	['boxes', boxes({ format: 'cxcywh', scale: [640, 480] })],
];

describe('decode(encodeTargets) is the ground truth', () => {
	it.each(CODECS)('%s', (_, codec) => {
		const matches = someMatches(3);
		const truths = someTruths(5);
		const stride = 128; // the middles of all truths lie within 64 pixels of every cell's middle
		const rows = Float32Array.from(Array.from({ length: A }, anchorRows[codec.anchors]).flat());
		const given = codec.anchors === 'none' ? undefined : rows;
		const { offsets, boxWeights, unreachable, numPositives } = encodeTargets(matches, given, truths, { codec, stride });
		const decoded = codec.decode(offsets, given, stride);
		expect(unreachable).toHaveLength(0);
		expect(numPositives).toBe(matches.labels.filter((label) => label > 0).length);
		let checked = 0;
		for (let a = 0; a < A; a++) {
			expect(boxWeights[a]).toBe(matches.labels[a] > 0 ? 1 : 0);
			if (matches.labels[a] < 1) {
				expect(offsets.subarray(a * codec.numRaw, (a + 1) * codec.numRaw).every((x) => x === 0)).toBe(true);
				continue;
			}
			const truth = truths.subarray(matches.matches[a] * 4, matches.matches[a] * 4 + 4);
			const size = Math.max(...truth, truth[2] - truth[0], truth[3] - truth[1]);
			for (let c = 0; c < 4; c++) expect(Math.abs(decoded[a * 4 + c] - truth[c])).toBeLessThan(1e-5 * size);
			checked++;
		}
		expect(checked).toBeGreaterThan(100);
	});

	it.each([
		['rotatedDeltas', rotatedDeltas({ anchors: 'cxcywhr' })],
		['rotatedDistances', rotatedDistances({ numBins: 16 })],
	] as [string, BoxCodec][])('%s', (_, codec) => {
		const matches = someMatches(8);
		const data = Float32Array.from(Array.from({ length: G }, () => [200, 200, 60 + next() * 40, 40 + next() * 20, next() - 0.4]).flat());
		const rows = Float32Array.from(Array.from({ length: A }, anchorRows[codec.anchors]).flat());
		const { offsets } = encodeTargets(matches, rows, { data, format: 'cxcywhr' }, { codec });
		const decoded = codec.decode(offsets, rows);
		for (let a = 0; a < A; a++) {
			if (matches.labels[a] < 1) continue;
			const [x, y, w, h, angle] = data.subarray(matches.matches[a] * 5, matches.matches[a] * 5 + 5);
			[x - w / 2, y - h / 2, x + w / 2, y + h / 2].forEach((c, i) => expect(Math.abs(decoded[a * 5 + i] - c)).toBeLessThan(3e-3));
			expect(decoded[a * 5 + 4]).toBeCloseTo(angle, 4);
		}
	});
});

describe('offsets', () => {
	it('are those of the Faster R-CNN paper', () => {
		// anchor 40 x 80 about (30, 60), ground truth 80 x 40 about (50, 40): tx = 20 / 40, ty = -20 / 80, tw = ln 2, th = ln 1/2
		const matches = { labels: Int32Array.of(0, 1), matches: Int32Array.of(-1, 0) };
		const anchors = [0, 0, 10, 10, 10, 20, 50, 100];
		const { offsets } = encodeTargets(matches, anchors, [10, 20, 90, 60], { codec: deltas() });
		[0, 0, 0, 0, 0.5, -0.25, 0.693147, -0.693147].forEach((t, k) => expect(offsets[k]).toBeCloseTo(t, 5));
	});

	it('are of their own: what happens to the arguments afterwards does not reach them', () => {
		const matches = { labels: Int32Array.of(1), matches: Int32Array.of(0) };
		const anchors = Float32Array.of(10, 20, 50, 100);
		const result = encodeTargets(matches, anchors, anchors, { codec: deltas() });
		expect(anchors).toEqual(Float32Array.of(10, 20, 50, 100));
		matches.labels[0] = -1;
		expect(result.labels[0]).toBe(1);
	});

	it('take ground truths in any format', () => {
		const matches = { labels: Int32Array.of(1), matches: Int32Array.of(0) };
		const codec = deltas();
		const { offsets } = encodeTargets(matches, [10, 20, 50, 100], { data: [50, 40, 80, 40], format: 'cxcywh' }, { codec });
		[0.5, -0.25, 0.693147, -0.693147].forEach((t, k) => expect(offsets[k]).toBeCloseTo(t, 5));
	});
});

describe('classes', () => {
	const matches = { labels: Int32Array.of(1, 0, -1, 1), matches: Int32Array.of(1, -1, -1, 0) };
	const anchors = [0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 9, 9, 0, 0, 9, 9];
	const truths = [0, 0, 5, 5, 1, 1, 6, 6];
	const of = (options: object) => encodeTargets(matches, anchors, truths, { codec: deltas(), classIds: [2, 0], ...options });

	// background 0 and classes from 1: torchvision, Caffe; background last: detectron2, mmdetection; none: sigmoids
	it.each([
		[{}, [0, -1, -1, 2]],
		[{ background: 'first' }, [1, 0, -1, 3]],
		[{ background: 'last', numClasses: 3 }, [0, 3, -1, 2]],
	])('%j: %j', (options, expected) => {
		const { classes, classWeights } = of(options);
		expect(Array.from(classes as Int32Array)).toEqual(expected);
		expect(Array.from(classWeights)).toEqual([1, 1, 0, 1]);
	});

	it.each([
		['none', [1, 0, 0, /**/ 0, 0, 0, /**/ 0, 0, 0, /**/ 0, 0, 1]],
		['first', [0, 1, 0, 0, /**/ 1, 0, 0, 0, /**/ 0, 0, 0, 0, /**/ 0, 0, 0, 1]],
		['last', [1, 0, 0, 0, /**/ 0, 0, 0, 1, /**/ 0, 0, 0, 0, /**/ 0, 0, 1, 0]],
	])('as rows, background %s', (background, expected) => {
		expect(Array.from(of({ background, numClasses: 3, oneHot: true }).oneHot as Float32Array)).toEqual(expected);
	});

	it('are absent where there are no ids', () => {
		const result = encodeTargets(matches, anchors, truths, { codec: deltas() });
		expect('classes' in result || 'oneHot' in result).toBe(false);
		expect(Array.from(result.classWeights)).toEqual([1, 1, 0, 1]);
	});
});

describe('what a codec cannot express', () => {
	// the centre is on the border between two cells: no logit has the sigmoid 0
	const matches = { labels: Int32Array.of(1, 1), matches: Int32Array.of(0, 1) };
	const anchors = [48, 48, 30, 30, 48, 48, 30, 30];
	const truths = [40, 30, 70, 60, 17, 38, 47, 68];

	it('is named', () => {
		const call = () => encodeTargets(matches, anchors, truths, { codec: cell({ version: 'v3' }), stride: 32 });
		expect(call).toThrow(
			/groundTruths\[1\] must be a box that the codec can tell from anchors\[1\]; got \[17, 38, 47, 68\] \(cell\.encode: .*centre within 16 px/,
		);
	});

	it('or reported, with no weight', () => {
		const result = encodeTargets(matches, anchors, truths, { codec: cell({ version: 'v3' }), stride: 32, unreachable: 'report' });
		expect(Array.from(result.unreachable)).toEqual([1]);
		expect(Array.from(result.boxWeights)).toEqual([1, 0]);
		expect(result.numPositives).toBe(2);
		expect(Array.from(result.offsets.subarray(4))).toEqual([0, 0, 0, 0]);
	});
});

describe('bad input', () => {
	const good = { labels: Int32Array.of(1), matches: Int32Array.of(0) };
	const box = [0, 0, 5, 5];
	const codec = deltas();
	it('of nothing is nothing', () => {
		const empty = { labels: new Int32Array(0), matches: new Int32Array(0) };
		const result = encodeTargets(empty, [], [], { codec, classIds: [], numClasses: 2, oneHot: true });
		expect([result.offsets, result.boxWeights, result.oneHot].map((list) => list?.length)).toEqual([0, 0, 0]);
		const none = { labels: Int32Array.of(0, -1), matches: Int32Array.of(-1, -1) };
		expect(encodeTargets(none, [...box, ...box], [], { codec }).numPositives).toBe(0);
	});
	it.each([
		[() => encodeTargets(undefined as never, box, box, { codec }), TypeError, /matches must be the answer of a matcher; got undefined/],
		[() => encodeTargets({ labels: [1], matches: [0] } as never, box, box, { codec }), TypeError, /matches\.labels must be an Int32Array/],
		// torchvision's -2 is ignored, and its -1 a negative
		[() => encodeTargets({ ...good, labels: Int32Array.of(-2) }, box, box, { codec }), RangeError, /matches\.labels\[0\] must be -1 \(ignored\).*got -2/],
		[() => encodeTargets(good, [...box, ...box], box, { codec }), RangeError, /matches\.labels must have one entry per anchor, 2; got 1/],
		[
			() => encodeTargets({ ...good, matches: Int32Array.of(1) }, box, box, { codec }),
			RangeError,
			/matches\.matches\[0\] must be one of 1 ground truths.*got 1/,
		],
		[() => encodeTargets({ ...good, matches: Int32Array.of(-1) }, box, box, { codec }), RangeError, /matches\.matches\[0\]/],
		[() => encodeTargets(good, [0, 0, 5], box, { codec }), RangeError, /anchors must have a length that is a multiple of 4; got 3/],
		[() => encodeTargets(good, undefined, box, { codec }), TypeError, /anchors must be a Float32Array/],
		[() => encodeTargets(good, box, [0, 0, 0, 5], { codec }), RangeError, /groundTruths\[0\].*positive width/],
		[() => encodeTargets(good, box, box, { codec: 'deltas' } as never), TypeError, /codec must be a codec/],
		[() => encodeTargets(good, box, box, {} as never), TypeError, /codec must be a codec/],
		[() => encodeTargets(good, box, box, { codec, classIds: [1, 2] }), RangeError, /classIds must have one entry per box, 1; got 2/],
		[() => encodeTargets(good, box, box, { codec, classIds: [3], numClasses: 3 }), RangeError, /classIds\[0\] must be below the number of classes, 3; got 3/],
		[() => encodeTargets(good, box, box, { codec, classIds: [3], oneHot: true }), TypeError, /numClasses must be an integer/],
		[() => encodeTargets(good, box, box, { codec, oneHot: true }), TypeError, /oneHot must be absent without classIds/],
		[() => encodeTargets(good, box, box, { codec, background: 'first' }), TypeError, /background must be absent without classIds/],
		[() => encodeTargets(good, box, { data: [0, 0, 5, 5, 0], format: 'cxcywhr' }, { codec }), TypeError, /groundTruths must be upright boxes/],
		[() => encodeTargets(good, box, box, { codec: rotatedDeltas() }), TypeError, /groundTruths must have format 'cxcywhr'/],
		[() => encodeTargets(good, box, box, { codec: cell() }), TypeError, /stride must be given for the cell codec/],
		[() => encodeTargets(good, box, box, { codec: cell(), stride: 0 }), RangeError, /stride must be a positive number; got 0/],
		[
			() => encodeTargets(good, box, box, { codec: cell(), stride: new Float32Array(2) }),
			RangeError,
			/stride must be a number, or have one entry per anchor, 1; got 2/,
		],
		[() => encodeTargets(good, box, box, { codec, clasIds: [1] } as never), TypeError, /did you mean classIds/],
	])('%s', (call, Kind, text) => {
		expect(call).toThrow(Kind);
		expect(call).toThrow(text);
	});
});

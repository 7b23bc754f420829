// What holds for every codec: numbers that are not finite give a box of NaN, encode is the inverse of decode, boxes whose
// sizes come from exp are never inverted nor infinite, and the shader's constants are exact.

import fc from 'fast-check';
import { assert, describe, test } from 'vitest';
import { bins } from '../../../src/codecs/bins.js';
import { boxes } from '../../../src/codecs/boxes.js';
import { cell } from '../../../src/codecs/cell.js';
import { centers } from '../../../src/codecs/centers.js';
import type { BoxCodec } from '../../../src/codecs/codec.js';
import { corners } from '../../../src/codecs/corners.js';
import { deltas } from '../../../src/codecs/deltas.js';
import { distances } from '../../../src/codecs/distances.js';
import { mediapipe } from '../../../src/codecs/mediapipe.js';
import { rotatedDeltas } from '../../../src/codecs/rotated-deltas.js';
import { rotatedDistances } from '../../../src/codecs/rotated-distances.js';

const STRIDE = 16;

/** Codecs whose sizes come from exp or a sigmoid. */
const POSITIVE: [string, BoxCodec][] = [
	['deltas', deltas()],
	['deltas, means', deltas({ means: [0.1, -0.1, 0.2, -0.2], variances: [0.1, 0.1, 0.2, 0.2] })],
	['deltas, legacy', deltas({ legacy: 'detectron' })],
	['cell v2', cell({ version: 'v2' })],
	['cell v3', cell({ version: 'v3' })],
	['cell v4', cell({ version: 'v4' })],
	['cell v5', cell()],
	['cell X', cell({ version: 'x' })],
	['distances, exp', distances({ activation: 'exp' })],
	['mediapipe, exponential', mediapipe({ scale: [10, 10, 5, 5], exponential: true })],
	['bins', bins({ numBins: 8 })],
];
/** The same, with an angle. */
const TURNED: [string, BoxCodec][] = [
	['rotated deltas', rotatedDeltas({ range: 'le90' })],
	['rotated deltas of turned anchors', rotatedDeltas({ anchors: 'cxcywhr', angle: 'degrees-ccw', weights: [10, 10, 5, 5, 1] })],
	['rotated deltas, projected', rotatedDeltas({ anchors: 'cxcywhr', projected: true, range: 'none' })],
	['rotated distances', rotatedDistances()],
	['rotated distances, bins', rotatedDistances({ numBins: 8, angle: 'raw' })],
];
const OTHERS: [string, BoxCodec][] = [
	['boxes', boxes()],
	['boxes, normalised', boxes({ scale: [640, 480] })],
	['boxes with an angle', boxes({ format: 'cxcywhr' })],
	['mediapipe', mediapipe({ scale: 128 })],
	['corners', corners({ variances: 0.2 })],
	['corners in pixels', corners({ unit: [300, 300] })],
	['distances', distances()],
	['distances, relu', distances({ activation: 'relu' })],
	['distances, signed', distances({ signed: true })],
	['corners, inclusive', corners({ inclusive: true })],
	['corners that move nothing', corners({ unit: 'none' })],
	['centres', centers()],
	['centres, yxhw, relu', centers({ order: 'yxhw', activation: 'relu' })],
	['centres without offsets', centers({ offsets: false })],
	['distances, tblr', distances({ order: 'tblr', unit: 'size', scale: 4 })],
];

function anchorOf(codec: BoxCodec, [x, y, w, h]: readonly number[]): Float32Array {
	if (codec.anchors === 'cxcywhr') return Float32Array.of(x, y, w, h, (x - 320) / 8);
	if (codec.anchors === 'xyxy') return Float32Array.of(x, y, x + w, y + h);
	return codec.anchors === 'point' ? Float32Array.of(x, y, STRIDE, STRIDE) : Float32Array.of(x, y, w, h);
}
const place = fc.tuple(fc.integer({ min: 0, max: 640 }), fc.integer({ min: 0, max: 640 }), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 }));
const raws = (codec: BoxCodec, limit: number) =>
	fc.array(fc.double({ min: -limit, max: limit, noNaN: true }), { minLength: codec.numRaw, maxLength: codec.numRaw }).map((t) => Float32Array.from(t));

for (const [name, codec] of [...POSITIVE, ...TURNED, ...OTHERS]) {
	describe(name, () => {
		test('NaN and Infinity anywhere give a box of NaN', () => {
			for (let i = 0; i < codec.numRaw; i++) {
				for (const bad of [NaN, Infinity, -Infinity]) {
					const raw = new Float32Array(codec.numRaw).fill(1);
					raw[i] = bad;
					const out = codec.decode(raw, anchorOf(codec, [4, 4, 8, 8]), STRIDE);
					assert.isTrue(out.subarray(0, 4).every(Number.isNaN), `${bad} at ${i}`);
				}
			}
		});
		test('constants are exact float32, or the shader would differ', () => {
			for (const [key, value] of Object.entries(codec.constants)) assert.equal(value, Math.fround(value), key);
		});
		test('decode(encode(box)) is the box within 1e-5 of its coordinates or size, for every box it can decode', () => {
			let tried = 0;
			fc.assert(
				fc.property(raws(codec, 4), place, (raw, where) => {
					const anchor = anchorOf(codec, where);
					const box = codec.decode(raw, anchor, STRIDE);
					let encoded: Float32Array;
					try {
						encoded = codec.encode(box, anchor, STRIDE);
					} catch (error) {
						assert.instanceOf(error, RangeError); // no box, a size that vanished, or a distance of 0
						return;
					}
					tried++;
					const back = codec.decode(encoded, anchor, STRIDE);
					const scale = Math.max(...box.map(Math.abs), ...anchor.map(Math.abs), STRIDE);
					back.forEach((v, i) => {
						assert.approximately(v, box[i], 1e-5 * scale, `number ${i} of [${back}], expected [${box}]`);
					});
				}),
			);
			assert.isAbove(tried, 10);
		});
	});
}

for (const [name, codec] of POSITIVE) {
	test(`${name}: whatever the raw numbers, a box is finite and not inverted`, () => {
		const wild = fc.oneof(fc.double({ min: -1e4, max: 1e4, noNaN: true }), fc.constantFrom(0, -0, 1e-40, 1000, -1000, 1e18, -1e18));
		fc.assert(
			fc.property(fc.array(wild, { minLength: codec.numRaw, maxLength: codec.numRaw }), place, (raw, where) => {
				const out = codec.decode(Float32Array.from(raw), anchorOf(codec, where), STRIDE);
				assert.isTrue(out.every(Number.isFinite), `[${out}]`);
				assert.isTrue(out[2] >= out[0] && out[3] >= out[1], `[${out}]`);
			}),
		);
	});
}

/** What no number inverts: an exp, a relu, or a size below zero that makes the box none. Distances and corners as they are may cross, as in their sources. */
const UPRIGHT = [
	...TURNED.map(([name]) => name).filter((name) => name !== 'rotated distances'),
	'distances, relu',
	'centres, yxhw, relu',
	'mediapipe',
	'corners that move nothing',
];
for (const [name, codec] of [...TURNED, ...OTHERS]) {
	test(`${name}: whatever the raw numbers, a box is finite, or none at all`, () => {
		const wild = fc.oneof(fc.double({ min: -1e4, max: 1e4, noNaN: true }), fc.constantFrom(0, -0, 1e-40, 1000, -1000, 1e15, -1e15));
		const angle = fc.double({ min: -100, max: 100, noNaN: true });
		const numbers = fc.array(wild, { minLength: codec.numRaw, maxLength: codec.numRaw });
		let finite = 0;
		fc.assert(
			fc.property(numbers, angle, place, (raw, turn, where) => {
				if (codec.rotated) raw[codec.numRaw - 1] = turn;
				const out = codec.decode(Float32Array.from(raw), anchorOf(codec, where), STRIDE);
				const none = out.subarray(0, 4).every(Number.isNaN);
				assert.isTrue(none || out.every(Number.isFinite), `[${out}]`);
				if (none) return;
				finite++;
				if (UPRIGHT.includes(name)) assert.isTrue(out[2] >= out[0] && out[3] >= out[1], `[${out}]`);
			}),
		);
		assert.isAbove(finite, 5);
	});
}

/** Codecs that have a zero: the rectangle it stands for. */
const ZEROS: [string, BoxCodec, (x: number, y: number, w: number, h: number) => number[]][] = [
	['deltas', deltas({ variances: [0.1, 0.1, 0.2, 0.2] }), (x, y, w, h) => [x, y, x + w, y + h]],
	['corners', corners({ variances: 0.2 }), (x, y, w, h) => [x, y, x + w, y + h]],
	['deltas, y before x', deltas({ order: 'yxhw', clamp: false }), (x, y, w, h) => [x, y, x + w, y + h]],
	['deltas, clamped on both sides', deltas({ clamp: [-4, 4], centerClamp: 32 }), (x, y, w, h) => [x, y, x + w, y + h]],
	['deltas, legacy', deltas({ legacy: 'detectron' }), (x, y, w, h) => [x, y, x + w, y + h]],
	['corners in pixels', corners({ unit: 'pixels' }), (x, y, w, h) => [x, y, x + w, y + h]],
	['corners of a normalised prior', corners({ unit: [300, 200], variances: 0.1 }), (x, y, w, h) => [x, y, x + w, y + h]],
	['corners, inclusive', corners({ inclusive: true }), (x, y, w, h) => [x, y, x + w, y + h]],
	['cell v2', cell({ version: 'v2' }), (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]],
	['cell v3', cell({ version: 'v3' }), (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]],
	['cell v4', cell({ version: 'v4' }), (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]],
	['cell v5', cell(), (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]],
	['cell X', cell({ version: 'x' }), (x, y) => [x - 8, y - 8, x + 8, y + 8]],
	['mediapipe', mediapipe({ scale: 10, exponential: true }), (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]],
	['mediapipe, corners', mediapipe({ scale: 10, exponential: true, order: 'xyxy' }), (x, y, w, h) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2]],
	['distances', distances(), (x, y) => [x, y, x, y]],
	['distances of an anchor', distances({ order: 'tblr', unit: 'size', scale: 4 }), (x, y, w, h) => [x + w / 2, y + h / 2, x + w / 2, y + h / 2]],
	['centres', centers(), (x, y) => [x, y, x, y]],
	['distances, exp', distances({ activation: 'exp' }), (x, y) => [x - 16, y - 16, x + 16, y + 16]],
	['rotated deltas', rotatedDeltas(), (x, y, w, h) => [x, y, x + w, y + h, 0]],
];
for (const [name, codec, rectangle] of ZEROS) {
	test(`${name}: zeros give the anchor, and the anchor gives zeros, exactly`, () => {
		fc.assert(
			fc.property(place, ([x, y, w, h]) => {
				const anchor = anchorOf(codec, [x, y, w, h]);
				const box = codec.decode(new Float32Array(codec.numRaw), anchor, STRIDE);
				assert.deepEqual(Array.from(box), rectangle(x, y, w, h));
				assert.deepEqual(codec.encode(box, anchor, STRIDE).map(Math.abs), new Float32Array(codec.numRaw));
			}),
		);
	});
}

// The overlap decision against exact integers: for integer boxes the quotient is a fraction of whole numbers, and
// rounding it to float32 (24 bits, half to even) needs nothing but BigInt.

import { describe, expect, it } from 'vitest';
import { areaOf, overlapsMore } from '../../../src/boxes/overlap.js';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook } from '../../../src/cpu/nms.js';
import { decisionThreshold } from '../../../src/numbers.js';
import { random } from '../../support/random.js';

/** A non-negative rational p / 2^shift that float32 rounding gives for a / b; a <= b. */
function roundedQuotient(a: bigint, b: bigint): [bigint, bigint] {
	if (a === 0n) return [0n, 0n];
	let shift = 0n;
	while (a << shift < b << 23n) shift++;
	const scaled = a << shift;
	let quotient = scaled / b;
	const rest = 2n * (scaled % b);
	if (rest > b || (rest === b && quotient % 2n === 1n)) quotient++;
	return [quotient, shift];
}

/** A float32 as p / 2^shift. */
function exactly(x: number): [bigint, bigint] {
	let shift = 0n;
	while (!Number.isInteger(x)) {
		x *= 2;
		shift++;
	}
	return [BigInt(x), shift];
}

function overlapsExactly(a: number[], b: number[], t: number): boolean {
	const side = (i: number) => Math.max(0, Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i]));
	const area = (box: number[]) => BigInt(box[2] - box[0]) * BigInt(box[3] - box[1]);
	const both = BigInt(side(0)) * BigInt(side(1));
	const union = area(a) + area(b) - both;
	if (both === 0n) return false;
	const [p, pShift] = roundedQuotient(both, union);
	const [q, qShift] = exactly(t);
	return p << qShift > q << pShift;
}

function decide(a: number[], b: number[], t: number): boolean {
	const boxes = Float32Array.from([...a, ...b]);
	const [areaA, areaB] = [areaOf(a[0], a[1], a[2], a[3]), areaOf(b[0], b[1], b[2], b[3])];
	return overlapsMore(boxes, 0, areaA, boxes, 1, areaB, decisionThreshold(t));
}

const THRESHOLDS = [0, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1 / 3, 2 / 3, 1];

describe('overlapsMore', () => {
	it('decides 100,000 pairs of integer boxes as exact integers do', () => {
		const next = random(16);
		let numOverlaps = 0;
		for (let i = 0; i < 100_000; i++) {
			// Areas and their sum stay below 2^24, where float32 is exact and only the quotient is rounded.
			const size = i % 2 ? 12 : 2000;
			const box = () => {
				const [x, y] = [Math.floor(next() * size), Math.floor(next() * size)];
				return [x, y, x + 1 + Math.floor(next() * size), y + 1 + Math.floor(next() * size)];
			};
			const [a, b] = [box(), box()];
			const t = Math.fround(THRESHOLDS[i % THRESHOLDS.length]);
			const expected = overlapsExactly(a, b, t);
			if (expected) numOverlaps++;
			if (decide(a, b, t) !== expected) expect.fail(`${a} and ${b} at ${t}: expected ${expected}`);
		}
		expect(numOverlaps).toBeGreaterThan(5000);
	});

	// [n, d] with thresholds n/d: 1 x d boxes of which one is n long, so that IoU is n/d by construction. TensorFlow and
	// onnxruntime keep both for all of these.
	const TIES: [number, number][] = [
		[1, 10],
		[1, 5],
		[3, 10],
		[2, 5],
		[9, 20],
		[1, 2],
		[3, 5],
		[13, 20],
		[7, 10],
		[3, 4],
		[4, 5],
		[9, 10],
		[1, 3],
		[2, 3],
	];
	for (const [n, d] of TIES) {
		it(`keeps both boxes at an IoU of exactly ${n}/${d}`, () => {
			const t = Math.fround(n / d);
			for (let scale = 1; scale <= 60; scale++) {
				const a = [0, 0, d * scale, scale];
				const b = [0, 0, n * scale, scale];
				expect(decide(a, b, t), `scale ${scale}`).toBe(false);
				expect(decide(a, [0, 0, n * scale + 1, scale], t), `one more, scale ${scale}`).toBe(true);
			}
			const boxes = Float32Array.from([0, 0, d, 1, 0, 0, n, 1]);
			const rules = { minKey: 0, iouThreshold: t, maxDetections: 9, maxCandidates: 9, tiesHighest: false, classAgnostic: false };
			for (const nms of [nmsTextbook, nmsFast]) expect(Array.from(nms(boxes, Float32Array.of(0.9, 0.8), undefined, rules).indices)).toEqual([0, 1]);
		});
	}
});

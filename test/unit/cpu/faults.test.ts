// Bad and extreme numbers and sizes: what they must and must not do to an answer. Textbook and fast path alike.

import { describe, expect, it } from 'vitest';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook, type SuppressionRules } from '../../../src/cpu/nms.js';
import { keyOf, nextUp } from '../../../src/numbers.js';
import { random, randomBoxes, randomScores } from '../../support/random.js';

const NO_LIMIT = 0xffffffff;
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
const floatOf = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0];

for (const [name, nms] of Object.entries({ nmsTextbook, nmsFast })) {
	const run = (boxes: ArrayLike<number>[], scores: number[] | Float32Array, given: Partial<SuppressionRules> = {}, classIds?: ArrayLike<number>) => {
		const rules = { minKey: 0, iouThreshold: 0.5, maxDetections: NO_LIMIT, maxCandidates: NO_LIMIT, tiesHighest: false, classAgnostic: false, ...given };
		const flat = Float32Array.from(boxes.flatMap((b) => Array.from(b)));
		const { indices, ...counts } = nms(flat, Float32Array.from(scores), classIds, rules);
		return { indices: Array.from(indices), ...counts };
	};
	const apart = (n: number) => Array.from({ length: n }, (_, i) => [i * 10, 0, i * 10 + 5, 5]);

	describe(`${name}: scores`, () => {
		it('that are NaN, anywhere, are rejected and counted', () => {
			for (const place of [0, 2, 4]) {
				const scores = [0.5, 0.6, 0.7, 0.8, 0.9];
				scores[place] = nan;
				const result = run(apart(5), scores);
				expect(result.indices).toEqual([4, 3, 2, 1, 0].filter((i) => i !== place));
				expect(result).toMatchObject({ numCandidates: 4, rejected: 1, truncated: 0 });
			}
			expect(run(apart(3), [nan, nan, nan])).toMatchObject({ indices: [], numCandidates: 0, rejected: 3 });
		});

		it('that are NaN of either sign and any payload are rejected too, below any threshold', () => {
			const bits = [0x7f800001, 0x7fffffff, 0xff800001, 0xffc00000, 0xffffffff];
			const scores = new Float32Array(Uint32Array.from([...bits, 0x3f000000]).buffer);
			const boxes = Float32Array.from(apart(6).flat());
			for (const minKey of [0, keyOf(0.9)]) {
				const rules = { minKey, iouThreshold: 0.5, maxDetections: NO_LIMIT, maxCandidates: NO_LIMIT, tiesHighest: false, classAgnostic: false };
				expect(nms(boxes, scores, undefined, rules).rejected).toBe(5);
				expect(Array.from(nms(boxes, scores, undefined, rules).indices)).toEqual(minKey ? [] : [5]);
			}
		});

		it('that are infinite, negative or above 1 are ordered as numbers', () => {
			expect(run(apart(6), [0.5, inf, -inf, -3, 7, 0]).indices).toEqual([1, 4, 0, 5, 3, 2]);
		});

		it('-0 and 0 are equal, denormals are ordered by value', () => {
			expect(run(apart(4), [0, -0, 0, -0]).indices).toEqual([0, 1, 2, 3]);
			expect(run(apart(4), [-0, 0, -0, 0], { tiesHighest: true }).indices).toEqual([3, 2, 1, 0]);
			expect(run(apart(5), [0, 1e-40, 2e-40, -1e-40, 2 ** -149]).indices).toEqual([2, 1, 4, 0, 3]);
			expect(run(apart(3), [0, 1e-40, 2e-40], { minKey: keyOf(nextUp(0)) }).indices).toEqual([2, 1]);
		});

		it('that are all equal leave the order of the boxes', () => {
			const n = 3000;
			const identity = Array.from({ length: n }, (_, i) => i);
			expect(run(apart(n), new Float32Array(n).fill(0.5)).indices).toEqual(identity);
			expect(run(apart(n), new Float32Array(n).fill(0.5), { tiesHighest: true }).indices).toEqual(identity.reverse());
		});
	});

	describe(`${name}: boxes`, () => {
		const real = [0, 0, 10, 10];

		it('with a NaN, an infinity or 2^62 in any place are rejected, counted, and remove nothing', () => {
			for (const bad of [nan, inf, -inf, 2 ** 62, -(2 ** 62), 3e38, floatOf(0xff800001)]) {
				for (let place = 0; place < 4; place++) {
					const box = [...real];
					box[place] = bad;
					expect(run([box, real, [0, 0, 10, 9]], [0.9, 0.8, 0.7])).toEqual({ indices: [1], numCandidates: 2, truncated: 0, rejected: 1 });
				}
			}
		});

		it('without area are kept, all of them, and remove nothing', () => {
			const empties = [
				[5, 5, 5, 9],
				[5, 5, 9, 5],
				[5, 5, 5, 5],
				[5, 5, 5, 5],
				[9, 5, 5, 9],
				[5, 9, 9, 5],
				[9, 9, 5, 5],
				[1e-20, 1e-20, 2e-20, 2e-20],
			];
			const scores = empties.map((_, i) => 0.9 - i / 100);
			expect(run([...empties, real], [...scores, 0.1], { iouThreshold: 0 }).indices).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
			expect(run([real, ...empties], [1, ...scores], { iouThreshold: 0 }).indices).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
		});

		it('of 1e18, and at the edge of 2^62, are compared exactly', () => {
			const big = 2 ** 61;
			const huge = [
				[0, 0, 1e18, 1e18],
				[0, 0, 1e18, 0.6e18],
				[0, 0, 1e18, 0.4e18],
				[-big, -big, big, big],
				[-big, -big, big, 0],
			];
			// 0.6 and 0.4 against the first; then 2^122 of 2^124 is a half exactly, and that is not more than a half.
			expect(run(huge, [0.9, 0.8, 0.7, 0.6, 0.5]).indices).toEqual([0, 2, 3, 4]);
		});

		it('have the size that float32 sees: one pixel at 16,777,217 is two or none', () => {
			// 16777217 rounds to 16777216, 16777218 and 16777219 to ...218 and ...220.
			expect(
				run(
					[
						[16777216, 0, 16777217, 1],
						[16777216, 0, 16777218, 1],
					],
					[0.9, 0.8],
					{ iouThreshold: 0 },
				).indices,
			).toEqual([0, 1]);
			expect(
				run(
					[
						[16777218, 0, 16777219, 1],
						[16777218, 0, 16777220, 1],
					],
					[0.9, 0.8],
					{ iouThreshold: 0.99 },
				).indices,
			).toEqual([0]);
		});

		it('that are identical suppress each other for every t below 1', () => {
			for (const t of [0, 0.5, 0.9, 1 - 2 ** -24]) expect(run([real, real, real], [0.7, 0.9, 0.8], { iouThreshold: t }).indices).toEqual([1]);
			expect(run([real, real, real], [0.7, 0.9, 0.8], { iouThreshold: 1 }).indices).toEqual([1, 2, 0]);
		});

		it('that touch along an edge or in a corner do not overlap', () => {
			expect(run([real, [10, 0, 20, 10], [0, 10, 10, 20], [10, 10, 20, 20], [-10, -10, 0, 0]], [5, 4, 3, 2, 1], { iouThreshold: 0 }).indices).toEqual([
				0, 1, 2, 3, 4,
			]);
		});
	});

	describe(`${name}: sizes`, () => {
		it('none and one', () => {
			expect(run([], [])).toEqual({ indices: [], numCandidates: 0, truncated: 0, rejected: 0 });
			expect(run([[0, 0, 1, 1]], [0.5]).indices).toEqual([0]);
			expect(run([[0, 0, 1, 1]], [0.5], { minKey: keyOf(0.6) }).indices).toEqual([]);
		});

		it('all disjoint, all identical, one chain', () => {
			for (const n of [31, 32, 33, 1023, 1024, 1025, 2049]) {
				const scores = Float32Array.from({ length: n }, (_, i) => 1 - i / 4096);
				const identity = Array.from({ length: n }, (_, i) => i);
				expect(run(apart(n), scores).indices).toEqual(identity);
				expect(run(Array(n).fill([3, 4, 9, 9]), scores).indices).toEqual([0]);
				// Each overlaps the next by 7 of 13, and the one after by 4 of 16: every second one is kept at 0.5.
				expect(
					run(
						Array.from({ length: n }, (_, i) => [i * 3, 0, i * 3 + 10, 10]),
						scores,
					).indices,
				).toEqual(identity.filter((i) => i % 2 === 0));
			}
		});

		it('many classes: as a loop over them', () => {
			const next = random(21);
			for (const numClasses of [1, 80, 1203, 65_536]) {
				const n = 1500;
				const boxes = randomBoxes(n, 'clustered', next);
				const scores = randomScores(n, 'distinct', next);
				const classIds = Array.from({ length: n }, () => Math.floor(next() * numClasses));
				const rows = Array.from({ length: n }, (_, i) => boxes.subarray(4 * i, 4 * i + 4));
				const perClass = [...new Set(classIds)].flatMap((id) => {
					const members = classIds.flatMap((c, i) => (c === id ? [i] : []));
					return run(
						members.map((i) => rows[i]),
						members.map((i) => scores[i]),
					).indices.map((k) => members[k]);
				});
				expect(run(rows, scores, {}, classIds).indices, `${numClasses} classes`).toEqual(perClass.sort((i, j) => scores[j] - scores[i]));
			}
		});

		it('maxCandidates cuts the order exactly, among equal scores by index', () => {
			const n = 5000;
			const scores = Float32Array.from({ length: n }, (_, i) => (i % 7) / 8);
			const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => scores[j] - scores[i] || i - j);
			for (const maxCandidates of [1, 300, 714, 715, 1500, 4999, 5000, 6000]) {
				const result = run(apart(n), scores, { maxCandidates });
				expect(result.indices).toEqual(order.slice(0, maxCandidates));
				expect(result).toMatchObject({ numCandidates: n, truncated: Math.max(0, n - maxCandidates) });
			}
		});
	});
}

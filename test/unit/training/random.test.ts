// Seeded random numbers: pcg32's published words, and the moments of the distributions.

import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/training/random.js';

describe('seededRandom', () => {
	it('gives the words that pcg32-demo prints for seed 42 and stream 54', () => {
		const random = seededRandom(42);
		const words = Array.from({ length: 6 }, () => (random.next() * 2 ** 32).toString(16));
		expect(words).toEqual(['a15c02b7', '7b47f409', 'ba1d3330', '83d2f293', 'bfa4784b', 'cbed606e']);
	});

	it('repeats itself for a seed, and for no other', () => {
		const draw = (seed: number) => {
			const random = seededRandom(seed);
			return Array.from({ length: 20 }, (_, i) => (i % 3 ? random.next() : i % 2 ? random.normal() : random.integer(1000)));
		};
		expect(draw(7)).toEqual(draw(7));
		const seeds = [0, 1, 7, 2 ** 31, 2 ** 32, 2 ** 32 + 7, Number.MAX_SAFE_INTEGER];
		expect(new Set(seeds.map((seed) => draw(seed).join())).size).toBe(seeds.length);
	});

	it('follows the recurrence of 64 bits, whatever the seed', () => {
		const mask = 2n ** 64n - 1n;
		for (const seed of [0, 3, 2 ** 32 - 1, 2 ** 45 + 12345]) {
			let state = 0n;
			const step = () => (state = (state * 6364136223846793005n + 109n) & mask);
			step();
			state = (state + BigInt(seed)) & mask;
			step();
			const random = seededRandom(seed);
			for (let i = 0; i < 200; i++) {
				const old = state;
				step();
				const word = Number((((old >> 18n) ^ old) >> 27n) & 0xffffffffn);
				const turn = Number(old >> 59n);
				expect(random.next() * 2 ** 32).toBe(((word >>> turn) | (word << (32 - turn || 32))) >>> 0);
			}
		}
	});

	it('has normal deviates with the moments of the normal distribution', () => {
		const random = seededRandom(1);
		const all = Array.from({ length: 100_000 }, () => random.normal());
		const moment = (power: number) => all.reduce((sum, x) => sum + x ** power, 0) / all.length;
		expect(moment(1)).toBeCloseTo(0, 1);
		expect(moment(2)).toBeCloseTo(1, 1);
		expect(Math.abs(moment(3))).toBeLessThan(0.05);
		expect(Math.abs(moment(4) - 3)).toBeLessThan(0.1);
		// 68.27 % within one deviation, 95.45 % within two
		expect(all.filter((x) => Math.abs(x) < 1).length / all.length).toBeCloseTo(0.6827, 2);
		expect(all.filter((x) => Math.abs(x) < 2).length / all.length).toBeCloseTo(0.9545, 2);
		expect(all.every((x) => x === Math.fround(x))).toBe(true);
	});

	it('has integers below n, all as often', () => {
		const random = seededRandom(5);
		const counts = new Uint32Array(7);
		for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
		for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
		expect(seededRandom(1).integer(1)).toBe(0);
		// a remainder of 2^32 by 3 * 2^30 would give the lower third twice as often
		const large = seededRandom(9);
		const thirds = new Uint32Array(3);
		for (let i = 0; i < 30_000; i++) thirds[Math.floor(large.integer(3 * 2 ** 30) / 2 ** 30)]++;
		for (const count of thirds) expect(Math.abs(count - 10_000)).toBeLessThan(400);
	});

	it('refuses a seed that is no integer', () => {
		for (const seed of [-1, 1.5, NaN, 2 ** 53]) expect(() => seededRandom(seed)).toThrow(/seededRandom: seed must be an integer from 0/);
		expect(() => seededRandom('1' as never)).toThrow(TypeError);
	});
});

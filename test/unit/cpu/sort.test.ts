// Sorting and the lazy ranking against a plain stable sort of the same keys.

import { describe, expect, it } from 'vitest';
import { Ranking } from '../../../src/cpu/ranking.js';
import { ID, KEY, ROW } from '../../../src/cpu/rows.js';
import { RADIX_FROM, Sorter } from '../../../src/cpu/sort.js';
import { random } from '../../support/random.js';

type Keys = (i: number, next: () => number) => number;
const KEY_SETS: Record<string, Keys> = {
	'any 32 bits': (_, next) => Math.floor(next() * 2 ** 32),
	'all equal': () => 0x80000001,
	'few values': (_, next) => 0xbf000000 + Math.floor(next() * 5),
	'low digit only': (_, next) => Math.floor(next() * 2048),
	'high digit only': (_, next) => Math.floor(next() * 1024) * 2 ** 22,
	'the ends': (i) => (i % 2 ? 0 : 0xffffffff),
	descending: (i) => 4_000_000_000 - i * 1000,
	'scores from 0.25 to 1': (_, next) => 0xbe800000 + Math.floor(next() * 0x1000000),
};

describe('Sorter', () => {
	const SIZES = [0, 1, 2, 15, 16, 17, 33, 255, RADIX_FROM - 1, RADIX_FROM, RADIX_FROM + 1, 2048, 5000];
	for (const [name, keyAt] of Object.entries(KEY_SETS)) {
		it(`sorts ${name} stably, at every size`, () => {
			const sorter = new Sorter();
			const next = random(1);
			for (const n of SIZES) {
				for (const way of ['sort', 'sortPacked', 'sortRadix'] as const) {
					if ((n === 0 && way !== 'sort') || (n > 2048 && way === 'sortPacked')) continue;
					const keys = Uint32Array.from({ length: n }, (_, i) => keyAt(i, next));
					// Slots are not in order, so that the order of equal keys is that of the input, not of the slots.
					const slots = Array.from({ length: n }, (_, i) => (i * 7919) % 65_537);
					const expected = slots.map((slot, i) => ({ slot, i })).sort((a, b) => keys[a.i] - keys[b.i] || a.i - b.i);
					sorter.reserve(n);
					sorter.keys.set(keys);
					sorter.slots.set(slots);
					sorter[way](n);
					expect(Array.from(sorter.slots.subarray(0, n)), `${way} of ${n}`).toEqual(expected.map((e) => e.slot));
				}
			}
		});
	}
});

describe('Ranking', () => {
	/** Rows with keys and ids; ids ascend by gaps, or are a permutation. */
	function makeRows(n: number, keyAt: Keys, shuffled: boolean, next: () => number): Uint32Array<ArrayBuffer> {
		const words = new Uint32Array(n * ROW);
		const ids = Array.from({ length: n }, (_, i) => i * 3 + 1);
		if (shuffled) ids.sort(() => next() - 0.5);
		for (let i = 0; i < n; i++) {
			words[i * ROW + KEY] = keyAt(i, next);
			words[i * ROW + ID] = ids[i];
		}
		return words;
	}

	for (const [name, keyAt] of Object.entries(KEY_SETS)) {
		it(`of ${name}: sections one after the other are the whole order`, () => {
			const ranking = new Ranking();
			const next = random(2);
			for (const n of [0, 1, 5, 1023, 1024, 1025, 3000, 20_000]) {
				for (const shuffled of [false, true]) {
					for (const tiesHighest of [false, true]) {
						const words = makeRows(n, keyAt, shuffled, next);
						const expected = Array.from({ length: n }, (_, i) => i).sort((i, j) => {
							const byKey = words[j * ROW + KEY] - words[i * ROW + KEY];
							const byId = words[i * ROW + ID] - words[j * ROW + ID];
							return byKey || (tiesHighest ? -byId : byId);
						});
						const want = [1, 300, n][Math.floor(next() * 3)];
						ranking.start(words, n, want, !shuffled, tiesHighest);
						const found: number[] = [];
						for (let length = ranking.next(); length > 0; length = ranking.next()) found.push(...ranking.slots.subarray(0, length));
						expect(found, `${n} rows, want ${want}, shuffled ${shuffled}, tiesHighest ${tiesHighest}`).toEqual(expected);
					}
				}
			}
		});
	}

	it('sorts only a part when only a part is wanted', () => {
		const ranking = new Ranking();
		const words = makeRows(20_000, KEY_SETS['any 32 bits'], false, random(3));
		ranking.start(words, 20_000, 400, true, false);
		const first = ranking.next();
		expect(first).toBeGreaterThanOrEqual(400);
		expect(first).toBeLessThan(600);
	});
});

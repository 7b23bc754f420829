// The candidates in their total order, a section at a time. Greedy suppression of the best-scored part is the first part
// of the answer, so with an output limit only as much is sorted as is looked at: a histogram of the keys says where a
// section ends, and sections are whole bins, so that putting them one after the other is the full order.

import { ID, KEY, ROW } from './rows.js';
import { Sorter } from './sort.js';

const BINS = 2048;
/** Lists up to this length are sorted at once. */
const WHOLE = 1024;

/** An exact ranking by (key descending, id ascending or descending). */
export class Ranking {
	private readonly sorter = new Sorter();
	private readonly counts = new Uint32Array(BINS);
	private words = new Uint32Array(0);
	private numRows = 0;
	private idsAscend = true;
	private tiesHighest = false;
	private sectionSize = 0;
	private whole = true;
	private left = 0;
	private bin = 0;
	private topKey = 0;
	private shift = 0;

	/** The rows of the section that `next` made, best first. */
	get slots(): Uint32Array {
		return this.sorter.slots;
	}

	/**
	 * Begins with `numRows` candidate rows. `want` is how many are likely to be looked at: the size of the first section.
	 * `idsAscend` says that ids grow from row to row.
	 */
	start(words: Uint32Array<ArrayBuffer>, numRows: number, want: number, idsAscend: boolean, tiesHighest: boolean): void {
		this.words = words;
		this.numRows = this.left = numRows;
		this.idsAscend = idsAscend;
		this.tiesHighest = tiesHighest;
		this.sectionSize = Math.max(256, want);
		this.bin = 0;
		this.sorter.reserve(numRows);
		this.whole = numRows <= WHOLE || numRows <= 2 * this.sectionSize;
		if (!this.whole) this.fillBins();
	}

	/** Counts keys in bins of equal width between the lowest and the highest; bin 0 has the highest. */
	private fillBins(): void {
		const { words, counts, numRows } = this;
		let low = 0xffffffff;
		let high = 0;
		for (let i = 0, at = KEY; i < numRows; i++, at += ROW) {
			const key = words[at];
			if (key < low) low = key;
			if (key > high) high = key;
		}
		this.topKey = high;
		this.shift = Math.max(0, 32 - Math.clz32(high - low) - Math.log2(BINS));
		counts.fill(0);
		for (let i = 0, at = KEY; i < numRows; i++, at += ROW) counts[(high - words[at]) >>> this.shift]++;
	}

	/** Sorts the next section into `slots` and returns its length; 0 when all rows have been given. */
	next(): number {
		const n = this.left === 0 ? 0 : this.whole ? this.gather(0xffffffff, 0) : this.gatherBins();
		this.left -= n;
		this.sectionSize *= 4;
		this.sortSection(n);
		return n;
	}

	private gatherBins(): number {
		const { counts, topKey, shift, bin } = this;
		let end = bin;
		for (let n = 0; end < BINS && n < this.sectionSize; end++) n += counts[end];
		this.bin = end;
		// The keys of bins `bin` to `end`, the last not counted.
		return this.gather(topKey - bin * 2 ** shift, Math.max(0, topKey - end * 2 ** shift + 1));
	}

	/** Collects the rows whose key is from `lowest` to `highest`, in the order in which equal keys are to stand if ids ascend. */
	private gather(highest: number, lowest: number): number {
		const { words, numRows, sorter } = this;
		const { keys, slots } = sorter;
		const backwards = this.idsAscend && this.tiesHighest;
		const step = backwards ? -1 : 1;
		let n = 0;
		for (let slot = backwards ? numRows - 1 : 0, i = 0; i < numRows; i++, slot += step) {
			const key = words[slot * ROW + KEY];
			if (key > highest || key < lowest) continue;
			slots[n] = slot;
			keys[n++] = ~key;
		}
		return n;
	}

	private sortSection(n: number): void {
		const { words, sorter } = this;
		if (!this.idsAscend) {
			const flip = this.tiesHighest ? 0xffffffff : 0;
			for (let i = 0; i < n; i++) sorter.keys[i] = words[sorter.slots[i] * ROW + ID] ^ flip;
			sorter.sort(n);
			for (let i = 0; i < n; i++) sorter.keys[i] = ~words[sorter.slots[i] * ROW + KEY];
		}
		sorter.sort(n);
	}

	get byteLength(): number {
		return this.sorter.byteLength + this.counts.byteLength;
	}
}

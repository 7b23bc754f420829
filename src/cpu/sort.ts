// Sorts row numbers by an unsigned key, stably: least-significant-digit radix sort, three passes of 11 bits over
// (key, row) pairs. Short lists are packed into doubles (key and position together) and left to the native sort.

/** From this many elements on the radix sort is faster (measured: they meet near 700 on V8). */
export const RADIX_FROM = 700;

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const MASK = DIGITS - 1;
/** Positions of a packed list take the low bits of a double; the key is above them. */
const POSITIONS = 4096;

/** Keys and rows to be sorted, and what sorting needs. */
export class Sorter {
	/** Sort keys, in input order; lost by sorting. */
	keys = new Uint32Array(0);
	/** Row numbers; `sort` puts them in the order of their keys. */
	slots = new Uint32Array(0);
	private spareKeys = new Uint32Array(0);
	private spareSlots = new Uint32Array(0);
	private readonly counts = new Uint32Array(3 * DIGITS);
	// Lists of 16, 32, ... doubles, one memory: the native sort takes whole arrays, and making a view is an allocation.
	private readonly packed = Array.from({ length: 8 }, (_, i) => new Float64Array(16 << i));

	/** Makes room for n elements; what was there is lost. */
	reserve(n: number): void {
		if (n <= this.keys.length) return;
		const size = Math.max(256, 2 ** Math.ceil(Math.log2(n)));
		this.keys = new Uint32Array(size);
		this.slots = new Uint32Array(size);
		this.spareKeys = new Uint32Array(size);
		this.spareSlots = new Uint32Array(size);
	}

	/** Puts the first n slots in ascending order of their keys; equal keys stay in order. */
	sort(n: number): void {
		if (n < 2) return;
		if (n < RADIX_FROM) this.sortPacked(n);
		else this.sortRadix(n);
	}

	/** The way for short lists; n is at most 2048. */
	sortPacked(n: number): void {
		const { keys, slots, spareSlots } = this;
		const packed = this.packed[Math.max(0, 28 - Math.clz32(n - 1))];
		for (let i = 0; i < n; i++) {
			packed[i] = keys[i] * POSITIONS + i;
			spareSlots[i] = slots[i];
		}
		packed.fill(Infinity, n).sort();
		for (let i = 0; i < n; i++) slots[i] = spareSlots[packed[i] & (POSITIONS - 1)];
	}

	/** The way for long lists. */
	sortRadix(n: number): void {
		const { counts } = this;
		counts.fill(0);
		for (let i = 0; i < n; i++) {
			const key = this.keys[i];
			counts[key & MASK]++;
			counts[DIGITS + ((key >>> DIGIT_BITS) & MASK)]++;
			counts[2 * DIGITS + (key >>> (2 * DIGIT_BITS))]++;
		}
		for (let pass = 0; pass < 3; pass++) {
			// A digit that all keys share needs no pass.
			if (counts[pass * DIGITS + ((this.keys[0] >>> (pass * DIGIT_BITS)) & MASK)] < n) this.scatter(n, pass);
		}
	}

	private scatter(n: number, pass: number): void {
		const { counts, keys, slots, spareKeys, spareSlots } = this;
		const base = pass * DIGITS;
		const shift = pass * DIGIT_BITS;
		for (let i = base, start = 0; i < base + DIGITS; i++) {
			const count = counts[i];
			counts[i] = start;
			start += count;
		}
		for (let i = 0; i < n; i++) {
			const key = keys[i];
			const place = counts[base + ((key >>> shift) & MASK)]++;
			spareKeys[place] = key;
			spareSlots[place] = slots[i];
		}
		this.keys = spareKeys;
		this.slots = spareSlots;
		this.spareKeys = keys;
		this.spareSlots = slots;
	}

	get byteLength(): number {
		return this.keys.byteLength * 4 + this.counts.byteLength + 32768;
	}
}

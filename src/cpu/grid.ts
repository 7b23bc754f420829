// The kept boxes, found by place: "does any kept box suppress this one?" without asking all of them. Exact: the grid only
// leaves out boxes that cannot overlap enough; every box it finds goes through `overlapsMore`.
//
// Kept boxes of a class form a linked list. Above 24 of them they also go into hashed grids, one per size class: widths
// and heights are sorted by powers of four, and a grid's cells are as large as its boxes, so a box lies in at most 3 x 3
// cells, and boxes of one size that overlap little cannot crowd a cell. A candidate looks only at grids whose boxes are
// neither too small nor too large to suppress it.
//
// Why this finds every suppressor A of a candidate B. Suppose IoU(A, B) > t. Take one axis, widths wA and wB, shared
// length o. Since the shared height is at most either height, IoU <= o / (wA + wB - o): on the axis alone it is above t,
// too, so o > t / (1 + t) (wA + wB). With o <= wA and o <= wB follows
//   (1) wA > t wB and wB > t wA, and therefore o > t wB;
//   (2) A reaches over x1B + t wB to the right and over x2B - t wB to the left, because the shared part, an interval in
//       B longer than t wB, does: A meets [x1B + t wB, x2B - t wB]. For t >= 1/2 that interval has turned round, and A
//       contains the centre of B;
//   (3) for t > 1/2 that centre keeps a distance of (1 - 1 / 2t) wA from both ends of A. If B sticks out of A at x1A, the
//       centre lies o - wB / 2 > t / (1 + t) wA - (1/2 - t / (1 + t)) wB to the right of x1A, and wB < wA / t gives the
//       bound; if it does not, the centre lies at least wB / 2 > t wA / 2 to the right, which is no less.
// The decision is made in float32: at most 16 roundings of 2^-24 each enter it, so what passes has a real IoU above
// t (1 - 2^-20). All bounds here use t - 2^-14, whose slack of 2^-16 box sizes also covers every rounding of the double
// arithmetic below: a float32 box is at least 2^-25 of its coordinates wide, so their double roundings are 2^-28 of it.
// Cell numbers are floor(x * 2^k): exact products, and floor is monotone.
//
// The same bound says which boxes are worth the exact test: o <= (wA + wB) / 2 - |distance of the centres|, so
//   (4) the distance of the centres is less than (1 - t) / (2 + 2t) (wA + wB) on both axes.

import { overlapsMore } from '../boxes/overlap.js';
import { floatBits } from '../numbers.js';
import { AREA, CLASS, grown, ID, ROW } from './rows.js';

/** Above this many keeps of a class its keeps go into the grids. */
const LIST_LIMIT = 24;
/** Classes share lists when there are more of them; the class is compared anyway. */
const CLASS_BUCKETS = 1024;
/** How far bounds stay on the safe side of the threshold. */
const SLACK = 2 ** -14;
/** Size classes per axis: the exponents of float32, two by two. */
const SIZES = 128;
const NONE = 0xffffffff;
const NEXT = ID;

const sizeClass = (size: number) => floatBits(size) >>> 24;

/** The keeps of one suppression run. */
export class KeptGrid {
	/** Kept so far, and their rows in order. */
	count = 0;
	slots = new Uint32Array(256);
	/** Per keep: centre x, reach x, centre y, reach y, for (4). */
	private near = new Float64Array(256 * 4);
	/** The kept boxes side by side, laid out as rows; the id's place holds the next keep of the same class bucket. */
	private boxes = new Float32Array(256 * ROW);
	private boxWords = new Uint32Array(this.boxes.buffer);
	private rows = new Float32Array(0);
	private words = new Uint32Array(0);
	private threshold = 0;
	private agnostic = false;
	private share = 0;
	private shrink = 0;
	private reach = 0;

	// Lists: first and last keep of each class bucket. The best come first, since they suppress most.
	private readonly firsts = new Uint32Array(CLASS_BUCKETS);
	private readonly lasts = new Uint32Array(CLASS_BUCKETS);
	private readonly sizes = new Uint32Array(CLASS_BUCKETS);

	// Grids: hashed (class, size, cell) to a chain of entries. A chain may hold strangers; they fail the exact test.
	private cells = new Uint32Array(1024);
	private numCells = 0;
	private numEntries = 0;
	/** First word of the keep. */
	private entryRows = new Uint32Array(2048);
	private entryHashes = new Uint32Array(2048);
	private entryNexts = new Uint32Array(2048);
	private readonly levels = new Uint16Array(SIZES * SIZES);
	private readonly levelSeen = new Uint8Array(SIZES * SIZES);
	private numLevels = 0;
	private readonly inverseCell = new Float64Array(SIZES);

	/** Begins a run over candidate rows. The threshold comes from `decisionThreshold`. */
	start(rows: Float32Array<ArrayBuffer>, words: Uint32Array<ArrayBuffer>, threshold: number, classAgnostic: boolean): void {
		this.rows = rows;
		this.words = words;
		this.threshold = threshold;
		this.agnostic = classAgnostic;
		const safe = Math.max(0, threshold - SLACK);
		this.share = Math.min(0.5, safe);
		this.shrink = Math.max(0, 1 - 0.5 / safe);
		this.reach = (1 - safe) / (2 + 2 * safe);
		// Cells are twice the smallest size of their class, and smaller with the shrunk boxes.
		const cell = 2 * 2 ** Math.ceil(Math.log2(1 - 2 * this.shrink));
		for (let size = 0; size < SIZES; size++) this.inverseCell[size] = 1 / (2 ** (2 * size - 127) * cell);
		this.count = 0;
		this.sizes.fill(0);
		this.firsts.fill(NONE);
		this.numCells = this.numEntries = 0;
		while (this.numLevels > 0) this.levelSeen[this.levels[--this.numLevels]] = 0;
	}

	/** Adds a row to the kept ones that suppresses nothing. */
	list(slot: number): void {
		if (this.count === this.slots.length) this.growKeeps();
		this.slots[this.count++] = slot;
	}

	/** Adds a row to the kept ones. Empty boxes suppress nothing and are only listed. */
	add(slot: number): void {
		const keep = this.count;
		this.list(slot);
		if (this.rows[slot * ROW + AREA] === 0) return;
		const { boxWords, words, firsts, lasts } = this;
		const at = keep * ROW;
		for (let i = 0; i < ROW; i++) boxWords[at + i] = words[slot * ROW + i];
		boxWords[at + NEXT] = NONE;
		this.setNear(keep * 4, at);
		const bucket = this.classOf(slot) % CLASS_BUCKETS;
		if (firsts[bucket] === NONE) firsts[bucket] = at;
		else boxWords[lasts[bucket] + NEXT] = at;
		lasts[bucket] = at;
		const size = ++this.sizes[bucket];
		if (size > LIST_LIMIT + 1) this.insert(at);
		else if (size === LIST_LIMIT + 1) for (let k = firsts[bucket]; k !== NONE; k = boxWords[k + NEXT]) this.insert(k);
	}

	private setNear(at: number, box: number): void {
		const { boxes, near, reach } = this;
		near[at] = (boxes[box] + boxes[box + 2]) / 2;
		near[at + 1] = reach * (boxes[box + 2] - boxes[box]);
		near[at + 2] = (boxes[box + 1] + boxes[box + 3]) / 2;
		near[at + 3] = reach * (boxes[box + 3] - boxes[box + 1]);
	}

	private growKeeps(): void {
		this.slots = grown(this.slots, 2 * this.count);
		this.boxWords = grown(this.boxWords, 2 * this.count * ROW);
		this.boxes = new Float32Array(this.boxWords.buffer as ArrayBuffer);
		const near = new Float64Array(2 * this.count * 4);
		near.set(this.near);
		this.near = near;
	}

	/** Whether a kept box suppresses this row. */
	suppresses(slot: number): boolean {
		if (this.rows[slot * ROW + AREA] === 0) return false;
		const bucket = this.classOf(slot) % CLASS_BUCKETS;
		return this.sizes[bucket] <= LIST_LIMIT ? this.inList(slot, bucket) : this.inGrids(slot, bucket);
	}

	private classOf(slot: number): number {
		return this.agnostic ? 0 : this.words[slot * ROW + CLASS];
	}

	private inList(slot: number, bucket: number): boolean {
		const { rows, words, boxes, boxWords, near, threshold, agnostic, reach } = this;
		const at = slot * ROW;
		const classId = words[at + CLASS];
		const centreX = (rows[at] + rows[at + 2]) / 2;
		const centreY = (rows[at + 1] + rows[at + 3]) / 2;
		const reachX = reach * (rows[at + 2] - rows[at]);
		const reachY = reach * (rows[at + 3] - rows[at + 1]);
		for (let keep = this.firsts[bucket]; keep !== NONE; keep = boxWords[keep + NEXT]) {
			const n = keep >>> 1;
			if (Math.abs(near[n] - centreX) > near[n + 1] + reachX || Math.abs(near[n + 2] - centreY) > near[n + 3] + reachY) continue;
			if (!agnostic && boxWords[keep + CLASS] !== classId) continue;
			// overlapsMore counts boxes of four words; a row is two of them.
			if (overlapsMore(boxes, keep >>> 2, boxes[keep + AREA], rows, at >>> 2, rows[at + AREA], threshold)) return true;
		}
		return false;
	}

	/** Looks into every grid that may hold a suppressor; when that is more work than the list, takes the list. */
	private inGrids(slot: number, bucket: number): boolean {
		const { rows, share, inverseCell, levels, numLevels } = this;
		const at = slot * ROW;
		const width = rows[at + 2] - rows[at];
		const height = rows[at + 3] - rows[at + 1];
		const safe = Math.max(0, this.threshold - SLACK);
		const left = rows[at] + share * width;
		const top = rows[at + 1] + share * height;
		// With a share of 1/2 both ends are the centre, up to rounding.
		const right = Math.max(left, rows[at + 2] - share * width);
		const bottom = Math.max(top, rows[at + 3] - share * height);
		const leastWide = sizeClass(safe * width);
		const mostWide = sizeClass(width / safe);
		const leastHigh = sizeClass(safe * height);
		const mostHigh = sizeClass(height / safe);
		let budget = this.sizes[bucket] - numLevels;
		for (let i = 0; i < numLevels && budget >= 0; i++) {
			const wide = levels[i] >>> 7;
			const high = levels[i] & (SIZES - 1);
			if (wide < leastWide || wide > mostWide || high < leastHigh || high > mostHigh) continue;
			const x = Math.floor(left * inverseCell[wide]);
			const y = Math.floor(top * inverseCell[high]);
			const columns = Math.floor(right * inverseCell[wide]) - x + 1;
			const lines = Math.floor(bottom * inverseCell[high]) - y + 1;
			budget -= columns * lines;
			if (budget >= 0 && this.inCells(slot, levels[i], x, y, columns, lines)) return true;
		}
		return budget < 0 && this.inList(slot, bucket);
	}

	private inCells(slot: number, level: number, x: number, y: number, columns: number, lines: number): boolean {
		const { rows, words, boxes, boxWords, near, cells, entryRows, entryNexts, threshold, agnostic, reach } = this;
		const mask = this.numCells - 1;
		const at = slot * ROW;
		const classId = words[at + CLASS];
		const centreX = (rows[at] + rows[at + 2]) / 2;
		const centreY = (rows[at + 1] + rows[at + 3]) / 2;
		const reachX = reach * (rows[at + 2] - rows[at]);
		const reachY = reach * (rows[at + 3] - rows[at + 1]);
		const base = gridHash(level, this.classOf(slot));
		for (let j = 0; j < lines; j++) {
			for (let i = 0; i < columns; i++) {
				for (let entry = cells[cellHash(base, x + i, y + j) & mask]; entry !== NONE; entry = entryNexts[entry]) {
					const keep = entryRows[entry];
					const n = keep >>> 1;
					if (Math.abs(near[n] - centreX) > near[n + 1] + reachX || Math.abs(near[n + 2] - centreY) > near[n + 3] + reachY) continue;
					if (!agnostic && boxWords[keep + CLASS] !== classId) continue;
					if (overlapsMore(boxes, keep >>> 2, boxes[keep + AREA], rows, at >>> 2, rows[at + AREA], threshold)) return true;
				}
			}
		}
		return false;
	}

	/** Puts a kept box into the cells that its (for t > 1/2 shrunk) extent touches. */
	private insert(at: number): void {
		const { boxes: rows, shrink, inverseCell } = this;
		const width = rows[at + 2] - rows[at];
		const height = rows[at + 3] - rows[at + 1];
		const wide = sizeClass(width);
		const high = sizeClass(height);
		const level = (wide << 7) | high;
		if (this.levelSeen[level] === 0) {
			this.levelSeen[level] = 1;
			this.levels[this.numLevels++] = level;
		}
		const x = Math.floor((rows[at] + shrink * width) * inverseCell[wide]);
		const y = Math.floor((rows[at + 1] + shrink * height) * inverseCell[high]);
		const columns = Math.floor((rows[at + 2] - shrink * width) * inverseCell[wide]) - x + 1;
		const lines = Math.floor((rows[at + 3] - shrink * height) * inverseCell[high]) - y + 1;
		const base = gridHash(level, this.agnostic ? 0 : this.boxWords[at + CLASS]);
		for (let j = 0; j < lines; j++) {
			for (let i = 0; i < columns; i++) this.link(at, cellHash(base, x + i, y + j));
		}
	}

	private link(row: number, hashed: number): void {
		const entry = this.numEntries++;
		if (entry === this.entryRows.length) {
			this.entryRows = grown(this.entryRows, 2 * entry);
			this.entryHashes = grown(this.entryHashes, 2 * entry);
			this.entryNexts = grown(this.entryNexts, 2 * entry);
		}
		this.entryRows[entry] = row;
		this.entryHashes[entry] = hashed;
		if (entry >= this.numCells) this.rehash();
		else this.chain(entry);
	}

	private chain(entry: number): void {
		const cell = this.entryHashes[entry] & (this.numCells - 1);
		this.entryNexts[entry] = this.cells[cell];
		this.cells[cell] = entry;
	}

	/** Doubles the hash table, so that chains of strangers stay short. */
	private rehash(): void {
		this.numCells = Math.max(1024, 4 * this.numCells);
		if (this.cells.length < this.numCells) this.cells = new Uint32Array(this.numCells);
		this.cells.fill(NONE, 0, this.numCells);
		for (let entry = 0; entry < this.numEntries; entry++) this.chain(entry);
	}

	get byteLength(): number {
		return 4 * ((1 + ROW) * this.slots.length + 3 * this.entryRows.length + this.cells.length);
	}
}

/** Mixes a grid's size classes and class. */
function gridHash(level: number, classId: number): number {
	return Math.imul(level, 0x27d4eb2f) ^ Math.imul(classId, 0x165667b1);
}

/** Mixes in a cell's numbers, taken modulo 2^32. */
function cellHash(base: number, x: number, y: number): number {
	const h = base ^ Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b);
	return h ^ (h >>> 15);
}

// The kept boxes, found by place: "does any kept box suppress this one?" without asking all of them. Exact: the grid only
// leaves out boxes that cannot overlap enough; every box it finds is tested to the same end as by `overlapsMore`.
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
//
// Most exact tests can be spared, too. They choose the nearer of two ends four times, which no processor foresees, and
// that costs more than all else. Without a choice, X = wA + wB - |x1A - x1B| - |x2A - x2B| is twice the shared length where
// A and B meet, P = X Y is 4 times the intersection, and IoU > t where P > 4t / (1 + t) (areaA + areaB). In double X, if not
// below 0, is off by 2^-50 (wA + wB) at most, and Y alike. If IoU > t >= 2^-14, that is less than 2^-34 of each by (1). If P
// is above the bound and X above 2^-16 (wA + wB), it is 2^-34 of X, and the error of Y makes 2^-48 of the areas. Either way
//   (5) what P says holds for the float32 test, too, where P is farther from the bound than 2^-17 of it, provided that no
//       number there is below the normal ones: a P above 2^-50 sees to it, since no side is longer than 2^63.
//
// Other measures of overlap: over the bounding rectangle it is never more than IoU, so all of this holds as it stands.
// Over the smaller area, or with inclusive pixels, the grid only asks whether the boxes share anything, as for t = 0. None
// has (5).
// Inclusive boxes share something when on both axes one begins less than 1 beyond the other's end. The grid takes them 1
// longer at both ends: x - 1 and x + 1 in double are as monotone as floor, so their cells meet whatever is rounded.

import { inclusiveAreaOf, isPlain, type OverlapRule, overlapsByRule, PLAIN_OVERLAP } from '../boxes/overlap.js';
import { floatBits } from '../numbers.js';
import { CellTable, cellHash, gridHash, NONE } from './cells.js';
import { AREA, CLASS, grown, ID, ROW } from './rows.js';

/** Above this many keeps of a class its keeps go into the grids. */
const LIST_LIMIT = 24;
/** Classes share lists when there are more of them; the class is compared anyway. */
const CLASS_BUCKETS = 1024;
/** How far bounds stay on the safe side of the threshold. */
const SLACK = 2 ** -14;
/** See (5): P says nothing so close to its bound, nor with so small an X per width, nor being so small. */
const UNSURE = 2 ** -17;
const LEAST_SHARE = 2 ** -16;
const LEAST_PRODUCT = 2 ** -50;
/** Size classes per axis: the exponents of float32, two by two. */
const SIZES = 128;
/** A keep's own id is not needed; its place holds the next keep of the bucket. */
const NEXT = ID;

const sizeClass = (size: number) => floatBits(size) >>> 24;
/** A grid's number: the size classes of its boxes' width and height. */
const levelOf = (width: number, height: number) => (sizeClass(width) << 7) | sizeClass(height);

/** The keeps of one suppression run. */
export class KeptGrid {
	/** Kept so far, and their rows in order. */
	count = 0;
	slots = new Uint32Array(256);
	/** The kept boxes side by side, laid out as rows; see NEXT. */
	private boxes = new Float32Array(256 * ROW);
	private boxWords = new Uint32Array(this.boxes.buffer);
	private rows = new Float32Array(0);
	private words = new Uint32Array(0);
	private threshold = 0;
	private agnostic = false;
	private safe = 0;
	private share = 0;
	private shrink = 0;
	/** Twice the factor of (4): centres are compared by the sums of their ends. */
	private reach = 0;
	/** The bounds of (5) per area: below the first no, above the second yes. */
	private tooLittle = 0;
	private enough = 0;
	private rule = PLAIN_OVERLAP;
	/** How much longer the grid takes boxes at both ends. */
	private margin = 0;

	/** First word of the row under test. */
	private at = 0;
	// What of it a suppressor surely meets, by (2); and cells that may still be looked at.
	private left = 0;
	private top = 0;
	private right = 0;
	private bottom = 0;
	private budget = 0;

	// Lists: first and last keep of each class bucket. The best come first, since they suppress most.
	private readonly firsts = new Uint32Array(CLASS_BUCKETS);
	private readonly lasts = new Uint32Array(CLASS_BUCKETS);
	private readonly sizes = new Uint32Array(CLASS_BUCKETS);

	// Grids: all in one table; which there are, and one over the size of their cells by size class.
	private readonly cells = new CellTable();
	private readonly levels = new Uint16Array(SIZES * SIZES);
	private readonly levelSeen = new Uint8Array(SIZES * SIZES);
	private numLevels = 0;
	private readonly inverseCell = new Float64Array(SIZES);

	/** Begins a run over candidate rows. The threshold comes from `decisionThreshold`. */
	start(rows: Float32Array<ArrayBuffer>, words: Uint32Array<ArrayBuffer>, threshold: number, classAgnostic: boolean, rule: OverlapRule): void {
		this.rule = rule;
		this.margin = rule.pixelOffset;
		this.rows = rows;
		this.words = words;
		this.threshold = threshold;
		this.agnostic = classAgnostic;
		// Below zero for the smallest thresholds: the slack is kept there, too.
		const bound = (rule.kind === 'iom' || rule.pixelOffset === 1 ? 0 : threshold) - SLACK;
		const safe = Math.max(0, bound);
		this.safe = safe;
		this.share = Math.min(0.5, bound);
		this.shrink = Math.max(0, 1 - 0.5 / safe);
		this.reach = (1 - bound) / (1 + bound);
		const even = isPlain(rule) && threshold >= SLACK ? (4 * threshold) / (1 + threshold) : NaN;
		this.tooLittle = even * (1 - UNSURE);
		this.enough = even * (1 + UNSURE);
		// Cells are twice the smallest size of their class, and smaller with the shrunk boxes.
		const cell = 2 * 2 ** Math.ceil(Math.log2(1 - 2 * this.shrink));
		for (let size = 0; size < SIZES; size++) this.inverseCell[size] = 1 / (2 ** (2 * size - 127) * cell);
		this.count = 0;
		this.sizes.fill(0);
		this.firsts.fill(NONE);
		this.cells.clear();
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
		if (this.isEmpty(slot * ROW)) return;
		const { boxWords, words, firsts, lasts } = this;
		const at = keep * ROW;
		for (let i = 0; i < ROW; i++) boxWords[at + i] = words[slot * ROW + i];
		boxWords[at + NEXT] = NONE;
		const bucket = this.classOf(slot) % CLASS_BUCKETS;
		if (firsts[bucket] === NONE) firsts[bucket] = at;
		else boxWords[lasts[bucket] + NEXT] = at;
		lasts[bucket] = at;
		const size = ++this.sizes[bucket];
		if (size > LIST_LIMIT + 1) this.insert(at);
		else if (size === LIST_LIMIT + 1) for (let k = firsts[bucket]; k !== NONE; k = boxWords[k + NEXT]) this.insert(k);
	}

	private growKeeps(): void {
		this.slots = grown(this.slots, 2 * this.count);
		this.boxWords = grown(this.boxWords, 2 * this.count * ROW);
		this.boxes = new Float32Array(this.boxWords.buffer as ArrayBuffer);
	}

	/** Keeps those of these rows, best first, that no kept box suppresses, until there are `limit`; rows marked TOO_SMALL are none. */
	sift(slots: Uint32Array, numRows: number, limit: number): void {
		const { rows, sizes } = this;
		for (let i = 0; i < numRows && this.count < limit; i++) {
			const slot = slots[i];
			const at = slot * ROW;
			if (rows[at + AREA] < 0) continue;
			if (this.isEmpty(at)) {
				this.list(slot);
				continue;
			}
			const bucket = this.classOf(slot) % CLASS_BUCKETS;
			this.at = at;
			if (!(sizes[bucket] <= LIST_LIMIT ? this.inList(bucket) : this.inGrids(bucket))) this.add(slot);
		}
	}

	private isEmpty(at: number): boolean {
		const { rows } = this;
		return this.margin === 0 ? rows[at + AREA] === 0 : inclusiveAreaOf(rows[at], rows[at + 1], rows[at + 2], rows[at + 3]) === 0;
	}

	private classOf(slot: number): number {
		return this.agnostic ? 0 : this.words[slot * ROW + CLASS];
	}

	/** Whether the keep at a word, which is near enough, suppresses the row under test: of its class, and by (5). So short that it is inlined. */
	private isSuppressor(keep: number): boolean {
		const { boxes, rows, at } = this;
		if (!this.agnostic && this.boxWords[keep + CLASS] !== this.words[at + CLASS]) return false;
		const x1 = boxes[keep];
		const y1 = boxes[keep + 1];
		const x2 = boxes[keep + 2];
		const y2 = boxes[keep + 3];
		const widths = x2 - x1 + (rows[at + 2] - rows[at]);
		const sharedX = widths - Math.abs(x1 - rows[at]) - Math.abs(x2 - rows[at + 2]);
		const sharedY = y2 - y1 + (rows[at + 3] - rows[at + 1]) - Math.abs(y1 - rows[at + 1]) - Math.abs(y2 - rows[at + 3]);
		const product = sharedX * sharedY;
		const areas = boxes[keep + AREA] + rows[at + AREA];
		if (product > this.enough * areas && product > LEAST_PRODUCT && sharedX > LEAST_SHARE * widths) return true;
		return !(product < this.tooLittle * areas) && this.overlaps(keep);
	}

	/** The decision itself. */
	private overlaps(keep: number): boolean {
		const { boxes, rows, at } = this;
		// a rule counts boxes of four words; a row is two of them
		return overlapsByRule(this.rule, boxes, keep >>> 2, boxes[keep + AREA], rows, at >>> 2, rows[at + AREA], this.threshold);
	}

	// Both ways to walk have the test of (4) in them, with all it needs at hand: most keeps end there.

	private inList(bucket: number): boolean {
		const { boxes, boxWords, rows, at, reach, margin } = this;
		const sumX = rows[at] + rows[at + 2];
		const sumY = rows[at + 1] + rows[at + 3];
		const width = rows[at + 2] - rows[at] + 4 * margin;
		const height = rows[at + 3] - rows[at + 1] + 4 * margin;
		for (let keep = this.firsts[bucket]; keep !== NONE; keep = boxWords[keep + NEXT]) {
			if (Math.abs(boxes[keep] + boxes[keep + 2] - sumX) > reach * (boxes[keep + 2] - boxes[keep] + width)) continue;
			if (Math.abs(boxes[keep + 1] + boxes[keep + 3] - sumY) > reach * (boxes[keep + 3] - boxes[keep + 1] + height)) continue;
			if (this.isSuppressor(keep)) return true;
		}
		return false;
	}

	/** Looks into every grid that may hold a suppressor, the one of its own size first; the list, when that is less work. */
	private inGrids(bucket: number): boolean {
		const { rows, at, share, safe, levels, numLevels, margin } = this;
		const width = rows[at + 2] - rows[at] + 2 * margin;
		const height = rows[at + 3] - rows[at + 1] + 2 * margin;
		this.left = rows[at] - margin + share * width;
		this.top = rows[at + 1] - margin + share * height;
		// With a share of 1/2 both ends are the centre, up to rounding.
		this.right = Math.max(this.left, rows[at + 2] + margin - share * width);
		this.bottom = Math.max(this.top, rows[at + 3] + margin - share * height);
		this.budget = this.sizes[bucket] - numLevels;
		const own = levelOf(width, height);
		if (this.levelSeen[own] === 1 && this.inLevel(own)) return true;
		const leastWide = sizeClass(safe * width);
		const mostWide = sizeClass(width / safe);
		const leastHigh = sizeClass(safe * height);
		const mostHigh = sizeClass(height / safe);
		for (let i = 0; i < numLevels && this.budget >= 0; i++) {
			const wide = levels[i] >>> 7;
			const high = levels[i] & (SIZES - 1);
			if (wide < leastWide || wide > mostWide || high < leastHigh || high > mostHigh || levels[i] === own) continue;
			if (this.inLevel(levels[i])) return true;
		}
		return this.budget < 0 && this.inList(bucket);
	}

	/** Looks into the cells of one grid, unless they are more than the budget. */
	private inLevel(level: number): boolean {
		const { cells, boxes, rows, at, reach, margin } = this;
		const { links } = cells;
		const scaleX = this.inverseCell[level >>> 7];
		const scaleY = this.inverseCell[level & (SIZES - 1)];
		const x = Math.floor(this.left * scaleX);
		const y = Math.floor(this.top * scaleY);
		const columns = Math.floor(this.right * scaleX) - x + 1;
		const lines = Math.floor(this.bottom * scaleY) - y + 1;
		this.budget -= columns * lines;
		if (this.budget < 0) return false;
		const base = gridHash(level, this.agnostic ? 0 : this.words[this.at + CLASS]);
		const sumX = rows[at] + rows[at + 2];
		const sumY = rows[at + 1] + rows[at + 3];
		const width = rows[at + 2] - rows[at] + 4 * margin;
		const height = rows[at + 3] - rows[at + 1] + 4 * margin;
		for (let j = 0; j < lines; j++) {
			for (let i = 0; i < columns; i++) {
				for (let link = cells.first(cellHash(base, x + i, y + j)); link !== NONE; link = links[link + 1]) {
					const keep = links[link];
					if (Math.abs(boxes[keep] + boxes[keep + 2] - sumX) > reach * (boxes[keep + 2] - boxes[keep] + width)) continue;
					if (Math.abs(boxes[keep + 1] + boxes[keep + 3] - sumY) > reach * (boxes[keep + 3] - boxes[keep + 1] + height)) continue;
					if (this.isSuppressor(keep)) return true;
				}
			}
		}
		return false;
	}

	/** Puts a kept box into the cells that its (for t > 1/2 shrunk) extent touches. */
	private insert(at: number): void {
		const { boxes: rows, shrink, inverseCell, margin } = this;
		const width = rows[at + 2] - rows[at] + 2 * margin;
		const height = rows[at + 3] - rows[at + 1] + 2 * margin;
		const level = levelOf(width, height);
		const scaleX = inverseCell[level >>> 7];
		const scaleY = inverseCell[level & (SIZES - 1)];
		if (this.levelSeen[level] === 0) {
			this.levelSeen[level] = 1;
			this.levels[this.numLevels++] = level;
		}
		const x = Math.floor((rows[at] - margin + shrink * width) * scaleX);
		const y = Math.floor((rows[at + 1] - margin + shrink * height) * scaleY);
		const columns = Math.floor((rows[at + 2] + margin - shrink * width) * scaleX) - x + 1;
		const lines = Math.floor((rows[at + 3] + margin - shrink * height) * scaleY) - y + 1;
		const base = gridHash(level, this.agnostic ? 0 : this.boxWords[at + CLASS]);
		for (let j = 0; j < lines; j++) {
			for (let i = 0; i < columns; i++) this.cells.add(at, cellHash(base, x + i, y + j));
		}
	}

	get byteLength(): number {
		return 4 * (1 + ROW) * this.slots.length + this.cells.byteLength;
	}
}

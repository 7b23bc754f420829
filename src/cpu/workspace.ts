// All scratch memory of the CPU path, kept between calls so that a frame allocates its result and nothing else.
// A call takes a workspace and gives it back; a call inside a call (a codec that runs nms) simply takes another one.

import { KeptGrid } from './grid.js';
import { Ranking } from './ranking.js';
import { grown, ROW } from './rows.js';

/** Workspaces larger than this are left to the garbage collector after a call: 64 MB. */
const MOST_BYTES = 2 ** 26;
/** Unused workspaces kept at most. */
const MOST_IDLE = 2;
/** Raw numbers of a box at most: four sides of 64 bins, and an angle. */
export const MOST_RAW = 257;
const idle: Workspace[] = [];

/** A workspace that nobody else uses until `giveBack`. */
export function takeWorkspace(): Workspace {
	const workspace = idle.pop() ?? new Workspace();
	workspace.clear();
	return workspace;
}

/** Returns a workspace; also after an error, whatever state it is in. */
export function giveBack(workspace: Workspace): void {
	if (idle.length < MOST_IDLE && workspace.byteLength <= MOST_BYTES) idle.push(workspace);
}

/** Candidate rows (layout CANDIDATE), their counters, and the scratch of every step. */
export class Workspace {
	/** [capacity, 8], the same memory as floats and as integers. */
	rows = new Float32Array(0);
	words = new Uint32Array(0);
	/** Rows in use. */
	count = 0;
	numCandidates = 0;
	rejected = 0;
	/** Whether ids grow from row to row, so that sorting by key alone settles ties. */
	idsAscend = true;
	lastId = 0;
	/** The raw numbers of one anchor's box. */
	readonly raw = new Float32Array(MOST_RAW);
	/** An anchor that came with the call. */
	readonly anchor = new Float32Array(4);
	readonly ranking = new Ranking();
	readonly kept = new KeptGrid();
	readonly hits = new Hits();

	clear(): void {
		this.count = 0;
		this.numCandidates = 0;
		this.rejected = 0;
		this.idsAscend = true;
		this.lastId = 0;
	}

	/** Makes room for this many rows; those in use stay. */
	reserve(numRows: number): void {
		if (numRows * ROW <= this.rows.length) return;
		const buffer = new ArrayBuffer(Math.max(256, 2 ** Math.ceil(Math.log2(numRows))) * ROW * 4);
		const rows = new Float32Array(buffer);
		const words = new Uint32Array(buffer);
		words.set(this.words.subarray(0, this.count * ROW));
		this.rows = rows;
		this.words = words;
	}

	/** Leaves only the best `most` rows from row `begin` on, in the order in which they came. */
	prune(begin: number, most: number, tiesHighest: boolean): void {
		this.pruneRange(begin, this.count, most, tiesHighest);
	}

	/** The same for rows `begin` to `end`; those behind close up. Returns how many are left of them. */
	pruneRange(begin: number, end: number, most: number, tiesHighest: boolean): number {
		const numRows = end - begin;
		if (numRows <= most) return numRows;
		this.ranking.start(this.words.subarray(begin * ROW), numRows, most, this.idsAscend, tiesHighest);
		this.ranking.next();
		const slots = this.ranking.slots.subarray(0, most).sort();
		slots.forEach((slot, i) => this.words.copyWithin((begin + i) * ROW, (begin + slot) * ROW, (begin + slot + 1) * ROW));
		this.words.copyWithin((begin + most) * ROW, end * ROW, this.count * ROW);
		this.count -= numRows - most;
		return most;
	}

	get byteLength(): number {
		return this.rows.byteLength + this.ranking.byteLength + this.kept.byteLength + this.hits.byteLength;
	}
}

/** Scores that passed the filter in one tile of anchors: which anchor, which class, which key (0 for NaN). */
export class Hits {
	/** Offsets that one scan found. */
	found = new Uint32Array(1024);
	anchors = new Uint32Array(1024);
	classes = new Uint32Array(1024);
	keys = new Uint32Array(1024);
	/** The same, ordered by anchor. */
	sortedAnchors = new Uint32Array(1024);
	sortedClasses = new Uint32Array(1024);
	sortedKeys = new Uint32Array(1024);
	/** Scratch of sorting: per anchor of the tile, where its next hit goes. */
	starts = new Uint32Array(1024);
	/** Softmax: the value of each channel. */
	values = new Float32Array(128);

	/** Makes room for `numHits` hits (those there stay). */
	reserve(numHits: number): void {
		if (numHits <= this.anchors.length) return;
		const size = 2 ** Math.ceil(Math.log2(numHits));
		this.anchors = grown(this.anchors, size);
		this.classes = grown(this.classes, size);
		this.keys = grown(this.keys, size);
		this.sortedAnchors = new Uint32Array(size);
		this.sortedClasses = new Uint32Array(size);
		this.sortedKeys = new Uint32Array(size);
	}

	/** Makes room for a tile of anchors, runs of this many elements, and softmax rows. */
	reserveTile(numAnchors: number, numElements: number, numChannels: number): void {
		if (this.starts.length <= numAnchors) this.starts = new Uint32Array(2 * numAnchors + 1);
		if (this.found.length < numElements) this.found = new Uint32Array(numElements);
		if (this.values.length < numChannels) this.values = new Float32Array(numChannels);
	}

	get byteLength(): number {
		return 4 * (this.found.length + this.anchors.length * 6 + this.starts.length + this.values.length);
	}
}

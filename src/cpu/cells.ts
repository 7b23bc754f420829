// A hash table from the cell of a grid to the boxes in it: chains of entries, doubled when they get long. A chain may hold
// boxes of other cells, grids and classes; whoever walks it tests each box anyway, so nothing but the hash is stored.

import { grown } from './rows.js';

/** The end of a chain. */
export const NONE = 0xffffffff;

/** Cells that know their boxes. */
export class CellTable {
	/** Per entry: what was added, and the place of the chain's next entry. */
	links = new Uint32Array(4096);
	private hashes = new Uint32Array(2048);
	private firsts = new Uint32Array(1024);
	private numCells = 0;
	private numEntries = 0;

	clear(): void {
		this.numCells = 0;
		this.numEntries = 0;
	}

	/** The place of the first entry of a cell's chain; there must be entries. */
	first(hash: number): number {
		return this.firsts[hash & (this.numCells - 1)];
	}

	/** Adds a value to a cell. */
	add(value: number, hash: number): void {
		const entry = this.numEntries++;
		if (entry === this.hashes.length) {
			this.hashes = grown(this.hashes, 2 * entry);
			this.links = grown(this.links, 4 * entry);
		}
		this.links[2 * entry] = value;
		this.hashes[entry] = hash;
		if (entry >= this.numCells) this.rehash();
		else this.chain(entry);
	}

	private chain(entry: number): void {
		const cell = this.hashes[entry] & (this.numCells - 1);
		this.links[2 * entry + 1] = this.firsts[cell];
		this.firsts[cell] = 2 * entry;
	}

	private rehash(): void {
		this.numCells = Math.max(1024, 4 * this.numCells);
		if (this.firsts.length < this.numCells) this.firsts = new Uint32Array(this.numCells);
		this.firsts.fill(NONE, 0, this.numCells);
		for (let entry = 0; entry < this.numEntries; entry++) this.chain(entry);
	}

	get byteLength(): number {
		return 4 * (this.links.length + this.hashes.length + this.firsts.length);
	}
}

/** Mixes a grid's number and a class. */
export function gridHash(level: number, classId: number): number {
	return Math.imul(level, 0x27d4eb2f) ^ Math.imul(classId, 0x165667b1);
}

/** Mixes in a cell's numbers, taken modulo 2^32. */
export function cellHash(base: number, x: number, y: number): number {
	const h = base ^ Math.imul(x, 0x9e3779b1) ^ Math.imul(y, 0x85ebca6b);
	return h ^ (h >>> 15);
}

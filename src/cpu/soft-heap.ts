// A heap of candidates with the best score on top: by key, then by tie order. Scores may be out of date, so each remembers how many keeps
// of its class it has met.

import { grown } from './rows.js';

/** Words of an entry: key, tie order (ascending is better), slot, keeps met. */
const ENTRY = 4;

export class Heap {
	count = 0;
	private words = new Uint32Array(256 * ENTRY);

	get topKey(): number {
		return this.words[0];
	}

	get topTie(): number {
		return this.words[1];
	}

	get topSlot(): number {
		return this.words[2];
	}

	get topSeen(): number {
		return this.words[3];
	}

	push(key: number, tie: number, slot: number, seen: number): void {
		if ((this.count + 1) * ENTRY > this.words.length) this.words = grown(this.words, 2 * this.words.length);
		const { words } = this;
		let place = this.count++;
		while (place > 0) {
			const parent = (place - 1) >> 1;
			if (!isBetter(key, tie, words, parent * ENTRY)) break;
			words.copyWithin(place * ENTRY, parent * ENTRY, parent * ENTRY + ENTRY);
			place = parent;
		}
		put(words, place * ENTRY, key, tie, slot, seen);
	}

	/** Takes the top away. */
	pop(): void {
		const { words } = this;
		const count = --this.count;
		const last = count * ENTRY;
		const [key, tie, slot, seen] = [words[last], words[last + 1], words[last + 2], words[last + 3]];
		let place = 0;
		while (2 * place + 1 < count) {
			let child = 2 * place + 1;
			const right = (child + 1) * ENTRY;
			if (child + 1 < count && isBetter(words[right], words[right + 1], words, child * ENTRY)) child++;
			if (isBetter(key, tie, words, child * ENTRY)) break;
			words.copyWithin(place * ENTRY, child * ENTRY, child * ENTRY + ENTRY);
			place = child;
		}
		put(words, place * ENTRY, key, tie, slot, seen);
	}
}

/** Whether this comes before the entry at a word. */
function isBetter(key: number, tie: number, words: Uint32Array, at: number): boolean {
	return key > words[at] || (key === words[at] && tie < words[at + 1]);
}

function put(words: Uint32Array, at: number, key: number, tie: number, slot: number, seen: number): void {
	words[at] = key;
	words[at + 1] = tie;
	words[at + 2] = slot;
	words[at + 3] = seen;
}

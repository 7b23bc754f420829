// Soft-NMS on one thread, fast. Scores only fall, so a score that is out of date is a bound: the best of them in a heap is brought
// up to date, against those keeps of its class that it has not met, and kept if it is still what it was; else it goes back. Candidates
// enter the heap in the order of their ranking, when the best score in it has come down to theirs. Equals soft-nms.ts.

import { decayedKey, KEY_SLACK, type SoftRule } from '../boxes/decay.js';
import { type OverlapRule, overlapOf, PLAIN_OVERLAP } from '../boxes/overlap.js';
import type { ScoreMap } from '../head-facts.js';
import { decisionThreshold, scoreOfKey } from '../numbers.js';
import { readBoxes, type SoftenRows, type SuppressTimes } from './fast.js';
import { AREA, CLASS, ID, KEY, ROW } from './rows.js';
import { scoreKeyOf } from './score-keys.js';
import { Heap } from './soft-heap.js';
import type { SoftResult, SoftRules } from './soft-nms.js';
import { giveBack, takeWorkspace, type Workspace } from './workspace.js';

/** Candidates sorted first, per detection asked for. */
const LOOKED_AT = 4;

/** Soft suppression of the rows of a workspace by a rule; `workspace.kept` holds the answer, whose rows hold the keys of decayed scores. */
export function softener(soft: SoftRule, map: ScoreMap = 'itself'): SoftenRows {
	return (w, rules, { overlap = PLAIN_OVERLAP, minSize = 0 }, times) => new Softening(w, rules, soft, map, overlap, minSize).run(times);
}

class Softening {
	readonly #w: Workspace;
	readonly #rules: Omit<SoftRules, 'minKey'>;
	readonly #soft: SoftRule;
	readonly #map: ScoreMap;
	readonly #overlap: OverlapRule;
	readonly #minSize: number;
	readonly #threshold: number;
	readonly #heap = new Heap();
	/** Slots of the keeps of each class, in order. */
	readonly #keeps = new Map<number, number[]>();
	/** Keys of their scores, all classes. */
	readonly #keptKeys: number[] = [];
	/** Candidates that the ranking has still to give, and the section of it at hand. */
	#left: number;
	#at = 0;
	#end = 0;

	constructor(w: Workspace, rules: Omit<SoftRules, 'minKey'>, soft: SoftRule, map: ScoreMap, overlap: OverlapRule, minSize: number) {
		this.#w = w;
		this.#rules = rules;
		this.#soft = soft;
		this.#map = map;
		this.#overlap = overlap;
		this.#minSize = minSize;
		this.#threshold = decisionThreshold(rules.iouThreshold);
		this.#left = Math.min(w.count, rules.maxCandidates);
	}

	run(times?: SuppressTimes): void {
		const { kept, ranking, rows, words, count, idsAscend } = this.#w;
		const { tiesHighest, classAgnostic, maxDetections } = this.#rules;
		const begun = times ? performance.now() : 0;
		const sortedBefore = times?.sort ?? 0;
		const limit = Math.min(maxDetections, this.#left);
		kept.start(rows, words, this.#threshold, classAgnostic, this.#overlap);
		ranking.start(words, count, Math.min(this.#left, LOOKED_AT * limit), idsAscend, tiesHighest);
		while (kept.count < limit) {
			this.#admit(times);
			if (this.#heap.count === 0) break;
			this.#settleTop();
		}
		// not before: the ranking looks at the keys of all rows
		this.#keptKeys.forEach((key, i) => {
			words[kept.slots[i] * ROW + KEY] = key;
		});
		if (times) times.suppress += performance.now() - begun - (times.sort - sortedBefore);
	}

	/** Takes candidates from the ranking as long as one of them may be the best. */
	#admit(times?: SuppressTimes): void {
		const { ranking, words, rows } = this.#w;
		const heap = this.#heap;
		while (this.#left > 0) {
			if (this.#at === this.#end) {
				const begun = times ? performance.now() : 0;
				this.#end = ranking.next();
				this.#at = 0;
				if (times) times.sort += performance.now() - begun;
			}
			const slot = ranking.slots[this.#at];
			const key = scoreKeyOf(words[slot * ROW + KEY], this.#map);
			if (heap.count > 0 && key + KEY_SLACK < heap.topKey) return;
			this.#at++;
			this.#left--;
			if (this.#minSize > 0 && rows[slot * ROW + AREA] < 0) continue;
			const id = words[slot * ROW + ID];
			heap.push(key, this.#rules.tiesHighest ? ~id >>> 0 : id, slot, 0);
		}
	}

	/** Brings the best candidate up to date: it is kept, put back, or dropped. */
	#settleTop(): void {
		const { rows, words, kept } = this.#w;
		const { classAgnostic, minScoreKey = 0, softScale = 0 } = this.#rules;
		const heap = this.#heap;
		const { topKey, topTie, topSlot, topSeen } = heap;
		heap.pop();
		const keeps = this.#keepsOf(classAgnostic ? 0 : words[topSlot * ROW + CLASS]);
		const at = topSlot * ROW;
		let key = topKey;
		for (let k = topSeen; k < keeps.length; k++) {
			const other = keeps[k] * ROW;
			if (this.#areApart(other, at)) continue;
			// boxes are counted by four words
			const overlap = overlapOf(this.#overlap, rows, other >>> 2, rows[other + AREA], rows, at >>> 2, rows[at + AREA]);
			const next = decayedKey(key, overlap, this.#soft, this.#threshold, softScale);
			if (next !== key && next < minScoreKey) return;
			key = next;
		}
		if (key !== topKey) return heap.push(key, topTie, topSlot, keeps.length);
		kept.list(topSlot);
		keeps.push(topSlot);
		this.#keptKeys.push(key);
	}

	/** Whether it is plain that the boxes at two words share nothing. Inclusive pixels may share where the numbers only meet. */
	#areApart(p: number, q: number): boolean {
		const { rows } = this.#w;
		if (this.#overlap.pixelOffset !== 0) return false;
		return rows[p] >= rows[q + 2] || rows[p + 2] <= rows[q] || rows[p + 1] >= rows[q + 3] || rows[p + 3] <= rows[q + 1];
	}

	#keepsOf(classId: number): number[] {
		const known = this.#keeps.get(classId);
		if (known) return known;
		const made: number[] = [];
		this.#keeps.set(classId, made);
		return made;
	}
}

/** Fast soft-NMS of upright boxes [N, 4] xyxy with scores [N]; equals `softNmsTextbook`. Arguments are not checked and not changed. */
export function softNmsFast(
	boxes: Float32Array,
	scores: Float32Array,
	classIds: ArrayLike<number> | undefined,
	rules: SoftRules,
	soft: SoftRule,
	overlap?: OverlapRule,
): SoftResult {
	const w = takeWorkspace();
	try {
		readBoxes(w, boxes, false, scores, classIds, rules.minKey);
		softener(soft)(w, { ...rules, minScoreKey: rules.minScoreKey ?? rules.minKey, classAgnostic: rules.classAgnostic || !classIds }, { overlap });
		const at = Array.from(w.kept.slots.subarray(0, w.kept.count), (slot) => slot * ROW);
		return {
			indices: Uint32Array.from(at, (row) => w.words[row + ID]),
			scores: Float32Array.from(at, (row) => scoreOfKey(w.words[row + KEY])),
			numCandidates: w.numCandidates,
			truncated: Math.max(0, w.numCandidates - rules.maxCandidates),
			rejected: w.rejected,
		};
	} finally {
		giveBack(w);
	}
}

// Suppression of rotated boxes on one thread: a candidate against the boxes of its class that may suppress it, one by one, behind
// a test by upright bounds. Exact: bounds only leave out pairs that cannot overlap enough.
//
// Polygons that share something have bounds that do. The measure itself may be wrong by some roundings, all below 2^-17 of the
// sides for angles up to 64, so bounds are taken 2^-16 of the sides longer.
//
// Gaussians: probiou > t means B < -ln(1 - (1 - t)^2 + 1e-7). B is at least d^2 / 4 (a + b) with a, b the largest variances, a = max(w, h)^2
// / 12; the rest of B is not below 0, but for constants that count among boxes of less than a pixel. So the centres are nearer than
// sqrt(B / 3) (max(w, h) of one + that of the other); B is taken a twentieth larger.

import type { RotatedIouKind } from '../boxes/overlap.js';
import { rotatedOverlapsMore } from '../boxes/rotated.js';
import { cos32, sin32 } from '../functions.js';
import type { Keeps, MakeKeeps } from './fast.js';
import { AREA, CLASS, ROW } from './rows.js';

/** Where bounds hold: angles, and sides of boxes in pixels for the Gaussian measure. */
const MOST_ANGLE = 64;
const LEAST_SIDE = 1;
const MOST_SIDE = 2 ** 20;

/** The keeps of rotated boxes; the threshold comes from `decisionThreshold`. */
export const rotatedKeeps: MakeKeeps = (rows, words, threshold, classAgnostic, kind) => new RotatedKeeps(rows, words, threshold, classAgnostic, kind);

class RotatedKeeps implements Keeps {
	readonly #rows: Float32Array;
	readonly #words: Uint32Array;
	readonly #threshold: number;
	readonly #agnostic: boolean;
	readonly #kind: RotatedIouKind;
	/** Gaussian reach over the longer side. */
	readonly #reach: number;
	/** Of each class: slot, centre x, centre y, reach x, reach y of one box after the other. */
	readonly #lists = new Map<number, number[]>();
	/** The same of the row under test. */
	readonly #own = new Float64Array(5);

	constructor(rows: Float32Array, words: Uint32Array, threshold: number, classAgnostic: boolean, kind: RotatedIouKind) {
		this.#rows = rows;
		this.#words = words;
		this.#threshold = threshold;
		this.#agnostic = classAgnostic;
		this.#kind = kind;
		this.#reach = Math.sqrt((-Math.log(1 - (1 - threshold) ** 2 + 1e-7) * 1.05 + 0.05) / 3);
	}

	/** Adds a row to those that suppress. */
	add(slot: number): void {
		const list = this.#lists.get(this.#classOf(slot));
		this.#aim(slot);
		if (list) list.push(...this.#own);
		else this.#lists.set(this.#classOf(slot), [...this.#own]);
	}

	/** Whether one of them suppresses this row. */
	suppresses(slot: number): boolean {
		const list = this.#lists.get(this.#classOf(slot));
		if (!list) return false;
		this.#aim(slot);
		const [, x, y, reachX, reachY] = this.#own;
		const rows = this.#rows;
		for (let k = 0; k < list.length; k += 5) {
			if (Math.abs(list[k + 1] - x) > list[k + 3] + reachX || Math.abs(list[k + 2] - y) > list[k + 4] + reachY) continue;
			const other = list[k];
			// boxes are counted by four words; a row is two of them
			if (rotatedOverlapsMore(this.#kind, rows, 2 * other, rows[other * ROW + AREA], rows, 2 * slot, rows[slot * ROW + AREA], this.#threshold)) return true;
		}
		return false;
	}

	#classOf(slot: number): number {
		return this.#agnostic ? 0 : this.#words[slot * ROW + CLASS];
	}

	#aim(slot: number): void {
		const rows = this.#rows;
		const own = this.#own;
		const at = slot * ROW;
		const width = rows[at + 2] - rows[at];
		const height = rows[at + 3] - rows[at + 1];
		own[0] = slot;
		own[1] = (rows[at] + rows[at + 2]) / 2;
		own[2] = (rows[at + 1] + rows[at + 3]) / 2;
		own[3] = own[4] = Infinity;
		const angle = rows[at + AREA];
		if (this.#kind === 'iou' && Math.abs(angle) <= MOST_ANGLE) {
			const cos = Math.abs(cos32(angle));
			const sin = Math.abs(sin32(angle));
			const margin = (width + height) * 2 ** -16;
			own[3] = (width * cos + height * sin) / 2 + margin;
			own[4] = (width * sin + height * cos) / 2 + margin;
		} else if (this.#kind === 'probiou' && Math.min(width, height) >= LEAST_SIDE && Math.max(width, height) <= MOST_SIDE) {
			own[3] = own[4] = this.#reach * Math.max(width, height);
		}
	}
}

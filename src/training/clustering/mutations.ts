// The mutations of yolov5's genetic evolution: factors for every side of every anchor, drawn without looking at the anchors, so that all
// of a run are known beforehand and any number of them can be tried at once.
//   v = (rand < p) * random() * randn * sigma + 1, clipped; drawn again until any differs from 1    (ultralytics/yolov5, utils/autoanchor.py)

import { type SeededRandom, seededRandom } from '../random.js';
import { SIDE_LIMIT } from './sizes.js';

const round = Math.fround;

/** How anchors mutate. */
export interface MutationRule {
	/** Of a side to change at all. */
	readonly probability: number;
	readonly sigma: number;
	/** Least and most factor. */
	readonly clip: readonly [number, number];
}

/** A run's factors, drawn as far as they are asked for. */
export class Mutations {
	readonly #random: SeededRandom;
	readonly #numSides: number;
	readonly #rule: MutationRule;
	/** Factors of the generations from `#from` on. */
	#drawn: Float32Array[] = [];
	#from = 0;

	constructor(seed: number, numSides: number, rule: MutationRule) {
		this.#random = seededRandom(seed);
		this.#numSides = numSides;
		this.#rule = rule;
	}

	/** The factors [K, 2] of a generation. Those of generations before it are forgotten. */
	of(generation: number): Float32Array {
		this.#forget(generation);
		while (this.#drawn.length === 0) this.#drawn.push(this.#draw());
		return this.#drawn[0];
	}

	/** The factors of `count` generations, one after the other. */
	window(generation: number, count: number): Float32Array {
		this.#forget(generation);
		while (this.#drawn.length < count) this.#drawn.push(this.#draw());
		const all = new Float32Array(count * this.#numSides);
		for (let i = 0; i < count; i++) all.set(this.#drawn[i], i * this.#numSides);
		return all;
	}

	#forget(before: number): void {
		this.#drawn.splice(0, before - this.#from);
		this.#from = before;
	}

	#draw(): Float32Array {
		const { probability, sigma, clip } = this.#rule;
		const random = this.#random;
		const factors = new Float32Array(this.#numSides);
		do {
			const changes = Array.from(factors, () => random.next() < probability);
			const size = random.next();
			for (let i = 0; i < factors.length; i++) {
				const normal = random.normal();
				factors[i] = changes[i] ? Math.min(clip[1], Math.max(clip[0], size * normal * sigma + 1)) : 1;
			}
		} while (factors.every((factor) => factor === 1));
		return factors;
	}
}

/** Anchors times factors, no side below the least, and none beyond what is a size. */
export function mutate(anchors: Float32Array, factors: Float32Array, minSize: number): Float32Array {
	const least = Math.max(minSize, 1 / SIDE_LIMIT);
	return anchors.map((side, i) => Math.min(SIDE_LIMIT, Math.max(least, round(side * factors[i]))));
}

// Anchors by differential evolution of the mean best IoU, as mmyolo offers beside k-means: a population of anchor sets, whose members are
// crossed with the best one plus a difference of two others, and replaced when the cross is no worse. Storn and Price 1997, strategy
// best/1/bin with every success in effect at once; mmyolo, tools/analysis_tools/optimize_anchors.py, and scipy.optimize.

import { checkInteger, checkNumber, checkUnit, readOptions, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import { checkLongWork, type LongWork, Pauses } from '../progress.js';
import { type SeededRandom, seededRandom } from '../random.js';
import { IouScorer } from './iou-scorer.js';
import { MEASURE_ONE } from './metric.js';
import { checkFilter, checkSizeList, groupSizes, SIDE_LIMIT, type SizeRows, sortByArea } from './sizes.js';

/** How far a differential evolution is. */
export interface DifferentialProgress {
	readonly generation: number;
	readonly generations: number;
	/** The best so far. */
	readonly meanIou: number;
	readonly anchors: Float32Array;
}

/** Options of `differentialAnchors`. */
export interface DifferentialOptions extends LongWork<DifferentialProgress> {
	/** Anchors to find, 1 to 512. */
	count: number;
	/** Sides of anchors lie below it. Default: the longest side of all boxes. */
	inputSize?: number;
	/** Generations at most. Default 1000. */
	generations?: number;
	/** Members of the population for every side of an anchor set. Default 15. */
	populationSize?: number;
	/** How much of a difference is added: drawn anew for each generation from this range. Default [0.5, 1]. */
	mutation?: readonly [number, number];
	/** The chance of a side to come from the cross. Default 0.7. */
	recombination?: number;
	/** It ends when the costs (1 - mean IoU) of the population deviate by less than this times their mean. Default 0.0001. */
	tolerance?: number;
	/** Default 0. */
	seed?: number;
}

/** What differential evolution found. */
export interface DifferentialAnchors {
	/** [K, 2] sorted by area. */
	readonly anchors: Float32Array;
	readonly meanIou: number;
	/** Generations done. */
	readonly generations: number;
	/** The population had become one; false: `generations` ended it. */
	readonly converged: boolean;
	/** [generations] the best mean IoU after each. It never falls. */
	readonly history: Float32Array;
}

const KEYS = [
	...(['count', 'inputSize', 'generations', 'populationSize', 'mutation', 'recombination', 'tolerance', 'seed'] as const),
	...(['signal', 'onProgress'] as const),
];

/**
 * Searches anchors with the highest mean best IoU for boxes of sizes [N, 2], without a start. On the CPU, one trial after the other, since
 * each sees the success of the one before; a generation scores `populationSize` anchor sets for every side, so it takes far longer than
 * k-means. Unlike scipy it does not polish the end by gradients. Rejects for sizes that are not positive, options out of range, and with the signal's reason.
 */
export async function differentialAnchors(sizes: FloatsLike, options: DifferentialOptions): Promise<DifferentialAnchors> {
	const where = 'differentialAnchors';
	const settings = checkDifferential(where, options);
	const rows = groupSizes(where, checkSizeList(where, 'sizes', sizes), checkFilter(where, {}));
	settings.signal?.throwIfAborted();
	if (rows.total === 0) return { anchors: new Float32Array(0), meanIou: 0, generations: 0, converged: true, history: new Float32Array(0) };
	return new Population(rows, settings).run();
}

type Settings = ReturnType<typeof checkDifferential>;

function checkDifferential(where: string, options: unknown) {
	const read = readOptions(where, 'options', options, KEYS);
	const { mutation = [0.5, 1], inputSize } = read;
	if (!Array.isArray(mutation) || mutation.length !== 2) refuse(TypeError, where, 'mutation', 'must be [least, most]', mutation);
	const [least, most] = mutation.map((x, i) => checkNumber(where, `mutation[${i}]`, x));
	if (!(least > 0 && least <= most && most < 2)) refuse(RangeError, where, 'mutation', 'must be [least, most] with 0 < least <= most < 2', mutation);
	const side = inputSize === undefined ? undefined : checkNumber(where, 'inputSize', inputSize);
	if (side !== undefined && !(side > 1 / SIDE_LIMIT && side <= SIDE_LIMIT)) refuse(RangeError, where, 'inputSize', 'must be a positive size', inputSize);
	const tolerance = checkNumber(where, 'tolerance', read.tolerance ?? 1e-4);
	if (!(tolerance >= 0 && tolerance <= 1)) refuse(RangeError, where, 'tolerance', 'must be 0 to 1', tolerance);
	return {
		count: checkInteger(where, 'count', read.count, 1, 512),
		inputSize: side,
		generations: checkInteger(where, 'generations', read.generations ?? 1000, 1, 1e6),
		populationSize: checkInteger(where, 'populationSize', read.populationSize ?? 15, 1, 1000),
		mutation: [least, most] as const,
		recombination: checkUnit(where, 'recombination', read.recombination ?? 0.7),
		tolerance,
		seed: checkInteger(where, 'seed', read.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
		...checkLongWork<DifferentialProgress>(where, read),
	};
}

/** scipy takes no fewer. */
const LEAST_MEMBERS = 5;

class Population {
	readonly #settings: Settings;
	readonly #random: SeededRandom;
	readonly #scorer: IouScorer;
	readonly #total: number;
	/** Sides are shares of this. */
	readonly #longest: number;
	readonly #numSides: number;
	/** Sides as shares from 0 to 1; the best member is the first. */
	readonly #members: Float64Array[];
	readonly #sums: number[];

	constructor(rows: SizeRows, settings: Settings) {
		this.#settings = settings;
		this.#random = seededRandom(settings.seed);
		this.#scorer = new IouScorer(rows, settings.count);
		this.#total = rows.total;
		this.#longest =
			settings.inputSize ??
			Math.max(
				rows.widths[rows.widths.length - 1],
				rows.heights.reduce((a, b) => Math.max(a, b)),
			);
		this.#numSides = 2 * settings.count;
		this.#members = this.#spread(Math.max(LEAST_MEMBERS, settings.populationSize * this.#numSides));
		this.#sums = this.#members.map((member) => this.#scorer.score(this.#toAnchors(member)));
		this.#promote(this.#sums.indexOf(Math.max(...this.#sums)));
	}

	/** A Latin hypercube: of n members each has another n-th of every side's range. */
	#spread(n: number): Float64Array[] {
		const members = Array.from({ length: n }, () => new Float64Array(this.#numSides));
		for (let side = 0; side < this.#numSides; side++) {
			const order = Array.from({ length: n }, (_, i) => i);
			for (let i = n - 1; i > 0; i--) {
				const j = this.#random.integer(i + 1);
				[order[i], order[j]] = [order[j], order[i]];
			}
			members.forEach((member, i) => (member[side] = (order[i] + this.#random.next()) / n));
		}
		return members;
	}

	#toAnchors(member: Float64Array): Float32Array {
		return Float32Array.from(member, (share) => Math.max(1 / SIDE_LIMIT, share * this.#longest));
	}

	#promote(i: number): void {
		[this.#members[0], this.#members[i]] = [this.#members[i], this.#members[0]];
		[this.#sums[0], this.#sums[i]] = [this.#sums[i], this.#sums[0]];
	}

	/** The best plus a difference of two others, crossed with member i. What leaves the range is drawn anew. */
	#trial(i: number, scale: number): Float64Array {
		const random = this.#random;
		const others = this.#members.length;
		let [a, b] = [i, i];
		while (a === i) a = random.integer(others);
		while (b === i || b === a) b = random.integer(others);
		const always = random.integer(this.#numSides);
		return this.#members[i].map((own, side) => {
			const isCrossed = random.next() < this.#settings.recombination;
			if (!isCrossed && side !== always) return own;
			const crossed = this.#members[0][side] + scale * (this.#members[a][side] - this.#members[b][side]);
			return crossed >= 0 && crossed <= 1 ? crossed : random.next();
		});
	}

	get #isOne(): boolean {
		const costs = this.#sums.map((sum) => 1 - this.#toIou(sum));
		const mean = costs.reduce((a, b) => a + b) / costs.length;
		const deviation = Math.sqrt(costs.reduce((sum, cost) => sum + (cost - mean) ** 2, 0) / costs.length);
		return deviation <= this.#settings.tolerance * mean;
	}

	#toIou(sum: number): number {
		return sum / this.#total / MEASURE_ONE;
	}

	async run(): Promise<DifferentialAnchors> {
		const { generations, mutation, signal, onProgress } = this.#settings;
		const pauses = new Pauses(signal);
		const history: number[] = [];
		let converged = this.#isOne;
		while (!converged && history.length < generations) {
			const scale = mutation[0] + this.#random.next() * (mutation[1] - mutation[0]);
			for (let i = 0; i < this.#members.length; i++) {
				const trial = this.#trial(i, scale);
				// no worse is enough
				const sum = this.#scorer.score(this.#toAnchors(trial), this.#sums[i] - 1);
				if (sum < 0) continue;
				this.#members[i] = trial;
				this.#sums[i] = sum;
				if (sum > this.#sums[0]) this.#promote(i);
				if (pauses.due) await pauses.take();
			}
			history.push(this.#toIou(this.#sums[0]));
			onProgress?.({ generation: history.length, generations, meanIou: history[history.length - 1], anchors: this.#toAnchors(this.#members[0]) });
			signal?.throwIfAborted();
			converged = this.#isOne;
		}
		const { anchors } = sortByArea(this.#toAnchors(this.#members[0]));
		return { anchors, meanIou: this.#toIou(this.#sums[0]), generations: history.length, converged, history: Float32Array.from(history) };
	}
}

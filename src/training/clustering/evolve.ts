// Anchors by genetic evolution, as yolov5 publishes it: a mutant of the best anchors so far replaces them when its fitness is strictly
// higher, a thousand times. On the GPU tens of mutants are scored at once, and the first that is better counts, as if they had been
// scored one by one: the same anchors, bit for bit. ultralytics/yolov5, utils/autoanchor.py.

import { checkInteger, checkNumber, checkUnit, readOptions, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import { checkBackend, onBackend, type TrainingBackend } from '../backend.js';
import { checkLongWork, type LongWork, Pauses } from '../progress.js';
import { checkRatio, MEASURE_ONE } from './metric.js';
import { type MutationRule, Mutations, mutate } from './mutations.js';
import { FitnessScorer } from './scorer.js';
import { checkAnchors, checkFilter, checkSide, checkSizeList, groupSizes, type SizeRows, sortByArea } from './sizes.js';

/** How far an evolution is. */
export interface EvolutionProgress {
	/** Generations done, of so many. */
	readonly generation: number;
	readonly generations: number;
	/** The best so far; anchors in the order in which they were given. */
	readonly fitness: number;
	readonly anchors: Float32Array;
}

/** Options of `evolveAnchors`. */
export interface EvolveOptions extends LongWork<EvolutionProgress> {
	/** Mutants to try. Default 1000. */
	generations?: number;
	/** The chance of a side to mutate. Default 0.9. */
	mutationProbability?: number;
	/** The deviation of a factor from 1, before it is shrunk by one random number per mutant. Default 0.1. */
	sigma?: number;
	/** The least and the most factor. Default [0.3, 3]. */
	clip?: readonly [number, number];
	/** No side of a mutant is shorter, in the unit of the sizes: pixels. For normalised sizes give 0. Default 2. */
	minSize?: number;
	/** As in `anchorFitness`. Default 4. */
	ratioThreshold?: number;
	/** Default 0. The same seed gives the same anchors, on the CPU and on every GPU. */
	seed?: number;
	/** Where to compute; without one, the CPU. */
	backend?: TrainingBackend;
}

/** A mutant that replaced the anchors before it. */
export interface AcceptedMutant {
	/** From 0. */
	readonly generation: number;
	readonly fitness: number;
	/** In the order in which the anchors were given. */
	readonly anchors: Float32Array;
}

/** What evolution found. */
export interface EvolvedAnchors {
	/** [K, 2] sorted by area. */
	readonly anchors: Float32Array;
	readonly fitness: number;
	/** [generations] the best fitness after each. It never falls. */
	readonly history: Float32Array;
	readonly accepted: readonly AcceptedMutant[];
	/** Fitnesses that the algorithm asks for: of the anchors it starts from and of one mutant per generation. */
	readonly evaluations: number;
}

/** Checked options of `evolveAnchors`. */
export interface EvolutionSettings extends LongWork<EvolutionProgress> {
	readonly generations: number;
	readonly minSize: number;
	/** 1/4, as the metric is compared with it. */
	readonly threshold: number;
	readonly seed: number;
	readonly rule: MutationRule;
	readonly backend: TrainingBackend;
}

/** One evolution. */
export interface EvolutionJob extends Pick<EvolutionSettings, 'generations' | 'minSize' | 'threshold' | 'signal'> {
	readonly rows: SizeRows;
	readonly anchors: Float32Array;
	readonly mutations: Mutations;
	/** Hears of generations done, the best sum so far and its anchors. */
	readonly report: (generation: number, sum: number, anchors: Float32Array) => void;
}

/** A mutant that was accepted, with its fitness as a sum. */
export interface Acceptance {
	readonly generation: number;
	readonly sum: number;
	readonly anchors: Float32Array;
}

/** What an evolution comes to: the sum of the anchors it started from, and every mutant that was accepted. */
export interface Evolved {
	readonly sum: number;
	readonly acceptances: readonly Acceptance[];
}

const KEYS = [
	...(['generations', 'mutationProbability', 'sigma', 'clip', 'minSize', 'ratioThreshold', 'seed'] as const),
	...(['backend', 'signal', 'onProgress'] as const),
];

/** Boxes times anchors times generations from which a real GPU is worth the way there. */
const WORTH_IT = 5e7;

/**
 * Raises the fitness of anchors [K, 2] for boxes of sizes [N, 2] by `generations` mutations. Rejects with a RangeError or TypeError for
 * sizes that are not positive (with the index), no anchors, or options out of range; with the signal's reason when it aborts.
 */
export async function evolveAnchors(sizes: FloatsLike, anchors: FloatsLike, options?: EvolveOptions): Promise<EvolvedAnchors> {
	const where = 'evolveAnchors';
	const settings = checkEvolution(where, readOptions(where, 'options', options, KEYS));
	const start = checkAnchors(where, 'anchors', anchors);
	const rows = groupSizes(where, checkSizeList(where, 'sizes', sizes), checkFilter(where, {}));
	return evolveRows(where, rows, start, settings);
}

/** Checks the options of `evolveAnchors`. */
export function checkEvolution(where: string, read: Partial<Record<keyof EvolveOptions, unknown>>): EvolutionSettings {
	return {
		generations: checkInteger(where, 'generations', read.generations ?? 1000, 1, 1e7),
		minSize: Math.fround(checkSide(where, 'minSize', read.minSize ?? 2)),
		threshold: checkRatio(where, read.ratioThreshold),
		seed: checkInteger(where, 'seed', read.seed ?? 0, 0, Number.MAX_SAFE_INTEGER),
		rule: checkRule(where, read),
		backend: checkBackend(where, read.backend),
		...checkLongWork<EvolutionProgress>(where, read),
	};
}

/** `evolveAnchors` of rows. */
export async function evolveRows(where: string, rows: SizeRows, anchors: Float32Array, settings: EvolutionSettings): Promise<EvolvedAnchors> {
	const { generations, seed, rule, onProgress, signal } = settings;
	const toFitness = (sum: number) => (rows.total ? sum / rows.total / MEASURE_ONE : 0);
	const job: EvolutionJob = {
		...settings,
		rows,
		anchors,
		mutations: new Mutations(seed, anchors.length, rule),
		report: (generation, sum, best) => onProgress?.({ generation, generations, fitness: toFitness(sum), anchors: best.slice() }),
	};
	signal?.throwIfAborted();
	const pairs = rows.counts.length * (anchors.length / 2);
	const { sum, acceptances } = await onBackend(
		where,
		settings.backend,
		pairs * generations >= WORTH_IT,
		async (gpu) => (rows.total ? (await import('./evolve-gpu.js')).evolveOnGpu(gpu, job, () => evolveOnCpu(job)) : evolveOnCpu(job)),
		() => evolveOnCpu(job),
	);
	return toResult(job, sum, acceptances, toFitness);
}

function checkRule(where: string, read: Partial<Record<keyof EvolveOptions, unknown>>): MutationRule {
	const probability = checkUnit(where, 'mutationProbability', read.mutationProbability ?? 0.9);
	if (probability === 0) refuse(RangeError, where, 'mutationProbability', 'must be above 0, or nothing ever changes', 0);
	const sigma = checkNumber(where, 'sigma', read.sigma ?? 0.1);
	// below 2^-20 a factor would hardly ever differ from 1 in float32
	if (!(sigma >= 2 ** -20 && sigma <= 10)) refuse(RangeError, where, 'sigma', 'must be 2^-20 to 10', sigma);
	const { clip = [0.3, 3] } = read;
	if (!Array.isArray(clip) || clip.length !== 2) refuse(TypeError, where, 'clip', 'must be [least, most]', clip);
	const [least, most] = clip.map((x, i) => checkNumber(where, `clip[${i}]`, x));
	if (!(least >= 0.01 && least <= 1 && most >= 1 && most <= 100 && least < most)) {
		refuse(RangeError, where, 'clip', 'must be [least, most] with 0.01 <= least <= 1 <= most <= 100, not both 1', clip);
	}
	return { probability, sigma, clip: [least, most] };
}

/** One generation after the other. */
async function evolveOnCpu({ rows, anchors, generations, minSize, threshold, mutations, signal, report }: EvolutionJob): Promise<Evolved> {
	const scorer = new FitnessScorer(rows, anchors.length / 2, threshold);
	const pauses = new Pauses(signal);
	const acceptances: Acceptance[] = [];
	let best = anchors;
	const first = scorer.score(best);
	let sum = first;
	for (let generation = 0; generation < generations; generation++) {
		const mutant = mutate(best, mutations.of(generation), minSize);
		const score = scorer.score(mutant, sum);
		if (score > sum) {
			sum = score;
			best = mutant;
			acceptances.push({ generation, sum, anchors: mutant });
		}
		if (!pauses.due) continue;
		report(generation + 1, sum, best);
		await pauses.take();
	}
	report(generations, sum, best);
	return { sum: first, acceptances };
}

function toResult(
	{ anchors, generations }: EvolutionJob,
	first: number,
	acceptances: readonly Acceptance[],
	toFitness: (sum: number) => number,
): EvolvedAnchors {
	const history = new Float32Array(generations).fill(toFitness(first));
	for (const { generation, sum } of acceptances) history.fill(toFitness(sum), generation);
	const last = acceptances.at(-1);
	return {
		anchors: sortByArea(last?.anchors ?? anchors).anchors,
		fitness: toFitness(last?.sum ?? first),
		history,
		accepted: acceptances.map(({ generation, sum, anchors }) => ({ generation, fitness: toFitness(sum), anchors })),
		evaluations: generations + 1,
	};
}

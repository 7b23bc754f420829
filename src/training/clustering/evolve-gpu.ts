// Genetic evolution on the GPU: the parent stays there, a round scores the next mutants all at once, a submit holds several rounds, and
// only what was accepted is read back. Loaded when a GPU is first wanted.

import { floatBits } from '../../numbers.js';
import type { Dispatch, GpuJob, JobBuffer, JobKernel } from '../../pipeline.js';
import type { Acceptance, EvolutionJob, Evolved } from './evolve.js';
import { splitHeavy } from './heavy-rows.js';
import { fitnessSum } from './metric.js';

/** Row-anchor pairs of a submit: some milliseconds for a GPU, a moment for an adapter that computes on the CPU. */
const PAIRS_PER_SUBMIT = 2 ** 26;
const MOST_ROUNDS = 16;
const MAX_WORKGROUPS = 65535;

/** As `evolveOnCpu`, bit for bit. */
export async function evolveOnGpu(job: GpuJob, task: EvolutionJob, onCpu: () => Promise<Evolved>): Promise<Evolved> {
	const shaders = await import('../../../shaders/training/evolve.wgsl.js');
	const { rowOf, counts } = splitHeavy(task.rows.counts, shaders.MOST_BOXES);
	const numBlocks = Math.ceil(counts.length / shaders.BLOCK);
	const numChunks = Math.ceil(counts.length / shaders.CHUNK);
	// more sizes than a GPU binds: nobody has them, and the CPU finds the same
	if (numBlocks * 64 > job.maxBindingBytes || numChunks > MAX_WORKGROUPS) return onCpu();
	const evolution = new GpuEvolution(job, task, numBlocks, numChunks, shaders.MOST_MUTANTS);
	const padded = new Uint32Array(numBlocks * shaders.BLOCK);
	padded.set(counts);
	await evolution.prepare(shaders, blocksOf(task, rowOf, shaders.BLOCK), padded);
	return evolution.run();
}

/** Widths, heights, 1 / widths, 1 / heights, as many of each as a block has rows; 0 where it is not full. */
function blocksOf({ rows: { widths, heights } }: EvolutionJob, rowOf: Uint32Array, size: number): Float32Array {
	const out = new Float32Array(4 * size * Math.ceil(rowOf.length / size));
	rowOf.forEach((row, i) => {
		const at = 4 * (i - (i % size)) + (i % size);
		[widths[row], heights[row], 1 / widths[row], 1 / heights[row]].forEach((value, k) => (out[at + k * size] = value));
	});
	return out;
}

class GpuEvolution {
	readonly #job: GpuJob;
	readonly #task: EvolutionJob;
	readonly #numBlocks: number;
	readonly #numChunks: number;
	readonly #mostMutants: number;
	/** Words of a State before the anchors, and of a Record. */
	readonly #numSides: number;
	readonly #params: JobBuffer;
	readonly #factors: JobBuffer;
	readonly #state: JobBuffer;
	readonly #records: JobBuffer;
	readonly #first: number;
	#score!: Omit<Dispatch, 'workgroups'>;
	#select!: Dispatch;

	constructor(job: GpuJob, task: EvolutionJob, numBlocks: number, numChunks: number, mostMutants: number) {
		this.#job = job;
		this.#task = task;
		this.#numBlocks = numBlocks;
		this.#numChunks = numChunks;
		this.#numSides = task.anchors.length;
		this.#mostMutants = Math.min(mostMutants, Math.floor(MAX_WORKGROUPS / numChunks));
		this.#first = fitnessSum(task.rows, task.anchors, task.threshold);
		this.#params = job.buffer('params', 48);
		this.#factors = job.buffer('factors', MOST_ROUNDS * this.#mostMutants * this.#numSides * 4);
		const state = new Uint32Array(4 + this.#numSides);
		state.set([0, 0, this.#first % 2 ** 32, Math.floor(this.#first / 2 ** 32)]);
		new Float32Array(state.buffer).set(task.anchors, 4);
		this.#state = job.buffer('state', state);
		this.#records = job.buffer('records', MOST_ROUNDS * (3 + this.#numSides) * 4);
	}

	async prepare(shaders: typeof import('../../../shaders/training/evolve.wgsl.js'), rows: Float32Array, counts: Uint32Array): Promise<void> {
		const job = this.#job;
		const numAnchors = this.#numSides / 2;
		const partials = job.buffer('partials', this.#mostMutants * this.#numChunks * 8);
		const buffers = { params: this.#params, factors: this.#factors, state: this.#state, records: this.#records, partials };
		const score: JobKernel = await job.compile({
			name: 'training.score',
			code: shaders.scoreShader(numAnchors),
			bindings: [
				[0, 'uniform', 'params'],
				[1, 'read', 'rows'],
				[2, 'read', 'counts'],
				[3, 'read', 'factors'],
				[4, 'read', 'state'],
				[5, 'read_write', 'partials'],
			],
		});
		const select: JobKernel = await job.compile({
			name: 'training.select',
			code: shaders.selectShader(numAnchors),
			bindings: [
				[0, 'uniform', 'params'],
				[1, 'read', 'factors'],
				[2, 'read', 'partials'],
				[3, 'read_write', 'state'],
				[4, 'read_write', 'records'],
			],
		});
		this.#score = { kernel: score, buffers: { ...buffers, rows: job.buffer('rows', rows), counts: job.buffer('counts', counts) } };
		this.#select = { kernel: select, buffers, workgroups: 1 };
	}

	async run(): Promise<Evolved> {
		const { generations, report, anchors } = this.#task;
		const acceptances: Acceptance[] = [];
		let mutants = Math.min(8, this.#mostMutants);
		let generation = 0;
		for (let round = 0; generation < generations; ) {
			const pairs = 4 * this.#numBlocks * (this.#numSides / 2) * mutants;
			const left = Math.ceil((generations - generation) / mutants);
			const rounds = Math.max(1, Math.min(MOST_ROUNDS, left, Math.floor(PAIRS_PER_SUBMIT / pairs)));
			const { next, found } = await this.#submit(generation, round, rounds, mutants);
			acceptances.push(...found);
			round += rounds;
			generation = next;
			// what is tried after an accepted mutant is tried in vain: fewer at a time while many are accepted
			if (2 * found.length > rounds) mutants = Math.max(1, mutants >> 1);
			else if (8 * found.length <= rounds) mutants = Math.min(this.#mostMutants, mutants << 1);
			const last = acceptances.at(-1);
			report(generation, last?.sum ?? this.#first, last?.anchors ?? anchors);
		}
		return { sum: this.#first, acceptances };
	}

	/** Some rounds; which generation is next, and what was accepted. */
	async #submit(generation: number, round: number, rounds: number, mutants: number): Promise<{ next: number; found: Acceptance[] }> {
		const { generations, minSize, threshold, mutations, signal } = this.#task;
		const params = [0, this.#numBlocks, this.#numChunks, mutants, generation, generations, round, floatBits(minSize), floatBits(threshold)];
		this.#job.write(this.#params, Uint32Array.from(params));
		this.#job.write(this.#factors, mutations.window(generation, Math.min(rounds * mutants, generations - generation)));
		const pair = [{ ...this.#score, workgroups: mutants * this.#numChunks }, this.#select];
		const dispatches = Array.from({ length: rounds }, () => pair).flat();
		const [state, records] = await this.#job.run(dispatches, [this.#state, this.#records], signal);
		const words = 3 + this.#numSides;
		const found: Acceptance[] = [];
		for (let i = 0; i < rounds; i++) {
			const [accepted, low, high] = new Uint32Array(records, i * words * 4, 3);
			if (accepted === 0xffffffff) continue;
			found.push({ generation: accepted, sum: high * 2 ** 32 + low, anchors: new Float32Array(records.slice((i * words + 3) * 4, (i + 1) * words * 4)) });
		}
		return { next: new Uint32Array(state)[0], found };
	}
}

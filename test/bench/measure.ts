// Times functions against each other in one process: warmed up, calls batched to samples of like length, then rounds in
// which each has its turn, the order rotating. Drift of the machine and work of others hit all alike.

/** A function under measurement. `call` counts its calls, so that it may go round its frames. */
export interface Timed {
	readonly name: string;
	run(call: number): unknown;
	/** Called before each of its turns, outside the clock: for what contestants share and set otherwise. */
	turn?(): unknown;
}

/** How long to measure. */
export interface Effort {
	/** At most so many rounds ... */
	readonly rounds: number;
	/** ... or as many as fit into so many milliseconds, but at least `minRounds`. */
	readonly budget: number;
	readonly minRounds: number;
	/** Milliseconds of warm-up for each function, and calls at least. */
	readonly warmUp: number;
	readonly warmCalls: number;
	/** A sample lasts at least so many milliseconds: more for a coarse clock. Default 1. */
	readonly leastSample?: number;
}

/** Milliseconds per call over all rounds. */
export interface Timing {
	readonly name: string;
	readonly median: number;
	/** First and third quartile. */
	readonly low: number;
	readonly high: number;
	readonly rounds: number;
	/** Calls per sample. */
	readonly batch: number;
	/** Milliseconds per call in each round. */
	readonly samples: readonly number[];
}

/** What is aimed at is longer than what a sample must last, for functions grow faster. */
const LEAST_SAMPLE = 1;
const MARGIN = 2;
/**
 * Samples of all last as long as one call of the slowest, up to so many milliseconds: on a busy machine a longer sample
 * is more likely to be interrupted, and that must not be the mark of the contestant whose calls are batched.
 */
const MOST_SAMPLE = 30;
/** Calls of which the fastest says how many make a sample. */
const TRIES = 10;

class Runner {
	readonly samples: number[] = [];
	batch = 1;
	#calls = 0;

	constructor(
		readonly timed: Timed,
		readonly leastSample: number,
	) {}

	/** Milliseconds of n calls, one after the other. */
	async time(n: number): Promise<number> {
		const begun = performance.now();
		for (let i = 0; i < n; i++) {
			const result = this.timed.run(this.#calls++);
			if (result instanceof Promise) await result;
		}
		return performance.now() - begun;
	}

	async warmUp({ warmUp, warmCalls }: Effort): Promise<void> {
		let spent = 0;
		await this.timed.turn?.();
		for (let calls = 0; spent < warmUp || (calls < warmCalls && spent < 10 * warmUp); calls++) spent += await this.time(1);
	}

	/** Milliseconds of an undisturbed call; of several in a row where one is too short for the clock. */
	async fastest(): Promise<number> {
		await this.timed.turn?.();
		let calls = 1;
		let least = await this.time(calls);
		while (least < this.leastSample / 4) {
			calls *= 2;
			least = await this.time(calls);
		}
		for (let i = 1; i < TRIES && least * i < 10 * MOST_SAMPLE; i++) least = Math.min(least, await this.time(calls));
		return least / calls;
	}

	/** One sample. A batch that has become too short for the clock does not count, and the next ones are longer. */
	async sample(): Promise<void> {
		await this.timed.turn?.();
		let elapsed = await this.time(this.batch);
		while (elapsed < this.leastSample) {
			this.batch *= 2;
			elapsed = await this.time(this.batch);
		}
		this.samples.push(elapsed / this.batch);
	}
}

/** Measures all functions; the timings are in their order. `progress` gets a sentence now and then. */
export async function measure(all: readonly Timed[], effort: Effort, progress: (text: string) => void): Promise<Timing[]> {
	const leastSample = effort.leastSample ?? LEAST_SAMPLE;
	const runners = all.map((timed) => new Runner(timed, leastSample));
	for (const runner of runners) {
		progress(`warming up: ${runner.timed.name}`);
		await runner.warmUp(effort);
	}
	const calls: number[] = [];
	for (const runner of runners) calls.push(await runner.fastest());
	const goal = Math.max(MARGIN * leastSample, Math.min(MOST_SAMPLE, Math.max(...calls)));
	runners.forEach((runner, i) => (runner.batch = Math.ceil(goal / calls[i])));
	const begun = performance.now();
	let rounds = 0;
	for (let said = begun; rounds < effort.rounds && (rounds < effort.minRounds || performance.now() - begun < effort.budget); rounds++) {
		for (let i = 0; i < runners.length; i++) await runners[(i + rounds) % runners.length].sample();
		if (performance.now() - said < 3000) continue;
		said = performance.now();
		progress(`round ${rounds + 1} of ${effort.rounds}`);
	}
	return runners.map(({ timed: { name }, samples, batch }) => {
		const [low, median, high] = [0.25, 0.5, 0.75].map((q) => quantile(samples, q));
		return { name, median, low, high, rounds, batch, samples };
	});
}

/** How many times slower something is than the first of its race. */
export interface Ratio {
	readonly median: number;
	/** First and third quartile. */
	readonly low: number;
	readonly high: number;
}

/**
 * Taken round by round: who is disturbed in a round is mostly disturbed beside the other. On a busy machine it is steadier than the
 * ratio of the medians (8 short runs at a load of 5 to 11 on 2 cores, 7 ratios: they scattered by 10 % on average instead of 12 %).
 */
export function ratioOf({ samples }: Pick<Timing, 'samples'>, first: Pick<Timing, 'samples'>): Ratio {
	const ratios = samples.map((sample, round) => sample / first.samples[round]);
	const [low, median, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q));
	return { median, low, high };
}

/** The q-quantile of the samples, between neighbours where it falls between two. */
export function quantile(samples: readonly number[], q: number): number {
	const sorted = [...samples].sort((a, b) => a - b);
	const place = q * (sorted.length - 1);
	const below = Math.floor(place);
	const above = Math.min(below + 1, sorted.length - 1);
	return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
}

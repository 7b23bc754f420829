// How fine the clock of this browser is, and how long samples must be for it: browsers round the time to 5 microseconds
// where a page is isolated from other origins, else to 0.1 ms (Chrome) or 1 ms (Firefox, Safari), or more.

import type { Effort } from '../../test/bench/measure.js';

/** How much is measured. 'glance' is for tests, which look at everything but the times: `speed.html?effort=glance`. */
export type EffortName = 'brief' | 'thorough' | 'glance';

/** How a row is measured. */
export interface RowEffort extends Effort {
	/** Frames that are looked at one by one: at most so many ... */
	readonly frames: number;
	/** ... or as many as fit into so many milliseconds for each contestant. */
	readonly frameBudget: number;
}

/** Rounds end when the budget of milliseconds is spent. */
export const EFFORTS: Readonly<Record<EffortName, RowEffort>> = {
	brief: { rounds: 40, budget: 2200, minRounds: 5, warmUp: 120, warmCalls: 6, frames: 30, frameBudget: 600 },
	thorough: { rounds: 150, budget: 12_000, minRounds: 11, warmUp: 400, warmCalls: 20, frames: 100, frameBudget: 2500 },
	glance: { rounds: 1, budget: 0, minRounds: 1, warmUp: 0, warmCalls: 0, frames: 1, frameBudget: 0 },
};

/** How many ticks of the clock a sample lasts at least: it is then right to 2 percent. */
const TICKS = 50;
/** A clock of 16 or 100 ms (a browser that resists fingerprinting) would make samples of seconds: they end here, and are less right. */
const MOST_SAMPLE = 100;
/** Sooner it is not asked how late it is. */
const LEAST_SAMPLE = 1;

/** Milliseconds that a sample must last at least, for a clock that ticks every so many milliseconds. */
export function leastSample(resolution: number): number {
	return Math.min(MOST_SAMPLE, Math.max(LEAST_SAMPLE, TICKS * resolution));
}

/** The largest share by which a sample of that length may be wrong because of the clock. */
export function clockError(resolution: number): number {
	return resolution / leastSample(resolution);
}

/** A single frame's time is told by a clock that is not coarser than this, in milliseconds. */
export const FINE_CLOCK = 0.1;

/** Milliseconds between two readings of the clock that differ: the least of some. */
export function clockResolution(now: () => number = () => performance.now()): number {
	const begun = now();
	let least = Number.POSITIVE_INFINITY;
	let last = begun;
	for (let ticks = 0; ticks < 100 && (ticks < 3 || last - begun < 30); ) {
		const time = now();
		if (time === last) continue;
		least = Math.min(least, time - last);
		last = time;
		ticks++;
	}
	// times are sums of binary fractions: 0.0999999 is a tenth
	return Number(least.toPrecision(2));
}

/** Fewer times may all be multiples of one by chance. */
const ENOUGH = 20;

/** What times are multiples of, when browsers round the GPU's clock to hide it; undefined when they do not. */
export function commonTick(times: readonly number[]): number | undefined {
	const positive = times.filter((time) => time > 0);
	const least = Math.min(...positive);
	const isMultiple = (time: number) => Math.abs(time / least - Math.round(time / least)) < 0.01;
	return positive.length >= ENOUGH && positive.every(isMultiple) ? least : undefined;
}

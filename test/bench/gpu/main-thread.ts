// What a frame costs the main thread, in CPU time of that thread: what it works, not how long it was kept from its core by
// others. Nothing in a page tells that; a browser tells it to the one who drives it (ThreadTime of its Performance metrics).
// Asking costs time itself, which is subtracted. In Node there is none: Dawn polls there, on the main thread, while a frame is waited for.

import { quantile } from '../measure.js';
import type { Run } from '../result.js';

/** Frames of a sample: so many, or as many as fit into so many milliseconds, but some. */
const MOST_FRAMES = 200;
const SAMPLE_TIME = 1200;
const LEAST_FRAMES = 10;
/** Frames before the first that counts, or as many as fit into so many milliseconds: until then the engine is still compiling. */
const WARM_FRAMES = 150;
const WARM_TIME = 3000;
/** Milliseconds of a frame that two medians of so many frames differ by without a reason, at least. */
const LEAST_DIFFERENCE = 0.02;

/** Milliseconds of CPU time that each frame costs in each round, in their order; undefined where the environment cannot tell. */
export async function mainThreadTimes(frames: readonly (() => Promise<unknown>)[], { threadTime, quick, progress }: Run): Promise<number[][] | undefined> {
	if (!threadTime || (await threadTime()) === undefined) return undefined;
	const spent = async (frame: () => Promise<unknown>, mostFrames: number) => {
		const before = (await threadTime()) as number;
		const begun = performance.now();
		let count = 0;
		while (count < mostFrames && (count < LEAST_FRAMES || performance.now() - begun < SAMPLE_TIME)) {
			await frame();
			count++;
		}
		return { time: ((await threadTime()) as number) - before, count };
	};
	progress('CPU time of the main thread: warming up');
	for (const frame of frames) await warmUp(frame);
	const rounds = quick ? 5 : 9;
	const samples: number[][] = frames.map(() => []);
	for (let round = 0; round < rounds; round++) {
		progress(`CPU time of the main thread, round ${round + 1} of ${rounds}`);
		const asked = await spent(async () => undefined, 0);
		for (const [i, frame] of frames.entries()) {
			const { time, count } = await spent(frame, MOST_FRAMES);
			samples[i].push((time - asked.time) / count);
		}
	}
	return samples;
}

/** Their median. */
export function medianTime(samples: readonly number[]): number {
	return Math.max(0, quantile(samples, 0.5));
}

/** The median of what a frame costs beyond another one in the same round, and no less than can be told apart. */
export function timeBeyond(samples: readonly number[], others: readonly number[]): number {
	return Math.max(
		LEAST_DIFFERENCE,
		quantile(
			samples.map((sample, round) => sample - others[round]),
			0.5,
		),
	);
}

async function warmUp(frame: () => Promise<unknown>): Promise<void> {
	const begun = performance.now();
	for (let k = 0; k < WARM_FRAMES && performance.now() - begun < WARM_TIME; k++) await frame();
}

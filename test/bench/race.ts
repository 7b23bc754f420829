// A race: kedge and its peers do the same work. Their answers are compared first, on every frame; only equal ones are timed.

import { type Answer, differenceOf } from './answer.js';
import { type Effort, measure, ratioOf, type Timing } from './measure.js';
import { type Goal, lineOf, type Place, type Result, type Row, resultOf } from './result.js';

/** One way to do the work of a row. The goal is of its time over kedge's. */
export interface Contestant extends Omit<Goal, 'sense'> {
	readonly name: string;
	/** Does frame i. */
	readonly run: (frame: number) => unknown;
	/** What `run` gave, to be compared. */
	readonly answer: (result: never) => Answer;
	/** What kedge finds by this contestant's own rules, where they are not the default's; what it is compared with. */
	readonly reference?: (frame: number) => Answer | Promise<Answer>;
	/** Called before its turns, outside the clock. */
	readonly turn?: () => unknown;
	/** More of it, in a few words: threads, a form that was chosen. */
	readonly note?: string;
}

/** What a race is made of. */
export interface Race {
	readonly name: string;
	readonly what: string;
	/** Frames a contestant goes round, so that no branch is learnt by heart. */
	readonly frames: number;
	/** kedge first. */
	readonly make: (place: Place) => Promise<Contestant[]>;
	/** By how much scores may differ, where contestants compute them. Default 0. */
	readonly scoreTolerance?: number;
}

/** The timings are in the order of the lines. */
export interface RaceResult extends Result {
	readonly kind: 'race';
	/** Detections per frame, on which all contestants agree. */
	readonly detections: readonly number[];
	/** None where answers differ. */
	readonly timings: readonly Timing[];
}

const THOROUGH: Effort = { rounds: 100, budget: 25_000, minRounds: 7, warmUp: 400, warmCalls: 20 };
const QUICK: Effort = { rounds: 25, budget: 5_000, minRounds: 3, warmUp: 150, warmCalls: 4 };

/** Every frame by every contestant: how many detections, and who found something else than kedge. */
async function compare({ frames, scoreTolerance }: Race, contestants: readonly Contestant[], progress: (text: string) => void) {
	const detections: number[] = [];
	const differences: string[] = [];
	for (let frame = 0; frame < frames; frame++) {
		let first: Answer | undefined;
		for (const { name, turn, run, answer, reference } of contestants) {
			progress(`comparing the answers: frame ${frame}, ${name}`);
			await turn?.();
			const got = answer((await run(frame)) as never);
			first ??= got;
			// by its own rules, and what is timed: on these workloads both find the same
			for (const expected of [await reference?.(frame), first]) {
				const difference = expected && differenceOf(got, expected, scoreTolerance);
				if (!difference) continue;
				differences.push(`frame ${frame}: ${name}: ${difference}`);
				break;
			}
		}
		detections.push(first?.indices.length ?? 0);
		if (detections[frame] === 0) differences.push(`frame ${frame}: nothing was found, so nothing is compared`);
	}
	return { detections, differences };
}

/** A race as a row of the bench. */
export function raceRow(race: Race): Row {
	const { name, what, frames, make } = race;
	return {
		name,
		what,
		run: async ({ quick, place, progress }): Promise<RaceResult> => {
			progress('making the workload and the peers');
			const contestants = await make(place);
			const { detections, differences } = await compare(race, contestants, progress);
			const facts = { kind: 'race', name, what, detections } as const;
			if (differences.length) return resultOf({ ...facts, timings: [], lines: [] }, differences);
			const timed = contestants.map((contestant) => ({ name: contestant.name, turn: contestant.turn, run: (call: number) => contestant.run(call % frames) }));
			const timings = await measure(timed, quick ? QUICK : THOROUGH, progress);
			const lines = timings.map((timing, i) => {
				const { name: label, median: value, low, high } = timing;
				const { median: ratio, low: ratioLow, high: ratioHigh } = ratioOf(timing, timings[0]);
				const { gate, target, note } = contestants[i];
				// targets are what is to be said of a current browser
				const goal = place === 'chromium' ? { gate, target } : { gate };
				return lineOf({ label, value, unit: 'ms', low, high, ratio, ratioLow, ratioHigh, ...goal, note });
			});
			return resultOf({ ...facts, timings, lines });
		},
	};
}

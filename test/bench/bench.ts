// What a page or Node loads: runs one row. Answers are compared first, on every frame; only equal ones are timed.

import { type Answer, differenceOf } from './answer.js';
import { type Effort, measure, type Timing } from './measure.js';
import { ROWS } from './rows.js';

export { gpuFacts } from './gpu-facts.js';
export { ortThreads } from './peers/ort.js';

/** One contestant's line of the table. */
export interface ContestantResult extends Timing {
	/** Times slower than kedge; 1 for kedge itself. */
	readonly ratio: number;
	readonly gate?: number;
}

export interface RowResult {
	readonly name: string;
	readonly what: string;
	/** Detections per frame, on which all contestants agree. */
	readonly detections: number[];
	/** Contestants that found something else; then nothing was timed. */
	readonly differences: string[];
	readonly contestants: ContestantResult[];
}

const THOROUGH: Effort = { rounds: 100, budget: 25_000, minRounds: 7, warmUp: 400, warmCalls: 20 };
const QUICK: Effort = { rounds: 25, budget: 5_000, minRounds: 3, warmUp: 150, warmCalls: 4 };

/** Names of all rows. */
export const rowNames = ROWS.map(({ name }) => name);

/** Checks and measures one row. */
export async function runRow(name: string, quick: boolean, progress: (text: string) => void): Promise<RowResult> {
	const row = ROWS.find((one) => one.name === name);
	if (!row) throw new RangeError(`runRow: name must be one of ${rowNames.join(', ')}; got ${name}`);
	progress('making the workload and the peers');
	const contestants = await row.make();
	progress('comparing the answers');
	const detections: number[] = [];
	const differences: string[] = [];
	for (let frame = 0; frame < row.frames; frame++) {
		const answers: Answer[] = [];
		for (const { run, answer } of contestants) answers.push(answer((await run(frame)) as never));
		detections.push(answers[0].indices.length);
		if (detections[frame] === 0) differences.push(`frame ${frame}: nothing was found, so nothing is compared`);
		contestants.forEach((contestant, i) => {
			const difference = differenceOf(answers[i], answers[0]);
			if (difference) differences.push(`frame ${frame}: ${contestant.name}: ${difference}`);
		});
	}
	const { what } = row;
	if (differences.length) return { name, what, detections, differences, contestants: [] };
	const timed = contestants.map((contestant) => ({ name: contestant.name, run: (call: number) => contestant.run(call % row.frames) }));
	const timings = await measure(timed, quick ? QUICK : THOROUGH, progress);
	const results = timings.map((timing, i) => ({ ...timing, ratio: timing.median / timings[0].median, gate: contestants[i].gate }));
	return { name, what, detections, differences, contestants: results };
}

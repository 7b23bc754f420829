// Runs a row: all answers are compared first, on every frame; only equal ones are timed.

import { type Answer, differenceOf } from '../../test/bench/answer.js';
import { count } from '../../test/bench/gpu/listening.js';
import { measure, quantile, ratioOf } from '../../test/bench/measure.js';
import { commonTick, EFFORTS, type EffortName, FINE_CLOCK, leastSample, type RowEffort } from './clock.js';
import type { Gpu } from './gpu.js';
import type { Choice, Line, RowReport } from './report.js';
import type { Contestant, Field, Row } from './rows.js';

/** How a run is to measure. */
export interface Manner {
	readonly effort: EffortName;
	/** Milliseconds between two ticks of the clock. */
	readonly resolution: number;
	/** Says what is being done now. */
	say(doing: string): void;
}

/** A row that was run. */
export interface RowRun {
	readonly report: RowReport;
	readonly choice?: Choice;
}

/** What contestants found on every frame, and in what they differ from the first one. */
async function compare(contestants: readonly Contestant[], frames: number): Promise<{ detections: number[]; differences: (string | undefined)[] }> {
	const detections: number[] = [];
	const differences: (string | undefined)[] = contestants.map(() => undefined);
	for (let frame = 0; frame < frames; frame++) {
		const answers: Answer[] = [];
		for (const { run, answer } of contestants) answers.push(answer((await run(frame)) as never));
		detections.push(answers[0].indices.length);
		answers.forEach((answer, i) => {
			const difference = differenceOf(answer, answers[0]);
			if (difference) differences[i] ??= `frame ${frame + 1}: ${difference}`;
		});
	}
	return { detections, differences };
}

/** Frames come apart, as they do from a camera: what one left to be done does not fall on the next. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

/** Does something with frame after frame, as often as the effort has it. */
async function frameByFrame<T>({ frames, frameBudget }: RowEffort, numFrames: number, act: (frame: number) => Promise<T>): Promise<T[]> {
	const all: T[] = [];
	const begun = performance.now();
	do {
		all.push(await act(all.length % numFrames));
		await pause();
	} while (all.length < frames && performance.now() - begun < frameBudget);
	return all;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** What a frame reads back, and how long it keeps its thread, where the clock can tell. A clock that is right gives the median; a rounding one is right on average. */
async function watchFrames({ run }: Contestant, effort: RowEffort, numFrames: number, resolution: number): Promise<Pick<Line, 'thread' | 'bytesRead'>> {
	const all = await frameByFrame(effort, numFrames, (frame) => count(async () => run(frame)));
	const times = all.map(({ script, submit }) => script + submit);
	const thread = resolution > FINE_CLOCK ? undefined : resolution < FINE_CLOCK / 2 ? quantile(times, 0.5) : mean(times);
	return { thread, bytesRead: Math.max(...all.map(({ bytesMapped }) => bytesMapped)) };
}

/** Mean milliseconds of each stage: browsers round the GPU's clock, but means of rounded times are right. */
async function stageTimes({ side, stages }: Contestant, effort: RowEffort, numFrames: number): Promise<Pick<Line, 'stages' | 'stageTick'>> {
	if (!stages) return {};
	const all = (await frameByFrame(effort, numFrames, stages)).filter((times) => times !== undefined);
	if (all.length === 0) return {};
	const means = Object.keys(all[0]).map((stage) => [stage, mean(all.map((times) => times[stage] ?? 0))]);
	return { stages: Object.fromEntries(means), stageTick: side === 'webgpu' ? commonTick(all.flatMap((times) => Object.values(times))) : undefined };
}

async function contest(row: Row, { contestants, note }: Field, { effort, resolution, say }: Manner): Promise<RowReport> {
	const { id, title, what } = row;
	say('comparing the answers');
	const { detections, differences } = await compare(contestants, row.frames);
	const lines: Line[] = contestants.map(({ name, side, waits }, i) => ({ name, side, waits, difference: differences[i] }));
	const report = { id, title, what, detections, lines, note };
	if (differences.some(Boolean)) return { ...report, problem: 'The answers differ, so nothing was timed.' };
	if (detections.includes(0)) return { ...report, problem: 'Nothing was found, so nothing was compared or timed.' };
	const settings = { ...EFFORTS[effort], leastSample: effort === 'glance' ? undefined : leastSample(resolution) };
	const timed = contestants.map(({ name, run }) => ({ name, run: (call: number) => run(call % row.frames) }));
	const timings = await measure(timed, settings, (text) => say(text.startsWith('round') ? `all in turn, ${text}` : text));
	const done: Line[] = [];
	for (const [i, contestant] of contestants.entries()) {
		const { median, low, high, rounds, batch } = timings[i];
		const { name, waits } = contestant;
		if (waits) say(`frame by frame: ${name}`);
		done.push({
			...lines[i],
			time: { median, low, high, rounds, batch },
			ratio: ratioOf(timings[i], timings[0]).median,
			...(waits ? await watchFrames(contestant, settings, row.frames, resolution) : {}),
			...(await stageTimes(contestant, settings, row.frames)),
		});
	}
	return { ...report, lines: done };
}

/** One row, on this device or without any. */
export async function runRow(row: Row, gpu: Gpu | undefined, manner: Manner): Promise<RowRun> {
	manner.say('making the work');
	const field = await row.make(gpu);
	try {
		const report = await contest(row, field, manner);
		const { id, tensor } = row;
		if (!field.auto || !tensor) return { report };
		manner.say(`asking 'auto'`);
		return { report, choice: { row: id, tensor, ...(await field.auto()) } };
	} finally {
		field.dispose();
	}
}

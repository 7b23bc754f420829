// Frames of a head that lies on the GPU, by kedge and by its opponents there: wall time, GPU time of each stage, what a frame
// submits, maps, reads back and creates, the memory that is held, and what the frame costs the main thread.
//
// The main thread's cost is CPU time of that thread (see main-thread.ts), not wall time: a software adapter runs the shaders on
// the same cores, so wall time on the main thread, most of it inside submit(), is mostly time in which it was pushed off its core.
// Its goal is held against the common way, readback and the loops of a careful demo: on a GPU with all that a frame costs, on a
// software adapter with what is left when the platform's part is taken away, which is the same WebGPU calls made again alone (see
// replay.ts). Against readback and kedge's own path on the CPU it is a fact without a goal: that path takes less than a millisecond,
// not five times what the platform itself takes for a frame that does nothing.

import { differenceOf } from '../answer.js';
import { type Effort, measure, quantile, ratioOf, type Timing } from '../measure.js';
import { type Goal, type Line, lineOf, type Result, type Row, type Run, resultOf } from '../result.js';
import { clusteredBoxes, yolov8Frame } from '../workloads.js';
import {
	boxScene,
	emptyFrame,
	type FrameContestant,
	kedgeGpu,
	kedgeHybrid,
	type Maker,
	readbackCpu,
	readbackLoop,
	type Scene,
	textbookGpu,
	yolov8Scene,
} from './contestants.js';
import { type AdapterFacts, openGpu } from './device.js';
import { BufferBook, type Counts, count, worst } from './listening.js';
import { mainThreadTimes, medianTime, timeBeyond } from './main-thread.js';
import { replayOf } from './replay.js';

/** All that is known of a contestant's frame. */
export interface FrameFacts {
	readonly name: string;
	readonly wall: Timing;
	readonly counts: Counts;
	/** Bytes of the GPU buffers it holds, the head itself not counted. */
	readonly bytesHeld: number;
	/** Milliseconds of GPU time per stage, medians; undefined where it has none or the adapter cannot tell. */
	readonly stages?: Readonly<Record<string, number>>;
	/** Milliseconds of CPU time of the main thread; undefined where the environment cannot tell. */
	readonly mainThread?: number;
	/** What of it is left without the platform's part: beyond the same WebGPU calls made again alone. */
	readonly ownMainThread?: number;
}

export interface FramesResult extends Result {
	readonly kind: 'gpu frames';
	readonly adapter: AdapterFacts;
	/** Detections of the frame, on which all agree. */
	readonly detections: number;
	readonly facts: readonly FrameFacts[];
	/** Milliseconds of CPU time that a frame without any work costs the main thread. */
	readonly emptyFrame?: number;
}

/** The goals of a row; wall and main-thread ones are of an opponent's time over kedge's. */
export interface FrameGoals {
	readonly textbookWall?: Goal;
	readonly readbackMainThread?: Goal;
	/** Milliseconds of all GPU stages of kedge, on hardware. */
	readonly gpuTime?: number;
}

const THOROUGH: Effort = { rounds: 40, budget: 20_000, minRounds: 5, warmUp: 300, warmCalls: 10 };
const QUICK: Effort = { rounds: 10, budget: 5_000, minRounds: 3, warmUp: 100, warmCalls: 3 };
/** What 300 detections may take. */
const MAX_BYTES = 10 * 1024;

/** Frames come apart, as they do from a camera: what one left to be done does not fall on the next. */
const pause = () => new Promise((resolve) => setTimeout(resolve, 10));

const median = (samples: readonly number[]) => quantile(samples, 0.5);

/** Medians by stage; undefined when no frame had any. */
function medianStages(all: readonly (Readonly<Record<string, number>> | undefined)[]): Record<string, number> | undefined {
	const given = all.filter((one) => one !== undefined);
	if (given.length === 0) return undefined;
	return Object.fromEntries(Object.keys(given[0]).map((stage) => [stage, median(given.map((one) => one[stage]))]));
}

interface Opened {
	readonly contestant: FrameContestant;
	readonly bytesHeld: number;
}

/** Opens a contestant and lets it do a frame, so that all it holds is there. */
async function open(make: Maker, device: GPUDevice, scene: Scene): Promise<Opened> {
	const book = new BufferBook();
	try {
		const contestant = await make(device, scene);
		// frames one after the other: all that such frames use is made
		for (let i = 0; i < 3; i++) await contestant.run(false);
		return { contestant, bytesHeld: book.bytes };
	} finally {
		book.close();
	}
}

async function countFrames(contestants: readonly FrameContestant[], frames: number): Promise<Counts[]> {
	const all: Counts[][] = contestants.map(() => []);
	for (let i = 0; i < frames; i++) {
		for (const [c, contestant] of contestants.entries()) {
			all[c].push(await count(() => contestant.run(false)));
			await pause();
		}
	}
	return all.map((counts) => worst(counts, (samples) => quantile(samples, 0.25)));
}

async function stagesOf(contestants: readonly FrameContestant[], frames: number) {
	const all: (Readonly<Record<string, number>> | undefined)[][] = contestants.map(() => []);
	for (let i = 0; i < frames; i++) {
		for (const [c, contestant] of contestants.entries()) all[c].push(contestant.read((await contestant.run(true)) as never).stages);
	}
	return all.map(medianStages);
}

const sum = (stages: Readonly<Record<string, number>>) => Object.values(stages).reduce((total, ms) => total + ms, 0);

/**
 * Why a software adapter does not judge all that frames cost the main thread: there the waiting thread pays for the length of the
 * frame. Without any library a frame of one dispatch costs it 0.17 ms of CPU time when it takes 2.6 ms, and 0.40 when it takes 35,
 * where an empty one costs 0.09 (Chromium on SwiftShader, two cores); kedge's own calls made again alone cost it 0.3 to 0.5.
 */
const NOT_JUDGED = 'software adapter: not judged';

/**
 * Lines of the table: every wall time, then what is held against a goal; kedge's facts come first. Throws where a browser does not tell
 * what a goal is about: a gate that is not looked at would pass.
 */
export function frameLines(
	facts: readonly FrameFacts[],
	{ textbookWall, readbackMainThread, gpuTime }: FrameGoals,
	{ software }: Pick<AdapterFacts, 'software'>,
	place: Run['place'],
): Line[] {
	const [kedge] = facts;
	if (readbackMainThread && place === 'chromium' && kedge.mainThread === undefined) throw new Error('the browser told no CPU time of its main thread');
	const lines = facts.map(({ name, wall }) => {
		const { median: value, low, high } = wall;
		const { median: ratio, low: ratioLow, high: ratioHigh } = ratioOf(wall, kedge.wall);
		const isTextbook = name === facts.find(({ name: other }) => other.startsWith('bitmask'))?.name;
		const goal = isTextbook && software && place === 'chromium' ? textbookWall : undefined;
		return lineOf({ label: name, value, unit: 'ms', low, high, ratio, ratioLow, ratioHigh, ...goal });
	});
	const compared = readbackMainThread ? facts.filter(({ name }) => name === kedge.name || name.startsWith('readback')) : [];
	for (const key of ['mainThread', 'ownMainThread'] as const) {
		const isOwn = key === 'ownMainThread';
		for (const { name, [key]: value } of compared) {
			const least = kedge[key];
			if (least === undefined || value === undefined) continue;
			const isTheDemo = name.endsWith('loop demo') && place === 'chromium';
			const isJudged = isOwn === software;
			const goal = isTheDemo && isJudged ? readbackMainThread : undefined;
			const note = isTheDemo && software && !isOwn ? NOT_JUDGED : undefined;
			lines.push(lineOf({ label: `main thread${isOwn ? ', own part' : ''}: ${name}`, value, unit: 'ms', ratio: value / least, ...goal, note }));
		}
	}
	if (kedge.stages) {
		const target = software ? undefined : gpuTime;
		const note = software ? 'software adapter' : undefined;
		lines.push(lineOf({ label: 'GPU time: kedge, webgpu', value: sum(kedge.stages), unit: 'ms', target, sense: 'at most', note }));
	}
	for (const what of ['submits', 'passes', 'maps'] as const) {
		lines.push(lineOf({ label: `${what} of a frame`, value: kedge.counts[what], unit: '', gate: 1, sense: 'at most' }));
	}
	lines.push(lineOf({ label: 'bytes read back', value: kedge.counts.bytesMapped, unit: 'bytes', gate: MAX_BYTES, sense: 'at most' }));
	lines.push(lineOf({ label: 'GPU objects created', value: kedge.counts.objects, unit: '', gate: 0, sense: 'at most' }));
	return lines;
}

interface FrameRow {
	readonly name: string;
	readonly what: string;
	readonly scene: (device: GPUDevice) => Scene;
	readonly makers: readonly Maker[];
	readonly goals: FrameGoals;
}

function frameRow({ name, what, scene: sceneOn, makers, goals }: FrameRow): Row {
	const run = async (run: Run): Promise<FramesResult> => {
		const { quick, progress, place } = run;
		const { device, facts: adapter } = await openGpu();
		const scene = sceneOn(device);
		progress('compiling shaders');
		const opened: Opened[] = [];
		for (const make of makers) opened.push(await open(make, device, scene));
		const contestants = opened.map(({ contestant }) => contestant);

		progress('comparing the answers');
		const answers = [];
		// what is timed by stages runs in passes of its own: compared, too
		for (const timed of [false, true]) {
			for (const contestant of contestants) answers.push({ contestant, timed, ...contestant.read((await contestant.run(timed)) as never) });
		}
		const [{ answer: expected }] = answers;
		const differences = answers.flatMap(({ contestant, timed, answer }) => {
			const difference = differenceOf(answer, expected);
			return difference ? [`${contestant.name}${timed ? ', timed by stages' : ''}: ${difference}`] : [];
		});
		const detections = expected.indices.length;
		if (detections === 0) differences.push('nothing was found, so nothing is compared');
		const shown = { kind: 'gpu frames', name, what, adapter, detections } as const;
		if (differences.length) return resultOf({ ...shown, facts: [], lines: [] }, differences);

		const timed = contestants.map((contestant) => ({ name: contestant.name, run: () => contestant.run(false) }));
		const wall = await measure(timed, quick ? QUICK : THOROUGH, progress);
		progress('counting what frames do');
		const counts = await countFrames(contestants, quick ? 10 : 50);
		progress('GPU time of the stages');
		const stages = await stagesOf(contestants, quick ? 5 : 25);
		progress('CPU time of the main thread');
		const frames = contestants.map((contestant) => () => contestant.run(false));
		const replays: (() => Promise<void>)[] = [];
		for (const frame of frames) replays.push(await replayOf(frame));
		const threadTimes = await mainThreadTimes([emptyFrame(device), ...frames.flatMap((frame, i) => [frame, replays[i]])], run);
		const facts = contestants.map((contestant, i) => ({
			name: contestant.name,
			wall: wall[i],
			counts: counts[i],
			bytesHeld: opened[i].bytesHeld,
			stages: stages[i],
			...(threadTimes && { mainThread: medianTime(threadTimes[1 + 2 * i]), ownMainThread: timeBeyond(threadTimes[1 + 2 * i], threadTimes[2 + 2 * i]) }),
		}));
		for (const contestant of contestants) contestant.dispose();
		device.destroy();
		return resultOf({ ...shown, facts, emptyFrame: threadTimes && medianTime(threadTimes[0]), lines: frameLines(facts, goals, adapter, place) });
	};
	return { name, what, gpu: true, run };
}

export const FRAME_ROWS: readonly Row[] = [
	frameRow({
		name: 'gpu yolov8 0.25',
		what: '[1, 84, 8400] on the GPU, 30 objects, 64 candidates, arg-max, 300 detections at most',
		scene: (device) => yolov8Scene(device, yolov8Frame(1), 0.25),
		makers: [kedgeGpu, kedgeHybrid, textbookGpu, readbackCpu, readbackLoop],
		goals: { readbackMainThread: { gate: 5, target: 10 }, gpuTime: 0.1 },
	}),
	frameRow({
		name: 'gpu boxes 4096',
		what: '4096 boxes on the GPU around 341 objects, 1 class, IoU 0.5, 300 detections at most',
		scene: (device) => boxScene(device, clusteredBoxes(4096, 1, 4), 300),
		makers: [kedgeGpu, kedgeHybrid, textbookGpu, readbackCpu],
		goals: { textbookWall: { gate: 5, target: 16 }, gpuTime: 0.3 },
	}),
];

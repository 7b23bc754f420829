// How the cost of nms grows with the number of boxes, from a hundred to a million: on the GPU, on the CPU, and by the textbook
// pipeline as far as its N² memory goes. Boxes come from CPU memory and indices go back there, so that all do the same. Every
// answer is compared with the CPU's before its time counts. Points beyond the budget are reported with what they would take.

import { type Backend, createBackend, type NmsOptions, nms } from 'kedge';
import { random } from '../../support/random.js';
import { differenceOf } from '../answer.js';
import { type Effort, measure, ratioOf } from '../measure.js';
import { type Line, lineOf, type Result, type Row, type Run, resultOf } from '../result.js';
import { type BoxWorkload, clusteredBoxes, uniformBoxes } from '../workloads.js';
import { type AdapterFacts, type BenchGpu, openGpu } from './device.js';
import { type Point, predict, roughly } from './slopes.js';
import { createTextbook, type Textbook, textbookAnswer, textbookRefusal } from './textbook.js';

export interface GrowthPoint extends Partial<Point> {
	readonly n: number;
	readonly low?: number;
	readonly high?: number;
	readonly rounds?: number;
	/** Indices kept. */
	readonly kept?: number;
	/** Why there is no time. */
	readonly missing?: string;
}

export interface Curve {
	readonly contestant: string;
	readonly points: readonly GrowthPoint[];
}

/** One kind of boxes with one limit. */
export interface Panel {
	readonly title: string;
	readonly curves: readonly Curve[];
}

export interface GrowthResult extends Result {
	readonly kind: 'growth';
	readonly adapter: AdapterFacts;
	readonly panels: readonly Panel[];
}

type Distribution = 'clustered' | 'uniform';

interface Case {
	readonly distribution: Distribution;
	readonly numClasses: number;
	readonly maxDetections?: number;
}

const IOU = 0.5;
const LIMIT = 300;
const DECADES = [100, 1000, 10_000, 100_000, 1_000_000];
const FINE = [100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
/** Milliseconds that one call may take, and that the rounds of a point may. */
const BUDGET = { quick: { call: 1500, effort: 300 }, thorough: { call: 3000, effort: 1500 } };

function casesOf(quick: boolean): Case[] {
	const classes = quick ? [1, 80] : [1, 80, 1203];
	return (['clustered', 'uniform'] as const).flatMap((distribution) =>
		classes.flatMap((numClasses) => [LIMIT, undefined].map((maxDetections) => ({ distribution, numClasses, maxDetections }))),
	);
}

/** The boxes of a case. Uniform ones get any class. */
export function growthBoxes(n: number, { distribution, numClasses }: Pick<Case, 'distribution' | 'numClasses'>): BoxWorkload {
	if (distribution === 'clustered') return clusteredBoxes(n, numClasses, 11);
	const boxes = uniformBoxes(n, 12);
	const next = random(13);
	return { ...boxes, classIds: boxes.classIds.map(() => Math.floor(next() * numClasses)) };
}

/** A way to do it. `open` makes what it keeps between calls for this n; the call gives kept indices. */
interface Contestant {
	readonly name: string;
	/** The exponent to expect at least. */
	readonly leastExponent: number;
	refusal?(n: number): string | undefined;
	open(work: BoxWorkload, options: NmsOptions): Promise<{ run(): ArrayLike<number> | Promise<ArrayLike<number>>; close(): void }>;
}

const nothing = () => undefined;

function contestantsOn({ device }: BenchGpu, backend: Backend): Contestant[] {
	return [
		{
			name: 'kedge, CPU',
			leastExponent: 1,
			open: async ({ boxes, scores }, options) => ({ run: () => nms(boxes, scores, options), close: nothing }),
		},
		{
			name: 'kedge, GPU',
			leastExponent: 1,
			open: async ({ boxes, scores }, options) => ({ run: () => backend.nms(boxes, scores, options), close: nothing }),
		},
		{
			name: 'textbook, GPU',
			leastExponent: 2,
			refusal: (n) => textbookRefusal(n, device.limits),
			open: async (work, options) => openTextbook(device, work, options),
		},
	];
}

/** The textbook pipeline with buffers for its input, written anew with every call. */
async function openTextbook(device: GPUDevice, { boxes, scores, classIds }: BoxWorkload, options: NmsOptions) {
	const n = scores.length;
	const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
	const made = [boxes, scores, classIds].map((data, i) => device.createBuffer({ label: `growth.${i}`, size: data.byteLength, usage }));
	const [givenBoxes, givenScores, givenClasses] = made;
	let textbook: Textbook | undefined;
	textbook = await createTextbook({
		device,
		input: { boxes: givenBoxes, scores: givenScores, classIds: givenClasses },
		numAnchors: n,
		scoreThreshold: -1,
		iouThreshold: IOU,
		maxDetections: options.maxDetections ?? n,
		classAgnostic: options.classIds === undefined,
	});
	return {
		run: async () => {
			[boxes, scores, classIds].forEach((data, i) => device.queue.writeBuffer(made[i], 0, data as Float32Array<ArrayBuffer>));
			return textbookAnswer(await textbook.run()).indices;
		},
		close: () => {
			textbook.dispose();
			for (const buffer of made) buffer.destroy();
		},
	};
}

/** One panel: every n, every contestant. Differences are told through `differ`. */
async function panelOf(one: Case, all: readonly Contestant[], { quick, progress }: Run, differ: (text: string) => void): Promise<Panel> {
	const { distribution, numClasses, maxDetections } = one;
	const title = `${distribution}, ${numClasses} ${numClasses === 1 ? 'class' : 'classes'}, ${maxDetections ? `${maxDetections} detections at most` : 'no limit'}`;
	const budget = quick ? BUDGET.quick : BUDGET.thorough;
	const effort: Effort = { rounds: quick ? 5 : 15, budget: budget.effort, minRounds: 3, warmUp: 0, warmCalls: 1 };
	const curves = all.map(({ name }) => ({ contestant: name, points: [] as GrowthPoint[] }));
	for (const n of quick ? DECADES : FINE) {
		progress(`${title}: ${n} boxes`);
		const work = growthBoxes(n, one);
		const options: NmsOptions = { iouThreshold: IOU, maxDetections, ...(numClasses > 1 && { classIds: work.classIds }) };
		let expected: ArrayLike<number> | undefined;
		const timed: { at: number; run: () => unknown; close: () => void; once: number; kept: number }[] = [];
		for (const [at, contestant] of all.entries()) {
			const { points } = curves[at];
			const measured = points.filter((point): point is GrowthPoint & Point => point.time !== undefined);
			const estimate = predict(measured, n, contestant.leastExponent);
			const refusal = contestant.refusal?.(n);
			if (refusal) points.push({ n, missing: refusal });
			else if (estimate !== undefined && estimate > budget.call) points.push({ n, missing: `not run: would take about ${roughly(estimate)} a call` });
			else {
				try {
					const { run, close } = await contestant.open(work, options);
					// the first call at the first n also compiles
					if (points.length === 0) await run();
					const begun = performance.now();
					const indices = await run();
					const once = performance.now() - begun;
					// where the CPU is beyond its budget, it still says what is right
					expected ??= at === 0 ? indices : nms(work.boxes, work.scores, options);
					const difference = differenceOf({ indices }, { indices: expected });
					if (difference) {
						differ(`${title}, ${n} boxes: ${contestant.name}: ${difference}`);
						points.push({ n, missing: `wrong: ${difference}` });
						close();
					} else timed.push({ at, run, close, once, kept: indices.length });
				} catch (error) {
					const text = error instanceof Error ? error.message : String(error);
					differ(`${title}, ${n} boxes: ${contestant.name}: ${text}`);
					points.push({ n, missing: `failed: ${text}` });
				}
			}
		}
		// What is long is timed once: the call whose answer was compared.
		const short = timed.filter(({ once }) => 4 * once < budget.call);
		const timings = await measure(
			short.map(({ at, run }) => ({ name: all[at].name, run })),
			effort,
			nothing,
		);
		for (const { at, once, kept, close } of timed) {
			const timing = timings[short.findIndex((entry) => entry.at === at)];
			const { median: time, low, high, rounds } = timing ?? { median: once, low: once, high: once, rounds: 1 };
			curves[at].points.push({ n, time, low, high, rounds, kept });
			close();
		}
	}
	return { title, curves };
}

/** Small work on a backend that is new, and on one that has done larger work: it should not remember. */
async function smallAfterLarge(device: GPUDevice, quick: boolean): Promise<Line[]> {
	const [small, large] = [100, 20_000].map((n) => growthBoxes(n, { distribution: 'clustered', numClasses: 1 }));
	const options = { iouThreshold: IOU, maxDetections: LIMIT };
	const backends = [await createBackend('webgpu', { device }), await createBackend('webgpu', { device })];
	await backends[1].nms(large.boxes, large.scores, options);
	const timed = ['100 boxes, new backend', '100 boxes, after 20,000'].map((name, i) => ({
		name,
		run: () => backends[i].nms(small.boxes, small.scores, options),
	}));
	const effort = { rounds: quick ? 5 : 15, budget: 2000, minRounds: 3, warmUp: 0, warmCalls: 2 };
	const timings = await measure(timed, effort, nothing);
	for (const backend of backends) backend.dispose();
	return timings.map((timing) => {
		const { name: label, median: value, low, high } = timing;
		return lineOf({ label, value, unit: 'ms', low, high, ratio: ratioOf(timing, timings[0]).median });
	});
}

async function growth(run: Run): Promise<GrowthResult> {
	const gpu = await openGpu();
	const differences: string[] = [];
	const panels: Panel[] = [];
	for (const one of casesOf(run.quick)) {
		// its own backend: buffers grow with the work and stay
		const backend = await createBackend('webgpu', { device: gpu.device });
		panels.push(await panelOf(one, contestantsOn(gpu, backend), run, (text) => differences.push(text)));
		backend.dispose();
	}
	const lines = panels.map(({ title, curves }) => {
		const { points } = curves[1];
		const timed = points.filter(({ time }) => time !== undefined);
		const last = timed[timed.length - 1];
		return lineOf({
			label: `${curves[1].contestant}: ${title}`,
			value: last?.time ?? Number.NaN,
			unit: 'ms',
			note: `${last?.n ?? 0} boxes, the most that were timed`,
		});
	});
	lines.push(...(await smallAfterLarge(gpu.device, run.quick)));
	gpu.device.destroy();
	return resultOf({ kind: 'growth', name: NAME, what: WHAT, adapter: gpu.facts, panels, lines } as const, differences);
}

const NAME = 'gpu growth';
const WHAT = `nms of 100 to 1,000,000 boxes, IoU ${IOU}, from and to CPU memory`;

export const growthRow: Row = { name: NAME, what: WHAT, gpu: true, run: growth };

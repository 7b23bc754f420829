// The anchors page: a data set, one run of k-means and evolution over it in a worker, and what came of it. Whatever is
// changed starts the run anew; a run that is overtaken is cancelled.

import * as kedge from 'kedge';
import { scaleSizes, splitAnchors } from 'kedge/training';
import { byId, complain, say } from '../page.js';
import { Cloud, Curve } from './charts.js';
import { chosenFiles, droppedFiles, type GivenFile } from './files.js';
import { connectOptions, type Options, readAxes, readOptions } from './options.js';
import { paintInset, paintRegions } from './pictures.js';
import { type DataSet, sampleDataSet } from './sample.js';
import { type Lap, type Scored, showDuel, showLevels, showScores } from './tables.js';
import { Timeline } from './timeline.js';
import { Cancelled, Work } from './work.js';
import type { Tasks } from './worker.js';

type Clusters = Tasks['cluster']['output'];
type Evolved = Tasks['evolve']['output'];

/** Published tables in pixels, for comparison. YOLOv2's are in cells of 32 pixels. */
const PUBLISHED: Readonly<Record<string, { readonly table: kedge.AnchorTable; readonly inputSize: number; readonly unit?: number }>> = {
	'YOLOv5 and YOLOv3, COCO at 640': { table: kedge.YOLOV5_ANCHORS, inputSize: 640 },
	'YOLOv7 and YOLOv4, COCO at 640': { table: kedge.YOLOV7_ANCHORS, inputSize: 640 },
	'YOLOv5 P6, COCO at 1280': { table: kedge.YOLOV5_P6_ANCHORS, inputSize: 1280 },
	'YOLOv3 tiny, COCO at 416': { table: kedge.YOLOV3_TINY_ANCHORS, inputSize: 416 },
	'YOLOv2, COCO at 416': { table: kedge.YOLOV2_ANCHORS, inputSize: 416, unit: 32 },
	'YOLOv2, VOC at 416': { table: kedge.YOLOV2_VOC_ANCHORS, inputSize: 416, unit: 32 },
};

const button = (id: string) => byId(id, HTMLButtonElement);
const work = new Work();
const cloud = new Cloud(byId('scatter', HTMLElement));
const curve = new Curve(byId('fitness', HTMLElement));

let data: DataSet = sampleDataSet();
let options: Options = readOptions();
/** Sizes in the network's input. */
let sizes: Float32Array = new Float32Array();
let clusters: Clusters | undefined;
let evolved: Evolved | undefined;
let step = 0;
let scored: Scored[] = [];
/** Fitness of what k-means found: where evolution starts. */
let startFitness = 0;
/** Runs are numbered: what an overtaken one still says is not heard. */
let runs = 0;
/** Times by device, and results as text, of the present data and settings. */
let laps: { cpu?: Lap; gpu?: Lap } = {};
let results: { cpu?: string; gpu?: string } = {};

const timeline = new Timeline((at, glide) => {
	step = at;
	showMoment(glide);
});
const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

function attempt(act: () => Promise<void>): void {
	complain();
	act().catch((error: unknown) => {
		if (error instanceof Cancelled) return;
		console.error(error);
		complain(error);
		say('Stopped.');
	});
}

// The cloud

interface Moment {
	readonly anchors: ArrayLike<number>;
	readonly assignments: ArrayLike<number> | undefined;
	readonly meanIou: number | undefined;
}

/** What stands at a moment: a step of k-means, and after the last the evolved anchors. */
function momentAt(at: number): Moment | undefined {
	const trace = clusters?.trace;
	if (!clusters || !trace) return undefined;
	const last = trace[Math.min(at, trace.length - 1)];
	if (at < trace.length || !evolved) return last;
	const meanIou = scored.find(({ anchors }) => anchors === evolved?.anchors)?.fitness.meanIou;
	return { anchors: evolved.anchors, assignments: last.assignments, meanIou };
}

function showMoment(glide: boolean): void {
	const axes = readAxes();
	const moment = momentAt(step);
	const { inputSize, distance } = options;
	const assignments = moment?.assignments;
	cloud.show({ sizes, anchors: moment?.anchors, assignments, published: publishedTable()?.flat, inputSize, axes }, glide);
	paintRegions(byId('regions', HTMLCanvasElement), cloud.area, moment && { anchors: moment.anchors, distance, spread: spreadOf(sizes), inputSize, axes });
	if (moment) paintInset(byId('inset', HTMLCanvasElement), moment.anchors, inputSize);
	const last = (clusters?.trace?.length ?? 1) - 1;
	const text = step > last ? 'after evolution' : step === 0 ? 'seeds' : `step ${step} of ${last}`;
	byId('moment-text', HTMLElement).textContent = moment ? text : '';
	byId('moment-iou', HTMLElement).textContent = moment?.meanIou === undefined ? '–' : moment.meanIou.toFixed(4);
	byId('moment-moved', HTMLElement).textContent = moment && step > 0 && step <= last ? movedAt(step).toLocaleString('en') : '–';
	byId('scatter', HTMLElement).dataset.step = String(step);
}

/** Objects that went to another anchor at a step. */
function movedAt(at: number): number {
	const trace = clusters?.trace;
	if (!trace || at < 1 || at >= trace.length) return 0;
	let moved = 0;
	for (let i = 0; i < trace[at].assignments.length; i++) if (trace[at].assignments[i] !== trace[at - 1].assignments[i]) moved++;
	return moved;
}

function spreadOf(values: Float32Array): [number, number] {
	const spread = [0, 1].map((side) => {
		let [sum, squares] = [0, 0];
		for (let i = side; i < values.length; i += 2) [sum, squares] = [sum + values[i], squares + values[i] ** 2];
		const count = Math.max(1, values.length / 2);
		return Math.sqrt(Math.max(1e-12, squares / count - (sum / count) ** 2));
	});
	return [spread[0], spread[1]];
}

function publishedTable(): { title: string; flat: number[] } | undefined {
	const title = byId('published', HTMLSelectElement).value;
	const entry = PUBLISHED[title];
	if (!entry) return undefined;
	// a published table is for its own input size
	const scale = ((entry.unit ?? 1) * options.inputSize) / entry.inputSize;
	return { title, flat: entry.table.flat().map((v) => v * scale) };
}

// A run

async function run(): Promise<void> {
	work.cancel();
	const id = ++runs;
	options = readOptions();
	sizes = scaleSizes(data.sizes, data.images, options.inputSize);
	clusters = undefined;
	evolved = undefined;
	scored = [];
	step = 0;
	showMoment(false);
	if (sizes.length === 0) {
		say('There are no boxes to cluster.');
		return;
	}
	busy(true);
	try {
		await runClusters(id);
		if (options.generations > 0) await runEvolution(id);
		await score(id);
		if (id === runs) finish();
	} catch (error) {
		if (id === runs && error instanceof Cancelled) say('Cancelled.');
		throw error;
	} finally {
		if (id === runs) busy(false);
	}
}

async function runClusters(id: number): Promise<void> {
	const { each, levels, distance, update, init, seed, where } = options;
	const count = each * levels;
	say(`Clustering ${(sizes.length / 2).toLocaleString('en')} boxes into ${count}…`);
	const found = await work.call('cluster', { sizes, where, options: { count, distance, update, init, seed, trace: true } });
	if (id !== runs) throw new Cancelled();
	clusters = found;
	complain(...found.warnings);
	const [start] = await work.call('score', { sizes, tables: [Array.from(found.anchors)] });
	if (id !== runs) throw new Cancelled();
	startFitness = start.fitness;
	timeline.load(found.trace?.length ?? 1, still() ? 'last' : 'first');
	if (!still()) timeline.play();
	curve.show([], options.generations);
	byId('fitness-text', HTMLElement).textContent = '';
}

async function runEvolution(id: number): Promise<void> {
	const { generations, seed, where } = options;
	say(`Evolving over ${generations.toLocaleString('en')} generations…`);
	const live: [number, number][] = [[0, startFitness]];
	let drawn = 0;
	const found = await work.call('evolve', { sizes, anchors: clusters?.anchors ?? new Float32Array(), where, generations, seed }, ({ generation, fitness }) => {
		if (id !== runs) return;
		live.push([generation, fitness]);
		byId('progress', HTMLProgressElement).value = generation / generations;
		// a chart that is drawn more often than seen costs the run its time
		if (performance.now() - drawn < 60) return;
		drawn = performance.now();
		showCurve(live);
	});
	if (id !== runs) throw new Cancelled();
	evolved = found;
	showCurve(wholeCurve(found));
}

/** Fitness by generations done. */
function wholeCurve({ history }: Evolved): [number, number][] {
	return [[0, startFitness], ...Array.from(history, (fitness, i): [number, number] => [i + 1, fitness])];
}

function showCurve(history: readonly (readonly [number, number])[]): void {
	curve.show(history, options.generations);
	const last = history.at(-1);
	if (last) byId('fitness-text', HTMLElement).textContent = `fitness ${last[1].toFixed(5)} after ${last[0].toLocaleString('en')} generations`;
}

async function score(id: number): Promise<void> {
	const sets: { title: string; anchors: ArrayLike<number> }[] = [];
	const published = publishedTable();
	if (published) sets.push({ title: published.title, anchors: published.flat });
	if (clusters) sets.push({ title: 'k-means', anchors: clusters.anchors });
	if (evolved) sets.push({ title: 'k-means and evolution', anchors: evolved.anchors });
	const fitness = await work.call('score', { sizes, tables: sets.map(({ anchors }) => Array.from(anchors)) });
	if (id !== runs) throw new Cancelled();
	scored = sets.map((set, i) => ({ ...set, fitness: fitness[i] }));
	showScores(byId('scores', HTMLTableElement), scored);
}

function finish(): void {
	const anchors = finalAnchors();
	if (!clusters || !anchors) return;
	showLevels(byId('levels-table', HTMLTableElement), levelsOf(anchors));
	timeline.extend(momentCount());
	const { kind, reason } = clusters.ran;
	// 'auto' with a GPU at hand takes it only for work that is worth the way: then nobody knows which it was
	const side = kind !== 'webgpu' ? 'cpu' : options.where === 'webgpu' ? 'gpu' : undefined;
	if (side) addLap(side, clusters, evolved);
	const spent = Math.round(clusters.milliseconds + (evolved?.milliseconds ?? 0)).toLocaleString('en');
	say(`Done in ${spent} ms${side ? ` on the ${side.toUpperCase()}` : ''}: ${reason}.`);
	document.dispatchEvent(new CustomEvent('kedge:anchors', { detail: { clusters, evolved, scored, options, data } }));
}

/** Notes the times of one side, and whether both sides found the same. */
function addLap(side: 'cpu' | 'gpu', found: Clusters, after: Evolved | undefined): void {
	laps = { ...laps, [side]: { cluster: found, evolve: after } };
	results = { ...results, [side]: JSON.stringify([[...found.anchors], [...found.assignments], after && [[...after.anchors], [...after.history]]]) };
	showDuel(byId('duel', HTMLTableElement), laps, results.cpu && results.gpu ? results.cpu === results.gpu : undefined);
}

const momentCount = () => (clusters?.trace?.length ?? 1) + (evolved ? 1 : 0);
const finalAnchors = () => evolved?.anchors ?? clusters?.anchors;
/** The anchors of each level; all as one where there are fewer than were asked for. */
const levelsOf = (anchors: Float32Array) =>
	splitAnchors(anchors, anchors.length / 2 === options.each * options.levels ? options.levels : 1).map((level) => Array.from(level));

function busy(on: boolean): void {
	button('cancel').disabled = !on;
	button('run').setAttribute('aria-busy', String(on));
	byId('progress', HTMLProgressElement).value = 0;
}

// Data

function useData(next: DataSet, problems: readonly string[], numProblems: number, format?: string): void {
	data = next;
	const count = next.sizes.length / 2;
	const line = byId('data', HTMLElement);
	const strong = document.createElement('b');
	strong.textContent = next.title;
	const number = (v: number) => v.toLocaleString('en');
	line.replaceChildren(
		strong,
		`: ${number(count)} boxes in ${number(next.numImages)} images, ${number(next.numClasses)} classes${format ? `, ${format} labels` : ''} (${classesOf(next)})`,
	);
	const trouble = byId('trouble', HTMLDetailsElement);
	trouble.hidden = numProblems === 0;
	byId('trouble-title', HTMLElement).textContent = `${number(numProblems)} ${numProblems === 1 ? 'problem' : 'problems'} in the files`;
	byId('trouble-list', HTMLElement).replaceChildren(
		...problems.map((problem) => {
			const item = document.createElement('li');
			item.textContent = problem;
			return item;
		}),
	);
	laps = {};
	results = {};
	showDuel(byId('duel', HTMLTableElement), laps, undefined);
}

function classesOf({ classNames }: DataSet): string {
	const shown = classNames.slice(0, 6).map((name) => (name.length > 40 ? `${name.slice(0, 39)}…` : name));
	return `${shown.join(', ')}${classNames.length > shown.length ? ', …' : ''}`;
}

async function useSample(): Promise<void> {
	button('use-sample').setAttribute('aria-pressed', 'true');
	useData(sampleDataSet(), [], 0);
	await run();
}

async function useFiles(files: readonly GivenFile[]): Promise<void> {
	if (files.length === 0) return;
	work.cancel();
	const id = ++runs;
	busy(true);
	say(`Reading ${files.length.toLocaleString('en')} files…`);
	try {
		const read = await work.call('read', files, ({ files: done, boxes }) => {
			if (id !== runs) return;
			byId('progress', HTMLProgressElement).value = done / files.length;
			say(`Reading: ${done.toLocaleString('en')} files, ${boxes.toLocaleString('en')} boxes…`);
		});
		if (id !== runs) return;
		if (read.data.sizes.length === 0) {
			const why = read.problems[0] ?? 'VOC XML, COCO JSON or YOLO text files are needed';
			throw new Error(`labels: no box was found in ${files.length} ${files.length === 1 ? 'file' : 'files'}; ${why}`);
		}
		button('use-sample').setAttribute('aria-pressed', 'false');
		useData(read.data, read.problems, read.numProblems, read.format.toUpperCase());
	} catch (error) {
		if (id === runs && error instanceof Cancelled) say('Cancelled.');
		throw error;
	} finally {
		if (id === runs) busy(false);
	}
	await run();
}

// Controls

function connectData(): void {
	button('use-sample').addEventListener('click', () => attempt(useSample));
	for (const id of ['files', 'folder']) {
		const input = byId(id, HTMLInputElement);
		input.addEventListener('change', () => {
			const files = chosenFiles(input.files);
			input.value = '';
			attempt(() => useFiles(files));
		});
	}
	for (const type of ['dragenter', 'dragover']) {
		document.addEventListener(type, (event) => {
			event.preventDefault();
			document.body.classList.add('dropping');
		});
	}
	document.addEventListener('dragleave', (event) => {
		if (!event.relatedTarget) document.body.classList.remove('dropping');
	});
	document.addEventListener('drop', (event) => {
		event.preventDefault();
		document.body.classList.remove('dropping');
		const transfer = event.dataTransfer;
		if (!transfer) return;
		const files = droppedFiles(transfer);
		attempt(async () => useFiles(await files));
	});
}

async function copy(text: string, what: string): Promise<void> {
	await navigator.clipboard.writeText(text);
	say(`Copied ${what}.`);
}

function connectResults(): void {
	const menu = byId('published', HTMLSelectElement);
	menu.replaceChildren(...Object.keys(PUBLISHED).map((title) => new Option(title, title)), new Option('nothing', ''));
	menu.addEventListener('change', () =>
		attempt(async () => {
			showMoment(false);
			if (clusters && !work.busy) await score(runs);
		}),
	);
	button('copy-json').addEventListener('click', () =>
		attempt(async () => {
			const anchors = finalAnchors();
			if (!anchors) throw new Error('copy: there are no anchors yet');
			const { inputSize, distance, update, init, seed, generations } = options;
			const fitness = scored.at(-1)?.fitness;
			await copy(
				JSON.stringify({ inputSize, anchors: levelsOf(anchors), ...fitness, made: { distance, update, init, seed, generations } }, null, '\t'),
				'the anchors as JSON',
			);
		}),
	);
	button('copy-yaml').addEventListener('click', () =>
		attempt(async () => {
			const anchors = finalAnchors();
			if (!anchors) throw new Error('copy: there are no anchors yet');
			const lines = levelsOf(anchors).map((level, i) => `  - [${level.map((v) => Math.round(v)).join(', ')}]  # P${3 + i}/${8 << i}`);
			await copy(`anchors:\n${lines.join('\n')}\n`, 'the anchors as they stand in a YOLO yaml');
		}),
	);
}

function connectRun(): void {
	connectOptions((id) => {
		if (id === 'axes') {
			showMoment(false);
			return;
		}
		if (id !== 'backend') {
			laps = {};
			results = {};
			showDuel(byId('duel', HTMLTableElement), laps, undefined);
		}
		attempt(run);
	});
	button('run').addEventListener('click', () => attempt(run));
	button('cancel').addEventListener('click', () => {
		runs++;
		work.cancel();
		busy(false);
		say('Cancelled.');
	});
	button('dice').addEventListener('click', () => {
		byId('seed', HTMLInputElement).value = String(crypto.getRandomValues(new Uint32Array(1))[0] % 100_000);
		laps = {};
		results = {};
		attempt(run);
	});
	const redraw = () => {
		showMoment(false);
		if (evolved) showCurve(wholeCurve(evolved));
		const anchors = finalAnchors();
		if (anchors) showLevels(byId('levels-table', HTMLTableElement), levelsOf(anchors));
	};
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
	new ResizeObserver(() => showMoment(false)).observe(byId('plot', HTMLElement));
}

connectData();
connectResults();
connectRun();
attempt(useSample);

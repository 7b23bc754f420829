// The anchors page: a data set, one run of k-means and evolution over it in a worker, and what came of it. Whatever is
// changed starts the run anew; a run that is overtaken is cancelled.

import { scaleSizes, splitAnchors } from 'kedge/training';
import { still } from '../look.js';
import { byId, complain, say } from '../page.js';
import { attempt, Cancelled, Work } from '../work.js';
import { Cloud, Curve } from './charts.js';
import { jsonOf, yamlOf } from './copies.js';
import { connectFiles, showData, showTrouble } from './data-set.js';
import { Duel } from './duel.js';
import type { GivenFile } from './files.js';
import { type Moment, momentsOf, numMoved, spreadOf } from './moments.js';
import { connectOptions, type Options, readAxes, readOptions } from './options.js';
import { nearestAnchors, paintInset, paintRegions } from './pictures.js';
import { PUBLISHED_TITLES, publishedAnchors } from './published.js';
import { type DataSet, sampleDataSet } from './sample.js';
import { type Scored, showLevels, showScores } from './tables.js';
import { Timeline } from './timeline.js';
import type { Tasks } from './worker.js';

type Clusters = Tasks['cluster']['output'];
type Evolved = Tasks['evolve']['output'];

/** Of more objects than these the steps are not kept: each step is a number per object. */
const MOST_TRACED = 100_000;

const button = (id: string) => byId(id, HTMLButtonElement);
const work = new Work<Tasks>(() => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }));
const cloud = new Cloud(byId('scatter', HTMLElement));
const curve = new Curve(byId('fitness', HTMLElement));
/** Of the present data and settings. */
const duel = new Duel();

let data: DataSet = sampleDataSet();
let options: Options = readOptions();
/** Sizes in the network's input. */
let sizes: Float32Array = new Float32Array();
let clusters: Clusters | undefined;
let evolved: Evolved | undefined;
/** Whose each object is after evolution. */
let evolvedAssignments: Uint32Array = new Uint32Array();
let step = 0;
let scored: Scored[] = [];
/** Fitness of what k-means found: where evolution starts. */
let startFitness = 0;
/** Runs are numbered: what an overtaken one still says is not heard. */
let runs = 0;

const timeline = new Timeline((at, glide) => {
	step = at;
	showMoment(glide);
});

// The cloud

/** Every moment there is: the steps of k-means, and the end of evolution. */
function moments(): readonly Moment[] {
	if (!clusters) return [];
	const steps = momentsOf(clusters);
	if (!evolved) return steps;
	const { anchors } = evolved;
	const meanIou = scored.find((set) => set.anchors === anchors)?.fitness.meanIou;
	return [...steps, { anchors, assignments: evolvedAssignments, meanIou }];
}

function showMoment(glide: boolean): void {
	const axes = readAxes();
	const all = moments();
	const moment: Moment | undefined = all[step];
	const { inputSize, distance } = options;
	cloud.show({ sizes, anchors: moment?.anchors, assignments: moment?.assignments, published: published(), inputSize, axes }, glide);
	paintRegions(byId('regions', HTMLCanvasElement), cloud.area, moment && { anchors: moment.anchors, distance, spread: spreadOf(sizes), inputSize, axes });
	if (moment) paintInset(byId('inset', HTMLCanvasElement), moment.anchors, inputSize);
	const last = all.length - (evolved ? 2 : 1);
	const text = step > last ? 'after evolution' : last === 0 ? 'k-means' : step === 0 ? 'seeds' : `step ${step} of ${last}`;
	byId('moment-text', HTMLElement).textContent = moment ? text : '';
	byId('moment-iou', HTMLElement).textContent = moment?.meanIou === undefined ? '–' : moment.meanIou.toFixed(4);
	byId('moment-moved', HTMLElement).textContent = moment && step > 0 && step <= last ? numMoved(all[step - 1], moment).toLocaleString('en') : '–';
	byId('scatter', HTMLElement).dataset.step = String(step);
}

const published = () => publishedAnchors(byId('published', HTMLSelectElement).value, options.inputSize);

// A run

/** Ends whatever is going on. */
function stop(): void {
	runs++;
	work.cancel();
	busy(false);
}

/** Tables and curve of what is there after a run was stopped, never of one before it. */
async function showStanding(): Promise<void> {
	const anchors = finalAnchors();
	if (!evolved) {
		curve.show([], options.generations);
		byId('fitness-text', HTMLElement).textContent = '';
	}
	if (anchors) {
		showLevels(byId('levels-table', HTMLTableElement), levelsOf(anchors));
		await score(runs);
		return;
	}
	timeline.load(0, 'first');
	for (const id of ['scores', 'levels-table']) byId(id, HTMLTableElement).replaceChildren();
}

async function run(): Promise<void> {
	stop();
	const id = runs;
	try {
		options = readOptions();
	} catch (error) {
		await showStanding();
		throw error;
	}
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
	const found = await work.call('cluster', { sizes, where, options: { count, distance, update, init, seed, trace: sizes.length / 2 <= MOST_TRACED } });
	if (id !== runs) throw new Cancelled();
	clusters = found;
	complain(...found.warnings);
	const [start] = await work.call('score', { sizes, tables: [Array.from(found.anchors)] });
	if (id !== runs) throw new Cancelled();
	startFitness = start.fitness;
	timeline.load(momentsOf(found).length, still() ? 'last' : 'first');
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
	evolvedAssignments = nearestAnchors(sizes, { anchors: found.anchors, distance: options.distance, spread: spreadOf(sizes) });
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
	const table = published();
	if (table) sets.push({ title: byId('published', HTMLSelectElement).value, anchors: table });
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
	timeline.extend(moments().length);
	const { kind, reason } = clusters.ran;
	// 'auto' with a GPU at hand takes it only for work that is worth the way: then nobody knows which it was
	const side = kind !== 'webgpu' ? 'cpu' : options.where === 'webgpu' ? 'gpu' : undefined;
	if (side) duel.add(side, clusters, evolved);
	const spent = Math.round(clusters.milliseconds + (evolved?.milliseconds ?? 0)).toLocaleString('en');
	say(`Done in ${spent} ms${side ? ` on the ${side.toUpperCase()}` : ''}: ${reason}.`);
	document.dispatchEvent(new CustomEvent('kedge:anchors', { detail: { clusters, evolved, scored, options, data } }));
}

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

function useData(next: DataSet, format: string): void {
	data = next;
	showData(next, format);
	duel.forget();
}

async function useSample(): Promise<void> {
	button('use-sample').setAttribute('aria-pressed', 'true');
	useData(sampleDataSet(), '');
	showTrouble([], 0);
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
		useData(read.data, read.format.toUpperCase());
		showTrouble(read.problems, read.numProblems);
	} catch (error) {
		if (id === runs && error instanceof Cancelled) say('Cancelled.');
		throw error;
	} finally {
		if (id === runs) busy(false);
	}
	await run();
}

// Controls

/** Copies the anchors as a text that is made of their levels. */
async function copy(what: string, textOf: (levels: number[][]) => string): Promise<void> {
	const anchors = finalAnchors();
	if (!anchors) throw new Error('copy: there are no anchors yet');
	await navigator.clipboard.writeText(textOf(levelsOf(anchors)));
	say(`Copied the anchors as ${what}.`);
}

function connectResults(): void {
	const menu = byId('published', HTMLSelectElement);
	menu.replaceChildren(...PUBLISHED_TITLES.map((title) => new Option(title, title)), new Option('nothing', ''));
	menu.addEventListener('change', () =>
		attempt(async () => {
			showMoment(false);
			if (clusters && !work.busy) await score(runs);
		}),
	);
	button('copy-json').addEventListener('click', () => attempt(() => copy('JSON', (levels) => jsonOf(levels, scored.at(-1)?.fitness, options))));
	button('copy-yaml').addEventListener('click', () => attempt(() => copy('they stand in a YOLO yaml', yamlOf)));
}

function connectRun(): void {
	connectOptions((id) => {
		if (id === 'axes') {
			showMoment(false);
			return;
		}
		if (id !== 'backend') duel.forget();
		attempt(run);
	});
	button('run').addEventListener('click', () => attempt(run));
	button('cancel').addEventListener('click', () => {
		stop();
		say('Cancelled.');
		attempt(showStanding);
	});
	button('dice').addEventListener('click', () => {
		byId('seed', HTMLInputElement).value = String(crypto.getRandomValues(new Uint32Array(1))[0] % 100_000);
		duel.forget();
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

button('use-sample').addEventListener('click', () => attempt(useSample));
connectFiles((files) => attempt(async () => useFiles(await files)));
connectResults();
connectRun();
attempt(useSample);

// The speed page: nothing is measured before Run is pressed; then row by row, in a worker, with the chart and the tables
// growing. `?effort=glance` measures next to nothing, for tests of everything but the times.

import { byId, radios, say } from '../page.js';
import { attempt, Work } from '../work.js';
import { pngOf, svgOf, Times } from './chart.js';
import { EFFORTS, type EffortName } from './clock.js';
import { jsonOf, markdownOf } from './copies.js';
import { CANCELLED_NOTE, HIDDEN_NOTE, notesOf } from './facts.js';
import type { Report } from './report.js';
import type { Progress } from './run.js';
import { showChoices, showFacts, showNotes, showPlan, showStages, showTimes } from './tables.js';
import type { Tasks } from './worker.js';

const button = (id: string) => byId(id, HTMLButtonElement);
// A cancelled run is ended with its worker: a row in the middle of a measurement hears nothing.
const work = new Work<Tasks>(() => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }), 0);
const times = new Times(byId('chart', HTMLElement));

/** The last run, as far as it came. */
let report: Report | undefined;
/** Runs are numbered: what a cancelled one still says is not heard. */
let runs = 0;
/** The present run was in the background for a while. */
let hidden = false;

// What is shown

function show(): void {
	const rows = report?.rows ?? [];
	byId('empty', HTMLElement).hidden = rows.length > 0;
	showNotes(byId('notes', HTMLElement), report?.notes ?? []);
	showTimes(byId('times', HTMLTableElement), rows);
	showStages(byId('stages', HTMLTableElement), rows);
	showChoices(byId('choices', HTMLTableElement), report ?? { rows: [], choices: [] });
	for (const id of ['times', 'numbers', 'report']) byId(`${id}-panel`, HTMLElement).hidden = rows.length === 0;
	for (const id of ['stages', 'choices']) byId(`${id}-panel`, HTMLElement).hidden = byId(id, HTMLTableElement).tBodies[0].rows.length === 0;
	// last, for it has no width as long as its panel is hidden
	times.show(rows);
	const differing = rows.flatMap(({ title, lines }) =>
		lines.flatMap(({ name, difference }) => (difference ? [`${title}: ${name} differs, ${difference}`] : [])),
	);
	byId('differences', HTMLElement).replaceChildren(
		...differing.map((text) => {
			const line = document.createElement('p');
			line.textContent = text;
			return line;
		}),
	);
	byId('by-hand', HTMLElement).hidden = true;
	if (report) showFacts(byId('machine', HTMLElement), report.facts);
}

function busy(on: boolean): void {
	const [before, after] = on ? [button('run'), button('cancel')] : [button('cancel'), button('run')];
	const focused = document.activeElement === before;
	after.disabled = false;
	// who works by keyboard stays where the next button is
	if (focused) after.focus();
	before.disabled = true;
	byId('effort', HTMLFieldSetElement).disabled = on;
	byId('progress', HTMLProgressElement).value = 0;
	byId('percent', HTMLElement).textContent = '';
}

// A run

function readEffort(): EffortName {
	const asked = new URLSearchParams(location.search).get('effort') ?? radios('effort').find(({ checked }) => checked)?.value ?? 'brief';
	if (!(asked in EFFORTS)) throw new RangeError(`effort: must be one of ${Object.keys(EFFORTS).join(', ')}; got ${JSON.stringify(asked)}`);
	return asked as EffortName;
}

/** Milliseconds after which a row is about half done: nobody knows how long it takes before it is done. */
const HALF = { brief: 2500, thorough: 11_000, glance: 500 };

/** Tells how far a run has come: rows by count, within a row by the time that has passed. */
class Meter {
	#begun = performance.now();
	#row = 0;
	#rows = 1;
	readonly #half: number;
	readonly #timer = setInterval(() => this.#write(), 200);

	constructor(effort: EffortName) {
		this.#half = HALF[effort];
	}

	at({ row, rows }: Progress): void {
		if (row !== this.#row) this.#begun = performance.now();
		[this.#row, this.#rows] = [row, rows];
		this.#write();
	}

	#write(): void {
		const within = 1 - 0.5 ** ((performance.now() - this.#begun) / this.#half);
		const done = (this.#row + within) / this.#rows;
		byId('progress', HTMLProgressElement).value = done;
		byId('percent', HTMLElement).textContent = `${Math.floor(100 * done)} %`;
	}

	stop(): void {
		clearInterval(this.#timer);
	}
}

/** A page in the background is told in the report: its times are not to be trusted. */
const noted = (given: Report): Report => (hidden ? { ...given, notes: [...given.notes, HIDDEN_NOTE] } : given);

async function run(): Promise<void> {
	const effort = readEffort();
	const id = ++runs;
	report = undefined;
	hidden = document.visibilityState === 'hidden';
	show();
	busy(true);
	say('Opening the GPU…');
	const meter = new Meter(effort);
	try {
		const done = await work.call('run', { effort }, (progress) => {
			if (id !== runs) return;
			meter.at(progress);
			const { row, rows, title, doing } = progress;
			say(`${row + 1} of ${rows}, ${title}: ${doing}`);
			if (!progress.report) return;
			report = noted(progress.report);
			show();
		});
		if (id !== runs) return;
		report = noted(done);
		show();
		const seconds = Math.round((Date.now() - Date.parse(done.facts.date)) / 1000);
		say(`Done in ${seconds} s.`);
		document.dispatchEvent(new CustomEvent('kedge:speed', { detail: report }));
	} finally {
		meter.stop();
		if (id === runs) busy(false);
	}
}

function cancel(): void {
	runs++;
	work.cancel();
	busy(false);
	const rows = report?.rows.length ?? 0;
	if (report) {
		report = { ...report, notes: [...report.notes, CANCELLED_NOTE] };
		show();
	}
	say(rows ? `Cancelled after ${rows} ${rows === 1 ? 'row' : 'rows'}.` : 'Cancelled.');
}

// What is taken along

async function copy(what: string, text: string): Promise<void> {
	try {
		await navigator.clipboard.writeText(text);
		byId('by-hand', HTMLElement).hidden = true;
		say(`Copied the report as ${what}.`);
	} catch {
		const box = byId('text', HTMLTextAreaElement);
		byId('by-hand', HTMLElement).hidden = false;
		box.value = text;
		box.focus();
		box.select();
		say('The browser does not let this page copy: the text is selected below.');
	}
}

function save(name: string, blob: Blob): void {
	const link = document.createElement('a');
	link.href = URL.createObjectURL(blob);
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
	say(`Saved ${name}.`);
}

function present(): Report {
	if (!report) throw new Error('report: there is none yet');
	return report;
}

function connect(): void {
	button('run').addEventListener('click', () => attempt(run));
	button('cancel').addEventListener('click', cancel);
	button('copy-markdown').addEventListener('click', () => attempt(() => copy('Markdown', markdownOf(present()))));
	button('copy-json').addEventListener('click', () => attempt(() => copy('JSON', jsonOf(present()))));
	button('save-svg').addEventListener('click', () => attempt(async () => save('kedge-speed.svg', new Blob([svgOf(present())], { type: 'image/svg+xml' }))));
	button('save-png').addEventListener('click', () => attempt(async () => save('kedge-speed.png', await pngOf(present()))));
	document.addEventListener('visibilitychange', () => {
		if (document.visibilityState === 'hidden') hidden = true;
	});
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => times.show(report?.rows ?? []));
}

async function look(): Promise<void> {
	const { facts, rows } = await work.call('look', undefined);
	if (report) return;
	showFacts(byId('machine', HTMLElement), facts);
	showNotes(byId('before', HTMLElement), notesOf(facts));
	showPlan(byId('plan', HTMLElement), rows, facts);
}

connect();
show();
say('Ready.');
attempt(look);

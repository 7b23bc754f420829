// The tables of the page: facts of the machine, times row by row, stages on the GPU, and the choices of 'auto'.

import { cell, table } from '../table.js';
import { COLUMNS, stagesOf, stageText } from './copies.js';
import { factLines } from './facts.js';
import {
	answersEqual,
	bytesText,
	detectionsText,
	type Facts,
	type Line,
	type Report,
	type RowReport,
	ratioText,
	threadText,
	timeText,
	verdictsOf,
	verdictText,
} from './report.js';

/** The machine, as a list of names and texts. */
export function showFacts(root: HTMLElement, facts: Facts): void {
	root.replaceChildren(
		...factLines(facts).map(([name, text]) => {
			const line = document.createElement('div');
			const [dt, dd] = [document.createElement('dt'), document.createElement('dd')];
			dt.textContent = name;
			dd.textContent = text;
			line.append(dt, dd);
			return line;
		}),
	);
}

/** What must be known to read the numbers. */
export function showNotes(root: HTMLElement, notes: readonly string[]): void {
	root.replaceChildren(
		...notes.map((note) => {
			const item = document.createElement('li');
			item.textContent = note;
			return item;
		}),
	);
}

/** More of it, less loud. */
function soft(text: string): HTMLSpanElement {
	const made = document.createElement('span');
	made.className = 'soft';
	made.textContent = text;
	return made;
}

/** What a run will measure. */
export function showPlan(root: HTMLElement, rows: readonly { title: string; what: string; needsGpu?: boolean }[], { adapter }: Facts): void {
	root.replaceChildren(
		...rows.map(({ title, what, needsGpu }) => {
			const item = document.createElement('li');
			const name = document.createElement('b');
			name.textContent = title;
			item.append(name, soft(` ${what}${needsGpu && !adapter ? '; needs WebGPU and is left out' : ''}`));
			return item;
		}),
	);
}

/** One group of rows for each row of the bench, headed by it. */
export function showTimes(root: HTMLTableElement, rows: readonly RowReport[]): void {
	table(root, rows.length ? COLUMNS : [], []);
	root.tBodies[0].remove();
	root.append(...rows.map(groupOf));
}

function groupOf(row: RowReport): HTMLTableSectionElement {
	const group = document.createElement('tbody');
	const equal = answersEqual(row);
	group.dataset.row = row.id;
	group.dataset.answers = equal ? 'equal' : 'different';
	const title = cell('th', '');
	title.scope = 'rowgroup';
	title.colSpan = COLUMNS.length;
	const more = [row.what, detectionsText(row.detections), ...(equal && row.lines.length > 1 ? ['answers equal'] : []), ...(row.note ? [row.note] : [])];
	// where the table is wider than the page, the headline stays in sight
	const headline = document.createElement('div');
	headline.append(row.title, soft(` ${more.join('; ')}`));
	title.append(headline);
	const head = document.createElement('tr');
	head.className = 'group';
	head.append(title);
	group.append(head);
	if (row.problem) group.append(wide('td', row.problem, 'problem'));
	if (equal && !row.problem) {
		const best = Math.min(...row.lines.map(({ time }) => time?.median ?? Number.POSITIVE_INFINITY));
		group.append(...row.lines.map((line) => lineOf(row, line, best)));
	} else group.append(...row.lines.filter(({ difference }) => difference).map(({ name, difference }) => wide('td', `${name}: ${difference}`, 'difference')));
	return group;
}

function wide(tag: 'td' | 'th', text: string, className: string): HTMLTableRowElement {
	const row = document.createElement('tr');
	const only = cell(tag, text, className);
	only.colSpan = COLUMNS.length;
	row.append(only);
	return row;
}

function lineOf(row: RowReport, line: Line, best: number): HTMLTableRowElement {
	const made = document.createElement('tr');
	const { name, time, ratio, bytesRead } = line;
	const title = cell('th', name);
	title.scope = 'row';
	const median = cell('td', time ? timeText(time.median) : '–', time && time.median === best && row.lines.length > 1 ? 'best' : '');
	made.append(
		title,
		median,
		cell('td', time ? `${timeText(time.low)} to ${timeText(time.high)}` : '–', 'soft'),
		cell('td', ratio === undefined ? '–' : ratioText(ratio)),
		cell('td', threadText(line)),
		cell('td', bytesRead === undefined ? '–' : bytesText(bytesRead)),
	);
	return made;
}

/** Stages on the GPU; empty where nothing is known of them. */
export function showStages(root: HTMLTableElement, rows: readonly RowReport[]): void {
	const { stages, lines } = stagesOf(rows);
	const cells = lines.map(({ row, line, times }) => [
		cell('th', `${row.title}, ${line.name}`),
		...stages.map((stage) => cell('td', stageText(times[stage]))),
		cell('td', stageText(Object.values(times).reduce((a, b) => a + b, 0))),
	]);
	table(root, lines.length ? ['milliseconds', ...stages, 'sum'] : [], cells);
}

/** What 'auto' takes, beside what was fastest. */
export function showChoices(root: HTMLTableElement, report: Pick<Report, 'choices' | 'rows'>): void {
	const verdicts = verdictsOf(report);
	const cells = verdicts.map((verdict) => {
		const right = verdict.fastest === verdict.kind;
		const taken = cell('td', verdict.kind);
		taken.append(soft(` ${verdict.reason}`));
		return [cell('th', verdict.tensor), taken, cell('td', verdictText(verdict), right ? 'best' : '')];
	});
	table(root, verdicts.length ? ['tensor', `'auto' takes`, 'fastest here'] : [], cells);
}

// The report as text to take along: Markdown for an issue, or JSON with all digits.

import { factLines } from './facts.js';
import {
	answersEqual,
	bytesText,
	detectionsText,
	type Line,
	type Report,
	type RowReport,
	ratioText,
	threadText,
	timeText,
	verdictsOf,
	verdictText,
} from './report.js';

/** All that is known, with what the page makes of it. */
export function jsonOf(report: Report): string {
	const rows = report.rows.map((row) => ({ ...row, equal: answersEqual(row) }));
	return JSON.stringify({ ...report, rows, choices: verdictsOf(report) }, null, '\t');
}

/** Text that is only text in Markdown and in the cell of a table, whatever a browser or a driver calls itself. */
export function escapeMarkdown(text: string): string {
	return text
		.replace(/\s+/g, ' ')
		.replace(/[\\`*_{}[\]<>#|~&]/g, '\\$&')
		.replace(/@/g, '&#64;')
		.replace(/:\/\//g, ':&#47;/');
}

const table = (rows: readonly (readonly string[])[], align: string) =>
	[rows[0], align.split('').map((side) => (side === 'r' ? '---:' : '---')), ...rows.slice(1)].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** Ready for an issue on GitHub. */
export function markdownOf(report: Report): string {
	const lines = [...factLines(report.facts), ['Measured', report.effort]];
	const facts = table([['Speed report', ''], ...lines.map(([name, text]) => [name, escapeMarkdown(text)])], 'll');
	const notes = report.notes.map((note) => `> ${escapeMarkdown(note)}`).join('\n>\n');
	const parts = [facts, notes, ...report.rows.map(rowText), stagesText(report.rows), choicesText(report)];
	return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function rowText(row: RowReport): string {
	const { title, what, detections, lines, problem, note } = row;
	const head = `**${escapeMarkdown(title)}**: ${escapeMarkdown(what)}`;
	if (!answersEqual(row) || problem) {
		const differing = lines
			.filter(({ difference }) => difference)
			.map(({ name, difference }) => `- ${escapeMarkdown(name)}: ${escapeMarkdown(difference ?? '')}`);
		return [head, `**${escapeMarkdown(problem ?? 'Nothing was measured.')}**`, differing.join('\n')].filter(Boolean).join('\n\n');
	}
	const same = lines.length > 1 ? '; answers equal' : '';
	const more = note ? `; ${escapeMarkdown(note)}` : '';
	const cells = lines.map((line) => {
		const { name, time, ratio, bytesRead } = line;
		const none = '–';
		return [
			escapeMarkdown(name),
			time ? timeText(time.median) : none,
			time ? `${timeText(time.low)} to ${timeText(time.high)}` : none,
			ratio === undefined ? none : ratioText(ratio),
			threadText(line),
			bytesRead === undefined ? none : bytesText(bytesRead),
		];
	});
	return `${head}; ${detectionsText(detections)}${same}${more}\n\n${table([[...COLUMNS], ...cells], 'lrrrrr')}`;
}

/** Titles of the columns, here and on the page. */
export const COLUMNS = ['contestant', 'median', 'quartiles', 'ratio', 'thread', 'read back'] as const;

/** Rows and contestants of which the stages are known, and the names of all stages in their order. */
export function stagesOf(rows: readonly RowReport[]): { stages: string[]; lines: { row: RowReport; line: Line; times: Readonly<Record<string, number>> }[] } {
	const lines = rows.flatMap((row) => row.lines.flatMap((line) => (line.stages ? [{ row, line, times: line.stages }] : [])));
	return { stages: [...new Set(lines.flatMap(({ times }) => Object.keys(times)))], lines };
}

/** Milliseconds of a stage, three places: browsers tell no more. */
export const stageText = (milliseconds: number | undefined) => (milliseconds === undefined ? '–' : milliseconds.toFixed(3));

function stagesText(rows: readonly RowReport[]): string {
	const { stages, lines } = stagesOf(rows);
	if (lines.length === 0) return '';
	const cells = lines.map(({ row, line, times }) => [
		escapeMarkdown(`${row.title}, ${line.name}`),
		...stages.map((stage) => stageText(times[stage])),
		stageText(Object.values(times).reduce((a, b) => a + b, 0)),
	]);
	return `**Stages, ms** (by the GPU's clock; sort and suppress of hybrid on the CPU)\n\n${table([['', ...stages.map(escapeMarkdown), 'sum'], ...cells], `l${'r'.repeat(stages.length + 1)}`)}`;
}

function choicesText(report: Report): string {
	const verdicts = verdictsOf(report);
	if (verdicts.length === 0) return '';
	const cells = verdicts.map((verdict) => [verdict.tensor, verdict.kind, verdict.reason, verdictText(verdict)].map(escapeMarkdown));
	return `**What 'auto' takes here**\n\n${table([['tensor', 'auto takes', 'because', 'fastest here'], ...cells], 'llll')}`;
}

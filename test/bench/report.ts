// What is said of a result: while the bench runs in the words of its kind, at the end in one table of all.

import { columns } from './columns.js';
import { framesLines } from './gpu/show-frames.js';
import { growthLines } from './gpu/show-growth.js';
import type { RaceResult } from './race.js';
import { type Line, type Result, shortNumber } from './result.js';

/** The facts of a run that belong beside its figures. */
export interface Setting {
	readonly engine: string;
	readonly machine: string;
	/** ISO. */
	readonly started: string;
	readonly quick: boolean;
}

const ratioText = (ratio: number) => `${ratio.toFixed(ratio < 10 ? 2 : 1)}x`;
const MARKS = { 'gate missed': '✗ gate missed', 'target missed': '– target missed', met: '✓', '': '' } as const;

const goalText = (line: Line, kind: 'gate' | 'target') => {
	if (line[kind] === undefined) return '';
	const bound = line.sense === 'at most' ? '≤ ' : '';
	return `${bound}${line[kind]}${line.ratio === undefined ? '' : 'x'}`;
};

const HEADS = ['', 'median', 'quartiles', 'ratio', 'quartiles', 'gate', 'target', '', ''];

const between = (low: number | undefined, high: number | undefined) =>
	low === undefined || high === undefined ? '' : `${shortNumber(low)} to ${shortNumber(high)}`;

/** A line's cells, under `HEADS`. */
function cellsOf(line: Line): string[] {
	const { label, value, unit, low, high, ratio, ratioLow, ratioHigh, verdict, note = '' } = line;
	return [
		label,
		// what was not measured says why in its note
		Number.isNaN(value) ? '–' : `${shortNumber(value)} ${unit}`.trim(),
		between(low, high),
		ratio === undefined ? '' : ratioText(ratio),
		ratioLow === ratioHigh ? '' : between(ratioLow, ratioHigh),
		goalText(line, 'gate'),
		goalText(line, 'target'),
		MARKS[verdict],
		note,
	];
}

function raceLines({ detections, lines, timings }: RaceResult): string[] {
	if (lines.length === 0) return [];
	const rounds = timings.map((timing, i) => [...cellsOf(lines[i]).slice(0, -1), `${timing.rounds} rounds of ${timing.batch}`, lines[i].note ?? '']);
	return [`the same found by all: ${detections.join(', ')}`, ...columns([[...HEADS, ''], ...rounds], [1, 3, 5, 6])];
}

/** A kind that has no printer of its own is shown as its lines. */
const PRINTERS: Record<string, (result: never) => string[]> = { race: raceLines, 'gpu frames': framesLines, growth: growthLines };
const plainLines = ({ lines }: Result) => (lines.length ? columns([HEADS, ...lines.map(cellsOf)], [1, 3, 5, 6]) : []);

/** A result in lines of text: what was worked on, the figures, what was missed. */
export function linesOf(result: Result): string[] {
	const print = PRINTERS[result.kind] ?? plainLines;
	const missed = [...result.failures.map((text) => `✗ ${text}`), ...result.misses.map((text) => `– ${text}`)];
	return [result.what, ...print(result as never), ...missed];
}

/** All rows in one table. */
export function tableOf(results: readonly Result[]): string[] {
	const rows = results.flatMap(({ name, lines, failures }) => {
		if (lines.length === 0) return [[name, ...Array(HEADS.length - 2).fill(''), `✗ ${failures.length} failed`, '']];
		return lines.map((line, i) => [i === 0 ? name : '', ...cellsOf(line)]);
	});
	return columns([['row', 'contestant', ...HEADS.slice(1)], ...rows], [2, 4, 6, 7]);
}

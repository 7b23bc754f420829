// The growth of cost as a table for each panel: time and local exponent at every N, and why a point is missing.

import { columns } from '../columns.js';
import { shortNumber } from '../result.js';
import { adapterLine } from './device.js';
import type { GrowthResult, Panel } from './growth.js';
import { exponents, type Point } from './slopes.js';

/** Exponents of the points that have a time, by n. */
export function exponentsByN(points: readonly Partial<Point>[]): Map<number, number> {
	const timed = points.filter((point): point is Point => point.time !== undefined);
	const found = exponents(timed);
	return new Map(timed.flatMap(({ n }, i) => (found[i] === undefined ? [] : [[n, found[i]]])));
}

function panelLines({ title, curves }: Panel): string[] {
	const ns = curves[0].points.map(({ n }) => n);
	const slopes = curves.map(({ points }) => exponentsByN(points));
	const rows = ns.map((n, row) => [
		n.toLocaleString('en'),
		String(curves.map(({ points }) => points[row].kept).find((kept) => kept !== undefined) ?? ''),
		...curves.flatMap(({ points }, c) => {
			const { time } = points[row];
			const slope = slopes[c].get(n);
			return [time === undefined ? '–' : `${shortNumber(time)} ms`, slope === undefined ? '' : `n^${slope.toFixed(2)}`];
		}),
	]);
	const notes = curves.flatMap(({ contestant, points }) =>
		points.filter(({ missing }) => missing).map(({ n, missing }) => `  ${contestant}, ${n.toLocaleString('en')}: ${missing}`),
	);
	const heads = ['boxes', 'kept', ...curves.flatMap(({ contestant }) => [contestant, 'grows'])];
	return [
		'',
		title,
		...columns(
			[heads, ...rows],
			heads.map((_, i) => i),
		),
		...notes,
	];
}

export function growthLines({ adapter, panels }: GrowthResult): string[] {
	return [adapterLine(adapter), ...panels.flatMap(panelLines)];
}

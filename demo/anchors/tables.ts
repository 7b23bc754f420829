// The page's tables: how well each set of anchors fits, which level has which, and the race of GPU and CPU.

import type { AnchorFitness } from 'kedge/training';
import { cell, table } from '../table.js';
import { anchorColour } from './charts.js';
import type { Timed } from './worker.js';

/** A set of anchors and how well it fits. */
export interface Scored {
	readonly title: string;
	/** [K, 2]. */
	readonly anchors: ArrayLike<number>;
	readonly fitness: AnchorFitness;
}

const COLUMNS: readonly (readonly [title: string, key: keyof AnchorFitness, digits: number, percent: boolean])[] = [
	['fitness', 'fitness', 4, false],
	['best possible recall', 'bestPossibleRecall', 2, true],
	['average IoU', 'meanIou', 4, false],
	['anchors per object', 'anchorsAboveThreshold', 2, false],
];

/** One row per set; the best of each column stands out. */
export function showScores(root: HTMLTableElement, sets: readonly Scored[]): void {
	const best = COLUMNS.map(([, key]) => Math.max(...sets.map(({ fitness }) => fitness[key])));
	table(
		root,
		['', ...COLUMNS.map(([title]) => title)],
		sets.map(({ title, fitness }) => [
			cell('th', title),
			...COLUMNS.map(([, key, digits, percent], i) => {
				const made = cell(
					'td',
					percent ? `${(100 * fitness[key]).toFixed(digits)} %` : fitness[key].toFixed(digits),
					fitness[key] === best[i] && sets.length > 1 ? 'best' : '',
				);
				made.dataset.key = key;
				made.dataset.value = String(fitness[key]);
				return made;
			}),
		]),
	);
}

/** Which level has which anchors. */
export function showLevels(root: HTMLTableElement, levels: readonly (readonly number[])[]): void {
	const count = levels.reduce((sum, level) => sum + level.length / 2, 0);
	let rank = 0;
	table(
		root,
		['level', 'stride', 'width × height'],
		levels.map((level, i) => {
			const sizes = cell('td', '');
			for (let k = 0; k < level.length; k += 2) {
				const size = document.createElement('span');
				size.className = 'size';
				const swatch = document.createElement('i');
				swatch.style.background = anchorColour(rank++, count);
				size.append(swatch, `${Math.round(level[k])} × ${Math.round(level[k + 1])}`);
				sizes.append(size);
			}
			return [cell('th', `P${3 + i}`), cell('td', String(8 << i)), sizes];
		}),
	);
}

/** What one side of the race has to show. */
export interface Lap {
	readonly cluster?: Timed;
	readonly evolve?: Timed;
}

/** The times of both, and whether their results are the same to the last bit; nothing before the first lap. */
export function showDuel(root: HTMLTableElement, laps: { readonly cpu?: Lap; readonly gpu?: Lap }, equal: boolean | undefined): void {
	const time = (lap: Timed | undefined) =>
		cell('td', lap ? `${lap.milliseconds < 10 ? lap.milliseconds.toFixed(1) : Math.round(lap.milliseconds).toLocaleString('en')} ms` : '–');
	const rows = [
		[cell('th', 'k-means'), time(laps.cpu?.cluster), time(laps.gpu?.cluster)],
		[cell('th', 'evolution'), time(laps.cpu?.evolve), time(laps.gpu?.evolve)],
	];
	const verdict = cell(
		'td',
		equal === undefined ? 'run both to compare' : equal ? 'equal, bit for bit' : 'different',
		equal === undefined ? '' : equal ? 'equal' : 'different',
	);
	verdict.colSpan = 2;
	table(root, ['', 'CPU', 'GPU'], [...rows, [cell('th', 'result'), verdict]]);
	root.dataset.equal = equal === undefined ? '' : String(equal);
}

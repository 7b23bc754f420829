// What was found, for people and for programs.

import type { Found, Settings } from './find-anchors.js';
import { printable } from './terminal.js';

const FORMATS = { voc: 'VOC', coco: 'COCO', yolo: 'YOLO' };
const number = (n: number) => n.toLocaleString('en');
const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/** `10,13, 16,30`: as model files have them, rounded to pixels. */
export function pixelsOf(anchors: Float32Array): string {
	return Array.from({ length: anchors.length / 2 }, (_, k) => `${Math.round(anchors[2 * k])},${Math.round(anchors[2 * k + 1])}`).join(', ');
}

/** The report; `isQuiet`: one line per level, the anchors alone. */
export function textOf(place: string, settings: Settings, found: Found, isQuiet: boolean): string {
	if (isQuiet) return found.levels.map(({ anchors }) => `${pixelsOf(anchors)}\n`).join('');
	const { fitness, clustered, current, levels, warnings } = found;
	const rows: [string, string][] = [
		['data set', describe(place, found)],
		['input', `longer side ${settings.size}`],
		['fitness', `${fitness.fitness.toFixed(4)}${settings.evolve ? `, ${clustered.fitness.toFixed(4)} before evolution` : ''}`],
		['best possible recall', percent(fitness.bestPossibleRecall)],
		['average IoU', fitness.meanIou.toFixed(4)],
		['anchors per box', `${fitness.anchorsAboveThreshold.toFixed(2)} within ${settings.ratio} times the sides`],
	];
	if (current) {
		const { fitness: value, bestPossibleRecall, meanIou } = current;
		rows.push(['checked anchors', `fitness ${value.toFixed(4)}, best possible recall ${percent(bestPossibleRecall)}, average IoU ${meanIou.toFixed(4)}`]);
	}
	for (const warning of warnings) rows.push(['note', warning]);
	const total = found.best.length;
	const table = [
		['level', 'stride', 'boxes', 'anchors'],
		...levels.map(({ stride, boxes, anchors }, i) => [`${i + 1}`, `${stride}`, percent(boxes / total), pixelsOf(anchors)]),
	];
	const lines = table.map(([level, stride, share, anchors]) => `${level.padEnd(7)}${stride.padStart(6)}  ${share.padStart(8)}  ${anchors}`);
	return `${rows.map(([name, text]) => `${name.padEnd(22)}${printable(text)}\n`).join('')}\n${lines.join('\n')}\n`;
}

function describe(place: string, { labels, leftOut, best }: Found): string {
	const { numCrowd, numDifficult, numUnsized } = leftOut;
	const left = [
		numCrowd && `${number(numCrowd)} crowds`,
		numDifficult && `${number(numDifficult)} difficult`,
		numUnsized && `${number(numUnsized)} of images of unknown size`,
	];
	const without = left.filter(Boolean).join(', ');
	const format = labels.format ? FORMATS[labels.format] : '';
	return `${place} (${format}): ${number(labels.images.length)} images, ${number(best.length)} boxes of ${number(labels.classNames.length)} classes${without && `, without ${without}`}`;
}

/** The JSON file: everything that was asked for, found, and wrong. No `<` in it, so that it can stand in a page. */
export function jsonOf(place: string, settings: Settings, found: Found): string {
	const { labels, leftOut, indices, anchors, levels, fitness, clustered, current, warnings, best } = found;
	const { strides: _, current: checked, ...asked } = settings;
	const perClass = new Uint32Array(labels.classNames.length);
	for (const i of indices) perClass[labels.classIds[i]]++;
	const data = {
		dataSet: { path: place, format: labels.format, images: labels.images.length, boxes: best.length, leftOut },
		settings: asked,
		anchors: pairsOf(anchors),
		levels: levels.map(({ stride, anchors: some, boxes }) => ({ stride, anchors: pairsOf(some), boxes, share: boxes / best.length })),
		fit: { ...fitness, beforeEvolution: settings.evolve ? clustered : undefined },
		checked: checked && { anchors: pairsOf(checked), fit: current },
		classes: labels.classNames.map((name, id) => ({ name, boxes: perClass[id] })),
		warnings,
		problems: {
			count: labels.numProblems,
			boxesDropped: labels.numDropped,
			filesFailed: labels.numFailed,
			// JSON has no Infinity
			list: labels.problems.map(({ dropped, ...problem }) => ({ ...problem, dropped: dropped === Infinity ? 'file' : dropped })),
		},
	};
	return `${JSON.stringify(data, null, '\t').replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}

function pairsOf(anchors: Float32Array): [number, number][] {
	return Array.from({ length: anchors.length / 2 }, (_, k) => [anchors[2 * k], anchors[2 * k + 1]]);
}

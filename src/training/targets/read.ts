// What every maker of targets reads: the answer of a matcher, ground truths, and their class ids, held against one another.

import { checkInteger, checkWord, refuse } from '../../checks.js';
import { checkClassIds } from '../../inputs.js';
import { CELL_ORDERS, type CellOrder } from '../matching/cells.js';
import type { Matches } from '../matching/matches.js';

/** The answer of a matcher: of it `labels` and `matches` are needed, so that a sampler's labels may take their place: `{ ...matches, labels: sample.labels }`. */
export type MatchesLike = Pick<Matches, 'labels' | 'matches' | 'order'>;

/** Labels (a copy, for answers to keep) and matches of an argument, for so many ground truths, and for `numAnchors` anchors where that is known. */
export function readMatches(where: string, value: unknown, numGroundTruths: number, numAnchors?: number): MatchesLike {
	const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
	if (!isRecord) refuse(TypeError, where, 'matches', 'must be the answer of a matcher', value);
	const { labels, matches } = value as Partial<Matches>;
	for (const [name, list] of [
		['labels', labels],
		['matches', matches],
	] as const) {
		const tag = Object.prototype.toString.call(list);
		if (tag !== '[object Int32Array]') refuse(TypeError, where, `matches.${name}`, 'must be an Int32Array, one entry per anchor', list);
	}
	const [label, match] = [labels as Int32Array, matches as Int32Array];
	const count = numAnchors ?? label.length;
	if (label.length !== count) refuse(RangeError, where, 'matches.labels', `must have one entry per anchor, ${count}`, label.length);
	if (match.length !== count) refuse(RangeError, where, 'matches.matches', `must have one entry per anchor, ${count}`, match.length);
	for (let a = 0; a < count; a++) {
		// -2 is how torchvision's matcher ignores, and its -1 a negative
		if (label[a] < -1) refuse(RangeError, where, `matches.labels[${a}]`, 'must be -1 (ignored), 0 (negative) or positive', label[a]);
		if (label[a] > 0 && !(match[a] >= 0 && match[a] < numGroundTruths)) {
			refuse(RangeError, where, `matches.matches[${a}]`, `must be one of ${numGroundTruths} ground truths where the label is positive`, match[a]);
		}
	}
	return { labels: label.slice(), matches: match };
}

/** How anchors are numbered inside a level: as the matcher was told, which an option may repeat. */
export function readOrder(where: string, value: unknown, matches: Pick<Matches, 'order'>): CellOrder {
	const order = checkWord(where, 'order', value ?? matches.order ?? 'ayx', CELL_ORDERS);
	const isOther = matches.order !== undefined && order !== matches.order;
	if (isOther) refuse(RangeError, where, 'order', `must be that of the matcher, '${matches.order}'`, order, 'it may be left out');
	return order;
}

/** The number of classes, 1 to 2^24. */
export function readNumClasses(where: string, value: unknown): number {
	return checkInteger(where, 'numClasses', value, 1, 2 ** 24);
}

/** Class ids [G], each below the number of classes where that is known. */
export function readClasses(where: string, value: unknown, numGroundTruths: number, numClasses?: number): Uint32Array {
	const ids = checkClassIds(where, value, numGroundTruths);
	const stranger = numClasses === undefined ? -1 : ids.findIndex((id) => id >= numClasses);
	if (stranger >= 0) refuse(RangeError, where, `classIds[${stranger}]`, `must be below the number of classes, ${numClasses}`, ids[stranger]);
	return ids;
}

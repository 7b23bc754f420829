// Scenes to start from. Most are drawn in shares of the picture; the ties are computed from the anchors themselves, so that
// two overlaps are equal to the last bit. Boxes are xyxy in whole pixels of the network input.

import { type AnchorSet, rowOf } from './anchor-sets.js';
import type { ObjectKind } from './objects.js';

/** An object and the box that stands in its label file. */
export interface GroundTruth {
	kind: ObjectKind;
	box: [xmin: number, ymin: number, xmax: number, ymax: number];
}

/** A scene in the menu. */
export interface Scene {
	readonly id: string;
	readonly title: string;
	/** What to look for. */
	readonly caption: string;
	readonly make: (set: AnchorSet) => GroundTruth[];
}

type Share = readonly [kind: ObjectKind, xmin: number, ymin: number, xmax: number, ymax: number];

const drawn =
	(...shares: readonly Share[]) =>
	({ inputSize }: AnchorSet): GroundTruth[] =>
		shares.map(([kind, ...box]) => ({ kind, box: box.map((v) => Math.round(v * inputSize)) as GroundTruth['box'] }));

/** A level and a square-like shape that a picture can hold several of. */
function middle(set: AnchorSet): { level: number; shape: number; row: number; column: number } {
	const fits = (i: number) => set.levels[i].columns >= 4 && set.levels[i].stride * 4 <= set.inputSize / 2;
	const level = set.levels.reduce((best, _, i) => (fits(i) ? i : best), 0);
	const { columns, rows, perCell } = set.levels[level];
	let shape = 0;
	let least = Number.POSITIVE_INFINITY;
	for (let k = 0; k < perCell; k++) {
		const [w, h] = sizeOf(set, rowOf(set, { level, row: 0, column: 0, shape: k }));
		const uneven = Math.abs(Math.log(w / h)) + Math.abs(Math.log((w * h) / (0.3 * set.inputSize) ** 2)) / 4;
		if (uneven < least) [least, shape] = [uneven, k];
	}
	return { level, shape, row: Math.floor(rows / 2), column: Math.floor(columns / 2) - 1 };
}

function sizeOf(set: AnchorSet, anchor: number): [number, number] {
	const b = set.boxes.subarray(4 * anchor, 4 * anchor + 4);
	return [b[2] - b[0], b[3] - b[1]];
}

/** One object halfway between two neighbouring anchors of one shape: both overlap it equally. */
function tie(set: AnchorSet): GroundTruth[] {
	const place = middle(set);
	const b = set.boxes.subarray(4 * rowOf(set, place));
	const half = set.levels[place.level].step[0] / 2;
	return [{ kind: 'bus', box: [b[0] + half, b[1], b[2] + half, b[3]] }];
}

/** Two objects, one a little to the left and one to the right of an anchor: it is the best of both, and of both equally. */
function shared(set: AnchorSet): GroundTruth[] {
	const place = middle(set);
	const b = set.boxes.subarray(4 * rowOf(set, place));
	const aside = Math.max(1, Math.round(set.levels[place.level].stride / 8));
	return [
		{ kind: 'person', box: [b[0] - aside, b[1], b[2] - aside, b[3]] },
		{ kind: 'person', box: [b[0] + aside, b[1], b[2] + aside, b[3]] },
	];
}

/** The scenes, the one for a first visit first. */
export const SCENES: readonly Scene[] = [
	{
		id: 'racket',
		title: 'Person and racket',
		caption:
			'Two objects whose centres fall into one cell. A network with one box per cell must drop one of them; anchors of several shapes can keep both. See which rules do.',
		make: drawn(['person', 0.3, 0.16, 0.62, 0.92], ['racket', 0.43, 0.48, 0.49, 0.602]),
	},
	{
		id: 'shared',
		title: 'One anchor, two objects',
		caption: 'Both people have the same best anchor. Somebody has to give way: the first, the last, or the one that overlaps less. Rules decide differently.',
		make: shared,
	},
	{
		id: 'tie',
		title: 'An exact tie',
		caption: 'Two neighbouring anchors overlap the bus equally, to the last bit. Some rules keep both as the best, others only the first.',
		make: tie,
	},
	{
		id: 'tiny',
		title: 'Tiny ball',
		caption:
			'The ball is smaller than every anchor of RetinaNet, Faster R-CNN and SSD, so no overlap with them can be large. Rules that give each object its best anchor save it, the others never learn that it exists.',
		make: drawn(['ball', 0.56, 0.66, 0.585, 0.685], ['person', 0.2, 0.3, 0.44, 0.9]),
	},
	{
		id: 'long',
		title: 'Long and thin',
		caption: 'The bus is eight times as wide as it is high, and no anchor is. Make it shorter and see when anchors begin to answer.',
		make: drawn(['bus', 0.08, 0.5, 0.92, 0.605], ['bird', 0.6, 0.12, 0.82, 0.26]),
	},
	{
		id: 'huge',
		title: 'Fills the picture',
		caption: 'One object as large as the picture allows. YOLO’s largest anchor is smaller than that; others reach beyond the edge.',
		make: drawn(['kite', 0.012, 0.012, 0.988, 0.988]),
	},
	{
		id: 'crowd',
		title: 'Crowd',
		caption: 'Five people and a ball, overlapping. The same anchors are good for several of them, and who is left out depends on the rule.',
		make: drawn(
			['person', 0.06, 0.3, 0.27, 0.9],
			['person', 0.22, 0.36, 0.4, 0.92],
			['person', 0.36, 0.28, 0.58, 0.94],
			['person', 0.52, 0.38, 0.7, 0.9],
			['person', 0.66, 0.3, 0.9, 0.95],
			['ball', 0.43, 0.8, 0.5, 0.87],
		),
	},
];

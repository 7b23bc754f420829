// Draws a scene with what a rule made of it: quiet silhouettes, then the level's cells, then negatives, ignored, positives,
// then the objects' boxes, then the anchor that is looked at. The same layers for the big picture and the small ones.

import type { Matches } from 'kedge/training';
import { type AnchorSet, type Place, placeOf, rowOf } from './anchor-sets.js';
import { drawGround, drawObject } from './objects.js';
import type { GroundTruth } from './scenes.js';
import type { Theme } from './theme.js';

/** What is drawn. */
export interface Picture {
	readonly set: AnchorSet;
	readonly truths: readonly GroundTruth[];
	readonly matches: Matches;
	/** The level looked at; -1: all. */
	readonly level: number;
	readonly cursor: Place | undefined;
	readonly theme: Theme;
}

interface Pen {
	readonly context: CanvasRenderingContext2D;
	readonly side: number;
	readonly scale: number;
}

/** More outlines than these make a blot. */
const MOST_OUTLINES = 240;

/** Height of an object's tag, CSS pixels. */
const TAG = 20;

/** The colour of an object. */
export const truthColour = (theme: Theme, truth: number) => theme.truths[truth % theme.truths.length];

/** Draws one of the small pictures: all levels, no cells. */
export function drawSmall(pen: Pen, picture: Picture): void {
	drawScene(pen, picture);
	drawLabels(pen, { ...picture, level: -1 }, 1);
	drawTruths(pen, picture, false);
	if (picture.cursor) drawAnchor(pen, picture, rowOf(picture.set, picture.cursor), 1.5);
}

/** Draws the big picture. */
export function drawLarge(pen: Pen, picture: Picture): void {
	drawScene(pen, picture);
	if (picture.level >= 0) drawCells(pen, picture);
	drawLabels(pen, picture, 1.6);
	drawTruths(pen, picture, true);
	if (picture.cursor) drawCursor(pen, picture, picture.cursor);
	drawTags(pen, picture);
}

function drawScene({ context, side, scale }: Pen, { truths, theme }: Picture): void {
	drawGround(context, side, { sky: theme.sky, ground: theme.ground, line: theme.court });
	largestFirst(truths).forEach(({ kind, box }, i, before) => {
		const [x, y, right, bottom] = box.map((v) => v * scale);
		const hidden = before.slice(0, i).some((other) => holds(other.box, box));
		drawObject(context, kind, [x, y, right - x, bottom - y], { body: hidden ? theme.figureSmall : theme.figure, detail: theme.figureDetail, edge: theme.sky });
	});
}

/** Whether a box lies in another. */
const holds = (outer: readonly number[], inner: readonly number[]) =>
	inner[0] >= outer[0] && inner[1] >= outer[1] && inner[2] <= outer[2] && inner[3] <= outer[3];

function largestFirst(truths: readonly GroundTruth[]): GroundTruth[] {
	const area = ({ box }: GroundTruth) => (box[2] - box[0]) * (box[3] - box[1]);
	return [...truths].sort((a, b) => area(b) - area(a));
}

/** The grid of one level: where its cells end. */
function drawCells({ context, side, scale }: Pen, { set, level, theme }: Picture): void {
	const { columns, rows, step } = set.levels[level];
	context.strokeStyle = theme.ink;
	context.globalAlpha = 0.07;
	context.lineWidth = 1;
	context.beginPath();
	for (let i = 1; i < columns; i++) {
		const x = Math.round(i * step[0] * scale) + 0.5;
		context.moveTo(x, 0);
		context.lineTo(x, side);
	}
	for (let i = 1; i < rows; i++) {
		const y = Math.round(i * step[1] * scale) + 0.5;
		context.moveTo(0, y);
		context.lineTo(side, y);
	}
	context.stroke();
	context.globalAlpha = 1;
}

/** Centre of an anchor's dot: its cell's centre, and beside it where a cell has several and room for them. */
export function dotOf(set: AnchorSet, place: Place, scale: number): [x: number, y: number] {
	const { origin, step, perCell } = set.levels[place.level];
	const [x, y] = [(origin[0] + place.column * step[0]) * scale, (origin[1] + place.row * step[1]) * scale];
	const across = Math.ceil(Math.sqrt(perCell));
	const down = Math.ceil(perCell / across);
	const gap = Math.min(16, (step[0] * scale) / (across + 0.6));
	if (gap < 3) return [x, y];
	return [x + ((place.shape % across) - (across - 1) / 2) * gap, y + (Math.floor(place.shape / across) - (down - 1) / 2) * gap];
}

/** Negatives as faint points (one per cell of the level), ignored as rings, positives as dots and outlines in their object's colour. */
function drawLabels(pen: Pen, picture: Picture, size: number): void {
	const { set, matches, level, theme } = picture;
	const { labels } = matches;
	const first = level < 0 ? 0 : set.levels[level].start;
	const last = level < 0 || level === set.levels.length - 1 ? labels.length : set.levels[level + 1].start;
	if (level >= 0) drawNegatives(pen, picture);
	const positives: number[] = [];
	const ignored: number[] = [];
	for (let anchor = first; anchor < last; anchor++) {
		if (labels[anchor] === 1) positives.push(anchor);
		else if (labels[anchor] === -1) ignored.push(anchor);
	}
	const { context, scale } = pen;
	if (set.kind === 'boxes') drawOutlines(pen, picture, positives, size);
	const radiusOf = (place: Place) => size * (1.5 + 0.5 * Math.min(4, set.levels.length > 1 ? place.level : 2));
	const spot = (place: Place) => (level < 0 ? centreOf(set, place, scale) : dotOf(set, place, scale));
	context.strokeStyle = theme.ignored;
	context.lineWidth = 1.1 * Math.sqrt(size);
	context.beginPath();
	for (const anchor of ignored) {
		const place = placeOf(set, anchor);
		const [x, y] = spot(place);
		const radius = radiusOf(place) * 0.9;
		context.moveTo(x + radius, y);
		context.arc(x, y, radius, 0, 2 * Math.PI);
	}
	context.stroke();
	for (const anchor of positives) {
		const place = placeOf(set, anchor);
		const [x, y] = spot(place);
		context.fillStyle = truthColour(theme, matches.matches[anchor]);
		context.strokeStyle = theme.halo;
		context.lineWidth = 1;
		context.beginPath();
		context.arc(x, y, radiusOf(place) + 0.4, 0, 2 * Math.PI);
		context.fill();
		context.stroke();
	}
}

function centreOf(set: AnchorSet, { level, row, column }: Place, scale: number): [number, number] {
	const { origin, step } = set.levels[level];
	return [(origin[0] + column * step[0]) * scale, (origin[1] + row * step[1]) * scale];
}

function drawNegatives({ context, scale }: Pen, { set, level, matches, theme }: Picture): void {
	const { rows, columns, perCell } = set.levels[level];
	context.fillStyle = theme.negative;
	for (let row = 0; row < rows; row++) {
		for (let column = 0; column < columns; column++) {
			let quiet = true;
			for (let shape = 0; shape < perCell && quiet; shape++) quiet = matches.labels[rowOf(set, { level, row, column, shape })] === 0;
			const [x, y] = centreOf(set, { level, row, column, shape: 0 }, scale);
			if (quiet) context.fillRect(x - 1, y - 1, 2, 2);
		}
	}
}

function drawOutlines({ context, scale }: Pen, { set, matches, theme, cursor }: Picture, positives: readonly number[], size: number): void {
	const every = Math.max(1, Math.ceil(positives.length / MOST_OUTLINES));
	// an anchor that is looked at is seen better among faint ones
	context.globalAlpha = Math.max(0.18, Math.min(0.75, 6 / Math.max(1, positives.length))) * (cursor && size > 1 ? 0.5 : 1);
	context.lineWidth = size > 1 ? 1.4 : 1;
	for (let i = 0; i < positives.length; i += every) {
		const b = 4 * positives[i];
		context.strokeStyle = truthColour(theme, matches.matches[positives[i]]);
		context.strokeRect(
			set.boxes[b] * scale,
			set.boxes[b + 1] * scale,
			(set.boxes[b + 2] - set.boxes[b]) * scale,
			(set.boxes[b + 3] - set.boxes[b + 1]) * scale,
		);
	}
	context.globalAlpha = 1;
}

/** The objects' boxes with their numbers; dashed and crossed out where no anchor answers. */
function drawTruths({ context, scale }: Pen, { truths, matches, theme }: Picture, large: boolean): void {
	truths.forEach(({ box }, i) => {
		const lost = matches.groundTruths[i]?.lost !== undefined;
		const colour = truthColour(theme, i);
		const [x, y, right, bottom] = box.map((v) => v * scale);
		context.lineJoin = 'round';
		context.setLineDash(lost ? (large ? [7, 5] : [4, 3]) : []);
		context.strokeStyle = theme.halo;
		context.lineWidth = large ? 5 : 3.5;
		context.strokeRect(x, y, right - x, bottom - y);
		context.strokeStyle = lost ? theme.lost : colour;
		context.lineWidth = large ? 2.6 : 1.8;
		context.strokeRect(x, y, right - x, bottom - y);
		context.setLineDash([]);
		if (lost && !large) drawCross(context, (x + right) / 2, (y + bottom) / 2, theme);
	});
}

/** Number and name of each object, and whether it was lost, on top of everything and of each other never. */
function drawTags({ context, side, scale }: Pen, { truths, matches, theme }: Picture): void {
	context.font = '600 12px system-ui, "Liberation Sans", sans-serif';
	context.textBaseline = 'middle';
	const placed: { left: number; top: number; width: number }[] = [];
	truths.forEach(({ kind, box }, i) => {
		const lost = matches.groundTruths[i]?.lost !== undefined;
		const text = `${i + 1} ${kind}${lost ? ', lost' : ''}`;
		const width = context.measureText(text).width + 12;
		const left = Math.max(0, Math.min(box[0] * scale - 1, side - width));
		let top = box[1] * scale < TAG ? box[1] * scale + 1 : box[1] * scale - TAG;
		// tags that would cover each other stand in a column
		while (placed.some((tag) => Math.abs(tag.top - top) < TAG && left < tag.left + tag.width && tag.left < left + width)) top += TAG;
		placed.push({ left, top, width });
		context.fillStyle = lost ? theme.lost : truthColour(theme, i);
		context.beginPath();
		context.roundRect(left, top, width, TAG - 1, 4);
		context.fill();
		context.fillStyle = theme.panel;
		context.fillText(text, left + 6, top + TAG / 2);
	});
}

function drawCross(context: CanvasRenderingContext2D, x: number, y: number, theme: Theme): void {
	context.fillStyle = theme.lost;
	context.beginPath();
	context.arc(x, y, 7, 0, 2 * Math.PI);
	context.fill();
	context.strokeStyle = theme.panel;
	context.lineWidth = 2;
	context.beginPath();
	context.moveTo(x - 3, y - 3);
	context.lineTo(x + 3, y + 3);
	context.moveTo(x + 3, y - 3);
	context.lineTo(x - 3, y + 3);
	context.stroke();
}

/** The cell under the pointer with all its anchors, the chosen one strong. */
function drawCursor(pen: Pen, picture: Picture, place: Place): void {
	const { context, scale } = pen;
	const { set, theme } = picture;
	const { step, origin, perCell } = set.levels[place.level];
	const [x, y] = [(origin[0] + (place.column - 0.5) * step[0]) * scale, (origin[1] + (place.row - 0.5) * step[1]) * scale];
	context.fillStyle = theme.ink;
	context.globalAlpha = 0.09;
	context.fillRect(x, y, step[0] * scale, step[1] * scale);
	context.globalAlpha = 0.32;
	context.strokeStyle = theme.ink;
	context.lineWidth = 1;
	for (let shape = 0; shape < perCell && set.kind === 'boxes'; shape++) {
		const b = 4 * rowOf(set, { ...place, shape });
		const [left, top, right, bottom] = [set.boxes[b], set.boxes[b + 1], set.boxes[b + 2], set.boxes[b + 3]].map((v) => v * scale);
		context.strokeRect(left, top, right - left, bottom - top);
	}
	context.globalAlpha = 1;
	drawAnchor(pen, picture, rowOf(set, place), 3);
	const [dotX, dotY] = dotOf(set, place, scale);
	context.strokeStyle = theme.ink;
	context.lineWidth = 1.5;
	context.beginPath();
	context.arc(dotX, dotY, 7, 0, 2 * Math.PI);
	context.stroke();
}

/** One anchor in the colour of its label; a point as crosshairs. */
function drawAnchor({ context, scale }: Pen, { set, matches, theme }: Picture, anchor: number, width: number): void {
	const label = matches.labels[anchor];
	const colour = label === 1 ? truthColour(theme, matches.matches[anchor]) : label === -1 ? theme.ignored : theme.ink;
	const b = 4 * anchor;
	const [left, top, right, bottom] = [set.boxes[b], set.boxes[b + 1], set.boxes[b + 2], set.boxes[b + 3]].map((v) => v * scale);
	context.beginPath();
	if (set.kind === 'boxes') context.rect(left, top, right - left, bottom - top);
	else {
		const [x, y] = [(left + right) / 2, (top + bottom) / 2];
		context.moveTo(x - 9, y);
		context.lineTo(x + 9, y);
		context.moveTo(x, y - 9);
		context.lineTo(x, y + 9);
	}
	context.strokeStyle = theme.halo;
	context.lineWidth = width + 2;
	context.stroke();
	context.strokeStyle = colour;
	context.lineWidth = width;
	context.stroke();
}

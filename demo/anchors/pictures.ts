// What the page paints itself: beneath the cloud the region of sizes that each anchor is nearest to, and the anchors as
// rectangles to scale.

import { isDark } from '../look.js';
import { anchorColour, anchorRgb } from './charts.js';

export type Distance = 'iou' | 'euclidean' | 'whitened';

/** Pixels that a colour block of the regions is wide. */
const BLOCK = 3;

/** What the regions depend on. Anchors are sorted by area, small ones first. */
export interface Regions {
	readonly anchors: ArrayLike<number>;
	readonly distance: Distance;
	/** Standard deviation of widths and heights. */
	readonly spread: readonly [number, number];
	readonly inputSize: number;
	readonly axes: 'log' | 'value';
}

/** Paints each anchor's region into a canvas that covers the plot's area. */
export function paintRegions(
	canvas: HTMLCanvasElement,
	area: { left: number; top: number; width: number; height: number },
	regions: Regions | undefined,
): void {
	canvas.style.left = `${area.left}px`;
	canvas.style.top = `${area.top}px`;
	canvas.style.width = `${area.width}px`;
	canvas.style.height = `${area.height}px`;
	const [columns, rows] = [Math.ceil(area.width / BLOCK), Math.ceil(area.height / BLOCK)];
	if (canvas.width !== columns) canvas.width = columns;
	if (canvas.height !== rows) canvas.height = rows;
	const context = canvas.getContext('2d');
	if (!context) return;
	if (!regions) {
		context.clearRect(0, 0, columns, rows);
		return;
	}
	const { anchors, axes, inputSize } = regions;
	const count = anchors.length / 2;
	const high = Math.ceil(Math.log2(inputSize));
	const at = (share: number) => (axes === 'log' ? 2 ** (1 + share * (high - 1)) : share * inputSize);
	const colours = Array.from({ length: count }, (_, k) => anchorRgb(k, count));
	const tint = isDark() ? 22 : 30;
	const image = context.createImageData(columns, rows);
	const widths = Array.from({ length: columns }, (_, x) => at((x + 0.5) / columns));
	for (let y = 0; y < rows; y++) {
		const h = at(1 - (y + 0.5) / rows);
		for (let x = 0; x < columns; x++) {
			const k = nearest(widths[x], h, anchors, regions);
			const [r, g, b] = colours[k];
			image.data.set([r, g, b, tint], 4 * (y * columns + x));
		}
	}
	context.putImageData(image, 0, 0);
}

/** The anchor that each size [N, 2] is nearest to. */
export function nearestAnchors(sizes: ArrayLike<number>, regions: Pick<Regions, 'anchors' | 'distance' | 'spread'>): Uint32Array {
	return Uint32Array.from({ length: sizes.length / 2 }, (_, i) => nearest(sizes[2 * i], sizes[2 * i + 1], regions.anchors, regions));
}

function nearest(w: number, h: number, anchors: ArrayLike<number>, { distance, spread }: Pick<Regions, 'distance' | 'spread'>): number {
	let best = 0;
	let least = Number.POSITIVE_INFINITY;
	for (let k = 0; k < anchors.length / 2; k++) {
		const [a, b] = [anchors[2 * k], anchors[2 * k + 1]];
		const both = Math.min(w, a) * Math.min(h, b);
		const away =
			distance === 'iou'
				? 1 - both / (w * h + a * b - both)
				: distance === 'euclidean'
					? (w - a) ** 2 + (h - b) ** 2
					: ((w - a) / spread[0]) ** 2 + ((h - b) / spread[1]) ** 2;
		if (away < least) [least, best] = [away, k];
	}
	return best;
}

/** Draws the anchors to scale about one centre, in a square that is the network's input. */
export function paintInset(canvas: HTMLCanvasElement, anchors: ArrayLike<number>, inputSize: number): void {
	const density = window.devicePixelRatio || 1;
	const side = canvas.clientWidth;
	if (side === 0) return;
	canvas.width = canvas.height = Math.round(side * density);
	const context = canvas.getContext('2d');
	if (!context) return;
	context.setTransform(density, 0, 0, density, 0, 0);
	context.clearRect(0, 0, side, side);
	const scale = side / inputSize;
	const count = anchors.length / 2;
	for (let k = count - 1; k >= 0; k--) {
		const [w, h] = [anchors[2 * k] * scale, anchors[2 * k + 1] * scale];
		context.fillStyle = anchorColour(k, count, 0.12);
		context.strokeStyle = anchorColour(k, count);
		context.lineWidth = 2;
		context.beginPath();
		context.rect((side - w) / 2, (side - h) / 2, w, h);
		context.fill();
		context.stroke();
	}
}

// The demo's clip without a canvas: fills the same polygons into RGB bytes, so that Node can make pictures and videos
// whose shapes stand where demo/scene.ts says. Edges are smoothed by four samples a pixel, each way two.

import { BACKGROUND, CLIP, SHAPE_COLOURS, shapesAt } from '../../demo/scene.js';

/** An RGB picture, 3 bytes a pixel, rows from the top. */
export interface Picture {
	width: number;
	height: number;
	rgb: Uint8Array;
}

/** Frame `frame` of the clip, scaled to `width` pixels. */
export function scenePicture(frame: number, width: number = CLIP.width): Picture {
	const scale = width / CLIP.width;
	const height = Math.round(CLIP.height * scale);
	const rgb = new Uint8Array(width * height * 3);
	for (let y = 0; y < height; y++) {
		const t = (y + 0.5) / height;
		for (let x = 0; x < width; x++) for (let c = 0; c < 3; c++) rgb[3 * (y * width + x) + c] = BACKGROUND[0][c] * (1 - t) + BACKGROUND[1][c] * t;
	}
	for (const { classId, points, box } of shapesAt(frame)) {
		const corners = points.map(([x, y]) => [x * scale, y * scale] as const);
		const [xmin, ymin, xmax, ymax] = box.map((v) => v * scale);
		for (let y = Math.max(0, Math.floor(ymin)); y < Math.min(height, ymax); y++) {
			for (let x = Math.max(0, Math.floor(xmin)); x < Math.min(width, xmax); x++) {
				let hits = 0;
				for (const [dx, dy] of [
					[0.25, 0.25],
					[0.75, 0.25],
					[0.25, 0.75],
					[0.75, 0.75],
				])
					hits += inside(corners, x + dx, y + dy) ? 1 : 0;
				const at = 3 * (y * width + x);
				for (let c = 0; c < 3; c++) rgb[at + c] += ((SHAPE_COLOURS[classId][c] - rgb[at + c]) * hits) / 4;
			}
		}
	}
	return { width, height, rgb };
}

/** Even-odd rule: a ray to the right crosses the outline an odd number of times. */
function inside(corners: readonly (readonly [number, number])[], x: number, y: number): boolean {
	let odd = false;
	for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
		const [xi, yi] = corners[i];
		const [xj, yj] = corners[j];
		if (yi > y !== yj > y && x < xi + ((xj - xi) * (y - yi)) / (yj - yi)) odd = !odd;
	}
	return odd;
}

// Detections with mask coefficients and prototypes, random but the same for a seed; and the masks that they have, by plain
// loops in double precision: matrix product, crop with half-open edges, bilinear resizing with pixel centres at halves.

import { random } from './random.js';

export interface MaskScene {
	readonly boxes: Float32Array;
	readonly maskCoefficients: Float32Array;
	readonly count: number;
	/** [M, height, width] */
	readonly prototypes: Float32Array;
	readonly dims: readonly [number, number, number];
}

/** Boxes reach beyond the input on all sides; some are empty. */
export function maskScene(count: number, dims: readonly [number, number, number], inputSize: readonly [number, number], seed: number): MaskScene {
	const next = random(seed);
	const [numPrototypes, height, width] = dims;
	const boxes = Float32Array.from({ length: count * 4 }, (_, k) => (next() * 1.4 - 0.2) * inputSize[1 - (k & 1)]);
	for (let k = 0; k < boxes.length; k += 4) {
		if (next() < 0.1) continue; // as it is, often inverted
		for (const c of [k, k + 1]) [boxes[c], boxes[c + 2]] = [Math.min(boxes[c], boxes[c + 2]), Math.max(boxes[c], boxes[c + 2])];
	}
	const maskCoefficients = Float32Array.from({ length: count * numPrototypes }, () => next() * 2 - 1);
	const prototypes = Float32Array.from({ length: numPrototypes * height * width }, () => next() * 2 - 1);
	return { boxes, maskCoefficients, count, prototypes, dims };
}

/** Row by row, [rows, columns]. */
type Grid = number[][];

/** Coefficients x prototypes of one detection. */
export function plainLogits({ maskCoefficients, prototypes, dims: [m, h, w] }: MaskScene, i: number): Grid {
	return Array.from({ length: h }, (_, y) =>
		Array.from({ length: w }, (_, x) => {
			let sum = 0;
			for (let k = 0; k < m; k++) sum += maskCoefficients[i * m + k] * prototypes[(k * h + y) * w + x];
			return sum;
		}),
	);
}

/** 0 where not x1 <= column < x2 and y1 <= row < y2. */
export function plainCrop(grid: Grid, [x1, y1, x2, y2]: readonly number[]): Grid {
	return grid.map((line, y) => line.map((v, x) => (x >= x1 && x < x2 && y >= y1 && y < y2 ? v : 0)));
}

/** Bilinear; `place` says where in the grid the point (x, y) of the output lies, in pixels from its corner. */
export function plainResize(grid: Grid, [height, width]: readonly [number, number], place: (x: number, y: number) => readonly [number, number]): Grid {
	const clamp = (v: number, n: number) => Math.min(Math.max(v, 0), n - 1);
	const [h, w] = [grid.length, grid[0].length];
	return Array.from({ length: height }, (_, row) =>
		Array.from({ length: width }, (_, column) => {
			const [px, py] = place(column + 0.5, row + 0.5);
			const [x, y] = [clamp(px - 0.5, w), clamp(py - 0.5, h)];
			const [x0, y0] = [Math.floor(x), Math.floor(y)];
			const [x1, y1] = [clamp(x0 + 1, w), clamp(y0 + 1, h)];
			const upper = grid[y0][x0] * (1 - (x - x0)) + grid[y0][x1] * (x - x0);
			const lower = grid[y1][x0] * (1 - (x - x0)) + grid[y1][x1] * (x - x0);
			return upper * (1 - (y - y0)) + lower * (y - y0);
		}),
	);
}

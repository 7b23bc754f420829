// Box sizes as data sets have them: areas and shapes of log-normal distribution, or boxes around known centres.

import { random } from './random.js';

/** A normal deviate of the generator. */
function gauss(next: () => number): number {
	return Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
}

/** n widths and heights [n, 2] in pixels of a 640 input, 2 to 640; `step` rounds them, so that some are equal. */
export function randomSizes(n: number, seed: number, step = 0): Float32Array {
	const next = random(seed);
	const sizes = new Float32Array(2 * n);
	for (let i = 0; i < n; i++) {
		const side = Math.exp(3.9 + 0.9 * gauss(next));
		const shape = Math.exp(0.25 * gauss(next));
		[side * shape, side / shape].forEach((length, axis) => {
			const rounded = step ? Math.round(length / step) * step : length;
			sizes[2 * i + axis] = Math.min(640, Math.max(2, rounded));
		});
	}
	return sizes;
}

/** `each` sizes around every centre [K, 2], within 5 %, shuffled. */
export function sizesAround(centers: readonly number[], each: number, seed: number): Float32Array {
	const next = random(seed);
	const all = Array.from({ length: (centers.length / 2) * each }, (_, i) => {
		const k = i % (centers.length / 2);
		return [centers[2 * k], centers[2 * k + 1]].map((side) => side * (0.95 + 0.1 * next()));
	});
	for (let i = all.length - 1; i > 0; i--) {
		const j = Math.floor(next() * (i + 1));
		[all[i], all[j]] = [all[j], all[i]];
	}
	return Float32Array.from(all.flat());
}

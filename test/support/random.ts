// Seeded random numbers and the box sets that detectors, adversaries and textbooks make. One generator for all tests.

/** Random numbers in [0, 1), the same for a seed everywhere (mulberry32). */
export function random(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let t = Math.imul(state ^ (state >>> 15), state | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

export type BoxSet = 'clustered' | 'uniform' | 'integer' | 'degenerate' | 'identical' | 'chain' | 'disjoint';
export type ScoreSet = 'distinct' | 'few' | 'equal' | 'nasty';

/** n boxes [n, 4] xyxy. */
export function randomBoxes(n: number, set: BoxSet, next: () => number): Float32Array {
	const boxes = new Float32Array(n * 4);
	const numObjects = Math.max(1, Math.round(n / 12));
	const objects = Array.from({ length: numObjects }, () => [next() * 600, next() * 600, 10 + next() * 120, 10 + next() * 120]);
	for (let i = 0; i < n; i++) {
		const [x, y, w, h] = objects[Math.floor(next() * numObjects)];
		let box: number[];
		if (set === 'clustered') box = [x + next() * 8, y + next() * 8, x + w + next() * 8, y + h + next() * 8];
		else if (set === 'uniform') box = ((a, b) => [a, b, a + 4 + next() * 30, b + 4 + next() * 30])(next() * 1000, next() * 1000);
		else if (set === 'identical') box = [10, 20, 30, 50];
		else if (set === 'chain') box = [i * 3, 0, i * 3 + 10, 10];
		else if (set === 'disjoint') box = [(i % 100) * 10, Math.floor(i / 100) * 10, (i % 100) * 10 + 9, Math.floor(i / 100) * 10 + 9];
		else box = ((a, b) => [a, b, a + 1 + Math.floor(next() * 10), b + 1 + Math.floor(next() * 10)])(Math.floor(next() * 20), Math.floor(next() * 20));
		if (set === 'degenerate' && next() < 0.4) box[Math.floor(next() * 4)] = NASTY[Math.floor(next() * NASTY.length)];
		boxes.set(box, i * 4);
	}
	return boxes;
}

/** Values at which arithmetic, comparisons and devices part. */
const NASTY = [
	Number.NaN,
	Number.POSITIVE_INFINITY,
	Number.NEGATIVE_INFINITY,
	-0,
	0,
	1e-40,
	-1e-40,
	1.2e-38,
	1e18,
	2 ** 61,
	2 ** 62,
	-(2 ** 62),
	3e38,
	16777217,
	5,
	5.0000005,
];

/** n scores. */
export function randomScores(n: number, set: ScoreSet, next: () => number): Float32Array {
	const scores = new Float32Array(n);
	for (let i = 0; i < n; i++) {
		if (set === 'distinct') scores[i] = next();
		else if (set === 'few') scores[i] = Math.floor(next() * 8) / 8;
		else if (set === 'equal') scores[i] = 0.5;
		else scores[i] = next() < 0.5 ? next() : NASTY[Math.floor(next() * NASTY.length)];
	}
	return scores;
}

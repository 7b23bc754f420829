// Seeded sets of rotated boxes: as detectors make them, with sides and corners in common, of many sizes, and spoiled ones.

export type RotatedSet = 'clustered' | 'whole' | 'sizes' | 'spoiled';

const BAD = [NaN, Infinity, -Infinity, 4096, 3e38, 0, -0, 1e-40, -5];

/** n boxes [n, 5]: centre, size, radians. */
export function randomRotated(n: number, set: RotatedSet, next: () => number): Float32Array {
	const rows = new Float32Array(n * 5);
	const numObjects = Math.max(1, Math.round(n / 12));
	const objects = Array.from({ length: numObjects }, () => [next() * 300, next() * 300, 10 + next() * 60, 10 + next() * 30, next() * 7 - 3.5]);
	for (let i = 0; i < n; i++) {
		const [x, y, w, h, angle] = objects[Math.floor(next() * numObjects)];
		let row = [x + next() * 8, y + next() * 8, w + next() * 8, h + next() * 8, angle + next() * 0.3];
		if (set === 'whole')
			row = [next() * 20, next() * 20, 1 + next() * 6, 1 + next() * 6, next() * 9 - 4].map((v, k) =>
				k < 4 ? 2 * Math.floor(v) : (Math.floor(v) * Math.PI) / 4,
			);
		if (set === 'sizes') row = [next() * 40, next() * 40, 2 ** (next() * 12 - 4), 2 ** (next() * 12 - 4), (next() - 0.5) * (i % 5 ? 8 : 4000)];
		if (set === 'spoiled' && next() < 0.4) row[Math.floor(next() * 5)] = BAD[Math.floor(next() * BAD.length)];
		rows.set(row, i * 5);
	}
	return rows;
}

// The plane in which sizes are clustered: rows as points, how far a point is from a centre, where centres start, and what they become.
// All of it on the CPU, whoever assigns the points: so both ways share every step that is not the assignment itself.

import { floatBits, MIN_NORMAL } from '../../numbers.js';
import type { SeededRandom } from '../random.js';
import { shapeIou } from './metric.js';
import { type SizeRows, sortByValue } from './sizes.js';

const round = Math.fround;

/** Rows of sizes as points, sorted by x. */
export interface Points {
	readonly x: Float32Array;
	readonly y: Float32Array;
	/** Boxes at each point, and at all. */
	readonly counts: Float64Array;
	readonly total: number;
	readonly isIou: boolean;
	/** What x and y were divided by. */
	readonly scale: readonly [number, number];
	/** Coordinates in whole units, 1 to 2^24 of them: x at even, y at odd places. Their sums are exact in any order. */
	readonly whole: Uint32Array;
	/** Of x and of y: whitening may leave one a million times as long as the other. */
	readonly units: readonly [number, number];
}

/** The plane of a distance. Where all widths or all heights are equal, whitening leaves them as they are, as scipy's does. */
export function makePoints({ widths, heights, counts, total }: SizeRows, distance: 'iou' | 'euclidean' | 'whitened'): Points {
	const whitens = distance === 'whitened';
	const scale = [widths, heights].map((sides) => (whitens ? deviation(sides, counts, total) || 1 : 1)) as [number, number];
	const [x, y] = whitens ? [widths.map((side) => side / scale[0]), heights.map((side) => side / scale[1])] : [widths, heights];
	const units = [unitOf(x), unitOf(y)] as const;
	const whole = new Uint32Array(2 * x.length);
	for (let r = 0; r < x.length; r++) {
		whole[2 * r] = toWhole(x[r], units[0]);
		whole[2 * r + 1] = toWhole(y[r], units[1]);
	}
	return { x, y, counts, total, isIou: distance === 'iou', scale, whole, units };
}

/** The power of two of which the longest side has 2^23 to 2^24. */
function unitOf(sides: Float32Array): number {
	const most = sides.reduce((a, b) => Math.max(a, b), 0);
	// most is below 2^(exponent + 1)
	const exponent = (floatBits(most) >>> 23) - 127;
	return most > 0 ? 2 ** (exponent + 1 - 24) : 1;
}

/** The nearest number of units; never 0, so that no mean is. */
function toWhole(side: number, unit: number): number {
	return Math.max(1, Math.floor(side / unit + 0.5));
}

/** The standard deviation over the boxes, of the population, as NumPy's `std`. */
function deviation(sides: Float32Array, counts: Float64Array, total: number): number {
	let sum = 0;
	for (let r = 0; r < sides.length; r++) sum += sides[r] * counts[r];
	const mean = sum / total;
	let squares = 0;
	for (let r = 0; r < sides.length; r++) squares += (sides[r] - mean) ** 2 * counts[r];
	return Math.sqrt(squares / total);
}

/** The square of the distance of two points in float32 steps; below the smallest normal float it is 0. */
export function squaredDistance(x: number, y: number, otherX: number, otherY: number): number {
	const dx = round(x - otherX);
	const dy = round(y - otherY);
	const a = round(dx * dx);
	const b = round(dy * dy);
	return round((a < MIN_NORMAL ? 0 : a) + (b < MIN_NORMAL ? 0 : b));
}

/** What is made least: 1 - IoU, or the squared distance. */
export function costOf({ x, y, isIou }: Points, row: number, centers: Float32Array, k: number): number {
	if (isIou) return 1 - shapeIou(x[row], y[row], centers[2 * k], centers[2 * k + 1]);
	return squaredDistance(x[row], y[row], centers[2 * k], centers[2 * k + 1]);
}

/** The mean distance of the boxes to their centres: of the starts, the one with the least is kept. */
export function meanDistance(points: Points, centers: Float32Array, assigned: Uint32Array): number {
	let sum = 0;
	for (let r = 0; r < assigned.length; r++) {
		const cost = costOf(points, r, centers, assigned[r]);
		sum += points.counts[r] * (points.isIou ? cost : Math.sqrt(cost));
	}
	return sum / points.total;
}

/** Centres at the points of these rows. */
function centersAt({ x, y }: Points, rows: readonly number[]): Float32Array {
	return Float32Array.from(rows.flatMap((row) => [x[row], y[row]]));
}

/** A row with a chance in proportion to its weight. Weights must not all be 0. */
function drawRow(weights: Float64Array, random: SeededRandom): number {
	let total = 0;
	for (const weight of weights) total += weight;
	let left = random.next() * total;
	let last = 0;
	for (let r = 0; r < weights.length; r++) {
		if (weights[r] === 0) continue;
		last = r;
		left -= weights[r];
		if (left < 0) return r;
	}
	return last; // by rounding
}

/** `count` centres at different points, each box as likely as the other. At most as many as there are points. */
export function randomCenters(points: Points, count: number, random: SeededRandom): Float32Array {
	const weights = points.counts.slice();
	const chosen: number[] = [];
	while (chosen.length < count) {
		const row = drawRow(weights, random);
		weights[row] = 0;
		chosen.push(row);
	}
	return centersAt(points, chosen);
}

/** k-means++: each centre at a box drawn by the square of its distance to those before it (Arthur and Vassilvitskii 2007). */
export function spreadCenters(points: Points, count: number, random: SeededRandom): Float32Array {
	const { counts, isIou } = points;
	const chosen = [drawRow(counts, random)];
	const least = new Float64Array(counts.length).fill(Infinity);
	const weights = new Float64Array(counts.length);
	while (chosen.length < count) {
		const center = centersAt(points, [chosen[chosen.length - 1]]);
		let total = 0;
		for (let r = 0; r < counts.length; r++) {
			const cost = costOf(points, r, center, 0);
			least[r] = Math.min(least[r], isIou ? cost * cost : cost);
			weights[r] = least[r] * counts[r];
			total += weights[r];
		}
		if (total === 0) {
			// what is left differs from its centre by less than a float tells
			counts.forEach((n, r) => (weights[r] = chosen.includes(r) ? 0 : n));
		}
		chosen.push(drawRow(weights, random));
	}
	return centersAt(points, chosen);
}

/** Clusters by their numbers: boxes and sums of whole coordinates of each. */
export interface ClusterSums {
	readonly counts: Float64Array;
	/** [K, 2] */
	readonly sums: Float64Array;
}

/** Means of clusters [K, 2]; an empty one stays where it is. */
export function means({ units }: Points, { counts, sums }: ClusterSums, centers: Float32Array): Float32Array {
	return centers.map((old, i) => (counts[i >> 1] ? (sums[i] * units[i & 1]) / counts[i >> 1] : old));
}

/** Rows sorted by y, for medians. */
export function orderByHeight({ y }: Points): Uint32Array {
	return sortByValue(Uint32Array.from(y.keys()), y);
}

/** Medians of clusters [K, 2], of an even number of boxes the mean of the middle two, as NumPy's; an empty one stays where it is. */
export function medians(points: Points, byHeight: Uint32Array, assigned: Uint32Array, { counts }: ClusterSums, centers: Float32Array): Float32Array {
	const out = centers.slice();
	for (const axis of [0, 1]) {
		const values = axis ? points.y : points.x;
		const seen = new Float64Array(counts.length);
		const lower = new Float64Array(counts.length);
		for (let i = 0; i < assigned.length; i++) {
			const row = axis ? byHeight[i] : i;
			const cluster = assigned[row];
			const before = seen[cluster];
			const after = before + points.counts[row];
			seen[cluster] = after;
			const first = Math.floor((counts[cluster] - 1) / 2);
			const second = Math.floor(counts[cluster] / 2);
			if (before <= first && first < after) lower[cluster] = values[row];
			if (before <= second && second < after) out[2 * cluster + axis] = (lower[cluster] + values[row]) / 2;
		}
	}
	return out;
}

/** Rows farthest from their centres, farthest first, lower rows first among equals; none that is at its centre, no point twice. */
export function farthestRows(points: Points, centers: Float32Array, assigned: Uint32Array, count: number): number[] {
	const found: { row: number; cost: number }[] = [];
	for (let row = 0; row < assigned.length; row++) {
		const cost = costOf(points, row, centers, assigned[row]);
		if (!(cost > 0) || (found.length === count && cost <= found[count - 1].cost)) continue;
		const at = found.findIndex((other) => other.cost < cost);
		found.splice(at < 0 ? found.length : at, 0, { row, cost });
		if (found.length > count) found.pop();
	}
	return found.map(({ row }) => row);
}

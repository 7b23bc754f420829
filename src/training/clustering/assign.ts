// The step of k-means that costs: every point to its nearest centre, the lower one among equals, and the sums of each cluster.
// Here on the CPU; its twin is assign-gpu.ts with shaders/training/assign.wgsl.ts.

import { MIN_NORMAL } from '../../numbers.js';
import { type ClusterSums, type Points, squaredDistance } from './points.js';
import { NONE } from './sizes.js';

const round = Math.fround;

/** Assigns points again and again. Clusters have numbers that stay when others are dropped. */
export interface Assigner {
	/** Starts anew: no point has a cluster. */
	reset(): void;
	/** Centres by cluster number [numClusters, 2]; only those of `alive` take part. Gives the sums, and boxes that changed their cluster. */
	assign(centers: Float32Array, alive: Uint32Array, signal?: AbortSignal): Promise<ClusterSums & { moved: number }> | (ClusterSums & { moved: number });
	/** The cluster of each row. */
	assigned(): Promise<Uint32Array> | Uint32Array;
}

export class CpuAssigner implements Assigner {
	readonly #points: Points;
	readonly #assigned: Uint32Array;
	/** The place of each row's centre among those that take part. */
	readonly #nearest: Uint16Array;

	constructor(points: Points) {
		this.#points = points;
		this.#assigned = new Uint32Array(points.x.length).fill(NONE);
		this.#nearest = new Uint16Array(points.x.length);
	}

	reset(): void {
		this.#assigned.fill(NONE);
	}

	assigned(): Uint32Array {
		return this.#assigned.slice();
	}

	assign(centers: Float32Array, alive: Uint32Array): ClusterSums & { moved: number } {
		const { counts, whole, isIou } = this.#points;
		const assigned = this.#assigned;
		const nearest = isIou ? this.#byIou(centers, alive) : this.#byDistance(centers, alive);
		const sums = new Float64Array(centers.length);
		const boxes = new Float64Array(centers.length / 2);
		let moved = 0;
		for (let row = 0; row < counts.length; row++) {
			const cluster = alive[nearest[row]];
			const count = counts[row];
			if (cluster !== assigned[row]) moved += count;
			assigned[row] = cluster;
			boxes[cluster] += count;
			sums[2 * cluster] += whole[2 * row] * count;
			sums[2 * cluster + 1] += whole[2 * row + 1] * count;
		}
		return { counts: boxes, sums, moved };
	}

	/** For each row which of `alive` has the highest `shapeIou`. */
	#byIou(centers: Float32Array, alive: Uint32Array): Uint16Array {
		const { x, y } = this.#points;
		const nearest = this.#nearest;
		const { across, down } = only(centers, alive);
		const areas = across.map((side, c) => side * down[c]);
		for (let row = 0; row < x.length; row++) {
			const width = x[row];
			const height = y[row];
			const area = round(width * height);
			let best = -1;
			for (let c = 0; c < areas.length; c++) {
				const intersection = round((width < across[c] ? width : across[c]) * (height < down[c] ? height : down[c]));
				const iou = intersection / round(round(area + areas[c]) - intersection);
				// what is not higher in double precision is not higher when it is rounded
				if (iou <= best) continue;
				const rounded = iou < MIN_NORMAL ? 0 : round(iou);
				if (rounded <= best) continue;
				best = rounded;
				nearest[row] = c;
			}
		}
		return nearest;
	}

	/** For each row which of `alive` has the least `squaredDistance`. */
	#byDistance(centers: Float32Array, alive: Uint32Array): Uint16Array {
		const { x, y } = this.#points;
		const nearest = this.#nearest;
		const { across, down } = only(centers, alive);
		for (let row = 0; row < x.length; row++) {
			let best = Infinity;
			for (let c = 0; c < across.length; c++) {
				const distance = squaredDistance(x[row], y[row], across[c], down[c]);
				if (distance >= best) continue;
				best = distance;
				nearest[row] = c;
			}
		}
		return nearest;
	}
}

/** Coordinates of the centres that take part. */
function only(centers: Float32Array, alive: Uint32Array): { across: Float32Array; down: Float32Array } {
	return { across: Float32Array.from(alive, (k) => centers[2 * k]), down: Float32Array.from(alive, (k) => centers[2 * k + 1]) };
}

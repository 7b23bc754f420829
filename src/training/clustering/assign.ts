// The step of k-means that costs: every point to its nearest centre, the lower one among equals, and the sums of each cluster.
// Here on the CPU; its twin is assign-gpu.ts with shaders/training/assign.wgsl.ts.

import { shapeIou } from './metric.js';
import { type ClusterSums, type Points, squaredDistance } from './points.js';
import { NONE } from './sizes.js';

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

	constructor(points: Points) {
		this.#points = points;
		this.#assigned = new Uint32Array(points.x.length).fill(NONE);
	}

	reset(): void {
		this.#assigned.fill(NONE);
	}

	assigned(): Uint32Array {
		return this.#assigned.slice();
	}

	assign(centers: Float32Array, alive: Uint32Array): ClusterSums & { moved: number } {
		const { x, counts, whole, isIou } = this.#points;
		const assigned = this.#assigned;
		const sums = new Float64Array(centers.length);
		const boxes = new Float64Array(centers.length / 2);
		let moved = 0;
		for (let row = 0; row < x.length; row++) {
			const cluster = isIou ? this.#byIou(row, centers, alive) : this.#byDistance(row, centers, alive);
			const count = counts[row];
			if (cluster !== assigned[row]) moved += count;
			assigned[row] = cluster;
			boxes[cluster] += count;
			sums[2 * cluster] += whole[2 * row] * count;
			sums[2 * cluster + 1] += whole[2 * row + 1] * count;
		}
		return { counts: boxes, sums, moved };
	}

	#byIou(row: number, centers: Float32Array, alive: Uint32Array): number {
		const { x, y } = this.#points;
		let best = -1;
		let cluster = alive[0];
		for (let c = 0; c < alive.length; c++) {
			const iou = shapeIou(x[row], y[row], centers[2 * alive[c]], centers[2 * alive[c] + 1]);
			if (iou <= best) continue;
			best = iou;
			cluster = alive[c];
		}
		return cluster;
	}

	#byDistance(row: number, centers: Float32Array, alive: Uint32Array): number {
		const { x, y } = this.#points;
		let best = Infinity;
		let cluster = alive[0];
		for (let c = 0; c < alive.length; c++) {
			const distance = squaredDistance(x[row], y[row], centers[2 * alive[c]], centers[2 * alive[c] + 1]);
			if (distance >= best) continue;
			best = distance;
			cluster = alive[c];
		}
		return cluster;
	}
}

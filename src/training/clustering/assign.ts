// The step of k-means that costs: every point to its nearest centre, the lower one among equals, and the sums of each cluster.
// Here as textbooks have it; assign-leaves.ts is the fast way on the CPU, assign-gpu.ts with shaders/training/assign.wgsl.ts the GPU's.

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

/** Point by point, centre by centre: the specification. */
export class PlainAssigner implements Assigner {
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
		const { x, y, counts, whole, isIou } = this.#points;
		const sums = new Float64Array(centers.length);
		const boxes = new Float64Array(centers.length / 2);
		let moved = 0;
		for (let row = 0; row < x.length; row++) {
			let cluster = alive[0];
			let most = -Infinity;
			for (const k of alive) {
				const [across, down] = [centers[2 * k], centers[2 * k + 1]];
				const nearness = isIou ? shapeIou(x[row], y[row], across, down) : -squaredDistance(x[row], y[row], across, down);
				if (nearness > most) [most, cluster] = [nearness, k];
			}
			if (cluster !== this.#assigned[row]) moved += counts[row];
			this.#assigned[row] = cluster;
			boxes[cluster] += counts[row];
			sums[2 * cluster] += whole[2 * row] * counts[row];
			sums[2 * cluster + 1] += whole[2 * row + 1] * counts[row];
		}
		return { counts: boxes, sums, moved };
	}
}

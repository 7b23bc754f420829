// The fast way to assign points on the CPU: leaves of like sizes (leaves.ts) tell which centres can be the nearest for any of their points.
// Mostly it is one, and then the whole leaf goes there, with sums that were made once. PlainAssigner of assign.ts is the textbook for it.

import { MIN_NORMAL } from '../../numbers.js';
import type { Assigner } from './assign.js';
import { leastIou, mostIou } from './iou-bounds.js';
import { type Leaves, makeLeaves } from './leaves.js';
import { type ClusterSums, type Points, squaredDistance } from './points.js';
import { NONE } from './sizes.js';

const round = Math.fround;

/** A leaf whose points have clusters of their own. */
const MIXED = -1;

/** Centres that take part: coordinates, and areas in float32. */
interface Centers {
	readonly across: Float32Array;
	readonly down: Float32Array;
	readonly areas: Float32Array;
}

export class LeafAssigner implements Assigner {
	readonly #points: Points;
	readonly #leaves: Leaves;
	/** [leaves, 2] sums of whole coordinates. */
	readonly #wholeSums: Float64Array;
	/** The cluster of all points of a leaf, or MIXED: then each has its own. */
	readonly #ofLeaf: Int32Array;
	readonly #ofPoint: Uint32Array;
	#centers!: Centers;
	#all!: Uint16Array;
	#inBlock!: Uint16Array;
	#inLeaf!: Uint16Array;
	#most!: Float64Array;

	constructor(points: Points) {
		this.#points = points;
		this.#leaves = makeLeaves({ widths: points.x, heights: points.y, counts: points.counts });
		const { numLeaves, order, leafSize } = this.#leaves;
		this.#wholeSums = new Float64Array(2 * numLeaves);
		for (let place = 0; place < order.length; place++) {
			const at = 2 * Math.floor(place / leafSize);
			this.#wholeSums[at] += points.whole[2 * order[place]] * points.counts[order[place]];
			this.#wholeSums[at + 1] += points.whole[2 * order[place] + 1] * points.counts[order[place]];
		}
		this.#ofLeaf = new Int32Array(numLeaves);
		this.#ofPoint = new Uint32Array(order.length);
		this.reset();
	}

	reset(): void {
		this.#ofLeaf.fill(MIXED);
		this.#ofPoint.fill(NONE);
	}

	assigned(): Uint32Array {
		const { order, leafSize } = this.#leaves;
		const rows = new Uint32Array(order.length);
		for (let place = 0; place < order.length; place++) {
			const cluster = this.#ofLeaf[Math.floor(place / leafSize)];
			rows[order[place]] = cluster === MIXED ? this.#ofPoint[place] : cluster;
		}
		return rows;
	}

	assign(centers: Float32Array, alive: Uint32Array): ClusterSums & { moved: number } {
		const { numLeaves, blockSize, bounds, blockBounds } = this.#leaves;
		const found = { counts: new Float64Array(centers.length / 2), sums: new Float64Array(centers.length), moved: 0 };
		this.#take(centers, alive);
		for (let begin = 0, block = 0; begin < numLeaves; begin += blockSize, block++) {
			const numInBlock = this.#select(blockBounds, block, this.#all, alive.length, this.#inBlock);
			for (let leaf = begin; leaf < begin + blockSize && leaf < numLeaves; leaf++) {
				const numInLeaf = this.#select(bounds, leaf, this.#inBlock, numInBlock, this.#inLeaf);
				found.moved += numInLeaf === 1 ? this.#assignLeaf(leaf, alive[this.#inLeaf[0]], found) : this.#assignPoints(leaf, numInLeaf, alive, found);
			}
		}
		return found;
	}

	#take(centers: Float32Array, alive: Uint32Array): void {
		const across = Float32Array.from(alive, (k) => centers[2 * k]);
		const down = Float32Array.from(alive, (k) => centers[2 * k + 1]);
		this.#centers = { across, down, areas: across.map((side, c) => side * down[c]) };
		if (this.#all?.length === alive.length) return;
		this.#all = Uint16Array.from(alive, (_, c) => c);
		this.#inBlock = new Uint16Array(alive.length);
		this.#inLeaf = new Uint16Array(alive.length);
		this.#most = new Float64Array(alive.length);
	}

	/** Copies those centres of a list that can be the nearest to a point within bounds, in their order; their number. Nearness is the IoU, or less the squared distance. */
	#select(bounds: Float32Array, i: number, list: Uint16Array, length: number, out: Uint16Array): number {
		const { across, down } = this.#centers;
		const { isIou } = this.#points;
		const most = this.#most;
		let reached = -Infinity; // by the nearest centre, for every point
		for (let n = 0; n < length; n++) {
			const x = across[list[n]];
			const y = down[list[n]];
			const nearness = isIou ? mostIou(bounds, i, x, y) : -leastDistance(bounds, i, x, y);
			most[n] = nearness;
			if (nearness <= reached) continue;
			const least = isIou ? leastIou(bounds, i, x, y) : -mostDistance(bounds, i, x, y);
			if (least > reached) reached = least;
		}
		let numOut = 0;
		for (let n = 0; n < length; n++) if (most[n] >= reached) out[numOut++] = list[n];
		return numOut;
	}

	/** All points of a leaf to one cluster; boxes that were elsewhere. */
	#assignLeaf(leaf: number, cluster: number, { counts, sums }: ClusterSums): number {
		const { leafCounts } = this.#leaves;
		const before = this.#ofLeaf[leaf];
		counts[cluster] += leafCounts[leaf];
		sums[2 * cluster] += this.#wholeSums[2 * leaf];
		sums[2 * cluster + 1] += this.#wholeSums[2 * leaf + 1];
		if (before === cluster) return 0;
		this.#ofLeaf[leaf] = cluster;
		return before === MIXED ? leafCounts[leaf] - this.#boxesOf(leaf, cluster) : leafCounts[leaf];
	}

	/** Boxes of a mixed leaf in a cluster. */
	#boxesOf(leaf: number, cluster: number): number {
		const { leafSize, counts } = this.#leaves;
		let boxes = 0;
		const end = Math.min(counts.length, (leaf + 1) * leafSize);
		for (let place = leaf * leafSize; place < end; place++) if (this.#ofPoint[place] === cluster) boxes += counts[place];
		return boxes;
	}

	/** Each point of a leaf to the nearest of some centres; boxes that were elsewhere. */
	#assignPoints(leaf: number, numCenters: number, alive: Uint32Array, { counts, sums }: ClusterSums): number {
		const leaves = this.#leaves;
		const { isIou, whole } = this.#points;
		const before = this.#ofLeaf[leaf];
		this.#ofLeaf[leaf] = MIXED;
		let moved = 0;
		const end = Math.min(leaves.counts.length, (leaf + 1) * leaves.leafSize);
		for (let place = leaf * leaves.leafSize; place < end; place++) {
			const x = leaves.widths[place];
			const y = leaves.heights[place];
			const cluster = alive[isIou ? this.#byIou(x, y, numCenters) : this.#byDistance(x, y, numCenters)];
			const count = leaves.counts[place];
			if (cluster !== (before === MIXED ? this.#ofPoint[place] : before)) moved += count;
			this.#ofPoint[place] = cluster;
			counts[cluster] += count;
			sums[2 * cluster] += whole[2 * leaves.order[place]] * count;
			sums[2 * cluster + 1] += whole[2 * leaves.order[place] + 1] * count;
		}
		return moved;
	}

	#byIou(width: number, height: number, numCenters: number): number {
		const { across, down, areas } = this.#centers;
		const list = this.#inLeaf;
		const area = round(width * height);
		let best = -1;
		let nearest = 0;
		for (let n = 0; n < numCenters; n++) {
			const c = list[n];
			const intersection = round((width < across[c] ? width : across[c]) * (height < down[c] ? height : down[c]));
			const iou = intersection / round(round(area + areas[c]) - intersection);
			// what is not higher in double precision is not higher when it is rounded
			if (iou <= best) continue;
			const rounded = iou < MIN_NORMAL ? 0 : round(iou);
			if (rounded <= best) continue;
			best = rounded;
			nearest = c;
		}
		return nearest;
	}

	#byDistance(x: number, y: number, numCenters: number): number {
		const { across, down } = this.#centers;
		const list = this.#inLeaf;
		let best = Infinity;
		let nearest = 0;
		for (let n = 0; n < numCenters; n++) {
			const distance = squaredDistance(x, y, across[list[n]], down[list[n]]);
			if (distance >= best) continue;
			best = distance;
			nearest = list[n];
		}
		return nearest;
	}
}

/** Float32 steps of `squaredDistance` are off by less than this, relative and, below the smallest normal float, absolute. */
const MARGIN = 2 ** -20;
const SLACK = 1e-37;

/** No point within the bounds is nearer: its squared distance. */
function leastDistance(bounds: Float32Array, i: number, x: number, y: number): number {
	const b = 8 * i;
	const dx = x < bounds[b] ? bounds[b] - x : x > bounds[b + 1] ? x - bounds[b + 1] : 0;
	const dy = y < bounds[b + 2] ? bounds[b + 2] - y : y > bounds[b + 3] ? y - bounds[b + 3] : 0;
	return (dx * dx + dy * dy) * (1 - MARGIN) - SLACK;
}

/** No point within the bounds is farther. */
function mostDistance(bounds: Float32Array, i: number, x: number, y: number): number {
	const b = 8 * i;
	const dx = Math.max(x - bounds[b], bounds[b + 1] - x);
	const dy = Math.max(y - bounds[b + 2], bounds[b + 3] - y);
	return (dx * dx + dy * dy) * (1 + MARGIN) + SLACK;
}

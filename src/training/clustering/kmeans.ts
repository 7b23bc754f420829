// Anchors by k-means of widths and heights: with 1 - IoU as YOLOv2 has it (Redmon and Farhadi 2017), or Euclidean, plain or whitened as
// yolov5 has it. Assignments are float32 steps and sums are integers, so that the CPU and every GPU find the same clusters.

import type { FloatsLike } from '../../inputs.js';
import { onBackend } from '../backend.js';
import { Pauses } from '../progress.js';
import { type SeededRandom, seededRandom } from '../random.js';
import type { Assigner } from './assign.js';
import { LeafAssigner } from './assign-leaves.js';
import { checkKmeans, type KmeansOptions, type KmeansSettings } from './kmeans-options.js';
import { meanBestIou } from './metric.js';
import {
	type ClusterSums,
	farthestRows,
	makePoints,
	meanDistance,
	means,
	medians,
	orderByHeight,
	type Points,
	randomCenters,
	spreadCenters,
} from './points.js';
import { checkSizeList, type DroppedSizes, groupSizes, NONE, type SizeRows, sortByArea } from './sizes.js';

/** A cluster that had no box left, and what was done. */
export interface EmptiedCluster {
	/** The update in which it was first found, from 1. */
	readonly iteration: number;
	/** Its index among the anchors; K or more where it was dropped. */
	readonly cluster: number;
	readonly action: 'reseeded' | 'kept' | 'dropped';
}

/** One step of a clustering, to be drawn. */
export interface ClusterStep {
	/** [K, 2] where the centres were; index by index those of the answer, dropped clusters last. */
	readonly anchors: Float32Array;
	/** [N] the centre each box went to; 0xffffffff for a box that was left out. */
	readonly assignments: Uint32Array;
	readonly meanIou: number;
}

/** What k-means found. */
export interface AnchorClusters {
	/** [K, 2] widths and heights, sorted by area. */
	readonly anchors: Float32Array;
	/** [N] the anchor of each box; 0xffffffff for a box that was left out. */
	readonly assignments: Uint32Array;
	/** [K] boxes of each anchor. */
	readonly counts: Uint32Array;
	/** Updates of the centres. */
	readonly iterations: number;
	/** No box changed its cluster any more; false: `maxIterations` ended it. */
	readonly converged: boolean;
	/** The mean over the boxes of the best IoU with any anchor, corners aligned: the "average IoU" that papers report. */
	readonly meanIou: number;
	readonly emptied: readonly EmptiedCluster[];
	/** Boxes that were left out. */
	readonly dropped: DroppedSizes;
	/** What a person should know, in sentences. */
	readonly warnings: readonly string[];
	/** With `trace`: every assignment, from the one to the centres at the start. */
	readonly trace?: readonly ClusterStep[];
}

/** One run from one start. Clusters have the numbers they started with. */
interface Run {
	readonly centers: Float32Array;
	readonly alive: Uint32Array;
	readonly counts: Float64Array;
	/** By row. */
	readonly assigned: Uint32Array;
	readonly iterations: number;
	readonly converged: boolean;
	readonly emptied: readonly EmptiedCluster[];
	readonly steps: readonly { readonly centers: Float32Array; readonly assigned: Uint32Array }[];
}

/** Rows times clusters from which a real GPU is worth the way there. */
const WORTH_IT = 5e5;

/**
 * Clusters box sizes [N, 2], widths and heights in one unit, into anchors. Rejects with a RangeError or TypeError for sizes that are not
 * positive (naming the first; `invalid: 'drop'` goes on without them), a count of 0, or an `init` that is not [count, 2]; with the
 * signal's reason when it aborts. More clusters than distinct sizes are a warning, and fewer clusters.
 */
export async function kmeansAnchors(sizes: FloatsLike, options: KmeansOptions): Promise<AnchorClusters> {
	const where = 'kmeansAnchors';
	const settings = checkKmeans(where, options);
	const rows = groupSizes(where, checkSizeList(where, 'sizes', sizes), settings.filter);
	return clusterRows(where, rows, settings);
}

/** `kmeansAnchors` of rows. */
export async function clusterRows(where: string, rows: SizeRows, settings: KmeansSettings): Promise<AnchorClusters> {
	settings.signal?.throwIfAborted();
	if (rows.total === 0) return nothing(rows, settings);
	const points = makePoints(rows, settings.distance);
	const search = new Search(rows, points, settings);
	const run = await onBackend(
		where,
		settings.backend,
		rows.counts.length * settings.count >= WORTH_IT,
		async (job) => {
			const { gpuAssigner } = await import('./assign-gpu.js');
			// more points than a GPU binds: the CPU finds the same
			return search.best((await gpuAssigner(job, points, settings.count)) ?? new LeafAssigner(points));
		},
		() => search.best(new LeafAssigner(points)),
	);
	return toClusters(rows, points, settings, run);
}

/** The starts of a clustering, one after the other. */
class Search {
	readonly #rows: SizeRows;
	readonly #points: Points;
	readonly #settings: KmeansSettings;
	readonly #random: SeededRandom;
	readonly #pauses: Pauses;
	readonly #byHeight: Uint32Array | undefined;

	constructor(rows: SizeRows, points: Points, settings: KmeansSettings) {
		this.#rows = rows;
		this.#points = points;
		this.#settings = settings;
		this.#random = seededRandom(settings.seed);
		this.#pauses = new Pauses(settings.signal);
		this.#byHeight = settings.update === 'median' ? orderByHeight(points) : undefined;
	}

	/** The run with the least mean distance, the first among equals. */
	async best(assigner: Assigner): Promise<Run> {
		const { restarts } = this.#settings;
		let best = await this.#run(assigner, 0);
		let least = restarts > 1 ? meanDistance(this.#points, best.centers, best.assigned) : 0;
		for (let restart = 1; restart < restarts; restart++) {
			const run = await this.#run(assigner, restart);
			const distance = meanDistance(this.#points, run.centers, run.assigned);
			if (distance >= least) continue;
			least = distance;
			best = run;
		}
		return best;
	}

	#start(): Float32Array {
		const { count, given, init } = this.#settings;
		const { scale } = this.#points;
		if (given) return given.map((side, i) => side / scale[i & 1]);
		const most = Math.min(count, this.#points.x.length);
		return init === 'random' ? randomCenters(this.#points, most, this.#random) : spreadCenters(this.#points, most, this.#random);
	}

	/** Assigns and updates until nothing moves. */
	async #run(assigner: Assigner, restart: number): Promise<Run> {
		const { maxIterations, signal, trace } = this.#settings;
		let centers = this.#start();
		let alive: Uint32Array = Uint32Array.from({ length: centers.length / 2 }, (_, k) => k);
		const emptied: EmptiedCluster[] = [];
		const steps: Run['steps'][number][] = [];
		assigner.reset();
		for (let iteration = 0; ; iteration++) {
			const found = await assigner.assign(centers, alive, signal);
			if (trace) steps.push({ centers, assigned: await assigner.assigned() });
			this.#report(restart, iteration + 1, found.moved, centers, alive);
			if (this.#pauses.due) await this.#pauses.take();
			const converged = found.moved === 0;
			if (converged || iteration === maxIterations) {
				const assigned = await assigner.assigned();
				return { centers, alive, counts: found.counts, assigned, iterations: iteration, converged, emptied, steps };
			}
			({ centers, alive } = await this.#update(assigner, centers, alive, found, iteration + 1, emptied));
		}
	}

	#report(restart: number, iteration: number, moved: number, centers: Float32Array, alive: Uint32Array): void {
		const { onProgress, restarts } = this.#settings;
		if (!onProgress) return;
		const anchors = toSizes(this.#points, centers, alive);
		onProgress({ restart, restarts, iteration, moved, anchors, meanIou: meanBestIou(this.#rows, anchors) });
	}

	/** Moves the centres to their boxes, and does what is to be done with those that have none. */
	async #update(assigner: Assigner, centers: Float32Array, alive: Uint32Array, found: ClusterSums, iteration: number, emptied: EmptiedCluster[]) {
		const points = this.#points;
		const moved = this.#byHeight ? medians(points, this.#byHeight, await assigner.assigned(), found, centers) : means(points, found, centers);
		const empty = alive.filter((k) => found.counts[k] === 0);
		if (empty.length === 0) return { centers: moved, alive };
		if (this.#settings.empty === 'keep') {
			const isTold = (cluster: number) => emptied.some((event) => event.cluster === cluster);
			for (const cluster of empty) if (!isTold(cluster)) emptied.push({ iteration, cluster, action: 'kept' });
			return { centers: moved, alive };
		}
		const seeds = this.#settings.empty === 'reseed' ? farthestRows(points, centers, await assigner.assigned(), empty.length) : [];
		empty.forEach((cluster, i) => {
			if (i < seeds.length) moved.set([points.x[seeds[i]], points.y[seeds[i]]], 2 * cluster);
			emptied.push({ iteration, cluster, action: i < seeds.length ? 'reseeded' : 'dropped' });
		});
		const gone = new Set(empty.subarray(seeds.length));
		return { centers: moved, alive: alive.filter((k) => !gone.has(k)) };
	}
}

/** The sizes that the centres of these clusters stand for. */
function toSizes({ scale }: Points, centers: Float32Array, clusters: ArrayLike<number>): Float32Array {
	const sizes = new Float32Array(2 * clusters.length);
	for (let i = 0; i < sizes.length; i++) sizes[i] = centers[2 * clusters[i >> 1] + (i & 1)] * scale[i & 1];
	return sizes;
}

/** By area, boxes instead of rows, sentences for what a person should know. */
function toClusters(rows: SizeRows, points: Points, settings: KmeansSettings, run: Run): AnchorClusters {
	const { anchors, order } = sortByArea(toSizes(points, run.centers, run.alive));
	const numClusters = run.centers.length / 2;
	// clusters in the order of the answer, those that were dropped behind
	const clusters = order.map((i) => run.alive[i]);
	for (let k = 0; k < numClusters; k++) if (!run.alive.includes(k)) clusters.push(k);
	const rank = new Uint32Array(numClusters);
	clusters.forEach((k, i) => (rank[k] = i));
	const toBoxes = (assigned: Uint32Array) => rows.rowOf.map((row) => (row === NONE ? NONE : rank[assigned[row]]));
	const trace = run.steps.map((step) => {
		const moved = toSizes(points, step.centers, clusters);
		return { anchors: moved, assignments: toBoxes(step.assigned), meanIou: meanBestIou(rows, moved) };
	});
	const counts = Uint32Array.from(order, (i) => run.counts[run.alive[i]]);
	return {
		anchors,
		assignments: toBoxes(run.assigned),
		counts,
		iterations: run.iterations,
		converged: run.converged,
		meanIou: meanBestIou(rows, anchors),
		emptied: run.emptied.map((event) => ({ ...event, cluster: rank[event.cluster] })),
		dropped: rows.dropped,
		warnings: warningsOf(rows, settings, run, counts),
		trace: settings.trace ? trace : undefined,
	};
}

function warningsOf(rows: SizeRows, { count, given, maxIterations, filter }: KmeansSettings, run: Run, counts: Uint32Array): string[] {
	const warnings = droppedWarnings(rows.dropped, filter.minSize);
	const distinct = rows.counts.length;
	if (count > distinct)
		warnings.push(`count is ${count}, but there are only ${distinct} distinct sizes: ${given ? 'not every centre can have a box' : `${distinct} clusters`}`);
	const lost = run.centers.length / 2 - run.alive.length;
	if (lost) warnings.push(`${lost} clusters lost their last box and were dropped`);
	const idle = counts.reduce((sum, n) => sum + (n === 0 ? 1 : 0), 0);
	if (idle) warnings.push(`${idle} anchors have no box`);
	if (!run.converged) warnings.push(`boxes still moved after maxIterations, ${maxIterations}`);
	return warnings;
}

/** Sentences about boxes that were left out. */
export function droppedWarnings({ invalid, small }: DroppedSizes, minSize: number): string[] {
	const warnings: string[] = [];
	if (invalid) warnings.push(`${invalid} boxes were left out: their sides are not positive sizes`);
	if (small) warnings.push(`${small} boxes were left out: they are smaller than minSize, ${minSize}`);
	return warnings;
}

/** The answer where there is nothing to cluster. */
function nothing(rows: SizeRows, { count, trace, filter }: KmeansSettings): AnchorClusters {
	return {
		anchors: new Float32Array(0),
		assignments: rows.rowOf,
		counts: new Uint32Array(0),
		iterations: 0,
		converged: true,
		meanIou: 0,
		emptied: [],
		dropped: rows.dropped,
		warnings: [...droppedWarnings(rows.dropped, filter.minSize), `count is ${count}, but there are no sizes: no clusters`],
		trace: trace ? [] : undefined,
	};
}

// Assigns points on the GPU: points and assignments stay there, centres go and sums come back. Loaded when a GPU is first wanted.

import type { GpuJob, JobBuffer, JobKernel } from '../../pipeline.js';
import type { Assigner } from './assign.js';
import { splitHeavy } from './heavy-rows.js';
import type { ClusterSums, Points } from './points.js';
import { NONE } from './sizes.js';

/** Rows of a workgroup at least, and workgroups at most: each has sums of its own to be read back. */
const LEAST_ROWS = 1024;
const MOST_WORKGROUPS = 256;

/** An assigner of these points, or undefined where they are more than a GPU binds. */
export async function gpuAssigner(job: GpuJob, points: Points, numClusters: number): Promise<Assigner | undefined> {
	const shaders = await import('../../../shaders/training/assign.wgsl.js');
	// rows are split so that a workgroup's boxes stay below what its sums hold; a few more rows do not change its share
	const rowsPerWorkgroup = Math.max(LEAST_ROWS, Math.ceil((2 * points.x.length) / MOST_WORKGROUPS));
	const { rowOf, counts } = splitHeavy(points.counts, Math.max(1, Math.floor(shaders.MOST_BOXES_PER_WORKGROUP / rowsPerWorkgroup)));
	const numWorkgroups = Math.ceil(counts.length / rowsPerWorkgroup);
	if (counts.length * 16 > job.maxBindingBytes || numWorkgroups > 65535) return undefined;
	const kernel = await job.compile({
		name: `training.assign.${points.isIou ? 'iou' : 'distance'}`,
		code: shaders.assignShader(numClusters, points.isIou),
		bindings: [
			[0, 'uniform', 'params'],
			[1, 'read', 'points'],
			[2, 'read', 'counts'],
			[3, 'read', 'centers'],
			[4, 'read_write', 'assigned'],
			[5, 'read_write', 'sums'],
		],
	});
	const words = numClusters * shaders.SUM_WORDS + 1;
	const buffers = {
		params: job.buffer('params', 16),
		points: job.buffer('points', pointWords(points, rowOf)),
		counts: job.buffer('counts', counts),
		centers: job.buffer('centers', 16 * numClusters),
		assigned: job.buffer('assigned', 4 * counts.length),
		sums: job.buffer('sums', 4 * words * numWorkgroups),
	};
	return new GpuAssigner(job, kernel, buffers, { rowOf, rowsPerWorkgroup, numWorkgroups, numClusters, numRows: points.x.length });
}

/** x and y as bits of floats, then in whole units. */
function pointWords({ x, y, whole }: Points, rowOf: Uint32Array): Uint32Array {
	const words = new Uint32Array(4 * rowOf.length);
	const floats = new Float32Array(words.buffer);
	rowOf.forEach((row, i) => {
		floats[4 * i] = x[row];
		floats[4 * i + 1] = y[row];
		words[4 * i + 2] = whole[2 * row];
		words[4 * i + 3] = whole[2 * row + 1];
	});
	return words;
}

type Buffers = Readonly<Record<'params' | 'points' | 'counts' | 'centers' | 'assigned' | 'sums', JobBuffer>>;

interface Shares {
	readonly rowOf: Uint32Array;
	readonly rowsPerWorkgroup: number;
	readonly numWorkgroups: number;
	readonly numClusters: number;
	readonly numRows: number;
}

class GpuAssigner implements Assigner {
	readonly #job: GpuJob;
	readonly #kernel: JobKernel;
	readonly #buffers: Buffers;
	readonly #shares: Shares;

	constructor(job: GpuJob, kernel: JobKernel, buffers: Buffers, shares: Shares) {
		this.#job = job;
		this.#kernel = kernel;
		this.#buffers = buffers;
		this.#shares = shares;
	}

	reset(): void {
		this.#job.write(this.#buffers.assigned, new Uint32Array(this.#shares.rowOf.length).fill(NONE));
	}

	async assign(centers: Float32Array, alive: Uint32Array, signal?: AbortSignal): Promise<ClusterSums & { moved: number }> {
		const { rowOf, rowsPerWorkgroup, numWorkgroups, numClusters } = this.#shares;
		this.#job.write(this.#buffers.params, Uint32Array.of(0, rowOf.length, rowsPerWorkgroup, alive.length));
		const rows = new Float32Array(4 * alive.length);
		const bits = new Uint32Array(rows.buffer);
		alive.forEach((k, c) => {
			rows.set(centers.subarray(2 * k, 2 * k + 2), 4 * c);
			bits[4 * c + 2] = k;
		});
		this.#job.write(this.#buffers.centers, rows);
		const dispatch = { kernel: this.#kernel, buffers: this.#buffers, workgroups: numWorkgroups };
		const [bytes] = await this.#job.run([dispatch], [this.#buffers.sums], signal);
		const words = new Uint32Array(bytes);
		const found = { counts: new Float64Array(centers.length / 2), sums: new Float64Array(centers.length), moved: 0 };
		for (let from = 0; from < words.length; from += 5 * numClusters + 1) {
			for (let k = 0; k < found.counts.length; k++) {
				const at = from + 5 * k;
				found.counts[k] += words[at];
				found.sums[2 * k] += words[at + 2] * 4096 + words[at + 1];
				found.sums[2 * k + 1] += words[at + 4] * 4096 + words[at + 3];
			}
			found.moved += words[from + 5 * numClusters];
		}
		return found;
	}

	async assigned(): Promise<Uint32Array> {
		const { rowOf, numRows } = this.#shares;
		const [bytes] = await this.#job.run([], [this.#buffers.assigned]);
		const parts = new Uint32Array(bytes);
		const rows = new Uint32Array(numRows);
		// the parts of a row go to one cluster
		rowOf.forEach((row, i) => (rows[row] = parts[i]));
		return rows;
	}
}

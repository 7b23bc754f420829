// Where overlaps are computed: on the CPU, or on the GPU of a backend.

import { onBackend, type TrainingBackend } from '../backend.js';
import { type Overlaps, overlapsOf, type TiesWanted } from './overlaps.js';

/** Pairs from which the way to a GPU pays where a backend was made by 'auto': below it the CPU is done in a few milliseconds. */
const WORTH_PAIRS = 2 ** 24;

/** As `overlapsOf`, on a backend. The arrays are not to be changed meanwhile. */
export function overlapsOn(where: string, backend: TrainingBackend, anchors: Float32Array, groundTruths: Float32Array, ties?: TiesWanted): Promise<Overlaps> {
	const pairs = (anchors.length / 4) * (groundTruths.length / 4);
	const onCpu = () => overlapsOf(anchors, groundTruths, ties);
	return onBackend(
		where,
		backend,
		pairs >= WORTH_PAIRS,
		// what is empty is no work for a GPU
		async (job) => (pairs === 0 ? onCpu() : (await import('./overlaps-gpu.js')).overlapsOnGpu(job, anchors, groundTruths, ties)),
		onCpu,
	);
}

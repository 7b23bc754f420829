// nms, softNms and boxIou on a backend: to the GPU when it is worth the way, else here. Fetched when they are first wanted.

import type { ManagedBackend } from './backend.js';
import { boxIou as pairwiseIou } from './boxes/iou.js';
import { rotatedBoxIou } from './boxes/rotated.js';
import { upright } from './boxes/rotated-formats.js';
import { nmsFast } from './cpu/fast.js';
import { rotatedKeeps } from './cpu/rotated.js';
import { type BoxesLike, type BoxIouOptions, checkBoxIou, checkNms, checkSoftNms, type FloatsLike, type NmsOptions, type SoftNmsOptions } from './inputs.js';
import type { GpuBackend, PairKind, SoftKept } from './pipeline.js';

/**
 * 'auto' sends an nms or a softNms of this many boxes, or a boxIou of this many pairs, to a real GPU; below, the way there and back
 * costs more. With a limit the work here ends with the last detection: 100,000 boxes to 300 take about 3 ms, softly 5 (measured in Chromium),
 * and no GPU answers sooner, as a browser waits 2 ms before it looks for an answer.
 */
const MANY_BOXES = 16_384;
const MANY_WITH_LIMIT = 131_072;
const FEW_DETECTIONS = 1024;
const MANY_PAIRS = 1 << 20;

/** Whether suppression goes to a GPU that there is. */
function isMuch({ requested }: ManagedBackend, numBoxes: number, maxDetections: number): boolean {
	return numBoxes > 0 && (requested !== 'auto' || numBoxes >= (maxDetections <= FEW_DETECTIONS ? MANY_WITH_LIMIT : MANY_BOXES));
}

/** As `nms` and `rotatedNms`. Arrays are the library's own by now. */
export async function nmsOn(backend: ManagedBackend, boxes: BoxesLike, scores: FloatsLike, options: NmsOptions): Promise<Uint32Array> {
	const { input, call, overlap } = checkNms('nms', boxes, scores, options);
	const gpu = await gpuFor(backend, isMuch(backend, input.scores.length, call.maxDetections));
	if (gpu) return backend.link.use(gpu, gpu.nms(input, call, overlap));
	return nmsFast(overlap.rotated ? upright(input.boxes) : input.boxes, input.scores, input.classIds, call, overlap, rotatedKeeps).indices;
}

/** As `softNms`. */
export async function softNmsOn(backend: ManagedBackend, boxes: BoxesLike, scores: FloatsLike, options?: SoftNmsOptions): Promise<SoftKept> {
	const { input, call, overlap, soft } = checkSoftNms('softNms', boxes, scores, options);
	const gpu = await gpuFor(backend, isMuch(backend, input.scores.length, call.maxDetections));
	if (gpu) return backend.link.use(gpu, gpu.softNms(input, call, overlap, soft));
	const { softNmsFast } = await import('./cpu/soft-fast.js');
	const { indices, scores: decayed } = softNmsFast(input.boxes, input.scores, input.classIds, call, soft, overlap);
	return { indices, scores: decayed };
}

/** As `boxIou` and `rotatedIou`. */
export async function boxIouOn(backend: ManagedBackend, boxesA: BoxesLike, boxesB: BoxesLike, options?: BoxIouOptions): Promise<Float32Array> {
	const { a, b, kind, pairs } = checkBoxIou('boxIou', boxesA, boxesB, options);
	const gpu = await gpuFor(backend, pairs > 0 && (backend.requested !== 'auto' || pairs >= MANY_PAIRS));
	if (gpu) return backend.link.use(gpu, gpu.boxIou(a, b, kind));
	return boxIouOnCpu(a, b, kind);
}

/** boxIou of checked input. */
export function boxIouOnCpu(boxesA: Float32Array, boxesB: Float32Array, kind: PairKind): Float32Array {
	if (kind === 'rotated-iou' || kind === 'probiou') return rotatedBoxIou(boxesA, boxesB, kind === 'probiou' ? kind : 'iou');
	return pairwiseIou(boxesA, boxesB, { kind });
}

/** The GPU for a single operation, if it goes there. Its input is in CPU memory, so 'hybrid' does it there. */
async function gpuFor({ link, kind }: ManagedBackend, worthIt: boolean): Promise<GpuBackend | undefined> {
	return worthIt && kind === 'webgpu' ? (link.live ?? link.open('webgpu')) : undefined;
}

// TensorFlow.js as its users write it: tensors from what the model gave, slices and reductions in tidy, nonMaxSuppression,
// gather, data(). On its wasm backend, on plain JavaScript ('cpu'), or on WebGPU, where suppression is JavaScript after a readback.

import type { Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Answer } from '../answer.js';
import type { Place } from '../result.js';
import { YOLO } from '../workloads.js';

export type TfjsBackend = 'wasm' | 'cpu' | 'webgpu';

/** The runtime with a backend, and what is to be said of it. */
export interface Tfjs {
	readonly backend: TfjsBackend;
	readonly tf: typeof import('@tensorflow/tfjs-core');
	/** The backend is one for all: it is set before each turn. */
	use(): Promise<void>;
	readonly note: string;
}

/** Opens a backend. In a page its .wasm files are beside its module. */
export async function openTfjs(backend: TfjsBackend, place: Place): Promise<Tfjs> {
	const tf = await import('@tensorflow/tfjs-core');
	tf.enableProdMode();
	let note: string = tf.version_core;
	if (backend === 'wasm') {
		const wasm = await import('@tensorflow/tfjs-backend-wasm');
		if (place === 'chromium') wasm.setWasmPaths('/test/bench/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
		await tf.setBackend('wasm');
		const [simd, threaded] = await Promise.all(['WASM_HAS_SIMD_SUPPORT', 'WASM_HAS_MULTITHREAD_SUPPORT'].map((flag) => tf.env().getAsync(flag)));
		const threads = threaded ? wasm.getThreadsCount() : 1;
		note += `, ${simd ? 'SIMD, ' : ''}${threads} ${threads === 1 ? 'thread' : 'threads'}`;
	} else if (backend === 'webgpu') {
		await import('@tensorflow/tfjs-backend-webgpu');
	} else {
		await import('@tensorflow/tfjs-backend-cpu');
	}
	const use = async () => {
		if (tf.getBackend() !== backend && !(await tf.setBackend(backend))) throw new Error(`openTfjs: the backend must start; got none of ${backend}`);
	};
	await use();
	return { backend, tf, use, note };
}

/** nonMaxSuppression knows no classes: their boxes are moved apart by more than any coordinate. */
const apart = ({ tf }: Tfjs, boxes: Tensor2D, classIds: Tensor1D, step: number) => tf.add(boxes, tf.expandDims(tf.mul(classIds, step), 1)) as Tensor2D;
const YOLO_STEP = 1024;

/** Flat arrays, row for row a detection. */
export interface TfjsDetections {
	readonly indices: ArrayLike<number>;
	readonly boxes: ArrayLike<number>;
	readonly scores: ArrayLike<number>;
	readonly classIds: ArrayLike<number>;
}

/** Boxes cx, cy, w, h [8400, 4] and the best score and class of each, after a transpose to one row per anchor, as most demos do it. */
function fromRows({ tf }: Tfjs, output: Tensor3D): [Tensor2D, Tensor1D, Tensor1D] {
	const [boxes, scores] = tf.split(tf.squeeze<Tensor2D>(tf.transpose(output, [0, 2, 1]), [0]), [4, YOLO.numClasses], 1);
	return [boxes as Tensor2D, tf.max(scores, 1), tf.argMax(scores, 1)];
}

/** The same from the planes as they lie, which spares strided copies. */
function fromPlanes({ tf }: Tfjs, output: Tensor3D): [Tensor2D, Tensor1D, Tensor1D] {
	const [boxes, scores] = tf.split(tf.squeeze<Tensor2D>(output, [0]), [4, YOLO.numClasses], 0);
	return [tf.transpose(boxes as Tensor2D), tf.max(scores, 0), tf.argMax(scores, 0)];
}

/** Detections of a YOLOv8 head: boxes to corners, best class, suppression per class, and the kept rows. */
export async function tfjsYolov8(
	runtime: Tfjs,
	form: 'rows' | 'planes',
	frame: Float32Array,
	scoreThreshold: number,
	iouThreshold: number,
	limit: number,
): Promise<TfjsDetections> {
	const { tf, backend } = runtime;
	const [boxes, scores, classIds, moved] = tf.tidy(() => {
		const [raw, best, ids] = (form === 'rows' ? fromRows : fromPlanes)(runtime, tf.tensor(frame, [...YOLO.dims]));
		const [centers, sizes] = tf.split(raw, 2, 1);
		const half = tf.div(sizes, 2);
		// IoU needs no order of x and y
		const corners = tf.concat([tf.sub(centers, half), tf.add(centers, half)], 1) as Tensor2D;
		return [corners, best, ids, apart(runtime, corners, ids, YOLO_STEP)] as [Tensor2D, Tensor1D, Tensor1D, Tensor2D];
	});
	// the other form cannot wait for a GPU
	const indices =
		backend === 'webgpu'
			? await tf.image.nonMaxSuppressionAsync(moved, scores, limit, iouThreshold, scoreThreshold)
			: tf.image.nonMaxSuppression(moved, scores, limit, iouThreshold, scoreThreshold);
	const found = [indices, ...[boxes, scores, classIds].map((all) => tf.gather(all, indices))];
	const [kept, keptBoxes, keptScores, keptIds] = await Promise.all(found.map((tensor) => tensor.data()));
	tf.dispose([boxes, scores, classIds, moved, ...found]);
	return { indices: kept, boxes: keptBoxes, scores: keptScores, classIds: keptIds };
}

export function tfjsAnswer({ indices, boxes, scores, classIds }: TfjsDetections): Answer {
	return { indices, classIds, scores, boxes: Array.from({ length: indices.length }, (_, i) => [0, 1, 2, 3].map((c) => boxes[4 * i + c])) };
}

/** Kept indices of boxes [n, 4], best first, without a limit. With classes, whose boxes are moved apart by `step`. */
export async function tfjsNms(
	runtime: Tfjs,
	boxes: Float32Array,
	scores: Float32Array,
	iouThreshold: number,
	classes?: { ids: Int32Array; step: number },
): Promise<ArrayLike<number>> {
	const { tf } = runtime;
	const n = scores.length;
	// nonMaxSuppressionAsync is JavaScript whatever the backend, and several times slower here
	const kept = tf.tidy(() => {
		const all = tf.tensor2d(boxes, [n, 4]);
		const moved = classes ? apart(runtime, all, tf.tensor1d(classes.ids, 'int32'), classes.step) : all;
		return tf.image.nonMaxSuppression(moved, tf.tensor1d(scores), n, iouThreshold);
	});
	const indices = await kept.data();
	kept.dispose();
	return indices;
}

// onnxruntime-web on wasm with small models around its NonMaxSuppression operator: the strongest peer a browser has.
// The operator keeps the classes apart and caps each, and gives [image, class, box] rows, class by class; reading the
// boxes and putting them in the order of their scores is left to the caller, and counts.

import type { InferenceSession, Tensor } from 'onnxruntime-web';
import { OnnxGraph } from '../../../demo/model/onnx.js';
import type { Answer } from '../answer.js';
import { YOLO } from '../workloads.js';

type Ort = typeof import('onnxruntime-web');

async function load(): Promise<Ort> {
	const ort = await import('onnxruntime-web');
	ort.env.logLevel = 'error';
	return ort;
}

/** Version and threads. The runtime chooses them, in an isolated page by the number of cores; known once a session was made. */
export async function ortNote(): Promise<string> {
	const { env } = await load();
	const threads = env.wasm.numThreads ?? 1;
	return `${env.versions.web ?? env.versions.common}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
}

async function open(model: Uint8Array): Promise<InferenceSession> {
	const { InferenceSession } = await load();
	return InferenceSession.create(model, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
}

/** Selected rows (image, class, box): what the operator puts out. */
async function select(session: InferenceSession, feeds: Record<string, Tensor>): Promise<BigInt64Array> {
	const { selected } = await session.run(feeds);
	return selected.data as BigInt64Array;
}

/** A detection as a host program would hold it. */
interface Found {
	anchor: number;
	classId: number;
	score: number;
	box: number[];
}

/** Split, Transpose, NonMaxSuppression for a YOLOv8 head. At most `perClass` detections of a class. Gives the detections of frame i. */
export async function ortYolov8(
	frames: readonly Float32Array[],
	scoreThreshold: number,
	iouThreshold: number,
	maxDetections: number,
): Promise<(i: number) => Promise<Found[]>> {
	const { numAnchors, numClasses } = YOLO;
	const g = new OnnxGraph();
	const [boxes, scores] = g.split(g.input('output0', YOLO.dims), 1, [4, numClasses]);
	const rows = g.op('Transpose', [boxes], { perm: [0, 2, 1] });
	const limits = [g.integers([maxDetections]), g.constant([iouThreshold], [1]), g.constant([scoreThreshold], [1])];
	g.output('selected', g.op('NonMaxSuppression', [rows, scores, ...limits], { center_point_box: 1 }), ['selected', 3], 'int64');
	const session = await open(g.encode('yolov8-nms'));
	const { Tensor } = await load();
	const tensors = frames.map((frame) => new Tensor('float32', frame, YOLO.dims));
	return async (i) => {
		const selected = await select(session, { output0: tensors[i] });
		const data = frames[i];
		const found: Found[] = [];
		for (let k = 0; k < selected.length; k += 3) {
			const classId = Number(selected[k + 1]);
			const anchor = Number(selected[k + 2]);
			const [x, y, w, h] = [data[anchor], data[numAnchors + anchor], data[2 * numAnchors + anchor], data[3 * numAnchors + anchor]];
			found.push({ anchor, classId, score: data[(4 + classId) * numAnchors + anchor], box: [x - w / 2, y - h / 2, x + w / 2, y + h / 2] });
		}
		found.sort((a, b) => b.score - a.score || a.anchor - b.anchor || a.classId - b.classId);
		if (found.length > maxDetections) found.length = maxDetections;
		return found;
	};
}

/** What it found, to be compared. */
export function ortAnswer(found: Found[]): Answer {
	return { indices: found.map((f) => f.anchor), classIds: found.map((f) => f.classId), scores: found.map((f) => f.score), boxes: found.map((f) => f.box) };
}

/** A model of one operator: kept indices of boxes [n, 4] of one class, best first. IoU needs no order of x and y. */
export async function ortNms(boxes: Float32Array, scores: Float32Array, iouThreshold: number): Promise<() => Promise<number[]>> {
	const n = scores.length;
	const run = await nmsSession(boxes, scores, 1, iouThreshold);
	return async () => {
		const selected = await run();
		return Array.from({ length: selected.length / 3 }, (_, k) => Number(selected[3 * k + 2])).slice(0, n);
	};
}

/** The same with classes: each box has a score in the plane of its class, 0 in the others. */
export async function ortBatchedNms(
	boxes: Float32Array,
	scores: Float32Array,
	classIds: Uint32Array,
	numClasses: number,
	iouThreshold: number,
): Promise<() => Promise<number[]>> {
	const n = scores.length;
	const planes = new Float32Array(numClasses * n);
	for (let i = 0; i < n; i++) planes[classIds[i] * n + i] = scores[i];
	const run = await nmsSession(boxes, planes, numClasses, iouThreshold);
	return async () => {
		const selected = await run();
		const kept = Array.from({ length: selected.length / 3 }, (_, k) => Number(selected[3 * k + 2]));
		return kept.sort((a, b) => scores[b] - scores[a] || a - b);
	};
}

async function nmsSession(boxes: Float32Array, planes: Float32Array, numClasses: number, iouThreshold: number): Promise<() => Promise<BigInt64Array>> {
	const n = boxes.length / 4;
	const g = new OnnxGraph();
	const inputs = [g.input('boxes', [1, n, 4]), g.input('scores', [1, numClasses, n])];
	const limits = [g.integers([n]), g.constant([iouThreshold], [1]), g.constant([0], [1])];
	g.output('selected', g.op('NonMaxSuppression', [...inputs, ...limits]), ['selected', 3], 'int64');
	const session = await open(g.encode('nms'));
	const { Tensor } = await load();
	const feeds = { boxes: new Tensor('float32', boxes, [1, n, 4]), scores: new Tensor('float32', planes, [1, numClasses, n]) };
	return () => select(session, feeds);
}

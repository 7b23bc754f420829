// What a user gets back: equal-length arrays, best first, and the same as plain objects. Scores and coordinates are
// finished here, on the host and in one fixed way, so that every backend gives the same bits.

import type { BackendKind } from './backend.js';
import { scoreOfKey } from './numbers.js';
import type { Kept } from './pipeline.js';

/** One detection, the shape that transformers.js users know. */
export interface Detection {
	score: number;
	/** The label given for the class, else the class id as text. Untrusted text: show it as text, never as HTML. */
	label: string;
	classId: number;
	/** The anchor (row of the head) it came from. */
	index: number;
	box: { xmin: number; ymin: number; xmax: number; ymax: number };
}

/** The detections of one image. The arrays have one entry per detection, best score first. */
export interface Detections extends Iterable<Detection> {
	readonly count: number;
	/** [count, 4] xyxy: pixels of the original frame, clipped to it, when a transform was given; else pixels of the network input. */
	readonly boxes: Float32Array;
	/** [count] */
	readonly scores: Float32Array;
	/** [count] */
	readonly classIds: Uint32Array;
	/** [count] the anchor each came from: where a model keeps the masks, keypoints or embeddings of it. */
	readonly indices: Uint32Array;
	/** How many passed the score filter. */
	readonly numCandidates: number;
	/** Candidates beyond maxCandidates, which took no part; 0 when none was cut. */
	readonly truncated: number;
	/** NaN scores and boxes that are not finite. */
	readonly rejected: number;
	/** Milliseconds per stage, with `timings: true` and where the device can. */
	readonly timings?: Readonly<Record<string, number>>;
	/** Where it was computed. */
	readonly backend: BackendKind;
	/** Bytes copied from the GPU for the whole call, all images. */
	readonly bytesRead: number;
	/** The detections as plain objects. Labels default to those of the postprocessor; a class without one shows its id. */
	toObjects(labels?: readonly string[]): Detection[];
}

/** The map from network input to frame that `letterbox` makes, as far as results need it. */
export interface FrameMap {
	/** [height, width] of the frame. */
	readonly frameSize: readonly [number, number];
	/** Boxes of the network input to boxes of the frame; a new array. */
	toFrame(boxes: Float32Array): Float32Array;
}

/** How kept candidates are shown. */
export interface View {
	readonly backend: BackendKind;
	/** Keys are logits: a score is the sigmoid of its key. */
	readonly isLogit: boolean;
	/** [height, width] of the network input. */
	readonly inputSize: readonly [number, number];
	readonly transform?: FrameMap;
	readonly coordinates: 'pixels' | 'normalized';
	readonly labels?: readonly string[];
}

class DetectionList implements Detections {
	readonly count: number;
	readonly boxes: Float32Array;
	readonly scores: Float32Array;
	readonly classIds: Uint32Array;
	readonly indices: Uint32Array;
	readonly numCandidates: number;
	readonly truncated: number;
	readonly rejected: number;
	declare readonly timings?: Readonly<Record<string, number>>;
	readonly backend: BackendKind;
	readonly bytesRead: number;
	readonly #labels: readonly string[] | undefined;

	constructor(kept: Kept, view: View) {
		this.count = kept.count;
		this.boxes = finishBoxes(kept.boxes, view);
		this.scores = Float32Array.from(kept.keys, (key) => (view.isLogit ? sigmoid(scoreOfKey(key)) : scoreOfKey(key)));
		this.classIds = kept.classIds;
		this.indices = kept.indices;
		this.numCandidates = kept.numCandidates;
		this.truncated = kept.truncated;
		this.rejected = kept.rejected;
		if (kept.timings) this.timings = kept.timings;
		this.backend = view.backend;
		this.bytesRead = kept.bytesRead;
		this.#labels = view.labels;
	}

	toObjects(labels = this.#labels): Detection[] {
		return Array.from({ length: this.count }, (_, i) => this.#at(i, labels));
	}

	*[Symbol.iterator](): Iterator<Detection> {
		for (let i = 0; i < this.count; i++) yield this.#at(i, this.#labels);
	}

	#at(i: number, labels: readonly string[] | undefined): Detection {
		const [xmin, ymin, xmax, ymax] = this.boxes.subarray(i * 4, i * 4 + 4);
		const classId = this.classIds[i];
		return { score: this.scores[i], label: labels?.[classId] ?? String(classId), classId, index: this.indices[i], box: { xmin, ymin, xmax, ymax } };
	}
}

/** The result of one image from its kept candidates. */
export function finishDetections(kept: Kept, view: View): Detections {
	return new DetectionList(kept, view);
}

/** In double precision; the caller rounds to float32 once. */
function sigmoid(logit: number): number {
	return 1 / (1 + Math.exp(-logit));
}

/** Network-input boxes to what was asked for: mapped to the frame and clipped, divided by its size. */
function finishBoxes(boxes: Float32Array, view: View): Float32Array {
	const { transform, inputSize, coordinates } = view;
	if (!transform && coordinates === 'pixels') return boxes;
	const [height, width] = transform ? transform.frameSize : inputSize;
	const out = transform ? transform.toFrame(boxes) : boxes.slice();
	for (let k = 0; k < out.length; k++) {
		const size = k & 1 ? height : width;
		if (transform) out[k] = Math.min(Math.max(out[k], 0), size);
		if (coordinates === 'normalized') out[k] = out[k] / size;
	}
	return out;
}

// What a user gets back: equal-length arrays, best first, and the same as plain objects. Scores and coordinates are
// finished here, on the host and in one fixed way, so that every backend gives the same bits.

import type { BackendKind } from './backend.js';
import type { ScoreMap } from './head-facts.js';
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
	/** Radians, clockwise on the screen, about the centre of `box`, where boxes are turned. */
	angle?: number;
	/** Where the head has keypoints; `score` where each has one. */
	keypoints?: { x: number; y: number; score?: number }[];
}

/** The detections of one image. The arrays have one entry per detection, best score first. */
export interface Detections extends Iterable<Detection> {
	readonly count: number;
	/** [count, 4] xyxy: pixels of the original frame, clipped to it, when a transform was given; else pixels of the network input. */
	readonly boxes: Float32Array;
	/** [count] With soft-NMS what is left of them. */
	readonly scores: Float32Array;
	/** [count] */
	readonly classIds: Uint32Array;
	/** [count] the anchor each came from: where a model keeps the masks, keypoints or embeddings of it. */
	readonly indices: Uint32Array;
	/** [count, points, 2 or 3] x, y and perhaps a score, in the pixels of `boxes` but not clipped, where the head has keypoints. A number that the model puts out as NaN stays NaN. */
	readonly keypoints?: Float32Array;
	/** [count, coefficients] for `assembleMasks`, where the head has them. */
	readonly maskCoefficients?: Float32Array;
	/**
	 * [count] radians, clockwise as seen on the screen, where boxes are turned: `boxes` then holds each before it is turned
	 * about its centre, and is not clipped.
	 */
	readonly angles?: Float32Array;
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
	/** Pixels of the input per pixel of the frame in x and y, and the input's padding left and above. */
	readonly gain: readonly [number, number];
	readonly pad: readonly [number, number];
}

/** How kept candidates are shown. */
export interface View {
	readonly backend: BackendKind;
	/** How keys become scores. */
	readonly scoreMap: ScoreMap;
	/** Points per detection and numbers per point, where the head has keypoints. */
	readonly keypoints?: { readonly count: number; readonly dims: 2 | 3 };
	/** Numbers behind each row. */
	readonly extras: { readonly angle: number; readonly keypoints: number; readonly masks: number; readonly total: number };
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
	declare readonly keypoints?: Float32Array;
	declare readonly maskCoefficients?: Float32Array;
	declare readonly angles?: Float32Array;
	declare readonly timings?: Readonly<Record<string, number>>;
	readonly backend: BackendKind;
	readonly bytesRead: number;
	readonly #labels: readonly string[] | undefined;
	readonly #dims: number;

	constructor(kept: Kept, view: View) {
		this.count = kept.count;
		this.boxes = finishBoxes(kept.boxes, view);
		this.scores = finishScores(kept.keys, SCORE_MAPS[view.scoreMap]);
		this.classIds = kept.classIds;
		this.indices = kept.indices;
		this.numCandidates = kept.numCandidates;
		this.truncated = kept.truncated;
		this.rejected = kept.rejected;
		if (kept.timings) this.timings = kept.timings;
		this.backend = view.backend;
		this.bytesRead = kept.bytesRead;
		this.#labels = view.labels;
		this.#dims = view.keypoints?.dims ?? 2;
		if (kept.extras) this.#takeExtras(kept.count, kept.extras, view);
	}

	/** Cuts up what stands behind the rows. */
	#takeExtras(count: number, all: Float32Array, view: View): void {
		const { angle, keypoints, masks, total } = view.extras;
		const part = (from: number, size: number) => {
			const out = new Float32Array(count * size);
			for (let i = 0; i < count; i++) out.set(all.subarray(i * total + from, i * total + from + size), i * size);
			return out;
		};
		const self = this as { -readonly [K in 'angles' | 'keypoints' | 'maskCoefficients']?: Float32Array };
		if (angle) self.angles = part(0, 1);
		if (keypoints) self.keypoints = finishPoints(part(angle, keypoints), this.#dims, view);
		if (masks) self.maskCoefficients = part(angle + keypoints, masks);
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
		const box = { xmin, ymin, xmax, ymax };
		const plain = { score: this.scores[i], label: labels?.[classId] ?? String(classId), classId, index: this.indices[i], box };
		return { ...plain, ...(this.angles && { angle: this.angles[i] }), ...(this.keypoints && { keypoints: this.#pointsOf(i, this.keypoints) }) };
	}

	#pointsOf(i: number, keypoints: Float32Array): NonNullable<Detection['keypoints']> {
		const size = keypoints.length / this.count;
		return Array.from({ length: size / this.#dims }, (_, p) => {
			const [x, y, score] = keypoints.subarray(i * size + p * this.#dims, i * size + (p + 1) * this.#dims);
			return this.#dims === 3 ? { x, y, score } : { x, y };
		});
	}
}

/** The result of one image from its kept candidates. */
export function finishDetections(kept: Kept, view: View): Detections {
	return new DetectionList(kept, view);
}

function finishScores(keys: Uint32Array, map: (x: number) => number): Float32Array {
	const scores = new Float32Array(keys.length);
	for (let i = 0; i < keys.length; i++) scores[i] = map(scoreOfKey(keys[i]));
	return scores;
}

/** From what a key stands for to the score, in double precision; the caller rounds to float32 once. */
const SCORE_MAPS: Record<ScoreMap, (x: number) => number> = {
	itself: (x) => x,
	sigmoid: (x) => 1 / (1 + Math.exp(-x)),
	sqrt: (x) => Math.sqrt(Math.max(0, x)), // a product below 0 has no root
};

/** Keypoints of the network input to what was asked for. Unlike boxes they are not clipped: a knee may be outside. */
function finishPoints(points: Float32Array, dims: number, view: View): Float32Array {
	const { transform, inputSize, coordinates } = view;
	const { gain, pad } = transform ?? { gain: [1, 1], pad: [0, 0] };
	const [height, width] = transform ? transform.frameSize : inputSize;
	for (let k = 0; k < points.length; k++) {
		const axis = k % dims;
		if (axis === 2) continue;
		if (transform) points[k] = (points[k] - pad[axis]) / gain[axis];
		if (coordinates === 'normalized') points[k] /= axis === 0 ? width : height;
	}
	return points;
}

/** Network-input boxes to what was asked for: mapped to the frame and clipped, divided by its size. */
function finishBoxes(boxes: Float32Array, view: View): Float32Array {
	const { transform, inputSize, coordinates } = view;
	if (!transform && coordinates === 'pixels') return boxes;
	const [height, width] = transform ? transform.frameSize : inputSize;
	const turned = view.extras.angle > 0;
	// toFrame clips, which would move the centre of a turned box
	const out = transform ? (turned ? unclipped(boxes, transform) : transform.toFrame(boxes)) : boxes.slice();
	for (let k = 0; k < out.length; k++) {
		const size = k & 1 ? height : width;
		if (transform && !turned) out[k] = Math.min(Math.max(out[k], 0), size);
		if (coordinates === 'normalized') out[k] = out[k] / size;
	}
	return out;
}

/** Boxes of the network input as boxes of the frame, wherever they reach. */
function unclipped(boxes: Float32Array, { gain, pad }: FrameMap): Float32Array {
	return boxes.map((v, k) => Math.fround(v - pad[k & 1]) / gain[k & 1]);
}

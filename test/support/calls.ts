// Heads, tensors and call numbers for tests that go below the public door.

import { nmsHead, nmsTensors } from '../../src/gpu/nms.js';
import type { Head } from '../../src/heads/head.js';
import { decisionThreshold, keyOf, logit, nextUp } from '../../src/numbers.js';
import type { CallParams } from '../../src/plan.js';
import type { BoundTensor } from '../../src/tensors.js';

/** The numbers of a call: strict thresholds, no limits unless given. */
export function callOf(
	options: {
		score?: number;
		iou?: number;
		maxDetections?: number;
		maxCandidates?: number;
		classAgnostic?: boolean;
		tiesHighest?: boolean;
		asLogit?: boolean;
		objectnessLogit?: boolean;
	} = {},
): CallParams {
	const score = options.score ?? Number.NEGATIVE_INFINITY;
	const keyAbove = (t: number) => (t === Number.POSITIVE_INFINITY ? 0xff800001 : keyOf(nextUp(t)));
	const binLow = options.asLogit ? keyOf(Math.fround(Math.max(-20, logit(score)))) : keyOf(Math.fround(Math.max(2 ** -20, score)));
	return {
		minKey: keyAbove(options.asLogit ? logit(score) : score),
		minObjectnessKey: keyAbove(options.objectnessLogit ? logit(score) : score),
		iouThreshold: decisionThreshold(options.iou ?? 0.5),
		maxDetections: options.maxDetections ?? 0xffffffff,
		maxCandidates: options.maxCandidates ?? 0xffffffff,
		classAgnostic: options.classAgnostic ?? false,
		tiesHighest: options.tiesHighest ?? false,
		binLow,
		binHigh: options.asLogit ? keyOf(12) : keyOf(1),
	};
}

/** nms() of boxes as a head and its tensors. */
export function boxesAsHead(boxes: Float32Array, scores: Float32Array, classIds?: Uint32Array): { head: Head; tensors: BoundTensor[]; givenClasses: boolean } {
	return { head: nmsHead(scores.length, classIds !== undefined), tensors: nmsTensors({ boxes, scores, classIds }), givenClasses: classIds !== undefined };
}

/** The arrays of a batch's images, one after the other, as one tensor of `perAnchor` numbers an anchor; words keep their bits. */
export function bindImages(arrays: readonly (Float32Array | Uint32Array)[], perAnchor: number): BoundTensor {
	const each = arrays[0].length;
	const data = new Float32Array(each * arrays.length);
	const words = new Uint32Array(data.buffer);
	arrays.forEach((array, i) => {
		words.set(new Uint32Array(array.buffer, array.byteOffset, each), i * each);
	});
	return {
		tensor: { location: 'cpu', type: 'float32', data, dims: undefined },
		strides: { batch: arrays.length, image: each, shape: 0, cell: perAnchor, channel: 1, numElements: data.length },
	};
}

// nms() as a head: boxes already decoded, one class channel (the score), class ids in the place of the objectness.

import { boxes } from '../codecs/boxes.js';
import type { Head } from '../heads/head.js';
import { isNaNBits, keyOfBits } from '../numbers.js';
import type { NmsInput } from '../pipeline.js';
import type { CallParams } from '../plan.js';
import type { BoundTensor } from '../tensors.js';

/** The head of n boxes. */
export function nmsHead(n: number, withClasses: boolean, rotated = false): Head {
	const list = (name: string) => ({ name, layouts: [['anchor']], sizes: { anchor: n } }) as const;
	return {
		name: 'nms',
		inputSize: [1, 1],
		numClasses: 1,
		numAnchors: n,
		tensors: [
			{ name: 'boxes', layouts: [['anchor', 'channel']], sizes: { anchor: n, channel: rotated ? 5 : 4 } },
			list('scores'),
			...(withClasses ? [list('classIds')] : []),
		],
		levels: [
			{
				firstAnchor: 0,
				numAnchors: n,
				grid: [1, n],
				numShapes: 1,
				order: 'yxa',
				stride: 1,
				box: { tensor: 0, channel: 0 },
				classes: { tensor: 1, channel: 0 },
				...(withClasses && { objectness: { tensor: 2, channel: 0 } }),
			},
		],
		score: { activation: 'none' },
		codec: boxes({ format: rotated ? 'cxcywhr' : 'xyxy' }),
	};
}

/** The call with bins over the scores there are: without a threshold nobody knows their range beforehand. */
export function withScoreRange(call: CallParams, scores: Float32Array): CallParams {
	let low = 0xffffffff;
	let high = 0;
	const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
	for (const b of bits) {
		const key = keyOfBits(b);
		if (isNaNBits(b) || key < call.minKey) continue;
		if (key < low) low = key;
		if (key > high) high = key;
	}
	return low <= high ? { ...call, binLow: low, binHigh: high } : call;
}

/** The tensors of that head; class ids keep their bits. */
export function nmsTensors({ boxes: data, scores, classIds }: NmsInput): BoundTensor[] {
	const n = scores.length;
	const bind = (array: Float32Array, perAnchor: number): BoundTensor => ({
		tensor: { location: 'cpu', type: 'float32', data: array, dims: undefined },
		strides: { batch: 1, image: n * perAnchor, shape: 0, cell: perAnchor, channel: 1, numElements: n * perAnchor },
	});
	const ids = classIds && new Float32Array(classIds.buffer, classIds.byteOffset, classIds.length);
	return [bind(data, n > 0 ? data.length / n : 4), bind(scores, 1), ...(ids ? [bind(ids, 1)] : [])];
}

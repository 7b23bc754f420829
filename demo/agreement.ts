// Holds two results against each other, bit by bit: the GPU's and the CPU's on the same tensor.

import type { Detections } from 'kedge';

/** Whether two results are equal in every bit, else what differs first, in words. */
export function compare(a: Detections, b: Detections): { equal: boolean; difference?: string } {
	if (a.count !== b.count) return { equal: false, difference: `${a.count} detections against ${b.count}` };
	if (a.numCandidates !== b.numCandidates) return { equal: false, difference: `${a.numCandidates} candidates against ${b.numCandidates}` };
	for (const field of ['indices', 'classIds', 'scores', 'boxes'] as const) {
		const x = bits(a[field]);
		const y = bits(b[field]);
		const at = x.findIndex((value, i) => value !== y[i]);
		if (at >= 0)
			return { equal: false, difference: `${field} of detection ${Math.floor((at * a.count) / x.length) + 1}: ${a[field][at]} against ${b[field][at]}` };
	}
	return { equal: true };
}

const bits = (values: Float32Array | Uint32Array) => new Uint32Array(values.buffer, values.byteOffset, values.length);

// What a contestant found, in one form for all, and how answers are compared before anything is timed.

import type { Detections } from 'kedge';

/** Detections, best first. An nms has indices alone. */
export interface Answer {
	/** Anchors, or boxes of an nms. */
	readonly indices: ArrayLike<number>;
	readonly classIds?: ArrayLike<number>;
	readonly scores?: ArrayLike<number>;
	/** xyxy, in pixels. */
	readonly boxes?: readonly ArrayLike<number>[];
}

/** kedge's. */
export function detectionsAnswer({ indices, classIds, scores, boxes, count }: Detections): Answer {
	return { indices, classIds, scores, boxes: Array.from({ length: count }, (_, i) => boxes.subarray(4 * i, 4 * i + 4)) };
}

/** Peers compute boxes in double precision, kedge in single; in pixels. */
const BOX_TOLERANCE = 1e-3;

/** In what `got` differs from `expected`, in words; '' when they are the same detections in the same order. Scores are equal, or within a tolerance where both compute them. */
export function differenceOf(got: Answer, expected: Answer, scoreTolerance = 0): string {
	const count = expected.indices.length;
	if (got.indices.length !== count) return `${got.indices.length} detections instead of ${count}`;
	for (let i = 0; i < count; i++) {
		if (got.indices[i] !== expected.indices[i]) return `detection ${i} is number ${got.indices[i]} instead of ${expected.indices[i]}`;
		if (got.classIds?.[i] !== expected.classIds?.[i]) return `detection ${i} is of class ${got.classIds?.[i]} instead of ${expected.classIds?.[i]}`;
		if (expected.scores && !(Math.abs((got.scores?.[i] ?? Number.NaN) - expected.scores[i]) <= scoreTolerance))
			return `detection ${i} scores ${got.scores?.[i]} instead of ${expected.scores[i]}`;
		for (let c = 0; c < 4 && expected.boxes; c++) {
			const [a, b] = [got.boxes?.[i][c] ?? Number.NaN, expected.boxes[i][c]];
			if (!(Math.abs(a - b) <= BOX_TOLERANCE)) return `detection ${i} has the box [${got.boxes?.[i]}] instead of [${expected.boxes[i]}]`;
		}
	}
	return '';
}

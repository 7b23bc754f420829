// NMS as the textbook has it, written with some care: indices sorted by score, flags for what is suppressed, two loops.

/** Kept indices, best first. Boxes [n, 4] xyxy, one class. */
export function naiveNms(boxes: Float32Array, scores: Float32Array, iouThreshold: number): number[] {
	const order = Array.from(scores.keys()).sort((a, b) => scores[b] - scores[a] || a - b);
	const suppressed = new Uint8Array(scores.length);
	const kept: number[] = [];
	for (let i = 0; i < order.length; i++) {
		const best = order[i];
		if (suppressed[best]) continue;
		kept.push(best);
		for (let j = i + 1; j < order.length; j++) {
			if (!suppressed[order[j]] && iou(boxes, best, order[j]) > iouThreshold) suppressed[order[j]] = 1;
		}
	}
	return kept;
}

function iou(boxes: Float32Array, i: number, j: number): number {
	const p = 4 * i;
	const q = 4 * j;
	const width = Math.min(boxes[p + 2], boxes[q + 2]) - Math.max(boxes[p], boxes[q]);
	const height = Math.min(boxes[p + 3], boxes[q + 3]) - Math.max(boxes[p + 1], boxes[q + 1]);
	if (width <= 0 || height <= 0) return 0;
	const both = width * height;
	const areaA = (boxes[p + 2] - boxes[p]) * (boxes[p + 3] - boxes[p + 1]);
	const areaB = (boxes[q + 2] - boxes[q]) * (boxes[q + 3] - boxes[q + 1]);
	return both / (areaA + areaB - both);
}

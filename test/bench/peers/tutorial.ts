// YOLOv8 post-processing as tutorials write it: an array of [class, probability] per anchor reduced to the best one, boxes
// as small arrays, sort, then filter against the best box until none is left. Readable, and slow.

import type { Answer } from '../answer.js';
import { YOLO } from '../workloads.js';

/** x1, y1, x2, y2, class, probability, anchor. */
type Box = [number, number, number, number, number, number, number];

/** Detections of a frame. */
export function tutorial(output: Float32Array, scoreThreshold: number, iouThreshold: number, maxDetections: number): Box[] {
	const { numAnchors, numClasses } = YOLO;
	let boxes: Box[] = [];
	for (let anchor = 0; anchor < numAnchors; anchor++) {
		const [classId, probability] = [...Array(numClasses).keys()]
			.map((c) => [c, output[(c + 4) * numAnchors + anchor]])
			.reduce((best, one) => (one[1] > best[1] ? one : best), [0, 0]);
		if (probability <= scoreThreshold) continue;
		const [x, y, w, h] = [0, 1, 2, 3].map((c) => output[c * numAnchors + anchor]);
		boxes.push([x - w / 2, y - h / 2, x + w / 2, y + h / 2, classId, probability, anchor]);
	}
	boxes.sort((a, b) => b[5] - a[5]);
	const result: Box[] = [];
	while (boxes.length > 0) {
		const best = boxes[0];
		result.push(best);
		boxes = boxes.slice(1).filter((box) => box[4] !== best[4] || iou(best, box) <= iouThreshold);
	}
	return result.slice(0, maxDetections);
}

function iou(a: Box, b: Box): number {
	return intersection(a, b) / union(a, b);
}

function union(a: Box, b: Box): number {
	const [ax1, ay1, ax2, ay2] = a;
	const [bx1, by1, bx2, by2] = b;
	return (ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - intersection(a, b);
}

function intersection(a: Box, b: Box): number {
	const [ax1, ay1, ax2, ay2] = a;
	const [bx1, by1, bx2, by2] = b;
	return Math.max(0, Math.min(ax2, bx2) - Math.max(ax1, bx1)) * Math.max(0, Math.min(ay2, by2) - Math.max(ay1, by1));
}

/** What it found, to be compared. */
export function tutorialAnswer(boxes: Box[]): Answer {
	return { indices: boxes.map((b) => b[6]), classIds: boxes.map((b) => b[4]), scores: boxes.map((b) => b[5]), boxes: boxes.map((b) => b.slice(0, 4)) };
}

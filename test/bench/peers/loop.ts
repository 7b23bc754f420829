// YOLOv8 post-processing as careful demos write it: plain loops over typed arrays, objects only for what passes, sort,
// filter NMS. In two forms: after a transpose to one row per anchor, as most demos do it, and without.

import type { Answer } from '../answer.js';
import { YOLO } from '../workloads.js';

interface Found {
	xmin: number;
	ymin: number;
	xmax: number;
	ymax: number;
	area: number;
	classId: number;
	score: number;
	anchor: number;
}

const { numAnchors, numClasses } = YOLO;
const ROW = 4 + numClasses;
// Made once: a careful author would.
const rows = new Float32Array(numAnchors * ROW);
const bestScores = new Float32Array(numAnchors);
const bestClasses = new Uint8Array(numAnchors);

/** Transposes to [8400, 84], then takes the best class of each row. */
export function loopTransposed(output: Float32Array, scoreThreshold: number, iouThreshold: number, maxDetections: number): Found[] {
	for (let c = 0; c < ROW; c++) {
		for (let a = 0; a < numAnchors; a++) rows[a * ROW + c] = output[c * numAnchors + a];
	}
	const found: Found[] = [];
	for (let a = 0; a < numAnchors; a++) {
		const at = a * ROW;
		let classId = 0;
		let score = rows[at + 4];
		for (let c = 1; c < numClasses; c++) {
			if (rows[at + 4 + c] > score) {
				score = rows[at + 4 + c];
				classId = c;
			}
		}
		if (score > scoreThreshold) found.push(toFound(rows[at], rows[at + 1], rows[at + 2], rows[at + 3], classId, score, a));
	}
	return filterNms(found, iouThreshold, maxDetections);
}

/** Goes through the tensor as it lies, class by class, and keeps the best score of each anchor. */
export function loopInPlace(output: Float32Array, scoreThreshold: number, iouThreshold: number, maxDetections: number): Found[] {
	bestScores.fill(0);
	for (let c = 0; c < numClasses; c++) {
		const at = (4 + c) * numAnchors;
		for (let a = 0; a < numAnchors; a++) {
			const score = output[at + a];
			if (score > bestScores[a]) {
				bestScores[a] = score;
				bestClasses[a] = c;
			}
		}
	}
	const found: Found[] = [];
	for (let a = 0; a < numAnchors; a++) {
		if (bestScores[a] <= scoreThreshold) continue;
		const [x, y, w, h] = [output[a], output[numAnchors + a], output[2 * numAnchors + a], output[3 * numAnchors + a]];
		found.push(toFound(x, y, w, h, bestClasses[a], bestScores[a], a));
	}
	return filterNms(found, iouThreshold, maxDetections);
}

function toFound(x: number, y: number, w: number, h: number, classId: number, score: number, anchor: number): Found {
	return { xmin: x - w / 2, ymin: y - h / 2, xmax: x + w / 2, ymax: y + h / 2, area: w * h, classId, score, anchor };
}

function filterNms(found: Found[], iouThreshold: number, maxDetections: number): Found[] {
	let left = found.sort((a, b) => b.score - a.score);
	const kept: Found[] = [];
	while (left.length > 0 && kept.length < maxDetections) {
		const best = left[0];
		kept.push(best);
		left = left.filter((one, i) => i > 0 && (one.classId !== best.classId || iou(best, one) <= iouThreshold));
	}
	return kept;
}

function iou(a: Found, b: Found): number {
	const width = Math.min(a.xmax, b.xmax) - Math.max(a.xmin, b.xmin);
	const height = Math.min(a.ymax, b.ymax) - Math.max(a.ymin, b.ymin);
	if (width <= 0 || height <= 0) return 0;
	const both = width * height;
	return both / (a.area + b.area - both);
}

/** What it found, to be compared. */
export function loopAnswer(found: Found[]): Answer {
	return {
		indices: found.map((f) => f.anchor),
		classIds: found.map((f) => f.classId),
		scores: found.map((f) => f.score),
		boxes: found.map((f) => [f.xmin, f.ymin, f.xmax, f.ymax]),
	};
}

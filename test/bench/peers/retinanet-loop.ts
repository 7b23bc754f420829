// RetinaNet post-processing as a port of torchvision's reads: a sigmoid of every logit, objects for what passes, the best
// 1000 of each level, boxes from deltas, suppression class by class, the best of what is left.

import type { Answer } from '../answer.js';
import { RETINANET, type RetinanetFrame } from '../retinanet-workload.js';

interface Found {
	anchor: number;
	classId: number;
	score: number;
	box: number[];
}

const PER_LEVEL = 1000;
const MAX_LOG_SCALE = Math.log(1000 / 16);

export function retinanetLoop(
	{ logits, deltas }: RetinanetFrame,
	anchors: Float32Array,
	scoreThreshold: number,
	iouThreshold: number,
	maxDetections: number,
): Found[] {
	const { levels, numClasses, size } = RETINANET;
	const all: Found[] = [];
	let anchor = 0;
	for (const numAnchors of levels) {
		const level: Found[] = [];
		for (const end = anchor + numAnchors; anchor < end; anchor++) {
			for (let classId = 0; classId < numClasses; classId++) {
				const score = 1 / (1 + Math.exp(-logits[anchor * numClasses + classId]));
				if (score > scoreThreshold) level.push({ anchor, classId, score, box: [] });
			}
		}
		level.sort((a, b) => b.score - a.score);
		for (const one of level.slice(0, PER_LEVEL)) {
			one.box = decode(anchors.subarray(4 * one.anchor, 4 * one.anchor + 4), deltas.subarray(4 * one.anchor, 4 * one.anchor + 4), size);
			all.push(one);
		}
	}
	const kept: Found[] = [];
	for (let classId = 0; classId < numClasses; classId++) {
		let left = all.filter((one) => one.classId === classId).sort((a, b) => b.score - a.score);
		while (left.length > 0) {
			const [best, ...others] = left;
			kept.push(best);
			left = others.filter((one) => iou(best.box, one.box) <= iouThreshold);
		}
	}
	return kept.sort((a, b) => b.score - a.score).slice(0, maxDetections);
}

/** xyxy, within the picture. */
function decode([x1, y1, x2, y2]: Float32Array, [dx, dy, dw, dh]: Float32Array, size: number): number[] {
	const [width, height] = [x2 - x1, y2 - y1];
	const [x, y] = [x1 + width / 2 + dx * width, y1 + height / 2 + dy * height];
	const [w, h] = [width * Math.exp(Math.min(dw, MAX_LOG_SCALE)), height * Math.exp(Math.min(dh, MAX_LOG_SCALE))];
	return [x - w / 2, y - h / 2, x + w / 2, y + h / 2].map((v) => Math.min(size, Math.max(0, v)));
}

function iou(a: number[], b: number[]): number {
	const width = Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]));
	const height = Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
	const both = width * height;
	return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both);
}

/** What it found, to be compared. */
export function retinanetLoopAnswer(found: Found[]): Answer {
	return { indices: found.map((f) => f.anchor), classIds: found.map((f) => f.classId), scores: found.map((f) => f.score), boxes: found.map((f) => f.box) };
}

// What the contestants work on: raw heads as a YOLOv8 emits them, and boxes as detectors (clustered) and adversaries
// (uniform) make them. Seeded: the same numbers on every machine.

import { random } from '../support/random.js';

/** A YOLOv8 head at 640 x 640: [1, 4 + 80, 8400], channels first. */
export const YOLO = { numClasses: 80, numAnchors: 8400, dims: [1, 84, 8400] } as const;

const SIZE = 640;
/** Strides and the longest side of an object that a level answers for. */
const LEVELS = [
	{ stride: 8, upTo: 64 },
	{ stride: 16, upTo: 140 },
	{ stride: 32, upTo: Number.POSITIVE_INFINITY },
];
const NUM_OBJECTS = 30;
/** Anchors of an object that score above 0.25; 64 in all. */
const CANDIDATES_OF = (object: number) => (object < 4 ? 3 : 2);
/** Share of the other anchors whose best class scores above 0.001, and the mean of such classes beyond the first. */
const ACTIVE = 0.53;
const MORE_CLASSES = 0.95;

/**
 * One frame: 30 objects, 64 anchors above 0.25 (one class each), about 4500 above 0.001 with about 8500 classes.
 * Boxes are cx, cy, w, h in pixels, scores probabilities.
 */
export function yolov8Frame(seed: number): Float32Array {
	const next = random(seed);
	const { numClasses, numAnchors } = YOLO;
	const data = new Float32Array((4 + numClasses) * numAnchors);
	const setBox = (a: number, box: number[]) => box.forEach((v, c) => (data[c * numAnchors + a] = v));
	const setScore = (a: number, c: number, p: number) => (data[(4 + c) * numAnchors + a] = p);
	const between = (low: number, high: number) => low + (high - low) * next();
	const logBetween = (low: number, high: number) => low * (high / low) ** next();

	let a = 0;
	for (const { stride } of LEVELS) {
		for (let cell = 0; cell < (SIZE / stride) ** 2; cell++, a++) {
			const side = SIZE / stride;
			const x = ((cell % side) + 0.5) * stride;
			const y = (Math.floor(cell / side) + 0.5) * stride;
			setBox(a, [x + between(-stride, stride), y + between(-stride, stride), logBetween(stride, 8 * stride), logBetween(stride, 8 * stride)]);
			for (let c = 0; c < numClasses; c++) setScore(a, c, logBetween(1e-8, 9e-4));
			if (next() > ACTIVE) continue;
			setScore(a, Math.floor(next() * numClasses), logBetween(1.1e-3, 0.1));
			while (next() < MORE_CLASSES / (1 + MORE_CLASSES)) setScore(a, Math.floor(next() * numClasses), logBetween(1.1e-3, 0.02));
		}
	}

	const used = new Set<number>();
	for (let object = 0; object < NUM_OBJECTS; object++) {
		const [w, h] = [logBetween(24, 240), logBetween(24, 240)];
		const [x, y] = [between(w / 2, SIZE - w / 2), between(h / 2, SIZE - h / 2)];
		const classId = Math.floor(next() ** 2 * numClasses);
		const best = between(0.5, 0.95);
		for (let i = 0; i < CANDIDATES_OF(object); i++) {
			let anchor = anchorAt(x, y, Math.max(w, h), i);
			while (used.has(anchor)) anchor++;
			used.add(anchor);
			const jitter = (v: number) => v * between(0.96, 1.04);
			setBox(anchor, [x + w * between(-0.03, 0.03), y + h * between(-0.03, 0.03), jitter(w), jitter(h)]);
			setScore(anchor, classId, i === 0 ? best : best * between(0.52, 0.98));
		}
	}
	return data;
}

/** The i-th anchor around a point, on the level for an object of this length. */
function anchorAt(x: number, y: number, length: number, i: number): number {
	let first = 0;
	for (const { stride, upTo } of LEVELS) {
		const side = SIZE / stride;
		if (length <= upTo) return first + Math.floor(y / stride) * side + Math.min(side - 3, Math.floor(x / stride)) + i;
		first += side * side;
	}
	return first;
}

/** Boxes [n, 4] xyxy, scores [n], class ids [n]. */
export interface BoxWorkload {
	boxes: Float32Array;
	scores: Float32Array;
	classIds: Uint32Array;
}

/** What detectors emit: about 12 jittered candidates for each of n / 12 objects on a frame of 1920 x 1080. */
export function clusteredBoxes(n: number, numClasses: number, seed: number): BoxWorkload {
	const next = random(seed);
	const objects = Array.from({ length: Math.round(n / 12) }, () => {
		const [w, h] = [20 * 12 ** next(), 20 * 12 ** next()];
		return { x: next() * (1920 - w), y: next() * (1080 - h), w, h, classId: Math.floor(next() * numClasses) };
	});
	return fill(n, next, () => {
		const { x, y, w, h, classId } = objects[Math.floor(next() * objects.length)];
		const side = (from: number, length: number) => from + length * 0.16 * (next() - 0.5);
		return { box: [side(x, w), side(y, h), side(x + w, w), side(y + h, h)], classId };
	});
}

/** Small boxes anywhere on a square plane, of which nearly all survive. */
export function uniformBoxes(n: number, seed: number): BoxWorkload {
	const next = random(seed);
	const side = 10 * Math.sqrt(n);
	return fill(n, next, () => {
		const [x, y] = [next() * side, next() * side];
		return { box: [x, y, x + 4 + 30 * next(), y + 4 + 30 * next()], classId: 0 };
	});
}

function fill(n: number, next: () => number, draw: () => { box: number[]; classId: number }): BoxWorkload {
	const all: BoxWorkload = { boxes: new Float32Array(4 * n), scores: new Float32Array(n), classIds: new Uint32Array(n) };
	for (let i = 0; i < n; i++) {
		const { box, classId } = draw();
		all.boxes.set(box, 4 * i);
		all.scores[i] = next();
		all.classIds[i] = classId;
	}
	return all;
}

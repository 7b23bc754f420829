// A RetinaNet head as torchvision gives it: raw logits [120087, 91] and deltas [120087, 4] of a picture of 800 x 800, with
// objects among low noise. Seeded; 43 MB of logits are made in a tenth of a second.

import { random } from '../support/random.js';

/** 9 anchors in each of 100² + 50² + 25² + 13² + 7² cells. Label 0 of the 91 is never used. */
export const RETINANET = { size: 800, numClasses: 91, levels: [90_000, 22_500, 5625, 1521, 441] as readonly number[], numAnchors: 120_087 } as const;

export interface RetinanetFrame {
	readonly logits: Float32Array;
	readonly deltas: Float32Array;
}

const NUM_OBJECTS = 40;
/** An anchor that overlaps an object by so much says so. */
const SEES = 0.5;
/** Anchor and class pairs above the threshold where nothing is. */
const FALSE_ALARMS = 600;
/** Logits of what is above 0.05 (-2.94), and of the rest. */
const CANDIDATES = [-2.9, 3] as const;
const NOISE = [-10, -4] as const;

/**
 * One frame for the given anchors [120087, 4] xyxy. The logits above the threshold stand on a ladder, so that no two are so
 * near that a sigmoid in single and one in double precision would order them otherwise.
 */
export function retinanetFrame(anchors: Float32Array, seed: number): RetinanetFrame {
	const { size, numClasses, numAnchors } = RETINANET;
	const next = random(seed);
	const between = (low: number, high: number) => low + (high - low) * next();
	const logits = new Float32Array(numAnchors * numClasses);
	for (let i = 0; i < logits.length; i++) logits[i] = NOISE[0] + (NOISE[1] - NOISE[0]) * next();
	for (let a = 0; a < numAnchors; a++) logits[a * numClasses] = NOISE[0];
	const deltas = new Float32Array(4 * numAnchors);
	for (let i = 0; i < deltas.length; i++) deltas[i] = between(-0.3, 0.3);

	const found: { at: number; quality: number }[] = [];
	const used = new Set<number>();
	const see = (anchor: number, classId: number, quality: number) => {
		const at = anchor * numClasses + classId;
		if (!used.has(at)) found.push({ at, quality });
		used.add(at);
	};
	for (let object = 0; object < NUM_OBJECTS; object++) {
		const [w, h] = [between(20, 60) * 6 ** next(), between(20, 60) * 6 ** next()];
		const [x, y] = [between(0, size - w), between(0, size - h)];
		const classId = 1 + Math.floor(next() ** 2 * (numClasses - 1));
		for (let a = 0; a < numAnchors; a++) {
			const overlap = iou(anchors, a, x, y, x + w, y + h);
			if (overlap < SEES) continue;
			const jitter = () => between(-0.04, 0.04);
			setDeltas(deltas, anchors, a, [x + w * (0.5 + jitter()), y + h * (0.5 + jitter()), w * (1 + jitter()), h * (1 + jitter())]);
			see(a, classId, overlap + between(0, 0.3));
			if (next() < 0.1) see(a, 1 + Math.floor(next() * (numClasses - 1)), between(0.2, 0.6));
		}
	}
	for (let i = 0; i < FALSE_ALARMS; i++) see(Math.floor(next() * numAnchors), 1 + Math.floor(next() * (numClasses - 1)), between(0.2, 0.6));
	found.sort((a, b) => a.quality - b.quality);
	const [low, high] = CANDIDATES;
	found.forEach(({ at }, rung) => (logits[at] = low + ((high - low) * (rung + 0.5)) / found.length));
	return { logits, deltas };
}

function iou(anchors: Float32Array, a: number, x1: number, y1: number, x2: number, y2: number): number {
	const [left, top, right, bottom] = [anchors[4 * a], anchors[4 * a + 1], anchors[4 * a + 2], anchors[4 * a + 3]];
	const width = Math.min(right, x2) - Math.max(left, x1);
	const height = Math.min(bottom, y2) - Math.max(top, y1);
	if (width <= 0 || height <= 0) return 0;
	const both = width * height;
	return both / ((right - left) * (bottom - top) + (x2 - x1) * (y2 - y1) - both);
}

/** Deltas (dx, dy, dw, dh) from anchor a to a box cx, cy, w, h. */
function setDeltas(deltas: Float32Array, anchors: Float32Array, a: number, [cx, cy, w, h]: number[]): void {
	const [left, top, right, bottom] = anchors.subarray(4 * a, 4 * a + 4);
	const [width, height] = [right - left, bottom - top];
	deltas.set([(cx - (left + width / 2)) / width, (cy - (top + height / 2)) / height, Math.log(w / width), Math.log(h / height)], 4 * a);
}

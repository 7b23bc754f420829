// Holds found boxes against the shapes that were drawn: each shape must have one box of its class on it, and there must
// be no box without a shape. Overlap is computed here, in double precision, without the code under test.

import { SHAPE_NAMES, type Shape } from '../../demo/scene.js';

/** A detection as it travels out of a page. */
export interface Found {
	label: string;
	score: number;
	classId: number;
	box: { xmin: number; ymin: number; xmax: number; ymax: number };
}

/** Least overlap of a box with its shape. */
export const MIN_IOU = 0.7;

/**
 * What is wrong with the boxes of a frame, in words; empty when all is well.
 * @param scale Frame pixels per pixel of the scene.
 */
export function faultsOf(found: readonly Found[], shapes: readonly Shape[], scale: number): string[] {
	const faults: string[] = [];
	const free = [...found];
	for (const { classId, box } of shapes) {
		const truth = box.map((v) => v * scale);
		const overlaps = free.map((one) => (one.classId === classId ? iou(one.box, truth) : 0));
		const best = Math.max(0, ...overlaps);
		if (best < MIN_IOU) faults.push(`${SHAPE_NAMES[classId]} at [${truth.map(Math.round)}]: best IoU ${best.toFixed(2)}`);
		else {
			const [taken] = free.splice(overlaps.indexOf(best), 1);
			if (taken.label !== SHAPE_NAMES[classId]) faults.push(`label ${taken.label} for class ${classId}`);
		}
	}
	for (const { label, box } of free) faults.push(`${label} where no shape is: [${Object.values(box).map(Math.round)}]`);
	return faults;
}

function iou({ xmin, ymin, xmax, ymax }: Found['box'], [left, top, right, bottom]: readonly number[]): number {
	const width = Math.max(0, Math.min(xmax, right) - Math.max(xmin, left));
	const height = Math.max(0, Math.min(ymax, bottom) - Math.max(ymin, top));
	const both = width * height;
	return both / ((xmax - xmin) * (ymax - ymin) + (right - left) * (bottom - top) - both);
}

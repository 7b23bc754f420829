// The WebGPU backend of TensorFlow.js and kedge on one device, through dataToGPU(): the same boxes as on the CPU, and
// the boxes that were put in.

import { expect, test } from '@playwright/test';
import type { TfjsReport } from './pages/tfjs.js';

const SIZE = 320;
const CLASSES = 3;
const ANCHORS = 40 * 40 + 20 * 20 + 10 * 10;

/**
 * A head with `objects` far apart, each with nine candidates a pixel apart and falling scores, and low noise elsewhere.
 * All numbers are doubled, because the page halves them; sixteenths, so that this is exact.
 */
function headWith(objects: readonly { cx: number; cy: number; size: number; classId: number; score: number }[]): number[] {
	const values = new Array(ANCHORS * (4 + CLASSES)).fill(0);
	for (let a = 0; a < ANCHORS; a++) {
		const row = [2 * (a % SIZE), 2 * ((7 * a) % SIZE), 32, 32, ...Array.from({ length: CLASSES }, (_, c) => 2 * (((a * 31 + c * 17) % 3) / 16))];
		for (let k = 0; k < row.length; k++) values[a * (4 + CLASSES) + k] = row[k];
	}
	objects.forEach(({ cx, cy, size, classId, score }, i) => {
		for (let j = 0; j < 9; j++) {
			const at = (100 + i * 200 + j * 3) * (4 + CLASSES);
			const scores = Array.from({ length: CLASSES }, (_, c) => (c === classId ? 2 * (score - j / 64) : 0));
			[2 * (cx + (j % 3)), 2 * (cy + Math.floor(j / 3)), 2 * size, 2 * size, ...scores].forEach((v, k) => {
				values[at + k] = v;
			});
		}
	});
	return values;
}

test('a tensor of the tfjs WebGPU backend gives the boxes of the CPU, and nothing leaks', async ({ page }) => {
	const objects = Array.from({ length: 6 }, (_, i) => ({
		cx: 40 + 100 * (i % 3),
		cy: 60 + 150 * Math.floor(i / 3),
		size: 20 + 10 * i,
		classId: i % CLASSES,
		score: 0.9375 - i / 16,
	}));
	await page.goto('test/e2e/pages/tfjs.html');
	await page.waitForFunction(() => 'runTensorflow' in globalThis);
	const report = await page.evaluate(
		([values, classes, size]) => (globalThis as unknown as { runTensorflow(...args: unknown[]): Promise<TfjsReport> }).runTensorflow(values, classes, size),
		[headWith(objects), CLASSES, SIZE] as const,
	);
	expect(report.kind).toBe('webgpu');
	expect(report.sharesDevice).toBe(true);
	expect(report.onGpu, 'the tensor went through dataToGPU()').toBe(true);
	expect(report.gpu).toEqual(report.cpu);
	expect(report.plainCpu, 'the CPU backend of tfjs').toEqual(report.cpu);
	expect(report.tensorsAfter).toBe(report.tensorsBefore);
	expect(report.inputAlive, 'the caller’s tensor').toBe(true);
	// Best candidate of each object, in order of score; its eight neighbours overlap it by far more than 0.45.
	expect(report.gpu.indices).toEqual(objects.map((_, i) => 100 + i * 200));
	expect(report.gpu.classIds).toEqual(objects.map(({ classId }) => classId));
	expect(report.gpu.scores).toEqual(objects.map(({ score }) => score));
	expect(report.gpu.boxes).toEqual(objects.flatMap(({ cx, cy, size }) => [cx - size / 2, cy - size / 2, cx + size / 2, cy + size / 2]));
	expect(report.gpu.numCandidates).toBe(9 * objects.length);
});

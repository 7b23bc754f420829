// onnxruntime-web's WebGPU execution provider and kedge on one device: the output tensor is bound where it stands, and
// the boxes are those of the same network in wasm, and those that were drawn.

import { expect, test } from '@playwright/test';
import { blobNetwork } from '../../demo/model/blobs.js';
import { shapesAt } from '../../demo/scene.js';
import { type Picture, scenePicture } from '../support/scene.js';
import { faultsOf } from '../support/truth.js';
import type { ChainReport, Plain } from './pages/onnxruntime.js';

const SIZE = 256;

/** A picture in the middle of the square input, as RGB planes from 0 to 1. */
function planes({ width, height, rgb }: Picture): number[] {
	const top = (SIZE - height) / 2;
	const input = new Float32Array(3 * SIZE * SIZE).fill(114 / 255);
	for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) input[c * SIZE * SIZE + top * SIZE + i] = rgb[3 * i + c] / 255;
	return [...input];
}

/** In frame pixels, for the drawn truth. */
function found({ boxes, scores, classIds }: Plain) {
	const names = ['red', 'yellow', 'green', 'blue'];
	const top = (SIZE - (SIZE * 9) / 16) / 2;
	return classIds.map((classId, i) => {
		const [xmin, ymin, xmax, ymax] = boxes.slice(4 * i, 4 * i + 4);
		return { classId, label: names[classId], score: scores[i], box: { xmin, ymin: ymin - top, xmax, ymax: ymax - top } };
	});
}

test('the output of the WebGPU execution provider is bound in place; the answer is that of wasm and the CPU', async ({ page }) => {
	await page.goto('test/e2e/pages/onnxruntime.html');
	await page.waitForFunction(() => 'runChain' in globalThis);
	const frames = [0, 100];
	const reports = await page.evaluate(
		([model, size, pictures]) => (globalThis as unknown as { runChain(...args: unknown[]): Promise<ChainReport[]> }).runChain(model, size, pictures),
		[[...blobNetwork(SIZE)], SIZE, frames.map((frame) => planes(scenePicture(frame, SIZE)))] as const,
	);
	for (const [i, report] of reports.entries()) {
		expect(report.location).toBe('gpu-buffer');
		expect(report.kind).toBe('webgpu');
		expect(report.sharesDevice).toBe(true);
		expect(report.boundInPlace, 'bind groups on the runtime’s own buffer').toBeGreaterThan(0);
		expect(report.copies, 'copies of the output').toBe(0);
		expect(report.inPlace, 'GPU and CPU on the same tensor, bit for bit').toEqual(report.downloaded);
		expect(report.again, 'the next run').toEqual(report.inPlace);
		expect(report.disposed).toBe('none');
		// Another execution provider rounds the network's own arithmetic differently.
		expect(report.inPlace.classIds).toEqual(report.wasm.classIds);
		expect(report.inPlace.indices).toEqual(report.wasm.indices);
		report.inPlace.boxes.forEach((value, k) => expect(Math.abs(value - report.wasm.boxes[k])).toBeLessThan(1e-3));
		report.inPlace.scores.forEach((value, k) => expect(Math.abs(value - report.wasm.scores[k])).toBeLessThan(1e-5));
		expect(faultsOf(found(report.inPlace), shapesAt(frames[i]), SIZE / 640)).toEqual([]);
		expect(report.inPlace.numCandidates).toBeGreaterThan(2 * report.inPlace.classIds.length);
	}
});

// The demo's network and clip: the checked-in file is what the script writes, and in onnxruntime the network's best
// anchor for each shape has a box on that shape. The reading of the head here is the test's own.

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { expect, test } from 'vitest';
import { blobNetwork } from '../../../demo/model/blobs.js';
import { CLIP, shapesAt } from '../../../demo/scene.js';
import { scenePicture } from '../../support/scene.js';

const SIZE = 320;

test('demo/model/blobs.onnx is what the script writes', () => {
	const file = readFileSync(new URL('../../../demo/model/blobs.onnx', import.meta.url));
	expect(Buffer.compare(file, blobNetwork(SIZE)), 'run: node demo/model/write.mjs').toBe(0);
});

test('a side that strides do not divide is refused', () => {
	for (const size of [0, 33, 320.5, Number.NaN]) expect(() => blobNetwork(size)).toThrow(/^blobNetwork: size must be a multiple of 32; got/);
});

test('shapes of the clip stay inside the frame and apart, and the clip loops', () => {
	for (let frame = 0; frame < CLIP.frames; frame++) {
		const boxes = shapesAt(frame).map((shape) => shape.box);
		for (const [i, [xmin, ymin, xmax, ymax]] of boxes.entries()) {
			expect(Math.min(xmin, ymin, CLIP.width - xmax, CLIP.height - ymax), `frame ${frame} shape ${i}`).toBeGreaterThan(2);
			for (const [j, other] of boxes.slice(0, i).entries()) {
				const gap = Math.max(other[0] - xmax, xmin - other[2], other[1] - ymax, ymin - other[3]);
				expect(gap, `frame ${frame}: gap between shapes ${i} and ${j}`).toBeGreaterThan(2);
			}
		}
	}
	expect(shapesAt(CLIP.frames)).toEqual(shapesAt(0));
	expect(shapesAt(-1)).toEqual(shapesAt(CLIP.frames - 1));
});

test('the network finds every shape of the clip with several candidates each', async () => {
	ort.env.wasm.numThreads = 1;
	const session = await ort.InferenceSession.create(blobNetwork(SIZE));
	for (let frame = 0; frame < CLIP.frames; frame += 16) {
		const picture = scenePicture(frame, SIZE);
		const top = (SIZE - picture.height) / 2;
		const input = new Float32Array(3 * SIZE * SIZE).fill(114 / 255);
		for (let i = 0; i < picture.width * picture.height; i++) for (let c = 0; c < 3; c++) input[c * SIZE * SIZE + top * SIZE + i] = picture.rgb[3 * i + c] / 255;
		const { output0 } = await session.run({ images: new ort.Tensor('float32', input, [1, 3, SIZE, SIZE]) });
		expect(output0.dims).toEqual([1, 8, 2100]);
		const values = output0.data as Float32Array;
		const at = (channel: number, anchor: number) => values[channel * 2100 + anchor];
		let candidates = 0;
		for (const { classId, box } of shapesAt(frame)) {
			const truth = box.map((v, i) => v / 2 + (i % 2 ? top : 0));
			const hits = Array.from({ length: 2100 }, (_, anchor) => anchor).filter(
				(anchor) => at(4 + classId, anchor) > 0.25 && iou(cornersAt(at, anchor), truth) > 0.5,
			);
			expect(hits.length, `frame ${frame} class ${classId}: candidates`).toBeGreaterThan(0);
			candidates += hits.length;
			const best = hits.reduce((a, b) => (at(4 + classId, b) > at(4 + classId, a) ? b : a));
			expect(iou(cornersAt(at, best), truth), `frame ${frame} class ${classId}: IoU`).toBeGreaterThan(0.7);
		}
		// Work for suppression: several candidates a shape.
		expect(candidates, `frame ${frame}`).toBeGreaterThan(4 * shapesAt(frame).length);
	}
	await session.release();
});

function cornersAt(at: (channel: number, anchor: number) => number, anchor: number): number[] {
	const [cx, cy, w, h] = [0, 1, 2, 3].map((channel) => at(channel, anchor));
	return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
}

function iou(a: readonly number[], b: readonly number[]): number {
	const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
	const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
	const inter = w > 0 && h > 0 ? w * h : 0;
	return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter);
}

// Bytes of GPU buffers that kedge and the textbook pipeline hold for N boxes: linear here, N² / 8 there.

import { lineOf, type Result, type Row, type Run, resultOf } from '../result.js';
import { clusteredBoxes } from '../workloads.js';
import { boxScene, kedgeGpu } from './contestants.js';
import { openGpu } from './device.js';
import { BufferBook } from './listening.js';
import { createTextbook, textbookRefusal } from './textbook.js';

const NAME = 'gpu memory';
const WHAT = 'GPU buffers held for N boxes, 300 detections at most, the boxes themselves not counted';
const SIZES = [4096, 8192, 32_768];

async function memory({ progress }: Run): Promise<Result> {
	const { device } = await openGpu();
	const lines = [];
	for (const n of SIZES) {
		progress(`${n} boxes`);
		const scene = boxScene(device, clusteredBoxes(n, 1, 4), 300);
		const book = new BufferBook();
		const kedge = await kedgeGpu(device, scene);
		// kedge makes its buffers with the first frame, the textbook pipeline when it is made
		await kedge.run(false);
		const ours = book.bytes;
		const refusal = textbookRefusal(n, device.limits);
		let theirs = Number.NaN;
		if (!refusal) {
			const { scoreThreshold, iouThreshold, maxDetections, input } = scene;
			const textbook = await createTextbook({ device, input, numAnchors: n, scoreThreshold, iouThreshold, maxDetections });
			theirs = book.bytes - ours;
			textbook.dispose();
		}
		book.close();
		kedge.dispose();
		for (const { buffer } of scene.tensors) buffer.destroy();
		lines.push(lineOf({ label: `${n}: kedge, webgpu`, value: ours, unit: 'bytes', ratio: 1 }));
		lines.push(
			refusal
				? lineOf({ label: `${n}: bitmask and rank sort`, value: theirs, unit: 'bytes', note: refusal })
				: lineOf({ label: `${n}: bitmask and rank sort`, value: theirs, unit: 'bytes', ratio: theirs / ours, target: 10 }),
		);
	}
	device.destroy();
	return resultOf({ kind: 'gpu memory', name: NAME, what: WHAT, lines });
}

export const memoryRow: Row = { name: NAME, what: WHAT, gpu: true, run: memory };

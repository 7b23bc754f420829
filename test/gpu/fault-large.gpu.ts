// The largest rows of the fault table: a million boxes with a cut, and an IoU matrix beyond one binding.

import { assert } from 'chai';
import { createBackend } from '../../src/index.js';
import { gpuTest } from '../support/gpu-suite.js';

gpuTest(
	'faults: D8 a million boxes, the best thousand',
	async ({ device }) => {
		const n = 1_000_000;
		const boxes = new Float32Array(n * 4);
		const scores = new Float32Array(n);
		// 7919 is prime to n, so the scores are k / n, each once; box i is disjoint from all others
		const boxOfRank = new Uint32Array(n);
		for (let i = 0; i < n; i++) {
			const [x, y] = [(i % 1000) * 10, Math.floor(i / 1000) * 10];
			boxes.set([x, y, x + 9, y + 9], i * 4);
			const k = (i * 7919) % n;
			scores[i] = k / n;
			boxOfRank[n - 1 - k] = i;
		}
		const backend = await createBackend('webgpu', { device });
		try {
			const kept = await backend.nms(boxes, scores, { iouThreshold: 0.5, maxCandidates: 1000 });
			assert.deepEqual([...kept], [...boxOfRank.subarray(0, 1000)]);
		} finally {
			backend.dispose();
		}
	},
	180_000,
);

gpuTest(
	'faults: D9 an IoU matrix of 5,793 x 5,793 is split where it exceeds a binding',
	async ({ device }) => {
		const n = 5793;
		// squares of side 10 in a row, one pixel apart: the IoU depends on the distance alone
		const boxes = new Float32Array(n * 4);
		for (let i = 0; i < n; i++) boxes.set([i, 0, i + 10, 10], i * 4);
		const iouAt = (distance: number) => (distance < 10 ? Math.fround((10 - distance) / (10 + distance)) : 0);
		const backend = await createBackend('webgpu', { device });
		try {
			const matrix = await backend.boxIou(boxes, boxes);
			assert.equal(matrix.length, n * n);
			let wrong = 0;
			for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (matrix[i * n + j] !== iouAt(Math.abs(i - j))) wrong++;
			assert.equal(wrong, 0);
		} finally {
			backend.dispose();
		}
	},
	180_000,
);

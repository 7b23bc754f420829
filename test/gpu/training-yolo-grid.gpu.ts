// YOLO's predictions held against ground truths on the GPU: labels, matches and IoUs are those of the CPU.

import { assert } from 'chai';
import { createBackend, YOLOV3_ANCHORS } from '../../src/index.js';
import { cellLevels, matchYoloGrid, matchYoloGridOn } from '../../src/training.js';
import { gpuTest } from '../support/gpu-suite.js';
import { random, randomBoxes } from '../support/random.js';

gpuTest('matching: predictions that YOLO ignores are those of the CPU', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	try {
		for (const [size, numGroundTruths] of [
			[32, 1],
			[320, 40],
		] as const) {
			const next = random(size);
			const levels = cellLevels({ inputSize: [size, size], strides: [8, 16, 32], anchors: YOLOV3_ANCHORS });
			const numAnchors = levels.reduce((sum, { grid, shapes }) => sum + (grid[0] * grid[1] * shapes.length) / 2, 0);
			const boxes = randomBoxes(numGroundTruths, 'clustered', next);
			// predictions a little beside some ground truth; some are no boxes at all
			const predictedBoxes = randomBoxes(numAnchors, 'degenerate', next).map((v, k) => {
				const near = boxes[(Math.floor(k / 4) % numGroundTruths) * 4 + (k % 4)];
				return Math.floor(k / 4) % 3 === 0 ? v : near + (next() - 0.5) * 20;
			});
			const predictedScores = Float32Array.from({ length: numAnchors * 2 }, () => next() * 0.6);
			const classIds = Uint32Array.from({ length: numGroundTruths }, () => next() * 2);
			for (const options of [{}, { predictedScores }, { predictedScores, classIds, classMatch: 'same' as const }, { ignoreThreshold: 0 }]) {
				const expected = matchYoloGrid(levels, boxes, { predictedBoxes, ...options });
				const actual = await matchYoloGridOn(backend, levels, boxes, { predictedBoxes, ...options });
				assert.deepEqual(actual, expected);
				assert.isAbove(expected.numIgnored, 0);
			}
		}
	} finally {
		backend.dispose();
	}
});

// The bench's opponent on the GPU, bitmask and rank sort, finds what the textbook greedy on the CPU finds: small and ragged
// sizes, ties, classes, limits, and frames one after another on the same buffers.

import { assert } from 'chai';
import { nmsTextbook } from '../../src/cpu/nms.js';
import { keyOf, nextUp } from '../../src/numbers.js';
import { createTextbook, textbookAnswer } from '../bench/gpu/textbook.js';
import { gpuTest } from '../support/gpu-suite.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../support/random.js';

// Boxes in whole numbers have overlaps of exactly the threshold, which a division that is not quite exact may put above it.
const BOXES: readonly BoxSet[] = ['clustered', 'uniform', 'identical', 'disjoint'];
const SCORES: readonly ScoreSet[] = ['distinct', 'few', 'equal'];
const THRESHOLD = 0.5;
const MIN_SCORE = 0.2;

gpuTest('bench: bitmask and rank sort finds what the textbook finds', async ({ device }) => {
	const next = random(31);
	const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
	for (const n of [1, 2, 63, 64, 65, 300]) {
		const made = [16 * n, 4 * n, 4 * n].map((size) => device.createBuffer({ size: Math.max(16, size), usage }));
		const [givenBoxes, givenScores, givenClasses] = made;
		const input = { boxes: givenBoxes, scores: givenScores, classIds: givenClasses };
		for (const maxDetections of [n, Math.ceil(n / 5)]) {
			const options = { device, input, numAnchors: n, scoreThreshold: MIN_SCORE, iouThreshold: THRESHOLD, maxDetections };
			const textbook = await createTextbook(options);
			for (const set of BOXES) {
				for (const scoreSet of SCORES) {
					const [boxes, scores] = [randomBoxes(n, set, next), randomScores(n, scoreSet, next)];
					const classIds = Uint32Array.from({ length: n }, () => Math.floor(next() * 3));
					[boxes, scores, classIds].forEach((data, i) => device.queue.writeBuffer(made[i], 0, data as Float32Array<ArrayBuffer>));
					const rules = {
						minKey: keyOf(nextUp(Math.fround(MIN_SCORE))),
						...{ iouThreshold: THRESHOLD, maxDetections, maxCandidates: 2 ** 32 - 1, tiesHighest: false, classAgnostic: false },
					};
					const expected = nmsTextbook(boxes, scores, classIds, rules);
					const got = await textbook.run();
					assert.deepEqual(Array.from(textbookAnswer(got).indices), Array.from(expected.indices), `${n} ${set} ${scoreSet} ${maxDetections}`);
					assert.equal(got.numCandidates, expected.numCandidates);
				}
			}
			textbook.dispose();
		}
		for (const buffer of made) buffer.destroy();
	}
});

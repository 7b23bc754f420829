// Boxes whose sizes are worlds apart, at every threshold: where bounds that lack slack leave a suppressor out.

import { describe, expect, it } from 'vitest';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook } from '../../../src/cpu/nms.js';
import { nms } from '../../../src/index.js';
import { callOf } from '../../support/calls.js';
import { random } from '../../support/random.js';

describe('boxes of extreme size', () => {
	it('suppress at threshold 0 whatever touches their inside', () => {
		// the third box reaches from x = 83 to 1e18 and shares [83, 86] x [83.5, 83.6] with the second
		const boxes = new Float32Array([0, 0, 10, 10, 60, 83.5, 86, 83.6, 83, 78, 1e18, 316]);
		for (const iouThreshold of [0, 1e-40]) expect([...nms(boxes, new Float32Array([0.9, 0.8, 0.7]), { iouThreshold })]).toEqual([0, 1]);
	});

	it('give the textbook answer in 4,000 random cases', () => {
		const next = random(29);
		for (let round = 0; round < 4000; round++) {
			const n = 2 + Math.floor(next() * 60);
			const boxes = new Float32Array(n * 4);
			for (let i = 0; i < n; i++) {
				const [x, y] = [next() * 100, next() * 100];
				boxes.set([x, y, x + next() ** 2 * 60, y + next() ** 2 * 60], i * 4);
				if (next() < 0.06) boxes[i * 4 + Math.floor(next() * 4)] = [1e18, 2 ** 61, -1e18, 1e9, 3e12, -(2 ** 60)][Math.floor(next() * 6)];
			}
			const scores = new Float32Array(n).map(() => next());
			const call = callOf({ iou: [0, 1e-6, 5e-5, 1e-4, 0.1, 0.45, 0.5, 0.9][round % 8] });
			const wanted = nmsTextbook(boxes, scores, undefined, call);
			const got = nmsFast(boxes, scores, undefined, call);
			if (wanted.indices.join() !== got.indices.join()) expect([...got.indices], `round ${round}`).toEqual([...wanted.indices]);
		}
	});
});

// The properties of greedy suppression, of the textbook and of the fast path.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook } from '../../../src/cpu/nms.js';
import { keyOf } from '../../../src/numbers.js';
import { callOf } from '../../support/calls.js';
import { distinctSceneOf, type KeptOf, NMS_PROPERTIES, sceneOf } from '../../support/nms-properties.js';

const MAX_BOXES = 90;
const RUNS = { seed: 20260705, numRuns: 300 };

for (const [path, nms] of Object.entries({ nmsTextbook, nmsFast })) {
	const kept: KeptOf = async (s, { scoreThreshold, inclusive, maxDetections, classAgnostic } = {}) => {
		const call = callOf({ iou: s.t, score: scoreThreshold, maxDetections, classAgnostic });
		const rules = inclusive ? { ...call, minKey: keyOf(scoreThreshold ?? 0) } : call;
		return [...nms(Float32Array.from(s.boxes.flat()), Float32Array.from(s.scores), s.classIds, rules).indices];
	};

	describe(`${path}: kept indices`, () => {
		for (const { name, holds, distinct } of NMS_PROPERTIES) {
			it(name, () =>
				fc.assert(
					fc.asyncProperty((distinct ? distinctSceneOf : sceneOf)(MAX_BOXES), (s) => holds(kept, s)),
					RUNS,
				),
			);
		}
	});
}

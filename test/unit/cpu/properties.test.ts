// The properties of greedy suppression, of the textbook and of the fast path, by every rule of overlap.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { PLAIN_OVERLAP } from '../../../src/boxes/overlap.js';
import { nmsFast } from '../../../src/cpu/fast.js';
import { nmsTextbook } from '../../../src/cpu/nms.js';
import { keyOf } from '../../../src/numbers.js';
import { callOf } from '../../support/calls.js';
import { distinctSceneOf, type KeptOf, NMS_PROPERTIES, OVERLAP_RULES, sceneOf } from '../../support/nms-properties.js';

const MAX_BOXES = 90;
const RUNS = { seed: 20260705, numRuns: 300 };
const FEWER_RUNS = { seed: 20260705, numRuns: 40 };

for (const [path, nms] of Object.entries({ nmsTextbook, nmsFast })) {
	const kept: KeptOf = async (s, { scoreThreshold, inclusive, maxDetections, classAgnostic } = {}) => {
		const call = callOf({ iou: s.t, score: scoreThreshold, maxDetections, classAgnostic });
		const rules = inclusive ? { ...call, minKey: keyOf(scoreThreshold ?? 0) } : call;
		return [...nms(Float32Array.from(s.boxes.flat()), Float32Array.from(s.scores), s.classIds, rules, s.rule).indices];
	};

	for (const [name, rule] of [['iou', PLAIN_OVERLAP] as const, ...OVERLAP_RULES]) {
		describe(`${path} by ${name}: kept indices`, () => {
			for (const { name, holds, distinct } of NMS_PROPERTIES) {
				it(name, () =>
					fc.assert(
						fc.asyncProperty((distinct ? distinctSceneOf : sceneOf)(MAX_BOXES, rule), (s) => holds(kept, s)),
						rule === PLAIN_OVERLAP ? RUNS : FEWER_RUNS,
					),
				);
			}
		});
	}
}

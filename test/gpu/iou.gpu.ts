// boxIou of all six kinds: the bits of the CPU function, for ordinary, touching, equal, empty and unusable boxes.

import { assert } from 'chai';
import { boxIou, createBackend } from '../../src/index.js';
import { gpuTest } from '../support/gpu-suite.js';
import { random, randomBoxes } from '../support/random.js';

for (const kind of ['iou', 'giou', 'diou', 'ciou', 'iof', 'iom'] as const) {
	gpuTest(`boxIou: ${kind} has the bits of the CPU function`, async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		const next = random(17);
		try {
			for (const set of ['clustered', 'integer', 'uniform', 'degenerate', 'identical'] as const) {
				const a = randomBoxes(150, set, next);
				const b = new Float32Array([...randomBoxes(90, set, next), ...a.subarray(0, 40)]);
				const got = new Uint32Array((await backend.boxIou(a, b, { kind })).buffer);
				const wanted = new Uint32Array(boxIou(a, b, { kind }).buffer);
				const isNaN = (bits: number) => (bits & 0x7fffffff) > 0x7f800000;
				const wrong = [...wanted.keys()].filter((i) => got[i] !== wanted[i] && !(isNaN(got[i]) && isNaN(wanted[i])));
				assert.deepEqual(wrong.slice(0, 5), [], `${set}: ${wrong.length} of ${wanted.length} differ`);
			}
		} finally {
			backend.dispose();
		}
	});
}

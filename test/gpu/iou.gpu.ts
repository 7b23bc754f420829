// boxIou of all kinds: the bits of the CPU function, for ordinary, touching, equal, empty and unusable boxes.

import { assert } from 'chai';
import { boxIou, createBackend, rotatedIou } from '../../src/index.js';
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

for (const kind of ['iou', 'probiou'] as const) {
	gpuTest(`boxIou: ${kind} of rotated boxes has the bits of the CPU function`, async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		const next = random(18);
		const rotated = (n: number, set: 'clustered' | 'integer' | 'degenerate') => {
			const boxes = randomBoxes(n, set, next);
			const data = new Float32Array(n * 5);
			for (let i = 0; i < n; i++) {
				const [x1, y1, x2, y2] = boxes.subarray(i * 4, i * 4 + 4);
				const angle = i % 3 ? next() * 8 - 4 : (Math.floor(next() * 9) * Math.PI) / 4;
				data.set([(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, set === 'degenerate' && i % 7 === 0 ? [NaN, Infinity, 4096, 1e-40][i % 4] : angle], i * 5);
			}
			return { data, format: 'cxcywhr' } as const;
		};
		try {
			for (const set of ['clustered', 'integer', 'degenerate'] as const) {
				const [a, b] = [rotated(90, set), rotated(70, set)];
				const got = new Uint32Array((await backend.boxIou(a, b, { kind })).buffer);
				const wanted = new Uint32Array(rotatedIou(a, b, { kind }).buffer);
				const isNaN = (bits: number) => (bits & 0x7fffffff) > 0x7f800000;
				const wrong = [...wanted.keys()].filter((i) => got[i] !== wanted[i] && !(isNaN(got[i]) && isNaN(wanted[i])));
				assert.deepEqual(wrong.slice(0, 5), [], `${set}: ${wrong.length} of ${wanted.length} differ`);
				assert.isTrue(wanted.some((bits) => bits > 0 && !isNaN(bits)));
				assert.equal(wanted.some(isNaN), set === 'degenerate');
			}
		} finally {
			backend.dispose();
		}
	});
}

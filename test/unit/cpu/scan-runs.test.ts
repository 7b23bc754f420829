// Heads that take the CPU's scan more than one tile of anchors or run of scores, against a plain sort of all scores.

import { describe, expect, it } from 'vitest';
import { boxes } from '../../../src/codecs/boxes.js';
import { defineHead } from '../../../src/heads/define.js';
import { createPostprocessor } from '../../../src/index.js';
import { random, randomBoxes } from '../../support/random.js';

const LEAST = 0.5;

describe.each([
	['class-major', ['channel', 'anchor']],
	['anchor-major', ['anchor', 'channel']],
] as const)('%s', (name, layout) => {
	it.each([
		[16_383, 1],
		[16_384, 1],
		[40_000, 3],
		[33_001, 80],
	])('%i anchors, %i classes', async (numAnchors, numClasses) => {
		const head = defineHead({
			...{ name, inputSize: [1000, 1000], numClasses, numAnchors, codec: boxes({ format: 'xyxy' }), score: { activation: 'none' }, suppression: false },
			tensors: [
				{ name: 'boxes', layouts: [['anchor', 'channel']], sizes: { anchor: numAnchors, channel: 4 } },
				{ name: 'scores', layouts: [layout], sizes: { anchor: numAnchors, channel: numClasses } },
			],
			levels: [
				{
					...{ firstAnchor: 0, numAnchors, grid: [1, numAnchors], numShapes: 1, order: 'yxa', stride: 1 },
					...{ box: { tensor: 0, channel: 0 }, classes: { tensor: 1, channel: 0 } },
				},
			],
		});
		const next = random(numAnchors);
		const scores = Float32Array.from({ length: numAnchors * numClasses }, () => 0.4 * next());
		const at = (a: number, c: number) => (layout[0] === 'channel' ? c * numAnchors + a : a * numClasses + c);
		// about one in sixteen passes; the ends of all that may be a tile or a run, too
		const hits: [number, number, number][] = [];
		for (let a = 0; a < numAnchors; a++) {
			if (next() > 0.06 && a % 1024 > 1 && a % 1024 < 1022 && a < numAnchors - 2) continue;
			const c = Math.floor(next() * numClasses);
			scores[at(a, c)] = 0.6 + 0.4 * next();
			hits.push([scores[at(a, c)], a, c]);
		}
		const wanted = hits.sort((p, q) => q[0] - p[0] || p[1] - q[1]);
		const outputs = [
			{ data: randomBoxes(numAnchors, 'uniform', next), dims: [1, numAnchors, 4] },
			{ data: scores, dims: [1, ...layout.map((axis) => (axis === 'channel' ? numClasses : numAnchors))] },
		];
		for (const multiLabel of [false, true]) {
			const options = { head, multiLabel, backend: 'cpu', scoreThreshold: LEAST, maxDetections: Infinity, maxCandidates: Infinity } as const;
			const { indices, classIds } = await (await createPostprocessor(options)).run(outputs);
			expect(Array.from(indices, (a, i) => `${a}/${classIds[i]}`)).toEqual(wanted.map(([, a, c]) => `${a}/${c}`));
		}
	});
});

// The properties of greedy suppression on the GPU. Few runs of each, as a call takes milliseconds on a software adapter:
// test/unit/cpu/properties.test.ts has many, and nms.gpu.ts holds the GPU against the CPU in 10,000 cases.

import { assert } from 'chai';
import fc from 'fast-check';
import type { Backend } from '../../src/backend.js';
import { adoptDevice } from '../../src/gpu/device.js';
import { nmsHead } from '../../src/gpu/nms.js';
import { HeadPipeline } from '../../src/gpu/pipeline.js';
import { createBackend } from '../../src/index.js';
import { bindImages, callOf } from '../support/calls.js';
import { gpuTest } from '../support/gpu-suite.js';
import { assertAnswer, batchOf, distinctSceneOf, type KeptOf, NMS_PROPERTIES, type Scene, sceneOf } from '../support/nms-properties.js';

const MAX_BOXES = 60;
const RUNS = { seed: 20260705, numRuns: 20, interruptAfterTimeLimit: 50_000, markInterruptAsFailure: true };

const boxesOf = (s: Scene) => Float32Array.from(s.boxes.flat());
const classIdsOf = (s: Scene) => Uint32Array.from(s.classIds);

function keptBy(backend: Backend): KeptOf {
	return async (s, { scoreThreshold, inclusive, maxDetections, classAgnostic } = {}) => {
		const kept = await backend.nms(boxesOf(s), Float32Array.from(s.scores), {
			iouThreshold: s.t,
			scoreThreshold,
			maxDetections,
			classIds: classAgnostic ? undefined : classIdsOf(s),
			semantics: inclusive ? { score: '>=' } : undefined,
		});
		return [...kept];
	};
}

for (const { name, holds, distinct } of NMS_PROPERTIES) {
	gpuTest(`properties: kept indices ${name}`, async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		try {
			const scene = (distinct ? distinctSceneOf : sceneOf)(MAX_BOXES);
			await fc.assert(
				fc.asyncProperty(scene, (s) => holds(keptBy(backend), s)),
				RUNS,
			);
		} finally {
			backend.dispose();
		}
	});
}

gpuTest('properties: kept indices of a batch are those of its images', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	const head = nmsHead(1, true);
	const pipeline = new HeadPipeline(adoptDevice(device), { head, multiLabel: false, suppression: 'blocked', givenClasses: true, growing: true });
	try {
		await pipeline.start();
		const kept = keptBy(backend);
		const holds = async (images: Scene[]) => {
			const tensors = [
				bindImages(images.map(boxesOf), 4),
				bindImages(
					images.map((s) => Float32Array.from(s.scores)),
					1,
				),
				bindImages(images.map(classIdsOf), 1),
			];
			const { boxes, t } = images[0];
			const together = await pipeline.run(tensors, images.length, callOf({ iou: t }), nmsHead(boxes.length, true));
			assert.lengthOf(together, images.length);
			for (const [i, s] of images.entries()) {
				const indices = [...together[i].indices];
				assertAnswer(s, indices);
				assert.deepEqual(indices, await kept(s), `image ${i}`);
			}
		};
		await fc.assert(fc.asyncProperty(batchOf(MAX_BOXES), holds), RUNS);
	} finally {
		pipeline.dispose();
		backend.dispose();
	}
});

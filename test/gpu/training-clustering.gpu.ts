// k-means and genetic evolution on the GPU: the assignments, anchors and fitness of the CPU, to the last bit, whatever a GPU tries at once.

import { assert } from 'chai';
import { createBackend } from '../../src/index.js';
import {
	type AnchorClusters,
	autoAnchors,
	type EvolvedAnchors,
	evolveAnchors,
	type KmeansOptions,
	kmeansAnchors,
	type TrainingBackend,
} from '../../src/training.js';
import { gpuTest } from '../support/gpu-suite.js';
import { randomSizes, sizesAround } from '../support/random-sizes.js';

const ANCHORS = [10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326];

async function onGpu(device: GPUDevice, body: (backend: TrainingBackend) => Promise<void>): Promise<void> {
	const backend = await createBackend('webgpu', { device });
	try {
		await body(backend);
	} finally {
		backend.dispose();
	}
}

const bitsOf = (x: Float32Array) => [...new Uint32Array(x.buffer, x.byteOffset, x.length)];

function assertSameClusters(got: AnchorClusters, wanted: AnchorClusters, what: string): void {
	assert.deepEqual(bitsOf(got.anchors), bitsOf(wanted.anchors), what);
	const wrong = got.assignments.findIndex((k, i) => k !== wanted.assignments[i]);
	assert.equal(wrong, -1, `${what}: box ${wrong} is of ${got.assignments[wrong]}, expected ${wanted.assignments[wrong]}`);
	assert.deepEqual(got, wanted, what);
}

/** [what, sizes, options] */
const CLUSTERINGS: [string, Float32Array, KmeansOptions][] = [
	['10 sizes', randomSizes(10, 1), { count: 3, trace: true }],
	['1000 sizes', randomSizes(1000, 2, 1), { count: 9, trace: true, restarts: 3 }],
	['30,000 sizes', randomSizes(30_000, 3), { count: 9, maxIterations: 12 }],
	['euclidean', randomSizes(3000, 4, 1), { count: 7, distance: 'euclidean', init: 'random' }],
	['yolov5', randomSizes(3000, 5), { count: 9, style: 'yolov5', restarts: 4 }],
	['keras-yolo3', randomSizes(3000, 6, 2), { count: 5, style: 'keras-yolo3' }],
	['one cluster', randomSizes(500, 7), { count: 1 }],
	['many clusters', randomSizes(3000, 8), { count: 200, maxIterations: 5 }],
	['500,000 boxes of two sizes', Float32Array.from({ length: 1_000_000 }, (_, i) => (i % 7 < 2 ? 20 : 90)), { count: 2, distance: 'euclidean' }],
	['ties', sizesAround([10, 10], 1, 1).map(() => 10), { count: 2, init: [8, 12.5, 12.5, 8] }],
	[
		'widths but one ulp',
		Float32Array.from({ length: 6000 }, (_, i) => (i % 2 ? 10 + ((i >> 1) % 97) : i === 14 ? 100.00001 : 100)),
		{ count: 4, distance: 'whitened' },
	],
	['sides of 0.5 and of 1e6', randomSizes(1000, 11).map((x, i) => (i % 3 ? x / 1000 : x * 1000)), { count: 9 }],
	['normalised', randomSizes(2000, 9).map((x) => x / 640), { count: 6, distance: 'whitened' }],
];

for (const [what, sizes, options] of CLUSTERINGS) {
	gpuTest(`k-means: ${what} have the bits of the CPU`, async ({ device }) => {
		await onGpu(device, async (backend) => {
			const wanted = await kmeansAnchors(sizes, options);
			assertSameClusters(await kmeansAnchors(sizes, { ...options, backend }), wanted, what);
		});
	});
}

gpuTest('k-means: clusters without boxes are kept, dropped and seeded anew as on the CPU', async ({ device }) => {
	const sizes = randomSizes(600, 10, 4);
	const init = Array.from({ length: 40 }, (_, i) => 1 + ((i * i * 7) % 900));
	await onGpu(device, async (backend) => {
		for (const empty of ['keep', 'drop', 'reseed'] as const) {
			for (const distance of ['iou', 'euclidean'] as const) {
				const options = { count: 20, init, empty, distance, trace: true } as const;
				const wanted = await kmeansAnchors(sizes, options);
				assert.isAbove(wanted.emptied.length, 0);
				assertSameClusters(await kmeansAnchors(sizes, { ...options, backend }), wanted, `${empty}, ${distance}`);
			}
		}
	});
});

function assertSameEvolution(got: EvolvedAnchors, wanted: EvolvedAnchors, what: string): void {
	assert.deepEqual(
		got.accepted.map(({ generation }) => generation),
		wanted.accepted.map(({ generation }) => generation),
		what,
	);
	got.accepted.forEach(({ anchors }, i) => assert.deepEqual(bitsOf(anchors), bitsOf(wanted.accepted[i].anchors), `${what}, acceptance ${i}`));
	assert.deepEqual(got, wanted, what);
}

/** [sizes, generations, anchors] */
const EVOLUTIONS: [string, Float32Array, number, readonly number[]][] = [
	['10 sizes', randomSizes(10, 1), 200, ANCHORS],
	['1000 sizes', randomSizes(1000, 2, 1), 200, ANCHORS],
	['30,000 sizes', randomSizes(30_000, 3), 60, ANCHORS],
	['one anchor', randomSizes(1000, 4), 150, [5, 500]],
	['80 anchors', randomSizes(500, 5), 40, [...randomSizes(80, 6)]],
	['200,000 boxes of few sizes', Float32Array.from({ length: 400_000 }, (_, i) => 10 + (i % 5)), 100, [30, 30, 5, 9]],
];

for (const [what, sizes, generations, anchors] of EVOLUTIONS) {
	gpuTest(`evolution: ${what} have the bits of the CPU`, async ({ device }) => {
		await onGpu(device, async (backend) => {
			const seen: number[] = [];
			const options = { generations, seed: 5 };
			const wanted = await evolveAnchors(sizes, anchors, options);
			assert.isAbove(wanted.accepted.length, 3);
			const got = await evolveAnchors(sizes, anchors, { ...options, backend, onProgress: ({ generation }) => seen.push(generation) });
			assertSameEvolution(got, wanted, what);
			assert.equal(seen.at(-1), generations);
			for (let i = 1; i < seen.length; i++) assert.isAbove(seen[i], seen[i - 1]);
		});
	});
}

gpuTest('evolution: other thresholds, floors, clips and chances, and no boxes', async ({ device }) => {
	const sizes = randomSizes(700, 8);
	await onGpu(device, async (backend) => {
		for (const options of [
			{ ratioThreshold: 1.5 },
			{ minSize: 40 },
			{ minSize: 0, clip: [0.9, 1.01] },
			{ mutationProbability: 0.05, sigma: 3, seed: 2 },
		] as const) {
			const given = { generations: 120, ...options };
			assertSameEvolution(await evolveAnchors(sizes, ANCHORS, { ...given, backend }), await evolveAnchors(sizes, ANCHORS, given), JSON.stringify(options));
		}
		assert.equal((await evolveAnchors([], ANCHORS, { generations: 3, backend })).fitness, 0);
	});
});

gpuTest('clustering: an aborted call rejects with its reason, and the next is right', async ({ device }) => {
	const sizes = randomSizes(2000, 9);
	await onGpu(device, async (backend) => {
		const controller = new AbortController();
		const fault = async (work: Promise<unknown>) => work.then(() => 'nothing', String);
		const aborting = { backend, signal: controller.signal, onProgress: () => controller.abort(new Error('enough')) };
		assert.match(await fault(evolveAnchors(sizes, ANCHORS, { generations: 100_000, ...aborting })), /enough/);
		assert.match(await fault(kmeansAnchors(sizes, { count: 9, backend, signal: controller.signal })), /enough/);
		assertSameClusters(await kmeansAnchors(sizes, { count: 4, backend }), await kmeansAnchors(sizes, { count: 4 }), 'after');
	});
});

gpuTest('autoAnchors: finds on the GPU what the CPU finds', async ({ device }) => {
	const sizes = sizesAround([12, 300, 20, 500, 8, 150], 100, 2);
	const options = { anchors: ANCHORS, restarts: 2, generations: 80, strides: [8, 16, 32] };
	await onGpu(device, async (backend) => {
		const wanted = await autoAnchors(sizes, options);
		assert.isTrue(wanted.changed);
		assert.deepEqual(await autoAnchors(sizes, { ...options, backend }), wanted);
	});
});

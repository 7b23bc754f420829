// Overlaps of anchors with ground truths on the GPU: the bits of the CPU, ties and boxes that are none included, at every size.

import { assert } from 'chai';
import { createBackend } from '../../src/index.js';
import { onBackend } from '../../src/training/backend.js';
import { type Overlaps, overlapsOf, type TiesWanted } from '../../src/training/matching/overlaps.js';
import { overlapsOnGpu } from '../../src/training/matching/overlaps-gpu.js';
import { prepare } from '../../src/training/matching/prepare.js';
import { type MaxIouOptions, matchMaxIou, matchMaxIouOn, matchSsd, matchSsdOn, matchTextbook, matchTextbookOn } from '../../src/training.js';
import { gpuTest } from '../support/gpu-suite.js';
import { scene } from '../support/matching.js';

const bitsOf = (values: Float32Array | Int32Array | undefined) => (values ? new Uint32Array(values.buffer, values.byteOffset, values.length) : undefined);

function assertSame(got: Overlaps, wanted: Overlaps, what: string) {
	for (const name of ['maxIou', 'argmax', 'best', 'bestAnchor', 'tied'] as const) {
		const [a, b] = [bitsOf(got[name]), bitsOf(wanted[name])];
		assert.equal(a?.length, b?.length, `${what}: ${name}`);
		if (!a || !b) continue;
		const wrong = [...b.keys()].filter((i) => a[i] !== b[i]);
		assert.deepEqual(wrong.slice(0, 5), [], `${what}: ${wrong.length} of ${b.length} ${name} differ`);
	}
}

const TIES: readonly (TiesWanted | undefined)[] = [undefined, { keep: 'first', minimum: 0 }, { keep: 'last', minimum: 0.3 }];

async function compare(
	device: GPUDevice,
	sizes: readonly (readonly [number, number])[],
	sets: readonly Parameters<typeof scene>[0][],
	anchorsPerPart?: number,
) {
	const backend = await createBackend('webgpu', { device });
	try {
		for (const [numAnchors, numGroundTruths] of sizes) {
			for (const set of sets) {
				const given = scene(set, numAnchors, numGroundTruths, numAnchors + numGroundTruths);
				const { anchors, groundTruths } = prepare('test', given.anchors, given.groundTruths, {}, { rule: 'border', when: 'before' });
				const ties = TIES[(numAnchors + numGroundTruths) % 3];
				const got = await onBackend('test', backend, true, (job) => overlapsOnGpu(job, anchors, groundTruths, ties, anchorsPerPart), assert.fail);
				assertSame(got, overlapsOf(anchors, groundTruths, ties), `${set}, ${numAnchors} x ${numGroundTruths}`);
			}
		}
	} finally {
		backend.dispose();
	}
}

gpuTest('matching: overlaps of a few and of a thousand anchors are those of the CPU', async ({ device }) => {
	await compare(
		device,
		[
			[7, 1],
			[7, 33],
			[64, 64],
			[1000, 1],
			[1000, 33],
			[1000, 300],
		],
		['clustered', 'integer', 'degenerate', 'identical'],
	);
});

gpuTest('matching: overlaps of 20,000 anchors are those of the CPU', async ({ device }) => {
	await compare(
		device,
		[
			[20_000, 1],
			[20_000, 33],
			[20_000, 300],
		],
		['integer', 'degenerate'],
	);
});

gpuTest('matching: more anchors than one round of workgroups, and parts, give the same overlaps', async ({ device }) => {
	await compare(device, [[140_000, 2]], ['clustered']);
	await compare(
		device,
		[
			[1000, 33],
			[1001, 34],
			[1001, 35],
		],
		['integer'],
		300,
	);
});

gpuTest('matching: the rules give on a backend what they give on the CPU', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	try {
		for (const [numAnchors, numGroundTruths] of [
			[0, 3],
			[7, 0],
			[7, 5],
			[1000, 33],
			[3000, 100],
		] as const) {
			for (const set of ['clustered', 'integer', 'degenerate', 'identical'] as const) {
				const { anchors, groundTruths } = scene(set, numAnchors, numGroundTruths, 3 + numAnchors);
				for (const style of ['paper', 'mmdet', 'torchvision', 'detectron2', 'fizyr', 'efficientdet'] as const) {
					const options: MaxIouOptions = { style, outside: { imageSize: [600, 600] }, ignoreBoxes: [0, 0, 100, 100] };
					assert.deepEqual(await matchMaxIouOn(backend, anchors, groundTruths, options), matchMaxIou(anchors, groundTruths, options), `${set} ${style}`);
				}
				for (const style of ['caffe', 'torchvision'] as const) {
					assert.deepEqual(await matchSsdOn(backend, anchors, groundTruths, { style }), matchSsd(anchors, groundTruths, { style }), `${set} ssd`);
				}
				assert.deepEqual(await matchTextbookOn(backend, anchors, groundTruths), matchTextbook(anchors, groundTruths), `${set} textbook`);
			}
		}
	} finally {
		backend.dispose();
	}
});

// Every head on the GPU: the same detections as the CPU path, bit for bit, in every field. 'hybrid' and the stages too.

import { assert } from 'chai';
import type { Detections } from '../../src/detections.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import { createPostprocessor } from '../../src/postprocessor.js';
import { gpuTest } from '../support/gpu-suite.js';
import { HEAD_CASES } from '../support/heads/all.js';
import { type HeadCase, tensorsOf } from '../support/heads/oracle.js';

async function detect(item: HeadCase, options: object): Promise<Detections> {
	const postprocessor = await createPostprocessor({ ...item.options, head: item.head, maxDetections: 2000, ...options });
	try {
		return await postprocessor.run(tensorsOf(item, 21).outputs);
	} finally {
		postprocessor.dispose();
	}
}

const FIELDS = ['boxes', 'scores', 'classIds', 'indices', 'keypoints', 'maskCoefficients', 'angles'] as const;
const bitsOf = (array: Float32Array | Uint32Array | undefined) => array && Array.from(new Uint32Array(array.buffer, array.byteOffset, array.length));
function contents(d: Detections) {
	return { ...Object.fromEntries(FIELDS.map((name) => [name, bitsOf(d[name])])), numCandidates: d.numCandidates, truncated: d.truncated, rejected: d.rejected };
}

for (const item of HEAD_CASES) {
	gpuTest(`heads: ${item.name} on the GPU equals the CPU`, async ({ device }) => {
		const wanted = contents(await detect(item, { backend: 'cpu' }));
		assert.isAbove(wanted.numCandidates, 0);
		assert.deepEqual(contents(await detect(item, { backend: 'webgpu', device })), wanted, 'webgpu');
		assert.deepEqual(contents(await detect(item, { backend: 'hybrid', device })), wanted, 'hybrid');
		assert.deepEqual(contents(await detect(item, { backend: 'webgpu', device, gpuStages: 1 })), wanted, 'twins after decode');
		assert.deepEqual(contents(await detect(item, { backend: 'webgpu', device, gpuStages: 0 })), wanted, 'twins alone');
	});
}

// Ids that stand in the tensor or are numbers of levels pass no channel's gate: the allow-list and the range are looked at late.
for (const name of ['class ids as numbers', 'a cut and a class per level']) {
	const item = HEAD_CASES.find((other) => other.name === name) as HeadCase;
	for (const multiLabel of [false, true]) {
		gpuTest(`heads: ${name}, an allow-list${multiLabel ? ', every class' : ''} on the GPU equals the CPU`, async ({ device }) => {
			const options = { classes: [0], multiLabel, suppression: 'bitmask' } as const;
			const outputs = tensorsOf(item, 22).arrays.map((data, t) => ({ data, dims: item.dims[t] }));
			// no class, and one that is cut to 0
			if (item.head.score.classes === 'given') [80, -1, 1e30, Number.NaN, -0.5].forEach((id, row) => (outputs[0].data[6 * row + 5] = id));
			const run = async (where: object) => {
				const postprocessor = await createPostprocessor({ ...item.options, ...options, head: item.head, scoreThreshold: 0, ...where });
				try {
					return contents(await postprocessor.run(outputs));
				} finally {
					postprocessor.dispose();
				}
			};
			const wanted = await run({ backend: 'cpu' });
			assert.equal(wanted.rejected, item.head.score.classes === 'given' ? 4 : 0);
			const ids = new Set((wanted as { classIds?: number[] }).classIds);
			assert.deepEqual([...ids], [0]);
			assert.deepEqual(await run({ backend: 'webgpu', device }), wanted, 'webgpu');
			assert.deepEqual(await run({ backend: 'hybrid', device }), wanted, 'hybrid');
		});
	}
}

gpuTest('heads: rooted scores without a threshold come in order on the GPU', async ({ device }) => {
	const item = HEAD_CASES[0]; // the square root of class times centerness
	const options = { scoreThreshold: Number.NEGATIVE_INFINITY, maxCandidates: 40 };
	const wanted = contents(await detect({ ...item, options }, { backend: 'cpu' }));
	assert.deepEqual(contents(await detect({ ...item, options }, { backend: 'webgpu', device })), wanted, 'webgpu');
	assert.deepEqual(contents(await detect({ ...item, options }, { backend: 'hybrid', device })), wanted, 'hybrid');
});

gpuTest('heads: proposals in GPU buffers, none of them', async ({ device }) => {
	const item = HEAD_CASES.find(({ name }) => name === 'proposals with the call, a box per class') as HeadCase;
	for (const backend of ['webgpu', 'hybrid'] as const) {
		const postprocessor = await createPostprocessor({ head: item.head, backend, device });
		const buffer = device.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE });
		try {
			const { count, numCandidates, rejected } = await postprocessor.run([16, 4, 4].map((channels) => ({ gpuBuffer: buffer, dims: [1, 0, channels] })));
			assert.deepEqual([count, numCandidates, rejected], [0, 0, 0], backend);
		} finally {
			postprocessor.dispose();
			buffer.destroy();
		}
	}
});

gpuTest('heads: every stage is timed, however many passes narrow the cut of a multi-label head', async ({ device }) => {
	const head = yolov8({ numClasses: 80, inputSize: [320, 320] }); // 168000 pairs for 8192 places
	const postprocessor = await createPostprocessor({ head, backend: 'webgpu', device, multiLabel: true });
	try {
		const { timings = {} } = await postprocessor.run(new Float32Array(84 * 2100), { timings: true });
		const stages = device.features.has('timestamp-query') ? ['decode', 'bins', 'scatter', 'rank', 'suppress'] : [];
		assert.sameMembers(Object.keys(timings), [...stages, 'total']);
	} finally {
		postprocessor.dispose();
	}
});

// Every head on the GPU: the same detections as the CPU path, bit for bit, in every field. 'hybrid' and the stages too.

import { assert } from 'chai';
import type { Detections } from '../../src/detections.js';
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

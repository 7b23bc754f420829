// Work beside the pipeline: a job's buffers stay from run to run, dispatches see what those before them wrote, and faults
// of a caller are told by name.

import { assert } from 'chai';
import { createBackend } from '../../src/index.js';
import type { GpuJob, Kernel } from '../../src/pipeline.js';
import { onBackend } from '../../src/training/backend.js';
import { gpuTest } from '../support/gpu-suite.js';

/** values[i] = values[i] * factor + 1 */
const STEP: Kernel = {
	name: 'test.step',
	code: `
@group(0) @binding(0) var<uniform> params: vec4u;
@group(0) @binding(1) var<storage, read_write> values: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = global.x; i < params.y; i += groups.x * 64u) { values[i] = values[i] * params.x + 1u; }
}`,
	bindings: [
		[0, 'uniform', 'params'],
		[1, 'read_write', 'values'],
	],
};

async function onJob<T>(device: GPUDevice, work: (job: GpuJob) => Promise<T>): Promise<T> {
	const backend = await createBackend('webgpu', { device });
	try {
		return await onBackend('test', backend, true, work, () => assert.fail('it must run on the GPU'));
	} finally {
		backend.dispose();
	}
}

gpuTest('jobs: dispatches run in order, buffers stay from run to run, and begin with zeros', async ({ device }) => {
	await onJob(device, async (job) => {
		const kernel = await job.compile(STEP);
		const count = 70_000;
		const params = job.buffer('params', new Uint32Array([3, count, 0, 0]));
		const values = job.buffer('values', new Uint32Array(count).fill(5));
		const zeros = job.buffer('zeros', 40);
		const dispatch = { kernel, buffers: { params, values }, workgroups: 100 };
		const [first, untouched] = await job.run([dispatch, dispatch], [values, zeros]);
		assert.isTrue(new Uint32Array(first).every((x) => x === 49)); // (5 * 3 + 1) * 3 + 1
		assert.deepEqual([...new Uint8Array(untouched)], Array(40).fill(0));
		job.write(params, new Uint32Array([1, 2, 0, 0]));
		job.write(values, new Uint32Array([7]));
		const [second] = await job.run([dispatch], [values]);
		assert.deepEqual([...new Uint32Array(second, 0, 4)], [8, 50, 49, 49]);
		assert.deepEqual(await job.run([]), []);
	});
});

gpuTest('jobs: a missing buffer, too much content and an aborted signal are told', async ({ device }) => {
	await onJob(device, async (job) => {
		const kernel = await job.compile(STEP);
		const params = job.buffer('params', new Uint32Array(4));
		const fault = async (work: () => unknown) => {
			try {
				await work();
			} catch (error) {
				return String(error);
			}
			return 'nothing';
		};
		assert.match(
			await fault(() => job.run([{ kernel, buffers: { params }, workgroups: 1 }])),
			/TypeError: test: test\.step needs a buffer 'values'; got params/,
		);
		assert.match(await fault(() => job.write(params, new Uint32Array(5))), /RangeError: test: params takes at most 16 bytes, a multiple of 4; got 20/);
		assert.match(await fault(() => job.run([], [params], AbortSignal.abort(new Error('enough')))), /enough/);
		job.dispose();
		assert.match(await fault(() => job.run([])), /DISPOSED|disposed/);
	});
});

// What the bench takes for the platform's part of a frame: the same WebGPU calls, made again without kedge.

import { assert } from 'chai';
import { createPostprocessor } from '../../src/postprocessor.js';
import { count, listen } from '../bench/gpu/listening.js';
import { replayOf } from '../bench/gpu/replay.js';
import { gpuTest } from '../support/gpu-suite.js';
import { bufferOf, HEAD, SCENE } from '../support/subjects.js';

gpuTest('bench: the replay of a frame makes the calls of the frame, and nothing else', async ({ device }) => {
	const input = bufferOf(device, SCENE);
	for (const backend of ['webgpu', 'hybrid'] as const) {
		const postprocessor = await createPostprocessor({ head: HEAD, device, backend });
		const frame = () => postprocessor.run(input);
		for (let i = 0; i < 3; i++) await frame();
		const replay = await replayOf(frame);
		const { script: _, submit: __, ...expected } = await count(frame);
		assert.deepEqual([expected.submits, expected.maps, expected.objects], [1, 1, 0]);
		for (let i = 0; i < 3; i++) {
			const { script: _, submit: __, ...counts } = await count(replay);
			assert.deepEqual(counts, expected, backend);
		}
		const dispatches = async (body: () => Promise<unknown>) => {
			const seen: string[] = [];
			const restore = listen(GPUComputePassEncoder.prototype, 'dispatchWorkgroups', (groups) => void seen.push(groups.join()));
			await body().finally(restore);
			return seen;
		};
		assert.deepEqual(await dispatches(replay), await dispatches(frame));
		assert.isAbove((await dispatches(replay)).length, 0);
		// kedge goes on as if nothing had been: buffers are unmapped, scopes closed
		assert.deepEqual([...(await frame()).indices], [7, 11, 20]);
		postprocessor.dispose();
	}
	input.destroy();
});

gpuTest('bench: a frame that makes objects, or calls what is not made again, is not replayed', async ({ device }) => {
	const messageOf = async (frame: () => Promise<unknown>) => {
		let message = '';
		await replayOf(frame).catch((error) => {
			message = error.message;
		});
		return message;
	};
	assert.include(await messageOf(async () => device.createBuffer({ size: 16, usage: GPUBufferUsage.COPY_DST }).destroy()), 'createBuffer');
	assert.include(await messageOf(() => device.queue.onSubmittedWorkDone()), 'onSubmittedWorkDone');
});

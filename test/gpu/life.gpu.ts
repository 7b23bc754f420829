// The life of a device: lost before, during and between calls; given or kedge's own; recovered, left for the CPU, or
// refused. Buffers that are destroyed, foreign, mapped, too small. Calls in crowds, aborted, disposed of.
// Devices are lost for real here, so each test opens its own.

import { assert } from 'chai';
import { createBackend } from '../../src/backend.js';
import { KedgeError } from '../../src/errors.js';
import type { OnLost, PostprocessorOptions } from '../../src/options.js';
import { createPostprocessor, type Postprocessor } from '../../src/postprocessor.js';
import { FaultyGpu } from '../support/fake-device.js';
import { gpuTest } from '../support/gpu-suite.js';
import { bufferOf, describe, HEAD, output, SCENE, SCENE_ANSWER, settle, untilTrue } from '../support/subjects.js';

/** Runs a test with a watched GPU; in the end nothing may live, no scope be open, no error have gone uncaught. */
function lifeTest(name: string, body: (fake: FaultyGpu) => Promise<void>): void {
	gpuTest(`life: ${name}`, async ({ gpu }) => {
		const fake = new FaultyGpu(gpu);
		try {
			await body(fake);
			await new Promise((resolve) => setTimeout(resolve, 20));
			assert.deepEqual(fake.offences, []);
			assert.equal(fake.numScopes, 0, 'open error scopes');
		} finally {
			fake.close();
		}
	});
}

/** 'hybrid' unless the test says otherwise: it compiles one shader. */
const make = (options: Partial<PostprocessorOptions>) => createPostprocessor({ head: HEAD, backend: 'hybrid', ...options });

/** What became of a promise, in a word: the error's code or name, or the answer. */
async function outcome(promise: Promise<{ readonly count: number } | unknown>): Promise<string> {
	const { value, error } = await settle(promise, 'a call');
	if (!error) return describe(value as never);
	return error instanceof KedgeError ? error.code : /AbortError/.test(String(error)) ? 'AbortError' : String(error);
}

/** A scene of one box, told by its score. */
const one = (score: number) => output([0, 10, 10, 4, 4, 0, score]);
const oneAnswer = (score: number) => `0:${Math.fround(score)}:[8 8 12 12]`;

/** The device that a postprocessor works on. */
const deviceOf = ({ backend }: Postprocessor) => backend.device as GPUDevice;

async function assertAfterLoss(postprocessor: Postprocessor, fake: FaultyGpu, onLost: OnLost, lost: GPUDevice): Promise<void> {
	if (onLost === 'error') {
		for (let i = 0; i < 2; i++) assert.equal(await outcome(postprocessor.run(SCENE)), 'DEVICE_LOST');
		return;
	}
	for (let i = 0; i < 2; i++) assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
	assert.equal(postprocessor.backend.kind, onLost === 'cpu' ? 'cpu' : 'hybrid');
	if (onLost === 'cpu') assert.equal(postprocessor.backend.reason, 'the GPU device was lost');
	else assert.notEqual(deviceOf(postprocessor), lost);
	postprocessor.dispose();
	await untilTrue(
		() => fake.numDevices === 0,
		() => 'a device that kedge opened lives on',
	);
}

for (const whose of ['own', 'given'] as const) {
	for (const onLost of ['recover', 'cpu', 'error'] as const) {
		lifeTest(`a lost device, ${whose}, onLost '${onLost}': before a call`, async (fake) => {
			const device = whose === 'given' ? await fake.openDevice() : undefined;
			const postprocessor = await make({ device, gpu: fake.gpu, onLost });
			assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
			const lost = deviceOf(postprocessor);
			fake.lose(lost);
			await lost.lost;
			await assertAfterLoss(postprocessor, fake, onLost, lost);
		});

		lifeTest(`a lost device, ${whose}, onLost '${onLost}': between submit and read-back`, async (fake) => {
			const device = whose === 'given' ? await fake.openDevice() : undefined;
			const postprocessor = await make({ device, gpu: fake.gpu, onLost });
			await postprocessor.run(SCENE);
			fake.arm();
			const pending = Array.from({ length: 5 }, () => postprocessor.run(SCENE)); // more than are in flight at once
			assert.isAtLeast(fake.count('submit'), 1);
			const lost = deviceOf(postprocessor);
			fake.lose(lost);
			// What the GPU had finished may still be delivered; what it had not is an error. Never zeros, never silence.
			for (const result of await Promise.all(pending.map(outcome))) assert.include(['DEVICE_LOST', SCENE_ANSWER], result);
			assert.equal(await outcome(pending[4]), 'DEVICE_LOST');
			await assertAfterLoss(postprocessor, fake, onLost, lost);
		});
	}
}

lifeTest('a device that is lost while it compiles', async (fake) => {
	const device = await fake.openDevice();
	const making = make({ device });
	fake.lose(device);
	assert.equal(await outcome(making), 'DEVICE_LOST');
});

lifeTest('a device that was lost before it is given', async (fake) => {
	const device = await fake.openDevice();
	fake.lose(device);
	assert.equal(await outcome(make({ device })), 'DEVICE_LOST');
	assert.equal(await outcome(createBackend('webgpu', { device })), 'DEVICE_LOST');
});

lifeTest('tensors on the lost device are refused, later ones in CPU memory work', async (fake) => {
	const postprocessor = await make({ gpu: fake.gpu });
	const input = bufferOf(deviceOf(postprocessor), SCENE);
	assert.equal(await outcome(postprocessor.run(input)), SCENE_ANSWER);
	fake.lose(deviceOf(postprocessor));
	await deviceOf(postprocessor).lost;
	assert.equal(await outcome(postprocessor.run(input)), 'DEVICE_LOST');
	assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
	assert.equal(await outcome(postprocessor.run(bufferOf(deviceOf(postprocessor), SCENE))), SCENE_ANSWER);
	postprocessor.dispose();
});

lifeTest('nms and boxIou on a lost device: DEVICE_LOST, then a fresh one', async (fake) => {
	const backend = await createBackend('webgpu', { gpu: fake.gpu });
	const box = new Float32Array([0, 0, 2, 2]);
	const iou = async () => Array.from(await backend.boxIou(box, box));
	assert.deepEqual(await iou(), [1]);
	const pending = iou();
	fake.lose(backend.device as GPUDevice);
	assert.include(['DEVICE_LOST', 'resolved'], (await settle(pending, 'boxIou')).error ? await outcome(pending) : 'resolved');
	assert.deepEqual(await iou(), [1]);
	// A call may still be on its way to the device when that is lost: then it goes to the next one.
	const nms = async () => Array.from(await backend.nms(box, new Float32Array([1]), { iouThreshold: 0.5 }));
	const kept = nms();
	fake.lose(backend.device as GPUDevice);
	assert.include(['DEVICE_LOST', 'resolved'], (await settle(kept, 'nms')).error ? await outcome(kept) : 'resolved');
	assert.deepEqual(await nms(), [0]);
	backend.dispose();
	await untilTrue(
		() => fake.numDevices === 0,
		() => 'a device lives on',
	);
});

// ---- buffers of the caller

/** A call with a bad buffer is refused by name; the next one, with a good buffer, is right. */
async function assertRefused(postprocessor: Postprocessor, bad: GPUBuffer, good: GPUBuffer, wanted: string): Promise<void> {
	for (let i = 0; i < 2; i++) {
		assert.equal(await outcome(postprocessor.run(bad)), wanted);
		assert.equal(await outcome(postprocessor.run(good)), SCENE_ANSWER);
	}
}

for (const backend of ['webgpu', 'hybrid'] as const) {
	lifeTest(`a buffer that is destroyed, foreign or mapped: ${backend}`, async (fake) => {
		const device = await fake.openDevice();
		const other = await fake.openDevice();
		const postprocessor = await make({ device, backend, suppression: 'bitmask' });
		const good = bufferOf(device, SCENE);
		const destroyed = bufferOf(device, SCENE);
		assert.equal(await outcome(postprocessor.run(destroyed)), SCENE_ANSWER);
		destroyed.destroy();
		await assertRefused(postprocessor, destroyed, good, 'GPU_VALIDATION');
		await assertRefused(postprocessor, bufferOf(other, SCENE), good, 'GPU_VALIDATION');
		const mapped = device.createBuffer({ size: SCENE.byteLength, usage: GPUBufferUsage.STORAGE, mappedAtCreation: true });
		new Float32Array(mapped.getMappedRange()).set(SCENE);
		assert.match(await outcome(postprocessor.run(mapped)), /^TypeError: run: outputs must be an unmapped GPUBuffer; got .*mapped/);
		mapped.unmap();
		assert.equal(await outcome(postprocessor.run(mapped)), SCENE_ANSWER);
		// destroyed after the call has begun: the work is under way and may finish
		const late = bufferOf(device, SCENE);
		const running = postprocessor.run(late);
		late.destroy();
		assert.include([SCENE_ANSWER, 'GPU_VALIDATION'], await outcome(running));
		assert.equal(await outcome(postprocessor.run(good)), SCENE_ANSWER);
		postprocessor.dispose();
	});
}

lifeTest('a buffer without STORAGE, or too small, is refused before any GPU work', async (fake) => {
	const device = await fake.openDevice();
	const postprocessor = await make({ device });
	const error = async (outputs: GPUBuffer | { gpuBuffer: GPUBuffer; dims: number[] }) => (await settle(postprocessor.run(outputs), 'run')).error as Error;
	const plain = bufferOf(device, SCENE, GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST);
	const small = device.createBuffer({ size: SCENE.byteLength - 4, usage: GPUBufferUsage.STORAGE });
	const good = bufferOf(device, SCENE);
	fake.arm();
	assert.match(String(await error(plain)), /^TypeError: run: outputs must be a GPUBuffer with usage GPUBufferUsage\.STORAGE; got usage 0xc/);
	assert.match(
		String(await error(small)),
		/^RangeError: run: output\w+ must be a GPUBuffer of at least 504 bytes for 1 x 126 elements of float32; got 500 bytes/,
	);
	assert.match(
		String(await error({ gpuBuffer: good, dims: [2, 6, 21] })),
		/^RangeError: .* at least 1008 bytes for 2 x 126 elements of float32; got 504 bytes/,
	);
	assert.deepEqual([...fake.calls], []);
	assert.equal(await outcome(postprocessor.run(good)), SCENE_ANSWER);
	postprocessor.dispose();
});

lifeTest('the result of encode() as the input of run()', async (fake) => {
	const device = await fake.openDevice();
	const postprocessor = await make({ device, backend: 'webgpu', suppression: 'bitmask', maxDetections: 20 });
	const encoder = device.createCommandEncoder();
	const { buffer } = postprocessor.encode(encoder, SCENE);
	const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
	encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
	device.queue.submit([encoder.finish()]);
	await staging.mapAsync(GPUMapMode.READ);
	const bits = new Float32Array(staging.getMappedRange().slice(0), 0, 126);
	const onCpu = await make({ backend: 'cpu', maxDetections: 20 });
	const options = { scoreThreshold: -1 };
	const wanted = describe(await onCpu.run(bits, options));
	assert.isNotEmpty(wanted);
	assert.equal(await outcome(postprocessor.run(buffer, options)), wanted);
	postprocessor.dispose();
});

// ---- no GPU, or a bad one

lifeTest('no adapter, no device: NO_WEBGPU with the reason, auto goes to the CPU', async (fake) => {
	const none = { requestAdapter: async () => null } as unknown as GPU;
	const adapter = { limits: {}, features: new Set(), info: {}, requestDevice: () => Promise.reject(new Error('blocked')) };
	const deviceless = { requestAdapter: async () => adapter } as unknown as GPU;
	const weak = { requestAdapter: async () => ({ ...adapter, limits: { maxStorageBuffersPerShaderStage: 4 } }) } as unknown as GPU;
	for (const [gpu, reason, word] of [
		[none, /found no adapter/, 'no-adapter'],
		[deviceless, /gave no device.*blocked/, 'no-device'],
		[weak, /below .*maxStorageBuffersPerShaderStage is 4, kedge needs 8/, 'limits'],
	] as const) {
		for (const kind of ['webgpu', 'hybrid'] as const) {
			const { error } = await settle(createBackend(kind, { gpu }), 'createBackend');
			assert.instanceOf(error, KedgeError);
			assert.equal((error as KedgeError).code, 'NO_WEBGPU');
			assert.match((error as KedgeError).message, reason);
		}
		const postprocessor = await make({ backend: 'auto', gpu });
		assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
		assert.deepInclude(postprocessor.backend, { kind: 'cpu', reason: `WebGPU cannot be used here (${word})` });
	}
	assert.equal(fake.numDevices, 0);
});

lifeTest('a device refused with a feature is asked for without, on a fresh adapter', async (fake) => {
	fake.arm({ kind: 'requestDevice', mode: 'rejects', nth: 1 });
	const postprocessor = await make({ gpu: fake.gpu });
	assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
	assert.deepEqual([fake.count('requestDevice'), fake.count('requestAdapter')], [2, 2]);
	postprocessor.dispose();
});

lifeTest('a shader that the driver refuses: SHADER with its messages; auto goes to the CPU', async (fake) => {
	const device = await fake.openDevice();
	// a GPU for all that kedge knows: of a software adapter 'auto' asks no shader
	Object.defineProperty(device, 'adapterInfo', { value: { vendor: 'a', architecture: 'gpu', device: '', description: '' } });
	fake.arm({ kind: 'createShaderModule', mode: 'invalid', nth: 1 });
	const { error } = await settle(make({ device }), 'createPostprocessor');
	assert.deepInclude(error, { name: 'KedgeError', code: 'SHADER' });
	assert.match((error as KedgeError).message, /kedge\.decode: the shader was refused: \S+/);
	fake.arm({ kind: 'createShaderModule', mode: 'invalid', nth: 1 });
	const postprocessor = await make({ device, backend: 'auto' });
	const input = bufferOf(device, SCENE);
	assert.equal(await outcome(postprocessor.run(input)), SCENE_ANSWER);
	assert.isTrue(fake.fired);
	assert.equal(postprocessor.backend.kind, 'cpu');
	assert.match(postprocessor.backend.reason, /the shader was refused/);
	assert.equal(await outcome(postprocessor.run(input)), SCENE_ANSWER);
	postprocessor.dispose();
});

lifeTest('out of memory says how many bytes were asked for', async (fake) => {
	const device = await fake.openDevice();
	const postprocessor = await make({ device });
	fake.arm({ kind: 'createBuffer', mode: 'exhausted', nth: 2 });
	const { error } = await settle(postprocessor.run(SCENE), 'run');
	assert.deepInclude(error, { name: 'KedgeError', code: 'OUT_OF_MEMORY' });
	assert.match((error as KedgeError).message, /\d{4,} bytes/);
	assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
	postprocessor.dispose();
});

// ---- many calls

lifeTest('two, ten, a hundred calls at once: each is right, in the order of the calls', async (fake) => {
	const device = await fake.openDevice();
	for (const backend of ['hybrid', 'webgpu'] as const) {
		const postprocessor = await make({ device, backend, suppression: 'bitmask' });
		for (const n of [2, 10, 100]) {
			const scores = Array.from({ length: n }, (_, i) => (i + 65) / 256);
			const order: number[] = [];
			const calls = scores.map((score, i) => {
				const data = one(score);
				const call = postprocessor.run(i % 2 ? data : bufferOf(device, data));
				data.fill(0); // the caller's array is his again
				return call.finally(() => order.push(i));
			});
			assert.deepEqual(await Promise.all(calls.map(outcome)), scores.map(oneAnswer));
			assert.deepEqual(
				order,
				[...order].sort((a, b) => a - b),
			);
		}
		postprocessor.dispose();
	}
});

lifeTest('a call inside the callback of another', async (fake) => {
	const device = await fake.openDevice();
	const postprocessor = await make({ device });
	const chain = await postprocessor.run(one(0.5)).then(() => postprocessor.run(one(0.75)).then(() => postprocessor.run(one(0.625))));
	assert.equal(describe(chain), oneAnswer(0.625));
	postprocessor.dispose();
});

lifeTest('abort before, during and after; waiting calls too; later calls work and nothing is left', async (fake) => {
	const device = await fake.openDevice();
	const postprocessor = await make({ device });
	const idle = async () => {
		assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
		return fake.numLive;
	};
	await Promise.all(Array.from({ length: 6 }, () => postprocessor.run(SCENE)));
	const live = await idle();
	fake.arm();
	assert.equal(await outcome(postprocessor.run(SCENE, { signal: AbortSignal.abort() })), 'AbortError');
	assert.equal(fake.count('submit'), 0);
	// eight at once: some are submitted, some wait for a place; every second one is aborted
	for (const turns of [0, 1, 5]) {
		const controller = new AbortController();
		const calls = Array.from({ length: 8 }, (_, i) => postprocessor.run(one((i + 65) / 128), i % 2 ? { signal: controller.signal } : {}));
		for (let i = 0; i < turns; i++) await Promise.resolve();
		controller.abort();
		const results = await Promise.all(calls.map(outcome));
		results.forEach((result, i) => assert.equal(result, i % 2 ? 'AbortError' : oneAnswer((i + 65) / 128)));
	}
	const controller = new AbortController();
	const done = await postprocessor.run(SCENE, { signal: controller.signal });
	controller.abort();
	assert.equal(describe(done), SCENE_ANSWER);
	assert.equal(await idle(), live);
	postprocessor.dispose();
	await untilTrue(
		() => fake.numLive === 0,
		() => `${fake.numLive} buffers live`,
	);
});

lifeTest('dispose: twice, during calls, before a call; nothing lives after it', async (fake) => {
	const device = await fake.openDevice();
	for (const options of [{ device }, { gpu: fake.gpu }]) {
		const postprocessor = await make(options);
		await postprocessor.run(SCENE);
		const running = Array.from({ length: 5 }, () => postprocessor.run(SCENE));
		postprocessor.dispose();
		postprocessor.dispose();
		assert.deepEqual(await Promise.all(running.map(outcome)), Array(5).fill(SCENE_ANSWER));
		assert.equal(await outcome(postprocessor.run(SCENE)), 'DISPOSED');
		await untilTrue(
			() => fake.numLive === 0 && fake.numDevices === 1,
			() => `${fake.numLive} buffers, ${fake.numDevices} devices live`,
		);
	}
});

lifeTest('dispose of a backend: its calls settle, its own device is destroyed', async (fake) => {
	const box = new Float32Array([0, 0, 2, 2]);
	const backend = await createBackend('webgpu', { gpu: fake.gpu });
	assert.deepEqual([...(await backend.boxIou(box, box))], [1]);
	const running = Array.from({ length: 3 }, () => backend.boxIou(box, box));
	backend.dispose();
	backend.dispose();
	for (const call of running) {
		const { value, error } = await settle(call, 'boxIou');
		if (error) assert.deepInclude(error, { code: 'DISPOSED' });
		else assert.deepEqual([...(value as Float32Array)], [1]);
	}
	assert.deepInclude((await settle(backend.boxIou(box, box), 'boxIou')).error, { code: 'DISPOSED' });
	await untilTrue(
		() => fake.numDevices === 0,
		() => 'the device lives on',
	);
});

lifeTest('nms: too many boxes are refused with bytes, limit and advice; dispose lets calls finish and a given device live', async (fake) => {
	const device = await fake.openDevice();
	const backend = await createBackend('webgpu', { device });
	const nms = (n: number) =>
		settle(
			backend.nms(
				new Float32Array(4 * n).map((_, i) => (i % 4) >> 1),
				new Float32Array(n).fill(0.5),
				{ iouThreshold: 0.5 },
			),
			'nms',
		);
	// 32 bytes a candidate: 134,400,000 of 134,217,728
	const { error } = await nms(4_200_000);
	assert.instanceOf(error, RangeError);
	assert.match((error as Error).message, /needs \d{9} bytes, the device's limit is 134217728; take fewer boxes/);
	assert.deepEqual((await nms(300)).value, new Uint32Array([0]));
	for (const begun of [0, 3]) {
		const running = Array.from({ length: 5 }, (_, i) => nms(300 + i)); // more than are in flight at once
		fake.arm();
		await untilTrue(
			() => fake.count('submit') >= begun,
			() => 'no submit',
		);
		if (begun) backend.dispose();
		for (const { value, error: failure } of await Promise.all(running)) {
			if (failure && begun) assert.deepInclude(failure, { code: 'DISPOSED' }, String(failure));
			else assert.deepEqual(value, new Uint32Array([0]), String(failure));
		}
	}
	assert.deepInclude((await nms(1)).error, { code: 'DISPOSED' });
	await untilTrue(
		() => fake.numLive === 0,
		() => `${fake.numLive} buffers live`,
	);
	assert.isUndefined((await settle(device.queue.onSubmittedWorkDone(), 'the given device')).error);
});

lifeTest("an error scope of the caller hears of the caller's faults only", async (fake) => {
	const device = await fake.openDevice();
	const postprocessor = await make({ device });
	const destroyed = bufferOf(device, SCENE);
	destroyed.destroy();
	device.pushErrorScope('out-of-memory');
	device.pushErrorScope('validation');
	assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
	assert.equal(await outcome(postprocessor.run(destroyed)), 'GPU_VALIDATION');
	assert.isNull(await device.popErrorScope());
	assert.isNull(await device.popErrorScope());
	device.pushErrorScope('validation');
	const running = postprocessor.run(SCENE);
	device.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE }); // the caller's own mistake
	assert.isNotNull(await device.popErrorScope());
	assert.equal(await outcome(running), SCENE_ANSWER);
	postprocessor.dispose();
});

lifeTest("latency 'low' changes nothing but the time", async (fake) => {
	const device = await fake.openDevice();
	const postprocessor = await make({ device, latency: 'low' });
	for (let i = 0; i < 5; i++) assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
	const running = postprocessor.run(SCENE);
	fake.lose(device);
	assert.include(['DEVICE_LOST', SCENE_ANSWER], await outcome(running));
	assert.equal(await outcome(postprocessor.run(SCENE)), 'DEVICE_LOST');
});

lifeTest('a device with the largest limits of its adapter serves as well', async (fake) => {
	const adapter = (await fake.gpu.requestAdapter()) as GPUAdapter;
	const { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize } = adapter.limits;
	const requiredLimits = { maxBufferSize, maxStorageBufferBindingSize, maxStorageBuffersPerShaderStage, maxComputeWorkgroupStorageSize };
	const device = await adapter.requestDevice({ requiredLimits });
	const postprocessor = await make({ device, backend: 'webgpu', suppression: 'bitmask' });
	assert.equal(await outcome(postprocessor.run(SCENE)), SCENE_ANSWER);
	postprocessor.dispose();
});

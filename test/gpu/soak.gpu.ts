// What many calls cost: after warm-up a call makes no GPU object, submits once, maps once and reads only the result;
// buffers and bytes do not grow, whatever the sizes. 1,000 calls and not 10,000: a software adapter takes ten milliseconds each.

import { assert } from 'chai';
import { createBackend } from '../../src/backend.js';
import type { Detections } from '../../src/detections.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import { createPostprocessor } from '../../src/postprocessor.js';
import { type CallKind, FaultyGpu } from '../support/fake-device.js';
import { type GpuContext, gpuTest } from '../support/gpu-suite.js';
import { random } from '../support/random.js';
import { bufferOf, describe, HEAD, SCENE, SCENE_ANSWER, untilTrue } from '../support/subjects.js';

/** Calls that make something that lives on. A command encoder is used up by its submit. */
const MAKERS: readonly CallKind[] = [
	'createBuffer',
	'createBindGroup',
	'createBindGroupLayout',
	'createShaderModule',
	'createComputePipelineAsync',
	'createQuerySet',
];

function soakTest(name: string, body: (fake: FaultyGpu, device: GPUDevice) => Promise<void>): void {
	gpuTest(
		`soak: ${name}`,
		async ({ gpu }: GpuContext) => {
			const fake = new FaultyGpu(gpu);
			try {
				await body(fake, await fake.openDevice());
				assert.deepEqual(fake.offences, []);
				assert.equal(fake.numScopes, 0, 'open error scopes');
			} finally {
				fake.close();
			}
		},
		180_000,
	);
}

const made = (fake: FaultyGpu) => Object.fromEntries(MAKERS.map((kind) => [kind, fake.count(kind)]));
const NOTHING = Object.fromEntries(MAKERS.map((kind) => [kind, 0]));

// 320 x 320 pixels: 1600 + 400 + 100 = 2100 anchors. Boxes of 2 pixels on a grid of 4, none touching another; 600 score.
const GRID_HEAD = yolov8({ numClasses: 3, inputSize: [320, 320] });
const A = 2100;
function gridOutput(): Float32Array {
	const data = new Float32Array(7 * A);
	for (let i = 0; i < A; i++) {
		[(i % 80) * 4 + 2, Math.floor(i / 80) * 4 + 2, 2, 2].forEach((value, channel) => {
			data[channel * A + i] = value;
		});
		if (i < 600) data[(4 + (i % 3)) * A + i] = 0.9 - i / 1024;
	}
	return data;
}

soakTest('after ten frames a frame makes nothing, submits once, maps once and reads 10,240 bytes at most', async (fake, device) => {
	const input = bufferOf(device, gridOutput());
	for (const backend of ['webgpu', 'hybrid'] as const) {
		const postprocessor = await createPostprocessor({ head: GRID_HEAD, device, backend });
		for (let i = 0; i < 10; i++) await postprocessor.run(input);
		for (let i = 0; i < 10; i++) {
			fake.arm();
			const { indices, bytesRead, numCandidates } = await postprocessor.run(input);
			assert.deepEqual(
				[...indices],
				Array.from({ length: 300 }, (_, k) => k),
			);
			assert.equal(numCandidates, 600);
			assert.deepEqual(made(fake), NOTHING);
			assert.deepEqual([fake.count('submit'), fake.count('mapAsync'), fake.count('createCommandEncoder')], [1, 1, 1]);
			assert.equal(fake.bytesMapped, bytesRead);
			// no scope for memory: nothing is made, and of the uniform one word is new
			assert.deepEqual([fake.count('pushErrorScope'), fake.bytesWritten], [1, 4]);
			if (backend === 'webgpu') assert.isAtMost(bytesRead, 10_240);
		}
		// frames in flight: three at once use three slots, which are then there to stay
		for (let i = 0; i < 2; i++) {
			fake.arm();
			await Promise.all(Array.from({ length: 12 }, () => postprocessor.run(input)));
		}
		assert.deepEqual(made(fake), NOTHING);
		assert.deepEqual([fake.count('submit'), fake.count('mapAsync')], [12, 12]);
		assert.deepEqual([fake.count('pushErrorScope'), fake.bytesWritten], [12, 48]);
		postprocessor.dispose();
	}
});

/** Dispatches of a body. */
async function dispatchesOf(device: GPUDevice, body: () => Promise<unknown>): Promise<number> {
	let dispatches = 0;
	const before = device.createCommandEncoder;
	device.createCommandEncoder = (descriptor) => {
		const encoder = before.call(device, descriptor);
		const begin = encoder.beginComputePass;
		encoder.beginComputePass = (pass) => {
			const opened = begin.call(encoder, pass);
			const dispatch = opened.dispatchWorkgroups;
			opened.dispatchWorkgroups = (...groups) => {
				dispatches++;
				dispatch.call(opened, ...groups);
			};
			return opened;
		};
		return encoder;
	};
	try {
		await body();
	} finally {
		device.createCommandEncoder = before;
	}
	return dispatches;
}

soakTest('a few boxes after many take as many dispatches as before them', async (_, device) => {
	const backend = await createBackend('webgpu', { device });
	const nms = (n: number) => {
		const boxes = new Float32Array(4 * n).map((_, i) => (i >> 2) * 3 + ((i % 4) >> 1));
		return backend.nms(boxes, new Float32Array(n).fill(0.5), { iouThreshold: 0.5 });
	};
	const few = await dispatchesOf(device, () => nms(100));
	const many = await dispatchesOf(device, () => nms(20_000));
	assert.isAbove(many, few);
	assert.equal(await dispatchesOf(device, () => nms(100)), few);
	backend.dispose();
});

soakTest('the CPU reads a tensor back by way of buffers that stay until dispose()', async (fake, device) => {
	const input = bufferOf(device, gridOutput());
	const before = fake.numLive;
	const postprocessor = await createPostprocessor({ head: GRID_HEAD, device, backend: 'cpu' });
	await postprocessor.run(input);
	fake.arm();
	for (let i = 0; i < 5; i++) assert.equal((await postprocessor.run(input)).count, 300);
	assert.deepEqual(made(fake), NOTHING);
	assert.deepEqual([fake.count('submit'), fake.count('mapAsync')], [5, 5]);
	// of many at once two are kept
	await Promise.all(Array.from({ length: 5 }, () => postprocessor.run(input)));
	assert.equal(fake.numLive, before + 2);
	postprocessor.dispose();
	assert.equal(fake.numLive, before);
});

soakTest('encode() maps nothing, submits nothing, and makes nothing after its ring is full', async (fake, device) => {
	// fractions are a frame of its own at every call
	const postprocessor = await createPostprocessor({ head: HEAD, device, backend: 'webgpu', suppression: 'bitmask', coordinates: 'normalized' });
	const input = bufferOf(device, SCENE);
	const encode = () => {
		const encoder = device.createCommandEncoder();
		const { buffer, layout } = postprocessor.encode(encoder, input);
		return { encoder, buffer, layout };
	};
	for (let i = 0; i < 10; i++) device.queue.submit([encode().encoder.finish()]);
	fake.arm();
	for (let i = 0; i < 10; i++) device.queue.submit([encode().encoder.finish()]);
	assert.deepEqual(made(fake), NOTHING);
	assert.deepEqual([fake.count('mapAsync'), fake.count('submit'), fake.count('pushErrorScope')], [0, 10, 0]);
	const { encoder, buffer, layout } = encode();
	const staging = device.createBuffer({ size: layout.imageStride, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
	encoder.copyBufferToBuffer(buffer, 0, staging, 0, layout.imageStride);
	device.queue.submit([encoder.finish()]);
	await staging.mapAsync(GPUMapMode.READ);
	const words = new Uint32Array(staging.getMappedRange());
	assert.equal(words[layout.header.count / 4], 3);
	assert.deepEqual(
		[0, 1, 2].map((i) => words[(layout.rowOffset + i * layout.rowStride + layout.row.index) / 4]),
		[7, 11, 20],
	);
	postprocessor.dispose();
});

soakTest('1,000 calls of mixed sizes: live buffers and bytes stay as they were after warm-up', async (fake, device) => {
	const postprocessor = await createPostprocessor({ head: HEAD, device, backend: 'hybrid' });
	const backend = await createBackend('webgpu', { device });
	const next = random(5);
	const inputs = [1, 2, 3].map((batch) => ({ dims: [batch, 6, 21], data: new Float32Array(batch * 126).map((_, i) => SCENE[i % 126]) }));
	/** n boxes that do not touch. */
	const nms = async (n: number) => {
		const boxes = new Float32Array(4 * n).map((_, i) => (i >> 2) * 3 + ((i % 4) >> 1));
		assert.equal((await backend.nms(boxes, new Float32Array(n).fill(0.5), { iouThreshold: 0.5 })).length, n);
	};
	const mixed = async () => {
		const { dims, data } = inputs[Math.floor(next() * 3)];
		const found = await postprocessor.run<Detections | Detections[]>(
			{ data, dims },
			{ maxDetections: 1 + Math.floor(next() * 20), scoreThreshold: next() < 0.1 ? 1 : 0.25 },
		);
		const { count } = Array.isArray(found) ? found[0] : found;
		assert.isAtMost(count, 3);
		if (next() < 0.2) await nms(1 + Math.floor(next() * 256));
		if (next() < 0.2) {
			const n = 1 + Math.floor(next() * 20);
			assert.equal((await backend.boxIou(new Float32Array(4 * n), new Float32Array(8))).length, 2 * n);
		}
	};
	// warm-up: the largest of each, more at once than are in flight
	await Promise.all(Array.from({ length: 6 }, () => nms(256)));
	await Promise.all(Array.from({ length: 6 }, () => postprocessor.run(inputs[2], { maxDetections: 20 })));
	for (let i = 0; i < 60; i++) await mixed();
	const { numLive, liveBytes } = fake;
	let calls = 0;
	while (calls < 940) {
		const atOnce = 1 + Math.floor(next() * 4);
		await Promise.all(Array.from({ length: atOnce }, mixed));
		calls += atOnce;
	}
	assert.deepEqual({ numLive: fake.numLive, liveBytes: fake.liveBytes }, { numLive, liveBytes });
	assert.equal(describe(await postprocessor.run(SCENE)), SCENE_ANSWER);
	postprocessor.dispose();
	backend.dispose();
	await untilTrue(
		() => fake.numLive === 0,
		() => `${fake.numLive} buffers live`,
	);
});

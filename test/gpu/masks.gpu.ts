// Masks on the GPU: the bits of the CPU function for every output, crop, layout and type, in memory and in textures.

import { assert } from 'chai';
import { assembleMasks, createBackend, letterbox, type MaskOptions } from '../../src/index.js';
import { gpuTest } from '../support/gpu-suite.js';
import { floatToHalf } from '../support/half.js';
import { type MaskScene, maskScene } from '../support/mask-scene.js';
import { random } from '../support/random.js';

const INPUT = [96, 128] as const;

/** NaN has many bits; they count as one. */
const bitsOf = (logits: Float32Array) => Array.from(new Uint32Array(logits.slice().buffer), (bits, i) => (Number.isNaN(logits[i]) ? 'NaN' : bits));

/** Prototypes in a buffer of the device, `offset` bytes into it. */
function uploaded(device: GPUDevice, data: Float32Array | Uint16Array, offset: number): GPUBuffer {
	const bytes = new Uint8Array(offset + Math.ceil(data.byteLength / 4) * 4).fill(0xff);
	bytes.set(new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength), offset);
	const buffer = device.createBuffer({ size: bytes.length, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
	device.queue.writeBuffer(buffer, 0, bytes);
	return buffer;
}

/** [M, h, w] to [h, w, M]. */
function channelsLast({ prototypes, dims: [m, h, w] }: MaskScene): Float32Array {
	return Float32Array.from({ length: m * h * w }, (_, i) => prototypes[(i % m) * h * w + Math.floor(i / m)]);
}

/** The labels of an r16uint texture. */
async function readTexture(device: GPUDevice, texture: GPUTexture): Promise<Uint16Array> {
	const { width, height } = texture;
	const bytesPerRow = Math.ceil((width * 2) / 256) * 256;
	const buffer = device.createBuffer({ size: bytesPerRow * height, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
	const encoder = device.createCommandEncoder();
	encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]);
	device.queue.submit([encoder.finish()]);
	await buffer.mapAsync(GPUMapMode.READ);
	const words = new Uint16Array(buffer.getMappedRange().slice(0));
	buffer.destroy();
	return Uint16Array.from({ length: width * height }, (_, i) => words[(Math.floor(i / width) * bytesPerRow) / 2 + (i % width)]);
}

gpuTest('masks: the bits of the CPU function, for both crops, all sizes and outputs', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	try {
		const scene = maskScene(9, [5, 24, 32], INPUT, 3);
		const tensor = { data: scene.prototypes, dims: scene.dims };
		const transform = letterbox([300, 250], INPUT);
		const cases: MaskOptions[] = [{ inputSize: INPUT }, { inputSize: INPUT, size: 'prototypes' }, { inputSize: INPUT, size: [31, 13] }, { transform }];
		for (const base of cases) {
			for (const crop of ['prototypes', 'output'] as const) {
				const options = { ...base, crop };
				const what = JSON.stringify(options);
				const logits = await backend.assembleMasks(scene, tensor, { ...options, output: 'logits' });
				const wanted = assembleMasks(scene, tensor, { ...options, output: 'logits' });
				assert.deepEqual(bitsOf(logits.data), bitsOf(wanted.data), what);
				assert.isAbove(new Set(wanted.data).size, 100, what);
				const bytes = await backend.assembleMasks(scene, tensor, options as MaskOptions<'bytes'>);
				assert.deepEqual(bytes, assembleMasks(scene, tensor, options as MaskOptions<'bytes'>), what);
				const labels = await backend.assembleMasks(scene, tensor, { ...options, output: 'labels', threshold: 0.6 });
				assert.deepEqual(labels, assembleMasks(scene, tensor, { ...options, output: 'labels', threshold: 0.6 }), what);
				assert.isAbove(new Set(labels.data).size, 4, what);
			}
		}
	} finally {
		backend.dispose();
	}
});

gpuTest('masks: float16, channels last, and buffers with an offset', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	const buffers: GPUBuffer[] = [];
	try {
		const scene = maskScene(6, [3, 7, 9], INPUT, 4);
		const halfs = Uint16Array.from(scene.prototypes, floatToHalf);
		halfs.set([1, 0x8001, 0x3ff, 0, 0x8000], 20); // denormals
		const last = channelsLast(scene);
		const [m, h, w] = scene.dims;
		for (const [data, type, dims, layout] of [
			[scene.prototypes, 'float32', [m, h, w], 'channels-first'],
			[halfs, 'float16', [1, m, h, w], 'channels-first'],
			[last, 'float32', [1, h, w, m], 'channels-last'],
			[Uint16Array.from(last, floatToHalf), 'float16', [h, w, m], 'channels-last'],
		] as const) {
			const options = { inputSize: INPUT, layout, output: 'logits' } as const;
			const wanted = bitsOf(assembleMasks(scene, { data, dims, type }, options).data);
			assert.deepEqual(bitsOf((await backend.assembleMasks(scene, { data, dims, type }, options)).data), wanted, `${type} ${layout} in CPU memory`);
			for (const offset of [0, 4, 260]) {
				const gpuBuffer = uploaded(device, data, offset);
				buffers.push(gpuBuffer);
				const got = await backend.assembleMasks(scene, { gpuBuffer, offset, dims, type }, options);
				assert.deepEqual(bitsOf(got.data), wanted, `${type} ${layout} at ${offset}`);
			}
		}
	} finally {
		for (const buffer of buffers) buffer.destroy();
		backend.dispose();
	}
});

gpuTest('masks: NaN, infinite, huge and tiny numbers have the bits of the CPU function', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	try {
		const next = random(5);
		const nasty = [NaN, Infinity, -Infinity, 1e-40, -1e-38, 2 ** -30, -(2 ** -31), 3e38, -3e38, 0, -0];
		const scene = maskScene(8, [4, 12, 16], INPUT, 6);
		const spoil = (data: Float32Array, share: number) => data.map((v) => (next() < share ? nasty[Math.floor(next() * nasty.length)] : v));
		const spoilt = { ...scene, maskCoefficients: spoil(scene.maskCoefficients, 0.2), boxes: spoil(scene.boxes, 0.1) };
		const tensor = { data: spoil(scene.prototypes, 0.2), dims: scene.dims };
		for (const crop of ['prototypes', 'output'] as const) {
			const options = { inputSize: INPUT, crop } as const;
			const wanted = assembleMasks(spoilt, tensor, { ...options, output: 'logits' });
			assert.isTrue(wanted.data.some(Number.isNaN) && wanted.data.includes(Infinity) && wanted.data.some((v) => Number.isFinite(v)));
			assert.deepEqual(bitsOf((await backend.assembleMasks(spoilt, tensor, { ...options, output: 'logits' })).data), bitsOf(wanted.data), crop);
			for (const threshold of [0, 0.5, 1]) {
				assert.deepEqual(await backend.assembleMasks(spoilt, tensor, { ...options, threshold }), assembleMasks(spoilt, tensor, { ...options, threshold }));
			}
		}
	} finally {
		backend.dispose();
	}
});

gpuTest("masks: a texture holds the labels; a new one, or the caller's", async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	const scene = maskScene(7, [4, 12, 16], INPUT, 9);
	const tensor = { data: scene.prototypes, dims: scene.dims };
	const options = { inputSize: INPUT, size: [50, 131] } as const;
	const wanted = assembleMasks(scene, tensor, { ...options, output: 'labels' });
	const usage = GPUTextureUsage.COPY_DST | GPUTextureUsage.COPY_SRC;
	const mine = device.createTexture({ size: [131, 50], format: 'r16uint', usage });
	const wrong = device.createTexture({ size: [131, 51], format: 'r16uint', usage });
	const made: GPUTexture[] = [mine, wrong];
	try {
		const { texture, ...numbers } = await backend.assembleMasks(scene, tensor, { ...options, output: 'texture' });
		made.push(texture);
		assert.deepEqual(numbers, { count: 7, height: 50, width: 131 });
		assert.deepEqual([texture.format, texture.width, texture.height], ['r16uint', 131, 50]);
		assert.isTrue((texture.usage & GPUTextureUsage.TEXTURE_BINDING) !== 0);
		assert.deepEqual([...(await readTexture(device, texture))], [...wanted.data]);
		assert.isAbove(new Set(wanted.data).size, 3);

		const again = await backend.assembleMasks(scene, tensor, { ...options, output: 'texture', texture: mine });
		assert.strictEqual(again.texture, mine);
		assert.deepEqual([...(await readTexture(device, mine))], [...wanted.data]);

		const none = { boxes: new Float32Array(0), maskCoefficients: new Float32Array(0) };
		await backend.assembleMasks(none, tensor, { ...options, output: 'texture', texture: mine });
		assert.isTrue(
			(await readTexture(device, mine)).every((label) => label === 0),
			'no detections clear the texture',
		);

		const refused = await backend.assembleMasks(scene, tensor, { ...options, output: 'texture', texture: wrong }).catch((error: Error) => error.message);
		assert.match(String(refused), /texture must be 131 texels wide and 50 high, as the masks; got \[131, 51\]/);
	} finally {
		for (const texture of made) texture.destroy();
		backend.dispose();
	}
});

gpuTest('masks: limits of the device are told before any work', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	try {
		const scene = maskScene(1, [1, 2, 2], INPUT, 1);
		const tensor = { data: scene.prototypes, dims: scene.dims };
		const message = async (options: MaskOptions) =>
			String(await backend.assembleMasks(scene, tensor, { inputSize: INPUT, ...options }).catch((error: Error) => error));
		assert.match(
			await message({ size: [65535, 65535] }),
			/RangeError: .*size must make masks with bytes of at most \d+, the device's maxStorageBufferBindingSize; got 4294836225/,
		);
		assert.match(await message({ size: [1, 65535], output: 'texture' }), /texture with sides of at most \d+, the device's maxTextureDimension2D; got 65535/);
	} finally {
		backend.dispose();
	}
});

gpuTest(
	'masks: beyond one binding they are made in parts',
	async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		try {
			// 16 MiB of logits a mask, 64 MiB a part; boxes small
			const scene = maskScene(5, [2, 4, 4], [64, 64], 2);
			const small = { ...scene, boxes: Float32Array.from({ length: 20 }, (_, k) => (k >> 2) + (k & 2)) };
			const tensor = { data: scene.prototypes, dims: scene.dims };
			const options = { inputSize: [64, 64], size: [2048, 2048], crop: 'output', output: 'logits' } as const;
			const got = (await backend.assembleMasks(small, tensor, options)).data;
			const wanted = assembleMasks(small, tensor, options).data;
			assert.equal(got.length, 5 * 2048 * 2048);
			assert.equal(
				got.findIndex((v, i) => v !== wanted[i]),
				-1,
			);

			// 210 detections that need 400 x 400 logits each: 134 MB. Only the first and the last are in the map.
			const map = { boxes: Float32Array.from({ length: 840 }, (_, k) => (k & 2 ? 400 : 0)), maskCoefficients: new Float32Array(210).fill(-1) };
			map.maskCoefficients.set([1], 209);
			map.maskCoefficients.set([1], 0);
			map.boxes.set([0, 0, 200, 400], 0);
			const flat = { data: new Float32Array(160_000).fill(1), dims: [1, 400, 400] };
			const labels = await backend.assembleMasks(map, flat, { inputSize: [400, 400], size: [20, 20], crop: 'output', output: 'labels' });
			assert.deepEqual(
				[...labels.data],
				Array.from({ length: 400 }, (_, i) => (i % 20 < 10 ? 1 : 210)),
			);
		} finally {
			backend.dispose();
		}
	},
	120_000,
);

gpuTest(
	'masks: 300 detections, 32 prototypes of 160 x 160',
	async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		try {
			const scene = maskScene(300, [32, 160, 160], [640, 640], 8);
			const tensor = { data: scene.prototypes, dims: scene.dims };
			const options = { inputSize: [640, 640], size: 'prototypes' } as const;
			const got = (await backend.assembleMasks(scene, tensor, options)).data;
			const wanted = assembleMasks(scene, tensor, options).data;
			assert.equal(got.length, 300 * 160 * 160);
			assert.equal(
				got.findIndex((v, i) => v !== wanted[i]),
				-1,
			);
			assert.isAbove(
				wanted.reduce((sum, v) => sum + v, 0),
				100_000,
			);
		} finally {
			backend.dispose();
		}
	},
	120_000,
);

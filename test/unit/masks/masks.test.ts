// Masks against numbers worked out by hand and against plain double-precision loops of the published formula.

import { describe, expect, it } from 'vitest';
import { assembleMasks, createBackend, letterbox, type MaskOptions } from '../../../src/index.js';
import { FakeDevice, FakeGpu, fakeBuffer } from '../../support/fake-gpu.js';
import { floatToHalf } from '../../support/half.js';
import { maskScene, plainCrop, plainLogits, plainResize } from '../../support/mask-scene.js';

// Two prototypes of 2 x 2 and a detection that takes 2 times the first minus the second: logits 2, 3, -3, -2 (rows 2 3, -3 -2).
const prototypes = { data: Float32Array.of(1, 2, -1, 0, 0, 1, 1, 2), dims: [2, 2, 2] };
const all = { boxes: Float32Array.of(0, 0, 4, 4), maskCoefficients: Float32Array.of(2, -1) };
const input = { inputSize: [4, 4] } as const;
const logits = (options: MaskOptions, detections = all, tensor: Parameters<typeof assembleMasks>[1] = prototypes) => [
	...assembleMasks(detections, tensor, { ...input, ...options, output: 'logits' }).data,
];
const bytes = (options: MaskOptions<'bytes'>, detections = all) => [...assembleMasks(detections, prototypes, { ...input, ...options }).data];
const OUT = -Infinity;

describe('the logits', () => {
	it('are coefficients times prototypes', () => {
		expect(logits({ size: 'prototypes' })).toEqual([2, 3, -3, -2]);
	});

	it('are resized with pixel centres at halves: 2 to 4 takes 1/4 and 3/4, and stops at the edge', () => {
		// along x: 2 9/4 11/4 3 and -3 -11/4 -9/4 -2; then along y
		expect(logits({})).toEqual([2, 2.25, 2.75, 3, 0.75, 1, 1.5, 1.75, -1.75, -1.5, -1, -0.75, -3, -2.75, -2.25, -2]);
	});

	it('shrink without looking at more than four prototypes', () => {
		const row = { data: Float32Array.of(1, 2, 4, 8, 16, 32), dims: [1, 1, 6] };
		// pixels of 3 prototypes each: centres at 1.5 and 4.5, that is prototypes 1 and 4
		expect(logits({ inputSize: [1, 6], size: [1, 2] }, { boxes: Float32Array.of(0, 0, 6, 1), maskCoefficients: Float32Array.of(1) }, row)).toEqual([2, 16]);
	});
});

describe('the crop', () => {
	const left = { ...all, boxes: Float32Array.of(0, 0, 2, 4) };

	it('before resizing: half-open in prototypes, edges fall towards 0', () => {
		expect(logits({ size: 'prototypes' }, left)).toEqual([2, OUT, -3, OUT]);
		// 2 and 0: 2 3/2 1/2 0; the last pixel sees the prototype outside alone
		expect(logits({}, left).slice(0, 4)).toEqual([2, 1.5, 0.5, OUT]);
		expect(bytes({}, left)).toEqual([1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
	});

	it('after resizing: half-open in pixels', () => {
		expect(logits({ crop: 'output' }, left).slice(0, 4)).toEqual([2, 2.25, OUT, OUT]);
		expect(bytes({ crop: 'output' }, left)).toEqual([1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
	});

	it('keeps index r when x1 <= r < x2', () => {
		const columns = (x1: number, x2: number, crop: 'prototypes' | 'output') =>
			[0, 1, 2, 3].filter((x) => logits({ crop, size: 'input' }, { ...all, boxes: Float32Array.of(x1, 0, x2, 4) })[x] !== OUT);
		expect(columns(1, 3, 'output')).toEqual([1, 2]);
		expect(columns(0.5, 3.5, 'output')).toEqual([1, 2, 3]);
		expect(columns(1, 1.0001, 'output')).toEqual([1]);
		expect(columns(1.0001, 2, 'output')).toEqual([]);
		// in prototypes: 2 / 2 = 1, so only the second, which pixels 1, 2, 3 see
		expect(columns(2, 4, 'prototypes')).toEqual([1, 2, 3]);
		expect(columns(0, 2.0001, 'prototypes')).toEqual([0, 1, 2, 3]);
	});

	it('of boxes beyond the border, empty, inverted or not finite', () => {
		const with1 = (...box: number[]) => bytes({ crop: 'output' }, { ...all, boxes: Float32Array.from(box) }).join('');
		const whole = '1111111100000000';
		expect(with1(-100, -1e30, 100, 1e30)).toBe(whole);
		expect(with1(-Infinity, -Infinity, Infinity, Infinity)).toBe(whole);
		for (const box of [
			[2, 0, 2, 4],
			[3, 0, 1, 4],
			[4, 0, 9, 4],
			[-9, 0, 0, 4],
			[NaN, 0, 4, 4],
			[0, 0, 4, NaN],
		]) {
			expect(with1(...box)).toBe('0'.repeat(16));
		}
	});
});

describe('the threshold', () => {
	it('is a probability, strict', () => {
		// the probability of logit 0 is 0.5; a quarter more than 0 passes
		const one = { boxes: Float32Array.of(0, 0, 4, 1), maskCoefficients: Float32Array.of(1) };
		const tensor = { data: Float32Array.of(-1, 0, 2 ** -20, 1), dims: [1, 1, 4] };
		const row = (threshold?: number) => [...assembleMasks(one, tensor, { inputSize: [1, 4], ...(threshold !== undefined && { threshold }) }).data];
		expect(row()).toEqual([0, 0, 1, 1]);
		expect(row(0.5)).toEqual([0, 0, 1, 1]);
		expect(row(0.7310585)).toEqual([0, 0, 0, 1]); // sigmoid(1) = 0.73105858
		expect(row(0.7310587)).toEqual([0, 0, 0, 0]);
		expect(row(0.26)).toEqual([1, 1, 1, 1]); // sigmoid(-1) = 0.2689
		expect(row(0.27)).toEqual([0, 1, 1, 1]);
		expect(row(0)).toEqual([1, 1, 1, 1]);
		expect(row(1)).toEqual([0, 0, 0, 0]);
	});

	it('below 0.5 takes nothing that lies outside of the crop', () => {
		expect(bytes({ threshold: 0, size: 'prototypes' }, { ...all, boxes: Float32Array.of(0, 0, 2, 2) })).toEqual([1, 0, 0, 0]);
	});
});

describe('labels', () => {
	const two = { boxes: Float32Array.of(2, 0, 4, 4, 0, 0, 4, 2), maskCoefficients: Float32Array.of(2, -1, 2, -1) };

	it('name the first detection that covers a pixel, counted from 1', () => {
		const map = assembleMasks(two, prototypes, { ...input, crop: 'output', output: 'labels' });
		expect(map).toMatchObject({ count: 2, height: 4, width: 4 });
		expect([...map.data]).toEqual([2, 2, 1, 1, 2, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
		expect(map.data).toBeInstanceOf(Uint16Array);
	});
});

describe('prototypes', () => {
	it('may be NaN: outside of the mask, and no neighbour that has no weight on it', () => {
		const tensor = { data: Float32Array.of(1, NaN, 1, 1), dims: [1, 2, 2] };
		const one = { boxes: all.boxes, maskCoefficients: Float32Array.of(1) };
		expect(logits({}, one, tensor)).toEqual([1, NaN, NaN, NaN, 1, NaN, NaN, NaN, 1, NaN, NaN, NaN, 1, 1, 1, 1]);
		expect([...assembleMasks(one, tensor, input).data]).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1]);
		expect([...assembleMasks({ ...one, maskCoefficients: Float32Array.of(NaN) }, tensor, input).data]).toEqual(Array(16).fill(0));
	});

	it('may be infinite', () => {
		const tensor = { data: Float32Array.of(Infinity, -Infinity), dims: [1, 1, 2] };
		const one = { boxes: all.boxes, maskCoefficients: Float32Array.of(1) };
		expect(logits({ size: 'prototypes' }, one, tensor)).toEqual([Infinity, -Infinity]);
		expect([...assembleMasks(one, tensor, { ...input, size: 'prototypes' }).data]).toEqual([1, 0]);
	});

	it('below 2^-30 count as 0', () => {
		const tensor = (x: number) => ({ data: Float32Array.of(x), dims: [1, 1, 1] });
		const one = { boxes: all.boxes, maskCoefficients: Float32Array.of(1) };
		expect(logits({ size: 'prototypes' }, one, tensor(2 ** -31))).toEqual([0]);
		expect(logits({ size: 'prototypes' }, one, tensor(2 ** -30))).toEqual([2 ** -30]);
		expect(logits({ size: 'prototypes' }, { ...one, maskCoefficients: Float32Array.of(-(2 ** -31)) }, tensor(1))).toEqual([0]);
	});

	it('may be float16, channels last, and have a batch axis of 1', () => {
		const plain = logits({});
		const halfs = Uint16Array.from(prototypes.data, floatToHalf);
		expect(logits({}, all, { data: halfs, dims: [1, 2, 2, 2], type: 'float16' })).toEqual(plain);
		const last = Float32Array.of(1, 0, 2, 1, -1, 1, 0, 2);
		expect(logits({ layout: 'channels-last' }, all, { data: last, dims: [1, 2, 2, 2] })).toEqual(plain);
		// a denormal half: 2^-24
		const one = { boxes: all.boxes, maskCoefficients: Float32Array.of(1) };
		expect(logits({ size: 'prototypes' }, one, { data: Uint16Array.of(1), dims: [1, 1, 1], type: 'float16' })).toEqual([2 ** -24]);
	});
});

describe('against plain loops in double precision', () => {
	const near = (got: Float32Array, wanted: number[], what: string) => {
		expect(got.length).toBe(wanted.length);
		const far = wanted.map((v, k) => [k, got[k], v]).filter(([, a, b]) => !(Math.abs((a === OUT ? 0 : a) - b) < 1e-4));
		expect(far.slice(0, 3), `${what}: ${far.length} of ${wanted.length}`).toEqual([]);
		expect(new Set(wanted).size).toBeGreaterThan(wanted.length / 20);
	};

	it('process_mask: crop among the prototypes, then resize', () => {
		const inputSize = [96, 128] as const;
		const scene = maskScene(12, [8, 24, 32], inputSize, 5);
		const tensor = { data: scene.prototypes, dims: scene.dims };
		for (const size of ['input', 'prototypes', [50, 77]] as const) {
			const [h, w] = size === 'input' ? inputSize : size === 'prototypes' ? [24, 32] : size;
			const got = assembleMasks(scene, tensor, { inputSize, size, output: 'logits' });
			const wanted = Array.from({ length: 12 }, (_, i) => {
				const box = [...scene.boxes.subarray(i * 4, i * 4 + 4)].map((v) => v * 0.25);
				return plainResize(plainCrop(plainLogits(scene, i), box), [h, w], (x, y) => [(x * 32) / w, (y * 24) / h]);
			});
			near(got.data, wanted.flat(2), String(size));
		}
	});

	it('process_mask_native: resize, then crop', () => {
		const inputSize = [96, 128] as const;
		const scene = maskScene(12, [8, 24, 32], inputSize, 6);
		const got = assembleMasks(scene, { data: scene.prototypes, dims: scene.dims }, { inputSize, crop: 'output', output: 'logits' });
		const wanted = Array.from({ length: 12 }, (_, i) =>
			plainCrop(
				plainResize(plainLogits(scene, i), inputSize, (x, y) => [x / 4, y / 4]),
				[...scene.boxes.subarray(i * 4, i * 4 + 4)],
			),
		);
		near(got.data, wanted.flat(2), 'native');
	});

	it('in the frame of a letterbox, both crops, in its size and another', () => {
		// 60 x 100 in 64 x 64: gain 0.64, 38 rows drawn, 13 above
		const transform = letterbox([60, 100], [64, 64]);
		expect([...transform.gain, ...transform.pad]).toEqual([Math.fround(0.64), Math.fround(0.64), 0, 13]);
		const scene = maskScene(10, [4, 16, 16], [60, 100], 7);
		for (const crop of ['prototypes', 'output'] as const) {
			for (const size of ['frame', [30, 25]] as const) {
				const [h, w] = size === 'frame' ? [60, 100] : size;
				const got = assembleMasks(scene, { data: scene.prototypes, dims: scene.dims }, { transform, crop, size, output: 'logits' });
				const wanted = Array.from({ length: 10 }, (_, i) => {
					const box = [...scene.boxes.subarray(i * 4, i * 4 + 4)];
					const inInput = box.map((v, k) => (v * 0.64 + (k & 1) * 13) / 4);
					// drawn in rows 13 to 51.4 of the input: prototypes 3 (from 12) to 12 (till 52); rows beyond are padding
					const place = (x: number, y: number) => [(((x * 100) / w) * 0.64) / 4, Math.min(Math.max((((y * 60) / h) * 0.64 + 13) / 4, 3.5), 12.5)] as const;
					const all = plainLogits(scene, i);
					if (crop === 'prototypes') return plainResize(plainCrop(all, inInput), [h, w], place);
					const inOutput = box.map((v, k) => (k & 1 ? (v * h) / 60 : (v * w) / 100));
					return plainCrop(plainResize(all, [h, w], place), inOutput);
				});
				near(got.data, wanted.flat(2), `${crop} ${size}`);
			}
		}
	});

	it('300 detections, 32 prototypes of 160 x 160', () => {
		const scene = maskScene(300, [32, 160, 160], [640, 640], 8);
		const got = assembleMasks(scene, { data: scene.prototypes, dims: scene.dims }, { inputSize: [640, 640], size: 'prototypes' });
		let covered = 0;
		for (let i = 0; i < 300; i += 23) {
			const box = [...scene.boxes.subarray(i * 4, i * 4 + 4)].map((v) => v * 0.25);
			const wanted = plainCrop(plainLogits(scene, i), box).flat();
			// a sum of 32 rounded products is within 1e-5 of the exact one: only there may the sign differ
			const wrong = wanted.filter((v, k) => Math.abs(v) > 1e-5 && got.data[i * 25600 + k] !== (v > 0 ? 1 : 0));
			expect(wrong.length, `mask ${i}`).toBe(0);
			covered += wanted.filter((v) => v > 0).length;
		}
		expect(got.data.length).toBe(300 * 160 * 160);
		expect(covered).toBeGreaterThan(10_000);
	});

	it('maps boxes of the frame to the input when masks are of the input', () => {
		const transform = letterbox([100, 100], [64, 64]);
		const map = assembleMasks(
			{ boxes: Float32Array.of(25, 50, 75, 100), maskCoefficients: Float32Array.of(1) },
			{ data: new Float32Array(256).fill(1), dims: [1, 16, 16] },
			{ transform, size: 'input', crop: 'output' },
		);
		const rows = [...Array(64).keys()].map((y) => map.data.subarray(y * 64, y * 64 + 64).reduce((a, b) => a + b, 0));
		expect(rows).toEqual([...Array(32).fill(0), ...Array(32).fill(32)]);
	});
});

describe('refusals', () => {
	const ask =
		(options: unknown, detections: unknown = all, tensor: unknown = prototypes) =>
		() =>
			assembleMasks(detections as typeof all, tensor as typeof prototypes, options as MaskOptions<'bytes'>);

	it('name the argument', () => {
		expect(ask({})).toThrow('assembleMasks: inputSize must be given, [height, width] of the network input; got undefined');
		expect(ask({ ...input, treshold: 0.5 })).toThrow(/did you mean threshold\?/);
		expect(ask({ ...input, threshold: 50 })).toThrow(/threshold must be 0 to 1; got 50 \(did you mean 0.5\?\)/);
		expect(ask({ ...input, crop: 'box' })).toThrow(/crop must be 'prototypes' or 'output'/);
		expect(ask({ ...input, size: 'frame' })).toThrow(/transform must be given for size 'frame'/);
		expect(ask({ ...input, size: [4.5, 4] })).toThrow(/size\[0\] must be an integer from 1 to 65535; got 4.5/);
		expect(ask({ inputSize: [4.5, 4] })).toThrow(/inputSize\[0\] must be an integer/);
		expect(ask({ inputSize: [9, 9], transform: letterbox([5, 5], [4, 4]) })).toThrow(/inputSize must be that of the transform, \[4, 4\]/);
		expect(ask({ transform: [letterbox([5, 5], [4, 4])] })).toThrow(/must be one transform/);
		expect(ask({ transform: { gain: [1, 1] } })).toThrow(/transform must be what letterbox/);
		expect(ask({ ...input, output: 'texture' })).toThrow(/use backend.assembleMasks/);
		expect(ask({ ...input, texture: {} })).toThrow(/texture must be left out for output 'bytes'/);
	});

	it('of detections and prototypes that do not fit', () => {
		expect(ask(input, null)).toThrow(/detections must be \{ boxes, maskCoefficients \}/);
		expect(ask(input, { boxes: all.boxes })).toThrow(/detections.maskCoefficients must be a Float32Array, flat \[count, M\]; got undefined \(does the head/);
		expect(ask(input, { ...all, count: 2 })).toThrow(/detections.count must be 1, as many as boxes; got 2/);
		expect(ask(input, { ...all, maskCoefficients: new Float32Array(3) })).toThrow(
			/must have 2 entries per detection for prototypes \[M, height, width\] \[2, 2, 2\]; got 3/,
		);
		const wide = { data: new Float32Array(30), dims: [1, 3, 5, 2] };
		expect(ask(input, all, wide)).toThrow(/set layout to 'channels-last'/);
		expect(ask({ ...input, layout: 'channels-last' }, all, { ...wide, dims: [2, 3, 5] })).toThrow(/set layout to 'channels-first'/);
		expect(ask(input, all, prototypes.data)).toThrow(/prototypes must have dims \[M, height, width\].*pass \{ data, dims \}/);
		expect(ask(input, all, { data: new Float32Array(16), dims: [2, 2, 2, 2] })).toThrow(/prototypes of one image/);
		expect(ask(input, all, { data: new Float32Array(0), dims: [2, 0, 2] })).toThrow(/prototypes.dims must be from 1 to 65535 each/);
		expect(ask(input, all, { gpuBuffer: fakeBuffer(prototypes.data), dims: [2, 2, 2] })).toThrow(/prototypes must be in CPU memory/);
		expect(ask(input, all, { gpuBuffer: fakeBuffer(new Float32Array(4)), dims: [2, 2, 2] })).toThrow(/at least 32 bytes for 8 elements of float32; got 16/);
	});

	it('of more than 2^32 bytes, before any of them is made', () => {
		const many = { boxes: new Float32Array(4 * 1000), maskCoefficients: new Float32Array(2000) };
		expect(ask({ ...input, size: [65535, 65535] }, many)).toThrow(/size must make at most 2\^32 bytes for 1000 masks; got 4294836225000/);
	});
});

describe('nothing', () => {
	it('makes nothing', () => {
		const none = { boxes: new Float32Array(0), maskCoefficients: new Float32Array(0), count: 0 };
		expect(assembleMasks(none, prototypes, input)).toEqual({ count: 0, height: 4, width: 4, data: new Uint8Array(0) });
		expect(assembleMasks(none, prototypes, { ...input, output: 'labels' }).data).toEqual(new Uint16Array(16));
	});

	it('of the caller is written to', () => {
		const copies = structuredClone([all, prototypes]);
		logits({});
		expect([all, prototypes]).toEqual(copies);
	});
});

describe('backend.assembleMasks', () => {
	const wanted = assembleMasks(all, prototypes, input);

	it('gives what the function gives, wherever it runs', async () => {
		for (const [kind, singles] of [
			['webgpu', 1],
			['hybrid', 0],
			['cpu', 0],
			['auto', 0],
		] as const) {
			const gpu = new FakeGpu();
			expect(await (await gpu.backend(kind)).assembleMasks(all, prototypes, input)).toEqual(wanted);
			expect(gpu.singles, kind).toBe(singles);
		}
	});

	it('goes to the GPU for what is there', async () => {
		for (const kind of ['webgpu', 'hybrid', 'auto'] as const) {
			const gpu = new FakeGpu();
			const backend = await gpu.backend(kind, { device: new FakeDevice() as unknown as GPUDevice });
			const tensor = { gpuBuffer: fakeBuffer(prototypes.data), dims: [2, 2, 2] };
			expect(await backend.assembleMasks(all, tensor, input)).toEqual(wanted);
			expect(gpu.singles, kind).toBe(1);
		}
	});

	it("leaves to a software adapter what is to stay there: 'auto' reads prototypes back", async () => {
		const gpu = new FakeGpu();
		Object.assign(gpu.report, { software: true });
		const backend = await gpu.backend('auto', { device: new FakeDevice() as unknown as GPUDevice });
		expect(await backend.assembleMasks(all, { gpuBuffer: fakeBuffer(prototypes.data), dims: [2, 2, 2] }, input)).toEqual(wanted);
		expect([gpu.reads, gpu.singles]).toEqual([1, 0]);
		await backend.assembleMasks(all, prototypes, { ...input, output: 'texture' });
		expect([gpu.reads, gpu.singles]).toEqual([1, 1]);
	});

	it("reads prototypes back for 'cpu', and refuses them where no device is known", async () => {
		const gpu = new FakeGpu();
		const tensor = { gpuBuffer: fakeBuffer(prototypes.data), dims: [2, 2, 2] };
		const backend = await gpu.backend('cpu', { device: new FakeDevice() as unknown as GPUDevice });
		expect(await backend.assembleMasks(all, tensor, input)).toEqual(wanted);
		expect([gpu.reads, gpu.singles]).toEqual([1, 0]);
		await expect((await gpu.backend('cpu')).assembleMasks(all, tensor, input)).rejects.toThrow(/as long as kedge knows no GPU device/);
	});

	it('takes what it needs before the caller may change it', async () => {
		const backend = await createBackend('cpu');
		const mine = { boxes: all.boxes.slice(), maskCoefficients: all.maskCoefficients.slice(), count: 1 };
		const tensor = { data: prototypes.data.slice(), dims: [2, 2, 2] };
		const options = { inputSize: [4, 4] as [number, number], threshold: 0.5 };
		const pending = backend.assembleMasks(mine, tensor, options);
		for (const array of [mine.boxes, mine.maskCoefficients, tensor.data]) array.fill(0);
		mine.count = 7;
		options.threshold = 1;
		expect(await pending).toEqual(wanted);
	});

	it('has no texture without a GPU, and nothing after dispose()', async () => {
		const backend = await createBackend('cpu');
		await expect(backend.assembleMasks(all, prototypes, { ...input, output: 'texture' })).rejects.toMatchObject({ code: 'NO_WEBGPU' });
		backend.dispose();
		await expect(backend.assembleMasks(all, prototypes, input)).rejects.toMatchObject({ code: 'DISPOSED' });
	});

	it('tells a lost device, and that prototypes went with it', async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('webgpu', { onLost: 'recover' });
		await backend.assembleMasks(all, prototypes, input);
		const tensor = { gpuBuffer: fakeBuffer(prototypes.data), dims: [2, 2, 2] };
		gpu.devices[0].lose();
		await Promise.resolve();
		await expect(backend.assembleMasks(all, tensor, input)).rejects.toMatchObject({ code: 'DEVICE_LOST' });
		expect(await backend.assembleMasks(all, prototypes, input)).toEqual(wanted);
	});
});

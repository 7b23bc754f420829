// The way of a call: checks, copies, order, abort, dispose, loss of the device, choice of the backend.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { letterbox } from '../../src/boxes/letterbox.js';
import type { Detections } from '../../src/detections.js';
import { KedgeError } from '../../src/errors.js';
import { detr } from '../../src/heads/detr.js';
import { ssd } from '../../src/heads/ssd.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import type { PostprocessorOptions } from '../../src/options.js';
import type { WebGPUReport } from '../../src/pipeline.js';
import { createPostprocessor } from '../../src/postprocessor.js';
import type { TensorLike } from '../../src/tensors.js';
import { FakeDevice, FakeGpu, fakeBuffer } from '../support/fake-gpu.js';

// 32 x 32 pixels, strides 8, 16, 32: 16 + 4 + 1 = 21 anchors; channels cx, cy, w, h, two classes.
const head = yolov8({ numClasses: 2, inputSize: [32, 32] });
const A = 21;
const dims = [1, 6, A];

/** [anchor, cx, cy, w, h, class, score] to an output [1, 6, 21]. */
function output(...rows: number[][]): Float32Array {
	const data = new Float32Array(6 * A);
	for (const [anchor, cx, cy, w, h, classId, score] of rows) {
		for (const [channel, value] of [cx, cy, w, h].entries()) data[channel * A + anchor] = value;
		data[(4 + classId) * A + anchor] = score;
	}
	return data;
}

// IoU of the first two: 10 x 10 against the same moved by 2: 80 / 120 = 2/3. The third is apart, the fourth of another class.
const scene = output([3, 10, 10, 10, 10, 0, 0.75], [7, 12, 10, 10, 10, 0, 0.875], [20, 25, 25, 4, 4, 1, 0.5], [11, 12, 10, 10, 10, 1, 0.625]);
const one = (score: number) => output([0, 10, 10, 4, 4, 0, score]);

const make = (options: Partial<PostprocessorOptions> = {}) => createPostprocessor({ head, backend: 'cpu', ...options });
const tick = () => new Promise((resolve) => setTimeout(resolve, 0));
const codeOf = (promise: Promise<unknown>) =>
	promise.then(
		() => 'resolved',
		(error) => error.code ?? error.name,
	);

describe('a run', () => {
	it('gives the detections that greedy suppression keeps, best first', async () => {
		const postprocessor = await make({ labels: ['cat', 'dog'] });
		const detections = await postprocessor.run({ data: scene, dims });
		expect([...detections.indices]).toEqual([7, 11, 20]);
		expect([...detections.scores]).toEqual([0.875, 0.625, 0.5]);
		expect([...detections.classIds]).toEqual([0, 1, 1]);
		expect([...detections.boxes.subarray(0, 4)]).toEqual([7, 5, 17, 15]);
		expect(detections).toMatchObject({ count: 3, numCandidates: 4, truncated: 0, rejected: 0, backend: 'cpu' });
		expect([...detections].map((d) => d.label)).toEqual(['cat', 'dog', 'dog']);
	});

	it('takes thresholds per call', async () => {
		const postprocessor = await make();
		const indices = async (options: object) => [...(await postprocessor.run(scene, options)).indices];
		expect(await indices({ iouThreshold: 0.75 })).toEqual([7, 3, 11, 20]);
		expect(await indices({ classAgnostic: true })).toEqual([7, 20]);
		expect(await indices({ scoreThreshold: 0.625 })).toEqual([7]);
		expect(await indices({ scoreThreshold: Infinity })).toEqual([]);
		expect(await indices({ maxDetections: 1 })).toEqual([7]);
		expect(await indices({ maxDetections: 0 })).toEqual([]);
		expect(await indices({ maxDetections: 1000 })).toEqual([7, 11, 20]);
		expect(await indices({})).toEqual([7, 11, 20]);
		const cut = await postprocessor.run(scene, { maxCandidates: 2 });
		expect([[...cut.indices], cut.truncated]).toEqual([[7], 2]);
	});

	it('follows the semantics, the classes and the coordinates it was made with', async () => {
		const twoThirds = { iouThreshold: 2 / 3 }; // fround(80 / 120) is fround(2 / 3): exactly at the threshold
		const indices = async (options: Partial<PostprocessorOptions>) => [...(await (await make({ ...twoThirds, ...options })).run(scene)).indices];
		expect(await indices({})).toEqual([7, 3, 11, 20]);
		expect(await indices({ semantics: { suppress: '>=' } })).toEqual([7, 11, 20]);
		expect(await indices({ scoreThreshold: 0.5 })).toEqual([7, 3, 11]);
		expect(await indices({ scoreThreshold: 0.5, semantics: { score: '>=' } })).toEqual([7, 3, 11, 20]);
		expect(await indices({ classes: [1] })).toEqual([11, 20]);
		const equal = output([2, 4, 4, 4, 4, 0, 0.5], [9, 20, 20, 4, 4, 0, 0.5]);
		expect([...(await (await make()).run(equal)).indices]).toEqual([2, 9]);
		expect([...(await (await make({ semantics: { ties: 'highest-index' } })).run(equal)).indices]).toEqual([9, 2]);
		const normalized = await (await make({ coordinates: 'normalized' })).run(one(0.5));
		expect([...normalized.boxes]).toEqual([0.25, 0.25, 0.375, 0.375]);
	});

	it('maps to the frame: 64 x 64 is twice the input', async () => {
		const postprocessor = await make();
		const { boxes } = await postprocessor.run(one(0.5), { transform: letterbox([64, 64], [32, 32]) });
		expect([...boxes]).toEqual([16, 16, 24, 24]);
	});

	it('gives an array for a batch, each image with its transform', async () => {
		const postprocessor = await make();
		const batch = new Float32Array([...scene, ...one(0.5)]);
		const [first, second] = await postprocessor.run<Detections[]>({ data: batch, dims: [2, 6, A] });
		expect([...first.indices]).toEqual([7, 11, 20]);
		expect([...second.indices]).toEqual([0]);
		const transforms = [letterbox([32, 32], [32, 32]), letterbox([64, 64], [32, 32])];
		const mapped = await postprocessor.run<Detections[]>({ data: batch, dims: [2, 6, A] }, { transform: transforms });
		expect([...mapped[0].boxes.subarray(0, 4)]).toEqual([7, 5, 17, 15]);
		expect([...mapped[1].boxes]).toEqual([16, 16, 24, 24]);
		await expect(postprocessor.run(batch, { transform: [transforms[0]] })).rejects.toThrow(/transform must be one transform, or one per image \(2\)/);
	});

	it('never modifies its inputs, and takes them as they are when it is called (B8, B9)', async () => {
		const postprocessor = await make();
		const data = scene.slice();
		await postprocessor.run(data);
		expect(data).toEqual(scene);
		const pending = postprocessor.run(data);
		data.fill(0);
		expect((await pending).count).toBe(3);
	});

	it('copies shared memory before it looks (B6)', async () => {
		const shared = new Float32Array(new SharedArrayBuffer(scene.byteLength));
		shared.set(scene);
		expect((await (await make()).run(shared)).count).toBe(3);
	});

	it('measures when asked', async () => {
		const postprocessor = await make();
		expect((await postprocessor.run(scene)).timings).toBeUndefined();
		const { timings } = await postprocessor.run(scene, { timings: true });
		for (const ms of Object.values(timings as Record<string, number>)) expect(ms).toBeGreaterThanOrEqual(0);
		expect(Object.keys(timings as object)).toContain('decode');
	});
});

describe('a wrong call', () => {
	it.each([
		[
			'a transposed head names the layouts',
			{ data: new Float32Array(7 * A), dims: [1, 7, A] },
			{},
			RangeError,
			/run: output0 must be \[batch, .*got \[1, 7, 21\]/,
		],
		['a ragged length', new Float32Array(100), {}, RangeError, /run: output0 must have a multiple of 126 elements/],
		['no outputs', undefined, {}, TypeError, /run: outputs must be/],
		['BigInts', new BigInt64Array(126), {}, TypeError, /BigInt64Array/],
		[
			'a transform of another input',
			scene,
			{ transform: letterbox([64, 64], [640, 640]) },
			RangeError,
			/transform must be for the head's input size \[32, 32\]; got \[640, 640\]/,
		],
		['a transform that is none', scene, { transform: { gain: 2 } }, TypeError, /transform must be what letterbox\(frameSize, inputSize\) makes; got Object/],
		['an unknown option', scene, { iouTreshold: 0.3 }, TypeError, /did you mean iouThreshold/],
		['a percentage', scene, { iouThreshold: 45 }, RangeError, /did you mean 0\.45/],
		['options null', scene, null, TypeError, /run: options must be an object; got null/],
	] as const)('rejects: %s', async (_, outputs, options, Kind, text) => {
		const postprocessor = await make();
		const result = postprocessor.run(outputs as TensorLike, options as object);
		await expect(result).rejects.toThrow(text);
		await expect(result).rejects.toBeInstanceOf(Kind);
		expect((await postprocessor.run(scene)).count).toBe(3);
	});

	it('names the head that would fit', async () => {
		const postprocessor = await createPostprocessor({ head: yolov8({ numClasses: 3, inputSize: [640, 640] }), backend: 'cpu' });
		await expect(postprocessor.run({ data: new Float32Array(84 * 8400), dims: [1, 84, 8400] })).rejects.toThrow(/fits .*yolov8\(\{ numClasses: 80/);
	});

	it('rejects tensors of different batches', async () => {
		const pair = ssd({ numClasses: 2 });
		const postprocessor = await createPostprocessor({ head: pair, backend: 'cpu' });
		const tensors = pair.tensors.map((spec, i) => {
			const sizes = spec.layouts[0].map((axis) => spec.sizes[axis] ?? 1);
			const batch = i === 0 ? 1 : 2;
			return { data: new Float32Array(sizes.reduce((a, b) => a * b, batch)), dims: [batch, ...sizes] };
		});
		await expect(postprocessor.run(tensors)).rejects.toThrow(/must have the batch of .*, 1; got 2/);
	});

	it('refuses the stage switch on a backend without stages', async () => {
		const backend = await new FakeGpu().backend('hybrid');
		await expect(createPostprocessor({ head, backend, gpuStages: 2 })).rejects.toThrow(/backend must be 'webgpu' when gpuStages is given; got "hybrid"/);
	});

	it('refuses a backend that is not one of ours', async () => {
		await expect(createPostprocessor({ head, backend: { kind: 'cpu' } as never })).rejects.toThrow(
			/backend must be 'auto', .* what createBackend of this copy of kedge made; got Object/,
		);
	});
});

describe('calls that overlap', () => {
	it('settle in the order they were made, whatever the GPU does', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.holding = true;
		const settled: string[] = [];
		const follow = (name: string, run: Promise<Detections>) =>
			run.then(
				(d) => settled.push(`${name} ${d.scores[0]}`),
				(e) => settled.push(`${name} ${e.message}`),
			);
		const all = [0.5, 0.625, 0.75].map((score, i) => follow('abc'[i], postprocessor.run(one(score))));
		expect(gpu.held.length).toBe(3); // all submitted at once
		gpu.held[2].finish();
		gpu.held[1].fail(new Error('broken'));
		await tick();
		expect(settled).toEqual([]);
		gpu.held[0].finish();
		await Promise.all(all);
		expect(settled).toEqual(['a 0.5', 'b broken', 'c 0.75']);
	});

	it('a hundred at once, and one inside the callback of another', async () => {
		const gpu = new FakeGpu();
		for (const backend of ['cpu' as const, await gpu.backend('webgpu')]) {
			const postprocessor = await make({ backend, scoreThreshold: 0 });
			const scores = Array.from({ length: 100 }, (_, i) => (i + 1) / 128);
			const results = await Promise.all(scores.map((score) => postprocessor.run(one(score)).then((d) => postprocessor.run(one(d.scores[0])))));
			expect(results.map((d) => d.scores[0])).toEqual(scores);
		}
	});

	it('keep nothing of calls that are over', async () => {
		const postprocessor = await make();
		const first = await (async () => new WeakRef(await postprocessor.run(scene)))();
		for (let i = 0; i < 10; i++) await postprocessor.run(scene);
		setFlagsFromString('--expose-gc');
		const collect = runInNewContext('gc') as () => void;
		await tick();
		collect();
		expect(first.deref()).toBeUndefined();
	});

	it('copy what they need when the GPU is not ready yet (B8)', async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('auto');
		const { postprocessor, outputs } = await softmaxOf(1000, backend);
		const pending = postprocessor.run(outputs);
		for (const { data } of outputs) data.fill(0);
		expect([...(await pending).indices]).toEqual([5]);
		expect(postprocessor.backend).toMatchObject({ kind: 'webgpu', reason: 'the tensor is large (4.0 MB)' });
	});
});

/** A softmax over 996 channels: 4000 bytes a query, of which the fifth has a box. */
async function softmaxOf(numQueries: number, backend: PostprocessorOptions['backend']) {
	const postprocessor = await createPostprocessor({ head: detr({ numClasses: 995, inputSize: [32, 32], numQueries }), backend });
	const logits = new Float32Array(996 * numQueries);
	logits[996 * 5 + 3] = 20;
	const outputs = [
		{ data: logits, dims: [1, numQueries, 996] },
		{ data: new Float32Array(4 * numQueries).fill(0.5), dims: [1, numQueries, 4] },
	];
	return { postprocessor, outputs };
}

describe('abort', () => {
	it('before: rejects with AbortError and does no work', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.holding = true;
		const earlier = postprocessor.run(scene);
		const result = postprocessor.run(scene, { signal: AbortSignal.abort() });
		await expect(result).rejects.toMatchObject({ name: 'AbortError' }); // not after the earlier call, at once
		expect(gpu.calls.length).toBe(1);
		gpu.held[0].finish();
		expect((await earlier).count).toBe(3);
	});

	it('during: rejects at once, and later calls work', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.holding = true;
		const controller = new AbortController();
		const first = postprocessor.run(one(0.5));
		const second = postprocessor.run(one(0.625), { signal: controller.signal });
		const third = postprocessor.run(one(0.75));
		controller.abort();
		await expect(second).rejects.toMatchObject({ name: 'AbortError' });
		gpu.held[2].finish();
		gpu.held[0].finish();
		expect((await first).scores[0]).toBe(0.5);
		expect((await third).scores[0]).toBe(0.75); // though the aborted call's work never ends
		expect(gpu.calls[1].signal).toBe(controller.signal);
	});

	it('during, on the CPU', async () => {
		const postprocessor = await make();
		const controller = new AbortController();
		const result = postprocessor.run(scene, { signal: controller.signal });
		controller.abort();
		await expect(result).rejects.toMatchObject({ name: 'AbortError' });
		expect((await postprocessor.run(scene)).count).toBe(3);
	});

	it('after: changes nothing', async () => {
		const postprocessor = await make();
		const controller = new AbortController();
		const detections = await postprocessor.run(scene, { signal: controller.signal });
		controller.abort();
		expect(detections.count).toBe(3);
	});

	it('gives the reason the caller gave', async () => {
		const reason = new Error('the user left');
		await expect((await make()).run(scene, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
	});
});

describe('dispose', () => {
	it('twice, then a call: DISPOSED', async () => {
		const postprocessor = await make();
		postprocessor.dispose();
		postprocessor.dispose();
		await expect(postprocessor.run(scene)).rejects.toMatchObject({ name: 'KedgeError', code: 'DISPOSED' });
		expect(() => postprocessor.encode({} as GPUCommandEncoder, scene)).toThrow(KedgeError);
	});

	it('lets running calls finish, and frees the pipeline after them', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.holding = true;
		const running = postprocessor.run(scene);
		postprocessor.dispose();
		expect(gpu.disposedPipelines).toBe(0);
		gpu.held[0].finish();
		expect((await running).count).toBe(3);
		await tick();
		expect(gpu.disposedPipelines).toBe(1);
		expect(await codeOf(postprocessor.run(scene))).toBe('DISPOSED');
	});

	it('leaves a backend alone that it was given', async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('webgpu');
		const first = await make({ backend });
		const second = await make({ backend });
		first.dispose();
		expect((await second.run(scene)).count).toBe(3);
		expect(gpu.devices[0].destroyed).toBe(false);
		backend.dispose();
		expect(gpu.devices[0].destroyed).toBe(true);
		expect(await codeOf(second.run(scene))).toBe('DISPOSED');
	});

	it('is what `using` calls', async () => {
		const postprocessor = await make();
		postprocessor[Symbol.dispose]();
		expect(await codeOf(postprocessor.run(scene))).toBe('DISPOSED');
	});
});

describe('a lost device', () => {
	it("'recover': the pending call rejects, the next one works on a fresh device", async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.holding = true;
		const pending = [postprocessor.run(scene), postprocessor.run(scene)];
		gpu.devices[0].lose();
		expect(await Promise.all(pending.map(codeOf))).toEqual(['DEVICE_LOST', 'DEVICE_LOST']);
		gpu.holding = false;
		expect((await postprocessor.run(scene)).count).toBe(3);
		expect(gpu.devices.length).toBe(2);
		expect(postprocessor.backend).toMatchObject({ kind: 'webgpu', device: gpu.devices[1] });
		expect(gpu.compiled).toBe(2);
	});

	it('lost between calls is noticed before the next one', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.devices[0].lose();
		await tick();
		const data = scene.slice();
		const running = postprocessor.run(data);
		data.fill(0);
		expect((await running).count).toBe(3);
		expect(gpu.devices.length).toBe(2);
	});

	it('calls made together share one new device', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.devices[0].lose();
		await tick();
		const results = await Promise.all([0.5, 0.625, 0.75].map((score) => postprocessor.run(one(score))));
		expect(results.map((d) => d.scores[0])).toEqual([0.5, 0.625, 0.75]);
		expect(gpu.devices.length).toBe(2);
		expect(gpu.compiled).toBe(2);
	});

	it('after two attempts it goes on on the CPU and says so', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.openErrors = [new KedgeError('NO_WEBGPU', 'blocked'), new KedgeError('NO_WEBGPU', 'blocked')];
		gpu.devices[0].lose();
		await tick();
		expect((await postprocessor.run(scene)).backend).toBe('cpu');
		expect(gpu.openings).toBe(3);
		expect(postprocessor.backend).toMatchObject({ kind: 'cpu', reason: expect.stringMatching(/lost and 2 attempts .* failed/) });
		expect((await postprocessor.run(scene)).count).toBe(3);
		expect(gpu.openings).toBe(3);
	});

	it('a device that dies in every call is not opened for ever', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		gpu.holding = true;
		const codes: string[] = [];
		for (let i = 0; i < 4; i++) {
			const running = codeOf(postprocessor.run(scene));
			await tick();
			gpu.devices.at(-1)?.lose();
			codes.push(await running);
		}
		expect(codes).toEqual(['DEVICE_LOST', 'DEVICE_LOST', 'DEVICE_LOST', 'resolved']);
		expect(gpu.devices.length).toBe(3);
		expect(postprocessor.backend.kind).toBe('cpu');
	});

	it('a sound call in between starts the count anew', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		for (let i = 0; i < 5; i++) {
			gpu.devices[i].lose();
			await tick();
			expect((await postprocessor.run(scene)).backend).toBe('webgpu');
		}
		expect(gpu.devices.length).toBe(6);
	});

	it("'cpu': goes on there", async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu', { onLost: 'cpu' }) });
		gpu.holding = true;
		const pending = postprocessor.run(scene);
		gpu.devices[0].lose();
		expect(await codeOf(pending)).toBe('DEVICE_LOST');
		expect((await postprocessor.run(scene)).backend).toBe('cpu');
		expect(postprocessor.backend).toMatchObject({ kind: 'cpu', reason: 'the GPU device was lost' });
		expect(gpu.openings).toBe(1);
	});

	it("'error', the default for a device of the caller: every later call rejects at once", async () => {
		const gpu = new FakeGpu();
		const device = new FakeDevice();
		const backend = await gpu.backend('webgpu', { device });
		const postprocessor = await make({ backend });
		device.lose();
		await tick();
		await expect(postprocessor.run(scene)).rejects.toThrow(/lost .*make a new device and a new postprocessor/);
		expect(await codeOf(postprocessor.run(scene))).toBe('DEVICE_LOST');
		expect(gpu.openings).toBe(1);
		backend.dispose();
		expect(device.destroyed).toBe(false); // E10
	});

	it('takes its tensors with it', async () => {
		const gpu = new FakeGpu();
		for (const onLost of ['recover', 'cpu'] as const) {
			const postprocessor = await make({ backend: await gpu.backend('webgpu', { onLost }) });
			gpu.devices.at(-1)?.lose();
			await tick();
			const tensor = { gpuBuffer: fakeBuffer(scene), dims };
			await expect(postprocessor.run(tensor)).rejects.toThrow(/outputs were on the GPU device that was lost/);
			const again = codeOf(postprocessor.run(tensor)); // the same buffer, for all kedge knows one of the new device
			expect(await again).toBe(onLost === 'recover' ? 'resolved' : 'DEVICE_LOST');
			expect((await postprocessor.run(scene)).count).toBe(3);
		}
	});

	it('while a pipeline compiles: rejects, and the next call works', async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('webgpu');
		gpu.compileErrors = [new KedgeError('DEVICE_LOST', 'lost while compiling')];
		expect(await codeOf(make({ backend }))).toBe('DEVICE_LOST');
		expect((await (await make({ backend })).run(scene)).count).toBe(3);
		expect(gpu.devices.length).toBe(2);
	});
});

describe("the choice of 'auto'", () => {
	const gpuTensor = { gpuBuffer: fakeBuffer(scene), dims };
	const device = () => new FakeDevice() as unknown as GPUDevice;

	type Case = [name: string, facts: { device?: GPUDevice } & Partial<WebGPUReport>, tensor: TensorLike, kind: string, reason: RegExp];
	it.each<Case>([
		['small tensor in CPU memory', {}, scene, 'cpu', /in CPU memory and small \(0\.0 MB\)/],
		['tensor on the GPU', { device: device() }, gpuTensor, 'webgpu', /^the tensor is on the GPU$/],
		['software adapter, tensor on the GPU', { device: device(), software: true }, gpuTensor, 'cpu', /software/],
		['software adapter, tensor in CPU memory', { software: true }, scene, 'cpu', /software/],
		['no adapter', { available: false, reason: 'no-adapter' }, scene, 'cpu', /WebGPU cannot be used here \(no-adapter\)/],
	])('%s', async (_, { device, ...report }, tensor, kind, reason) => {
		const gpu = new FakeGpu();
		Object.assign(gpu.report, report);
		const postprocessor = await make({ backend: await gpu.backend('auto', { device }) });
		const detections = await postprocessor.run(tensor);
		expect(detections.backend).toBe(kind);
		expect([...detections.indices]).toEqual([7, 11, 20]);
		expect(postprocessor.backend.kind).toBe(kind);
		expect(postprocessor.backend.reason).toMatch(reason);
	});

	it('tensors in CPU memory stay there, however large; but a softmax of 4 MB goes to a GPU', async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('auto');
		const large = await make({ head: yolov8({ numClasses: 300, inputSize: [512, 512] }), backend });
		expect((await large.run(new Float32Array(5376 * 304))).backend).toBe('cpu');
		expect(large.backend.reason).toBe('the tensor is in CPU memory, and sending it (6.5 MB) takes longer than its work');
		for (const [numQueries, kind] of [
			[999, 'cpu'],
			[1000, 'webgpu'],
		] as const) {
			const { postprocessor, outputs } = await softmaxOf(numQueries, backend);
			expect((await postprocessor.run(outputs)).backend).toBe(kind);
		}
	});

	it('opens no device before one is needed', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('auto') });
		await postprocessor.run(scene);
		expect(gpu.openings).toBe(0);
	});

	it('follows each call', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('auto', { device: device() }) });
		const kinds = [];
		for (const tensor of [scene, gpuTensor, scene]) kinds.push((await postprocessor.run(tensor)).backend);
		expect(kinds).toEqual(['cpu', 'webgpu', 'cpu']);
	});

	it('falls back to the CPU when the driver refuses a shader, with the reason', async () => {
		const gpu = new FakeGpu();
		gpu.compileErrors = [new KedgeError('SHADER', 'the driver refused decode')];
		const postprocessor = await make({ backend: await gpu.backend('auto', { device: device() }) });
		expect((await postprocessor.run(gpuTensor)).backend).toBe('cpu');
		expect(gpu.reads).toBe(1);
		expect(postprocessor.backend.reason).toBe('the driver refused decode');
	});

	it('but an explicit GPU does not hide it', async () => {
		const gpu = new FakeGpu();
		gpu.compileErrors = [new KedgeError('SHADER', 'the driver refused decode')];
		expect(await codeOf(make({ backend: await gpu.backend('webgpu') }))).toBe('SHADER');
		gpu.openErrors = [new KedgeError('NO_WEBGPU', 'none here')];
		expect(await codeOf(gpu.backend('webgpu'))).toBe('NO_WEBGPU');
	});
});

describe('a tensor on the GPU', () => {
	const gpuTensor = { gpuBuffer: fakeBuffer(scene), dims };

	it("is read back for 'cpu' when its device is known", async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('cpu', { device: new FakeDevice() }) });
		expect([...(await postprocessor.run(gpuTensor)).indices]).toEqual([7, 11, 20]);
		expect([gpu.reads, gpu.openings]).toEqual([1, 0]);
	});

	it('is refused with the remedy when no device is known', async () => {
		for (const kind of ['cpu', 'auto'] as const) {
			const postprocessor = await make({ backend: await new FakeGpu().backend(kind) });
			await expect(postprocessor.run(gpuTensor)).rejects.toThrow(/give the device that made them as the option device, or outputs in CPU memory/);
		}
	});
});

describe('encode', () => {
	const encoder = { beginComputePass() {} } as unknown as GPUCommandEncoder;

	it('hands the work to the pipeline at once', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		const transform = letterbox([64, 64], [32, 32]);
		expect(postprocessor.encode(encoder, { gpuBuffer: fakeBuffer(scene), dims }, { transform, maxDetections: 5 })).toEqual({
			buffer: 'result',
			layout: 'layout',
		});
		expect(gpu.frames[0]).toMatchObject({ gain: [0.5, 0.5], frameSize: [64, 64] });
		expect(gpu.calls[0].maxDetections).toBe(5);
	});

	it('needs webgpu, and says so', async () => {
		const gpu = new FakeGpu();
		for (const kind of ['cpu', 'hybrid', 'auto'] as const) {
			const postprocessor = await make({ backend: await gpu.backend(kind) });
			expect(() => postprocessor.encode(encoder, scene)).toThrow(/encode: needs the backend 'webgpu'; .*create the postprocessor with backend: 'webgpu'/);
		}
	});

	it("does not take another pipeline for one: hybrid's, or what 'auto' takes on a software adapter", async () => {
		for (const [requested, kind] of [
			['hybrid', 'hybrid'],
			['auto', 'cpu'],
		] as const) {
			const gpu = new FakeGpu();
			Object.assign(gpu.report, { software: true });
			const postprocessor = await make({ backend: await gpu.backend(requested, { device: new FakeDevice() }) });
			const tensor = { gpuBuffer: fakeBuffer(scene), dims };
			expect((await postprocessor.run(tensor)).backend).toBe(kind);
			expect(() => postprocessor.encode(encoder, tensor)).toThrow(`needs the backend 'webgpu'; got '${kind}'`);
		}
	});

	it('refuses what is no encoder, and a lost device', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await make({ backend: await gpu.backend('webgpu') });
		expect(() => postprocessor.encode({} as GPUCommandEncoder, scene)).toThrow(/encoder must be a GPUCommandEncoder; got Object/);
		gpu.devices[0].lose();
		await tick();
		expect(() => postprocessor.encode(encoder, scene)).toThrow(/the device was lost: await one run\(\) to go on/);
	});
});

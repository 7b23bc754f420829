// The doors to onnxruntime-web and tfjs, with real tensors of both where they work without a GPU.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { Tensor } from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { yolov8 } from '../../src/heads/yolov8.js';
import { deviceOf as deviceOfOrt, fromOrt, type OrtTensor, runOrt } from '../../src/onnxruntime.js';
import { createPostprocessor } from '../../src/postprocessor.js';
import { deviceOf as deviceOfTfjs, fromTfjs, runTfjs, type TfjsTensor } from '../../src/tfjs.js';
import { FakeDevice, FakeGpu, fakeBuffer } from '../support/fake-gpu.js';

const head = yolov8({ numClasses: 2, inputSize: [32, 32] });
const dims = [1, 6, 21];
const data = new Float32Array(6 * 21);
for (const [channel, value] of [10, 10, 4, 4, 0, 0.75].entries()) data[channel * 21 + 5] = value;
const pair = { head, backend: 'cpu' } as const;

describe('onnxruntime', () => {
	const onGpu = (disposed: string[] = []) =>
		Tensor.fromGpuBuffer(fakeBuffer(data, 1024) as never, { dataType: 'float32', dims, dispose: () => disposed.push('gpu') });

	it('a session output in CPU memory is a tensor', async () => {
		const postprocessor = await createPostprocessor(pair);
		const outputs = { output0: new Tensor('float32', data, dims) };
		const detections = await postprocessor.run(fromOrt(outputs));
		expect([...detections.indices]).toEqual([5]);
		expect([...detections.boxes]).toEqual([8, 8, 12, 12]);
	});

	it('one on the GPU is bound in place, its larger buffer by its dims', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await createPostprocessor({ head, backend: await gpu.backend('webgpu') });
		expect(() => onGpu().data).toThrow(); // why location is asked first
		expect([...(await postprocessor.run(fromOrt(onGpu()))).indices]).toEqual([5]);
		expect([...(await postprocessor.run(fromOrt([onGpu()]))).indices]).toEqual([5]);
	});

	it('runOrt disposes of the outputs when the call has settled, not before', async () => {
		const gpu = new FakeGpu();
		const postprocessor = await createPostprocessor({ head, backend: await gpu.backend('webgpu') });
		gpu.holding = true;
		const disposed: string[] = [];
		const outputs = { output0: onGpu(disposed) };
		const running = runOrt(postprocessor, outputs, { scoreThreshold: 0.5 });
		await new Promise((resolve) => setTimeout(resolve, 0));
		expect(disposed).toEqual([]);
		gpu.held[0].finish();
		expect((await running).count).toBe(1);
		expect(disposed).toEqual(['gpu']);
		expect(outputs.output0.location).toBe('none');
		await expect(runOrt(postprocessor, outputs)).rejects.toThrow(/fromOrt: output0 must be alive; got "a disposed tensor"/);
	});

	it('runOrt disposes of them when the call fails too', async () => {
		const postprocessor = await createPostprocessor(pair);
		const disposed: string[] = [];
		const tensor: OrtTensor = { dims: [1, 2, 3], type: 'float32', location: 'cpu', dispose: () => disposed.push('x') };
		await expect(runOrt(postprocessor, { output0: Object.assign(tensor, { data: new Float32Array(6) }) })).rejects.toThrow(/\[1, 2, 3\]/);
		expect(disposed).toEqual(['x']);
	});

	it('refuses what is no tensor', () => {
		expect(() => fromOrt(undefined as never)).toThrow(/outputs must be what session\.run\(\) resolved to; got undefined/);
		expect(() => fromOrt({ output0: data } as never)).toThrow(/output0 must be an ort\.Tensor; got Float32Array of length 126/);
	});

	it('deviceOf waits for the device, and says when to ask', async () => {
		const device = new FakeDevice();
		expect(await deviceOfOrt({ env: { webgpu: { device: Promise.resolve(device) } } })).toBe(device);
		expect(await deviceOfOrt({ env: { webgpu: { device } } })).toBe(device);
		for (const ort of [{ env: {} }, { env: { webgpu: {} } }]) {
			await expect(deviceOfOrt(ort)).rejects.toThrow(/must be a GPUDevice; got undefined \(create a session with executionProviders/);
		}
	});
});

describe('tfjs', () => {
	/** A tensor of the WebGPU backend by its looks: `resident` false is a small one whose values are in CPU memory. */
	function fakeTensor(shape: number[], values: Float32Array, resident: boolean, log: string[]): TfjsTensor & { dispose(): void } {
		return {
			shape,
			dtype: 'float32',
			data: async () => values,
			dataToGPU() {
				if (!resident) throw new Error('Data is not on GPU but on CPU.');
				log.push('copied');
				return { tensorRef: { dispose: () => log.push('released') }, buffer: fakeBuffer(values) };
			},
			dispose: () => log.push('the caller’s tensor'),
		};
	}

	class UploadDevice extends FakeDevice {
		readonly written: Float32Array[] = [];
		readonly log: string[];
		readonly queue = { writeBuffer: (_buffer: unknown, _offset: number, values: Float32Array) => this.written.push(values) };
		constructor(log: string[]) {
			super();
			this.log = log;
		}
		override createBuffer(descriptor?: { size: number }): GPUBuffer {
			return { ...fakeBuffer(data, descriptor?.size), destroy: () => this.log.push('destroyed') } as unknown as GPUBuffer;
		}
	}
	const webgpu = (device: FakeDevice) => ({ getBackend: () => 'webgpu', backend: () => ({ device }) });

	it('real tensors of the CPU backend', async () => {
		await tf.setBackend('cpu');
		const tensor = tf.tensor(data, [1, 6, 21]);
		const postprocessor = await createPostprocessor(pair);
		for (const outputs of [tensor, [tensor], { output0: tensor }]) {
			expect([...(await runTfjs(postprocessor, tf, outputs)).indices]).toEqual([5]);
		}
		expect(tensor.isDisposed).toBe(false);
		expect(() => deviceOfTfjs(tf)).toThrow(/tf\.getBackend\(\) must be 'webgpu'; got "cpu" \(await tf\.setBackend\('webgpu'\) first\)/);
		tensor.dispose();
	});

	it('a tensor on the GPU is copied there, and the copy released after the call', async () => {
		const log: string[] = [];
		const device = new UploadDevice(log);
		const gpu = new FakeGpu();
		const postprocessor = await createPostprocessor({ head, backend: await gpu.backend('webgpu', { device: deviceOfTfjs(webgpu(device)) }) });
		gpu.holding = true;
		const running = runTfjs(postprocessor, webgpu(device), fakeTensor(dims, data, true, log));
		await new Promise((resolve) => setTimeout(resolve, 0));
		expect(log).toEqual(['copied']);
		gpu.held[0].finish();
		expect([...(await running).indices]).toEqual([5]);
		expect(log).toEqual(['copied', 'released']);
	});

	it('small tensors that tfjs keeps in CPU memory are read there', async () => {
		const log: string[] = [];
		const { outputs, dispose } = await fromTfjs(webgpu(new UploadDevice(log)), fakeTensor(dims, data, false, log));
		expect(outputs).toEqual({ data, dims, type: 'float32' });
		dispose();
		expect(log).toEqual([]);
	});

	it('small ones beside large ones are sent after them: one place for all', async () => {
		const log: string[] = [];
		const device = new UploadDevice(log);
		const small = Float32Array.of(1, 2, 3);
		const { outputs, dispose } = await fromTfjs(webgpu(device), { boxes: fakeTensor(dims, data, true, log), scores: fakeTensor([1, 3], small, false, log) });
		expect(outputs).toMatchObject({ boxes: { location: 'gpu-buffer', dims }, scores: { location: 'gpu-buffer', dims: [1, 3], gpuBuffer: { size: 12 } } });
		expect(device.written).toEqual([small]);
		dispose();
		dispose();
		expect(log).toEqual(['copied', 'released', 'destroyed']);
	});

	it('releases what it copied when something fails', async () => {
		const log: string[] = [];
		const device = new UploadDevice(log);
		const broken = { ...fakeTensor([1], data, false, log), data: async () => Promise.reject(new Error('disposed')) };
		await expect(fromTfjs(webgpu(device), [fakeTensor(dims, data, true, log), broken])).rejects.toThrow('disposed');
		expect(log).toEqual(['copied', 'released']);
		await expect(fromTfjs(webgpu(device), { output0: data } as never)).rejects.toThrow(/output0 must be a tf\.Tensor; got Float32Array/);
	});
});

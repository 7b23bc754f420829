// The whole job through the public door: every backend, every position of the stage switch and encode() give the
// detections of the CPU path, bit for bit, for every head, type, layout and batch.

import { assert } from 'chai';
import { boxes as boxCodec } from '../../src/codecs/boxes.js';
import { defineHead } from '../../src/heads/define.js';
import type { Head } from '../../src/index.js';
import {
	createPostprocessor,
	type Detections,
	type EncodeOptions,
	letterbox,
	type Outputs,
	type Postprocessor,
	type PostprocessorOptions,
	retinanet,
	ssd,
	type TensorLike,
	yolov5,
	yolov8,
} from '../../src/index.js';
import { gpuTest } from '../support/gpu-suite.js';
import { random, randomBoxes } from '../support/random.js';
import { randomOutputs } from '../support/random-outputs.js';

const HEADS: readonly (readonly [string, Head])[] = [
	['yolov8', yolov8({ numClasses: 80, inputSize: [320, 320] })],
	['yolov8 anchors first', yolov8({ numClasses: 3, inputSize: [160, 96], layout: 'anchors-first' })],
	['yolov5', yolov5({ numClasses: 20, inputSize: [160, 160] })],
	['yolov5 raw', yolov5({ numClasses: 20, inputSize: [160, 160], outputs: 'raw' })],
	['ssd', ssd({ numClasses: 20, inputSize: [300, 300], priors: randomBoxes(2000, 'uniform', random(1)) })],
	['retinanet', retinanet({ numClasses: 10, inputSize: [128, 128] })],
];

/** The tensors of a head as a caller hands them over. */
function outputsOf(head: Head, batch: number, half: boolean, seed: number) {
	return randomOutputs(head, { batch, half, seed, hits: 0.02, nasty: 0.0005 }).map(({ tensor }) => {
		if (tensor.location !== 'cpu') throw new Error('unreachable');
		return { data: tensor.data, dims: tensor.dims as number[], type: tensor.type };
	});
}

function facts(d: Detections) {
	const { count, numCandidates, truncated, rejected } = d;
	const bits = (array: Float32Array) => new Uint32Array(array.buffer, array.byteOffset, array.length).join();
	return { count, numCandidates, truncated, rejected, boxes: bits(d.boxes), scores: bits(d.scores), classIds: d.classIds.join(), indices: d.indices.join() };
}

async function detect(options: PostprocessorOptions, outputs: readonly TensorLike[]): Promise<ReturnType<typeof facts>[]> {
	const postprocessor = await createPostprocessor(options);
	try {
		const [height, width] = options.head.inputSize;
		const transform = letterbox([height * 2 + 13, width * 3], [height, width]);
		const result = await postprocessor.run<Detections | Detections[]>(outputs, { transform });
		return (Array.isArray(result) ? result : [result]).map(facts);
	} finally {
		postprocessor.dispose();
	}
}

for (const [name, head] of HEADS) {
	gpuTest(
		`postprocessor: ${name}: webgpu, hybrid and the stage switch give the bits of cpu`,
		async ({ device }) => {
			for (const [batch, half] of [
				[1, false],
				[2, true],
			] as const) {
				const outputs = outputsOf(head, batch, half, 4);
				for (const multiLabel of [false, true]) {
					const options: PostprocessorOptions = {
						head,
						scoreThreshold: 0.3,
						iouThreshold: 0.5,
						maxDetections: 100,
						maxCandidates: multiLabel ? 150 : undefined,
						multiLabel,
					};
					const wanted = await detect({ ...options, backend: 'cpu' }, outputs);
					assert.isAbove(wanted[0].count, 5);
					assert.deepEqual(await detect({ ...options, backend: 'webgpu', device }, outputs), wanted, 'webgpu');
					assert.deepEqual(await detect({ ...options, backend: 'hybrid', device }, outputs), wanted, 'hybrid');
					for (const gpuStages of [0, 1, 2, 3, 4, 5, 6, 7]) {
						if (batch === 2 && gpuStages !== 3) continue;
						assert.deepEqual(await detect({ ...options, backend: 'webgpu', device, gpuStages }, outputs), wanted, `gpuStages ${gpuStages}`);
					}
				}
			}
		},
		120_000,
	);
}

gpuTest('postprocessor: the stage switch takes arrays as they were at the call, and one image after two', async ({ device }) => {
	const [, head] = HEADS[1];
	const options = { head, scoreThreshold: 0.3 };
	const onCpu = await createPostprocessor({ ...options, backend: 'cpu' });
	for (const gpuStages of [0, 1, 4]) {
		const postprocessor = await createPostprocessor({ ...options, backend: 'webgpu', device, gpuStages });
		for (const batch of [2, 1]) {
			const wanted = await onCpu.run<Detections | Detections[]>(outputsOf(head, batch, false, 4));
			const given = outputsOf(head, batch, false, 4);
			const running = postprocessor.run<Detections | Detections[]>(given);
			for (const { data } of given) data.fill(0);
			assert.deepEqual([await running].flat().map(facts), [wanted].flat().map(facts), `gpuStages ${gpuStages}, batch ${batch}`);
		}
		postprocessor.dispose();
	}
	onCpu.dispose();
});

gpuTest('postprocessor: scores so small that exp and sigmoid are clamped pass as on the CPU', async ({ device }) => {
	// [N, 7]: box, then objectness and two class logits, or a background logit and two
	const tensors = [{ name: 'all', layouts: [['anchor', 'channel']], sizes: { anchor: 8, channel: 7 } }] as const;
	const place = { tensor: 0, channel: 0 };
	const level = { firstAnchor: 0, numAnchors: 8, grid: [1, 8], numShapes: 1, order: 'yxa', stride: 1, box: place } as const;
	const common = { name: 'small', inputSize: [64, 64], numClasses: 2, numAnchors: 8, tensors, codec: boxCodec({ format: 'xyxy' }), multiLabel: true } as const;
	const product = defineHead({
		...common,
		levels: [{ ...level, classes: { tensor: 0, channel: 5 }, objectness: { tensor: 0, channel: 4 } }],
		score: { activation: 'sigmoid', objectness: { activation: 'sigmoid' } },
	});
	const softmax = defineHead({ ...common, levels: [{ ...level, classes: { tensor: 0, channel: 4 } }], score: { activation: 'softmax', background: 'first' } });
	const rows = [-78, -79, -79.5, -80, -81, -87, -88, -1000].map((logit, a) => [a * 8, 0, a * 8 + 4, 4, 20, logit + 20, logit]);
	for (const [head, thresholds] of [
		[product, [1e-34, 2e-35, 1.8e-35, 1e-35, 1e-36, 2e-38]],
		[softmax, [1e-34, 1e-35, 1.7e-38, 1.6e-38, 1.3e-38]],
	] as const) {
		for (const scoreThreshold of thresholds) {
			const [wanted, got] = await Promise.all(
				(['cpu', 'webgpu'] as const).map((backend) =>
					detect({ head, backend, device, scoreThreshold }, [{ data: Float32Array.from(rows.flat()), dims: [1, 8, 7] }]),
				),
			);
			assert.isAbove(wanted[0].count, 0);
			assert.deepEqual(got, wanted, `above ${scoreThreshold}`);
		}
	}
});

gpuTest('postprocessor: a factor of a score below the smallest normal float is 0, whether the device flushes it or not', async ({ device }) => {
	const place = { tensor: 0, channel: 0 };
	// [N, 6]: box, objectness, class
	const head = defineHead({
		...{ name: 'factors', inputSize: [64, 64], numClasses: 1, numAnchors: 8, codec: boxCodec({ format: 'xyxy' }) },
		tensors: [{ name: 'all', layouts: [['anchor', 'channel']], sizes: { anchor: 8, channel: 6 } }],
		levels: [
			{
				...{ firstAnchor: 0, numAnchors: 8, grid: [1, 8], numShapes: 1, order: 'yxa', stride: 1, box: place },
				...{ classes: { tensor: 0, channel: 5 }, objectness: { tensor: 0, channel: 4 } },
			},
		],
		score: { activation: 'none', objectness: { activation: 'none' } },
	});
	const factors = [
		[1e-40, 1e30],
		[-1e-40, -1e30],
		[1e30, 1e-40],
		[-1e-40, -Infinity],
		[Infinity, 1e-40],
		[0.5, 0.5],
		[1.2e-38, 1e30],
		[NaN, 1],
	];
	const outputs = [{ data: Float32Array.from(factors.flatMap(([a, b], i) => [i * 8, 0, i * 8 + 4, 4, a, b])), dims: [1, 8, 6] }];
	for (const backend of ['cpu', 'webgpu', 'hybrid'] as const) {
		const postprocessor = await createPostprocessor({ head, backend, device, scoreThreshold: -1 });
		const { scores, indices, rejected } = await postprocessor.run(outputs);
		assert.deepEqual([...indices], [5, 6, 0, 1, 2], backend);
		assert.deepEqual([...scores], [0.25, Math.fround(Math.fround(1.2e-38) * Math.fround(1e30)), 0, 0, 0], backend);
		assert.equal(rejected, 3, `${backend}: 0 x Infinity twice, NaN`);
		postprocessor.dispose();
	}
});

gpuTest('postprocessor: thresholds change per call, nothing is rebuilt', async ({ device }) => {
	const head = HEADS[0][1];
	const outputs = outputsOf(head, 1, false, 8);
	const onGpu = await createPostprocessor({ head, backend: 'webgpu', device });
	const onCpu = await createPostprocessor({ head, backend: 'cpu' });
	let previous = Number.POSITIVE_INFINITY;
	for (const scoreThreshold of [0.1, 0.3, 0.5, 0.9, 0.999, 1]) {
		for (const iouThreshold of [0, 0.3, 0.7, 1]) {
			const options = { scoreThreshold, iouThreshold };
			assert.deepEqual(facts(await onGpu.run(outputs, options)), facts(await onCpu.run(outputs, options)));
		}
		const { numCandidates } = await onGpu.run(outputs, { scoreThreshold });
		assert.isAtMost(numCandidates, previous);
		previous = numCandidates;
	}
	onGpu.dispose();
	onCpu.dispose();
});

// What a run needs is kept by the tensors it came with: nothing of one call may show in another.
gpuTest('postprocessor: buffers in turn, new contents, other numbers: every call has its own answer', async ({ device }) => {
	const head = HEADS[1][1];
	const { STORAGE, COPY_DST } = GPUBufferUsage;
	const contents = [1, 2, 3, 4, 5, 6].map((seed) => outputsOf(head, 1, false, seed)[0].data as Float32Array);
	const [{ byteLength }] = contents;
	const { dims } = outputsOf(head, 1, false, 1)[0];
	const start = Math.ceil(byteLength / 256) * 256 + 12;
	const buffers = [0, 1, 2].map(() => device.createBuffer({ size: start + byteLength, usage: STORAGE | COPY_DST }));
	const now: Float32Array[] = [];
	const put = (place: number, content: Float32Array) => {
		device.queue.writeBuffer(buffers[place >> 1], (place & 1) * start, content as Float32Array<ArrayBuffer>);
		now[place] = content;
	};
	contents.forEach((content, place) => put(place, content));
	const onGpu = await createPostprocessor({ head, backend: 'webgpu', device });
	const hybrid = await createPostprocessor({ head, backend: 'hybrid', device });
	const onCpu = await createPostprocessor({ head, backend: 'cpu' });
	const transform = letterbox([333, 222], [160, 96]);
	const next = random(9);
	const pick = (n: number) => Math.floor(next() * n);
	const call = async () => {
		const place = pick(6);
		const options = [undefined, { scoreThreshold: 0.5 }, { iouThreshold: 0.1, maxDetections: 7 }, { classAgnostic: true }, { transform }][pick(5)];
		const tensor = { gpuBuffer: buffers[place >> 1], offset: (place & 1) * start, dims, type: 'float32' } as TensorLike;
		const way = pick(8);
		const runner = way === 0 ? hybrid : onGpu;
		// arrays between them take the slot's own buffers
		const given = way === 1 ? { data: now[place], dims } : tensor;
		if (way === 2) onGpu.encode(device.createCommandEncoder(), tensor);
		const content = now[place];
		assert.deepEqual(facts(await runner.run([given], options)), facts(await onCpu.run([{ data: content, dims }], options)));
	};
	for (let i = 0; i < 60; i++) {
		if (i % 5 === 4) put(pick(6), contents[pick(6)]);
		await Promise.all(Array.from({ length: 1 + pick(4) }, call));
	}
	for (const one of [onGpu, hybrid, onCpu]) one.dispose();
	for (const buffer of buffers) buffer.destroy();
});

gpuTest('postprocessor: more than the first readback holds comes whole', async ({ device }) => {
	const head = yolov8({ numClasses: 1, inputSize: [640, 640] });
	const data = new Float32Array(5 * 8400);
	const next = random(3);
	for (let a = 0; a < 8400; a++) {
		data[a] = next() * 600;
		data[8400 + a] = next() * 600;
		data[16800 + a] = 3;
		data[25200 + a] = 3;
		data[33600 + a] = 0.3 + 0.7 * next();
	}
	const outputs = { data, dims: [1, 5, 8400] };
	const options: PostprocessorOptions = { head, maxDetections: Number.POSITIVE_INFINITY };
	const wanted = facts(await (await createPostprocessor({ ...options, backend: 'cpu' })).run(outputs));
	assert.isAbove(wanted.count, 4000);
	for (const backend of ['webgpu', 'hybrid'] as const) {
		const postprocessor = await createPostprocessor({ ...options, backend, device });
		assert.deepEqual(facts(await postprocessor.run(outputs)), wanted, backend);
		// The second readback goes through a buffer that stays.
		const createBuffer = device.createBuffer;
		let made = 0;
		device.createBuffer = (descriptor) => {
			made++;
			return createBuffer.call(device, descriptor);
		};
		try {
			assert.deepEqual(facts(await postprocessor.run(outputs)), wanted, `${backend}, again`);
		} finally {
			// the device is shared: the method of its class shows again
			Reflect.deleteProperty(device, 'createBuffer');
		}
		assert.equal(made, 0, backend);
		postprocessor.dispose();
	}
});

/** The result of an encode() that is submitted at once, on the host. */
async function encodeAndRead(device: GPUDevice, postprocessor: Postprocessor, outputs: Outputs, options: EncodeOptions) {
	const encoder = device.createCommandEncoder();
	const { buffer, layout } = postprocessor.encode(encoder, outputs, options);
	const staging = device.createBuffer({ size: layout.imageStride, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
	encoder.copyBufferToBuffer(buffer, 0, staging, 0, layout.imageStride);
	device.queue.submit([encoder.finish()]);
	await staging.mapAsync(GPUMapMode.READ);
	const view = new DataView(staging.getMappedRange().slice(0));
	staging.destroy();
	return { view, layout };
}

gpuTest('postprocessor: encode gives the coordinates that run gives: normalized, with and without a frame', async ({ device }) => {
	const head = HEADS[0][1];
	const [outputs] = outputsOf(head, 1, false, 5);
	const postprocessor = await createPostprocessor({ head, backend: 'webgpu', device, coordinates: 'normalized' });
	for (const transform of [undefined, letterbox([200, 400], [320, 320])]) {
		const wanted = await postprocessor.run(outputs, { transform });
		const { view, layout } = await encodeAndRead(device, postprocessor, outputs, { transform });
		assert.isAbove(wanted.count, 5);
		assert.isBelow(Math.max(...wanted.boxes), 2, 'fractions');
		for (let i = 0; i < wanted.count * 4; i++) {
			const at = layout.rowOffset + Math.floor(i / 4) * layout.rowStride + layout.row.box + (i % 4) * 4;
			assert.closeTo(view.getFloat32(at, true), wanted.boxes[i], 1e-5);
		}
	}
	postprocessor.dispose();
});

gpuTest('postprocessor: encode leaves the rows of run() on the GPU, mapped to the frame', async ({ device }) => {
	const head = HEADS[0][1];
	const [outputs] = outputsOf(head, 1, false, 5);
	const buffer = device.createBuffer({ size: outputs.data.byteLength + 512, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
	device.queue.writeBuffer(buffer, 260, outputs.data as Float32Array<ArrayBuffer>);
	const tensor = { gpuBuffer: buffer, offset: 260, dims: outputs.dims, type: 'float32' };
	const postprocessor = await createPostprocessor({ head, backend: 'webgpu', device });
	// a ring of results comes round more than once, each time to another frame, and at last by an object that its owner changes
	const frames = [letterbox([200, 400], [320, 320]), letterbox([999, 500], [320, 320])];
	const own = { ...frames[0] };
	for (const [i, frame] of [...frames, undefined, undefined, ...frames, ...frames, ...frames, ...frames, ...frames].entries()) {
		const transform = i < 8 ? frame : Object.assign(own, frame);
		const wanted = await postprocessor.run(tensor, { transform });
		const { view, layout } = await encodeAndRead(device, postprocessor, tensor, { transform });
		assert.isAbove(wanted.count, 5);
		assert.equal(view.getUint32(layout.header.count, true), wanted.count);
		for (let i = 0; i < wanted.count; i++) {
			const row = layout.rowOffset + i * layout.rowStride;
			for (let c = 0; c < 4; c++) assert.closeTo(view.getFloat32(row + layout.row.box + 4 * c, true), wanted.boxes[i * 4 + c], 1e-3);
			assert.isTrue(view.getFloat32(row + layout.row.score, true) === wanted.scores[i], 'the score is a probability as it stands');
			assert.equal(view.getUint32(row + layout.row.class_id, true), wanted.classIds[i]);
			assert.equal(view.getUint32(row + layout.row.index, true), wanted.indices[i]);
		}
	}
	postprocessor.dispose();
	buffer.destroy();
});

gpuTest('postprocessor: levels that are cut one by one make a list longer than the longest of them', async ({ device }) => {
	// 576, 144, 36, 9 and 9 anchors, all of which pass
	const head = retinanet({ numClasses: 1, inputSize: [64, 64], style: 'detectron2' });
	const outputs = outputsOf(head, 1, false, 6);
	for (const { data } of outputs.slice(0, 5))
		(data as Float32Array).forEach((x, i, all) => (all[i] = Math.fround(3 + Math.abs(Number.isFinite(x) ? x : 0) / 100 + i / 1e5)));
	const options: PostprocessorOptions = { head, multiLabel: false, scoreThreshold: 0.5, iouThreshold: 1, maxDetections: Number.POSITIVE_INFINITY };
	const wanted = await detect({ ...options, backend: 'cpu' }, outputs);
	assert.isAbove(wanted[0].count, 576);
	assert.deepEqual(await detect({ ...options, backend: 'webgpu', device }, outputs), wanted);
	assert.deepEqual(
		await detect({ ...options, softNms: {}, backend: 'webgpu', device }, outputs),
		await detect({ ...options, softNms: {}, backend: 'cpu' }, outputs),
	);
});

// Reading tensors in every form a runtime hands over, and fitting them to a head: strides, and one refusal per fault.

import { assert, describe, test } from 'vitest';
import { type BindOptions, bindTensor } from '../../src/bind.js';
import { suggestHead } from '../../src/heads/infer.js';
import { retinanet } from '../../src/heads/retinanet.js';
import { ssd } from '../../src/heads/ssd.js';
import { yolov5 } from '../../src/heads/yolov5.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import { normalizeOutputs } from '../../src/outputs.js';
import type { Outputs } from '../../src/tensors.js';

const head = yolov8({ numClasses: 2, inputSize: [32, 64] }); // 6 channels, 42 anchors
const LENGTH = 6 * 42;
const STORAGE = 0x80;
const COPY_DST = 0x8;

function fakeBuffer(size: number, usage = STORAGE | COPY_DST, mapState = 'unmapped'): GPUBuffer {
	return { size, usage, mapState, mapAsync: async () => undefined, label: '' } as unknown as GPUBuffer;
}

/** An ort.Tensor: both getters exist, the one for the other location throws. */
class OrtTensor {
	constructor(
		readonly location: string,
		readonly content: unknown,
		readonly dims: readonly number[],
		readonly type = 'float32',
	) {}
	get data() {
		if (this.location !== 'cpu' && this.location !== 'cpu-pinned')
			throw new Error(
				'The data is not on CPU. Use `getData()` to download GPU data to CPU, or use `texture` or `gpuBuffer` property to access the GPU data directly.',
			);
		return this.content;
	}
	get gpuBuffer() {
		if (this.location !== 'gpu-buffer') throw new Error('The data is not stored as a WebGPU buffer.');
		return this.content;
	}
}

/** Node 20 has no Float16Array; what a polyfill or a newer engine hands over looks like this. */
class Float16Array extends Uint16Array {}

const read = (outputs: unknown, of = head) => normalizeOutputs(outputs as Outputs, of);
const bind = (outputs: unknown, options?: BindOptions, of = head) => read(outputs, of).map((tensor, i) => bindTensor(tensor, of.tensors[i], of, options));

function messageOf(body: () => unknown): string {
	try {
		body();
	} catch (error) {
		assert.equal((error as { code?: string }).code, 'INVALID_ARGUMENT', `not one of our errors: ${error}`);
		return String(error);
	}
	throw new Error('nothing was thrown');
}

describe('forms', () => {
	const data = new Float32Array(LENGTH);
	const dims = [1, 6, 42];
	const cpu: [string, unknown][] = [
		['a Float32Array', data],
		['{ data, dims }', { data, dims }],
		['{ data, shape }', { data, shape: dims }],
		['{ buffer: typed array }', { buffer: data, dims }],
		['an ort.Tensor in CPU memory', new OrtTensor('cpu', data, dims)],
		['an ort.Tensor in pinned memory', new OrtTensor('cpu-pinned', data, dims)],
		['an array of one', [{ data, dims }]],
		['a record by the usual name', { output0: { data, dims } }],
		['a record by an alias', { output: { data, dims }, other: { data: new Float32Array(3), dims: [3] } }],
		['a record with one entry of any name', { '/model.22/Concat': { data, dims } }],
		['a record matched by shape', { protos: { data: new Float32Array(4), dims: [1, 4] }, preds: { data, dims } }],
		...['data', 'buffer', 'gpuBuffer', 'location', 'dims', 'shape', 'type', 'offset', 'tensorRef'].flatMap((name): [string, unknown][] => [
			[`a record with an output called ${name}`, { [name]: { data, dims } }],
			[`a record with ${name} beside the output`, { [name]: { data: new Float32Array(4), dims: [2, 2] }, output0: { data, dims } }],
			[
				`a record with ort.Tensors, one called ${name}`,
				{ [name]: new OrtTensor('cpu', new Float32Array(4), [2, 2]), output0: new OrtTensor('cpu', data, dims) },
			],
		]),
		['a record with outputs called data and dims', { data: { data, dims }, dims: { data: new Float32Array(4), dims: [4] } }],
	];
	for (const [name, outputs] of cpu) {
		test(name, () => {
			const [tensor] = read(outputs);
			assert.equal(tensor.location, 'cpu');
			assert.equal(tensor.type, 'float32');
			assert.strictEqual(tensor.location === 'cpu' && tensor.data, data);
		});
	}

	const buffer = fakeBuffer(4 * LENGTH);
	const gpu: [string, unknown][] = [
		['a GPUBuffer', buffer],
		['{ gpuBuffer, dims }', { gpuBuffer: buffer, dims }],
		['{ buffer, dims }', { buffer, dims }],
		['an ort.Tensor on the GPU', new OrtTensor('gpu-buffer', buffer, dims)],
		['tfjs dataToGPU()', { buffer, tensorRef: { shape: dims, dtype: 'float32' }, bufSize: buffer.size }],
		['a record', { output0: new OrtTensor('gpu-buffer', buffer, dims) }],
	];
	for (const [name, outputs] of gpu) {
		test(name, () => {
			const [tensor] = read(outputs);
			assert.strictEqual(tensor.location === 'gpu' && tensor.buffer, buffer);
			assert.equal(tensor.location === 'gpu' && tensor.offset, 0);
		});
	}
	test('dims of tfjs come from tensorRef', () => assert.deepEqual(read({ buffer, tensorRef: { shape: dims } })[0].dims, dims));

	test('half bits: Uint16Array by type, Float16Array by itself, as ort hands it over', () => {
		const halfs = new Uint16Array(LENGTH).fill(0x3c00);
		const forms = [
			{ data: halfs, dims, type: 'float16' },
			new Float16Array(halfs),
			{ data: new Float16Array(halfs), dims },
			new OrtTensor('cpu', new Float16Array(halfs), dims, 'float16'),
		];
		for (const form of forms) {
			const [tensor] = read(form);
			assert.equal(tensor.type, 'float16');
			assert.isTrue(tensor.location === 'cpu' && tensor.data instanceof Uint16Array && tensor.data[5] === 0x3c00);
		}
		assert.equal(read({ gpuBuffer: buffer, dims, type: 'float16' })[0].type, 'float16');
	});
	test('a view into the middle of a buffer', () => {
		const view = new Float32Array(new ArrayBuffer(4 * LENGTH + 12), 12);
		const [tensor] = bind({ data: view, dims });
		assert.equal(tensor.tensor.location === 'cpu' && tensor.tensor.data.byteOffset, 12);
	});
	test('order of the head: by name, by alias, by shape', () => {
		const two = ssd({ numClasses: 2, inputSize: [64, 64], priors: Float32Array.of(0, 0, 8, 8, 8, 8, 16, 16) });
		const boxes = { data: new Float32Array(8), dims: [1, 2, 4] };
		const scores = { data: new Float32Array(6), dims: [1, 2, 3] };
		for (const record of [
			{ scores, boxes },
			{ cls_logits: scores, bbox_regression: boxes },
			{ b: scores, a: boxes },
		]) {
			const [first, second] = read(record, two);
			assert.strictEqual(first.location === 'cpu' && first.data, boxes.data);
			assert.strictEqual(second.location === 'cpu' && second.data, scores.data);
		}
	});
});

describe('strides', () => {
	const zeros = (dims: number[]) => ({ data: new Float32Array(dims.reduce((a, b) => a * b, 1)), dims });
	test('channels first and anchors first', () => {
		assert.deepEqual(bind(zeros([1, 6, 42]))[0].strides, { batch: 1, image: 252, shape: 1, cell: 1, channel: 42, numElements: 252 });
		assert.deepEqual(bind(zeros([1, 42, 6]))[0].strides, { batch: 1, image: 252, shape: 6, cell: 6, channel: 1, numElements: 252 });
	});
	test('without a batch axis, and with a batch of 3', () => {
		assert.equal(bind(zeros([6, 42]))[0].strides.batch, 1);
		assert.deepEqual(bind(zeros([3, 6, 42]))[0].strides, { batch: 3, image: 252, shape: 1, cell: 1, channel: 42, numElements: 756 });
	});
	test('without dims the first layout is meant; the batch follows from the length of an array', () => {
		assert.deepEqual(bind(new Float32Array(LENGTH))[0].strides.channel, 42);
		assert.equal(bind(new Float32Array(3 * LENGTH))[0].strides.batch, 3);
		const last = yolov8({ numClasses: 2, inputSize: [32, 64], layout: 'anchors-first' });
		assert.equal(bind(new Float32Array(LENGTH), {}, last)[0].strides.channel, 1);
	});
	test('never from the size of a GPUBuffer: pooled buffers are larger', () => {
		assert.equal(bind(fakeBuffer(4 * LENGTH * 3))[0].strides.batch, 1);
		assert.equal(bind(fakeBuffer(4 * LENGTH * 3), { batch: 2 })[0].strides.batch, 2);
	});
	test('shape-channel: a shape is a run of channels', () => {
		const raw = yolov5({ numClasses: 2, inputSize: [32, 32], outputs: 'raw' });
		const strides = bind([zeros([1, 21, 4, 4]), zeros([1, 2, 2, 21]), zeros([1, 3, 1, 1, 7])], {}, raw).map((b) => b.strides);
		assert.deepEqual(strides[0], { batch: 1, image: 336, shape: 112, cell: 1, channel: 16, numElements: 336 });
		assert.deepEqual(strides[1], { batch: 1, image: 84, shape: 7, cell: 21, channel: 1, numElements: 84 });
		assert.deepEqual([strides[2].shape, strides[2].channel], [7, 1]);
	});
	test('a flat list with several anchors per cell steps by both', () => {
		const net = retinanet({ numClasses: 3, inputSize: [64, 64] });
		const tensor = net.tensors[0]; // 8 x 8 x 9 anchors, 3 classes
		const [bound] = [bindTensor(normalizeTensorFor(zeros([1, 576, 3])), tensor, net)];
		assert.deepEqual([bound.strides.cell, bound.strides.shape, bound.strides.channel], [27, 3, 1]);
	});
	const normalizeTensorFor = (value: unknown) => normalizeOutputs([value] as Outputs, { ...head, tensors: [head.tensors[0]] })[0];
	test('a GPU tensor of half floats needs half the bytes, rounded up to 4', () => {
		const odd = yolov8({ numClasses: 1, inputSize: [32, 32] }); // 5 x 21 = 105 elements
		assert.doesNotThrow(() => bind({ gpuBuffer: fakeBuffer(212), type: 'float16' }, {}, odd));
		assert.throws(() => bind({ gpuBuffer: fakeBuffer(208), type: 'float16' }, {}, odd), /at least 212 bytes/);
	});
});

describe('faults', () => {
	const data = new Float32Array(LENGTH);
	const accepted = /must be a Float32Array, a Float16Array, \{ data: Uint16Array, type: 'float16' \}, a GPUBuffer/;
	test('B3 kinds that are not accepted are named', () => {
		const kinds: [unknown, RegExp][] = [
			[new Float64Array(LENGTH), /got Float64Array \(Float32Array.from/],
			[new Int32Array(LENGTH), /got Int32Array \(dequantise/],
			[new BigInt64Array(LENGTH), /got BigInt64Array/],
			[new DataView(new ArrayBuffer(8)), /got DataView/],
			[[1, 2, 3], /got \[1, 2, 3\] \(Float32Array.from\(array\)\)/],
			[null, /got null/],
			['output0', /got "output0"/],
			[undefined, /got undefined/],
			[{ output0: 5 }, /outputs.output0 must be .*got 5/],
			[
				{
					output0: [
						[1, 2],
						[3, 4],
					],
				},
				/outputs.output0 must be/,
			],
			[{ output0: new ArrayBuffer(8) }, /outputs.output0 must be/],
			[{ data: [1, 2, 3], dims: [3] }, /outputs must be .*got \[1, 2, 3\]/],
		];
		for (const [value, text] of kinds) {
			const message = messageOf(() => read(value));
			assert.match(message, /^TypeError: run: /);
			assert.match(message, accepted);
			assert.match(message, text);
		}
	});
	test('B3 half bits without a type, and types that disagree', () => {
		assert.match(
			messageOf(() => read(new Uint16Array(LENGTH))),
			/got Uint16Array \(for half bits say \{ data, dims, type: 'float16' \}\)/,
		);
		assert.match(
			messageOf(() => read({ data, type: 'float16' })),
			/got Float32Array of type float16/,
		);
		assert.match(
			messageOf(() => read({ data: new Float16Array(4), type: 'float32' })),
			/got Float16Array of type float32/,
		);
	});
	test('B4, B11 integer and quantised outputs', () => {
		assert.match(
			messageOf(() => read(new OrtTensor('cpu', new BigInt64Array(4), [4], 'int64'))),
			/outputs.type must be 'float32' or 'float16'; got "int64"/,
		);
		assert.match(
			messageOf(() => read({ data: new Uint8Array(LENGTH) })),
			/got Uint8Array \(dequantise it to float32 first\)/,
		);
	});
	test('B5 a detached buffer is named, not read as empty', () => {
		const gone = new Float32Array(LENGTH);
		structuredClone(gone, { transfer: [gone.buffer] });
		assert.match(
			messageOf(() => read({ output0: gone })),
			/outputs.output0 must not be detached/,
		);
		assert.match(
			messageOf(() => read({ data: gone, dims: [1, 6, 42] })),
			/outputs must not be detached/,
		);
	});
	test('B10 dims that fit both ways are refused unless the head says which', () => {
		const square = yolov8({ numClasses: 17, inputSize: [32, 32] }); // 21 x 21
		const outputs = { data: new Float32Array(441), dims: [1, 21, 21] };
		const message = messageOf(() => bind(outputs, {}, square));
		assert.match(
			message,
			/output0 must have dims that fit one layout only; got \[1, 21, 21\], which fits as \[channel, anchor\] and as \[anchor, channel\] \(say which with the layout option/,
		);
		assert.equal(bind(outputs, {}, yolov8({ numClasses: 17, inputSize: [32, 32], layout: 'anchors-first' }))[0].strides.channel, 1);
		assert.equal(bind(outputs, {}, yolov8({ numClasses: 17, inputSize: [32, 32], layout: 'channels-first' }))[0].strides.channel, 21);
	});
	test('B10 an explicit layout refuses the other one', () => {
		const strict = yolov8({ numClasses: 2, inputSize: [32, 64], layout: 'channels-first' });
		assert.match(
			messageOf(() => bind({ data, dims: [1, 42, 6] }, {}, strict)),
			/output0 must be \[batch, channel 6, anchor 42\] for yolov8; got \[1, 42, 6\]/,
		);
	});
	test('B12, B16 wrong dims: got, expected, and the head that would fit', () => {
		const coco = yolov8({ numClasses: 80 });
		const dims = [1, 85, 25200];
		const message = messageOf(() => bind({ gpuBuffer: fakeBuffer(2 ** 30), dims }, { suggest: suggestHead }, coco));
		assert.equal(
			message,
			'RangeError: run: output0 must be [batch, channel 84, anchor 8400] or [batch, anchor 8400, channel 84] for yolov8; got [1, 85, 25200] (this fits yolov5({ numClasses: 80, inputSize: [640, 640] }))',
		);
		assert.match(
			messageOf(() => bind({ data: new Float32Array(252), dims: [1, 1, 6, 42] })),
			/got \[1, 1, 6, 42\]/,
		);
		assert.match(
			messageOf(() => bind({ data: new Float32Array(0), dims: [0, 6, 42] })),
			/got \[0, 6, 42\]/,
		);
	});
	test('dims and data disagree', () => {
		assert.match(
			messageOf(() => read({ data, dims: [1, 6, 43] })),
			/RangeError: run: outputs must have 258 elements by its dims \[1, 6, 43\]; got 252/,
		);
		assert.match(
			messageOf(() => read({ data, dims: [1, 6.5, 42] })),
			/outputs.dims\[1\] must be a non-negative integer; got 6.5/,
		);
		assert.match(
			messageOf(() => read({ data, dims: 'abc' })),
			/outputs.dims must be an array/,
		);
	});
	test('a bare array of the wrong length', () => {
		assert.match(
			messageOf(() => bind(new Float32Array(253))),
			/RangeError: run: output0 must have a multiple of 252 elements, .*; got 253/,
		);
		assert.match(
			messageOf(() => bind(new Float32Array(0))),
			/multiple of 252 elements/,
		);
		assert.match(
			messageOf(() => bind(new Float32Array(504), { batch: 3 })),
			/must have 756 elements for a batch of 3; got 504/,
		);
	});
	test('B13 a GPU buffer too small: needed and actual bytes', () => {
		assert.match(
			messageOf(() => bind({ gpuBuffer: fakeBuffer(1004), dims: [1, 6, 42] })),
			/RangeError: run: output0 must be a GPUBuffer of at least 1008 bytes .*; got 1004 bytes/,
		);
		assert.match(
			messageOf(() => bind({ gpuBuffer: fakeBuffer(1008), offset: 4, dims: [1, 6, 42] })),
			/at least 1012 bytes, 4 of them skipped/,
		);
		assert.match(
			messageOf(() => bind({ gpuBuffer: fakeBuffer(1008), dims: [2, 6, 42] })),
			/at least 2016 bytes/,
		);
		assert.match(
			messageOf(() => bind(fakeBuffer(1008), { batch: 2 })),
			/at least 2016 bytes/,
		);
	});
	test('offset: a multiple of 4, and only for the GPU', () => {
		for (const offset of [2, -4, 1.5, '4'])
			assert.match(
				messageOf(() => read({ gpuBuffer: fakeBuffer(4096), offset })),
				/outputs.offset must be a multiple of 4 bytes/,
			);
		assert.match(
			messageOf(() => read({ data, offset: 4 })),
			/outputs.offset must be absent for CPU memory/,
		);
	});
	test('B14 a GPU buffer without STORAGE', () =>
		assert.match(
			messageOf(() => read(fakeBuffer(4096, COPY_DST))),
			/usage GPUBufferUsage.STORAGE; got usage 0x8/,
		));
	test('E13 a mapped GPU buffer', () => {
		assert.match(
			messageOf(() => read(fakeBuffer(4096, STORAGE, 'mapped'))),
			/must be an unmapped GPUBuffer; got mapState mapped/,
		);
		assert.match(
			messageOf(() => read(fakeBuffer(4096, STORAGE, 'pending'))),
			/pending/,
		);
	});
	test('32-bit addresses may not wrap', () => {
		const huge = yolov8({ numClasses: 1, inputSize: [32, 32] }); // 105 elements an image
		assert.match(
			messageOf(() => bind(fakeBuffer(2 ** 40), { batch: 2 ** 26 }, huge)),
			/must have fewer than 2\^32 elements/,
		);
	});
	test('mixed locations name which is where', () => {
		const two = ssd({ numClasses: 2, inputSize: [64, 64], priors: Float32Array.of(0, 0, 8, 8) });
		const outputs = { boxes: new Float32Array(4), scores: fakeBuffer(12) };
		assert.match(
			messageOf(() => read(outputs, two)),
			/must all be in CPU memory or all on the GPU; got outputs.boxes in CPU memory, outputs.scores on the GPU/,
		);
	});
	test('other locations of an ort.Tensor', () => {
		assert.match(
			messageOf(() => read(new OrtTensor('texture', {}, [1]))),
			/outputs.location must be 'cpu' or 'gpu-buffer'; got "texture" \(create the session with preferredOutputLocation/,
		);
		assert.match(
			messageOf(() => read(new OrtTensor('none', undefined, [1]))),
			/disposed/,
		);
	});
	test('a tfjs tensor instead of its data', () => {
		const tensor = { shape: [1, 6, 42], dtype: 'float32', data: async () => data, dataSync: () => data };
		assert.match(
			messageOf(() => read(tensor)),
			/for a tfjs tensor pass tensor.dataToGPU\(\)/,
		);
	});
	test('too few, too many, wrongly named outputs', () => {
		const two = ssd({ numClasses: 2, inputSize: [64, 64], priors: Float32Array.of(0, 0, 8, 8) });
		assert.match(
			messageOf(() => read(new Float32Array(4), two)),
			/outputs must be 2 tensors \(boxes, scores\) for ssd; got one tensor/,
		);
		assert.match(
			messageOf(() => read([data, data])),
			/outputs must be 1 tensor \(output0\) for yolov8; got an array of 2/,
		);
		assert.match(
			messageOf(() => read([])),
			/an array of 0/,
		);
		assert.match(
			messageOf(() => read({})),
			/outputs must hold output0 .* for yolov8; got no outputs/,
		);
		assert.match(
			messageOf(() => read({ a: { data: new Float32Array(2), dims: [2] }, b: data })),
			/got a \[2\], b \(rename the outputs/,
		);
	});
	test('two outputs of the same shape are not guessed between', () => {
		const tensor = { data, dims: [1, 6, 42] };
		assert.match(
			messageOf(() => read({ a: tensor, b: tensor })),
			/got a \[1, 6, 42\], b \[1, 6, 42\]/,
		);
	});
	test('A8 a record with __proto__ leaves Object.prototype alone', () => {
		const outputs = JSON.parse('{"__proto__": {"data": 1}}');
		assert.throws(() => read(outputs));
		assert.isUndefined(({} as { data?: number }).data);
	});
	test('B9 outputs are not modified', () => {
		const outputs = Object.freeze({ output0: Object.freeze({ data, dims: Object.freeze([1, 6, 42]) }) });
		assert.doesNotThrow(() => bind(outputs));
	});
});

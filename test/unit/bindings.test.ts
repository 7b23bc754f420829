// Tensors of calls in their places of a head: what lies where it lay is bound once, what moved is not taken for it.

import { describe, expect, it } from 'vitest';
import { Bindings } from '../../src/bindings.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import { fakeBuffer } from '../support/fake-gpu.js';

// 32 x 32 pixels: 21 anchors of 6 numbers
const head = yolov8({ numClasses: 2, inputSize: [32, 32] });
const IMAGE = 6 * 21;
const buffer = () => fakeBuffer(new Float32Array(IMAGE * 4));
const dims = [1, 6, 21];

describe('bindings', () => {
	it('give the same list for the same place', () => {
		const bindings = new Bindings(head);
		const gpuBuffer = buffer();
		const first = bindings.bind('run', { gpuBuffer, dims });
		expect(first[0].strides).toMatchObject({ batch: 1, image: IMAGE, cell: 1, channel: 21 });
		expect(bindings.bind('run', { gpuBuffer, dims: [...dims] })).toBe(first);
		expect(bindings.bind('encode', [{ buffer: gpuBuffer, dims, type: 'float32' }])).toBe(first);
	});

	it('give another list where anything is different', () => {
		const bindings = new Bindings(head);
		const gpuBuffer = buffer();
		const first = bindings.bind('run', { gpuBuffer, dims });
		const others = [
			{ gpuBuffer: buffer(), dims },
			{ gpuBuffer, dims, offset: 4 },
			{ gpuBuffer, dims: [2, 6, 21] },
			{ gpuBuffer, dims: [6, 21] },
			{ gpuBuffer, dims, type: 'float16' },
			{ gpuBuffer },
		];
		for (const other of others) {
			const bound = bindings.bind('run', other);
			expect(bound).not.toBe(first);
			expect(bound[0].tensor).toMatchObject({ buffer: other.gpuBuffer, offset: other.offset ?? 0, type: other.type ?? 'float32' });
			expect(bound[0].strides.batch).toBe(other.dims?.length === 3 ? other.dims[0] : 1);
		}
	});

	it('remember the four places that came last', () => {
		const bindings = new Bindings(head);
		const tensors = [0, 1, 2, 3, 4].map(() => ({ gpuBuffer: buffer(), dims }));
		const [first, second, ...rest] = tensors.map((tensor) => bindings.bind('run', tensor));
		for (const [i, bound] of [second, ...rest].entries()) expect(bindings.bind('run', tensors[i + 1])).toBe(bound);
		expect(bindings.bind('run', tensors[0])).not.toBe(first);
		bindings.clear();
		expect(bindings.bind('run', tensors[4])).not.toBe(rest[2]);
	});

	it('bind arrays anew: they may have been changed', () => {
		const bindings = new Bindings(head);
		const data = new Float32Array(IMAGE);
		expect(bindings.bind('run', { data, dims })).not.toBe(bindings.bind('run', { data, dims }));
	});

	it('check what is known as what is new', () => {
		const bindings = new Bindings(head);
		const gpuBuffer = buffer();
		bindings.bind('run', { gpuBuffer, dims });
		Object.assign(gpuBuffer, { mapState: 'mapped' });
		expect(() => bindings.bind('run', { gpuBuffer, dims })).toThrow(/must be an unmapped GPUBuffer/);
		expect(() => bindings.bind('run', { gpuBuffer: buffer(), dims: [1, 7, 21] })).toThrow(/must be \[batch, channel 6, anchor 21\]/);
	});
});

// Backends and single operations: what is chosen and why, and the same answer from the plain functions.

import { describe, expect, it } from 'vitest';
import { type Backend, checkWebGPU, createBackend } from '../../src/backend.js';
import { boxIou, nms } from '../../src/operations.js';
import { FakeDevice, FakeGpu } from '../support/fake-gpu.js';

// IoU of the first two: 80 / 120 = 2/3; the third touches the first along an edge; the fourth is apart.
const boxes = Float32Array.of(0, 0, 10, 10, 2, 0, 12, 10, 10, 0, 20, 10, 30, 30, 31, 31);
const scores = Float32Array.of(0.5, 0.75, 0.25, 0.5);

describe('nms', () => {
	const indices = (options: object, s = scores) => [...nms(boxes, s, { iouThreshold: 0.5, ...options })];

	it('keeps the best of those that overlap, best first, ties by index', () => {
		expect(indices({})).toEqual([1, 3, 2]); // box 2 against box 1: 20 / 180, below 0.5
		expect(indices({ iouThreshold: 0.7 })).toEqual([1, 0, 3, 2]);
		expect(indices({ iouThreshold: 0.1 })).toEqual([1, 3]);
		expect(indices({ semantics: { ties: 'highest-index' }, iouThreshold: 1 })).toEqual([1, 3, 0, 2]);
	});

	it('takes limits and a score threshold', () => {
		expect(indices({ scoreThreshold: 0.25 })).toEqual([1, 3]);
		expect(indices({ scoreThreshold: 0.25, semantics: { score: '>=' } })).toEqual([1, 3, 2]);
		expect(indices({ maxDetections: 1 })).toEqual([1]);
		expect(indices({ maxDetections: 0 })).toEqual([]);
		expect(indices({ maxCandidates: 2, iouThreshold: 1 })).toEqual([1, 0]);
	});

	it('keeps classes apart', () => {
		expect(indices({ classIds: [0, 1, 0, 0] })).toEqual([1, 0, 3, 2]);
		expect(indices({ classIds: [1, 1, 0, 0] })).toEqual([1, 3, 2]);
		expect(indices({ classIds: Uint32Array.of(4294967295, 4294967295, 0, 0) })).toEqual([1, 3, 2]);
	});

	it('A2, A3: threshold 0 leaves interiors disjoint, 1 keeps all, -0 is 0', () => {
		expect(indices({ iouThreshold: 0 })).toEqual([1, 3]); // box 2 shares an area with box 1
		expect(indices({ iouThreshold: -0 })).toEqual([1, 3]);
		expect(indices({ iouThreshold: 0, maxCandidates: 4 }, Float32Array.of(0.75, 0.1, 0.5, 0.25))).toEqual([0, 2, 3]); // edges touch: no area
		expect([...nms([0, 0, 1, 1, 0, 0, 1, 1], [0.5, 0.5], { iouThreshold: 1 })]).toEqual([0, 1]);
	});

	it('exactly at the threshold: kept by the strict rule, suppressed by the other', () => {
		const third = Float32Array.of(0, 0, 10, 10, 5, 0, 15, 10); // 50 / 150 = 1/3
		const t = { iouThreshold: 1 / 3 };
		expect([...nms(third, [1, 0.5], t)]).toEqual([0, 1]);
		expect([...nms(third, [1, 0.5], { ...t, semantics: { suppress: '>=' } })]).toEqual([0]);
	});

	it('leaves out NaN scores and boxes that are not finite', () => {
		expect([...nms([0, 0, 10, 10, NaN, 0, 10, 10, 0, 0, 10, Infinity, 1, 0, 11, 10], [NaN, 0.9, 0.8, 0.1], { iouThreshold: 0.5 })]).toEqual([3]);
	});

	it('D1: works for nothing', () => {
		expect(nms([], [], { iouThreshold: 0.5 })).toEqual(new Uint32Array(0));
		expect(boxIou([], boxes)).toEqual(new Float32Array(0));
	});

	it('B9: changes none of its arrays', () => {
		const copies = [boxes.slice(), scores.slice()];
		indices({});
		expect([boxes, scores]).toEqual(copies);
	});

	it('checks what it is given', () => {
		expect(() => nms(boxes, scores, { iouThreshold: 45 })).toThrow('nms: iouThreshold must be 0 to 1; got 45 (did you mean 0.45?)');
		expect(() => nms(scores, boxes, { iouThreshold: 0.5 })).toThrow(/are boxes and scores swapped\?/);
	});
});

describe('boxIou', () => {
	it('is [A, B], row by row', () => {
		const values = boxIou(boxes.subarray(0, 8), { data: [5, 5, 10, 10, 5, 5, 0, 0], format: 'cxcywh' });
		expect([...values]).toEqual([1, 0, Math.fround(2 / 3), 0]);
		expect(boxIou(boxes.subarray(0, 4), boxes.subarray(4, 8), { kind: 'iof' })[0]).toBe(Math.fround(0.8));
	});
});

describe('createBackend', () => {
	it("'cpu' gives what the functions give, and never asks for a GPU", async () => {
		const gpu = { requestAdapter: () => Promise.reject(new Error('asked')) } as unknown as GPU;
		const backend = await createBackend('cpu', { gpu });
		expect(backend).toMatchObject({ kind: 'cpu', reason: "'cpu' was asked for", device: undefined });
		expect(await backend.nms(boxes, scores, { iouThreshold: 0.5 })).toEqual(nms(boxes, scores, { iouThreshold: 0.5 }));
		expect(await backend.boxIou(boxes, boxes, { kind: 'giou' })).toEqual(boxIou(boxes, boxes, { kind: 'giou' }));
	});

	it('E1, F4: without WebGPU, auto is the CPU with the reason, and a GPU by name fails', async () => {
		const none = { requestAdapter: async () => null } as unknown as GPU;
		expect(await createBackend('auto', { gpu: none })).toMatchObject({ kind: 'cpu', reason: 'WebGPU cannot be used here (no-adapter)' });
		await expect(createBackend('webgpu', { gpu: none })).rejects.toMatchObject({ name: 'KedgeError', code: 'NO_WEBGPU' });
		await expect(createBackend('hybrid', { gpu: none })).rejects.toMatchObject({ code: 'NO_WEBGPU' });
		expect(await checkWebGPU(none)).toMatchObject({ available: false, reason: 'no-adapter', software: false });
	});

	it('needs no navigator', async () => {
		const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
		Reflect.deleteProperty(globalThis, 'navigator');
		try {
			expect(await checkWebGPU()).toMatchObject({ available: false, reason: 'no-webgpu' });
			expect((await createBackend()).kind).toBe('cpu');
		} finally {
			if (navigator) Object.defineProperty(globalThis, 'navigator', navigator);
		}
	});

	it('says that a page without https has no WebGPU (F3)', async () => {
		Object.defineProperty(globalThis, 'isSecureContext', { value: false, configurable: true });
		try {
			expect((await createBackend()).reason).toMatch(/insecure-context/);
		} finally {
			Reflect.deleteProperty(globalThis, 'isSecureContext');
		}
	});

	it('refuses what it does not know', async () => {
		await expect(createBackend('gpu' as 'cpu')).rejects.toThrow(/createBackend: kind must be 'auto' or/);
		await expect(createBackend('cpu', { onlost: 'cpu' } as object)).rejects.toThrow(/did you mean onLost\?/);
	});
});

describe('single operations', () => {
	/** N boxes apart from each other. */
	const many = (n: number) => Float32Array.from({ length: 4 * n }, (_, k) => 2 * (k >> 2) + ((k & 2) >> 1));
	const run = async (backend: Backend, n: number, maxDetections = Number.POSITIVE_INFINITY) =>
		(await backend.nms(many(n), new Float32Array(n), { iouThreshold: 0.5, maxDetections })).length;

	it("run on the GPU for 'webgpu', on the CPU for 'hybrid' and 'cpu'", async () => {
		for (const [kind, singles] of [
			['webgpu', 2],
			['hybrid', 0],
			['cpu', 0],
		] as const) {
			const gpu = new FakeGpu();
			const backend = await gpu.backend(kind);
			expect(await run(backend, 3)).toBe(3);
			expect(await backend.boxIou(boxes, boxes)).toEqual(boxIou(boxes, boxes));
			expect(gpu.singles).toBe(singles);
		}
	});

	it("of 'auto' go to a real GPU when they are large", async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('auto');
		expect(backend).toMatchObject({ kind: 'webgpu', reason: expect.stringContaining('small single operations run on the CPU') });
		await run(backend, 16_383);
		await backend.boxIou(many(1023), many(1024));
		expect(gpu.singles).toBe(0);
		await run(backend, 16_384);
		await backend.boxIou(many(1024), many(1024));
		expect(gpu.singles).toBe(2);
		// a limit ends the work on the CPU early
		await run(backend, 131_071, 300);
		expect(gpu.singles).toBe(2);
		await run(backend, 131_072, 1024);
		await run(backend, 16_384, 1025);
		expect(gpu.singles).toBe(4);
		const soft = (n: number, maxDetections: number) => backend.softNms(many(n), new Float32Array(n), { maxDetections });
		await soft(20_000, 10);
		expect(gpu.singles).toBe(4);
		await soft(131_072, 10);
		expect(gpu.singles).toBe(5);

		const software = new FakeGpu();
		software.report = { available: true, software: true, adapter: 'swiftshader' };
		const slow = await software.backend('auto');
		expect(slow).toMatchObject({ kind: 'cpu', reason: 'the adapter is a software one' });
		await run(slow, 20_000);
		expect([software.singles, software.openings]).toEqual([0, 0]);
	});

	it('B8: take their arrays as they are when they are called', async () => {
		for (const kind of ['webgpu', 'cpu'] as const) {
			const backend = await new FakeGpu().backend(kind);
			const given = boxes.slice();
			const ids = Uint8Array.of(0, 0, 0, 0);
			const kept = backend.nms(given, scores, { iouThreshold: 0.5, classIds: ids });
			const overlap = backend.boxIou(given, given);
			given.fill(0);
			ids.fill(9);
			expect([...(await kept)]).toEqual([1, 3, 2]);
			expect(await overlap).toEqual(boxIou(boxes, boxes));
		}
	});

	it('work for nothing without any GPU work (D1)', async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('webgpu');
		expect(await run(backend, 0)).toBe(0);
		expect(await backend.boxIou([], [])).toEqual(new Float32Array(0));
		expect(gpu.singles).toBe(0);
	});

	it('reject for a wrong argument, and after dispose', async () => {
		const gpu = new FakeGpu();
		const backend = await gpu.backend('webgpu');
		await expect(backend.nms(boxes, scores, { iouThreshold: 2 })).rejects.toThrow(/nms: iouThreshold must be 0 to 1; got 2/);
		backend.dispose();
		backend.dispose();
		expect(gpu.devices[0].destroyed).toBe(true);
		await expect(backend.nms(boxes, scores, { iouThreshold: 0.5 })).rejects.toMatchObject({ code: 'DISPOSED' });
		await expect(backend.boxIou(boxes, boxes)).rejects.toMatchObject({ code: 'DISPOSED' });
	});

	it('go on with a new device after a loss, or on the CPU', async () => {
		const gpu = new FakeGpu();
		for (const [onLost, kind] of [
			['recover', 'webgpu'],
			['cpu', 'cpu'],
		] as const) {
			const backend = await gpu.backend('webgpu', { onLost });
			gpu.devices.at(-1)?.lose();
			await new Promise((resolve) => setTimeout(resolve, 0));
			expect(await run(backend, 3)).toBe(3);
			expect(backend.kind).toBe(kind);
		}
	});

	it('never destroy the device of the caller (E10)', async () => {
		const device = new FakeDevice();
		const backend = await new FakeGpu().backend('webgpu', { device });
		expect(backend.device).toBe(device);
		backend.dispose();
		expect(device.destroyed).toBe(false);
	});
});

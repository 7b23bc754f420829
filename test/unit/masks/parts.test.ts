// How a mask job is cut to fit a device, and what is refused before any GPU work.

import { describe, expect, it } from 'vitest';
import { checkLimits, mapRowBytes, partsOf, unitBytes } from '../../../src/gpu/mask-parts.js';
import { checkMasks } from '../../../src/masks/check.js';
import type { MaskOptions } from '../../../src/masks/job.js';

const LIMITS = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27, maxTextureDimension2D: 8192 };

/** A job of `count` masks, one prototype of 100 x 100, boxes that cover all. */
function jobOf(count: number, options: MaskOptions) {
	const boxes = Float32Array.from({ length: count * 4 }, (_, k) => (k & 2 ? 400 : 0));
	const prototypes = { location: 'cpu', type: 'float32', data: new Float32Array(10_000), dims: [1, 100, 100] } as const;
	return checkMasks({ boxes, maskCoefficients: new Float32Array(count) }, prototypes, { inputSize: [400, 400], ...options });
}

describe('partsOf', () => {
	it('takes all at once where they fit', () => {
		expect(partsOf(jobOf(300, { size: 'prototypes' }), LIMITS)).toEqual([{ first: 0, end: 300, numLogits: 3_000_000, largest: 10_000 }]);
		expect(partsOf(jobOf(0, {}), LIMITS)).toEqual([]);
	});

	it('cuts by the bytes of the masks: 64 MiB a part', () => {
		// 400 x 400 bytes: 419 masks in 2^26
		expect(partsOf(jobOf(1000, {}), LIMITS).map(({ first, end }) => [first, end])).toEqual([
			[0, 419],
			[419, 838],
			[838, 1000],
		]);
		expect(partsOf(jobOf(3, { size: [6000, 6000], output: 'logits' }), { ...LIMITS, maxStorageBufferBindingSize: 2 ** 28 }).length).toBe(3);
	});

	it('cuts by the logits that the masks need, of maps too', () => {
		// 40,000 bytes a mask
		const limits = { ...LIMITS, maxStorageBufferBindingSize: 100_000 };
		expect(partsOf(jobOf(5, { size: [10, 10], crop: 'output', output: 'labels' }), limits).map(({ first, end }) => end - first)).toEqual([2, 2, 1]);
	});

	it('cuts by the workgroups of a dimension', () => {
		const parts = partsOf(jobOf(65535, { size: [1, 1], output: 'labels', crop: 'output' }), LIMITS);
		expect(parts.length).toBe(1);
		expect(parts[0].largest).toBe(4); // pixel 0 lies between four prototypes
	});
});

describe('sizes', () => {
	it('of maps are rows of 256 bytes', () => {
		expect(mapRowBytes(jobOf(1, { size: [2, 128], output: 'labels' }))).toBe(256);
		expect(mapRowBytes(jobOf(1, { size: [2, 129], output: 'labels' }))).toBe(512);
		expect(unitBytes(jobOf(9, { size: [2, 129], output: 'texture' }))).toBe(1024);
		expect(unitBytes(jobOf(9, { size: [2, 129] }))).toBe(258);
		expect(unitBytes(jobOf(9, { size: [2, 129], output: 'logits' }))).toBe(1032);
	});
});

describe('checkLimits', () => {
	const check =
		(options: MaskOptions, limits = LIMITS) =>
		() =>
			checkLimits(jobOf(1, options), limits);

	it('lets pass what fits', () => {
		expect(check({ size: [8192, 8192] })).not.toThrow();
		expect(check({ size: [4096, 8192], output: 'texture' })).not.toThrow();
	});

	it('names argument, limit and value', () => {
		expect(check({ size: [8192, 16385] })).toThrow(
			`assembleMasks: size must make masks with bytes of at most 134217728, the device's maxStorageBufferBindingSize; got 134225920 (ask for a device with a larger maxStorageBufferBindingSize)`,
		);
		expect(check({ size: [8193, 2], output: 'texture' })).toThrow(
			/size must make a texture with sides of at most 8192, the device's maxTextureDimension2D; got 8193/,
		);
		expect(check({ size: [2, 2] }, { ...LIMITS, maxBufferSize: 39_999 })).toThrow(
			/prototypes must make logits with bytes of at most 39999, the device's maxBufferSize; got 40000/,
		);
	});
});

// The functions of numbers.ts, the keys and the exact overlap decision give the same bits in WGSL and TypeScript.

import { assert } from 'chai';
import { division, logarithm, softplus, squareRoot, trigonometry } from '../../shaders/shared/functions.wgsl.js';
import { numbers } from '../../shaders/shared/numbers.wgsl.js';
import { overlap } from '../../shaders/shared/overlap.wgsl.js';
import { wgslFloat } from '../../shaders/wgsl.js';
import { areaOf, overlapsMore } from '../../src/boxes/overlap.js';
import { cos32, divide32, log1p32, log32, sin32, softplus32, sqrt32 } from '../../src/functions.js';
import { decisionThreshold, exp32, floatBits, keyOfBits, reciprocal32, scoreOfKey, sigmoid32 } from '../../src/numbers.js';
import { gpuTest } from '../support/gpu-suite.js';
import { random } from '../support/random.js';
import { runKernel } from '../support/run-kernel.js';

const N = 65_536;
/** Zeros, denormals, the edges of the normal range, one and its neighbours, infinities, NaNs of both signs. */
const INTERESTING = [
	0, 0x80000000, 1, 0x80000001, 0x007fffff, 0x00800000, 0x3f7fffff, 0x3f800000, 0x3f800001, 0xbf800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
	0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff, 0x42b00000, 0xc2ae0000, 0x4b800000,
];

function inputs(low: number, high: number): Uint32Array {
	const next = random(3);
	const values = new Float32Array(N).map(() => low + next() * (high - low));
	const bits = new Uint32Array(values.buffer);
	bits.set(INTERESTING);
	return bits;
}

async function compare(device: GPUDevice, expression: string, input: Uint32Array, expected: (bits: number) => number): Promise<void> {
	const got = await runKernel(device, {
		code: `struct Params { zero: u32, iou_threshold: f32 } ${numbers} ${division} ${squareRoot} ${trigonometry} ${logarithm} ${softplus}
		@group(0) @binding(0) var<uniform> params: Params;
		@group(0) @binding(1) var<storage, read> input: array<u32>;
		@group(0) @binding(2) var<storage, read_write> output: array<u32>;
		@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
			if (id.x < ${input.length}u) { let bits = input[id.x]; let x = bitcast<f32>(bits); output[id.x] = ${expression}; }
		}`,
		params: new Uint32Array(4),
		inputs: [input],
		outputWords: input.length,
		workgroups: Math.ceil(input.length / 64),
	});
	const wrong: string[] = [];
	input.forEach((bits, i) => {
		const want = expected(bits) >>> 0;
		if (got[i] !== want) wrong.push(`0x${bits.toString(16)}: got 0x${got[i].toString(16)}, expected 0x${want.toString(16)}`);
	});
	assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${input.length} differ`);
}

const float = (bits: number) => new Float32Array(new Uint32Array([bits]).buffer)[0];

gpuTest('numbers: exp32 has the bits of its twin', ({ device }) =>
	compare(device, 'bitcast<u32>(exp32(x))', inputs(-90, 90), (bits) => floatBits(exp32(float(bits)))),
);
gpuTest('numbers: sigmoid32 has the bits of its twin', ({ device }) =>
	compare(device, 'bitcast<u32>(sigmoid32(x))', inputs(-90, 90), (bits) => floatBits(sigmoid32(float(bits)))),
);
gpuTest('numbers: reciprocal32 has the bits of its twin', async ({ device }) => {
	const next = random(5);
	const values = new Float32Array(N).map(() => 2 ** (next() * 250 - 125));
	await compare(device, 'bitcast<u32>(reciprocal32(x))', new Uint32Array(values.buffer), (bits) => floatBits(reciprocal32(float(bits))));
});
/** Bits of normal positive floats of every size. */
function normals(seed: number): Uint32Array {
	const next = random(seed);
	const bits = new Uint32Array(N).map(() => 0x00800000 + next() * (0x7f800000 - 0x00800000));
	bits.set([0x00800000, 0x00800001, 0x00ffffff, 0x3f7fffff, 0x3f800000, 0x3f800001, 0x3fffffff, 0x40000000, 0x407fffff, 0x7f7fffff]);
	return bits;
}
gpuTest('numbers: sqrt32 has the bits of its twin', async ({ device }) => {
	await compare(device, 'bitcast<u32>(sqrt32(x))', normals(21), (bits) => floatBits(sqrt32(float(bits))));
	// the squares of 24-bit numbers and their neighbours, rounded: as near to a halfway case as roots come
	const next = random(22);
	const squares = new Float32Array(N).map((_, i) => (0x800000 + Math.floor(next() * 0x800000) + (i % 3) / 2) ** 2 * 2 ** ((i % 90) - 60));
	await compare(device, 'bitcast<u32>(sqrt32(x))', new Uint32Array(squares.buffer), (bits) => floatBits(sqrt32(float(bits))));
});
gpuTest('numbers: log32 has the bits of its twin', async ({ device }) => {
	await compare(device, 'bitcast<u32>(log32(x))', normals(23), (bits) => floatBits(log32(float(bits))));
	const next = random(24);
	const nearOne = new Float32Array(N).map(() => 0.5 + next() * 1.5);
	await compare(device, 'bitcast<u32>(log32(x))', new Uint32Array(nearOne.buffer), (bits) => floatBits(log32(float(bits))));
});
gpuTest('numbers: log1p32 and softplus32 have the bits of their twins', async ({ device }) => {
	const next = random(27);
	const parts = new Float32Array(N).map((_, i) => (i % 2 ? next() : 2 ** (next() * -126)));
	parts.set([0, 1e-40, 1.1754943508222875e-38, 2 ** -24, 2 ** -25, 1]);
	await compare(device, 'bitcast<u32>(log1p32(x))', new Uint32Array(parts.buffer), (b) => floatBits(log1p32(float(b))));
	const finite = inputs(-90, 90).map((b) => ((b & 0x7f800000) === 0x7f800000 ? 0 : b));
	await compare(device, 'bitcast<u32>(softplus32(x))', finite, (b) => floatBits(softplus32(float(b))));
});
gpuTest('numbers: sin32 and cos32 have the bits of their twins', async ({ device }) => {
	const next = random(25);
	for (const reach of [1, 10, 4095]) {
		const angles = new Float32Array(N).map((_, i) => (i % 4 ? (next() * 2 - 1) * reach : (Math.floor((next() * 2 - 1) * reach) * Math.PI) / 4));
		const bits = new Uint32Array(angles.buffer).map((b) => (b === 0x80000000 ? 0 : b));
		await compare(device, 'bitcast<u32>(sin32(x))', bits, (b) => floatBits(sin32(float(b))));
		await compare(device, 'bitcast<u32>(cos32(x))', bits, (b) => floatBits(cos32(float(b))));
	}
});
gpuTest('numbers: divide32 has the bits of its twin', async ({ device }) => {
	const next = random(26);
	const numerators = new Float32Array(N).map(() => 2 ** (next() * 60 - 30));
	for (const divisor of [3, 1 / 3, 1e-7, 12.5, 16777215]) {
		await compare(device, `bitcast<u32>(divide32(x, ${wgslFloat(divisor)}))`, new Uint32Array(numerators.buffer), (b) =>
			floatBits(divide32(float(b), Math.fround(divisor))),
		);
	}
});
gpuTest('numbers: keys and NaN tests go by bits', async ({ device }) => {
	const next = random(6);
	const bits = new Uint32Array(N).map(() => next() * 2 ** 32);
	bits.set(INTERESTING);
	await compare(device, 'select(key_of_bits(bits), 7u, is_nan_bits(bits))', bits, (b) => (Number.isNaN(float(b)) ? 7 : keyOfBits(b)));
	await compare(device, 'bitcast<u32>(score_of_key(key_of_bits(bits)))', bits, (b) => (b === 0x80000000 ? 0 : b));
	for (const b of bits) if (!Number.isNaN(float(b))) assert.equal(floatBits(scoreOfKey(keyOfBits(b))), b === 0x80000000 ? 0 : b);
});

// Pairs that sit on the threshold: integer boxes make exact ties, one-ulp neighbours make near ones.
function tiedPairs(threshold: number, next: () => number): Float32Array {
	const pairs = new Float32Array(N * 8);
	for (let i = 0; i < N; i++) {
		const w = 1 + Math.floor(next() * 60);
		const h = 1 + Math.floor(next() * 60);
		// a w x h box and its part of fraction near the threshold, moved to a random place and scaled by a power of two
		const part = i % 3 === 0 ? Math.round(w * threshold) : w * threshold * (1 + (Math.floor(next() * 9) - 4) * 2 ** -23);
		const scale = 2 ** Math.floor(next() * 40 - 20);
		const x = Math.floor(next() * 100);
		const y = Math.floor(next() * 100);
		pairs.set(
			[x, y, x + w, y + h, x, y, x + part, y + h].map((v) => v * scale),
			i * 8,
		);
		if (i % 5 === 0) pairs.set([next() * 9, next() * 9, 5 + next() * 9, 5 + next() * 9, next() * 9, next() * 9, 5 + next() * 9, 5 + next() * 9], i * 8);
	}
	return pairs;
}

for (const threshold of [0, 1e-30, 0.1, 0.3, 0.45, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9, 0.999, 1]) {
	gpuTest(`overlap: the decision at ${threshold} is exact, ties included`, async ({ device }) => {
		const t = decisionThreshold(threshold);
		const pairs = tiedPairs(threshold, random(11));
		const got = await runKernel(device, {
			code: `struct Params { zero: u32, iou_threshold: f32 } ${numbers} ${overlap}
			@group(0) @binding(0) var<uniform> params: Params;
			@group(0) @binding(1) var<storage, read> pairs: array<vec4f>;
			@group(0) @binding(2) var<storage, read_write> output: array<u32>;
			@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
				if (id.x < ${N}u) {
					let a = pairs[2u * id.x]; let b = pairs[2u * id.x + 1u];
					output[id.x] = select(0u, 1u, overlaps_more(a, area_of(a), b, area_of(b)));
				}
			}`,
			params: new Uint32Array([0, floatBits(t), 0, 0]),
			inputs: [new Uint32Array(pairs.buffer)],
			outputWords: N,
			workgroups: N / 64,
		});
		const wrong: string[] = [];
		for (let i = 0; i < N; i++) {
			const box = (k: number) => pairs.subarray(i * 8 + k * 4, i * 8 + k * 4 + 4);
			const area = (k: number) => areaOf(box(k)[0], box(k)[1], box(k)[2], box(k)[3]);
			const want = overlapsMore(pairs, 2 * i, area(0), pairs, 2 * i + 1, area(1), t) ? 1 : 0;
			if (got[i] !== want) wrong.push(`${[...box(0)]} and ${[...box(1)]}: got ${got[i]}`);
		}
		assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${N} differ`);
	});
}

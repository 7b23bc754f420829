// Rotated boxes: the measures and the decision have the bits of their twins, for ordinary, turned, touching, thin, equal, empty,
// huge and tiny boxes.

import { assert } from 'chai';
import { numbers } from '../../shaders/shared/numbers.wgsl.js';
import { overlapOf } from '../../shaders/shared/overlap.wgsl.js';
import { decisionThreshold, flushCoordinate } from '../../src/boxes/overlap.js';
import { rotatedOverlap as overlapOnCpu, ROTATED_IOU_KINDS, rotatedOverlapsMore } from '../../src/boxes/rotated.js';
import { createBackend, nms } from '../../src/index.js';
import { floatBits } from '../../src/numbers.js';
import { gpuTest } from '../support/gpu-suite.js';
import { random, randomScores } from '../support/random.js';
import { randomRotated } from '../support/random-rotated.js';
import { runKernel } from '../support/run-kernel.js';

const N = 16_384;
/** Words of a pair: two boxes, two angles. */
const WORDS = 12;

type Next = () => number;
const near = (next: Next, reach: number) => (next() * 2 - 1) * reach;
/** [cx, cy, w, h, angle] of a pair's two boxes. */
type Make = (next: Next, i: number) => [number[], number[]];
const SETS: Readonly<Record<string, Make>> = {
	clustered: (next) => [
		[near(next, 8) + 300, near(next, 8), 5 + next() * 20, 5 + next() * 20, near(next, 4)],
		[near(next, 8) + 300, near(next, 8), 5 + next() * 20, 5 + next() * 20, near(next, 4)],
	],
	'whole numbers and quarter turns': (next) => {
		const one = () => [
			Math.floor(near(next, 8)),
			Math.floor(near(next, 8)),
			1 + Math.floor(next() * 12),
			1 + Math.floor(next() * 12),
			(Math.floor(near(next, 5)) * Math.PI) / 4,
		];
		return [one(), one()];
	},
	thin: (next) => [
		[near(next, 20), near(next, 20), 0.01 + next(), 100 * next(), near(next, 2)],
		[near(next, 20), near(next, 20), 100 * next(), 0.001 + next(), near(next, 2)],
	],
	'nearly equal': (next, i) => {
		const box = [near(next, 99), near(next, 99), 1 + next() * 20, 1 + next() * 20, near(next, 3)];
		return [box, box.map((x, k) => (k === i % 6 ? x * (1 + (Math.floor(next() * 9) - 4) * 2 ** -23) : x))];
	},
	'tiny turns': (next) => [
		[near(next, 3), near(next, 3), 1 + next() * 20, 1 + next() * 20, next() * 2 ** near(next, 120)],
		[near(next, 3), near(next, 3), 1 + next() * 20, 1 + next() * 20, next() * 2 ** near(next, 120)].map((x, k) => (k === 4 ? Math.min(x, 9) : x)),
	],
	'every size': (next, i) => {
		const scale = 2 ** Math.floor(near(next, 58));
		const one = () => [
			near(next, 0.5) * scale,
			near(next, 0.5) * scale,
			(0.1 + next()) * scale,
			(0.1 + next()) * (i % 3 ? scale : scale / 1e6),
			near(next, 99),
		];
		return [one(), one()];
	},
	'unequal sizes': (next) => {
		const one = () => [near(next, 1), near(next, 1), 2 ** near(next, 62), 2 ** near(next, 62), near(next, 9)];
		return [one(), one()];
	},
	empty: (next, i) => [
		[near(next, 4), near(next, 4), i % 2 ? 0 : 1e-30 * next(), 1e-9 * next(), near(next, 4)],
		[near(next, 4), near(next, 4), i % 3 ? 3 : -2, 4 * next(), near(next, 4)],
	],
};

function makePairs(make: Make): Float32Array {
	const next = random(31);
	const words = new Float32Array(N * WORDS);
	for (let i = 0; i < N; i++) {
		make(next, i).forEach(([cx, cy, w, h, angle], k) => {
			words.set([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], i * WORDS + 4 * k);
			words[i * WORDS + 8 + k] = Math.abs(angle) < 4096 ? angle : 1;
		});
	}
	return words.map(flushCoordinate);
}

for (const kind of ROTATED_IOU_KINDS) {
	for (const [name, make] of Object.entries(SETS)) {
		gpuTest(`rotated: ${kind} of ${name} boxes has the bits of its twin, and so has the decision`, async ({ device }) => {
			const pairs = makePairs(make);
			const t = decisionThreshold(0.3);
			const got = await runKernel(device, {
				code: `struct Params { zero: u32, iou_threshold: f32 } ${numbers} ${overlapOf({ kind: 'iou', pixelOffset: 0, rotated: kind })}
				@group(0) @binding(0) var<uniform> params: Params;
				@group(0) @binding(1) var<storage, read> pairs: array<vec4f>;
				@group(0) @binding(2) var<storage, read_write> output: array<u32>;
				@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
					if (id.x < ${N}u) {
						let a = pairs[3u * id.x]; let b = pairs[3u * id.x + 1u]; let angles = pairs[3u * id.x + 2u];
						output[2u * id.x] = bitcast<u32>(rotated_overlap(a, angles.x, b, angles.y));
						output[2u * id.x + 1u] = select(0u, 1u, overlaps_more(a, angles.x, b, angles.y));
					}
				}`,
				params: new Uint32Array([0, floatBits(t), 0, 0]),
				inputs: [new Uint32Array(pairs.buffer)],
				outputWords: 2 * N,
				workgroups: N / 64,
			});
			const wrong: string[] = [];
			let some = 0;
			for (let i = 0; i < N; i++) {
				const [angleA, angleB] = pairs.subarray(i * WORDS + 8, i * WORDS + 10);
				const want = overlapOnCpu(kind, pairs, 3 * i, angleA, pairs, 3 * i + 1, angleB);
				const more = rotatedOverlapsMore(kind, pairs, 3 * i, angleA, pairs, 3 * i + 1, angleB, t) ? 1 : 0;
				some += want > 0 ? 1 : 0;
				if (got[2 * i] !== floatBits(want) || got[2 * i + 1] !== more) {
					wrong.push(`${[...pairs.subarray(i * WORDS, i * WORDS + 10)]}: got 0x${got[2 * i].toString(16)}, expected 0x${floatBits(want).toString(16)}`);
				}
			}
			assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${N} differ`);
			assert.isTrue(name === 'empty' ? some < N / 2 : some > N / 50, `${some} of ${N} pairs overlap`);
		});
	}
}

for (const overlap of ROTATED_IOU_KINDS) {
	gpuTest(`nms: rotated boxes by ${overlap} give the indices of the CPU`, async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		const next = random(41);
		try {
			for (const [n, set, t] of [
				[1, 'clustered', 0.3],
				[400, 'whole', 0.5],
				[700, 'spoiled', 0.2],
				[1000, 'sizes', 0.1],
				[8500, 'clustered', 0.02], // longer than one suppress dispatch takes alone
			] as const) {
				if (n > 8192 && overlap === 'iou') continue; // the same shaders, and polygons are slow on software adapters
				const boxes = { data: randomRotated(n, set, next), format: 'cxcywhr' } as const;
				const scores = randomScores(n, 'few', next);
				const classIds = Array.from(scores, () => Math.floor(next() * 2));
				const options = { iouThreshold: t, overlap, classIds };
				const wanted = nms(boxes, scores, options);
				assert.deepEqual([...(await backend.nms(boxes, scores, options))], [...wanted], `${n} ${set}`);
				assert.isTrue(n === 1 || (wanted.length > 2 && wanted.length < n), `${wanted.length} of ${n} kept`);
				const fast = { iouThreshold: t, overlap, method: 'fast' } as const;
				assert.deepEqual([...(await backend.nms(boxes, scores, fast))], [...nms(boxes, scores, fast)]);
			}
		} finally {
			backend.dispose();
		}
	});
}

// Rotated boxes: the measures and the decision have the bits of their twins, for ordinary, turned, touching, thin, equal, empty,
// huge and tiny boxes.

import { assert } from 'chai';
import { numbers } from '../../shaders/shared/numbers.wgsl.js';
import { overlapOf } from '../../shaders/shared/overlap.wgsl.js';
import { flushCoordinate, type OverlapRule, PLAIN_OVERLAP } from '../../src/boxes/overlap.js';
import { rotatedOverlap as overlapOnCpu, ROTATED_IOU_KINDS, rotatedOverlapsMore } from '../../src/boxes/rotated.js';
import { upright } from '../../src/boxes/rotated-formats.js';
import { nmsFast } from '../../src/cpu/fast.js';
import { nmsTextbook } from '../../src/cpu/nms.js';
import { cpuParts } from '../../src/cpu/parts.js';
import { rotatedKeeps } from '../../src/cpu/rotated.js';
import { adoptDevice } from '../../src/gpu/device.js';
import { nmsHead, nmsTensors, withScoreRange } from '../../src/gpu/nms.js';
import { HeadPipeline } from '../../src/gpu/pipeline.js';
import { createBackend, rotatedNms } from '../../src/index.js';
import { checkNms } from '../../src/inputs.js';
import type { Sizes } from '../../src/layout.js';
import { decisionThreshold, floatBits } from '../../src/numbers.js';
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

/** Small enough that a few hundred boxes take chunks, ranges and the prefilter. */
const SMALL: Sizes = { workgroup: 32, decoders: 32, bins: 256, head: 64, block: 32, lanes: 2, heavy: 2, counted: 8, small: 12, strides: 64 };
const RULES = [{ rotated: 'iou' }, { rotated: 'probiou' }, { rotated: 'probiou', fast: true }] as const;

for (const rule of RULES.map((fields): OverlapRule => ({ ...PLAIN_OVERLAP, ...fields }))) {
	const name = `${rule.fast ? 'fast' : 'greedy'} by ${rule.rotated}`;
	gpuTest(`nms: rotated boxes, ${name}: textbook, CPU, blocked, bitmask and twins agree`, async ({ device }) => {
		const common = { head: nmsHead(1, true, true), multiLabel: false, givenClasses: true, growing: true, overlap: rule, sizes: SMALL, cpu: cpuParts } as const;
		const forms = [{ suppression: 'blocked' }, { suppression: 'bitmask' }, { suppression: 'blocked', gpuStages: 1 }] as const;
		const pipelines = await Promise.all(forms.map((form) => new HeadPipeline(adoptDevice(device), { ...common, ...form }).start()));
		const next = random(41);
		try {
			for (const [n, set, t] of [
				[1, 'clustered', 0.3],
				[300, 'whole', 0.5],
				[400, 'spoiled', 0.2],
				[250, 'sizes', 0.1],
				[500, 'clustered', 0.45],
			] as const) {
				const options = {
					iouThreshold: t,
					semantics: { overlap: rule.rotated, method: rule.fast ? 'fast' : 'greedy' },
					classIds: Array.from({ length: n }, () => Math.floor(next() * 2)),
				};
				const { input, call } = checkNms('nms', { data: randomRotated(n, set, next), format: 'cxcywhr' }, randomScores(n, 'few', next), options);
				const { indices: wanted, numCandidates } = nmsTextbook(upright(input.boxes), input.scores, input.classIds, call, rule);
				assert.equal(nmsFast(upright(input.boxes), input.scores, input.classIds, call, rule, rotatedKeeps).indices.join(), wanted.join(), `CPU, ${n} ${set}`);
				for (const [k, pipeline] of pipelines.entries()) {
					const [kept] = await pipeline.run(nmsTensors(input), 1, withScoreRange(call, input.scores), nmsHead(n, true, true));
					assert.equal(kept.indices.join(), wanted.join(), `form ${k}, ${n} ${set}`);
					assert.equal(kept.numCandidates, numCandidates);
				}
				assert.isTrue(n === 1 || (wanted.length > 2 && wanted.length < numCandidates), `${wanted.length} of ${n} kept`);
			}
		} finally {
			for (const pipeline of pipelines) pipeline.dispose();
		}
	});
}

gpuTest('nms: rotated boxes through a backend on the GPU', async ({ device }) => {
	const backend = await createBackend('webgpu', { device });
	try {
		const next = random(43);
		const boxes = { data: randomRotated(600, 'spoiled', next), format: 'cxcywhr' } as const;
		const scores = randomScores(600, 'nasty', next);
		for (const options of [{ iouThreshold: 0.3 }, { iouThreshold: 0.3, semantics: 'ultralytics' }] as const) {
			assert.deepEqual([...(await backend.nms(boxes, scores, options))], [...rotatedNms(boxes, scores, options)]);
		}
	} finally {
		backend.dispose();
	}
});

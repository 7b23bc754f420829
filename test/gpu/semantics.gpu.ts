// The presets of `semantics` on the GPU: the hand-worked scenes on every backend, the decision of each rule of overlap with
// the bits of its twin, and textbook, fast path, blocked and full bitmask by each rule in random cases.

import { assert } from 'chai';
import { numbers } from '../../shaders/shared/numbers.wgsl.js';
import { overlapOf } from '../../shaders/shared/overlap.wgsl.js';
import { areaOf, type OverlapRule, overlapsByRule } from '../../src/boxes/overlap.js';
import { nmsFast } from '../../src/cpu/fast.js';
import { nmsTextbook } from '../../src/cpu/nms.js';
import { adoptDevice } from '../../src/gpu/device.js';
import { nmsHead } from '../../src/gpu/nms.js';
import { HeadPipeline } from '../../src/gpu/pipeline.js';
import { createBackend, createPostprocessor, SEMANTICS_PRESETS, type Semantics, type SemanticsPreset } from '../../src/index.js';
import type { Sizes } from '../../src/layout.js';
import { decisionThreshold, floatBits } from '../../src/numbers.js';
import type { Kept } from '../../src/pipeline.js';
import { bindImages, callOf } from '../support/calls.js';
import { gpuTest } from '../support/gpu-suite.js';
import { OVERLAP_RULES } from '../support/nms-properties.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../support/random.js';
import { runKernel } from '../support/run-kernel.js';
import { SEMANTICS_CASES } from '../support/semantics-cases.js';
import { HEAD, output } from '../support/subjects.js';

const NAMES = Object.keys(SEMANTICS_PRESETS) as SemanticsPreset[];
const N = 16_384;
const THRESHOLDS = [0, 0.1, 1 / 9, 0.3, 0.45, 0.5, 0.6, 0.7, 0.8, 1];

gpuTest(
	'semantics: every preset keeps on the GPU what is worked out by hand',
	async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		try {
			for (const { what, boxes, scores, iouThreshold, scoreThreshold, kept, others } of SEMANTICS_CASES) {
				const asked = new Map<string, readonly [SemanticsPreset | Semantics, readonly number[]]>();
				for (const name of NAMES) asked.set(name, [name, kept]);
				for (const other of others) asked.set(typeof other[0] === 'string' ? other[0] : JSON.stringify(other[0]), other);
				for (const [semantics, wanted] of asked.values()) {
					const got = [...(await backend.nms(boxes, scores, { iouThreshold, scoreThreshold, semantics }))];
					assert.deepEqual(got, [...wanted], `${what}, ${JSON.stringify(semantics)}`);
				}
			}
		} finally {
			backend.dispose();
		}
	},
	300_000,
);

gpuTest('semantics: a postprocessor follows its preset on the GPU, half of it, and with stages on the twins', async ({ device }) => {
	// centres and sizes; the first two are [0, 0, 9, 9] and [0, 5, 9, 14]: IoU 2/7, with inclusive pixels 1/3
	const scene = output(
		[2, 4.5, 4.5, 9, 9, 0, 0.75],
		[3, 4.5, 9.5, 9, 9, 0, 0.625],
		[4, 25, 25, 4, 4, 0, 0.5],
		[9, 25, 5, 4, 4, 1, 0.5],
		[12, 5, 25, 4, 4, 1, 0.25],
	);
	const cases: [SemanticsPreset | Semantics, number[]][] = [
		['tfjs', [2, 3, 4, 9]],
		['tensorrt', [2, 3, 4, 9, 12]],
		['mtcnn', [2, 9, 4, 12]],
		[{ preset: 'mtcnn', pixelOffset: 0 }, [2, 3, 9, 4, 12]],
	];
	const places = [{ backend: 'webgpu' }, { backend: 'hybrid' }, { backend: 'webgpu', suppression: 'bitmask' }, { backend: 'webgpu', gpuStages: 4 }] as const;
	for (const [semantics, wanted] of cases) {
		for (const place of places) {
			const made = await createPostprocessor({ head: HEAD, iouThreshold: 0.3, scoreThreshold: 0.25, semantics, device, ...place });
			assert.deepEqual([...(await made.run(scene)).indices], wanted, `${JSON.stringify(semantics)} on ${JSON.stringify(place)}`);
			made.dispose();
		}
	}
});

/** Pairs on the threshold: a box and its part, or the same box moved by a part; whole pixels make exact ties, one-ulp neighbours near ones. */
function tiedPairs(t: number, pixelOffset: number, next: () => number): Float32Array {
	const pairs = new Float32Array(N * 8);
	for (let i = 0; i < N; i++) {
		const [x, y] = [Math.floor(next() * 100), Math.floor(next() * 100)];
		const [w, h] = [1 + Math.floor(next() * 60), 1 + Math.floor(next() * 60)];
		const part = i % 2 ? Math.round(w * t) : w * t * (1 + (Math.floor(next() * 9) - 4) * 2 ** -23);
		const [right, bottom] = [x + w - pixelOffset, y + h - pixelOffset];
		const other = i % 3 ? [x, y, x + part - pixelOffset, bottom] : [x + w - part, y, right + w - part, bottom];
		const scale = pixelOffset ? 1 : 2 ** Math.floor(next() * 40 - 20);
		pairs.set(
			[x, y, right, bottom, ...other].map((v) => v * scale),
			i * 8,
		);
		if (i % 7 === 0) pairs.set([next() * 9, next() * 9, 5 + next() * 9, 5 + next() * 9, next() * 9, next() * 9, 5 + next() * 9, 5 + next() * 9], i * 8);
	}
	// far away, points, turned boxes, ends that meet
	pairs.set([5, 5, 5, 5, 5, 5, 5, 5, 9, 9, 8, 20, 0, 0, 30, 30, 1, 1, 0.5, 7, 0, 0, 9, 9, 0, 0, 4, 4, 4, 4, 8, 8, -(2 ** 60), 0, 2 ** 61, 9, 0, 0, 2 ** 61, 5]);
	return pairs;
}

async function compareDecisions(device: GPUDevice, rule: OverlapRule, threshold: number): Promise<void> {
	const t = decisionThreshold(threshold);
	const pairs = tiedPairs(threshold, rule.pixelOffset, random(11));
	const got = await runKernel(device, {
		code: `struct Params { zero: u32, iou_threshold: f32 } ${numbers} ${overlapOf(rule)}
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
		const want = overlapsByRule(rule, pairs, 2 * i, area(0), pairs, 2 * i + 1, area(1), t) ? 1 : 0;
		if (got[i] !== want) wrong.push(`${[...box(0)]} and ${[...box(1)]}: got ${got[i]}`);
	}
	assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${N} differ at ${threshold}`);
}

const IMAGES = 25;
const SMALL: Sizes = { workgroup: 32, decoders: 32, bins: 256, head: 64, block: 32, lanes: 2, heavy: 2, counted: 8, small: 12, strides: 64 };
const BOX_SETS: readonly BoxSet[] = ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain', 'disjoint'];
const SCORE_SETS: readonly ScoreSet[] = ['distinct', 'few', 'equal', 'nasty'];

/** One batch: as many boxes in every image, some of them points or turned by less than a pixel. */
function makeBatch(seed: number) {
	const next = random(seed);
	const n = 20 + Math.floor(next() * 140);
	const images = Array.from({ length: IMAGES }, (_, i) => {
		const boxes = randomBoxes(n, BOX_SETS[i % BOX_SETS.length], next);
		for (let k = 0; k < n; k += 5) boxes[4 * k + 2] = boxes[4 * k] - next() * 1.2 * (k % 2);
		return { boxes, scores: randomScores(n, SCORE_SETS[i % SCORE_SETS.length], next), classIds: new Uint32Array(n).map(() => next() * 2) };
	});
	const call = callOf({ iou: THRESHOLDS[seed % THRESHOLDS.length], tiesHighest: seed % 3 === 0, maxDetections: seed % 4 === 0 ? 9 : undefined });
	return { n, images, call };
}

for (const [name, rule] of OVERLAP_RULES) {
	gpuTest(`semantics: the decision by ${name} is that of its twin, ties included`, async ({ device }) => {
		for (const threshold of [...THRESHOLDS, 1e-30, 0.999]) await compareDecisions(device, rule, threshold);
	});

	gpuTest(
		`semantics: textbook, fast, blocked and bitmask agree by ${name}`,
		async ({ device }) => {
			const common = { head: nmsHead(1, true), multiLabel: false, givenClasses: true, growing: true, overlap: rule, sizes: SMALL } as const;
			const make = (suppression: 'blocked' | 'bitmask') => new HeadPipeline(adoptDevice(device), { ...common, suppression }).start();
			const pipelines = [await make('blocked'), await make('bitmask')];
			let numDropped = 0;
			try {
				for (let seed = 0; seed < THRESHOLDS.length; seed++) {
					const { n, images, call } = makeBatch(seed);
					const bind = (what: 'boxes' | 'scores' | 'classIds', perAnchor: number) =>
						bindImages(
							images.map((image) => image[what]),
							perAnchor,
						);
					const tensors = [bind('boxes', 4), bind('scores', 1), bind('classIds', 1)];
					const results: Kept[][] = [];
					for (const pipeline of pipelines) results.push(await pipeline.run(tensors, IMAGES, call, nmsHead(n, true)));
					images.forEach(({ boxes, scores, classIds }, i) => {
						const { indices, numCandidates } = nmsTextbook(boxes, scores, classIds, call, rule);
						assert.equal(nmsFast(boxes, scores, classIds, call, rule).indices.join(), indices.join(), `fast, batch ${seed} image ${i}`);
						for (const result of results) assert.equal(result[i].indices.join(), indices.join(), `GPU, batch ${seed} image ${i}`);
						numDropped += numCandidates - indices.length;
					});
				}
			} finally {
				for (const pipeline of pipelines) pipeline.dispose();
			}
			assert.isAbove(numDropped, 1000, 'cases without suppression show nothing');
		},
		300_000,
	);
}

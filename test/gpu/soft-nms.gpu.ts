// Soft-NMS on the GPU: the arithmetic of decay with the bits of its twin, the soften kernel alone against its twin, single calls
// and whole postprocessors on every backend, at every position of the stage switch.

import { assert } from 'chai';
import { decay } from '../../shaders/shared/decay.wgsl.js';
import { numbers } from '../../shaders/shared/numbers.wgsl.js';
import { decayedKey, type SoftRule } from '../../src/boxes/decay.js';
import { areaOf, flushCoordinate, type OverlapRule, overlapOf, PLAIN_OVERLAP } from '../../src/boxes/overlap.js';
import { stateOf } from '../../src/cpu/memory.js';
import { softNmsFast } from '../../src/cpu/soft-fast.js';
import {
	createBackend,
	createPostprocessor,
	type Detections,
	efficientdet,
	fcos,
	letterbox,
	type PostprocessorOptions,
	rpn,
	type Semantics,
	softNms,
	yoloPose,
	yolov5,
} from '../../src/index.js';
import { COUNTERS, SIZES, type Sizes } from '../../src/layout.js';
import { decisionThreshold, floatBits, keyOf } from '../../src/numbers.js';
import type { CallParams } from '../../src/plan.js';
import { boxesAsHead, callOf } from '../support/calls.js';
import { gpuTest } from '../support/gpu-suite.js';
import { OVERLAP_RULES } from '../support/nms-properties.js';
import { random, randomBoxes, randomScores } from '../support/random.js';
import { randomOutputs } from '../support/random-outputs.js';
import { runKernel } from '../support/run-kernel.js';
import { type Layout, layOut, memoryOf, stepOnTwin, stepsOnGpu } from '../support/step-runner.js';

const TOY: Sizes = { workgroup: 4, decoders: 4, bins: 8, head: 8, block: 8, lanes: 2, heavy: 2, counted: 8, small: 4, strides: 64 };
const GAUSSIAN: SoftRule = { method: 'gaussian', removal: false };
const REMOVAL: SoftRule = { method: 'gaussian', removal: true };
const LINEAR: SoftRule = { method: 'linear', removal: false };
const RULES: readonly [name: string, rule: SoftRule][] = [
	['gaussian', GAUSSIAN],
	['gaussian, removal', REMOVAL],
	['linear', LINEAR],
];
const OVERLAPS: readonly [name: string, rule: OverlapRule][] = [['iou', PLAIN_OVERLAP], ...OVERLAP_RULES];

const N = 8192;
for (const [name, soft] of RULES) {
	gpuTest(
		`soft-nms: what is left of a score by ${name} has the bits of the twin`,
		async ({ device }) => {
			const next = random(3);
			// pairs of every kind, scores from 0 to infinity, denormal ones too
			const boxes = Float32Array.from([
				...randomBoxes(N, 'clustered', next),
				...randomBoxes(N / 2, 'integer', next),
				...randomBoxes(N / 2, 'degenerate', next),
			]);
			for (let k = 0; k < boxes.length; k++) {
				if (!(Math.abs(boxes[k]) < 2 ** 62)) boxes[k] = 7;
				// two of three second boxes lie about the first
				else if (k % 8 >= 4 && k % 3) boxes[k] = boxes[k - 4] + next() * 5;
			}
			const scores = [0, 1, 1e-40, 1.2e-38, 1e-30, 3e38, Number.POSITIVE_INFINITY];
			const keys = Uint32Array.from({ length: N }, (_, i) => keyOf(i % 9 === 0 ? scores[(i / 9) % scores.length] : Math.fround(next())));
			let numChanged = 0;
			for (const [what, rule] of OVERLAPS) {
				for (const [t, sigma] of [
					[0.3, 0.5],
					[0, 1e-30],
					[0.5, 1e30],
					[1, 0.02],
				]) {
					const scale = Math.fround(-1 / Math.fround(sigma));
					const got = await runKernel(device, {
						code: `struct Params { zero: u32, iou_threshold: f32, soft_scale: f32 } ${numbers} ${decay(soft, rule)}
					@group(0) @binding(0) var<uniform> params: Params;
					@group(0) @binding(1) var<storage, read> boxes: array<vec4f>;
					@group(0) @binding(2) var<storage, read> areas: array<f32>;
					@group(0) @binding(3) var<storage, read> keys: array<u32>;
					@group(0) @binding(4) var<storage, read_write> output: array<u32>;
					@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
						let i = 2u * id.x;
						if (id.x < ${N}u) { output[id.x] = decayed_key(keys[id.x], overlap_of(boxes[i], areas[i], boxes[i + 1u], areas[i + 1u])); }
					}`,
						params: new Uint32Array([0, floatBits(decisionThreshold(t)), floatBits(scale), 0]),
						inputs: [new Uint32Array(flushed(boxes).buffer), new Uint32Array(areasOf(boxes).buffer), keys],
						outputWords: N,
						workgroups: N / 64,
					});
					const [own, areas] = [flushed(boxes), areasOf(boxes)];
					const wanted = keys.map((key, i) =>
						decayedKey(key, overlapOf(rule, own, 2 * i, areas[2 * i], own, 2 * i + 1, areas[2 * i + 1]), soft, decisionThreshold(t), scale),
					);
					const wrong = [...wanted.keys()].filter((i) => got[i] !== wanted[i]);
					assert.deepEqual(wrong.slice(0, 5), [], `${what}, threshold ${t}, sigma ${sigma}: ${wrong.length} differ`);
					numChanged += wanted.filter((key, i) => key !== keys[i]).length;
				}
			}
			assert.isAbove(numChanged, N);
		},
		120_000,
	);
}

function flushed(boxes: Float32Array): Float32Array<ArrayBuffer> {
	return Float32Array.from(boxes, flushCoordinate);
}

function areasOf(boxes: Float32Array): Float32Array<ArrayBuffer> {
	const own = flushed(boxes);
	return Float32Array.from({ length: own.length / 4 }, (_, i) => areaOf(own[4 * i], own[4 * i + 1], own[4 * i + 2], own[4 * i + 3]));
}

/** The soften steps of a layout alone: the twins make the memory before them. Returns how many were kept. */
async function checkSoften(device: GPUDevice, layout: Layout, what: string): Promise<number> {
	const memory = memoryOf(layout);
	const first = layout.steps.findIndex((step) => step.stage === 'suppress');
	for (const step of layout.steps.slice(0, first)) stepOnTwin(layout, memory, step);
	const steps = layout.steps.slice(first);
	const onGpu = await stepsOnGpu(device, layout, memory, steps);
	for (const step of steps) stepOnTwin(layout, memory, step);
	assert.equal(onGpu.output.u32.join(), memory.output.u32.join(), what);
	const kept = (of: typeof memory) => Array.from({ length: layout.capacity.batch }, (_, i) => stateOf(of, i * layout.capacity.slots).counters[COUNTERS.kept]);
	assert.deepEqual(kept(onGpu), kept(memory), what);
	return kept(memory).reduce((a, b) => a + b);
}

const softCall = (options: Parameters<typeof callOf>[0] = {}, scale = -2): CallParams => ({
	...callOf({ score: 0, ...options }),
	softScale: Math.fround(scale),
});

function boxesLayout(n: number, seed: number, call: CallParams, sizes: Sizes, soft: SoftRule, overlap?: OverlapRule): Layout {
	const next = random(seed);
	const boxes = randomBoxes(n, (['clustered', 'integer', 'degenerate', 'identical', 'chain'] as const)[seed % 5], next);
	const scores = randomScores(n, (['distinct', 'few', 'equal', 'nasty'] as const)[seed % 4], next);
	const classIds = seed % 3 === 0 ? new Uint32Array(n).map(() => next() * 3) : undefined;
	const { head, tensors, givenClasses } = boxesAsHead(boxes, scores, classIds);
	return layOut(head, tensors, call, sizes, { givenClasses, soft, overlap });
}

for (const [name, soft] of RULES) {
	gpuTest(
		`soft-nms: the soften kernel alone, ${name}, toy workgroups over every size to 40`,
		async ({ device }) => {
			let numKept = 0;
			for (let n = 1; n <= 40; n++) {
				const call = softCall(
					{ iou: 0.4, score: n % 4 ? 0 : 0.2, tiesHighest: n % 5 === 0, maxDetections: n % 3 ? undefined : 1 + (n % 7) },
					n % 2 ? -2 : -0.7,
				);
				const [, overlap] = OVERLAPS[n % OVERLAPS.length];
				numKept += await checkSoften(device, boxesLayout(n, n, call, TOY, soft, overlap), `${n} boxes`);
			}
			assert.isAbove(numKept, 200);
		},
		120_000,
	);
}

for (const n of [1, 255, 256, 257, 1000, 3000]) {
	gpuTest(
		`soft-nms: the soften kernel alone, ${n} boxes`,
		async ({ device }) => {
			for (const [seed, maxDetections] of [
				[n, 300],
				[n + 1, n > 500 ? 700 : undefined],
			] as const) {
				for (const [name, soft] of RULES) await checkSoften(device, boxesLayout(n, seed, softCall({ iou: 0.5, maxDetections }), SIZES, soft), name);
			}
		},
		120_000,
	);
}

const HEADS = {
	'logits, levels': [efficientdet({ numClasses: 3, inputSize: [128, 128] }), { asLogit: true }],
	'products of objectness': [yolov5({ numClasses: 4, inputSize: [64, 64] }), {}],
	'a root of centerness, a list per level': [fcos({ numClasses: 3, inputSize: [128, 128] }), {}],
} as const;
for (const [name, [head, options]] of Object.entries(HEADS)) {
	gpuTest(`soft-nms: the soften kernel alone on two images of a head, ${name}`, async ({ device }) => {
		for (const multiLabel of [false, true]) {
			const tensors = randomOutputs(head, { batch: 2, half: false, seed: 5, hits: 0.1, nasty: 0.001 });
			// a threshold of FCOS is held against the square of the score; its key here is that of 0.3 squared
			const call = { ...softCall({ score: 0.3, iou: 0.5, maxCandidates: 200, maxDetections: 60, ...options }), minScoreKey: keyOf(Math.fround(0.3)) + 1 };
			const numKept = await checkSoften(device, layOut(head, tensors, call, SIZES, { batch: 2, multiLabel, soft: GAUSSIAN }), `multiLabel ${multiLabel}`);
			assert.isAbove(numKept, 5);
		}
	});
}

gpuTest(
	'soft-nms: backend.softNms gives the indices and the bits of softNms',
	async ({ device }) => {
		const backend = await createBackend('webgpu', { device });
		try {
			for (const [i, semantics] of (
				['default', 'tensorflow', 'tfjs', { suppress: '>=', score: '>=' }, { pixelOffset: 1, ties: 'highest-index' }] as (Semantics | 'tfjs')[]
			).entries()) {
				for (const n of [0, 1, 7, 700, 5000]) {
					const next = random(n + i);
					const boxes = randomBoxes(n, i % 2 ? 'clustered' : 'integer', next);
					const scores = randomScores(n, i % 2 ? 'distinct' : 'few', next);
					const classIds = n % 2 ? Array.from({ length: n }, () => Math.floor(next() * 4)) : undefined;
					for (const method of ['gaussian', 'linear'] as const) {
						const options = {
							method,
							...(method === 'gaussian' && { sigma: 0.3 + i / 10 }),
							iouThreshold: 0.4,
							scoreThreshold: 0.01,
							maxDetections: 300,
							classIds,
							semantics,
						};
						const [got, wanted] = [await backend.softNms(boxes, scores, options), softNms(boxes, scores, options)];
						assert.deepEqual([...got.indices], [...wanted.indices], `${n} boxes, ${method}, ${JSON.stringify(semantics)}`);
						assert.deepEqual([...got.scores], [...wanted.scores]);
						if (n === 700) assert.isAbove(got.indices.length, 100);
					}
				}
			}
		} finally {
			backend.dispose();
		}
	},
	300_000,
);

gpuTest(
	'soft-nms: the best 1000 of 30,000 boxes',
	async ({ device }) => {
		const next = random(11);
		const n = 30_000;
		const boxes = randomBoxes(n, 'clustered', next);
		const scores = randomScores(n, 'distinct', next);
		const backend = await createBackend('webgpu', { device });
		const got = await backend.softNms(boxes, scores, { sigma: 0.1, scoreThreshold: 0.001, maxDetections: 1000 });
		const wanted = softNmsFast(boxes, scores, undefined, softCall({ score: 0.001, maxDetections: 1000 }, Math.fround(-1 / Math.fround(0.1))), GAUSSIAN);
		assert.deepEqual([...got.indices], [...wanted.indices]);
		assert.deepEqual([...got.scores], [...wanted.scores]);
		assert.equal(got.indices.length, 1000);
		backend.dispose();
	},
	300_000,
);

function facts(d: Detections) {
	const bits = (array: Float32Array | undefined) => array && new Uint32Array(array.buffer, array.byteOffset, array.length).join();
	const { count, numCandidates, truncated, rejected } = d;
	return { count, numCandidates, truncated, rejected, boxes: bits(d.boxes), scores: bits(d.scores), keypoints: bits(d.keypoints), indices: d.indices.join() };
}

const MODELS = {
	EfficientDet: efficientdet({ numClasses: 5, inputSize: [128, 128] }),
	'YOLO-pose': yoloPose({ inputSize: [128, 128] }),
	YOLOv5: yolov5({ numClasses: 4, inputSize: [128, 128] }),
	FCOS: fcos({ numClasses: 3, inputSize: [128, 128] }),
	RPN: rpn({ inputSize: [128, 128] }),
} as const;
for (const [name, head] of Object.entries(MODELS)) {
	gpuTest(
		`soft-nms: ${name}: webgpu, hybrid and the stage switch give the bits of cpu`,
		async ({ device }) => {
			const outputs = randomOutputs(head, { batch: 2, half: false, seed: 4, hits: 0.4, nasty: 0.0005 }).map(({ tensor }) => {
				if (tensor.location !== 'cpu') throw new Error('unreachable');
				return { data: tensor.data, dims: tensor.dims as number[], type: tensor.type };
			});
			const detect = async (options: Partial<PostprocessorOptions>) => {
				const made = await createPostprocessor({ head, scoreThreshold: 0.2, iouThreshold: 0.02, maxDetections: 400, classAgnostic: true, ...options });
				try {
					const found = await made.run<Detections[]>(outputs, { transform: letterbox([200, 300], [128, 128]) });
					return found.map(facts);
				} finally {
					made.dispose();
				}
			};
			for (const softNms of [{ sigma: 0.4 }, { method: 'linear' }] as const) {
				const wanted = await detect({ backend: 'cpu', softNms });
				assert.isAbove(wanted[0].count, 5);
				assert.deepEqual(await detect({ backend: 'webgpu', device, softNms }), wanted, 'webgpu');
				assert.deepEqual(await detect({ backend: 'hybrid', device, softNms }), wanted, 'hybrid');
				for (const gpuStages of softNms.method ? [5] : [0, 1, 2, 3, 4, 5, 6, 7]) {
					assert.deepEqual(await detect({ backend: 'webgpu', device, gpuStages, softNms }), wanted, `gpuStages ${gpuStages}`);
				}
				const hard = await detect({ backend: 'cpu', softNms: undefined });
				assert.notEqual(hard[0].scores, wanted[0].scores, 'as hard suppression: the scene shows nothing');
			}
		},
		300_000,
	);
}

gpuTest('soft-nms: logits that round to the same sigmoid are equal scores, in the order of ties, over more than a workgroup', async ({ device }) => {
	const head = efficientdet({ numClasses: 1, inputSize: [128, 128], outputs: 'concatenated' });
	// sigmoids of 18 and more are 1 in float32; the best logit is the last
	const logits = Float32Array.from({ length: head.numAnchors }, (_, i) => (i < 900 ? 18 + i / 100 : -20));
	const outputs = [logits, new Float32Array(4 * head.numAnchors)];
	for (const [ties, first] of [
		['lowest-index', 0],
		['highest-index', 899],
	] as const) {
		const facts = [];
		for (const options of [{ backend: 'cpu' }, { backend: 'hybrid', device }, { backend: 'webgpu', device }] as const) {
			const made = await createPostprocessor({ head, softNms: {}, semantics: { ties }, maxDetections: 40, ...options });
			const found = await made.run(outputs);
			assert.deepEqual([found.indices[0], found.scores[0]], [first, 1], options.backend);
			facts.push({ indices: found.indices.join(), scores: found.scores.join() });
			made.dispose();
		}
		assert.deepEqual(facts[1], facts[0]);
		assert.deepEqual(facts[2], facts[0]);
	}
});

gpuTest('soft-nms: timings name the stage, encode leaves decayed scores on the GPU', async ({ device }) => {
	const head = MODELS.EfficientDet;
	const outputs = randomOutputs(head, { batch: 1, half: false, seed: 4, hits: 0.05, nasty: 0 }).map(({ tensor }) => {
		if (tensor.location !== 'cpu') throw new Error('unreachable');
		return { data: tensor.data, dims: tensor.dims as number[] };
	});
	const made = await createPostprocessor({ head, device, backend: 'webgpu', softNms: {}, scoreThreshold: 0.1 });
	const found = await made.run(outputs, { timings: true });
	assert.isAbove(found.count, 5);
	if (device.features.has('timestamp-query')) assert.containsAllKeys(found.timings, ['decode', 'suppress']);
	const encoder = device.createCommandEncoder();
	const { buffer, layout } = made.encode(encoder, outputs);
	const staging = device.createBuffer({ size: layout.imageStride, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
	encoder.copyBufferToBuffer(buffer, 0, staging, 0, layout.imageStride);
	device.queue.submit([encoder.finish()]);
	await staging.mapAsync(GPUMapMode.READ);
	const view = new DataView(staging.getMappedRange());
	assert.equal(view.getUint32(layout.header.count, true), found.count);
	for (let i = 0; i < found.count; i++) {
		const row = layout.rowOffset + i * layout.rowStride;
		assert.equal(view.getFloat32(row + layout.row.score, true), found.scores[i]);
		assert.equal(view.getUint32(row + layout.row.index, true), found.indices[i]);
	}
	staging.destroy();
	made.dispose();
	const onCpu = await createPostprocessor({ head, backend: 'cpu', softNms: {}, scoreThreshold: 0.1 });
	assert.containsAllKeys((await onCpu.run(outputs, { timings: true })).timings, ['decode', 'sort', 'suppress']);
});

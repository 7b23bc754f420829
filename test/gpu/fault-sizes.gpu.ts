// Sizes at which implementations of NMS break: none, one, around every power of two, above 65,535, batches and many
// classes. Scenes are made so that the answer follows from their making, not from code. Letters as in faults.gpu.ts.

import { assert } from 'chai';
import { type Backend, createBackend, createPostprocessor, type Detections, type PostprocessorOptions } from '../../src/index.js';
import { FaultyGpu } from '../support/fake-device.js';
import { gpuTest } from '../support/gpu-suite.js';
import { plainHead } from '../support/plain-head.js';

const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

function sizeTest(name: string, body: (backend: Backend, device: GPUDevice) => Promise<void>, timeout = 120_000): void {
	gpuTest(
		`faults: ${name}`,
		async ({ device }) => {
			const backend = await createBackend('webgpu', { device });
			try {
				await body(backend, device);
			} finally {
				backend.dispose();
			}
		},
		timeout,
	);
}

/** Boxes, scores and the indices that are kept. */
interface Made {
	boxes: Float32Array;
	scores: Float32Array;
	kept: number[];
}

/**
 * n boxes, each moved by 3 of its width of 10 from the one before: neighbours have an IoU of 7/13, those after them 4/16.
 * With t = 0.5 every second box is kept, from the best one on. Rising scores start at the end.
 */
function chain(n: number, rising = false): Made {
	const boxes = Float32Array.from(upTo(n).flatMap((i) => [3 * i, 0, 3 * i + 10, 10]));
	const scores = Float32Array.from(upTo(n), (i) => (rising ? i : n - i) / 2 ** 17);
	const kept = upTo(Math.ceil(n / 2)).map((k) => (rising ? n - 1 - 2 * k : 2 * k));
	return { boxes, scores, kept };
}

/** n boxes dealt to `places` places apart from each other, with mixed-up scores: the best of each place is kept. */
function dealt(n: number, places: number): Made {
	const boxes = Float32Array.from(upTo(n).flatMap((i) => ((x, y) => [x, y, x + 15, y + 15])(((i % places) % 128) * 20, Math.floor((i % places) / 128) * 20)));
	// 7919 is prime to every n here, so each rank comes once
	const ranks = upTo(n).map((i) => ((i + 1) * 7919) % n);
	const best = new Map<number, number>();
	for (const [i, rank] of ranks.entries()) if (rank > (ranks[best.get(i % places) ?? -1] ?? -1)) best.set(i % places, i);
	return { boxes, scores: Float32Array.from(ranks, (r) => r / 2 ** 17), kept: [...best.values()].sort((i, j) => ranks[j] - ranks[i]) };
}

async function check(backend: Backend, { boxes, scores, kept }: Made, message: string, maxDetections = Number.POSITIVE_INFINITY): Promise<void> {
	const got = await backend.nms(boxes, scores, { iouThreshold: 0.5, maxDetections });
	assert.equal(got.join(), kept.slice(0, maxDetections).join(), message);
}

gpuTest('faults: D1 no boxes: an empty answer and no GPU work', async ({ gpu }) => {
	const fake = new FaultyGpu(gpu);
	try {
		const backend = await createBackend('webgpu', { device: await fake.openDevice() });
		fake.arm();
		const none = new Float32Array(0);
		const kept = await backend.nms(none, none, { iouThreshold: 0.5 });
		assert.instanceOf(kept, Uint32Array);
		assert.lengthOf(kept, 0);
		assert.lengthOf(await backend.nms([], [], { iouThreshold: 0.5, classIds: [] }), 0);
		for (const [a, b] of [
			[none, none],
			[none, [0, 0, 1, 1]],
			[[0, 0, 1, 1], none],
		] as const) {
			const overlaps = await backend.boxIou(a, b);
			assert.instanceOf(overlaps, Float32Array);
			assert.lengthOf(overlaps, 0);
		}
		assert.deepEqual([fake.count('submit'), fake.count('createBuffer'), fake.count('mapAsync')], [0, 0, 0]);
		// the counters do count
		assert.deepEqual([...(await backend.nms([0, 0, 1, 1], [1], { iouThreshold: 0.5 }))], [0]);
		assert.equal(fake.count('submit'), 1);
		backend.dispose();
	} finally {
		fake.close();
	}
});

sizeTest('D2 one box is kept when its score is above the threshold', async (backend) => {
	for (const [score, scoreThreshold, kept] of [
		[0.5, 0.4, [0]],
		[0.5, 0.5, []],
		[0.5, 0.6, []],
		[0, undefined, [0]],
	] as const) {
		assert.deepEqual([...(await backend.nms([0, 0, 9, 9], [score], { iouThreshold: 0.5, scoreThreshold }))], [...kept]);
	}
});

const SIZES = [2, 3, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 319, 320, 321, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097];

sizeTest('D3 sizes around every power of two', async (backend) => {
	for (const n of SIZES) {
		await check(backend, chain(n, n % 2 === 0), `chain of ${n}`);
		await check(backend, dealt(n, Math.ceil(n / 3)), `${n} dealt to thirds`);
	}
});

sizeTest('D4 65,535 boxes, 65,536 and 65,537: no 16-bit counter', async (backend) => {
	for (const n of [65_535, 65_536, 65_537]) await check(backend, dealt(n, 100), `${n} boxes`);
});

sizeTest('D5 all apart, all identical, one chain', async (backend) => {
	const n = 6000;
	await check(backend, dealt(n, n), 'all apart');
	await check(backend, dealt(n, 1), 'all identical');
	await check(backend, chain(n), 'chain');
	await check(backend, chain(n, true), 'rising chain');
});

sizeTest('D6 32,768 boxes, whose full bit mask would fill a binding, and 32,769', async (backend, device) => {
	for (const n of [32_768, 32_769]) await check(backend, dealt(n, 100), `${n} boxes`);
	// the bit mask is for fewer, and says so before any work
	const head = plainHead(32_768, 1);
	let refusal: unknown;
	try {
		(await createPostprocessor({ head, backend: 'webgpu', device, suppression: 'bitmask' })).dispose();
	} catch (error) {
		refusal = error;
	}
	assert.instanceOf(refusal, RangeError);
	assert.match((refusal as RangeError).message, /suppression.*32768/);
	const { boxes, scores, kept } = dealt(32_768, 2000);
	const limited = { head, device, backend: 'webgpu', suppression: 'bitmask', maxCandidates: 4096, scoreThreshold: 0, maxDetections: 1000 } as const;
	const [found] = await detect(limited, boxes, scores, 1);
	// the best 4096 of all hold the best 1000 of the places or fewer: the answer is what they leave, in order
	const rank = Array.from(scores, (s) => s * 2 ** 17);
	const inTime = kept.filter((i) => rank[i] >= 32_768 - 4096).slice(0, 1000);
	assert.deepEqual([...found.indices], inTime);
});

/** Images of a batch through a postprocessor. */
async function detect(options: PostprocessorOptions, boxes: Float32Array, scores: Float32Array, images: number): Promise<Detections[]> {
	const { numAnchors, numClasses } = options.head;
	const postprocessor = await createPostprocessor(options);
	try {
		const outputs = { boxes: { data: boxes, dims: [images, numAnchors, 4] }, scores: { data: scores, dims: [images, numAnchors, numClasses] } };
		const found = await postprocessor.run<Detections | Detections[]>(outputs);
		return Array.isArray(found) ? found : [found];
	} finally {
		postprocessor.dispose();
	}
}

/** Three boxes on one place and three on another, each with a score for one class of 80; every third image has none. */
function crowdedImage(image: number, numClasses: number) {
	const boxes = [0, 0, 0, 100, 100, 100].flatMap((x) => [x, x, x + 10, x + 10]);
	const scores = new Float32Array(6 * numClasses);
	const first = (7 * image) % numClasses;
	const second = (7 * image + 11) % numClasses;
	if (image % 3 === 2) return { boxes, scores, expected: [] };
	const classes = [first, second, first, second, second, first];
	// scores fall with the index in even images and rise in odd ones
	const scoreOf = (a: number) => (image % 2 ? 3 + a : 8 - a) / 16;
	for (const [a, c] of classes.entries()) scores[a * numClasses + c] = scoreOf(a);
	const few = first === second;
	const kept = image % 2 ? (few ? [5, 2] : [5, 4, 2, 1]) : few ? [0, 3] : [0, 1, 3, 5];
	return { boxes, scores, expected: kept.map((a) => [a, classes[a], scoreOf(a)]) };
}

for (const [images, numClasses] of [
	[1, 1],
	[1, 80],
	[3, 1],
	[64, 80],
] as const) {
	gpuTest(`faults: D10 ${images} x ${numClasses}: images x classes, empty images among them`, async ({ device }) => {
		const scenes = upTo(images).map((image) => crowdedImage(image, numClasses));
		const boxes = Float32Array.from(scenes.flatMap((s) => s.boxes));
		const scores = Float32Array.from(scenes.flatMap((s) => [...s.scores]));
		const options = { head: plainHead(6, numClasses), backend: 'webgpu', device, scoreThreshold: 0.1, iouThreshold: 0.5 } as const;
		const found = await detect(options, boxes, scores, images);
		assert.lengthOf(found, images);
		for (const [i, d] of found.entries()) {
			const rows = [...d.indices].map((a, k) => [a, d.classIds[k], d.scores[k]]);
			assert.deepEqual(rows, scenes[i].expected, `image ${i}`);
		}
	});
}

sizeTest('D11 1, 80, 1203 and 65,536 classes: boxes of one class suppress each other, boxes of two never', async (backend, device) => {
	for (const numClasses of [1, 80, 1203, 65_536]) {
		const last = numClasses - 1;
		const middle = last >> 1;
		// four times one box far out, where a class offset added to coordinates would be lost, and one small one below zero
		const box = [1e9, -3e9, 1.1e9, -2.9e9];
		const boxes = Float32Array.from([box, box, box, box, [-50, -50, -40, -40]].flat());
		const classIds = [last, 0, last, middle, 0];
		const scores = new Float32Array(5 * numClasses);
		for (const [a, c] of classIds.entries()) scores[a * numClasses + c] = (9 - a) / 16;
		const options = { head: plainHead(5, numClasses), backend: 'webgpu', device, scoreThreshold: 0.1, iouThreshold: 0.5 } as const;
		const expected = numClasses === 1 ? [0, 4] : [0, 1, 3, 4];
		for (const multiLabel of [false, true]) {
			const [found] = await detect({ ...options, multiLabel }, boxes, scores, 1);
			assert.deepEqual([...found.indices], expected, `${numClasses} classes`);
			assert.deepEqual(
				[...found.classIds],
				expected.map((a) => classIds[a]),
			);
			const [oneClass] = await detect({ ...options, multiLabel, classAgnostic: true }, boxes, scores, 1);
			assert.deepEqual([...oneClass.indices], [0, 4], `${numClasses} classes as one`);
		}
		const falling = [5, 4, 3, 2, 1];
		assert.deepEqual([...(await backend.nms(boxes, falling, { iouThreshold: 0.5, classIds }))], expected, `nms, ${numClasses} classes`);
	}
});

/** The WebGPU specification's defaults, which every adapter has. */
const DEFAULT_LIMITS = {
	maxBufferSize: 268_435_456,
	maxStorageBufferBindingSize: 134_217_728,
	maxStorageBuffersPerShaderStage: 8,
	maxComputeWorkgroupStorageSize: 16_384,
	maxComputeInvocationsPerWorkgroup: 256,
	maxComputeWorkgroupSizeX: 256,
	maxComputeWorkgroupsPerDimension: 65_535,
	maxBindGroups: 4,
	minStorageBufferOffsetAlignment: 256,
} as const;

sizeTest('D13 the device of every test here has the default limits', async (backend, device) => {
	const limits = Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, device.limits[name as keyof typeof DEFAULT_LIMITS]]));
	assert.deepEqual(limits, DEFAULT_LIMITS);
	await check(backend, chain(20_000), 'all kernels run', 4500);
});

sizeTest('D14 a limit reached in the middle of a tile gives the exact prefix', async (backend) => {
	for (const made of [chain(1500), chain(1500, true), dealt(1500, 700)]) {
		for (const limit of [0, 1, 33, 127, 128, 129, 255, 256, 257, 511, 749, 750, 751]) {
			await check(backend, made, `at most ${limit}`, limit);
		}
	}
	const long = chain(20_000);
	for (const limit of [4095, 4097, 5121]) await check(backend, long, `at most ${limit} of 10,000`, limit);
});

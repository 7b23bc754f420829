// 10,000 random cases of NMS: textbook on the CPU, fast path on the CPU, blocked and full bitmask on the GPU give the same
// indices in the same order. Many small images share a batch and workgroups are small, so that a software adapter gets
// through in a minute and lists of 160 boxes reach the prefiltered ranges; every tenth batch runs at full size.

import { assert } from 'chai';
import { nmsFast } from '../../src/cpu/fast.js';
import { nmsTextbook } from '../../src/cpu/nms.js';
import { adoptDevice } from '../../src/gpu/device.js';
import { nmsHead } from '../../src/gpu/nms.js';
import { HeadPipeline } from '../../src/gpu/pipeline.js';
import { createBackend } from '../../src/index.js';
import { SIZES, type Sizes, SOFTWARE_SIZES } from '../../src/layout.js';
import { bindImages, callOf } from '../support/calls.js';
import { gpuTest } from '../support/gpu-suite.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../support/random.js';

const NUM_CASES = 10_000;
const IMAGES = 100;
/** The full bitmask takes 2 MB an image, and a binding holds 128. */
const MASKED = 50;
const SMALL: Sizes = { workgroup: 32, decoders: 32, bins: 256, head: 64, block: 32, lanes: 2, heavy: 2, counted: 8, small: 12, strides: 64 };
const THRESHOLDS = [0, 0.1, 0.3, 0.45, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9, 1];
const BOX_SETS: readonly BoxSet[] = ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain'];
const SCORE_SETS: readonly ScoreSet[] = ['distinct', 'few', 'equal', 'nasty'];

/** One batch: the same number of boxes and the same rules for every image. */
function makeBatch(seed: number) {
	const next = random(seed);
	const pick = <T>(list: readonly T[]) => list[Math.floor(next() * list.length)];
	const n = 1 + Math.floor(next() ** 2 * 160);
	const numClasses = pick([1, 80]);
	const images = Array.from({ length: IMAGES }, () => ({
		boxes: randomBoxes(n, pick(BOX_SETS), next),
		scores: randomScores(n, pick(SCORE_SETS), next),
		classIds: new Uint32Array(n).map(() => next() * numClasses),
	}));
	const call = callOf({
		iou: pick(THRESHOLDS),
		score: pick([Number.NEGATIVE_INFINITY, 0.3]),
		maxDetections: pick([0xffffffff, 1, 5, 20]),
		maxCandidates: pick([0xffffffff, 0xffffffff, 1 + Math.floor(next() * n)]),
		tiesHighest: next() < 0.2,
		classAgnostic: next() < 0.2,
	});
	return { n, images, call, numClasses };
}

gpuTest(
	`nms: textbook, fast, blocked and bitmask agree in ${NUM_CASES} random cases`,
	async ({ device }) => {
		const common = { head: nmsHead(1, true), multiLabel: false, givenClasses: true, growing: true } as const;
		const make = (suppression: 'blocked' | 'bitmask', sizes: Sizes) => new HeadPipeline(adoptDevice(device), { ...common, suppression, sizes }).start();
		const small = [await make('blocked', SMALL), await make('bitmask', SMALL)] as const;
		const full = [await make('blocked', SIZES), await make('bitmask', SIZES)] as const;
		const software = [await make('blocked', SOFTWARE_SIZES), await make('bitmask', SOFTWARE_SIZES)] as const;
		let numKept = 0;
		let numDropped = 0;
		try {
			for (let batch = 0; batch < NUM_CASES / IMAGES; batch++) {
				const { n, images, call } = makeBatch(batch);
				const head = nmsHead(n, true);
				const [blocked, bitmask] = batch % 10 === 0 ? full : batch % 10 === 5 ? software : small;
				const run = (pipeline: HeadPipeline, part: typeof images) =>
					pipeline.run(
						[
							bindImages(
								part.map((i) => i.boxes),
								4,
							),
							bindImages(
								part.map((i) => i.scores),
								1,
							),
							bindImages(
								part.map((i) => i.classIds),
								1,
							),
						],
						part.length,
						call,
						head,
					);
				const fromBlocked = await run(blocked, images);
				const fromBitmask = [...(await run(bitmask, images.slice(0, MASKED))), ...(await run(bitmask, images.slice(MASKED)))];
				images.forEach(({ boxes, scores, classIds }, i) => {
					const textbook = nmsTextbook(boxes, scores, classIds, call);
					const fast = nmsFast(boxes, scores, classIds, call);
					const wanted = {
						indices: textbook.indices.join(),
						numCandidates: textbook.numCandidates,
						truncated: textbook.truncated,
						rejected: textbook.rejected,
					};
					const facts = (r: typeof fast) => ({ indices: r.indices.join(), numCandidates: r.numCandidates, truncated: r.truncated, rejected: r.rejected });
					assert.deepEqual(facts(fast), wanted, `fast, batch ${batch} image ${i}`);
					assert.deepEqual(facts(fromBlocked[i]), wanted, `blocked, batch ${batch} image ${i}`);
					assert.deepEqual(facts(fromBitmask[i]), wanted, `bitmask, batch ${batch} image ${i}`);
					numKept += textbook.indices.length;
					numDropped += textbook.numCandidates - textbook.indices.length;
				});
			}
		} finally {
			for (const pipeline of [...small, ...full, ...software]) pipeline.dispose();
		}
		assert.isAbove(numKept, NUM_CASES, 'cases without detections show nothing');
		assert.isAbove(numDropped, NUM_CASES, 'cases without suppression show nothing');
	},
	600_000,
);

for (const [n, set, limit] of [
	[65_535, 'clustered', 300],
	[65_536, 'uniform', 300],
	[65_537, 'clustered', 300],
	[20_000, 'clustered', undefined],
	[102_400, 'clustered', 300],
	[102_400, 'clustered', undefined],
] as const) {
	gpuTest(
		`nms: ${n} ${set} boxes, ${limit ?? 'no'} limit, as the CPU`,
		async ({ device }) => {
			const next = random(n);
			const boxes = randomBoxes(n, set, next);
			const scores = randomScores(n, 'distinct', next);
			const backend = await createBackend('webgpu', { device });
			try {
				const call = callOf({ iou: 0.3, maxDetections: limit });
				const got = await backend.nms(boxes, scores, { iouThreshold: 0.3, maxDetections: limit });
				assert.deepEqual([...got], [...nmsFast(boxes, scores, undefined, call).indices]);
				assert.isAbove(got.length, 100);
			} finally {
				backend.dispose();
			}
		},
		300_000,
	);
}

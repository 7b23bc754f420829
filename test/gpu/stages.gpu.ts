// Every stage alone against its twin: the twins make the memory before a step, the GPU does that one step, and the
// memory after it must be the twin's: word for word where order is fixed, as a set where it is free.
// Toy sizes first, so that seven boxes reach every multi-pass path.

import { assert } from 'chai';
import { candidateWord, type Memory, outputWord, stateOf } from '../../src/cpu/memory.js';
import { retinanet } from '../../src/heads/retinanet.js';
import { ssd } from '../../src/heads/ssd.js';
import { yolov5 } from '../../src/heads/yolov5.js';
import { yolov8 } from '../../src/heads/yolov8.js';
import { CANDIDATE, COUNTERS, HEADER, ROW_WORDS, SIZES, type Sizes, SOFTWARE_SIZES } from '../../src/layout.js';
import { planLanes } from '../../src/level-plan.js';
import type { CallParams, Step } from '../../src/plan.js';
import { boxesAsHead, callOf } from '../support/calls.js';
import { gpuTest } from '../support/gpu-suite.js';
import { type BoxSet, random, randomBoxes, randomScores, type ScoreSet } from '../support/random.js';
import { randomOutputs } from '../support/random-outputs.js';
import { type Layout, layOut, memoryOf, stepOnTwin, stepsOnGpu } from '../support/step-runner.js';

const TOY: Sizes = { workgroup: 4, decoders: 8, bins: 8, head: 8, block: 8, lanes: 2, heavy: 2, counted: 8, small: 4, strides: 64 };

/** The candidates of an image as a sorted list of rows, since appending has no order. */
function candidateRows(memory: Memory, image: number): string[] {
	const { counters } = stateOf(memory, image);
	return Array.from({ length: counters[COUNTERS.appended] }, (_, i) => {
		const at = candidateWord(memory, image, i);
		return memory.candidates.u32.subarray(at, at + ROW_WORDS).join(' ');
	}).sort();
}

/** The candidate rows of every bin, each bin as a sorted list. */
function binnedRows(memory: Memory, image: number): string[][] {
	const { starts, cursors } = stateOf(memory, image);
	return Array.from(starts, (start, bin) =>
		Array.from({ length: cursors[bin] }, (_, i) => {
			const at = candidateWord(memory, image, start + i);
			return memory.binned.u32.subarray(at, at + ROW_WORDS).join(' ');
		}).sort(),
	);
}

function sortedWords(memory: Memory, image: number, count = stateOf(memory, image).counters[COUNTERS.sorted]): Uint32Array {
	const at = candidateWord(memory, image, 0);
	return memory.sorted.u32.slice(at, at + count * ROW_WORDS);
}

/** Counters that both sides keep; the rest belongs to the way each of them works. */
const SHARED = [
	'passed',
	'listed',
	'rejected',
	'appended',
	'sorted',
	'kept',
	'cut_key',
	'cut_tie',
	'refining',
	'refine_low',
	'refine_width',
	'above',
	'binned',
	'heaviest',
] as const;

function facts(memory: Memory, stage: string): unknown {
	const { batch, slots } = memory.capacity;
	const ofList = ['decode', 'bins', 'scatter', 'rank'].includes(stage);
	return Array.from({ length: ofList ? batch * slots : batch }, (_, i) => {
		const list = ofList ? i : i * slots;
		const state = stateOf(memory, list);
		const counters = Object.fromEntries(SHARED.map((name) => [name, state.counters[COUNTERS[name]]]));
		if (stage === 'decode') return { counters, histogram: [...state.histogram], cursors: [...state.cursors], rows: candidateRows(memory, list) };
		// `bins` puts few candidates in order, and writes no other row
		if (stage === 'bins') {
			const sorted = sortedWords(memory, list, memory.capacity.candidates).join(' ');
			return { counters, starts: [...state.starts], cursors: [...state.cursors], sorted };
		}
		const sorted = sortedWords(memory, list).join(' ');
		if (stage === 'scatter') return { counters, cursors: [...state.cursors], rows: binnedRows(memory, list), sorted };
		if (stage === 'rank') return { counters, sorted };
		const rows = memory.output.u32.length / batch;
		return { counters, output: memory.output.u32.slice(i * rows, (i + 1) * rows).join(' ') };
	});
}

/** Walks the steps on the twin and checks each against the GPU; the ranking and suppression steps of a long list count as one. `end`: the stage to stop before. */
async function checkEveryStep(device: GPUDevice, layout: Layout, end?: Step['stage']): Promise<Memory> {
	const memory = memoryOf(layout);
	const groups: Step[][] = [];
	for (const step of layout.steps) {
		if (step.stage === end) break;
		const last = groups.at(-1);
		if (last && last[0].stage === step.stage && (step.stage === 'rank' || step.stage === 'suppress')) last.push(step);
		else groups.push([step]);
	}
	for (const steps of groups) {
		const onGpu = await stepsOnGpu(device, layout, memory, steps);
		for (const step of steps) stepOnTwin(layout, memory, step);
		assert.deepEqual(facts(onGpu, steps[0].stage), facts(memory, steps[0].stage), `stage ${steps[0].stage}`);
	}
	return memory;
}

function boxesLayout(n: number, boxes: BoxSet, scores: ScoreSet, numClasses: number, seed: number, call: CallParams, sizes: Sizes, bitmask = false): Layout {
	const next = random(seed);
	const classIds = numClasses > 1 ? new Uint32Array(n).map(() => next() * numClasses) : undefined;
	const { head, tensors, givenClasses } = boxesAsHead(randomBoxes(n, boxes, next), randomScores(n, scores, next), classIds);
	return layOut(head, tensors, call, sizes, { givenClasses, bitmask });
}

gpuTest('stages: seven boxes, toy workgroups, every kind of box and score', async ({ device }) => {
	let seed = 0;
	for (const boxes of ['clustered', 'uniform', 'integer', 'degenerate', 'identical', 'chain'] as const) {
		for (const scores of ['distinct', 'few', 'equal', 'nasty'] as const) {
			await checkEveryStep(device, boxesLayout(7, boxes, scores, seed % 2 ? 3 : 1, ++seed, callOf({ iou: 0.4 }), TOY));
		}
	}
});

gpuTest('stages: toy workgroups over every size to 40: chunks, tiles, prefiltered ranges', async ({ device }) => {
	for (let n = 1; n <= 40; n++) {
		await checkEveryStep(
			device,
			boxesLayout(n, n % 3 ? 'clustered' : 'integer', n % 2 ? 'few' : 'distinct', n % 4 ? 1 : 3, n, callOf({ iou: 0.4, tiesHighest: n % 5 === 0 }), TOY),
		);
	}
});

gpuTest('stages: limits in the middle of a chunk, a cut in the middle of a bin', async ({ device }) => {
	for (let limit = 1; limit <= 12; limit++) {
		await checkEveryStep(device, boxesLayout(30, 'uniform', 'few', 1, limit, callOf({ maxDetections: limit }), TOY));
		await checkEveryStep(device, boxesLayout(30, 'clustered', 'few', 2, limit, callOf({ maxCandidates: limit * 2, tiesHighest: limit % 2 === 0 }), TOY));
	}
});

gpuTest('stages: the full bitmask gives the blocked answer', async ({ device }) => {
	for (const n of [1, 7, 31, 32, 33, 64, 65, 300]) {
		const blocked = await checkEveryStep(device, boxesLayout(n, 'clustered', 'few', 2, n, callOf({ iou: 0.4 }), SIZES));
		const masked = await checkEveryStep(device, boxesLayout(n, 'clustered', 'few', 2, n, callOf({ iou: 0.4 }), SIZES, true));
		assert.deepEqual(facts(masked, 'suppress'), facts(blocked, 'suppress'));
	}
});

for (const n of [31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 319, 320, 321, 511, 512, 513, 1023, 1024, 1025, 2047, 2048, 2049, 4095, 4096, 4097]) {
	gpuTest(`stages: ${n} boxes`, async ({ device }) => {
		const set = (['clustered', 'integer', 'degenerate'] as const)[n % 3];
		// few are in order after one stage, or go through all
		for (const small of n <= SIZES.small ? [SIZES.small, 0] : [SIZES.small]) {
			const layout = boxesLayout(n, set, n % 2 ? 'distinct' : 'few', n % 2 ? 1 : 80, n, callOf({ iou: 0.45 }), { ...SIZES, small });
			const { counters } = stateOf(await checkEveryStep(device, layout), 0);
			assert.equal(counters[COUNTERS.binned] === 0, counters[COUNTERS.appended] <= small, `${n} boxes`);
		}
	});
}

for (const n of [1, 63, 64, 65, 127, 128, 129, 1000, 10_001]) {
	gpuTest(`stages: ${n} boxes, sizes for software adapters`, async ({ device }) => {
		await checkEveryStep(device, boxesLayout(n, 'clustered', n % 2 ? 'distinct' : 'few', n % 2 ? 1 : 80, n, callOf({ iou: 0.45 }), SOFTWARE_SIZES));
	});
}

/** Two images of a head of one class with so many candidates each, anywhere among its anchors, with scores of few values. */
function countedLayout(counts: readonly number[], call: CallParams, sizes: Sizes): { layout: Layout; scores: Float32Array } {
	const head = yolov8({ numClasses: 1, inputSize: [64, 96], layout: 'anchors-first' });
	const next = random(counts.reduce((sum, count) => sum * 41 + count, 1));
	const tensors = randomOutputs(head, { batch: counts.length, half: false, seed: 3, hits: 0, nasty: 0 });
	const data = (tensors[0].tensor as { data: Float32Array }).data;
	const scores = new Float32Array(counts.length * head.numAnchors);
	counts.forEach((count, image) => {
		const order = Array.from({ length: head.numAnchors }, (_, a) => a).sort(() => next() - 0.5);
		for (const a of order.slice(0, count)) scores[image * head.numAnchors + a] = Math.fround(0.5 + Math.floor(next() * 4) / 16);
	});
	scores.forEach((score, a) => {
		data[a * 5 + 4] = score;
	});
	return { layout: layOut(head, tensors, call, sizes, { batch: counts.length }), scores };
}

gpuTest('stages: few candidates are in order after bins: one workgroup, ties, cuts, images of which one has few', async ({ device }) => {
	const sizes = { ...TOY, small: 6 };
	for (const [i, counts] of [
		[0, 1],
		[4, 5],
		[5, 4],
		[6, 7],
		[7, 6],
		[6, 6],
		[7, 7],
		[40, 3],
		[0, 0],
	].entries()) {
		for (const maxCandidates of [undefined, 1, counts[0], counts[0] - 1, counts[0] + 1, counts[1] - 1]) {
			if (maxCandidates !== undefined && maxCandidates < 1) continue;
			const tiesHighest = i % 2 === 1;
			const { layout, scores } = countedLayout(counts, callOf({ score: 0.4, iou: 0.4, maxCandidates, tiesHighest }), sizes);
			const memory = await checkEveryStep(device, layout);
			const numAnchors = scores.length / counts.length;
			counts.forEach((count, image) => {
				const { counters, starts, cursors } = stateOf(memory, image);
				const own = scores.subarray(image * numAnchors, (image + 1) * numAnchors);
				const passing = Array.from(own.keys()).filter((a) => own[a] > 0);
				const order = passing.sort((p, q) => own[q] - own[p] || (tiesHighest ? q - p : p - q)).slice(0, maxCandidates);
				const what = `${counts} candidates, cut at ${maxCandidates}, image ${image}`;
				assert.equal(counters[COUNTERS.passed], count, what);
				assert.equal(counters[COUNTERS.listed], order.length, what);
				const ids = order.map((_, k) => memory.sorted.u32[candidateWord(memory, image, k) + CANDIDATE.words.id]);
				assert.deepEqual(ids, order, what);
				const binless = counters[COUNTERS.binned] === 0 && starts.every((start) => start === 0) && cursors.every((cursor) => cursor === 0);
				assert.equal(binless, count <= sizes.small, what);
				assert.equal(memory.output.u32[outputWord(memory, image) + HEADER.words.truncated], count - order.length, what);
			});
		}
	}
});

gpuTest('stages: 10,001 boxes reach the prefiltered ranges at full size', async ({ device }) => {
	await checkEveryStep(device, boxesLayout(10_001, 'clustered', 'distinct', 1, 5, callOf({ iou: 0.45 }), SIZES));
});

/** Scores that fill few bins, or one; the outlier makes the range wide, so that all others share a bin. */
const CROWDED: Readonly<Record<string, (x: number, i: number) => number>> = {
	'all equal': () => 0.5,
	'two scores': (x) => (x < 0.5 ? 0.4 : 0.6),
	'ten scores': (x) => 0.05 + Math.floor(x * 10) / 10,
	'scores of float16': (x) => (1 + Math.floor(x * 2047)) / 2048,
	'two neighbours and an outlier': (x, i) => (i === 3 ? 1e-3 : x < 0.5 ? 0.5 : 0.5 + 2 ** -24),
	'a narrow range of denormals': (x, i) => (i === 3 ? 1 : Math.floor(x * 1000) * 2 ** -149),
	'one bin and many lone ones': (x) => (x < 0.7 ? 0.25 + x * 1e-6 : x),
};

/** Sorts n boxes of such scores and holds the ids against the order that a plain sort of the scores gives. */
async function checkCrowded(
	device: GPUDevice,
	n: number,
	name: string,
	sizes: Sizes,
	numSteps: number,
	call: { tiesHighest?: boolean; maxCandidates?: number } = {},
) {
	const next = random(n);
	const scores = Float32Array.from({ length: n }, (_, i) => CROWDED[name](next(), i));
	const boxes = randomBoxes(n, 'disjoint', next);
	const { head, tensors, givenClasses } = boxesAsHead(boxes, scores);
	const layout = layOut(head, tensors, callOf(call), sizes, { givenClasses });
	assert.lengthOf(
		layout.steps.filter(({ stage }) => stage === 'rank'),
		numSteps,
	);
	const memory = await checkEveryStep(device, layout, 'suppress');
	const tie = call.tiesHighest ? -1 : 1;
	const order = Array.from(scores.keys()).sort((i, j) => scores[j] - scores[i] || (i - j) * tie);
	const ids = Array.from({ length: Math.min(n, call.maxCandidates ?? n) }, (_, i) => memory.sorted.u32[candidateWord(memory, 0, i) + CANDIDATE.words.id]);
	assert.deepEqual(ids, order.slice(0, ids.length), name);
}

gpuTest('stages: heavy bins, toy sizes: runs of 4, merged to 64 and in two rounds more', async ({ device }) => {
	for (const name of Object.keys(CROWDED)) {
		for (const [n, steps] of [
			[8, 1],
			[9, 3],
			[63, 3],
			[64, 3],
			[65, 3],
			[257, 3],
			[5000, 5],
		]) {
			await checkCrowded(device, n, name, TOY, steps, { tiesHighest: n % 2 === 0 });
			await checkCrowded(device, n, name, TOY, steps, { maxCandidates: Math.ceil(n / 3) });
		}
	}
});

for (const name of Object.keys(CROWDED)) {
	gpuTest(`stages: heavy bins, 20,000 boxes, ${name}`, async ({ device }) => {
		await checkCrowded(device, 20_000, name, SIZES, 3);
		await checkCrowded(device, 20_000, name, SIZES, 3, { tiesHighest: true, maxCandidates: 5000 });
	});
}

gpuTest('stages: heavy bins, 270,000 boxes of two scores', async ({ device }) => {
	await checkCrowded(device, 270_000, 'two scores', SIZES, 5);
});

gpuTest('stages: decode shares the classes of an anchor among 1, 2, 4 and 8 threads, anchors and classes in either order', async ({ device }) => {
	const lanes = [1, 2, 4, 8];
	for (const layout of ['channels-first', 'anchors-first'] as const) {
		const head = yolov8({ numClasses: 67, inputSize: [64, 96], layout });
		for (const multiLabel of [false, true]) {
			// equal values everywhere: the lower class must win, whichever thread has it
			const tensors = randomOutputs(head, { batch: 2, half: multiLabel, seed: 11, hits: 0.2, nasty: 0.01, values: [0.4, 0.4, 0.7] });
			const call = callOf({ score: 0.3, iou: 0.5, maxCandidates: 500, maxDetections: 50 });
			for (const most of lanes) {
				const laid = layOut(head, tensors, call, { ...SIZES, lanes: most }, { batch: 2, multiLabel });
				assert.equal(planLanes(head, 0, tensors, laid.sizes), most);
				await checkEveryStep(device, laid, 'suppress');
			}
		}
	}
});

gpuTest('stages: levels that are cut one by one make a list longer than any of them, which prefiltered ranges go through to its end', async ({ device }) => {
	// 144, 36, 9, 9 and 9 anchors
	const head = retinanet({ numClasses: 1, inputSize: [32, 32] });
	const tensors = randomOutputs(head, { batch: 1, half: false, seed: 4, hits: 1, nasty: 0 });
	for (const [iou, small, numFew] of [
		[0.3, 4, 0],
		[0.7, 4, 0],
		[0.5, 9, 3],
		[0.5, 35, 3],
		[0.5, 36, 4],
	]) {
		const layout = layOut(head, tensors, callOf({ score: 0.1, iou, asLogit: true }), { ...TOY, small }, { multiLabel: false });
		const memory = await checkEveryStep(device, layout);
		const { counters } = stateOf(memory, 0);
		const isFew = Array.from({ length: 5 }, (_, slot) => stateOf(memory, slot).counters[COUNTERS.binned] === 0);
		assert.lengthOf(isFew.filter(Boolean), numFew, 'levels whose few candidates are in order after bins');
		assert.isAbove(counters[COUNTERS.listed], 144 + 2 * TOY.block);
		assert.isBelow(counters[COUNTERS.kept], counters[COUNTERS.listed]);
		const ranges = layout.steps.filter((step) => step.stage === 'suppress' && step.kernel === 'prefilter');
		assert.isAbove(ranges.length, 144 / TOY.block, 'ranges beyond the longest level');
	}
});

const HEADS = {
	'yolov8 channels first': yolov8({ numClasses: 5, inputSize: [64, 96], layout: 'channels-first' }),
	'yolov8 anchors first': yolov8({ numClasses: 5, inputSize: [64, 96], layout: 'anchors-first' }),
	'yolov5 concatenated': yolov5({ numClasses: 4, inputSize: [64, 64] }),
	'yolov5 raw maps': yolov5({ numClasses: 4, inputSize: [64, 64], outputs: 'raw' }),
	ssd: ssd({ numClasses: 6, inputSize: [300, 300], priors: randomBoxes(500, 'uniform', random(1)) }),
	'retinanet levels': retinanet({ numClasses: 3, inputSize: [64, 64] }),
} as const;

for (const [name, head] of Object.entries(HEADS)) {
	const asLogit = head.score.activation === 'sigmoid' && !head.score.objectness;
	const objectnessLogit = head.score.objectness?.activation === 'sigmoid';
	for (const half of [false, true]) {
		gpuTest(`stages: ${name}, ${half ? 'float16' : 'float32'}, two images, every decode variant`, async ({ device }) => {
			for (const multiLabel of [false, true]) {
				for (const filtered of [false, true]) {
					const tensors = randomOutputs(head, { batch: 2, half, seed: 9, hits: 0.05, nasty: 0.002 });
					const call = callOf({ score: 0.3, iou: 0.5, maxCandidates: 100, maxDetections: 50, asLogit, objectnessLogit });
					const classFilter = filtered ? new Uint32Array([0b101]) : undefined;
					// few candidates are put in order at once only where they are appended before the bins
					for (const small of multiLabel ? [SIZES.small] : [SIZES.small, 10, 0]) {
						const layout = layOut(head, tensors, call, { ...SIZES, small }, { batch: 2, multiLabel, classFilter });
						const memory = await checkEveryStep(device, layout);
						// the first slot of the second image counts for all of it
						assert.isAbove(stateOf(memory, layout.capacity.slots).counters[COUNTERS.kept], 0, 'a test without detections shows nothing');
					}
				}
			}
		});
	}
}

gpuTest(
	'stages: a cut that thousands of equal scores share is settled by id, toy bins',
	async ({ device }) => {
		const head = yolov8({ numClasses: 5, inputSize: [64, 96], layout: 'channels-first' });
		for (const tiesHighest of [false, true]) {
			for (const values of [[0.5], [0.5, 0.50001, 0.7], [0.3, 0.9]]) {
				const tensors = randomOutputs(head, { batch: 1, half: false, seed: 2, hits: 1, nasty: 0, values });
				const call = callOf({ score: 0.25, maxCandidates: 37, tiesHighest });
				const memory = await checkEveryStep(device, layOut(head, tensors, call, { ...TOY, bins: 16 }, { multiLabel: true, candidates: 64 }));
				assert.equal(stateOf(memory, 0).counters[COUNTERS.sorted], 37);
				assert.isAtMost(stateOf(memory, 0).counters[COUNTERS.appended], 64);
			}
		}
	},
	120_000,
);

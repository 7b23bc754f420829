// Every head against an independent float64 decoder, on the CPU path (the GPU is held against the CPU, bit for bit, in
// test/gpu/heads.gpu.ts): everything decoded with suppression out of the way, then the kept sets.

import { assert, describe, expect, test } from 'vitest';
import type { Detections } from '../../../src/detections.js';
import { createPostprocessor } from '../../../src/postprocessor.js';
import { HEAD_CASES } from '../../support/heads/all.js';
import { type HeadCase, type OracleCandidate, passing, suppressed, tensorsOf } from '../../support/heads/oracle.js';

const SEEDS = [11, 12, 13, 14];

async function detect(item: HeadCase, seed: number, options: object): Promise<Detections> {
	const postprocessor = await createPostprocessor({ ...item.options, head: item.head, backend: 'cpu', ...options });
	try {
		return await postprocessor.run(tensorsOf(item, seed).outputs);
	} finally {
		postprocessor.dispose();
	}
}

const keyOf = (anchor: number, classId: number) => `${anchor}:${classId}`;

/** Boxes, scores, angles, points and coefficients agree within 1e-5 of the box's size (or of the numbers' own size). */
function agree(got: Detections, i: number, want: OracleCandidate): string | undefined {
	const box = Array.from(got.boxes.subarray(4 * i, 4 * i + 4));
	const size = Math.max(...want.box.map(Math.abs), want.box[2] - want.box[0], want.box[3] - want.box[1], 1);
	if (box.some((x, c) => !(Math.abs(x - want.box[c]) <= 1e-5 * size))) return `box ${box}, expected ${want.box}`;
	if (!(Math.abs(got.scores[i] - want.score) <= 1e-5)) return `score ${got.scores[i]}, expected ${want.score}`;
	const list = (array: Float32Array | undefined) => array && Array.from(array.subarray((i * array.length) / got.count, ((i + 1) * array.length) / got.count));
	if (want.angle !== undefined && !(Math.abs((got.angles as Float32Array)[i] - want.angle) <= 1e-5)) return `angle ${got.angles?.[i]}, expected ${want.angle}`;
	for (const name of ['keypoints', 'maskCoefficients'] as const) {
		const numbers = list(got[name]);
		const wanted = want[name];
		if (wanted === undefined) {
			if (numbers) return `${name} unasked`;
			continue;
		}
		const near = numbers?.length === wanted.length && numbers.every((x, c) => Math.abs(x - wanted[c]) <= 1e-5 * Math.max(size, Math.abs(wanted[c])));
		if (!near) return `${name} ${numbers}, expected ${wanted}`;
	}
	return undefined;
}

describe.each(HEAD_CASES)('$name', (item) => {
	const scoreThreshold = item.options?.scoreThreshold ?? 0.25;
	const iouThreshold = item.options?.iouThreshold ?? 0.45;

	test('decodes what plain loops in float64 decode', async () => {
		let seen = 0;
		for (const seed of SEEDS) {
			const all = item.decode(tensorsOf(item, seed).arrays);
			// with suppression out of the way: everything that passes comes out
			const got = await detect(item, seed, { iouThreshold: 1, maxDetections: Number.POSITIVE_INFINITY });
			const wanted = new Map(all.map((candidate) => [keyOf(candidate.anchor, candidate.classId), candidate]));
			const found = new Set<string>();
			for (let i = 0; i < got.count; i++) {
				const key = keyOf(got.indices[i], got.classIds[i]);
				found.add(key);
				const want = wanted.get(key);
				if (!want) assert.fail(`seed ${seed}: anchor:class ${key} with score ${got.scores[i]} is no candidate`);
				const fault = agree(got, i, want);
				if (fault) assert.fail(`seed ${seed}, anchor:class ${key}: ${fault}`);
			}
			// what is missing was within the margin of the threshold
			for (const [key, { score }] of wanted) if (!found.has(key)) assert.isBelow(score, scoreThreshold + 1e-4, `seed ${seed}: anchor:class ${key} is missing`);
			seen += got.count;
		}
		assert.isAbove(seen, 20, 'too few candidates to tell anything');
	});

	test('keeps what plain suppression in float64 keeps', async () => {
		let judged = 0;
		for (const seed of SEEDS) {
			const { list, close } = passing(item.decode(tensorsOf(item, seed).arrays), scoreThreshold);
			if (close) continue;
			const suppress = item.suppression !== false && item.head.suppression !== false;
			const rule = { classAgnostic: item.options?.classAgnostic, rule: item.suppressedAs };
			const answer = suppress ? suppressed(list, iouThreshold, rule) : { kept: list, close: false };
			if (answer.close || item.suppression === false) continue;
			const got = await detect(item, seed, { maxDetections: Number.POSITIVE_INFINITY });
			const keys = Array.from(got.indices, (anchor, i) => keyOf(anchor, got.classIds[i]));
			expect(new Set(keys), `seed ${seed}`).toEqual(new Set(answer.kept.map((k) => keyOf(k.anchor, k.classId))));
			judged++;
		}
		if (item.suppression !== false) assert.isAbove(judged, 0, 'every seed had a score or a pair within the margin');
	});

	test('refuses a tensor of another shape by what it got, what it expected', async () => {
		const postprocessor = await createPostprocessor({ ...item.options, head: item.head, backend: 'cpu' });
		const { outputs } = tensorsOf(item, 1);
		const first = item.dims[0];
		const wrong = {
			data: new Float32Array(first.reduce((a, b) => a * b, 1) + first.reduce((a, b) => a * b, 1) / first[first.length - 1]),
			dims: [...first.slice(0, -1), first[first.length - 1] + 1],
		};
		await expect(postprocessor.run([wrong, ...outputs.slice(1)])).rejects.toThrow(/must be \[batch.*got \[/);
		postprocessor.dispose();
	});
});

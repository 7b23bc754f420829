// Numbers that break other implementations of NMS, each with the answer worked out by hand: NaN, infinities, denormals,
// ties, boxes without area, boxes too large or too far for float32. The letters are the project's list of faults.

import { assert } from 'chai';
import { type Case, detectPlain, faultTable, faultTest, join, ofBits } from '../support/fault-table.js';
import { floatToHalf } from '../support/half.js';

const { NaN, POSITIVE_INFINITY: INF, NEGATIVE_INFINITY: MINUS_INF } = Number;
const A = [0, 0, 10, 10];
/** n boxes apart from each other. */
const apart = (n: number) => Array.from({ length: n }, (_, i) => [20 * i, 0, 20 * i + 10, 10]);
/** n times the same box. */
const same = (n: number, box = A) => Array.from({ length: n }, () => box);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);
/** n scores that leave the boxes in their order. */
const falling = (n: number) => upTo(n).map((i) => 1 - i / 1024);
/** The float32 below a positive x. */
const below = (x: number) => ofBits(new Uint32Array(Float32Array.of(x).buffer)[0] - 1)[0];

faultTable('C1 NaN score: takes no part, wherever it stands', [
	[same(3), [NaN, 0.9, 0.8], {}, [1]],
	[same(3), [0.9, NaN, 0.8], {}, [0]],
	[same(3), [0.8, 0.9, NaN], {}, [1]],
	[apart(3), [NaN, 0.5, 0.9], {}, [2, 1]],
	[apart(3), [0.5, NaN, 0.9], {}, [2, 0]],
	[apart(3), [0.5, 0.9, NaN], {}, [1, 0]],
	[apart(3), [0.5, NaN, 0.9], { scoreThreshold: 0.6 }, [2]],
	[apart(3), [NaN, NaN, NaN], {}, []],
	[[A], [NaN], {}, []],
]);

const NANS = [0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffffffff, 0x7fc12345, 0xffa00000];

faultTest('C2 NaN score of every sign and payload takes no part and is counted', async (nms, device) => {
	for (const bits of NANS) {
		for (const place of [0, 1, 2]) {
			const parts = [Float32Array.of(0.5), Float32Array.of(0.9)];
			parts.splice(place, 0, ofBits(bits));
			const kept = [place < 2 ? 2 : 1, place < 1 ? 1 : 0];
			assert.deepEqual(await nms(apart(3), join(parts)), kept, `${bits.toString(16)} at ${place}`);
		}
	}
	const scores = join([Float32Array.of(0.5), ...NANS.map(ofBits), Float32Array.of(0.7)]);
	const { indices, rejected, numCandidates } = await detectPlain(device, Float32Array.from(apart(NANS.length + 2).flat()), scores);
	assert.deepEqual([[...indices], rejected, numCandidates], [[9, 0], NANS.length, 2]);
});

faultTable('C3 infinite scores are ordered as numbers', [
	[apart(4), [0, INF, MINUS_INF, 3e38], {}, [1, 3, 0, 2]],
	[apart(4), [0, INF, MINUS_INF, 3e38], { scoreThreshold: 0 }, [1, 3]],
	[apart(4), [0, INF, MINUS_INF, 3e38], { scoreThreshold: INF }, []],
	[same(3), [MINUS_INF, 1, INF], {}, [2]],
	[same(2), [MINUS_INF, MINUS_INF], {}, [0]],
]);

faultTable('C4 -0 and 0 are one score', [
	[apart(4), [-0, 0, -0, 0], {}, [0, 1, 2, 3]],
	[same(2), [-0, 0], {}, [0]],
	[same(2), [0, -0], {}, [0]],
	[apart(2), [-0, 0], { scoreThreshold: 0 }, []],
	[apart(2), [-0, 0], { scoreThreshold: -0 }, []],
	[apart(2), [-0, 0], { scoreThreshold: 0, semantics: { score: '>=' } }, [0, 1]],
]);

faultTable('C5 denormal scores are ordered by their bits', [
	[apart(6), [1e-40, 2e-40, 0, -1e-40, 1.4e-45, 1.1754944e-38], {}, [5, 1, 0, 4, 2, 3]],
	[same(3), [1e-40, 2e-40, 1.4e-45], {}, [1]],
	[apart(3), [1e-40, 2e-40, 0], { scoreThreshold: 1e-40 }, [1]],
	[apart(3), [1.4e-45, 0, -1.4e-45], { scoreThreshold: 0 }, [0]],
	[apart(3), [-2e-40, -1e-40, -1.4e-45], { scoreThreshold: -1e-40 }, [2]],
]);

faultTable('C6 scores above 1 and below 0 are legal', [
	[apart(5), [7, -3, 250.5, 1, -1e30], {}, [2, 0, 3, 1, 4]],
	[apart(5), [7, -3, 250.5, 1, -1e30], { scoreThreshold: -5 }, [2, 0, 3, 1]],
	[apart(5), [7, -3, 250.5, 1, -1e30], { scoreThreshold: 7 }, [2]],
	[same(3), [-8, -7, -9], {}, [1]],
]);

faultTable('C7 equal scores: lower index first', [
	[apart(600), upTo(600).fill(0.5), {}, upTo(600)],
	[apart(600), upTo(600).fill(0.5), { semantics: { ties: 'highest-index' } }, upTo(600).reverse()],
	[[...apart(300), ...apart(300)], upTo(600).fill(0.5), {}, upTo(300)],
	[same(300), upTo(300).fill(-2), {}, [0]],
]);

faultTest('C8 a coordinate that is no finite number, in each place, takes no part and is counted', async (nms, device) => {
	const bad: Float32Array[] = [];
	for (const bits of [0x7fc00000, 0xffc00000, 0x7f800001, 0x7f800000, 0xff800000]) {
		for (const place of [0, 1, 2, 3]) {
			const parts = A.map((x) => Float32Array.of(x));
			parts[place] = ofBits(bits);
			const box = join(parts);
			bad.push(box);
			const message = `${bits.toString(16)} at coordinate ${place}`;
			const [near, far] = [A, [50, 50, 60, 60]].map((b) => Float32Array.from(b));
			assert.deepEqual(await nms(join([box, near, far]), [0.9, 0.8, 0.7]), [1, 2], `${message}, first`);
			assert.deepEqual(await nms(join([far, box, near]), [0.9, 0.8, 0.7]), [0, 2], `${message}, in the middle`);
			assert.deepEqual(await nms(join([near, far, box]), [0.7, 0.8, 0.9]), [1, 0], `${message}, last`);
		}
	}
	const boxes = join([...bad, Float32Array.from(A)]);
	const { indices, rejected, numCandidates } = await detectPlain(device, boxes, new Float32Array(bad.length + 1).fill(0.5));
	assert.deepEqual([[...indices], rejected, numCandidates], [[bad.length], bad.length, 1]);
});

/** Boxes without area over a box with one: no width, no height, neither; each twice. */
const FLAT = [A, [5, 0, 5, 10], [5, 0, 5, 10], [0, 5, 10, 5], [0, 5, 10, 5], [5, 5, 5, 5], [5, 5, 5, 5]];
/** Corners in the wrong order in x, in y, in both. */
const INVERTED = [[10, 0, 0, 10], [0, 10, 10, 0], [10, 10, 0, 0], [10, 10, 0, 0], A];

for (const [row, boxes] of [
	['C9 boxes without area overlap nothing', FLAT],
	['C10 inverted boxes overlap nothing, both ways inverted ones neither', INVERTED],
] as const) {
	faultTable(row, [
		...[0, 0.5, 1].map((iouThreshold): Case => [boxes, falling(boxes.length), { iouThreshold }, upTo(boxes.length)]),
		[boxes, falling(boxes.length).reverse(), { iouThreshold: 0 }, upTo(boxes.length).reverse()],
	]);
}

/** The largest coordinate below 2^62. */
const LIMIT = 2 ** 62 - 2 ** 38;
faultTable('C11 coordinates below 2^62 are exact, from 2^62 on the box takes no part', [
	[[...same(2, [0, 0, 1e18, 1e18]), [0, 0, 1e18, 0.9e18], [2e18, 0, 3e18, 1e18]], falling(4), {}, [0, 3]],
	[[...same(2, [0, 0, 1e18, 1e18]), [0, 0, 1e18, 0.9e18], [2e18, 0, 3e18, 1e18]], falling(4), { iouThreshold: 0.95 }, [0, 2, 3]],
	// half of a square of 2^61: an IoU of exactly 0.5
	[
		[
			[0, 0, 2 ** 61, 2 ** 61],
			[0, 0, 2 ** 60, 2 ** 61],
		],
		falling(2),
		{},
		[0, 1],
	],
	[
		[
			[0, 0, 2 ** 61, 2 ** 61],
			[0, 0, 2 ** 60, 2 ** 61],
		],
		falling(2),
		{ iouThreshold: below(0.5) },
		[0],
	],
	[same(2, [0, 0, LIMIT, LIMIT]), falling(2), {}, [0]],
	// a quarter of the largest box there is, whose area is nearly 2^126
	[
		[
			[-LIMIT, -LIMIT, LIMIT, LIMIT],
			[0, 0, LIMIT, LIMIT],
		],
		falling(2),
		{ iouThreshold: 0.3 },
		[0, 1],
	],
	[
		[
			[-LIMIT, -LIMIT, LIMIT, LIMIT],
			[0, 0, LIMIT, LIMIT],
		],
		falling(2),
		{ iouThreshold: 0.2 },
		[0],
	],
	...[2 ** 62, 3e38].flatMap((x): Case[] => [
		[[[0, 0, x, x], A], falling(2), { iouThreshold: 0 }, [1]],
		[[[-x, -x, x, x], A], falling(2), { iouThreshold: 0 }, [1]],
		...upTo(4).map((place): Case => [[A.map((y, i) => (i === place ? -x : y)), A], falling(2), { iouThreshold: 0 }, [1]]),
	]),
]);

faultTable('C12 boxes of one pixel at 16,777,217 are as wide as float32 sees them', [
	// 16777217 is halfway and becomes 16777216: no width
	[same(2, [16777216, 0, 16777217, 1]), falling(2), { iouThreshold: 0 }, [0, 1]],
	// 16777217..16777218 becomes 16777216..16777218, the same box
	[
		[
			[16777217, 0, 16777218, 1],
			[16777216, 0, 16777218, 1],
		],
		falling(2),
		{ iouThreshold: below(1) },
		[0],
	],
	// 16777219 becomes 16777220; the two touch
	[
		[
			[16777217, 0, 16777218, 1],
			[16777218, 0, 16777219, 1],
		],
		falling(2),
		{ iouThreshold: 0 },
		[0, 1],
	],
	[
		[
			[16777218, 0, 16777219, 1],
			[16777218, 0, 16777220, 1],
		],
		falling(2),
		{ iouThreshold: below(1) },
		[0],
	],
]);

faultTable('C13 boxes whose area is no normal float are empty', [
	[same(3, [0, 0, 1e-20, 1e-20]), falling(3), { iouThreshold: 0 }, [0, 1, 2]],
	[same(2, [0, 0, 1e-40, 5]), falling(2), { iouThreshold: 0 }, [0, 1]],
	[same(2, [0, 0, 5, 1e-40]), falling(2), { iouThreshold: 0 }, [0, 1]],
	// 1e-36 is normal
	[same(2, [0, 0, 1e-18, 1e-18]), falling(2), { iouThreshold: 0 }, [0]],
]);

faultTable('C14 identical boxes have an IoU of exactly 1', [
	...[0, 0.5, 0.9, below(1)].map((iouThreshold): Case => [same(70, [0.1, 0.2, 33.3, 77.7]), falling(70), { iouThreshold }, [0]]),
	[same(70, [0.1, 0.2, 33.3, 77.7]), falling(70), { iouThreshold: 1 }, upTo(70)],
	[same(2, [0.1, 0.2, 33.3, 77.7]), falling(2), { iouThreshold: 1, semantics: { suppress: '>=' } }, [0]],
]);

faultTable(
	'C15 an IoU of exactly t is kept, for t = 0.1 to 0.9',
	[1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((k) => {
		const t = Math.fround(k / 10);
		// one inside the other, k of 10 parts; then side by side: width 10 + k moved by 10 - k leaves 2k of 20
		const pairs = [
			[
				[0, 0, 10, 1],
				[0, 0, k, 1],
			],
			[
				[-70, 3, 0, 73],
				[-70, 3, 0, 3 + 7 * k],
			],
			[
				[0, 0, 10 + k, 3],
				[10 - k, 0, 20, 3],
			],
			[
				[5, -1000, 16, -1000 + 30 + 3 * k],
				[5, -1000 + 30 - 3 * k, 16, -1000 + 60],
			],
		];
		return pairs.flatMap((pair): Case[] => [
			[pair, falling(2), { iouThreshold: t }, [0, 1]],
			[pair, falling(2), { iouThreshold: below(t) }, [0]],
			[pair, falling(2), { iouThreshold: t, semantics: { suppress: '>=' } }, [0]],
		]);
	}),
);

const TOUCHING = [A, [10, 0, 20, 10], [0, 10, 10, 20], [10, 10, 20, 20], [-10, -10, 0, 0], [20, 20, 21, 21]];
faultTable('C16 boxes that touch along an edge or in a corner do not overlap', [
	[TOUCHING, falling(6), { iouThreshold: 0 }, upTo(6)],
	[TOUCHING, falling(6), { iouThreshold: 0, semantics: { suppress: '>=' } }, upTo(6)],
	[[...TOUCHING, [9, 9, 11, 11]], falling(7), { iouThreshold: 0 }, upTo(6)],
]);

const halfBits = (numbers: readonly number[]) => Uint16Array.from(numbers, floatToHalf);

faultTest('C20 float16: 65504 is a number, 65520 is infinite, 6e-8 is small and not empty', async (_, device) => {
	assert.deepEqual([...halfBits([65504, 65520, 6e-8, -65520])], [0x7bff, 0x7c00, 0x0001, 0xfc00]);
	const boxes = [
		[0, 0, 65504, 65504],
		[0, 0, 65504, 65504],
		[0, 0, 65520, 5],
		[-65520, 0, 5, 5],
		[0, NaN, 5, 5],
		[0, 0, 6e-8, 6e-8],
		[0, 0, 6e-8, 6e-8],
		[3, 3, 3, 6e-8],
	];
	// scores: the smallest half is above 0; NaN and 0 are not
	const rows = [...boxes, [40, 40, 50, 50], [60, 60, 70, 70], [80, 80, 90, 90]];
	const scores = [0.5, 0.75, 1, 1, 1, 0.25, 0.375, 0.125, 6e-8, NaN, 0];
	const { indices, rejected, numCandidates, scores: out } = await detectPlain(device, halfBits(rows.flat()), halfBits(scores), 0.1);
	// box 1 removes 0, and box 6 its double 5; the large one holds all others, by far less than 0.1
	assert.deepEqual([[...indices], rejected, numCandidates], [[1, 6, 7, 8], 4, 6]);
	assert.deepEqual([...out], [0.75, 0.375, 0.125, 2 ** -24]);
});

faultTest('C21 float16: 256 x 256 overflows a half; areas are float32', async (_, device) => {
	const boxes = halfBits(
		[
			[0, 0, 256, 256],
			[0, 0, 256, 256],
			[0, 0, 256, 128],
			[256, 0, 512, 256],
		].flat(),
	);
	const scores = halfBits([1, 0.875, 0.75, 0.5]);
	assert.deepEqual([...(await detectPlain(device, boxes, scores, 0.5)).indices], [0, 2, 3]);
	assert.deepEqual([...(await detectPlain(device, boxes, scores, below(0.5))).indices], [0, 3]);
});

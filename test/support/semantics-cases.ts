// Where libraries keep different boxes: scenes of two boxes, worked out by hand, with what each preset of `semantics` keeps.
// The exact ties are those on which TensorFlow 2.21 and onnxruntime 1.30 keep both boxes and tfjs 4.22 keeps one.

import type { Semantics, SemanticsPreset } from '../../src/index.js';

export interface SemanticsCase {
	readonly what: string;
	readonly boxes: readonly number[];
	readonly scores: readonly number[];
	readonly iouThreshold: number;
	readonly scoreThreshold?: number;
	/** What the default keeps, and every preset that is not among the others. */
	readonly kept: readonly number[];
	readonly others: readonly (readonly [semantics: SemanticsPreset | Semantics, kept: readonly number[]])[];
}

/** t as n / 20: a box 20 wide and its part n wide. */
const TIES = [
	[0.3, 6],
	[0.4, 8],
	[0.45, 9],
	[0.5, 10],
	[0.6, 12],
	[0.7, 14],
	[0.8, 16],
] as const;

const exact = ([t, n]: (typeof TIES)[number]): SemanticsCase => ({
	what: `IoU of exactly ${t}`,
	boxes: [0, 0, 20, 10, 0, 0, n, 10],
	scores: [0.9, 0.8],
	iouThreshold: t,
	kept: [0, 1],
	others: [
		['tfjs', [0]],
		['tensorrt', [0]],
		// 11 (n + 1) of 11 * 21: more than n / 20
		['mtcnn', [0]],
		[{ preset: 'tensorrt', suppress: '>' }, [0, 1]],
	],
});

const exactInclusive = ([t, n]: (typeof TIES)[number]): SemanticsCase => ({
	what: `IoU of exactly ${t} in inclusive pixels`,
	// 20 x 10 and n x 10 pixels; without the offset 9 (n - 1) of 9 * 19, which is less
	boxes: [0, 0, 19, 9, 0, 0, n - 1, 9],
	scores: [0.9, 0.8],
	iouThreshold: t,
	kept: [0, 1],
	others: [
		[{ preset: 'mtcnn', suppress: '>=' }, [0]],
		[{ preset: 'tfjs', pixelOffset: 1 }, [0]],
	],
});

export const SEMANTICS_CASES: readonly SemanticsCase[] = [
	...TIES.map(exact),
	...TIES.map(exactInclusive),
	{
		what: 'a score at the threshold',
		boxes: [0, 0, 10, 10, 20, 0, 30, 10],
		scores: [0.5, 0.75],
		iouThreshold: 0.5,
		scoreThreshold: 0.5,
		kept: [1],
		others: [
			['tensorrt', [1, 0]],
			['mediapipe', [1, 0]],
			['mtcnn', [1, 0]],
			[{ preset: 'mtcnn', score: '>' }, [1]],
		],
	},
	{ what: 'equal scores apart', boxes: [0, 0, 10, 10, 20, 0, 30, 10], scores: [0.5, 0.5], iouThreshold: 0.5, kept: [0, 1], others: [['mtcnn', [1, 0]]] },
	{ what: 'equal scores of one box', boxes: [1, 2, 9, 9, 1, 2, 9, 9], scores: [0.5, 0.5], iouThreshold: 0.5, kept: [0], others: [['mtcnn', [1]]] },
	{
		// 9 * 4 of 81 + 81 - 36: 2/7; with inclusive pixels 10 * 5 of 100 + 100 - 50: 1/3
		what: 'widths of one more',
		boxes: [0, 0, 9, 9, 0, 5, 9, 14],
		scores: [0.9, 0.8],
		iouThreshold: 0.3,
		kept: [0, 1],
		others: [
			['mtcnn', [0]],
			[{ preset: 'caffe', pixelOffset: 1 }, [0]],
		],
	},
	{
		// one column of 10 in 100 + 100 - 10: 1/19
		what: 'ends that meet',
		boxes: [0, 0, 9, 9, 9, 0, 18, 9],
		scores: [0.9, 0.8],
		iouThreshold: 0.05,
		kept: [0, 1],
		others: [['mtcnn', [0]]],
	},
	{ what: 'the same point twice', boxes: [5, 5, 5, 5, 5, 5, 5, 5], scores: [0.9, 0.8], iouThreshold: 0.5, kept: [0, 1], others: [['mtcnn', [0]]] },
	{
		what: 'a box without area in another',
		boxes: [0, 0, 10, 10, 2, 2, 2, 9],
		scores: [0.9, 0.8],
		iouThreshold: 0.01,
		kept: [0, 1],
		// 8 of 121, or all of the smaller one
		others: [
			['mtcnn', [0]],
			[{ overlap: 'iom' }, [0, 1]],
			[{ overlap: 'iom', pixelOffset: 1 }, [0]],
		],
	},
	{
		// 25 of 175, or of the 15 x 15 around both: 1/7 and 1/9
		what: 'the rectangle around both',
		boxes: [0, 0, 10, 10, 5, 5, 15, 15],
		scores: [0.9, 0.8],
		iouThreshold: 0.12,
		kept: [0],
		others: [
			[{ preset: 'mediapipe', overlap: 'bounding-union' }, [0, 1]],
			// 36 of 16 x 16: 0.140625
			[{ overlap: 'bounding-union', pixelOffset: 1 }, [0]],
		],
	},
	{
		what: 'the rectangle around both, exactly at the threshold',
		boxes: [0, 0, 10, 10, 5, 5, 15, 15],
		scores: [0.9, 0.8],
		iouThreshold: 1 / 9,
		kept: [0],
		others: [
			[{ overlap: 'bounding-union' }, [0, 1]],
			[{ overlap: 'bounding-union', suppress: '>=' }, [0]],
		],
	},
	{
		// 9 of 100, or all of the smaller one
		what: 'a small box within a large one',
		boxes: [0, 0, 10, 10, 2, 2, 5, 5],
		scores: [0.9, 0.8],
		iouThreshold: 0.7,
		kept: [0, 1],
		others: [
			[{ preset: 'mtcnn', score: '>', overlap: 'iom' }, [0]],
			[{ overlap: 'iom' }, [0]],
		],
	},
];

// MTCNN's three networks (kpzhang93's MATLAB code; davidsandberg/facenet and facenet-pytorch, detect_face.py; ipazc/mtcnn
// 1.0). P-Net looks at every 12 x 12 pixels of each level of an image pyramid; R-Net and O-Net look at the squares that
// the one before left. facenet suppresses a network's boxes before it moves them by the regression (all but O-Net's), so
// there a detection carries its four regression numbers as mask coefficients; ipazc moves them first.

import { checkGrid, checkPositiveNumber } from '../anchors/levels.js';
import { cellsAlong, type MtcnnStyle, mtcnnCells } from '../anchors/pyramid.js';
import { checkBoolean, checkInteger, checkSize, checkWord, readOptions, refuse } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { corners } from '../codecs/corners.js';
import { checkInput, flatLevel, type HeadLayout, mapLayouts } from './common.js';
import type { Axis, Head, TensorSpec } from './head.js';

/** Options of `mtcnnPNet`. */
export interface MtcnnPNetOptions {
	/** What the network saw of the level, [height, width] in pixels: `size` of `imagePyramid`. */
	inputSize: readonly [number, number];
	/** Pixels of the level per pixel of the frame: `scale` of `imagePyramid`. */
	scale: number;
	/** Default 'facenet'. */
	style?: MtcnnStyle;
	/** Grid of the network's output, [height, width]; default that of MTCNN's layers, ceil((side - 2) / 2) - 4. */
	gridSize?: readonly [number, number];
	/** The network was fed the image on its side, as Caffe's and facenet's TensorFlow models are: its output is [channels, x, y]. Default false. */
	transposed?: boolean;
	/** Default 'auto': told from the dims. */
	layout?: HeadLayout;
}

/** Options of `mtcnnRNet` and `mtcnnONet`. */
export interface MtcnnRefineOptions {
	/** [height, width] of the frame in pixels. */
	frameSize: readonly [number, number];
	/** Most squares that a call may bring. Default 1000. */
	numProposals?: number;
	/** Default 'facenet'. */
	style?: MtcnnStyle;
}

/** The probabilities are of no face and of a face. */
const FACE = 1;

/**
 * The head of P-Net for one level: 'reg' [4, y, x] and 'prob' [2, y, x], in this order, softmaxed already. Boxes are in pixels of the frame. Suppress
 * each level above 0.5, then all together above 0.7 (`nms`). With 'facenet' boxes are cells cut to whole pixels (`mtcnnCells`) and
 * `maskCoefficients` holds their regression, for `corners().decode(regression, boxes)` after suppression; with 'ipazc' it is applied.
 * Then `squareBoxes`. One head per level: its anchors depend on the scale.
 */
export function mtcnnPNet(options: MtcnnPNetOptions): Head {
	const call = 'mtcnnPNet';
	const known = ['inputSize', 'scale', 'style', 'gridSize', 'transposed', 'layout'] as const;
	const given = readOptions('mtcnnPNet', 'options', options, known) as Partial<MtcnnPNetOptions>;
	const size = checkInput(call, given.inputSize);
	const style = readStyle(call, given.style);
	const transposed = checkBoolean(call, 'transposed', given.transposed ?? false);
	const scale = checkPositiveNumber(call, 'scale', given.scale);
	const [height, width] = readGrid(call, size, given.gridSize);
	const rows = mtcnnCells({ size, scale }, { style, gridSize: [height, width] });
	// on its side the map's rows are the image's columns
	const grid = transposed ? ([width, height] as const) : ([height, width] as const);
	const sizes = { y: grid[0], x: grid[1], cell: height * width };
	const layouts = mapLayouts(call, given.layout ?? 'auto');
	return {
		name: 'mtcnn-pnet',
		inputSize: size,
		numClasses: 1,
		numAnchors: height * width,
		tensors: [
			{ name: 'reg', aliases: ['conv4-2', 'output_reg'], layouts, sizes: { channel: 4, ...sizes } },
			{ name: 'prob', aliases: ['prob1', 'probs', 'output_prob'], layouts, sizes: { channel: 2, ...sizes } },
		],
		levels: [
			{
				...{ firstAnchor: 0, numAnchors: height * width, grid, numShapes: 1, order: 'yxa' as const, stride: 2 },
				...{ box: { tensor: 0, channel: 0 }, classes: { tensor: 1, channel: FACE } },
				...(style === 'facenet' && { maskCoefficients: { tensor: 0, channel: 0 } }),
			},
		],
		score: { activation: 'none' },
		codec: corners({ unit: style === 'facenet' ? 'none' : 'size' }),
		anchors: transposed ? onItsSide(rows, height, width) : rows,
		...(style === 'facenet' && { maskCoefficients: 4 }),
	};
}

/**
 * The head of R-Net: 'reg' [N, 4], 'prob' [N, 2] and 'proposals' [N, 4], in this order; proposals are the squares that were cut out, xyxy in
 * pixels of the frame. Suppress above 0.7. With 'facenet' boxes are the proposals as they were and `maskCoefficients` holds the
 * regression, for `corners({ inclusive: true }).decode(regression, boxes)`; with 'ipazc' it is applied. Then `squareBoxes`.
 */
export function mtcnnRNet(options: MtcnnRefineOptions): Head {
	const { frameSize, numProposals, style } = readRefine('mtcnnRNet', options);
	const tensors = [rowsOf('reg', ['conv5-2'], numProposals, 4), rowsOf('prob', ['prob1', 'probs'], numProposals, 2), proposalsOf(numProposals)];
	const place = { ...flatLevel(numProposals), classes: { tensor: 1, channel: FACE } };
	const plain = { name: 'mtcnn-rnet', inputSize: frameSize, numClasses: 1, numAnchors: numProposals, tensors, variableAnchors: true };
	if (style === 'facenet') {
		return {
			...plain,
			levels: [{ ...place, box: { tensor: 2, channel: 0 }, maskCoefficients: { tensor: 0, channel: 0 } }],
			score: { activation: 'none' },
			codec: boxes({ format: 'xyxy' }),
			maskCoefficients: 4,
		};
	}
	return {
		...plain,
		levels: [{ ...place, box: { tensor: 0, channel: 0 }, anchors: { tensor: 2, channel: 0 } }],
		score: { activation: 'none' },
		codec: corners({ inclusive: true }),
	};
}

/**
 * The head of O-Net: 'reg' [N, 4], 'landmarks' [N, 10], 'prob' [N, 2] and 'proposals' [N, 4], in this order; five points, every x before every y:
 * left eye, right eye, nose, left and right corner of the mouth, as the image shows them. Both styles apply the regression before
 * suppression, above 0.7 of the smaller area (`semantics`), and count both border pixels of a proposal.
 */
export function mtcnnONet(options: MtcnnRefineOptions): Head {
	const { frameSize, numProposals } = readRefine('mtcnnONet', options);
	return {
		name: 'mtcnn-onet',
		inputSize: frameSize,
		numClasses: 1,
		numAnchors: numProposals,
		tensors: [
			rowsOf('reg', ['conv6-2'], numProposals, 4),
			rowsOf('landmarks', ['conv6-3', 'points'], numProposals, 10),
			rowsOf('prob', ['prob1', 'probs'], numProposals, 2),
			proposalsOf(numProposals),
		],
		levels: [
			{
				...flatLevel(numProposals),
				box: { tensor: 0, channel: 0 },
				classes: { tensor: 2, channel: FACE },
				anchors: { tensor: 3, channel: 0 },
				keypoints: { tensor: 1, channel: 0 },
			},
		],
		score: { activation: 'none' },
		codec: corners({ inclusive: true }),
		variableAnchors: true,
		keypoints: { count: 5, dims: 2, order: 'axes', relative: true, inclusive: true },
	};
}

function readRefine(call: string, options: unknown): Required<MtcnnRefineOptions> {
	const given = readOptions(call, 'options', options, ['frameSize', 'numProposals', 'style']) as Partial<MtcnnRefineOptions>;
	const numProposals = checkInteger(call, 'numProposals', given.numProposals ?? 1000, 1, 2 ** 24);
	return { frameSize: checkFrame(call, given.frameSize), numProposals, style: readStyle(call, given.style) };
}

function readStyle(call: string, style: unknown): MtcnnStyle {
	return checkWord(call, 'style', style ?? 'facenet', ['facenet', 'ipazc']);
}

function checkFrame(call: string, frameSize: unknown): readonly [number, number] {
	const size = checkSize(call, 'frameSize', frameSize);
	size.forEach((n, i) => {
		checkInteger(call, `frameSize[${i}]`, n, 1, 2 ** 24);
	});
	return [size[0], size[1]];
}

function readGrid(call: string, size: readonly [number, number], gridSize: unknown): readonly [number, number] {
	if (gridSize === undefined) {
		size.forEach((side, i) => {
			if (cellsAlong(side) < 1) refuse(RangeError, call, `inputSize[${i}]`, 'must be 11 pixels or more, which make one cell', side);
		});
		return [cellsAlong(size[0]), cellsAlong(size[1])];
	}
	const grid = checkGrid(call, 'gridSize', gridSize);
	grid.forEach((n, i) => {
		if (n < 1) refuse(RangeError, call, `gridSize[${i}]`, 'must be 1 or more', n);
	});
	return grid;
}

/** One row per square; converters leave two axes of length 1 behind. */
const ROWS: readonly (readonly Axis[])[] = [
	['anchor', 'channel'],
	['anchor', 'channel', 'one', 'one'],
];

function rowsOf(name: string, aliases: readonly string[], anchor: number, channel: number): TensorSpec {
	return { name, aliases, layouts: ROWS, sizes: { anchor, channel } };
}

function proposalsOf(anchor: number): TensorSpec {
	return { name: 'proposals', aliases: ['squares'], layouts: [ROWS[0]], sizes: { anchor, channel: 4 } };
}

/** Rows of cells numbered y, x as rows numbered x, y. */
function onItsSide(rows: Float32Array, height: number, width: number): Float32Array {
	const out = new Float32Array(rows.length);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) out.set(rows.subarray((y * width + x) * 4, (y * width + x) * 4 + 4), (x * height + y) * 4);
	}
	return out;
}

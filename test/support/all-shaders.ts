// Every shader there is, with every variant of its text: what `npm run wgsl` writes out to be read, and what the tests
// compile with each compiler.

import { binsShader } from '../../shaders/bins.wgsl.js';
import { decodeShader } from '../../shaders/decode.wgsl.js';
import { gatherShader } from '../../shaders/gather.wgsl.js';
import { maskLogitsShader, masksShader } from '../../shaders/masks.wgsl.js';
import { mergeShader } from '../../shaders/merge.wgsl.js';
import { overlapsShader } from '../../shaders/overlaps.wgsl.js';
import { pairsShader } from '../../shaders/pairs.wgsl.js';
import { prefilterShader } from '../../shaders/prefilter.wgsl.js';
import { rankShader } from '../../shaders/rank.wgsl.js';
import { scatterShader } from '../../shaders/scatter.wgsl.js';
import type { AnchorSource } from '../../shaders/shared/anchors.wgsl.js';
import { softenShader } from '../../shaders/soften.wgsl.js';
import { suppressShader } from '../../shaders/suppress.wgsl.js';
import { sweepShader } from '../../shaders/sweep.wgsl.js';
import { assignShader } from '../../shaders/training/assign.wgsl.js';
import { scoreShader, selectShader } from '../../shaders/training/evolve.wgsl.js';
import { lossesShader } from '../../shaders/training/losses.wgsl.js';
import { overlapMaximaShader, overlapTiesShader } from '../../shaders/training/overlaps.wgsl.js';
import { sumShader } from '../../shaders/training/sum.wgsl.js';
import { type OverlapRule, PLAIN_OVERLAP } from '../../src/boxes/overlap.js';
import { bins } from '../../src/codecs/bins.js';
import { boxes } from '../../src/codecs/boxes.js';
import { cell } from '../../src/codecs/cell.js';
import { centers } from '../../src/codecs/centers.js';
import type { BoxCodec } from '../../src/codecs/codec.js';
import { corners } from '../../src/codecs/corners.js';
import { deltas } from '../../src/codecs/deltas.js';
import { distances } from '../../src/codecs/distances.js';
import { mediapipe } from '../../src/codecs/mediapipe.js';
import { rotatedDeltas } from '../../src/codecs/rotated-deltas.js';
import { rotatedDistances } from '../../src/codecs/rotated-distances.js';
import type { Head, ScoreSpec } from '../../src/heads/head.js';
import { SIZES, SOFTWARE_SIZES } from '../../src/layout.js';
import { BITMASK_LIMIT } from '../../src/stages.js';

const CODECS: Readonly<Record<string, BoxCodec>> = {
	'boxes-cxcywh': boxes({ format: 'cxcywh' }),
	'boxes-xyxy': boxes({ format: 'xyxy' }),
	'boxes-yxyx-scaled': boxes({ format: 'yxyx', scale: [640, 640] }),
	'boxes-xywh': boxes({ format: 'xywh' }),
	deltas: deltas(),
	'deltas-yxhw': deltas({ order: 'yxhw', weights: [0.1, 0.1, 0.2, 0.2] }),
	'deltas-means-legacy': deltas({ means: [0.1, 0, 0, 0], clamp: [-4, 4], centerClamp: 32, legacy: 'mmdet' }),
	corners: corners({ variances: 0.2 }),
	'corners-pixels': corners({ unit: 'pixels' }),
	'corners-inclusive': corners({ inclusive: true }),
	centers: centers({ order: 'yxhw', activation: 'relu' }),
	'centers-sizes': centers({ offsets: false }),
	'distances-signed': distances({ signed: true }),
	cell: cell({ version: 'v5' }),
	'cell-v3': cell({ version: 'v3' }),
	'cell-v4': cell({ version: 'v4', sigmoid: false }),
	'cell-x': cell({ version: 'x' }),
	distances: distances(),
	'distances-size-tblr': distances({ unit: 'size', order: 'tblr', scale: 4, activation: 'relu' }),
	'distances-exp': distances({ unit: 'pixels', activation: 'exp' }),
	mediapipe: mediapipe({ scale: 128 }),
	'mediapipe-exp': mediapipe({ scale: [10, 10, 5, 5], exponential: true, order: 'xyxy' }),
	bins: bins(),
	'boxes-cxcywhr': boxes({ format: 'cxcywhr' }),
	'rotated-distances': rotatedDistances(),
	'rotated-distances-bins': rotatedDistances({ numBins: 16, angle: 'raw' }),
	'rotated-deltas': rotatedDeltas(),
};

const SCORES: Readonly<Record<string, ScoreSpec>> = {
	probability: { activation: 'none' },
	logit: { activation: 'sigmoid' },
	'objectness-probability': { activation: 'none', objectness: { activation: 'none' } },
	'objectness-logit': { activation: 'sigmoid', objectness: { activation: 'sigmoid' } },
	'softmax-first': { activation: 'softmax', background: 'first' },
	'softmax-last': { activation: 'softmax', background: 'last' },
	'softmax-none': { activation: 'softmax', background: 'none' },
	'softmax-objectness': { activation: 'softmax', background: 'none', objectness: { activation: 'sigmoid' } },
	centerness: { activation: 'sigmoid', objectness: { activation: 'sigmoid', combine: 'sqrt' } },
	peaks: { activation: 'none', peaks: true },
	'given-ids': { activation: 'none', classes: 'given' },
	'level-ids': { activation: 'sigmoid', classes: 'level' },
};

/** A head of one anchor: only what shapes the shader's text matters. */
function headOf(codec: BoxCodec, score: ScoreSpec): Head {
	const field = { tensor: 0, channel: 0 };
	return {
		name: 'any',
		inputSize: [64, 64],
		numClasses: 3,
		numAnchors: 1,
		tensors: [],
		levels: [
			{
				firstAnchor: 0,
				numAnchors: 1,
				grid: [1, 1],
				numShapes: 1,
				order: 'yxa',
				stride: 8,
				box: field,
				classes: field,
				objectness: score.objectness && field,
				classIds: score.classes === 'given' ? field : undefined,
			},
		],
		score,
		codec,
		anchors: codec.anchors === 'none' ? undefined : new Float32Array(4),
	};
}

function decodeVariants(): [string, string][] {
	const half = { box: false, classes: false, extra: false, anchors: false };
	const allHalf = { box: true, classes: true, extra: true, anchors: false };
	const plain = { multiLabel: false, classFilter: false, givenClasses: false, anchors: 'rows', half, sizes: SIZES } as const;
	const shaders: [string, string][] = [];
	for (const [codecName, codec] of Object.entries(CODECS)) {
		shaders.push([`decode.${codecName}`, decodeShader({ ...plain, head: headOf(codec, SCORES.probability) })]);
	}
	for (const [scoreName, score] of Object.entries(SCORES)) {
		const head = headOf(CODECS.distances, score);
		shaders.push([`decode.${scoreName}`, decodeShader({ ...plain, head, classFilter: true })]);
		shaders.push([`decode.${scoreName}.multi-label`, decodeShader({ ...plain, head, multiLabel: true })]);
		shaders.push([`decode.${scoreName}.multi-label.float16`, decodeShader({ ...plain, head, multiLabel: true, classFilter: true, half: allHalf })]);
	}
	shaders.push(['decode.one-lane', decodeShader({ ...plain, head: headOf(CODECS.distances, SCORES.logit), sizes: SOFTWARE_SIZES })]);
	shaders.push(['decode.given-classes', decodeShader({ ...plain, givenClasses: true, head: headOf(CODECS['boxes-xyxy'], SCORES.probability) })]);
	const field = { tensor: 0, channel: 0 };
	const proposals = headOf(CODECS.deltas, SCORES['softmax-first']);
	const staged = { ...proposals, boxStep: 4, levels: [{ ...proposals.levels[0], anchors: field }] };
	for (const name of ['deltas', 'distances'] as const) {
		shaders.push([`decode.${name}.lattice`, decodeShader({ ...plain, anchors: 'lattice', head: headOf(CODECS[name], SCORES.logit) })]);
	}
	shaders.push(['decode.proposals', decodeShader({ ...plain, head: staged, anchors: 'call', half: { ...allHalf, anchors: true } })]);
	return shaders;
}

function gatherVariants(): [string, string][] {
	const field = { tensor: 0, channel: 0 };
	const half = { keypoints: false, masks: true, anchors: false };
	const points = { count: 17, dims: 3, relative: true, scale: 2, shift: -0.5, activation: 'sigmoid' } as const;
	const plain = headOf(CODECS.distances, SCORES.probability);
	const boxed = headOf(CODECS.deltas, SCORES.probability);
	const of = (head: Head, anchors: AnchorSource = 'lattice') => gatherShader({ head, anchors, half, sizes: SIZES });
	return [
		['gather.keypoints', of({ ...plain, keypoints: points })],
		['gather.masks', of({ ...plain, maskCoefficients: 32 })],
		['gather.both', of({ ...plain, keypoints: { count: 5, dims: 2, relative: false, unit: [640, 480] }, maskCoefficients: 32 })],
		['gather.proposals', of({ ...boxed, keypoints: { count: 5, dims: 2, relative: true }, levels: [{ ...boxed.levels[0], anchors: field }] }, 'call')],
	];
}

/** Every branch of the text of a rule of overlap. */
const RULES: readonly OverlapRule[] = [
	{ kind: 'iou', pixelOffset: 1 },
	{ kind: 'bounding-union', pixelOffset: 0 },
	{ kind: 'iom', pixelOffset: 1 },
	{ ...PLAIN_OVERLAP, rotated: 'iou' },
	{ ...PLAIN_OVERLAP, rotated: 'probiou' },
];

const LOSSES = [
	...(['bce', 'smooth-l1', 'l2', 'focal', 'focal-probabilities', 'varifocal', 'quality', 'gaussian', 'classes', 'bins'] as const),
	...(['box-iou-linear', 'box-iou-log', 'box-iou-square', 'box-giou', 'box-diou', 'box-ciou'] as const),
];

/** [name, WGSL] of every shader in every variant. */
export function allShaders(): [name: string, wgsl: string][] {
	const kinds = ['iou', 'giou', 'diou', 'ciou', 'iof', 'iom', 'rotated-iou', 'probiou'] as const;
	return [
		...decodeVariants(),
		...gatherVariants(),
		['merge', mergeShader(SIZES)],
		['bins', binsShader(SIZES)],
		['scatter', scatterShader(SIZES)],
		['rank', rankShader(SIZES)],
		['prefilter', prefilterShader(SIZES)],
		['suppress', suppressShader(SIZES)],
		...RULES.map((rule): [string, string] => [`suppress.${rule.rotated ?? rule.kind}.${rule.pixelOffset}`, suppressShader(SIZES, rule)]),
		['prefilter.rotated', prefilterShader(SIZES, { ...PLAIN_OVERLAP, rotated: 'iou' })],
		['suppress.fast', suppressShader(SIZES, { ...PLAIN_OVERLAP, rotated: 'probiou', fast: true })],
		['prefilter.fast', prefilterShader(SIZES, { ...PLAIN_OVERLAP, rotated: 'probiou', fast: true })],
		['sweep.fast', sweepShader(SIZES, BITMASK_LIMIT, true)],
		['soften.gaussian', softenShader(SIZES)],
		['soften.removal', softenShader(SIZES, { method: 'gaussian', removal: true }, { kind: 'bounding-union', pixelOffset: 0 })],
		['soften.linear', softenShader(SIZES, { method: 'linear', removal: false }, { kind: 'iom', pixelOffset: 1 })],
		['overlaps.rotated', overlapsShader(SIZES, BITMASK_LIMIT, { ...PLAIN_OVERLAP, rotated: 'probiou' })],
		['overlaps', overlapsShader(SIZES, BITMASK_LIMIT)],
		['sweep', sweepShader(SIZES, BITMASK_LIMIT)],
		...[false, true].map((half): [string, string] => [`mask-logits.${half ? 'float16' : 'float32'}`, maskLogitsShader(half, SIZES.workgroup)]),
		...(['bytes', 'logits', 'labels'] as const).map((output): [string, string] => [`masks.${output}`, masksShader(output, SIZES.workgroup)]),
		...kinds.map((kind): [string, string] => [`pairs.${kind}`, pairsShader(kind, SIZES.workgroup)]),
		...LOSSES.map((kind): [string, string] => [`losses.${kind}`, lossesShader(kind, 64)]),
		['losses.sum', sumShader(256)],
		...[true, false].map((isIou): [string, string] => [`training.assign.${isIou ? 'iou' : 'distance'}`, assignShader(9, isIou)]),
		['training.assign.most', assignShader(512, true)],
		...[1, 9, 512].flatMap((k): [string, string][] => [
			[`training.score.${k}`, scoreShader(k)],
			[`training.select.${k}`, selectShader(k)],
		]),
		['training.overlap-maxima', overlapMaximaShader()],
		...(['first', 'last'] as const).map((keep): [string, string] => [`training.overlap-ties.${keep}`, overlapTiesShader(keep)]),
	];
}

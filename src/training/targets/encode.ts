// What a network with anchors should have said, anchor by anchor: the offsets that decode to the ground truth, and the class. In go a
// matcher's answer, the anchors and the ground truths; out come flat arrays with a row for each anchor, and weights that mask them.

import { upright } from '../../boxes/rotated-formats.js';
import { checkBoolean, checkWord, readOptions, refuse } from '../../checks.js';
import { anchorWidth, type BoxCodec } from '../../codecs/codec.js';
import { type BoxesLike, checkBoxes, checkRows, type FloatsLike } from '../../inputs.js';
import { type MatchesLike, readClasses, readMatches, readNumClasses } from './read.js';

/** Options of `encodeTargets`. */
export interface EncodeTargetsOptions {
	/** The codec of the network's boxes, as its head has it: `deltas(...)`, `corners(...)`, `distances(...)`, ... */
	codec: BoxCodec;
	/** Input pixels per cell, for the `cell` codec: one for all, or one for each anchor. */
	stride?: number | Float32Array;
	/** Class ids [G] of the ground truths, background not counted. Without them there are no class targets. */
	classIds?: ArrayLike<number>;
	/** Classes, background not counted. Needed for `background: 'last'` and for `oneHot`. */
	numClasses?: number;
	/**
	 * Which class a negative has. 'none' (default): none at all, for independent sigmoids. 'first': 0, and classes count from 1 (torchvision's
	 * Fast R-CNN and SSD, Caffe). 'last': `numClasses` (detectron2, mmdetection, DETR).
	 */
	background?: 'none' | 'first' | 'last';
	/** Also give class targets as rows of zeros and ones. Default false. */
	oneHot?: boolean;
	/**
	 * What to do about a positive whose box the codec cannot express (a centre on the border of a YOLO cell, a side beyond the last bin). 'refuse'
	 * (default): throw. 'report': its row has no box weight, and `unreachable` names it.
	 */
	unreachable?: 'refuse' | 'report';
}

/** Targets of A anchors. */
export interface EncodedTargets {
	/** [A] as given: 1: positive, 0: negative, -1: ignored. */
	readonly labels: Int32Array;
	/** [A, numRaw] what the codec decodes to the ground truth; 0 where an anchor is not positive. */
	readonly offsets: Float32Array;
	/** [A] 1 where offsets count: for positives. */
	readonly boxWeights: Float32Array;
	/** [A] 1 where classes count: for positives and negatives, 0 for those ignored. */
	readonly classWeights: Float32Array;
	/** [A] the class of each anchor, background as asked; -1 where it is ignored, and with `background: 'none'` where it is negative. */
	readonly classes?: Int32Array;
	/** [A, numClasses], with a background [A, numClasses + 1]: 1 at the class, 0 elsewhere; rows of ignored anchors are 0. */
	readonly oneHot?: Float32Array;
	/** Positives that the codec cannot express. */
	readonly unreachable: Uint32Array;
	readonly numPositives: number;
}

const KNOWN = ['codec', 'stride', 'classIds', 'numClasses', 'background', 'oneHot', 'unreachable'] as const;

/**
 * Targets from a matcher's answer. `anchors` are rows as the codec has them ([A, 4], or [A, 5] with an angle; undefined for codecs without),
 * `groundTruths` boxes [G, 4] in input pixels; for codecs with an angle in the format 'cxcywhr'. `codec.decode(offsets, anchors)` is the
 * ground truth again, within 1e-5 of its size. Where one anchor answers for several ground truths (YOLOv5) the last one counts; `yolov5Targets`
 * has all. Throws a TypeError or RangeError that names the argument, or the ground truth and anchor that the codec cannot bring together.
 */
export function encodeTargets(matches: MatchesLike, anchors: FloatsLike | undefined, groundTruths: BoxesLike, options: EncodeTargetsOptions): EncodedTargets {
	const where = 'encodeTargets';
	const given = readOptions(where, 'options', options, KNOWN) as Partial<EncodeTargetsOptions>;
	const codec = checkCodec(where, given.codec);
	const boxes = readTruths(where, groundTruths, codec);
	const numTruths = boxes.length / (codec.rotated ? 5 : 4);
	const width = anchorWidth(codec.anchors);
	const rows = codec.anchors === 'none' ? undefined : checkRows(where, 'anchors', anchors, width);
	const read = readMatches(where, matches, numTruths, rows && rows.length / width);
	const report = checkWord(where, 'unreachable', given.unreachable ?? 'refuse', ['refuse', 'report']) === 'report';

	const stride = checkStride(where, given.stride, read.labels.length, codec);
	const found = encodePositives(where, read, rows, boxes, codec, stride, report);
	return { labels: read.labels, ...found, ...classTargets(where, read, numTruths, given) };
}

function checkCodec(where: string, value: unknown): BoxCodec {
	const isCodec = typeof value === 'object' && value !== null && typeof (value as BoxCodec).encode === 'function';
	if (!isCodec) refuse(TypeError, where, 'codec', 'must be a codec, as deltas()', value);
	return value as BoxCodec;
}

/** Ground truths as the codec encodes them: [G, 4] xyxy, or [G, 5] with the angle behind. */
function readTruths(where: string, value: unknown, codec: BoxCodec): Float32Array {
	const { rows, rotated } = checkBoxes(where, 'groundTruths', value);
	if (rotated && !codec.rotated) refuse(TypeError, where, 'groundTruths', 'must be upright boxes', value, `the codec ${codec.kind} has no angle`);
	if (!rotated && codec.rotated) refuse(TypeError, where, 'groundTruths', "must have format 'cxcywhr'", value, `the codec ${codec.kind} has an angle`);
	return rotated ? upright(rows) : rows;
}

function checkStride(where: string, value: unknown, numAnchors: number, codec: BoxCodec): EncodeTargetsOptions['stride'] {
	if (value === undefined) {
		if (codec.kind === 'cell' && codec.anchors === 'cxcywh') refuse(TypeError, where, 'stride', 'must be given for the cell codec', value);
		return value;
	}
	const stride = typeof value === 'number' ? Float32Array.of(value) : checkRows(where, 'stride', value, 1);
	if (typeof value !== 'number' && stride.length !== numAnchors) {
		refuse(RangeError, where, 'stride', `must be a number, or have one entry per anchor, ${numAnchors}`, stride.length);
	}
	const stranger = stride.findIndex((s) => !(s > 0 && s < Infinity));
	if (stranger >= 0) refuse(RangeError, where, typeof value === 'number' ? 'stride' : `stride[${stranger}]`, 'must be a positive number', stride[stranger]);
	return typeof value === 'number' ? value : stride;
}

function encodePositives(
	where: string,
	{ labels, matches }: MatchesLike,
	rows: Float32Array | undefined,
	boxes: Float32Array,
	codec: BoxCodec,
	stride: EncodeTargetsOptions['stride'],
	report: boolean,
): Pick<EncodedTargets, 'offsets' | 'boxWeights' | 'unreachable' | 'numPositives'> {
	const positives = Uint32Array.from(labels.keys()).filter((a) => labels[a] > 0);
	const width = anchorWidth(codec.anchors);
	const size = codec.rotated ? 5 : 4;
	const encode = (list: Uint32Array) =>
		codec.encode(
			gather(
				boxes,
				size,
				Uint32Array.from(list, (a) => matches[a]),
			),
			rows && gather(rows, width, list),
			typeof stride === 'object' ? gather(stride, 1, list) : stride,
		);
	const offsets = new Float32Array(labels.length * codec.numRaw);
	const boxWeights = new Float32Array(labels.length);
	const unreachable: number[] = [];
	const put = (list: Uint32Array) => {
		const encoded = encode(list);
		list.forEach((a, i) => {
			offsets.set(encoded.subarray(i * codec.numRaw, (i + 1) * codec.numRaw), a * codec.numRaw);
			boxWeights[a] = 1;
		});
	};
	try {
		put(positives);
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		// one of them cannot be: find it
		for (const a of positives) {
			try {
				put(Uint32Array.of(a));
			} catch (cause) {
				if (!(cause instanceof RangeError)) throw cause;
				if (!report) {
					const box = Array.from(boxes.subarray(matches[a] * size, (matches[a] + 1) * size));
					refuse(RangeError, where, `groundTruths[${matches[a]}]`, `must be a box that the codec can tell from anchors[${a}]`, box, cause.message);
				}
				unreachable.push(a);
			}
		}
	}
	return { offsets, boxWeights, unreachable: Uint32Array.from(unreachable), numPositives: positives.length };
}

function gather(rows: Float32Array, width: number, list: Uint32Array): Float32Array {
	const out = new Float32Array(list.length * width);
	list.forEach((k, i) => {
		out.set(rows.subarray(k * width, (k + 1) * width), i * width);
	});
	return out;
}

function classTargets(
	where: string,
	{ labels, matches }: MatchesLike,
	numTruths: number,
	given: Partial<EncodeTargetsOptions>,
): Pick<EncodedTargets, 'classWeights' | 'classes' | 'oneHot'> {
	const classWeights = Float32Array.from(labels, (label) => (label < 0 ? 0 : 1));
	const oneHot = checkBoolean(where, 'oneHot', given.oneHot ?? false);
	if (given.classIds === undefined) {
		for (const name of ['numClasses', 'background'] as const) {
			if (given[name] !== undefined) refuse(TypeError, where, name, 'must be absent without classIds', given[name]);
		}
		if (oneHot) refuse(TypeError, where, 'oneHot', 'must be absent without classIds', oneHot);
		return { classWeights };
	}
	const background = checkWord(where, 'background', given.background ?? 'none', ['none', 'first', 'last']);
	const counted = oneHot || background === 'last' || given.numClasses !== undefined;
	const numClasses = counted ? readNumClasses(where, given.numClasses) : undefined;
	const ids = readClasses(where, given.classIds, numTruths, numClasses);
	const first = background === 'first' ? 1 : 0;
	const negative = background === 'first' ? 0 : background === 'last' ? (numClasses as number) : -1;
	const classes = labels.map((label, a) => (label > 0 ? ids[matches[a]] + first : label === 0 ? negative : -1));
	if (!oneHot) return { classWeights, classes };
	const width = (numClasses as number) + (background === 'none' ? 0 : 1);
	const rows = new Float32Array(labels.length * width);
	classes.forEach((c, a) => {
		if (c >= 0) rows[a * width + c] = 1;
	});
	return { classWeights, classes, oneHot: rows };
}

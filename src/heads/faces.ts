// Face detectors with five points, per level one tensor of each kind: SCRFD, whose boxes are distances
// (insightface, detection/scrfd/tools/scrfd.py), and YuNet, whose boxes are YOLOX's (OpenCV, objdetect/src/face_detect.cpp).

import { anchorPoints } from '../anchors/points.js';
import { checkBoolean, checkInteger, readOptions } from '../checks.js';
import { cell } from '../codecs/cell.js';
import { distances } from '../codecs/distances.js';
import { checkInput, checkStrides, gridLevels } from './common.js';
import type { Axis, Field, Head, Level, TensorSpec } from './head.js';

/** Options of `scrfd`. */
export interface ScrfdOptions {
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/** Default [8, 16, 32]; models of ten and more tensors have 64 and 128 too. */
	strides?: readonly number[];
	/** Anchors per cell, all alike at first sight. Default 2; 1 in models of five strides. */
	anchorsPerCell?: number;
	/** Whether the model has points (the kps models). Default true. */
	keypoints?: boolean;
}

/** Options of `yunet`. */
export interface YunetOptions {
	/** Network input in pixels, [height, width], multiples of 32. Default [640, 640]. */
	inputSize?: readonly [number, number];
}

/** A kind of tensor, one per level. */
interface Kind {
	readonly name: string;
	readonly field: 'classes' | 'objectness' | 'box' | 'keypoints';
	readonly channels: number;
	/** Names without a stride in them, fine to coarse. */
	readonly numbers?: readonly string[];
}

/** Two eyes, the nose, two corners of the mouth: (raw + cell) stride. */
const POINTS = { count: 5, dims: 2, relative: true } as const;

/**
 * The head of SCRFD: 16800 anchors at 640 x 640, one class. Tensors: first all scores `score_8` ... [anchors, 1] (probabilities), then boxes `bbox_8`
 * ... [anchors, 4] and points `kps_8` ... [anchors, 10] in strides; or maps [channels, y, x]. The names of insightface's det_10g.onnx ('448'
 * ...) are known too. Throws on sizes that are not multiples of the strides.
 */
export function scrfd(options: ScrfdOptions = {}): Head {
	const given = readOptions('scrfd', 'options', options, ['inputSize', 'strides', 'anchorsPerCell', 'keypoints']) as ScrfdOptions;
	const inputSize = checkInput('scrfd', given.inputSize ?? [640, 640]);
	const strides = checkStrides('scrfd', inputSize, given.strides ?? [8, 16, 32]);
	const numShapes = checkInteger('scrfd', 'anchorsPerCell', given.anchorsPerCell ?? 2, 1, 16);
	const hasPoints = checkBoolean('scrfd', 'keypoints', given.keypoints ?? true);
	const kinds: Kind[] = [
		{ name: 'score', field: 'classes', channels: 1, numbers: ['448', '471', '494'] },
		{ name: 'bbox', field: 'box', channels: 4, numbers: ['451', '474', '497'] },
		...(hasPoints ? [{ name: 'kps', field: 'keypoints', channels: 10, numbers: ['454', '477', '500'] } as const] : []),
	];
	const points = anchorPoints({ inputSize, strides, offset: 0 });
	return {
		name: 'scrfd',
		inputSize,
		numClasses: 1,
		...perLevel(inputSize, strides, numShapes, kinds),
		score: { activation: 'none' },
		codec: distances(),
		anchors: Float32Array.from({ length: points.length * numShapes }, (_, k) => points[Math.floor(k / (4 * numShapes)) * 4 + (k % 4)]),
		...(hasPoints && { keypoints: POINTS }),
	};
}

/**
 * The head of YuNet (face_detection_yunet_2023mar.onnx): 8400 anchors at 640 x 640, one class; the score is the square root of `cls` times `obj`.
 * Tensors: `cls_8`, `cls_16`, `cls_32` [anchors, 1], then `obj_...` [anchors, 1], `bbox_...` [anchors, 4], `kps_...` [anchors, 10]. Throws on
 * sizes that are not multiples of 32.
 */
export function yunet(options: YunetOptions = {}): Head {
	const given = readOptions('yunet', 'options', options, ['inputSize']) as YunetOptions;
	const inputSize = checkInput('yunet', given.inputSize ?? [640, 640]);
	const strides = checkStrides('yunet', inputSize, [8, 16, 32]);
	const kinds: Kind[] = [
		{ name: 'cls', field: 'classes', channels: 1 },
		{ name: 'obj', field: 'objectness', channels: 1 },
		{ name: 'bbox', field: 'box', channels: 4 },
		{ name: 'kps', field: 'keypoints', channels: 10 },
	];
	return {
		name: 'yunet',
		inputSize,
		numClasses: 1,
		...perLevel(inputSize, strides, 1, kinds),
		score: { activation: 'none', objectness: { activation: 'none', combine: 'sqrt' } },
		codec: cell({ version: 'x' }),
		anchors: anchorPoints({ inputSize, strides, offset: 0 }),
		keypoints: POINTS,
	};
}

/** Tensors kind by kind, in each fine to coarse, and the levels that read them. */
function perLevel(inputSize: readonly [number, number], strides: readonly number[], numShapes: number, kinds: readonly Kind[]) {
	const layouts: readonly (readonly Axis[])[] = [
		['anchor', 'channel'],
		['shape-channel', 'y', 'x'],
	];
	const places = gridLevels(inputSize, strides, numShapes);
	const tensors = kinds.flatMap(({ name, channels, numbers }) =>
		places.map(
			({ stride, grid: [y, x], numAnchors }, i): TensorSpec => ({
				name: `${name}_${stride}`,
				aliases: numbers?.[i] ? [numbers[i]] : [],
				layouts,
				sizes: { anchor: numAnchors, channel: channels, shape: numShapes, y, x },
			}),
		),
	);
	const levels = places.map((place, i) => {
		const fields = kinds.map(({ field }, k): [string, Field] => [field, { tensor: k * places.length + i, channel: 0 }]);
		return { ...place, ...Object.fromEntries(fields) } as Level;
	});
	return { tensors, levels, numAnchors: places.reduce((sum, place) => sum + place.numAnchors, 0) };
}

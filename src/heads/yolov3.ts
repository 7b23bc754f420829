// YOLOv3 and v4: anchors on three levels (tiny: two), objectness times class, all sigmoids (darknet, yolo_layer.c). v4
// stretches the sigmoids of centres (scale_x_y); Scaled-YOLOv4 and darknet's v7 have v5's squares (new_coords).

import { cellAnchors } from '../anchors/points.js';
import { YOLOV3_ANCHORS, YOLOV3_TINY_ANCHORS, YOLOV4_ANCHORS, YOLOV4_TINY_ANCHORS } from '../anchors/yolo.js';
import { checkBoolean, checkWord, readOptions, refuse } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { type CellOptions, cell } from '../codecs/cell.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLevel } from './common.js';
import type { Axis, Head, ScoreSpec } from './head.js';
import { checkTable, shapedMaps } from './shaped-maps.js';

/** Options of `yolov3`. */
export interface Yolov3Options {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [416, 416]. */
	inputSize?: readonly [number, number];
	/** The tiny model: strides 16 and 32, and its anchors. Default false. */
	tiny?: boolean;
	/**
	 * 'raw' (default): one map per level, [3 (5 + classes), y, x] as a convolution leaves it, [y, x, 3 (5 + classes)] as Keras does, or split,
	 * [y, x, 3, 5 + classes]. 'decoded': `boxes` [anchors, 1, 4] or [anchors, 4], and `confs` [anchors, classes], objectness times class.
	 */
	outputs?: 'raw' | 'decoded';
	/** Maps only: how an array of them is ordered, and anchors numbered. Default as in darknet's cfg: 'coarse-to-fine', but 'fine-to-coarse' for v4 that is not tiny. */
	order?: 'coarse-to-fine' | 'fine-to-coarse';
	/** Anchor sizes per level, FINE to coarse whatever the order: width, height, ... in pixels. Default those of the version. */
	anchors?: readonly (readonly number[] | Float32Array)[];
	/** Fine to coarse. Default [8, 16, 32]; [16, 32] for tiny. */
	strides?: readonly number[];
	/**
	 * Maps only: 'probabilities' when the model has applied the sigmoids to objectness and classes but not to boxes (hunglc007's TensorFlow
	 * YOLOv4, which is in the ONNX model zoo). Default 'logits'.
	 */
	scores?: 'logits' | 'probabilities';
	/** Decoded only. Default 'xyxy', as pytorch-YOLOv4 exports boxes. */
	format?: 'xyxy' | 'yxyx' | 'cxcywh';
	/** Decoded only: coordinates are fractions of the input. Default true. */
	normalized?: boolean;
}

/** Options of `yolov4`. */
export interface Yolov4Options extends Yolov3Options {
	/** Maps only: scale_x_y of the cfg, one number or by stride. Default { 8: 1.2, 16: 1.1, 32: 1.05 }; 1.05 for tiny; 2 with `newCoords`. */
	scaleXY?: CellOptions['scaleXY'];
	/** Maps only: new_coords=1 of the cfg (yolov4-csp, yolov4x-mish, yolov7): the convolution has applied the sigmoid to every number. Default false. */
	newCoords?: boolean;
}

type Size = readonly [number, number];
const KNOWN = ['numClasses', 'inputSize', 'tiny', 'outputs', 'order', 'anchors', 'strides', 'scores', 'format', 'normalized'] as const;
const MAPS_ONLY = ['order', 'scores', 'scaleXY', 'newCoords'] as const;

/** The head of YOLOv3: 10647 anchors at 416 x 416, 2535 for tiny. Throws on anchor tables that do not fit the strides. */
export function yolov3(options: Yolov3Options): Head {
	const given = readOptions('yolov3', 'options', options, KNOWN) as Partial<Yolov3Options>;
	const tiny = checkBoolean('yolov3', 'tiny', given.tiny ?? false);
	return darknet('yolov3', given, { codec: { version: 'v3' }, table: tiny ? YOLOV3_TINY_ANCHORS : YOLOV3_ANCHORS, order: 'coarse-to-fine', tiny });
}

/** The head of YOLOv4: 10647 anchors at 416 x 416, 2535 for tiny. Throws on anchor tables that do not fit the strides. */
export function yolov4(options: Yolov4Options): Head {
	const given = readOptions('yolov4', 'options', options, [...KNOWN, 'scaleXY', 'newCoords']) as Partial<Yolov4Options>;
	const tiny = checkBoolean('yolov4', 'tiny', given.tiny ?? false);
	const newCoords = checkBoolean('yolov4', 'newCoords', given.newCoords ?? false);
	if (newCoords && given.scores !== undefined)
		refuse(TypeError, 'yolov4', 'scores', 'must be absent with newCoords, whose numbers are all probabilities', given.scores);
	const codec: CellOptions = newCoords
		? { version: 'v5', sigmoid: false, scaleXY: given.scaleXY }
		: { version: 'v4', scaleXY: given.scaleXY ?? (tiny ? 1.05 : undefined) };
	const table = tiny ? YOLOV4_TINY_ANCHORS : YOLOV4_ANCHORS;
	return darknet('yolov4', newCoords ? { ...given, scores: 'probabilities' } : given, {
		codec,
		table,
		order: tiny ? 'coarse-to-fine' : 'fine-to-coarse',
		tiny,
	});
}

/** What the versions differ in. */
interface Version {
	readonly codec: CellOptions;
	/** Fine to coarse. */
	readonly table: readonly (readonly number[])[];
	readonly order: 'coarse-to-fine' | 'fine-to-coarse';
	readonly tiny: boolean;
}

function darknet(call: string, given: Partial<Yolov4Options>, version: Version): Head {
	const numClasses = checkClasses(call, given.numClasses);
	const inputSize = checkInput(call, given.inputSize ?? [416, 416]);
	const strides = checkStrides(call, inputSize, given.strides ?? (version.tiny ? [16, 32] : [8, 16, 32]));
	const table = checkTable(call, given.anchors ?? version.table, strides.length);
	const outputs = checkWord(call, 'outputs', given.outputs ?? 'raw', ['raw', 'decoded']);
	for (const name of outputs === 'raw' ? (['format', 'normalized'] as const) : MAPS_ONLY) {
		if (given[name] !== undefined) refuse(TypeError, call, name, `must be absent with outputs: '${outputs}'`, given[name]);
	}
	if (outputs === 'decoded') return decoded(call, given, inputSize, numClasses, countCells(inputSize, strides) * (table[0].length / 2));
	const scores = checkWord(call, 'scores', given.scores ?? 'logits', ['logits', 'probabilities']);
	const order = checkWord(call, 'order', given.order ?? version.order, ['coarse-to-fine', 'fine-to-coarse']);
	const turned = <T>(list: readonly T[]) => (order === 'fine-to-coarse' ? list : list.slice().reverse());
	const shapes = turned(table);
	const aliases = (level: number, stride: number) => [...(CONVOLUTIONS[call][stride] ?? []), `output${level}`, level === 0 ? 'Identity' : `Identity_${level}`];
	const maps = shapedMaps({ inputSize, numClasses, strides: turned(strides), numShapes: table[0].length / 2, aliases });
	const activation = scores === 'logits' ? 'sigmoid' : 'none';
	return {
		name: call,
		inputSize,
		numClasses,
		...maps,
		score: { activation, objectness: { activation } },
		codec: cell(version.codec),
		anchors: cellAnchors(maps.levels.map(({ grid, stride }, i) => ({ grid, stride, shapes: shapes[i] }))),
	};
}

/** Maps by stride as ONNX exports of NVIDIA's and jkjung-avt's yolo_to_onnx.py call them: the full model, its variants, the tiny one. */
const CONVOLUTIONS: Readonly<Record<string, Readonly<Record<number, readonly string[]>>>> = {
	yolov3: {
		8: ['106_convolutional', '113_convolutional'],
		16: ['094_convolutional', '101_convolutional', '023_convolutional'],
		32: ['082_convolutional', '089_convolutional', '016_convolutional'],
	},
	yolov4: {
		8: ['139_convolutional', '144_convolutional_lgx'],
		16: ['150_convolutional', '159_convolutional_lgx', '037_convolutional'],
		32: ['161_convolutional', '174_convolutional_lgx', '030_convolutional'],
	},
};

const LIST: readonly Axis[] = ['anchor', 'channel'];
/** pytorch-YOLOv4 (tool/yolo_layer.py) has a box for every class in mind. */
const SPACED: readonly Axis[] = ['anchor', 'one', 'channel'];

function decoded(call: string, given: Partial<Yolov3Options>, inputSize: Size, numClasses: number, numAnchors: number): Head {
	const format = checkWord(call, 'format', given.format ?? 'xyxy', ['xyxy', 'yxyx', 'cxcywh']);
	const normalized = checkBoolean(call, 'normalized', given.normalized ?? true);
	const score: ScoreSpec = { activation: 'none' };
	return {
		name: call,
		inputSize,
		numClasses,
		numAnchors,
		tensors: [
			{ name: 'boxes', aliases: ['output_boxes'], layouts: [SPACED, LIST], sizes: { anchor: numAnchors, channel: 4 } },
			{ name: 'confs', aliases: ['scores'], layouts: [LIST], sizes: { anchor: numAnchors, channel: numClasses } },
		],
		levels: [{ ...flatLevel(numAnchors), box: { tensor: 0, channel: 0 }, classes: { tensor: 1, channel: 0 } }],
		score,
		codec: boxes({ format, scale: normalized ? [inputSize[1], inputSize[0]] : [1, 1] }),
	};
}

// One decoded tensor of a YOLO: [channels, anchors] or [anchors, channels], perhaps with mask prototypes beside it. The
// number of anchors gives grid and family; the channels are 4 or 5, the classes, and what a task adds.
//
// Which readings are live: one that leaves only the number of classes open (YOLOv8 of any channels; YOLOv5 with three
// anchors per cell; YOLOX and YOLOv6 anchors first, as they are exported) always. One that divides the channels further
// (an angle, keypoints, mask coefficients) where its numbers are those of published weights (DOTA's 15 classes, COCO's 17 x 3
// keypoints of one class, 32 coefficients with 80 classes or one), or where facts point at it: the task, the number of
// classes, kpt_shape, prototypes. More channels than anchors are believed only where nothing else fits.

import { YOLOV5_P6_ANCHORS } from '../../anchors/yolo.js';
import type { Facts } from './facts.js';
import { type Fit, type HeadName, propose, type Remarks } from './fit.js';
import { flatDims, inputsOf, type Size, SQUARE, unitsOf } from './guess.js';
import type { Dims, Output } from './outputs.js';

/** Strides of the three levels, of models with a P6, and of models with a P2. */
const STRIDES: readonly (readonly number[])[] = [
	[8, 16, 32],
	[8, 16, 32, 64],
	[4, 8, 16, 32],
];
/** Mask coefficients of YOLACT, and of YOLOs since. */
const MASKS = 32;

interface Flat {
	readonly channels: number;
	readonly anchorsFirst: boolean;
	/** Numbers before the classes: 4, or 5 with an objectness. */
	readonly first: 4 | 5;
	readonly strides: readonly number[];
	/** Options that all families share. */
	readonly common: Readonly<Record<string, unknown>>;
	readonly remarks: Remarks;
}

/** The heads of one decoded tensor. */
export function readFlatYolo(facts: Facts): Fit[] {
	const { outputs } = facts;
	const lists = outputs.filter(({ dims }) => flatDims(dims));
	if (lists.length !== 1) return [];
	const rest = outputs.filter((output) => output !== lists[0]);
	const prototypes = rest.length === 1 ? prototypesOf(rest[0]) : undefined;
	// older YOLOv5 exports put the maps beside the decoded tensor
	const hasMaps = rest.length >= 3 && rest.every(({ dims }) => dims.length === 5);
	if (rest.length > 0 && !prototypes && !hasMaps) return [];
	return flats(facts, lists[0].dims, rest.length, prototypes?.inputSize).flatMap((flat) => {
		if (hasMaps) return flat.first === 5 ? plain(facts, flat) : [];
		return prototypes ? masks(facts, flat, prototypes.count) : [...plain(facts, flat), ...masks(facts, flat), ...angle(facts, flat), ...points(facts, flat)];
	});
}

/** Prototypes [masks, y, x] or [y, x, masks] at a quarter of the input. */
function prototypesOf({ dims }: Output): { count: number; inputSize: Size } | undefined {
	if (dims.length !== 4) return undefined;
	const [, a, b, c] = dims;
	const [count, y, x] = a <= c ? [a, b, c] : [c, a, b];
	return { count, inputSize: [y * 4, x * 4] };
}

/** Axis orders, grids and input sizes that have so many anchors. */
function flats(facts: Facts, dims: Dims, spare: number, size?: Size): Flat[] {
	const [p, q] = flatDims(dims) as readonly [number, number];
	const found: Flat[] = [];
	const sized = size && !facts.inputSize ? { ...facts, inputSize: size } : facts;
	for (const anchorsFirst of [false, true]) {
		const [channels, anchors] = anchorsFirst ? [q, p] : [p, q];
		for (const strides of STRIDES) {
			for (const first of [4, 5] as const) {
				for (const inputSize of inputsOf(sized, anchors / (first === 5 ? 3 : 1), strides)) {
					const layout = p === q && { layout: anchorsFirst ? 'anchors-first' : 'channels-first' };
					const remarks = { spare, remote: channels > anchors, assumed: sized.inputSize ? [] : [SQUARE] };
					for (const unit of unitsOf(facts)) {
						const common = { inputSize, ...(strides !== STRIDES[0] && { strides }), ...layout, ...unit };
						found.push({ channels, anchorsFirst, first, strides, common, remarks });
					}
				}
			}
		}
	}
	return found;
}

// Boxes and classes
function plain(facts: Facts, flat: Flat): Fit[] {
	const { channels, common, remarks, first, strides, anchorsFirst } = flat;
	const of = (name: HeadName, numClasses: number, more = {}) => (numClasses >= 1 ? propose(facts, name, { numClasses, ...common, ...more }, remarks) : []);
	if (first === 5) {
		if (strides === STRIDES[2]) return [];
		// decoded, YOLOv3 (Ultralytics' repository) and YOLOv7 are the same
		const family = ['yolov3', 'yolov7'].find((word) => word === facts.family) ?? 'yolov5';
		const more = strides === STRIDES[1] ? { anchors: YOLOV5_P6_ANCHORS } : {};
		return of('yolov5', channels - 5, more).map((f) => ({ ...f, family, doubt: strangerOf(facts, channels) }));
	}
	const isYolox = anchorsFirst || facts.family === 'yolox' || facts.family === 'yolov6';
	const withObjectness = [...of('yolox', channels - 5), ...of('yolox', channels - 5, { outputs: 'decoded' }), ...of('yolov6', channels - 5)];
	const because = `YOLOX and YOLOv6 have 5 + ${classes(channels - 5)}, anchors first`;
	return [...of('yolov8', channels - 4), ...(isYolox ? withObjectness.map((f) => ({ ...f, because })) : [])];
}

/** Models of three anchors per cell that no head reads. */
const STRANGERS: Readonly<Record<number, string>> = {
	16: 'yolov5-face (5 + 5 x 2 landmarks + 1 class)',
	200: 'yolov5_obb (5 + 15 classes + 180 angles)',
};

function strangerOf({ numClasses, task, family }: Facts, channels: number): string | undefined {
	if (numClasses !== undefined || task === 'detect' || family === 'yolov5' || !STRANGERS[channels]) return undefined;
	return `it may also be ${STRANGERS[channels]}, which no head reads`;
}

function masks(facts: Facts, { channels, first, common, remarks }: Flat, prototypes?: number): Fit[] {
	const numMasks = prototypes ?? MASKS;
	const numClasses = channels - first - numMasks;
	const published = numMasks === MASKS && (numClasses === 80 || numClasses === 1);
	const pointed = prototypes !== undefined || facts.task === 'segment' || facts.family === 'yoloSeg' || facts.numClasses === numClasses;
	if (numClasses < 1 || !(published || pointed)) return [];
	const more = { ...(numMasks !== MASKS && { numMasks }), ...(first === 5 && { objectness: true }) };
	const because = `${first === 5 ? 'YOLOv5-seg' : 'YOLOv8-seg'} has ${first} + ${classes(numClasses)} + ${numMasks} mask coefficients`;
	const assumed = [...(remarks.assumed ?? []), ...(prototypes === undefined && facts.numClasses === undefined ? ['32 mask coefficients were assumed'] : [])];
	return propose(facts, 'yoloSeg', { numClasses, ...common, ...more }, { ...remarks, because, assumed });
}

function angle(facts: Facts, { channels, first, common, remarks }: Flat): Fit[] {
	const numClasses = channels - 5;
	const pointed = facts.task === 'obb' || facts.family === 'yoloObb' || facts.numClasses === numClasses;
	if (first !== 4 || numClasses < 1 || !(numClasses === 15 || pointed)) return [];
	return propose(facts, 'yoloObb', { numClasses, ...common }, { ...remarks, because: `YOLOv8-OBB has 4 + ${classes(numClasses)} + 1 angle` });
}

function points(facts: Facts, { channels, first, common, remarks }: Flat): Fit[] {
	const pointed = facts.task === 'pose' || facts.family === 'yoloPose';
	const numClasses = facts.numClasses ?? (facts.keypoints ? channels - first - facts.keypoints[0] * facts.keypoints[1] : 1);
	const rest = channels - first - numClasses;
	const published = rest === 51 && numClasses === 1;
	if (rest < 2 || numClasses < 1 || !(published || pointed || facts.numClasses !== undefined)) return [];
	const dims = facts.keypoints ? [facts.keypoints[1]] : pointed ? [3, 2] : [3];
	const unsure = !published && facts.numClasses === undefined && !facts.keypoints;
	const assumed = [...(remarks.assumed ?? []), ...(facts.numClasses === undefined && !facts.keypoints ? ['one class was assumed'] : [])];
	return dims.flatMap((keypointDims) => {
		const numKeypoints = rest / keypointDims;
		if (!Number.isInteger(numKeypoints) || (facts.keypoints && numKeypoints !== facts.keypoints[0])) return [];
		const more = {
			...(numKeypoints !== 17 && { numKeypoints }),
			...(keypointDims !== 3 && { keypointDims }),
			...(first === 5 && { objectness: true }),
		};
		const because = `${first === 5 ? 'YOLOv7-pose' : 'YOLOv8-pose'} has ${first} + ${classes(numClasses)} + ${numKeypoints} x ${keypointDims} keypoints`;
		const doubt = unsure ? 'how many of the channels are classes is not known' : undefined;
		return propose(facts, 'yoloPose', { numClasses, ...common, ...more }, { ...remarks, because, assumed, doubt });
	});
}

function classes(n: number): string {
	return n === 1 ? '1 class' : `${n} classes`;
}

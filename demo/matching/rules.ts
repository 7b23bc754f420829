// The rules in the order they are compared: how each is called, what it says in one sentence, and how kedge runs it.

import {
	cellLevels,
	type Matches,
	matchAtss,
	matchCenterNet,
	matchDenseBox,
	matchFcos,
	matchFovea,
	matchMaxIou,
	matchSsd,
	matchTextbook,
	matchYoloGrid,
	matchYolov5,
} from 'kedge/training';
import type { AnchorSet } from './anchor-sets.js';

/** Where the lines are drawn; one slider each. */
export interface Thresholds {
	/** A positive reaches this IoU. */
	positive: number;
	/** A negative stays below this IoU. */
	negative: number;
	/** The least IoU with which an object's best anchor is rescued, where a rule asks for one. */
	minPositive: number;
	/** The IoU above which YOLO does not punish a prediction. */
	ignore: number;
	/** The largest ratio of sides, for YOLOv5. */
	ratio: number;
	/** Candidates per level, for ATSS. */
	topK: number;
	/** Strides about the centre, for FCOS. */
	radius: number;
}

/** How a rule of the highest IoU differs from its sisters; what explanations are written from. */
export interface MaxIouFacts {
	readonly strict: boolean;
	readonly negativeInclusive: boolean;
	/** One line instead of two: nothing is ignored. */
	readonly oneLine: boolean;
	readonly force: 'ties' | 'first' | 'none';
	readonly owner: 'argmax' | 'last' | 'first';
	readonly asksMinimum: boolean;
	readonly forcesZero: boolean;
}

/** One rule. */
export interface Rule {
	readonly id: string;
	readonly title: string;
	readonly caption: string;
	readonly family: 'max-iou' | 'pairs' | 'atss' | 'yolo' | 'yolov5' | 'fcos' | 'fovea' | 'densebox' | 'centernet';
	/** The sliders it listens to. */
	readonly uses: readonly (keyof Thresholds)[];
	readonly facts?: MaxIouFacts;
	/** `boxes` [G, 4] xyxy. */
	run(set: AnchorSet, boxes: Float32Array, thresholds: Thresholds): Matches;
}

const DETECTRON2: MaxIouFacts = {
	strict: false,
	negativeInclusive: false,
	oneLine: false,
	force: 'ties',
	owner: 'argmax',
	asksMinimum: false,
	forcesZero: false,
};

function maxIou(
	id: 'paper' | 'mmdet' | 'torchvision' | 'detectron2' | 'fizyr' | 'efficientdet',
	title: string,
	caption: string,
	facts: Partial<MaxIouFacts>,
): Rule {
	const full = { ...DETECTRON2, ...facts };
	return {
		id,
		title,
		caption,
		family: 'max-iou',
		facts: full,
		uses: full.oneLine ? ['positive'] : full.asksMinimum ? ['positive', 'negative', 'minPositive'] : ['positive', 'negative'],
		run: (set, boxes, { positive, negative, minPositive }) =>
			matchMaxIou(set.boxes, boxes, { style: id, positive, negative: full.oneLine ? positive : negative, ...(full.asksMinimum && { minPositive }) }),
	};
}

const levelsOf = ({ inputSize, levels, table }: AnchorSet) =>
	cellLevels({ inputSize: [inputSize, inputSize], strides: levels.map(({ stride }) => stride), anchors: table ?? [] });

/** The only map of a set of points. */
const mapOf = ({ levels: [{ rows, columns, stride }] }: AnchorSet) => ({ grid: [rows, columns] as const, stride });

const yolo = (id: string, style: 'yolov3' | 'yolov2', title: string, caption: string): Rule => ({
	id,
	title,
	caption,
	family: 'yolo',
	uses: ['ignore'],
	// as if the network, before it has learnt anything, predicted its anchors
	run: (set, boxes, { ignore }) => matchYoloGrid(levelsOf(set), boxes, { style, predictedBoxes: set.boxes, ignoreThreshold: ignore }),
});

const fcos = (id: string, style: 'detectron2' | 'mmdet', title: string, caption: string): Rule => ({
	id,
	title,
	caption,
	family: 'fcos',
	uses: style === 'mmdet' ? [] : ['radius'],
	run: (set, boxes, { radius }) => matchFcos(set.points ?? new Float32Array(), boxes, { style, ...(style !== 'mmdet' && { centreRadius: radius }) }),
});

const LIST: readonly Rule[] = [
	{
		id: 'textbook',
		title: 'Textbook',
		caption: 'First each object takes its best free anchor, best pair first. Then every other anchor joins whom it overlaps enough.',
		family: 'pairs',
		uses: ['positive'],
		run: (set, boxes, { positive }) => matchTextbook(set.boxes, boxes, { positive }),
	},
	maxIou('paper', 'Faster R-CNN paper', 'Two lines with a no man’s land between them, and each object’s best anchors on top, if they are good enough.', {
		strict: true,
		owner: 'last',
		asksMinimum: true,
	}),
	maxIou('torchvision', 'torchvision', 'As the paper, but any best anchor counts, however bad, and it keeps the object that it overlaps most itself.', {
		forcesZero: true,
	}),
	maxIou('detectron2', 'detectron2', 'The rule of torchvision, to the letter. What differs between the two is where they put their anchors.', {
		forcesZero: true,
	}),
	maxIou('mmdet', 'mmdetection', 'As the paper, and a rescued anchor is handed over to the object that rescued it.', { owner: 'last', asksMinimum: true }),
	maxIou('fizyr', 'fizyr RetinaNet', 'Only the two lines. Nobody is rescued: an object without a good anchor is lost.', {
		negativeInclusive: true,
		force: 'none',
	}),
	maxIou('efficientdet', 'EfficientDet', 'One line, nothing ignored; each object rescues the first of its best anchors.', {
		oneLine: true,
		force: 'first',
		owner: 'first',
		forcesZero: true,
	}),
	{
		id: 'ssd',
		title: 'SSD, Caffe',
		caption: 'The best pairs first, no two objects share one, then every anchor by itself. Negatives are mined later.',
		family: 'pairs',
		uses: ['positive'],
		run: (set, boxes, { positive }) => matchSsd(set.boxes, boxes, { style: 'caffe', positive }),
	},
	{
		id: 'ssd-torchvision',
		title: 'SSD, torchvision',
		caption: 'Anchors first; then each object overwrites its best one. A later object may take an earlier one’s only anchor.',
		family: 'max-iou',
		facts: { ...DETECTRON2, oneLine: true, force: 'first', owner: 'last', forcesZero: true },
		uses: ['positive'],
		run: (set, boxes, { positive }) => matchSsd(set.boxes, boxes, { style: 'torchvision', positive }),
	},
	{
		id: 'atss',
		title: 'ATSS',
		caption: 'No fixed line: each object draws its own from the anchors nearest to its middle, mean plus spread of their overlaps.',
		family: 'atss',
		uses: ['topK'],
		run: (set, boxes, { topK }) =>
			matchAtss(set.boxes, boxes, { levels: set.levels.map(({ rows, columns, perCell }) => rows * columns * perCell), topk: topK }),
	},
	yolo('yolo-all', 'yolov3', 'YOLOv3, darknet', 'The cell of the centre, and of all nine shapes the one most alike: exactly one anchor per object.'),
	yolo('yolo-level', 'yolov2', 'YOLOv2, on every level', 'The cell of the centre and the shape most alike, chosen on each level by itself.'),
	{
		id: 'yolov5',
		title: 'YOLOv5',
		caption: 'Every shape whose sides differ less than fourfold, in the cell of the centre and its two nearest neighbours.',
		family: 'yolov5',
		uses: ['ratio'],
		run: (set, boxes, { ratio }) => matchYolov5(levelsOf(set), boxes, { maxRatio: ratio }),
	},
	fcos('fcos', 'detectron2', 'FCOS, detectron2', 'Points near the middle of an object, on the level meant for its size. The smaller object wins.'),
	fcos('fcos-mmdet', 'mmdet', 'FCOS, mmdetection', 'Every point inside an object, on the level meant for its size. The smaller object wins.'),
	{
		id: 'fovea',
		title: 'FoveaBox',
		caption: 'The cells in the middle of an object, 0.4 of its width and height, on every level whose range its size is in.',
		family: 'fovea',
		uses: [],
		run: (set, boxes) =>
			matchFovea(
				set.levels.map(({ rows, columns, stride }) => ({ grid: [rows, columns], stride })),
				boxes,
			),
	},
	{
		id: 'centernet',
		title: 'CenterNet',
		caption: 'One cell for each object, that of its middle. Its neighbours are negatives, but the nearer they are the less a mistake costs.',
		family: 'centernet',
		uses: [],
		run: (set, boxes) => matchCenterNet(mapOf(set), boxes, { numClasses: 1, classIds: new Uint32Array(boxes.length / 4) }),
	},
	{
		id: 'densebox',
		title: 'DenseBox',
		caption: 'A circle about the middle, 0.3 of the height wide each way, answers. Two cells around it are nobody’s.',
		family: 'densebox',
		uses: [],
		run: (set, boxes) => matchDenseBox(mapOf(set), boxes, { offset: 0.5 }),
	},
];

/** All rules by id. */
export const RULES: Readonly<Record<string, Rule>> = Object.fromEntries(LIST.map((rule) => [rule.id, rule]));

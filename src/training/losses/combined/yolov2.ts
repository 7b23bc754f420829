// The loss of YOLOv2 (Redmon and Farhadi 2017; darknet, region_layer.c): halves of squares, with s = sigmoid(t),
//   no object   l_noobj (0 - s)^2             anchors that are negative, not those ignored
//   prior       0.01 ((1/2 - s)^2 + t^2)      x, y and w, h of all others than positives, while fewer than 12800 images were seen
//   coordinates l_coord (2 - w h) (x* - s)^2  x, y of positives, and w, h without the sigmoid
//   object      l_obj (iou - s)^2             positives; iou of the predicted box with the ground truth, held constant
//   class       l_class times the cross-entropy of the softmax
// Darknet prints the sum of the squares of its deltas; its deltas are the gradients of this.

import { checkBoolean, readOptions, refuse } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { COORDINATE_LIMIT, exp32, sigmoid32 } from '../../../numbers.js';
import type { YoloTargets } from '../../targets/yolo.js';
import { boxLoss } from '../boxes.js';
import { crossEntropy } from '../cross-entropy.js';
import { checkRange } from '../loss.js';
import { l2Loss } from '../regression.js';
import { type CombinedLoss, gather, repeated, scatter, withSum } from './common.js';
import { type DenseBatch, levelsOf, mapsOf, readDense, readMaps, throughSigmoid, writeMaps, type YoloMapLayout } from './yolo-maps.js';

/** Options of `yolov2Loss`; defaults as darknet's yolov2.cfg. */
export interface Yolov2LossOptions {
	/** How the map is laid out. Default 'shapes-first'; darknet's own is 'channels-first'. */
	layout?: YoloMapLayout;
	/** Default 5. */
	objectScale?: number;
	/** Default 1. */
	noObjectScale?: number;
	/** Default 1. */
	classScale?: number;
	/** Default 1. */
	coordinateScale?: number;
	/** Coordinates weigh 2 - w h times as much. Default true, as pjreddie's darknet; AlexeyAB's has false. */
	favourSmallBoxes?: boolean;
	/** Objectness should be the predicted box's IoU; false: 1. Default true. */
	rescore?: boolean;
	/** Images that training has seen: below 12800 the prior counts. Default Infinity, without it. */
	imagesSeen?: number;
	/** Weight of the prior. Default 0.01. */
	priorScale?: number;
}

const KNOWN = [
	...(['layout', 'objectScale', 'noObjectScale', 'classScale', 'coordinateScale'] as const),
	...(['favourSmallBoxes', 'rescore', 'imagesSeen', 'priorScale'] as const),
];
/** While fewer images were seen than this every prediction is drawn to its prior. */
const PRIOR_IMAGES = 12800;
type Part = 'noObject' | 'prior' | 'coordinates' | 'object' | 'class';

/**
 * The loss of YOLOv2. `predictions` is the map of the head `yolov2`, of B pictures [B, ...]; `targets` come from `yoloTargets` after
 * `matchYoloGrid(..., { style: 'yolov2', predictedBoxes })`, a list of them for a batch, whose loss is the mean over pictures: darknet divides
 * by the batch when it steps. The gradients have the layout of the map. Throws a TypeError or RangeError that names the argument.
 */
export function yolov2Loss(
	predictions: FloatsLike,
	targets: YoloTargets | readonly YoloTargets[],
	options?: Yolov2LossOptions,
): CombinedLoss<Part, Float32Array> {
	const where = 'yolov2Loss';
	const batch = readDense(where, targets);
	if (batch.first.levels.length !== 1) refuse(RangeError, where, 'targets', 'must have one level, as YOLOv2 has', batch.first.levels.length);
	const given = readOptions(where, 'options', options, KNOWN) as Yolov2LossOptions;
	const maps = mapsOf(where, levelsOf(batch.first), batch.first.numClasses, batch.numImages, given.layout);
	const rows = readMaps(where, [predictions], maps, () => 'predictions');
	const rule = readRule(where, given);
	const { step } = maps;
	const { positives, labels, targets: wanted } = batch;
	const normalizer = batch.numImages;
	const gradients = new Float32Array(rows.length);
	// half of a square is half the weight of it
	const halves = (list: Uint32Array, weight: (row: number) => number) => Float32Array.from(list, (row) => weight(row) / 2);

	const coordinatesTo = (list: Uint32Array, boxes: Float32Array, weights: Float32Array): number => {
		const twice = { weights: repeated(weights, 2), normalizer };
		const middles = throughSigmoid(gather(rows, step, list, 0, 2), (p) => l2Loss(p, gather(boxes, 4, index(list), 0, 2), twice));
		const sizes = l2Loss(gather(rows, step, list, 2, 2), gather(boxes, 4, index(list), 2, 2), twice);
		scatter(gradients, step, list, 0, 2, middles.gradients);
		scatter(gradients, step, list, 2, 2, sizes.gradients);
		return Math.fround(middles.loss + sizes.loss);
	};
	const objectnessTo = (list: Uint32Array, should: Float32Array, weights: Float32Array): number => {
		const { loss, gradients: slopes } = throughSigmoid(gather(rows, step, list, 4, 1), (p) => l2Loss(p, should, { weights, normalizer }));
		scatter(gradients, step, list, 4, 1, slopes);
		return loss;
	};
	const all = Uint32Array.from(labels.keys());
	const negatives = all.filter((row) => labels[row] === 0);
	const others = rule.prior > 0 ? all.filter((row) => labels[row] < 1) : new Uint32Array(0);
	const truths = gather(wanted, step, positives, 0, 4);
	const coordinates = rule.coordinateScale;
	const classes = crossEntropy(gather(rows, step, positives, 5, step - 5), classesOf(wanted, step, positives), {
		weights: new Float32Array(positives.length).fill(rule.classScale),
		normalizer,
	});
	scatter(gradients, step, positives, 5, step - 5, classes.gradients);
	const iou = rule.rescore ? overlaps(rows, step, batch) : new Float32Array(positives.length).fill(1);
	const parts = {
		noObject: objectnessTo(
			negatives,
			new Float32Array(negatives.length),
			halves(negatives, (row) => rule.noObjectScale * batch.objectnessWeights[row]),
		),
		prior: coordinatesTo(
			others,
			Float32Array.from({ length: others.length * 4 }, (_, k) => (k % 4 < 2 ? 0.5 : 0)),
			halves(others, () => rule.prior),
		),
		coordinates: coordinatesTo(
			positives,
			truths,
			halves(positives, (row) => coordinates * (rule.favourSmallBoxes ? batch.boxWeights[row] : 1)),
		),
		object: objectnessTo(
			positives,
			iou,
			halves(positives, () => rule.objectScale),
		),
		class: classes.loss,
	};
	return { ...withSum(parts), gradients: writeMaps(gradients, maps)[0], numPositives: positives.length };
}

/** 0, 1, 2, ... for each of a list. */
function index(list: Uint32Array): Uint32Array {
	return Uint32Array.from(list.keys());
}

function readRule(where: string, given: Yolov2LossOptions) {
	const scale = (name: 'objectScale' | 'noObjectScale' | 'classScale' | 'coordinateScale' | 'priorScale', usual: number) =>
		checkRange(where, name, given[name] ?? usual, 0, COORDINATE_LIMIT);
	const seen = given.imagesSeen ?? Infinity;
	const isEarly = seen !== Infinity && checkRange(where, 'imagesSeen', seen, 0, Number.MAX_SAFE_INTEGER) < PRIOR_IMAGES;
	const prior = scale('priorScale', 0.01);
	return {
		objectScale: scale('objectScale', 5),
		noObjectScale: scale('noObjectScale', 1),
		classScale: scale('classScale', 1),
		coordinateScale: scale('coordinateScale', 1),
		favourSmallBoxes: checkBoolean(where, 'favourSmallBoxes', given.favourSmallBoxes ?? true),
		rescore: checkBoolean(where, 'rescore', given.rescore ?? true),
		prior: isEarly ? prior : 0,
	};
}

/** The class of each listed row of targets. */
export function classesOf(targets: Float32Array, step: number, list: Uint32Array): Int32Array {
	return Int32Array.from(list, (row) => targets.subarray(row * step + 5, (row + 1) * step).indexOf(1));
}

/** Sides of e^30 anchors overlap nothing; float32 holds their area. */
const MOST = 30;

/** The IoU of each positive's predicted box with what it should be, both about the corner of the cell, in cells. */
function overlaps(rows: Float32Array, step: number, { positives, targets, shapes }: DenseBatch): Float32Array {
	const boxesOf = (values: Float32Array, middle: (t: number) => number) => {
		const out = new Float32Array(positives.length * 4);
		positives.forEach((row, i) => {
			const [x, y] = [middle(values[row * step]), middle(values[row * step + 1])];
			const [w, h] = [0, 1].map((axis) => exp32(Math.min(values[row * step + 2 + axis], MOST)) * shapes[row * 2 + axis]);
			out.set([x - w / 2, y - h / 2, x + w / 2, y + h / 2], i * 4);
		});
		return out;
	};
	const predicted = boxesOf(rows, sigmoid32);
	const wanted = boxesOf(targets, (t) => t);
	return boxLoss(predicted, wanted, { reduction: 'none', style: 'darknet' }).losses.map((loss) => 1 - loss);
}

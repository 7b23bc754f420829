// The loss of YOLOv5 (ultralytics/yolov5, utils/loss.py, ComputeLoss): per level the mean of 1 - CIoU over all pairs, the mean binary cross-entropy of
// their classes, and that of every anchor's objectness with the CIoU of its last pair, none below 0; with gains, times the batch.

import { checkWord, readOptions, refuse } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { COORDINATE_LIMIT, sigmoid32 } from '../../../numbers.js';
import type { Yolov5TargetLevel, Yolov5Targets } from '../../targets/yolov5.js';
import { product } from '../arithmetic.js';
import { bceWithLogits } from '../bce.js';
import { BOX_KINDS, type BoxLossKind } from '../box-styles.js';
import { boxLoss } from '../boxes.js';
import { checkRange } from '../loss.js';
import { type CombinedLoss, checkList, gather, joined, readBatch, scaled, scatter, withSum } from './common.js';
import { type Maps, mapsOf, readMaps, writeMaps, type YoloMapLayout } from './yolo-maps.js';

/** Options of `yolov5Loss`; defaults as data/hyps/hyp.scratch-low.yaml, before train.py scales them by levels, classes and image size. */
export interface Yolov5LossOptions {
	/** How the maps are laid out. Default 'shapes-first', as the model reshapes them. */
	layout?: YoloMapLayout;
	/** Default 0.05; train.py multiplies it by 3 / levels. */
	boxGain?: number;
	/** Default 0.5; train.py multiplies it by classes / 80 and 3 / levels. */
	classGain?: number;
	/** Default 1; train.py multiplies it by (image size / 640)^2 and 3 / levels. */
	objectnessGain?: number;
	/** Weight of each level's objectness, fine to coarse as the levels. Default [4, 1, 0.4] for three levels, else [4, 1, 0.25, 0.06, 0.02]. */
	balance?: readonly number[];
	/** How much of the objectness that should be is the overlap, the rest being 1: `gr`. Default 1. */
	overlapRatio?: number;
	/** Moves class targets towards 1/2: `label_smoothing`. Default 0. */
	labelSmoothing?: number;
	/** Weight of positive classes: `cls_pw`. Default 1. */
	classPositiveWeight?: number;
	/** Weight of positive objectness: `obj_pw`. Default 1. */
	objectnessPositiveWeight?: number;
	/** Default 'ciou'; 'giou' in YOLOv5's first versions. */
	boxKind?: BoxLossKind;
}

const KNOWN = [
	...(['layout', 'boxGain', 'classGain', 'objectnessGain', 'balance', 'overlapRatio'] as const),
	...(['labelSmoothing', 'classPositiveWeight', 'objectnessPositiveWeight', 'boxKind'] as const),
];
type Part = 'box' | 'objectness' | 'class';
type Factor = 'boxGain' | 'classGain' | 'objectnessGain' | 'classPositiveWeight' | 'objectnessPositiveWeight';

/**
 * The loss of YOLOv5. `predictions` are the raw maps of the head `yolov5`, one for each level, of B pictures [B, ...]; `targets` come from
 * `yolov5Targets`, a list of them for a batch. Of several pairs of one anchor the last says what its objectness should be, while boxes and
 * classes count all. With a single class there is no class loss. The overlap passes no gradient to the objectness. `numPositives` counts
 * pairs. The gradients have the layout of the maps. Throws a TypeError or RangeError that names the argument.
 */
export function yolov5Loss(
	predictions: readonly FloatsLike[],
	targets: Yolov5Targets | readonly Yolov5Targets[],
	options?: Yolov5LossOptions,
): CombinedLoss<Part, Float32Array[]> {
	const where = 'yolov5Loss';
	const batch = readBatch(where, targets);
	for (const { name, targets: own } of batch) checkTargets(where, name, own, batch[0].targets);
	const pictures = batch.map(({ targets: own }) => own);
	const [{ levels, numClasses }] = pictures;
	const given = readOptions(where, 'options', options, KNOWN) as Yolov5LossOptions;
	const maps = mapsOf(where, levels, numClasses, pictures.length, given.layout);
	const rows = readMaps(where, predictions, maps);
	const rule = readRule(where, given, levels.length);

	const gradients = new Float32Array(rows.length);
	const sums: Record<Part, number> = { box: 0, objectness: 0, class: 0 };
	let first = 0;
	let numPairs = 0;
	levels.forEach((_, l) => {
		const pairs = pairsOf(pictures, l, maps, first);
		const found = levelLoss(rows, gradients, maps, l, first, pairs, rule, rule.balance[l]);
		for (const part of Object.keys(sums) as Part[]) sums[part] = Math.fround(sums[part] + found[part]);
		first += countOf(levels[l]);
		numPairs += pairs.list.length;
	});
	return { ...withSum(sums), gradients: writeMaps(gradients, maps), numPositives: numPairs };
}

function countOf({ grid, numShapes }: Pick<Yolov5TargetLevel, 'grid' | 'numShapes'>): number {
	return grid[0] * grid[1] * numShapes;
}

function checkTargets(where: string, name: string, value: Yolov5Targets | undefined, first: Yolov5Targets): void {
	const { levels, numClasses } = (value ?? {}) as Partial<Yolov5Targets>;
	if (!Array.isArray(levels) || numClasses === undefined) refuse(TypeError, where, name, 'must be the answer of yolov5Targets', value);
	const shapeOf = (list: readonly Yolov5TargetLevel[]) => String(list.map(({ grid, numShapes }) => [grid, numShapes]));
	if (numClasses !== first.numClasses || shapeOf(levels) !== shapeOf(first.levels)) {
		refuse(RangeError, where, name, 'must have the levels and classes of the first picture', value);
	}
	(levels as Yolov5TargetLevel[]).forEach((level, l) => {
		const at = `${name}.levels[${l}]`;
		checkList(where, `${at}.places`, level.places, 'Uint32Array');
		const count = level.places.length / 3;
		checkList(where, `${at}.boxes`, level.boxes, 'Float32Array', count * 4);
		checkList(where, `${at}.shapes`, level.shapes, 'Float32Array', count * 2);
		checkList(where, `${at}.classes`, level.classes, 'Uint32Array', count);
		const limits = [level.numShapes, level.grid[0], level.grid[1]];
		const stranger = level.places.findIndex((k, i) => k >= limits[i % 3]);
		if (stranger >= 0) refuse(RangeError, where, `${at}.places[${stranger}]`, `must be below ${limits[stranger % 3]}`, level.places[stranger]);
		const unknown = level.classes.findIndex((c) => c >= numClasses);
		if (unknown >= 0) refuse(RangeError, where, `${at}.classes[${unknown}]`, `must be below ${numClasses}`, level.classes[unknown]);
	});
}

interface Rule {
	readonly boxGain: number;
	readonly classGain: number;
	readonly objectnessGain: number;
	readonly balance: readonly number[];
	readonly overlapRatio: number;
	readonly labelSmoothing: number;
	readonly classPositiveWeight: number;
	readonly objectnessPositiveWeight: number;
	readonly boxKind: BoxLossKind;
}

function readRule(where: string, given: Yolov5LossOptions, numLevels: number): Rule {
	const factor = (name: Factor, usual: number) => checkRange(where, name, given[name] ?? usual, 0, COORDINATE_LIMIT);
	const usual = numLevels === 3 ? [4, 1, 0.4] : [4, 1, 0.25, 0.06, 0.02];
	const balance: unknown = given.balance ?? usual;
	if (!Array.isArray(balance) || balance.length < numLevels || (given.balance !== undefined && balance.length !== numLevels)) {
		refuse(RangeError, where, 'balance', `must have one weight for each of ${numLevels} levels`, balance);
	}
	return {
		boxGain: factor('boxGain', 0.05),
		classGain: factor('classGain', 0.5),
		objectnessGain: factor('objectnessGain', 1),
		balance: balance.map((weight, l) => checkRange(where, `balance[${l}]`, weight, 0, COORDINATE_LIMIT)),
		overlapRatio: checkRange(where, 'overlapRatio', given.overlapRatio ?? 1, 0, 1),
		labelSmoothing: checkRange(where, 'labelSmoothing', given.labelSmoothing ?? 0, 0, 1),
		classPositiveWeight: factor('classPositiveWeight', 1),
		objectnessPositiveWeight: factor('objectnessPositiveWeight', 1),
		boxKind: checkWord(where, 'boxKind', given.boxKind ?? 'ciou', BOX_KINDS),
	};
}

/** The pairs of one level of a batch. */
interface Pairs {
	/** Rows; one may stand here several times. */
	readonly list: Uint32Array;
	readonly boxes: Float32Array;
	readonly shapes: Float32Array;
	readonly classes: Uint32Array;
}

function pairsOf(pictures: readonly Yolov5Targets[], l: number, { numAnchors }: Maps, first: number): Pairs {
	const levels = pictures.map((picture) => picture.levels[l]);
	const lists = levels.map(({ places, grid }, b) => {
		const rowOf = (i: number) => b * numAnchors + first + (places[i * 3] * grid[0] + places[i * 3 + 1]) * grid[1] + places[i * 3 + 2];
		return Uint32Array.from({ length: places.length / 3 }, (_, i) => rowOf(i));
	});
	return {
		list: joined(lists, Uint32Array),
		boxes: joined(
			levels.map(({ boxes }) => boxes),
			Float32Array,
		),
		shapes: joined(
			levels.map(({ shapes }) => shapes),
			Float32Array,
		),
		classes: joined(
			levels.map(({ classes }) => classes),
			Uint32Array,
		),
	};
}

/** The three losses of a level with their gains; adds to the gradients. */
function levelLoss(
	rows: Float32Array,
	gradients: Float32Array,
	{ step, numImages, numAnchors, levels }: Maps,
	l: number,
	first: number,
	pairs: Pairs,
	rule: Rule,
	balance: number,
): Record<Part, number> {
	const { list } = pairs;
	const numClasses = step - 5;
	const box = boxesOf(rows, step, pairs, rule.boxKind);
	const boxTerm = scaled(box.loss, rule.boxGain * numImages);
	scatter(gradients, step, list, 0, 4, boxTerm.gradients);

	let classLoss = 0;
	if (numClasses > 1) {
		const wanted = new Float32Array(list.length * numClasses);
		pairs.classes.forEach((c, p) => {
			wanted[p * numClasses + c] = 1;
		});
		const { labelSmoothing, classPositiveWeight: positiveWeight } = rule;
		const term = scaled(bceWithLogits(gather(rows, step, list, 5, numClasses), wanted, { labelSmoothing, positiveWeight }), rule.classGain * numImages);
		scatter(gradients, step, list, 5, numClasses, term.gradients);
		classLoss = term.loss;
	}

	const perImage = countOf(levels[l]);
	const all = Uint32Array.from({ length: numImages * perImage }, (_, i) => Math.floor(i / perImage) * numAnchors + first + (i % perImage));
	const should = new Float32Array(rows.length / step);
	list.forEach((row, p) => {
		should[row] = Math.fround(1 - rule.overlapRatio + rule.overlapRatio * Math.max(0, box.overlaps[p])); // the last pair wins
	});
	const objectness = bceWithLogits(gather(rows, step, all, 4, 1), gather(should, 1, all, 0, 1), { positiveWeight: rule.objectnessPositiveWeight });
	const objectnessTerm = scaled(objectness, rule.objectnessGain * balance * numImages);
	scatter(gradients, step, all, 4, 1, objectnessTerm.gradients);
	return { box: boxTerm.loss, class: classLoss, objectness: objectnessTerm.loss };
}

/** The mean box loss of pairs, its gradients by the four logits of each, and the overlaps: x = 2 s - 1/2, w = (2 s)^2 times the anchor's. */
function boxesOf(rows: Float32Array, step: number, { list, boxes, shapes }: Pairs, kind: BoxLossKind) {
	const logits = gather(rows, step, list, 0, 4);
	const numbers = logits.map((t, k) => {
		const s = sigmoid32(t);
		return k % 4 < 2 ? 2 * s - 0.5 : 4 * s * s * shapes[Math.floor(k / 4) * 2 + (k % 4) - 2];
	});
	// torchvision's epsilons are those of YOLOv5's bbox_iou: 1e-7 to the union, the diagonal and alpha's denominator
	const form = kind === 'iou' ? { form: 'linear' as const } : {};
	const loss = boxLoss(corners(numbers), corners(boxes), { kind, style: 'torchvision', ...form });
	const gradients = logits.map((t, k) => {
		const [low, high] = [loss.gradients[k - (k % 4) + (k & 1)], loss.gradients[k - (k % 4) + (k & 1) + 2]];
		// by the middle, then dx / dt = 2 s (1 - s); by the size, then dw / dt = 2 w (1 - s)
		return k % 4 < 2 ? product(low + high, product(2 * sigmoid32(t), sigmoid32(-t))) : product((high - low) / 2, product(2 * numbers[k], sigmoid32(-t)));
	});
	return { loss: { ...loss, gradients }, overlaps: loss.losses.map((one) => 1 - one) };
}

/** Corners of boxes by middle and size. */
function corners(boxes: Float32Array): Float32Array {
	return boxes.map((_, k) => {
		const first = k - (k % 4) + (k & 1);
		return boxes[first] + (k % 4 < 2 ? -0.5 : 0.5) * boxes[first + 2];
	});
}

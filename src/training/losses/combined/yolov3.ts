// The loss of YOLOv3 (Redmon and Farhadi 2018; darknet, yolo_layer.c): binary cross-entropies of x, y, objectness and each class, half the square of
// what w and h are off by. Coordinates weigh 2 - w h. Darknet's deltas of the logits are the gradients of this.

import { checkWord, readOptions } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { COORDINATE_LIMIT } from '../../../numbers.js';
import type { YoloTargets } from '../../targets/yolo.js';
import { bceWithLogits } from '../bce.js';
import { checkRange } from '../loss.js';
import { l2Loss } from '../regression.js';
import { type CombinedLoss, gather, repeated, scatter, withSum } from './common.js';
import { levelsOf, mapsOf, readDense, readMaps, throughSigmoid, writeMaps, type YoloMapLayout } from './yolo-maps.js';

/** Options of `yolov3Loss`. */
export interface Yolov3LossOptions {
	/** How the maps are laid out. Default 'shapes-first'; darknet's own is 'channels-first'. */
	layout?: YoloMapLayout;
	/** x and y: 'bce' (default), whose gradients are darknet's, or 'squared', half of (x* - sigmoid)^2. */
	middle?: 'bce' | 'squared';
	/** Weight of x and y. Default 1; mmdetection 2. */
	middleScale?: number;
	/** Weight of w and h. Default 1; mmdetection's 2 times (w* - w)^2 is 4. */
	sizeScale?: number;
	/** Default 1. */
	objectnessScale?: number;
	/** Default 1. */
	classScale?: number;
	/** Coordinates weigh 2 - w h times as much ('area', default), or all alike ('none'). */
	boxWeighting?: 'area' | 'none';
	/** Moves class targets towards 1/2, as in `bceWithLogits`. Default 0. */
	labelSmoothing?: number;
}

const KNOWN = ['layout', 'middle', 'middleScale', 'sizeScale', 'objectnessScale', 'classScale', 'boxWeighting', 'labelSmoothing'] as const;
type Part = 'middle' | 'size' | 'objectness' | 'class';

/**
 * The loss of YOLOv3. `predictions` are the maps of the head `yolov3`, one for each level in the order of the targets' levels, of B pictures
 * [B, ...]; `targets` come from `yoloTargets` after `matchYoloGrid`, a list of them for a batch, whose loss is the mean over pictures. Ignored
 * anchors have no objectness to answer for. The gradients have the layout of the maps. Throws a TypeError or RangeError that names the argument.
 */
export function yolov3Loss(
	predictions: readonly FloatsLike[],
	targets: YoloTargets | readonly YoloTargets[],
	options?: Yolov3LossOptions,
): CombinedLoss<Part, Float32Array[]> {
	const where = 'yolov3Loss';
	const batch = readDense(where, targets);
	const given = readOptions(where, 'options', options, KNOWN) as Yolov3LossOptions;
	const maps = mapsOf(where, levelsOf(batch.first), batch.first.numClasses, batch.numImages, given.layout);
	const rows = readMaps(where, predictions, maps);
	const scale = (name: 'middleScale' | 'sizeScale' | 'objectnessScale' | 'classScale') => checkRange(where, name, given[name] ?? 1, 0, COORDINATE_LIMIT);
	const [middleScale, sizeScale, objectnessScale, classScale] = [scale('middleScale'), scale('sizeScale'), scale('objectnessScale'), scale('classScale')];
	const labelSmoothing = checkRange(where, 'labelSmoothing', given.labelSmoothing ?? 0, 0, 1);
	const squared = checkWord(where, 'middle', given.middle ?? 'bce', ['bce', 'squared']) === 'squared';
	const byArea = checkWord(where, 'boxWeighting', given.boxWeighting ?? 'area', ['area', 'none']) === 'area';

	const { step } = maps;
	const { positives, targets: wanted } = batch;
	const all = Uint32Array.from(batch.labels.keys());
	const normalizer = batch.numImages;
	const boxWeights = (factor: number) =>
		repeated(
			Float32Array.from(positives, (row) => factor * (byArea ? batch.boxWeights[row] : 1)),
			2,
		);
	const middles = { logits: gather(rows, step, positives, 0, 2), wanted: gather(wanted, step, positives, 0, 2) };
	const middle = squared
		? throughSigmoid(middles.logits, (p) => l2Loss(p, middles.wanted, { weights: boxWeights(middleScale / 2), normalizer }))
		: bceWithLogits(middles.logits, middles.wanted, { weights: boxWeights(middleScale), normalizer });
	const size = l2Loss(gather(rows, step, positives, 2, 2), gather(wanted, step, positives, 2, 2), { weights: boxWeights(sizeScale / 2), normalizer });
	const objectness = bceWithLogits(gather(rows, step, all, 4, 1), gather(wanted, step, all, 4, 1), {
		weights: batch.objectnessWeights.map((w) => w * objectnessScale),
		normalizer,
	});
	const classLogits = gather(rows, step, positives, 5, step - 5);
	const classes = bceWithLogits(classLogits, gather(wanted, step, positives, 5, step - 5), {
		weights: new Float32Array(classLogits.length).fill(classScale),
		normalizer,
		labelSmoothing,
	});
	const gradients = new Float32Array(rows.length);
	scatter(gradients, step, positives, 0, 2, middle.gradients);
	scatter(gradients, step, positives, 2, 2, size.gradients);
	scatter(gradients, step, all, 4, 1, objectness.gradients);
	scatter(gradients, step, positives, 5, step - 5, classes.gradients);
	return {
		...withSum({ middle: middle.loss, size: size.loss, objectness: objectness.loss, class: classes.loss }),
		gradients: writeMaps(gradients, maps),
		numPositives: positives.length,
	};
}

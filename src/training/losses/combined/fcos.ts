// The loss of FCOS (Tian et al. 2019): the focal loss of every class of every point, an IoU loss of the positives' boxes, and the binary
// cross-entropy of their centerness. Boxes are compared about their points, in the unit of the distances: no IoU knows where it is.

import { checkWord, readOptions, refuse } from '../../../checks.js';
import type { FloatsLike } from '../../../inputs.js';
import { exp32 } from '../../../numbers.js';
import type { FcosTargets } from '../../targets/points.js';
import { readNumClasses } from '../../targets/read.js';
import { product } from '../arithmetic.js';
import { bceWithLogits } from '../bce.js';
import { BOX_KINDS, type BoxLossKind, type BoxLossStyle, IOU_FORMS, type IouForm } from '../box-styles.js';
import { boxLoss } from '../boxes.js';
import { checkFocal, focalLoss } from '../focal.js';
import { type CombinedLoss, checkList, gather, joined, readBatch, readPredictions, scatter, withSum } from './common.js';
import { runningMean } from './retinanet.js';

/** What the network says, points numbered as the head `fcos` has them; of B pictures one after another. */
export interface FcosPredictions {
	/** [B N, numClasses] logits. */
	classes: FloatsLike;
	/** [B N, 4] left, top, right, bottom, before the activation. */
	boxes: FloatsLike;
	/** [B N] logits. */
	centerness: FloatsLike;
}

/** Options of `fcosLoss`. */
export interface FcosLossOptions {
	numClasses: number;
	/**
	 * Whose losses and normalisers:
	 * - 'torchvision' (default; models/detection/fcos.py): 1 - GIoU; all three by the positives of the batch, or 1.
	 * - 'detectron2' (modeling/meta_arch/fcos.py): the same by a running mean, see `runningNormalizer`.
	 * - 'mmdet' (dense_heads/fcos_head.py): -ln(IoU), each box weighted by its centerness, over the sum of these; the others by the positives, or 1.
	 */
	style?: 'torchvision' | 'detectron2' | 'mmdet';
	/** How a distance comes from its number, as in the codec `distances`: 'relu' (default), 'exp' ('mmdet' without norm_on_bbox; above 40 it is that of 40, without slope) or 'none'. */
	activation?: 'relu' | 'exp' | 'none';
	/** Another loss of boxes. Default as the style. */
	boxKind?: BoxLossKind;
	/** Of `boxKind: 'iou'`: 1 - IoU, -ln(IoU) or 1 - IoU^2. Default 'log'. */
	form?: IouForm;
	/** Of the focal loss. Default 0.25. */
	alpha?: number;
	/** Of the focal loss. Default 2. */
	gamma?: number;
	/** 'detectron2': the last step's `normalizer`, of which it becomes 0.9 and 0.1 of this batch's positives, or 1. Default 300, as in the first step. */
	runningNormalizer?: number;
}

const KNOWN = ['numClasses', 'style', 'activation', 'boxKind', 'form', 'alpha', 'gamma', 'runningNormalizer'] as const;
type Targets = Pick<FcosTargets, 'labels' | 'distances' | 'centerness' | 'classes'>;

/**
 * The loss of FCOS. `targets` come from `fcosTargets`, with distances in the unit that the activation gives; a list of them for a batch. Points
 * of a label below 0 have no part. Throws a TypeError or RangeError that names the argument.
 */
export function fcosLoss(
	predictions: FcosPredictions,
	targets: Targets | readonly Targets[],
	options: FcosLossOptions,
): CombinedLoss<'classification' | 'box' | 'centerness', { classes: Float32Array; boxes: Float32Array; centerness: Float32Array }> & {
	/** What classes and centerness were divided by; for 'detectron2' the next step's `runningNormalizer`. */
	readonly normalizer: number;
} {
	const where = 'fcosLoss';
	const given = readOptions(where, 'options', options, KNOWN) as Partial<FcosLossOptions>;
	const numClasses = readNumClasses(where, given.numClasses);
	const { labels, distances, centerness, wanted } = readTargets(where, targets, numClasses);
	const count = labels.length;
	const read = readOptions(where, 'predictions', predictions, ['classes', 'boxes', 'centerness']);
	const classes = readPredictions(where, 'predictions.classes', read.classes, count * numClasses, `${numClasses} per point`);
	const boxes = readPredictions(where, 'predictions.boxes', read.boxes, count * 4, 'four per point');
	const centres = readPredictions(where, 'predictions.centerness', read.centerness, count, 'one per point');
	const style = checkWord(where, 'style', given.style ?? 'torchvision', ['torchvision', 'detectron2', 'mmdet']);
	if (style !== 'detectron2' && given.runningNormalizer !== undefined) {
		refuse(TypeError, where, 'runningNormalizer', "must be absent unless style is 'detectron2'", given.runningNormalizer);
	}

	const positives = Uint32Array.from(labels.keys()).filter((a) => labels[a] > 0);
	const normalizer = style === 'detectron2' ? runningMean(where, given.runningNormalizer, 300, positives.length) : Math.max(1, positives.length);
	const weights = new Float32Array(count * numClasses);
	labels.forEach((label, a) => {
		if (label >= 0) weights.fill(1, a * numClasses, (a + 1) * numClasses);
	});
	const classification = focalLoss(classes, wanted, { ...checkFocal(where, given), weights, normalizer });
	const middles = gather(centerness, 1, positives, 0, 1);
	const box = boxTerm(where, gather(boxes, 4, positives, 0, 4), gather(distances, 4, positives, 0, 4), middles, style, normalizer, given);
	const centre = bceWithLogits(gather(centres, 1, positives, 0, 1), middles, { normalizer });
	const gradients = { classes: classification.gradients, boxes: new Float32Array(count * 4), centerness: new Float32Array(count) };
	scatter(gradients.boxes, 4, positives, 0, 4, box.gradients);
	scatter(gradients.centerness, 1, positives, 0, 1, centre.gradients);
	return {
		...withSum({ classification: classification.loss, box: box.loss, centerness: centre.loss }),
		...{ gradients, numPositives: positives.length, normalizer },
	};
}

function readTargets(where: string, value: Targets | readonly Targets[], numClasses: number) {
	const batch = readBatch(where, value);
	for (const { name, targets } of batch) {
		const { labels, distances, centerness, classes } = (targets ?? {}) as Partial<Targets>;
		checkList(where, `${name}.labels`, labels, 'Int32Array');
		const count = (labels as Int32Array).length;
		checkList(where, `${name}.distances`, distances, 'Float32Array', count * 4);
		checkList(where, `${name}.centerness`, centerness, 'Float32Array', count);
		checkList(where, `${name}.classes`, classes, 'Int32Array', count);
		for (let a = 0; a < count; a++) {
			const c = (classes as Int32Array)[a];
			if ((labels as Int32Array)[a] > 0 && !(c >= 0 && c < numClasses)) {
				refuse(RangeError, where, `${name}.classes[${a}]`, `must be below ${numClasses} where the label is positive`, c);
			}
		}
	}
	const all = batch.map(({ targets }) => targets);
	const list = <T extends Int32Array | Float32Array>(arrays: T[], Kind: new (length: number) => T) => joined(arrays, Kind);
	const labels = list(
		all.map((t) => t.labels),
		Int32Array,
	);
	const classes = list(
		all.map((t) => t.classes),
		Int32Array,
	);
	const wanted = new Float32Array(labels.length * numClasses);
	labels.forEach((label, a) => {
		if (label > 0) wanted[a * numClasses + classes[a]] = 1;
	});
	const distances = list(
		all.map((t) => t.distances),
		Float32Array,
	);
	const centerness = list(
		all.map((t) => t.centerness),
		Float32Array,
	);
	return { labels, wanted, distances, centerness };
}

/** e^40 is far beyond any image. */
const MOST = 40;

/** The loss of the positives' boxes and its gradients by the raw numbers. */
function boxTerm(
	where: string,
	raw: Float32Array,
	distances: Float32Array,
	middles: Float32Array,
	style: NonNullable<FcosLossOptions['style']>,
	normalizer: number,
	given: Partial<FcosLossOptions>,
): { loss: number; gradients: Float32Array } {
	const activation = checkWord(where, 'activation', given.activation ?? 'relu', ['relu', 'exp', 'none']);
	const isMmdet = style === 'mmdet';
	const kind = checkWord(where, 'boxKind', given.boxKind ?? (isMmdet ? 'iou' : 'giou'), BOX_KINDS);
	if (given.form !== undefined && kind !== 'iou') refuse(TypeError, where, 'form', "must be absent unless boxKind is 'iou'", given.form);
	const rule: { kind: BoxLossKind; style: BoxLossStyle; form?: IouForm } = { kind, style: isMmdet ? 'mmdet' : 'torchvision' };
	if (kind === 'iou') rule.form = checkWord(where, 'form', given.form ?? 'log', IOU_FORMS);

	const predicted = raw.map((x) => (activation === 'exp' ? exp32(Math.min(x, MOST)) : activation === 'relu' ? Math.max(x, 0) : x));
	// about the point: left and top are negative
	const about = (sides: Float32Array) => sides.map((d, k) => (k % 4 < 2 ? -d : d));
	let sum = 0;
	for (const c of middles) sum += c;
	const weighting = isMmdet ? { weights: middles, normalizer: Math.max(sum, 1e-6) } : { normalizer };
	const { loss, gradients } = boxLoss(about(predicted), about(distances), { ...rule, ...weighting });
	const slopes = gradients.map((g, k) => {
		const outward = k % 4 < 2 ? 0 - g : g;
		if (activation === 'exp') return raw[k] > MOST ? 0 : product(outward, predicted[k]);
		return activation === 'relu' && !(raw[k] > 0) ? 0 : outward;
	});
	return { loss, gradients: slopes };
}

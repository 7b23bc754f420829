// Losses of predicted boxes against the boxes they should be, pair by pair: IoU, GIoU, DIoU, CIoU in every framework's way.

import { checkWord, readOptions, refuse } from '../../checks.js';
import { type BoxesLike, checkBoxes } from '../../inputs.js';
import { MIN_NORMAL } from '../../numbers.js';
import type { TrainingBackend } from '../backend.js';
import { boxFormula } from './box-formula.js';
import {
	BOX_KINDS,
	BOX_STYLES,
	type BoxLossKind,
	type BoxLossStyle,
	type BoxNumbers,
	boxNumbers,
	defaultEpsilon,
	defaultForm,
	IOU_FORMS,
	type IouForm,
} from './box-styles.js';
import {
	checkNumbers,
	checkRange,
	checkReduction,
	checkSameLength,
	LOSS_KEYS,
	type Loss,
	type LossOptions,
	type LossTask,
	ONE,
	runLoss,
	runLossOn,
} from './loss.js';

/** Options of `boxLoss`. */
export interface BoxLossOptions extends LossOptions {
	/** Default 'iou'. */
	kind?: BoxLossKind;
	/** Of 'iou': 1 - iou, -ln(iou), or 1 - iou^2. Default the style's: 'log' mmdet, 'square' yolox, 'linear' all others. */
	form?: IouForm;
	/** Whose epsilons and alpha. Default 'torchvision'. */
	style?: BoxLossStyle;
	/** Default the style's, 1e-7 for torchvision; what it is added to is the style's, too. */
	epsilon?: number;
}

/**
 * 1 - IoU, or -ln(IoU), 1 - IoU^2, 1 - GIoU, 1 - DIoU, 1 - CIoU of each predicted box with the target of the same row, [N, 4] both; gradients
 * [N, 4] by x1, y1, x2, y2 of the predicted boxes, alpha of CIoU taken as constant. Boxes in another format than xyxy are converted, and the
 * gradients are by the corners all the same. Empty and inverted boxes have no area, but are enclosed; where nothing is to be divided by, a term is 0. Two equal
 * points have loss 1, -ln(1e-6) with 'log'. Throws a RangeError for coordinates that are not finite and lists of different lengths.
 */
export function boxLoss(boxes: BoxesLike, targets: BoxesLike, options?: BoxLossOptions): Loss {
	return runLoss(prepare('boxLoss', boxes, targets, options));
}

/** `boxLoss` on a backend: the same bits. */
export async function boxLossOn(backend: TrainingBackend, boxes: BoxesLike, targets: BoxesLike, options?: BoxLossOptions): Promise<Loss> {
	return runLossOn('boxLossOn', backend, prepare('boxLossOn', boxes, targets, options));
}

function prepare(where: string, boxes: unknown, targets: unknown, options: unknown): LossTask {
	const predictions = checkUpright(where, 'boxes', boxes);
	const wanted = checkUpright(where, 'targets', targets);
	checkSameLength(where, 'targets', wanted, 'boxes', predictions);
	const read = readOptions(where, 'options', options, [...LOSS_KEYS, 'kind', 'form', 'style', 'epsilon']);
	const kind = checkWord(where, 'kind', read.kind ?? 'iou', BOX_KINDS);
	const style = checkWord(where, 'style', read.style ?? 'torchvision', BOX_STYLES);
	if (read.form !== undefined && kind !== 'iou') refuse(RangeError, where, 'form', "is an option of kind 'iou'", read.form);
	const form = checkWord(where, 'form', read.form ?? defaultForm(style), IOU_FORMS);
	const usual = defaultEpsilon(kind, style);
	if (usual === undefined && read.epsilon !== undefined)
		refuse(RangeError, where, 'epsilon', `must be left out: ${style} has none for '${kind}'`, read.epsilon);
	const epsilon = checkRange(where, 'epsilon', read.epsilon ?? usual ?? MIN_NORMAL, MIN_NORMAL, 1);
	const numbers = rounded(boxNumbers(kind, style, form, epsilon));
	const reduction = checkReduction(where, read, predictions.length / 4);
	return {
		kind: kind === 'iou' ? `box-iou-${form}` : `box-${kind}`,
		formula: boxFormula(kind, form, numbers),
		count: predictions.length / 4,
		width: 4,
		predictions,
		targets: wanted,
		factors: ONE,
		constants: Object.values(numbers),
		...reduction,
	};
}

function rounded(numbers: BoxNumbers): BoxNumbers {
	return Object.fromEntries(Object.entries(numbers).map(([name, x]) => [name, Math.fround(x)])) as unknown as BoxNumbers;
}

/** Boxes xyxy, finite. */
function checkUpright(where: string, argument: string, value: unknown): Float32Array {
	const { rows, rotated } = checkBoxes(where, argument, value);
	if (rotated) refuse(TypeError, where, argument, 'must be upright boxes', value, 'rotated ones have no loss here');
	return checkNumbers(where, argument, rows);
}

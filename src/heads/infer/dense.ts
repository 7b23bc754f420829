// Dense heads, a class and a box tensor (and a centerness) per level or over all levels: RetinaNet, EfficientDet, FCOS,
// FoveaBox, RPN; and SSD and YOLOv4's decoded lists. Frameworks differ in anchors and rules, not in shapes: one reading each.

import type { Facts } from './facts.js';
import { type Fit, type HeadName, propose } from './fit.js';
import { classCounts, flatDims, inputOf, inputsOf, readMaps, type Size, SQUARE } from './guess.js';

const STRIDES = [8, 16, 32, 64, 128];
/** The frameworks of each family; a family without the option `style` has the one that it comes from. */
const STYLES = {
	retinanet: ['torchvision', 'detectron2', 'mmdet', 'keras-retinanet'],
	efficientdet: ['tensorflow'],
	fcos: ['torchvision', 'detectron2', 'mmdet'],
	fovea: ['mmdet'],
} as const;
type Dense = keyof typeof STYLES;

/** The heads of ten or fifteen maps on five levels, and of region proposal networks. */
export function readDenseMaps(facts: Facts): Fit[] {
	const { outputs, inputSize } = facts;
	const found = [...readMaps(outputs).flatMap(({ grid, channels }) => [...pyramids(facts, grid, channels), ...proposers(facts, grid, channels)])];
	// maps whose cells and anchors were joined, [anchors, channels] per level
	if (inputSize && outputs.length === 10 && outputs.every(({ dims }) => flatDims(dims))) {
		const counts = classCounts(
			facts,
			outputs.map(({ dims }) => dims[dims.length - 1]),
		);
		found.push(...counts.flatMap((n) => [...styled(facts, 'retinanet', n, inputSize, 'levels'), ...styled(facts, 'efficientdet', n, inputSize, 'levels')]));
	}
	return found;
}

function pyramids(facts: Facts, grid: Size, channels: readonly number[]): Fit[] {
	const inputSize = inputOf(facts, grid, 8);
	const of = (family: Dense, counts: readonly number[]) => classCounts(facts, counts).flatMap((n) => styled(facts, family, n, inputSize, 'levels'));
	// with as many class channels as a box has numbers there is one kind of map only
	const besides = (box: number) => (channels.length === 1 ? channels : channels.filter((c) => c !== box));
	if (facts.outputs.length === 15) return of('fcos', channels);
	if (facts.outputs.length !== 10) return [];
	const nine = besides(36).map((c) => c / 9);
	return [...of('retinanet', nine), ...of('efficientdet', nine), ...of('fovea', besides(4))];
}

function styled(facts: Facts, family: Dense, numClasses: number, inputSize: Size, outputs: 'levels' | 'concatenated', assumed: readonly string[] = []): Fit[] {
	return STYLES[family].flatMap((style) => {
		// keras-retinanet's model ends in two lists
		if (style === 'keras-retinanet' && outputs === 'levels') return [];
		const options = { numClasses, inputSize, ...(STYLES[family].length > 1 && { style }), outputs };
		return propose(facts, family, options, { style, assumed });
	});
}

// Three anchors per cell on P2 to P6, or fifteen on one level of stride 16
function proposers(facts: Facts, grid: Size, channels: readonly number[]): Fit[] {
	const count = facts.outputs.length;
	if ((count !== 10 && count !== 2) || (count === 2 && !channels.includes(15))) return [];
	const single = count === 2 ? { strides: [16], sizes: [[32, 64, 128, 256, 512]] } : {};
	const inputSize = inputOf(facts, grid, count === 2 ? 16 : 4);
	return (['torchvision', 'detectron2', 'mmdet'] as const).flatMap((style) => propose(facts, 'rpn', { inputSize, style, ...single }, { style }));
}

/** The heads of two or three lists over all anchors. */
export function readLists(facts: Facts): Fit[] {
	const { outputs } = facts;
	if (outputs.length !== 2 && outputs.length !== 3) return [];
	const boxes = outputs.find(({ dims }) => dims.length >= 2 && dims.slice(-2).includes(4));
	if (!boxes) return flatSsd(facts);
	const anchors = Math.max(...boxes.dims.slice(1), boxes.dims[0]);
	// scores [anchors, n], or the other way round
	const counts = outputs.flatMap(({ dims }) => (dims.includes(anchors) ? dims.slice(-2).filter((n) => n !== anchors) : []));
	const ofCells = (family: Dense, shapes: number) =>
		inputsOf(facts, anchors / shapes, STRIDES, 32).flatMap((inputSize) =>
			classCounts(facts, counts).flatMap((n) => styled(facts, family, n, inputSize, 'concatenated', facts.inputSize ? [] : [SQUARE])),
		);
	if (outputs.length === 3) return ofCells('fcos', 1);
	return [
		...classCounts(
			facts,
			counts.map((n) => n - 1),
		).flatMap((n) => ssds(facts, n)),
		...ofCells('retinanet', 9),
		...ofCells('efficientdet', 9),
		// the cells of an input are as many as the anchors of one a third as high; nobody exports FoveaBox in two lists
		...(facts.family === 'fovea' ? ofCells('fovea', 1) : []),
		...decoded(facts, anchors, counts),
	];
}

/** 8732 priors at 300 x 300, torchvision's SSDLite 3234 at 320 x 320, TensorFlow's 1917 and 2034. */
function ssds(facts: Facts, numClasses: number): Fit[] {
	const sizes: readonly Size[] = facts.inputSize
		? [facts.inputSize]
		: [
				[300, 300],
				[320, 320],
			];
	return sizes.flatMap((inputSize) =>
		(['torchvision', 'caffe', 'mmdet', 'tensorflow'] as const).flatMap((style) => propose(facts, 'ssd', { numClasses, inputSize, style }, { style })),
	);
}

// Caffe's blobs [1, anchors * 4] and [1, anchors * (classes + 1)]
function flatSsd(facts: Facts): Fit[] {
	const lengths = facts.outputs.map(({ dims }) => dims[dims.length - 1]);
	if (facts.outputs.some(({ dims }) => dims.length !== 2 || dims[0] !== 1)) return [];
	return classCounts(
		facts,
		lengths.map((n) => n / 8732 - 1),
	).flatMap((numClasses) => propose(facts, 'ssd', { numClasses, inputSize: [300, 300], style: 'caffe' }, { style: 'caffe' }));
}

/** pytorch-YOLOv4's boxes and products, of YOLOv3 too. */
function decoded(facts: Facts, anchors: number, counts: readonly number[]): Fit[] {
	const models = [{ strides: [8, 16, 32] }, { strides: [16, 32], tiny: true }];
	const names: readonly HeadName[] = facts.family === 'yolov3' ? ['yolov3'] : ['yolov4'];
	return models.flatMap(({ strides, ...tiny }) =>
		inputsOf(facts, anchors / 3, strides).flatMap((inputSize) =>
			classCounts(facts, counts).flatMap((numClasses) =>
				names.flatMap((name) => propose(facts, name, { numClasses, inputSize, ...tiny, outputs: 'decoded' }, { assumed: facts.inputSize ? [] : [SQUARE] })),
			),
		),
	);
}

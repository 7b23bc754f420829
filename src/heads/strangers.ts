// Shapes that well-known models have for which no head is built, and that look like one that is. A wrong reading of
// them shows as plausible boxes, so they are named wherever nothing but the shape speaks for the head.

import { countCells } from './common.js';

type Dims = readonly number[];

/** What is known of a model beside its shapes. */
export interface Known {
	readonly inputSize?: readonly [number, number];
	readonly numClasses?: number;
	readonly style?: string;
	/** True when metadata says that it is a plain detector. */
	readonly isDetector?: boolean;
}

/** Channels of the box distributions (4 sides of 16 bins) in a raw YOLOv8 map. */
const DFL = 64;
/** Mask coefficients of YOLACT, YOLOv5-seg, YOLOv8-seg. */
const MASKS = 32;
const CANNOT = 'which kedge cannot decode yet';

/** YOLOv8 and YOLO11 exports of other tasks, by channels: those of the published weights, and one class of its own. */
const YOLOV8_TASKS: Readonly<Record<number, string>> = {
	20: 'YOLOv8-OBB (4 + 15 classes + 1 angle)',
	37: `YOLOv8-seg (4 + 1 class + ${MASKS} mask coefficients)`,
	56: 'YOLOv8-pose (4 + 1 class + 17 x 3 key points)',
	116: `YOLOv8-seg (4 + 80 classes + ${MASKS} mask coefficients)`,
};
/** The same for YOLOv5 and YOLOv7. */
const YOLOV5_TASKS: Readonly<Record<number, string>> = {
	16: 'yolov5-face (5 + 5 x 2 landmarks + 1 class)',
	38: `YOLOv5-seg (5 + 1 class + ${MASKS} mask coefficients)`,
	57: 'YOLOv7-pose (5 + 1 class + 17 x 3 key points)',
	117: `YOLOv5-seg (5 + 80 classes + ${MASKS} mask coefficients)`,
	200: 'yolov5_obb (5 + 15 classes + 180 angles)',
};

/** A head that fits, as far as it matters here. */
interface Fit {
	readonly name: string;
	readonly numClasses: number;
}

/** What else the outputs may be, as a clause for the reason; '' when nothing known speaks against the heads that fit. */
export function strangers(list: readonly Dims[], fits: readonly Fit[], known: Known): string {
	if (list.length === 1) return lone(list[0], fits, known);
	if (list.length === 2 && list.some((dims) => dims.length === 4)) return 'it looks like a segmentation model with mask prototypes, which is not built';
	return rawYolov8(list, fits, known) || sameShapes(fits, known);
}

function lone(dims: Dims, fits: readonly Fit[], known: Known): string {
	const [p, q] = dims.slice(-2);
	if (known.numClasses !== undefined && fits.length > 0) return '';
	if (q === 6 && p <= 1000) return 'it looks like the final rows of an end-to-end model (YOLOv10, YOLO26)';
	if (known.numClasses !== undefined) return remainder(Math.min(p, q), Math.max(p, q), known);
	if (known.isDetector) return '';
	const names = new Set<string>();
	for (const { name } of fits) {
		const task = (name === 'yolov8' ? YOLOV8_TASKS : YOLOV5_TASKS)[Math.min(p, q)];
		if (task) names.add(task);
	}
	if (names.size > 0) return `it may also be ${[...names].join(' or ')}, ${CANNOT}`;
	const isYolox = dims.length < 4 && p > q && q > 5 && fits.some((fit) => fit.name === 'yolov8');
	return isYolox ? `it may also be YOLOX or YOLOv6 with ${q - 5} classes, which are not built` : '';
}

// The classes are known and there are channels besides them
function remainder(channels: number, anchors: number, { numClasses = 0, inputSize }: Known): string {
	const square = Math.sqrt(anchors / 21);
	const one = inputSize ? countCells(inputSize, [8, 16, 32]) === anchors : Number.isInteger(square);
	const extra = channels - numClasses - (one ? 4 : 5);
	if (extra === MASKS) return `${extra} channels more than boxes and ${numClasses} classes look like the mask coefficients of a segmentation model, ${CANNOT}`;
	if (extra === 1) return `one channel more than boxes and ${numClasses} classes looks like an angle (OBB) or an objectness (YOLOX, YOLOv6), ${CANNOT}`;
	if (extra >= 4 && extra % 3 === 0)
		return `${extra} channels more than boxes and ${numClasses} classes look like ${extra / 3} key points of a pose model, ${CANNOT}`;
	return '';
}

// Three maps [64 + classes, y, x]: 144 channels are YOLOv8 with 80 classes, and 3 x 48
function rawYolov8(list: readonly Dims[], fits: readonly Fit[], known: Known): string {
	if (list.length !== 3 || !list.every((dims) => dims.length === 4)) return '';
	// maps of one model share their channels; the axis is told by what differs least
	const shared = [1, 3].filter((axis) => list.every((dims) => dims[axis] === list[0][axis]));
	const classes = shared.map((axis) => list[0][axis] - DFL).filter((n) => n >= 1 && (known.numClasses ?? n) === n);
	if (classes.length === 0 || (fits.length > 0 && known.numClasses !== undefined)) return '';
	// 255 channels are YOLOv5 with COCO's 80 classes; nobody publishes YOLOv8 with 191
	if (fits.some((fit) => fit.numClasses === 80)) return '';
	const verb = fits.length > 0 ? 'may also be' : 'looks like';
	return `it ${verb} raw YOLOv8 maps (${DFL} channels of box distributions and ${classes[0]} ${classes[0] === 1 ? 'class' : 'classes'}), ${CANNOT}`;
}

// Boxes and scores of one shape: SSD with 3 classes, RetinaNet with 4
function sameShapes(fits: readonly Fit[], known: Known): string {
	return known.numClasses === undefined && fits.some(isAlike) ? 'boxes and scores have the same shape, so which is which is not known' : '';
}

/** True for heads whose class channels are as many as a box has numbers. */
export function isAlike({ name, numClasses }: Fit): boolean {
	return (name === 'ssd' && numClasses === 3) || (name === 'retinanet' && numClasses === 4);
}

// How frameworks keep IoU losses from dividing by zero, and what weighs CIoU's aspect term: one formula, and for each
// framework the numbers in it. Read in torchvision 0.29 (ops/*_iou_loss.py), ultralytics 8 (utils/metrics.py, xyxy),
// mmdetection 3 (models/losses/iou_loss.py), AlexeyAB's darknet (box.c), YOLOX (models/losses.py), detectron2 and fvcore.
// Left out, since nothing gets there: the clamps of mmdetection's CIoU and YOLOX's GIoU to [-1, 1], and the least divisor of YOLOX's alpha.

/** What is measured. */
export type BoxLossKind = 'iou' | 'giou' | 'diou' | 'ciou';
/** Whose epsilons. */
export type BoxLossStyle = 'torchvision' | 'ultralytics' | 'mmdet' | 'darknet' | 'yolox' | 'detectron2';
/** What becomes of an IoU: 1 - iou, -ln(iou), 1 - iou^2. */
export type IouForm = 'linear' | 'log' | 'square';

export const BOX_STYLES = ['torchvision', 'ultralytics', 'mmdet', 'darknet', 'yolox', 'detectron2'] as const;
export const BOX_KINDS = ['iou', 'giou', 'diou', 'ciou'] as const;
export const IOU_FORMS = ['linear', 'log', 'square'] as const;

/** The numbers of the formula, in the order of its constants. What is added, and the least that something may be. */
export interface BoxNumbers {
	unionAdd: number;
	unionLeast: number;
	/** Of the area of the enclosing box, where it divides. */
	enclosingAdd: number;
	enclosingLeast: number;
	/** Of the union and the enclosing area, where they are subtracted. */
	areaLeast: number;
	/** Of the squared diagonal. */
	diagonalAdd: number;
	diagonalLeast: number;
	/** To heights, for the aspect ratio; and for areas. */
	heightAdd: number;
	areaHeightAdd: number;
	/** To the denominator of alpha. */
	alphaAdd: number;
	/** IoU above which the aspect counts. */
	gate: number;
	/** Of a plain IoU. */
	iouLeast: number;
}

const NONE: BoxNumbers = {
	...{ unionAdd: 0, unionLeast: 0, enclosingAdd: 0, enclosingLeast: 0, areaLeast: 0, diagonalAdd: 0, diagonalLeast: 0 },
	...{ heightAdd: 0, areaHeightAdd: 0, alphaAdd: 0, gate: -1, iouLeast: 0 },
};

/** The least IoU that is taken the logarithm of: mmdetection's, and everybody's here. */
const LEAST_IOU = 1e-6;

/** The epsilon that a framework's function has when none is given; undefined where there is none to give. */
export function defaultEpsilon(kind: BoxLossKind, style: BoxLossStyle): number | undefined {
	if (style === 'darknet') return kind === 'ciou' ? 1e-6 : undefined;
	if (style === 'yolox') return 1e-16;
	return style === 'mmdet' && kind === 'iou' ? LEAST_IOU : 1e-7;
}

/** How a framework's IoU loss is meant when nothing is said. */
export function defaultForm(style: BoxLossStyle): IouForm {
	return style === 'mmdet' ? 'log' : style === 'yolox' ? 'square' : 'linear';
}

/** The numbers of a style. */
export function boxNumbers(kind: BoxLossKind, style: BoxLossStyle, form: IouForm, epsilon: number): BoxNumbers {
	const iouLeast = form === 'log' ? LEAST_IOU : 0;
	const added = { unionAdd: epsilon, enclosingAdd: epsilon, diagonalAdd: epsilon };
	switch (style) {
		case 'torchvision': {
			// complete_box_iou_loss gives its epsilon to alpha alone: the rest has the default of the function it calls
			const rest = kind === 'ciou' ? { unionAdd: 1e-7, diagonalAdd: 1e-7 } : added;
			return { ...NONE, ...rest, alphaAdd: epsilon, iouLeast };
		}
		case 'detectron2':
			return { ...NONE, ...added, alphaAdd: epsilon, iouLeast };
		case 'ultralytics':
			return { ...NONE, ...added, heightAdd: epsilon, areaHeightAdd: epsilon, alphaAdd: epsilon, iouLeast };
		case 'mmdet': {
			if (kind === 'iou') return { ...NONE, unionLeast: LEAST_IOU, iouLeast: epsilon };
			if (kind === 'giou') return { ...NONE, unionLeast: epsilon, enclosingLeast: epsilon, areaLeast: epsilon };
			const distance = { ...NONE, unionAdd: epsilon, diagonalAdd: epsilon };
			return kind === 'diou' ? distance : { ...distance, heightAdd: epsilon, gate: 0.5 };
		}
		case 'darknet':
			return { ...NONE, alphaAdd: epsilon, iouLeast };
		case 'yolox': {
			const least = { enclosingLeast: epsilon, diagonalLeast: epsilon };
			return { ...NONE, unionAdd: epsilon, ...least, iouLeast };
		}
	}
}

// The anchors of a framework, as kedge generates them, with what a picture needs besides: which level, cell and shape a
// row is, and where the cells' centres are. All sets are for a square input small enough to compute while dragging.

import { type AnchorTable, anchorGrid, anchorPoints, ssdPriors, YOLOV3_ANCHORS, YOLOV5_ANCHORS } from 'kedge';

/** One level of the pyramid. */
export interface AnchorLevel {
	readonly name: string;
	readonly stride: number;
	readonly rows: number;
	readonly columns: number;
	/** Row of the level's first anchor in the set. */
	readonly start: number;
	/** Anchors in one cell. */
	readonly perCell: number;
	/** Numbered cell by cell, or shape by shape. */
	readonly order: 'cells' | 'shapes';
	/** Centre of the cell in the corner, and pixels from centre to centre. */
	readonly origin: readonly [x: number, y: number];
	readonly step: readonly [x: number, y: number];
}

/** Which anchor: level, row and column of its cell, and its number inside the cell. */
export interface Place {
	readonly level: number;
	readonly row: number;
	readonly column: number;
	readonly shape: number;
}

/** Anchors of one framework for a square input. */
export interface AnchorSet {
	readonly id: string;
	readonly title: string;
	/** What is particular about them, in a sentence. */
	readonly note: string;
	/** Side of the network input, pixels. */
	readonly inputSize: number;
	/** Boxes with a size, or points that only have a place. */
	readonly kind: 'boxes' | 'points';
	/** [A, 4] xyxy in pixels; of a point, the square of one stride about it. */
	readonly boxes: Float32Array;
	/** [A, 4] of points: x, y, stride, stride. */
	readonly points?: Float32Array;
	/** Published shapes per level, of YOLO. */
	readonly table?: AnchorTable;
	readonly levels: readonly AnchorLevel[];
	/** Where the framework itself draws its lines. */
	readonly published: { readonly positive: number; readonly negative: number };
	/** Ids of the rules that make sense for them, the framework's own first. */
	readonly rules: readonly string[];
}

interface Plan {
	readonly strides: readonly number[];
	readonly names: readonly string[];
	readonly perCell: readonly number[];
	readonly grids?: readonly number[];
	readonly order?: 'cells' | 'shapes';
}

/** The levels of a plan, with centres read from the boxes themselves. */
function levelsOf(plan: Plan, inputSize: number, boxes: Float32Array): AnchorLevel[] {
	let start = 0;
	return plan.strides.map((stride, i) => {
		const side = plan.grids?.[i] ?? Math.ceil(inputSize / stride);
		const order = plan.order ?? 'cells';
		const perCell = plan.perCell[i];
		const centre = (row: number) => [(boxes[4 * row] + boxes[4 * row + 2]) / 2, (boxes[4 * row + 1] + boxes[4 * row + 3]) / 2] as const;
		const origin = centre(start);
		const next = centre(start + (order === 'cells' ? perCell : 1));
		const step = side > 1 ? next[0] - origin[0] : stride;
		const level: AnchorLevel = { name: plan.names[i], stride, rows: side, columns: side, start, perCell, order, origin, step: [step, step] };
		start += side * side * perCell;
		return level;
	});
}

/** The row of an anchor. */
export function rowOf(set: AnchorSet, { level, row, column, shape }: Place): number {
	const { start, rows, columns, perCell, order } = set.levels[level];
	const cell = row * columns + column;
	return start + (order === 'cells' ? cell * perCell + shape : shape * rows * columns + cell);
}

/** Where the anchor of a row belongs. */
export function placeOf(set: AnchorSet, anchor: number): Place {
	let level = set.levels.length - 1;
	while (set.levels[level].start > anchor) level--;
	const { start, rows, columns, perCell, order } = set.levels[level];
	const rest = anchor - start;
	const cell = order === 'cells' ? Math.floor(rest / perCell) : rest % (rows * columns);
	const shape = order === 'cells' ? rest % perCell : Math.floor(rest / (rows * columns));
	return { level, row: Math.floor(cell / columns), column: cell % columns, shape };
}

/** The cell whose centre is nearest to a place in the picture. */
export function cellAt(set: AnchorSet, level: number, x: number, y: number): { row: number; column: number } {
	const { origin, step, rows, columns } = set.levels[level];
	const near = (v: number, from: number, by: number, count: number) => Math.max(0, Math.min(count - 1, Math.round((v - from) / by)));
	return { column: near(x, origin[0], step[0], columns), row: near(y, origin[1], step[1], rows) };
}

const names = (from: number, count: number) => Array.from({ length: count }, (_, i) => `P${from + i}`);
const MAX_IOU_RULES = ['textbook', 'paper', 'torchvision', 'detectron2', 'mmdet', 'fizyr', 'efficientdet', 'ssd', 'atss'];

function retinanet(style: 'torchvision' | 'detectron2' | 'mmdet' | 'keras-retinanet', title: string, note: string): AnchorSet {
	const inputSize = 224;
	const strides = [8, 16, 32, 64, 128];
	// torchvision cuts the octave sizes to whole pixels: 32, 40, 50
	const sizes = strides.map((stride) => [0, 1, 2].map((k) => (style === 'torchvision' ? Math.trunc(4 * stride * 2 ** (k / 3)) : 4 * stride * 2 ** (k / 3))));
	const boxes = anchorGrid({ inputSize: [inputSize, inputSize], strides, sizes, style });
	const levels = levelsOf({ strides, names: names(3, 5), perCell: [9, 9, 9, 9, 9] }, inputSize, boxes);
	const own = style === 'keras-retinanet' ? 'fizyr' : style;
	const rules = [own, ...MAX_IOU_RULES.filter((id) => id !== own)];
	return {
		id: `retinanet-${own}`,
		title,
		note,
		inputSize,
		kind: 'boxes',
		boxes,
		levels,
		published: { positive: 0.5, negative: 0.4 },
		rules,
	};
}

function rpn(): AnchorSet {
	const inputSize = 224;
	const strides = [4, 8, 16, 32, 64];
	const boxes = anchorGrid({ inputSize: [inputSize, inputSize], strides, sizes: [32, 64, 128, 256, 512], style: 'torchvision' });
	const levels = levelsOf({ strides, names: names(2, 5), perCell: [3, 3, 3, 3, 3] }, inputSize, boxes);
	const note = 'Faster R-CNN with a feature pyramid: one size per level, three shapes per cell, and far from strict neighbours at 0.3 and 0.7.';
	const rules = ['paper', 'torchvision', 'detectron2', 'mmdet', 'textbook', 'fizyr', 'ssd', 'atss'];
	return { id: 'rpn', title: 'RPN of Faster R-CNN', note, inputSize, kind: 'boxes', boxes, levels, published: { positive: 0.7, negative: 0.3 }, rules };
}

function ssd300(): AnchorSet {
	const inputSize = 300;
	const boxes = ssdPriors({ inputSize: [inputSize, inputSize] });
	const grids = [38, 19, 10, 5, 3, 1];
	const plan = { strides: [8, 16, 32, 64, 100, 300], names: grids.map((side) => `${side} × ${side}`), perCell: [4, 6, 6, 6, 4, 4], grids };
	const note = 'The default boxes of SSD300: six maps, two squares and up to four long shapes per cell.';
	const rules = ['ssd', 'ssd-torchvision', 'textbook', 'mmdet', 'torchvision', 'atss'];
	const levels = levelsOf(plan, inputSize, boxes);
	return { id: 'ssd300', title: 'SSD300', note, inputSize, kind: 'boxes', boxes, levels, published: { positive: 0.5, negative: 0.5 }, rules };
}

function yolo(id: string, title: string, note: string, table: AnchorTable, rules: readonly string[]): AnchorSet {
	const inputSize = 416;
	const strides = [8, 16, 32];
	const rows: number[] = [];
	table.forEach((shapes, level) => {
		const [stride, side] = [strides[level], inputSize / strides[level]];
		for (let s = 0; s < shapes.length; s += 2) {
			for (let cell = 0; cell < side * side; cell++) {
				const [x, y] = [((cell % side) + 0.5) * stride, (Math.floor(cell / side) + 0.5) * stride];
				rows.push(x - shapes[s] / 2, y - shapes[s + 1] / 2, x + shapes[s] / 2, y + shapes[s + 1] / 2);
			}
		}
	});
	const boxes = Float32Array.from(rows);
	const levels = levelsOf({ strides, names: names(3, 3), perCell: [3, 3, 3], order: 'shapes' }, inputSize, boxes);
	return { id, title, note, inputSize, kind: 'boxes', boxes, table, levels, published: { positive: 0.5, negative: 0.4 }, rules };
}

function pointSet(inputSize: number, strides: readonly number[], firstName: number, facts: Pick<AnchorSet, 'id' | 'title' | 'note' | 'rules'>): AnchorSet {
	const points = anchorPoints({ inputSize: [inputSize, inputSize], strides });
	const boxes = points.map((_, k) => {
		const row = k - (k % 4);
		return points[row + (k % 2)] + (k % 4 < 2 ? -0.5 : 0.5) * points[row + 2];
	});
	const levels = levelsOf({ strides, names: names(firstName, strides.length), perCell: strides.map(() => 1) }, inputSize, boxes);
	return { ...facts, inputSize, kind: 'points', boxes, points, levels, published: { positive: 0.5, negative: 0.4 } };
}

const fcos = () =>
	pointSet(512, [8, 16, 32, 64, 128], 3, {
		id: 'fcos',
		title: 'Points of FCOS and FoveaBox',
		note: 'No boxes at all: each cell is a point that says how far the four sides of its object are.',
		rules: ['fcos', 'fcos-mmdet', 'fovea'],
	});

const oneMap = () =>
	pointSet(240, [4], 2, {
		id: 'map',
		title: 'Map of CenterNet, DenseBox',
		note: 'No levels either: one fine map, 60 × 60 cells of 4 px, for objects of every size.',
		rules: ['centernet', 'densebox'],
	});

const YOLO_RULES = ['yolo-all', 'yolo-level', 'yolov5', 'textbook', 'ssd', 'atss'];
const YOLO_NOTES = {
	yolov3: 'Nine shapes in all, found by k-means on COCO: three for each of three levels.',
	yolov5: 'The shapes of YOLOv3, but matched by the ratio of the sides, and by neighbour cells too.',
};
const RETINANET_NOTES = {
	torchvision: 'Nine shapes per cell, rounded to whole pixels and centred on the cell’s corner: torchvision leaves out the half pixel.',
	detectron2: 'Nine shapes per cell, not rounded, sizes before shapes, centred on the cell’s corner.',
	mmdet: 'Nine shapes per cell, not rounded, shapes before sizes, centred on the cell’s corner.',
	fizyr: 'Nine shapes per cell, not rounded, shapes before sizes, centred in the middle of the cell.',
};

const MAKERS: Record<string, () => AnchorSet> = {
	'retinanet-torchvision': () => retinanet('torchvision', 'RetinaNet, torchvision', RETINANET_NOTES.torchvision),
	'retinanet-detectron2': () => retinanet('detectron2', 'RetinaNet, detectron2', RETINANET_NOTES.detectron2),
	'retinanet-mmdet': () => retinanet('mmdet', 'RetinaNet, mmdetection', RETINANET_NOTES.mmdet),
	'retinanet-fizyr': () => retinanet('keras-retinanet', 'RetinaNet, fizyr', RETINANET_NOTES.fizyr),
	rpn,
	ssd300,
	yolov3: () => yolo('yolov3', 'YOLOv3', YOLO_NOTES.yolov3, YOLOV3_ANCHORS, YOLO_RULES),
	yolov5: () => yolo('yolov5', 'YOLOv5', YOLO_NOTES.yolov5, YOLOV5_ANCHORS, ['yolov5', ...YOLO_RULES.filter((id) => id !== 'yolov5')]),
	fcos,
	map: oneMap,
};
const made = new Map<string, AnchorSet>();

/** Ids of the sets, in the order of the menu. */
export const ANCHOR_SETS: readonly string[] = Object.keys(MAKERS);

/** The set of this id; made once. */
export function anchorSet(id: string): AnchorSet {
	const set = made.get(id) ?? MAKERS[id]();
	made.set(id, set);
	return set;
}

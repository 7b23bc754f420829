// YOLOv2 to v10, X and 26, detection: formulas of darknet (region_layer.c, yolo_layer.c), pytorch-YOLOv4, meituan/YOLOv6,
// Megvii's YOLOX and ultralytics.

import { YOLOV2_VOC_ANCHORS, YOLOV3_ANCHORS, YOLOV3_TINY_ANCHORS, YOLOV4_ANCHORS, YOLOV4_TINY_ANCHORS } from '../../../src/anchors/yolo.js';
import { yolov2 } from '../../../src/heads/yolov2.js';
import { yolov3, yolov4 } from '../../../src/heads/yolov3.js';
import { yolov6 } from '../../../src/heads/yolov6.js';
import { yolov8 } from '../../../src/heads/yolov8.js';
import { yolov10 } from '../../../src/heads/yolov10.js';
import { yolox } from '../../../src/heads/yolox.js';
import type { HeadCase, OracleCandidate } from './oracle.js';
import * as parts from './yolo-parts.js';

const { BOX, CELLS, CLASSES, LOGIT, SIZE, STRIDES, UNIT, best, cellsOf, column, planes, row, rows, sigmoid, times, toXyxy } = parts;
const inputSize = [SIZE, SIZE] as const;
const numClasses = CLASSES;
const ROW = 5 + CLASSES;

/** Reads channel c of a shape of a cell. */
type Read = (c: number) => number;

/** Darknet's maps, level by level, shape by shape, cell by cell. `sizes`: width, height, ... in pixels of each level. */
function darknet(
	strides: readonly number[],
	sizes: readonly (readonly number[])[],
	decode: (read: Read, cell: parts.Cell, anchor: readonly [number, number]) => Omit<OracleCandidate, 'anchor'>,
	channelsLast = false,
	size = SIZE,
) {
	return (tensors: readonly Float32Array[]): OracleCandidate[] => {
		const found: OracleCandidate[] = [];
		strides.forEach((_, level) => {
			const cells = cellsOf(strides, size).filter((cell) => cell.level === level);
			const shapes = sizes[level].length / 2;
			for (let s = 0; s < shapes; s++) {
				for (const cell of cells) {
					const read: Read = (c) => tensors[level][channelsLast ? (cell.cell * shapes + s) * ROW + c : (s * ROW + c) * cell.count + cell.cell];
					found.push({ anchor: found.length, ...decode(read, cell, [sizes[level][2 * s], sizes[level][2 * s + 1]]) });
				}
			}
		});
		return found;
	};
}

const classesOf = (read: Read, map: (x: number) => number = sigmoid) => Array.from({ length: CLASSES }, (_, c) => map(read(5 + c)));
/** v3 and, with the sigmoid stretched by k, v4. */
const exponential = (read: Read, { x, y, stride }: parts.Cell, [w, h]: readonly [number, number], k = 1) => {
	const stretched = (t: number) => k * sigmoid(t) - (k - 1) / 2;
	return toXyxy([(x + stretched(read(0))) * stride, (y + stretched(read(1))) * stride, w * Math.exp(read(2)), h * Math.exp(read(3))]);
};
const maps = (strides: readonly number[], channelsLast = false) =>
	strides.map((stride) => (channelsLast ? [1, SIZE / stride, SIZE / stride, 3 * ROW] : [1, 3 * ROW, SIZE / stride, SIZE / stride]));

const region = (channelsLast: boolean): HeadCase => ({
	name: `yolov2, ${channelsLast ? 'channels last' : 'channels first'}`,
	head: yolov2({ numClasses, inputSize: [128, 128], anchors: YOLOV2_VOC_ANCHORS }),
	dims: [channelsLast ? [1, 4, 4, 5 * ROW] : [1, 5 * ROW, 4, 4]],
	options: { scoreThreshold: 0.1 },
	decode: darknet(
		[32],
		[YOLOV2_VOC_ANCHORS[0].map((cells) => cells * 32)],
		(read, cell, anchor) => {
			const e = classesOf(read, Math.exp);
			const sum = e.reduce((a, b) => a + b);
			return { ...best(e, sigmoid(read(4)) / sum), box: exponential(read, cell, anchor) };
		},
		channelsLast,
		128,
	),
});

const COARSE = [32, 16, 8];
const v3: HeadCase = {
	name: 'yolov3, maps coarse to fine',
	head: yolov3({ numClasses, inputSize }),
	dims: maps(COARSE),
	decode: darknet(COARSE, YOLOV3_ANCHORS.slice().reverse(), (read, cell, anchor) => ({
		...best(classesOf(read), sigmoid(read(4))),
		box: exponential(read, cell, anchor),
	})),
};

const v3Tiny: HeadCase = {
	name: 'yolov3 tiny, maps fine to coarse, channels last',
	head: yolov3({ numClasses, inputSize, tiny: true, order: 'fine-to-coarse' }),
	dims: maps([16, 32], true),
	decode: darknet(
		[16, 32],
		YOLOV3_TINY_ANCHORS,
		(read, cell, anchor) => ({ ...best(classesOf(read), sigmoid(read(4))), box: exponential(read, cell, anchor) }),
		true,
	),
};

const SCALES: Readonly<Record<number, number>> = { 8: 1.2, 16: 1.1, 32: 1.05 };
const v4: HeadCase = {
	name: 'yolov4, maps of logits',
	head: yolov4({ numClasses, inputSize }),
	dims: maps(STRIDES),
	decode: darknet(STRIDES, YOLOV4_ANCHORS, (read, cell, anchor) => ({
		...best(classesOf(read), sigmoid(read(4))),
		box: exponential(read, cell, anchor, SCALES[cell.stride]),
	})),
};

const v4Split: HeadCase = {
	name: 'yolov4, split maps with probabilities',
	head: yolov4({ numClasses, inputSize, scores: 'probabilities' }),
	dims: STRIDES.map((stride) => [1, SIZE / stride, SIZE / stride, 3, ROW]),
	number: rows([...times(LOGIT, 4), ...times(UNIT, 1 + CLASSES)]),
	options: { scoreThreshold: 0.6 },
	decode: darknet(
		STRIDES,
		YOLOV4_ANCHORS,
		(read, cell, anchor) => ({ ...best(classesOf(read, Number), read(4)), box: exponential(read, cell, anchor, SCALES[cell.stride]) }),
		true,
	),
};

const v4Tiny: HeadCase = {
	name: 'yolov4 tiny',
	head: yolov4({ numClasses, inputSize, tiny: true }),
	dims: maps([32, 16]),
	decode: darknet([32, 16], YOLOV4_TINY_ANCHORS.slice().reverse(), (read, cell, anchor) => ({
		...best(classesOf(read), sigmoid(read(4))),
		box: exponential(read, cell, anchor, 1.05),
	})),
};

const newCoords: HeadCase = {
	name: 'yolov4 with new_coords',
	head: yolov4({ numClasses, inputSize, newCoords: true, anchors: YOLOV3_ANCHORS }),
	dims: maps(STRIDES),
	number: UNIT,
	options: { scoreThreshold: 0.6 },
	decode: darknet(STRIDES, YOLOV3_ANCHORS, (read, { x, y, stride }, [w, h]) => ({
		...best(classesOf(read, Number), read(4)),
		box: toXyxy([(x + 2 * read(0) - 0.5) * stride, (y + 2 * read(1) - 0.5) * stride, 4 * read(2) ** 2 * w, 4 * read(3) ** 2 * h]),
	})),
};

const v4Decoded: HeadCase = {
	name: 'yolov4, decoded',
	head: yolov4({ numClasses, inputSize, outputs: 'decoded' }),
	dims: [
		[1, 3 * CELLS, 1, 4],
		[1, 3 * CELLS, CLASSES],
	],
	number: (next, t, i) => (t === 1 ? next() : i % 4 < 2 ? next() * 0.6 : 0.6 + next() * 0.4),
	options: { scoreThreshold: 0.9 },
	decode: ([boxes, confs]) =>
		Array.from({ length: 3 * CELLS }, (_, anchor) => {
			const [x1, y1, x2, y2] = row(boxes, anchor, 4).map((v) => v * SIZE);
			return { anchor, ...best(row(confs, anchor, CLASSES)), box: [x1, y1, x2, y2] };
		}),
};

const v6: HeadCase = {
	name: 'yolov6',
	head: yolov6({ numClasses, inputSize }),
	dims: [[1, CELLS, ROW]],
	number: rows([...BOX, () => 1, ...times(UNIT, CLASSES)]),
	options: { scoreThreshold: 0.8 },
	decode: ([t]) => cellsOf(STRIDES).map(({ index }) => ({ anchor: index, ...best(row(t, index, ROW).slice(5)), box: toXyxy(row(t, index, ROW)) })),
};

/** A box by its distances from a point in pixels. */
const ltrb = (x: number, y: number, stride: number, [l, t, r, b]: readonly number[]): [number, number, number, number] => [
	x - l * stride,
	y - t * stride,
	x + r * stride,
	y + b * stride,
];
const middle = ({ x, y, stride }: parts.Cell, distances: readonly number[]) => ltrb((x + 0.5) * stride, (y + 0.5) * stride, stride, distances);

const v6Lite: HeadCase = {
	name: 'yolov6 lite, maps with classes first',
	head: yolov6({ numClasses, inputSize, outputs: 'levels' }),
	dims: STRIDES.map((stride) => [1, CLASSES + 4, SIZE / stride, SIZE / stride]),
	number: UNIT,
	options: { scoreThreshold: 0.8 },
	decode: (tensors) =>
		cellsOf(STRIDES).map((cell) => {
			const numbers = column(tensors[cell.level], cell.cell, CLASSES + 4);
			return { anchor: cell.index, ...best(numbers.slice(0, CLASSES)), box: middle(cell, numbers.slice(CLASSES)) };
		}),
};

const x: HeadCase = {
	name: 'yolox, boxes not decoded',
	head: yolox({ numClasses, inputSize }),
	dims: [[1, CELLS, ROW]],
	number: rows([...times((next) => next() * 4 - 2, 4), ...times(UNIT, 1 + CLASSES)]),
	options: { scoreThreshold: 0.5 },
	decode: ([t]) =>
		cellsOf(STRIDES).map(({ index, x, y, stride }) => {
			const [tx, ty, tw, th, objectness, ...classes] = row(t, index, ROW);
			const box = toXyxy([(tx + x) * stride, (ty + y) * stride, Math.exp(tw) * stride, Math.exp(th) * stride]);
			return { anchor: index, ...best(classes, objectness), box };
		}),
};

const xDecoded: HeadCase = {
	name: 'yolox, decoded',
	head: yolox({ numClasses, inputSize, outputs: 'decoded' }),
	dims: [[1, CELLS, ROW]],
	number: rows([...BOX, ...times(UNIT, 1 + CLASSES)]),
	options: { scoreThreshold: 0.5 },
	decode: ([t]) =>
		cellsOf(STRIDES).map(({ index }) => {
			const [cx, cy, w, h, objectness, ...classes] = row(t, index, ROW);
			return { anchor: index, ...best(classes, objectness), box: toXyxy([cx, cy, w, h]) };
		}),
};

const v8Normalized: HeadCase = {
	name: 'yolov8, fractions of the input',
	head: yolov8({ numClasses, inputSize, normalized: true }),
	dims: [[1, 4 + CLASSES, CELLS]],
	number: planes([...parts.FRACTIONS, ...times(UNIT, CLASSES)]),
	options: { scoreThreshold: 0.8 },
	decode: ([t]) =>
		cellsOf(STRIDES).map(({ index }) => {
			const numbers = column(t, index, 4 + CLASSES);
			return { anchor: index, ...best(numbers.slice(4)), box: toXyxy(numbers.slice(0, 4).map((v) => v * SIZE)) };
		}),
};

/** The mean of each side's softmax over its bins. */
export const meansOf = (logits: readonly number[], bins: number): number[] =>
	[0, 1, 2, 3].map((side) => {
		const e = logits.slice(side * bins, (side + 1) * bins).map(Math.exp);
		return e.reduce((sum, v, b) => sum + v * b, 0) / e.reduce((a, b) => a + b);
	});

const v8Raw: HeadCase = {
	name: 'yolov8, maps of bins and of logits',
	head: yolov8({ numClasses, inputSize, outputs: 'raw' }),
	dims: STRIDES.flatMap((stride) => [64, CLASSES].map((channels) => [1, channels, SIZE / stride, SIZE / stride])),
	options: { scoreThreshold: 0.9 },
	decode: (tensors) =>
		cellsOf(STRIDES).map((cell) => {
			const means = meansOf(column(tensors[2 * cell.level], cell.cell, 64), 16);
			return { anchor: cell.index, ...best(column(tensors[2 * cell.level + 1], cell.cell, CLASSES).map(sigmoid)), box: middle(cell, means) };
		}),
};

const v8Joined: HeadCase = {
	name: 'yolov8, joined maps, channels last, probabilities',
	head: yolov8({ numClasses, inputSize, outputs: 'raw-joined', regMax: 8, scores: 'probabilities' }),
	dims: STRIDES.map((stride) => [1, SIZE / stride, SIZE / stride, 32 + CLASSES]),
	number: rows([...times(LOGIT, 32), ...times(UNIT, CLASSES)]),
	options: { scoreThreshold: 0.8 },
	decode: (tensors) =>
		cellsOf(STRIDES).map((cell) => {
			const numbers = row(tensors[cell.level], cell.cell, 32 + CLASSES);
			return { anchor: cell.index, ...best(numbers.slice(32)), box: middle(cell, meansOf(numbers, 8)) };
		}),
};

const oneToOne: HeadCase = {
	name: 'yolo26, maps of its one-to-one branch',
	head: yolov8({ numClasses, inputSize, outputs: 'raw', regMax: 1, suppression: false }),
	dims: STRIDES.flatMap((stride) => [4, CLASSES].map((channels) => [1, channels, SIZE / stride, SIZE / stride])),
	number: (next, t) => (t % 2 === 0 ? next() * 4 - 0.5 : next() * 8 - 4),
	options: { scoreThreshold: 0.9 },
	decode: (tensors) =>
		cellsOf(STRIDES).map((cell) => {
			const scores = column(tensors[2 * cell.level + 1], cell.cell, CLASSES).map(sigmoid);
			return { anchor: cell.index, ...best(scores), box: middle(cell, column(tensors[2 * cell.level], cell.cell, 4)) };
		}),
};

const classId: parts.Kind = (next) => Math.floor(next() * CLASSES);
const corner = [(next: () => number) => next() * 50, (next: () => number) => 50 + next() * 46];
const CORNERS = [corner[0], corner[0], corner[1], corner[1]];

const v10: HeadCase = {
	name: 'yolov10, final rows, fewer than 300',
	head: yolov10({ numClasses, inputSize }),
	dims: [[1, 70, 6]],
	number: rows([...CORNERS, UNIT, classId]),
	decode: ([t]) =>
		Array.from({ length: 70 }, (_, anchor) => {
			const [x1, y1, x2, y2, score, id] = row(t, anchor, 6);
			return { anchor, classId: id, score, box: [x1, y1, x2, y2] };
		}),
};

const v10Turned: HeadCase = {
	name: 'yolov10, columns first, centres and sizes, fractions',
	head: yolov10({ numClasses, inputSize, layout: 'channels-first', format: 'cxcywh', normalized: true, maxRows: 60 }),
	dims: [[1, 6, 60]],
	number: planes([...parts.FRACTIONS, UNIT, classId], 60),
	decode: ([t]) =>
		Array.from({ length: 60 }, (_, anchor) => {
			const [cx, cy, w, h, score, id] = column(t, anchor, 6);
			return { anchor, classId: id, score, box: toXyxy([cx, cy, w, h].map((v) => v * SIZE)) };
		}),
};

const v7Rows: HeadCase = {
	name: 'final rows in the columns of yolov7',
	head: yolov10({ numClasses, inputSize, columns: { box: 1, score: 6, classId: 5, count: 7 } }),
	dims: [[60, 7]],
	number: rows([() => 0, ...CORNERS, classId, UNIT]),
	decode: ([t]) =>
		Array.from({ length: 60 }, (_, anchor) => {
			const [, x1, y1, x2, y2, id, score] = row(t, anchor, 7);
			return { anchor, classId: id, score, box: [x1, y1, x2, y2] };
		}),
};

export const YOLO_CASES: readonly HeadCase[] = [
	...[region(false), region(true), v3, v3Tiny, v4, v4Split, v4Tiny, newCoords, v4Decoded],
	...[v6, v6Lite, x, xDecoded, v8Normalized, v8Raw, v8Joined, oneToOne, v10, v10Turned, v7Rows],
];

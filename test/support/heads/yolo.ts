// YOLOs without anchors, v6, X, v8 to 12 and 26, detection: formulas of meituan/YOLOv6, Megvii's YOLOX and ultralytics.

import { yolov6 } from '../../../src/heads/yolov6.js';
import { yolov8 } from '../../../src/heads/yolov8.js';
import { yolov8Maps } from '../../../src/heads/yolov8-maps.js';
import { yolov10 } from '../../../src/heads/yolov10.js';
import { yolox } from '../../../src/heads/yolox.js';
import type { HeadCase } from './oracle.js';
import * as parts from './yolo-parts.js';

const { BOX, CELLS, CLASSES, LOGIT, SIZE, STRIDES, UNIT, best, cellsOf, column, meansOf, middle, planes, row, rows, sigmoid, times, toXyxy } = parts;
const inputSize = [SIZE, SIZE] as const;
const numClasses = CLASSES;
const ROW = 5 + CLASSES;

const v6: HeadCase = {
	name: 'yolov6',
	head: yolov6({ numClasses, inputSize }),
	dims: [[1, CELLS, ROW]],
	number: rows([...BOX, () => 1, ...times(UNIT, CLASSES)]),
	options: { scoreThreshold: 0.8 },
	decode: ([t]) => cellsOf(STRIDES).map(({ index }) => ({ anchor: index, ...best(row(t, index, ROW).slice(5)), box: toXyxy(row(t, index, ROW)) })),
};

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

const v8Raw: HeadCase = {
	name: 'yolov8, maps of bins and of logits',
	head: yolov8Maps({ numClasses, inputSize, outputs: 'raw' }),
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
	head: yolov8Maps({ numClasses, inputSize, outputs: 'raw-joined', regMax: 8, scores: 'probabilities' }),
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
	head: yolov8Maps({ numClasses, inputSize, outputs: 'raw', regMax: 1, suppression: false }),
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

const v8: HeadCase = {
	name: 'yolov8, transposed',
	head: yolov8({ numClasses, inputSize }),
	dims: [[1, CELLS, 4 + CLASSES]],
	number: rows([...BOX, ...times(UNIT, CLASSES)]),
	options: { scoreThreshold: 0.8 },
	decode: ([t]) =>
		cellsOf(STRIDES).map(({ index }) => ({ anchor: index, ...best(row(t, index, 4 + CLASSES).slice(4)), box: toXyxy(row(t, index, 4 + CLASSES)) })),
};

export const YOLO_CASES: readonly HeadCase[] = [...[v6, v6Lite, x, xDecoded, v8, v8Normalized, v8Raw, v8Joined, oneToOne, v10, v10Turned, v7Rows]];

// YOLOs with anchors, v2 to v5 and v7: formulas of darknet (region_layer.c, yolo_layer.c), pytorch-YOLOv4 and yolov5
// (models/yolo.py).

import { YOLOV2_VOC_ANCHORS, YOLOV3_ANCHORS, YOLOV3_TINY_ANCHORS, YOLOV4_ANCHORS, YOLOV4_TINY_ANCHORS, YOLOV7_ANCHORS } from '../../../src/anchors/yolo.js';
import { yolov2 } from '../../../src/heads/yolov2.js';
import { yolov3, yolov4 } from '../../../src/heads/yolov3.js';
import { yolov5 } from '../../../src/heads/yolov5.js';
import type { HeadCase, OracleCandidate } from './oracle.js';
import * as parts from './yolo-parts.js';

const { CELLS, CLASSES, LOGIT, SIZE, STRIDES, UNIT, best, cellsOf, row, rows, sigmoid, times, toXyxy } = parts;
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

/** v5 and v7: squares of doubled sigmoids. */
const squares = (read: Read, { x, y, stride }: parts.Cell, [w, h]: readonly [number, number]) => {
	const [a, b, c, d] = [0, 1, 2, 3].map((n) => 2 * sigmoid(read(n)));
	return toXyxy([(x + a - 0.5) * stride, (y + b - 0.5) * stride, c * c * w, d * d * h]);
};
const v5: HeadCase = {
	name: 'yolov5, maps with shapes first',
	head: yolov5({ numClasses, inputSize, outputs: 'raw' }),
	dims: STRIDES.map((stride) => [1, 3, SIZE / stride, SIZE / stride, ROW]),
	decode: (tensors) =>
		STRIDES.flatMap((stride, level) =>
			[0, 1, 2].flatMap((shape) =>
				cellsOf(STRIDES)
					.filter((cell) => cell.level === level)
					.map((cell): OracleCandidate => {
						const anchor = 3 * STRIDES.slice(0, level).reduce((sum, s) => sum + (SIZE / s) ** 2, 0) + shape * (SIZE / stride) ** 2 + cell.cell;
						const numbers = row(tensors[level], shape * cell.count + cell.cell, ROW);
						const [w, h] = YOLOV3_ANCHORS[level].slice(2 * shape);
						return { anchor, ...best(numbers.slice(5).map(sigmoid), sigmoid(numbers[4])), box: squares((c) => numbers[c], cell, [w, h]) };
					}),
			),
		),
};
const v7: HeadCase = {
	name: 'yolov7, maps with channels last',
	head: yolov5({ numClasses, inputSize, outputs: 'raw', anchors: YOLOV7_ANCHORS }),
	dims: maps(STRIDES, true),
	decode: darknet(STRIDES, YOLOV4_ANCHORS, (read, cell, anchor) => ({ ...best(classesOf(read), sigmoid(read(4))), box: squares(read, cell, anchor) }), true),
};
const v5Rows: HeadCase = {
	name: 'yolov5, decoded, fractions',
	head: yolov5({ numClasses, inputSize, normalized: true }),
	dims: [[1, 3 * CELLS, ROW]],
	number: rows([...parts.FRACTIONS, ...times(UNIT, 1 + CLASSES)]),
	options: { scoreThreshold: 0.6 },
	decode: ([t]) =>
		Array.from({ length: 3 * CELLS }, (_, anchor) => {
			const numbers = row(t, anchor, ROW);
			return { anchor, ...best(numbers.slice(5), numbers[4]), box: toXyxy(numbers.slice(0, 4).map((v) => v * SIZE)) };
		}),
};
export const YOLO_ANCHOR_CASES: readonly HeadCase[] = [...[region(false), region(true), v3, v3Tiny, v4, v4Split, v4Tiny, newCoords, v4Decoded, v5, v7, v5Rows]];

// YOLO's other tasks, and faces: key points, mask coefficients, turned boxes (ultralytics, nn/modules/head.py), SCRFD
// (insightface, scrfd.py) and YuNet (OpenCV, face_detect.cpp).

import { scrfd, yunet } from '../../../src/heads/faces.js';
import { yoloObb } from '../../../src/heads/yolo-obb.js';
import { yoloPose } from '../../../src/heads/yolo-pose.js';
import { yoloSeg } from '../../../src/heads/yolo-seg.js';
import type { HeadCase } from './oracle.js';
import * as parts from './yolo-parts.js';

const { BOX, CELLS, CLASSES, LOGIT, PIXEL, SIZE, STRIDES, UNIT, best, cellsOf, column, meansOf, middle, planes, row, rows, sigmoid, times, toXyxy } = parts;
const inputSize = [SIZE, SIZE] as const;
const numClasses = CLASSES;
const classId: parts.Kind = (next) => Math.floor(next() * CLASSES);
const low: parts.Kind = (next) => next() * 50;
const high: parts.Kind = (next) => 50 + next() * 46;
const CORNERS = [low, low, high, high];
/** Three points of x, y, visibility. */
const POINTS = [PIXEL, PIXEL, UNIT, PIXEL, PIXEL, UNIT, PIXEL, PIXEL, UNIT];

const pose: HeadCase = {
	name: 'yolo-pose, decoded',
	head: yoloPose({ inputSize, numKeypoints: 3 }),
	dims: [[1, 5 + 9, CELLS]],
	number: planes([...BOX, UNIT, ...POINTS]),
	options: { scoreThreshold: 0.6 },
	decode: ([t]) =>
		cellsOf(STRIDES).map(({ index }) => {
			const numbers = column(t, index, 14);
			return { anchor: index, classId: 0, score: numbers[4], box: toXyxy(numbers), keypoints: numbers.slice(5) };
		}),
};

const poseFractions: HeadCase = {
	name: 'yolo-pose with objectness, points of two numbers, fractions, channels last',
	head: yoloPose({ numClasses: 2, inputSize, numKeypoints: 4, keypointDims: 2, objectness: true, normalized: true }),
	dims: [[1, 3 * CELLS, 7 + 8]],
	number: rows([...parts.FRACTIONS, ...times(UNIT, 3 + 8)]),
	options: { scoreThreshold: 0.6 },
	decode: ([t]) =>
		Array.from({ length: 3 * CELLS }, (_, anchor) => {
			const numbers = row(t, anchor, 15);
			const scaled = numbers.map((v) => v * SIZE);
			return { anchor, ...best(numbers.slice(5, 7), numbers[4]), box: toXyxy(scaled), keypoints: scaled.slice(7) };
		}),
};

const mapDims = (...channels: number[]) => STRIDES.flatMap((stride) => channels.map((c) => [1, c, SIZE / stride, SIZE / stride]));

const poseRaw: HeadCase = {
	name: 'yolo-pose, maps',
	head: yoloPose({ inputSize, numKeypoints: 3, outputs: 'raw' }),
	dims: mapDims(64, 1, 9),
	options: { scoreThreshold: 0.6 },
	decode: (tensors) =>
		cellsOf(STRIDES).map((cell) => {
			const { level, stride, x, y, index } = cell;
			const [box, classes, points] = [64, 1, 9].map((channels, k) => column(tensors[3 * level + k], cell.cell, channels));
			const keypoints = points.map((raw, c) => (c % 3 === 2 ? sigmoid(raw) : (2 * raw + (c % 3 === 0 ? x : y)) * stride));
			return { anchor: index, classId: 0, score: sigmoid(classes[0]), box: middle(cell, meansOf(box, 16)), keypoints };
		}),
};

const pose26: HeadCase = {
	name: 'yolo26-pose, joined maps and points',
	head: yoloPose({ inputSize, numKeypoints: 3, outputs: 'raw-joined', version: 'yolo26' }),
	dims: mapDims(5, 9),
	number: (next, t) => (t % 2 === 0 ? next() * 4 - 0.5 : next() * 8 - 4),
	options: { scoreThreshold: 0.8 },
	decode: (tensors) =>
		cellsOf(STRIDES).map((cell) => {
			const { level, stride, x, y, index } = cell;
			const [map, points] = [5, 9].map((channels, k) => column(tensors[2 * level + k], cell.cell, channels));
			const keypoints = points.map((raw, c) => (c % 3 === 2 ? sigmoid(raw) : (raw + (c % 3 === 0 ? x : y) + 0.5) * stride));
			return { anchor: index, classId: 0, score: sigmoid(map[4]), box: middle(cell, map), keypoints };
		}),
};

const poseRows: HeadCase = {
	name: 'yolo26-pose, final rows',
	head: yoloPose({ inputSize, numKeypoints: 3, outputs: 'end-to-end' }),
	dims: [[1, 50, 6 + 9]],
	number: rows([...CORNERS, UNIT, () => 0, ...POINTS]),
	decode: ([t]) =>
		Array.from({ length: 50 }, (_, anchor) => {
			const [x1, y1, x2, y2, score, id, ...keypoints] = row(t, anchor, 15);
			return { anchor, classId: id, score, box: [x1, y1, x2, y2], keypoints };
		}),
};

const seg: HeadCase = {
	name: 'yolo-seg',
	head: yoloSeg({ numClasses, inputSize, numMasks: 7 }),
	dims: [[1, 4 + CLASSES + 7, CELLS]],
	number: planes([...BOX, ...times(UNIT, CLASSES), ...times(LOGIT, 7)]),
	options: { scoreThreshold: 0.8 },
	decode: ([t]) =>
		cellsOf(STRIDES).map(({ index }) => {
			const numbers = column(t, index, 4 + CLASSES + 7);
			return { anchor: index, ...best(numbers.slice(4, 4 + CLASSES)), box: toXyxy(numbers), maskCoefficients: numbers.slice(4 + CLASSES) };
		}),
};

const seg5: HeadCase = {
	name: 'yolov5-seg',
	head: yoloSeg({ numClasses, inputSize, numMasks: 7, objectness: true }),
	dims: [[1, 3 * CELLS, 5 + CLASSES + 7]],
	number: rows([...BOX, ...times(UNIT, 1 + CLASSES), ...times(LOGIT, 7)]),
	options: { scoreThreshold: 0.7 },
	decode: ([t]) =>
		Array.from({ length: 3 * CELLS }, (_, anchor) => {
			const numbers = row(t, anchor, 5 + CLASSES + 7);
			return { anchor, ...best(numbers.slice(5, 5 + CLASSES), numbers[4]), box: toXyxy(numbers), maskCoefficients: numbers.slice(5 + CLASSES) };
		}),
};

const segRaw: HeadCase = {
	name: 'yolo-seg, joined maps and coefficients',
	head: yoloSeg({ numClasses, inputSize, numMasks: 7, outputs: 'raw-joined' }),
	dims: mapDims(64 + CLASSES, 7),
	options: { scoreThreshold: 0.9 },
	decode: (tensors) =>
		cellsOf(STRIDES).map((cell) => {
			const map = column(tensors[2 * cell.level], cell.cell, 64 + CLASSES);
			const maskCoefficients = column(tensors[2 * cell.level + 1], cell.cell, 7);
			return { anchor: cell.index, ...best(map.slice(64).map(sigmoid)), box: middle(cell, meansOf(map, 16)), maskCoefficients };
		}),
};

const segRows: HeadCase = {
	name: 'yolo26-seg, final rows',
	head: yoloSeg({ numClasses, inputSize, numMasks: 7, outputs: 'end-to-end' }),
	dims: [[1, 50, 6 + 7]],
	number: rows([...CORNERS, UNIT, classId, ...times(LOGIT, 7)]),
	decode: ([t]) =>
		Array.from({ length: 50 }, (_, anchor) => {
			const [x1, y1, x2, y2, score, id, ...maskCoefficients] = row(t, anchor, 13);
			return { anchor, classId: id, score, box: [x1, y1, x2, y2], maskCoefficients };
		}),
};

const radians: parts.Kind = (next) => (next() - 0.25) * Math.PI;

const obb: HeadCase = {
	name: 'yolo-obb',
	head: yoloObb({ numClasses, inputSize }),
	dims: [[1, 4 + CLASSES + 1, CELLS]],
	number: planes([...BOX, ...times(UNIT, CLASSES), radians]),
	options: { scoreThreshold: 0.8 },
	decode: ([t]) =>
		cellsOf(STRIDES).map(({ index }) => {
			const numbers = column(t, index, 4 + CLASSES + 1);
			return { anchor: index, ...best(numbers.slice(4, 4 + CLASSES)), box: toXyxy(numbers), angle: numbers[4 + CLASSES] };
		}),
};

/** By probiou, and suppressed by all that is better; the bitmask must agree with the blocks. */
const obbAsUltralytics: HeadCase = {
	...obb,
	name: 'yolo-obb, suppressed as ultralytics does',
	options: { ...obb.options, iouThreshold: 0.3, semantics: 'ultralytics' },
	suppressedAs: 'ultralytics-rotated',
};
const obbByBitmask: HeadCase = { ...obb, name: 'yolo-obb, by bitmask', options: { ...obb.options, iouThreshold: 0.3, suppression: 'bitmask' } };

const obbRows: HeadCase = {
	name: 'yolo26-obb, final rows',
	head: yoloObb({ numClasses, inputSize, outputs: 'end-to-end' }),
	dims: [[1, 50, 7]],
	number: rows([...BOX, UNIT, classId, LOGIT]),
	decode: ([t]) =>
		Array.from({ length: 50 }, (_, anchor) => {
			const [cx, cy, w, h, score, id, angle] = row(t, anchor, 7);
			return { anchor, classId: id, score, box: toXyxy([cx, cy, w, h]), angle };
		}),
};

/** Angles in maps of their own: the box's centre is turned about the point. */
const obbMaps: HeadCase = {
	name: 'yolo-obb, maps',
	head: yoloObb({ numClasses, inputSize, outputs: 'raw' }),
	dims: STRIDES.flatMap((stride) => [64, CLASSES, 1].map((channels) => [1, channels, SIZE / stride, SIZE / stride])),
	options: { scoreThreshold: 0.9 },
	decode: (tensors) =>
		cellsOf(STRIDES).map(({ index, level, cell, count, stride, x, y }) => {
			const [box, scores, angles] = tensors.slice(3 * level, 3 * level + 3);
			const side = (k: number) => {
				const e = Array.from({ length: 16 }, (_, bin) => Math.exp(box[(16 * k + bin) * count + cell]));
				return (stride * e.reduce((sum, value, bin) => sum + value * bin, 0)) / e.reduce((a, b) => a + b);
			};
			const [l, t, r, b] = [side(0), side(1), side(2), side(3)];
			const angle = (sigmoid(angles[cell]) - 0.25) * Math.PI;
			const [u, v] = [(r - l) / 2, (b - t) / 2];
			const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
			const centre = [(x + 0.5) * stride + u * cos - v * sin, (y + 0.5) * stride + u * sin + v * cos];
			const logits = Array.from({ length: CLASSES }, (_, c) => sigmoid(scores[c * count + cell]));
			return { anchor: index, ...best(logits), box: toXyxy([...centre, l + r, t + b]), angle };
		}),
};

const distance: parts.Kind = (next) => next() * 3;
/** By number of tensor: three of each kind. */
const byKind = (kinds: readonly parts.Kind[]) => (next: () => number, t: number) => kinds[Math.floor(t / 3)](next);

const faces: HeadCase = {
	name: 'scrfd, lists',
	head: scrfd({ inputSize }),
	dims: [1, 4, 10].flatMap((channels) => STRIDES.map((stride) => [2 * (SIZE / stride) ** 2, channels])),
	number: byKind([UNIT, distance, LOGIT]),
	options: { scoreThreshold: 0.7 },
	decode: (tensors) =>
		cellsOf(STRIDES).flatMap(({ index, level, cell, stride, x, y }) =>
			[0, 1].map((shape) => {
				const [score, box, points] = [1, 4, 10].map((channels, k) => row(tensors[3 * k + level], 2 * cell + shape, channels));
				const [l, t, r, b] = box;
				return {
					anchor: 2 * index + shape,
					classId: 0,
					score: score[0],
					box: [(x - l) * stride, (y - t) * stride, (x + r) * stride, (y + b) * stride] as const,
					keypoints: points.map((d, c) => (d + (c % 2 === 0 ? x : y)) * stride),
				};
			}),
		),
};

const faceMaps: HeadCase = {
	name: 'scrfd without points, maps',
	head: scrfd({ inputSize, keypoints: false }),
	dims: [1, 4].flatMap((channels) => STRIDES.map((stride) => [1, 2 * channels, SIZE / stride, SIZE / stride])),
	number: byKind([UNIT, distance]),
	options: { scoreThreshold: 0.7 },
	decode: (tensors) =>
		cellsOf(STRIDES).flatMap(({ index, level, cell, stride, x, y }) =>
			[0, 1].map((shape) => {
				const [l, t, r, b] = column(tensors[3 + level], cell, 8).slice(4 * shape);
				const box = [(x - l) * stride, (y - t) * stride, (x + r) * stride, (y + b) * stride] as const;
				return { anchor: 2 * index + shape, classId: 0, score: column(tensors[level], cell, 2)[shape], box };
			}),
		),
};

const smallFaces: HeadCase = {
	name: 'yunet',
	head: yunet({ inputSize }),
	dims: [1, 1, 4, 10].flatMap((channels) => STRIDES.map((stride) => [1, (SIZE / stride) ** 2, channels])),
	number: byKind([UNIT, UNIT, (next) => next() * 3 - 1, LOGIT]),
	options: { scoreThreshold: 0.6 },
	decode: (tensors) =>
		cellsOf(STRIDES).map(({ index, level, cell, stride, x, y }) => {
			const [cls, obj, box, points] = [1, 1, 4, 10].map((channels, k) => row(tensors[3 * k + level], cell, channels));
			return {
				anchor: index,
				classId: 0,
				score: Math.sqrt(cls[0] * obj[0]),
				box: toXyxy([(x + box[0]) * stride, (y + box[1]) * stride, Math.exp(box[2]) * stride, Math.exp(box[3]) * stride]),
				keypoints: points.map((d, c) => (d + (c % 2 === 0 ? x : y)) * stride),
			};
		}),
};

export const YOLO_TASK_CASES: readonly HeadCase[] = [
	...[pose, poseFractions, poseRaw, pose26, poseRows, seg, seg5, segRaw, segRows],
	...[obb, obbAsUltralytics, obbByBitmask, obbRows, obbMaps, faces, faceMaps, smallFaces],
];

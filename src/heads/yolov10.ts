// YOLOv10 and YOLO26: final rows of a model without NMS, [rows, 6]: x1, y1, x2, y2 in input pixels, score, class id;
// rows beyond the objects have low scores. Other exports with NMS inside have the same rows in other columns.

import { checkInteger, checkWord, readOptions, refuse } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import type { Head } from './head.js';
import { readUltralytics, type UltralyticsOptions, unitOf } from './ultralytics.js';
import { ultralyticsHead } from './ultralytics-outputs.js';

/** The first of four box numbers, the score and the class id, as columns of a row, and how many columns there are. */
export interface RowColumns {
	box: number;
	score: number;
	classId: number;
	count: number;
}

/** Options of `yolov10`. */
export interface Yolov10Options extends Pick<UltralyticsOptions, 'numClasses' | 'inputSize' | 'normalized' | 'maxRows'> {
	/** Default 'anchors-first', [rows, columns]; 'channels-first' is [columns, rows]. */
	layout?: 'anchors-first' | 'channels-first';
	/** What the box's numbers are. Default 'xyxy'. */
	format?: 'xyxy' | 'yxyx' | 'xywh' | 'cxcywh';
	/**
	 * Default { box: 0, score: 4, classId: 5, count: 6 }. The rows of WongKinYiu's YOLOv7 for ONNX Runtime, which begin with the number of the
	 * image and have the class before the score, are { box: 1, score: 6, classId: 5, count: 7 }, of one image; PaddleDetection's are
	 * { box: 2, score: 1, classId: 0, count: 6 }.
	 */
	columns?: RowColumns;
}

const COLUMNS: RowColumns = { box: 0, score: 4, classId: 5, count: 6 };

/**
 * The head of YOLOv10 and YOLO26 (`output0` [1, 300, 6]; ultralytics, nn/modules/head.py, Detect.postprocess). Rows are filtered by score and
 * sorted; nothing is suppressed. For their maps before decoding use `yolov8Maps({ outputs: 'raw', suppression: false })`, with `regMax: 1` for
 * YOLO26. Throws on columns that overlap or do not exist.
 */
export function yolov10(options: Yolov10Options): Head {
	const known = ['numClasses', 'inputSize', 'normalized', 'maxRows', 'layout', 'format', 'columns'] as const;
	const given = readOptions('yolov10', 'options', options, known) as Partial<Yolov10Options>;
	if (given.layout !== undefined) checkWord('yolov10', 'layout', given.layout, ['anchors-first', 'channels-first']);
	const format = checkWord('yolov10', 'format', given.format ?? 'xyxy', ['xyxy', 'yxyx', 'xywh', 'cxcywh']);
	const { box, score, classId, count } = readColumns(given.columns);
	const spec = readUltralytics('yolov10', given, ['end-to-end']);
	const head = ultralyticsHead(spec);
	const { tensors, levels } = head;
	const at = (channel: number) => ({ tensor: 0, channel });
	return {
		...head,
		tensors: [{ ...tensors[0], sizes: { ...tensors[0].sizes, channel: count } }],
		levels: [{ ...levels[0], box: at(box), classes: at(score), classIds: at(classId) }],
		codec: boxes({ format, scale: unitOf(spec) }),
	};
}

function readColumns(columns: unknown): RowColumns {
	if (columns === undefined) return COLUMNS;
	const given = readOptions('yolov10', 'columns', columns, ['box', 'score', 'classId', 'count']);
	const count = checkInteger('yolov10', 'columns.count', given.count, 6, 1024);
	const read = (name: 'box' | 'score' | 'classId', width: number) => checkInteger('yolov10', `columns.${name}`, given[name], 0, count - width);
	const [box, score, classId] = [read('box', 4), read('score', 1), read('classId', 1)];
	const inBox = (column: number) => column >= box && column < box + 4;
	if (inBox(score) || inBox(classId) || score === classId) refuse(RangeError, 'yolov10', 'columns', 'must not overlap', columns);
	return { box, score, classId, count };
}

export { yolov10 as yolo26 };

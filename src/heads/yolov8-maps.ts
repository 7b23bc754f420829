// YOLOv8, 9, 10, 11, 12 and 26 (detection) cut before the boxes are decoded: distances as distributions over bins, and
// class logits, in maps (ultralytics, nn/modules/head.py, Detect).

import { checkBoolean, readOptions } from '../checks.js';
import type { Head } from './head.js';
import { readUltralytics, type UltralyticsOptions } from './ultralytics.js';
import { mapsHead } from './ultralytics-outputs.js';

/** Options of `yolov8Maps`. */
export interface Yolov8MapsOptions extends Omit<UltralyticsOptions, 'maxRows' | 'normalized'> {
	/**
	 * 'raw' (default): two maps per level, fine to coarse, [4 regMax, y, x] and [classes, y, x], an array in this order: boxes, classes, boxes,
	 * classes, ... 'raw-joined': one map per level, [4 regMax + classes, y, x].
	 */
	outputs?: 'raw' | 'raw-joined';
	/** False for the one-to-one branch of YOLOv10 and YOLO26, which needs no suppression. Default true. */
	suppression?: boolean;
}

const MAPS_OPTIONS = ['numClasses', 'inputSize', 'outputs', 'layout', 'strides', 'regMax', 'scores', 'suppression'] as const;

/** The head of the same models (and YOLOv10 and 26, by `suppression: false`) cut before the boxes are decoded. Throws as `yolov8` does. */
export function yolov8Maps(options: Yolov8MapsOptions): Head {
	const given = readOptions('yolov8Maps', 'options', options, MAPS_OPTIONS) as Partial<Yolov8MapsOptions>;
	const head = mapsHead(readUltralytics('yolov8Maps', given, ['raw', 'raw-joined']));
	return given.suppression === undefined ? head : { ...head, suppression: checkBoolean('yolov8Maps', 'suppression', given.suppression) };
}

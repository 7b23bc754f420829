// YOLOv8, 9, 11 and 12 (detection): one tensor [4 + classes, anchors] or its transpose; boxes are cx, cy, w, h in input
// pixels, class scores are probabilities, there is no objectness. Or, by yolov8Maps, the maps before decoding: distances
// as distributions over bins, and class logits (ultralytics, nn/modules/head.py, Detect).

import { checkBoolean, readOptions } from '../checks.js';
import type { Head } from './head.js';
import { decodedHead, mapsHead, readUltralytics, type UltralyticsOptions } from './ultralytics.js';

/** Options of `yolov8`. */
export type Yolov8Options = Pick<UltralyticsOptions, 'numClasses' | 'inputSize' | 'layout' | 'strides' | 'normalized'>;

/** The head of YOLOv8, 9, 11 and 12: `output0`, 8400 anchors at 640 x 640. Throws on sizes that are not multiples of the strides. */
export function yolov8(options: Yolov8Options): Head {
	const given = readOptions('yolov8', 'options', options, ['numClasses', 'inputSize', 'layout', 'strides', 'normalized']) as Partial<Yolov8Options>;
	return decodedHead(readUltralytics('yolov8', given, ['concatenated']));
}

export { yolov8 as yolo11, yolov8 as yolo12, yolov8 as yolov9 };

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

// YOLOv8, 9, 11 and 12 (detection): one tensor [4 + classes, anchors] or its transpose; boxes are cx, cy, w, h in input
// pixels, class scores are probabilities, there is no objectness. Or the maps before decoding: distances as
// distributions over bins, and class logits (ultralytics, nn/modules/head.py, Detect).

import { checkBoolean, readOptions, refuse } from '../checks.js';
import type { Head } from './head.js';
import { readUltralytics, ULTRALYTICS_OPTIONS, type UltralyticsOptions, ultralyticsHead } from './ultralytics.js';

/** Options of `yolov8`. */
export interface Yolov8Options extends Omit<UltralyticsOptions, 'maxRows'> {
	/**
	 * 'concatenated' (default): one decoded tensor, `output0`. 'raw': two maps per level, fine to coarse, [4 regMax, y, x] and
	 * [classes, y, x], an array in this order: boxes, classes, boxes, classes, ... 'raw-joined': one map per level, [4 regMax + classes, y, x].
	 */
	outputs?: 'concatenated' | 'raw' | 'raw-joined';
	/** Maps only: false for the one-to-one branch of YOLOv10 and YOLO26, which needs no suppression. Default true. */
	suppression?: boolean;
}

const KNOWN = [...ULTRALYTICS_OPTIONS.filter((name) => name !== 'maxRows'), 'suppression'] as const;

/** The head of YOLOv8, 9, 11 and 12: 8400 anchors at 640 x 640. Throws on sizes that are not multiples of the strides. */
export function yolov8(options: Yolov8Options): Head {
	const given = readOptions('yolov8', 'options', options, KNOWN) as Partial<Yolov8Options>;
	const spec = readUltralytics('yolov8', given, ['concatenated', 'raw', 'raw-joined']);
	const { suppression } = given;
	if (suppression === undefined) return ultralyticsHead(spec);
	if (spec.outputs === 'concatenated') refuse(TypeError, 'yolov8', 'suppression', "must be absent with outputs: 'concatenated'", suppression);
	return { ...ultralyticsHead(spec), suppression: checkBoolean('yolov8', 'suppression', suppression) };
}

export { yolov8 as yolo11, yolov8 as yolo12, yolov8 as yolov9 };

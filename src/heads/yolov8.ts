// YOLOv8, 9, 11 and 12 (detection): one tensor [4 + classes, anchors] or its transpose; boxes are cx, cy, w, h in input
// pixels, class scores are probabilities, there is no objectness (ultralytics, nn/modules/head.py, Detect). The maps
// before decoding are read by yolov8Maps.

import { readOptions } from '../checks.js';
import type { Head } from './head.js';
import { decodedHead, readUltralytics, type UltralyticsOptions } from './ultralytics.js';

/** Options of `yolov8`. */
export type Yolov8Options = Pick<UltralyticsOptions, 'numClasses' | 'inputSize' | 'layout' | 'strides' | 'normalized'>;

/** The head of YOLOv8, 9, 11 and 12: `output0`, 8400 anchors at 640 x 640. Throws on sizes that are not multiples of the strides. */
export function yolov8(options: Yolov8Options): Head {
	const given = readOptions('yolov8', 'options', options, ['numClasses', 'inputSize', 'layout', 'strides', 'normalized']) as Partial<Yolov8Options>;
	return decodedHead(readUltralytics('yolov8', given, ['concatenated']));
}

export { yolov8 as yolo11, yolov8 as yolo12, yolov8 as yolov9 };

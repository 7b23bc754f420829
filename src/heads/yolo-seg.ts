// YOLO-seg: a detector with mask coefficients. The masks are these times the prototypes, a tensor of its own
// ([32, height / 4, width / 4]) that the head does not read: `assembleMasks` takes it (ultralytics, nn/modules/head.py,
// Segment; yolov5, models/yolo.py, Segment).

import { checkBoolean, checkInteger, readOptions, refuse } from '../checks.js';
import type { Head } from './head.js';
import { readUltralytics, ULTRALYTICS_OPTIONS, type UltralyticsOptions, type UltralyticsOutputs } from './ultralytics.js';
import { ultralyticsHead } from './ultralytics-outputs.js';

/** Options of `yoloSeg`. */
export interface YoloSegOptions extends UltralyticsOptions {
	/**
	 * 'concatenated' (default): `output0` [4 + classes + 32, anchors]. 'raw': per level three maps, [4 regMax, y, x], [classes, y, x], [32, y, x].
	 * 'raw-joined': the first two in one. 'end-to-end': YOLO26's rows [300, 6 + 32], which are final. A record of outputs may hold
	 * the prototypes (`output1`) too; an array may not.
	 */
	outputs?: UltralyticsOutputs;
	/** Mask coefficients per anchor. Default 32. */
	numMasks?: number;
	/** Concatenated only: rows have an objectness before the classes and a cell three anchors (YOLOv5-seg, YOLOv7-seg: [25200, 5 + classes + 32]). Default false. */
	objectness?: boolean;
}

/** The head of YOLO-seg: 8400 anchors at 640 x 640; detections carry maskCoefficients. Throws on options that the outputs leave without meaning. */
export function yoloSeg(options: YoloSegOptions): Head {
	const given = readOptions('yoloSeg', 'options', options, [...ULTRALYTICS_OPTIONS, 'numMasks', 'objectness']) as Partial<YoloSegOptions>;
	const maskCoefficients = checkInteger('yoloSeg', 'numMasks', given.numMasks ?? 32, 1, 1024);
	const objectness = checkBoolean('yoloSeg', 'objectness', given.objectness ?? false);
	const spec = readUltralytics('yoloSeg', given, ['concatenated', 'raw', 'raw-joined', 'end-to-end']);
	if (objectness && spec.outputs !== 'concatenated') refuse(TypeError, 'yoloSeg', 'objectness', `must be absent with outputs: '${spec.outputs}'`, objectness);
	return { ...ultralyticsHead(spec, { field: 'maskCoefficients', channels: maskCoefficients }, objectness), maskCoefficients };
}

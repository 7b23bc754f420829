// YOLO-pose: a detector of persons with key points. Decoded, points are pixels and their visibility a probability; the
// maps before have offsets from the cell, (2 raw + cell) stride in v8 and 11, (raw + cell's middle) stride in YOLO26
// (ultralytics, nn/modules/head.py, Pose and Pose26, kpts_decode).

import { checkBoolean, checkInteger, checkWord, readOptions, refuse } from '../checks.js';
import type { Head, KeypointSpec } from './head.js';
import { readUltralytics, ULTRALYTICS_OPTIONS, type UltralyticsOptions, type UltralyticsOutputs, unitOf } from './ultralytics.js';
import { ultralyticsHead } from './ultralytics-outputs.js';

/** Options of `yoloPose`. */
export interface YoloPoseOptions extends Omit<UltralyticsOptions, 'numClasses'> {
	/** Default 1, the person. */
	numClasses?: number;
	/**
	 * 'concatenated' (default): `output0` [4 + classes + 51, anchors]. 'raw': per level three maps, [4 regMax, y, x], [classes, y, x],
	 * [51, y, x]. 'raw-joined': the first two in one. 'end-to-end': YOLO26's rows [300, 6 + 51], which are final.
	 */
	outputs?: UltralyticsOutputs;
	/** Default 17, those of COCO. */
	numKeypoints?: number;
	/** Numbers per point: x, y and visibility (3, default), or x and y. */
	keypointDims?: 2 | 3;
	/** Maps only: whose formula, and the default of `regMax`: 'yolov8' (default; also 11), 16 bins; 'yolo26', 1. */
	version?: 'yolov8' | 'yolo26';
	/** Concatenated only: rows have an objectness before the classes and a cell three anchors (YOLOv7-pose, [25200, 57]). Default false. */
	objectness?: boolean;
}

const KNOWN = [...ULTRALYTICS_OPTIONS, 'numKeypoints', 'keypointDims', 'version', 'objectness'] as const;

/** The head of YOLO-pose: 8400 anchors at 640 x 640; detections carry keypoints. Throws on options that the outputs leave without meaning. */
export function yoloPose(options: YoloPoseOptions = {}): Head {
	const given = readOptions('yoloPose', 'options', options, KNOWN) as YoloPoseOptions;
	const count = checkInteger('yoloPose', 'numKeypoints', given.numKeypoints ?? 17, 1, 1024);
	const dims = given.keypointDims ?? 3;
	if (dims !== 2 && dims !== 3) refuse(RangeError, 'yoloPose', 'keypointDims', 'must be 2 (x, y) or 3 (x, y, visibility)', dims);
	const version = checkWord('yoloPose', 'version', given.version ?? 'yolov8', ['yolov8', 'yolo26']);
	const objectness = checkBoolean('yoloPose', 'objectness', given.objectness ?? false);
	const kinds: readonly UltralyticsOutputs[] = ['concatenated', 'raw', 'raw-joined', 'end-to-end'];
	const spec = readUltralytics('yoloPose', { ...given, numClasses: given.numClasses ?? 1 }, kinds, version === 'yolo26' ? 1 : 16);
	const isRaw = spec.outputs === 'raw' || spec.outputs === 'raw-joined';
	if (given.version !== undefined && !isRaw) refuse(TypeError, 'yoloPose', 'version', `must be absent with outputs: '${spec.outputs}'`, version);
	if (objectness && spec.outputs !== 'concatenated') refuse(TypeError, 'yoloPose', 'objectness', `must be absent with outputs: '${spec.outputs}'`, objectness);
	const code = version === 'yolo26' ? { scale: 1, shift: 0 } : { scale: 2, shift: -0.5 };
	const keypoints: KeypointSpec = isRaw
		? { count, dims, relative: true, ...code, activation: dims === 3 ? 'sigmoid' : 'none' }
		: { count, dims, relative: false, unit: unitOf(spec) };
	return { ...ultralyticsHead(spec, { field: 'keypoints', channels: count * dims }, objectness), keypoints };
}

// YOLO-OBB: boxes that are turned. One tensor [4 + classes + 1, anchors]: centre, size, class probabilities and last the
// angle in radians, clockwise on the screen (ultralytics, nn/modules/head.py, OBB and OBB26).

import { checkWord, readOptions, refuse } from '../checks.js';
import { rotatedDistances } from '../codecs/rotated-distances.js';
import type { Head } from './head.js';
import { readUltralytics, ULTRALYTICS_OPTIONS, type UltralyticsOptions, type UltralyticsOutputs } from './ultralytics.js';
import { ultralyticsHead } from './ultralytics-outputs.js';

/** Options of `yoloObb`. */
export interface YoloObbOptions extends UltralyticsOptions {
	/**
	 * 'concatenated' (default): `output0` [4 + classes + 1, anchors]. 'raw': per level three maps, [4 regMax, y, x], [classes, y, x], [1, y, x].
	 * 'raw-joined': the first two in one. 'end-to-end': YOLO26's rows [300, 7]: cx, cy, w, h, score, class id, angle; final.
	 */
	outputs?: UltralyticsOutputs;
	/** Maps only: whose angles, and the default of `regMax`: 'yolov8' (default; also 11), 16 bins; 'yolo26', 1. */
	version?: 'yolov8' | 'yolo26';
}

/**
 * The head of YOLO-OBB: 21504 anchors at 1024 x 1024, the size of the models trained on DOTA (inputSize is 640 x 640 unless given);
 * detections carry angles. `normalized` is for square inputs. Throws on options that the outputs leave without meaning.
 */
export function yoloObb(options: YoloObbOptions): Head {
	const given = readOptions('yoloObb', 'options', options, [...ULTRALYTICS_OPTIONS, 'version']) as Partial<YoloObbOptions>;
	const version = checkWord('yoloObb', 'version', given.version ?? 'yolov8', ['yolov8', 'yolo26']);
	const spec = readUltralytics('yoloObb', given, ['concatenated', 'raw', 'raw-joined', 'end-to-end'], version === 'yolo26' ? 1 : 16);
	const isRaw = spec.outputs === 'raw' || spec.outputs === 'raw-joined';
	if (given.version !== undefined && !isRaw) refuse(TypeError, 'yoloObb', 'version', `must be absent with outputs: '${spec.outputs}'`, version);
	const head = ultralyticsHead(spec, { field: 'angle', channels: 1 });
	return isRaw ? { ...head, codec: rotatedDistances({ angle: version === 'yolo26' ? 'raw' : 'sigmoid-quarter', numBins: spec.regMax }) } : head;
}

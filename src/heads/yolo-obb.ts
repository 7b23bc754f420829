// YOLO-OBB: boxes that are turned. One tensor [4 + classes + 1, anchors]: centre, size, class probabilities and last the
// angle in radians, clockwise on the screen (ultralytics, nn/modules/head.py, OBB and OBB26).

import { readOptions } from '../checks.js';
import type { Head } from './head.js';
import { readUltralytics, type UltralyticsOptions, ultralyticsHead } from './ultralytics.js';

/** Options of `yoloObb`. */
export interface YoloObbOptions extends Omit<UltralyticsOptions, 'regMax' | 'scores'> {
	/** 'concatenated' (default): `output0` [4 + classes + 1, anchors]. 'end-to-end': YOLO26's rows [300, 7]: cx, cy, w, h, score, class id, angle; final. */
	outputs?: 'concatenated' | 'end-to-end';
}

/**
 * The head of YOLO-OBB: 21504 anchors at 1024 x 1024, the size of the models trained on DOTA (inputSize is 640 x 640 unless given);
 * detections carry angles. `normalized` is for square inputs. Throws on options that the outputs leave without meaning.
 */
export function yoloObb(options: YoloObbOptions): Head {
	const known = ['numClasses', 'inputSize', 'outputs', 'layout', 'strides', 'normalized', 'maxRows'] as const;
	const given = readOptions('yoloObb', 'options', options, known) as Partial<YoloObbOptions>;
	return ultralyticsHead(readUltralytics('yoloObb', given, ['concatenated', 'end-to-end']), { field: 'angle', channels: 1 });
}

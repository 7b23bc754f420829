// YOLOX: one tensor [anchors, 5 + classes] of cx, cy, w, h, objectness and classes. Its exports leave the boxes undecoded,
// (t + cell) stride and e^t stride, but have applied the sigmoids to the rest (Megvii YOLOX, models/yolo_head.py and
// tools/export_onnx.py, decode_in_inference).

import { anchorPoints } from '../anchors/points.js';
import { checkWord, readOptions } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { cell } from '../codecs/cell.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLayouts, flatLevel, type HeadLayout } from './common.js';
import type { Head } from './head.js';

/** Options of `yolox`. */
export interface YoloxOptions {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [640, 640]; the nano and tiny models have 416 x 416. */
	inputSize?: readonly [number, number];
	/** 'raw' (default): boxes are not decoded, as the project's ONNX models come. 'decoded': exported with --decode_in_inference; boxes are pixels. */
	outputs?: 'raw' | 'decoded';
	/** Default 'auto': told from the dims; without dims anchors first. */
	layout?: HeadLayout;
	/** Default [8, 16, 32]. */
	strides?: readonly number[];
}

/**
 * The head of YOLOX (`output` [1, 8400, 85]): 8400 anchors at 640 x 640, 3549 at 416 x 416. The score is objectness times class; YOLOX keeps
 * scores at the threshold, which is a matter of semantics. Throws on sizes that are not multiples of the strides.
 */
export function yolox(options: YoloxOptions): Head {
	const given = readOptions('yolox', 'options', options, ['numClasses', 'inputSize', 'outputs', 'layout', 'strides']) as Partial<YoloxOptions>;
	const numClasses = checkClasses('yolox', given.numClasses);
	const inputSize = checkInput('yolox', given.inputSize ?? [640, 640]);
	const strides = checkStrides('yolox', inputSize, given.strides ?? [8, 16, 32]);
	const outputs = checkWord('yolox', 'outputs', given.outputs ?? 'raw', ['raw', 'decoded']);
	const layouts = flatLayouts('yolox', given.layout ?? 'auto', 'anchors-first');
	const numAnchors = countCells(inputSize, strides);
	const at = (channel: number) => ({ tensor: 0, channel });
	return {
		name: 'yolox',
		inputSize,
		numClasses,
		numAnchors,
		tensors: [{ name: 'output', aliases: ['output0', 'outputs', 'Identity'], layouts, sizes: { anchor: numAnchors, channel: 5 + numClasses } }],
		levels: [{ ...flatLevel(numAnchors), box: at(0), objectness: at(4), classes: at(5) }],
		score: { activation: 'none', objectness: { activation: 'none' } },
		// the rows of all levels are one list: each anchor has its stride
		...(outputs === 'raw'
			? { codec: cell({ version: 'x' }), anchors: anchorPoints({ inputSize, strides, offset: 0 }) }
			: { codec: boxes({ format: 'cxcywh' }) }),
	};
}

// YOLOv6: one decoded tensor [anchors, 5 + classes]; boxes are cx, cy, w, h in input pixels, classes probabilities, and the
// objectness is 1 throughout (its first version had a real one). The lite models are exported as maps of class
// probabilities and distances instead (meituan/YOLOv6, models/effidehead.py and models/heads/effidehead_lite.py).

import { anchorPoints } from '../anchors/points.js';
import { checkWord, readOptions } from '../checks.js';
import { boxes } from '../codecs/boxes.js';
import { distances } from '../codecs/distances.js';
import { checkClasses, checkInput, checkStrides, countCells, flatLayouts, flatLevel, gridLevels, type HeadLayout, mapLayouts } from './common.js';
import type { Head, Level } from './head.js';

/** Options of `yolov6`. */
export interface Yolov6Options {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [640, 640]. */
	inputSize?: readonly [number, number];
	/** 'concatenated' (default): `outputs` [anchors, 5 + classes]. 'levels': YOLOv6-lite's map per level, [classes + 4, y, x], classes first. */
	outputs?: 'concatenated' | 'levels';
	/** Default 'auto': told from the dims; without dims anchors first, channels first for maps. 'anchors-first' means channels last for maps. */
	layout?: HeadLayout;
	/** Default [8, 16, 32]; the 6 models (YOLOv6-N6 ...) and YOLOv6-lite have 64 too. */
	strides?: readonly number[];
}

/** The head of YOLOv6: 8400 anchors at 640 x 640. Throws on sizes that are not multiples of the strides. */
export function yolov6(options: Yolov6Options): Head {
	const given = readOptions('yolov6', 'options', options, ['numClasses', 'inputSize', 'outputs', 'layout', 'strides']) as Partial<Yolov6Options>;
	const numClasses = checkClasses('yolov6', given.numClasses);
	const inputSize = checkInput('yolov6', given.inputSize ?? [640, 640]);
	const strides = checkStrides('yolov6', inputSize, given.strides ?? [8, 16, 32]);
	const outputs = checkWord('yolov6', 'outputs', given.outputs ?? 'concatenated', ['concatenated', 'levels']);
	const numAnchors = countCells(inputSize, strides);
	const common = { name: 'yolov6', inputSize, numClasses, numAnchors };
	const at = (tensor: number, channel: number) => ({ tensor, channel });
	if (outputs === 'concatenated') {
		const layouts = flatLayouts('yolov6', given.layout ?? 'auto', 'anchors-first');
		return {
			...common,
			tensors: [{ name: 'outputs', aliases: ['output', 'output0', 'Identity'], layouts, sizes: { anchor: numAnchors, channel: 5 + numClasses } }],
			levels: [{ ...flatLevel(numAnchors), box: at(0, 0), objectness: at(0, 4), classes: at(0, 5) }],
			score: { activation: 'none', objectness: { activation: 'none' } },
			codec: boxes({ format: 'cxcywh' }),
		};
	}
	const layouts = mapLayouts('yolov6', given.layout ?? 'auto');
	const places = gridLevels(inputSize, strides);
	return {
		...common,
		tensors: places.map(({ grid: [y, x], stride }, i) => ({
			name: `stride${stride}`,
			aliases: [`output${i}`],
			layouts,
			sizes: { channel: numClasses + 4, y, x, cell: y * x },
		})),
		levels: places.map((place, i): Level => ({ ...place, classes: at(i, 0), box: at(i, numClasses) })),
		score: { activation: 'none' },
		codec: distances(),
		anchors: anchorPoints({ inputSize, strides }),
	};
}

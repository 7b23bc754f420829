// CenterNet ("Objects as Points", xingyizhou/CenterNet, lib/models/decode.py, ctdet_decode): a heat map per class whose
// peaks are objects, and where a peak is the box's size and the centre's offset in cells. The same in mmdetection
// (centernet_head.py) and in TensorFlow's object detection API (center_net_meta_arch.py), with y before x. No suppression.

import { anchorPoints } from '../anchors/points.js';
import { checkBoolean, checkWord, readOptions } from '../checks.js';
import { centers } from '../codecs/centers.js';
import { checkClasses, checkInput, checkStrides, gridLevels, type HeadLayout, mapLayouts } from './common.js';
import type { Axis, Head, TensorSpec } from './head.js';

/** Options of `centernet`. */
export interface CenternetOptions {
	numClasses: number;
	/** Network input in pixels, [height, width]. Default [512, 512]. */
	inputSize?: readonly [number, number];
	/** Input pixels per cell. Default 4. */
	stride?: number;
	/** What the heat map holds: 'sigmoid' (default), logits, as the network itself puts them out; 'none', probabilities, as mmdetection does. */
	activation?: 'sigmoid' | 'none';
	/** False for networks without offsets (`--not_reg_offset`): objects are then in the middle of their cell. Default true. */
	offsets?: boolean;
	/**
	 * Default 'centernet', which mmdetection's is too. 'tensorflow': offsets are y, x and sizes height, width; sizes below 0 count as 0; boxes
	 * are clipped to the input. (A cell within 1e-6 of the highest of its neighbours is a peak there; here it must be as high.)
	 */
	style?: 'centernet' | 'tensorflow';
	/** Default 'auto': told from the dims; [classes, y, x] where both fit ([y, x, classes] with 'tensorflow'). */
	layout?: HeadLayout;
}

/**
 * The head of CenterNet: 'hm' [classes, 128, 128], 'wh' [2, 128, 128] and 'reg' [2, 128, 128] at 512 x 512, in this order. A cell is a candidate
 * for each class in which none of its eight neighbours exceeds it; CenterNet keeps the best 100 (`maxDetections`). Throws on an input that
 * is no multiple of the stride.
 */
export function centernet(options: CenternetOptions): Head {
	const known = ['numClasses', 'inputSize', 'stride', 'activation', 'offsets', 'style', 'layout'] as const;
	const given = readOptions('centernet', 'options', options, known) as Partial<CenternetOptions>;
	const numClasses = checkClasses('centernet', given.numClasses);
	const inputSize = checkInput('centernet', given.inputSize ?? [512, 512]);
	const [stride] = checkStrides('centernet', inputSize, [given.stride ?? 4]);
	const activation = checkWord('centernet', 'activation', given.activation ?? 'sigmoid', ['sigmoid', 'none']);
	const offsets = checkBoolean('centernet', 'offsets', given.offsets ?? true);
	const tensorflow = checkWord('centernet', 'style', given.style ?? 'centernet', ['centernet', 'tensorflow']) === 'tensorflow';
	const [place] = gridLevels(inputSize, [stride]);
	const tensor = (name: string, aliases: readonly string[], channel: number): TensorSpec => {
		const sizes = { channel, y: place.grid[0], x: place.grid[1], cell: place.numAnchors };
		return { name, aliases, layouts: layoutsOf(given.layout ?? 'auto', tensorflow, sizes), sizes };
	};
	return {
		name: 'centernet',
		inputSize,
		numClasses,
		numAnchors: place.numAnchors,
		tensors: [
			tensor('hm', ['heatmap', 'center_heatmap_pred', 'object_center'], numClasses),
			tensor('wh', ['wh_pred', 'box/scale'], 2),
			...(offsets ? [tensor('reg', ['offset', 'offset_pred', 'box/offset'], 2)] : []),
		],
		levels: [
			{
				...place,
				classes: { tensor: 0, channel: 0 },
				box: { tensor: offsets ? 2 : 1, channel: 0 },
				...(offsets && { size: { tensor: 1, channel: 0 } }),
			},
		],
		score: { activation, peaks: true },
		codec: centers({ offsets, order: tensorflow ? 'yxhw' : 'xywh', activation: tensorflow ? 'relu' : 'none' }),
		anchors: anchorPoints({ inputSize, strides: [stride], offset: offsets ? 0 : 0.5 }),
		multiLabel: true,
		suppression: false,
		...(tensorflow && { clip: inputSize }),
	};
}

/** A map as wide and as high as it is deep fits both orders: it is then as the framework has it. */
function layoutsOf(layout: HeadLayout, last: boolean, { channel, y, x }: { channel: number; y: number; x: number }): readonly (readonly Axis[])[] {
	const cube = channel === y && y === x;
	return mapLayouts('centernet', layout === 'auto' && cube ? (last ? 'anchors-first' : 'channels-first') : layout);
}

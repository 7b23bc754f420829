// The other outputs of Ultralytics' heads than the decoded tensor: the maps before decoding, and the final rows of a
// model without NMS. Apart from ultralytics.ts, so that a page that decodes the usual export does not carry them.

import { anchorPoints } from '../anchors/points.js';
import { bins } from '../codecs/bins.js';
import { boxes } from '../codecs/boxes.js';
import { distances } from '../codecs/distances.js';
import { countCells, flatLayouts, flatLevel, gridLevels, mapLayouts } from './common.js';
import type { Head, Level, TensorSpec } from './head.js';
import { at, decodedHead, type Extra, OUTPUT, type UltralyticsSpec, unitOf } from './ultralytics.js';

/** The head of these outputs. `objectness`: channel 4 is one, and a cell has three anchors (YOLOv5 and v7; concatenated only). */
export function ultralyticsHead(spec: UltralyticsSpec, extra?: Extra, objectness = false): Head {
	if (spec.outputs === 'concatenated') return decodedHead(spec, extra, objectness);
	return spec.outputs === 'end-to-end' ? endToEnd(spec, extra) : mapsHead(spec, extra);
}

function endToEnd(spec: UltralyticsSpec, extra: Extra | undefined): Head {
	const { call, inputSize, numClasses, maxRows } = spec;
	return {
		name: call,
		inputSize,
		numClasses,
		numAnchors: maxRows,
		tensors: [
			{
				...OUTPUT,
				layouts: flatLayouts(call, spec.layout ?? 'anchors-first', 'anchors-first'),
				sizes: { anchor: maxRows, channel: 6 + (extra?.channels ?? 0) },
			},
		],
		levels: [{ ...flatLevel(maxRows), box: at(0, 0), classes: at(0, 4), classIds: at(0, 5), ...(extra && { [extra.field]: at(0, 6) }) }],
		score: { activation: 'none', classes: 'given' },
		codec: boxes({ format: extra?.field === 'angle' ? 'cxcywhr' : 'xyxy', scale: unitOf(spec) }),
		suppression: false,
		variableAnchors: true,
	};
}

/** The head of the maps before decoding. */
export function mapsHead(spec: UltralyticsSpec, extra?: Extra): Head {
	const { call, inputSize, numClasses, regMax, strides } = spec;
	const layouts = mapLayouts(call, spec.layout ?? 'auto');
	const joined = spec.outputs === 'raw-joined';
	const tensors: TensorSpec[] = [];
	const levels = gridLevels(inputSize, strides).map((place, i): Level => {
		const [y, x] = place.grid;
		const add = (name: string, aliases: readonly string[], channel: number) =>
			tensors.push({ name: `${name}_${place.stride}`, aliases, layouts, sizes: { channel, y, x, cell: y * x } }) - 1;
		const box = joined ? add('map', joinedNames(i, extra), 4 * regMax + numClasses) : add('boxes', branchNames('cv2', i), 4 * regMax);
		const classes = joined ? at(box, 4 * regMax) : at(add('classes', branchNames('cv3', i), numClasses), 0);
		return { ...place, box: at(box, 0), classes, ...(extra && { [extra.field]: at(add(extra.field, branchNames('cv4', i), extra.channels), 0) }) };
	});
	return {
		name: call,
		inputSize,
		numClasses,
		numAnchors: countCells(inputSize, strides),
		tensors,
		levels,
		score: { activation: spec.scores === 'logits' ? 'sigmoid' : 'none' },
		codec: regMax > 1 ? bins({ numBins: regMax }) : distances(),
		anchors: anchorPoints({ inputSize, strides }),
	};
}

/** Where the head stands in YOLOv8 and 9, in 10, 11 and 26, and in 12: a number in the names of an ONNX export. */
const MODELS = [22, 23, 21];

/** The convolutions of a branch as ONNX exports call them: cv2 for boxes, cv3 for classes, cv4 for the rest; 'one2one' in models without NMS. */
function branchNames(branch: string, level: number): string[] {
	return ['one2one_', ''].flatMap((kind) => {
		const name = `${kind}${branch}.${level}`;
		return MODELS.map((model) => `/model.${model}/${name}/${name}.2/Conv_output_0`);
	});
}

/** The joined maps in ONNX exports; the first Concat of other tasks than detection joins their own numbers. */
function joinedNames(level: number, extra: Extra | undefined): string[] {
	const number = extra ? level + 1 : level;
	return MODELS.map((model) => `/model.${model}/Concat${number > 0 ? `_${number}` : ''}_output_0`);
}

// Second stages, whose boxes are relative to proposals that come with the call: Fast R-CNN and MTCNN; MTCNN's first
// stage; and heads of one map at a quarter of the input, CenterNet and DenseBox.

import type { Facts } from './facts.js';
import { type Fit, propose } from './fit.js';
import { classCounts, flatDims, inputOf, type Maps, readMaps, SIZE_UNKNOWN, STAND_IN } from './guess.js';

const FRAME = 'the shapes do not show the size of the frame';
const SCALE = 'the shapes do not show the scale of the level, for which 1 stands';

/** The heads of one map or two or three of one grid. */
export function readSingleMaps(facts: Facts): Fit[] {
	const count = facts.outputs.length;
	if (count !== 2 && count !== 3) return [];
	return readMaps(facts.outputs).flatMap((maps) => [
		...centernets(facts, maps, count === 3),
		...(count === 2 ? propose(facts, 'densebox', { inputSize: inputOf(facts, maps.grid, 4) }) : []),
		...(count === 2 ? proposalNets(facts, maps) : []),
	]);
}

function centernets(facts: Facts, { grid, channels }: Maps, offsets: boolean): Fit[] {
	const names = facts.outputs.map(({ name = '' }) => name);
	const isTensorflow = names.some((name) => /object_center|box\/(scale|offset)/.test(name));
	const isNamed = isTensorflow || names.some((name) => /^(hm|wh|reg|heatmap|center_heatmap_pred|wh_pred|offset_pred)$/.test(name));
	// mmdetection's heat map has been through the sigmoid
	const activation = names.includes('center_heatmap_pred') ? { activation: 'none' } : {};
	const counts = channels.length === 1 ? channels : channels.filter((c) => c !== 2);
	return classCounts(facts, counts).flatMap((numClasses) => {
		if (!offsets && !isNamed && facts.family !== 'centernet') return [];
		const options = { numClasses, inputSize: inputOf(facts, grid, 4), ...(!offsets && { offsets: false }) };
		return [
			...(isTensorflow ? [] : propose(facts, 'centernet', { ...options, ...activation })),
			...(isNamed && !isTensorflow ? [] : propose(facts, 'centernet', { ...options, style: 'tensorflow' }, { style: 'tensorflow' })),
		];
	});
}

// MTCNN's P-Net: ceil((side - 2) / 2) - 4 cells along a side
function proposalNets(facts: Facts, { grid }: Maps): Fit[] {
	const inputSize = facts.inputSize ?? [2 * grid[0] + 10, 2 * grid[1] + 10];
	return ['facenet', 'ipazc'].flatMap((style) => propose(facts, 'mtcnnPNet', { inputSize, scale: 1, style }, { doubt: SCALE }));
}

/** The heads of rows per proposal. The proposals may be among the outputs. */
export function readSecondStages(facts: Facts): Fit[] {
	const lists = facts.outputs.map(({ dims }) => flatDims(dims.length === 4 && dims[2] === 1 && dims[3] === 1 ? dims.slice(0, 2) : dims));
	const [rows] = lists[0] ?? [0];
	if (lists.length < 2 || lists.length > 4 || !lists.every((list) => list?.[0] === rows) || rows < 1 || rows > 10000) return [];
	const widths = lists.map((list) => list?.[1] ?? 0);
	// the frameworks let 2000 proposals through at most
	return [...regions(facts, rows, widths), ...squares(facts, rows, widths)].map((f) => ({ ...f, remote: rows > 2000 }));
}

function regions(facts: Facts, rows: number, widths: readonly number[]): Fit[] {
	const doubt = facts.inputSize ? undefined : SIZE_UNKNOWN;
	const agnostic = facts.family === 'fastRcnn' && widths.every((n) => n !== 4 * Math.min(...widths));
	const maxProposals = rows > 1000 ? { maxProposals: rows } : {};
	return classCounts(
		facts,
		widths.map((n) => n - 1),
	).flatMap((numClasses) =>
		(['torchvision', 'detectron2', 'mmdet'] as const).flatMap((style) => {
			const options = { numClasses, inputSize: facts.inputSize ?? STAND_IN, style, ...maxProposals };
			const remarks = { style, own: 'proposals', doubt, assumed: ['the proposals come with the call'] };
			const found = propose(facts, 'fastRcnn', options, remarks);
			return found.length > 0 || !agnostic ? found : propose(facts, 'fastRcnn', { ...options, classAgnostic: true }, remarks);
		}),
	);
}

// MTCNN's R-Net and O-Net: [N, 4], [N, 2] and landmarks [N, 10]
function squares(facts: Facts, rows: number, widths: readonly number[]): Fit[] {
	if (!widths.includes(2) || !widths.includes(4)) return [];
	const options = { frameSize: facts.inputSize ?? STAND_IN, ...(rows > 1000 && { numProposals: rows }) };
	const remarks = { doubt: `${FRAME}, for which [${options.frameSize.join(', ')}] stands`, own: 'proposals' };
	if (widths.includes(10)) return propose(facts, 'mtcnnONet', options, remarks);
	return ['facenet', 'ipazc'].flatMap((style) => propose(facts, 'mtcnnRNet', { ...options, style }, remarks));
}

// Face and palm detectors: SCRFD and YuNet with one tensor of each kind per level; MediaPipe's, RetinaFace and UltraFace with
// one list of each kind.

import type { Facts } from './facts.js';
import { type Fit, propose } from './fit.js';
import { flatDims, inputOf, inputsOf, readMaps, type Size, SQUARE } from './guess.js';

/** The heads of face and palm detectors. */
export function readFaces(facts: Facts): Fit[] {
	const count = facts.outputs.length;
	if (count <= 2) return [...blazes(facts), ...(count === 2 ? ultras(facts) : [])];
	return count === 3 ? retinas(facts) : [...scrfds(facts), ...yunets(facts)];
}

// Two models have 896 anchors: the input's size tells.
function blazes(facts: Facts): Fit[] {
	const outputs = facts.outputs.length === 1 ? { outputs: 'concatenated' } : {};
	const faces = ['short-range', 'back', 'full-range'].flatMap((model) => propose(facts, 'blazeFace', { model, ...outputs }));
	const palms = [192, 256].flatMap((side) => propose(facts, 'blazePalm', { inputSize: [side, side] }));
	return [...faces, ...palms];
}

/** Inputs by the finest grid of maps, or by the longest of lists with so many anchors per cell of stride 8. */
function inputs(facts: Facts, anchorsPerCell: number): { size: Size; assumed: readonly string[] }[] {
	const maps = readMaps(facts.outputs);
	if (maps.length > 0) return maps.map(({ grid }) => ({ size: inputOf(facts, grid, 8), assumed: [] }));
	if (facts.inputSize) return [{ size: facts.inputSize, assumed: [] }];
	const longest = Math.max(...facts.outputs.map(({ dims }) => dims[dims.length - 2] ?? 0));
	const side = 8 * Math.sqrt(longest / anchorsPerCell);
	return Number.isInteger(side) && side > 0 ? [{ size: [side, side], assumed: [SQUARE] }] : [];
}

// Three strides with two anchors per cell, or five with one; with points or without
function scrfds(facts: Facts): Fit[] {
	const models = [
		{ count: 9, anchors: 2, more: {} },
		{ count: 6, anchors: 2, more: { keypoints: false } },
		{ count: 15, anchors: 1, more: { strides: [8, 16, 32, 64, 128], anchorsPerCell: 1 } },
		{ count: 10, anchors: 1, more: { strides: [8, 16, 32, 64, 128], anchorsPerCell: 1, keypoints: false } },
	];
	return models
		.filter(({ count }) => count === facts.outputs.length)
		.flatMap(({ anchors, more }) => inputs(facts, anchors).flatMap(({ size, assumed }) => propose(facts, 'scrfd', { inputSize: size, ...more }, { assumed })));
}

function yunets(facts: Facts): Fit[] {
	if (facts.outputs.length !== 12) return [];
	return inputs(facts, 1).flatMap(({ size, assumed }) => propose(facts, 'yunet', { inputSize: size }, { assumed }));
}

// RetinaFace: two priors per cell
function retinas(facts: Facts): Fit[] {
	const lists = facts.outputs.map(({ dims }) => flatDims(dims));
	const anchors = Math.max(...lists.flatMap((list) => list ?? [0]));
	const assumed = facts.inputSize ? [] : [SQUARE];
	return inputsOf(facts, anchors / 2, [8, 16, 32], 32).flatMap((inputSize) => propose(facts, 'retinaFace', { inputSize }, { assumed }));
}

// UltraFace has two published sizes.
function ultras(facts: Facts): Fit[] {
	const sizes: readonly Size[] = facts.inputSize
		? [facts.inputSize]
		: [
				[240, 320],
				[480, 640],
			];
	return sizes.flatMap((inputSize) => propose(facts, 'ultraFace', { inputSize }));
}

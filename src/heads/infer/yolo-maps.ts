// The maps of YOLOs before decoding. Three maps of 3 (5 + classes) channels are those of YOLOv3, v4, v5 or v7, which
// differ in anchors and formula, not in shape; the same shape may be YOLOv8's 64 + classes. Where 3 (5 + 80) gives COCO's
// classes the other reading (191 classes) is not believed.

import { YOLOV2_ANCHORS, YOLOV2_TINY_VOC_ANCHORS, YOLOV2_VOC_ANCHORS, YOLOV5_P6_ANCHORS, YOLOV7_ANCHORS } from '../../anchors/yolo.js';
import type { Facts } from './facts.js';
import { type Fit, propose, sizeOf } from './fit.js';
import { classCounts, inputOf, type Maps, readMaps, type Size } from './guess.js';

/** Channels of a box as distributions: 4 sides of 16 bins. */
const BINS = 64;

/** The heads of maps before decoding. */
export function readYoloMaps(facts: Facts): Fit[] {
	const count = facts.outputs.length;
	const maps = readMaps(facts.outputs);
	return [
		...shapedReadings(facts, maps).flatMap(([grid, channels]) => shaped(facts, grid, channels)),
		...maps.flatMap((m) => [
			...(count === 1 ? yolov2s(facts, m) : []),
			...(count === 3 ? joined(facts, m) : []),
			...(count === 4 ? lite(facts, m) : []),
			...(count === 6 ? raw(facts, m) : []),
		]),
		...tasks(facts),
	];
}

/** Finest grid and channels per anchor of maps with three anchors per cell: [3 c, y, x], [y, x, 3 c], or split in [3, y, x, c], [y, x, 3, c], [3, c, y, x]. */
function shapedReadings({ outputs }: Facts, maps: readonly Maps[]): [Size, number][] {
	if (outputs.length < 2 || outputs.length > 4) return [];
	const found = maps.filter((m) => m.channels.length === 1).map(({ grid, channels }): [Size, number] => [grid, channels[0] / 3]);
	if (outputs.some(({ dims }) => dims.length !== 5)) return found;
	const [, a, b, c, d] = outputs.map(({ dims }) => dims).reduce((x, y) => (sizeOf(y) > sizeOf(x) ? y : x));
	if (a === 3) found.push([[b, c], d], [[c, d], b]);
	if (c === 3) found.push([[a, b], d]);
	return found;
}

function shaped(facts: Facts, grid: Size, channels: number): Fit[] {
	const count = facts.outputs.length;
	const names = facts.outputs.map(({ name = '' }) => name);
	// exports for NVIDIA's yolo_layer call a map after a sigmoid 'lgx'
	const isLogistic = names.some((name) => /_lgx$/.test(name));
	// TensorFlow's YOLOv4 puts the anchor behind the cell, and has applied the sigmoid to all but the boxes
	const isSplit = facts.outputs.every(({ dims }) => dims.length === 5 && dims[3] === 3);
	const assumed = ['the anchor shapes were assumed to be the published ones'];
	return classCounts(facts, [channels - 5]).flatMap((numClasses) => {
		const of = (name: 'yolov3' | 'yolov4' | 'yolov5', stride: number, more: object, family: string = name) =>
			propose(facts, name, { numClasses, inputSize: inputOf(facts, grid, stride), ...more }, { family, assumed });
		if (count === 2) return [...of('yolov3', 16, { tiny: true }), ...of('yolov4', 16, { tiny: true })];
		if (count === 4) {
			// YOLOv7-W6 has the same anchors
			const family = facts.family === 'yolov7' ? 'yolov7' : 'yolov5';
			return of('yolov5', 8, { outputs: 'raw', strides: [8, 16, 32, 64], anchors: YOLOV5_P6_ANCHORS }, family);
		}
		return [
			...(isLogistic ? [] : [...of('yolov5', 8, { outputs: 'raw' }), ...of('yolov5', 8, { outputs: 'raw', anchors: YOLOV7_ANCHORS }, 'yolov7')]),
			...(isLogistic ? [] : [...of('yolov3', 8, {}), ...of('yolov4', 8, {})]),
			...(isSplit ? of('yolov4', 8, { scores: 'probabilities' }) : of('yolov4', 8, { newCoords: true })),
		];
	});
}

// One map of five anchors per cell. Pascal VOC has 20 classes, COCO 80; each has tables of its own.
function yolov2s(facts: Facts, { grid, channels }: Maps): Fit[] {
	if (Math.max(...grid) > 64) return [];
	const names = facts.outputs.map(({ name }) => name);
	return classCounts(facts, [channels[0] / 5 - 5]).flatMap((numClasses) => {
		const voc = names.includes('grid') ? [YOLOV2_TINY_VOC_ANCHORS] : [YOLOV2_VOC_ANCHORS, YOLOV2_TINY_VOC_ANCHORS];
		const tables = numClasses === 80 ? [YOLOV2_ANCHORS] : numClasses === 20 ? voc : [YOLOV2_ANCHORS, ...voc];
		const inputSize = inputOf(facts, grid, 32);
		return tables.flatMap((anchors) => propose(facts, 'yolov2', { numClasses, inputSize, ...(anchors !== YOLOV2_ANCHORS && { anchors }) }));
	});
}

// YOLOv8's two maps of a level in one
function joined(facts: Facts, { grid, channels }: Maps): Fit[] {
	const isCoco = channels[0] === 3 * (5 + 80) && facts.numClasses === undefined && facts.family !== 'yolov8';
	if (channels.length !== 1 || isCoco) return [];
	return classCounts(facts, [channels[0] - BINS]).flatMap((numClasses) => {
		const because = `raw YOLOv8 maps have ${BINS} channels of box distributions and the classes`;
		return propose(facts, 'yolov8Maps', { numClasses, inputSize: inputOf(facts, grid, 8), outputs: 'raw-joined' }, { family: 'yolov8', because });
	});
}

// Two maps per level. Without bins (YOLO26) they are of the branch that needs no suppression, or of the other.
function raw(facts: Facts, { grid, channels }: Maps): Fit[] {
	const oneToOne = facts.outputs.some(({ name = '' }) => name.includes('one2one'));
	const inputSize = inputOf(facts, grid, 8);
	return [BINS, 4].flatMap((box) => {
		if (!channels.includes(box)) return [];
		const others = channels.length === 1 ? channels : channels.filter((c) => c !== box);
		return classCounts(facts, others).flatMap((numClasses) => {
			const options = { numClasses, inputSize, outputs: 'raw', ...(box === 4 && { regMax: 1 }) };
			const final = propose(
				facts,
				'yolov8Maps',
				{ ...options, suppression: false },
				{ family: 'yolov8', because: 'the one-to-one maps of YOLO26 need no suppression' },
			);
			if (oneToOne) return final;
			return [...propose(facts, 'yolov8Maps', options, { family: 'yolov8' }), ...(box === 4 ? final : [])];
		});
	});
}

// YOLOv6-lite: four maps, classes first
function lite(facts: Facts, { grid, channels }: Maps): Fit[] {
	if (channels.length !== 1) return [];
	return classCounts(facts, [channels[0] - 4]).flatMap((numClasses) =>
		propose(facts, 'yolov6', { numClasses, inputSize: inputOf(facts, grid, 8), outputs: 'levels', strides: [8, 16, 32, 64] }),
	);
}

// Maps of poses, and of masks with prototypes beside them: per level boxes, classes and the rest, or the first two joined
function tasks(facts: Facts): Fit[] {
	const { outputs } = facts;
	const largest = outputs.reduce((a, b) => (sizeOf(b.dims) > sizeOf(a.dims) ? b : a));
	const isOdd = outputs.length === 7 || outputs.length === 10;
	const levels = isOdd ? outputs.filter((output) => output !== largest) : outputs;
	if (levels.length !== 6 && levels.length !== 9) return [];
	const kind = levels.length === 6 ? 'raw-joined' : 'raw';
	const numMasks = isOdd ? [largest.dims[1], largest.dims[3]] : [];
	return readMaps(levels).flatMap(({ grid, channels }) => {
		const inputSize = inputOf(facts, grid, 8);
		return channels.flatMap((extra) =>
			classCounts(facts, kind === 'raw' ? channels : channels.map((c) => c - BINS)).flatMap((numClasses) => {
				const shared = { numClasses, inputSize, outputs: kind };
				if (isOdd && !numMasks.includes(extra)) return [];
				if (isOdd) return propose(facts, 'yoloSeg', { ...shared, ...(extra !== 32 && { numMasks: extra }) }, { spare: 1 });
				const [count, dims] = facts.keypoints ?? [extra / 3, 3];
				if (!Number.isInteger(count) || count * dims !== extra || (kind === 'raw' && extra === numClasses)) return [];
				return propose(facts, 'yoloPose', { ...shared, ...(count !== 17 && { numKeypoints: count }), ...(dims !== 3 && { keypointDims: dims }) });
			}),
		);
	});
}

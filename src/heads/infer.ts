// Which head fits the outputs a model has, from their shapes and whatever else is known. Where several fit the answer
// is the list of them: a guess would show as plausible boxes in the wrong places.

import { checkWord, readOptions, refuse } from '../checks.js';
import { show } from '../errors.js';
import { dimsOf, fitsSpec } from '../tensors.js';
import { checkClasses, checkInput, countCells } from './common.js';
import type { Head } from './head.js';
import { retinanet } from './retinanet.js';
import { ssd } from './ssd.js';
import { isAlike, type Known, strangers } from './strangers.js';
import { yolov5 } from './yolov5.js';
import { yolov8 } from './yolov8.js';

/** What else is known of a model. */
export interface InferHints {
	/** Network input, [height, width]. */
	inputSize?: readonly [number, number];
	/** Object classes. */
	numClasses?: number;
	/** Class names; their number is the number of classes. */
	names?: readonly string[];
	/** Whose SSD or RetinaNet: shapes cannot tell. */
	style?: 'torchvision' | 'detectron2' | 'mmdet' | 'caffe';
	/** The metadata of an Ultralytics export: task, imgsz, names. */
	metadata?: Readonly<Record<string, unknown>>;
}

/** A head that fits. */
export interface HeadCandidate {
	/** 'yolov8', 'yolov5', 'ssd', 'retinanet'. */
	readonly name: string;
	readonly head: Head;
	/** The call that makes it, as source text. */
	readonly call: string;
}

/** The head that fits, or the several that do (none: an empty list), and why. */
export type InferredHead =
	| (HeadCandidate & { readonly candidates?: undefined; readonly reason: string })
	| { readonly head?: undefined; readonly candidates: readonly HeadCandidate[]; readonly reason: string };

type Dims = readonly number[];
const STYLES = ['torchvision', 'detectron2', 'mmdet', 'caffe'] as const;

/**
 * Names the head for output shapes: dims, or tensors with dims, alone, in an array, or by output name. A batch axis of
 * unknown length may be any non-number. inferHead([[1, 84, 8400]]) is yolov8 with 80 classes at 640 x 640.
 * Where a well-known model of another kind has the same shape, the answer is a list and a reason that names it, until hints
 * give the number of classes. Throws a TypeError or RangeError for shapes or hints that are none, never for shapes that fit nothing.
 */
export function inferHead(shapes: unknown, hints: InferHints = {}): InferredHead {
	const given = readHints(hints);
	const { list, outputNames } = readShapes(shapes);
	const metadata = given.metadata ?? {};
	const known: Known = {
		inputSize: given.inputSize ?? metadataSize(metadata.imgsz),
		numClasses: given.numClasses ?? given.names?.length ?? metadataClasses(metadata.names),
		style: given.style ?? (outputNames.some((n) => /^(cls_logits|bbox_regression)/.test(n)) ? 'torchvision' : undefined),
		isDetector: metadata.task === 'detect',
	};
	const shown = list.map((dims) => `[${dims.join(', ')}]`).join(', ');
	if (metadata.task !== undefined && metadata.task !== 'detect') {
		return { candidates: [], reason: `the metadata says task ${show(metadata.task)}; heads are built for detect. Describe the model with defineHead` };
	}
	const candidates = fitting(list, known);
	const fits = candidates.map(({ name, head }) => ({ name, numClasses: head.numClasses }));
	const doubt = namesTell(outputNames, candidates) ? '' : strangers(list, fits, known);
	if (candidates.length === 1 && !doubt) {
		const [only] = candidates;
		return { ...only, reason: `${shown} fits ${only.call}, alone of kedge's heads${assumptions(list, only, known)}` };
	}
	const calls = candidates.map((c) => c.call).join(' and ');
	const help = remedy(known, list.length > 1);
	if (candidates.length > 0) return { candidates, reason: `${shown} fits ${calls}${doubt && `; ${doubt}`}. ${help}` };
	return { candidates, reason: `${shown} fits no head that is built${doubt && `; ${doubt}`}. ${help}, or describe the model with defineHead` };
}

// What the shapes left open and was filled in.
function assumptions(list: readonly Dims[], { name, head }: HeadCandidate, known: Known): string {
	const raw = list.some((dims) => dims.length > 3);
	const assumed: string[] = [];
	if (!known.inputSize && !raw && name !== 'ssd') assumed.push('the input size was assumed to be square (hints.inputSize says otherwise)');
	if (name === 'yolov5' && raw && head.tensors.length === 3)
		assumed.push("the anchor shapes were assumed to be YOLOv5's (YOLOv3 and YOLOv7 have maps alike and other anchors)");
	if (isAlike({ name, numClasses: head.numClasses }))
		assumed.push(`boxes and scores have the same shape: pass them by name, or in the order ${head.tensors.map((t) => t.name).join(', ')}`);
	return assumed.length > 0 ? `; ${assumed.join('; ')}` : '';
}

/** True when every tensor of the only candidate goes by a name of its own. */
function namesTell(outputNames: readonly string[], candidates: readonly HeadCandidate[]): boolean {
	const tensors = candidates.length === 1 ? candidates[0].head.tensors : [];
	return tensors.length > 1 && tensors.every((t) => [t.name, ...(t.aliases ?? [])].some((name) => outputNames.includes(name)));
}

/** For error texts: the call of the head that one tensor of these dims fits, or undefined. */
export function suggestHead(dims: readonly number[]): string | undefined {
	const candidates = fitting([dims], {});
	return candidates.length > 0 ? candidates.map((c) => c.call).join(' or ') : undefined;
}

function remedy({ inputSize, numClasses, style }: Known, isStyled: boolean): string {
	const missing = [inputSize ? '' : 'inputSize', numClasses ? '' : 'numClasses', style || !isStyled ? '' : 'style'].filter(Boolean);
	return missing.length ? `Say more by hints: ${missing.join(', ')}` : 'Check the hints';
}

function fitting(list: readonly Dims[], known: Known): HeadCandidate[] {
	if (list.length === 1) return flatYolo(list[0], known);
	const fits = [...rawYolo(list, known), ...pairs(list, known), ...retinanetLevels(list, known)];
	if (list.length === 4 && fits.length === 0) {
		// older YOLOv5 exports put the three maps beside the decoded tensor
		const flat = list.find((dims) => dims.length === 3);
		if (
			flat &&
			rawYolo(
				list.filter((dims) => dims !== flat),
				known,
			).length > 0
		)
			return flatYolo(flat, known).filter((c) => c.name === 'yolov5');
	}
	return fits;
}

interface FlatReading {
	readonly family: 'yolov8' | 'yolov5';
	readonly layout: 'channels-first' | 'anchors-first';
	readonly channels: number;
	readonly anchors: number;
	readonly numClasses: number;
	readonly inputSize: readonly [number, number];
}

// YOLOv8 [4 + classes, anchors] and YOLOv5 [anchors, 5 + classes], either way round
function flatYolo(dims: Dims, known: Known): HeadCandidate[] {
	if (dims.length !== 2 && dims.length !== 3) return [];
	const [p, q] = dims.slice(-2);
	const found: FlatReading[] = [];
	for (const family of ['yolov8', 'yolov5'] as const) {
		for (const layout of ['channels-first', 'anchors-first'] as const) {
			const [channels, anchors] = layout === 'channels-first' ? [p, q] : [q, p];
			const numClasses = channels - (family === 'yolov8' ? 4 : 5);
			const inputSize = yoloInput(anchors, family === 'yolov8' ? 1 : 3, known);
			if (inputSize && numClasses >= 1 && numClasses <= 2 ** 24 && (known.numClasses ?? numClasses) === numClasses)
				found.push({ family, layout, channels, anchors, numClasses, inputSize });
		}
	}
	// more channels than anchors is believed only where nothing else fits: 84 x 8400 is not a tiny model of 8396 classes
	const likely = found.filter((f) => f.anchors >= f.channels);
	const believed = likely.length > 0 ? likely : found;
	return believed.map(({ family, layout, numClasses, inputSize }) => {
		const both = believed.filter((f) => f.family === family).length > 1;
		const options = { numClasses, inputSize, ...(both ? { layout } : {}) };
		return candidate(family, family === 'yolov8' ? yolov8(options) : yolov5(options), options);
	});
}

/** The input that has this many anchors on strides 8, 16, 32: the one given, or a square. */
function yoloInput(anchors: number, shapes: number, known: Known): readonly [number, number] | undefined {
	if (known.inputSize) {
		const whole = known.inputSize.every((n) => n > 0 && n % 32 === 0);
		return whole && countCells(known.inputSize, [8, 16, 32]) * shapes === anchors ? known.inputSize : undefined;
	}
	// shapes * 21 * (side / 32)^2 anchors
	const units = Math.sqrt(anchors / (21 * shapes));
	return Number.isInteger(units) && units > 0 ? [units * 32, units * 32] : undefined;
}

// YOLOv5 maps [3, y, x, 5 + classes], [3 * (5 + classes), y, x] or channels last
function rawYolo(list: readonly Dims[], known: Known): HeadCandidate[] {
	if (list.length !== 3) return [];
	const first = [...list].sort((a, b) => size(b) - size(a))[0];
	const inner = first.slice(1);
	const readings: [number, number, number][] =
		first.length === 5
			? [[inner[1], inner[2], inner[3]]]
			: first.length === 4
				? [
						[inner[1], inner[2], inner[0] / 3],
						[inner[0], inner[1], inner[2] / 3],
					]
				: [];
	const found: HeadCandidate[] = [];
	for (const [y, x, channels] of readings) {
		const inputSize = known.inputSize ?? [y * 8, x * 8];
		const numClasses = channels - 5;
		if (!Number.isInteger(numClasses) || numClasses < 1 || (known.numClasses ?? numClasses) !== numClasses || inputSize.some((n) => n % 32 !== 0)) continue;
		const options = { numClasses, inputSize, outputs: 'raw' as const };
		const head = yolov5(options);
		if (fitsAll(head, list)) found.push(candidate('yolov5', head, options));
	}
	return found;
}

// Two flat tensors: SSD [A, 4] and [A, classes + 1], RetinaNet over all levels [A, 4] and [A, classes]
function pairs(list: readonly Dims[], known: Known): HeadCandidate[] {
	if (list.length !== 2 || list.some((dims) => dims.length !== 2 && dims.length !== 3)) return [];
	const found = new Map<string, HeadCandidate>();
	for (const [boxes, scores] of [list, [list[1], list[0]]].map((pair) => pair.map((dims) => dims.slice(-2)))) {
		const anchors = boxes[1] === 4 ? boxes[0] : boxes[0] === 4 ? boxes[1] : 0;
		const channels = scores[0] === anchors ? scores[1] : scores[1] === anchors ? scores[0] : 0;
		if (!anchors || !channels) continue;
		for (const c of [...ssdOf(anchors, channels, known), ...retinanetOf(anchors, channels, known)]) found.set(c.call, c);
	}
	return [...found.values()];
}

function ssdOf(anchors: number, channels: number, known: Known): HeadCandidate[] {
	const is300 = !known.inputSize || known.inputSize.every((n) => n === 300);
	const numClasses = channels - 1;
	if (anchors !== 8732 || !is300 || numClasses < 1 || (known.numClasses ?? numClasses) !== numClasses) return [];
	const styles = (['torchvision', 'caffe', 'mmdet'] as const).filter((style) => (known.style ?? style) === style);
	return styles.map((style) => {
		const background = style === 'mmdet' ? ('last' as const) : ('first' as const);
		const options = { numClasses, inputSize: [300, 300] as const, priors: { style }, background, ...(style === 'caffe' ? { clamp: false as const } : {}) };
		return candidate('ssd', ssd(options), options);
	});
}

function retinanetOf(anchors: number, numClasses: number, known: Known): HeadCandidate[] {
	const strides = [8, 16, 32, 64, 128];
	const inputs = known.inputSize ? [known.inputSize] : Array.from({ length: 64 }, (_, i) => [(i + 1) * 32, (i + 1) * 32] as const);
	const fitting = inputs.filter((input) => countCells(input, strides) * 9 === anchors);
	if ((known.numClasses ?? numClasses) !== numClasses) return [];
	return fitting.flatMap((inputSize) => retinanets(numClasses, inputSize, 'concatenated', known));
}

// Ten maps: 9 * classes and 9 * 4 channels on five levels
function retinanetLevels(list: readonly Dims[], known: Known): HeadCandidate[] {
	if (list.length !== 10) return [];
	const largest = Math.max(...list.map(size));
	const first = list.find((dims) => size(dims) === largest) as Dims;
	const readings: [number, number, number][] = [];
	if (first.length === 4) readings.push([first[1] / 9, first[2] * 8, first[3] * 8], [first[3] / 9, first[1] * 8, first[2] * 8]);
	else if (known.inputSize) readings.push([first[first.length - 1], known.inputSize[0], known.inputSize[1]]);
	return readings.flatMap(([classes, height, width]) => {
		const inputSize = known.inputSize ?? ([height, width] as const);
		// with fewer classes than coordinates the largest map is a box map, so classes must be said
		const numClasses = known.numClasses ?? classes;
		if (!Number.isInteger(numClasses) || numClasses < 1 || !inputSize.every((n) => Number.isInteger(n) && n <= 8192)) return [];
		return retinanets(numClasses, inputSize, 'levels', known).filter(({ head }) => fitsAll(head, list));
	});
}

function retinanets(numClasses: number, inputSize: readonly [number, number], outputs: 'levels' | 'concatenated', known: Known): HeadCandidate[] {
	const styles = (['torchvision', 'detectron2', 'mmdet'] as const).filter((style) => (known.style ?? style) === style);
	return styles.map((style) => {
		const options = { numClasses, inputSize, style, outputs };
		return candidate('retinanet', retinanet(options), options);
	});
}

function candidate(name: string, head: Head, options: Readonly<Record<string, unknown>>): HeadCandidate {
	return { name, head, call: `${name}(${source(options)})` };
}

/** Options as one would write them. */
function source(value: unknown): string {
	if (Array.isArray(value)) return `[${value.map(source).join(', ')}]`;
	if (typeof value === 'object' && value !== null)
		return `{ ${Object.entries(value)
			.map(([key, v]) => `${key}: ${source(v)}`)
			.join(', ')} }`;
	return typeof value === 'string' ? `'${value}'` : String(value);
}

/** Every tensor of the head finds an output of its own. */
function fitsAll(head: Head, list: readonly Dims[]): boolean {
	const free = list.slice();
	return head.tensors.every((spec) => {
		const i = free.findIndex((dims) => fitsSpec(spec, head, dims));
		if (i >= 0) free.splice(i, 1);
		return i >= 0;
	});
}

function size(dims: Dims): number {
	return dims.reduce((a, b) => a * b, 1);
}

function readShapes(shapes: unknown): { list: Dims[]; outputNames: string[] } {
	if (typeof shapes !== 'object' || shapes === null)
		refuse(TypeError, 'inferHead', 'shapes', 'must be dims, tensors with dims, or a list or record of them', shapes);
	if (isDims(shapes)) return { list: [readDims('shapes', shapes)], outputNames: [] };
	// an output may be called dims or shape
	const own = dimsOf(shapes);
	if (isDims(own)) return { list: [readDims('shapes', own)], outputNames: [] };
	const entries = Object.entries(shapes);
	if (entries.length === 0) refuse(RangeError, 'inferHead', 'shapes', 'must hold at least one shape', shapes);
	return {
		list: entries.map(([key, value]) => readDims(`shapes.${key}`, isDims(value) ? value : dimsOf(value))),
		outputNames: Array.isArray(shapes) ? [] : entries.map(([key]) => key),
	};
}

function isDims(value: unknown): value is unknown[] {
	return Array.isArray(value) && value.length > 0 && value.every((n) => typeof n !== 'object');
}

// An exporter's symbolic batch ('batch', -1, null) counts as 1; any other axis must be known.
function readDims(name: string, dims: unknown): Dims {
	if (!Array.isArray(dims) || dims.length === 0) refuse(TypeError, 'inferHead', name, 'must be dims, or a tensor that has them', dims);
	return dims.map((n, i) => {
		if (Number.isInteger(n) && n >= 0) return n;
		if (i === 0 && dims.length > 2) return 1;
		refuse(TypeError, 'inferHead', `${name}[${i}]`, 'must be a non-negative integer', n, 'run the model once and pass its outputs');
	});
}

/** Hints by name, each of its kind; the metadata comes from a file, and what it says that is none counts as not said. */
function readHints(hints: unknown): InferHints {
	const read = readOptions('inferHead', 'hints', hints, ['inputSize', 'numClasses', 'names', 'style', 'metadata']);
	const { inputSize, numClasses, names, style, metadata } = read;
	if (inputSize !== undefined) checkInput('inferHead', inputSize);
	if (numClasses !== undefined) checkClasses('inferHead', numClasses);
	if (names !== undefined) {
		if (!Array.isArray(names) || names.length === 0 || !names.every((n) => typeof n === 'string'))
			refuse(TypeError, 'inferHead', 'names', 'must be an array of strings with one entry at least', names);
		if (numClasses !== undefined && names.length !== numClasses)
			refuse(RangeError, 'inferHead', 'names', `must be as many as numClasses, ${numClasses}`, names.length);
	}
	if (style !== undefined) checkWord('inferHead', 'style', style, STYLES);
	if (metadata !== undefined && (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)))
		refuse(TypeError, 'inferHead', 'metadata', 'must be an object', metadata);
	return read as InferHints;
}

function metadataSize(text: unknown): readonly [number, number] | undefined {
	const numbers: unknown = typeof text === 'string' ? text.match(/\d+/g)?.map(Number) : text;
	const pair = Array.isArray(numbers) && numbers.length === 2 && numbers.every((n) => Number.isInteger(n) && n > 0);
	return pair ? [numbers[0], numbers[1]] : undefined;
}

// {0: 'person', 1: 'bicycle'}: Python text, or parsed already
function metadataClasses(names: unknown): number | undefined {
	if (typeof names === 'string') return names.match(/[{,]\s*\d+\s*:/g)?.length;
	return typeof names === 'object' && names !== null ? Object.keys(names).length || undefined : undefined;
}

// The options of `readLabels`, checked once, and the limits that keep a hostile or mistaken file from filling the memory.

import { checkInteger, checkMethods, checkSize, checkWord, readOptions, refuse } from '../../checks.js';
import type { LabelFormat, LabelProgress } from './labels.js';

/** Limits of `readLabels`; a file beyond one of them is a problem of that file. */
export interface LabelLimits {
	/** Bytes of one VOC or YOLO file. Default 16 MiB. */
	textBytes?: number;
	/** Bytes of one COCO file. Default 2 GiB (COCO's largest has 448 MB). */
	jsonBytes?: number;
	/** Bytes of an image file that are looked through for its size. Default 4 MiB. */
	headerBytes?: number;
	/** Elements or brackets within each other. Default 32. */
	depth?: number;
	/** Boxes of all files together; the reading ends with an error beyond it. Default 20,000,000. */
	boxes?: number;
	/** Problems that are kept with their text; all are counted. Default 1000. */
	problems?: number;
}

/** Options of `readLabels`. */
export interface ReadLabelsOptions {
	/** Default 'auto': by the ending of the name and the first bytes; a mixture is refused. A named format ignores the files of others. */
	format?: 'auto' | LabelFormat;
	/** 'report' (default) keeps problems in the result and reads on; 'error' rejects at the first. */
	onProblem?: 'report' | 'error';
	/** Ends the reading with the signal's reason. */
	signal?: AbortSignal;
	onProgress?: (progress: LabelProgress) => void;
	/** Names of the classes by number, for YOLO labels without a classes.txt or .names file. */
	classNames?: readonly string[];
	/** [height, width] of images whose size is not found. Default: boxes of YOLO labels without an image are dropped, with a problem. */
	imageSize?: readonly [number, number];
	/**
	 * What the corners in VOC files are. 'inclusive' (default): numbers of the first and last pixel, from 1, as PASCAL's own are; a box from
	 * 1 to 10 is 10 wide. 'edges': where the box begins and ends, from 0, as many tools write; a box from 1 to 10 is 9 wide.
	 */
	vocCorners?: 'inclusive' | 'edges';
	/** [points, 2 or 3], `kpt_shape` of a YOLO-pose set: its lines go on with so many numbers after the box. */
	keypointShape?: readonly [number, 2 | 3];
	limits?: LabelLimits;
}

/** Options with every default in place. */
export interface LabelSettings {
	readonly format: 'auto' | LabelFormat;
	readonly stopAtProblem: boolean;
	readonly signal: AbortSignal | undefined;
	readonly onProgress: ((progress: LabelProgress) => void) | undefined;
	readonly classNames: readonly string[] | undefined;
	readonly imageSize: readonly [number, number] | undefined;
	readonly vocCorners: 'inclusive' | 'edges';
	readonly keypointShape: readonly [number, number] | undefined;
	readonly limits: Readonly<Required<LabelLimits>>;
}

const KEYS = ['format', 'onProblem', 'signal', 'onProgress', 'classNames', 'imageSize', 'vocCorners', 'keypointShape', 'limits'] as const;
const DEFAULT_LIMITS: Required<LabelLimits> = {
	textBytes: 16 * 2 ** 20,
	jsonBytes: 2 ** 31,
	headerBytes: 4 * 2 ** 20,
	depth: 32,
	boxes: 20_000_000,
	problems: 1000,
};

export function checkLabelOptions(where: string, value: unknown): LabelSettings {
	const read = readOptions(where, 'options', value, KEYS);
	const { format = 'auto', onProblem = 'report', vocCorners = 'inclusive', signal, onProgress } = read;
	if (signal !== undefined) checkMethods(where, 'signal', signal, 'an AbortSignal', ['addEventListener', 'throwIfAborted']);
	if (onProgress !== undefined && typeof onProgress !== 'function') refuse(TypeError, where, 'onProgress', 'must be a function', onProgress);
	return {
		format: checkWord(where, 'format', format, ['auto', 'voc', 'coco', 'yolo']),
		stopAtProblem: checkWord(where, 'onProblem', onProblem, ['report', 'error']) === 'error',
		signal: signal as AbortSignal | undefined,
		onProgress: onProgress as LabelSettings['onProgress'],
		classNames: read.classNames === undefined ? undefined : checkNames(where, read.classNames),
		imageSize: read.imageSize === undefined ? undefined : [...checkSize(where, 'imageSize', read.imageSize)],
		vocCorners: checkWord(where, 'vocCorners', vocCorners, ['inclusive', 'edges']),
		keypointShape: read.keypointShape === undefined ? undefined : checkKeypointShape(where, read.keypointShape),
		limits: checkLimits(where, read.limits),
	};
}

function checkNames(where: string, value: unknown): readonly string[] {
	if (!Array.isArray(value)) refuse(TypeError, where, 'classNames', 'must be an array of strings', value);
	value.forEach((name, i) => {
		if (typeof name !== 'string') refuse(TypeError, where, `classNames[${i}]`, 'must be a string', name);
	});
	return [...value];
}

function checkKeypointShape(where: string, value: unknown): readonly [number, number] {
	if (!Array.isArray(value) || value.length !== 2) refuse(TypeError, where, 'keypointShape', 'must be [points, 2 or 3]', value);
	return [checkInteger(where, 'keypointShape[0]', value[0], 1, 10_000), checkInteger(where, 'keypointShape[1]', value[1], 2, 3)];
}

function checkLimits(where: string, value: unknown): Required<LabelLimits> {
	const names = Object.keys(DEFAULT_LIMITS) as (keyof LabelLimits)[];
	const read = readOptions(where, 'limits', value, names);
	const limits = { ...DEFAULT_LIMITS };
	for (const name of names) {
		if (read[name] !== undefined) limits[name] = checkInteger(where, `limits.${name}`, read[name], 1, Number.MAX_SAFE_INTEGER);
	}
	return limits;
}

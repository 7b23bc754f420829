// Is this a head? A head may be a copy with a field changed, or made by hand without defineHead, and its numbers size
// buffers and are printed into shaders: kinds and ranges are looked at here. That the parts fit together is for
// whoever makes heads (heads/define.ts), and not bundled with every program.

import { checkInteger, checkNumber, checkSize, checkWord, NO_LIMIT, refuse } from './checks.js';
import type { BoxCodec } from './codecs/codec.js';
import type { Field, Head, Level, ScoreSpec, TensorSpec } from './heads/head.js';

/** A float32 holds every class id. */
const MOST_CLASSES = 2 ** 24;
/** Raw numbers of a box: the CPU path has room for so many. */
const MOST_RAW = 257;
const REMEDY = 'as yolov8({ numClasses: 80, inputSize: [640, 640] }) makes one';

type Unchecked<T> = { readonly [K in keyof T]?: unknown };

/** A head whose fields have the right kinds, and numbers in range. Throws a TypeError or RangeError that names the field. */
export function checkHead(where: string, value: unknown): Head {
	if (!isObject(value)) refuse(TypeError, where, 'head', 'must be a head', value, REMEDY);
	const head = value as Unchecked<Head>;
	const tensors = checkList<TensorSpec>(where, 'head.tensors', head.tensors);
	const levels = checkList<Level>(where, 'head.levels', head.levels);
	checkText(where, 'head.name', head.name);
	checkSize(where, 'head.inputSize', head.inputSize);
	checkInteger(where, 'head.numClasses', head.numClasses, 1, MOST_CLASSES);
	const numAnchors = checkInteger(where, 'head.numAnchors', head.numAnchors, 1, NO_LIMIT);
	tensors.forEach((tensor, i) => {
		checkTensor(where, `head.tensors[${i}]`, tensor);
	});
	const score = checkScore(where, head.score);
	levels.forEach((level, i) => {
		checkLevel(where, `head.levels[${i}]`, level, tensors.length, score.objectness !== undefined);
	});
	const codec = checkCodec(where, head.codec);
	checkWords(where, head);
	const fromCall = (value as Head).levels.some((level) => level.anchors !== undefined);
	if (codec.anchors !== 'none' && !fromCall) checkAnchors(where, head.anchors, numAnchors, codec.anchors === 'cxcywhr' ? 5 : 4);
	return value as Head;
}

function checkTensor(where: string, at: string, tensor: Unchecked<TensorSpec>): void {
	checkText(where, `${at}.name`, tensor.name);
	const { aliases = [], sizes } = tensor;
	if (!Array.isArray(aliases)) refuse(TypeError, where, `${at}.aliases`, 'must be a list of names', aliases);
	for (const [i, axes] of checkList(where, `${at}.layouts`, tensor.layouts).entries()) checkList(where, `${at}.layouts[${i}]`, axes, false);
	if (!isObject(sizes)) refuse(TypeError, where, `${at}.sizes`, 'must be an object', sizes);
	for (const [axis, length] of Object.entries(sizes)) checkInteger(where, `${at}.sizes.${axis}`, length, 1, NO_LIMIT);
}

function checkScore(where: string, value: unknown): Unchecked<ScoreSpec> {
	if (!isObject(value)) refuse(TypeError, where, 'head.score', 'must be an object', value);
	const score = value as Unchecked<ScoreSpec>;
	const activation = checkWord(where, 'head.score.activation', score.activation, ['none', 'sigmoid', 'softmax']);
	if (activation === 'softmax') checkWord(where, 'head.score.background', score.background, ['first', 'last', 'none']);
	if (score.classes !== undefined) checkWord(where, 'head.score.classes', score.classes, ['channels', 'given', 'level']);
	if (score.objectness !== undefined) {
		const inner = (isObject(score.objectness) ? score.objectness : {}) as { activation?: unknown; combine?: unknown };
		checkWord(where, 'head.score.objectness.activation', inner.activation, ['none', 'sigmoid']);
		checkWord(where, 'head.score.objectness.combine', inner.combine ?? 'product', ['product', 'sqrt']);
	}
	return score;
}

function checkLevel(where: string, at: string, level: Unchecked<Level>, numTensors: number, hasObjectness: boolean): void {
	checkInteger(where, `${at}.firstAnchor`, level.firstAnchor, 0, NO_LIMIT);
	checkInteger(where, `${at}.numAnchors`, level.numAnchors, 1, NO_LIMIT);
	checkInteger(where, `${at}.numShapes`, level.numShapes, 1, NO_LIMIT);
	const grid = checkSize(where, `${at}.grid`, level.grid);
	for (const [i, n] of grid.entries()) checkInteger(where, `${at}.grid[${i}]`, n, 1, NO_LIMIT);
	checkWord(where, `${at}.order`, level.order, ['yxa', 'ayx']);
	const { stride } = level;
	const rule = 'must be a positive number of pixels';
	if (typeof stride !== 'number') refuse(TypeError, where, `${at}.stride`, rule, stride);
	if (!(stride > 0 && stride < Infinity)) refuse(RangeError, where, `${at}.stride`, rule, stride);
	for (const name of [
		'box',
		'classes',
		...(hasObjectness ? (['objectness'] as const) : []),
		...OPTIONAL_FIELDS.filter((name) => level[name] !== undefined),
	] as const) {
		const field = level[name] as Unchecked<Field> | undefined;
		if (!isObject(field)) refuse(TypeError, where, `${at}.${name}`, 'must be { tensor, channel }', field);
		checkInteger(where, `${at}.${name}.tensor`, field.tensor, 0, numTensors - 1);
		checkInteger(where, `${at}.${name}.channel`, field.channel, 0, NO_LIMIT);
		checkInteger(where, `${at}.${name}.row`, field.row ?? 0, 0, NO_LIMIT);
	}
}

function checkCodec(where: string, value: unknown): Unchecked<BoxCodec> {
	const codec = value as Unchecked<BoxCodec>;
	const isCodec = isObject(value) && typeof codec.kind === 'string' && typeof codec.decodeBox === 'function';
	if (!isCodec) refuse(TypeError, where, 'head.codec', 'must be made by a codec function (boxes, deltas, cell, distances, ...)', value);
	checkInteger(where, 'head.codec.numRaw', codec.numRaw, 1, MOST_RAW);
	if (!isObject(codec.variants)) refuse(TypeError, where, 'head.codec.variants', 'must be an object', codec.variants);
	if (!isObject(codec.constants)) refuse(TypeError, where, 'head.codec.constants', 'must be an object', codec.constants);
	for (const [name, n] of Object.entries(codec.constants)) {
		if (typeof n !== 'number') refuse(TypeError, where, `head.codec.constants.${name}`, 'must be a number', n);
	}
	return codec;
}

function checkAnchors(where: string, anchors: unknown, numAnchors: number, width: number): void {
	const rule = `must be a Float32Array of ${numAnchors} rows of ${width}`;
	if (Object.prototype.toString.call(anchors) !== '[object Float32Array]') refuse(TypeError, where, 'head.anchors', rule, anchors);
	if ((anchors as Float32Array).length !== numAnchors * width) refuse(RangeError, where, 'head.anchors', rule, anchors);
}

function checkText(where: string, argument: string, value: unknown): void {
	if (typeof value !== 'string' || value === '') refuse(TypeError, where, argument, 'must be a non-empty string', value);
}

/** The fields that some heads have. */
const OPTIONAL_FIELDS = ['classIds', 'size', 'angle', 'anchors', 'keypoints', 'maskCoefficients'] as const;

/** The rules that size buffers or are printed into shaders. */
function checkWords(where: string, head: Unchecked<Head>): void {
	const { boxStep = 0, minSize = 0, maxCandidatesPerLevel = 1, maskCoefficients = 1, clip, keypoints } = head;
	checkInteger(where, 'head.boxStep', boxStep, 0, NO_LIMIT);
	checkInteger(where, 'head.maxCandidatesPerLevel', maxCandidatesPerLevel, 1, NO_LIMIT);
	checkInteger(where, 'head.maskCoefficients', maskCoefficients, 1, 1024);
	checkNumber(where, 'head.minSize', minSize);
	if (clip !== undefined) checkSize(where, 'head.clip', clip);
	if (keypoints === undefined) return;
	if (!isObject(keypoints)) refuse(TypeError, where, 'head.keypoints', 'must be an object', keypoints);
	const { count, dims, scale = 1, shift = 0, unit = [1, 1] } = keypoints as Unchecked<NonNullable<Head['keypoints']>>;
	checkInteger(where, 'head.keypoints.count', count, 1, 1024);
	checkInteger(where, 'head.keypoints.dims', dims, 2, 3);
	checkNumber(where, 'head.keypoints.scale', scale);
	checkNumber(where, 'head.keypoints.shift', shift);
	checkSize(where, 'head.keypoints.unit', unit);
}

/** A list of objects (or, without `ofObjects`, of anything) that is not empty. */
function checkList<T>(where: string, argument: string, value: unknown, ofObjects = true): Unchecked<T>[] {
	if (!Array.isArray(value) || value.length === 0) refuse(TypeError, where, argument, 'must be a list that is not empty', value);
	if (ofObjects && !value.every(isObject)) refuse(TypeError, where, argument, 'must be a list of objects', value);
	return value;
}

function isObject(value: unknown): value is object {
	return typeof value === 'object' && value !== null;
}

// The arguments of assembleMasks, checked once before any work, and the job they make.

import { checkBoxes } from '../boxes/formats.js';
import type { Letterbox } from '../boxes/letterbox.js';
import { checkAttached, checkInteger, checkSize, checkUnit, checkWord, readOptions, refuse } from '../checks.js';
import { keyOf, logit, nextUp } from '../numbers.js';
import type { Tensor } from '../tensors.js';
import { dropTiny, type MaskJob, type MaskOutput } from './job.js';
import { regionsOf, sideOf, tapsOf } from './regions.js';

const WHERE = 'assembleMasks';
const KEYS = ['inputSize', 'transform', 'size', 'threshold', 'crop', 'layout', 'output', 'texture'] as const;
const OUTPUTS: readonly MaskOutput[] = ['bytes', 'logits', 'labels', 'texture'];
const SIZES = ['frame', 'input', 'prototypes'] as const;
/** Pixels along a side, prototypes, and detections that a map of 16-bit labels can tell apart. */
const MOST = 65535;
/** What one result may take. */
const MAX_BYTES = 2 ** 32;
/** Infinity's key and one more: only NaN lies there. */
const NAN_KEY = 0xff800001;

/** The job that the arguments ask for; the parts of `transform` are checked already. Throws a TypeError or RangeError that names the argument. */
export function checkMasks(detections: unknown, prototypes: Tensor, options: unknown): MaskJob {
	const { boxes, coefficients, count } = checkDetections(detections);
	const read = readOptions(WHERE, 'options', options, KEYS);
	const crop = read.crop === undefined ? 'prototypes' : checkWord(WHERE, 'crop', read.crop, ['prototypes', 'output']);
	const output = read.output === undefined ? 'bytes' : checkWord(WHERE, 'output', read.output, OUTPUTS);
	const threshold = read.threshold === undefined ? 0.5 : checkUnit(WHERE, 'threshold', read.threshold);
	const isLast = read.layout !== undefined && checkWord(WHERE, 'layout', read.layout, ['channels-first', 'channels-last']) === 'channels-last';
	const shape = checkPrototypes(prototypes, isLast, coefficients.length, count);
	const sizes = checkSizes(read, shape.prototypeSize);
	checkTotal(output, count, sizes.output);
	const texture = checkTexture(read.texture, output, sizes.output);

	const side = (axis: 0 | 1) => sideOf(axis, shape.prototypeSize, sizes.input, sizes.output, sizes.transform, sizes.showsFrame);
	const sides = [side(0), side(1)] as const;
	const taps = [tapsOf(sides[0]), tapsOf(sides[1])] as const;
	return {
		...{ output, texture, count, prototypes, ...shape },
		...{ height: sizes.output[0], width: sizes.output[1], columns: taps[0], rows: taps[1] },
		coefficients: coefficients.map(dropTiny),
		minKey: minKeyAbove(threshold),
		regions: regionsOf(boxes, sides, taps, crop),
	};
}

/** The key of the smallest logit whose probability is above this one; above all numbers' keys for 1. */
function minKeyAbove(probability: number): number {
	const p = Math.fround(probability);
	return p < 1 ? keyOf(nextUp(logit(p))) : NAN_KEY;
}

function checkDetections(value: unknown): { boxes: Float32Array; coefficients: Float32Array; count: number } {
	if (typeof value !== 'object' || value === null) refuse(TypeError, WHERE, 'detections', 'must be { boxes, maskCoefficients }', value);
	const { boxes, maskCoefficients, count } = value as Record<string, unknown>;
	checkBoxes(WHERE, 'detections.boxes', boxes);
	const rows = boxes.length / 4;
	if (count !== undefined && count !== rows) refuse(RangeError, WHERE, 'detections.count', `must be ${rows}, as many as boxes`, count);
	if (rows > MOST) refuse(RangeError, WHERE, 'detections.count', `must be ${MOST} at most`, rows);
	if (Object.prototype.toString.call(maskCoefficients) !== '[object Float32Array]') {
		const remedy = maskCoefficients === undefined ? 'does the head say where they are?' : '';
		refuse(TypeError, WHERE, 'detections.maskCoefficients', 'must be a Float32Array, flat [count, M]', maskCoefficients, remedy);
	}
	const coefficients = maskCoefficients as Float32Array;
	checkAttached(WHERE, 'detections.maskCoefficients', coefficients);
	return { boxes, coefficients, count: rows };
}

/** Axes and strides of the prototypes. */
function checkPrototypes(tensor: Tensor, isLast: boolean, numCoefficients: number, count: number) {
	const axes = isLast ? '[height, width, M]' : '[M, height, width]';
	const rule = `must have dims ${axes}, with or without a batch axis of 1 in front`;
	const { dims } = tensor;
	if (!dims) refuse(TypeError, WHERE, 'prototypes', rule, undefined, 'pass { data, dims } or { gpuBuffer, dims }');
	const inner = dims.length === 4 && dims[0] === 1 ? dims.slice(1) : dims;
	if (inner.length !== 3) {
		const remedy = dims.length === 4 ? 'pass the prototypes of one image: a subarray, or a GPUBuffer with offset' : '';
		refuse(RangeError, WHERE, 'prototypes.dims', rule, dims, remedy);
	}
	const [numPrototypes, height, width] = isLast ? [inner[2], inner[0], inner[1]] : inner;
	for (const n of [numPrototypes, height, width]) {
		if (n < 1 || n > MOST) refuse(RangeError, WHERE, 'prototypes.dims', `must be from 1 to ${MOST} each`, dims);
	}
	const wanted = numCoefficients / count;
	if (numCoefficients !== numPrototypes * count) {
		const other = isLast ? inner[0] : inner[2];
		const remedy = other === wanted ? `set layout to '${isLast ? 'channels-first' : 'channels-last'}'` : '';
		const argument = 'detections.maskCoefficients';
		refuse(RangeError, WHERE, argument, `must have ${numPrototypes} entries per detection for prototypes ${axes} [${inner.join(', ')}]`, wanted, remedy);
	}
	checkRoom(tensor, numPrototypes * height * width);
	const strides = isLast ? { channel: 1, row: width * numPrototypes, column: numPrototypes } : { channel: height * width, row: width, column: 1 };
	return { numPrototypes, prototypeSize: [height, width] as const, strides };
}

function checkRoom(tensor: Tensor, elements: number): void {
	if (elements >= 2 ** 32) refuse(RangeError, WHERE, 'prototypes', 'must have fewer than 2^32 elements', elements);
	if (tensor.location === 'cpu') return; // held against dims where the tensor was read
	const bytes = tensor.offset + Math.ceil((elements * (tensor.type === 'float16' ? 2 : 4)) / 4) * 4;
	if (tensor.buffer.size < bytes) {
		refuse(RangeError, WHERE, 'prototypes', `must be a GPUBuffer of at least ${bytes} bytes for ${elements} elements of ${tensor.type}`, tensor.buffer.size);
	}
}

interface Sizes {
	readonly input: readonly [number, number];
	readonly output: readonly [number, number];
	readonly transform: Letterbox | undefined;
	readonly showsFrame: boolean;
}

function checkSizes(read: Partial<Record<string, unknown>>, prototypes: readonly [number, number]): Sizes {
	const { inputSize, transform: given, size = given === undefined ? 'input' : 'frame' } = read;
	if (Array.isArray(given)) refuse(TypeError, WHERE, 'transform', 'must be one transform: masks are of one image', given);
	const transform = given as Letterbox | undefined;
	if (inputSize === undefined && !transform) refuse(TypeError, WHERE, 'inputSize', 'must be given, [height, width] of the network input', inputSize);
	const input = inputSize === undefined ? (transform as Letterbox).inputSize : checkSize(WHERE, 'inputSize', inputSize);
	if (transform && (transform.inputSize[0] !== input[0] || transform.inputSize[1] !== input[1])) {
		refuse(RangeError, WHERE, 'inputSize', `must be that of the transform, [${transform.inputSize.join(', ')}]`, input);
	}
	const argument = typeof size !== 'string' ? 'size' : size === 'frame' ? 'transform.frameSize' : 'inputSize';
	const output = typeof size === 'string' ? namedSize(size, input, prototypes, transform) : checkSize(WHERE, 'size', size);
	output.forEach((n, i) => {
		checkInteger(WHERE, `${argument}[${i}]`, n, 1, MOST);
	});
	return { input, output, transform, showsFrame: transform !== undefined && size !== 'input' && size !== 'prototypes' };
}

function namedSize(size: string, input: readonly [number, number], prototypes: readonly [number, number], transform: Letterbox | undefined) {
	const word = checkWord(WHERE, 'size', size, SIZES, 'or [height, width]');
	if (word === 'input') return input;
	if (word === 'prototypes') return prototypes;
	if (!transform) refuse(TypeError, WHERE, 'transform', `must be given for size 'frame'`, transform, 'letterbox(frameSize, inputSize) makes it');
	return transform.frameSize;
}

function checkTotal(output: MaskOutput, count: number, [height, width]: readonly [number, number]): void {
	const each = height * width;
	const bytes = output === 'bytes' ? each * count : output === 'logits' ? each * count * 4 : each * 2;
	if (bytes <= MAX_BYTES) return;
	refuse(RangeError, WHERE, 'size', `must make at most 2^32 bytes for ${count} masks`, bytes, `take a smaller size, fewer detections, or output 'labels'`);
}

function checkTexture(value: unknown, output: MaskOutput, [height, width]: readonly [number, number]): GPUTexture | undefined {
	if (value === undefined) return undefined;
	if (output !== 'texture') refuse(TypeError, WHERE, 'texture', `must be left out for output '${output}'`, value, `set output to 'texture'`);
	const texture = value as Partial<GPUTexture> | null;
	if (typeof texture !== 'object' || texture === null || typeof texture.createView !== 'function') {
		refuse(TypeError, WHERE, 'texture', 'must be a GPUTexture', value);
	}
	if (texture.format !== 'r16uint') refuse(RangeError, WHERE, 'texture.format', `must be 'r16uint'`, texture.format);
	if (texture.width !== width || texture.height !== height) {
		refuse(RangeError, WHERE, 'texture', `must be ${width} texels wide and ${height} high, as the masks`, [texture.width, texture.height]);
	}
	// 2 is GPUTextureUsage.COPY_DST, which is no global everywhere
	if (!((texture.usage ?? 0) & 2)) refuse(RangeError, WHERE, 'texture.usage', 'must hold GPUTextureUsage.COPY_DST', texture.usage);
	return texture as GPUTexture;
}

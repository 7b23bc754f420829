// The description of a model nobody listed, checked by hand: every field is looked at once, and what is wrong is
// named, so that a slip shows here and not as plausible boxes in the wrong places.

import { checkAttached, checkBoolean, checkInteger, checkWord, readOptions, refuse } from '../checks.js';
import { type AnchorFormat, anchorWidth, type BoxCodec } from '../codecs/codec.js';
import { checkClasses, checkInput } from './common.js';
import { checkRules, type Rules } from './define-rules.js';
import type { Axis, Field, Head, Level, ScoreSpec, TensorSpec } from './head.js';

const AXES: readonly Axis[] = ['anchor', 'cell', 'y', 'x', 'shape', 'channel', 'shape-channel', 'one'];

const KNOWN = [
	...['name', 'inputSize', 'numClasses', 'numAnchors', 'tensors', 'levels', 'score', 'codec', 'anchors', 'multiLabel', 'suppression'],
	...['boxStep', 'clip', 'minSize', 'maxCandidatesPerLevel', 'variableAnchors', 'keypoints', 'maskCoefficients'],
];

/** Checks a full description of a model's outputs and returns a copy of it. Throws a TypeError or RangeError that names the field. */
export function defineHead(spec: Head): Head {
	const given = readOptions('defineHead', 'spec', spec, KNOWN) as Partial<Head>;
	if (typeof given.name !== 'string' || given.name === '') refuse(TypeError, 'defineHead', 'name', 'must be a non-empty string', given.name);
	const inputSize = checkInput('defineHead', given.inputSize);
	const numClasses = checkClasses('defineHead', given.numClasses);
	const numAnchors = checkInteger('defineHead', 'numAnchors', given.numAnchors, 1, 2 ** 32 - 1);
	const tensors = checkTensors(given.tensors);
	const score = checkScore(given.score);
	const codec = checkCodec(given.codec);
	const rules = checkRules(given);
	const channels = channelsOf(numClasses, score, codec, rules);
	const levels = checkLevels(given.levels, numAnchors, channels, tensors, score);
	const anchors = checkAnchors(given.anchors, codec, numAnchors, levels);
	return {
		name: given.name,
		inputSize,
		numClasses,
		numAnchors,
		tensors,
		levels,
		score,
		codec,
		anchors,
		multiLabel: given.multiLabel === undefined ? undefined : checkBoolean('defineHead', 'multiLabel', given.multiLabel),
		suppression: given.suppression === undefined ? undefined : checkBoolean('defineHead', 'suppression', given.suppression),
		...rules,
	};
}

function checkTensors(tensors: unknown): TensorSpec[] {
	if (!Array.isArray(tensors) || tensors.length === 0) refuse(TypeError, 'defineHead', 'tensors', 'must be a list with at least one tensor', tensors);
	return tensors.map((tensor, i) => {
		const at = `tensors[${i}]`;
		const { name, aliases = [], layouts, sizes } = readOptions('defineHead', at, tensor, ['name', 'aliases', 'layouts', 'sizes']) as Partial<TensorSpec>;
		if (typeof name !== 'string' || name === '') refuse(TypeError, 'defineHead', `${at}.name`, 'must be a non-empty string', name);
		if (!Array.isArray(aliases) || !aliases.every((a) => typeof a === 'string'))
			refuse(TypeError, 'defineHead', `${at}.aliases`, 'must be a list of strings', aliases);
		const lengths = readOptions('defineHead', `${at}.sizes`, sizes, ['anchor', 'cell', 'y', 'x', 'shape', 'channel']) as TensorSpec['sizes'];
		for (const [axis, length] of Object.entries(lengths)) checkInteger('defineHead', `${at}.sizes.${axis}`, length, 1, 2 ** 32 - 1);
		if (!Array.isArray(layouts) || layouts.length === 0)
			refuse(TypeError, 'defineHead', `${at}.layouts`, 'must be a list with at least one axis order', layouts);
		layouts.forEach((axes, k) => checkLayout(`${at}.layouts[${k}]`, axes, lengths));
		return { name, aliases: aliases.slice(), layouts: layouts.map((axes) => axes.slice()), sizes: { ...lengths } };
	});
}

function checkLayout(at: string, axes: unknown, sizes: TensorSpec['sizes']): void {
	if (!Array.isArray(axes) || axes.length === 0) refuse(TypeError, 'defineHead', at, 'must be a list of axes', axes);
	axes.forEach((axis, i) => {
		checkWord('defineHead', `${at}[${i}]`, axis, AXES);
		if (axis !== 'one' && axes.indexOf(axis) !== i) refuse(RangeError, 'defineHead', at, 'must not name an axis twice', axes);
		const needs: Axis[] = axis === 'shape-channel' ? ['shape', 'channel'] : axis === 'one' ? [] : [axis];
		for (const need of needs)
			if (sizes[need] === undefined) refuse(TypeError, 'defineHead', at, `must use axes with a length in sizes; ${need} has none`, axes);
	});
	const y = axes.indexOf('y');
	if (y !== -1 || axes.includes('x')) {
		// a cell is y * width + x, one stride for both
		if (y === -1 || axes[y + 1] !== 'x') refuse(RangeError, 'defineHead', at, "must have 'x' right after 'y'", axes);
	}
	const channels = axes.filter((a) => a === 'channel' || a === 'shape-channel').length;
	if (channels !== 1) refuse(RangeError, 'defineHead', at, "must have one of 'channel' and 'shape-channel'", axes);
	const merged = axes.includes('shape-channel') && axes.includes('shape');
	const flat = axes.includes('anchor') && axes.some((a) => a === 'cell' || a === 'y' || a === 'shape' || a === 'shape-channel');
	const twice = axes.includes('cell') && y !== -1;
	if (merged || flat || twice) refuse(RangeError, 'defineHead', at, 'must not count the same thing by two axes', axes);
	// shapes and channels in one axis may be all there is: those of one cell
	if (!hasCells(axes) && !axes.includes('shape-channel')) refuse(RangeError, 'defineHead', at, "must have 'anchor', 'cell' or 'y', 'x'", axes);
}

function hasCells(axes: readonly Axis[]): boolean {
	return axes.some((a) => a === 'anchor' || a === 'cell' || a === 'y');
}

function checkScore(score: unknown): ScoreSpec {
	const known = ['activation', 'background', 'objectness', 'classes', 'peaks'];
	const { activation, background, objectness, classes = 'channels', peaks = false } = readOptions('defineHead', 'score', score, known) as Partial<ScoreSpec>;
	checkWord('defineHead', 'score.activation', activation, ['none', 'sigmoid', 'softmax']);
	if (activation === 'softmax') checkWord('defineHead', 'score.background', background, ['first', 'last', 'none']);
	else if (background !== undefined) refuse(TypeError, 'defineHead', 'score.background', "must be absent unless activation is 'softmax'", background);
	checkWord('defineHead', 'score.classes', classes, ['channels', 'given', 'level']);
	checkBoolean('defineHead', 'score.peaks', peaks);
	if (classes === 'given' && objectness !== undefined)
		refuse(TypeError, 'defineHead', 'score.objectness', "must be absent when classes are 'given'", objectness);
	return {
		activation: activation as ScoreSpec['activation'],
		...(activation === 'softmax' && { background }),
		...(objectness !== undefined && { objectness: checkFactor(objectness) }),
		...(classes !== 'channels' && { classes }),
		...(peaks && { peaks }),
	};
}

function checkFactor(objectness: unknown): NonNullable<ScoreSpec['objectness']> {
	const inner = readOptions('defineHead', 'score.objectness', objectness, ['activation', 'combine']);
	const activation = checkWord('defineHead', 'score.objectness.activation', inner.activation, ['none', 'sigmoid']);
	if (inner.combine === undefined) return { activation };
	return { activation, combine: checkWord('defineHead', 'score.objectness.combine', inner.combine, ['product', 'sqrt']) };
}

/** The channels that each field of a level reads; 0 where the head has no such field. */
type Channels = Readonly<Record<(typeof FIELDS)[number], number>>;
const FIELDS = ['box', 'classes', 'objectness', 'classIds', 'size', 'angle', 'anchors', 'keypoints', 'maskCoefficients'] as const;

function channelsOf(numClasses: number, score: ScoreSpec, codec: BoxCodec, rules: Rules): Channels {
	const scores = (score.classes ?? 'channels') === 'channels' ? numClasses : 1;
	const { keypoints, maskCoefficients = 0, boxStep = 0 } = rules;
	return {
		box: codec.numRaw + boxStep * (scores - 1),
		classes: scores + (score.activation === 'softmax' && score.background !== 'none' ? 1 : 0),
		objectness: score.objectness ? 1 : 0,
		classIds: score.classes === 'given' ? 1 : 0,
		size: codec.numRaw === 4 && !score.objectness && score.classes !== 'given' ? 2 : 0,
		angle: codec.rotated ? 1 : 0,
		anchors: 4,
		keypoints: keypoints ? keypoints.count * keypoints.dims : 0,
		maskCoefficients,
	};
}

function checkLevels(levels: unknown, numAnchors: number, channels: Channels, tensors: readonly TensorSpec[], score: ScoreSpec): Level[] {
	if (!Array.isArray(levels) || levels.length === 0) refuse(TypeError, 'defineHead', 'levels', 'must be a list with at least one level', levels);
	let next = 0;
	const checked = levels.map((value, i): Level => {
		const level = checkLevel(`levels[${i}]`, value, next, channels, tensors, score);
		next += level.numAnchors;
		return level;
	});
	if (next !== numAnchors) refuse(RangeError, 'defineHead', 'levels', `must hold ${numAnchors} anchors together`, next);
	const listed = checked.filter((level) => FIELDS.some((name) => level[name]?.row !== undefined));
	const unlike = listed.find((level) => level.order !== 'yxa' || level.numShapes !== listed[0].numShapes);
	if (unlike)
		refuse(RangeError, 'defineHead', 'levels', "must have one numShapes and the order 'yxa' where they share a list", [unlike.order, unlike.numShapes]);
	return checked;
}

function checkLevel(at: string, value: unknown, first: number, channels: Channels, tensors: readonly TensorSpec[], score: ScoreSpec): Level {
	const known = ['firstAnchor', 'numAnchors', 'grid', 'numShapes', 'order', 'stride', ...FIELDS];
	const level = readOptions('defineHead', at, value, known) as Partial<Level>;
	if (level.firstAnchor !== first) refuse(RangeError, 'defineHead', `${at}.firstAnchor`, `must be ${first}, where the level before ends`, level.firstAnchor);
	const { grid } = level;
	if (!Array.isArray(grid) || grid.length !== 2) refuse(TypeError, 'defineHead', `${at}.grid`, 'must be [height, width] in cells', grid);
	const cells = checkInteger('defineHead', `${at}.grid[0]`, grid[0], 1, 2 ** 32 - 1) * checkInteger('defineHead', `${at}.grid[1]`, grid[1], 1, 2 ** 32 - 1);
	const numShapes = checkInteger('defineHead', `${at}.numShapes`, level.numShapes, 1, 2 ** 32 - 1);
	if (level.numAnchors !== cells * numShapes)
		refuse(RangeError, 'defineHead', `${at}.numAnchors`, `must be grid times numShapes, ${cells * numShapes}`, level.numAnchors);
	if (typeof level.stride !== 'number' || !(level.stride > 0) || level.stride === Infinity)
		refuse(RangeError, 'defineHead', `${at}.stride`, 'must be a positive number of pixels', level.stride);
	const place = { grid: [grid[0], grid[1]] as [number, number], numShapes, numAnchors: level.numAnchors };
	const fields: Partial<Record<(typeof FIELDS)[number], Field>> = {};
	for (const name of FIELDS) {
		const optional = name === 'angle' || name === 'anchors' || name === 'size';
		if (level[name] === undefined && (optional || channels[name] === 0)) continue;
		if (channels[name] === 0) refuse(TypeError, 'defineHead', `${at}.${name}`, `must be absent, because ${ABSENT[name]}`, level[name]);
		// what stands elsewhere is not among the box's own channels
		const elsewhere = (level.angle ? 1 : 0) + (level.size ? 2 : 0);
		const count = name === 'box' ? channels.box - elsewhere : channels[name];
		fields[name] = checkField(`${at}.${name}`, level[name], count, tensors, place);
	}
	if (fields.angle && fields.angle.tensor !== fields.box?.tensor && (fields.objectness || fields.classIds))
		refuse(RangeError, 'defineHead', `${at}.angle.tensor`, 'must be the tensor of box where there are objectness or class ids', fields.angle.tensor);
	if (score.peaks && (numShapes !== 1 || grid[0] * grid[1] === 1))
		refuse(RangeError, 'defineHead', 'score.peaks', 'must be for maps of one shape per cell', [numShapes, grid]);
	const order = checkWord('defineHead', `${at}.order`, level.order, ['yxa', 'ayx']);
	return { firstAnchor: first, ...place, order, stride: level.stride, ...(fields as { box: Field; classes: Field }) };
}

const ABSENT: Partial<Record<(typeof FIELDS)[number], string>> = {
	objectness: 'score.objectness is not given',
	classIds: "score.classes is not 'given'",
	size: 'it is for codecs of four numbers, without objectness and given class ids',
	angle: 'the codec has no angle',
	keypoints: 'the head has no keypoints',
	maskCoefficients: 'the head has no maskCoefficients',
};

// The channels a field reads exist, and the tensor is as large as the level that reads it.
function checkField(
	at: string,
	value: unknown,
	channels: number,
	tensors: readonly TensorSpec[],
	level: Pick<Level, 'grid' | 'numShapes' | 'numAnchors'>,
): Field {
	const field = readOptions('defineHead', at, value, ['tensor', 'channel', 'row']);
	const tensor = checkInteger('defineHead', `${at}.tensor`, field.tensor, 0, tensors.length - 1);
	const { name, sizes, layouts } = tensors[tensor];
	const last = (sizes.channel ?? 0) - channels;
	if (last < 0) refuse(RangeError, 'defineHead', at, `must have ${channels} channels in tensor ${name}`, sizes.channel);
	const channel = checkInteger('defineHead', `${at}.channel`, field.channel, 0, last);
	const row = field.row === undefined ? 0 : checkInteger('defineHead', `${at}.row`, field.row, 0, 2 ** 32 - 1);
	const [height, width] = level.grid;
	for (const axes of layouts) {
		const wrong = axes.find((axis) => {
			if (axis === 'anchor') return field.row === undefined ? sizes.anchor !== level.numAnchors : row + level.numAnchors > (sizes.anchor ?? 0);
			if (field.row !== undefined && (axis === 'cell' || axis === 'y' || axis === 'shape' || axis === 'shape-channel')) return true;
			if (axis === 'cell') return sizes.cell !== height * width;
			if (axis === 'y') return sizes.y !== height;
			if (axis === 'x') return sizes.x !== width;
			if (axis === 'shape' || axis === 'shape-channel') return sizes.shape !== level.numShapes;
			return false;
		});
		const noShape = level.numShapes > 1 && !axes.some((axis) => axis === 'anchor' || axis === 'shape' || axis === 'shape-channel');
		const noCell = height * width > 1 && !hasCells(axes);
		if (wrong || noShape || noCell)
			refuse(
				RangeError,
				'defineHead',
				at,
				`must read a tensor of ${height} x ${width} cells and ${level.numShapes} anchors in each`,
				axes,
				`tensor ${name}, axis ${wrong ?? (noShape ? 'shape' : 'cell')}`,
			);
	}
	return { tensor, channel, ...(field.row !== undefined && { row }) };
}

function checkCodec(codec: unknown): BoxCodec {
	const c = codec as Partial<BoxCodec> | null;
	if (typeof c !== 'object' || c === null || typeof c.decodeBox !== 'function' || typeof c.kind !== 'string') {
		refuse(TypeError, 'defineHead', 'codec', 'must be made by a codec function (boxes, deltas, cell, distances, ...)', codec);
	}
	return codec as BoxCodec;
}

function checkAnchors(anchors: unknown, codec: BoxCodec, numAnchors: number, levels: readonly Level[]): Float32Array | undefined {
	const fromCall = levels.filter((level) => level.anchors).length;
	if (fromCall > 0 && (fromCall < levels.length || codec.anchors !== 'xyxy'))
		refuse(TypeError, 'defineHead', 'levels[].anchors', 'must be given for every level or none, and the codec take anchors as xyxy', codec.anchors);
	if (codec.anchors === 'none' || fromCall > 0) {
		const why = fromCall > 0 ? 'they come with the call' : `the ${codec.kind} codec needs none`;
		if (anchors !== undefined) refuse(TypeError, 'defineHead', 'anchors', `must be absent, because ${why}`, anchors);
		return undefined;
	}
	const rows = checkAnchorRows('defineHead', 'anchors', anchors, codec.anchors);
	const width = anchorWidth(codec.anchors);
	if (rows.length !== numAnchors * width) refuse(RangeError, 'defineHead', 'anchors', `must have ${numAnchors} rows of ${width}`, rows.length / width);
	return rows;
}

/** Anchor rows as a copy: finite, and of positive size where the format has one. */
export function checkAnchorRows(call: string, name: string, anchors: unknown, format: AnchorFormat): Float32Array {
	const step = anchorWidth(format);
	if (Object.prototype.toString.call(anchors) !== '[object Float32Array]')
		refuse(TypeError, call, name, `must be a Float32Array, flat [N, ${step}], rows of ${format}`, anchors);
	checkAttached(call, name, anchors as Float32Array);
	const rows = (anchors as Float32Array).slice();
	if (rows.length === 0 || rows.length % step !== 0) refuse(RangeError, call, name, `must have a length that is a positive multiple of ${step}`, rows.length);
	for (let k = 0; k < rows.length; k += step) {
		const width = format === 'xyxy' ? rows[k + 2] - rows[k] : rows[k + 2];
		const height = format === 'xyxy' ? rows[k + 3] - rows[k + 1] : rows[k + 3];
		const finite = rows.subarray(k, k + step).every(Number.isFinite) && width < Infinity && height < Infinity;
		if (!finite || !(width > 0 && height > 0))
			refuse(RangeError, call, `${name}[${k / step}]`, 'must be finite and of positive size', Array.from(rows.subarray(k, k + step)));
	}
	return rows;
}

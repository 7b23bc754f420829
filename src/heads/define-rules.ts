// The rules of a head beyond its tensors and levels: what happens to boxes before suppression, cuts, and what comes
// along with a detection. Checked by hand, as the rest in define.ts.

import { checkBoolean, checkInteger, checkNumber, checkWord, readOptions, refuse } from '../checks.js';
import type { Head, KeypointSpec } from './head.js';

/** The optional rules of a head. */
export type Rules = Pick<Head, 'boxStep' | 'clip' | 'minSize' | 'maxCandidatesPerLevel' | 'variableAnchors' | 'keypoints' | 'maskCoefficients'>;

/** Checks the rules that are there. Throws a TypeError or RangeError that names the field. */
export function checkRules(given: Partial<Head>): Rules {
	const rules: { -readonly [K in keyof Rules]: Rules[K] } = {};
	const { boxStep, clip, minSize, maxCandidatesPerLevel, variableAnchors, keypoints, maskCoefficients } = given;
	if (boxStep !== undefined) rules.boxStep = checkInteger('defineHead', 'boxStep', boxStep, 0, 2 ** 16);
	if (clip !== undefined) rules.clip = checkClip(clip);
	if (minSize !== undefined) {
		if (!(checkNumber('defineHead', 'minSize', minSize) >= 0 && minSize < Infinity))
			refuse(RangeError, 'defineHead', 'minSize', 'must be a number of pixels, 0 or more', minSize);
		rules.minSize = minSize;
		if (minSize > 0 && given.codec?.rotated) refuse(RangeError, 'defineHead', 'minSize', 'must be absent when boxes have angles', minSize);
	}
	if (clip !== undefined && given.codec?.rotated) refuse(RangeError, 'defineHead', 'clip', 'must be absent when boxes have angles', clip);
	if (maxCandidatesPerLevel !== undefined) rules.maxCandidatesPerLevel = checkInteger('defineHead', 'maxCandidatesPerLevel', maxCandidatesPerLevel, 1, 2 ** 31);
	if (variableAnchors !== undefined) {
		rules.variableAnchors = checkBoolean('defineHead', 'variableAnchors', variableAnchors);
		const flat = given.levels?.length === 1 && given.levels[0]?.numShapes === 1 && given.levels[0]?.grid?.[0] === 1;
		if (variableAnchors && !flat) refuse(RangeError, 'defineHead', 'variableAnchors', 'must be for heads of one flat list of anchors', given.levels?.length);
	}
	if (keypoints !== undefined) rules.keypoints = checkKeypoints(keypoints, given);
	if (maskCoefficients !== undefined) rules.maskCoefficients = checkInteger('defineHead', 'maskCoefficients', maskCoefficients, 1, 1024);
	return rules;
}

function checkClip(clip: unknown): readonly [number, number] {
	const good = Array.isArray(clip) && clip.length === 2 && clip.every((n) => typeof n === 'number' && n > 0 && n < Infinity);
	if (!good) refuse(RangeError, 'defineHead', 'clip', 'must be [height, width] in positive pixels', clip);
	return [(clip as number[])[0], (clip as number[])[1]];
}

function checkKeypoints(value: unknown, given: Partial<Head>): KeypointSpec {
	const known = ['count', 'dims', 'order', 'relative', 'inclusive', 'scale', 'shift', 'unit', 'activation'];
	const spec = readOptions('defineHead', 'keypoints', value, known) as Partial<KeypointSpec>;
	const at = (name: string) => `keypoints.${name}`;
	if (spec.dims !== 2 && spec.dims !== 3) refuse(RangeError, 'defineHead', at('dims'), 'must be 2 (x, y) or 3 (x, y, score)', spec.dims);
	const relative = checkBoolean('defineHead', at('relative'), spec.relative);
	if (relative && given.codec?.anchors === 'none') refuse(RangeError, 'defineHead', at('relative'), 'must be false for a codec without anchors', relative);
	for (const name of ['scale', 'shift'] as const) {
		if (spec[name] !== undefined && !Number.isFinite(spec[name])) refuse(RangeError, 'defineHead', at(name), 'must be a finite number', spec[name]);
	}
	const { unit } = spec;
	const goodUnit = unit === undefined || (Array.isArray(unit) && unit.length === 2 && unit.every((n) => n > 0 && n < Infinity));
	if (!goodUnit) refuse(RangeError, 'defineHead', at('unit'), 'must be [x, y] in positive pixels', unit);
	if (spec.inclusive !== undefined && checkBoolean('defineHead', at('inclusive'), spec.inclusive) && given.codec?.anchors !== 'xyxy')
		refuse(RangeError, 'defineHead', at('inclusive'), 'must be for a codec with xyxy anchors', given.codec?.anchors);
	if (spec.order !== undefined) checkWord('defineHead', at('order'), spec.order, ['points', 'axes']);
	if (spec.activation !== undefined) checkWord('defineHead', at('activation'), spec.activation, ['none', 'sigmoid']);
	return { ...spec, count: checkInteger('defineHead', at('count'), spec.count, 1, 1024), dims: spec.dims, relative };
}

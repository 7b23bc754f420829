// Anchors over the levels of a model: the smallest on the finest, and the check that levels and strides run the same way.
// ultralytics/yolov5, utils/autoanchor.py (check_anchor_order).

import { checkInteger, checkNumber, refuse } from '../../checks.js';
import type { FloatsLike } from '../../inputs.js';
import { checkAnchors, sortByArea } from './sizes.js';

/** Anchors [K, 2] sorted by area, in `levels` groups of as many: [K / levels, 2] each, the smallest first. Throws where K cannot be split so. */
export function splitAnchors(anchors: FloatsLike, levels: number): Float32Array[] {
	const where = 'splitAnchors';
	const sorted = sortByArea(checkAnchors(where, 'anchors', anchors)).anchors;
	const numAnchors = sorted.length / 2;
	const count = checkInteger(where, 'levels', levels, 1, numAnchors);
	if (numAnchors % count) refuse(RangeError, where, 'levels', `must divide the number of anchors, ${numAnchors}`, levels);
	const each = sorted.length / count;
	return Array.from({ length: count }, (_, level) => sorted.slice(level * each, (level + 1) * each));
}

/**
 * The anchors of each level, in pixels, in the order of the strides: turned round when the mean area of the last level is smaller than
 * that of the first while its stride is larger, or the other way about. `reversed` tells. Throws for as many strides as there are not levels.
 */
export function orderAnchors(levels: readonly FloatsLike[], strides: readonly number[]): { levels: Float32Array[]; reversed: boolean } {
	const where = 'orderAnchors';
	if (!Array.isArray(levels) || levels.length === 0) refuse(TypeError, where, 'levels', 'must be a list of anchors per level', levels);
	const checked = levels.map((anchors, i) => checkAnchors(where, `levels[${i}]`, anchors));
	const steps = checkStrides(where, strides, checked.length);
	const area = (anchors: Float32Array) => {
		let sum = 0;
		for (let k = 0; k < anchors.length; k += 2) sum += anchors[k] * anchors[k + 1];
		return sum / (anchors.length / 2);
	};
	const growth = area(checked[checked.length - 1]) - area(checked[0]);
	const reversed = growth !== 0 && Math.sign(growth) !== Math.sign(steps[steps.length - 1] - steps[0]);
	return { levels: reversed ? checked.reverse() : checked, reversed };
}

/** One positive stride per level. */
export function checkStrides(where: string, strides: unknown, numLevels: number): readonly number[] {
	if (!Array.isArray(strides)) refuse(TypeError, where, 'strides', 'must be a list of numbers', strides);
	if (strides.length !== numLevels) refuse(RangeError, where, 'strides', `must have one entry for each of the ${numLevels} levels`, strides.length);
	return strides.map((stride, i) => {
		if (!(checkNumber(where, `strides[${i}]`, stride) > 0)) refuse(RangeError, where, `strides[${i}]`, 'must be positive', stride);
		return stride as number;
	});
}

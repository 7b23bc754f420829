// Method and sigma of soft-NMS, checked: what selects the shader's text, and the factor in the exponent of the Gaussian.

import { checkWord, refuse, refuseUnless } from './checks.js';
import type { SoftSettings } from './options.js';
import type { FullSemantics } from './semantics.js';

/** Sigmas that leave every weight a normal float32. */
const LEAST_SIGMA = 1e-30;
const MOST_SIGMA = 1e30;

/** Method and sigma that were read from options; `at` is put before their names. */
export function checkSoft(where: string, at: string, read: { method?: unknown; sigma?: unknown }, semantics: FullSemantics): SoftSettings {
	const method = read.method === undefined ? 'gaussian' : checkWord(where, `${at}method`, read.method, ['gaussian', 'linear']);
	const { sigma } = read;
	if (method === 'linear') {
		if (sigma !== undefined) refuse(TypeError, where, `${at}sigma`, `must be left out with method 'linear', which has none`, sigma);
		return { rule: { method, removal: false }, scale: 0 };
	}
	const s = sigma === undefined ? 0.5 : checkSigma(where, `${at}sigma`, sigma);
	const scale = Math.fround(-(semantics.softSigma === 'exp(-iou²/σ)' ? 1 : 0.5) / Math.fround(s));
	return { rule: { method, removal: semantics.softRemoval === 'hard' }, scale };
}

function checkSigma(where: string, argument: string, value: unknown): number {
	if (typeof value === 'number' && value >= LEAST_SIGMA && value <= MOST_SIGMA) return value;
	const remedy = value === 0 ? 'TensorFlow takes 0 for hard suppression: leave soft-NMS out for that' : '';
	refuseUnless(typeof value === 'number', where, argument, `must be above 0, ${LEAST_SIGMA} to ${MOST_SIGMA}`, value, remedy);
}

// From the key by which candidates are ranked to the key of the score itself, which is what decays in soft-NMS: float32 steps with the
// bits of the shader (score_key_of in shaders/soften.wgsl.ts).

import { sqrt32 } from '../functions.js';
import type { ScoreMap } from '../head-facts.js';
import { keyOf, scoreOfKey, sigmoid32 } from '../numbers.js';

/** The key of the score that a candidate's key stands for. */
export function scoreKeyOf(key: number, map: ScoreMap): number {
	if (map === 'sigmoid') return keyOf(sigmoid32(scoreOfKey(key)));
	return map === 'sqrt' ? keyOf(sqrt32(scoreOfKey(key))) : key;
}

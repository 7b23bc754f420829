// What is left of a score when a kept box overlaps its box: fn overlap_of(a, area_a, b, area_b) and fn decayed_key(key, overlap), by
// one rule of overlap and one of decay. Same steps in the same order as src/boxes/decay.ts.
// Needs numbers.wgsl, `params.iou_threshold` and `params.soft_scale`.

import type { SoftRule } from '../../src/boxes/decay.js';
import { type OverlapRule, PLAIN_OVERLAP } from '../../src/boxes/overlap.js';
import { wgsl } from '../wgsl.js';
import { division, flushing } from './functions.wgsl.js';
import { overlapParts } from './overlap.wgsl.js';

export function decay({ method, removal }: SoftRule, rule: OverlapRule = PLAIN_OVERLAP): string {
	return wgsl`
${division}
${flushing}
${overlapParts(rule)}

fn overlap_of(a: vec4f, area_a: f32, b: vec4f, area_b: f32) -> f32 {
  let parts = overlap_parts(a, area_a, b, area_b);
  return ratio(parts.x, parts.y);
}

// 0 when it is removed.
fn decayed_key(key: u32, overlap: f32) -> u32 {
  if (overlap == 0.0) { return key; }
  let is_above = overlap > params.iou_threshold;
#if ${removal}
  if (is_above) { return 0u; }
#endif
#if ${method === 'gaussian'}
  let weight = exp32(product(product(params.soft_scale, overlap), overlap));
#else
  let weight = select(1.0, fround(1.0 - overlap), is_above);
#endif
  if (weight == 1.0) { return key; }
  if (weight == 0.0) { return 0x80000000u; }
  return key_of_bits(bitcast<u32>(product(score_of_key(key), weight)));
}
`;
}

// Decoding chunks of the codecs that measure from a point: grid cells and distances to the sides.
// Twins: src/codecs/cell.ts, distances.ts. Called by shaders/shared/codecs.wgsl.ts.

import type { BoxCodec } from '../../src/codecs/codec.js';
import { wgsl } from '../wgsl.js';

export function cell({ variants }: BoxCodec): string {
	return wgsl`
fn activate(t: f32) -> f32 {
  #if ${variants.sigmoid === true}
  return fround(sigmoid32(t));
  #else
  return t;
  #endif
}

// centre = cell + (2 s - 1) stride, size = (2 s)^2 anchor
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  let x2 = 2.0 * activate(raw.x);
  let y2 = 2.0 * activate(raw.y);
  let w2 = 2.0 * activate(raw.z);
  let h2 = 2.0 * activate(raw.w);
  let x = fround(anchor.x + fround(fround(x2 - 1.0) * stride));
  let y = fround(anchor.y + fround(fround(y2 - 1.0) * stride));
  let half_width = fround(fround(w2 * w2) * anchor.z) * 0.5;
  let half_height = fround(fround(h2 * h2) * anchor.w) * 0.5;
  return vec4f(x - half_width, y - half_height, x + half_width, y + half_height);
}
`;
}

export function distances({ variants }: BoxCodec): string {
	return wgsl`
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${variants.unit === 'stride'}
  let d = vec4f(fround(raw.x * anchor.z), fround(raw.y * anchor.w), fround(raw.z * anchor.z), fround(raw.w * anchor.w));
  #else
  let d = raw;
  #endif
  return vec4f(anchor.x - d.x, anchor.y - d.y, anchor.x + d.z, anchor.y + d.w);
}
`;
}

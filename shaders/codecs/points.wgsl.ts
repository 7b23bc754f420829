// Decoding chunks of the codecs that measure from a point: grid cells, centres and distances to the sides.
// Twins: src/codecs/cell.ts, centers.ts, distances.ts. Called by shaders/shared/codecs.wgsl.ts.

import type { BoxCodec } from '../../src/codecs/codec.js';
import { wgsl, wgslFloat } from '../wgsl.js';

const f = wgslFloat;

export function cell({ constants, variants }: BoxCodec): string {
	return variants.x === true ? cellX(constants) : cellOfSigmoids(constants, variants);
}

function cellOfSigmoids(constants: BoxCodec['constants'], variants: BoxCodec['variants']): string {
	const listed = Object.entries(constants).filter(([name]) => /^scale./.test(name));
	const choices = listed.map(([name, scale]) => `if (stride == ${f(Number(name.slice(5)))}) { scale = ${f(scale)}; }`);
	return wgsl`
fn activate(t: f32) -> f32 {
  #if ${variants.sigmoid === true}
  return fround(sigmoid32(t));
  #else
  return t;
  #endif
}

fn size_of(t: f32, anchor: f32) -> f32 {
  #if ${variants.squared === true}
  let s2 = 2.0 * activate(t);
  return fround(fround(s2 * s2) * anchor);
  #else
  return fround(exp32(min(t, ${f(constants.largest)})) * anchor);
  #endif
}

// centre = middle + (s - 1/2) scale stride
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  var scale = ${f(constants.scale)};
  ${choices.join('\n  ')}
  let x = fround(anchor.x + fround(fround(fround(activate(raw.x) - 0.5) * scale) * stride));
  let y = fround(anchor.y + fround(fround(fround(activate(raw.y) - 0.5) * scale) * stride));
  let half_width = size_of(raw.z, anchor.z) * 0.5;
  let half_height = size_of(raw.w, anchor.w) * 0.5;
  return vec4f(x - half_width, y - half_height, x + half_width, y + half_height);
}
`;
}

function cellX(constants: BoxCodec['constants']): string {
	return wgsl`
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  let x = fround(anchor.x + fround(raw.x * anchor.z));
  let y = fround(anchor.y + fround(raw.y * anchor.w));
  let half_width = fround(exp32(min(raw.z, ${f(constants.largest)})) * anchor.z) * 0.5;
  let half_height = fround(exp32(min(raw.w, ${f(constants.largest)})) * anchor.w) * 0.5;
  return vec4f(x - half_width, y - half_height, x + half_width, y + half_height);
}
`;
}

/** Without offsets there are two raw numbers, and the chunk writes fn decode_box itself. */
export function centers({ variants }: BoxCodec): string {
	const { offsets, swapped, relu } = variants;
	return wgsl`
fn size_of(t: f32, stride: f32) -> f32 {
  #if ${relu === true}
  return fround(max(t, 0.0) * stride);
  #else
  return fround(t * stride);
  #endif
}

fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${swapped === true}
  let d = raw.yxwz;
  #else
  let d = raw;
  #endif
  let x = fround(anchor.x + fround(d.x * anchor.z));
  let y = fround(anchor.y + fround(d.y * anchor.w));
  let half_width = size_of(d.z, anchor.z) * 0.5;
  let half_height = size_of(d.w, anchor.w) * 0.5;
  return vec4f(x - half_width, y - half_height, x + half_width, y + half_height);
}

#if ${offsets === false}
fn decode_box(at: u32, anchor: vec4f, stride: f32) -> vec4f {
  let raw = vec4f(0.0, 0.0, raw_number(at, 0u), raw_number(at, 1u));
  if (!is_finite(raw.z) || !is_finite(raw.w)) { return vec4f(not_a_number()); }
  return decode_finite(raw, anchor, stride);
}
#endif
`;
}

export function distances({ constants, variants }: BoxCodec): string {
	const { unit, activation, order, signed } = variants;
	return wgsl`
fn reach(raw: f32, size: f32) -> f32 {
  #if ${variants.scaled === true}
  let t = fround(raw * ${f(constants.factor)});
  #else
  let t = raw;
  #endif
  #if ${activation === 'relu'}
  let d = select(0.0, t, t > 0.0);
  #elif ${activation === 'exp'}
  let d = exp32(min(t, ${f(constants.largest)}));
  #else
  let d = t;
  #endif
  #if ${unit === 'pixels'}
  return d;
  #else
  return fround(d * size);
  #endif
}

fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${order === 'tblr'}
  let d = raw.zxwy;
  #else
  let d = raw;
  #endif
  #if ${unit === 'size'}
  let at = vec2f(fround(anchor.x + anchor.z) * 0.5, fround(anchor.y + anchor.w) * 0.5);
  let size = vec2f(fround(anchor.z - anchor.x), fround(anchor.w - anchor.y));
  #else
  let at = anchor.xy;
  let size = anchor.zw;
  #endif
  #if ${signed === true}
  return vec4f(at.x - reach(d.x, size.x), at.y - reach(d.y, size.y), at.x - reach(d.z, size.x), at.y - reach(d.w, size.y));
  #else
  return vec4f(at.x - reach(d.x, size.x), at.y - reach(d.y, size.y), at.x + reach(d.z, size.x), at.y + reach(d.w, size.y));
  #endif
}
`;
}

// Decoding chunks of the codecs that start from an anchor box. Twins: src/codecs/deltas.ts, corners.ts, mediapipe.ts.
// Called by shaders/shared/codecs.wgsl.ts.

import type { BoxCodec } from '../../src/codecs/codec.js';
import { wgsl, wgslFloat } from '../wgsl.js';

const f = wgslFloat;

// One axis: both corners move by the shift, then apart by half of what the size grows, and by the margin.
export const growAxis = wgsl`
fn grow_axis(shift: f32, size: f32, size_delta: f32, low: f32, high: f32, margin: f32) -> vec2f {
  let half = fround(fround(fround(size * exp32(size_delta)) - size) * 0.5) + margin;
  let from_low = fround(low + shift) - half;
  let from_high = fround(high + shift) + half;
  return vec2f(from_low, select(from_high, from_low, from_high < from_low));
}
`;

export function deltas({ constants: c, variants }: BoxCodec): string {
	return wgsl`
${growAxis}

fn decode_axis(d: f32, size_delta: f32, low: f32, high: f32) -> vec2f {
  #if ${variants.legacy === true}
  let size = fround(fround(high - low) + ${f(c.pixel)});
  #else
  let size = fround(high - low);
  #endif
  #if ${variants.clampCenter === true}
  let shift = max(${f(-c.farthest)}, min(fround(d * size), ${f(c.farthest)}));
  #else
  let shift = fround(d * size);
  #endif
  #if ${variants.clampLow === true}
  let growth = max(${f(c.low)}, min(size_delta, ${f(c.high)}));
  #else
  let growth = min(size_delta, ${f(c.high)});
  #endif
  return grow_axis(shift, size, growth, low, high, ${f(c.margin)});
}

fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${variants.order === 'yxhw'}
  var d = raw.yxwz;
  #else
  var d = raw;
  #endif
  #if ${variants.weighted === true}
  d = vec4f(fround(d.x * ${f(c.vx)}), fround(d.y * ${f(c.vy)}), fround(d.z * ${f(c.vw)}), fround(d.w * ${f(c.vh)}));
  #endif
  #if ${variants.shifted === true}
  d = vec4f(fround(d.x + ${f(c.mx)}), fround(d.y + ${f(c.my)}), fround(d.z + ${f(c.mw)}), fround(d.w + ${f(c.mh)}));
  #endif
  let across = decode_axis(d.x, d.z, anchor.x, anchor.z);
  let down = decode_axis(d.y, d.w, anchor.y, anchor.w);
  return vec4f(across.x, down.x, across.y, down.y);
}
`;
}

export function corners({ constants: c, variants }: BoxCodec): string {
	return wgsl`
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  let d = vec4f(
    fround(fround(raw.x * ${f(c.v0)}) + ${f(c.m0)}),
    fround(fround(raw.y * ${f(c.v1)}) + ${f(c.m1)}),
    fround(fround(raw.z * ${f(c.v2)}) + ${f(c.m2)}),
    fround(fround(raw.w * ${f(c.v3)}) + ${f(c.m3)}),
  );
  #if ${variants.inclusive === true}
  let unit = vec2f(fround(anchor.z - anchor.x) + 1.0, fround(anchor.w - anchor.y) + 1.0);
  #elif ${variants.sized === true}
  let unit = vec2f(fround(anchor.z - anchor.x), fround(anchor.w - anchor.y));
  #else
  let unit = vec2f(${f(c.ux)}, ${f(c.uy)});
  #endif
  return vec4f(
    anchor.x + fround(d.x * unit.x),
    anchor.y + fround(d.y * unit.y),
    anchor.z + fround(d.z * unit.x),
    anchor.w + fround(d.w * unit.y),
  );
}
`;
}

export function mediapipe({ constants: c, variants }: BoxCodec): string {
	return wgsl`
fn size_of(t: f32, anchor: f32) -> f32 {
  #if ${variants.exponential === true}
  return fround(exp32(min(t, ${f(c.largest)})) * anchor);
  #else
  return fround(t * anchor);
  #endif
}

fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${variants.order === 'yxhw'}
  let d = raw.yxwz;
  #elif ${variants.order === 'xyxy'}
  let d = vec4f(fround(raw.z - raw.x) * 0.5, fround(raw.w - raw.y) * 0.5, fround(raw.z + raw.x), fround(raw.w + raw.y));
  #else
  let d = raw;
  #endif
  let width = size_of(fround(d.z * ${f(c.iw)}), anchor.z);
  let height = size_of(fround(d.w * ${f(c.ih)}), anchor.w);
  if (width < 0.0 || height < 0.0) { return vec4f(not_a_number()); }
  let x = fround(anchor.x + fround(fround(d.x * ${f(c.ix)}) * anchor.z));
  let y = fround(anchor.y + fround(fround(d.y * ${f(c.iy)}) * anchor.w));
  return vec4f(x - width * 0.5, y - height * 0.5, x + width * 0.5, y + height * 0.5);
}
`;
}

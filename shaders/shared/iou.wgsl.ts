// How much two boxes overlap, one kind per variant: fn box_iou(a, b). The same float32 steps in the same order as
// src/boxes/iou.ts, with a division that rounds correctly whatever the device's own does.
// Boxes come with denormals and -0 flushed. Needs numbers.wgsl and overlap.wgsl.

import type { IouKind } from '../../src/boxes/iou.js';
import { wgsl, wgslFloat } from '../wgsl.js';
import { division, flushing } from './functions.wgsl.js';

const distance = wgsl`
// the side of the box that encloses all corners of both
fn span_of(a1: f32, a2: f32, b1: f32, b2: f32) -> f32 {
  return fround(max(max(a1, a2), max(b1, b2)) - min(min(a1, a2), min(b1, b2)));
}

fn distance_penalty(a: vec4f, b: vec4f) -> f32 {
  let width = span_of(a.x, a.z, b.x, b.z);
  let height = span_of(a.y, a.w, b.y, b.w);
  let dx = fround(fround(a.x + a.z) - fround(b.x + b.z)) * 0.5;
  let dy = fround(fround(a.y + a.w) - fround(b.y + b.w)) * 0.5;
  return ratio(product(dx, dx) + product(dy, dy), product(width, width) + product(height, height));
}
`;

/** fn atan32(y, x). Needs numbers.wgsl and `division`. */
export const arcTangent = wgsl`
fn small_atan(t: f32) -> f32 {
  let z = fround(t * t);
  var p = fround(${wgslFloat(0.08060308879980026)} * z) + ${wgslFloat(-0.1387984995828385)};
  p = fround(p * z) + ${wgslFloat(0.1997792607682008)};
  p = fround(p * z) + ${wgslFloat(-0.33332955253410546)};
  return fround(t + fround(fround(t * z) * p));
}

// Twin of atan32 in src/functions.ts: the angle of (x, y) in the first quadrant.
fn atan32(y: f32, x: f32) -> f32 {
  if (!(y >= MIN_NORMAL)) { return 0.0; }
  if (y <= fround(x * ${wgslFloat(0.4142135623730951)})) { return small_atan(divide32(y, x)); }
  if (y >= fround(x * ${wgslFloat(2.414213562373095)})) {
    var t = 0.0;
    if (x >= MIN_NORMAL) { t = divide32(x, y); }
    return ${wgslFloat(Math.PI / 2)} - small_atan(t);
  }
  if (y >= x) { return ${wgslFloat(Math.PI / 4)} + small_atan(divide32(fround(y - x), fround(y + x))); }
  return ${wgslFloat(Math.PI / 4)} - small_atan(divide32(fround(x - y), fround(y + x)));
}
`;

const aspect = wgsl`
${arcTangent}
fn aspect_penalty(iou: f32, a: vec4f, b: vec4f) -> f32 {
  let size_a = max(vec2f(0.0), a.zw - a.xy);
  let size_b = max(vec2f(0.0), b.zw - b.xy);
  let difference = fround(fround(atan32(size_a.x, size_a.y)) - fround(atan32(size_b.x, size_b.y)));
  let v = product(${wgslFloat(4 / Math.PI ** 2)}, product(difference, difference));
  let alpha = ratio(v, fround(1.0 - iou) + v);
  return product(alpha, v);
}
`;

/** The chunk of one kind. */
export function iouChunk(kind: IouKind): string {
	const far = kind === 'diou' || kind === 'ciou';
	return wgsl`
${division}
${flushing}
#if ${far}
${distance}
#endif
#if ${kind === 'ciou'}
${aspect}
#endif
#if ${kind === 'giou'}
fn span_of(a1: f32, a2: f32, b1: f32, b2: f32) -> f32 {
  return fround(max(max(a1, a2), max(b1, b2)) - min(min(a1, a2), min(b1, b2)));
}
#endif

fn box_iou(a: vec4f, b: vec4f) -> f32 {
  if (!(is_usable_box(a) && is_usable_box(b))) { return bitcast<f32>(params.zero ^ 0x7fc00000u); }
  let area_a = area_of(a);
  let area_b = area_of(b);
  var intersection = 0.0;
  if (area_a > 0.0 && area_b > 0.0) { intersection = area_of(vec4f(max(a.xy, b.xy), min(a.zw, b.zw))); }
  let total = fround(fround(area_a + area_b) - intersection);
  #if ${kind === 'iof'}
  return ratio(intersection, area_a);
  #elif ${kind === 'iom'}
  return ratio(intersection, min(area_a, area_b));
  #elif ${kind === 'iou'}
  return ratio(intersection, total);
  #elif ${kind === 'giou'}
  let enclosing = product(span_of(a.x, a.z, b.x, b.z), span_of(a.y, a.w, b.y, b.w));
  return flush(ratio(intersection, total) - ratio(max(0.0, enclosing - total), enclosing));
  #elif ${kind === 'diou'}
  return flush(ratio(intersection, total) - distance_penalty(a, b));
  #else
  let iou = ratio(intersection, total);
  return flush(fround(iou - distance_penalty(a, b)) - aspect_penalty(iou, a, b));
  #endif
}
`;
}

// Whether two boxes overlap by more than a threshold: exactly fround(intersection / union) > threshold, without
// trusting the device's division. Far from the threshold a product decides; within 2^-20 of it, integers do.
// The rule says what stands in the place of the union, and how pixels count. Twin of src/boxes/overlap.ts.

import { isPlain, type OverlapRule, PLAIN_OVERLAP } from '../../src/boxes/overlap.js';
import { wgsl, wgslFloat } from '../wgsl.js';
import { rotatedOverlap } from './rotated.wgsl.js';

/** Which boxes can take part, flushing, areas. Needs numbers.wgsl. */
export const overlapNumbers = wgsl`
const COORDINATE_LIMIT_BITS = 0x5e800000u; // 2^62

fn is_usable_box(box: vec4f) -> bool {
  let magnitudes = bitcast<vec4u>(box) & vec4u(0x7fffffffu);
  return all(magnitudes < vec4u(COORDINATE_LIMIT_BITS));
}

// Denormals and -0 become 0, so that devices that flush them and devices that do not agree.
fn flush_coordinates(box: vec4f) -> vec4f {
  let bits = bitcast<vec4u>(box);
  return bitcast<vec4f>(select(vec4u(0u), bits, (bits & vec4u(0x7f800000u)) != vec4u(0u)));
}

// 0 marks an empty box: a side or the area is not a normal positive float.
fn area_of(box: vec4f) -> f32 {
  let width = box.z - box.x;
  let height = box.w - box.y;
  if (!(width >= MIN_NORMAL && height >= MIN_NORMAL)) { return 0.0; }
  let area = fround(width * height);
  return select(0.0, area, area >= MIN_NORMAL);
}

`;

const quotient = wgsl`
// intersection / union > midpoint of the threshold and the next float, as I * 2^(exponents) > M * U with 24-bit I, U
// and 25-bit M = 2T + 1. Equality cannot happen: M is odd and longer than any I.
fn quotient_exceeds(intersection: f32, total: f32, threshold: f32) -> bool {
  let i_bits = bitcast<u32>(intersection);
  let u_bits = bitcast<u32>(total);
  let t_bits = bitcast<u32>(threshold);
  let i = (i_bits & 0x7fffffu) | 0x800000u;
  let u = (u_bits & 0x7fffffu) | 0x800000u;
  let m = (((t_bits & 0x7fffffu) | 0x800000u) << 1u) | 1u;
  // value = mantissa * 2^(exponent - 150); m carries one bit more.
  let shift = (i32(i_bits >> 23u) - 150) - (i32(u_bits >> 23u) - 150) - (i32(t_bits >> 23u) - 151);
  // i * 2^shift > m * u, with m * u of 48 or 49 bits: outside these shifts the lengths decide.
  if (shift > 26) { return true; }
  if (shift < 23) { return false; }
  // m * u in two 32-bit limbs
  let m_low = m & 0xffffu;
  let m_high = m >> 16u;
  let u_low = u & 0xffffu;
  let u_high = u >> 16u;
  let low = m_low * u_low;
  let middle = m_high * u_low + (low >> 16u);
  let middle_2 = m_low * u_high + (middle & 0xffffu);
  let product_low = (middle_2 << 16u) | (low & 0xffffu);
  let product_high = m_high * u_high + (middle >> 16u) + (middle_2 >> 16u);
  let left_low = i << u32(shift);
  let left_high = i >> u32(32 - shift);
  return left_high > product_high || (left_high == product_high && left_low > product_low);
}
`;

const plain = wgsl`
// False where the boxes surely do not: far below the threshold, whatever was rounded or fused.
fn may_overlap_more(a: vec4f, area_a: f32, b: vec4f, area_b: f32) -> bool {
  let size = min(a.zw, b.zw) - max(a.xy, b.xy);
  let intersection = size.x * size.y;
  return size.x > 0.0 && size.y > 0.0 && intersection + 1e-29 >= params.iou_threshold * ((area_a + area_b) - intersection) * 0.999998;
}

fn overlaps_more(a: vec4f, area_a: f32, b: vec4f, area_b: f32) -> bool {
  let size = min(a.zw, b.zw) - max(a.xy, b.xy);
  if (!(size.x >= MIN_NORMAL && size.y >= MIN_NORMAL && area_a > 0.0 && area_b > 0.0)) { return false; }
  let intersection = size.x * size.y;
  if (!(intersection >= MIN_NORMAL)) { return false; }
  let threshold = params.iou_threshold;
  if (threshold <= 0.0) { return true; }
  let total = (area_a + area_b) - intersection;
  let p = threshold * total;
  if (p >= ${wgslFloat(2 ** -100)}) {
    let margin = p * ${wgslFloat(2 ** -20)};
    if (intersection > p + margin) { return true; }
    if (intersection < p - margin) { return false; }
  }
  // About one pair in a million comes here; its numbers are made anew so that no fused step is in them.
  let exact_intersection = fround(size.x * size.y);
  let exact_total = (area_a + area_b) - exact_intersection;
  return quotient_exceeds(exact_intersection, exact_total, threshold);
}
`;

/**
 * fn overlap_parts(a, area_a, b, area_b) -> vec2f: the intersection and what it is held against by a rule of upright boxes; the first is 0 where
 * boxes share nothing. Pixels that count inclusively make areas of their own: those that are given are plain ones. Needs numbers.wgsl.
 */
export function overlapParts({ kind, pixelOffset }: OverlapRule): string {
	const isInclusive = pixelOffset === 1;
	return wgsl`
// The sides of a box as the rule counts them.
fn sides_between(low: vec2f, high: vec2f) -> vec2f {
  let sides = high - low;
#if ${isInclusive}
  return vec2f(fround(fround(sides.x) + 1.0), fround(fround(sides.y) + 1.0));
#else
  return sides;
#endif
}

#if ${isInclusive}
fn inclusive_area(box: vec4f) -> f32 {
  let sides = sides_between(box.xy, box.zw);
  return select(0.0, fround(sides.x * sides.y), sides.x > 0.0 && sides.y > 0.0);
}
#endif

fn overlap_parts(a: vec4f, area_a: f32, b: vec4f, area_b: f32) -> vec2f {
#if ${isInclusive}
  let size_a = inclusive_area(a);
  let size_b = inclusive_area(b);
#else
  let size_a = area_a;
  let size_b = area_b;
#endif
  let size = sides_between(max(a.xy, b.xy), min(a.zw, b.zw));
  if (!(size.x >= MIN_NORMAL && size.y >= MIN_NORMAL && size_a > 0.0 && size_b > 0.0)) { return vec2f(0.0); }
  let intersection = fround(size.x * size.y);
  if (!(intersection >= MIN_NORMAL)) { return vec2f(0.0); }
#if ${kind === 'iou'}
  return vec2f(intersection, (size_a + size_b) - intersection);
#elif ${kind === 'iom'}
  return vec2f(intersection, min(size_a, size_b));
#else
  let span = sides_between(min(a.xy, b.xy), max(a.zw, b.zw));
  return vec2f(intersection, fround(span.x * span.y));
#endif
}
`;
}

/** By another rule. Boxes whose pixels count inclusively share something where one ends just before the other. */
const byRule = wgsl`
fn may_overlap_more(a: vec4f, area_a: f32, b: vec4f, area_b: f32) -> bool {
  let size = min(a.zw, b.zw) - max(a.xy, b.xy);
  return size.x > -2.0 && size.y > -2.0;
}

fn overlaps_more(a: vec4f, area_a: f32, b: vec4f, area_b: f32) -> bool {
  let parts = overlap_parts(a, area_a, b, area_b);
  let intersection = parts.x;
  let total = parts.y;
  if (intersection == 0.0) { return false; }
  let threshold = params.iou_threshold;
  if (threshold <= 0.0) { return true; }
  let p = threshold * total;
  if (p >= ${wgslFloat(2 ** -100)}) {
    let margin = p * ${wgslFloat(2 ** -20)};
    if (intersection > p + margin) { return true; }
    if (intersection < p - margin) { return false; }
  }
  return quotient_exceeds(intersection, total, threshold);
}
`;

/**
 * All of it, for one rule: `overlaps_more(a, area_a, b, area_b)` with plain areas, or with angles in their place for rotated boxes.
 * `may_overlap_more` says cheaply which pairs need not be asked. Needs numbers.wgsl and `params.iou_threshold`.
 */
export function overlapOf(rule: OverlapRule = PLAIN_OVERLAP): string {
	if (rule.rotated) return overlapNumbers + rotatedOverlap(rule.rotated);
	return wgsl`${overlapNumbers}${quotient}${isPlain(rule) ? plain : overlapParts(rule) + byRule}`;
}

/** Plain IoU. */
export const overlap = overlapOf();

// Which scores may pass the filter, by their raw bits alone: no key is made of the thousands that fail. Eight are read at a
// time, so that eight loads are in flight. What may pass is looked at again, exactly, so the bound may be loose, never tight.
//
//   raw_order(b) grows with the number and puts every NaN beyond Infinity:   -Infinity 0 ... largest ... Infinity ... NaN
//
// Needs numbers.wgsl, `params`, `level`, `classes` and Anchor.

import type { Head } from '../../src/heads/head.js';
import { wgsl } from '../wgsl.js';

export function passing({ score }: Head, half: boolean): string {
	const { activation, background, objectness } = score;
	const softmax = activation === 'softmax';
	const firstClass = softmax && background === 'first' ? 1 : 0;
	const scaled = objectness !== undefined; // by the second factor
	return wgsl`
// The raw bits of an element: of a half in the upper 16.
fn raw_bits(i: u32) -> u32 {
  #if ${half}
  return (classes[i >> 1u] << (16u - (i & 1u) * 16u)) & 0xffff0000u;
  #else
  return classes[i];
  #endif
}

fn raw_order(raw: u32) -> u32 {
  return (raw ^ (bitcast<u32>(bitcast<i32>(raw) >> 31u) | 0x80000000u)) - ${half ? '0x03ffffffu' : '0x007fffffu'};
}

const INFINITY_ORDER = ${half ? '0xf8000001u' : '0xff000001u'}; // beyond it stand only NaN

#if ${half}
// Raw bits of a half that is no larger than the float of these bits.
fn half_below(bits: u32) -> u32 {
  let size = bits & 0x7fffffffu;
  let negative = (bits & 0x80000000u) != 0u;
  var half = 0u;
  if (size >= 0x47800000u) { half = select(0x7c00u, 0x7c01u, size > 0x7f800000u && !negative); }
  else if (size >= 0x38800000u) { half = ((size - 0x38000000u) >> 13u) + select(0u, 1u, negative); }
  else if (negative) { half = 0x400u; }
  return (half << 16u) | (bits & 0x80000000u);
}
#endif

// The order of the least raw score whose key may be this one.
fn order_of_key(key: u32) -> u32 {
  if (key <= 0x007fffffu) { return 0u; }
  let bits = select(bitcast<u32>(score_of_key(key)), 0x80000000u, key == 0x80000000u); // -0 is 0
  #if ${half}
  return raw_order(half_below(bits));
  #else
  return raw_order(bits);
  #endif
}

#if ${softmax || scaled}
fn order_of(x: f32) -> u32 { return order_of_key(key_of_bits(bitcast<u32>(x))); }

// 2^e of a normal float above 0.
fn exponent_of(x: f32) -> i32 { return i32(bitcast<u32>(x) >> 23u) - 127; }

fn is_normal(x: f32) -> bool { return x >= MIN_NORMAL && bitcast<u32>(x) < 0x7f800000u; }
#endif

// Raw scores of the anchor below this order do not pass.
fn raw_limit(anchor: ptr<function, Anchor>) -> u32 {
  #if ${softmax || scaled}
  let least = score_of_key(params.min_key);
  if (!is_normal(least)) { return 0u; }
  var exponent = exponent_of(least); // least >= 2^exponent
  #if ${scaled}
  // times a factor below 2^(e + 1)
  let factor = (*anchor).factor;
  if (!is_normal(factor)) { return 0u; }
  exponent -= exponent_of(factor) + 1;
  #endif
  #if ${softmax || activation === 'sigmoid'}
  if (exponent < -115) { return 0u; } // so small a score has every lower logit, too: exp32 and sigmoid32 are clamped
  #endif
  #if ${softmax}
  // e^(x - largest) is a bound of the score, and ln least one of its exponent
  let largest = (*anchor).largest;
  if ((bitcast<u32>(largest) & 0x7f800000u) == 0x7f800000u) { return 0u; }
  return order_of(largest + f32(exponent) * 0.6931472 - 0.01 - abs(largest) * 1e-6);
  #elif ${activation === 'sigmoid'}
  return order_of(f32(exponent) * 0.6931472 - 0.001); // a logit is larger than the logarithm of its probability
  #else
  if (exponent < -125 || exponent > 126) { return 0u; }
  return order_of(bitcast<f32>((u32(exponent + 127) << 23u) - 1u));
  #endif
  #else
  return order_of_key(params.min_key);
  #endif
}

// The highest order of eight elements, a step apart.
fn highest_of_eight(at: u32, step: u32) -> u32 {
  let a = raw_bits(at);
  let b = raw_bits(at + step);
  let c = raw_bits(at + 2u * step);
  let d = raw_bits(at + 3u * step);
  let e = raw_bits(at + 4u * step);
  let f = raw_bits(at + 5u * step);
  let g = raw_bits(at + 6u * step);
  let h = raw_bits(at + 7u * step);
  let low = max(max(raw_order(a), raw_order(b)), max(raw_order(c), raw_order(d)));
  return max(low, max(max(raw_order(e), raw_order(f)), max(raw_order(g), raw_order(h))));
}

// A bit for each of num elements, eight at most, whose order is the limit or more.
fn hits_of(at: u32, step: u32, num: u32, limit: u32) -> u32 {
  if (num == 8u && highest_of_eight(at, step) < limit) { return 0u; }
  var hits = 0u;
  for (var k = 0u; k < num; k++) { hits |= select(0u, 1u << k, raw_order(raw_bits(at + k * step)) >= limit); }
  return hits;
}

#if ${softmax}
// The highest order of a run of channels.
fn highest_of_run(at: u32, num: u32) -> u32 {
  let step = level.class_channel;
  var highest = 0u;
  var i = 0u;
  for (; i + 7u < num; i += 8u) { highest = max(highest, highest_of_eight(at + i * step, step)); }
  for (; i < num; i++) { highest = max(highest, raw_order(raw_bits(at + i * step))); }
  return highest;
}

fn number_of_order(order: u32) -> f32 {
  #if ${half}
  let key = order + 0x03ffffffu;
  let raw = select(~key, key & 0x7fffffffu, (key & 0x80000000u) != 0u);
  return bitcast<f32>(half_to_float_bits(raw >> 16u));
  #else
  return score_of_key(order + 0x007fffffu);
  #endif
}
#endif

// The share of a thread in an anchor's classes: level.lanes threads share an anchor. Where classes lie side by side,
// neighbouring threads read neighbouring classes; elsewhere neighbouring threads have neighbouring anchors, each a run of classes.
struct Strip { anchor: u32, number: u32, first: u32, step: u32, num: u32 }

fn strip_of(group: u32, local: u32) -> Strip {
  let lanes = level.lanes;
  let anchors = WORKGROUP / lanes;
  if (level.class_channel == 1u) {
    let number = local % lanes;
    return Strip(group * anchors + local / lanes, number, number, lanes, (NUM_SCORES + lanes - 1u - number) / lanes);
  }
  let number = local / anchors;
  let share = (NUM_SCORES + lanes - 1u) / lanes;
  let first = min(number * share, NUM_SCORES);
  return Strip(group * anchors + local % anchors, number, first, 1u, min(share, NUM_SCORES - first));
}

// A walk through the classes of a strip from hit to hit. Threads look for their next hits first and then take them together,
// for a group of threads goes at the pace of its slowest.
struct Walk { at: u32, step: u32, next: u32, hits: u32 }

const NO_CLASS = 0xffffffffu;

fn walk_of(anchor: ptr<function, Anchor>, strip: Strip) -> Walk {
  return Walk((*anchor).class_at + (strip.first + ${firstClass}u) * level.class_channel, strip.step * level.class_channel, 0u, 0u);
}

// The next class of the strip whose raw score has the limit or more.
fn next_class(walk: ptr<function, Walk>, strip: Strip, limit: u32) -> u32 {
  var hits = (*walk).hits;
  var next = (*walk).next;
  for (; hits == 0u && next < strip.num; next += 8u) {
    hits = hits_of((*walk).at + next * (*walk).step, (*walk).step, min(8u, strip.num - next), limit);
  }
  (*walk).hits = hits & (hits - 1u);
  (*walk).next = next;
  return select(strip.first + (next - 8u + firstTrailingBit(hits)) * strip.step, NO_CLASS, hits == 0u);
}
`;
}

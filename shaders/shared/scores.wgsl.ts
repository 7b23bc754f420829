// The scores of an anchor as orderable keys: plain numbers, logits, softmax over classes and background, all of them
// perhaps times a second factor (objectness, centerness), or only where a map has its peaks. Needs numbers.wgsl,
// passing.wgsl, `params`, `level`, classes_bits, and extra_bits where there is a factor. Twin: classKeys in src/cpu/decode.ts.

import { numScores } from '../../src/head-facts.js';
import type { Head } from '../../src/heads/head.js';
import { wgsl } from '../wgsl.js';

export function scores(head: Head, classFilter: boolean, givenClasses: boolean): string {
	const { activation, background, objectness, peaks = false } = head.score;
	const softmax = activation === 'softmax';
	const numClasses = numScores(head);
	const channels = numClasses + (softmax && background !== 'none' ? 1 : 0);
	const firstClass = softmax && background === 'first' ? 1 : 0;
	const byChannel = (head.score.classes ?? 'channels') === 'channels' && !givenClasses;
	return wgsl`
// Beyond Infinity and below -Infinity: no number has these keys.
const NAN_KEY = 0xffffffffu;
const SKIPPED_KEY = 0u;
const NUM_SCORES = ${numClasses}u;

fn is_allowed(class_id: u32) -> bool {
  #if ${classFilter}
  return ((class_filter[class_id >> 5u] >> (class_id & 31u)) & 1u) != 0u;
  #else
  return true;
  #endif
}

#if ${objectness !== undefined}
// The second factor of the score. False: the anchor has no score that could pass.
fn open_factor(anchor: ptr<function, Anchor>) -> bool {
  let bits = extra_bits((*anchor).extra_at);
  if (is_nan_bits(bits)) { (*anchor).is_nan = true; return false; }
  if (key_of_bits(bits) < params.min_objectness_key) { return false; }
  #if ${objectness?.activation === 'sigmoid'}
  (*anchor).factor = sigmoid32(bitcast<f32>(bits));
  #else
  (*anchor).factor = bitcast<f32>(flushed_bits(bits));
  #endif
  return true;
}
#endif

#if ${softmax}
// The largest logit and the reciprocal of the sum of all exponentials; the sum only where a score may pass.
fn open_softmax(anchor: ptr<function, Anchor>) -> bool {
  let at = (*anchor).class_at;
  let highest = highest_of_run(at + ${firstClass}u * level.class_channel, NUM_SCORES);
  #if ${channels > numClasses}
  let largest = max(highest, raw_order(raw_bits(at + ${firstClass === 1 ? 0 : numClasses}u * level.class_channel)));
  #else
  let largest = highest;
  #endif
  if (largest > INFINITY_ORDER) { (*anchor).is_nan = true; return false; }
  (*anchor).largest = number_of_order(largest);
  if (highest < raw_limit(anchor)) { return false; }
  var sum = 0.0;
  for (var c = 0u; c < ${channels}u; c++) {
    sum += exp32(minus(bitcast<f32>(classes_bits(at + c * level.class_channel)), (*anchor).largest));
  }
  (*anchor).scale = reciprocal32(sum);
  return true;
}
#endif

// What an anchor's scores have in common. False: it has none that could pass.
fn open_scores(anchor: ptr<function, Anchor>) -> bool {
  #if ${objectness !== undefined}
  if (!open_factor(anchor)) { return false; }
  #endif
  #if ${softmax}
  if (!open_softmax(anchor)) { return false; }
  #endif
  return true;
}

// x - y where both may be infinite: Infinity - Infinity is then what exp32 takes for NaN, its lowest argument.
fn minus(x: f32, y: f32) -> f32 {
  if ((bitcast<u32>(y) & 0x7fffffffu) == 0x7f800000u || bitcast<u32>(x) == 0xff800000u) { return -87.0; }
  return x - y;
}

#if ${peaks}
// True when no neighbour of the cell has a higher value in this channel; NaN exceeds nothing.
fn is_peak(at: u32, cell: u32, bits: u32) -> bool {
  let width = level.grid_width;
  let x = cell % width;
  let y = cell / width;
  let height = level.num_cells / width;
  let key = key_of_bits(bits);
  for (var dy = select(0u, 1u, y == 0u); dy < 3u; dy++) {
    for (var dx = select(0u, 1u, x == 0u); dx < 3u; dx++) {
      if (x + dx > width || y + dy > height) { continue; }
      let other = classes_bits(at + (dy * width + dx) * level.class_cell - (width + 1u) * level.class_cell);
      if (!is_nan_bits(other) && key_of_bits(other) > key) { return false; }
    }
  }
  return true;
}
#endif

// The orderable key of one score; NAN_KEY for NaN, SKIPPED_KEY for a class that takes no part.
fn class_key(anchor: ptr<function, Anchor>, c: u32) -> u32 {
  #if ${byChannel}
  if (!is_allowed(c)) { return SKIPPED_KEY; }
  #endif
  let at = (*anchor).class_at + (c + ${firstClass}u) * level.class_channel;
  let bits = classes_bits(at);
  if (is_nan_bits(bits)) { return NAN_KEY; }
  #if ${peaks}
  if (!is_peak(at, (*anchor).cell, bits)) { return SKIPPED_KEY; }
  #endif
  #if ${softmax}
  let score = fround(exp32(minus(bitcast<f32>(bits), (*anchor).largest)) * (*anchor).scale);
  #elif ${activation === 'sigmoid' && objectness !== undefined}
  let score = sigmoid32(bitcast<f32>(bits));
  #else
  let score = bitcast<f32>(${objectness !== undefined ? 'flushed_bits(bits)' : 'bits'});
  #endif
  #if ${objectness !== undefined}
  return product_key((*anchor).factor, ${softmax ? 'bitcast<f32>(flushed(score))' : 'score'});
  #elif ${softmax}
  return key_of_bits(flushed(score));
  #else
  return key_of_bits(bits);
  #endif
}

// The bits of a product. Below the smallest normal float it is 0: some devices flush there, some do not.
fn flushed(product: f32) -> u32 { return flushed_bits(bitcast<u32>(fround(product))); }

// So is a factor.
fn flushed_bits(bits: u32) -> u32 { return select(0u, bits, (bits & 0x7f800000u) != 0u); }

// Objectness times class. The device may assume that there is no Infinity, so 0 times it is looked for first.
fn product_key(factor: f32, score: f32) -> u32 {
  let a = bitcast<u32>(factor) & 0x7fffffffu;
  let b = bitcast<u32>(score) & 0x7fffffffu;
  if ((a == 0u && b == 0x7f800000u) || (b == 0u && a == 0x7f800000u)) { return NAN_KEY; }
  return key_of_bits(flushed(factor * score));
}
`;
}

// Raw head -> candidates. One thread per anchor and image: the classes that pass the filter (the best one, or each for
// multi-label), the box once it is needed, then append; scores are counted in the histogram on the way.
// Losers cost one read and one integer comparison per class. Multi-label runs in phases: count, refine, select.
// Twin: src/cpu/decode.ts.

import type { Head } from '../src/heads/head.js';
import { CANDIDATE, LEVEL, PARAMS, PHASE, type Sizes, sizesWgsl } from '../src/layout.js';
import { bins } from './shared/bins.wgsl.js';
import { codecChunk } from './shared/codecs.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlap } from './shared/overlap.wgsl.js';
import { wgsl } from './wgsl.js';

/** What makes one decode pipeline differ from another. */
export interface DecodeVariant {
	readonly head: Head;
	readonly multiLabel: boolean;
	readonly classFilter: boolean;
	/** Class ids stand in the extra tensor (nms()). */
	readonly givenClasses: boolean;
	/** Which of box, classes, extra are float16. */
	readonly half: { readonly box: boolean; readonly classes: boolean; readonly extra: boolean };
	readonly sizes: Sizes;
}

/** A function that reads the bits of element i of a tensor as a float32. */
function reader(name: string, half: boolean): string {
	return wgsl`
fn ${name}_bits(i: u32) -> u32 {
  #if ${half}
  return half_to_float_bits((${name}[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu);
  #else
  return ${name}[i];
  #endif
}
`;
}

export function decodeShader(variant: DecodeVariant): string {
	const { head, multiLabel, classFilter, givenClasses, half, sizes } = variant;
	const { activation, background, objectness } = head.score;
	const softmax = activation === 'softmax';
	const extra = objectness !== undefined || givenClasses;
	const firstClass = softmax && background === 'first' ? 1 : 0;
	const channels = head.numClasses + (softmax && background !== 'none' ? 1 : 0);
	return wgsl`
${PARAMS.wgsl}
${LEVEL.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> level: Level;
@group(0) @binding(2) var<storage, read> box: array<u32>;
@group(0) @binding(3) var<storage, read> classes: array<u32>;
#if ${extra}
@group(0) @binding(4) var<storage, read> extra: array<u32>;     // objectness, or given class ids
#endif
@group(0) @binding(5) var<storage, read> anchors: array<vec4f>; // [num_anchors] in the codec's format
#if ${classFilter}
@group(0) @binding(6) var<storage, read> class_filter: array<u32>;
#endif
@group(0) @binding(7) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(8) var<storage, read_write> candidates: array<Candidate>;

${numbers}
${overlap}
${bins}

fn half_to_float_bits(half: u32) -> u32 {
  let sign = (half & 0x8000u) << 16u;
  let exponent = (half >> 10u) & 31u;
  let mantissa = half & 1023u;
  if (exponent == 31u) { return sign | 0x7f800000u | (mantissa << 13u); }
  if (exponent != 0u) { return sign | ((exponent + 112u) << 23u) | (mantissa << 13u); }
  if (mantissa == 0u) { return sign; }
  let shift = 10u - firstLeadingBit(mantissa); // a denormal half is a normal float
  return sign | ((113u - shift) << 23u) | (((mantissa << shift) & 1023u) << 13u);
}
${reader('box', half.box)}
${reader('classes', half.classes)}
#if ${extra}
${reader('extra', half.extra)}
#endif

fn raw_number(at: u32, c: u32) -> f32 { return bitcast<f32>(box_bits(at + c * level.box_channel)); }
${codecChunk(head.codec)}

// Beyond Infinity and below -Infinity: no number has these keys.
const NAN_KEY = 0xffffffffu;
const SKIPPED_KEY = 0u;

struct Anchor {
  index: u32,      // among all levels
  box_at: u32,     // element numbers of channel 0
  class_at: u32,
  extra_at: u32,
  factor: f32,     // objectness
  largest: f32,    // softmax: the largest logit and 1 / sum
  scale: f32,
}

fn state_at(image: u32) -> u32 { return image * STATE_WORDS; }

fn reject(image: u32) {
  #if ${multiLabel}
  if (level.phase != ${PHASE.count}u) { return; }
  #endif
  atomicAdd(&state[state_at(image) + REJECTED], 1u);
}

// What an anchor's class scores have in common. False: it has none that could pass.
fn open_anchor(a: u32, image: u32, anchor: ptr<function, Anchor>) -> bool {
  let major = level.shape_major != 0u;
  let shape = select(a % level.num_shapes, a / level.num_cells, major);
  let cell = select(a / level.num_shapes, a % level.num_cells, major);
  (*anchor).index = level.first_anchor + a;
  (*anchor).box_at = level.box_base + image * level.box_image + shape * level.box_shape + cell * level.box_cell;
  (*anchor).class_at = level.class_base + image * level.class_image + shape * level.class_shape + cell * level.class_cell;
  (*anchor).extra_at = level.extra_base + image * level.extra_image + shape * level.extra_shape + cell * level.extra_cell;
  #if ${objectness !== undefined}
  let bits = extra_bits((*anchor).extra_at);
  if (is_nan_bits(bits)) { reject(image); return false; }
  if (key_of_bits(bits) < params.min_objectness_key) { return false; }
  #if ${objectness?.activation === 'sigmoid'}
  (*anchor).factor = sigmoid32(bitcast<f32>(bits));
  #else
  (*anchor).factor = bitcast<f32>(bits);
  #endif
  #endif
  #if ${softmax}
  var largest = bitcast<f32>(classes_bits((*anchor).class_at));
  for (var c = 0u; c < ${channels}u; c++) {
    let bits = classes_bits((*anchor).class_at + c * level.class_channel);
    if (is_nan_bits(bits)) { reject(image); return false; }
    if (bitcast<f32>(bits) > largest) { largest = bitcast<f32>(bits); }
  }
  var sum = 0.0;
  for (var c = 0u; c < ${channels}u; c++) {
    sum += exp32(minus(bitcast<f32>(classes_bits((*anchor).class_at + c * level.class_channel)), largest));
  }
  (*anchor).largest = largest;
  (*anchor).scale = reciprocal32(sum);
  #endif
  return true;
}

// x - y where both may be infinite: Infinity - Infinity is then what exp32 takes for NaN, its lowest argument.
fn minus(x: f32, y: f32) -> f32 {
  if ((bitcast<u32>(y) & 0x7fffffffu) == 0x7f800000u || bitcast<u32>(x) == 0xff800000u) { return -87.0; }
  return x - y;
}

// The orderable key of one class score; NAN_KEY for NaN, SKIPPED_KEY for a class outside the allow-list.
fn class_key(anchor: ptr<function, Anchor>, c: u32) -> u32 {
  #if ${classFilter}
  if (((class_filter[c >> 5u] >> (c & 31u)) & 1u) == 0u) { return SKIPPED_KEY; }
  #endif
  let bits = classes_bits((*anchor).class_at + (c + ${firstClass}u) * level.class_channel);
  if (is_nan_bits(bits)) { return NAN_KEY; }
  #if ${softmax}
  return flushed_key(exp32(minus(bitcast<f32>(bits), (*anchor).largest)) * (*anchor).scale);
  #elif ${objectness !== undefined}
  #if ${activation === 'sigmoid'}
  return product_key((*anchor).factor, sigmoid32(bitcast<f32>(bits)));
  #else
  return product_key((*anchor).factor, bitcast<f32>(bits));
  #endif
  #else
  return key_of_bits(bits);
  #endif
}

// The key of a product. Below the smallest normal float it is that of 0: some devices flush there, some do not.
fn flushed_key(product: f32) -> u32 {
  let bits = bitcast<u32>(fround(product));
  return key_of_bits(select(0u, bits, (bits & 0x7f800000u) != 0u));
}

// Objectness times class. The device may assume that there is no Infinity, so 0 times it is looked for first.
fn product_key(factor: f32, score: f32) -> u32 {
  let a = bitcast<u32>(factor) & 0x7fffffffu;
  let b = bitcast<u32>(score) & 0x7fffffffu;
  if ((a == 0u && b == 0x7f800000u) || (b == 0u && a == 0x7f800000u)) { return NAN_KEY; }
  return flushed_key(factor * score);
}

// The box of an anchor; usable is false when a coordinate is not finite or too large.
fn anchor_box(anchor: ptr<function, Anchor>, usable: ptr<function, bool>) -> vec4f {
  #if ${head.anchors !== undefined}
  let row = anchors[(*anchor).index];
  #else
  let row = vec4f(0.0);
  #endif
  let decoded = decode_box((*anchor).box_at, row, level.stride);
  *usable = is_usable_box(decoded);
  return flush_coordinates(decoded);
}

fn write_candidate(image: u32, slot: u32, decoded: vec4f, key: u32, id: u32, class_id: u32) {
  if (slot >= params.capacity) { return; }
  candidates[image * params.capacity + slot] = Candidate(decoded, area_of(decoded), key, id, class_id);
}

fn count_score(image: u32, key: u32, id: u32) {
  atomicAdd(&state[state_at(image) + HISTOGRAM + bin_of(key, id)], 1u);
}

#if ${multiLabel}
// Counts, refines or appends one pair.
fn take_pair(image: u32, decoded: vec4f, key: u32, id: u32, class_id: u32) {
  let at = state_at(image);
  if (level.phase == ${PHASE.count}u) {
    count_score(image, key, id);
    atomicAdd(&state[at + PASSED], 1u);
    return;
  }
  let cut_key = atomicLoad(&state[at + CUT_KEY]);
  if (level.phase == ${PHASE.select}u) {
    if (key < cut_key || (key == cut_key && tie_order(id) > atomicLoad(&state[at + CUT_TIE]))) { return; }
    write_candidate(image, atomicAdd(&state[at + APPENDED], 1u), decoded, key, id, class_id);
    return;
  }
  let refining = atomicLoad(&state[at + REFINING]);
  let low = atomicLoad(&state[at + REFINE_LOW]);
  let order = select(tie_order(id), key, refining == 1u);
  if (refining == 0u || (refining == 2u && key != cut_key) || order < low) { return; }
  let bin = (order - low) / max(1u, atomicLoad(&state[at + REFINE_WIDTH]));
  if (bin < NUM_BINS) { atomicAdd(&state[at + CURSORS + bin], 1u); }
}

fn each_pair(a: u32, image: u32) {
  var anchor: Anchor;
  if (!open_anchor(a, image, &anchor)) { return; }
  var decoded = vec4f(0.0);
  var usable = false;
  var has_box = false;
  for (var c = 0u; c < ${head.numClasses}u; c++) {
    let key = class_key(&anchor, c);
    if (key == NAN_KEY) { reject(image); continue; }
    if (key == SKIPPED_KEY || key < params.min_key) { continue; }
    if (!has_box) { decoded = anchor_box(&anchor, &usable); has_box = true; }
    if (!usable) { reject(image); continue; }
    take_pair(image, decoded, key, anchor.index * params.num_classes + c, c);
  }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  if (level.phase == ${PHASE.refine}u && atomicLoad(&state[state_at(global.z) + REFINING]) == 0u) { return; }
  for (var a = global.x; a < level.num_anchors; a += groups.x * WORKGROUP) {
    each_pair(a, global.z);
  }
}
#else
var<workgroup> num_found: atomic<u32>;
var<workgroup> first_slot: u32;

// The best class of an anchor, or NAN_KEY / SKIPPED_KEY; ties go to the lower class.
fn best_class(anchor: ptr<function, Anchor>, best: ptr<function, u32>) -> u32 {
  var best_key = SKIPPED_KEY;
  for (var c = 0u; c < ${head.numClasses}u; c++) {
    let key = class_key(anchor, c);
    if (key == NAN_KEY) { return NAN_KEY; }
    if (key > best_key) { best_key = key; *best = c; }
  }
  return best_key;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(local_invocation_index) local: u32) {
  let a = global.x;
  let image = global.z;
  var anchor: Anchor;
  var key = SKIPPED_KEY;
  var class_id = 0u;
  var decoded = vec4f(0.0);
  var found = false;
  if (a < level.num_anchors && open_anchor(a, image, &anchor)) {
    key = best_class(&anchor, &class_id);
    if (key == NAN_KEY) {
      reject(image);
    } else if (key != SKIPPED_KEY && key >= params.min_key) {
      decoded = anchor_box(&anchor, &found);
      if (!found) { reject(image); }
    }
    #if ${givenClasses}
    if (found) { class_id = extra[anchor.extra_at]; }
    #endif
  }
  // One append per workgroup: count, take that many rows, fill them.
  var mine = 0u;
  if (found) {
    mine = atomicAdd(&num_found, 1u);
    count_score(image, key, anchor.index);
  }
  workgroupBarrier();
  if (local == 0u) {
    let total = atomicLoad(&num_found);
    first_slot = 0u;
    if (total > 0u) {
      first_slot = atomicAdd(&state[state_at(image) + APPENDED], total);
      atomicAdd(&state[state_at(image) + PASSED], total);
    }
  }
  workgroupBarrier();
  if (found) {
    write_candidate(image, first_slot + mine, decoded, key, anchor.index, class_id);
  }
}
#endif
`;
}

// Raw head -> candidates. One thread per anchor and image: the classes that pass the filter (the best one, or each for
// multi-label), the box once it is needed, then append; scores are counted in the histogram on the way.
// Losers cost one read and one integer comparison per class. Multi-label runs in phases: count, refine, select.
// Twin: src/cpu/decode.ts.

import { ANGLE_LIMIT } from '../src/functions.js';
import { extraField, numRawApart, scoresAreClasses } from '../src/head-facts.js';
import type { Head } from '../src/heads/head.js';
import { CANDIDATE, LEVEL, PARAMS, PHASE, type Sizes, sizesWgsl } from '../src/layout.js';
import { type AnchorSource, anchors } from './shared/anchors.wgsl.js';
import { bins } from './shared/bins.wgsl.js';
import { codecChunk } from './shared/codecs.wgsl.js';
import { halfToFloatBits, reader } from './shared/elements.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlapNumbers } from './shared/overlap.wgsl.js';
import { scores } from './shared/scores.wgsl.js';
import { wgsl, wgslFloat } from './wgsl.js';

/** What makes one decode pipeline differ from another. */
export interface DecodeVariant {
	readonly head: Head;
	readonly multiLabel: boolean;
	readonly classFilter: boolean;
	/** Class ids stand in the extra tensor as integers (nms()). */
	readonly givenClasses: boolean;
	/** Where the head's anchors are. */
	readonly anchors: AnchorSource;
	/** Which of box, classes, extra, and anchors that come with the call are float16. */
	readonly half: { readonly box: boolean; readonly classes: boolean; readonly extra: boolean; readonly anchors: boolean };
	readonly sizes: Sizes;
}

/** True when a head binds a tensor besides boxes and classes. */
export function bindsExtra({ head, givenClasses }: Pick<DecodeVariant, 'head' | 'givenClasses'>): boolean {
	return extraField(head.levels[0]) !== undefined || givenClasses;
}

export function decodeShader(variant: DecodeVariant): string {
	const { head, multiLabel, classFilter, givenClasses, half, sizes } = variant;
	const extra = bindsExtra(variant);
	const rotated = head.codec.rotated === true;
	const numApart = numRawApart(head.levels[0]);
	const firstApart = head.codec.numRaw - numApart;
	const givenFloats = head.score.classes === 'given';
	const byChannel = scoresAreClasses(head) && !givenClasses; // where not, the allow-list waits for the class id
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
@group(0) @binding(4) var<storage, read> extra: array<u32>;     // objectness, given class ids, sizes or angles
#endif
#if ${classFilter}
@group(0) @binding(6) var<storage, read> class_filter: array<u32>;
#endif
@group(0) @binding(7) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(8) var<storage, read_write> candidates: array<Candidate>;

${numbers}
${overlapNumbers}
${bins}
${halfToFloatBits}
${reader('box', half.box)}
${reader('classes', half.classes)}
#if ${extra}
${reader('extra', half.extra)}
#endif
${anchors(variant.anchors, head, half.anchors)}

struct Anchor {
  index: u32,      // among all levels
  shape: u32,
  cell: u32,
  box_at: u32,     // element numbers of channel 0
  class_at: u32,
  extra_at: u32,
  factor: f32,     // objectness
  largest: f32,    // softmax: the largest logit and 1 / sum
  scale: f32,
}

// The list an image's candidates go to.
fn slot_of(image: u32) -> u32 { return image * params.slots + level.slot; }

fn state_at(image: u32) -> u32 { return slot_of(image) * STATE_WORDS; }

fn reject(image: u32) {
  #if ${multiLabel}
  if (level.phase != ${PHASE.count}u) { return; }
  #endif
  atomicAdd(&state[state_at(image) + REJECTED], 1u);
}

${scores(head, classFilter, givenClasses)}

// Where an anchor's numbers stand. False: it has no score that could pass.
fn open_anchor(a: u32, image: u32, anchor: ptr<function, Anchor>) -> bool {
  let major = level.shape_major != 0u;
  let shape = select(a % level.num_shapes, a / level.num_cells, major);
  let cell = select(a / level.num_shapes, a % level.num_cells, major);
  (*anchor).index = level.first_anchor + a;
  (*anchor).shape = shape;
  (*anchor).cell = cell;
  (*anchor).box_at = level.box_base + image * level.box_image + shape * level.box_shape + cell * level.box_cell;
  (*anchor).class_at = level.class_base + image * level.class_image + shape * level.class_shape + cell * level.class_cell;
  (*anchor).extra_at = level.extra_base + image * level.extra_image + shape * level.extra_shape + cell * level.extra_cell;
  return open_scores(image, anchor);
}

#if ${numApart > 0}
var<private> apart_at: u32; // where the last raw numbers of the anchor whose box is decoded stand
#endif

fn raw_number(at: u32, c: u32) -> f32 {
  #if ${numApart > 0}
  if (c >= ${firstApart}u) { return bitcast<f32>(extra_bits(apart_at + (c - ${firstApart}u) * level.extra_channel)); }
  #endif
  #if ${rotated}
  if (c == ${head.codec.numRaw - 1}u) { return bitcast<f32>(box_bits(at + level.angle_step)); }
  #endif
  return bitcast<f32>(box_bits(at + c * level.box_channel));
}
${codecChunk(head.codec)}

// The box of an anchor; usable is false when a coordinate is not finite or too large. c: the class whose box it is,
// where each has its own.
fn anchor_box(anchor: ptr<function, Anchor>, image: u32, c: u32, usable: ptr<function, bool>) -> vec4f {
  #if ${numApart > 0}
  apart_at = (*anchor).extra_at;
  #endif
  let row = anchor_row((*anchor).index, image, (*anchor).shape, (*anchor).cell);
  var decoded = decode_box((*anchor).box_at + c * level.box_class, row, level.stride);
  *usable = is_usable_box(decoded);
  #if ${rotated}
  *usable = *usable && is_finite(decoded_angle) && abs(decoded_angle) < ${wgslFloat(ANGLE_LIMIT)};
  #endif
  decoded = flush_coordinates(decoded);
  if (params.clip != 0u) {
    decoded = clamp(decoded, vec4f(0.0), vec4f(params.clip_width, params.clip_height, params.clip_width, params.clip_height));
  }
  return decoded;
}

// What stands in the place of the area: the angle where there is one, -1 where the box is too small to be kept.
fn area_word(decoded: vec4f) -> f32 {
  #if ${rotated}
  return flush_coordinates(vec4f(decoded_angle)).x;
  #else
  if (params.min_size > 0.0 && (decoded.z - decoded.x < params.min_size || decoded.w - decoded.y < params.min_size)) { return -1.0; }
  return area_of(decoded);
  #endif
}

// The class of an anchor's c-th score; valid becomes false when the given id is none.
fn class_of(anchor: ptr<function, Anchor>, c: u32, valid: ptr<function, bool>) -> u32 {
  #if ${givenClasses}
  return extra[(*anchor).extra_at];
  #elif ${givenFloats}
  let id = bitcast<f32>(extra_bits((*anchor).extra_at));
  *valid = !is_nan_bits(bitcast<u32>(id)) && id > -1.0 && id < ${head.numClasses}.0;
  if (!*valid) { return 0u; }
  return u32(max(0.0, id));
  #elif ${head.score.classes === 'level'}
  return level.level;
  #else
  return c;
  #endif
}

fn write_candidate(image: u32, place: u32, decoded: vec4f, area: f32, key: u32, id: u32, class_id: u32) {
  if (place >= params.capacity) { return; }
  candidates[slot_of(image) * params.capacity + place] = Candidate(decoded, area, key, id, class_id);
}

fn count_score(image: u32, key: u32, id: u32) {
  atomicAdd(&state[state_at(image) + HISTOGRAM + bin_of(key, id)], 1u);
}

#if ${multiLabel}
// Counts, refines or appends one pair.
fn take_pair(image: u32, decoded: vec4f, area: f32, key: u32, id: u32, class_id: u32) {
  let at = state_at(image);
  if (level.phase == ${PHASE.count}u) {
    count_score(image, key, id);
    atomicAdd(&state[at + PASSED], 1u);
    return;
  }
  let cut_key = atomicLoad(&state[at + CUT_KEY]);
  if (level.phase == ${PHASE.select}u) {
    if (key < cut_key || (key == cut_key && tie_order(id) > atomicLoad(&state[at + CUT_TIE]))) { return; }
    write_candidate(image, atomicAdd(&state[at + APPENDED], 1u), decoded, area, key, id, class_id);
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
  var area = 0.0;
  var usable = false;
  var has_box = false;
  for (var c = 0u; c < NUM_SCORES; c++) {
    let key = class_key(&anchor, c);
    if (key == NAN_KEY) { reject(image); continue; }
    if (key == SKIPPED_KEY || key < params.min_key) { continue; }
    if (!has_box) {
      decoded = anchor_box(&anchor, image, c, &usable);
      if (usable) { area = area_word(decoded); }
      has_box = level.box_class == 0u;
    }
    if (!usable) { reject(image); continue; }
    var valid = true;
    let class_id = class_of(&anchor, c, &valid);
    if (!valid) { reject(image); continue; }
    #if ${!byChannel}
    if (!is_allowed(class_id)) { continue; }
    #endif
    take_pair(image, decoded, area, key, anchor.index * NUM_SCORES + c, class_id);
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
  for (var c = 0u; c < NUM_SCORES; c++) {
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
  var area = 0.0;
  var found = false;
  if (a < level.num_anchors && open_anchor(a, image, &anchor)) {
    key = best_class(&anchor, &class_id);
    if (key == NAN_KEY) {
      reject(image);
    } else if (key != SKIPPED_KEY && key >= params.min_key) {
      decoded = anchor_box(&anchor, image, class_id, &found);
      if (found) {
        area = area_word(decoded);
        class_id = class_of(&anchor, class_id, &found);
      }
      if (!found) { reject(image); }
      #if ${!byChannel}
      found = found && is_allowed(class_id);
      #endif
    }
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
    write_candidate(image, first_slot + mine, decoded, area, key, anchor.index, class_id);
  }
}
#endif
`;
}

// Raw head -> candidates. A few threads per anchor and image share its classes: those that pass the filter (the best one, or
// each for multi-label), the box once it is needed, then append; scores are counted in the histogram on the way.
// Losers cost one read and an integer comparison (shared/passing). Multi-label runs in phases: count, refine, select.
// Twin: src/cpu/decode.ts.

import { ANGLE_LIMIT } from '../src/functions.js';
import { canShare, extraField, numRawApart, scoresAreClasses } from '../src/head-facts.js';
import type { Head } from '../src/heads/head.js';
import { CANDIDATE, LEVEL, PARAMS, PHASE, type Sizes, sizesWgsl } from '../src/layout.js';
import { type AnchorSource, anchors } from './shared/anchors.wgsl.js';
import { bins } from './shared/bins.wgsl.js';
import { codecChunk } from './shared/codecs.wgsl.js';
import { halfToFloatBits, reader } from './shared/elements.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlapNumbers } from './shared/overlap.wgsl.js';
import { passing } from './shared/passing.wgsl.js';
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
	const shared = sizes.lanes > 1 && canShare(head);
	// raw scores have the order of keys, so that whoever is below the best so far need not be looked at
	const plain = head.score.activation !== 'softmax' && head.score.objectness === undefined;
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
  is_nan: bool,    // of what its scores have in common
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

${passing(head, half.classes)}
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
  (*anchor).is_nan = false;
  return open_scores(anchor);
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

// The box of the anchor at hand, decoded for the first of its classes that needs it.
var<private> decoded: vec4f;
var<private> area: f32;
var<private> usable: bool;
var<private> has_box: bool;

fn take_class(anchor: ptr<function, Anchor>, image: u32, c: u32) {
  let key = class_key(anchor, c);
  if (key == NAN_KEY) { reject(image); return; }
  if (key == SKIPPED_KEY || key < params.min_key) { return; }
  if (!has_box) {
    var is_usable = false;
    decoded = anchor_box(anchor, image, c, &is_usable);
    if (is_usable) { area = area_word(decoded); }
    usable = is_usable;
    has_box = level.box_class == 0u;
  }
  if (!usable) { reject(image); return; }
  var valid = true;
  let class_id = class_of(anchor, c, &valid);
  if (!valid) { reject(image); return; }
  #if ${!byChannel}
  if (!is_allowed(class_id)) { return; }
  #endif
  take_pair(image, decoded, area, key, (*anchor).index * NUM_SCORES + c, class_id);
}

fn each_pair(strip: Strip, image: u32) {
  var anchor: Anchor;
  if (!open_anchor(strip.anchor, image, &anchor)) {
    if (anchor.is_nan && strip.number == 0u) { reject(image); }
    return;
  }
  has_box = false;
  let limit = raw_limit(&anchor);
  var walk = walk_of(&anchor, strip);
  for (var c = next_class(&walk, strip, limit); c != NO_CLASS; c = next_class(&walk, strip, limit)) { take_class(&anchor, image, c); }
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  if (level.phase == ${PHASE.refine}u && atomicLoad(&state[state_at(image) + REFINING]) == 0u) { return; }
  var strip = strip_of(group.x, local);
  for (; strip.anchor < level.num_anchors; strip.anchor += groups.x * (WORKGROUP / level.lanes)) { each_pair(strip, image); }
}
#else
struct Best { key: u32, class_id: u32, limit: u32 }

fn take_class(anchor: ptr<function, Anchor>, c: u32, best: ptr<function, Best>) {
  let key = class_key(anchor, c);
  if (key <= (*best).key) { return; }
  (*best).key = key;
  (*best).class_id = c;
  #if ${plain}
  (*best).limit = max((*best).limit, raw_order(raw_bits((*anchor).class_at + c * level.class_channel)));
  #endif
}

// The best class of a strip: its key is NAN_KEY where there is a NaN, SKIPPED_KEY where none may pass. Ties go to the lower class.
fn best_of(anchor: ptr<function, Anchor>, strip: Strip) -> Best {
  var best = Best(SKIPPED_KEY, 0u, raw_limit(anchor));
  var walk = walk_of(anchor, strip);
  for (var c = next_class(&walk, strip, best.limit); c != NO_CLASS; c = next_class(&walk, strip, best.limit)) { take_class(anchor, c, &best); }
  return best;
}

// Appends an anchor whose best class passes.
fn take_anchor(anchor: ptr<function, Anchor>, image: u32, best: Best) {
  if (best.key == NAN_KEY) { reject(image); return; }
  if (best.key == SKIPPED_KEY || best.key < params.min_key) { return; }
  var usable = false;
  let decoded = anchor_box(anchor, image, best.class_id, &usable);
  if (!usable) { reject(image); return; }
  let area = area_word(decoded);
  var valid = true;
  let class_id = class_of(anchor, best.class_id, &valid);
  if (!valid) { reject(image); return; }
  #if ${!byChannel}
  if (!is_allowed(class_id)) { return; }
  #endif
  count_score(image, best.key, (*anchor).index);
  let at = state_at(image);
  atomicAdd(&state[at + PASSED], 1u);
  write_candidate(image, atomicAdd(&state[at + APPENDED], 1u), decoded, area, best.key, (*anchor).index, class_id);
}

#if ${shared}
var<workgroup> strip_keys: array<u32, ${sizes.workgroup}>;
var<workgroup> strip_classes: array<u32, ${sizes.workgroup}>;

// The best of an anchor's strips, for the thread of the first of them.
fn best_of_strips(local: u32) -> Best {
  let stride = select(WORKGROUP / level.lanes, 1u, level.class_channel == 1u);
  var best = Best(strip_keys[local], strip_classes[local], 0u);
  for (var lane = 1u; lane < level.lanes; lane++) {
    let key = strip_keys[local + lane * stride];
    let class_id = strip_classes[local + lane * stride];
    if (key > best.key || (key == best.key && class_id < best.class_id)) { best = Best(key, class_id, 0u); }
  }
  return best;
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  let strip = strip_of(group.x, local);
  var anchor: Anchor;
  let is_open = strip.anchor < level.num_anchors && open_anchor(strip.anchor, image, &anchor);
  var best = Best(SKIPPED_KEY, 0u, 0u);
  if (is_open) { best = best_of(&anchor, strip); }
  #if ${shared}
  strip_keys[local] = best.key;
  strip_classes[local] = best.class_id;
  workgroupBarrier();
  if (is_open && strip.number == 0u) { take_anchor(&anchor, image, best_of_strips(local)); }
  #else
  if (is_open) { take_anchor(&anchor, image, best); }
  #endif
  if (anchor.is_nan && strip.number == 0u) { reject(image); }
}
#endif
`;
}

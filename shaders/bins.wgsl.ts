// Histogram -> the place of each bin in the sorted list, and the cut. One workgroup per slot; thread t owns a run of
// bins, best first; a scan over the threads' sums gives each run its start. In the refine phase the same walk narrows
// the interval that holds the cut. A few candidates it puts in order itself: no bins, nothing left to scatter and rank. Twin: src/cpu/bins.ts.

import { CANDIDATE, LEVEL, PARAMS, PHASE, type Sizes, sizesWgsl } from '../src/layout.js';
import { bins } from './shared/bins.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { wgsl } from './wgsl.js';

export function binsShader(sizes: Sizes): string {
	return wgsl`
${PARAMS.wgsl}
${LEVEL.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}
const PER_THREAD = NUM_BINS / WORKGROUP;
const TOP_KEY = 0xff800000u; // Infinity

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> level: Level; // its phase
@group(0) @binding(2) var<storage, read_write> state: array<u32>;
@group(0) @binding(3) var<storage, read> candidates: array<Candidate>;
@group(0) @binding(4) var<storage, read_write> sorted: array<Candidate>;

var<workgroup> sums: array<u32, ${sizes.workgroup}>;
var<workgroup> facts: vec2u;
var<workgroup> heaviest: atomic<u32>;

${numbers}
${bins}

fn bin_start_key(bin: u32) -> u32 {
  if (bin == 0u) { return 0u; }
  if (params.bin_mode == 0u) { return params.bin_low + bin * params.bin_width; }
  // bin_width is a power of two: its reciprocal is exact, made of bits
  let unit = bitcast<f32>((127u - firstTrailingBit(params.bin_width)) << 23u);
  let value = f32(i32(bin) + bitcast<i32>(params.bin_low)) * unit;
  return key_of_bits(bitcast<u32>(value));
}

fn ceil_div(a: u32, b: u32) -> u32 { return a / b + select(0u, 1u, a % b != 0u); }

// Inclusive scan of sums over the workgroup: within groups of 16, then over what the groups before sum to.
fn scan(local: u32) {
  let group = local & ~15u;
  workgroupBarrier();
  var sum = 0u;
  for (var i = group; i <= local; i++) { sum += sums[i]; }
  workgroupBarrier();
  sums[local] = sum;
  workgroupBarrier();
  for (var i = 15u; i < group; i += 16u) { sum += sums[i]; }
  workgroupBarrier();
  sums[local] = sum;
  workgroupBarrier();
}

// The bin in the thread's i-th place, best first.
fn bin_in_place(place: u32, descending: bool) -> u32 {
  return select(place, NUM_BINS - 1u - place, descending);
}

// Called by the one thread whose run holds the cut.
fn settle_first(at: u32, bin: u32, above: u32) {
  let low = bin_start_key(bin);
  state[at + CUT_KEY] = low;
  if (above + state[at + HISTOGRAM + bin] <= params.capacity) { return; }
  var high = TOP_KEY;
  if (bin + 1u < NUM_BINS) { high = bin_start_key(bin + 1u) - 1u; }
  state[at + REFINING] = 1u;
  state[at + REFINE_LOW] = low;
  state[at + REFINE_WIDTH] = (high - low) / NUM_BINS + 1u;
  state[at + ABOVE] = above;
}

fn settle_refined(at: u32, bin: u32, above: u32) {
  let width = state[at + REFINE_WIDTH];
  let low = state[at + REFINE_LOW] + bin * width;
  let fits = above + state[at + CURSORS + bin] <= params.capacity;
  state[at + ABOVE] = above;
  var next_low = low;
  var next_width = ceil_div(width, NUM_BINS);
  var next = state[at + REFINING];
  if (next == 1u) {
    state[at + CUT_KEY] = low;
    if (width == 1u) { next = 2u; next_low = 0u; next_width = params.last_id / NUM_BINS + 1u; }
    if (fits) { next_low = 0u; next_width = 0u; }
  } else {
    state[at + CUT_TIE] = low + width - 1u;
  }
  state[at + REFINING] = select(next, 0u, fits);
  state[at + REFINE_LOW] = next_low;
  state[at + REFINE_WIDTH] = next_width;
}

fn write_lengths(at: u32, count: u32) {
  let length = min(count, params.slot_candidates);
  state[at + SORTED] = length;
  state[at + LISTED] = length; // with one slot per image; else merge says
  state[at + CUT_TIE] = 0xffffffffu;
}

// A candidate's place is the number of those that come before it. They are read where they lie: on adapters that compute on
// the CPU, zeroing as much workgroup memory costs more than all of this.
fn rank_few(slot: u32, count: u32, local: u32) {
  let first = slot * params.capacity;
  for (var i = local; i < count; i += WORKGROUP) {
    let mine = candidates[first + i];
    let tie = tie_order(mine.id);
    var place = 0u;
    for (var k = 0u; k < count; k++) {
      let key = candidates[first + k].key;
      if (key > mine.key) { place++; }
      if (key == mine.key && tie_order(candidates[first + k].id) < tie) { place++; }
    }
    if (place < params.slot_candidates) { sorted[first + place] = mine; }
  }
  if (local == 0u) { write_lengths(slot * STATE_WORDS, count); } // BINNED and HEAVIEST stay 0
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let at = group.z * STATE_WORDS;
  let refine = level.phase == ${PHASE.refine}u;
  if (local == 0u) { facts = vec2u(state[at + REFINING], state[at + APPENDED]); }
  let known = workgroupUniformLoad(&facts);
  let round = known.x;
  if (refine && round == 0u) { return; }
  // multi-label appends after the cut
  if (params.multi_label == 0u && known.y <= ${sizes.small}u) {
    rank_few(group.z, known.y, local);
    return;
  }

  let descending = !(refine && round == 2u);
  let region = at + select(HISTOGRAM, CURSORS, refine);
  var sum = 0u;
  for (var i = 0u; i < PER_THREAD; i++) {
    sum += state[region + bin_in_place(local * PER_THREAD + i, descending)];
  }
  sums[local] = sum;
  scan(local);
  let total = sums[WORKGROUP - 1u];
  var base = 0u;
  if (refine) { base = state[at + ABOVE]; }
  storageBarrier(); // every thread has read ABOVE before one of them writes it

  var most = 0u;
  // Where each bin starts; the first bin whose end reaches max_candidates holds the cut.
  var start = base + sums[local] - sum;
  for (var i = 0u; i < PER_THREAD; i++) {
    let place = local * PER_THREAD + i;
    let bin = bin_in_place(place, descending);
    let count = state[region + bin];
    let last = refine && place == NUM_BINS - 1u;
    if (!refine) { state[at + STARTS + bin] = start; }
    if (!refine && start < params.slot_candidates) {
      most = max(most, count);
      if (start + count >= params.slot_candidates) { state[at + BINNED] = start + count; }
    }
    if (start < params.slot_candidates && (start + count >= params.slot_candidates || last)) {
      if (refine) { settle_refined(at, bin, start); } else { settle_first(at, bin, start); }
    }
    start += count;
  }
  atomicMax(&heaviest, most);
  storageBarrier();
  workgroupBarrier();
  if (refine) {
    for (var i = 0u; i < PER_THREAD; i++) { state[at + CURSORS + local * PER_THREAD + i] = 0u; }
  } else if (local == 0u) {
    write_lengths(at, total);
    if (total < params.slot_candidates) { state[at + BINNED] = total; }
    state[at + HEAVIEST] = atomicLoad(&heaviest);
  }
}
`;
}

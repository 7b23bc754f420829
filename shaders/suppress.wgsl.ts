// Blocked greedy suppression: one workgroup per image walks the sorted list in chunks of one candidate per thread.
//
//   (a) the chunk against the kept list     kept  ■■■■■■■■            dead candidates drop out
//                                                  ↓ ↓ ↓
//   (b) overlaps inside the chunk           i: 0 1 1 0 . . .          bit j: candidate i overlaps the earlier candidate j
//   (c) resolve                             keep who overlaps no earlier undecided or kept one; drop who overlaps a kept
//                                           one; repeat. The earliest undecided is always decided: equals greedy.
//   (d) append the kept in order, write their rows, stop at max_detections
//
// Long lists are taken in ranges; before each later range `prefilter` does (a) for it with many workgroups.
// Fast NMS: every earlier candidate suppresses, so that (a) takes all of them instead of the kept and (b) settles the rest.
// Twin: src/cpu/suppress.ts.

import type { OverlapRule } from '../src/boxes/overlap.js';
import { CANDIDATE, PARAMS, RANGE, type Sizes, sizesWgsl } from '../src/layout.js';
import { lists } from './shared/lists.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlapOf } from './shared/overlap.wgsl.js';
import { rows } from './shared/rows.wgsl.js';
import { wgsl } from './wgsl.js';

export function suppressShader(sizes: Sizes, rule?: OverlapRule): string {
	const chunkWords = Math.ceil(sizes.workgroup / 32);
	const blockWords = Math.ceil(sizes.block / 32);
	const fast = rule?.fast === true;
	return wgsl`
${PARAMS.wgsl}
${RANGE.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}
const CHUNK_WORDS = ${chunkWords}u;
const BLOCK_WORDS = ${blockWords}u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> range: Range;
@group(0) @binding(2) var<storage, read> sorted: array<Candidate>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> kept: array<u32>;   // places in sorted, [rows] per image
@group(0) @binding(5) var<storage, read_write> dead: array<u32>;   // bits of this range's candidates
@group(0) @binding(6) var<storage, read_write> output: array<u32>; // header and rows

var<workgroup> live_bits: array<atomic<u32>, ${chunkWords}>;
var<workgroup> kept_bits: array<atomic<u32>, ${chunkWords}>;
var<workgroup> gone_bits: array<atomic<u32>, ${chunkWords}>;
var<workgroup> num_undecided: atomic<u32>;
var<workgroup> shared_value: u32;
var<workgroup> shared_facts: vec4u;

${lists}
${numbers}
${overlapOf(rule)}
${rows}

// Most pairs are told apart by little; the few others are asked one by one.
fn may_suppress(earlier: Candidate, later: Candidate) -> bool {
  return (params.class_agnostic != 0u || earlier.class_id == later.class_id) && may_overlap_more(earlier.box, earlier.area, later.box, later.area);
}

fn suppresses(earlier: Candidate, later: Candidate) -> bool {
  return overlaps_more(earlier.box, earlier.area, later.box, later.area);
}

// A number of the first thread, the same in every thread.
fn share(local: u32, value: u32) -> u32 {
  if (local == 0u) { shared_value = value; }
  return workgroupUniformLoad(&shared_value);
}

// The k-th of those before a chunk that may suppress it.
fn suppressor(first: u32, kept_at: u32, k: u32) -> Candidate {
#if ${fast}
  return sorted[first + k];
#else
  return sorted[first + kept[kept_at + k]];
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  let at = state_at(image);
  let first = first_of(image);
  let kept_at = image * params.rows;
  if (local == 0u) {
    let listed = min(state[at + LISTED], params.slots * params.capacity);
    shared_facts = vec4u(min(range.end, listed), state[at + KEPT], select(0u, state[at + KEPT_BEFORE], range.prefiltered != 0u), 0u);
  }
  let facts = workgroupUniformLoad(&shared_facts);
  let end = facts.x;
  let limit = min(params.max_detections, params.rows);
  var num_kept = facts.y;
  let old_kept = facts.z;

  for (var chunk = range.begin; chunk < end && num_kept < limit; chunk += WORKGROUP) {
    let place = chunk + local;
    var alive = place < end;
    var mine: Candidate;
    if (alive) { mine = sorted[first + place]; }
    if (is_too_small(mine.area)) { alive = false; }
    if (alive && range.prefiltered != 0u) {
      let bit = place - range.begin;
      alive = ((dead[image * BLOCK_WORDS + (bit >> 5u)] >> (bit & 31u)) & 1u) == 0u;
    }

    // (a) against the kept list
#if ${fast}
    let num_before = chunk;
    var begin = select(0u, range.begin, range.prefiltered != 0u);
#else
    let num_before = num_kept;
    var begin = old_kept;
#endif
    if (params.suppression == 0u) { begin = num_before; }
    // two loops, since some devices end a single one after 65,535 turns; the next one is fetched while this one is compared
    for (var k = begin; alive && k < num_before; k += WORKGROUP) {
      let last = min(k + WORKGROUP, num_before) - 1u;
      var next = suppressor(first, kept_at, k);
      var i = k;
      while (alive && i <= last) {
        var other = next;
        var suspect = false;
        for (; !suspect && i <= last; i++) {
          other = next;
          next = suppressor(first, kept_at, min(i + 1u, last));
          suspect = may_suppress(other, mine);
        }
        alive = !(suspect && suppresses(other, mine));
      }
    }

    // (b) overlaps with earlier members of the chunk
    if (local < CHUNK_WORDS) {
      atomicStore(&live_bits[local], 0u);
      atomicStore(&kept_bits[local], 0u);
      atomicStore(&gone_bits[local], 0u);
    }
    if (local == 0u) { atomicStore(&num_undecided, 0u); }
    workgroupBarrier();
#if ${fast}
    if (place < end) { atomicOr(&live_bits[local >> 5u], 1u << (local & 31u)); }
#else
    if (alive) { atomicOr(&live_bits[local >> 5u], 1u << (local & 31u)); }
#endif
    workgroupBarrier();
    var earlier: array<u32, ${chunkWords}>;
    if (alive && params.suppression != 0u) {
      for (var w = 0u; w <= (local >> 5u); w++) {
        var live = atomicLoad(&live_bits[w]);
        if (w == (local >> 5u)) { live &= (1u << (local & 31u)) - 1u; }
        let row = first + chunk + w * 32u;
        var suspects = 0u;
        for (; live != 0u; live &= live - 1u) {
          let bit = firstTrailingBit(live);
          suspects |= select(0u, 1u << bit, may_suppress(sorted[row + bit], mine));
        }
        var found = 0u;
        for (; suspects != 0u; suspects &= suspects - 1u) {
          let bit = firstTrailingBit(suspects);
          found |= select(0u, 1u << bit, suppresses(sorted[row + bit], mine));
        }
#if ${fast}
        if (found != 0u) { alive = false; }
#else
        earlier[w] = found;
#endif
      }
    }

    // (c) resolve in rounds; what a thread does not see yet of the others' decisions only delays its own
    var undecided = alive;
    if (undecided) { atomicAdd(&num_undecided, 1u); }
    workgroupBarrier();
    while (share(local, atomicLoad(&num_undecided)) > 0u) {
      for (var turn = 0u; undecided && turn < 4u; turn++) {
        var beaten = false;
        var waiting = false;
        for (var w = 0u; w < CHUNK_WORDS; w++) {
          let others = earlier[w] & ~atomicLoad(&gone_bits[w]);
          beaten = beaten || (others & atomicLoad(&kept_bits[w])) != 0u;
          waiting = waiting || others != 0u;
        }
        if (beaten) { atomicOr(&gone_bits[local >> 5u], 1u << (local & 31u)); }
        else if (!waiting) { atomicOr(&kept_bits[local >> 5u], 1u << (local & 31u)); }
        undecided = waiting && !beaten;
        if (!undecided) { atomicSub(&num_undecided, 1u); }
      }
      workgroupBarrier();
    }

    // (d) append in order
    var before = 0u;
    var total = 0u;
    for (var w = 0u; w < CHUNK_WORDS; w++) {
      let bits = atomicLoad(&kept_bits[w]);
      total += countOneBits(bits);
      if (w < (local >> 5u)) { before += countOneBits(bits); }
      if (w == (local >> 5u)) { before += countOneBits(bits & ((1u << (local & 31u)) - 1u)); }
    }
    let keeps = ((atomicLoad(&kept_bits[local >> 5u]) >> (local & 31u)) & 1u) != 0u;
    let row = num_kept + before;
    if (keeps && row < limit) {
      kept[kept_at + row] = place;
      write_row(image, row, mine);
    }
    storageBarrier();
    num_kept = share(local, min(limit, num_kept + total));
  }

  workgroupBarrier();
  for (var w = local; w < BLOCK_WORDS; w += WORKGROUP) { dead[image * BLOCK_WORDS + w] = 0u; }
  if (local == 0u) {
    state[at + KEPT] = num_kept;
    state[at + KEPT_BEFORE] = num_kept;
    write_header(image, num_kept);
  }
}
`;
}

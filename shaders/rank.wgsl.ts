// A candidate's place in its bin is the number of members that come before it: higher key, then better tie order.
// Keys and ids are integers and ids are unique, so the order is total and the same on every device.
// Light bins are counted through. The rows of heavy ones are first sorted in short runs, then runs are merged to longer ones,
// where a row finds its place by bisection in each of the other runs:
//
//   binned    4 1 7 2 | 9 3 8 5    counted in runs       1 2 4 7 | 3 5 8 9    merged       1 2 3 4 5 7 8 9    sorted
//
// Twin: src/cpu/rank.ts.

import { CANDIDATE, MERGE, PARAMS, type Sizes, sizesWgsl } from '../src/layout.js';
import { bins } from './shared/bins.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { wgsl } from './wgsl.js';

export function rankShader(sizes: Sizes): string {
	return wgsl`
${PARAMS.wgsl}
${MERGE.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> merge: Merge;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read> rows: array<Candidate>;          // by bins
@group(0) @binding(4) var<storage, read_write> ranked: array<Candidate>;  // the same, more of them in order

${numbers}
${bins}

fn comes_before(i: u32, key: u32, tie: u32) -> bool {
  let other = rows[i].key;
  if (other != key) { return other > key; }
  return tie_order(rows[i].id) < tie;
}

// How many rows from begin to end come before this one; they are in no order.
fn count_before(begin: u32, end: u32, key: u32, tie: u32) -> u32 {
  var count = 0u;
  for (var i = begin; i < end; i++) { count += select(0u, 1u, comes_before(i, key, tie)); }
  return count;
}

// The same for rows in order.
fn bisect_before(begin: u32, end: u32, key: u32, tie: u32) -> u32 {
  var low = begin;
  var high = end;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (comes_before(middle, key, tie)) { low = middle + 1u; } else { high = middle; }
  }
  return low - begin;
}

// How many rows from begin to end come before the one in a slot; they are sorted in runs.
fn count_in_runs(first: u32, slot: u32, begin: u32, end: u32, key: u32, tie: u32) -> u32 {
  let own = slot / merge.run;
  var count = slot - max(begin, own * merge.run);
  for (var run = begin / merge.run; run * merge.run < end; run++) {
    if (run == own) { continue; }
    count += bisect_before(first + max(begin, run * merge.run), first + min(end, (run + 1u) * merge.run), key, tie);
  }
  return count;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = global.z * STATE_WORDS;
  let first = global.z * params.capacity;
  let is_last = merge.group == 0u;
  let num_rows = min(min(state[at + APPENDED], state[at + BINNED]), params.capacity);
  if (!is_last && state[at + HEAVIEST] <= HEAVY) { return; }
  for (var slot = global.x; slot < num_rows; slot += groups.x * WORKGROUP) {
    let mine = rows[first + slot];
    let tie = tie_order(mine.id);
    let bin = bin_of(mine.key, mine.id);
    let bin_begin = state[at + STARTS + bin];
    let bin_end = min(bin_begin + state[at + CURSORS + bin], params.capacity);
    let is_heavy = bin_end - bin_begin > HEAVY;
    var begin = bin_begin;
    var end = bin_end;
    if (!is_last) {
      begin = max(begin, slot / merge.group * merge.group);
      end = min(end, (slot / merge.group + 1u) * merge.group);
    }
    var place = slot;
    if (is_heavy && merge.run > 0u) { place = begin + count_in_runs(first, slot, begin, end, mine.key, tie); }
    else if (is_heavy || is_last) { place = begin + count_before(first + begin, first + end, mine.key, tie); }
    if (!is_last || place < state[at + SORTED]) { ranked[first + place] = mine; }
  }
}
`;
}

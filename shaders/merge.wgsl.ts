// The sorted lists of an image's levels -> one sorted list, cut at max_candidates. A row's place is its place in its own
// list plus, for every other list, the number of rows that come before it there (bisection). Writes over `candidates`,
// whose rows nobody needs any more. Twin: src/cpu/merge.ts.

import { CANDIDATE, PARAMS, type Sizes, sizesWgsl } from '../src/layout.js';
import { bins } from './shared/bins.wgsl.js';
import { lists } from './shared/lists.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { wgsl } from './wgsl.js';

export function mergeShader(sizes: Sizes): string {
	return wgsl`
${PARAMS.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> state: array<u32>;
@group(0) @binding(2) var<storage, read> sorted: array<Candidate>;          // [slots, capacity] per image
@group(0) @binding(3) var<storage, read_write> candidates: array<Candidate>; // one list per image

${lists}
${numbers}
${bins}

// How many rows of a slot's list come before this one.
fn num_before(slot: u32, key: u32, tie: u32) -> u32 {
  var low = 0u;
  var high = state[slot * STATE_WORDS + SORTED];
  while (low < high) {
    let middle = (low + high) / 2u;
    let other = sorted[slot * params.capacity + middle];
    if (other.key > key || (other.key == key && tie_order(other.id) < tie)) { low = middle + 1u; } else { high = middle; }
  }
  return low;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let image = global.z;
  let first_slot = image * params.slots;
  if (global.x == 0u && global.y == 0u) {
    var total = 0u;
    for (var slot = 0u; slot < params.slots; slot++) { total += state[(first_slot + slot) * STATE_WORDS + SORTED]; }
    state[state_at(image) + LISTED] = min(total, params.max_candidates);
  }
  let mine_at = first_slot + global.y;
  let count = state[mine_at * STATE_WORDS + SORTED];
  for (var i = global.x; i < count; i += groups.x * WORKGROUP) {
    let mine = sorted[mine_at * params.capacity + i];
    let tie = tie_order(mine.id);
    var place = i;
    for (var slot = 0u; slot < params.slots; slot++) {
      if (slot != global.y) { place += num_before(first_slot + slot, mine.key, tie); }
    }
    if (place < params.max_candidates) { candidates[first_of(image) + place] = mine; }
  }
}
`;
}

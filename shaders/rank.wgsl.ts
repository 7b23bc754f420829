// A candidate's place in its bin is the number of members that come before it: higher key, then better tie order.
// Keys and ids are integers and ids are unique, so the order is total and the same on every device.
// Twin: src/cpu/rank.ts.

import { CANDIDATE, PARAMS, type Sizes, sizesWgsl } from '../src/layout.js';
import { bins } from './shared/bins.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { wgsl } from './wgsl.js';

export function rankShader(sizes: Sizes): string {
	return wgsl`
${PARAMS.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read> candidates: array<Candidate>;
@group(0) @binding(3) var<storage, read> binned: array<u32>;
@group(0) @binding(4) var<storage, read_write> sorted: array<Candidate>;

${numbers}
${bins}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = global.z * STATE_WORDS;
  let first = global.z * params.capacity;
  let num_candidates = min(state[at + APPENDED], params.capacity);
  for (var slot = global.x; slot < num_candidates; slot += groups.x * WORKGROUP) {
    let mine = candidates[first + binned[first + slot]];
    let my_tie = tie_order(mine.id);
    let bin = bin_of(mine.key, mine.id);
    let start = state[at + STARTS + bin];
    if (start >= state[at + SORTED]) { continue; } // the whole bin lies behind the cut
    let end = min(start + state[at + CURSORS + bin], params.capacity);
    var place = start;
    for (var other = start; other < end; other++) {
      let i = first + binned[first + other];
      let key = candidates[i].key;
      if (key > mine.key || (key == mine.key && tie_order(candidates[i].id) < my_tie)) { place++; }
    }
    if (place < state[at + SORTED]) { sorted[first + place] = mine; }
  }
}
`;
}

// Candidates -> slots of their bins, but for bins behind the cut. Order inside a bin is arbitrary; `rank` makes it total. A fixed number of
// workgroups strides over however many candidates there are; over none where `bins` has sorted them already. Twin: src/cpu/scatter.ts.

import { CANDIDATE, PARAMS, type Sizes, sizesWgsl } from '../src/layout.js';
import { bins } from './shared/bins.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { wgsl } from './wgsl.js';

export function scatterShader(sizes: Sizes): string {
	return wgsl`
${PARAMS.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> candidates: array<Candidate>;
@group(0) @binding(2) var<storage, read_write> state: array<atomic<u32>>;
@group(0) @binding(3) var<storage, read_write> binned: array<Candidate>;

${numbers}
${bins}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = global.z * STATE_WORDS;
  let first = global.z * params.capacity;
  if (atomicLoad(&state[at + BINNED]) == 0u) { return; }
  let num_candidates = min(atomicLoad(&state[at + APPENDED]), params.capacity);
  let sorted = atomicLoad(&state[at + SORTED]);
  for (var i = global.x; i < num_candidates; i += groups.x * WORKGROUP) {
    let bin = bin_of(candidates[first + i].key, candidates[first + i].id);
    let start = atomicLoad(&state[at + STARTS + bin]);
    if (start >= sorted) { continue; }
    let slot = start + atomicAdd(&state[at + CURSORS + bin], 1u);
    if (slot < params.capacity) { binned[first + slot] = candidates[first + i]; }
  }
}
`;
}

// The full bitmask, first half: bit j of row i says that sorted candidate i, if kept, removes the later candidate j.
// One thread per word of 32 pairs. For lists of up to a few thousand; `sweep` reads it. Also the oracle of the blocked form.

import type { OverlapRule } from '../src/boxes/overlap.js';
import { CANDIDATE, PARAMS, type Sizes, sizesWgsl } from '../src/layout.js';
import { lists } from './shared/lists.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlapOf } from './shared/overlap.wgsl.js';
import { wgsl } from './wgsl.js';

export function overlapsShader(sizes: Sizes, limit: number, rule?: OverlapRule): string {
	return wgsl`
${PARAMS.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}
const LIMIT = ${limit}u;
const ROW_OF_BITS = ${Math.ceil(limit / 32)}u; // words per row

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read> sorted: array<Candidate>;
@group(0) @binding(3) var<storage, read_write> overlaps: array<u32>;

${lists}
${numbers}
${overlapOf(rule)}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let image = global.z;
  let first = first_of(image);
  let count = min(state[state_at(image) + LISTED], LIMIT);
  let words = (count + 31u) / 32u;
  for (var task = global.x; task < count * words; task += groups.x * WORKGROUP) {
    let i = task / words;
    let w = task % words;
    var bits = 0u;
    if (w >= i / 32u && params.suppression != 0u) {
      let mine = sorted[first + i];
      for (var b = 0u; b < 32u; b++) {
        let j = w * 32u + b;
        if (j <= i || j >= count) { continue; }
        let other = sorted[first + j];
        if (params.class_agnostic == 0u && other.class_id != mine.class_id) { continue; }
        if (overlaps_more(mine.box, mine.area, other.box, other.area)) { bits |= 1u << b; }
      }
    }
    overlaps[(image * LIMIT + i) * ROW_OF_BITS + w] = bits;
  }
}
`;
}

// Part (a) of suppress for one range of a long list, by many workgroups: each candidate against a share of all
// detections kept so far (workgroup y takes every groups.y-th tile of the kept list). Sets bits in `dead`. Fast NMS takes all
// candidates before the range instead of the kept.

import type { OverlapRule } from '../src/boxes/overlap.js';
import { CANDIDATE, PARAMS, RANGE, type Sizes, sizesWgsl } from '../src/layout.js';
import { lists } from './shared/lists.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlapOf } from './shared/overlap.wgsl.js';
import { wgsl } from './wgsl.js';

export function prefilterShader(sizes: Sizes, rule?: OverlapRule): string {
	return wgsl`
${PARAMS.wgsl}
${RANGE.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}
const BLOCK_WORDS = ${Math.ceil(sizes.block / 32)}u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> range: Range;
@group(0) @binding(2) var<storage, read> sorted: array<Candidate>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
@group(0) @binding(4) var<storage, read> kept: array<u32>;
@group(0) @binding(5) var<storage, read_write> dead: array<atomic<u32>>;

${lists}
${numbers}
${overlapOf(rule)}

// The k-th of those before the range that may suppress it.
fn suppressor(image: u32, k: u32) -> Candidate {
#if ${rule?.fast === true}
  return sorted[first_of(image) + k];
#else
  return sorted[first_of(image) + kept[image * params.rows + k]];
#endif
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  let at = state_at(image);
  let end = min(range.end, min(state[at + LISTED], params.slots * params.capacity));
  let num_kept = state[at + KEPT];
  let place = range.begin + group.x * WORKGROUP + local;
  if (place >= end || num_kept >= min(params.max_detections, params.rows) || params.suppression == 0u) { return; }

  let mine = sorted[first_of(image) + place];
#if ${rule?.fast === true}
  let num_before = range.begin;
#else
  let num_before = num_kept;
#endif
  var alive = true;
  // two loops, since some devices end a single one after 65,535 turns
  for (var k = group.y * WORKGROUP; alive && k < num_before; k += groups.y * WORKGROUP) {
    let last = min(k + WORKGROUP, num_before) - 1u;
    var next = suppressor(image, k);
    var i = k;
    while (alive && i <= last) {
      var other = next;
      var suspect = false;
      for (; !suspect && i <= last; i++) {
        other = next;
        next = suppressor(image, min(i + 1u, last));
        let alike = params.class_agnostic != 0u || other.class_id == mine.class_id;
        suspect = alike && may_overlap_more(other.box, other.area, mine.box, mine.area);
      }
      alive = !(suspect && overlaps_more(other.box, other.area, mine.box, mine.area));
    }
  }
  if (!alive) {
    let bit = place - range.begin;
    atomicOr(&dead[image * BLOCK_WORDS + (bit >> 5u)], 1u << (bit & 31u));
  }
}
`;
}

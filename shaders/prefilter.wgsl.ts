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

var<workgroup> tile: array<Candidate, ${sizes.workgroup}>;
var<workgroup> shared_value: u32;

${lists}
${numbers}
${overlapOf(rule)}

fn share(local: u32, value: u32) -> u32 {
  workgroupBarrier();
  if (local == 0u) { shared_value = value; }
  return workgroupUniformLoad(&shared_value);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  let at = state_at(image);
  let first = first_of(image);
  let end = share(local, min(range.end, min(state[at + LISTED], params.slots * params.capacity)));
  let num_kept = share(local, state[at + KEPT]);
  let begin = range.begin + group.x * WORKGROUP;
  if (begin >= end || num_kept >= min(params.max_detections, params.rows) || params.suppression == 0u) { return; }

  let place = begin + local;
  var alive = place < end;
  var mine: Candidate;
  if (alive) { mine = sorted[first + place]; }
  let was_alive = alive;
#if ${rule?.fast === true}
  let num_before = range.begin;
#else
  let num_before = num_kept;
#endif
  for (var k = group.y * WORKGROUP; k < num_before; k += groups.y * WORKGROUP) {
    workgroupBarrier();
#if ${rule?.fast === true}
    if (k + local < num_before) { tile[local] = sorted[first + k + local]; }
#else
    if (k + local < num_before) { tile[local] = sorted[first + kept[image * params.rows + k + local]]; }
#endif
    workgroupBarrier();
    let tile_size = min(WORKGROUP, num_before - k);
    for (var i = 0u; alive && i < tile_size; i++) {
      if (params.class_agnostic == 0u && tile[i].class_id != mine.class_id) { continue; }
      if (overlaps_more(tile[i].box, tile[i].area, mine.box, mine.area)) { alive = false; }
    }
  }
  if (was_alive && !alive) {
    let bit = place - range.begin;
    atomicOr(&dead[image * BLOCK_WORDS + (bit >> 5u)], 1u << (bit & 31u));
  }
}
`;
}

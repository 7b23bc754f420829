// The full bitmask, second half: one workgroup per image walks the sorted list, 32 candidates at a time. One thread
// decides the 32 in order, by the bits removed so far and their overlaps among themselves; then all threads add the
// rows of the kept to the removed bits of what follows. Writes header and rows.

import { CANDIDATE, PARAMS, type Sizes, sizesWgsl } from '../src/layout.js';
import { lists } from './shared/lists.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { rows } from './shared/rows.wgsl.js';
import { wgsl } from './wgsl.js';

export function sweepShader(sizes: Sizes, limit: number, fast = false): string {
	const words = Math.ceil(limit / 32);
	return wgsl`
${PARAMS.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}
const LIMIT = ${limit}u;
const ROW_OF_BITS = ${words}u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> sorted: array<Candidate>;
@group(0) @binding(2) var<storage, read> overlaps: array<u32>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> output: array<u32>;

var<workgroup> removed: array<u32, ${words}>;
var<workgroup> shared_value: u32;

${lists}
${numbers}
${rows}

// The kept ones of a block of 32, at most room: bit by bit, since an earlier one may remove a later one.
fn decide(block: u32, row: u32, first: u32, size: u32, room: u32) -> u32 {
  var gone = removed[block];
  var keeps = 0u;
  for (var b = 0u; b < size && countOneBits(keeps) < room; b++) {
    if (((gone >> b) & 1u) == 0u && !is_too_small(sorted[first + b].area)) {
      keeps |= 1u << b;
#if ${!fast}
      gone |= overlaps[row + b * ROW_OF_BITS + block];
#endif
    }
#if ${fast}
    gone |= overlaps[row + b * ROW_OF_BITS + block];
#endif
  }
  return keeps;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  let at = state_at(image);
  if (local == 0u) { shared_value = min(state[at + LISTED], LIMIT); }
  let count = workgroupUniformLoad(&shared_value);
  let limit = min(params.max_detections, params.rows);
  var num_kept = 0u;
  let words = (count + 31u) / 32u;
  for (var block = 0u; block < words && num_kept < limit; block++) {
    let row = (image * LIMIT + block * 32u) * ROW_OF_BITS;
    if (local == 0u) { shared_value = decide(block, row, first_of(image) + block * 32u, min(32u, count - block * 32u), limit - num_kept); }
    let keeps = workgroupUniformLoad(&shared_value);
    if (local < 32u && ((keeps >> local) & 1u) != 0u) {
      let before = countOneBits(keeps & ((1u << local) - 1u));
      write_row(image, num_kept + before, sorted[first_of(image) + block * 32u + local]);
    }
#if ${fast}
    let suppressors = 0xffffffffu >> (32u - min(32u, count - block * 32u));
#else
    let suppressors = keeps;
#endif
    for (var w = block + 1u + local; w < words; w += WORKGROUP) {
      var bits = removed[w];
      for (var left = suppressors; left != 0u; left &= left - 1u) { bits |= overlaps[row + firstTrailingBit(left) * ROW_OF_BITS + w]; }
      removed[w] = bits;
    }
    num_kept += countOneBits(keeps);
    workgroupBarrier();
  }
  if (local == 0u) {
    state[at + KEPT] = num_kept;
    write_header(image, num_kept);
  }
}
`;
}

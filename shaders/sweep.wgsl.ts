// The full bitmask, second half: one workgroup per image walks the sorted list; a candidate whose bit is not set is
// kept and its row of overlaps is added to the removed bits. Writes header and rows.

import { CANDIDATE, PARAMS, type Sizes, sizesWgsl } from '../src/layout.js';
import { numbers } from './shared/numbers.wgsl.js';
import { rows } from './shared/rows.wgsl.js';
import { wgsl } from './wgsl.js';

export function sweepShader(sizes: Sizes, limit: number): string {
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

${numbers}
${rows}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  let at = image * STATE_WORDS;
  if (local == 0u) { shared_value = min(state[at + SORTED], LIMIT); }
  let count = workgroupUniformLoad(&shared_value);
  let limit = min(params.max_detections, params.rows);
  var num_kept = 0u;
  for (var i = 0u; i < count && num_kept < limit; i++) {
    let gone = ((workgroupUniformLoad(&removed[i >> 5u]) >> (i & 31u)) & 1u) != 0u;
    if (gone) { continue; }
    if (local == 0u) { write_row(image, num_kept, sorted[image * params.capacity + i]); }
    num_kept++;
    for (var w = (i >> 5u) + local; w < (count + 31u) / 32u; w += WORKGROUP) {
      removed[w] |= overlaps[(image * LIMIT + i) * ROW_OF_BITS + w];
    }
  }
  if (local == 0u) {
    state[at + KEPT] = num_kept;
    write_header(image, num_kept);
  }
}
`;
}

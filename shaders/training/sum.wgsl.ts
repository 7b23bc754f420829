// One level of a sum in fixed order: values [count] -> sums [ceil(count / block)], a workgroup per block, halving it.
// CPU twin: src/training/losses/sum.ts.

import { wgsl } from '../wgsl.js';

/** The shader of a level; `block`, a power of two, is the workgroup as well. */
export function sumShader(block: number): string {
	return wgsl`
struct SumParams {
  count: u32,
  zero: u32,
  unused_0: u32,
  unused_1: u32,
}
@group(0) @binding(0) var<uniform> params: SumParams;
@group(0) @binding(1) var<storage, read> values: array<f32>;
@group(0) @binding(2) var<storage, read_write> sums: array<f32>;

var<workgroup> terms: array<f32, ${block}>;

@compute @workgroup_size(${block})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32, @builtin(num_workgroups) groups: vec3u) {
  let num_blocks = (params.count + ${block - 1}u) / ${block}u;
  for (var b = workgroup.x; b < num_blocks; b += groups.x) {
    let i = b * ${block}u + local;
    var term = 0.0;
    if (i < params.count) { term = values[i]; }
    terms[local] = term;
    workgroupBarrier();
    for (var step = ${block / 2}u; step > 0u; step >>= 1u) {
      if (local < step) { terms[local] = terms[local] + terms[local + step]; }
      workgroupBarrier();
    }
    if (local == 0u) { sums[b] = terms[0]; }
    workgroupBarrier();
  }
}
`;
}

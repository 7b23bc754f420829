// Pairwise overlap: boxes_a [A] and boxes_b [B] -> matrix [A, B], one thread per pair, striding. CPU twin: src/boxes/iou.ts.

import { iouChunk } from './shared/iou.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlapNumbers } from './shared/overlap.wgsl.js';
import { wgsl } from './wgsl.js';

export function pairsShader(kind: Parameters<typeof iouChunk>[0], workgroup: number): string {
	return wgsl`
struct PairParams {
  num_a: u32,
  num_b: u32,
  zero: u32, // see numbers.wgsl
}
@group(0) @binding(0) var<uniform> params: PairParams;
@group(0) @binding(1) var<storage, read> boxes_a: array<vec4f>;
@group(0) @binding(2) var<storage, read> boxes_b: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> matrix: array<f32>;

${numbers}
${overlapNumbers}
${iouChunk(kind)}

@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let num_pairs = params.num_a * params.num_b;
  for (var pair = global.x; pair < num_pairs; pair += groups.x * ${workgroup}u) {
    let a = flush_coordinates(boxes_a[pair / params.num_b]);
    let b = flush_coordinates(boxes_b[pair % params.num_b]);
    matrix[pair] = box_iou(a, b);
  }
}
`;
}

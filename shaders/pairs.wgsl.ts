// Pairwise overlap: boxes_a [A] and boxes_b [B] -> matrix [A, B], one thread per pair, striding. Rotated boxes are five words each.
// CPU twins: src/boxes/iou.ts, src/boxes/rotated.ts.

import type { IouKind } from '../src/boxes/iou.js';
import type { PairKind } from '../src/pipeline.js';
import { iouChunk } from './shared/iou.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { overlapNumbers } from './shared/overlap.wgsl.js';
import { rotatedIouChunk } from './shared/rotated.wgsl.js';
import { wgsl } from './wgsl.js';

const uprightPair = wgsl`
fn overlap_of(i: u32, j: u32) -> f32 {
  return box_iou(flush_coordinates(boxes_a[i]), flush_coordinates(boxes_b[j]));
}
`;

// Flushed on the host.
const rotatedPair = wgsl`
fn overlap_of(i: u32, j: u32) -> f32 {
  let a = vec4f(boxes_a[5u * i], boxes_a[5u * i + 1u], boxes_a[5u * i + 2u], boxes_a[5u * i + 3u]);
  let b = vec4f(boxes_b[5u * j], boxes_b[5u * j + 1u], boxes_b[5u * j + 2u], boxes_b[5u * j + 3u]);
  let angle_a = boxes_a[5u * i + 4u];
  let angle_b = boxes_b[5u * j + 4u];
  if (!(is_usable_box(a) && is_usable_box(b) && is_usable_angle(angle_a) && is_usable_angle(angle_b))) { return bitcast<f32>(params.zero ^ 0x7fc00000u); }
  return rotated_overlap(a, angle_a, b, angle_b);
}
`;

export function pairsShader(kind: PairKind, workgroup: number): string {
	const rotated = kind === 'rotated-iou' ? 'iou' : kind === 'probiou' ? kind : undefined;
	return wgsl`
struct PairParams {
  num_a: u32,
  num_b: u32,
  zero: u32, // see numbers.wgsl
}
@group(0) @binding(0) var<uniform> params: PairParams;
@group(0) @binding(1) var<storage, read> boxes_a: array<${rotated ? 'f32' : 'vec4f'}>;
@group(0) @binding(2) var<storage, read> boxes_b: array<${rotated ? 'f32' : 'vec4f'}>;
@group(0) @binding(3) var<storage, read_write> matrix: array<f32>;

${numbers}
${overlapNumbers}
${rotated ? rotatedIouChunk(rotated) + rotatedPair : iouChunk(kind as IouKind) + uprightPair}

@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let num_pairs = params.num_a * params.num_b;
  for (var pair = global.x; pair < num_pairs; pair += groups.x * ${workgroup}u) {
    matrix[pair] = overlap_of(pair / params.num_b, pair % params.num_b);
  }
}
`;
}

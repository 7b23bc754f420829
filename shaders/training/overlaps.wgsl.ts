// The overlaps of anchors [A] with ground truths [G] without their matrix, in two kernels: the highest IoU of every anchor
// and of every ground truth; then the first anchor that has a ground truth's highest, and which anchors tie with it.
// Every thread has an anchor; ground truths pass by in tiles. Maxima of bits of floats that are not negative, and minima of
// indices, are the same in any order. CPU twin: src/training/matching/overlaps.ts.

import { iouChunk } from '../shared/iou.wgsl.js';
import { numbers } from '../shared/numbers.wgsl.js';
import { overlapNumbers } from '../shared/overlap.wgsl.js';
import { wgsl } from '../wgsl.js';

/** Anchors, and ground truths of a tile, of a workgroup. */
export const WORKGROUP = 64;

const params = wgsl`
struct OverlapParams {
  num_anchors: u32,
  num_ground_truths: u32,
  first_anchor: u32, // the index of anchors[0] among all
  minimum: u32,      // bits of the least maximum whose ties are wanted
  zero: u32,         // see numbers.wgsl
}
@group(0) @binding(0) var<uniform> params: OverlapParams;
@group(0) @binding(1) var<storage, read> anchors: array<vec4f>;       // [A] xyxy, usable and flushed
@group(0) @binding(2) var<storage, read> ground_truths: array<vec4f>; // [G] the same
`;

const arithmetic = wgsl`
${numbers}
${overlapNumbers}
${iouChunk('iou')}

var<workgroup> tile: array<vec4f, ${WORKGROUP}>;
`;

/** max_iou and argmax of every anchor; best of every ground truth, as bits. */
export function overlapMaximaShader(): string {
	return wgsl`
${params}
@group(0) @binding(3) var<storage, read_write> max_iou: array<f32>;      // [A]
@group(0) @binding(4) var<storage, read_write> argmax: array<u32>;       // [A] the first with that IoU
@group(0) @binding(5) var<storage, read_write> best: array<atomic<u32>>; // [G] zero at first
${arithmetic}
var<workgroup> tile_best: array<atomic<u32>, ${WORKGROUP}>;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32, @builtin(num_workgroups) groups: vec3u) {
  for (var first = group.x * ${WORKGROUP}u; first < params.num_anchors; first += groups.x * ${WORKGROUP}u) {
    let a = first + local;
    var anchor = vec4f(0.0); // a thread without an anchor has an empty one
    if (a < params.num_anchors) { anchor = anchors[a]; }
    var most = 0.0;
    var whose = 0u;
    for (var start = 0u; start < params.num_ground_truths; start += ${WORKGROUP}u) {
      let mine = start + local;
      if (mine < params.num_ground_truths) { tile[local] = ground_truths[mine]; }
      atomicStore(&tile_best[local], 0u);
      workgroupBarrier();
      let count = min(${WORKGROUP}u, params.num_ground_truths - start);
      for (var k = 0u; k < count; k++) {
        let iou = box_iou(anchor, tile[k]);
        if (iou > 0.0) { atomicMax(&tile_best[k], bitcast<u32>(iou)); }
        if (iou > most) {
          most = iou;
          whose = start + k;
        }
      }
      workgroupBarrier();
      let found = atomicLoad(&tile_best[local]);
      if (mine < params.num_ground_truths && found > 0u) { atomicMax(&best[mine], found); }
    }
    if (a < params.num_anchors) {
      max_iou[a] = most;
      argmax[a] = whose;
    }
  }
}
`;
}

/** best_anchor of every ground truth; tied of every anchor: the first or last ground truth whose best it has, -1 where there is none. */
export function overlapTiesShader(keep: 'first' | 'last'): string {
	return wgsl`
${params}
@group(0) @binding(3) var<storage, read> max_iou: array<u32>;                   // [A] bits
@group(0) @binding(4) var<storage, read> best: array<u32>;                      // [G] bits
@group(0) @binding(5) var<storage, read_write> best_anchor: array<atomic<u32>>; // [G] 2^32 - 1 at first
@group(0) @binding(6) var<storage, read_write> tied: array<i32>;                // [A]
${arithmetic}
var<workgroup> tile_best: array<u32, ${WORKGROUP}>;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32, @builtin(num_workgroups) groups: vec3u) {
  for (var first = group.x * ${WORKGROUP}u; first < params.num_anchors; first += groups.x * ${WORKGROUP}u) {
    let a = first + local;
    let is_anchor = a < params.num_anchors;
    var anchor = vec4f(0.0);
    var most = 0u;
    if (is_anchor) {
      anchor = anchors[a];
      most = max_iou[a];
    }
    var whose = -1;
    for (var start = 0u; start < params.num_ground_truths; start += ${WORKGROUP}u) {
      let mine = start + local;
      if (mine < params.num_ground_truths) {
        tile[local] = ground_truths[mine];
        tile_best[local] = best[mine];
      }
      workgroupBarrier();
      let count = min(${WORKGROUP}u, params.num_ground_truths - start);
      for (var k = 0u; k < count; k++) {
        // an anchor whose own highest is lower cannot tie
        if (is_anchor && most >= tile_best[k]) {
          if (bitcast<u32>(box_iou(anchor, tile[k])) == tile_best[k]) {
            atomicMin(&best_anchor[start + k], params.first_anchor + a);
#if ${keep === 'last'}
            if (tile_best[k] >= params.minimum) { whose = i32(start + k); }
#else
            if (tile_best[k] >= params.minimum && whose < 0) { whose = i32(start + k); }
#endif
          }
        }
      }
      workgroupBarrier();
    }
    if (is_anchor) { tied[a] = whose; }
  }
}
`;
}

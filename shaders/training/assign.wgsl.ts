// The step of k-means that costs: every point to its nearest centre, the lower one among equals, and the sums of each cluster in
// integers, per workgroup. Twin: src/training/clustering/assign.ts. Host: assign-gpu.ts.

import { division, flushing } from '../shared/functions.wgsl.js';
import { numbers } from '../shared/numbers.wgsl.js';
import { wgsl } from '../wgsl.js';

export const ASSIGN_WORKGROUP = 256;
/** Boxes of a workgroup's rows at most: then its sums fit into 32 bits. */
export const MOST_BOXES_PER_WORKGROUP = 2 ** 19;
/** Words of a cluster's sums: boxes, x low, x high, y low, y high. */
export const SUM_WORDS = 5;

/** points and centres -> assigned, sums [workgroups, clusters * 5 + 1]; the last word counts boxes that moved. `isIou`: 1 - IoU, else the squared distance. */
export const assignShader = (numClusters: number, isIou: boolean) => wgsl`
struct Params {
  zero: u32, // see numbers.wgsl
  num_rows: u32,
  rows_per_workgroup: u32,
  num_alive: u32, // clusters that take part
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> points: array<vec4u>; // x and y as bits of floats, then in whole units
@group(0) @binding(2) var<storage, read> counts: array<u32>; // boxes of each point
@group(0) @binding(3) var<storage, read> centers: array<vec4f>; // x, y, the cluster's number as bits
@group(0) @binding(4) var<storage, read_write> assigned: array<u32>;
@group(0) @binding(5) var<storage, read_write> sums: array<u32>;

${numbers}${division}${flushing}

const NUM_WORDS = ${numClusters * SUM_WORDS + 1}u;
var<workgroup> own: array<atomic<u32>, ${numClusters * SUM_WORDS + 1}>;

#if ${isIou}
// Intersection and union with corners aligned.
fn shares(point: vec2f, center: vec2f) -> vec2f {
  let intersection = fround(min(point.x, center.x) * min(point.y, center.y));
  return vec2f(intersection, fround(fround(fround(point.x * point.y) + fround(center.x * center.y)) - intersection));
}

// Whether the rounded quotient a.x / a.y is higher than b.x / b.y. Products tell, unless the two are within 2^-20 of each other; only then
// is it worth dividing. Sides from 2^-30 to 2^30 keep all of it normal.
fn is_higher(a: vec2f, b: vec2f) -> bool {
  let p = fround(a.x * b.y);
  let q = fround(b.x * a.y);
  let slack = fround(q * 9.5367431640625e-7);
  if (p > fround(q + slack)) { return true; }
  if (p < fround(q - slack)) { return false; }
  return divide32(a.x, a.y) > divide32(b.x, b.y);
}
#else
fn squared_distance(point: vec2f, center: vec2f) -> f32 {
  let dx = fround(point.x - center.x);
  let dy = fround(point.y - center.y);
  return product(dx, dx) + product(dy, dy);
}
#endif

fn nearest(point: vec2f) -> u32 {
  var cluster = bitcast<u32>(centers[0].z);
  #if ${isIou}
  var best = shares(point, centers[0].xy);
  #else
  var best = squared_distance(point, centers[0].xy);
  #endif
  for (var c = 1u; c < params.num_alive; c++) {
    let center = centers[c];
    #if ${isIou}
    let measure = shares(point, center.xy);
    let is_nearer = is_higher(measure, best);
    #else
    let measure = squared_distance(point, center.xy);
    let is_nearer = measure < best;
    #endif
    if (is_nearer) {
      best = measure;
      cluster = bitcast<u32>(center.z);
    }
  }
  return cluster;
}

@compute @workgroup_size(${ASSIGN_WORKGROUP})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  for (var i = thread; i < NUM_WORDS; i += ${ASSIGN_WORKGROUP}u) { atomicStore(&own[i], 0u); }
  workgroupBarrier();
  let end = min(params.num_rows, (workgroup.x + 1u) * params.rows_per_workgroup);
  for (var row = workgroup.x * params.rows_per_workgroup + thread; row < end; row += ${ASSIGN_WORKGROUP}u) {
    let point = points[row];
    let count = counts[row];
    let cluster = nearest(bitcast<vec2f>(point.xy));
    if (assigned[row] != cluster) { atomicAdd(&own[NUM_WORDS - 1u], count); }
    assigned[row] = cluster;
    let at = cluster * ${SUM_WORDS}u;
    atomicAdd(&own[at], count);
    atomicAdd(&own[at + 1u], (point.z & 4095u) * count);
    atomicAdd(&own[at + 2u], (point.z >> 12u) * count);
    atomicAdd(&own[at + 3u], (point.w & 4095u) * count);
    atomicAdd(&own[at + 4u], (point.w >> 12u) * count);
  }
  workgroupBarrier();
  for (var i = thread; i < NUM_WORDS; i += ${ASSIGN_WORKGROUP}u) { sums[workgroup.x * NUM_WORDS + i] = atomicLoad(&own[i]); }
}
`;

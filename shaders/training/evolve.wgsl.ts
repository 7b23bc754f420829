// Genetic evolution of anchors, many mutants at a time. One round is two kernels: `score` sums the fitness of each of the next mutants of
// the parent over chunks of the box sizes; `select` makes the first of them that is strictly better the new parent and goes on after it,
// as if they had been tried one by one. The parent stays on the GPU from round to round.
// Twins: src/training/clustering/metric.ts (the ratio), mutations.ts (a mutant), evolve.ts (the loop). Host: evolve-gpu.ts.

import { division } from '../shared/functions.wgsl.js';
import { numbers } from '../shared/numbers.wgsl.js';
import { wgsl } from '../wgsl.js';

/** Threads of `score`; and of `select`, which has one for each mutant of a round. */
export const SCORE_WORKGROUP = 256;
export const MOST_MUTANTS = 64;
/** Rows of a chunk, and boxes of a row at most: then a chunk's sums fit into 32 bits. */
export const CHUNK = 4096;
export const MOST_BOXES = 256;
/** Rows come four at a time, number by number, so that an anchor is fetched once for all four. */
export const BLOCK = 4;

const shared = (numAnchors: number) => wgsl`
struct Params {
  zero: u32, // see numbers.wgsl
  num_blocks: u32,
  num_chunks: u32,
  num_mutants: u32, // of a round
  first_generation: u32, // whose factors come first
  generations: u32,
  first_round: u32, // of this submit
  min_size: f32,
  threshold: f32,
}

// a sum of steps of 2^-23, in two words
struct Sum {
  low: u32,
  high: u32,
}

struct State {
  generation: u32, // the next to be tried
  round: u32,
  best: Sum, // of the parent
  parent: array<f32, ${2 * numAnchors}>,
}

fn side_of_mutant(parent: f32, factor: f32) -> f32 {
  return min(1073741824.0, max(max(params.min_size, 9.313225746154785e-10), fround(parent * factor)));
}
`;

/** rows x mutants -> partial sums [mutants, chunks]; one workgroup for each. */
export const scoreShader = (numAnchors: number) => wgsl`
${shared(numAnchors)}
struct Block { // of four rows
  widths: vec4f,
  heights: vec4f,
  in_widths: vec4f, // 1 / width
  in_heights: vec4f,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> rows: array<Block>;
@group(0) @binding(2) var<storage, read> counts: array<vec4u>; // boxes of each row; 0 where a block is not full
@group(0) @binding(3) var<storage, read> factors: array<f32>; // [generations from first_generation on, anchors, 2]
@group(0) @binding(4) var<storage, read> state: State;
@group(0) @binding(5) var<storage, read_write> partials: array<vec2u>; // low and high 12 bits' sums

${numbers}${division}

var<workgroup> anchors: array<vec4f, ${numAnchors}>; // w, h, 1/w, 1/h
var<workgroup> lows: array<u32, ${SCORE_WORKGROUP}>;
var<workgroup> highs: array<u32, ${SCORE_WORKGROUP}>;

fn steps_of(block: Block) -> vec4u {
  var best = vec4f(0.0);
  for (var k = 0u; k < ${numAnchors}u; k++) {
    let anchor = anchors[k];
    let across = min(block.widths * anchor.z, block.in_widths * anchor.x);
    let down = min(block.heights * anchor.w, block.in_heights * anchor.y);
    best = max(best, min(across, down));
  }
  let steps = best * 8388608.0; // exact
  return select(vec4u(0u), vec4u(steps + 0.5), best > vec4f(params.threshold));
}

fn sum_of(x: vec4u) -> u32 {
  return x.x + x.y + x.z + x.w;
}

@compute @workgroup_size(${SCORE_WORKGROUP})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) thread: u32) {
  let mutant = workgroup.x / params.num_chunks;
  let chunk = workgroup.x % params.num_chunks;
  let generation = state.generation + mutant;
  if (generation < params.generations) {
    let first_factor = (generation - params.first_generation) * ${2 * numAnchors}u;
    for (var k = thread; k < ${numAnchors}u; k += ${SCORE_WORKGROUP}u) {
      let width = side_of_mutant(state.parent[2u * k], factors[first_factor + 2u * k]);
      let height = side_of_mutant(state.parent[2u * k + 1u], factors[first_factor + 2u * k + 1u]);
      anchors[k] = vec4f(width, height, divide32(1.0, width), divide32(1.0, height));
    }
    workgroupBarrier();
    var low = 0u;
    var high = 0u;
    let end = min(params.num_blocks, (chunk + 1u) * ${CHUNK / BLOCK}u);
    for (var i = chunk * ${CHUNK / BLOCK}u + thread; i < end; i += ${SCORE_WORKGROUP}u) {
      let steps = steps_of(rows[i]);
      low += sum_of((steps & vec4u(4095u)) * counts[i]);
      high += sum_of((steps >> vec4u(12u)) * counts[i]);
    }
    lows[thread] = low;
    highs[thread] = high;
    for (var half = ${SCORE_WORKGROUP / 2}u; half > 0u; half /= 2u) {
      workgroupBarrier();
      if (thread < half) {
        lows[thread] += lows[thread + half];
        highs[thread] += highs[thread + half];
      }
    }
    if (thread == 0u) { partials[workgroup.x] = vec2u(lows[0], highs[0]); }
  }
}
`;

/** partial sums -> the new state, and a record of the round. One workgroup. */
export const selectShader = (numAnchors: number) => wgsl`
${shared(numAnchors)}
struct Record {
  generation: u32, // of the mutant that was accepted; 0xffffffff: none was
  low: u32,
  high: u32,
  anchors: array<f32, ${2 * numAnchors}>,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> factors: array<f32>;
@group(0) @binding(2) var<storage, read> partials: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> state: State;
@group(0) @binding(4) var<storage, read_write> records: array<Record>;

fn fround(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) ^ params.zero);
}

var<workgroup> is_better: array<u32, ${MOST_MUTANTS}>;
var<workgroup> sums: array<Sum, ${MOST_MUTANTS}>;
var<workgroup> chosen: u32;

fn sum_of(mutant: u32) -> Sum {
  var sum = Sum(0u, 0u);
  for (var chunk = 0u; chunk < params.num_chunks; chunk++) {
    let partial = partials[mutant * params.num_chunks + chunk];
    // partial.y * 4096 + partial.x in 64 bits
    let shifted = partial.y << 12u;
    let word = shifted + partial.x;
    sum.high += (partial.y >> 20u) + select(0u, 1u, word < shifted);
    let low = sum.low + word;
    sum.high += select(0u, 1u, low < word);
    sum.low = low;
  }
  return sum;
}

@compute @workgroup_size(${MOST_MUTANTS})
fn main(@builtin(local_invocation_index) mutant: u32) {
  let generation = state.generation;
  let left = params.generations - min(generation, params.generations);
  let tried = min(params.num_mutants, left);
  is_better[mutant] = 0u;
  if (mutant < tried) {
    let sum = sum_of(mutant);
    sums[mutant] = sum;
    is_better[mutant] = select(0u, 1u, sum.high > state.best.high || (sum.high == state.best.high && sum.low > state.best.low));
  }
  workgroupBarrier();
  if (mutant == 0u) {
    var first = 0u;
    while (first < tried && is_better[first] == 0u) { first++; }
    chosen = first;
  }
  let first = workgroupUniformLoad(&chosen);
  let record = state.round - params.first_round;
  // everybody has read the state
  workgroupBarrier();
  if (first < tried) {
    let first_factor = (generation + first - params.first_generation) * ${2 * numAnchors}u;
    for (var i = mutant; i < ${2 * numAnchors}u; i += ${MOST_MUTANTS}u) {
      let side = side_of_mutant(state.parent[i], factors[first_factor + i]);
      state.parent[i] = side;
      records[record].anchors[i] = side;
    }
  }
  if (mutant == 0u) {
    records[record].generation = select(0xffffffffu, generation + first, first < tried);
    if (first < tried) {
      records[record].low = sums[first].low;
      records[record].high = sums[first].high;
      state.best = sums[first];
    }
    state.generation = generation + min(first + 1u, tried);
    state.round++;
  }
}
`;

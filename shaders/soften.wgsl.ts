// Soft suppression: one workgroup per image finds one detection after the other, and after each lets the scores decay of what it overlaps.
//
//   sorted    ■ ■ ■ ■ ■ ■ ■ ■ | □ □ □ □ □ □ □      by the score as it came, which is a bound of the decayed one
//             admitted:         not yet worth
//             up to date        a look
//
//   (a) admit the next of the list, against all detections so far, while one of them may be the best
//   (b) the best of the admitted is a detection: by decayed score, then by tie order
//   (c) the scores of the other admitted ones decay by their overlap with it; those that no longer pass are dropped
//
// A dispatch finds the detections of a range; how far it came stands in the state. Thread i has the rows i, i + WORKGROUP, ... of the list.
// Twin: src/cpu/soften.ts.

import { KEY_SLACK, type SoftRule } from '../src/boxes/decay.js';
import type { OverlapRule } from '../src/boxes/overlap.js';
import { CANDIDATE, PARAMS, RANGE, type Sizes, sizesWgsl } from '../src/layout.js';
import { bins } from './shared/bins.wgsl.js';
import { decay } from './shared/decay.wgsl.js';
import { squareRoot } from './shared/functions.wgsl.js';
import { lists } from './shared/lists.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { rows } from './shared/rows.wgsl.js';
import { wgsl } from './wgsl.js';

export function softenShader(sizes: Sizes, soft: SoftRule = { method: 'gaussian', removal: false }, rule?: OverlapRule): string {
	return wgsl`
${PARAMS.wgsl}
${RANGE.wgsl}
${CANDIDATE.wgsl}
${sizesWgsl(sizes)}
const KEY_SLACK = ${KEY_SLACK}u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> range: Range;
@group(0) @binding(2) var<storage, read> sorted: array<Candidate>;
@group(0) @binding(3) var<storage, read_write> state: array<u32>;
@group(0) @binding(4) var<storage, read_write> kept: array<u32>;       // places in sorted, [rows] per image
@group(0) @binding(5) var<storage, read_write> score_keys: array<u32>; // of the admitted, by place; 0: kept or dropped
@group(0) @binding(6) var<storage, read_write> output: array<u32>;     // header and rows

struct Best { key: u32, tie: u32, place: u32 }

var<workgroup> bests: array<Best, ${sizes.workgroup}>;
var<workgroup> shared_value: u32;

${lists}
${numbers}
${bins}
${squareRoot}
${decay(soft, rule)}
${rows}

fn share(local: u32, value: u32) -> u32 {
  workgroupBarrier();
  if (local == 0u) { shared_value = value; }
  return workgroupUniformLoad(&shared_value);
}

fn better(a: Best, b: Best) -> Best {
  if (b.key > a.key || (b.key == a.key && b.tie < a.tie)) { return b; }
  return a;
}

// The best of all threads, the same in every thread.
fn best_of_all(local: u32, mine: Best) -> Best {
  workgroupBarrier();
  bests[local] = mine;
  workgroupBarrier();
  for (var half = WORKGROUP / 2u; half > 0u; half /= 2u) {
    if (local < half) { bests[local] = better(bests[local], bests[local + half]); }
    workgroupBarrier();
  }
  let key = share(local, bests[0].key);
  let place = share(local, bests[0].place);
  return Best(key, 0u, place);
}

// The key of the score that a candidate's key stands for.
fn score_key_of(key: u32) -> u32 {
  if (params.score_map == 1u) { return key_of_bits(bitcast<u32>(sigmoid32(score_of_key(key)))); }
  if (params.score_map == 2u) { return key_of_bits(bitcast<u32>(sqrt32(score_of_key(key)))); }
  return key;
}

// What is left of the score of one candidate beside another that is kept; 0 when it is dropped.
fn beside(other: Candidate, candidate: Candidate, key: u32) -> u32 {
  if (params.class_agnostic == 0u && other.class_id != candidate.class_id) { return key; }
  let next = decayed_key(key, overlap_of(other.box, other.area, candidate.box, candidate.area));
  return select(next, 0u, next != key && next < params.min_score_key);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
  let image = group.z;
  let at = state_at(image);
  let first = first_of(image);
  let kept_at = image * params.rows;
  let count = share(local, min(state[at + LISTED], params.slots * params.capacity));
  let last = min(range.end, min(params.max_detections, params.rows));
  var num_kept = share(local, state[at + KEPT]);
  var admitted = share(local, state[at + ADMITTED]);

  var mine = Best(0u, 0xffffffffu, 0u);
  for (var place = local; place < admitted && num_kept < last; place += WORKGROUP) {
    mine = better(mine, Best(score_keys[first + place], tie_order(sorted[first + place].id), place));
  }
  var best = best_of_all(local, mine);
  while (num_kept < last) {
    // (a) admit
    while (admitted < count && score_key_of(sorted[first + admitted].key) + KEY_SLACK >= best.key) {
      let place = admitted + local;
      if (place < count) {
        let candidate = sorted[first + place];
        var key = select(score_key_of(candidate.key), 0u, is_too_small(candidate.area));
        for (var k = 0u; k < num_kept && key != 0u; k++) { key = beside(sorted[first + kept[kept_at + k]], candidate, key); }
        score_keys[first + place] = key;
        mine = better(mine, Best(key, tie_order(candidate.id), place));
      }
      admitted = min(count, admitted + WORKGROUP);
      best = best_of_all(local, mine);
    }
    if (best.key == 0u) { break; }

    // (b) the best is a detection
    let chosen = sorted[first + best.place];
    if (local == 0u) {
      kept[kept_at + num_kept] = best.place;
      write_row_of(image, num_kept, chosen, best.key, score_of_key(best.key));
    }
    num_kept++;
    storageBarrier();

    // (c) the others decay
    mine = Best(0u, 0xffffffffu, 0u);
    for (var place = local; place < admitted; place += WORKGROUP) {
      let key = score_keys[first + place];
      if (key == 0u) { continue; }
      let candidate = sorted[first + place];
      var next = 0u;
      if (place != best.place) { next = beside(chosen, candidate, key); }
      if (next != key) { score_keys[first + place] = next; }
      mine = better(mine, Best(next, tie_order(candidate.id), place));
    }
    best = best_of_all(local, mine);
  }

  if (local == 0u) {
    state[at + KEPT] = num_kept;
    state[at + ADMITTED] = admitted;
    write_header(image, num_kept);
  }
}
`;
}

// The result's header, and a kept candidate as a row of it: box in network-input pixels or mapped to the frame and clipped, score,
// class, anchor. Twin: writeRow in src/cpu/suppress.ts. Needs `params`, `output`,
// `state` of plain words, lists.wgsl, numbers.wgsl.

import { HEADER, ROW, ROW_WORDS } from '../../src/layout.js';
import { wgsl } from '../wgsl.js';

export const rows = wgsl`
fn to_frame(box: vec4f) -> vec4f {
  if (params.transform == 0u) { return box; }
  let pad = vec4f(params.pad_x, params.pad_y, params.pad_x, params.pad_y);
  let gain = vec4f(params.gain_x, params.gain_y, params.gain_x, params.gain_y);
  let size = vec4f(params.frame_width, params.frame_height, params.frame_width, params.frame_height);
  let mapped = (box - pad) / gain;
  if (params.transform == 2u || params.rotated != 0u) { return mapped; } // a turned box is not clipped by its sides
  return clamp(mapped, vec4f(0.0), size);
}

fn write_row(image: u32, row: u32, candidate: Candidate) {
  var score = score_of_key(candidate.key);
  if (params.score_map == 1u) { score = sigmoid32(score); }
  if (params.score_map == 2u) { score = sqrt(max(score, 0.0)); }
  write_row_of(image, row, candidate, candidate.key, score);
}

// With a key and a score of its own.
fn write_row_of(image: u32, row: u32, candidate: Candidate, key: u32, score: f32) {
  let at = image * (HEADER_WORDS + params.rows * params.row_words) + HEADER_WORDS + row * params.row_words;
  let box = bitcast<vec4u>(to_frame(candidate.box));
  output[at] = box.x;
  output[at + 1u] = box.y;
  output[at + 2u] = box.z;
  output[at + 3u] = box.w;
  if (params.rotated != 0u) { output[at + ${ROW_WORDS}u] = bitcast<u32>(candidate.area); }
  output[at + ${ROW.words.score}u] = bitcast<u32>(score);
  output[at + ${ROW.words.class_id}u] = candidate.class_id;
  output[at + ${ROW.words.index}u] = select(candidate.id, candidate.id / max(1u, params.num_classes), params.multi_label != 0u);
  output[at + ${ROW.words.key}u] = key;
}

fn write_header(image: u32, num_kept: u32) {
  var passed = 0u;
  var rejected = 0u;
  for (var slot = 0u; slot < params.slots; slot++) {
    passed += state[state_at(image) + slot * STATE_WORDS + PASSED];
    rejected += state[state_at(image) + slot * STATE_WORDS + REJECTED];
  }
  let header = image * (HEADER_WORDS + params.rows * params.row_words);
  output[header + ${HEADER.words.count}u] = num_kept;
  output[header + ${HEADER.words.num_candidates}u] = passed;
  output[header + ${HEADER.words.truncated}u] = passed - state[state_at(image) + LISTED];
  output[header + ${HEADER.words.rejected}u] = rejected;
  output[header + ${HEADER.words.serial}u] = params.serial;
}
`;

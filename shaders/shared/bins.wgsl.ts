// The histogram bin of a candidate, the order among equal scores, and access to one image's state.
// Twin of binOf and tieOrder in src/cpu. Integer or exact float steps only: every pipeline must find the same bin.

import { wgsl } from '../wgsl.js';

export const bins = wgsl`
// Ascending is better.
fn tie_order(id: u32) -> u32 {
  return select(id, params.last_id - id, params.tie_mask != 0u);
}

fn bin_of(key: u32, id: u32) -> u32 {
  if (params.bin_mode == 2u) { return NUM_BINS - 1u - min(NUM_BINS - 1u, tie_order(id) / params.bin_width); }
  if (params.bin_mode == 0u) {
    if (key < params.bin_low) { return 0u; }
    return min(NUM_BINS - 1u, (key - params.bin_low) / params.bin_width);
  }
  let x = clamp(score_of_key(key), -65536.0, 65536.0);
  let step = i32(floor(x * f32(params.bin_width))) - bitcast<i32>(params.bin_low);
  return u32(clamp(step, 0, i32(NUM_BINS) - 1));
}
`;

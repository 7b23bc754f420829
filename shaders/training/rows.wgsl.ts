// The formulas over a row of logits that a softmax joins. Twins, step by step: src/training/losses/rows.ts.

import { wgsl } from '../wgsl.js';

export type RowKind = 'classes' | 'bins';

const softmax = wgsl`
// Writes the softmax of the row that begins at a word; the largest logit, and the logarithm of the sum of exponentials.
fn softmax_at(start: u32) -> vec2f {
  var largest = flush(predictions[start]);
  for (var c = 1u; c < params.width; c++) { largest = max(largest, flush(predictions[start + c])); }
  var total = 0.0;
  for (var c = 0u; c < params.width; c++) {
    let e = exp32(fround(flush(predictions[start + c]) - largest));
    gradients[start + c] = e;
    total = fround(total + e);
  }
  let inverse = reciprocal32(total);
  for (var c = 0u; c < params.width; c++) { gradients[start + c] = product(gradients[start + c], inverse); }
  return vec2f(largest, log32(total));
}

// -log of a probability
fn cost_of(word: u32, row: vec2f) -> f32 {
  return sum(difference(row.x, flush(predictions[word])), row.y);
}
`;

const classes = wgsl`
fn factor_of(c: u32) -> f32 {
  return factors[c % params.num_factors];
}

fn loss_of(i: u32) -> f32 {
  let start = i * params.width;
  if (targets[i] < 0.0) {
    for (var c = 0u; c < params.width; c++) { gradients[start + c] = 0.0; }
    return 0.0;
  }
  let wanted = u32(targets[i]);
  let row = softmax_at(start);
  let own = product(constant(0u), factor_of(wanted));
  var loss = product(own, cost_of(start + wanted, row));
  if (constant(1u) > 0.0) {
    var all = 0.0;
    for (var c = 0u; c < params.width; c++) { all = sum(all, product(factor_of(c), cost_of(start + c, row))); }
    loss = sum(loss, product(constant(1u), all));
  }
  let total = sum(own, product(constant(1u), constant(2u)));
  for (var c = 0u; c < params.width; c++) {
    let smoothed = difference(product(gradients[start + c], total), product(constant(1u), factor_of(c)));
    gradients[start + c] = select(smoothed, difference(smoothed, own), c == wanted);
  }
  return loss;
}
`;

const bins = wgsl`
fn loss_of(i: u32) -> f32 {
  let start = i * params.width;
  let place = flush(targets[i]);
  let left = u32(place);
  let right = min(left + 1u, params.width - 1u);
  let right_share = flush(place - f32(left));
  let left_share = fround(1.0 - right_share);
  let row = softmax_at(start);
  let total = sum(left_share, right_share);
  for (var c = 0u; c < params.width; c++) {
    let share = sum(select(0.0, left_share, c == left), select(0.0, right_share, c == right));
    gradients[start + c] = difference(product(gradients[start + c], total), share);
  }
  return sum(product(left_share, cost_of(start + left, row)), product(right_share, cost_of(start + right, row)));
}
`;

/** fn loss_of(i). */
export function rowFormula(kind: RowKind): string {
	return softmax + (kind === 'classes' ? classes : bins);
}

// The formulas of one prediction and one target each, with their slopes. Twins, step by step: src/training/losses/elements.ts.

import { wgsl, wgslFloat } from '../wgsl.js';

/** What each says of x and t is at its twin. */
export type ElementKind = 'bce' | 'smooth-l1' | 'l2' | 'focal' | 'focal-probabilities' | 'varifocal' | 'quality' | 'gaussian';

const FORMULAS: Readonly<Record<ElementKind, string>> = {
	bce: wgsl`
  let smoothed = sum(product(t, constant(0u)), constant(1u));
  let positive = product(smoothed, factors[i % params.num_factors]);
  let negative = fround(1.0 - smoothed);
  gradients[i] = difference(product(negative, sigmoid32(x)), product(positive, sigmoid32(-x)));
  return sum(product(negative, softplus32(x)), product(positive, softplus32(-x)));
`,
	'smooth-l1': wgsl`
  let d = difference(x, t);
  let beta = constant(0u);
  if (abs(d) < beta) {
    gradients[i] = signed_ratio(d, beta);
    return signed_ratio(product(product(0.5, d), d), beta);
  }
  gradients[i] = sign_of(d);
  return difference(abs(d), product(0.5, beta));
`,
	l2: wgsl`
  let d = difference(x, t);
  gradients[i] = product(2.0, d);
  return product(d, d);
`,
	focal: wgsl`
  let p = sigmoid32(x);
  let q = sigmoid32(-x);
  let rest = fround(1.0 - t);
  let missing = sum(product(p, rest), product(q, t));
  let entropy = cross_entropy_of(x, t);
  let balance = sum(product(constant(0u), t), product(constant(1u), rest));
  let modulation = power(missing, constant(2u));
  let slope = product(product(constant(2u), power(missing, constant(3u))), product(product(p, q), difference(rest, t)));
  gradients[i] = product(balance, sum(product(modulation, error_of(p, q, t)), product(slope, entropy)));
  return product(balance, product(modulation, entropy));
`,
	'focal-probabilities': wgsl`
  let is_positive = t > constant(4u);
  let clipped = clamp(x, ${wgslFloat(1e-7)}, ${wgslFloat(1 - 1e-7)});
  let rest = fround(1.0 - clipped);
  let negative = fround(1.0 - t);
  let entropy = difference(0.0, sum(product(t, log32(clipped)), product(negative, log32(rest))));
  var slope = 0.0;
  if (clipped == x) { slope = difference(signed_ratio(negative, rest), signed_ratio(t, clipped)); }
  let missing = select(x, fround(1.0 - x), is_positive);
  let balance = select(constant(1u), constant(0u), is_positive);
  let modulation = power(missing, constant(2u));
  let change = product(product(constant(2u), power(missing, constant(3u))), select(1.0, -1.0, is_positive));
  gradients[i] = product(balance, sum(product(modulation, slope), product(change, entropy)));
  return product(balance, product(modulation, entropy));
`,
	varifocal: wgsl`
  let p = sigmoid32(x);
  let q = sigmoid32(-x);
  if (t > 0.0) {
    let weight = select(1.0, t, constant(2u) > 0.0);
    gradients[i] = product(weight, error_of(p, q, t));
    return product(weight, cross_entropy_of(x, t));
  }
  let modulation = product(constant(0u), power(p, constant(1u)));
  let entropy = softplus32(x);
  gradients[i] = product(modulation, sum(p, product(product(constant(1u), q), entropy)));
  return product(modulation, entropy);
`,
	quality: wgsl`
  let p = sigmoid32(x);
  let q = sigmoid32(-x);
  let error = error_of(p, q, t);
  let entropy = cross_entropy_of(x, t);
  let modulation = power(abs(error), constant(0u));
  let slope = product(product(constant(0u), power(abs(error), constant(1u))), product(sign_of(error), product(p, q)));
  gradients[i] = sum(product(modulation, error), product(slope, entropy));
  return product(modulation, entropy);
`,
	gaussian: wgsl`
  let p = sigmoid32(x);
  let q = sigmoid32(-x);
  if (t == 1.0) {
    let modulation = power(q, constant(0u));
    let entropy = softplus32(-x);
    gradients[i] = difference(0.0, product(modulation, sum(q, product(product(constant(0u), p), entropy))));
    return product(modulation, entropy);
  }
  let modulation = product(power(fround(1.0 - t), constant(1u)), power(p, constant(0u)));
  let entropy = softplus32(x);
  gradients[i] = product(modulation, sum(p, product(product(constant(0u), q), entropy)));
  return product(modulation, entropy);
`,
};

/** fn loss_of(i). */
export function elementFormula(kind: ElementKind): string {
	return wgsl`
fn loss_of(i: u32) -> f32 {
  let x = flush(predictions[i]);
  let t = flush(targets[i]);
  ${FORMULAS[kind]}
}
`;
}

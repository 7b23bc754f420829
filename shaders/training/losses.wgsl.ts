// A loss per item and its gradients: predictions [count, width], targets, weights -> losses [count], gradients [count,
// width]. One thread per item, striding; the formula is the variant. CPU twin: src/training/losses/loss.ts.

import { division, flushing, logarithm, softplus } from '../shared/functions.wgsl.js';
import { numbers } from '../shared/numbers.wgsl.js';
import { wgsl } from '../wgsl.js';
import { type BoxShaderKind, boxFormula } from './box.wgsl.js';
import { type ElementKind, elementFormula } from './elements.wgsl.js';
import { type RowKind, rowFormula } from './rows.wgsl.js';

/** Every formula; each chunk has fn loss_of(i), which writes the gradients of item i, unweighted. */
export type LossShaderKind = ElementKind | RowKind | BoxShaderKind;

const arithmetic = wgsl`
// x / y for a y that is not negative; 0 where y is 0
fn signed_ratio(x: f32, y: f32) -> f32 {
  if (y < MIN_NORMAL) { return 0.0; }
  let quotient = divide32(abs(x), y);
  return flush(select(quotient, -quotient, x < 0.0));
}

fn sign_of(x: f32) -> f32 {
  return select(select(0.0, -1.0, x < 0.0), 1.0, x > 0.0);
}

fn power(base: f32, exponent: f32) -> f32 {
  if (exponent == 0.0) { return 1.0; }
  if (exponent == 1.0) { return base; }
  if (exponent == 2.0) { return product(base, base); }
  if (!(base >= MIN_NORMAL)) { return 0.0; }
  return exp32(product(exponent, log32(base)));
}

// the binary cross-entropy of a logit with a target from 0 to 1
fn cross_entropy_of(x: f32, t: f32) -> f32 {
  return sum(product(fround(1.0 - t), softplus32(x)), product(t, softplus32(-x)));
}

// sigmoid(x) - t
fn error_of(p: f32, q: f32, t: f32) -> f32 {
  return difference(product(p, fround(1.0 - t)), product(q, t));
}

fn constant(i: u32) -> f32 {
  return params.constants[i / 4u][i % 4u];
}
`;

function formulaOf(kind: LossShaderKind): string {
	if (kind === 'classes' || kind === 'bins') return rowFormula(kind);
	return kind.startsWith('box-') ? boxFormula(kind as BoxShaderKind) : elementFormula(kind as ElementKind);
}

/** The shader of one formula: losses and gradients, weighted. */
export function lossesShader(kind: LossShaderKind, workgroup: number): string {
	return wgsl`
struct LossParams {
  count: u32,
  width: u32,
  num_weights: u32,
  num_factors: u32,
  scale: f32, // of the gradients
  zero: u32, // see numbers.wgsl
  unused_0: u32,
  unused_1: u32,
  constants: array<vec4f, 4>,
}
@group(0) @binding(0) var<uniform> params: LossParams;
@group(0) @binding(1) var<storage, read> predictions: array<f32>;
@group(0) @binding(2) var<storage, read> targets: array<f32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read> factors: array<f32>;
@group(0) @binding(5) var<storage, read_write> losses: array<f32>;
@group(0) @binding(6) var<storage, read_write> gradients: array<f32>;

${numbers}
${division}
${flushing}
${logarithm}
${softplus}
${arithmetic}
${formulaOf(kind)}

@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = global.x; i < params.count; i += groups.x * ${workgroup}u) {
    let weight = weights[i % params.num_weights];
    losses[i] = product(loss_of(i), weight);
    let factor = product(weight, params.scale);
    for (var k = i * params.width; k < (i + 1u) * params.width; k++) { gradients[k] = product(gradients[k], factor); }
  }
}
`;
}

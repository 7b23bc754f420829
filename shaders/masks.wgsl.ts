// Masks in two passes. First: coefficients [N, M] x prototypes [M, h, w] -> logits, only of the prototypes that each
// detection needs (its region), laid end to end. Second: regions resized to the output, held against the threshold,
// packed into words. CPU twin: src/masks/cpu.ts. Who decides what lies where: src/masks/regions.ts.

import { TINY } from '../src/masks/job.js';
import { halfToFloatBits, reader } from './shared/elements.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { wgsl, wgslFloat } from './wgsl.js';

/** Fields of the uniform that both passes take, all u32. */
export const MASK_PARAMS = [
	'num_masks',
	'num_prototypes',
	'channel_stride',
	'row_stride',
	'column_stride',
	'skip', // elements before the first prototype
	'height', // of the output
	'width',
	'num_words', // of the output
	'words_per_row', // labels only
	'first_label', // the label of mask 0
	'min_key', // smallest key of a logit inside a mask
	'zero', // see numbers.wgsl
] as const;

const head = wgsl`
struct MaskParams {
  ${MASK_PARAMS.map((name) => `${name}: u32,`).join('\n  ')}
}
// Half-open output pixels x1, y1, x2, y2; prototypes x, y, width, height; where in logits they begin.
struct Region {
  pixels: vec4u,
  prototypes: vec4u,
  first: vec4u,
}
@group(0) @binding(0) var<uniform> params: MaskParams;
@group(0) @binding(1) var<storage, read> regions: array<Region>;
`;

/** First pass: one thread per prototype of a region, one row of workgroups per detection. */
export function maskLogitsShader(isHalf: boolean, workgroup: number): string {
	return wgsl`
${head}
@group(0) @binding(2) var<storage, read> coefficients: array<f32>;
@group(0) @binding(3) var<storage, read> prototypes: array<u32>;
@group(0) @binding(4) var<storage, read_write> logits: array<f32>;

${numbers}
#if ${isHalf}
${halfToFloatBits}
#endif
${reader('prototypes', isHalf)}
fn prototype_at(i: u32) -> f32 {
  let bits = prototypes_bits(i);
  // below this there would be denormals, which devices may flush; the bits of magnitudes are in their order
  return bitcast<f32>(select(bits, 0u, (bits & 0x7fffffffu) < bitcast<u32>(${wgslFloat(TINY)})));
}

@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let region = regions[global.y];
  let area = region.prototypes.z * region.prototypes.w;
  for (var k = global.x; k < area; k += groups.x * ${workgroup}u) {
    let x = region.prototypes.x + k % region.prototypes.z;
    let y = region.prototypes.y + k / region.prototypes.z;
    let at = params.skip + y * params.row_stride + x * params.column_stride;
    var sum = 0.0;
    for (var m = 0u; m < params.num_prototypes; m++) {
      let product = fround(coefficients[global.y * params.num_prototypes + m] * prototype_at(at + m * params.channel_stride));
      sum = fround(sum + product);
    }
    logits[region.first.x + k] = sum;
  }
}
`;
}

const pixel = wgsl`
@group(0) @binding(2) var<storage, read> logits: array<f32>;
// Prototype and weight (as bits) of each output column, then of each row.
@group(0) @binding(3) var<storage, read> taps: array<vec2u>;
@group(0) @binding(4) var<storage, read_write> masks: array<u32>;

${numbers}
const OUTSIDE = 0xff800000u;

// 0 outside of the region. Below its start x - region.x wraps around to a large number.
fn tap(i: u32, x: u32, y: u32) -> f32 {
  let region = regions[i].prototypes;
  let column = x - region.x;
  let row = y - region.y;
  if (column >= region.z || row >= region.w) { return 0.0; }
  return logits[regions[i].first.x + row * region.z + column];
}

fn between(a: f32, b: f32, weight: f32) -> f32 {
  return fround(fround((1.0 - weight) * a) + fround(weight * b));
}

// Along x, in a row of prototypes; with weight 0 the next one is not looked at, be it NaN.
fn stretched(i: u32, column: vec2u, y: u32) -> f32 {
  let a = tap(i, column.x, y);
  if (column.y == 0u) { return a; }
  return between(a, tap(i, column.x + 1u, y), bitcast<f32>(column.y));
}

// The bits of a logit; -Infinity outside of the crop.
fn logit_at(i: u32, x: u32, y: u32) -> u32 {
  let pixels = regions[i].pixels;
  if (x < pixels.x || y < pixels.y || x >= pixels.z || y >= pixels.w) { return OUTSIDE; }
  let column = taps[x];
  let row = taps[params.width + y];
  let a = stretched(i, column, row.x);
  if (row.y == 0u) { return bitcast<u32>(a); }
  return bitcast<u32>(between(a, stretched(i, column, row.x + 1u), bitcast<f32>(row.y)));
}

fn is_covered(i: u32, x: u32, y: u32) -> bool {
  let bits = logit_at(i, x, y);
  return !is_nan_bits(bits) && key_of_bits(bits) >= params.min_key;
}
`;

const BYTES = wgsl`
// Four pixels; the words run over rows and masks.
fn word_at(word: u32) -> u32 {
  let area = params.height * params.width;
  var packed = 0u;
  for (var k = 0u; k < 4u; k++) {
    let at = word * 4u + k;
    let i = at / area;
    if (i >= params.num_masks) { break; }
    let inside = at % area;
    if (is_covered(i, inside % params.width, inside / params.width)) { packed |= 1u << (8u * k); }
  }
  return packed;
}
`;

const LOGITS = wgsl`
fn word_at(word: u32) -> u32 {
  let area = params.height * params.width;
  let inside = word % area;
  return logit_at(word / area, inside % params.width, inside / params.width);
}
`;

const LABELS = wgsl`
fn label_at(x: u32, y: u32) -> u32 {
  for (var i = 0u; i < params.num_masks; i++) {
    if (is_covered(i, x, y)) { return params.first_label + i; }
  }
  return 0u;
}

// Two pixels; rows are padded. What an earlier part of the detections has covered stays.
fn word_at(word: u32) -> u32 {
  let y = word / params.words_per_row;
  var packed = masks[word];
  for (var k = 0u; k < 2u; k++) {
    let x = (word % params.words_per_row) * 2u + k;
    let is_free = ((packed >> (16u * k)) & 0xffffu) == 0u;
    if (x < params.width && is_free) { packed |= label_at(x, y) << (16u * k); }
  }
  return packed;
}
`;

/** Second pass: one thread per word of the output, striding. */
export function masksShader(output: 'bytes' | 'logits' | 'labels', workgroup: number): string {
	return wgsl`
${head}
${pixel}
${output === 'bytes' ? BYTES : output === 'logits' ? LOGITS : LABELS}

@compute @workgroup_size(${workgroup})
fn main(@builtin(global_invocation_id) global: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var word = global.x; word < params.num_words; word += groups.x * ${workgroup}u) {
    masks[word] = word_at(word);
  }
}
`;
}

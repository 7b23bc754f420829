// Decoding chunks of the codecs with more than four raw numbers: distributions over bins, and boxes that are turned. They
// write fn decode_box themselves; those with an angle set `decoded_angle`, also for a box that is no box.
// Twins: src/codecs/bins.ts, rotated-distances.ts, rotated-deltas.ts. Called by shaders/shared/codecs.wgsl.ts.

import type { BoxCodec } from '../../src/codecs/codec.js';
import { ANGLE_LIMIT } from '../../src/functions.js';
import { trigonometry } from '../shared/functions.wgsl.js';
import { wgsl, wgslFloat } from '../wgsl.js';
import { growAxis } from './anchored.wgsl.js';

const f = wgslFloat;

/** fn mean_bin(at, side, finite): the mean of the softmax of one side's bins; finite becomes false when a logit is not. */
function meanBin(numBins: number): string {
	return wgsl`
fn mean_bin(at: u32, side: u32, finite: ptr<function, bool>) -> f32 {
  let first = side * ${numBins}u;
  var largest = raw_number(at, first);
  for (var b = 0u; b < ${numBins}u; b++) {
    let t = raw_number(at, first + b);
    if (!is_finite(t)) { *finite = false; return 0.0; }
    if (t > largest) { largest = t; }
  }
  var sum = 0.0;
  var weighted = 0.0;
  for (var b = 0u; b < ${numBins}u; b++) {
    let e = exp32(fround(raw_number(at, first + b) - largest));
    sum = fround(sum + e);
    weighted = fround(weighted + fround(e * f32(b)));
  }
  return fround(weighted * reciprocal32(sum));
}
`;
}

const normalOrZero = wgsl`
fn normal_or_zero(x: f32) -> f32 {
  return select(x, 0.0, (bitcast<u32>(x) & 0x7f800000u) == 0u);
}
`;

export function bins({ constants }: BoxCodec): string {
	return wgsl`
${meanBin(constants.numBins)}
fn decode_box(at: u32, anchor: vec4f, stride: f32) -> vec4f {
  var finite = true;
  let left = mean_bin(at, 0u, &finite);
  let top = mean_bin(at, 1u, &finite);
  let right = mean_bin(at, 2u, &finite);
  let bottom = mean_bin(at, 3u, &finite);
  if (!finite) { return vec4f(not_a_number()); }
  return vec4f(
    anchor.x - fround(left * anchor.z),
    anchor.y - fround(top * anchor.w),
    anchor.x + fround(right * anchor.z),
    anchor.y + fround(bottom * anchor.w),
  );
}
`;
}

export function rotatedDistances({ constants, variants, numRaw }: BoxCodec): string {
	const plain = constants.numBins === 1;
	return wgsl`
${trigonometry}
${normalOrZero}
#if ${plain}
fn side_of(at: u32, side: u32, finite: ptr<function, bool>) -> f32 {
  let t = raw_number(at, side);
  if (!is_finite(t)) { *finite = false; return 0.0; }
  return t;
}
#else
${meanBin(constants.numBins)}
fn side_of(at: u32, side: u32, finite: ptr<function, bool>) -> f32 { return mean_bin(at, side, finite); }
#endif

fn decode_box(at: u32, anchor: vec4f, stride: f32) -> vec4f {
  var finite = true;
  let left = fround(side_of(at, 0u, &finite) * anchor.z);
  let top = fround(side_of(at, 1u, &finite) * anchor.w);
  let right = fround(side_of(at, 2u, &finite) * anchor.z);
  let bottom = fround(side_of(at, 3u, &finite) * anchor.w);
  let t = raw_number(at, ${numRaw - 1}u);
  decoded_angle = not_a_number();
  if (!finite || !is_finite(t)) { return vec4f(not_a_number()); }
  #if ${variants.form === 'raw'}
  let angle = normal_or_zero(t);
  #else
  let angle = normal_or_zero(fround(fround(sigmoid32(t) - 0.25) * ${f(Math.PI)}));
  #endif
  if (abs(angle) >= ${f(ANGLE_LIMIT)}) { return vec4f(not_a_number()); }
  decoded_angle = angle;
  let along_x = fround(right - left) * 0.5;
  let along_y = fround(bottom - top) * 0.5;
  let cosine = cos32(angle);
  let sine = sin32(angle);
  let x = fround(anchor.x + fround(fround(along_x * cosine) - fround(along_y * sine)));
  let y = fround(anchor.y + fround(fround(along_x * sine) + fround(along_y * cosine)));
  let half_width = fround(left + right) * 0.5;
  let half_height = fround(top + bottom) * 0.5;
  return vec4f(x - half_width, y - half_height, x + half_width, y + half_height);
}
`;
}

/** A codec whose anchors are turned reads their angle from `anchor_angle`, which whoever calls decode_box sets before. */
export function rotatedDeltas({ constants: c, variants }: BoxCodec): string {
	const limit = variants.clampLow === true ? (d: string) => `max(${f(c.low)}, min(${d}, ${f(c.high)}))` : (d: string) => `min(${d}, ${f(c.high)})`;
	const denormalised = [0, 1, 2, 3, 4].map((i) => `fround(fround(raw_number(at, ${i}u) * ${f(c[`v${i}`])}) + ${f(c[`m${i}`])})`);
	return wgsl`
#if ${variants.turned === true}
var<private> anchor_angle: f32;
#endif
#if ${variants.projected === true}
${trigonometry}
#endif
${normalOrZero}
${growAxis}

fn decode_box(at: u32, anchor: vec4f, stride: f32) -> vec4f {
  decoded_angle = not_a_number();
  for (var i = 0u; i < 5u; i++) {
    if (!is_finite(raw_number(at, i))) { return vec4f(not_a_number()); }
  }
  let d = vec4f(${denormalised.slice(0, 4).join(', ')});
  #if ${variants.turned === true}
  let half_width = anchor.z * 0.5;
  let half_height = anchor.w * 0.5;
  let box = vec4f(fround(anchor.x - half_width), fround(anchor.y - half_height), fround(anchor.x + half_width), fround(anchor.y + half_height));
  let base = normal_or_zero(fround(anchor_angle * ${f(c.unit)}));
  #else
  let box = anchor;
  let base = 0.0;
  #endif
  var angle = fround(base + ${f(c.sign)} * ${denormalised[4]});
  if (!(abs(angle) < ${f(ANGLE_LIMIT)}) || !(abs(base) < ${f(ANGLE_LIMIT)})) { return vec4f(not_a_number()); }
  #if ${variants.wrapped === true}
  angle = fround(angle - fround(floor(fround(fround(angle - ${f(c.start)}) * ${f(c.perTurn)})) * ${f(c.period)}));
  #endif
  decoded_angle = normal_or_zero(angle);
  let width = fround(box.z - box.x);
  let height = fround(box.w - box.y);
  let along_x = fround(d.x * width);
  let along_y = fround(d.y * height);
  #if ${variants.projected === true}
  let cosine = cos32(base);
  let sine = sin32(base);
  let shift_x = fround(fround(along_x * cosine) - fround(along_y * sine));
  let shift_y = fround(fround(along_x * sine) + fround(along_y * cosine));
  #else
  let shift_x = along_x;
  let shift_y = along_y;
  #endif
  let across = grow_axis(shift_x, width, ${limit('d.z')}, box.x, box.z, 0.0);
  let down = grow_axis(shift_y, height, ${limit('d.w')}, box.y, box.w, 0.0);
  return vec4f(across.x, down.x, across.y, down.y);
}
`;
}

// Raw numbers -> box, one chunk per codec kind: fn decode_box(at, anchor, stride) -> xyxy; a codec with an angle also
// sets `decoded_angle`. The same float32 steps in the same order as `decodeBox` of src/codecs/<kind>.ts; products that
// feed a sum are hidden from the compiler. Needs numbers.wgsl and fn raw_number(at, c) -> f32: the c-th raw number of
// the anchor whose numbers begin at `at`.

import type { BoxCodec } from '../../src/codecs/codec.js';
import { wgsl, wgslFloat } from '../wgsl.js';

/** The chunk that decodes boxes of this codec. Throws for a kind without a chunk. */
export function codecChunk(codec: BoxCodec): string {
	const chunk = CHUNKS[codec.kind];
	if (!chunk) throw new TypeError(`codecChunk: codec.kind must be one of ${Object.keys(CHUNKS).join(', ')}; got ${codec.kind}`);
	return wgsl`
#if ${codec.rotated === true}
var<private> decoded_angle: f32;
#endif

fn not_a_number() -> f32 { return bitcast<f32>(params.zero ^ 0x7fc00000u); }

fn is_finite(x: f32) -> bool { return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u; }

${chunk(codec)}

#if ${codec.numRaw === 4}
fn decode_box(at: u32, anchor: vec4f, stride: f32) -> vec4f {
  let raw = vec4f(raw_number(at, 0u), raw_number(at, 1u), raw_number(at, 2u), raw_number(at, 3u));
  let exponents = bitcast<vec4u>(raw) & vec4u(0x7f800000u);
  if (any(exponents == vec4u(0x7f800000u))) { return vec4f(not_a_number()); }
  return decode_finite(raw, anchor, stride);
}
#endif
`;
}

/** Chunks with four raw numbers write fn decode_finite(raw, anchor, stride), the others fn decode_box itself. */
const CHUNKS: Record<string, (codec: BoxCodec) => string> = { boxes, deltas, cell, distances };

function boxes({ constants, variants }: BoxCodec): string {
	const { format } = variants;
	return wgsl`
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${format === 'yxyx'}
  let in_order = raw.yxwz;
  #else
  let in_order = raw;
  #endif
  #if ${variants.scaled === true}
  let x = fround(in_order.x * ${wgslFloat(constants.sx)});
  let y = fround(in_order.y * ${wgslFloat(constants.sy)});
  let z = fround(in_order.z * ${wgslFloat(constants.sx)});
  let w = fround(in_order.w * ${wgslFloat(constants.sy)});
  #else
  let x = in_order.x;
  let y = in_order.y;
  let z = in_order.z;
  let w = in_order.w;
  #endif
  #if ${format === 'cxcywh'}
  return vec4f(x - z * 0.5, y - w * 0.5, x + z * 0.5, y + w * 0.5);
  #elif ${format === 'xywh'}
  return vec4f(x, y, x + z, y + w);
  #else
  return vec4f(x, y, z, w);
  #endif
}
`;
}

function deltas({ constants, variants }: BoxCodec): string {
	return wgsl`
// One axis: both corners move by the shift, then apart by half of what the size grows.
fn decode_axis(shift_delta: f32, size_delta: f32, low: f32, high: f32) -> vec2f {
  let size = fround(high - low);
  let shift = fround(shift_delta * size);
  let growth = fround(fround(size * exp32(size_delta)) - size) * 0.5;
  let from_low = fround(low + shift) - growth;
  let from_high = fround(high + shift) + growth;
  return vec2f(from_low, select(from_high, from_low, from_high < from_low));
}

fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${variants.order === 'yxhw'}
  let in_order = raw.yxwz;
  #else
  let in_order = raw;
  #endif
  #if ${variants.weighted === true}
  let dx = fround(in_order.x * ${wgslFloat(constants.vx)});
  let dy = fround(in_order.y * ${wgslFloat(constants.vy)});
  var dw = fround(in_order.z * ${wgslFloat(constants.vw)});
  var dh = fround(in_order.w * ${wgslFloat(constants.vh)});
  #else
  let dx = in_order.x;
  let dy = in_order.y;
  var dw = in_order.z;
  var dh = in_order.w;
  #endif
  dw = min(dw, ${wgslFloat(constants.high)});
  dh = min(dh, ${wgslFloat(constants.high)});
  #if ${variants.clampLow === true}
  dw = max(dw, ${wgslFloat(constants.low)});
  dh = max(dh, ${wgslFloat(constants.low)});
  #endif
  let across = decode_axis(dx, dw, anchor.x, anchor.z);
  let down = decode_axis(dy, dh, anchor.y, anchor.w);
  return vec4f(across.x, down.x, across.y, down.y);
}
`;
}

function cell({ variants }: BoxCodec): string {
	return wgsl`
fn activate(t: f32) -> f32 {
  #if ${variants.sigmoid === true}
  return fround(sigmoid32(t));
  #else
  return t;
  #endif
}

// centre = cell + (2 s - 1) stride, size = (2 s)^2 anchor
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  let x2 = 2.0 * activate(raw.x);
  let y2 = 2.0 * activate(raw.y);
  let w2 = 2.0 * activate(raw.z);
  let h2 = 2.0 * activate(raw.w);
  let x = fround(anchor.x + fround(fround(x2 - 1.0) * stride));
  let y = fround(anchor.y + fround(fround(y2 - 1.0) * stride));
  let half_width = fround(fround(w2 * w2) * anchor.z) * 0.5;
  let half_height = fround(fround(h2 * h2) * anchor.w) * 0.5;
  return vec4f(x - half_width, y - half_height, x + half_width, y + half_height);
}
`;
}

function distances({ variants }: BoxCodec): string {
	return wgsl`
fn decode_finite(raw: vec4f, anchor: vec4f, stride: f32) -> vec4f {
  #if ${variants.unit === 'stride'}
  let d = vec4f(fround(raw.x * anchor.z), fround(raw.y * anchor.w), fround(raw.z * anchor.z), fround(raw.w * anchor.w));
  #else
  let d = raw;
  #endif
  return vec4f(anchor.x - d.x, anchor.y - d.y, anchor.x + d.z, anchor.y + d.w);
}
`;
}

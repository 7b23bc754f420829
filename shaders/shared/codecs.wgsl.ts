// Raw numbers -> box, one chunk per codec kind: fn decode_box(at, anchor, stride) -> xyxy; a codec with an angle also
// sets `decoded_angle`. The same float32 steps in the same order as `decodeBox` of src/codecs/<kind>.ts; products that
// feed a sum are hidden from the compiler. Needs numbers.wgsl and fn raw_number(at, c) -> f32: the c-th raw number of
// the anchor whose numbers begin at `at`.

import type { BoxCodec } from '../../src/codecs/codec.js';
import { corners, deltas, mediapipe } from '../codecs/anchored.wgsl.js';
import { bins, rotatedDeltas, rotatedDistances } from '../codecs/many.wgsl.js';
import { cell, centers, distances } from '../codecs/points.wgsl.js';
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
#elif ${codec.kind === 'boxes'}
fn decode_box(at: u32, anchor: vec4f, stride: f32) -> vec4f {
  let raw = vec4f(raw_number(at, 0u), raw_number(at, 1u), raw_number(at, 2u), raw_number(at, 3u));
  decoded_angle = raw_number(at, 4u);
  let exponents = bitcast<vec4u>(raw) & vec4u(0x7f800000u);
  if (any(exponents == vec4u(0x7f800000u)) || !is_finite(decoded_angle)) { return vec4f(not_a_number()); }
  return decode_finite(raw, anchor, stride);
}
#endif
`;
}

/** Chunks with four raw numbers write fn decode_finite(raw, anchor, stride), the others fn decode_box itself. */
const CHUNKS: Record<string, (codec: BoxCodec) => string> = {
	boxes,
	deltas,
	corners,
	mediapipe,
	cell,
	centers,
	distances,
	bins,
	rotatedDistances,
	rotatedDeltas,
};

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

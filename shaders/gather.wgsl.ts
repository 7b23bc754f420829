// What stands behind a kept row: keypoints and mask coefficients of its anchor, read from the head's tensors once
// suppression has chosen. One thread per row, one dispatch per level. Twin: src/cpu/gather.ts.

import { extrasOf } from '../src/head-facts.js';
import type { Head } from '../src/heads/head.js';
import { HEADER, LEVEL, PARAMS, ROW, ROW_WORDS, type Sizes, sizesWgsl } from '../src/layout.js';
import { type AnchorSource, anchors } from './shared/anchors.wgsl.js';
import { halfToFloatBits, reader } from './shared/elements.wgsl.js';
import { numbers } from './shared/numbers.wgsl.js';
import { wgsl, wgslFloat } from './wgsl.js';

/** What makes one gather pipeline differ from another. */
export interface GatherVariant {
	readonly head: Head;
	/** Where the head's anchors are. */
	readonly anchors: AnchorSource;
	/** Which tensors are float16. */
	readonly half: { readonly keypoints: boolean; readonly masks: boolean; readonly anchors: boolean };
	readonly sizes: Sizes;
}

export function gatherShader({ head, anchors: source, half, sizes }: GatherVariant): string {
	const { angle, keypoints, masks } = extrasOf(head);
	const {
		count = 0,
		dims = 2,
		order = 'points',
		relative = false,
		inclusive = false,
		scale = 1,
		shift = 0,
		unit = [1, 1],
		activation = 'none',
	} = head.keypoints ?? {};
	return wgsl`
${PARAMS.wgsl}
${LEVEL.wgsl}
${sizesWgsl(sizes)}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<uniform> level: Level;
@group(0) @binding(2) var<storage, read_write> output: array<u32>;
#if ${keypoints > 0}
@group(0) @binding(3) var<storage, read> keypoints: array<u32>;
#endif
#if ${masks > 0}
@group(0) @binding(4) var<storage, read> masks: array<u32>;
#endif

${numbers}
${halfToFloatBits}
#if ${keypoints > 0}
${reader('keypoints', half.keypoints)}
#if ${relative}
${anchors(source, head, half.anchors)}
#endif

// Where an anchor's points are measured from, and in what units: x, y, unit x, unit y.
fn place_of(anchor: u32, image: u32, shape: u32, cell: u32) -> vec4f {
  #if ${!relative}
  return vec4f(0.0, 0.0, ${wgslFloat(unit[0])}, ${wgslFloat(unit[1])});
  #else
  let row = anchor_row(anchor, image, shape, cell);
  #if ${head.codec.anchors === 'xyxy'}
  #if ${inclusive}
  return vec4f(row.xy - 1.0, fround(row.z - row.x) + 1.0, fround(row.w - row.y) + 1.0);
  #else
  return vec4f(row.xy, row.zw - row.xy);
  #endif
  #else
  return row;
  #endif
  #endif
}

fn coordinate(raw: f32, origin: f32, unit: f32) -> f32 {
  #if ${relative}
  return fround(origin + fround(fround(fround(raw * ${wgslFloat(scale)}) + ${wgslFloat(shift)}) * unit));
  #else
  return fround(raw * unit);
  #endif
}

// The channel that holds number c of the points.
fn channel_of(c: u32) -> u32 {
  #if ${order === 'axes'}
  return (c % ${dims}u) * ${count}u + c / ${dims}u;
  #else
  return c;
  #endif
}

fn point_number(c: u32, raw: f32, place: vec4f) -> f32 {
  let axis = c % ${dims}u;
  if (axis == 2u) {
    #if ${activation === 'sigmoid'}
    return sigmoid32(raw);
    #else
    return raw;
    #endif
  }
  let mapped = coordinate(raw, select(place.x, place.y, axis == 1u), select(place.z, place.w, axis == 1u));
  if (params.transform == 0u) { return mapped; }
  return (mapped - select(params.pad_x, params.pad_y, axis == 1u)) / select(params.gain_x, params.gain_y, axis == 1u);
}
#endif
#if ${masks > 0}
${reader('masks', half.masks)}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) global: vec3u) {
  let image = global.z;
  let header = image * (HEADER_WORDS + params.rows * params.row_words);
  if (global.x >= output[header + ${HEADER.words.count}u]) { return; }
  let row = header + HEADER_WORDS + global.x * params.row_words;
  let anchor = output[row + ${ROW.words.index}u];
  if (anchor < level.first_anchor || anchor - level.first_anchor >= level.num_anchors) { return; }
  let a = anchor - level.first_anchor;
  let major = level.shape_major != 0u;
  let shape = select(a % level.num_shapes, a / level.num_cells, major);
  let cell = select(a / level.num_shapes, a % level.num_cells, major);
  let to = row + ${ROW_WORDS + angle}u;
  #if ${keypoints > 0}
  let place = place_of(anchor, image, shape, cell);
  let from_points = level.keypoint_base + image * level.keypoint_image + shape * level.keypoint_shape + cell * level.keypoint_cell;
  for (var c = 0u; c < ${keypoints}u; c++) {
    output[to + c] = bitcast<u32>(point_number(c, bitcast<f32>(keypoints_bits(from_points + channel_of(c) * level.keypoint_channel)), place));
  }
  #endif
  #if ${masks > 0}
  let from_masks = level.mask_base + image * level.mask_image + shape * level.mask_shape + cell * level.mask_cell;
  for (var c = 0u; c < ${masks}u; c++) { output[to + ${keypoints}u + c] = masks_bits(from_masks + c * level.mask_channel); }
  #endif
}
`;
}

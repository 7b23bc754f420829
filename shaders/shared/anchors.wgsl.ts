// The anchor of a cell: computed from the row of cell (0, 0) where a level's anchors are a lattice, else read from a row
// of its own, or from the tensor that came with the call. Needs `level`. Twin: head.anchors, whose bits it gives.

import type { Head } from '../../src/heads/head.js';
import { wgsl } from '../wgsl.js';
import { reader } from './elements.wgsl.js';

/** Where a head's anchors are on the GPU. 'lattice': one row per shape and level. 'call': they come with the call. */
export type AnchorSource = 'none' | 'rows' | 'lattice' | 'call';

/** The binding and fn anchor_row(anchor, image, shape, cell) -> vec4f. `half`: the tensor of the call is float16. */
export function anchors(source: AnchorSource, { codec }: Pick<Head, 'codec'>, half: boolean): string {
	const turned = codec.anchors === 'cxcywhr';
	return wgsl`
#if ${source === 'call'}
@group(0) @binding(5) var<storage, read> anchors: array<u32>;   // xyxy, as the tensor has them
${reader('anchors', half)}
#elif ${turned}
@group(0) @binding(5) var<storage, read> anchors: array<f32>;   // [num_anchors, 5] cxcywhr
#else
@group(0) @binding(5) var<storage, read> anchors: array<vec4f>; // in the codec's format
#endif

fn anchor_row(anchor: u32, image: u32, shape: u32, cell: u32) -> vec4f {
  #if ${source === 'call'}
  let at = level.anchor_base + image * level.anchor_image + cell * level.anchor_cell;
  let step = level.anchor_channel;
  return bitcast<vec4f>(vec4u(anchors_bits(at), anchors_bits(at + step), anchors_bits(at + 2u * step), anchors_bits(at + 3u * step)));
  #elif ${source === 'lattice'}
  let x = f32(cell % level.grid_width) * level.step_x; // exact, so that fusing changes nothing
  let y = f32(cell / level.grid_width) * level.step_y;
  #if ${codec.anchors === 'xyxy'}
  return anchors[level.first_shape + shape] + vec4f(x, y, x, y);
  #else
  return anchors[level.first_shape + shape] + vec4f(x, y, 0.0, 0.0);
  #endif
  #elif ${source === 'rows' && turned}
  let at = anchor * 5u;
  anchor_angle = anchors[at + 4u];
  return vec4f(anchors[at], anchors[at + 1u], anchors[at + 2u], anchors[at + 3u]);
  #elif ${source === 'rows'}
  return anchors[anchor];
  #else
  return vec4f(0.0);
  #endif
}
`;
}

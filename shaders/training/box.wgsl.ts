// IoU, GIoU, DIoU and CIoU as losses, with their slopes by the corners (x1, y1, x2, y2) of the predicted box. Twin, step by
// step: src/training/losses/box-formula.ts. The constants are BoxNumbers of src/training/losses/box-styles.ts, in their order.

import { arcTangent } from '../shared/iou.wgsl.js';
import { wgsl, wgslFloat } from '../wgsl.js';

export type BoxShaderKind = 'box-iou-linear' | 'box-iou-log' | 'box-iou-square' | 'box-giou' | 'box-diou' | 'box-ciou';

const overlap = wgsl`
fn flush4(x: vec4f) -> vec4f {
  return vec4f(flush(x.x), flush(x.y), flush(x.z), flush(x.w));
}

fn product4(x: vec4f, y: vec4f) -> vec4f {
  return flush4(x * y);
}

fn ratio4(x: vec4f, y: f32) -> vec4f {
  return vec4f(signed_ratio(x.x, y), signed_ratio(x.y, y), signed_ratio(x.z, y), signed_ratio(x.w, y));
}

fn side_of(low: f32, high: f32) -> f32 {
  return max(0.0, difference(high, low));
}

const SIGNS = vec4f(-1.0, -1.0, 1.0, 1.0);

struct Pair {
  size: vec2f, // of the predicted box
  target_size: vec2f,
  intersection: vec2f,
  enclosing: vec2f,
  offset: vec2f, // from the target's centre to the prediction's
  inner: vec4f, // what each corner adds to the intersection's side
  outer: vec4f, // and to that of the box around all
  grows: vec2f, // 0 for a predicted box that is inverted
}

// How much of the larger one is the first.
fn share_of(first: f32, second: f32) -> f32 {
  return select(select(0.5, 0.0, first < second), 1.0, first > second);
}

// What the low and the high corner add to the side that encloses all.
fn outer_of(low: f32, high: f32, start: f32, end: f32) -> vec2f {
  if (high < low) { return vec2f(share_of(low, end), -share_of(start, high)); }
  return vec2f(-share_of(start, low), share_of(high, end));
}

fn box_at(i: u32) -> vec4f {
  let k = 4u * i;
  return flush4(vec4f(predictions[k], predictions[k + 1u], predictions[k + 2u], predictions[k + 3u]));
}

fn target_at(i: u32) -> vec4f {
  let k = 4u * i;
  return flush4(vec4f(targets[k], targets[k + 1u], targets[k + 2u], targets[k + 3u]));
}

fn pair_of(a: vec4f, b: vec4f) -> Pair {
  let low = max(a.xy, b.xy);
  let high = min(a.zw, b.zw);
  let start = min(b.xy, b.zw);
  let end = max(b.xy, b.zw);
  let around_low = min(min(a.xy, a.zw), start);
  let around_high = max(max(a.xy, a.zw), end);
  let outer_x = outer_of(a.x, a.z, start.x, end.x);
  let outer_y = outer_of(a.y, a.w, start.y, end.y);
  return Pair(
    vec2f(side_of(a.x, a.z), side_of(a.y, a.w)),
    vec2f(side_of(b.x, b.z), side_of(b.y, b.w)),
    vec2f(side_of(low.x, high.x), side_of(low.y, high.y)),
    vec2f(side_of(around_low.x, around_high.x), side_of(around_low.y, around_high.y)),
    vec2f(
      product(0.5, difference(sum(a.x, a.z), sum(b.x, b.z))),
      product(0.5, difference(sum(a.y, a.w), sum(b.y, b.w))),
    ),
    vec4f(-share_of(a.x, b.x), -share_of(a.y, b.y), share_of(b.z, a.z), share_of(b.w, a.w)),
    vec4f(outer_x.x, outer_y.x, outer_x.y, outer_y.y),
    select(vec2f(1.0), vec2f(0.0), a.zw < a.xy),
  );
}

struct Sloped {
  value: f32,
  slopes: vec4f,
}

struct Overlap {
  iou: Sloped,
  total: Sloped, // the union
}

fn overlap_of(pair: Pair) -> Overlap {
  let height = sum(pair.size.y, constant(8u));
  let intersection = product(pair.intersection.x, pair.intersection.y);
  let areas = sum(product(pair.size.x, height), product(pair.target_size.x, sum(pair.target_size.y, constant(8u))));
  let total = difference(areas, intersection);
  let inner_slopes = select(vec4f(0.0), product4(pair.inner, pair.intersection.yxyx), intersection > 0.0);
  let area_slopes = product4(SIGNS * pair.grows.xyxy, vec4f(height, pair.size.x, height, pair.size.x));
  let total_slopes = flush4(area_slopes - inner_slopes);
  let padded = sum(total, constant(0u));
  let divisor = max(padded, constant(1u));
  let follows = select(0.0, 1.0, padded >= constant(1u));
  let iou = signed_ratio(intersection, divisor);
  let slopes = ratio4(flush4(inner_slopes - product4(vec4f(product(iou, follows)), total_slopes)), divisor);
  return Overlap(Sloped(iou, slopes), Sloped(total, total_slopes));
}
`;

const emptiness = wgsl`
fn penalty_of(pair: Pair, overlap: Overlap) -> Sloped {
  let area = product(pair.enclosing.x, pair.enclosing.y);
  let area_slopes = product4(pair.outer, pair.enclosing.yxyx);
  let padded = sum(area, constant(2u));
  let divisor = max(padded, constant(3u));
  let follows = select(0.0, 1.0, padded >= constant(3u));
  let least = constant(4u);
  let excess = product(constant(8u), sum(pair.size.x, pair.target_size.x));
  let gap = max(difference(0.0, excess), difference(max(area, least), max(overlap.total.value, least)));
  let value = signed_ratio(gap, divisor);
  let gap_slopes = flush4(select(vec4f(0.0), area_slopes, area >= least) - select(vec4f(0.0), overlap.total.slopes, overlap.total.value >= least));
  return Sloped(value, ratio4(flush4(gap_slopes - product4(vec4f(product(value, follows)), area_slopes)), divisor));
}
`;

const distance = wgsl`
fn distance_of(pair: Pair) -> Sloped {
  let squared = sum(product(pair.offset.x, pair.offset.x), product(pair.offset.y, pair.offset.y));
  let squares = sum(product(pair.enclosing.x, pair.enclosing.x), product(pair.enclosing.y, pair.enclosing.y));
  let diagonal = sum(squares, constant(5u));
  let divisor = max(diagonal, constant(6u));
  let value = signed_ratio(squared, divisor);
  let diagonal_slope = product(2.0, select(0.0, value, diagonal >= constant(6u)));
  let edges = product4(pair.outer, pair.enclosing.xyxy);
  return Sloped(value, ratio4(flush4(pair.offset.xyxy - product4(vec4f(diagonal_slope), edges)), divisor));
}
`;

const aspect = wgsl`
fn aspect_of(pair: Pair, iou: f32) -> Sloped {
  let height = sum(pair.size.y, constant(7u));
  let turn = difference(fround(atan32(pair.target_size.x, sum(pair.target_size.y, constant(7u)))), fround(atan32(pair.size.x, height)));
  let v = product(${wgslFloat(4 / Math.PI ** 2)}, product(turn, turn));
  let denominator = sum(sum(difference(1.0, iou), v), constant(9u));
  var alpha = 0.0;
  if (iou > constant(10u)) { alpha = signed_ratio(v, denominator); }
  let squares = sum(product(pair.size.x, pair.size.x), product(height, height));
  let change = product(product(alpha, ${wgslFloat(4 / Math.PI ** 2)}), product(2.0, turn));
  let towards = product4(SIGNS * pair.grows.xyxy, vec4f(-height, pair.size.x, -height, pair.size.x));
  return Sloped(product(alpha, v), product4(vec4f(change), ratio4(towards, squares)));
}
`;

const PENALTIES: Readonly<Record<string, string>> = {
	'box-giou': emptiness,
	'box-diou': wgsl`${distance}
fn penalty_of(pair: Pair, overlap: Overlap) -> Sloped {
  return distance_of(pair);
}
`,
	'box-ciou': wgsl`${arcTangent}${distance}${aspect}
fn penalty_of(pair: Pair, overlap: Overlap) -> Sloped {
  let far = distance_of(pair);
  let turned = aspect_of(pair, overlap.iou.value);
  return Sloped(sum(far.value, turned.value), flush4(far.slopes + turned.slopes));
}
`,
};

/** fn loss_of(i). */
export function boxFormula(kind: BoxShaderKind): string {
	const penalty = PENALTIES[kind];
	return wgsl`
${overlap}
${penalty ?? ''}
fn write_gradients(i: u32, slopes: vec4f) {
  for (var c = 0u; c < 4u; c++) { gradients[4u * i + c] = slopes[c]; }
}

fn loss_of(i: u32) -> f32 {
  let pair = pair_of(box_at(i), target_at(i));
  let overlap = overlap_of(pair);
  #if ${penalty !== undefined}
  let penalty = penalty_of(pair, overlap);
  write_gradients(i, flush4(penalty.slopes - overlap.iou.slopes));
  return difference(1.0, difference(overlap.iou.value, penalty.value));
  #else
  let least = max(overlap.iou.value, constant(11u));
  let follows = select(0.0, -1.0, overlap.iou.value >= constant(11u));
  #if ${kind === 'box-iou-log'}
  write_gradients(i, product4(vec4f(signed_ratio(follows, least)), overlap.iou.slopes));
  return difference(0.0, log32(least));
  #elif ${kind === 'box-iou-square'}
  write_gradients(i, product4(vec4f(product(product(2.0, follows), least)), overlap.iou.slopes));
  return difference(1.0, product(least, least));
  #else
  write_gradients(i, product4(vec4f(follows), overlap.iou.slopes));
  return difference(1.0, least);
  #endif
  #endif
}
`;
}

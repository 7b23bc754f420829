// How much two rotated boxes overlap: rotated_overlap(a, angle_a, b, angle_b), boxes as xyxy rectangles and clockwise radians.
// The same float32 steps in the same order as src/boxes/rotated.ts, where the ideas are told.
// Candidates of heads with angles hold the angle where others hold the area; so the decision looks the same from outside.

import type { RotatedIouKind } from '../../src/boxes/overlap.js';
import { UPRIGHT } from '../../src/boxes/rotated.js';
import { ANGLE_LIMIT } from '../../src/functions.js';
import { wgsl, wgslFloat } from '../wgsl.js';
import { division, flushing, logarithm, squareRoot, trigonometry } from './functions.wgsl.js';

const f = (x: number) => wgslFloat(x);

const pairs = wgsl`
// Sides; from the first to the second centre along the axes of each; the second's turn as seen from the first.
struct Pair {
  size_a: vec2f,
  size_b: vec2f,
  in_a: vec2f,
  in_b: vec2f,
  cos: f32,
  sin: f32,
}

fn is_usable_angle(angle: f32) -> bool {
  return (bitcast<u32>(angle) & 0x7fffffffu) < bitcast<u32>(${f(ANGLE_LIMIT)});
}

fn is_in_order(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32) -> bool {
  if (a.x != b.x) { return a.x < b.x; }
  if (a.y != b.y) { return a.y < b.y; }
  if (a.z != b.z) { return a.z < b.z; }
  if (a.w != b.w) { return a.w < b.w; }
  return angle_a <= angle_b;
}

fn between_centres(a: vec4f, b: vec4f) -> vec2f {
  let x = product(sum(difference(b.x, a.x), difference(b.z, a.z)), 0.5);
  let y = product(sum(difference(b.y, a.y), difference(b.w, a.w)), 0.5);
  return vec2f(x, y);
}

fn look_at(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32) -> Pair {
  var pair: Pair;
  pair.size_a = vec2f(fround(a.z - a.x), fround(a.w - a.y));
  pair.size_b = vec2f(fround(b.z - b.x), fround(b.w - b.y));
  let d = between_centres(a, b);
  let cos_a = cos32(angle_a);
  let sin_a = sin32(angle_a);
  let turn = fround(angle_b - angle_a);
  let cos = cos32(turn);
  let sin = sin32(turn);
  pair.cos = select(cos, 0.0, abs(cos) < ${f(UPRIGHT)});
  pair.sin = select(sin, 0.0, abs(sin) < ${f(UPRIGHT)});
  pair.in_a = vec2f(sum(product(d.x, cos_a), product(d.y, sin_a)), difference(product(d.y, cos_a), product(d.x, sin_a)));
  pair.in_b = vec2f(
    sum(product(pair.in_a.x, pair.cos), product(pair.in_a.y, pair.sin)),
    difference(product(pair.in_a.y, pair.cos), product(pair.in_a.x, pair.sin)),
  );
  return pair;
}
`;

const polygons = wgsl`
// From (x1, y1) to (x2, y2), x1 < x2: the integral of (y + half.y), y clamped to -half.y..half.y, over its part within half.x.
fn strip(p1: vec2f, p2: vec2f, slope: f32, inverse: f32, half: vec2f) -> f32 {
  let left = max(p1.x, -half.x);
  let right = min(p2.x, half.x);
  let width = difference(right, left);
  if (!(width > 0.0)) { return 0.0; }
  let step_left = product(difference(left, p1.x), slope);
  let step_right = product(difference(p2.x, right), slope);
  var y_left = max(difference(p1.y, step_left), p2.y);
  var y_right = min(sum(p2.y, step_right), p1.y);
  if (p1.y < p2.y) {
    y_left = min(sum(p1.y, step_left), p2.y);
    y_right = max(difference(p2.y, step_right), p1.y);
  }
  let low = min(y_left, y_right);
  let top = max(y_left, y_right);
  let height = sum(half.y, half.y);
  if (top <= -half.y) { return 0.0; }
  if (low >= half.y) { return product(width, height); }
  var before = 0.0;
  if (low < -half.y) { before = min(width, product(difference(-half.y, low), inverse)); }
  var beyond = 0.0;
  if (top > half.y) { beyond = min(width, product(difference(top, half.y), inverse)); }
  let between = max(0.0, difference(difference(width, before), beyond));
  let mean = product(sum(sum(max(low, -half.y), half.y), sum(min(top, half.y), half.y)), 0.5);
  return sum(product(beyond, height), product(between, mean));
}

// What an edge adds, negative from left to right.
fn edge(p1: vec2f, p2: vec2f, slope: f32, inverse: f32, half: vec2f) -> f32 {
  let rightwards = p1.x < p2.x;
  let area = strip(select(p2, p1, rightwards), select(p1, p2, rightwards), slope, inverse, half);
  return select(area, -area, rightwards);
}

fn halves(size: vec2f) -> vec2f {
  return vec2f(product(size.x, 0.5), product(size.y, 0.5));
}

// Whether a line along a side of the first box lies between them.
fn is_apart(d: vec2f, half_a: vec2f, half_b: vec2f, cos: f32, sin: f32) -> bool {
  return abs(d.x) >= sum(half_a.x, sum(product(half_b.x, cos), product(half_b.y, sin)))
    || abs(d.y) >= sum(half_a.y, sum(product(half_b.x, sin), product(half_b.y, cos)));
}

fn polygon_intersection(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32, area_a: f32, area_b: f32) -> f32 {
  let far = abs(between_centres(a, b));
  let reach = product(sum(sum(fround(a.z - a.x), fround(a.w - a.y)), sum(fround(b.z - b.x), fround(b.w - b.y))), 0.5);
  if (far.x >= reach || far.y >= reach) { return 0.0; }
  let pair = look_at(a, angle_a, b, angle_b);
  let half_a = halves(pair.size_a);
  let half_b = halves(pair.size_b);
  let abs_cos = abs(pair.cos);
  let abs_sin = abs(pair.sin);
  if (is_apart(pair.in_a, half_a, half_b, abs_cos, abs_sin) || is_apart(pair.in_b, half_b, half_a, abs_cos, abs_sin)) { return 0.0; }

  // half diagonals: corners are the centre + (u + v), + (u - v), - (u + v), - (u - v)
  let ux = product(half_b.x, pair.cos);
  let uy = product(half_b.x, pair.sin);
  let vx = -product(half_b.y, pair.sin);
  let vy = product(half_b.y, pair.cos);
  let plus = vec2f(sum(ux, vx), sum(uy, vy));
  let minus = vec2f(difference(ux, vx), difference(uy, vy));
  let p1 = vec2f(difference(pair.in_a.x, plus.x), difference(pair.in_a.y, plus.y));
  let p2 = vec2f(sum(pair.in_a.x, minus.x), sum(pair.in_a.y, minus.y));
  let p3 = vec2f(sum(pair.in_a.x, plus.x), sum(pair.in_a.y, plus.y));
  let p4 = vec2f(difference(pair.in_a.x, minus.x), difference(pair.in_a.y, minus.y));
  let tan = ratio(abs_sin, abs_cos);
  let cot = ratio(abs_cos, abs_sin);
  let sides_1 = sum(edge(p1, p2, tan, cot, half_a), edge(p3, p4, tan, cot, half_a));
  let sides_2 = sum(edge(p2, p3, cot, tan, half_a), edge(p4, p1, cot, tan, half_a));
  let area = sum(sides_1, sides_2);
  return select(0.0, min(area, min(area_a, area_b)), area > 0.0);
}

fn overlap_in_order(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32, area_a: f32, area_b: f32) -> f32 {
  let shared_area = polygon_intersection(a, angle_a, b, angle_b, area_a, area_b);
  return ratio(shared_area, difference(sum(area_a, area_b), shared_area));
}
`;

const gaussians = wgsl`
fn quadratic(p: f32, q: f32, d: vec2f) -> f32 {
  return sum(product(p, product(d.y, d.y)), product(q, product(d.x, d.x)));
}

fn overlap_in_order(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32, area_a: f32, area_b: f32) -> f32 {
  let pair = look_at(a, angle_a, b, angle_b);
  // a power of two that brings large boxes below 2 pixels
  let largest = max(max(pair.size_a.x, pair.size_a.y), max(pair.size_b.x, pair.size_b.y));
  let scale = bitcast<f32>(min(127u, 254u - (bitcast<u32>(largest) >> 23u)) << 23u);
  let squared = product(scale, scale);
  let epsilon = product(${f(1e-7)}, product(squared, squared));
  let width_a = product(pair.size_a.x, scale);
  let height_a = product(pair.size_a.y, scale);
  let width_b = product(pair.size_b.x, scale);
  let height_b = product(pair.size_b.y, scale);
  let p_a = product(product(width_a, width_a), ${f(1 / 12)});
  let q_a = product(product(height_a, height_a), ${f(1 / 12)});
  let p_b = product(product(width_b, width_b), ${f(1 / 12)});
  let q_b = product(product(height_b, height_b), ${f(1 / 12)});
  let cos_2 = product(pair.cos, pair.cos);
  let sin_2 = product(pair.sin, pair.sin);
  let turned_p = sum(product(p_b, cos_2), product(q_b, sin_2));
  let turned_q = sum(product(p_b, sin_2), product(q_b, cos_2));
  let both = sum(sum(product(p_a, q_a), product(p_b, q_b)), sum(product(p_a, turned_q), product(q_a, turned_p)));
  let single = sum(product(product(product(width_a, height_a), product(width_b, height_b)), ${f(1 / 36)}), epsilon);
  let in_a = vec2f(product(pair.in_a.x, scale), product(pair.in_a.y, scale));
  let in_b = vec2f(product(pair.in_b.x, scale), product(pair.in_b.y, scale));
  let distance = sum(quadratic(p_a, q_a, in_a), quadratic(p_b, q_b, in_b));
  let denominator = sum(both, epsilon);
  if (denominator == 0.0 || single == 0.0 || distance >= product(512.0, denominator)) { return 0.0; }
  let logarithm = log32(sum(ratio(both, single), ${f(1e-7)}));
  let b2 = sum(product(0.25, ratio(distance, denominator)), product(0.5, logarithm));
  let kept = exp32(-min(100.0, max(${f(1e-7)}, b2)));
  return difference(1.0, sqrt32(sum(difference(1.0, kept), ${f(1e-7)})));
}
`;

/** fn rotated_overlap(a, angle_a, b, angle_b) -> f32 by one measure, 0 where a box is empty; fn is_usable_angle(angle). Needs numbers.wgsl and `overlapNumbers`; takes coordinates with denormals and -0 flushed. */
export function rotatedIouChunk(kind: RotatedIouKind): string {
	return wgsl`
${division}
${flushing}
${trigonometry}
${pairs}
#if ${kind === 'iou'}
${polygons}
#else
${logarithm}
${squareRoot}
${gaussians}
#endif

// In one order whichever comes first, so that both orders have the same bits. Compilers that copy every call get it once.
fn rotated_overlap(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32) -> f32 {
  let area_a = area_of(a);
  let area_b = area_of(b);
  if (!(area_a > 0.0 && area_b > 0.0)) { return 0.0; }
  let swap = !is_in_order(a, angle_a, b, angle_b);
  return overlap_in_order(
    select(a, b, swap), select(angle_a, angle_b, swap),
    select(b, a, swap), select(angle_b, angle_a, swap),
    select(area_a, area_b, swap), select(area_b, area_a, swap),
  );
}
`;
}

/** fn overlaps_more(a, angle_a, b, angle_b), as other rules have it with areas. Needs numbers.wgsl, `overlapNumbers` and `params.iou_threshold`. */
export function rotatedOverlap(kind: RotatedIouKind): string {
	return wgsl`
${rotatedIouChunk(kind)}

fn may_overlap_more(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32) -> bool { return true; }

fn overlaps_more(a: vec4f, angle_a: f32, b: vec4f, angle_b: f32) -> bool {
  return rotated_overlap(a, angle_a, b, angle_b) > params.iou_threshold;
}
`;
}

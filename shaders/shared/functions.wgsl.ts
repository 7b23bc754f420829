// Division, root, sine, cosine and logarithm with the same bits on every device, whatever its own are worth. Twins of the
// functions of the same names in src/functions.ts: same steps, same order. A chunk each, so that a shader takes what it needs.
// All need numbers.wgsl.

import { EXP_LOW } from '../../src/numbers.js';
import { wgsl, wgslFloat } from '../wgsl.js';

const f = (x: number) => wgslFloat(x);

/** fn divide32(a, b). */
export const division = wgsl`
// a / b for a >= 0 and a normal b > 0, correctly rounded; below the smallest normal float it is 0. The quotient of the
// 24-bit mantissas is guessed in float32, then put right in integers: the remainder is small, so its low 32 bits do.
fn divide32(a: f32, b: f32) -> f32 {
  if (!(a >= MIN_NORMAL)) { return 0.0; }
  let a_bits = bitcast<u32>(a);
  let b_bits = bitcast<u32>(b);
  let n = (a_bits & 0x7fffffu) | 0x800000u;
  let d = (b_bits & 0x7fffffu) | 0x800000u;
  let shift = select(23u, 24u, n < d); // so that the quotient has 24 bits
  let guess = f32(n) * reciprocal32(f32(d)) * select(8388608.0, 16777216.0, n < d);
  var quotient = u32(guess);
  var rest = bitcast<i32>((n << shift) - quotient * d);
  for (var i = 0; i < 8; i++) {
    if (rest < 0) { quotient--; rest += i32(d); }
    else if (rest >= i32(d)) { quotient++; rest -= i32(d); }
  }
  let exponent = i32(a_bits >> 23u) - i32(b_bits >> 23u) + 127 - i32(shift - 23u);
  if (exponent <= 0) { return 0.0; }
  // a tie cannot happen; a carry out of the mantissa lands in the exponent, where it belongs
  let up = select(0u, 1u, 2 * rest > i32(d));
  return bitcast<f32>((u32(exponent) << 23u) + (quotient - 0x800000u) + up);
}
`;

/** Sums and products that are 0 below the smallest normal float, as on devices that flush: flush, product, sum, difference; and ratio, 0 where there is nothing to compare. Needs `division`. */
export const flushing = wgsl`
// 0 below the smallest normal float; never -0
fn flush(x: f32) -> f32 {
  let bits = bitcast<u32>(x) ^ params.zero;
  return bitcast<f32>(select(0u, bits, (bits & 0x7f800000u) != 0u));
}

fn product(x: f32, y: f32) -> f32 {
  return flush(x * y);
}

fn sum(x: f32, y: f32) -> f32 {
  return flush(x + y);
}

fn difference(x: f32, y: f32) -> f32 {
  return flush(x - y);
}

fn ratio(x: f32, y: f32) -> f32 {
  if (!(x >= MIN_NORMAL && y >= MIN_NORMAL)) { return 0.0; }
  return divide32(x, y);
}
`;

/** fn sqrt32(x). */
export const squareRoot = wgsl`
// The root of a normal x > 0, correctly rounded; 0 for less. x = n 4^k with n of 47 or 48 bits, so that its root has 24: guessed
// by Newton steps in float32, then put right in integers: the remainder is small, so its low 32 bits do.
fn sqrt32(x: f32) -> f32 {
  if (!(x >= MIN_NORMAL)) { return 0.0; }
  let bits = bitcast<u32>(x);
  let mantissa = (bits & 0x7fffffu) | 0x800000u;
  let exponent = bits >> 23u;
  let shift = 24u - (exponent & 1u);
  let scaled = bitcast<f32>((bits & 0x7fffffu) | ((shift + 104u) << 23u)); // n / 2^46, from 1 to 4
  var inverse = bitcast<f32>(0x5f375a86u - (bitcast<u32>(scaled) >> 1u));
  for (var i = 0; i < 4; i++) {
    inverse = fround(inverse * fround(1.5 - fround(fround(scaled * 0.5) * fround(inverse * inverse))));
  }
  var root = u32(scaled * inverse * 8388608.0);
  var rest = bitcast<i32>((mantissa << shift) - root * root);
  for (var i = 0; i < 8; i++) {
    if (rest < 0) { root--; rest += i32(2u * root + 1u); }
    else if (rest > i32(2u * root)) { rest -= i32(2u * root + 1u); root++; }
  }
  // halfway between two roots lies root^2 + root + 1/4, which no integer is; a carry lands in the exponent
  let up = select(0u, 1u, rest > i32(root));
  let half_exponent = (exponent + 150u - shift) / 2u;
  return bitcast<f32>((half_exponent << 23u) + (root - 0x800000u) + up);
}
`;

/** fn sin32(x), fn cos32(x), for normal floats and 0 with |x| < 4096. */
export const trigonometry = wgsl`
fn sine_of_turns(x: f32, quarters: i32) -> f32 {
  let k = floor(fround(x * ${f(2 / Math.PI)}) + 0.5);
  let r = fround(fround(fround(x - fround(k * ${f(201 / 128)})) - fround(k * ${f(2029 / 2 ** 22)})) - fround(k * ${f(7.549789954891882e-8)}));
  let z = fround(r * r);
  let quadrant = (i32(k) + quarters) & 3;
  var value = 0.0;
  if ((quadrant & 1) != 0) {
    var p = fround(${f(-1 / 3628800)} * z) + ${f(1 / 40320)};
    p = fround(p * z) + ${f(-1 / 720)};
    p = fround(p * z) + ${f(1 / 24)};
    p = fround(p * z) - 0.5;
    value = fround(p * z) + 1.0;
  } else {
    var p = fround(${f(1 / 362880)} * z) + ${f(-1 / 5040)};
    p = fround(p * z) + ${f(1 / 120)};
    p = fround(p * z) + ${f(-1 / 6)};
    value = r + fround(fround(r * z) * p);
  }
  return fround(select(value, -value, (quadrant & 2) != 0));
}

fn sin32(x: f32) -> f32 {
  return sine_of_turns(x, 0);
}

fn cos32(x: f32) -> f32 {
  return sine_of_turns(x, 1);
}
`;

/** fn log32(x), for normal x > 0. */
export const logarithm = wgsl`
fn log32(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  var k = f32(i32(bits >> 23u) - 127);
  var m = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
  if (m > ${f(Math.SQRT2)}) {
    m = m * 0.5;
    k = k + 1.0;
  }
  let minus_one = fround(m - 1.0);
  let s = fround(minus_one * reciprocal32(fround(2.0 + minus_one)));
  let z = fround(s * s);
  var p = fround(${f(2 / 9)} * z) + ${f(2 / 7)};
  p = fround(p * z) + ${f(2 / 5)};
  p = fround(p * z) + ${f(2 / 3)};
  let log_m = fround(fround(s * 2.0) + fround(fround(s * z) * p));
  return fround(fround(k * ${f(0.693359375)}) + fround(fround(k * ${f(-2.1219444005469057e-4)}) + log_m));
}
`;

/** fn log1p32(y), for y from 0 to 1; fn softplus32(x), for finite x. */
export const softplus = wgsl`
fn log1p32(y: f32) -> f32 {
  if (y < ${f(2 ** -24)}) { return select(0.0, y, y >= MIN_NORMAL); }
  let s = fround(y * reciprocal32(fround(2.0 + y)));
  let z = fround(s * s);
  var p = fround(${f(2 / 15)} * z) + ${f(2 / 13)};
  p = fround(p * z) + ${f(2 / 11)};
  p = fround(p * z) + ${f(2 / 9)};
  p = fround(p * z) + ${f(2 / 7)};
  p = fround(p * z) + ${f(2 / 5)};
  p = fround(p * z) + ${f(2 / 3)};
  return fround(fround(s * 2.0) + fround(fround(s * z) * p));
}

fn softplus32(x: f32) -> f32 {
  let size = abs(x);
  var tail = 0.0;
  if (size < ${f(-EXP_LOW)}) { tail = log1p32(exp32(-size)); }
  return select(tail, fround(x + tail), x > 0.0);
}
`;

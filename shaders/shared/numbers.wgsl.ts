// Float32 arithmetic with the same bits on every device. Twin of src/numbers.ts: same steps, same order.
// WGSL lets a compiler fuse a * b + c and divide within 2.5 ulp; so every product that feeds a sum goes through
// fround(), which hides its bits behind a number the compiler cannot know, and nothing divides.
// Needs `params.zero`, a uniform that is always 0.

import { EXP_HIGH, EXP_LOW } from '../../src/numbers.js';
import { wgsl, wgslFloat } from '../wgsl.js';

const f = (x: number) => wgslFloat(x);

export const numbers = wgsl`
const MIN_NORMAL = 1.1754943508222875e-38f;

fn fround(x: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(x) ^ params.zero);
}

// x != x is false for NaN on the devices we measured; only the bits tell.
fn is_nan_bits(bits: u32) -> bool {
  return (bits & 0x7fffffffu) > 0x7f800000u;
}

// Unsigned integers in the order of the scores; -0 and 0 share a key.
fn key_of_bits(bits: u32) -> u32 {
  if (bits == 0x80000000u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
}

fn score_of_key(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key & 0x80000000u) != 0u));
}

// e^x: x = k ln 2 + r; e^r by Horner's rule; 2^k from bits.
fn exp32(x: f32) -> f32 {
  var y = ${f(EXP_LOW)};
  if (x > ${f(EXP_LOW)}) { y = select(${f(EXP_HIGH)}, x, x < ${f(EXP_HIGH)}); }
  if (is_nan_bits(bitcast<u32>(x))) { y = ${f(EXP_LOW)}; }
  let k = floor(fround(y * ${f(1.4426950408889634)}) + 0.5);
  let r = fround(y - fround(k * ${f(0.693359375)})) - fround(k * ${f(-2.1219444005469057e-4)});
  var p = fround(${f(1 / 5040)} * r) + ${f(1 / 720)};
  p = fround(p * r) + ${f(1 / 120)};
  p = fround(p * r) + ${f(1 / 24)};
  p = fround(p * r) + ${f(1 / 6)};
  p = fround(p * r) + 0.5;
  p = fround(p * r) + 1.0;
  p = fround(p * r) + 1.0;
  return fround(p * bitcast<f32>(u32(i32(k) + 127) << 23u));
}

// 1/x by Newton steps on the mantissa from a guess made of bits.
fn reciprocal32(x: f32) -> f32 {
  let bits = bitcast<u32>(x);
  let mantissa = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
  var y = bitcast<f32>(0x7ef311c7u - bitcast<u32>(mantissa));
  for (var i = 0; i < 4; i++) {
    y = y + fround(y * fround(1.0 - fround(mantissa * y)));
  }
  return fround(y * bitcast<f32>((254u - (bits >> 23u)) << 23u));
}

fn sigmoid32(x: f32) -> f32 {
  return reciprocal32(1.0 + exp32(select(80.0, -x, x > -80.0)));
}
`;

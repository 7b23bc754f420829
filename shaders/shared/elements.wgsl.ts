// Elements of a tensor as float32 bits, whatever it is made of. Twin: src/cpu/elements.ts.

import { wgsl } from '../wgsl.js';

/** A half's bits to those of a float32. */
export const halfToFloatBits = wgsl`
fn half_to_float_bits(half: u32) -> u32 {
  let sign = (half & 0x8000u) << 16u;
  let exponent = (half >> 10u) & 31u;
  let mantissa = half & 1023u;
  if (exponent == 31u) { return sign | 0x7f800000u | (mantissa << 13u); }
  if (exponent != 0u) { return sign | ((exponent + 112u) << 23u) | (mantissa << 13u); }
  if (mantissa == 0u) { return sign; }
  let shift = 10u - firstLeadingBit(mantissa); // a denormal half is a normal float
  return sign | ((113u - shift) << 23u) | (((mantissa << shift) & 1023u) << 13u);
}
`;

/** A function that reads the bits of element i of a tensor as a float32. */
export function reader(name: string, half: boolean): string {
	return wgsl`
fn ${name}_bits(i: u32) -> u32 {
  #if ${half}
  return half_to_float_bits((${name}[i >> 1u] >> ((i & 1u) * 16u)) & 0xffffu);
  #else
  return ${name}[i];
  #endif
}
`;
}

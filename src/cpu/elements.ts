// Single elements of a head's tensors: float32 or float16, as numbers and as float32 bits.

import type { LevelValues } from '../layout.js';
import { bitsToFloat, floatBits, halfToFloat } from '../numbers.js';
import type { CpuTensor } from '../tensors.js';

/** The bits of element i as a float32. */
export function elementBits(tensor: CpuTensor, i: number): number {
	if (tensor.type === 'float16') return halfAsFloatBits(tensor.data[i]);
	return new Uint32Array(tensor.data.buffer, tensor.data.byteOffset + i * 4, 1)[0];
}

/** Element i as a number. */
export function numberAt(tensor: CpuTensor, i: number): number {
	return bitsToFloat(elementBits(tensor, i));
}

/** A half's value as float32 bits; a NaN stays a NaN. */
function halfAsFloatBits(half: number): number {
	return (half & 0x7fff) > 0x7c00 ? 0x7fc00000 : floatBits(halfToFloat(half));
}

/** The anchor of a cell that came with the call: four numbers, xyxy. */
export function givenAnchor(tensor: CpuTensor, level: LevelValues, image: number, cell: number): Float32Array {
	const at = level.anchor_base + image * level.anchor_image + cell * level.anchor_cell;
	return Float32Array.from({ length: 4 }, (_, c) => numberAt(tensor, at + c * level.anchor_channel));
}

// float32 -> IEEE half bits, round to nearest even: for tests that make float16 tensors.

export function floatToHalf(x: number): number {
	if (Number.isNaN(x)) return 0x7e00;
	const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
	const magnitude = Math.abs(x);
	if (magnitude >= 65520) return sign | 0x7c00;
	// the spacing of halfs around the number; below 2^-14 it stays that of the denormals
	const spacing = 2 ** (Math.max(-14, Math.floor(Math.log2(magnitude || 1e-30))) - 10);
	const steps = magnitude / spacing;
	const low = Math.floor(steps);
	const rest = steps - low;
	const rounded = (rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low) * spacing;
	if (rounded < 2 ** -14) return sign | Math.round(rounded * 2 ** 24);
	const exponent = Math.floor(Math.log2(rounded));
	return sign | ((exponent + 15) << 10) | Math.round((rounded / 2 ** exponent - 1) * 1024);
}

// The one typed door to wgsl-preprocessor. The preprocessor interpolates whatever it is given; this door lets through
// only text, booleans (for #if) and integers, so undefined, floats in locale form and user text cannot reach a shader.

import { wgsl as preprocess } from 'wgsl-preprocessor/wgsl-preprocessor.js';

/** What may stand in a shader template: chunks of WGSL, `#if` conditions, integers. Floats go through `wgslFloat`. */
export type WgslValue = string | boolean | number;

/** A WGSL template with `#if ${condition}`, `#elif`, `#else`, `#endif`. */
export function wgsl(strings: TemplateStringsArray, ...values: WgslValue[]): string {
	values.forEach((value, i) => {
		const ok = typeof value === 'string' || typeof value === 'boolean' || (Number.isInteger(value) && Math.abs(value as number) < 2 ** 32);
		if (!ok) throw new TypeError(`wgsl: value ${i} after "${strings[i].slice(-40)}" must be text, a boolean or an integer; got ${String(value)}`);
	});
	return preprocess(strings, ...values);
}

/** A finite float32 as a WGSL literal, the same text whatever the locale: 1.0, 1e-7, 1e+21, -0.0. */
export function wgslFloat(x: number): string {
	if (!Number.isFinite(x)) throw new RangeError(`wgslFloat: x must be finite; got ${x}`);
	if (Object.is(x, -0)) return '-0.0';
	const text = String(Math.fround(x));
	return /[.e]/.test(text) ? text : `${text}.0`;
}

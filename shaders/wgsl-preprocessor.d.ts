// wgsl-preprocessor 1.0.1 ships no types and no entry; only this one export is used, by wgsl.ts.
declare module 'wgsl-preprocessor/wgsl-preprocessor.js' {
	export function wgsl(strings: TemplateStringsArray, ...values: unknown[]): string;
}

// What the bench uses of the package: a checkout without the bench's packages has no types of it.

declare module '@tensorflow/tfjs-backend-wasm' {
	export function setWasmPaths(folder: string): void;
	export function getThreadsCount(): number;
}

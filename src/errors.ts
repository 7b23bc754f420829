// Errors a caller may have to tell apart. Everything else is a TypeError (wrong kind) or a RangeError (wrong value)
// whose text says what, got, expected and the remedy.

/** The reasons a KedgeError is raised for. */
export type KedgeErrorCode =
	| 'DEVICE_LOST' // the GPU went away; the pending call has no result
	| 'OUT_OF_MEMORY' // a GPU buffer could not be made
	| 'DISPOSED' // used after dispose()
	| 'NO_WEBGPU' // a GPU backend was asked for where there is none
	| 'SHADER' // the driver refused a shader
	| 'BAD_FILE' // a file of labels is broken, or beyond a limit
	| 'GPU_VALIDATION'; // WebGPU refused a buffer or a command, usually the caller's

/** An error with a `code`, for the cases a program reacts to. `cause` holds what the platform said. */
export class KedgeError extends Error {
	readonly code: KedgeErrorCode;
	constructor(code: KedgeErrorCode, message: string, options?: { cause?: unknown }) {
		super(message, options);
		this.name = 'KedgeError';
		this.code = code;
	}
}

/** What is shown of a rejected value: short, unambiguous, never the whole array. */
export function show(value: unknown): string {
	if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
	if (value === null || value === undefined || typeof value === 'boolean') return String(value);
	if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
	if (typeof value === 'bigint') return `${value}n`;
	if (ArrayBuffer.isView(value)) return `${value.constructor.name} of length ${(value as Uint8Array).length}`;
	if (Array.isArray(value)) {
		const flat = value.length <= 8 && value.every((v) => typeof v === 'number' || typeof v === 'string');
		return flat ? `[${value.join(', ')}]` : `array of length ${value.length}`;
	}
	if (typeof value === 'function') return 'a function';
	return Object.prototype.toString.call(value).slice(8, -1);
}

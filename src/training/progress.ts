// Long work in a page: it pauses now and then, so that the page goes on, and hears at each pause whether it is still wanted.

import { checkMethods, refuse } from '../checks.js';

/** Options of every function of the wing that takes its time. */
export interface LongWork<Progress> {
	/** Ends the work early: it rejects with the signal's reason, an AbortError unless you gave another. */
	signal?: AbortSignal;
	/** Hears how far the work is, now and then. */
	onProgress?: (progress: Progress) => void;
}

/** Checks both. */
export function checkLongWork<Progress>(where: string, read: { signal?: unknown; onProgress?: unknown }): LongWork<Progress> {
	const { signal, onProgress } = read;
	if (signal !== undefined) checkMethods(where, 'signal', signal, 'an AbortSignal', ['addEventListener', 'throwIfAborted']);
	if (onProgress !== undefined && typeof onProgress !== 'function') refuse(TypeError, where, 'onProgress', 'must be a function', onProgress);
	return { signal: signal as AbortSignal | undefined, onProgress: onProgress as LongWork<Progress>['onProgress'] };
}

/** Milliseconds of work between two pauses: a page that misses two frames still feels alive. */
const SLICE = 30;

/** Says when it is time to pause. */
export class Pauses {
	readonly #signal: AbortSignal | undefined;
	#last = performance.now();

	constructor(signal: AbortSignal | undefined) {
		this.#signal = signal;
	}

	get due(): boolean {
		return performance.now() - this.#last > SLICE;
	}

	/** Lets others run; throws when the work is no longer wanted. */
	async take(): Promise<void> {
		await new Promise((resolve) => setTimeout(resolve));
		this.#signal?.throwIfAborted();
		this.#last = performance.now();
	}
}

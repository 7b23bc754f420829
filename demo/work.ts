// The page's side of the worker: a call is a promise with progress, and may be cancelled. A worker that does not come back
// soon after it was asked to stop is ended, and another one started.

import { complain, say } from './page.js';
import type { Reply, Task } from './serve.js';

interface Waiting {
	readonly message: { readonly id: number; readonly task: PropertyKey; readonly input: unknown };
	resolve(value: never): void;
	reject(error: unknown): void;
	progress?: (value: never) => void;
}

/** What a cancelled call is rejected with. */
export class Cancelled extends Error {
	constructor() {
		super('cancelled');
	}
}

/** Starts what a control asks for. What goes wrong is shown, unless it was cancelled: that is no problem. */
export function attempt(act: () => Promise<void>): void {
	complain();
	act().catch((error: unknown) => {
		if (error instanceof Cancelled) return;
		console.error(error);
		complain(error);
		say('Stopped.');
	});
}

/** Work that is done beside the page, in a worker that serves these tasks. */
export class Work<Tasks extends Record<keyof Tasks, Task>> {
	#worker: Worker | undefined;
	#next = 1;
	readonly #waiting = new Map<number, Waiting>();
	readonly #open: () => Worker;
	readonly #patience: number;

	/**
	 * @param open Makes a worker. The bundler wants to read `new Worker(new URL(...))` where the page is.
	 * @param patience Milliseconds that a cancelled call may take to come back.
	 */
	constructor(open: () => Worker, patience = 2000) {
		this.#open = open;
		this.#patience = patience;
	}

	/** Whether anything is going on. */
	get busy(): boolean {
		return this.#waiting.size > 0;
	}

	/** Runs a task; rejects with `Cancelled` after `cancel`. */
	call<T extends keyof Tasks>(task: T, input: Tasks[T]['input'], progress?: (value: Tasks[T]['progress']) => void): Promise<Tasks[T]['output']> {
		this.#worker ??= this.#start();
		const id = this.#next++;
		const message = { id, task, input };
		this.#worker.postMessage(message);
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, { message, resolve, reject, progress } as Waiting);
		});
	}

	/** Ends all calls that are going on; those made after it go on. */
	cancel(): void {
		const ids = [...this.#waiting.keys()];
		for (const id of ids) this.#worker?.postMessage({ id, cancel: true });
		const worker = this.#worker;
		setTimeout(() => {
			const stuck = ids.filter((id) => this.#waiting.has(id));
			if (worker !== this.#worker || stuck.length === 0) return;
			worker?.terminate();
			for (const id of stuck) {
				this.#waiting.get(id)?.reject(new Cancelled());
				this.#waiting.delete(id);
			}
			this.#worker = this.#waiting.size > 0 ? this.#start() : undefined;
			for (const { message } of this.#waiting.values()) this.#worker?.postMessage(message);
		}, this.#patience);
	}

	#start(): Worker {
		const worker = this.#open();
		worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
			const waiting = this.#waiting.get(data.id);
			if (!waiting) return;
			if ('progress' in data) {
				waiting.progress?.(data.progress as never);
				return;
			}
			this.#waiting.delete(data.id);
			if ('error' in data) waiting.reject(data.cancelled ? new Cancelled() : new Error(data.error));
			else waiting.resolve(data.output as never);
		});
		worker.addEventListener('error', (event) => {
			this.#worker = undefined;
			this.#failAll(new Error(`worker: could not go on; got ${event.message || 'no reason'}`));
		});
		return worker;
	}

	#failAll(error: Error): void {
		for (const waiting of this.#waiting.values()) waiting.reject(error);
		this.#waiting.clear();
	}
}

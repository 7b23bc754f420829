// The worker's side of work beside a page: a message is a task with its input; answers are progress, and then an output or an
// error. Cancelling aborts the task's signal.

/** What a task takes and gives. */
export interface Task {
	readonly input: unknown;
	readonly progress: unknown;
	readonly output: unknown;
}

/** What the worker answers. */
export type Reply =
	| { readonly id: number; readonly progress: unknown }
	| { readonly id: number; readonly output: unknown }
	| { readonly id: number; readonly error: string; readonly cancelled: boolean };

/** What a running task has of its call. */
export interface Context<P = unknown> {
	readonly signal: AbortSignal;
	progress(value: P): void;
}

/** Does the tasks that the page calls for, in this worker. */
export function serve<Tasks extends Record<keyof Tasks, Task>>(
	tasks: {
		[T in keyof Tasks]: (input: Tasks[T]['input'], context: Context<Tasks[T]['progress']>) => Promise<Tasks[T]['output']>;
	},
): void {
	const running = new Map<number, AbortController>();
	self.addEventListener('message', async ({ data }: MessageEvent) => {
		if (data.cancel) {
			running.get(data.id)?.abort();
			return;
		}
		const { id, task, input } = data as { id: number; task: keyof Tasks; input: never };
		const controller = new AbortController();
		running.set(id, controller);
		const answer = (reply: Reply) => self.postMessage(reply);
		try {
			const output = await tasks[task](input, { signal: controller.signal, progress: (progress) => answer({ id, progress }) });
			answer({ id, output });
		} catch (error) {
			answer({ id, error: error instanceof Error ? error.message : String(error), cancelled: controller.signal.aborted });
		} finally {
			running.delete(id);
		}
	});
}

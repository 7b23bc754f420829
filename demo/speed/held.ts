// How long a frame keeps the thread that asks for it: all of its time but that in which it only waits for the GPU. The
// promises for which it waits are WebGPU's, so these are listened to.

type Methods = Record<string, (...args: unknown[]) => unknown>;

/** What is waited for. */
const waits = () =>
	[
		[GPUBuffer.prototype, 'mapAsync'],
		[GPUDevice.prototype, 'popErrorScope'],
		[GPUQueue.prototype, 'onSubmittedWorkDone'],
	] as unknown as [Methods, string][];

/** Milliseconds of one frame. From its call's return on, waiting does not count. */
export async function heldBy(frame: () => Promise<unknown>): Promise<number> {
	let pending = 0;
	let since = 0;
	let waited = 0;
	let returned = Number.POSITIVE_INFINITY;
	const watch = (promise: Promise<unknown>) => {
		if (pending++ === 0) since = performance.now();
		return promise.finally(() => {
			if (--pending === 0) waited += Math.max(0, performance.now() - Math.max(since, returned));
		});
	};
	const restore = waits().map(([owner, name]) => {
		const original = owner[name];
		owner[name] = function (this: unknown, ...args) {
			return watch(original.apply(this, args) as Promise<unknown>);
		};
		return () => {
			owner[name] = original;
		};
	});
	try {
		const begun = performance.now();
		const done = frame();
		returned = performance.now();
		await done;
		return performance.now() - begun - waited;
	} finally {
		for (const back of restore) back();
	}
}

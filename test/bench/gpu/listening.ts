// What a frame does, counted by listening in on the environment's own WebGPU: submits, passes, maps, bytes read back, objects
// created, bytes of buffers made and freed, and how long the main thread works in wall time, submit() told apart.

/** What happened during a frame. */
export interface Counts {
	submits: number;
	passes: number;
	maps: number;
	bytesMapped: number;
	objects: number;
	/** Milliseconds of the frame not spent waiting for the GPU, without those inside submit(). */
	script: number;
	/** Milliseconds inside submit(). */
	submit: number;
}

export type Methods = Record<string, (...args: unknown[]) => unknown>;

/** Replaces a method by `made(original)`; returns the way back. */
function replace(owner: object, name: string, made: (original: Methods[string]) => Methods[string]): () => void {
	const methods = owner as Methods;
	const original = methods[name];
	methods[name] = made(original);
	return () => {
		methods[name] = original;
	};
}

/** Tells of each call of a method; what `heard` gives takes the place of the result. */
export function listen(owner: object, name: string, heard: (args: unknown[], result: unknown, self: unknown) => unknown): () => void {
	return replace(
		owner,
		name,
		(original) =>
			function (this: unknown, ...args) {
				const result = original.apply(this, args);
				return heard(args, result, this) ?? result;
			},
	);
}

/** Sums the time during which something is waited for and nothing else is to be done. */
class Waits {
	#pending = 0;
	#since = 0;
	total = 0;
	/** From then on waiting counts: before, the frame is still being submitted. */
	from = Number.POSITIVE_INFINITY;

	/** Counts until the promise settles; gives what the frame is to wait for instead. */
	watch<T>(promise: Promise<T>): Promise<T> {
		if (this.#pending++ === 0) this.#since = performance.now();
		return promise.finally(() => {
			if (--this.#pending === 0) this.total += Math.max(0, performance.now() - Math.max(this.#since, this.from));
		});
	}
}

/** Counts while `frame` runs. */
export async function count(frame: () => Promise<unknown>): Promise<Counts> {
	const counts: Counts = { submits: 0, passes: 0, maps: 0, bytesMapped: 0, objects: 0, script: 0, submit: 0 };
	const waits = new Waits();
	const creators = Object.getOwnPropertyNames(GPUDevice.prototype).filter((name) => name.startsWith('create') && name !== 'createCommandEncoder');
	const restore = [
		replace(
			GPUQueue.prototype,
			'submit',
			(original) =>
				function (this: unknown, ...args) {
					const begun = performance.now();
					const result = original.apply(this, args);
					counts.submit += performance.now() - begun;
					counts.submits++;
					return result;
				},
		),
		listen(GPUCommandEncoder.prototype, 'beginComputePass', () => void counts.passes++),
		listen(GPUBuffer.prototype, 'getMappedRange', (_, range) => {
			counts.bytesMapped += (range as ArrayBuffer).byteLength;
		}),
		listen(GPUBuffer.prototype, 'mapAsync', (_, mapped) => {
			counts.maps++;
			return waits.watch(mapped as Promise<void>);
		}),
		listen(GPUDevice.prototype, 'popErrorScope', (_, popped) => waits.watch(popped as Promise<unknown>)),
		...creators.map((name) => listen(GPUDevice.prototype, name, () => void counts.objects++)),
	];
	try {
		const begun = performance.now();
		const done = frame();
		waits.from = performance.now();
		await done;
		counts.script = performance.now() - begun - waits.total - counts.submit;
	} finally {
		for (const back of restore) back();
	}
	return counts;
}

/** Adds up the buffers that are made and not destroyed while it listens. */
export class BufferBook {
	readonly #sizes = new Map<object, number>();
	readonly #restore: readonly (() => void)[];

	constructor() {
		this.#restore = [
			listen(GPUDevice.prototype, 'createBuffer', (_, buffer) => void this.#sizes.set(buffer as object, (buffer as GPUBuffer).size)),
			listen(GPUBuffer.prototype, 'destroy', (_args, _result, self) => void this.#sizes.delete(self as object)),
		];
	}

	/** Bytes of the buffers that are alive. */
	get bytes(): number {
		return [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
	}

	close(): void {
		for (const back of this.#restore) back();
	}
}

/** The worst frame in counts; of times the first quartile, for other work only adds to them. */
export function worst(all: readonly Counts[], firstQuartile: (samples: readonly number[]) => number): Counts {
	const of = (key: keyof Counts) => all.map((one) => one[key]);
	const most = (key: keyof Counts) => Math.max(...of(key));
	return {
		submits: most('submits'),
		passes: most('passes'),
		maps: most('maps'),
		bytesMapped: most('bytesMapped'),
		objects: most('objects'),
		script: firstQuartile(of('script')),
		submit: firstQuartile(of('submit')),
	};
}

// Runs GPU tests one after another on one shared device with default limits. A device that was lost, or on which a test
// hung, is replaced. An uncaptured error or an unhandled rejection fails the test during which it came.

import { type Engine, type GpuTest, runGpuTest } from './gpu-suite.js';

export interface GpuResult {
	name: string;
	ok: boolean;
	milliseconds: number;
	/** Why it failed, with the stack. */
	error?: string;
}

/** How long the GPU may take to come to rest after a test, in milliseconds. */
const SETTLE_LIMIT = 10_000;

export class GpuSession {
	private device: GPUDevice | undefined;
	private readonly stray: string[] = [];
	/** Kept alive: Deno panics when device.adapterInfo is read after its adapter was collected. */
	private readonly adapters: GPUAdapter[] = [];

	constructor(
		readonly engine: Engine,
		readonly gpu: GPU,
	) {}

	/** Something went wrong outside a test's own promise: counts against the running test. */
	blame(reason: unknown): void {
		this.stray.push(text(reason));
	}

	/** What the tests run on, in words. Throws with the remedy when there is no adapter. */
	async describe(): Promise<string> {
		const { info } = await this.adapter();
		return [info.description || info.vendor, info.architecture].filter(Boolean).join(', ') || 'unnamed adapter';
	}

	async run(test: GpuTest): Promise<GpuResult> {
		const start = performance.now();
		const failures: string[] = [];
		try {
			this.device ??= await this.open();
			await runGpuTest(test, { engine: this.engine, gpu: this.gpu, device: this.device });
		} catch (error) {
			failures.push(text(error));
		}
		// Errors of commands in flight arrive late; wait for them, but not for ever.
		const settled = await within(SETTLE_LIMIT, this.device?.queue.onSubmittedWorkDone());
		failures.push(...this.stray.splice(0));
		if (!settled || failures.some((f) => f.includes('hung: '))) this.device = undefined;
		return { name: test.name, ok: failures.length === 0, milliseconds: performance.now() - start, error: failures.join('\n') || undefined };
	}

	private async adapter(): Promise<GPUAdapter> {
		const adapter = await this.gpu.requestAdapter();
		if (!adapter) {
			throw new Error(
				`${this.engine}: requestAdapter() gave null; install Chromium, whose software adapter (SwiftShader) the tests use, or set KEDGE_ADAPTER=hardware`,
			);
		}
		return adapter;
	}

	private async open(): Promise<GPUDevice> {
		const adapter = await this.adapter();
		this.adapters.push(adapter);
		const device = await adapter.requestDevice();
		// kedge takes other pieces (layout.ts, SIZES) where it is told that the adapter computes on the CPU. It is told so in Chromium;
		// Deno is not asked (device.ts), and here the device keeps quiet: both run what a GPU would.
		if (this.engine === 'dawn') Object.defineProperty(device, 'adapterInfo', { value: undefined });
		device.addEventListener('uncapturederror', (event) => {
			event.preventDefault();
			if (device === this.device) this.blame(`uncaptured ${event.error.constructor.name}: ${event.error.message}`);
		});
		void device.lost.then(() => {
			if (device === this.device) this.device = undefined;
		});
		return device;
	}
}

/** True when the promise settled in time, whichever way: a lost device rejects, and that is the test's own affair. */
async function within(milliseconds: number, promise: Promise<unknown> | undefined): Promise<boolean> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const late = new Promise<boolean>((resolve) => {
		timer = setTimeout(() => resolve(false), milliseconds);
	});
	const done = Promise.resolve(promise).then(
		() => true,
		() => true,
	);
	return Promise.race([done, late]).finally(() => clearTimeout(timer));
}

function text(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	return error.stack?.includes(error.message) ? error.stack : `${error.name}: ${error.message}\n${error.stack ?? ''}`;
}

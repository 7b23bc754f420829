// One suite of GPU tests for every engine. A test file calls gpuTest(); Dawn in Node, naga in Deno and Chromium
// each load the same files, hand every test a device, and report. No engine's own test API is used here.

export type Engine = 'dawn' | 'naga' | 'chromium';

/** What a GPU test is given. The device has default limits and is shared; tests destroy what they create. */
export interface GpuContext {
	engine: Engine;
	gpu: GPU;
	device: GPUDevice;
}

export interface GpuTest {
	name: string;
	body(context: GpuContext): Promise<void>;
	timeout: number;
}

/** Every registered test, in file order. */
export const gpuTests: GpuTest[] = [];

/** Registers a test that runs on all engines. A test that hangs fails after `timeout` ms with its name. */
export function gpuTest(name: string, body: (context: GpuContext) => Promise<void>, timeout = 60_000): void {
	if (gpuTests.some((t) => t.name === name)) throw new Error(`gpuTest: two tests are called ${JSON.stringify(name)}`);
	gpuTests.push({ name, body, timeout });
}

/** Runs one test inside an error scope and a time limit; throws what went wrong, a validation error beside a failed assertion. */
export async function runGpuTest(test: GpuTest, context: GpuContext): Promise<void> {
	let timer: ReturnType<typeof setTimeout> | undefined;
	const late = new Promise<never>((_, reject) => {
		timer = setTimeout(() => reject(new Error(`hung: no result after ${test.timeout} ms`)), test.timeout);
	});
	context.device.pushErrorScope('validation');
	let failure: unknown;
	try {
		await Promise.race([test.body(context), late]);
	} catch (error) {
		failure = error ?? new Error('the test threw nothing');
	} finally {
		clearTimeout(timer);
	}
	const refused = await context.device.popErrorScope();
	if (refused) throw new Error(`WebGPU validation error: ${refused.message}`, { cause: failure });
	if (failure) throw failure;
}

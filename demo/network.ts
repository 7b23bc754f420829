// A network in onnxruntime-web: loads the file, checks that a picture can go in, names the head that reads what comes
// out. On WebGPU the outputs stay on the GPU, on the device that kedge then shares.

import { checkWebGPU, type Head, inferHead } from 'kedge';
import { deviceOf } from 'kedge/onnxruntime';
import type * as ort from 'onnxruntime-web';

/** The runtime's build for a place to run: 14 MB of wasm, or 27 MB with WebGPU, so only the one that is wanted is fetched. */
async function loadRuntime(runtime: 'webgpu' | 'wasm'): Promise<typeof ort> {
	const module = runtime === 'webgpu' ? await import('onnxruntime-web/webgpu') : await import('onnxruntime-web/wasm');
	// One thread: more would need cross-origin isolation, which a plain web server does not give.
	module.env.wasm.numThreads = 1;
	module.env.logLevel = 'error';
	return module;
}

/** Largest file that is read, and largest input that is allocated. */
const MAX_BYTES = 512 * 2 ** 20;
const MAX_SIDE = 4096;
/** Input side where the file leaves it open. */
const OPEN_SIDE = 640;

/** The outputs of one run; dispose of them when their results are no longer wanted. */
export type NetworkOutputs = Readonly<Record<string, ort.Tensor>>;

/** A network ready to run. */
export interface Network {
	readonly name: string;
	readonly head: Head;
	/** The call that makes the head, as source text. */
	readonly call: string;
	/** [height, width]. */
	readonly inputSize: readonly [number, number];
	readonly runtime: 'webgpu' | 'wasm';
	readonly reason: string;
	/** The device the outputs are on; undefined on wasm. */
	readonly device: GPUDevice | undefined;
	/** "output0 [1, 8, 2100]" */
	readonly outputs: string;
	/** Runs on RGB planes, and waits until the GPU has finished. */
	run(input: Float32Array): Promise<NetworkOutputs>;
	release(): Promise<void>;
}

/** Where the network runs: what was asked for, or WebGPU where there is a real GPU. */
export async function chooseRuntime(asked: 'auto' | 'webgpu' | 'wasm'): Promise<{ runtime: 'webgpu' | 'wasm'; reason: string }> {
	if (asked === 'wasm') return { runtime: 'wasm', reason: 'it was asked for' };
	const report = await checkWebGPU();
	if (asked === 'webgpu') {
		if (report.available) return { runtime: 'webgpu', reason: 'it was asked for' };
		return { runtime: 'wasm', reason: `WebGPU was asked for but cannot be used here: ${report.reason}` };
	}
	if (!report.available) return { runtime: 'wasm', reason: `WebGPU cannot be used here: ${report.reason}` };
	if (report.software) return { runtime: 'wasm', reason: 'the WebGPU adapter is a software one' };
	return { runtime: 'webgpu', reason: 'there is a GPU' };
}

/**
 * Loads a network.
 * @param file The bytes of an .onnx file; may be anything.
 * @returns The network, or an error that says what is wrong with the file, its input or its outputs.
 */
export async function loadNetwork(file: Uint8Array, name: string, asked: 'auto' | 'webgpu' | 'wasm'): Promise<Network> {
	if (file.byteLength === 0) throw new RangeError('network: must not be empty; got 0 bytes');
	if (file.byteLength > MAX_BYTES) throw new RangeError(`network: must have ${MAX_BYTES} bytes at most; got ${file.byteLength}`);
	const { runtime, reason } = await chooseRuntime(asked);
	const { Tensor, InferenceSession, env } = await loadRuntime(runtime);
	const session = await openSession(InferenceSession, file, runtime);
	try {
		const { inputName, inputSize } = readInput(session);
		const device = runtime === 'webgpu' ? await deviceOf({ env }) : undefined;
		const run = async (input: Float32Array): Promise<NetworkOutputs> => {
			const [height, width] = inputSize;
			const outputs = await session.run({ [inputName]: new Tensor('float32', input, [1, 3, height, width]) });
			// run() only submits the work; without this the time would be charged to what comes next.
			await device?.queue.onSubmittedWorkDone();
			return outputs;
		};
		const shapes = await outputShapes(session, () => run(new Float32Array(3 * inputSize[0] * inputSize[1])));
		const outputs = Object.entries(shapes)
			.map(([output, dims]) => `${output} [${dims.join(', ')}]`)
			.join(', ');
		const { head, call } = findHead(shapes, inputSize, outputs);
		return { name, head, call, inputSize, runtime, reason, device, outputs, run, release: () => session.release() };
	} catch (error) {
		await session.release();
		throw error;
	}
}

async function openSession(factory: ort.InferenceSessionFactory, file: Uint8Array, runtime: 'webgpu' | 'wasm'): Promise<ort.InferenceSession> {
	try {
		const options: ort.InferenceSession.SessionOptions = { executionProviders: [runtime], graphOptimizationLevel: 'all', logSeverityLevel: 3 };
		if (runtime === 'webgpu') options.preferredOutputLocation = 'gpu-buffer';
		return await factory.create(file, options);
	} catch (error) {
		const said = error instanceof Error ? error.message : String(error);
		throw new TypeError(`network: must be an ONNX file that onnxruntime-web can load; it said: ${said.slice(0, 240)}`, { cause: error });
	}
}

/** The one input: a picture, [1, 3, height, width] in float32. Looked at before anything of its size is allocated. */
function readInput(session: ort.InferenceSession): { inputName: string; inputSize: readonly [number, number] } {
	const described = session.inputMetadata.map((input) => (input.isTensor ? `${input.name} ${input.type} [${input.shape.join(', ')}]` : input.name)).join(', ');
	const fail = (rule: string) => new TypeError(`network: input ${rule}; got ${described.slice(0, 240)}`);
	const [input] = session.inputMetadata;
	if (session.inputMetadata.length !== 1 || !input.isTensor) throw fail('must be one tensor');
	if (input.type !== 'float32') throw fail('must be float32');
	const [batch, channels, height, width] = input.shape.map((d) => (typeof d === 'number' && d > 0 ? d : undefined));
	if (input.shape.length !== 4 || (batch ?? 1) !== 1 || (channels ?? 3) !== 3) throw fail('must be [1, 3, height, width]');
	const inputSize = [height ?? OPEN_SIDE, width ?? OPEN_SIDE] as const;
	if (Math.max(...inputSize) > MAX_SIDE)
		throw new RangeError(`network: input must have ${MAX_SIDE} x ${MAX_SIDE} pixels at most; got ${described.slice(0, 240)}`);
	return { inputName: input.name, inputSize };
}

/** Shapes as the file states them; where it leaves a dimension open, a run on a black picture tells. */
async function outputShapes(session: ort.InferenceSession, tryRun: () => Promise<NetworkOutputs>): Promise<Record<string, number[]>> {
	const stated = session.outputMetadata.map((output) => [output.name, output.isTensor ? [...output.shape] : []] as const);
	if (stated.every(([, dims]) => dims.length > 0 && dims.every((d) => typeof d === 'number' && d > 0)))
		return Object.fromEntries(stated) as Record<string, number[]>;
	const outputs = await tryRun();
	return Object.fromEntries(
		Object.entries(outputs).map(([name, tensor]) => {
			const dims = [...tensor.dims];
			tensor.dispose();
			return [name, dims];
		}),
	);
}

/** The one head that reads these outputs; an error with kedge's reasons when there is none, or more than one. */
function findHead(shapes: Record<string, number[]>, inputSize: readonly [number, number], outputs: string): { head: Head; call: string } {
	const found = inferHead(shapes, { inputSize });
	if (found.head) return found;
	throw new TypeError(`network: its outputs must fit one head of kedge; got ${outputs.slice(0, 240)}: ${found.reason}`);
}

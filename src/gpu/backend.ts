// The GPU backend: one device and what was built on it. Loaded when a GPU is first wanted, so that a page that asks for
// the CPU never downloads a shader.

import type { SoftRule } from '../boxes/decay.js';
import type { OverlapRule } from '../boxes/overlap.js';
import { KedgeError } from '../errors.js';
import type { MaskJob, MaskOutput, MaskResults } from '../masks/job.js';
import { scoreOfKey } from '../numbers.js';
import type { CpuParts, GpuBackend, GpuJob, GpuPipeline, Kept, NmsInput, PairKind, PipelineOptions, SoftKept } from '../pipeline.js';
import type { CallParams } from '../plan.js';
import type { BoundTensor } from '../tensors.js';
import { adoptDevice, type Device, openDevice } from './device.js';
import { BoxIou } from './iou.js';
import { DeviceJob } from './job.js';
import { nmsHead, nmsTensors, withScoreRange } from './nms.js';
import { HeadPipeline } from './pipeline.js';
import { readTensorOn } from './transfer.js';

/** Opens a device, or takes the caller's. See GpuModule. */
export async function createGpuBackend(options: { device?: GPUDevice; gpu?: GPU; kind: 'webgpu' | 'hybrid'; cpu: CpuParts }): Promise<GpuBackend> {
	const device = options.device ? adoptDevice(options.device) : await openDevice(options.gpu);
	if (options.device) await device.settled();
	return new DeviceBackend(device, options.kind === 'hybrid', options.cpu);
}

class DeviceBackend implements GpuBackend {
	readonly #device: Device;
	readonly #hybrid: boolean;
	readonly #cpu: CpuParts;
	/** By what is fixed in their shaders. */
	readonly #nms = new Map<string, Promise<HeadPipeline>>();
	readonly #boxIou: BoxIou;
	#disposed = false;

	constructor(device: Device, hybrid: boolean, cpu: CpuParts) {
		this.#device = device;
		this.#hybrid = hybrid;
		this.#cpu = cpu;
		this.#boxIou = new BoxIou(device);
	}

	get device(): GPUDevice {
		return this.#device.gpu;
	}

	get adapterName(): string {
		return this.#device.adapter;
	}

	async createPipeline(options: PipelineOptions): Promise<GpuPipeline> {
		this.#assertUsable();
		return new HeadPipeline(this.#device, { ...options, hybrid: this.#hybrid, cpu: this.#cpu }).start();
	}

	async nms(input: NmsInput, call: CallParams, overlap: OverlapRule): Promise<Uint32Array> {
		return (await this.#suppress(input, call, overlap)).indices;
	}

	async softNms(input: NmsInput, call: CallParams, overlap: OverlapRule, soft: SoftRule): Promise<SoftKept> {
		const { indices, keys } = await this.#suppress(input, call, overlap, soft);
		return { indices, scores: Float32Array.from(keys, scoreOfKey) };
	}

	async #suppress(input: NmsInput, call: CallParams, overlap: OverlapRule, soft?: SoftRule): Promise<Kept> {
		this.#assertUsable();
		const withClasses = input.classIds !== undefined;
		const rotated = overlap.rotated !== undefined;
		const key = `${withClasses} ${overlap.rotated} ${overlap.fast} ${overlap.kind} ${overlap.pixelOffset} ${soft?.method} ${soft?.removal}`;
		let making = this.#nms.get(key);
		const copied = making ? input : { boxes: input.boxes.slice(), scores: input.scores.slice(), classIds: input.classIds?.slice() };
		if (!making) {
			const pipeline = new HeadPipeline(this.#device, {
				head: nmsHead(1, withClasses, rotated),
				multiLabel: false,
				suppression: 'blocked',
				overlap,
				soft,
				givenClasses: withClasses,
				growing: true,
				cpu: this.#cpu,
			});
			making = pipeline.start();
			this.#nms.set(key, making);
			making.catch(() => this.#nms.delete(key));
		}
		const pipeline = await making;
		const [kept] = await pipeline.run(nmsTensors(copied), 1, withScoreRange(call, copied.scores), nmsHead(copied.scores.length, withClasses, rotated));
		return kept;
	}

	async boxIou(boxesA: Float32Array, boxesB: Float32Array, kind: PairKind): Promise<Float32Array> {
		this.#assertUsable();
		return this.#boxIou.run(boxesA, boxesB, kind);
	}

	async assembleMasks(job: MaskJob): Promise<MaskResults[MaskOutput]> {
		this.#assertUsable();
		return (await import('./masks.js')).assembleOnGpu(this.#device, job);
	}

	openJob(name: string): GpuJob {
		this.#assertUsable();
		return new DeviceJob(this.#device, name);
	}

	#assertUsable(): void {
		if (this.#disposed) throw new KedgeError('DISPOSED', 'the backend was used after dispose()');
		this.#device.assertAlive();
	}

	dispose(): void {
		if (this.#disposed) return;
		this.#disposed = true;
		for (const making of this.#nms.values()) making.then((pipeline) => pipeline.dispose()).catch(() => undefined);
		this.#device.dispose();
	}
}

/** A raw tensor to CPU memory. */
export async function readTensor(device: GPUDevice, bound: BoundTensor, kept?: GPUBuffer[]): Promise<BoundTensor> {
	return readTensorOn(adoptDevice(device), bound, kept);
}

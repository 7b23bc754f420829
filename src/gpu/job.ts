// Work on the GPU beside the pipeline: whoever has a kernel brings its WGSL and its numbers, this runs it. A job owns its
// buffers, which stay from run to run; a run is one submit, one pass, and one map when something is read back.

import { KedgeError } from '../errors.js';
import type { Dispatch, GpuJob, JobBuffer, JobKernel, Kernel } from '../pipeline.js';
import { type Device, platformError } from './device.js';
import { createBuffer } from './slot.js';
import { compileStage, MAP_MODE_READ, type Stage, USAGE } from './stage.js';

/** WebGPU guarantees so many workgroups in one dimension of a dispatch. */
const MAX_WORKGROUPS = 65535;

export class DeviceJob implements GpuJob {
	readonly #name: string;
	readonly #device: Device;
	readonly #buffers = new Set<GPUBuffer>();
	/** Words not yet on their way: buffers are filled when a run needs them, inside its error scope. */
	readonly #pending = new Map<JobBuffer, Uint8Array>();
	readonly #made = new Map<JobBuffer, GPUBuffer>();
	#disposed = false;

	constructor(device: Device, name: string) {
		this.#device = device;
		this.#name = name;
	}

	get maxBindingBytes(): number {
		const { maxBufferSize, maxStorageBufferBindingSize } = this.#device.gpu.limits;
		return Math.min(maxBufferSize, maxStorageBufferBindingSize);
	}

	buffer(name: string, content: ArrayBufferView | number): JobBuffer {
		const buffer: JobBuffer = { name, byteLength: typeof content === 'number' ? content : content.byteLength };
		if (typeof content !== 'number') this.write(buffer, content);
		return buffer;
	}

	write(buffer: JobBuffer, content: ArrayBufferView): void {
		if (content.byteLength > buffer.byteLength || content.byteLength % 4)
			throw new RangeError(`${this.#name}: ${buffer.name} takes at most ${buffer.byteLength} bytes, a multiple of 4; got ${content.byteLength}`);
		this.#pending.set(buffer, new Uint8Array(content.buffer, content.byteOffset, content.byteLength).slice());
	}

	async compile(kernel: Kernel): Promise<JobKernel> {
		return compileStage(this.#device, kernel);
	}

	async run(dispatches: readonly Dispatch[], read: readonly JobBuffer[] = [], signal?: AbortSignal): Promise<ArrayBuffer[]> {
		if (this.#disposed) throw new KedgeError('DISPOSED', `${this.#name}: the job was disposed of`);
		signal?.throwIfAborted();
		const total = read.reduce((sum, { byteLength }) => sum + byteLength, 0);
		let staging: GPUBuffer | undefined;
		try {
			let mapped: Promise<void> | undefined;
			await this.#device.scoped(this.#name, () => {
				const encoder = this.#device.gpu.createCommandEncoder({ label: `kedge.${this.#name}` });
				this.#record(encoder, dispatches);
				if (total > 0) {
					staging = createBuffer(this.#device, `${this.#name}.staging`, total, USAGE.MAP_READ | USAGE.COPY_DST);
					let to = 0;
					for (const buffer of read) {
						encoder.copyBufferToBuffer(this.#get(buffer), 0, staging, to, buffer.byteLength);
						to += buffer.byteLength;
					}
				}
				this.#device.gpu.queue.submit([encoder.finish()]);
				mapped = staging?.mapAsync(MAP_MODE_READ);
				mapped?.catch(() => undefined);
			});
			if (!mapped || !staging) return [];
			await this.#device.race(mapped, signal, this.#name);
			const words = staging.getMappedRange(0, total);
			let from = 0;
			return read.map(({ byteLength }) => {
				from += byteLength;
				return words.slice(from - byteLength, from);
			});
		} catch (error) {
			throw platformError(this.#name, error);
		} finally {
			staging?.destroy();
		}
	}

	#record(encoder: GPUCommandEncoder, dispatches: readonly Dispatch[]): void {
		if (dispatches.length === 0) return;
		// Every write comes before the first dispatch, whatever the order of the map.
		const groups = dispatches.map(({ kernel, buffers }) => this.#group(kernel as Stage, buffers));
		const pass = encoder.beginComputePass({ label: `kedge.${this.#name}` });
		dispatches.forEach(({ kernel, workgroups }, i) => {
			pass.setPipeline((kernel as Stage).pipeline);
			pass.setBindGroup(0, groups[i]);
			pass.dispatchWorkgroups(Math.min(MAX_WORKGROUPS, Math.max(1, workgroups)));
		});
		pass.end();
	}

	#group({ spec, layout }: Stage, buffers: Readonly<Record<string, JobBuffer>>): GPUBindGroup {
		const entries = spec.bindings.map(([binding, kind, name]) => {
			const given = buffers[name];
			if (!given) throw new TypeError(`${this.#name}: ${spec.name} needs a buffer '${name}'; got ${Object.keys(buffers).join(', ')}`);
			return { binding, resource: { buffer: this.#get(given, kind === 'uniform') } };
		});
		return this.#device.gpu.createBindGroup({ label: `kedge.${spec.name}`, layout, entries });
	}

	/** The buffer on the device, made when it is first used, with what was written to it since. */
	#get(buffer: JobBuffer, uniform = false): GPUBuffer {
		let made = this.#made.get(buffer);
		if (!made) {
			const usage = uniform ? USAGE.UNIFORM | USAGE.COPY_DST : USAGE.STORAGE | USAGE.COPY_DST | USAGE.COPY_SRC;
			made = createBuffer(this.#device, `${this.#name}.${buffer.name}`, buffer.byteLength, usage);
			this.#buffers.add(made);
			this.#made.set(buffer, made);
		}
		const content = this.#pending.get(buffer);
		if (content) {
			this.#pending.delete(buffer);
			this.#device.gpu.queue.writeBuffer(made, 0, content as Uint8Array<ArrayBuffer>);
		}
		return made;
	}

	dispose(): void {
		this.#disposed = true;
		for (const buffer of this.#buffers) buffer.destroy();
		this.#buffers.clear();
		this.#made.clear();
		this.#pending.clear();
	}
}

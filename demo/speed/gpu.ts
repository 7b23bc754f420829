// The GPU of a run: one device for all contestants, and what they do on it besides kedge's own work.

import { type Backend, checkWebGPU, createBackend } from 'kedge';
import { reasonText } from './facts.js';
import type { AdapterFacts } from './report.js';

/** A device that all GPU contestants share. */
export interface Gpu {
	readonly backend: Backend;
	readonly device: GPUDevice;
	/** It computes on the CPU. */
	readonly software: boolean;
	/** Why it is gone; undefined while it lives. */
	lost: string | undefined;
}

/** What there is, without opening what stays open. */
export async function lookForGpu(): Promise<{ adapter?: AdapterFacts; noGpu?: string }> {
	const { available, reason, software } = await checkWebGPU();
	const adapter = available ? await navigator.gpu.requestAdapter().catch(() => null) : null;
	if (!adapter) return { noGpu: reasonText(reason ?? 'no-adapter') };
	const { vendor = '', architecture = '', device = '', description = '' } = adapter.info ?? {};
	return { adapter: { vendor, architecture, device, description, software, timestamps: adapter.features.has('timestamp-query') } };
}

/** Opens the device. Throws KedgeError NO_WEBGPU. */
export async function openGpu({ software }: AdapterFacts): Promise<Gpu> {
	const backend = await createBackend('webgpu', { onLost: 'error' });
	const gpu: Gpu = { backend, device: backend.device as GPUDevice, software, lost: undefined };
	gpu.device.lost.then(({ message, reason }) => {
		gpu.lost = message || reason || 'no reason is given';
	});
	return gpu;
}

/** The common way: copies a whole tensor into a mappable buffer, which is kept, waits, and goes on on the CPU. */
export class Download {
	readonly #device: GPUDevice;
	readonly #staging: GPUBuffer;

	constructor(device: GPUDevice, bytes: number) {
		this.#device = device;
		this.#staging = device.createBuffer({ label: 'download', size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
	}

	/** `use` has the tensor until its promise settles. */
	async read<T>(buffer: GPUBuffer, use: (data: Float32Array) => T | Promise<T>): Promise<T> {
		const encoder = this.#device.createCommandEncoder();
		encoder.copyBufferToBuffer(buffer, 0, this.#staging, 0, buffer.size);
		this.#device.queue.submit([encoder.finish()]);
		await this.#staging.mapAsync(GPUMapMode.READ);
		try {
			return await use(new Float32Array(this.#staging.getMappedRange()));
		} finally {
			this.#staging.unmap();
		}
	}

	dispose(): void {
		this.#staging.destroy();
	}
}

// The device that all GPU rows of the bench share, kedge's and the baselines': with timestamps where the adapter has them, and
// with the largest buffers it gives, so that a pipeline with N² memory is refused by the machine and not by a default.

import { checkWebGPU } from 'kedge';

/** What the figures were taken on. */
export interface AdapterFacts {
	readonly vendor: string;
	readonly architecture: string;
	readonly device: string;
	/** With the driver, where the platform tells it. */
	readonly description: string;
	/** It computes on the CPU: times say nothing of a GPU. */
	readonly software: boolean;
	readonly timestamps: boolean;
	/** Of a storage binding. */
	readonly maxBytes: number;
}

export interface BenchGpu {
	readonly device: GPUDevice;
	readonly facts: AdapterFacts;
}

/** Opens a device. Throws an Error with the remedy where there is no adapter. */
export async function openGpu(): Promise<BenchGpu> {
	const { gpu } = navigator;
	const adapter = await gpu?.requestAdapter({ powerPreference: 'high-performance' });
	if (!adapter)
		throw new Error('bench: no WebGPU adapter; install Chromium, whose software adapter is used, or set KEDGE_ADAPTER=hardware for the GPU of this machine');
	const { software } = await checkWebGPU(gpu);
	const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
	const timestamps = adapter.features.has('timestamp-query');
	const device = await adapter.requestDevice({
		label: 'bench',
		requiredFeatures: timestamps ? ['timestamp-query'] : [],
		requiredLimits: { maxStorageBufferBindingSize, maxBufferSize },
	});
	const { vendor, architecture, device: model, description } = adapter.info;
	return { device, facts: { vendor, architecture, device: model, description, software, timestamps, maxBytes: maxStorageBufferBindingSize } };
}

/** The adapter in a line. */
export function adapterLine({ vendor, architecture, device, description, software, timestamps }: AdapterFacts): string {
	const name = [vendor, architecture, device, description].filter((part, i, all) => part && all.indexOf(part) === i).join(', ') || 'unnamed adapter';
	return `${name}${software ? ' (software: counts work, says nothing of a GPU)' : ''}${timestamps ? '' : '; no timestamp-query, so no GPU times'}`;
}

/** A buffer with this content, for shaders, copies and reading back. */
export function filledBuffer(device: GPUDevice, label: string, data: Float32Array | Uint32Array): GPUBuffer {
	const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
	const buffer = device.createBuffer({ label, size: Math.max(16, data.byteLength), usage });
	device.queue.writeBuffer(buffer, 0, data as Float32Array<ArrayBuffer>);
	return buffer;
}

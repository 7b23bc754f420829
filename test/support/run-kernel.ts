// Runs a small kernel of a test: uniform params at binding 0, read-only words from binding 1 on, the output after them.

export interface Kernel {
	readonly code: string;
	readonly params: Uint32Array;
	readonly inputs: readonly Uint32Array[];
	readonly outputWords: number;
	readonly workgroups: number;
}

/** The output words. */
export async function runKernel(device: GPUDevice, kernel: Kernel): Promise<Uint32Array> {
	const made: GPUBuffer[] = [];
	const make = (bytes: number, usage: number, data?: Uint32Array) => {
		const buffer = device.createBuffer({ size: Math.max(16, bytes), usage });
		if (data) device.queue.writeBuffer(buffer, 0, data as Uint32Array<ArrayBuffer>);
		made.push(buffer);
		return buffer;
	};
	const bytes = kernel.outputWords * 4;
	const buffers = [
		make(kernel.params.byteLength, GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST, kernel.params),
		...kernel.inputs.map((input) => make(input.byteLength, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST, input)),
		make(bytes, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC),
	];
	const staging = make(bytes, GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST);
	const layout = device.createBindGroupLayout({
		entries: buffers.map((_, binding) => ({
			binding,
			visibility: 4,
			buffer: { type: binding === 0 ? 'uniform' : binding === buffers.length - 1 ? 'storage' : 'read-only-storage' },
		})),
	});
	const pipeline = await device.createComputePipelineAsync({
		layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
		compute: { module: device.createShaderModule({ code: kernel.code }), entryPoint: 'main' },
	});
	const group = device.createBindGroup({ layout, entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })) });
	const encoder = device.createCommandEncoder();
	const pass = encoder.beginComputePass();
	pass.setPipeline(pipeline);
	pass.setBindGroup(0, group);
	pass.dispatchWorkgroups(kernel.workgroups);
	pass.end();
	encoder.copyBufferToBuffer(buffers[buffers.length - 1], 0, staging, 0, bytes);
	device.queue.submit([encoder.finish()]);
	await staging.mapAsync(GPUMapMode.READ);
	const result = new Uint32Array(staging.getMappedRange(0, bytes).slice(0));
	for (const buffer of made) buffer.destroy();
	return result;
}

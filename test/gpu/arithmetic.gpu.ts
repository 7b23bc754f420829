// What kedge's exactness stands on: + - x of two float32 on the device are the correctly rounded results, bit for bit,
// the numbers that Math.fround gives. (Division is not relied on.) And the probe that shows a runner works at all.

import { assert } from 'chai';
import { gpuTest } from '../support/gpu-suite.js';

const NUM_PAIRS = 65_536;
const SHADER = /* wgsl */ `
@group(0) @binding(0) var<storage, read> pairs: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> results: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i < ${NUM_PAIRS}u) {
    let a = pairs[i].x;
    let b = pairs[i].y;
    results[3u * i] = a + b;
    results[3u * i + 1u] = a - b;
    results[3u * i + 2u] = a * b;
  }
}`;

/** Random floats of either sign between 2^-31 and 2^32, so that no product leaves the normal range. */
function randomFloats(count: number): Float32Array {
	const bits = new Uint32Array(count);
	let state = 1;
	for (let i = 0; i < count; i++) {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		const high = state >>> 16;
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
		const exponent = 96 + (high & 63);
		bits[i] = (((high >>> 6) & 1) << 31) | (exponent << 23) | (state >>> 9);
	}
	return new Float32Array(bits.buffer);
}

gpuTest('arithmetic: + - x round as Math.fround does', async ({ device }) => {
	const pairs = randomFloats(2 * NUM_PAIRS);
	const input = device.createBuffer({ size: pairs.byteLength, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST });
	const size = 12 * NUM_PAIRS;
	const output = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
	const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
	device.queue.writeBuffer(input, 0, pairs);
	const module = device.createShaderModule({ code: SHADER });
	const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'main' } });
	const entries = [input, output].map((buffer, binding) => ({ binding, resource: { buffer } }));
	const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
	const encoder = device.createCommandEncoder();
	const pass = encoder.beginComputePass();
	pass.setPipeline(pipeline);
	pass.setBindGroup(0, bindGroup);
	pass.dispatchWorkgroups(NUM_PAIRS / 64);
	pass.end();
	encoder.copyBufferToBuffer(output, 0, staging, 0, size);
	device.queue.submit([encoder.finish()]);
	await staging.mapAsync(GPUMapMode.READ);
	const results = new Float32Array(staging.getMappedRange().slice(0));
	for (const buffer of [input, output, staging]) buffer.destroy();

	const wrong: string[] = [];
	for (let i = 0; i < NUM_PAIRS; i++) {
		const [a, b] = [pairs[2 * i], pairs[2 * i + 1]];
		const expected = [Math.fround(a + b), Math.fround(a - b), Math.fround(a * b)];
		expected.forEach((x, k) => {
			if (x !== results[3 * i + k]) wrong.push(`${a} ${'+-x'[k]} ${b}: got ${results[3 * i + k]}, expected ${x}`);
		});
	}
	assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${3 * NUM_PAIRS} differ`);
});

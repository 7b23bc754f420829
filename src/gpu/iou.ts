// boxIou on the GPU: one thread per pair, rows of A split so that no part of the matrix exceeds a binding.

import { pairsShader } from '../../shaders/pairs.wgsl.js';
import type { PairKind } from '../pipeline.js';
import { type Device, platformError } from './device.js';
import { createBuffer } from './slot.js';
import { compileStage, MAP_MODE_READ, type Stage, USAGE } from './stage.js';

/** Threads per workgroup. */
const WORKGROUP = 256;
/** Bytes of the matrix that one dispatch writes at most. */
const MAX_PART_BYTES = 2 ** 26;

export class BoxIou {
	readonly #device: Device;

	constructor(device: Device) {
		this.#device = device;
	}

	/** [A, B] row by row; boxes as `PairKind` says. Arrays are copied before the first await. */
	async run(boxesA: Float32Array, boxesB: Float32Array, kind: PairKind): Promise<Float32Array> {
		const words = kind === 'rotated-iou' || kind === 'probiou' ? 5 : 4;
		const numA = boxesA.length / words;
		const numB = boxesB.length / words;
		const result = new Float32Array(numA * numB);
		if (result.length === 0) return result;
		const a = boxesA.slice();
		const b = boxesB.slice();
		const stage = await compileStage(this.#device, {
			name: `pairs.${kind}`,
			code: pairsShader(kind, WORKGROUP),
			bindings: [
				[0, 'uniform', 'params'],
				[1, 'read', 'boxes_a'],
				[2, 'read', 'boxes_b'],
				[3, 'read_write', 'matrix'],
			],
		});
		const rowsPerPart = Math.max(1, Math.floor(Math.min(MAX_PART_BYTES, this.#device.gpu.limits.maxStorageBufferBindingSize) / (numB * 4)));
		for (let row = 0; row < numA; row += rowsPerPart) {
			const rows = Math.min(rowsPerPart, numA - row);
			result.set(await this.#part(stage, a.subarray(row * words, (row + rows) * words), rows, b, numB), row * numB);
		}
		return result;
	}

	async #part(stage: Stage, a: Float32Array, numA: number, b: Float32Array, numB: number): Promise<Float32Array> {
		const device = this.#device;
		const { queue } = device.gpu;
		const pairs = numA * numB;
		const made: GPUBuffer[] = [];
		const make = (what: string, bytes: number, usage: number) => {
			const buffer = createBuffer(device, what, bytes, usage);
			made.push(buffer);
			return buffer;
		};
		try {
			let staging!: GPUBuffer;
			let mapped!: Promise<void>;
			await device.scoped('boxIou', () => {
				const params = make('pairs.params', 16, USAGE.UNIFORM | USAGE.COPY_DST);
				const bufferA = make('pairs.a', a.byteLength, USAGE.STORAGE | USAGE.COPY_DST);
				const bufferB = make('pairs.b', b.byteLength, USAGE.STORAGE | USAGE.COPY_DST);
				const matrix = make('pairs.matrix', pairs * 4, USAGE.STORAGE | USAGE.COPY_SRC);
				staging = make('pairs.staging', pairs * 4, USAGE.MAP_READ | USAGE.COPY_DST);
				queue.writeBuffer(params, 0, new Uint32Array([numA, numB, 0, 0]));
				queue.writeBuffer(bufferA, 0, a as Float32Array<ArrayBuffer>);
				queue.writeBuffer(bufferB, 0, b as Float32Array<ArrayBuffer>);
				const entries = [params, bufferA, bufferB, matrix].map((buffer, binding) => ({ binding, resource: { buffer } }));
				const group = device.gpu.createBindGroup({ label: 'kedge.pairs', layout: stage.layout, entries });
				const encoder = device.gpu.createCommandEncoder({ label: 'kedge.pairs' });
				const pass = encoder.beginComputePass({ label: 'kedge.pairs' });
				pass.setPipeline(stage.pipeline);
				pass.setBindGroup(0, group);
				pass.dispatchWorkgroups(Math.min(65535, Math.ceil(pairs / WORKGROUP)));
				pass.end();
				encoder.copyBufferToBuffer(matrix, 0, staging, 0, pairs * 4);
				queue.submit([encoder.finish()]);
				mapped = staging.mapAsync(MAP_MODE_READ);
				mapped.catch(() => undefined);
			});
			await device.race(mapped, undefined, 'boxIou');
			return new Float32Array(staging.getMappedRange(0, pairs * 4)).slice();
		} catch (error) {
			throw platformError('boxIou', error);
		} finally {
			for (const buffer of made) buffer.destroy();
		}
	}
}

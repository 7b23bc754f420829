// Masks on the GPU: two passes (shaders/masks.wgsl.ts) in one submit. Labels go to the host or into a texture; bytes and
// logits beyond one binding are made in parts of some detections, read one after the other.

import { MASK_PARAMS, maskLogitsShader, masksShader } from '../../shaders/masks.wgsl.js';
import type { MaskJob, MaskOutput, MaskResults } from '../masks/job.js';
import { type Device, platformError } from './device.js';
import { ALIGNMENT, checkLimits, isMap, MAX_GROUPS, mapRowBytes, type Part, partsOf, prototypeBytes, regionWords, tapWords, unitBytes } from './mask-parts.js';
import { type BoundRange, createBuffer } from './slot.js';
import { compileStage, MAP_MODE_READ, type Stage, USAGE } from './stage.js';
import { upload } from './transfer.js';

/** Threads per workgroup. */
const WORKGROUP = 256;
/** GPUTextureUsage COPY_SRC, COPY_DST, TEXTURE_BINDING. */
const TEXTURE_USAGE = 1 | 2 | 4;

type Result = MaskResults[MaskOutput];
/** What all parts of a job share. */
interface Shared {
	readonly prototypes: BoundRange;
	readonly taps: GPUBuffer;
}

/** The masks of a job. Throws a RangeError before any GPU work when they exceed a limit of the device. */
export async function assembleOnGpu(device: Device, job: MaskJob): Promise<Result> {
	checkLimits(job, device.gpu.limits);
	const stages = await compile(device, job);
	const run = new MaskRun(device, job, stages);
	try {
		return await run.start();
	} catch (error) {
		throw platformError('assembleMasks', error);
	} finally {
		run.destroy();
	}
}

/** Logits of the regions, masks of the logits. */
function compile(device: Device, job: MaskJob): Promise<[Stage, Stage]> {
	const isHalf = job.prototypes.type === 'float16';
	const kind = isMap(job) ? 'labels' : (job.output as 'bytes' | 'logits');
	const compileOne = (name: string, code: string, names: readonly [string, string, string]) =>
		compileStage(device, {
			name,
			code,
			bindings: [
				[0, 'uniform', 'params'],
				[1, 'read', 'regions'],
				[2, 'read', names[0]],
				[3, 'read', names[1]],
				[4, 'read_write', names[2]],
			],
		});
	return Promise.all([
		compileOne(`mask-logits.${isHalf ? 'h' : 'f'}`, maskLogitsShader(isHalf, WORKGROUP), ['coefficients', 'prototypes', 'logits']),
		compileOne(`masks.${kind}`, masksShader(kind, WORKGROUP), ['logits', 'taps', 'masks']),
	]);
}

class MaskRun {
	readonly #device: Device;
	readonly #job: MaskJob;
	readonly #stages: readonly [Stage, Stage];
	/** Buffers of all parts, and of the part at hand. */
	readonly #kept: GPUBuffer[] = [];
	readonly #made: GPUBuffer[] = [];
	#shared: Shared | undefined;

	constructor(device: Device, job: MaskJob, stages: readonly [Stage, Stage]) {
		this.#device = device;
		this.#job = job;
		this.#stages = stages;
	}

	async start(): Promise<Result> {
		const { output, count, height, width } = this.#job;
		const parts = partsOf(this.#job, this.#device.gpu.limits);
		const numbers = { count, height, width };
		if (output === 'texture') return { ...numbers, texture: await this.#texture(parts) };
		if (output === 'labels') return { ...numbers, data: await this.#labels(parts) };
		const unit = unitBytes(this.#job);
		const result = new Uint8Array(count * unit);
		for (const part of parts) {
			const bytes = (part.end - part.first) * unit;
			const masks = await this.#read(bytes, (encoder) => {
				const buffer = this.#make('masks', bytes, USAGE.STORAGE | USAGE.COPY_SRC);
				this.#record(encoder, part, buffer);
				return buffer;
			});
			result.set(masks, part.first * unit);
			this.#free(this.#made);
		}
		return output === 'logits' ? { ...numbers, data: new Float32Array(result.buffer) } : { ...numbers, data: result };
	}

	#make(what: string, bytes: number, usage: number, list = this.#made): GPUBuffer {
		const buffer = createBuffer(this.#device, `masks.${what}`, bytes, usage);
		list.push(buffer);
		return buffer;
	}

	#filled(what: string, usage: number, data: Uint32Array<ArrayBuffer> | Float32Array, list = this.#made): GPUBuffer {
		const buffer = this.#make(what, data.byteLength, usage | USAGE.COPY_DST, list);
		this.#device.gpu.queue.writeBuffer(buffer, 0, data as Uint32Array<ArrayBuffer>);
		return buffer;
	}

	#prototypes(): BoundRange {
		const tensor = this.#job.prototypes;
		const bytes = prototypeBytes(this.#job);
		if (tensor.location === 'cpu') {
			const buffer = this.#make('prototypes', bytes, USAGE.STORAGE | USAGE.COPY_DST, this.#kept);
			upload(this.#device.gpu.queue, buffer, tensor.data);
			return { buffer, offset: 0, size: Math.ceil(bytes / 4) * 4, skip: 0 };
		}
		const skipped = tensor.offset % ALIGNMENT;
		const skip = skipped / (tensor.type === 'float16' ? 2 : 4);
		return { buffer: tensor.buffer, offset: tensor.offset - skipped, size: Math.ceil((skipped + bytes) / 4) * 4, skip };
	}

	/** Both passes of a part; `masks` is written from its start. */
	#record(encoder: GPUCommandEncoder, part: Part, masks: GPUBuffer): void {
		const job = this.#job;
		this.#shared ??= { prototypes: this.#prototypes(), taps: this.#filled('taps', USAGE.STORAGE, tapWords(job), this.#kept) };
		const { prototypes, taps } = this.#shared;
		const numMasks = part.end - part.first;
		const numWords = Math.ceil((unitBytes(job) * (isMap(job) ? 1 : numMasks)) / 4);
		const params = this.#filled('params', USAGE.UNIFORM, this.#params(part, numWords, prototypes.skip));
		const regions = this.#filled('regions', USAGE.STORAGE, regionWords(job, part));
		const some = job.coefficients.subarray(part.first * job.numPrototypes, part.end * job.numPrototypes);
		const coefficients = this.#filled('coefficients', USAGE.STORAGE, some);
		const logits = this.#make('logits', part.numLogits * 4, USAGE.STORAGE);
		const whole = (buffer: GPUBuffer): GPUBufferBinding => ({ buffer });
		const { buffer, offset, size } = prototypes;
		const pass = encoder.beginComputePass({ label: 'kedge.masks' });
		this.#dispatch(pass, this.#stages[0], [...[params, regions, coefficients].map(whole), { buffer, offset, size }, whole(logits)], part.largest, numMasks);
		this.#dispatch(pass, this.#stages[1], [params, regions, logits, taps, masks].map(whole), numWords, 1);
		pass.end();
	}

	#dispatch(pass: GPUComputePassEncoder, stage: Stage, bound: readonly GPUBufferBinding[], numThreads: number, y: number): void {
		if (numThreads === 0) return;
		const entries = bound.map((resource, binding) => ({ binding, resource }));
		pass.setPipeline(stage.pipeline);
		pass.setBindGroup(0, this.#device.gpu.createBindGroup({ label: `kedge.${stage.spec.name}`, layout: stage.layout, entries }));
		pass.dispatchWorkgroups(Math.min(MAX_GROUPS, Math.ceil(numThreads / WORKGROUP)), y);
	}

	#params(part: Part, numWords: number, skip: number): Uint32Array<ArrayBuffer> {
		const { numPrototypes, strides, height, width, minKey } = this.#job;
		const values: { readonly [name in (typeof MASK_PARAMS)[number]]: number } = {
			num_masks: part.end - part.first,
			num_prototypes: numPrototypes,
			channel_stride: strides.channel,
			row_stride: strides.row,
			column_stride: strides.column,
			skip,
			height,
			width,
			num_words: numWords,
			words_per_row: mapRowBytes(this.#job) / 4,
			first_label: part.first + 1,
			min_key: minKey,
			zero: 0,
		};
		return Uint32Array.from(MASK_PARAMS, (name) => values[name]);
	}

	/** The map of all parts, each adding to what is free, in one command buffer. */
	#recordMap(encoder: GPUCommandEncoder, parts: readonly Part[]): GPUBuffer {
		const map = this.#make('map', unitBytes(this.#job), USAGE.STORAGE | USAGE.COPY_SRC);
		for (const part of parts) this.#record(encoder, part, map);
		return map;
	}

	async #labels(parts: readonly Part[]): Promise<Uint16Array> {
		const { height, width } = this.#job;
		const bytes = await this.#read(unitBytes(this.#job), (encoder) => this.#recordMap(encoder, parts));
		const padded = new Uint16Array(bytes.buffer);
		const labels = new Uint16Array(height * width);
		const stride = mapRowBytes(this.#job) / 2;
		for (let y = 0; y < height; y++) labels.set(padded.subarray(y * stride, y * stride + width), y * width);
		return labels;
	}

	async #texture(parts: readonly Part[]): Promise<GPUTexture> {
		const { height, width, texture: given } = this.#job;
		const { gpu } = this.#device;
		let own: GPUTexture | undefined;
		try {
			return await this.#device.scoped('assembleMasks', () => {
				const size = [width, height];
				if (!given) own = gpu.createTexture({ label: 'kedge.masks', size, format: 'r16uint', usage: TEXTURE_USAGE });
				const texture = given ?? (own as GPUTexture);
				const encoder = gpu.createCommandEncoder({ label: 'kedge.masks' });
				const buffer = this.#recordMap(encoder, parts);
				encoder.copyBufferToTexture({ buffer, bytesPerRow: mapRowBytes(this.#job), rowsPerImage: height }, { texture }, size);
				gpu.queue.submit([encoder.finish()]);
				return texture;
			});
		} catch (error) {
			own?.destroy();
			throw error;
		}
	}

	/** Submits what `record` appends; the first bytes of the buffer that it fills, copied to the host. */
	async #read(bytes: number, record: (encoder: GPUCommandEncoder) => GPUBuffer): Promise<Uint8Array> {
		const { gpu } = this.#device;
		const size = Math.ceil(bytes / 4) * 4;
		let mapped!: Promise<void>;
		const staging = await this.#device.scoped('assembleMasks', () => {
			const buffer = this.#make('staging', size, USAGE.MAP_READ | USAGE.COPY_DST);
			const encoder = gpu.createCommandEncoder({ label: 'kedge.masks' });
			encoder.copyBufferToBuffer(record(encoder), 0, buffer, 0, size);
			gpu.queue.submit([encoder.finish()]);
			mapped = buffer.mapAsync(MAP_MODE_READ);
			mapped.catch(() => undefined);
			return buffer;
		});
		await this.#device.race(mapped, undefined, 'assembleMasks');
		return new Uint8Array(staging.getMappedRange(0, size)).slice(0, bytes);
	}

	#free(list: GPUBuffer[]): void {
		for (const buffer of list.splice(0)) buffer.destroy();
	}

	destroy(): void {
		this.#free(this.#made);
		this.#free(this.#kept);
	}
}

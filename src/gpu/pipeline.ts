// One head on the GPU. run(): write uniforms and inputs, encode the steps in one pass, submit once, map once.
// A ring of slots lets the next frame be submitted while the last one is mapped; after warm-up a run makes no GPU object.

import { KedgeError } from '../errors.js';
import { mostListed, numSlots } from '../head-facts.js';
import type { Head } from '../heads/head.js';
import { SIZES, type Sizes, SOFTWARE_SIZES } from '../layout.js';
import type { Encoded, GpuPipeline, Kept } from '../pipeline.js';
import type { CallParams } from '../plan.js';
import { type Capacity, type FrameTransform, planCapacity } from '../plan.js';
import { BITMASK_LIMIT } from '../stages.js';
import type { BoundTensor } from '../tensors.js';
import { type GpuAnchors, gpuAnchors } from './anchors.js';
import { type Device, platformError } from './device.js';
import { encodedLayout } from './encoded.js';
import { nudge } from './nudge.js';
import { Readback } from './readback.js';
import { Recorder } from './recorder.js';
import type { GpuPipelineOptions, Prepared, Run } from './run.js';
import { type BoundRange, createBuffer, Ring, Slot } from './slot.js';
import { compileStage, MAP_MODE_READ, type Stage, type StageSpec, USAGE } from './stage.js';
import { headSpecs, type KernelName, kernelSpecs } from './stages.js';
import { copyOnCpu, halves, typeKey, unmap } from './transfer.js';

/** Results of `encode` that are valid at once. */
const ENCODE_RING = 3;

export class HeadPipeline implements GpuPipeline {
	readonly #device: Device;
	readonly #options: GpuPipelineOptions;
	readonly #sizes: Sizes;
	readonly #bitmask: boolean;
	readonly #anchors: GpuAnchors;
	/** What never changes: anchors, and the class filter where there is one. */
	readonly #constants: Record<string, BoundRange> = {};
	readonly #compiled = new Map<string, ReadonlyMap<KernelName, Stage>>();
	readonly #ring: Ring;
	readonly #recorder: Recorder;
	readonly #readback: Readback;
	readonly #encodeSlots: (Slot | undefined)[] = [];
	#nextEncode = 0;
	#serial = 0;
	/** Runs that still use the buffers, aborted ones too. */
	#running = 0;
	#disposed = false;

	constructor(device: Device, options: GpuPipelineOptions) {
		this.#device = device;
		this.#options = options;
		this.#sizes = options.sizes ?? (device.software ? SOFTWARE_SIZES : SIZES);
		this.#bitmask = options.suppression === 'bitmask';
		this.#anchors = gpuAnchors(options.head);
		this.#recorder = new Recorder(device, options, this.#sizes, this.#constants, this.#anchors);
		this.#readback = new Readback(device, options, this.#sizes, this.#recorder);
		const own = { sizes: this.#sizes, bitmask: this.#bitmask };
		const reads = options.hybrid ? 'candidates' : 'rows';
		this.#ring = new Ring((capacity) => new Slot(device, capacity, { ...own, timestamps: device.gpu.features.has('timestamp-query'), reads }));
	}

	/** Compiles what float32 tensors need; other types are compiled when they first come. */
	async start(): Promise<this> {
		const { head, classFilter } = this.#options;
		const constants = this.#device.scoped('createPostprocessor', () => {
			this.#constant('anchors', this.#anchors.rows);
			if (classFilter) this.#constant('class_filter', classFilter);
		});
		try {
			await Promise.all([constants, this.#stages(head.tensors.map(() => false))]);
			return this;
		} catch (error) {
			this.dispose();
			throw error;
		}
	}

	async run(tensors: readonly BoundTensor[], batch: number, call: CallParams, head = this.#options.head): Promise<Kept[]> {
		this.#assertUsable();
		call.signal?.throwIfAborted();
		this.#running++;
		const work = this.#enqueue(tensors, batch, call, head).finally(() => {
			this.#running--;
			if (this.#disposed && this.#running === 0) this.#free();
		});
		// An abort ends the caller's waiting, which is not ours to do; here it only leaves the queue for a place.
		return this.#device.race(work);
	}

	/** Waits for shaders and for a place in the ring where it must; otherwise the work is submitted before this returns. */
	async #enqueue(tensors: readonly BoundTensor[], batch: number, call: CallParams, head: Head): Promise<Kept[]> {
		const started = performance.now();
		const capacity = this.#capacity(head, batch, call);
		let stages = this.#compiled.get(typeKey(halves(tensors)));
		let place = stages && this.#ring.take();
		// The twins read arrays again when the GPU is done.
		let inputs = this.#options.gpuStages === undefined ? tensors : copyOnCpu(tensors);
		if (!stages || place === undefined) {
			// The caller may change his arrays as soon as we wait.
			inputs = copyOnCpu(tensors);
			stages ??= await this.#stages(halves(tensors));
			call.signal?.throwIfAborted();
			place = this.#ring.take() ?? (await this.#ring.wait((turn) => this.#device.race(turn, call.signal)));
		}
		const taken = place;
		const run = { capacity, stages, tensors: inputs, batch, call, head, started };
		return this.#runIn(taken, run).finally(() => this.#ring.release(taken));
	}

	encode(encoder: GPUCommandEncoder, tensors: readonly BoundTensor[], batch: number, call: CallParams, frame?: FrameTransform): Encoded {
		this.#assertUsable();
		const { head } = this.#options;
		const stages = this.#compiled.get(typeKey(halves(tensors)));
		if (!stages) throw new RangeError('encode: tensors need shaders that are not compiled yet; got float16; await one run() with such tensors first');
		const capacity = this.#capacity(head, batch, call);
		const run = { capacity, stages, tensors, batch, call, head, started: 0 };
		const prepared = this.#prepareEncode(run, frame);
		const { slot } = prepared;
		try {
			this.#recorder.write(prepared, true);
			this.#recorder.record(encoder, prepared);
		} catch (error) {
			throw platformError('encode', error);
		}
		return { buffer: slot.get('output'), layout: encodedLayout(head, slot.capacity, batch) };
	}

	/**
	 * The next slot of encode(), made ready. Nobody waits for what WebGPU says of new buffers and bind groups: the caller
	 * hears of invalid ones when he finishes his encoder. What is broken is not used for a later encode(). Only what is made
	 * stands inside the scope: faults of writing and recording belong to the caller's own.
	 */
	#prepareEncode(run: Run, frame?: FrameTransform): Prepared {
		const place = this.#nextEncode++ % ENCODE_RING;
		const old = this.#encodeSlots[place];
		if (old?.holds(run.capacity) && this.#recorder.planned(old, run, frame)) return this.#recorder.prepare(old, run, this.#nextSerial(), frame);
		let prepared: Prepared | undefined;
		let thrown: unknown;
		const drop = () => {
			this.#encodeSlots[place]?.destroy();
			this.#encodeSlots[place] = undefined;
		};
		const made = this.#device.scoped('encode', () => {
			try {
				if (!this.#encodeSlots[place]?.holds(run.capacity)) {
					drop();
					this.#encodeSlots[place] = new Slot(this.#device, run.capacity, { sizes: this.#sizes, bitmask: this.#bitmask });
				}
				prepared = this.#recorder.prepare(this.#encodeSlots[place] as Slot, run, this.#nextSerial(), frame);
			} catch (error) {
				drop();
				thrown = error;
			}
		});
		made.catch(drop);
		if (!prepared) throw platformError('encode', thrown);
		return prepared;
	}

	/** Running calls finish first. */
	dispose(): void {
		this.#disposed = true;
		if (this.#running === 0) this.#free();
	}

	#free(): void {
		this.#ring.dispose();
		for (const slot of this.#encodeSlots) slot?.destroy();
		for (const { buffer } of Object.values(this.#constants)) buffer.destroy();
	}

	#nextSerial(): number {
		this.#serial = (this.#serial + 1) >>> 0;
		return this.#serial;
	}

	#assertUsable(): void {
		if (this.#disposed) throw new KedgeError('DISPOSED', 'run: the postprocessor was used after dispose()');
		this.#device.assertAlive();
	}

	#capacity(head: Head, batch: number, call: CallParams): Capacity {
		const capacity = planCapacity(head, this.#options.multiLabel, batch, call);
		const listed = this.#bitmask ? mostListed(head, this.#options.multiLabel, call.maxCandidates) : 0;
		if (listed > BITMASK_LIMIT) {
			throw new RangeError(
				`createPostprocessor: suppression 'bitmask' holds ${BITMASK_LIMIT} candidates at most; got up to ${listed}; set maxCandidates: ${BITMASK_LIMIT} or use 'blocked'`,
			);
		}
		if (!this.#options.growing) return capacity;
		const grown = (n: number) => 2 ** Math.ceil(Math.log2(Math.max(256, n)));
		return { ...capacity, candidates: grown(capacity.candidates), rows: grown(capacity.rows) };
	}

	/** Compiles the kernels for tensors of these types. */
	async #stages(half: readonly boolean[]): Promise<ReadonlyMap<KernelName, Stage>> {
		const key = typeKey(half);
		const ready = this.#compiled.get(key);
		if (ready) return ready;
		const { head, multiLabel, classFilter, givenClasses } = this.#options;
		const own = headSpecs({ head, multiLabel, classFilter: classFilter !== undefined, givenClasses, anchors: this.#anchors.source, sizes: this.#sizes }, half);
		const others = kernelSpecs(this.#sizes, this.#options.overlap, this.#options.soft);
		const specs = [...Object.entries(own), ...this.#otherKernels().map((name) => [name, others[name]])] as [KernelName, StageSpec][];
		const compiled = await Promise.all(specs.map(async ([name, spec]) => [name, await compileStage(this.#device, spec)] as const));
		const stages = new Map(compiled);
		this.#compiled.set(key, stages);
		return stages;
	}

	/** The kernels after decode that runs of this pipeline may need. Compiling takes its time: suppression more than all others. */
	#otherKernels(): Exclude<KernelName, 'decode' | 'gather'>[] {
		const { head, multiLabel, hybrid, growing, soft } = this.#options;
		if (hybrid) return multiLabel ? ['bins'] : [];
		const mayBeHeavy = growing || multiLabel || head.numAnchors > this.#sizes.counted;
		const sort = ['bins', 'scatter', 'rank', ...(mayBeHeavy ? (['rerank'] as const) : []), ...(numSlots(head) > 1 ? (['merge'] as const) : [])] as const;
		if (soft) return [...sort, 'soften'];
		if (this.#bitmask) return [...sort, 'overlaps', 'sweep'];
		const mayBeLong = growing || multiLabel || head.numAnchors > this.#sizes.head / 2;
		return [...sort, 'suppress', ...(mayBeLong ? (['prefilter'] as const) : [])];
	}

	/** A buffer that never changes. */
	#constant(name: string, data: Float32Array | Uint32Array): void {
		const buffer = createBuffer(this.#device, name, data.byteLength, USAGE.STORAGE | USAGE.COPY_DST);
		this.#constants[name] = { buffer, offset: 0, size: Math.max(16, data.byteLength), skip: 0 };
		this.#device.gpu.queue.writeBuffer(buffer, 0, data as Uint32Array<ArrayBuffer>);
	}

	/** Whether all is there that a run needs: only commands are recorded, and its serial number is written. */
	#isReady(place: number, run: Run): boolean {
		const slot = this.#ring.ready(place, run.capacity);
		return slot !== undefined && this.#recorder.planned(slot, run) !== undefined && run.tensors.every(({ tensor }) => tensor.location === 'gpu');
	}

	/** One run in a place of the ring, from uniforms to results. */
	async #runIn(place: number, run: Run): Promise<Kept[]> {
		const { call } = run;
		const { gpuStages } = this.#options;
		let prepared!: Prepared;
		let timed: string[] = [];
		let mapped: Promise<void> | undefined;
		let sound = false;
		const submit = () => {
			const slot = this.#ring.slot(place, run.capacity);
			prepared = this.#recorder.prepare(slot, run, this.#nextSerial());
			this.#recorder.write(prepared);
			const encoder = this.#device.gpu.createCommandEncoder({ label: 'kedge.run' });
			const wantTimes = call.timings === true && slot.querySet !== undefined;
			timed = this.#recorder.record(encoder, prepared, wantTimes);
			const bytes = gpuStages === undefined ? this.#readback.copyFirst(encoder, prepared, timed.length) : 0;
			this.#device.gpu.queue.submit([encoder.finish()]);
			if (bytes > 0) {
				mapped = slot.get('staging').mapAsync(MAP_MODE_READ, 0, bytes);
				mapped.catch(() => undefined);
			}
		};
		const submitted = this.#device.scoped('run', submit, !this.#isReady(place, run));
		submitted.catch(() => undefined);
		try {
			if (mapped && this.#options.latency === 'low') nudge(this.#device.gpu, mapped).catch(() => undefined);
			await submitted;
			if (mapped) await this.#device.race(mapped);
			const kept = await (mapped ? this.#readback.read(prepared, timed) : this.#readback.finishOnTwins(prepared));
			sound = true;
			return kept;
		} catch (error) {
			throw platformError('run', error);
		} finally {
			await unmap(prepared?.slot.get('staging'), mapped);
			// What went wrong may have left buffers or bind groups invalid: the next run makes new ones.
			if (!sound) this.#ring.discard(place);
		}
	}
}
